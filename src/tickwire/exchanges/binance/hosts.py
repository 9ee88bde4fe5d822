"""Which hosts are Binance's, and what each serves.

Sources: the vendor's "General Information" pages of the spot, USD-M and COIN-M interfaces and its
demo mode page, as of August 2026; Binance.US's API documentation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.exchanges.binance.names import Environment, Market

__all__ = ["HOSTS", "WS_API_PATHS", "Hosts", "hosts_of", "is_loopback", "is_venue_host"]


class Hosts(msgspec.Struct, frozen=True):
    """The bases of one product: scheme and authority, without a path.

    Attributes:
        streams: Market streams, and user data by listenKey.
        rest: Requests over HTTP.
        ws_api: The WebSocket API, or ``None`` where there is none.
    """

    streams: str
    rest: str
    ws_api: str | None


HOSTS: dict[tuple[Market, str, Environment], Hosts] = {
    ("spot", "com", "production"): Hosts(
        "wss://stream.binance.com:9443", "https://api.binance.com", "wss://ws-api.binance.com:443"
    ),
    ("spot", "com", "testnet"): Hosts(
        "wss://stream.testnet.binance.vision",
        "https://testnet.binance.vision",
        "wss://ws-api.testnet.binance.vision",
    ),
    ("spot", "com", "demo"): Hosts(
        "wss://demo-stream.binance.com",
        "https://demo-api.binance.com",
        "wss://demo-ws-api.binance.com",
    ),
    ("spot", "us", "production"): Hosts(
        "wss://stream.binance.us:9443", "https://api.binance.us", "wss://ws-api.binance.us:443"
    ),
    ("usdm", "com", "production"): Hosts(
        "wss://fstream.binance.com", "https://fapi.binance.com", "wss://ws-fapi.binance.com"
    ),
    ("usdm", "com", "testnet"): Hosts(
        "wss://fstream.binancefuture.com",
        "https://testnet.binancefuture.com",
        "wss://testnet.binancefuture.com",
    ),
    # The futures' demo mode is served by the testnet, but for REST.
    ("usdm", "com", "demo"): Hosts(
        "wss://fstream.binancefuture.com",
        "https://demo-fapi.binance.com",
        "wss://testnet.binancefuture.com",
    ),
    ("coinm", "com", "production"): Hosts(
        "wss://dstream.binance.com", "https://dapi.binance.com", "wss://ws-dapi.binance.com"
    ),
    ("coinm", "com", "testnet"): Hosts(
        "wss://dstream.binancefuture.com",
        "https://testnet.binancefuture.com",
        "wss://testnet.binancefuture.com",
    ),
    ("coinm", "com", "demo"): Hosts(
        "wss://dstream.binancefuture.com",
        "https://demo-dapi.binance.com",
        "wss://testnet.binancefuture.com",
    ),
}
"""By product, top-level domain and environment."""

WS_API_PATHS: dict[Market, str] = {
    "spot": "/ws-api/v3",
    "usdm": "/ws-fapi/v1",
    "coinm": "/ws-dapi/v1",
}

_DOMAINS = ("binance.com", "binance.us", "binance.vision", "binancefuture.com")
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
# Parsers disagree on where the host ends in a URL that has one of these.
_AMBIGUOUS = re.compile(r"[@\\\s\x00-\x20]")


def hosts_of(product: Market, tld: str, environment: Environment) -> Hosts:
    """The bases of one product.

    Raises:
        ConfigurationError: There is no such product there, as far as is known. Retry: no.
    """
    hosts = HOSTS.get((product, tld, environment))
    if hosts is None:
        known = sorted(
            {
                f"tld={tld!r} {environment}"
                for market, tld, environment in HOSTS
                if market == product
            }
        )
        raise ConfigurationError(
            f"no {product} interface is known for tld={tld!r} in {environment}; "
            f"{product} is at {', '.join(known) or 'no known place'}; "
            "another server is given by url=, ws_url= and ws_api_url="
        )
    return hosts


def is_venue_host(url: str) -> bool:
    """Whether ``url`` leads to a host of Binance's, encrypted, so that a key may be sent there."""
    scheme, host = _authority(url)
    return scheme in ("https", "wss") and any(
        host == domain or host.endswith(f".{domain}") for domain in _DOMAINS
    )


def is_loopback(url: str) -> bool:
    """Whether ``url`` leads to this machine and nowhere else."""
    scheme, host = _authority(url)
    return scheme in ("http", "https", "ws", "wss") and bool(_LOOPBACK.fullmatch(host))


def _authority(url: str) -> tuple[str, str]:
    """Scheme and host, in lower case; empty for a URL that can be read in two ways."""
    if _AMBIGUOUS.search(url):
        return "", ""
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "").lower()
    except ValueError:
        return "", ""
