"""The codec contract: what stands between a venue's frames and typed events.

A codec is pure state. Frames go in; events, frames to send and directives come out. It
never sees a socket or a clock: time is an argument, in nanoseconds since the Unix epoch. One codec
serves one connection at a time, and after :meth:`Codec.reset` the next one.

Nothing that a venue sends makes :meth:`Codec.receive` raise. What it cannot use is counted, kept
(the last few frames) and shown by :attr:`Codec.stats`; what the venue refuses comes out of
:meth:`Codec.take_errors`.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tickwire.errors import SubscriptionError
    from tickwire.market import Event, Identity

__all__ = [
    "Codec",
    "CodecStats",
    "Directive",
    "HttpRequest",
    "Identifier",
    "Liveness",
    "OddFrame",
    "Opening",
    "RateLimits",
    "RateWindow",
    "Reconnect",
    "Resync",
    "RotateBy",
    "Stream",
    "SubscriptionState",
    "combined_stats",
]

_ODD_FRAMES_KEPT = 16


class Stream(msgspec.Struct, frozen=True, gc=False):
    """One stream of a venue, and what the caller calls its symbol.

    Attributes:
        name: In the venue's words: ``btcusdt@trade``.
        kind: What flows in it, in the venue codec's own list.
        symbol: What its events carry as ``symbol``. Empty where the stream has many symbols; its
            events then carry the venue's.
    """

    name: str
    kind: str
    symbol: str

    def __str__(self) -> str:
        return self.name


class SubscriptionState(StrEnum):
    """Where a stream stands on this connection."""

    PENDING = "pending"
    """Asked for, not answered. Data may flow already."""
    ACCEPTED = "accepted"
    """The venue said yes. It may be silent all the same."""
    REFUSED = "refused"
    """The venue said no; the reason is among :meth:`Codec.take_errors`."""


class Resync(msgspec.Struct, frozen=True, gc=False):
    """Subscribe ``stream`` again on the same connection: what it sent cannot be trusted."""

    stream: str
    reason: str


class Reconnect(msgspec.Struct, frozen=True, gc=False):
    """This connection is of no more use: close it and open another."""

    reason: str


class RotateBy(msgspec.Struct, frozen=True, gc=False):
    """Hand over to a new connection before ``deadline_ns``; this one still works until then.

    Attributes:
        deadline_ns: ns since the Unix epoch. A deadline that is already here means: begin at once.
        reason: The venue's word for it.
    """

    deadline_ns: int
    reason: str


Directive = Resync | Reconnect | RotateBy


class RateWindow(msgspec.Struct, frozen=True, gc=False):
    """At most ``count`` in any stretch of ``seconds``."""

    count: int
    seconds: float


class RateLimits(msgspec.Struct, frozen=True):
    """What a venue counts.

    Attributes:
        messages: Frames that a client sends on one connection.
        connects: Connects from one address.
        uncounted: How frames begin that ``messages`` leaves out, such as answers to pings.
    """

    messages: tuple[RateWindow, ...] = ()
    connects: tuple[RateWindow, ...] = ()
    uncounted: tuple[bytes, ...] = ()


class Liveness(msgspec.Struct, frozen=True, gc=False):
    """What keeps a connection, and what shows that it is dead. Seconds throughout.

    Attributes:
        ping_every: Send ``ping`` so often; ``None``: the venue does not ask for it.
        only_in_silence: Whether that counts from the last byte that came, or from the last ping.
        dead_after: Without a byte for so long the connection is dead; ``None`` leaves that to the
            WebSocket's own pings.
        ping: The message, in the venue's words.
    """

    ping_every: float | None = None
    only_in_silence: bool = False
    dead_after: float | None = None
    ping: bytes = b""


class HttpRequest(msgspec.Struct, frozen=True):
    """A REST request that a codec needs done. Its headers and body may hold secrets: the repr
    shows the method and the address without its query."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self.url.partition('?')[0]}>"


class OddFrame(msgspec.Struct, frozen=True, gc=False):
    """A frame that gave no event where one was due, or had something new in it.

    Attributes:
        reason: What was odd, in words; not meant for programs.
        frame: The frame's first bytes (see :mod:`tickwire.exchanges.oddities`).
        ts_recv_ns: When it arrived.
    """

    reason: str
    frame: bytes
    ts_recv_ns: int


class CodecStats(msgspec.Struct, frozen=True):
    """Counts since the codec was made (a reconnect does not clear them), at the time of asking.

    Attributes:
        events: Events by stream kind, gaps not included.
        unknown: Frames of kinds that the codec does not know, by the venue's word for the kind.
        new_fields: Keys that the codec does not know, by stream kind, with the number of looked-at
            frames that had them. Only a sample of the frames is looked at.
        undecodable: Frames that are malformed, or lack a field, or have one of the wrong type.
        gaps: Sequence breaks, each one a :class:`~tickwire.market.Gap` event.
        stale: Updates that repeat what was already seen (delivered all the same).
        acks: Answers to requests, refusals not included.
        refusals: Error answers.
        odd_frames: The last few frames that were unknown, undecodable or new, oldest first.
    """

    events: dict[str, int]
    unknown: dict[str, int]
    new_fields: dict[str, dict[str, int]]
    undecodable: int
    gaps: int
    stale: int
    acks: int
    refusals: int
    odd_frames: tuple[OddFrame, ...]


def combined_stats(one: CodecStats, other: CodecStats) -> CodecStats:
    """The counts of two codecs together, the odd frames of the second after those of the first."""
    new_fields = {
        kind: dict(Counter(one.new_fields.get(kind, {})) + Counter(other.new_fields.get(kind, {})))
        for kind in one.new_fields | other.new_fields
    }
    return CodecStats(
        events=dict(Counter(one.events) + Counter(other.events)),
        unknown=dict(Counter(one.unknown) + Counter(other.unknown)),
        new_fields=new_fields,
        undecodable=one.undecodable + other.undecodable,
        gaps=one.gaps + other.gaps,
        stale=one.stale + other.stale,
        acks=one.acks + other.acks,
        refusals=one.refusals + other.refusals,
        odd_frames=(*one.odd_frames, *other.odd_frames)[-_ODD_FRAMES_KEPT:],
    )


class Codec(Protocol):
    """One connection's worth of a venue's protocol."""

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Take one data frame; append what it says to ``events`` (nothing, one or several).

        Args:
            frame: The message's payload. Borrowed for the call; events do not point into it.
            recv_ns: When its bytes were read, ns since the Unix epoch.
            events: Belongs to the caller.
        """
        ...

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None:
        """Take data frames that were read together, in order; as :meth:`receive` of each."""
        ...

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The frames that ask for ``streams``, to be sent in order within the venue's limits.

        Data may come before the answer. Where a stream needs a login first, what asks for it may
        come out of :meth:`take_output` instead, once the venue has accepted the login.

        Args:
            streams: What is wanted.
            now_ns: The time, ns since the Unix epoch, for venues that sign it.
        """
        ...

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The frames that end ``streams``. Data may come until the answer."""
        ...

    def take_output(self) -> list[bytes]:
        """Frames to send in reply to what was received, oldest first; each is given out once."""
        ...

    def take_directive(self) -> Directive | None:
        """What the connection should do, if anything; given out once. Ask until there is none."""
        ...

    def take_errors(self) -> list[SubscriptionError]:
        """Refusals since the last call, oldest first."""
        ...

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        ...

    @property
    def subscriptions(self) -> Mapping[str, SubscriptionState]:
        """The state of every stream asked for on this connection, by stream name."""
        ...

    @property
    def stats(self) -> CodecStats:
        """Counts so far."""
        ...


class Opening(Protocol):
    """What a codec has besides, where a connection of its venue needs more than an address.

    A codec that has a ``liveness`` attribute (:class:`Liveness`) is kept alive by it.
    """

    def prepare(self, now_ns: int) -> HttpRequest | None:
        """The request to be made before connecting (a token), if any."""
        ...

    def prepared(self, status: int, body: bytes, now_ns: int) -> None:
        """The answer to it.

        Raises:
            LoginError: The venue refuses. Retry: no.
        """
        ...

    def upgrade_headers(self, now_ns: int) -> Mapping[str, str]:
        """Headers of the WebSocket upgrade (a signature), possibly none."""
        ...


class Identifier(Protocol):
    """What a codec has besides, where its venue's events can be told apart: with it, connections
    can overlap and nothing is delivered twice."""

    @property
    def rate_limits(self) -> RateLimits:
        """The venue's limits."""
        ...

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Which event this is; ``None`` where the venue gives nothing to tell by.

        Args:
            frame: The frame that :meth:`Codec.receive` made it of.
            event: One of the events that it gave.
        """
        ...
