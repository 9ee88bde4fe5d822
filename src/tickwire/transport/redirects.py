"""Where a redirected upgrade goes. libcurl follows no redirect of a WebSocket; the session does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from curl_cffi import CurlFollow, CurlOpt

if TYPE_CHECKING:
    from curl_cffi import Cookies, Headers

    from .errors import HandshakeRejected

__all__ = ["for_another_origin", "redirect_target", "same_origin"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_PORTS = {"ws": 80, "wss": 443}

_PRIVATE_HEADERS = ("authorization", "cookie", "host", "proxy-authorization")

_PRIVATE_OPTIONS = frozenset(
    CurlOpt[name]
    for name in (
        "AWS_SIGV4",
        "COOKIE",
        "COOKIEFILE",
        "COOKIELIST",
        "HTTPHEADER",
        "KEYPASSWD",
        "LOGIN_OPTIONS",
        "PASSWORD",
        "SASL_AUTHZID",
        "SSLCERT",
        "SSLCERT_BLOB",
        "SSLKEY",
        "SSLKEY_BLOB",
        "TLSAUTH_PASSWORD",
        "TLSAUTH_USERNAME",
        "USERNAME",
        "USERPWD",
        "XOAUTH2_BEARER",
    )
    if name in CurlOpt.__members__
)
"""What proves to one host who asks. A proxy's stay: the proxy is the same."""


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def same_origin(one: str, other: str) -> bool:
    """Whether two WebSocket URLs have scheme, host and port in common (RFC 6454)."""
    return _origin(one) == _origin(other)


def redirect_target(url: str, refusal: HandshakeRejected, allow: Any) -> str | None:
    """The URL to try next, or ``None`` if the refusal stands.

    Args:
        url: The URL that was refused.
        refusal: The answer.
        allow: ``allow_redirects`` as curl_cffi has it: false, true, or ``"safe"``
            (:attr:`CurlFollow.SAFE`), which here follows to the same host only.

    Encryption is never given up: ``wss`` is not redirected to ``ws``. User and password in ``url``
    are carried on to the same origin.
    """
    location = next((value for name, value in refusal.headers if name == "location"), None)
    if not allow or refusal.status not in _REDIRECTS or not location:
        return None
    try:
        parts = urlsplit(urljoin(url, location))
        scheme = _SCHEMES.get(parts.scheme)
        if scheme is None or not parts.hostname or parts.port == 0:
            return None
    except ValueError:  # not a URL, or a port that is none
        return None
    target = urlunsplit((scheme, parts.netloc, parts.path or "/", parts.query, ""))
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    if at and "@" not in parts.netloc and same_origin(url, target):
        target = urlunsplit(urlsplit(target)._replace(netloc=f"{user}@{parts.netloc}"))
    if urlsplit(url).scheme == "wss" and scheme == "ws":
        return None
    if allow in ("safe", CurlFollow.SAFE) and parts.hostname != urlsplit(url).hostname:
        return None
    return target


def for_another_origin(
    network: dict[str, Any], headers: Headers, cookies: Cookies
) -> dict[str, Any]:
    """What a connect was asked for, without that which was meant for its host alone.

    Args:
        network: The arguments of the connect so far.
        headers: Those of the request; changed in place.
        cookies: Those that are bound to hosts themselves, and stay.
    """
    for name in _PRIVATE_HEADERS:
        headers.pop(name, None)
    options = network["curl_options"]
    return {
        **network,
        "auth": None,
        "cert": None,
        "cookies_list": [cookies, None],
        "curl_options": {
            option: value for option, value in options.items() if option not in _PRIVATE_OPTIONS
        },
    }
