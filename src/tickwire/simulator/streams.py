"""Stream names: which path prefix serves them, and how often each is sent.

Sources: Binance stream documentation, spot and futures, state of 2026: update speeds, and the split
of the USD-M host into ``/public``, ``/market`` and ``/private``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tickwire.simulator.options import Market

__all__ = ["SCHEDULES", "Route", "Schedule", "is_diff_depth", "is_served"]


class Route(StrEnum):
    """The path prefix of a connection, without its slash.

    ``PRIVATE`` has the events of accounts. ``API`` stands for connections of the WebSocket API,
    which have no streams.
    """

    NONE = ""
    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"
    API = "ws-api"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a market sends periodically, in ms, and by which suffix it is asked for.

    Attributes:
        depth: Cadence of each depth window, and the stream-name suffixes that mean it.
        klines: Cadence of each group of kline intervals.
        ticker, ticker_array: Cadence of the statistics of one symbol and of all.
        book_ticker_array: Cadence of the quotes of all symbols; 0 where there is no such stream.
        has_trades: Whether single trades are published, besides aggregate ones.
        has_ticker_array: Whether the full statistics of all symbols are published in one stream.
    """

    depth: tuple[tuple[int, tuple[str, ...]], ...]
    klines: tuple[tuple[int, tuple[str, ...]], ...]
    ticker: int
    ticker_array: int
    book_ticker_array: int
    has_trades: bool
    has_ticker_array: bool


_MINUTES_UP = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip

SCHEDULES = {
    Market.SPOT: Schedule(
        depth=((1000, ("",)), (100, ("@100ms",))),
        klines=((1000, ("1s",)), (2000, _MINUTES_UP)),
        ticker=1000,
        ticker_array=1000,
        book_ticker_array=0,
        has_trades=True,
        has_ticker_array=False,
    ),
    # Single trades are not documented on futures: the name is acknowledged and stays silent.
    Market.USDM: Schedule(
        depth=((250, ("", "@250ms")), (500, ("@500ms",)), (100, ("@100ms",))),
        klines=((250, _MINUTES_UP),),
        ticker=2000,
        ticker_array=1000,
        book_ticker_array=5000,
        has_trades=False,
        has_ticker_array=True,
    ),
}
SCHEDULES[Market.COINM] = SCHEDULES[Market.USDM]

_DIFF_DEPTH = re.compile(r".*@depth(@\d+ms)?")
_PUBLIC_OR_MARKET = re.compile(r"!.*|.*@.*|tradingSession")
"""Everything else is a listen key."""
_PUBLIC = re.compile(r"!bookTicker|.*@bookTicker|.*@depth\d*(@\d+ms)?|.*@rpiDepth(@\d+ms)?")


def is_diff_depth(stream: str) -> bool:
    """Whether the stream carries book changes, as against the complete top of the book."""
    return _DIFF_DEPTH.fullmatch(stream) is not None


def is_served(market: Market, route: Route, stream: str) -> bool:
    """Whether a connection on ``route`` gets data of ``stream``.

    USD-M futures serve book data under ``/public``, accounts under ``/private`` and everything else
    under ``/market``; a connection without a prefix gets what ``/public`` has. A stream of another
    class is acknowledged all the same and stays silent. Spot and COIN-M have one route for all.
    """
    if market is not Market.USDM:
        return True
    if route is Route.PRIVATE or _PUBLIC_OR_MARKET.fullmatch(stream) is None:
        return route is Route.PRIVATE and _PUBLIC_OR_MARKET.fullmatch(stream) is None
    return (_PUBLIC.fullmatch(stream) is None) == (route is Route.MARKET)
