"""Closing at every moment at which it can be inconvenient."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import CLOSE, close, numbered, text
from tests.support.server import PATIENCE, Peer
from tests.support.stalls import until_stuck
from tickwire.clock import mono
from tickwire.transport import (
    SessionClosed,
    WebSocketClosed,
    WebSocketError,
    WebSocketState,
    WebSocketTimeout,
)

if TYPE_CHECKING:
    from tests.support.server import Serve
    from tickwire import AsyncSession

ENDS = ["close", "terminate", "session"]


async def end(how: str, ws: Any, session: AsyncSession) -> None:
    """End the connection in one of three ways; bounded by a second."""
    async with asyncio.timeout(PATIENCE):
        if how == "close":
            await ws.close(timeout=1.0)
        elif how == "terminate":
            ws.terminate()
        else:
            await session.close()


async def until_closed(peer: Peer) -> None:
    await peer.accept()
    try:
        await peer.next_of(CLOSE)
        await peer.send(close())
    except (EOFError, ConnectionError):
        pass


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("waiting", ["recv", "recv_str", "recv_batch", "iteration", "batches"])
async def test_while_a_task_waits_for_messages(
    serve: Serve, session: AsyncSession, how: str, waiting: str
) -> None:
    async def wait() -> Any:
        if waiting == "iteration":
            return [payload async for payload in ws]
        if waiting == "batches":
            return [batch async for batch in ws.batches()]
        return await getattr(ws, waiting)(timeout=PATIENCE)

    async with serve(until_closed) as server:
        ws = await session.ws_connect(server.url)
        tasks = [asyncio.ensure_future(wait()) for _ in range(3)]
        await asyncio.sleep(0)
        await end(how, ws, session)
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)
        for result in results:
            if how != "terminate" and waiting in ("iteration", "batches"):
                assert result == []
            else:
                assert isinstance(result, WebSocketClosed), result
        assert ws.state is WebSocketState.CLOSED


@pytest.mark.parametrize("how", ENDS)
async def test_while_a_send_is_half_done(serve: Serve, session: AsyncSession, how: str) -> None:
    """The peer does not read: the close is cut at its timeout, and nobody hangs."""

    async def script(peer: Peer) -> None:
        transport: Any = peer.writer.transport
        await peer.accept()
        transport.pause_reading()
        await over.wait()

    over = asyncio.Event()
    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        sending = [
            asyncio.ensure_future(ws.send(os.urandom(50_000_000))),
            asyncio.ensure_future(ws.send(b"small")),
            asyncio.ensure_future(ws.flush()),
        ]
        await until_stuck(ws)
        started = mono()
        await end(how, ws, session)
        results = await asyncio.wait_for(asyncio.gather(*sending, return_exceptions=True), PATIENCE)
        assert mono() - started < 3.0
        assert all(isinstance(result, WebSocketError) for result in results), results
        assert not any(isinstance(result, WebSocketTimeout) for result in results)
        over.set()


async def test_what_was_sent_before_the_close_arrives(serve: Serve, session: AsyncSession) -> None:
    payload = os.urandom(3_000_000)

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.message()).payload == payload
        assert (await peer.message()).payload == b"and this"
        assert (await peer.close_frame()).close_code == 1000
        await peer.send(close())

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        sending = [
            asyncio.ensure_future(ws.send(payload)),
            asyncio.ensure_future(ws.send(b"and this")),
        ]
        await asyncio.sleep(0)
        await ws.close(timeout=PATIENCE)
        await asyncio.wait_for(asyncio.gather(*sending), PATIENCE)


@pytest.mark.parametrize("how", ENDS)
async def test_while_the_receive_queue_is_full(
    serve: Serve, session: AsyncSession, how: str
) -> None:
    """The peer's answer to our close lies behind what nobody reads; close() finds it."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        try:
            sending = asyncio.ensure_future(
                peer.send(b"".join(text(payload) for payload in numbered(0, 20_000, 500)))
            )
            await peer.next_of(CLOSE)
            await sending
            await peer.send(close())
        except (EOFError, ConnectionError):
            pass
        finally:
            sending.cancel()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=10, read_ahead=0)
        async with asyncio.timeout(PATIENCE):
            while not ws.is_paused:
                await asyncio.sleep(0)
        held = ws.recv_queue_size
        started = mono()
        await end(how, ws, session)
        if how == "close":
            assert mono() - started < 3.0
            found = [payload async for payload in ws]
            assert found == numbered(0, len(found), 500)
            assert len(found) >= held
            assert ws.discarded == 20_000 - len(found)


async def test_both_sides_at_once(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(close(4001, b"mine"))
        found = await peer.close_frame()
        assert found.close_code in (4001, 4002)

    async with serve(script) as server:
        for _ in range(20):
            ws = await session.ws_connect(server.url)
            await asyncio.wait_for(ws.close(4002, b"ours"), PATIENCE)
            assert ws.state is WebSocketState.CLOSED


async def test_many_tasks_close_at_once(serve: Serve, session: AsyncSession) -> None:
    async with serve(until_closed) as server:
        ws = await session.ws_connect(server.url)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(ws.close() for _ in range(10)))
            await ws.close()
        ws.terminate()
        await ws.close()


@pytest.mark.parametrize("how", ["close", "terminate"])
async def test_a_cancelled_close_leaves_nothing(
    serve: Serve, session: AsyncSession, how: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        closing = asyncio.ensure_future(ws.close(timeout=100.0))
        await asyncio.sleep(0)
        if how == "close":
            closing.cancel()
        else:
            ws.terminate()
        await asyncio.wait([closing], timeout=PATIENCE)
        assert closing.done()
        assert ws.state is WebSocketState.CLOSED
        assert session.connector.live_count == 0


async def test_during_a_connect(serve: Serve, session: AsyncSession) -> None:
    """The session is closed while connects are under way: each ends in an error, none hangs."""
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.read_request()
        asked.set()
        await peer.gone()

    async with serve(script) as server:
        connecting = [asyncio.ensure_future(connect(session, server.url)) for _ in range(5)]
        await asyncio.wait_for(asked.wait(), PATIENCE)
        await asyncio.wait_for(session.close(), PATIENCE)
        done, late = await asyncio.wait(connecting, timeout=PATIENCE)
        assert not late
        for task in done:
            assert not task.cancelled(), "closing the session is no cancellation of the task"
            assert isinstance(task.exception(), WebSocketError), task.exception()


async def connect(session: AsyncSession, url: str) -> Any:
    return await session.ws_connect(url)


async def test_after_the_session(session: AsyncSession) -> None:
    await session.close()
    with pytest.raises(WebSocketError):
        await session.ws_connect("ws://127.0.0.1:1/")


async def test_terminate_from_another_thread(serve: Serve, session: AsyncSession) -> None:
    async with serve(until_closed) as server:
        ws = await session.ws_connect(server.url)
        waiting = asyncio.ensure_future(ws.recv(timeout=PATIENCE))
        await asyncio.sleep(0)
        await asyncio.to_thread(ws.terminate)
        with pytest.raises(WebSocketClosed) as caught:
            await waiting
        assert not caught.value.clean
        await ws.wait_closed()


async def test_connects_while_the_session_says_goodbye(serve: Serve, session: AsyncSession) -> None:
    """One that was under way, and one that begins then: neither is handed out."""
    asked, may_answer, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.read_request()
        asked.set()
        await may_answer.wait()
        peer.write(peer.answer())
        await peer.gone()

    async def silent(peer: Peer) -> None:
        await peer.accept()
        await peer.close_frame()
        told.set()
        await peer.gone()

    async with serve(slow) as late, serve(silent) as server, asyncio.timeout(PATIENCE):
        await session.ws_connect(server.url)
        pending = asyncio.create_task(session.ws_connect(late.url))
        await asked.wait()
        closing = asyncio.create_task(session.close())
        await told.wait()
        may_answer.set()
        with pytest.raises(SessionClosed):
            await session.ws_connect(late.url)
        await closing
        with pytest.raises((SessionClosed, WebSocketError)):
            await pending
