"""The suite's command line: what it shows, writes and refuses without measuring."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import run as command
from benchmarks.catalogue import WORKLOADS
from benchmarks.outcomes import EntryResult, Round, Run, WorkloadResult
from benchmarks.tables import BEGIN, END

if TYPE_CHECKING:
    from pathlib import Path

MACHINE: dict[str, Any] = {
    "cpu": "Test CPU",
    "cores": 2,
    "system": "Linux 6",
    "python": "3.11.7",
    "versions": {},
    "commit": None,
    "compiled": True,
    "load_before": 0.1,
}
PAGE = f"# Title\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n"


def whole_run() -> Run:
    run = Run("2026-01-02T03:04:05+00:00", "full", MACHINE, rounds=2)
    for workload in WORKLOADS:
        key = workload.figures[0].key
        run.workloads[workload.name] = WorkloadResult(
            {one.name: EntryResult([Round({key: 1.0})] * 2) for one in workload.entries}
        )
    return run


def saved(run: Run, folder: Path) -> str:
    path = folder / "run.json"
    path.write_text(json.dumps(run.to_json()))
    return str(path)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    monkeypatch.setattr(command, "DOCS", page)
    monkeypatch.setattr(command, "pictures", lambda run: [])
    return page


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said, on one line, about arguments with which the command ends with 2."""
    assert command.main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_whole_run_replaces_the_page(page: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the page has pictures: the `bench` extra")
    assert command.main(["--from", saved(whole_run(), tmp_path), "--write-docs"]) == 0
    text = page.read_text()
    assert "\nold\n" not in text
    assert all(f"### {workload.title}\n" in text for workload in WORKLOADS)


def test_a_part_does_not_erase_the_rest_of_the_page(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = whole_run()
    del part.workloads["connect"]
    part.workloads["memory"].entries["tickwire"].rounds.pop()
    said = refused(capsys, "--from", saved(part, tmp_path), "--write-docs")
    assert said.endswith("takes a whole run; this lacks memory, connect")
    assert page.read_text() == PAGE


@pytest.mark.parametrize("part", ["--quick", "memory"])
def test_a_part_is_refused_before_it_is_measured(
    page: Path, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([part, "--write-docs"])
    assert ended.value.code == 2
    assert "--write-docs replaces the whole page" in capsys.readouterr().err
    assert page.read_text() == PAGE


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        '{"a": 1}',
        "[]",
        json.dumps(Run("2026", "full", {"cpu": "x"}).to_json()),
        None,
    ],
)
def test_a_file_that_is_no_run_gives_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    assert str(path) in refused(capsys, "--from", str(path))


def test_an_earlier_run_is_shown_without_what_measuring_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.measuring", None)
    monkeypatch.setitem(sys.modules, "trustme", None)
    partial = whole_run()
    partial.is_partial = True
    assert command.main(["--from", saved(partial, tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "**⚠ Disturbed run:** it was interrupted, and is partial" in text
    assert "### Memory per idle connection" in text


def test_an_interrupted_run_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measuring = pytest.importorskip("benchmarks.measuring", exc_type=ImportError)

    def run(names: Any, scale: Any, console: Any, keep: Any) -> Run:
        outcome = whole_run()
        outcome.is_partial = True
        keep(outcome)
        raise KeyboardInterrupt

    monkeypatch.setattr(measuring, "run", run)
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    assert command.main([]) == 130
    (path,) = tmp_path.iterdir()
    assert path.name == "2026-01-02-test-cpu-2cores-part-030405.json"
    said = capsys.readouterr().err.replace("\n", "")
    assert "Interrupted." in said
    assert path.name in said
    assert command.main(["--from", str(path)]) == 0
