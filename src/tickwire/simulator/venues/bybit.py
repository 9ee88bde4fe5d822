"""Bybit v5: the public addresses of spot, linear and inverse.

The same instruments are on all of them. Source: Bybit v5 documentation, "WebSocket Stream"
(July 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tickwire.simulator.candles import bucket_end
from tickwire.simulator.venues.common import (
    Quiet,
    Roster,
    Topics,
    object_of,
    text_of,
    trades_of,
)
from tickwire.simulator.venues.dialect import Reply, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Bybit"]

_CATEGORIES = ("spot", "linear", "inverse")
_LIST = "/v5/market/instruments-info"
_CONNECTION = "0970e817-426e-429a-a679-ff7f55e0b16a"
_SPOT_ITEMS = 10
_REQUEST_CHARACTERS = 21_000
_TOPIC = re.compile(r"(publicTrade|tickers|(?:orderbook|kline)\.[0-9A-Z]+)\.([A-Z0-9-]+)")
_DEPTHS = (1, 50, 200, 1000)
_BOOKS = {f"orderbook.{depth}": depth for depth in _DEPTHS}
_INTERVALS: dict[str, str] = {
    **{str(count): f"{count}m" for count in (1, 3, 5, 15, 30)},
    **{str(60 * count): f"{count}h" for count in (1, 2, 4, 6, 12)},
    **{"D": "1d", "W": "1w", "M": "1M"},
}
_CANDLES = {f"kline.{own}": interval for own, interval in _INTERVALS.items()}
_CHANNELS = frozenset({"publicTrade", "tickers", *_BOOKS, *_CANDLES})
_FIRST_NUMBER = 1000
"""Of a book's updates. One would mean that the service has restarted."""
_REPEAT_MS = 3_000


class Bybit:
    """See :class:`~tickwire.simulator.venues.dialect.Dialect`.

    Args:
        model: The market.
        idle_ms: Of a client's silence, while nothing is sent to it, after which it is cut off.
    """

    name = "bybit"
    paths = tuple(f"/v5/public/{category}" for category in _CATEGORIES)

    def __init__(self, model: MarketModel, *, idle_ms: int = 600_000) -> None:
        self.idle_ms = idle_ms
        self.roster = Roster(model, lambda spec: (spec.symbol,))

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> BybitTalk:
        """See the protocol."""
        return BybitTalk(self, path.rpartition("/")[2], now_ms)

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """Bybit tells nobody of the past."""

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The instrument list."""
        if path != _LIST:
            return None
        category = query.get("category", "spot")
        is_spot = category == "spot"
        rows = []
        for instrument in self.roster.instruments:
            spec = instrument.spec
            step = {"basePrecision": spec.lot_step} if is_spot else {"qtyStep": spec.lot_step}
            kind = {} if is_spot else {"contractType": "LinearPerpetual"}
            rows.append(
                {
                    "symbol": spec.symbol,
                    **kind,
                    "baseCoin": spec.base,
                    "quoteCoin": spec.quote,
                    "status": "Trading",
                    "lotSizeFilter": step,
                    "priceFilter": {"tickSize": spec.tick_size},
                }
            )
        result = {"category": category, "list": rows, "nextPageCursor": ""}
        return text_of({"retCode": 0, "retMsg": "OK", "result": result}).encode()


class BybitTalk:
    """See :class:`~tickwire.simulator.venues.dialect.Conversation`."""

    def __init__(self, dialect: Bybit, category: str, now_ms: int) -> None:
        self.books: dict[str, Shown] = {}
        self._roster = dialect.roster
        self._is_spot = category == "spot"
        self.topics = Topics()
        self._quiet = Quiet(dialect.idle_ms, now_ms)
        self._tickers: dict[str, dict[str, str]] = {}
        # The last message of each book of one level, and when it was sent.
        self._tops: dict[str, tuple[str, int]] = {}

    def opened(self, now_ms: int) -> Reply:
        """Bybit says nothing."""
        return Reply()

    def receive(self, text: str, now_ms: int) -> Reply:
        """A request, all of which is taken or none, or a ping."""
        self._quiet.end(now_ms)
        request = object_of(text) or {}
        operation, number = request.get("op"), request.get("req_id")
        if operation == "ping":
            return self._answer("ping", number, "pong")
        topics = request.get("args")
        if operation not in ("subscribe", "unsubscribe") or not isinstance(topics, list):
            return self._answer(str(operation), number, "Invalid op", is_good=False)
        if self._is_spot and len(topics) > _SPOT_ITEMS:
            return self._answer(operation, number, "args size >10", is_good=False)
        if sum(len(str(topic)) for topic in topics) > _REQUEST_CHARACTERS:
            return self._answer(operation, number, "args length exceeded", is_good=False)
        found: list[tuple[str, str, Instrument]] = []
        for topic in topics:
            match = _TOPIC.fullmatch(str(topic))
            channel, name = match.groups() if match else ("", "")
            instrument = self._roster.find(name)
            if instrument is None or channel not in _CHANNELS:
                return self._answer(operation, number, f"Invalid topic: {topic}", is_good=False)
            found.append((channel, name, instrument))
        texts = list(self._answer(operation, number, operation if self._is_spot else "").texts)
        for channel, name, instrument in found:
            if operation == "unsubscribe":
                self._leave(channel, name)
            else:
                texts += self._join(channel, name, instrument, now_ms)
        return Reply(tuple(texts))

    def _join(self, channel: str, name: str, instrument: Instrument, now_ms: int) -> list[str]:
        if not self.topics.add(channel, name, instrument):
            return []
        if channel in _BOOKS:
            self.books[f"{channel}.{name}"] = Shown(instrument, _BOOKS[channel])
        elif channel == "tickers":
            return [self._ticker(name, instrument, now_ms)]
        return []

    def _leave(self, channel: str, name: str) -> None:
        self.topics.discard(channel, name)
        self.books.pop(f"{channel}.{name}", None)
        self._tops.pop(f"{channel}.{name}", None)
        if channel == "tickers":
            self._tickers.pop(name, None)

    def _answer(self, operation: str, number: object, words: str, *, is_good: bool = True) -> Reply:
        answer: dict[str, object] = {"success": is_good, "ret_msg": words, "conn_id": _CONNECTION}
        if number is not None or not self._is_spot:
            answer["req_id"] = number or ""
        return Reply((text_of(answer | {"op": operation}),))

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """Each trade, those of one order in one message."""
        numbers = self._roster.numbers(instrument)
        texts = []
        for name in self.topics.names("publicTrade", instrument):
            data = [
                {
                    "T": now_ms,
                    "s": name,
                    "S": "Sell" if trade.buyer_is_maker else "Buy",
                    "v": numbers.quantity(trade.lots),
                    "p": numbers.price(trade.price),
                    "i": str(trade.number),
                    "BT": False,
                    "RPI": False,
                    "seq": instrument.book.last_update_id,
                }
                for trade in trades_of(fills, now_ms)
            ]
            texts.append(_push(f"publicTrade.{name}", "snapshot", data, now_ms))
        return self._pushed(texts, now_ms)

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """Tickers."""
        names = self.topics.names("tickers", instrument)
        return self._pushed([self._ticker(name, instrument, now_ms) for name in names], now_ms)

    def _ticker(self, name: str, instrument: Instrument, now_ms: int) -> str:
        numbers, day = self._roster.numbers(instrument), self._roster.day(instrument, now_ms)
        last = instrument.candles.last_price
        found = {
            "symbol": name,
            "lastPrice": numbers.price(last),
            "highPrice24h": numbers.price(day.high),
            "lowPrice24h": numbers.price(day.low),
            "prevPrice24h": numbers.price(day.open),
            "volume24h": numbers.quantity(day.volume),
            "turnover24h": numbers.quote_volume(day.quote),
            "price24hPcnt": f"{(last - day.open) / day.open:.4f}",
        }
        kind = "snapshot"
        if not self._is_spot:
            bid, ask = self._roster.best(instrument)
            found |= {"markPrice": found["lastPrice"], "indexPrice": found["lastPrice"]}
            found |= {"bid1Price": bid[0], "bid1Size": bid[1]}
            found |= {"ask1Price": ask[0], "ask1Size": ask[1]}
            before = self._tickers.get(name)
            self._tickers[name] = found
            if before is not None:
                # Only what has changed is told.
                kind = "delta"
                changed = {key: value for key, value in found.items() if before[key] != value}
                found = {"symbol": name} | changed
        message = {"topic": f"tickers.{name}", "type": kind, "data": found}
        return text_of(message | {"cs": instrument.book.last_update_id, "ts": now_ms})

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """The book as it is."""
        return self._pushed([self._book(key, "snapshot", *view.levels(), view, now_ms)], now_ms)

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A change; of one level always the whole."""
        if self.books[key].depth == 1:
            return self.on_snapshot(key, view, now_ms)
        text = self._book(key, "delta", change.bids, change.asks, view, now_ms)
        return self._pushed([text], now_ms)

    def _book(
        self,
        key: str,
        kind: str,
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        view: BookView,
        now_ms: int,
    ) -> str:
        shown = self.books[key]
        data = {
            "s": key.rpartition(".")[2],
            "b": self._roster.rows(shown.instrument, bids),
            "a": self._roster.rows(shown.instrument, asks),
            "u": _FIRST_NUMBER + view.number,
            "seq": view.last,
        }
        text = _push(key, kind, data, now_ms, {"cts": now_ms})
        if shown.depth == 1:
            self._tops[key] = (text, now_ms)
        return text

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """The last word on a candle."""
        texts = [
            self._candle(channel, name, instrument, candle, now_ms, is_over=True)
            for channel, own in _CANDLES.items()
            if own == interval
            for name in self.topics.names(channel, instrument)
        ]
        return self._pushed(texts, now_ms)

    def _candle(
        self,
        channel: str,
        name: str,
        instrument: Instrument,
        candle: Candle,
        now_ms: int,
        *,
        is_over: bool,
    ) -> str:
        numbers = self._roster.numbers(instrument)
        own = channel.partition(".")[2]
        item = {
            "start": candle.start_ms,
            "end": bucket_end(_INTERVALS[own], candle.start_ms),
            "interval": own,
            "open": numbers.price(candle.open),
            "close": numbers.price(candle.close),
            "high": numbers.price(candle.high),
            "low": numbers.price(candle.low),
            "volume": numbers.quantity(candle.volume),
            "turnover": numbers.quote_volume(candle.quote),
            "confirm": is_over,
            "timestamp": now_ms,
        }
        message = {"topic": f"{channel}.{name}", "data": [item], "ts": now_ms}
        return text_of(message | {"type": "snapshot"})

    def on_second(self, now_ms: int) -> Reply:
        """Running candles, best levels that did not change, and the end of silent connections."""
        texts = []
        for channel, name, instrument in self.topics.items():
            interval = _CANDLES.get(channel)
            if interval is not None:
                candle = instrument.candles.current(interval)
                texts.append(self._candle(channel, name, instrument, candle, now_ms, is_over=False))
        for key, (text, sent_ms) in list(self._tops.items()):
            if now_ms - sent_ms >= _REPEAT_MS:
                self._tops[key] = (text, now_ms)
                texts.append(text)
        self._pushed(texts, now_ms)
        if not self._quiet.is_too_long(now_ms):
            return Reply(tuple(texts))
        return Reply(tuple(texts), 1000)

    def on_notice(self, now_ms: int) -> list[str]:
        """Bybit ends connections of market data without a word."""
        return []

    def _pushed(self, texts: list[str], now_ms: int) -> list[str]:
        if texts:
            self._quiet.end(now_ms)
        return texts


def _push(topic: str, kind: str, data: Any, now_ms: int, more: dict[str, Any] | None = None) -> str:
    return text_of({"topic": topic, "type": kind, "ts": now_ms, "data": data, **(more or {})})
