"""A ``recv`` that is cancelled, timed out or raced takes no message with it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

import pytest

from tests.support.frames import close, numbered, text
from tests.support.server import PATIENCE, Peer, raw_connection
from tickwire.transport import WebSocketTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.server import Serve
    from tickwire import AsyncSession
    from tickwire.transport import AsyncWebSocket

CANCELS = 10_000


def trickling(
    payloads: list[bytes], stopped: Callable[[], bool]
) -> Callable[[Peer], Awaitable[None]]:
    """A server that sends a few payloads every few turns of the loop, while the client lives."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        chance = random.Random(7)
        at = 0
        while at < len(payloads) and not stopped():
            count = chance.choice((1, 1, 1, 2, 5))
            await peer.send(b"".join(text(payload) for payload in payloads[at : at + count]))
            at += count
            for _ in range(chance.randrange(16)):
                await asyncio.sleep(0)
        await peer.close_frame()
        await peer.send(close())

    return script


async def cancelled_at_once(ws: AsyncWebSocket) -> bytes | None:
    """Start a ``recv``, let it wait for a turn or none, cancel it, and see what came of it."""
    task = asyncio.create_task(ws.recv_bytes())
    await asyncio.sleep(0)
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None


async def cancelled_unstarted(ws: AsyncWebSocket) -> bytes | None:
    task = asyncio.create_task(ws.recv_bytes())
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None


async def timed_out(ws: AsyncWebSocket) -> bytes | None:
    try:
        return await ws.recv_bytes(timeout=0)
    except WebSocketTimeout:
        return None


async def wait_for_nothing(ws: AsyncWebSocket) -> bytes | None:
    try:
        return await asyncio.wait_for(ws.recv_bytes(), 0)
    except TimeoutError:
        return None


async def wait_for_little(ws: AsyncWebSocket) -> bytes | None:
    try:
        return await asyncio.wait_for(ws.recv_bytes(), 1e-6)
    except TimeoutError:
        return None


async def timeout_scope(ws: AsyncWebSocket) -> bytes | None:
    try:
        async with asyncio.timeout(1e-6):
            return await ws.recv_bytes()
    except TimeoutError:
        return None


WAYS = [
    cancelled_at_once,
    cancelled_unstarted,
    timed_out,
    wait_for_nothing,
    wait_for_little,
    timeout_scope,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_10_000_cancels_in_a_row_under_load_lose_nothing(
    serve: Serve,
    session: AsyncSession,
    way: Callable[[AsyncWebSocket], Awaitable[bytes | None]],
) -> None:
    payloads = numbered(0, 40_000)
    done = asyncio.Event()
    received: list[bytes] = []
    cancelled = 0
    async with serve(trickling(payloads, done.is_set)) as server:
        async with session.ws_connect(server.url) as ws:
            while cancelled < CANCELS:
                payload = await way(ws)
                if payload is not None:
                    received.append(payload)
                    continue
                cancelled += 1
                if cancelled % 16 == 0:
                    while ws.recv_queue_length:
                        received.append(await ws.recv_bytes())
            done.set()
            await ws.close()
            received += [payload async for payload in ws]
            assert ws.messages_received == len(received)
    assert received == payloads[: len(received)], "lost, doubled or out of order"
    assert len(received) > CANCELS / 20, "there was load"


async def test_cancelled_in_the_very_tick_of_the_arrival(session: AsyncSession) -> None:
    """The message and the cancel are in the same turn of the loop, in either order."""
    async with raw_connection(session.ws_connect) as (ws, conn):
        loop = asyncio.get_running_loop()
        received: list[bytes] = []
        rounds = 600
        for number in range(rounds):
            task = asyncio.create_task(ws.recv_bytes())
            await asyncio.sleep(0)
            conn.sendall(text(b"%d" % number))
            if number % 3 == 0:
                task.cancel()  # the cancel first; the message is on the socket already
            elif number % 3 == 1:
                loop.call_soon(task.cancel)  # after the reader of this turn
            else:
                ready = loop.create_future()
                loop.call_soon(ready.set_result, None)
                await ready
                task.cancel()
            try:
                received.append(await task)
            except asyncio.CancelledError:
                received.append(await ws.recv_bytes(timeout=PATIENCE))
        assert received == [b"%d" % number for number in range(rounds)]


async def test_cancel_between_arrival_and_resumption(session: AsyncSession) -> None:
    """What is read while its receiver's cancel is under way goes to the next receiver."""
    async with raw_connection(session.ws_connect) as (ws, conn):
        for number in range(200):
            first = asyncio.create_task(ws.recv_bytes())
            second = asyncio.create_task(ws.recv_bytes())
            await asyncio.sleep(0)
            first.cancel()
            conn.sendall(text(b"%d" % number))
            assert await asyncio.wait_for(second, PATIENCE) == b"%d" % number
            with pytest.raises(asyncio.CancelledError):
                await first


async def test_several_receivers_some_cancelled(serve: Serve, session: AsyncSession) -> None:
    """Ten tasks receive, each cancelled at random and started again: every message once."""
    payloads = numbered(0, 8_000)
    done = asyncio.Event()
    chance = random.Random(11)
    received: list[bytes] = []

    async def receiver(ws: AsyncWebSocket) -> None:
        while True:
            received.append(await ws.recv_bytes())

    async with serve(trickling(payloads, done.is_set)) as server:
        async with session.ws_connect(server.url) as ws:
            tasks = [asyncio.create_task(receiver(ws)) for _ in range(10)]
            async with asyncio.timeout(PATIENCE):
                while len(received) < len(payloads):
                    at = chance.randrange(10)
                    tasks[at].cancel()
                    tasks[at] = asyncio.create_task(receiver(ws))
                    await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(received) == payloads


async def test_waiting_receivers_are_served_in_their_order(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        tasks = [asyncio.create_task(ws.recv_bytes()) for _ in range(30)]
        await asyncio.sleep(0)
        tasks[7].cancel()
        conn.sendall(b"".join(text(payload) for payload in numbered(0, 29)))
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results.pop(7), asyncio.CancelledError)
        assert results == numbered(0, 29)


async def test_a_cancelled_batch_is_not_lost(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        for number in range(100):
            task = asyncio.ensure_future(anext(ws.batches()))
            await asyncio.sleep(0)
            conn.sendall(b"".join(text(payload) for payload in numbered(number, 3)))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert await task == numbered(number, 3)
                continue
            received: list[bytes] = []
            async for batch in ws.batches():
                received += batch
                if len(received) == 3:
                    break
            assert received == numbered(number, 3)


async def test_a_recv_cancelled_at_shutdown_ends(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, _):
        tasks = [
            asyncio.create_task(ws.recv(timeout=60)),
            asyncio.ensure_future(anext(ws)),
            asyncio.ensure_future(anext(ws.batches())),
        ]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel("shutdown")
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 3
        assert ws.is_alive()
