"""OKX's channels: their names, their arguments, and which address serves them. Tables first.

A stream's name is its channel and what it is subscribed with: ``books:BTC-USDT`` where that is an
instrument, ``positions:instType=ANY`` where it is not, ``status`` where there is nothing.

Sources: OKX API guide v5 (August 2026): "Order Book Trading", "Public Data", "Trading Account",
"Status".
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = [
    "BAR_MS",
    "BOOK_CHANNELS",
    "GATED_CHANNELS",
    "Arg",
    "Kind",
    "arg_of",
    "as_stream",
    "bar_of",
    "instrument_name",
    "kind_of",
    "path_of",
    "stream_of",
]


class Kind(StrEnum):
    """What a channel's data is."""

    TRADE = "trade"
    QUOTE = "quote"
    BOOK = "book"
    BOOK_SNAPSHOT = "book_snapshot"
    TICKER = "ticker"
    KLINE = "kline"
    MARK_PRICE = "mark_price"
    INDEX_PRICE = "index_price"
    FUNDING_RATE = "funding_rate"
    OPEN_INTEREST = "open_interest"
    PRICE_LIMIT = "price_limit"
    LIQUIDATION = "liquidation"
    INSTRUMENT = "instrument"
    STATUS = "status"
    ACCOUNT = "account"
    POSITION = "position"
    BALANCE_AND_POSITION = "balance_and_position"
    ORDER = "order"
    FILL = "fill"
    OTHER = "other"


_KINDS: dict[str, Kind] = {
    "trades": Kind.TRADE,
    "trades-all": Kind.TRADE,
    "bbo-tbt": Kind.QUOTE,
    "books": Kind.BOOK,
    "books-l2-tbt": Kind.BOOK,
    "books50-l2-tbt": Kind.BOOK,
    "books-elp": Kind.BOOK,
    "books-rpi": Kind.BOOK,
    "books5": Kind.BOOK_SNAPSHOT,
    "tickers": Kind.TICKER,
    "mark-price": Kind.MARK_PRICE,
    "index-tickers": Kind.INDEX_PRICE,
    "funding-rate": Kind.FUNDING_RATE,
    "open-interest": Kind.OPEN_INTEREST,
    "price-limit": Kind.PRICE_LIMIT,
    "liquidation-orders": Kind.LIQUIDATION,
    "instruments": Kind.INSTRUMENT,
    "status": Kind.STATUS,
    "account": Kind.ACCOUNT,
    "positions": Kind.POSITION,
    "balance_and_position": Kind.BALANCE_AND_POSITION,
    "orders": Kind.ORDER,
    "fills": Kind.FILL,
}
BOOK_CHANNELS = frozenset(name for name, kind in _KINDS.items() if kind is Kind.BOOK)
"""Channels of 50 and 400 levels; of these the venue advises fewer than 30 on a connection."""
GATED_CHANNELS = frozenset({"books-l2-tbt", "books50-l2-tbt"})
"""Public channels that need a login, and a fee tier."""

_PRIVATE = frozenset(
    {
        *("account", "positions", "balance_and_position", "orders", "fills"),
        *("liquidation-warning", "account-greeks"),
    }
)
_BUSINESS = frozenset(
    {
        *("trades-all", "orders-algo", "algo-advance", "deposit-info", "withdrawal-info"),
        *("grid-orders-spot", "grid-orders-contract", "grid-positions", "grid-sub-orders"),
        *("economic-calendar", "adl-warning"),
    }
)
_CANDLE = "candle"
_CANDLES = re.compile(r"(mark-price-|index-)?candle")

_MINUTE = 60_000
_DAY = 86_400_000
BAR_MS: dict[str, int] = {
    "1s": 1_000,
    **{f"{count}m": count * _MINUTE for count in (1, 3, 5, 15, 30)},
    **{f"{count}H": count * 60 * _MINUTE for count in (1, 2, 4, 6, 12)},
    **{f"{count}D": count * _DAY for count in (1, 2, 3, 5)},
    "1W": 7 * _DAY,
    "1M": 0,
    "3M": 0,
}
"""Length of a candle in ms, 0 for months. From 6 hours up there is a ``utc`` variant of each."""
_UTC_FROM_MS = 6 * 60 * _MINUTE
_HOURS_AND_UP = re.compile(r"[0-9]+[hdw]")
_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_KEYS = ("instType", "instFamily", "instId", "ccy", "extraParams")
_PARTS = re.compile(r"[A-Z0-9]+(-[A-Z0-9.]+)*")


class Arg(msgspec.Struct, gc=False, omit_defaults=True):
    """What a subscription names; pushes and acks repeat it."""

    channel: str
    inst_type: str = msgspec.field(name="instType", default="")
    inst_family: str = msgspec.field(name="instFamily", default="")
    inst_id: str = msgspec.field(name="instId", default="")
    currency: str = msgspec.field(name="ccy", default="")
    extra: str = msgspec.field(name="extraParams", default="")

    @property
    def name(self) -> str:
        """The stream's name."""
        values = (self.inst_type, self.inst_family, self.inst_id, self.currency, self.extra)
        found = [f"{key}={value}" for key, value in zip(_KEYS, values, strict=True) if value]
        if not found:
            return self.channel
        if self.inst_id and len(found) == 1:
            return f"{self.channel}:{self.inst_id}"
        return f"{self.channel}:{','.join(found)}"


def arg_of(name: str) -> Arg:
    """What the stream called ``name`` is subscribed with.

    Raises:
        ConfigurationError: It is no stream's name. Retry: no.
    """
    channel, colon, rest = name.partition(":")
    if not _NAME.fullmatch(channel) or (colon and not rest):
        raise ConfigurationError(
            f"{name!r} is no stream of OKX: write channel:instrument (books:BTC-USDT) or "
            "channel:key=value (positions:instType=ANY)"
        )
    if not colon:
        return Arg(channel)
    if "=" not in rest:
        return Arg(channel, inst_id=rest)
    pairs: dict[str, str] = {}
    # The last key's value is JSON and has commas and equals signs of its own.
    text, found, extra = rest.partition("extraParams=")
    if found:
        pairs["extraParams"] = extra
    for item in text.rstrip(",").split(",") if text else ():
        key, _, value = item.partition("=")
        if key not in _KEYS or not value:
            raise ConfigurationError(f"{name!r}: {item!r} is not one of {', '.join(_KEYS)}")
        pairs[key] = value
    return msgspec.convert({"channel": channel} | pairs, Arg)


def kind_of(channel: str) -> Kind:
    """What flows in a channel; :attr:`Kind.OTHER` for one that is not known."""
    if channel.startswith(_CANDLE):
        return Kind.KLINE
    return _KINDS.get(channel, Kind.OTHER)


def path_of(channel: str) -> str:
    """``public``, ``business`` or ``private``: the address that serves a channel."""
    if channel in _PRIVATE:
        return "private"
    return "business" if channel in _BUSINESS or _CANDLES.match(channel) else "public"


def bar_of(interval: str) -> str:
    """OKX's word for a candle's length: ``1h`` is ``1H`` here, ``1d`` is ``1D``; ``1M`` is a month.

    Raises:
        ConfigurationError: There is no such candle. Retry: no.
    """
    bar = interval.upper() if _HOURS_AND_UP.fullmatch(interval) else interval
    plain = bar.removesuffix("utc")
    length = BAR_MS.get(plain)
    if length is None or (bar != plain and 0 < length < _UTC_FROM_MS):
        raise ConfigurationError(
            f"OKX has no candles of {interval!r}; there are {', '.join(BAR_MS)}, and from 6H up "
            "each with utc behind it"
        )
    return bar


def instrument_name(symbol: str) -> str:
    """OKX's name of an instrument: ``btc/usdt`` → ``BTC-USDT``; its own names stay.

    Raises:
        ConfigurationError: It is none. Retry: no.
    """
    name = symbol.strip().upper().replace("/", "-").replace("_", "-")
    if not _PARTS.fullmatch(name) or "-" not in name:
        raise ConfigurationError(
            f"{symbol!r} is no instrument of OKX: write BTC-USDT, BTC-USDT-SWAP, BTC-USD-260327 "
            "or BTC-USD-260327-60000-C"
        )
    return name


def stream_of(channel: str, symbol: str) -> Stream:
    """The stream of one instrument; its events carry ``symbol`` as it was written.

    Raises:
        ConfigurationError: It is no instrument. Retry: no.
    """
    return Stream(f"{channel}:{instrument_name(symbol)}", kind_of(channel), symbol)


def as_stream(item: Stream | str) -> Stream:
    """A stream from its name; its events carry the venue's symbol.

    Raises:
        ConfigurationError: It is no stream's name. Retry: no.
    """
    if isinstance(item, Stream):
        return item
    arg = arg_of(item)
    return Stream(arg.name, kind_of(arg.channel), arg.inst_id)
