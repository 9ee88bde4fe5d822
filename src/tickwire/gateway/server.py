"""The gateway with a server around it."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from tickwire.gateway.app import create_app
from tickwire.gateway.connections import ServerConfig, room_for
from tickwire.gateway.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from tickwire.clock import Clock
    from tickwire.gateway.config import GatewayConfig

__all__ = ["Gateway"]

_BACKLOG = 4096
_GRACE_SECONDS = 5
_REQUEST_SECONDS = 10.0
_SPARE_CONNECTIONS = 256
"""Besides those of listeners."""


class Gateway:
    """A gateway inside a program.

    ::

        async with Gateway(GatewayConfig(port=0)) as gateway:
            print(gateway.url)  # http://127.0.0.1:…

    Belongs to the event loop that it is entered on. Signals stay the program's. The process's soft
    limit of open files is raised as far as the listeners of ``config.limits`` need.

    Args:
        config: How it is wanted.
        clock: For tests.

    Attributes:
        hub: What it serves.

    Raises:
        OSError: On entering: the address cannot be had. Retry: with another port.
    """

    def __init__(self, config: GatewayConfig, *, clock: Clock | None = None) -> None:
        self.hub = Hub(config, clock)
        self._config = config
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._port = config.port

    async def __aenter__(self) -> Self:
        config = self._config
        listening = _listen(config.host, config.port)
        self._port = listening.getsockname()[1]
        server = _Server(
            ServerConfig(
                create_app(config, self.hub),
                connections=room_for(config.limits.listeners + _SPARE_CONNECTIONS),
                request_seconds=_REQUEST_SECONDS,
                log_config=None,
                # A query may carry the token.
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                backlog=_BACKLOG,
                lifespan="on",
            ),
            self.hub,
        )
        self._server = server
        self._serving = asyncio.create_task(server.serve(sockets=[listening]))
        ready = asyncio.create_task(server.is_up.wait())
        await asyncio.wait((ready, self._serving), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            listening.close()
            await self._serving
            raise RuntimeError("the gateway ended before it had begun; see its log")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Its address: ``http://127.0.0.1:8000``."""
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        return f"http://{host}:{self._port}"

    async def wait(self) -> None:
        """Serve until it ends by itself, which is a failure told in the log."""
        if self._serving is not None:
            await asyncio.shield(self._serving)


class _Server(uvicorn.Server):
    """Ends the streams before it waits for them, and leaves signals alone."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()
        self._hub = hub

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.is_up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.close_listeners()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    name = host.strip("[]")
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    family, kind, proto, _, address = found[0]
    listening = socket.socket(family, kind, proto)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    logging.getLogger("tickwire.gateway").info(
        "listening", extra={"address": listening.getsockname()[:2]}
    )
    return listening
