"""A pump on a libcurl that a test plays: each byte, each refusal and each event is the test's."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.inboxes import COMPILED_INBOX
from tickwire.transport import _inbox_py, _pump_py
from tickwire.transport.ends import End

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AGAIN",
    "PUMPS",
    "READ_BUFFER",
    "RECV_ERROR",
    "SEND_ERROR",
    "FakeCurl",
    "FakeLoop",
    "Played",
    "play",
]

AGAIN = 81
RECV_ERROR = 56
SEND_ERROR = 55
READ_BUFFER = 256 * 1024
_FD = 4711
_EASY = 0xEA51

_byte_function = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
)


class FakeCurl:
    """The two byte functions.

    Attributes:
        incoming: What the next reads give: bytes (at most as many as asked for, the rest stays), a
            number (libcurl's code), ``b""`` (end of stream). Empty means AGAIN.
        wanted: How many bytes each read asked for.
        takes: How many bytes the next writes take; a negative number is libcurl's code. Empty means
            that all are taken.
        offered: (address, bytes) of each write.
        refused: The places in ``offered`` of writes that were told AGAIN.
        taken: All bytes that were taken.
    """

    def __init__(self) -> None:
        self.incoming: list[bytes | int] = []
        self.wanted: list[int] = []
        self.takes: list[int] = []
        self.offered: list[tuple[int, bytes]] = []
        self.refused: list[int] = []
        self.taken = bytearray()
        self._thunks = (_byte_function(self._recv), _byte_function(self._send))

    @property
    def addresses(self) -> tuple[int, int]:
        recv, send = (ctypes.cast(thunk, ctypes.c_void_p).value or 0 for thunk in self._thunks)
        return recv, send

    def _recv(self, easy: int, into: int, size: int, moved: Any) -> int:
        self.wanted.append(size if easy == _EASY else -1)
        moved[0] = 0
        if not self.incoming:
            return AGAIN
        step = self.incoming.pop(0)
        if isinstance(step, int):
            return step
        now, later = step[:size], step[size:]
        if later:
            self.incoming.insert(0, later)
        ctypes.memmove(into, now, len(now))
        moved[0] = len(now)
        return 0

    def _send(self, easy: int, data: int, size: int, moved: Any) -> int:
        self.offered.append((data, ctypes.string_at(data, size)))
        moved[0] = 0
        count = self.takes.pop(0) if self.takes else size
        if count == -AGAIN:
            self.refused.append(len(self.offered) - 1)
        if count < 0:
            return -count
        moved[0] = min(count, size)
        self.taken += self.offered[-1][1][:count]
        return 0


class FakeLoop:
    """What has ``add_reader``: the test says when a descriptor is ready."""

    def __init__(self) -> None:
        self.reader: Callable[[], None] | None = None
        self.writer: Callable[[], None] | None = None

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        assert fd == _FD
        self.reader = callback

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        assert fd == _FD
        self.writer = callback

    def remove_reader(self, fd: int) -> None:
        assert fd == _FD
        assert self.reader is not None
        self.reader = None

    def remove_writer(self, fd: int) -> None:
        assert fd == _FD
        assert self.writer is not None
        self.writer = None

    def readable(self) -> None:
        if self.reader is not None:
            self.reader()

    def writable(self) -> None:
        if self.writer is not None:
            self.writer()


class Played:
    """A pump and the test's hands on it.

    Attributes:
        ends: (kind, detail) of each end that the pump reported.
        pongs: The payloads of pongs.
        rooms: How often it told that its send queue has shrunk.
    """

    def __init__(self) -> None:
        self.curl = FakeCurl()
        self.io = FakeLoop()
        self.ends: list[tuple[End, Any]] = []
        self.pongs: list[bytes] = []
        self.rooms = 0
        self.slow: list[bytes] = []
        self.pump: Any = None

    async def soon(self, *calls: Callable[[], object]) -> None:
        """Make calls from the loop, one after the other in one turn, and let all come of it."""
        loop = asyncio.get_running_loop()
        for call in calls:
            loop.call_soon(call)
        await self.settle()

    async def settle(self, turns: int = 25) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    def received(self) -> list[bytes]:
        """Empty the receive queue."""
        return [self.pump.inbox.get() for _ in range(self.pump.recv_queue_length)]


def play(pair: tuple[Any, Any], *incoming: bytes | int, **changed: Any) -> Played:
    """A started pump.

    Args:
        pair: A module with a pump, and an inbox type.
        incoming: What the pump finds when it starts.
        changed: Arguments of the pump, and of its inbox.
    """
    module, inbox_type = pair
    played = Played()
    played.curl.incoming += incoming

    class Probe(module.Pump):  # type: ignore[misc, name-defined]
        def _on_end(self, kind: int, detail: Any) -> None:
            played.ends.append((End(kind), detail))
            self.ended = True

        def _on_pong(self, payload: bytes) -> None:
            played.pongs.append(payload)

        def _on_room(self) -> None:
            played.rooms += 1

        def _end_error(self) -> Exception:
            return EOFError()

        def _recv_timeout(self, timeout: float) -> Exception:
            return TimeoutError(timeout)

        def _not_text(self, payload: bytes) -> str:
            raise ValueError(payload)

        async def _send_slow(self, payload: Any, flags: int, timeout: float | None) -> None:
            played.slow.append(bytes(payload))

    recv, send = played.curl.addresses
    options: dict[str, Any] = {
        "plain": False,
        "max_message_size": 4 << 20,
        "on_message": None,
        "send_queue_size": 128,
        "max_send_batch_size": 64,
        "coalesce_frames": False,
        "recv_time_slice": 10.0,
        "send_time_slice": 10.0,
        "max_frame_payload": 64 * 1024,
        "limit": 10_000,
        "limit_bytes": 1 << 30,
        "read_ahead": 0,
        **changed,
    }
    bounds = (options.pop("limit"), options.pop("limit_bytes"), options.pop("read_ahead"))
    played.pump = Probe(
        loop=options.pop("loop", None) or asyncio.get_running_loop(),
        io_loop=played.io,
        fd=_FD,
        easy=_EASY,
        recv_address=recv,
        send_address=send,
        buffer=module.ReadBuffer(),
        inbox=inbox_type(*bounds, 0, None),
        **options,
    )
    played.pump.start()
    return played


def _compiled() -> Any:
    try:
        return importlib.import_module("tickwire.transport._pump")
    except ImportError:
        return None


_COMPILED = _compiled()

PUMPS = [
    pytest.param((_pump_py, _inbox_py.Inbox), id="twin"),
    pytest.param(
        (_COMPILED, COMPILED_INBOX),
        id="compiled",
        marks=pytest.mark.skipif(
            _COMPILED is None or COMPILED_INBOX is None, reason="the compiled pump is not built"
        ),
    ),
]
