"""permessage-deflate: what one side deflates the other inflates, and garbage is an error, not
worse."""

from __future__ import annotations

import itertools
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cores import COMPILED, NOT_BUILT
from tests.support.frames import BINARY, CONTINUATION, TEXT, frame, ping
from tickwire.wire import Deflate, DeflateParameters, Deflater, Inflater, fallback
from tickwire.wire.deflate import ExtensionViolation, InflateError, negotiated

TAIL = b"\x00\x00\xff\xff"
LIMIT = 1 << 16

windows = st.integers(9, 15)
payloads = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda piece, count: piece * count, st.binary(max_size=20), st.integers(0, 2000)),
)


@given(
    messages=st.lists(payloads, max_size=8),
    bits=windows,
    forget=st.booleans(),
    level=st.integers(0, 9),
    mem_level=st.integers(1, 9),
)
def test_out_and_in_again(
    messages: list[bytes], bits: int, forget: bool, level: int, mem_level: int
) -> None:
    there = Deflater(
        DeflateParameters(client_no_context_takeover=forget, client_max_window_bits=bits),
        Deflate(level=level, mem_level=mem_level),
    )
    back = Inflater(
        DeflateParameters(server_no_context_takeover=forget, server_max_window_bits=bits)
    )
    for message in messages:
        assert back.inflate(there.deflate(message), LIMIT) == message


@given(data=st.binary(max_size=200), limit=st.integers(0, 500), prefix=payloads)
def test_garbage_is_a_bounded_message_or_an_error(data: bytes, limit: int, prefix: bytes) -> None:
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    inflater = Inflater(DeflateParameters())
    first = (stream.compress(prefix) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert inflater.inflate(first, LIMIT) == prefix
    code = 0
    got = b""
    try:
        got = inflater.inflate(data, limit)
    except InflateError as error:
        code = error.close_code
    assert code in (0, 1007, 1009)
    assert len(got) <= limit


@given(
    answers=st.lists(
        st.one_of(
            st.text(max_size=60),
            st.builds(
                lambda items: "; ".join(("permessage-deflate", *items)),
                st.lists(
                    st.sampled_from(
                        [
                            "server_no_context_takeover",
                            "client_no_context_takeover",
                            "server_max_window_bits",
                            "server_max_window_bits=8",
                            "server_max_window_bits=15",
                            "client_max_window_bits=9",
                            'client_max_window_bits="12"',
                            "client_max_window_bits=16",
                            "=",
                            "",
                        ]
                    ),
                    max_size=4,
                ),
            ),
        ),
        max_size=2,
    ),
    wanted=st.builds(
        Deflate,
        server_no_context_takeover=st.booleans(),
        client_no_context_takeover=st.booleans(),
        server_max_window_bits=st.none() | st.integers(8, 15),
        client_max_window_bits=st.none() | st.integers(8, 15),
    ),
)
def test_any_answer_is_judged(answers: list[str], wanted: Deflate) -> None:
    try:
        agreed = negotiated(answers, wanted)
    except ExtensionViolation:
        return
    if agreed is None:
        assert answers == []
        return
    assert 8 <= agreed.server_max_window_bits <= (wanted.server_max_window_bits or 15)
    assert 8 <= agreed.client_max_window_bits <= (wanted.client_max_window_bits or 15)
    assert agreed.server_no_context_takeover >= wanted.server_no_context_takeover
    assert agreed.client_no_context_takeover >= wanted.client_no_context_takeover


@pytest.mark.skipif(COMPILED is None, reason=NOT_BUILT)
@given(
    messages=st.lists(st.tuples(payloads, st.booleans(), st.integers(1, 4)), max_size=5),
    damage=st.none() | st.tuples(st.integers(0), st.integers(1, 255)),
    cuts=st.lists(st.integers(0, 5000), max_size=6),
    size=st.sampled_from([100, 5000, LIMIT]),
)
def test_both_cores_tell_the_same(
    messages: list[tuple[bytes, bool, int]],
    damage: tuple[int, int] | None,
    cuts: list[int],
    size: int,
) -> None:
    """Compressed or not, in fragments, with pings between, damaged, and cut anywhere."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    stream = bytearray()
    for payload, deflated, pieces in messages:
        data = payload
        if deflated:
            data = (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        step = len(data) // pieces + 1
        parts = [data[at : at + step] for at in range(0, len(data), step)] or [b""]
        for at, part in enumerate(parts):
            opcode = CONTINUATION if at else (TEXT if payload.isascii() else BINARY)
            rsv = 4 if deflated and not at else 0
            stream += frame(opcode, part, rsv=rsv, fin=at == len(parts) - 1) + ping(b"p")
    if damage is not None and stream:
        stream[damage[0] % len(stream)] ^= damage[1]
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces_of_stream = [bytes(stream[a:b]) for a, b in itertools.pairwise(edges)]
    assert told(COMPILED, pieces_of_stream, size) == told(fallback, pieces_of_stream, size)


def told(core: Any, pieces: list[bytes], size: int) -> tuple[Any, ...]:
    parser = core.MessageParser(max_message_size=size)
    parser.inflater = Inflater(DeflateParameters())
    events: list[tuple[int, bytes]] = []
    for piece in pieces:
        events += parser.feed(piece)
    return events, parser.failure, parser.close_code, parser.close_reason
