"""Redirected upgrades: followed as far as allowed, and credentials stay where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi import CurlFollow, CurlOpt

from tests.support.frames import close, text
from tests.support.server import Peer, serving
from tickwire import AsyncSession
from tickwire.transport import HandshakeRejected

if TYPE_CHECKING:
    from tests.support.certificates import Certificates
    from tests.support.server import Serve


async def welcome(peer: Peer) -> None:
    await peer.read_request()
    peer.write(peer.answer() + text(peer.target))
    await peer.close_frame()
    await peer.send(close())


def redirecting(status: int, location: str) -> Any:
    async def script(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(
            f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\n"
            "Content-Length: 0\r\nSet-Cookie: hop=1; Path=/\r\n\r\n".encode()
        )

    return script


def by_path(routes: dict[str, str]) -> Any:
    """Redirects from path to path on one server; what is in no route is a WebSocket."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        if peer.target in routes:
            await peer.send(
                f"HTTP/1.1 302 Found\r\nLocation: {routes[peer.target]}\r\n"
                "Content-Length: 0\r\n\r\n".encode()
            )
            return
        peer.write(peer.answer() + text(peer.target))
        await peer.close_frame()
        await peer.send(close())

    return script


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_to_another_server(serve: Serve, session: AsyncSession, status: int) -> None:
    async with serve(welcome) as target:
        location = target.url.replace("ws", "http", 1) + "there?x=1"
        async with serve(redirecting(status, location)) as first:
            async with session.ws_connect(first.url + "here", params={"lost": "1"}) as ws:
                assert await ws.recv_str() == "/there?x=1"
                assert ws.url == target.url + "there?x=1"
    assert first.peers[0].target == "/here?lost=1"


async def test_along_a_chain(serve: Serve, session: AsyncSession) -> None:
    routes = {"/a": "/b", "/b": "c?d=1", "/c?d=1": "//{host}/e"}
    async with serve(by_path(routes)) as server:
        routes["/c?d=1"] = f"//127.0.0.1:{server.port}/e"
        async with session.ws_connect(server.url + "a") as ws:
            assert await ws.recv_str() == "/e"
    assert [peer.target for peer in server.peers] == ["/a", "/b", "/c?d=1", "/e"]


@pytest.mark.parametrize(("limit", "good"), [(3, True), (2, False), (0, False), (-1, True)])
async def test_the_limit(serve: Serve, session: AsyncSession, limit: int, good: bool) -> None:
    routes = {"/1": "/2", "/2": "/3", "/3": "/4"}
    async with serve(by_path(routes)) as server:
        if good:
            async with session.ws_connect(server.url + "1", max_redirects=limit) as ws:
                assert await ws.recv_str() == "/4"
        else:
            with pytest.raises(HandshakeRejected) as caught:
                await session.ws_connect(server.url + "1", max_redirects=limit)
            assert caught.value.status == 302
            assert len(server.peers) == limit + 1


async def test_a_circle_ends(serve: Serve, session: AsyncSession) -> None:
    async with serve(by_path({"/1": "/2", "/2": "/1"})) as server:
        with pytest.raises(HandshakeRejected):
            await session.ws_connect(server.url + "1")
        assert len(server.peers) <= 40


async def test_not_allowed(serve: Serve, session: AsyncSession) -> None:
    async with serve(by_path({"/1": "/2"})) as server:
        with pytest.raises(HandshakeRejected) as caught:
            await session.ws_connect(server.url + "1", allow_redirects=False)
        assert caught.value.status == 302
        assert dict(caught.value.headers)["location"] == "/2"
        assert len(server.peers) == 1


@pytest.mark.parametrize("allow", ["safe", CurlFollow.SAFE])
async def test_safe(serve: Serve, session: AsyncSession, allow: Any) -> None:
    async with serve(by_path({"/1": "/2"})) as server:
        async with session.ws_connect(server.url + "1", allow_redirects=allow) as ws:
            assert await ws.recv_str() == "/2"
    async with serve(welcome) as target:
        elsewhere = target.url.replace("127.0.0.1", "localhost")
        async with serve(redirecting(302, elsewhere)) as first:
            with pytest.raises(HandshakeRejected):
                await session.ws_connect(first.url, allow_redirects=allow)


async def test_never_from_wss_to_ws(certificates: Certificates, session: AsyncSession) -> None:
    async with serving(welcome) as plain:
        for location in (plain.url, plain.url.replace("ws", "http", 1)):
            async with serving(redirecting(302, location), tls=certificates.server) as first:
                for url in (first.url, first.url.replace("wss", "WSS")):
                    with pytest.raises(HandshakeRejected):
                        await session.ws_connect(url)
    assert plain.peers == []


async def test_from_ws_to_wss(certificates: Certificates, session: AsyncSession) -> None:
    async with serving(welcome, tls=certificates.server) as secure:
        async with serving(redirecting(301, secure.url.replace("wss", "https", 1))) as first:
            async with session.ws_connect(first.url) as ws:
                assert ws.url == secure.url


PRIVATE = ("authorization", "cookie", "x-api-key")


async def test_credentials_do_not_go_elsewhere(serve: Serve, certificates: Certificates) -> None:
    """Given with the call or with the session, as header, pair or cookie; another port is
    another origin (RFC 6454)."""
    async with serve(welcome) as target, serve(redirecting(302, target.url)) as first:
        for session_has, call_has in (
            ({"headers": {"Authorization": "Bearer secret"}}, {}),
            ({"auth": ("user", "secret")}, {}),
            ({"cookies": {"token": "secret"}}, {}),
            ({}, {"headers": {"Authorization": "Bearer secret", "Cookie": "token=secret"}}),
            ({}, {"headers": {"AUTHORIZATION": "Bearer secret"}}),
            ({}, {"auth": ("user", "secret")}),
            ({}, {"cookies": {"token": "secret"}}),
        ):
            given: dict[str, Any] = {"verify": certificates.authority, **session_has}
            options: dict[str, Any] = call_has
            async with AsyncSession(**given) as session:
                async with session.ws_connect(first.url, **options):
                    pass
            asked, followed = first.peers[-1], target.peers[-1]
            assert any(name in asked.headers for name in PRIVATE), call_has or session_has
            if "cookies" in session_has:
                continue  # cookies are bound to hosts, not to ports (RFC 6265 section 8.5)
            sent = {name: followed.headers[name] for name in PRIVATE if name in followed.headers}
            assert "secret" not in str(sent), (call_has or session_has, sent)


@pytest.mark.parametrize(
    "options",
    [
        {CurlOpt.USERPWD: b"user:secret"},
        {CurlOpt.USERNAME: b"user", CurlOpt.PASSWORD: b"secret"},
        {CurlOpt.COOKIE: b"token=secret"},
        {CurlOpt.XOAUTH2_BEARER: b"secret", CurlOpt.HTTPAUTH: 1 << 6},
    ],
)
async def test_credentials_of_curl_options_do_not_go_elsewhere(
    serve: Serve, session: AsyncSession, options: dict[CurlOpt, Any]
) -> None:
    async with serve(welcome) as target, serve(redirecting(302, target.url)) as first:
        async with session.ws_connect(first.url, curl_options=options):
            pass
    asked, followed = first.peers[0], target.peers[0]
    assert any(name in asked.headers for name in PRIVATE)
    assert "authorization" not in followed.headers
    assert "secret" not in followed.headers.get("cookie", "")


async def test_a_host_header_is_for_its_host(serve: Serve, session: AsyncSession) -> None:
    async with serve(welcome) as target, serve(redirecting(302, target.url)) as first:
        async with session.ws_connect(first.url, headers={"Host": "api.internal"}):
            pass
    assert first.peers[0].headers["host"] == "api.internal"
    assert target.peers[0].headers["host"] == f"127.0.0.1:{target.port}"


async def test_user_and_password_of_the_url_stay(serve: Serve, session: AsyncSession) -> None:
    routes = {"/1": ""}
    async with serve(by_path(routes)) as server:
        routes["/1"] = server.url + "2"
        url = server.url.replace("://", "://user:pass@") + "1"
        async with session.ws_connect(url) as ws:
            assert await ws.recv_str() == "/2"
    for peer in server.peers:
        assert peer.headers["authorization"].startswith("Basic ")


async def test_credentials_stay_on_the_same_origin(serve: Serve, session: AsyncSession) -> None:
    async with serve(by_path({"/1": "/2"})) as server:
        async with session.ws_connect(
            server.url + "1", auth=("user", "pass"), headers={"X-Api-Key": "k"}
        ):
            pass
    for peer in server.peers:
        assert peer.headers["authorization"].startswith("Basic ")
        assert peer.headers["x-api-key"] == "k"


async def test_a_location_that_is_no_url(serve: Serve, session: AsyncSession) -> None:
    for location in ("https://[::1", "wss://127.0.0.1:99999999/", "", "mailto:x@y"):
        async with serve(redirecting(302, location)) as server:
            with pytest.raises(HandshakeRejected) as caught:
                await session.ws_connect(server.url)
            assert caught.value.status == 302
