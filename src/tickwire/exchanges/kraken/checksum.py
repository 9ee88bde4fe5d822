"""Kraken's book checksum, from numbers.

The venue sends JSON numbers, whose trailing zeros are lost on the way, and means the digits at the
pair's full precision, without point and leading zeros. That is an integer: the price in steps of
its last decimal. So a level is kept as two integers, which is quicker than texts and as exact. The
rule itself is that of :data:`tickwire.exchanges.checksums.KRAKEN`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tickwire.market import Level

__all__ = ["FloatBook", "InexactNumberError", "ScaledBook"]

_DEPTH = 10
_EXACT_BELOW = 10**15
"""A float tells integers of so many digits apart for certain."""
_BEYOND = 10**400

if TYPE_CHECKING:
    from tickwire.exchanges._scaled import FloatBook, InexactNumberError
else:
    from tickwire.exchanges.intake import COMPILED

    if COMPILED:
        from tickwire.exchanges._scaled import FloatBook, InexactNumberError
    else:

        class InexactNumberError(ArithmeticError):
            """A float may not have the digits that were sent. Retry: with decimals."""


Scaled = list[tuple[int, int]]


class ScaledBook:
    """One book as the checksum sees it.

    Cost: 0.5 µs a changed level, 3 µs a checksum.
    """

    __slots__ = ("_asks", "_bids", "_scales", "depth", "precisions")

    def __init__(self, precisions: tuple[int, int], depth: int) -> None:
        """
        Args:
            precisions: Decimals of a price and of a size.
            depth: Levels of each side that the subscription has.
        """
        self.precisions = precisions
        self._scales = (10 ** precisions[0], 10 ** precisions[1])
        self.depth = depth
        self._bids = _Side(-1)
        self._asks = _Side(1)

    @classmethod
    def of(cls, book: FloatBook) -> ScaledBook:
        """The same book, for numbers of any length."""
        found = cls(book.precisions, book.depth)
        bids, asks = book.levels()
        found._change(bids, asks)
        return found

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> int:
        """Begin with a snapshot; its checksum. As :meth:`apply`."""
        scaled = self._scaled(bids), self._scaled(asks)
        self._bids, self._asks = _Side(-1), _Side(1)
        return self._change(*scaled)

    def apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> int:
        """Take changes in the order sent, cut to the depth; the checksum then.

        Raises:
            InexactNumberError: There are floats of more than 15 digits. Nothing is changed.
            ValueError, ArithmeticError: A decimal is no price and no size. Nothing is changed.
        """
        return self._change(self._scaled(bids), self._scaled(asks))

    def _change(self, bids: Scaled, asks: Scaled) -> int:
        self._bids.apply(bids, self.depth)
        self._asks.apply(asks, self.depth)
        return crc32("".join((*self._asks.texts(), *self._bids.texts())).encode())

    def _scaled(self, levels: Iterable[Level]) -> Scaled:
        price_scale, size_scale = self._scales
        found: Scaled = []
        for price, size in levels:
            steps, lots = round(price * price_scale), round(size * size_scale)
            if steps >= _EXACT_BELOW or lots >= _EXACT_BELOW:
                if type(price) is float:
                    raise InexactNumberError
                if max(steps, lots) >= _BEYOND:
                    raise ValueError("a number beyond all prices and sizes")
            found.append((steps, lots))
        return found


class _Side:
    """One side; keys are prices times ``sign``, so that the best is the lowest."""

    __slots__ = ("_keys", "_sign", "_texts")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._texts: dict[int, str] = {}

    def apply(self, changes: Scaled, depth: int) -> None:
        keys, texts, sign = self._keys, self._texts, self._sign
        for price, size in changes:
            key = price * sign
            if size:
                if key not in texts:
                    insort(keys, key)
                texts[key] = f"{price}{size}"
            elif texts.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]
        if len(keys) > depth:
            for key in keys[depth:]:
                del texts[key]
            del keys[depth:]

    def texts(self) -> Sequence[str]:
        return [self._texts[key] for key in self._keys[:_DEPTH]]


if not TYPE_CHECKING and not COMPILED:
    FloatBook = ScaledBook
