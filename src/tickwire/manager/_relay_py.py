"""The relay in pure Python: the twin of ``_relay.pyx``; see there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Relay"]


class Relay:
    """An asynchronous iterator over the items of successive lists; see ``_relay.pyx``."""

    def __init__(self, fill: Callable[[], Coroutine[Any, Any, list[Any]]]) -> None:
        self._fill = fill
        self._items: deque[Any] = deque()

    def __aiter__(self) -> Relay:
        return self

    def __len__(self) -> int:
        return len(self._items)

    async def __anext__(self) -> Any:
        items = self._items
        while not items:
            items.extend(await self._fill())
        return items.popleft()
