"""Every way in which a connection ends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest

from tests.support.frames import PING, TEXT, binary, close, fragments, frame, numbered, ping, text
from tests.support.server import PATIENCE, Peer, raw_connection, reset, serving
from tickwire import AsyncSession
from tickwire.transport import (
    CurlWsFlag,
    WebSocketClosed,
    WebSocketError,
    WebSocketState,
    WebSocketTimeout,
    lifecycle,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.certificates import Certificates
    from tests.support.server import Serve
    from tickwire.transport import AsyncWebSocket


async def polite(peer: Peer) -> None:
    await peer.accept()
    await peer.close_frame()
    await peer.send(close())


async def closed_error(ws: AsyncWebSocket) -> WebSocketClosed:
    with pytest.raises(WebSocketClosed) as caught:
        await ws.recv(timeout=PATIENCE)
    return caught.value


# ------------------------------------------------------------------ by the peer


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, ""),
        (1001, "going away"),
        (1008, "té" * 30),
        (1013, ""),
        (4999, "x" * 123),
        (None, ""),
    ],
)
async def test_closed_by_the_peer(
    serve: Serve, session: AsyncSession, code: int | None, reason: str
) -> None:
    """Everything before the close frame comes first, however late the consumer is."""
    answers: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in numbered(0, 50)))
        await peer.send(close(code, reason.encode()) + text("after the close"))
        answers.append((await peer.close_frame()).payload)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        async with asyncio.timeout(PATIENCE):
            await ws.wait_closed()
        assert ws.state is WebSocketState.CLOSED
        received = [await ws.recv_bytes() for _ in range(50)]
        assert received == numbered(0, 50)
        error = await closed_error(ws)
        assert (error.code, error.reason) == (code or 1005, reason)
        assert error.by_peer
        assert error.clean
        assert isinstance(error, curl_cffi.WebSocketClosed)
        assert [payload async for payload in ws] == []
    assert answers == [b"" if code is None else code.to_bytes(2, "big")]


async def test_the_peers_close_answers_pings_that_came_before_it(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(ping(b"1") + ping(b"2") + close(1000) + ping(b"3"))
        found = [await peer.frame() for _ in range(3)]
        assert [one.payload[:2] for one in found] == [b"1", b"2", b"\x03\xe8"]
        await peer.silent()  # nothing may follow a close frame

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await closed_error(ws)


async def test_after_the_peers_close_nothing_can_be_sent(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(close(1012, b"restart"))
        await peer.close_frame()
        await peer.silent()

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        await closed_error(ws)
        sends: list[Callable[[], Awaitable[object]]] = [
            lambda: ws.send(b"x"),
            lambda: ws.send_str("x"),
            lambda: ws.send_bytes(b"x"),
            lambda: ws.send_json({}),
            lambda: ws.send(bytes(1_000_000)),
            ws.ping,
        ]
        for send in sends:
            with pytest.raises(WebSocketClosed) as caught:
                await send()
            assert (caught.value.code, caught.value.reason) == (1012, "restart")


async def test_autoclose_off_leaves_the_answer_to_the_program(
    serve: Serve, session: AsyncSession
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(close(1001))
        assert (await peer.message()).payload == b"last words"
        assert (await peer.close_frame()).close_code == 4001

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, autoclose=False)
        assert (await closed_error(ws)).code == 1001
        await ws.send(b"last words")
        await ws.close(4001)
        assert ws.state is WebSocketState.CLOSED


# ------------------------------------------------------------------ by us


@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ((), b"\x03\xe8"),
        ((1001,), b"\x03\xe9"),
        ((3000, "bye é"), b"\x0b\xb8bye \xc3\xa9"),
        ((4999, b"bytes"), b"\x13\x87bytes"),
        ((1000, "x" * 500), b"\x03\xe8" + b"x" * 123),
    ],
)
async def test_closed_by_us(
    serve: Serve, session: AsyncSession, arguments: tuple[Any, ...], payload: bytes
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        found = await peer.close_frame()
        assert found.masked
        assert found.payload == payload
        await peer.send(close(found.close_code))

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        async with asyncio.timeout(PATIENCE):
            await ws.close(*arguments)
            await ws.close()
            await ws.close(1001, "again")
        assert ws.closed
        assert ws.state is WebSocketState.CLOSED
        error = await closed_error(ws)
        assert error.clean
        assert not error.by_peer
        assert [payload async for payload in ws] == []
        with pytest.raises(WebSocketClosed):
            await ws.send(b"late")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536, -1])
async def test_a_code_that_may_not_be_sent_changes_nothing(
    session: AsyncSession, code: int
) -> None:
    async with serving(polite) as server, session.ws_connect(server.url) as ws:
        with pytest.raises(ValueError, match=str(code)):
            await ws.close(code)
        assert ws.is_alive()


async def test_close_by_flag_as_in_curl_cffi(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.close_frame()).payload == b"\x03\xe9bye"
        await peer.send(close(1001))

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        await ws.send(b"\x03\xe9bye", CurlWsFlag.CLOSE)
        assert ws.closed


async def test_both_close_at_once(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.message()).payload == b"ready"
        peer.write(close(1001, b"mine"))
        assert (await peer.close_frame()).close_code == 1000
        await peer.silent()  # one close frame is enough

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        await ws.send(b"ready")
        closing = asyncio.create_task(ws.close())
        async with asyncio.timeout(PATIENCE):
            await closing
        assert (await closed_error(ws)).clean


async def test_close_from_several_tasks_at_once(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.frame()).close_code == 1000
        await peer.send(close())
        await peer.silent()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(ws.close(1000 + number % 2) for number in range(10)))
        assert ws.state is WebSocketState.CLOSED


async def test_each_close_is_bounded_by_its_own_timeout(
    serve: Serve, session: AsyncSession
) -> None:
    """One that is in a hurry does not wait for another's patience."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()  # and no answer to the close

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        patient = asyncio.create_task(ws.close(timeout=10 * PATIENCE))
        await asyncio.sleep(0)
        assert ws.state is WebSocketState.CLOSING
        async with asyncio.timeout(PATIENCE):
            await ws.close(timeout=0.01)
            await patient


async def test_a_hurried_close_after_the_peers(serve: Serve, session: AsyncSession) -> None:
    """Nor for the time that a peer has for its end of TCP."""
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(close(1001))
        await release.wait()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        assert (await closed_error(ws)).code == 1001
        assert ws.state is WebSocketState.CLOSING
        async with asyncio.timeout(lifecycle._LINGER_SECONDS / 4):
            await ws.close(timeout=0)
        release.set()


@pytest.mark.parametrize("timeout", [0, 0.0004])
async def test_a_second_close_after_one_without_patience(
    session: AsyncSession, timeout: float
) -> None:
    """uvloop makes no timer of so short a time."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serving(script) as server:
        ws = await session.ws_connect(server.url)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(ws.close(timeout=timeout), ws.close())
        assert ws.state is WebSocketState.CLOSED


async def test_errors_carry_the_age_of_the_last_byte(serve: Serve, session: AsyncSession) -> None:
    """Before the end it is the age by now, after it the age at the end."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        with pytest.raises(WebSocketTimeout) as late:
            await ws.recv(timeout=0.05)
        assert late.value.last_byte_age is not None
        assert late.value.last_byte_age >= 0.04
        assert late.value.reason == ""
        ws.terminate()
        first, second = await closed_error(ws), await closed_error(ws)
        assert first.last_byte_age == second.last_byte_age
        assert first.last_byte_age is not None
        assert first.last_byte_age >= late.value.last_byte_age
        with pytest.raises(WebSocketError) as unsent:
            await ws.send("x")
        assert unsent.value.last_byte_age == first.last_byte_age


@pytest.mark.parametrize(("timeout", "error"), [(None, TypeError), (float("nan"), ValueError)])
async def test_a_timeout_that_is_none_changes_nothing(
    session: AsyncSession, timeout: Any, error: type[Exception]
) -> None:
    async with serving(polite) as server:
        ws = await session.ws_connect(server.url)
        with pytest.raises(error):
            await ws.close(timeout=timeout)
        assert ws.state is WebSocketState.OPEN
        async with asyncio.timeout(PATIENCE):
            await ws.close()


async def test_close_while_receivers_wait(serve: Serve, session: AsyncSession) -> None:
    async with serve(polite) as server:
        ws = await session.ws_connect(server.url)
        receivers = [
            asyncio.create_task(ws.recv()),
            asyncio.create_task(ws.recv(timeout=PATIENCE)),
            asyncio.ensure_future(anext(ws)),
            asyncio.ensure_future(anext(ws.batches())),
        ]
        await asyncio.sleep(0)
        await ws.close()
        async with asyncio.timeout(PATIENCE):
            results = await asyncio.gather(*receivers, return_exceptions=True)
        assert [type(result) for result in results] == [
            WebSocketClosed,
            WebSocketClosed,
            StopAsyncIteration,
            StopAsyncIteration,
        ]


async def test_close_while_the_receive_queue_is_full(serve: Serve, session: AsyncSession) -> None:
    """Reading had stopped; the peer's answer is found behind what it had sent before."""
    count = 3000

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in numbered(0, count, 1000)))
        await peer.close_frame()
        await peer.send(close(1000))

    async with serve(script) as server:
        options: dict[str, Any] = {"recv_queue_size": 4, "read_ahead": 2000}
        ws = await session.ws_connect(server.url, **options)
        async with asyncio.timeout(PATIENCE):
            while not ws.is_paused:
                await asyncio.sleep(0)
            await ws.close(timeout=PATIENCE)
        kept = [payload async for payload in ws]
        assert kept == numbered(0, len(kept), 1000)
        assert len(kept) >= 4
        assert ws.discarded == count - len(kept)
        assert (await closed_error(ws)).clean


async def test_what_is_kept_while_closing_is_bounded(session: AsyncSession) -> None:
    """In bytes as well as in messages."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.close_frame()).close_code == 1000
        await peer.send(*(binary(bytes(100_000)) for _ in range(100)))
        await peer.send(close())

    async with serving(script) as server:
        ws = await session.ws_connect(server.url, recv_queue_bytes=500_000)
        async with asyncio.timeout(PATIENCE):
            await ws.close(timeout=PATIENCE)
        assert 500_000 <= ws.recv_queue_used <= 500_000 + 300_000
        assert ws.discarded + ws.recv_queue_length == 100


async def test_close_sends_what_is_queued_first(serve: Serve, session: AsyncSession) -> None:
    """Small, coalesced and large messages given to ``send`` before the close."""
    large = bytes(range(256)) * 2000
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        while (found := await peer.message()).payload != b"last":
            received.append(found.payload)
        assert (await peer.frame()).close_code == 1000
        await peer.send(close())

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, coalesce_frames=True)
        async with asyncio.timeout(PATIENCE):
            await ws.send(b"first")
            sending = asyncio.create_task(ws.send(large))
            await asyncio.sleep(0)
            last = asyncio.create_task(ws.send(b"last"))
            await asyncio.sleep(0)
            await ws.close(timeout=PATIENCE)
            await asyncio.gather(sending, last)
    assert received == [b"first", large]


async def test_close_right_after_a_large_send_begins(session: AsyncSession) -> None:
    """The kernel takes all of it at once: nobody wakes up the close by making room."""
    large = bytes(200_000)

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.message()).payload == large
        assert (await peer.frame()).close_code == 1000
        await peer.send(close())

    async with serving(script) as server:
        ws = await session.ws_connect(server.url)
        sending = asyncio.ensure_future(ws.send(large))
        await asyncio.sleep(0)
        started = asyncio.get_running_loop().time()
        await ws.close()
        assert asyncio.get_running_loop().time() - started < 2
        await sending


async def test_close_while_a_large_send_is_blocked(serve: Serve, session: AsyncSession) -> None:
    """The peer reads nothing: the close gives up at its deadline, and the send is told."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await gone.wait()

    gone = asyncio.Event()
    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        sending = asyncio.create_task(ws.send(bytes(30_000_000)))
        waiting = asyncio.create_task(ws.send(b"behind it"))
        flushing = asyncio.create_task(ws.flush())
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await ws.close(timeout=0.2)
            results = await asyncio.gather(sending, waiting, flushing, return_exceptions=True)
        assert all(isinstance(result, WebSocketError) for result in results), results
        assert ws.state is WebSocketState.CLOSED
        gone.set()


async def test_a_peer_that_never_answers_the_close(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        started = asyncio.get_running_loop().time()
        await ws.close(timeout=0.2)
        assert 0.15 < asyncio.get_running_loop().time() - started < 1.5
        assert ws.state is WebSocketState.CLOSED
        error = await closed_error(ws)
        assert error.code == 1006
        assert not error.clean


async def test_a_peer_that_streams_on_after_our_close(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        with contextlib.suppress(ConnectionError):
            while True:
                await peer.send(binary(bytes(1000)) * 50)

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        await ws.recv()
        started = asyncio.get_running_loop().time()
        await ws.close(timeout=0.3)
        assert asyncio.get_running_loop().time() - started < 2
        assert ws.state is WebSocketState.CLOSED
        assert ws.recv_queue_length <= 128 + 300


@pytest.mark.usefixtures("brisk")
async def test_a_peer_that_answers_and_keeps_tcp_open(serve: Serve, session: AsyncSession) -> None:
    """The closing handshake is complete, yet the server does not hang up: we do, in time."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.close_frame()
        await peer.send(close())
        assert await peer.gone() == b""

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        started = asyncio.get_running_loop().time()
        await ws.close()
        assert asyncio.get_running_loop().time() - started < 1.5
        assert (await closed_error(ws)).clean


async def test_a_cancelled_close_cuts(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ws.close(timeout=60)
        assert ws.state is WebSocketState.CLOSED
        assert session.connector.live_count == 0


async def test_leaving_the_block_with_an_error_closes_too(
    serve: Serve, session: AsyncSession
) -> None:
    async with serve(polite) as server:
        for connect in (session.ws_connect, session.ws_connect):
            with pytest.raises(ZeroDivisionError):
                async with connect(server.url) as ws:
                    raise ZeroDivisionError
            assert ws.closed


# ------------------------------------------------------------------ broken connections


async def test_end_of_stream_without_a_close_frame(serve: Serve, session: AsyncSession) -> None:
    """1006, and ``async for`` raises instead of ending quietly."""

    async def script(peer: Peer) -> None:
        await peer.accept(text("a") + text("b"))
        await peer.message()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, drain_on_error=True)
        received: list[bytes] = []
        await ws.send("go")
        with pytest.raises(WebSocketClosed) as caught:
            async for payload in ws:
                received.append(payload)
        assert received == [b"a", b"b"]
        assert caught.value.code == 1006
        assert not caught.value.clean
        assert caught.value.retriable
        with pytest.raises(WebSocketClosed):
            async for _ in ws.batches():
                pass
        with pytest.raises(WebSocketClosed) as caught:
            await ws.send(b"x")
        assert caught.value.code == 1006
        await ws.close()
        assert session.connector.live_count == 0


@pytest.mark.parametrize("cut", ["header", "payload", "fragment"])
async def test_a_reset_in_the_middle(serve: Serve, session: AsyncSession, cut: str) -> None:
    half = {
        "header": frame(TEXT, bytes(70_000))[:5],
        "payload": frame(TEXT, bytes(70_000))[:30_000],
        "fragment": fragments(TEXT, b"half", b"rest")[0],
    }[cut]

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("whole") + half)
        await peer.message()
        peer.reset()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        assert await ws.recv(timeout=PATIENCE) == (b"whole", TEXT)
        receiver = asyncio.create_task(ws.recv())
        await ws.send(b"now")
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(WebSocketError) as caught:
                await receiver
            assert not getattr(caught.value, "clean", False)
            await ws.wait_closed()
        assert session.connector.live_count == 0


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("drain", [True, False])
async def test_drain_on_error(session: AsyncSession, drain: bool, how: str) -> None:
    """What was received before the connection broke: handed over first, or not at all."""

    async def connect(url: str) -> AsyncWebSocket:
        return await session.ws_connect(url, drain_on_error=drain)

    async with raw_connection(connect) as (ws, conn):
        conn.sendall(b"".join(text(payload) for payload in numbered(0, 20)))
        while ws.recv_queue_length < 20:
            await asyncio.sleep(0)
        if how == "end":
            conn.close()
        else:
            reset(conn)
        async with asyncio.timeout(PATIENCE):
            await ws.wait_closed()
        received: list[bytes] = []
        with pytest.raises(WebSocketError):
            async for payload in ws:
                received.append(payload)
        assert received == (numbered(0, 20) if drain else [])


@pytest.mark.usefixtures("brisk")
async def test_a_close_frame_followed_by_a_reset_is_a_close(session: AsyncSession) -> None:
    """The answer to the close cannot be sent any more; the peer's reason is what counts."""
    async with raw_connection(session.ws_connect) as (ws, conn):
        conn.sendall(text("last") + close(1008, b"banned"))
        reset(conn)
        async with asyncio.timeout(PATIENCE):
            assert await ws.recv() == (b"last", TEXT)
            with pytest.raises(WebSocketClosed) as caught:
                await ws.recv()
            assert (caught.value.code, caught.value.reason) == (1008, "banned")
            await ws.close()


@pytest.mark.usefixtures("brisk")
async def test_a_failed_send_does_not_hide_the_peers_reason(session: AsyncSession) -> None:
    """The peer closed and went while we were sending: its close frame is read all the same."""
    async with raw_connection(session.ws_connect) as (ws, conn):
        conn.sendall(text("last") + close(1008, b"too many requests"))
        conn.close()
        with contextlib.suppress(WebSocketError):
            for _ in range(3):  # the first one meets a closed socket, the next its reset
                await ws.send(b"x")
        async with asyncio.timeout(PATIENCE):
            assert await ws.recv() == (b"last", TEXT)
            with pytest.raises(WebSocketClosed) as caught:
                await ws.recv()
        assert (caught.value.code, caught.value.reason) == (1008, "too many requests")


@pytest.mark.usefixtures("brisk")
async def test_sends_after_a_reset_say_that_it_is_broken(session: AsyncSession) -> None:
    """Not that the connection was closed in good order."""
    async with raw_connection(session.ws_connect) as (ws, conn):
        reset(conn)
        errors: list[WebSocketError] = []
        for _ in range(4):
            try:
                await ws.send(b"x")
            except WebSocketError as error:
                errors.append(error)
        assert errors, "the second one at the latest"
        assert not any(getattr(error, "clean", False) for error in errors)
        assert all(error.code != 1000 for error in errors)
        async with asyncio.timeout(PATIENCE):
            await ws.close()


async def test_flush_tells_that_the_connection_broke(session: AsyncSession) -> None:
    async with raw_connection(session.ws_connect) as (ws, conn):
        sending = asyncio.create_task(ws.send(bytes(20_000_000)))
        flushing = asyncio.create_task(ws.flush())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not flushing.done()
        reset(conn)
        async with asyncio.timeout(PATIENCE):
            results = await asyncio.gather(sending, flushing, return_exceptions=True)
        assert all(isinstance(result, WebSocketError) for result in results), results


# ------------------------------------------------------------------ terminate and session.close


async def test_terminate_from_the_loop(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        assert (await peer.frame()).opcode == PING
        assert await peer.gone() == b"", "no close frame"

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        receiver = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        pong = await ws.ping()
        ws.terminate()
        ws.terminate()
        assert ws.state is WebSocketState.CLOSED
        with pytest.raises(WebSocketClosed):
            await asyncio.wait_for(receiver, PATIENCE)
        assert pong.cancelled()
        await ws.close()
        with pytest.raises(WebSocketClosed) as caught:
            async for _ in ws:
                pass
        assert caught.value.code == 1006


async def test_terminate_from_another_thread(serve: Serve, session: AsyncSession) -> None:
    """While the loop is asleep: it must be woken up."""
    asleep = threading.Event()

    def cut_later(ws: AsyncWebSocket) -> None:
        asleep.wait(0.03)
        ws.terminate()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    async with serve(script) as server:
        for _ in range(3):
            ws = await session.ws_connect(server.url)
            receiver = asyncio.create_task(ws.recv())
            thread = threading.Thread(target=cut_later, args=(ws,))
            thread.start()
            with pytest.raises(WebSocketClosed):
                await asyncio.wait_for(receiver, 1)
            thread.join()
        assert session.connector.live_count == 0


async def test_closing_the_session_ends_its_connections(
    serve: Serve, certificates: Certificates
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("unread"))
        await peer.gone()

    async with serve(script) as server:
        session = AsyncSession(verify=certificates.authority)
        sockets = [await session.ws_connect(server.url) for _ in range(10)]
        connector = session.connector
        for ws in sockets:
            await ws.recv()
        receivers = [asyncio.create_task(ws.recv()) for ws in sockets]
        await asyncio.sleep(0)
        await session.close()
        assert connector.live_count == 0
        assert all(ws.state is WebSocketState.CLOSED for ws in sockets)
        async with asyncio.timeout(PATIENCE):
            results = await asyncio.gather(*receivers, return_exceptions=True)
        assert all(isinstance(result, WebSocketClosed) for result in results)
        for ws in sockets:
            await ws.close()
            ws.terminate()
            assert "closed" in repr(ws)
