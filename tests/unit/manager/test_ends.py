"""How lives end, by the program's own doing and by its mistakes, and that another may begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.manager.test_life import Collector, at
from tickwire.errors import ConfigurationError
from tickwire.manager import ConnectionState
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
