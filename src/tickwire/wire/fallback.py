"""The wire core in pure Python: the twin of ``_wire.pyx``, and the readable reference.

Same rules, same order of checks, same names; see the theory of operation there. It is what runs
where the compiled core could not be built, or where ``TICKWIRE_PURE=1`` asks for it.
"""

from __future__ import annotations

import codecs
from os import urandom
from typing import TYPE_CHECKING

from .deflate import InflateError
from .opcodes import MAX_CONTROL_PAYLOAD, CloseCode, Opcode, is_wire_close_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from .deflate import Inflater

__all__ = ["MaskKeys", "MessageParser", "encode_frame", "is_utf8"]

_FIN = 0x80
_RSV1 = 0x40
_RSV = 0x70
_MASKED = 0x80
_TEXT = int(Opcode.TEXT)
_BINARY = int(Opcode.BINARY)
_CLOSE = int(Opcode.CLOSE)
_PONG = int(Opcode.PONG)
_LONG_PART = 1024
_FIN_TEXT = _FIN | _TEXT
_FIN_BINARY = _FIN | _BINARY

_new_utf8_decoder = codecs.getincrementaldecoder("utf-8")


def _begins_surrogate(pending: bytes) -> bool:
    """Whether an unfinished sequence can only become a surrogate: the one that the incremental
    decoder refuses no sooner than at its third byte."""
    return len(pending) == 2 and pending[0] == 0xED and pending[1] >= 0xA0


class MessageParser:
    """Turns the bytes that a server sends into messages and control frames.

    Args:
        max_message_size: The largest message to accept, in bytes; a larger one is refused at the
            header that announces it, with close code 1009.

    With :attr:`unchecked_text` set, the UTF-8 of text messages (RFC 6455 section 8.1) is left to
    whoever decodes them; that of close reasons is not.
    """

    def __init__(self, *, max_message_size: int = 4 * 1024 * 1024) -> None:
        self.failure: tuple[int, str] | None = None
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self.inflater: Inflater | None = None
        """Set by a negotiated permessage-deflate; ``None`` forbids RSV1."""
        self.unchecked_text = False
        """Set by a program that wants text as it comes, valid UTF-8 or not."""
        self._message_deflated = False
        # Above any message, and far enough below the largest number for zlib.
        self._max_message_size = min(max_message_size, 1 << 60)
        self._head = bytearray()
        self._in_payload = False
        self._frame_opcode = 0
        self._frame_fin = False
        self._frame_len = 0
        self._partial = bytearray()
        self._message_opcode = 0
        self._message_len = 0
        self._parts: list[bytes | bytearray] = []
        self._utf8 = _new_utf8_decoder()
        self._done = False
        self._collected: list[tuple[int, bytes]] = []

    def feed(self, data: Buffer) -> list[tuple[int, bytes]]:
        """Parse ``data`` and return what it completed: ``[(opcode, payload), ...]`` in order.

        After a violation :attr:`failure` is ``(close code, reason)``; after a close frame
        :attr:`close_code` is set. In both cases all further bytes are ignored.
        """
        self._parse(bytes(data))
        got, self._collected = self._collected, []
        return got

    def _on_message(self, payload: bytes, opcode: int) -> None:
        """A whole data message. Overridden by the transport."""
        self._collected.append((opcode, payload))

    def _on_control(self, opcode: int, payload: bytes) -> None:
        """A control frame, valid. Overridden by the transport."""
        self._collected.append((opcode, payload))

    def _fail(self, code: int, reason: str) -> None:
        self.failure = (int(code), reason)
        self._done = True
        self._parts = []

    def _parse(self, data: bytes) -> None:
        pos = 0
        end = len(data)
        limit = self._max_message_size
        while pos < end and not self._done:
            if self._in_payload:
                take = min(self._frame_len - len(self._partial), end - pos)
                self._fill(data[pos : pos + take])
                pos += take
                continue
            if not self._head and not self._message_opcode and end - pos >= 2:
                first = data[pos]
                if first in (_FIN_TEXT, _FIN_BINARY):
                    length = data[pos + 1]
                    start = pos + 2
                    if length == 126 and end - pos >= 4:
                        length = (data[pos + 2] << 8) | data[pos + 3]
                        start = pos + 4
                    elif length > 125:
                        start = 0  # 64-bit length, masked, or header cut: the slow road
                    stop = start + length
                    if start and stop <= end and length <= limit:
                        payload = data[start:stop]
                        if first == _FIN_TEXT and not self.unchecked_text and not is_utf8(payload):
                            self._fail(CloseCode.INVALID_DATA, "text message is not UTF-8")
                            return
                        pos = stop
                        self._on_message(payload, first & 0x0F)
                        continue
            pos = self._take_head(data, pos)

    def _take_head(self, data: bytes, pos: int) -> int:
        """Move header bytes into the head; begin the frame when it is whole. Returns the new
        position."""
        head = self._head
        while True:
            want = 2 if len(head) < 2 else {126: 4, 127: 10}.get(head[1] & 0x7F, 2)
            if len(head) == want:
                self._begin_frame()
                return pos
            if pos == len(data):
                return pos
            head.append(data[pos])
            pos += 1
            if len(head) == 2:
                broken = self._broken_rule(head[0], head[1])
                if broken is not None:
                    self._fail(CloseCode.PROTOCOL_ERROR, broken)
                    return pos

    def _broken_rule(self, first: int, second: int) -> str | None:
        """What RFC 6455 sections 5.1 to 5.5 forbid about a frame's first two bytes."""
        opcode = first & 0x0F
        if first & _RSV and not (
            first & _RSV == _RSV1 and self.inflater is not None and opcode in (_TEXT, _BINARY)
        ):
            # RFC 7692 section 6: RSV1 marks a message's first frame, and no other.
            return "reserved bit set without an extension"
        if second & _MASKED:
            return "masked frame from a server"
        if opcode >= _CLOSE:
            if opcode > _PONG:
                return "reserved opcode"
            if not first & _FIN:
                return "fragmented control frame"
            if second > MAX_CONTROL_PAYLOAD:
                return "control frame longer than 125 bytes"
        elif opcode > _BINARY:
            return "reserved opcode"
        elif opcode == Opcode.CONTINUATION:
            if not self._message_opcode:
                return "continuation without a message"
        elif self._message_opcode:
            return "new message inside a fragmented one"
        return None

    def _begin_frame(self) -> None:
        head = self._head
        length = head[1] & 0x7F
        if length >= 126:
            length = int.from_bytes(head[2:], "big")
            if length >> 63:
                self._fail(CloseCode.PROTOCOL_ERROR, "frame length with the highest bit set")
                return
        head0 = head[0]
        self._frame_opcode = head0 & 0x0F
        self._frame_fin = bool(head0 & _FIN)
        head.clear()
        if self._frame_opcode < _CLOSE:
            if self._frame_opcode != Opcode.CONTINUATION:
                self._message_opcode = self._frame_opcode
                self._message_deflated = bool(head0 & _RSV1)
                self._utf8.reset()
            limit = self._max_message_size
            if self._message_deflated:
                # What cannot be compressed grows: by an eighth in the fixed code's literals of nine
                # bits, and by what begins and ends each block. The exact bound is kept when
                # inflating.
                limit += (limit >> 2) + 64
            if length > limit - self._message_len:
                self._fail(
                    CloseCode.MESSAGE_TOO_BIG, f"message larger than {self._max_message_size} bytes"
                )
                return
        self._frame_len = length
        self._partial = bytearray()
        if length == 0:
            self._end_frame()
        else:
            self._in_payload = True

    def _fill(self, piece: bytes) -> None:
        """``piece`` is more of the payload of the frame at hand."""
        if (
            self._message_opcode == _TEXT
            and self._frame_opcode < _CLOSE
            and not self._message_deflated
            and not self.unchecked_text
        ):
            try:
                self._utf8.decode(piece)
                broken = _begins_surrogate(self._utf8.getstate()[0])
            except UnicodeDecodeError:
                broken = True
            if broken:
                self._in_payload = False
                self._fail(CloseCode.INVALID_DATA, "text message is not UTF-8")
                return
        self._partial += piece
        if len(self._partial) == self._frame_len:
            self._in_payload = False
            self._end_frame()

    def _end_frame(self) -> None:
        payload = bytes(self._partial)
        self._partial = bytearray()
        if self._frame_opcode >= _CLOSE:
            self._end_control(self._frame_opcode, payload)
            return
        self._message_len += len(payload)
        if not self._frame_fin:
            self._keep(payload)
            return
        if self._parts:
            self._parts.append(payload)
            payload = b"".join(self._parts)
            self._parts.clear()
        opcode = self._message_opcode
        self._message_opcode = 0
        self._message_len = 0
        if self._message_deflated and self.inflater is not None:
            self._message_deflated = False
            self._deliver_inflated(self.inflater, payload, opcode)
            return
        if opcode == _TEXT and self._utf8.getstate()[0]:
            self._fail(CloseCode.INVALID_DATA, "text message is not UTF-8")
            return
        self._on_message(payload, opcode)

    def _keep(self, part: bytes) -> None:
        """Hold a fragment until its message is whole. An object of its own costs more than it
        holds if the fragment is short, and there may be millions: those are put together."""
        last = self._parts[-1] if self._parts else None
        if len(part) >= _LONG_PART:
            self._parts.append(part)
        elif isinstance(last, bytearray):
            last += part
        elif part:
            self._parts.append(bytearray(part))

    def _deliver_inflated(self, inflater: Inflater, payload: bytes, opcode: int) -> None:
        """A whole compressed message: inflate it, then check and deliver it like any other."""
        try:
            data = inflater.inflate(payload, self._max_message_size)
        except InflateError as error:
            self._fail(error.close_code, str(error))
            return
        if opcode == _TEXT and not self.unchecked_text and not is_utf8(data):
            self._fail(CloseCode.INVALID_DATA, "text message is not UTF-8")
            return
        self._on_message(data, opcode)

    def _end_control(self, opcode: int, payload: bytes) -> None:
        if opcode == _CLOSE:
            if not payload:
                self.close_code = int(CloseCode.NO_STATUS_RCVD)
                self.close_reason = ""
            elif len(payload) == 1:
                self._fail(CloseCode.PROTOCOL_ERROR, "close frame with half a code")
                return
            else:
                code = int.from_bytes(payload[:2], "big")
                if not is_wire_close_code(code):
                    self._fail(CloseCode.PROTOCOL_ERROR, f"close code {code} may not be sent")
                    return
                if not is_utf8(payload[2:]):
                    self._fail(CloseCode.INVALID_DATA, "close reason is not UTF-8")
                    return
                self.close_code = code
                self.close_reason = payload[2:].decode()
            self._done = True
        self._on_control(opcode, payload)


class MaskKeys:
    """Masking keys from a CSPRNG (RFC 6455 section 5.3), drawn in bulk.

    Args:
        source: ``source(n)`` gives ``n`` unpredictable bytes; ``os.urandom`` unless a test asks
            for something it can foresee.
    """

    def __init__(self, source: Callable[[int], bytes] = urandom) -> None:
        self._source = source
        self._pool = b""
        self._used = 0

    def take(self) -> bytes:
        """The next key, as four bytes."""
        if self._used == len(self._pool):
            self._pool = self._source(4096)
            self._used = 0
        key = self._pool[self._used : self._used + 4]
        self._used += 4
        return key


def encode_frame(
    opcode: int, payload: Buffer, key: bytes, fin: bool = True, rsv1: bool = False
) -> bytes:
    """One masked frame as bytes.

    Args:
        opcode: See :class:`~tickwire.wire.Opcode`.
        payload: Bytes-like; read, not kept.
        key: The masking key, four bytes.
        fin: Whether the frame ends its message.
        rsv1: Whether it begins a compressed message (RFC 7692 section 6).
    """
    if len(key) != 4:
        raise ValueError("a masking key has four bytes")
    data = bytes(payload)
    size = len(data)
    first = opcode | (_FIN if fin else 0) | (_RSV1 if rsv1 else 0)
    if size < 126:
        head = bytes((first, _MASKED | size))
    elif size < 65536:
        head = bytes((first, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, _MASKED | 127)) + size.to_bytes(8, "big")
    # One XOR of two large integers: the fastest masking that pure Python has.
    stream = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(
        size, "little"
    )
    return head + key + masked


def is_utf8(data: Buffer) -> bool:
    """Whether ``data`` (bytes-like) is whole, valid UTF-8 (RFC 3629)."""
    raw = bytes(data)
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
