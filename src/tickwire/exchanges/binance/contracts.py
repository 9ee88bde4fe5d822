"""Binance's messages about contracts, indexes and averages, as event types.

As :mod:`tickwire.exchanges.binance.structs`, which has the trades, books, candles and tickers.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field

from tickwire.exchanges.binance.structs import BinanceKline, Wrapped
from tickwire.exchanges.numbers import Levels, Number, decimal_twin
from tickwire.market import (
    AveragePrice,
    Event,
    IndexPrice,
    Liquidation,
    MarkPrice,
    ReferencePrice,
    epoch_ns,
)

__all__ = [
    "AssetIndex",
    "BinanceAveragePrice",
    "BinanceIndexPrice",
    "BinanceLiquidation",
    "BinanceMarkPrice",
    "BinanceReferencePrice",
    "CompositeIndex",
    "CompositePart",
    "ContinuousKlineMessage",
    "ContractInfo",
    "ForceOrderMessage",
    "IndexKlineMessage",
    "LeverageBracket",
    "PairKline",
    "RpiDelta",
    "TradingSession",
]


Rate = Annotated[str, Meta(pattern=r"^(-?[0-9]+(\.[0-9]+)?)?$")]
"""A number, or empty."""


class BinanceMarkPrice(MarkPrice, kw_only=True, gc=False):
    """``markPriceUpdate``.

    Attributes:
        funding_rate_sent: As sent, which is empty for delivery contracts.
        average_mark_price: Moving average of the mark price.
        market_code: 1 is USD-M, 2 is COIN-M.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    mark_price: Number = field(name="p")
    index_price: Number | None = field(name="i", default=None)
    settle_price: Number | None = field(name="P", default=None)
    funding_rate_sent: Rate = field(name="r", default="")
    average_mark_price: Number | None = field(name="ap", default=None)
    next_funding_time: int = field(name="T", default=0)
    market_code: int | None = field(name="st", default=None)

    @property
    def funding_rate(self) -> float | None:
        if not self.funding_rate_sent:
            return None
        # A float or a Decimal, as the other numbers are.
        return type(self.mark_price)(self.funding_rate_sent)


class BinanceIndexPrice(IndexPrice, kw_only=True, gc=False):
    """``indexPriceUpdate`` of COIN-M; ``symbol`` is the pair."""

    symbol: str = field(name="i")
    event_time: int = field(name="E")
    price: Number = field(name="p")


class BinanceAveragePrice(AveragePrice, kw_only=True, gc=False):
    """``avgPrice``."""

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    interval: str = field(name="i")
    price: Number = field(name="w")
    last_trade_time: int = field(name="T", default=0)


class BinanceReferencePrice(ReferencePrice, kw_only=True, gc=False):
    """``referencePrice``, which has no time of sending."""

    symbol: str = field(name="s")
    price: Number | None = field(name="r")
    transact_time: int = field(name="t")


class PairKline(BinanceKline, kw_only=True, gc=False):
    """A candle of a pair, not of a symbol: of its contracts in turn, or of its index.

    Attributes:
        pair: ``BTCUSDT``.
        contract_type: ``PERPETUAL`` and so on; ``None`` where it is the index.
    """

    symbol: str = field(name="s", default="")
    pair: str = ""
    contract_type: str | None = None


class ContinuousKlineMessage(Wrapped, kw_only=True, gc=False):
    """``continuous_kline``. Its ``symbol`` is made up as the stream's: ``BTCUSDT_PERPETUAL``."""

    INNER: ClassVar[str] = "kline"

    event_time: int = field(name="E")
    pair: str = field(name="ps")
    contract_type: str = field(name="ct")
    kline: PairKline = field(name="k")

    @property
    def symbol(self) -> str:
        return f"{self.pair}_{self.contract_type}"

    def unwrap(self) -> Event:
        kline = self.kline
        kline.event_time = self.event_time
        kline.symbol = self.symbol
        kline.pair = self.pair
        kline.contract_type = self.contract_type
        return kline


class IndexKlineMessage(Wrapped, kw_only=True, gc=False):
    """``indexPrice_kline`` of COIN-M; volumes in it are zero."""

    INNER: ClassVar[str] = "kline"

    event_time: int = field(name="E")
    pair: str = field(name="ps")
    kline: PairKline = field(name="k")

    @property
    def symbol(self) -> str:
        return self.pair

    def unwrap(self) -> Event:
        kline = self.kline
        kline.event_time = self.event_time
        kline.symbol = kline.pair = self.pair
        return kline


class BinanceLiquidation(Liquidation, kw_only=True, gc=False):
    """The order in a ``forceOrder``. ``market_code``: 1 is USD-M, 2 is COIN-M."""

    symbol: str = field(name="s")
    side: str = field(name="S")
    order_type: str = field(name="o")
    time_in_force: str = field(name="f")
    size: Number = field(name="q")
    price: Number = field(name="p")
    average_price: Number | None = field(name="ap", default=None)
    status: str = field(name="X", default="")
    last_filled_size: Number | None = field(name="l", default=None)
    filled_size: Number | None = field(name="z", default=None)
    transact_time: int = field(name="T", default=0)
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = None


class ForceOrderMessage(Wrapped, kw_only=True, gc=False):
    """``forceOrder``. USD-M names the pair beside the order, COIN-M inside it."""

    INNER: ClassVar[str] = "order"

    event_time: int = field(name="E")
    order: BinanceLiquidation = field(name="o")
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)

    def unwrap(self) -> Event:
        order = self.order
        order.event_time = self.event_time
        order.market_code = self.market_code
        if self.pair is not None:
            order.pair = self.pair
        return order


class CompositePart(Struct, kw_only=True, gc=False):
    """One asset of a composite index.

    Attributes:
        weight: In units of the asset.
        weight_percent: As a fraction of the index.
        index_price: Of the asset.
    """

    base_asset: str = field(name="b")
    quote_asset: str = field(name="q")
    weight: Number = field(name="w")
    weight_percent: Number = field(name="W")
    index_price: Number = field(name="i")


class CompositeIndex(Event, kw_only=True, gc=False):
    """``compositeIndex``."""

    kind: ClassVar[str] = "composite_index"

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    price: Number = field(name="p")
    component: str = field(name="C", default="")
    parts: list[CompositePart] = field(name="c")


class AssetIndex(Event, kw_only=True, gc=False):
    """``assetIndexUpdate``: by how much an asset counts as margin in multi-assets mode."""

    kind: ClassVar[str] = "asset_index"

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    index: Number = field(name="i")
    bid_buffer: Number = field(name="b")
    ask_buffer: Number = field(name="a")
    bid_rate: Number = field(name="B")
    ask_rate: Number = field(name="A")
    auto_bid_buffer: Number = field(name="q")
    auto_ask_buffer: Number = field(name="g")
    auto_bid_rate: Number = field(name="Q")
    auto_ask_rate: Number = field(name="G")


class LeverageBracket(Struct, kw_only=True, gc=False):
    """What leverage a position of a size may have. Numbers come as JSON numbers here.

    Attributes:
        floor: Lowest notional.
        cap: Highest notional.
        maintenance_ratio: Maintenance margin as a fraction.
        auxiliary: The vendor's number for quick calculation.
    """

    bracket: int = field(name="bs")
    floor: Number = field(name="bnf")
    cap: Number = field(name="bnc")
    maintenance_ratio: Number = field(name="mmr")
    auxiliary: Number = field(name="cf")
    min_leverage: int = field(name="mi")
    max_leverage: int = field(name="ma")


class ContractInfo(Event, kw_only=True, gc=False):
    """``contractInfo``: a contract was listed, settled, or has other brackets.

    Attributes:
        contract_type: In the venue's words.
        delivery_time: As sent.
        onboard_time: As sent.
        status: In the venue's words.
        brackets: Where they changed, else empty.
    """

    kind: ClassVar[str] = "contract_info"

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    contract_type: str = field(name="ct")
    delivery_time: int = field(name="dt")
    onboard_time: int = field(name="ot")
    status: str = field(name="cs")
    brackets: list[LeverageBracket] = field(name="bks", default_factory=list)
    pair: str | None = field(name="ps", default=None)
    market_code: int | None = field(name="st", default=None)


class TradingSession(Event, kw_only=True, gc=False):
    """``EquityUpdate``, ``CommodityUpdate`` and their kin: the session of a traditional market.

    Attributes:
        event_type: Of which market, in the venue's words.
        session: ``REGULAR``, ``OVERNIGHT`` and so on.
        start_time: As sent.
        end_time: As sent.
    """

    kind: ClassVar[str] = "trading_session"

    symbol: str = ""
    event_type: str = field(name="e")
    event_time: int = field(name="E")
    start_time: int = field(name="t")
    end_time: int = field(name="T")
    session: str = field(name="S")

    @property
    def ts_start_ns(self) -> int:
        """Begin of the session, ns since the Unix epoch."""
        return epoch_ns(self.start_time)

    @property
    def ts_end_ns(self) -> int:
        """End of the session, ns since the Unix epoch."""
        return epoch_ns(self.end_time)


class RpiDelta(Event, kw_only=True, gc=False):
    """``depthUpdate`` of an ``rpiDepth`` stream: of a book of its own, hence no ``BookDelta``."""

    kind: ClassVar[str] = "rpi_delta"

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

    @property
    def ts_transact_ns(self) -> int:
        """Time of the state, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)


BinanceMarkPriceDecimal = decimal_twin(BinanceMarkPrice)
BinanceIndexPriceDecimal = decimal_twin(BinanceIndexPrice)
BinanceAveragePriceDecimal = decimal_twin(BinanceAveragePrice)
BinanceReferencePriceDecimal = decimal_twin(BinanceReferencePrice)
PairKlineDecimal = decimal_twin(PairKline)
ContinuousKlineMessageDecimal = decimal_twin(ContinuousKlineMessage)
IndexKlineMessageDecimal = decimal_twin(IndexKlineMessage)
BinanceLiquidationDecimal = decimal_twin(BinanceLiquidation)
ForceOrderMessageDecimal = decimal_twin(ForceOrderMessage)
CompositePartDecimal = decimal_twin(CompositePart)
CompositeIndexDecimal = decimal_twin(CompositeIndex)
AssetIndexDecimal = decimal_twin(AssetIndex)
LeverageBracketDecimal = decimal_twin(LeverageBracket)
ContractInfoDecimal = decimal_twin(ContractInfo)
TradingSessionDecimal = decimal_twin(TradingSession)
RpiDeltaDecimal = decimal_twin(RpiDelta)
