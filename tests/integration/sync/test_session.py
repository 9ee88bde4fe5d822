"""What comes from the session and goes back into it."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import curl_cffi
import pytest
from curl_cffi import CurlOpt

from tests.support.certificates import issue
from tests.support.frames import close, text
from tests.support.threaded import serving_in_thread
from tickwire.clock import mono
from tickwire.transport import (
    AsyncSession,
    HandshakeRejected,
    WebSocketClosed,
    WebSocketError,
    WebSocketTimeout,
)
from tickwire.transport.session import GOODBYE_SECONDS
from tickwire.transport.sync import Session, WebSocket

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import Peer

from tests.integration.sync.scripts import echo, polite


def test_the_sessions_settings_reach_the_upgrade() -> None:
    settings: dict[str, Any] = {
        "headers": {"X-From": "session", "X-Both": "session"},
        "cookies": {"a": "1", "b": "session"},
        "auth": ("user", "secret"),
        "params": {"p": "1"},
        "impersonate": "chrome",
    }
    with serving_in_thread(polite) as server:
        with Session(base_url=server.url, **settings) as session:
            ws = session.ws_connect(
                "stream",
                headers={"X-Both": "call"},
                cookies={"b": "call", "c": "3"},
                params={"q": "2"},
                subprotocols=("json",),
            )
            ws.close()
    (peer,) = server.peers
    assert peer.target == "/stream?p=1&q=2"
    assert peer.headers["x-from"] == "session"
    assert peer.headers["x-both"] == "call"
    assert peer.headers["authorization"].startswith("Basic ")
    assert "Chrome" in peer.headers["user-agent"]
    assert peer.headers["sec-websocket-protocol"] == "json"
    cookies = dict(pair.split("=") for pair in peer.headers["cookie"].split("; "))
    assert cookies == {"a": "1", "b": "call", "c": "3"}


def test_the_same_request_as_from_the_async_session() -> None:
    """Every setting that the two kinds of session share is passed on."""
    settings: dict[str, Any] = {
        "headers": {"X-One": "1"},
        "cookies": {"a": "1"},
        "params": {"p": "1"},
        "impersonate": "firefox",
        "default_headers": True,
        "timeout": 5,
    }

    async def connect_async(url: str) -> None:
        async with AsyncSession(**settings) as session, session.ws_connect(url):
            pass

    with serving_in_thread(polite) as server:
        asyncio.run(connect_async(server.url))
        with Session(**settings) as session:
            session.ws_connect(server.url).close()
    of_async, of_sync = (
        [line for line in peer.request.split(b"\r\n") if b"sec-websocket-key" not in line.lower()]
        for peer in server.peers
    )
    assert of_async == of_sync


def test_the_shared_settings_are_all_of_the_base_class() -> None:
    base: Any = curl_cffi.requests.session.BaseSession
    own = {"_closed", "_open", "_websockets"}  # its end, and what it has opened

    async def names_of_async() -> set[str]:
        async with AsyncSession() as session:
            return set(vars(session))

    expected = set(vars(base())) - {"_closed"}
    assert vars(Session()).keys() & asyncio.run(names_of_async()) - own == expected


def test_what_a_session_has_opened_is_its_own(session: Session) -> None:
    """And not shared with the one that connects in its stead."""
    with serving_in_thread(polite) as server:
        opened = {session.ws_connect(server.url), session.ws_connect(server.url)}
        assert set(session._open) == opened
        for ws in opened:
            ws.close()


def test_a_share_is_attached() -> None:
    """A share is in use, and cannot be freed, while a handle has it."""
    share_of = getattr(curl_cffi, "CurlShare", None)
    if share_of is None:
        pytest.skip("curl_cffi has shares from 0.17 on")
    share = share_of()
    attached: list[Any] = []
    with pytest.MonkeyPatch.context() as patched:
        setopt = curl_cffi.Curl.setopt

        def noted(curl: Any, option: CurlOpt, value: Any) -> Any:
            if option == CurlOpt.SHARE:
                attached.append((type(curl), value))
            return setopt(curl, option, value)

        patched.setattr(curl_cffi.Curl, "setopt", noted)
        with serving_in_thread(echo) as server, Session(curl_share=share) as session:
            attached.clear()
            for _ in range(3):  # the third is a copy of what was prepared for the others
                with session.ws_connect(server.url) as ws:
                    ws.send("shared")
                    assert ws.recv_str() == "shared"
    assert [value for _, value in attached] == [share._curl_share] * 3


def test_cookies_of_the_server_come_into_the_session() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(headers=("Set-Cookie: fresh=1; Path=/", "Set-Cookie: old=new; Path=/"))
        await peer.close_frame()
        await peer.send(close())

    with serving_in_thread(script) as server, Session() as session:
        session.cookies.set("old", "old", domain="127.0.0.1")
        session.ws_connect(server.url).close()
        assert session.cookies.get("fresh") == "1"
        session.ws_connect(server.url).close()
        session.cookies.set("own", "mine", domain="127.0.0.1")
        session.ws_connect(server.url).close()
    sent = [peer.headers.get("cookie", "") for peer in server.peers]
    assert "old=old" in sent[0]
    assert "fresh" not in sent[0]
    assert "fresh=1" in sent[1]
    assert "own=mine" in sent[2]


def test_http_is_untouched() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n"
            b"Set-Cookie: seen=1\r\n\r\nok"
        )

    with serving_in_thread(script) as server, Session() as session:
        assert session.get(server.url.replace("ws:", "http:")).text == "ok"
        assert session.cookies.get("seen") == "1"


def test_a_session_that_closes_closes_its_sockets() -> None:
    codes: list[int | None] = []

    async def script(peer: Peer) -> None:
        await peer.accept(text("unread"))
        codes.append((await peer.close_frame()).close_code)
        await peer.send(close(1001))

    with serving_in_thread(script) as server:
        with Session() as session:
            early = session.ws_connect(server.url)
            early.close()
            sockets = [session.ws_connect(server.url) for _ in range(3)]
        session.close()
        for ws in sockets:
            assert ws.closed
            with pytest.raises(WebSocketClosed):
                ws.send("too late")
        with pytest.raises(curl_cffi.exceptions.SessionClosed):
            session.ws_connect(server.url)
    assert codes == [1000, 1001, 1001, 1001]


def test_peers_that_do_not_answer_are_waited_for_together() -> None:
    codes: list[int | None] = []

    async def deaf(peer: Peer) -> None:
        await peer.accept()
        codes.append((await peer.close_frame()).close_code)
        await peer.gone()

    with serving_in_thread(deaf) as server:
        with Session() as session:
            sockets = [session.ws_connect(server.url) for _ in range(8)]
            began = mono()
        took = mono() - began
        assert all(ws.closed for ws in sockets)
    assert codes == [1001] * 8
    assert took < 4 * GOODBYE_SECONDS, "one after the other takes twice that"


def test_tls(tmp_path: Path) -> None:
    certificates = issue(tmp_path, "127.0.0.1")
    with serving_in_thread(echo, tls=certificates.server) as server:
        with pytest.raises(WebSocketError):
            WebSocket().connect(server.url)
        verify: Any = certificates.authority
        with Session(verify=verify) as session, session.ws_connect(server.url) as ws:
            ws.send("secret")
            assert ws.recv_str() == "secret"
        server._tasks.clear()  # the one that was refused


def test_a_refused_upgrade(session: Session) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nbanned")

    with serving_in_thread(script) as server:
        with pytest.raises(HandshakeRejected) as caught:
            session.ws_connect(server.url)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"no_such_option": 1}, TypeError),
        ({"on_message": print}, TypeError),
        ({"recv_queue_size": 0}, ValueError),
        ({"timeout": 0.05}, WebSocketTimeout),
    ],
)
def test_connects_that_fail(options: dict[str, Any], error: type[Exception]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(error):
            WebSocket().connect(url, **options)
