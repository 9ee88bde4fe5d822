"""Binance's local order books: the rules of each market, and where its snapshots are.

Sources: the vendor's "How to manage a local order book correctly" (spot, text of November 2025;
USD-M; COIN-M), and the "Order Book" pages of the three REST interfaces for limits and weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from msgspec import structs

from tickwire.book import BookRules, Layout, OrderBook
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.hosts import HOSTS
from tickwire.exchanges.binance.streams import Environment, Market, venue_symbol
from tickwire.market import SequenceRule

if TYPE_CHECKING:
    from tickwire.book import SnapshotRequest

__all__ = [
    "BOOK_RULES",
    "DEPTH_RULES",
    "REQUEST_WEIGHTS",
    "REST_ENDPOINTS",
    "affordable_levels",
    "check_levels",
    "new_book",
    "snapshot_url",
    "weight",
]

DEPTH_RULES: dict[Market, SequenceRule] = {
    "spot": SequenceRule.PLUS_ONE,
    "usdm": SequenceRule.PREVIOUS,
    "coinm": SequenceRule.PREVIOUS,
}
"""How consecutive diff-depth updates join."""

_UPDATE = Layout(first="U", last="u", previous="pu", time="E", bids="b", asks="a", inside="data")
_SNAPSHOT = Layout(last="lastUpdateId", time="E", bids="bids", asks="asks", inside="result")
# The most levels that each market gives; a deeper book is right for longer.
_DEEPEST: dict[Market, int] = {"spot": 5000, "usdm": 1000, "coinm": 1000}

BOOK_RULES: dict[Market, BookRules] = {
    market: BookRules(sequence=rule, update=_UPDATE, snapshot=_SNAPSHOT, limit=_DEEPEST[market])
    for market, rule in DEPTH_RULES.items()
}
"""What :class:`~tickwire.book.OrderBook` needs to know of each market."""

REST_ENDPOINTS: dict[tuple[Market, Environment], str] = {
    (market, environment): hosts.rest
    for (market, tld, environment), hosts in HOSTS.items()
    if tld == "com"
}
_PATHS: dict[Market, str] = {
    "spot": "/api/v3/depth",
    "usdm": "/fapi/v1/depth",
    "coinm": "/dapi/v1/depth",
}
_FUTURES_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1000, 20))
# Futures refuse every other number of levels with -4021.
_FUTURES_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
_SHALLOWEST = 100
# Up to so many levels: so much of the address's request weight.
_WEIGHTS: dict[Market, tuple[tuple[int, int], ...]] = {
    "spot": ((100, 5), (500, 25), (1000, 50), (5000, 250)),
    "usdm": _FUTURES_WEIGHTS,
    "coinm": _FUTURES_WEIGHTS,
}


REQUEST_WEIGHTS: dict[Market, int] = {"spot": 6000, "usdm": 2400, "coinm": 2400}
"""Request weight per minute of one address, ``exchangeInfo``'s ``REQUEST_WEIGHT``. USD-M and COIN-M
count for themselves."""


def new_book(
    symbol: str,
    market: Market = "spot",
    *,
    numbers: Literal["float", "decimal"] = "float",
    levels: int | None = None,
) -> OrderBook:
    """An empty book, to be fed with the payloads of the symbol's diff depth stream.

    Payloads may come with the envelope of a combined connection or without.

    Args:
        symbol: What requests and errors call it.
        market: Its market.
        numbers: ``float``, or ``decimal`` for exact ``Decimal`` prices and sizes.
        levels: Levels per side to ask for in snapshots; ``None``: the most that there are.

    Raises:
        ConfigurationError: No such kind of numbers, or the market gives no snapshot of so many
            levels. Retry: no.
    """
    rules = BOOK_RULES[market]
    if levels is not None:
        check_levels(market, levels)
        rules = structs.replace(rules, limit=levels)
    return OrderBook(symbol, rules, numbers=numbers)


def check_levels(market: Market, levels: int) -> None:
    """Refuse a number of levels that the market's snapshots cannot have.

    Raises:
        ConfigurationError: So it is. Retry: no.
    """
    allowed = _FUTURES_LIMITS if market != "spot" else range(1, _DEEPEST["spot"] + 1)
    if levels not in allowed:
        known = "1 to 5000" if market == "spot" else ", ".join(map(str, _FUTURES_LIMITS))
        raise ConfigurationError(f"no {market} snapshot of {levels} levels; there are {known}")


def affordable_levels(market: Market, symbols: int, weight_per_minute: int) -> int:
    """The deepest snapshots of so many symbols that can be fetched within one minute; 100 levels at
    the least, since a shallow book is soon beyond what its snapshot covered."""
    steps = [levels for levels, _ in _WEIGHTS[market] if levels >= _SHALLOWEST]
    affordable = [n for n in steps if symbols * weight(market, n) <= weight_per_minute]
    return max(affordable, default=_SHALLOWEST)


def snapshot_url(
    request: SnapshotRequest,
    market: Market,
    environment: Environment = "production",
    *,
    base_url: str | None = None,
) -> str:
    """What to GET for ``request``; the body goes to ``receive_snapshot`` as it is.

    Args:
        request: Of a book of :func:`new_book`.
        market: Its market.
        environment: Production, testnet or demo.
        base_url: Another server that speaks the same paths, instead of the venue's.

    Raises:
        ConfigurationError: The symbol is none. Retry: no.
    """
    base = (base_url or REST_ENDPOINTS[market, environment]).rstrip("/")
    symbol = quote(venue_symbol(request.symbol), safe="")
    return f"{base}{_PATHS[market]}?symbol={symbol}&limit={request.limit}"


def weight(market: Market, limit: int) -> int:
    """What a snapshot of ``limit`` levels costs of the address's request weight per minute.

    Raises:
        ConfigurationError: The market gives no snapshot that deep. Retry: with a lower limit.
    """
    for levels, cost in _WEIGHTS[market]:
        if limit <= levels:
            return cost
    raise ConfigurationError(
        f"no {market} snapshot has {limit} levels; the deepest has {_DEEPEST[market]}"
    )
