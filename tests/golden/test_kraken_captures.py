"""Recorded Kraken traffic (April 2021), which is version 1: said again in version 2's words.

The old decoder stands here, since nothing live needs it; what is proven is the live codec. It takes
every update's checksum, all 4,269 of them, for its own, and its events end in the books that an
independent replay ends in. The digits of version 1 are texts, so their length is the precision that
version 2 tells in its ``instrument`` channel.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.golden.test_book_captures import lines_of
from tickwire.exchanges.checksums import KRAKEN, DigitBook
from tickwire.exchanges.kraken.codec import KrakenCodec
from tickwire.market import AggressorSide, BookDelta, BookSnapshot, Event, Gap, Trade

if TYPE_CHECKING:
    from tickwire.exchanges.venue import Numbers

BOOKS = "KRAKEN.ws.50.0.gz"
TRADES = "KRAKEN.ws.48.0.gz"
DEPTH = 1000
CHECKSUMS = 4269
ENDS = {
    "BTC/CHF": ((500, 315), ("56060.30000", "0.05804973"), ("56194.20000", "0.01700000")),
    "XMR/USD": ((657, 426), ("353.64000000", "30.30000000"), ("354.48000000", "6.86050247")),
    "SC/EUR": ((847, 588), ("0.043070", "5794.10440061"), ("0.043170", "20000.00000000")),
}


def messages(name: str) -> list[list[Any]]:
    """The data messages: channel number, payloads, channel name, pair."""
    found = []
    for line in lines_of(name):
        moment, _, frame = line.partition(b": ")
        if frame.startswith(b"[") and not moment.startswith(b"wss"):
            found.append(json.loads(frame))
    return found


def modern(pair: str) -> str:
    names = {"XBT": "BTC", "XDG": "DOGE"}
    return "/".join(names.get(part, part) for part in pair.split("/"))


class Update:
    """One message of a book of version 1, either kind."""

    def __init__(self, message: list[Any]) -> None:
        self.pair = modern(message[-1])
        sides: dict[str, list[list[str]]] = {}
        self.checksum: int | None = None
        for payload in message[1:-2]:
            sides |= {key: rows for key, rows in payload.items() if key != "c"}
            if "c" in payload:
                self.checksum = int(payload["c"])
        self.is_snapshot = "as" in sides or "bs" in sides
        self.bids = sides.get("bs" if self.is_snapshot else "b", [])
        self.asks = sides.get("as" if self.is_snapshot else "a", [])

    def in_version_2(self, checksum: int) -> bytes:
        def rows(side: list[list[str]]) -> str:
            return ",".join(f'{{"price":{row[0]},"qty":{row[1]}}}' for row in side)

        kind = "snapshot" if self.is_snapshot else "update"
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.pair}",'
            f'"bids":[{rows(self.bids)}],"asks":[{rows(self.asks)}],"checksum":{checksum}}}]}}'
        ).encode()


def opened(pairs: dict[str, tuple[int, int]], numbers: Numbers) -> KrakenCodec:
    codec = KrakenCodec(numbers=numbers)
    assert codec.subscribe([f"book-{DEPTH}:{pair}" for pair in pairs])
    entries = [
        {"symbol": pair, "price_precision": price, "qty_precision": size}
        for pair, (price, size) in pairs.items()
    ]
    instruments = {"channel": "instrument", "type": "snapshot", "data": {"pairs": entries}}
    codec.receive(json.dumps(instruments).replace(": ", ":").encode(), 1, [])
    [second] = codec.take_output()
    asked = json.loads(second)
    assert asked["params"]["symbol"] == list(pairs)
    for pair in pairs:
        result = {"channel": "book", "depth": DEPTH, "symbol": pair}
        answer = {"method": "subscribe", "success": True, "req_id": asked["req_id"]}
        codec.receive(json.dumps(answer | {"result": result}).encode(), 1, [])
    return codec


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_every_checksum_and_the_end_of_every_book(numbers: Numbers) -> None:
    updates = [Update(message) for message in messages(BOOKS)]
    precisions = {
        update.pair: tuple(len(text.partition(".")[2]) for text in update.asks[0][:2])
        for update in updates
        if update.is_snapshot
    }
    codec = opened(precisions, numbers)  # type: ignore[arg-type]
    twins = {pair: DigitBook() for pair in precisions}
    kept: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
    checked = 0
    for update in updates:
        twin = twins[update.pair]
        (twin.replace if update.is_snapshot else twin.apply)(update.bids, update.asks)
        twin.cut(DEPTH)
        if update.checksum is not None:
            assert twin.checksum(KRAKEN) == update.checksum
            checked += 1
        # Snapshots of version 1 have no checksum, those of version 2 do.
        sent = update.checksum if update.checksum is not None else twin.checksum(KRAKEN)
        events: list[Event] = []
        codec.receive(update.in_version_2(sent), 1, events)
        [event] = events
        assert isinstance(event, BookSnapshot if update.is_snapshot else BookDelta)
        keep(kept, event)
    assert checked == CHECKSUMS
    assert codec.stats.gaps == codec.stats.undecodable == 0
    assert codec.take_directive() is None
    number = float if numbers == "float" else Decimal
    for pair, (counts, bid, ask) in ENDS.items():
        bids, asks = kept[pair]
        assert (len(bids), len(asks)) == counts
        best_bid, best_ask = max(bids), min(asks)
        assert (best_bid, bids[best_bid]) == tuple(map(number, bid))
        assert (best_ask, asks[best_ask]) == tuple(map(number, ask))
        assert (twins[pair].bids(1), twins[pair].asks(1)) == ([bid], [ask])


def keep(kept: dict[str, tuple[dict[float, float], dict[float, float]]], event: Any) -> None:
    """A consumer's book: as the event's description says."""
    if isinstance(event, BookSnapshot):
        kept[event.symbol] = ({}, {})
    sides = kept[event.symbol]
    for side, changes, is_bid in zip(sides, (event.bids, event.asks), (True, False), strict=True):
        for price, size in changes:
            side.pop(price, None)
            if size:
                side[price] = size
        for price in sorted(side, reverse=is_bid)[event.depth :]:
            del side[price]


def test_a_digit_that_is_changed_shows() -> None:
    updates = [Update(message) for message in messages(BOOKS)]
    pair = "XMR/USD"
    mine = [update for update in updates if update.pair == pair]
    precisions = tuple(len(text.partition(".")[2]) for text in mine[0].asks[0][:2])
    twin = DigitBook()
    twin.replace(mine[0].bids, mine[0].asks)
    snapshot = mine[0].in_version_2(twin.checksum(KRAKEN))
    best = twin.bids(1)[0]
    assert best[1][-1:] != "1"
    changed = snapshot.replace(best[1].encode(), best[1][:-1].encode() + b"1", 1)
    codec = opened({pair: precisions}, "float")  # type: ignore[dict-item]
    events: list[Event] = []
    codec.receive(changed, 1, events)
    assert isinstance(events[0], Gap)


def test_recorded_trades() -> None:
    rows = [
        (modern(message[-1]), row)
        for message in messages(TRADES)
        if message[-2] == "trade"
        for row in message[1]
    ]
    assert rows
    codec = KrakenCodec()
    for number, (pair, (price, volume, time, side, kind, _)) in enumerate(rows):
        seconds, _, fraction = time.partition(".")
        assert int(seconds) // 86400 == 18734  # 2021-04-17
        clock = int(seconds) % 86400
        stamp = f"2021-04-17T{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}.{fraction}Z"
        taker = {"b": "buy", "s": "sell"}[side]
        frame = (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{pair}","side":"{taker}",'
            f'"price":{price},"qty":{volume},"ord_type":"{kind}","trade_id":{number},'
            f'"timestamp":"{stamp}"}}]}}'
        )
        events: list[Event] = []
        codec.receive(frame.encode(), 1, events)
        trade = events[-1]
        assert isinstance(trade, Trade)
        assert (trade.symbol, trade.price, trade.size) == (pair, float(price), float(volume))
        assert trade.aggressor_side is AggressorSide(taker)
        assert trade.ts_event_ns == int(Decimal(time) * 10**9)
