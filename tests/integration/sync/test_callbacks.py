"""``run_forever`` and its callbacks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from curl_cffi.utils import CurlCffiWarning

from tests.support.frames import (
    TEXT,
    binary,
    close,
    fragments,
    frame,
    text,
)
from tests.support.server import PATIENCE, Peer
from tests.support.threaded import serving_in_thread
from tickwire.transport import (
    ProtocolViolation,
    WebSocketClosed,
)
from tickwire.transport.sync import Session, WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable

from tests.integration.sync.scripts import echo, sending, wait_for_waiters


class Diary:
    """Callbacks that write down what happened, each with the thread it happened in."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.sockets: set[WebSocket] = set()
        self.threads: set[int] = set()

    def _note(self, ws: WebSocket, *entry: Any) -> None:
        self.entries.append(entry)
        self.sockets.add(ws)
        self.threads.add(threading.get_ident())

    def callbacks(self, *names: str) -> dict[str, Any]:
        every: dict[str, Callable[..., None]] = {
            "on_open": lambda ws: self._note(ws, "open"),
            "on_data": lambda ws, data, meta: self._note(ws, "data", data, meta.flags, meta.len),
            "on_message": lambda ws, message: self._note(ws, "message", message),
            "on_error": lambda ws, error: self._note(ws, "error", error),
            "on_close": lambda ws, code, reason: self._note(ws, "close", code, reason),
        }
        return {name: every[name] for name in names or every}


def test_run_forever_calls_back_in_order_and_ends_with_the_connection() -> None:
    frames = text("zwölf"), binary(b"\x01"), *fragments(TEXT, b"frag", b"ments"), text("")
    diary = Diary()
    with serving_in_thread(sending(*frames, close(1001, b"bye"))) as server:
        ws = WebSocket(**diary.callbacks())
        ws.run_forever(server.url, headers={"X-Api-Key": "k"})
        assert server.peers[0].headers["x-api-key"] == "k"
    twelve = "zwölf".encode()
    assert diary.entries == [
        ("open",),
        ("data", twelve, 1, 6),
        ("message", "zwölf"),
        ("data", b"\x01", 2, 1),
        ("message", b"\x01"),
        ("data", b"fragments", 1, 9),
        ("message", "fragments"),
        ("data", b"", 1, 0),
        ("message", ""),
        ("close", 1001, "bye"),
    ]
    assert diary.sockets == {ws}
    assert diary.threads == {threading.get_ident()}
    assert ws.closed
    assert not ws.keep_running


def test_run_forever_on_a_socket_of_a_session(session: Session) -> None:
    """``ws_connect`` takes the callbacks in curl_cffi's order, and calls none itself."""
    diary = Diary()
    calls = diary.callbacks()
    with serving_in_thread(sending(text("a"), close(None))) as server:
        ws = session.ws_connect(
            server.url, calls["on_message"], calls["on_error"], calls["on_open"], calls["on_close"]
        )
        assert diary.entries == []
        ws.run_forever()
        assert diary.entries == [("open",), ("message", "a"), ("close", 1005, "")]
        with pytest.raises(WebSocketClosed):
            ws.run_forever()
        assert len(diary.entries) == 3


def test_text_may_be_left_undecoded() -> None:
    diary = Diary()
    with serving_in_thread(sending(text("ä"), close())) as server:
        ws = WebSocket(skip_utf8_validation=True, **diary.callbacks("on_message"))
        ws.run_forever(server.url)
    assert diary.entries == [("message", "ä".encode())]


def test_a_broken_connection_is_told_and_raised() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(text("first"))
        peer.end()

    diary = Diary()
    with serving_in_thread(script) as server:
        ws = WebSocket(**diary.callbacks("on_open", "on_message", "on_error", "on_close"))
        with pytest.raises(WebSocketClosed) as caught:
            ws.run_forever(server.url)
    assert diary.entries == [("open",), ("message", "first"), ("error", caught.value)]
    assert caught.value.code == 1006
    assert ws.closed


def test_bad_text_is_told_and_raised() -> None:
    diary = Diary()
    with serving_in_thread(sending(frame(TEXT, b"\xff"))) as server:
        ws = WebSocket(**diary.callbacks("on_message", "on_error"))
        with pytest.raises(ProtocolViolation) as caught:
            ws.run_forever(server.url)
    assert diary.entries == [("error", caught.value)]
    assert caught.value.code == 1007


def test_an_exception_in_a_callback_goes_to_on_error() -> None:
    def fail(ws: WebSocket, message: str | bytes) -> None:
        raise KeyError(message)

    diary = Diary()
    with serving_in_thread(sending(text("a"), text("b"), close())) as server:
        ws = WebSocket(on_message=fail, **diary.callbacks("on_error", "on_close"))
        ws.run_forever(server.url)
    assert [type(entry[1]) for entry in diary.entries[:2]] == [KeyError, KeyError]
    assert diary.entries[2:] == [("close", 1000, "")], "it goes on to the end"


def test_an_exception_in_a_callback_without_on_error_is_warned_about() -> None:
    def fail(ws: WebSocket, message: str | bytes) -> None:
        raise KeyError("reason")

    with serving_in_thread(sending(text("a"), close())) as server:
        with pytest.warns(CurlCffiWarning, match=r"'message' failed: KeyError\('reason'\)"):
            WebSocket(on_message=fail).run_forever(server.url)


def test_an_exception_in_on_error_ends_it() -> None:
    def fail(ws: WebSocket, message: str | bytes) -> None:
        raise KeyError

    def fail_too(ws: WebSocket, error: Exception) -> None:
        raise RuntimeError("enough") from error

    with serving_in_thread(sending(text("a"))) as server:
        ws = WebSocket(on_message=fail, on_error=fail_too)
        with pytest.raises(RuntimeError, match="enough"):
            ws.run_forever(server.url)
        ws.terminate()


def test_a_callback_may_send_and_close() -> None:
    def converse(ws: WebSocket, message: str | bytes) -> None:
        heard.append(message)
        if len(heard) < 3:
            ws.send(f"{len(heard)}")
        else:
            ws.close(4001, "enough")
            heard.append("closed")

    heard: list[str | bytes] = []
    diary = Diary()
    with serving_in_thread(echo) as server:
        ws = WebSocket(
            on_open=lambda ws: ws.send("0"), on_message=converse, **diary.callbacks("on_close")
        )
        ws.run_forever(server.url)
    assert heard == ["0", "1", "2", "closed"]
    assert diary.entries == [("close", 4001, "")]


@pytest.mark.parametrize("how", ["close", "terminate"])
def test_run_forever_ends_when_another_thread_ends_it(how: str) -> None:
    opened = threading.Event()
    diary = Diary()

    def end_it() -> None:
        assert opened.wait(PATIENCE)
        wait_for_waiters(ws, 1)
        getattr(ws, how)()

    async def script(peer: Peer) -> None:
        await peer.accept()
        if how == "close":
            await peer.close_frame()
            await peer.send(close(1000, b"agreed"))
        await peer.gone()

    with serving_in_thread(script) as server:
        ws = WebSocket(on_open=lambda ws: opened.set(), **diary.callbacks("on_close", "on_error"))
        helper = threading.Thread(target=end_it)
        helper.start()
        ws.run_forever(server.url)
        helper.join(PATIENCE)
    expected = ("close", 1000, "agreed") if how == "close" else ("close", 1006, "")
    assert diary.entries == [expected]


def test_keep_running_ends_it_at_once_and_leaves_the_connection() -> None:
    opened = threading.Event()

    def stop() -> None:
        assert opened.wait(PATIENCE)
        wait_for_waiters(ws, 1)
        assert ws.keep_running
        ws.keep_running = False

    diary = Diary()
    with serving_in_thread(echo) as server:
        ws = WebSocket(on_open=lambda ws: opened.set(), **diary.callbacks("on_close", "on_error"))
        helper = threading.Thread(target=stop)
        helper.start()
        ws.run_forever(server.url)
        helper.join(PATIENCE)
        assert diary.entries == []
        ws.send("goes on")
        assert ws.recv_str() == "goes on"
        ws.close()
