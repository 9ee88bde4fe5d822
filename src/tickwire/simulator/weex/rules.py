"""Which channels the simulated venue has, and how it refuses. Pure.

The texts are the venue's, as seen on the wire.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Refusal", "Request", "Topic", "read_request", "topic_of"]

_INTERVALS = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w", "1M")
_KLINE = re.compile(rf"kline_({'|'.join(_INTERVALS)})(?:_(LAST_PRICE|MARK_PRICE))?")
_DEPTH = re.compile(r"depth(\d*)")
_LEVELS = {"": 15, "15": 15, "200": 200}


class Refusal(Exception):
    """A request that the venue does not take. Retry: no."""


class Topic(NamedTuple):
    """One channel.

    Attributes:
        kind: ``trade``, ``ticker``, ``depth``, ``kline``, ``bookTicker`` or a private channel.
        symbol: Empty for private channels.
        detail: Level, or interval and price type.
    """

    kind: str
    symbol: str = ""
    detail: tuple[str, ...] = ()


class Request(NamedTuple):
    """A request as understood.

    Attributes:
        method: In the venue's words.
        names: What it names.
        number: Its ``id``, as sent.
    """

    method: str
    names: list[str]
    number: Any


def read_request(text: str) -> Request:
    """The request in a message.

    Raises:
        Refusal: It is none.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise Refusal(f"INVALID_ARGUMENT: unrecognized message : {text[:100]}")
    names = document.get("params") or []
    if not isinstance(names, list):
        names = [names]
    return Request(str(document.get("method")), list(map(str, names)), document.get("id"))


def topic_of(
    name: str, symbols: Collection[str], private: Collection[str], *, is_spot: bool
) -> Topic:
    """What a name means.

    Args:
        name: As sent; the symbol in any case.
        symbols: Those that there are.
        private: The private channels of this connection; empty on a public one.
        is_spot: Which product.

    Raises:
        Refusal: The connection has no such channel.
    """
    if private:
        if name in private:
            return Topic(name)
        raise Refusal(f"INVALID_ARGUMENT: invalid event : {name}")
    symbol, at, channel = name.partition("@")
    symbol = symbol.upper()
    if not at:
        raise Refusal(f"INVALID_ARGUMENT: invalid event : {name}")
    topic = None
    if channel in ("trade", "ticker") or (channel == "bookTicker" and is_spot):
        topic = Topic(channel, symbol)
    elif found := _KLINE.fullmatch(channel):
        topic = Topic("kline", symbol, (found[1], found[2] or "LAST_PRICE"))
    elif found := _DEPTH.fullmatch(channel):
        if found[1] not in _LEVELS:
            raise Refusal(f"INVALID_ARGUMENT: invalid depth level : {found[1]}")
        topic = Topic("depth", symbol, (str(_LEVELS[found[1]]),))
    if topic is None:
        raise Refusal(f"INVALID_ARGUMENT: invalid event : {channel}")
    if symbol not in symbols:
        internal = f"{symbol}_SPBL" if is_spot else f"cmt_{symbol.lower()}"
        raise Refusal(f"INVALID_ARGUMENT: invalid symbol : {internal}")
    return topic
