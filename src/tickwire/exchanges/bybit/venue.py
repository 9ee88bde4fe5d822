"""Bybit under the venue contract: see :class:`tickwire.exchanges.venue.Venue`.

Sources: Bybit v5 documentation, "Connect", "Demo Trading Service" (July 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, RateLimits, RateWindow, Stream
from tickwire.exchanges.bybit.codec import STREAMS_PER_CONNECTION, BybitCodec
from tickwire.exchanges.bybit.signing import check_credentials
from tickwire.exchanges.bybit.topics import (
    DEPTHS,
    MARKETS,
    Kind,
    as_stream,
    instrument_name,
    interval_of,
    is_private,
    kind_of,
    path_of,
)
from tickwire.exchanges.stream_books import StreamBooks
from tickwire.exchanges.venue import (
    PRIVATE_CHANNELS,
    Channel,
    ConnectionPlan,
    VenueLimits,
    check_address,
    one_of,
)
from tickwire.market import Instrument, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.exchanges.venue import VenueSettings, Want

__all__ = ["TOPIC_CHARACTERS", "BybitVenue"]

TOPIC_CHARACTERS = 21_000
"""Length of the list of topics that one public connection may have."""

_HOSTS = {
    "global": "stream.bybit.com",
    "eu": "stream.bybit.eu",
    "tr": "stream.bybit.tr",
    "id": "stream.bybit.id",
    "kz": "stream.bybit.kz",
    "ge": "stream.bybitgeorgia.ge",
    "jp": "stream.manepa.jp",
}
_TESTNET = "stream-testnet.bybit.com"
_DEMO = "stream-demo.bybit.com"
_REST = {
    "production": "https://api.bybit.com",
    "testnet": "https://api-testnet.bybit.com",
    "demo": "https://api.bybit.com",
}
_DEFAULT_DEPTH = {"spot": 50, "linear": 50, "inverse": 50, "option": 100}
_PRIVATE_TOPICS: dict[Channel, str] = {
    Channel.ACCOUNT: "wallet",
    Channel.POSITIONS: "position",
    Channel.ORDERS: "order",
    Channel.FILLS: "execution",
}
_OPTIONS = ("region", "depth", "max_active_time", "check_sequence")
_ALWAYS = frozenset({Channel.TRADES, Channel.BOOKS, Channel.TICKERS, *PRIVATE_CHANNELS})
_TRADING = "Trading"
_QUOTES_LISTED = 3  # characters that a topic costs in a list: its quotes and a comma


class _PriceFilter(msgspec.Struct):
    tick: str = msgspec.field(name="tickSize", default="")


class _LotFilter(msgspec.Struct):
    base: str = msgspec.field(name="basePrecision", default="")
    step: str = msgspec.field(name="qtyStep", default="")


class _Entry(msgspec.Struct):
    symbol: str
    base: str = msgspec.field(name="baseCoin", default="")
    quote: str = msgspec.field(name="quoteCoin", default="")
    status: str = ""
    contract: str = msgspec.field(name="contractType", default="")
    price: _PriceFilter = msgspec.field(name="priceFilter", default_factory=_PriceFilter)
    lot: _LotFilter = msgspec.field(name="lotSizeFilter", default_factory=_LotFilter)


class _List(msgspec.Struct):
    entries: list[_Entry] = msgspec.field(name="list")
    cursor: str = msgspec.field(name="nextPageCursor", default="")


class _Answer(msgspec.Struct):
    result: _List


_read_answer = msgspec.json.Decoder(_Answer).decode


class BybitVenue:
    """Bybit v5: one market category per address.

    Options: ``region`` (``global``, ``eu``, ``tr``, ``id``, ``kz``, ``ge``, ``jp``), ``depth``
    (levels of books; 50, of options 100), ``max_active_time`` (``30s`` to ``10m``: after how long
    the venue cuts an idle private connection), ``check_sequence`` (whether a hole in a book's
    numbers is a gap; true).
    """

    name = "bybit"
    markets = MARKETS
    environments = ("production", "testnet", "demo")
    limits = VenueLimits(RateLimits(connects=(RateWindow(500, 300.0),)))

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        self.market = one_of("market", settings.market, self.markets)
        self._environment = one_of("environment", settings.environment, self.environments)
        self._numbers = settings.numbers
        self._credentials = settings.credentials
        options: dict[str, Any] = dict(settings.options)
        self._region = one_of("region", options.pop("region", None), tuple(_HOSTS))
        self._depth = options.pop("depth", _DEFAULT_DEPTH[self.market])
        if self._depth not in DEPTHS[self.market]:
            raise ConfigurationError(
                f"no {self.market} books of {self._depth!r} levels; "
                f"there are {', '.join(map(str, DEPTHS[self.market]))}"
            )
        self._active: str = options.pop("max_active_time", "")
        self._check_sequence: bool = options.pop("check_sequence", True)
        self.books = StreamBooks(
            SequenceRule.PLUS_ONE if self._check_sequence else SequenceRule.UNNUMBERED,
            depth=self._depth,
            streams_per_connection=STREAMS_PER_CONNECTION,
        )
        if options:
            raise ConfigurationError(
                f"bybit has no option {next(iter(options))!r}; there are {', '.join(_OPTIONS)}"
            )
        self._url = check_address(settings.url)

    @property
    def channels(self) -> frozenset[Channel]:
        """What this market offers: options have neither quotes nor candles."""
        if self.market == "option":
            return _ALWAYS
        return _ALWAYS | {Channel.QUOTES, Channel.KLINES}

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        groups: dict[str, dict[str, Stream]] = {}
        for want in wants:
            stream = self._stream(want)
            if is_private(stream.name):
                check_credentials(self._credentials)
            groups.setdefault(self._address(stream.name), {}).setdefault(stream.name, stream)
        found: list[ConnectionPlan] = []
        for url, streams in groups.items():
            for group in _within_limits(list(streams.values())):
                private = is_private(group[0].name)
                found.append(ConnectionPlan(url, tuple(group), is_private=private))
        return found

    def codec(self, plan: ConnectionPlan) -> BybitCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        return BybitCodec(
            self.market,
            numbers=self._numbers,
            credentials=self._credentials,
            login=plan.is_private,
            check_sequence=self._check_sequence,
        )

    def venue_symbol(self, symbol: str) -> str:
        """``btc/usdt`` → ``BTCUSDT``."""
        return instrument_name(symbol)

    def instruments_request(self) -> HttpRequest:
        """``GET /v5/market/instruments-info`` of the market."""
        base = _REST[self._environment]
        if self._url is not None:
            base = "http" + self._url.removeprefix("ws")
        return HttpRequest(
            "GET", f"{base}/v5/market/instruments-info?category={self.market}&limit=1000"
        )

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        try:
            entries = _read_answer(body).result.entries
        except msgspec.DecodeError as error:
            raise CodecError(f"not an instrument list: {error}") from error
        return [self._instrument(entry) for entry in entries]

    def more_instruments(self, body: bytes) -> HttpRequest | None:
        """See :class:`~tickwire.exchanges.venue.Paged`."""
        cursor = _read_answer(body).result.cursor
        if not cursor:
            return None
        first = self.instruments_request()
        # The venue gives it ready for a query, but nothing says that it always will.
        return HttpRequest("GET", f"{first.url}&cursor={quote(cursor, safe='%')}")

    def _stream(self, want: Want) -> Stream:
        if want.channel is None:
            return as_stream(want.symbol)
        private = _PRIVATE_TOPICS.get(want.channel)
        if private is not None:
            return as_stream(private)
        name, symbol = instrument_name(want.symbol), want.symbol
        if want.channel is Channel.TRADES:
            if self.market == "option":
                return Stream(f"publicTrade.{name.partition('-')[0]}", Kind.TRADE, "")
            topic = f"publicTrade.{name}"
        elif want.channel is Channel.QUOTES:
            topic = f"orderbook.1.{name}"
        elif want.channel is Channel.BOOKS:
            topic = f"orderbook.{self._depth}.{name}"
        elif want.channel is Channel.KLINES:
            topic = f"kline.{interval_of(want.interval)}.{name}"
        else:
            topic = f"tickers.{name}"
        return Stream(topic, kind_of(topic), symbol)

    def _address(self, topic: str) -> str:
        path = path_of(topic, self.market)
        if is_private(topic) and self._active:
            path += f"?max_active_time={self._active}"
        if self._url is not None:
            return self._url + path
        host = _HOSTS[self._region]
        if self._environment == "testnet":
            host = _TESTNET
        elif self._environment == "demo" and is_private(topic):
            host = _DEMO  # public data of demo trading are the production's
        return f"wss://{host}{path}"

    def _instrument(self, entry: _Entry) -> Instrument:
        symbol = entry.symbol
        kind = "spot" if self.market == "spot" else "future"
        if self.market == "option":
            kind = "option"
        elif entry.contract.endswith("Perpetual"):
            kind = "perpetual"
        if kind in ("spot", "perpetual") and entry.base and entry.quote:
            symbol = f"{entry.base}-{entry.quote}"
        return Instrument(
            symbol=symbol,
            venue_symbol=entry.symbol,
            base=entry.base,
            quote=entry.quote,
            kind=kind,
            price_tick=entry.price.tick,
            size_step=entry.lot.base or entry.lot.step,
            is_trading=entry.status == _TRADING,
        )


def _within_limits(streams: list[Stream]) -> list[list[Stream]]:
    groups: list[list[Stream]] = [[]]
    length = 0
    for stream in streams:
        size = len(stream.name) + _QUOTES_LISTED
        if length + size > TOPIC_CHARACTERS or len(groups[-1]) >= STREAMS_PER_CONNECTION:
            groups.append([])
            length = 0
        groups[-1].append(stream)
        length += size
    return groups
