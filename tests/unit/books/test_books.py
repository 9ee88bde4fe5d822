"""Books on a clock of the test's own: what makes them lost, and how they come back."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any
from weakref import ref

import orjson
import pytest

import tickwire
from tests.support.venue import Venue, cut, refused
from tickwire.book import BookState
from tickwire.errors import BookNotLiveError, BooksNotLiveError
from tickwire.manager import ScriptedClock

LEVELS = {"bids": [["10", "1"]], "asks": [["11", "1"]]}


class Bourse(Venue):
    """A venue without sockets that has snapshots too."""

    def __init__(self, clock: ScriptedClock) -> None:
        super().__init__(clock)
        self.at: dict[str, int] = {}
        self.asked: list[tuple[float, str]] = []
        self.status = 200

    async def get(self, url: str, *, timeout: float) -> Any:
        symbol = url.partition("symbol=")[2].partition("&")[0]
        self.asked.append((self.clock.mono_ns() / 1e9, symbol))
        body = orjson.dumps({"lastUpdateId": self.at[symbol]} | LEVELS)
        return SimpleNamespace(status_code=self.status, headers={}, content=body)

    def update(self, symbol: str, *, skip: int = 0, lost: int = 0) -> None:
        """The next update of a symbol, on every connection."""
        number = self.at[symbol] = self.at.get(symbol, 100) + 1 + skip
        data = {"e": "depthUpdate", "E": 1, "s": symbol, "U": number, "u": number, "b": [], "a": []}
        frame = {"stream": f"{symbol.lower()}@depth@100ms", "data": data}
        for socket in self.open_sockets:
            socket.deliver(frame, lost=lost)

    def books(self, *symbols: str, **settings: Any) -> tickwire.Books:
        session: Any = self
        return tickwire.Books(
            "binance",
            symbols or ("AAA", "BBB"),
            session=session,
            manager={"clock": self.clock, "overlap": 0.0} | settings,
            seed=1,
        )


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
def bourse(clock: ScriptedClock) -> Bourse:
    return Bourse(clock)


async def begin(bourse: Bourse, books: tickwire.Books) -> None:
    opening = asyncio.ensure_future(books.open())
    await bourse.clock.advance(1.0)
    await opening
    for symbol in books:
        bourse.update(symbol)
    await bourse.clock.advance(1.0)
    assert books.stats.live == len(books)


async def test_a_hole_is_one_books_business(bourse: Bourse, clock: ScriptedClock) -> None:
    books = bourse.books()
    await begin(bourse, books)
    bourse.asked.clear()
    bourse.update("AAA", skip=1)
    bourse.update("BBB")
    await clock.advance(5.0)
    assert [symbol for _, symbol in bourse.asked] == ["AAA"]
    assert books["AAA"].stats.losses == 1
    assert books["BBB"].stats.losses == 0
    assert books.stats.live == 2
    await books.close()


async def test_a_silent_stream_is_doubted(bourse: Bourse, clock: ScriptedClock) -> None:
    books = bourse.books(data_timeout=10.0)
    await begin(bourse, books)
    for _ in range(20):
        bourse.update("AAA")
        await clock.advance(1.0)
    assert books["AAA"].is_live
    assert "silent" in str(books["BBB"].reason)
    with pytest.raises(BookNotLiveError, match="silent"):
        books["BBB"].bbo()
    bourse.update("BBB")
    await clock.advance(2.0)
    assert books["BBB"].is_live
    await books.close()


async def test_dropped_messages_put_all_books_of_the_connection_in_doubt(
    bourse: Bourse, clock: ScriptedClock
) -> None:
    books = bourse.books()
    await begin(bourse, books)
    bourse.update("AAA", lost=3)
    await clock.settle()
    assert "3 messages were dropped" in str(books["BBB"].reason)
    await clock.advance(5.0)
    assert books["AAA"].is_live
    bourse.update("BBB")
    await clock.advance(5.0)
    assert books["BBB"].is_live
    assert (books["AAA"].stats.losses, books["BBB"].stats.losses) == (1, 1)
    await books.close()


async def test_failing_snapshots_are_asked_for_ever_more_rarely(
    bourse: Bourse, clock: ScriptedClock
) -> None:
    books = bourse.books("AAA", reconnect_delay=1.0, reconnect_delay_max=16.0)
    bourse.status = 503
    opening = asyncio.ensure_future(books.open())
    await clock.advance(1.0)
    await opening
    bourse.update("AAA")
    await clock.advance(400.0)
    waits = [
        later - at for (at, _), (later, _) in zip(bourse.asked, bourse.asked[1:], strict=False)
    ]
    assert 40 < len(waits) < 100, "half of 16 s on average, in the end"
    assert all(wait <= bound for wait, bound in zip(waits, [2, 4, 8, *[16] * 400], strict=False))
    assert max(waits) > 8.0
    assert books.stats.failures == len(bourse.asked)
    with pytest.raises(BooksNotLiveError, match=r"AAA \(.*fetched\)|AAA \(.*awaited\)"):
        await books.wait_live(timeout=0.0)
    bourse.status = 200
    await clock.advance(20.0)
    await books.wait_live(timeout=0.0)
    await books.close()


async def test_a_connection_that_is_lost_for_good_is_raised_to_everybody(
    bourse: Bourse, clock: ScriptedClock
) -> None:
    books = bourse.books(max_reconnect_attempts=2)
    await begin(bourse, books)
    changes = books.changes()
    bourse.answer_all = refused()
    bourse.sockets[0].end(cut())
    await clock.settle()
    assert books["AAA"].state is BookState.LOST
    waiting = asyncio.ensure_future(books.wait_live())
    await clock.advance(300.0)
    with pytest.raises(tickwire.WebSocketConnectionError):
        await waiting
    assert {(await anext(changes)).symbol for _ in books} == {"AAA", "BBB"}
    with pytest.raises(tickwire.WebSocketConnectionError):
        await anext(changes)
    await books.close()


async def test_closing_wakes_who_waits_and_leaves_the_session(
    bourse: Bourse, clock: ScriptedClock
) -> None:
    books = bourse.books()
    await begin(bourse, books)
    book, changes = books["AAA"], books.changes()
    waiting = asyncio.ensure_future(anext(changes))
    await clock.settle()
    await books.close()
    await books.close()
    # The last that is told of a book is that it is not live.
    assert (await waiting).state is BookState.LOST
    assert [change.symbol async for change in changes] == ["BBB"]
    with pytest.raises(BookNotLiveError, match="closed"):
        book.bids()
    assert not bourse.closed


async def test_an_iteration_that_was_left_costs_nothing_more(
    bourse: Bourse, clock: ScriptedClock
) -> None:
    books = bourse.books()
    await begin(bourse, books)
    kept, left = books.changes(), books.changes()
    gone = ref(left)
    bourse.update("AAA")
    await clock.settle()
    del left
    gc.collect()
    assert gone() is None
    bourse.update("AAA")
    await clock.settle()
    assert (await anext(kept)).updates == 2
    await books.close()
