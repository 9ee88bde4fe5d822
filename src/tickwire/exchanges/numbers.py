"""Numbers in venues' messages: finite floats, or the same types again with exact decimals.

Prices and sizes are :data:`Number`, which refuses NaN and infinities: a book that has taken in a
NaN is broken without a sign of it. The check costs 3% of a trade's decoding and 8% of a deep
book's; of decimals, a fifth and a twentieth.

Every type has a twin with :class:`decimal.Decimal` numbers, derived from it by
:func:`decimal_twin`; the twin is a subclass, so ``isinstance`` does not see the difference.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
from decimal import Decimal
from itertools import chain
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import Meta, Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DECIMAL_TWINS", "MAGNITUDES", "Levels", "Number", "decimal_twin"]

_LARGEST = sys.float_info.max
Number = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
"""A finite number."""
Levels = list[tuple[Number, Number]]
"""Levels of which the venue sends price and size and nothing else."""

_DECIMALS = (Decimal, Decimal | None)
_NOT_FINITE = "not a finite number"
MAGNITUDES = frozenset(range(-400, 401))
"""Powers of ten that a decimal's first digit may stand for. Beyond them no price, size or quotient
of both is meant, and arithmetic would overflow."""

AnyStruct = TypeVar("AnyStruct", bound=type[Struct])

DECIMAL_TWINS: dict[type[Struct], type[Struct]] = {}
"""From a type to the same type with :class:`decimal.Decimal` numbers."""


def _with_decimals(hint: Any) -> Any:
    """``hint`` with every float replaced, and every struct that has a twin by its twin."""
    if hint is float or (get_origin(hint) is Annotated and get_args(hint)[0] is float):
        return Decimal
    if hint in DECIMAL_TWINS:
        return DECIMAL_TWINS[hint]
    arguments = tuple(map(_with_decimals, get_args(hint)))
    if not arguments:
        return hint
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, arguments)
    return origin[arguments]


def _check_of(hints: dict[str, Any], *, is_row: bool) -> Callable[[Struct], None] | None:
    """What a twin does after decoding: ``Decimal`` takes ``"NaN"`` and ``"1e999999"`` for numbers,
    and this does not.

    msgspec has no constraint for decimals. It turns the ``ValueError`` into its own. ``None`` for
    a type with no numbers of its own. Levels are many: of these only NaN and infinities are
    refused here, and what is beyond the range of a book by the book.
    """
    if "bids" in hints:
        # Rows that are types of their own check themselves.
        is_pairs = get_origin(get_args(hints["bids"])[0]) is tuple
        return _check_levels if is_pairs else None
    numbers = [name for name, hint in hints.items() if hint in _DECIMALS]
    if not numbers:
        return None
    # Given one name, an attrgetter gives no tuple.
    read = operator.attrgetter(*numbers, numbers[0])

    def check_row(self: Struct) -> None:
        # Zero and None are left out by the filter; both are harmless.
        if not all(map(Decimal.is_finite, filter(None, read(self)))):
            raise ValueError(_NOT_FINITE)

    def check(self: Struct) -> None:
        found = [number for number in read(self) if number is not None]
        if not all(map(Decimal.is_finite, found)):
            raise ValueError(_NOT_FINITE)
        if not MAGNITUDES.issuperset(map(Decimal.adjusted, found)):
            raise ValueError("a number beyond all prices and sizes")

    return check_row if is_row else check


def _check_levels(self: Struct) -> None:
    for levels in (self.bids, self.asks):  # type: ignore[attr-defined]
        if not all(map(Decimal.is_finite, chain.from_iterable(levels))):
            raise ValueError(_NOT_FINITE)


def _same_field(known: msgspec.structs.FieldInfo, hint: Any) -> Any:
    """A field with the same key and the same default, a decimal if ``hint`` has them."""
    if known.default_factory is not msgspec.NODEFAULT:
        return field(name=known.encode_name, default_factory=known.default_factory)
    default = known.default
    if hint in _DECIMALS and isinstance(default, int | float):
        default = Decimal(default)
    return field(name=known.encode_name, default=default)


def decimal_twin(struct: AnyStruct) -> AnyStruct:
    """A subclass of ``struct`` with decimal numbers under the same keys."""
    hints = get_type_hints(struct, include_extras=True)
    twin_hints = {name: _with_decimals(hints[name]) for name in struct.__struct_fields__}
    fields: list[tuple[str, Any, Any]] = [
        (name, twin_hints[name], _same_field(known, twin_hints[known.name]))
        for known in msgspec.structs.fields(struct)
        # Redefined fields go behind the others: of an array, all of them, to keep their order.
        if twin_hints[name := known.name] != hints[name] or struct.__struct_config__.array_like
    ]
    namespace: dict[str, Any] = {"__doc__": struct.__doc__}
    if check := _check_of(twin_hints, is_row=struct.__struct_config__.array_like):
        namespace["__post_init__"] = check
    twin = msgspec.defstruct(
        f"{struct.__name__}Decimal",
        fields,
        bases=(struct,),
        module=struct.__module__,
        namespace=namespace,
        kw_only=True,
        gc=False,
    )
    DECIMAL_TWINS[struct] = twin
    return twin  # type: ignore[return-value]
