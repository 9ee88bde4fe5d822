"""Market data without a venue: typed events and the rules of their numbers. Pure."""

from tickwire.market.account import (
    AccountEvent,
    Balance,
    BalanceChange,
    Fill,
    OrderUpdate,
    Position,
)
from tickwire.market.events import (
    AggressorSide,
    AggTrade,
    BookDelta,
    BookSnapshot,
    Event,
    Gap,
    GapCause,
    Kline,
    Level,
    MiniTicker,
    Quote,
    Ticker,
    Trade,
    epoch_ns,
)
from tickwire.market.identity import Identity, number_of, stream_name
from tickwire.market.instruments import Instrument
from tickwire.market.prices import (
    AveragePrice,
    IndexPrice,
    Liquidation,
    MarkPrice,
    ReferencePrice,
)
from tickwire.market.sequence import Link, SequenceChain, SequenceRule

__all__ = [
    "AccountEvent",
    "AggTrade",
    "AggressorSide",
    "AveragePrice",
    "Balance",
    "BalanceChange",
    "BookDelta",
    "BookSnapshot",
    "Event",
    "Fill",
    "Gap",
    "GapCause",
    "Identity",
    "IndexPrice",
    "Instrument",
    "Kline",
    "Level",
    "Link",
    "Liquidation",
    "MarkPrice",
    "MiniTicker",
    "OrderUpdate",
    "Position",
    "Quote",
    "ReferencePrice",
    "SequenceChain",
    "SequenceRule",
    "Ticker",
    "Trade",
    "epoch_ns",
    "number_of",
    "stream_name",
]
