"""From a stream to what its frames become: the decoder, the symbol, the sequence rule.

A :class:`Route` is made once per stream and looked up once per frame. :data:`SCHEMAS` says which
type a stream kind has on which market, :data:`EVENT_KINDS` which kind a frame without a stream
name is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tickwire.exchanges.binance.books import DEPTH_RULES
from tickwire.exchanges.binance.contracts import (
    AssetIndex,
    BinanceAveragePrice,
    BinanceIndexPrice,
    BinanceMarkPrice,
    BinanceReferencePrice,
    CompositeIndex,
    ContinuousKlineMessage,
    ContractInfo,
    ForceOrderMessage,
    IndexKlineMessage,
    RpiDelta,
    TradingSession,
)
from tickwire.exchanges.binance.names import StreamKind, is_array
from tickwire.exchanges.binance.structs import (
    BinanceAggTrade,
    BinanceMiniTicker,
    BinanceTicker,
    BinanceTrade,
    BinanceWindowTicker,
    KlineMessage,
    SpotDelta,
    SpotQuote,
    SpotSnapshot,
    UsdmDelta,
    UsdmQuote,
    UsdmSnapshot,
    Wrapped,
    inner_struct,
    known_keys,
)
from tickwire.exchanges.lanes import Lane
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.market import SequenceChain

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.binance.names import Market

__all__ = ["EVENT_KINDS", "LOOK_EVERY", "SCHEMAS", "Decoders", "Numbers", "Route", "raw_identity"]

Numbers = Literal["float", "decimal"]

_Schemas = dict[StreamKind, type[msgspec.Struct]]
_EVERYWHERE: _Schemas = {
    StreamKind.TRADE: BinanceTrade,
    StreamKind.AGG_TRADE: BinanceAggTrade,
    StreamKind.KLINE: KlineMessage,
    StreamKind.MINI_TICKER: BinanceMiniTicker,
    StreamKind.TICKER: BinanceTicker,
}
_FUTURES: _Schemas = _EVERYWHERE | {
    StreamKind.BOOK_TICKER: UsdmQuote,
    StreamKind.PARTIAL_DEPTH: UsdmSnapshot,
    StreamKind.DEPTH: UsdmDelta,
    StreamKind.MARK_PRICE: BinanceMarkPrice,
    StreamKind.CONTINUOUS_KLINE: ContinuousKlineMessage,
    StreamKind.FORCE_ORDER: ForceOrderMessage,
    StreamKind.CONTRACT_INFO: ContractInfo,
}
SCHEMAS: dict[Market, _Schemas] = {
    "spot": _EVERYWHERE
    | {
        StreamKind.BLOCK_TRADE: BinanceTrade,
        StreamKind.WINDOW_TICKER: BinanceWindowTicker,
        StreamKind.BOOK_TICKER: SpotQuote,
        StreamKind.PARTIAL_DEPTH: SpotSnapshot,
        StreamKind.DEPTH: SpotDelta,
        StreamKind.AVG_PRICE: BinanceAveragePrice,
        StreamKind.REFERENCE_PRICE: BinanceReferencePrice,
    },
    "usdm": _FUTURES
    | {
        StreamKind.RPI_DEPTH: RpiDelta,
        StreamKind.COMPOSITE_INDEX: CompositeIndex,
        StreamKind.ASSET_INDEX: AssetIndex,
        StreamKind.TRADING_SESSION: TradingSession,
    },
    "coinm": _FUTURES
    | {
        StreamKind.INDEX_PRICE: BinanceIndexPrice,
        StreamKind.INDEX_PRICE_KLINE: IndexKlineMessage,
        StreamKind.MARK_PRICE_KLINE: KlineMessage,
    },
}
"""The type of each stream kind's payload (of one element, where the payload is an array)."""

_SESSION_MARKETS = ("Equity", "Commodity", "KR_Equity", "HK_Equity", "CN_Equity")
EVENT_KINDS: dict[str, StreamKind] = {
    "trade": StreamKind.TRADE,
    "blockTrade": StreamKind.BLOCK_TRADE,
    "aggTrade": StreamKind.AGG_TRADE,
    "bookTicker": StreamKind.BOOK_TICKER,
    "kline": StreamKind.KLINE,
    "24hrMiniTicker": StreamKind.MINI_TICKER,
    "24hrTicker": StreamKind.TICKER,
    "1hTicker": StreamKind.WINDOW_TICKER,
    "4hTicker": StreamKind.WINDOW_TICKER,
    "1dTicker": StreamKind.WINDOW_TICKER,
    "depthUpdate": StreamKind.DEPTH,
    "avgPrice": StreamKind.AVG_PRICE,
    "referencePrice": StreamKind.REFERENCE_PRICE,
    "markPriceUpdate": StreamKind.MARK_PRICE,
    "indexPriceUpdate": StreamKind.INDEX_PRICE,
    "continuous_kline": StreamKind.CONTINUOUS_KLINE,
    "indexPrice_kline": StreamKind.INDEX_PRICE_KLINE,
    "markPrice_kline": StreamKind.MARK_PRICE_KLINE,
    "forceOrder": StreamKind.FORCE_ORDER,
    "compositeIndex": StreamKind.COMPOSITE_INDEX,
    "assetIndexUpdate": StreamKind.ASSET_INDEX,
    "contractInfo": StreamKind.CONTRACT_INFO,
    **dict.fromkeys(
        [f"{market}Update" for market in _SESSION_MARKETS],
        StreamKind.TRADING_SESSION,
    ),
}
"""The stream kind of each value of ``e``. Futures' partial and RPI depth say ``depthUpdate``."""

_CHAINED = frozenset({StreamKind.DEPTH, StreamKind.RPI_DEPTH})

LOOK_EVERY = 1024
"""Of so many payloads of a stream, the keys of one are looked at; of the first in any case, and of
every one that is longer than those looked at before."""


class Decoders:
    """The decoders of one market, made on first use."""

    def __init__(self, market: Market, numbers: Numbers) -> None:
        self._schemas = SCHEMAS[market]
        self._decimal = numbers == "decimal"
        self._made: dict[tuple[StreamKind, bool], Callable[[bytes], Any]] = {}

    def get(self, kind: StreamKind, *, array: bool = False) -> Callable[[bytes], Any]:
        """The function that decodes one payload of ``kind``, or an array of them.

        The function raises ``msgspec.DecodeError``, ``UnicodeDecodeError`` or ``RecursionError``
        for a payload that is not of the type.

        Raises:
            KeyError: The market has no type for this kind.
        """
        if (kind, array) not in self._made:
            self._made[kind, array] = self._make(self._schemas[kind], array)
        return self._made[kind, array]

    def _make(self, schema: type[msgspec.Struct], array: bool) -> Callable[[bytes], Any]:
        payload: Any = DECIMAL_TWINS[schema] if self._decimal else schema
        # Not strict: numbers are sent as strings.
        return msgspec.json.Decoder(list[payload] if array else payload, strict=False).decode


class Route(Lane):
    """One stream of a kind that has a type: how to decode it, whose it is, how far it has come.

    A lane that also knows these:

    Attributes:
        stream: Its name.
        kind: Its kind.
        decode_element: The decoder of one message of an array.
        known: The JSON keys of a message that are no news.
        inner_key: The key of the object with the event, where it is inside, else empty.
        inner_known: The keys of that object that are no news.
        looks: How many payloads were looked at.
    """

    __slots__ = (
        "decode_element",
        "inner_key",
        "inner_known",
        "kind",
        "known",
        "looks",
        "stream",
    )

    def __init__(self, stream: Stream, market: Market, decoders: Decoders) -> None:
        kind = StreamKind(stream.kind)
        schema = SCHEMAS[market][kind]
        self.stream = stream.name
        self.symbol = stream.symbol
        self.kind = kind
        self.is_array = is_array(stream, market)
        self.is_wrapped = issubclass(schema, Wrapped)
        self.decode = decoders.get(kind, array=self.is_array)
        self.decode_element = decoders.get(kind)
        self.chain = SequenceChain(DEPTH_RULES[market]) if kind in _CHAINED else None
        self.known = known_keys(schema)
        inner = inner_struct(schema)
        self.inner_key = inner[0] if inner else ""
        self.inner_known = known_keys(inner[1]) if inner else frozenset()
        self.unlooked = 0
        self.longest = 0
        self.looks = 0
        self.extra_events = 0

    def skip_looks(self, size: int) -> None:
        """A payload of ``size`` bytes is being looked at; let the next :data:`LOOK_EVERY` less one
        pass that are no longer."""
        self.extra_events -= self.unlooked  # it came early: what did not pass is not counted
        self.looks += 1
        self.unlooked = LOOK_EVERY - 1
        self.longest = max(self.longest, size)

    @property
    def events(self) -> int:
        """Events so far. Derived, so that a payload costs one counter and not two."""
        return self.looks * LOOK_EVERY - self.unlooked + self.extra_events


_SAME_AT_ALL_SPEEDS = frozenset({StreamKind.KLINE, StreamKind.MARK_PRICE, StreamKind.INDEX_PRICE})


def raw_identity(stream: Stream, market: Market) -> tuple[str, ...]:
    """All that a raw frame says about its stream. Two that share it cannot be told apart."""
    symbol, _, suffix = stream.name.partition("@")
    if stream.kind == StreamKind.PARTIAL_DEPTH and market == "spot":
        return ("lastUpdateId",)
    if stream.kind in (StreamKind.DEPTH, StreamKind.PARTIAL_DEPTH, StreamKind.RPI_DEPTH):
        return ("depthUpdate", symbol)
    if stream.kind in _SAME_AT_ALL_SPEEDS:
        # A payload has the interval of a candle, and neither its time zone nor a stream's speed.
        return (stream.kind, symbol, suffix.partition("@")[0])
    return (stream.name,)
