"""What the stream says when a connection begins or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tickwire.market import Gap, GapCause
from tickwire.transport import WebSocketClosed

from .records import Connected, Disconnected, Reconnected

if TYPE_CHECKING:
    from tickwire.clock import Clock
    from tickwire.transport import WebSocketError

    from .link import Link

__all__ = ["begins", "ends"]

_NS = 1_000_000_000
_ABNORMAL = 1006


def begins(
    link: Link,
    before: Link | None,
    *,
    clock: Clock,
    down_since_ns: int | None,
    held: int,
    duplicates: int,
    identified: bool,
) -> list[Connected | Reconnected | Gap]:
    """The records of a connection that begins to deliver.

    Where messages cannot be told apart, a loss is marked by a gap that has no bounds.

    Args:
        link: It.
        before: The one that it follows, if there is one.
        clock: The manager's.
        down_since_ns: Since when there has been no connection, if there is none.
        held: Messages that it has brought while another one delivered.
        duplicates: How many of them had been delivered.
        identified: Whether messages can be told apart.
    """
    if before is None:
        return [Connected(connection=link.number, ts_ns=clock.wall_ns())]
    now = clock.mono_ns()
    began = link.overlap_ns
    planned = began is not None and before.planned is not None
    record = Reconnected(
        connection=link.number,
        ts_ns=clock.wall_ns(),
        reason=before.reason,
        replaces=before.number,
        downtime=(now - down_since_ns) / _NS
        if began is None and down_since_ns is not None
        else 0.0,
        overlap=0.0 if began is None else (now - began) / _NS,
        held=held,
        duplicates=duplicates,
        promise=("exactly-once" if identified else "at-least-once") if planned else "gap",
    )
    if planned or identified:
        return [record]
    return [record, Gap(symbol="", stream="", cause=GapCause.DISCONNECT)]


def ends(link: Link, error: WebSocketError, *, clock: Clock, remaining: int) -> Disconnected:
    """The record of a connection that has ended."""
    closed = error if isinstance(error, WebSocketClosed) else None
    return Disconnected(
        connection=link.number,
        ts_ns=clock.wall_ns(),
        reason=link.reason,
        code=_ABNORMAL if closed is None else int(closed.code),
        text="" if closed is None else closed.reason,
        remaining=remaining,
    )
