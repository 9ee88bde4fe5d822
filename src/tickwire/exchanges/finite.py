"""Numbers that a codec reads or arranges itself: none may be NaN or infinite."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges.numbers import MAGNITUDES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["check_levels", "number_reader", "whole_number"]

_SHOWN = 40
_MOST_DIGITS = 40


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
        if is_decimal and value is not None and value.adjusted() not in MAGNITUDES:
            value = None
        if value is None or not isfinite(value):
            raise msgspec.ValidationError(f"{text[:_SHOWN]!r} is no number")
        return value

    return read


def whole_number(text: str) -> int | None:
    """The number that ``text`` is the digits of; ``None`` if it is none, or longer than any id."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None
