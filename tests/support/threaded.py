"""A scripted server on a loop of its own in a thread, for tests that block the client's loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.server import PATIENCE, ScriptedServer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import Script

__all__ = ["serving_in_thread"]


@contextmanager
def serving_in_thread(script: Script, **options: Any) -> Iterator[ScriptedServer]:
    """Run a scripted server beside the test's loop; an error in a script is raised on leaving."""
    started = threading.Event()
    found: list[ScriptedServer] = []
    failed: list[BaseException] = []
    leave: list[asyncio.Event] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        leave.append(asyncio.Event())
        async with serving(script, **options) as server:
            found.append(server)
            started.set()
            await leave[0].wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(PATIENCE)
    try:
        if found:
            yield found[0]
    finally:
        if found and thread.is_alive():
            loops[0].call_soon_threadsafe(leave[0].set)
        thread.join(3 * PATIENCE)
    assert not thread.is_alive()
    if failed:
        raise failed[0]
