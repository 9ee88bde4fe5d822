"""What programs that run on curl_cffi and on tickwire alike have for a server, and for a record."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest

import tickwire
from tests.support.frames import CLOSE, PONG, close
from tests.support.server import Peer, serving
from tests.support.threaded import serving_in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


__all__ = [
    "CURL_CFFI",
    "LIBRARIES",
    "NOT_CARRIED_OVER",
    "Recorder",
    "connected",
    "is_old",
    "since_017",
    "sync_connected",
    "told",
]

LIBRARIES: dict[str, Any] = {"curl_cffi": curl_cffi, "tickwire": tickwire}

CURL_CFFI = tuple(int(part) for part in version("curl_cffi").split(".")[:2])
"""The version that is installed."""

NOT_CARRIED_OVER: dict[str, dict[str, str]] = {
    "AsyncWebSocket": {
        "CLOSE_NOTIFY_SECS": "a constant of curl_cffi's own engine",
        "MAX_HANDSHAKE_SECS": "a constant of curl_cffi's own engine",
        "close_event": "a part of curl_cffi's own engine: wait_closed()",
        "recv_fragment": "raises NotImplementedError there",
    },
    "WebSocket": {
        "CLOSE_NOTIFY_SECS": "a constant of curl_cffi's own engine",
        "MAX_HANDSHAKE_SECS": "a constant of curl_cffi's own engine",
        "curl": "the handle belongs to the engine's thread",
    },
}
"""Attributes of curl_cffi 0.17 that tickwire's WebSockets do without, and why."""


def since_017(library: Any) -> None:
    """Skip what the installed curl_cffi, and not tickwire, is too old for."""
    if is_old(library) and CURL_CFFI < (0, 17):
        pytest.skip("curl_cffi does it from 0.17 on")


def is_old(library: Any) -> bool:
    return library is curl_cffi


class Recorder:
    """A server's script: accepts, sends ``after``, and records what comes until the close frame.

    Attributes:
        frames: (opcode, payload) of what came, close frames with their code only.
        peers: The connections.
    """

    def __init__(
        self,
        *after: bytes,
        headers: tuple[str, ...] = (),
        then: Callable[[Peer], Awaitable[object]] | None = None,
    ) -> None:
        self._after = b"".join(after)
        self._headers = headers
        self._then = then
        self.frames: list[tuple[int, bytes]] = []
        self.peers: list[Peer] = []

    async def __call__(self, peer: Peer) -> None:
        self.peers.append(peer)
        with contextlib.suppress(EOFError, ConnectionError, asyncio.IncompleteReadError):
            await peer.read_request()
            if "sec-websocket-key" not in peer.headers:
                return  # no upgrade was asked for
            await peer.send(peer.answer(headers=self._headers) + self._after)
            if self._then is not None:
                await self._then(peer)
                return
            while True:
                found = await peer.frame()
                self.frames.append(
                    (found.opcode, found.payload[:2] if found.opcode == CLOSE else found.payload)
                )
                if found.opcode == CLOSE:
                    await peer.send(close(found.close_code))
                    return

    @property
    def messages(self) -> list[tuple[int, bytes]]:
        return [found for found in self.frames if found[0] < CLOSE]

    @property
    def pongs(self) -> list[bytes]:
        return [payload for opcode, payload in self.frames if opcode == PONG]

    @property
    def close_codes(self) -> list[int]:
        return [int.from_bytes(found[1]) for found in self.frames if found[0] == CLOSE]


@asynccontextmanager
async def connected(
    library: Any, script: Any, *, session: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Any]:
    """A connection of ``library`` to a server that runs ``script``."""
    async with serving(script) as server, library.AsyncSession(**session or {}) as opened:
        async with await opened.ws_connect(server.url, **options) as ws:
            yield ws


@contextmanager
def sync_connected(library: Any, script: Any, **options: Any) -> Iterator[Any]:
    """The same for the synchronous surface; what the program leaves open is cut."""
    with serving_in_thread(script) as server:
        ws = library.Session().ws_connect(server.url, **options)
        try:
            yield ws
        finally:
            if not ws.closed:
                ws.terminate()


def told(error: BaseException) -> tuple[str, int]:
    """An error's nearest curl_cffi class, and its code."""
    kinds = (
        curl_cffi.WebSocketClosed,
        curl_cffi.WebSocketTimeout,
        curl_cffi.WebSocketError,
        curl_cffi.CurlError,
    )
    kind = next((kind for kind in kinds if isinstance(error, kind)), type(error))
    return kind.__name__, int(getattr(error, "code", 0))
