"""Kraken under the venue contract: see :class:`tickwire.exchanges.venue.Venue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, RateLimits, RateWindow
from tickwire.exchanges.kraken.codec import REST, KrakenCodec
from tickwire.exchanges.kraken.names import (
    DEPTHS,
    INTERVALS,
    PRIVATE,
    as_stream,
    pair_of,
    stream,
    today,
)
from tickwire.exchanges.stream_books import StreamBooks
from tickwire.exchanges.venue import Channel, VenueLimits, check_address, one_of, splits
from tickwire.market import Instrument, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.venue import ConnectionPlan, VenueSettings, Want

__all__ = ["KrakenVenue"]

_HOSTS = {
    "production": ("wss://ws.kraken.com", "wss://ws-auth.kraken.com"),
    "beta": ("wss://beta-ws.kraken.com", "wss://beta-ws-auth.kraken.com"),
}
_PATH = "/v2"
_INSTRUMENTS = "/0/public/AssetPairs"
_DEFAULT_DEPTH = 100
# No limit is documented; the instrument list that books need comes once per connection.
_STREAMS_PER_CONNECTION = 250
_CONNECTS = RateLimits(connects=(RateWindow(140, 600.0),))
_LABELS = {
    Channel.TRADES: "trade",
    Channel.QUOTES: "bbo",
    Channel.TICKERS: "ticker",
    Channel.ACCOUNT: "balances",
    Channel.ORDERS: "orders",
    Channel.FILLS: "fills",
}
_TRADING = "online"


class _Entry(msgspec.Struct):
    wsname: str = ""
    status: str = ""
    tick_size: str = ""
    lot_decimals: int = 0


class _Entries(msgspec.Struct):
    result: dict[str, _Entry]


_read_entries = msgspec.json.Decoder(_Entries).decode


class KrakenVenue:
    """Kraken spot. Option: ``depth``, levels of each side of a book: 10, 25, 100 (the default), 500
    or 1000."""

    name = "kraken"
    markets = ("spot",)
    environments = tuple(_HOSTS)
    market = "spot"
    channels = frozenset({*_LABELS, Channel.BOOKS, Channel.KLINES})
    limits = VenueLimits(_CONNECTS)

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        one_of("market", settings.market, self.markets)
        environment = one_of("environment", settings.environment, self.environments)
        self._hosts = _HOSTS[environment]
        self._rest = REST
        if (url := check_address(settings.url)) is not None:
            self._hosts = (url, url)
            self._rest = "http" + url.removeprefix("ws")
        self._numbers = settings.numbers
        self._credentials = settings.credentials
        options: dict[str, Any] = dict(settings.options)
        self._depth = options.pop("depth", _DEFAULT_DEPTH)
        if self._depth not in DEPTHS:
            offered = ", ".join(map(str, DEPTHS))
            raise ConfigurationError(f"kraken has no books of {self._depth!r} levels; {offered}")
        self.books = StreamBooks(
            SequenceRule.UNNUMBERED,
            depth=self._depth,
            streams_per_connection=_STREAMS_PER_CONNECTION,
        )
        if options:
            raise ConfigurationError(
                f"kraken has no option {next(iter(options))!r}; there is depth"
            )

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`.

        Best quotes have connections of their own where a pair's ticker is wanted too: the venue
        has one subscription of a ticker, and does not say in its messages which it is.
        """
        public: list[Stream] = []
        quotes: list[Stream] = []
        private: list[Stream] = []
        for want in wants:
            found = self._stream(want)
            if found.kind in PRIVATE:
                if self._credentials is None:
                    raise ConfigurationError(
                        f"{found.name} needs a login: give the feed credentials"
                    )
                private.append(found)
            else:
                (quotes if found.kind == "bbo" else public).append(found)
        tickers = {one.name.partition(":")[2] for one in public if one.kind == "ticker"}
        beside = [one for one in quotes if one.name.partition(":")[2] in tickers]
        public += [one for one in quotes if one not in beside]
        size = _STREAMS_PER_CONNECTION
        open_url, own_url = (host + _PATH for host in self._hosts)
        return [
            *splits({open_url: public}, size),
            *splits({open_url: beside}, size),
            *splits({own_url: private}, size, private=_always),
        ]

    def codec(self, plan: ConnectionPlan) -> KrakenCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        return KrakenCodec(
            numbers=self._numbers,
            credentials=self._credentials if plan.is_private else None,
            rest=self._rest,
        )

    def venue_symbol(self, symbol: str) -> str:
        """``btc-usd``, ``XBT/USD`` → ``BTC/USD``."""
        return pair_of(symbol)

    def instruments_request(self) -> HttpRequest:
        """``AssetPairs``."""
        return HttpRequest("GET", self._rest + _INSTRUMENTS)

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`. Pairs that the WebSocket interface does not
        have are left out."""
        try:
            entries = _read_entries(body).result
        except msgspec.DecodeError as error:
            raise CodecError(f"not a list of Kraken's pairs: {error}") from error
        return [_instrument(entry) for entry in entries.values() if "/" in entry.wsname]

    def _stream(self, want: Want) -> Stream:
        if want.channel is None:
            return as_stream(want.symbol)
        if want.channel is Channel.BOOKS:
            return stream(f"book-{self._depth}", want.symbol)
        if want.channel is Channel.KLINES:
            minutes = INTERVALS.get(want.interval)
            if minutes is None:
                raise ConfigurationError(
                    f"kraken has no candles of {want.interval!r}; there are {', '.join(INTERVALS)}"
                )
            return stream(f"ohlc-{minutes}", want.symbol)
        label = _LABELS.get(want.channel)
        if label is None:
            raise ConfigurationError(f"kraken has no {want.channel}")
        return stream(label, want.symbol)


def _always(_: str) -> bool:
    return True


def _instrument(entry: _Entry) -> Instrument:
    base, _, quote = entry.wsname.partition("/")
    base, quote = today(base), today(quote)
    return Instrument(
        symbol=f"{base}-{quote}",
        venue_symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        price_tick=entry.tick_size,
        size_step=f"{10**-entry.lot_decimals:.{entry.lot_decimals}f}",
        is_trading=entry.status == _TRADING,
    )
