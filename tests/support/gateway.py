"""A gateway in front of the simulator, and a client of its streams."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import orjson

from tickwire.gateway import Gateway, GatewayConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tickwire.simulator import Simulator

__all__ = ["PATIENCE", "Sent", "Stream", "gateway_of", "listen", "until"]

PATIENCE = 30.0


class Sent(NamedTuple):
    """One server-sent event."""

    event: str
    id: str
    data: Any


class Stream:
    """What a listener gets. Parsed as a browser does: WHATWG HTML, section 9.2.6."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, event: str = "message") -> Sent:
        """The next event of this name; others are passed over."""
        while True:
            found = await self._next()
            if found.event == event:
                return found

    async def _next(self) -> Sent:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                data = orjson.loads(fields["data"])
                return Sent(fields.get("event", "message"), fields.get("id", ""), data)
            else:
                fields = {}
        raise EOFError("the stream has ended")


@asynccontextmanager
async def gateway_of(
    simulator: Simulator | None, **settings: Any
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    """A gateway of the simulator's data, and a client of it."""
    if simulator is not None:
        settings = {"url": simulator.ws_url} | settings
    config = GatewayConfig(port=0, **settings)
    async with Gateway(config) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE) as client:
            yield gateway, client


@asynccontextmanager
async def listen(client: httpx.AsyncClient, path: str, **headers: str) -> AsyncIterator[Stream]:
    """Listen to ``/api/ws/sse/<path>``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.stream("GET", f"/api/ws/sse/{path}", headers=named) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response)


async def until(condition: Callable[[], bool]) -> None:
    """Turn the loop until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
