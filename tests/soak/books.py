"""A million depth updates over a bad line, the book compared with the true one at every one.

    python tests/soak/books.py                    # a million for each market, several minutes
    python tests/soak/books.py --updates 50000
    python tests/soak/books.py --seed 3

Exits with 1 at the first difference, which the traceback then names.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.book_trial import Trial
from tickwire.book import COMPILED
from tickwire.simulator.options import Market

_AT_A_TIME = 50_000


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--updates", type=int, default=1_000_000, help="for each market")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    say(f"{'compiled' if COMPILED else 'pure-Python'} ladder, seed {options.seed}")
    for market in (Market.SPOT, Market.USDM):
        trial = Trial(market, Random(options.seed), seed=options.seed)
        while (left := options.updates - trial.counts["messages"]) > 0:
            trial.run(min(left, _AT_A_TIME))
            say(f"{market.value} {dict(trial.counts)} {trial.book.stats}")
        trial.recover(200)
        if not trial.book.is_live:
            say(f"{market.value}: did not recover: {trial.book.reason}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
