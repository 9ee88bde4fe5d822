"""Binance spot, USD-M and COIN-M: stream names, endpoints, limits, codecs, order books."""

from tickwire.exchanges.binance import streams
from tickwire.exchanges.binance.book_codec import BinanceBookCodec
from tickwire.exchanges.binance.book_venue import BinanceBookVenue
from tickwire.exchanges.binance.books import new_book, snapshot_url
from tickwire.exchanges.binance.codec import BinanceCodec
from tickwire.exchanges.binance.streams import (
    ENDPOINTS,
    KLINE_INTERVALS,
    LIMITS,
    ConnectionPlan,
    Limits,
    StreamKind,
    plan_connections,
    venue_symbol,
)
from tickwire.exchanges.binance.user_data import UserDataCodec

__all__ = [
    "ENDPOINTS",
    "KLINE_INTERVALS",
    "LIMITS",
    "BinanceBookCodec",
    "BinanceBookVenue",
    "BinanceCodec",
    "ConnectionPlan",
    "Limits",
    "StreamKind",
    "UserDataCodec",
    "new_book",
    "plan_connections",
    "snapshot_url",
    "streams",
    "venue_symbol",
]
