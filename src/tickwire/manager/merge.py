"""Several connections, one stream: nothing lost, nothing twice, in order. Pure.

What it rests on. One connection delivers a stream's events in order and, while it lives, all of
them. An event's identity is its stream and a number that grows within the stream. So the merged
stream needs to know one number per stream, the last one delivered, and a rule for when a
connection may speak:

- A *live* connection's events are delivered if their number is beyond the last one; else another
  connection has brought them, and they are left out.
- A new connection is on *standby*: what it brings is held, in its own order. It is *level* when,
  for every stream that it has shown, the last number delivered has reached its first one. From then
  on it has everything that is still to come, and may become live: its held events then pass the
  same rule, and exactly what was not delivered yet comes out.
- A live connection that shows a stream for the first time, beside others, must be level on it too:
  it may be ahead of what they have still under way. If it is not, it goes back to standby. One that
  was level on every stream is *complete*, and so is one that was live alone.
- Events whose numbers have no holes are also checked for joining. A live connection that skips a
  number goes back to standby if a complete one lives, which may have what is missing; else the hole
  is reported.
- An event without an identity is delivered by the connection that has been live for longest. What
  another one brings of that kind is kept aside until the first one is past that point, and comes
  out if it goes before: see ``aside``.
- When the last live connection is lost, every stream's continuity is in doubt. The first event
  after it either proves that nothing is missing (it joins, or repeats), or is preceded by a
  :class:`~tickwire.Gap` with the numbers on both sides.

A number that goes back *on the same connection* is the venue's own doing (a repetition, a reset of
its counter), and is passed on; three in a row without progress are taken for a reset.

A number that goes back *on another connection* is a repetition, or the venue has begun to count
anew while nobody was connected. What tells them apart is time: a repetition is not younger than
what it repeats. The only live connection whose event has a lower number and is two seconds younger
than the last one delivered counts anew, and so does one whose book's snapshot is younger at all: a
gap says so, and its numbers are the ones that count from then on.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from tickwire.market import BookSnapshot, Event, Gap, GapCause, number_of, stream_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from tickwire.market import Identity

from .aside import Aside

__all__ = ["Merge"]

_BACKWARD_STEPS_OF_A_RESET = 3
_NO_EPOCH = -1
_YOUNGER_NS = 2_000_000_000
"""Servers of one venue are not in step, and some write the time of sending into an event: by less
than this a repetition may well seem younger than what it repeats."""
_ARRIVAL = "ts_recv_ns"
_TIMES = ("ts_transact_ns", "ts_event_ns", _ARRIVAL)


class _Track:
    """One stream of the merged output."""

    __slots__ = ("backward", "by", "epoch", "item", "last")

    def __init__(self, last: int | tuple[int, ...], epoch: int, by: _Source, item: Any) -> None:
        self.last: Any = last
        self.epoch = epoch
        self.by = by
        self.item = item
        self.backward = 0


class _Source:
    """One connection."""

    __slots__ = ("complete", "firsts", "held", "held_count", "known", "live", "number")

    def __init__(self, number: int, *, live: bool) -> None:
        self.number = number
        self.live = live
        self.complete = live
        self.known: set[Hashable] = set()
        self.held: deque[tuple[Any, Identity | None]] = deque()
        self.held_count = 0
        self.firsts: dict[Hashable, Identity] = {}


class Merge:
    """The merged stream.

    Args:
        hold_limit: Events after which a standby is full, and its connection is to be read no
            further for now.

    Attributes:
        duplicates: Events left out because they had been delivered.
        gaps: Holes reported.
        aside: Events without an identity that only others than the longest live have brought.
        out: What is to be delivered: events, and gaps before the event that shows them. The caller
            takes it and puts a new list in its place.
    """

    def __init__(self, *, hold_limit: int = 200_000) -> None:
        self.duplicates = 0
        self.gaps = 0
        self.out: list[Any] = []
        self.aside = Aside()
        self._hold_limit = hold_limit
        self._tracks: dict[Hashable, _Track] = {}
        self._sources: dict[int, _Source] = {}
        self._live: list[_Source] = []
        self._epoch = 0
        self._cause = GapCause.DISCONNECT

    # Connections come and go

    @property
    def live(self) -> list[int]:
        """The live connections, the longest live first."""
        return [source.number for source in self._live]

    def join(self, number: int) -> bool:
        """Take in a new connection; tells whether it is live at once, because no other is."""
        source = _Source(number, live=not self._live)
        self._sources[number] = source
        if source.live:
            self._live.append(source)
        return source.live

    def is_level(self, number: int) -> bool:
        """Whether the merged stream has reached everything that this connection began with.

        Cost: linear in the streams that are not reached yet.
        """
        source = self._sources[number]
        tracks = self._tracks
        for stream in [s for s, first in source.firsts.items() if _reached(tracks.get(s), first)]:
            del source.firsts[stream]
        return not source.firsts

    def held(self, number: int) -> int:
        """Events that this connection has brought while on standby."""
        return self._sources[number].held_count

    def is_full(self, number: int) -> bool:
        """Whether a standby holds so much that the rest should wait in its connection."""
        return len(self._sources[number].held) >= self._hold_limit

    def shed(self, number: int) -> None:
        """Let go of what a standby holds; its coverage begins anew with its next event. For one
        beside a live connection that goes on: what is let go, that one has or will have."""
        source = self._sources[number]
        for item, identity in source.held:
            if identity is None:
                self.duplicates += 1
                self.aside.put(number, item)
        source.held.clear()
        source.firsts.clear()

    def passed(self, number: int, pairs: Iterable[tuple[Any, Identity | None]]) -> None:
        """Tell what is kept aside how far a live connection has come: what it has offered."""
        source = self._sources[number]
        if source.live and source is self._live[0]:
            self.aside.overtaken(pairs)
        else:
            self.aside.mark(number, pairs)

    def _succeeds(self) -> None:
        """The connection that spoke for what has no identity speaks no more."""
        speaker = self._live[0].number if self._live else next(iter(self._sources), None)
        items, is_whole = self.aside.take(speaker, among=self._sources)
        self.duplicates -= len(items)
        if not is_whole:
            self.gaps += 1
            self.out.append(Gap(symbol="", stream="", cause=GapCause.DISCONNECT))
        self.out += items

    def promote(self, number: int) -> None:
        """Make a standby live: what it holds comes out, as far as it was not delivered."""
        source = self._sources[number]
        if source.live:
            return
        source.live = True
        source.complete = not self._live
        self._live.append(source)
        held, source.held = source.held, deque()
        source.firsts.clear()
        while held:
            item, identity = held.popleft()
            self.offer(number, item, identity)  # holds again what follows a step back

    def leave(self, number: int, *, lost: bool) -> int | None:
        """Take out a connection of which nothing more will come.

        Args:
            lost: Whether it ended otherwise than by this program's own close.

        Returns:
            The standby that has become live in its place, if one has.
        """
        source = self._sources.pop(number)
        if not source.live:
            return None
        spoke = source is self._live[0]
        self._live.remove(source)
        if spoke and self.aside:
            self._succeeds()
        if self._live:
            if not any(other.complete for other in self._live):
                if lost:
                    self._doubt_unknown()
                self._live[0].complete = True
            return None
        standby = next(iter(self._sources.values()), None)
        if standby is None or lost or not self.is_level(standby.number):
            # Where numbers jump, nothing proves that none is missing.
            self.doubt(GapCause.DISCONNECT)
        if standby is None:
            return None
        self.promote(standby.number)
        return standby.number

    def abandon(self) -> None:
        """Take out all connections, and what is held of them."""
        self._sources.clear()
        self._live.clear()
        self.aside = Aside()
        self.doubt(GapCause.DISCONNECT)

    def doubt(self, cause: GapCause) -> None:
        """From here on no stream is known to be whole, until its next event shows it."""
        self._epoch += 1
        self._cause = cause

    def forget(self, name: str, symbol: str) -> None:
        """A stream is asked for again that the program had left: what comes joins nothing.

        A key does not say which stream it is of, except to its codec: of an instrument, all streams
        are forgotten, and the next event of each is not checked for joining.

        Args:
            name: Of the stream; keys that contain it are its.
            symbol: What its events carry, if they carry one.
        """
        for key, track in list(self._tracks.items()):
            is_of_symbol = symbol and getattr(track.item, "symbol", "") == symbol
            if is_of_symbol or name in stream_name(key):
                del self._tracks[key]
                for source in self._sources.values():
                    source.known.discard(key)

    def _doubt_unknown(self) -> None:
        """As :meth:`doubt`, for the streams that no live connection is known to be level on."""
        known = {stream for source in self._live for stream in source.known}
        for stream, track in self._tracks.items():
            if stream not in known:
                track.epoch = _NO_EPOCH

    # Events

    def offer(self, number: int, item: Any, identity: Identity | None) -> None:
        """Take one event of a connection, in the connection's order."""
        source = self._sources[number]
        if not source.live:
            self._hold(source, item, identity)
            return
        if identity is None:
            # Nothing to tell it by: the connection that has been live for longest speaks alone.
            if source is self._live[0]:
                self.out.append(item)
            else:
                self.duplicates += 1
                self.aside.put(number, item)
            return
        stream = identity.stream
        track = self._tracks.get(stream)
        if not source.complete and stream not in source.known:
            if not _reached(track, identity):
                self._step_back(source, item, identity)
                return
            source.known.add(stream)
            source.complete = len(source.known) == len(self._tracks)
        sequence = identity.sequence
        if track is None:
            self._tracks[stream] = _Track(sequence, self._epoch, source, item)
            self.out.append(item)
            return
        last = track.last
        if sequence <= last:
            self._backward(track, source, item, identity)
            return
        first = identity.first
        if first is None:
            if track.epoch != self._epoch:
                self._gap(item, identity, last, track)
        elif first > last + 1:
            if any(other.complete for other in self._live if other is not source):
                # That one may have what is missing here: this one waits until it is as far.
                self._step_back(source, item, identity)
                return
            self._gap(item, identity, last, track)
        track.last = sequence
        track.epoch = self._epoch
        track.by = source
        track.item = item
        track.backward = 0
        self.out.append(item)

    def _step_back(self, source: _Source, item: Any, identity: Identity) -> None:
        """Put a live connection on standby, beginning with this event of it."""
        spoke = source is self._live[0]
        self._live.remove(source)
        if spoke and self.aside:
            self._succeeds()
        source.live = source.complete = False
        source.known.clear()
        source.held_count = 0
        self._hold(source, item, identity)

    def _backward(self, track: _Track, source: _Source, item: Any, identity: Identity) -> None:
        sequence = identity.sequence
        if track.by is not source:
            if len(self._live) == 1 and sequence < track.last and _is_younger(item, track.item):
                # Of what went before nothing more can come: the venue counts anew.
                self._gap(item, identity, track.last, track)
                track.last = sequence
                track.by = source
                track.item = item
                track.backward = 0
                self.out.append(item)
            else:
                self.duplicates += 1
            # Brought by another connection: no hole lies between what that one said and this.
            track.epoch = self._epoch
            return
        self.out.append(item)
        track.backward += 1
        if track.backward >= _BACKWARD_STEPS_OF_A_RESET:
            track.last = sequence
            track.item = item
            track.backward = 0

    def _hold(self, source: _Source, item: Any, identity: Identity | None) -> None:
        source.held.append((item, identity))
        source.held_count += 1
        if identity is not None and identity.stream not in source.firsts:
            track = self._tracks.get(identity.stream)
            if not _reached(track, identity):
                source.firsts[identity.stream] = identity

    def _gap(self, item: Any, identity: Identity, last: Any, track: _Track) -> None:
        self.gaps += 1
        first = number_of(identity.sequence) if identity.first is None else identity.first
        self.out.append(
            Gap(
                symbol=getattr(item, "symbol", ""),
                stream=stream_name(identity.stream),
                cause=GapCause.SEQUENCE if track.epoch == self._epoch else self._cause,
                last_sequence=number_of(last),
                first_sequence=first,
                ts_recv_ns=getattr(item, "ts_recv_ns", 0),
            )
        )


def _reached(track: _Track | None, first: Identity) -> bool:
    if track is None:
        return False
    if track.last >= first.sequence:
        return True
    return first.first is not None and track.last + 1 >= first.first


def _is_younger(item: Any, last: Any) -> bool:
    """Whether ``item`` cannot be a repetition of ``last``, or of what came before it.

    Told by the time of the matter itself, else by that of sending, else by that of arrival. Of what
    is no event nothing is known, and it is a repetition.
    """
    if not (isinstance(item, Event) and isinstance(last, Event)):
        return False
    for name in _TIMES:
        time, last_time = getattr(item, name, 0), getattr(last, name, 0)
        if time and last_time:
            # A book that begins anew needs its snapshot, and can bear to begin once too often.
            is_beginning = isinstance(item, BookSnapshot) and name != _ARRIVAL
            return bool(time > last_time + (0 if is_beginning else _YOUNGER_NS))
    return False
