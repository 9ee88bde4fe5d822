"""What must hold for any bytes that a server may send. A broken property is an AssertionError.

Three groups, each a function of a fuzzer's input:

* `parser`: the input is what a peer sends. Any split of it gives the same, the twin says the same,
  and the limits hold.
* `inflater`: the input is compressed messages. Each is a message or one of the two documented
  errors, within the limit, as zlib fed byte by byte says.
* `roundtrip`: the input makes a legal conversation. It arrives as it was sent, however it is cut;
  and what the client encodes can be read.
"""

from __future__ import annotations

import random
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from tests.support.frames import CLOSE, frame

from tickwire.wire import DeflateParameters, Inflater, core, fallback
from tickwire.wire.deflate import InflateError

from .choices import Choices
from .grammar import MAX_MESSAGE, conversation_from, mutated_frames

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = (300, 0, 1, 125, 126, 1000, 65536, MAX_MESSAGE)
WINDOWS = (None, 15, 9, 8)
DEAR_EVERY = 16
"""What takes long (the twin, the split into single bytes, the naive inflater on longer messages)
takes part in one input of so many."""

SHORT = 64
"""Bytes of an inflater's input that is always compared."""

HEADER = 2
"""Bytes of a parser's input that say how it is fed; the rest is what the peer sends."""

_rng = random.Random(6455)
SIZES = [tuple(_rng.choice((1, 1, 2, 3, 8, 40, 130)) for _ in range(13)) for _ in range(256)]
"""Sizes of the pieces of a split, taken in turn."""

TAIL = b"\x00\x00\xff\xff"
MAX_FINAL_BLOCKS = 1024

Told = tuple[list[tuple[int, bytes]], tuple[int, str] | None, int | None, str | None]


def may_be_dear(data: bytes) -> bool:
    """Whether this input is one of those that may take long; the same answer each time."""
    return zlib.crc32(data) % DEAR_EVERY == 0


def split(stream: bytes, seed: int) -> list[bytes]:
    """``stream`` in the pieces that ``seed`` (0 to 255) stands for."""
    sizes = SIZES[seed]
    pieces = []
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)] << turn // 16  # so that a long one takes not too many
        pieces.append(stream[at : at + size])
        at += size
        turn += 1
    return pieces


def told(
    wire: Any, pieces: list[bytes], limit: int, bits: int | None = None, forget: bool = False
) -> Told:
    """All that a parser tells once fed ``pieces``."""
    parser = wire.MessageParser(max_message_size=limit)
    if bits is not None:
        parser.inflater = Inflater(
            DeflateParameters(server_max_window_bits=bits, server_no_context_takeover=forget)
        )
    events: list[tuple[int, bytes]] = []
    for piece in pieces:
        # An array has no byte behind its last: the address sanitizer sees a read of one too many.
        events += parser.feed(array("B", piece))
    return events, parser.failure, parser.close_code, parser.close_reason


def bytes_of(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def parser(data: bytes) -> None:
    """See the module's text. The first byte has the limit (3 bits), the window (2) and whether it
    is forgotten (1); the second one the split."""
    if len(data) < HEADER:
        return
    how, seed = data[0], data[1]
    stream = data[HEADER:]
    limit, bits, forget = LIMITS[how & 7], WINDOWS[how >> 3 & 3], bool(how & 0x20)
    whole = told(core, [stream], limit, bits, forget)
    judged(whole, stream, limit, compressed=bits is not None)
    assert told(core, split(stream, seed), limit, bits, forget) == whole
    if may_be_dear(data):
        assert told(core, bytes_of(stream), limit, bits, forget) == whole
        assert told(fallback, [stream], limit, bits, forget) == whole
        assert told(fallback, split(stream, seed), limit, bits, forget) == whole


def judged(what: Told, stream: bytes, limit: int, *, compressed: bool) -> None:
    """The limits, and that what is told fits together."""
    events, failure, close_code, close_reason = what
    inside = 0
    for opcode, payload in events:
        if opcode >= CLOSE:
            assert len(payload) <= 125
        else:
            assert len(payload) <= limit
            inside += len(payload)
            if opcode == 1:
                payload.decode()
    assert compressed or inside <= len(stream)
    assert failure is None or failure[0] in (1002, 1007, 1009)
    assert (close_code is None) == (close_reason is None)
    if close_code is not None:
        assert failure is None
        assert events[-1][0] == CLOSE
    assert sum(opcode == CLOSE for opcode, _ in events) == (close_code is not None)


def inflater(data: bytes) -> None:
    """See the module's text. The first byte has the window (3 bits), the limit (3) and whether the
    window is forgotten (1); then messages, each behind its length in two bytes."""
    if not data:
        return
    bits, limit, forget = 15 - (data[0] & 7), LIMITS[data[0] >> 3 & 7], bool(data[0] & 0x40)
    choices = Choices(data[1:])
    ours = Inflater(
        DeflateParameters(server_max_window_bits=bits, server_no_context_takeover=forget)
    )
    theirs = Naive(forget)
    # With a smaller window zlib's verdict on what refers beyond it hangs on its buffers.
    compared = bits == 15 and (len(data) <= SHORT or may_be_dear(data))
    while choices.left:
        message = choices.take(choices.number(65536))
        code = 0
        found = b""
        try:
            found = ours.inflate(message, limit)
        except InflateError as error:
            code = error.close_code
        assert code in (0, 1007, 1009)
        assert len(found) <= limit
        if compared:
            verdict, whole = theirs.inflate(message, limit)
            # Malformed right behind the bound it is both, and zlib may look that far ahead.
            assert code == verdict or (code, verdict) == (1007, 1009)
            assert found == whole
        if code:
            return


class Naive:
    """RFC 7692 section 7.2.2 with a window of 32 KiB: the standard library's zlib, byte by byte."""

    def __init__(self, forget: bool) -> None:
        self._forget = forget
        self._begin(b"")

    def _begin(self, history: bytes) -> None:
        self._stream = zlib.decompressobj(-15, zdict=history[-32768:])
        self._history = history

    def inflate(self, message: bytes, limit: int) -> tuple[int, bytes]:
        """The close code of the error, or 0 and the message."""
        if self._forget:
            self._begin(b"")
        found = b""
        finals = 0
        whole = message + TAIL
        for at in range(len(whole)):
            if self._stream.eof:
                finals += 1
                if finals > MAX_FINAL_BLOCKS:
                    return 1009, b""
                self._begin(self._history)
                if whole[at:] == TAIL:
                    break
            try:
                piece = self._stream.decompress(whole[at : at + 1])
            except zlib.error:
                return 1007, b""
            found += piece
            self._history += piece
            if len(found) > limit:
                return 1009, b""
        if self._stream.eof:
            self._begin(self._history)
        return 0, found


def roundtrip(data: bytes) -> None:
    """See the module's text. The input is the decisions of `grammar.conversation_from`."""
    choices = Choices(data)
    seed = choices.number(256)
    sent = conversation_from(choices)
    stream = sent.stream
    whole = told(core, [stream], MAX_MESSAGE, sent.bits, sent.forget)
    assert whole[:2] == (sent.expected, None)
    pieces = split(stream, seed)
    assert told(core, pieces, MAX_MESSAGE, sent.bits, sent.forget) == whole
    if may_be_dear(data):
        assert told(fallback, pieces, MAX_MESSAGE, sent.bits, sent.forget) == whole
        if len(stream) < 4096:
            assert told(core, bytes_of(stream), MAX_MESSAGE, sent.bits, sent.forget) == whole
        key = zlib.crc32(data).to_bytes(4, "big")
        for opcode, payload in sent.expected:
            if len(payload) < 4096:
                encoded = core.encode_frame(opcode, array("B", payload), key)
                assert encoded == frame(opcode, payload, key=key)


GROUPS: dict[str, Callable[[bytes], None]] = {
    "parser": parser,
    "inflater": inflater,
    "roundtrip": roundtrip,
}


def mutated(group: str, data: bytes, rng: random.Random) -> bytes:
    """``data`` changed as its group's inputs are made; the plain changes are libFuzzer's."""
    if group == "parser":
        head = data[:HEADER].ljust(HEADER, b"\x00")
        return head + mutated_frames(data[HEADER:], rng)
    if group == "inflater":
        return data[:1].ljust(1, b"\x00") + mutated_messages(data[1:], rng)
    return rng.randbytes(rng.randrange(1, 64)) + data[rng.randrange(len(data) + 1) :]


def mutated_messages(data: bytes, rng: random.Random) -> bytes:
    """Compressed messages put in, left out, doubled or moved."""
    choices = Choices(data)
    messages = []
    while choices.left:
        messages.append(choices.take(choices.number(65536)))
    kind = rng.randrange(4) if messages else 0
    at = rng.randrange(len(messages)) if messages else 0
    if kind == 0:
        messages.insert(at, some_message(rng))
    elif kind == 1:
        del messages[at]
    elif kind == 2:
        messages.append(messages[at])
    else:
        messages[at] += some_message(rng)
    return packed(messages)


def some_message(rng: random.Random) -> bytes:
    """Blocks of every kind, whole and well formed, over what is short, long or repeated."""
    payload = rng.randbytes(rng.randrange(1, 30)) * rng.choice((1, 1, 2, 40, 3000))
    deflater = zlib.compressobj(
        rng.randrange(10),
        zlib.DEFLATED,
        -rng.randrange(9, 16),
        rng.randrange(1, 10),
        rng.choice((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE)),
    )
    made = deflater.compress(payload)
    return made + deflater.flush(rng.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH)))


def packed(messages: list[bytes]) -> bytes:
    """Messages as the inflater's inputs hold them, cut where two bytes cannot tell their length."""
    cut = [message[:65535] for message in messages]
    return b"".join(len(message).to_bytes(2, "big") + message for message in cut)
