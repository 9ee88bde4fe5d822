"""What a venue has to say so that a feed can be made of it: the seam above the codecs.

A venue's object is pure and made for one configuration. It turns what is wanted, in words that are
the same for every venue, into connections and their streams, and makes the codec of each. Nothing
above this seam knows a venue by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import RateLimits, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tickwire.credentials import Credentials
    from tickwire.exchanges.base import Codec, HttpRequest
    from tickwire.market import Instrument

__all__ = [
    "PRIVATE_CHANNELS",
    "Channel",
    "ConnectionPlan",
    "Numbers",
    "Paged",
    "Venue",
    "VenueLimits",
    "VenueSettings",
    "Want",
    "check_address",
    "one_of",
    "splits",
    "wants_of",
]

Numbers = Literal["float", "decimal"]


class Channel(StrEnum):
    """What can be wanted of any venue. The values are the arguments of :class:`tickwire.Feed`."""

    TRADES = "trades"
    AGG_TRADES = "agg_trades"
    QUOTES = "quotes"
    BOOKS = "books"
    SNAPSHOTS = "snapshots"
    KLINES = "klines"
    TICKERS = "tickers"
    MINI_TICKERS = "mini_tickers"
    ACCOUNT = "account"
    POSITIONS = "positions"
    ORDERS = "orders"
    FILLS = "fills"


PRIVATE_CHANNELS = frozenset({Channel.ACCOUNT, Channel.POSITIONS, Channel.ORDERS, Channel.FILLS})


class Want(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wanted.

    Attributes:
        channel: What; ``None`` where ``symbol`` is a stream in the venue's own words.
        symbol: Of which instrument, in any spelling; empty where a private channel has all.
        interval: Of candles: ``1m``, ``1h``, ``1d``.
    """

    channel: Channel | None
    symbol: str = ""
    interval: str = ""


class ConnectionPlan(msgspec.Struct, frozen=True):
    """One connection to open: connect to ``url``, then subscribe ``streams`` (no name twice).

    Attributes:
        url: Where to connect.
        streams: What to ask for there.
        is_private: Whether it needs a login.
    """

    url: str
    streams: tuple[Stream, ...]
    is_private: bool = False


class VenueLimits(msgspec.Struct, frozen=True):
    """What a venue allows one address, beyond what a codec's ``rate_limits`` say of a connection.

    Attributes:
        connects: How often to connect.
        connection_seconds: Age at which it ends a connection; ``None``: it does not.
        streams_per_connection: Streams that one connection may carry.
    """

    connects: RateLimits = RateLimits()
    connection_seconds: float | None = None
    streams_per_connection: int = 100


class VenueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue is wanted.

    Attributes:
        market: One of the venue's markets; ``None`` is its first.
        environment: ``production``, or what else the venue has.
        url: Another server instead of the venue's, ``ws://127.0.0.1:8080``.
        numbers: Of prices and sizes in events.
        credentials: For private channels.
        options: What is the venue's own: ``{"time_unit": "microsecond"}``.
    """

    market: str | None = None
    environment: str = "production"
    url: str | None = None
    numbers: Numbers = "float"
    credentials: Credentials | None = None
    options: dict[str, Any] = {}


class Venue(Protocol):
    """One venue under one configuration. Made from :class:`VenueSettings`, which it checks.

    Attributes:
        name: As users write it: ``okx``.
        markets: Its markets, the default first.
        environments: ``production`` first.
        market: The one that it was made for.
    """

    name: str
    markets: tuple[str, ...]
    environments: tuple[str, ...]
    market: str

    @property
    def channels(self) -> frozenset[Channel]:
        """What this market offers."""
        ...

    @property
    def limits(self) -> VenueLimits:
        """What the venue allows an address."""
        ...

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        """The connections that ``wants`` need, within the venue's limits of a connection.

        Raises:
            ConfigurationError: Something that the venue does not have. Retry: no.
        """
        ...

    def codec(self, plan: ConnectionPlan) -> Codec:
        """A new codec for a connection of ``plan``."""
        ...

    def venue_symbol(self, symbol: str) -> str:
        """The venue's own name of an instrument, however it is written: ``btc-usdt``,
        ``BTC/USDT`` or the venue's own.

        Raises:
            ConfigurationError: It is none. Retry: no.
        """
        ...

    def instruments_request(self) -> HttpRequest:
        """What gives the venue's instrument list."""
        ...

    def parse_instruments(self, body: bytes) -> list[Instrument]:
        """The instruments in an answer to it, those of this market.

        Raises:
            CodecError: It is no such list. Retry: later.
        """
        ...


class Paged(Protocol):
    """What a venue has besides, where its instrument list comes in pages."""

    def more_instruments(self, body: bytes) -> HttpRequest | None:
        """What gives the page after this one; ``None`` behind the last."""
        ...


def wants_of(venue: Venue, wanted: Mapping[str, Any]) -> list[Want]:
    """A feed's arguments as wants.

    Args:
        venue: Of whom.
        wanted: By channel the symbols, or whether it is wanted; ``kline_interval``; ``native``.

    Raises:
        ConfigurationError: A text where symbols belong, a symbol that is no text, or a channel that
            the venue does not have. Retry: no.
    """
    interval = wanted.get("kline_interval", "1m")
    wants: list[Want] = []
    for channel in Channel:
        asked = wanted.get(channel)
        if not asked:
            continue
        if channel not in venue.channels:
            offered = ", ".join(sorted(venue.channels))
            raise ConfigurationError(
                f"{venue.name} ({venue.market}) has no {channel}; it has {offered}"
            )
        if channel in PRIVATE_CHANNELS:
            wants.append(Want(channel))
            continue
        asked = _symbols(channel, asked)
        wants += [
            Want(channel, symbol, interval if channel is Channel.KLINES else "") for symbol in asked
        ]
    return wants + [Want(None, name) for name in _symbols("native", wanted.get("native", ()))]


def _symbols(what: str, asked: Any) -> list[str]:
    """
    Raises:
        ConfigurationError: It is no list of texts, or one of them is empty. Retry: no.
    """
    if isinstance(asked, str) or not isinstance(asked, Iterable):
        raise ConfigurationError(f"{what} is a list of names: {what}=[{asked!r}]")
    names = list(asked)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"{name!r} in {what} is no name; write it like BTC-USDT")
    return names


def one_of(what: str, value: str | None, choices: Sequence[str]) -> str:
    """``value``, or the first choice for ``None``.

    Raises:
        ConfigurationError: It is none of them. Retry: no.
    """
    if value is None:
        return choices[0]
    if value not in choices:
        raise ConfigurationError(f"no {what} {value!r}; there are {', '.join(choices)}")
    return value


def check_address(url: str | None) -> str | None:
    """A server's address without a trailing slash.

    Raises:
        ConfigurationError: It is none, or has a query. Retry: no.
    """
    if url is None:
        return None
    if not url.startswith(("ws://", "wss://")) or "?" in url or "#" in url:
        shown = url.partition("?")[0].rpartition("@")[2]
        raise ConfigurationError(
            f"url is a server's address, ws://host:port or wss://host, not {shown!r}"
        )
    return url.rstrip("/")


def splits(
    groups: dict[str, Iterable[Stream]], size: int, *, private: Callable[[str], bool] | None = None
) -> list[ConnectionPlan]:
    """A plan per address and ``size`` streams: the usual way to shard.

    Args:
        groups: Streams by the address that serves them; of a name that comes twice, the first.
        size: Streams that one connection may carry.
        private: Tells which addresses need a login.
    """
    plans = []
    for url, members in groups.items():
        unique: dict[str, Stream] = {}
        for stream in members:
            unique.setdefault(stream.name, stream)
        streams = tuple(unique.values())
        plans += [
            ConnectionPlan(url, streams[start : start + size], private is not None and private(url))
            for start in range(0, len(streams), size)
        ]
    return plans
