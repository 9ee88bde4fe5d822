"""Deribit's JSON-RPC, public methods.

Every instrument of the market is there as a spot pair (``BTC_USDT``), as its linear perpetual
(``BTC_USDT-PERPETUAL``) and under the short name of an inverse one (``BTC-PERPETUAL``), with one
book and sizes in the base coin for all three.

Source: Deribit API documentation 2.1.1 (2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tickwire.simulator.venues.common import Roster, Topics, object_of, text_of, trades_of
from tickwire.simulator.venues.dialect import Reply, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tickwire.simulator.book import Level
    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Deribit"]

_LIST = "/api/v2/public/get_instruments"
_WHOLE = 1_000_000
_US_PER_MS = 1000
_LEAST_INTERVAL = 10
_UNANSWERED_CODE = 1000
_BOOK = re.compile(r"book\.([^.]+)\.(100ms|agg2)")
_TOP = re.compile(r"book\.([^.]+)\.none\.(1|10|20)\.100ms")
_TIMED = re.compile(r"(trades|ticker)\.([^.]+)\.(?:100ms|agg2)")
_QUOTE = re.compile(r"quote\.([^.]+)")
_CHART = re.compile(r"chart\.trades\.([^.]+)\.([0-9]+|1D)")
_RESOLUTIONS: dict[str, str] = {
    **{str(count): f"{count}m" for count in (1, 3, 5, 15, 30)},
    **{str(60 * count): f"{count}h" for count in (1, 2, 6, 12)},
    "1D": "1d",
}
_BAD_PARAMS, _NO_METHOD, _BAD_REQUEST = -32602, -32601, -32600


class Deribit:
    """See :class:`~tickwire.simulator.venues.dialect.Dialect`.

    Args:
        model: The market.
        second_ms: Length of what clients call a second when they set their heartbeat.
    """

    name = "deribit"
    paths = ("/ws/api/v2",)

    def __init__(self, model: MarketModel, *, second_ms: int = 1_000) -> None:
        self.second_ms = second_ms
        self.roster = Roster(
            model,
            lambda spec: (
                f"{spec.base}_{spec.quote}",
                f"{spec.base}_{spec.quote}-PERPETUAL",
                f"{spec.base}-PERPETUAL",
            ),
        )

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> DeribitTalk:
        """See the protocol."""
        return DeribitTalk(self)

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """Deribit tells nobody of the past."""

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The instruments."""
        if path != _LIST:
            return None
        rows = [
            {
                "instrument_name": name,
                "kind": "future" if name.endswith("-PERPETUAL") else "spot",
                "settlement_period": "perpetual" if name.endswith("-PERPETUAL") else "",
                "base_currency": instrument.spec.base,
                "quote_currency": instrument.spec.quote,
                "tick_size": float(instrument.spec.tick_size),
                "min_trade_amount": float(instrument.spec.lot_step),
                "contract_size": float(instrument.spec.lot_step),
                "is_active": True,
            }
            for instrument in self.roster.instruments
            for name in self.roster.names(instrument)
        ]
        wanted = query.get("kind")
        rows = [row for row in rows if wanted in (None, "any", row["kind"])]
        return text_of({"jsonrpc": "2.0", "result": rows}).encode()


class DeribitTalk:
    """See :class:`~tickwire.simulator.venues.dialect.Conversation`."""

    def __init__(self, dialect: Deribit) -> None:
        self.books: dict[str, Shown] = {}
        self._roster = dialect.roster
        self._second_ms = dialect.second_ms
        self.topics = Topics()  # of whole names of channels
        self._channels: dict[str, tuple[str, Instrument]] = {}
        self._interval_ms: int | None = None
        self._beat_ms = 0
        self._is_tested = False
        self._methods: dict[str, Callable[[dict[str, Any], int], Any]] = {
            "public/subscribe": self._subscribe,
            "public/unsubscribe": self._unsubscribe,
            "public/unsubscribe_all": self._unsubscribe_all,
            "public/set_heartbeat": self._set_heartbeat,
            "public/disable_heartbeat": self._disable_heartbeat,
            "public/test": self._test,
            "public/hello": self._test,
            "public/get_time": lambda _, now_ms: now_ms,
        }

    def opened(self, now_ms: int) -> Reply:
        """Deribit says nothing."""
        return Reply()

    def receive(self, text: str, now_ms: int) -> Reply:
        """A call."""
        call = object_of(text)
        if call is None or not isinstance(call.get("method"), str):
            return _failure(None, _BAD_REQUEST, "Invalid Request")
        number, method = call.get("id"), call["method"]
        if method.startswith("private/"):
            return _failure(number, 13009, "unauthorized")
        if method == "public/auth":
            return _failure(number, 13004, "invalid_credentials")
        handler = self._methods.get(method)
        if handler is None:
            return _failure(number, _NO_METHOD, "Method not found")
        params = call.get("params")
        try:
            result = handler(params if isinstance(params, dict) else {}, now_ms)
        except LookupError as error:
            return _failure(number, _BAD_PARAMS, "Invalid params", {"reason": str(error.args[0])})
        if number is None:
            return Reply()
        time_us = now_ms * _US_PER_MS
        answer = {"jsonrpc": "2.0", "id": number, "result": result, "testnet": True}
        return Reply((text_of(answer | {"usIn": time_us, "usOut": time_us, "usDiff": 0}),))

    def _subscribe(self, params: dict[str, Any], now_ms: int) -> list[str]:
        """Gives the channels that were taken; of others it says nothing."""
        taken = []
        for channel in _listed(params):
            found = self._find(channel)
            if found is None:
                continue
            kind, instrument, shown = found
            taken.append(channel)
            if not self.topics.add(kind, channel, instrument):
                continue
            self._channels[channel] = (kind, instrument)
            if shown is not None:
                self.books[channel] = shown
        return taken

    def _find(self, channel: str) -> tuple[str, Instrument, Shown | None] | None:
        """What a channel's name means. ``raw`` is for those who have logged in."""
        depth: int | None = None
        if match := _BOOK.fullmatch(channel):
            kind, name, depth = "book", match[1], _WHOLE
        elif match := _TOP.fullmatch(channel):
            kind, name, depth = "top", match[1], int(match[2])
        elif match := _TIMED.fullmatch(channel):
            kind, name = match[1], match[2]
        elif match := _QUOTE.fullmatch(channel):
            kind, name = "quote", match[1]
        elif (match := _CHART.fullmatch(channel)) and match[2] in _RESOLUTIONS:
            kind, name = f"chart:{match[2]}", match[1]
        else:
            return None
        instrument = self._roster.find(name)
        if instrument is None:
            return None
        return kind, instrument, None if depth is None else Shown(instrument, depth)

    def _unsubscribe(self, params: dict[str, Any], now_ms: int) -> list[str]:
        return [channel for channel in _listed(params) if self._leave(channel)]

    def _unsubscribe_all(self, params: dict[str, Any], now_ms: int) -> str:
        for channel in list(self._channels):
            self._leave(channel)
        return "ok"

    def _leave(self, channel: str) -> bool:
        found = self._channels.pop(channel, None)
        if found is None:
            return False
        self.books.pop(channel, None)
        return self.topics.discard(found[0], channel)

    def _set_heartbeat(self, params: dict[str, Any], now_ms: int) -> str:
        interval = params.get("interval")
        if not isinstance(interval, int) or interval < _LEAST_INTERVAL:
            raise LookupError("value is too small")
        self._interval_ms = interval * self._second_ms
        self._beat_ms = now_ms
        self._is_tested = False
        return "ok"

    def _disable_heartbeat(self, params: dict[str, Any], now_ms: int) -> str:
        self._interval_ms = None
        return "ok"

    def _test(self, params: dict[str, Any], now_ms: int) -> dict[str, str]:
        self._is_tested = False
        return {"version": "1.2.26"}

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """Trades, those of one order in one message."""
        channels = self.topics.names("trades", instrument)
        if not channels:
            return []
        numbers = self._roster.numbers(instrument)
        texts = []
        for channel in channels:
            rows = []
            for trade in trades_of(fills, now_ms):
                price, amount = float(numbers.price(trade.price)), numbers.quantity(trade.lots)
                row = {
                    "timestamp": now_ms,
                    "price": price,
                    "amount": float(amount),
                    "direction": "sell" if trade.buyer_is_maker else "buy",
                    "index_price": price,
                    "mark_price": price,
                    "instrument_name": channel.split(".")[1],
                    "trade_seq": trade.number,
                    "tick_direction": 2,
                    "contracts": float(trade.lots),
                    "trade_id": str(trade.number),
                }
                rows.append(row)
            texts.append(_push(channel, rows))
        return texts

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """Quotes and tickers."""
        (bid, bid_size), (ask, ask_size) = self._roster.best(instrument)
        best = {
            "timestamp": now_ms,
            "best_bid_price": float(bid),
            "best_bid_amount": float(bid_size),
            "best_ask_price": float(ask),
            "best_ask_amount": float(ask_size),
        }
        texts = [
            _push(channel, best | {"instrument_name": channel.split(".")[1]})
            for channel in self.topics.names("quote", instrument)
        ]
        for channel in self.topics.names("ticker", instrument):
            numbers, day = self._roster.numbers(instrument), self._roster.day(instrument, now_ms)
            last = float(numbers.price(instrument.candles.last_price))
            stats = {
                "high": float(numbers.price(day.high)),
                "low": float(numbers.price(day.low)),
                "volume": float(numbers.quantity(day.volume)),
                "volume_usd": float(numbers.quote_volume(day.quote)),
                "price_change": round(
                    100.0 * (instrument.candles.last_price - day.open) / day.open, 4
                ),
            }
            item = best | {
                "instrument_name": channel.split(".")[1],
                "state": "open",
                "last_price": last,
                "mark_price": last,
                "index_price": last,
                "stats": stats,
            }
            texts.append(_push(channel, item))
        return texts

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """The book as it is."""
        instrument = self.books[key].instrument
        if self._channels[key][0] == "top":
            return [self._top(key, view, now_ms)]
        bids, asks = view.levels()
        data = {
            "type": "snapshot",
            "timestamp": now_ms,
            "instrument_name": key.split(".")[1],
            "change_id": view.last,
            "bids": [["new", *row] for row in self._rows(instrument, bids)],
            "asks": [["new", *row] for row in self._rows(instrument, asks)],
        }
        return [_push(key, data)]

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A change; of few levels the whole."""
        if self._channels[key][0] == "top":
            return [self._top(key, view, now_ms)]
        instrument = self.books[key].instrument
        data = {
            "type": "change",
            "timestamp": now_ms,
            "prev_change_id": change.previous,
            "instrument_name": key.split(".")[1],
            "change_id": change.last,
            "bids": self._actions(instrument, change.bids, change.new_bids),
            "asks": self._actions(instrument, change.asks, change.new_asks),
        }
        return [_push(key, data)]

    def _top(self, key: str, view: BookView, now_ms: int) -> str:
        instrument = self.books[key].instrument
        bids, asks = view.levels()
        data = {
            "timestamp": now_ms,
            "instrument_name": key.split(".")[1],
            "change_id": view.last,
            "bids": self._rows(instrument, bids),
            "asks": self._rows(instrument, asks),
        }
        return _push(key, data)

    def _rows(self, instrument: Instrument, levels: list[Level]) -> list[tuple[float, float]]:
        rows = self._roster.rows(instrument, levels)
        return [(float(price), float(size)) for price, size in rows]

    def _actions(
        self, instrument: Instrument, levels: list[Level], new: frozenset[int]
    ) -> list[tuple[str, float, float]]:
        rows = self._rows(instrument, levels)
        return [
            ("delete" if not lots else "new" if ticks in new else "change", price, size)
            for (ticks, lots), (price, size) in zip(levels, rows, strict=True)
        ]

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """The last state of a candle; that it has ended is told by the next one."""
        return [
            self._chart(channel, instrument, candle)
            for own, found in _RESOLUTIONS.items()
            if found == interval
            for channel in self.topics.names(f"chart:{own}", instrument)
        ]

    def _chart(self, channel: str, instrument: Instrument, candle: Candle) -> str:
        numbers = self._roster.numbers(instrument)
        prices = {
            "open": candle.open,
            "high": candle.high,
            "low": candle.low,
            "close": candle.close,
        }
        data = {side: float(numbers.price(ticks)) for side, ticks in prices.items()}
        volume, cost = numbers.quantity(candle.volume), numbers.quote_volume(candle.quote)
        data |= {"volume": float(volume), "cost": float(cost), "tick": candle.start_ms}
        return _push(channel, data)

    def on_second(self, now_ms: int) -> Reply:
        """Running candles; the heartbeat, which has to be answered before the next one."""
        texts = []
        for channel, (kind, instrument) in self._channels.items():
            head, _, resolution = kind.partition(":")
            if head == "chart":
                candle = instrument.candles.current(_RESOLUTIONS[resolution])
                texts.append(self._chart(channel, instrument, candle))
        interval = self._interval_ms
        if interval is None or now_ms - self._beat_ms < interval:
            return Reply(tuple(texts))
        if self._is_tested:
            return Reply(tuple(texts), _UNANSWERED_CODE)
        self._beat_ms = now_ms
        self._is_tested = True
        return Reply((*texts, _beat("heartbeat"), _beat("test_request")))

    def on_notice(self, now_ms: int) -> list[str]:
        """Connections are ended without a word."""
        return []


def _listed(params: dict[str, Any]) -> list[str]:
    channels = params.get("channels")
    if not isinstance(channels, list):
        raise LookupError("channels is required")
    return [str(channel) for channel in channels]


def _beat(kind: str) -> str:
    return text_of({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}})


def _push(channel: str, data: Any) -> str:
    params = {"channel": channel, "data": data}
    return text_of({"jsonrpc": "2.0", "method": "subscription", "params": params})


def _failure(number: object, code: int, words: str, data: dict[str, Any] | None = None) -> Reply:
    error: dict[str, Any] = {"code": code, "message": words}
    if data is not None:
        error["data"] = data
    return Reply((text_of({"jsonrpc": "2.0", "id": number, "error": error}),))
