"""The server's connections: how many there may be, for how long one may say nothing, and an end
that does not wait for the other side."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tickwire.gateway.problems import MEDIA_TYPE, ProblemError, problem_body

try:
    import resource
except ModuleNotFoundError:  # Windows, which has no such limit
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import asyncio
    from collections.abc import MutableMapping

__all__ = ["ABORT", "BoundedProtocol", "ServerConfig", "room_for"]

ABORT = "tickwire.abort"
"""In the ASGI scope: ends the connection at once, with what it has not sent yet."""

_OTHER_FILES = 256
"""Besides callers' connections: to the exchanges, the log, what Python opens."""

_log = logging.getLogger("tickwire.gateway")


def room_for(connections: int) -> int:
    """How many connections the process may have files for; raises its soft limit as far as needed.

    Args:
        connections: That are wanted at a time.
    """
    if resource is None:
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft >= wanted:
        return connections
    left = max(soft - _OTHER_FILES, soft // 2)
    _log.warning(
        "the system allows fewer open files than the limits of this gateway need",
        extra={"files": soft, "connections": left, "wanted": connections},
    )
    return left


class ServerConfig(uvicorn.Config):
    """The server's, and what it has not got itself.

    Args:
        connections: At a time; one more is told to come back later.
        request_seconds: For a request to arrive in whole, from the connection or its last one on.
    """

    def __init__(
        self, app: Any, *, connections: int, request_seconds: float, **others: Any
    ) -> None:
        super().__init__(app, http=BoundedProtocol, **others)
        self.connections = connections
        self.request_seconds = request_seconds


class BoundedProtocol(HttpToolsProtocol):
    """One caller's connection."""

    config: ServerConfig
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.config.connections:
            transport.write(_too_many())
            transport.close()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waited()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: MutableMapping[str, Any] = self.scope  # type: ignore[assignment]
        scope[ABORT] = self.transport.abort
        if self._patience is None:
            self._wait()

    def on_message_complete(self) -> None:
        self._waited()
        super().on_message_complete()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.config.request_seconds, self.transport.abort)

    def _waited(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _too_many() -> bytes:
    problem = ProblemError(
        503,
        "too-many-connections",
        "Too many connections",
        "this gateway has as many connections as it may: close some, or try again later",
    )
    body = problem_body(problem, "/")
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: %b\r\nContent-Length: %d\r\n"
        b"Retry-After: 5\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%b"
        % (MEDIA_TYPE.encode(), len(body), body)
    )
