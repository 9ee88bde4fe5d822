"""How Bybit logs a connection in. Pure: the time is the caller's.

Source: Bybit v5 documentation, "Connect: Authentication" (July 2026).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import orjson

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.credentials import Credentials

__all__ = ["check_credentials", "login_request", "sign"]

_NS_PER_MS = 1_000_000
_VALID_MS = 10_000


def sign(secret: str, expires: int) -> str:
    """The signature of a login that holds until ``expires`` (Unix ms), in hexadecimal."""
    return hmac.new(secret.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()


def check_credentials(credentials: Credentials | None) -> Credentials:
    """What can log in at Bybit.

    Raises:
        ConfigurationError: Key or secret is missing. Retry: no.
    """
    if credentials is None or credentials.secret is None:
        raise ConfigurationError(
            "private channels of Bybit need credentials with api_key and secret: "
            "credentials=Credentials(key, secret)"
        )
    return credentials


def login_request(credentials: Credentials, now_ns: int) -> bytes:
    """The login frame. It expires ten seconds after ``now_ns`` (since the Unix epoch).

    Raises:
        ConfigurationError: As :func:`check_credentials`.
    """
    checked = check_credentials(credentials)
    assert checked.secret is not None
    expires = now_ns // _NS_PER_MS + _VALID_MS
    signature = sign(checked.secret.reveal(), expires)
    return orjson.dumps({"op": "auth", "args": [checked.api_key.reveal(), expires, signature]})
