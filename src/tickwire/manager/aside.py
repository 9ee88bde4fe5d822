"""What cannot be told apart, of connections that do not speak for it, until it is not missed. Pure.

Of a redundant set, the connection that has been live for longest delivers the events that have no
identity. The same event on another connection is nothing new, unless that first one goes before it
has brought it. A connection's own order tells when it has: the event stands before the next one of
the same connection that has an identity. When the first connection has offered that one, or a later
one of its stream, it is past the event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from tickwire.market import Identity

    Pairs = Iterable[tuple[Any, Identity | None]]

__all__ = ["Aside"]

_MOST = 1_000


class _Kept:
    __slots__ = ("before", "item", "number")

    def __init__(self, number: int, item: Any) -> None:
        self.number = number
        self.item = item
        self.before: Identity | None = None


class Aside:
    """See the module's text. True while there is anything to follow."""

    __slots__ = ("_is_whole", "_kept")

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._is_whole = True

    def __bool__(self) -> bool:
        return bool(self._kept) or not self._is_whole

    def put(self, number: int, item: Any) -> None:
        """Keep an event of connection ``number``; too many at once are let go of."""
        if len(self._kept) >= _MOST:
            self._kept.clear()
            self._is_whole = False
        self._kept.append(_Kept(number, item))

    def mark(self, number: int, pairs: Pairs) -> None:
        """Take in what followed on that connection."""
        last = None
        for _, identity in pairs:
            last = identity or last
        if last is not None:
            for kept in self._kept:
                if kept.number == number and kept.before is None:
                    kept.before = last

    def overtaken(self, pairs: Pairs) -> None:
        """Let go of what the connection that speaks is past."""
        reached = {i.stream: i.sequence for _, i in pairs if i is not None}
        if reached:
            self._kept = [kept for kept in self._kept if not _is_past(reached, kept.before)]

    def take(self, number: int | None, *, among: Container[int]) -> tuple[list[Any], bool]:
        """What is to come out when another connection speaks, and whether that is all.

        Args:
            number: The one that speaks from now on; ``None``: there is none.
            among: The connections that there are: what the others had kept has nobody else.
        """
        kept, self._kept = self._kept, []
        items: list[Any] = []
        for one in kept:
            if one.number == number or one.number not in among:
                items.append(one.item)
            else:
                self._kept.append(one)
        is_whole, self._is_whole = self._is_whole, True
        return items, is_whole


def _is_past(reached: dict[Any, Any], before: Identity | None) -> bool:
    if before is None:
        return False
    sequence = reached.get(before.stream)
    return sequence is not None and bool(sequence >= before.sequence)
