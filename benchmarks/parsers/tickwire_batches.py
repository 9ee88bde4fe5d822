"""tickwire's Binance codec as a Feed uses it: the frames of one read together, here 64."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tickwire.exchanges.binance import BinanceCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.market import Event

_READ_TOGETHER = 64


def prepare(frames: Sequence[bytes], market: str) -> Callable[[], int]:
    codec = BinanceCodec(market)
    codec.attach({json.loads(frame)["stream"] for frame in frames})
    reads = [frames[i : i + _READ_TOGETHER] for i in range(0, len(frames), _READ_TOGETHER)]
    receive_many = codec.receive_many

    def run() -> int:
        taken = 0
        events: list[Event] = []
        for read in reads:
            receive_many(read, 0, events)
            taken += len(events)
            events.clear()
        return taken

    return run
