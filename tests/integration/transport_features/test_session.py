"""What a session passes on to a connect, and what its end means for its connections."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi.requests.utils import set_curl_options

from tests.support.frames import close, text
from tests.support.server import PATIENCE, Peer, serving
from tickwire import AsyncSession, ConnectError
from tickwire.clock import mono
from tickwire.transport import WebSocketClosed, WebSocketState, asked, preparing
from tickwire.transport.session import GOODBYE_SECONDS

if TYPE_CHECKING:
    from tests.support.certificates import Certificates
    from tests.support.server import Serve

IS_OLD = "dns" not in inspect.signature(set_curl_options).parameters


async def polite(peer: Peer) -> None:
    await peer.accept()
    await peer.close_frame()
    await peer.send(close())


# ------------------------------------------------------------------ the end


async def test_the_end_of_a_session_is_told_to_the_peers(
    serve: Serve, certificates: Certificates
) -> None:
    codes: list[int | None] = []

    async def script(peer: Peer) -> None:
        await peer.accept(text("unread"))
        codes.append((await peer.close_frame()).close_code)
        await peer.send(close(1001))

    async with serve(script) as server:
        session = AsyncSession(verify=certificates.authority)
        early = await session.ws_connect(server.url)
        await early.close()
        sockets = [await session.ws_connect(server.url) for _ in range(3)]
        began = mono()
        await session.close()
        assert mono() - began < GOODBYE_SECONDS, "all have answered"
        for ws in sockets:
            assert ws.state is WebSocketState.CLOSED
            with pytest.raises(WebSocketClosed) as caught:
                await ws.send("too late")
            assert caught.value.code == 1001
            assert await ws.recv_str() == "unread", "what had come can still be had"
        await session.close()
    assert codes == [1000, 1001, 1001, 1001]


@pytest.mark.parametrize("under_way", [False, True])
async def test_a_peer_that_does_not_answer_is_left_in_time(
    serve: Serve, certificates: Certificates, under_way: bool
) -> None:
    """Together, not one after the other; also those that are being closed with more patience."""
    codes: list[int | None] = []

    async def deaf(peer: Peer) -> None:
        await peer.accept()
        codes.append((await peer.close_frame()).close_code)
        await peer.gone()

    async with serve(deaf) as server:
        session = AsyncSession(verify=certificates.authority)
        sockets = [await session.ws_connect(server.url) for _ in range(8)]
        closing = [asyncio.ensure_future(ws.close(timeout=60)) for ws in sockets if under_way]
        await asyncio.sleep(0)
        began = mono()
        await session.close()
        assert mono() - began < 4 * GOODBYE_SECONDS
        assert all(ws.state is WebSocketState.CLOSED for ws in sockets)
        await asyncio.gather(*closing)
    assert codes == [1000 if under_way else 1001] * 8


async def test_a_peer_that_takes_nothing_is_left_in_time() -> None:
    over = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await over.wait()

    async with serving(script) as server:
        session = AsyncSession()
        ws = await session.ws_connect(server.url)
        sending = asyncio.ensure_future(ws.send(bytes(30_000_000)))
        await asyncio.sleep(0)
        began = mono()
        await session.close()
        assert mono() - began < 4 * GOODBYE_SECONDS
        with pytest.raises(WebSocketClosed):
            await asyncio.wait_for(sending, PATIENCE)
        over.set()


# ------------------------------------------------------------------ arguments of curl_cffi 0.17


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, bool]]:
    """What curl_cffi's request code is given as ``dns`` and ``trust_env``, be it old or new."""
    found: list[tuple[Any, bool]] = []

    def noted(*args: Any, dns: Any = None, trust_env: bool = True, **kwargs: Any) -> Any:
        found.append((dns, trust_env))
        return set_curl_options(*args, **kwargs)

    for module in (asked, preparing):
        monkeypatch.setattr(module, "set_curl_options", noted)
    return found


async def test_dns_servers(session: AsyncSession, given: list[tuple[Any, bool]]) -> None:
    async with serving(polite) as server:
        for dns in (None, None, None, "1.1.1.1", ["1.1.1.1", "9.9.9.9"], "", []):
            async with session.ws_connect(server.url, dns=dns):
                pass
        session.dns = "8.8.8.8"
        for dns in (None, "1.1.1.1"):
            async with session.ws_connect(server.url, dns=dns):
                pass
    assert given == [
        (None, True),
        (None, True),  # and the third is a copy
        ("1.1.1.1", True),
        ("1.1.1.1,9.9.9.9", True),
        (None, True),
        (None, True),
        ("8.8.8.8", True),
        ("1.1.1.1", True),
    ]


async def test_the_environment_is_not_trusted(given: list[tuple[Any, bool]]) -> None:
    async with serving(polite) as server, AsyncSession(trust_env=False) as session:
        async with session.ws_connect(server.url):
            pass
        session.trust_env = True
        async with session.ws_connect(server.url):
            pass
    assert given == [(None, False), (None, True)]


@pytest.mark.skipif(IS_OLD, reason="trust_env means nothing to curl_cffi before 0.17")
async def test_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ALL_PROXY", "all_proxy", "http_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(polite) as server:
        async with AsyncSession(trust_env=False) as session:
            async with session.ws_connect(server.url):
                pass
        async with AsyncSession() as session:
            with pytest.raises(ConnectError) as caught:
                await session.ws_connect(server.url)
            assert caught.value.code == 7


async def test_a_curl_cffi_that_is_too_old(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def older(curl: Any, method: str, url: str) -> None:
        raise AssertionError("only looked at")

    monkeypatch.setattr(asked, "set_curl_options", older)
    with pytest.raises(ValueError, match=r"curl_cffi 0\.17"):
        session.ws_connect("ws://127.0.0.1:9/", dns="1.1.1.1")
    session.trust_env = False
    async with serving(polite) as server:
        async with session.ws_connect(server.url):
            pass
    session.dns = ["1.1.1.1"]
    with pytest.raises(ValueError, match=r"curl_cffi 0\.17"):
        session.ws_connect("ws://127.0.0.1:9/")
