"""The price ladder in pure Python: the twin of ``_ladder.pyx``, and the readable reference.

Same rules, same names, same results; see the theory of operation there. It is what runs where the
compiled core could not be built, or where ``TICKWIRE_PURE=1`` asks for it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from tickwire.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from typing_extensions import Buffer

__all__ = ["Ladder", "Layout"]

_MAX_DIGITS = 18
_MAX_TEXT = 64
_MAX_KEY = 24
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?", re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {'"': "u0022", "\\": "u005c"}
_TOO_LONG = "prices of one book need more than 18 digits between them"
_SIGNS = (1, -1)
_TEN: list[int] = [10**power for power in range(_MAX_DIGITS + 1)]


class _Bare(str):
    """The text of a JSON number, as distinct from a JSON string."""

    __slots__ = ()


class _Object(list[tuple[str, object]]):
    """A JSON object's members in the order sent, as distinct from a JSON array."""


class _Number(NamedTuple):
    """``digits / 10**decimals``; ``zeros`` more zeros were sent behind the last decimal."""

    digits: int
    decimals: int
    zeros: int


class _Level(NamedTuple):
    price: _Number
    size: _Number


def _refuse(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


def _unread_escapes(text: str) -> str:
    """JSON whose texts are the ones of ``text`` as written: an escape is no part of a number, nor
    of a key. Raises ValueError where ``text`` is not JSON."""
    if "\\" not in text:
        return text
    json.loads(text, parse_constant=_refuse)
    return _ESCAPE.sub(lambda found: "\\\\" + _ESCAPED.get(found[1], found[1]), text)


def _number(text: str) -> _Number:
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > _MAX_TEXT:
        raise ValueError(f"{text!r} is not a number of at most {_MAX_TEXT} characters")
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0)
    if abs(power) > 999:
        raise ValueError(f"{text!r} is beyond all prices")
    decimals = len(fraction) - power
    zeros = 0
    if decimals < 0:
        digits += "0" * -decimals if digits else ""
        if len(digits) > _MAX_DIGITS:
            raise ValueError(f"{text!r} has more than {_MAX_DIGITS} digits")
        decimals = 0
    while len(digits) > _MAX_DIGITS or decimals > _MAX_DIGITS:
        if not decimals or (digits and digits[-1] != "0"):
            raise ValueError(f"{text!r} has more than {_MAX_DIGITS} digits")
        digits = digits[:-1]
        decimals -= 1
        zeros += 1
    if zeros > 255:
        raise ValueError(f"{text!r} has too many zeros")
    return _Number(int(sign + (digits or "0")), decimals, zeros)


def _text(number: _Number) -> str:
    digits, decimals, zeros = number
    if not decimals + zeros:
        return str(digits)
    text = str(abs(digits)).rjust(decimals + 1, "0")
    point = len(text) - decimals
    return f"{'-' if digits < 0 else ''}{text[:point]}.{text[point:]}{'0' * zeros}"


def _read_level(level: object) -> _Level:
    if not isinstance(level, list) or isinstance(level, _Object) or len(level) < 2:
        raise TypeError(f"{level!r} is not a level")
    price, size = level[:2]
    if not (isinstance(price, str) and isinstance(size, str)):
        raise TypeError(f"{level!r} is not a level")
    return _as_level(price, size)


def _as_level(price: str, size: str) -> _Level:
    found = _Level(_number(price), _number(size))
    if found.size.digits < 0:
        raise ValueError(f"a size of {size}")
    return found


class Layout:
    """Where a venue's depth message has what: the keys of one JSON object.

    Args:
        last: The last update id, an integer. Required in every message.
        bids: The bid levels, an array of ``[price, size, …]``; numbers in quotes or bare, and
            what comes after the two is skipped. Required in every message.
        asks: The ask levels.
        first: The first update id.
        previous: The last update id of the message before.
        time: The venue's time of sending, an integer.
        inside: The object that has these, where an envelope is around it.

    Raises:
        ValueError: A key that is empty or longer than 24 bytes. Retry: no.
    """

    def __init__(
        self,
        *,
        last: str,
        bids: str,
        asks: str,
        first: str | None = None,
        previous: str | None = None,
        time: str | None = None,
        inside: str | None = None,
    ) -> None:
        names = {
            "first": first,
            "last": last,
            "previous": previous,
            "time": time,
            "bids": bids,
            "asks": asks,
            "inside": inside,
        }
        self._roles: dict[str, str] = {}
        for role, key in names.items():
            if key is None:
                continue
            if not 0 < len(key.encode()) <= _MAX_KEY:
                raise ValueError(f"{role}={key!r}: a key of 1 to {_MAX_KEY} bytes")
            self._roles.setdefault(key, role)

    def collect(self, members: _Object, found: dict[str, object]) -> None:
        """Put the members that have a role into ``found``, under its name."""
        for key, value in members:
            role = self._roles.get(key)
            if role == "inside":
                if not isinstance(value, _Object):
                    raise TypeError(f"{key!r} is not an object")
                self.collect(value, found)
            elif role is not None:
                found[role] = value


class Ladder:
    """Both sides of a book: sorted price levels, exact, with their digits as sent.

    Side 0 are the bids, side 1 the asks; every list is best first. A message is taken in two
    steps: :meth:`scan` (or :meth:`stage`) reads it and changes nothing, :meth:`apply` or
    :meth:`replace` puts it into the book. What is read is in the same unit as sent: price in the
    quote currency, size in the base currency or contracts.

    Not safe for threads.
    """

    def __init__(self) -> None:
        self._sides: tuple[dict[int, _Level], dict[int, _Level]] = ({}, {})
        # Per side, the keys in order, the best one last: prices for bids, negated ones for asks.
        self._keys: tuple[list[int], list[int]] = ([], [])
        self._staged: tuple[list[_Level], list[_Level]] = ([], [])
        # Decimals of the keys; -1 before the first price.
        self._scale = -1

    # Taking a message in

    def scan(self, layout: Layout, payload: Buffer) -> tuple[int | None, int, int | None, int]:
        """Read a message; the book does not change.

        Args:
            layout: The keys of the message.
            payload: Its JSON text, borrowed for the call.

        Returns:
            First update id, last update id, last id of the message before (``None`` where it does
            not say), and the venue's time as sent (0 where it does not say).

        Raises:
            CodecError: Not such a message: malformed, a level or the last id missing, a number
                that is none, is negative where a size is due, or needs more than 18 digits or 18
                decimals. Nothing is staged then. Retry: no.

        Cost, compiled: about 25 ns per level. Keys without a role are skipped.
        """
        self._staged = ([], [])
        found: dict[str, object] = {}
        try:
            document = json.loads(
                _unread_escapes(bytes(payload).decode()),
                object_pairs_hook=_Object,
                parse_float=_Bare,
                parse_int=_Bare,
                parse_constant=_refuse,
            )
            if not isinstance(document, _Object):
                raise TypeError("not an object")
            layout.collect(document, found)
            numbers = {
                role: _whole(found[role])
                for role in ("first", "last", "previous", "time")
                if role in found
            }
            staged = tuple(
                [_read_level(level) for level in _array(found[role])]
                for role in ("bids", "asks")
                if role in found
            )
        except (ValueError, TypeError, RecursionError) as error:
            raise CodecError(
                "not a depth message: malformed JSON, or a number beyond 18 digits"
            ) from error
        if len(staged) < 2 or "last" not in numbers:
            raise CodecError("not a depth message: it lacks its sequence or its levels")
        self._settle(staged)
        return (
            numbers.get("first"),
            numbers["last"],
            numbers.get("previous"),
            numbers.get("time", 0),
        )

    def stage(
        self,
        bids: Iterable[tuple[float | Decimal | str, ...]],
        asks: Iterable[tuple[float | Decimal | str, ...]],
    ) -> None:
        """As :meth:`scan`, from levels that were decoded already.

        A float stands for the shortest digits that mean it; its digits as sent are not known.

        Raises:
            CodecError: As :meth:`scan`.
        """
        staged: list[list[_Level]] = []
        self._staged = ([], [])
        for levels in (bids, asks):
            staged.append([])
            for level in levels:
                try:
                    staged[-1].append(_as_level(f"{level[0]}", f"{level[1]}"))
                except ValueError as error:
                    raise CodecError(f"{level!r} is not a level, or is beyond 18 digits") from error
        self._settle(staged)

    def _settle(self, staged: Sequence[list[_Level]]) -> None:
        scale = self._scale
        for levels in staged:
            finest = scale
            for level in levels:
                digits, decimals, _ = level.price
                while scale >= 0 and decimals > finest and digits % 10 == 0:
                    digits //= 10
                    decimals -= 1
                finest = max(finest, decimals)
            scale = finest
        if self._scale >= 0 and scale > self._scale:
            factor = 10 ** (scale - self._scale)
            if any(abs(key) * factor >= 10**18 for keys in self._keys for key in keys):
                raise CodecError(_TOO_LONG)
            for keys, sides in zip(self._keys, self._sides, strict=True):
                keys[:] = [key * factor for key in keys]
                scaled = {key * factor: level for key, level in sides.items()}
                sides.clear()
                sides.update(scaled)
        self._scale = scale
        if any(abs(self._key(level)) >= 10**18 for levels in staged for level in levels):
            raise CodecError(_TOO_LONG)
        self._staged = (staged[0], staged[1])

    def _key(self, level: _Level) -> int:
        digits, decimals, _ = level.price
        if decimals <= self._scale:
            return digits * _TEN[self._scale - decimals]
        return digits // _TEN[decimals - self._scale]

    # Putting it into the book

    def apply(self) -> bool:
        """Make the staged changes: size 0 removes a level, any other size sets it.

        Returns:
            Whether the book is crossed now (see :attr:`is_crossed`).

        Cost: O(levels between the best one and the worst one changed).
        """
        for sign, keys, levels, staged in zip(
            _SIGNS, self._keys, self._sides, self._staged, strict=True
        ):
            for level in staged:
                key = self._key(level) * sign
                if level.size.digits:
                    if key not in levels:
                        keys.insert(bisect_left(keys, key), key)
                    levels[key] = level
                elif levels.pop(key, None):
                    del keys[bisect_left(keys, key)]
        self._staged = ([], [])
        return self.is_crossed

    def replace(self) -> None:
        """Let the staged levels be the whole book."""
        for keys, levels in zip(self._keys, self._sides, strict=True):
            keys.clear()
            levels.clear()
        self.apply()

    def truncate(self, n: int) -> None:
        """Forget all but the best ``n`` levels of each side.

        Raises:
            ValueError: ``n`` is negative.
        """
        if n < 0:
            raise ValueError(f"{n} levels: keep none or more")
        for keys, levels in zip(self._keys, self._sides, strict=True):
            for key in keys[: max(0, len(keys) - n)]:
                del levels[key]
            del keys[: max(0, len(keys) - n)]

    def clear(self) -> None:
        """Forget everything."""
        self._staged = ([], [])
        self.replace()
        self._scale = -1

    # Reading

    @property
    def counts(self) -> tuple[int, int]:
        """Levels of each side."""
        return len(self._keys[0]), len(self._keys[1])

    def levels(self, side: int, n: int | None = None) -> list[tuple[float, float]]:
        """The best ``n`` levels as floats, each the nearest to the digits sent; all for ``None``.

        Raises:
            ValueError: ``n`` is negative.
        """
        return [(_double(level.price), _double(level.size)) for level in self._best(side, n)]

    def texts(self, side: int, n: int | None = None) -> list[tuple[str, str]]:
        """The best ``n`` levels in the digits that were sent (an exponent is written out).

        Raises:
            ValueError: ``n`` is negative.
        """
        return [(_text(level.price), _text(level.size)) for level in self._best(side, n)]

    def best(self, side: int) -> tuple[float, float] | None:
        """The best level, or ``None`` where the side is empty."""
        levels = self.levels(side, 1)
        return levels[0] if levels else None

    def gap(self) -> tuple[int, int] | None:
        """Best ask minus best bid, exact: digits and decimals. ``None`` where a side is empty."""
        if not (self._keys[0] and self._keys[1]):
            return None
        return -self._keys[1][-1] - self._keys[0][-1], self._scale

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: no state of a matching engine."""
        gap = self.gap()
        return gap is not None and gap[0] <= 0

    def _best(self, side: int, n: int | None) -> list[_Level]:
        keys, levels = self._keys[side], self._sides[side]
        if n is None:
            n = len(keys)
        if n < 0:
            raise ValueError(f"{n} levels: ask for none or more")
        return [levels[key] for key in keys[::-1][:n]]


def _double(number: _Number) -> float:
    # Python divides integers with one rounding, whatever their size.
    return number.digits / _TEN[number.decimals]


def _whole(value: object) -> int:
    if not isinstance(value, _Bare):
        raise TypeError(f"{value!r} is not a number")
    number = _number(value)
    if number.decimals:
        raise ValueError(f"{value} is not an integer")
    return number.digits


def _array(value: object) -> list[object]:
    if not isinstance(value, list) or isinstance(value, _Object):
        raise TypeError(f"{value!r} is not an array")
    return value
