"""A book as a venue shows it: the best levels, and what changed among them. Pure.

A venue that shows ``depth`` levels tells of a level that comes into view and of one whose size
changes. Whether it also tells of a level that is pushed out of view by better ones is the venue's
own: most do, Kraken leaves it to the client to forget it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tickwire.simulator.book import Book, BookSide, Level

__all__ = ["BookView", "ViewChange"]


class ViewChange(NamedTuple):
    """What a message about a view says.

    Attributes:
        previous, last: Update ids of the state before and after.
        bids, asks: Best first; zero lots where a level is gone.
        new_bids, new_asks: Prices that were not in view before.
    """

    previous: int
    last: int
    bids: list[Level]
    asks: list[Level]
    new_bids: frozenset[int]
    new_asks: frozenset[int]


class BookView:
    """The best ``depth`` levels of a book, as last told. All who see a book so share one.

    Args:
        book: It.
        depth: Levels per side.
        tells_departures: Whether a level that is pushed out of view is told as gone.

    Attributes:
        last: Update id of the state that was last told.
        number: How many changes have been told.
    """

    __slots__ = ("_book", "_depth", "_shown", "_tells_departures", "last", "number")

    def __init__(self, book: Book, depth: int, *, tells_departures: bool = True) -> None:
        self._book = book
        self._depth = depth
        self._tells_departures = tells_departures
        self._shown: tuple[dict[int, int], dict[int, int]] = self._present()
        self.last = book.last_update_id
        self.number = 0

    def levels(self) -> tuple[list[Level], list[Level]]:
        """The view as last told, best first: what a snapshot says."""
        bids, asks = self._shown
        return list(bids.items()), list(asks.items())

    def advance(self) -> ViewChange | None:
        """What has changed since it was last told; ``None`` if nothing has."""
        book = self._book
        if book.last_update_id == self.last:
            return None
        shown, present = self._shown, self._present()
        bids = self._changes(shown[0], present[0], book.bids)
        asks = self._changes(shown[1], present[1], book.asks)
        if not bids and not asks:
            return None
        new_bids, new_asks = (
            frozenset(now.keys() - before.keys())
            for now, before in zip(present, shown, strict=True)
        )
        change = ViewChange(self.last, book.last_update_id, bids, asks, new_bids, new_asks)
        self._shown = present
        self.last = book.last_update_id
        self.number += 1
        return change

    def _present(self) -> tuple[dict[int, int], dict[int, int]]:
        book, depth = self._book, self._depth
        return dict(book.bids.top(depth)), dict(book.asks.top(depth))

    def _changes(
        self, shown: dict[int, int], present: dict[int, int], side: BookSide
    ) -> list[Level]:
        changes = [(price, lots) for price, lots in present.items() if shown.get(price) != lots]
        tells_all = self._tells_departures
        gone = [p for p in shown if p not in present and (tells_all or p not in side.lots)]
        return changes + [(price, 0) for price in gone]
