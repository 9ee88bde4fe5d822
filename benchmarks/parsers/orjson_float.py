"""orjson, and then every price and size made a float, by hand and without objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NUMBERS = {
    "aggTrade": ("p", "q"),
    "bookTicker": ("b", "B", "a", "A"),
}
_CANDLE = ("o", "c", "h", "l", "v", "q", "V", "Q")


def _make_float(data: dict[str, Any]) -> None:
    kind = data.get("e", "bookTicker")  # spot's book ticker does not say what it is
    if kind == "depthUpdate":
        for side in ("b", "a"):
            data[side] = [(float(price), float(size)) for price, size in data[side]]
        return
    if kind == "kline":
        data = data["k"]
        names: tuple[str, ...] = _CANDLE
    else:
        names = _NUMBERS[kind]
    for name in names:
        data[name] = float(data[name])


def prepare(frames: Sequence[bytes], market: str) -> Callable[[], int]:
    loads = orjson.loads

    def run() -> int:
        taken = 0
        for frame in frames:
            data = loads(frame)["data"]
            _make_float(data)
            taken += 1
        return taken

    return run
