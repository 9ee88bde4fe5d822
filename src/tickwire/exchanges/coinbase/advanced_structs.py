"""Messages of Advanced Trade, in the venue's spelling of keys.

Every message is an envelope with a list of events, and most events are lists again; the innermost
entries are the event types here. Numbers come as JSON strings, times as RFC 3339 text. Source: the
vendor's "WebSocket Channels" page, state of August 2026.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.exchanges.times import TextTime
from tickwire.market import (
    Balance,
    BookDelta,
    BookSnapshot,
    Kline,
    OrderUpdate,
    Position,
    Quote,
    Ticker,
    Trade,
)

__all__ = [
    "AdvancedDelta",
    "AdvancedKline",
    "AdvancedOrder",
    "AdvancedPosition",
    "AdvancedQuote",
    "AdvancedSnapshot",
    "AdvancedTicker",
    "AdvancedTrade",
    "BookMessage",
    "CandleMessage",
    "FuturesBalance",
    "FuturesBalanceMessage",
    "Head",
    "QuoteMessage",
    "StateMessage",
    "TickerMessage",
    "TradeMessage",
    "UserMessage",
]

FIVE_MINUTES_MS = 300_000


class AdvancedTrade(Trade, kw_only=True, gc=False):
    """An entry of ``market_trades``.

    Attributes:
        maker_side: The side of the order that rested: ``BUY``, ``SELL``.
        time: When it was matched, as sent.
        sent: When the message was, as sent.
        is_history: Whether it was made before the subscription began.
    """

    symbol: str = field(name="product_id")
    trade_id: str  # made a number once it is read
    price: Number
    size: Number
    time: str = ""
    maker_side: str = field(name="side", default="")
    is_buyer_maker: bool | None = None
    sent: str = ""
    is_history: bool = False
    event_time = TextTime("sent")
    transact_time = TextTime("time")


class AdvancedTicker(Ticker, kw_only=True, gc=False):
    """An entry of ``ticker`` or ``ticker_batch``. The venue sends no opening price.

    ``sent``: the message's time, as sent.
    """

    symbol: str = field(name="product_id")
    last_price: Number = field(name="price")
    volume: Number = field(name="volume_24_h")
    low: Number = field(name="low_24_h")
    high: Number = field(name="high_24_h")
    low_52_w: Number | None = None
    high_52_w: Number | None = None
    price_change_percent: Number | None = field(name="price_percent_chg_24_h", default=None)
    bid_price: Number | None = field(name="best_bid", default=None)
    bid_size: Number | None = field(name="best_bid_quantity", default=None)
    ask_price: Number | None = field(name="best_ask", default=None)
    ask_size: Number | None = field(name="best_ask_quantity", default=None)
    sent: str = ""
    event_time = TextTime("sent")


class AdvancedQuote(Quote, kw_only=True, gc=False):
    """An entry of ``ticker``, read as best bid and offer. ``sent``: the message's time."""

    symbol: str = field(name="product_id")
    bid_price: Number = field(name="best_bid")
    bid_size: Number = field(name="best_bid_quantity")
    ask_price: Number = field(name="best_ask")
    ask_size: Number = field(name="best_ask_quantity")
    sent: str = ""
    event_time = TextTime("sent")


class AdvancedKline(Kline, kw_only=True, gc=False):
    """An entry of ``candles``: five minutes, always.

    Attributes:
        start: First instant, seconds since the Unix epoch.
        sent: The message's time, as sent.
    """

    INTERVAL: ClassVar[str] = "5m"

    start: int
    high: Number
    low: Number
    open: Number
    close: Number
    volume: Number
    symbol: str = field(name="product_id")
    interval: str = INTERVAL
    open_time: int = 0
    close_time: int = 0
    is_closed: bool = False
    sent: str = ""
    event_time = TextTime("sent")


class AdvancedSnapshot(BookSnapshot, kw_only=True, gc=False):
    """``snapshot`` of ``l2_data``: every level. ``sequence`` is the connection's.

    ``sent``: the message's time, as sent.
    """

    sent: str = ""
    event_time = TextTime("sent")


class AdvancedDelta(BookDelta, kw_only=True, gc=False):
    """``update`` of ``l2_data``. ``sequence`` is the connection's, over all channels.

    Attributes:
        sent: The message's time, as sent.
        time: When the last of its levels changed, as sent.
    """

    sent: str = ""
    time: str = ""
    event_time = TextTime("sent")
    transact_time = TextTime("time")


class AdvancedOrder(OrderUpdate, kw_only=True, gc=False):
    """An order of ``user``: its state, with what was filled so far and no fills of their own.

    Attributes:
        remaining_size: What is still open.
        average_price: Of what was filled.
        total_fees: So far, in the quote currency.
        fill_count: Fills so far.
        reason: Why it was refused or ended, in the venue's words.
        is_history: Whether it tells how things stood when the subscription began.
        sent: The message's time, as sent.
    """

    execution_type: str = ""
    last_filled_size: float = 0.0
    last_price: float = 0.0
    trade_id: int | str = 0
    is_maker: bool = False
    transact_time: int = 0
    remaining_size: float = 0.0
    average_price: float = 0.0
    total_fees: float = 0.0
    fill_count: int = 0
    reason: str = ""
    is_history: bool = False
    sent: str = ""
    event_time = TextTime("sent")


class AdvancedPosition(Position, kw_only=True, gc=False):
    """A futures position of ``user``.

    Attributes:
        mark_price: Of perpetuals.
        liquidation_price: Of perpetuals.
        realized_pnl: Of dated futures.
        sent: The message's time, as sent.
    """

    mark_price: float | None = None
    liquidation_price: float | None = None
    realized_pnl: float | None = None
    sent: str = ""
    event_time = TextTime("sent")


class FuturesBalance(Balance, kw_only=True, gc=False):
    """``futures_balance_summary``, in US dollars: ``total`` has the spot wallet's, ``available`` is
    margin.

    Attributes:
        buying_power: For new positions.
        unrealized_pnl: Of open positions.
        realized_pnl_today: Of this session.
        initial_margin: Held by positions.
        liquidation_threshold: Margin at which positions are closed.
        liquidation_buffer: How far that is.
        sent: The message's time, as sent.
    """

    buying_power: float = 0.0
    unrealized_pnl: float = 0.0
    realized_pnl_today: float = 0.0
    initial_margin: float = 0.0
    liquidation_threshold: float = 0.0
    liquidation_buffer: float = 0.0
    sent: str = ""
    event_time = TextTime("sent")


for _struct in (AdvancedTrade, AdvancedTicker, AdvancedQuote, AdvancedKline):
    decimal_twin(_struct)


class BookRow(Struct, gc=False):
    """A level: the side is ``bid`` or ``offer``."""

    side: str
    event_time: str
    price_level: Number
    new_quantity: Number


decimal_twin(BookRow)


class BookRows(Struct, gc=False):
    """One event of ``l2_data``."""

    type: str
    product_id: str
    updates: list[BookRow]


decimal_twin(BookRows)


class Head(Struct, gc=False):
    """What every message has."""

    channel: str
    timestamp: str = ""
    sequence_num: int = -1


class BookMessage(Head, gc=False):
    """``l2_data``."""

    events: list[BookRows] = []


class _Trades(Struct, gc=False):
    type: str
    trades: list[AdvancedTrade]


decimal_twin(_Trades)


class TradeMessage(Head, gc=False):
    """``market_trades``."""

    events: list[_Trades] = []


class _Tickers(Struct, gc=False):
    tickers: list[AdvancedTicker]


decimal_twin(_Tickers)


class TickerMessage(Head, gc=False):
    """``ticker``, ``ticker_batch``."""

    events: list[_Tickers] = []


class _Quotes(Struct, gc=False):
    tickers: list[AdvancedQuote]


decimal_twin(_Quotes)


class QuoteMessage(Head, gc=False):
    """``ticker``, read as quotes."""

    events: list[_Quotes] = []


class _Candles(Struct, gc=False):
    candles: list[AdvancedKline]


decimal_twin(_Candles)


class CandleMessage(Head, gc=False):
    """``candles``."""

    events: list[_Candles] = []


for _message in (BookMessage, TradeMessage, TickerMessage, QuoteMessage, CandleMessage):
    decimal_twin(_message)


class _State(Struct, gc=False):
    subscriptions: dict[str, list[str]] = {}


class StateMessage(Head, gc=False):
    """``subscriptions``: everything that the connection has."""

    events: list[_State] = []


class RawOrder(Struct, gc=False):
    """An order of ``user``, numbers as text: empty where there is none."""

    order_id: str
    client_order_id: str = ""
    product_id: str = ""
    order_side: str = ""
    order_type: str = ""
    status: str = ""
    time_in_force: str = ""
    limit_price: str = ""
    stop_price: str = ""
    avg_price: str = ""
    cumulative_quantity: str = ""
    leaves_quantity: str = ""
    total_fees: str = ""
    number_of_fills: str = ""
    cancel_reason: str = ""
    reject_reason: str = ""


class RawPosition(Struct, gc=False):
    """A position of ``user``, of either kind, numbers as text."""

    product_id: str
    position_side: str = ""
    side: str = ""
    net_size: str = ""
    number_of_contracts: str = ""
    entry_vwap: str = ""
    vwap: str = ""
    entry_price: str = ""
    leverage: str = ""
    mark_price: str = ""
    liquidation_price: str = ""
    unrealized_pnl: str = ""
    realized_pnl: str = ""


class _Positions(Struct, gc=False):
    perpetual_futures_positions: list[RawPosition] = []
    expiring_futures_positions: list[RawPosition] = []


class _User(Struct, gc=False):
    type: str = ""
    orders: list[RawOrder] = []
    positions: _Positions | None = None


class UserMessage(Head, gc=False):
    """``user``."""

    events: list[_User] = []


class RawSummary(Struct, gc=False):
    """``fcm_balance_summary``."""

    futures_buying_power: str = ""
    total_usd_balance: str = ""
    available_margin: str = ""
    total_open_orders_hold_amount: str = ""
    unrealized_pnl: str = ""
    daily_realized_pnl: str = ""
    initial_margin: str = ""
    liquidation_threshold: str = ""
    liquidation_buffer_amount: str = ""


class _Summary(Struct, gc=False):
    fcm_balance_summary: RawSummary


class FuturesBalanceMessage(Head, gc=False):
    """``futures_balance_summary``."""

    events: list[_Summary] = []
