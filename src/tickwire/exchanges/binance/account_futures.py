"""Binance's messages about a futures account, as event types.

Sources: the vendor's "User Data Streams" pages of USD-M and COIN-M, August 2026.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from tickwire.exchanges.binance.structs import Wrapped
from tickwire.exchanges.numbers import Number, decimal_twin
from tickwire.market import AccountEvent, Event, OrderUpdate, epoch_ns

__all__ = [
    "AccountMessage",
    "AccountSetting",
    "AccountUpdate",
    "AlgoUpdate",
    "AlgoUpdateMessage",
    "ConditionalOrderReject",
    "ConditionalOrderRejectMessage",
    "ConfigUpdate",
    "FuturesOrder",
    "GridMessage",
    "GridUpdate",
    "LeverageSetting",
    "MarginCall",
    "OrderMessage",
    "Position",
    "PositionAtRisk",
    "StrategyMessage",
    "StrategyUpdate",
    "TradeLite",
    "WalletBalance",
]


class FuturesOrder(OrderUpdate, kw_only=True, gc=False):
    """The order in an ``ORDER_TRADE_UPDATE``. Times beside it: ``event_time``, ``match_time``."""

    symbol: str = field(name="s")
    client_order_id: str = field(name="c")
    side: str = field(name="S")
    order_type: str = field(name="o")
    time_in_force: str = field(name="f")
    size: Number = field(name="q")
    price: Number = field(name="p")
    average_price: Number | None = field(name="ap", default=None)
    stop_price: Number = field(name="sp")
    execution_type: str = field(name="x")
    status: str = field(name="X")
    order_id: int = field(name="i")
    last_filled_size: Number = field(name="l")
    filled_size: Number = field(name="z")
    last_price: Number = field(name="L")
    commission_asset: str | None = field(name="N", default=None)
    commission: Number | None = field(name="n", default=None)
    transact_time: int = field(name="T")
    trade_id: int = field(name="t")
    bids_notional: Number | None = field(name="b", default=None)
    asks_notional: Number | None = field(name="a", default=None)
    is_maker: bool = field(name="m")
    is_reduce_only: bool = field(name="R", default=False)
    working_type: str = field(name="wt", default="")
    original_type: str = field(name="ot", default="")
    position_side: str = field(name="ps", default="")
    closes_position: bool = field(name="cp", default=False)
    activation_price: Number | None = field(name="AP", default=None)
    callback_rate: Number | None = field(name="cr", default=None)
    has_price_protection: bool = field(name="pP", default=False)
    realised_profit: Number | None = field(name="rp", default=None)
    self_trade_prevention: str = field(name="V", default="")
    price_match: str = field(name="pm", default="")
    good_till: int = field(name="gtd", default=0)
    expiry_reason: str = field(name="er", default="")
    modify_id: str | None = field(name="M", default=None)
    match_time: int = 0
    market: str = ""


class OrderMessage(Wrapped, kw_only=True, gc=False):
    """``ORDER_TRADE_UPDATE``."""

    INNER: ClassVar[str] = "order"

    event_time: int = field(name="E")
    match_time: int = field(name="T")
    order: FuturesOrder = field(name="o")
    # Portfolio margin: UM or CM.
    market: str = field(name="fs", default="")
    account: str = field(name="i", default="")

    def unwrap(self) -> Event:
        order = self.order
        order.event_time = self.event_time
        order.match_time = self.match_time
        order.market = self.market
        return order


class WalletBalance(Struct, kw_only=True, gc=False):
    """One asset of a futures wallet; ``change`` is without profits and commissions."""

    asset: str = field(name="a")
    wallet: Number = field(name="wb")
    cross_wallet: Number = field(name="cw")
    change: Number = field(name="bc")


class Position(Struct, kw_only=True, gc=False):
    """One position; ``amount`` is negative for a short one."""

    symbol: str = field(name="s")
    amount: Number = field(name="pa")
    entry_price: Number = field(name="ep")
    break_even_price: Number | None = field(name="bep", default=None)
    realised_profit: Number = field(name="cr")
    unrealised_profit: Number = field(name="up")
    margin_type: str = field(name="mt")
    isolated_wallet: Number = field(name="iw")
    position_side: str = field(name="ps")


class AccountUpdate(AccountEvent, kw_only=True, gc=False):
    """What an ``ACCOUNT_UPDATE`` says: only what changed, and why (``reason``)."""

    kind: ClassVar[str] = "account_update"

    symbol: str = field(name="S", default="")
    reason: str = field(name="m")
    balances: list[WalletBalance] = field(name="B", default_factory=list)
    positions: list[Position] = field(name="P", default_factory=list)
    match_time: int = 0
    account: str = ""
    market: str = ""


class AccountMessage(Wrapped, kw_only=True, gc=False):
    """``ACCOUNT_UPDATE``."""

    INNER: ClassVar[str] = "update"

    event_time: int = field(name="E")
    match_time: int = field(name="T")
    update: AccountUpdate = field(name="a")
    account: str = field(name="i", default="")
    market: str = field(name="fs", default="")

    def unwrap(self) -> Event:
        update = self.update
        update.event_time = self.event_time
        update.match_time = self.match_time
        update.account = self.account
        update.market = self.market
        return update


class TradeLite(AccountEvent, kw_only=True, gc=False):
    """``TRADE_LITE``: a fill, told early. The ``ORDER_TRADE_UPDATE`` of it comes too."""

    kind: ClassVar[str] = "trade_lite"

    symbol: str = field(name="s")
    event_time: int = field(name="E")
    transact_time: int = field(name="T")
    size: Number = field(name="q")
    price: Number = field(name="p")
    is_maker: bool = field(name="m")
    client_order_id: str = field(name="c")
    side: str = field(name="S")
    last_price: Number = field(name="L")
    last_filled_size: Number = field(name="l")
    trade_id: int = field(name="t")
    order_id: int = field(name="i")

    @property
    def ts_transact_ns(self) -> int:
        """When it happened, ns since the Unix epoch."""
        return epoch_ns(self.transact_time)


class PositionAtRisk(Struct, kw_only=True, gc=False):
    """One position of a margin call."""

    symbol: str = field(name="s")
    position_side: str = field(name="ps")
    amount: Number = field(name="pa")
    margin_type: str = field(name="mt")
    isolated_wallet: Number = field(name="iw")
    mark_price: Number = field(name="mp")
    unrealised_profit: Number = field(name="up")
    maintenance_margin: Number = field(name="mm")


class MarginCall(AccountEvent, kw_only=True, gc=False):
    """``MARGIN_CALL``: a warning, and not certain to come."""

    kind: ClassVar[str] = "margin_call"

    event_time: int = field(name="E")
    cross_wallet: Number | None = field(name="cw", default=None)
    positions: list[PositionAtRisk] = field(name="p")


class LeverageSetting(Struct, kw_only=True, gc=False):
    """The leverage of a symbol was set."""

    symbol: str = field(name="s")
    leverage: int = field(name="l")


class AccountSetting(Struct, kw_only=True, gc=False):
    """A setting of the account was changed."""

    is_multi_assets: bool = field(name="j")


class ConfigUpdate(AccountEvent, kw_only=True, gc=False):
    """``ACCOUNT_CONFIG_UPDATE``: one of the two."""

    kind: ClassVar[str] = "config_update"

    event_time: int = field(name="E")
    match_time: int = field(name="T")
    leverage: LeverageSetting | None = field(name="ac", default=None)
    account_setting: AccountSetting | None = field(name="ai", default=None)


class AlgoUpdate(AccountEvent, kw_only=True, gc=False):
    """The conditional order in an ``ALGO_UPDATE``.

    Attributes:
        triggered_order_id: Of the order that it became; empty before.
    """

    kind: ClassVar[str] = "algo_update"

    symbol: str = field(name="s")
    client_algo_id: str = field(name="caid")
    algo_id: int = field(name="aid")
    algo_type: str = field(name="at")
    order_type: str = field(name="o")
    side: str = field(name="S")
    position_side: str = field(name="ps")
    time_in_force: str = field(name="f")
    size: Number = field(name="q")
    status: str = field(name="X")
    triggered_order_id: str = field(name="ai", default="")
    average_price: Number | None = field(name="ap", default=None)
    filled_size: Number | None = field(name="aq", default=None)
    triggered_order_type: str = field(name="act", default="")
    trigger_price: Number = field(name="tp")
    price: Number = field(name="p")
    self_trade_prevention: str = field(name="V", default="")
    working_type: str = field(name="wt", default="")
    price_match: str = field(name="pm", default="")
    closes_position: bool = field(name="cp", default=False)
    has_price_protection: bool = field(name="pP", default=False)
    is_reduce_only: bool = field(name="R", default=False)
    trigger_time: int = field(name="tt", default=0)
    good_till: int = field(name="gtd", default=0)
    reject_reason: str = field(name="rm", default="")
    match_time: int = 0


class AlgoUpdateMessage(Wrapped, kw_only=True, gc=False):
    """``ALGO_UPDATE``."""

    INNER: ClassVar[str] = "order"

    event_time: int = field(name="E")
    match_time: int = field(name="T")
    order: AlgoUpdate = field(name="o")

    def unwrap(self) -> Event:
        self.order.event_time = self.event_time
        self.order.match_time = self.match_time
        return self.order


class ConditionalOrderReject(AccountEvent, kw_only=True, gc=False):
    """The order in a ``CONDITIONAL_ORDER_TRIGGER_REJECT``: triggered, and refused."""

    kind: ClassVar[str] = "conditional_order_reject"

    symbol: str = field(name="s")
    order_id: int = field(name="i")
    reason: str = field(name="r")


class ConditionalOrderRejectMessage(Wrapped, kw_only=True, gc=False):
    """``CONDITIONAL_ORDER_TRIGGER_REJECT``."""

    INNER: ClassVar[str] = "reject"

    event_time: int = field(name="E")
    match_time: int = field(name="T", default=0)
    reject: ConditionalOrderReject = field(name="or")

    def unwrap(self) -> Event:
        self.reject.event_time = self.event_time
        return self.reject


class StrategyUpdate(AccountEvent, kw_only=True, gc=False):
    """The strategy in a ``STRATEGY_UPDATE``."""

    kind: ClassVar[str] = "strategy_update"

    symbol: str = field(name="s")
    strategy_id: int = field(name="si")
    strategy_type: str = field(name="st")
    status: str = field(name="ss")
    update_time: int = field(name="ut")
    code: int = field(name="c")


class StrategyMessage(Wrapped, kw_only=True, gc=False):
    """``STRATEGY_UPDATE``."""

    INNER: ClassVar[str] = "strategy"

    event_time: int = field(name="E")
    match_time: int = field(name="T", default=0)
    strategy: StrategyUpdate = field(name="su")

    def unwrap(self) -> Event:
        self.strategy.event_time = self.event_time
        return self.strategy


class GridUpdate(AccountEvent, kw_only=True, gc=False):
    """The grid in a ``GRID_UPDATE``."""

    kind: ClassVar[str] = "grid_update"

    symbol: str = field(name="s")
    strategy_id: int = field(name="si")
    strategy_type: str = field(name="st")
    status: str = field(name="ss")
    realised_profit: Number = field(name="r")
    unmatched_price: Number = field(name="up")
    unmatched_size: Number = field(name="uq")
    unmatched_fee: Number = field(name="uf")
    matched_profit: Number = field(name="mp")
    update_time: int = field(name="ut")


class GridMessage(Wrapped, kw_only=True, gc=False):
    """``GRID_UPDATE``."""

    INNER: ClassVar[str] = "grid"

    event_time: int = field(name="E")
    match_time: int = field(name="T", default=0)
    grid: GridUpdate = field(name="gu")

    def unwrap(self) -> Event:
        self.grid.event_time = self.event_time
        return self.grid


FuturesOrderDecimal = decimal_twin(FuturesOrder)
OrderMessageDecimal = decimal_twin(OrderMessage)
WalletBalanceDecimal = decimal_twin(WalletBalance)
PositionDecimal = decimal_twin(Position)
AccountUpdateDecimal = decimal_twin(AccountUpdate)
AccountMessageDecimal = decimal_twin(AccountMessage)
TradeLiteDecimal = decimal_twin(TradeLite)
PositionAtRiskDecimal = decimal_twin(PositionAtRisk)
MarginCallDecimal = decimal_twin(MarginCall)
ConfigUpdateDecimal = decimal_twin(ConfigUpdate)
AlgoUpdateDecimal = decimal_twin(AlgoUpdate)
AlgoUpdateMessageDecimal = decimal_twin(AlgoUpdateMessage)
ConditionalOrderRejectDecimal = decimal_twin(ConditionalOrderReject)
ConditionalOrderRejectMessageDecimal = decimal_twin(ConditionalOrderRejectMessage)
StrategyUpdateDecimal = decimal_twin(StrategyUpdate)
StrategyMessageDecimal = decimal_twin(StrategyMessage)
GridUpdateDecimal = decimal_twin(GridUpdate)
GridMessageDecimal = decimal_twin(GridMessage)
