"""Two connections that carry the same events: each event once, in order. Pure.

While a subscription moves to a new connection it is on both for a moment, and the venue sends each
event on both, but what happened just before comes on the old one only, and perhaps later. So the
old connection is believed until it has said its last; what the new one brings meanwhile is kept,
and given afterwards as far as the old one had not brought it. A copy may be later still, on a new
connection that is slow: what the old one had brought alone is remembered for it.

Copies of an event are equal but for the subscription's number. Two events are never equal: they
have times and numbers of their own.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

__all__ = ["Overlap"]

T = TypeVar("T")


class Overlap(Generic[T]):
    """What came while the connections overlapped. Memory: one entry per event."""

    def __init__(self) -> None:
        self._delivered: Counter[bytes] = Counter()
        self._kept: list[tuple[bytes, T]] = []

    def old(self, event: bytes) -> None:
        """The old connection brought ``event``, and it was delivered."""
        self._delivered[event] += 1

    def new(self, event: bytes, item: T) -> None:
        """The new connection brought ``event``: keep ``item`` for it."""
        self._kept.append((event, item))

    def rest(self) -> list[T]:
        """After the old connection's last: what is still to be delivered, in order."""
        rest = []
        for event, item in self._kept:
            if self._delivered[event]:
                self._delivered[event] -= 1
            else:
                rest.append(item)
        self._kept.clear()
        self._delivered = +self._delivered
        return rest

    @property
    def is_settled(self) -> bool:
        """Whether no copy is still to come. After :meth:`rest`."""
        return not self._delivered

    def is_late_copy(self, event: bytes) -> bool:
        """Whether what the new connection brings after :meth:`rest` was delivered before."""
        if not self._delivered[event]:
            return False
        self._delivered[event] -= 1
        self._delivered = +self._delivered
        return True
