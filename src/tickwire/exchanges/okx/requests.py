"""OKX's subscribe and unsubscribe requests, and which of them an answer is to. Pure state.

An acknowledgement comes for every item of a request and names it; an error names the request only
(and in old recordings not even that). Source: OKX API guide v5, "WebSocket: Subscribe".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tickwire.exchanges.okx.channels import arg_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REQUEST_BYTES", "Requests"]

REQUEST_BYTES = 60_000
"""Of the items of one request; the venue takes 64 KB."""
_OPEN_KEPT = 1024

_encode = msgspec.json.Encoder().encode


class Requests:
    """What was asked on this connection and has not been answered."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[str, list[str]] = {}

    def subscribe(self, names: list[str]) -> list[bytes]:
        """The requests for ``names``: as few as their size allows."""
        return [self._request("subscribe", group, group) for group in _groups(names)]

    def unsubscribe(self, names: list[str]) -> list[bytes]:
        """The requests that end ``names``."""
        return [self._request("unsubscribe", group, []) for group in _groups(names)]

    def answered(self, number: str, name: str) -> None:
        """One item of a request was acknowledged."""
        found = number or self._number_with(name)
        waiting = self._open.get(found)
        if waiting is None:
            return
        if name in waiting:
            waiting.remove(name)
        if not waiting:
            del self._open[found]

    def refused(self, number: str) -> list[str]:
        """A request was refused: those of its streams that were not acknowledged before.

        Answers come in order, so that without a number it is the oldest request.
        """
        return self._open.pop(number or next(iter(self._open), ""), [])

    def reset(self) -> None:
        """A new connection. Numbers go on, so that no late answer can match."""
        self._open.clear()

    def _number_with(self, name: str) -> str:
        for number, names in self._open.items():
            if name in names:
                return number
        return ""

    def _request(self, operation: str, names: list[str], waiting: list[str]) -> bytes:
        self._count += 1
        number = f"t{self._count}"  # letters and digits only
        self._open[number] = list(waiting)
        while len(self._open) > _OPEN_KEPT:
            del self._open[next(iter(self._open))]
        return _encode({"id": number, "op": operation, "args": [arg_of(name) for name in names]})


def _groups(names: list[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for name in names:
        length = len(_encode(arg_of(name))) + 1
        if group and size + length > REQUEST_BYTES:
            yield group
            group, size = [], 0
        group.append(name)
        size += length
    if group:
        yield group
