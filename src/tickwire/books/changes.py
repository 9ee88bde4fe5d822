"""What has happened to books since somebody last looked: coalesced, so that it is bounded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from tickwire.book import BookState  # noqa: TC001  (msgspec reads the annotation)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from tickwire.book import OrderBook

__all__ = ["BookChange", "Changes"]


class BookChange(msgspec.Struct, frozen=True, gc=False):
    """What has happened to one book since the change of it before this one.

    Attributes:
        symbol: Whose.
        state: Where the book stands now.
        reason: Why it is not live, in words; ``None`` while it is.
        updates: Updates that it has taken while live.
        losses: How often it was live and then was not, even if it is again.
    """

    symbol: str
    state: BookState
    reason: str | None
    updates: int
    losses: int


class Changes:
    """The books that have changed, in the order in which they began to, each at most once.

    An iterator of its own for whoever asks: a slow one is told less often, of more at a time, and
    holds at most one entry per book. Safe to cancel. It collects for as long as somebody has it.

    Args:
        end: Raises what ended the books, if something has; ``StopAsyncIteration`` included.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        # For each book that has changed: the updates that it had, and its losses.
        self._pending: OrderedDict[str, tuple[OrderBook, int, int]] = OrderedDict()
        self._waiters: list[asyncio.Future[None]] = []

    def note(self, book: OrderBook, updates: int, losses: int) -> None:
        """A book has changed."""
        pending = self._pending
        before = pending.get(book.symbol)
        if before is None:
            pending[book.symbol] = (book, updates, losses)
            self.wake()
        else:
            pending[book.symbol] = (book, before[1] + updates, before[2] + losses)

    def wake(self) -> None:
        """Let whoever waits look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BookChange:
        """The next book that has changed.

        Raises:
            WebSocketError: A connection is lost for good. What was pending has been given before.
            StopAsyncIteration: The books were closed.
        """
        while not self._pending:
            self._end()
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        symbol, (book, updates, losses) = self._pending.popitem(last=False)
        return BookChange(symbol, book.state, book.reason, updates, losses)
