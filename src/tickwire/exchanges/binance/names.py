"""What a Binance stream name means, on which market. Tables first, then the functions over them.

A stream name is ``<symbol>@<suffix>``, or ``!<suffix>`` for all symbols of the market. The venue
wants the symbol in lower case and the suffix letter by letter as printed (``kline_1m`` is a
minute, ``kline_1M`` a month); a name that it does not know is acknowledged and then silent. So
names are checked here, before they are sent.

Sources: the vendor's "WebSocket Streams" page (spot) and "Websocket Market Streams" pages (USD-M,
COIN-M), change logs included, as of August 2026.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = [
    "CONTINUOUS_INTERVALS",
    "CONTRACT_TYPES",
    "DEPTH_SPEEDS",
    "KLINE_INTERVALS",
    "PARTIAL_LEVELS",
    "WINDOWS",
    "Environment",
    "Market",
    "StreamKind",
    "as_stream",
    "check_market",
    "check_speed",
    "check_stream",
    "is_array",
    "parse_stream",
    "venue_symbol",
]

Market = Literal["spot", "usdm", "coinm"]
Environment = Literal["production", "testnet", "demo"]


class StreamKind(StrEnum):
    """What flows in a stream. The values are the venue's words."""

    TRADE = "trade"
    BLOCK_TRADE = "blockTrade"
    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    WINDOW_TICKER = "windowTicker"
    DEPTH = "depth"
    PARTIAL_DEPTH = "partialDepth"
    RPI_DEPTH = "rpiDepth"
    AVG_PRICE = "avgPrice"
    REFERENCE_PRICE = "referencePrice"
    MARK_PRICE = "markPrice"
    INDEX_PRICE = "indexPrice"
    CONTINUOUS_KLINE = "continuousKline"
    INDEX_PRICE_KLINE = "indexPriceKline"
    MARK_PRICE_KLINE = "markPriceKline"
    FORCE_ORDER = "forceOrder"
    COMPOSITE_INDEX = "compositeIndex"
    ASSET_INDEX = "assetIndex"
    CONTRACT_INFO = "contractInfo"
    TRADING_SESSION = "tradingSession"
    OTHER = "other"
    """A stream that the venue may have and this codec has no type for."""


_MINUTE_AND_LONGER = (
    *("1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h"),
    *("1d", "3d", "1w", "1M"),
)
KLINE_INTERVALS: dict[Market, tuple[str, ...]] = {
    "spot": ("1s", *_MINUTE_AND_LONGER),
    "usdm": _MINUTE_AND_LONGER,
    "coinm": _MINUTE_AND_LONGER,
}
CONTINUOUS_INTERVALS = KLINE_INTERVALS["spot"]
"""Continuous candles come by the second too, as the vendor's own client lists them."""
CONTRACT_TYPES = ("perpetual", "current_quarter", "next_quarter", "tradifi_perpetual")
WINDOWS = ("1h", "4h", "1d")
PARTIAL_LEVELS = (5, 10, 20)
# The venue's default speed has no suffix; it is 1000 ms on spot and 250 ms on USD-M.
DEPTH_SPEEDS: dict[Market, tuple[int, ...]] = {
    "spot": (1000, 100),
    "usdm": (250, 500, 100),
    "coinm": (250, 500, 100),
}

_SPEED = r"(@(?P<speed>\d{1,9})ms)?"
# One row per suffix: its form, its kind, and how it is written, for the error that a misspelt
# one gets.
_SUFFIXES: tuple[tuple[re.Pattern[str], StreamKind, str], ...] = tuple(
    (re.compile(form), kind, spelling)
    for form, kind, spelling in (
        (r"trade", StreamKind.TRADE, "@trade"),
        (r"blockTrade", StreamKind.BLOCK_TRADE, "@blockTrade"),
        (r"aggTrade", StreamKind.AGG_TRADE, "@aggTrade"),
        (r"bookTicker", StreamKind.BOOK_TICKER, "@bookTicker"),
        (r"kline_(?P<interval>[^@]+)(@\+08:00)?", StreamKind.KLINE, "@kline_<interval>"),
        (r"miniTicker", StreamKind.MINI_TICKER, "@miniTicker"),
        (r"ticker", StreamKind.TICKER, "@ticker"),
        (r"ticker_(1h|4h|1d)", StreamKind.WINDOW_TICKER, "@ticker_<1h|4h|1d>"),
        (r"depth" + _SPEED, StreamKind.DEPTH, "@depth[@<speed>ms]"),
        (r"depth(5|10|20)" + _SPEED, StreamKind.PARTIAL_DEPTH, "@depth<5|10|20>[@<speed>ms]"),
        (r"rpiDepth@500ms", StreamKind.RPI_DEPTH, "@rpiDepth@500ms"),
        (r"avgPrice", StreamKind.AVG_PRICE, "@avgPrice"),
        (r"referencePrice", StreamKind.REFERENCE_PRICE, "@referencePrice"),
        (r"markPrice(@1s)?", StreamKind.MARK_PRICE, "@markPrice[@1s]"),
        (r"indexPrice(@1s)?", StreamKind.INDEX_PRICE, "@indexPrice[@1s]"),
        (
            r"continuousKline_(?P<interval>[^@]+)",
            StreamKind.CONTINUOUS_KLINE,
            "@continuousKline_<interval>",
        ),
        (
            r"indexPriceKline_(?P<interval>[^@]+)",
            StreamKind.INDEX_PRICE_KLINE,
            "@indexPriceKline_<interval>",
        ),
        (
            r"markPriceKline_(?P<interval>[^@]+)",
            StreamKind.MARK_PRICE_KLINE,
            "@markPriceKline_<interval>",
        ),
        (r"forceOrder", StreamKind.FORCE_ORDER, "@forceOrder"),
        (r"compositeIndex", StreamKind.COMPOSITE_INDEX, "@compositeIndex"),
        (r"assetIndex", StreamKind.ASSET_INDEX, "@assetIndex"),
    )
)
# Names without a symbol.
_WHOLE_MARKET: dict[str, StreamKind] = {
    "tradingSession": StreamKind.TRADING_SESSION,
    "!markPrice@arr": StreamKind.MARK_PRICE,
    "!markPrice@arr@1s": StreamKind.MARK_PRICE,
    "!forceOrder@arr": StreamKind.FORCE_ORDER,
    "!assetIndex@arr": StreamKind.ASSET_INDEX,
    "!contractInfo": StreamKind.CONTRACT_INFO,
    "!miniTicker@arr": StreamKind.MINI_TICKER,
    "!ticker@arr": StreamKind.TICKER,
    "!bookTicker": StreamKind.BOOK_TICKER,
    **{f"!ticker_{window}@arr": StreamKind.WINDOW_TICKER for window in WINDOWS},
}
_OTHER_WHOLE_MARKET = re.compile(r"![A-Za-z0-9_@]+")
_OTHER_SUFFIX = re.compile(r"[A-Za-z0-9_@+:.]+")
# In spite of their names these send one object at a time.
_NO_ARRAYS = frozenset({"!forceOrder@arr"})
_KLINES = frozenset(
    {
        StreamKind.KLINE,
        StreamKind.CONTINUOUS_KLINE,
        StreamKind.INDEX_PRICE_KLINE,
        StreamKind.MARK_PRICE_KLINE,
    }
)
# Names that the venue once served or serves on the other market: acknowledged, then silent for
# ever.
_NOT_SERVED: dict[tuple[Market, str], str] = {
    (
        "spot",
        "!ticker@arr",
    ): "retired on spot in March 2026; use !miniTicker@arr or <symbol>@ticker",
    ("spot", "!bookTicker"): "retired on spot in December 2022; use <symbol>@bookTicker",
}
_FUTURES: tuple[Market, ...] = ("usdm", "coinm")
# Which markets have a kind of stream; what is not here they all have.
_MARKETS: dict[StreamKind, tuple[Market, ...]] = {
    StreamKind.BLOCK_TRADE: ("spot",),
    StreamKind.WINDOW_TICKER: ("spot",),
    StreamKind.AVG_PRICE: ("spot",),
    StreamKind.REFERENCE_PRICE: ("spot",),
    StreamKind.MARK_PRICE: _FUTURES,
    StreamKind.CONTINUOUS_KLINE: _FUTURES,
    StreamKind.FORCE_ORDER: _FUTURES,
    StreamKind.CONTRACT_INFO: _FUTURES,
    StreamKind.RPI_DEPTH: ("usdm",),
    StreamKind.COMPOSITE_INDEX: ("usdm",),
    StreamKind.ASSET_INDEX: ("usdm",),
    StreamKind.TRADING_SESSION: ("usdm",),
    StreamKind.INDEX_PRICE: ("coinm",),
    StreamKind.INDEX_PRICE_KLINE: ("coinm",),
    StreamKind.MARK_PRICE_KLINE: ("coinm",),
}


def venue_symbol(symbol: str) -> str:
    """The venue's symbol for what people write: ``BTC-USDT``, ``btc/usdt`` → ``BTCUSDT``.

    Symbols may have letters outside ASCII; a delivery contract keeps its underscore.

    Raises:
        ConfigurationError: Nothing is left, or it has a character that no symbol has. Retry: no.
    """
    name = symbol.replace("-", "").replace("/", "").upper()
    if not name or not all(char.isalnum() or char == "_" for char in name):
        raise ConfigurationError(f"{symbol!r} is not a symbol; write it like BTC-USDT")
    return name


def check_market(market: str) -> Market:
    """``market`` itself.

    Raises:
        ConfigurationError: It is none of the markets. Retry: no.
    """
    for known in KLINE_INTERVALS:
        if market == known:
            return known
    raise ConfigurationError(
        f"{market!r} is not a Binance market; there are {', '.join(KLINE_INTERVALS)}"
    )


def check_speed(speed_ms: int, market: Market) -> None:
    """Refuse a depth speed that the market does not have.

    Raises:
        ConfigurationError: It has no such speed. Retry: no.
    """
    speeds = DEPTH_SPEEDS[market]
    if speed_ms not in speeds:
        known = ", ".join(map(str, sorted(speeds)))
        raise ConfigurationError(f"no depth stream at {speed_ms} ms on {market}; there are {known}")


def parse_stream(name: str) -> Stream:
    """What a native stream name means. Its events will carry the venue's symbol.

    The symbol part may be in either case. A suffix that is unknown in any spelling is let through
    as :attr:`StreamKind.OTHER`, since the venue adds streams without notice.

    Raises:
        ConfigurationError: It has no symbol or no suffix, or is a known suffix misspelt. Retry: no.
    """
    if name in _WHOLE_MARKET or _OTHER_WHOLE_MARKET.fullmatch(name):
        return Stream(name, _WHOLE_MARKET.get(name, StreamKind.OTHER), "")
    symbol, _, suffix = name.partition("@")
    if not suffix:
        raise ConfigurationError(f"{name!r} is not a stream; write it like btcusdt@trade")
    for form, kind, spelling in _SUFFIXES:
        if match := form.fullmatch(suffix):
            if kind in _KLINES:
                _check_interval(name, match["interval"], KLINE_INTERVALS["spot"])
            break
        if re.fullmatch(form.pattern, suffix, re.IGNORECASE):
            raise ConfigurationError(
                f"{name!r} is not a stream: suffixes are case-sensitive, this one is {spelling}"
            )
    else:
        if not _OTHER_SUFFIX.fullmatch(suffix):
            raise ConfigurationError(f"{name!r} is not a stream; write it like btcusdt@trade")
        kind = StreamKind.OTHER
    symbol = venue_symbol(symbol)
    return Stream(f"{symbol.lower()}@{suffix}", kind, symbol)


def as_stream(stream: Stream | str) -> Stream:
    """A stream as it is, or what its native name means (see :func:`parse_stream`)."""
    return stream if isinstance(stream, Stream) else parse_stream(stream)


def is_array(stream: Stream, market: Market) -> bool:
    """Whether its payloads are arrays of messages."""
    if stream.kind == StreamKind.MARK_PRICE and market == "coinm":
        # The stream of a pair has all its contracts; only a contract has an underscore.
        symbol, is_name, _ = stream.name.partition("@")
        return bool(is_name) and "_" not in symbol
    return "@arr" in stream.name and stream.name not in _NO_ARRAYS


def check_stream(stream: Stream, market: Market) -> None:
    """Refuse a stream that the market is known not to serve: it would be acknowledged and silent.

    Raises:
        ConfigurationError: The market does not serve it. Retry: no.
    """
    if reason := _NOT_SERVED.get((market, stream.name)):
        raise ConfigurationError(f"{stream.name}: {reason}")
    symbol, at, _ = stream.name.partition("@")
    # Futures have underscores in their symbols, and streams of all symbols have them elsewhere.
    if market == "spot" and at and "_" in symbol and not symbol.startswith("!"):
        raise ConfigurationError(
            f"{stream.name}: no spot symbol has an underscore; "
            f"write {symbol.replace('_', '').upper()}"
        )
    kind = StreamKind(stream.kind)
    markets = _MARKETS.get(kind)
    if markets is not None and market not in markets:
        raise ConfigurationError(
            f"{stream.name}: there are no {kind} streams on {market}; {' and '.join(markets)} "
            f"{'has' if len(markets) == 1 else 'have'} them"
        )
    if kind in _KLINES:
        interval = stream.name.partition("@")[2].partition("_")[2].partition("@")[0]
        intervals = (
            CONTINUOUS_INTERVALS if kind is StreamKind.CONTINUOUS_KLINE else KLINE_INTERVALS[market]
        )
        _check_interval(stream.name, interval, intervals)
    elif stream.kind in (StreamKind.DEPTH, StreamKind.PARTIAL_DEPTH):
        speed = stream.name.partition("@")[2].partition("@")[2]
        if speed:
            check_speed(int(speed.removesuffix("ms")), market)


def _check_interval(name: str, interval: str, intervals: tuple[str, ...]) -> None:
    if interval not in intervals:
        raise ConfigurationError(
            f"{name}: no kline interval {interval!r}; there are {', '.join(intervals)}"
        )
