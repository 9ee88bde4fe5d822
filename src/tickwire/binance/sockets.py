"""The sockets that the managers make: entered, read, left."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from tickwire.binance.backlog import Backlog
from tickwire.binance.errors import BinanceWebsocketClosed, ReadLoopClosed
from tickwire.binance.messages import as_message, as_messages, error_message, gap_message
from tickwire.manager import Disconnected
from tickwire.market import Gap

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tickwire.binance.sources import Source

__all__ = ["KeepAliveWebsocket", "ReconnectingWebsocket"]

_log = logging.getLogger("tickwire.binance")


class ReconnectingWebsocket:
    """One socket of a manager. Made by its methods, such as ``bm.trade_socket("BNBBTC")``.

    ::

        async with bm.trade_socket("BNBBTC") as stream:
            message = await stream.recv()

    A lost connection is restored, at most five attempts in a row, and one that the venue is about
    to end is replaced before it does. A program may enter it several times: there is one
    connection, open until it has been left as often. Each message goes to one reader.

    Args:
        make_source: Makes what it reads from, for each life.
        name: See :attr:`name`.
        max_queue_size: Messages that may wait for the reader.
        typed: Whether it gives events, and raises errors instead of giving them as messages.
        on_close: Called when it has been closed.

    Attributes:
        name: Tells it from the others of its manager.
    """

    def __init__(
        self,
        make_source: Callable[[], Source],
        *,
        name: str,
        max_queue_size: int,
        typed: bool = False,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self.name = name
        self._make_source = make_source
        self._max_queue_size = max_queue_size
        self._typed = typed
        self._on_close = on_close
        self._backlog = Backlog(max_queue_size)
        self._source: Source | None = None
        self._reader: asyncio.Task[None] | None = None
        self._entered = 0
        self._failed = False
        self._lock = asyncio.Lock()

    @property
    def has_failed(self) -> bool:
        """Whether it gives what it has and then :class:`ReadLoopClosed`, until entered again."""
        return self._failed

    def __repr__(self) -> str:
        state = "open" if self._reader is not None else "closed"
        return f"<{type(self).__name__} {self.name} {state} queued={len(self._backlog)}>"

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        async with self._lock:
            self._entered = max(0, self._entered - 1)
            if not self._entered:
                await self._shut()

    async def connect(self) -> None:
        """Connect and subscribe; what ``async with`` does. Entering it again only counts.

        Raises:
            BinanceWebsocketUnableToConnect: No connection was had. Retry: after a pause.
        """
        async with self._lock:
            if self._reader is None or self._reader.done():
                await self._shut(told=False)
                source = self._make_source()
                await source.open()
                self._source, self._failed = source, False
                self._backlog = Backlog(self._max_queue_size)
                self._reader = asyncio.create_task(self._read(source, self._backlog))
                self._reader.add_done_callback(partial(self._over, source, self._backlog))
                _log.debug("%s: open", self.name)
            self._entered += 1

    async def close(self) -> None:
        """Close it, however often it was entered. Idempotent."""
        async with self._lock:
            self._entered = 0
            await self._shut()

    async def _shut(self, *, told: bool = True) -> None:
        reader, self._reader = self._reader, None
        source, self._source = self._source, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait((reader,))
        if source is not None:
            await source.close()
            _log.debug("%s: closed", self.name)
        if told and self._on_close is not None:
            self._on_close()

    async def _read(self, source: Source, backlog: Backlog) -> None:
        """Until the end of the socket's life; nothing is raised."""

        async def put(item: Any) -> None:
            for message in self._messages(item):
                await backlog.put(message)

        try:
            await source.run(put)
        except Exception as error:
            _log.error("%s: %s (%s)", self.name, type(error).__name__, error)
            self._failed = True  # before anybody is told
            for message in self._messages(error):
                backlog.add(message)
            await source.close()

    def _over(self, source: Source, backlog: Backlog, reader: asyncio.Task[None]) -> None:
        """The reader has ended, or was cancelled, possibly before it began."""
        if self._source is source:  # not by this socket's own close
            self._failed = True
        if reader.cancelled() and self._source is source:
            text = f"the task of {self.name} was cancelled"
            backlog.add(
                BinanceWebsocketClosed(text)
                if self._typed
                else error_message(asyncio.CancelledError.__name__, text)
            )
        backlog.end()

    def _messages(self, item: Any) -> list[Any]:
        """What the reader sees of an item."""
        if isinstance(item, Disconnected):
            message = None if self._typed else as_message(item)
            return [] if message is None else [message]
        if isinstance(item, Gap) and not self._typed:
            return [gap_message(item)]
        if isinstance(item, Exception) and not self._typed:
            return list(as_messages(item))
        return [item]

    async def recv(self) -> Any:
        """The next message; waits for it. A wait that is cancelled takes no message with it.

        A dictionary as the venue sends it, or ``{'e': 'error', 'type': …, 'm': …}``; with
        ``typed=True`` an event.

        Raises:
            ReadLoopClosed: The socket was not entered, was left, or has failed; what failed was
                told before. Retry: enter it again.
            BinanceWebsocketUnableToConnect, BinanceWebsocketQueueOverflow, SubscriptionError: With
                ``typed=True``, instead of the messages.
        """
        item = (await self._filled()).take()
        if isinstance(item, Exception):
            raise item
        return item

    async def recv_batch(self) -> list[Any]:
        """All messages that wait, at least one, exceptions among them as items.

        Raises:
            ReadLoopClosed: As :meth:`recv`.
        """
        return (await self._filled()).take_all()

    async def _filled(self) -> Backlog:
        backlog = self._backlog
        if self._reader is None and not len(backlog):
            raise ReadLoopClosed("the socket is not open: use `async with`")
        await backlog.wait()
        return backlog

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.recv()
        except ReadLoopClosed:
            raise StopAsyncIteration from None


class KeepAliveWebsocket(ReconnectingWebsocket):
    """A socket of an account's events. What it needs to stay alive is done for it."""
