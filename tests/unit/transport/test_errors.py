"""The transport's errors: curl_cffi's classes, told apart by type and attribute, never by text."""

from __future__ import annotations

import pickle

import curl_cffi
import pytest
from curl_cffi import CurlECode

from tickwire.transport import (
    ConnectError,
    HandshakeError,
    HandshakeRejected,
    MessageTooBig,
    ProtocolViolation,
    WebSocketError,
    WebSocketTimeout,
)
from tickwire.transport.errors import closed, connect_error, cut, scrubbed, shown


def rejected(status: int, *headers: tuple[str, str]) -> HandshakeRejected:
    return HandshakeRejected("refused", status, headers, b"body", url="wss://example.com/")


def test_all_are_curl_cffis() -> None:
    errors = [
        WebSocketError("x"),
        closed(1000, "", by_peer=True),
        WebSocketTimeout("x"),
        ProtocolViolation("x", 1002),
        MessageTooBig("x", 1009),
        ConnectError("x", 7),
        HandshakeError("x", 8),
        rejected(403),
    ]
    for error in errors:
        assert isinstance(error, WebSocketError)
        assert isinstance(error, curl_cffi.WebSocketError)
        assert isinstance(error, curl_cffi.CurlError)
    assert isinstance(errors[1], curl_cffi.WebSocketClosed)
    assert isinstance(errors[2], curl_cffi.WebSocketTimeout)


@pytest.mark.parametrize(
    ("status", "retriable"),
    [
        (301, False),
        (400, False),
        (401, False),
        (403, False),
        (404, False),
        (408, True),
        (418, True),
        (425, True),
        (429, True),
        (451, False),
        (500, True),
        (502, True),
        (503, True),
        (599, True),
    ],
)
def test_which_refusals_are_worth_another_try(status: int, retriable: bool) -> None:
    assert rejected(status).retriable is retriable


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("²", None),
        ("١", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert rejected(429, ("retry-after", value)).retry_after == seconds


def test_a_refusal_without_retry_after() -> None:
    error = rejected(429, ("x-other", "5"))
    assert error.retry_after is None
    assert (error.status, error.body) == (429, b"body")
    assert error.headers == (("x-other", "5"),)


@pytest.mark.parametrize(
    ("code", "kind", "retriable"),
    [
        (CurlECode.COULDNT_RESOLVE_HOST, ConnectError, True),
        (CurlECode.COULDNT_RESOLVE_PROXY, ConnectError, True),
        (CurlECode.COULDNT_CONNECT, ConnectError, True),
        (CurlECode.SSL_CONNECT_ERROR, ConnectError, True),
        (CurlECode.GOT_NOTHING, ConnectError, True),
        (CurlECode.RECV_ERROR, ConnectError, True),
        (CurlECode.PEER_FAILED_VERIFICATION, ConnectError, False),
        (CurlECode.SSL_CACERT_BADFILE, ConnectError, False),
        (CurlECode.URL_MALFORMAT, ConnectError, False),
        (CurlECode.UNSUPPORTED_PROTOCOL, ConnectError, False),
        (CurlECode.OPERATION_TIMEDOUT, WebSocketTimeout, True),
    ],
)
def test_what_a_failed_connect_means(
    code: CurlECode, kind: type[WebSocketError], retriable: bool
) -> None:
    error = connect_error(curl_cffi.CurlError("text", code), "wss://example.com/")
    assert type(error) is kind
    assert error.code == code
    assert error.retriable is retriable
    assert "wss://example.com/" in str(error)


def test_closed_and_cut() -> None:
    theirs = closed(1008, "banned", by_peer=True)
    assert (theirs.code, theirs.reason, theirs.clean, theirs.by_peer) == (
        1008,
        "banned",
        True,
        True,
    )
    assert "1008" in str(theirs)
    assert "banned" in str(theirs)
    broken = cut("end of stream", by_peer=True)
    assert (broken.code, broken.reason, broken.clean, broken.by_peer) == (1006, "", False, True)
    assert broken.retriable


@pytest.mark.parametrize(
    "error",
    [
        closed(1001, "bye", by_peer=True),
        rejected(429, ("retry-after", "3")),
        ProtocolViolation("broken", 1002),
        WebSocketTimeout("late", 28),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_process_boundary(error: WebSocketError) -> None:
    """Shards run in processes of their own; what goes wrong there is told here."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("wss://u:p@a.test:1/ws/btcusdt@depth@100ms?t#f", "wss://a.test:1/ws/btcusdt@depth@100ms"),
        ("wss://a.test/ws/" + "pqia91ma19a5s61c" * 4, "wss://a.test/ws/pqia…"),
        ("wss://a.test/pqia91ma19a5s61cv6a81va65sdf19/user", "wss://a.test/pqia…/user"),
        ("wss://a.test/v5/public/linear", "wss://a.test/v5/public/linear"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("wss://a.example.com:9443/ws/btc@trade?key=1#x", "wss://a.example.com:9443/ws/btc@trade"),
        ("wss://user:secret@a.example.com/ws/btc@trade", "wss://a.example.com/ws/btc@trade"),
        ("ws://user:sec/ret@a.example.com:1/x", "ws://a.example.com:1/x"),
        ("ws://user:sec?ret@a.example.com/x?y", "ws://a.example.com/x"),
        ("ws://user:sec#ret@a.example.com/x", "ws://a.example.com/x"),
        ("ws://user:secret@[bad/x", "ws://[bad/x"),
        ("ws://user:secret", "ws://"),
        ("ws://[::1]:80/x@y", "ws://[::1]:80/x@y"),
        ("/relative@path?key=1", "/relative@path"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_url(url: str, told: str) -> None:
    assert shown(url) == told


@pytest.mark.parametrize(
    "proxy", ["http://user:secret@h:1", "user:se cret@h:1", "http://user:sec/r@et@h:1"]
)
def test_passwords_in_libcurls_texts(proxy: str) -> None:
    text = scrubbed(f"Unsupported proxy syntax in '{proxy}': bad. See https://curl.se/x")
    assert text.startswith("Unsupported proxy syntax in '")
    assert text.endswith("h:1': bad. See https://curl.se/x")
    assert not {"user", "se", "sec", "secret", "cret"} & set(text.replace("@", ":").split(":"))
    assert scrubbed("Could not resolve host: h") == "Could not resolve host: h"
