"""A day and a week on a scripted clock: nothing lost, nothing twice, in order, and one connection
per so many hours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.venue import cut, refused
from tests.unit.manager.test_life import Collector
from tickwire.manager import (
    ConnectionState,
    Disconnected,
    DisconnectReason,
    Gap,
    Reconnected,
    ScriptedClock,
    Stale,
)

if TYPE_CHECKING:
    from tests.support.venue import FakeSocket, Venue

HOUR = 3600.0
STREAMS = ("a", "b", "c")


def identity(message: Any) -> tuple[str, int, int] | None:
    return (message["s"], message["n"], message["n"]) if "n" in message else None


class Market:
    """Publishes numbered messages on every open socket. Odd connections get them at once, even ones
    a second later."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.number = 0
        self.sent: list[tuple[str, int]] = []

    def tick(self) -> None:
        """One message per stream."""
        self.number += 1
        fresh = [{"s": stream, "n": self.number} for stream in STREAMS]
        self.sent += [(stream, self.number) for stream in STREAMS]
        for socket in self.venue.open_sockets:
            if socket.number % 2:
                socket.deliver(*fresh)
            else:
                self.venue.clock.call_later(1.0, partial(self._deliver_late, socket, fresh))

    @staticmethod
    def _deliver_late(socket: FakeSocket, messages: list[Any]) -> None:
        if socket.is_open:
            socket.deliver(*messages)


def numbers(items: list[Any]) -> list[tuple[str, int]]:
    return [(item["s"], item["n"]) for item in items if isinstance(item, dict)]


@pytest.mark.parametrize(("hours", "rotations"), [(24, 1), (7 * 24, 7)])
@pytest.mark.parametrize("events", [False, True])
async def test_a_life_with_the_24_hour_limit(
    venue: Venue, clock: ScriptedClock, hours: int, rotations: int, events: bool
) -> None:
    market = Market(venue)
    manager = venue.manager(
        identity=identity,
        events=events,
        connection_limit=24 * HOUR,
        connection_limit_margin=HOUR,
        disconnect_check_interval=60.0,
    )
    async with manager as ws:
        reader = Collector(ws)
        for _ in range(hours * 20):
            market.tick()
            await clock.advance(HOUR / 20)
        got = numbers(reader.items)
        assert ws.state is ConnectionState.CONNECTED
        stats = ws.stats
        assert stats.rotations == rotations
        assert stats.reasons == {DisconnectReason.CONNECTION_LIMIT: rotations}
        assert stats.gaps == 0
        assert len(venue.open_sockets) == 1
        assert stats.uptime == pytest.approx(hours * HOUR, abs=1.0)
    assert market.sent[: len(got)] == got, "nothing lost, nothing twice, in order"
    assert len(market.sent) - len(got) <= 2 * len(STREAMS), "at most what was still under way"
    records = [item for item in reader.items if isinstance(item, Reconnected)]
    assert len(records) == (rotations if events else 0)
    assert all(record.promise == "exactly-once" for record in records)


async def test_losses_are_gaps(venue: Venue, clock: ScriptedClock) -> None:
    """Cut at odd moments; every number is either delivered once or between a gap's bounds."""
    market = Market(venue)
    manager = venue.manager(
        identity=identity, events=True, reconnect_delay=200.0, reconnect_delay_max=400.0
    )
    async with manager as ws:
        reader = Collector(ws)
        for step in range(2 * 24 * 20):
            market.tick()
            if step % 97 == 50 and venue.open_sockets:
                venue.open_sockets[0].end(cut())
            await clock.advance(HOUR / 20)
        assert ws.stats.gaps > 8
    assert_covered(reader.items, market.number)


def assert_covered(items: list[Any], last_number: int) -> None:
    """Each stream's numbers come once, in order, and whatever is missing is within a gap that
    stands where it is missing."""
    expected = dict.fromkeys(STREAMS, 0)
    open_gap: dict[str, Gap] = {}
    for item in items:
        if isinstance(item, Gap):
            assert item.last_sequence == expected[item.stream]
            open_gap[item.stream] = item
        elif isinstance(item, dict):
            stream, number = item["s"], item["n"]
            gap = open_gap.pop(stream, None)
            if gap is not None:
                assert number == gap.first_sequence
                assert number > expected[stream]
            elif expected[stream]:
                assert number == expected[stream] + 1, (stream, number)
            expected[stream] = number
    assert not open_gap
    assert all(last_number - number <= 400 for number in expected.values())


async def test_order_of_the_records_around_a_loss(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(identity=identity, events=True, reconnect_strategy="immediate")
    async with manager as ws:
        reader = Collector(ws)
        await clock.settle()
        venue.sockets[0].deliver({"s": "a", "n": 1}, {"s": "b", "n": 1})
        venue.sockets[0].end(cut())
        await clock.settle()
        venue.sockets[1].deliver({"s": "a", "n": 5}, {"s": "b", "n": 2}, {"s": "a", "n": 6})
        await clock.settle()
        kinds = [type(item).__name__ for item in reader.items]
        assert kinds == [
            *("Connected", "dict", "dict", "Disconnected", "Reconnected"),
            *("Gap", "dict", "dict", "dict"),
        ]
        gap = reader.items[5]
        assert (gap.stream, gap.last_sequence, gap.first_sequence) == ("a", 1, 5)
        assert gap.cause == "disconnect"
        assert reader.items[3].remaining == 0
        assert isinstance(reader.items[3], Disconnected)


async def test_without_identity_the_overlap_is_at_least_once(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(events=True, overlap=1.0) as ws:
        reader = Collector(ws)
        await clock.settle()
        old = venue.sockets[0]
        old.deliver(1, 2)
        ws.schedule_reconnect(0)
        await clock.advance(0.1)
        new = venue.sockets[1]
        old.deliver(3)
        new.deliver(3, 4)
        old.deliver(4)
        await clock.advance(2.0)
        new.deliver(5)
        await clock.settle()
        data = [item for item in reader.items if isinstance(item, int)]
        assert data == [1, 2, 3, 4, 3, 4, 5], "the old one's first, then all of the new one's"
        record = next(item for item in reader.items if isinstance(item, Reconnected))
        assert record.promise == "at-least-once"
        assert record.held == 2


async def test_a_replacement_that_dies_changes_nothing(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(identity=identity, overlap=1.0, reconnect_delay=1.0) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver({"s": "a", "n": 1})
        venue.answers.append(refused())
        ws.schedule_reconnect(0)
        await clock.advance(2.0)
        assert len(venue.sockets) == 2
        venue.sockets[1].deliver({"s": "a", "n": 2})
        venue.sockets[1].end(cut())
        await clock.advance(0.5)
        venue.sockets[0].deliver({"s": "a", "n": 2})
        await clock.advance(5.0)
        third = venue.sockets[2]
        third.deliver({"s": "a", "n": 2}, {"s": "a", "n": 3})
        venue.sockets[0].deliver({"s": "a", "n": 3})
        await clock.advance(5.0)
        third.deliver({"s": "a", "n": 4})
        await clock.settle()
        assert numbers(reader.items) == [("a", 1), ("a", 2), ("a", 3), ("a", 4)]
        assert [socket.number for socket in venue.open_sockets] == [3]
        assert ws.stats.gaps == 0


async def test_the_old_one_dies_during_the_overlap(venue: Venue, clock: ScriptedClock) -> None:
    """What only the old one had is lost, and reported with its bounds."""
    async with venue.manager(identity=identity, events=True, overlap=1.0) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver({"s": "a", "n": 1})
        ws.schedule_reconnect(0)
        await clock.advance(0.1)
        venue.sockets[1].deliver({"s": "a", "n": 4}, {"s": "a", "n": 5})
        venue.sockets[0].deliver({"s": "a", "n": 2})
        venue.sockets[0].end(cut())
        await clock.advance(0.1)
        assert numbers(reader.items) == [("a", n) for n in (1, 2, 4, 5)]
        gap = next(item for item in reader.items if isinstance(item, Gap))
        assert (gap.last_sequence, gap.first_sequence) == (2, 4)


async def test_redundancy_hides_the_loss_of_one(venue: Venue, clock: ScriptedClock) -> None:
    market = Market(venue)
    async with venue.manager(identity=identity, redundancy=2, overlap=0.0) as ws:
        reader = Collector(ws)
        await clock.settle()
        assert len(venue.open_sockets) == 2
        for step in range(2000):
            market.tick()
            if step % 100 == 50:
                venue.open_sockets[step // 100 % 2].end(cut())
            await clock.advance(1.0)
        stats = ws.stats
        assert stats.connects == 22
        assert stats.gaps == 0
        assert stats.reasons == {DisconnectReason.NETWORK_ERROR: 20}
        assert ws.state is ConnectionState.CONNECTED
    got = numbers(reader.items)
    for stream in STREAMS:
        mine = [number for name, number in got if name == stream]
        assert mine == list(range(1, len(mine) + 1))
        assert len(mine) >= 1998


async def test_one_silent_stream_is_found_and_its_connection_replaced(
    venue: Venue, clock: ScriptedClock
) -> None:
    """Stale, probed, subscribed again, replaced; its neighbours never notice."""
    manager = venue.manager(
        identity=identity, events=True, data_timeout=20.0, stale_step=10.0, overlap=0.0
    )
    async with manager as ws:
        reader = Collector(ws)
        for second in range(100):
            quiet = second >= 10
            for socket in venue.open_sockets:
                streams = "ab" if quiet and socket.number == 1 else "abc"
                socket.deliver(*({"s": stream, "n": second + 1} for stream in streams))
            await clock.advance(1.0)
        stale = [item for item in reader.items if isinstance(item, Stale)]
        assert [item.stream for item in stale] == ["c"]
        assert 20.0 < stale[0].silence <= 26.0
        assert venue.sockets[0].pings == 1
        assert ws.stats.reasons == {DisconnectReason.NETWORK_ERROR: 1}
        assert ws.stats.stale == 1
        got = numbers(reader.items)
        for stream in "ab":
            assert [n for name, n in got if name == stream] == list(range(1, 101))
        gaps = [item for item in reader.items if isinstance(item, Gap)]
        assert [gap.stream for gap in gaps] == ["c"]


async def test_a_quiet_market_is_no_fault(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(identity=identity, events=True, data_timeout=20.0) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver(*({"s": stream, "n": 1} for stream in STREAMS))
        await clock.advance(6 * HOUR)
        assert not any(isinstance(item, Stale) for item in reader.items)
        assert ws.stats.connects == 1


async def test_a_missing_heartbeat_ends_the_connection(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(heartbeat_timeout=30.0, raw=True) as ws:
        Collector(ws)
        await clock.advance(600.0)
        assert ws.stats.connects == 1
        assert venue.sockets[0].pings >= 50
        venue.sockets[0].answers_pings = False
        await clock.advance(50.0)
        assert ws.stats.reasons == {DisconnectReason.PING_TIMEOUT: 1}
        assert ws.stats.connects == 2


async def test_silence_ends_the_connection(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(silence_timeout=60.0, raw=True) as ws:
        Collector(ws)
        for _ in range(10):
            venue.sockets[0].deliver(b"x")
            await clock.advance(50.0)
        assert ws.stats.connects == 1
        await clock.advance(20.0)
        assert ws.stats.reasons == {DisconnectReason.PING_TIMEOUT: 1}


async def test_a_jump_of_the_wall_clock_changes_nothing(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(raw=True, rotate_every=HOUR, overlap_timeout=1.0) as ws:
        Collector(ws)
        for jump in (86_400.0, -7 * 86_400.0, 3.0):
            clock.step_wall(jump)
            await clock.advance(0.3 * HOUR)
        assert ws.stats.rotations == 0
        await clock.advance(0.2 * HOUR)
        assert ws.stats.rotations == 1


async def test_dropped_messages_are_told_in_order(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(identity=identity, events=True) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver({"s": "a", "n": 1})
        await clock.settle()
        venue.sockets[0].deliver({"s": "a", "n": 4}, lost=2)
        await clock.settle()
        kinds = [type(item).__name__ for item in reader.items]
        assert kinds == ["Connected", "dict", "Dropped", "Gap", "dict"]
        assert reader.items[2].count == 2
        assert reader.items[3].cause == "overflow"


async def test_the_old_one_is_kept_until_the_new_one_is_level(
    venue: Venue, clock: ScriptedClock
) -> None:
    """The new one's server is ahead: what it begins with, the old one has yet to reach."""
    async with venue.manager(identity=identity, overlap=1.0, overlap_timeout=60.0) as ws:
        reader = Collector(ws)
        old = venue.sockets[0]
        old.deliver({"s": "a", "n": 1})
        ws.schedule_reconnect(0)
        await clock.advance(0.1)
        new = venue.sockets[1]
        new.deliver({"s": "a", "n": 10})
        for number in range(2, 10):
            await clock.advance(4.0)
            assert old.is_open, number
            old.deliver({"s": "a", "n": number})
        await clock.advance(1.0)
        assert not old.is_open
        assert numbers(reader.items) == [("a", n) for n in range(1, 11)]
        assert ws.stats.gaps == 0


async def test_an_overlap_has_an_end(venue: Venue, clock: ScriptedClock) -> None:
    """An old connection that never gets there is let go in time, and the hole is a gap."""
    manager = venue.manager(identity=identity, events=True, overlap=1.0, overlap_timeout=60.0)
    async with manager as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver({"s": "a", "n": 1})
        ws.schedule_reconnect(0)
        await clock.advance(0.1)
        venue.sockets[1].deliver({"s": "a", "n": 10})
        await clock.advance(58.0)
        assert len(venue.open_sockets) == 2
        await clock.advance(3.0)
        assert len(venue.open_sockets) == 1
        assert numbers(reader.items) == [("a", 1), ("a", 10)]
        (gap,) = (item for item in reader.items if isinstance(item, Gap))
        assert (gap.last_sequence, gap.first_sequence) == (1, 10)


async def test_numbers_that_jump_are_in_doubt_after_a_loss_in_the_overlap(
    venue: Venue, clock: ScriptedClock
) -> None:
    """Nothing proves that a stream that the new one had not shown has lost nothing."""

    def jumping(message: Any) -> tuple[str, int]:
        return message["s"], message["n"]

    async with venue.manager(identity=jumping, events=True, overlap=5.0) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver({"s": "a", "n": 1}, {"s": "b", "n": 1})
        ws.schedule_reconnect(0)
        await clock.advance(0.1)
        venue.sockets[1].deliver({"s": "a", "n": 1})
        venue.sockets[0].end(cut())
        await clock.advance(0.1)
        venue.sockets[1].deliver({"s": "b", "n": 5}, {"s": "a", "n": 5})
        await clock.settle()
        gaps = [item for item in reader.items if isinstance(item, Gap)]
        assert [(gap.stream, gap.last_sequence, gap.first_sequence) for gap in gaps] == [
            ("b", 1, 5)
        ]
