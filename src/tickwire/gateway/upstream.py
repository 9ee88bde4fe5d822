"""Streams of one exchange, kept for as long as somebody wants them.

What is wanted is a set of topics; one task makes it true, and makes it true again after a failure.
So requests change the set and nothing else, however many come at once.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from random import Random
from typing import TYPE_CHECKING

from tickwire.gateway.fanout import Counts, Topic
from tickwire.manager import ReconnectStrategy
from tickwire.manager.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Collection

    from tickwire.gateway.fanout import Ids

__all__ = ["DISCONNECTED", "Key", "Upstream"]

Key = tuple[str, str, str]
"""Type, symbol, and what else tells a stream apart (an interval, a depth); empty if nothing."""

DISCONNECTED = "disconnected by request"
"""Why streams are not live that could be."""

_log = logging.getLogger("tickwire.gateway")
_DELAY, _DELAY_MAX, _STABLE = 0.5, 30.0, 60.0


class Upstream(ABC):
    """Keeps what is wanted, on connections of its own.

    Args:
        exchange: Of whom.
        ids: For the topics.
        history: Messages kept of each topic.
        linger: Seconds for which a topic that nobody wants is kept.
    """

    def __init__(self, exchange: str, ids: Ids, history: int, linger: float) -> None:
        self.exchange = exchange
        self.topics: dict[Key, Topic] = {}
        self.enabled = True
        self.failure: Exception | None = None
        self.retired: dict[str, Counts] = {}
        self._ids = ids
        self._history = history
        self._linger = linger
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._keeper: asyncio.Task[None] | None = None
        self._attempt: asyncio.Timeout | None = None
        # By the loop's clock, when the exchange may be tried again after a failure.
        self._retry_at: float | None = None
        self._backoff = Backoff(
            ReconnectStrategy.EXPONENTIAL_BACKOFF,
            delay=_DELAY,
            delay_max=_DELAY_MAX,
            stable=_STABLE,
            random=Random(),
        )

    # What is wanted

    def want(self, key: Key) -> Topic:
        """The topic of ``key``, which is asked for if it is new.

        Raises:
            ConfigurationError: The exchange has no such stream. Retry: no.
        """
        topic = self.topics.get(key)
        if topic is None:
            topic = Topic(self._ids, key, self._history)
            topic.names = self._names(key)
            if not self.enabled:
                topic.stale = DISCONNECTED
            self.topics[key] = topic
            self.touch()
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        return topic

    def release(self, topic: Topic) -> None:
        """Let go of a topic: unless somebody wants it still, it is dropped, by and by."""
        key = topic.key
        if topic.listeners or topic.pinned or self.topics.get(key) is not topic:
            return
        if not self._linger:
            self._drop(key)
        elif key not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(self._linger, self._drop, key)

    def _drop(self, key: Key) -> None:
        self._timers.pop(key, None)
        topic = self.topics.pop(key, None)
        if topic is not None:
            self.retired.setdefault(topic.label, Counts()).take_over(topic)
            self.touch()

    def switch(self, *, on: bool) -> None:
        """Whether there should be connections at all. To be without them waits for nothing: an
        attempt that is being made is given up."""
        if self.enabled is on:
            return
        self.enabled = on
        for topic in self.topics.values():
            topic.set_stale("connecting" if on else DISCONNECTED)
        if self._attempt is not None and not on:
            self._attempt.reschedule(asyncio.get_running_loop().time())
        self.touch()

    def touch(self) -> None:
        """Something has changed: see to it."""
        self._settled.clear()
        self._changed.set()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def settled(self) -> None:
        """Wait until what is wanted is there, or has failed: after a failure that is known at once,
        until the exchange is tried again.

        Raises:
            WebSocketError: It could not be had; it is tried again. Retry: not needed.
        """
        await self._settled.wait()
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        """Drop everything. Idempotent."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._shut()
        self._settled.set()

    # Making it true

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._wait):
                    await self._changed.wait()
            except TimeoutError:
                _log.info("trying the exchange again", extra={"exchange": self.exchange})
            self._changed.clear()
            # However often something changes, it is not tried sooner for that.
            if not self._wait:
                await self._make_true()
            if not self._changed.is_set():
                self._settled.set()

    @property
    def _wait(self) -> float | None:
        """Seconds until the exchange may be tried again; ``None``: there is nothing to wait for."""
        if self._retry_at is None or not (self.topics and self.enabled):
            return None
        return max(0.0, self._retry_at - asyncio.get_running_loop().time())

    async def _make_true(self) -> None:
        wanted = list(self.topics) if self.enabled else []
        try:
            async with asyncio.timeout(None) as self._attempt:
                await self._apply(wanted)
            self.failure = None
            if wanted:
                self._retry_at = None
        except Exception as error:
            # Of whatever kind: what is wanted stays wanted, and a request is told the reason.
            if self.enabled:
                self.failure = error
                delay = self._pause()
                _log.warning(
                    "exchange cannot be reached",
                    extra={"exchange": self.exchange, "error": str(error), "retry_in": delay},
                )
            await self._shut()
        finally:
            self._attempt = None

    def _pause(self) -> float:
        """Leave the exchange alone for a while; how many seconds."""
        delay = self._backoff.next_delay()
        self._retry_at = asyncio.get_running_loop().time() + delay
        return delay

    def _broke(self, error: Exception, up_seconds: float) -> None:
        """The connections are gone for good: make new ones, after a pause."""
        self.failure = error
        self._backoff.held(up_seconds)
        delay = self._pause()
        _log.error(
            "exchange was lost",
            extra={"exchange": self.exchange, "retry_in": delay},
            exc_info=error,
        )
        self.touch()

    @abstractmethod
    def _names(self, key: Key) -> frozenset[str]:
        """What the exchange calls it; raises ``ConfigurationError`` if there is no such stream."""

    @abstractmethod
    async def _apply(self, wanted: Collection[Key]) -> None:
        """Have exactly these, whatever there is."""

    @abstractmethod
    async def _shut(self) -> None:
        """Close all connections."""

    @property
    @abstractmethod
    def connections(self) -> int:
        """Open connections."""
