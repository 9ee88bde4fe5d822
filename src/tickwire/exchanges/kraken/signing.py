"""How a token for the account's channels is asked for: one signed REST request.

Pure: the nonce is an argument. Source: the vendor's "Spot REST Authentication" and "Get WebSockets
Token" pages, state of August 2026.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import HttpRequest

if TYPE_CHECKING:
    from tickwire.credentials import Credentials, Secret

__all__ = ["TOKEN_PATH", "signature", "token_request"]

TOKEN_PATH = "/0/private/GetWebSocketsToken"


def signature(secret: Secret, path: str, nonce: str, body: str) -> str:
    """``API-Sign``: over the path, and a digest of nonce and body.

    Raises:
        ConfigurationError: The secret is no Base64. Retry: no.
    """
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except ValueError:
        key = b""  # the error would show the secret
    if not key:
        raise ConfigurationError("the secret of a Kraken key is Base64 text; this is not")
    digest = hashlib.sha256((nonce + body).encode()).digest()
    made = hmac.new(key, path.encode() + digest, hashlib.sha512).digest()
    return base64.b64encode(made).decode()


def token_request(credentials: Credentials, base: str, nonce: str) -> HttpRequest:
    """The request for a token.

    Args:
        credentials: Key and secret, with the permission for the WebSocket interface.
        base: The REST interface's address.
        nonce: A number as text, higher than that of the key's last request.

    Raises:
        ConfigurationError: There is no secret, or it is none. Retry: no.
    """
    if credentials.secret is None:
        raise ConfigurationError("Kraken signs with a secret; give api_key and secret")
    body = f"nonce={nonce}"
    headers = (
        ("API-Key", credentials.api_key.reveal()),
        ("API-Sign", signature(credentials.secret, TOKEN_PATH, nonce, body)),
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    return HttpRequest("POST", base + TOKEN_PATH, headers, body.encode())
