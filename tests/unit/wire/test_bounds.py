"""What a peer cannot make a client spend: memory that is no part of a message, or work without end.

And the other side of a bound: what keeps to it is taken, in whatever form it comes.
"""

from __future__ import annotations

import sys
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.cores import CORES, outcome
from tests.support.frames import BINARY, CONTINUATION, TEXT, frame
from tickwire.wire import DeflateParameters, Inflater, fallback
from tickwire.wire.deflate import InflateError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.parametrize("core", CORES)

LIMIT = 64 * 1024


def grown(call: Callable[[], object]) -> int:
    """Bytes of memory that are still in use after ``call``."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


# ------------------------------------------------------------------ fragments


@pytest.mark.parametrize(("size", "count"), [(0, 100_000), (1, 40_000), (1023, 60), (1024, 60)])
def test_what_is_held_of_a_message_is_not_much_more_than_the_message(
    core: Any, size: int, count: int
) -> None:
    """Each fragment as an object of its own would take forty bytes for none or one of payload."""
    parser = core.MessageParser(max_message_size=LIMIT)
    parser.feed(frame(BINARY, b"", fin=False))
    piece = frame(CONTINUATION, b"x" * size, fin=False) * 20

    def feed() -> None:
        for _ in range(count // 20):
            assert parser.feed(piece) == []

    assert grown(feed) < 2 * size * count + 8192
    assert parser.feed(frame(CONTINUATION, b"end")) == [(BINARY, b"x" * size * count + b"end")]


def test_fragments_of_all_sizes_are_put_together_in_order(core: Any) -> None:
    parts = [b"%05d" % number * (1 + number % 7 * 100) for number in range(60)]
    pieces = [frame(BINARY, b"", fin=False)]
    pieces += [frame(CONTINUATION, part, fin=False) for part in parts]
    pieces += [frame(CONTINUATION, b"")]
    for again in (1, 2):
        found, failure, *_ = outcome(core, pieces * again)
        assert found == [(BINARY, b"".join(parts))] * again
        assert failure is None


# ------------------------------------------------------------------ sizes


def deflating(core: Any, limit: int) -> Any:
    parser = core.MessageParser(max_message_size=limit)
    parser.inflater = Inflater(DeflateParameters())
    return parser


def test_a_message_that_grew_when_it_was_compressed_is_taken(core: Any) -> None:
    """Incompressible bytes take nine bits each in the fixed code."""
    payload = bytes(range(144, 256)) * 600
    sent = huffman_coded(payload)
    assert len(sent) > len(payload) * 1.1
    found = deflating(core, len(payload)).feed(frame(BINARY, sent, rsv=4))
    assert found == [(BINARY, payload)]


def huffman_coded(payload: bytes) -> bytes:
    """One block in the fixed code (RFC 1951 section 3.2.6), each byte from 144 a literal of nine
    bits; its end, and the beginning of the empty block that RFC 7692 takes off."""
    bits = [0, 1, 0]  # not final; type 1, lowest bit first
    for byte in payload:
        code = 0b110010000 + byte - 144
        bits += [code >> place & 1 for place in range(8, -1, -1)]
    bits += [0] * 7
    bits += [0, 0, 0]  # an empty stored block, up to its length
    bits += [0] * (-len(bits) % 8)
    return bytes(
        sum(bit << place for place, bit in enumerate(bits[at : at + 8]))
        for at in range(0, len(bits), 8)
    )


def test_the_largest_limit_that_there_is(core: Any) -> None:
    parser = deflating(core, sys.maxsize)
    deflater = zlib.compressobj(wbits=-15)
    sent = (deflater.compress(b"small") + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert parser.feed(frame(TEXT, sent, rsv=4)) == [(TEXT, b"small")]
    assert parser.feed(frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"x")) == [(TEXT, b"x")]
    assert parser.failure is None


def test_an_announced_size_that_no_memory_has(core: Any) -> None:
    parser = core.MessageParser(max_message_size=sys.maxsize)
    assert parser.feed(frame(BINARY, b"x", length_form=64, announced=1 << 59)) == []
    # The twin grows with what arrives; the compiled core makes room at the header.
    assert parser.failure == (
        None if core is fallback else (1009, "message larger than the memory")
    )


def test_a_surrogate_is_refused_at_its_second_byte(core: Any) -> None:
    parser = core.MessageParser()
    parser.feed(frame(TEXT, b"abc\xed", fin=False))
    assert parser.failure is None
    parser.feed(frame(CONTINUATION, b"\xa0....")[:3])
    assert parser.failure is not None
    assert parser.failure[0] == 1007


# ------------------------------------------------------------------ inflating


FINAL = b"\x03\x00"
"""An empty block in the fixed code, the last of its stream."""


def test_final_blocks_without_end(core: Any) -> None:
    parser = deflating(core, 4 << 20)
    parser.feed(frame(BINARY, FINAL * (1 << 20), rsv=4))
    assert parser.failure == (1009, "message of more than 1024 final blocks")


def test_as_many_final_blocks_as_are_allowed(core: Any) -> None:
    parser = deflating(core, LIMIT)
    for _ in range(2):
        assert parser.feed(frame(BINARY, FINAL * 1024, rsv=4)) == [(BINARY, b"")]
    parser.feed(frame(BINARY, FINAL * 1025, rsv=4))
    assert parser.failure is not None


def test_long_streams_behind_final_blocks(core: Any) -> None:
    """Longer than the pieces in which they are inflated, and each referring to the one before."""
    parts = [bytes((number * at) % 251 for at in range(9000)) for number in (3, 5, 7)]
    sent = b""
    history = b""
    for part in parts:
        deflater = zlib.compressobj(0 if part is parts[1] else 6, wbits=-15, zdict=history)
        sent += deflater.compress(part * 2) + deflater.flush()
        history = (history + part * 2)[-32768 + 262 :]
    parser = deflating(core, 1 << 20)
    found = parser.feed(frame(BINARY, sent + b"\x00", rsv=4))
    assert found == [(BINARY, b"".join(part * 2 for part in parts))]
    assert parser.failure is None


def test_the_window_is_all_that_an_inflater_keeps(core: Any) -> None:
    parser = deflating(core, LIMIT)
    empty = frame(BINARY, b"\x00", rsv=4) * 100

    def feed() -> None:
        for _ in range(300):
            assert len(parser.feed(empty)) == 100

    assert grown(feed) < 8192


def test_a_bound_of_nothing(core: Any) -> None:
    with pytest.raises(InflateError) as caught:
        Inflater(DeflateParameters()).inflate(b"\x4b\x04\x00", 0)
    assert caught.value.close_code == 1009
    assert deflating(core, 0).feed(frame(BINARY, b"\x00", rsv=4)) == [(BINARY, b"")]
