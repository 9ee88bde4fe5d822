"""The books of every venue over a bad line, each compared with the market's at every update.

    python -m tests.soak.venues                       # 100,000 updates a venue
    python -m tests.soak.venues --updates 5000
    python -m tests.soak.venues --seed 3 okx kraken

Exits with 1 if a book was live and was not the market's.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from tests.support.venue_trial import VENUES, Outcome, Trial
from tickwire.book import COMPILED
from tickwire.clock import mono_ns

_PARTS = 10
_COLUMNS = (
    ("venue", 18),
    ("shows loss by", 15),
    ("updates", 8),
    ("compared", 9),
    ("quiet", 6),
    ("losses", 7),
    ("snapshots", 10),
    ("connections", 12),
    ("frames", 8),
    ("lost", 6),
    ("doubled", 8),
    ("swapped", 8),
    ("cuts", 5),
    ("seconds", 8),
)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def run(name: str, updates: int, seed: int) -> tuple[Outcome, float, str]:
    """One venue. Gives what came of it, the seconds it took, and what went wrong."""
    began = mono_ns()
    trial = Trial(VENUES[name], seed=seed)
    problem = ""
    async with trial:
        try:
            for part in range(_PARTS):
                await trial.run(max(0, updates * (part + 1) // _PARTS - trial.outcome.updates))
                say(f"{name}: {trial.outcome.updates} of {updates} updates")
        except AssertionError as error:
            problem = str(error)
            say(f"{name}: {problem}")
    return trial.outcome, (mono_ns() - began) / 1e9, problem


def row(*values: object) -> str:
    cells = zip(values, _COLUMNS, strict=True)
    return "".join(
        f"{value!s:<{width}}" if place < 2 else f"{value!s:>{width}}"
        for place, (value, (_, width)) in enumerate(cells)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venues", nargs="*", default=list(VENUES), help=", ".join(VENUES))
    parser.add_argument("--updates", type=int, default=100_000, help="for each (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of markets and faults")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # each injected fault would be a line
    say(f"{'compiled' if COMPILED else 'pure-Python'} ladder, seed {options.seed}")
    lines, problems = [row(*(name for name, _ in _COLUMNS))], []
    for name in options.venues:
        found, seconds, problem = asyncio.run(run(name, options.updates, options.seed))
        problems += [f"{name}: {problem}"] if problem else []
        lines.append(
            row(
                name,
                VENUES[name].shows,
                *(found.updates, found.compared, found.quiet, found.losses, found.snapshots),
                *(found.connections, found.frames, found.lost, found.doubled, found.swapped),
                *(found.cuts, f"{seconds:.0f}"),
            )
        )
    for line in (*lines, *(problems or ["every live book was the market's"])):
        say(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
