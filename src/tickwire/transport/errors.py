"""Transport errors: curl_cffi's own classes, refined.

Every error here is a :class:`curl_cffi.WebSocketError` and so a :class:`curl_cffi.CurlError`: code
that catches those keeps working. What happened is told by the class and the attributes, never by
the text.
"""

from __future__ import annotations

import re
from typing import Any, cast

import curl_cffi
from curl_cffi import CurlECode

from ..wire import CloseCode

__all__ = [
    "ConnectError",
    "HandshakeError",
    "HandshakeRejected",
    "KeepaliveTimeout",
    "MessageTooBig",
    "ProtocolViolation",
    "QueueOverflow",
    "SessionClosed",
    "WebSocketClosed",
    "WebSocketError",
    "WebSocketTimeout",
    "connect_error",
    "scrubbed",
    "shown",
]


class WebSocketError(curl_cffi.WebSocketError):
    """Base of the transport's errors, and the error of a broken connection.

    Attributes:
        code: A close code or a libcurl error number; 0 where neither fits.
        reason: What the peer gave as its reason; empty where it gave none.
        last_byte_age: Seconds since the peer's last byte, as of the connection's end, or of this
            error if it has not ended; ``None`` if there was no connection.
        retriable: Whether a new connection has a chance without changing the request.
    """

    reason = ""
    last_byte_age: float | None = None
    retriable = True

    def __init__(self, message: str, code: int = 0) -> None:
        # curl_cffi 0.16 says Literal[0], and takes any number.
        super().__init__(message, cast("Any", code))
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process boundaries whole, whatever their constructors take."""
        return _rebuilt, (type(self), self.args, self.__dict__)


class WebSocketClosed(WebSocketError, curl_cffi.WebSocketClosed):
    """The connection is closed.

    Attributes:
        code: The peer's close code; 1005 if its close frame had none, 1006 if there was no frame.
        reason: The peer's reason, possibly empty.
        clean: Whether the closing handshake was completed.
        by_peer: Whether the peer began it.
    """

    def __init__(
        self,
        message: str,
        code: int = 0,
        reason: str = "",
        *,
        clean: bool = False,
        by_peer: bool = False,
    ) -> None:
        super().__init__(message, code)
        self.reason = reason
        self.clean = clean
        self.by_peer = by_peer


class SessionClosed(WebSocketClosed):
    """The session is closed and makes no connection any more. Retry: with another session."""

    retriable = False

    def __init__(self) -> None:
        super().__init__("the session is closed", int(CloseCode.ABNORMAL_CLOSURE))


class WebSocketTimeout(WebSocketError, curl_cffi.WebSocketTimeout):
    """Nothing happened within the time that the caller set. A connection that there is lives on;
    a connect that ran into it is given up. Retry: yes."""


class KeepaliveTimeout(WebSocketClosed):
    """The peer did not answer a keepalive ping; the connection was cut. Retry: with a new one.

    Attributes:
        silence: Seconds since the peer's last byte.
        loop_lateness: Seconds by which this program's own loop was late when that was found.
    """

    def __init__(self, silence: float, loop_lateness: float) -> None:
        super().__init__(
            f"no byte from the peer for {silence:.1f} s, and none after a ping",
            int(CloseCode.ABNORMAL_CLOSURE),
            clean=False,
            by_peer=False,
        )
        self.silence = silence
        self.loop_lateness = loop_lateness


class QueueOverflow(WebSocketError):
    """The receive queue was full and the policy is ``fail``. Retry: with a larger queue, a faster
    consumer, or another policy."""


class ProtocolViolation(WebSocketError):
    """The peer broke RFC 6455; ``code`` is the close code it was told. Retry: rarely helps."""

    retriable = False


class MessageTooBig(ProtocolViolation):
    """A message exceeded ``max_message_size``; ``code`` is ``CurlECode.TOO_LARGE``, and the peer
    was told 1009. Retry: with a larger limit."""


class ConnectError(WebSocketError):
    """No connection: DNS, TCP, proxy or TLS failed; ``code`` is libcurl's. Retry: after a pause,
    unless a name or a certificate is wrong."""


class HandshakeError(ConnectError):
    """The server answered 101, but not as RFC 6455 section 4 demands. Retry: no."""

    retriable = False


class HandshakeRejected(ConnectError):
    """The server answered the upgrade with something other than 101.

    Attributes:
        url: What was asked, redirects followed.
        status: HTTP status.
        headers: (lower-case name, value) pairs of the answer, in order.
        body: The start of the body as far as it could be had, unpacked. libcurl throws away the
            body of a refused upgrade; on a connection without TLS what had arrived is read
            beforehand, under TLS it stays empty.
        retry_after: The Retry-After header, in seconds where it is a number, else ``None``.
    """

    def __init__(
        self,
        message: str,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        *,
        url: str,
    ) -> None:
        super().__init__(message, int(CurlECode.HTTP_RETURNED_ERROR))
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body
        self.retriable = status in (408, 418, 425, 429) or status >= 500
        after = next((value for name, value in headers if name == "retry-after"), "")
        self.retry_after = float(after) if after.isascii() and after.isdigit() else None


def _rebuilt(
    kind: type[WebSocketError], args: tuple[Any, ...], state: dict[str, Any]
) -> WebSocketError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


_PERMANENT = frozenset(
    {
        CurlECode.UNSUPPORTED_PROTOCOL,
        CurlECode.URL_MALFORMAT,
        CurlECode.PEER_FAILED_VERIFICATION,
        CurlECode.SSL_CERTPROBLEM,
        CurlECode.SSL_CACERT_BADFILE,
        CurlECode.BAD_FUNCTION_ARGUMENT,
    }
)


_AUTHORITY = re.compile(r"(?:[^/?#]*@)?([^/?#:@\[]*(?::\d*)?|\[[^/?#]*)(?=[/?#]|$)")
_PATH_END = re.compile(r"[?#]")
_KEY = re.compile(r"(?<=/)([A-Za-z0-9_-]{4})[A-Za-z0-9_-]{20,}(?=/|$)")
_USERINFO = re.compile(r"(//|').*@", re.DOTALL)


def shown(url: str) -> str:
    """A URL as texts and logs may show it: without user, password, query and fragment, and with
    the beginning only of a part of its path that looks like a key, as Binance's listen keys do."""
    start, slashes, rest = url.partition("//")
    authority = _AUTHORITY.match(rest)
    if not authority:
        # What seems to be a port is a password with a character that belongs escaped.
        rest = rest.rpartition("@")[2] if "@" in rest else ""
    elif slashes:
        rest = rest[authority.start(1) :]
    return _KEY.sub(r"\1…", _PATH_END.split(start + slashes + rest, maxsplit=1)[0])


def scrubbed(text: str) -> str:
    """libcurl's words without user and password of a URL that it repeats."""
    return _USERINFO.sub(r"\1", text)


def connect_error(error: curl_cffi.CurlError, url: str) -> WebSocketError:
    """What a failed ``perform`` means, by libcurl's error number."""
    code = int(error.code)
    text = f"could not connect to {shown(url)}: {error}"
    if code == CurlECode.OPERATION_TIMEDOUT:
        return WebSocketTimeout(text, code)
    failure = ConnectError(text, code)
    failure.retriable = code not in _PERMANENT
    return failure


def closed(code: int, reason: str, *, by_peer: bool) -> WebSocketClosed:
    """The error for a completed closing handshake."""
    detail = f": {reason}" if reason else ""
    who = "the peer closed" if by_peer else "closed"
    return WebSocketClosed(
        f"{who} the connection with code {code}{detail}", code, reason, clean=True, by_peer=by_peer
    )


def cut(detail: str, *, by_peer: bool) -> WebSocketClosed:
    """The error for a stream that ended without a closing handshake."""
    return WebSocketClosed(
        f"the connection ended without a close frame ({detail})",
        int(CloseCode.ABNORMAL_CLOSURE),
        clean=False,
        by_peer=by_peer,
    )
