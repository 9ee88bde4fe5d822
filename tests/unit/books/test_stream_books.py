"""Books whose snapshots come in the stream: the rules, and a venue of that kind on a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.venue import Venue as Wire
from tickwire.book import BookRules, BookState, OrderBook
from tickwire.book.core import Ladder, Layout
from tickwire.books import Books
from tickwire.errors import BookNotLiveError, ConfigurationError
from tickwire.exchanges import RateLimits, Resync, Stream
from tickwire.exchanges.common import VenueCodec
from tickwire.exchanges.registry import VENUES
from tickwire.exchanges.stream_books import StreamBooks
from tickwire.exchanges.venue import Channel, ConnectionPlan, VenueLimits, VenueSettings, Want
from tickwire.manager import ScriptedClock
from tickwire.market import BookDelta, BookSnapshot, GapCause, Identity, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.market import Event

LAYOUT = Layout(last="u", bids="b", asks="a")


def rules(**changes: Any) -> BookRules:
    given: dict[str, Any] = {"sequence": SequenceRule.PREVIOUS, "limit": 0, "in_stream": True}
    return BookRules(update=LAYOUT, snapshot=LAYOUT, **(given | changes))


def snapshot(sequence: int, *bids: float, ask: float = 100.0) -> BookSnapshot:
    levels = [(price, 1.0) for price in bids]
    return BookSnapshot(symbol="X", bids=levels, asks=[(ask, 1.0)], sequence=sequence)


def delta(prev: int, sequence: int, *bids: tuple[float, float]) -> BookDelta:
    return BookDelta(
        symbol="X",
        first_sequence=sequence,
        sequence=sequence,
        prev_sequence=prev,
        bids=list(bids),
        asks=[],
    )


def test_each_snapshot_is_the_book() -> None:
    book = OrderBook("X", rules())
    assert book.receive(delta(1, 2, (9.0, 1.0))) is BookState.BUFFERING
    assert book.receive_snapshot(snapshot(5, 10.0, 9.0))
    assert book.receive(delta(5, 7, (9.5, 2.0))) is BookState.LIVE
    assert book.bids(2) == [(10.0, 1.0), (9.5, 2.0)]
    assert book.receive_snapshot(snapshot(3, 8.0)), "numbers that began anew are no doubt"
    assert (book.bids(), book.sequence) == ([(8.0, 1.0)], 3)
    assert book.receive(delta(3, 4, (8.0, 0.0), (7.0, 1.0))) is BookState.LIVE


def test_a_hole_ends_it_until_the_next_snapshot() -> None:
    book = OrderBook("X", rules())
    book.receive_snapshot(snapshot(5, 10.0))
    assert book.receive(delta(6, 7, (9.0, 1.0))) is not BookState.LIVE
    with pytest.raises(BookNotLiveError, match="missing"):
        book.bids()
    request = book.take_request()
    assert request is not None
    assert book.receive(delta(7, 8, (9.0, 1.0))) is not BookState.LIVE
    assert book.receive_snapshot(snapshot(8, 10.0))
    assert book.take_request() is None
    assert book.bids() == [(10.0, 1.0)], "what came before the snapshot is in it"
    assert book.receive(delta(8, 9, (9.5, 1.0))) is BookState.LIVE


def test_levels_behind_the_venues_depth_are_forgotten() -> None:
    book = OrderBook("X", rules(depth=2, sequence=SequenceRule.UNNUMBERED))
    book.receive_snapshot(snapshot(0, 10.0, 9.0))
    assert book.receive(delta(0, 0, (9.5, 1.0))) is BookState.LIVE
    assert book.bids() == [(10.0, 1.0), (9.5, 1.0)]
    assert book.receive(delta(0, 0, (10.0, 0.0), (9.0, 4.0))) is BookState.LIVE
    assert book.bids() == [(9.5, 1.0), (9.0, 4.0)]


def test_a_ladder_keeps_the_best() -> None:
    ladder = Ladder()
    ladder.stage([(1.0, 1.0), (3.0, 1.0), (2.0, 1.0)], [(9.0, 1.0), (7.0, 1.0), (8.0, 1.0)])
    ladder.apply()
    ladder.truncate(5)
    assert ladder.counts == (3, 3)
    ladder.truncate(2)
    assert [price for price, _ in ladder.levels(0)] == [3.0, 2.0]
    assert [price for price, _ in ladder.levels(1)] == [7.0, 8.0]
    ladder.stage([(2.5, 1.0)], [])
    ladder.apply()
    assert [price for price, _ in ladder.levels(0)] == [3.0, 2.5, 2.0]
    ladder.truncate(0)
    assert ladder.counts == (0, 0)
    with pytest.raises(ValueError, match="-1"):
        ladder.truncate(-1)


class ToyCodec(VenueCodec):
    """``{"s": symbol, "n": number, "p": the one before or absent, "b": bids}``."""

    def __init__(self) -> None:
        super().__init__(streams_limit=10)

    def _as_stream(self, item: Stream | str) -> Stream:
        return item if isinstance(item, Stream) else Stream(item, "book", item)

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        return [orjson.dumps({"ask": [stream.name for stream in streams]})]

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        return [orjson.dumps({"leave": [stream.name for stream in streams]})]

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        assert isinstance(event, BookDelta | BookSnapshot)
        first = event.prev_sequence if isinstance(event, BookDelta) else None
        return Identity(event.symbol, event.sequence, None if first is None else first + 1)

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        said = orjson.loads(frame)
        if "ok" in said:
            self._accept(said["ok"])
            return
        symbol = self._symbol(said["s"], said["s"])
        if "bad" in said:
            gap = self._gap(delta(0, 0), said["s"], cause=GapCause.CHECKSUM)
            gap.symbol = symbol
            events.append(gap)
            self._wish(Resync(said["s"], "checksum"))
        elif "p" in said:
            found = delta(said["p"], said["n"], *map(tuple, said["b"]))
            found.symbol = symbol
            events.append(found)
        else:
            begun = BookSnapshot(symbol=symbol, bids=said["b"], asks=[], sequence=said["n"])
            events.append(begun)


class Toy:
    """A venue of one connection."""

    name = "toy"
    markets = ("spot",)
    environments = ("production",)
    channels = frozenset({Channel.BOOKS})
    limits = VenueLimits(RateLimits())
    market = "spot"
    books = StreamBooks(SequenceRule.PREVIOUS)

    def __init__(self, settings: VenueSettings) -> None:
        self.settings = settings

    def venue_symbol(self, symbol: str) -> str:
        return symbol.lower().replace("-", "")

    def plan(self, wants: Sequence[Want]) -> list[ConnectionPlan]:
        streams = tuple(Stream(self.venue_symbol(w.symbol), "book", w.symbol) for w in wants)
        return [ConnectionPlan("ws://toy.test", streams)]

    def codec(self, plan: ConnectionPlan) -> ToyCodec:
        return ToyCodec()


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VENUES, "toy", (__name__, "Toy"))


async def test_a_venue_with_snapshots_in_the_stream() -> None:
    clock = ScriptedClock()
    wire: Any = Wire(clock)
    books = Books("toy", ["A-B", "C-D"], session=wire, manager={"clock": clock}, seed=1)
    async with books:
        await clock.settle()
        socket = wire.sockets[0]
        assert socket.sent == [{"ask": ["ab", "cd"]}]
        socket.deliver({"ok": "ab"}, {"ok": "cd"})
        socket.deliver({"s": "ab", "n": 1, "b": [[5, 1]]}, {"s": "cd", "n": 1, "b": [[7, 1]]})
        await clock.settle()
        assert (books["A-B"].bids(), books["C-D"].bids()) == ([(5.0, 1.0)], [(7.0, 1.0)])
        socket.deliver({"s": "ab", "p": 1, "n": 2, "b": [[5, 0], [4, 1]]})
        await clock.settle()
        assert books["A-B"].bids() == [(4.0, 1.0)]

        socket.deliver({"s": "ab", "bad": 1})
        await clock.settle()
        assert not books["A-B"].is_live, "a checksum that differs is a loss"
        assert books["C-D"].is_live, "of one book only"
        assert socket.sent[1:] == [{"leave": ["ab"]}, {"ask": ["ab"]}]
        socket.deliver({"s": "ab", "n": 9, "b": [[3, 1]]})
        await clock.settle()
        assert books["A-B"].bids() == [(3.0, 1.0)]

        socket.deliver({"s": "ab", "p": 11, "n": 12, "b": [[2, 1]]})
        await clock.settle()
        assert not books["A-B"].is_live
        await clock.advance(30.0)
        assert {"ask": ["ab"]} in socket.sent[3:], "no snapshot came by itself"
        socket.deliver({"s": "ab", "n": 12, "b": [[2, 1]]})
        await clock.settle()
        assert books["A-B"].bids() == [(2.0, 1.0)]
        asked = len(socket.sent)
        await clock.advance(600.0)
        assert len(socket.sent) == asked, "a live book asks for nothing"
        assert books.stats.live == 2


async def test_a_snapshot_that_cannot_be_kept_is_the_loss_of_one_book() -> None:
    """Such as one with more digits than the ladder has; the book that was is not the venue's."""
    clock = ScriptedClock()
    wire: Any = Wire(clock)
    books = Books("toy", ["A-B", "C-D"], session=wire, manager={"clock": clock}, seed=1)
    async with books:
        await clock.settle()
        [socket] = wire.sockets
        socket.deliver({"ok": "ab"}, {"ok": "cd"})
        socket.deliver({"s": "ab", "n": 1, "b": [[5, 1]]}, {"s": "cd", "n": 1, "b": [[7, 1]]})
        await clock.settle()
        socket.deliver({"s": "ab", "n": 4, "b": [[1e-30, 1]]})
        socket.deliver({"s": "cd", "p": 1, "n": 2, "b": [[8, 1]]})
        await clock.settle()
        assert "could not be read" in str(books["A-B"].reason)
        assert books["C-D"].bids(1) == [(8.0, 1.0)]
        assert books.stats.losses == 1
        # It is asked for again like any that is missing.
        socket.deliver({"s": "ab", "p": 4, "n": 5, "b": [[4, 1]]})
        await clock.settle()
        await clock.advance(30.0)
        assert {"ask": ["ab"]} in socket.sent[1:]
        socket.deliver({"s": "ab", "n": 9, "b": [[3, 1]]})
        await clock.settle()
        assert books["A-B"].bids() == [(3.0, 1.0)]


async def test_a_new_connection_begins_with_its_own_snapshots() -> None:
    clock = ScriptedClock()
    wire: Any = Wire(clock)
    async with Books("toy", ["A-B"], session=wire, manager={"clock": clock}, seed=1) as books:
        await clock.settle()
        wire.sockets[0].deliver({"ok": "ab"}, {"s": "ab", "n": 1, "b": [[5, 1]]})
        await clock.settle()
        assert books["A-B"].is_live
        wire.sockets[0].terminate()
        await clock.settle()
        assert not books["A-B"].is_live
        await clock.advance(3.0)
        wire.sockets[1].deliver({"ok": "ab"}, {"s": "ab", "n": 8, "b": [[6, 1]]})
        await clock.settle()
        assert books["A-B"].bids() == [(6.0, 1.0)]


def test_what_such_a_venue_does_not_take() -> None:
    with pytest.raises(ConfigurationError, match="levels is for venues whose snapshots"):
        Books("toy", ["A-B"], levels=100)
    with pytest.raises(ConfigurationError, match="no exchange 'moon'"):
        Books("moon", ["A-B"])
