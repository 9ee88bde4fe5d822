"""One book: what arrives for it, and the snapshots that it asks for."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tickwire.book import BookState
from tickwire.books.snapshots import SnapshotError
from tickwire.errors import CodecError
from tickwire.manager.timing import pause
from tickwire.market import BookSnapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tickwire.book import OrderBook, SnapshotRequest
    from tickwire.books.snapshots import SnapshotClient
    from tickwire.errors import SubscriptionError
    from tickwire.exchanges import RestRequest
    from tickwire.manager import Timekeeper
    from tickwire.manager.backoff import Backoff
    from tickwire.market import BookDelta

__all__ = ["Keeper"]

_NS = 1_000_000_000
_SNAPSHOT_SECONDS = 5.0
"""How long a snapshot in the stream is waited for before it is asked for."""
_LIVE = BookState.LIVE
_log = logging.getLogger("tickwire.books")


class Keeper:
    """Feeds a book, and fetches for it.

    Args:
        book: It.
        snapshot: The venue's request for a snapshot, if it takes one.
        resubscribe: Asks for the book's stream anew, where that brings a snapshot.
        client: What fetches.
        backoff: Between one snapshot that was of no use and the next.
        clock: The time.
        tell: Told of every change: the book, updates taken, times lost.
        fail: Told of what ends the books: an error of ``tell``, or of ours.

    Attributes:
        refusal: The venue's refusal of its stream, if there was one.
        failures: Snapshots that could not be had, or not be read.
    """

    __slots__ = (
        "_backoff",
        "_client",
        "_clock",
        "_fail",
        "_live_since_ns",
        "_resubscribe",
        "_snapshot",
        "_task",
        "_tell",
        "_was_live",
        "book",
        "failures",
        "refusal",
    )

    def __init__(
        self,
        book: OrderBook,
        *,
        snapshot: Callable[[SnapshotRequest], RestRequest | None],
        resubscribe: Callable[[str], Awaitable[None]],
        client: SnapshotClient,
        backoff: Backoff,
        clock: Timekeeper,
        tell: Callable[[OrderBook, int, int], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self.book = book
        self.refusal: SubscriptionError | None = None
        self.failures = 0
        self._snapshot = snapshot
        self._resubscribe = resubscribe
        self._client = client
        self._backoff = backoff
        self._clock = clock
        self._tell = tell
        self._fail = fail
        self._was_live = False
        self._live_since_ns = 0
        self._task: asyncio.Task[None] | None = None

    def receive(self, payload: bytes | BookDelta | BookSnapshot) -> None:
        """Take one update, or a snapshot that came in the stream."""
        book = self.book
        if isinstance(payload, BookSnapshot):
            was_live = book.is_live
            if book.begin(payload) is _LIVE and was_live:
                self._tell(book, 1, 0)
            else:
                self._look()
        elif book.receive(payload) is _LIVE:
            self._tell(book, 1, 0)
        else:
            self._look()

    def doubt(self, reason: str) -> None:
        """What was is in doubt."""
        self.book.invalidate(reason)
        self._look()

    async def stop(self) -> None:
        """Fetch no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    def _look(self) -> None:
        """Tell of a change, and see to a request."""
        book = self.book
        is_live = book.is_live
        if is_live is not self._was_live:
            self._was_live = is_live
            now_ns = self._clock.mono_ns()
            if is_live:
                self._live_since_ns = now_ns
            else:
                self._backoff.held((now_ns - self._live_since_ns) / _NS)
            self._tell(book, 0, 0 if is_live else 1)
        if self._task is None and not is_live and (request := book.take_request()) is not None:
            self._task = asyncio.get_running_loop().create_task(self._fetch(request))
            self._task.add_done_callback(self._ended)

    async def _fetch(self, request: SnapshotRequest | None) -> None:
        """Fetch until the book wants nothing more."""
        book = self.book
        while request is not None:
            rest = self._snapshot(request)
            is_first = self._backoff.attempts == 0
            delay = self._backoff.next_delay()
            if rest is None:
                # It comes by itself after a new connection, and where the codec has asked for it.
                await pause(self._clock, max(delay, _SNAPSHOT_SECONDS))
                if not book.is_live:
                    await self._resubscribe(book.symbol)
                    book.snapshot_failed()
                request = book.take_request()
                continue
            if not is_first:
                await pause(self._clock, delay)
            try:
                book.receive_snapshot(await self._client.fetch(rest))
            except SnapshotError as error:
                self._failed(error)
                book.snapshot_failed()
            except CodecError as error:
                self._failed(error)
            self._look()
            request = book.take_request()
        self._task = None

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        _log.warning("%s: %s", self.book.symbol, error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
