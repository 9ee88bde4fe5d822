"""How requests are signed. Pure: bytes in, text out; the clock is the caller's.

Sources: the vendor's "Request security" pages of the REST and WebSocket interfaces, as of August
2026. Over the WebSocket the parameters are sorted by name and signed as they are; over REST they
are signed in the order sent, after percent-encoding.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from tickwire.credentials import Secret
from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from tickwire.credentials import Credentials

__all__ = [
    "Security",
    "Signer",
    "has_logon",
    "payload",
    "plain",
    "query",
    "revealed",
    "signer",
    "text",
]

Signer = Callable[[str], str]
"""Signs a payload. Which key it holds, its repr does not tell."""


class Security(Enum):
    """What a request carries to say who asks."""

    NONE = "none"
    API_KEY = "api key"
    SIGNED = "signed"


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` as they are signed and sent: without those that are ``None``.

    Decimals and floats become texts without an exponent, as the venue wants its decimals;
    members of an enumeration become their values. A :class:`~tickwire.credentials.Secret` stays one
    until the request is put together: :func:`revealed`.

    Raises:
        ConfigurationError: One cannot be sent. Retry: no.
    """
    made = {name: _plain(value) for name, value in params.items() if value is not None}
    for name, value in made.items():
        if isinstance(value, Secret):
            continue
        # Here, since from here on a key stands beside them, which an error would show.
        try:
            text(value).encode()
        except (TypeError, UnicodeEncodeError) as error:
            raise ConfigurationError(
                f"{name} cannot be sent as a {type(value).__name__}: {error}"
            ) from error
    return made


def revealed(params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` as they are sent, for no longer than it takes to send them."""
    return {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in params.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ConfigurationError(f"{value} is no amount")
        return format(value, "f")
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def text(value: Any) -> str:
    """A parameter as it is signed and, over REST, sent: texts as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def payload(params: Mapping[str, Any]) -> str:
    """What is signed over the WebSocket: all but ``signature``, sorted by name, unencoded."""
    # Names are ASCII, so that text order is byte order.
    names = sorted(name for name in params if name != "signature")
    return "&".join(f"{name}={text(params[name])}" for name in names)


def query(params: Mapping[str, Any]) -> str:
    """What is sent and signed over REST: in the order given, percent-encoded."""
    return "&".join(f"{name}={quote(text(value), safe='')}" for name, value in params.items())


def signer(credentials: Credentials) -> Signer:
    """What signs for ``credentials``.

    Raises:
        ConfigurationError: They hold nothing to sign with; the private key cannot be read, or is
            of a kind that the venue does not know; the package for private keys is missing.
            Retry: no.
    """
    if credentials.private_key is not None:
        return _private_signer(_loaded(credentials))
    secret = credentials.secret
    if secret is None:
        raise ConfigurationError(
            "this request is signed, and the client has an API key only; give api_secret= or "
            "private_key= too"
        )

    def sign(message: str) -> str:
        return hmac.new(secret.reveal().encode(), message.encode(), hashlib.sha256).hexdigest()

    return sign


def has_logon(credentials: Credentials) -> bool:
    """Whether a WebSocket session can be logged on with them: Ed25519 keys only.

    Raises:
        ConfigurationError: As :func:`signer`. Retry: no.
    """
    if credentials.private_key is None:
        return False
    key = _loaded(credentials)  # first: it tells which package is missing
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return isinstance(key, Ed25519PrivateKey)


def _loaded(credentials: Credentials) -> Any:
    """The private key. Its text and password are seen by this function and the library only."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise ConfigurationError(
            "RSA and Ed25519 keys need the cryptography package: pip install 'tickwire[keys]'"
        ) from error
    assert credentials.private_key is not None
    password = credentials.private_key_password
    try:
        return load_pem_private_key(
            credentials.private_key.reveal().encode(),
            None if password is None else password.reveal().encode(),
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        readable = False  # what the library raised may show what it read
    if not readable:
        raise ConfigurationError(
            "the private key cannot be read: it has to be PEM text (-----BEGIN PRIVATE KEY-----), "
            "and private_key_pass the password of an encrypted one, left out otherwise"
        )
    raise AssertionError


def _private_signer(key: Any) -> Signer:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, Ed25519PrivateKey):
        return lambda message: base64.b64encode(key.sign(message.encode())).decode()
    if isinstance(key, RSAPrivateKey):
        return lambda message: base64.b64encode(
            key.sign(message.encode(), padding.PKCS1v15(), SHA256())
        ).decode()
    raise ConfigurationError("the private key is neither an RSA nor an Ed25519 key")
