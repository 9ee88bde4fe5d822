"""Typed market events: what every venue's frames become.

Each type is a :class:`msgspec.Struct` that a codec subclasses with the venue's own keys, so that
the venue's message *is* the event: it is decoded straight from the frame's bytes, with no
dictionary and no copy in between, and still answers to the names below and to ``isinstance(event,
Trade)``.

Two rules follow from that, and hold for every event.

Time. The venue's clock readings are kept as the integers that it sent (``event_time``,
``transact_time``, ``open_time``, ``close_time``), in whichever unit it uses; the ``ts_*_ns``
properties give them as nanoseconds since the Unix epoch, computed when they are asked for. The
unit is told by magnitude, which is unambiguous for every instant between 1973 and 5138. Zero
means that the venue sent no such time. ``ts_recv_ns`` is ours: the wall clock when the bytes were
read from the socket.

Numbers. Prices and sizes are ``float`` unless the codec was built with ``numbers="decimal"``;
then they are :class:`decimal.Decimal` with the digits exactly as sent. The annotations say
``float`` since that is what nearly every reader gets. A codec lets neither NaN nor an infinity
through.

Events are mutable because the codec stamps them after decoding, and are the consumer's from then
on: nothing here keeps a reference. They do not take part in garbage collection; do not make one
refer to itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

__all__ = [
    "AggTrade",
    "AggressorSide",
    "BookDelta",
    "BookSnapshot",
    "Event",
    "Gap",
    "GapCause",
    "Kline",
    "Level",
    "MiniTicker",
    "Quote",
    "Ticker",
    "Trade",
    "epoch_ns",
]

Level = tuple[float, float]
"""``(price, size)``; in a delta, size 0 deletes the level."""

# Readings below the first bound are milliseconds, below the second microseconds.
_MICROSECONDS_FROM = 10**14
_NANOSECONDS_FROM = 10**17


def epoch_ns(reading: int) -> int:
    """Nanoseconds since the Unix epoch, from a reading in ms, µs or ns. Zero stays zero."""
    if reading < _MICROSECONDS_FROM:
        return reading * 1_000_000
    if reading < _NANOSECONDS_FROM:
        return reading * 1_000
    return reading


class AggressorSide(StrEnum):
    """The side that took liquidity: the side of the order that crossed the spread."""

    BUY = "buy"
    SELL = "sell"


class GapCause(StrEnum):
    """Why a stretch of a stream is missing."""

    SEQUENCE = "sequence"
    """The venue's own numbers do not join up."""
    CHECKSUM = "checksum"
    """The book's checksum differs from the venue's."""
    DISCONNECT = "disconnect"
    """The connection was down."""
    OVERFLOW = "overflow"
    """The program was too slow, and its overflow policy dropped messages."""


# How `to_dict` writes the fields whose stored form is the venue's own.
_NORMALISED = {
    "event_time": "ts_event_ns",
    "transact_time": "ts_transact_ns",
    "open_time": "ts_open_ns",
    "close_time": "ts_close_ns",
    "next_funding_time": "ts_next_funding_ns",
    "last_trade_time": "ts_last_trade_ns",
    "funding_rate_sent": "funding_rate",
    "is_buyer_maker": "aggressor_side",
}


class Event(msgspec.Struct, kw_only=True, gc=False):
    """What all events share.

    Attributes:
        symbol: The name under which it was subscribed (``BTC-USDT``), or the venue's own symbol
            (``BTCUSDT``) where the stream was named in the venue's way.
        event_time: When the venue sent it, by the venue's clock, as sent; 0 where it does not say.
        ts_recv_ns: When its bytes were read from the socket: ns since the Unix epoch, our clock.
    """

    kind: ClassVar[str] = "event"
    """A short name of the normalised type, the same for every venue."""

    # Fields stand in the order in which venues tend to send them: a decoder that finds each key
    # where it looks first is an eighth faster.
    event_time: int = 0
    symbol: str
    ts_recv_ns: int = 0

    @property
    def ts_event_ns(self) -> int:
        """Venue time of sending, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.event_time)

    def to_dict(self) -> dict[str, object]:
        """The event under its normalised names, times in nanoseconds: for JSON lines and tables.

        Cost: a few microseconds; not for the hot path.
        """
        out: dict[str, object] = {"kind": self.kind, "symbol": self.symbol}
        for name in self.__struct_fields__:
            name = _NORMALISED.get(name, name)
            out[name] = getattr(self, name)
        return out


class Trade(Event, kw_only=True, gc=False):
    """One fill.

    Attributes:
        price: In the quote currency.
        size: In the base currency (or contracts, where the venue trades contracts).
        trade_id: The venue's number of this trade, unique per symbol.
        is_buyer_maker: True when the buyer's order rested in the book, so that the seller crossed;
            ``None`` where the venue names no side, or one that is new.
        transact_time: When it was matched, as sent; 0 where the venue does not say.
    """

    kind: ClassVar[str] = "trade"

    trade_id: int | str
    price: float
    size: float
    transact_time: int = 0
    is_buyer_maker: bool | None

    @property
    def aggressor_side(self) -> AggressorSide | None:
        """The taker's side; ``None`` where it is not known."""
        if self.is_buyer_maker is None:
            return None
        return AggressorSide.SELL if self.is_buyer_maker else AggressorSide.BUY

    @property
    def ts_transact_ns(self) -> int:
        """Time of the match, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.transact_time)


class AggTrade(Trade, kw_only=True, gc=False):
    """All fills of one taker order at one price, as one trade.

    ``trade_id`` numbers the aggregates; ``first_trade_id`` and ``last_trade_id`` are the ids of the
    fills inside, both included.
    """

    kind: ClassVar[str] = "agg_trade"

    first_trade_id: int
    last_trade_id: int


class Quote(Event, kw_only=True, gc=False):
    """The best bid and the best offer ("book ticker").

    Attributes:
        sequence: The venue's order-book update id, or 0 where it gives none.
        transact_time: When the book changed, as sent; 0 where the venue does not say.
    """

    kind: ClassVar[str] = "quote"

    sequence: int = 0
    transact_time: int = 0
    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float

    @property
    def ts_transact_ns(self) -> int:
        """Time of the change, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.transact_time)


class Kline(Event, kw_only=True, gc=False):
    """A candle, repeated while it grows and once more when it closes.

    Attributes:
        interval: In the venue's words (``1m`` is a minute, ``1M`` a month).
        open_time: First instant of the candle, as sent.
        close_time: Last instant of the candle, inclusive, as sent.
        volume: Base currency.
        quote_volume: Quote currency.
        trade_count: Number of trades.
        taker_buy_volume: The part of ``volume`` in which the buyer was the taker.
        taker_buy_quote_volume: The same of ``quote_volume``.
        first_trade_id: First trade inside.
        last_trade_id: Last trade so far.
        is_closed: True in the last message of this candle.

    What a venue does not send is ``None``.
    """

    kind: ClassVar[str] = "kline"

    interval: str
    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    is_closed: bool
    quote_volume: float | None = None
    trade_count: int | None = None
    taker_buy_volume: float | None = None
    taker_buy_quote_volume: float | None = None
    first_trade_id: int | None = None
    last_trade_id: int | None = None

    @property
    def ts_open_ns(self) -> int:
        """First instant of the candle, ns since the Unix epoch."""
        return epoch_ns(self.open_time)

    @property
    def ts_close_ns(self) -> int:
        """Last instant of the candle as the venue gives it, ns since the Unix epoch."""
        return epoch_ns(self.close_time)


class MiniTicker(Event, kw_only=True, gc=False):
    """Open, high, low, close and volumes of a rolling window (24 hours unless the venue differs).

    ``volume`` is in base currency, ``quote_volume`` in quote currency.
    """

    kind: ClassVar[str] = "mini_ticker"

    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None = None


class Ticker(Event, kw_only=True, gc=False):
    """Statistics of a rolling window.

    Attributes:
        price_change: Against the window's open, in quote currency.
        price_change_percent: The same in percent: 250.0 is +250 %.
        vwap: Volume-weighted average price.
        last_price: Price of the last trade.
        last_size: Its size.
        prev_close: Price of the last trade before the window.
        open_time: First instant of the window, as sent.
        close_time: Last instant of the window, as sent.

    What a venue does not send is ``None``.
    """

    kind: ClassVar[str] = "ticker"

    open: float | None = None
    high: float
    low: float
    last_price: float
    volume: float
    quote_volume: float | None = None
    price_change: float | None = None
    price_change_percent: float | None = None
    vwap: float | None = None
    last_size: float | None = None
    prev_close: float | None = None
    bid_price: float | None = None
    bid_size: float | None = None
    ask_price: float | None = None
    ask_size: float | None = None
    open_time: int = 0
    close_time: int = 0
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    trade_count: int | None = None

    @property
    def window(self) -> str:
        """Length of the window: ``24h`` unless the venue's type says otherwise."""
        return "24h"

    @property
    def ts_open_ns(self) -> int:
        """First instant of the window, ns since the Unix epoch."""
        return epoch_ns(self.open_time)

    @property
    def ts_close_ns(self) -> int:
        """Last instant of the window, ns since the Unix epoch."""
        return epoch_ns(self.close_time)


class BookSnapshot(Event, kw_only=True, gc=False):
    """The best levels of a book, complete: it replaces what was known before.

    Attributes:
        bids: Levels, best (highest) first.
        asks: Levels, best (lowest) first.
        sequence: The venue's update id at which it was taken, or 0 where it gives none.
        transact_time: When the book had this state, as sent; 0 where the venue does not say.
    """

    kind: ClassVar[str] = "book_snapshot"

    bids: list[Level]
    asks: list[Level]
    sequence: int = 0
    transact_time: int = 0

    @property
    def ts_transact_ns(self) -> int:
        """Time of the state, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.transact_time)


class BookDelta(Event, kw_only=True, gc=False):
    """Changed levels of a book. Sizes are absolute; size 0 deletes the level.

    Attributes:
        bids: Changed bid levels, in the venue's order.
        asks: Changed ask levels, in the venue's order.
        first_sequence: First update id inside.
        sequence: Last update id inside.
        prev_sequence: ``sequence`` of the delta before this one, where the venue links them so.
        transact_time: When the book had this state, as sent; 0 where the venue does not say.
    """

    kind: ClassVar[str] = "book_delta"

    transact_time: int = 0
    first_sequence: int
    sequence: int
    prev_sequence: int | None = None
    bids: list[Level]
    asks: list[Level]

    @property
    def ts_transact_ns(self) -> int:
        """Time of the state, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.transact_time)


class Gap(Event, kw_only=True, gc=False):
    """Part of a stream is missing. It stands before the first event after the hole.

    Attributes:
        stream: The stream, in the venue's words.
        cause: Why.
        last_sequence: The last number seen before the hole, if there are numbers.
        first_sequence: The first number after it. What is missing lies strictly between the two.
    """

    kind: ClassVar[str] = "gap"

    stream: str
    cause: GapCause
    last_sequence: int | None = None
    first_sequence: int | None = None
