"""What a socket has received and its reader has not taken yet: at most so many messages.

A burst is no overflow. Once the queue is full, what comes next waits in the transport, which stops
reading at its own bound; only if the oldest message has then waited for :data:`GRACE_SECONDS` is
the reader too slow.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any

from tickwire.binance.errors import BinanceWebsocketQueueOverflow, ReadLoopClosed
from tickwire.clock import mono
from tickwire.errors import ConfigurationError

__all__ = ["GRACE_SECONDS", "Backlog"]

GRACE_SECONDS = 1.0
"""For which a message may wait in a queue that is full."""


class Backlog:
    """A bounded queue with one writer and any number of readers. Belongs to one event loop.

    Args:
        limit: Messages that it holds.
        grace: Seconds; see :data:`GRACE_SECONDS`.

    Raises:
        ConfigurationError: ``limit`` is not a positive number. Retry: no.
    """

    def __init__(self, limit: int, grace: float = GRACE_SECONDS) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ConfigurationError(f"max_queue_size is a number of messages, not {limit!r}")
        self._limit = limit
        self._grace = grace
        self._items: deque[tuple[Any, float]] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: Any) -> None:
        """Add an item, when there is room.

        Raises:
            BinanceWebsocketQueueOverflow: There was none in time.
        """
        came = mono()
        while len(self._items) >= self._limit:
            left = self._items[0][1] + self._grace - mono()
            if left <= 0:
                raise BinanceWebsocketQueueOverflow(
                    f"Message queue size {len(self._items)} exceeded maximum {self._limit}: take "
                    "messages faster, or raise max_queue_size"
                )
            self._room.clear()
            # The reader may come in time and the loop late: look before blaming it.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._room.wait()
        self._append(item, came)

    def add(self, item: Any) -> None:
        """Add an item in any case."""
        self._append(item, mono())

    def _append(self, item: Any, came: float) -> None:
        self._items.append((item, came))
        self._filled.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._filled.set()

    async def wait(self) -> None:
        """Until there is an item.

        Raises:
            ReadLoopClosed: There will be none.
        """
        while not self._items:
            if self._ended:
                raise ReadLoopClosed("the socket is closed; enter it again, or make a new one")
            self._filled.clear()
            await self._filled.wait()

    def take(self) -> Any:
        """The oldest item; there must be one."""
        item, _ = self._items.popleft()
        self._room.set()
        return item

    def take_all(self) -> list[Any]:
        """All items, oldest first."""
        items = [item for item, _ in self._items]
        self._items.clear()
        self._room.set()
        return items
