"""What an endpoint asks for: obeyed by all connections, for that endpoint alone, in bounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.venue import cut, rejected
from tests.unit.manager.test_life import Collector, at
from tickwire.manager import ConnectionState, ReconnectStrategy
from tickwire.manager.reasons import seconds_asked_for

if TYPE_CHECKING:
    from tests.support.venue import Venue
    from tickwire.manager import ScriptedClock

WEEK = 7 * 86_400.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("9" * 400, WEEK),
        ("9" * 5000, WEEK),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Mon, 99 Jan 2030 99:99:99 GMT", WEEK),
        (f"Mon, {'9' * 5000} Jan 2030 00:00:00 GMT", None),
        ("Fri, 01 Jan 2500 00:00:00 GMT", WEEK),
        ("1e5", None),
        ("-5", None),
        ("3", 3.0),
    ],
)
def test_a_retry_after_out_of_bounds(header: str, seconds: float | None) -> None:
    assert seconds_asked_for(header, 1_700_000_000.0) == seconds


@pytest.mark.parametrize("header", ["9" * 400, "Mon, 01 Jan 99999 00:00:00 GMT"])
async def test_a_retry_after_out_of_bounds_does_not_end_the_life(
    venue: Venue, clock: ScriptedClock, header: str
) -> None:
    ws = venue.manager(connect_attempts=2, reconnect_delay=0.1)
    venue.answers.append(rejected(429, retry_after=header))
    connecting = asyncio.ensure_future(ws.connect())
    await clock.advance(1.0)
    assert at(ws) is ConnectionState.CONNECTING
    await clock.advance(WEEK)
    await connecting
    await ws.close()


async def test_a_retry_after_does_not_delay_another_endpoint(
    venue: Venue, clock: ScriptedClock
) -> None:
    venue.answers.append(rejected(429, retry_after="600"))
    ws = venue.manager(endpoints=["wss://bad.test", "wss://good.test"], reconnect_delay=0.1)
    connecting = asyncio.ensure_future(ws.connect())
    await clock.advance(1.0)
    await connecting
    assert [url for _, url, _ in venue.connects] == ["wss://bad.test", "wss://good.test"]
    await ws.close()


async def test_a_retry_after_holds_for_all_connections(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(
        redundancy=2,
        identity=lambda number: ("s", number),
        reconnect_strategy=ReconnectStrategy.FIXED_DELAY,
        reconnect_delay=1.0,
    ) as ws:
        Collector(ws)
        await clock.settle()
        venue.answer_all = rejected(429, retry_after="60")
        venue.sockets[0].end(cut())
        await clock.advance(0.5)
        venue.sockets[1].end(cut())  # its own delay is over when the other one has been refused
        await clock.advance(50.0)
        assert [when for when, *_ in venue.connects] == [0.0, 0.0, 1.0]
        venue.answer_all = None
        await clock.advance(12.0)
        assert ws.connections == 2
