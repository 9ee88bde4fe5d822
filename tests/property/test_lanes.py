"""Both intakes of enveloped frames do the same with any bytes."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.exchanges import _lanes_py
from tickwire.market import BookDelta, Event, Link, SequenceChain, SequenceRule, Trade

try:
    COMPILED: Any = importlib.import_module("tickwire.exchanges._lanes")
except ImportError:
    COMPILED = None

TRADE = b'{"symbol":"X","price":1.5,"size":2,"trade_id":7,"is_buyer_maker":true}'
NAMES = ("a@trade", "b@trade", "c@arr", "d@depth", "ü@trade")


def delta(first: int, last: int) -> bytes:
    return b'{"symbol":"X","bids":[],"asks":[],"first_sequence":%d,"sequence":%d}' % (first, last)


class Intake:
    """One core, with everything that it tells written down."""

    def __init__(self, core: Any) -> None:
        self.told: list[object] = []
        self.events: list[Event] = []
        self.core = core
        self.lanes = core.Lanes(look=self.look, unjoined=self.unjoined, general=self.general)
        for number, name in enumerate(NAMES):
            lane = core.Lane()
            kind: Any = BookDelta if name == "d@depth" else Trade
            lane.is_array = name == "c@arr"
            lane.decode = msgspec.json.Decoder(list[kind] if lane.is_array else kind).decode
            lane.symbol = "" if number % 2 else f"my {name}"
            lane.is_wrapped = False
            lane.chain = SequenceChain(SequenceRule.PLUS_ONE) if name == "d@depth" else None
            lane.unlooked = number
            lane.longest = 40 * number
            lane.extra_events = 0
            self.lanes.add(name, lane)

    def look(self, lane: Any, payload: bytes, recv_ns: int) -> None:
        self.told.append(("look", lane.symbol, payload, recv_ns))
        lane.unlooked = 2
        lane.longest = max(lane.longest, len(payload))

    def unjoined(
        self, lane: Any, event: Any, last: int | None, link: Link, events: list[Event]
    ) -> None:
        self.told.append(("unjoined", event.sequence, last, link, len(events)))

    def general(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        self.told.append(("general", frame, recv_ns, len(events)))


def enveloped(name: str, payload: bytes) -> bytes:
    return b'{"stream":"' + name.encode() + b'","data":' + payload + b"}"


payloads = st.one_of(
    st.just(TRADE),
    st.just(b"[" + TRADE + b"," + TRADE + b"]"),
    st.just(b"[]"),
    st.builds(delta, st.integers(1, 9), st.integers(1, 9)),
    st.just(delta(2**63, 2**64 - 1)),
    st.binary(max_size=12),
)
whole = st.builds(enveloped, st.sampled_from([*NAMES, "z@trade", ""]), payloads)
deltas = st.builds(delta, st.integers(1, 4), st.integers(1, 4))
frames = st.one_of(
    whole,
    st.builds(enveloped, st.just("d@depth"), deltas),
    st.binary(max_size=40),
    st.builds(lambda frame, end: frame[:end], whole, st.integers(0, 60)),
    st.builds(lambda frame: frame[:-1] + b" ", whole),
    st.builds(lambda frame, end: frame + end, whole, st.sampled_from([b" ", b"}", b"\n"])),
)


@pytest.mark.skipif(COMPILED is None, reason="the compiled intake is not built")
@given(st.lists(frames, max_size=12), st.booleans())
def test_both_do_the_same(received: list[bytes], at_once: bool) -> None:
    intakes = [Intake(_lanes_py), Intake(COMPILED)]
    for intake in intakes:
        if at_once:
            intake.lanes.receive_many(received, 5, intake.events)
        else:
            for frame in received:
                intake.lanes.receive(frame, 5, intake.events)
    assert intakes[0].told == intakes[1].told
    assert intakes[0].events == intakes[1].events


@pytest.mark.parametrize("core", [_lanes_py, COMPILED], ids=["twin", "compiled"])
def test_a_thousand_lanes_are_told_apart(core: Any) -> None:
    if core is None:
        pytest.skip("the compiled intake is not built")
    intake = Intake(core)
    for number in range(1000):
        lane = core.Lane()
        lane.decode = msgspec.json.Decoder(Trade).decode
        lane.symbol = str(number)
        lane.is_array = lane.is_wrapped = False
        lane.chain, lane.unlooked, lane.longest, lane.extra_events = None, 9, 4096, 0
        intake.lanes.add(f"s{number}@trade", lane)
    received = [enveloped(f"s{number}@trade", TRADE) for number in range(1000)]
    intake.lanes.receive_many(received, 1, intake.events)
    assert [event.symbol for event in intake.events] == [str(number) for number in range(1000)]
    assert intake.told == []
