"""Whether an upgrade may pass: the simulated venue's side of the login. Pure.

Written from the vendor's page and not with the client's code, so that a mistake there is not
repeated here.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tickwire.credentials import Credentials

__all__ = ["refusal"]

_LIFETIME_MS = 30_000
_MISSING = {
    "ACCESS-KEY": 40001,
    "ACCESS-SIGN": 40002,
    "ACCESS-TIMESTAMP": 40003,
    "ACCESS-PASSPHRASE": 40011,
}


def refusal(
    headers: Mapping[str, str], path: str, credentials: Credentials | None, now_ms: int
) -> tuple[int, str] | None:
    """Code and text of what is wrong with a private upgrade; ``None`` if nothing is."""
    for name, code in _MISSING.items():
        if not headers.get(name):
            return code, f"{name} is missing"
    stamp = headers["ACCESS-TIMESTAMP"]
    if not stamp.isdecimal():
        return 40005, "ACCESS-TIMESTAMP is invalid"
    if abs(now_ms - int(stamp)) > _LIFETIME_MS:
        return 40008, "the request has expired"
    if credentials is None or credentials.secret is None or credentials.passphrase is None:
        return 40006, "ACCESS-KEY is invalid"
    if headers["ACCESS-KEY"] != credentials.api_key.reveal():
        return 40006, "ACCESS-KEY is invalid"
    if headers["ACCESS-PASSPHRASE"] != credentials.passphrase.reveal():
        return 40012, "key or passphrase is wrong"
    key = credentials.secret.reveal().encode()
    expected = b64encode(hmac.digest(key, (stamp + path).encode(), "sha256")).decode()
    if not hmac.compare_digest(expected.encode(), headers["ACCESS-SIGN"].encode()):
        return 40009, "signature verification failed"
    return None
