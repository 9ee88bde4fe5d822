"""What happens to one's own account: orders, balances, positions.

The rules of :mod:`tickwire.market.events` hold here too, with one difference: a venue's words
(statuses, types, reasons) are open sets, kept as sent. A word that is new is never an error.
"""

from __future__ import annotations

from typing import ClassVar

from tickwire.market.events import Event, epoch_ns

__all__ = ["AccountEvent", "Balance", "BalanceChange", "Fill", "OrderUpdate", "Position"]


class AccountEvent(Event, kw_only=True, gc=False):
    """Anything that concerns the account. ``symbol`` is empty where it is not about one.

    Attributes:
        subscription_id: The venue's number of the subscription that it came by, or ``None``.
    """

    kind: ClassVar[str] = "account"

    symbol: str = ""
    subscription_id: int | None = None


class OrderUpdate(AccountEvent, kw_only=True, gc=False):
    """The state of an order changed.

    Attributes:
        order_id: The venue's number.
        client_order_id: The name under which the change was asked for. On a spot cancellation
            that is the cancellation's own name; see ``original_client_order_id``.
        side: ``BUY`` or ``SELL``.
        order_type: In the venue's words.
        time_in_force: In the venue's words.
        execution_type: What happened, in the venue's words (``NEW``, ``TRADE``, ``CANCELED``).
        status: What the order is now, in the venue's words.
        price: Limit price, 0 for orders that have none.
        stop_price: Of conditional orders, else 0.
        size: Ordered.
        filled_size: Filled so far.
        last_filled_size: Filled by this event, else 0.
        last_price: Price of this fill, else 0.
        commission: Paid for this fill, in ``commission_asset``.
        trade_id: Of this fill; the venue's word for none (-1 on spot, 0 on futures) otherwise.
        is_maker: Whether this fill's order rested in the book.
        transact_time: As sent.
    """

    kind: ClassVar[str] = "order_update"

    order_id: int | str
    client_order_id: str
    side: str
    order_type: str
    time_in_force: str
    execution_type: str
    status: str
    price: float
    stop_price: float
    size: float
    filled_size: float
    last_filled_size: float
    last_price: float
    commission: float | None = None
    commission_asset: str | None = None
    trade_id: int | str
    is_maker: bool
    transact_time: int = 0

    @property
    def ts_transact_ns(self) -> int:
        """When it happened, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)


class BalanceChange(AccountEvent, kw_only=True, gc=False):
    """Money came or went other than by trading: a deposit, a withdrawal, a transfer, a lock.

    Attributes:
        asset: Which.
        change: How much, negative for what went.
        transact_time: When it took effect, as sent.
    """

    kind: ClassVar[str] = "balance_change"

    asset: str
    change: float
    transact_time: int

    @property
    def ts_transact_ns(self) -> int:
        """When it took effect, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)


class Balance(AccountEvent, kw_only=True, gc=False):
    """How much of an asset the account has now.

    Attributes:
        asset: Which.
        total: All of it.
        available: What orders and withdrawals may use; ``None`` where the venue does not say.
        frozen: What orders hold back; ``None`` where the venue does not say.
    """

    kind: ClassVar[str] = "balance"

    asset: str
    total: float
    available: float | None = None
    frozen: float | None = None


class Position(AccountEvent, kw_only=True, gc=False):
    """An open position, or one that was closed (``size`` is 0).

    Attributes:
        side: In the venue's words (``LONG``, ``SHORT``).
        size: Contracts or base currency, as the venue counts.
        entry_price: Average price at which it was opened; ``None`` without a position, or where the
            venue does not say.
        unrealized_pnl: By the venue's reckoning; ``None`` where it does not say.
        leverage: ``None`` where the venue does not say.
        transact_time: When it changed, as sent; 0 where the venue does not say.
    """

    kind: ClassVar[str] = "position"

    side: str
    size: float
    entry_price: float | None = None
    unrealized_pnl: float | None = None
    leverage: float | None = None
    transact_time: int = 0

    @property
    def ts_transact_ns(self) -> int:
        """When it changed, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.transact_time)


class Fill(AccountEvent, kw_only=True, gc=False):
    """A trade of one's own.

    Attributes:
        fill_id: The venue's number.
        order_id: Of the order that was filled.
        side: ``BUY`` or ``SELL``, in the venue's spelling.
        price: Of this fill.
        size: Of this fill.
        commission: Paid for it; negative is a rebate.
        commission_asset: In what; empty where the venue does not say.
        is_maker: Whether the order rested in the book.
        transact_time: As sent.
    """

    kind: ClassVar[str] = "fill"

    fill_id: int | str
    order_id: int | str
    side: str
    price: float
    size: float
    commission: float | None = None
    commission_asset: str = ""
    is_maker: bool
    transact_time: int = 0

    @property
    def ts_transact_ns(self) -> int:
        """When it happened, ns since the Unix epoch; 0 where the venue sends none."""
        return epoch_ns(self.transact_time)
