"""tickwire: a market-data WebSocket stack for Python whose transport is libcurl.

The names that a program needs are here; the layers behind them are packages of their own. What
stands on the venue side is loaded when first asked for, so that ``import tickwire`` costs little
more than ``import curl_cffi``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .transport import (
    AsyncSession,
    AsyncWebSocket,
    Batch,
    BrowserType,
    ConnectError,
    Cookies,
    CurlECode,
    CurlError,
    CurlFollow,
    CurlHttpVersion,
    CurlInfo,
    CurlOpt,
    CurlWsFlag,
    Deflate,
    ExtraFingerprints,
    Fingerprint,
    HandshakeError,
    HandshakeRejected,
    Headers,
    KeepaliveTimeout,
    Message,
    MessageTooBig,
    ProtocolViolation,
    QueueOverflow,
    Response,
    WebSocketClosed,
    WebSocketError,
    WebSocketOptions,
    WebSocketRetryStrategy,
    WebSocketState,
    WebSocketTimeout,
    WsCloseCode,
    WsRetryOnRecvError,
    conflate,
    exceptions,
    run,
)

if TYPE_CHECKING:
    from .books import BookChange, Books
    from .errors import ConfigurationError
    from .exchanges.binance import BinanceCodec
    from .feed import Feed
    from .listing import instruments
    from .manager import (
        Connected,
        ConnectionState,
        Disconnected,
        DisconnectReason,
        Dropped,
        Identity,
        Reconnected,
        ReconnectStrategy,
        ScriptedClock,
        Stale,
        WebSocketClosedError,
        WebSocketConnectionError,
        WebSocketManager,
        WebSocketStats,
        WebSocketTimeoutError,
    )
    from .market import Instrument
    from .market.events import (
        AggTrade,
        BookDelta,
        BookSnapshot,
        Event,
        Gap,
        Kline,
        MiniTicker,
        Quote,
        Ticker,
        Trade,
    )
    from .transport.sync import Session, WebSocket

__all__ = [
    "AggTrade",
    "AsyncSession",
    "AsyncWebSocket",
    "Batch",
    "BinanceCodec",
    "BookChange",
    "BookDelta",
    "BookSnapshot",
    "Books",
    "BrowserType",
    "ConfigurationError",
    "ConnectError",
    "Connected",
    "ConnectionState",
    "Cookies",
    "CurlECode",
    "CurlError",
    "CurlFollow",
    "CurlHttpVersion",
    "CurlInfo",
    "CurlOpt",
    "CurlWsFlag",
    "Deflate",
    "DisconnectReason",
    "Disconnected",
    "Dropped",
    "Event",
    "ExtraFingerprints",
    "Feed",
    "Fingerprint",
    "Gap",
    "HandshakeError",
    "HandshakeRejected",
    "Headers",
    "Identity",
    "Instrument",
    "KeepaliveTimeout",
    "Kline",
    "Message",
    "MessageTooBig",
    "MiniTicker",
    "ProtocolViolation",
    "QueueOverflow",
    "Quote",
    "ReconnectStrategy",
    "Reconnected",
    "Response",
    "ScriptedClock",
    "Session",
    "Stale",
    "Ticker",
    "Trade",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketClosedError",
    "WebSocketConnectionError",
    "WebSocketError",
    "WebSocketManager",
    "WebSocketOptions",
    "WebSocketRetryStrategy",
    "WebSocketState",
    "WebSocketStats",
    "WebSocketTimeout",
    "WebSocketTimeoutError",
    "WsCloseCode",
    "WsRetryOnRecvError",
    "__version__",
    "conflate",
    "exceptions",
    "instruments",
    "run",
]

_LAZY = (
    {
        "BinanceCodec": "tickwire.exchanges.binance",
        "BookChange": "tickwire.books",
        "Books": "tickwire.books",
        "ConfigurationError": "tickwire.errors",
        "Feed": "tickwire.feed",
        "Instrument": "tickwire.market",
        "instruments": "tickwire.listing",
        "Session": "tickwire.transport.sync",
        "WebSocket": "tickwire.transport.sync",
    }
    | dict.fromkeys(
        (
            "Connected",
            "ConnectionState",
            "DisconnectReason",
            "Disconnected",
            "Dropped",
            "Identity",
            "ReconnectStrategy",
            "Reconnected",
            "ScriptedClock",
            "Stale",
            "WebSocketClosedError",
            "WebSocketConnectionError",
            "WebSocketManager",
            "WebSocketStats",
            "WebSocketTimeoutError",
        ),
        "tickwire.manager",
    )
    | dict.fromkeys(
        (
            "AggTrade",
            "BookDelta",
            "BookSnapshot",
            "Event",
            "Gap",
            "Kline",
            "MiniTicker",
            "Quote",
            "Ticker",
            "Trade",
        ),
        "tickwire.market.events",
    )
)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
