"""The books that a client keeps, one per depth channel. Pure.

The venue sends a snapshot, then changes of which each begins at the number where the one before it
ended. A change that does not makes the book worthless until the next snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.book import Ladder
from tickwire.errors import CodecError

if TYPE_CHECKING:
    from tickwire.exchanges.weex.structs import WeexDelta, WeexSnapshot

__all__ = ["ClientBook"]

_BIDS, _ASKS = 0, 1


class ClientBook:
    """One depth channel's levels.

    Attributes:
        is_live: Whether they are the venue's.
        latest: The event that changed them last.
    """

    latest: WeexSnapshot | WeexDelta

    def __init__(self) -> None:
        self._ladder = Ladder()
        self._sequence = 0
        self.is_live = False

    def doubt(self) -> None:
        """Something is missing: wait for the next snapshot."""
        self.is_live = False
        self._ladder.clear()

    def replace(self, snapshot: WeexSnapshot) -> None:
        """Begin anew."""
        self.doubt()
        try:
            self._ladder.stage(snapshot.bids, snapshot.asks)
        except CodecError:
            return
        self._ladder.replace()
        self._sequence = snapshot.sequence
        self.latest = snapshot
        self.is_live = True

    def change(self, delta: WeexDelta) -> bool:
        """Apply a change. False if the channel has to be asked for again."""
        if not self.is_live or delta.sequence <= self._sequence:
            return True  # a snapshot is on its way, or has it already
        if delta.prev_sequence != self._sequence:
            self.doubt()
            return False
        try:
            self._ladder.stage(delta.bids, delta.asks)
        except CodecError:
            self.doubt()
            return False
        self._sequence = delta.sequence
        self.latest = delta
        if self._ladder.apply():
            self.doubt()  # crossed: no order of changes makes that right
            return False
        return True

    def data(self, symbol: str, level: int) -> dict[str, Any]:
        """The best ``level`` levels of each side, best first, digits as sent."""
        return {
            "symbol": symbol,
            "bids": self._ladder.texts(_BIDS, level),
            "asks": self._ladder.texts(_ASKS, level),
            "sequence": self._sequence,
        }
