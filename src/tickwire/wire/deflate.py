"""permessage-deflate (RFC 7692): its negotiation, and messages in and out. No I/O.

The client offers, the server's answer fixes the parameters, and from then on either direction has a
compressor whose window lives from message to message unless "no context takeover" was agreed.

zlib does the work; zlib-ng does it where it is installed (``pip install 'tickwire[deflate]'``).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from .opcodes import CloseCode

__all__ = [
    "BACKEND",
    "Deflate",
    "DeflateParameters",
    "Deflater",
    "ExtensionViolation",
    "InflateError",
    "Inflater",
    "negotiated",
    "offer",
]

try:
    _codec: Any = import_module("zlib_ng.zlib_ng")
    BACKEND = "zlib-ng"
except ImportError:
    _codec = zlib
    BACKEND = "zlib"

_NAME = "permessage-deflate"
_TAIL = b"\x00\x00\xff\xff"
"""What a sync flush ends in; not sent (RFC 7692 section 7.2.1)."""

_MIN_COMPRESSOR_BITS = 9
"""zlib cannot compress with a window of 256 bytes, and the answer may ask for one."""


_MAX_FINAL_BLOCKS = 1024
"""In one message. Each begins a stream anew, which takes microseconds; a block can be two bytes."""

_SMALL = 16 * 1024
"""Bytes, inflated, for which the codec's output buffer does not grow."""

_PIECE = 4096
"""Bytes that are inflated at a time behind a final block."""


class ExtensionViolation(ValueError):
    """The server's answer is not one that RFC 7692 section 7.1 allows to what was offered."""


class InflateError(ValueError):
    """A compressed message cannot be had.

    Attributes:
        close_code: 1009 if it is larger than allowed once inflated or takes too much work, 1007 if
            it is malformed.
    """

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(reason)
        self.close_code = int(close_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflate:
    """What to offer, and how hard to compress.

    Attributes:
        server_no_context_takeover: Ask the server to forget its window after every message: less
            memory there, worse compression.
        client_no_context_takeover: Forget ours.
        server_max_window_bits: Ask the server to keep to a window of 2**n bytes, 8 to 15; it bounds
            the memory that inflating takes.
        client_max_window_bits: Keep to a window of 2**n bytes ourselves, 8 to 15.
        level: zlib's 0 to 9.
        mem_level: zlib's 1 to 9.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None
    level: int = 1
    mem_level: int = 8

    def __post_init__(self) -> None:
        for name in ("server_max_window_bits", "client_max_window_bits"):
            bits = getattr(self, name)
            if bits is not None and not 8 <= bits <= 15:
                raise ValueError(f"{name} must be from 8 to 15, not {bits}")
        if not 0 <= self.level <= 9:
            raise ValueError(f"level must be from 0 to 9, not {self.level}")
        if not 1 <= self.mem_level <= 9:
            raise ValueError(f"mem_level must be from 1 to 9, not {self.mem_level}")


@dataclass(frozen=True, slots=True)
class DeflateParameters:
    """What both sides agreed on; window sizes as powers of two."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15


def offer(wanted: Deflate) -> str:
    """The ``Sec-WebSocket-Extensions`` value that offers ``wanted``."""
    parts = [_NAME]
    if wanted.server_no_context_takeover:
        parts.append("server_no_context_takeover")
    if wanted.client_no_context_takeover:
        parts.append("client_no_context_takeover")
    if wanted.server_max_window_bits is not None:
        parts.append(f"server_max_window_bits={wanted.server_max_window_bits}")
    bits = wanted.client_max_window_bits
    parts.append("client_max_window_bits" if bits is None else f"client_max_window_bits={bits}")
    return "; ".join(parts)


def negotiated(extensions: list[str], wanted: Deflate) -> DeflateParameters | None:
    """Check the server's answer against the offer.

    Args:
        extensions: The elements of the answer's ``Sec-WebSocket-Extensions``.
        wanted: What was offered.

    Returns:
        What holds on this connection, or ``None`` if the server declined.

    Raises:
        ExtensionViolation: Another extension, an unknown, repeated or malformed parameter, or one
            that contradicts the offer (section 7.1: the client must fail the connection).
    """
    if not extensions:
        return None
    if len(extensions) > 1:
        raise ExtensionViolation(f"more extensions than were offered: {extensions}")
    name, *items = (item.strip() for item in extensions[0].split(";"))
    if name != _NAME:
        raise ExtensionViolation(f"extension {name!r} was not offered")
    found: dict[str, str | None] = {}
    for item in items:
        key, equals, value = (part.strip() for part in item.partition("="))
        if key in found:
            raise ExtensionViolation(f"{key} stands twice in the answer")
        found[key] = value.strip('"') if equals else None
    stated = "client_max_window_bits" in found
    parameters = DeflateParameters(
        server_no_context_takeover=_flag(found, "server_no_context_takeover"),
        client_no_context_takeover=_flag(found, "client_no_context_takeover")
        or wanted.client_no_context_takeover,
        server_max_window_bits=_bits(found, "server_max_window_bits"),
        client_max_window_bits=_bits(found, "client_max_window_bits"),
    )
    if found:
        raise ExtensionViolation(f"unknown parameters in the answer: {sorted(found)}")
    if wanted.server_no_context_takeover and not parameters.server_no_context_takeover:
        raise ExtensionViolation("the server did not agree to server_no_context_takeover")
    if parameters.server_max_window_bits > (wanted.server_max_window_bits or 15):
        raise ExtensionViolation("the server chose a larger window than it was asked for")
    if parameters.client_max_window_bits > (wanted.client_max_window_bits or 15):
        if stated:
            raise ExtensionViolation("the server answered with a larger window than was offered")
        # It said nothing: what was offered for ourselves holds.
        return replace(parameters, client_max_window_bits=wanted.client_max_window_bits or 15)
    return parameters


def _flag(found: dict[str, str | None], key: str) -> bool:
    if key not in found:
        return False
    if found.pop(key) is not None:
        raise ExtensionViolation(f"{key} takes no value")
    return True


def _bits(found: dict[str, str | None], key: str) -> int:
    if key not in found:
        return 15
    text = found.pop(key) or ""
    # One or two ASCII digits without a leading zero (section 7.1.2).
    if text not in {str(bits) for bits in range(8, 16)}:
        raise ExtensionViolation(f"{key}={text} is not a number from 8 to 15")
    return int(text)


class Inflater:
    """Inflates the messages of one direction.

    Args:
        parameters: What was agreed.
    """

    def __init__(self, parameters: DeflateParameters) -> None:
        self._bits = -parameters.server_max_window_bits
        self._window = 1 << parameters.server_max_window_bits
        self._forget = parameters.server_no_context_takeover
        self._stream = _codec.decompressobj(wbits=self._bits)
        # The largest message so far. zlib-ng's output buffer doubles when it is full: one of just
        # 1 MiB would end in a buffer of 2 MiB, fresh from the system every time. So it is let
        # beyond this only if there is more.
        self._largest = _SMALL
        # What came last, a window of it or up to twice as much: zlib does not give its own one
        # away, and a stream that had a final block must be begun anew with it.
        self._recent = bytearray()

    def inflate(self, payload: bytes, limit: int) -> bytes:
        """One message.

        Args:
            payload: The message as it was sent, its fragments joined.
            limit: Bytes; inflating stops there, so that a small message cannot take all memory.

        Raises:
            InflateError: The message is larger than ``limit``, has more than 1,024 final blocks,
                or is not deflate.
        """
        room = self._largest if self._largest < limit else limit
        try:
            data: bytes = self._stream.decompress(payload + _TAIL, room + 1)
            if len(data) > room:
                data = self._larger(data, limit)
            if self._stream.eof:
                data = self._past_final_blocks(data, payload + _TAIL, limit)
        except _codec.error as error:
            raise InflateError(CloseCode.INVALID_DATA, "message is not deflate data") from error
        if len(data) > limit:
            raise InflateError(CloseCode.MESSAGE_TOO_BIG, f"message larger than {limit} bytes")
        if self._forget:
            self._stream = _codec.decompressobj(wbits=self._bits)
        else:
            self._remember(data)
        return data

    def _larger(self, data: bytes, limit: int) -> bytes:
        """Go on with a message that is larger than any before it, up to one byte past the limit."""
        if not self._stream.eof and len(data) <= limit:
            data += self._stream.decompress(self._stream.unconsumed_tail, limit + 1 - len(data))
        self._largest = len(data)
        return data

    def _past_final_blocks(self, data: bytes, message: bytes, limit: int) -> bytes:
        """Go on after a block with BFINAL set (sections 7.2.2 and 7.2.3.5).

        It ends zlib's stream but neither the message nor the window.

        Args:
            data: What came of ``message`` up to the end of its first final block.
        """
        found = bytearray(data)
        at = len(message) - len(self._stream.unused_data)
        for _ in range(_MAX_FINAL_BLOCKS):
            self._stream = self._with_window(found)
            if message.startswith(_TAIL, at) and at + len(_TAIL) == len(message):
                return bytes(found)
            # Piece by piece: zlib copies what is left of a piece behind a final block.
            while not self._stream.eof:
                if at >= len(message) or len(found) > limit:
                    return bytes(found)
                piece = message[at : at + _PIECE]
                found += self._stream.decompress(piece, limit + 1 - len(found))
                at += len(piece) - len(self._stream.unused_data)
        raise InflateError(
            CloseCode.MESSAGE_TOO_BIG, f"message of more than {_MAX_FINAL_BLOCKS} final blocks"
        )

    def _with_window(self, found: bytearray) -> Any:
        """A stream whose window holds what came before, ``found`` last."""
        history = bytes((self._recent[-self._window :] + found[-self._window :])[-self._window :])
        return _codec.decompressobj(wbits=self._bits, zdict=history)

    def _remember(self, data: bytes) -> None:
        self._recent += data[-self._window :]
        if len(self._recent) > 2 * self._window:
            del self._recent[: -self._window]


class Deflater:
    """Deflates the messages of one direction.

    Args:
        parameters: What was agreed.
        wanted: The compression level and memory.
    """

    def __init__(self, parameters: DeflateParameters, wanted: Deflate) -> None:
        self._bits = parameters.client_max_window_bits
        self._forget = parameters.client_no_context_takeover
        self._level = wanted.level
        self._mem_level = wanted.mem_level
        self._stream: Any = self._new() if self.works else None

    @property
    def works(self) -> bool:
        """Whether messages can be compressed; if not they are sent plain, which is allowed."""
        return self._bits >= _MIN_COMPRESSOR_BITS

    def _new(self) -> Any:
        return _codec.compressobj(self._level, _codec.DEFLATED, -self._bits, self._mem_level)

    def deflate(self, payload: bytes) -> bytes:
        """One message, ready to be framed with RSV1 set; call in the order of sending."""
        stream = self._new() if self._forget else self._stream
        data: bytes = stream.compress(payload) + stream.flush(_codec.Z_SYNC_FLUSH)
        # An empty message deflates to nothing but the tail; a lone empty block stands for it.
        return data[:-4] or b"\x00"
