"""Positions, and the mark prices that their profits are made of. Pure.

The venue does not send a position's profit. It is made of the symbol's mark price, which its ticker
has; so the client has the ticker of every symbol of which a position was seen, for as long as
anybody listens to positions. A price counts only while that ticker comes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from tickwire.weex.messages import unrealized_pnl

if TYPE_CHECKING:
    from tickwire.exchanges.weex.structs import WeexPosition

__all__ = ["Positions", "Watch"]


class Watch:
    """That the client has the ticker of a symbol on account of its positions.

    Attributes:
        has_ticker: Whether it is asked for already.
        is_vain: Whether the venue has refused it.
    """

    def __init__(self) -> None:
        self.has_ticker = False
        self.is_vain = False


class Positions:
    """What waits for a price, and the prices that are known.

    Attributes:
        watches: By symbol.
    """

    def __init__(self, size: int) -> None:
        """``size`` bounds what may wait for the price of one symbol."""
        self.watches: dict[str, Watch] = {}
        self._size = size
        self._marks: dict[str, Any] = {}
        self._waiting: dict[str, deque[WeexPosition]] = {}

    def take(self, position: WeexPosition) -> list[WeexPosition]:
        """A position that has come; what can be delivered now, in order."""
        symbol = position.symbol
        waiting = self._waiting.get(symbol)
        if waiting is None:
            watch = self.watches.get(symbol)
            is_vain = watch is not None and watch.is_vain
            if is_vain or symbol in self._marks or not _is_open(position):
                return [self._priced(position)]
            waiting = self._waiting[symbol] = deque()
        waiting.append(position)
        return [waiting.popleft()] if len(waiting) > self._size else []

    def mark(self, symbol: str, price: Any) -> list[WeexPosition]:
        """A symbol's price; what waited for it."""
        self._marks[symbol] = price
        return [self._priced(position) for position in self._waiting.pop(symbol, ())]

    def forget_mark(self, symbol: str) -> None:
        """The price is not kept up to date any more."""
        self._marks.pop(symbol, None)

    def give_up(self, symbol: str, *, is_final: bool) -> list[WeexPosition]:
        """There will be no price, for now or for ever: better a position without its profit than
        none. What waited for it."""
        watch = self.watches.get(symbol)
        if watch is not None and is_final:
            watch.is_vain = True
        else:
            self.watches.pop(symbol, None)
        return list(self._waiting.pop(symbol, ()))

    def clear(self) -> None:
        """Nobody listens any more."""
        self.watches.clear()
        self._marks.clear()
        self._waiting.clear()

    def _priced(self, position: WeexPosition) -> WeexPosition:
        if not position.size:
            position.unrealized_pnl = position.size
        elif position.open_value is not None and position.symbol in self._marks:
            position.unrealized_pnl = unrealized_pnl(position, self._marks[position.symbol])
        return position


def _is_open(position: WeexPosition) -> bool:
    """Whether its profit depends on the price, as far as it can be told."""
    return bool(position.size) and position.open_value is not None
