"""Where a run is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.outcomes import Run
from benchmarks.saved import Keeper, file_name

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {"cpu": "Test CPU", "cores": 2}
WHOLE = "2026-01-02-test-cpu-2cores.json"
PART = "2026-01-02-test-cpu-2cores-part-030405.json"


def run_of(scale: str = "full", *, is_partial: bool = False) -> Run:
    return Run("2026-01-02T03:04:05+00:00", scale, MACHINE, is_partial=is_partial)


def test_a_part_does_not_replace_the_whole_run_of_the_day() -> None:
    assert file_name(run_of(), is_whole=True) == WHOLE
    assert file_name(run_of(), is_whole=False) == PART


def test_a_quick_run_says_so_in_its_name() -> None:
    assert file_name(run_of("quick"), is_whole=True) == "2026-01-02-test-cpu-2cores-quick.json"


def test_a_run_that_goes_on_is_a_part_until_it_is_over(tmp_path: Path) -> None:
    """Its end may never come, and the day's whole run is not to be lost for it."""
    folder = tmp_path / "results"
    keeper = Keeper(folder, is_whole=True)
    assert keeper.path is None
    for _ in range(2):
        keeper.keep(run_of(is_partial=True))
        assert [path.name for path in folder.iterdir()] == [PART]
    keeper.keep(run_of())
    assert [path.name for path in folder.iterdir()] == [WHOLE]
    assert keeper.path == folder / WHOLE


def test_a_run_of_some_tables_stays_a_part(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, is_whole=False)
    keeper.keep(run_of(is_partial=True))
    keeper.keep(run_of())
    assert [path.name for path in tmp_path.iterdir()] == [PART]
