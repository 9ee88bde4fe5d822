"""Subscriptions to an account's events, which outlive the connections that carry them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.exchanges.binance.overlap import Overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.binance.apilink import ApiLink
    from tickwire.binance.user_inbox import News
    from tickwire.credentials import Secret

__all__ = ["Feed", "Listener"]


class Listener:
    """Who takes the events of a subscription.

    Attributes:
        on_event: Takes the frame as it came, with its envelope, and when (wall clock, ns).
        on_end: Called once, when no more events will come: with the reason, or ``None`` if that
            was planned.
        on_restored: Called when the events go on after a connection was lost: some may be missing.
        on_trouble: Called when a connection is lost, and when it could not be restored so far.
    """

    __slots__ = ("on_end", "on_event", "on_restored", "on_trouble")

    def __init__(
        self,
        on_event: Callable[[bytes, int], object],
        on_end: Callable[[Exception | None], object],
        on_restored: Callable[[], object] | None,
        on_trouble: Callable[[News], object] | None = None,
    ) -> None:
        self.on_event = on_event
        self.on_end = on_end
        self.on_restored = on_restored
        self.on_trouble = on_trouble


class Feed:
    """One account's events: one subscription at the venue, any number of listeners here.

    Attributes:
        token: The listenToken that stands for the account; ``None``: the client's key does.
        listeners: By the number that their caller knows them by.
        numbers: The venue's number of the subscription, by connection.
        lock: Held while the subscription is made or moved.
    """

    def __init__(self, token: Secret | None) -> None:
        self.token = token
        self.listeners: dict[int, Listener] = {}
        self.numbers: dict[ApiLink, int] = {}
        self.lock = asyncio.Lock()
        self._overlap: Overlap[tuple[bytes, int]] | None = None
        self._old: ApiLink | None = None
        self._past: Overlap[tuple[bytes, int]] | None = None

    def begin_overlap(self, old: ApiLink) -> None:
        """From here on events may come on another connection too."""
        self._overlap, self._old = Overlap(), old

    def end_overlap(self) -> None:
        """The old connection carries them no more: deliver what only the new one brought."""
        overlap, self._overlap, self._old = self._overlap, None, None
        if overlap is None:
            return
        for frame, recv_ns in overlap.rest():
            self._tell(frame, recv_ns)
        self._past = None if overlap.is_settled else overlap

    def deliver(self, link: ApiLink, event: Any, frame: bytes, recv_ns: int) -> None:
        """Hand an event to the listeners: now, or when the old connection has said its last."""
        if self._overlap is not None:
            if link is not self._old:
                self._overlap.new(orjson.dumps(event), (frame, recv_ns))
                return
            self._overlap.old(orjson.dumps(event))
        elif self._past is not None:
            if self._past.is_late_copy(orjson.dumps(event)):
                return
            if self._past.is_settled:
                self._past = None
        self._tell(frame, recv_ns)

    def _tell(self, frame: bytes, recv_ns: int) -> None:
        for listener in tuple(self.listeners.values()):
            _call(listener.on_event, frame, recv_ns)

    def restored(self) -> None:
        """Tell the listeners that events may be missing."""
        for listener in tuple(self.listeners.values()):
            if listener.on_restored is not None:
                _call(listener.on_restored)

    def trouble(self, news: News) -> None:
        """Tell the listeners that there is no connection now, or still none."""
        for listener in tuple(self.listeners.values()):
            if listener.on_trouble is not None:
                _call(listener.on_trouble, news)

    def end(self, reason: Exception | None) -> None:
        """Tell the listeners that no more will come, and let them go."""
        listeners = list(self.listeners.values())
        self.listeners.clear()
        for listener in listeners:
            _call(listener.on_end, reason)


def _call(function: Callable[..., object], *args: object) -> None:
    """A listener that fails hurts neither the others nor the connection; the loop is told."""
    try:
        function(*args)
    except Exception as error:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler(
            {"message": "a listener to Binance user data failed", "exception": error}
        )
