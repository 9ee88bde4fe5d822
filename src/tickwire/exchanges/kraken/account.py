"""Kraken's executions put together: an update has the order's id and what changed, nothing else."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from tickwire.exchanges.kraken.structs import (
    BalanceMessage,
    Execution,
    KrakenBalance,
    KrakenFill,
    KrakenOrder,
)

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["Executions", "balances_of"]

_ORDERS_KEPT = 10_000
_FINAL = frozenset({"filled", "canceled", "expired"})
# Said of one execution: not part of what is known of the order.
_PASSING = frozenset(
    {"exec_type", "exec_id", "trade_id", "last_qty", "last_price", "liquidity_ind", "fees"}
)
_LASTING = tuple(name for name in Execution.__struct_fields__ if name not in _PASSING)
_MAKER = "m"
_TRADE = "trade"


class Executions:
    """What is known of the account's orders. Of very many open ones, the newest are kept."""

    def __init__(self, zero: float | Decimal) -> None:
        """``zero`` is a number of the kind that events have."""
        self._zero: float = zero  # type: ignore[assignment]  # annotations say float throughout
        self._orders: OrderedDict[str, Execution] = OrderedDict()

    def clear(self) -> None:
        """A subscription begins anew, with a list of what is open."""
        self._orders.clear()

    def order(self, told: Execution) -> KrakenOrder:
        """The order as it is after ``told``."""
        known = self._orders.pop(told.order_id, None)
        if known is None:
            known = Execution(told.order_id)
        for name in _LASTING:
            value = getattr(told, name)
            if value is not None:
                setattr(known, name, value)
        if known.order_status not in _FINAL:
            self._orders[told.order_id] = known
            if len(self._orders) > _ORDERS_KEPT:
                self._orders.popitem(last=False)
        zero = self._zero
        fee = told.fees[0] if told.fees else None
        return KrakenOrder(
            symbol=known.symbol or "",
            order_id=known.order_id,
            client_order_id=known.cl_ord_id or "",
            user_reference=known.order_userref,
            side=known.side or "",
            order_type=known.order_type or "",
            time_in_force=known.time_in_force or "",
            execution_type=told.exec_type or "",
            status=known.order_status or "",
            price=known.limit_price or zero,
            stop_price=zero,
            size=known.order_qty or zero,
            filled_size=known.cum_qty or zero,
            filled_cost=known.cum_cost or zero,
            average_price=known.avg_price or zero,
            last_filled_size=told.last_qty or zero,
            last_price=told.last_price or zero,
            commission=fee.qty if fee is not None else None,
            commission_asset=fee.asset if fee is not None else None,
            trade_id=told.trade_id or 0,
            is_maker=told.liquidity_ind == _MAKER,
            reason=known.reason or "",
            time=told.timestamp or "",
        )

    def fill(self, told: Execution) -> KrakenFill | None:
        """The fill that ``told`` is, if it is one. Call it before :meth:`order`."""
        if told.exec_type != _TRADE:
            return None
        known = self._orders.get(told.order_id, told)
        fee = told.fees[0] if told.fees else None
        return KrakenFill(
            symbol=told.symbol or known.symbol or "",
            fill_id=told.exec_id or "",
            order_id=told.order_id,
            side=told.side or known.side or "",
            price=told.last_price or self._zero,
            size=told.last_qty or self._zero,
            commission=fee.qty if fee is not None else None,
            commission_asset=fee.asset if fee is not None else "",
            is_maker=told.liquidity_ind == _MAKER,
            trade_id=told.trade_id or 0,
            time=told.timestamp or "",
        )


def balances_of(message: BalanceMessage, recv_ns: int) -> list[KrakenBalance]:
    """The balances in a message of either kind."""
    return [
        KrakenBalance(
            asset=entry.asset,
            total=entry.balance,
            wallet="/".join(part for part in (entry.wallet_type, entry.wallet_id) if part),
            change=entry.amount,
            fee=entry.fee,
            reason=entry.category or entry.type,
            time=entry.timestamp,
            ts_recv_ns=recv_ns,
        )
        for entry in message.data
    ]
