"""Where Binance's streams are served, and what one connection may carry.

Sources: the vendor's "WebSocket Streams" page (spot) and "Websocket Market Streams" pages (USD-M,
COIN-M), as of August 2026. USD-M has been served by path since March 2026: book data under
``/public``, everything else under ``/market``, and a stream asked for on the wrong path is silent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import RateWindow
from tickwire.exchanges.binance.hosts import HOSTS
from tickwire.exchanges.binance.names import Environment, Market, as_stream, check_stream
from tickwire.exchanges.venue import ConnectionPlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.exchanges.base import Stream

__all__ = ["ENDPOINTS", "LIMITS", "ConnectionPlan", "Limits", "TimeUnit", "plan_connections"]

TimeUnit = Literal["millisecond", "microsecond"]


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What the venue allows one connection.

    Attributes:
        streams_per_connection: Streams on one connection at a time.
        messages_per_second: Frames that the client may send, pings and pongs included. Exceeding it
            closes the connection, and repeatedly, bans the address.
        connects_per_five_minutes: Connects from one address.
        connection_seconds: Age at which the venue ends a connection.
    """

    streams_per_connection: int
    messages_per_second: int
    connects_per_five_minutes: int = 300
    connection_seconds: int = 24 * 3600

    @property
    def connects(self) -> tuple[RateWindow, ...]:
        """:attr:`connects_per_five_minutes`, as limiters take it."""
        return (RateWindow(self.connects_per_five_minutes, 300.0),)


LIMITS: dict[Market, Limits] = {
    "spot": Limits(streams_per_connection=1024, messages_per_second=5),
    "usdm": Limits(streams_per_connection=1024, messages_per_second=10),
    "coinm": Limits(streams_per_connection=1024, messages_per_second=10),
}

ENDPOINTS: dict[tuple[Market, Environment], str] = {
    (market, environment): hosts.streams
    for (market, tld, environment), hosts in HOSTS.items()
    if tld == "com"
}

# USD-M: the suffixes that `/public` serves; every other stream is served by `/market`.
_PUBLIC_CLASS = re.compile(r"!bookTicker|[^@]*@(bookTicker|depth.*|rpiDepth.*)")


def plan_connections(
    streams: Iterable[Stream | str],
    *,
    market: Market,
    environment: Environment = "production",
    base_url: str | None = None,
    combined: bool = True,
    time_unit: TimeUnit = "millisecond",
) -> list[ConnectionPlan]:
    """The connections that ``streams`` need: split by path class (USD-M) and by the stream limit.

    Args:
        streams: Order is kept; a name that comes twice is taken once, with the first symbol.
        market: Which market they are of.
        environment: Production, testnet or demo.
        base_url: Another server that speaks the same paths, instead of the venue's:
            ``ws://127.0.0.1:8080``.
        combined: Frames that name their stream (recommended: raw ones can be ambiguous).
        time_unit: Of the times as sent; events give nanoseconds either way. Microseconds exist on
            spot only.

    Raises:
        ConfigurationError: A name that is none, or that this market does not serve; microseconds
            of a market that has none. Retry: no.
    """
    query = ""
    if time_unit == "microsecond":
        if market != "spot":
            raise ConfigurationError(f"{market} has milliseconds only; microseconds are on spot")
        query = "?timeUnit=MICROSECOND"
    base = (base_url or ENDPOINTS[market, environment]).rstrip("/")
    endpoint = "stream" if combined else "ws"
    groups: dict[str, dict[str, Stream]] = {}
    for item in streams:
        stream = as_stream(item)
        check_stream(stream, market)
        groups.setdefault(_path_class(stream, market), {}).setdefault(stream.name, stream)
    size = LIMITS[market].streams_per_connection
    plans = []
    for path_class, members in groups.items():
        group = tuple(members.values())
        plans += [
            ConnectionPlan(f"{base}{path_class}/{endpoint}{query}", group[start : start + size])
            for start in range(0, len(group), size)
        ]
    return plans


def _path_class(stream: Stream, market: Market) -> str:
    if market != "usdm":
        return ""
    return "/public" if _PUBLIC_CLASS.fullmatch(stream.name) else "/market"
