"""Deribit under the venue contract: see :class:`tickwire.exchanges.venue.Venue`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, Stream
from tickwire.exchanges.deribit.codec import CHANNELS_PER_CONNECTION, DeribitCodec
from tickwire.exchanges.deribit.names import INTERVALS, needs_login, parse_stream
from tickwire.exchanges.stream_books import StreamBooks
from tickwire.exchanges.venue import Channel, VenueLimits, check_address, one_of, splits
from tickwire.market import Instrument, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.exchanges.venue import ConnectionPlan, VenueSettings, Want

__all__ = ["DeribitVenue"]

_HOSTS = {"production": "www.deribit.com", "testnet": "test.deribit.com"}
_STREAM_PATH = "/ws/api/v2"
_INSTRUMENTS_PATH = "/api/v2/public/get_instruments?currency=any&expired=false"
_BATCHES = ("100ms", "agg2", "raw")
_CURRENCIES = ("btc", "eth", "usdc", "usdt")
_SPOT_QUOTES = ("USDC", "USDT", "BTC", "ETH", "EURR")
_PERPETUAL = "perpetual"
_STRIKE_POINT = re.compile(r"(-\d+)D(\d+-[CP])$")
_OWN: dict[Channel, tuple[str, str]] = {
    # Positions come with the changes of orders and trades; only they are wanted there.
    Channel.POSITIONS: ("user.changes.any.any.raw", "positions"),
    Channel.ORDERS: ("user.orders.any.any.raw", "user.orders"),
    Channel.FILLS: ("user.trades.any.any.raw", "user.trades"),
}
_PUBLIC: dict[Channel, str] = {
    Channel.TRADES: "trades.{symbol}.{batch}",
    Channel.QUOTES: "quote.{symbol}",
    Channel.BOOKS: "book.{symbol}.{batch}",
    Channel.SNAPSHOTS: "book.{symbol}.none.20.100ms",
    Channel.KLINES: "chart.trades.{symbol}.{resolution}",
    Channel.TICKERS: "ticker.{symbol}.{batch}",
}


class _Entry(msgspec.Struct):
    instrument_name: str
    base_currency: str
    quote_currency: str
    kind: str
    tick_size: float | None = None
    min_trade_amount: float | None = None
    is_active: bool = True
    settlement_period: str = ""


class _List(msgspec.Struct):
    result: list[_Entry]


_read_list = msgspec.json.Decoder(_List).decode


class DeribitVenue:
    """Deribit: perpetuals, futures, options and spot over one address.

    Options: ``batch`` (``100ms``; ``raw``, which needs credentials, or ``agg2``) of trades, books
    and tickers; ``currencies`` whose balances ``account`` means.
    """

    name = "deribit"
    markets = ("all",)
    environments = ("production", "testnet")
    channels = frozenset(_PUBLIC) | frozenset(_OWN) | {Channel.ACCOUNT}
    limits = VenueLimits()
    books = StreamBooks(SequenceRule.PREVIOUS, streams_per_connection=CHANNELS_PER_CONNECTION)

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        self.market = one_of("market", settings.market, self.markets)
        self._host = _HOSTS[one_of("environment", settings.environment, self.environments)]
        self._url = check_address(settings.url)
        self._numbers = settings.numbers
        self._credentials = settings.credentials
        options: dict[str, Any] = dict(settings.options)
        self._batch = one_of("batch", options.pop("batch", "100ms"), _BATCHES)
        self._currencies: tuple[str, ...] = tuple(options.pop("currencies", _CURRENCIES))
        if options:
            raise ConfigurationError(
                f"deribit has no option {next(iter(options))!r}; there are batch and currencies"
            )

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        streams = [stream for want in wants for stream in self._streams(want)]
        locked = next((s.name for s in streams if needs_login(s.name)), None)
        if locked is not None and self._credentials is None:
            raise ConfigurationError(f"{locked} needs credentials=Credentials(id, secret)")
        address = (self._url or f"wss://{self._host}") + _STREAM_PATH
        return splits({address: streams}, CHANNELS_PER_CONNECTION)

    def codec(self, plan: ConnectionPlan) -> DeribitCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        return DeribitCodec(numbers=self._numbers, credentials=self._credentials)

    def venue_symbol(self, symbol: str) -> str:
        """``btc-perpetual`` → ``BTC-PERPETUAL``; spot ``BTC/USDC``, ``BTC-USDC`` → ``BTC_USDC``."""
        plain = symbol.upper().replace("/", "_")
        base, dash, rest = plain.partition("-")
        if dash and rest in _SPOT_QUOTES:
            return f"{base}_{rest}"
        parse_stream(f"quote.{plain}")
        # The decimal point of a strike is a small d: XRP_USDC-30JUN23-0d625-C.
        return _STRIKE_POINT.sub(r"\1d\2", plain)

    def instruments_request(self) -> HttpRequest:
        """``public/get_instruments``, of every currency."""
        base = f"https://{self._host}"
        if self._url is not None:
            base = "http" + self._url.removeprefix("ws")
        return HttpRequest("GET", base + _INSTRUMENTS_PATH)

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        try:
            entries = _read_list(body).result
        except msgspec.DecodeError as error:
            raise CodecError(f"not an instrument list: {error}") from error
        return [_instrument(entry) for entry in entries]

    def _streams(self, want: Want) -> list[Stream]:
        if want.channel is None:
            return [parse_stream(want.symbol)]
        if want.channel is Channel.ACCOUNT:
            return [parse_stream(f"user.portfolio.{name}") for name in self._currencies]
        if want.channel in _OWN:
            name, kind = _OWN[want.channel]
            return [Stream(name, kind, "")]
        if want.channel is Channel.KLINES and want.interval not in INTERVALS:
            raise ConfigurationError(
                f"Deribit has no candles of {want.interval!r}; one of {', '.join(INTERVALS)}"
            )
        name = _PUBLIC[want.channel].format(
            symbol=self.venue_symbol(want.symbol),
            batch=self._batch,
            resolution=INTERVALS.get(want.interval, ""),
        )
        return [parse_stream(name, want.symbol)]


def _instrument(entry: _Entry) -> Instrument:
    kind = entry.kind
    if kind == "future" and entry.settlement_period == _PERPETUAL:
        kind = _PERPETUAL
    symbol = entry.instrument_name
    if kind == "spot":
        symbol = f"{entry.base_currency}-{entry.quote_currency}"
    return Instrument(
        symbol=symbol,
        venue_symbol=entry.instrument_name,
        base=entry.base_currency,
        quote=entry.quote_currency,
        kind=kind if kind in ("spot", "perpetual", "future", "option") else "future",
        price_tick="" if entry.tick_size is None else f"{entry.tick_size:.12g}",
        size_step="" if entry.min_trade_amount is None else f"{entry.min_trade_amount:.12g}",
        is_trading=entry.is_active,
    )
