"""A venue that counts anew between two connections is heard; a repetition is not taken for it."""

from __future__ import annotations

from typing import Any

import pytest

from tickwire.manager.merge import Merge
from tickwire.market import BookDelta, BookSnapshot, Gap, GapCause, Identity, Quote, Trade

START = 1_700_000_000_000_000
S = 1_000_000
"""A second, as the events' times are sent: in microseconds."""


def trade(number: int, at: int) -> tuple[Any, Identity]:
    event = Trade(
        symbol="BTC-USDT",
        ts_recv_ns=at * 1000,
        trade_id=number,
        price=1.0,
        size=1.0,
        is_buyer_maker=True,
        transact_time=START + at,
    )
    return event, Identity("trades", number, number)


def untimed(number: int, at: int) -> tuple[Any, Identity]:
    """As Binance's best bid and offer, which has no time of its own."""
    event = Quote(
        symbol="BTC-USDT",
        ts_recv_ns=at * 1000,
        bid_price=1.0,
        bid_size=1.0,
        ask_price=2.0,
        ask_size=1.0,
    )
    return event, Identity("quotes", number)


def snapshot(number: int, at: int) -> tuple[Any, Identity]:
    event = BookSnapshot(
        symbol="BTC-USDT",
        ts_recv_ns=at * 1000,
        event_time=START + at,
        bids=[(1.0, 1.0)],
        asks=[],
        sequence=number,
    )
    return event, Identity("book", number)


def delta(number: int, at: int) -> tuple[Any, Identity]:
    event = BookDelta(
        symbol="BTC-USDT",
        ts_recv_ns=at * 1000,
        event_time=START + at,
        bids=[(1.0, 1.0)],
        asks=[],
        first_sequence=number,
        sequence=number,
    )
    return event, Identity("book", number, number)


def take(merge: Merge) -> list[Any]:
    found, merge.out = merge.out, []
    return found


def lost_at(number: int, make: Any = trade) -> Merge:
    """A merge whose only connection was lost after this number, at the time of 100 s."""
    merge = Merge()
    merge.join(1)
    merge.offer(1, *make(number - 1, 99 * S))
    merge.offer(1, *make(number, 100 * S))
    merge.leave(1, lost=True)
    take(merge)
    return merge


@pytest.mark.parametrize("make", [trade, untimed], ids=["timed", "untimed"])
def test_a_counter_that_begins_anew_is_heard_after_a_gap(make: Any) -> None:
    merge = lost_at(1_000_000, make)
    merge.join(2)
    for number in range(1, 6):
        merge.offer(2, *make(number, (110 + number) * S))
    gap, *events = take(merge)
    assert isinstance(gap, Gap)
    assert (gap.last_sequence, gap.first_sequence) == (1_000_000, 1)
    assert gap.cause is GapCause.DISCONNECT
    assert [event.ts_recv_ns // (1000 * S) for event in events] == [111, 112, 113, 114, 115]
    assert (merge.gaps, merge.duplicates) == (1, 0)


def test_a_history_is_left_out_however_late_it_comes() -> None:
    merge = lost_at(1000)
    merge.join(2)
    for number in range(950, 1001):
        event, identity = trade(number, (100 * S) - (1000 - number))
        event.event_time, event.ts_recv_ns = START + 500 * S, 500_000 * S
        merge.offer(2, event, identity)
    merge.offer(2, *trade(1001, 501 * S))
    assert [event.trade_id for event in take(merge)] == [1001]
    assert (merge.duplicates, merge.gaps) == (51, 0)


def test_servers_that_are_not_quite_in_step_repeat() -> None:
    """Some venues' events carry the time of sending: a repetition may be a little younger."""
    merge = lost_at(1000)
    merge.join(2)
    for number in range(900, 1001):
        merge.offer(2, *trade(number, 101 * S))
    assert take(merge) == []
    assert merge.duplicates == 101


def test_a_book_begins_anew_with_its_first_snapshot() -> None:
    merge = lost_at(70_000, delta)
    merge.join(2)
    merge.offer(2, *snapshot(1, 100 * S + 1))
    merge.offer(2, *delta(2, 100 * S + 2))
    merge.offer(2, *delta(3, 100 * S + 3))
    gap, *events = take(merge)
    assert isinstance(gap, Gap)
    assert [event.sequence for event in events] == [1, 2, 3]


def test_a_snapshot_of_before_is_a_repetition() -> None:
    """A standby's, which the connection that was lost had gone beyond."""
    merge = Merge()
    merge.join(1)
    merge.offer(1, *delta(10, 90 * S))
    merge.join(2)
    merge.offer(2, *snapshot(10, 90 * S))
    for number in (11, 12, 13):
        merge.offer(1, *delta(number, (80 + number) * S))
    merge.offer(2, *delta(11, 91 * S))
    take(merge)
    merge.leave(1, lost=True)
    for number in (12, 13, 14):
        merge.offer(2, *delta(number, (80 + number) * S))
    assert [event.sequence for event in take(merge)] == [14]
    assert merge.gaps == 0


def test_a_new_count_is_heard_once_the_old_connection_is_gone() -> None:
    """A planned change across a restart: the new connection is level at once, by its numbers."""
    merge = Merge()
    merge.join(1)
    merge.offer(1, *trade(1000, 100 * S))
    merge.join(2)
    merge.offer(2, *trade(1, 110 * S))
    assert merge.is_level(2)
    merge.promote(2)
    take(merge)
    merge.leave(1, lost=False)
    for number in (2, 3, 4):
        merge.offer(2, *trade(number, (110 + number) * S))
    gap, *events = take(merge)
    assert isinstance(gap, Gap)
    assert [event.trade_id for event in events] == [2, 3, 4]


def test_two_connections_hear_a_new_count_once() -> None:
    merge = lost_at(1000)
    merge.join(2)
    merge.join(3)
    merge.offer(2, *trade(1, 110 * S))
    merge.offer(3, *trade(1, 110 * S))
    assert merge.is_level(3)
    merge.promote(3)
    for number in range(2, 50):
        for source in (2, 3) if number % 2 else (3, 2):
            merge.offer(source, *trade(number, (110 + number) * S))
    gap, *events = take(merge)
    assert isinstance(gap, Gap)
    assert [event.trade_id for event in events] == list(range(1, 50))


def test_what_is_no_event_is_taken_for_a_repetition() -> None:
    """Nothing is known of its time: a history that is sent anew would else come twice."""
    merge = Merge()
    merge.join(1)
    merge.offer(1, {"id": 7}, Identity("raw", 7))
    merge.leave(1, lost=True)
    merge.join(2)
    merge.offer(2, {"id": 6}, Identity("raw", 6))
    merge.offer(2, {"id": 8}, Identity("raw", 8))
    assert [item for item in take(merge) if isinstance(item, dict)] == [{"id": 7}, {"id": 8}]
