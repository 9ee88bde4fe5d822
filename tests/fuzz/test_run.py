"""The runner of the long form: what it says where it cannot run, and where something broke."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuzz import run

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


def test_at_least_ten_million_inputs() -> None:
    assert sum(run.INPUTS.values()) >= 10_000_000


def test_without_a_compiler_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.run"],
        cwd=ROOT,
        env={"PATH": "", "CC": "", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "no clang" in done.stderr


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], run.Outcome]:
    """Runs a program in the place of libFuzzer."""

    def play(program: str) -> run.Outcome:
        monkeypatch.setattr(run, "command", lambda *_: [sys.executable, "-c", program])
        monkeypatch.setattr(run, "environment", lambda _: None)
        monkeypatch.setattr(run, "HOME", tmp_path)
        monkeypatch.setattr(run, "CRASHES", tmp_path / "crashes")
        return run.fuzz("parser", "undefined", 1000)

    return play


def test_the_figures_are_read(played: Callable[[str], run.Outcome]) -> None:
    found = played(
        "print('#512\\tNEW    cov: 527 ft: 2080 corp: 250/13Kb lim: 512 exec/s: 15000 rss: 62Mb')\n"
        "print('stat::number_of_executed_units: 1000')\n"
        "print('stat::peak_rss_mb:              63')\n"
    )
    assert (found.inputs, found.coverage, found.features, found.corpus) == (1000, 527, 2080, 250)
    assert found.peak_megabytes == 63
    assert found.broke is None
    assert "1,000 inputs" in found.line


def test_what_broke_is_named(
    played: Callable[[str], run.Outcome], capsys: pytest.CaptureFixture[str]
) -> None:
    found = played(
        "print('AssertionError')\n"
        "print(\"artifact_prefix='x'; Test unit written to /tmp/parser-crash-1\")\n"
        "raise SystemExit(77)\n"
    )
    assert found.broke == "/tmp/parser-crash-1"
    assert "--replay /tmp/parser-crash-1" in capsys.readouterr().out
    assert played("raise SystemExit(9)").broke == "exit code 9"


def test_the_corpus_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "HOME", tmp_path)
    files = sorted(run.seed("parser").iterdir())
    assert len(files) == len({file.read_bytes() for file in files}) > 20
