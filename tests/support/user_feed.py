"""Who listens to user data over the WebSocket API, and what such a listener hears."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from tests.support.server import PATIENCE

if TYPE_CHECKING:
    from tickwire.binance.wsapi import WsApi

__all__ = ["SHUTDOWN", "Heard", "event", "subscribed"]

Frame = dict[str, Any]


class Heard:
    """Takes what a subscription gives."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.ends: list[Exception | None] = []
        self.restored = 0
        self.changed = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()

    def on_event(self, frame: bytes, recv_ns: int) -> None:
        assert recv_ns > 0
        self.events.append(orjson.loads(frame)["event"]["n"])
        self._tell()

    def on_end(self, reason: Exception | None) -> None:
        self.ends.append(reason)
        self._tell()

    def on_restored(self) -> None:
        self.restored += 1
        self._tell()

    def _tell(self) -> None:
        task = asyncio.create_task(self._notify())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(condition)


def event(number: int, subscription: int = 0) -> Frame:
    return {"subscriptionId": subscription, "event": {"e": "executionReport", "n": number}}


SHUTDOWN = {"event": {"e": "serverShutdown", "E": 1770123456789}}


async def subscribed(api: WsApi, heard: Heard, token: str | None = None) -> int:
    return await api.subscribe_user_data(
        heard.on_event, heard.on_end, token, on_restored=heard.on_restored
    )
