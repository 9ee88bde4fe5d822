"""What programs write by hand: orjson, a dict of floats for each side, the sequence checked.

It is not sorted: its best price is still to be sought, which is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable


def _put(side: dict[float, float], changes: list[list[str]]) -> None:
    for price, size in changes:
        number = float(size)
        if number:
            side[float(price)] = number
        else:
            side.pop(float(price), None)


def prepare(snapshot: bytes, frames: list[bytes]) -> Callable[[], int]:
    loads = orjson.loads

    def run() -> int:
        first = loads(snapshot)
        bids = {float(price): float(size) for price, size in first["bids"]}
        asks = {float(price): float(size) for price, size in first["asks"]}
        last = 0
        for frame in frames:
            data = loads(frame)["data"]
            if data["U"] != last + 1:
                raise RuntimeError("a message is missing")
            last = data["u"]
            _put(bids, data["b"])
            _put(asks, data["a"])
        return last

    return run
