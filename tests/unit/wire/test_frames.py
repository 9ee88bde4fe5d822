"""Serialising: headers, masking, keys (RFC 6455 sections 5.2 and 5.3)."""

from __future__ import annotations

import array
from typing import Any

import pytest

from tests.support.cores import CORES
from tests.support.frames import BINARY, CONTINUATION, PING, TEXT, read_frame

pytestmark = pytest.mark.parametrize("core", CORES)

KEY = bytes.fromhex("37fa213d")


def test_encodes_the_masked_hello_of_section_5_7(core: Any) -> None:
    assert core.encode_frame(TEXT, b"Hello", KEY) == bytes.fromhex("818537fa213d7f9f4d5158")


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "8280"),
        (1, "8281"),
        (125, "82fd"),
        (126, "82fe007e"),
        (127, "82fe007f"),
        (255, "82fe00ff"),
        (256, "82fe0100"),
        (65535, "82feffff"),
        (65536, "82ff0000000000010000"),
        (65537, "82ff0000000000010001"),
        (16777216, "82ff0000000001000000"),
    ],
)
def test_length_takes_the_shortest_form(core: Any, size: int, header: str) -> None:
    encoded = core.encode_frame(BINARY, bytes(size), KEY)
    head = bytes.fromhex(header)
    assert encoded[: len(head)] == head
    assert encoded[len(head) : len(head) + 4] == KEY
    assert len(encoded) == len(head) + 4 + size


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", [CONTINUATION, TEXT, BINARY, PING])
def test_first_byte_is_fin_and_opcode(core: Any, opcode: int, fin: bool) -> None:
    encoded = core.encode_frame(opcode, b"x", KEY, fin)
    assert encoded[0] == opcode | (0x80 if fin else 0)


@pytest.mark.parametrize("offset", range(9))
def test_masks_every_length_at_every_alignment(core: Any, offset: int) -> None:
    source = bytes(range(1, 50)) * 2
    for size in (*range(41), 63, 64, 65, 80):
        payload = memoryview(source)[offset : offset + size]
        decoded = read_frame(core.encode_frame(BINARY, payload, KEY))
        assert decoded is not None
        assert decoded[0].masked
        assert decoded[0].key == KEY
        assert decoded[0].payload == source[offset : offset + size], (offset, size)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 65535, 65536, 1_000_003])
def test_masks_large_payloads(core: Any, size: int) -> None:
    payload = bytes(at * 31 % 251 for at in range(size))
    decoded = read_frame(core.encode_frame(BINARY, payload, b"\x00\x80\xff\x7f"))
    assert decoded is not None
    assert decoded[0].payload == payload


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x80"])
def test_any_key_masks_and_unmasks(core: Any, key: bytes) -> None:
    payload = bytes(range(256))
    decoded = read_frame(core.encode_frame(TEXT, payload, key))
    assert decoded is not None
    assert decoded[0].payload == payload


@pytest.mark.parametrize(
    "payload",
    [bytearray(b"tick"), memoryview(b"tick"), array.array("B", b"tick"), b"tick"],
    ids=["bytearray", "memoryview", "array", "bytes"],
)
def test_takes_anything_bytes_like(core: Any, payload: Any) -> None:
    decoded = read_frame(core.encode_frame(BINARY, payload, KEY))
    assert decoded is not None
    assert decoded[0].payload == b"tick"


def test_payload_is_read_and_not_changed(core: Any) -> None:
    payload = bytearray(b"untouched")
    core.encode_frame(BINARY, payload, KEY)
    assert payload == b"untouched"
    payload.append(1)  # no view is held


def test_a_view_of_wide_items_counts_in_bytes(core: Any) -> None:
    prices = array.array("d", [1.5, 2.5])
    decoded = read_frame(core.encode_frame(BINARY, prices, KEY))
    assert decoded is not None
    assert decoded[0].payload == prices.tobytes()


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_a_key_of_another_size_is_refused(core: Any, key: bytes) -> None:
    with pytest.raises(ValueError, match="four bytes"):
        core.encode_frame(TEXT, b"x", key)


def test_text_without_encoding_is_refused(core: Any) -> None:
    with pytest.raises(TypeError):
        core.encode_frame(TEXT, "text", KEY)


def test_keys_come_from_the_source_in_order_and_in_bulk(core: Any) -> None:
    asked: list[int] = []

    def source(count: int) -> bytes:
        asked.append(count)
        start = sum(asked[:-1])
        return b"".join((start + at).to_bytes(4, "big") for at in range(0, count, 4))

    keys = core.MaskKeys(source)
    assert asked == []
    size = len(source(4096))
    asked.clear()
    taken = [keys.take() for _ in range(size // 4 + 2)]
    assert taken == [(4 * at).to_bytes(4, "big") for at in range(len(taken))]
    assert len(asked) == 2, "drawn in bulk"


def test_keys_are_unpredictable_by_default(core: Any) -> None:
    keys = core.MaskKeys()
    assert len({keys.take() for _ in range(3000)}) == 3000


def test_a_failing_source_is_heard(core: Any) -> None:
    def source(count: int) -> bytes:
        raise OSError("no entropy")

    with pytest.raises(OSError, match="no entropy"):
        core.MaskKeys(source).take()
