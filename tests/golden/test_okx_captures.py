"""Recorded OKX traffic: every checksum matches, and the books end where they should.

The recordings are of May 2022 (OKX) and May 2023 (OKCOIN, the same protocol), when books had live
checksums and no sequence numbers. They are not part of the repository: ``TICKWIRE_CAPTURES`` names
their folder, or they lie beside it.
"""

from __future__ import annotations

import gzip
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tickwire.book import Ladder
from tickwire.exchanges import Resync, checksums
from tickwire.exchanges.okx import OkxCodec
from tickwire.market import BookDelta, BookSnapshot, Event

if TYPE_CHECKING:
    from tickwire.exchanges.venue import Numbers

CAPTURES = Path(
    os.environ.get(
        "TICKWIRE_CAPTURES", Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"
    )
)
BIDS, ASKS = 0, 1
# Levels, best bid, best ask: measured by an independent replay.
ENDS = {
    "BTC-USDT": ((400, 400), ("30236.1", "0.18050747"), ("30236.2", "0.001")),
    "BTC-USD-220527": ((74, 62), ("30229.4", "2"), ("30238.8", "3")),
    "UNI-USD-SWAP": ((125, 118), ("5.137", "20"), ("5.145", "50")),
}


def frames_of(name: str) -> list[tuple[int, bytes]]:
    """Arrival time in ns and text of every frame that the server sent."""
    path = CAPTURES / name
    if not path.is_file():
        pytest.skip(f"no recording at {path}: set TICKWIRE_CAPTURES to the folder that has it")
    found = []
    for line in gzip.decompress(path.read_bytes()).splitlines():
        moment, separator, frame = line.partition(b": ")
        if separator and frame.startswith(b"{") and b"<" not in moment:
            found.append((int(Decimal(moment.decode()) * 10**9), frame))
    return found


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The checksums that a codec has computed."""
    found: list[int] = []
    compute = checksums.DigitBook.checksum

    def watched(book: checksums.DigitBook, layout: checksums.ChecksumLayout) -> int:
        found.append(compute(book, layout))
        return found[-1]

    monkeypatch.setattr(checksums.DigitBook, "checksum", watched)
    return found


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize(
    ("file", "events_expected", "checks"),
    [
        (
            "OKX.ws.1.0.gz",
            {"book": 287, "book_snapshot": 3, "trade": 74, "ticker": 28},
            290,
        ),
        ("OKCOIN.ws.1.0.gz", None, 6),
    ],
)
def test_every_checksum_matches(
    file: str,
    events_expected: dict[str, int] | None,
    checks: int,
    numbers: Numbers,
    checked: list[int],
) -> None:
    codec = OkxCodec(numbers=numbers)
    events: list[Event] = []
    for recv_ns, frame in frames_of(file):
        codec.receive(frame, recv_ns, events)
    stats = codec.stats
    if events_expected is not None:
        assert stats.events == events_expected
    assert len(checked) == checks
    assert [stats.gaps, stats.undecodable, stats.unknown, stats.new_fields] == [0, 0, {}, {}]
    assert codec.take_directive() is None


def test_one_wrong_digit_is_found() -> None:
    codec = OkxCodec()
    wrong = 0
    for _, frame in frames_of("OKX.ws.1.0.gz"):
        if b'"snapshot"' in frame and b"UNI-USD-SWAP" in frame:
            wrong += frame.count(b'["5.148","60",')
            frame = frame.replace(b'["5.148","60",', b'["5.148","61",')
        codec.receive(frame, 0, [])
    assert wrong == 1
    assert codec.stats.gaps == 1
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    assert directive.stream == "books:UNI-USD-SWAP"


def test_the_books_end_where_they_should() -> None:
    codec = OkxCodec(numbers="decimal")
    books: dict[str, Any] = {}
    for recv_ns, frame in frames_of("OKX.ws.1.0.gz"):
        events: list[Event] = []
        codec.receive(frame, recv_ns, events)
        for event in events:
            if isinstance(event, BookSnapshot | BookDelta):
                ladder = books.setdefault(event.symbol, Ladder())
                ladder.stage(event.bids, event.asks)
                if isinstance(event, BookSnapshot):
                    ladder.replace()
                else:
                    ladder.apply()
                assert not ladder.is_crossed
    for symbol, (counts, bid, ask) in ENDS.items():
        ladder = books[symbol]
        assert ladder.counts == counts
        assert ladder.texts(BIDS, 1) == [bid]
        assert ladder.texts(ASKS, 1) == [ask]


def test_trades_have_growing_numbers() -> None:
    codec = OkxCodec()
    last: Counter[str] = Counter()
    for recv_ns, frame in frames_of("OKX.ws.1.0.gz"):
        events: list[Event] = []
        codec.receive(frame, recv_ns, events)
        for event in events:
            identity = codec.identify(frame, event)
            if event.kind == "trade":
                assert identity is not None
                assert isinstance(identity.sequence, int)
                assert identity.sequence > last[event.symbol]
                last[event.symbol] = identity.sequence
    assert len(last) == 3
