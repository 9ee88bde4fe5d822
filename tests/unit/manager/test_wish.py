"""What the answers of ``should_reconnect`` mean, one by one and one after the other."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.manager.test_life import Collector, at
from tickwire.errors import ConfigurationError
from tickwire.manager import ConnectionState, ReconnectStrategy
from tickwire.manager.wish import Wish

if TYPE_CHECKING:
    from tests.support.venue import Venue
    from tickwire.manager import ScriptedClock

S = 1_000_000_000


class Truth:
    """As numpy's: equal to a bool, and a number only when asked to be one."""

    def __init__(self, value: bool) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return self.value

    def __eq__(self, other: object) -> bool:
        return self.value == other

    def __hash__(self) -> int:
        return hash(self.value)

    def __float__(self) -> float:
        return float(self.value)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (True, 0.0),
        (False, None),
        (None, None),
        (Truth(True), 0.0),
        (Truth(False), None),
        (0, 0.0),
        (-3, 0.0),
        (2.5, 2.5),
        (Decimal("2.5"), 2.5),
        (math.inf, None),
    ],
)
def test_an_answer(answer: Any, wait: float | None) -> None:
    assert Wish().hear(answer, 5 * S) == wait


@pytest.mark.parametrize("answer", ["soon", math.nan, [], object()])
def test_what_is_no_answer_is_refused_by_name(answer: Any) -> None:
    with pytest.raises(ConfigurationError, match=type(answer).__name__):
        Wish().hear(answer, 0)


def test_seconds_count_from_the_first_answer() -> None:
    wish = Wish()
    assert [wish.hear(10.0, at * S) for at in (0, 4, 8, 12)] == [10.0, 6.0, 2.0, 0.0]
    wish = Wish()
    assert wish.hear(10.0, 0) == 10.0
    assert wish.hear(1.0, 2 * S) == 1.0, "sooner"
    assert wish.hear(False, 2 * S) is None
    assert wish.hear(10.0, 3 * S) == 10.0


@pytest.mark.parametrize("strategy", [None, ReconnectStrategy.CALLBACK_CONTROLLED])
async def test_the_same_number_of_seconds_each_time_brings_it_back(
    venue: Venue, clock: ScriptedClock, strategy: ReconnectStrategy | None
) -> None:
    leave = iter([True])
    async with venue.manager(
        should_disconnect=lambda: strategy is None and next(leave, False),
        should_reconnect=lambda: 3.0,
        disconnect_check_interval=1.0,
        **({} if strategy is None else {"reconnect_strategy": strategy}),
    ) as ws:
        Collector(ws)
        await clock.settle()
        if strategy is not None:
            venue.sockets[0].terminate()
        await clock.advance(2.9)
        assert at(ws) is ConnectionState.RECONNECTING
        await clock.advance(2.0)
        assert at(ws) is ConnectionState.CONNECTED
