"""The receive queue in pure Python: the twin of ``_inbox.pyx``; see there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .overflow import OverflowCode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Inbox"]

_MESSAGE_OVERHEAD = 64
_BLOCK = int(OverflowCode.BLOCK)


class Inbox:
    """A bounded queue of messages with their arrival times; see ``_inbox.pyx``.

    Args:
        limit: Messages.
        limit_bytes, read_ahead: Bytes.
        policy: An :class:`OverflowCode`.
        key: The key function of ``conflate``, else ``None``.
    """

    def __init__(
        self,
        limit: int,
        limit_bytes: int,
        read_ahead: int,
        policy: int,
        key: Callable[[bytes], Hashable] | None,
    ) -> None:
        self.used = 0
        self.dropped = 0
        self.opcode = 0
        self.wall = 0
        self.mono = 0
        self.lost = 0
        self._slots: deque[tuple[bytes, int, int, int, int]] = deque()
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._read_ahead = read_ahead
        self._full_at = -1
        self._policy = policy
        self._key = key
        self._index: dict[Hashable, int] | None = None
        self._popped = 0
        self._pending_lost = 0

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def count(self) -> int:
        """Messages queued."""
        return len(self._slots)

    def at_limit(self) -> bool:
        """Whether the queue holds as much as it should."""
        return len(self._slots) >= self._limit or self.used >= self._limit_bytes

    def is_full(self) -> bool:
        """Whether the reader must stop: at the limit, and the read-ahead is used up."""
        return self._full_at >= 0 and self.used - self._full_at >= self._read_ahead

    def has_room(self) -> bool:
        """Whether a stopped reader may go on: half of the bound is free."""
        return len(self._slots) * 2 <= self._limit and self.used * 2 <= self._limit_bytes

    def put(self, payload: bytes, opcode: int = 2, wall: int = 0, mono: int = 0) -> bool:
        """Queue a message; ``False`` if the policy is ``fail`` and there is no room."""
        if self._policy != _BLOCK and self.at_limit():
            return self._overflow(payload, opcode, wall, mono)
        self._append(payload, opcode, wall, mono)
        if self._policy == _BLOCK and self._full_at < 0 and self.at_limit():
            self._full_at = self.used
        return True

    def _append(self, payload: bytes, opcode: int, wall: int, mono: int) -> None:
        self._slots.append((payload, opcode, wall, mono, self._pending_lost))
        self._pending_lost = 0
        self.used += len(payload) + _MESSAGE_OVERHEAD

    def _overflow(self, payload: bytes, opcode: int, wall: int, mono: int) -> bool:
        if self._policy == OverflowCode.FAIL:
            return False
        self.dropped += 1
        if self._policy == OverflowCode.DROP_NEWEST:
            self._pending_lost += 1
            return True
        key: Hashable = None
        if self._policy == OverflowCode.CONFLATE and self._key is not None:
            if self._index is None or len(self._index) > 4 * self._limit:
                self._index = {
                    self._key(slot[0]): self._popped + i for i, slot in enumerate(self._slots)
                }
            key = self._key(payload)
            at = self._index.get(key, -1) - self._popped
            if at >= 0:
                older = self._slots[at]
                self.used += len(payload) - len(older[0])
                self._slots[at] = (payload, opcode, wall, mono, older[4] + 1)
                while len(self._slots) > 1 and self.used > self._limit_bytes:
                    self.dropped += 1
                    self._drop_oldest()
                self._forget_index()
                return True
        self._drop_oldest()
        while self._slots and self.at_limit():
            self.dropped += 1
            self._drop_oldest()
        if self._index is not None:
            self._index[key] = self._popped + len(self._slots)
        self._append(payload, opcode, wall, mono)
        self._forget_index()
        return True

    def _forget_index(self) -> None:
        """The index is kept only while every message passes through it: at the limit."""
        if not self.at_limit():
            self._index = None

    def _drop_oldest(self) -> None:
        """Take the head away, and note the hole on what follows it."""
        payload, _, _, _, lost = self._slots.popleft()
        self.used -= len(payload) + _MESSAGE_OVERHEAD
        self._popped += 1
        if self._slots:
            *rest, before = self._slots[0]
            self._slots[0] = (*rest, before + lost + 1)  # type: ignore[assignment]
        else:
            self._pending_lost += lost + 1

    def next_mono(self) -> int:
        """The arrival of the oldest message; there is one."""
        return self._slots[0][3]

    def get(self) -> bytes:
        """The oldest message. Its opcode, stamps and hole are left in attributes.

        Raises:
            IndexError: The queue is empty.
        """
        payload, self.opcode, self.wall, self.mono, self.lost = self._slots.popleft()
        self._popped += 1
        self.used -= len(payload) + _MESSAGE_OVERHEAD
        if (self._full_at >= 0 or self._index is not None) and not self.at_limit():
            self._full_at = -1
            self._index = None
        return payload
