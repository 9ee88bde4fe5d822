"""One instrument's order book: price levels, and what changed between two depth messages."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

__all__ = ["Book", "BookSide", "DepthChange", "DepthWindow", "Level"]

Level = tuple[int, int]
"""Price in ticks and quantity in lots. In a change, zero lots mean that the level is gone."""


class BookSide:
    """The levels of one side.

    The keys are kept sorted so that the best price is last: ascending prices for bids, ascending
    negated prices for asks. Nearly all activity is near the best, so nearly all shifting is short.
    """

    __slots__ = ("_dirty", "_keys", "_sign", "lots")

    def __init__(self, *, is_bid: bool, dirty: tuple[set[int], ...]) -> None:
        self._sign = 1 if is_bid else -1
        self._keys: list[int] = []
        self._dirty = dirty
        self.lots: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def best(self) -> int:
        """The best price in ticks. The side is never empty once the market is open."""
        return self._keys[-1] * self._sign

    def best_level(self) -> Level:
        price = self._keys[-1] * self._sign
        return price, self.lots[price]

    def price_at(self, depth: int) -> int:
        """The price of the level that is ``depth`` levels behind the best (0 is the best)."""
        return self._keys[-1 - depth] * self._sign

    def away(self, price: int, ticks: int) -> int:
        """The price ``ticks`` further from the other side than ``price``."""
        return price - ticks * self._sign

    def put(self, price: int, lots: int) -> None:
        """Set a level's quantity; zero removes it. Cost: O(log n), and a short shift."""
        key = price * self._sign
        if lots:
            if price not in self.lots:
                insort(self._keys, key)
            self.lots[price] = lots
        else:
            del self.lots[price]
            del self._keys[bisect_left(self._keys, key)]
        for changed in self._dirty:
            changed.add(price)

    def top(self, count: int) -> list[Level]:
        """The best ``count`` levels, best first."""
        sign, lots = self._sign, self.lots
        return [(key * sign, lots[key * sign]) for key in self._keys[: -count - 1 : -1]]

    def changes(self, prices: set[int]) -> list[Level]:
        """The present quantities at ``prices``, best price first; zero where there is no level."""
        lots = self.lots
        return [(price, lots.get(price, 0)) for price in sorted(prices, reverse=self._sign > 0)]


class DepthChange(NamedTuple):
    """What one diff-depth message says.

    ``first`` and ``last`` are the update ids it covers; ``previous`` is ``last`` of the message
    before it on the same stream, zero on the first one.
    """

    first: int
    last: int
    previous: int
    bids: list[Level]
    asks: list[Level]


class DepthWindow:
    """Collects the changes of a book between two messages of one depth stream."""

    __slots__ = ("asks", "bids", "first", "last", "previous")

    def __init__(self) -> None:
        self.first = 0
        self.last = 0
        self.previous = 0
        self.bids: set[int] = set()
        self.asks: set[int] = set()

    def note(self, update_id: int) -> None:
        """Count a book update in."""
        if not self.first:
            self.first = update_id
        self.last = update_id

    def restart(self) -> None:
        """Forget what was collected; the next message links to what was last covered."""
        self.first = 0
        self.previous = self.last
        self.bids.clear()
        self.asks.clear()


class Book:
    """Both sides, the last update id, and one window per depth cadence.

    Args:
        first_update_id: The id of the state that the book opens with.
        cadences: How many independent depth windows to keep.
    """

    __slots__ = ("asks", "bids", "last_update_id", "windows")

    def __init__(self, first_update_id: int, cadences: int) -> None:
        self.last_update_id = first_update_id
        self.windows = tuple(DepthWindow() for _ in range(cadences))
        self.bids = BookSide(is_bid=True, dirty=tuple(w.bids for w in self.windows))
        self.asks = BookSide(is_bid=False, dirty=tuple(w.asks for w in self.windows))

    def commit(self, update_id: int) -> None:
        """Give the changes since the last commit their update id."""
        self.last_update_id = update_id
        for window in self.windows:
            window.note(update_id)

    def open(self) -> None:
        """Make the present state the one that every window starts from."""
        for window in self.windows:
            window.last = self.last_update_id
            window.restart()

    def take(self, cadence: int) -> DepthChange | None:
        """The changes since the last call for this window, which starts anew; None without any."""
        window = self.windows[cadence]
        if not window.first:
            return None
        change = DepthChange(
            window.first,
            window.last,
            window.previous,
            self.bids.changes(window.bids),
            self.asks.changes(window.asks),
        )
        window.restart()
        return change
