"""A codec with an intake: what every venue's codec does about it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tickwire.exchanges.common import UNDECODABLE, VenueCodec
from tickwire.exchanges.intake import Intake, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tickwire.exchanges.base import CodecStats, Stream
    from tickwire.exchanges.intake import Plan, Target
    from tickwire.market import Event

__all__ = ["WAYS_KEPT", "ShapedCodec"]

WAYS_KEPT = 4096
"""Instruments and streams that nobody asked for and a server can make a codec remember."""


class ShapedCodec(VenueCodec):
    """A codec whose plain frames are read by an :class:`~tickwire.exchanges.intake.Intake`.

    A subclass says what ends the beginning of a frame (:attr:`_head_ends`, looked for from
    :attr:`_head_from` on) and where the next key stands behind it (:attr:`_head_gap`), and adds
    ways. It forgets with every subscription what the ways were learnt from.
    """

    _head_ends: bytes = b'"'
    _head_from: int
    _head_gap: int = len('",')

    def __init__(self, *, streams_limit: int, plans: Mapping[str, Plan]) -> None:
        """``plans`` are those of the kinds that the intake reads."""
        super().__init__(streams_limit=streams_limit)
        self._shapes = {kind: Shape(plan) for kind, plan in plans.items()}
        self._targets: dict[str, dict[str, Target]] = {kind: {} for kind in plans}
        self._intake = Intake(
            self._take_missed,
            look=self._take_properly,
            ends=self._head_ends,
            begin=self._head_from,
        )

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Take one frame; append what it says."""
        self._intake.receive(frame, recv_ns, events)

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None:
        """Take frames that were read together, in order; as :meth:`receive` of each."""
        self._intake.receive_many(frames, recv_ns, events)

    def _take_missed(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Take a frame that the intake does not."""
        self._take_properly(frame, recv_ns, events)

    def _take_properly(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        try:
            self._take(frame, recv_ns, events)
        except UNDECODABLE as error:
            self._oddities.count_undecodable(error, frame, recv_ns)

    def _add_ways(self, lead: bytes, names: Mapping[str, str]) -> None:
        """Let the frames that begin with ``lead`` and a name have the shape of that kind; their
        targets are learnt one by one."""
        for name, kind in names.items():
            if kind in self._shapes:
                head = lead + name.encode()
                self._intake.add(
                    head,
                    self._shapes[kind],
                    start=len(head) + self._head_gap,
                    targets=self._targets[kind],
                )

    def _learn_target(self, kind: str, symbol: str, make: Callable[[], Target]) -> None:
        """Let the intake read ``kind`` of an instrument, if it can."""
        targets = self._targets.get(kind)
        if targets is not None and symbol not in targets and len(targets) < WAYS_KEPT:
            targets[symbol] = make()

    def _forget_ways(self) -> None:
        """What the ways were learnt from holds no longer."""
        for targets in self._targets.values():
            targets.clear()

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The requests. See :class:`~tickwire.exchanges.common.VenueCodec`."""
        frames = super().subscribe(streams, now_ns)
        self._forget_ways()
        return frames

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The requests. See :class:`~tickwire.exchanges.common.VenueCodec`."""
        frames = super().unsubscribe(streams, now_ns)
        self._forget_ways()
        return frames

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        super().reset()
        self._forget_ways()

    @property
    def stats(self) -> CodecStats:
        """Counts since the codec was made."""
        found = super().stats
        events = dict(found.events)
        for shape in self._shapes.values():
            if shape.count:
                events[shape.kind] = events.get(shape.kind, 0) + shape.count
        return msgspec.structs.replace(found, events=events)
