"""The examples of curl_cffi's WebSocket page: each is one program that does the same on both."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest
from curl_cffi import CurlWsFlag

from tests.integration.compat.sides import (
    CURL_CFFI,
    LIBRARIES,
    NOT_CARRIED_OVER,
    Recorder,
    connected,
    is_old,
    since_017,
    sync_connected,
    told,
)
from tests.support.frames import BINARY, CLOSE, PING, TEXT, binary, close, fragments, text
from tests.support.server import PATIENCE, Peer, serving
from tests.support.threaded import serving_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Any:
    return LIBRARIES[request.param]


def query_of(peer: Peer) -> str:
    return peer.target.partition("?")[2]


async def test_quick_start(library: Any) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.send(text((await peer.message()).payload), text("one"), text("two"))
        await peer.close_frame()
        await peer.send(close())

    async with serving(script) as server, library.AsyncSession() as s:
        async with await s.ws_connect(server.url) as ws:
            await ws.send_str("Hello, World!")
            assert await ws.recv_str() == "Hello, World!"
            streamed = []
            async for message in ws:
                streamed.append(message)
                if message == b"two":
                    break
            assert streamed == [b"one", b"two"]


async def test_without_await(library: Any) -> None:
    async with serving(Recorder(text("a"))) as server, library.AsyncSession() as s:
        async with s.ws_connect(server.url) as ws:
            assert await ws.recv_str() == "a"


async def test_connecting(library: Any) -> None:
    script = Recorder()
    async with serving(script) as server, library.AsyncSession() as s:
        s.cookies.set("session_id", "xyz")
        async with await s.ws_connect(
            server.url,
            impersonate="chrome",
            auth=("user", "pass"),
            params={"stream_id": "123"},
            cookies={"more": "1"},
            timeout=10,
        ):
            pass
    peer = script.peers[0]
    assert sorted(peer.headers["cookie"].split("; ")) == ["more=1", "session_id=xyz"]
    assert peer.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert query_of(peer) == "stream_id=123"
    assert "Chrome/" in peer.headers["user-agent"]


async def test_sending(library: Any) -> None:
    script = Recorder()
    async with connected(library, script) as ws:
        await ws.send_str("Hello")
        await ws.send_bytes(b"\x00\x01\x02")
        await ws.send_binary(b"\x03")
        await ws.send_json({"action": "subscribe", "channel": "btc_usd"})
        await ws.send(b"bytes")
        await ws.send(bytearray(b"bytearray"))
        await ws.send(memoryview(b"memoryview"))
        await ws.send("text", CurlWsFlag.TEXT)
        await ws.send(b"")
        await ws.flush()
    assert script.messages == [
        (TEXT, b"Hello"),
        (BINARY, b"\x00\x01\x02"),
        (BINARY, b"\x03"),
        (TEXT, b'{"action":"subscribe","channel":"btc_usd"}'),
        (BINARY, b"bytes"),
        (BINARY, b"bytearray"),
        (BINARY, b"memoryview"),
        (TEXT, b"text"),
        (BINARY, b""),
    ]


VALUES: list[Any] = [
    {2: 2, 1.5: True, None: [], True: {}},
    [2**64, -(2**70), 10**40],
    (1, "é\u2028", None, -0.0, 1e22),
    "\ud800",
    "",
    {},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_json_of_the_standard_library(library: Any, value: Any) -> None:
    """What ``json`` writes and reads, whichever library does it."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        message = await peer.message()
        seen.append(json.loads(message.payload))
        await peer.send(text(message.payload), text(json.dumps(value)), text("NaN"))
        await peer.close_frame()
        await peer.send(close())

    seen: list[Any] = []
    expected = json.loads(json.dumps(value))
    async with connected(library, script) as ws:
        await ws.send_json(value)
        assert await ws.recv_json(timeout=PATIENCE) == expected
        assert await ws.recv_json(timeout=PATIENCE) == expected
        assert str(await ws.recv_json(timeout=PATIENCE)) == "nan"
    assert seen == [expected]


async def test_what_is_no_json(library: Any) -> None:
    async with connected(library, Recorder()) as ws:
        for value in (b"bytes", {1, 2}, object()):
            with pytest.raises(TypeError):
                await ws.send_json(value)


async def test_own_encoders(library: Any) -> None:
    script = Recorder(text("<1>"), text("<2>"), text("3"))
    async with connected(library, script) as ws:
        await ws.send_json(1, dumps=lambda value: f"<{value}>")
        assert await ws.recv_json(loads=lambda raw: raw.strip("<>")) == "1"
        for _ in range(2):
            with pytest.raises(library.WebSocketError) as caught:
                await ws.recv_json(loads=lambda raw: {}[raw])
            assert caught.value.code == library.WsCloseCode.INVALID_DATA
        await ws.flush()
    assert script.messages == [(TEXT, b"<1>")]


async def test_a_message_in_parts(library: Any) -> None:
    """``CONT`` marks a part that is not the last; the server gets one message."""
    received: list[tuple[int, bytes]] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(3):
            message = await peer.message()
            received.append((message.opcode, message.payload))
        await peer.close_frame()
        await peer.send(close())

    async with connected(library, script) as ws:
        await ws.send("a", CurlWsFlag.TEXT | CurlWsFlag.CONT)
        await ws.send(b"b", CurlWsFlag.TEXT | CurlWsFlag.CONT)
        await ws.send("c", CurlWsFlag.TEXT)
        await ws.send_str("whole")
        await ws.send(b"x" * 200_000)
        await ws.flush()
    assert received == [(TEXT, b"abc"), (TEXT, b"whole"), (BINARY, b"x" * 200_000)]


async def test_pings_and_pongs(library: Any) -> None:
    script = Recorder()
    async with connected(library, script) as ws:
        await ws.ping(b"keepalive")
        await ws.ping("text")
        await ws.send(b"heartbeat", CurlWsFlag.PONG)
        with pytest.raises(library.WebSocketError) as caught:
            await ws.ping(b"x" * 126)
        assert caught.value.code == library.CurlECode.TOO_LARGE
        await ws.flush()
    assert script.frames[:2] == [(PING, b"keepalive"), (PING, b"text")]
    assert script.pongs == [b"heartbeat"]


async def test_timeouts_and_pongs(library: Any) -> None:
    since_017(library)
    script = Recorder()
    async with connected(library, script) as ws:
        await ws.send_str("a", timeout=PATIENCE)
        await ws.send_bytes(b"b", timeout=PATIENCE)
        await ws.send_binary(b"c", timeout=PATIENCE)
        await ws.send_json([], timeout=PATIENCE)
        await ws.ping(b"p", timeout=PATIENCE)
        await ws.pong("é", timeout=PATIENCE)
        await ws.pong()
        with pytest.raises(library.WebSocketError) as caught:
            await ws.pong(b"x" * 126)
        assert caught.value.code == library.CurlECode.TOO_LARGE
        await ws.flush()
    assert [payload for _, payload in script.messages] == [b"a", b"b", b"c", b"[]"]
    assert script.pongs == ["é".encode(), b""]


async def test_text_that_is_not_utf8(library: Any) -> None:
    """With ``skip_utf8_validation`` it fails one call, and the connection goes on."""
    since_017(library)
    script = Recorder(text(b"\xff"), text(b"\xff"), text("y"))
    async with connected(library, script, skip_utf8_validation=True) as ws:
        assert ws.skip_utf8_validation
        assert await ws.recv(timeout=PATIENCE) == (b"\xff", CurlWsFlag.TEXT)
        with pytest.raises(library.WebSocketError) as caught:
            await ws.recv_str(timeout=PATIENCE)
        assert caught.value.code == library.WsCloseCode.INVALID_DATA
        assert await ws.recv_str(timeout=PATIENCE) == "y"
    assert script.close_codes == [1000]


async def test_receiving(library: Any) -> None:
    script = Recorder(text("é"), text('{"a":1}'), *fragments(BINARY, b"ra", b"w"), text("t"))
    async with connected(library, script) as ws:
        assert await ws.recv_str() == "é"
        assert await ws.recv_json(timeout=5.0) == {"a": 1}
        content, flags = await ws.recv()
        assert content == b"raw"
        assert flags & CurlWsFlag.BINARY
        content, flags = await ws.recv()
        assert (content, flags) == (b"t", CurlWsFlag.TEXT)
        for timeout in (0.02, 0):
            for receive in (ws.recv, ws.recv_str, ws.recv_json):
                with pytest.raises(library.WebSocketTimeout) as caught:
                    await receive(timeout=timeout)
                assert caught.value.code == library.CurlECode.OPERATION_TIMEDOUT


async def test_a_message_of_the_wrong_kind(library: Any) -> None:
    async with connected(library, Recorder(binary(b"x"), text("y"))) as ws:
        with pytest.raises(library.WebSocketError) as caught:
            await ws.recv_str()
        assert caught.value.code == library.WsCloseCode.INVALID_DATA
        assert await ws.recv_str() == "y"


async def test_iteration(library: Any) -> None:
    async with connected(library, Recorder(text("é"), binary(b"b"), close(1001, b"bye"))) as ws:
        chunks = [chunk.decode("utf-8") async for chunk in ws]
        assert (ws.closed, ws.close_code, ws.close_reason) == (True, 1001, "bye")
        assert not ws.is_alive()
    assert chunks == ["é", "b"]


@pytest.mark.parametrize(
    ("arguments", "payload"),
    [
        ({}, b"\x03\xe8"),
        ({"code": 1000, "message": b"bye"}, b"\x03\xe8bye"),
        ({"code": 3008, "message": "é" * 100}, b"\x0b\xc0" + ("é" * 100).encode()[:123]),
    ],
    ids=["plain", "bytes", "long text"],
)
async def test_closing(library: Any, arguments: dict[str, Any], payload: bytes) -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        got.append((await peer.close_frame()).payload)
        await peer.send(close())

    async with serving(script) as server, library.AsyncSession() as s:
        ws = await s.ws_connect(server.url)
        assert ws.is_alive()
        assert not ws.closed
        await ws.close(**arguments)
        await ws.close()
        assert ws.closed
        for late in (ws.send(b"x"), ws.ping(b"x"), ws.recv()):
            with pytest.raises(library.WebSocketClosed):
                await late
    # curl_cffi cuts the reason wherever byte 123 is; RFC 6455 wants UTF-8.
    assert got[0][: len(payload) - 1] == payload[: len(payload) - 1]


async def test_flushing(library: Any) -> None:
    script = Recorder()
    async with connected(library, script) as ws:
        await ws.send_str("Critical Data")
        await ws.flush()
        assert ws.send_queue_size == 0
        await ws.flush(timeout=1.0)
    assert script.messages == [(TEXT, b"Critical Data")]


async def test_error_handling(library: Any) -> None:
    """Old and new raise the same classes at a break, and after a clean end."""

    async def hang_up(peer: Peer) -> None:
        peer.end()

    async with connected(library, Recorder(then=hang_up)) as ws:
        with pytest.raises(library.WebSocketClosed) as caught:
            await ws.recv_str(timeout=PATIENCE)
        assert told(caught.value) == ("WebSocketClosed", library.WsCloseCode.ABNORMAL_CLOSURE)
        with pytest.raises(library.WebSocketError):
            await ws.send_str("late")


async def test_a_full_queue(library: Any) -> None:
    script = Recorder(*[binary(b"x")] * 2000)
    async with connected(library, script, recv_queue_size=4, block_on_recv_queue_full=False) as ws:
        with pytest.raises(library.WebSocketError) as caught:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await asyncio.sleep(0.05)
                    await ws.recv()
        assert caught.value.code == library.CurlECode.OUT_OF_MEMORY


async def test_queue_sizes(library: Any) -> None:
    script = Recorder(*[binary(b"%d" % n) for n in range(500)])
    options: dict[str, Any] = {"recv_queue_size": 256, "send_queue_size": 32}
    async with connected(library, script, **options) as ws:
        assert [int((await ws.recv())[0]) for _ in range(500)] == list(range(500))
        for n in range(500):
            await ws.send(b"%d" % n)
        await ws.flush()
    assert [int(payload) for _, payload in script.messages] == list(range(500))


async def test_the_size_of_messages(library: Any) -> None:
    script = Recorder(binary(bytes(1000)), binary(bytes(1001)))
    async with connected(library, script, max_message_size=1000, drain_on_error=True) as ws:
        assert len((await ws.recv())[0]) == 1000
        with pytest.raises(library.WebSocketError) as caught:
            await ws.recv(timeout=PATIENCE)
        assert caught.value.code == library.CurlECode.TOO_LARGE


async def test_coalescing_keeps_all_bytes(library: Any) -> None:
    script = Recorder()
    async with connected(library, script, coalesce_frames=True, max_send_batch_size=8) as ws:
        for n in range(100):
            await ws.send(b"%02d" % n)
        await ws.flush()
    assert b"".join(payload for _, payload in script.messages) == b"".join(
        b"%02d" % n for n in range(100)
    )


async def test_reliability(library: Any) -> None:
    """Buffered messages are yielded before the error, and a read error is tried again."""

    async def hang_up(peer: Peer) -> None:
        peer.end()

    policy = library.WebSocketRetryStrategy(retry=True, count=5, delay=0.01)
    script = Recorder(*[text(str(n)) for n in range(3)], then=hang_up)
    async with connected(library, script, drain_on_error=True, ws_retry=policy) as ws:
        assert ws.drain_on_error
        assert ws.ws_retry is policy
        assert [await ws.recv_str(timeout=PATIENCE) for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(library.WebSocketClosed):
            await ws.recv(timeout=PATIENCE)


async def test_time_slices(library: Any) -> None:
    script = Recorder(*[binary(b"x")] * 100)
    options: dict[str, Any] = {"recv_time_slice": 0.001, "send_time_slice": 0.001}
    async with connected(library, script, **options) as ws:
        assert [await ws.recv() for _ in range(100)] == [(b"x", CurlWsFlag.BINARY)] * 100


async def test_the_attributes(library: Any) -> None:
    async with serving(Recorder()) as server, library.AsyncSession() as s:
        async with await s.ws_connect(server.url, autoclose=False) as ws:
            names = [name for name in dir(curl_cffi.AsyncWebSocket) if name[0] != "_"]
            carried_over = set(names).difference(
                () if is_old(library) else NOT_CARRIED_OVER["AsyncWebSocket"]
            )
            assert [name for name in carried_over if not hasattr(ws, name)] == []
            assert ws.session is s
            assert ws.autoclose is False
            assert ws.debug is False
            assert ws.drain_on_error is False
            assert ws.ws_retry == library.WebSocketRetryStrategy()
            assert ws.curl.getinfo(library.CurlInfo.PRIMARY_PORT) == server.port
            assert (ws.close_code, ws.close_reason) == (None, None)


async def test_sub_protocols_by_header(library: Any) -> None:
    """curl_cffi has no parameter for them."""
    script = Recorder(text("a"), headers=("Sec-WebSocket-Protocol: v2",))
    async with connected(library, script, headers={"sec-websocket-protocol": "v1, v2"}) as ws:
        assert await ws.recv_str() == "a"
    assert script.peers[0].headers["sec-websocket-protocol"] == "v1, v2"


async def test_a_closed_session(library: Any) -> None:
    session = library.AsyncSession()
    await session.close()
    with pytest.raises(library.exceptions.SessionClosed):
        await session.ws_connect("ws://127.0.0.1:9/")


async def test_nobody_listens(library: Any) -> None:
    async with library.AsyncSession() as session:
        with pytest.raises(library.CurlError) as caught:
            await session.ws_connect("ws://127.0.0.1:9/")
    assert caught.value.code == library.CurlECode.COULDNT_CONNECT


# ------------------------------------------------------------------ the synchronous surface


def callbacks(log: list[Any]) -> dict[str, Callable[..., object]]:
    return {
        "on_open": lambda ws: log.append("open"),
        "on_message": lambda ws, message: log.append(message),
        "on_close": lambda ws, code, reason: log.append((int(code), reason)),
        "on_error": lambda ws, error: log.append(type(error).__name__),
    }


def test_sync_messages(library: Any) -> None:
    script = Recorder(text("é"), binary(b"b"), text("[1]"))
    with sync_connected(library, script, params={"a": "1"}, cookies={"c": "2"}) as ws:
        assert ws.recv_str() == "é"
        assert ws.recv() == (b"b", CurlWsFlag.BINARY)
        assert ws.recv_json() == [1]
        lengths = [
            ws.send(b"12", CurlWsFlag.TEXT),
            ws.send_str("é"),
            ws.send_bytes(b"123"),
            ws.send_binary(b"1"),
            ws.send_json({"a": 1}),
        ]
        ws.ping(b"p")
        ws.close(1000, b"bye")
        assert ws.closed
        for late in (ws.recv, lambda: ws.send(b"x")):
            with pytest.raises(library.WebSocketClosed):
                late()
    assert lengths == [2, 2, 3, 1, 7]
    assert script.messages == [
        (TEXT, b"12"),
        (TEXT, "é".encode()),
        (BINARY, b"123"),
        (BINARY, b"1"),
        (TEXT, b'{"a":1}'),
    ]
    assert script.frames[-2:] == [(PING, b"p"), (CLOSE, b"\x03\xe8")]
    assert query_of(script.peers[0]) == "a=1"
    assert script.peers[0].headers["cookie"] == "c=2"


def test_sync_iteration(library: Any) -> None:
    with sync_connected(library, Recorder(text("a"), binary(b"b"), close(1001, b"bye"))) as ws:
        assert list(ws) == [b"a", b"b"]
        assert (ws.closed, ws.close_code, ws.close_reason) == (True, 1001, "bye")


def test_sync_run_forever(library: Any) -> None:
    log: list[Any] = []
    script = Recorder(text("a"), binary(b"b"), *fragments(TEXT, b"c", b"d"), close(1001, b"bye"))
    with serving_in_thread(script) as server:
        ws = library.WebSocket(**callbacks(log))
        ws.run_forever(server.url, headers={"X-A": "1"})
        assert not ws.keep_running
    assert log == ["open", "a", b"b", "cd", (1001, "bye")]
    assert script.peers[0].headers["x-a"] == "1"


def test_sync_callbacks_that_fail(library: Any) -> None:
    log: list[Any] = []
    calls = callbacks(log) | {"on_message": lambda ws, message: 1 / 0}
    with serving_in_thread(Recorder(text("a"), text("b"), close())) as server:
        library.WebSocket(**calls).run_forever(server.url)
    assert log == ["open", "ZeroDivisionError", "ZeroDivisionError", (1000, "")]


def test_sync_stopping(library: Any) -> None:
    """What becomes of the connection is a row of the table of differences."""
    got: list[Any] = []

    def stop(ws: Any, message: Any) -> None:
        got.append(message)
        ws.keep_running = False

    script = Recorder(text("a"), text("b"))
    with serving_in_thread(script) as server:
        ws = library.Session().ws_connect(server.url, stop)
        ws.run_forever()
        assert got == ["a"]
        ws.close()
        assert ws.closed


def test_sync_not_connected(library: Any) -> None:
    ws = library.WebSocket()
    for call in (ws.recv, ws.run_forever):
        with pytest.raises(library.WebSocketError) as caught:
            call()
        assert caught.value.code == library.CurlECode.NO_CONNECTION_AVAILABLE
    with pytest.raises(library.CurlError) as caught:
        ws.send("x")
    if not is_old(library) or CURL_CFFI < (0, 17):  # which asks libcurl, and passes on what it says
        assert caught.value.code == library.CurlECode.NO_CONNECTION_AVAILABLE


def test_sync_text_that_is_not_utf8(library: Any) -> None:
    log: list[Any] = []
    with serving_in_thread(Recorder(text(b"\xff"), text("y"), close())) as server:
        ws = library.WebSocket(**callbacks(log), skip_utf8_validation=True)
        ws.run_forever(server.url)
    assert log == ["open", b"\xff", b"y", (1000, "")]


def test_sync_options_of_the_websocket(library: Any) -> None:
    """Given to ``Session.ws_connect``; text that is not UTF-8 fails one call only."""
    since_017(library)
    log: list[Any] = []
    policy = library.WebSocketRetryStrategy(count=5)
    options: dict[str, Any] = {"ws_retry": policy, "max_message_size": 10, "autoclose": False}
    options["on_data"] = lambda ws, data, frame: log.append(data)
    script = Recorder(text(b"\xff"), text("y"), text("z"), binary(bytes(11)))
    with sync_connected(library, script, skip_utf8_validation=True, **options) as ws:
        assert ws.ws_retry is policy
        assert ws.autoclose is False
        with pytest.raises(library.WebSocketError) as caught:
            ws.recv_str(timeout=PATIENCE)
        assert caught.value.code == library.WsCloseCode.INVALID_DATA
        assert ws.recv_str(timeout=PATIENCE) == "y"
        with pytest.raises(library.WebSocketError):
            ws.run_forever()
    assert log[0] == b"z"
    assert script.close_codes == [1009]


def test_sync_timeouts_and_pongs(library: Any) -> None:
    since_017(library)
    script = Recorder()
    with sync_connected(library, script) as ws:
        assert ws.send_str("a", timeout=PATIENCE) == 1
        assert ws.send_bytes(b"b", timeout=PATIENCE) == 1
        assert ws.send_binary(b"c", timeout=PATIENCE) == 1
        assert ws.send_json([], timeout=PATIENCE) == 2
        ws.ping(b"p", timeout=PATIENCE)
        assert ws.pong("é", timeout=PATIENCE) == 2
        assert ws.pong() == 0
        ws.close()
    assert [payload for _, payload in script.messages] == [b"a", b"b", b"c", b"[]"]
    assert script.pongs == ["é".encode(), b""]
