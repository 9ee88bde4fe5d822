"""Connection control: the program decides when to reconnect, and a planned reconnect loses nothing.

Rules stand in modules of their own, as tables and pure functions: ``states``, ``reasons``,
``backoff``, ``limiter``, ``merge``, ``watch``, ``options``. ``link``, ``slot``, ``core`` and
``controls`` move bytes; ``manager`` is what a program sees.
"""

from tickwire.market import Gap, Identity

from .backoff import ReconnectStrategy
from .errors import (
    WebSocketClosedError,
    WebSocketConnectionError,
    WebSocketError,
    WebSocketTimeoutError,
)
from .limiter import RollingLimiter
from .manager import WebSocketManager
from .options import ManagerOptions
from .reasons import DisconnectReason
from .records import Connected, Disconnected, Dropped, Reconnected, Record, Stale
from .states import ConnectionState
from .stats import WebSocketStats
from .timing import LoopClock, ScriptedClock, Timekeeper

__all__ = [
    "Connected",
    "ConnectionState",
    "DisconnectReason",
    "Disconnected",
    "Dropped",
    "Gap",
    "Identity",
    "LoopClock",
    "ManagerOptions",
    "ReconnectStrategy",
    "Reconnected",
    "Record",
    "RollingLimiter",
    "ScriptedClock",
    "Stale",
    "Timekeeper",
    "WebSocketClosedError",
    "WebSocketConnectionError",
    "WebSocketError",
    "WebSocketManager",
    "WebSocketStats",
    "WebSocketTimeoutError",
]
