"""Where an account's events wait for the program: in order, bounded, and never thinned out."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .errors import BinanceWebsocketQueueOverflow, ReadLoopClosed

if TYPE_CHECKING:
    from tickwire.binance.errors import BinanceAPIException, BinanceWebsocketUnableToConnect
    from tickwire.manager import Disconnected
    from tickwire.market import Gap

__all__ = ["Arrival", "Inbox", "News"]


class Arrival(NamedTuple):
    """An event's bytes, without envelope, and when they were read: ns since the Unix epoch."""

    payload: bytes
    recv_ns: int


News: TypeAlias = "Disconnected | BinanceAPIException | BinanceWebsocketUnableToConnect"
"""What a reader may want to know of connections: one was lost; it could not be restored so far."""


class Inbox:
    """See the module's text. Belongs to one event loop.

    Args:
        limit: Items that may wait. An order that was left out would be a wrong picture of the
            account, so one more ends the stream, after what waits has been read.
        records: Whether news of connections wait among the events.

    Attributes:
        gaps: Holes noted so far.
        limit: As given.
    """

    def __init__(self, limit: int, *, records: bool = False) -> None:
        self.gaps = 0
        self.limit = limit
        self._records = records
        self._items: deque[Arrival | Gap | News] = deque()
        self._end: Exception | None = None
        self._waiters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, arrival: Arrival) -> None:
        """Append an event."""
        if self._end is not None:
            return
        if len(self._items) >= self.limit:
            self.overflow()
            return
        self._items.append(arrival)
        self._wake()

    def overflow(self) -> None:
        """End the stream because more came than may wait."""
        self.end(
            BinanceWebsocketQueueOverflow(
                f"{self.limit} account events wait and nobody reads them: read faster, or raise "
                "queue_size; ask the venue for open orders and balances before going on"
            )
        )

    def note(self, gap: Gap) -> None:
        """Note that events may be missing from here on."""
        if self._end is None:
            self.gaps += 1
            self._items.append(gap)
            self._wake()

    def tell(self, news: News) -> None:
        """Append news, for a reader that wants them."""
        if self._records and self._end is None:
            self._items.append(news)
            self._wake()

    def end(self, error: Exception | None = None) -> None:
        """No more comes; ``error`` says why, ``None`` that the program wanted it. First wins."""
        if self._end is None:
            self._end = error or ReadLoopClosed("the user data stream was closed by this program")
            self._wake()

    @property
    def has_ended(self) -> bool:
        """Whether no more comes."""
        return self._end is not None

    async def take(self) -> Arrival | Gap | News:
        """The next item; a cancelled wait takes none.

        Raises:
            ReadLoopClosed: The program closed the stream, and nothing is left.
            Exception: What else ended it.
        """
        while not self._items:
            if self._end is not None:
                raise self._end
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self._items.popleft()

    def take_ready(self) -> list[Arrival | Gap | News]:
        """Everything that waits."""
        items = list(self._items)
        self._items.clear()
        return items

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
