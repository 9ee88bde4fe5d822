"""Builders of Binance stream names: what people write in, streams out.

Everything that a name can be, on which market, stands in the tables of
:mod:`tickwire.exchanges.binance.names`; this module is also the door to them and to the endpoints.
"""

from __future__ import annotations

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream
from tickwire.exchanges.binance.endpoints import (
    ENDPOINTS,
    LIMITS,
    ConnectionPlan,
    Limits,
    TimeUnit,
    plan_connections,
)
from tickwire.exchanges.binance.names import (
    CONTRACT_TYPES,
    DEPTH_SPEEDS,
    KLINE_INTERVALS,
    PARTIAL_LEVELS,
    WINDOWS,
    Environment,
    Market,
    StreamKind,
    as_stream,
    check_market,
    check_speed,
    check_stream,
    parse_stream,
    venue_symbol,
)

__all__ = [
    "ENDPOINTS",
    "KLINE_INTERVALS",
    "LIMITS",
    "ConnectionPlan",
    "Environment",
    "Limits",
    "Market",
    "StreamKind",
    "TimeUnit",
    "agg_trade",
    "all_asset_indexes",
    "all_force_orders",
    "all_mark_prices",
    "all_mini_tickers",
    "all_quotes",
    "all_tickers",
    "all_window_tickers",
    "as_stream",
    "asset_index",
    "average_price",
    "block_trade",
    "book_ticker",
    "check_market",
    "check_stream",
    "composite_index",
    "continuous_kline",
    "contract_info",
    "depth",
    "force_order",
    "index_price",
    "index_price_kline",
    "kline",
    "mark_price",
    "mark_price_kline",
    "mini_ticker",
    "parse_stream",
    "partial_depth",
    "plan_connections",
    "reference_price",
    "rpi_depth",
    "ticker",
    "trade",
    "trading_session",
    "venue_symbol",
    "window_ticker",
]


def trade(symbol: str) -> Stream:
    """Every fill. Spot; on USD-M it is not documented: use :func:`agg_trade` there."""
    return _stream(symbol, "trade", StreamKind.TRADE)


def block_trade(symbol: str) -> Stream:
    """Block trades, numbered apart from the others. Spot only."""
    return _stream(symbol, "blockTrade", StreamKind.BLOCK_TRADE)


def agg_trade(symbol: str) -> Stream:
    """The fills of one taker order at one price as one event."""
    return _stream(symbol, "aggTrade", StreamKind.AGG_TRADE)


def book_ticker(symbol: str) -> Stream:
    """Best bid and offer at every change."""
    return _stream(symbol, "bookTicker", StreamKind.BOOK_TICKER)


def kline(symbol: str, interval: str, *, market: Market = "spot") -> Stream:
    """Candles of ``interval`` (see :data:`KLINE_INTERVALS`), aligned to UTC.

    Raises:
        ConfigurationError: The market has no such interval. Retry: no.
    """
    stream = _stream(symbol, f"kline_{interval}", StreamKind.KLINE)
    check_stream(stream, market)
    return stream


def mini_ticker(symbol: str) -> Stream:
    """Open, high, low, close, volumes of the last 24 hours, once or twice a second."""
    return _stream(symbol, "miniTicker", StreamKind.MINI_TICKER)


def ticker(symbol: str) -> Stream:
    """Full statistics of the last 24 hours."""
    return _stream(symbol, "ticker", StreamKind.TICKER)


def window_ticker(symbol: str, window: str) -> Stream:
    """Statistics of a rolling window of ``1h``, ``4h`` or ``1d``. Spot only.

    Raises:
        ConfigurationError: There is no such window. Retry: no.
    """
    if window not in WINDOWS:
        raise ConfigurationError(f"no ticker window {window!r}; there are {', '.join(WINDOWS)}")
    return _stream(symbol, f"ticker_{window}", StreamKind.WINDOW_TICKER)


def depth(symbol: str, *, speed_ms: int | None = None, market: Market = "spot") -> Stream:
    """Book changes, collected over ``speed_ms``; ``None`` is the venue's default.

    Raises:
        ConfigurationError: The market has no such speed. Retry: no.
    """
    suffix = "depth" + _speed_suffix(speed_ms, market)
    return _stream(symbol, suffix, StreamKind.DEPTH)


def partial_depth(
    symbol: str, levels: int, *, speed_ms: int | None = None, market: Market = "spot"
) -> Stream:
    """The best ``levels`` (5, 10 or 20) of the book, complete, every ``speed_ms``.

    Raises:
        ConfigurationError: The market has no such number of levels, or no such speed. Retry: no.
    """
    if levels not in PARTIAL_LEVELS:
        raise ConfigurationError(f"no partial depth of {levels} levels; there are 5, 10 and 20")
    suffix = f"depth{levels}{_speed_suffix(speed_ms, market)}"
    return _stream(symbol, suffix, StreamKind.PARTIAL_DEPTH)


def rpi_depth(symbol: str) -> Stream:
    """Changes of the book with its retail-price-improvement orders, a book of its own. USD-M."""
    return _stream(symbol, "rpiDepth@500ms", StreamKind.RPI_DEPTH)


def average_price(symbol: str) -> Stream:
    """The average price of the last minutes, once a second. Spot."""
    return _stream(symbol, "avgPrice", StreamKind.AVG_PRICE)


def reference_price(symbol: str) -> Stream:
    """The price that the venue's price rules refer to, once a second. Spot."""
    return _stream(symbol, "referencePrice", StreamKind.REFERENCE_PRICE)


def mark_price(symbol: str, *, every_second: bool = False) -> Stream:
    """Mark price, index price and funding rate, every three seconds or every second. Futures.

    On COIN-M a pair (``BTCUSD``) gives all its contracts.
    """
    suffix = "markPrice@1s" if every_second else "markPrice"
    return _stream(symbol, suffix, StreamKind.MARK_PRICE)


def index_price(pair: str, *, every_second: bool = False) -> Stream:
    """The index price of a pair, every three seconds or every second. COIN-M."""
    suffix = "indexPrice@1s" if every_second else "indexPrice"
    return _stream(pair, suffix, StreamKind.INDEX_PRICE)


def continuous_kline(
    pair: str, contract_type: str, interval: str, *, market: Market = "usdm"
) -> Stream:
    """Candles of whichever contract of ``pair`` is the ``contract_type`` at the time. Futures.

    Args:
        pair: ``BTCUSDT``.
        contract_type: ``perpetual``, ``current_quarter``, ``next_quarter``, ``tradifi_perpetual``.
        interval: See :data:`KLINE_INTERVALS`; ``1s`` too.
        market: USD-M or COIN-M.

    Raises:
        ConfigurationError: There is no such contract type or interval. Retry: no.
    """
    contract = contract_type.lower()
    if contract not in CONTRACT_TYPES:
        raise ConfigurationError(
            f"no contract type {contract_type!r}; there are {', '.join(CONTRACT_TYPES)}"
        )
    name = f"{venue_symbol(pair).lower()}_{contract}@continuousKline_{interval}"
    stream = Stream(name, StreamKind.CONTINUOUS_KLINE, f"{pair}_{contract.upper()}")
    check_stream(stream, market)
    return stream


def index_price_kline(pair: str, interval: str) -> Stream:
    """Candles of the index price of a pair. COIN-M.

    Raises:
        ConfigurationError: There is no such interval. Retry: no.
    """
    stream = _stream(pair, f"indexPriceKline_{interval}", StreamKind.INDEX_PRICE_KLINE)
    check_stream(stream, "coinm")
    return stream


def mark_price_kline(symbol: str, interval: str) -> Stream:
    """Candles of the mark price. COIN-M.

    Raises:
        ConfigurationError: There is no such interval. Retry: no.
    """
    stream = _stream(symbol, f"markPriceKline_{interval}", StreamKind.MARK_PRICE_KLINE)
    check_stream(stream, "coinm")
    return stream


def force_order(symbol: str) -> Stream:
    """Liquidations, of each second the last one. Futures."""
    return _stream(symbol, "forceOrder", StreamKind.FORCE_ORDER)


def composite_index(symbol: str) -> Stream:
    """What a composite index symbol (``DEFIUSDT``) is made of, once a second. USD-M."""
    return _stream(symbol, "compositeIndex", StreamKind.COMPOSITE_INDEX)


def asset_index(asset: str) -> Stream:
    """The index by which an asset (``ADAUSD``) counts as margin, once a second. USD-M."""
    return _stream(asset, "assetIndex", StreamKind.ASSET_INDEX)


def all_asset_indexes() -> Stream:
    """The indexes of all margin assets, once a second. USD-M."""
    return _whole("!assetIndex@arr")


def all_mark_prices(*, every_second: bool = False) -> Stream:
    """The mark prices of all symbols, in several messages each time. Futures."""
    return _whole("!markPrice@arr@1s" if every_second else "!markPrice@arr")


def all_force_orders() -> Stream:
    """Liquidations of all symbols, of each symbol and second the last one. Futures."""
    return _whole("!forceOrder@arr")


def all_window_tickers(window: str) -> Stream:
    """The rolling-window tickers that changed, of all symbols, once a second. Spot.

    Raises:
        ConfigurationError: There is no such window. Retry: no.
    """
    if window not in WINDOWS:
        raise ConfigurationError(f"no ticker window {window!r}; there are {', '.join(WINDOWS)}")
    return _whole(f"!ticker_{window}@arr")


def contract_info() -> Stream:
    """Contracts listed, settled, or with other brackets. Futures."""
    return _whole("!contractInfo")


def trading_session() -> Stream:
    """The trading sessions of traditional markets, once a second. USD-M."""
    return _whole("tradingSession")


def all_mini_tickers() -> Stream:
    """The mini tickers that changed, of all symbols, once a second, several in one frame."""
    return _whole("!miniTicker@arr")


def all_tickers() -> Stream:
    """The tickers that changed, of all symbols, once a second. USD-M only."""
    return _whole("!ticker@arr")


def all_quotes() -> Stream:
    """Best bid and offer of all symbols, every five seconds. USD-M only."""
    return _whole("!bookTicker")


def _whole(name: str) -> Stream:
    return parse_stream(name)


def _stream(symbol: str, suffix: str, kind: StreamKind) -> Stream:
    return Stream(f"{venue_symbol(symbol).lower()}@{suffix}", kind, symbol)


def _speed_suffix(speed_ms: int | None, market: Market) -> str:
    speeds = DEPTH_SPEEDS[market]
    if speed_ms is None:
        return ""
    check_speed(speed_ms, market)
    return "" if speed_ms == speeds[0] else f"@{speed_ms}ms"
