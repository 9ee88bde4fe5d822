"""One account at the simulated venue: its orders, fills, positions and money. Pure.

Every action gives the messages that the venue would send on its private channels, in the venue's
order: orders, fill, positions, account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from tickwire.errors import ConfigurationError

__all__ = ["AccountFrames", "WeexAccount"]

AccountFrames = list[tuple[str, bytes]]
"""Channel and message."""

_FEE_RATE = Decimal("0.0006")
_FIRST_ID = 617_414_920_861_909_658
_COIN = "USDT"
_ZERO = Decimal(0)


@dataclass
class _Position:
    size: Decimal = _ZERO
    """Negative of a short one."""
    open_value: Decimal = _ZERO
    fee: Decimal = _ZERO
    created_ms: int = 0


@dataclass
class WeexAccount:
    """The account.

    Attributes:
        is_spot: Which product's messages it sends.
        balance: Money, in USDT.
        orders: Resting orders, by id.
        positions: By symbol.
    """

    is_spot: bool = False
    balance: Decimal = Decimal(10_000)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    positions: dict[str, _Position] = field(default_factory=dict)
    _version: int = 1
    _next_id: int = _FIRST_ID

    def market_order(
        self, symbol: str, side: str, size: str, price: str, now_ms: int
    ) -> AccountFrames:
        """Buy or sell at ``price`` now.

        Raises:
            ConfigurationError: ``side`` is none. Retry: no.
        """
        order = self._order(symbol, side, size, "0.0", "MARKET", now_ms)
        frames = [self._push("orders", order | {"status": "PENDING"}, now_ms)]
        return frames + self._fill(order, Decimal(price), now_ms)

    def limit_order(
        self, symbol: str, side: str, size: str, price: str, now_ms: int
    ) -> tuple[str, AccountFrames]:
        """Leave an order in the book: its id, and the messages.

        Raises:
            ConfigurationError: ``side`` is none. Retry: no.
        """
        order = self._order(symbol, side, size, price, "LIMIT", now_ms)
        self.orders[order["id"]] = order
        return order["id"], [self._push("orders", order, now_ms)]

    def cancel(self, order_id: str, now_ms: int) -> AccountFrames:
        """Take a resting order back; nothing if there is none of that id."""
        order = self.orders.pop(order_id, None)
        if order is None:
            return []
        ended = order | {"status": "CANCELED", "updatedTime": str(now_ms)}
        return [self._push("orders", ended, now_ms)]

    def fill_order(self, order_id: str, now_ms: int) -> AccountFrames:
        """Fill a resting order at its price; nothing if there is none of that id."""
        order = self.orders.pop(order_id, None)
        return [] if order is None else self._fill(order, Decimal(order["price"]), now_ms)

    def _push(self, channel: str, row: dict[str, Any], now_ms: int) -> tuple[str, bytes]:
        self._version += 1
        document = {"e": channel, "E": now_ms, "v": self._version, "msgEvent": "OrderUpdate"}
        return channel, orjson.dumps(document | {"d": [row]})

    def _id(self) -> str:
        self._next_id += 1
        return str(self._next_id)

    def _own(self, symbol: str) -> dict[str, Any]:
        """What says of which product a row is."""
        if self.is_spot:
            return {"symbol": symbol, "baseCoin": symbol.removesuffix(_COIN), "quoteCoin": _COIN}
        return {"coin": _COIN, "symbol": symbol, "marginMode": "CROSSED"}

    def _order(
        self, symbol: str, side: str, size: str, price: str, kind: str, now_ms: int
    ) -> dict[str, Any]:
        if side not in ("BUY", "SELL"):
            raise ConfigurationError(f"side is BUY or SELL, not {side!r}")
        number = self._id()
        position_side = {} if self.is_spot else {"positionSide": "LONG"}
        return {
            "id": number,
            **self._own(symbol),
            **position_side,
            "orderSide": side,
            "price": price,
            "size": size,
            "clientOrderId": f"sim{number}",
            "type": kind,
            "timeInForce": "IOC" if kind == "MARKET" else "GTC",
            "reduceOnly": False,
            "triggerPrice": "0",
            "orderSource": "API",
            "status": "NEW",
            "cancelReason": "UNKNOWN_ORDER_CANCEL_REASON",
            "latestFillPrice": "0",
            "cumFillSize": "0",
            "cumFillValue": "0",
            "cumFillFee": "0",
            "createdTime": str(now_ms),
            "updatedTime": str(now_ms),
        }

    def _fill(self, order: dict[str, Any], price: Decimal, now_ms: int) -> AccountFrames:
        size = Decimal(order["size"])
        value = price * size
        fee = value * _FEE_RATE
        self._settle(order, size, value, fee, now_ms)
        done = order | {
            "status": "FILLED",
            "latestFillPrice": str(price),
            "cumFillSize": str(size),
            "cumFillValue": str(value),
            "cumFillFee": str(fee),
            "updatedTime": str(now_ms),
        }
        fill = {
            "id": self._id(),
            **self._own(order["symbol"]),
            "orderId": order["id"],
            "orderSide": order["orderSide"],
            "fillSize": str(size),
            "fillValue": str(value),
            "fillFee": str(fee),
            "direction": "TAKER" if order["type"] == "MARKET" else "MAKER",
            "createdTime": str(now_ms),
            "updatedTime": str(now_ms),
        }
        frames = [self._push("orders", done, now_ms), self._push("fill", fill, now_ms)]
        if not self.is_spot:
            frames.append(self._push("positions", self._position_row(order, now_ms), now_ms))
        frames.append(self._push("account", self._account_row(now_ms), now_ms))
        return frames

    def _settle(
        self, order: dict[str, Any], size: Decimal, value: Decimal, fee: Decimal, now_ms: int
    ) -> None:
        signed = size if order["orderSide"] == "BUY" else -size
        position = self.positions.setdefault(order["symbol"], _Position(created_ms=now_ms))
        before = position.size
        if before * signed >= 0:
            position.open_value += value
        else:
            closed = min(size, abs(before))
            opened = position.open_value * closed / abs(before)
            gain = value * closed / size - opened
            self.balance += gain if before > 0 else -gain
            position.open_value -= opened
            if size > closed:
                position.open_value = value * (size - closed) / size
        position.size = before + signed
        position.fee += fee
        self.balance -= fee

    def _position_row(self, order: dict[str, Any], now_ms: int) -> dict[str, Any]:
        position = self.positions[order["symbol"]]
        return {
            "id": str(_FIRST_ID),
            **self._own(order["symbol"]),
            "side": "SHORT" if position.size < 0 else "LONG",
            "separatedMode": "COMBINED",
            "separatedOpenOrderId": "0",
            "leverage": "20",
            "size": str(abs(position.size)),
            "openValue": str(position.open_value),
            "openFee": str(position.fee),
            "fundingFee": "0",
            "isolatedMargin": "0",
            "autoAppendIsolatedMargin": False,
            "createdTime": str(position.created_ms),
            "updatedTime": str(now_ms),
        }

    def _account_row(self, now_ms: int) -> dict[str, Any]:
        money = str(self.balance)
        if self.is_spot:
            return {"coin": _COIN, "equity": money, "available": money, "frozen": "0"}
        return {
            "coin": _COIN,
            "marginMode": "CROSSED",
            "crossSymbol": "",
            "isolatedPositionId": "0",
            "amount": money,
            "pendingDepositAmount": "0",
            "pendingWithdrawAmount": "0",
            "liquidating": False,
            "updatedTime": str(now_ms),
        }
