"""The short forms of the soak runs: hand-overs under load, drops, stalls, weather."""

from __future__ import annotations

import pytest

from tests.soak import chaos, redundancy, rotations


@pytest.mark.timeout(120)
@pytest.mark.parametrize("events", [False, True])
async def test_hand_overs_lose_nothing(events: bool) -> None:
    found = await rotations.run(50, events=events)
    assert found["rotations"] >= 50
    assert (found["lost"], found["duplicated"], found["out_of_order"]) == (0, 0, 0)
    assert found["gaps"] == 0
    assert found["received_twice"] > 0, "without an overlap nothing is proven"


@pytest.mark.timeout(120)
async def test_hand_overs_of_a_redundant_set_lose_nothing() -> None:
    found = await rotations.run(25, redundancy=2)
    # Of two connections; a request during a hand-over is that hand-over, and a busy machine takes
    # longer for one.
    assert found["rotations"] >= 13
    assert (found["lost"], found["duplicated"], found["out_of_order"]) == (0, 0, 0)
    assert found["gaps"] == 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("connections", [1, 2])
async def test_what_a_drop_during_the_overlap_costs_is_a_gap(connections: int) -> None:
    found = await rotations.run(40, drop=True, redundancy=connections)
    assert found["reactive_disconnects"] > 0
    assert (found["lost"], found["duplicated"], found["out_of_order"]) == (0, 0, 0)
    assert found["misplaced_gaps"] == 0


@pytest.mark.timeout(120)
async def test_a_stalled_connection_of_two_delays_nothing() -> None:
    """Alone, the stalls cost their whole length; the exact ratio is the soak run's."""
    found = await redundancy.measure(3.0, redundancy=2, stalls=True)
    assert found["events"] > 1000
    assert found["not_joined"] == 0
    assert found["p99_ms"] < 400.0, "less than a stall, on a machine that is busy with other things"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("connections", [1, 2])
async def test_weather(connections: int) -> None:
    found = await chaos.run(6.5 - connections, seed=connections, redundancy=connections)
    assert found["kinds"] >= 6
    assert found["connects"] > 2
    assert (found["lost"], found["duplicated"], found["out_of_order"]) == (0, 0, 0)
    assert found["misplaced_gaps"] == 0
    assert found["illegal_moves"] == 0
    assert (found["tasks_left"], found["descriptors_left"]) == (0, 0)
