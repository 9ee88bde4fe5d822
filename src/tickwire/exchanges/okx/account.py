"""OKX's private messages as event types.

Nearly every number may be an empty string here; the codec leaves such keys out before it reads the
message, so that the defaults hold. Source: OKX API guide v5, "Trading Account: WebSocket", "Trade:
WebSocket" (August 2026).
"""

from __future__ import annotations

from msgspec import Struct, field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.market import AccountEvent, Balance, Fill, OrderUpdate, Position

__all__ = [
    "OkxAccount",
    "OkxAccountItem",
    "OkxBalance",
    "OkxBalanceAndPosition",
    "OkxFill",
    "OkxOrderUpdate",
    "OkxPosition",
]


class OkxBalance(Balance, kw_only=True, gc=False):
    """A currency of ``account`` (``total`` is its equity) or ``balance_and_position`` (its cash).

    Attributes:
        cash: In the currency.
        equity_usd: In USD.
        liability: In the currency, positive.
        unrealised_pnl: In the currency.
    """

    asset: str = field(name="ccy")
    total: Number = field(name="eq", default=0)
    available: Number | None = field(name="availBal", default=None)
    frozen: Number | None = field(name="frozenBal", default=None)
    cash: Number | None = field(name="cashBal", default=None)
    equity_usd: Number | None = field(name="eqUsd", default=None)
    liability: Number | None = field(name="liab", default=None)
    unrealised_pnl: Number | None = field(name="upl", default=None)
    event_time: int = field(name="uTime", default=0)


class OkxAccount(AccountEvent, kw_only=True, gc=False):
    """The totals of ``account``, in USD; a :class:`OkxBalance` for each currency follows.

    Attributes:
        event_type: ``snapshot`` (regular) or ``event_update`` (only what changed).
        is_last_page: Whether a snapshot is complete with this one.
    """

    total_equity: Number | None = field(name="totalEq", default=None)
    adjusted_equity: Number | None = field(name="adjEq", default=None)
    available_equity: Number | None = field(name="availEq", default=None)
    order_frozen: Number | None = field(name="ordFroz", default=None)
    initial_margin: Number | None = field(name="imr", default=None)
    maintenance_margin: Number | None = field(name="mmr", default=None)
    notional: Number | None = field(name="notionalUsd", default=None)
    unrealised_pnl: Number | None = field(name="upl", default=None)
    event_time: int = field(name="uTime", default=0)
    event_type: str = ""
    is_last_page: bool = True


class OkxAccountItem(Struct):
    """What of an ``account`` item stands beside the totals."""

    details: list[OkxBalance] = []


class OkxPosition(Position, kw_only=True, gc=False):
    """``positions``, and the positions of ``balance_and_position``.

    Attributes:
        side: ``long``, ``short`` or ``net``; in ``net`` the sign of ``size`` is the direction.
        size: In contracts.
        margin_mode: ``cross`` or ``isolated``.
        available: What can be closed.
    """

    position_id: str = field(name="posId", default="")
    symbol: str = field(name="instId")
    instrument_type: str = field(name="instType", default="")
    margin_mode: str = field(name="mgnMode", default="")
    side: str = field(name="posSide", default="net")
    size: Number = field(name="pos", default=0)
    available: Number | None = field(name="availPos", default=None)
    entry_price: Number | None = field(name="avgPx", default=None)
    mark_price: Number | None = field(name="markPx", default=None)
    liquidation_price: Number | None = field(name="liqPx", default=None)
    break_even_price: Number | None = field(name="bePx", default=None)
    unrealized_pnl: Number | None = field(name="upl", default=None)
    realized_pnl: Number | None = field(name="realizedPnl", default=None)
    leverage: Number | None = field(name="lever", default=None)
    initial_margin: Number | None = field(name="imr", default=None)
    maintenance_margin: Number | None = field(name="mmr", default=None)
    margin_ratio: Number | None = field(name="mgnRatio", default=None)
    notional: Number | None = field(name="notionalUsd", default=None)
    adl: str = ""
    currency: str = field(name="ccy", default="")
    trade_id: str = field(name="tradeId", default="")
    created_time: int = field(name="cTime", default=0)
    updated_time: int = field(name="uTime", default=0)
    event_time: int = field(name="pTime", default=0)


class OkxBalanceAndPosition(Struct):
    """``balance_and_position``; the codec makes events of its parts.

    Attributes:
        event_type: What caused it: ``snapshot``, ``filled``, ``transferred``…
    """

    pushed: int = field(name="pTime", default=0)
    event_type: str = field(name="eventType", default="")
    balances: list[OkxBalance] = field(name="balData", default_factory=list)
    positions: list[OkxPosition] = field(name="posData", default_factory=list)


class OkxOrderUpdate(OrderUpdate, kw_only=True, gc=False):
    """``orders``. No snapshot comes first: load open orders over REST, then apply.

    Attributes:
        execution_type: ``T`` (taker) or ``M`` (maker) for a fill, else empty.
        status: ``live``, ``partially_filled``, ``filled``, ``canceled``, ``mmp_canceled``.
        commission: Of this fill as the venue counts: negative is paid.
        total_fee: Of the order so far, likewise.
        trade_id: Of this fill, else empty.
        request_id: Of an amendment, where the program gave one.
    """

    instrument_type: str = field(name="instType", default="")
    symbol: str = field(name="instId")
    order_id: str = field(name="ordId")
    client_order_id: str = field(name="clOrdId", default="")
    tag: str = ""
    side: str
    position_side: str = field(name="posSide", default="")
    trade_mode: str = field(name="tdMode", default="")
    order_type: str = field(name="ordType", default="")
    time_in_force: str = ""  # part of the order's type here
    price: Number = field(name="px", default=0)
    stop_price: Number = 0
    size: Number = field(name="sz", default=0)
    status: str = field(name="state")
    filled_size: Number = field(name="accFillSz", default=0)
    average_price: Number | None = field(name="avgPx", default=None)
    last_price: Number = field(name="fillPx", default=0)
    last_filled_size: Number = field(name="fillSz", default=0)
    fill_time: int = field(name="fillTime", default=0)
    trade_id: str = field(name="tradeId", default="")
    execution_type: str = field(name="execType", default="")
    is_maker: bool = False  # from `execType`, by the codec
    commission: Number | None = field(name="fillFee", default=None)
    commission_asset: str | None = field(name="fillFeeCcy", default=None)
    fill_pnl: Number | None = field(name="fillPnl", default=None)
    total_fee: Number | None = field(name="fee", default=None)
    total_fee_asset: str = field(name="feeCcy", default="")
    code: str = ""
    message: str = field(name="msg", default="")
    cancel_source: str = field(name="cancelSource", default="")
    amend_result: str = field(name="amendResult", default="")
    request_id: str = field(name="reqId", default="")
    created_time: int = field(name="cTime", default=0)
    transact_time: int = field(name="uTime", default=0)


class OkxFill(Fill, kw_only=True, gc=False):
    """``fills``, which needs a fee tier of VIP4.

    Attributes:
        count: Fills inside.
        execution_type: ``T`` (taker) or ``M`` (maker).
    """

    symbol: str = field(name="instId")
    fill_id: str = field(name="tradeId")
    order_id: str = field(name="ordId")
    client_order_id: str = field(name="clOrdId", default="")
    side: str
    price: Number = field(name="fillPx")
    size: Number = field(name="fillSz")
    execution_type: str = field(name="execType", default="")
    is_maker: bool = False  # from `execType`, by the codec
    count: int = 1
    transact_time: int = field(name="ts", default=0)


OkxBalanceDecimal = decimal_twin(OkxBalance)
OkxAccountDecimal = decimal_twin(OkxAccount)
OkxAccountItemDecimal = decimal_twin(OkxAccountItem)
OkxPositionDecimal = decimal_twin(OkxPosition)
OkxBalanceAndPositionDecimal = decimal_twin(OkxBalanceAndPosition)
OkxOrderUpdateDecimal = decimal_twin(OkxOrderUpdate)
OkxFillDecimal = decimal_twin(OkxFill)
