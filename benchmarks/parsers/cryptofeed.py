"""cryptofeed: its message handler with one callback, books included.

The books begin empty instead of with a snapshot from the venue's REST service, which cannot be
asked here; so they are smaller, and faster, than in earnest. Its handler is a coroutine that has
nothing to wait for, so it is run without an event loop's part in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptofeed.defines import CANDLES, L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import Binance, BinanceFutures
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _feed(market: str, symbols: set[str], on_event: Callable[..., Any]) -> Any:
    """The feed, with symbols that keep the venue's names: it would ask the venue for its own."""
    kind = BinanceFutures if market == "usdm" else Binance
    Symbols.set(kind.id, {name: name for name in symbols}, {"instrument_type": {}})
    channels = (L2_BOOK, TICKER, TRADES, CANDLES)
    return kind(
        symbols=sorted(symbols),
        channels=list(channels),
        callbacks=dict.fromkeys(channels, on_event),
        candle_closed_only=False,
    )


def _before_the_first(payloads: Sequence[dict[str, Any]], market: str) -> dict[str, int]:
    """The sequence that each book must be at for the first update to follow."""
    first: dict[str, int] = {}
    for payload in payloads:
        if payload.get("e") == "depthUpdate":
            first.setdefault(payload["s"], payload["U"] - (market == "spot"))
    return first


def prepare(frames: Sequence[bytes], market: str) -> Callable[[], int]:
    texts = [frame.decode() for frame in frames]
    payloads = [json.loads(text)["data"] for text in texts]
    taken = 0

    async def on_event(event: object, received: float) -> None:
        nonlocal taken
        taken += 1

    feed = _feed(market, {payload["s"] for payload in payloads}, on_event)
    start = _before_the_first(payloads, market)
    for pair in start:
        feed._l2_book[pair] = OrderBook(feed.id, pair, max_depth=0, bids={}, asks={})
    handle = feed.message_handler

    def run() -> int:
        nonlocal taken
        taken = 0
        feed.last_update_id.update(start)
        for text in texts:
            try:
                handle(text, None, 0.0).send(None)
            except StopIteration:
                continue
            raise RuntimeError("the handler waited for something")
        return taken

    return run
