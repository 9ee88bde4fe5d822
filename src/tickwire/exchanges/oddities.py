"""What a codec could not use, or had not seen before: counted, and the last of it kept.

Bounded in every direction, since a broken or hostile server decides what comes in.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from tickwire.exchanges.base import OddFrame

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["FRAMES_KEPT", "FRAME_KEPT_BYTES", "Oddities"]

FRAMES_KEPT = 16
FRAME_KEPT_BYTES = 4096
_NAMES_KEPT = 256
_NAME_KEPT_CHARS = 64
_OTHER_NAMES = "(others)"


class Oddities:
    """One codec's odd frames.

    Attributes:
        unknown: Frames of kinds that the codec does not know, by the venue's word for the kind.
        undecodable: Frames that are malformed, lack a field or have one of the wrong type.
        new_fields: Keys that the codec does not know, by kind.
        frames: The last :data:`FRAMES_KEPT` odd frames, each cut to :data:`FRAME_KEPT_BYTES`.
    """

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self.undecodable = 0
        self.new_fields: dict[str, Counter[str]] = {}
        self.frames: deque[OddFrame] = deque(maxlen=FRAMES_KEPT)

    def count_unknown(self, kind: str, frame: bytes, recv_ns: int) -> None:
        """A frame of a kind that the codec does not know."""
        _count(self.unknown, kind)
        self._keep(f"unknown kind: {kind[:_NAME_KEPT_CHARS]}", frame, recv_ns)

    def count_undecodable(self, error: Exception, frame: bytes, recv_ns: int) -> None:
        """A frame that the decoder refused, and its reason."""
        self.undecodable += 1
        self._keep(f"undecodable: {error}", frame, recv_ns)

    def count_new_fields(
        self, kind: str, keys: Collection[str], frame: bytes, recv_ns: int
    ) -> None:
        """A frame that became an event, and had ``keys`` for which the event has no field.

        ``kind`` is the codec's own word, so that there are few.
        """
        counter = self.new_fields.setdefault(kind, Counter())
        for key in keys:
            _count(counter, key)
        names = ", ".join(key[:_NAME_KEPT_CHARS] for key in sorted(keys)[:_NAMES_KEPT])
        self._keep(f"new in {kind}: {names}", frame, recv_ns)

    def _keep(self, reason: str, frame: bytes, recv_ns: int) -> None:
        self.frames.append(OddFrame(reason, frame[:FRAME_KEPT_BYTES], recv_ns))


def _count(counter: Counter[str], name: str) -> None:
    """Count ``name``; where a server makes up too many names, the further ones as one."""
    name = name[:_NAME_KEPT_CHARS]
    counter[name if name in counter or len(counter) < _NAMES_KEPT else _OTHER_NAMES] += 1
