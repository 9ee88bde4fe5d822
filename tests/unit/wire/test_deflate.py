"""permessage-deflate (RFC 7692): negotiation, messages in and out, RSV1, bounds.

Compressed messages are made here with zlib, and not by the package.
"""

from __future__ import annotations

import itertools
import os
import random
import zlib
from typing import Any

import pytest

from tests.support.cores import CORES, outcome
from tests.support.frames import BINARY, CONTINUATION, TEXT, close, frame, ping
from tickwire.wire import Deflate, DeflateParameters, Deflater, Inflater
from tickwire.wire.deflate import ExtensionViolation, InflateError, negotiated, offer

NAME = "permessage-deflate"
RSV1 = 4
TAIL = b"\x00\x00\xff\xff"
MIB = 1024 * 1024
DEFAULT = DeflateParameters()


class Sender:
    """A server's compressor."""

    def __init__(self, bits: int = 15, *, forget: bool = False, level: int = 6) -> None:
        self._arguments = (level, zlib.DEFLATED, -bits)
        self._forget = forget
        self._stream = zlib.compressobj(*self._arguments)

    def message(self, payload: bytes) -> bytes:
        if self._forget:
            self._stream = zlib.compressobj(*self._arguments)
        data = self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(TAIL)
        return data[:-4]


def final(payload: bytes, *, history: bytes = b"") -> bytes:
    """``payload`` as deflate that ends in a final block; ``history`` may be referred to."""
    stream = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=history)
    return stream.compress(payload) + stream.flush(zlib.Z_FINISH)


def inflate_raw(data: bytes, bits: int = 15) -> bytes:
    return zlib.decompressobj(wbits=-bits).decompress(data + TAIL)


# ------------------------------------------------------------------ the offer


@pytest.mark.parametrize(
    ("wanted", "header"),
    [
        (Deflate(), f"{NAME}; client_max_window_bits"),
        (
            Deflate(server_no_context_takeover=True, client_no_context_takeover=True),
            f"{NAME}; server_no_context_takeover; client_no_context_takeover; "
            "client_max_window_bits",
        ),
        (
            Deflate(server_max_window_bits=9, client_max_window_bits=12),
            f"{NAME}; server_max_window_bits=9; client_max_window_bits=12",
        ),
    ],
)
def test_the_offer(wanted: Deflate, header: str) -> None:
    assert offer(wanted) == header


@pytest.mark.parametrize(
    "wrong",
    [
        {"server_max_window_bits": 7},
        {"server_max_window_bits": 16},
        {"client_max_window_bits": 0},
        {"client_max_window_bits": -9},
        {"level": 10},
        {"level": -1},
        {"mem_level": 0},
        {"mem_level": 10},
    ],
)
def test_what_cannot_be_offered(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Deflate(**wrong)


# ------------------------------------------------------------------ the answer


def test_no_answer_is_a_refusal() -> None:
    assert negotiated([], Deflate()) is None


def test_the_plain_answer() -> None:
    assert negotiated([NAME], Deflate()) == DEFAULT


@pytest.mark.parametrize("offered", [None, *range(8, 16)])
@pytest.mark.parametrize("answered", [None, *range(8, 16)])
def test_server_window_bits(offered: int | None, answered: int | None) -> None:
    """A server that accepts a bound must answer with it or a smaller one (section 7.1.2.1)."""
    wanted = Deflate(server_max_window_bits=offered)
    answer = NAME if answered is None else f"{NAME}; server_max_window_bits={answered}"
    if (answered or 15) > (offered or 15):
        with pytest.raises(ExtensionViolation):
            negotiated([answer], wanted)
    else:
        agreed = negotiated([answer], wanted)
        assert agreed == DeflateParameters(server_max_window_bits=answered or 15)


@pytest.mark.parametrize("offered", [None, *range(8, 16)])
@pytest.mark.parametrize("answered", [None, *range(8, 16)])
def test_client_window_bits(offered: int | None, answered: int | None) -> None:
    """A server may ignore our bound, or answer with it or a smaller one (section 7.1.2.2)."""
    wanted = Deflate(client_max_window_bits=offered)
    answer = NAME if answered is None else f"{NAME}; client_max_window_bits={answered}"
    if answered is not None and answered > (offered or 15):
        with pytest.raises(ExtensionViolation):
            negotiated([answer], wanted)
    else:
        agreed = negotiated([answer], wanted)
        bits = min(answered or 15, offered or 15)
        assert agreed == DeflateParameters(client_max_window_bits=bits)


@pytest.mark.parametrize(
    ("offered", "answered"), list(itertools.product((False, True), (False, True)))
)
def test_server_no_context_takeover(offered: bool, answered: bool) -> None:
    wanted = Deflate(server_no_context_takeover=offered)
    answer = NAME + ("; server_no_context_takeover" if answered else "")
    if offered and not answered:
        with pytest.raises(ExtensionViolation):
            negotiated([answer], wanted)
    else:
        # Not asked for and granted all the same: allowed (section 7.1.1.1).
        agreed = negotiated([answer], wanted)
        assert agreed == DeflateParameters(server_no_context_takeover=answered)


@pytest.mark.parametrize(
    ("offered", "answered"), list(itertools.product((False, True), (False, True)))
)
def test_client_no_context_takeover(offered: bool, answered: bool) -> None:
    wanted = Deflate(client_no_context_takeover=offered)
    agreed = negotiated([NAME + ("; client_no_context_takeover" if answered else "")], wanted)
    assert agreed == DeflateParameters(client_no_context_takeover=offered or answered)


def test_everything_at_once_in_any_order_and_spacing() -> None:
    parts = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        'client_max_window_bits="11"',
    ]
    for order in itertools.permutations(parts):
        for joint in (";", "; ", " ; "):
            assert negotiated([joint.join((NAME, *order))], Deflate()) == DeflateParameters(
                True, True, 10, 11
            )


@pytest.mark.parametrize(
    "answer",
    [
        [f"{NAME}; unknown"],
        [f"{NAME}; unknown=1"],
        [f"{NAME}; "],
        [f"{NAME};; server_max_window_bits=10"],
        [f"{NAME}; server_no_context_takeover=1"],
        [f"{NAME}; client_no_context_takeover=true"],
        [f'{NAME}; client_no_context_takeover=""'],
        [f"{NAME}; server_max_window_bits"],
        [f"{NAME}; client_max_window_bits"],
        [f"{NAME}; client_max_window_bits="],
        [f"{NAME}; server_no_context_takeover; server_no_context_takeover"],
        [f"{NAME}; server_max_window_bits=10; server_max_window_bits=10"],
        [f"{NAME}; client_max_window_bits=10; client_max_window_bits=11"],
        *([f"{NAME}; server_max_window_bits={bad}"] for bad in ("7", "16", "0", "-9", "09", "8.0")),
        *(
            [f"{NAME}; client_max_window_bits={bad}"]
            for bad in ("7", "16", "010", "１０", "1O", "+9")
        ),
        [NAME, NAME],
        [NAME, "x-webkit-deflate-frame"],
        ["x-webkit-deflate-frame"],
        ["permessage-bzip2"],
        [""],
    ],
    ids=str,
)
def test_answers_that_must_fail_the_connection(answer: list[str]) -> None:
    with pytest.raises(ExtensionViolation):
        negotiated(answer, Deflate())


# ------------------------------------------------------------------ inflating


def test_the_examples_of_the_rfc() -> None:
    """Section 7.2.3."""
    inflater = Inflater(DEFAULT)
    for example in (
        "f248cdc9c90700",  # one block
        "f20011 0000".replace(" ", ""),  # the same again, by reference to the first
    ):
        assert inflater.inflate(bytes.fromhex(example), 100) == b"Hello"
    for example in (
        "000500faff48656c6c6f00",  # a block without compression
        "f348cdc9c9070000",  # a final block
        "f248050000 00ffffcac9c90700".replace(" ", ""),  # two blocks
    ):
        assert Inflater(DEFAULT).inflate(bytes.fromhex(example), 100) == b"Hello"


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("forget", [False, True])
def test_windows_of_the_server(bits: int, forget: bool) -> None:
    sender = Sender(bits, forget=forget)
    parameters = DeflateParameters(server_no_context_takeover=forget, server_max_window_bits=bits)
    inflater = Inflater(parameters)
    random_bytes = random.Random(bits)
    for size in (0, 1, 5, 125, 126, 5000, 70_000, 0, 300):
        block = random_bytes.randbytes(size // 4) * 4
        assert inflater.inflate(sender.message(block), MIB) == block


def test_a_window_of_256_bytes() -> None:
    """zlib makes no such stream; literals and short distances need no larger window."""
    inflater = Inflater(DeflateParameters(server_max_window_bits=8))
    assert inflater.inflate(bytes.fromhex("f248cdc9c90700"), 100) == b"Hello"
    assert inflater.inflate(bytes.fromhex("f200110000"), 100) == b"Hello"


def test_forgetting_servers_may_not_refer_back() -> None:
    inflater = Inflater(DeflateParameters(server_no_context_takeover=True))
    inflater.inflate(bytes.fromhex("f248cdc9c90700"), 100)
    with pytest.raises(InflateError) as caught:
        inflater.inflate(bytes.fromhex("f200110000"), 100)
    assert caught.value.close_code == 1007


def test_the_bound_is_on_the_inflated_size() -> None:
    exact = Sender().message(b"x" * 1000)
    assert Inflater(DEFAULT).inflate(exact, 1000) == b"x" * 1000
    with pytest.raises(InflateError) as caught:
        Inflater(DEFAULT).inflate(exact, 999)
    assert caught.value.close_code == 1009


def test_a_bomb_is_not_inflated() -> None:
    """64 MiB in 65 KiB; what is allocated stays near the bound."""
    import tracemalloc

    bomb = Sender(level=9).message(b"\x00" * (64 * MIB))
    assert len(bomb) < 70_000
    inflater = Inflater(DEFAULT)
    tracemalloc.start()
    with pytest.raises(InflateError) as caught:
        inflater.inflate(bomb, MIB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.close_code == 1009
    assert peak < 4 * MIB


SIZES = [100, 16 << 10, (16 << 10) + 1, 1 << 20, (1 << 20) - 1, (1 << 20) + 1, 5, 3 << 20, 1 << 20]


@pytest.mark.parametrize("filler", [b"\x00", None], ids=["zeros", "noise"])
def test_messages_of_any_size_follow_one_another(filler: bytes | None) -> None:
    """Each may be larger than all before it, by much or by a byte."""
    sender, inflater = Sender(), Inflater(DEFAULT)
    for size in SIZES:
        text = os.urandom(size) if filler is None else filler * size
        assert inflater.inflate(sender.message(text), 4 * MIB) == text


@pytest.mark.parametrize("before", [0, 1000, 500_000, MIB])
@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_the_bound_holds_whatever_came_before(before: int, size: int) -> None:
    sender, inflater = Sender(), Inflater(DEFAULT)
    inflater.inflate(sender.message(b"x" * before), MIB)
    message = sender.message(b"y" * size)
    if size <= MIB:
        assert inflater.inflate(message, MIB) == b"y" * size
        return
    with pytest.raises(InflateError) as caught:
        inflater.inflate(message, MIB)
    assert caught.value.close_code == 1009


@pytest.mark.parametrize("size", [20_000, MIB])
def test_a_large_final_block_is_gone_past(size: int) -> None:
    text = os.urandom(size)
    inflater = Inflater(DEFAULT)
    for _ in range(2):
        message = final(text) + final(b"behind it") + b"\x00"
        assert inflater.inflate(message, 2 * MIB) == text + b"behind it"


def test_the_buffer_does_not_grow_past_the_largest_message() -> None:
    """Where it doubles, a message of just 1 MiB would take a second MiB each time."""
    sender, inflater = Sender(), Inflater(DEFAULT)
    asked: list[int] = []

    class Spy:
        eof = False

        def __init__(self, stream: Any) -> None:
            self.stream = stream

        @property
        def unconsumed_tail(self) -> bytes:
            tail: bytes = self.stream.unconsumed_tail
            return tail

        def decompress(self, data: bytes, most: int) -> bytes:
            asked.append(most)
            found: bytes = self.stream.decompress(data, most)
            return found

    inflater._stream = Spy(inflater._stream)
    for size in (MIB, MIB, MIB - 7):
        assert len(inflater.inflate(sender.message(os.urandom(size)), 8 * MIB)) == size
    assert asked[-2:] == [MIB + 1, MIB + 1]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x07",  # block type 3
        b"\xff\xff\xff\xff",
        b"\x00\x05\x00\x00\x00Hello",  # length and its complement disagree
        bytes.fromhex("f200110000"),  # refers to what was not sent
        bytes.fromhex("0400feff"),  # a code table that cannot be
        bytes.fromhex("fc0000"),  # too many symbols
        bytes.fromhex("027effff"),  # a distance code that there is not
    ],
    ids=bytes.hex,
)
def test_what_is_not_deflate(payload: bytes) -> None:
    with pytest.raises(InflateError) as caught:
        Inflater(DEFAULT).inflate(payload, MIB)
    assert caught.value.close_code == 1007


# Final blocks: section 7.2.3.4, and "DEFLATE block with the BFINAL bit set" in 7.2.1.


def test_a_final_block_with_and_without_its_padding() -> None:
    for padding in (b"", b"\x00"):
        inflater = Inflater(DEFAULT)
        assert inflater.inflate(final(b"Hello") + padding, 100) == b"Hello"
        assert inflater.inflate(final(b"World") + padding, 100) == b"World"


def test_after_a_final_block_the_window_is_kept() -> None:
    inflater = Inflater(DEFAULT)
    text = os.urandom(300)
    assert inflater.inflate(final(text) + b"\x00", 1000) == text
    stream = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=text)
    again = (stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(again) < 100
    assert inflater.inflate(again, 1000) == text


def test_after_a_final_block_earlier_messages_are_still_in_the_window() -> None:
    inflater = Inflater(DEFAULT)
    first, second = os.urandom(300), os.urandom(300)
    assert inflater.inflate(Sender().message(first), 1000) == first
    assert inflater.inflate(final(second) + b"\x00", 1000) == second
    third = final(first + second, history=first + second) + b"\x00"
    assert len(third) < 100
    assert inflater.inflate(third, 1000) == first + second


def test_blocks_may_follow_a_final_one() -> None:
    """Section 7.2.1: "The next DEFLATE block follows the padded data if any." """
    inflater = Inflater(DEFAULT)
    message = final(b"Hello, ") + final(b"World") + b"\x00"
    assert inflater.inflate(message, 100) == b"Hello, World"
    message = final(b"Hello, ") + Sender().message(b"again")
    assert inflater.inflate(message, 100) == b"Hello, again"


def test_the_bound_holds_over_final_blocks() -> None:
    message = b"".join(final(b"x" * 600) for _ in range(3)) + b"\x00"
    with pytest.raises(InflateError) as caught:
        Inflater(DEFAULT).inflate(message, 1000)
    assert caught.value.close_code == 1009


# ------------------------------------------------------------------ deflating


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("forget", [False, True])
def test_our_messages(bits: int, forget: bool) -> None:
    deflater = Deflater(
        DeflateParameters(client_no_context_takeover=forget, client_max_window_bits=bits), Deflate()
    )
    assert deflater.works
    peer = zlib.decompressobj(wbits=-bits)
    randomly = random.Random(bits)
    for size in (0, 0, 1, 5, 125, 5000, 70_000, 0, 300):
        payload = randomly.randbytes(size // 4) * 4
        message = deflater.deflate(payload)
        assert message, "a message has at least one byte (section 7.2.3.6)"
        if forget:
            peer = zlib.decompressobj(wbits=-bits)
        assert peer.decompress(message + TAIL) == payload


def test_context_takeover_pays() -> None:
    payload = os.urandom(500)
    keeping = Deflater(DEFAULT, Deflate())
    forgetting = Deflater(DeflateParameters(client_no_context_takeover=True), Deflate())
    assert len(keeping.deflate(payload)) > 500
    assert len(keeping.deflate(payload)) < 50
    assert len(forgetting.deflate(payload)) > 500
    assert len(forgetting.deflate(payload)) > 500


def test_a_window_that_zlib_cannot_keep_to_means_plain_messages() -> None:
    assert not Deflater(DeflateParameters(client_max_window_bits=8), Deflate()).works


@pytest.mark.parametrize("level", [0, 1, 9])
def test_levels(level: int) -> None:
    payload = b"tick" * 1000
    deflater = Deflater(DEFAULT, Deflate(level=level, mem_level=1))
    assert inflate_raw(deflater.deflate(payload)) == payload


# ------------------------------------------------------------------ in the parser


def parsed(core: Any, *pieces: bytes, size: int = MIB) -> tuple[Any, ...]:
    events: list[tuple[int, bytes]] = []
    parser = core.MessageParser(max_message_size=size)
    parser.inflater = Inflater(DEFAULT)
    for piece in pieces:
        events += parser.feed(piece)
    return events, parser.failure and parser.failure[0], parser.close_code


@pytest.fixture(params=CORES)
def core(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_plain_and_compressed_messages_mix(core: Any) -> None:
    sender = Sender()
    stream = (
        frame(TEXT, sender.message(b"one"), rsv=RSV1)
        + frame(TEXT, b"two")
        + frame(BINARY, sender.message(b"one two"), rsv=RSV1)
        + frame(TEXT, sender.message(b""), rsv=RSV1)
    )
    whole = ([(TEXT, b"one"), (TEXT, b"two"), (BINARY, b"one two"), (TEXT, b"")], None, None)
    assert parsed(core, stream) == whole
    assert parsed(core, *(bytes((byte,)) for byte in stream)) == whole


def test_fragments_with_control_frames_between(core: Any) -> None:
    payload = b"tick " * 1000
    data = Sender().message(payload)
    third = len(data) // 3
    stream = (
        frame(TEXT, data[:third], rsv=RSV1, fin=False)
        + ping(b"1")
        + frame(CONTINUATION, b"", fin=False)
        + frame(CONTINUATION, data[third : 2 * third], fin=False)
        + ping(b"2")
        + frame(CONTINUATION, data[2 * third :])
        + close()
    )
    events, failure, code = parsed(core, stream)
    assert events == [(9, b"1"), (9, b"2"), (TEXT, payload), (8, b"\x03\xe8")]
    assert (failure, code) == (None, 1000)


@pytest.mark.parametrize(
    "stream",
    [
        frame(TEXT, b"Hello", rsv=2),
        frame(TEXT, b"Hello", rsv=1),
        frame(TEXT, b"Hello", rsv=6),
        frame(TEXT, b"a", rsv=RSV1, fin=False) + frame(CONTINUATION, b"b", rsv=RSV1),
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", rsv=RSV1),
        frame(9, b"", rsv=RSV1),
        frame(10, b"", rsv=RSV1),
        frame(8, b"", rsv=RSV1),
        frame(CONTINUATION, b"", rsv=RSV1),
    ],
    ids=bytes.hex,
)
def test_reserved_bits(core: Any, stream: bytes) -> None:
    """RFC 7692 section 6: RSV1 stands on a message's first frame and nowhere else."""
    events, failure, _ = parsed(core, stream)
    assert (events, failure) == ([], 1002)


def test_rsv1_without_an_agreement(core: Any) -> None:
    events, failure, *_ = outcome(core, [frame(TEXT, Sender().message(b"x"), rsv=RSV1)])
    assert (events, failure[0]) == ([], 1002)


def test_text_is_checked_after_inflating(core: Any) -> None:
    good, bad = "größer".encode(), b"gr\xf6\xdfer"
    sender = Sender()
    assert parsed(core, frame(TEXT, sender.message(good), rsv=RSV1))[0] == [(TEXT, good)]
    assert parsed(core, frame(TEXT, Sender().message(bad), rsv=RSV1))[:2] == ([], 1007)
    assert parsed(core, frame(BINARY, Sender().message(bad), rsv=RSV1))[0] == [(BINARY, bad)]
    # And not before: the fragments of a compressed text are no text.
    data = Sender().message(good * 20)
    stream = frame(TEXT, data[:9], rsv=RSV1, fin=False) + frame(CONTINUATION, data[9:])
    assert parsed(core, stream)[0] == [(TEXT, good * 20)]


def test_corrupt_and_too_large_messages_have_their_codes(core: Any) -> None:
    assert parsed(core, frame(TEXT, b"\x07", rsv=RSV1))[:2] == ([], 1007)
    bomb = Sender().message(b"\x00" * 100_000)
    assert parsed(core, frame(BINARY, bomb, rsv=RSV1), size=99_999)[:2] == ([], 1009)
    assert parsed(core, frame(BINARY, bomb, rsv=RSV1), size=100_000)[0] == [
        (BINARY, b"\x00" * 100_000)
    ]


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_a_message_that_grew_in_compression_is_not_too_large(core: Any, pieces: int) -> None:
    """The limit is on the message. Noise takes five more bytes a block than it has."""
    noise = os.urandom(65_536)
    data = Sender(level=0).message(noise)
    assert len(data) > len(noise)
    step = len(data) // pieces + 1
    cuts = [data[at : at + step] for at in range(0, len(data), step)]
    stream = b"".join(
        frame(
            CONTINUATION if at else BINARY,
            cut,
            rsv=0 if at else RSV1,
            fin=at == len(cuts) - 1,
        )
        for at, cut in enumerate(cuts)
    )
    assert parsed(core, stream, size=65_536) == ([(BINARY, noise)], None, None)


def test_a_compressed_flood_is_refused_before_it_is_stored(core: Any) -> None:
    """The limit bounds what is kept of a compressed message, too."""
    head = frame(BINARY, b"", rsv=RSV1, announced=1 << 40, length_form=64)
    assert parsed(core, head, size=65_536)[:2] == ([], 1009)
    endless = frame(BINARY, b"\x00" * 60_000, rsv=RSV1, fin=False)
    more = frame(CONTINUATION, b"\x00" * 60_000, fin=False)
    assert parsed(core, endless, more, more, size=65_536)[:2] == ([], 1009)
