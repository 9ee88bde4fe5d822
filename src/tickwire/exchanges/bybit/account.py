"""Bybit's private messages as event types.

Nearly every number may be an empty string here; the codec leaves such keys out before it reads the
message. None of these topics begins with a snapshot: load it over REST first. Source: Bybit v5
documentation, "WebSocket Stream: Private" (July 2026).
"""

from __future__ import annotations

from msgspec import field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.market import AccountEvent, Balance, Fill, OrderUpdate, Position

__all__ = ["BybitBalance", "BybitFill", "BybitOrderUpdate", "BybitPosition", "BybitWallet"]


class BybitOrderUpdate(OrderUpdate, kw_only=True, gc=False):
    """``order``. A fill that races a cancellation comes as two ``Filled`` messages.

    Attributes:
        status: ``New``, ``PartiallyFilled``, ``Filled``, ``Cancelled``…; on derivatives a
            ``Cancelled`` order may have fills.
        execution_type: Why it changed: the venue's ``createType``.
        fees: So far, by coin.
    """

    category: str = ""
    symbol: str
    order_id: str = field(name="orderId")
    client_order_id: str = field(name="orderLinkId", default="")
    side: str
    order_type: str = field(name="orderType", default="")
    time_in_force: str = field(name="timeInForce", default="")
    execution_type: str = field(name="createType", default="")
    status: str = field(name="orderStatus")
    price: Number = 0
    stop_price: Number = field(name="triggerPrice", default=0)
    size: Number = field(name="qty", default=0)
    filled_size: Number = field(name="cumExecQty", default=0)
    filled_value: Number | None = field(name="cumExecValue", default=None)
    remaining_size: Number | None = field(name="leavesQty", default=None)
    average_price: Number | None = field(name="avgPrice", default=None)
    last_filled_size: Number = 0
    last_price: Number = 0
    trade_id: str = ""
    is_maker: bool = False
    position_index: int = field(name="positionIdx", default=0)
    cancel_type: str = field(name="cancelType", default="")
    reject_reason: str = field(name="rejectReason", default="")
    reduce_only: bool = field(name="reduceOnly", default=False)
    fees: dict[str, Number] = field(name="cumFeeDetail", default_factory=dict)
    created_time: int = field(name="createdTime", default=0)
    transact_time: int = field(name="updatedTime", default=0)


class BybitPosition(Position, kw_only=True, gc=False):
    """``position``: sent at every change of an order too.

    Attributes:
        side: ``Buy``, ``Sell``, or empty where there is none.
        index: 0 one-way, 1 the buy side of a hedge, 2 its sell side.
        sequence: Joins ``execution``; -1 before the first trade.
    """

    category: str = ""
    symbol: str
    side: str = ""
    size: Number = 0
    index: int = field(name="positionIdx", default=0)
    entry_price: Number | None = field(name="entryPrice", default=None)
    mark_price: Number | None = field(name="markPrice", default=None)
    liquidation_price: Number | None = field(name="liqPrice", default=None)
    break_even_price: Number | None = field(name="breakEvenPrice", default=None)
    leverage: Number | None = None
    value: Number | None = field(name="positionValue", default=None)
    unrealized_pnl: Number | None = field(name="unrealisedPnl", default=None)
    realized_pnl: Number | None = field(name="curRealisedPnl", default=None)
    total_realized_pnl: Number | None = field(name="cumRealisedPnl", default=None)
    initial_margin: Number | None = field(name="positionIM", default=None)
    maintenance_margin: Number | None = field(name="positionMM", default=None)
    status: str = field(name="positionStatus", default="")
    sequence: int = field(name="seq", default=-1)
    created_time: int = field(name="createdTime", default=0)
    updated_time: int = field(name="updatedTime", default=0)


class BybitBalance(Balance, kw_only=True, gc=False):
    """A coin of ``wallet``; ``total`` is its wallet balance."""

    asset: str = field(name="coin")
    total: Number = field(name="walletBalance", default=0)
    frozen: Number | None = field(name="locked", default=None)
    equity: Number | None = None
    equity_usd: Number | None = field(name="usdValue", default=None)
    borrowed: Number | None = field(name="borrowAmount", default=None)
    unrealized_pnl: Number | None = field(name="unrealisedPnl", default=None)


class BybitWallet(AccountEvent, kw_only=True, gc=False):
    """The totals of ``wallet``, in USD; a :class:`BybitBalance` for each coin follows."""

    account_type: str = field(name="accountType", default="")
    total_equity: Number | None = field(name="totalEquity", default=None)
    total_balance: Number | None = field(name="totalWalletBalance", default=None)
    total_margin: Number | None = field(name="totalMarginBalance", default=None)
    total_available: Number | None = field(name="totalAvailableBalance", default=None)
    unrealized_pnl: Number | None = field(name="totalPerpUPL", default=None)
    initial_margin: Number | None = field(name="totalInitialMargin", default=None)
    maintenance_margin: Number | None = field(name="totalMaintenanceMargin", default=None)
    coins: list[BybitBalance] = field(name="coin", default_factory=list)


class BybitFill(Fill, kw_only=True, gc=False):
    """``execution`` and ``execution.fast``, which has no fees.

    Attributes:
        execution_type: ``Trade``, ``Funding``…
        sequence: Joins ``position``.
    """

    category: str = ""
    symbol: str
    fill_id: str = field(name="execId")
    order_id: str = field(name="orderId")
    client_order_id: str = field(name="orderLinkId", default="")
    side: str
    price: Number = field(name="execPrice")
    size: Number = field(name="execQty")
    value: Number | None = field(name="execValue", default=None)
    execution_type: str = field(name="execType", default="Trade")
    commission: Number | None = field(name="execFee", default=None)
    commission_asset: str = field(name="feeCurrency", default="")
    fee_rate: Number | None = field(name="feeRate", default=None)
    is_maker: bool = field(name="isMaker", default=False)
    transact_time: int = field(name="execTime", default=0)
    sequence: int = field(name="seq", default=0)


BybitOrderUpdateDecimal = decimal_twin(BybitOrderUpdate)
BybitPositionDecimal = decimal_twin(BybitPosition)
BybitBalanceDecimal = decimal_twin(BybitBalance)
BybitWalletDecimal = decimal_twin(BybitWallet)
BybitFillDecimal = decimal_twin(BybitFill)
