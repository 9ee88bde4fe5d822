"""libcurl's WebSocket on asyncio: sessions, connects, pumps, bounded queues."""

from curl_cffi import (
    BrowserType,
    Cookies,
    CurlECode,
    CurlError,
    CurlFollow,
    CurlHttpVersion,
    CurlInfo,
    CurlOpt,
    CurlWsFlag,
    ExtraFingerprints,
    Fingerprint,
    Headers,
    Response,
    WsCloseCode,
    exceptions,
)

from ..wire import Deflate
from .errors import (
    ConnectError,
    HandshakeError,
    HandshakeRejected,
    KeepaliveTimeout,
    MessageTooBig,
    ProtocolViolation,
    QueueOverflow,
    SessionClosed,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)
from .loops import loop_name, run
from .message import Message
from .options import WebSocketOptions
from .overflow import Conflate, conflate
from .pump import Batch
from .retry import WebSocketRetryStrategy, WsRetryOnRecvError
from .session import AsyncSession, WebSocketContext
from .websocket import AsyncWebSocket, WebSocketState

__all__ = [
    "AsyncSession",
    "AsyncWebSocket",
    "Batch",
    "BrowserType",
    "Conflate",
    "ConnectError",
    "Cookies",
    "CurlECode",
    "CurlError",
    "CurlFollow",
    "CurlHttpVersion",
    "CurlInfo",
    "CurlOpt",
    "CurlWsFlag",
    "Deflate",
    "ExtraFingerprints",
    "Fingerprint",
    "HandshakeError",
    "HandshakeRejected",
    "Headers",
    "KeepaliveTimeout",
    "Message",
    "MessageTooBig",
    "ProtocolViolation",
    "QueueOverflow",
    "Response",
    "SessionClosed",
    "WebSocketClosed",
    "WebSocketContext",
    "WebSocketError",
    "WebSocketOptions",
    "WebSocketRetryStrategy",
    "WebSocketState",
    "WebSocketTimeout",
    "WsCloseCode",
    "WsRetryOnRecvError",
    "conflate",
    "exceptions",
    "loop_name",
    "run",
]
