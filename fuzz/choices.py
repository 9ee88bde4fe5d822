"""Decisions drawn from a fuzzer's bytes, so that its mutations are mutations of what is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Choices:
    """Reads decisions off ``data``; where it has ended every decision is the first one.

    Args:
        data: The fuzzer's input.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return max(0, len(self._data) - self._at)

    def number(self, below: int) -> int:
        """From 0 to ``below - 1``; one byte, or two where one does not reach."""
        width = 1 if below <= 256 else 2
        piece = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(piece, "big") % below

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.number(len(options))]

    def chance(self, of: int) -> bool:
        """True for one in ``of`` values, and not where the data has ended."""
        return self.number(of) == of // 2

    def take(self, count: int) -> bytes:
        """The next bytes as they are, ``count`` or what is left."""
        piece = self._data[self._at : self._at + count]
        self._at += count
        return piece
