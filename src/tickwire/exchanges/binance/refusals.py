"""What Binance's error codes mean for whoever sent the request.

Source: the vendor's "Error codes" pages (spot, USD-M), as of August 2026. Codes that are not here
say that the request itself is wrong, so that sending it again changes nothing.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["OUTCOME_UNKNOWN", "Retry", "advice", "outcome_unknown"]


class Retry(StrEnum):
    """What to do about a refused request."""

    NO = "no"
    """Change the request, or the key, first."""
    YES = "yes"
    """The venue was at fault: the same request may pass in a moment."""
    LATER = "later"
    """Too much was asked: wait until ``retry_after_ms``, if that is given, else a minute."""
    AFTER_CLOCK = "after the clock is set"
    """The request's timestamp was off: ask for the server's time, then send it again."""
    QUERY_FIRST = "query first"
    """Whether the order was taken is not known: ask for its status before anything else."""
    RENEW = "with a new token"
    """The listenKey or listenToken is over: get another, then subscribe again."""
    RECONNECT = "on a new connection"
    """This connection can take no more of these."""


_VENUE_FAULT = frozenset({-1000, -1001, -1006, -1007, -1008, -1016})
_TOO_MUCH = frozenset({-1003, -1015, -1034})
_ADVICE: dict[int, Retry] = {
    **dict.fromkeys(_VENUE_FAULT, Retry.YES),
    **dict.fromkeys(_TOO_MUCH, Retry.LATER),
    -1021: Retry.AFTER_CLOCK,
    -1125: Retry.RENEW,
    -1209: Retry.RENEW,
    -2036: Retry.RENEW,
    -2042: Retry.RECONNECT,
}
OUTCOME_UNKNOWN = frozenset({-1000, -1001, -1006, -1007, -1016})
"""Codes after which an order may or may not have been taken."""


def outcome_unknown(status: int, code: int | None) -> bool:
    """Whether an order that was answered so may have been taken all the same."""
    # A server error without a code of the venue's is a server error as well.
    return code in OUTCOME_UNKNOWN or (status >= 500 and code not in _ADVICE)


def advice(status: int, code: int | None, *, is_order: bool = False) -> Retry:
    """What to do about a request that was refused.

    Args:
        status: The HTTP-like status.
        code: The venue's own code, if it gave one.
        is_order: Whether the request could have changed the account.
    """
    if is_order and outcome_unknown(status, code):
        return Retry.QUERY_FIRST
    if code in _ADVICE:
        return _ADVICE[code]
    if status in (418, 429):
        return Retry.LATER
    return Retry.YES if status >= 500 else Retry.NO
