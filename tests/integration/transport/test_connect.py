"""Connecting: the upgrade, what is not an upgrade, TLS, timeouts, cancellation."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import traceback
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest
from curl_cffi import CurlECode

from tests.support.certificates import issue
from tests.support.frames import close, numbered, text
from tests.support.server import PATIENCE, Peer, serving
from tickwire import AsyncSession
from tickwire.transport import (
    AsyncWebSocket,
    ConnectError,
    HandshakeError,
    HandshakeRejected,
    WebSocketClosed,
    WebSocketError,
    WebSocketState,
    WebSocketTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.certificates import Certificates
    from tests.support.server import Serve


async def polite(peer: Peer) -> None:
    """Accept, wait for the client's close frame and answer it."""
    await peer.accept()
    await peer.close_frame()
    await peer.send(close())


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that completes TCP handshakes and then never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


# ------------------------------------------------------------------ the upgrade


async def test_both_forms_of_async_with(serve: Serve, session: AsyncSession) -> None:
    async with serve(polite) as server:
        async with await session.ws_connect(server.url) as ws:
            assert isinstance(ws, AsyncWebSocket)
            assert ws.state is WebSocketState.OPEN
        assert ws.closed
        async with session.ws_connect(server.url) as ws:
            assert ws.is_alive()
        assert ws.state is WebSocketState.CLOSED
        await (await session.ws_connect(server.url)).close()


async def test_a_connect_is_a_coroutine_to_asyncio(serve: Serve, session: AsyncSession) -> None:
    async with serve(polite) as server:
        task = asyncio.create_task(session.ws_connect(server.url))
        await (await task).close()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(session.ws_connect(server.url)) for _ in range(3)]
        await asyncio.gather(*(done.result().close() for done in tasks))
        ws = await asyncio.wait_for(session.ws_connect(server.url), PATIENCE)
        await ws.close()
        unstarted = asyncio.ensure_future(session.ws_connect(server.url))
        unstarted.cancel()
        with pytest.raises(asyncio.CancelledError):
            await unstarted
        assert session.connector.pending_count == 0


async def test_the_request_is_an_upgrade_request(serve: Serve, session: AsyncSession) -> None:
    async with serve(polite) as server:
        for _ in range(2):
            url = server.url + "stream/btcusdt@trade?streams=a/b"
            async with session.ws_connect(url, headers={"X-Api-Key": "k"}) as ws:
                assert ws.url == url
    first, second = server.peers
    assert first.target == "/stream/btcusdt@trade?streams=a/b"
    assert first.request.startswith(b"GET ")
    assert first.headers["upgrade"].lower() == "websocket"
    assert "upgrade" in first.headers["connection"].lower()
    assert first.headers["sec-websocket-version"] == "13"
    assert first.headers["x-api-key"] == "k"
    assert first.headers["host"] == f"127.0.0.1:{server.port}"
    assert "sec-websocket-extensions" not in first.headers
    assert "sec-websocket-protocol" not in first.headers
    assert first.request.lower().count(b"sec-websocket-key") == 1
    keys = [peer.headers["sec-websocket-key"] for peer in (first, second)]
    assert keys[0] != keys[1]
    assert all(len(base64.b64decode(key, validate=True)) == 16 for key in keys)


async def test_impersonation_still_upgrades(serve: Serve, session: AsyncSession) -> None:
    async with serve(polite) as server, session.ws_connect(server.url, impersonate="chrome"):
        pass
    assert "Chrome" in server.peers[0].headers["user-agent"]


async def test_subprotocols(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=("Sec-WebSocket-Protocol: v2",))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        async with session.ws_connect(server.url, subprotocols=("v1", "v2")) as ws:
            assert ws.subprotocol == "v2"
    assert server.peers[0].headers["sec-websocket-protocol"] == "v1, v2"


async def test_cookies_travel_both_ways(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=("Set-Cookie: token=fresh; Path=/",))
        await peer.close_frame()
        await peer.send(close())

    session.cookies.set("seen", "1", domain="127.0.0.1")
    async with serve(script) as server:
        for _ in range(2):
            async with session.ws_connect(server.url):
                pass
    first, second = server.peers
    assert first.headers["cookie"] == "seen=1"
    assert sorted(second.headers["cookie"].split("; ")) == ["seen=1", "token=fresh"]


async def test_the_session_keeps_doing_http(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        if "upgrade" not in peer.headers:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        peer.write(peer.answer() + text("hello"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        http = server.url.replace("ws", "http", 1)
        async with session.ws_connect(server.url) as ws:
            answer = await session.get(http)
            assert answer.text == "ok"
            assert await ws.recv() == (b"hello", 1)


# ------------------------------------------------------------------ bytes that come with the 101


async def test_200_connects_lose_no_frame_of_the_same_write(
    serve: Serve, session: AsyncSession
) -> None:
    payloads = numbered(0, 5)
    stream = b"".join(text(payload) for payload in payloads)

    async def script(peer: Peer) -> None:
        await peer.accept(stream)
        await peer.close_frame()
        await peer.send(close())

    async def one(url: str) -> list[bytes]:
        async with session.ws_connect(url) as ws:
            return [await ws.recv_bytes(timeout=PATIENCE) for _ in payloads]

    async with serve(script) as server:
        received: list[list[bytes]] = []
        for _ in range(4):
            received += await asyncio.gather(*(one(server.url) for _ in range(50)))
    assert received == [payloads] * 200


async def test_a_close_that_comes_with_the_101(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("only") + close(1013, b"later"))
        assert (await peer.close_frame()).close_code == 1013

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv() == (b"only", 1)
        with pytest.raises(WebSocketClosed) as caught:
            await ws.recv()
        assert (caught.value.code, caught.value.reason) == (1013, "later")


async def test_a_frame_cut_by_the_end_of_the_101(serve: Serve, session: AsyncSession) -> None:
    whole = text("x" * 300)

    async def script(peer: Peer) -> None:
        await peer.accept(whole[:1])
        await asyncio.sleep(0)
        for at in range(1, len(whole)):
            await peer.send(whole[at : at + 1])
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url) as ws:
        assert await ws.recv_str(timeout=PATIENCE) == "x" * 300


# ------------------------------------------------------------------ not a 101


async def refused(session: AsyncSession, url: str, **options: Any) -> HandshakeRejected:
    with pytest.raises(HandshakeRejected) as caught:
        await session.ws_connect(url, **options)
    return caught.value


REFUSALS = {
    401: (b"WWW-Authenticate: Bearer\r\n", b'{"msg":"who are you"}', False),
    403: (b"Content-Type: text/plain\r\n", b"not from your country", False),
    404: (b"", b"no such stream", False),
    429: (b"Retry-After: 17\r\n", b"slow down", True),
    500: (b"", b"oops", True),
    502: (b"", b"<html>bad gateway</html>", True),
    503: (b"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", b"maintenance", True),
    200: (b"", b"a web page", False),
    426: (b"Upgrade: websocket\r\n", b"", False),
}


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_refused_upgrade(serve: Serve, session: AsyncSession, status: int) -> None:
    header, body, retriable = REFUSALS[status]

    async def script(peer: Peer) -> None:
        await peer.read_request()
        head = b"HTTP/1.1 %d Refused\r\nContent-Length: %d\r\nX-Id: 7\r\n" % (status, len(body))
        await peer.send(head + header + b"\r\n" + body)
        await peer.gone()

    async with serve(script) as server:
        error = await refused(session, server.url)
    assert error.status == status
    assert ("x-id", "7") in error.headers
    assert error.retriable is retriable
    assert error.retry_after == (17.0 if status == 429 else None)
    assert body.startswith(error.body), "what could be had of the body"
    assert isinstance(error, curl_cffi.WebSocketError)
    assert error.code == CurlECode.HTTP_RETURNED_ERROR


async def test_the_body_of_a_refusal_on_a_plain_socket(session: AsyncSession) -> None:
    """A server that takes its time to answer, as all do that are not on this machine."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        await asyncio.sleep(0.05)
        await peer.send(b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nnot today")
        await peer.gone()

    async with serving(script) as server:
        error = await refused(session, server.url)
    assert error.body == b"not today"
    assert "not today" in str(error)


async def test_each_of_many_refusals_has_its_own_body(session: AsyncSession) -> None:
    """At once, with the same headers."""
    asked = asyncio.Barrier(20)

    async def script(peer: Peer) -> None:
        await peer.read_request()
        await asked.wait()
        body = peer.target.encode().rjust(9, b".")
        await peer.send(b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n" + body)
        await peer.gone()

    async with serving(script) as server:
        errors = await asyncio.gather(
            *(refused(session, f"{server.url}{number}") for number in range(20))
        )
    assert [error.body for error in errors] == [f"/{n}".encode().rjust(9, b".") for n in range(20)]


@pytest.mark.parametrize("value", [b"\xb2", b"-1", b"1.5", b"", b"soon", b"9" * 400])
async def test_a_strange_retry_after_is_no_crash(
    serve: Serve, session: AsyncSession, value: bytes
) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 429 No\r\nRetry-After: " + value + b"\r\n\r\n")

    async with serve(script) as server:
        error = await refused(session, server.url)
    assert error.status == 429


async def test_a_redirect_that_is_not_followed(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 301 Moved\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    async with serve(script) as server:
        error = await refused(session, server.url, allow_redirects=False)
    assert error.status == 301
    assert ("location", "/new") in error.headers


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\xff\x13garbage that is not http\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 101",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
    ],
    ids=["nothing", "garbage", "ssh", "half a line", "half a header"],
)
async def test_no_http_at_all(serve: Serve, session: AsyncSession, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        if said:
            await peer.send(said)

    async with serve(script) as server:
        with pytest.raises(ConnectError) as caught:
            await session.ws_connect(server.url, timeout=PATIENCE)
    assert not isinstance(caught.value, HandshakeRejected)
    assert caught.value.code != 0


async def test_a_server_that_resets_the_connect(serve: Serve, session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        peer.reset()

    async with serve(script) as server:
        with pytest.raises(ConnectError) as caught:
            await session.ws_connect(server.url)
    assert caught.value.retriable


async def test_nobody_listens(session: AsyncSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError) as caught:
        await session.ws_connect(f"ws://127.0.0.1:{port}/")
    assert caught.value.code == CurlECode.COULDNT_CONNECT
    assert caught.value.retriable


@pytest.mark.parametrize("url", ["ws://127.0.0.1:0/", "ftp://127.0.0.1/", "ws://", "", "nonsense"])
async def test_addresses_that_cannot_be(session: AsyncSession, url: str) -> None:
    with pytest.raises((WebSocketError, ValueError, curl_cffi.CurlError)):
        await session.ws_connect(url, timeout=PATIENCE)


# ------------------------------------------------------------------ a 101 that is none


def wrong(name: str, value: str | None) -> Any:
    return pytest.param((name, value), id=f"{name}={value}")


@pytest.mark.parametrize(
    "change",
    [
        wrong("sec-websocket-accept", None),
        wrong("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        wrong("upgrade", "h2c"),
        wrong("upgrade", None),
        wrong("connection", "keep-alive"),
        wrong("sec-websocket-protocol", "not-offered"),
        wrong("sec-websocket-extensions", "permessage-deflate"),
    ],
)
async def test_a_101_that_breaks_the_handshake(
    serve: Serve, session: AsyncSession, change: tuple[str, str | None]
) -> None:
    name, value = change
    ended = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.read_request()
        lines = peer.answer().decode().split("\r\n")[:-2]
        kept = [line for line in lines if not line.lower().startswith(name)]
        changed = [] if value is None else [f"{name}: {value}"]
        peer.write("\r\n".join((*kept, *changed, "", "")).encode() + text("never seen"))
        assert await peer.gone() == b""
        ended.set()

    async with serve(script) as server:
        with pytest.raises(HandshakeError) as caught:
            await session.ws_connect(server.url)
        assert not caught.value.retriable
        assert session.connector.live_count == 0
        async with asyncio.timeout(PATIENCE):
            await ended.wait()


# ------------------------------------------------------------------ TLS


async def wary(peer: Peer) -> None:
    """Polite, if the client gets as far as a request."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await polite(peer)


async def test_certificates_are_verified_by_default(certificates: Certificates) -> None:
    async with serving(wary, tls=certificates.server) as server, AsyncSession() as session:
        with pytest.raises(ConnectError) as caught:
            await session.ws_connect(server.url)
        assert caught.value.code == CurlECode.PEER_FAILED_VERIFICATION
        assert not caught.value.retriable
        assert not any(peer.request for peer in server.peers), "the upgrade must not be sent"
        async with session.ws_connect(server.url, verify=False) as ws:
            assert ws.is_alive()


async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    foreign = issue(tmp_path, "exchange.example")
    async with (
        serving(wary, tls=foreign.server) as server,
        AsyncSession(verify=foreign.authority) as session,
    ):
        with pytest.raises(ConnectError) as caught:
            await session.ws_connect(server.url)
        assert caught.value.code == CurlECode.PEER_FAILED_VERIFICATION


async def test_plain_text_where_tls_is_expected(session: AsyncSession) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(script) as server:
        with pytest.raises(ConnectError) as caught:
            await session.ws_connect(server.url.replace("ws:", "wss:"), timeout=PATIENCE)
        assert not isinstance(caught.value, HandshakeRejected)


# ------------------------------------------------------------------ timeouts and cancellation


@pytest.mark.parametrize("kind", ["ws", "wss"])
async def test_a_black_hole(session: AsyncSession, silent_port: int, kind: str) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(WebSocketTimeout) as caught:
        await session.ws_connect(f"{kind}://127.0.0.1:{silent_port}/", timeout=0.3)
    assert 0.2 < asyncio.get_running_loop().time() - started < 2
    assert caught.value.retriable
    assert isinstance(caught.value, curl_cffi.WebSocketTimeout)


@pytest.mark.parametrize("how", ["task", "timeout", "wait_for"])
async def test_a_cancelled_connect_is_gone_at_once(
    session: AsyncSession, silent_port: int, how: str
) -> None:
    url = f"ws://127.0.0.1:{silent_port}/"
    if how == "task":
        task = asyncio.ensure_future(session.ws_connect(url))
        while not session.connector.pending_count:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    elif how == "timeout":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.ws_connect(url)
    else:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.ws_connect(url), 0.05)
    assert session.connector.pending_count == 0
    assert session.connector.live_count == 0


async def test_a_connect_cancelled_in_the_tick_in_which_it_is_done(
    serve: Serve, session: AsyncSession
) -> None:
    """Cancelled after every number of loop turns a connect may take: never half a connection."""

    async def script(peer: Peer) -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            await polite(peer)

    async with serve(script) as server:
        turns = 0
        while True:
            turns += 1
            task = asyncio.ensure_future(session.ws_connect(server.url))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            try:
                ws = await task
            except asyncio.CancelledError:
                assert session.connector.live_count == 0
                assert session.connector.pending_count == 0
            else:
                await ws.close()
                break
            assert turns < 5000


async def test_one_cancelled_connect_does_not_disturb_the_others(
    serve: Serve, session: AsyncSession, silent_port: int
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("tick"))
        await peer.close_frame()
        await peer.send(close())

    async def one(url: str) -> bytes:
        async with session.ws_connect(url) as ws:
            return await ws.recv_bytes(timeout=PATIENCE)

    async with serve(script) as server:
        doomed = [
            asyncio.ensure_future(session.ws_connect(f"ws://127.0.0.1:{silent_port}/"))
            for _ in range(20)
        ]
        good = [asyncio.create_task(one(server.url)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in doomed:
            task.cancel()
        assert await asyncio.gather(*good) == [b"tick"] * 20
        results = await asyncio.gather(*doomed, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_the_connect_timeout_does_not_end_the_connection(
    serve: Serve, session: AsyncSession, silent_port: int
) -> None:
    """A connection opened with ``timeout=1`` lives on after 1 s, while others connect or not."""
    later = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept(text("early"))
        await later.wait()
        await peer.send(text("late"))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server, session.ws_connect(server.url, timeout=1) as ws:
        # Nothing is read while other connects drive the session's multi handle past the limit.
        with pytest.raises(WebSocketTimeout):
            await session.ws_connect(f"ws://127.0.0.1:{silent_port}/", timeout=1.3)
        assert ws.is_alive()
        assert await ws.recv() == (b"early", 1)
        later.set()
        assert await ws.recv(timeout=PATIENCE) == (b"late", 1)


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_connects_do_not_touch_what_another_connection_has_unread(
    serve: Serve, session: AsyncSession, silent_port: int
) -> None:
    """Reading has stopped, others connect for more than a second, and nothing is lost."""
    payloads = numbered(0, 3000, 400)
    stream = b"".join(text(payload) for payload in payloads)

    async def script(peer: Peer) -> None:
        await peer.read_request()
        peer.write(peer.answer() + (stream if peer.target == "/full" else b""))
        await peer.close_frame()
        await peer.send(close())

    async with serve(script) as server:
        limits: dict[str, Any] = {"recv_queue_size": 10, "read_ahead": 1024}
        async with session.ws_connect(server.url + "full", **limits) as ws:
            while not ws.is_paused:
                await asyncio.sleep(0)
            with pytest.raises(WebSocketTimeout):
                await session.ws_connect(f"ws://127.0.0.1:{silent_port}/", timeout=1.2)
            for _ in range(20):
                async with session.ws_connect(server.url):
                    pass
            assert ws.is_alive()
            received = [await ws.recv_bytes(timeout=PATIENCE) for _ in payloads]
    assert received == payloads


async def test_a_closed_session_connects_no_more(serve: Serve, certificates: Certificates) -> None:
    async with serve(polite) as server:
        session = AsyncSession(verify=certificates.authority)
        async with session.ws_connect(server.url):
            pass
        await session.close()
        await session.close()
        with pytest.raises(WebSocketClosed):
            await session.ws_connect(server.url)


async def test_closing_the_session_ends_a_connect_under_way(silent_port: int) -> None:
    session = AsyncSession()
    task = asyncio.ensure_future(session.ws_connect(f"ws://127.0.0.1:{silent_port}/"))
    while not session.connector.pending_count:
        await asyncio.sleep(0)
    connector = session.connector
    await session.close()
    with pytest.raises(WebSocketError):
        async with asyncio.timeout(PATIENCE):
            await task
    assert connector.pending_count == 0


@pytest.mark.parametrize(
    "option",
    [
        {"recv_queue_size": 0},
        {"recv_queue_bytes": 0},
        {"send_queue_size": 0},
        {"max_message_size": 0},
        {"max_frame_payload": 0},
        {"max_send_batch_size": 0},
        {"read_ahead": -1},
        {"recv_time_slice": 0},
        {"no_such_option": 1},
    ],
)
async def test_impossible_options_are_refused_before_connecting(
    session: AsyncSession, option: dict[str, Any]
) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(option))):
        session.ws_connect("ws://127.0.0.1:1/", **option)


async def test_a_header_that_breaks_the_handshake_leaves_nothing(session: AsyncSession) -> None:
    """Options that curl refuses end in an error, not in a handle that stays behind."""
    with pytest.raises(Exception):  # noqa: B017, PT011
        await session.ws_connect("ws://127.0.0.1:1/", impersonate="no-such-browser")
    assert session.connector.pending_count == 0


async def test_a_proxys_password_is_in_no_text(session: AsyncSession) -> None:
    with pytest.raises(ConnectError) as caught:
        await session.ws_connect("ws://127.0.0.1:1/", proxy="http://user:secret@127.0.0.1:99999")
    told = "".join(traceback.format_exception_only(caught.value))
    assert "secret" not in told + str(caught.value.__cause__)
