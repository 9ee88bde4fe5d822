"""Errors as the messages that python-binance sends to whoever reads a socket: one table.

The types are those of its page "Websockets"; what its table calls other types are class names.
"""

from __future__ import annotations

from typing import Any

from tickwire.binance.errors import (
    BinanceWebsocketClosed,
    BinanceWebsocketQueueOverflow,
    BinanceWebsocketUnableToConnect,
)
from tickwire.manager import Disconnected, DisconnectReason
from tickwire.market import Gap, GapCause
from tickwire.transport import ConnectError, CurlECode

__all__ = ["as_message", "as_messages", "error_message", "gap_message"]

_ENDS = {
    DisconnectReason.SERVER_CLOSED: BinanceWebsocketClosed.__name__,
    DisconnectReason.NETWORK_ERROR: "ConnectionClosedError",
    DisconnectReason.PING_TIMEOUT: "ConnectionClosedError",
    DisconnectReason.PROTOCOL_ERROR: "ConnectionClosedError",
}
"""What the end of a connection is called, unless this program ended it."""

_CONNECTS: dict[int, str] = {
    CurlECode.COULDNT_RESOLVE_HOST: "gaierror",
    CurlECode.COULDNT_RESOLVE_PROXY: "gaierror",
    CurlECode.GOT_NOTHING: "IncompleteReadError",
    CurlECode.RECV_ERROR: "IncompleteReadError",
    CurlECode.PARTIAL_FILE: "IncompleteReadError",
}
"""What a failed connect is called, by libcurl's number."""


def error_message(kind: str, text: str) -> dict[str, Any]:
    """``{'e': 'error', 'type': kind, 'm': text}``."""
    return {"e": "error", "type": kind, "m": text}


def as_message(end: Disconnected) -> dict[str, Any] | None:
    """The message for a connection that has ended; ``None`` where that was planned."""
    kind = _ENDS.get(end.reason)
    if kind is None:
        return None
    what = f"{end.reason.value}, code {end.code}" + (f": {end.text}" if end.text else "")
    return error_message(kind, f"Connection closed ({what}). Reconnecting...")


def gap_message(gap: Gap) -> dict[str, Any]:
    """The message for a place in an account's events where some may be missing."""
    kind = BinanceWebsocketClosed.__name__
    if gap.cause is GapCause.OVERFLOW:
        kind = BinanceWebsocketQueueOverflow.__name__
    return error_message(
        kind,
        f"Account events may be missing here ({gap.cause}); they go on. Ask for open orders and "
        "balances.",
    )


def as_messages(error: Exception) -> list[dict[str, Any]]:
    """The messages for an error: its own, after that of the connect that failed, if one did."""
    messages = []
    cause = error.__cause__
    if isinstance(error, BinanceWebsocketUnableToConnect) and isinstance(cause, Exception):
        kind = type(cause).__name__
        if isinstance(cause, ConnectError):
            kind = _CONNECTS.get(int(cause.code), kind)
        messages.append(error_message(kind, str(cause)))
    messages.append(error_message(type(error).__name__, str(error)))
    return messages
