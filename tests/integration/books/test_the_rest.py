"""Books and the rest of the venue: rate limits, refusals, late symbols, several connections."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the venue of these tests needs the `simulator` extra")

import tickwire
from tests.support.book_venue import Answer, BadVenue
from tickwire.errors import BooksNotLiveError, ConfigurationError, SubscriptionError
from tickwire.exchanges.binance.streams import LIMITS, Limits
from tickwire.simulator import Market, Simulator
from tickwire.simulator.symbols import default_specs

QUICK = {"reconnect_delay": 0.02, "reconnect_delay_max": 0.2, "overlap": 0.1}
PATIENCE = 30.0


@pytest.mark.parametrize("status", [429, 418])
async def test_a_refusal_is_obeyed_by_all_books(status: int) -> None:
    async with BadVenue(symbols=3) as venue:
        venue.answers[""] = deque([Answer(status, {"Retry-After": "1"})])
        async with tickwire.Books(
            "binance", venue.names, url=venue.ws_url, on_change=venue.check, manager=QUICK
        ) as books:
            await venue.run_until(lambda: books.stats.live == 3)
            assert books.stats.refusals == 1
            assert books.stats.failures == 0
        # Those that were under way with the first are no disobedience.
        refused = venue.asked[0][1]
        again = [at for at, name in venue.asked if name == refused]
        assert len(venue.asked) == 4
        assert len(again) == 2
        assert again[1] >= again[0] + 0.99


async def test_snapshots_stay_within_the_weight() -> None:
    async with BadVenue(symbols=3) as venue:
        async with tickwire.Books(
            "binance",
            venue.names,
            url=venue.ws_url,
            levels=100,
            weight_per_minute=10,
            manager=QUICK,
        ) as books:
            await venue.run_until(lambda: books.stats.live == 2)
            updates = books.stats.updates
            await venue.run_until(lambda: books.stats.updates > updates + 100)
            assert len(venue.asked) == 2
            with pytest.raises(BooksNotLiveError, match="snapshot") as caught:
                await books.wait_live(timeout=0.01)
            assert len(caught.value.reasons) == 1


async def test_what_the_venue_refuses_is_raised_to_who_waits_for_it() -> None:
    async with BadVenue(symbols=2) as venue:
        good, bad = venue.names
        venue.refused.add(f"{bad.lower()}@depth@100ms")
        async with tickwire.Books("binance", [good], url=venue.ws_url, manager=QUICK) as books:
            await venue.run_until(lambda: books.stats.live == 1)
            await books.add(bad)
            with pytest.raises(SubscriptionError, match="no such stream"):
                await books.wait_live(bad, timeout=PATIENCE)
            await books.wait_live(good, timeout=PATIENCE)


async def test_a_late_symbol_takes_what_room_there_is_and_then_a_new_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LIMITS, "spot", Limits(streams_per_connection=2, messages_per_second=5))
    async with BadVenue(symbols=4) as venue:
        names = venue.names
        async with tickwire.Books(
            "binance", names[:1], url=venue.ws_url, on_change=venue.check, manager=QUICK
        ) as books:
            for name in names[1:]:
                book = await books.add(name)
                await venue.run_until(lambda book=book: book.is_live)  # type: ignore[misc]
            assert list(books) == names
            assert books.stats.connections == venue.opened == 2
            assert await books.add(names[0]) is books[names[0]]
            gone = books[names[0]]
            await books.remove(names[0])
            assert not gone.is_live
            assert names[0] not in books
            with pytest.raises(KeyError):
                books[names[0]]
            await books.add(names[0])
            await venue.run_until(lambda: books.stats.live == 4)
            assert venue.opened == 2


async def test_a_connection_that_could_not_be_had_carries_nothing_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LIMITS, "spot", Limits(streams_per_connection=2, messages_per_second=5))
    async with BadVenue(symbols=4) as venue:
        names = venue.names
        async with tickwire.Books(
            "binance", names[:2], url=venue.ws_url, on_change=venue.check, manager=QUICK
        ) as books:
            venue.accepts = False
            with pytest.raises(tickwire.WebSocketError):
                await books.add(names[2])
            assert list(books) == names[:2]
            venue.accepts = True
            for name in names[2:]:
                await books.add(name)
            await venue.run_until(lambda: books.stats.live == 4)
            assert books.stats.connections == venue.opened == 2


@pytest.mark.parametrize("market", [market.value for market in Market])
async def test_beside_the_simulator(market: str) -> None:
    first, second = [spec.symbol for spec in default_specs(Market(market))[:2]]
    seen: list[int] = []

    def note(book: tickwire.book.OrderBook) -> None:
        if book.is_live:
            seen.append(book.ts_event_ns)

    async with Simulator(rate=0, market=market) as simulator:
        books = tickwire.Books(
            "binance",
            [first, second.lower()],
            market=market,
            url=simulator.ws_url,
            on_change=note,
            time_unit="microsecond" if market == "spot" else "millisecond",
        )
        async with books, asyncio.timeout(PATIENCE):
            live = asyncio.ensure_future(books.wait_live(timeout=PATIENCE))
            while not live.done():
                simulator.generate(20)
                await asyncio.sleep(0.01)
            await live
            bbo = books[second].bbo()
            assert bbo.bid_price is not None
            assert bbo.ask_price is not None
            assert books[second.lower()].spread == pytest.approx(bbo.ask_price - bbo.bid_price)
            assert books[first.lower()] is books[first]
            assert "NOTHING" not in books
        assert not books[first].is_live


def test_what_cannot_be_is_refused_at_once() -> None:
    def refuse(
        match: str, exchange: str = "binance", symbols: Any = ("BTC-USDT",), **how: Any
    ) -> None:
        with pytest.raises(ConfigurationError, match=match):
            tickwire.Books(exchange, symbols, **how)

    refuse("no exchange", exchange="bourse")
    refuse("list of symbols", symbols="BTC-USDT")
    refuse("without symbols", symbols=[])
    refuse("not a symbol", symbols=["?"])
    refuse("not a Binance market", market="options")
    refuse("no environment", environment="moon")
    refuse("5001 levels", levels=5001)
    refuse("1001 levels", market="usdm", levels=1001)
    refuse("weighs 250", levels=5000, weight_per_minute=100)
    refuse("at 7 ms", speed_ms=7)
    refuse("microseconds", market="coinm", time_unit="microsecond")
    refuse("no setting", manager={"nonsense": 1})
    refuse("the books decide", manager={"events": False})
    refuse("ws://", url="http://127.0.0.1")
    refuse("decimal", numbers="fraction")


async def test_books_are_opened_once_and_reading_them_before_says_so() -> None:
    books = tickwire.Books("binance", ["BTC-USDT"], url="ws://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="not open"):
        await books.wait_live()
    with pytest.raises(tickwire.ConnectError):
        await books.open()
    with pytest.raises(ConfigurationError, match="once"):
        await books.open()
    await books.close()
