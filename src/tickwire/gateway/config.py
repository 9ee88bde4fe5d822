"""What a gateway is told before it starts, and which combinations are refused. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from tickwire.errors import ConfigurationError
from tickwire.exchanges.registry import VENUES

__all__ = ["GatewayConfig", "GatewayLimits", "is_loopback"]

_TOKEN_CHARS = 16


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """What one gateway takes on, so that no caller can exhaust it.

    Attributes:
        listeners: SSE connections at a time, over all endpoints.
        streams: Upstream streams at a time, over all exchanges, books included.
        symbols: Symbols in one request.
        queue: Messages that may wait for one listener; beyond that, older ones make room.
        history: Messages kept of each stream for listeners that come back.
    """

    listeners: int = 2500
    streams: int = 500
    symbols: int = 100
    queue: int = 256
    history: int = 256


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """How a gateway is wanted.

    Attributes:
        host: Address to listen on. Anything but loopback needs a ``token``.
        port: 0 takes a free one.
        exchange: What requests without ``?exchange=`` are about.
        exchanges: What ``?exchange=`` may name.
        market: Of ``exchange``; ``None`` is its first.
        url: Another server for ``exchange``, ``ws://127.0.0.1:8080``: the simulator's. Requests
            cannot name one.
        token: What callers must send as ``Authorization: Bearer …``, or as ``access_token`` in the
            query where they cannot set headers, as a browser's ``EventSource``. 16 characters at
            the least.
        origins: Web origins whose pages may call, ``https://app.example``; none but the gateway's
            own if empty.
        hosts: Further names by which callers may address it, where it listens on loopback.
        heartbeat: Seconds between the heartbeats of a stream.
        linger: Seconds for which a stream that nobody listens to is kept, so that a listener can
            come back to it.
        stale_after: Seconds without anything from an exchange after which its streams count as
            stale.
        book_interval: Seconds between two pictures of one book.
        symbols: What ``quick/start-prices`` starts with if it is not told, on any exchange: with
            their parts apart, which every exchange takes.
        limits: See :class:`GatewayLimits`.

    Raises:
        ConfigurationError: They contradict one another, or are out of range. Retry: no.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    exchange: str = "binance"
    exchanges: tuple[str, ...] = tuple(VENUES)
    market: str | None = None
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    heartbeat: float = 15.0
    linger: float = 10.0
    stale_after: float = 30.0
    book_interval: float = 0.1
    symbols: tuple[str, ...] = ("BTC-USDT", "ETH-USDT")
    limits: GatewayLimits = GatewayLimits()

    def __post_init__(self) -> None:
        if self.exchange not in self.exchanges:
            raise ConfigurationError(
                f"no exchange {self.exchange!r}; there are: {', '.join(self.exchanges)}"
            )
        if self.token is not None and len(self.token) < _TOKEN_CHARS:
            raise ConfigurationError(f"a token needs {_TOKEN_CHARS} characters at the least")
        if not is_loopback(self.host) and self.token is None:
            raise ConfigurationError(
                f"{self.host} can be reached from other machines: give a token, "
                "or listen on 127.0.0.1"
            )
        for name in ("heartbeat", "stale_after", "book_interval"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be above 0")
        if not self.linger >= 0:
            raise ConfigurationError("linger must be 0 or more")
        for origin in self.origins:
            scheme, _, rest = origin.partition("://")
            if scheme not in ("http", "https") or not rest or "/" in rest:
                raise ConfigurationError(
                    f"{origin!r} is not an origin; write it like https://app.example"
                )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
