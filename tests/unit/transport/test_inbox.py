"""The receive queue: order, bounds, and what each overflow policy drops and tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.inboxes import INBOXES
from tickwire.transport.overflow import OverflowCode

OVERHEAD = 64
"""Bytes of bookkeeping that a message costs besides its payload."""

pytestmark = pytest.mark.parametrize("inbox_type", INBOXES)


def filled(
    inbox_type: Any, policy: OverflowCode, count: int, *, limit: int, key: Any = None
) -> Any:
    inbox = inbox_type(limit, 1 << 30, 0, int(policy), key)
    for number in range(count):
        assert inbox.put(b"%d" % number, 1, number + 100, number + 200)
    return inbox


def drained(inbox: Any) -> list[tuple[bytes, int]]:
    """(payload, lost before it) of everything queued."""
    found = []
    while len(inbox):
        payload = inbox.get()
        found.append((payload, inbox.lost))
    return found


def test_a_message_keeps_its_opcode_and_stamps(inbox_type: Any) -> None:
    inbox = inbox_type(4, 1 << 20, 0, 0, None)
    wall, mono = 2**62 + 1, 2**61 + 3
    inbox.put(b"one", 1, wall, mono)
    inbox.put(b"", 2, wall + 1, mono + 1)
    assert inbox.get() == b"one"
    assert (inbox.opcode, inbox.wall, inbox.mono, inbox.lost) == (1, wall, mono, 0)
    assert inbox.get() == b""
    assert (inbox.opcode, inbox.wall, inbox.mono, inbox.lost) == (2, wall + 1, mono + 1, 0)


def test_an_empty_inbox_has_nothing_to_give(inbox_type: Any) -> None:
    inbox = inbox_type(4, 1 << 20, 0, 0, None)
    with pytest.raises(IndexError):
        inbox.get()
    inbox.put(b"x")
    inbox.get()
    with pytest.raises(IndexError):
        inbox.get()
    assert (len(inbox), inbox.count, inbox.used) == (0, 0, 0)


def test_block_takes_all_and_loses_nothing(inbox_type: Any) -> None:
    inbox = filled(inbox_type, OverflowCode.BLOCK, 5000, limit=3)
    assert drained(inbox) == [(b"%d" % number, 0) for number in range(5000)]
    assert inbox.dropped == 0


def test_the_order_survives_growth_and_wrap_around(inbox_type: Any) -> None:
    inbox = inbox_type(1 << 20, 1 << 30, 0, 0, None)
    put = got = 0
    for burst in (20, 7, 33, 64, 1, 129, 500, 3000):
        for _ in range(burst):
            inbox.put(b"%d" % put)
            put += 1
        for _ in range(burst // 2 + 1):
            if got < put:
                assert inbox.get() == b"%d" % got
                got += 1
    while len(inbox):
        assert inbox.get() == b"%d" % got
        got += 1
    assert got == put


def test_used_counts_payload_and_bookkeeping(inbox_type: Any) -> None:
    inbox = inbox_type(10, 1 << 20, 0, 0, None)
    inbox.put(b"x" * 100)
    inbox.put(b"")
    assert inbox.used == 100 + 2 * OVERHEAD
    inbox.get()
    assert inbox.used == OVERHEAD


def test_fail_refuses_what_finds_no_room(inbox_type: Any) -> None:
    inbox = filled(inbox_type, OverflowCode.FAIL, 3, limit=3)
    assert not inbox.put(b"too many")
    assert drained(inbox) == [(b"0", 0), (b"1", 0), (b"2", 0)]
    assert inbox.put(b"again")


def test_fail_minds_the_bytes(inbox_type: Any) -> None:
    inbox = inbox_type(1000, 1000, 0, int(OverflowCode.FAIL), None)
    assert inbox.put(b"x" * 936)
    assert not inbox.put(b"")


def test_drop_oldest_tells_the_hole_on_what_follows_it(inbox_type: Any) -> None:
    inbox = filled(inbox_type, OverflowCode.DROP_OLDEST, 10, limit=3)
    assert inbox.dropped == 7
    assert drained(inbox) == [(b"7", 7), (b"8", 0), (b"9", 0)]
    inbox.put(b"later")
    assert drained(inbox) == [(b"later", 0)]


def test_drop_oldest_of_one_place(inbox_type: Any) -> None:
    inbox = filled(inbox_type, OverflowCode.DROP_OLDEST, 6, limit=1)
    assert drained(inbox) == [(b"5", 5)]


def test_drop_oldest_makes_room_for_bytes(inbox_type: Any) -> None:
    inbox = inbox_type(1000, 10 * (OVERHEAD + 1), 0, int(OverflowCode.DROP_OLDEST), None)
    for number in range(10):
        inbox.put(b"%d" % number)
    inbox.put(b"x" * 2000)
    inbox.put(b"y")
    # The large message alone is over the bound: it goes for the next one.
    assert drained(inbox) == [(b"y", 11)]
    assert inbox.dropped == 11


def test_drop_newest_tells_the_hole_on_the_next_that_is_kept(inbox_type: Any) -> None:
    inbox = filled(inbox_type, OverflowCode.DROP_NEWEST, 10, limit=3)
    assert inbox.dropped == 7
    assert inbox.get() == b"0"
    inbox.put(b"after")
    assert drained(inbox) == [(b"1", 0), (b"2", 0), (b"after", 7)]


def first_byte(payload: bytes) -> bytes:
    return payload[:1]


def conflating(inbox_type: Any, *, limit: int = 3, limit_bytes: int = 1 << 20) -> Any:
    return inbox_type(limit, limit_bytes, 0, int(OverflowCode.CONFLATE), first_byte)


def test_conflate_leaves_an_unfilled_queue_alone(inbox_type: Any) -> None:
    inbox = conflating(inbox_type)
    for payload in (b"a1", b"a2", b"a3"):
        inbox.put(payload)
    assert drained(inbox) == [(b"a1", 0), (b"a2", 0), (b"a3", 0)]


def test_conflate_replaces_in_place(inbox_type: Any) -> None:
    inbox = conflating(inbox_type)
    for payload in (b"a1", b"b1", b"c1", b"b2", b"b3", b"a2"):
        inbox.put(payload, 1, int(payload[1:]), 0)
    assert inbox.dropped == 3
    assert inbox.get() == b"a2"
    assert (inbox.lost, inbox.wall) == (1, 2)
    assert drained(inbox) == [(b"b3", 2), (b"c1", 0)]


def test_conflate_pushes_out_the_oldest_for_a_new_key(inbox_type: Any) -> None:
    inbox = conflating(inbox_type)
    for payload in (b"a1", b"b1", b"c1", b"d1", b"e1", b"d2"):
        inbox.put(payload)
    assert drained(inbox) == [(b"c1", 2), (b"d2", 1), (b"e1", 0)]
    assert inbox.dropped == 3


def test_conflate_knows_what_has_left_the_queue(inbox_type: Any) -> None:
    inbox = conflating(inbox_type)
    for payload in (b"a1", b"b1", b"c1", b"a2"):
        inbox.put(payload)
    assert inbox.get() == b"a2"
    for payload in (b"d1", b"a3"):
        inbox.put(payload)
    assert drained(inbox) == [(b"c1", 1), (b"d1", 0), (b"a3", 0)]


def test_conflate_finds_a_key_queued_after_a_smaller_replacement(inbox_type: Any) -> None:
    """Full by bytes, then not, then full again: the keys queued in between must be known."""
    inbox = conflating(inbox_type, limit=100, limit_bytes=2 * OVERHEAD + 100)
    inbox.put(b"a" + b"." * 97)
    inbox.put(b"b1")
    inbox.put(b"a2")  # full: replaced by a smaller one, which makes room
    inbox.put(b"c" + b"1" * 50)
    inbox.put(b"c2")  # full again, and c is queued
    assert [payload for payload, _ in drained(inbox)] == [b"a2", b"b1", b"c2"]


def test_conflate_keeps_to_the_bytes(inbox_type: Any) -> None:
    """A few large messages must not stay in the place of as many small ones."""
    inbox = conflating(inbox_type, limit=1000, limit_bytes=10_000)
    for number in range(33, 127):
        inbox.put(bytes((number,)))
    for number in range(127, 256):
        inbox.put(bytes((number,)) + b"." * 5_000)
    assert inbox.used <= 10_000 + 5_000 + OVERHEAD
    found = drained(inbox)
    assert len(found) + sum(lost for _, lost in found) == 94 + 129
    assert inbox.dropped == sum(lost for _, lost in found)


def test_conflate_keeps_to_the_bytes_when_it_replaces(inbox_type: Any) -> None:
    inbox = conflating(inbox_type, limit=10, limit_bytes=10_000)
    for number in range(10):
        inbox.put(b"%d" % number)
    for number in range(50):
        inbox.put(b"%d" % (number % 10) + b"." * 3_000)
        assert inbox.used <= 10_000 + 3_000 + OVERHEAD
    found = drained(inbox)
    assert found[-1][0].startswith(b"9.")
    assert len(found) + sum(lost for _, lost in found) == 60
    assert inbox.dropped == sum(lost for _, lost in found)


@pytest.mark.parametrize("wrong", [ZeroDivisionError, KeyError])
def test_an_error_of_the_key_function_comes_out(inbox_type: Any, wrong: type[Exception]) -> None:
    def key(payload: bytes) -> bytes:
        raise wrong

    inbox = inbox_type(2, 1 << 20, 0, int(OverflowCode.CONFLATE), key)
    inbox.put(b"a")
    inbox.put(b"b")
    with pytest.raises(wrong):
        inbox.put(b"c")
    assert inbox.get() == b"a"


def test_an_unhashable_key_is_an_error(inbox_type: Any) -> None:
    inbox = inbox_type(1, 1 << 20, 0, int(OverflowCode.CONFLATE), lambda payload: [payload])
    inbox.put(b"a")
    with pytest.raises(TypeError):
        inbox.put(b"b")


def test_payloads_are_let_go_of(inbox_type: Any) -> None:
    """No reference is kept to a message that was taken, dropped, replaced, or left behind."""
    import sys

    for policy in OverflowCode:
        payloads = [b"%d" % (10_000 + number) for number in range(50)]
        before = [sys.getrefcount(payload) for payload in payloads]
        inbox = inbox_type(7, 1 << 20, 0, int(policy), first_byte)
        for payload in payloads:
            inbox.put(payload)
        for _ in range(3):
            inbox.get()
        del inbox
        # `payload` still names the last one; the key cache of nothing else may.
        del payload
        assert [sys.getrefcount(payload) for payload in payloads] == before, policy
