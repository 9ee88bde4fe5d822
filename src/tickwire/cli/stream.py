"""``tickwire stream``: an exchange's events, one line each."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from tickwire.cli.interrupt import run_until_interrupted
from tickwire.cli.lines import columns, json_line, record_line
from tickwire.cli.names import check_names, symbols_of
from tickwire.cli.output import LineWriter
from tickwire.cli.problems import ExitCode, Problem, explain, one_line
from tickwire.cli.symbols import check_symbols, rest_base
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance import ENDPOINTS, venue_symbol
from tickwire.exchanges.registry import VENUES, open_venue
from tickwire.exchanges.venue import VenueSettings, wants_of
from tickwire.feed import Feed
from tickwire.manager import Connected, Disconnected, Record
from tickwire.transport import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.binance.streams import Environment, Market
    from tickwire.market import Event

__all__ = ["StreamOptions", "stream"]

_SILENT = "binance"
"""The venue that takes a wrong symbol and is silent: here it is asked first. The others refuse."""
_NO_EVENTS = "other"
"""The kind of a stream that a codec does not decode: its lines would never come."""
_EXAMPLES = {
    "binance": "btcusdt@trade",
    "okx": "trades:BTC-USDT",
    "bybit": "publicTrade.BTCUSDT",
    "coinbase": "market_trades:BTC-USD",
    "kraken": "trade:BTC/USD",
    "deribit": "trades.BTC-PERPETUAL.100ms",
    "weex": "BTCUSDT@trade",
}
_URL_SCHEMES = ("ws", "wss")
_PROXY_SCHEMES = ("http", "https", "socks5h", "socks5", "socks4a", "socks4")
_CONNECT_SECONDS = 10.0
_LAST_LINES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What was asked for.

    Attributes:
        exchange: One of :data:`tickwire.exchanges.registry.VENUES`.
        names: Streams in the venue's words.
        trades, quotes, books: Symbols.
        market: One of the exchange's; its first if left out.
        environment: ``production``, or what else the exchange has.
        url: Another server instead of the venue's.
        as_json: JSON lines instead of columns.
        seconds: After which it ends.
        limit: Lines after which it ends.
        proxy: Proxy URL.
        impersonate: Browser to look like.
        rotate_every: Seconds after which a connection is replaced.
        redundancy: Connections kept for each one that is needed.
        reconnect: Whether to restore a lost connection.
    """

    exchange: str
    names: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    books: tuple[str, ...] = ()
    market: str | None = None
    environment: str = "production"
    url: str | None = None
    as_json: bool = False
    seconds: float | None = None
    limit: int | None = None
    proxy: str | None = None
    impersonate: str | None = None
    rotate_every: float | None = None
    redundancy: int = 1
    reconnect: bool = True


async def stream(options: StreamOptions) -> None:
    """Print events until the limit, the time, or Ctrl-C.

    Raises:
        Problem: It cannot be done, or the network or the venue ended it.
    """
    try:
        _check(options)
        url = options.url or _address(options)
    except ConfigurationError as error:
        raise Problem(str(error), ExitCode.USAGE) from error
    writer = LineWriter(sys.stdout.fileno())
    try:
        try:
            await run_until_interrupted(_stream(options, writer))
        finally:
            await writer.close(_LAST_LINES_SECONDS)
    except BrokenPipeError:
        # Whoever read the lines has seen enough: `tickwire stream … | head`.
        return
    except Exception as error:
        problem = explain(error, url, options.proxy)
        if problem is None:
            raise
        raise problem from error


async def _stream(options: StreamOptions, writer: LineWriter) -> None:
    names = options.names
    symbols: tuple[str, ...] = ()
    if options.exchange == _SILENT:
        names, symbols = _checked_names(options)
    async with AsyncSession(impersonate=options.impersonate) as session:
        feed = Feed(
            options.exchange,
            trades=options.trades,
            quotes=options.quotes,
            books=options.books,
            native=names,
            market=options.market,
            environment=options.environment,
            url=options.url,
            session=session,
            connect={"timeout": _CONNECT_SECONDS, "proxy": options.proxy},
            reconnect=options.reconnect,
            rotate_every=options.rotate_every,
            redundancy=options.redundancy,
            records=True,
        )
        obstacle = await _refuse_unknown(session, options, symbols) if symbols else None
        async with feed:
            if obstacle is not None:
                _warn(f"the symbols could not be checked ({obstacle}): a wrong one stays silent")
            await _print(feed, options, writer)


def _address(options: StreamOptions) -> str:
    """Where the first of the streams comes from, for messages.

    Raises:
        ConfigurationError: There are no such streams.
    """
    venue = open_venue(
        options.exchange, VenueSettings(market=options.market, environment=options.environment)
    )
    wanted = {"trades": options.trades, "quotes": options.quotes, "books": options.books}
    # Of Binance's names more is said when they are checked.
    native = () if options.exchange == _SILENT else options.names
    plans = venue.plan(wants_of(venue, {**wanted, "native": native}))
    for stream in (stream for plan in plans for stream in plan.streams):
        if stream.kind == _NO_EVENTS:
            raise ConfigurationError(
                f"there are no events for {stream.name!r} of {options.exchange}; check the spelling"
            )
    return plans[0].url if plans else ENDPOINTS[_binance(options)]


def _binance(options: StreamOptions) -> tuple[Market, Environment]:
    market = "spot" if options.market is None else options.market
    return cast("Market", market), cast("Environment", options.environment)


def _checked_names(options: StreamOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of streams, and the symbols to ask the venue for."""
    market, _ = _binance(options)
    streams = check_names(options.names, market)
    asked = map(venue_symbol, (*options.trades, *options.quotes, *options.books))
    symbols = dict.fromkeys((*symbols_of(streams), *asked))
    return tuple(item.name for item in streams), tuple(symbols)


async def _refuse_unknown(
    session: AsyncSession, options: StreamOptions, symbols: tuple[str, ...]
) -> str | None:
    """Stop at a symbol that the venue does not have; say what stood in the way of asking."""
    market, environment = _binance(options)
    base = rest_base(market, environment, options.url)
    found = await check_symbols(session, base, market, symbols, proxy=options.proxy)
    if found.unknown:
        many = "s" * (len(found.unknown) > 1)
        raise Problem(
            f"unknown symbol{many} {', '.join(found.unknown)} on {urlsplit(base).netloc} "
            f"({market}): check the spelling and --market",
            ExitCode.USAGE,
        )
    return found.obstacle


def _check(options: StreamOptions) -> None:
    """Refuse what cannot be meant."""
    if options.exchange not in VENUES:
        raise Problem(
            f"there is no exchange {options.exchange!r}; there are {', '.join(VENUES)}",
            ExitCode.USAGE,
        )
    if not (options.names or options.trades or options.quotes or options.books):
        raise Problem(
            f"name at least one stream, like {_EXAMPLES[options.exchange]}, or --trades BTC-USDT",
            ExitCode.USAGE,
        )
    if options.url is not None and not _is_url(options.url, _URL_SCHEMES):
        raise Problem(
            f"--url wants ws:// or wss:// and a host, like ws://127.0.0.1:8080, "
            f"not {options.url!r}",
            ExitCode.USAGE,
        )
    if options.proxy is not None and not _is_url(options.proxy, _PROXY_SCHEMES):
        raise Problem(
            f"--proxy wants {', '.join(f'{name}://' for name in _PROXY_SCHEMES)} and a host",
            ExitCode.USAGE,
        )


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is no number
        return False


async def _print(feed: Feed, options: StreamOptions, writer: LineWriter) -> None:
    line: Callable[[Event], bytes] = json_line if options.as_json else columns
    left = options.limit
    try:
        async with asyncio.timeout(options.seconds) as end:
            async for event in feed:
                if isinstance(event, Record):
                    if _is_news(event):
                        _warn(record_line(event))
                    continue
                writer.write(line(event))
                if left is not None:
                    left -= 1
                    if left <= 0:
                        return
                if writer.is_full:
                    await writer.room()
    except TimeoutError:
        if not end.expired():
            raise


def _is_news(record: Record) -> bool:
    """Whether a person should see it: a planned end is told by the line of what took over."""
    if isinstance(record, Disconnected):
        return record.reason.is_reactive
    return not isinstance(record, Connected)


def _warn(text: str) -> None:
    sys.stderr.write(f"tickwire: {one_line(text)}\n")
    sys.stderr.flush()
