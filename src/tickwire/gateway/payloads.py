"""Typed events as the messages that browsers get: one path for every venue. Pure.

The format is that of the callback client (:mod:`tickwire.exchanges.binance.normalised`), with the
symbol as the stream was asked for by the venue's name. News of connections and books have formats
of their own, in the same envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tickwire.books import BookChange
from tickwire.exchanges.binance.normalised import envelope, normalise
from tickwire.exchanges.venue import Channel
from tickwire.manager import Connected, Disconnected, Dropped, Reconnected, Stale
from tickwire.market import AggTrade, Gap, Kline, MiniTicker, Quote, Ticker, Trade

if TYPE_CHECKING:
    from tickwire.book import OrderBook
    from tickwire.market import Event

__all__ = ["CHANNELS", "book_data", "conflation_key", "label_of", "message", "news_data", "price"]

_NS_PER_MS = 1_000_000
_ANY_SYMBOL = "SYMBOL"
_DIGITS = 10
"""Of a difference: as many as prices have, without what floats add."""

CHANNELS: dict[str, Channel] = {
    "ticker": Channel.TICKERS,
    "mini_ticker": Channel.MINI_TICKERS,
    "kline": Channel.KLINES,
    "trade": Channel.TRADES,
    "agg_trade": Channel.AGG_TRADES,
    "book_ticker": Channel.QUOTES,
}
"""The types of streams, in the words of the requests, and what a feed calls them."""

# Aggregate trades are a kind of trades: they stand first.
_LABELS: tuple[tuple[type[Event], str], ...] = (
    (AggTrade, "agg_trade"),
    (Trade, "trade"),
    (Ticker, "ticker"),
    (MiniTicker, "mini_ticker"),
    (Kline, "kline"),
    (Quote, "book_ticker"),
)
_labels: dict[type, str | None] = {}


def label_of(event: object) -> str | None:
    """The type of the stream that ``event`` came in; ``None`` of one that no stream here has."""
    kind = type(event)
    if kind not in _labels:
        _labels[kind] = next((label for base, label in _LABELS if issubclass(kind, base)), None)
    return _labels[kind]


def message(event: Event, label: str, symbol: str, ts_ns: int) -> tuple[dict[str, Any], bytes]:
    """The payload of an event and its message as JSON text, on one line.

    Args:
        event: One with a label.
        label: Of its stream; futures that send aggregate trades only send them as trades.
        symbol: The venue's.
        ts_ns: When it is passed on, ns since the Unix epoch.
    """
    # Binance's spelling is made of the symbol there; the event's own may be any venue's.
    event.symbol = _ANY_SYMBOL
    payload = normalise(event)
    assert payload is not None
    payload["type"] = label
    payload["symbol"] = symbol
    if label == "ticker" and payload["price_change_percent"] is None:
        _add_change(payload)
    return payload, orjson.dumps(envelope(payload, ts_ns))


def _add_change(payload: dict[str, Any]) -> None:
    """The change over the window where the venue leaves it to the reader."""
    begin, last = payload["open"], payload["price"]
    if begin and last is not None:
        payload["price_change"] = round(last - begin, _DIGITS)
        payload["price_change_percent"] = round((last - begin) / begin * 100, 4)


def conflation_key(payload: dict[str, Any]) -> object:
    """What a newer message of the same key replaces for a listener that is behind; ``None`` for
    messages that stand for themselves, as trades do.

    A candle keeps its last message even when the next one has begun.
    """
    label = payload["type"]
    if label in ("trade", "agg_trade"):
        return None
    if label == "kline":
        return (label, payload["symbol"], payload["interval"], payload["timestamp"])
    return (label, payload["symbol"])


def price(payload: dict[str, Any]) -> float | None:
    """The last price in a payload, of the types that have one."""
    key = "close" if payload["type"] == "kline" else "price"
    found: float | None = payload.get(key)
    return found


def book_data(book: OrderBook, symbol: str, levels: int, ts_ns: int) -> dict[str, Any]:
    """A book's best ``levels``; none while it is not live, and then why.

    Args:
        book: In whatever state.
        symbol: The venue's.
        levels: Per side, at the most.
        ts_ns: Now, ns since the Unix epoch; the time of a book that has none of the venue's.
    """
    live = book.is_live
    return {
        "type": "book",
        "symbol": symbol,
        "live": live,
        "reason": book.reason,
        "sequence": book.sequence if live else None,
        "bids": [[float(level), float(size)] for level, size in book.bids(levels)] if live else [],
        "asks": [[float(level), float(size)] for level, size in book.asks(levels)] if live else [],
        "timestamp": ((book.ts_event_ns if live else 0) or ts_ns) // _NS_PER_MS,
    }


def news_data(item: object, ts_ns: int) -> dict[str, Any] | None:
    """What has become of a connection or a stream; ``None`` for what is no news.

    Args:
        item: A record of a connection, a :class:`~tickwire.Gap`, or a change in which a book was
            lost.
        ts_ns: Now, ns since the Unix epoch, for what carries no time.
    """
    match item:
        case Gap():
            return {
                "type": "gap",
                "symbol": item.symbol,
                "stream": item.stream,
                "cause": item.cause.value,
                "last_sequence": item.last_sequence,
                "first_sequence": item.first_sequence,
                "timestamp": (item.ts_recv_ns or ts_ns) // _NS_PER_MS,
            }
        case BookChange():
            return {
                "type": "book_lost",
                "symbol": item.symbol,
                "losses": item.losses,
                "reason": item.reason,
                "timestamp": ts_ns // _NS_PER_MS,
            }
        case Connected():
            data: dict[str, Any] = {"type": "connected"}
        case Disconnected():
            data = {
                "type": "disconnected",
                "reason": item.reason.value,
                "code": item.code,
                "remaining": item.remaining,
            }
        case Reconnected():
            data = {
                "type": "rotated" if item.reason.is_proactive else "reconnected",
                "reason": item.reason.value,
                "downtime": item.downtime,
                "overlap": item.overlap,
                "duplicates": item.duplicates,
                "promise": item.promise,
            }
        case Stale():
            data = {"type": "stale", "stream": item.stream, "silence": item.silence}
        case Dropped():
            data = {"type": "dropped", "count": item.count}
        case _:
            return None
    return data | {"connection": item.connection, "timestamp": item.ts_ns // _NS_PER_MS}
