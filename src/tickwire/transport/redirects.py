"""Where a redirected upgrade goes. libcurl follows no redirect of a WebSocket; the session does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from curl_cffi import CurlFollow

if TYPE_CHECKING:
    from .errors import HandshakeRejected

__all__ = ["redirect_target", "same_origin"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_PORTS = {"ws": 80, "wss": 443}


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

    Encryption is never given up: ``wss`` is not redirected to ``ws``.
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
    if urlsplit(url).scheme == "wss" and scheme == "ws":
        return None
    if allow in ("safe", CurlFollow.SAFE) and parts.hostname != urlsplit(url).hostname:
        return None
    return target
