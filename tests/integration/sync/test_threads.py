"""Other threads, other loops, signals."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from curl_cffi.requests.exceptions import SessionClosed

from tests.integration.sync.scripts import echo, goodbye
from tests.support.frames import (
    binary,
    close,
    numbered,
)
from tests.support.server import PATIENCE, Peer
from tests.support.threaded import serving_in_thread
from tickwire.transport import (
    AsyncSession,
    WebSocketClosed,
    WebSocketError,
    WebSocketState,
)
from tickwire.transport import portal as portals
from tickwire.transport.sync import Session, WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def test_several_threads_receive_each_message_once(session: Session) -> None:
    count, lots = 20_000, 4
    got: list[list[bytes]] = [[] for _ in range(lots)]

    async def script(peer: Peer) -> None:
        await peer.accept()
        payloads = numbered(0, count)
        for start in range(0, count, 50):
            await peer.send(b"".join(map(binary, payloads[start : start + 50])))
        await peer.send(close())
        await goodbye(peer)

    def receive(mine: list[bytes]) -> None:
        with suppress(WebSocketClosed):
            while True:
                mine.append(ws.recv()[0])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with serving_in_thread(script) as server, session.ws_connect(server.url) as ws:
            threads = [threading.Thread(target=receive, args=(mine,)) for mine in got]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(3 * PATIENCE)
    finally:
        sys.setswitchinterval(interval)
    assert all(mine == sorted(mine) for mine in got)
    assert sorted(itertools.chain(*got)) == numbered(0, count)


def test_many_sockets_share_one_loop(session: Session) -> None:
    with serving_in_thread(echo) as server:
        with ThreadPoolExecutor(20) as pool:
            sockets = list(pool.map(lambda _: session.ws_connect(server.url), range(40)))
            assert len(portals._alive) == 1
            for at, ws in enumerate(sockets):
                ws.send(f"to {at}")
            assert [ws.recv_str() for ws in sockets] == [f"to {at}" for at in range(40)]
            list(pool.map(WebSocket.close, sockets))


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_fifty_times_from_nothing_to_nothing(session: Session) -> None:
    def once() -> None:
        with session.ws_connect(server.url) as ws:
            ws.send("x")
            assert ws.recv_str() == "x"
        for portal in tuple(portals._alive):
            portal._thread.join(PATIENCE)

    def settled() -> tuple[int, int]:
        # The server's ends close on their own loop: take the least of what is seen.
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    with serving_in_thread(echo) as server:
        once()
        threads, descriptors = settled()
        for _ in range(50):
            once()
        assert settled()[0] == threads
        assert settled()[1] <= descriptors + 2


async def test_in_a_thread_whose_loop_runs(session: Session) -> None:
    """As in a notebook. The thread is held up, as by any sync call, and nothing else happens."""
    with serving_in_thread(echo) as server, session.ws_connect(server.url) as ws:
        ws.send("from within a coroutine")
        assert ws.recv_str() == "from within a coroutine"
        assert ws.ping().result(PATIENCE) > 0
    async with AsyncSession() as beside, asyncio.timeout(PATIENCE):
        with pytest.raises(WebSocketError):
            await beside.ws_connect(server.url)


@posix
def test_interrupts_lose_nothing(session: Session) -> None:
    """A signal handler that raises at any moment of ``recv``, mostly while it waits."""
    count = 1_000

    class Interrupt(BaseException):
        pass

    def interrupt(number: int, at: FrameType | None) -> None:
        while at is not None:
            if at.f_code is WebSocket.recv.__code__:
                raise Interrupt
            at = at.f_back

    async def script(peer: Peer) -> None:
        await peer.accept()
        for payload in numbered(0, count):
            await peer.send(binary(payload))
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.sleep(0.0002)
        await peer.send(close())
        await goodbye(peer)

    got: list[bytes] = []
    interrupted = 0
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with serving_in_thread(script) as server:
            ws = session.ws_connect(server.url)
            while not ws.closed:
                try:
                    payload, _ = ws.recv()
                    got.append(payload)
                except Interrupt:
                    interrupted += 1
                except WebSocketClosed:
                    assert ws.closed
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert interrupted > count / 10
    assert got == numbered(0, count)


@posix
def test_an_interrupted_connect_leaves_nothing(session: Session) -> None:
    class Interrupt(BaseException):
        pass

    def interrupt(number: int, at: object) -> None:
        raise Interrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def accept_and_interrupt() -> None:
                accepted.append(listener.accept()[0])
                os.kill(os.getpid(), signal.SIGUSR1)

            accepted: list[socket.socket] = []
            helper = threading.Thread(target=accept_and_interrupt)
            helper.start()
            with pytest.raises(Interrupt):
                session.ws_connect(f"ws://127.0.0.1:{listener.getsockname()[1]}/")
            helper.join(PATIENCE)
            accepted[0].settimeout(PATIENCE)
            while accepted[0].recv(4096):
                pass  # the request, then the end
            accepted[0].close()
    finally:
        signal.signal(signal.SIGUSR1, before)


class Connecting:
    """A connect in a thread of its own, held up by a server that does not answer yet."""

    def __init__(self, connect: Callable[[str], object]) -> None:
        self.asked = threading.Event()
        self.outcome: object = None
        self._connect = connect

    async def script(self, peer: Peer) -> None:
        await peer.read_request()
        self.asked.set()
        await peer.gone()

    def begin(self, url: str) -> threading.Thread:
        def run() -> None:
            try:
                self.outcome = self._connect(url)
            except Exception as error:
                self.outcome = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert self.asked.wait(PATIENCE)
        return thread


@pytest.mark.parametrize("how", ["close", "terminate"])
def test_a_connect_that_another_thread_ends(how: str) -> None:
    ws = WebSocket()
    connecting = Connecting(ws.connect)
    with serving_in_thread(connecting.script) as server:
        thread = connecting.begin(server.url)
        with pytest.raises(WebSocketError, match="already"):
            ws.connect(server.url)
        getattr(ws, how)()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert isinstance(connecting.outcome, WebSocketClosed)
    assert ws.closed
    assert ws.state is WebSocketState.CLOSED


def test_a_closed_websocket_connects_again_after_an_ended_connect() -> None:
    ws = WebSocket()
    connecting = Connecting(ws.connect)
    with serving_in_thread(connecting.script) as server:
        thread = connecting.begin(server.url)
        ws.close()
        thread.join(PATIENCE)
    with serving_in_thread(echo) as server:
        with ws.connect(server.url):
            ws.send("again")
            assert ws.recv_str() == "again"


@pytest.mark.parametrize("own", [False, True])
def test_a_connect_whose_session_closes(own: bool) -> None:
    with Session() as session:
        connecting = Connecting(WebSocket(session=session).connect if own else session.ws_connect)
        with serving_in_thread(connecting.script) as server:
            thread = connecting.begin(server.url)
            session.close()
            thread.join(PATIENCE)
            assert not thread.is_alive()
    assert isinstance(connecting.outcome, SessionClosed)


def test_a_session_closes_the_websockets_that_were_made_for_it() -> None:
    with serving_in_thread(echo) as server, Session() as session:
        ws = WebSocket(session=session).connect(server.url)
        session.close()
        assert ws.closed
        assert ws.state is WebSocketState.CLOSED
        with pytest.raises(SessionClosed):
            ws.connect(server.url)
