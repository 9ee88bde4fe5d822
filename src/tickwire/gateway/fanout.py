"""One stream to many listeners: encoded once, queued for each apart. No tasks, no sockets.

A topic is a stream with its listeners and its last messages. A listener's queue is bounded; when it
is full, the newest message of a key replaces the older ones, and of messages without a key the
oldest go; the last of a key never does. So a listener that reads slowly loses what is out of date,
is told how much that was, and takes nothing from the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.gateway.latency import Latency

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Counts", "Frame", "Ids", "Listener", "Topic", "heartbeat", "named"]


_CANDLES = 120
"""Of one stream, for who begins to listen."""


def named(event: str, data: dict[str, Any]) -> bytes:
    """An event of a name of its own, which ``onmessage`` does not see, and without an id."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), orjson.dumps(data))


def heartbeat(seconds: float) -> bytes:
    """What a listener that has nothing to hear is sent, so that it can tell silence from a dead
    line, and proxies do not close the connection.

    Args:
        seconds: Until the next one.
    """
    return named("heartbeat", {"seconds": seconds})


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
        latest: The last message.
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
        # Of candles, each of which is a state of its own: the last message of the last so many.
        self._candles: dict[object, Frame] | None = {} if self.label == "kline" else None
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
        if self._candles is not None:
            self._candles[key] = frame
            if len(self._candles) > _CANDLES:
                del self._candles[next(iter(self._candles))]
        self.events += 1
        for listener in self.listeners:
            listener.put(frame)

    def standing(self) -> list[Frame]:
        """What tells a new listener where it stands: its last message, or the last candles; none if
        its messages stand for no state, as trades do."""
        if self._candles is not None:
            return list(self._candles.values())
        latest = self.latest
        return [] if latest is None or (latest.key is None and not self.is_news) else [latest]

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

    While it keeps up it gets every message. Once its queue is full it holds the newest of each key,
    which is never left out, and of messages without a key as many as there is room for, one at the
    least; what tells of connections goes after the others. That lasts until it has taken them.

    Args:
        topics: What it listens to.
        size: Messages that may wait; more only where they are the last of so many keys.
    """

    __slots__ = (
        "_behind",
        "_closed",
        "_queue",
        "_size",
        "_waiter",
        "dropped",
        "since_ns",
        "topics",
    )

    def __init__(self, topics: Iterable[Topic], size: int) -> None:
        self.topics = tuple(topics)
        self.dropped = 0
        # Since when it has been sending one and the same lot, monotonic; 0: it is not.
        self.since_ns = 0
        self._size = size
        self._queue: deque[Frame] = deque()
        self._behind: _Behind | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._queue) if self._behind is None else len(self._behind)

    @property
    def is_closed(self) -> bool:
        """Whether it is told to end."""
        return self._closed

    def put(self, frame: Frame) -> None:
        """Queue a message. Cost: a fraction of a microsecond, whether it keeps up or not."""
        if self._behind is not None:
            self._count(self._behind.put(frame))
        elif len(self._queue) < self._size:
            self._queue.append(frame)
        else:
            self._behind = behind = _Behind(self._size)
            for waiting in (*self._queue, frame):
                self._count(behind.put(waiting))
            self._queue.clear()
        self._wake()

    def close(self) -> None:
        """Tell it to end, what is queued included."""
        self._closed = True
        self._wake()

    def take(self) -> list[Frame]:
        """All that is queued; it is not kept."""
        if self._behind is not None:
            taken, self._behind = self._behind.frames(), None
            return taken
        taken = list(self._queue)
        self._queue.clear()
        return taken

    def take_dropped(self) -> int:
        """Messages left out since this was last asked."""
        dropped, self.dropped = self.dropped, 0
        return dropped

    async def wait(self) -> None:
        """Return when there is something, or it is told to end."""
        if len(self) or self._closed:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _count(self, frame: Frame | None) -> None:
        if frame is not None and frame.number:
            self.dropped += 1
            frame.topic.drops += 1


class _Behind:
    """What waits for a listener that is behind: nothing in it is looked at twice.

    Args:
        size: Frames that may wait.
    """

    __slots__ = ("_news", "_order", "_size", "_states", "_trades")

    def __init__(self, size: int) -> None:
        self._size = size
        self._order = count()
        self._states: dict[object, tuple[int, Frame]] = {}
        self._trades: deque[tuple[int, Frame]] = deque()
        self._news: deque[tuple[int, Frame]] = deque()

    def __len__(self) -> int:
        return len(self._states) + len(self._trades) + len(self._news)

    def put(self, frame: Frame) -> Frame | None:
        """Queue a frame; the one that is left out for it, if any."""
        entry = (next(self._order), frame)
        if frame.key is not None:
            before = self._states.get(frame.key)
            self._states[frame.key] = entry
            if before is not None:
                return before[1]
        else:
            (self._news if frame.topic.is_news else self._trades).append(entry)
        others = len(self._trades) + len(self._news)
        if others > 1 and others + len(self._states) > self._size:
            return (self._trades or self._news).popleft()[1]
        return None

    def frames(self) -> list[Frame]:
        """All of them, in the order in which they came."""
        entries = [*self._states.values(), *self._trades, *self._news]
        return [frame for _, frame in sorted(entries, key=_place)]


_place = itemgetter(0)
