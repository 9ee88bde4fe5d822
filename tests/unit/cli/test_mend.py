"""Commands that mend, for each way of having been installed."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tickwire.cli import mend
from tickwire.cli.mend import Origin, compiler_command, find_origin, install_command

if TYPE_CHECKING:
    from collections.abc import Callable

PIP = [sys.executable, "-m", "pip", "install"]
FORCED = [*PIP, "--force-reinstall", "--no-deps", "--no-cache-dir"]
TREE = Path("/a tree/tickwire")


@pytest.mark.parametrize(
    ("origin", "extra", "force", "words"),
    [
        (Origin(), "", False, [*PIP, "tickwire"]),
        (Origin(), "simulator", False, [*PIP, "tickwire[simulator]"]),
        (Origin(), "", True, [*FORCED, "--no-binary=tickwire", "tickwire"]),
        (Origin(checkout=TREE), "simulator", False, [*PIP, "-e", f"{TREE}[simulator]"]),
        (Origin(checkout=TREE), "", True, [*FORCED, "-e", str(TREE)]),
        (Origin(url="file:///x"), "simulator", False, [*PIP, "tickwire[simulator] @ file:///x"]),
        (Origin(url="file:///x"), "", True, [*FORCED, "tickwire @ file:///x"]),
    ],
)
def test_install_command(origin: Origin, extra: str, force: bool, words: list[str]) -> None:
    command = install_command(origin, extra=extra, force=force)
    assert shlex.split(command) == words, "it survives the shell"


def installed_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record: str | None) -> Origin:
    """What is found for a copy outside any source tree, whose installer left ``record``."""
    monkeypatch.setattr(mend, "__file__", str(tmp_path / "site" / "tickwire" / "cli" / "mend.py"))

    class Distribution(metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            return record if filename == "direct_url.json" else None

        def locate_file(self, path: object) -> Path:
            return tmp_path

    monkeypatch.setattr(mend, "distribution", lambda name: Distribution())
    return find_origin()


def test_this_tree_is_found() -> None:
    root = Path(__file__).resolve().parents[3]
    assert find_origin() in (Origin(checkout=root), Origin())


@pytest.mark.parametrize(
    ("record", "origin"),
    [
        (None, Origin()),
        ('{"url":"file:///src/tickwire","dir_info":{}}', Origin(url="file:///src/tickwire")),
        (
            '{"url":"https://host/x.git","vcs_info":{"vcs":"git","commit_id":"1"}}',
            Origin(url="git+https://host/x.git"),
        ),
    ],
)
def test_what_the_installer_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record: str | None, origin: Origin
) -> None:
    assert installed_at(monkeypatch, tmp_path, record) == origin


def test_a_copy_that_nobody_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(mend, "__file__", str(tmp_path / "site" / "tickwire" / "cli" / "mend.py"))
    monkeypatch.setattr(mend, "distribution", missing)
    assert find_origin() == Origin()


def having(*tools: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in tools else None


@pytest.mark.parametrize(
    ("tools", "starts"),
    [
        (("cc",), None),
        (("cc", "apt-get"), None),
        (("apt-get",), "sudo apt-get install"),
        (("apk",), "sudo apk add gcc"),
        (("xcode-select",), "xcode-select --install"),
        ((), None),
    ],
)
def test_compiler_command(
    monkeypatch: pytest.MonkeyPatch, tools: tuple[str, ...], starts: str | None
) -> None:
    monkeypatch.setattr(shutil, "which", having(*tools))
    command = compiler_command()
    assert (command or "").startswith(starts or "")
    assert (command is None) == (starts is None)


def test_a_rebuild_installs_a_compiler_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", having("apt-get"))
    compiler, rebuild = mend.rebuild_command(Origin()).split(" && ")
    assert compiler == "sudo apt-get install -y gcc python3-dev"
    assert rebuild == install_command(Origin(), force=True)
