"""One stream to many listeners: encoded once, queued for each apart. No tasks, no sockets.

A topic is a stream with its listeners and its last messages. A listener's queue is bounded; when it
is full, the newest message of a key replaces the older ones, and of messages without a key the
oldest go. So a listener that reads slowly loses what is out of date, is told how much that was, and
takes nothing from the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.gateway.latency import Latency

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HEARTBEAT", "Counts", "Frame", "Ids", "Listener", "Topic", "named"]

HEARTBEAT = b": heartbeat\n\n"
"""A comment: keeps proxies from closing the connection, and no event to a browser."""


def named(event: str, data: dict[str, Any]) -> bytes:
    """An event of a name of its own, which ``onmessage`` does not see, and without an id."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), orjson.dumps(data))


class Frame:
    """One message as it is sent, the same object for every listener.

    Attributes:
        number: Grows over all topics of a gateway; 0 of what is not numbered.
        key: See :func:`~tickwire.gateway.payloads.conflation_key`.
        data: The whole event with its id and its blank line.
        recv_ns: When the socket gave what it is made of, ns since the Unix epoch; 0: not measured.
        topic: Its topic.
    """

    __slots__ = ("data", "key", "number", "recv_ns", "topic")

    def __init__(self, topic: Topic, number: int, key: object, data: bytes, recv_ns: int) -> None:
        self.topic = topic
        self.number = number
        self.key = key
        self.data = data
        self.recv_ns = recv_ns


class Ids:
    """Event ids of one life of a gateway: ``life-number``.

    Args:
        life: Tells it from other lives, whose numbers mean nothing here.
    """

    def __init__(self, life: str) -> None:
        self.life = life
        self._prefix = life.encode()
        self._numbers = count(1)
        self.last = 0

    def next(self) -> int:
        """The next number."""
        self.last = next(self._numbers)
        return self.last

    def text(self, number: int) -> bytes:
        """A number as it is sent."""
        return b"%b-%d" % (self._prefix, number)

    def number(self, text: str) -> int | None:
        """The number in a ``Last-Event-ID``; ``None`` if it is not of this life."""
        life, _, number = text.rpartition("-")
        if life != self.life or not (number.isascii() and number.isdecimal()):
            return None
        # Nobody has seen what was not sent yet.
        return int(number) if len(number) < 20 and int(number) <= self.last else None


class Topic:
    """One stream, who listens to it, and what it sent lately.

    Args:
        ids: Shared by all topics of a gateway.
        key: Its type, symbol and what else tells it apart.
        history: Messages kept.

    Attributes:
        listeners: Who listens.
        names: What the exchange calls it.
        pinned: Whether it is kept without listeners.
        stale: Why it cannot be trusted at present; ``None`` while it can.
        has_lived: Whether it could ever be trusted: what never came may not exist.
        events: Messages so far.
        last_ns: When the last one came, monotonic; 0: none yet.
        latest: The last message of each key that it still has.
        delivery: Socket to client.
        arrival: Venue to socket.
        drops: Messages that listeners did not get.
    """

    def __init__(self, ids: Ids, key: tuple[str, str, str], history: int) -> None:
        self.key = key
        self.label, self.symbol, self.detail = key
        self.listeners: dict[Listener, None] = {}
        self.names: frozenset[str] = frozenset()
        self.pinned = False
        self.stale: str | None = "nothing has come yet"
        self.has_lived = False
        self.events = 0
        self.drops = 0
        self.last_ns = 0
        self.latest: Frame | None = None
        self.delivery = Latency()
        self.arrival = Latency()
        self._ids = ids
        self._history: deque[Frame] = deque(maxlen=history)
        # The number of the newest message that is not kept any more.
        self._forgotten = ids.last

    def publish(self, text: bytes, key: object, recv_ns: int) -> None:
        """Pass a message on.

        Args:
            text: JSON on one line.
            key: See :class:`Frame`.
            recv_ns: When the socket gave what it is made of, ns since the Unix epoch.
        """
        number = self._ids.next()
        data = b"id: %b\ndata: %b\n\n" % (self._ids.text(number), text)
        frame = Frame(self, number, key, data, recv_ns)
        history = self._history
        if len(history) == history.maxlen:
            self._forgotten = history[0].number
        history.append(frame)
        self.latest = frame
        self.events += 1
        for listener in self.listeners:
            listener.put(frame)

    def announce(self, event: str, data: dict[str, Any]) -> None:
        """Tell all listeners something that is not part of the stream."""
        frame = Frame(self, 0, (event, self.key), named(event, data), 0)
        for listener in self.listeners:
            listener.put(frame)

    def set_stale(self, reason: str | None) -> None:
        """It cannot be trusted from now on, or can again (``None``); listeners are told."""
        self.stale = reason
        self.has_lived = self.has_lived or reason is None
        self.announce("status", self.status)

    @property
    def is_news(self) -> bool:
        """Whether it tells of connections, and is no stream of an exchange."""
        return self.label == "events"

    @property
    def status(self) -> dict[str, Any]:
        """What listeners are told of it."""
        return {
            "stream": self.label,
            "symbol": self.symbol,
            "live": self.stale is None,
            "reason": self.stale,
        }

    def since(self, number: int) -> tuple[list[Frame], bool]:
        """The messages after ``number``, and whether they are all that there were."""
        return [frame for frame in self._history if frame.number > number], (
            number >= self._forgotten
        )


class Counts:
    """What topics of one type have counted that are gone."""

    def __init__(self) -> None:
        self.events = 0
        self.drops = 0
        self.delivery = Latency()
        self.arrival = Latency()

    def take_over(self, other: Topic | Counts) -> None:
        """Add what another has counted."""
        self.events += other.events
        self.drops += other.drops
        self.delivery.take_over(other.delivery)
        self.arrival.take_over(other.arrival)


class Listener:
    """One client's queue. Belongs to one event loop and one reader.

    Args:
        topics: What it listens to.
        size: Messages that may wait.
    """

    __slots__ = ("_closed", "_queue", "_size", "_waiter", "dropped", "since_ns", "topics")

    def __init__(self, topics: Iterable[Topic], size: int) -> None:
        self.topics = tuple(topics)
        self.dropped = 0
        # Since when it has been sending one and the same lot, monotonic; 0: it is not.
        self.since_ns = 0
        self._size = size
        self._queue: deque[Frame] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_closed(self) -> bool:
        """Whether it is told to end."""
        return self._closed

    def put(self, frame: Frame) -> None:
        """Queue a message. Cost: a fraction of a microsecond while the listener keeps up."""
        if len(self._queue) >= self._size:
            self._make_room(frame)
        self._queue.append(frame)
        self._wake()

    def close(self) -> None:
        """Tell it to end, what is queued included."""
        self._closed = True
        self._wake()

    def take(self) -> list[Frame]:
        """All that is queued; it is not kept."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    def take_dropped(self) -> int:
        """Messages left out since this was last asked."""
        dropped, self.dropped = self.dropped, 0
        return dropped

    async def wait(self) -> None:
        """Return when there is something, or it is told to end."""
        if self._queue or self._closed:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _make_room(self, newest: Frame) -> None:
        """Leave out what newer messages of the same key replace; if none is, the oldest."""
        if newest.key is not None:
            seen = {newest.key}
            kept: deque[Frame] = deque()
            for frame in reversed(self._queue):
                if frame.key is None:
                    kept.appendleft(frame)
                elif frame.key not in seen:
                    seen.add(frame.key)
                    kept.appendleft(frame)
                else:
                    self._count(frame)
            self._queue = kept
        while len(self._queue) >= self._size:
            self._count(self._queue.popleft())

    def _count(self, frame: Frame) -> None:
        if frame.number:
            self.dropped += 1
            frame.topic.drops += 1
