"""Books over recorded traffic: Binance's against an independent replay and known end values,
OKX's and Kraken's against the checksums that the venues sent over the digits.

The recordings are not part of the repository: ``TICKWIRE_CAPTURES`` names their folder, or they lie
beside it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.golden.test_binance_captures import CAPTURES, FILES, frames_of
from tests.support.ladders import CORES
from tickwire.book import BookState, OrderBook
from tickwire.exchanges.binance import BinanceCodec
from tickwire.exchanges.binance.books import new_book
from tickwire.market import BookDelta, Event

if TYPE_CHECKING:
    from tickwire.exchanges.binance.streams import Market

SNAPSHOTS: dict[Market, str] = {
    "spot": "BINANCE.http.0.0.gz",
    "usdm": "BINANCE_FUTURES.http.0.0.gz",
}
# The ends of the books, from a replay by another program.
ENDS: dict[Market, dict[str, tuple[tuple[int, int], tuple[str, str], tuple[str, str], int]]] = {
    "spot": {
        "NKNUSDT": (
            (614, 994),
            ("0.35270000", "9602.00000000"),
            ("0.35310000", "152.00000000"),
            499870179,
        ),
        "LRCBTC": (
            (176, 1000),
            ("0.00000637", "2500.00000000"),
            ("0.00000638", "2285.00000000"),
            259345563,
        ),
    },
    "usdm": {
        "SUSHIUSDT": ((1006, 1000), ("7.6120", "303"), ("7.6160", "267"), 600860425198),
        "CTKUSDT": ((486, 742), ("1.01100", "1698"), ("1.01200", "10123"), 600860423222),
    },
}


def lines_of(name: str) -> list[bytes]:
    path = CAPTURES / name
    if not path.is_file():
        pytest.skip(f"no recording at {path}: set TICKWIRE_CAPTURES to the folder that has it")
    return gzip.decompress(path.read_bytes()).splitlines()


def recorded(market: Market) -> list[tuple[Decimal, str, bytes]]:
    """Arrival time, symbol and text of every depth update and of every snapshot, in order."""
    found: list[tuple[Decimal, str, bytes]] = []
    for nanoseconds, frame in frames_of(market):
        if b"@depth" in frame[:60]:
            symbol = json.loads(frame)["data"]["s"]
            found.append((Decimal(nanoseconds) / 10**9, symbol, frame))
    for line in lines_of(SNAPSHOTS[market]):
        address, _, rest = line.partition(b" -> ")
        moment, _, body = rest.partition(b": ")
        if b"/depth?symbol=" not in address:
            continue
        symbol = address.split(b"symbol=")[1].split(b"&")[0].decode()
        found.append((Decimal(moment.decode()), symbol, body))
    return sorted(found, key=lambda item: item[0])


class ByHand:
    """The same book out of dictionaries, for comparison."""

    def __init__(self) -> None:
        self.sides: list[dict[Decimal, tuple[str, str]]] = [{}, {}]
        self.last = -1

    def load(self, body: bytes) -> None:
        document = json.loads(body)
        self.last = document["lastUpdateId"]
        self.put(document["bids"], document["asks"])

    def take(self, frame: bytes) -> None:
        data = json.loads(frame)["data"]
        if data["u"] > self.last:
            self.last = data["u"]
            self.put(data["b"], data["a"])

    def put(self, *changes: list[list[str]]) -> None:
        for side, changed in zip(self.sides, changes, strict=True):
            for price, size in changed:
                side.pop(Decimal(price), None)
                if Decimal(size):
                    side[Decimal(price)] = (price, size)

    def digits(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        bids, asks = self.sides
        return [bids[p] for p in sorted(bids, reverse=True)], [asks[p] for p in sorted(asks)]


@pytest.mark.parametrize("market", FILES)
def test_binance_replayed_as_it_arrived(market: Market) -> None:
    """Snapshots between the updates, as recorded: buffered, joined, and equal at every update."""
    books: dict[str, OrderBook] = {}
    models: dict[str, ByHand] = {}
    waiting: dict[str, list[bytes]] = {}
    live = 0
    for _, symbol, text in recorded(market):
        book = books.setdefault(symbol, new_book(symbol, market))
        if text.startswith(b'{"stream"'):
            state = book.receive(text)
            if symbol in models:
                models[symbol].take(text)
            else:
                waiting.setdefault(symbol, []).append(text)
                assert state is BookState.BUFFERING
        else:
            models[symbol] = ByHand()
            models[symbol].load(text)
            for frame in waiting.get(symbol, []):
                models[symbol].take(frame)
            if not waiting.get(symbol):
                # Nothing showed yet that the stream flows: the snapshot is asked for again.
                assert not book.receive_snapshot(text)
                del models[symbol]
                continue
            request = book.take_request()
            assert request is not None
            assert request.attempt == 1
            assert book.receive_snapshot(text)
        if book.is_live:
            live += 1
            assert book.digits() == models[symbol].digits()
            assert book.sequence == models[symbol].last
    assert live > 100
    for symbol, (counts, bid, ask, sequence) in ENDS[market].items():
        book = books[symbol]
        assert book.counts == counts
        assert book.digits(1) == ([bid], [ask])
        assert book.sequence == sequence
        assert book.stats.losses == 0


@pytest.mark.parametrize("market", FILES)
def test_the_codecs_events_give_the_same_books(market: Market) -> None:
    """Decoded to floats on the way: the same prices and sizes, other digits."""
    codec = BinanceCodec(market)
    from_bytes: dict[str, OrderBook] = {}
    from_events: dict[str, OrderBook] = {}
    for _, symbol, text in recorded(market):
        one = from_bytes.setdefault(symbol, new_book(symbol, market))
        other = from_events.setdefault(symbol, new_book(symbol, market))
        if text.startswith(b'{"stream"'):
            events: list[Event] = []
            codec.receive(text, 1, events)
            one.receive(text)
            for event in events:
                if isinstance(event, BookDelta):
                    other.receive(event)
        else:
            assert one.receive_snapshot(text) == other.receive_snapshot(text)
        if one.is_live:
            assert (one.bids(), one.asks()) == (other.bids(), other.asks())
    assert any(book.is_live for book in from_bytes.values())


@pytest.mark.parametrize("market", FILES)
def test_a_lost_update_is_noticed_at_the_next_one(market: Market) -> None:
    symbol = next(iter(ENDS[market]))
    messages = [text for _, name, text in recorded(market) if name == symbol]
    updates = [text for text in messages if text.startswith(b'{"stream"')]
    snapshot = next(text for text in messages if text.startswith(b'{"lastUpdateId"'))
    for missing in range(30, len(updates) - 1, 20):
        book = new_book(symbol, market)
        for number, text in enumerate(updates):
            if number != missing:
                book.receive(text)
            if number == 20:
                assert book.receive_snapshot(snapshot)
            if number == missing:
                assert book.is_live
            if number == missing + 1:
                break
        assert book.state is BookState.LOST


def documents_of(name: str) -> list[Any]:
    found = []
    for line in lines_of(name):
        moment, separator, text = line.partition(b": ")
        if separator and b"<" not in moment:
            found.append(json.loads(text))
    return found


@pytest.mark.parametrize("core", CORES)
def test_okx_checksums_over_the_digits_as_sent(core: Any) -> None:
    ladders: dict[str, Any] = {}
    checked = 0
    for document in documents_of("OKX.ws.1.0.gz"):
        if document.get("arg", {}).get("channel") != "books" or "data" not in document:
            continue
        ladder = ladders.setdefault(document["arg"]["instId"], core.Ladder())
        data = document["data"][0]
        ladder.stage(data["bids"], data["asks"])
        (ladder.replace if document["action"] == "snapshot" else ladder.apply)()
        bids, asks = ladder.texts(0, 25), ladder.texts(1, 25)
        parts: list[str] = []
        for place in range(25):
            for side in (bids, asks):
                parts += side[place] if place < len(side) else ()
        assert zlib.crc32(":".join(parts).encode()) == data["checksum"] % 2**32
        checked += 1
    assert checked == 290


@pytest.mark.parametrize("core", CORES)
def test_kraken_checksums_over_the_digits_as_sent(core: Any) -> None:
    ladders: dict[int, Any] = {}
    checked = 0
    for document in documents_of("KRAKEN.ws.50.0.gz"):
        if not isinstance(document, list):
            continue
        ladder = ladders.setdefault(document[0], core.Ladder())
        for data in document[1:-2]:
            is_snapshot = "as" in data or "bs" in data
            ladder.stage(data.get("b") or data.get("bs", []), data.get("a") or data.get("as", []))
            (ladder.replace if is_snapshot else ladder.apply)()
        checksum = next((data["c"] for data in document[1:-2] if "c" in data), None)
        if checksum is None:
            continue
        text = "".join(
            number.replace(".", "").lstrip("0")
            for side in (1, 0)
            for level in ladder.texts(side, 10)
            for number in level
        )
        assert zlib.crc32(text.encode()) == int(checksum)
        checked += 1
    assert checked == 4269
