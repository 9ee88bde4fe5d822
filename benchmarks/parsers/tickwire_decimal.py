"""tickwire's Binance codec, prices and sizes as Decimal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.parsers import tickwire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def prepare(frames: Sequence[bytes], market: str) -> Callable[[], int]:
    return tickwire.prepare(frames, market, "decimal")
