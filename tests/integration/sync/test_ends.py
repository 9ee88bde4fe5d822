"""Every way in which a connection ends, and none."""

from __future__ import annotations

import gc
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

import curl_cffi
import pytest

from tests.integration.sync.scripts import polite, sending, wait_for_waiters
from tests.support.frames import (
    BINARY,
    TEXT,
    binary,
    close,
    frame,
    numbered,
    text,
)
from tests.support.server import PATIENCE, Peer
from tests.support.threaded import serving_in_thread
from tickwire.transport import (
    CurlWsFlag,
    ProtocolViolation,
    WebSocketClosed,
    WebSocketError,
    WebSocketState,
)
from tickwire.transport import portal as portals
from tickwire.transport.sync import Session, WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (4321, "é"), (None, "")])
def test_closed_by_the_peer(session: Session, code: int | None, reason: str) -> None:
    frames = binary(b"one"), text("two"), close(code, reason.encode())
    with serving_in_thread(sending(*frames)) as server:
        ws = session.ws_connect(server.url)
        assert not ws.closed
        assert ws.recv()[0] == b"one"
        assert not ws.closed, "there is something to receive"
        assert ws.recv_str() == "two"
        for _ in range(2):
            with pytest.raises(WebSocketClosed) as caught:
                ws.recv()
            error = caught.value
            assert (error.code, error.reason) == (code or 1005, reason)
            assert error.clean
            assert error.by_peer
            assert isinstance(error, curl_cffi.WebSocketClosed)
        assert ws.closed
        assert (ws.close_code, ws.close_reason) == (code or 1005, reason)
        assert list(ws) == []
        with pytest.raises(StopIteration):
            next(ws)
        with pytest.raises(WebSocketClosed):
            ws.send("too late")
        ws.close()
        ws.terminate()


def test_messages_are_kept_when_nobody_asks_before_the_connection_is_gone(
    session: Session,
) -> None:
    """The loop has ended with the connection; what came is still there."""
    frames = [binary(payload) for payload in numbered(0, 300)]
    with serving_in_thread(sending(*frames, close(1001, b"restart"))) as server:
        ws = session.ws_connect(server.url)
        for portal in tuple(portals._alive):
            portal._thread.join(PATIENCE)
        assert not portals._alive
        assert ws.state is WebSocketState.CLOSED
        assert not ws.closed
        assert [ws.recv(timeout=0)[0] for _ in range(100)] == numbered(0, 100)
        assert list(ws) == numbered(100, 200)
        with pytest.raises(WebSocketClosed, match="restart"):
            ws.recv()
        with pytest.raises(WebSocketClosed, match="restart"):
            ws.send("anybody?")
        with pytest.raises(WebSocketClosed, match="restart"):
            ws.flush()
        ws.close()
        assert ws.closed


def test_a_close_code_that_may_not_be_sent_changes_nothing(session: Session) -> None:
    with serving_in_thread(polite) as server:
        ws = session.ws_connect(server.url)
        with pytest.raises(ValueError, match="999"):
            ws.send((999).to_bytes(2, "big"), CurlWsFlag.CLOSE)
        assert not ws.closed
        assert ws.state is WebSocketState.OPEN
        ws.close()


def test_its_text_shows_no_password(session: Session) -> None:
    with serving_in_thread(polite) as server:
        url = server.url.replace("://", "://user:secret@") + "?key=secret"
        with session.ws_connect(url) as ws:
            assert repr(ws) == f"<WebSocket open {server.url}>"


def test_an_end_without_a_close_frame_is_an_error(session: Session) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(binary(b"one") + binary(b"two"))
        peer.end()

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url)
        got: list[bytes] = []
        with pytest.raises(WebSocketClosed) as caught:
            got.extend(ws)
        assert got == [b"one", b"two"], "what came before it is delivered"
        assert caught.value.code == 1006
        assert not caught.value.clean
        assert ws.closed


def test_an_end_that_comes_with_the_process_s_own_is_not_told(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever learns of an end asks first whether the process is ending: a daemon thread would
    report an error while the interpreter goes down."""
    asked: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.reset()

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url)
        channel = ws._channel
        assert channel is not None
        monkeypatch.setattr(channel.portal, "wait_for_exit", lambda: asked.append("exit?"))
        uses: list[Callable[[], object]] = [
            lambda: list(ws),
            lambda: ws.recv(timeout=PATIENCE),
            lambda: ws.send(b"x"),
        ]
        for use in uses:
            asked.clear()
            with pytest.raises(WebSocketError):
                use()
            assert asked

        def taken_and_never_begun(*_: object, **__: object) -> None:
            raise portals.PortalClosed("the loop ended between the two")

        asked.clear()
        monkeypatch.setattr(channel.portal, "run", taken_and_never_begun)
        with pytest.raises(WebSocketError):
            ws.flush()
        assert asked


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(BINARY, b"x", rsv=4), 1002),
        (frame(BINARY, b"x" * 5000), 1009),
    ],
)
def test_a_violation(session: Session, bad: bytes, code: int) -> None:
    told: list[int | None] = []

    async def script(peer: Peer) -> None:
        await peer.accept(binary(b"good") + bad)
        told.append((await peer.close_frame()).close_code)

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url, max_message_size=4096)
        assert ws.recv()[0] == b"good"
        with pytest.raises(ProtocolViolation) as caught:
            ws.recv()
        assert caught.value.code == (curl_cffi.CurlECode.TOO_LARGE if code == 1009 else code)
        ws.close()
    assert told == [code]


def test_autoclose_may_be_left_to_the_program(session: Session) -> None:
    answer: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept(close(1001))
        answer.append((await peer.close_frame()).payload)

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url, autoclose=False)
        with pytest.raises(WebSocketClosed):
            ws.recv()
        assert ws.state.value == "closing"
        assert answer == []
        ws.close(3000, "on my terms")
        assert ws.state.value == "closed"
    assert answer == [(3000).to_bytes(2, "big") + b"on my terms"]


def test_close_says_what_it_is_told_to_say(session: Session) -> None:
    said: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        said.append((await peer.close_frame()).payload)
        await peer.send(binary(b"last words"), close(1000, b"agreed"))

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url)
        with pytest.raises(ValueError, match="1005"):
            ws.close(1005)
        assert not ws.closed
        ws.close(4000, "done")
        assert ws.closed
        ws.close()
        assert (ws.close_code, ws.close_reason) == (1000, "agreed")
        assert ws.recv()[0] == b"last words"
        with pytest.raises(WebSocketClosed) as caught:
            ws.recv()
        assert not caught.value.by_peer
    assert said == [(4000).to_bytes(2, "big") + b"done"]


def test_close_is_bounded_when_the_peer_does_not_answer(session: Session) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.gone()

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url)
        ws.close(timeout=0.05)
        assert ws.state is WebSocketState.CLOSED


def test_a_close_frame_by_flag(session: Session) -> None:
    with serving_in_thread(polite) as server:
        ws = session.ws_connect(server.url)
        assert ws.send((1000).to_bytes(2, "big"), CurlWsFlag.CLOSE) == 2
        assert ws.closed


def test_close_from_another_thread_while_recv_waits(session: Session) -> None:
    errors: list[WebSocketError] = []
    waiting = threading.Event()

    def receive() -> None:
        waiting.set()
        try:
            ws.recv()
        except WebSocketError as error:
            errors.append(error)

    def iterate() -> None:
        assert list(ws) == []

    with serving_in_thread(polite) as server, session.ws_connect(server.url) as ws:
        receivers = [threading.Thread(target=target) for target in (receive, receive, iterate)]
        for receiver in receivers:
            receiver.start()
        assert waiting.wait(PATIENCE)
        wait_for_waiters(ws, 3)
        ws.close()
        for receiver in receivers:
            receiver.join(PATIENCE)
            assert not receiver.is_alive()
    assert [type(error) for error in errors] == [WebSocketClosed] * 2


@pytest.mark.parametrize("end", ["terminate", "forget"])
def test_cut(session: Session, end: str) -> None:
    """A program that forgets a WebSocket leaves no connection and no loop behind."""
    gone = threading.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        assert await peer.gone() == b"", "there is no closing handshake"
        gone.set()

    with serving_in_thread(script) as server:
        ws = session.ws_connect(server.url)
        watched = weakref.ref(ws)
        if end == "terminate":
            ws.terminate()
            ws.terminate()
            assert ws.closed
            with pytest.raises(WebSocketClosed):
                ws.recv()
        del ws
        gc.collect()
        assert watched() is None
        assert gone.wait(PATIENCE)


def test_without_a_connection() -> None:
    ws = WebSocket()
    assert not ws.closed
    assert (ws.url, ws.subprotocol, ws.close_code, ws.close_reason) == ("", None, None, None)
    assert ws.state is WebSocketState.CLOSED
    for use in (ws.recv, ws.ping, ws.flush, ws.run_forever, lambda: ws.send("x"), lambda: next(ws)):
        with pytest.raises(WebSocketError):
            use()
    ws.close()
    ws.terminate()
    assert ws.closed


async def polite_if_asked(peer: Peer) -> None:
    """As ``polite``, for a client that may also be cut."""
    with suppress(EOFError):
        await polite(peer)


def test_connecting_again(session: Session) -> None:
    with serving_in_thread(polite_if_asked) as server:
        ws = session.ws_connect(server.url)
        with pytest.raises(WebSocketError, match="connected already"):
            ws.connect(server.url)
        ws.close()
        assert ws.connect(server.url) is ws
        assert not ws.closed
        ws.terminate()
        ws.connect(server.url).close()
