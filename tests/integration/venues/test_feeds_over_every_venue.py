"""One test over every venue: a feed gives the market's trades in order, once each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the venues of these tests need the `simulator` extra")

import tickwire
from tests.support.venue_trial import QUICK, VENUES, server_for
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText, default_specs
from tickwire.simulator.venues import VenueSimulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.venue_trial import VenueRow
    from tickwire.simulator.market import MarketModel

PATIENCE = 30.0
STEPS, AT_ONCE = 600, 20
BESIDES = {"coinbase-exchange": 2}
"""Heartbeats, which the client subscribes for every product."""
KINDS = {"trade", "quote", "book_snapshot", "book_delta", "ticker"}
TOLD_WHOLE = {"okx"}
"""What one order took at one price is one trade there."""

Row = tuple[int, float, float, str]


def trades_of(model: MarketModel, steps: int, *, whole: bool) -> list[Row]:
    """The trades of the first instrument in the next ``steps``: id, price, size, who took."""
    found: list[Row] = []
    texts = NumberText(model.instruments[0].spec, Market.USDM)
    for _ in range(steps):
        event = model.step(1)
        for fill in event.fills if event.instrument.index == 0 else ():
            side = "sell" if fill.buyer_is_maker else "buy"
            parts = [fill.lots] if whole else fill.parts
            first = fill.last_id if whole else fill.first_id
            found += [
                (first + n, float(texts.price(fill.price)), float(texts.quantity(lots)), side)
                for n, lots in enumerate(parts)
            ]
    return found


@pytest.mark.parametrize("name", [name for name in VENUES if VENUES[name].dialect])
async def test_trades_come_in_order_and_once(name: str) -> None:
    row = VENUES[name]
    specs = list(default_specs(Market.SPOT)[:2])
    twin = server_for(row, specs)
    wanted = trades_of(twin.model, STEPS, whole=name in TOLD_WHOLE)
    found: list[Row] = []
    kinds: set[str] = set()
    server = server_for(row, specs)
    assert isinstance(server, VenueSimulator)
    async with server, feed_of(row, server) as feed, asyncio.timeout(PATIENCE):
        moving = asyncio.create_task(move(server, 4 + BESIDES.get(name, 0)))
        while len(found) < len(wanted) or not kinds >= KINDS:
            event: Any = await anext(feed)
            kinds.add(event.kind)
            if event.kind == "trade":
                found.append(
                    (int(event.trade_id), event.price, event.size, str(event.aggressor_side))
                )
            assert not isinstance(event, tickwire.Gap), event
        await moving
        assert found == wanted
        assert feed.stats.gaps == 0


def feed_of(row: VenueRow, server: VenueSimulator) -> tickwire.Feed:
    symbols = ["BTC-USDT"]
    return tickwire.Feed(
        row.exchange,
        market=row.market,
        options=row.options,
        url=server.ws_url,
        trades=symbols,
        quotes=symbols,
        books=symbols,
        tickers=["ETH-USDT"],
    )


async def move(server: VenueSimulator, subscriptions: int) -> None:
    """Once all is subscribed, which takes a reader: a feed decodes for whoever reads."""
    await server.until(lambda: server.subscriptions >= subscriptions)
    for _ in range(STEPS // AT_ONCE):
        server.generate(AT_ONCE)
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", [name for name in VENUES if VENUES[name].dialect])
async def test_hand_overs_and_losses_keep_the_trades(name: str) -> None:
    """Planned changes while the market moves, then a cut while it rests: no trade is missing, none
    comes twice, and the events keep the name that was asked for."""
    row = VENUES[name]
    specs = list(default_specs(Market.SPOT)[:1])
    subscriptions = 1 + BESIDES.get(name, 0) // 2
    found: list[Row] = []
    symbols: set[str] = set()
    planned = steps = 0
    server = server_for(row, specs)
    assert isinstance(server, VenueSimulator)
    arrived = asyncio.Condition()

    async def read(feed: tickwire.Feed) -> None:
        nonlocal planned
        async for event in feed:
            async with arrived:
                if isinstance(event, tickwire.Trade):
                    found.append(
                        (int(event.trade_id), event.price, event.size, str(event.aggressor_side))
                    )
                    symbols.add(event.symbol)
                planned += isinstance(event, tickwire.Reconnected) and event.downtime == 0
                arrived.notify_all()

    async def move_until(is_enough: Callable[[], bool]) -> None:
        nonlocal steps
        while not is_enough():
            server.generate(AT_ONCE)
            steps += AT_ONCE
            async with arrived:
                await arrived.wait()

    async def all_is_there() -> None:
        wanted = trades_of(server_for(row, specs).model, steps, whole=name in TOLD_WHOLE)
        async with arrived:
            await arrived.wait_for(lambda: len(found) >= len(wanted))
        assert found == wanted

    async with server, asyncio.timeout(PATIENCE):
        feed = tickwire.Feed(
            row.exchange,
            market=row.market,
            options=row.options,
            url=server.ws_url,
            trades=["btc/usdt"],
            rotate_every=0.3,
            manager=QUICK,
            records=True,
        )
        async with feed, asyncio.TaskGroup() as group:
            reader = group.create_task(read(feed))
            await server.until(lambda: server.subscriptions >= subscriptions)
            await move_until(lambda: planned >= 3)
            await all_is_there()
            old = list(server._lines)
            server.cut_all()
            await server.until(
                lambda: (
                    not any(line in server._lines for line in old)
                    and server.subscriptions >= subscriptions
                )
            )
            goal = len(found) + 20
            await move_until(lambda: len(found) >= goal)
            await all_is_there()
            reader.cancel()
        assert symbols == {"btc/usdt"}
