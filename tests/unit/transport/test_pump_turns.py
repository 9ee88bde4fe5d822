"""What a pump does and does not do in the middle of a drain, and after it let go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import pong, text
from tests.support.pumps import PUMPS, play

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.parametrize("pair", PUMPS)


async def test_a_callback_that_reads_does_not_overtake_the_drain(pair: Any) -> None:
    """A drain inside a drain would parse what comes later before the rest of what came first."""
    seen: list[bytes] = []

    def on_message(payload: bytes, opcode: int) -> None:
        seen.append(payload)
        played.pump.read_now()

    played = play(pair, on_message=on_message)
    played.curl.incoming = [text("1") + text("2") + text("3")[:2], text("3")[2:] + text("4")]
    await played.soon(played.io.readable)
    assert seen == [b"1", b"2", b"3", b"4"]
    assert played.ends == []


async def test_after_a_drain_the_next_one_may_begin(pair: Any) -> None:
    played = play(pair, text("1"))
    for number in (2, 3):
        played.curl.incoming = [text(str(number))]
        played.pump.read_now()
    assert played.received() == [b"1", b"2", b"3"]


class Hooked(list[bytes]):
    """A list that makes a call whenever something is put into it."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self._call = call

    def append(self, item: bytes) -> None:
        super().append(item)
        self._call()


async def test_nobody_is_resumed_in_the_middle_of_a_drain(pair: Any) -> None:
    """Not even where the kernel takes bytes again meanwhile: what came in one read is there whole
    before anybody looks."""
    played = play(pair)
    found: list[tuple[bytes, int]] = []

    async def receive() -> None:
        payload = await played.pump.recv_bytes()
        found.append((payload, played.pump.recv_queue_length))

    receiver = asyncio.ensure_future(receive())
    await played.settle()
    played.pongs = Hooked(lambda: played.pump._on_writable())
    played.curl.incoming = [text("1") + pong(b"p") + text("2")]
    await played.soon(played.io.readable)
    await receiver
    assert played.pongs == [b"p"]
    assert found == [(b"1", 1)]


class Watched:
    """A loop that keeps the handles of what is to be called soon."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.soon: list[asyncio.Handle] = []

    def call_soon(self, callback: Callable[..., object], *args: Any) -> asyncio.Handle:
        self.soon.append(self._loop.call_soon(callback, *args))
        return self.soon[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


async def test_detach_takes_its_call_back_from_the_loop(pair: Any) -> None:
    """Left there it would keep the connection alive, and be called for nothing."""
    loop = Watched()
    played = play(pair, recv_time_slice=1e-9, loop=loop)
    played.curl.incoming = [text(str(number)) for number in range(10)]
    played.io.readable()
    (handle,) = loop.soon
    assert not handle.cancelled()
    played.pump.detach()
    assert handle.cancelled()
