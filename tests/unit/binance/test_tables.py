"""The tables of requests, and what is made of them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from tickwire.binance import Client, methods
from tickwire.exchanges.binance.restapi import REST_CALLS, TIME_PATHS, weight_of_path
from tickwire.exchanges.binance.signing import Security
from tickwire.exchanges.binance.wsapi import BY_NAME, METHODS, method_of, route

# Every ws_* method that python-binance 1.0.37 has on both of its clients, with what it sends and
# whether that is signed.
PYTHON_BINANCE = {
    "ws_create_test_order": ("order.test", True),
    "ws_create_order": ("order.place", True),
    "ws_order_limit": ("order.place", True),
    "ws_order_limit_buy": ("order.place", True),
    "ws_order_limit_sell": ("order.place", True),
    "ws_order_market": ("order.place", True),
    "ws_order_market_buy": ("order.place", True),
    "ws_order_market_sell": ("order.place", True),
    "ws_get_order": ("order.status", True),
    "ws_cancel_order": ("order.cancel", True),
    "ws_cancel_and_replace_order": ("order.cancelReplace", True),
    "ws_get_open_orders": ("openOrders.status", True),
    "ws_cancel_all_open_orders": ("openOrders.cancelAll", True),
    "ws_create_oco_order": ("orderList.place.oco", True),
    "ws_create_oto_order": ("orderList.place.oto", True),
    "ws_create_otoco_order": ("orderList.place.otoco", True),
    "ws_get_oco_order": ("orderList.status", True),
    "ws_cancel_oco_order": ("orderList.cancel", True),
    "ws_get_oco_open_orders": ("openOrderLists.status", True),
    "ws_create_sor_order": ("sor.order.place", True),
    "ws_create_test_sor_order": ("sor.order.test", True),
    "ws_get_account": ("account.status", True),
    "ws_get_account_rate_limits_orders": ("account.rateLimits.orders", True),
    "ws_get_all_orders": ("allOrders", True),
    "ws_get_my_trades": ("myTrades", True),
    "ws_get_prevented_matches": ("myPreventedMatches", True),
    "ws_get_allocations": ("myAllocations", True),
    "ws_get_commission_rates": ("account.commission", True),
    "ws_get_order_book": ("depth", False),
    "ws_get_recent_trades": ("trades.recent", False),
    "ws_get_historical_trades": ("trades.historical", False),
    "ws_get_aggregate_trades": ("trades.aggregate", False),
    "ws_get_klines": ("klines", False),
    "ws_get_uiKlines": ("uiKlines", False),
    "ws_get_avg_price": ("avgPrice", False),
    "ws_get_ticker": ("ticker.24hr", False),
    "ws_get_trading_day_ticker": ("ticker.tradingDay", False),
    "ws_get_symbol_ticker_window": ("ticker", False),
    "ws_get_symbol_ticker": ("ticker.price", False),
    "ws_get_orderbook_ticker": ("ticker.book", False),
    "ws_ping": ("ping", False),
    "ws_get_time": ("time", False),
    "ws_get_exchange_info": ("exchangeInfo", False),
    "ws_futures_get_order_book": ("depth", False),
    "ws_futures_get_all_tickers": ("ticker.price", False),
    "ws_futures_get_order_book_ticker": ("ticker.book", False),
    "ws_futures_create_order": ("order.place", True),
    "ws_futures_edit_order": ("order.modify", True),
    "ws_futures_cancel_order": ("order.cancel", True),
    "ws_futures_get_order": ("order.status", True),
    "ws_futures_v2_account_position": ("v2/account.position", True),
    "ws_futures_account_position": ("account.position", True),
    "ws_futures_v2_account_balance": ("v2/account.balance", True),
    "ws_futures_account_balance": ("account.balance", True),
    "ws_futures_v2_account_status": ("v2/account.status", True),
    "ws_futures_account_status": ("account.status", True),
    "ws_futures_create_algo_order": ("algoOrder.place", True),
    "ws_futures_cancel_algo_order": ("algoOrder.cancel", True),
}


@pytest.mark.parametrize("name", sorted(PYTHON_BINANCE))
def test_python_binance_s_methods_are_there(name: str) -> None:
    method, signed = PYTHON_BINANCE[name]
    row = BY_NAME[name]
    assert row.method == method
    assert (row.security is Security.SIGNED) == signed
    assert row.product == ("usdm" if name.startswith("ws_futures_") else "spot")
    for owner in (methods.AsyncMethods, methods.SyncMethods):
        assert "WebSocket API" in str(inspect.getdoc(getattr(owner, name)))


def test_names_are_one_each() -> None:
    assert len(BY_NAME) == len(METHODS)


def test_what_changes_orders_is_an_order_and_signed() -> None:
    changes = ("place", "cancel", "modify", "amend.", "Replace")
    for row in METHODS:
        last = row.method.split(".", 1)[-1]
        assert row.is_order == any(word in last for word in changes), row.name
        assert not row.is_order or row.security is Security.SIGNED


def test_the_stub_is_that_of_the_table() -> None:
    file = Path(methods.__file__).with_suffix(".pyi")
    assert file.read_text() == methods.stub(), "run python -m tickwire.binance.methods"


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("ws_get_order_book", {}, 5),
        ("ws_get_order_book", {"limit": 101}, 25),
        ("ws_get_order_book", {"limit": "1000"}, 50),
        ("ws_get_order_book", {"limit": 9999}, 250),
        ("ws_get_order_book", {"limit": "many"}, 5),
        ("ws_get_ticker", {}, 80),
        ("ws_get_ticker", {"symbol": "A"}, 2),
        ("ws_get_ticker", {"symbols": ["A"] * 21}, 40),
        ("ws_get_symbol_ticker_window", {"symbols": ["A"] * 3}, 12),
        ("ws_get_symbol_ticker_window", {"symbols": ["A"] * 80}, 200),
        ("ws_get_symbol_ticker", {"symbol": "A"}, 2),
        ("ws_get_symbol_ticker", {}, 4),
        ("ws_get_my_trades", {"orderId": 5}, 5),
        ("ws_create_test_order", {"computeCommissionRates": True}, 20),
        ("ws_futures_get_order_book", {}, 10),
        ("ws_futures_get_all_tickers", {}, 2),
    ],
)
def test_weights(name: str, params: dict[str, Any], expected: int) -> None:
    assert BY_NAME[name].weight_of(params) == expected


def test_presets_win_and_defaults_yield() -> None:
    row, given = route(
        BY_NAME["ws_order_limit_buy"], {"symbol": "A", "side": "SELL", "timeInForce": "IOC"}
    )
    assert row.method == "order.place"
    assert given == {"symbol": "A", "side": "BUY", "type": "LIMIT", "timeInForce": "IOC"}
    assert route(BY_NAME["ws_order_limit"], {})[1]["timeInForce"] == "GTC"
    assert "timeInForce" not in route(BY_NAME["ws_order_market_sell"], {})[1]


def test_conditional_futures_orders_are_algo_orders() -> None:
    row, given = route(
        BY_NAME["ws_futures_create_order"],
        {"type": "stop_market", "stopPrice": "5", "newClientOrderId": "mine"},
    )
    assert row.method == "algoOrder.place"
    assert given == {
        "type": "stop_market",
        "algoType": "CONDITIONAL",
        "triggerPrice": "5",
        "clientAlgoId": "mine",
    }
    assert route(BY_NAME["ws_futures_create_order"], {"type": "LIMIT"})[0].method == "order.place"
    assert route(BY_NAME["ws_futures_cancel_order"], {"algoId": 3})[0].method == "algoOrder.cancel"
    assert route(BY_NAME["ws_futures_cancel_order"], {"orderId": 3})[0].method == "order.cancel"


def test_methods_by_the_venue_s_name() -> None:
    assert method_of("spot", "v3/order.place").is_order
    assert method_of("coinm", "order.place").product == "usdm"
    assert method_of("spot", "userDataStream.subscribe").weight == 2
    assert method_of("usdm", "session.status").weight == 2
    assert not method_of("usdm", "session.status").is_order
    # What the table does not know may be an order.
    assert method_of("spot", "order.invented").is_order


def test_rest_weights_and_paths() -> None:
    assert weight_of_path("GET", "/api/v3/depth", {}) == 5
    assert weight_of_path("GET", "/api/v3/depth", {"limit": 5000}) == 250
    assert weight_of_path("GET", "/fapi/v1/depth", {}) == 10
    assert weight_of_path("GET", "/api/v3/exchangeInfo", {}) == 20
    assert weight_of_path("GET", "/sapi/v1/somewhere", {}) == 1
    assert TIME_PATHS == {
        "spot": "/api/v3/time",
        "usdm": "/fapi/v1/time",
        "coinm": "/dapi/v1/time",
    }
    assert REST_CALLS["isolated_margin_stream_keepalive"].arguments == ("symbol", "listenKey")


def test_the_sync_client_is_found_where_programs_look_for_it() -> None:
    assert importlib.import_module("tickwire.binance.client").Client is Client
    with pytest.raises(AttributeError, match="Klient"):
        importlib.import_module("tickwire.binance.client").Klient  # noqa: B018
