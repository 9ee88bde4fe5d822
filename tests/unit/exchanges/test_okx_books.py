"""A local book of OKX: from the stream's own snapshot, and from one over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tickwire.book import BookState
from tickwire.errors import CodecError
from tickwire.exchanges.okx.books import new_book, parse_snapshot, snapshot_url
from tickwire.exchanges.okx.structs import OkxBookDelta, OkxBookSnapshot

if TYPE_CHECKING:
    from tickwire.market import Level


def delta(prev: int, seq: int, bids: list[Level]) -> OkxBookDelta:
    return OkxBookDelta(
        symbol="A-B", event_time=1, bids=bids, asks=[], prev_sequence=prev, sequence=seq
    )


def snapshot(seq: int) -> OkxBookSnapshot:
    return OkxBookSnapshot(
        symbol="A-B", event_time=1, bids=[(1.0, 2.0)], asks=[(3.0, 4.0)], sequence=seq
    )


def test_the_streams_snapshot_begins_the_book() -> None:
    book = new_book("A-B")
    assert book.begin(snapshot(10)) is BookState.LIVE
    for step in ((10, 15), (15, 15), (15, 3), (3, 5)):
        assert book.receive(delta(*step, bids=[(2.0, float(step[1]))])) is BookState.LIVE
    assert (book.bids(), book.sequence) == ([(2.0, 5.0), (1.0, 2.0)], 5)
    assert book.receive(delta(7, 9, [])) is BookState.LOST
    assert book.receive(delta(9, 10, [])) is BookState.LOST
    assert book.begin(snapshot(20)) is BookState.LIVE
    assert book.bids() == [(1.0, 2.0)]
    assert book.take_request() is None
    assert book.receive(delta(20, 21, [(1.0, 0.0)])) is BookState.LIVE
    assert book.bids() == []
    assert book.stats.snapshots == 2


def test_a_crossed_snapshot_is_none() -> None:
    book = new_book("A-B")
    found = snapshot(10)
    found.asks = [(0.5, 1.0)]
    assert book.begin(found) is BookState.LOST
    assert "at or above" in (book.reason or "")


def test_a_snapshot_over_rest() -> None:
    book = new_book("A-B")
    for step in ((10, 15), (15, 20), (20, 22)):
        book.receive(delta(*step, bids=[(2.0, float(step[1]))]))
    request = book.take_request()
    assert request is not None
    assert snapshot_url(request).endswith("/api/v5/market/books?instId=A-B&sz=400")
    row = {"asks": [["3", "4", "0", "1"]], "bids": [["1", "2", "0", "1"]], "ts": "1"}
    answer = orjson.dumps({"code": "0", "msg": "", "data": [row | {"seqId": 17}]})
    assert book.receive_snapshot(parse_snapshot(answer, "A-B"))
    assert (book.bids(), book.sequence) == ([(2.0, 22.0), (1.0, 2.0)], 22)
    for wrong in (b'{"code":"50011","data":[]}', b"{}", b"x"):
        with pytest.raises(CodecError):
            parse_snapshot(wrong, "A-B")
