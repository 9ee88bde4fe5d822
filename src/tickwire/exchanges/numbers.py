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

__all__ = ["DECIMAL_TWINS", "Levels", "Number", "decimal_twin"]

_LARGEST = sys.float_info.max
Number = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
"""A finite number."""
Levels = list[tuple[Number, Number]]
"""Levels of which the venue sends price and size and nothing else."""

_NOT_FINITE = "not a finite number"

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


def _finite_check(hints: dict[str, Any]) -> Callable[[Struct], None] | None:
    """What a twin does after decoding: ``Decimal`` takes ``"NaN"`` for a number, and this does not.

    msgspec has no constraint for decimals. It turns the ``ValueError`` into its own. ``None`` for
    a type with no numbers of its own.
    """
    if "bids" in hints:
        # Rows that are types of their own check themselves.
        is_pairs = get_origin(get_args(hints["bids"])[0]) is tuple
        return _check_levels if is_pairs else None
    numbers = [name for name, hint in hints.items() if hint in (Decimal, Decimal | None)]
    if not numbers:
        return None
    # Given one name, an attrgetter gives no tuple.
    read = operator.attrgetter(*numbers, numbers[0])

    def check(self: Struct) -> None:
        # Zero and None are left out by the filter; both are harmless.
        if not all(map(Decimal.is_finite, filter(None, read(self)))):
            raise ValueError(_NOT_FINITE)

    return check


def _check_levels(self: Struct) -> None:
    for levels in (self.bids, self.asks):  # type: ignore[attr-defined]
        if not all(map(Decimal.is_finite, chain.from_iterable(levels))):
            raise ValueError(_NOT_FINITE)


def _same_field(known: msgspec.structs.FieldInfo) -> Any:
    """A field with the same key and the same default."""
    if known.default_factory is not msgspec.NODEFAULT:
        return field(name=known.encode_name, default_factory=known.default_factory)
    return field(name=known.encode_name, default=known.default)


def decimal_twin(struct: AnyStruct) -> AnyStruct:
    """A subclass of ``struct`` with decimal numbers under the same keys."""
    hints = get_type_hints(struct, include_extras=True)
    twin_hints = {name: _with_decimals(hints[name]) for name in struct.__struct_fields__}
    fields: list[tuple[str, Any, Any]] = [
        (name, twin_hints[name], _same_field(known))
        for known in msgspec.structs.fields(struct)
        # Redefined fields go behind the others: of an array, all of them, to keep their order.
        if twin_hints[name := known.name] != hints[name] or struct.__struct_config__.array_like
    ]
    namespace: dict[str, Any] = {"__doc__": struct.__doc__}
    if check := _finite_check(twin_hints):
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
