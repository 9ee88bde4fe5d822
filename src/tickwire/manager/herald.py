"""Calls the program's callbacks, sync or async, in order, from a task of their own."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from .timing import Alarm

if TYPE_CHECKING:
    from collections.abc import Callable

    from .timing import Timekeeper

__all__ = ["Herald", "ask"]


_log = logging.getLogger("tickwire.manager")


class Herald:
    """See the module's text.

    Args:
        callbacks: By name; ``None`` where the program has none.
        failed: Told of an exception in one.
    """

    def __init__(
        self,
        callbacks: dict[str, Callable[..., Any] | None],
        failed: Callable[[Exception], object],
    ) -> None:
        self._callbacks = callbacks
        self._failed = failed
        self._queue: asyncio.Queue[tuple[Callable[..., Any], tuple[Any, ...]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def announce(self, name: str, *arguments: Any) -> None:
        """Have a callback called."""
        callback = self._callbacks[name]
        if callback is None:
            return
        self._queue.put_nowait((callback, arguments))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        queue = self._queue
        # One that stops the calls from within a call ends after it.
        while self._task is asyncio.current_task():
            callback, arguments = await queue.get()
            try:
                await ask(callback, *arguments)
            except Exception as error:
                self._failed(error)
            finally:
                queue.task_done()

    @property
    def is_current(self) -> bool:
        """Whether the caller is one of the callbacks."""
        return self._task is not None and self._task is asyncio.current_task()

    async def done(self) -> None:
        """Wait until all have been called; at once from within one of them."""
        if self._task is not None and not self.is_current:
            await self._queue.join()

    async def done_within(self, seconds: float, clock: Timekeeper) -> None:
        """As :meth:`done`, but a callback that does not return is not waited for any longer."""
        alarm = Alarm(clock)
        joined = asyncio.get_running_loop().create_task(self.done())
        joined.add_done_callback(lambda _: alarm.ring())
        try:
            await alarm.wait(seconds)
            if not joined.done():
                _log.warning("a callback has not returned for %.0f s: closing without it", seconds)
        finally:
            joined.cancel()

    async def stop(self) -> None:
        """Call no more."""
        task, self._task = self._task, None
        self._queue = asyncio.Queue()
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait((task,))


async def ask(callback: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function, sync or async."""
    answer = callback(*arguments)
    return await answer if inspect.isawaitable(answer) else answer
