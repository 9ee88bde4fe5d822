"""Where a refused upgrade may go next."""

from __future__ import annotations

from typing import Any

import pytest
from curl_cffi import CurlFollow

from tickwire.transport import HandshakeRejected
from tickwire.transport.redirects import redirect_target, same_origin

HERE = "wss://stream.example.com:9443/ws/btcusdt@trade?x=1"


def refusal(status: int, location: str | None) -> HandshakeRejected:
    headers = () if location is None else (("location", location),)
    return HandshakeRejected("no", status, headers, b"", url=HERE)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_statuses_that_redirect(status: int) -> None:
    answer = refusal(status, "wss://other.example.com/ws")
    assert redirect_target(HERE, answer, True) == "wss://other.example.com/ws"


@pytest.mark.parametrize("status", [200, 300, 304, 305, 400, 401, 404, 429, 500, 503])
def test_statuses_that_do_not(status: int) -> None:
    assert redirect_target(HERE, refusal(status, "wss://other.example.com/ws"), True) is None


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/other?y=2", "wss://stream.example.com:9443/other?y=2"),
        ("other", "wss://stream.example.com:9443/ws/other"),
        ("?y=2", "wss://stream.example.com:9443/ws/btcusdt@trade?y=2"),
        ("//two.example.com/a", "wss://two.example.com/a"),
        ("https://two.example.com/a#part", "wss://two.example.com/a"),
        ("https://two.example.com", "wss://two.example.com/"),
        ("wss://[::1]:8443/a", "wss://[::1]:8443/a"),
        ("http://two.example.com/a", None),  # never from wss to ws
        ("ws://stream.example.com:9443/ws", None),
        ("ftp://two.example.com/a", None),
        ("javascript:alert(1)", None),
        ("https:///nowhere", None),
        ("", None),
        (None, None),
    ],
)
def test_locations(location: str | None, target: str | None) -> None:
    assert redirect_target(HERE, refusal(302, location), True) == target


@pytest.mark.parametrize(
    "location", ["https://[::1", "wss://two.example.com:99999999/", "wss://a:b/"]
)
def test_a_location_that_is_no_url_lets_the_refusal_stand(location: str) -> None:
    target = redirect_target(HERE, refusal(302, location), True)
    if target is not None:
        same_origin(HERE, target)  # must be something that can be looked at
    assert target is None


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("wss://a.example.com/y", "wss://me:it@a.example.com/y"),
        ("https://a.example.com:443/y", "wss://me:it@a.example.com:443/y"),
        ("/y", "wss://me:it@a.example.com/y"),
        ("wss://other:one@a.example.com/y", "wss://other:one@a.example.com/y"),
        ("wss://a.example.com:444/y", "wss://a.example.com:444/y"),
        ("wss://b.example.com/y", "wss://b.example.com/y"),
    ],
)
def test_user_and_password_go_on_to_the_same_origin_only(location: str, target: str) -> None:
    url = "wss://me:it@a.example.com/x"
    assert redirect_target(url, refusal(302, location), True) == target


def test_plain_may_become_encrypted() -> None:
    answer = refusal(301, "https://one.example.com/a")
    assert redirect_target("ws://one.example.com/a", answer, True) == "wss://one.example.com/a"
    answer = refusal(301, "http://one.example.com/b")
    assert redirect_target("ws://one.example.com/a", answer, True) == "ws://one.example.com/b"


@pytest.mark.parametrize("url", ["WSS://stream.example.com/a", "wss://stream.example.com/a"])
def test_encryption_is_kept_however_it_is_spelt(url: str) -> None:
    assert redirect_target(url, refusal(301, "HTTP://stream.example.com/a"), True) is None


@pytest.mark.parametrize("allow", [False, None, 0, ""])
def test_not_allowed(allow: Any) -> None:
    assert redirect_target(HERE, refusal(302, "/a"), allow) is None


@pytest.mark.parametrize("allow", ["safe", CurlFollow.SAFE])
def test_safe_means_the_same_host(allow: Any) -> None:
    same = redirect_target(HERE, refusal(302, "wss://stream.example.com:1/a"), allow)
    assert same == "wss://stream.example.com:1/a"
    assert redirect_target(HERE, refusal(302, "wss://evil.example.com/a"), allow) is None


@pytest.mark.parametrize("allow", [True, 1, CurlFollow.ALL])
def test_allowed_goes_anywhere(allow: Any) -> None:
    assert redirect_target(HERE, refusal(302, "wss://evil.example.com/a"), allow) is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ws://a/x", "ws://a:80/y", True),
        ("wss://a", "wss://A:443/", True),
        ("ws://a/", "wss://a/", False),
        ("ws://a/", "ws://b/", False),
        ("wss://a:1/", "wss://a:2/", False),
        ("ws://user:secret@a/", "ws://a/", True),
    ],
)
def test_origins(one: str, other: str, same: bool) -> None:
    assert same_origin(one, other) is same
    assert same_origin(other, one) is same
