"""What each kind of Bybit data is read as: a table.

Public data are decoded straight into events. Private data and whatever fails at first are read
leniently: an empty text counts as if its key were not there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from tickwire.exchanges.bybit import account as private
from tickwire.exchanges.bybit import structs as public
from tickwire.exchanges.bybit.topics import Kind
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.exchanges.pushes import Lane, known_keys, without_empty

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.bybit.codec import BybitCodec
    from tickwire.exchanges.venue import Numbers

__all__ = ["Kinds"]

Item = TypeVar("Item")


class Push(msgspec.Struct, Generic[Item], gc=False):
    """A push of items."""

    data: list[Item]
    ts: int = 0


class TickerPush(msgspec.Struct, gc=False):
    """A push of ``tickers``: a snapshot, or the keys that changed."""

    data: dict[str, Any]
    type: str = ""
    ts: int = 0
    cs: int = 0


class PrivatePush(msgspec.Struct, Generic[Item]):
    """A push of private data."""

    data: list[Item]
    created: int = msgspec.field(name="creationTime", default=0)


_ITEMS: dict[Kind, Any] = {
    Kind.TRADE: public.BybitTrade,
    Kind.KLINE: public.BybitKline,
    Kind.LIQUIDATION: public.BybitLiquidation,
    Kind.STATUS: public.BybitStatus,
}
_MESSAGES: dict[Kind, Any] = {
    Kind.QUOTE: public.BookPush,
    Kind.BOOK: public.BookPush,
    Kind.FULL_BOOK: public.BookPush,
    Kind.RPI_BOOK: public.RpiPush,
    Kind.TICKER: TickerPush,
}
_PRIVATE_ITEMS: dict[Kind, Any] = {
    Kind.ORDER: private.BybitOrderUpdate,
    Kind.POSITION: private.BybitPosition,
    Kind.WALLET: private.BybitWallet,
    Kind.EXECUTION: private.BybitFill,
}
_LOOKED_AT: dict[Kind, Any] = {
    Kind.TRADE: public.BybitTrade,
    Kind.QUOTE: public.BybitBookDelta,
    Kind.BOOK: public.BybitBookDelta,
}


class Kinds:
    """The table for one kind of numbers and one market."""

    def __init__(self, numbers: Numbers, market: str, codec: BybitCodec) -> None:
        is_decimal = numbers == "decimal"
        self.zero: Any = Decimal(0) if is_decimal else 0.0
        self.twin: Callable[[Any], Any] = (
            (lambda kind: DECIMAL_TWINS.get(kind, kind)) if is_decimal else (lambda kind: kind)
        )
        self.ticker: Any = self.twin(
            public.BybitOptionTicker if market == "option" else public.BybitTicker
        )
        self._types: dict[Kind, Any] = {kind: self.twin(item) for kind, item in _MESSAGES.items()}
        self._types |= {
            kind: Push[self.twin(item)]  # type: ignore[misc]
            for kind, item in _ITEMS.items()
        }
        self._fast: dict[Kind, Callable[[bytes], Any]] = {
            kind: msgspec.json.Decoder(wanted, strict=False).decode
            for kind, wanted in self._types.items()
        }
        self._types |= {
            kind: PrivatePush[self.twin(item)]  # type: ignore[misc]
            for kind, item in _PRIVATE_ITEMS.items()
        }
        self._emitters: dict[Kind, Any] = {
            Kind.TRADE: codec.emit_trades,
            Kind.QUOTE: codec.emit_quotes,
            Kind.BOOK: codec.emit_books,
            Kind.FULL_BOOK: codec.emit_books,
            Kind.RPI_BOOK: codec.emit_rpi_books,
            Kind.TICKER: codec.emit_tickers,
            Kind.LIQUIDATION: codec.emit_liquidations,
            Kind.KLINE: codec.emit_each,
            Kind.STATUS: codec.emit_each,
            Kind.WALLET: codec.emit_wallets,
            Kind.ORDER: codec.emit_private,
            Kind.POSITION: codec.emit_private,
            Kind.EXECUTION: codec.emit_private,
        }
        self._known = {kind: known_keys(item) for kind, item in _LOOKED_AT.items()}

    def lane(self, name: str, kind: Kind, symbol: str) -> Lane:
        """The lane of a topic."""
        return Lane(
            name,
            kind,
            symbol,
            self._fast.get(kind, self._lenient(kind)),
            self._emitters[kind],
            self._known.get(kind, frozenset()),
        )

    def is_fast(self, kind: Kind) -> bool:
        """Whether frames of this kind are decoded straight."""
        return kind in self._fast

    def read(self, kind: Kind, frame: bytes, lane: Lane) -> Any:
        """A frame in full, leniently if need be.

        Raises:
            msgspec.DecodeError: It is not what the kind's messages are.
        """
        try:
            return lane.decode(frame)
        except msgspec.ValidationError:
            return self._lenient(kind)(frame)

    def _lenient(self, kind: Kind) -> Callable[[bytes], Any]:
        wanted = self._types[kind]

        def decode(frame: bytes) -> Any:
            document = without_empty(msgspec.json.decode(frame))
            return msgspec.convert(document, wanted, strict=False)

        return decode
