"""Two connections with the same events, in whatever interleaving: each event once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tickwire.exchanges.binance.copies import Copies

EVENTS = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=12)


@given(EVENTS, EVENTS, st.lists(st.booleans(), max_size=40))
def test_every_event_once(both: list[bytes], after: list[bytes], turns: list[bool]) -> None:
    """The old one has what came in the overlap, the new one that and what came after it."""
    queues = [list(both), [*both, *after]]
    copies = Copies()
    delivered = []
    for turn in [*turns, *([False] * len(both)), *([True] * len(queues[1]))]:
        if queues[turn]:
            message = queues[turn].pop(0)
            if copies.is_new(int(turn), message):
                delivered.append(message)
    assert Counter(delivered) == Counter([*both, *after])


@given(EVENTS)
def test_late_copies(both: list[bytes]) -> None:
    """The old connection is read to its end before the new one is listened to."""
    copies = Copies()
    assert all(copies.is_new(1, message) for message in both)
    assert not any(copies.is_new(2, message) for message in both)
    assert copies.is_new(2, b"a")
