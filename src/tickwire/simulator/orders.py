"""An order of a client and what became of it, and the venue's JSON for both. Pure.

Keys and their order follow the Binance documentation of order answers, spot and futures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from tickwire.simulator.options import Market

if TYPE_CHECKING:
    from tickwire.simulator.symbols import SymbolSpec

__all__ = [
    "OPEN",
    "ZERO",
    "Execution",
    "Order",
    "Status",
    "cancelled_view",
    "fixed",
    "order_view",
    "placed_view",
    "trade_view",
]

ZERO = Decimal(0)
_SPOT_DECIMALS = 8


class Status:
    """The states of an order that the simulator knows."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


OPEN = (Status.NEW, Status.PARTIALLY_FILLED)


def fixed(value: Decimal, decimals: int = _SPOT_DECIMALS) -> str:
    """A number with so many decimals, the rest cut off."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN):f}"


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill of an order.

    Attributes:
        trade_id: Of the account's trades. It is none of the public trade ids: a client's fills do
            not show in the market's streams.
        price, quantity, commission: In the units of the instrument; the commission in
            ``commission_asset``.
        realised: Profit that the fill took, futures only.
    """

    trade_id: int
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    time_ms: int
    is_maker: bool
    realised: Decimal = ZERO


@dataclass(slots=True)
class Order:
    """An order, as placed and as it stands.

    Attributes:
        price: Zero for a market order.
        quantity: Of the base asset, or contracts.
        quote_quantity: What a market order was to spend, where it was placed by that.
        quote_executed: Sum of price times quantity of the fills.
        cancel_id: Client id of the request that cancelled it.
        reserved: What of the balance is locked for it, in the asset it spends. Spot only.
    """

    order_id: int
    client_id: str
    spec: SymbolSpec
    side: str
    type: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    time_ms: int
    update_ms: int
    quote_quantity: Decimal = ZERO
    reduce_only: bool = False
    status: str = Status.NEW
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    cancel_id: str = ""
    reserved: Decimal = ZERO
    executions: list[Execution] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        return self.spec.symbol

    @property
    def is_buy(self) -> bool:
        return self.side == "BUY"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def spends(self) -> str:
        """The asset that a spot order pays with."""
        return self.spec.quote if self.is_buy else self.spec.base

    def average_price(self) -> Decimal:
        """Of the fills, by quantity; COIN-M by what the contracts were worth in the base asset."""
        if not self.executed:
            return ZERO
        if self.spec.contract_size:
            return self.executed / sum(fill.quantity / fill.price for fill in self.executions)
        return self.quote_executed / self.executed


def _progress(order: Order) -> dict[str, Any]:
    return {
        "price": fixed(order.price),
        "origQty": fixed(order.quantity),
        "executedQty": fixed(order.executed),
        "origQuoteOrderQty": fixed(order.quote_quantity),
        "cummulativeQuoteQty": fixed(order.quote_executed),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }


def placed_view(order: Order, kind: str, market: Market) -> dict[str, Any]:
    """The answer to placing an order; ``kind`` is ``ACK``, ``RESULT`` or ``FULL``."""
    if market is not Market.SPOT:
        # An acknowledgement of the futures has all members and shows the order before any fill.
        return _futures_view(order, market, is_fresh=kind == "ACK")
    view: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.update_ms,
    }
    if kind == "ACK":
        return view
    view |= _progress(order)
    view |= {"workingTime": order.time_ms, "selfTradePreventionMode": "NONE"}
    if kind == "FULL":
        view["fills"] = [
            {
                "price": fixed(fill.price),
                "qty": fixed(fill.quantity),
                "commission": fixed(fill.commission),
                "commissionAsset": fill.commission_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.executions
        ]
    return view


def cancelled_view(order: Order, market: Market) -> dict[str, Any]:
    """The answer to cancelling an order."""
    if market is not Market.SPOT:
        return _futures_view(order, market)
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.cancel_id,
        "transactTime": order.update_ms,
        **_progress(order),
        "selfTradePreventionMode": "NONE",
    }


def order_view(order: Order, market: Market) -> dict[str, Any]:
    """An order as it is looked up."""
    if market is not Market.SPOT:
        return _futures_view(order, market) | {"time": order.time_ms}
    progress = _progress(order)
    quote_quantity = progress.pop("origQuoteOrderQty")
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        **progress,
        "stopPrice": fixed(ZERO),
        "icebergQty": fixed(ZERO),
        "time": order.time_ms,
        "updateTime": order.update_ms,
        "isWorking": True,
        "workingTime": order.time_ms,
        "origQuoteOrderQty": quote_quantity,
        "selfTradePreventionMode": "NONE",
    }


def trade_view(order: Order, fill: Execution) -> dict[str, Any]:
    """A fill as the account's trades list it. Spot only."""
    return {
        "symbol": order.symbol,
        "id": fill.trade_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "quoteQty": fixed(fill.price * fill.quantity),
        "commission": fixed(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time_ms,
        "isBuyer": order.is_buy,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def _futures_view(order: Order, market: Market, *, is_fresh: bool = False) -> dict[str, Any]:
    price = order.spec.price_decimals
    quantity = order.spec.lot_decimals
    executed = fixed(ZERO if is_fresh else order.executed, quantity)
    view: dict[str, Any] = {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": Status.NEW if is_fresh else order.status,
        "clientOrderId": order.client_id,
        "price": fixed(order.price, price),
        "avgPrice": fixed(ZERO if is_fresh else order.average_price(), price),
        "origQty": fixed(order.quantity, quantity),
        "executedQty": executed,
        "cumQty": executed,
    }
    if market is Market.COINM:
        view |= {"pair": order.spec.pair, "cumBase": fixed(base_volume(order, is_fresh=is_fresh))}
    else:
        view["cumQuote"] = fixed(ZERO if is_fresh else order.quote_executed)
    return view | {
        "timeInForce": order.time_in_force,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": order.side,
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
        "updateTime": order.update_ms,
    }


def base_volume(order: Order, *, is_fresh: bool = False) -> Decimal:
    """What the fills of a COIN-M order were worth in the base asset."""
    if is_fresh:
        return ZERO
    return sum(
        (fill.quantity * order.spec.contract_size / fill.price for fill in order.executions), ZERO
    )
