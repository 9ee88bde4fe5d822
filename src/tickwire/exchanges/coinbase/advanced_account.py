"""What Advanced Trade tells of one's own account, as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.exchanges.coinbase.advanced_structs import (
    AdvancedOrder,
    AdvancedPosition,
    FuturesBalance,
    FuturesBalanceMessage,
    UserMessage,
)
from tickwire.exchanges.finite import number_reader

if TYPE_CHECKING:
    from tickwire.exchanges.coinbase.advanced_structs import RawOrder, RawPosition, RawSummary

__all__ = ["AccountReader"]

_SNAPSHOT = "snapshot"
_NO_REASONS = frozenset({"", "UNKNOWN_CANCEL_REASON", "REJECT_REASON_UNSPECIFIED"})


class AccountReader:
    """Makes events of numbers that came as text, empty where there is none."""

    def __init__(self, *, is_decimal: bool) -> None:
        self._read = number_reader(is_decimal=is_decimal)

    def _maybe(self, text: str) -> Any:
        return self._read(text) if text else None

    def orders(self, message: UserMessage) -> list[AdvancedOrder]:
        """Its orders.

        Raises:
            msgspec.ValidationError: A number is none.
        """
        return [
            self._order(order, message.timestamp, is_history=event.type == _SNAPSHOT)
            for event in message.events
            for order in event.orders
        ]

    def positions(self, message: UserMessage) -> list[AdvancedPosition]:
        """Its positions.

        Raises:
            msgspec.ValidationError: A number is none.
        """
        return [
            self._position(position, message.timestamp)
            for event in message.events
            if event.positions is not None
            for position in (
                *event.positions.perpetual_futures_positions,
                *event.positions.expiring_futures_positions,
            )
        ]

    def balances(self, message: FuturesBalanceMessage) -> list[FuturesBalance]:
        """Its balances.

        Raises:
            msgspec.ValidationError: A number is none.
        """
        return [
            self._balance(event.fcm_balance_summary, message.timestamp) for event in message.events
        ]

    def _order(self, order: RawOrder, sent: str, *, is_history: bool) -> AdvancedOrder:
        filled = self._read(order.cumulative_quantity)
        remaining = self._read(order.leaves_quantity)
        reasons = (order.reject_reason, order.cancel_reason)
        return AdvancedOrder(
            symbol=order.product_id,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            side=order.order_side,
            order_type=order.order_type.upper(),  # the venue's samples do not agree
            time_in_force=order.time_in_force,
            status=order.status,
            price=self._read(order.limit_price),
            stop_price=self._read(order.stop_price),
            size=filled + remaining,
            filled_size=filled,
            remaining_size=remaining,
            last_filled_size=self._read(""),  # not sent
            last_price=self._read(""),
            average_price=self._read(order.avg_price),
            total_fees=self._read(order.total_fees),
            fill_count=int(self._read(order.number_of_fills)),
            reason=next((reason for reason in reasons if reason not in _NO_REASONS), ""),
            is_history=is_history,
            sent=sent,
        )

    def _position(self, position: RawPosition, sent: str) -> AdvancedPosition:
        return AdvancedPosition(
            symbol=position.product_id,
            side=position.position_side or position.side,
            size=self._read(position.net_size or position.number_of_contracts),
            entry_price=self._maybe(position.entry_vwap or position.vwap or position.entry_price),
            unrealized_pnl=self._maybe(position.unrealized_pnl),
            leverage=self._maybe(position.leverage),
            mark_price=self._maybe(position.mark_price),
            liquidation_price=self._maybe(position.liquidation_price),
            realized_pnl=self._maybe(position.realized_pnl),
            sent=sent,
        )

    def _balance(self, summary: RawSummary, sent: str) -> FuturesBalance:
        read = self._read
        return FuturesBalance(
            asset="USD",
            total=read(summary.total_usd_balance),
            available=read(summary.available_margin),
            frozen=read(summary.total_open_orders_hold_amount),
            buying_power=read(summary.futures_buying_power),
            unrealized_pnl=read(summary.unrealized_pnl),
            realized_pnl_today=read(summary.daily_realized_pnl),
            initial_margin=read(summary.initial_margin),
            liquidation_threshold=read(summary.liquidation_threshold),
            liquidation_buffer=read(summary.liquidation_buffer_amount),
            sent=sent,
        )
