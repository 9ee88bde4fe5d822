"""Levels of venues whose rows have more than a price and a size. Pure.

Such a row is read as a :class:`LevelRow`, whose surplus the decoder skips whatever it is and
however long the row becomes; :func:`as_levels` makes of them the pairs that every book event has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tickwire.exchanges.numbers import Number, decimal_twin

__all__ = ["LevelRow", "LevelRowDecimal", "Rows", "as_levels"]


class LevelRow(Struct, array_like=True, gc=False):
    """The beginning of a row."""

    price: Number
    size: Number


LevelRowDecimal = decimal_twin(LevelRow)

if TYPE_CHECKING:
    from tickwire.market import Level

    # What the field of an event is once its codec is done with it.
    Rows = list[Level]
else:
    Rows = list[LevelRow]


def as_levels(rows: Any) -> list[Level]:
    """The pairs of decoded rows."""
    return [(row.price, row.size) for row in rows]
