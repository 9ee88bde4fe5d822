"""Messages that can be checked, and the counter that checks them."""

from __future__ import annotations

import os

import pytest
from benchmarks.frames import (
    BLOB_BYTES,
    FrameCounter,
    blob_of,
    close_frame,
    frame_header,
    frames_per_blob,
    masked_frame_size,
    message,
    sent_ns_of,
    sequence_of,
    unmask,
)
from hypothesis import given
from hypothesis import strategies as st

PAYLOAD = message(128, 0)


def masked(payload: bytes, *, first: int = 0x82, key: bytes | None = None) -> bytes:
    """A client's frame, made the slow and plain way."""
    key = os.urandom(4) if key is None else key
    head = bytearray(frame_header(len(payload)))
    head[0] = first
    head[1] |= 0x80
    return bytes(head) + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def count_in_steps(stream: bytes, steps: list[int], payload: bytes = PAYLOAD) -> FrameCounter:
    """Feed a stream in pieces as a socket would give them."""
    counter = FrameCounter(payload)
    buffer = bytearray(len(stream) + 1)
    have = at = turn = 0
    while at < len(stream):
        step = min(steps[turn % len(steps)], len(stream) - at)
        buffer[have : have + step] = stream[at : at + step]
        have, at, turn = have + step, at + step, turn + 1
        used = counter.feed(buffer, have)
        assert 0 <= used <= have
        buffer[: have - used] = buffer[used:have]
        have -= used
    return counter


@pytest.mark.parametrize("size", [16, 125, 126, 128, 65535, 65536])
def test_header_is_that_of_the_specification(size: int) -> None:
    head = frame_header(size)
    assert head[0] == 0x82
    assert len(head) == (2 if size < 126 else 4 if size < 65536 else 10)
    announced = head[1] if len(head) == 2 else int.from_bytes(head[2:], "big")
    assert announced == size
    assert masked_frame_size(size) == len(masked(message(size, 0)))


def test_message_carries_number_and_time_and_differs_by_them_only() -> None:
    one = message(64, 5, 123456789)
    assert (len(one), sequence_of(one), sent_ns_of(one)) == (64, 5, 123456789)
    assert one[16:] == message(64, 6)[16:]
    assert one[16:] != message(80, 5)[16:64]


def test_blob_holds_whole_numbered_frames() -> None:
    head = frame_header(128)
    blob = blob_of(128, 3)
    frames = [blob[i : i + len(head) + 128] for i in range(0, len(blob), len(head) + 128)]
    assert frames == [head + message(128, i) for i in range(3)]
    assert frames_per_blob(128) * 132 <= BLOB_BYTES < (frames_per_blob(128) + 1) * 132
    assert frames_per_blob(BLOB_BYTES * 4) == 1


def test_close_frame_is_unmasked_with_its_code() -> None:
    assert close_frame() == b"\x88\x02\x03\xe8"


@given(st.binary(max_size=70), st.binary(min_size=4, max_size=4))
def test_unmask_undoes_a_mask(payload: bytes, key: bytes) -> None:
    body = masked(payload, key=key)[-len(payload) :] if payload else b""
    assert unmask(body, key) == payload


@given(
    st.integers(min_value=0, max_value=40),
    st.lists(st.integers(min_value=1, max_value=400), min_size=1, max_size=8),
)
def test_counter_counts_the_same_for_any_split(count: int, steps: list[int]) -> None:
    stream = b"".join(masked(PAYLOAD) for _ in range(count)) + masked(b"\x03\xe8", first=0x88)
    counter = count_in_steps(stream, steps)
    assert (counter.messages, counter.payloads) == (count, count)
    assert counter.closed
    assert counter.fault is None


@given(
    st.lists(st.integers(min_value=1, max_value=20), min_size=1, max_size=6),
    st.lists(st.integers(min_value=1, max_value=3000), min_size=1, max_size=8),
)
def test_counter_sees_through_glued_messages(glued: list[int], steps: list[int]) -> None:
    stream = b"".join(masked(PAYLOAD * times) for times in glued)
    counter = count_in_steps(stream, steps)
    assert (counter.messages, counter.payloads) == (len(glued), sum(glued))
    assert counter.fault is None


@pytest.mark.parametrize(
    "wrong",
    [
        masked(PAYLOAD[:-1]),
        masked(PAYLOAD + PAYLOAD[:5]),
        masked(PAYLOAD, first=0x02),
        masked(PAYLOAD, first=0x81),
        masked(b"", first=0x8A),
        frame_header(128) + PAYLOAD,
    ],
    ids=["short", "glued badly", "fragment", "text", "pong", "unmasked"],
)
def test_counter_finds_fault_with_anything_else(wrong: bytes) -> None:
    counter = count_in_steps(masked(PAYLOAD) + wrong + masked(PAYLOAD) * 2, [10_000])
    assert counter.fault is not None
    assert counter.messages <= 2


@pytest.mark.parametrize("content", [PAYLOAD[:-1] + b"?", message(128, 9)])
def test_counter_checks_the_first_payload_of_each_chunk(content: bytes) -> None:
    wrong = masked(content)
    assert count_in_steps(wrong + masked(PAYLOAD) * 5, [10_000]).fault is not None
    assert count_in_steps(masked(PAYLOAD) * 5 + wrong, [masked_frame_size(128)]).fault is not None


def test_nothing_counts_after_a_close_frame() -> None:
    stream = masked(PAYLOAD) + masked(b"\x03\xe8", first=0x88) + masked(PAYLOAD)
    counter = count_in_steps(stream, [10_000])
    assert (counter.messages, counter.closed) == (1, True)
