"""Depth updates through real sockets and a bad line into `tickwire.Books`, each book compared with
the true one at every update.

    python -m tests.soak.book_line                    # a million compared for each market
    python -m tests.soak.book_line --updates 50000
    python -m tests.soak.book_line --seed 3

Frames are lost, repeated and delayed, connections break and are rotated, snapshots fail and are
old. Exits with 1 at the first difference, which the traceback then names.
"""

from __future__ import annotations

import argparse
import logging
import sys

import tickwire
from tests.support.book_venue import BadVenue, LineFaults
from tickwire.simulator import Market

_AT_A_TIME = 20_000
_FAULTS = LineFaults(
    loss=0.002,
    repeat=0.01,
    delay=0.002,
    disconnect=0.0002,
    failed_snapshot=0.2,
    old_snapshot=0.2,
)
_MANAGER = {
    "reconnect_delay": 0.01,
    "reconnect_delay_max": 0.1,
    "max_reconnect_attempts": 0,
    "rotate_every": 2.0,
    "overlap": 0.1,
}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def through(market: str, updates: int, seed: int) -> None:
    async with BadVenue(market, symbols=3, seed=seed) as venue:
        books = tickwire.Books(
            "binance",
            venue.names,
            market=market,
            url=venue.ws_url,
            levels=1000,
            weight_per_minute=100_000_000,
            manager=_MANAGER,
            on_change=venue.check,
            seed=seed,
        )
        async with books:
            await venue.run_until(lambda: books.stats.live == 3)
            venue.faults = _FAULTS
            done = 0
            while done < updates:
                done = min(done + _AT_A_TIME, updates)
                # However slow the machine: half an hour for so many is a hang.
                await venue.run_until(
                    lambda done=done: venue.counts["compared"] >= done,  # type: ignore[misc]
                    patience=1800.0,
                )
                say(f"{market} {dict(venue.counts)} {books.stats}")
            venue.faults = LineFaults()
            await venue.run_until(lambda: all(map(venue.is_level, (books[n] for n in books))))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--updates", type=int, default=1_000_000, help="for each market")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("tickwire.books").setLevel(logging.ERROR)  # failed snapshots are the point
    for market in Market:
        tickwire.run(through(market.value, options.updates, options.seed))
    say("every book was the true one, or said that it was not")
    return 0


if __name__ == "__main__":
    sys.exit(main())
