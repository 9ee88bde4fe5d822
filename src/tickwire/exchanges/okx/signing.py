"""How OKX logs a connection in. Pure: the time is the caller's.

Source: OKX API guide v5, "WebSocket: Login" (August 2026).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import orjson

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.credentials import Credentials

__all__ = ["check_credentials", "login_request", "sign"]

_NS = 1_000_000_000
_SIGNED = "GET/users/self/verify"


def sign(secret: str, timestamp: str) -> str:
    """The signature of a login at ``timestamp`` (Unix seconds, as sent), Base64."""
    digest = hmac.new(secret.encode(), (timestamp + _SIGNED).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def check_credentials(credentials: Credentials | None) -> Credentials:
    """What can log in at OKX.

    Raises:
        ConfigurationError: Key, secret or passphrase is missing. Retry: no.
    """
    if credentials is None or credentials.secret is None or credentials.passphrase is None:
        raise ConfigurationError(
            "private channels of OKX need credentials with api_key, secret and passphrase: "
            "credentials=Credentials(key, secret, passphrase=...)"
        )
    return credentials


def login_request(credentials: Credentials, now_ns: int) -> bytes:
    """The login frame. It expires 30 seconds after ``now_ns`` (since the Unix epoch).

    Raises:
        ConfigurationError: As :func:`check_credentials`.
    """
    checked = check_credentials(credentials)
    assert checked.secret is not None
    assert checked.passphrase is not None
    timestamp = str(now_ns // _NS)
    return orjson.dumps(
        {
            "op": "login",
            "args": [
                {
                    "apiKey": checked.api_key.reveal(),
                    "passphrase": checked.passphrase.reveal(),
                    "timestamp": timestamp,
                    "sign": sign(checked.secret.reveal(), timestamp),
                }
            ],
        }
    )
