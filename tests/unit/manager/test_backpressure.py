"""A program that does not keep up holds back the venue; nothing is lost, and memory is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.manager.test_life import Collector
from tickwire.market import Gap

if TYPE_CHECKING:
    from tests.support.venue import Venue
    from tickwire.manager import ScriptedClock


@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize("identity", [None, lambda number: ("s", number, number)])
async def test_a_planned_change_while_the_program_pauses_loses_nothing(
    venue: Venue, clock: ScriptedClock, events: bool, identity: Any
) -> None:
    manager = venue.manager(
        events=events, identity=identity, overlap=0.1, overlap_timeout=0.2, queue_size=100
    )
    async with manager as ws:
        ws._core.merge._hold_limit = 10
        old = venue.sockets[0]
        old.deliver(1)
        ws.schedule_reconnect()
        await clock.advance(0.01)
        new = venue.sockets[1]
        for number in range(2, 52):
            new.deliver(number)
            await clock.settle()
        assert new.recv_queue_length > 30, "it is not read any further"
        await clock.advance(1.0)
        reader = Collector(ws)
        await clock.advance(1.0)
        new.deliver(52)
        await clock.settle()
        assert [item for item in reader.items if isinstance(item, int)] == list(range(1, 53))
        assert not [item for item in reader.items if isinstance(item, Gap)]
        assert ws.stats.gaps == 0


async def test_a_standby_that_ends_while_it_is_full_is_replaced(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(overlap=5.0, reconnect_delay=0.1) as ws:
        ws._core.merge._hold_limit = 3
        venue.sockets[0].deliver(1)
        ws.schedule_reconnect()
        await clock.advance(0.01)
        for number in range(2, 12):
            venue.sockets[1].deliver(number)
            await clock.settle()
        venue.sockets[1].terminate()
        reader = Collector(ws)
        await clock.advance(3.0)
        venue.sockets[0].deliver(*range(2, 12))
        await clock.advance(10.0)
        assert ws.stats.rotations == 1
        assert reader.items == list(range(1, 12))


async def test_of_a_redundant_set_one_that_never_gets_level_does_not_stand_still(
    venue: Venue, clock: ScriptedClock
) -> None:
    """It carries a stream that the other one lacks; what it holds, the other one has delivered."""
    manager = venue.manager(
        redundancy=2, identity=lambda item: (item[0], item[1], item[1]), overlap_timeout=1.0
    )
    async with manager as ws:
        ws._core.merge._hold_limit = 10
        reader = Collector(ws)
        await clock.settle()
        senior, junior = venue.sockets
        junior.deliver(["only here", 1])
        for number in range(1, 40):
            for socket in (senior, junior):
                socket.deliver(["s", number])
            await clock.advance(0.2)
        await clock.advance(3.0)
        assert junior.recv_queue_length == 0
        assert [item for item in reader.items if item[0] == "s"] == [["s", n] for n in range(1, 40)]


async def test_after_a_hand_over_a_program_that_pauses_still_holds_back_the_venue(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(overlap=0.0, overlap_timeout=0.1, queue_size=4) as ws:
        ws.schedule_reconnect()
        await clock.advance(1.0)
        assert ws.stats.rotations == 1
        new = venue.sockets[1]
        for number in range(1, 41):
            new.deliver(number)
            await clock.settle()
        assert new.recv_queue_length > 30
        reader = Collector(ws)
        await clock.settle()
        assert reader.items == list(range(1, 41))
