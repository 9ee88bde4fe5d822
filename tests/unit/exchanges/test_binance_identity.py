"""What identifies Binance's events, type by type."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tickwire.exchanges.binance import BinanceCodec
from tickwire.market import Event, Gap, GapCause, Identity, number_of, stream_name

T = 1_672_515_782_136

CASES: list[tuple[str, str, dict[str, Any], Any, int | None]] = [
    (
        "spot",
        "btcusdt@trade",
        {"e": "trade", "E": T, "s": "BTCUSDT", "t": 7, "p": "1", "q": "1", "T": T, "m": True},
        7,
        7,
    ),
    (
        "spot",
        "btcusdt@depth@100ms",
        {"e": "depthUpdate", "E": T, "s": "BTCUSDT", "U": 157, "u": 160, "b": [], "a": []},
        160,
        157,
    ),
    (
        "usdm",
        "btcusdt@depth@100ms",
        {
            **{"e": "depthUpdate", "E": T, "T": T, "s": "BTCUSDT"},
            **{"U": 157, "u": 160, "pu": 149, "b": [], "a": []},
        },
        160,
        150,
    ),
    (
        "spot",
        "btcusdt@bookTicker",
        {"u": 400, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"},
        400,
        None,
    ),
    (
        "spot",
        "btcusdt@depth20@100ms",
        {"lastUpdateId": 160, "bids": [["1", "1"]], "asks": [["2", "1"]]},
        160,
        None,
    ),
    (
        "spot",
        "btcusdt@miniTicker",
        {
            **{"e": "24hrMiniTicker", "E": T, "s": "BTCUSDT", "c": "1", "o": "1", "h": "1"},
            **{"l": "1", "v": "1", "q": "1"},
        },
        T,
        None,
    ),
    (
        "spot",
        "btcusdt@kline_1m",
        {
            **{"e": "kline", "E": T, "s": "BTCUSDT"},
            "k": {
                **{"t": T - 7, "T": T, "s": "BTCUSDT", "i": "1m", "f": 1, "L": 2, "o": "1"},
                **{"c": "1", "h": "1", "l": "1", "v": "1", "n": 1, "x": False, "q": "1"},
                **{"V": "1", "Q": "1", "B": "0"},
            },
        },
        (T - 7, T),
        None,
    ),
]


def decoded(market: str, stream: str, payload: Any) -> tuple[BinanceCodec, bytes, list[Event]]:
    codec = BinanceCodec(market)
    codec.subscribe([stream])
    events: list[Event] = []
    frame = msgspec.json.encode({"stream": stream, "data": payload})
    codec.receive(frame, 1, events)
    return codec, frame, events


@pytest.mark.parametrize(("market", "stream", "payload", "sequence", "first"), CASES)
def test_each_type(
    market: str, stream: str, payload: dict[str, Any], sequence: Any, first: int | None
) -> None:
    codec, frame, (event,) = decoded(market, stream, payload)
    assert codec.identify(frame, event) == Identity(stream.encode(), sequence, first)


def test_the_symbols_of_an_array_are_told_apart() -> None:
    ticker = CASES[5][2]
    codec, frame, events = decoded("spot", "!miniTicker@arr", [ticker, ticker | {"s": "ETHUSDT"}])
    found = [codec.identify(frame, event) for event in events]
    assert [identity and identity.stream for identity in found] == [
        (b"!miniTicker@arr", "BTCUSDT"),
        (b"!miniTicker@arr", "ETHUSDT"),
    ]


def test_on_a_raw_connection_kind_and_symbol_stand_for_the_stream() -> None:
    codec = BinanceCodec("spot", combined=False)
    codec.attach(["btcusdt@trade", "btcusdt@kline_1m"])
    streams = []
    for _, _, payload, _, _ in (CASES[0], CASES[6]):
        events: list[Event] = []
        frame = msgspec.json.encode(payload)
        codec.receive(frame, 1, events)
        identity = codec.identify(frame, events[0])
        assert identity is not None
        streams.append(identity.stream)
    assert streams == [("trade", "BTCUSDT", ""), ("kline", "BTCUSDT", "1m")]


def test_what_has_no_identity() -> None:
    gap = Gap(symbol="", stream="", cause=GapCause.SEQUENCE)
    assert BinanceCodec().identify(b'{"stream":"x"', gap) is None


def test_names_and_numbers_for_people() -> None:
    assert stream_name(b"btcusdt@trade") == "btcusdt@trade"
    assert stream_name((b"!ticker@arr", "BTCUSDT")) == "!ticker@arr BTCUSDT"
    assert number_of(7) == 7
    assert number_of((3, 9)) == 9


def test_the_venues_limits() -> None:
    (spot,) = BinanceCodec("spot").rate_limits.messages
    (usdm,) = BinanceCodec("usdm").rate_limits.messages
    assert (spot.count, usdm.count, spot.seconds) == (4, 9, 1.25)
    assert BinanceCodec().rate_limits.connects[0].count == 300
