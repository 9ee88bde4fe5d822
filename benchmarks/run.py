"""Measures tickwire beside its peers, and prints tables. ``tickwire bench`` runs this.

    python -m benchmarks.run                 # everything, most of an hour
    python -m benchmarks.run --quick         # under a minute, less exact
    python -m benchmarks.run receive-128     # one table (or all whose names start so)

Every measurement is a process of its own. Rows take turns, round after round, so that a change of
the machine's mood hits them alike; ratios are those of measurements in the same round.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import scales, tables
from benchmarks.pictures import pictures
from benchmarks.saved import Keeper, UnreadableResults, load

if TYPE_CHECKING:
    from benchmarks.outcomes import Run

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs" / "benchmarks.md"

_REFUSED = 2
_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", nargs="*", help="names, or how they start; all if left out")
    parser.add_argument("--quick", action="store_true", help="short and few measurements")
    parser.add_argument("--rounds", type=int, help="measurements per row")
    parser.add_argument(
        "--write-docs", action="store_true", help=f"tables and pictures into {DOCS.name}"
    )
    parser.add_argument("--from", dest="saved", type=Path, help="measure nothing: show this result")
    return parser


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.write_docs and (options.workload or options.quick):
        parser.error("--write-docs replaces the whole page: it takes no names and no --quick")
    if options.saved:
        try:
            outcome = load(options.saved)
        except UnreadableResults as error:
            return _refused(str(error))
    else:
        found = _measured(parser, options)
        if found is None:
            return _INTERRUPTED
        outcome = found
    print(tables.markdown(outcome))
    if options.write_docs:
        lacking = outcome.lacks()
        if lacking:
            return _refused(f"--write-docs takes a whole run; this lacks {', '.join(lacking)}")
        _write_docs(outcome)
    return 0


def _refused(why: str) -> int:
    sys.stderr.write(f"benchmarks: {why}\n")
    return _REFUSED


def _measured(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Run | None:
    """A new run; ``None`` if it was interrupted."""
    # What measuring needs is not needed to show an earlier run.
    from benchmarks.measuring import run
    from rich.console import Console

    console = Console(stderr=True)
    scale = scales.QUICK if options.quick else scales.FULL
    if options.rounds:
        scale = replace(scale, rounds=options.rounds)
    names = tuple(options.workload)
    try:
        scales.select(names, scale)
    except ValueError as error:
        parser.error(str(error))
    keeper = Keeper(RESULTS, is_whole=not names)
    outcome = None
    try:
        outcome = run(names, scale, console, keeper.keep)
    except KeyboardInterrupt:
        console.print("Interrupted.")
    if keeper.path is not None:
        console.print(f"Saved as {keeper.path}")
    return outcome


def _write_docs(outcome: Run) -> None:
    from benchmarks.plots import draw

    drawn = pictures(outcome)
    for picture in drawn:
        draw(picture, DOCS.parent / tables.PICTURES)
    DOCS.write_text(tables.insert(DOCS.read_text(), tables.markdown(outcome, drawn)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
