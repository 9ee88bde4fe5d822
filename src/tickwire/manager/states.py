"""The states of a managed connection and the moves between them: one table.

The table is the whole rule. The picture in ``docs/manager.md`` is drawn from it, and a move that is
not in it is a mistake in this package and raises.

CLOSED ends a life. ``connect()`` or ``schedule_reconnect()`` after it begins another one, with a
machine of its own that starts at DISCONNECTED.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tickwire.errors import TickwireError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TRANSITIONS", "ConnectionState", "IllegalTransition", "StateMachine", "mermaid"]


class ConnectionState(Enum):
    """Where a managed connection is in its life."""

    DISCONNECTED = "disconnected"
    """Not connected, and nobody tries: before the first connect, or after giving up."""
    CONNECTING = "connecting"
    """The first connect is under way."""
    CONNECTED = "connected"
    """At least one connection is up. A planned hand-over does not leave this state."""
    RECONNECTING = "reconnecting"
    """The connection was lost, or was let go for a while; it will be restored."""
    CLOSING = "closing"
    """This program ends the connection."""
    CLOSED = "closed"
    """The end of this life."""


_S = ConnectionState

TRANSITIONS: dict[tuple[ConnectionState, ConnectionState], str] = {
    (_S.DISCONNECTED, _S.CONNECTING): "connect()",
    (_S.CONNECTING, _S.CONNECTED): "the upgrade succeeded",
    (_S.CONNECTING, _S.DISCONNECTED): "the first connect failed or was given up",
    (_S.CONNECTED, _S.RECONNECTING): "the last connection is gone",
    (_S.RECONNECTING, _S.CONNECTED): "success",
    (_S.RECONNECTING, _S.DISCONNECTED): "failure, or given up",
    (_S.CONNECTED, _S.CLOSING): "disconnect()",
    (_S.CLOSING, _S.CLOSED): "the connections are gone",
}
"""Every legal move, and what makes it."""


class IllegalTransition(TickwireError):
    """A move that the table does not have: a mistake in tickwire. Retry: no; please report it."""


class StateMachine:
    """Holds the state of one life, and moves it only along the table.

    Args:
        on_change: Called with the old and the new state after every move.

    Attributes:
        state: Where it stands.
    """

    __slots__ = ("_on_change", "state")

    def __init__(
        self, on_change: Callable[[ConnectionState, ConnectionState], object] | None = None
    ) -> None:
        self.state = ConnectionState.DISCONNECTED
        self._on_change = on_change

    def to(self, state: ConnectionState) -> None:
        """Move to ``state``.

        Raises:
            IllegalTransition: The table has no such move.
        """
        old = self.state
        if (old, state) not in TRANSITIONS:
            raise IllegalTransition(f"no transition from {old.name} to {state.name}")
        self.state = state
        if self._on_change is not None:
            self._on_change(old, state)


def mermaid() -> str:
    """The table as a Mermaid state diagram, one move a line, in the table's order."""
    lines = ["stateDiagram-v2", "    [*] --> DISCONNECTED"]
    lines += [f"    {old.name} --> {new.name}: {why}" for (old, new), why in TRANSITIONS.items()]
    lines.append("    CLOSED --> [*]")
    return "\n".join(lines)
