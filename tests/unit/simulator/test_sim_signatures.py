"""The checker of signatures, against the vendor's published vectors."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tickwire.errors import ConfigurationError
from tickwire.simulator.params import Params
from tickwire.simulator.rest_routes import RestRequest
from tickwire.simulator.signatures import Credential, signed_payload

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
SELL = {"side": "SELL", "symbol": "BTCUSDT", "timeInForce": "GTC", "type": "LIMIT"}
FIRST = {
    **SELL,
    "price": "52000.00",
    "quantity": "0.01000000",
    "recvWindow": 100,
    "timestamp": 1645423376532,
}
# Parameters as they stand in the JSON of a request, without the key, in any order.
VECTORS: dict[str, tuple[dict[str, Any], str]] = {
    "place": (FIRST, "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"),
    "place-non-ascii": (
        {
            "symbol": "１２３４５６",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "1.00000000",
            "price": "0.10000000",
            "recvWindow": 5000,
            "timestamp": 1645423376532,
        },
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
    ),
    "place-with-answer": (
        {**FIRST, "newOrderRespType": "ACK"},
        "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
    ),
    "logon": (
        {"timestamp": 1649729878532},
        "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed",
    ),
    "test": (
        {
            **SELL,
            "price": "23416.10000000",
            "quantity": "0.00847000",
            "timestamp": 1660801715431,
        },
        "15af09e41c36f3cc61378c2fbe2c33719a03dd5eba8d0f9206fbda44de717c88",
    ),
    "cancel": (
        {
            "symbol": "BTCUSDT",
            "origClientOrderId": "4d96324ff9d44481926157",
            "timestamp": 1660801715830,
        },
        "33d5b721f278ae17a52f004a82a6f68a70c68e7dd6776ed0be77a455ab855282",
    ),
    "cancel-all": (
        {"symbol": "BTCUSDT", "timestamp": 1660805557200},
        "773f01b6e3c2c9e0c1d217bc043ce383c1ddd6f0e25f8d6070f2b66a6ceaf3a5",
    ),
    "account": (
        {"timestamp": 1660801839480},
        "83303b4a136ac1371795f465808367242685a9e3a42b22edb4d977d0696eb45c",
    ),
    "status": (
        {"symbol": "BTCUSDT", "orderId": 12569099453, "timestamp": 1660801720951},
        "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35",
    ),
    "all-orders": (
        {
            "symbol": "BTCUSDT",
            "startTime": 1660780800000,
            "endTime": 1660867200000,
            "limit": 5,
            "timestamp": 1661955123341,
        },
        "f50a972ba7fad92842187643f6b930802d4e20bce1ba1e788e856e811577bd42",
    ),
    "trades": (
        {
            "symbol": "BTCUSDT",
            "startTime": 1660780800000,
            "endTime": 1660867200000,
            "timestamp": 1661955125250,
        },
        "c5a5ffb79fd4f2e10a92f895d488943a57954edf5933bde3338dfb6ea6d6eefc",
    ),
    "cancel-replace": (
        {
            **SELL,
            "cancelReplaceMode": "ALLOW_FAILURE",
            "cancelOrigClientOrderId": "4d96324ff9d44481926157",
            "price": "23416.10000000",
            "quantity": "0.00847000",
            "timestamp": 1660813156900,
        },
        "7028fdc187868754d25e42c37ccfa5ba2bab1d180ad55d4c3a7e2de643943dc5",
    ),
    "open-orders": (
        {"symbol": "BTCUSDT", "timestamp": 1660813156812},
        "d632b3fdb8a81dd44f82c7c901833309dd714fe508772a89b0a35b0ee0c48b89",
    ),
    "order-counts": (
        {"timestamp": 1660801839500},
        "76289424d6e288f4dc47d167ac824e859dabf78736f4348abbbac848d719eb94",
    ),
}
REST_VECTORS = {
    "rest": (
        SECRET,
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        "&timestamp=1499827319559",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    "rest-non-ascii": (
        SECRET,
        "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT"
        "&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    "futures": (
        FUTURES_SECRET,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
}
ED25519_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
ED25519_SIGNATURE = (
    "/RNKbCSA6iS23rmPP+v/A6061Gd8Cq3H5fR1YlWyOYP0CZ6Oq/+spQodx1F1B63EIhUSP2QmDaMDAMBFCTI+CQ=="
)


def pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_the_vendors_vectors_of_the_websocket_api(name: str) -> None:
    params, signature = VECTORS[name]
    payload = signed_payload(Params({**params, "signature": "not part of it", "apiKey": KEY}).texts)
    credential = Credential(secret=SECRET)
    assert credential.accepts(payload, signature)
    assert credential.accepts(payload, signature.upper())
    assert not credential.accepts(payload + b"0", signature)
    assert not credential.accepts(payload, signature[:-1])
    assert not Credential(secret=SECRET + "0").accepts(payload, signature)


@pytest.mark.parametrize("name", sorted(REST_VECTORS))
@pytest.mark.parametrize("in_body", [False, True], ids=["query", "body"])
def test_the_vendors_vectors_of_rest(name: str, in_body: bool) -> None:
    secret, sent, signature = REST_VECTORS[name]
    sent += f"&signature={signature}"
    request = RestRequest("" if in_body else sent, sent if in_body else "", None)
    assert request.params().texts["signature"] == signature
    assert Credential(secret=secret).accepts(request.signed(), signature)


def test_the_signature_may_stand_anywhere_in_a_query() -> None:
    for query, body, signed in (
        ("signature=ab%2B&a=1", "b=2&c=3", b"a=1b=2&c=3"),
        ("a=1", "signature=x&c=3", b"a=1c=3"),
        ("a=1", "b=2&signature=x&c=3", b"a=1b=2&c=3"),
        ("a=1&signature=x", "", b"a=1"),
        ("signature=x", "nosignature=1", b"nosignature=1"),
    ):
        assert RestRequest(query, body, None).signed() == signed


def test_an_ed25519_key() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(ED25519_SEED))
    credential = Credential(public_key=pem(private))
    payload = signed_payload(Params({**FIRST, "apiKey": KEY}).texts)
    assert credential.is_ed25519
    assert credential.accepts(payload, ED25519_SIGNATURE)
    assert not credential.accepts(payload + b"0", ED25519_SIGNATURE)
    # Base64, unlike hex, tells upper from lower case.
    assert not credential.accepts(payload, ED25519_SIGNATURE.lower())
    for malformed in ("", "=", "not base64!", ED25519_SIGNATURE[:-4], "\N{SNOWMAN}"):
        assert not credential.accepts(payload, malformed)


def test_an_rsa_key() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    credential = Credential(public_key=pem(private).decode())
    payload = signed_payload(Params({**FIRST, "apiKey": KEY}).texts)
    raw = private.sign(payload, padding.PKCS1v15(), SHA256())
    signature = base64.b64encode(raw).decode()
    assert not credential.is_ed25519
    assert credential.accepts(payload, signature)
    assert not credential.accepts(payload[:-1], signature)
    assert not credential.accepts(payload, "A" + signature[1:] if signature[0] != "A" else "")


def test_values_are_signed_as_they_stand_in_the_json() -> None:
    params = Params({"b": True, "a": ["X", "Y"], "c": 6000.346, "B": "x y&z", "d": None})
    assert signed_payload(params.texts) == b'B=x y&z&a=["X","Y"]&b=true&c=6000.346'


def test_keys_that_are_none_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    wrong: list[dict[str, Any]] = [
        {},
        {"secret": "s", "public_key": b"p"},
        {"public_key": "no PEM"},
        {"public_key": pem(curve)},
    ]
    for arguments in wrong:
        with pytest.raises(ConfigurationError):
            Credential(**arguments)
