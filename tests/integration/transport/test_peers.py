"""Against well-kept servers: websockets and aiohttp, as they are."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from websockets.asyncio.server import serve as websockets_serve
from websockets.exceptions import ConnectionClosed

from tests.support.server import PATIENCE
from tickwire.transport import WebSocketClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.server import ServerConnection

    from tests.support.certificates import Certificates
    from tickwire import AsyncSession

SIZES = [0, 1, 125, 126, 65_535, 65_536, 200_000, 1_000_000]


@asynccontextmanager
async def with_websockets(tls: Any, seen: dict[str, Any]) -> AsyncIterator[str]:
    async def echo(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                if message == "close":
                    await connection.close(4321, "as you wish")
                    return
                await connection.send(message)
        except ConnectionClosed:
            pass
        seen["code"] = connection.close_code

    options: dict[str, Any] = {"max_size": None, "compression": "deflate", "ssl": tls}
    async with websockets_serve(echo, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}/"


@asynccontextmanager
async def with_aiohttp(tls: Any, seen: dict[str, Any]) -> AsyncIterator[str]:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(max_msg_size=0, heartbeat=5)
        await response.prepare(request)
        async for message in response:
            if message.type is aiohttp.WSMsgType.TEXT:
                if message.data == "close":
                    await response.close(code=4321, message=b"as you wish")
                    break
                await response.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await response.send_bytes(message.data)
        seen["code"] = response.close_code
        return response

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


SERVERS = {"websockets": with_websockets, "aiohttp": with_aiohttp}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_echo(
    session: AsyncSession,
    certificates: Certificates,
    scheme: str,
    name: str,
    compression: str | None,
) -> None:
    seen: dict[str, Any] = {}
    tls = certificates.server if scheme == "wss" else None
    async with SERVERS[name](tls, seen) as url:
        async with (
            session.ws_connect(url, compression=compression, impersonate="chrome") as ws,
            asyncio.timeout(PATIENCE),
        ):
            for size in SIZES:
                await ws.send("ä" * (size // 2))
                assert await ws.recv_str() == "ä" * (size // 2)
                await ws.send(bytes(size))
                assert await ws.recv() == (bytes(size), 2)
            for number in range(500):
                await ws.send_json({"n": number})
            assert [(await ws.recv_json())["n"] for _ in range(500)] == list(range(500))
            assert 0 < await (await ws.ping(b"there")) < PATIENCE
            await ws.close(3001, "done")
        async with asyncio.timeout(PATIENCE):
            while "code" not in seen:
                await asyncio.sleep(0)
        assert seen["code"] == 3001


@pytest.mark.parametrize("name", SERVERS)
async def test_closed_by_the_server(
    session: AsyncSession, certificates: Certificates, scheme: str, name: str
) -> None:
    tls = certificates.server if scheme == "wss" else None
    async with SERVERS[name](tls, {}) as url, session.ws_connect(url) as ws:
        await ws.send("last")
        await ws.send("close")
        assert await ws.recv_str(timeout=PATIENCE) == "last"
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        assert (caught.value.code, caught.value.reason) == (4321, "as you wish")
        assert caught.value.clean
