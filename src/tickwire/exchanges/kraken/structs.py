"""Kraken's messages as event types, in the venue's spelling of keys.

Numbers come as JSON numbers, times as RFC 3339 text. Source: the vendor's pages of the v2 channels,
state of August 2026.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.exchanges.times import TextTime
from tickwire.market import (
    Balance,
    BookDelta,
    BookSnapshot,
    Fill,
    Kline,
    OrderUpdate,
    Quote,
    Ticker,
    Trade,
)

__all__ = [
    "BalanceMessage",
    "BookMessage",
    "CandleMessage",
    "Execution",
    "ExecutionMessage",
    "InstrumentMessage",
    "KrakenBalance",
    "KrakenDelta",
    "KrakenFill",
    "KrakenKline",
    "KrakenOrder",
    "KrakenQuote",
    "KrakenSnapshot",
    "KrakenTicker",
    "KrakenTrade",
    "Pair",
    "QuoteMessage",
    "Reply",
    "StatusMessage",
    "TickerMessage",
    "TradeMessage",
]


class KrakenTrade(Trade, kw_only=True, gc=False):
    """An entry of ``trade``.

    Attributes:
        side: The taker's: ``buy``, ``sell``.
        order_type: Of the taker: ``market``, ``limit``.
        time: When it was matched, as sent.
    """

    symbol: str
    side: str
    price: Number
    size: Number = field(name="qty")
    order_type: str = field(name="ord_type", default="")
    trade_id: int
    time: str = field(name="timestamp", default="")
    is_buyer_maker: bool | None = None
    event_time = TextTime("time")
    transact_time = TextTime("time")


class KrakenTicker(Ticker, kw_only=True, gc=False):
    """An entry of ``ticker``, over 24 hours. ``price_change`` is the venue's ``change``; it sends
    no opening price. ``time``: as sent; empty in messages of before 2024."""

    symbol: str
    bid_price: Number | None = field(name="bid", default=None)
    bid_size: Number | None = field(name="bid_qty", default=None)
    ask_price: Number | None = field(name="ask", default=None)
    ask_size: Number | None = field(name="ask_qty", default=None)
    last_price: Number = field(name="last")
    volume: Number
    vwap: Number | None = None
    low: Number
    high: Number
    price_change: Number | None = field(name="change", default=None)
    price_change_percent: Number | None = field(name="change_pct", default=None)
    time: str = field(name="timestamp", default="")
    event_time = TextTime("time")


class KrakenQuote(Quote, kw_only=True, gc=False):
    """An entry of ``ticker``, read as best bid and offer. ``time``: as sent."""

    symbol: str
    bid_price: Number = field(name="bid")
    bid_size: Number = field(name="bid_qty")
    ask_price: Number = field(name="ask")
    ask_size: Number = field(name="ask_qty")
    time: str = field(name="timestamp", default="")
    event_time = TextTime("time")
    transact_time = TextTime("time")


class KrakenKline(Kline, kw_only=True, gc=False):
    """An entry of ``ohlc``.

    Attributes:
        minutes: The interval.
        begin: First instant, as sent.
        vwap: Volume-weighted average price.
        sent: The message's time, as sent.
    """

    symbol: str
    open: Number
    high: Number
    low: Number
    close: Number
    trade_count: int | None = field(name="trades", default=None)
    volume: Number
    vwap: Number | None = None
    begin: str = field(name="interval_begin")
    minutes: int = field(name="interval")
    interval: str = field(name="(interval)", default="")
    open_time: int = 0
    close_time: int = 0
    is_closed: bool = False
    sent: str = ""
    event_time = TextTime("sent")


class KrakenSnapshot(BookSnapshot, kw_only=True, gc=False):
    """``snapshot`` of ``book``.

    Attributes:
        depth: Levels of each side that the subscription has.
        checksum: As sent.
        time: As sent.
    """

    depth: int
    checksum: int
    time: str = ""
    event_time = TextTime("time")
    transact_time = TextTime("time")


class KrakenDelta(BookDelta, kw_only=True, gc=False):
    """``update`` of ``book``. One price may be there several times: the last one counts.

    Attributes:
        depth: Levels of each side that the subscription has: after the changes, let go what is
            beyond. The venue does not say what leaves that way.
        checksum: As sent.
        time: As sent.
    """

    depth: int
    checksum: int
    time: str = ""
    first_sequence: int = 0
    sequence: int = 0
    event_time = TextTime("time")
    transact_time = TextTime("time")


class KrakenOrder(OrderUpdate, kw_only=True, gc=False):
    """An order of one's own: what all messages so far have told of it.

    Attributes:
        average_price: Of what was filled.
        filled_cost: The same in the quote currency.
        user_reference: The number that it was given when it was placed, or ``None``.
        reason: Why it ended, in the venue's words.
        time: As sent.
    """

    average_price: float = 0.0
    filled_cost: float = 0.0
    user_reference: int | None = None
    reason: str = ""
    time: str = ""
    event_time = TextTime("time")
    transact_time = TextTime("time")


class KrakenFill(Fill, kw_only=True, gc=False):
    """An execution that is a trade.

    Attributes:
        trade_id: The pair's number of it.
        time: As sent.
    """

    trade_id: int = 0
    time: str = ""
    event_time = TextTime("time")
    transact_time = TextTime("time")


class KrakenBalance(Balance, kw_only=True, gc=False):
    """A balance, whole or after one entry in the ledger.

    Attributes:
        wallet: Type and id of the wallet whose entry it is; empty in the list at the begin, whose
            ``total`` is of all of them.
        change: What the entry brought, negative for what went; ``None`` in the list.
        fee: Of the entry.
        reason: In the venue's words: ``trade``, ``deposit``.
        time: As sent.
    """

    wallet: str = ""
    change: float | None = None
    fee: float | None = None
    reason: str = ""
    time: str = ""
    event_time = TextTime("time")


class _Row(Struct, gc=False):
    price: Number
    qty: Number


class _Book(Struct, gc=False):
    symbol: str
    bid_rows: list[_Row] = field(name="bids")
    ask_rows: list[_Row] = field(name="asks")
    checksum: int
    timestamp: str = ""


class _Envelope(Struct, kw_only=True, gc=False):
    type: str = ""


class BookMessage(_Envelope, kw_only=True, gc=False):
    """``book``."""

    data: list[_Book]


class TradeMessage(_Envelope, kw_only=True, gc=False):
    """``trade``."""

    data: list[KrakenTrade]


class TickerMessage(_Envelope, kw_only=True, gc=False):
    """``ticker``."""

    data: list[KrakenTicker]


class QuoteMessage(_Envelope, kw_only=True, gc=False):
    """``ticker``, read as quotes."""

    data: list[KrakenQuote]


class CandleMessage(_Envelope, kw_only=True, gc=False):
    """``ohlc``."""

    data: list[KrakenKline]
    timestamp: str = ""


class Fee(Struct, gc=False):
    """What an execution cost."""

    asset: str
    qty: Number


class Execution(Struct, gc=False):
    """An entry of ``executions``: the order's id, and what changed."""

    order_id: str
    symbol: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    side: str | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    exec_type: str | None = None
    order_status: str | None = None
    order_qty: Number | None = None
    limit_price: Number | None = None
    cum_qty: Number | None = None
    cum_cost: Number | None = None
    avg_price: Number | None = None
    reason: str | None = None
    timestamp: str | None = None
    # Of this execution alone.
    exec_id: str | None = None
    trade_id: int | None = None
    last_qty: Number | None = None
    last_price: Number | None = None
    liquidity_ind: str | None = None
    fees: list[Fee] | None = None


class ExecutionMessage(_Envelope, kw_only=True, gc=False):
    """``executions``."""

    data: list[Execution]


class _BalanceEntry(Struct, gc=False):
    asset: str
    balance: Number
    amount: Number | None = None
    fee: Number | None = None
    category: str = ""
    type: str = ""
    wallet_type: str = ""
    wallet_id: str = ""
    timestamp: str = ""


class BalanceMessage(_Envelope, kw_only=True, gc=False):
    """``balances``."""

    data: list[_BalanceEntry]
    sequence: int | None = None


for _struct in (
    *(KrakenTrade, KrakenTicker, KrakenQuote, KrakenKline, _Row, _Book, Fee, Execution),
    *(_BalanceEntry, BookMessage, TradeMessage, TickerMessage, QuoteMessage, CandleMessage),
    *(ExecutionMessage, BalanceMessage),
):
    decimal_twin(_struct)


class Pair(Struct, gc=False):
    """An entry of ``instrument``, as far as the checksum needs it."""

    symbol: str
    price_precision: int
    qty_precision: int


class _Pairs(Struct, gc=False):
    pairs: list[Pair] = []


class InstrumentMessage(Struct, gc=False):
    """``instrument``, whose data is an object."""

    data: _Pairs


class _Status(Struct, gc=False):
    system: str = ""


class StatusMessage(Struct, gc=False):
    """``status``."""

    data: list[_Status]


class Reply(Struct, gc=False):
    """The answer to a request; of a data message, its channel."""

    channel: str = ""
    method: str = ""
    success: bool | None = None
    result: dict[str, Any] | None = None
    error: str = ""
    symbol: str | None = None
    req_id: int | None = None
