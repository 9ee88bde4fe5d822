"""Where a manager may connect to, and from when on each of these wants to be asked again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reasons import outlook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.transport import WebSocketError

__all__ = ["Endpoints"]

_NS = 1_000_000_000


class Endpoints:
    """They take turns. What one of them asks for (Retry-After, "try again later") holds for all
    connections of the manager, and for that one alone.

    Args:
        endpoints: URLs, each with parameters of its own.
        later: Seconds that "try again later" stands for.
    """

    def __init__(self, endpoints: Sequence[tuple[str, dict[str, Any]]], *, later: float) -> None:
        self._endpoints = endpoints
        self._later = later
        self._not_before_ns = [0] * len(endpoints)

    def __len__(self) -> int:
        return len(self._endpoints)

    def at(self, turn: int) -> tuple[str, dict[str, Any]]:
        """The one whose turn it is."""
        return self._endpoints[turn % len(self._endpoints)]

    def heed(self, turn: int, error: WebSocketError | None, *, now_ns: int, wall_ns: int) -> None:
        """Take in what the end of an attempt or of a connection says about the next one."""
        index = turn % len(self._endpoints)
        least = outlook(error, wall_ns / _NS, later=self._later).wait_at_least
        self._not_before_ns[index] = max(self._not_before_ns[index], now_ns + round(least * _NS))

    def not_before_ns(self, turn: int) -> int:
        """The monotonic instant from which on it may be asked."""
        return self._not_before_ns[turn % len(self._endpoints)]
