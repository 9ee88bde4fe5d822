"""Events as lines."""

from __future__ import annotations

import json

import msgspec
import pytest

from tickwire.cli.lines import columns, json_line, record_line
from tickwire.exchanges.binance import BinanceCodec
from tickwire.manager import (
    Connected,
    Disconnected,
    DisconnectReason,
    Dropped,
    Reconnected,
    Record,
    Stale,
)
from tickwire.market import BookDelta, BookSnapshot, Event, Gap, GapCause, Quote

# 2027-01-15T08:00:01.234567891Z
RECEIVED = 1_800_000_001_234_567_891


def decoded(payload: dict[str, object], stream: str, market: str = "spot") -> Event:
    codec = BinanceCodec(market)
    codec.subscribe([stream])
    events: list[Event] = []
    frame = msgspec.json.encode({"stream": stream, "data": payload})
    codec.receive(frame, RECEIVED, events)
    (event,) = events
    return event


def trade(**changes: object) -> Event:
    payload: dict[str, object] = {
        "e": "trade", "E": 1_800_000_001_230, "s": "BTCUSDT", "t": 7, "p": "64212.94000000",
        "q": "0.00001000", "T": 1_800_000_001_229, "m": True, "M": True,
    }  # fmt: skip
    return decoded(payload | changes, "btcusdt@trade")


def kline(closed: bool) -> Event:
    inner = {
        "t": 1_800_000_000_000, "T": 1_800_000_059_999, "s": "BTCUSDT", "i": "1m", "f": 1, "L": 2,
        "o": "1.5", "c": "2.0", "h": "2.25", "l": "1.25", "v": "10", "n": 2, "x": closed,
        "q": "20", "V": "5", "Q": "10", "B": "0",
    }  # fmt: skip
    payload = {"e": "kline", "E": 1_800_000_001_230, "s": "BTCUSDT", "k": inner}
    return decoded(payload, "btcusdt@kline_1m")


def ticker() -> Event:
    numbers = dict.fromkeys("pPwxcQbBaAohlvq", "1.5")
    payload = {
        "e": "24hrTicker", "E": 1, "s": "BTCUSDT", **numbers, "O": 0, "C": 1, "F": 1, "L": 2, "n": 2
    }  # fmt: skip
    return decoded(payload, "btcusdt@ticker")


def mini_ticker() -> Event:
    numbers = dict.fromkeys("cohlvq", "1.5")
    payload = {"e": "24hrMiniTicker", "E": 1, "s": "BTCUSDT", **numbers}
    return decoded(payload, "btcusdt@miniTicker")


def test_json_has_the_kind_and_both_times() -> None:
    line = json_line(trade())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found = json.loads(line)
    assert found["kind"] == "trade"
    assert found["symbol"] == "BTCUSDT"
    assert found["ts_event_ns"] == 1_800_000_001_230_000_000
    assert found["ts_recv_ns"] == RECEIVED
    assert (found["price"], found["size"]) == (64212.94, 0.00001)
    assert found["aggressor_side"] == "sell"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (trade(), "trade          BTCUSDT     sell  64212.94 x 0.00001"),
        (trade(p="100", q="3", m=False), "trade          BTCUSDT     buy   100 x 3"),
        (trade(p="0.00000012"), "trade          BTCUSDT     sell  0.00000012 x 0.00001"),
        (
            Quote(symbol="A-B", bid_price=1.5, bid_size=2, ask_price=1.75, ask_size=0.5),
            "quote          A-B         bid 1.5 x 2  ask 1.75 x 0.5",
        ),
        (
            BookSnapshot(symbol="A-B", bids=[(1.5, 2.0)], asks=[]),
            "book_snapshot  A-B         bid 1.5 x 2  no asks  1+0 levels",
        ),
        (
            BookDelta(symbol="A-B", bids=[(1, 0)], asks=[], first_sequence=5, sequence=9),
            "book_delta     A-B         1 bids, 0 asks changed  5–9",
        ),
        (kline(False), "kline          BTCUSDT     1m open  ohlc 1.5 2.25 1.25 2  volume 10"),
        (kline(True), "kline          BTCUSDT     1m closed  ohlc 1.5 2.25 1.25 2  volume 10"),
        (ticker(), "ticker         BTCUSDT     24h  last 1.5  1.5 %  volume 1.5"),
        (mini_ticker(), "mini_ticker    BTCUSDT     24h  ohlc 1.5 1.5 1.5 1.5  volume 1.5"),
        (
            Gap(
                symbol="A-B", stream="ab@depth", cause=GapCause.SEQUENCE,
                last_sequence=4, first_sequence=9,
            ),
            "gap            A-B         ab@depth: between 4 and 9 (sequence)",
        ),
        (Event(symbol="A-B"), "event          A-B"),
    ],
)  # fmt: skip
def test_columns(event: Event, expected: str) -> None:
    event.ts_recv_ns = RECEIVED
    assert columns(event).decode() == f"08:00:01.234567  {expected}\n"


def test_json_of_every_kind() -> None:
    events = [trade(), kline(True), ticker(), mini_ticker()]
    for event in events:
        found = json.loads(json_line(event))
        assert found["kind"] == event.kind
        assert found["ts_event_ns"] == event.ts_event_ns


MARK: dict[str, object] = {
    **{"e": "markPriceUpdate", "E": 1_800_000_001_230, "s": "BTCUSDT", "p": "64000.50"},
    **{"i": "64001.25", "P": "64000.5", "r": "-0.0001", "T": 1_800_000_060_000},
}
FORCE: dict[str, object] = {
    **{"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.5", "p": "9910"},
    **{"ap": "9911", "X": "FILLED", "l": "0.5", "z": "0.5", "T": 1_800_000_001_230},
}


@pytest.mark.parametrize(
    ("payload", "stream", "says"),
    [
        (MARK, "btcusdt@markPrice", "mark 64000.5  index 64001.25  funding -0.0001"),
        (MARK | {"r": ""}, "btcusdt@markPrice", "mark 64000.5  index 64001.25  funding –"),
        ({"e": "forceOrder", "E": 1, "o": FORCE}, "!forceOrder@arr", "sell  9910 x 0.5"),
    ],
)
def test_columns_of_futures(payload: dict[str, object], stream: str, says: str) -> None:
    assert columns(decoded(payload, stream, "usdm")).decode().rstrip().endswith(says)


def test_json_of_an_event_with_parts() -> None:
    part = {"b": "BAL", "q": "USDT", "w": "1.5", "W": "0.25", "i": "24.5"}
    payload = {"e": "compositeIndex", "E": 1, "s": "DEFIUSDT", "p": "5", "C": "x", "c": [part]}
    line = json.loads(json_line(decoded(payload, "defiusdt@compositeIndex", "usdm")))
    assert line["parts"][0]["weight"] == 1.5


AT: dict[str, int] = {"connection": 3, "ts_ns": RECEIVED}
TAKEN_OVER = Reconnected(
    **AT,
    reason=DisconnectReason.SCHEDULED,
    replaces=2,
    downtime=0.0,
    overlap=0.312,
    held=412,
    duplicates=410,
    promise="exactly-once",
)
RESTORED = Reconnected(
    **AT,
    reason=DisconnectReason.NETWORK_ERROR,
    replaces=2,
    downtime=1.25,
    overlap=0.0,
    held=0,
    duplicates=0,
    promise="gap",
)
ENDED = Disconnected(
    **AT, reason=DisconnectReason.SERVER_CLOSED, code=1001, text="bye", remaining=0
)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (TAKEN_OVER, "took over from 2 (scheduled): overlap 312 ms, 412 events on both sides"),
        (RESTORED, "replaces 2 (network_error) after 1.25 s"),
        (ENDED, 'has ended (server_closed), code 1001 and "bye"'),
        (Connected(**AT), "is up"),
        (Stale(**AT, stream="btcusdt@trade", silence=31.0, limit=30.0), "btcusdt@trade is silent"),
        (Dropped(**AT, count=7), "7 messages dropped"),
    ],
)
def test_a_record_is_one_line(record: Record, words: str) -> None:
    line = record_line(record)
    assert line.startswith("08:00:01.234567  connection 3")
    assert words in line
    assert "\n" not in line
