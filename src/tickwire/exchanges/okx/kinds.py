"""What each kind of OKX data is read as, and which events it becomes: a table.

Where an item is an event as it is, it is decoded straight into one; the others are built here.
Private data and whatever fails at first are read leniently: an empty text, which means "not
applicable", counts as if its key were not there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.exchanges.okx import account as private
from tickwire.exchanges.okx import structs as public
from tickwire.exchanges.okx.channels import BAR_MS, Kind
from tickwire.exchanges.pushes import Lane, known_keys, without_empty

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.okx.codec import OkxCodec
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event

__all__ = ["Kinds"]

Item = TypeVar("Item")


class Push(msgspec.Struct, Generic[Item], gc=False):
    """A push of public data."""

    data: list[Item]


class PrivatePush(msgspec.Struct, Generic[Item]):
    """A push of private data.

    Attributes:
        event_type: ``snapshot`` or ``event_update``.
        is_last_page: Of a snapshot in pages.
    """

    data: list[Item]
    event_type: str = msgspec.field(name="eventType", default="")
    is_last_page: bool = msgspec.field(name="lastPage", default=True)


_ITEMS: dict[Kind, Any] = {
    Kind.TRADE: public.OkxTrade,
    Kind.QUOTE: public.OkxTopOfBook,
    Kind.BOOK: public.OkxBookDelta,
    Kind.BOOK_SNAPSHOT: public.OkxBookSnapshot,
    Kind.TICKER: public.OkxTicker,
    Kind.KLINE: public.OkxCandle,
    Kind.MARK_PRICE: public.OkxMarkPrice,
    Kind.INDEX_PRICE: public.OkxIndexPrice,
    Kind.FUNDING_RATE: public.OkxFundingRate,
    Kind.OPEN_INTEREST: public.OkxOpenInterest,
    Kind.PRICE_LIMIT: public.OkxPriceLimit,
    Kind.LIQUIDATION: public.OkxLiquidations,
    Kind.INSTRUMENT: public.OkxInstrumentChange,
    Kind.STATUS: public.OkxStatus,
}
_PRIVATE_ITEMS: dict[Kind, Any] = {
    Kind.ACCOUNT: dict[str, Any],
    Kind.POSITION: private.OkxPosition,
    Kind.BALANCE_AND_POSITION: private.OkxBalanceAndPosition,
    Kind.ORDER: private.OkxOrderUpdate,
    Kind.FILL: private.OkxFill,
}
# Known keys that an event does not keep. Kinds that are not here and not read fast are too varied
# for news to mean anything.
_LOOKED_AT: dict[Kind, tuple[str, ...]] = {
    Kind.TRADE: (),
    Kind.QUOTE: (),
    Kind.BOOK: (),
    Kind.BOOK_SNAPSHOT: ("prevSeqId",),
    Kind.TICKER: (),
    Kind.MARK_PRICE: (),
}


class Kinds:
    """The table for one kind of numbers."""

    def __init__(self, numbers: Numbers, codec: OkxCodec) -> None:
        is_decimal = numbers == "decimal"
        self._zero: Any = Decimal(0) if is_decimal else 0.0
        self._twin: Callable[[Any], Any] = (
            (lambda kind: DECIMAL_TWINS.get(kind, kind)) if is_decimal else (lambda kind: kind)
        )
        self._types: dict[Kind, Any] = {
            kind: Push[self._twin(item)]  # type: ignore[misc]
            for kind, item in _ITEMS.items()
        }
        self._types |= {
            kind: PrivatePush[self._twin(item)]  # type: ignore[misc]
            for kind, item in _PRIVATE_ITEMS.items()
        }
        self._decoders: dict[Kind, Callable[[bytes], Any]] = {
            kind: msgspec.json.Decoder(self._types[kind], strict=False).decode for kind in _ITEMS
        }
        self._emitters: dict[Kind, Any] = {
            Kind.TRADE: codec.emit_trades,
            Kind.TICKER: codec.emit_tickers,
            Kind.BOOK: codec.emit_deltas,
            Kind.BOOK_SNAPSHOT: codec.emit_snapshots,
            Kind.ORDER: codec.emit_orders,
            Kind.FILL: codec.emit_orders,
        }
        self._emit_each = codec.emit_each
        self._emit_built = codec.emit_built
        self._builders: dict[Kind, Callable[[Lane, Any], list[Event]]] = {
            Kind.QUOTE: self._quotes,
            Kind.KLINE: self._klines,
            Kind.LIQUIDATION: self._liquidations,
            Kind.ACCOUNT: self._accounts,
            Kind.BALANCE_AND_POSITION: self._balances_and_positions,
        }
        self._known = {
            kind: known_keys(_ITEMS[kind], also=also) for kind, also in _LOOKED_AT.items()
        }

    def is_fast(self, kind: Kind) -> bool:
        """Whether frames of this kind are decoded straight."""
        return kind in self._decoders

    def lane(self, name: str, kind: Kind, symbol: str) -> Lane:
        """The lane of a stream."""
        emit = self._emit_built if kind in self._builders else self._emitters.get(kind)
        return Lane(
            name,
            kind,
            symbol,
            self._decoders.get(kind, self._lenient(kind)),
            emit or self._emit_each,
            self._known.get(kind, frozenset()),
        )

    def read(self, kind: Kind, frame: bytes, lane: Lane) -> Any:
        """A frame in full, leniently if need be.

        Raises:
            msgspec.DecodeError: It is not what the kind's messages are.
        """
        if kind not in self._decoders:
            return lane.decode(frame)
        try:
            return lane.decode(frame)
        except msgspec.ValidationError:
            return self._lenient(Kind(lane.kind))(frame)

    def _lenient(self, kind: Kind) -> Callable[[bytes], Any]:
        wanted = self._types[kind]

        def decode(frame: bytes) -> Any:
            document = without_empty(msgspec.json.decode(frame))
            return msgspec.convert(document, wanted, strict=False)

        return decode

    def build(self, lane: Lane, message: Any) -> list[Event]:
        """The events of a message that is none itself."""
        return self._builders[Kind(lane.kind)](lane, message)

    def _quotes(self, lane: Lane, message: Any) -> list[Event]:
        make, zero = self._twin(public.OkxQuote), self._zero
        found: list[Event] = []
        for item in message.data:
            bid = item.bids[0] if item.bids else None
            ask = item.asks[0] if item.asks else None
            found.append(
                make(
                    symbol=lane.symbol,
                    event_time=item.ts,
                    transact_time=item.ts,
                    sequence=item.seq,
                    bid_price=bid.price if bid is not None else zero,
                    bid_size=bid.size if bid is not None else zero,
                    ask_price=ask.price if ask is not None else zero,
                    ask_size=ask.size if ask is not None else zero,
                )
            )
        return found

    def _klines(self, lane: Lane, message: Any) -> list[Event]:
        make = self._twin(public.OkxKline)
        bar = lane.name.partition(":")[0].rpartition("candle")[2]
        length = BAR_MS.get(bar.removesuffix("utc"), 0)
        return [
            make(
                symbol=lane.symbol,
                interval=bar,
                open_time=row.ts,
                close_time=row.ts + length - 1 if length else 0,
                open=row.open,
                high=row.high,
                low=row.low,
                close=row.close,
                volume=row.volume,
                currency_volume=row.currency_volume,
                quote_volume=row.quote_volume,
                is_closed=row.confirm == "1",
            )
            for row in message.data
        ]

    def _liquidations(self, lane: Lane, message: Any) -> list[Event]:
        make = self._twin(public.OkxLiquidation)
        return [
            make(
                symbol=lane.symbol or item.inst_id,
                side=detail.side,
                price=detail.price,
                size=detail.size,
                event_time=detail.ts,
                transact_time=detail.ts,
                position_side=detail.position_side,
                loss=detail.loss,
            )
            for item in message.data
            for detail in item.details
        ]

    def _accounts(self, lane: Lane, message: Any) -> list[Event]:
        make, parts = self._twin(private.OkxAccount), self._twin(private.OkxAccountItem)
        found: list[Event] = []
        for item in message.data:
            account = msgspec.convert(item, make, strict=False)
            account.event_type = message.event_type
            account.is_last_page = message.is_last_page
            found.append(account)
            found += msgspec.convert(item, parts, strict=False).details
        return found

    def _balances_and_positions(self, lane: Lane, message: Any) -> list[Event]:
        found: list[Event] = []
        for item in message.data:
            for balance in item.balances:
                balance.total = balance.cash if balance.cash is not None else self._zero
            for position in item.positions:
                position.event_time = item.pushed
            found += item.balances
            found += item.positions
        return found
