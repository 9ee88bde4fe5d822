"""Coinbase under the venue contract: see :class:`tickwire.exchanges.venue.Venue`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.base import HttpRequest, RateLimits, RateWindow
from tickwire.exchanges.coinbase.advanced import AdvancedCodec
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.coinbase.names import CHANNELS, as_stream, product_of, stream
from tickwire.exchanges.stream_books import StreamBooks
from tickwire.exchanges.venue import Channel, VenueLimits, check_address, one_of, splits
from tickwire.market import Instrument, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.coinbase.names import Market
    from tickwire.exchanges.venue import ConnectionPlan, VenueSettings, Want

__all__ = ["CoinbaseVenue"]

_PUBLIC, _PRIVATE = "public", "private"
_HOSTS: dict[tuple[str, str], dict[str, str]] = {
    ("advanced", "production"): {
        _PUBLIC: "wss://advanced-trade-ws.coinbase.com",
        _PRIVATE: "wss://advanced-trade-ws-user.coinbase.com",
    },
    ("exchange", "production"): {
        _PUBLIC: "wss://ws-feed.exchange.coinbase.com",
        _PRIVATE: "wss://ws-feed.exchange.coinbase.com",
    },
    ("exchange", "sandbox"): {
        _PUBLIC: "wss://ws-feed-public.sandbox.exchange.coinbase.com",
        _PRIVATE: "wss://ws-feed-public.sandbox.exchange.coinbase.com",
    },
}
_REST = {
    ("advanced", "production"): "https://api.coinbase.com",
    ("exchange", "production"): "https://api.exchange.coinbase.com",
    ("exchange", "sandbox"): "https://api-public.sandbox.exchange.coinbase.com",
}
_INSTRUMENT_PATHS = {
    "advanced": "/api/v3/brokerage/market/products",
    "exchange": "/products",
}
_CHANNELS: dict[str, dict[Channel, str]] = {
    "advanced": {
        Channel.TRADES: "market_trades",
        Channel.QUOTES: "quote",
        Channel.BOOKS: "level2",
        Channel.KLINES: "candles",
        Channel.TICKERS: "ticker",
        Channel.ACCOUNT: "futures_balance_summary",
        Channel.POSITIONS: "positions",
        Channel.ORDERS: "orders",
    },
    "exchange": {
        Channel.TRADES: "matches",
        Channel.QUOTES: "quote",
        Channel.BOOKS: "level2_batch",
        Channel.TICKERS: "ticker",
        Channel.ACCOUNT: "balance",
        Channel.ORDERS: "orders",
        Channel.FILLS: "fills",
    },
}
# Nothing is documented for either; a client is known that refuses more than 55 books at once, and
# in Advanced Trade one lost message costs every stream of its connection.
_STREAMS_PER_CONNECTION = {"advanced": 50, "exchange": 200}
_FIVE_MINUTES = "5m"
_CONNECTS = RateLimits(connects=(RateWindow(8, 1.0),))
_KINDS = {"SPOT": "spot", "FUTURE": "future"}
_PERPETUAL = "PERPETUAL"


class _Future(msgspec.Struct):
    contract_expiry_type: str = ""


class _AdvancedProduct(msgspec.Struct):
    product_id: str
    base_currency_id: str = ""
    quote_currency_id: str = ""
    base_increment: str = ""
    quote_increment: str = ""
    price_increment: str = ""
    product_type: str = "SPOT"
    status: str = "online"
    trading_disabled: bool = False
    is_disabled: bool = False
    future_product_details: _Future | None = None


class _AdvancedProducts(msgspec.Struct):
    products: list[_AdvancedProduct]


class _ExchangeProduct(msgspec.Struct):
    id: str
    base_currency: str
    quote_currency: str
    base_increment: str = ""
    quote_increment: str = ""
    status: str = "online"
    trading_disabled: bool = False


_read_advanced = msgspec.json.Decoder(_AdvancedProducts).decode
_read_exchange = msgspec.json.Decoder(list[_ExchangeProduct]).decode


class CoinbaseVenue:
    """Coinbase: ``advanced`` (Advanced Trade) or ``exchange`` (the Exchange feed).

    Option, on ``exchange``: ``account_ids``, of which accounts ``account=True`` tells. With
    credentials, books of ``exchange`` come change by change (``level2``), without in batches of
    50 ms (``level2_batch``).
    """

    name = "coinbase"
    markets = ("advanced", "exchange")

    def __init__(self, settings: VenueSettings) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such market, environment or option. Retry: no.
        """
        self._market = cast("Market", one_of("market", settings.market, self.markets))
        self.market: str = self._market
        self.environments = tuple(
            environment for market, environment in _HOSTS if market == self.market
        )
        self._environment = one_of("environment", settings.environment, self.environments)
        self._url = check_address(settings.url)
        self._numbers = settings.numbers
        self._credentials = settings.credentials
        options: dict[str, Any] = dict(settings.options)
        self._account_ids: tuple[str, ...] = ()
        if self._market == "exchange":
            self._account_ids = tuple(options.pop("account_ids", ()))
        if options:
            raise ConfigurationError(
                f"coinbase ({self.market}) has no option {next(iter(options))!r}"
                + ("; there is account_ids" if self._market == "exchange" else "")
            )
        self.channels = frozenset(_CHANNELS[self.market])
        self.limits = VenueLimits(_CONNECTS)
        # Advanced Trade numbers the connection's messages, not a book's; of a hole the codec tells.
        self.books = StreamBooks(
            SequenceRule.UNNUMBERED, streams_per_connection=_STREAMS_PER_CONNECTION[self.market]
        )

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        groups: dict[bool, list[Stream]] = {False: [], True: []}
        for want in wants:
            found = self._stream(want)
            row = CHANNELS[self._market][found.kind]
            if row.needs_login and self._credentials is None:
                raise ConfigurationError(f"{found.name} needs a login: give the feed credentials")
            groups[row.is_private].append(found)
        size = _STREAMS_PER_CONNECTION[self.market]
        hosts = _HOSTS[self.market, self._environment]
        plans: list[ConnectionPlan] = []
        for is_private, members in groups.items():
            url = self._url or hosts[_PRIVATE if is_private else _PUBLIC]
            plans += splits({url: members}, size, private=_always if is_private else None)
        return plans

    def codec(self, plan: ConnectionPlan) -> AdvancedCodec | ExchangeCodec:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        if self._market == "advanced":
            return AdvancedCodec(
                numbers=self._numbers,
                credentials=self._credentials if plan.is_private else None,
            )
        return ExchangeCodec(
            numbers=self._numbers, credentials=self._credentials, account_ids=self._account_ids
        )

    def venue_symbol(self, symbol: str) -> str:
        """``btc/usd`` → ``BTC-USD``."""
        return product_of(symbol)

    def instruments_request(self) -> HttpRequest:
        """The products, which anybody may ask for."""
        base = _REST[self.market, self._environment]
        if self._url is not None:
            base = "http" + self._url.removeprefix("ws")
        return HttpRequest("GET", base + _INSTRUMENT_PATHS[self.market])

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """See :class:`~tickwire.exchanges.venue.Venue`."""
        try:
            if self._market == "exchange":
                return [_exchange_instrument(entry) for entry in _read_exchange(body)]
            return [_advanced_instrument(entry) for entry in _read_advanced(body).products]
        except msgspec.DecodeError as error:
            raise CodecError(f"not a list of Coinbase's products: {error}") from error

    def _stream(self, want: Want) -> Stream:
        if want.channel is None:
            return as_stream(self._market, want.symbol)
        channel = _CHANNELS[self.market].get(want.channel)
        if channel is None:
            raise ConfigurationError(f"coinbase ({self.market}) has no {want.channel}")
        if want.channel is Channel.KLINES and want.interval != _FIVE_MINUTES:
            raise ConfigurationError(
                f"Coinbase's candles are of five minutes: kline_interval={_FIVE_MINUTES!r}, "
                f"not {want.interval!r}"
            )
        if channel == "level2_batch" and self._credentials is not None:
            channel = "level2"
        if channel == "balance" and not self._account_ids:
            raise ConfigurationError(
                "Coinbase Exchange wants to know which accounts: options={'account_ids': [...]}"
            )
        return stream(self._market, channel, want.symbol)


def _always(_: str) -> bool:
    return True


def _advanced_instrument(entry: _AdvancedProduct) -> Instrument:
    kind = _KINDS.get(entry.product_type, entry.product_type.lower())
    details = entry.future_product_details
    if details is not None and details.contract_expiry_type == _PERPETUAL:
        kind = "perpetual"
    return Instrument(
        symbol=entry.product_id,
        venue_symbol=entry.product_id,
        base=entry.base_currency_id or entry.product_id.partition("-")[0],
        quote=entry.quote_currency_id,
        kind=kind,
        price_tick=entry.price_increment or entry.quote_increment,
        size_step=entry.base_increment,
        is_trading=entry.status == "online" and not (entry.trading_disabled or entry.is_disabled),
    )


def _exchange_instrument(entry: _ExchangeProduct) -> Instrument:
    return Instrument(
        symbol=entry.id,
        venue_symbol=entry.id,
        base=entry.base_currency,
        quote=entry.quote_currency,
        price_tick=entry.quote_increment,
        size_step=entry.base_increment,
        is_trading=entry.status == "online" and not entry.trading_disabled,
    )
