"""Coinbase's signatures against known values, and what is said of keys that cannot sign."""

from __future__ import annotations

import base64

import orjson
import pytest

from tickwire.credentials import Credentials, Secret
from tickwire.errors import ConfigurationError
from tickwire.exchanges.coinbase.signing import exchange_fields, exchange_signature, token_maker

pytest.importorskip("cryptography", reason="the extra `keys` is not installed")

NAME = (
    "organizations/00000000-0000-0000-0000-000000000000"
    "/apiKeys/11111111-1111-1111-1111-111111111111"
)
SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PUBLIC = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
NONCE = "0" * 32
NOW = 1_700_000_000
EDDSA_SIGNATURE = (
    "SourVna8t6_QP7-0rHTytSUSOdouX2V633f1ekdQgtiLX6UvFNakLpYhxho-VhLBw0BDGsOqsBpUV8bVTBohAg"
)
ES256_SIGNATURE = (
    "3axcD6mnfOBjHQ8m-5sUcP_ytdJgyMOtyyCjc-dQfzxqBZoX-63w0mfhm0Fj-ycDlEJeZy-7rJDsW0ND-pOfiQ"
)
SCALAR = int("0123456789abcdef" * 4, 16)


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token: str) -> tuple[dict[str, object], dict[str, object], bytes]:
    header, claims, signature = token.split(".")
    return orjson.loads(unpadded(header)), orjson.loads(unpadded(claims)), unpadded(signature)


def test_the_token_of_an_ed25519_key_is_the_known_one() -> None:
    token = token_maker(Credentials(NAME, private_key=SEED))(NOW, NONCE)
    header, claims, _ = parts(token)
    assert header == {"alg": "EdDSA", "kid": NAME, "nonce": NONCE, "typ": "JWT"}
    assert claims == {"sub": NAME, "iss": "cdp", "nbf": NOW, "exp": NOW + 120}
    assert token.split(".")[2] == EDDSA_SIGNATURE


def test_a_key_of_64_bytes_is_the_seed_with_the_public_key() -> None:
    whole = base64.b64encode(base64.b64decode(SEED) + base64.b64decode(PUBLIC)).decode()
    token = token_maker(Credentials(NAME, secret=whole))(NOW, NONCE)
    assert token.endswith(EDDSA_SIGNATURE)


def ec_pem(curve: object, scalar: int) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ec.derive_private_key(scalar, curve)  # type: ignore[arg-type]
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


def verify_es256(token: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    text, _, signature = token.rpartition(".")
    raw = unpadded(signature)
    assert len(raw) == 64
    encoded = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(unpadded("2M0S6lxn8vigDBEkiT7c-mdUxNbO3mvhO98ilcgQqX8"), "big"),
        int.from_bytes(unpadded("paidLSo2DAyppNbHye1LKNPhmdZify5pbWicMQpbD0g"), "big"),
        ec.SECP256R1(),
    )
    numbers.public_key().verify(encoded, text.encode(), ec.ECDSA(SHA256()))


def test_the_token_of_an_elliptic_key_verifies_and_signs_the_same_text() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec_pem(ec.SECP256R1(), SCALAR)
    token = token_maker(Credentials(NAME, private_key=pem))(NOW, NONCE)
    verify_es256(token)
    assert parts(token)[0]["alg"] == "ES256"
    # What another program signed with that key: the same header and claims, another signature.
    verify_es256(f"{token.rpartition('.')[0]}.{ES256_SIGNATURE}")
    written_out = pem.replace("\n", "\\n")
    verify_es256(token_maker(Credentials(NAME, private_key=written_out))(NOW, NONCE))


def test_the_exchange_feeds_signature_is_the_known_one() -> None:
    secret = Secret("dGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQ=")
    signature = exchange_signature(secret, "1700000000")
    assert signature == "K3ok+kZ7oMvdygE7tthnL0Urr6xPoNu1dw+7B2ZEuF0="
    fields = exchange_fields(Credentials("key", secret, passphrase="words"), NOW)
    assert fields == {
        "signature": signature,
        "key": "key",
        "passphrase": "words",
        "timestamp": "1700000000",
    }


@pytest.mark.parametrize(
    "key",
    [
        "not base64!",
        "c2hvcnQ=",
        "-----BEGIN EC PRIVATE KEY-----\nQUJD\n-----END EC PRIVATE KEY-----",
    ],
    ids=["text", "short", "pem"],
)
def test_a_key_that_is_none_is_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        token_maker(Credentials(NAME, private_key=key))
    assert key not in str(refused.value)
    assert refused.value.__context__ is None
    with pytest.raises(ConfigurationError, match="Base64"):
        exchange_signature(Secret("not base64!"), "1")


def test_keys_of_other_kinds_are_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    with pytest.raises(ConfigurationError, match="P-256"):
        token_maker(Credentials(NAME, private_key=ec_pem(ec.SECP384R1(), SCALAR)))
    with pytest.raises(ConfigurationError, match="private_key="):
        token_maker(Credentials(NAME))
    with pytest.raises(ConfigurationError, match="passphrase"):
        exchange_fields(Credentials(NAME, "c2VjcmV0"), NOW)
