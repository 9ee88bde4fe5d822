"""Requests about orders: reading and checking them as the venue does, and its answers. Pure.

Limit, post-only and market orders are traded. Orders that wait for a trigger, order lists and
pegged orders are refused as unsupported (-1020).
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from tickwire.simulator.exchange import Access, Call, Method
from tickwire.simulator.options import Market
from tickwire.simulator.orders import (
    ZERO,
    Order,
    Status,
    cancelled_view,
    order_view,
    placed_view,
    trade_view,
)
from tickwire.simulator.refusals import Refused, missing, refuse

if TYPE_CHECKING:
    from tickwire.simulator.params import Params
    from tickwire.simulator.symbols import SymbolSpec

__all__ = ["ORDER_METHODS", "REST_FUTURES_METHODS", "TEST_ORDER"]

_TYPES = {Market.SPOT: ("LIMIT", "MARKET", "LIMIT_MAKER")}
_FUTURES_TYPES = ("LIMIT", "MARKET")
_WAITING = (
    "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "STOP", "STOP_MARKET",
    "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip
_TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
_FUTURES_TIMES_IN_FORCE = (*_TIMES_IN_FORCE, "GTX")
_UNSUPPORTED = ("stopPrice", "trailingDelta", "icebergQty", "pegPriceType")
_DEFAULT_ENTRIES, _MOST_ENTRIES = 500, 1000
_CANCEL_REPLACE_FAILED, _CANCEL_REPLACE_PARTIAL = -2022, -2021


def _read_order(call: Call) -> Order:
    """The order that a request describes, checked as far as that takes no market."""
    params, desk = call.params, call.exchange.desk
    spot = call.exchange.market is Market.SPOT
    spec = desk.spec(params.symbol())
    side = params.choice("side", ("BUY", "SELL"), "side")
    if params.text("type") in _WAITING or any(name in params for name in _UNSUPPORTED):
        raise refuse("unsupported")
    kind = params.choice("type", _TYPES.get(call.exchange.market, _FUTURES_TYPES), "order_type")
    if kind == "LIMIT":
        known = _TIMES_IN_FORCE if spot else _FUTURES_TIMES_IN_FORCE
        time_in_force = params.choice("timeInForce", known, "time_in_force")
    elif "timeInForce" in params and kind == "MARKET":
        raise _not_required("timeInForce")
    else:
        time_in_force = "GTC"
    price = ZERO
    if kind != "MARKET":
        price = _on_grid(params.decimal("price"), spec.tick_size, "PRICE_FILTER")
    elif "price" in params:
        raise _not_required("price")
    quantity, quote_quantity = _quantity(call, spec, side, kind)
    order_id = desk.next_order_id()
    return Order(
        order_id,
        params.client_id("newClientOrderId") or f"sim{order_id}",
        spec,
        side,
        kind,
        time_in_force,
        price,
        quantity,
        call.now_ms,
        call.now_ms,
        quote_quantity,
        not spot and params.flag("reduceOnly"),
    )


def _quantity(call: Call, spec: SymbolSpec, side: str, kind: str) -> tuple[Decimal, Decimal]:
    """Of the base asset, and of the quote asset where the order is placed by that."""
    params = call.params
    if "quoteOrderQty" not in params or call.exchange.market is not Market.SPOT:
        return _on_grid(params.decimal("quantity"), spec.lot_step, "LOT_SIZE"), ZERO
    if kind != "MARKET":
        raise _not_required("quoteOrderQty")
    if "quantity" in params:
        raise refuse("combination")
    quote_quantity = params.decimal("quoteOrderQty")
    best = call.exchange.desk.best(spec.symbol, is_buy=side == "BUY")
    step = Decimal(spec.lot_step)
    quantity = (quote_quantity / best / step).to_integral_value(ROUND_DOWN) * step
    if not quantity:
        raise _filter_failure("LOT_SIZE")
    return quantity, quote_quantity


def _on_grid(value: Decimal, step: str, filter_name: str) -> Decimal:
    if value % Decimal(step):
        raise _filter_failure(filter_name)
    return value


def _filter_failure(name: str) -> Refused:
    return Refused(-1013, f"Filter failure: {name}")


def _not_required(name: str) -> Refused:
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def _place(call: Call) -> Any:
    order = _read_order(call)
    answer = _answer_kind(call, order)
    call.exchange.orders(call.account).charge(call.now_ms)
    call.exchange.desk.place(call.account, order, call.now_ms)
    return placed_view(order, answer, call.exchange.market)


def _answer_kind(call: Call, order: Order) -> str:
    params = call.params
    spot = call.exchange.market is Market.SPOT
    if "newOrderRespType" in params:
        kinds = ("ACK", "RESULT", "FULL") if spot else ("ACK", "RESULT")
        if params.text("newOrderRespType") not in kinds:
            raise Refused(-1122, "Invalid newOrderRespType.")
        return params.text("newOrderRespType")
    return "FULL" if spot and order.type in ("LIMIT", "MARKET") else "ACK"


def _test(call: Call) -> Any:
    order = _read_order(call)
    call.exchange.desk.check(call.account, order)
    if not call.params.flag("computeCommissionRates"):
        return {}
    rate = f"{call.account.commission:.8f}"
    zero = f"{ZERO:.8f}"
    return {
        "standardCommissionForOrder": {"maker": rate, "taker": rate},
        "taxCommissionForOrder": {"maker": zero, "taker": zero},
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": zero,
        },
    }


def _cancel(call: Call) -> Any:
    return _cancel_named(call, "orderId", "origClientOrderId", "newClientOrderId")


def _cancel_named(call: Call, number: str, name: str, new_id: str) -> dict[str, Any]:
    order = _find(call, number, name)
    if order is None or not order.is_open:
        raise refuse("cancel")
    restrictions = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}
    if "cancelRestrictions" in call.params:
        wanted = restrictions.get(call.params.text("cancelRestrictions"))
        if wanted is None:
            raise Refused(-1145, "Invalid cancelRestrictions")
        if order.status != wanted:
            raise refuse("cancel_restrictions")
    cancel_id = call.params.client_id(new_id) or f"cancel{order.order_id}"
    call.exchange.desk.cancel(call.account, order, cancel_id, call.now_ms)
    return cancelled_view(order, call.exchange.market)


def _find(call: Call, number: str, name: str) -> Order | None:
    """The account's order that a request names by id or by client id."""
    params = call.params
    symbol = call.exchange.desk.spec(params.symbol()).symbol
    order_id, client_id = params.optional_integer(number), params.client_id(name)
    if order_id is None and client_id is None:
        # Neither of two parameters: the venue names the pair (-1102) without a fixed text.
        raise missing(f"{name}' or '{number}")
    for order in reversed(call.account.orders.values()):
        if order.symbol == symbol and (
            order.order_id == order_id if order_id is not None else client_id == order.client_id
        ):
            return order
    return None


def _cancel_replace(call: Call) -> Any:
    """Not one transaction: what was cancelled stays so when the new order is refused."""
    mode = call.params.text("cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise Refused(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
    match call.params.texts.get("orderRateLimitExceededMode", "DO_NOTHING"):
        case "DO_NOTHING":
            call.exchange.orders(call.account).check(call.now_ms)
        case "CANCEL_ONLY":
            pass
        case _:
            text = "Data sent for parameter 'orderRateLimitExceededMode' is not valid."
            raise Refused(-1130, text)
    data: dict[str, Any] = {}
    data["cancelResult"], data["newOrderResult"] = "SUCCESS", "NOT_ATTEMPTED"
    data["cancelResponse"] = data["newOrderResponse"] = None
    try:
        data["cancelResponse"] = _cancel_named(
            call, "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId"
        )
    except Refused as refusal:
        data["cancelResult"], data["cancelResponse"] = "FAILURE", refusal.error()
    if data["cancelResult"] == "SUCCESS" or mode == "ALLOW_FAILURE":
        try:
            data["newOrderResponse"] = _place(call)
            data["newOrderResult"] = "SUCCESS"
        except Refused as refusal:
            data["newOrderResult"], data["newOrderResponse"] = "FAILURE", refusal.error()
    results = data["cancelResult"], data["newOrderResult"]
    if results == ("SUCCESS", "SUCCESS"):
        return data
    if "SUCCESS" in results:
        text = "Order cancel-replace partially failed."
        raise Refused(_CANCEL_REPLACE_PARTIAL, text, 409, data)
    raise Refused(_CANCEL_REPLACE_FAILED, "Order cancel-replace failed.", 400, data)


def _modify(call: Call) -> Any:
    """Futures: another price and quantity for an open order."""
    params = call.params
    order = _find(call, "orderId", "origClientOrderId")
    if order is None or not order.is_open:
        raise refuse("no_order")
    if params.choice("side", ("BUY", "SELL"), "side") != order.side:
        raise refuse("side")
    price = _on_grid(params.decimal("price"), order.spec.tick_size, "PRICE_FILTER")
    quantity = _on_grid(params.decimal("quantity"), order.spec.lot_step, "LOT_SIZE")
    call.exchange.orders(call.account).charge(call.now_ms)
    call.exchange.desk.amend(call.account, order, price, quantity, call.now_ms)
    return placed_view(order, "RESULT", call.exchange.market)


def _status(call: Call) -> Any:
    order = _find(call, "orderId", "origClientOrderId")
    if order is None:
        raise refuse("no_order")
    return order_view(order, call.exchange.market)


def _open_orders(call: Call) -> Any:
    symbol = _optional_symbol(call)
    return [order_view(order, call.exchange.market) for order in call.account.open_orders(symbol)]


def _optional_symbol(call: Call) -> str | None:
    if "symbol" not in call.params:
        return None
    return call.exchange.desk.spec(call.params.symbol()).symbol


def _cancel_all(call: Call) -> Any:
    symbol = call.exchange.desk.spec(call.params.symbol()).symbol
    orders = call.account.open_orders(symbol)
    if not orders:
        raise refuse("cancel")
    for order in orders:
        call.exchange.desk.cancel(call.account, order, f"cancel{order.order_id}", call.now_ms)
    return [cancelled_view(order, call.exchange.market) for order in orders]


def _all_orders(call: Call) -> Any:
    params, market = call.params, call.exchange.market
    symbol = call.exchange.desk.spec(params.symbol()).symbol
    limit = params.limit(_DEFAULT_ENTRIES, _MOST_ENTRIES)
    first = params.optional_integer("orderId")
    start, end = params.time("startTime"), params.time("endTime")
    chosen = [
        order
        for order in call.account.orders.values()
        if order.symbol == symbol
        and (first is None or order.order_id >= first)
        and (start is None or order.time_ms >= start)
        and (end is None or order.time_ms <= end)
    ]
    chosen = chosen[-limit:] if first is None and start is None else chosen[:limit]
    return [order_view(order, market) for order in chosen]


def _my_trades(call: Call) -> Any:
    params = call.params
    symbol = call.exchange.desk.spec(params.symbol()).symbol
    limit = params.limit(_DEFAULT_ENTRIES, _MOST_ENTRIES)
    order_id, first = params.optional_integer("orderId"), params.optional_integer("fromId")
    start, end = params.time("startTime"), params.time("endTime")
    trades = [
        trade_view(order, fill)
        for order in call.account.orders.values()
        if order.symbol == symbol and order_id in (None, order.order_id)
        for fill in order.executions
        if (first is None or fill.trade_id >= first)
        and (start is None or fill.time_ms >= start)
        and (end is None or fill.time_ms <= end)
    ]
    trades.sort(key=lambda trade: int(trade["id"]))
    return trades[-limit:] if first is None and start is None else trades[:limit]


def _test_weight(params: Params) -> int:
    return 20 if params.flag("computeCommissionRates") else 1


TEST_ORDER = Method(_test, _test_weight, Access.TRADE)
"""Futures have it on REST only."""

_BOTH = {
    "order.place": Method(_place, 1, Access.TRADE, counts_orders=True, free_if_done=True),
    "order.cancel": Method(_cancel, 1, Access.TRADE, free_if_done=True),
}
_FUTURES = {
    **_BOTH,
    "order.modify": Method(_modify, 1, Access.TRADE, counts_orders=True),
    "order.status": Method(_status, 1, Access.SIGNED),
}

ORDER_METHODS: dict[Market, dict[str, Method]] = {
    Market.SPOT: {
        **_BOTH,
        "order.test": TEST_ORDER,
        "order.cancelReplace": Method(
            _cancel_replace, 1, Access.TRADE, counts_orders=True, free_if_done=True
        ),
        "order.status": Method(_status, 4, Access.SIGNED),
        "openOrders.status": Method(
            _open_orders, lambda params: 6 if "symbol" in params else 80, Access.SIGNED
        ),
        "openOrders.cancelAll": Method(_cancel_all, 1, Access.TRADE, free_if_done=True),
        "allOrders": Method(_all_orders, 20, Access.SIGNED),
        "myTrades": Method(
            _my_trades, lambda params: 5 if "orderId" in params else 20, Access.SIGNED
        ),
    },
    Market.USDM: _FUTURES,
    Market.COINM: _FUTURES,
}
"""By dialect and name, as the WebSocket API has them."""

REST_FUTURES_METHODS: dict[tuple[str, str], Method] = {
    ("GET", "openOrders"): ORDER_METHODS[Market.SPOT]["openOrders.status"],
    ("DELETE", "allOpenOrders"): ORDER_METHODS[Market.SPOT]["openOrders.cancelAll"],
    ("GET", "allOrders"): ORDER_METHODS[Market.SPOT]["allOrders"],
}
"""What the futures have on REST only, by HTTP method and path."""
