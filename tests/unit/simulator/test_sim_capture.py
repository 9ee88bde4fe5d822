"""Reading captures: the line layout, exact times, and what is said of damaged files."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.simulator import capture
from tickwire.simulator.capture import (
    CaptureError,
    Connect,
    HttpReply,
    Received,
    Sent,
    read_capture,
)

LINES = [
    b"wss://stream.binance.com:9443/stream?streams=a@trade <-> 1633998511.159679",
    b'wss://stream.binance.com:9443/stream <- 1633998511.5: {"method":"SUBSCRIBE"}',
    b'1633998512.0633569: {"stream":"a@trade","data":{"p":"0.10", "s":"\xe8\xbf\x99"}}',
    b"",
    b'https://api.binance.com/api/v3/depth?symbol=A -> 1633998512: {"bids":[]}',
    b"1633998513.000000001: not even JSON: <- 5: x -> y",
    b"",
    b"",
]
RECORDS = [
    Connect(
        1,
        1_633_998_511_159_679_000,
        "wss://stream.binance.com:9443/stream?streams=a@trade",
    ),
    Sent(
        2,
        1_633_998_511_500_000_000,
        "wss://stream.binance.com:9443/stream",
        b'{"method":"SUBSCRIBE"}',
    ),
    Received(
        3,
        1_633_998_512_063_356_900,
        b'{"stream":"a@trade","data":{"p":"0.10", "s":"\xe8\xbf\x99"}}',
    ),
    HttpReply(
        5,
        1_633_998_512_000_000_000,
        "https://api.binance.com/api/v3/depth?symbol=A",
        b'{"bids":[]}',
    ),
    Received(6, 1_633_998_513_000_000_001, b"not even JSON: <- 5: x -> y"),
]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_records_of_a_plain_file(tmp_path: Path, ending: bytes) -> None:
    assert list(read_capture(write(tmp_path / "x.ws.1.0", ending.join(LINES)))) == RECORDS


def test_compression_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    compressed = gzip.compress(b"\n".join(LINES))
    assert list(read_capture(write(tmp_path / "x.txt", compressed))) == RECORDS
    assert list(read_capture(str(write(tmp_path / "x.gz", b"\n".join(LINES))))) == RECORDS


@pytest.mark.parametrize("data", [b"", b"\n\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_records(tmp_path: Path, data: bytes) -> None:
    assert list(read_capture(write(tmp_path / "x", data))) == []


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**9 - 1), st.integers(0, 9))
def test_times_are_exact_to_the_nanosecond(seconds: int, fraction: int, digits: int) -> None:
    text = f"{fraction:09d}"[:digits]
    stamp = f"{seconds}.{text}" if digits else str(seconds)
    record = capture._parse(Path("x"), 1, f"{stamp}: {{}}".encode())
    assert record.ts_ns == seconds * 10**9 + int(text.ljust(9, "0"))


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"1633998512.06: ".strip(),
        b"1633998512.0633569{}",
        b"-5: {}",
        b"1e9: {}",
        b"1633998512.: {}",
        b"1633998512.1234567890: {}",
        b"wss://x <-> soon",
        b"wss://x <-> 5 ",
        b"ftp://x -> 5: {}",
        b"wss://x -> 5: {}",
        b"https://x <- 5: {}",
        b"\xff\xfe\x00",
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "bad", LINES[0] + b"\n" + line + b"\n" + LINES[2])
    records = read_capture(path)
    assert next(records) == RECORDS[0]
    with pytest.raises(CaptureError, match="bad, line 2") as caught:
        next(records)
    assert (caught.value.path, caught.value.line) == (path, 2)


@pytest.mark.parametrize("cut", [-1, -8, -9, 40])
def test_a_cut_or_spoilt_compressed_file_is_named_with_the_line(tmp_path: Path, cut: int) -> None:
    compressed = gzip.compress(b"\n".join(LINES * 50))
    with pytest.raises(CaptureError, match="damaged") as caught:
        list(read_capture(write(tmp_path / "cut.gz", compressed[:cut])))
    assert caught.value.line is not None
    assert caught.value.line >= 1


def test_a_flipped_byte_in_the_compressed_data_is_noticed(tmp_path: Path) -> None:
    compressed = bytearray(gzip.compress(b"\n".join(LINES * 50)))
    compressed[-6] ^= 0xFF
    with pytest.raises(CaptureError, match="damaged"):
        list(read_capture(write(tmp_path / "crc.gz", bytes(compressed))))


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(CaptureError) as caught:
            list(read_capture(path))
        assert caught.value.line is None
        assert str(path) in str(caught.value)


def test_a_line_without_end_is_refused_rather_than_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "MAX_LINE_BYTES", 1000)
    fits = b"1: " + b"x" * 996 + b"\n"
    path = write(tmp_path / "long", fits + b"2: " + b"x" * 100_000)
    records = read_capture(path)
    assert next(records).ts_ns == 10**9
    with pytest.raises(CaptureError, match="line 2: longer than 1000 bytes"):
        next(records)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    line = b"1: " + b"x" * 10_000 + b"\n"
    path = write(tmp_path / "big.gz", gzip.compress(line * 2000, compresslevel=1))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_capture(path)) == 2000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, "the file holds 20 MB"
