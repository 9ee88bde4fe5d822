"""How lives end, by the program's own doing and by its mistakes, and that another may begin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.venue import FakeSocket, closed_by, refused
from tests.unit.manager.test_life import Collector, at
from tickwire.errors import ConfigurationError
from tickwire.manager import (
    ConnectionState,
    DisconnectReason,
    Reconnected,
    ReconnectStrategy,
    WebSocketTimeoutError,
)
from tickwire.market import Gap

if TYPE_CHECKING:
    from tests.support.venue import Venue
    from tickwire.manager import ScriptedClock


def raises(number: int) -> tuple[str, int]:
    return "s", number // (0 if number == 3 else 1)


def is_wrong(number: int) -> tuple[str, Any]:
    return "s", "three" if number == 3 else number


def mixes(number: int) -> tuple[str, Any]:
    return "s", (number,) if number == 3 else number


@pytest.mark.parametrize("settings", [{}, {"events": True}, {"redundancy": 2}])
@pytest.mark.parametrize(
    ("identity", "kind"),
    [(raises, ZeroDivisionError), (is_wrong, ConfigurationError), (mixes, TypeError)],
)
async def test_a_mistake_of_identity_comes_out_of_the_stream(
    venue: Venue, clock: ScriptedClock, settings: Any, identity: Any, kind: type[Exception]
) -> None:
    async with venue.manager(identity=identity, **settings) as ws:
        reader = Collector(ws)
        await clock.settle()
        for number in (1, 2, 3, 4):
            for socket in venue.sockets:
                socket.deliver(number)
            await clock.advance(0.1)
        await clock.advance(1.0)
        assert isinstance(reader.error, kind)
        assert [item for item in reader.items if isinstance(item, int)] == [1, 2]
        assert at(ws) is ConnectionState.CLOSED


async def test_a_mistake_of_identity_during_an_overlap_comes_out_of_the_stream(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(identity=raises) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver(1)
        ws.schedule_reconnect()
        await clock.advance(0.1)
        venue.sockets[1].deliver(3)
        await clock.advance(1.0)
        assert isinstance(reader.error, ZeroDivisionError)
        assert not venue.open_sockets


@pytest.mark.parametrize("settings", [{}, {"events": True}, {"redundancy": 2}])
async def test_after_close_another_life_begins(
    venue: Venue, clock: ScriptedClock, settings: Any
) -> None:
    ws = venue.manager(identity=lambda number: ("s", number, number), **settings)
    got: list[Any] = []
    for life in range(3):
        async with ws:
            reader = Collector(ws)
            await clock.advance(0.1)
            for socket in venue.open_sockets:
                socket.deliver(10 * life + 1, 10 * life + 2)
            await clock.advance(0.1)
            reader.task.cancel()  # in the middle of the stream
            await clock.settle()
            got += [item for item in reader.items if isinstance(item, int | Gap)]
    gaps = [(item.last_sequence, item.first_sequence) for item in got if isinstance(item, Gap)]
    assert gaps == [(2, 11), (12, 21)]
    assert [item for item in got if isinstance(item, int)] == [1, 2, 11, 12, 21, 22]


@pytest.mark.parametrize("settings", [{}, {"events": True}])
async def test_a_program_that_only_sends_is_rotated_every_time(
    venue: Venue, clock: ScriptedClock, settings: Any
) -> None:
    manager = venue.manager(rotate_every=100.0, overlap=0.1, overlap_timeout=0.2, **settings)
    async with manager as ws:
        for _ in range(60):
            await clock.advance(10.0)
            await ws.send("order")
        assert ws.stats.rotations >= 5
        assert len(venue.open_sockets) == 1


async def test_after_a_loss_a_program_that_only_sends_is_rotated_again(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(rotate_every=100.0, overlap_timeout=1.0, reconnect_delay=0.1) as ws:
        venue.sockets[0].terminate()
        await clock.advance(350.0)
        assert ws.stats.rotations == 3


@pytest.mark.parametrize("how", ["cancelled", "timed out"])
async def test_a_connect_that_is_given_up_leaves_nothing(
    venue: Venue, clock: ScriptedClock, how: str
) -> None:
    """The fixture looks for tasks that are left; nobody closes the manager."""
    ws = venue.manager(on_connect=asyncio.Event().wait, rotate_every=5.0)
    connecting = asyncio.ensure_future(ws.connect(timeout=1.0 if how == "timed out" else None))
    await clock.advance(0.5)
    assert at(ws) is ConnectionState.CONNECTED
    if how == "cancelled":
        connecting.cancel()
    await clock.advance(20.0)
    await asyncio.wait((connecting,))
    assert connecting.cancelled() or isinstance(connecting.exception(), WebSocketTimeoutError)
    assert at(ws) is ConnectionState.CLOSED
    assert not venue.open_sockets


async def test_a_return_that_falls_due_while_the_manager_closes_is_cancelled(
    venue: Venue, clock: ScriptedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow_close(socket: FakeSocket) -> None:
        await released.wait()
        socket.end(closed_by(peer=False))

    released = asyncio.Event()
    monkeypatch.setattr(FakeSocket, "close", slow_close)

    def tell(_reason: DisconnectReason) -> None:
        ws.schedule_reconnect(1.0)

    ws = venue.manager(on_disconnect=tell)
    await ws.connect()
    ws.schedule_reconnect(1.0)
    ending = asyncio.ensure_future(ws.disconnect())
    await clock.advance(2.0)
    closing = asyncio.ensure_future(ws.close())
    await clock.settle()
    ws.schedule_reconnect(1.0)
    await clock.advance(2.0)
    released.set()
    await clock.settle()
    await asyncio.gather(ending, closing)
    await clock.advance(10.0)
    assert len(venue.connects) == 1
    assert at(ws) is ConnectionState.CLOSED


async def test_lives_that_fail_leave_no_task(venue: Venue, clock: ScriptedClock) -> None:
    asked: list[float] = []
    ws = venue.manager(
        auto_reconnect=False,
        should_disconnect=lambda: asked.append(clock.mono_ns()),
        disconnect_check_interval=1.0,
    )
    for _ in range(4):
        await ws.connect()
        venue.sockets[-1].terminate()
        await clock.settle()
        assert at(ws) is ConnectionState.DISCONNECTED
        assert not ws._core._tasks
    await ws.connect()
    await clock.advance(5.5)
    assert len(asked) == 5
    await ws.close()


async def test_a_scheduled_return_is_tried_as_often_as_after_a_loss(
    venue: Venue, clock: ScriptedClock
) -> None:
    ws = venue.manager(
        reconnect_strategy=ReconnectStrategy.FIXED_DELAY,
        reconnect_delay=1.0,
        max_reconnect_attempts=3,
    )
    await ws.connect()
    await ws.disconnect()
    venue.answers.extend([refused(), refused()])
    ws.schedule_reconnect(1.0)
    await clock.advance(5.0)
    assert at(ws) is ConnectionState.CONNECTED
    await ws.disconnect()
    venue.answer_all = refused()
    ws.schedule_reconnect(1.0)
    await clock.advance(10.0)
    assert at(ws) is ConnectionState.DISCONNECTED
    assert ws.stats.failed_attempts == 5
    await ws.close()


async def test_a_disconnect_on_request_comes_back_as_should_reconnect_says(
    venue: Venue, clock: ScriptedClock
) -> None:
    wanted = False
    async with venue.manager(
        should_reconnect=lambda: wanted, disconnect_check_interval=1.0, events=True
    ) as ws:
        reader = Collector(ws)
        await clock.settle()
        ws.request_disconnect()
        await clock.advance(5.0)
        assert at(ws) is ConnectionState.RECONNECTING
        wanted = True
        await clock.advance(2.0)
        assert at(ws) is ConnectionState.CONNECTED
        assert not reader.ended
        [record] = [item for item in reader.items if isinstance(item, Reconnected)]
        assert record.reason is DisconnectReason.USER_REQUESTED


async def test_send_during_a_hand_over_takes_the_connection_that_stays(
    venue: Venue, clock: ScriptedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closes_slowly(socket: FakeSocket) -> None:
        socket.send = refuse  # type: ignore[method-assign]
        await released.wait()
        socket.end(closed_by(peer=False))

    async def refuse(frame: str | bytes, *, timeout: float | None = None) -> None:
        raise closed_by(peer=False)

    released = asyncio.Event()
    monkeypatch.setattr(FakeSocket, "close", closes_slowly)
    async with venue.manager(overlap=0.1, overlap_timeout=0.2) as ws:
        ws.schedule_reconnect()
        await clock.advance(1.0)
        assert ws.connections == 2
        await ws.send("order")
        assert venue.sockets[1].sent == ["order"]
        released.set()
