"""Recorded Deribit traffic (July 2021) reaches the end state that is known of it.

The recording is not part of the repository: ``TICKWIRE_CAPTURES`` names its folder.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tickwire.exchanges.deribit import DeribitCodec
from tickwire.market import BookDelta, BookSnapshot, Event, Gap, Ticker

CAPTURES = Path(
    os.environ.get(
        "TICKWIRE_CAPTURES", Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"
    )
)
FILE = "DERIBIT.ws.1.0.gz"


def frames() -> list[bytes]:
    """What the server sent. Then, ``.raw`` channels needed no login."""
    path = CAPTURES / FILE
    if not path.is_file():
        pytest.skip(f"no recording at {path}: set TICKWIRE_CAPTURES to the folder that has it")
    parts = [line.partition(b": ") for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [frame for _, separator, frame in parts if separator and frame.startswith(b"{")]


def channels(sent: list[bytes]) -> list[str]:
    names = {frame.partition(b'"channel":"')[2].partition(b'"')[0].decode() for frame in sent}
    return sorted(name for name in names if name)


def test_the_end_state() -> None:
    sent = frames()
    codec = DeribitCodec()
    codec.subscribe(channels(sent))
    books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
    tickers = changes = 0
    for frame in sent:
        events: list[Event] = []
        codec.receive(frame, 1, events)
        for event in events:
            assert not isinstance(event, Gap)
            if isinstance(event, Ticker):
                tickers += 1
            if not isinstance(event, BookSnapshot | BookDelta):
                continue
            if isinstance(event, BookSnapshot):
                books[event.symbol] = ({}, {})
            else:
                changes += 1
            for side, levels in zip(books[event.symbol], (event.bids, event.asks), strict=True):
                for price, size in levels:
                    if size:
                        side[price] = size
                    else:
                        side.pop(price, None)
    bids, asks = books["BTC-24SEP21-8000-P"]
    assert (len(bids), len(asks)) == (1, 14)
    assert (max(bids), bids[max(bids)]) == (0.0005, 153.1)
    assert (min(asks), asks[min(asks)]) == (0.0015, 94.7)
    assert (tickers, changes) == (89, 36)
    assert codec.stats.gaps == codec.stats.undecodable == 0
