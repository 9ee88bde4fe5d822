"""Binance under the venue contract: see :class:`tickwire.exchanges.venue.Venue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, RateLimits
from tickwire.exchanges.binance import streams
from tickwire.exchanges.binance.books import REST_ENDPOINTS
from tickwire.exchanges.binance.codec import BinanceCodec
from tickwire.exchanges.binance.endpoints import LIMITS, plan_connections
from tickwire.exchanges.binance.names import venue_symbol
from tickwire.exchanges.venue import (
    PRIVATE_CHANNELS,
    Channel,
    VenueLimits,
    check_address,
    one_of,
)
from tickwire.market import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.binance.names import Environment, Market
    from tickwire.exchanges.venue import ConnectionPlan, VenueSettings, Want

__all__ = ["BinanceVenue"]

_INSTRUMENT_PATHS: dict[str, str] = {
    "spot": "/api/v3/exchangeInfo",
    "usdm": "/fapi/v1/exchangeInfo",
    "coinm": "/dapi/v1/exchangeInfo",
}
_TRADING = "TRADING"
_PERPETUAL = "PERPETUAL"

# What each channel is on this venue. USD-M documents no trade stream: there it is the aggregates.
_STREAMS: dict[Channel, Callable[[Want, Market], Stream]] = {
    Channel.TRADES: lambda want, market: (
        streams.agg_trade(want.symbol) if market == "usdm" else streams.trade(want.symbol)
    ),
    Channel.AGG_TRADES: lambda want, market: streams.agg_trade(want.symbol),
    Channel.QUOTES: lambda want, market: streams.book_ticker(want.symbol),
    Channel.BOOKS: lambda want, market: streams.depth(want.symbol, speed_ms=100, market=market),
    Channel.SNAPSHOTS: lambda want, market: streams.partial_depth(
        want.symbol, 20, speed_ms=100, market=market
    ),
    Channel.KLINES: lambda want, market: streams.kline(want.symbol, want.interval, market=market),
    Channel.TICKERS: lambda want, market: streams.ticker(want.symbol),
    Channel.MINI_TICKERS: lambda want, market: streams.mini_ticker(want.symbol),
}


class _Filter(msgspec.Struct):
    kind: str = msgspec.field(name="filterType")
    tick: str = msgspec.field(name="tickSize", default="")
    step: str = msgspec.field(name="stepSize", default="")


class _Entry(msgspec.Struct):
    symbol: str
    base: str = msgspec.field(name="baseAsset")
    quote: str = msgspec.field(name="quoteAsset")
    status: str = ""
    contract_status: str = msgspec.field(name="contractStatus", default="")
    contract: str = msgspec.field(name="contractType", default="")
    filters: list[_Filter] = []


class _Info(msgspec.Struct):
    symbols: list[_Entry]


_read_info = msgspec.json.Decoder(_Info).decode


class BinanceVenue:
    """Binance spot, USD-M and COIN-M. Option: ``time_unit`` (``microsecond`` on spot)."""

    name = "binance"
    markets = ("spot", "usdm", "coinm")
    environments = ("production", "testnet", "demo")
    channels = frozenset(_STREAMS)

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        self._market = cast("Market", one_of("market", settings.market, self.markets))
        self.market: str = self._market
        self._environment = cast(
            "Environment", one_of("environment", settings.environment, self.environments)
        )
        self._url = check_address(settings.url)
        self._numbers = settings.numbers
        options: dict[str, Any] = dict(settings.options)
        self._time_unit = options.pop("time_unit", "millisecond")
        one_of("time_unit", self._time_unit, ("millisecond", "microsecond"))
        if options:
            raise ConfigurationError(
                f"binance has no option {next(iter(options))!r}; there is time_unit"
            )
        limits = LIMITS[self._market]
        self.limits = VenueLimits(
            RateLimits(connects=limits.connects),
            limits.connection_seconds,
            limits.streams_per_connection,
        )

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        return plan_connections(
            [self._stream(want) for want in wants],
            market=self._market,
            environment=self._environment,
            base_url=self._url,
            time_unit=self._time_unit,
        )

    def codec(self, plan: ConnectionPlan) -> BinanceCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        return BinanceCodec(self._market, numbers=self._numbers)

    def venue_symbol(self, symbol: str) -> str:
        """``btc/usdt`` → ``BTCUSDT``."""
        return venue_symbol(symbol)

    def instruments_request(self) -> HttpRequest:
        """``exchangeInfo``."""
        base = REST_ENDPOINTS[self._market, self._environment]
        if self._url is not None:
            base = "http" + self._url.removeprefix("ws")
        return HttpRequest("GET", base + _INSTRUMENT_PATHS[self._market])

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        try:
            entries = _read_info(body).symbols
        except msgspec.DecodeError as error:
            raise CodecError(f"not an exchangeInfo answer: {error}") from error
        return [_instrument(entry) for entry in entries]

    def _stream(self, want: Want) -> Stream | str:
        if want.channel is None:
            return want.symbol
        if want.channel in PRIVATE_CHANNELS:
            raise ConfigurationError(
                "Binance's private events come by tickwire.binance.UserData, not by a feed"
            )
        return _STREAMS[want.channel](want, self._market)


def _instrument(entry: _Entry) -> Instrument:
    filters = {item.kind: item for item in entry.filters}
    symbol = f"{entry.base}-{entry.quote}"
    kind = "spot"
    if entry.contract:
        kind = "perpetual" if entry.contract.endswith(_PERPETUAL) else "future"
    if kind == "future":
        symbol += entry.symbol[entry.symbol.rfind("_") :].replace("_", "-")
    return Instrument(
        symbol=symbol,
        venue_symbol=entry.symbol,
        base=entry.base,
        quote=entry.quote,
        kind=kind,
        price_tick=filters["PRICE_FILTER"].tick if "PRICE_FILTER" in filters else "",
        size_step=filters["LOT_SIZE"].step if "LOT_SIZE" in filters else "",
        is_trading=(entry.status or entry.contract_status) == _TRADING,
    )
