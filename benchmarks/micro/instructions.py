"""Counts the instructions of each micro-benchmark, and compares them with a stored baseline.

    python -m benchmarks.micro.instructions             # compare: 1 if a case needs 5 % more
    python -m benchmarks.micro.instructions --record    # store what is counted here as the baseline

A count does not depend on how busy the machine is, so a small change shows on any machine, and in
CI. It does depend on the compiler, on Python and on a few libraries: the baseline says which those
were, and where others are in use nothing is compared; the exit code is 3 then, and a line says what
differs. See docs/decisions/0007-instruction-counts.md.

How it counts. One process runs all cases under valgrind's callgrind, each N times and then 2N
times, with a call of ``getppid`` before, between and after, at which callgrind writes down what it
has counted. The difference of the two is what N rounds take; start-up and the loop's own beginning
cancel out.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Finding", "Verdict", "compare", "differences", "per_item", "totals_of"]

ROOT = Path(__file__).resolve().parents[2]
BASELINE = Path(__file__).with_name("instructions.json")
LIMIT = 0.05
"""How much more than the baseline is a regression."""

_MARKS_PER_CASE = 3
_SECONDS = 300.0
_NOT_COMPARED = 3
_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)
_COMPILER = re.compile(rb"GCC: \([^)]*\) [\d.]+|clang version [\d.]+")
_CYTHON = re.compile(rb"_cython_(\d+_\d+_\w+?)(?=[.\0])")


class NotComparable(Exception):
    """Nothing can be counted or compared here; the text says why."""


# --------------------------------------------------------------------------------- the arithmetic


@dataclass(frozen=True)
class Finding:
    """One case, in instructions per item; ``None`` where one side does not have it."""

    name: str
    before: float | None
    now: float | None

    @property
    def change(self) -> float:
        """How much more it is now, as a share of before; 0 where one side is missing."""
        return self.now / self.before - 1 if self.before and self.now else 0.0

    @property
    def is_failure(self) -> bool:
        """More than :data:`LIMIT` above the baseline, or not in it, or only in it."""
        return self.before is None or self.now is None or self.change > LIMIT

    def line(self) -> str:
        """For people to read."""
        if self.before is None:
            return f"{self.name:24} {self.now:12,.1f}  not in the baseline: record it anew"
        if self.now is None:
            return f"{self.name:24} {'':12}  in the baseline only: record it anew"
        text = f"{self.name:24} {self.now:12,.1f}  {self.change:+7.2%}"
        if self.change > LIMIT:
            return f"{text}  REGRESSION, {self.before:,.1f} before"
        if self.change < -LIMIT:
            return f"{text}  better: record the baseline anew, so that it stays so"
        return text


@dataclass(frozen=True)
class Verdict:
    """All findings."""

    findings: tuple[Finding, ...]

    @property
    def is_failure(self) -> bool:
        return any(one.is_failure for one in self.findings)

    def text(self) -> str:
        """A table, and what to do if it fails."""
        lines = [f"{'case':24} {'instructions':>12}  change", *(f.line() for f in self.findings)]
        if self.is_failure:
            lines.append(
                f"More than {LIMIT:.0%} above the baseline. Make it cheaper; or, if it is worth its"
                " cost, store the new counts: python -m benchmarks.micro.instructions --record"
            )
        return "\n".join(lines)


def compare(before: Mapping[str, float], now: Mapping[str, float]) -> Verdict:
    """Counts per item, by case, of the baseline and of here."""
    names = [*now, *(name for name in before if name not in now)]
    return Verdict(tuple(Finding(name, before.get(name), now.get(name)) for name in names))


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between two toolchains, in words."""
    return [
        f"{name} {now.get(name, 'none')} here, {before.get(name, 'none')} in the baseline"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def totals_of(folder: Path) -> list[int]:
    """What callgrind counted up to each mark, in their order."""
    dumps = sorted(
        (path for path in folder.glob("count.*.*")), key=lambda path: int(path.suffix[1:])
    )
    totals = []
    for dump in dumps:
        found = _TOTALS.search(dump.read_text())
        if found is None:
            raise NotComparable(f"callgrind wrote no totals into {dump.name}")
        totals.append(int(found[1]))
    return totals


def per_item(totals: Sequence[int], cases: Sequence[tuple[str, int]]) -> dict[str, float]:
    """Instructions per item, by case.

    Args:
        totals: For each case: what led up to it, N rounds, 2N rounds.
        cases: Names, and the items in N rounds.
    """
    if len(totals) != _MARKS_PER_CASE * len(cases):
        raise NotComparable(f"{len(totals)} counts for {len(cases)} cases: was it cut short?")
    return {
        name: (totals[_MARKS_PER_CASE * i + 2] - totals[_MARKS_PER_CASE * i + 1]) / items
        for i, (name, items) in enumerate(cases)
    }


# ------------------------------------------------------------------------------------ the counting


def toolchain() -> dict[str, str]:
    """What a count depends on besides our sources.

    Raises:
        NotComparable: There is no valgrind, or no compiled core.
    """
    from tickwire.wire import COMPILED

    if not COMPILED:
        raise NotComparable("the compiled core is not in use")
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise NotComparable("valgrind is not installed (apt-get install valgrind)")
    said = subprocess.run([valgrind, "--version"], capture_output=True, text=True, check=True)
    from tickwire.wire import _wire

    core = Path(str(_wire.__file__)).read_bytes()
    compiler, cython = _COMPILER.search(core), _CYTHON.search(core)
    return {
        "machine": platform.machine(),
        "vectors": _vectors(),
        "libc": " ".join(platform.libc_ver()),
        "python": f"{platform.python_version()} {platform.python_compiler()}",
        "compiler": compiler[0].decode() if compiler else "unknown",
        "cython": cython[1].decode().replace("_", ".") if cython else "unknown",
        "valgrind": said.stdout.strip(),
    } | {name: _version_of(name) for name in ("msgspec", "zlib-ng")}


def _vectors() -> str:
    """Which vector instructions libraries may choose by."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "unknown"
    return " ".join(name for name in ("sse4_2", "avx2") if name in flags)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def count() -> dict[str, float]:
    """Run all cases under callgrind; instructions per item, by case.

    Raises:
        NotComparable: It failed; the text is the last line it said.
    """
    from benchmarks.micro.cases import CASES

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [
            "valgrind",
            "--tool=callgrind",
            "--dump-before=getppid",
            f"--callgrind-out-file={folder}/count.%p",
            sys.executable,
            *("-m", "benchmarks.micro.instructions", "--child"),
        ]
        environment = {
            name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ
        }
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment | {"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise RuntimeError(f"the counted process failed: {last}")
        # The last dump, at the end of the process, has no number.
        return per_item(totals_of(folder), [(case.name, case.items * case.times) for case in CASES])


def _run_cases() -> None:
    """In the counted process. The first run of each warms up what a first run warms up."""
    from benchmarks.micro.cases import CASES

    gc.disable()
    mark = os.getppid
    for case in CASES:
        run = case.prepare()
        run(case.times)
        mark()
        run(case.times)
        mark()
        run(2 * case.times)
        mark()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--record", action="store_true", help="store the counts as the baseline")
    what.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _run_cases()
        return 0
    try:
        here = toolchain()
        if options.record:
            counts = {name: round(value, 1) for name, value in count().items()}
            baseline = {"toolchain": here, "instructions": counts}
            BASELINE.write_text(json.dumps(baseline, indent=1) + "\n")
            print(f"Stored {len(counts)} counts in {BASELINE.relative_to(ROOT)}")
            return 0
        baseline = json.loads(BASELINE.read_text())
        differing = differences(baseline["toolchain"], here)
        if differing:
            raise NotComparable("another toolchain: " + "; ".join(differing))
        verdict = compare(baseline["instructions"], count())
    except NotComparable as reason:
        print(f"Instruction counts NOT compared: {reason}")
        return _NOT_COMPARED
    print(verdict.text())
    return 1 if verdict.is_failure else 0


if __name__ == "__main__":
    sys.exit(main())
