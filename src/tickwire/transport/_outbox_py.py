"""The send queue in pure Python: the twin of ``_outbox.pyx``; see there.

libcurl's function is called through ctypes.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from ..clock import mono_ns
from ..wire.fallback import MaskKeys, encode_frame
from ..wire.opcodes import Opcode

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["FAILED", "REFUSED", "TAKEN", "Outbox", "byte_function"]

TAKEN = 0
REFUSED = 1
FAILED = 2

_CURLE_OK = 0
_CURLE_AGAIN = 81
_COALESCE_BYTES = 64 * 1024
_SEND_QUEUE_BYTES = 1024 * 1024
_CONTROL_BACKLOG_FRAMES = 512
_PONG = int(Opcode.PONG)

byte_function = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
)
"""The type of ``curl_easy_recv`` and its like: handle, bytes, how many, how many were moved."""


class Outbox:
    """A queue of encoded frames; see ``_outbox.pyx``.

    Attributes:
        blocked: Whether the kernel refused, so that frames wait behind what was offered.
        moved_up: Whether the last offer made room by getting rid of what was offered before.
        error: libcurl's code, after ``FAILED``.
        bytes_sent: What the kernel has taken.
    """

    def __init__(self, send_address: int, limit: int, batch_limit: int, time_slice: float) -> None:
        self.blocked = False
        self.moved_up = False
        self.error = 0
        self.bytes_sent = 0
        self._easy_send = byte_function(send_address)
        self._keys = MaskKeys()
        self._moved = ctypes.c_size_t()
        self._out = bytearray()
        self._out_head = 0
        self._out_frames = 0
        self._pend = bytearray()
        self._pend_frames = 0
        self._retry_len = 0
        self._pongs_waiting = 0
        self._last_pong_at = self._last_pong_size = 0
        self._limit = limit
        self._batch_limit = batch_limit
        self._slice_ns = int(time_slice * 1e9)

    def __len__(self) -> int:
        """Frames that the kernel has not taken yet."""
        return self._out_frames + self._pend_frames

    def put(self, opcode: int, payload: Buffer, fin: bool = True, rsv1: bool = False) -> None:
        """Encode one frame behind those that wait."""
        frame = encode_frame(opcode, payload, self._keys.take(), fin, rsv1)
        if self.blocked:
            self._pend += frame
            self._pend_frames += 1
        else:
            self._out += frame
            self._out_frames += 1

    def put_pong(self, payload: bytes) -> None:
        """Queue a pong; if too many wait already, it takes the place of the last of them."""
        if self.blocked:
            if self._pongs_waiting >= _CONTROL_BACKLOG_FRAMES:
                at = self._last_pong_at
                del self._pend[at : at + self._last_pong_size]
                self._pend_frames -= 1
            else:
                self._pongs_waiting += 1
            self._last_pong_at = len(self._pend)
        self.put(_PONG, payload)
        if self.blocked:
            self._last_pong_size = len(self._pend) - self._last_pong_at

    def offer(self, easy: int) -> int:
        """Offer what waits to the kernel, until it has taken all or refuses.

        ``TAKEN``: nothing waits. ``REFUSED``: offer again when the descriptor is writable; a time
        slice that is over counts as a refusal. ``FAILED``: see ``error``; what waited is dropped.
        """
        moved = self._moved
        started = 0
        self.moved_up = False
        while True:
            if self._out_head == len(self._out):
                self._out_head = 0
                self.blocked = False
                self._out = self._pend
                self._out_frames = self._pend_frames
                self._pend = bytearray()
                self._pend_frames = self._pongs_waiting = 0
                if not self._out:
                    return TAKEN
                self.moved_up = True
            want = self._retry_len or len(self._out) - self._out_head
            moved.value = 0
            window = (ctypes.c_char * want).from_buffer(self._out, self._out_head)
            code = self._easy_send(easy, ctypes.addressof(window), want, ctypes.byref(moved))
            del window  # while it lives, the buffer cannot grow
            if code == _CURLE_AGAIN:
                self._retry_len = want
                self.blocked = True
                return REFUSED
            if code != _CURLE_OK:
                self.drop()
                self.error = code
                return FAILED
            self._retry_len = 0
            self._out_head += moved.value
            self.bytes_sent += moved.value
            if self._out_head < len(self._out):
                now = mono_ns()
                started = started or now
                if now - started >= self._slice_ns:
                    self.blocked = True  # as far as this turn of the loop goes
                    return REFUSED

    def drop(self) -> None:
        """Forget what waits."""
        self._out = bytearray()
        self._pend = bytearray()
        self._out_head = self._out_frames = self._pend_frames = self._pongs_waiting = 0

    def has_room(self) -> bool:
        """Whether one more message may be queued now."""
        return not self.blocked or (
            self._pend_frames < self._limit and len(self._pend) < _SEND_QUEUE_BYTES
        )

    def has_room_behind(self) -> bool:
        """Whether nothing waits behind what was offered."""
        return not self.blocked or not self._pend

    def may_gather(self) -> bool:
        """Whether what waits is so little that more may be gathered before it is offered."""
        return self._out_frames < self._batch_limit and len(self._out) < _COALESCE_BYTES

    def waiting_bytes(self) -> int:
        """Bytes that the kernel has not taken."""
        return len(self._out) - self._out_head + len(self._pend)

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._out_head == len(self._out) and not self._pend
