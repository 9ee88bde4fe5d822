"""Why a connection ended, and what an error says about trying again: tables over error classes.

Nothing here looks at an error's text. Sources of the numbers: close codes 1012 and 1013 are in
IANA's WebSocket Close Code registry; 429 is RFC 6585 section 4, Retry-After RFC 9110 section
10.2.3; 418 is Binance's "banned for repeatedly breaking 429" (General API Information, "IP
Limits"), which lasts two minutes at the least.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from enum import Enum

from tickwire.transport import (
    HandshakeRejected,
    KeepaliveTimeout,
    MessageTooBig,
    ProtocolViolation,
    QueueOverflow,
    WebSocketClosed,
    WebSocketError,
)

__all__ = ["DisconnectReason", "Outlook", "outlook", "reason_of", "seconds_asked_for"]


class DisconnectReason(Enum):
    """Why a connection ended."""

    USER_REQUESTED = "user_requested"
    """``disconnect()``, ``request_disconnect()``, or the end of ``async with``."""
    SCHEDULED = "scheduled"
    """``schedule_reconnect()`` or ``rotate_every``."""
    CALLBACK_TRIGGERED = "callback_triggered"
    """``should_disconnect()`` said so."""
    CONNECTION_LIMIT = "connection_limit"
    """Ahead of the venue's own limit: its maximum age, or its notice of a shutdown."""

    SERVER_CLOSED = "server_closed"
    """The server sent a close frame."""
    NETWORK_ERROR = "network_error"
    """The stream broke, or one subscription of it died and could not be revived."""
    PING_TIMEOUT = "ping_timeout"
    """The peer, or this connection's heartbeat, was silent for too long."""
    PROTOCOL_ERROR = "protocol_error"
    """The peer broke RFC 6455, sent a message that is too big, or the receive queue was full under
    the policy ``fail``."""

    @property
    def is_proactive(self) -> bool:
        """Whether this program decided it."""
        return self in _PROACTIVE

    @property
    def is_reactive(self) -> bool:
        """Whether it was forced on this program."""
        return self not in _PROACTIVE


_PROACTIVE = frozenset(
    {
        DisconnectReason.USER_REQUESTED,
        DisconnectReason.SCHEDULED,
        DisconnectReason.CALLBACK_TRIGGERED,
        DisconnectReason.CONNECTION_LIMIT,
    }
)

# The first row whose class fits. Closed without a close frame (1006) is the network's doing.
_REASONS: tuple[tuple[type[WebSocketError], DisconnectReason], ...] = (
    (KeepaliveTimeout, DisconnectReason.PING_TIMEOUT),
    (ProtocolViolation, DisconnectReason.PROTOCOL_ERROR),
    (QueueOverflow, DisconnectReason.PROTOCOL_ERROR),
)


def reason_of(error: BaseException | None) -> DisconnectReason:
    """What the end of a connection, as the transport tells it, counts as."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    if isinstance(error, WebSocketClosed) and error.clean:
        return DisconnectReason.SERVER_CLOSED
    return DisconnectReason.NETWORK_ERROR


@dataclass(frozen=True, slots=True)
class Outlook:
    """What to expect of another attempt.

    Attributes:
        wait_at_least: Seconds before which it would be refused, or would make things worse.
        permanent: Whether it would fail in the same way for ever.
    """

    wait_at_least: float = 0.0
    permanent: bool = False


_TRY_AGAIN_LATER = 1013
_LONGEST = 7 * 86_400.0
"""Nobody is stayed away from for longer, whatever the header says: Binance's bans end at 3 days."""
_STATUS_FLOORS = {429: 10.0, 418: 120.0}
"""Seconds to stay away after a refusal that brings no Retry-After."""


def outlook(error: BaseException | None, now_s: float, *, later: float) -> Outlook:
    """What the error of an attempt or of a connection says about the next attempt.

    Args:
        error: From the connect, or what ended the connection.
        now_s: Seconds since the Unix epoch, for a Retry-After that is a date.
        later: Seconds that "try again later" (close code 1013) stands for.
    """
    if isinstance(error, HandshakeRejected):
        asked = _retry_after(error, now_s)
        floor = _STATUS_FLOORS.get(error.status, 0.0) if asked is None else asked
        return Outlook(min(floor, _LONGEST), permanent=not error.retriable)
    if isinstance(error, WebSocketClosed):
        return Outlook(later if error.code == _TRY_AGAIN_LATER else 0.0)
    if isinstance(error, MessageTooBig):
        # The next connection may carry smaller messages.
        return Outlook()
    if isinstance(error, WebSocketError) and not isinstance(error, ProtocolViolation):
        return Outlook(permanent=not error.retriable)
    return Outlook()


def _retry_after(error: HandshakeRejected, now_s: float) -> float | None:
    """Seconds that the server asks for, from either form of Retry-After."""
    if error.retry_after is not None:
        return error.retry_after
    return seconds_asked_for(
        next((v for name, v in error.headers if name == "retry-after"), ""), now_s
    )


def seconds_asked_for(retry_after: str | None, now_s: float) -> float | None:
    """Seconds that a Retry-After header asks for, a number or a date; ``None``: it says nothing.

    Args:
        retry_after: Its text, if there is one.
        now_s: Seconds since the Unix epoch.
    """
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), _LONGEST)
    try:
        date = parsedate_tz(retry_after)
        at_s = None if date is None else mktime_tz(date)
    except (ValueError, OverflowError):  # shaped like a date, and no day of the calendar
        return None
    return None if at_s is None else min(max(0.0, at_s - now_s), _LONGEST)
