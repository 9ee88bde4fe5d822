"""Depth messages for books: what Binance spot sends, made from a seed."""

from __future__ import annotations

from random import Random

import orjson

__all__ = ["CHANGES_PER_SIDE", "LEVELS_PER_SIDE", "depth_messages"]

LEVELS_PER_SIDE = 1000
CHANGES_PER_SIDE = 50
_REMOVED = 0.3


def depth_messages(spread: int, count: int, *, seed: int = 1) -> tuple[bytes, list[bytes]]:
    """A snapshot of 1,000 levels a side, and ``count`` messages behind it, with numbers that join.

    Args:
        spread: The 50 changes of each side lie within this many best levels; three in ten of them
            are removals. How far they spread decides how much a sorted book has to move.
        count: Messages.
        seed: The same seed, the same messages.
    """
    random = Random(seed)

    def level(side: int, place: int, size: float) -> tuple[str, str]:
        price = 65_000 - 0.03 * place if side == 0 else 65_000.5 + 0.03 * place
        return f"{price:.8f}", f"{size:.8f}"

    def changes(side: int) -> list[tuple[str, str]]:
        places = sorted(random.sample(range(spread), CHANGES_PER_SIDE))
        return [
            level(side, place, 0 if random.random() < _REMOVED else random.random() * 3)
            for place in places
        ]

    sides = [
        [level(side, place, random.random() * 3) for place in range(LEVELS_PER_SIDE)]
        for side in (0, 1)
    ]
    snapshot = orjson.dumps({"lastUpdateId": 0, "bids": sides[0], "asks": sides[1]})
    return snapshot, [
        orjson.dumps(
            {
                "stream": "btcusdt@depth@100ms",
                "data": {
                    "e": "depthUpdate",
                    "E": 1_700_000_000_000 + number,
                    "s": "BTCUSDT",
                    "U": number,
                    "u": number,
                    "b": changes(0),
                    "a": changes(1),
                },
            }
        )
        for number in range(1, count + 1)
    ]
