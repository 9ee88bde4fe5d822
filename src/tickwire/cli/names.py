"""Stream names as people type them, checked before anything is sent. Pure.

Binance acknowledges any name and is silent on those that it does not know, and a name of a stream
without a type would print nothing. So the command line is stricter than the codec: it takes the
names that give events, and tells the nearest one for any other.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance import StreamKind, venue_symbol
from tickwire.exchanges.binance.streams import check_stream, parse_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.exchanges import Stream
    from tickwire.exchanges.binance.streams import Market

__all__ = ["SUFFIXES", "check_names", "seconds_of", "split_list", "symbols_of"]

SUFFIXES = (
    "trade",
    "aggTrade",
    "blockTrade",
    "bookTicker",
    "depth",
    "depth@100ms",
    "depth20@100ms",
    "kline_1m",
    "miniTicker",
    "ticker",
    "ticker_1h",
    "avgPrice",
    "referencePrice",
    "markPrice",
    "markPrice@1s",
    "forceOrder",
    "continuousKline_1m",
    "compositeIndex",
    "assetIndex",
    "rpiDepth@500ms",
    "indexPrice",
    "indexPriceKline_1m",
    "markPriceKline_1m",
)
"""One or two spellings of each kind of stream that gives events: what is proposed for a typo."""


# Their names begin with a pair or an asset, which the venue's lists of symbols do not have.
_NOT_BY_SYMBOL = frozenset(
    {
        StreamKind.CONTINUOUS_KLINE,
        StreamKind.ASSET_INDEX,
        StreamKind.INDEX_PRICE,
        StreamKind.INDEX_PRICE_KLINE,
    }
)


def split_list(values: Iterable[str]) -> tuple[str, ...]:
    """The items of options that may be repeated and may have commas in them, each once."""
    items = (item.strip() for value in values for item in value.split(","))
    return tuple(dict.fromkeys(item for item in items if item))


_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)")


def seconds_of(text: str) -> float:
    """A length of time as people type it: ``10s``, ``5m``, ``12h``, ``0.5``; in seconds.

    Raises:
        ConfigurationError: It is none, or no time at all. Retry: no.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if seconds <= 0:
        raise ConfigurationError(f"{text!r} is not a length of time; write it like 10s, 5m or 12h")
    return seconds


def check_names(names: Iterable[str], market: Market) -> list[Stream]:
    """What the names mean.

    Raises:
        ConfigurationError: One is misspelt, gives no events, or is not served by the market. The
            text proposes another. Retry: no.
    """
    streams = []
    for name in names:
        if "@" not in name and not name.startswith("!"):
            raise ConfigurationError(
                f"{name!r} is not a stream; write it like {_lower(name)}@trade, or --trades {name}"
            )
        stream = parse_stream(name)
        check_stream(stream, market)
        if stream.kind == StreamKind.OTHER:
            raise ConfigurationError(f"there are no events for {name!r}; {_proposal(name)}")
        streams.append(stream)
    return streams


def _lower(name: str) -> str:
    try:
        return venue_symbol(name).lower()
    except ConfigurationError:
        return "btcusdt"


def _proposal(name: str) -> str:
    symbol, _, suffix = name.partition("@")
    close = get_close_matches(suffix, SUFFIXES, n=1, cutoff=0.5)
    if close and symbol:
        return f"did you mean {symbol}@{close[0]}?"
    return f"there are @{', @'.join(SUFFIXES)}"


def symbols_of(streams: Iterable[Stream]) -> tuple[str, ...]:
    """The venue's symbols in ``streams``, each once. Streams of the whole market have none."""
    return tuple(
        dict.fromkeys(
            venue_symbol(item.symbol)
            for item in streams
            if item.symbol and item.kind not in _NOT_BY_SYMBOL
        )
    )
