"""Times in microseconds, where a client of spot asks for them. Pure.

The simulator's clock has milliseconds, so the last three digits are zeros. What is a time is told
by its size: no id, count or amount of the simulator, which are texts besides, is a whole number
that large.
"""

from __future__ import annotations

from typing import Any

from orjson import dumps, loads

from tickwire.simulator.options import Market
from tickwire.simulator.refusals import refuse

__all__ = ["HEADER", "in_microseconds", "scaled", "wants_microseconds"]

HEADER = "X-MBX-TIME-UNIT"
"""Of REST requests; connections have it in their query."""
_FIRST_TIME, _LAST_TIME = 10**12, 10**14
_UNITS = {"MICROSECOND": True, "MILLISECOND": False}


def wants_microseconds(told: str | None, market: Market) -> bool:
    """Whether a request wants microseconds; ``told`` is its time unit, ``None`` for none.

    Raises:
        Refused: There is no such unit (-1194). Futures have no units and do not look.
    """
    if told is None or market is not Market.SPOT:
        return False
    wanted = _UNITS.get(told.upper())
    if wanted is None:
        raise refuse("time_unit")
    return wanted


def in_microseconds(payload: bytes) -> bytes:
    """A JSON document with its times in microseconds."""
    return dumps(scaled(loads(payload)))


def scaled(document: Any) -> Any:
    """The same of a decoded document, or of a part of one."""
    if isinstance(document, dict):
        return {key: scaled(value) for key, value in document.items()}
    if isinstance(document, list):
        return [scaled(item) for item in document]
    is_time = type(document) is int and _FIRST_TIME <= document < _LAST_TIME
    return document * 1000 if is_time else document
