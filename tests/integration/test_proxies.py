"""Through real proxies: HTTP CONNECT (proxy.py) and SOCKS5 (pproxy), each its own process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.transport.conftest import (
    certificates,
    deadline,
    scheme,
    serve,
    session,
)
from tests.support.frames import CLOSE, close, numbered, text
from tests.support.server import PATIENCE, Peer
from tickwire import AsyncSession
from tickwire.clock import mono
from tickwire.transport import ConnectError, WebSocketError, WebSocketTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.certificates import Certificates
    from tests.support.server import Serve

# The fixtures of the transport's tests.
__all__ = [
    "certificates",
    "deadline",
    "scheme",
    "serve",
    "session",
]

USER, PASSWORD = "trader", "s3cret"
START_SECONDS = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(arguments: list[str], port: int, log: Path) -> Iterator[int]:
    """Run a proxy until it answers, and end it, its workers too, in the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *arguments],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until = mono() + START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1.0).close()
                break
            if process.poll() is not None or mono() > until:
                pytest.fail(f"the proxy did not start: {log.read_text()[-2000:]}")
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


# pproxy asks for "the" event loop, which recent interpreters and uvloop no longer make.
PPROXY = """
import asyncio, sys
sys.modules["uvloop"] = None
asyncio.set_event_loop(asyncio.new_event_loop())
from pproxy.server import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def http_proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, int]]:
    """Ports of a CONNECT proxy without and with authentication."""
    pytest.importorskip("proxy")
    logs = tmp_path_factory.mktemp("http")
    base = ["-m", "proxy", "--hostname", "127.0.0.1", "--num-workers", "1", "--num-acceptors", "1"]
    one, two = free_port(), free_port()
    auth = ["--basic-auth", f"{USER}:{PASSWORD}"]
    with (
        running([*base, "--port", str(one)], one, logs / "open"),
        running([*base, "--port", str(two), *auth], two, logs / "auth"),
    ):
        yield {False: one, True: two}


@pytest.fixture(scope="module")
def socks_proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, int]]:
    """Ports of a SOCKS5 proxy without and with authentication."""
    pytest.importorskip("pproxy")
    logs = tmp_path_factory.mktemp("socks")
    one, two = free_port(), free_port()
    # Without --auth one login would do for every later client of the same host.
    base = ["-c", PPROXY, "--auth", "-1", "-l"]
    with (
        running([*base, f"socks5://127.0.0.1:{one}"], one, logs / "open"),
        running([*base, f"socks5://127.0.0.1:{two}/#{USER}:{PASSWORD}"], two, logs / "auth"),
    ):
        yield {False: one, True: two}


PAYLOADS = numbered(0, 500, 1000)


async def exchange(peer: Peer) -> None:
    """Frames with the 101, many frames each way, a clean close."""
    await peer.accept(text("with the 101"))
    for payload in PAYLOADS:
        assert (await peer.message()).payload == payload
    await peer.send(b"".join(text(payload) for payload in PAYLOADS))
    await peer.next_of(CLOSE)
    await peer.send(close())


async def talk(session: AsyncSession, url: str, **options: Any) -> None:
    async with session.ws_connect(url, timeout=PATIENCE, **options) as ws:
        assert await ws.recv_str(timeout=PATIENCE) == "with the 101"
        for payload in PAYLOADS:
            await ws.send(payload)
        assert [await ws.recv_bytes(timeout=PATIENCE) for _ in PAYLOADS] == PAYLOADS


def through(kind: str, proxies: dict[bool, int], auth: bool, given: str) -> dict[str, Any]:
    """The options that name a proxy, in one of the ways there are."""
    scheme = "http" if kind == "http" else "socks5h"
    at = f"127.0.0.1:{proxies[auth]}"
    in_url = f"{scheme}://{USER}:{PASSWORD}@{at}" if auth else f"{scheme}://{at}"
    if given == "proxy":
        return {"proxy": in_url}
    if given == "proxies":
        return {"proxies": {"all": in_url}}
    return {"proxy": f"{scheme}://{at}", "proxy_auth": (USER, PASSWORD) if auth else None}


@pytest.mark.parametrize("auth", [False, True], ids=["open", "auth"])
@pytest.mark.parametrize("given", ["proxy", "proxies", "proxy_auth"])
@pytest.mark.parametrize("kind", ["http", "socks"])
async def test_messages_through_a_proxy(
    serve: Serve,
    session: AsyncSession,
    http_proxies: dict[bool, int],
    socks_proxies: dict[bool, int],
    kind: str,
    auth: bool,
    given: str,
) -> None:
    proxies = http_proxies if kind == "http" else socks_proxies
    async with serve(exchange) as server:
        await talk(session, server.url, **through(kind, proxies, auth, given))
    peer = server.peers[0]
    assert "proxy-authorization" not in peer.headers, "the proxy's secret went to the server"
    assert peer.headers["upgrade"] == "websocket"


@pytest.mark.parametrize("kind", ["http", "socks"])
async def test_a_session_has_a_proxy(
    serve: Serve,
    certificates: Certificates,
    http_proxies: dict[bool, int],
    socks_proxies: dict[bool, int],
    kind: str,
) -> None:
    proxies = http_proxies if kind == "http" else socks_proxies
    url = through(kind, proxies, True, "proxy")["proxy"]
    async with serve(exchange) as server:
        async with AsyncSession(proxy=url, verify=certificates.authority) as session:
            await talk(session, server.url)


@pytest.mark.parametrize("kind", ["http", "socks"])
@pytest.mark.parametrize("wrong", ["none", "password"])
async def test_a_proxy_that_refuses(
    serve: Serve,
    session: AsyncSession,
    http_proxies: dict[bool, int],
    socks_proxies: dict[bool, int],
    kind: str,
    wrong: str,
) -> None:
    proxies = http_proxies if kind == "http" else socks_proxies
    options = through(kind, proxies, True, "proxy_auth")
    options["proxy_auth"] = None if wrong == "none" else (USER, "wrong")
    async with serve(exchange) as server:
        with pytest.raises(ConnectError):
            await session.ws_connect(server.url, timeout=PATIENCE, **options)
        assert server.peers == []
        assert session.connector.live_count == 0


@pytest.mark.parametrize("kind", ["http", "socks5", "socks5h"])
async def test_a_proxy_that_is_down(session: AsyncSession, kind: str, scheme: str) -> None:
    with pytest.raises(ConnectError) as caught:
        await session.ws_connect(
            f"{scheme}://127.0.0.1:1/", proxy=f"{kind}://127.0.0.1:{free_port()}", timeout=PATIENCE
        )
    assert caught.value.retriable


@pytest.mark.parametrize("kind", ["http", "socks5h"])
async def test_a_proxy_that_says_nothing(session: AsyncSession, kind: str, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        started = mono()
        with pytest.raises(WebSocketTimeout):
            await session.ws_connect(
                f"{scheme}://127.0.0.1:1/", proxy=f"{kind}://127.0.0.1:{port}", timeout=0.2
            )
        assert mono() - started < 2.0


@pytest.mark.parametrize("kind", ["http", "socks"])
async def test_a_server_that_is_down_behind_a_proxy(
    session: AsyncSession,
    http_proxies: dict[bool, int],
    socks_proxies: dict[bool, int],
    scheme: str,
    kind: str,
) -> None:
    proxies = http_proxies if kind == "http" else socks_proxies
    with pytest.raises(WebSocketError):
        await session.ws_connect(
            f"{scheme}://127.0.0.1:{free_port()}/",
            timeout=PATIENCE,
            **through(kind, proxies, False, "proxy"),
        )


async def test_many_at_once_through_a_proxy(
    serve: Serve, session: AsyncSession, http_proxies: dict[bool, int]
) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("hello"))
        await peer.next_of(CLOSE)
        await peer.send(close())

    async def one(url: str) -> str:
        async with session.ws_connect(url, **through("http", http_proxies, False, "proxy")) as ws:
            return await ws.recv_str(timeout=PATIENCE)

    async with serve(script) as server:
        found = await asyncio.gather(*(one(server.url) for _ in range(20)))
        assert found == ["hello"] * 20
