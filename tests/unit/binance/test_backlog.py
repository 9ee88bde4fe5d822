"""The queue of a socket: bounded, patient with bursts, and loud about a reader that is too slow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tickwire.binance.backlog import Backlog
from tickwire.binance.errors import BinanceWebsocketQueueOverflow, ReadLoopClosed
from tickwire.errors import ConfigurationError

NEVER = 1000.0


async def test_first_in_first_out() -> None:
    backlog = Backlog(3)
    for number in range(3):
        await backlog.put(number)
    assert len(backlog) == 3
    await backlog.wait()
    assert backlog.take() == 0
    assert backlog.take_all() == [1, 2]
    assert len(backlog) == 0


async def test_a_full_queue_waits_for_a_reader_and_loses_nothing() -> None:
    backlog = Backlog(2, grace=NEVER)

    async def write() -> None:
        for number in range(50):
            await backlog.put(number)
        backlog.end()

    writer = asyncio.create_task(write())
    found: list[Any] = []
    with pytest.raises(ReadLoopClosed):
        while True:
            await backlog.wait()
            assert len(backlog) <= 2
            found.append(backlog.take())
    await writer
    assert found == list(range(50))


async def test_a_reader_that_takes_nothing_is_an_overflow() -> None:
    backlog = Backlog(2, grace=0.01)
    await backlog.put(0)
    await backlog.put(1)
    with pytest.raises(BinanceWebsocketQueueOverflow, match="size 2 exceeded maximum 2"):
        await backlog.put(2)
    assert backlog.take_all() == [0, 1]


async def test_a_reader_at_full_speed_is_never_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long there is more than it can take."""
    now = 0.0
    monkeypatch.setattr("tickwire.binance.backlog.mono", lambda: now)
    backlog = Backlog(2, grace=100.0)
    given = 0

    async def write() -> None:
        nonlocal given
        while True:
            await backlog.put(given)
            given += 1

    writer = asyncio.create_task(write())
    for expected in range(2000):
        await backlog.wait()
        assert backlog.take() == expected
        now += 1.0
    writer.cancel()
    await asyncio.wait((writer,))
    assert writer.cancelled()


async def test_the_wait_of_the_oldest_message_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("tickwire.binance.backlog.mono", lambda: now)
    backlog = Backlog(2, grace=NEVER)

    async def put_when_one_is_taken(item: str) -> None:
        put = asyncio.create_task(backlog.put(item))
        await asyncio.sleep(0)
        assert not put.done()
        backlog.take()
        await put

    await backlog.put("at 0")
    await backlog.put("at 0 too")
    now = NEVER - 1
    await put_when_one_is_taken("at 999")
    await put_when_one_is_taken("at 999 too")
    now = NEVER + 1  # the first two would be too old; they are gone
    waiting = asyncio.create_task(backlog.put("at 1001"))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    now = 2 * NEVER
    with pytest.raises(BinanceWebsocketQueueOverflow):
        await backlog.put("late")


async def test_what_is_left_can_be_read_after_the_end() -> None:
    backlog = Backlog(1)
    backlog.add("one")
    backlog.add("beyond the limit")
    backlog.end()
    await backlog.wait()
    assert backlog.take_all() == ["one", "beyond the limit"]
    with pytest.raises(ReadLoopClosed, match="enter it again"):
        await backlog.wait()


async def test_a_cancelled_wait_takes_nothing() -> None:
    backlog = Backlog(1)
    waiting = asyncio.create_task(backlog.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    backlog.add("it")
    await backlog.wait()
    assert backlog.take() == "it"


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, None])
def test_a_limit_is_a_number_of_messages(limit: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_queue_size"):
        Backlog(limit)
