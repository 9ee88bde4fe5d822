"""Books whose changes follow a snapshot in the stream: a change without one is a fault. Pure."""

from __future__ import annotations

__all__ = ["Beginnings"]


class Beginnings:
    """Which books of a connection have begun."""

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._told: set[str] = set()

    def begin(self, stream: str) -> None:
        """Its snapshot is here."""
        self._begun.add(stream)
        self._told.discard(stream)

    def is_missing(self, stream: str) -> bool:
        """Whether a change of ``stream`` has nothing to be a change of; True once until it has."""
        if stream in self._begun or stream in self._told:
            return False
        self._told.add(stream)
        return True

    def has_begun(self, stream: str) -> bool:
        """Whether its snapshot came."""
        return stream in self._begun

    def doubt(self, stream: str) -> None:
        """It is told already that it cannot be trusted: until the next snapshot, once is enough."""
        self._begun.discard(stream)
        self._told.add(stream)

    def forget(self, stream: str) -> None:
        """The subscription ends, or begins anew."""
        self._begun.discard(stream)
        self._told.discard(stream)

    def clear(self) -> None:
        """A connection begins anew."""
        self._begun.clear()
        self._told.clear()
