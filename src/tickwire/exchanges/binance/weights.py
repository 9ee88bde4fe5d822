"""How much may be asked of Binance in this minute. Pure: the caller says what time it is.

Windows are aligned to the venue's clock, so times here are the venue's, in milliseconds since the
Unix epoch. What the venue counts is the truth, and covers other programs behind the same address;
what was sent since is added to it.

Source: the vendor's "LIMITS" and "Rate limits" pages, as of August 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tickwire.exchanges.binance.names import Market

__all__ = ["CONNECT_WEIGHT", "RateLimit", "WeightBudget", "rate_limits_of_headers", "retry_after"]

_MINUTE_MS = 60_000
_SHORT_MS = {"SECOND": 1000, "MINUTE": _MINUTE_MS}
_PER_MINUTE: dict[Market, int] = {"spot": 6000, "usdm": 2400, "coinm": 2400}
CONNECT_WEIGHT = 2
"""What opening a connection to the WebSocket API costs."""
_UNITS = {"S": "SECOND", "M": "MINUTE", "H": "HOUR", "D": "DAY"}
_WEIGHT_HEADER = "x-mbx-used-weight-"
_ORDERS_HEADER = "x-mbx-order-count-"


class RateLimit(msgspec.Struct, frozen=True, rename="camel"):
    """One limit as the venue tells it.

    Attributes:
        rate_limit_type: ``REQUEST_WEIGHT``, ``ORDERS``, ``RAW_REQUESTS``, ``CONNECTIONS``.
        interval: ``SECOND``, ``MINUTE``, ``HOUR``, ``DAY``.
        interval_num: How many of these make the window.
        limit: The most; ``None`` where only the count is told (REST headers).
        count: How much of it is used; ``None`` where only the limit is told (exchangeInfo).
    """

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int | None = None
    count: int | None = None


def rate_limits_of_headers(headers: Iterable[tuple[str, str]]) -> list[RateLimit]:
    """What the headers of a REST answer tell: ``X-MBX-USED-WEIGHT-1M`` and the like."""
    found = []
    for name, value in headers:
        lower = name.lower()
        for prefix, kind in ((_WEIGHT_HEADER, "REQUEST_WEIGHT"), (_ORDERS_HEADER, "ORDERS")):
            window = lower[len(prefix) :].upper() if lower.startswith(prefix) else ""
            number, unit = window[:-1], _UNITS.get(window[-1:])
            if unit is not None and _is_number(number) and _is_number(value):
                found.append(RateLimit(kind, unit, int(number), count=int(value)))
    return found


def _is_number(text: str) -> bool:
    # isdigit() alone takes superscripts, which int() refuses.
    return text.isascii() and text.isdigit()


class WeightBudget:
    """One address's allowance at one product, shared by its connections and REST.

    Attributes:
        limit: Weight per minute.
        rate_limits: What the venue told last of each of its limits.
    """

    def __init__(self, product: Market) -> None:
        self.limit = _PER_MINUTE[product]
        self._seen: dict[tuple[str, str, int], RateLimit] = {}
        self._minute = 0
        self._used = 0
        self._closed_until = 0
        self._orders_closed_until = 0
        self._orders_full_until: dict[tuple[str, int], int] = {}

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        return tuple(self._seen.values())

    def used(self, now_ms: int) -> int:
        """Weight used in this minute, as far as is known."""
        self._turn(now_ms)
        return self._used

    def open_at(self, weight: int, now_ms: int, *, is_order: bool = False) -> int:
        """When a request may be sent: ``now_ms`` or before means now.

        Args:
            weight: What it costs.
            now_ms: Now.
            is_order: Whether the venue counts it among the account's new orders.
        """
        self._turn(now_ms)
        until = self._closed_until
        if is_order:
            until = max(until, self._orders_closed_until, *self._orders_full_until.values())
        if self._used + weight > self.limit and self._used:
            until = max(until, (self._minute + 1) * _MINUTE_MS)
        return until

    def spend(self, weight: int, now_ms: int) -> None:
        """A request goes out."""
        self._turn(now_ms)
        self._used += weight

    def observe(self, limits: Iterable[RateLimit], sent_ms: int, now_ms: int) -> None:
        """Take in what an answer told.

        Args:
            limits: As told.
            sent_ms: When the request was sent. A count that may be the last minute's is not
                charged to this one.
            now_ms: Now.
        """
        self._turn(now_ms)
        for told in limits:
            key = (told.rate_limit_type, told.interval, told.interval_num)
            known = self._seen.get(key)
            if known is not None:
                told = msgspec.structs.replace(
                    told,
                    limit=known.limit if told.limit is None else told.limit,
                    count=known.count if told.count is None else told.count,
                )
            self._seen[key] = told
            if told.rate_limit_type == "ORDERS":
                self._observe_orders(told, sent_ms)
            if key != ("REQUEST_WEIGHT", "MINUTE", 1):
                continue
            if told.limit is not None:
                self.limit = told.limit
            if told.count is not None and sent_ms // _MINUTE_MS == self._minute:
                self._used = max(self._used, told.count)

    def _observe_orders(self, told: RateLimit, sent_ms: int) -> None:
        """A short window that is used up is waited for. A long one is the venue's to enforce: an
        order that is filled is given back, and nobody would be told."""
        unit = _SHORT_MS.get(told.interval)
        if unit is None or told.limit is None or told.count is None:
            return
        window = unit * told.interval_num
        is_full = told.count >= told.limit and window > 0
        end = (sent_ms // window + 1) * window if is_full else 0
        self._orders_full_until[told.interval, told.interval_num] = end

    def close_until(self, until_ms: int | None, now_ms: int, *, orders_only: bool = False) -> int:
        """The venue wants to hear nothing until ``until_ms``; ``None``: until the next minute.

        Gives the time that it is closed until.
        """
        if until_ms is None:
            until_ms = (now_ms // _MINUTE_MS + 1) * _MINUTE_MS
        if orders_only:
            self._orders_closed_until = max(self._orders_closed_until, until_ms)
        else:
            self._closed_until = max(self._closed_until, until_ms)
        return until_ms

    def _turn(self, now_ms: int) -> None:
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._used = 0


def retry_after(error: Mapping[str, Any]) -> int | None:
    """``error.data.retryAfter`` of an answer, in ms since the Unix epoch."""
    data = error.get("data")
    value = data.get("retryAfter") if isinstance(data, dict) else None
    return value if isinstance(value, int) else None
