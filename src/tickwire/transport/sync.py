"""The sync API: curl_cffi's ``Session`` and ``WebSocket``, driven by the asyncio engine.

There is one engine. A :class:`WebSocket` is a handle on an
:class:`~tickwire.transport.websocket.AsyncWebSocket` that lives in the loop of the process's
:mod:`~tickwire.transport.portal`, at the other end of a :mod:`~tickwire.transport.channel`. What
it does is carried over to there, and nothing of the protocol is done here.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast, overload

import curl_cffi
from curl_cffi import CurlECode, CurlWsFlag
from curl_cffi.requests.exceptions import SessionClosed
from curl_cffi.requests.utils import NOT_SET
from curl_cffi.utils import CurlCffiWarning

from ..clock import mono
from ..wire import CloseCode, close_payload
from .channel import Channel, closed_while_connecting
from .errors import WebSocketError, shown
from .jsontext import decode, encode
from .portal import PortalClosed
from .retry import WebSocketRetryStrategy
from .session import GOODBYE_SECONDS
from .websocket import WebSocketState, close_arguments, decoded_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Literal, Self

    from .websocket import AsyncWebSocket

    Event = Literal["open", "close", "data", "message", "error"]

__all__ = ["Session", "WebSocket", "WebSocketFrame"]

T = TypeVar("T")
Payload = str | bytes | bytearray | memoryview

_enlisting = threading.RLock()
"""Held while a session's set of WebSockets changes; a signal handler may close a session."""


class WebSocketFrame(NamedTuple):
    """What ``on_data`` and ``recv_fragment`` tell about a message; curl_cffi's ``CurlWsFrame``.

    Attributes:
        age: Always 0.
        flags: ``CurlWsFlag.TEXT`` or ``CurlWsFlag.BINARY``.
        offset, bytesleft: Always 0: messages come whole.
        len: Bytes of the message.
    """

    age: int
    flags: int
    offset: int
    bytesleft: int
    len: int


def _frame(payload: bytes, flags: int) -> WebSocketFrame:
    return WebSocketFrame(0, flags, 0, 0, len(payload))


def _text(payload: bytes, flags: int) -> str:
    if flags & CurlWsFlag.TEXT:
        return decoded_text(payload)
    raise WebSocketError(
        "a binary message where text was asked for; use recv() to take either kind",
        int(CloseCode.INVALID_DATA),
    )


def _session_closed() -> SessionClosed:
    return SessionClosed("the session is closed")


class _Reading(Generic[T]):
    """An attribute of the connection; ``otherwise`` before there is one."""

    def __init__(self, read: Callable[[AsyncWebSocket], T], otherwise: T) -> None:
        self._read = read
        self._otherwise = otherwise

    @overload
    def __get__(self, ws: None, kind: type[WebSocket]) -> Self: ...

    @overload
    def __get__(self, ws: WebSocket, kind: type[WebSocket]) -> T: ...

    def __get__(self, ws: WebSocket | None, kind: type[WebSocket]) -> Self | T:
        if ws is None:
            return self
        return self._otherwise if ws._channel is None else self._read(ws._channel.ws)


class WebSocket:
    """A WebSocket connection for programs without an event loop.

    Made by :meth:`Session.ws_connect`, or by itself and then connected with :meth:`connect` or
    :meth:`run_forever`. Any thread may use it: messages come in order, each to exactly one
    receiver. Pings are answered while the program is busy elsewhere. Once closed it may connect
    again. A WebSocket that its program forgets is cut.

    Attributes:
        autoclose: Whether to answer the peer's close frame and close.
        skip_utf8_validation: Take text as it comes: ``on_message`` gets it as bytes, and
            :meth:`recv_str` raises for what is not UTF-8 (code 1007).
        ws_retry: Whether and how to read on after a failed receive.
        debug: Let libcurl print what it does when connecting.
        close_code, close_reason: What the peer's close frame said, or ``None``.
        url: What was connected to, redirects followed.
        subprotocol: What the server chose, or ``None``.
        state: A :class:`WebSocketState`.
        dropped: Messages that the overflow policy dropped.
        last_byte_age: Seconds since the peer's last byte.
    """

    close_code = _Reading[int | None](lambda ws: ws.close_code, None)
    close_reason = _Reading[str | None](lambda ws: ws.close_reason, None)
    url = _Reading(lambda ws: ws.url, "")
    subprotocol = _Reading[str | None](lambda ws: ws.subprotocol, None)
    state = _Reading(lambda ws: ws.state, WebSocketState.CLOSED)
    dropped = _Reading(lambda ws: ws.dropped, 0)
    last_byte_age = _Reading(lambda ws: ws.last_byte_age, float("inf"))

    def __init__(
        self,
        *,
        autoclose: bool = True,
        skip_utf8_validation: bool = False,
        debug: bool = False,
        on_open: Callable[[WebSocket], object] | None = None,
        on_close: Callable[[WebSocket, int, str], object] | None = None,
        on_data: Callable[[WebSocket, bytes, WebSocketFrame], object] | None = None,
        on_message: Callable[[WebSocket, str | bytes], object] | None = None,
        on_error: Callable[[WebSocket, Exception], object] | None = None,
        ws_retry: WebSocketRetryStrategy | None = None,
        max_message_size: int = 4 * 1024 * 1024,
        session: curl_cffi.Session[Any] | None = None,
    ) -> None:
        """
        Args:
            autoclose, skip_utf8_validation, debug, ws_retry: See the class.
            on_open, on_close, on_data, on_message, on_error: See :meth:`run_forever`.
            max_message_size: Bytes; a larger message ends the connection with close code 1009.
            session: Whose headers, cookies, proxies and other settings to connect with.
        """
        self.autoclose = autoclose
        self.skip_utf8_validation = skip_utf8_validation
        self.debug = debug
        self.ws_retry = ws_retry or WebSocketRetryStrategy()
        self._max_message_size = max_message_size
        self._session = session
        self._channel: Channel | None = None
        self._connecting: Channel | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        self._shut = False  # by the program
        self._told = False  # of the end, however it came
        self._keep_running = False
        callbacks: dict[Event, Callable[..., object] | None] = {
            "open": on_open,
            "close": on_close,
            "data": on_data,
            "message": on_message,
            "error": on_error,
        }
        self._callbacks = {event: call for event, call in callbacks.items() if call is not None}

    # ------------------------------------------------------------------ state

    @property
    def closed(self) -> bool:
        """Whether it was closed here, or the peer has gone and everything it sent was taken."""
        channel = self._channel
        if channel is None or self._shut:
            return self._shut
        return channel.is_exhausted

    @property
    def keep_running(self) -> bool:
        """Whether :meth:`run_forever` goes on; set it to ``False`` to make it return."""
        return self._keep_running

    @keep_running.setter
    def keep_running(self, value: bool) -> None:
        self._keep_running = value
        if self._channel is not None:
            self._channel.wake()

    def __repr__(self) -> str:
        return f"<WebSocket {self.state.value} {shown(self.url)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _connected(self) -> Channel:
        if self._channel is None:
            raise WebSocketError(
                "not connected: call connect(url) or run_forever(url) first",
                int(CurlECode.NO_CONNECTION_AVAILABLE),
            )
        return self._channel

    def _end_of(self, channel: Channel) -> WebSocketError:
        self._told = True
        return channel.final_error()

    # ------------------------------------------------------------------ connecting

    def connect(
        self,
        url: str,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: tuple[str, str] | None = None,
        timeout: Any = NOT_SET,
        **options: Any,
    ) -> Self:
        """Connect, and wait for it.

        Args:
            url, params, headers, cookies, auth, timeout, options: As in
                :meth:`tickwire.AsyncSession.ws_connect`. Other than there, messages received before
                the connection broke are handed over first (``drain_on_error=True``), unless asked
                otherwise.

        Returns:
            This WebSocket.

        Raises:
            WebSocketError: It is connected already. Retry: after :meth:`close`.
            WebSocketClosed: Another thread closed it meanwhile. Retry: no.
            curl_cffi.exceptions.SessionClosed: Its session is closed, or was meanwhile.
            TypeError: An option is unknown. Retry: no.
            HandshakeRejected, HandshakeError, WebSocketTimeout, ConnectError: As in
                :meth:`tickwire.AsyncSession.ws_connect`.
        """
        if self._connecting is not None or (self._channel is not None and not self.closed):
            raise WebSocketError("connected already; close() first")
        if self._session is not None:
            cast("Any", self._session)._check_session_closed()  # untyped in curl_cffi 0.16
        if "on_message" in options:
            raise TypeError("on_message belongs to WebSocket(…) or Session.ws_connect(…)")
        options = {
            "autoclose": self.autoclose,
            "skip_utf8_validation": self.skip_utf8_validation,
            "ws_retry": self.ws_retry,
            "max_message_size": self._max_message_size,
            "drain_on_error": True,
            "params": params,
            "headers": headers,
            "cookies": cookies,
            "auth": auth,
            "timeout": timeout,
            **options,
        }
        was_shut, self._shut = self._shut, False
        try:
            self._connect(options, url)
        except BaseException as error:
            if isinstance(self._session, Session) and self._session._ending:
                self._shut = True
                raise _session_closed() from error
            self._shut |= was_shut
            raise
        return self

    def _connect(self, options: dict[str, Any], url: str) -> None:
        """Connect, unless another thread closes this WebSocket first.

        Whoever closes sets ``_shut`` before looking for a channel; here a channel is shown before
        ``_shut`` is looked at. So one of the two sees the other.
        """
        if isinstance(self._session, Session):
            self._session._enlist(self)
        channel = Channel(options)
        finalizer = weakref.finalize(self, channel.portal.post, channel.abandon)
        finalizer.atexit = False  # the portal's own end does it
        self._connecting = channel
        try:
            if self._shut:
                raise closed_while_connecting()
            channel.portal.run(channel.open, self._session, url, debug=self.debug)
            if self._finalizer is not None:
                self._finalizer()
            self._channel, self._finalizer, self._told = channel, finalizer, False
            if self._shut:
                raise closed_while_connecting()
        except PortalClosed:
            if self._shut:
                raise closed_while_connecting() from None
            raise
        except BaseException:
            finalizer()
            raise
        finally:
            self._connecting = None

    # ------------------------------------------------------------------ receiving

    def _fill(self, channel: Channel, timeout: float | None) -> None:
        """Wait until the channel holds a message.

        Raises:
            WebSocketError: None will come, or none came in time.
        """
        deadline = None if timeout is None else mono() + timeout
        while channel.is_empty:
            if channel.is_exhausted:
                raise self._end_of(channel)
            if not channel.wait(None if deadline is None else max(0.0, deadline - mono())):
                raise channel.ws._recv_timeout(timeout or 0)

    def recv(self, *, timeout: float | None = None) -> tuple[bytes, int]:
        """Receive one message.

        Args:
            timeout: Seconds to wait; ``None`` waits for ever; 0 takes what is there.

        Returns:
            The payload and ``CurlWsFlag.TEXT`` or ``CurlWsFlag.BINARY``.

        Raises:
            WebSocketTimeout: No message came. Nothing is lost; retry: yes.
            WebSocketClosed: The connection is closed, and everything before that was delivered.
            WebSocketError: The connection broke, the peer broke the protocol, or there is none.

        Interrupted by a signal handler that raises (Ctrl-C) it loses nothing either.
        """
        channel = self._connected()
        while (message := channel.take()) is None:
            self._fill(channel, timeout)
        return message

    def recv_fragment(self) -> tuple[bytes, WebSocketFrame]:
        """Receive one message, with what curl_cffi tells of a fragment: here messages are whole."""
        payload, flags = self.recv()
        return payload, _frame(payload, flags)

    def recv_str(self, *, timeout: float | None = None) -> str:
        """Receive one text message.

        Args:
            timeout: As in :meth:`recv`.

        Raises:
            WebSocketError: It is a binary message (code 1007), and consumed. Others as in
                :meth:`recv`.
        """
        return _text(*self.recv(timeout=timeout))

    def recv_json(self, *, loads: Callable[[str], T] = decode, timeout: float | None = None) -> T:
        """Receive one message, text or binary, and decode it from JSON.

        Args:
            loads: The decoder. Its own errors (the default's are ``ValueError``) are passed on.
            timeout: As in :meth:`recv`.

        Raises:
            WebSocketError: It is not UTF-8 (code 1007), and consumed. Others as in :meth:`recv`.
        """
        payload, _ = self.recv(timeout=timeout)
        return loads(decoded_text(payload))

    def __iter__(self) -> Iterator[bytes]:
        """The messages' payloads, until the connection is closed.

        Raises:
            WebSocketError: It ended without a closing handshake.
        """
        for payload, _ in self._messages():
            yield payload

    def iter_str(self) -> Iterator[str]:
        """The messages as text, until the connection is closed.

        Raises:
            WebSocketError: A message is binary (code 1007), and consumed: iterate anew to go on.
                Or the connection ended without a closing handshake.
        """
        for payload, flags in self._messages():
            yield _text(payload, flags)

    def iter_json(self, *, loads: Callable[[str], Any] = decode) -> Iterator[Any]:
        """The messages, text or binary, decoded from JSON, until the connection is closed.

        Args:
            loads: As in :meth:`recv_json`.

        Raises:
            WebSocketError: The connection ended without a closing handshake.
        """
        for payload, _ in self._messages():
            yield loads(decoded_text(payload))

    def _messages(self) -> Iterator[tuple[bytes, int]]:
        channel = self._connected()
        while True:
            message = channel.take()
            if message is not None:
                yield message
            elif not channel.is_exhausted:
                channel.wait(None)
            elif channel.ended_cleanly:
                self._told = True
                return
            else:
                raise self._end_of(channel)

    def __next__(self) -> bytes:
        return next(iter(self))

    # ------------------------------------------------------------------ sending

    def send(self, payload: Payload, flags: int | None = None, timeout: float | None = None) -> int:
        """Send one message; returns when the kernel has taken it or it is queued for it.

        With ``coalesce_frames=True`` it is left for the loop to send together with others, and an
        error shows in a later call.

        Args:
            payload: Text or bytes.
            flags: ``CurlWsFlag.TEXT``, ``BINARY``, ``PING`` or ``CLOSE``; by the payload's type if
                left out.
            timeout: Seconds to wait for room in the send queue; ``None`` waits for ever.

        Returns:
            The payload's length in bytes.

        Raises:
            ValueError: A close frame's code may not be sent. Nothing has changed.
            WebSocketClosed: The connection is closed. Retry: no.
            WebSocketTimeout: The peer does not read; the message may still be sent.
            WebSocketError: The connection broke, or there is none.
        """
        channel = self._connected()
        data = payload.encode() if isinstance(payload, str) else payload
        if flags is None:
            flags = CurlWsFlag.TEXT if isinstance(payload, str) else CurlWsFlag.BINARY
        if flags & CurlWsFlag.CLOSE:
            close_payload(*close_arguments(bytes(data)))  # raises before anything has changed
            self._shut = True
            self.keep_running = False
        if channel.coalesces and flags in (CurlWsFlag.TEXT, CurlWsFlag.BINARY):
            channel.leave_for_sending(bytes(data), flags, timeout)
        else:
            channel.run(channel.send, bytes(data), flags, timeout)
        return memoryview(data).nbytes

    def send_binary(
        self, payload: bytes | bytearray | memoryview, *, timeout: float | None = None
    ) -> int:
        """Send one binary message; ``timeout`` as in :meth:`send`."""
        return self.send(payload, CurlWsFlag.BINARY, timeout)

    def send_bytes(
        self, payload: bytes | bytearray | memoryview, *, timeout: float | None = None
    ) -> int:
        """Send one binary message; another name of :meth:`send_binary`."""
        return self.send(payload, CurlWsFlag.BINARY, timeout)

    def send_str(self, payload: str, *, timeout: float | None = None) -> int:
        """Send one text message; ``timeout`` as in :meth:`send`."""
        return self.send(payload, CurlWsFlag.TEXT, timeout)

    def send_json(
        self,
        payload: object,
        *,
        dumps: Callable[[Any], str | bytes] = encode,
        timeout: float | None = None,
    ) -> int:
        """Send ``payload`` as one text message of JSON; ``timeout`` as in :meth:`send`."""
        return self.send(dumps(payload), CurlWsFlag.TEXT, timeout)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until the kernel has taken everything sent so far.

        Args:
            timeout: Seconds; ``None`` waits for ever.

        Raises:
            WebSocketTimeout: The peer takes nothing. Retry: yes, the data is still queued.
            WebSocketError: The connection broke with data unsent.
        """
        channel = self._connected()
        channel.run(channel.flush, timeout)

    def ping(
        self, payload: str | bytes | None = None, *, timeout: float | None = None
    ) -> Future[float]:
        """Send a ping. It waits for no room in the send queue, unless 512 frames lie beyond it.

        Args:
            payload: At most 125 bytes; four random bytes if left out.
            timeout: Seconds of that wait; ``None`` waits for ever.

        Returns:
            A future of the round trip in seconds, failed when the connection ends first. It need
            not be waited for.

        Raises:
            WebSocketError: The payload is too long (``CurlECode.TOO_LARGE``). Retry: no.
            WebSocketTimeout: The peer does not read; nothing was sent. Retry: yes.
            WebSocketClosed: The connection is closing.
        """
        channel = self._connected()
        return channel.run(channel.ping, payload, timeout)

    def pong(self, payload: str | bytes = b"", *, timeout: float | None = None) -> int:
        """Send a pong that nobody has asked for; the peer's pings are answered without it.

        Args:
            payload: At most 125 bytes.
            timeout: As in :meth:`ping`.

        Returns:
            The payload's length in bytes.

        Raises:
            WebSocketError, WebSocketTimeout, WebSocketClosed: As in :meth:`ping`.
        """
        channel = self._connected()
        data = payload.encode() if isinstance(payload, str) else payload
        channel.run(channel.ws.pong, data, timeout=timeout)
        return len(data)

    # ------------------------------------------------------------------ closing

    def close(
        self, code: int = CloseCode.NORMAL_CLOSURE, message: str | bytes = b"", timeout: float = 3.0
    ) -> None:
        """Close the connection with a closing handshake. Idempotent; from any thread.

        A thread that waits in :meth:`recv` gets the messages that are still to be had, then
        ``WebSocketClosed``; one that is in :meth:`connect` gets that at once.

        Args:
            code: 1000-1003, 1007-1014 or 3000-4999.
            message: The reason, UTF-8, cut to 123 bytes.
            timeout: Seconds until the connection is cut without further courtesy.

        Raises:
            ValueError: ``code`` may not be sent.
        """
        close_payload(code, message)
        self._shut = True
        self.keep_running = False
        self._stop_connecting()
        channel = self._channel
        if channel is not None:
            with suppress(PortalClosed):
                channel.portal.run(channel.close, code, message, timeout)

    def _stop_connecting(self) -> None:
        connecting = self._connecting
        if connecting is not None:
            connecting.portal.post(connecting.abandon)

    def _say_goodbye(self) -> None:
        """Begin to close because the session does; :meth:`close` waits for it."""
        if self._channel is not None:
            self._channel.portal.post(self._channel.say_goodbye, GOODBYE_SECONDS)

    def terminate(self) -> None:
        """Cut the connection now, without a closing handshake. Idempotent; from any thread."""
        self._shut = True
        self.keep_running = False
        self._stop_connecting()
        if self._channel is not None:
            self._channel.portal.post(self._channel.abandon)

    # ------------------------------------------------------------------ callbacks

    def _emit(self, event: Event, *args: object) -> None:
        """Call back; an exception goes to ``on_error``, or is warned about if there is none."""
        callback = self._callbacks.get(event)
        if callback is None:
            return
        try:
            callback(self, *args)
        except Exception as error:
            on_error = self._callbacks.get("error")
            if event == "error":
                raise
            if on_error is not None:
                on_error(self, error)
            else:
                warnings.warn(
                    f"WebSocket callback {event!r} failed: {error!r}", CurlCffiWarning, stacklevel=3
                )

    def _hand(self, payload: bytes, flags: int) -> None:
        """One message to its callbacks."""
        self._emit("data", payload, _frame(payload, flags))
        if "message" in self._callbacks:
            as_text = flags & CurlWsFlag.TEXT and not self.skip_utf8_validation
            self._emit("message", payload.decode() if as_text else payload)

    def run_forever(self, url: str = "", **kwargs: Any) -> None:
        """Receive, calling back for each message, until the connection ends.

        The callbacks run in this thread, one after the other: ``on_open(ws)`` at the start; for
        each message ``on_data(ws, payload, frame)``, then ``on_message(ws, message)`` with text as
        ``str`` and binary as ``bytes``; ``on_close(ws, code, reason)`` at the end if the connection
        was closed, from either side; ``on_error(ws, error)`` if it broke, and for an exception in
        another callback, after which it goes on. :meth:`close` and :meth:`send` may be called from
        within; setting ``keep_running`` to ``False`` makes it return with the connection open.

        Args:
            url: Where to connect to; left out if connected already.
            kwargs: As in :meth:`connect`.

        Raises:
            WebSocketError: The connection broke. As in :meth:`connect` for connecting.
        """
        if url:
            self.connect(url, **kwargs)
        channel = self._connected()
        if self._shut or self._told:
            raise channel.final_error()
        self._keep_running = True
        self._emit("open")
        while self._keep_running:
            message = channel.take()
            if message is not None:
                self._hand(*message)
            elif not channel.is_exhausted:
                channel.wait(None)
            else:
                break
        else:
            if not self._shut:
                return
        self._keep_running = False
        error = self._end_of(channel)
        if self._shut or channel.ended_cleanly:
            self._emit("close", int(error.code), getattr(error, "reason", ""))
            return
        self._emit("error", error)
        raise error


class Session(curl_cffi.Session[curl_cffi.Response]):
    """:class:`curl_cffi.Session` with tickwire's WebSocket.

    Closing it closes its WebSockets.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open: weakref.WeakSet[WebSocket] = weakref.WeakSet()
        self._ending = False

    def _enlist(self, ws: WebSocket) -> None:
        """``ws`` begins to connect, and is to be closed with this session.

        Raises:
            SessionClosed: The session closes already.
        """
        with _enlisting:
            if self._ending:
                raise _session_closed()
            self._open.add(ws)

    def close(self) -> None:
        """Close the session and its WebSockets. Idempotent.

        The peers are told 1001 (going away), and have half a second to answer.
        """
        with _enlisting:
            self._ending = True
            opened, self._open = list(self._open), weakref.WeakSet()
        try:
            for ws in opened:
                # Each waits for its peer: all together, not one after the other.
                ws._say_goodbye()
            for ws in opened:
                ws.close(CloseCode.GOING_AWAY, timeout=GOODBYE_SECONDS)
        finally:
            if not self._closed:
                super().close()

    def ws_connect(  # type: ignore[override]  # a WebSocket of our own
        self,
        url: str,
        on_message: Callable[[WebSocket, str | bytes], object] | None = None,
        on_error: Callable[[WebSocket, Exception], object] | None = None,
        on_open: Callable[[WebSocket], object] | None = None,
        on_close: Callable[[WebSocket, int, str], object] | None = None,
        on_data: Callable[[WebSocket, bytes, WebSocketFrame], object] | None = None,
        *,
        autoclose: bool = True,
        skip_utf8_validation: bool = False,
        ws_retry: WebSocketRetryStrategy | None = None,
        max_message_size: int = 4 * 1024 * 1024,
        **kwargs: Any,
    ) -> WebSocket:
        """Connect to a WebSocket, and wait for it.

        What is left out comes from the session; cookies that the server sets go into it.

        Args:
            url: ``ws://`` or ``wss://``, or relative to the session's ``base_url``.
            on_message, on_error, on_open, on_close, on_data: See :meth:`WebSocket.run_forever`.
            autoclose, skip_utf8_validation, ws_retry, max_message_size: See :class:`WebSocket`.
            kwargs: As in :meth:`WebSocket.connect`.

        Raises:
            curl_cffi.exceptions.SessionClosed: The session is closed.
            WebSocketError: As in :meth:`WebSocket.connect`.
        """
        ws = WebSocket(
            debug=self.debug,
            autoclose=autoclose,
            skip_utf8_validation=skip_utf8_validation,
            ws_retry=ws_retry,
            max_message_size=max_message_size,
            on_message=on_message,
            on_error=on_error,
            on_open=on_open,
            on_close=on_close,
            on_data=on_data,
            session=self,
        )
        return ws.connect(url, **kwargs)
