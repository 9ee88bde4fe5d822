"""The pump in pure Python: the twin of ``_pump.pyx``.

Same rules and names; see the theory of operation there. libcurl's two functions are called through
ctypes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from ..clock import mono_ns, wall_ns
from ..wire.opcodes import Opcode
from ._outbox_py import REFUSED, TAKEN, Outbox, byte_function
from ._receiver_py import Receiver
from .ends import End

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from typing_extensions import Buffer

    from ..wire.deflate import Deflater
    from ._inbox_py import Inbox

__all__ = ["Pump", "ReadBuffer"]

_CURLE_OK = 0
_CURLE_AGAIN = 81
_READ_BUFFER_BYTES = 256 * 1024
_READ_BUDGET_BYTES = 256 * 1024
_FIRST_READ_BYTES = 16 * 1024
_LEAST_READ_BYTES = 256
_TEXT = int(Opcode.TEXT)
_BINARY = int(Opcode.BINARY)


class ReadBuffer:
    """A read buffer for all connections of one thread."""

    def __init__(self) -> None:
        self.data = ctypes.create_string_buffer(_READ_BUFFER_BYTES)
        self.view = memoryview(self.data).cast("B")
        self.moved = ctypes.c_size_t()


class _Done(Coroutine[Any, Any, None]):
    """An awaitable that is done: what a `send` that did not have to wait returns."""

    def __await__(self) -> Iterator[Any]:  # type: ignore[override]  # no generator is needed
        return iter(())

    def send(self, value: Any) -> Any:
        raise StopIteration

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        raise kind if value is None else value

    def close(self) -> None:
        """Nothing to end."""


_DONE = _Done()


class Pump(Receiver):
    """See ``_pump.pyx``. ``websocket.AsyncWebSocket`` is built on this class or on the compiled
    one."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        io_loop: Any,
        fd: int,
        easy: int,
        recv_address: int,
        send_address: int,
        buffer: ReadBuffer,
        plain: bool,
        max_message_size: int,
        inbox: Inbox,
        on_message: Callable[[bytes, int], object] | None,
        send_queue_size: int,
        max_send_batch_size: int,
        coalesce_frames: bool,
        recv_time_slice: float,
        send_time_slice: float,
        max_frame_payload: int,
    ) -> None:
        super().__init__(
            loop=loop, inbox=inbox, on_message=on_message, max_message_size=max_message_size
        )
        self.fd = fd
        self.last_byte_mono_ns = mono_ns()
        self.bytes_received = 0
        self.messages_sent = 0
        self.can_send = True
        self.deflater: Deflater | None = None
        self.message_open = False
        self._io_loop = io_loop
        self._easy = easy
        self._easy_recv = byte_function(recv_address)
        self._buffer = buffer
        self._plain = plain
        self._seen_again = False
        self._reading = False
        self._in_drain = False
        self.retry_due = False
        self._rearm: asyncio.Handle | None = None
        self._time_slice_ns = int(recv_time_slice * 1e9)
        self._read_bytes = _FIRST_READ_BYTES
        self._outbox = Outbox(send_address, send_queue_size, max_send_batch_size, send_time_slice)
        self._writing = False
        self._coalesce = coalesce_frames
        self._flush_scheduled = False
        self._max_frame_payload = max_frame_payload

    # What the connection above decides, besides what the receiver leaves to it.

    def _on_pong(self, payload: bytes) -> None:
        raise NotImplementedError

    def _on_room(self) -> None:
        raise NotImplementedError

    def _send_slow(
        self, payload: Any, flags: int, timeout: float | None
    ) -> Coroutine[Any, Any, None]:
        raise NotImplementedError

    # ------------------------------------------------------------------ reading

    def start(self) -> None:
        """Register the descriptor, and read what came together with the handshake."""
        self._add_reader()
        self._on_readable()

    def _add_reader(self) -> None:
        if not self._reading and self.fd >= 0:
            self._io_loop.add_reader(self.fd, self._on_readable)
            self._reading = True

    def _remove_reader(self) -> None:
        if self._reading:
            self._reading = False
            self._io_loop.remove_reader(self.fd)

    def detach(self) -> None:
        """Let go of the descriptor and the handle; the caller closes them afterwards."""
        if self.fd < 0:
            return
        self._remove_reader()
        self._stop_writing()
        if self._rearm is not None:
            self._rearm.cancel()
            self._rearm = None
        self.fd = -1
        self._done = True  # a callback may have closed the connection in the middle of a drain
        self._easy = 0
        self.can_send = False
        self._outbox.drop()

    def disown(self) -> None:
        """After a fork, in the child: forget the connection and touch nothing of it.

        The loop's selector and the stream are shared with the parent.
        """
        self._reading = False
        self._writing = False
        self._rearm = None
        self.fd = -1
        self._easy = 0
        self._done = True
        self.can_send = False

    def _on_rearm(self) -> None:
        self._rearm = None
        self._on_readable()

    def _on_readable(self) -> None:
        if self.fd < 0 or self._in_drain or self._paused:
            return
        self._in_drain = True
        try:
            self._drain()
        except BaseException as error:
            self._on_end(End.CRASH, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._in_drain = False
        self.wake()

    def _drain(self) -> None:
        emptied = False
        total = 0
        started = 0
        buffer = self._buffer
        moved = buffer.moved
        while True:
            moved.value = 0
            want = self._read_bytes
            code = self._easy_recv(
                self._easy, ctypes.addressof(buffer.data), want, ctypes.byref(moved)
            )
            got = moved.value
            if code != _CURLE_OK:
                if code == _CURLE_AGAIN:
                    emptied = True
                    self._seen_again = True
                    break
                self._on_end(End.RECV_ERROR, code)
                return
            if got == 0:
                self._on_end(End.EOF, None)
                return
            self._stamp_mono = self.last_byte_mono_ns = mono_ns()
            self._stamp_wall = wall_ns()
            started = started or self._stamp_mono
            total += got
            self.bytes_received += got
            if not self._done:
                self._parse(bytes(buffer.view[:got]))
                if self.fd < 0:
                    return  # a callback closed the connection
                if self._done and not self.ended:
                    self._flush()
                    self._on_end(End.VIOLATION if self.failure else End.PEER_CLOSE, None)
                    if self.fd < 0:
                        return
                elif self.inbox.is_full() and not self.discarding:
                    self.hold()
                    break
            now = mono_ns()
            self._pace_reads(got, now - self._stamp_mono)
            if self._plain and self._seen_again and got < want:
                emptied = True
                break
            if total >= _READ_BUDGET_BYTES or now - started >= self._time_slice_ns:
                break
        outbox = self._outbox
        if len(outbox) and not outbox.blocked and not self._flush_scheduled:
            self._flush()  # pongs of this drain
        if not emptied and not self._paused and self.fd >= 0 and self._rearm is None:
            self._rearm = self.loop.call_soon(self._on_rearm)

    def _pace_reads(self, got: int, spent: int) -> None:
        """After a read of so many bytes that took so long to parse: what the next one may bring.

        What is read has to be parsed, so a time slice is kept by reading no more than fits in it.
        """
        if spent > self._time_slice_ns:
            self._read_bytes = max(_LEAST_READ_BYTES, got * self._time_slice_ns // spent)
        elif got == self._read_bytes and spent * 2 <= self._time_slice_ns:
            self._read_bytes = min(_READ_BUFFER_BYTES, self._read_bytes * 2)

    def _resume_reading(self) -> None:
        if self.fd < 0 or self.retry_due:
            return
        self._paused = False
        self._add_reader()
        # The handle may hold decrypted bytes that the descriptor does not show: drain first.
        if self._rearm is None:
            self._rearm = self.loop.call_soon(self._on_rearm)

    def hold(self) -> None:
        """Stop reading until :meth:`go_on`."""
        self._paused = True
        self._remove_reader()

    def go_on(self) -> None:
        """Read on after :meth:`hold`."""
        if self._paused:
            self._resume_reading()

    def read_now(self) -> None:
        """Read what the socket holds, without waiting for the loop to say so."""
        self._on_readable()

    def discard_incoming(self) -> None:
        """From now on read and parse without bound, dropping what finds the queue full."""
        self.discarding = True
        self.retry_due = False
        self.go_on()

    def _on_control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            if self.can_send:
                self._outbox.put_pong(payload)
        elif opcode == Opcode.PONG:
            self._on_pong(payload)

    # ------------------------------------------------------------------ writing

    def _flush(self) -> None:
        """Offer what waits to the kernel, and have the loop tell when it takes more."""
        outbox = self._outbox
        if self.fd < 0:
            return
        became = outbox.offer(self._easy)
        if outbox.moved_up:
            self._on_room()
        if became == TAKEN:
            if self._writing:
                self._stop_writing()
                self._on_room()
        elif became == REFUSED:
            if not self._writing:
                self._writing = True
                self._io_loop.add_writer(self.fd, self._on_writable)
        else:
            self.can_send = False
            # Nothing more will leave; a writer left registered would be called for ever.
            self._stop_writing()
            self._on_end(End.SEND_ERROR, outbox.error)

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._io_loop.remove_writer(self.fd)

    def _on_writable(self) -> None:
        if self.fd >= 0:
            self._flush()
            if not self._in_drain:
                self.wake()

    def _on_flush_turn(self) -> None:
        """The end of a loop turn in which frames were coalesced."""
        self._flush_scheduled = False
        if self.fd >= 0 and not self._outbox.blocked and len(self._outbox):
            self._flush()

    def _after_put(self) -> Coroutine[Any, Any, None]:
        """Count a message that was put, and offer it at once, or with the others of this turn."""
        self.messages_sent += 1
        if self._outbox.blocked:
            return _DONE
        if self._coalesce and self._outbox.may_gather():
            if not self._flush_scheduled:
                self._flush_scheduled = True
                self.loop.call_soon(self._on_flush_turn)
        else:
            self._flush()
        return _DONE

    def flush_now(self) -> None:
        """Offer the frames that wait for the end of the loop turn."""
        if not self._outbox.blocked:
            self._flush()

    @property
    def bytes_sent(self) -> int:
        """Bytes that the kernel has taken, those of frames' headers included."""
        return self._outbox.bytes_sent

    @property
    def send_queue_length(self) -> int:
        """Frames that the kernel has not taken yet."""
        return len(self._outbox)

    @property
    def has_room(self) -> bool:
        """Whether one more frame may be queued now."""
        return self._outbox.has_room()

    @property
    def has_room_for_fragment(self) -> bool:
        """Whether a fragment of a large message may be queued: one waits at most, so that a pong
        does not have to wait for the whole message."""
        return self._outbox.has_room_behind()

    @property
    def unsent_bytes(self) -> int:
        """Bytes of frames that the kernel has not taken yet."""
        return self._outbox.waiting_bytes()

    @property
    def is_flushed(self) -> bool:
        """Whether the kernel has taken every frame."""
        return self._outbox.is_empty()

    def send_str(self, payload: str, *, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        return self.send(payload, _TEXT, timeout)

    def send_bytes(
        self, payload: Buffer, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, None]:
        return self.send(payload, _BINARY, timeout)

    def send(
        self, payload: str | Buffer, flags: int | None = None, timeout: float | None = None
    ) -> Coroutine[Any, Any, None]:
        if flags is None:
            flags = _TEXT if isinstance(payload, str) else _BINARY
        # Through a memoryview, since bytes(5) would be five zeros.
        data = payload.encode() if isinstance(payload, str) else bytes(memoryview(payload))
        if (
            not self.can_send
            or self.message_open
            or flags not in (_TEXT, _BINARY)
            or len(data) > self._max_frame_payload
            or not self._outbox.has_room()
        ):
            return self._send_slow(data, flags, timeout)
        if self.deflater is not None:
            self._outbox.put(flags, self.deflater.deflate(data), rsv1=True)
        else:
            self._outbox.put(flags, data)
        return self._after_put()

    def put_frame(self, opcode: int, payload: Buffer, fin: bool = True, rsv1: bool = False) -> None:
        """Queue one frame, whatever the queue's bound, and offer it to the kernel.

        For control frames and for the fragments of a large message; the caller keeps the order.
        """
        if self.fd < 0:
            return
        self._outbox.put(opcode, payload, fin, rsv1)
        if fin and opcode < Opcode.CLOSE:
            self.messages_sent += 1
        if not self._outbox.blocked:
            self._flush()
