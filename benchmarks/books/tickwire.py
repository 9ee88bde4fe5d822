"""tickwire's OrderBook: sorted, exact numbers, sequence checked, straight from the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tickwire.exchanges.binance.books import new_book

if TYPE_CHECKING:
    from collections.abc import Callable


def prepare(snapshot: bytes, frames: list[bytes]) -> Callable[[], int]:
    def run() -> int:
        book = new_book("BTCUSDT")
        receive = book.receive
        receive(frames[0])
        book.receive_snapshot(snapshot)
        for frame in frames[1:]:
            receive(frame)
        return book.stats.updates

    return run
