"""Books over real sockets and a bad line: each is the true book, or says that it is not."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

pytest.importorskip("aiohttp", reason="the venue of these tests needs the `simulator` extra")

import tickwire
from tests.support.book_venue import BadVenue, LineFaults
from tickwire.book import BookState, OrderBook
from tickwire.errors import BookNotLiveError
from tickwire.simulator import Market

QUICK = {"reconnect_delay": 0.02, "reconnect_delay_max": 0.2, "overlap": 0.1}
PATIENCE = 30.0
FAULTS = ("loss", "repeat", "delay", "disconnect", "failed snapshot", "old snapshot")


@pytest.mark.parametrize("market", [market.value for market in Market])
async def test_every_book_is_true_or_not_live(market: str) -> None:
    async with BadVenue(market, symbols=3) as venue:
        books = tickwire.Books(
            "binance",
            venue.names,
            market=market,
            url=venue.ws_url,
            levels=1000,
            weight_per_minute=1_000_000,
            manager=QUICK | {"max_reconnect_attempts": 0},
            on_change=venue.check,
            seed=3,
        )
        async with books:
            await venue.run_until(lambda: books.stats.live == 3)
            venue.faults = LineFaults(0.004, 0.01, 0.004, 0.0007, 0.2, 0.2)
            # Until everything has happened to them that can, which is a matter of chance.
            await venue.run_until(
                lambda: (
                    books.stats.losses > 20
                    and venue.counts["compared"] > 2000
                    and all(venue.counts[fault] for fault in FAULTS)
                )
            )
            venue.faults = LineFaults()
            await venue.run_until(lambda: all(map(venue.is_level, (books[n] for n in books))))
            assert books.stats.snapshots > 20


async def test_a_lost_update_is_told_and_the_others_stay_live() -> None:
    async with BadVenue(symbols=3) as venue:
        first, *others = venue.names
        async with tickwire.Books(
            "binance", venue.names, url=venue.ws_url, on_change=venue.check, manager=QUICK
        ) as books:
            await venue.run_until(lambda: books.stats.live == 3)
            venue.asked.clear()
            venue.held.clear()
            changes = books.changes()
            await venue.tick(lose=first)
            await venue.run_until(lambda: not books[first].is_live)
            assert books[first].state is BookState.LOST
            with pytest.raises(BookNotLiveError, match="missing"):
                books[first].bids(1)
            await venue.run_until(lambda: bool(venue.asked))
            seen = {}
            async with asyncio.timeout(PATIENCE):
                while first not in seen:
                    change = await anext(changes)
                    seen[change.symbol] = change
            assert seen[first].losses == 1
            assert seen[first].reason is not None
            venue.held.set()
            await venue.run_until(lambda: books[first].is_live)
            assert [name for _, name in venue.asked] == [first]
            assert [books[name].stats.losses for name in others] == [0, 0]
            assert [books[name].stats.snapshots for name in others] == [1, 1]


def rotated(books: tickwire.Books, times: int) -> bool:
    return books.stats.rotations >= times


@pytest.mark.parametrize("way", ["age", "limit", "notice"])
async def test_a_planned_change_of_connections_loses_nothing(way: str) -> None:
    plans = {
        "age": {"rotate_every": 0.3},
        "limit": {"connection_limit": 0.5, "connection_limit_margin": 0.2},
        "notice": {},
    }
    numbers: dict[str, list[int]] = {}

    def note(book: OrderBook) -> None:
        venue.check(book)
        assert book.is_live or not numbers.get(book.symbol)
        if book.sequence is not None:
            numbers.setdefault(book.symbol, []).append(book.sequence)

    async with BadVenue(symbols=2) as venue:
        async with tickwire.Books(
            "binance",
            venue.names,
            url=venue.ws_url,
            manager=QUICK | plans[way],
            on_change=note,
        ) as books:
            await venue.run_until(lambda: books.stats.live == 2)
            asked = len(venue.asked)
            for _ in range(3):
                if way == "notice":
                    await venue.announce_shutdown()
                wanted = books.stats.rotations + 1
                await venue.run_until(partial(rotated, books, wanted))
            await venue.run_until(lambda: all(map(venue.is_level, (books[n] for n in books))))
            assert books.stats.losses == 0
            assert len(venue.asked) == asked
    assert venue.opened >= 4
    assert all(found == sorted(found) for found in numbers.values())


async def test_a_broken_connection_makes_its_books_lost_at_once() -> None:
    async with BadVenue(symbols=2) as venue:
        async with tickwire.Books(
            "binance",
            venue.names,
            url=venue.ws_url,
            on_change=venue.check,
            manager=QUICK | {"max_reconnect_attempts": 0},
        ) as books:
            await venue.run_until(lambda: books.stats.live == 2)
            venue.accepts = False
            venue.cut()
            async with asyncio.timeout(PATIENCE):
                changes = books.changes()
                change = await anext(changes)
                while books.stats.live:
                    change = await anext(changes)
            assert change.state is BookState.LOST
            assert "network_error" in str(change.reason)
            venue.accepts = True
            await venue.run_until(lambda: books.stats.live == 2)
            assert books.stats.losses == 2


async def test_one_of_two_connections_may_break() -> None:
    async with BadVenue(symbols=2) as venue:
        async with tickwire.Books(
            "binance",
            venue.names,
            url=venue.ws_url,
            on_change=venue.check,
            manager=QUICK | {"redundancy": 2},
        ) as books:
            await venue.run_until(lambda: books.stats.live == 2 and books.stats.connections == 2)
            # Both deliver once the second has caught up, which shows in what comes twice. Then
            # either may go.
            await venue.run_until(lambda: books.stats.duplicates > 0)
            twice = books.stats.duplicates
            await venue.run_until(lambda: books.stats.duplicates > twice + 200)
            venue.lines[0].transport.abort()
            await venue.run_until(lambda: venue.opened == 3 and books.stats.connections == 2)
            assert books.stats.losses == 0


async def test_what_on_change_raises_ends_the_books() -> None:
    def fail(book: object) -> None:
        raise LookupError("of the program")

    async with BadVenue(symbols=1) as venue:
        async with tickwire.Books(
            "binance", venue.names, url=venue.ws_url, on_change=fail
        ) as books:
            waiting = asyncio.ensure_future(books.wait_live(timeout=PATIENCE))
            await venue.run_until(waiting.done)
            with pytest.raises(LookupError):
                await waiting
            with pytest.raises(LookupError):
                async for _ in books.changes():
                    pass
            assert not books.stats.live
