"""The venue's refusals: code, text and HTTP status. Pure.

Codes and texts follow the Binance error documentation. Where the venue does not document what a
case gives, the comment beside it says that the choice is ours.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Refused", "illegal", "missing", "refuse"]

_REFUSALS: dict[str, tuple[int, str, int]] = {
    "unsupported": (-1020, "This operation is not supported.", 400),
    "late": (-1021, "Timestamp for this request is outside of the recvWindow.", 400),
    "early": (
        -1021,
        "Timestamp for this request was 1000ms ahead of the server's time.",
        400,
    ),
    "signature": (-1022, "Signature for this request is not valid.", 400),
    "precision": (-1111, "Parameter has too much precision.", 400),
    "time_in_force": (-1115, "Invalid timeInForce.", 400),
    "order_type": (-1116, "Invalid orderType.", 400),
    "side": (-1117, "Invalid side.", 400),
    "interval": (-1120, "Invalid interval.", 400),
    "symbol": (-1121, "Invalid symbol.", 400),
    "listen_key": (-1125, "This listenKey does not exist.", 400),
    "combination": (-1128, "Combination of optional parameters invalid.", 400),
    "recv_window": (-1131, "recvWindow must be less than 60000", 400),
    "json": (-1135, "Invalid JSON Request", 400),
    "time_unit": (
        -1194,
        "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
        400,
    ),
    "listen_token": (-1209, "The listenToken is invalid or has expired.", 400),
    "balance": (-2010, "Account has insufficient balance for requested action.", 400),
    "would_match": (-2010, "Order would immediately match and take.", 400),
    "duplicate": (-2010, "Duplicate order sent.", 400),
    "cancel": (-2011, "Unknown order sent.", 400),
    "cancel_restrictions": (
        -2011,
        "Order was not canceled due to cancel restrictions.",
        400,
    ),
    "no_order": (-2013, "Order does not exist.", 400),
    "key_format": (-2014, "API-key format invalid.", 401),
    "key": (-2015, "Invalid API-key, IP, or permissions for action.", 401),
    "margin": (-2019, "Margin is insufficient.", 400),
    "reduce_only": (-2022, "ReduceOnly Order is rejected.", 400),
    "subscribed": (-2035, "User Data Stream subscription already active.", 400),
    "not_subscribed": (-2036, "User Data Stream subscription not active.", 400),
    "subscriptions": (-2042, "The connection has had as many subscriptions as it may.", 400),
    "orders": (-1015, "Too many new orders.", 429),
    # Not in the documentation of the session methods, which say only that the key must be Ed25519.
    "key_kind": (-4056, "HMAC_SHA256 and RSA API keys are not supported for this request.", 400),
}


class Refused(Exception):
    """A request was refused.

    Attributes:
        code: The venue's error code.
        message: Its text.
        status: The HTTP status, which the WebSocket API gives as well.
        data: What the error carries besides, if anything.
    """

    def __init__(
        self, code: int, message: str, status: int = 400, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data

    def error(self) -> dict[str, Any]:
        """As the venue's JSON says it."""
        error: dict[str, Any] = {"code": self.code, "msg": self.message}
        return error if self.data is None else error | {"data": self.data}


def refuse(name: str) -> Refused:
    """The refusal of a name in this module's table."""
    return Refused(*_REFUSALS[name])


def missing(parameter: str) -> Refused:
    return Refused(
        -1102,
        f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.",
    )


def illegal(parameter: str, legal: str) -> Refused:
    return Refused(
        -1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'."
    )
