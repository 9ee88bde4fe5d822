"""OKX under the venue contract: see :class:`tickwire.exchanges.venue.Venue`.

Sources: OKX API guide v5, "WebSocket: Connect" (August 2026). Port 8443, which the guide shows, is
said to be closed since October 2026; 443 speaks the same protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, RateLimits, RateWindow, Stream
from tickwire.exchanges.okx.channels import (
    BOOK_CHANNELS,
    GATED_CHANNELS,
    Kind,
    arg_of,
    as_stream,
    bar_of,
    instrument_name,
    kind_of,
    path_of,
    stream_of,
)
from tickwire.exchanges.okx.codec import OkxCodec
from tickwire.exchanges.okx.signing import check_credentials
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
from tickwire.market import Instrument, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tickwire.exchanges.venue import VenueSettings, Want

__all__ = ["OkxVenue"]

_HOSTS: dict[tuple[str, str], str] = {
    ("global", "production"): "ws.okx.com",
    ("global", "demo"): "wspap.okx.com",
    ("eea", "production"): "wseea.okx.com",
    ("eea", "demo"): "wseeapap.okx.com",
    ("us", "production"): "wsus.okx.com",
}
_REST = "https://openapi.okx.com"
_PORTS = (443, 8443)
_BOOKS_PER_CONNECTION = 29
_BOOK_LEVELS = {"books50-l2-tbt": 50}
_DEEPEST_BOOK = 400
_STREAMS_PER_CONNECTION = 200
_SWAP = "-SWAP"
_TYPES = {"spot": "SPOT", "swap": "SWAP", "futures": "FUTURES", "option": "OPTION"}
_INSTRUMENT_KINDS = {"SWAP": "perpetual", "FUTURES": "future", "OPTION": "option"}
_LIVE = "live"

_PRIVATE_STREAMS: dict[Channel, str] = {
    Channel.ACCOUNT: "account",
    Channel.POSITIONS: "positions:instType=ANY",
    Channel.ORDERS: "orders:instType=ANY",
    Channel.FILLS: "fills",
}
_OPTIONS = ("region", "port", "books", "trades")
_TRADES = ("trades", "trades-all")


class _Entry(msgspec.Struct):
    name: str = msgspec.field(name="instId")
    kind: str = msgspec.field(name="instType", default="SPOT")
    base: str = msgspec.field(name="baseCcy", default="")
    quote: str = msgspec.field(name="quoteCcy", default="")
    tick: str = msgspec.field(name="tickSz", default="")
    step: str = msgspec.field(name="lotSz", default="")
    state: str = _LIVE


class _Answer(msgspec.Struct):
    data: list[_Entry]


_read_answer = msgspec.json.Decoder(_Answer).decode


class OkxVenue:
    """OKX v5. All instruments are reached in every market; a market only completes names: in
    ``swap`` ``BTC-USDT`` is ``BTC-USDT-SWAP``.

    Options: ``region`` (``global``, ``eea``, ``us``), ``port`` (443, 8443), ``books`` (the book
    channel: ``books``, ``books50-l2-tbt``, ``books-l2-tbt``…), ``trades`` (``trades``: the fills of
    one taker order at one price as one; ``trades-all``: every fill, by another connection).
    """

    name = "okx"
    markets = ("spot", "swap", "futures", "option")
    environments = ("production", "demo")
    channels = frozenset(
        {
            *(Channel.TRADES, Channel.QUOTES, Channel.BOOKS, Channel.SNAPSHOTS),
            *(Channel.KLINES, Channel.TICKERS, *PRIVATE_CHANNELS),
        }
    )
    limits = VenueLimits(RateLimits(connects=(RateWindow(3, 1.0),)))

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        self.market = one_of("market", settings.market, self.markets)
        environment = one_of("environment", settings.environment, self.environments)
        self._is_demo = environment == "demo"
        self._numbers = settings.numbers
        self._credentials = settings.credentials
        options: dict[str, Any] = dict(settings.options)
        region = one_of("region", options.pop("region", None), ("global", "eea", "us"))
        host = _HOSTS.get((region, environment))
        if host is None:
            raise ConfigurationError(
                f"no {environment} environment of OKX is known in region {region}"
            )
        port = options.pop("port", _PORTS[0])
        if port not in _PORTS:
            raise ConfigurationError(f"OKX has no port {port!r}; there are {_PORTS}")
        self._books = one_of("books", options.pop("books", "books"), tuple(sorted(BOOK_CHANNELS)))
        self.books = StreamBooks(
            SequenceRule.LINKED,
            depth=_BOOK_LEVELS.get(self._books, _DEEPEST_BOOK),
            streams_per_connection=_BOOKS_PER_CONNECTION,
        )
        self._trades = one_of("trades", options.pop("trades", None), _TRADES)
        if options:
            raise ConfigurationError(
                f"okx has no option {next(iter(options))!r}; there are {', '.join(_OPTIONS)}"
            )
        own = check_address(settings.url)
        self._base = own or f"wss://{host}" + (f":{port}" if port != _PORTS[0] else "")
        self._rest = "http" + own.removeprefix("ws") if own else _REST
        self._streams: dict[Channel, Callable[[Want], Stream]] = {
            Channel.TRADES: lambda want: self._of(self._trades, want),
            Channel.QUOTES: lambda want: self._of("bbo-tbt", want),
            Channel.BOOKS: lambda want: self._of(self._books, want),
            Channel.SNAPSHOTS: lambda want: self._of("books5", want),
            Channel.KLINES: lambda want: self._of(f"candle{bar_of(want.interval)}", want),
            Channel.TICKERS: lambda want: self._of("tickers", want),
        }

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`.

        Public streams need another address than candles and than private ones, and the venue
        advises few books on a connection.
        """
        books: dict[str, list[Stream]] = {}
        others: dict[str, list[Stream]] = {}
        for want in wants:
            stream = self._stream(want)
            channel = arg_of(stream.name).channel
            if _needs_login(channel):
                check_credentials(self._credentials)
            groups = books if kind_of(channel) is Kind.BOOK else others
            groups.setdefault(self._address(channel), []).append(stream)
        found = splits(dict(books), _BOOKS_PER_CONNECTION)
        spare = {plan.url: plan for plan in found}
        for plan in splits(dict(others), _STREAMS_PER_CONNECTION):
            # Few streams of either kind share one connection.
            other = spare.pop(plan.url, None)
            if other is not None:
                found.remove(other)
                plan = ConnectionPlan(plan.url, (*other.streams, *plan.streams))
            found.append(plan)
        return [
            ConnectionPlan(plan.url, plan.streams, is_private=_plan_needs_login(plan.streams))
            for plan in found
        ]

    def codec(self, plan: ConnectionPlan) -> OkxCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        return OkxCodec(numbers=self._numbers, credentials=self._credentials, login=plan.is_private)

    def venue_symbol(self, symbol: str) -> str:
        """``btc/usdt`` → ``BTC-USDT``; in the swap market ``BTC-USDT-SWAP``."""
        name = instrument_name(symbol)
        return name + _SWAP if self.market == "swap" and name.count("-") == 1 else name

    def instruments_request(self) -> HttpRequest:
        """``GET /api/v5/public/instruments`` of the market."""
        url = f"{self._rest}/api/v5/public/instruments?instType={_TYPES[self.market]}"
        headers = (("x-simulated-trading", "1"),) if self._is_demo else ()
        return HttpRequest("GET", url, headers)

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        try:
            entries = _read_answer(body).data
        except msgspec.DecodeError as error:
            raise CodecError(f"not an instrument list: {error}") from error
        return [_instrument(entry) for entry in entries]

    def _of(self, channel: str, want: Want) -> Stream:
        return Stream(
            stream_of(channel, self.venue_symbol(want.symbol)).name, kind_of(channel), want.symbol
        )

    def _stream(self, want: Want) -> Stream:
        if want.channel is None:
            return as_stream(want.symbol)
        private = _PRIVATE_STREAMS.get(want.channel)
        return as_stream(private) if private is not None else self._streams[want.channel](want)

    def _address(self, channel: str) -> str:
        return f"{self._base}/ws/v5/{path_of(channel)}"


def _needs_login(channel: str) -> bool:
    return path_of(channel) == "private" or channel in GATED_CHANNELS


def _plan_needs_login(streams: tuple[Stream, ...]) -> bool:
    return any(_needs_login(arg_of(stream.name).channel) for stream in streams)


def _instrument(entry: _Entry) -> Instrument:
    base, _, rest = entry.name.partition("-")
    return Instrument(
        symbol=entry.name,
        venue_symbol=entry.name,
        base=entry.base or base,
        quote=entry.quote or rest.partition("-")[0],
        kind=_INSTRUMENT_KINDS.get(entry.kind, "spot"),
        price_tick=entry.tick,
        size_step=entry.step,
        is_trading=entry.state == _LIVE,
    )
