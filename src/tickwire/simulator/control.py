"""The control requests that a client sends on a stream connection, and the venue's answers.

Pure. Answers and error texts follow the Binance stream documentation ("Live subscribing" and its
error table). Most errors carry no id: a client correlates by order. Not in that table, and ours:
the error for stream names that are not text, and the one for too many streams.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from orjson import JSONDecodeError, dumps, loads

from tickwire.simulator.options import Market

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Outcome", "respond"]

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_BAD_ID = "Invalid request: request ID must be an unsigned integer"
_TOO_MANY = "Invalid request: too many parameters"


class Outcome(NamedTuple):
    """What to answer, and what to change.

    Attributes:
        reply: The text frame to send.
        subscribe, unsubscribe: Streams to add and to remove; known ones may be among them.
        combined: The new value of the ``combined`` property, or None to leave it.
    """

    reply: bytes
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    combined: bool | None = None


class _RefusedError(Exception):
    def __init__(self, code: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.frame = dumps({"code": code, "msg": message, **extra})


def respond(
    text: str, *, market: Market, subscribed: Collection[str], combined: bool, max_streams: int
) -> Outcome:
    """Answer one message of a client.

    Args:
        text: The message.
        market: Decides which request ids are allowed: futures take unsigned integers only.
        subscribed: The connection's streams, in the order of subscription.
        combined: The present value of the property of that name.
        max_streams: How many streams the connection may have.
    """
    try:
        request = _parse(text)
        method = _method(request, text)
        request_id = _request_id(request, market)
        params = request.get("params")
        if method == "LIST_SUBSCRIPTIONS":
            if params:
                raise _RefusedError(2, _TOO_MANY)
            return _result(list(subscribed), request_id)
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return _property(method, params, request_id, combined=combined)
        streams = _streams(params)
        if method == "UNSUBSCRIBE":
            return _result(None, request_id)._replace(unsubscribe=streams)
        if len({*subscribed, *streams}) > max_streams:
            raise _RefusedError(2, f"Invalid request: more than {max_streams} streams")
        return _result(None, request_id)._replace(subscribe=streams)
    except _RefusedError as refusal:
        return Outcome(refusal.frame)


def _result(result: Any, request_id: Any) -> Outcome:
    return Outcome(dumps({"result": result, "id": request_id}))


def _parse(text: str) -> dict[str, Any]:
    try:
        request = loads(text)
    except JSONDecodeError as error:
        where = f"at line {error.lineno} column {error.colno}"
        raise _RefusedError(3, f"Invalid JSON: expected value {where}") from None
    # Anything but an object has no fields, and is refused as an object without them would be.
    return request if isinstance(request, dict) else {}


def _position(text: str, end: int) -> str:
    line_start = text.rfind("\n", 0, end) + 1
    return f"at line {text.count(chr(10), 0, end) + 1} column {end - line_start}"


def _method(request: dict[str, Any], text: str) -> str:
    if "method" not in request:
        where = _position(text, len(text.rstrip()))
        raise _RefusedError(2, f"Invalid request: missing field `method` {where}")
    method = request["method"]
    if method in _METHODS:
        return str(method)
    found = re.search(r'"method"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]*)', text)
    where = _position(text, found.end() if found else len(text))
    name = method if isinstance(method, str) else dumps(method).decode()
    allowed = ", ".join(f"`{known}`" for known in _METHODS)
    raise _RefusedError(
        2, f"Invalid request: unknown variant `{name}`, expected one of {allowed} {where}"
    )


def _request_id(request: dict[str, Any], market: Market) -> int | str | None:
    if "id" not in request:
        raise _RefusedError(2, _BAD_ID)
    value = request["id"]
    if isinstance(value, int) and not isinstance(value, bool):
        low, high = (-(2**63), 2**63) if market is Market.SPOT else (0, 2**64)
        if low <= value < high:
            return value
    elif market is Market.SPOT:
        if value is None:
            return None
        if isinstance(value, str) and _TEXT_ID.fullmatch(value):
            return value
    raise _RefusedError(2, _BAD_ID)


def _streams(params: Any) -> tuple[str, ...]:
    if isinstance(params, list) and all(isinstance(name, str) for name in params):
        return tuple(params)
    raise _RefusedError(2, "Invalid request: params must be an array of stream names")


def _property(method: str, params: Any, request_id: Any, *, combined: bool) -> Outcome:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise _RefusedError(2, "Invalid request: property name must be a string")
    name, *values = params
    if len(values) > (method == "SET_PROPERTY"):
        raise _RefusedError(2, _TOO_MANY)
    if name != "combined":
        raise _RefusedError(0, "Unknown property", id=request_id)
    if method == "GET_PROPERTY":
        return _result(combined, request_id)
    if not values or not isinstance(values[0], bool):
        raise _RefusedError(1, "Invalid value type: expected Boolean")
    return _result(None, request_id)._replace(combined=values[0])
