"""Frames as tests need them: legal and illegal, written from RFC 6455 and not from the package.

What builds and reads frames here shares no code with ``tickwire.wire``, so that a mistake there
cannot cancel itself out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = None,
    length_form: int | None = None,
    announced: int | None = None,
) -> bytes:
    """One frame, as a server sends it unless ``key`` is given.

    Args:
        rsv: The three reserved bits as a number, RSV1 being 4.
        key: A masking key of four bytes.
        length_form: 7, 16 or 64 bits for the length; the shortest if left out.
        announced: The length to write, if it is not to be the payload's.
    """
    size = len(payload) if announced is None else announced
    form = length_form or (7 if size < 126 else 16 if size < 65536 else 64)
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked = 0x80 if key is not None else 0
    if form == 7:
        head = bytes((first, masked | size))
    elif form == 16:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    return head + (payload if key is None else key + masked_with(key, payload))


def text(payload: str | bytes) -> bytes:
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload)


def binary(payload: bytes) -> bytes:
    return frame(BINARY, payload)


def ping(payload: bytes = b"") -> bytes:
    return frame(PING, payload)


def pong(payload: bytes = b"") -> bytes:
    return frame(PONG, payload)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def fragments(opcode: int, *pieces: bytes) -> list[bytes]:
    """The frames of one message sent in these pieces."""
    return [
        frame(CONTINUATION if at else opcode, piece, fin=at == len(pieces) - 1)
        for at, piece in enumerate(pieces)
    ]


def masked_with(key: bytes, payload: bytes) -> bytes:
    """RFC 6455 section 5.3, byte by byte."""
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def numbered(start: int, count: int, size: int = 16) -> list[bytes]:
    """Distinct payloads that sort in order: the number, filled up to ``size`` bytes."""
    return [b"%010d" % number + b"." * (size - 10) for number in range(start, start + count)]


@dataclass(frozen=True)
class Frame:
    """A frame as a server reads it."""

    opcode: int
    payload: bytes
    fin: bool
    rsv: int
    masked: bool
    key: bytes = b""

    @property
    def close_code(self) -> int | None:
        """The code of a close frame, ``None`` if it carries none."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


def read_frame(data: bytes | bytearray, at: int = 0) -> tuple[Frame, int] | None:
    """The frame that begins at ``at`` and where it ends, or ``None`` if it is not whole."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    size, start = second & 0x7F, at + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        if len(data) < start + width:
            return None
        size = int.from_bytes(data[start : start + width], "big")
        start += width
    masked = bool(second & 0x80)
    key = bytes(data[start : start + 4]) if masked else b""
    start += len(key)
    if len(data) < start + size or (masked and len(key) < 4):
        return None
    payload = bytes(data[start : start + size])
    if masked:
        stream = (key * (size // 4 + 1))[:size]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(
            size, "big"
        )
    return (
        Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7, masked, key),
        start + size,
    )


def read_frames(data: bytes | bytearray) -> list[Frame]:
    """Every whole frame of ``data``, which must end with one."""
    found: list[Frame] = []
    at = 0
    while at < len(data):
        step = read_frame(data, at)
        assert step is not None, f"{len(data) - at} bytes are not a whole frame"
        found.append(step[0])
        at = step[1]
    return found
