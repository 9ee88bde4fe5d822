"""Is it still alive, and all of it? Three clocks and what to do when one runs out. Pure.

- *Bytes*: anything on the socket. The transport's keepalive has this clock too (``ping_interval``,
  ``ping_timeout``); the limit here is for connections that must not be pinged.
- *Heartbeat*: the venue's own sign of life, where it promises one.
- *Data*, per stream. A quiet market is no fault: while every stream of the connection is silent
  there is nothing to blame one of them for. A stream that is silent beyond its limit while a
  neighbour has had data within that limit is stale. The limit is set, or learned: a multiple of the
  longest pause that the stream has shown.

The data clock escalates, one rung per ``step``: mark it stale, probe the connection, subscribe that
one stream again, replace the connection. Data takes the stream back to the bottom of the ladder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

__all__ = ["Action", "ActionKind", "Limits", "Watch"]

_NS = 1_000_000_000
_LEARNED_FACTOR = 8.0
_LEARNED_LEAST_SECONDS = 30.0
_LEARNED_AFTER_EVENTS = 20
"""Fewer pauses than this say nothing about a stream."""


class ActionKind(Enum):
    """What the manager is to do. The order is that of escalation."""

    MARK_STALE = 1
    PROBE = 2
    RESUBSCRIBE = 3
    REPLACE = 4
    DEAD = 5
    """The connection as a whole is silent: give it up now."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do.

    Attributes:
        kind: What.
        stream: Of which stream, or ``None`` for the connection.
        silence, limit: Seconds.
    """

    kind: ActionKind
    stream: Hashable | None
    silence: float
    limit: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How long silence may last, in seconds.

    Attributes:
        silence: Bytes; ``None`` leaves the clock out.
        heartbeat: Heartbeats; ``None`` leaves the clock out.
        data: Of every stream; ``None`` learns it, stream by stream.
        streams: Of single streams, by their names.
        step: Between two rungs of the escalation.
        watch_data: Whether the data clock runs at all.
    """

    silence: float | None = None
    heartbeat: float | None = None
    data: float | None = None
    streams: Mapping[str, float] | None = None
    step: float = 10.0
    watch_data: bool = True


class _Pulse:
    """The data clock of one stream."""

    __slots__ = ("count", "last_ns", "longest_ns", "rung", "stale_ns")

    def __init__(self, now_ns: int) -> None:
        self.last_ns = now_ns
        self.longest_ns = 0
        self.count = 0
        self.rung = 0
        self.stale_ns = 0


class Watch:
    """The clocks of one connection.

    Args:
        limits: See :class:`Limits`.
        now_ns: The monotonic clock; the connection is new.
    """

    def __init__(self, limits: Limits, now_ns: int) -> None:
        self._limits = limits
        self._heartbeat_ns = now_ns
        self._streams: dict[Hashable, _Pulse] = {}

    def heard(self, streams: Iterable[Hashable], now_ns: int) -> None:
        """Data came for these streams. Cost: a dictionary look-up per distinct stream."""
        pulses = self._streams
        for stream in streams:
            pulse = pulses.get(stream)
            if pulse is None:
                pulse = pulses[stream] = _Pulse(now_ns)
            silence = now_ns - pulse.last_ns
            # A pause that was found stale does not teach that it was normal.
            if silence > pulse.longest_ns and not pulse.rung:
                pulse.longest_ns = silence
            pulse.last_ns = now_ns
            pulse.count += 1
            pulse.rung = 0

    def beat(self, now_ns: int) -> None:
        """A heartbeat came."""
        self._heartbeat_ns = now_ns

    def forget(self, stream: Hashable) -> None:
        """Watch a stream no more: it was unsubscribed."""
        self._streams.pop(stream, None)

    def forget_all(self) -> None:
        """Begin anew with the streams that show themselves."""
        self._streams.clear()

    def limit_of(self, name: str, stream: Hashable) -> float | None:
        """The data limit of a stream in seconds; ``None`` while it is not known yet."""
        limits = self._limits
        if limits.streams is not None and name in limits.streams:
            return limits.streams[name]
        if limits.data is not None:
            return limits.data
        pulse = self._streams[stream]
        if pulse.count < _LEARNED_AFTER_EVENTS:
            return None
        return max(_LEARNED_LEAST_SECONDS, _LEARNED_FACTOR * pulse.longest_ns / _NS)

    def look(self, now_ns: int, last_byte_ns: int, name: Callable[[Hashable], str]) -> list[Action]:
        """What is to be done now.

        Args:
            now_ns: The monotonic clock.
            last_byte_ns: When the peer's last byte came, on the same clock.
            name: Gives a stream's name by its key, for limits set by name.
        """
        limits = self._limits
        for limit, since in (
            (limits.silence, last_byte_ns),
            (limits.heartbeat, self._heartbeat_ns),
        ):
            silence = (now_ns - since) / _NS
            if limit is not None and silence > limit:
                return [Action(ActionKind.DEAD, None, silence, limit)]
        if not limits.watch_data or not self._streams:
            return []
        newest_ns = max(pulse.last_ns for pulse in self._streams.values())
        actions = []
        for stream, pulse in self._streams.items():
            limit = self.limit_of(name(stream), stream)
            if limit is None:
                continue
            silence = (now_ns - pulse.last_ns) / _NS
            if silence <= limit:
                continue
            neighbours_run = newest_ns > pulse.last_ns and (now_ns - newest_ns) / _NS <= limit
            alone_with_a_set_limit = len(self._streams) == 1 and limits.data is not None
            if not (neighbours_run or alone_with_a_set_limit):
                continue
            action = self._climb(stream, pulse, now_ns, silence, limit)
            if action is not None:
                actions.append(action)
        return actions

    def _climb(
        self, stream: Hashable, pulse: _Pulse, now_ns: int, silence: float, limit: float
    ) -> Action | None:
        """The next rung, if it is time for it; from the top the ladder begins again."""
        if pulse.rung and (now_ns - pulse.stale_ns) / _NS < self._limits.step * pulse.rung:
            return None
        if pulse.rung == 0:
            pulse.stale_ns = now_ns
        elif pulse.rung >= ActionKind.REPLACE.value:
            return None
        pulse.rung += 1
        return Action(ActionKind(pulse.rung), stream, silence, limit)
