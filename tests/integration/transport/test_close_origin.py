"""Whose doing an end is, and in which thread it is done."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.frames import CLOSE, text
from tests.support.server import PATIENCE, Peer
from tickwire.transport import WebSocketClosed, WebSocketState

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession
    from tickwire.transport import AsyncWebSocket


# ------------------------------------------------------------------ end of stream


async def test_an_end_of_stream_out_of_nothing_is_the_peers(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("last"))

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, drain_on_error=True)
        assert await ws.recv_bytes(timeout=PATIENCE) == b"last"
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        assert (caught.value.code, caught.value.by_peer) == (1006, True)


async def test_an_end_of_stream_that_answers_our_close_is_ours(
    serve: Serve, session: AsyncSession
) -> None:
    """A peer that cuts the connection where it should send its close frame."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.frame()).opcode == CLOSE

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        await ws.close(timeout=PATIENCE)
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        assert (caught.value.code, caught.value.by_peer) == (1006, False)


# ------------------------------------------------------------------ terminate from elsewhere


def state_of(ws: AsyncWebSocket) -> WebSocketState:
    return ws.state


def terminate_here(ws: AsyncWebSocket) -> None:
    ws.terminate()


def terminate_on_another_loop(ws: AsyncWebSocket) -> None:
    async def main() -> None:
        ws.terminate()

    asyncio.run(main())


@pytest.mark.parametrize("terminate", [terminate_here, terminate_on_another_loop])
async def test_terminate_elsewhere_leaves_the_work_to_the_loop(
    serve: Serve, session: AsyncSession, terminate: object
) -> None:
    """Another thread must not touch what the loop's thread may be using."""
    assert callable(terminate)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)  # the loop itself then refuses calls that only its own thread may make

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        receiver = asyncio.ensure_future(ws.recv(timeout=PATIENCE))
        await asyncio.sleep(0)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(terminate, ws).result(PATIENCE)  # meanwhile the loop stands still
            assert state_of(ws) is WebSocketState.OPEN
            assert ws.fd >= 0
        with pytest.raises(WebSocketClosed) as caught:
            await receiver
        assert (caught.value.code, caught.value.by_peer) == (1006, False)
        assert state_of(ws) is WebSocketState.CLOSED
        assert session.connector.live_count == 0


async def test_terminate_elsewhere_wakes_a_loop_that_sleeps(
    serve: Serve, session: AsyncSession
) -> None:
    """Nothing else happens on the loop until long after."""
    asked = threading.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    def cut(ws: AsyncWebSocket) -> None:
        asked.wait(PATIENCE)
        ws.terminate()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        loop = asyncio.get_running_loop()
        receiver = asyncio.ensure_future(ws.recv())
        with ThreadPoolExecutor(1) as pool:
            cutting = pool.submit(cut, ws)
            await asyncio.sleep(0)
            begun = loop.time()
            loop.call_soon(asked.set)
            with pytest.raises(WebSocketClosed):
                await receiver
            assert loop.time() - begun < PATIENCE / 2
            cutting.result(PATIENCE)
