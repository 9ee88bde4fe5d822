"""Bybit's public messages as event types: one field per key, in the venue's spelling.

Prices and sizes come as JSON strings, times and sequence numbers as numbers. The order of keys is
not fixed. Source: Bybit v5 documentation, "WebSocket Stream: Public" (July 2026).
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from tickwire.exchanges.numbers import Levels, Number, decimal_twin
from tickwire.market import BookDelta, BookSnapshot, Event, Kline, Liquidation, Quote, Ticker, Trade

__all__ = [
    "BookPush",
    "BybitBookDelta",
    "BybitBookSnapshot",
    "BybitKline",
    "BybitLiquidation",
    "BybitOptionTicker",
    "BybitQuote",
    "BybitStatus",
    "BybitTicker",
    "BybitTrade",
    "RpiBook",
    "RpiPush",
]


class BybitTrade(Trade, kw_only=True, gc=False):
    """``publicTrade``; ``event_time`` is the message's ``ts``.

    Attributes:
        side: The taker's, ``Buy`` or ``Sell``.
        trade_id: A UUID on futures, a number in digits on spot.
        tick_direction: On futures.
        is_block: Whether it is a block trade.
        is_rpi: Whether a retail-price-improvement order took part.
        sequence: The cross sequence, which books have too; 0 where it is not sent.
        mark_price: On options, as the three after it.
    """

    transact_time: int = field(name="T")
    symbol: str = field(name="s")
    side: str = field(name="S")
    size: Number = field(name="v")
    price: Number = field(name="p")
    tick_direction: str = field(name="L", default="")
    trade_id: str = field(name="i")
    is_block: bool = field(name="BT", default=False)
    is_rpi: bool = field(name="RPI", default=False)
    sequence: int = field(name="seq", default=0)
    is_buyer_maker: bool | None = None  # from `side`, by the codec
    mark_price: Number | None = field(name="mP", default=None)
    index_price: Number | None = field(name="iP", default=None)
    mark_volatility: Number | None = field(name="mIv", default=None)
    volatility: Number | None = field(name="iv", default=None)


class BybitQuote(Quote, kw_only=True, gc=False):
    """``orderbook.1``. An empty side has price and size 0. Repeated after 3 s without a change.

    Attributes:
        sequence: The topic's ``u``.
        cross_sequence: The matching engine's ``seq``.
    """

    cross_sequence: int = 0


class BybitBookDelta(BookDelta, kw_only=True, gc=False):
    """A ``delta`` of ``orderbook``; the times are the message's.

    Attributes:
        sequence: The topic's ``u``, one more than that of the message before.
        cross_sequence: The matching engine's ``seq``: rises, has holes, and compares with trades.
    """

    symbol: str = field(name="s")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    first_sequence: int = 0
    sequence: int = field(name="u")
    cross_sequence: int = field(name="seq", default=0)


class BybitBookSnapshot(BookSnapshot, kw_only=True, gc=False):
    """A ``snapshot`` of ``orderbook``, or a delta with the number 1, which begins a book anew."""

    cross_sequence: int = 0


class BookPush(Struct, gc=False):
    """A message of ``orderbook``, whatever its type."""

    data: BybitBookDelta
    type: str = ""
    ts: int = 0
    cts: int = 0


class _RpiRow(Struct, array_like=True, gc=False):
    price: Number
    size: Number
    rpi: Number


class RpiBook(Struct, gc=False):
    """The data of ``orderbook.rpi``: rows of price, size without RPI orders, size of RPI orders."""

    symbol: str = field(name="s")
    bids: list[_RpiRow] = field(name="b")
    asks: list[_RpiRow] = field(name="a")
    sequence: int = field(name="u")
    cross_sequence: int = field(name="seq", default=0)


class RpiPush(Struct, gc=False):
    """A message of ``orderbook.rpi``."""

    data: RpiBook
    type: str = ""
    ts: int = 0
    cts: int = 0


class BybitTicker(Ticker, kw_only=True, gc=False):
    """``tickers`` of spot, linear and inverse, always complete: the codec merges the changes.

    Attributes:
        price_change_fraction: Over 24 hours: 0.0196 is 1.96 %.
        quote_volume: The turnover.
        next_funding_time: In ms.
        cross_sequence: The matching engine's.
    """

    symbol: str
    last_price: Number = field(name="lastPrice", default=0)
    open: Number = field(name="prevPrice24h", default=0)
    high: Number = field(name="highPrice24h", default=0)
    low: Number = field(name="lowPrice24h", default=0)
    volume: Number = field(name="volume24h", default=0)
    quote_volume: Number | None = field(name="turnover24h", default=None)
    price_change_fraction: Number | None = field(name="price24hPcnt", default=None)
    price_an_hour_ago: Number | None = field(name="prevPrice1h", default=None)
    bid_price: Number | None = field(name="bid1Price", default=None)
    bid_size: Number | None = field(name="bid1Size", default=None)
    ask_price: Number | None = field(name="ask1Price", default=None)
    ask_size: Number | None = field(name="ask1Size", default=None)
    mark_price: Number | None = field(name="markPrice", default=None)
    index_price: Number | None = field(name="indexPrice", default=None)
    usd_index_price: Number | None = field(name="usdIndexPrice", default=None)
    open_interest: Number | None = field(name="openInterest", default=None)
    open_interest_value: Number | None = field(name="openInterestValue", default=None)
    funding_rate: Number | None = field(name="fundingRate", default=None)
    funding_time: int = field(name="nextFundingTime", default=0)
    funding_hours: Number | None = field(name="fundingIntervalHour", default=None)
    funding_cap: Number | None = field(name="fundingCap", default=None)
    tick_direction: str = field(name="tickDirection", default="")
    delivery_time: str = field(name="deliveryTime", default="")
    basis: Number | None = None
    basis_rate: Number | None = field(name="basisRate", default=None)
    delivery_fee_rate: Number | None = field(name="deliveryFeeRate", default=None)
    predicted_delivery_price: Number | None = field(name="predictedDeliveryPrice", default=None)
    cross_sequence: int = 0


class BybitOptionTicker(Ticker, kw_only=True, gc=False):
    """``tickers`` of options, with the greeks."""

    symbol: str
    last_price: Number = field(name="lastPrice", default=0)
    open: Number = field(name="prevPrice24h", default=0)
    high: Number = field(name="highPrice24h", default=0)
    low: Number = field(name="lowPrice24h", default=0)
    volume: Number = field(name="volume24h", default=0)
    quote_volume: Number | None = field(name="turnover24h", default=None)
    price_change_fraction: Number | None = field(name="change24h", default=None)
    bid_price: Number | None = field(name="bidPrice", default=None)
    bid_size: Number | None = field(name="bidSize", default=None)
    bid_volatility: Number | None = field(name="bidIv", default=None)
    ask_price: Number | None = field(name="askPrice", default=None)
    ask_size: Number | None = field(name="askSize", default=None)
    ask_volatility: Number | None = field(name="askIv", default=None)
    mark_price: Number | None = field(name="markPrice", default=None)
    mark_volatility: Number | None = field(name="markPriceIv", default=None)
    index_price: Number | None = field(name="indexPrice", default=None)
    underlying_price: Number | None = field(name="underlyingPrice", default=None)
    open_interest: Number | None = field(name="openInterest", default=None)
    delta: Number | None = None
    gamma: Number | None = None
    vega: Number | None = None
    theta: Number | None = None
    total_volume: Number | None = field(name="totalVolume", default=None)
    total_turnover: Number | None = field(name="totalTurnover", default=None)
    cross_sequence: int = 0


class BybitKline(Kline, kw_only=True, gc=False):
    """``kline``; ``quote_volume`` is the turnover."""

    symbol: str = ""
    interval: str = ""
    open_time: int = field(name="start")
    close_time: int = field(name="end")
    open: Number
    close: Number
    high: Number
    low: Number
    volume: Number
    quote_volume: Number | None = field(name="turnover", default=None)
    is_closed: bool = field(name="confirm")
    event_time: int = field(name="timestamp", default=0)


class BybitLiquidation(Liquidation, kw_only=True, gc=False):
    """An item of ``allLiquidation``; ``price`` is the bankruptcy price.

    Attributes:
        side: Of the order that closes the position, which is not what the venue sends.
        position_side: ``Buy``: a long position was liquidated.
    """

    transact_time: int = field(name="T")
    symbol: str = field(name="s")
    position_side: str = field(name="S")
    side: str = ""  # from `position_side`, by the codec
    size: Number = field(name="v")
    price: Number = field(name="p")


class BybitStatus(Event, kw_only=True, gc=False):
    """``system.status``: a maintenance. ``symbol`` is empty.

    Attributes:
        begin: In ms.
        end: In ms.
    """

    kind: ClassVar[str] = "status"

    symbol: str = ""
    id: str = ""
    title: str = ""
    state: str = ""
    begin: int = 0
    end: int = 0


# Module attributes, because pickle looks a type up by its module and name; a type comes after those
# that it contains.
BybitTradeDecimal = decimal_twin(BybitTrade)
BybitQuoteDecimal = decimal_twin(BybitQuote)
BybitBookDeltaDecimal = decimal_twin(BybitBookDelta)
BybitBookSnapshotDecimal = decimal_twin(BybitBookSnapshot)
BookPushDecimal = decimal_twin(BookPush)
_RpiRowDecimal = decimal_twin(_RpiRow)
RpiBookDecimal = decimal_twin(RpiBook)
RpiPushDecimal = decimal_twin(RpiPush)
BybitTickerDecimal = decimal_twin(BybitTicker)
BybitOptionTickerDecimal = decimal_twin(BybitOptionTicker)
BybitKlineDecimal = decimal_twin(BybitKline)
BybitLiquidationDecimal = decimal_twin(BybitLiquidation)
