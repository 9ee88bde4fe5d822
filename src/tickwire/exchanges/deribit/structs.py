"""Deribit's messages as event types: one field per key, in the vendor's spelling.

Numbers are JSON numbers, times milliseconds. Sizes are US dollars for inverse perpetuals and
futures, the base coin otherwise. An option without a bid, an offer or a trade has ``null`` there,
which stays ``None``.

Sources: the vendor's channel pages (API documentation 2.1.1) and frames of 2021 to 2026.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.market import (
    Balance,
    BookDelta,
    BookSnapshot,
    Fill,
    Kline,
    OrderUpdate,
    Position,
    Quote,
    Ticker,
    Trade,
)

__all__ = [
    "BookData",
    "ChangesData",
    "DeribitBalance",
    "DeribitDelta",
    "DeribitFill",
    "DeribitKline",
    "DeribitOrder",
    "DeribitPosition",
    "DeribitQuote",
    "DeribitSnapshot",
    "DeribitTicker",
    "DeribitTrade",
    "TopData",
]


class DeribitTrade(Trade, kw_only=True, gc=False):
    """A row of ``trades``.

    Attributes:
        trade_seq: Grows by one from each trade of the instrument to the next.
        direction: The taker's side.
        tick_direction: 0 to 3: plus, zero-plus, minus, zero-minus.
        index_price, mark_price: At the moment of the trade.
        contracts: The size in contracts.
        iv: Implied volatility (options).
        liquidation: ``M``, ``T`` or ``MT``: which side was liquidated.
    """

    transact_time: int = field(name="timestamp")
    price: Number
    size: Number = field(name="amount")
    direction: str
    index_price: Number | None = None
    symbol: str = field(name="instrument_name")
    trade_seq: int
    mark_price: Number | None = None
    tick_direction: int | None = None
    contracts: Number | None = None
    trade_id: str
    iv: Number | None = None
    liquidation: str | None = None
    is_buyer_maker: bool | None = None


class _Stats(Struct, gc=False):
    high: Number | None = None
    low: Number | None = None
    volume: Number | None = None
    price_change: Number | None = None


class DeribitTicker(Ticker, kw_only=True, gc=False):
    """``ticker``. The window's open is not sent; ``price_change_percent`` is.

    Attributes:
        mark_price, index_price, open_interest, settlement_price: As named.
        state: Of the book: ``open``, ``closed``.
        current_funding, funding_8h: Of perpetuals.
        mark_iv, bid_iv, ask_iv: Of options.
        greeks: Of options: ``delta``, ``gamma``, ``vega``, ``theta``, ``rho``.
    """

    event_time: int = field(name="timestamp")
    stats: _Stats = field(default_factory=_Stats)
    state: str = ""
    symbol: str = field(name="instrument_name")
    bid_price: Number | None = field(name="best_bid_price", default=None)
    bid_size: Number | None = field(name="best_bid_amount", default=None)
    ask_price: Number | None = field(name="best_ask_price", default=None)
    ask_size: Number | None = field(name="best_ask_amount", default=None)
    last_price: Number | None = None  # type: ignore[assignment]  # nothing was traded
    mark_price: Number | None = None
    index_price: Number | None = None
    open_interest: Number | None = None
    settlement_price: Number | None = None
    current_funding: Number | None = None
    funding_8h: Number | None = None
    mark_iv: Number | None = None
    bid_iv: Number | None = None
    ask_iv: Number | None = None
    greeks: dict[str, float] | None = None
    open: Number | None = None
    high: Number | None = None  # type: ignore[assignment]  # nothing was traded
    low: Number | None = None  # type: ignore[assignment]
    volume: Number | None = None  # type: ignore[assignment]


class DeribitQuote(Quote, kw_only=True, gc=False):
    """``quote``."""

    event_time: int = field(name="timestamp")
    symbol: str = field(name="instrument_name")
    bid_price: Number | None = field(name="best_bid_price")  # type: ignore[assignment]
    bid_size: Number = field(name="best_bid_amount")
    ask_price: Number | None = field(name="best_ask_price")  # type: ignore[assignment]
    ask_size: Number = field(name="best_ask_amount")


class DeribitKline(Kline, kw_only=True, gc=False):
    """``chart.trades``. ``quote_volume`` is what the vendor calls cost, in its quote currency;
    ``is_closed`` is the codec's doing: the candle is repeated with it when its successor begins."""

    open_time: int = field(name="tick")
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    quote_volume: Number | None = field(name="cost", default=None)
    symbol: str = ""
    interval: str = ""
    close_time: int = 0
    is_closed: bool = False


class DeribitSnapshot(BookSnapshot, kw_only=True, gc=False):
    """The first message of ``book``, and every one of its grouped form. Its times are those of the
    state."""


class DeribitDelta(BookDelta, kw_only=True, gc=False):
    """The further messages of ``book``. Numbers jump; each names its predecessor's."""


class BookData(Struct, gc=False):
    """``book.<instrument>.<interval>``: rows are action, price, amount."""

    instrument_name: str
    timestamp: int
    change_id: int
    bid_rows: list[tuple[str, Number, Number]] = field(name="bids")
    ask_rows: list[tuple[str, Number, Number]] = field(name="asks")
    prev_change_id: int | None = None
    type: str = ""


class TopData(Struct, gc=False):
    """``book.<instrument>.<group>.<depth>.<interval>``: rows are price, amount."""

    instrument_name: str
    timestamp: int
    change_id: int
    bids: list[tuple[Number, Number]]
    asks: list[tuple[Number, Number]]


class DeribitOrder(OrderUpdate, kw_only=True, gc=False):
    """``user.orders``. The price of a market order is a word; it is 0 here.

    Attributes:
        price_sent: As sent.
        average_price: Of the fills.
        label: ``client_order_id``, as the vendor calls it.
        reduce_only, post_only: As named.
        created_time: As sent.
    """

    order_id: str
    client_order_id: str = field(name="label", default="")
    symbol: str = field(name="instrument_name")
    side: str = field(name="direction")
    order_type: str
    time_in_force: str = ""
    execution_type: str = ""
    status: str = field(name="order_state")
    price_sent: Any = field(name="price", default=0.0)
    price: Number = field(name="priceNumber", default=0.0)
    average_price: Number | None = None
    stop_price: Number = field(name="trigger_price", default=0.0)
    size: Number = field(name="amount", default=0.0)
    filled_size: Number = field(name="filled_amount", default=0.0)
    last_filled_size: Number = 0.0
    last_price: Number = 0.0
    trade_id: str = ""
    is_maker: bool = False
    reduce_only: bool = False
    post_only: bool = False
    created_time: int = field(name="creation_timestamp", default=0)
    transact_time: int = field(name="last_update_timestamp", default=0)


class DeribitFill(Fill, kw_only=True, gc=False):
    """``user.trades``.

    Attributes:
        trade_seq: The instrument's number of the trade.
        liquidity: ``M`` maker, ``T`` taker.
        profit_loss: In the settlement currency.
    """

    fill_id: str = field(name="trade_id")
    order_id: str
    symbol: str = field(name="instrument_name")
    side: str = field(name="direction")
    price: Number
    size: Number = field(name="amount")
    commission: Number | None = field(name="fee", default=None)
    commission_asset: str = field(name="fee_currency", default="")
    liquidity: str = ""
    is_maker: bool = False
    trade_seq: int = 0
    profit_loss: Number | None = None
    transact_time: int = field(name="timestamp", default=0)


class DeribitPosition(Position, kw_only=True, gc=False):
    """A position in ``user.changes``; a short one has a negative size, as the vendor sends it.

    Attributes:
        mark_price, index_price: As named.
        realized_pnl: Of this session.
    """

    symbol: str = field(name="instrument_name")
    side: str = field(name="direction")
    size: Number
    entry_price: Number | None = field(name="average_price", default=None)
    unrealized_pnl: Number | None = field(name="floating_profit_loss", default=None)
    realized_pnl: Number | None = field(name="realized_profit_loss", default=None)
    leverage: Number | None = None
    mark_price: Number | None = None
    index_price: Number | None = None


class DeribitBalance(Balance, kw_only=True, gc=False):
    """``user.portfolio``.

    Attributes:
        equity: Balance and open profits.
        initial_margin, maintenance_margin: As named.
    """

    asset: str = field(name="currency")
    total: Number = field(name="balance")
    available: Number | None = field(name="available_funds", default=None)
    equity: Number | None = None
    initial_margin: Number | None = None
    maintenance_margin: Number | None = None


class ChangesData(Struct, gc=False):
    """``user.changes``."""

    instrument_name: str = ""
    orders: list[DeribitOrder] = []
    trades: list[DeribitFill] = []
    positions: list[DeribitPosition] = []


for _struct in (
    *(_Stats, DeribitTrade, DeribitTicker, DeribitQuote, DeribitKline),
    *(DeribitSnapshot, DeribitDelta, BookData),
    *(DeribitOrder, DeribitFill, DeribitPosition, DeribitBalance, TopData, ChangesData),
):
    decimal_twin(_struct)
