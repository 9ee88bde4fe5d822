"""JSON as the standard library reads and writes it, at the speed of libraries that do less.

``msgspec`` keeps integers of any size; what it refuses (``NaN``, lone surrogates, numbers beyond
double precision's range) is left to :mod:`json`, and so is what ``orjson`` cannot write (integers
beyond 64 bits). So a program gets and sends what it would with :mod:`json`, except that text is
not escaped to ASCII, and that ``NaN`` and the infinities, which are no JSON, are never sent: they
become ``null``.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode", "encode"]


@functools.cache
def _reader() -> tuple[Callable[[str | bytes], Any], type[Exception]]:
    # Loaded at the first message: it takes 6 ms, which `import tickwire` need not cost.
    import msgspec

    return msgspec.json.decode, msgspec.DecodeError


def decode(text: str | bytes) -> Any:
    """What ``text`` says.

    Raises:
        ValueError: It is not JSON.
    """
    read, refused = _reader()
    try:
        return read(text)
    except refused:
        return json.loads(text)


def encode(value: object) -> bytes:
    """``value`` as JSON without spaces, in UTF-8.

    Raises:
        TypeError: It cannot be written as JSON.
        ValueError: It holds ``NaN`` beside an integer beyond 64 bits.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        pass
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
