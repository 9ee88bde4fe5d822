"""How Deribit knows who asks: a signature in a request of its own. Pure.

Source: the vendor's "Authentication" page, "client signature".
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.credentials import Credentials, Secret

__all__ = ["login_params", "signature"]


def signature(secret: Secret, timestamp_ms: int, nonce: str, data: str = "") -> str:
    """HMAC-SHA256 in lower-case hexadecimal. The line end before empty ``data`` stays."""
    message = f"{timestamp_ms}\n{nonce}\n{data}".encode()
    return hmac.new(secret.reveal().encode(), message, hashlib.sha256).hexdigest()


def login_params(credentials: Credentials, now_ns: int) -> dict[str, Any]:
    """The parameters of ``public/auth``.

    Args:
        credentials: The key's name and its secret.
        now_ns: The time, ns since the Unix epoch; it makes the nonce, too.

    Raises:
        ConfigurationError: There is no secret. Retry: no.
    """
    if credentials.secret is None:
        raise ConfigurationError("Deribit's login needs the key's secret: Credentials(id, secret)")
    timestamp_ms, nonce = now_ns // 1_000_000, f"{now_ns:x}"
    return {
        "grant_type": "client_signature",
        "client_id": credentials.api_key.reveal(),
        "timestamp": timestamp_ms,
        "nonce": nonce,
        "data": "",
        "signature": signature(credentials.secret, timestamp_ms, nonce),
    }
