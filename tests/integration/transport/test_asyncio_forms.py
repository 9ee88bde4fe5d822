"""The forms in which asyncio programs wait: tasks, groups, shields, iterators, contexts."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.frames import TEXT, close, numbered, text
from tests.support.server import PATIENCE, Peer, raw_connection, serving
from tickwire.transport import WebSocketClosed

if TYPE_CHECKING:
    from tickwire import AsyncSession
    from tickwire.transport import AsyncWebSocket


async def test_create_task_gather_wait_and_task_groups(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        task = asyncio.create_task(ws.recv(), name="receiver")
        await asyncio.sleep(0)
        assert not task.done()
        assert "receiver" in repr(task)
        assert task.get_stack() is not None
        conn.sendall(text("1"))
        assert await task == (b"1", TEXT)

        conn.sendall(text("2") + text("3") + text("4"))
        gathered = await asyncio.gather(ws.recv_bytes(), ws.recv_str(), ws.recv_message())
        assert (gathered[0], gathered[1], gathered[2].payload) == (b"2", "3", b"4")

        done, pending = await asyncio.wait(
            [asyncio.create_task(ws.recv()), asyncio.create_task(ws.recv())], timeout=0.02
        )
        assert not done
        conn.sendall(text("5") + text("6"))
        done, _ = await asyncio.wait(pending, timeout=PATIENCE)
        assert sorted(task.result()[0] for task in done) == [b"5", b"6"]

        conn.sendall(text("7"))
        async with asyncio.TaskGroup() as group:
            seventh = group.create_task(ws.recv_bytes())
            eighth = group.create_task(ws.recv_bytes())
            await asyncio.sleep(0)
            conn.sendall(text("8"))
        assert (seventh.result(), eighth.result()) == (b"7", b"8")


async def test_as_completed_and_run_coroutine_threadsafe(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        loop = asyncio.get_running_loop()

        def from_a_thread() -> bytes:
            got: bytes = asyncio.run_coroutine_threadsafe(ws.recv_bytes(), loop).result(PATIENCE)
            return got

        waiting = loop.run_in_executor(None, from_a_thread)
        await asyncio.sleep(0)
        conn.sendall(text("a"))
        assert await waiting == b"a"
        conn.sendall(text("b") + text("c"))
        firsts = [await first for first in asyncio.as_completed([ws.recv_bytes(), ws.recv_bytes()])]
        assert sorted(firsts) == [b"b", b"c"]


async def test_shield_keeps_the_message(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        inner = asyncio.ensure_future(ws.recv_bytes())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(inner), 0.01)
        conn.sendall(text("kept"))
        assert await asyncio.wait_for(inner, PATIENCE) == b"kept"


async def test_a_timeout_scope_around_many_receives(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        conn.sendall(text("1") + text("2"))
        received: list[bytes] = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                while True:
                    received.append(await ws.recv_bytes())
        assert received == [b"1", b"2"]
        conn.sendall(text("3"))
        assert await ws.recv_bytes(timeout=PATIENCE) == b"3"


async def test_anext_in_its_forms(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        conn.sendall(b"".join(text(payload) for payload in numbered(0, 6)))
        iterator = aiter(ws)
        received = [await anext(iterator), await anext(iterator, None), await anext(ws)]
        received += await asyncio.gather(anext(ws), anext(ws))
        received.append(await asyncio.wait_for(anext(iterator), PATIENCE))
        assert received == numbered(0, 6)
        assert aiter(iterator) is iterator
        conn.sendall(close())
        assert await anext(iterator, "end") == "end"
        with pytest.raises(StopAsyncIteration):
            await anext(ws)


async def test_one_iterator_in_two_hands_gives_each_message_once(session: AsyncSession) -> None:
    """Before and after the messages came: asked for twice, it is two messages."""
    async with raw_connection(session.ws_connect) as (ws, conn):
        iterator = aiter(ws)
        conn.sendall(text("a") + text("b"))
        while ws.recv_queue_length < 2:
            await asyncio.sleep(0)
        assert list(await asyncio.gather(anext(iterator), anext(iterator))) == [b"a", b"b"]
        tasks = [asyncio.ensure_future(anext(iterator)) for _ in range(3)]
        await asyncio.sleep(0)
        conn.sendall(text("c") + text("d") + text("e"))
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*tasks) == [b"c", b"d", b"e"]
        batches = ws.batches()
        waiting = [asyncio.ensure_future(anext(batches)) for _ in range(2)]
        await asyncio.sleep(0)
        conn.sendall(text("f"))
        assert list(await asyncio.wait_for(waiting[0], PATIENCE)) == [b"f"]
        conn.sendall(text("g"))
        assert list(await asyncio.wait_for(waiting[1], PATIENCE)) == [b"g"]


async def test_two_tasks_iterate(session: AsyncSession) -> None:
    payloads = numbered(0, 2000)

    async def consume(ws: AsyncWebSocket, into: list[bytes]) -> None:
        async for payload in ws:
            into.append(payload)
            await asyncio.sleep(0)

    async def script(peer: Peer) -> None:
        await peer.accept()
        for payload in payloads:
            await peer.send(text(payload))
        peer.write(close())
        await peer.close_frame()

    async with serving(script) as server, session.ws_connect(server.url) as ws:
        first: list[bytes] = []
        second: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(consume(ws, first), consume(ws, second))
    assert sorted(first + second) == payloads
    assert first == sorted(first)
    assert second == sorted(second)
    assert first
    assert second


async def test_what_recv_gives_is_awaitable_and_a_coroutine_to_asyncio(
    session: AsyncSession,
) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        conn.sendall(text("1"))
        receive = ws.recv()
        assert inspect.isawaitable(receive)
        assert asyncio.iscoroutine(receive)
        assert await asyncio.ensure_future(receive) == (b"1", TEXT)
        sending = ws.send(b"x")
        assert inspect.isawaitable(sending)
        await asyncio.ensure_future(sending)


async def test_await_under_a_tracer(session: AsyncSession) -> None:
    """Debuggers and coverage take another road through ``await`` in the interpreter."""
    seen = 0

    def tracer(*_: Any) -> Any:
        nonlocal seen
        seen += 1
        return tracer

    async with raw_connection(session.ws_connect) as (ws, conn):

        async def traced() -> list[Any]:
            found: list[Any] = [await ws.recv(), await ws.recv_bytes(), await anext(ws)]
            await ws.send(b"traced")
            conn.sendall(text("late") + close())
            async for payload in ws:
                found.append(payload)
            return found

        conn.sendall(text("1") + text("2") + text("3"))
        sys.settrace(tracer)
        try:
            task = asyncio.create_task(traced())
            found = await asyncio.wait_for(task, PATIENCE)
        finally:
            sys.settrace(None)
    assert found == [(b"1", TEXT), b"2", b"3", b"late"]
    assert seen


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")


async def test_context_variables_live_over_an_await(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):

        async def receiver(name: str) -> list[str]:
            variable.set(name)
            seen = []
            for _ in range(3):
                await ws.recv()
                seen.append(variable.get())
                variable.set(variable.get() + "+")
            return seen

        tasks = [asyncio.create_task(receiver(name)) for name in ("a", "b")]
        for _ in range(6):
            await asyncio.sleep(0)
            conn.sendall(text("x"))
            while ws.recv_queue_length:
                await asyncio.sleep(0)
        results = await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        assert results == [["a", "a+", "a++"], ["b", "b+", "b++"]]
        assert variable.get() == "outside"


async def test_tasks_that_share_one_context(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        shared = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        first = loop.create_task(ws.recv_bytes(), context=shared)
        second = loop.create_task(ws.recv_bytes(), context=shared)
        await asyncio.sleep(0)
        conn.sendall(text("1") + text("2"))
        assert list(await asyncio.gather(first, second)) == [b"1", b"2"]


async def test_the_current_task_is_the_receiver(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):

        async def receiver() -> tuple[asyncio.Task[Any] | None, asyncio.Task[Any] | None]:
            before = asyncio.current_task()
            await ws.recv()
            return before, asyncio.current_task()

        task = asyncio.create_task(receiver())
        await asyncio.sleep(0)
        conn.sendall(text("x"))
        assert await task == (task, task)


async def test_an_exception_in_the_consumer_stays_there(session: AsyncSession) -> None:
    """The task resumes inside the reader's callback; what it raises is its own."""
    async with raw_connection(session.ws_connect) as (ws, conn):

        async def failing() -> None:
            await ws.recv()
            raise ZeroDivisionError

        task = asyncio.create_task(failing())
        other = asyncio.create_task(ws.recv_bytes())
        await asyncio.sleep(0)
        conn.sendall(text("1") + text("2"))
        with pytest.raises(ZeroDivisionError):
            await task
        assert await other == b"2"
        assert ws.is_alive()


async def test_a_consumer_may_close_terminate_and_send_from_where_it_resumes(
    session: AsyncSession,
) -> None:
    async def consumer(ws: AsyncWebSocket, conn: socket.socket, how: str) -> bytes:
        received = await ws.recv_bytes()
        await ws.send(b"echo " + received)
        if how == "close":
            conn.sendall(close())
            conn.shutdown(socket.SHUT_WR)
            await ws.close()
        else:
            ws.terminate()
        return received

    for how in ("close", "terminate"):
        async with raw_connection(session.ws_connect) as (ws, conn):
            task = asyncio.create_task(consumer(ws, conn, how))
            other = asyncio.create_task(ws.recv())
            await asyncio.sleep(0)
            conn.sendall(text("1"))
            assert await asyncio.wait_for(task, PATIENCE) == b"1"
            with pytest.raises(WebSocketClosed):
                await asyncio.wait_for(other, PATIENCE)


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_debug_mode_finds_nothing_to_warn_of(
    caplog: pytest.LogCaptureFixture, session: AsyncSession
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = PATIENCE
    payloads = numbered(0, 300)

    async def script(peer: Peer) -> None:
        await peer.accept(b"".join(text(payload) for payload in payloads))
        for _ in range(20):
            await peer.message()
        await peer.close_frame()
        await peer.send(close())

    with caplog.at_level(logging.WARNING, logger="asyncio"):
        async with serving(script) as server, session.ws_connect(server.url) as ws:
            received = [await asyncio.wait_for(ws.recv_bytes(), PATIENCE) for _ in payloads]
            task = asyncio.create_task(ws.recv())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for _ in range(20):
                await ws.send(b"x" * 70_000)
            await ws.flush(PATIENCE)
    assert received == payloads
    assert [entry.getMessage() for entry in caplog.records] == []
