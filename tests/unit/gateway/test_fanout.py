"""Queues of listeners: what is left out, what never is, and that nobody pays for another."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.gateway.fanout import Frame, Ids, Listener, Topic
from tickwire.gateway.latency import BOUNDS, Latency


def _topic(history: int = 8) -> Topic:
    return Topic(Ids("life"), ("ticker", "BTCUSDT", ""), history)


def _attach(topic: Topic, size: int) -> Listener:
    listener = Listener([topic], size)
    topic.listeners[listener] = None
    return listener


def test_an_event_is_encoded_once_for_all() -> None:
    topic = _topic()
    listeners = [_attach(topic, 4) for _ in range(3)]
    topic.publish(b'{"price":1}', "BTCUSDT", 0)
    frames = [listener.take() for listener in listeners]
    assert frames[0][0] is frames[1][0] is frames[2][0]
    assert frames[0][0].data == b'id: life-1\ndata: {"price":1}\n\n'


def test_a_full_queue_keeps_the_newest_of_each_key() -> None:
    topic = _topic()
    slow, quick = _attach(topic, 4), _attach(topic, 4)
    for number in range(20):
        topic.publish(b"%d" % number, "AB"[number % 2], 0)
        assert [frame.number for frame in quick.take()] == [number + 1]
    kept = slow.take()
    assert len(kept) <= 4
    assert {frame.key: frame.number for frame in kept} == {"A": 19, "B": 20}
    assert slow.take_dropped() == 20 - len(kept) == topic.drops
    assert slow.take_dropped() == 0
    assert quick.dropped == 0


def test_a_quiet_symbol_is_not_pushed_out_by_a_busy_one() -> None:
    topic = _topic()
    slow = _attach(topic, 4)
    topic.publish(b"quiet", "quiet", 0)
    for _ in range(50):
        topic.publish(b"busy", "busy", 0)
    kept = [(frame.key, frame.number) for frame in slow.take()]
    assert kept[0] == ("quiet", 1)
    assert kept[-1] == ("busy", 51)


def test_messages_that_stand_for_themselves_go_oldest_first() -> None:
    topic = _topic()
    slow = _attach(topic, 4)
    for _ in range(10):
        topic.publish(b"1", None, 0)
    assert [frame.number for frame in slow.take()] == [7, 8, 9, 10]
    assert slow.take_dropped() == 6


def _page() -> tuple[dict[str, Topic], Listener]:
    """The page's stream: prices of two symbols, a book, trades, and the news."""
    ids = Ids("life")
    keys = (("ticker", "ETHUSDT", ""), ("book", "BTCUSDT", "50"), ("trade", "BTCUSDT", ""))
    topics = {key[0]: Topic(ids, key, 8) for key in (*keys, ("events", "", ""))}
    listener = Listener(topics.values(), 16)
    for topic in topics.values():
        topic.listeners[listener] = None
    return topics, listener


def test_a_burst_of_trades_takes_no_price_no_book_and_no_status() -> None:
    topics, slow = _page()
    topics["ticker"].publish(b"old", ("ticker", "ETHUSDT"), 0)
    topics["ticker"].publish(b"newest", ("ticker", "ETHUSDT"), 0)
    topics["book"].set_stale("its book is lost")
    topics["book"].publish(b"not live", ("book", "BTCUSDT"), 0)
    topics["events"].publish(b"gap", None, 0)
    for _ in range(300):
        topics["trade"].publish(b"trade", None, 0)
    kept = slow.take()
    assert len(kept) == 16
    assert [frame.topic.label for frame in kept] == ["ticker", "book", "book", "events"] + (
        ["trade"] * 12
    )
    assert [frame.number for frame in kept] == [2, 0, 3, 4, *range(293, 305)]
    assert slow.take_dropped() == 289
    assert topics["trade"].drops == 288
    assert topics["ticker"].drops == 1


def test_pictures_that_were_replaced_go_before_trades() -> None:
    topics, slow = _page()
    for number in range(12):
        topics["book"].publish(b"%d" % number, ("book", "BTCUSDT"), 0)
    for _ in range(10):
        topics["trade"].publish(b"trade", None, 0)
    kept = slow.take()
    assert [frame.topic.label for frame in kept] == ["book", *["trade"] * 10]
    assert slow.take_dropped() == topics["book"].drops == 11
    # Whoever has caught up gets every message again.
    for number in range(3):
        topics["book"].publish(b"%d" % number, ("book", "BTCUSDT"), 0)
    assert len(slow.take()) == 3


def test_more_keys_than_places_all_keep_their_last() -> None:
    topic = _topic()
    slow = _attach(topic, 2)
    for _ in range(3):
        for key in "ABCD":
            topic.publish(key.encode(), key, 0)
        topic.publish(b"trade", None, 0)
    assert [frame.key for frame in slow.take()] == ["A", "B", "C", "D", None]
    assert slow.take_dropped() == 10


def test_a_new_listener_is_told_the_last_candles_each_as_it_stands() -> None:
    topic = Topic(Ids("life"), ("kline", "BTCUSDT", "1m"), 8)
    for minute in range(130):
        for part in range(2):
            topic.publish(b"%d.%d" % (minute, part), ("kline", minute), 0)
    frames = topic.standing()
    assert [frame.key for frame in frames] == [("kline", minute) for minute in range(10, 130)]
    assert {frame.number % 2 for frame in frames} == {0}
    trades = Topic(Ids("life"), ("trade", "BTCUSDT", ""), 8)
    trades.publish(b"1", None, 0)
    assert trades.standing() == []


def test_what_is_not_of_the_stream_is_not_counted_as_lost() -> None:
    topic = _topic()
    slow = _attach(topic, 2)
    for _ in range(5):
        topic.set_stale("lost")
    assert slow.dropped == topic.drops == 0
    assert len(slow) <= 2


@given(
    size=st.integers(1, 6),
    keys=st.lists(st.sampled_from(["A", "B", "C", None]), max_size=60),
)
def test_a_queue_is_bounded_in_order_and_accounts_for_everything(
    size: int, keys: list[str | None]
) -> None:
    topic = _topic()
    listener = _attach(topic, size)
    for key in keys:
        topic.publish(b"x", key, 0)
        # The last of each key stays, and beside them the newest of those without one.
        assert len(listener) <= max(size, len(set(keys)))
    frames = listener.take()
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(numbers)
    assert listener.dropped == len(keys) - len(frames)
    # The newest message of all is there, whatever else is not.
    assert not keys or numbers[-1] == len(keys)


async def test_waiting_ends_with_a_message_or_the_end() -> None:
    topic = _topic()
    listener = _attach(topic, 2)
    waiting = asyncio.ensure_future(listener.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    topic.publish(b"1", None, 0)
    await waiting
    listener.take()
    waiting = asyncio.ensure_future(listener.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    topic.publish(b"2", None, 0)  # whoever stopped waiting is not woken
    listener.take()
    waiting = asyncio.ensure_future(listener.wait())
    await asyncio.sleep(0)
    listener.close()
    await waiting
    assert listener.is_closed


def test_history_says_whether_it_is_whole() -> None:
    topic = _topic(history=3)
    for _ in range(5):
        topic.publish(b"x", None, 0)

    def since(number: int) -> tuple[list[int], bool]:
        frames, whole = topic.since(number)
        return [frame.number for frame in frames], whole

    assert since(5) == ([], True)
    assert since(3) == ([4, 5], True)
    assert since(2) == ([3, 4, 5], True)
    assert since(1) == ([3, 4, 5], False)


def test_a_topic_that_began_later_has_missed_what_was_before() -> None:
    ids = Ids("life")
    for _ in range(7):
        ids.next()
    late = Topic(ids, ("trade", "A", ""), 3)
    assert late.since(7) == ([], True)
    assert late.since(6) == ([], False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("life-2", 2),
        ("life-0", 0),
        ("life-4", None),
        ("other-2", None),
        ("life-", None),
        ("life-²", None),
        ("life--1", None),
        ("2", None),
        ("", None),
        ("life-" + "9" * 60, None),
    ],
)
def test_ids_are_of_one_life(text: str, number: int | None) -> None:
    ids = Ids("life")
    for _ in range(3):
        ids.next()
    assert ids.number(text) == number


def test_frames_of_an_announcement_have_no_id() -> None:
    topic = _topic()
    listener = _attach(topic, 2)
    topic.set_stale("lost")
    [frame] = listener.take()
    assert isinstance(frame, Frame)
    assert frame.data == (
        b'event: status\ndata: {"stream":"ticker","symbol":"BTCUSDT","live":false,'
        b'"reason":"lost"}\n\n'
    )
    assert topic.since(0) == ([], True)


def test_latencies_fall_into_their_buckets() -> None:
    latency = Latency()
    for ns in (-5, 100_000, 100_001, 20_000_000_000):
        latency.add(ns)
    buckets = dict(latency.buckets())
    assert len(buckets) == len(BOUNDS) + 1
    assert buckets["0.0001"] == 2
    assert buckets["0.00025"] == 3
    assert buckets["10.0"] == 3
    assert buckets["+Inf"] == latency.count == 4
    assert latency.total == pytest.approx(20.000200001)
    other = Latency()
    other.take_over(latency)
    other.take_over(latency)
    assert other.count == 8
