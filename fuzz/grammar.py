"""Inputs that get far: legal conversations out of a fuzzer's bytes, and frames changed as frames.

What builds frames here is the tests' own (``tests.support.frames``), which shares no code with the
package.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close,
    fragments,
    frame,
    read_frame,
)

if TYPE_CHECKING:
    import random

    from .choices import Choices

MAX_MESSAGE = 70_000
"""Bytes; more than a 16-bit length tells."""

SENDABLE_CODES = (1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999)
CHARACTERS = ("a", "é", "€", "🀄", "\x00", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000")
EDGES = (0, 1, 7, 8, 31, 32, 33, 125, 126, 127, 255, 1023, 1025, 65535, 65536, MAX_MESSAGE)


@dataclass(frozen=True)
class Conversation:
    """A legal stream, and what a client must make of it.

    Attributes:
        stream: What the server sends.
        expected: ``(opcode, payload)`` of each message and control frame, in order.
        bits: The server's window as a power of two; ``None`` without permessage-deflate.
        forget: Whether ``server_no_context_takeover`` holds.
    """

    stream: bytes
    expected: list[tuple[int, bytes]]
    bits: int | None
    forget: bool


class Compressor:
    """A server's side of permessage-deflate, block by block as the choices say.

    Args:
        bits: 9 to 15.
        forget: Whether each message begins with an empty window.
    """

    def __init__(self, bits: int, forget: bool) -> None:
        self._bits = bits
        self._forget = forget
        self._history = b""

    def message(self, payload: bytes, choices: Choices) -> bytes:
        """``payload`` in one to four runs of blocks, each perhaps ending in a final one."""
        history = b"" if self._forget else self._history
        out = bytearray()
        for piece in pieces_of(payload, choices, 3):
            final = choices.chance(4)
            deflater = zlib.compressobj(
                choices.one_of((6, 0, 1, 9)),
                zlib.DEFLATED,
                -self._bits,
                choices.one_of((8, 1)),
                choices.one_of((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY)),
                # A dictionary of the whole window makes zlib refer one byte too far back.
                zdict=history[-(1 << self._bits) + 262 :],
            )
            out += deflater.compress(piece)
            out += deflater.flush(zlib.Z_FINISH if final else zlib.Z_SYNC_FLUSH)
            history += piece
        self._history = history[-(1 << 15) :]
        if out.endswith(b"\x00\x00\xff\xff"):
            return bytes(out[:-4])
        return bytes(out) + b"\x00"  # RFC 7692 section 7.2.3.4: behind a final block


def pieces_of(payload: bytes, choices: Choices, most: int) -> list[bytes]:
    """``payload`` cut ``most`` times or less; pieces may be empty."""
    cuts = sorted(choices.number(len(payload) + 1) for _ in range(choices.number(most + 1)))
    return [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]


def payload_from(choices: Choices, opcode: int) -> bytes:
    """Few decisions, any length up to `MAX_MESSAGE`; UTF-8 for a text."""
    size = choices.one_of(EDGES if choices.chance(64) else EDGES[:-3])
    if opcode == TEXT:
        characters = [choices.one_of(CHARACTERS) for _ in range(choices.number(8))]
        made = "".join(characters).encode()
        filled = b"t" * (size - len(made))
        return filled + made if choices.chance(2) else made + filled
    made = choices.take(min(size, 1 + choices.number(64))) or b"\x00"
    return (made * (size // len(made) + 1))[:size]


def conversation_from(choices: Choices) -> Conversation:
    """A legal conversation."""
    bits = choices.one_of((None, 15, 15, 9, 12))
    forget = choices.chance(3)
    compressor = Compressor(bits, forget) if bits else None
    stream = bytearray()
    expected: list[tuple[int, bytes]] = []

    def control() -> None:
        opcode = choices.one_of((PING, PONG))
        body = choices.take(choices.number(126))
        stream.extend(frame(opcode, body))
        expected.append((opcode, body))

    for _ in range(1 + choices.number(6)):
        if not choices.left:
            break
        if choices.chance(5):
            control()
        opcode = choices.one_of((TEXT, BINARY))
        payload = payload_from(choices, opcode)
        deflated = compressor is not None and choices.chance(2)
        sent = compressor.message(payload, choices) if compressor and deflated else payload
        parts = fragments(opcode, *pieces_of(sent, choices, 4))
        if deflated:
            parts[0] = bytes((parts[0][0] | 0x40,)) + parts[0][1:]
        for number, part in enumerate(parts):
            stream += part
            if number < len(parts) - 1 and choices.chance(4):
                control()
        expected.append((opcode, payload))
    if choices.chance(3):
        reason = "".join(choices.one_of(CHARACTERS) for _ in range(choices.number(20))).encode()
        code = choices.one_of(SENDABLE_CODES)
        stream += close(code, reason) + choices.take(3)
        expected.append((CLOSE, struct.pack("!H", code) + reason))
    return Conversation(bytes(stream), expected, bits, forget)


def frames_of(stream: bytes) -> list[bytes]:
    """``stream`` cut where its frames end; what is no whole frame is the last piece."""
    found = []
    at = 0
    while at < len(stream) and (step := read_frame(stream, at)) is not None:
        found.append(stream[at : step[1]])
        at = step[1]
    return [*found, stream[at:]] if at < len(stream) else found


def some_frame(rng: random.Random) -> bytes:
    """A frame of any kind, mostly legal by itself."""
    opcode = rng.choice((TEXT, BINARY, CONTINUATION, CONTINUATION, CLOSE, PING, PONG, 3, 11))
    payload = rng.choice(
        (
            b"",
            rng.randbytes(rng.randrange(20)),
            "".join(rng.choices(CHARACTERS, k=rng.randrange(12))).encode(),
            b"t" * rng.choice(EDGES[:-3]),
            struct.pack("!H", rng.choice((*SENDABLE_CODES, 999, 1005, 5000))) + b"why",
            b"\xe2\x82",
            b"\x03\x00",
            zlib.compress(b"a" * 100, wbits=-15),
        )
    )
    form = rng.choice((None, None, None, 16, 64))
    return frame(
        opcode,
        payload,
        fin=rng.random() < 0.7 or opcode >= CLOSE,
        rsv=rng.choice((0, 0, 0, 0, 4, 1)),
        key=rng.choice((None, None, None, None, None, None, None, b"keys")),
        length_form=form,
        announced=rng.choice((None, None, 1 << 63, (1 << 63) - 1, 301)) if form == 64 else None,
    )


def mutated_frames(stream: bytes, rng: random.Random) -> bytes:
    """One frame of ``stream`` put in, left out, doubled, moved, cut in two or changed."""
    parts = frames_of(stream)
    at = rng.randrange(len(parts)) if parts else 0
    kind = rng.randrange(6) if parts else 0
    if kind == 0:
        parts.insert(rng.randint(0, len(parts)), some_frame(rng))
    elif kind == 1:
        del parts[at]
    elif kind == 2:
        parts.insert(rng.randint(0, len(parts)), parts[at])
    elif kind == 3:
        parts.append(parts.pop(at))
    elif kind == 4:
        parts[at : at + 1] = cut_in_two(parts[at], rng)
    else:
        parts[at] = bytes((parts[at][0] ^ 1 << rng.randrange(8),)) + parts[at][1:]
    return b"".join(parts)


def cut_in_two(part: bytes, rng: random.Random) -> list[bytes]:
    """A data frame as two fragments; anything else as it is."""
    step = read_frame(part)
    if step is None or step[0].opcode >= CLOSE:
        return [part]
    found = step[0]
    cut = rng.randint(0, len(found.payload))
    return [
        frame(found.opcode, found.payload[:cut], fin=False, rsv=found.rsv),
        frame(CONTINUATION, found.payload[cut:], fin=found.fin),
    ]
