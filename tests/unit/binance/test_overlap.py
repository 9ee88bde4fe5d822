"""Events on two connections."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tickwire.binance.feeds import Feed, Listener
from tickwire.exchanges.binance.overlap import Overlap


@given(data=st.data(), count=st.integers(0, 12))
def test_each_event_once_and_in_order(data: st.DataObject, count: int) -> None:
    """The old connection brings a beginning, the new one an end, mixed in any way."""
    events = [str(number).encode() for number in range(count)]
    begins = data.draw(st.integers(0, count))
    ends = data.draw(st.integers(begins, count))
    left = [events[:ends], events[begins:]]
    overlap: Overlap[bytes] = Overlap()
    delivered = []
    while left[0] or left[1]:
        which = data.draw(st.sampled_from([i for i in (0, 1) if left[i]]))
        event = left[which].pop(0)
        if which == 0:
            overlap.old(event)
            delivered.append(event)
        else:
            overlap.new(event, event)
    assert [*delivered, *overlap.rest()] == events


def test_an_old_connection_that_stalls_loses_nothing() -> None:
    overlap: Overlap[int] = Overlap()
    overlap.old(b"1")
    for number in (1, 2, 3):
        overlap.new(str(number).encode(), number)
    assert overlap.rest() == [2, 3]


def test_a_copy_that_is_late_on_the_new_connection_is_no_event() -> None:
    overlap: Overlap[str] = Overlap()
    overlap.old(b"a")
    overlap.old(b"b")
    overlap.new(b"a", "a")
    assert overlap.rest() == []
    assert not overlap.is_settled
    assert not overlap.is_late_copy(b"c")
    assert overlap.is_late_copy(b"b")
    assert overlap.is_settled
    assert not overlap.is_late_copy(b"b"), "the same again has happened again"


def test_a_listener_is_not_told_of_a_late_copy() -> None:
    told: list[bytes] = []
    old: Any = object()
    new: Any = object()
    feed = Feed(None)
    feed.listeners[1] = Listener(lambda frame, ns: told.append(frame), lambda error: None, None)
    feed.begin_overlap(old)
    feed.deliver(old, {"n": 1}, b"1", 0)
    feed.end_overlap()
    feed.deliver(new, {"n": 1}, b"1 again", 0)
    feed.deliver(new, {"n": 2}, b"2", 0)
    feed.deliver(new, {"n": 1}, b"3", 0)
    assert told == [b"1", b"2", b"3"]
