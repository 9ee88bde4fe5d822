"""The REST requests that go with the streams, and the venue's answers to them. Pure.

Served under ``/api/v3`` (spot), ``/fapi/v1`` (USD-M) or ``/dapi/v1`` (COIN-M): ``ping``, ``time``,
``exchangeInfo``, ``depth``. Errors have the venue's shape and codes:
``{"code":-1121,"msg":"Invalid symbol."}`` with HTTP 400.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from orjson import JSONDecodeError, dumps, loads

from tickwire.simulator.options import Market
from tickwire.simulator.refusals import Refused, illegal, missing, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tickwire.simulator.symbols import SymbolSpec

__all__ = [
    "ENDPOINTS",
    "PREFIXES",
    "RestReply",
    "RestSource",
    "answer",
    "depth",
    "depth_weight",
    "exchange_info",
    "symbol_entry",
    "weight",
]

PREFIXES = {Market.SPOT: "/api/v3", Market.USDM: "/fapi/v1", Market.COINM: "/dapi/v1"}
ENDPOINTS = ("ping", "time", "exchangeInfo", "depth")

_SPOT_DEFAULT_LIMIT, _SPOT_MAX_LIMIT = 100, 5000
_FUTURES_DEFAULT_LIMIT = 500
_FUTURES_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
_SYMBOL = re.compile(r"[A-Z0-9_.-]{1,20}")
_LIMIT = re.compile(r"[0-9]{1,20}")
# Most levels a side, and the weight up to there. An unlimited query is cut to 5000 or 1000.
_SPOT_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_FUTURES_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1000, 20))
_PERPETUAL_END_MS = 4_133_404_800_000
_MAX_UNITS = "9000000"


class RestSource(Protocol):
    """Where the answers come from."""

    def depth(self, symbol: str, limit: int, now_ms: int) -> bytes | None:
        """The depth answer with up to ``limit`` levels a side; None for an unknown symbol."""
        ...

    def symbols(self) -> Sequence[dict[str, Any]]:
        """One :func:`symbol_entry` for each instrument."""
        ...


class RestReply(NamedTuple):
    """An HTTP status and a JSON body."""

    status: int
    body: bytes


def answer(
    endpoint: str,
    query: Mapping[str, str],
    source: RestSource,
    market: Market,
    now_ms: int,
    rate_limits: Sequence[dict[str, Any]] = (),
) -> RestReply:
    """Answer a GET of one of :data:`ENDPOINTS`, asked at ``now_ms`` (ms since the Unix epoch)."""
    try:
        match endpoint:
            case "ping":
                return RestReply(200, b"{}")
            case "time":
                return RestReply(200, dumps({"serverTime": now_ms}))
            case "exchangeInfo":
                return RestReply(
                    200, dumps(exchange_info(query, source, market, now_ms, rate_limits))
                )
            case _:
                return RestReply(200, depth(query, source, market, now_ms))
    except Refused as refusal:
        return RestReply(refusal.status, dumps(refusal.error()))


def symbol_entry(
    symbol: str, base: str, quote: str, market: Market, spec: SymbolSpec | None
) -> dict[str, Any]:
    """An instrument as ``exchangeInfo`` lists it; without a spec its filters are not known."""
    entry: dict[str, Any] = {"symbol": symbol}
    coinm = market is Market.COINM
    if market is not Market.SPOT:
        _, _, contract = symbol.partition("_")
        entry |= {
            "pair": base + quote if coinm else symbol,
            "contractType": "CURRENT_QUARTER" if contract.isdecimal() else "PERPETUAL",
            "deliveryDate": _PERPETUAL_END_MS,
            "onboardDate": 0,
            "marginAsset": base if coinm else quote,
        }
    if coinm and spec is not None:
        entry["contractSize"] = spec.contract_size
    entry |= {"contractStatus" if coinm else "status": "TRADING"}
    entry |= {"baseAsset": base, "quoteAsset": quote}
    if market is Market.SPOT:
        entry |= {"baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8}
        entry |= {"isSpotTradingAllowed": True, "isMarginTradingAllowed": False}
    elif spec is not None:
        entry |= {"pricePrecision": spec.price_decimals, "quantityPrecision": spec.lot_decimals}
    entry["filters"] = [] if spec is None else _filters(spec)
    return entry


def _filters(spec: SymbolSpec) -> list[dict[str, str]]:
    tick, lot = spec.tick_size, spec.lot_step
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": _MAX_UNITS, "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": _MAX_UNITS, "stepSize": lot},
    ]


def exchange_info(
    query: Mapping[str, str],
    source: RestSource,
    market: Market,
    now_ms: int,
    rate_limits: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The instruments and the venue's limits.

    Raises:
        Refused: A symbol is none, or the query is malformed.
    """
    entries = list(source.symbols())
    # Futures ignore the filter and list everything.
    if market is Market.SPOT and (wanted := _wanted_symbols(query)) is not None:
        known = {entry["symbol"]: entry for entry in entries}
        if any(symbol not in known for symbol in wanted):
            raise refuse("symbol")
        entries = [known[symbol] for symbol in wanted]
    info: dict[str, Any] = {"timezone": "UTC", "serverTime": now_ms}
    if market is Market.USDM:
        info["futuresType"] = "U_MARGINED"
    return info | {"rateLimits": rate_limits, "exchangeFilters": [], "symbols": entries}


def _wanted_symbols(query: Mapping[str, str]) -> list[str] | None:
    if "symbol" in query:
        return [_symbol(query)]
    if "symbols" not in query:
        return None
    try:
        symbols = loads(query["symbols"])
    except JSONDecodeError:
        symbols = None
    if not isinstance(symbols, list) or not all(isinstance(item, str) for item in symbols):
        raise illegal("symbols", "a JSON array of symbols")
    return list(symbols)


def weight(endpoint: str, query: Mapping[str, str], market: Market) -> int:
    """What a GET of one of :data:`ENDPOINTS` costs."""
    if endpoint == "depth":
        return depth_weight(query, market)
    return 20 if endpoint == "exchangeInfo" and market is Market.SPOT else 1


def depth_weight(query: Mapping[str, str], market: Market) -> int:
    """What a depth snapshot costs: more, the more levels are asked for. A refused one is cheap."""
    try:
        limit = _limit(query, market)
    except Refused:
        limit = 0
    steps = _SPOT_WEIGHTS if market is Market.SPOT else _FUTURES_WEIGHTS
    return next(cost for most, cost in steps if limit <= most)


def depth(query: Mapping[str, str], source: RestSource, market: Market, now_ms: int) -> bytes:
    """A depth snapshot.

    Raises:
        Refused: The symbol is none, or the query is malformed.
    """
    symbol = _symbol(query)
    body = source.depth(symbol, _limit(query, market), now_ms)
    if body is None:
        raise refuse("symbol")
    return body


def _symbol(query: Mapping[str, str]) -> str:
    symbol = query.get("symbol")
    if not symbol:
        raise missing("symbol")
    if not _SYMBOL.fullmatch(symbol):
        raise illegal("symbol", "^[A-Z0-9-_.]{1,20}$")
    return symbol


def _limit(query: Mapping[str, str], market: Market) -> int:
    text = query.get("limit")
    if text is None:
        return _SPOT_DEFAULT_LIMIT if market is Market.SPOT else _FUTURES_DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text):
        raise illegal("limit", "^[0-9]{1,20}$")
    limit = int(text)
    if market is not Market.SPOT and limit not in _FUTURES_LIMITS:
        raise Refused(-4021, f"{text} is not valid depth limit")
    if limit == 0:
        raise illegal("limit", "^[0-9]{1,20}$")
    return min(limit, _SPOT_MAX_LIMIT)
