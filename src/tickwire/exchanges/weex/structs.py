"""WEEX V3's messages as event types: one field per key, in the vendor's spelling.

The outer object has the venue's time (``E``) and the symbol (``s``); where it holds rows (``d``),
each row is an event and the codec writes both into it. Numbers come as JSON strings, and on private
channels times do too.

Private events have an ``account_version``, which every change of the account raises, and their
``row_number`` in the message.

Sources: the vendor's V3 channel pages (contract and spot) as of September 2026; the depth rules and
the types of ``E`` as recordings show them.
"""

from __future__ import annotations

from msgspec import Struct, field

from tickwire.exchanges.numbers import Levels, Number, decimal_twin
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
    "ContractAccounts",
    "Fills",
    "Klines",
    "Orders",
    "Positions",
    "SpotAccounts",
    "Tickers",
    "Trades",
    "WeexBalance",
    "WeexContractBalance",
    "WeexDelta",
    "WeexFill",
    "WeexKline",
    "WeexOrder",
    "WeexPosition",
    "WeexQuote",
    "WeexSnapshot",
    "WeexTicker",
    "WeexTrade",
]


class WeexTrade(Trade, kw_only=True, gc=False):
    """A row of ``trade``. Ids are UUIDs: they tell trades apart and order nothing.

    Attributes:
        quote_size: Price times size.
        is_history: It came with ``tradeSnapshot``: it happened before the subscription.
        row_number: Its place in the message, from 0; of history, from the end, -1 the last.
    """

    symbol: str = ""
    transact_time: int = field(name="T")
    trade_id: str = field(name="t")
    price: Number = field(name="p")
    size: Number = field(name="q")
    quote_size: Number | None = field(name="v", default=None)
    is_buyer_maker: bool = field(name="m")
    is_history: bool = False
    row_number: int = 0


class WeexTicker(Ticker, kw_only=True, gc=False):
    """A row of ``ticker``.

    Attributes:
        change_fraction: As sent: 0.01 is +1 %. ``price_change_percent`` is made of it.
        mark_price, index_price: Of contracts.
    """

    symbol: str = ""
    price_change: Number | None = field(name="p", default=None)
    change_fraction: Number = field(name="P")
    vwap: Number | None = field(name="w", default=None)
    last_price: Number = field(name="c")
    open: Number = field(name="o")
    high: Number = field(name="h")
    low: Number = field(name="l")
    volume: Number = field(name="v")
    quote_volume: Number | None = field(name="q", default=None)
    open_time: int = field(name="O", default=0)
    close_time: int = field(name="C", default=0)
    trade_count: int | None = field(name="n", default=None)
    mark_price: Number | None = field(name="m", default=None)
    index_price: Number | None = field(name="i", default=None)


class WeexKline(Kline, kw_only=True, gc=False):
    """A row of ``kline``. The venue sends the first instant after the candle; ``close_time`` is a
    millisecond less, and ``is_closed`` the codec's doing: the candle is repeated with it when its
    successor begins.

    Attributes:
        price_type: ``LAST_PRICE`` or ``MARK_PRICE``.
    """

    open_time: int = field(name="t")
    close_time: int = field(name="T")
    symbol: str = field(name="s", default="")
    interval: str = field(name="i")
    open: Number = field(name="o")
    close: Number = field(name="c")
    high: Number = field(name="h")
    low: Number = field(name="l")
    volume: Number = field(name="v")
    trade_count: int | None = field(name="n", default=None)
    quote_volume: Number | None = field(name="q", default=None)
    taker_buy_volume: Number | None = field(name="V", default=None)
    taker_buy_quote_volume: Number | None = field(name="Q", default=None)
    price_type: str = ""
    is_closed: bool = False


class WeexQuote(Quote, kw_only=True, gc=False):
    """``bookTicker`` (spot). Its numbers are not those of the depth channels."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    sequence: int = field(name="u")
    bid_price: Number = field(name="b")
    bid_size: Number = field(name="B")
    ask_price: Number = field(name="a")
    ask_size: Number = field(name="A")


class WeexDelta(BookDelta, kw_only=True, gc=False):
    """``depth``. Its start is the end of the one before: ``prev_sequence``.

    Attributes:
        level: 15 or 200.
    """

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    prev_sequence: int = field(name="U")
    sequence: int = field(name="u")
    first_sequence: int = 0
    level: int = field(name="l")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")


class WeexSnapshot(BookSnapshot, kw_only=True, gc=False):
    """``depthSnapshot``. An instrument that is not traded has one with 0 as its number.

    Attributes:
        level: 15 or 200.
    """

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    sequence: int = field(name="u")
    level: int = field(name="l")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")


class WeexBalance(Balance, kw_only=True, gc=False):
    """A row of ``account`` on spot."""

    asset: str = field(name="coin")
    total: Number = field(name="equity")
    available: Number | None = None
    frozen: Number | None = None
    account_version: int = 0
    row_number: int = 0


class WeexContractBalance(Balance, kw_only=True, gc=False):
    """A row of ``account`` on contracts: the collateral. What orders hold back is not sent.

    Attributes:
        margin_mode: ``CROSSED`` or ``ISOLATED``.
        pending_deposit, pending_withdraw: On their way.
        is_liquidating: Whether the venue is closing the account's positions.
    """

    asset: str = field(name="coin")
    total: Number = field(name="amount")
    margin_mode: str = field(name="marginMode", default="")
    pending_deposit: Number | None = field(name="pendingDepositAmount", default=None)
    pending_withdraw: Number | None = field(name="pendingWithdrawAmount", default=None)
    is_liquidating: bool = field(name="liquidating", default=False)
    account_version: int = 0
    row_number: int = 0


class WeexOrder(OrderUpdate, kw_only=True, gc=False):
    """A row of ``orders``. A partial fill shows in ``filled_size`` and not in ``status``.

    Attributes:
        position_side: ``LONG``, ``SHORT``; empty on spot.
        margin_mode: ``CROSSED`` or ``ISOLATED``; empty on spot.
        filled_value: Price times size of all fills; the average price is it by ``filled_size``.
        cancel_reason: In the venue's words.
        created_time: As sent.
    """

    order_id: str = field(name="id")
    symbol: str = field(name="symbol", default="")
    position_side: str = field(name="positionSide", default="")
    margin_mode: str = field(name="marginMode", default="")
    side: str = field(name="orderSide")
    price: Number
    size: Number
    client_order_id: str = field(name="clientOrderId", default="")
    order_type: str = field(name="type")
    time_in_force: str = field(name="timeInForce", default="")
    execution_type: str = ""
    is_reduce_only: bool = field(name="reduceOnly", default=False)
    stop_price: Number = field(name="triggerPrice", default=0.0)
    status: str
    cancel_reason: str = field(name="cancelReason", default="")
    last_filled_size: Number = 0.0
    last_price: Number = field(name="latestFillPrice", default=0.0)
    filled_size: Number = field(name="cumFillSize", default=0.0)
    filled_value: Number = field(name="cumFillValue", default=0.0)
    total_commission: Number = field(name="cumFillFee", default=0.0)
    trade_id: str = ""
    is_maker: bool = False
    created_time: int = field(name="createdTime", default=0)
    transact_time: int = field(name="updatedTime", default=0)
    account_version: int = 0
    row_number: int = 0


class WeexFill(Fill, kw_only=True, gc=False):
    """A row of ``fill``. The price is not sent: it is made of value and size.

    Attributes:
        position_side: ``LONG``, ``SHORT``; empty on spot.
        value: Price times size.
        realized_pnl: Of contracts.
        direction: ``MAKER`` or ``TAKER``.
    """

    fill_id: str = field(name="id")
    commission_asset: str = field(name="coin", default="")
    symbol: str = field(name="symbol", default="")
    order_id: str = field(name="orderId")
    position_side: str = field(name="positionSide", default="")
    side: str = field(name="orderSide")
    size: Number = field(name="fillSize")
    value: Number = field(name="fillValue")
    price: Number = 0.0
    commission: Number | None = field(name="fillFee", default=None)
    realized_pnl: Number | None = field(name="realizePnl", default=None)
    direction: str = ""
    is_maker: bool = False
    transact_time: int = field(name="createdTime", default=0)
    account_version: int = 0
    row_number: int = 0


class WeexPosition(Position, kw_only=True, gc=False):
    """A row of ``positions``. The venue sends no unrealised profit, and no price of entry: that is
    made of ``open_value`` and ``size``.

    Attributes:
        position_id: The venue's number.
        open_value: Price times size at opening; ``None`` where it was not sent.
        margin_mode: ``CROSSED`` or ``ISOLATED``.
        funding_fee: Paid so far.
        transact_time: As sent.
    """

    position_id: str = field(name="id", default="")
    symbol: str = field(name="symbol", default="")
    margin_mode: str = field(name="marginMode", default="")
    leverage: Number | None = None
    open_value: Number | None = field(name="openValue", default=None)
    funding_fee: Number | None = field(name="fundingFee", default=None)
    size: Number
    entry_price: Number | None = None
    unrealized_pnl: Number | None = None
    transact_time: int = field(name="updatedTime", default=0)
    account_version: int = 0
    row_number: int = 0


class _Push(Struct, gc=False):
    """The outer object."""

    event_time: int = field(name="E")


class _PrivatePush(_Push, gc=False, kw_only=True):
    """That of private channels: with the account's version, which every change of it raises."""

    version: int = field(name="v", default=0)


class _PublicPush(_Push, gc=False):
    symbol: str = field(name="s")


class Trades(_PublicPush, gc=False):
    """``trade`` and ``tradeSnapshot``."""

    rows: list[WeexTrade] = field(name="d")


class Tickers(_PublicPush, gc=False):
    """``ticker``."""

    rows: list[WeexTicker] = field(name="d")


class Klines(_PublicPush, gc=False, kw_only=True):
    """``kline`` and ``klineSnapshot``."""

    price_type: str = field(name="p", default="")
    rows: list[WeexKline] = field(name="d")


class ContractAccounts(_PrivatePush, gc=False, kw_only=True):
    """``account`` on contracts."""

    rows: list[WeexContractBalance] = field(name="d")


class SpotAccounts(_PrivatePush, gc=False, kw_only=True):
    """``account`` on spot."""

    rows: list[WeexBalance] = field(name="d")


class Orders(_PrivatePush, gc=False, kw_only=True):
    """``orders``."""

    rows: list[WeexOrder] = field(name="d")


class Fills(_PrivatePush, gc=False, kw_only=True):
    """``fill``."""

    rows: list[WeexFill] = field(name="d")


class Positions(_PrivatePush, gc=False, kw_only=True):
    """``positions``."""

    rows: list[WeexPosition] = field(name="d")


for _struct in (
    *(WeexTrade, WeexTicker, WeexKline, WeexQuote, WeexDelta, WeexSnapshot),
    *(WeexBalance, WeexContractBalance, WeexOrder, WeexFill, WeexPosition),
    # These hold the ones above, so their twins come after them.
    *(Trades, Tickers, Klines, ContractAccounts, SpotAccounts, Orders, Fills, Positions),
):
    decimal_twin(_struct)
