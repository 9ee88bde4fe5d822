"""How much time a run takes at most."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.scales import FULL, QUICK

measuring = pytest.importorskip(
    "benchmarks.measuring", reason="measuring needs the `bench` extra", exc_type=ImportError
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_client_gets_what_is_left_and_no_more_than_its_share() -> None:
    clock = Clock()
    scale = replace(QUICK, budget_seconds=48.0, client_seconds=10.0, most_seconds=55.0)
    deadline = measuring.Deadline(scale, clock)
    assert deadline.for_client() == 10.0
    assert deadline.has_room_for(48.0)
    clock.now += 50.0
    assert not deadline.has_room_for(0.0)
    assert deadline.for_client() == 5.0
    assert not deadline.is_over()
    clock.now += 4.5
    assert deadline.is_over()


def test_clients_that_all_hang_do_not_keep_a_quick_run_for_a_minute() -> None:
    clock = Clock()
    deadline = measuring.Deadline(QUICK, clock)
    while not deadline.is_over():
        clock.now += deadline.for_client()
    assert clock.now - 100.0 < 60.0


def test_a_full_run_has_no_end_of_its_own() -> None:
    clock = Clock()
    deadline = measuring.Deadline(FULL, clock)
    clock.now += 1e6
    assert deadline.has_room_for(1e6)
    assert deadline.for_client() == 60.0
    assert not deadline.is_over()
