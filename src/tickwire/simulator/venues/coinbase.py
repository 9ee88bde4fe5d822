"""Coinbase Advanced Trade: the market-data address.

Source: Coinbase Developer Platform, "Advanced Trade WebSocket" (August 2026).
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tickwire.clock import utc_text
from tickwire.simulator.venues.common import (
    Quiet,
    Roster,
    Tape,
    Topics,
    Trade,
    object_of,
    text_of,
    trades_of,
    utc_us,
)
from tickwire.simulator.venues.dialect import Reply, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Advanced"]

_LIST = "/api/v3/brokerage/market/products"
_POLICY = 1008
_WHOLE = 1_000_000
"""Levels of a book that is not cut off."""
_BOOK, _TRADES, _CANDLES, _HEARTBEATS = "level2", "market_trades", "candles", "heartbeats"
_TICKERS = ("ticker", "ticker_batch")
_CHANNELS = frozenset({_BOOK, _TRADES, _CANDLES, *_TICKERS})
_BATCH_SECONDS = 5
_INTERVAL = "5m"


class Advanced:
    """See :class:`~tickwire.simulator.venues.dialect.Dialect`.

    Args:
        model: The market.
        idle_ms: Of silence on a connection, after which it is ended.
        first_ms: Within which a client has to subscribe.
    """

    name = "coinbase"
    paths = ("/",)

    def __init__(self, model: MarketModel, *, idle_ms: int = 60_000, first_ms: int = 5_000) -> None:
        self.idle_ms = idle_ms
        self.first_ms = first_ms
        self.roster = Roster(model, lambda spec: (f"{spec.base}-{spec.quote}",))
        self.tape = Tape()

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> AdvancedTalk:
        """See the protocol."""
        return AdvancedTalk(self, now_ms)

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """See the protocol."""
        self.tape.note(instrument, fills, now_ms)

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The products."""
        if path != _LIST:
            return None
        products = [
            {
                "product_id": self.roster.names(instrument)[0],
                "base_currency_id": instrument.spec.base,
                "quote_currency_id": instrument.spec.quote,
                "base_increment": instrument.spec.lot_step,
                "quote_increment": instrument.spec.tick_size,
                "price_increment": instrument.spec.tick_size,
                "product_type": "SPOT",
                "status": "online",
                "trading_disabled": False,
                "is_disabled": False,
            }
            for instrument in self.roster.instruments
        ]
        return text_of({"products": products, "num_products": len(products)}).encode()


class AdvancedTalk:
    """See :class:`~tickwire.simulator.venues.dialect.Conversation`. Every message but an error has
    the connection's next number."""

    def __init__(self, dialect: Advanced, now_ms: int) -> None:
        self.books: dict[str, Shown] = {}
        self._roster = dialect.roster
        self._tape = dialect.tape
        self.topics = Topics()
        self._has_heartbeats = False
        self._number = 0
        self._seconds = 0
        self._told: dict[str, tuple[int, int]] = {}
        self._first = Quiet(dialect.first_ms, now_ms)
        self._has_asked = False
        self._quiet = Quiet(dialect.idle_ms, now_ms)

    def opened(self, now_ms: int) -> Reply:
        """Coinbase says nothing."""
        return Reply()

    def receive(self, text: str, now_ms: int) -> Reply:
        """A request. The answer is the connection's whole state: a product that there is not is
        left out of it without a word."""
        request = object_of(text) or {}
        kind, channel = request.get("type"), request.get("channel")
        if kind not in ("subscribe", "unsubscribe"):
            return _error("failure to parse request")
        if channel != _HEARTBEATS and channel not in _CHANNELS:
            # What the venue says of a channel that it does not know, as of one that needs a login.
            return _error("authentication failure")
        self._has_asked = True
        texts: list[str] = []
        if channel == _HEARTBEATS:
            self._has_heartbeats = kind == "subscribe"
        else:
            products = request.get("product_ids")
            if kind == "unsubscribe" and not products:
                products = [name for own, name in self.topics if own == channel]
            if not isinstance(products, list):
                return _error("product_ids is required")
            for name in products:
                texts += self._take(kind == "subscribe", channel, name, now_ms)
        state: dict[str, list[str]] = {}
        for own, name in self.topics:
            state.setdefault(own, []).append(name)
        if self._has_heartbeats:
            state[_HEARTBEATS] = [_HEARTBEATS]
        texts.append(self._say("subscriptions", [{"subscriptions": state}], now_ms))
        return Reply(tuple(texts))

    def _take(self, joins: bool, channel: str, name: object, now_ms: int) -> list[str]:
        instrument = self._roster.find(name)
        if instrument is None:
            return []
        product = str(name)
        if not joins:
            self.topics.discard(channel, product)
            if channel == _BOOK:
                self.books.pop(product, None)
            return []
        if not self.topics.add(channel, product, instrument):
            return []
        if channel == _BOOK:
            self.books[product] = Shown(instrument, _WHOLE)
            return []
        if channel == _TRADES:
            past = self._tape.past(instrument)
            return [self._trades("snapshot", product, instrument, past, now_ms)]
        if channel == _CANDLES:
            found = instrument.candles.current(_INTERVAL)
            return [self._candles("snapshot", product, instrument, [found], now_ms)]
        return [self._ticker(channel, "snapshot", product, instrument, now_ms)]

    def _say(self, channel: str, events: list[dict[str, Any]], now_ms: int) -> str:
        message = {
            "channel": channel,
            "timestamp": utc_text(now_ms * 1_000_000, 9),
            "sequence_num": self._number,
            "events": events,
        }
        self._number += 1
        self._quiet.end(now_ms)
        return text_of(message)

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """Trades."""
        trades = trades_of(fills, now_ms)
        return [
            self._trades("update", name, instrument, trades, now_ms)
            for name in self.topics.names(_TRADES, instrument)
        ]

    def _trades(
        self, kind: str, name: str, instrument: Instrument, trades: list[Trade], now_ms: int
    ) -> str:
        numbers = self._roster.numbers(instrument)
        rows = [
            {
                "product_id": name,
                "trade_id": str(trade.number),
                "price": numbers.price(trade.price),
                "size": numbers.quantity(trade.lots),
                "time": utc_us(trade.time_ms),
                # The maker's.
                "side": "BUY" if trade.buyer_is_maker else "SELL",
            }
            for trade in reversed(trades)  # the newest first
        ]
        return self._say(_TRADES, [{"type": kind, "trades": rows}], now_ms)

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """``ticker``; the slow one waits for its time."""
        return [
            self._ticker("ticker", "update", name, instrument, now_ms)
            for name in self.topics.names("ticker", instrument)
        ]

    def _ticker(
        self, channel: str, kind: str, name: str, instrument: Instrument, now_ms: int
    ) -> str:
        numbers, day = self._roster.numbers(instrument), self._roster.day(instrument, now_ms)
        last = instrument.candles.last_price
        item = {
            "type": "ticker",
            "product_id": name,
            "price": numbers.price(last),
            "volume_24_h": numbers.quantity(day.volume),
            "low_24_h": numbers.price(day.low),
            "high_24_h": numbers.price(day.high),
            "low_52_w": numbers.price(day.low),
            "high_52_w": numbers.price(day.high),
            "price_percent_chg_24_h": str(100.0 * (last - day.open) / day.open),
        }
        if channel == "ticker":
            bid, ask = self._roster.best(instrument)
            item |= {"best_bid": bid[0], "best_bid_quantity": bid[1]}
            item |= {"best_ask": ask[0], "best_ask_quantity": ask[1]}
        return self._say(channel, [{"type": kind, "tickers": [item]}], now_ms)

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """The book as it is, both sides mixed."""
        bids, asks = view.levels()
        sides = self._rows(key, "offer", asks, now_ms), self._rows(key, "bid", bids, now_ms)
        rows = [row for pair in zip_longest(*sides) for row in pair if row is not None]
        event = {"type": "snapshot", "product_id": key, "updates": rows}
        return [self._say("l2_data", [event], now_ms)]

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A change."""
        rows = [
            *self._rows(key, "bid", change.bids, now_ms),
            *self._rows(key, "offer", change.asks, now_ms),
        ]
        event = {"type": "update", "product_id": key, "updates": rows}
        return [self._say("l2_data", [event], now_ms)]

    def _rows(
        self, key: str, side: str, levels: Iterable[tuple[int, int]], now_ms: int
    ) -> list[dict[str, str]]:
        time = utc_us(now_ms)
        return [
            {"side": side, "event_time": time, "price_level": price, "new_quantity": size}
            for price, size in self._roster.rows(self.books[key].instrument, levels)
        ]

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """The last state of a candle; that it has ended is told by the next one."""
        if interval != _INTERVAL:
            return []
        return [
            self._candles("update", name, instrument, [candle], now_ms)
            for name in self.topics.names(_CANDLES, instrument)
        ]

    def _candles(
        self, kind: str, name: str, instrument: Instrument, candles: list[Candle], now_ms: int
    ) -> str:
        numbers = self._roster.numbers(instrument)
        rows = [
            {
                "start": str(candle.start_ms // 1000),
                "high": numbers.price(candle.high),
                "low": numbers.price(candle.low),
                "open": numbers.price(candle.open),
                "close": numbers.price(candle.close),
                "volume": numbers.quantity(candle.volume),
                "product_id": name,
            }
            for candle in candles
        ]
        return self._say(_CANDLES, [{"type": kind, "candles": rows}], now_ms)

    def on_second(self, now_ms: int) -> Reply:
        """Heartbeats, running candles, slow tickers; the end of connections that stay silent."""
        self._seconds += 1
        if not self._has_asked:
            return Reply((), _POLICY if self._first.is_too_long(now_ms) else None)
        is_silent = self._quiet.is_too_long(now_ms)
        texts = []
        for channel, name, instrument in self.topics.items():
            day = self._roster.day(instrument, now_ms)
            state = (day.count, day.close)
            if channel == _CANDLES and self._is_news(f"{channel}:{name}", state):
                found = instrument.candles.current(_INTERVAL)
                texts.append(self._candles("update", name, instrument, [found], now_ms))
            elif (
                channel == "ticker_batch"
                and self._seconds % _BATCH_SECONDS == 0
                and self._is_news(f"{channel}:{name}", state)
            ):
                texts.append(self._ticker(channel, "update", name, instrument, now_ms))
        if self._has_heartbeats:
            # As the venue's server prints its times.
            time = utc_us(now_ms).replace("T", " ").replace("Z", " +0000 UTC")
            beat = {"current_time": f"{time} m=+{self._seconds}.0"}
            texts.append(
                self._say(_HEARTBEATS, [beat | {"heartbeat_counter": self._seconds}], now_ms)
            )
        return Reply(tuple(texts), _POLICY if is_silent and not texts else None)

    def _is_news(self, key: str, state: tuple[int, int]) -> bool:
        before, self._told[key] = self._told.get(key), state
        return before != state

    def on_notice(self, now_ms: int) -> list[str]:
        """Coinbase ends connections without a word."""
        return []


def _error(words: str) -> Reply:
    return Reply((text_of({"type": "error", "message": words}),))
