"""The receiving half of a connection in pure Python: the twin of ``_receiver.pyx``; see there.

Waiting is done with ordinary coroutines and futures.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from ..wire.fallback import MessageParser
from ..wire.opcodes import Opcode
from .ends import End
from .message import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ._inbox_py import Inbox

__all__ = ["Batch", "Receiver"]

_TEXT = int(Opcode.TEXT)


class Batch(list[bytes]):
    """The messages of one socket read, as a list of bytes.

    Attributes:
        recv_ns: When the read returned, in nanoseconds since the Unix epoch.
        mono_ns: The same instant on the monotonic clock, in nanoseconds.
        lost: Messages that an overflow policy dropped before or among these.
    """

    recv_ns = 0
    mono_ns = 0
    lost = 0


class _Iteration:
    """What ``async for`` runs over: messages or batches, until a clean close."""

    def __init__(self, receiver: Receiver, take: Callable[[], Any]) -> None:
        self._receiver = receiver
        self._take = take

    def __aiter__(self) -> _Iteration:
        return self

    async def __anext__(self) -> Any:
        receiver = self._receiver
        while not receiver.inbox or receiver.abandon_queue:
            if receiver.ended:
                if receiver.ended_cleanly:
                    raise StopAsyncIteration
                raise receiver._end_error()
            await receiver._arrival()
        return self._take()


class Receiver(MessageParser):
    """See ``_receiver.pyx``."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        inbox: Inbox,
        on_message: Callable[[bytes, int], object] | None,
        max_message_size: int,
    ) -> None:
        super().__init__(max_message_size=max_message_size)
        self.loop = loop
        self.inbox = inbox
        self.recv_ns = 0
        self.mono_ns = 0
        self.messages_received = 0
        self.discarded = 0
        self.ended = False
        self.ended_cleanly = False
        self.abandon_queue = False
        self.discarding = False
        self._on_message_callback = on_message
        self._stamp_wall = 0
        self._stamp_mono = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._paused = False

    # What is decided by those that build on this.

    def _on_end(self, kind: int, detail: Any) -> None:
        raise NotImplementedError

    def _on_callback_error(self, error: BaseException) -> None:
        raise NotImplementedError

    def _end_error(self) -> Exception:
        raise NotImplementedError

    def _recv_timeout(self, timeout: float) -> Exception:
        raise NotImplementedError

    def _not_text(self, payload: bytes) -> str:
        raise NotImplementedError

    def _unchecked(self, payload: bytes) -> str:
        raise NotImplementedError

    def _resume_reading(self) -> None:
        """The inbox of a paused reader has room again."""
        raise NotImplementedError

    def _on_message(self, payload: bytes, opcode: int) -> None:
        self.messages_received += 1
        if self._on_message_callback is not None:
            try:
                self._on_message_callback(payload, opcode)
            except (Exception, asyncio.CancelledError) as error:
                # No task is cancelled here: it is the result of a future that was.
                self._on_callback_error(error)
            return
        if self.discarding and self.inbox.at_limit():
            self.discarded += 1
            return
        if not self.inbox.put(payload, opcode, self._stamp_wall, self._stamp_mono):
            self._done = True
            self._on_end(End.OVERFLOW, None)

    def _pop_bytes(self) -> bytes:
        """The oldest message; its stamps become `recv_ns` and `mono_ns`. There is one."""
        inbox = self.inbox
        payload = inbox.get()
        self.recv_ns = inbox.wall
        self.mono_ns = inbox.mono
        if self._paused and inbox.has_room():
            self._resume_reading()
        return payload

    def _pop_text(self) -> str:
        payload = self._pop_bytes()
        if self.inbox.opcode != _TEXT:
            return self._not_text(payload)
        return self._unchecked(payload) if self.unchecked_text else payload.decode()

    def _pop_batch(self) -> Batch:
        inbox = self.inbox
        batch = Batch()
        stamp = inbox.next_mono()
        while inbox and inbox.next_mono() == stamp:
            batch.append(self._pop_bytes())
            batch.lost += inbox.lost
        batch.recv_ns = inbox.wall
        batch.mono_ns = stamp
        return batch

    @property
    def is_paused(self) -> bool:
        """Whether reading has stopped because the receive queue and the read-ahead are full."""
        return self._paused

    @property
    def recv_queue_length(self) -> int:
        """Messages that wait in the receive queue."""
        return len(self.inbox)

    @property
    def recv_queue_used(self) -> int:
        """Bytes that the receive queue holds, 64 bytes of bookkeeping per message included."""
        return self.inbox.used

    async def _arrival(self) -> None:
        """Wait until something may have changed. A cancelled wait passes its turn on."""
        waiter = self.loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.cancelled():
                self.wake()
            raise

    def wake(self) -> None:
        """Resume the tasks that wait for messages."""
        count = len(self._waiters) if self.ended else min(len(self._waiters), len(self.inbox))
        while count and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    async def _wait(self, timeout: float | None) -> None:
        """Return when the queue has a message for this caller; raise when none will come."""
        if self.inbox and not self.abandon_queue:
            return
        try:
            async with asyncio.timeout(timeout) as scope:
                while not self.inbox or self.abandon_queue:
                    if self.ended:
                        raise self._end_error()
                    await self._arrival()
        except TimeoutError:
            if not scope.expired():
                raise
            raise self._recv_timeout(timeout or 0) from None

    async def recv(self, *, timeout: float | None = None) -> tuple[bytes, int]:
        await self._wait(timeout)
        return self._pop_bytes(), self.inbox.opcode

    async def recv_bytes(self, *, timeout: float | None = None) -> bytes:
        await self._wait(timeout)
        return self._pop_bytes()

    async def recv_str(self, *, timeout: float | None = None) -> str:
        await self._wait(timeout)
        return self._pop_text()

    async def recv_message(self, *, timeout: float | None = None) -> Message:
        await self._wait(timeout)
        payload = self._pop_bytes()
        inbox = self.inbox
        return Message(payload, inbox.opcode, inbox.wall, inbox.mono, inbox.lost)

    async def recv_batch(self, *, timeout: float | None = None) -> Batch:
        await self._wait(timeout)
        return self._pop_batch()

    def batches(self) -> AsyncIterator[Batch]:
        return _Iteration(self, self._pop_batch)

    def iter_str(self) -> AsyncIterator[str]:
        return _Iteration(self, self._pop_text)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Iteration(self, self._pop_bytes)

    async def __anext__(self) -> bytes:
        result: bytes = await _Iteration(self, self._pop_bytes).__anext__()
        return result
