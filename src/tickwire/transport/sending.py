"""What leaves a WebSocket and cannot simply be handed to the kernel: the slow road of sending.

The pump takes a message that finds room and fits one frame by itself. Here are the others: those
that wait for room, those that are large and go in fragments, and the pings, whose answers are
awaited.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from curl_cffi import CurlECode, CurlWsFlag

from ..clock import mono_ns
from ..wire import MAX_CONTROL_PAYLOAD, Opcode
from .errors import WebSocketError, WebSocketTimeout
from .pings import Pings
from .pump import Pump

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from .options import WebSocketOptions

__all__ = ["Payload", "Sending"]

_CONTROL_BACKLOG_FRAMES = 512
"""So many more frames than the send queue takes may wait before the program's pings do."""

E = TypeVar("E", bound=WebSocketError)
Payload = str | bytes | bytearray | memoryview


def _note_outcome(task: asyncio.Task[None]) -> None:
    """Without this, asyncio complains of an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


class Sending(Pump):
    """The sending half of a connection, above the pump."""

    def __init__(self, *, options: WebSocketOptions, **pump: Any) -> None:
        super().__init__(**pump)
        self._options = options
        self._unsent = False
        self._ended_ns = 0
        self._room_waiters: deque[asyncio.Future[None]] = deque()
        self._send_lock = asyncio.Lock()
        self._slow_begun = 0
        self._slow_senders = 0
        self._refusing = False  # what has not begun yet, because close() waits for what has
        self._parts: list[bytes] = []
        self._pings = Pings(self.loop)

    # What the life of the connection decides.

    def _cannot_send(self) -> WebSocketError:
        """Why nothing can be sent; a new exception for every caller."""
        raise NotImplementedError

    def _end_error(self) -> WebSocketError:
        """Why no message will come; a new exception for every caller."""
        raise NotImplementedError

    def _send_special(self, data: bytes, flags: int) -> Coroutine[Any, Any, None]:
        """Send what is not a data message, or tell why nothing can be sent."""
        raise NotImplementedError

    def _aged(self, error: E) -> E:
        """The error, with the age of the peer's last byte."""
        until = self._ended_ns or mono_ns()
        # After the end more may come, until the socket is gone.
        error.last_byte_age = max(0.0, (until - self.last_byte_mono_ns) / 1e9)
        return error

    # ------------------------------------------------------------------ messages

    def _send_slow(
        self, payload: Payload, flags: int, timeout: float | None
    ) -> Coroutine[Any, Any, None]:
        """A send that must wait, is large, or is not a plain data message.

        A data message takes its place in the order here, not when the result is awaited.
        """
        data = payload.encode() if isinstance(payload, str) else bytes(memoryview(payload))
        if self._refusing and flags & (CurlWsFlag.TEXT | CurlWsFlag.BINARY):
            return self._refused()
        if flags in (CurlWsFlag.TEXT | CurlWsFlag.CONT, CurlWsFlag.BINARY | CurlWsFlag.CONT):
            return self._keep_part(data)
        if flags not in (CurlWsFlag.TEXT, CurlWsFlag.BINARY) or not self.can_send:
            return self._send_special(data, flags)
        if self._parts:
            data = b"".join((*self._parts, data))
            self._parts.clear()
        self._slow_begun += 1
        self._slow_senders += 1
        self.message_open = True
        sending = self.loop.create_task(self._send_in_turn(data, flags))
        sending.add_done_callback(_note_outcome)  # the sender may have stopped waiting
        return self._sent(sending, timeout)

    async def _refused(self) -> None:
        raise self._cannot_send()

    def _refuse_messages(self) -> None:
        """From here on only messages that have begun are sent."""
        self._refusing = self.message_open = True  # with that, each takes the slow road

    async def _keep_part(self, data: bytes) -> None:
        """A part of a message, kept until its last one, without ``CONT``, sends it whole."""
        if not self.can_send:
            raise self._cannot_send()
        self._parts.append(data)
        self.message_open = True

    async def _sent(self, sending: asyncio.Task[None], timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(sending)
        except TimeoutError:
            raise self._aged(
                WebSocketTimeout(
                    f"the send queue did not take the message within {timeout} s; it may still be "
                    "sent",
                    int(CurlECode.OPERATION_TIMEDOUT),
                )
            ) from None

    async def _send_in_turn(self, data: bytes, opcode: int) -> None:
        """One message behind those before it, in fragments if it is large.

        It runs as its own task, and goes on when the sender stops waiting: a message begun must be
        finished, or the stream is lost. Pongs pass between its fragments.
        """
        try:
            async with self._send_lock:
                deflated = self.deflater is not None
                if self.deflater is not None:
                    data = self.deflater.deflate(data)
                size = self._options.max_frame_payload
                last = max(0, (len(data) - 1) // size) * size
                for start in range(0, last + 1, size):
                    while self.can_send and not (
                        self.has_room_for_fragment if start else self.has_room
                    ):
                        await self._wait_for_room()
                    if not self.can_send:
                        raise self._cannot_send()
                    self.put_frame(
                        Opcode.CONTINUATION if start else opcode,
                        data[start : start + size],
                        start == last,
                        deflated and start == 0,
                    )
        finally:
            self._slow_senders -= 1
            self.message_open = self._refusing or self._slow_senders > 0 or bool(self._parts)
            self._on_room()  # flush() and close() wait for the last of these

    # ------------------------------------------------------------------ room

    async def _wait_for_room(self) -> None:
        waiter = self.loop.create_future()
        self._room_waiters.append(waiter)
        await waiter

    def _on_room(self) -> None:
        """The pump's queue has shrunk, or the connection is over: let the waiting ones look."""
        waiters, self._room_waiters = self._room_waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def flush(self, timeout: float | None = None) -> None:
        """Wait until the kernel has taken everything sent so far, whatever is sent meanwhile.

        Args:
            timeout: Seconds; ``None`` waits for ever.

        Raises:
            WebSocketTimeout: The peer takes nothing. Retry: yes, the data is still queued.
            WebSocketError: The connection broke with data unsent.
        """
        self.flush_now()
        try:
            async with asyncio.timeout(timeout):
                # The slow road is a queue: so many have left it when this one's turn has come.
                begun = self._slow_begun
                while self._slow_begun - self._slow_senders < begun:
                    await self._wait_for_room()
                end = self.bytes_sent + self.unsent_bytes
                # What was gathered in this turn, and would leave at its end without a word.
                self.flush_now()
                while self.bytes_sent < end and not self.is_flushed:
                    await self._wait_for_room()
        except TimeoutError:
            raise self._aged(
                WebSocketTimeout(
                    f"{self.send_queue_length} frames unsent after {timeout} s: the peer does not "
                    "read",
                    int(CurlECode.OPERATION_TIMEDOUT),
                )
            ) from None
        if self._unsent:
            raise self._end_error()

    # ------------------------------------------------------------------ pings

    async def ping(
        self, payload: str | bytes | None = None, *, timeout: float | None = None
    ) -> asyncio.Future[float]:
        """Send a ping. It waits for no room in the send queue, unless 512 frames lie beyond it.

        Args:
            payload: At most 125 bytes; four random bytes if left out.
            timeout: Seconds of that wait; ``None`` waits for ever.

        Returns:
            A future of the round trip in seconds, resolved by the pong that answers this ping or a
            later one, cancelled when the connection ends. It need not be awaited.

        Raises:
            WebSocketError: The payload is too long (``CurlECode.TOO_LARGE``). Retry: no.
            WebSocketTimeout: The peer does not read; nothing was sent. Retry: yes.
            WebSocketClosed: The connection is closing.
        """
        data = self._control_payload(os.urandom(4) if payload is None else payload)
        await self._wait_for_control_room(timeout)
        future = self._pings.leave(data)
        self.put_frame(Opcode.PING, data)
        return future

    async def pong(self, payload: str | bytes = b"", *, timeout: float | None = None) -> None:
        """Send a pong that nobody has asked for (RFC 6455 section 5.5.3), a heartbeat one way.

        The peer's pings are answered without it.

        Args:
            payload: At most 125 bytes.
            timeout: As in :meth:`ping`.

        Raises:
            WebSocketError, WebSocketTimeout, WebSocketClosed: As in :meth:`ping`.
        """
        data = self._control_payload(payload)
        await self._wait_for_control_room(timeout)
        self.put_frame(Opcode.PONG, data)

    @property
    def _has_control_room(self) -> bool:
        return (
            self.has_room
            or self.send_queue_length < self._options.send_queue_size + _CONTROL_BACKLOG_FRAMES
        )

    async def _wait_for_control_room(self, timeout: float | None) -> None:
        if self._has_control_room:
            return
        try:
            async with asyncio.timeout(timeout):
                while self.can_send and not self._has_control_room:
                    await self._wait_for_room()
        except TimeoutError:
            raise self._aged(
                WebSocketTimeout(
                    f"no room for a ping or pong within {timeout} s: the peer does not read",
                    int(CurlECode.OPERATION_TIMEDOUT),
                )
            ) from None
        if not self.can_send:
            raise self._cannot_send()

    def _control_payload(self, payload: str | bytes) -> bytes:
        """What a ping or pong carries; raises if it cannot be sent."""
        data = payload.encode() if isinstance(payload, str) else bytes(payload)
        if len(data) > MAX_CONTROL_PAYLOAD:
            raise WebSocketError(
                f"a ping or pong carries at most {MAX_CONTROL_PAYLOAD} bytes, not {len(data)}",
                int(CurlECode.TOO_LARGE),
            )
        if not self.can_send:
            raise self._cannot_send()
        return data

    def _on_pong(self, payload: bytes) -> None:
        self._pings.answer(payload)
