"""Pairs and streams by name.

A stream is named ``channel:BASE/QUOTE``; where a subscription has a parameter, it is part of the
channel: ``book-100:BTC/USD``, ``ohlc-5:BTC/USD`` (minutes). Three names are ours: ``bbo`` is the
venue's ``ticker`` sent at every change of the best quotes, ``orders`` and ``fills`` are parts of
its ``executions``.
"""

from __future__ import annotations

import re

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Stream

__all__ = [
    "DEPTHS",
    "INTERVALS",
    "PRIVATE",
    "Topic",
    "as_stream",
    "pair_of",
    "stream",
    "today",
    "topic_of",
]

DEPTHS = (10, 25, 100, 500, 1000)
INTERVALS = {
    "1m": 1,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "4h": 240,
    "1d": 1440,
    "1w": 10080,
    "15d": 21600,
}
"""Candles that the venue has, in minutes."""
PRIVATE = {"orders": "executions", "fills": "executions", "balances": "balances"}
"""The account's channels, and the venue's name of each."""

_PAIR = re.compile(r"[A-Za-z0-9.]+/[A-Za-z0-9.]+", re.ASCII)
# What version 1 and the REST interface still call them.
_OLD_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
_MARKET_CHANNELS = ("trade", "ticker", "bbo", "book", "ohlc")
_PARAMETERS: dict[str, tuple[int, ...]] = {"book": DEPTHS, "ohlc": tuple(INTERVALS.values())}


class Topic(msgspec.Struct, frozen=True, gc=False):
    """What a subscription request asks for, but for the pair.

    Attributes:
        channel: The venue's name of it.
        parameter: The depth or the interval, else 0.
        trigger: ``bbo`` or ``trades`` of a ticker, else empty.
    """

    channel: str
    parameter: int = 0
    trigger: str = ""


def today(asset: str) -> str:
    """``XBT`` → ``BTC``."""
    return _OLD_NAMES.get(asset, asset)


def pair_of(symbol: str) -> str:
    """``btc-usd``, ``XBT/USD`` → ``BTC/USD``. Letters stay as they are if some are capitals.

    Raises:
        ConfigurationError: It is no pair. Retry: no.
    """
    pair = symbol.replace("-", "/").replace("_", "/")
    if not _PAIR.fullmatch(pair):
        raise ConfigurationError(
            f"{symbol!r} is no pair of Kraken: it is written with its parts apart, BTC/USD"
        )
    if pair.islower():
        pair = pair.upper()
    return "/".join(map(today, pair.split("/")))


def topic_of(name: str) -> Topic:
    """What is asked for by a stream's name.

    Raises:
        ConfigurationError: The venue has no such channel, or not with this parameter. Retry: no.
    """
    label = name.partition(":")[0]
    if label in PRIVATE:
        return Topic(PRIVATE[label])
    channel, _, text = label.partition("-")
    offered = _PARAMETERS.get(channel)
    if channel not in _MARKET_CHANNELS or (offered is None) == bool(text):
        known = ", ".join((*_MARKET_CHANNELS, *PRIVATE))
        raise ConfigurationError(
            f"kraken has no stream {name!r}; there are {known}, books with their depth "
            f"(book-100:BTC/USD) and candles with their minutes (ohlc-5:BTC/USD)"
        )
    if channel == "bbo" or channel == "ticker":
        return Topic("ticker", trigger="bbo" if channel == "bbo" else "trades")
    if offered is None:
        return Topic(channel)
    if text not in map(str, offered):
        raise ConfigurationError(
            f"kraken's {channel} has no {text!r}; there are {', '.join(map(str, offered))}"
        )
    return Topic(channel, int(text))


def stream(label: str, symbol: str = "") -> Stream:
    """The stream of a channel and a symbol; events carry the symbol as given.

    Raises:
        ConfigurationError: No such channel or symbol. Retry: no.
    """
    topic_of(label)
    if label in PRIVATE:
        if symbol:
            raise ConfigurationError(f"{label} is of the whole account: name no pair")
        return Stream(label, label, "")
    return Stream(f"{label}:{pair_of(symbol)}", label, symbol)


def as_stream(item: Stream | str) -> Stream:
    """What was asked for; of a name, the stream whose events carry the venue's own symbol.

    Raises:
        ConfigurationError: As :func:`stream`. Retry: no.
    """
    label, _, pair = str(item).partition(":")
    known = stream(label, pair)
    if isinstance(item, str):
        return Stream(known.name, label, known.name.partition(":")[2])
    if known.name != item.name:
        raise ConfigurationError(f"kraken writes {item.name!r} as {known.name!r}")
    return item
