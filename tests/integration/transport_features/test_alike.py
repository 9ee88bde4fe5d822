"""Connects that are alike: from the third on their handles are copies, and nobody can tell."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi import CurlECode, CurlOpt

from tests.support.frames import close
from tests.support.server import Peer, serving
from tickwire import AsyncSession, ConnectError, WebSocketTimeout
from tickwire.transport import preparing

if TYPE_CHECKING:
    from tests.support.certificates import Certificates
    from tests.support.server import ScriptedServer, Serve

KEY = re.compile(rb"Sec-WebSocket-Key: (.*)\r\n")


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs of the handles that were copied."""
    made: list[str] = []
    copied = preparing._copied

    def counted(model: Any, key: str) -> Any:
        made.append(model.url)
        return copied(model, key)

    monkeypatch.setattr(preparing, "_copied", counted)
    return made


async def polite(peer: Peer) -> None:
    await peer.accept(close())
    await peer.close_frame()


async def connect(session: AsyncSession, url: str, times: int = 1, **options: Any) -> None:
    for _ in range(times):
        async with session.ws_connect(url, **options) as ws:
            assert [message async for message in ws] == []


def keys(server: ScriptedServer) -> list[bytes]:
    return [key for peer in server.peers for key in KEY.findall(peer.request)]


def requests(server: ScriptedServer) -> list[bytes]:
    """Without what differs each time."""
    return [KEY.sub(b"", peer.request) for peer in server.peers]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": {"X-One": "1", "User-Agent": "me"}, "auth": ("user", "pass"), "referer": "r"},
        {"headers": [("X-Two", "grün")], "timeout": (1.0, 4.0), "default_headers": False},
        {"compression": "deflate", "subprotocols": ["v2", "v1"], "accept_encoding": "br"},
        {"interface": "127.0.0.1", "allow_redirects": False, "max_redirects": 3},
    ],
)
async def test_the_same_request_with_keys_of_their_own(
    options: dict[str, Any], serve: Serve, session: AsyncSession, copies: list[str]
) -> None:
    async with serve(polite) as server:
        await connect(session, server.url + "/a%20b?c=d e", 4, **options)
    first, *others = requests(server)
    assert others == [first] * 3
    assert len(set(keys(server))) == 4
    assert len(copies) == 2


async def test_what_changes_between_connects_is_told(copies: list[str]) -> None:
    """Also what is changed in place."""
    async with serving(polite) as server, AsyncSession(headers={"X-Session": "1"}) as session:
        await connect(session, server.url, 3)
        session.headers["X-Session"] = "2"
        await connect(session, server.url, 3)
        session.params = {"p": "3"}
        await connect(session, server.url, 3)
        session.params = None
        session.cookies.set("c", "4", domain="127.0.0.1")
        await connect(session, server.url, 3)
        session.cookies.clear()
        await connect(session, server.url, 3, cookies={"d": "5"})
    found = [peer.request.decode() for peer in server.peers]
    assert all("X-Session: 1" in request for request in found[:3])
    assert all("X-Session: 2" in request for request in found[3:])
    assert [" /?p=3 " in request for request in found] == [False] * 6 + [True] * 3 + [False] * 6
    assert ["Cookie: c=4" in request for request in found] == [False] * 9 + [True] * 3 + [False] * 3
    assert ["Cookie: d=5" in request for request in found] == [False] * 12 + [True] * 3
    assert len(copies) == 2


async def test_proxies_changed_in_place(copies: list[str]) -> None:
    proxies: Any = {}

    async def hang_up(peer: Peer) -> None:
        await peer.read_request()
        peer.end()

    async with serving(polite) as server, serving(hang_up) as proxy, AsyncSession() as session:
        await connect(session, server.url, 3, proxies=proxies)
        proxies["ws"] = proxy.url.replace("ws:", "http:")
        for _ in range(3):
            with pytest.raises(ConnectError):
                await connect(session, server.url, proxies=proxies)
    assert len(server.peers) == 3
    assert len(proxy.peers) == 3
    assert len(copies) == 2


@pytest.mark.parametrize(
    "options", [{"impersonate": "chrome"}, {"curl_options": {CurlOpt.USERAGENT: "me"}}]
)
async def test_what_libcurl_may_not_copy_is_made_anew(
    options: dict[str, Any], serve: Serve, session: AsyncSession, copies: list[str]
) -> None:
    async with serve(polite) as server:
        await connect(session, server.url, 4, **options)
    first, *others = requests(server)
    assert others == [first] * 3
    assert copies == []


async def test_copies_verify_what_the_first_verified(
    certificates: Certificates, copies: list[str]
) -> None:
    async def polite_to_who_trusts(peer: Peer) -> None:
        with suppress(asyncio.IncompleteReadError):
            await polite(peer)

    async with serving(polite_to_who_trusts, tls=certificates.server) as server:
        async with AsyncSession(verify=certificates.authority) as session:
            await connect(session, server.url, 3)
            await connect(session, server.url, 3, verify=False)
        async with AsyncSession() as strict:
            for _ in range(4):
                with pytest.raises(ConnectError) as caught:
                    await connect(strict, server.url)
                assert caught.value.code == CurlECode.PEER_FAILED_VERIFICATION
    assert len(copies) == 1 + 1 + 2


async def test_a_copy_keeps_its_own_time(copies: list[str]) -> None:
    async def silent(peer: Peer) -> None:
        await peer.gone()

    async with serving(silent) as server, AsyncSession() as session:
        for _ in range(4):
            with pytest.raises(WebSocketTimeout):
                await connect(session, server.url, timeout=0.1)
    assert len(copies) == 2
