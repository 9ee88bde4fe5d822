"""Whether a signature is that of a key: HMAC-SHA256, RSA PKCS#1 v1.5 and Ed25519. Pure.

The rule of the venue's WebSocket API: every parameter but the signature, sorted by name, joined as
``name=value`` with ``&`` and signed as UTF-8 without any escaping. REST signs the query and the
body as they were sent. The check is written for the simulator and shares nothing with the client
that signs, so that a mistake of one side shows on the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Credential", "signed_payload"]

_SIGNATURE = "signature"


def signed_payload(params: Mapping[str, str]) -> bytes:
    """What a request of the WebSocket API is signed over.

    Args:
        params: Its parameters, values as the text they have in the request.
    """
    names = sorted((name for name in params if name != _SIGNATURE), key=str.encode)
    return "&".join(f"{name}={params[name]}" for name in names).encode()


class Credential:
    """What the venue knows of an API key: the shared secret, or the public half of a key pair.

    Args:
        secret: Of an HMAC key.
        public_key: Of an RSA or Ed25519 key, as PEM (``SubjectPublicKeyInfo``).

    Attributes:
        is_ed25519: Whether sessions can be opened with it.

    Raises:
        ConfigurationError: Not exactly one of the two, or the PEM holds no such key. Retry: no.
    """

    def __init__(self, *, secret: str | None = None, public_key: str | bytes | None = None) -> None:
        if (secret is None) == (public_key is None):
            raise ConfigurationError("an API key has either a secret or a public key: give one")
        self._secret = None if secret is None else secret.encode()
        self._public_key = None if public_key is None else _load(public_key)
        self.is_ed25519 = isinstance(self._public_key, Ed25519PublicKey)

    def accepts(self, payload: bytes, signature: str) -> bool:
        """Whether ``signature`` was made over ``payload`` with the other half of this key."""
        if self._secret is not None:
            expected = hmac.new(self._secret, payload, hashlib.sha256).hexdigest()
            # Bytes, because compare_digest takes no other text than ASCII.
            return hmac.compare_digest(expected.encode(), signature.lower().encode())
        try:
            raw = base64.b64decode(signature, validate=True)
            if isinstance(self._public_key, Ed25519PublicKey):
                self._public_key.verify(raw, payload)
            else:
                assert self._public_key is not None
                self._public_key.verify(raw, payload, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def _load(pem: str | bytes) -> RSAPublicKey | Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except ValueError:
        raise ConfigurationError(
            "the public key is no PEM: it starts with -----BEGIN PUBLIC KEY-----"
        ) from None
    if isinstance(key, RSAPublicKey | Ed25519PublicKey):
        return key
    raise ConfigurationError("the public key is neither an RSA nor an Ed25519 key")
