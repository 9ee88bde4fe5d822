"""The bytes of the benchmark: messages that can be checked, frames made once, a fast counter.

A message starts with its sequence number and the time at which it was sent (both 64-bit, little
endian; the time is zero where nobody reads it), and goes on with filler that depends on its size
alone. So every message that a client hands over can be compared with what it must be.
"""

from __future__ import annotations

import functools
import random
import struct

__all__ = [
    "BLOB_BYTES",
    "STAMP",
    "FrameCounter",
    "blob_of",
    "close_frame",
    "frame_header",
    "frames_per_blob",
    "masked_frame_size",
    "message",
    "sent_ns_of",
    "sequence_of",
    "unmask",
]

BLOB_BYTES = 1 << 20
"""About what one ``sendall`` of the server hands to the kernel."""

STAMP = struct.Struct("<QQ")

_FIN_BINARY = 0x82
_FIN_CLOSE = 0x88
_MASKED = 0x80


@functools.cache
def _filler(size: int) -> bytes:
    return random.Random(size).randbytes(max(0, size - STAMP.size))


def message(size: int, sequence: int, sent_ns: int = 0) -> bytes:
    """The message with this number: ``size`` bytes, at least 16."""
    return STAMP.pack(sequence, sent_ns) + _filler(size)


def sequence_of(payload: bytes) -> int:
    """The number that :func:`message` was given."""
    return int(STAMP.unpack_from(payload)[0])


def sent_ns_of(payload: bytes) -> int:
    """When the message was sent, on the machine's monotonic clock."""
    return int(STAMP.unpack_from(payload)[1])


def frame_header(size: int) -> bytes:
    """The header of an unmasked binary frame (RFC 6455 section 5.2)."""
    if size < 126:
        return bytes((_FIN_BINARY, size))
    if size < 1 << 16:
        return struct.pack(">BBH", _FIN_BINARY, 126, size)
    return struct.pack(">BBQ", _FIN_BINARY, 127, size)


def masked_frame_size(size: int) -> int:
    """What a client's frame with ``size`` bytes of payload takes on the wire."""
    return len(frame_header(size)) + 4 + size


def close_frame(code: int = 1000) -> bytes:
    """An unmasked close frame without a reason."""
    return struct.pack(">BBH", _FIN_CLOSE, 2, code)


def frames_per_blob(size: int) -> int:
    """How many frames of this payload size make up one blob."""
    return max(1, BLOB_BYTES // (len(frame_header(size)) + size))


@functools.lru_cache(maxsize=8)
def blob_of(size: int, count: int) -> bytes:
    """``count`` whole frames whose messages are numbered from zero.

    Of 64 bytes each, 1 MiB of them takes milliseconds to make.
    """
    head = frame_header(size)
    return b"".join(head + message(size, i) for i in range(count))


def unmask(payload: bytes | bytearray, key: bytes | bytearray) -> bytes:
    """Undo the mask of a client's frame (RFC 6455 section 5.3)."""
    n = len(payload)
    pad = (bytes(key) * (n // 4 + 1))[:n]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(n, "little")


class FrameCounter:
    """Counts what a client sends, and checks that it is what was agreed.

    The client sends one payload over and over. As long as all frames have the expected size, all
    headers of a chunk are checked at once by strided slices, at about ten nanoseconds a frame, and
    the payload of the chunk's first frame is unmasked and compared. Any other frame takes the slow
    road: it may be a close frame, or several payloads glued into one message (which is what some
    clients call coalescing; ``messages`` and ``payloads`` then differ).

    Args:
        payload: What every message must consist of, once or several times over.

    Attributes:
        messages: Frames that carried data.
        payloads: How often ``payload`` came.
        closed: Whether a close frame was seen; nothing is read after it.
        fault: What was wrong with the first frame that was not as agreed, or ``None``.
    """

    def __init__(self, payload: bytes) -> None:
        self.messages = 0
        self.payloads = 0
        self.closed = False
        self.fault: str | None = None
        self._payload = payload
        head = bytearray(frame_header(len(payload)))
        head[1] |= _MASKED
        self._head = bytes(head)
        self._frame_size = masked_frame_size(len(payload))

    def feed(self, buffer: bytearray, end: int) -> int:
        """Count the whole frames in ``buffer[:end]``.

        Args:
            buffer: Read, not kept.
            end: Bytes of it that are filled; a frame starts at the first one.

        Returns:
            How many bytes were used; the rest is the start of a frame that is not complete.
        """
        used = 0
        while not self.closed and self.fault is None:
            used += self._feed_expected(buffer, used, end)
            step = self._feed_one(buffer, used, end)
            if step == 0:
                break
            used += step
        return used

    def _feed_expected(self, buffer: bytearray, start: int, end: int) -> int:
        size = self._frame_size
        count = (end - start) // size
        stop = start + count * size
        for offset, byte in enumerate(self._head):
            if buffer[start + offset : stop : size].count(byte) != count:
                return 0
        if count:
            self._check(buffer, start + len(self._head), len(self._payload))
            self.messages += count
            self.payloads += count
        return count * size

    def _feed_one(self, buffer: bytearray, start: int, end: int) -> int:
        """One frame of any kind; the number of its bytes, or zero if it is not complete."""
        if end - start < 2:
            return 0
        first, second = buffer[start], buffer[start + 1]
        length, at = second & 0x7F, start + 2
        if length > 125:
            wide = 2 if length == 126 else 8
            length, at = int.from_bytes(buffer[at : at + wide], "big"), at + wide
        if at + 4 + length > end:
            return 0
        if first == _FIN_CLOSE:
            self.closed = True
        elif first != _FIN_BINARY or not second & _MASKED:
            self.fault = f"a frame that starts with {first:#04x} {second:#04x}"
        else:
            self._check(buffer, at, length)
            self.messages += 1
            self.payloads += length // len(self._payload)
        return at + 4 + length - start

    def _check(self, buffer: bytearray, at: int, length: int) -> None:
        times, rest = divmod(length, len(self._payload))
        data = unmask(buffer[at + 4 : at + 4 + length], buffer[at : at + 4])
        if rest or data != self._payload * times:
            self.fault = f"a message of {length} bytes that is not what was to be sent"
