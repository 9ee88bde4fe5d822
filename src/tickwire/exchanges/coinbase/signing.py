"""How requests are signed: a JSON Web Token per message (Advanced Trade), fields in it (Exchange).

Pure: time and nonce are arguments. Sources: the vendor's "Authentication" pages of both feeds and
its Python SDK 1.8.4, state of August 2026; RFC 7515 for the token's form, RFC 7518 section 3.4 for
ES256 signatures (the two numbers, not DER).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.credentials import Credentials, Secret

__all__ = ["TOKEN_SECONDS", "Token", "exchange_fields", "exchange_signature", "token_maker"]

TOKEN_SECONDS = 120
"""How long a token is good for."""

Token = Callable[[int, str], str]
"""Makes a token: from the time in seconds since the Unix epoch, and a nonce."""

_VERIFY = "GET/users/self/verify"
_SEED_BYTES = 32
_COORDINATE_BYTES = 32
_P256_BITS = 256
_NEEDS_KEYS = "Coinbase's keys need the cryptography package: pip install 'tickwire[keys]'"
_UNREADABLE = (
    "the private key cannot be read: it is either PEM text of an elliptic-curve key "
    "(-----BEGIN EC PRIVATE KEY-----) or the Base64 text of an Ed25519 key, as the venue shows it"
)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_maker(credentials: Credentials) -> Token:
    """What makes the tokens of a key: ``api_key`` is its name, ``private_key`` (or ``secret``) the
    key, PEM for ES256 or Base64 for EdDSA.

    Raises:
        ConfigurationError: There is no private key, or it cannot be read, or is of another kind;
            the package for private keys is missing. Retry: no.
    """
    secret = credentials.private_key or credentials.secret
    if secret is None:
        raise ConfigurationError("Coinbase signs with a private key; give private_key= too")
    algorithm, sign = _signer(secret)
    name = credentials.api_key

    def token(now_s: int, nonce: str) -> str:
        key_name = name.reveal()
        header = {"alg": algorithm, "kid": key_name, "nonce": nonce, "typ": "JWT"}
        claims = {"sub": key_name, "iss": "cdp", "nbf": now_s, "exp": now_s + TOKEN_SECONDS}
        text = f"{_base64url(orjson.dumps(header))}.{_base64url(orjson.dumps(claims))}"
        return f"{text}.{_base64url(sign(text.encode()))}"

    return token


def _signer(secret: Secret) -> tuple[str, Callable[[bytes], bytes]]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise ConfigurationError(_NEEDS_KEYS) from error
    key = _loaded(secret)
    if isinstance(key, Ed25519PrivateKey):
        return "EdDSA", key.sign
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.key_size == _P256_BITS:
        return "ES256", _es256(key)
    raise ConfigurationError("the private key is neither a P-256 nor an Ed25519 key")


def _loaded(secret: Secret) -> Any:
    """The key itself. Its text is seen by this function and the library only."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    # In a file of settings a PEM's line ends are often written out.
    text = secret.reveal().replace("\\n", "\n").strip()
    try:
        if text.startswith("-----"):
            return load_pem_private_key(text.encode(), None)
        # The venue gives the seed, or the seed with the public key behind it.
        seed = base64.b64decode(text, validate=True)
        if len(seed) in (_SEED_BYTES, 2 * _SEED_BYTES):
            return Ed25519PrivateKey.from_private_bytes(seed[:_SEED_BYTES])
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass  # what the library raised may show what it read
    # Nor is it to be found in this function's frame, which belongs to the error.
    text, seed = "", b""
    raise ConfigurationError(_UNREADABLE)


def _es256(key: Any) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ECDSA(SHA256())))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    return sign


def exchange_signature(secret: Secret, timestamp: str) -> str:
    """The Exchange feed's signature over ``timestamp``, the text that is sent with it.

    Raises:
        ConfigurationError: The secret is no Base64. Retry: no.
    """
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except ValueError:
        key = b""  # the error would show the secret
    if not key:
        raise ConfigurationError(
            "the secret of a Coinbase Exchange key is Base64 text; this is not"
        )
    digest = hmac.new(key, f"{timestamp}{_VERIFY}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def exchange_fields(credentials: Credentials, now_s: int) -> dict[str, str]:
    """What a subscription of the Exchange feed carries to say who asks.

    Raises:
        ConfigurationError: Secret or passphrase are missing, or the secret is none. Retry: no.
    """
    if credentials.secret is None or credentials.passphrase is None:
        raise ConfigurationError(
            "Coinbase Exchange asks for api_key, secret and passphrase; one of them is missing"
        )
    timestamp = str(now_s)
    return {
        "signature": exchange_signature(credentials.secret, timestamp),
        "key": credentials.api_key.reveal(),
        "passphrase": credentials.passphrase.reveal(),
        "timestamp": timestamp,
    }
