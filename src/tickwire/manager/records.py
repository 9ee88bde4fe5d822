"""What a managed stream says about itself, in order with its data (``events=True``).

A hole in the data is the market layer's :class:`~tickwire.Gap`, the same for every source.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .reasons import DisconnectReason  # noqa: TC001

__all__ = [
    "Connected",
    "Disconnected",
    "Dropped",
    "Reconnected",
    "Record",
    "Stale",
]


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all records share.

    Attributes:
        connection: The number of the connection, counted from 1 over the manager's whole life.
        ts_ns: When it happened: ns since the Unix epoch, by the manager's clock.
    """

    kind: ClassVar[str] = "record"

    connection: int
    ts_ns: int


class Connected(Record, frozen=True, kw_only=True, gc=False):
    """The first connection of a life is up, or one more of a redundant set."""

    kind: ClassVar[str] = "connected"


class Disconnected(Record, frozen=True, kw_only=True, gc=False):
    """A connection has ended, and everything that it delivered stands before this.

    Attributes:
        reason: Why.
        code: The close code; 1006 where there was no close frame.
        text: The peer's reason, possibly empty.
        remaining: Connections that still deliver.
    """

    kind: ClassVar[str] = "disconnected"

    reason: DisconnectReason
    code: int
    text: str
    remaining: int


class Reconnected(Record, frozen=True, kw_only=True, gc=False):
    """A connection has taken over from another, and its data follows.

    Attributes:
        reason: Why the one before it ended.
        replaces: The number of the one before it.
        downtime: Seconds without any connection; 0 after a hand-over.
        overlap: Seconds for which both delivered; 0 where there was no overlap.
        held: Messages of the new connection that came during the overlap.
        duplicates: How many of those the old one had brought as well; they are left out.
        promise: ``"exactly-once"`` where every message has an identity; ``"at-least-once"`` where
            the overlap may show messages twice; ``"gap"`` where some may be missing.
    """

    kind: ClassVar[str] = "reconnected"

    reason: DisconnectReason
    replaces: int
    downtime: float
    overlap: float
    held: int
    duplicates: int
    promise: str


class Stale(Record, frozen=True, kw_only=True, gc=False):
    """A stream has been silent for longer than its limit while its neighbours were not.

    Attributes:
        stream: Which, in the words of its identity.
        silence: Seconds since its last message.
        limit: The limit in seconds.
    """

    kind: ClassVar[str] = "stale"

    stream: str
    silence: float
    limit: float


class Dropped(Record, frozen=True, kw_only=True, gc=False):
    """An overflow policy dropped messages just before this point.

    Attributes:
        count: How many.
    """

    kind: ClassVar[str] = "dropped"

    count: int
