"""Gap rules: do a stream's own numbers join up?

Venues number book updates in different ways, and a rule is one row of a table: a function
that says whether an update fails to join the one before it. Everything else is the same for all
venues, and stands once in :class:`SequenceChain`:

- the first update of a connection joins by definition;
- an update that ends at or before the last one seen brings nothing new: stale, no error, since a
  book ignores what it already contains (under ``LINKED``, where numbers may go back, only one that
  ends at the last one);
- after a break the chain goes on from the update that revealed it, so that one hole is reported
  once.

A book begins otherwise: with a snapshot, which was taken at some number between two updates. The
first update after it need not follow it, only reach back to it. That is the second column of the
table.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Link", "SequenceChain", "SequenceRule"]


class SequenceRule(Enum):
    """How a venue links consecutive updates."""

    PLUS_ONE = auto()
    """The first id follows the last one seen: ``first == last + 1``. An overlap is no hole. Binance
    spot ("Diff. Depth Stream": ``U`` against the previous ``u``)."""

    PREVIOUS = auto()
    """The update names its predecessor: ``prev == last``. Binance USD-M futures (``pu``), where ids
    are shared between symbols and the first id says nothing."""

    LINKED = auto()
    """As ``PREVIOUS``, and the link alone decides: ids may go back (a reset of the venue's counter)
    or stay (a keep-alive without changes) as long as ``prev == last``. OKX (``prevSeqId`` against
    the previous ``seqId``)."""

    UNNUMBERED = auto()
    """Updates have no numbers: nothing is ever missing as far as they say, and a connection's order
    is all there is. Coinbase Exchange ``level2``, Kraken v2 ``book`` (which has a checksum)."""


class Link(Enum):
    """How an update joins the one before it."""

    JOINED = auto()
    STALE = auto()
    BROKEN = auto()


# An attribute of an enum costs as much as the rest of `advance` together.
_JOINED, _STALE, _BROKEN = Link
_UNNUMBERED = SequenceRule.UNNUMBERED
_LINKED = SequenceRule.LINKED


def _skips(last: int, first: int, prev: int | None) -> bool:
    return first > last + 1


def _names_another(last: int, first: int, prev: int | None) -> bool:
    return prev != last


def _says_nothing(last: int, first: int, prev: int | None) -> bool:
    return False


def _begins_later(snapshot: int, first: int, prev: int | None) -> bool:
    # What lies between the update before this one and the snapshot is in the snapshot. The venue
    # states it as `first <= snapshot`, which says the same of every snapshot that was taken at an
    # update, save the one at the end of the update before.
    return prev is None or prev > snapshot


_IS_BROKEN: dict[SequenceRule, Callable[[int, int, int | None], bool]] = {
    SequenceRule.PLUS_ONE: _skips,
    SequenceRule.PREVIOUS: _names_another,
    SequenceRule.LINKED: _names_another,
    SequenceRule.UNNUMBERED: _says_nothing,
}
_MISSES_SNAPSHOT: dict[SequenceRule, Callable[[int, int, int | None], bool]] = {
    SequenceRule.PLUS_ONE: _skips,
    SequenceRule.PREVIOUS: _begins_later,
    SequenceRule.LINKED: _begins_later,
    SequenceRule.UNNUMBERED: _says_nothing,
}
# What the update that plainly follows has: which of its numbers is how far behind the last one.
_SUCCESSORS: dict[SequenceRule, tuple[str, int]] = {
    SequenceRule.PLUS_ONE: ("first_sequence", 1),
    SequenceRule.PREVIOUS: ("prev_sequence", 0),
    SequenceRule.LINKED: ("prev_sequence", 0),
    SequenceRule.UNNUMBERED: ("first_sequence", 0),
}


class SequenceChain:
    """The state of one stream's numbers.

    Attributes:
        last: The last id seen, or ``None`` before the first update.
        link_field: The field of a :class:`~tickwire.market.BookDelta` that links it to ``last``.
        link_step: By how much. An update with ``link_field == last + link_step`` that ends later
            joins; who sees that may set ``last`` and save the call of :meth:`advance`, which
            decides all other cases. (Not after :meth:`begin_at`, which is part of them.)
    """

    __slots__ = ("_follows_snapshot", "_is_broken", "_rule", "last", "link_field", "link_step")

    def __init__(self, rule: SequenceRule) -> None:
        self._rule = rule
        self._is_broken = _IS_BROKEN[rule]
        self._follows_snapshot = False
        self.link_field, self.link_step = _SUCCESSORS[rule]
        self.last: int | None = None

    def advance(self, first: int, final: int, prev: int | None = None) -> Link:
        """Take one update into the chain.

        Args:
            first: First id that the update covers.
            final: Last id that it covers.
            prev: Last id of the update before it, where the venue says so.
        """
        last = self.last
        if last is None or self._rule is _UNNUMBERED:
            self.last = final
            return _JOINED
        if self._rule is _LINKED and not self._follows_snapshot:
            self.last = final
            if prev == last:
                return _JOINED
            # Where numbers go back, only the last one is known to be old.
            return _STALE if final == last else _BROKEN
        if final <= last:
            return _STALE
        self.last = final
        is_broken = self._is_broken
        if self._follows_snapshot:
            self._follows_snapshot = False
            is_broken = _MISSES_SNAPSHOT[self._rule]
        return _BROKEN if is_broken(last, first, prev) else _JOINED

    def begin_at(self, snapshot: int) -> None:
        """Begin with a snapshot taken at this number: the next update must reach back to it."""
        self.last = snapshot
        self._follows_snapshot = True

    def reset(self) -> None:
        """Forget the past: a new connection, or a new subscription, begins anywhere."""
        self.last = None
        self._follows_snapshot = False
