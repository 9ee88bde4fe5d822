"""Numbers that a codec reads or arranges itself: none may be NaN or infinite."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["check_levels", "number_reader"]

_SHOWN = 40


def check_levels(*sides: Iterable[tuple[float, float]]) -> None:
    """Check decimals, of which a decoder takes ``"NaN"`` for one.

    Raises:
        msgspec.ValidationError: One is no number.
    """
    if not all(map(isfinite, chain.from_iterable(chain.from_iterable(sides)))):
        raise msgspec.ValidationError("not a finite number")


def number_reader(*, is_decimal: bool) -> Callable[[str], Any]:
    """What reads a number that came as text; of an empty text, 0.

    It raises :class:`msgspec.ValidationError` for what is none, as a decoder would.
    """
    make: Callable[[str], Any] = Decimal if is_decimal else float

    def read(text: str) -> Any:
        try:
            value = make(text or "0")
        except (ValueError, InvalidOperation):
            value = None
        if value is None or not isfinite(value):
            raise msgspec.ValidationError(f"{text[:_SHOWN]!r} is no number")
        return value

    return read
