"""Parsing: every rule of RFC 6455 section 5, in both cores, whole and byte by byte."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from tests.support.cores import CORES, outcome
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    binary,
    close,
    fragments,
    frame,
    ping,
    pong,
    text,
)
from tickwire.wire import DeflateParameters, Inflater

pytestmark = pytest.mark.parametrize("core", CORES)

PROTOCOL_ERROR = 1002
NO_STATUS_RCVD = 1005
INVALID_DATA = 1007
MESSAGE_TOO_BIG = 1009


def each_split(stream: bytes) -> list[list[bytes]]:
    """The stream whole, byte by byte, and cut in two at every place (or at many)."""
    step = max(1, len(stream) // 200)
    cuts = sorted({*range(1, min(len(stream), 20)), *range(1, len(stream), step)})
    bytewise = [stream[at : at + 1] for at in range(len(stream))]
    return [[stream], bytewise, *([stream[:cut], stream[cut:]] for cut in cuts)]


def events(core: Any, stream: bytes, **options: Any) -> list[tuple[int, bytes]]:
    """What a legal stream gives, the same for every split."""
    results = [outcome(core, pieces, **options) for pieces in each_split(stream)]
    first = results[0]
    assert first[1] is None, first[1]
    assert all(result == first for result in results)
    found: list[tuple[int, bytes]] = first[0]
    return found


def violation(core: Any, stream: bytes, **options: Any) -> tuple[int, list[tuple[int, bytes]]]:
    """The close code for an illegal stream and the events before it, the same for every split."""
    results = [outcome(core, pieces, **options) for pieces in each_split(stream)]
    first = results[0]
    assert first[1] is not None, "no rule was found broken"
    assert all(result == first for result in results)
    code, reason = first[1]
    assert reason
    assert first[2] is None, "a violation is not a close"
    return code, first[0]


# ------------------------------------------------------------------ what is legal


def test_the_examples_of_section_5_7(core: Any) -> None:
    assert events(core, bytes.fromhex("810548656c6c6f")) == [(TEXT, b"Hello")]
    assert events(core, bytes.fromhex("010348656c80026c6f")) == [(TEXT, b"Hello")]
    assert events(core, bytes.fromhex("890548656c6c6f")) == [(PING, b"Hello")]
    assert events(core, bytes.fromhex("827e0100") + bytes(256)) == [(BINARY, bytes(256))]
    large = bytes.fromhex("827f0000000000010000") + bytes(65536)
    assert outcome(core, [large])[0] == [(BINARY, bytes(65536))]


@pytest.mark.parametrize("size", [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_lengths(core: Any, opcode: int, size: int) -> None:
    payload = bytes(65 + at % 26 for at in range(size))
    assert events(core, frame(opcode, payload)) == [(opcode, payload)]


@pytest.mark.parametrize("size", [0, 1, 124, 125])
@pytest.mark.parametrize("opcode", [PING, PONG])
def test_control_frames_up_to_125_bytes(core: Any, opcode: int, size: int) -> None:
    assert events(core, frame(opcode, bytes(size))) == [(opcode, bytes(size))]


def test_fragments_become_one_message(core: Any) -> None:
    stream = b"".join(fragments(TEXT, b"bid", b"", b"ask", b""))
    assert events(core, stream) == [(TEXT, b"bidask")]


def test_all_fragments_empty(core: Any) -> None:
    assert events(core, b"".join(fragments(BINARY, b"", b"", b""))) == [(BINARY, b"")]


def test_control_frames_between_fragments_come_first(core: Any) -> None:
    first, second, third = fragments(BINARY, b"a", b"b", b"c")
    stream = first + ping(b"1") + second + pong(b"2") + ping() + third + text("next")
    assert events(core, stream) == [
        (PING, b"1"),
        (PONG, b"2"),
        (PING, b""),
        (BINARY, b"abc"),
        (TEXT, b"next"),
    ]


def test_a_close_between_fragments_ends_the_stream_without_the_message(core: Any) -> None:
    first, second = fragments(TEXT, b"half", b"done")
    parser_events, failure, code, reason = outcome(core, [first + close(1001, b"bye") + second])
    assert parser_events == [(CLOSE, b"\x03\xe9bye")]
    assert failure is None
    assert (code, reason) == (1001, "bye")


def test_a_character_split_by_fragments_and_a_ping(core: Any) -> None:
    euro = "€".encode()
    first, second, third = fragments(TEXT, euro[:1], euro[1:2], euro[2:])
    stream = first + ping(b"\xff\xfe") + second + ping() + third
    assert events(core, stream) == [(PING, b"\xff\xfe"), (PING, b""), (TEXT, euro)]


def test_binary_is_not_held_to_be_text(core: Any) -> None:
    stream = binary(b"\xff\xfe\xc0") + b"".join(fragments(BINARY, b"\xe2", b"\x28"))
    assert events(core, stream) == [(BINARY, b"\xff\xfe\xc0"), (BINARY, b"\xe2\x28")]


def test_a_text_after_an_unfinished_character_in_a_binary(core: Any) -> None:
    stream = b"".join(fragments(BINARY, b"\xe2", b"\x82")) + b"".join(fragments(TEXT, b"a", b"b"))
    assert events(core, stream) == [(BINARY, b"\xe2\x82"), (TEXT, b"ab")]


@pytest.mark.parametrize(
    "good",
    [
        "\x00",
        "\x7f",
        "\x80",
        "\u07ff",
        "\u0800",
        "\ud7ff",
        "\ue000",
        "\ufeff",
        "\ufffd",
        "\uffff",
        "\U00010000",
        "\U0010ffff",
        "κόσμε ₿ 🀄 end",
    ],
)
def test_utf8_at_its_borders(core: Any, good: str) -> None:
    payload = good.encode()
    assert core.is_utf8(payload)
    for around in (b"", b"0123456", b"x" * 31, b"y" * 120):
        message = around + payload + around
        assert events(core, text(message)) == [(TEXT, message)]


def test_many_messages_in_one_piece(core: Any) -> None:
    payloads = [b"%d" % number for number in range(300)]
    stream = b"".join(text(payload) for payload in payloads)
    assert events(core, stream) == [(TEXT, payload) for payload in payloads]


def test_feeding_nothing_changes_nothing(core: Any) -> None:
    parser = core.MessageParser()
    assert parser.feed(b"") == []
    assert parser.feed(b"\x81") == []
    assert parser.feed(b"") == []
    assert parser.feed(b"\x01x") == [(TEXT, b"x")]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_input_may_be_reused_at_once(core: Any, kind: Any) -> None:
    buffer = bytearray(text("first") + text("second")[:-3])
    parser = core.MessageParser()
    found = parser.feed(kind(buffer))
    buffer[:] = b"\xff" * len(buffer)
    found += parser.feed(b"ond")
    assert found == [(TEXT, b"first"), (TEXT, b"second")]


# ------------------------------------------------------------------ section 5.2: bits and opcodes


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_reserved_bits(core: Any, opcode: int, rsv: int) -> None:
    stream = text("before") + frame(opcode, b"", rsv=rsv) + text("after")
    assert violation(core, stream) == (PROTOCOL_ERROR, [(TEXT, b"before")])


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"abc"])
def test_reserved_opcodes(core: Any, opcode: int, payload: bytes) -> None:
    stream = text("before") + frame(opcode, payload)
    assert violation(core, stream) == (PROTOCOL_ERROR, [(TEXT, b"before")])


@pytest.mark.parametrize("opcode", [3, 7])
def test_reserved_opcodes_inside_a_message(core: Any, opcode: int) -> None:
    stream = fragments(TEXT, b"a", b"b")[0] + frame(opcode, b"x")
    assert violation(core, stream) == (PROTOCOL_ERROR, [])


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", bytes(126)])
def test_a_server_must_not_mask(core: Any, opcode: int, payload: bytes) -> None:
    stream = binary(b"before") + frame(opcode, payload, key=b"\0\0\0\0")
    assert violation(core, stream) == (PROTOCOL_ERROR, [(BINARY, b"before")])


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_length_with_the_highest_bit(core: Any, opcode: int) -> None:
    for announced in (1 << 63, (1 << 63) + 5, (1 << 64) - 1):
        stream = frame(opcode, b"", length_form=64, announced=announced)
        assert violation(core, stream) == (PROTOCOL_ERROR, [])


@pytest.mark.parametrize("announced", [(1 << 63) - 1, 1 << 62, 1 << 32, (1 << 31) + 1])
def test_huge_lengths_are_too_big_and_allocate_nothing(core: Any, announced: int) -> None:
    stream = frame(BINARY, b"", length_form=64, announced=announced)
    assert violation(core, stream) == (MESSAGE_TOO_BIG, [])


@pytest.mark.parametrize("form", [16, 64])
@pytest.mark.parametrize("size", [0, 5, 125])
def test_a_length_longer_than_needed_is_read_alike(core: Any, form: int, size: int) -> None:
    """Section 5.2 asks senders for the shortest form; like the other clients we read the rest."""
    payload = b"z" * size
    stream = frame(BINARY, payload, length_form=form) + text("after")
    assert events(core, stream) == [(BINARY, payload), (TEXT, b"after")]


# ------------------------------------------------------------------ section 5.4: fragmentation


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("payload", [b"", b"abc"])
def test_a_continuation_of_nothing(core: Any, fin: bool, payload: bytes) -> None:
    stream = text("before") + frame(CONTINUATION, payload, fin=fin)
    assert violation(core, stream) == (PROTOCOL_ERROR, [(TEXT, b"before")])


def test_a_continuation_after_the_last_fragment(core: Any) -> None:
    stream = b"".join(fragments(TEXT, b"a", b"b")) + frame(CONTINUATION, b"c")
    assert violation(core, stream) == (PROTOCOL_ERROR, [(TEXT, b"ab")])


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("begun", [TEXT, BINARY])
@pytest.mark.parametrize("piece", [b"", b"a"])
def test_a_message_inside_a_message(
    core: Any, begun: int, opcode: int, fin: bool, piece: bytes
) -> None:
    stream = frame(begun, piece, fin=False) + ping() + frame(opcode, b"", fin=fin)
    assert violation(core, stream) == (PROTOCOL_ERROR, [(PING, b"")])


# ------------------------------------------------------------------ section 5.5: control frames


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_a_fragmented_control_frame(core: Any, opcode: int) -> None:
    assert violation(core, frame(opcode, b"", fin=False)) == (PROTOCOL_ERROR, [])


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize(
    ("form", "size"), [(16, 2), (16, 125), (16, 126), (64, 2), (64, 126), (64, 65536)]
)
def test_a_long_control_frame(core: Any, opcode: int, form: int, size: int) -> None:
    stream = frame(opcode, b"", length_form=form, announced=size)
    assert violation(core, stream) == (PROTOCOL_ERROR, [])


def test_a_violation_shows_at_the_first_byte_that_breaks_a_rule(core: Any) -> None:
    """The second header byte is enough: nothing is awaited that a broken peer may never send."""
    for two in (b"\xc1\x00", b"\x81\x80", b"\x83\x00", b"\x89\x7e", b"\x09\x00", b"\x80\x01"):
        parser = core.MessageParser()
        parser.feed(two[:1])
        parser.feed(two[1:])
        assert parser.failure is not None, two.hex()
        assert parser.failure[0] == PROTOCOL_ERROR


# ------------------------------------------------------------------ sections 5.5.1 and 7.4: close


def test_close_without_a_code(core: Any) -> None:
    assert outcome(core, [close(None)]) == ([(CLOSE, b"")], None, NO_STATUS_RCVD, "")


@pytest.mark.parametrize("tail", [b"", text("late"), close(4000), b"\xff\xff\xff"])
def test_after_a_close_everything_is_ignored(core: Any, tail: bytes) -> None:
    stream = text("last") + close(1000, b"done") + tail
    for pieces in each_split(stream):
        found, failure, code, reason = outcome(core, pieces)
        assert found == [(TEXT, b"last"), (CLOSE, b"\x03\xe8done")]
        assert (failure, code, reason) == (None, 1000, "done")


def test_after_a_violation_everything_is_ignored(core: Any) -> None:
    parser = core.MessageParser()
    parser.feed(b"\xf1\x00")
    failure = parser.failure
    assert parser.feed(text("late") + close(1000)) == []
    assert parser.failure == failure
    assert parser.close_code is None


def test_half_a_close_code(core: Any) -> None:
    assert violation(core, frame(CLOSE, b"\x03")) == (PROTOCOL_ERROR, [])


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
)
def test_close_codes_that_may_be_sent(core: Any, code: int) -> None:
    assert outcome(core, [close(code, "né".encode())])[1:] == (None, code, "né")


@pytest.mark.parametrize(
    "code",
    [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 32768, 65535],
)
@pytest.mark.parametrize("reason", [b"", b"why"])
def test_close_codes_that_may_not_be_sent(core: Any, code: int, reason: bytes) -> None:
    assert violation(core, close(code, reason)) == (PROTOCOL_ERROR, [])


@pytest.mark.parametrize("reason", [b"\xff", b"ok\xc3", "é".encode()[1:], b"\xed\xa0\x80"])
def test_a_close_reason_that_is_not_utf8(core: Any, reason: bytes) -> None:
    assert violation(core, close(1000, reason)) == (INVALID_DATA, [])


def test_the_longest_close_reason(core: Any) -> None:
    assert outcome(core, [close(1000, b"r" * 123)])[3] == "r" * 123


# ------------------------------------------------------------------ section 8.1: UTF-8

BAD_UTF8 = {
    "lone continuation": b"\x80",
    "two continuations": b"\xbf\x80",
    "overlong 2, lowest": b"\xc0\x80",
    "overlong 2, slash": b"\xc0\xaf",
    "overlong 2, highest": b"\xc1\xbf",
    "overlong 3": b"\xe0\x80\x80",
    "overlong 3, highest": b"\xe0\x9f\xbf",
    "overlong 4": b"\xf0\x80\x80\x80",
    "overlong 4, highest": b"\xf0\x8f\xbf\xbf",
    "surrogate, first": b"\xed\xa0\x80",
    "surrogate, last": b"\xed\xbf\xbf",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "first byte f5": b"\xf5\x80\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "first byte twice": b"\xc3\xc3\xa9",
    "cut by ascii": b"\xe2\x82a",
    "cut by another": b"\xe2\xe2\x82\xac",
    "cut at 3 of 4": b"\xf0\x9f\x98 ",
}


@pytest.mark.parametrize("bad", BAD_UTF8.values(), ids=BAD_UTF8.keys())
@pytest.mark.parametrize("around", [b"", b"abc", b"x" * 8, b"y" * 33, b"z" * 130, "é€".encode()])
def test_bad_utf8_in_a_text(core: Any, bad: bytes, around: bytes) -> None:
    payload = around + bad + around
    assert not core.is_utf8(payload)
    before, expected = text("before"), (INVALID_DATA, [(TEXT, b"before")])
    assert violation(core, before + text(payload) + text("after")) == expected
    middle = len(payload) // 2
    pieces = b"".join(fragments(TEXT, payload[:middle], b"", payload[middle:]))
    assert violation(core, before + pieces) == expected


CUT_UTF8 = [b"\xc3", b"\xe2", b"\xe2\x82", b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xf4\x8f\xbf"]


@pytest.mark.parametrize("cut", CUT_UTF8)
@pytest.mark.parametrize("around", [b"", b"1234567", b"x" * 200])
def test_a_text_that_ends_inside_a_character(core: Any, cut: bytes, around: bytes) -> None:
    assert not core.is_utf8(around + cut)
    assert violation(core, text(around + cut))[0] == INVALID_DATA
    assert violation(core, b"".join(fragments(TEXT, around + cut, b"")))[0] == INVALID_DATA
    assert violation(core, b"".join(fragments(TEXT, around, cut)))[0] == INVALID_DATA


def test_bad_utf8_shows_before_the_frame_is_whole(core: Any) -> None:
    """Section 8.1: the connection may fail as soon as the sequence cannot become valid."""
    parser = core.MessageParser()
    parser.feed(text(b"good so far \xff" + bytes(5000))[:40])
    assert parser.failure is not None
    assert parser.failure[0] == INVALID_DATA


def test_an_unfinished_character_does_not_leak_into_the_next_message(core: Any) -> None:
    parser = core.MessageParser()
    parser.feed(fragments(TEXT, "é".encode(), b"x")[0])
    assert parser.feed(frame(CONTINUATION, b"")) == [(TEXT, "é".encode())]
    assert parser.feed(frame(TEXT, b"\xa9", fin=False)) == []
    assert parser.failure is not None


# ------------------------------------------------------------------ unchecked_text


def unchecked(core: Any, pieces: list[bytes], inflater: Any = None) -> tuple[Any, ...]:
    """What :func:`outcome` tells, of a parser that takes text as it comes."""
    parser = core.MessageParser()
    assert not parser.unchecked_text
    parser.unchecked_text = True
    parser.inflater = inflater
    events: list[tuple[int, bytes]] = []
    for piece in pieces:
        events += parser.feed(piece)
    return events, parser.failure, parser.close_code, parser.close_reason


@pytest.mark.parametrize("bad", BAD_UTF8.values(), ids=BAD_UTF8.keys())
@pytest.mark.parametrize("around", [b"", b"x" * 8, b"z" * 130])
def test_unchecked_text_is_taken_as_it_comes(core: Any, bad: bytes, around: bytes) -> None:
    payload = around + bad + around
    middle = len(payload) // 2
    stream = text(payload) + b"".join(fragments(TEXT, payload[:middle], b"", payload[middle:]))
    expected = [(TEXT, payload), (TEXT, payload), (TEXT, b"after"), (CLOSE, b"\x03\xe8")]
    for pieces in each_split(stream + text("after") + close(1000)):
        assert unchecked(core, pieces) == (expected, None, 1000, "")


@pytest.mark.parametrize("cut", CUT_UTF8)
def test_unchecked_text_may_end_inside_a_character(core: Any, cut: bytes) -> None:
    stream = text(cut) + b"".join(fragments(TEXT, b"x", cut)) + text("after")
    for pieces in each_split(stream):
        events = [(TEXT, cut), (TEXT, b"x" + cut), (TEXT, b"after")]
        assert unchecked(core, pieces) == (events, None, None, None)


@pytest.mark.parametrize("count", [1, 3])
def test_unchecked_text_that_is_compressed(core: Any, count: int) -> None:
    payload = b"caf\xe9 " * 20
    packer = zlib.compressobj(wbits=-15)
    packed = (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    step = len(packed) // count
    cuts = [packed[at * step : (at + 1) * step] for at in range(count - 1)]
    first, *rest = fragments(TEXT, *cuts, packed[(count - 1) * step :])
    stream = bytes((first[0] | 0x40,)) + first[1:] + b"".join(rest) + text("after")
    for pieces in each_split(stream):
        found = unchecked(core, pieces, Inflater(DeflateParameters()))
        assert found == ([(TEXT, payload), (TEXT, b"after")], None, None, None)
    checked = core.MessageParser()
    checked.inflater = Inflater(DeflateParameters())
    assert checked.feed(stream) == []
    assert checked.failure[0] == INVALID_DATA


@pytest.mark.parametrize("reason", [b"\xff", "é".encode()[1:], b"\xed\xa0\x80"])
def test_unchecked_text_is_not_about_close_reasons(core: Any, reason: bytes) -> None:
    for pieces in each_split(text(b"\xff") + close(1000, reason)):
        events, failure, code, _ = unchecked(core, pieces)
        assert events == [(TEXT, b"\xff")]
        assert failure[0] == INVALID_DATA
        assert code is None


def test_unchecked_text_keeps_the_other_rules(core: Any) -> None:
    events, failure, _, _ = unchecked(core, [text(b"\xff") + frame(TEXT, b"x", rsv=4)])
    assert events == [(TEXT, b"\xff")]
    assert failure[0] == PROTOCOL_ERROR


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize("limit", [1, 125, 126, 1000, 65535, 65536, 70000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_the_limit_holds_for_one_frame(core: Any, limit: int, opcode: int) -> None:
    payload = b"m" * limit
    legal = frame(opcode, payload)
    assert outcome(core, [legal], max_message_size=limit) == ([(opcode, payload)], None, None, None)
    over = frame(opcode, payload + b"m")
    for pieces in ([over], [over[:1], over[1:2], over[2:]], [over[:12], over[12:]]):
        found, failure, *_ = outcome(core, pieces, max_message_size=limit)
        assert found == []
        assert failure is not None
        assert failure[0] == MESSAGE_TOO_BIG


@pytest.mark.parametrize("sizes", [(50, 50), (99, 1), (0, 100), (100, 0), (33, 33, 34), (1,) * 100])
def test_the_limit_holds_over_fragments(core: Any, sizes: tuple[int, ...]) -> None:
    pieces = [b"f" * size for size in sizes]
    stream = ping().join(fragments(BINARY, *pieces))
    found = events(core, stream, max_message_size=100)
    assert found[-1] == (BINARY, b"f" * 100)
    stream = b"".join(fragments(BINARY, *pieces, b"x"))
    assert violation(core, stream, max_message_size=100) == (MESSAGE_TOO_BIG, [])


def test_the_limit_is_per_message(core: Any) -> None:
    stream = b"".join(fragments(BINARY, b"a" * 50, b"a" * 50)) * 3 + binary(b"b" * 100) * 3
    found = events(core, stream, max_message_size=100)
    assert [len(payload) for _, payload in found] == [100] * 6


def test_a_message_too_big_is_refused_at_its_header(core: Any) -> None:
    parser = core.MessageParser(max_message_size=1000)
    parser.feed(frame(BINARY, b"", announced=1001))
    assert parser.failure is not None
    assert parser.failure[0] == MESSAGE_TOO_BIG


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_control_frames_do_not_count_towards_the_limit(core: Any, opcode: int) -> None:
    stream = frame(opcode, bytes(125)) + fragments(BINARY, b"x", b"")[0] + frame(opcode, bytes(125))
    found, failure, *_ = outcome(core, [stream], max_message_size=1)
    assert found == [(opcode, bytes(125))] * 2
    assert failure is None


# ------------------------------------------------------------------ is_utf8 on its own


@pytest.mark.parametrize("position", range(40))
def test_one_bad_byte_is_found_anywhere(core: Any, position: int) -> None:
    good = bytearray(b"0123456789" * 8)
    assert core.is_utf8(good)
    good[position] = 0x80
    assert not core.is_utf8(good)
    assert not core.is_utf8(memoryview(good))


def test_every_code_point_and_no_other_pair(core: Any) -> None:
    """All scalar values are accepted; of the two-byte strings exactly those that Python accepts."""
    everything = "".join(chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF)
    assert core.is_utf8(everything.encode())
    for first in range(256):
        for second in range(256):
            pair = bytes((first, second))
            try:
                pair.decode()
            except UnicodeDecodeError:
                assert not core.is_utf8(pair), pair.hex()
            else:
                assert core.is_utf8(pair), pair.hex()
