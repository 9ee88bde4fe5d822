"""Ending a command by Ctrl-C, as its ordinary end."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

__all__ = ["run_until_interrupted"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def run_until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end, or cancel it on SIGINT or SIGTERM and wait for it to clean up.

    Errors of ``work`` pass through. Further signals while it cleans up change nothing, so what it
    does then must be bounded in time.
    """
    task = asyncio.ensure_future(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            task.cancel()

    with _on_signals(interrupt):
        try:
            await task
        except asyncio.CancelledError:
            if not interrupted:
                raise


@contextmanager
def _on_signals(callback: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    try:
        for number in _SIGNALS:
            loop.add_signal_handler(number, callback)
    except NotImplementedError:  # loops on Windows
        for number in _SIGNALS:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))
        yield
        return
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
