"""Where a client's requests go, and whether its keys may go there too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.hosts import (
    WS_API_PATHS,
    Hosts,
    hosts_of,
    is_loopback,
    is_venue_host,
)

if TYPE_CHECKING:
    from tickwire.exchanges.binance.names import Environment, Market

__all__ = ["SIMULATOR_VARIABLE", "Venue"]

SIMULATOR_VARIABLE = "TICKWIRE_SIMULATOR"
"""``http://127.0.0.1:<port>``: every client made while it is set talks to the simulator there."""


class Venue:
    """The bases of every product, for one choice of domain and environment."""

    def __init__(
        self,
        *,
        tld: str = "com",
        environment: Environment = "production",
        base_endpoint: str = "",
        url: str | None = None,
        ws_url: str | None = None,
        ws_api_url: str | None = None,
        trust_url: bool = False,
    ) -> None:
        """Read the choice, and the environment variable :data:`SIMULATOR_VARIABLE`.

        Args:
            tld: ``"com"`` or ``"us"``.
            environment: Production, testnet or demo.
            base_endpoint: ``"1"`` to ``"4"``: one of the vendor's alternative REST hosts (spot).
            url: Another REST base, for every product; without a path.
            ws_url: Another base of the streams, as ``url``.
            ws_api_url: Another address of the WebSocket API, with its path.
            trust_url: Keys may go to these other addresses though they are not the venue's.

        Raises:
            ConfigurationError: An address has a scheme that is none of the interface's; the
                variable does not lead to this machine. Retry: no.
        """
        self.tld = tld
        self.environment: Environment = environment
        self._base_endpoint = base_endpoint
        self._trusted = trust_url
        self._simulator = _simulator(os.environ.get(SIMULATOR_VARIABLE))
        self._rest = _base(url, "url", ("http", "https"))
        self._streams = _base(ws_url, "ws_url", ("ws", "wss"))
        self._ws_api = _base(ws_api_url, "ws_api_url", ("ws", "wss"))
        if base_endpoint not in ("", "1", "2", "3", "4"):
            raise ConfigurationError("base_endpoint is '' or a digit from '1' to '4'")

    def rest_url(self, product: Market) -> str:
        """Scheme and authority of the REST interface."""
        if self._simulator is not None:
            return self._simulator
        if self._rest is not None:
            return self._rest
        base = self._hosts(product).rest
        if self._base_endpoint and product == "spot" and self.environment == "production":
            base = base.replace("//api.", f"//api{self._base_endpoint}.")
        return base

    def stream_url(self, product: Market) -> str:
        """Scheme and authority of the streams."""
        if self._simulator is not None:
            return _as_websocket(self._simulator)
        return self._streams or self._hosts(product).streams

    def ws_api_url(self, product: Market) -> str:
        """The whole address of the WebSocket API.

        Raises:
            ConfigurationError: The product has none there. Retry: no.
        """
        if self._simulator is not None:
            return _as_websocket(self._simulator) + WS_API_PATHS[product]
        if self._ws_api is not None:
            return self._ws_api
        base = self._hosts(product).ws_api
        if base is None:
            raise ConfigurationError(f"there is no WebSocket API for {product} at {self.tld}")
        return base + WS_API_PATHS[product]

    def check_keys(self, url: str) -> None:
        """Refuse to send a key to an address that is not the venue's.

        Raises:
            ConfigurationError: It is not, and nobody said that it may be trusted. Retry: no.
        """
        if self._trusted or is_venue_host(url):
            return
        if self._simulator is not None and is_loopback(url):
            return
        host = urlsplit(url).hostname if "@" not in url else None
        raise ConfigurationError(
            f"the API key is not sent to {host or 'this address'}: it is not Binance's over TLS; "
            "pass trust_url=True if you know who gets it"
        )

    def check_own_addresses(self) -> None:
        """:meth:`check_keys` of the addresses that the caller gave, before anything is sent."""
        if self._simulator is None:
            for address in (self._rest, self._streams, self._ws_api):
                if address is not None:
                    self.check_keys(address)

    def has_listen_keys(self, product: Market) -> bool:
        """Whether user data comes by listenKey: on futures, and on spot outside binance.com."""
        return product != "spot" or self.tld != "com"

    def _hosts(self, product: Market) -> Hosts:
        return hosts_of(product, self.tld, self.environment)


def _simulator(value: str | None) -> str | None:
    if not value:
        return None
    base = _base(value, SIMULATOR_VARIABLE, ("http",))
    if not is_loopback(value):
        raise ConfigurationError(
            f"{SIMULATOR_VARIABLE} has to lead to this machine (http://127.0.0.1:<port>): "
            "keys are sent there"
        )
    return base


def _base(url: str | None, name: str, schemes: tuple[str, ...]) -> str | None:
    if url is None:
        return None
    if urlsplit(url).scheme not in schemes:
        begins = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ConfigurationError(f"{name} begins with {begins}")
    return url.rstrip("/")


def _as_websocket(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(("ws", parts.netloc, parts.path, "", ""))
