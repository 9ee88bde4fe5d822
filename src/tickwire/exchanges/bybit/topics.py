"""Bybit's topics, intervals and symbols. Tables first.

A topic is its kind, perhaps a parameter, and the instrument: ``orderbook.50.BTCUSDT``. Of which
market category it is, the address says and not the message.

Sources: Bybit v5 documentation, "WebSocket Stream" (July 2026).
"""

from __future__ import annotations

import re
from enum import StrEnum

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = [
    "DEPTHS",
    "MARKETS",
    "Kind",
    "as_stream",
    "instrument_name",
    "interval_of",
    "is_private",
    "kind_of",
    "path_of",
    "symbol_of",
]

MARKETS = ("spot", "linear", "inverse", "option")


class Kind(StrEnum):
    """What a topic's data is."""

    TRADE = "trade"
    QUOTE = "quote"
    BOOK = "book"
    RPI_BOOK = "rpi_book"
    FULL_BOOK = "full_book"
    TICKER = "ticker"
    KLINE = "kline"
    LIQUIDATION = "liquidation"
    STATUS = "status"
    ORDER = "order"
    POSITION = "position"
    WALLET = "wallet"
    EXECUTION = "execution"
    OTHER = "other"


_KINDS: dict[str, Kind] = {
    "publicTrade": Kind.TRADE,
    "orderbook": Kind.BOOK,
    "tickers": Kind.TICKER,
    "kline": Kind.KLINE,
    "allLiquidation": Kind.LIQUIDATION,
    "system": Kind.STATUS,
    "order": Kind.ORDER,
    "position": Kind.POSITION,
    "wallet": Kind.WALLET,
    "execution": Kind.EXECUTION,
}
_BOOK_KINDS: dict[str, Kind] = {"1": Kind.QUOTE, "rpi": Kind.RPI_BOOK, "full": Kind.FULL_BOOK}
_PRIVATE = frozenset({"order", "position", "wallet", "execution", "greeks", "dcp", "spread"})

_LINEAR_DEPTHS = (1, 50, 200, 1000)
DEPTHS: dict[str, tuple[int, ...]] = {
    "spot": _LINEAR_DEPTHS,
    "linear": _LINEAR_DEPTHS,
    "inverse": _LINEAR_DEPTHS,
    "option": (25, 100),
}
"""Levels that books have."""

_INTERVALS: dict[str, str] = {
    **{f"{count}m": str(count) for count in (1, 3, 5, 15, 30)},
    **{f"{hours}h": str(hours * 60) for hours in (1, 2, 4, 6, 12)},
    **{"1d": "D", "1w": "W", "1M": "M"},
}
_OWN_INTERVALS = frozenset(_INTERVALS.values())
_TOPIC = re.compile(r"[A-Za-z]+(\.[A-Za-z0-9_-]+)*")
_SYMBOL = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")
# A quote currency is letters; what follows a base otherwise is a date.
_PAIR = re.compile(r"([A-Z0-9]+)-([A-Z]+)(-[0-9].*)?")


def kind_of(topic: str) -> Kind:
    """What flows in a topic; :attr:`Kind.OTHER` for one that is not known."""
    head, _, rest = topic.partition(".")
    kind = _KINDS.get(head, Kind.OTHER)
    if kind is Kind.BOOK:
        return _BOOK_KINDS.get(rest.partition(".")[0], Kind.BOOK)
    return kind


def is_private(topic: str) -> bool:
    """Whether a topic needs a login."""
    return topic.partition(".")[0] in _PRIVATE


def path_of(topic: str, market: str) -> str:
    """The path of the address that serves a topic."""
    if is_private(topic):
        return "/v5/private"
    return "/v5/public/misc/status" if topic == "system.status" else f"/v5/public/{market}"


def symbol_of(topic: str) -> str:
    """The instrument that a topic names, else nothing."""
    if is_private(topic) or "." not in topic or topic == "system.status":
        return ""
    return topic.rpartition(".")[2]


def interval_of(interval: str) -> str:
    """Bybit's word for a candle's length: ``1h`` is ``60``, ``1d`` is ``D``.

    Raises:
        ConfigurationError: There is no such candle. Retry: no.
    """
    found = interval if interval in _OWN_INTERVALS else _INTERVALS.get(interval)
    if found is None:
        raise ConfigurationError(
            f"Bybit has no candles of {interval!r}; there are {', '.join(_INTERVALS)}"
        )
    return found


def instrument_name(symbol: str) -> str:
    """Bybit's name of an instrument: ``btc/usdt`` → ``BTCUSDT``, ``BTC-USDT-21FEB25`` →
    ``BTCUSDT-21FEB25``; its own names stay.

    Raises:
        ConfigurationError: It is none. Retry: no.
    """
    name = symbol.strip().upper().replace("/", "-").replace("_", "-")
    if not _SYMBOL.fullmatch(name):
        raise ConfigurationError(
            f"{symbol!r} is no instrument of Bybit: write BTC-USDT, BTCUSDT, BTCPERP or "
            "BTC-28FEB25-60000-C"
        )
    pair = _PAIR.fullmatch(name)
    return f"{pair[1]}{pair[2]}{pair[3] or ''}" if pair else name


def as_stream(item: Stream | str) -> Stream:
    """A stream from its topic; its events carry the venue's symbol.

    Raises:
        ConfigurationError: It is no topic. Retry: no.
    """
    if isinstance(item, Stream):
        return item
    if not _TOPIC.fullmatch(item):
        raise ConfigurationError(f"{item!r} is no topic of Bybit: write publicTrade.BTCUSDT")
    return Stream(item, kind_of(item), symbol_of(item))
