"""The clients' methods and constants, made of the tables.

What type checkers see of them is ``methods.pyi``; ``python -m tickwire.binance.methods`` writes
that file's text, and a test compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.binance import enums
from tickwire.binance.errors import BinanceRequestException
from tickwire.exchanges.binance.restapi import REST_CALLS, RestCall
from tickwire.exchanges.binance.wsapi import METHODS, Method

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AsyncMethods", "SyncMethods", "stub"]


class AsyncMethods:
    """The requests of an asyncio client, and the constants for them."""


class SyncMethods:
    """The requests of a sync client, and the constants for them."""


def _ws_text(row: Method) -> str:
    parts = [f"``{row.method}`` of the {row.product} WebSocket API"]
    if row.fixed:
        fixed = ", ".join(f"{name}={value}" for name, value in row.fixed.items())
        parts.append(f" with {fixed}")
    weight = f"weight {row.weight}" if isinstance(row.weight, int) else "weight by parameters"
    sent = "; never sent twice" if row.is_order else ""
    return f"{''.join(parts)}: {row.security.value}, {weight}{sent}."


def _rest_text(call: RestCall) -> str:
    weight = f"weight {call.weight}" if isinstance(call.weight, int) else "weight by parameters"
    given = f"; gives its {call.field}" if call.field is not None else ""
    return f"``{call.http_method} {call.path}``: {call.security.value}, {weight}{given}."


def _ws(row: Method) -> tuple[Callable[..., Any], Callable[..., Any]]:
    async def asynchronous(self: Any, **params: Any) -> Any:
        return await self.ws_api(row.product).call(row.name, params)

    def synchronous(self: Any, **params: Any) -> Any:
        return self.run(row.name, **params)

    return asynchronous, synchronous


def _rest(call: RestCall) -> tuple[Callable[..., Any], Callable[..., Any]]:
    names = (*call.arguments, *call.optional)

    async def asynchronous(self: Any, *given: Any, **params: Any) -> Any:
        whole = dict(zip(names, given, strict=False))
        if len(given) > len(names) or whole.keys() & params.keys():
            raise TypeError(f"{call.name}() takes {', '.join(names) or 'keywords only'}")
        whole.update(params)
        missing = [name for name in call.arguments if name not in whole]
        if missing:
            raise TypeError(f"{call.name}() needs {', '.join(missing)}")
        whole = {call.sent_as.get(name, name): value for name, value in whole.items()}
        answer = await self.request(call.http_method, call.product, call.path, whole, call.security)
        if call.field is None:
            return answer
        if not isinstance(answer, dict) or call.field not in answer:
            raise BinanceRequestException(
                f"{call.http_method} {call.path} was answered without {call.field}",
                outcome_unknown=True,
            )
        return answer[call.field]

    def synchronous(self: Any, *given: Any, **params: Any) -> Any:
        return self.run(call.name, *given, **params)

    return asynchronous, synchronous


_CONSTANTS = [name for name in enums.__all__ if name.isupper()]


def _fill() -> None:
    for name in _CONSTANTS:
        for owner in (AsyncMethods, SyncMethods):
            setattr(owner, name, getattr(enums, name))
    rows = [(row.name, _ws(row), _ws_text(row)) for row in METHODS]
    rows += [(call.name, _rest(call), _rest_text(call)) for call in REST_CALLS.values()]
    for name, functions, text in rows:
        for owner, function in zip((AsyncMethods, SyncMethods), functions, strict=True):
            function.__name__ = name
            function.__qualname__ = f"{owner.__name__}.{name}"
            function.__doc__ = text
            setattr(owner, name, function)


def _signature(head: str, arguments: str, result: str) -> list[str]:
    given = f"self, {arguments}**params: Any"
    line = f"    {head}({given}) -> {result}: ..."
    if len(line) <= 100:
        return [line]
    return [f"    {head}(", f"        {given}", f"    ) -> {result}: ..."]


def stub() -> str:
    """The text of ``methods.pyi``."""
    lines = [
        '"""Made by ``python -m tickwire.binance.methods``; not to be changed by hand."""',
        "",
        "from typing import Any",
        "",
        '__all__ = ["AsyncMethods", "SyncMethods", "stub"]',
        "",
        "def stub() -> str: ...",
    ]
    for owner, keyword in (("AsyncMethods", "async def"), ("SyncMethods", "def")):
        lines += ["", f"class {owner}:", *(f"    {name}: str" for name in _CONSTANTS)]
        for row in METHODS:
            lines += _signature(f"{keyword} {row.name}", "", "Any")
        for call in REST_CALLS.values():
            arguments = "".join(f"{name}: str, " for name in call.arguments)
            arguments += "".join(f"{name}: Any = None, " for name in call.optional)
            result = "Any" if call.field is None else "str"
            lines += _signature(f"{keyword} {call.name}", arguments, result)
    return "\n".join(lines) + "\n"


_fill()

if __name__ == "__main__":
    import sys

    sys.stdout.write(stub())
