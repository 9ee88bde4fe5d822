"""Where a run is kept."""

from __future__ import annotations

from benchmarks.outcomes import Run
from benchmarks.run import _file_name

MACHINE = {"cpu": "Test CPU", "cores": 2}


def test_a_part_does_not_replace_the_whole_run_of_the_day() -> None:
    run = Run("2026-01-02T03:04:05+00:00", "full", MACHINE)
    assert _file_name(run, is_whole=True) == "2026-01-02-test-cpu-2cores.json"
    assert _file_name(run, is_whole=False) == "2026-01-02-test-cpu-2cores-part-030405.json"


def test_a_quick_run_says_so_in_its_name() -> None:
    run = Run("2026-01-02T03:04:05+00:00", "quick", MACHINE)
    assert _file_name(run, is_whole=True) == "2026-01-02-test-cpu-2cores-quick.json"
