"""From what the codec gives to what a socket's messages are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire.exchanges.binance.sockets import Shape
from tickwire.manager import Disconnected, Dropped, Record
from tickwire.market import Gap
from tickwire.market.events import epoch_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.binance.sockets import Request

__all__ = ["shaper"]


def shaper(request: Request, *, typed: bool) -> Callable[[list[Any]], list[Any]]:
    """The function that makes a socket's messages of a batch. It keeps a state: one per socket.

    Args:
        request: What was asked for.
        typed: Whether the batch has events, which stay as they are.
    """
    if typed:
        return _events
    if request.shape is Shape.ARRAY:
        return _array
    if request.shape is Shape.CONFLATED:
        return _Conflated(request.interval_ms)
    if request.shape is Shape.COMBINED:
        return _frames
    return _payloads


def _is_news(item: Any) -> bool:
    """Whether a program of python-binance's may see it: data, or the end of a connection."""
    return not isinstance(item, Record | Gap) or isinstance(item, Disconnected)


def _events(batch: list[Any]) -> list[Any]:
    return [
        item
        for item in batch
        if not isinstance(item, Record) or isinstance(item, Dropped | Disconnected)
    ]


def _frames(batch: list[Any]) -> list[Any]:
    return [item for item in batch if _is_news(item)]


def _payloads(batch: list[Any]) -> list[Any]:
    return [item["data"] if type(item) is dict else item for item in batch if _is_news(item)]


def _array(batch: list[Any]) -> list[Any]:
    """What came together, as one list; of a symbol the newest."""
    ends = [item for item in batch if isinstance(item, Disconnected)]
    newest = {item["stream"]: item["data"] for item in batch if type(item) is dict}
    return [list(newest.values()), *ends] if newest else ends


class _Conflated:
    """Of each symbol the newest, every ``interval_ms`` of the venue's time."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._newest: dict[str, dict[str, Any]] = {}
        self._due_ms: int | None = None

    def __call__(self, batch: list[Any]) -> list[Any]:
        given: list[Any] = []
        for item in _payloads(batch):
            if not isinstance(item, list):
                given.append(item)
                continue
            for ticker in item:
                self._newest[ticker["s"]] = ticker
            now_ms = epoch_ns(max((ticker["E"] for ticker in item), default=0)) // 1_000_000
            if self._due_ms is None:
                self._due_ms = now_ms
            if now_ms >= self._due_ms and self._newest:
                given.append(list(self._newest.values()))
                self._newest = {}
                self._due_ms = now_ms + self._interval_ms
        return given
