"""What makes an event the same event on another connection. Pure.

Two connections to one venue carry the same events, and each carries them in order. So an event is
known by its stream and a number that grows within the stream, and nothing else need be compared:
whatever is not beyond the last number was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Identity", "number_of", "stream_name"]


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Which event this is.

    Attributes:
        stream: Its stream, as a key.
        sequence: Grows from each event of the stream to the next; of an event that covers several
            numbers, the last of them. A tuple where it takes several numbers to tell.
        first: The first number that the event covers, where the venue's numbers have no holes: the
            next event then begins at ``sequence + 1``, and a missing one shows. ``None`` where
            numbers jump.
    """

    stream: Hashable
    sequence: int | tuple[int, ...]
    first: int | None = None


def number_of(sequence: int | tuple[int, ...]) -> int:
    """A sequence as one number, for people: of a tuple the last part."""
    return sequence if isinstance(sequence, int) else sequence[-1]


def stream_name(stream: Hashable) -> str:
    """A stream's key, for people."""
    if isinstance(stream, bytes):
        return stream.decode(errors="replace")
    if isinstance(stream, tuple):
        return " ".join(map(stream_name, stream))
    return str(stream)
