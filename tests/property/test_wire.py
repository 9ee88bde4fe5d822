"""Properties of the wire layer: any split gives the same, both cores agree, what goes out comes
back."""

from __future__ import annotations

import codecs
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.cores import COMPILED, CORES, NOT_BUILT, outcome
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
    read_frames,
)
from tickwire.wire import (
    HandshakeViolation,
    check_response,
    fallback,
    parse_response,
)

needs_both = pytest.mark.skipif(COMPILED is None, reason=NOT_BUILT)
every_core = pytest.mark.parametrize("core", CORES)

LIMIT = 300
"""A small message limit, so that it is met often."""

texts = st.text(max_size=60).map(str.encode) | st.text(
    alphabet="aé€🀄", min_size=30, max_size=90
).map(str.encode)
payloads = st.binary(max_size=140)
controls = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """``data`` in pieces, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def conversation(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """What a server may send, and what a client must make of it."""
    stream, expected = bytearray(), []
    for _ in range(draw(st.integers(0, 6))):
        opcode = draw(st.sampled_from([TEXT, BINARY]))
        payload = draw(texts if opcode == TEXT else payloads)
        pieces = draw(split(payload))
        for piece in fragments(opcode, *pieces):
            stream += piece
            if piece[0] & 0x80:
                expected.append((opcode, payload))
            for control, body in draw(st.lists(controls, max_size=1)):
                stream += frame(control, body)
                expected.append((control, body))
    if draw(st.booleans()):
        stream += close(1000, b"end")
        expected.append((CLOSE, b"\x03\xe8end"))
    return bytes(stream), expected


@st.composite
def broken_conversation(draw: st.DrawFn) -> bytes:
    """A legal stream with a few bytes changed, left out or put in: mostly legal, then not."""
    stream = bytearray(draw(conversation())[0])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(stream)))
        kind = draw(st.sampled_from(["change", "remove", "insert", "bit"]))
        if kind == "insert" or at == len(stream):
            stream[at:at] = draw(st.binary(min_size=1, max_size=4))
        elif kind == "remove":
            del stream[at : at + draw(st.integers(1, 3))]
        elif kind == "bit":
            stream[at] ^= 1 << draw(st.integers(0, 7))
        else:
            stream[at] = draw(st.integers(0, 255))
    return bytes(stream)


@st.composite
def likely_frames(draw: st.DrawFn) -> bytes:
    """Frames with every field drawn, legal or not: headers that random bytes hardly ever form."""
    stream = bytearray()
    for _ in range(draw(st.integers(1, 5))):
        opcode = draw(st.sampled_from([TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG, 3, 11]))
        form = draw(st.sampled_from([None, None, None, 16, 64]))
        stream += frame(
            opcode,
            draw(
                payloads | texts | st.sampled_from([b"\x03\xe8", b"\x03\xec", b"\xe2\x82", b"\xff"])
            ),
            fin=draw(st.booleans()),
            rsv=draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 4])),
            key=draw(st.sampled_from([None, None, None, None, None, b"\0\0\0\0"])),
            length_form=form,
            announced=draw(st.sampled_from([None, None, None, 0, LIMIT, LIMIT + 1, 1 << 63]))
            if form == 64
            else None,
        )
    return bytes(stream)


def naive(
    stream: bytes, limit: int
) -> tuple[list[tuple[int, bytes]], int | None, int | None, str | None]:
    """RFC 6455 section 5 for a client, read off the page, over a whole stream at once."""
    found: list[tuple[int, bytes]] = []
    begun: int | None = None
    message = b""
    at = 0
    while len(stream) - at >= 2:
        first, second = stream[at], stream[at + 1]
        fin, opcode, size = first >> 7, first & 15, second & 127
        control = opcode >= 8
        if (
            first & 0x70
            or second & 0x80
            or opcode not in (0, 1, 2, 8, 9, 10)
            or (control and (not fin or size > 125))
            or (opcode == 0 and begun is None)
            or (opcode in (1, 2) and begun is not None)
        ):
            return found, 1002, None, None
        at += 2
        width = {126: 2, 127: 8}.get(size, 0)
        if len(stream) - at < width:
            break
        if width:
            size = int.from_bytes(stream[at : at + width], "big")
            at += width
        if size >= 1 << 63:
            return found, 1002, None, None
        if not control and len(message) + size > limit:
            return found, 1009, None, None
        payload = stream[at : at + size]
        whole = len(payload) == size
        at += size
        if control:
            if not whole:
                break
            if opcode == CLOSE:
                return close_judged(found, payload)
            found.append((opcode, payload))
            continue
        begun = opcode or begun
        message += payload
        if begun == TEXT and not may_become_utf8(message, ended=bool(fin) and whole):
            return found, 1007, None, None
        if not whole:
            break
        if fin:
            found.append((begun or 0, message))
            begun, message = None, b""
    return found, None, None, None


def may_become_utf8(data: bytes, *, ended: bool) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data, ended)
    except UnicodeDecodeError:
        return False
    # A surrogate is refused by this decoder no sooner than at its third byte.
    return not re.match(rb"\xed[\xa0-\xbf]", decoder.getstate()[0])


def close_judged(
    found: list[tuple[int, bytes]], payload: bytes
) -> tuple[list[tuple[int, bytes]], int | None, int | None, str | None]:
    if len(payload) == 1:
        return found, 1002, None, None
    code = int.from_bytes(payload[:2], "big") if payload else 1005
    sendable = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
    if payload and code not in sendable:
        return found, 1002, None, None
    if not may_become_utf8(payload[2:], ended=True):
        return found, 1007, None, None
    return [*found, (CLOSE, payload)], None, code, payload[2:].decode()


streams = st.binary(max_size=80) | broken_conversation() | likely_frames()


@every_core
@given(data=st.data())
def test_a_legal_stream_in_any_split_gives_its_messages(core: Any, data: st.DataObject) -> None:
    stream, expected = data.draw(conversation())
    for pieces in (
        [stream],
        [stream[at : at + 1] for at in range(len(stream))],
        data.draw(split(stream)),
    ):
        found, failure, code, _ = outcome(core, pieces)
        assert failure is None
        assert found == expected
        assert code == (1000 if expected and expected[-1][0] == CLOSE else None)


@every_core
@given(data=st.data())
def test_any_stream_in_any_split_gives_the_same(core: Any, data: st.DataObject) -> None:
    stream = data.draw(streams)
    whole = outcome(core, [stream], max_message_size=LIMIT)
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    assert outcome(core, bytewise, max_message_size=LIMIT) == whole
    assert outcome(core, data.draw(split(stream)), max_message_size=LIMIT) == whole


@needs_both
@given(data=st.data())
def test_both_cores_say_the_same(data: st.DataObject) -> None:
    stream = data.draw(streams)
    pieces = data.draw(split(stream))
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    for way in ([stream], bytewise, pieces):
        assert outcome(COMPILED, way, max_message_size=LIMIT) == outcome(
            fallback, way, max_message_size=LIMIT
        )


@every_core
@given(data=st.data())
def test_any_stream_is_judged_as_the_rfc_reads(core: Any, data: st.DataObject) -> None:
    stream = data.draw(streams)
    found, failure, code, reason = outcome(core, [stream], max_message_size=LIMIT)
    judged = naive(stream, LIMIT)
    assert (found, failure and failure[0], code, reason) == judged


@every_core
@given(payload=st.binary(max_size=300), fin=st.booleans(), key=st.binary(min_size=4, max_size=4))
def test_what_is_encoded_is_read_back(core: Any, payload: bytes, fin: bool, key: bytes) -> None:
    for opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        (found,) = read_frames(core.encode_frame(opcode, payload, key, fin))
        assert (found.opcode, found.payload, found.fin) == (opcode, payload, fin)
        assert (found.masked, found.key, found.rsv) == (True, key, 0)


@needs_both
@given(payload=st.binary(max_size=300), fin=st.booleans(), key=st.binary(min_size=4, max_size=4))
def test_both_cores_encode_the_same(payload: bytes, fin: bool, key: bytes) -> None:
    for opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        encoded = fallback.encode_frame(opcode, payload, key, fin)
        assert COMPILED.encode_frame(opcode, payload, key, fin) == encoded


@every_core
@given(data=st.binary(max_size=12) | texts, at=st.integers(0, 40))
@example(data=b"\xed\x9f\xbf\xee\x80\x80", at=31)
@example(data=b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", at=7)
def test_utf8_is_what_the_codec_accepts(core: Any, data: bytes, at: int) -> None:
    padded = b"a" * at + data + b"b" * (40 - at)
    for candidate in (data, padded):
        try:
            candidate.decode()
        except UnicodeDecodeError:
            assert not core.is_utf8(candidate)
        else:
            assert core.is_utf8(candidate)


header_lines = st.tuples(
    st.sampled_from(
        ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions", "X", " "]
    ),
    st.sampled_from([":", ": ", "", "\r\n "]),
    st.text(st.characters(max_codepoint=255), max_size=12) | st.sampled_from(["websocket", "a, b"]),
).map("".join)

header_blocks = st.binary(max_size=80) | st.tuples(
    st.sampled_from(["HTTP/1.1 101 Yes", "HTTP/1.1 \xb9\xb0\xb9 x", "HTTP/1.1", "", "HTTP/9 0"]),
    st.lists(header_lines, max_size=5),
    st.sampled_from(["\r\n", "\n", "\r\n\r\n"]),
).map(lambda parts: parts[2].join([parts[0], *parts[1], "", ""]).encode("latin-1"))


@given(block=header_blocks)
def test_any_header_block_is_parsed_or_refused(block: bytes) -> None:
    try:
        response = parse_response(block)
        check_response(response, "dGhlIHNhbXBsZSBub25jZQ==", ("v1",))
    except HandshakeViolation:
        return
    assert response.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
