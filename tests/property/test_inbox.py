"""Both receive queues against a model so plain that it can be read, and against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.inboxes import COMPILED_INBOX, INBOXES
from tickwire.transport._inbox_py import Inbox as Twin
from tickwire.transport.overflow import OverflowCode

if TYPE_CHECKING:
    from collections.abc import Callable

OVERHEAD = 64


def first_byte(payload: bytes) -> bytes:
    return payload[:1]


@dataclass
class Slot:
    payload: bytes
    stamp: int
    lost: int


@dataclass
class Model:
    """Lists and nothing else; every rule in the words of ``overflow.py``."""

    limit: int
    limit_bytes: int
    policy: OverflowCode
    slots: list[Slot] = field(default_factory=list)
    dropped: int = 0
    pending: int = 0

    @property
    def used(self) -> int:
        return sum(len(slot.payload) + OVERHEAD for slot in self.slots)

    @property
    def full(self) -> bool:
        return len(self.slots) >= self.limit or self.used >= self.limit_bytes

    def push_out(self) -> None:
        gone = self.slots.pop(0)
        self.dropped += 1
        if self.slots:
            self.slots[0].lost += gone.lost + 1
        else:
            self.pending += gone.lost + 1

    def append(self, payload: bytes, stamp: int) -> None:
        self.slots.append(Slot(payload, stamp, self.pending))
        self.pending = 0

    def put(self, payload: bytes, stamp: int) -> bool:
        if not self.full or self.policy is OverflowCode.BLOCK:
            self.append(payload, stamp)
            return True
        if self.policy is OverflowCode.FAIL:
            return False
        if self.policy is OverflowCode.DROP_NEWEST:
            self.dropped += 1
            self.pending += 1
            return True
        if self.policy is OverflowCode.CONFLATE:
            for slot in reversed(self.slots):
                if first_byte(slot.payload) == first_byte(payload):
                    slot.payload, slot.stamp = payload, stamp
                    slot.lost += 1
                    self.dropped += 1
                    return True
        while self.slots and self.full:
            self.push_out()
        self.append(payload, stamp)
        return True

    def get(self) -> tuple[bytes, int, int]:
        slot = self.slots.pop(0)
        return slot.payload, slot.stamp, slot.lost


payloads = st.builds(
    lambda key, size: key + b"." * size,
    st.sampled_from([b"a", b"b", b"c", b"d", b"e"]),
    st.one_of(st.integers(0, 5), st.integers(0, 300)),
)
steps = st.lists(st.one_of(payloads, st.none()), max_size=120)
limits = st.integers(1, 9)
byte_limits = st.one_of(st.integers(1, 1200), st.just(1 << 30))
policies = st.sampled_from(list(OverflowCode))


def make(inbox_type: Callable[..., Any], limit: int, limit_bytes: int, policy: OverflowCode) -> Any:
    key = first_byte if policy is OverflowCode.CONFLATE else None
    return inbox_type(limit, limit_bytes, 0, int(policy), key)


def taken(inbox: Any) -> tuple[bytes, int, int]:
    payload = inbox.get()
    return payload, inbox.mono, inbox.lost


@pytest.mark.parametrize("inbox_type", INBOXES)
@given(steps=steps, limit=limits, limit_bytes=byte_limits, policy=policies)
@settings(max_examples=400)
def test_like_the_model_but_for_conflation_over_the_bytes(
    inbox_type: Any,
    steps: list[bytes | None],
    limit: int,
    limit_bytes: int,
    policy: OverflowCode,
) -> None:
    """Conflation is compared where only messages are counted; see the next test for bytes."""
    if policy is OverflowCode.CONFLATE:
        limit_bytes = 1 << 30
    inbox = make(inbox_type, limit, limit_bytes, policy)
    model = Model(limit, limit_bytes, policy)
    for stamp, step in enumerate(steps):
        if step is not None:
            assert inbox.put(step, 1, 0, stamp) == model.put(step, stamp)
        elif model.slots:
            assert taken(inbox) == model.get()
        assert (len(inbox), inbox.used, inbox.dropped) == (
            len(model.slots),
            model.used,
            model.dropped,
        )
    while model.slots:
        assert taken(inbox) == model.get()
    assert len(inbox) == 0


@pytest.mark.parametrize("inbox_type", INBOXES)
@given(steps=steps, limit=limits, limit_bytes=byte_limits, policy=policies)
@settings(max_examples=400)
def test_what_holds_whatever_the_policy(
    inbox_type: Any,
    steps: list[bytes | None],
    limit: int,
    limit_bytes: int,
    policy: OverflowCode,
) -> None:
    inbox = make(inbox_type, limit, limit_bytes, policy)
    accepted = delivered = told = largest = 0
    newest: dict[bytes, int] = {}
    last = -1

    def take() -> None:
        nonlocal delivered, told, last
        payload, stamp, lost = taken(inbox)
        delivered += 1
        told += lost
        assert lost >= 0
        key = first_byte(payload)
        if policy is not OverflowCode.CONFLATE:
            assert stamp > last, "the order has changed"
        assert stamp > newest.get(key, -1), "an older state of a key after a newer one"
        newest[key] = last = stamp

    for stamp, step in enumerate(steps):
        if step is None:
            if len(inbox):
                take()
        elif inbox.put(step, 1, 0, stamp):
            accepted += 1
            largest = max(largest, len(step) + OVERHEAD)
            if policy not in (OverflowCode.BLOCK, OverflowCode.FAIL):
                assert len(inbox) <= limit
                if policy is not OverflowCode.CONFLATE:
                    assert inbox.used < limit_bytes + largest
        assert inbox.used >= OVERHEAD * len(inbox)
    while len(inbox):
        take()
    # What is lost at the very end is told by the next message.
    assert inbox.used == 0
    if inbox.put(b"z", 1, 0, len(steps)):
        accepted += 1
        take()
    assert delivered + inbox.dropped == accepted
    assert told == inbox.dropped


@pytest.mark.skipif(COMPILED_INBOX is None, reason="the compiled inbox is not built")
@given(steps=steps, limit=limits, limit_bytes=byte_limits, policy=policies)
@settings(max_examples=400)
def test_compiled_and_twin_do_the_same(
    steps: list[bytes | None], limit: int, limit_bytes: int, policy: OverflowCode
) -> None:
    one, two = (make(kind, limit, limit_bytes, policy) for kind in (COMPILED_INBOX, Twin))
    for stamp, step in enumerate(steps):
        if step is not None:
            assert one.put(step, 2, stamp, stamp) == two.put(step, 2, stamp, stamp)
        elif len(one):
            assert taken(one) == taken(two)
        assert (one.count, one.used, one.dropped) == (two.count, two.used, two.dropped)
    while len(one):
        assert taken(one) == taken(two)
    assert len(two) == 0
