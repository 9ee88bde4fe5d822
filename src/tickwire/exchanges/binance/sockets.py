"""The sockets of python-binance's managers as one table: name, parameters, streams, shape.

``tickwire.binance`` makes its asyncio and its threaded methods of this table. The names, the
parameters with their defaults, and what a message of each socket looks like are python-binance's
(1.0.37); the stream names are the venue's, by the builders of
:mod:`tickwire.exchanges.binance.streams`.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream
from tickwire.exchanges.binance import streams
from tickwire.exchanges.binance.names import StreamKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tickwire.exchanges.binance.names import Market

__all__ = [
    "REQUIRED",
    "SOCKETS",
    "Account",
    "ContractType",
    "FuturesType",
    "Parameter",
    "Request",
    "Shape",
    "Socket",
]

Account = Literal["spot", "margin", "isolated_margin", "usdm", "coinm"]


class FuturesType(Enum):
    """Which futures, in python-binance's words."""

    USD_M = 1
    COIN_M = 2


class ContractType(Enum):
    """Which contract of a pair, in python-binance's words."""

    PERPETUAL = "perpetual"
    CURRENT_QUARTER = "current_quarter"
    NEXT_QUARTER = "next_quarter"


class Shape(StrEnum):
    """What a message of a socket is."""

    PAYLOAD = "payload"
    """What the venue says of the stream, bare."""
    COMBINED = "combined"
    """``{"stream": …, "data": …}``."""
    ARRAY = "array"
    """A list of payloads, collected from one stream per symbol."""
    CONFLATED = "conflated"
    """A list with the newest payload of each symbol, at intervals."""


REQUIRED: Any = object()
"""The default of a parameter that has none."""


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a socket's method.

    Attributes:
        name: As python-binance calls it.
        type: As it stands in a signature.
        default: :data:`REQUIRED` where there is none.
    """

    name: str
    type: str
    default: Any = REQUIRED


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a call of a socket's method comes to.

    Attributes:
        product: Whose streams, and at which endpoint.
        name: Tells the socket from the others of a manager; what ``start_*`` returns.
        shape: What its messages are.
        streams: What is subscribed.
        every_symbol: Instead: makes the stream of a symbol; all that trade are subscribed.
        path: A path below the product's base, where not that of the product's own streams.
        interval_ms: Of :attr:`Shape.CONFLATED`.
        account: Instead: whose account is watched.
        symbol: Of an isolated margin account.
    """

    product: Market
    name: str
    shape: Shape = Shape.PAYLOAD
    streams: tuple[Stream, ...] = ()
    every_symbol: Callable[[str], Stream] | None = None
    path: str = ""
    interval_ms: int = 0
    account: Account | None = None
    symbol: str | None = None


class Socket(msgspec.Struct, frozen=True):
    """A row: one method of the managers.

    Attributes:
        name: Of the asyncio method; the threaded one is ``start_`` and this.
        about: What it gives, in one sentence.
        request: Makes the request of the parameters' values.
        parameters: In python-binance's order.
        takes_more: Whether positional arguments beyond those are taken, and left out of account.
    """

    name: str
    about: str
    request: Callable[..., Request]
    parameters: tuple[Parameter, ...] = ()
    takes_more: bool = False


_PRODUCTS: dict[FuturesType, Market] = {FuturesType.USD_M: "usdm", FuturesType.COIN_M: "coinm"}


def _product(futures_type: FuturesType) -> Market:
    try:
        return _PRODUCTS[futures_type]
    except (KeyError, TypeError):
        raise ConfigurationError(
            f"futures_type is FuturesType.USD_M or FuturesType.COIN_M, not {futures_type!r}"
        ) from None


def _of(product: Market, shape: Shape, *wanted: Stream) -> Request:
    """The request for one stream."""
    (stream,) = wanted
    streams.check_stream(stream, product)
    return Request(product=product, name=_name(product, stream.name), shape=shape, streams=wanted)


def _name(product: str, text: str) -> str:
    """Spot streams are called as the venue does; others say where they are, for both are served
    streams of the same names."""
    return text if product == "spot" else f"{product}/{text}"


def _spot(builder: Callable[[str], Stream]) -> Callable[..., Request]:
    return lambda symbol: _of("spot", Shape.PAYLOAD, builder(symbol))


def _futures(builder: Callable[[str], Stream]) -> Callable[..., Request]:
    return lambda symbol, futures_type: _of(_product(futures_type), Shape.COMBINED, builder(symbol))


def _depth(symbol: str, depth: str | None, interval: int | None) -> Request:
    speed = interval or None
    if depth and str(depth) != "1":
        stream = streams.partial_depth(symbol, _levels(depth), speed_ms=speed)
    else:
        stream = streams.depth(symbol, speed_ms=speed)
    return _of("spot", Shape.PAYLOAD, stream)


def _levels(depth: str) -> int:
    try:
        return int(depth)
    except ValueError:
        raise ConfigurationError(f"depth is 5, 10 or 20, not {depth!r}") from None


def _futures_depth(symbol: str, depth: str, futures_type: FuturesType) -> Request:
    product = _product(futures_type)
    stream = streams.partial_depth(symbol, _levels(depth), market=product)
    return _of(product, Shape.COMBINED, stream)


def _rpi_depth(symbol: str, futures_type: FuturesType) -> Request:
    return _of(_product(futures_type), Shape.COMBINED, streams.rpi_depth(symbol))


def _kline(symbol: str, interval: str) -> Request:
    return _of("spot", Shape.PAYLOAD, streams.kline(symbol, interval))


def _continuous_kline(
    symbol: str, interval: str, futures_type: FuturesType, contract_type: ContractType
) -> Request:
    product = _product(futures_type)
    try:
        contract = ContractType(contract_type).value
    except ValueError:
        raise ConfigurationError(
            f"contract_type is one of {', '.join(map(str, ContractType))}, not {contract_type!r}"
        ) from None
    stream = streams.continuous_kline(symbol, contract, interval, market=product)
    return _of(product, Shape.PAYLOAD, stream)


def _mini_tickers(update_time: int) -> Request:
    stream = streams.all_mini_tickers()
    if update_time == 1000:  # the venue's own pace
        return _of("spot", Shape.PAYLOAD, stream)
    if isinstance(update_time, bool) or not isinstance(update_time, int) or update_time < 1000:
        raise ConfigurationError(
            f"update_time is a number of milliseconds, 1000 or more, not {update_time!r}"
        )
    return Request(
        product="spot",
        name=f"{stream.name}@{update_time}ms",
        shape=Shape.CONFLATED,
        streams=(stream,),
        interval_ms=update_time,
    )


def _tickers() -> Request:
    # The venue's own stream of all tickers of spot, !ticker@arr, was retired in March 2026.
    return Request(
        product="spot", name="!ticker@arr", shape=Shape.ARRAY, every_symbol=streams.ticker
    )


def _quotes() -> Request:
    # And that of all book tickers, !bookTicker, in December 2022.
    return Request(product="spot", name="!bookTicker", every_symbol=streams.book_ticker)


def _index_price(symbol: str, fast: bool) -> Request:
    return _of("coinm", Shape.COMBINED, streams.index_price(symbol, every_second=fast))


def _mark_price(symbol: str, fast: bool, futures_type: FuturesType) -> Request:
    stream = streams.mark_price(symbol, every_second=fast)
    return _of(_product(futures_type), Shape.COMBINED, stream)


def _mark_prices(fast: bool, futures_type: FuturesType) -> Request:
    stream = streams.all_mark_prices(every_second=fast)
    return _of(_product(futures_type), Shape.COMBINED, stream)


def _channel(channel: str, futures_type: FuturesType) -> Request:
    return _of(_product(futures_type), Shape.COMBINED, streams.parse_stream(channel))


def _multiplex(product: Market, names: Iterable[str]) -> Request:
    if isinstance(names, str):
        raise ConfigurationError(f"streams is a list of stream names: [{names!r}]")
    wanted = tuple({name: streams.parse_stream(name) for name in names}.values())
    if not wanted:
        raise ConfigurationError("streams is empty: name some, like bnbbtc@aggTrade")
    for stream in wanted:
        streams.check_stream(stream, product)
    name = "streams=" + "/".join(stream.name for stream in wanted)
    return Request(product=product, name=_name(product, name), shape=Shape.COMBINED, streams=wanted)


_CATEGORIES = ("market", "public")


def _futures_multiplex(names: Iterable[str], futures_type: FuturesType, category: str) -> Request:
    if category not in _CATEGORIES:
        # It need not be right: each stream is asked for where the venue serves it.
        raise ConfigurationError(f"category is market or public, not {category!r}")
    return _multiplex(_product(futures_type), names)


# Options: stream names that are no market's of the codec, at two paths of the USD-M host. Symbols
# (BTC-251123-126000-C) keep their hyphens.


def _option(path: str, *names: str, shape: Shape = Shape.PAYLOAD) -> Request:
    wanted = tuple(Stream(name, StreamKind.OTHER, "") for name in dict.fromkeys(names))
    text = "/".join(name for name in dict.fromkeys(names))
    if shape is Shape.COMBINED:
        text = f"streams={text}"
    return Request(product="usdm", name=f"options/{text}", shape=shape, streams=wanted, path=path)


def _of_option(path: str, suffix: str) -> Callable[..., Request]:
    return lambda symbol: _option(path, f"{symbol.lower()}@{suffix}")


def _of_expiry(path: str, suffix: str) -> Callable[..., Request]:
    return lambda symbol, expiration_date: _option(
        path, f"{symbol.lower()}@{suffix}@{expiration_date}"
    )


def _option_kline(symbol: str, interval: str) -> Request:
    return _option(_MARKET, f"{symbol.lower()}@kline_{interval}")


def _option_depth(symbol: str, depth: str, speed: str) -> Request:
    return _option(_PUBLIC, f"{symbol.lower()}@depth{depth}@{speed}")


def _option_multiplex(names: Iterable[str]) -> Request:
    if isinstance(names, str) or not (wanted := list(names)):
        raise ConfigurationError("streams is a list of at least one stream name")
    return _option(_MARKET, *wanted, shape=Shape.COMBINED)


_PUBLIC, _MARKET = "/public", "/market"


def _account(product: Market, account: Account, name: str) -> Callable[..., Request]:
    return lambda: Request(product=product, name=name, account=account)


def _isolated(symbol: str) -> Request:
    symbol = streams.venue_symbol(symbol)
    return Request(
        product="spot", name=f"isolated_margin/{symbol}", account="isolated_margin", symbol=symbol
    )


_SYMBOL = Parameter("symbol", "str")
_INTERVAL = Parameter("interval", "str", "1m")
_FAST = Parameter("fast", "bool", True)
_STREAMS = Parameter("streams", "Iterable[str]")
_EXPIRY = Parameter("expiration_date", "str")
_FUTURES_TYPE = Parameter("futures_type", "FuturesType", FuturesType.USD_M)
_CONTRACT_TYPE = Parameter("contract_type", "ContractType", ContractType.PERPETUAL)
_DEPTH_10 = Parameter("depth", "str", "10")

_ROWS = (
    Socket(
        "depth_socket",
        "A book's changes, or with ``depth`` (5, 10, 20) its best levels; ``interval=100``: ms.",
        _depth,
        (
            _SYMBOL,
            Parameter("depth", "str | None", None),
            Parameter("interval", "int | None", None),
        ),
    ),
    Socket("kline_socket", "Candles of a symbol.", _kline, (_SYMBOL, _INTERVAL)),
    Socket(
        "kline_futures_socket",
        "Candles of whichever contract of a pair is of the type.",
        _continuous_kline,
        (_SYMBOL, _INTERVAL, _FUTURES_TYPE, _CONTRACT_TYPE),
    ),
    Socket(
        "miniticker_socket",
        "Short statistics of all symbols that changed, as lists, every ``update_time`` ms.",
        _mini_tickers,
        (Parameter("update_time", "int", 1000),),
    ),
    Socket("trade_socket", "Every fill of a symbol.", _spot(streams.trade), (_SYMBOL,)),
    Socket(
        "aggtrade_socket",
        "Fills of a symbol, those of one taker order at one price as one.",
        _spot(streams.agg_trade),
        (_SYMBOL,),
    ),
    Socket(
        "aggtrade_futures_socket",
        "Fills of a contract, those of one taker order at one price as one.",
        _futures(streams.agg_trade),
        (_SYMBOL, _FUTURES_TYPE),
    ),
    Socket(
        "symbol_miniticker_socket",
        "Short statistics of a symbol over 24 hours.",
        _spot(streams.mini_ticker),
        (_SYMBOL,),
    ),
    Socket(
        "symbol_ticker_socket",
        "Statistics of a symbol over 24 hours.",
        _spot(streams.ticker),
        (_SYMBOL,),
    ),
    Socket(
        "ticker_socket",
        "Statistics of all symbols that changed, as lists.",
        _tickers,
        takes_more=True,
    ),
    Socket(
        "futures_ticker_socket",
        "Statistics of all USD-M contracts that changed, as lists.",
        lambda: _of("usdm", Shape.COMBINED, streams.all_tickers()),
    ),
    Socket(
        "futures_coin_ticker_socket",
        "Statistics of all COIN-M contracts that changed, as lists.",
        lambda: _of("coinm", Shape.COMBINED, streams.all_tickers()),
    ),
    Socket(
        "index_price_socket",
        "The index price of a COIN-M pair, every second or, not ``fast``, every three.",
        _index_price,
        (_SYMBOL, _FAST),
    ),
    Socket(
        "symbol_mark_price_socket",
        "Mark price and funding rate of a contract.",
        _mark_price,
        (_SYMBOL, _FAST, _FUTURES_TYPE),
    ),
    Socket(
        "all_mark_price_socket",
        "Mark prices and funding rates of all contracts, as lists.",
        _mark_prices,
        (_FAST, _FUTURES_TYPE),
    ),
    Socket(
        "symbol_ticker_futures_socket",
        "Best bid and offer of a contract at every change.",
        _futures(streams.book_ticker),
        (_SYMBOL, _FUTURES_TYPE),
    ),
    Socket(
        "individual_symbol_ticker_futures_socket",
        "Statistics of a contract over 24 hours.",
        _futures(streams.ticker),
        (_SYMBOL, _FUTURES_TYPE),
    ),
    Socket(
        "all_ticker_futures_socket",
        "Best bid and offer of all contracts, or another ``channel``: ``!ticker@arr``.",
        _channel,
        (Parameter("channel", "str", "!bookTicker"), _FUTURES_TYPE),
    ),
    Socket(
        "symbol_book_ticker_socket",
        "Best bid and offer of a symbol at every change.",
        _spot(streams.book_ticker),
        (_SYMBOL,),
    ),
    Socket("book_ticker_socket", "Best bid and offer of all symbols at every change.", _quotes),
    Socket(
        "multiplex_socket",
        "Several streams by the venue's names, each message with its stream's.",
        lambda streams: _multiplex("spot", streams),
        (_STREAMS,),
    ),
    Socket(
        "options_multiplex_socket",
        "Several options streams of the class ``market``, each message with its stream's name.",
        lambda streams: _option_multiplex(streams),
        (_STREAMS,),
    ),
    Socket(
        "futures_multiplex_socket",
        "Several futures streams, each message with its stream's name.",
        lambda streams, futures_type, category: _futures_multiplex(streams, futures_type, category),
        (_STREAMS, _FUTURES_TYPE, Parameter("category", "str", "market")),
    ),
    Socket("user_socket", "Events of the spot account.", _account("spot", "spot", "user")),
    Socket(
        "futures_user_socket",
        "Events of the USD-M account.",
        _account("usdm", "usdm", "usdm/user"),
    ),
    Socket(
        "coin_futures_user_socket",
        "Events of the COIN-M account.",
        _account("coinm", "coinm", "coinm/user"),
    ),
    Socket(
        "margin_socket", "Events of the cross margin account.", _account("spot", "margin", "margin")
    ),
    Socket(
        "futures_socket",
        "Events of the USD-M account: another name of ``futures_user_socket``.",
        _account("usdm", "usdm", "usdm/user"),
    ),
    Socket(
        "coin_futures_socket",
        "Events of the COIN-M account: another name of ``coin_futures_user_socket``.",
        _account("coinm", "coinm", "coinm/user"),
    ),
    Socket(
        "isolated_margin_socket",
        "Events of a symbol's isolated margin account.",
        _isolated,
        (_SYMBOL,),
    ),
    Socket(
        "options_ticker_socket",
        "Statistics of an option over 24 hours.",
        _of_option(_PUBLIC, "optionTicker"),
        (_SYMBOL,),
    ),
    Socket(
        "options_ticker_by_expiration_socket",
        "Statistics of an underlying's options of one expiry (YYMMDD).",
        _of_expiry(_PUBLIC, "optionTicker"),
        (_SYMBOL, _EXPIRY),
    ),
    Socket(
        "options_recent_trades_socket",
        "Every fill of an option, or of all options of an underlying.",
        _of_option(_PUBLIC, "optionTrade"),
        (_SYMBOL,),
    ),
    Socket("options_kline_socket", "Candles of an option.", _option_kline, (_SYMBOL, _INTERVAL)),
    Socket(
        "options_depth_socket",
        "The best levels of an option's book, every 100 or 500 ms.",
        _option_depth,
        (_SYMBOL, _DEPTH_10, Parameter("speed", "str", "500ms")),
    ),
    Socket(
        "options_book_ticker_socket",
        "Best bid and offer of an option at every change.",
        _of_option(_PUBLIC, "bookTicker"),
        (_SYMBOL,),
    ),
    Socket(
        "futures_depth_socket",
        "The best levels (5, 10, 20) of a contract's book.",
        _futures_depth,
        (_SYMBOL, _DEPTH_10, _FUTURES_TYPE),
    ),
    Socket(
        "futures_rpi_depth_socket",
        "Changes of a contract's book with retail-price-improvement orders. USD-M.",
        _rpi_depth,
        (_SYMBOL, _FUTURES_TYPE),
    ),
    Socket(
        "options_new_symbol_socket",
        "Options that are listed.",
        lambda: _option(_MARKET, "!optionSymbol"),
    ),
    Socket(
        "options_open_interest_socket",
        "Open interest of an underlying's options of one expiry (YYMMDD).",
        _of_expiry(_MARKET, "optionOpenInterest"),
        (_SYMBOL, _EXPIRY),
    ),
    Socket(
        "options_mark_price_socket",
        "Mark prices of an underlying's options, as lists.",
        _of_option(_MARKET, "optionMarkPrice"),
        (_SYMBOL,),
    ),
    Socket(
        "options_index_price_socket",
        "Index prices of all underlyings, as lists.",
        lambda: _option(_MARKET, "!index@arr"),
    ),
)

SOCKETS: dict[str, Socket] = {row.name: row for row in _ROWS}
"""Every socket, by the name of its asyncio method."""
