"""Receiving: limits, time slices, what is left after an error, retries."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi import CurlECode

from tests.support.frames import binary, close, fragments, numbered, text
from tests.support.interposed import AGAIN, RECV_ERROR, interpose
from tests.support.server import PATIENCE, Peer
from tests.support.threaded import serving_in_thread
from tickwire.clock import mono, wall_ns
from tickwire.transport import (
    AsyncWebSocket,
    CurlWsFlag,
    MessageTooBig,
    ProtocolViolation,
    WebSocketClosed,
    WebSocketError,
    WebSocketRetryStrategy,
    WebSocketTimeout,
    WsRetryOnRecvError,
)

if TYPE_CHECKING:
    from tests.support.certificates import Certificates
    from tests.support.server import Serve
    from tickwire import AsyncSession


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize("pieces", [1, 3])
async def test_max_message_size(serve: Serve, session: AsyncSession, pieces: int) -> None:
    codes = []

    def message(size: int) -> bytes:
        step = size // pieces
        cuts = [b"x" * step] * (pieces - 1) + [b"x" * (size - step * (pieces - 1))]
        return b"".join(fragments(2, *cuts))

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(message(1000), message(1001))
        codes.append((await peer.close_frame()).close_code)

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, max_message_size=1000, drain_on_error=True)
        assert len(await ws.recv_bytes(timeout=PATIENCE)) == 1000
        with pytest.raises(MessageTooBig) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == CurlECode.TOO_LARGE
        await ws.close()
    assert codes == [1009]


async def test_a_large_message_is_whole(serve: Serve, session: AsyncSession) -> None:
    """Larger than the read buffer, and between small ones."""
    large = bytes(range(256)) * 16_384  # 4 MiB, the default limit

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("before") + binary(large) + text("after"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv_str(timeout=PATIENCE) == "before"
        assert await ws.recv_bytes(timeout=PATIENCE) == large
        assert await ws.recv_str(timeout=PATIENCE) == "after"


async def test_arrival_times(serve: Serve, session: AsyncSession) -> None:
    before = wall_ns()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text("one") + text("two"))
        await peer.message()
        await peer.send(text("three"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        one = await ws.recv_message(timeout=PATIENCE)
        two = await ws.recv_message(timeout=PATIENCE)
        assert before <= one.recv_ns <= two.recv_ns <= wall_ns()
        await ws.send(b"go")
        three = await ws.recv_message(timeout=PATIENCE)
        assert three.recv_ns > two.recv_ns
        assert three.mono_ns > two.mono_ns
        assert (ws.recv_ns, ws.mono_ns) == (three.recv_ns, three.mono_ns)


# ------------------------------------------------------------------ text as it comes


async def test_text_as_it_comes(serve: Serve, session: AsyncSession) -> None:
    """What is not UTF-8 fails one call, and the connection goes on."""
    bad = b"caf\xe9"

    async def script(peer: Peer) -> None:
        await peer.accept(text(bad) * 2 + text("one") + text(bad) + text("two"))
        await peer.message()
        await peer.send(text(bad) + text("[3]") + text(bad) + text("[4]") + text(bad))
        assert (await peer.close_frame()).close_code == 1000
        await peer.send(close())

    async def refused(awaited: Any) -> None:
        with pytest.raises(WebSocketError, match="UTF-8") as caught:
            await awaited
        assert caught.value.code == 1007
        assert not isinstance(caught.value, ProtocolViolation)

    async with serve(script) as server:
        async with session.ws_connect(server.url, skip_utf8_validation=True) as ws:
            assert ws.skip_utf8_validation
            assert await ws.recv(timeout=PATIENCE) == (bad, CurlWsFlag.TEXT)
            await refused(ws.recv_str(timeout=PATIENCE))
            assert await ws.recv_str(timeout=PATIENCE) == "one"
            texts = ws.iter_str()
            await refused(anext(texts))
            assert await anext(ws.iter_str()) == "two"
            waiting = asyncio.ensure_future(ws.recv_str(timeout=PATIENCE))
            await asyncio.sleep(0)
            await ws.send(b"go on")
            await refused(waiting)
            assert await ws.recv_json(timeout=PATIENCE) == [3]
            with pytest.raises(WebSocketError) as caught:
                await ws.recv_json(timeout=PATIENCE)
            assert caught.value.code == 1007
            assert await anext(ws.iter_json()) == [4]
            message = await ws.recv_message(timeout=PATIENCE)
            assert message.payload == bad


async def test_text_is_validated_unless_asked_otherwise(
    serve: Serve, session: AsyncSession
) -> None:
    codes = []

    async def script(peer: Peer) -> None:
        await peer.accept(text("before") + text(b"caf\xe9") + text("after"))
        codes.append((await peer.close_frame()).close_code)

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert not ws.skip_utf8_validation
        assert await ws.recv_str(timeout=PATIENCE) == "before"
        for _ in range(2):
            with pytest.raises(ProtocolViolation):
                await ws.recv(timeout=PATIENCE)
    assert codes == [1007]


# ------------------------------------------------------------------ fairness


@pytest.mark.parametrize("mode", ["callback", "drop", "consumer"])
async def test_a_flood_does_not_starve_other_tasks(
    certificates: Certificates, session: AsyncSession, scheme: str, mode: str
) -> None:
    """A reader gives way after its time slice, whatever lies in the socket."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        chunk = text(b"x" * 128) * 2000
        with contextlib.suppress(ConnectionError):
            while not peer.writer.is_closing():
                await peer.send(chunk)

    lags: list[float] = []
    options: dict[str, Any] = {"recv_time_slice": 0.002}
    if mode == "callback":
        options["on_message"] = lambda payload, flags: None
    elif mode == "drop":
        options["overflow"] = "drop_oldest"
    tls = certificates.server if scheme == "wss" else None
    with serving_in_thread(script, tls=tls) as server:
        ws = await session.ws_connect(server.url, **options)

        async def consume() -> None:
            async for _ in ws:
                pass

        consumer = asyncio.ensure_future(consume() if mode == "consumer" else asyncio.sleep(0))
        async with asyncio.timeout(PATIENCE):
            while ws.messages_received < 50_000:
                started = mono()
                await asyncio.sleep(0)
                lags.append(mono() - started)
        ws.terminate()
        await asyncio.gather(consumer, return_exceptions=True)
    lags.sort()
    assert len(lags) >= 10
    # Two cores are shared with the server and others: the median is the reader's doing.
    assert lags[len(lags) // 2] < 0.05


# ------------------------------------------------------------------ drain_on_error


@pytest.mark.parametrize("drain", [False, True])
async def test_drain_on_error(serve: Serve, session: AsyncSession, drain: bool) -> None:
    """Messages that came before the connection broke."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in numbered(0, 20)))
        peer.end()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, drain_on_error=drain)
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        found = []
        with pytest.raises(WebSocketClosed) as caught:
            while True:
                found.append((await ws.recv())[0])
        assert caught.value.code == 1006
        assert not caught.value.clean
        assert found == (numbered(0, 20) if drain else [])


async def test_a_clean_close_always_drains(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in numbered(0, 20)), close(4000, b"bye"))
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, drain_on_error=False)
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)
        assert [payload async for payload in ws] == numbered(0, 20)
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv()
        assert (caught.value.code, caught.value.reason) == (4000, "bye")


# ------------------------------------------------------------------ retries


class Failing:
    """Fails the first receives after each message, as often as it is told to."""

    def __init__(self, failures: int, code: int = RECV_ERROR) -> None:
        self.left = failures
        self.code = code
        self.armed = False
        self.failed = 0

    def __call__(self, size: int) -> int | None:
        if not self.armed or self.left == 0:
            return None
        self.left -= 1
        self.failed += 1
        return self.code


async def hello_then_world(peer: Peer) -> None:
    await peer.accept(text("hello"))
    await peer.message()
    await peer.send(text("world"))
    with contextlib.suppress(EOFError, ConnectionError):
        await peer.close_frame()
        await peer.send(close())


@pytest.mark.parametrize(
    "strategy",
    [
        WebSocketRetryStrategy(retry=True, delay=0.001, count=3, codes={CurlECode.RECV_ERROR}),
        WsRetryOnRecvError(retry_on_error=True, max_retry_count=3, delay=0.001),
    ],
    ids=["new name", "old name"],
)
async def test_a_failed_receive_is_tried_again(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch, strategy: Any
) -> None:
    between = interpose(monkeypatch)
    between.on_recv = failing = Failing(3)
    async with serve(hello_then_world) as server:
        async with session.ws_connect(server.url, ws_retry=strategy) as ws:
            assert await ws.recv_str(timeout=PATIENCE) == "hello"
            failing.armed = True
            await ws.send(b"go on")
            assert await ws.recv_str(timeout=PATIENCE) == "world"
            assert failing.failed == 3
            assert ws.is_alive()


async def test_the_pause_before_a_retry_is_kept_whoever_takes_messages(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = interpose(monkeypatch)
    between.on_recv = failing = Failing(1000)
    strategy = WsRetryOnRecvError(retry_on_error=True, max_retry_count=5, delay=10 * PATIENCE)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(*(text(payload) for payload in numbered(0, 50)))
        await peer.frame()
        await peer.send(text("more"))
        await peer.gone()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, ws_retry=strategy)
        while ws.messages_received < 50:
            await asyncio.sleep(0)
        failing.armed = True
        await ws.send(b"go on")
        while not failing.failed:
            await asyncio.sleep(0)
        for payload in numbered(0, 50):
            assert await ws.recv_bytes() == payload
            await asyncio.sleep(0)
        assert failing.failed == 1
        assert ws.is_alive()
        ws.terminate()


@pytest.mark.parametrize(
    ("strategy", "tries"),
    [
        (None, 1),
        (WsRetryOnRecvError(), 1),
        (WsRetryOnRecvError(retry_on_error=True, max_retry_count=2, delay=0.001), 3),
        (
            WebSocketRetryStrategy(retry=True, delay=0.001, count=5, codes={CurlECode.GOT_NOTHING}),
            1,
        ),
    ],
    ids=["none", "off", "two", "other code"],
)
async def test_giving_up(
    serve: Serve,
    session: AsyncSession,
    monkeypatch: pytest.MonkeyPatch,
    strategy: Any,
    tries: int,
) -> None:
    between = interpose(monkeypatch)
    between.on_recv = failing = Failing(1000)
    async with serve(hello_then_world) as server:
        ws = await session.ws_connect(server.url, ws_retry=strategy)
        assert await ws.recv_str(timeout=PATIENCE) == "hello"
        failing.armed = True
        await ws.send(b"go on")
        with pytest.raises(WebSocketError) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == RECV_ERROR
        assert not isinstance(caught.value, WebSocketTimeout)
        assert failing.failed == tries
        assert ws.closed


async def test_the_count_begins_anew_with_each_success(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = 6

    async def script(peer: Peer) -> None:
        await peer.accept()
        for payload in numbered(0, rounds):
            await peer.message()
            await peer.send(text(payload))
        await peer.close_frame()
        await peer.send(close())

    between = interpose(monkeypatch)
    between.on_recv = failing = Failing(0)
    failing.armed = True
    strategy = WsRetryOnRecvError(retry_on_error=True, max_retry_count=2, delay=0.001)
    async with serve(script) as server, session.ws_connect(server.url, ws_retry=strategy) as ws:
        for payload in numbered(0, rounds):
            failing.left = 2
            await ws.send(b"next")
            assert await ws.recv_bytes(timeout=PATIENCE) == payload
        assert failing.failed == 2 * rounds


async def test_closing_while_a_retry_is_due(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = interpose(monkeypatch)
    between.on_recv = failing = Failing(1000)
    strategy = WsRetryOnRecvError(retry_on_error=True, max_retry_count=1000, delay=100.0)
    async with serve(hello_then_world) as server:
        ws = await session.ws_connect(server.url, ws_retry=strategy)
        failing.armed = True
        await ws.send(b"go on")
        async with asyncio.timeout(PATIENCE):
            while not failing.failed:
                await asyncio.sleep(0)
        ws.terminate()
        await asyncio.wait_for(ws.wait_closed(), PATIENCE)


# ------------------------------------------------------------------ what libcurl may do


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_reads_of_any_size(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    between = interpose(monkeypatch)
    between.recv_limit = limit
    payloads = [b"", b"x", *numbered(0, 20, 130), b"y" * 70_000 if limit > 100 else b"z"]

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(b"".join(binary(payload) for payload in payloads), close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        assert [payload async for payload in ws] == payloads
        await ws.close()


async def test_again_between_reads(
    serve: Serve, session: AsyncSession, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """AGAIN in the middle of a frame, with the rest already in the kernel."""
    if scheme == "wss":
        pytest.skip("under TLS the rest may lie in libcurl, which then never says AGAIN")
    between = interpose(monkeypatch)
    payloads = numbered(0, 50, 130)

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        await peer.send(b"".join(binary(payload) for payload in payloads), close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url)
        between.recv_limit = 100
        between.on_recv = lambda size: AGAIN if between.recvs % 3 == 0 else None
        await ws.send(b"go")
        assert [payload async for payload in ws] == payloads
        await ws.close()


async def consume_slowly(ws: AsyncWebSocket) -> list[bytes]:
    found = []
    async for payload in ws:
        found.append(payload)
        await asyncio.sleep(0)
    return found


@pytest.mark.parametrize("read_ahead", [0, 1, 300, 100_000])
async def test_pausing_and_resuming_loses_nothing(
    serve: Serve, session: AsyncSession, read_ahead: int
) -> None:
    payloads = numbered(0, 3000, 333)

    async def script(peer: Peer) -> None:
        await peer.accept(text(payloads[0]) + text(payloads[1]) + text(payloads[2]))
        for at in range(3, len(payloads), 97):
            await peer.send(b"".join(text(payload) for payload in payloads[at : at + 97]))
        await peer.send(close())
        await peer.close_frame()

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, recv_queue_size=1, read_ahead=read_ahead)
        assert await consume_slowly(ws) == payloads
        await ws.close()
