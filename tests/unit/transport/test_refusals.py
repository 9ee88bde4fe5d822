"""The body of a refused upgrade, out of what the socket held."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tickwire.transport.refusals import body_of_refusal

HEAD = b"HTTP/1.1 403 No\r\n\r\n"
CHUNKED = (("transfer-encoding", "Chunked"),)


def body(after: bytes, *headers: tuple[str, str], before: bytes = b"") -> bytes:
    return body_of_refusal(before + HEAD + after, HEAD, headers)


def test_what_stands_behind_the_headers() -> None:
    assert body(b"no") == b"no"
    assert body(b"no", before=b"HTTP/1.1 407 Proxy\r\n\r\n") == b"no"


def test_nothing_where_the_headers_are_not() -> None:
    assert body_of_refusal(b"HTTP/1.1 200", HEAD, ()) == b""
    assert body_of_refusal(b"no", b"", ()) == b""


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (b"2\r\nno\r\n4;x=y\r\n way\r\n0\r\n\r\n", b"no way"),
        (b"A\r\n0123", b"0123"),
        (b"2\r\nno\r\n5", b"no"),
        (b"2\r\nno\r\nzz\r\n", b"no"),
        (b"", b""),
        (b"no chunk", b""),
        (b"fffffffff\r\nno", b""),
    ],
)
def test_chunks(chunks: bytes, expected: bytes) -> None:
    assert body(chunks, *CHUNKED) == expected


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_packed_whole_and_cut(pack: object) -> None:
    packed = (gzip if pack is gzip.compress else zlib).compress(b"not from your country " * 90)
    name = "gzip" if pack is gzip.compress else "deflate"
    whole = body(packed, ("content-encoding", name))
    assert whole == b"not from your country " * 90
    cut = body(packed[:-12], ("content-encoding", name))
    assert cut
    assert whole.startswith(cut)
    assert body(b"plain after all", ("content-encoding", name)) == b""


def test_in_chunks_and_packed() -> None:
    packed = gzip.compress(b"no")
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    assert body(chunks, *CHUNKED, ("content-encoding", "gzip")) == b"no"


def test_what_it_grows_to_is_bounded() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    assert len(body(bomb, ("content-encoding", "gzip"))) == 64 * 1024


def test_a_packing_that_is_not_known_is_not_shown() -> None:
    assert body(b"\x1b\x02\x00", ("content-encoding", "br")) == b""
