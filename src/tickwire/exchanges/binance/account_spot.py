"""Binance's messages about a spot or margin account, as event types.

Sources: the vendor's "User Data Streams" pages of spot and margin, August 2026.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.market import AccountEvent, BalanceChange, OrderUpdate, epoch_ns

__all__ = [
    "Balance",
    "BalanceUpdate",
    "ExecutionReport",
    "ExternalLock",
    "LiabilityChange",
    "ListOrder",
    "ListStatus",
    "ListenKeyExpired",
    "MarginLevelChange",
    "StreamTerminated",
    "WalletUpdate",
]


class ExecutionReport(OrderUpdate, kw_only=True, gc=False):
    """``executionReport`` of spot and margin.

    Attributes:
        original_client_order_id: On a cancellation, the name of the order that is cancelled.
        filled_quote: Quote currency traded so far; ``filled_quote / filled_size`` is the average.
        order_list_id: -1 where the order is in none.
        reject_reason: ``NONE`` where there is none.
        is_on_book: Whether the order rests in the book.

    The others are sent under conditions only, and ``None`` otherwise: see the vendor's page.
    """

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    client_order_id: str = field(name="c")
    side: str = field(name="S")
    order_type: str = field(name="o")
    time_in_force: str = field(name="f")
    size: Number = field(name="q")
    price: Number = field(name="p")
    stop_price: Number = field(name="P")
    iceberg_size: Number | None = field(name="F", default=None)
    order_list_id: int = field(name="g", default=-1)
    original_client_order_id: str = field(name="C", default="")
    execution_type: str = field(name="x")
    status: str = field(name="X")
    reject_reason: str = field(name="r", default="NONE")
    order_id: int = field(name="i")
    execution_id: int | None = field(name="I", default=None)
    last_filled_size: Number = field(name="l")
    filled_size: Number = field(name="z")
    last_price: Number = field(name="L")
    commission: Number | None = field(name="n", default=None)
    commission_asset: str | None = field(name="N", default=None)
    transact_time: int = field(name="T")
    trade_id: int = field(name="t")
    is_on_book: bool | None = field(name="w", default=None)
    is_maker: bool = field(name="m")
    order_time: int = field(name="O", default=0)
    filled_quote: Number | None = field(name="Z", default=None)
    last_quote: Number | None = field(name="Y", default=None)
    quote_order_size: Number | None = field(name="Q", default=None)
    working_time: int | None = field(name="W", default=None)
    self_trade_prevention: str = field(name="V", default="")
    trailing_delta: int | None = field(name="d", default=None)
    trailing_time: int | None = field(name="D", default=None)
    strategy_id: int | None = field(name="j", default=None)
    strategy_type: int | None = field(name="J", default=None)
    prevented_match_id: int | None = field(name="v", default=None)
    prevented_size: Number | None = field(name="A", default=None)
    last_prevented_size: Number | None = field(name="B", default=None)
    trade_group_id: int | None = field(name="u", default=None)
    counter_order_id: int | None = field(name="U", default=None)
    counter_symbol: str | None = field(name="Cs", default=None)
    prevented_execution_size: Number | None = field(name="pl", default=None)
    prevented_execution_price: Number | None = field(name="pL", default=None)
    prevented_execution_quote: Number | None = field(name="pY", default=None)
    match_type: str | None = field(name="b", default=None)
    allocation_id: int | None = field(name="a", default=None)
    working_floor: str | None = field(name="k", default=None)
    used_sor: bool | None = field(name="uS", default=None)
    peg_price_type: str | None = field(name="gP", default=None)
    peg_offset_type: str | None = field(name="gOT", default=None)
    peg_offset: int | None = field(name="gOV", default=None)
    pegged_price: Number | None = field(name="gp", default=None)
    expiry_reason: str | None = field(name="eR", default=None)

    @property
    def ts_order_ns(self) -> int:
        """When the order was made, ns since the Unix epoch."""
        return epoch_ns(self.order_time)


class Balance(Struct, kw_only=True, gc=False):
    """One asset of a spot wallet: what is free, and what is locked in orders."""

    asset: str = field(name="a")
    free: Number = field(name="f")
    locked: Number = field(name="l")


class WalletUpdate(AccountEvent, kw_only=True, gc=False):
    """``outboundAccountPosition``: the balances that one action may have changed, not all."""

    kind: ClassVar[str] = "wallet_update"

    event_time: int = field(name="E")
    update_time: int = field(name="u")
    balances: list[Balance] = field(name="B")


class BalanceUpdate(BalanceChange, kw_only=True, gc=False):
    """``balanceUpdate``: a deposit, a withdrawal, or a transfer between wallets."""

    event_time: int = field(name="E")
    asset: str = field(name="a")
    change: Number = field(name="d")
    transact_time: int = field(name="T")


class ExternalLock(BalanceUpdate, kw_only=True, gc=False):
    """``externalLockUpdate``: another system locked a part of the wallet, or unlocked it."""

    kind: ClassVar[str] = "external_lock"


class ListOrder(Struct, kw_only=True, gc=False):
    """One order of an order list."""

    symbol: str = field(name="s")
    order_id: int = field(name="i")
    client_order_id: str = field(name="c")


class ListStatus(AccountEvent, kw_only=True, gc=False):
    """``listStatus``: an order list changed. It comes besides the orders' own reports."""

    kind: ClassVar[str] = "list_status"

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    order_list_id: int = field(name="g")
    contingency: str = field(name="c")
    list_status: str = field(name="l")
    order_status: str = field(name="L")
    reject_reason: str = field(name="r")
    client_list_id: str = field(name="C")
    transact_time: int = field(name="T")
    orders: list[ListOrder] = field(name="O")

    @property
    def ts_transact_ns(self) -> int:
        """When it happened, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)


class StreamTerminated(AccountEvent, kw_only=True, gc=False):
    """``eventStreamTerminated``: it ended. Subscribe again unless that was asked for."""

    kind: ClassVar[str] = "stream_terminated"

    event_time: int = field(name="E")


class ListenKeyExpired(AccountEvent, kw_only=True, gc=False):
    """``listenKeyExpired``: make a new key and connect again.

    Attributes:
        listen_key: Which. It is a secret, and not shown by ``repr``.
    """

    kind: ClassVar[str] = "listen_key_expired"

    event_time: int = field(name="E")
    listen_key: str = field(name="listenKey", default="")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(event_time={self.event_time}, listen_key=…)"

    def to_dict(self) -> dict[str, object]:
        return super().to_dict() | {"listen_key": "…"}


class LiabilityChange(AccountEvent, kw_only=True, gc=False):
    """``USER_LIABILITY_CHANGE`` of margin: something was borrowed or paid back."""

    kind: ClassVar[str] = "liability_change"

    event_time: int = field(name="E")
    asset: str = field(name="a")
    change_type: str = field(name="t")
    principal: Number = field(name="p")
    interest: Number = field(name="i")


class MarginLevelChange(AccountEvent, kw_only=True, gc=False):
    """``MARGIN_LEVEL_STATUS_CHANGE`` of margin."""

    kind: ClassVar[str] = "margin_level_change"

    event_time: int = field(name="E")
    level: Number = field(name="l")
    status: str = field(name="s")


ExecutionReportDecimal = decimal_twin(ExecutionReport)
BalanceDecimal = decimal_twin(Balance)
WalletUpdateDecimal = decimal_twin(WalletUpdate)
BalanceUpdateDecimal = decimal_twin(BalanceUpdate)
ExternalLockDecimal = decimal_twin(ExternalLock)
ListStatusDecimal = decimal_twin(ListStatus)
StreamTerminatedDecimal = decimal_twin(StreamTerminated)
ListenKeyExpiredDecimal = decimal_twin(ListenKeyExpired)
LiabilityChangeDecimal = decimal_twin(LiabilityChange)
MarginLevelChangeDecimal = decimal_twin(MarginLevelChange)
