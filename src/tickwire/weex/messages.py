"""From events to messages: names that are the same on every channel, digits as the venue sent them.

Pure. Numbers are texts, so that nothing is lost on the way; ``float(data["last"])`` or
``Decimal(data["last"])`` makes numbers of them. What the venue does not send is not in the
dictionary.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges.weex import structs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.market import Event

__all__ = ["WeexMessage", "message_of", "unrealized_pnl"]

_NS = 1_000_000_000

# Names of a message's data, and the event's fields that they come from.
_TICKER = {
    "last": "last_price",
    "volume": "volume",
    "quote_volume": "quote_volume",
    "change": "price_change_percent",
    "price_change": "price_change",
    "high": "high",
    "low": "low",
    "open": "open",
    "vwap": "vwap",
    "mark_price": "mark_price",
    "index_price": "index_price",
    "trade_count": "trade_count",
}
_TRADE = {"trade_id": "trade_id", "price": "price", "size": "size", "value": "quote_size"}
_BALANCE = {
    "coin": "asset",
    "balance": "total",
    "available": "available",
    "frozen": "frozen",
    "pending_deposit": "pending_deposit",
    "pending_withdraw": "pending_withdraw",
}
_POSITION = {
    "position_id": "position_id",
    "size": "size",
    "entry_price": "entry_price",
    "open_value": "open_value",
    "leverage": "leverage",
    "margin_mode": "margin_mode",
    "funding_fee": "funding_fee",
}
_ORDER = {
    "order_id": "order_id",
    "client_order_id": "client_order_id",
    "type": "order_type",
    "time_in_force": "time_in_force",
    "price": "price",
    "size": "size",
    "filled_size": "filled_size",
    "filled_value": "filled_value",
    "fee": "total_commission",
    "position_side": "position_side",
    "venue_status": "status",
}
_STATUSES = {
    "PENDING": "new",
    "NEW": "new",
    "FILLED": "filled",
    "CANCELING": "canceling",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "UNTRIGGERED": "untriggered",
    "REJECTED": "rejected",
}


class WeexMessage(msgspec.Struct, frozen=True):
    """One message of a stream.

    Attributes:
        data: What it says; see ``docs/coming-from-the-weex-client.md`` for the names.
        timestamp: When the venue sent it, seconds since the Unix epoch; when it arrived, where the
            venue does not say.
        channel: ``ticker``, ``book``, ``trade``, ``account``, ``position`` or ``order``.
        event: The typed event behind it, numbers as :class:`decimal.Decimal`.
        lost: Messages of this stream that gave way before this one, because the program was slow.
    """

    data: dict[str, Any]
    timestamp: float
    channel: str
    event: Event
    lost: int = 0


def text(value: Any) -> Any:
    """Numbers as plain digits, everything else as it is."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, float) else value


def _named(event: Any, names: dict[str, str]) -> dict[str, Any]:
    found = {}
    for name, field in names.items():
        value = getattr(event, field, None)
        if value is not None:
            found[name] = text(value)
    return found


def _ticker(event: structs.WeexTicker) -> dict[str, Any]:
    return {"symbol": event.symbol} | _named(event, _TICKER)


def _trade(event: structs.WeexTrade) -> dict[str, Any]:
    aggressor = event.aggressor_side
    side = {"symbol": event.symbol, "side": "" if aggressor is None else aggressor.value}
    return side | _named(event, _TRADE)


def _balance(event: structs.WeexBalance) -> dict[str, Any]:
    return _named(event, _BALANCE)


def _position(event: structs.WeexPosition) -> dict[str, Any]:
    found = {"symbol": event.symbol, "side": event.side.lower()} | _named(event, _POSITION)
    if event.unrealized_pnl is not None:
        found["unrealized_pnl"] = text(event.unrealized_pnl)
    return found


def _order(event: structs.WeexOrder) -> dict[str, Any]:
    status = _STATUSES.get(event.status, event.status.lower())
    if status == "new" and event.filled_size:
        status = "partially_filled"
    return {"symbol": event.symbol, "side": event.side.lower(), "status": status} | _named(
        event, _ORDER
    )


_MAKERS: tuple[tuple[type, str, Callable[[Any], dict[str, Any]]], ...] = (
    (structs.WeexTicker, "ticker", _ticker),
    (structs.WeexTrade, "trade", _trade),
    (structs.WeexOrder, "order", _order),
    (structs.WeexPosition, "position", _position),
    (structs.WeexBalance, "account", _balance),
    (structs.WeexContractBalance, "account", _balance),
)


def timestamp_of(event: Event) -> float:
    """Seconds since the Unix epoch."""
    return (event.ts_event_ns or event.ts_recv_ns) / _NS


def message_of(event: Event) -> WeexMessage:
    """The message that ``event`` is (books are made of more than one event)."""
    for kind, channel, make in _MAKERS:
        if isinstance(event, kind):
            return WeexMessage(make(event), timestamp_of(event), channel, event)
    raise TypeError(f"no message is made of {type(event).__name__}")


def unrealized_pnl(position: structs.WeexPosition, mark_price: Any) -> Any:
    """What closing a position at ``mark_price`` would bring, before fees."""
    value = position.size * mark_price
    opened = position.open_value
    return opened - value if position.side == "SHORT" else value - opened
