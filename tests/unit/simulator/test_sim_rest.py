"""REST answers and errors, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tickwire.simulator.options import Market
from tickwire.simulator.rest import answer, symbol_entry
from tickwire.simulator.symbols import default_specs

NOW_MS = 1_700_000_000_456
BAD_SYMBOL = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
ILLEGAL = "Illegal characters found in parameter '{}'; legal range is '{}'."


class Source:
    """Knows two symbols, and answers depth with what it was asked for."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def depth(self, symbol: str, limit: int, now_ms: int) -> bytes | None:
        if symbol not in ("BTCUSDT", "ETHUSDT"):
            return None
        return json.dumps([symbol, limit, now_ms]).encode()

    def symbols(self) -> list[dict[str, Any]]:
        return [
            symbol_entry(spec.symbol, spec.base, spec.quote, self._market, spec)
            for spec in default_specs(self._market)[:2]
        ]


def get(endpoint: str, market: Market = Market.SPOT, **query: str) -> tuple[int, Any]:
    reply = answer(endpoint, query, Source(market), market, NOW_MS)
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize("market", Market)
def test_ping_and_time(market: Market) -> None:
    assert get("ping", market) == (200, {})
    assert get("time", market) == (200, {"serverTime": NOW_MS})


@pytest.mark.parametrize(
    ("market", "asked", "given"),
    [
        (Market.SPOT, None, 100),
        (Market.SPOT, "1", 1),
        (Market.SPOT, "5000", 5000),
        (Market.SPOT, "99999999999999999999", 5000),
        (Market.USDM, None, 500),
        (Market.USDM, "5", 5),
        (Market.USDM, "1000", 1000),
    ],
)
def test_depth_limits(market: Market, asked: str | None, given: int) -> None:
    query = {} if asked is None else {"limit": asked}
    assert get("depth", market, symbol="BTCUSDT", **query) == (200, ["BTCUSDT", given, NOW_MS])


@pytest.mark.parametrize("market", Market)
@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({}, -1102, BAD_SYMBOL),
        ({"symbol": ""}, -1102, BAD_SYMBOL),
        ({"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
        ({"symbol": "btcusdt"}, -1100, ILLEGAL.format("symbol", "^[A-Z0-9-_.]{1,20}$")),
        ({"symbol": "X" * 21}, -1100, ILLEGAL.format("symbol", "^[A-Z0-9-_.]{1,20}$")),
        ({"symbol": "BTCUSDT", "limit": "-5"}, -1100, ILLEGAL.format("limit", "^[0-9]{1,20}$")),
        ({"symbol": "BTCUSDT", "limit": ""}, -1100, ILLEGAL.format("limit", "^[0-9]{1,20}$")),
        ({"symbol": "BTCUSDT", "limit": "٣"}, -1100, ILLEGAL.format("limit", "^[0-9]{1,20}$")),
    ],
)
def test_depth_errors(market: Market, query: dict[str, str], code: int, message: str) -> None:
    assert get("depth", market, **query) == (400, {"code": code, "msg": message})


def test_limits_that_only_one_market_refuses() -> None:
    assert get("depth", Market.USDM, symbol="BTCUSDT", limit="7") == (
        400,
        {"code": -4021, "msg": "7 is not valid depth limit"},
    )
    assert get("depth", Market.SPOT, symbol="BTCUSDT", limit="0")[1]["code"] == -1100


def test_spot_exchange_info() -> None:
    status, info = get("exchangeInfo")
    assert status == 200
    assert (info["timezone"], info["serverTime"]) == ("UTC", NOW_MS)
    bitcoin, ether = info["symbols"]
    assert (bitcoin["symbol"], ether["symbol"]) == ("BTCUSDT", "ETHUSDT")
    assert (bitcoin["baseAsset"], bitcoin["quoteAsset"]) == ("BTC", "USDT")
    assert bitcoin["status"] == "TRADING"
    assert bitcoin["quotePrecision"] == 8
    filters = {item["filterType"]: item for item in bitcoin["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001"


def test_spot_exchange_info_of_some_symbols() -> None:
    assert [s["symbol"] for s in get("exchangeInfo", symbol="ETHUSDT")[1]["symbols"]] == ["ETHUSDT"]
    asked = '["ETHUSDT","BTCUSDT"]'
    names = [s["symbol"] for s in get("exchangeInfo", symbols=asked)[1]["symbols"]]
    assert names == ["ETHUSDT", "BTCUSDT"]
    unknown = (400, {"code": -1121, "msg": "Invalid symbol."})
    assert get("exchangeInfo", symbol="NOSUCH") == unknown
    assert get("exchangeInfo", symbols='["BTCUSDT","NOSUCH"]') == unknown


@pytest.mark.parametrize("symbols", ["BTCUSDT", '"BTCUSDT"', "[1]", "[", "{}"])
def test_a_list_of_symbols_must_be_a_json_array_of_text(symbols: str) -> None:
    status, error = get("exchangeInfo", symbols=symbols)
    assert (status, error["code"]) == (400, -1100)


def test_futures_exchange_info_lists_everything_whatever_is_asked() -> None:
    _, info = get("exchangeInfo", Market.USDM, symbol="NOSUCH")
    assert info["futuresType"] == "U_MARGINED"
    assert [s["symbol"] for s in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    bitcoin = info["symbols"][0]
    assert (bitcoin["contractType"], bitcoin["pair"]) == ("PERPETUAL", "BTCUSDT")
    assert (bitcoin["pricePrecision"], bitcoin["quantityPrecision"]) == (2, 3)
    assert bitcoin["filters"][0]["tickSize"] == "0.10"


def test_a_symbol_known_by_name_only_has_no_filters() -> None:
    entry = symbol_entry("NKNUSDT", "NKN", "USDT", Market.USDM, None)
    assert entry["filters"] == []
    assert "pricePrecision" not in entry
