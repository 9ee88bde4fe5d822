"""What ``ws_connect`` is asked for, put into the form in which curl_cffi's request code takes it.

That code was written for HTTP. What it does not know of WebSockets, or lets pass, is settled here
before there is a handle: a mistake of the caller costs nothing and leaves nothing behind.
"""

from __future__ import annotations

import inspect
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from curl_cffi import CurlOpt, Headers
from curl_cffi.requests.utils import set_curl_options

from ..wire.deflate import Deflate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curl_cffi.requests.session import ProxySpec

__all__ = [
    "base_of_websockets",
    "check_header_lines",
    "checked_subprotocols",
    "checked_timeout",
    "checked_url",
    "deflate_in_header",
    "deflate_in_options",
    "merged_headers",
    "newer_arguments",
    "proxies_of_websockets",
    "subprotocols_in_header",
]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_LINE_BREAKS = re.compile(r"[\r\n\0]")
_CURLWS_DEFLATE = 4  # CurlWsOption.PERMESSAGE_DEFLATE, which curl_cffi names from 0.17 on
_HEADER_OPTIONS = frozenset(
    CurlOpt[name]
    for name in (
        "ACCEPT_ENCODING",
        "AWS_SIGV4",
        "COOKIE",
        "CUSTOMREQUEST",
        "HTTPHEADER",
        "PROXYHEADER",
        "RANGE",
        "REFERER",
        "REQUEST_TARGET",
        "USERAGENT",
        "XOAUTH2_BEARER",
    )
    if name in CurlOpt.__members__
)
"""Options that libcurl puts into the request as they are."""
_AS_WEBSOCKET = {"http": "ws", "https": "wss"}


def checked_url(url: str) -> str:
    """The URL, if it is text.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(url, str):
        raise TypeError(f"url must be a str, not {type(url).__name__}")
    return url


def checked_timeout(timeout: Any) -> tuple[float, float] | float | None:
    """curl_cffi's ``timeout``, seconds or a pair of them; ``None`` for no limit.

    A limit of 0 is none, as in curl_cffi, and so is an infinite one.

    Raises:
        TypeError: It is neither a number, nor a pair of numbers, nor ``None``.
        ValueError: It is negative, or not a number at all.
    """
    if timeout is None:
        return None
    if isinstance(timeout, tuple | list):
        if len(timeout) != 2:
            raise ValueError(f"timeout has two parts (connect, read), not {len(timeout)}")
        connect, read = (_one_timeout(part) for part in timeout)
        return None if connect is None or read is None else (connect, read)
    return _one_timeout(timeout)


def _one_timeout(seconds: Any) -> float | None:
    if seconds is None:
        return None
    limit = float(seconds)
    if math.isnan(limit) or limit < 0:
        raise ValueError(f"timeout must be a number of seconds, 0 or more, not {seconds!r}")
    return limit if 0 < limit < math.inf else None


def checked_subprotocols(subprotocols: Sequence[str]) -> tuple[str, ...]:
    """The sub-protocols to offer.

    Raises:
        TypeError: A single string: it would be taken for its letters.
        ValueError: One is not a token, or stands twice (RFC 6455 section 4.1, item 10).
    """
    if isinstance(subprotocols, str | bytes):
        raise TypeError(f"subprotocols is a sequence: write [{subprotocols!r}]")
    offered = tuple(subprotocols)
    for name in offered:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a sub-protocol: it is no HTTP token")
    if len(set(offered)) < len(offered):
        raise ValueError(f"a sub-protocol is offered twice: {offered}")
    return offered


def subprotocols_in_header(headers: Headers) -> tuple[str, ...]:
    """What a program offers that writes ``Sec-WebSocket-Protocol`` itself."""
    value = headers.get("sec-websocket-protocol") or ""
    return tuple(name for part in value.split(",") if (name := part.strip()))


def deflate_in_header(headers: Headers) -> Deflate | None:
    """The offer of a program that writes ``Sec-WebSocket-Extensions`` itself.

    A browser's headers, pasted, are such an offer; a server that takes it sends compressed
    messages, so it is made in earnest.
    """
    value = headers.get("sec-websocket-extensions") or ""
    names = (part.partition(";")[0].strip().lower() for part in value.split(","))
    return Deflate() if "permessage-deflate" in names else None


def deflate_in_options(options: dict[CurlOpt, Any]) -> Deflate | None:
    """The offer of a program that asks libcurl 8.23 for permessage-deflate."""
    return Deflate() if options.get(CurlOpt.WS_OPTIONS, 0) & _CURLWS_DEFLATE else None


def newer_arguments(dns: str | list[str] | None, trust_env: bool) -> dict[str, Any]:
    """Arguments that curl_cffi's request code has from 0.17 on, those that are not its defaults.

    Raises:
        ValueError: ``dns`` was given, and curl_cffi is older.
    """
    asked: dict[str, Any] = {}
    if dns:
        asked["dns"] = dns if isinstance(dns, str) else ",".join(dns)
    if not trust_env:
        asked["trust_env"] = False
    if not asked or "dns" in inspect.signature(set_curl_options).parameters:
        return asked
    if dns:
        raise ValueError("dns= needs curl_cffi 0.17 or later: pip install -U curl_cffi")
    return {}


def merged_headers(base: Headers, given: Any) -> Headers:
    """The session's headers, replaced and completed by the call's; text in UTF-8.

    curl_cffi decodes all of them by one guess at the encoding, and fails where it is wrong.
    """
    merged = Headers(encoding="utf-8")
    for part in (base, given):
        # Other forms than Headers are the caller's own text, and get an encoding here.
        found = part if isinstance(part, Headers) else Headers(part, encoding="utf-8")
        items: Any = found.multi_items()  # a value may be None: the header is switched off
        merged.update(Headers(items, encoding="utf-8"))
    return merged


def check_header_lines(headers: Headers, network: dict[str, Any]) -> None:
    """Refuse what would become a further header line of the request.

    Args:
        headers: Those of the request.
        network: The connect's other arguments, of which some become headers as well.

    Raises:
        ValueError: A name or value holds a line break or NUL.
    """
    lines: list[tuple[str, str | None]] = [*headers.multi_items()]
    lines += (("Referer", network["referer"]), ("Accept-Encoding", network["accept_encoding"]))
    for option, value in network["curl_options"].items():
        if option in _HEADER_OPTIONS:
            lines += ((CurlOpt(option).name, _as_text(each)) for each in _each(value))
    for name, value in lines:
        if _LINE_BREAKS.search(name) or (value and _LINE_BREAKS.search(value)):
            raise ValueError(f"header {name!r}: neither name nor value may hold a line break")


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _as_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def proxies_of_websockets(proxies: ProxySpec | None) -> dict[str, Any] | None:
    """``proxies`` whose entries for ``http`` and ``https`` hold for ``ws`` and ``wss`` as well.

    Entries for ``ws`` and ``wss`` come first. Keys may name a host: ``https://example.com``.
    """
    if proxies is None:
        return None
    given: dict[str, Any] = {**proxies}
    derived = {}
    for key, proxy in given.items():
        scheme, separator, host = key.partition("://")
        if scheme in _AS_WEBSOCKET:
            derived[_AS_WEBSOCKET[scheme] + separator + host] = proxy
    return derived | given


def base_of_websockets(base_url: str | None) -> str | None:
    """The session's ``base_url``, for relative URLs of WebSockets: ``https`` becomes ``wss``."""
    if not base_url:
        return base_url
    parts = urlsplit(base_url)
    return parts._replace(scheme=_AS_WEBSOCKET.get(parts.scheme, parts.scheme)).geturl()
