"""Messages that are worth compressing, and one connection's stream of them, compressed beforehand.

Random filler cannot be compressed, and one text over and over compresses to nothing. So a message
here is JSON in the form of an order-book update whose numbers differ from message to message.
"""

from __future__ import annotations

import functools
import random
import zlib

from benchmarks.frames import BLOB_BYTES, STAMP, frame_header

__all__ = ["deflated_blob", "market_message", "messages_per_blob"]

_RSV1 = 0x40
_LEVEL = 6
_TAIL = b"\x00\x00\xff\xff"  # not sent: RFC 7692 section 7.2.1


def market_message(size: int, sequence: int) -> bytes:
    """The message with this number: the stamp (its time is zero), then JSON, cut to ``size``."""
    rng = random.Random(sequence)
    head = f'{{"e":"depthUpdate","E":{1_700_000_000_000 + sequence},"s":"BTCUSDT","b":['
    levels = []
    length = STAMP.size + len(head)
    while length < size:
        levels.append(f'["{60_000 + rng.random() * 500:.2f}000000","{rng.random():.5f}000"]')
        length += len(levels[-1]) + 1
    return (STAMP.pack(sequence, 0) + (head + ",".join(levels)).encode()).ljust(size)[:size]


def messages_per_blob(size: int) -> int:
    """How many messages of this size, before compression, make up one blob."""
    return max(1, BLOB_BYTES // size)


@functools.lru_cache(maxsize=8)
def deflated_blob(size: int, count: int) -> bytes:
    """``count`` frames of permessage-deflate with context takeover, numbered from zero.

    It may be sent again and again on one connection: the compressor began with an empty window, so
    that nothing in the blob refers to what came before it.
    """
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    frames: list[bytes] = []
    for i in range(count):
        data = compressor.compress(market_message(size, i)) + compressor.flush(zlib.Z_SYNC_FLUSH)
        payload = data.removesuffix(_TAIL)
        head = bytearray(frame_header(len(payload)))
        head[0] |= _RSV1
        frames += [bytes(head), payload]
    return b"".join(frames)
