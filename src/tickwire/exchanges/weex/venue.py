"""WEEX under the venue contract: see :class:`tickwire.exchanges.venue.Venue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, RateLimits, RateWindow
from tickwire.exchanges.stream_books import StreamBooks
from tickwire.exchanges.venue import (
    PRIVATE_CHANNELS,
    Channel,
    ConnectionPlan,
    VenueLimits,
    check_address,
    one_of,
    splits,
)
from tickwire.exchanges.weex.codec import V3_PATHS, WeexCodec
from tickwire.exchanges.weex.common import CHANNELS_PER_CONNECTION
from tickwire.exchanges.weex.legacy import V2_PATHS, WeexLegacyCodec, legacy_name, parse_legacy
from tickwire.exchanges.weex.names import (
    PRODUCTS,
    REST_HOSTS,
    STREAM_HOSTS,
    as_product,
    parse_stream,
    venue_symbol,
)
from tickwire.exchanges.weex.signing import check_credentials
from tickwire.market import Instrument, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.venue import VenueSettings, Want

__all__ = ["WeexVenue"]

_INSTRUMENT_PATHS = {"contract": "/capi/v3/market/exchangeInfo", "spot": "/api/v3/exchangeInfo"}
_SUFFIXES: dict[Channel, str] = {
    Channel.TRADES: "trade",
    Channel.QUOTES: "bookTicker",
    Channel.BOOKS: "depth200",
    Channel.KLINES: "kline_{interval}",
    Channel.TICKERS: "ticker",
}
_PRIVATE_NAMES: dict[Channel, str] = {
    Channel.ACCOUNT: "account",
    Channel.POSITIONS: "positions",
    Channel.ORDERS: "orders",
    Channel.FILLS: "fill",
}
_CONTRACT_LACKS = {Channel.QUOTES}
_SPOT_LACKS = {Channel.POSITIONS}
_TRADING = ("", "TRADING", "ENABLED", "1")


class _Entry(msgspec.Struct):
    symbol: str
    base: str = msgspec.field(name="baseAsset")
    quote: str = msgspec.field(name="quoteAsset")
    status: object = ""
    tick: object = msgspec.field(name="tickSize", default="")
    step: object = msgspec.field(name="stepSize", default="")


class _Info(msgspec.Struct):
    symbols: list[_Entry]


_read_info = msgspec.json.Decoder(_Info).decode


class WeexVenue:
    """WEEX contracts and spot. Option: ``version`` (3, or 2 for the older protocol)."""

    name = "weex"
    markets = PRODUCTS
    environments = ("production",)
    limits = VenueLimits(RateLimits(connects=(RateWindow(300, 300.0),)))
    books = StreamBooks(
        SequenceRule.PREVIOUS, depth=200, streams_per_connection=CHANNELS_PER_CONNECTION
    )

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        self._product = as_product(one_of("market", settings.market, self.markets))
        self.market: str = self._product
        one_of("environment", settings.environment, self.environments)
        self._url = check_address(settings.url)
        self._numbers = settings.numbers
        self._credentials = settings.credentials
        options: dict[str, Any] = dict(settings.options)
        self._version = options.pop("version", 3)
        if self._version not in (2, 3):
            raise ConfigurationError(f"no version {self._version!r} of WEEX's protocol: 3, or 2")
        if options:
            raise ConfigurationError(
                f"weex has no option {next(iter(options))!r}; there is version"
            )

    @property
    def channels(self) -> frozenset[Channel]:
        """What this market offers."""
        found = set(_SUFFIXES) | set(_PRIVATE_NAMES)
        found -= _CONTRACT_LACKS if self._product == "contract" else _SPOT_LACKS
        if self._version == 2:
            found.discard(Channel.QUOTES)
        return frozenset(found)

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        groups: dict[bool, list[Stream]] = {}
        for want in wants:
            stream = self._stream(want)
            groups.setdefault("@" not in stream.name and "." not in stream.name, []).append(stream)
        if True in groups:
            check_credentials(self._credentials)
        paths = V3_PATHS if self._version == 3 else V2_PATHS
        base = self._url or STREAM_HOSTS[self._product]
        private_url = base + paths[True]
        return splits(
            {base + paths[is_private]: streams for is_private, streams in groups.items()},
            CHANNELS_PER_CONNECTION,
            private=lambda url: url == private_url,
        )

    def codec(self, plan: ConnectionPlan) -> WeexCodec | WeexLegacyCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        make = WeexCodec if self._version == 3 else WeexLegacyCodec
        return make(
            self._product,
            numbers=self._numbers,
            credentials=self._credentials,
            is_private=plan.is_private,
        )

    def venue_symbol(self, symbol: str) -> str:
        """``btc/usdt`` → ``BTCUSDT``, on every product and in every version."""
        return venue_symbol(symbol)

    def instruments_request(self) -> HttpRequest:
        """``exchangeInfo``."""
        base = REST_HOSTS[self._product]
        if self._url is not None:
            base = "http" + self._url.removeprefix("ws")
        return HttpRequest("GET", base + _INSTRUMENT_PATHS[self._product])

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        try:
            entries = _read_info(body).symbols
        except msgspec.DecodeError as error:
            raise CodecError(f"not an exchangeInfo answer: {error}") from error
        kind = "perpetual" if self._product == "contract" else "spot"
        return [
            Instrument(
                symbol=f"{entry.base}-{entry.quote}",
                venue_symbol=entry.symbol,
                base=entry.base,
                quote=entry.quote,
                kind=kind,
                price_tick=str(entry.tick),
                size_step=str(entry.step),
                is_trading=str(entry.status) in _TRADING,
            )
            for entry in entries
        ]

    def _stream(self, want: Want) -> Stream:
        if want.channel is None:
            parse = parse_stream if self._version == 3 else parse_legacy
            return parse(want.symbol, self._product)
        if want.channel in PRIVATE_CHANNELS:
            return parse_stream(_PRIVATE_NAMES[want.channel], self._product)
        suffix = _SUFFIXES[want.channel].format(interval=want.interval)
        name = f"{venue_symbol(want.symbol)}@{suffix}"
        stream_v3 = parse_stream(name, self._product, want.symbol)
        if self._version == 3:
            return stream_v3
        return msgspec.structs.replace(stream_v3, name=legacy_name(stream_v3, self._product))
