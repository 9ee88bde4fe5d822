"""Where tickwire differs because curl_cffi's behaviour is a fault, or was: one program for each row
of the two tables in ``docs/coming-from-curl_cffi.md``, run on both libraries.

A program is told which library it runs on, and returns what its user sees. What curl_cffi gives is
checked against the versions that the tables name, and only against those: it may have been mended
since.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
import zlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi import CurlError, CurlOpt

from tests.integration.compat.sides import (
    LIBRARIES,
    Recorder,
    connected,
    is_old,
    sync_connected,
    told,
)
from tests.support.frames import BINARY, TEXT, binary, close, fragments, frame, ping, text
from tests.support.server import PATIENCE, Peer, serving
from tests.support.threaded import serving_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[3] / "docs" / "coming-from-curl_cffi.md"
VERSION = "0.17.0"
"""The curl_cffi that the table is about."""

EARLIER = "0.16.3"
"""The one whose faults the table of what was mended is about."""

MENDED_HEADING = "## Mended in curl_cffi 0.17"

A_WHILE = 0.5
"""Seconds to wait for what does not happen with curl_cffi."""


@dataclass(frozen=True)
class Row:
    """One row of a table: a program, and what it gives on either library.

    Attributes:
        earlier: What it gave on the earlier curl_cffi; told only of what was mended since.
    """

    program: Callable[[Any], Any]
    old: Any
    new: Any
    earlier: Any = None
    is_mended: bool = False


ROWS: dict[str, Row] = {}


def row(name: str, *, old: Any, new: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def add(program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        assert name not in ROWS
        assert old != new, "then it is mended"
        ROWS[name] = Row(program, old, new)
        return program

    return add


def mended(
    name: str, *, earlier: Any, both: Any
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def add(program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        assert name not in ROWS
        assert earlier != both
        ROWS[name] = Row(program, both, both, earlier, is_mended=True)
        return program

    return add


async def run(program: Callable[[Any], Any], library: Any) -> Any:
    if inspect.iscoroutinefunction(program):
        return await asyncio.wait_for(program(library), 2 * PATIENCE)
    return await asyncio.to_thread(program, library)


# ------------------------------------------------------------------ receiving


async def outcomes(receive: Callable[[], Any], count: int) -> list[Any]:
    found = []
    for _ in range(count):
        try:
            found.append(await receive())
        except CurlError as error:
            found.append(told(error))
    return found


@row(
    "close-frame",
    old=[(b"a", 1), (b"\x03\xe9bye", 8), ("WebSocketClosed", 1001)],
    new=[(b"a", 1), ("WebSocketClosed", 1001), ("WebSocketClosed", 1001)],
)
async def close_frame(library: Any) -> Any:
    async with connected(library, Recorder(text("a"), close(1001, b"bye"))) as ws:
        return await outcomes(lambda: ws.recv(timeout=PATIENCE), 3)


@mended("close-text", earlier=("WebSocketError", 1007), both=("WebSocketClosed", 1001))
async def close_text(library: Any) -> Any:
    async with connected(library, Recorder(close(1001, b"bye"))) as ws:
        with pytest.raises(CurlError) as caught:
            await ws.recv_str(timeout=PATIENCE)
        return told(caught.value)


@row("error-text", old=AttributeError, new=str)
async def error_text(library: Any) -> Any:
    """``print(f"Closed: {e.code} - {e.message}")``, as curl_cffi's page has it."""
    async with connected(library, Recorder()) as ws:
        await ws.close()
        with pytest.raises(library.WebSocketClosed) as caught:
            await ws.recv(timeout=PATIENCE)
        try:
            return type(caught.value.message)
        except AttributeError as error:
            return type(error)


async def hang_up(peer: Peer) -> None:
    peer.end()


@row("broken-iteration", old=[b"a"], new=("WebSocketClosed", 1006))
async def broken_iteration(library: Any) -> Any:
    script = Recorder(text("a"), then=hang_up)
    async with connected(library, script, drain_on_error=True) as ws:
        try:
            return [message async for message in ws]
        except CurlError as error:
            return told(error)


@row("closed-iteration", old=("WebSocketClosed", 1000), new=[b"b"])
async def closed_iteration(library: Any) -> Any:
    script = Recorder(text("a"), text("b"))
    async with connected(library, script) as ws:
        await ws.recv(timeout=PATIENCE)
        await ws.close()
        try:
            return [message async for message in ws]
        except CurlError as error:
            return told(error)


@row("cancelled-recv", old="lost", new="kept")
async def cancelled_recv(library: Any) -> Any:
    """Cancelled in the turn of the loop in which the message has come."""
    go = asyncio.Event()

    async def then(peer: Peer) -> None:
        await go.wait()
        await peer.send(text("a"))
        await peer.gone()

    async with connected(library, Recorder(then=then)) as ws:
        receiving = asyncio.ensure_future(ws.recv())
        await asyncio.sleep(0)
        inner = next((t for t in asyncio.all_tasks() if "Queue.get" in repr(t)), None)
        go.set()
        while not (inner.done() if inner is not None else ws.messages_received):
            await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.wait([receiving])
        if not receiving.cancelled():
            return "kept"
        try:
            await ws.recv(timeout=A_WHILE if is_old(library) else PATIENCE)
        except library.WebSocketTimeout:
            return "lost"
        return "kept"


@row("json-binary", old=("WebSocketError", 1007), new={"a": 1})
async def json_binary(library: Any) -> Any:
    async with connected(library, Recorder(binary(b'{"a":1}'))) as ws:
        return (await outcomes(lambda: ws.recv_json(timeout=PATIENCE), 1))[0]


@row("bad-text", old=["y", [1007]], new=[("WebSocketError", 1007), [1007]])
async def bad_text(library: Any) -> Any:
    """A text message that is not UTF-8; is what follows it taken from such a peer?"""
    script = Recorder(text(b"\xff"), text("y"))
    async with serving(script) as server, library.AsyncSession() as session:
        async with await session.ws_connect(server.url) as ws:
            found = await outcomes(lambda: ws.recv_str(timeout=PATIENCE), 2)
        await server.finish()
    return [found[1], script.close_codes]


@mended("too-big", earlier=[("WebSocketError", 100), []], both=[("WebSocketError", 100), [1009]])
async def too_big(library: Any) -> Any:
    """Is the peer told why it is left?"""
    script = Recorder(binary(bytes(100)))
    async with serving(script) as server, library.AsyncSession() as session:
        async with await session.ws_connect(server.url, max_message_size=99) as ws:
            found = await outcomes(lambda: ws.recv(timeout=PATIENCE), 1)
        await server.finish()
    return [*found, script.close_codes]


@row("full-queue", old=[], new=[b"p"])
async def full_queue(library: Any) -> Any:
    """Pongs that a server gets while the program takes nothing."""
    pongs: list[bytes] = []
    looked = asyncio.Event()

    async def then(peer: Peer) -> None:
        try:
            async with asyncio.timeout(A_WHILE if is_old(library) else PATIENCE):
                pongs.append((await peer.frame()).payload)
        except TimeoutError:
            pass
        looked.set()
        peer.end()

    script = Recorder(*[binary(b"x")] * 10, ping(b"p"), then=then)
    async with connected(library, script, recv_queue_size=2):
        await looked.wait()
    return pongs


@row("no-queue-bound", old="taken", new=ValueError)
async def no_queue_bound(library: Any) -> Any:
    try:
        async with connected(library, Recorder(), recv_queue_size=0):
            return "taken"
    except ValueError as error:
        return type(error)


# ------------------------------------------------------------------ sending


@row("send-text", old=[(BINARY, b"x")], new=[(TEXT, b"x")])
async def send_text(library: Any) -> Any:
    script = Recorder()
    async with connected(library, script) as ws:
        await ws.send("x")
        await ws.flush()
    return script.messages


@row("coalescing", old=[(TEXT, b"012")], new=[(TEXT, b"0"), (TEXT, b"1"), (TEXT, b"2")])
async def coalescing(library: Any) -> Any:
    script = Recorder()
    async with connected(library, script, coalesce_frames=True) as ws:
        for number in range(3):
            await ws.send_str(str(number))
        await ws.flush()
    return script.messages


@row("json-nan", old=b'{"a":NaN}', new=b'{"a":null}')
async def json_nan(library: Any) -> Any:
    script = Recorder()
    async with connected(library, script) as ws:
        await ws.send_json({"a": float("nan")})
        await ws.flush()
    return script.messages[0][1]


@row("ping-result", old=None, new=asyncio.Future)
async def ping_result(library: Any) -> Any:
    async with connected(library, Recorder()) as ws:
        result = await ws.ping(b"p")
        return next((kind for kind in (asyncio.Future,) if isinstance(result, kind)), result)


@row("close-codes", old=[1011], new=ValueError)
async def close_codes(library: Any) -> Any:
    """RFC 6455 section 7.4.1: 1005 must not be sent."""
    script = Recorder()
    async with serving(script) as server, library.AsyncSession() as session:
        async with await session.ws_connect(server.url) as ws:
            try:
                await ws.close(1005)
            except ValueError as error:
                return type(error)
        await server.finish()
    return script.close_codes


# ------------------------------------------------------------------ connecting


@row("connects-at-once", old=("CurlError", 0), new=2)
async def connects_at_once(library: Any) -> Any:
    async with serving(Recorder()) as server, library.AsyncSession(max_clients=1) as session:
        async with await session.ws_connect(server.url):
            try:
                async with asyncio.timeout(PATIENCE):
                    async with await session.ws_connect(server.url):
                        return 2
            except CurlError as error:
                return told(error)


@row("handshake", old="connected", new=("WebSocketError", 8))
async def handshake(library: Any) -> Any:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(peer.answer(accept="c29tZSBvdGhlciBrZXkhIQ=="))
        await peer.gone()

    try:
        async with connected(library, script):
            return "connected"
    except CurlError as error:
        return told(error)


@row("refusal", old=None, new=(429, 3.0))
async def refusal(library: Any) -> Any:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n")

    with pytest.raises(CurlError) as caught:
        async with connected(library, script):
            pass
    assert caught.value.code == 22, "HTTP_RETURNED_ERROR, as ever"
    error: Any = caught.value
    return (error.status, error.retry_after) if hasattr(error, "status") else None


@row("redirect", old=("CurlError", 22), new=(b"there", TEXT))
async def redirect(library: Any) -> Any:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        if peer.target == "/":
            await peer.send(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
            return
        await peer.send(peer.answer() + text("there"))
        await peer.close_frame()
        await peer.send(close())

    try:
        async with connected(library, script) as ws:
            return await ws.recv(timeout=PATIENCE)
    except CurlError as error:
        return told(error)


@row("connect-timeout", old="connected late", new=("WebSocketTimeout", 28))
async def connect_timeout(library: Any) -> Any:
    """The server answers the upgrade after ten times the timeout."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        try:
            async with asyncio.timeout(A_WHILE):
                await peer.gone()
        except TimeoutError:
            await peer.send(peer.answer())
            await peer.gone()

    try:
        async with connected(library, script, timeout=A_WHILE / 10):
            return "connected late"
    except CurlError as error:
        return told(error)


@mended("upgrade-cookies", earlier={}, both={"a": "1"})
async def upgrade_cookies(library: Any) -> Any:
    script = Recorder(headers=("Set-Cookie: a=1",))
    async with serving(script) as server, library.AsyncSession() as session:
        async with await session.ws_connect(server.url):
            return session.cookies.get_dict()


@mended("session-options", earlier=None, both="by the session")
async def session_options(library: Any) -> Any:
    script = Recorder()
    settings = {"curl_options": {CurlOpt.USERAGENT: b"by the session"}}
    async with connected(library, script, session=settings):
        return script.peers[0].headers.get("user-agent")


@mended("session-perk", earlier="connected", both=ValueError)
async def session_perk(library: Any) -> Any:
    """A fingerprint that is none: it is looked at, or it is not."""
    try:
        async with connected(library, Recorder(), session={"perk": "no|fingerprint"}):
            return "connected"
    except ValueError as error:
        return type(error)


@row("http-proxies", old="not through the proxy", new=("WebSocketError", 7))
async def http_proxies(library: Any) -> Any:
    """The form of ``proxies`` that curl_cffi documents; nobody listens there."""
    nobody = "http://127.0.0.1:9"
    try:
        async with connected(library, Recorder(), proxies={"http": nobody, "https": nobody}):
            return "not through the proxy"
    except CurlError as error:
        return told(error)


@row("http-base", old=("CurlError", 43), new=(b"a", TEXT))
async def http_base(library: Any) -> Any:
    """A session whose ``base_url`` is that of the venue's REST interface."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        if "sec-websocket-key" in peer.headers:
            await peer.send(peer.answer() + text("a"))
            await peer.close_frame()
            await peer.send(close())
        else:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await peer.gone()

    async with serving(script) as server:
        base = server.url.replace("ws", "http", 1)
        async with library.AsyncSession(base_url=base) as session:
            try:
                async with await session.ws_connect("stream") as ws:
                    return await ws.recv(timeout=PATIENCE)
            except CurlError as error:
                return told(error)


@row("header-lines", old="1", new=ValueError)
async def header_lines(library: Any) -> Any:
    script = Recorder()
    try:
        async with connected(library, script, headers={"X-Name": "value\r\nX-Smuggled: 1"}):
            return script.peers[0].headers.get("x-smuggled")
    except ValueError as error:
        return type(error)


@row("offered-deflate", old=("CurlError", 8), new=(b"hello", TEXT))
async def offered_deflate(library: Any) -> Any:
    """A browser's headers, pasted, and a server that takes the offer."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = (packed.compress(b"hello") + packed.flush(zlib.Z_SYNC_FLUSH))[:-4]
    script = Recorder(
        frame(TEXT, data, rsv=4), headers=("Sec-WebSocket-Extensions: permessage-deflate",)
    )
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    try:
        async with connected(library, script, headers=offer) as ws:
            return await ws.recv(timeout=PATIENCE)
    except CurlError as error:
        return told(error)


@mended("session-close", earlier=["left open", [1000]], both=[("WebSocketClosed", 1001), [1001]])
async def session_close(library: Any) -> Any:
    """Are its WebSockets closed, and are their peers told why?"""
    script = Recorder()
    found: Any = "left open"
    async with serving(script) as server:
        session = library.AsyncSession()
        ws = await session.ws_connect(server.url)
        await session.close()
        try:
            await ws.send(b"x")
        except CurlError as error:
            found = told(error)
        await ws.close()
        await server.finish()
    return [found, script.close_codes]


@mended("autoclose-off", earlier=[], both=[1000])
async def autoclose_off(library: Any) -> Any:
    script = Recorder(close(4000))
    async with serving(script) as server, library.AsyncSession() as session:
        async with await session.ws_connect(server.url, autoclose=False) as ws:
            async for _ in ws:
                pass
            await ws.close()
        await server.finish()
    return script.close_codes


@row("retry-name", old=False, new=True)
def retry_name(library: Any) -> Any:
    """``from curl_cffi import WsRetryOnRecvError``, as curl_cffi's page has it."""
    return hasattr(library, "WsRetryOnRecvError")


# ------------------------------------------------------------------ the synchronous surface


@mended("sync-session", earlier=[None, None, "/"], both=["s", "Basic dTpw", "/?q=1"])
def sync_session(library: Any) -> Any:
    script = Recorder()
    session = library.Session(headers={"X-S": "s"}, auth=("u", "p"), params={"q": "1"})
    with serving_in_thread(script) as server:
        session.ws_connect(server.url).close()
    peer = script.peers[0]
    return [peer.headers.get("x-s"), peer.headers.get("authorization"), peer.target]


@mended("sync-broken", earlier=("CurlError", 52), both=("WebSocketClosed", 1006))
def sync_broken(library: Any) -> Any:
    with sync_connected(library, Recorder(text("a"), then=hang_up)) as ws:
        ws.recv()
        with pytest.raises(CurlError) as caught:
            ws.recv()
        return told(caught.value)


@row("sync-pings", old=[], new=[b"p"])
def sync_pings(library: Any) -> Any:
    """Pongs that a server gets while the program is busy elsewhere."""
    pongs: list[bytes] = []
    looked = threading.Event()

    async def then(peer: Peer) -> None:
        try:
            async with asyncio.timeout(A_WHILE if is_old(library) else PATIENCE):
                pongs.append((await peer.frame()).payload)
        except TimeoutError:
            pass
        looked.set()
        peer.end()

    with serving_in_thread(Recorder(ping(b"p"), then=then)) as server:
        ws = library.Session().ws_connect(server.url)
        assert looked.wait(2 * PATIENCE)
        ws.terminate()
    return pongs


@mended("sync-second-close", earlier=("WebSocketClosed", 0), both=None)
def sync_second_close(library: Any) -> Any:
    with sync_connected(library, Recorder()) as ws:
        ws.close()
        try:
            return ws.close()
        except CurlError as error:
            return told(error)


@mended("sync-empty", earlier=[], both=[(TEXT, b"")])
def sync_empty(library: Any) -> Any:
    script = Recorder()
    with sync_connected(library, script) as ws:
        ws.send_str("")
        ws.close()
    return script.messages


@row("sync-closed-iteration", old=("WebSocketClosed", 1000), new=[])
def sync_closed_iteration(library: Any) -> Any:
    with sync_connected(library, Recorder()) as ws:
        ws.close()
        try:
            return list(ws)
        except CurlError as error:
            return told(error)


@mended("sync-close-answer", earlier=[1000], both=[4001])
def sync_close_answer(library: Any) -> Any:
    """RFC 6455 section 5.5.1: an endpoint typically echoes the code that it got."""
    script = Recorder(close(4001))
    with sync_connected(library, script) as ws:
        assert list(ws) == []
    return script.close_codes


def callbacks(library: Any, script: Any, **given: Any) -> list[Any]:
    log: list[Any] = []
    calls: dict[str, Any] = {
        "on_data": lambda ws, data, frame: log.append(("data", data, int(frame.flags))),
        "on_message": lambda ws, message: log.append(("message", message)),
        "on_close": lambda ws, code, reason: log.append(("close", int(code), reason)),
        "on_error": lambda ws, error: log.append(("error", *told(error))),
    }
    options = given.pop("options", {})

    def logged(call: Callable[[Any], Any]) -> Callable[..., None]:
        def called(ws: Any, *rest: Any) -> None:
            log.append(rest[0])
            call(ws)

        return called

    calls |= {name: logged(call) for name, call in given.items()}
    with serving_in_thread(script) as server:
        ws = library.WebSocket(**calls, **options)
        try:
            ws.run_forever(server.url)
        except CurlError as error:
            log.append(("raised", *told(error)))
    return log


@row(
    "sync-on-data",
    old=[
        ("data", b"x", 5),
        ("data", b"y", 1),
        ("message", "xy"),
        ("data", b"\x03\xe8", 8),
        ("close", 1000, ""),
    ],
    new=[("data", b"xy", 1), ("message", "xy"), ("close", 1000, "")],
)
def sync_on_data(library: Any) -> Any:
    return callbacks(library, Recorder(*fragments(TEXT, b"x", b"y"), close()))


@row("sync-stopping", old=[True, []], new=[False, ["b", 1000]])
def sync_stopping(library: Any) -> Any:
    """``keep_running`` set to ``False``: is the connection closed, and what is still to be had?"""

    def stop(ws: Any, message: Any) -> None:
        ws.keep_running = False

    script = Recorder(text("a"), text("b"))
    rest: list[Any] = []
    with serving_in_thread(script) as server:
        ws = library.Session().ws_connect(server.url, stop)
        ws.run_forever()
        closed = ws.closed
        if not closed:
            rest.append(ws.recv_str(timeout=PATIENCE))
            ws.close()
    return [closed, [*rest, *script.close_codes]]


@row("sync-own-close", old=["a"], new=["a", ("close", 1000, "")])
def sync_own_close(library: Any) -> Any:
    log = callbacks(library, Recorder(text("a")), on_message=lambda ws: ws.close())
    return [entry for entry in log if entry[0] != "data"]


# ------------------------------------------------------------------ the table


@pytest.mark.parametrize("name", ROWS)
async def test_tickwire(name: str) -> None:
    entry = ROWS[name]
    assert await run(entry.program, LIBRARIES["tickwire"]) == entry.new


@pytest.mark.skipif(
    version("curl_cffi") != VERSION, reason=f"the table is about curl_cffi {VERSION}"
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ROWS)
async def test_curl_cffi(name: str) -> None:
    entry = ROWS[name]
    assert await run(entry.program, LIBRARIES["curl_cffi"]) == entry.old


@pytest.mark.skipif(version("curl_cffi") != EARLIER, reason=f"this is what curl_cffi {EARLIER} did")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [name for name, entry in ROWS.items() if entry.is_mended])
async def test_what_was_mended(name: str) -> None:
    entry = ROWS[name]
    assert await run(entry.program, LIBRARIES["curl_cffi"]) == entry.earlier


@pytest.mark.parametrize("of_mended", [False, True])
def test_the_tables_have_these_rows(of_mended: bool) -> None:
    differences, heading, rest = PAGE.read_text().partition(MENDED_HEADING)
    assert heading, "the second table is missing"
    mended_rows, _, _ = rest.partition("\n## ")
    part, about = (mended_rows, EARLIER) if of_mended else (differences, f"curl_cffi {VERSION}")
    listed = re.findall(r"^\| `([a-z-]+)` \|", part, re.M)
    assert listed, "no rows found"
    assert sorted(listed) == sorted(set(listed)), "a row stands twice"
    assert set(listed) == {name for name, entry in ROWS.items() if entry.is_mended == of_mended}
    assert about in part
