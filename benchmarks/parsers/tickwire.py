"""tickwire's Binance codec, prices and sizes as float."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from tickwire.exchanges.binance import BinanceCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.market import Event


def prepare(
    frames: Sequence[bytes], market: str, numbers: Literal["float", "decimal"] = "float"
) -> Callable[[], int]:
    codec = BinanceCodec(market, numbers=numbers)
    codec.attach({json.loads(frame)["stream"] for frame in frames})
    receive = codec.receive

    def run() -> int:
        taken = 0
        events: list[Event] = []
        for frame in frames:
            receive(frame, 0, events)
            taken += len(events)
            events.clear()
        return taken

    return run
