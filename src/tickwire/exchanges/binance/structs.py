"""Binance's messages as event types: one field per key, in the vendor's spelling.

Keys are case-sensitive and the same letter means different things in different events, so every
type names its own. Keys that are not listed are skipped by the decoder, and :func:`known_keys`
tells the codec which of them are news. Numbers come as JSON strings.

Prices and sizes are finite numbers, and every type has a twin with decimals: see
:mod:`tickwire.exchanges.numbers`.

Sources: the vendor's stream pages (spot; USD-M futures), state of August 2026. Fields that older
recordings lack (``st``, ``ps``, ``nq``) are optional.
"""

from __future__ import annotations

from typing import ClassVar, get_type_hints

import msgspec
from msgspec import Struct, field

from tickwire.exchanges.numbers import Levels, Number, decimal_twin
from tickwire.market import (
    AggTrade,
    BookDelta,
    BookSnapshot,
    Event,
    Kline,
    MiniTicker,
    Quote,
    Ticker,
    Trade,
)

__all__ = [
    "BinanceAggTrade",
    "BinanceKline",
    "BinanceMiniTicker",
    "BinanceTicker",
    "BinanceTrade",
    "BinanceWindowTicker",
    "KlineMessage",
    "SpotDelta",
    "SpotQuote",
    "SpotSnapshot",
    "UsdmDelta",
    "UsdmQuote",
    "UsdmSnapshot",
    "Wrapped",
    "inner_struct",
    "known_keys",
]


class BinanceTrade(Trade, kw_only=True, gc=False):
    """``trade`` and ``blockTrade`` (whose ids are a sequence of their own)."""

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    trade_id: int = field(name="t")
    price: Number = field(name="p")
    size: Number = field(name="q")
    transact_time: int = field(name="T")
    is_buyer_maker: bool = field(name="m")


class BinanceAggTrade(AggTrade, kw_only=True, gc=False):
    """``aggTrade``.

    Attributes:
        size_without_rpi: USD-M: ``size`` without the fills of retail-price-improvement orders,
            which the order book does not show.
        market_code: USD-M since June 2026: 1 is USD-M, 2 is COIN-M.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    trade_id: int = field(name="a")
    price: Number = field(name="p")
    size: Number = field(name="q")
    first_trade_id: int = field(name="f")
    last_trade_id: int = field(name="l")
    transact_time: int = field(name="T")
    is_buyer_maker: bool = field(name="m")
    size_without_rpi: Number | None = field(name="nq", default=None)
    market_code: int | None = field(name="st", default=None)


class SpotQuote(Quote, kw_only=True, gc=False):
    """``bookTicker`` of spot: it has no times, so ``ts_event_ns`` is 0."""

    symbol: str = field(name="s")
    sequence: int = field(name="u")
    bid_price: Number = field(name="b")
    bid_size: Number = field(name="B")
    ask_price: Number = field(name="a")
    ask_size: Number = field(name="A")


class UsdmQuote(Quote, kw_only=True, gc=False):
    """``bookTicker`` of USD-M.

    Attributes:
        pair: ``BTCUSDT``, where sent.
        market_code: Since June 2026: 1 is USD-M, 2 is COIN-M; ``!bookTicker`` carries both.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    transact_time: int = field(name="T")
    sequence: int = field(name="u")
    bid_price: Number = field(name="b")
    bid_size: Number = field(name="B")
    ask_price: Number = field(name="a")
    ask_size: Number = field(name="A")
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)


class BinanceKline(Kline, kw_only=True, gc=False):
    """The ``k`` object of a ``kline`` message; ``event_time`` is the message's own ``E``."""

    symbol: str = field(name="s")
    interval: str = field(name="i")
    open_time: int = field(name="t")
    close_time: int = field(name="T")
    open: Number = field(name="o")
    high: Number = field(name="h")
    low: Number = field(name="l")
    close: Number = field(name="c")
    volume: Number = field(name="v")
    quote_volume: Number = field(name="q")
    trade_count: int = field(name="n")
    taker_buy_volume: Number = field(name="V")
    taker_buy_quote_volume: Number = field(name="Q")
    first_trade_id: int = field(name="f")
    last_trade_id: int = field(name="L")
    is_closed: bool = field(name="x")


class Wrapped(Struct, kw_only=True, gc=False):
    """A message whose event is an object inside it.

    Attributes:
        INNER: The field that has it.
    """

    INNER: ClassVar[str]

    @property
    def symbol(self) -> str:
        """The venue's symbol, as a raw connection routes by it."""
        inner: Event = getattr(self, self.INNER)
        return inner.symbol

    def unwrap(self) -> Event:
        """The event, with what the message says beside it."""
        raise NotImplementedError


class KlineMessage(Wrapped, kw_only=True, gc=False):
    """``kline``, and ``markPrice_kline`` of COIN-M."""

    INNER: ClassVar[str] = "kline"

    event_time: int = field(name="E")
    # The candle has it too.
    symbol_outside: str = field(name="s", default="")
    pair: str | None = field(name="ps", default=None)
    kline: BinanceKline = field(name="k")

    def unwrap(self) -> Event:
        kline = self.kline
        kline.event_time = self.event_time
        return kline


class BinanceMiniTicker(MiniTicker, kw_only=True, gc=False):
    """``24hrMiniTicker``. ``pair`` and ``market_code`` as in :class:`UsdmQuote`."""

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    open: Number = field(name="o")
    high: Number = field(name="h")
    low: Number = field(name="l")
    close: Number = field(name="c")
    volume: Number = field(name="v")
    quote_volume: Number = field(name="q")
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)


class BinanceTicker(Ticker, kw_only=True, gc=False):
    """``24hrTicker``. Best prices and previous close come on spot only.

    ``pair`` and ``market_code`` as in :class:`UsdmQuote`.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    price_change: Number = field(name="p")
    price_change_percent: Number = field(name="P")
    vwap: Number = field(name="w")
    open: Number = field(name="o")
    high: Number = field(name="h")
    low: Number = field(name="l")
    last_price: Number = field(name="c")
    last_size: Number = field(name="Q")
    volume: Number = field(name="v")
    quote_volume: Number = field(name="q")
    open_time: int = field(name="O")
    close_time: int = field(name="C")
    first_trade_id: int = field(name="F")
    last_trade_id: int = field(name="L")
    trade_count: int = field(name="n")
    prev_close: Number | None = field(name="x", default=None)
    bid_price: Number | None = field(name="b", default=None)
    bid_size: Number | None = field(name="B", default=None)
    ask_price: Number | None = field(name="a", default=None)
    ask_size: Number | None = field(name="A", default=None)
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)


class BinanceWindowTicker(Ticker, kw_only=True, gc=False):
    """``1hTicker``, ``4hTicker``, ``1dTicker``. The window begins on a whole minute."""

    event_type: str = field(name="e")
    symbol: str = field(name="s")
    event_time: int = field(name="E")
    price_change: Number = field(name="p")
    price_change_percent: Number = field(name="P")
    vwap: Number = field(name="w")
    open: Number = field(name="o")
    high: Number = field(name="h")
    low: Number = field(name="l")
    last_price: Number = field(name="c")
    volume: Number = field(name="v")
    quote_volume: Number = field(name="q")
    open_time: int = field(name="O")
    close_time: int = field(name="C")
    first_trade_id: int = field(name="F")
    last_trade_id: int = field(name="L")
    trade_count: int = field(name="n")

    @property
    def window(self) -> str:
        """``1h``, ``4h`` or ``1d``."""
        return self.event_type.removesuffix("Ticker")


class SpotSnapshot(BookSnapshot, kw_only=True, gc=False):
    """Partial depth of spot: it has neither symbol nor times, so ``ts_event_ns`` is 0."""

    symbol: str = ""
    sequence: int = field(name="lastUpdateId")
    bids: Levels
    asks: Levels


class UsdmSnapshot(BookSnapshot, kw_only=True, gc=False):
    """Partial depth of USD-M: a ``depthUpdate`` whose levels are complete.

    Attributes:
        first_sequence: First update id since the snapshot before this one.
        prev_sequence: ``sequence`` of the snapshot before this one.
        pair: As in :class:`UsdmQuote`.
        market_code: As in :class:`UsdmQuote`.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    transact_time: int = field(name="T")
    first_sequence: int = field(name="U")
    sequence: int = field(name="u")
    prev_sequence: int = field(name="pu")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)


class SpotDelta(BookDelta, kw_only=True, gc=False):
    """``depthUpdate`` of spot: ``first_sequence`` is the last ``sequence`` plus one."""

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    first_sequence: int = field(name="U")
    sequence: int = field(name="u")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")


class UsdmDelta(BookDelta, kw_only=True, gc=False):
    """``depthUpdate`` of USD-M: ``prev_sequence`` is the last ``sequence`` of the same stream.

    ``pair`` and ``market_code`` as in :class:`UsdmQuote`.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    transact_time: int = field(name="T")
    first_sequence: int = field(name="U")
    sequence: int = field(name="u")
    prev_sequence: int = field(name="pu")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)


# Sent, and of no use: `e` chose the type, the others the vendor says to ignore.
_IGNORED: dict[type[Struct], set[str]] = {
    BinanceTrade: {"M"},
    BinanceAggTrade: {"M"},
    BinanceKline: {"B"},
}


def known_keys(struct: type[Struct]) -> frozenset[str]:
    """The JSON keys of ``struct`` that are no news."""
    keys = {known.encode_name for known in msgspec.structs.fields(struct)}
    ignored = (keys for base, keys in _IGNORED.items() if issubclass(struct, base))
    return frozenset(keys.union({"e"}, *ignored))


def inner_struct(struct: type[Struct]) -> tuple[str, type[Struct]] | None:
    """The JSON key and the type of what is wrapped in ``struct``, or ``None`` where nothing is."""
    if not issubclass(struct, Wrapped):
        return None
    hints = get_type_hints(struct, include_extras=True)
    names = {known.name: known.encode_name for known in msgspec.structs.fields(struct)}
    return names[struct.INNER], hints[struct.INNER]


# Module attributes, because pickle looks a type up by its module and name. `KlineMessage` comes
# after the type that it contains.
BinanceTradeDecimal = decimal_twin(BinanceTrade)
BinanceAggTradeDecimal = decimal_twin(BinanceAggTrade)
SpotQuoteDecimal = decimal_twin(SpotQuote)
UsdmQuoteDecimal = decimal_twin(UsdmQuote)
BinanceKlineDecimal = decimal_twin(BinanceKline)
KlineMessageDecimal = decimal_twin(KlineMessage)
BinanceMiniTickerDecimal = decimal_twin(BinanceMiniTicker)
BinanceTickerDecimal = decimal_twin(BinanceTicker)
BinanceWindowTickerDecimal = decimal_twin(BinanceWindowTicker)
SpotSnapshotDecimal = decimal_twin(SpotSnapshot)
UsdmSnapshotDecimal = decimal_twin(UsdmSnapshot)
SpotDeltaDecimal = decimal_twin(SpotDelta)
UsdmDeltaDecimal = decimal_twin(UsdmDelta)
