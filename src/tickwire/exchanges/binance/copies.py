"""Which of two connections' equal messages is the copy of which: by counting. Pure.

Each connection brings each event exactly once, and the copies are equal byte for byte. So the
*n*-th message of some bytes on one connection is the *n*-th of them on the other, and what is new
is what exceeds the count delivered so far. An event that really happens twice comes twice on each.
"""

from __future__ import annotations

from collections import Counter

__all__ = ["Copies"]


class Copies:
    """What came since the connections began to overlap. Memory: one entry per event.

    It goes on after the old connection's end, for copies that are late on the new one.
    """

    def __init__(self) -> None:
        self._came: dict[int, Counter[bytes]] = {}
        self._delivered: Counter[bytes] = Counter()

    def is_new(self, connection: int, payload: bytes) -> bool:
        """Take in a message; tells whether it is to be delivered.

        Args:
            connection: Any number for it.
            payload: Without the envelope, which may differ.
        """
        came = self._came.setdefault(connection, Counter())
        came[payload] += 1
        if came[payload] <= self._delivered[payload]:
            return False
        self._delivered[payload] += 1
        return True
