"""The venue's JSON for each event, spot and futures dialects. Pure: state in, bytes out.

The keys, their order and their types follow the Binance stream documentation of 2026 (futures
payloads with ``st`` and ``ps``). All times are in ms. Each function renders the payload of a raw
connection; :func:`envelope_head` is what a combined connection gets before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orjson import dumps

from tickwire.simulator.candles import bucket_end
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText, percent_change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tickwire.simulator.book import DepthChange
    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument

__all__ = ["ENVELOPE_TAIL", "Payloads", "envelope_head"]

ENVELOPE_TAIL = b"}"
_MARKET_NUMBERS = {Market.SPOT: 0, Market.USDM: 1, Market.COINM: 2}
"""``st`` of the futures."""


def envelope_head(stream: str) -> bytes:
    """What stands before the payload on a combined connection; ``ENVELOPE_TAIL`` follows it."""
    return b'{"stream":' + dumps(stream) + b',"data":'


class Payloads:
    """Renders the events of one instrument in one market's dialect."""

    __slots__ = ("_instrument", "_market", "_pair", "_spot", "_symbol", "_text")

    def __init__(self, instrument: Instrument, market: Market) -> None:
        self._instrument = instrument
        self._symbol = instrument.spec.symbol
        self._pair = instrument.spec.pair
        self._market = market
        self._spot = market is Market.SPOT
        self._text = NumberText(instrument.spec, market)

    def trades(self, fill: Fill, now_ms: int) -> Iterator[bytes]:
        """One ``trade`` payload for each part of a fill."""
        price = self._text.price(fill.price)
        for trade_id, lots in enumerate(fill.parts, fill.first_id):
            yield dumps(
                {
                    "e": "trade",
                    "E": now_ms,
                    "s": self._symbol,
                    "t": trade_id,
                    "p": price,
                    "q": self._text.quantity(lots),
                    "T": now_ms,
                    "m": fill.buyer_is_maker,
                    "M": True,
                }
            )

    def agg_trade(self, fill: Fill, now_ms: int) -> bytes:
        quantity = self._text.quantity(fill.lots)
        payload: dict[str, Any] = {
            "e": "aggTrade",
            "E": now_ms,
            "s": self._symbol,
            "a": fill.aggregate_id,
            "p": self._text.price(fill.price),
            "q": quantity,
        }
        if self._market is Market.USDM:
            payload["nq"] = quantity
        payload |= {
            "f": fill.first_id,
            "l": fill.last_id,
            "T": now_ms,
            "m": fill.buyer_is_maker,
        }
        payload |= {"M": True} if self._spot else {"st": _MARKET_NUMBERS[self._market]}
        return dumps(payload)

    def book_ticker(self, now_ms: int) -> bytes:
        book, text = self._instrument.book, self._text
        bid, bid_lots = book.bids.best_level()
        ask, ask_lots = book.asks.best_level()
        best = {
            "b": text.price(bid),
            "B": text.quantity(bid_lots),
            "a": text.price(ask),
            "A": text.quantity(ask_lots),
        }
        if self._spot:
            return dumps({"u": book.last_update_id, "s": self._symbol, **best})
        return dumps(
            {
                "e": "bookTicker",
                "u": book.last_update_id,
                "E": now_ms,
                "T": now_ms,
                "s": self._symbol,
                "ps": self._pair,
                **best,
                "st": _MARKET_NUMBERS[self._market],
            }
        )

    def kline(self, interval: str, candle: Candle, now_ms: int, *, is_closed: bool) -> bytes:
        text = self._text
        return dumps(
            {
                "e": "kline",
                "E": now_ms,
                "s": self._symbol,
                "k": {
                    "t": candle.start_ms,
                    "T": bucket_end(interval, candle.start_ms),
                    "s": self._symbol,
                    "i": interval,
                    "f": candle.first_id,
                    "L": candle.last_id,
                    "o": text.price(candle.open),
                    "c": text.price(candle.close),
                    "h": text.price(candle.high),
                    "l": text.price(candle.low),
                    "v": text.quantity(candle.volume),
                    "n": candle.count,
                    "x": is_closed,
                    "q": text.turnover(candle.quote),
                    "V": text.quantity(candle.buy_volume),
                    "Q": text.turnover(candle.buy_quote),
                    "B": "0",
                },
            }
        )

    def mini_ticker(self, now_ms: int) -> bytes:
        text = self._text
        day, _ = self._instrument.candles.rolling_day(now_ms)
        payload = {
            "e": "24hrMiniTicker",
            "E": now_ms,
            "s": self._symbol,
            "c": text.price(day.close),
            "o": text.price(day.open),
            "h": text.price(day.high),
            "l": text.price(day.low),
            "v": text.quantity(day.volume),
            "q": text.turnover(day.quote),
        }
        return dumps(payload | self._market_keys())

    def ticker(self, now_ms: int) -> bytes:
        text, candles, book = self._text, self._instrument.candles, self._instrument.book
        day, price_before = candles.rolling_day(now_ms)
        bid, bid_lots = book.bids.best_level()
        ask, ask_lots = book.asks.best_level()
        payload: dict[str, Any] = {
            "e": "24hrTicker",
            "E": now_ms,
            "s": self._symbol,
            "p": text.price(day.close - day.open),
            "P": percent_change(day.open, day.close),
            "w": text.mean_price(day.volume, day.quote),
        }
        if self._spot:
            payload["x"] = text.price(price_before)
        payload |= {"c": text.price(day.close), "Q": text.quantity(candles.last_lots)}
        if self._spot:
            payload |= {
                "b": text.price(bid),
                "B": text.quantity(bid_lots),
                "a": text.price(ask),
                "A": text.quantity(ask_lots),
            }
        payload |= {
            "o": text.price(day.open),
            "h": text.price(day.high),
            "l": text.price(day.low),
            "v": text.quantity(day.volume),
            "q": text.turnover(day.quote),
            "O": day.start_ms,
            "C": now_ms,
            "F": day.first_id,
            "L": day.last_id,
            "n": day.count,
        }
        return dumps(payload | self._market_keys())

    def depth_diff(self, change: DepthChange, now_ms: int) -> bytes:
        levels = self._text.levels
        return self._depth_update(change, levels(change.bids), levels(change.asks), now_ms)

    def depth_top(self, count: int, change: DepthChange, now_ms: int) -> bytes:
        """The best ``count`` levels of both sides, as sent together with ``change``."""
        book, levels = self._instrument.book, self._text.levels
        bids, asks = levels(book.bids.top(count)), levels(book.asks.top(count))
        if self._spot:
            return dumps({"lastUpdateId": book.last_update_id, "bids": bids, "asks": asks})
        return self._depth_update(change, bids, asks, now_ms)

    def snapshot(self, limit: int, now_ms: int) -> bytes:
        """The REST depth answer with ``limit`` levels a side."""
        book, levels = self._instrument.book, self._text.levels
        head: dict[str, Any] = {"lastUpdateId": book.last_update_id}
        if not self._spot:
            head |= {"E": now_ms, "T": now_ms}
        if self._market is Market.COINM:
            head |= {"symbol": self._symbol, "pair": self._pair}
        return dumps(
            head | {"bids": levels(book.bids.top(limit)), "asks": levels(book.asks.top(limit))}
        )

    def _depth_update(
        self,
        change: DepthChange,
        bids: list[tuple[str, str]],
        asks: list[tuple[str, str]],
        now_ms: int,
    ) -> bytes:
        if self._spot:
            return dumps(
                {
                    "e": "depthUpdate",
                    "E": now_ms,
                    "s": self._symbol,
                    "U": change.first,
                    "u": change.last,
                    "b": bids,
                    "a": asks,
                }
            )
        return dumps(
            {
                "e": "depthUpdate",
                "E": now_ms,
                "T": now_ms,
                "s": self._symbol,
                "U": change.first,
                "u": change.last,
                "pu": change.previous,
                "b": bids,
                "a": asks,
                **self._market_keys(),
            }
        )

    def _market_keys(self) -> dict[str, Any]:
        return {} if self._spot else {"ps": self._pair, "st": _MARKET_NUMBERS[self._market]}
