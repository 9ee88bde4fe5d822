"""Where the suite is found, what it is given, and what is said when it cannot run."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tickwire.cli import bench as bench_module
from tickwire.cli import main
from tickwire.cli.bench import BenchOptions, bench
from tickwire.cli.mend import Origin
from tickwire.cli.problems import Problem

ROOT = Path(__file__).resolve().parents[3]
PROJECT = """
[project]
name = "tickwire"
[project.optional-dependencies]
bench = ["picows==2", "trustme", "matplotlib"]
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "run.py").touch()
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """Every process that would have been started: its command line and where."""
    found: list[tuple[list[str], Path]] = []

    def run(command: list[str], *, cwd: Path, check: bool) -> Any:
        found.append((command, cwd))
        return SimpleNamespace(returncode=7)

    monkeypatch.setattr(subprocess, "run", run)
    return found


def from_wheel(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setattr(bench_module, "find_origin", Origin)
    monkeypatch.chdir(here)


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def version(name: str) -> str:
        if name not in names:
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(bench_module, "version", version)


def test_a_checkout_runs_its_own_suite(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[list[str], Path]], tmp_path: Path
) -> None:
    monkeypatch.setattr(bench_module, "find_origin", lambda: Origin(checkout=ROOT))
    monkeypatch.setattr(bench_module, "version", lambda name: "1")
    monkeypatch.chdir(tmp_path)
    assert bench(BenchOptions(quick=True)) == 7
    assert ran == [([sys.executable, "-m", "benchmarks.run", "--quick", "--"], ROOT)]


def test_an_installed_package_runs_the_suite_of_the_clone_around(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[list[str], Path]], clone: Path
) -> None:
    from_wheel(monkeypatch, clone / "benchmarks")
    install(monkeypatch, "picows", "trustme", "matplotlib")
    assert bench(BenchOptions()) == 7
    assert ran[0][1] == clone


def test_an_installed_package_alone_says_where_the_suite_is(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[list[str], Path]], tmp_path: Path
) -> None:
    from_wheel(monkeypatch, tmp_path)
    with pytest.raises(Problem, match="clone it") as caught:
        bench(BenchOptions())
    assert caught.value.exit_code == 1
    assert ran == []


@pytest.mark.parametrize(
    ("installed", "options"),
    [
        (("picows", "matplotlib"), BenchOptions()),
        (("picows", "trustme"), BenchOptions(write_docs=True)),
        (("picows", "trustme"), BenchOptions(saved=Path("x.json"), write_docs=True)),
    ],
)
def test_packages_that_the_suite_needs_are_named_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
    ran: list[tuple[list[str], Path]],
    clone: Path,
    installed: tuple[str, ...],
    options: BenchOptions,
) -> None:
    from_wheel(monkeypatch, clone)
    install(monkeypatch, *installed)
    (missing,) = {"picows", "trustme", "matplotlib"} - set(installed)
    with pytest.raises(Problem) as caught:
        bench(options)
    assert f"need {missing}, not" in caught.value.line
    assert f"{clone}[bench]" in caught.value.line
    assert ran == []


def test_a_missing_client_is_named_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch,
    ran: list[tuple[list[str], Path]],
    clone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from_wheel(monkeypatch, clone)
    install(monkeypatch, "trustme", "matplotlib")
    assert bench(BenchOptions()) == 7
    assert len(ran) == 1
    said = capsys.readouterr().err
    assert said == "tickwire: not installed, and so not measured: picows\n"


def test_an_earlier_run_is_shown_without_the_extra(
    monkeypatch: pytest.MonkeyPatch,
    ran: list[tuple[list[str], Path]],
    clone: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from_wheel(monkeypatch, clone)
    install(monkeypatch)
    assert bench(BenchOptions(saved=Path("x.json"))) == 7
    assert len(ran) == 1
    assert capsys.readouterr().err == ""


def test_the_extra_of_this_repository_can_be_read() -> None:
    assert isinstance(bench_module._missing(ROOT), list)


def test_what_is_asked_for_arrives(
    monkeypatch: pytest.MonkeyPatch, ran: list[tuple[list[str], Path]], clone: Path
) -> None:
    from_wheel(monkeypatch, clone)
    install(monkeypatch, "picows", "trustme", "matplotlib")
    asked = ["bench", "receive", "echo", "--rounds", "3", "--from", "x.json", "--write-docs"]
    assert main(asked) == 7
    command = ran[0][0]
    assert command[3:] == [
        "--write-docs", "--rounds=3", f"--from={clone / 'x.json'}", "--", "receive", "echo",
    ]  # fmt: skip


def test_the_suite_takes_these_options() -> None:
    """Its own parser reads them: asked for no such table, it says which there are."""
    pytest.importorskip("trustme", reason="the suite's own runner needs it")
    options = BenchOptions(("no-such-table",), quick=True, rounds=2)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *options.arguments()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "no workload is called 'no-such-table'; there are: receive-64, " in done.stderr
