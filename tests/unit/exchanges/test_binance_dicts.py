"""The codec that gives dictionaries: the venue's keys, and the typed codec's identities."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tickwire.errors import ConfigurationError
from tickwire.exchanges import RotateBy, SubscriptionState
from tickwire.exchanges.binance import BinanceCodec
from tickwire.exchanges.binance.dicts import DictCodec

FRAMES: dict[str, tuple[str, str, bytes]] = {
    "trade": (
        "spot",
        "btcusdt@trade",
        b'{"e":"trade","E":5,"s":"BTCUSDT","t":12345,"p":"0.10","q":"1.0","T":4,"m":true,"M":true}',
    ),
    "aggTrade": (
        "usdm",
        "btcusdt@aggTrade",
        b'{"e":"aggTrade","E":5,"s":"BTCUSDT","a":77,"p":"0.10","q":"1.0","f":1,"l":3,"T":4,"m":false}',
    ),
    "spot depth": (
        "spot",
        "btcusdt@depth@100ms",
        b'{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":157,"u":160,"b":[["0.10","10"]],"a":[]}',
    ),
    "futures depth": (
        "usdm",
        "btcusdt@depth",
        b'{"e":"depthUpdate","E":5,"T":4,"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[],"a":[]}',
    ),
    "spot partial depth": (
        "spot",
        "btcusdt@depth5",
        b'{"lastUpdateId":160,"bids":[["0.10","10"]],"asks":[]}',
    ),
    "futures partial depth": (
        "usdm",
        "btcusdt@depth5",
        b'{"e":"depthUpdate","E":5,"T":4,"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[],"a":[]}',
    ),
    "book ticker": (
        "spot",
        "btcusdt@bookTicker",
        b'{"u":400900217,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}',
    ),
}


def combined(name: str, payload: bytes) -> bytes:
    return b'{"stream":"' + name.encode() + b'","data":' + payload + b"}"


@pytest.mark.parametrize("kind", FRAMES)
def test_what_comes_is_what_was_sent_and_is_told_apart_as_typed_events_are(kind: str) -> None:
    market, name, payload = FRAMES[kind]
    frame = combined(name, payload)
    dicts, typed = DictCodec(market), BinanceCodec(market)  # type: ignore[arg-type]
    found: list[Any] = []
    events: list[Any] = []
    dicts.subscribe([name])
    typed.subscribe([name])
    dicts.receive_many([frame], 7, found)
    typed.receive(frame, 7, events)
    assert found == [orjson.loads(frame)]
    identity = dicts.identify(frame, found[0])
    assert identity is not None
    assert identity == typed.identify(frame, events[0])


def test_a_candle_is_told_by_its_time_and_the_time_of_sending() -> None:
    codec = DictCodec()
    codec.subscribe(["btcusdt@kline_1m"])
    found: list[Any] = []
    for sent in (5, 6):
        payload = b'{"e":"kline","E":%d,"s":"BTCUSDT","k":{"t":60,"T":119,"i":"1m"}}' % sent
        codec.receive(combined("btcusdt@kline_1m", payload), 7, found)
    first, second = (codec.identify(b"", item) for item in found)
    assert first is not None
    assert second is not None
    assert first.stream == second.stream
    assert isinstance(first.sequence, tuple)
    assert first.sequence < second.sequence  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("!miniTicker@arr", b'[{"e":"24hrMiniTicker","E":5,"s":"BTCUSDT"}]'),
        ("btcusdt@somethingNew", b'{"e":"somethingNew","t":1}'),
        ("btcusdt@trade", b'{"e":"trade","E":5}'),
        ("btcusdt@trade", b"[1]"),
        ("btcusdt@kline_1m", b'{"e":"kline","E":5,"k":null}'),
    ],
)
def test_what_cannot_be_told_apart_is_delivered_all_the_same(name: str, payload: bytes) -> None:
    codec = DictCodec()
    codec.subscribe([name])
    found: list[Any] = []
    frame = combined(name, payload)
    codec.receive(frame, 7, found)
    assert found == [orjson.loads(frame)]
    assert codec.identify(frame, found[0]) is None


def test_answers_and_refusals_are_not_messages() -> None:
    codec = DictCodec()
    asked = orjson.loads(codec.subscribe(["btcusdt@trade"])[0])
    found: list[Any] = []
    codec.receive(orjson.dumps({"result": None, "id": asked["id"]}), 7, found)
    assert codec.subscriptions["btcusdt@trade"] is SubscriptionState.ACCEPTED
    refused = orjson.loads(codec.subscribe(["ethusdt@trade"])[0])
    codec.receive(
        orjson.dumps({"error": {"code": 2, "msg": "Invalid request"}, "id": refused["id"]}),
        7,
        found,
    )
    (error,) = codec.take_errors()
    assert error.streams == ("ethusdt@trade",)
    assert found == []
    ended = orjson.loads(codec.unsubscribe(["btcusdt@trade"])[0])
    assert ended["params"] == ["btcusdt@trade"]
    codec.reset()
    assert dict(codec.subscriptions) == {}


@pytest.mark.parametrize(
    "frame",
    [
        combined("!serverShutdown", b'{"e":"serverShutdown","E":5}'),
        b'{"e":"serverShutdown","E":5}',
    ],
)
def test_a_notice_of_a_shutdown_is_a_directive(frame: bytes) -> None:
    codec = DictCodec()
    codec.subscribe(["btcusdt@trade"])
    found: list[Any] = []
    codec.receive(frame, 7, found)
    assert found == []
    assert isinstance(codec.take_directive(), RotateBy)
    assert codec.take_directive() is None


@pytest.mark.parametrize(
    "frame",
    [
        b"not json",
        b"",
        b"[]",
        b'"text"',
        b"1e999999",
        b'{"data":1}',
        b'{"stream":[],"data":{}}',
        b'{"stream":{},"data":{}}',
        b'{"stream":"ethusdt@trade","data":{"e":"trade"}}',
        b"\xff",
        b"[" * 5000,
    ],
)
def test_nothing_that_is_sent_raises_or_is_passed_on(frame: bytes) -> None:
    codec = DictCodec()
    codec.subscribe(["btcusdt@trade"])
    found: list[Any] = []
    codec.receive(frame, 7, found)
    assert found == []


def test_counts() -> None:
    codec = DictCodec()
    codec.subscribe(["btcusdt@trade"])
    frame = combined("btcusdt@trade", FRAMES["trade"][2])
    codec.receive_many([frame, frame, b"not json"], 7, [])
    stats = codec.stats
    assert stats.events == {"trade": 2}
    assert stats.undecodable == 1
    assert codec.take_output() == []
    assert codec.rate_limits == BinanceCodec().rate_limits


def test_no_such_market() -> None:
    with pytest.raises(ConfigurationError, match="market"):
        DictCodec("moon")  # type: ignore[arg-type]
