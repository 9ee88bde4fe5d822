"""What Binance's WebSocket API can be asked: one table, and the few rules that are no table.

Sources: the vendor's "WebSocket API" pages (spot, USD-M), as of August 2026; the Python names are
python-binance's where it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges.binance.signing import Security

if TYPE_CHECKING:
    from tickwire.exchanges.binance.names import Market

__all__ = ["BY_NAME", "FUTURES_CONDITIONAL", "METHODS", "Method", "method_of", "route"]

Params = Mapping[str, Any]
_NONE: Mapping[str, Any] = MappingProxyType({})


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a method of the interface under one Python name.

    Attributes:
        name: Of the clients' method.
        method: As the interface spells it.
        product: Where it is; the COIN-M interface has the USD-M rows.
        security: What the request carries.
        weight: Of the address's request weight per minute; a function of the parameters for some.
        is_order: Whether it can change orders: it is never sent twice, and when its answer is
            lost, whether it was carried out is not known.
        client_id: The parameter that names the order, so that it can be asked for when the answer
            is lost; one is made up if the caller gives none.
        fixed: Parameters that the Python name stands for.
        default: Parameters that the caller may override.
    """

    name: str
    method: str
    product: Market
    security: Security
    weight: int | Callable[[Params], int] = 1
    is_order: bool = False
    client_id: str | None = None
    fixed: Mapping[str, Any] = _NONE
    default: Mapping[str, Any] = _NONE

    def places(self, params: Params) -> bool:
        """Whether a request with ``params`` counts among the account's new orders.

        Cancelling does not, and has to be possible when that limit is used up. Methods that the
        table does not have may count.
        """
        if params.get("orderRateLimitExceededMode") == "CANCEL_ONLY":
            return False
        named = self.client_id is not None or self.method == "order.modify"
        return named or (self.is_order and not self.name)

    def weight_of(self, params: Params) -> int:
        """What a request with ``params`` costs."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _count(params: Params) -> int | None:
    """How many symbols are asked for; ``None`` for all."""
    if "symbol" in params:
        return 1
    symbols = params.get("symbols")
    return len(symbols) if isinstance(symbols, (list, tuple)) else None


def _by_limit(*steps: tuple[int, int], default: int) -> Callable[[Params], int]:
    def weight(params: Params) -> int:
        given = str(params.get("limit", default))
        limit = int(given) if given.isdecimal() else default
        return next((cost for levels, cost in steps if limit <= levels), steps[-1][1])

    return weight


def _per_symbol(each: int, most: int) -> Callable[[Params], int]:
    def weight(params: Params) -> int:
        count = _count(params)
        return most if count is None else min(each * count, most)

    return weight


def _one_or_all(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if _count(params) == 1 else every


def _day_ticker(params: Params) -> int:
    count = _count(params)
    if count is None or count > 100:
        return 80
    return 2 if count <= 20 else 40


def _test_order(params: Params) -> int:
    return 20 if params.get("computeCommissionRates") in (True, "true") else 1


_SPOT_DEPTH = _by_limit((100, 5), (500, 25), (1000, 50), (5000, 250), default=100)
_FUTURES_DEPTH = _by_limit((50, 2), (100, 5), (500, 10), (1000, 20), default=500)


def _public(name: str, method: str, weight: int | Callable[[Params], int]) -> Method:
    return Method(name=name, method=method, product="spot", security=Security.NONE, weight=weight)


def _read(name: str, method: str, weight: int | Callable[[Params], int]) -> Method:
    return Method(name=name, method=method, product="spot", security=Security.SIGNED, weight=weight)


def _order(
    name: str,
    method: str,
    weight: int = 1,
    client_id: str | None = None,
    fixed: Mapping[str, Any] = _NONE,
    default: Mapping[str, Any] = _NONE,
) -> Method:
    return Method(
        name=name,
        method=method,
        product="spot",
        security=Security.SIGNED,
        weight=weight,
        is_order=True,
        client_id=client_id,
        fixed=fixed,
        default=default,
    )


def _place(name: str, **fixed: str) -> Method:
    default = {"timeInForce": "GTC"} if fixed.get("type") == "LIMIT" else _NONE
    return _order(name, "order.place", 1, "newClientOrderId", fixed, default)


def _usdm(
    name: str,
    method: str,
    weight: int | Callable[[Params], int] = 1,
    *,
    security: Security = Security.SIGNED,
    is_order: bool = False,
    client_id: str | None = None,
    default: Mapping[str, Any] = _NONE,
) -> Method:
    return Method(
        name=name,
        method=method,
        product="usdm",
        security=security,
        weight=weight,
        is_order=is_order,
        client_id=client_id,
        default=default,
    )


METHODS: tuple[Method, ...] = (
    # Connection and market.
    _public("ws_ping", "ping", 1),
    _public("ws_get_time", "time", 1),
    _public("ws_get_exchange_info", "exchangeInfo", 20),
    _public("ws_get_execution_rules", "executionRules", _per_symbol(2, 40)),
    _public("ws_get_order_book", "depth", _SPOT_DEPTH),
    _public("ws_get_recent_trades", "trades.recent", 25),
    _public("ws_get_historical_trades", "trades.historical", 25),
    _public("ws_get_historical_block_trades", "blockTrades.historical", 25),
    _public("ws_get_aggregate_trades", "trades.aggregate", 4),
    _public("ws_get_klines", "klines", 2),
    _public("ws_get_uiKlines", "uiKlines", 2),
    _public("ws_get_avg_price", "avgPrice", 2),
    _public("ws_get_ticker", "ticker.24hr", _day_ticker),
    _public("ws_get_trading_day_ticker", "ticker.tradingDay", _per_symbol(4, 200)),
    _public("ws_get_symbol_ticker_window", "ticker", _per_symbol(4, 200)),
    _public("ws_get_symbol_ticker", "ticker.price", _one_or_all(2, 4)),
    _public("ws_get_orderbook_ticker", "ticker.book", _one_or_all(2, 4)),
    _public("ws_get_reference_price", "referencePrice", 2),
    _public("ws_get_reference_price_calculation", "referencePrice.calculation", 2),
    _public("ws_session_status", "session.status", 2),
    _public("ws_session_subscriptions", "session.subscriptions", 2),
    # Orders.
    _place("ws_create_order"),
    _place("ws_order_limit", type="LIMIT"),
    _place("ws_order_limit_buy", type="LIMIT", side="BUY"),
    _place("ws_order_limit_sell", type="LIMIT", side="SELL"),
    _place("ws_order_market", type="MARKET"),
    _place("ws_order_market_buy", type="MARKET", side="BUY"),
    _place("ws_order_market_sell", type="MARKET", side="SELL"),
    _read("ws_create_test_order", "order.test", _test_order),
    _order("ws_cancel_order", "order.cancel"),
    _order("ws_cancel_and_replace_order", "order.cancelReplace", 1, "newClientOrderId"),
    _order("ws_amend_order", "order.amend.keepPriority", 4),
    _order("ws_cancel_all_open_orders", "openOrders.cancelAll"),
    # The venue calls this one deprecated; orderList.place.oco takes its place.
    _order("ws_create_order_list", "orderList.place", 1, "listClientOrderId"),
    _order("ws_create_oco_order", "orderList.place.oco", 1, "listClientOrderId"),
    _order("ws_create_oto_order", "orderList.place.oto", 1, "listClientOrderId"),
    _order("ws_create_otoco_order", "orderList.place.otoco", 1, "listClientOrderId"),
    _order("ws_create_opo_order", "orderList.place.opo", 1, "listClientOrderId"),
    _order("ws_create_opoco_order", "orderList.place.opoco", 1, "listClientOrderId"),
    _order("ws_cancel_oco_order", "orderList.cancel"),
    _order("ws_create_sor_order", "sor.order.place", 1, "newClientOrderId"),
    _read("ws_create_test_sor_order", "sor.order.test", _test_order),
    _read("ws_get_order", "order.status", 4),
    _read("ws_get_order_amendments", "order.amendments", 4),
    _read("ws_get_open_orders", "openOrders.status", _one_or_all(6, 80)),
    _read("ws_get_all_orders", "allOrders", 20),
    _read("ws_get_oco_order", "orderList.status", 4),
    _read("ws_get_oco_open_orders", "openOrderLists.status", 6),
    _read("ws_get_all_oco_orders", "allOrderLists", 20),
    # Account.
    _read("ws_get_account", "account.status", 20),
    _read("ws_get_commission_rates", "account.commission", 20),
    _read("ws_get_account_rate_limits_orders", "account.rateLimits.orders", 40),
    _read("ws_get_my_trades", "myTrades", lambda params: 5 if "orderId" in params else 20),
    _read(
        "ws_get_prevented_matches",
        "myPreventedMatches",
        lambda params: 2 if "preventedMatchId" in params else 20,
    ),
    _read("ws_get_allocations", "myAllocations", 20),
    _read("ws_get_my_filters", "myFilters", 40),
    # Futures.
    _usdm("ws_futures_get_order_book", "depth", _FUTURES_DEPTH, security=Security.NONE),
    _usdm("ws_futures_get_all_tickers", "ticker.price", _one_or_all(1, 2), security=Security.NONE),
    _usdm(
        "ws_futures_get_order_book_ticker", "ticker.book", _one_or_all(2, 5), security=Security.NONE
    ),
    _usdm("ws_futures_create_order", "order.place", is_order=True, client_id="newClientOrderId"),
    _usdm("ws_futures_edit_order", "order.modify", is_order=True),
    _usdm("ws_futures_cancel_order", "order.cancel", is_order=True),
    _usdm("ws_futures_get_order", "order.status"),
    _usdm(
        "ws_futures_create_algo_order",
        "algoOrder.place",
        is_order=True,
        client_id="clientAlgoId",
        default={"algoType": "CONDITIONAL"},
    ),
    _usdm("ws_futures_cancel_algo_order", "algoOrder.cancel", is_order=True),
    _usdm("ws_futures_account_balance", "account.balance", 5),
    _usdm("ws_futures_v2_account_balance", "v2/account.balance", 5),
    _usdm("ws_futures_account_status", "account.status", 5),
    _usdm("ws_futures_v2_account_status", "v2/account.status", 5),
    _usdm("ws_futures_account_position", "account.position", 5),
    _usdm("ws_futures_v2_account_position", "v2/account.position", 5),
    _usdm("ws_futures_stream_start", "userDataStream.start", 5, security=Security.API_KEY),
    _usdm("ws_futures_stream_ping", "userDataStream.ping", security=Security.API_KEY),
    _usdm("ws_futures_stream_stop", "userDataStream.stop", security=Security.API_KEY),
)

BY_NAME: dict[str, Method] = {row.name: row for row in METHODS}

_SESSION = ("session.logon", "session.logout")
_USER_DATA = tuple(
    f"userDataStream.{name}"
    for name in ("subscribe", "subscribe.signature", "subscribe.listenToken", "unsubscribe")
)
_INTERNAL: dict[str, Method] = {
    name: Method(name="", method=name, product="spot", security=Security.NONE, weight=2)
    for name in (*_SESSION, *_USER_DATA)
}
# Methods that stand for the same one of the table: the first row of each.
_BY_METHOD: dict[tuple[Market, str], Method] = {}
for _row in METHODS:
    _BY_METHOD.setdefault((_row.product, _row.method), _row)
# The session methods are the same everywhere; ping and time are spot's alone.
_BY_METHOD["usdm", "session.status"] = _BY_METHOD["spot", "session.status"]


def method_of(product: Market, method: str) -> Method:
    """The row of a method, by the interface's own name for it.

    A method that the table does not have weighs 1 and counts as an order, since it may be one.
    """
    bare = method.removeprefix("v3/").removeprefix("v1/")
    where: Market = "spot" if product == "spot" else "usdm"
    row = _BY_METHOD.get((where, bare)) or _INTERNAL.get(bare)
    if row is None:
        return Method(
            name="", method=method, product=product, security=Security.NONE, is_order=True
        )
    return row


FUTURES_CONDITIONAL = frozenset(
    {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
)
"""Order types that the futures take as algo orders only."""


def route(row: Method, params: Params) -> tuple[Method, dict[str, Any]]:
    """The row and the parameters that a call by its Python name leads to.

    Futures keep conditional orders apart from the others, which python-binance hides from its
    callers; so does this.
    """
    given = {**row.default, **params, **row.fixed}
    if row.name == "ws_futures_create_order":
        if str(given.get("type", "")).upper() in FUTURES_CONDITIONAL:
            row = BY_NAME["ws_futures_create_algo_order"]
            given = {**row.default, **given}
            own = given.pop("newClientOrderId", None)
            if own is not None:
                given.setdefault("clientAlgoId", own)
            if "stopPrice" in given:
                given.setdefault("triggerPrice", given.pop("stopPrice"))
    elif row.name == "ws_futures_cancel_order" and given.keys() & {"algoId", "clientAlgoId"}:
        row = BY_NAME["ws_futures_cancel_algo_order"]
    return row, given
