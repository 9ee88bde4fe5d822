"""Is the peer still there? Pings on an idle connection, and a verdict that blames nobody wrongly.

The rule is :func:`judge`, a pure function. Any byte from the peer is life, whatever it belongs to.
A connection that this program has stopped reading (its queue is full) proves nothing about the
peer. And if the local loop was late, the answer may lie unread in the socket: then it is read
before judging.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from ..clock import mono_ns

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Keepalive", "Verdict", "judge"]

_LEAST_DELAY_SECONDS = 0.001


class Verdict(Enum):
    """What to do when the keepalive timer fires."""

    WAIT = "wait"
    """The peer was heard of lately, or nothing can be said: look again later."""
    PING = "ping"
    """Silence for an interval: ask."""
    READ = "read"
    """The deadline has passed: read what the socket holds, then judge again."""
    DEAD = "dead"
    """Asked, and no byte came within the timeout."""


def judge(
    *,
    silence: float,
    since_ping: float | None,
    has_read: bool,
    paused: bool,
    interval: float,
    timeout: float,
) -> Verdict:
    """The keepalive rule.

    Args:
        silence: Seconds since the last byte from the peer.
        since_ping: Seconds since the unanswered ping, or ``None`` if none is out.
        has_read: Whether the socket was read just now. Timers may run before socket events, and
            this loop may have been late: the answer may lie there.
        paused: Whether this program has stopped reading.
        interval, timeout: The connection's ``ping_interval`` and ``ping_timeout`` in seconds.
    """
    if paused:
        return Verdict.WAIT
    if since_ping is not None and silence >= since_ping:
        if since_ping < timeout:
            return Verdict.WAIT
        return Verdict.DEAD if has_read else Verdict.READ
    return Verdict.PING if silence >= interval else Verdict.WAIT


class Keepalive:
    """Drives :func:`judge` with one lazily moved timer.

    Args:
        loop: The connection's loop.
        interval, timeout: Seconds.
        last_byte_ns: Gives the monotonic time of the peer's last byte, in nanoseconds.
        paused: Tells whether this program has stopped reading.
        ping: Sends a ping.
        read: Reads what lies in the socket.
        dead: Ends the connection; gets the seconds of silence and of this loop's lateness.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        interval: float,
        timeout: float,
        last_byte_ns: Callable[[], int],
        paused: Callable[[], bool],
        ping: Callable[[], object],
        read: Callable[[], object],
        dead: Callable[[float, float], object],
    ) -> None:
        self._loop = loop
        self._interval = interval
        self._timeout = timeout
        self._last_byte_ns = last_byte_ns
        self._paused = paused
        self._ping = ping
        self._read = read
        self._dead = dead
        self._pinged_ns: int | None = None
        self._stopped = False
        self._due = 0.0
        self._timer: asyncio.Handle
        self._look_in(interval)

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._timer.cancel()

    def _look_in(self, delay: float) -> None:
        delay = max(delay, _LEAST_DELAY_SECONDS)
        # Kept here: uvloop gives a handle that cannot tell, where the delay rounds to nothing.
        self._due = self._loop.time() + delay
        self._timer = self._loop.call_later(delay, self._look)

    def _verdict(self, *, has_read: bool) -> tuple[Verdict, float]:
        now = mono_ns()
        silence = (now - self._last_byte_ns()) / 1e9
        since = None if self._pinged_ns is None else (now - self._pinged_ns) / 1e9
        verdict = judge(
            silence=silence,
            since_ping=since,
            has_read=has_read,
            paused=self._paused(),
            interval=self._interval,
            timeout=self._timeout,
        )
        return verdict, silence

    def _look(self) -> None:
        lateness = max(0.0, self._loop.time() - self._due)
        verdict, silence = self._verdict(has_read=False)
        if verdict is Verdict.READ:
            self._read()
            if self._stopped:
                return
            verdict, silence = self._verdict(has_read=True)
        if verdict is Verdict.DEAD:
            self._dead(silence, lateness)
            return
        if self._paused():
            # Nothing to be learnt until the program reads on; then the silence begins anew.
            self._pinged_ns = None
            delay = self._interval
        elif verdict is Verdict.PING:
            self._pinged_ns = mono_ns()
            self._ping()
            delay = min(self._interval, self._timeout)
        elif self._pinged_ns is not None and silence < (mono_ns() - self._pinged_ns) / 1e9:
            self._pinged_ns = None
            delay = self._interval - silence
        elif self._pinged_ns is not None:
            left = self._timeout - (mono_ns() - self._pinged_ns) / 1e9
            delay = min(self._interval, left)
        else:
            delay = self._interval - silence
        if not self._stopped:
            self._look_in(delay)
