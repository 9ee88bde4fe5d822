"""How frames that name their stream find their type: the intake of OKX and Bybit. Pure.

The bytes before a frame's data are the same for every frame of a stream, so they are the key of a
table of :class:`Lane`, each with the decoder of its frames: one slice, one look-up, and the message
is decoded straight into events. A key is learnt from a frame that was read properly, and only if
it says everything that the reading said; whatever has no lane, or does not decode, is read
properly, which gives the same events, only later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges.common import UNDECODABLE
from tickwire.exchanges.shaped import ShapedCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from tickwire.exchanges.base import CodecStats, Stream
    from tickwire.exchanges.intake import Plan, Target
    from tickwire.market import Event

__all__ = ["LANES_KEPT", "LOOK_EVERY", "Lane", "PushCodec", "known_keys", "without_empty"]

LOOK_EVERY = 1024
"""The keys of every so many frames of a lane are compared with its type's; a new field costs
nothing and is noticed late."""
LANES_KEPT = 4096
"""Streams that nobody asked for and a server can make a codec remember."""


class _Body(msgspec.Struct, gc=False):
    data: msgspec.Raw


_read_body = msgspec.json.Decoder(_Body).decode
_read_items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | dict[str, msgspec.Raw]).decode


class Lane:
    """One stream's way to its events.

    Attributes:
        name: The stream.
        kind: What flows in it.
        symbol: What its events carry, or empty to keep the venue's.
        decode: From a frame to the message's type.
        emit: From that to events: lane, message, frame, arrival in ns, the caller's events.
        known: The keys of one item of data, or none to not look.
        tally: Its events, in a cell that all lanes of its kind share.
        unlooked: How many more frames may pass before the keys of one are looked at.
    """

    __slots__ = ("decode", "emit", "kind", "known", "name", "symbol", "tally", "unlooked")

    def __init__(
        self,
        name: str,
        kind: str,
        symbol: str,
        decode: Callable[[bytes], Any],
        emit: Callable[[Lane, Any, bytes, int, list[Event]], None],
        known: frozenset[str],
    ) -> None:
        self.name = name
        self.kind = str(kind)  # not an enum's member, whose hash is slow
        self.symbol = symbol
        self.decode = decode
        self.emit = emit
        self.known = known
        self.tally = [0]
        self.unlooked = 0


class PushCodec(ShapedCodec):
    """A codec with lanes. A subclass reads by :meth:`_take_general` what has no lane."""

    def __init__(self, *, streams_limit: int, plans: Mapping[str, Plan]) -> None:
        """``plans`` are those of the kinds that the intake reads."""
        super().__init__(streams_limit=streams_limit, plans=plans)
        self._lanes: dict[bytes, Lane] = {}
        self._lanes_by_key: dict[Hashable, Lane] = {}
        self._tallies: dict[str, list[int]] = {}

    def _take_general(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Read one frame properly."""
        raise NotImplementedError

    def _target(self, lane: Lane) -> Target:
        """Whose events the intake makes of a lane's frames, and where their numbers are kept."""
        raise NotImplementedError

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        self._take_general(frame, recv_ns, events)

    def _take_missed(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Take a frame that the intake does not: by its lane, else properly."""
        start, ends = self._head_from, self._head_ends
        lane = self._lanes.get(frame[: frame.find(ends, start)])
        if lane is None:
            self._take_properly(frame, recv_ns, events)
            return
        try:
            message = lane.decode(frame)
        except UNDECODABLE:
            # Nearly always an empty text where a number is due.
            self._take_properly(frame, recv_ns, events)
            return
        try:
            if lane.unlooked:
                lane.unlooked -= 1
            else:
                self._look(lane, frame, recv_ns)
            lane.emit(lane, message, frame, recv_ns, events)
        except UNDECODABLE as error:
            self._oddities.count_undecodable(error, frame, recv_ns)

    @property
    def stats(self) -> CodecStats:
        """Counts since the codec was made."""
        found = super().stats
        events = dict(found.events)
        for kind, tally in self._tallies.items():
            events[kind] = events.get(kind, 0) + tally[0]
        return msgspec.structs.replace(found, events=events)

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The requests. See :class:`~tickwire.exchanges.common.VenueCodec`."""
        frames = super().subscribe(streams, now_ns)
        for lane in self._lanes_by_key.values():
            # A stream may be asked for again under another name of its instrument.
            lane.symbol = self._symbol(lane.name, lane.symbol)
        return frames

    def _forget_ways(self) -> None:
        """The next frame of every stream is read properly, and its way learnt anew."""
        super()._forget_ways()
        self._lanes.clear()
        self._intake.clear()

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        super().reset()
        self._lanes_by_key.clear()

    def _remember(self, key: Hashable, lane: Lane) -> None:
        """Count a new lane's events with those of its kind, and keep it, in bounds."""
        lane.tally = self._tallies.setdefault(lane.kind, lane.tally)
        if len(self._lanes_by_key) < LANES_KEPT:
            self._lanes_by_key[key] = lane

    def _learn(self, head: bytes, lane: Lane) -> None:
        """Let frames that begin with ``head`` go this way from now on."""
        if len(self._lanes) >= LANES_KEPT and head not in self._lanes:
            return
        self._lanes[head] = lane
        shape = self._shapes.get(lane.kind)
        if shape is not None and lane.symbol:
            start = len(head) + self._head_gap
            target = self._target(lane)
            self._intake.add(head, shape, start=start, target=target, look_every=LOOK_EVERY)

    def _look(self, lane: Lane, frame: bytes, recv_ns: int) -> None:
        """Compare a frame's keys with those that its type has."""
        lane.unlooked = LOOK_EVERY
        if not lane.known:
            return
        found = _read_items(_read_body(frame).data)
        items = found if isinstance(found, list) else [found]
        new = {key for item in items for key in item} - lane.known
        if new:
            self._oddities.count_new_fields(lane.kind, new, frame, recv_ns)


def known_keys(*structs: type[msgspec.Struct], also: tuple[str, ...] = ()) -> frozenset[str]:
    """The JSON keys of ``structs``, and those that are known and not kept."""
    keys = {field.encode_name for kind in structs for field in msgspec.structs.fields(kind)}
    return frozenset(keys.union(also))


def without_empty(value: Any) -> Any:
    """A parsed message without its empty texts, by which venues say "not applicable"."""
    if isinstance(value, dict):
        return {key: without_empty(inner) for key, inner in value.items() if inner != ""}
    if isinstance(value, list):
        return [without_empty(inner) for inner in value]
    return value
