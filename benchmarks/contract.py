"""What a file in ``peers/`` offers, and what it is given.

A peer module has coroutine functions of the shapes below under names that ``plan.py`` lists; the
hot loops stand in them, so that each library is used in its own way. Beyond moving messages, a loop
does the same in all of them: it counts, and keeps the last message.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

__all__ = [
    "CHUNK",
    "Connect",
    "Connections",
    "Dawdle",
    "Deliver",
    "Echo",
    "Meter",
    "Mismatch",
    "Note",
    "Prepare",
    "Receive",
    "Send",
    "SendMeter",
    "Site",
]

CHUNK = 256
"""Messages that a sending loop sends between two looks at the clock."""


class Mismatch(Exception):
    """A client handed over something other than what was sent. No figure stands for that."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where to connect.

    Attributes:
        url: ``ws://`` or ``wss://``.
        message_bytes: How large messages will be, for peers that size their queues by it.
        ca_file: PEM file with the authority behind the server's certificate; only for ``wss://``.
        deflate: Whether to offer permessage-deflate; the server insists on it then.
    """

    url: str
    message_bytes: int = 0
    ca_file: str | None = None
    deflate: bool = False

    def queue_of(self, total_bytes: int, *, least: int) -> int:
        """How many messages a queue of so many bytes holds, but at least ``least``."""
        return max(least, total_bytes // max(1, self.message_bytes))


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Meter:
    """Started when a connection is open, stopped when its last message was handed over.

    Attributes:
        count: Messages handed over.
        last: The last of them, where the client has it as bytes.
        seconds, cpu_seconds: Between start and stop; CPU is that of the whole process.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last: bytes | None = None
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self._started_ns = 0
        self._cpu_before = 0.0

    def start(self) -> None:
        self._cpu_before = cpu_seconds()
        self._started_ns = time.monotonic_ns()

    def stop(self, count: int, last: bytes | None = None) -> None:
        self.seconds = (time.monotonic_ns() - self._started_ns) / 1e9
        self.cpu_seconds = cpu_seconds() - self._cpu_before
        self.count = count
        self.last = last


class SendMeter:
    """Tells a sending loop whether to go on: ``while meter.more(): send CHUNK messages``.

    Attributes:
        count: Messages that the loop was told to send.
        started_ns: When the first chunk was asked for, on the machine's monotonic clock.
    """

    def __init__(self, seconds: float) -> None:
        self.count = 0
        self.started_ns = 0
        self._seconds = seconds
        self._end_ns = 0

    def more(self) -> bool:
        now = time.monotonic_ns()
        if not self.started_ns:
            self.started_ns = now
            self._end_ns = now + int(self._seconds * 1e9)
        if now >= self._end_ns:
            return False
        self.count += CHUNK
        return True


Receive = Callable[[Site, Meter], Awaitable[None]]
"""Connect, start the meter, take messages until the server closes, stop the meter.

Its name is ``receive`` or ``receive_<something>``; what delivers in the same manner is called
``deliver_<something>``, and ``deliver`` stands in where there is none."""

Note = Callable[[bytes], object]
"""Called with each message at the moment at which a program has it as bytes."""

Deliver = Callable[[Site, Note, int], Awaitable[None]]
"""Connect so many times (in one session, where the library has such a thing), hand every message of
every connection to the note, and end when the server has closed them all."""

Dawdle = Callable[[Site, float, asyncio.Event], Awaitable[int]]
"""Connect and sleep so many seconds after each message, until the event is set. How many messages
it took. The connection may be left as it is: the process is about to end."""

Send = Callable[[Site, bytes, SendMeter], Awaitable[None]]
"""Connect, send the payload as long as the meter says, and close when all has left."""

Echo = Callable[[Site, bytes, int, float], Awaitable[list[int]]]
"""Connect, send the payload and await its echo so many times, with so many seconds of pause before
each; every round's nanoseconds, without the pause.

Raises :class:`Mismatch` for an echo that is not the payload."""

Connect = Callable[[], Awaitable[object]]
"""Open one more connection and return it."""

Connections = Callable[[Site], AbstractAsyncContextManager[Connect]]
"""What idle connections need in common; leaving the context closes them."""

Prepare = Callable[[Sequence[bytes], str], Callable[[], int]]
"""In ``parsers/``: given recorded frames and their market (``spot`` or ``usdm``), a function that
takes them all once and returns how many it took in."""
