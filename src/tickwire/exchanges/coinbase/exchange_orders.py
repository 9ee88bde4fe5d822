"""The Exchange feed's ``user`` messages, put together: each tells one step of an order only."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tickwire.exchanges.times import TextTime
from tickwire.market import Fill, OrderUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.coinbase.exchange_structs import OrderMessage

__all__ = ["ExchangeFill", "ExchangeOrder", "OrderSteps"]

_ORDERS_KEPT = 10_000
# Numbers of an order that no message has told yet.
_SIZES = ("price", "stop_price", "size", "filled_size", "last_filled_size", "last_price")


class ExchangeOrder(OrderUpdate, kw_only=True, gc=False):
    """An order of one's own, as far as its messages have told.

    ``execution_type`` is the message (``received``, ``open``, ``match``, ``change``, ``done``,
    ``activate``), ``status`` the last of them, or why it is done (``filled``, ``canceled``).

    Attributes:
        remaining_size: What rests; ``None`` before it rests.
        time: As sent.
    """

    client_order_id: str = ""
    order_type: str = ""
    time_in_force: str = ""
    price: float = 0.0
    stop_price: float = 0.0
    size: float = 0.0
    filled_size: float = 0.0
    last_filled_size: float = 0.0
    last_price: float = 0.0
    trade_id: int | str = 0
    is_maker: bool = False
    remaining_size: float | None = None
    time: str = ""
    event_time = TextTime("time")
    transact_time = TextTime("time")


class ExchangeFill(Fill, kw_only=True, gc=False):
    """A ``match`` of one's own order. ``time``: as sent."""

    time: str = ""
    event_time = TextTime("time")
    transact_time = TextTime("time")


class OrderSteps:
    """What is known of the account's orders, from message to message.

    The channel begins without a list of what is open: an order that was placed before has only what
    its later messages say. Of very many open orders the newest are kept.
    """

    def __init__(self, number: Callable[[str], Any]) -> None:
        """``number`` reads prices and sizes."""
        self._number = number
        self._nothing: dict[str, Any] = dict.fromkeys(_SIZES, number("0"))
        self._orders: OrderedDict[str, ExchangeOrder] = OrderedDict()

    def clear(self) -> None:
        """A connection begins anew."""
        self._orders.clear()

    def fill(self, message: OrderMessage) -> ExchangeFill:
        """The fill that a ``match`` is.

        Raises:
            msgspec.ValidationError: A number is none.
        """
        is_maker = message.maker_user_id is not None or message.maker_fee_rate is not None
        own = message.maker_order_id if is_maker else message.taker_order_id
        return ExchangeFill(
            symbol=message.product_id,
            fill_id=message.trade_id or 0,
            order_id=own,
            side=message.side if is_maker else _other(message.side),
            price=self._read(message.price),
            size=self._read(message.size),
            is_maker=is_maker,
            time=message.time,
        )

    def order(self, message: OrderMessage) -> ExchangeOrder:
        """The order as it is after ``message``.

        Raises:
            msgspec.ValidationError: A number is none.
        """
        is_match = message.type == "match"
        fill = self.fill(message) if is_match else None
        key = str(fill.order_id) if fill is not None else message.order_id
        order = self._orders.pop(key, None)
        if order is None:
            side = str(fill.side) if fill is not None else message.side
            order = ExchangeOrder(
                order_id=key,
                symbol=message.product_id,
                side=side,
                execution_type="",
                status="",
                **self._nothing,
            )
        order.execution_type = order.status = message.type
        order.time = message.time
        order.last_filled_size = order.last_price = self._nothing["last_price"]
        if fill is not None:
            order.filled_size += fill.size
            order.last_filled_size, order.last_price = fill.size, fill.price
            order.trade_id, order.is_maker = fill.fill_id, fill.is_maker
        else:
            self._amend(order, message)
        if message.type == "done":
            order.status = message.reason or message.type
        else:
            self._orders[key] = order
            if len(self._orders) > _ORDERS_KEPT:
                self._orders.popitem(last=False)
        copy: ExchangeOrder = order.__copy__()  # type: ignore[attr-defined]  # of every Struct
        return copy

    def _amend(self, order: ExchangeOrder, message: OrderMessage) -> None:
        order.client_order_id = message.client_oid or order.client_order_id
        order.order_type = message.order_type or order.order_type
        for name, text in (
            ("price", message.new_price or message.price),
            ("size", message.new_size or message.size),
            ("stop_price", message.stop_price),
            ("remaining_size", message.remaining_size),
        ):
            if text:
                setattr(order, name, self._number(text))

    def _read(self, text: str | None) -> Any:
        return self._number(text or "")


def _other(side: str) -> str:
    return {"buy": "sell", "sell": "buy"}.get(side, side)
