"""OKX's public messages as event types: one field per key, in the venue's spelling.

Numbers come as JSON strings, save sequence numbers and checksums. Sizes are in the base currency
(spot, margin) or in contracts. An empty string means "not applicable".

Source: OKX API guide v5 (August 2026). What recordings of 2022 lack (``seqId``, ``prevSeqId``,
``source``) is optional.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.exchanges.rows import Rows  # noqa: TC001 - msgspec reads it
from tickwire.market import (
    BookDelta,
    BookSnapshot,
    Event,
    IndexPrice,
    Kline,
    Liquidation,
    MarkPrice,
    Quote,
    Ticker,
    Trade,
    epoch_ns,
)

__all__ = [
    "OkxBookDelta",
    "OkxBookSnapshot",
    "OkxCandle",
    "OkxFundingRate",
    "OkxIndexPrice",
    "OkxInstrumentChange",
    "OkxKline",
    "OkxLiquidation",
    "OkxLiquidations",
    "OkxMarkPrice",
    "OkxOpenInterest",
    "OkxPriceLimit",
    "OkxQuote",
    "OkxStatus",
    "OkxTicker",
    "OkxTopOfBook",
    "OkxTrade",
]


class OkxTrade(Trade, kw_only=True, gc=False):
    """``trades`` (the fills of one taker order at one price) and ``trades-all`` (every fill).

    Attributes:
        trade_id: Of the last fill inside.
        side: The taker's, ``buy`` or ``sell``.
        count: Fills inside; 1 in ``trades-all``.
        source: ``0``, or ``1`` for a retail-price-improvement order.
        sequence: The book's number; several trades may share one. 0 where it is not sent.
    """

    symbol: str = field(name="instId")
    trade_id: int = field(name="tradeId")
    price: Number = field(name="px")
    size: Number = field(name="sz")
    side: str
    event_time: int = field(name="ts")
    count: int = 1
    source: str = ""
    sequence: int = field(name="seqId", default=0)
    is_buyer_maker: bool | None = None  # from `side`, by the codec


class OkxTopOfBook(Struct, gc=False):
    """An item of ``bbo-tbt``: one level a side, or none."""

    asks: Rows
    bids: Rows
    ts: int
    seq: int = field(name="seqId", default=0)


class OkxQuote(Quote, kw_only=True, gc=False):
    """``bbo-tbt``; its time is the matching engine's. An empty side has price and size 0."""


class OkxBookDelta(BookDelta, kw_only=True, gc=False):
    """An ``update`` of ``books`` and its kin.

    Attributes:
        sequence: ``seqId``; it jumps, and goes back in a reset. 0 in recordings of 2022.
        prev_sequence: ``prevSeqId``: equal to the ``sequence`` before it.
        checksum: Of the book after it; 0 since June 2026.
    """

    symbol: str = field(name="instId", default="")
    asks: Rows
    bids: Rows
    event_time: int = field(name="ts")
    checksum: int = 0
    first_sequence: int = 0
    prev_sequence: int | None = field(name="prevSeqId", default=None)
    sequence: int = field(name="seqId", default=0)


class OkxBookSnapshot(BookSnapshot, kw_only=True, gc=False):
    """A ``snapshot`` of ``books`` and its kin, and every push of ``books5``."""

    symbol: str = field(name="instId", default="")
    asks: Rows
    bids: Rows
    event_time: int = field(name="ts")
    checksum: int = 0
    sequence: int = field(name="seqId", default=0)


class OkxTicker(Ticker, kw_only=True, gc=False):
    """``tickers``: the last 24 hours. Numbers are 0 or ``None`` where nothing was traded yet.

    Attributes:
        instrument_type: ``SPOT``, ``SWAP``…
        volume: In the base currency (spot) or contracts.
        currency_volume: In the quote currency (spot) or the base currency (derivatives).
        quote_volume: The same on spot, else ``None``.
        open_utc_0: Price at the day's start, UTC.
        open_utc_8: Likewise, UTC+8.
    """

    instrument_type: str = field(name="instType", default="")
    symbol: str = field(name="instId")
    last_price: Number = field(name="last", default=0)
    last_size: Number | None = field(name="lastSz", default=None)
    ask_price: Number | None = field(name="askPx", default=None)
    ask_size: Number | None = field(name="askSz", default=None)
    bid_price: Number | None = field(name="bidPx", default=None)
    bid_size: Number | None = field(name="bidSz", default=None)
    open: Number = field(name="open24h", default=0)
    high: Number = field(name="high24h", default=0)
    low: Number = field(name="low24h", default=0)
    currency_volume: Number | None = field(name="volCcy24h", default=None)
    volume: Number = field(name="vol24h", default=0)
    open_utc_0: Number | None = field(name="sodUtc0", default=None)
    open_utc_8: Number | None = field(name="sodUtc8", default=None)
    event_time: int = field(name="ts")


class OkxCandle(Struct, array_like=True, gc=False):
    """A row of ``candle…``, ``mark-price-candle…`` and ``index-candle…``."""

    ts: int
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    currency_volume: Number
    quote_volume: Number
    confirm: str


class OkxKline(Kline, kw_only=True, gc=False):
    """``candle…``. It has no time of sending; ``close_time`` is computed, 0 for months.

    Attributes:
        volume: In the base currency (spot) or contracts.
        currency_volume: In the quote currency (spot) or the base currency (derivatives).
        quote_volume: In the quote currency.
    """

    currency_volume: Number | None = None


class OkxMarkPrice(MarkPrice, kw_only=True, gc=False):
    """``mark-price``. Two of one time can come in maintenance; the later one counts."""

    instrument_type: str = field(name="instType", default="")
    symbol: str = field(name="instId")
    mark_price: Number = field(name="markPx")
    event_time: int = field(name="ts")


class OkxIndexPrice(IndexPrice, kw_only=True, gc=False):
    """``index-tickers``."""

    symbol: str = field(name="instId")
    price: Number = field(name="idxPx")
    high: Number | None = field(name="high24h", default=None)
    low: Number | None = field(name="low24h", default=None)
    open: Number | None = field(name="open24h", default=None)
    event_time: int = field(name="ts")


class OkxFundingRate(Event, kw_only=True, gc=False):
    """``funding-rate``.

    Attributes:
        funding_rate: For the funding at ``funding_time``: 0.0001 is a hundredth of a percent.
        funding_time: In ms.
        next_funding_rate: ``None`` where the venue does not say.
        settled_rate: What was used last, or is being settled (``settled_state``).
    """

    kind: ClassVar[str] = "funding_rate"

    instrument_type: str = field(name="instType", default="")
    symbol: str = field(name="instId")
    funding_rate: Number | None = field(name="fundingRate", default=None)
    funding_time: int = field(name="fundingTime", default=0)
    next_funding_rate: Number | None = field(name="nextFundingRate", default=None)
    next_funding_time: int = field(name="nextFundingTime", default=0)
    lowest_rate: Number | None = field(name="minFundingRate", default=None)
    highest_rate: Number | None = field(name="maxFundingRate", default=None)
    interest_rate: Number | None = field(name="interestRate", default=None)
    premium: Number | None = None
    settled_state: str = field(name="settState", default="")
    settled_rate: Number | None = field(name="settFundingRate", default=None)
    event_time: int = field(name="ts", default=0)

    @property
    def ts_next_funding_ns(self) -> int:
        """When the funding after the next is exchanged, ns since the Unix epoch; 0: not said."""
        return epoch_ns(self.next_funding_time)


class OkxOpenInterest(Event, kw_only=True, gc=False):
    """``open-interest``: in contracts, in the base currency, in USD."""

    kind: ClassVar[str] = "open_interest"

    instrument_type: str = field(name="instType", default="")
    symbol: str = field(name="instId")
    contracts: Number = field(name="oi")
    currency: Number | None = field(name="oiCcy", default=None)
    usd: Number | None = field(name="oiUsd", default=None)
    event_time: int = field(name="ts")


class OkxPriceLimit(Event, kw_only=True, gc=False):
    """``price-limit``: the highest price of a buy order and the lowest of a sell order."""

    kind: ClassVar[str] = "price_limit"

    symbol: str = field(name="instId")
    highest_buy: Number | None = field(name="buyLmt", default=None)
    lowest_sell: Number | None = field(name="sellLmt", default=None)
    enabled: bool = True
    event_time: int = field(name="ts")


class _LiquidationDetail(Struct, gc=False):
    side: str
    price: Number = field(name="bkPx")
    size: Number = field(name="sz")
    ts: int
    position_side: str = field(name="posSide", default="")
    loss: Number | None = field(name="bkLoss", default=None)


class OkxLiquidations(Struct):
    """An item of ``liquidation-orders``."""

    inst_id: str = field(name="instId")
    details: list[_LiquidationDetail]
    inst_type: str = field(name="instType", default="")


class OkxLiquidation(Liquidation, kw_only=True, gc=False):
    """One detail of ``liquidation-orders``; ``price`` is the bankruptcy price.

    Attributes:
        position_side: Of the position that is closed: ``long``, ``short`` or ``net``.
        loss: What the insurance fund bears.
    """

    position_side: str = ""
    loss: Number | None = None


class OkxInstrumentChange(Event, kw_only=True, gc=False):
    """``instruments``: a row of the instrument list that changed.

    Attributes:
        state: ``live``, ``suspend``, ``preopen``…
    """

    kind: ClassVar[str] = "instrument"

    instrument_type: str = field(name="instType", default="")
    symbol: str = field(name="instId")
    state: str = ""
    price_tick: str = field(name="tickSz", default="")
    size_step: str = field(name="lotSz", default="")


class OkxStatus(Event, kw_only=True, gc=False):
    """``status``: a maintenance, planned or under way. ``symbol`` is empty.

    Attributes:
        title: In words.
        state: ``scheduled``, ``ongoing``, ``pre_open``, ``completed``, ``canceled``.
        begin: In ms.
        end: In ms.
        service: Which service, the venue's number.
    """

    kind: ClassVar[str] = "status"

    symbol: str = ""
    title: str
    state: str
    begin: int = 0
    end: int = 0
    service: str = field(name="serviceType", default="")
    event_time: int = field(name="ts", default=0)


# Module attributes, because pickle looks a type up by its module and name; a type comes after those
# that it contains.
OkxTradeDecimal = decimal_twin(OkxTrade)
OkxTopOfBookDecimal = decimal_twin(OkxTopOfBook)
OkxQuoteDecimal = decimal_twin(OkxQuote)
OkxBookDeltaDecimal = decimal_twin(OkxBookDelta)
OkxBookSnapshotDecimal = decimal_twin(OkxBookSnapshot)
OkxTickerDecimal = decimal_twin(OkxTicker)
OkxCandleDecimal = decimal_twin(OkxCandle)
OkxKlineDecimal = decimal_twin(OkxKline)
OkxMarkPriceDecimal = decimal_twin(OkxMarkPrice)
OkxIndexPriceDecimal = decimal_twin(OkxIndexPrice)
OkxFundingRateDecimal = decimal_twin(OkxFundingRate)
OkxOpenInterestDecimal = decimal_twin(OkxOpenInterest)
OkxPriceLimitDecimal = decimal_twin(OkxPriceLimit)
_LiquidationDetailDecimal = decimal_twin(_LiquidationDetail)
OkxLiquidationsDecimal = decimal_twin(OkxLiquidations)
OkxLiquidationDecimal = decimal_twin(OkxLiquidation)
