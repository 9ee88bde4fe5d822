"""What went wrong, as one line that says what to do next, and an exit code.

Errors are told apart by class and number, never by their text. libcurl's numbers are part of its
stable interface: https://curl.se/libcurl/c/libcurl-errors.html.
"""

from __future__ import annotations

from enum import IntEnum
from urllib.parse import urlsplit

from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.manager import WebSocketConnectionError
from tickwire.transport import (
    HandshakeError,
    HandshakeRejected,
    ProtocolViolation,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)

__all__ = ["ExitCode", "Problem", "cannot_write", "explain", "one_line"]

_BODY_CHARS = 120


class ExitCode(IntEnum):
    """What the shell sees."""

    OK = 0
    FAILED = 1
    """The network, the venue or this machine."""
    USAGE = 2
    """What was asked for: an unknown option, symbol, stream or exchange."""
    INTERRUPTED = 130
    """Ctrl-C before there was anything to end cleanly; 128 + SIGINT, as shells have it."""


class Problem(Exception):
    """Ends a command.

    Attributes:
        line: What happened and what to do, for a person; made one line.
        exit_code: What the shell sees.
    """

    def __init__(self, line: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(line)
        self.line = one_line(line)
        self.exit_code = exit_code


class _Curl(IntEnum):
    UNSUPPORTED_PROTOCOL = 1
    URL_MALFORMAT = 3
    COULDNT_RESOLVE_PROXY = 5
    COULDNT_RESOLVE_HOST = 6
    COULDNT_CONNECT = 7
    SSL_CONNECT_ERROR = 35
    GOT_NOTHING = 52
    RECV_ERROR = 56
    PEER_FAILED_VERIFICATION = 60
    PROXY = 97


_CONNECT_FAILURES: dict[int, str] = {
    _Curl.COULDNT_RESOLVE_PROXY: "the proxy's host name is unknown: check --proxy",
    _Curl.COULDNT_RESOLVE_HOST: "there is no host {name}, as far as this machine's DNS knows: "
    "check the spelling and the network",
    _Curl.COULDNT_CONNECT: "nothing answers at {host}: check that the server runs, the port, "
    "and --proxy if there is one",
    _Curl.SSL_CONNECT_ERROR: "no TLS connection with {host}: check the port, and that the server "
    "speaks TLS (wss://) and not plain text (ws://)",
    _Curl.GOT_NOTHING: "{host} closed the connection without an answer: check the port and the URL",
    _Curl.RECV_ERROR: "{host} cut the connection during the handshake: check the port and the URL",
    _Curl.PEER_FAILED_VERIFICATION: "the TLS certificate of {host} cannot be verified, so nothing "
    "was sent: check the host name and this machine's clock and CA certificates",
    _Curl.PROXY: "the proxy refused to connect to {host}: check --proxy and its credentials",
}
_BAD_URLS = frozenset({_Curl.UNSUPPORTED_PROTOCOL, _Curl.URL_MALFORMAT})
_REFUSALS: dict[int, str] = {
    401: "check --url: this address wants credentials",
    403: "the venue may refuse this address or region; try --proxy",
    404: "check --url: there is no WebSocket at this address",
    418: "this address is banned for a time; wait before trying again",
    429: "too many requests; wait before trying again",
    451: "the venue refuses this region; try --proxy",
}
_SERVER_TROUBLE = "the server is in trouble; try again later"
_NOT_THERE = "check --url: this address does not speak WebSocket"


def one_line(text: str) -> str:
    """``text`` on one line and without control characters, whoever wrote it."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def explain(error: Exception, url: str, proxy: str | None = None) -> Problem | None:
    """What ``error`` means to somebody who wanted to stream from ``url``, through ``proxy``.

    ``None`` for an error that is none of the expected ones: a mistake in this program.
    """
    match error:
        case Problem():
            return error
        case ConfigurationError():
            return Problem(str(error), ExitCode.USAGE)
        case SubscriptionError():
            return Problem(f"{error}; check the streams asked for")
        case WebSocketConnectionError(__cause__=WebSocketError() as cause):
            return explain(cause, url)
        case HandshakeRejected():
            return _refusal(error, _host(url))
        case HandshakeError():
            return Problem(
                f"{_host(url)} does not speak WebSocket as it should: {error.message}; check --url"
            )
        case WebSocketTimeout():
            return Problem(
                f"no answer from {_host(url)} in time: check the network, or go through --proxy"
            )
        case WebSocketClosed():
            return _closed(error, _host(url))
        case ProtocolViolation():
            return Problem(f"{error.message}; the connection was closed, try again")
        case WebSocketError():
            return _connect_failure(error, _host(url), proxy)
        case OSError(errno=int()):
            return cannot_write(error)
        case OSError():
            # curl_cffi's errors from before the first byte: a proxy or a browser name it rejects.
            return Problem(f"{error}; check --impersonate and --proxy", ExitCode.USAGE)
    return None


def cannot_write(error: OSError) -> Problem:
    """The problem of an output that takes nothing."""
    return Problem(f"cannot write the output: {error.strerror}")


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or url


def _refusal(error: HandshakeRejected, host: str) -> Problem:
    advice = _REFUSALS.get(error.status)
    if advice is None:
        advice = _SERVER_TROUBLE if error.status >= 500 else _NOT_THERE
    if error.retry_after is not None:
        advice += f" ({error.retry_after:.0f} s, it says)"
    said = one_line(error.body[: 4 * _BODY_CHARS].decode(errors="replace"))[:_BODY_CHARS]
    quote = f' and "{said}"' if said else ""
    return Problem(f"{host} refused the connection with HTTP {error.status}{quote}: {advice}")


def _closed(error: WebSocketClosed, host: str) -> Problem:
    if not error.clean:
        return Problem(f"the connection to {host} was cut: check the network and start again")
    reason = f' and "{error.reason}"' if error.reason else ""
    return Problem(f"{host} closed the connection with code {error.code}{reason}: start again")


def _connect_failure(error: WebSocketError, host: str, proxy: str | None) -> Problem:
    if error.code in _BAD_URLS:
        return Problem(
            "--url wants ws:// or wss:// and a host, like ws://127.0.0.1:8080", ExitCode.USAGE
        )
    if error.code == _Curl.COULDNT_CONNECT and proxy:
        # The first connection is the one to the proxy.
        return Problem(f"nothing answers at the proxy {_host(proxy)}: check --proxy")
    text = _CONNECT_FAILURES.get(error.code)
    if text is not None:
        return Problem(text.format(host=host, name=host.rpartition(":")[0] or host))
    return Problem(f"no connection to {host}: {error.message}")
