"""The asyncio manager's messages: what the venue sent, as ``orjson`` reads it, or as events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire import AsyncSession
from tickwire.binance import (
    AsyncClient,
    BinanceSocketManager,
)
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.errors import ConfigurationError
from tickwire.market import BookDelta, Trade
from tickwire.simulator import CloseReason, Simulator, SymbolSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tickwire.binance.sockets import ReconnectingWebsocket

    Calls = dict[str, tuple[Callable[[BinanceSocketManager], ReconnectingWebsocket], str]]

DEADLINE = 30
SYMBOLS = ["BNBBTC", "BTCUSDT"]
BNBBTC = SymbolSpec("BNB", "BTC", "0.000001", "0.01", "0.008710")


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with Simulator(rate=0, symbols=[BNBBTC, "BTCUSDT"]) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        yield sim


async def subscribed(sim: Simulator, count: int) -> None:
    """Wait until the simulator has so many subscriptions."""
    hub = sim._hub
    assert hub is not None
    async with asyncio.timeout(DEADLINE):
        while sum(len(connection.streams) for connection in hub.connections) < count:
            await asyncio.sleep(0.01)


# ---------------------------------------------------------------------- what a message is

# For each kind of socket of the simulator's markets: the call, and the stream that it is of.
SPOT: Calls = {
    "depth": (lambda bm: bm.depth_socket("BNBBTC"), "bnbbtc@depth"),
    "depth 100": (lambda bm: bm.depth_socket("BNBBTC", interval=100), "bnbbtc@depth@100ms"),
    "depth 5": (
        lambda bm: bm.depth_socket("BNBBTC", depth=BinanceSocketManager.WEBSOCKET_DEPTH_5),
        "bnbbtc@depth5",
    ),
    "depth 10": (
        lambda bm: bm.depth_socket("BNBBTC", BinanceSocketManager.WEBSOCKET_DEPTH_10),
        "bnbbtc@depth10",
    ),
    "depth 20": (
        lambda bm: bm.depth_socket("BNBBTC", BinanceSocketManager.WEBSOCKET_DEPTH_20),
        "bnbbtc@depth20",
    ),
    "kline": (lambda bm: bm.kline_socket("BNBBTC", interval="1s"), "bnbbtc@kline_1s"),
    "trade": (lambda bm: bm.trade_socket("BNBBTC"), "bnbbtc@trade"),
    "aggtrade": (lambda bm: bm.aggtrade_socket("BNBBTC"), "bnbbtc@aggTrade"),
    "symbol ticker": (lambda bm: bm.symbol_ticker_socket("BNBBTC"), "bnbbtc@ticker"),
    "symbol miniticker": (lambda bm: bm.symbol_miniticker_socket("BNBBTC"), "bnbbtc@miniTicker"),
    "book ticker": (lambda bm: bm.symbol_book_ticker_socket("BNBBTC"), "bnbbtc@bookTicker"),
    "miniticker": (lambda bm: bm.miniticker_socket(), "!miniTicker@arr"),
}
QUICK_KINDS = ("trade", "aggtrade", "book ticker", "depth 100")  # the others: once a second
FUTURES: Calls = {
    "depth": (lambda bm: bm.futures_depth_socket("BTCUSDT"), "btcusdt@depth10"),
    "aggtrade": (lambda bm: bm.aggtrade_futures_socket("BTCUSDT"), "btcusdt@aggTrade"),
    "book ticker": (lambda bm: bm.symbol_ticker_futures_socket("BTCUSDT"), "btcusdt@bookTicker"),
    "ticker": (lambda bm: bm.futures_ticker_socket(), "!ticker@arr"),
    "tickers": (lambda bm: bm.all_ticker_futures_socket("!ticker@arr"), "!ticker@arr"),
    "symbol ticker": (
        lambda bm: bm.individual_symbol_ticker_futures_socket("BTCUSDT"),
        "btcusdt@ticker",
    ),
}


MOST_BEFORE = 20  # messages at intervals; a socket that takes longer to subscribe has failed


def bare(message: Any) -> Any:
    """A message without the envelope of a combined connection."""
    return message["data"] if isinstance(message, dict) and "stream" in message else message


async def side_by_side(
    sim: Simulator, raw_path: str, socket: ReconnectingWebsocket, count: int
) -> tuple[list[Any], list[Any]]:
    """What a bare connection brings, as ``orjson`` reads it, and what the socket gives: from the
    same pushes of the simulator.

    Candles that close and tickers are sent every second, so that the bare connection, which is the
    first, may have had some before the socket was subscribed: these are left out."""
    raw: list[Any] = []
    found: list[Any] = []
    async with AsyncSession() as session, asyncio.timeout(DEADLINE):
        async with session.ws_connect(sim.ws_url + raw_path) as ws, socket as stream:
            await subscribed(sim, 2)

            async def push() -> None:
                while True:
                    sim.generate(50)
                    await asyncio.sleep(0.02)  # the simulator's cadences are in real time

            pushing = asyncio.create_task(push())
            while len(found) < count:
                found.append(await stream.recv())
            first = bare(found[0])
            while len(raw) < count or (bare(raw[0]) != first and len(raw) < MOST_BEFORE):
                raw.append(orjson.loads((await ws.recv())[0]))
                if bare(raw[-1]) == first:
                    del raw[:-1]
            pushing.cancel()
    return raw, found


@pytest.mark.parametrize("kind", SPOT)
async def test_a_spot_message_is_what_the_venue_sent(kind: str, simulator: Simulator) -> None:
    make, name = SPOT[kind]
    client = await AsyncClient.create()
    count = 3 if kind in QUICK_KINDS else 1
    socket = make(BinanceSocketManager(client))
    raw, found = await side_by_side(simulator, f"/ws/{name}", socket, count)
    await client.close_connection()
    assert found == raw


@pytest.mark.parametrize("kind", FUTURES)
async def test_a_futures_message_says_its_stream(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, name = FUTURES[kind]
    async with Simulator(rate=0, symbols=["BTCUSDT"], market="usdm", route_by_class=False) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        client = await AsyncClient.create()
        raw, found = await side_by_side(
            sim, f"/stream?streams={name}", make(BinanceSocketManager(client)), count=1
        )
        await client.close_connection()
    assert found == raw
    assert found[0]["stream"] == name


async def test_a_multiplex_message_says_its_stream(simulator: Simulator) -> None:
    client = await AsyncClient.create()
    socket = BinanceSocketManager(client).multiplex_socket(["bnbbtc@aggTrade"])
    raw, found = await side_by_side(simulator, "/stream?streams=bnbbtc@aggTrade", socket, 3)
    await client.close_connection()
    assert found == raw
    assert found[0].keys() == {"stream", "data"}


async def test_all_tickers_of_spot(simulator: Simulator) -> None:
    """A list of the venue's own ``24hrTicker`` messages, though there is no such stream any more;
    an argument too many, as the page has it, is left out of account."""
    client = await AsyncClient.create()
    bm = BinanceSocketManager(client)
    async with bm.ticker_socket(print) as stream, asyncio.timeout(DEADLINE):
        await subscribed(simulator, len(SYMBOLS))
        simulator.generate(200)
        seen: set[str] = set()
        while seen != set(SYMBOLS):
            message = await stream.recv()
            assert {item["e"] for item in message} == {"24hrTicker"}
            assert all(isinstance(item["c"], str) for item in message)
            seen |= {item["s"] for item in message}
    async with bm.book_ticker_socket() as stream, asyncio.timeout(DEADLINE):
        await subscribed(simulator, len(SYMBOLS))
        simulator.generate(200)
        assert (await stream.recv()).keys() == {"u", "s", "b", "B", "a", "A"}
    await client.close_connection()


async def test_events_instead_of_dictionaries(simulator: Simulator) -> None:
    client = await AsyncClient.create()
    bm = BinanceSocketManager(client, typed=True)
    assert bm.trade_socket("BNBBTC") is not bm.trade_socket("BNBBTC", typed=False)
    async with (
        bm.trade_socket("BNBBTC") as trades,
        bm.depth_socket("BNBBTC", interval=100) as depth,
        bm.trade_socket("BNBBTC", typed=False) as dicts,
        asyncio.timeout(DEADLINE),
    ):
        await subscribed(simulator, 3)
        simulator.generate(300)
        event = await trades.recv()
        assert isinstance(event, Trade)
        assert (await dicts.recv())["t"] == event.trade_id
        assert isinstance(await depth.recv(), BookDelta)
    with pytest.raises(ConfigurationError, match="options"):
        bm.options_ticker_socket("BTC-251123-126000-C")
    await client.close_connection()


async def test_what_a_manager_refuses(simulator: Simulator) -> None:
    client = await AsyncClient.create()
    with pytest.raises(ConfigurationError, match="user_timeout"):
        BinanceSocketManager(client, user_timeout=0)
    BinanceSocketManager(client, user_timeout=None)  # python-binance's default
    with pytest.raises(ConfigurationError, match="max_queue_size"):
        BinanceSocketManager(client, max_queue_size=0).trade_socket("BNBBTC")
    with pytest.raises(ConfigurationError, match="interval"):
        BinanceSocketManager(client).kline_socket("BNBBTC", interval="7m")
    await client.close_connection()


async def test_nothing_is_left_after_the_last_exit(simulator: Simulator) -> None:
    client = await AsyncClient.create()
    bm = BinanceSocketManager(client)
    before = asyncio.all_tasks()
    for _ in range(3):
        async with bm.trade_socket("BNBBTC"), bm.depth_socket("BNBBTC"):
            await subscribed(simulator, 2)
    async with asyncio.timeout(DEADLINE):
        await simulator.until(lambda stats: not stats.connections_open)
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0.01)
    await client.close_connection()
    assert simulator.stats.closed[CloseReason.CLIENT] == 6
