"""Lines to a descriptor, from a thread of its own.

A reader that stalls (a paused pager, a slow consumer at the other end of a pipe) must stop the
events and nothing else: the loop goes on, pings are answered, Ctrl-C works. So the loop never
writes. What was written during one turn of the loop leaves in one call.
"""

from __future__ import annotations

import asyncio
import os
import threading
from queue import SimpleQueue

__all__ = ["LineWriter"]

_HIGH_WATER_BYTES = 256 * 1024


class LineWriter:
    """Writes bytes to ``fd`` in order. Belongs to the running loop.

    Whoever writes calls :meth:`write`, then awaits :meth:`room` while :attr:`is_full`.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._is_writing = False
        self._is_scheduled = False
        self._error: OSError | None = None
        self._changed = asyncio.Event()
        self._chunks: SimpleQueue[bytes | None] = SimpleQueue()
        # A daemon: it may be stuck in a write when the program ends.
        threading.Thread(target=self._work, name="tickwire output", daemon=True).start()

    @property
    def is_full(self) -> bool:
        """Whether the reader is far behind."""
        return self._pending_bytes >= _HIGH_WATER_BYTES

    def write(self, line: bytes) -> None:
        """Add a line, newline included.

        Raises:
            OSError: An earlier write failed: the reader is gone (``BrokenPipeError``), or the disk
                is full. Retry: no.
        """
        if self._error is not None:
            raise self._error
        self._pending.append(line)
        self._pending_bytes += len(line)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._send)

    async def room(self) -> None:
        """Wait until the reader has caught up a little.

        Raises:
            OSError: As in :meth:`write`.
        """
        while self.is_full:
            await self._next_change()

    async def close(self, timeout: float) -> None:
        """Wait until everything is written, at most ``timeout`` seconds, and stop.

        Raises:
            OSError: As in :meth:`write`.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._pending or self._is_writing:
                    await self._next_change()
        except TimeoutError:
            pass
        finally:
            self._chunks.put(None)

    async def _next_change(self) -> None:
        if self._error is not None:
            raise self._error
        self._changed.clear()
        await self._changed.wait()
        if self._error is not None:
            raise self._error

    def _send(self) -> None:
        self._is_scheduled = False
        if self._pending and not self._is_writing:
            self._is_writing = True
            self._chunks.put(b"".join(self._pending))
            self._pending.clear()

    def _written(self, size: int, error: OSError | None) -> None:
        self._is_writing = False
        self._pending_bytes -= size
        self._error = error
        self._changed.set()
        if error is None:
            self._send()

    def _work(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            error = self._write_all(chunk)
            try:
                self._loop.call_soon_threadsafe(self._written, len(chunk), error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _write_all(self, chunk: bytes) -> OSError | None:
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            return error
        return None
