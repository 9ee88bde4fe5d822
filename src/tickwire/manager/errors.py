"""The manager's errors: the transport's classes with what a managed connection knows besides.

Whoever catches :class:`tickwire.WebSocketError` (a curl_cffi error) catches these too.
"""

from __future__ import annotations

from tickwire.transport import ConnectError, WebSocketClosed, WebSocketError, WebSocketTimeout
from tickwire.transport.errors import shown

__all__ = [
    "WebSocketClosedError",
    "WebSocketConnectionError",
    "WebSocketError",
    "WebSocketTimeoutError",
    "closed_error",
]


_ABNORMAL = 1006
_CLOSE_CODES = (1000, 5000)


class WebSocketConnectionError(ConnectError):
    """No connection could be had; the cause is the last attempt's error. Retry: with
    :meth:`~tickwire.WebSocketManager.connect`, unless the cause is permanent.

    Attributes:
        url: Where to; without credentials and query.
        attempts: How many attempts were made.
    """

    def __init__(self, url: str, attempts: int, cause: WebSocketError) -> None:
        self.url = shown(url)
        self.attempts = attempts
        many = "s" * (attempts != 1)
        super().__init__(
            f"no connection to {self.url} after {attempts} attempt{many}: {cause.message}",
            int(getattr(cause, "code", 0)),
        )
        self.retriable = cause.retriable


class WebSocketClosedError(WebSocketClosed):
    """The connection has ended and will not be restored, or there is none to use.

    ``code``, ``reason``, ``clean`` and ``by_peer`` are those of
    :class:`~tickwire.WebSocketClosed`. Retry: with
    :meth:`~tickwire.WebSocketManager.connect`.
    """


class WebSocketTimeoutError(WebSocketTimeout):
    """Something did not happen in the time that the caller gave it. Retry: yes.

    Attributes:
        operation: What: ``"connect"``, ``"wait_connected"`` or ``"send"``.
        seconds: How long was waited.
    """

    def __init__(self, operation: str, seconds: float) -> None:
        super().__init__(f"{operation} did not finish within {seconds} s")
        self.operation = operation
        self.seconds = seconds


def closed_error(
    error: WebSocketError | None, text: str = "there is no connection: await connect() first"
) -> WebSocketClosedError:
    """``error`` as the manager's own class, or ``text``; 1006 where there is no close code."""
    if isinstance(error, WebSocketClosed):
        return WebSocketClosedError(
            error.message, int(error.code), error.reason, clean=error.clean, by_peer=error.by_peer
        )
    if error is None:
        code = _ABNORMAL
    else:
        text, code = error.message, int(error.code)
    if not _CLOSE_CODES[0] <= code < _CLOSE_CODES[1]:
        code = _ABNORMAL  # libcurl's numbers are smaller
    return WebSocketClosedError(text, code, clean=False, by_peer=error is not None)
