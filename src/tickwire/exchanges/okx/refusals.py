"""What OKX's WebSocket error codes mean for whoever subscribed.

Source: OKX API guide v5, "Error code: WebSocket" (August 2026).
"""

from __future__ import annotations

__all__ = ["LATER_CODES", "LOGIN_CODES", "advice"]

LOGIN_CODES = frozenset({60004, 60005, 60006, 60007, 60009, 60022, 60024, 60032})
"""Answers to a login; they concern everything that waits for it."""
LATER_CODES = frozenset({60014, 60023, 63999, 64007})
"""What is no fault of a request: too many of them, or the venue's own. Another connection asks
again, with the manager's pauses."""

_KEYS = "check key, secret and passphrase"
_ADVICE: dict[int, str] = {
    60004: "check this machine's clock",
    60005: _KEYS,
    60006: "the login came too late: check this machine's clock",
    60007: _KEYS,
    60009: _KEYS,
    60024: _KEYS,
    60032: "there is no such key here: demo trading and each region have keys of their own",
    60011: "the channel needs a login: give credentials",
    60014: "too many requests",
    60018: "there is no such instrument, or another address serves the channel",
    60023: "too many logins",
    63999: "the venue is at fault",
    64003: "the account's fee tier is too low for this channel",
    64004: "this book channel excludes another one of the same instrument",
    64007: "the venue is at fault",
}


def advice(code: int | None) -> str:
    """What to do about a refusal, or nothing."""
    return _ADVICE.get(code, "") if code is not None else ""
