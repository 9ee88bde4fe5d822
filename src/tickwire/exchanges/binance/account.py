"""Binance's messages about one's own account: which type each has. Spot, margin, futures.

Statuses, types and reasons are open sets, kept as sent. The spelling of the margin events on
listen-token subscriptions is not documented for certain; both spellings are known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tickwire.exchanges.binance.account_futures import (
    AccountMessage,
    AccountSetting,
    AccountUpdate,
    AlgoUpdate,
    AlgoUpdateMessage,
    ConditionalOrderReject,
    ConditionalOrderRejectMessage,
    ConfigUpdate,
    FuturesOrder,
    GridMessage,
    GridUpdate,
    LeverageSetting,
    MarginCall,
    OrderMessage,
    Position,
    PositionAtRisk,
    StrategyMessage,
    StrategyUpdate,
    TradeLite,
    WalletBalance,
)
from tickwire.exchanges.binance.account_spot import (
    Balance,
    BalanceUpdate,
    ExecutionReport,
    ExternalLock,
    LiabilityChange,
    ListenKeyExpired,
    ListOrder,
    ListStatus,
    MarginLevelChange,
    StreamTerminated,
    WalletUpdate,
)

if TYPE_CHECKING:
    from msgspec import Struct

__all__ = [
    "USER_EVENTS",
    "AccountMessage",
    "AccountSetting",
    "AccountUpdate",
    "AlgoUpdate",
    "AlgoUpdateMessage",
    "Balance",
    "BalanceUpdate",
    "ConditionalOrderReject",
    "ConditionalOrderRejectMessage",
    "ConfigUpdate",
    "ExecutionReport",
    "ExternalLock",
    "FuturesOrder",
    "GridMessage",
    "GridUpdate",
    "LeverageSetting",
    "LiabilityChange",
    "ListOrder",
    "ListStatus",
    "ListenKeyExpired",
    "MarginCall",
    "MarginLevelChange",
    "OrderMessage",
    "Position",
    "PositionAtRisk",
    "StrategyMessage",
    "StrategyUpdate",
    "StreamTerminated",
    "TradeLite",
    "WalletBalance",
    "WalletUpdate",
]

USER_EVENTS: dict[str, type[Struct]] = {
    "executionReport": ExecutionReport,
    "outboundAccountPosition": WalletUpdate,
    "balanceUpdate": BalanceUpdate,
    "externalLockUpdate": ExternalLock,
    "listStatus": ListStatus,
    "eventStreamTerminated": StreamTerminated,
    "listenKeyExpired": ListenKeyExpired,
    "userLiabilityChange": LiabilityChange,
    "USER_LIABILITY_CHANGE": LiabilityChange,
    "marginLevelStatusChange": MarginLevelChange,
    "MARGIN_LEVEL_STATUS_CHANGE": MarginLevelChange,
    "ORDER_TRADE_UPDATE": OrderMessage,
    "ACCOUNT_UPDATE": AccountMessage,
    "TRADE_LITE": TradeLite,
    "MARGIN_CALL": MarginCall,
    "ACCOUNT_CONFIG_UPDATE": ConfigUpdate,
    "ALGO_UPDATE": AlgoUpdateMessage,
    "CONDITIONAL_ORDER_TRIGGER_REJECT": ConditionalOrderRejectMessage,
    "STRATEGY_UPDATE": StrategyMessage,
    "GRID_UPDATE": GridMessage,
}
"""The type of each value of ``e``. No two markets mean different things by one."""
