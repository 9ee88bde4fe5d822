"""Signatures against the vendor's own worked examples."""

from __future__ import annotations

import base64
import sys
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tickwire.credentials import Credentials
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.signing import has_logon, payload, plain, query, signer

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
FUTURES_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"

# Number, payload with <K> for the API key, signature: "Request security" and the method pages.
OVER_WEBSOCKET = (
    (
        "V1",
        "apiKey=<K>&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&"
        "symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    ),
    (
        "V2",
        "apiKey=<K>&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&"
        "symbol=１２３４５６&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
    ),
    (
        "V3",
        "apiKey=<K>&newOrderRespType=ACK&price=52000.00&quantity=0.01000000&"
        "recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&"
        "timestamp=1645423376532&type=LIMIT",
        "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
    ),
    (
        "V4",
        "apiKey=<K>&timestamp=1649729878532",
        "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed",
    ),
    (
        "V5",
        "apiKey=<K>&price=23416.10000000&quantity=0.00847000&side=SELL&symbol=BTCUSDT&"
        "timeInForce=GTC&timestamp=1660801715431&type=LIMIT",
        "15af09e41c36f3cc61378c2fbe2c33719a03dd5eba8d0f9206fbda44de717c88",
    ),
    (
        "V6",
        "apiKey=<K>&origClientOrderId=4d96324ff9d44481926157&symbol=BTCUSDT&"
        "timestamp=1660801715830",
        "33d5b721f278ae17a52f004a82a6f68a70c68e7dd6776ed0be77a455ab855282",
    ),
    (
        "V7",
        "apiKey=<K>&symbol=BTCUSDT&timestamp=1660805557200",
        "773f01b6e3c2c9e0c1d217bc043ce383c1ddd6f0e25f8d6070f2b66a6ceaf3a5",
    ),
    (
        "V8",
        "apiKey=<K>&timestamp=1660801839480",
        "83303b4a136ac1371795f465808367242685a9e3a42b22edb4d977d0696eb45c",
    ),
    (
        "V9",
        "apiKey=<K>&orderId=12569099453&symbol=BTCUSDT&timestamp=1660801720951",
        "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35",
    ),
    (
        "V10",
        "apiKey=<K>&endTime=1660867200000&limit=5&startTime=1660780800000&"
        "symbol=BTCUSDT&timestamp=1661955123341",
        "f50a972ba7fad92842187643f6b930802d4e20bce1ba1e788e856e811577bd42",
    ),
    (
        "V11",
        "apiKey=<K>&endTime=1660867200000&startTime=1660780800000&symbol=BTCUSDT&"
        "timestamp=1661955125250",
        "c5a5ffb79fd4f2e10a92f895d488943a57954edf5933bde3338dfb6ea6d6eefc",
    ),
    (
        "V12",
        "apiKey=<K>&cancelOrigClientOrderId=4d96324ff9d44481926157&"
        "cancelReplaceMode=ALLOW_FAILURE&price=23416.10000000&quantity=0.00847000&"
        "side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1660813156900&type=LIMIT",
        "7028fdc187868754d25e42c37ccfa5ba2bab1d180ad55d4c3a7e2de643943dc5",
    ),
    (
        "V13",
        "apiKey=<K>&symbol=BTCUSDT&timestamp=1660813156812",
        "d632b3fdb8a81dd44f82c7c901833309dd714fe508772a89b0a35b0ee0c48b89",
    ),
    (
        "V14",
        "apiKey=<K>&timestamp=1660801713831",
        "1bea8b157dd78c3da30359bddcd999e4049749fe50b828e620e12f64e8b433c9",
    ),
    (
        "V15",
        "apiKey=<K>&endTime=1660867200000&limit=5&startTime=1660780800000&timestamp=1661955123341",
        "c8e1484db4a4a02d0e84dfa627eb9b8298f07ebf12fcc4eaf86e4a565b2712c2",
    ),
    (
        "V16",
        "apiKey=<K>&timestamp=1660801839500",
        "76289424d6e288f4dc47d167ac824e859dabf78736f4348abbbac848d719eb94",
    ),
    (
        "V17",
        "apiKey=<K>&newOrderRespType=RESULT&price=23420.00000000&quantity=0.00650000&"
        "side=SELL&stopLimitPrice=23405.00000000&stopLimitTimeInForce=GTC&"
        "stopPrice=23410.00000000&symbol=BTCUSDT&timestamp=1660801713767",
        "6689c2a36a639ff3915c2904871709990ab65f3c7a9ff13857558fd350315c35",
    ),
)
OVER_REST = (
    (
        "R1",
        SECRET,
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
        "recvWindow=5000&timestamp=1499827319559",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    (
        "R2",
        SECRET,
        "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&"
        "timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    (
        "R3",
        FUTURES_SECRET,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&"
        "recvWindow=5000&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
)
# RFC 8032, section 7.1, test 1; the message is that of V1.
ED25519_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
ED25519_SIGNATURE = (
    "/RNKbCSA6iS23rmPP+v/A6061Gd8Cq3H5fR1YlWyOYP0CZ6Oq/+spQodx1F1B63EIhUSP2QmDaMDAMBFCTI+CQ=="
)


def pem(key: object, password: bytes | None = None) -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    assert hasattr(key, "private_bytes")
    text: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    return text.decode()


@pytest.mark.parametrize(
    ("expected", "signature"),
    [row[1:] for row in OVER_WEBSOCKET],
    ids=[row[0] for row in OVER_WEBSOCKET],
)
def test_hmac_over_the_websocket(expected: str, signature: str) -> None:
    expected = expected.replace("<K>", API_KEY)
    pairs = [pair.split("=", 1) for pair in expected.split("&")]
    # In another order than it is signed in, with a signature that is not part of what is signed.
    params: dict[str, Any] = dict(reversed(pairs))
    params["timestamp"] = int(str(params["timestamp"]))
    params["signature"] = "of before"
    assert payload(params) == expected
    assert signer(Credentials(API_KEY, SECRET))(payload(params)) == signature


@pytest.mark.parametrize(
    ("secret", "expected", "signature"),
    [row[1:] for row in OVER_REST],
    ids=[row[0] for row in OVER_REST],
)
def test_hmac_over_rest(secret: str, expected: str, signature: str) -> None:
    params = dict(parse_qsl(expected))
    assert query(params) == expected
    assert signer(Credentials(FUTURES_KEY, secret))(query(params)) == signature


def v1() -> str:
    return OVER_WEBSOCKET[0][1].replace("<K>", API_KEY)


def test_ed25519() -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ED25519_SEED))
    credentials = Credentials(API_KEY, private_key=pem(key))
    assert signer(credentials)(v1()) == ED25519_SIGNATURE
    assert has_logon(credentials)


def test_rsa_verifies_with_the_public_key() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    credentials = Credentials(API_KEY, private_key=pem(key, b"pass"), private_key_password="pass")
    signature = base64.b64decode(signer(credentials)(v1()), validate=True)
    key.public_key().verify(signature, v1().encode(), padding.PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"another", padding.PKCS1v15(), SHA256())
    assert not has_logon(credentials)


def test_a_key_of_another_kind_is_refused() -> None:
    text = pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ConfigurationError, match="neither an RSA nor an Ed25519"):
        signer(Credentials(API_KEY, private_key=text))


@pytest.mark.parametrize("password", [None, "wrong"])
def test_an_unreadable_key_is_told_without_it(password: str | None) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    text = pem(key, b"right")
    with pytest.raises(ConfigurationError, match="private_key_pass") as caught:
        signer(Credentials(API_KEY, private_key=text, private_key_password=password))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    credentials = Credentials(API_KEY, private_key="-----BEGIN PRIVATE KEY-----")
    for function in (signer, has_logon):
        with pytest.raises(ConfigurationError, match=r"tickwire\[keys\]"):
            function(credentials)


def test_nothing_to_sign_with() -> None:
    with pytest.raises(ConfigurationError, match="api_secret="):
        signer(Credentials(API_KEY))


class Side(str, Enum):  # noqa: UP042 - what python-binance programs have, not a StrEnum
    BUY = "BUY"


def test_amounts_are_texts_without_exponents() -> None:
    given = {
        "quantity": 0.00001,
        "price": Decimal("1E+5"),
        "side": Side.BUY,
        "symbols": ["A", Side.BUY],
        "left": None,
        "limit": 5,
        "flag": True,
    }
    assert plain(given) == {
        "quantity": "0.00001",
        "price": "100000",
        "side": "BUY",
        "symbols": ["A", "BUY"],
        "limit": 5,
        "flag": True,
    }
    assert payload(plain(given)) == (
        'flag=true&limit=5&price=100000&quantity=0.00001&side=BUY&symbols=["A","BUY"]'
    )
    for amount in (float("nan"), Decimal("Infinity")):
        with pytest.raises(ConfigurationError):
            plain({"price": amount})
