"""The opening handshake's rules (RFC 6455 section 4), on header blocks as servers write them."""

from __future__ import annotations

import base64

import pytest

from tickwire.wire import (
    HandshakeResponse,
    HandshakeViolation,
    accept_key,
    check_extensions,
    check_response,
    new_key,
    parse_response,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

GOOD = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": ACCEPT,
}


def answer(*lines: str, status: str = "HTTP/1.1 101 Switching Protocols") -> HandshakeResponse:
    return parse_response("\r\n".join((status, *lines, "", "")).encode("latin-1"))


def with_headers(*more: str, **changed: str | None) -> HandshakeResponse:
    """The good answer with headers changed (by name with underscores), left out (None) or added."""
    headers = dict(GOOD)
    lines = [
        f"{name}: {changed.get(name.replace('-', '_'), value)}"
        for name, value in headers.items()
        if changed.get(name.replace("-", "_"), value) is not None
    ]
    return answer(*lines, *more)


# ---------------------------------------------------------------------- keys


def test_the_example_of_section_1_3() -> None:
    assert accept_key(KEY) == ACCEPT


def test_new_keys_are_16_bytes_and_differ() -> None:
    keys = {new_key() for _ in range(500)}
    assert len(keys) == 500
    assert all(len(base64.b64decode(key, validate=True)) == 16 for key in keys)


# ---------------------------------------------------------------------- what passes


def test_a_good_answer() -> None:
    assert check_response(with_headers(), KEY) is None


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "WEBSOCKET", "  websocket\t"])
@pytest.mark.parametrize(
    "connection",
    ["Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,keep-alive", ", ,upgrade ,"],
)
def test_upgrade_and_connection_in_any_case_and_list(upgrade: str, connection: str) -> None:
    response = with_headers(Upgrade=upgrade, Connection=connection)
    assert check_response(response, KEY) is None


def test_connection_over_two_headers() -> None:
    response = with_headers("connection: Upgrade", Connection="keep-alive")
    assert check_response(response, KEY) is None


def test_header_names_in_any_case() -> None:
    response = answer(
        "UPGRADE: websocket", "connection:upgrade", f"sec-websocket-ACCEPT:  {ACCEPT}  "
    )
    assert check_response(response, KEY) is None


def test_an_offered_subprotocol() -> None:
    response = with_headers("Sec-WebSocket-Protocol: v2.feed")
    assert check_response(response, KEY, ("v1.feed", "v2.feed")) == "v2.feed"


def test_no_subprotocol_although_one_was_offered() -> None:
    assert check_response(with_headers(), KEY, ("v1.feed",)) is None


@pytest.mark.parametrize("value", ["", " ", ","])
def test_an_empty_extension_list_is_no_extension(value: str) -> None:
    response = with_headers(f"Sec-WebSocket-Extensions: {value}")
    assert check_extensions(response, None) is None


# ---------------------------------------------------------------------- what fails


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "x",
        ACCEPT[:-1],
        ACCEPT + "=",
        ACCEPT.lower(),
        ACCEPT.upper(),
        KEY,
        f'"{ACCEPT}"',
        f"{ACCEPT}, {ACCEPT}",
        accept_key("AAAAAAAAAAAAAAAAAAAAAA=="),
    ],
)
def test_a_wrong_accept(accept: str | None) -> None:
    with pytest.raises(HandshakeViolation, match="Accept"):
        check_response(with_headers(Sec_WebSocket_Accept=accept), KEY)


@pytest.mark.parametrize("second", [ACCEPT, "x"])
def test_accept_twice(second: str) -> None:
    with pytest.raises(HandshakeViolation, match="Accept"):
        check_response(with_headers(f"Sec-WebSocket-Accept: {second}"), KEY)


@pytest.mark.parametrize(
    "upgrade", [None, "", "h2c", "websockets", "websocket/13", "h2c, websocket"]
)
def test_a_wrong_upgrade(upgrade: str | None) -> None:
    with pytest.raises(HandshakeViolation, match="Upgrade"):
        check_response(with_headers(Upgrade=upgrade), KEY)


@pytest.mark.parametrize("connection", [None, "", "close", "keep-alive", "upgraded", "up grade"])
def test_a_wrong_connection(connection: str | None) -> None:
    with pytest.raises(HandshakeViolation, match="Connection"):
        check_response(with_headers(Connection=connection), KEY)


@pytest.mark.parametrize("chosen", ["v3.feed", "V1.FEED", "", "v1.feed, v2.feed"])
def test_a_subprotocol_not_offered(chosen: str) -> None:
    response = with_headers(f"Sec-WebSocket-Protocol: {chosen}")
    with pytest.raises(HandshakeViolation, match="sub-protocol"):
        check_response(response, KEY, ("v1.feed", "v2.feed"))


def test_a_subprotocol_although_none_was_offered() -> None:
    with pytest.raises(HandshakeViolation, match="sub-protocol"):
        check_response(with_headers("Sec-WebSocket-Protocol: v1.feed"), KEY)


def test_two_subprotocols() -> None:
    response = with_headers("Sec-WebSocket-Protocol: v1", "Sec-WebSocket-Protocol: v2")
    with pytest.raises(HandshakeViolation, match="sub-protocol"):
        check_response(response, KEY, ("v1", "v2"))


@pytest.mark.parametrize("value", ["permessage-deflate", "x-unheard; of=1", "a, b"])
def test_an_extension_not_offered(value: str) -> None:
    with pytest.raises(HandshakeViolation, match="extensions"):
        check_extensions(with_headers(f"Sec-WebSocket-Extensions: {value}"), None)


# ---------------------------------------------------------------------- header blocks


def test_parses_status_reason_and_headers_in_order() -> None:
    response = answer("A: 1", "b:2", "a:  3 ", status="HTTP/1.1 429 Too Many Requests")
    assert (response.status, response.reason) == (429, "Too Many Requests")
    assert response.headers == (("a", "1"), ("b", "2"), ("a", "3"))
    assert response.get("a") == "1"
    assert response.get_all("a") == ["1", "3"]
    assert response.get("c") is None


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("HTTP/1.1 101", 101, ""),
        ("HTTP/1.1 101 ", 101, ""),
        ("HTTP/1.0 502 Bad Gateway", 502, "Bad Gateway"),
        ("HTTP/2 403 ", 403, ""),
    ],
)
def test_status_lines(line: str, status: int, reason: str) -> None:
    response = answer(status=line)
    assert (response.status, response.reason) == (status, reason)


@pytest.mark.parametrize(
    "before",
    [
        "HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: /ws\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "HTTP/1.1 407 Proxy\r\n\r\nHTTP/1.1 200 OK\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
    ids=["connect", "continue", "hints", "redirect", "proxy login"],
)
def test_the_last_block_counts(before: str) -> None:
    good = "HTTP/1.1 101 S\r\n" + "".join(f"{name}: {value}\r\n" for name, value in GOOD.items())
    response = parse_response((before + good + "\r\n").encode())
    assert response.status == 101
    assert check_response(response, KEY) is None


def test_folded_headers_are_joined_by_one_space() -> None:
    response = answer("Connection: keep-alive,", "   Upgrade", "X: a", "\tb", "  c")
    assert response.tokens("connection") == ["keep-alive", "Upgrade"]
    assert response.get("x") == "a b c"


def test_a_fold_with_nothing_before_it_is_no_header() -> None:
    assert answer("  folded: nothing", "A: 1").get("a") == "1"


def test_bare_line_feeds() -> None:
    block = b"HTTP/1.1 101 S\nUpgrade: websocket\nConnection: Upgrade\n"
    response = parse_response(block + f"Sec-WebSocket-Accept: {ACCEPT}\n\n".encode())
    assert check_response(response, KEY) is None


def test_values_may_hold_colons_and_latin_1() -> None:
    response = answer("Location: https://example.com:443/", "X-Reason: caf\xe9")
    assert response.get("location") == "https://example.com:443/"
    assert response.get("x-reason") == "café"


def test_a_line_without_a_colon_is_passed_over() -> None:
    assert answer("nonsense", "A: 1").headers == (("a", "1"),)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 -101 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00\xff\xfe",
        b"HTTP/1.1 \xb9\xb0\xb9 superscripts\r\n\r\n",
        b"HTTP/1.1 \xb2 superscript\r\n\r\n",
    ],
)
def test_what_is_not_http(block: bytes) -> None:
    with pytest.raises(HandshakeViolation):
        parse_response(block)
