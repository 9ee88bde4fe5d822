"""The venue's JSON for what happens to an account, spot and futures. Pure: state in, dicts out.

Keys follow the Binance documentation of the user data streams. These are the bare events; how they
are wrapped depends on the way they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.simulator.options import Market
from tickwire.simulator.orders import ZERO, fixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from tickwire.simulator.accounts import Balance, Position
    from tickwire.simulator.orders import Execution, Order

__all__ = [
    "account_position",
    "account_update",
    "balance_update",
    "listen_key_expired",
    "order_event",
    "stream_terminated",
]


def account_position(balances: Mapping[str, Balance], now_ms: int) -> dict[str, Any]:
    """The balances that may have changed, spot."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": now_ms,
        "B": [
            {"a": asset, "f": fixed(balance.free), "l": fixed(balance.locked)}
            for asset, balance in balances.items()
        ],
    }


def balance_update(asset: str, delta: Decimal, now_ms: int) -> dict[str, Any]:
    """A deposit, withdrawal or transfer, spot."""
    return {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": fixed(delta), "T": now_ms}


def account_update(
    reason: str,
    balances: Mapping[str, Balance],
    changes: Mapping[str, Decimal],
    positions: Iterable[Position],
    now_ms: int,
) -> dict[str, Any]:
    """Balances and positions that changed, futures.

    Args:
        reason: The venue's, e.g. ``ORDER`` or ``DEPOSIT``.
        balances: By asset.
        changes: By asset, what changed besides profit and commission.
        positions: Those that changed.
        now_ms: Time of the change.
    """
    return {
        "e": "ACCOUNT_UPDATE",
        "E": now_ms,
        "T": now_ms,
        "a": {
            "m": reason,
            "B": [
                {
                    "a": asset,
                    "wb": fixed(balance.free),
                    "cw": fixed(balance.free),
                    "bc": fixed(changes.get(asset, ZERO)),
                }
                for asset, balance in balances.items()
            ],
            "P": [
                {
                    "s": position.spec.symbol,
                    "pa": fixed(position.amount, position.spec.lot_decimals),
                    "ep": fixed(position.entry),
                    "bep": fixed(position.entry),
                    "cr": fixed(position.realised),
                    "up": fixed(ZERO),
                    "mt": "cross",
                    "iw": "0",
                    "ps": "BOTH",
                }
                for position in positions
            ],
        },
    }


def order_event(
    order: Order, kind: str, fill: Execution | None, execution_id: int, market: Market, now_ms: int
) -> dict[str, Any]:
    """What just happened to an order.

    Args:
        order: As it stands after it.
        kind: The execution type: ``NEW``, ``TRADE``, ``CANCELED``, ``EXPIRED``, or ``AMENDMENT``.
        fill: The fill of a trade.
        execution_id: Counts up by one for every event of an order.
        market: The dialect.
        now_ms: Time of the event.
    """
    if market is Market.SPOT:
        return _execution_report(order, kind, fill, execution_id, now_ms)
    return _order_trade_update(order, kind, fill, market, now_ms)


def listen_key_expired(listen_key: str, now_ms: int) -> dict[str, Any]:
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": listen_key}


def stream_terminated(now_ms: int) -> dict[str, Any]:
    """The end of a subscription on the WebSocket API."""
    return {"e": "eventStreamTerminated", "E": now_ms}


def _execution_report(
    order: Order, kind: str, fill: Execution | None, execution_id: int, now_ms: int
) -> dict[str, Any]:
    is_cancel = kind == "CANCELED"
    report: dict[str, Any] = {
        "e": "executionReport",
        "E": now_ms,
        "s": order.symbol,
        "c": order.cancel_id if is_cancel else order.client_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": fixed(order.quantity),
        "p": fixed(order.price),
        "P": fixed(ZERO),
        "F": fixed(ZERO),
        "g": -1,
        "C": order.client_id if is_cancel else "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": fixed(fill.quantity if fill else ZERO),
        "z": fixed(order.executed),
        "L": fixed(fill.price if fill else ZERO),
        "n": fixed(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": order.update_ms,
        "t": fill.trade_id if fill else -1,
        "I": execution_id,
        "w": order.is_open and order.type != "MARKET",
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": order.time_ms,
        "Z": fixed(order.quote_executed),
        "Y": fixed(fill.price * fill.quantity if fill else ZERO),
        "Q": fixed(order.quote_quantity),
    }
    if order.type != "MARKET":
        report["W"] = order.time_ms
    return report | {"V": "NONE"}


def _order_trade_update(
    order: Order, kind: str, fill: Execution | None, market: Market, now_ms: int
) -> dict[str, Any]:
    price, quantity = order.spec.price_decimals, order.spec.lot_decimals
    body: dict[str, Any] = {
        "s": order.symbol,
        "c": order.client_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": fixed(order.quantity, quantity),
        "p": fixed(order.price, price),
        "ap": fixed(order.average_price(), price),
        "sp": "0",
        "x": kind,
        "X": order.status,
        "i": order.order_id,
        "l": fixed(fill.quantity if fill else ZERO, quantity),
        "z": fixed(order.executed, quantity),
        "L": fixed(fill.price if fill else ZERO, price),
    }
    if fill is not None:
        body |= {"N": fill.commission_asset, "n": fixed(fill.commission)}
    if market is Market.COINM:
        body["ma"] = order.spec.base
    body |= {
        "T": order.update_ms,
        "t": fill.trade_id if fill else 0,
        "b": "0",
        "a": "0",
        "m": fill.is_maker if fill else False,
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": order.type,
        "ps": "BOTH",
        "cp": False,
        "rp": fixed(fill.realised) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "NONE",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": order.update_ms, "o": body}
