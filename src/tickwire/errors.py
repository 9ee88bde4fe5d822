"""Errors that belong to no single layer.

Transport errors (:class:`~tickwire.WebSocketError` and its kin) live with the transport, because
they are also curl_cffi errors. What stands here is raised by pure layers.
"""

from __future__ import annotations

__all__ = [
    "BookNotLiveError",
    "BooksNotLiveError",
    "CodecError",
    "ConfigurationError",
    "LoginError",
    "SubscriptionError",
    "TickwireError",
]


class TickwireError(Exception):
    """Base of the errors that are neither network nor HTTP errors."""


class ConfigurationError(TickwireError):
    """What was asked for cannot be done as asked. Retry: no; the text says what to change."""


class SubscriptionError(TickwireError):
    """The venue refused a subscription. Retry: no, unless the reason is a rate limit.

    Attributes:
        code: The venue's own error code, or ``None`` where it gives none.
        reason: The venue's own text.
        streams: The streams that the refused request named, as far as they are known.
    """

    def __init__(self, reason: str, *, code: int | None = None, streams: tuple[str, ...] = ()):
        names = f" ({', '.join(streams)})" if streams else ""
        number = f" [{code}]" if code is not None else ""
        super().__init__(f"the venue refused the subscription{names}{number}: {reason}")
        self.code = code
        self.reason = reason
        self.streams = streams


class LoginError(TickwireError):
    """The venue refused the credentials. Retry: no; check key, secret, permissions and clock.

    Attributes:
        code: The venue's own error code, or ``None`` where it gives none.
        reason: The venue's own text.
    """

    def __init__(self, reason: str, *, code: int | str | None = None) -> None:
        number = f" [{code}]" if code is not None else ""
        super().__init__(
            f"the venue refused the login{number}: {reason}; "
            "check the key, its permissions and this machine's clock"
        )
        self.code = code
        self.reason = reason


class CodecError(TickwireError):
    """A frame is not what the venue's protocol allows. The feed goes on; the frame is counted."""


class BookNotLiveError(TickwireError):
    """A local order book was read while it is not the venue's. Retry: once it is live again.

    Attributes:
        symbol: Whose book.
        reason: Why it is not live.
    """

    def __init__(self, symbol: str, reason: str) -> None:
        super().__init__(
            f"the book of {symbol} is not live: {reason}; "
            "it will be after its next snapshot, until then ask is_live first"
        )
        self.symbol = symbol
        self.reason = reason


class BooksNotLiveError(TickwireError, TimeoutError):
    """Books did not become live in the time that the caller gave them. Retry: yes.

    Attributes:
        reasons: For each of them why not.
        seconds: How long was waited.
    """

    _SHOWN = 3

    def __init__(self, reasons: dict[str, str], seconds: float) -> None:
        first = [f"{symbol} ({reason})" for symbol, reason in list(reasons.items())[: self._SHOWN]]
        more = f" and {len(reasons) - len(first)} more" if len(reasons) > len(first) else ""
        super().__init__(f"not live within {seconds} s: {', '.join(first)}{more}")
        self.reasons = reasons
        self.seconds = seconds
