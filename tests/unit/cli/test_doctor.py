"""The doctor's findings on sick installations. Healthy ones: see the integration tests."""

from __future__ import annotations

import json
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING

from tickwire.cli import doctor, facts
from tickwire.cli.doctor import EXTRAS, Check, Report, Status, examine, print_report
from tickwire.transport import libcurl

if TYPE_CHECKING:
    import pytest

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
FOR_DEVELOPERS = {"bench", "dev", "fuzz"}


def named(report: Report, name: str) -> Check:
    (check,) = [check for check in report.checks if check.name == name]
    return check


def test_every_extra_of_users_is_looked_at() -> None:
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    assert EXTRAS.keys() == extras.keys() - FOR_DEVELOPERS
    for name, (package, _) in EXTRAS.items():
        assert any(requirement.startswith(package) for requirement in extras[name])


async def test_a_libcurl_that_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_old() -> None:
        raise ImportError("libcurl 8.0.0 is too old")

    monkeypatch.setattr(libcurl, "byte_functions", too_old)
    report = await examine()
    check = named(report, "libcurl")
    assert (check.status, check.detail) == (Status.FAIL, "libcurl 8.0.0 is too old")
    assert check.mend is not None
    assert not report.is_healthy
    assert not any(check.name == "round trip" for check in report.checks), "it could only crash"


async def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", version)
    check = named(await examine(), "simulator")
    assert check.status is Status.WARN
    assert check.mend is not None
    assert "[simulator]" in check.mend


async def test_a_missing_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(facts, "loop_name", lambda: "asyncio")
    check = named(await examine(), "loop")
    assert check.status is Status.WARN
    assert check.mend is not None
    assert "pip install" in check.mend


async def test_a_round_trip_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**options: object) -> None:
        raise RuntimeError("no\nsockets here")

    monkeypatch.setattr(doctor, "AsyncSession", broken)
    report = await examine()
    check = named(report, "round trip")
    assert check.status is Status.FAIL
    assert "RuntimeError: no sockets here" in check.detail
    assert not report.is_healthy


REPORT = Report(
    "Linux x86_64",
    {"tickwire": "0.1.0", "python": "3.11.7", "libcurl": "libcurl/8", "uvloop": None},
    (Check("core", Status.WARN, "pure", "mend [this]"), Check("loop", Status.OK, "uvloop")),
)


def test_json() -> None:
    line = REPORT.json_line()
    assert line.count(b"\n") == 1
    found = json.loads(line)
    assert found["ok"] is True
    assert found["checks"][0] == {
        "name": "core", "status": "warn", "detail": "pure", "mend": "mend [this]",
    }  # fmt: skip


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORT)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tickwire 0.1.0 · Python 3.11.7 · Linux x86_64"
    assert lines[1] == "! core  pure"
    assert lines[2].strip() == "→ mend [this]", "square brackets are no markup"
    assert lines[3] == "✓ loop  uvloop"
    assert lines[-1] == "libcurl/8"
    assert "uvloop None" not in "".join(lines)
