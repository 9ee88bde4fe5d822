"""Pings on their way: which pong answers which ping, and after how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clock import mono_ns

if TYPE_CHECKING:
    import asyncio

__all__ = ["Pings"]


class Pings:
    """The pings that no pong has answered yet, by their payload."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[bytes, tuple[asyncio.Future[float], int]] = {}

    def leave(self, payload: bytes) -> asyncio.Future[float]:
        """A ping leaves now; gives the future of its round trip in seconds.

        One with the same payload that is still on its way is given up: its future is cancelled.
        """
        future: asyncio.Future[float] = self._loop.create_future()
        earlier = self._waiting.pop(payload, None)
        if earlier is not None:
            earlier[0].cancel()
        self._waiting[payload] = (future, mono_ns())
        return future

    def answer(self, payload: bytes) -> None:
        """Resolve the ping that this pong answers, and those before it (RFC 6455 section 5.5.3)."""
        if payload not in self._waiting:
            return
        now = mono_ns()
        for data in list(self._waiting):
            future, sent = self._waiting.pop(data)
            if not future.done():
                future.set_result((now - sent) / 1e9)
            if data == payload:
                return

    def cancel(self) -> None:
        """No pong will come any more."""
        for future, _ in self._waiting.values():
            future.cancel()
        self._waiting.clear()
