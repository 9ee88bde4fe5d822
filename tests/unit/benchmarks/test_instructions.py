"""Instruction counts: the arithmetic, the verdict, and when nothing is compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks.micro import instructions
from benchmarks.micro.cases import CASES, Case
from benchmarks.micro.instructions import (
    LIMIT,
    NotComparable,
    compare,
    differences,
    main,
    per_item,
    totals_of,
)

if TYPE_CHECKING:
    from pathlib import Path

HERE = {"compiler": "GCC 12", "python": "3.11.7"}


def test_start_up_and_the_beginning_of_a_loop_cancel_out() -> None:
    """N rounds: 70 to begin, 1,000 for the rounds. 2N: the same 70, and 2,000."""
    totals = [9_999_999, 1070, 2070, 500, 70 + 30, 70 + 60]
    assert per_item(totals, [("a", 100), ("b", 3)]) == {"a": 10.0, "b": 10.0}


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_process_that_was_cut_short_gives_no_counts(count: int) -> None:
    with pytest.raises(NotComparable, match=f"{count} counts for 1 cases"):
        per_item([1] * count, [("a", 100)])


def test_totals_are_read_in_the_order_of_the_marks(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"count.77.{number}").write_text(f"summary: 5\n\ntotals: {number}00\n")
    (tmp_path / "count.77").write_text("totals: 9\n")  # the end of the process
    assert totals_of(tmp_path) == [100, 200, 1000]


def test_a_dump_without_totals_is_told(tmp_path: Path) -> None:
    (tmp_path / "count.77.1").write_text("nothing\n")
    with pytest.raises(NotComparable, match=r"count\.77\.1"):
        totals_of(tmp_path)


@pytest.mark.parametrize(
    ("now", "fails", "says"),
    [
        (100.0, False, "+0.00%"),
        (100.0 * (1 + LIMIT) - 0.1, False, "+4.90%"),
        (100.0 * (1 + LIMIT) + 0.1, True, "REGRESSION, 100.0 before"),
        (94.0, False, "better: record the baseline anew"),
    ],
)
def test_more_than_five_per_cent_above_the_baseline_fails(
    now: float, fails: bool, says: str
) -> None:
    verdict = compare({"a": 100.0, "b": 7.0}, {"a": now, "b": 7.0})
    assert verdict.is_failure is fails
    assert says in verdict.text()
    assert ("--record" in verdict.text()) is fails


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ({"a": 1.0}, {"a": 1.0, "b": 2.0}, "not in the baseline"),
        ({"a": 1.0, "b": 2.0}, {"a": 1.0}, "in the baseline only"),
    ],
)
def test_a_case_on_one_side_only_fails(
    before: dict[str, float], now: dict[str, float], says: str
) -> None:
    verdict = compare(before, now)
    assert verdict.is_failure
    assert says in verdict.text()


def test_toolchains_differ_by_any_of_their_parts() -> None:
    assert differences(HERE, HERE) == []
    assert differences(HERE, {**HERE, "python": "3.12.1"}) == [
        "python 3.12.1 here, 3.11.7 in the baseline"
    ]
    assert differences(HERE, {"compiler": "GCC 12"}) == ["python none here, 3.11.7 in the baseline"]


def run_main(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *arguments: str,
    before: dict[str, str] = HERE,
    counted: float = 10.0,
) -> int:
    stored = tmp_path / "stored.json"
    stored.write_text(json.dumps({"toolchain": before, "instructions": {"a": 10.0}}))
    monkeypatch.setattr(instructions, "BASELINE", stored)
    monkeypatch.setattr(instructions, "ROOT", tmp_path)
    monkeypatch.setattr(instructions, "toolchain", lambda: HERE)
    monkeypatch.setattr(instructions, "count", lambda: {"a": counted})
    monkeypatch.setattr("sys.argv", ["instructions", *arguments])
    return main()


def test_exit_codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run_main(monkeypatch, tmp_path) == 0
    assert run_main(monkeypatch, tmp_path, counted=11.0) == 1
    assert run_main(monkeypatch, tmp_path, counted=11.0, before={"python": "2"}) == 3


def test_another_toolchain_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_main(monkeypatch, tmp_path, before={**HERE, "compiler": "clang 17"})
    said = capsys.readouterr().out
    assert "NOT compared" in said
    assert "compiler GCC 12 here, clang 17 in the baseline" in said


def test_recording_stores_counts_with_their_toolchain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run_main(monkeypatch, tmp_path, "--record", before={"python": "2"}, counted=3.14159) == 0
    stored = json.loads((tmp_path / "stored.json").read_text())
    assert stored == {"toolchain": HERE, "instructions": {"a": 3.1}}


def test_the_stored_baseline_has_every_case() -> None:
    stored = json.loads(instructions.BASELINE.read_text())
    assert stored["instructions"].keys() == {case.name for case in CASES}
    assert stored["toolchain"].keys() >= {"compiler", "python", "valgrind", "cython"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_can_be_run_again_and_again(case: Case) -> None:
    run = case.prepare()
    run(1)
    run(2)
    assert case.items * case.times >= 15, "too few items to divide by"
