"""The intake gives what the general path gives: of every venue, of plain and damaged frames."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.exchanges.venue_sessions import SESSIONS
from tickwire.exchanges.intake import COMPILED, Key, Plan, Shape
from tickwire.exchanges.kraken.checksum import FloatBook, InexactNumberError, ScaledBook
from tickwire.exchanges.okx.structs import OkxTrade

NOW = 1_700_000_000_000_000_000


def both(venue: str, frames: list[bytes], size: int) -> tuple[Any, Any, list[Any], list[Any]]:
    """A codec that took the frames in batches, one that took each the general way, their events."""
    session = SESSIONS[venue]
    quick, general = session.make(), session.make()
    found: list[Any] = []
    wanted: list[Any] = []
    frames = [*session.opening(), *frames]
    for start in range(0, len(frames), size):
        quick.receive_many(frames[start : start + size], NOW + start, found)
        for frame in frames[start : start + size]:
            general._take_missed(frame, NOW + start, wanted)
    return quick, general, found, wanted


def told(codec: Any) -> list[Any]:
    """All else that a codec says; new fields aside, which are looked for in a sample."""
    stats = codec.stats
    events = {kind: number for kind, number in stats.events.items() if number}
    counts = [stats.unknown, stats.undecodable, stats.gaps, stats.stale]
    directives = list(iter(codec.take_directive, None))
    return [events, counts, directives, codec.take_output(), codec.take_errors()]


def damaged(frame: bytes, random: Random) -> bytes:
    at = random.randrange(len(frame))
    kind = random.randrange(6)
    if kind == 0:
        return frame[:at]
    if kind == 1:
        return frame[:at] + bytes([random.randrange(256)]) + frame[at + 1 :]
    if kind == 2:
        return frame[:at] + frame[at + 1 :]
    if kind == 3:
        return frame[:at] + random.choice((b" ", b",", b'"', b"}", b"0", b"\\", b"-")) + frame[at:]
    if kind == 4:
        end = random.randrange(at, len(frame) + 1)
        return frame[:at] + frame[at:end] * 2 + frame[end:]
    cut = frame.find(b",", at)
    return frame if cut < 0 else frame[:cut] + b',"new":{"a":[1,"x",null,-2e3]}' + frame[cut:]


@pytest.mark.parametrize("venue", SESSIONS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.sampled_from((1, 7, 64)))
def test_plain_frames(venue: str, seed: int, size: int) -> None:
    frames = list(islice(SESSIONS[venue].frames(Random(seed)), 60))
    quick, general, found, wanted = both(venue, frames, size)
    assert found == wanted
    assert told(quick) == told(general)


@pytest.mark.parametrize("venue", SESSIONS)
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_frames(venue: str, seed: int) -> None:
    random = Random(seed)
    frames = [
        damaged(frame, random) if random.random() < 0.3 else frame
        for frame in islice(SESSIONS[venue].frames(random), 40)
    ]
    quick, general, found, wanted = both(venue, frames, 5)
    assert found == wanted
    assert told(quick) == told(general)


@pytest.mark.skipif(not COMPILED, reason="the twin of the intake reads nothing by itself")
@pytest.mark.parametrize("venue", SESSIONS)
def test_most_frames_are_read_by_the_intake(venue: str) -> None:
    frames = list(islice(SESSIONS[venue].frames(Random(5)), 400))
    quick = both(venue, frames, 16)[0]
    read = [shape.count for shape in quick._shapes.values()]
    assert all(read)
    assert sum(read) > 40  # of some 400; the sessions are rough


@pytest.mark.parametrize("venue", SESSIONS)
def test_what_was_learnt_ends_with_the_subscription(venue: str) -> None:
    frames = list(islice(SESSIONS[venue].frames(Random(6)), 60))
    quick, general, found, wanted = both(venue, frames, 16)
    names = list(quick.subscriptions)
    for codec in (quick, general):
        codec.unsubscribe(names[:1], NOW)
        codec.subscribe(names[:1], NOW)
    later = list(islice(SESSIONS[venue].frames(Random(7)), 60))
    quick.receive_many(later, NOW, found)
    for frame in later:
        general._take_missed(frame, NOW, wanted)
    assert found == wanted
    assert told(quick) == told(general)


@pytest.mark.skipif(not COMPILED, reason="the twin of the intake has no fields to fill")
def test_a_plan_with_a_field_that_is_none() -> None:
    template = OkxTrade(trade_id=0, price=0.0, size=0.0, symbol="", side="", event_time=0)
    with pytest.raises(AttributeError):
        Shape(Plan("trade", template, (Key("px", "float", "prize"),)))
    with pytest.raises(TypeError, match="no field"):
        Shape(Plan("trade", template, (Key("px", "float", "to_dict"),)))


steps = st.integers(1, 40).map(lambda n: n / 10)
lots = st.sampled_from((0.0, 0.001, 2.5, 10.0, 123456.789))
changes = st.lists(st.tuples(steps, lots), max_size=6)


@given(rounds=st.lists(st.tuples(changes, changes), max_size=8), depth=st.sampled_from((10, 25)))
def test_the_book_of_floats_is_the_book(rounds: list[Any], depth: int) -> None:
    quick, wanted = FloatBook((1, 8), depth), ScaledBook((1, 8), depth)
    assert quick.replace([(2.0, 1.0)], []) == wanted.replace([(2.0, 1.0)], [])
    for bids, asks in rounds:
        assert quick.apply(bids, asks) == wanted.apply(bids, asks)


@pytest.mark.parametrize("level", [(1e15, 1.0), (1.0, 1e15), (123456.7, 1e8)])
def test_floats_that_are_too_long_change_nothing(level: tuple[float, float]) -> None:
    book = FloatBook((1, 8), 10)
    before = book.apply([(2.0, 1.0)], [])
    with pytest.raises(InexactNumberError):
        book.apply([(3.0, 1.0), level], [])
    assert book.apply([], []) == before
