"""Calls a program's callbacks, sync or async, with a bound on what waits for them.

A sync callback is called on the spot. An async one runs in a task of its own, so that it holds up
nobody else; what comes meanwhile waits for it in a bounded queue, in order.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["CallbackOverflow", "Sink"]


class CallbackOverflow(StrEnum):
    """What happens when a callback's queue is full."""

    DROP_OLDEST = "drop_oldest"
    """The oldest waiting call is left out, counted and reported: prices that matter are new."""
    BLOCK = "block"
    """Nothing is read until there is room, for no callback: every event matters."""


class Sink:
    """One callback and what waits for it. Belongs to one event loop.

    Args:
        callback: Called with what :meth:`give` is given.
        limit: Calls that may wait.
        failed: Told of an exception in the callback.
        overflowed: Told when calls begin to be left out; again only after the queue was empty.

    Attributes:
        callback: As given.
        dropped: Calls left out so far.
    """

    def __init__(
        self,
        callback: Callable[..., Any],
        *,
        limit: int,
        failed: Callable[[Exception], object],
        overflowed: Callable[[Sink], object],
    ) -> None:
        self.callback = callback
        self.dropped = 0
        self._limit = limit
        self._failed = failed
        self._overflowed = overflowed
        self._is_overflowing = False
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._room = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Calls that wait."""
        return len(self._waiting)

    @property
    def is_current(self) -> bool:
        """Whether the caller is the callback, or called by it."""
        return self._task is not None and self._task is asyncio.current_task()

    @property
    def is_full(self) -> bool:
        """Whether one more call would leave one out."""
        return len(self._waiting) >= self._limit

    def give(self, *arguments: Any) -> None:
        """Call, or have it wait; of a full queue the oldest call is left out."""
        if self._task is not None:
            if self.is_full:
                self._waiting.popleft()
                self.dropped += 1
                if not self._is_overflowing:
                    self._is_overflowing = True
                    self._overflowed(self)
            self._waiting.append(arguments)
            return
        pending = self._call(arguments)
        if pending is not None:
            self._task = asyncio.get_running_loop().create_task(self._run(pending))

    def _call(self, arguments: tuple[Any, ...]) -> Awaitable[Any] | None:
        try:
            answer = self.callback(*arguments)
        except Exception as error:
            self._failed(error)
            return None
        return answer if inspect.isawaitable(answer) else None

    async def _run(self, pending: Awaitable[Any] | None) -> None:
        """Finish one call, then make those that wait."""
        try:
            while True:
                if pending is not None:
                    try:
                        await pending
                    except Exception as error:
                        self._failed(error)
                if not self._waiting or self._task is not asyncio.current_task():
                    return
                arguments = self._waiting.popleft()
                self._room.set()
                pending = self._call(arguments)
        finally:
            if self._task is asyncio.current_task():
                self._task = None
                # Something is left only where the task was cancelled from outside.
                self.dropped += len(self._waiting)
                self._waiting.clear()
                self._room.set()
            self._is_overflowing = False

    async def room(self) -> None:
        """Wait until one more call can wait. Of several waiters one may be quicker: look again."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()

    async def done(self, seconds: float) -> bool:
        """Wait, so many seconds at most, until everything has been called; tells whether it was.
        Called from the callback itself it does not wait."""
        task = self._task
        if task is None or self.is_current:
            return True
        finished, _ = await asyncio.wait((task,), timeout=seconds)
        return bool(finished)

    async def close(self) -> None:
        """Leave out what waits and end the call that runs, unless it is the caller."""
        task, self._task = self._task, None
        self._waiting.clear()
        self._room.set()
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait((task,))
