"""The parameters of a request, read and checked as the venue does. Pure.

REST sends text, the WebSocket API sends JSON; here a value is text in either case: a string as it
is, everything else as its JSON, which is also what is signed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orjson import JSONDecodeError, dumps, loads

from tickwire.simulator.refusals import Refused, illegal, missing, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Params"]

_SYMBOL = "^[A-Z0-9-_.]{1,20}$"
_INTEGER = "^[0-9]{1,20}$"
_DECIMAL = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
_CLIENT_ID = "^[a-zA-Z0-9-_.:/]{1,36}$"
_MAX_DECIMALS = 8
_DEFAULT_WINDOW_MS, _MAX_WINDOW_MS = 5000, 60_000
_MAX_AHEAD_MS = 1000
_FIRST_MICROSECONDS = 10**14
"""Times from here on are µs: in ms this is the year 5138."""


class Params:
    """One request's parameters.

    Attributes:
        texts: Name to value as text.
    """

    __slots__ = ("texts",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.texts: dict[str, str] = {
            name: value if isinstance(value, str) else dumps(value).decode()
            for name, value in values.items()
            if value is not None
        }

    def __contains__(self, name: str) -> bool:
        return bool(self.texts.get(name))

    def text(self, name: str) -> str:
        """A mandatory value."""
        value = self.texts.get(name)
        if not value:
            raise missing(name)
        return value

    def symbol(self) -> str:
        return self._matched("symbol", _SYMBOL)

    def symbols(self) -> list[str] | None:
        """The value of ``symbols``, or of ``symbol`` alone; None where neither was sent."""
        if "symbol" in self:
            if "symbols" in self:
                raise refuse("combination")
            return [self.symbol()]
        if "symbols" not in self:
            return None
        try:
            symbols = loads(self.texts["symbols"])
        except JSONDecodeError:
            symbols = None
        if not isinstance(symbols, list) or not all(isinstance(item, str) for item in symbols):
            raise illegal("symbols", "a JSON array of symbols")
        return symbols

    def client_id(self, name: str) -> str | None:
        return self._matched(name, _CLIENT_ID) if name in self else None

    def integer(self, name: str) -> int:
        return int(self._matched(name, _INTEGER))

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if name in self else None

    def limit(self, default: int, most: int) -> int:
        """How many entries are wanted, ``most`` at most."""
        wanted = self.optional_integer("limit")
        if wanted == 0:
            raise illegal("limit", _INTEGER)
        return default if wanted is None else min(wanted, most)

    def decimal(self, name: str) -> Decimal:
        """A mandatory number above zero."""
        text = self._matched(name, _DECIMAL)
        if len(text.partition(".")[2]) > _MAX_DECIMALS:
            raise Refused(-1111, f"Parameter '{name}' has too much precision.")
        value = Decimal(text)
        if not value:
            raise Refused(-1013, f"Invalid {name}.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        match self.texts.get(name, "").lower():
            case "":
                return default
            case "true":
                return True
            case "false":
                return False
        raise illegal(name, "true or false")

    def choice(self, name: str, choices: tuple[str, ...], refusal: str) -> str:
        """A mandatory value out of a set; another is refused with that name of the table."""
        value = self.text(name)
        if value not in choices:
            raise refuse(refusal)
        return value

    def time(self, name: str) -> int | None:
        """A time in ms; µs are taken too."""
        value = self.optional_integer(name)
        if value is not None and value >= _FIRST_MICROSECONDS:
            return value // 1000
        return value

    def check_time(self, now_ms: int) -> None:
        """Refuse a request whose ``timestamp`` is outside its ``recvWindow``.

        Raises:
            Refused: -1021; -1102 without a timestamp; -1131 for a window above a minute.
        """
        self.text("timestamp")
        sent = self.time("timestamp")
        assert sent is not None
        window = Decimal(_DEFAULT_WINDOW_MS)
        if "recvWindow" in self:
            window = Decimal(self._matched("recvWindow", "^[0-9]{1,5}(\\.[0-9]{1,3})?$"))
            if window > _MAX_WINDOW_MS:
                raise refuse("recv_window")
        if sent >= now_ms + _MAX_AHEAD_MS:
            raise refuse("early")
        if now_ms - sent > window:
            raise refuse("late")

    def _matched(self, name: str, legal: str) -> str:
        value = self.text(name)
        if not re.fullmatch(legal.strip("^$"), value):
            raise illegal(name, legal)
        return value
