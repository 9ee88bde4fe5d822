"""Recorded Binance traffic: one event per frame, with the values an independent decoder finds.

The recordings are of 2021 (spot: October, USD-M: July), combined streams. They are not part of the
repository: ``TICKWIRE_CAPTURES`` names their folder, or they lie beside it.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tickwire.exchanges.binance import BinanceCodec
from tickwire.market import AggressorSide, AggTrade, BookDelta, Event, Kline, Quote

if TYPE_CHECKING:
    from tickwire.exchanges.binance.routes import Numbers
    from tickwire.exchanges.binance.streams import Market

CAPTURES = Path(
    os.environ.get(
        "TICKWIRE_CAPTURES", Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"
    )
)
FILES: dict[Market, str] = {"spot": "BINANCE.ws.1.0.gz", "usdm": "BINANCE_FUTURES.ws.1.0.gz"}
FRAMES: dict[Market, Counter[str]] = {
    "spot": Counter({"depth": 177, "bookTicker": 84, "aggTrade": 2, "kline": 2}),
    "usdm": Counter({"depth": 764, "bookTicker": 613, "aggTrade": 91, "kline": 67}),
}


def frames_of(market: Market) -> list[tuple[int, bytes]]:
    """Arrival time in ns and text of every frame that the server sent."""
    path = CAPTURES / FILES[market]
    if not path.is_file():
        pytest.skip(f"no recording at {path}: set TICKWIRE_CAPTURES to the folder that has it")
    found = []
    for line in gzip.decompress(path.read_bytes()).splitlines():
        moment, separator, frame = line.partition(b": ")
        if separator and frame.startswith(b"{"):
            found.append((int(Decimal(moment.decode()) * 10**9), frame))
    return found


def by_hand(document: dict[str, Any], number: type) -> tuple[type[Event], dict[str, Any]]:
    """What an event should be, from the parsed frame; written without the codec's tables."""
    stream, data = document["stream"], document["data"]
    suffix = stream.split("@")[1].split("_")[0]

    def levels(side: list[list[str]]) -> list[tuple[Any, Any]]:
        return [(number(price), number(size)) for price, size in side]

    values: dict[str, Any] = {"symbol": data["s"]}
    if "E" in data:
        values["ts_event_ns"] = data["E"] * 1_000_000
    if suffix == "bookTicker":
        values |= {
            "sequence": data["u"],
            "bid_price": number(data["b"]),
            "bid_size": number(data["B"]),
            "ask_price": number(data["a"]),
            "ask_size": number(data["A"]),
            "ts_transact_ns": data.get("T", 0) * 1_000_000,
        }
        return Quote, values
    if suffix == "depth":
        values |= {
            "first_sequence": data["U"],
            "sequence": data["u"],
            "prev_sequence": data.get("pu"),
            "bids": levels(data["b"]),
            "asks": levels(data["a"]),
            "ts_transact_ns": data.get("T", 0) * 1_000_000,
        }
        return BookDelta, values
    if suffix == "aggTrade":
        values |= {
            "trade_id": data["a"],
            "price": number(data["p"]),
            "size": number(data["q"]),
            "first_trade_id": data["f"],
            "last_trade_id": data["l"],
            "aggressor_side": AggressorSide.SELL if data["m"] else AggressorSide.BUY,
            "ts_transact_ns": data["T"] * 1_000_000,
        }
        return AggTrade, values
    candle = data["k"]
    values |= {
        "interval": candle["i"],
        "ts_open_ns": candle["t"] * 1_000_000,
        "ts_close_ns": candle["T"] * 1_000_000,
        "open": number(candle["o"]),
        "high": number(candle["h"]),
        "low": number(candle["l"]),
        "close": number(candle["c"]),
        "volume": number(candle["v"]),
        "quote_volume": number(candle["q"]),
        "trade_count": candle["n"],
        "taker_buy_volume": number(candle["V"]),
        "taker_buy_quote_volume": number(candle["Q"]),
        "first_trade_id": candle["f"],
        "last_trade_id": candle["L"],
        "is_closed": candle["x"],
    }
    return Kline, values


@pytest.mark.parametrize("shape", ["combined", "raw"])
@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_every_frame_is_one_event(market: Market, numbers: Numbers, shape: str) -> None:
    codec = BinanceCodec(market, combined=shape == "combined", numbers=numbers)
    kinds: Counter[str] = Counter()
    for recv_ns, frame in frames_of(market):
        document = json.loads(frame)
        expected, values = by_hand(document, float if numbers == "float" else Decimal)
        if shape == "raw":
            frame = json.dumps(document["data"], separators=(",", ":")).encode()
        events: list[Event] = []
        codec.receive(frame, recv_ns, events)
        [event] = events
        assert isinstance(event, expected)
        assert event.ts_recv_ns == recv_ns
        got = {name: getattr(event, name) for name in values}
        # By their text: equal floats and equal digits, not merely equal numbers.
        assert repr(got) == repr(values)
        kinds[document["stream"].split("@")[1].split("_")[0]] += 1
    stats = codec.stats
    assert kinds == FRAMES[market] == stats.events
    assert (stats.gaps, stats.stale, stats.undecodable) == (0, 0, 0)
    assert (stats.unknown, stats.new_fields, stats.odd_frames) == ({}, {}, ())


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_a_frame_taken_out_is_a_gap_where_it_was(market: Market) -> None:
    frames = frames_of(market)
    depth = [number for number, (_, frame) in enumerate(frames) if b'"depthUpdate"' in frame]
    stream_of = [json.loads(frame)["stream"] for _, frame in frames]
    for lost in depth[:: len(depth) // 7]:
        stream = stream_of[lost]
        before = [number for number in depth if number < lost and stream_of[number] == stream]
        after = [number for number in depth if number > lost and stream_of[number] == stream]
        codec = BinanceCodec(market)
        events: list[Event] = []
        for number, (recv_ns, frame) in enumerate(frames):
            if number != lost:
                codec.receive(frame, recv_ns, events)
        gaps = [event for event in events if event.kind == "gap"]
        assert len(events) == len(frames) - 1 + len(gaps)
        if not before or not after:
            assert gaps == []
            continue
        [gap] = gaps
        # It stands where the first delta after the hole would, and that one follows it.
        assert events.index(gap) == after[0] - 1
        following = events[after[0]]
        assert isinstance(following, BookDelta)
        document = json.loads(frames[before[-1]][1])["data"]
        assert gap.to_dict() == {
            "kind": "gap",
            "symbol": following.symbol,
            "ts_event_ns": 0,
            "ts_recv_ns": following.ts_recv_ns,
            "stream": stream,
            "cause": "sequence",
            "last_sequence": document["u"],
            "first_sequence": following.first_sequence,
        }
