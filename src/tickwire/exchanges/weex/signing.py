"""How WEEX knows who connects: headers of the WebSocket upgrade. Pure; the clock is the caller's.

Source: the vendor's "Websocket Overview" pages. What is signed is the time in milliseconds and the
path, joined without anything between; a signature is good for 30 seconds, so every connection
makes its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.credentials import Credentials, Secret

__all__ = ["check_credentials", "login_headers", "signature"]


def signature(secret: Secret, timestamp_ms: int, path: str) -> str:
    """``ACCESS-SIGN``: HMAC-SHA256 in Base64."""
    message = f"{timestamp_ms}{path}".encode()
    digest = hmac.new(secret.reveal().encode(), message, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def check_credentials(credentials: Credentials | None) -> Credentials:
    """``credentials``, complete.

    Raises:
        ConfigurationError: A part is missing. Retry: no.
    """
    if credentials is None or credentials.secret is None or credentials.passphrase is None:
        raise ConfigurationError(
            "WEEX's private channels need a key, its secret and its passphrase: "
            "Credentials(api_key, secret, passphrase=…), or WEEX_API_KEY, WEEX_API_SECRET and "
            "WEEX_PASSPHRASE in the environment"
        )
    return credentials


def login_headers(credentials: Credentials, now_ns: int, path: str) -> dict[str, str]:
    """The headers that a private connection's upgrade carries.

    Args:
        credentials: Complete ones (see :func:`check_credentials`).
        now_ns: The time, ns since the Unix epoch; off by more than 30 s it is refused.
        path: ``/v3/ws/private``.
    """
    assert credentials.secret is not None
    assert credentials.passphrase is not None
    timestamp_ms = now_ns // 1_000_000
    return {
        "ACCESS-KEY": credentials.api_key.reveal(),
        "ACCESS-PASSPHRASE": credentials.passphrase.reveal(),
        "ACCESS-TIMESTAMP": str(timestamp_ms),
        "ACCESS-SIGN": signature(credentials.secret, timestamp_ms, path),
    }
