"""permessage-deflate over real connections: with two well-kept servers, and with a scripted one."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import zlib
from typing import TYPE_CHECKING, Any

import aiohttp.web
import pytest
from curl_cffi import CurlECode, CurlOpt

from tests.support.frames import CONTINUATION, TEXT, close, frame, ping, text
from tests.support.server import PATIENCE, Peer
from tickwire.transport import HandshakeError, MessageTooBig, ProtocolViolation
from tickwire.wire import Deflate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import Serve
    from tickwire import AsyncSession

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"
RSV1 = 4

OFFERS = [
    Deflate(),
    Deflate(server_no_context_takeover=True),
    Deflate(client_no_context_takeover=True),
    Deflate(server_max_window_bits=9, client_max_window_bits=9),
    Deflate(server_max_window_bits=12, client_max_window_bits=15, level=9, mem_level=9),
    Deflate(
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=10,
        client_max_window_bits=11,
    ),
    Deflate(client_max_window_bits=8),
]


def payloads() -> Iterator[bytes | str]:
    randomly = random.Random(7)
    trade = '{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"%d.01","q":"0.001"}'
    for number in range(200):
        yield trade % (1_700_000_000_000 + number, number, 40_000 + number % 7)
    yield ""
    yield b""
    yield "größer €"
    for size in (1, 125, 126, 65_535, 65_536, 300_000):
        yield randomly.randbytes(size)
        yield b"tick" * (size // 4)


async def echo_all(session: AsyncSession, url: str, wanted: Deflate) -> Any:
    """Send everything, get it back; gives what was agreed."""
    async with session.ws_connect(url, compression=wanted) as ws:
        for payload in payloads():
            await ws.send(payload)
            got, flags = await ws.recv(timeout=PATIENCE)
            assert got == (payload.encode() if isinstance(payload, str) else payload)
            assert flags == (1 if isinstance(payload, str) else 2)
        return ws.extension


@pytest.mark.parametrize("wanted", OFFERS, ids=range(len(OFFERS)))
async def test_with_websockets(session: AsyncSession, wanted: Deflate) -> None:
    websockets = pytest.importorskip("websockets.asyncio.server")

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0, compression="deflate") as server:
        port = server.sockets[0].getsockname()[1]
        agreed = await echo_all(session, f"ws://127.0.0.1:{port}/", wanted)
    assert agreed is not None
    assert agreed.server_no_context_takeover >= wanted.server_no_context_takeover


@pytest.mark.parametrize("wanted", OFFERS, ids=range(len(OFFERS)))
async def test_with_aiohttp(session: AsyncSession, wanted: Deflate) -> None:
    async def echo(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        socket = aiohttp.web.WebSocketResponse(compress=True)
        await socket.prepare(request)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    app = aiohttp.web.Application()
    app.router.add_get("/", echo)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        await echo_all(session, f"ws://127.0.0.1:{port}/", wanted)
    finally:
        await runner.cleanup()


async def test_without_an_offer_there_is_none(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        await peer.gone()

    async with serve(script) as server:
        with pytest.raises(HandshakeError):
            await session.ws_connect(server.url)


def packing(*messages: bytes) -> Any:
    """A server that agrees to compress, and sends these as text."""

    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        compress = zlib.compressobj(wbits=-15)
        for message in messages:
            data = (compress.compress(message) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]
            await peer.send(frame(TEXT, data, rsv=RSV1))
        await peer.close_frame()
        await peer.send(close())

    return script


async def test_an_offer_by_a_curl_option(serve: Serve, session: AsyncSession) -> None:
    """``CurlWsOption.PERMESSAGE_DEFLATE``, which libcurl knows from 8.23 on."""
    async with serve(packing(b"hello", b"hello")) as server:
        options = {CurlOpt.WS_OPTIONS: 4}
        async with session.ws_connect(server.url, curl_options=options) as ws:
            assert [await ws.recv_str(timeout=PATIENCE) for _ in range(2)] == ["hello"] * 2
            assert ws.extension is not None
    assert server.peers[0].headers["sec-websocket-extensions"].startswith(NAME)

    async def refused(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        await peer.gone()

    async with serve(refused) as server:
        for others in ({CurlOpt.WS_OPTIONS: 2}, {CurlOpt.USERAGENT: b"x"}):
            with pytest.raises(HandshakeError):
                await session.ws_connect(server.url, curl_options=others)
            assert "sec-websocket-extensions" not in server.peers[-1].headers


@pytest.mark.parametrize("browser", ["chrome", "firefox", "safari"])
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_with_a_browsers_fingerprint(
    serve: Serve, session: AsyncSession, browser: str, compression: Any
) -> None:
    """What is offered is what this library says, whatever libcurl would offer for a browser."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        offered = peer.headers.get("sec-websocket-extensions")
        assert (offered is not None) == (compression is not None)
        agreed = () if offered is None else (f"Sec-WebSocket-Extensions: {NAME}",)
        data = zlib.compressobj(wbits=-15)
        packed = (data.compress(b"hello") + data.flush(zlib.Z_SYNC_FLUSH))[:-4]
        message = text("hello") if offered is None else frame(TEXT, packed, rsv=RSV1)
        await peer.send(peer.answer(headers=agreed) + message)
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(
            server.url, impersonate=browser, compression=compression
        ) as ws:
            assert await ws.recv_str(timeout=PATIENCE) == "hello"
            assert (ws.extension is None) == (compression is None)


@pytest.mark.parametrize(
    "answer",
    [
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate, permessage-deflate",
        "x-other",
    ],
)
async def test_answers_that_must_fail(serve: Serve, session: AsyncSession, answer: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {answer}",))
        await peer.gone()

    async with serve(script) as server:
        with pytest.raises(HandshakeError) as caught:
            await session.ws_connect(server.url, compression="deflate")
        assert not caught.value.retriable
        assert session.connector.live_count == 0


async def test_a_refusal_means_plain_messages(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        found = await peer.frame()
        assert (found.rsv, found.payload) == (0, b"plain")
        await peer.send(text("plain too"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(server.url, compression="deflate") as ws:
            assert ws.extension is None
            await ws.send(b"plain")
            assert await ws.recv_str(timeout=PATIENCE) == "plain too"
    assert NAME in server.peers[0].headers["sec-websocket-extensions"]


async def test_fragments_compressed_once_and_pings_between(
    serve: Serve, session: AsyncSession
) -> None:
    """Both ways: RSV1 on the first fragment only, one deflate stream over all of them."""
    message = os.urandom(30_000) + b"tick" * 10_000

    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        compress = zlib.compressobj(wbits=-15)
        data = (compress.compress(message) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]
        cuts = [data[at : at + 999] for at in range(0, len(data), 999)]
        for at, cut in enumerate(cuts):
            await peer.send(
                frame(
                    CONTINUATION if at else 2,
                    cut,
                    rsv=0 if at else RSV1,
                    fin=at == len(cuts) - 1,
                ),
                ping(b"%d" % at),
            )
        parts: list[bytes] = []
        while True:
            found = await peer.frame()
            if found.opcode == 0xA:
                continue
            assert found.rsv == (0 if parts else RSV1)
            parts.append(found.payload)
            if found.fin:
                break
        assert len(parts) > 10
        inflate = zlib.decompressobj(wbits=-15)
        assert inflate.decompress(b"".join(parts) + TAIL) == message
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(
            server.url, compression="deflate", max_frame_payload=1000
        ) as ws:
            assert await ws.recv_bytes(timeout=PATIENCE) == message
            await ws.send(message)


async def test_concurrent_senders_share_one_stream(serve: Serve, session: AsyncSession) -> None:
    """The order of compression is the order on the wire, or the server could not inflate."""
    senders, rounds = 4, 10

    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        inflate = zlib.decompressobj(wbits=-15)
        seen = dict.fromkeys(range(senders), 0)
        parts: list[bytes] = []
        while sum(seen.values()) < senders * rounds:
            found = await peer.frame()
            parts.append(found.payload)
            if found.fin:
                payload = inflate.decompress(b"".join(parts) + TAIL)
                parts = []
                assert payload[1] == seen[payload[0]]
                seen[payload[0]] += 1
        await peer.close_frame()
        await peer.send(close())

    async def sending(ws: Any, who: int) -> None:
        for number in range(rounds):
            await ws.send(bytes((who, number)) + os.urandom((10, 50_000, 400)[number % 3]))
            await asyncio.sleep(0)

    async with serve(script) as server:
        async with session.ws_connect(
            server.url, compression="deflate", max_frame_payload=5000, coalesce_frames=True
        ) as ws:
            await asyncio.gather(*(sending(ws, who) for who in range(senders)))


@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (b"\x07", 1007, ProtocolViolation),
        (bytes.fromhex("f200110000"), 1007, ProtocolViolation),
        (None, 1009, MessageTooBig),
    ],
    ids=["corrupt", "reaches too far back", "bomb"],
)
async def test_what_cannot_be_inflated(
    serve: Serve,
    session: AsyncSession,
    data: bytes | None,
    code: int,
    error: type[ProtocolViolation],
) -> None:
    codes = []
    if data is None:
        compress = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = (compress.compress(bytes(50_000_000)) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]

    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        await peer.send(frame(TEXT, data, rsv=RSV1))
        codes.append((await peer.close_frame()).close_code)

    async with serve(script) as server:
        ws = await session.ws_connect(server.url, compression="deflate", max_message_size=1_000_000)
        with pytest.raises(error) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == (CurlECode.TOO_LARGE if code == 1009 else code)
        await ws.close()
    assert codes == [code]


async def test_a_terminated_message_leaves_the_session_well(
    serve: Serve, session: AsyncSession
) -> None:
    """Cut in the middle of a compressed message; the next connection begins with a fresh window."""

    async def script(peer: Peer) -> None:
        await peer.accept(headers=(f"Sec-WebSocket-Extensions: {NAME}",))
        compress = zlib.compressobj(wbits=-15)
        for number in itertools.count():
            data = (compress.compress(b"tick" * 50) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]
            whole = frame(2, data, rsv=RSV1)
            if number == 3:
                await peer.send(whole[:-2])
                peer.reset()
                return
            await peer.send(whole)

    async with serve(script) as server:
        for _ in range(2):
            ws = await session.ws_connect(server.url, compression="deflate", drain_on_error=True)
            for _ in range(3):
                assert await ws.recv_bytes(timeout=PATIENCE) == b"tick" * 50
            await asyncio.wait_for(ws.wait_closed(), PATIENCE)
