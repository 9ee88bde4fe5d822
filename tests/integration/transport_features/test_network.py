"""The network parameters of ``ws_connect``, and many connects at once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from curl_cffi import CurlOpt

from tests.support.certificates import issue
from tests.support.frames import CLOSE, close, text
from tests.support.server import PATIENCE, Peer, serving
from tickwire import AsyncSession
from tickwire.clock import mono
from tickwire.transport import ConnectError, WebSocketTimeout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.certificates import Certificates
    from tests.support.server import Serve


async def polite(peer: Peer) -> None:
    await peer.accept(text("hello"))
    await peer.close_frame()
    await peer.send(close())


async def asked_with(serve: Serve, session: AsyncSession, path: str = "", **options: Any) -> Peer:
    """The upgrade request that these options make."""
    async with serve(polite) as server:
        async with session.ws_connect(server.url + path, **options) as ws:
            assert await ws.recv_str(timeout=PATIENCE) == "hello"
    return server.peers[0]


async def test_auth(serve: Serve, session: AsyncSession) -> None:
    peer = await asked_with(serve, session, auth=("user", "pässword"))
    kind, _, value = peer.headers["authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(value).decode() == "user:pässword"


async def test_params(serve: Serve, session: AsyncSession) -> None:
    peer = await asked_with(serve, session, "ws?a=1", params={"streams": "btcusdt@trade", "b": 2})
    path, _, query = peer.target.partition("?")
    assert path == "/ws"
    assert sorted(query.replace("%40", "@").split("&")) == ["a=1", "b=2", "streams=btcusdt@trade"]


async def test_headers_and_referer(serve: Serve, session: AsyncSession) -> None:
    session.headers["X-Session"] = "s"
    peer = await asked_with(
        serve,
        session,
        headers={"X-Call": "c", "Origin": "https://example.com", "User-Agent": "mine"},
        referer="https://example.com/page",
    )
    wanted = {
        "x-session": "s",
        "x-call": "c",
        "origin": "https://example.com",
        "user-agent": "mine",
        "referer": "https://example.com/page",
    }
    assert {name: peer.headers.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("X-One", "1"), ("X-Two", "2")], id="pairs"),
        pytest.param({"X-One": "1", "X-Two": "2"}, id="mapping"),
        pytest.param(["X-One: 1", "X-Two: 2"], id="lines"),
    ],
)
async def test_shapes_of_headers(serve: Serve, session: AsyncSession, headers: Any) -> None:
    peer = await asked_with(serve, session, headers=headers)
    assert (peer.headers["x-one"], peer.headers["x-two"]) == ("1", "2")


async def test_cookies_of_session_and_call(serve: Serve, session: AsyncSession) -> None:
    session.cookies.set("one", "1", domain="127.0.0.1")
    peer = await asked_with(serve, session, cookies={"two": "2"})
    assert sorted(peer.headers["cookie"].split("; ")) == ["one=1", "two=2"]


async def test_base_url(serve: Serve, certificates: Certificates) -> None:
    async with serve(polite) as server:
        async with AsyncSession(
            base_url=server.url + "v1/", verify=certificates.authority
        ) as session:
            async with session.ws_connect("stream") as ws:
                assert ws.url == server.url + "v1/stream"
    assert server.peers[0].target == "/v1/stream"


async def test_the_interface(serve: Serve, session: AsyncSession) -> None:
    hosts = []

    async def script(peer: Peer) -> None:
        hosts.append(peer.writer.get_extra_info("peername")[0])
        await polite(peer)

    async with serve(script) as server:
        async with session.ws_connect(server.url, interface="127.0.0.1"):
            assert hosts == ["127.0.0.1"]
    async with serve(polite) as server:
        with pytest.raises(ConnectError):
            await session.ws_connect(server.url, interface="no-such-interface0")


async def test_curl_options(serve: Serve, session: AsyncSession) -> None:
    peer = await asked_with(serve, session, curl_options={CurlOpt.USERAGENT: b"by option"})
    assert peer.headers["user-agent"] == "by option"


async def test_a_timeout_of_two_parts(serve: Serve, session: AsyncSession) -> None:
    await asked_with(serve, session, timeout=(PATIENCE, PATIENCE))

    async def silent(peer: Peer) -> None:
        await peer.read_request()
        await peer.gone()

    async with serve(silent) as server:
        started = mono()
        with pytest.raises(WebSocketTimeout):
            await session.ws_connect(server.url, timeout=(0.1, 0.2))
        assert 0.05 < mono() - started < 2.0


async def test_impersonation_has_the_browsers_headers(serve: Serve, session: AsyncSession) -> None:
    """What Chrome sends with an upgrade, in its order, and nothing that gives curl away."""
    peer = await asked_with(serve, session, impersonate="chrome")
    lines = peer.request.decode("latin-1").split("\r\n")[1:]
    names = [line.partition(":")[0] for line in lines if line]
    assert "Chrome/" in peer.headers["user-agent"]
    assert peer.headers["accept-language"]
    assert "gzip" in peer.headers["accept-encoding"]
    assert peer.headers["upgrade"] == "websocket"
    assert peer.headers["sec-websocket-version"] == "13"
    assert len(names) == len({name.lower() for name in names}), "a header stands twice"
    assert "curl" not in peer.request.decode("latin-1").lower()


# ------------------------------------------------------------------ certificates


async def test_the_servers_certificate(certificates: Certificates, tmp_path: Path) -> None:
    stranger = issue(tmp_path, "127.0.0.1")

    async def script(peer: Peer) -> None:
        with contextlib.suppress(EOFError, ConnectionError, ssl.SSLError):
            await polite(peer)

    async with serving(script, tls=certificates.server) as server:
        for wrong in (True, stranger.authority):
            async with AsyncSession(verify=wrong) as session:
                with pytest.raises(ConnectError) as caught:
                    await session.ws_connect(server.url)
                assert not caught.value.retriable
        async with AsyncSession(verify=stranger.authority) as session:
            for right in (False, certificates.authority):
                async with session.ws_connect(server.url, verify=right):
                    pass


async def test_a_client_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    ours = authority.issue_cert("client@example.com")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca, cert, key, both = (str(tmp_path / name) for name in ("ca", "cert", "key", "both"))
    authority.cert_pem.write_to_path(ca)
    ours.cert_chain_pems[0].write_to_path(cert)
    ours.private_key_pem.write_to_path(key)
    ours.private_key_and_cert_chain_pem.write_to_path(both)

    async def script(peer: Peer) -> None:
        with contextlib.suppress(EOFError, ConnectionError, ssl.SSLError):
            await polite(peer)

    async with serving(script, tls=context) as server, AsyncSession(verify=ca) as session:
        for given in ((cert, key), both):
            async with session.ws_connect(server.url, cert=given) as ws:
                assert await ws.recv_str(timeout=PATIENCE) == "hello"
        with pytest.raises(ConnectError):
            await session.ws_connect(server.url, timeout=PATIENCE)


# ------------------------------------------------------------------ many at once


async def test_a_thousand_connects_run_at_once(session: AsyncSession) -> None:
    """The server answers nobody before all have asked."""
    count = 1000
    asked = 0
    all_asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        nonlocal asked
        await peer.read_request()
        asked += 1
        if asked == count:
            all_asked.set()
        await all_asked.wait()
        peer.write(peer.answer() + text("hello"))
        with contextlib.suppress(EOFError, ConnectionError):
            await peer.next_of(CLOSE)
            await peer.send(close())

    async with serving(script) as server:
        connecting = [asyncio.ensure_future(connect(session, server.url)) for _ in range(count)]
        sockets = await asyncio.gather(*connecting)
        assert [await ws.recv_str(timeout=PATIENCE) for ws in sockets] == ["hello"] * count
        assert session.connector.live_count == count
        await asyncio.gather(*(ws.close() for ws in sockets))
        assert session.connector.live_count == 0


async def connect(session: AsyncSession, url: str) -> Any:
    return await session.ws_connect(url, timeout=30)


async def test_connects_cancelled_in_a_crowd(serve: Serve, session: AsyncSession) -> None:
    """Every other connect is cancelled: those are gone, the others come through."""

    async def script(peer: Peer) -> None:
        try:
            await peer.read_request()
            await go_on.wait()
            peer.write(peer.answer())
            await peer.next_of(CLOSE)
            await peer.send(close())
        except (EOFError, ConnectionError, asyncio.IncompleteReadError):
            pass

    go_on = asyncio.Event()
    async with serve(script) as server:
        connecting = [asyncio.ensure_future(connect(session, server.url)) for _ in range(50)]
        async with asyncio.timeout(PATIENCE):
            while len(server.peers) < 25:
                await asyncio.sleep(0)
        for task in connecting[::2]:
            task.cancel()
        go_on.set()
        results = await asyncio.wait_for(
            asyncio.gather(*connecting, return_exceptions=True), PATIENCE
        )
        assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
        assert session.connector.live_count == 25
        await asyncio.gather(*(result.close() for result in results[1::2]))  # type: ignore[union-attr]
