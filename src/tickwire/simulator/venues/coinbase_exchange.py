"""Coinbase Exchange: the market-data address, without a login.

Source: Coinbase Exchange documentation, "WebSocket Feed" (2025 and 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    from collections.abc import Mapping, Sequence

    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument, MarketModel
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Exchange"]

_LIST = "/products"
_POLICY = 1008
_WHOLE = 1_000_000
_BOOK, _MATCHES, _HEARTBEAT = "level2_batch", "matches", "heartbeat"
_SLOW = "ticker_batch"
_CHANNELS = frozenset({_BOOK, _MATCHES, _HEARTBEAT, "ticker", _SLOW})
_ALIASES = {"level2_50": _BOOK, "ticker_1000": _SLOW}
_BEHIND_LOGIN = frozenset({"level2", "level3", "full", "user", "balance"})
_BATCH_SECONDS = 5


class Exchange:
    """See :class:`~tickwire.simulator.venues.dialect.Dialect`.

    Args:
        model: The market.
        first_ms: Within which a client has to subscribe.
    """

    name = "coinbase-exchange"
    paths = ("/",)

    def __init__(self, model: MarketModel, *, first_ms: int = 5_000) -> None:
        self.first_ms = first_ms
        self.roster = Roster(model, lambda spec: (f"{spec.base}-{spec.quote}",))
        self.tape = Tape()

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> ExchangeTalk:
        """See the protocol."""
        return ExchangeTalk(self, now_ms)

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """See the protocol."""
        self.tape.note(instrument, fills, now_ms)

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The products."""
        if path != _LIST:
            return None
        products = [
            {
                "id": self.roster.names(instrument)[0],
                "base_currency": instrument.spec.base,
                "quote_currency": instrument.spec.quote,
                "base_increment": instrument.spec.lot_step,
                "quote_increment": instrument.spec.tick_size,
                "display_name": f"{instrument.spec.base}/{instrument.spec.quote}",
                "status": "online",
                "trading_disabled": False,
            }
            for instrument in self.roster.instruments
        ]
        return text_of(products).encode()


class ExchangeTalk:
    """See :class:`~tickwire.simulator.venues.dialect.Conversation`."""

    def __init__(self, dialect: Exchange, now_ms: int) -> None:
        self.books: dict[str, Shown] = {}
        self._roster = dialect.roster
        self._tape = dialect.tape
        self.topics = Topics()
        self._has_asked = False
        self._first = Quiet(dialect.first_ms, now_ms)
        self._seconds = 0

    def opened(self, now_ms: int) -> Reply:
        """Coinbase says nothing."""
        return Reply()

    def receive(self, text: str, now_ms: int) -> Reply:
        """A request, all of which is taken or none. The answer is the connection's whole state."""
        request = object_of(text) or {}
        kind, channels = request.get("type"), request.get("channels")
        if kind not in ("subscribe", "unsubscribe") or not isinstance(channels, list):
            return _error("Failed to parse message", "type and channels are required")
        wanted: list[tuple[str, str, Instrument]] = []
        for entry in channels:
            item = entry if isinstance(entry, dict) else {"name": entry}
            channel = _ALIASES.get(str(item.get("name")), str(item.get("name")))
            names = item.get("product_ids") or request.get("product_ids") or []
            if channel in _BEHIND_LOGIN:
                return _error("Failed to subscribe", f"{channel} requires authentication")
            if channel not in _CHANNELS:
                return _error("Failed to subscribe", f"{channel} is not a valid channel")
            if not names and kind == "unsubscribe":
                names = [name for own, name in self.topics if own == channel]
            for name in names:
                instrument = self._roster.find(name)
                if instrument is None:
                    return _error("Failed to subscribe", f"{name} is not a valid product")
                wanted.append((channel, name, instrument))
        self._has_asked = True
        firsts: list[str] = []
        for channel, name, instrument in wanted:
            if kind == "unsubscribe":
                self.topics.discard(channel, name)
                if channel == _BOOK:
                    self.books.pop(name, None)
            elif self.topics.add(channel, name, instrument):
                firsts += self._first_of(channel, name, instrument, now_ms)
        state: dict[str, list[str]] = {}
        for channel, name in self.topics:
            state.setdefault(channel, []).append(name)
        listed = [{"name": name, "product_ids": products} for name, products in state.items()]
        return Reply((text_of({"type": "subscriptions", "channels": listed}), *firsts))

    def _first_of(self, channel: str, name: str, instrument: Instrument, now_ms: int) -> list[str]:
        if channel == _BOOK:
            self.books[name] = Shown(instrument, _WHOLE)
        elif channel == _MATCHES:
            past = self._tape.past(instrument)[-1:]
            return [self._match("last_match", name, instrument, trade) for trade in past]
        elif channel != _HEARTBEAT:
            return [self._ticker(name, instrument, now_ms)]
        return []

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """Matches, one by one."""
        names = self.topics.names(_MATCHES, instrument)
        if not names:
            return []
        return [
            self._match("match", name, instrument, trade)
            for trade in trades_of(fills, now_ms)
            for name in names
        ]

    def _match(self, kind: str, name: str, instrument: Instrument, trade: Trade) -> str:
        numbers = self._roster.numbers(instrument)
        message = {
            "type": kind,
            "trade_id": trade.number,
            "sequence": instrument.book.last_update_id,
            "maker_order_id": f"00000000-0000-4000-8000-{trade.number:012d}",
            "taker_order_id": f"00000000-0000-4000-9000-{trade.number:012d}",
            "time": utc_us(trade.time_ms),
            "product_id": name,
            "size": numbers.quantity(trade.lots),
            "price": numbers.price(trade.price),
            # The maker's.
            "side": "buy" if trade.buyer_is_maker else "sell",
        }
        return text_of(message)

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """``ticker``; the slow one waits for its time."""
        return [
            self._ticker(name, instrument, now_ms)
            for name in self.topics.names("ticker", instrument)
        ]

    def _ticker(self, name: str, instrument: Instrument, now_ms: int) -> str:
        numbers, day = self._roster.numbers(instrument), self._roster.day(instrument, now_ms)
        bid, ask = self._roster.best(instrument)
        past = self._tape.past(instrument)[-1:]
        message: dict[str, Any] = {
            "type": "ticker",
            "sequence": instrument.book.last_update_id,
            "product_id": name,
            "price": numbers.price(instrument.candles.last_price),
            "open_24h": numbers.price(day.open),
            "volume_24h": numbers.quantity(day.volume),
            "low_24h": numbers.price(day.low),
            "high_24h": numbers.price(day.high),
            "volume_30d": numbers.quantity(day.volume),
            "best_bid": bid[0],
            "best_bid_size": bid[1],
            "best_ask": ask[0],
            "best_ask_size": ask[1],
        }
        for trade in past:
            message |= {
                # The taker's, other than in a match.
                "side": "sell" if trade.buyer_is_maker else "buy",
                "time": utc_us(trade.time_ms),
                "trade_id": trade.number,
                "last_size": numbers.quantity(trade.lots),
            }
        return text_of(message)

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """The book as it is."""
        instrument = self.books[key].instrument
        bids, asks = view.levels()
        message = {
            "type": "snapshot",
            "product_id": key,
            "bids": self._roster.rows(instrument, bids),
            "asks": self._roster.rows(instrument, asks),
        }
        return [text_of(message)]

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A change. It has no number."""
        instrument = self.books[key].instrument
        changes = [
            (side, price, size)
            for side, levels in (("buy", change.bids), ("sell", change.asks))
            for price, size in self._roster.rows(instrument, levels)
        ]
        message = {"type": "l2update", "product_id": key, "changes": changes}
        return [text_of(message | {"time": utc_us(now_ms)})]

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """There are no candles."""
        return []

    def on_second(self, now_ms: int) -> Reply:
        """Heartbeats, slow tickers, and the end of connections that ask for nothing."""
        self._seconds += 1
        if not self._has_asked:
            return Reply((), _POLICY if self._first.is_too_long(now_ms) else None)
        texts = []
        for channel, name, instrument in self.topics.items():
            if channel == _HEARTBEAT:
                beat = {
                    "type": "heartbeat",
                    "sequence": instrument.book.last_update_id,
                    "last_trade_id": instrument.next_trade_id - 1,
                    "product_id": name,
                    "time": utc_us(now_ms),
                }
                texts.append(text_of(beat))
            elif channel == _SLOW and self._seconds % _BATCH_SECONDS == 0:
                texts.append(self._ticker(name, instrument, now_ms))
        return Reply(tuple(texts))

    def on_notice(self, now_ms: int) -> list[str]:
        """Coinbase ends connections without a word."""
        return []


def _error(words: str, reason: str) -> Reply:
    return Reply((text_of({"type": "error", "message": words, "reason": reason}),))
