"""Messages of the Exchange feed as event types, in the venue's spelling of keys.

Numbers come as JSON strings, times as RFC 3339 text. Source: the vendor's "Channels" page, state of
2025; the recording of April 2021 has no sizes in tickers.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from tickwire.exchanges.numbers import Levels, Number, decimal_twin
from tickwire.exchanges.times import TextTime
from tickwire.market import BookDelta, BookSnapshot, Event, Quote, Ticker, Trade

__all__ = [
    "ExchangeDelta",
    "ExchangeMatch",
    "ExchangeQuote",
    "ExchangeSnapshot",
    "ExchangeTicker",
    "Heartbeat",
    "L3Change",
    "OrderMessage",
    "Subscriptions",
]


class ExchangeMatch(Trade, kw_only=True, gc=False):
    """``match``, and ``last_match``: the one before the subscription, sent at its begin.

    Attributes:
        type: The venue's word.
        sequence: The product's counter at this event.
        maker_side: The side of the order that rested.
        time: As sent.
    """

    type: str = "match"
    trade_id: int
    maker_order_id: str = ""
    taker_order_id: str = ""
    maker_side: str = field(name="side", default="")
    size: Number
    price: Number
    symbol: str = field(name="product_id")
    sequence: int = 0
    time: str = ""
    is_buyer_maker: bool | None = None
    event_time = TextTime("time")
    transact_time = TextTime("time")


class ExchangeTicker(Ticker, kw_only=True, gc=False):
    """``ticker``, ``ticker_batch``: sent at every match.

    Attributes:
        sequence: The product's counter at this event.
        trade_id: Of that match.
        side: The taker's.
        volume_30d: Base currency.
        time: As sent.
    """

    sequence: int = 0
    symbol: str = field(name="product_id")
    last_price: Number = field(name="price")
    open: Number = field(name="open_24h")
    volume: Number = field(name="volume_24h")
    low: Number = field(name="low_24h")
    high: Number = field(name="high_24h")
    volume_30d: Number | None = None
    bid_price: Number | None = field(name="best_bid", default=None)
    bid_size: Number | None = field(name="best_bid_size", default=None)
    ask_price: Number | None = field(name="best_ask", default=None)
    ask_size: Number | None = field(name="best_ask_size", default=None)
    side: str = ""
    time: str = ""
    trade_id: int | None = None
    last_size: Number | None = None
    event_time = TextTime("time")


class ExchangeQuote(Quote, kw_only=True, gc=False):
    """``ticker``, read as best bid and offer: as of the last match, not of the last change."""

    sequence: int = 0
    symbol: str = field(name="product_id")
    bid_price: Number = field(name="best_bid")
    bid_size: Number = field(name="best_bid_size")
    ask_price: Number = field(name="best_ask")
    ask_size: Number = field(name="best_ask_size")
    time: str = ""
    event_time = TextTime("time")


class ExchangeSnapshot(BookSnapshot, kw_only=True, gc=False):
    """``snapshot``: the whole book, every level."""

    symbol: str = field(name="product_id")
    asks: Levels
    bids: Levels
    time: str = ""
    event_time = TextTime("time")
    transact_time = TextTime("time")


class ExchangeDelta(BookDelta, kw_only=True, gc=False):
    """``l2update``. It has no number: a connection's order is all there is.

    Attributes:
        changes: Side (``buy``, ``sell``), price and size as they came; ``bids`` and ``asks`` are
            made of them.
        time: As sent.
    """

    symbol: str = field(name="product_id")
    changes: list[tuple[str, Number, Number]]
    time: str = ""
    bids: Levels = field(default_factory=list)
    asks: Levels = field(default_factory=list)
    first_sequence: int = 0
    sequence: int = 0
    event_time = TextTime("time")
    transact_time = TextTime("time")


class L3Change(Event, kw_only=True, gc=False):
    """One message of ``full``: what happened to one order of the book.

    Attributes:
        type: ``received``, ``open``, ``match``, ``change``, ``done``, ``activate``, or what is new.
        sequence: +1 from message to message of a product.
        order_id: Which order; of a match the one that rested.
        side: ``buy`` or ``sell``.
        price: Of the order, or of the match.
        size: Of a match, or of an order that was received.
        remaining_size: What rests, where the message says.
        new_size: After a change.
        new_price: After a change.
        reason: Why an order is done or was changed.
        time: As sent.
    """

    kind = "order_book_event"

    type: str
    symbol: str = field(name="product_id", default="")
    sequence: int
    order_id: str = ""
    maker_order_id: str = ""
    taker_order_id: str = ""
    trade_id: int | None = None
    side: str = ""
    order_type: str = ""
    price: Number | None = None
    size: Number | None = None
    remaining_size: Number | None = None
    old_size: Number | None = None
    new_size: Number | None = None
    old_price: Number | None = None
    new_price: Number | None = None
    funds: Number | None = None
    reason: str = ""
    time: str = ""
    event_time = TextTime("time")


for _struct in (
    ExchangeMatch,
    ExchangeTicker,
    ExchangeQuote,
    ExchangeSnapshot,
    ExchangeDelta,
    L3Change,
):
    decimal_twin(_struct)


class Heartbeat(Struct, gc=False):
    """``heartbeat``: once a second and product."""

    product_id: str
    last_trade_id: int = 0
    time: str = ""


class _Subscribed(Struct, gc=False):
    name: str
    product_ids: list[str] | None = None


class Subscriptions(Struct, gc=False):
    """``subscriptions``: everything that the connection has."""

    channels: list[_Subscribed] = []


class OrderMessage(Struct, gc=False):
    """What ``user`` says of an order, in the fields that some message of it has."""

    type: str
    product_id: str = ""
    order_id: str = ""
    maker_order_id: str = ""
    taker_order_id: str = ""
    client_oid: str = ""
    side: str = ""
    order_type: str = ""
    reason: str = ""
    price: str | None = None
    size: str | None = None
    remaining_size: str | None = None
    new_size: str | None = None
    new_price: str | None = None
    stop_price: str | None = None
    trade_id: int | None = None
    taker_fee_rate: str | None = None
    maker_fee_rate: str | None = None
    taker_user_id: str | None = None
    maker_user_id: str | None = None
    user_id: str | None = None
    time: str = ""


def decoder(kind: type[Struct]) -> Any:
    """What reads ``kind`` from a frame, numbers in text included."""
    return msgspec.json.Decoder(kind, strict=False).decode
