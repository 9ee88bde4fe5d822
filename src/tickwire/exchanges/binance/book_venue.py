"""Binance as a venue of local order books: see :class:`tickwire.exchanges.book_venue.BookVenue`.

Sources: the vendor's "IP Limits" (429, 418, Retry-After, ``X-MBX-USED-WEIGHT-1M``) of the three
REST interfaces, as of August 2026. A ban after repeated 429 begins at two minutes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import RateLimits
from tickwire.exchanges.binance.book_codec import BinanceBookCodec
from tickwire.exchanges.binance.books import (
    REQUEST_WEIGHTS,
    affordable_levels,
    check_levels,
    new_book,
    snapshot_url,
    weight,
)
from tickwire.exchanges.binance.streams import (
    ENDPOINTS,
    LIMITS,
    check_market,
    depth,
    plan_connections,
    venue_symbol,
)
from tickwire.exchanges.book_venue import RestBudget, RestRequest
from tickwire.exchanges.venue import one_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.book import OrderBook, SnapshotRequest
    from tickwire.exchanges.binance.streams import (
        ConnectionPlan,
        Environment,
        TimeUnit,
    )

__all__ = ["BinanceBookVenue"]

_COOLDOWNS = MappingProxyType({429: 60.0, 418: 120.0})
_SHARE = 0.8
"""Of the request weight that the venue allows: the rest is for the program's other requests."""
_SCHEMES = {"ws://": "http://", "wss://": "https://"}


class BinanceBookVenue:
    """Diff depth streams and ``depth`` snapshots of one market. Pure.

    Attributes:
        levels: Per side, in snapshots.
        budget, rate_limits, connection_seconds, streams_per_connection: See
            :class:`~tickwire.exchanges.book_venue.BookVenue`.
    """

    def __init__(
        self,
        count: int,
        *,
        market: str | None = None,
        environment: str = "production",
        url: str | None = None,
        rest_url: str | None = None,
        levels: int | None = None,
        speed_ms: int = 100,
        time_unit: str = "millisecond",
        numbers: Literal["float", "decimal"] = "float",
        weight_per_minute: int | None = None,
    ) -> None:
        """
        Args:
            count: Books that are wanted; decides ``levels`` where that is left out.
            market, environment: Of the venue.
            url, rest_url: Other servers for streams and snapshots; ``rest_url`` is ``url``'s host
                where only that is given.
            levels: Per side; left out, what can be fetched for all books within a minute.
            speed_ms: Of the streams.
            time_unit: Of the times as sent.
            numbers: Of the books.
            weight_per_minute: Request weight to spend at the most; left out, four fifths of what
                the venue allows.

        Raises:
            ConfigurationError: The market has no such thing. Retry: no.
        """
        self._market = check_market("spot" if market is None else market)
        places = [place for kind, place in ENDPOINTS if kind == self._market]
        self._environment = cast("Environment", one_of("environment", environment, places))
        self._url = url
        self._rest_url = _rest_base(url) if rest_url is None else rest_url
        self._speed_ms = speed_ms
        units = ("millisecond", "microsecond")
        self._time_unit = cast("TimeUnit", one_of("time_unit", time_unit, units))
        self._numbers: Literal["float", "decimal"] = numbers
        allowed = int(REQUEST_WEIGHTS[self._market] * _SHARE)
        if weight_per_minute is not None:
            allowed = weight_per_minute
        if levels is None:
            levels = affordable_levels(self._market, count, allowed)
        check_levels(self._market, levels)
        self._weight = weight(self._market, levels)
        if self._weight > allowed:
            raise ConfigurationError(
                f"a snapshot of {levels} levels weighs {self._weight}, more than "
                f"weight_per_minute={allowed}; ask for fewer levels"
            )
        self.levels = levels
        self.budget = RestBudget(allowed, 60.0, "x-mbx-used-weight-1m", _COOLDOWNS)
        limits = LIMITS[self._market]
        self.rate_limits = RateLimits(connects=limits.connects)
        self.connection_seconds: float | None = limits.connection_seconds
        self.streams_per_connection = limits.streams_per_connection

    def key(self, symbol: str) -> str:
        """The venue's own symbol: ``btc/usdt`` → ``BTCUSDT``."""
        return venue_symbol(symbol)

    def plan(self, symbols: Iterable[str]) -> list[ConnectionPlan]:
        """The connections; streams carry the symbols as they were given."""
        return plan_connections(
            [depth(symbol, speed_ms=self._speed_ms, market=self._market) for symbol in symbols],
            market=self._market,
            environment=self._environment,
            base_url=self._url,
            time_unit=self._time_unit,
        )

    def codec(self, plan: ConnectionPlan) -> BinanceBookCodec:
        """A connection's codec."""
        return BinanceBookCodec(self._market)

    def book(self, symbol: str) -> OrderBook:
        """An empty book."""
        return new_book(symbol, self._market, numbers=self._numbers, levels=self.levels)

    def snapshot(self, request: SnapshotRequest) -> RestRequest:
        """The ``depth`` request."""
        url = snapshot_url(request, self._market, self._environment, base_url=self._rest_url)
        return RestRequest(url, self._weight)


def _rest_base(url: str | None) -> str | None:
    """The same server's REST interface: the simulator has both on one port."""
    if url is None:
        return None
    for scheme, other in _SCHEMES.items():
        if url.startswith(scheme):
            return other + url.removeprefix(scheme)
    raise ConfigurationError("url begins with ws:// or wss://; give rest_url= besides")
