"""Counts of a managed connection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tickwire.transport import AsyncWebSocket

    from .merge import Merge
    from .reasons import DisconnectReason

__all__ = ["Tally", "WebSocketStats"]


@dataclass(frozen=True, slots=True)
class WebSocketStats:
    """Counts at the time of asking.

    Attributes:
        connects: Connections established.
        disconnects: Connections ended, for whatever reason.
        proactive_disconnects: Those that this program decided.
        reactive_disconnects: Those that were forced on it.
        failed_attempts: Connects that did not succeed.
        rotations: Planned hand-overs completed.
        messages_received: From the sockets, what was left out as duplicate included.
        messages_sent: Data messages and pings.
        bytes_received, bytes_sent: On the wire, below TLS.
        duplicates: Messages left out because another connection had brought them.
        gaps: Holes reported.
        dropped: Messages that an overflow policy dropped.
        stale: Streams found stale.
        undecodable: Messages that were not JSON; they were handed over as text or bytes.
        uptime: Seconds with at least one connection, all together.
        connection_time: Seconds since the present connection was established; 0 without one.
        reasons: Ends by reason.
    """

    connects: int
    disconnects: int
    proactive_disconnects: int
    reactive_disconnects: int
    failed_attempts: int
    rotations: int
    messages_received: int
    messages_sent: int
    bytes_received: int
    bytes_sent: int
    duplicates: int
    gaps: int
    dropped: int
    stale: int
    undecodable: int
    uptime: float
    connection_time: float
    reasons: dict[DisconnectReason, int]

    def __str__(self) -> str:
        """One line, the counts that are not zero."""
        shown = [
            f"{item.name}={value:.1f}" if isinstance(value, float) else f"{item.name}={value}"
            for item in fields(self)
            if item.name != "reasons" and (value := getattr(self, item.name))
        ]
        return f"WebSocketStats({', '.join(shown)})"


@dataclass(slots=True)
class Tally:
    """What is counted while the manager runs. Traffic is counted by the sockets themselves, and
    taken over from each when it has ended."""

    connects: int = 0
    failed_attempts: int = 0
    rotations: int = 0
    unbounded_gaps: int = 0
    stale: int = 0
    undecodable: int = 0
    messages_received: int = 0
    messages_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    dropped: int = 0
    up_ns: int = 0
    up_since_ns: int | None = None
    reasons: Counter[DisconnectReason] = field(default_factory=Counter)

    def retire(self, ws: AsyncWebSocket) -> None:
        """Take over the traffic of a socket that is asked no more."""
        self.messages_received += ws.messages_received
        self.messages_sent += ws.messages_sent
        self.bytes_received += ws.bytes_received
        self.bytes_sent += ws.bytes_sent
        self.dropped += ws.dropped

    def snapshot(
        self, live: list[AsyncWebSocket], now_ns: int, connected_ns: int | None, merge: Merge
    ) -> WebSocketStats:
        """The counts at ``now_ns`` (monotonic), with the traffic of the sockets still in use."""
        running = 0 if self.up_since_ns is None else now_ns - self.up_since_ns
        proactive = sum(count for reason, count in self.reasons.items() if reason.is_proactive)
        ended = self.reasons.total()
        return WebSocketStats(
            connects=self.connects,
            disconnects=ended,
            proactive_disconnects=proactive,
            reactive_disconnects=ended - proactive,
            failed_attempts=self.failed_attempts,
            rotations=self.rotations,
            messages_received=self.messages_received + sum(ws.messages_received for ws in live),
            messages_sent=self.messages_sent + sum(ws.messages_sent for ws in live),
            bytes_received=self.bytes_received + sum(ws.bytes_received for ws in live),
            bytes_sent=self.bytes_sent + sum(ws.bytes_sent for ws in live),
            duplicates=merge.duplicates,
            gaps=merge.gaps + self.unbounded_gaps,
            dropped=self.dropped + sum(ws.dropped for ws in live),
            stale=self.stale,
            undecodable=self.undecodable,
            uptime=(self.up_ns + running) / 1e9,
            connection_time=0.0 if connected_ns is None else (now_ns - connected_ns) / 1e9,
            reasons=dict(self.reasons),
        )
