"""Compressed messages, made once and sent over and over."""

from __future__ import annotations

import zlib

import pytest
from benchmarks.deflated import deflated_blob, market_message, messages_per_blob
from benchmarks.frames import BLOB_BYTES, sequence_of

from tickwire.wire import MessageParser
from tickwire.wire.deflate import DeflateParameters, Inflater


@pytest.mark.parametrize("size", [16, 64, 300, 4096])
def test_message_has_its_size_and_number(size: int) -> None:
    payload = market_message(size, 7)
    assert (len(payload), sequence_of(payload)) == (size, 7)
    assert payload == market_message(size, 7)


def test_messages_differ_by_more_than_their_number() -> None:
    assert market_message(300, 1)[80:] != market_message(300, 2)[80:]


def test_messages_compress_as_market_data_does() -> None:
    """Neither like noise nor to nothing: recorded depth updates give two to four."""
    stream = b"".join(market_message(1024, i) for i in range(200))
    assert 1.8 < len(stream) / len(zlib.compress(stream)) < 5


def test_a_blob_sent_twice_is_understood_by_one_connection() -> None:
    parser = MessageParser(max_message_size=1 << 20)
    parser.inflater = Inflater(DeflateParameters())
    blob = deflated_blob(256, 40)
    payloads = [payload for _, payload in parser.feed(blob + blob)]
    assert parser.failure is None
    assert payloads == [market_message(256, i) for i in range(40)] * 2


def test_a_blob_holds_about_as_much_as_others_do() -> None:
    assert messages_per_blob(256) * 256 == BLOB_BYTES
    assert messages_per_blob(BLOB_BYTES * 3) == 1
