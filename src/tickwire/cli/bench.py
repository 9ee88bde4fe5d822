"""``tickwire bench``: the benchmark suite of the repository, from wherever the command is given.

The suite is no part of the package: it belongs to a checkout, with its results and its page. From
an installed package the command works inside a clone, and measures what is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tickwire.cli.mend import Origin, find_origin, install_command
from tickwire.cli.problems import Problem

__all__ = ["BenchOptions", "bench"]

_EXTRA = "bench"
_MEASURES_WITH = ("trustme",)
"""Of the extra, what the suite itself measures with. The rest are clients that it measures: without
one of them only its rows are empty."""
_DRAWS_WITH = ("matplotlib",)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What was asked for.

    Attributes:
        names: Tables, or how their names start; none means all.
        quick: Short and few measurements.
        rounds: Measurements per row; ``None`` leaves it to the suite.
        saved: A results file to show, instead of measuring.
        write_docs: Whether to put tables and pictures into the checkout's page.
    """

    names: tuple[str, ...] = ()
    quick: bool = False
    rounds: int | None = None
    saved: Path | None = None
    write_docs: bool = False

    def needed(self) -> set[str]:
        """Packages of the extra without which this cannot be done."""
        measures = () if self.saved else _MEASURES_WITH
        return {*measures, *(_DRAWS_WITH if self.write_docs else ())}

    def arguments(self) -> list[str]:
        """The same for ``python -m benchmarks.run``, which has a working directory of its own."""
        arguments = ["--quick"] * self.quick + ["--write-docs"] * self.write_docs
        if self.rounds is not None:
            arguments.append(f"--rounds={self.rounds}")
        if self.saved is not None:
            arguments.append(f"--from={self.saved.resolve()}")
        return [*arguments, "--", *self.names]


def bench(options: BenchOptions) -> int:
    """Run the suite in a process of its own. Returns its exit code.

    Raises:
        Problem: There is no checkout here, or packages without which the suite cannot do what was
            asked for are missing.
    """
    origin = find_origin()
    checkout = _find_checkout(origin)
    missing = _missing(checkout)
    if options.needed() & set(missing):
        command = install_command(Origin(checkout=checkout), extra=_EXTRA)
        raise Problem(f"the benchmarks need {', '.join(missing)}, not installed here: {command}")
    if missing and options.saved is None:
        sys.stderr.write(f"tickwire: not installed, and so not measured: {', '.join(missing)}\n")
    command_line = [sys.executable, "-m", "benchmarks.run", *options.arguments()]
    return subprocess.run(command_line, cwd=checkout, check=False).returncode


def _find_checkout(origin: Origin) -> Path:
    """The source tree that this package runs out of, or else the one around the working directory.

    Raises:
        Problem: There is none.
    """
    here = Path.cwd()
    for folder in (origin.checkout, here, *here.parents):
        if folder is not None and (folder / "benchmarks" / "run.py").is_file():
            return folder
    raise Problem(
        "the benchmarks belong to tickwire's repository, not to the installed package: clone it"
        " and give this command inside the clone"
    )


def _missing(checkout: Path) -> list[str]:
    """Packages of the checkout's own extra that are not installed, by name."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    missing = []
    for requirement in project["optional-dependencies"][_EXTRA]:
        found = _NAME.match(requirement)
        assert found is not None
        try:
            version(found[0])
        except PackageNotFoundError:
            missing.append(found[0])
    return missing
