"""The life of a WebSocket: the closing handshake both ways, and every other way to end.

States are RFC 6455's: OPEN until a close frame was sent or received or the stream broke, CLOSING
while the handshake or the peer's end of TCP is awaited, CLOSED when the socket is gone.
"""

from __future__ import annotations

import asyncio
import math
from enum import Enum
from typing import TYPE_CHECKING, Any

from curl_cffi import CurlECode

from ..clock import mono_ns
from ..wire import CloseCode, Opcode, close_payload
from .ends import End
from .errors import (
    KeepaliveTimeout,
    MessageTooBig,
    ProtocolViolation,
    QueueOverflow,
    WebSocketError,
    closed,
    cut,
)
from .retry import retry_delay
from .sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable

    from curl_cffi import Curl

    from .connector import Connector
    from .keepalive import Keepalive
    from .options import WebSocketOptions

__all__ = ["Lifecycle", "WebSocketState"]

_LINGER_SECONDS = 2.0
"""How long to wait for the peer's end of TCP once the closing handshake is over."""

_FAREWELL_SECONDS = 1.0
"""How long a program may answer messages that came before a violation of the protocol."""

_SEND_ERROR_GRACE_SECONDS = 1.0
"""How long to read on after a failed send: what the peer sent before it went may say why."""


class WebSocketState(Enum):
    """RFC 6455 section 4.1 and 7.1."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Lifecycle(Sending):
    """From the first byte to the last: what the pump's events mean for the connection's state."""

    def __init__(
        self, *, connector: Connector, curl: Curl, options: WebSocketOptions, **pump: Any
    ) -> None:
        super().__init__(options=options, **pump)
        self._connector = connector
        self._curl = curl
        self._state = WebSocketState.OPEN
        self._error: Callable[[], WebSocketError] | None = None
        self._farewell: bytes | None = None
        self._retries = 0
        self._retry_mark = -1
        self._keepalive: Keepalive | None = None
        self._gone = self.loop.create_future()
        self._deadline: asyncio.Handle | None = None
        self._deadline_at = math.inf
        self._close_sent = False

    def _end_error(self) -> WebSocketError:
        """Why no message will come; a new exception for every caller."""
        if self._farewell is not None:
            self._say_farewell()
        return self._cannot_send()

    def _cannot_send(self) -> WebSocketError:
        if self._error is not None:
            return self._aged(self._error())
        return self._aged(closed(int(CloseCode.NORMAL_CLOSURE), "", by_peer=False))

    # ------------------------------------------------------------------ closing

    async def close(
        self, code: int = 1000, message: str | bytes = b"", timeout: float = 3.0
    ) -> None:
        """Close the connection with a closing handshake. Idempotent; from any task of the loop.

        Messages queued for sending go first; new ones are refused. Messages that arrive meanwhile
        are kept as far as the receive queue has room, and can still be received; the rest is
        dropped (``discarded`` counts).

        Args:
            code: 1000-1003, 1007-1014 or 3000-4999.
            message: The reason, UTF-8, cut to 123 bytes.
            timeout: Seconds until the connection is cut without further courtesy.

        Raises:
            TypeError, ValueError: ``code`` may not be sent, or ``timeout`` is no number. Nothing
            has changed.
        """
        payload = close_payload(code, message)
        if math.isnan(timeout):  # raises TypeError for what is no number
            raise ValueError("timeout must be a number of seconds, not nan")
        if self._state is WebSocketState.CLOSED:
            return
        # Also if somebody else closes already, with more patience: each is bounded by its own.
        self._set_deadline(timeout)
        if self._state is WebSocketState.OPEN or (self.ended and not self._close_sent):
            self._state = WebSocketState.CLOSING
            # A violation not yet told to the peer goes before this program's own reason.
            payload, self._farewell = self._farewell or payload, None
            self.discard_incoming()
            self._refuse_messages()
            while self._slow_senders and self._state is WebSocketState.CLOSING and self.can_send:
                await self._wait_for_room_or_gone()
            self._send_close(payload)
        try:
            await asyncio.shield(self._gone)
        except asyncio.CancelledError:
            self.terminate()
            raise

    async def wait_closed(self) -> None:
        """Wait until the connection is gone, whoever ends it. For programs with ``on_message``."""
        await asyncio.shield(self._gone)

    async def _wait_for_room_or_gone(self) -> None:
        waiter = self.loop.create_future()
        self._room_waiters.append(waiter)
        await asyncio.wait((waiter, self._gone), return_when=asyncio.FIRST_COMPLETED)

    def _send_close(self, payload: bytes) -> None:
        if self._close_sent or self._state is WebSocketState.CLOSED or not self.can_send:
            return
        self._close_sent = True
        self.put_frame(Opcode.CLOSE, payload)
        self.can_send = False

    def _set_deadline(self, seconds: float) -> None:
        """Cut the connection in so many seconds, or earlier if that was planned."""
        # Kept here: uvloop gives a handle that cannot tell, where the delay rounds to nothing.
        at = self.loop.time() + seconds
        if self._deadline is not None:
            if self._deadline_at <= at:
                return
            self._deadline.cancel()
        self._deadline_at = at
        self._deadline = self.loop.call_later(seconds, self._on_deadline)

    def _on_deadline(self) -> None:
        late = lambda: cut("the peer did not answer the close in time", by_peer=False)  # noqa: E731
        # After a failed send there is a reason already, though reading still went on.
        self._finish(self._error or late)

    def terminate(self) -> None:
        """Cut the connection now, without a closing handshake. Idempotent; from any thread."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self.loop or self.loop.is_closed():
            self._finish(lambda: cut("terminated", by_peer=False))
        else:
            self.loop.call_soon_threadsafe(self._finish, lambda: cut("terminated", by_peer=False))

    # ------------------------------------------------------------------ ends

    def _on_end(self, kind: int, detail: Any) -> None:
        """The pump's word that the stream is over; see :class:`End`."""
        if kind == End.PEER_CLOSE:
            self._on_peer_close()
        elif kind == End.VIOLATION:
            self._on_violation()
        elif kind == End.EOF:
            by_peer = not self._close_sent
            self._on_broken(lambda: cut("end of stream", by_peer=by_peer))
        elif kind == End.RECV_ERROR:
            self._on_recv_error(detail)
        elif kind == End.OVERFLOW:
            self._on_overflow()
        elif kind == End.SEND_ERROR:
            self._on_send_error(detail)
        else:
            self.loop.call_exception_handler(
                {"message": "tickwire: the reader failed", "exception": detail, "websocket": self}
            )
            self._on_broken(lambda: WebSocketError(f"the reader failed: {detail!r}"))

    def _on_recv_error(self, code: int) -> None:
        """Read on after a pause if the retry strategy says so, else the connection is broken."""
        error = lambda: WebSocketError(f"receiving failed: libcurl error {code}", code)  # noqa: E731
        if self.bytes_received != self._retry_mark:
            self._retry_mark = self.bytes_received
            self._retries = 0
        strategy = self._options.ws_retry
        delay = None if strategy is None else retry_delay(strategy, code, self._retries)
        if delay is None or self.ended:
            self._on_broken(error)
            return
        self._retries += 1
        self.hold()
        # Until then, room in the queue is no reason to read: each try would be used up at once.
        self.retry_due = True
        self.loop.call_later(delay, self._retry)

    def _retry(self) -> None:
        self.retry_due = False
        self.go_on()

    def _on_overflow(self) -> None:
        if not self._options.drain_on_error:
            self.abandon_queue = True
        size = self._options.recv_queue_size
        self._set_end(
            lambda: QueueOverflow(
                f"the receive queue is full ({size} messages): raise recv_queue_size, consume "
                "faster, or choose another overflow policy",
                int(CurlECode.OUT_OF_MEMORY),
            ),
            clean=False,
        )
        self._set_deadline(_LINGER_SECONDS)
        self._farewell = close_payload(CloseCode.POLICY_VIOLATION, "receive queue full")
        self._say_farewell()

    def _on_callback_error(self, error: BaseException) -> None:
        self.loop.call_exception_handler(
            {
                "message": "tickwire: an exception in on_message; the connection goes on",
                "exception": error,
                "websocket": self,
            }
        )

    def _on_silence(self, silence: float, lateness: float) -> None:
        """The keepalive found the peer dead."""
        self._on_broken(lambda: KeepaliveTimeout(silence, lateness))

    def _on_peer_close(self) -> None:
        code, reason = self.close_code or 1005, self.close_reason or ""
        by_peer = not self._close_sent
        self._set_end(lambda: closed(code, reason, by_peer=by_peer), clean=True)
        self._state = WebSocketState.CLOSING
        if not self._options.autoclose:
            # The program answers with close(); until then the connection stays half closed.
            self._on_room()
            return
        self._send_close(b"" if code == CloseCode.NO_STATUS_RCVD else close_payload(code))
        self.can_send = False
        self._set_deadline(_LINGER_SECONDS)
        self._on_room()

    def _on_violation(self) -> None:
        code, reason = self.failure or (int(CloseCode.PROTOCOL_ERROR), "")
        text = f"the peer broke the protocol: {reason}"
        self._set_end(
            lambda: (
                MessageTooBig(text, int(CurlECode.TOO_LARGE))
                if code == CloseCode.MESSAGE_TOO_BIG
                else ProtocolViolation(text, code)
            ),
            clean=False,
        )
        self._set_deadline(_LINGER_SECONDS)
        self._farewell = close_payload(code, reason)
        if self.recv_queue_length:
            # Messages came before the violation. The program may answer them: say goodbye when it
            # asks for the next one, or shortly.
            self.loop.call_later(_FAREWELL_SECONDS, self._say_farewell)
        else:
            self._say_farewell()

    def _say_farewell(self) -> None:
        """Fail the connection (RFC 6455 section 7.1.7), naming the violation."""
        farewell, self._farewell = self._farewell, None
        if farewell is None or self._state is WebSocketState.CLOSED:
            return
        self._state = WebSocketState.CLOSING
        self._send_close(farewell)
        self.can_send = False
        self._on_room()

    def _on_broken(self, error: Callable[[], WebSocketError]) -> None:
        if not self.ended and not self._options.drain_on_error:
            self.abandon_queue = True
        self._finish(error)

    def _on_send_error(self, code: int) -> None:
        error = lambda: WebSocketError(f"sending failed: libcurl error {code}", code)  # noqa: E731
        self._unsent = True
        if self.ended:
            self._finish(error)
            return
        self._state = WebSocketState.CLOSING
        self._error = error
        self.loop.call_later(_SEND_ERROR_GRACE_SECONDS, self._on_broken, error)
        self._on_room()

    def _set_end(self, error: Callable[[], WebSocketError], *, clean: bool) -> None:
        """From here on no message will come; the first reason given stays."""
        if not self.ended:
            self.ended = True
            self.ended_cleanly = clean
            self._ended_ns = mono_ns()
            self._error = error

    def _finish(self, error: Callable[[], WebSocketError]) -> None:
        """Give up the socket and wake everybody. Idempotent."""
        if self._state is WebSocketState.CLOSED:
            return
        # Our own close, cut short by the deadline or the peer's end of stream, is still a close.
        self._set_end(error, clean=self._close_sent)
        self._state = WebSocketState.CLOSED
        if self._deadline is not None:
            self._deadline.cancel()
        if self._keepalive is not None:
            self._keepalive.stop()
        self._unsent |= not self.is_flushed or self._slow_senders > 0
        self.detach()
        self._connector.release(self._curl)
        self._pings.cancel()
        if self.loop.is_closed():
            return
        self._on_room()
        if not self._gone.done():
            self._gone.set_result(None)
        self.loop.call_soon(self.wake)
