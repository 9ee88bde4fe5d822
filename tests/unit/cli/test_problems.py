"""Errors become one line and an exit code."""

from __future__ import annotations

import pytest

from tickwire.cli.problems import ExitCode, Problem, explain, one_line
from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.transport import (
    ConnectError,
    HandshakeError,
    HandshakeRejected,
    MessageTooBig,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)

URL = "wss://user:secret@venue.example:9443/stream"
RAW = "could not connect: Failed to perform, curl: (7). See https://curl.se first.\nTwo lines"


def rejected(status: int, body: bytes = b"", *headers: tuple[str, str]) -> HandshakeRejected:
    return HandshakeRejected("refused", status, headers, body, url="https://venue.example")


def closed(code: int, reason: str, *, clean: bool) -> WebSocketClosed:
    return WebSocketClosed("closed", code, reason, clean=clean, by_peer=True)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ConfigurationError("no such\nthing"), 2, "no such thing"),
        (SubscriptionError("Invalid", code=2, streams=("a@b",)), 1, "a@b"),
        (ConnectError(RAW, 1), 2, "--url wants ws:// or wss://"),
        (ConnectError(RAW, 3), 2, "--url wants ws:// or wss://"),
        (ConnectError(RAW, 5), 1, "check --proxy"),
        (ConnectError(RAW, 6), 1, "there is no host venue.example,"),
        (ConnectError(RAW, 7), 1, "nothing answers at venue.example:9443"),
        (ConnectError(RAW, 35), 1, "speaks TLS"),
        (ConnectError(RAW, 52), 1, "closed the connection without an answer"),
        (ConnectError(RAW, 56), 1, "cut the connection"),
        (ConnectError(RAW, 60), 1, "certificate of venue.example:9443 cannot be verified"),
        (ConnectError(RAW, 97), 1, "proxy refused"),
        (ConnectError(RAW, 42), 1, "no connection to venue.example:9443"),
        (WebSocketTimeout(RAW, 28), 1, "no answer from venue.example:9443"),
        (HandshakeError("bad accept"), 1, "bad accept"),
        (MessageTooBig("the peer broke the protocol: too big", 1009), 1, "too big"),
        (WebSocketError("receiving failed", 56), 1, "cut the connection"),
        (closed(1001, "bye\nbye", clean=True), 1, 'code 1001 and "bye bye"'),
        (closed(1000, "", clean=True), 1, "code 1000: start again"),
        (closed(1006, "", clean=False), 1, "was cut"),
        (rejected(403), 1, "HTTP 403: the venue may refuse this address or region; try --proxy"),
        (rejected(404), 1, "check --url"),
        (rejected(200), 1, "does not speak WebSocket"),
        (rejected(302), 1, "does not speak WebSocket"),
        (rejected(429, b"", ("retry-after", "7")), 1, "wait before trying again (7 s, it says)"),
        (rejected(503), 1, "try again later"),
        (rejected(599), 1, "try again later"),
        (rejected(400, b'{"msg":\r\n"\x1b[31mno\xff"}'), 1, '{"msg": "[31mno'),
        (OSError("Impersonating x is not supported"), 2, "check --impersonate"),
        (OSError(28, "No space left on device"), 1, "cannot write the output: No space"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_is_one_line(error: Exception, code: int, says: str) -> None:
    problem = explain(error, URL)
    assert problem is not None
    assert says in problem.line
    assert problem.exit_code == code
    assert problem.line.isprintable()
    assert "secret" not in problem.line
    assert "curl.se" not in problem.line or says.startswith("no connection")


def test_a_dead_proxy_is_named_and_not_the_venue() -> None:
    problem = explain(ConnectError(RAW, 7), URL, "http://user:secret@127.0.0.1:9")
    assert problem is not None
    assert problem.line == "nothing answers at the proxy 127.0.0.1:9: check --proxy"


def test_a_long_answer_is_cut() -> None:
    problem = explain(rejected(500, b"x" * 5000), URL)
    assert problem is not None
    assert len(problem.line) < 300


def test_a_problem_passes_through() -> None:
    problem = Problem("a\nb", ExitCode.USAGE)
    assert explain(problem, URL) is problem
    assert problem.line == "a b"


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), KeyError("x")])
def test_a_mistake_of_ours_is_not_explained_away(error: Exception) -> None:
    assert explain(error, URL) is None


def test_a_url_without_a_host_is_shown_as_it_is() -> None:
    problem = explain(ConnectError("x", 7), "nonsense")
    assert problem is not None
    assert "nonsense" in problem.line


def test_one_line() -> None:
    assert one_line("a\r\n  b\tc\x1b[0m\x00 é–") == "a b c[0m é–"
