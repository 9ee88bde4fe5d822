"""The WebSocket of an asyncio program.

The pump (compiled, or its twin) moves bytes, keeps the two queues and wakes the waiting tasks.
Above it stand the slow road of sending (``sending.py``) and the life of the connection
(``lifecycle.py``); this module is what a program has in its hand, with the names that users of
curl_cffi know.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from curl_cffi import CurlECode, CurlWsFlag

from ..clock import mono_ns
from ..wire import CloseCode, Deflater, Inflater, Opcode
from .curl_names import CurlNames
from .errors import WebSocketError, WebSocketTimeout, shown
from .jsontext import decode, encode
from .keepalive import Keepalive
from .lifecycle import Lifecycle, WebSocketState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType
    from typing import Self

    from curl_cffi import Curl

    from ..wire import Deflate, DeflateParameters
    from .connector import Connector
    from .options import WebSocketOptions
    from .sending import Payload

__all__ = ["AsyncWebSocket", "WebSocketState"]

T = TypeVar("T")

_live: weakref.WeakSet[AsyncWebSocket] = weakref.WeakSet()


def _disown_after_fork() -> None:
    """In a forked child: the connections are the parent's."""
    for ws in list(_live):
        ws.disown()
    _live.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_after_fork)


def _decoded(payload: bytes, loads: Callable[[str], T]) -> T:
    try:
        return decode(payload) if loads is decode else loads(payload.decode())
    except Exception as error:
        raise WebSocketError(
            f"the message is not JSON: {error}", int(CloseCode.INVALID_DATA)
        ) from error


def decoded_text(payload: bytes) -> str:
    """The text of a message whose UTF-8 nobody may have looked at (``skip_utf8_validation``).

    Raises:
        WebSocketError: It is not UTF-8 (code 1007).
    """
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise WebSocketError(
            f"the message is not UTF-8: {error.reason} at byte {error.start}; use recv() to take "
            "it as bytes",
            int(CloseCode.INVALID_DATA),
        ) from error


def close_arguments(data: bytes) -> tuple[int, bytes]:
    """Code and reason of a close frame's payload that the program gives to ``send``."""
    return int.from_bytes(data[:2], "big") if data else 1000, data[2:]


class AsyncWebSocket(CurlNames, Lifecycle):
    """A WebSocket connection; made by :meth:`tickwire.AsyncSession.ws_connect`.

    Receiving and sending are independent; any number of tasks may do either. Messages come in the
    order in which the peer sent them, each to exactly one receiver. A ``recv`` that is cancelled or
    times out takes no message with it.

    Attributes:
        recv_ns: Arrival of the message handed over last: when the socket read that completed it
            returned, in nanoseconds since the Unix epoch.
        mono_ns: The same instant on the monotonic clock.
        messages_received, bytes_received, messages_sent, bytes_sent: Totals of the connection;
            bytes are those on the wire, below TLS.
    """

    def __init__(
        self,
        *,
        connector: Connector,
        curl: Curl,
        options: WebSocketOptions,
        subprotocol: str | None,
        url: str,
        **pump: Any,
    ) -> None:
        super().__init__(connector=connector, curl=curl, options=options, **pump)
        self.url = url
        self.subprotocol = subprotocol
        self.extension: DeflateParameters | None = None
        connector.on_close(curl, self.terminate)
        _live.add(self)

    def start(self) -> None:
        """Begin to read, and to watch over the peer if that is asked for."""
        options = self._options
        if options.ping_interval is not None:
            self._keepalive = Keepalive(
                self.loop,
                interval=options.ping_interval,
                timeout=options.ping_timeout,
                last_byte_ns=lambda: self.last_byte_mono_ns,
                paused=lambda: self.is_paused,
                ping=self._ping_idle,
                read=self.read_now,
                dead=self._on_silence,
            )
        super().start()

    def _ping_idle(self) -> None:
        if self.can_send:
            self.put_frame(Opcode.PING, os.urandom(4))

    def use_deflate(self, agreed: DeflateParameters, wanted: Deflate) -> None:
        """Compress messages in both directions from here on, as the handshake agreed."""
        self.extension = agreed
        self.inflater = Inflater(agreed)
        deflater = Deflater(agreed, wanted)
        if deflater.works:
            self.deflater = deflater

    def disown(self) -> None:
        """After a fork, in the child: the connection stays the parent's; any use here raises."""
        super().disown()
        self._state = WebSocketState.CLOSED
        self.abandon_queue = True
        self.ended = True
        self.ended_cleanly = False
        self._error = lambda: WebSocketError(
            "this connection belongs to the process that made it: connect anew after a fork"
        )

    # ------------------------------------------------------------------ state

    @property
    def state(self) -> WebSocketState:
        """Where the connection is in its life."""
        return self._state

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._state is not WebSocketState.OPEN

    def is_alive(self) -> bool:
        """Whether the connection is open, as far as is known now."""
        return self._state is WebSocketState.OPEN

    @property
    def send_queue_size(self) -> int:
        """Frames that the kernel has not taken yet."""
        return self.send_queue_length

    @property
    def dropped(self) -> int:
        """Messages that the overflow policy dropped; each hole is told with what follows it."""
        return self.inbox.dropped

    @property
    def last_byte_age(self) -> float:
        """Seconds since the peer's last byte."""
        return (mono_ns() - self.last_byte_mono_ns) / 1e9

    @property
    def recv_queue_size(self) -> int:
        """Messages received and not yet handed over."""
        return self.recv_queue_length

    def __repr__(self) -> str:
        return f"<AsyncWebSocket {self._state.value} {shown(self.url)}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------ receiving

    async def recv_json(
        self,
        *,
        loads: Callable[[str], T] = decode,
        timeout: float | None = None,
    ) -> T:
        """Receive one message, text or binary, and decode it from JSON.

        Args:
            loads: The decoder; whatever it raises counts as a message that is not JSON.
            timeout: Seconds to wait; ``None`` waits for ever.

        Raises:
            WebSocketError: The message is not JSON (code 1007). It is consumed; retry with the
            next. WebSocketTimeout, WebSocketClosed: As in :meth:`recv`.
        """
        return _decoded(await self.recv_bytes(timeout=timeout), loads)

    async def iter_json(self, *, loads: Callable[[str], Any] = decode) -> AsyncIterator[Any]:
        """Iterate over the messages, text or binary, decoded from JSON.

        Args:
            loads: As in :meth:`recv_json`.

        Raises:
            WebSocketError: A message is not JSON (code 1007). It is consumed; iterate anew to go
            on with the next. Others as in iterating over the WebSocket itself.

        Cost: an asynchronous generator's, about a microsecond per message beside the decoding.
        """
        async for payload in self:
            yield _decoded(payload, loads)

    def _unchecked(self, payload: bytes) -> str:
        return decoded_text(payload)

    def _not_text(self, payload: bytes) -> str:
        raise WebSocketError(
            "a binary message where text was asked for; use recv() to take either kind",
            int(CloseCode.INVALID_DATA),
        )

    def _recv_timeout(self, timeout: float) -> WebSocketTimeout:
        return self._aged(
            WebSocketTimeout(f"no message within {timeout} s", int(CurlECode.OPERATION_TIMEDOUT))
        )

    # ------------------------------------------------------------------ sending

    async def send_json(
        self,
        payload: object,
        *,
        dumps: Callable[[Any], str | bytes] = encode,
        timeout: float | None = None,
    ) -> None:
        """Send ``payload`` as one text message of JSON; ``timeout`` as in :meth:`send`."""
        text = dumps(payload)
        await self.send(text, CurlWsFlag.TEXT, timeout)

    async def send_binary(self, payload: Payload, *, timeout: float | None = None) -> None:
        """Send one binary message; another name of :meth:`send_bytes`."""
        await self.send(payload, CurlWsFlag.BINARY, timeout)

    async def _send_special(self, data: bytes, flags: int) -> None:
        if flags & CurlWsFlag.PING:
            await self.ping(data)
        elif flags == CurlWsFlag.PONG:
            await self.pong(data)
        elif flags & CurlWsFlag.CLOSE:
            await self.close(*close_arguments(data))
        elif flags not in (CurlWsFlag.TEXT, CurlWsFlag.BINARY):
            raise ValueError(
                f"flags {flags} are not a message type: use CurlWsFlag.TEXT or BINARY, with CONT "
                "for a part that is not the last, or PING, PONG or CLOSE"
            )
        else:
            raise self._cannot_send()
