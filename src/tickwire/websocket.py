"""Connection control under the module name that users of kstlib know: change the import only."""

from tickwire.manager import (
    ConnectionState,
    DisconnectReason,
    ReconnectStrategy,
    WebSocketClosedError,
    WebSocketConnectionError,
    WebSocketError,
    WebSocketManager,
    WebSocketStats,
    WebSocketTimeoutError,
)

__all__ = [
    "ConnectionState",
    "DisconnectReason",
    "ReconnectStrategy",
    "WebSocketClosedError",
    "WebSocketConnectionError",
    "WebSocketError",
    "WebSocketManager",
    "WebSocketStats",
    "WebSocketTimeoutError",
]
