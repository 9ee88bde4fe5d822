"""A small corpus to begin with, made here: one input per rule that the wire layer knows."""

from __future__ import annotations

import random
import zlib

from tests.support.frames import BINARY, CLOSE, PING, TEXT, close, fragments, frame, ping, text

from .properties import LIMITS, packed, some_message

PLAIN = 0
COMPRESSED = 1 << 3


def deflated(payload: bytes, *, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """``payload`` as blocks, with what a sync flush ends in."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflater.compress(payload) + deflater.flush(flush)


def streams() -> list[tuple[int, bytes]]:
    """``(how a parser is made, what the peer sends)``."""
    plain = [
        text("hello") + frame(BINARY, bytes(range(256))) + ping(b"p") + close(1000, b"bye"),
        b"".join(fragments(TEXT, b"\xe2", b"\x82", b"", b"\xac")),
        ping().join(fragments(BINARY, b"a" * 130, b"b", b"c")),
        frame(BINARY, b"x" * 200, length_form=64),
        frame(BINARY, b"x" * 70, length_form=16),
        frame(BINARY, announced=301),
        frame(BINARY, announced=1 << 63),
        frame(TEXT, b"ab\xed\xa0\x80"),
        frame(TEXT, "aé€🀄".encode() * 12),
        frame(TEXT, b"masked", key=b"keys"),
        frame(CLOSE, b"\x03"),
        close(None),
        close(1005),
        close(4999, b"\xff"),
        frame(PING, b"", fin=False),
        frame(PING, b"p" * 126),
        frame(3) + frame(11),
        text("one") + frame(BINARY, b"two", rsv=4),
    ]
    parts = fragments(TEXT, *(deflated(b"hello " * 9)[at : at + 5] for at in range(0, 15, 5)))
    compressed = [
        frame(TEXT, deflated(b"hello " * 9)[:-4], rsv=4) * 2,
        frame(BINARY, deflated(b"final", flush=zlib.Z_FINISH) + b"\0", rsv=4) * 2,
        frame(parts[0][0] & 15, parts[0][2:], rsv=4, fin=False) + parts[1] + ping() + parts[2],
        frame(TEXT, deflated(b"\xff")[:-4], rsv=4),
        frame(BINARY, deflated(bytes(2000))[:-4], rsv=4),
        frame(BINARY, b"\xff", rsv=4),
        text("plain") + frame(PING, rsv=4),
    ]
    return [(PLAIN, stream) for stream in plain] + [(COMPRESSED, stream) for stream in compressed]


def corpus(group: str) -> list[bytes]:
    """The inputs that a group begins with."""
    rng = random.Random(group)
    if group == "parser":
        return [
            bytes((how | number % len(LIMITS) * (number % 3 == 0), number)) + stream
            for number, (how, stream) in enumerate(streams())
        ]
    if group == "inflater":
        finals = [b"\x03\x00" * count for count in (1, 2, 100)]
        made = [[some_message(rng) for _ in range(rng.randrange(1, 4))] for _ in range(20)]
        return [
            bytes((rng.choice((0, 0, 0, 6, 7)) | rng.choice((0, 7, 7, 5)) << 3,)) + packed(messages)
            for messages in [*made, *([final, b"\x00"] for final in finals)]
        ]
    return [rng.randbytes(size) for size in (1, 4, 10, 20, 40, 80, 160, 320) for _ in range(4)]
