"""Sockets of accounts: the venue's events, bare, in either style."""

from __future__ import annotations

import asyncio
import queue
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("tickwire.binance.user_data", reason="this build has no user data")

from tests.support.weather import Weather
from tickwire.binance import (
    AsyncClient,
    BinanceSocketManager,
    KeepAliveWebsocket,
    ThreadedWebsocketManager,
)
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.errors import ConfigurationError
from tickwire.manager.backoff import Backoff
from tickwire.market import Event
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.binance.sockets import ReconnectingWebsocket
    from tickwire.simulator.accounts import Account

DEADLINE = 30
KEY, SECRET = "key", "s" * 64

# The call, the simulator's dialect and wallet, and what the first message of a deposit is.
SOCKETS: dict[str, tuple[Callable[[Any], ReconnectingWebsocket], str, str, str]] = {
    "user": (lambda bm: bm.user_socket(), "spot", "main", "balanceUpdate"),
    "margin": (lambda bm: bm.margin_socket(), "spot", "margin", "balanceUpdate"),
    "isolated margin": (
        lambda bm: bm.isolated_margin_socket("BTCUSDT"),
        "spot",
        "isolated:BTCUSDT",
        "balanceUpdate",
    ),
    "futures user": (lambda bm: bm.futures_user_socket(), "usdm", "main", "ACCOUNT_UPDATE"),
    "futures": (lambda bm: bm.futures_socket(), "usdm", "main", "ACCOUNT_UPDATE"),
    "coin futures user": (
        lambda bm: bm.coin_futures_user_socket(),
        "coinm",
        "main",
        "ACCOUNT_UPDATE",
    ),
    "coin futures": (lambda bm: bm.coin_futures_socket(), "coinm", "main", "ACCOUNT_UPDATE"),
}


def opened(sim: Simulator) -> Account:
    return sim.accounts.add(api_key=KEY, secret=SECRET, balances={})


@pytest.mark.parametrize("name", SOCKETS)
async def test_an_event_is_the_venues_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, market, wallet, kind = SOCKETS[name]
    async with Simulator(market=market, rate=0) as sim, asyncio.timeout(DEADLINE):
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        account = opened(sim)
        async with AsyncClient(KEY, SECRET) as client:
            bm = BinanceSocketManager(client, user_timeout=60)
            socket = make(bm)
            assert isinstance(socket, KeepAliveWebsocket)
            assert make(bm) is socket
            async with socket as stream:
                account.deposit("BTC", "1.5", wallet=wallet)
                message = await stream.recv()
            assert message["e"] == kind
            assert "subscriptionId" not in message
            assert "1.5" in str(message)
            async with make(BinanceSocketManager(client, typed=True)) as stream:
                account.deposit("BTC", "0.5", wallet=wallet)
                assert isinstance(await stream.recv(), Event)


@pytest.mark.parametrize("name", ["user", "margin", "futures user"])
async def test_a_place_where_events_may_be_missing_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, market, wallet, kind = SOCKETS[name]
    async with Simulator(market=market, rate=0) as sim, asyncio.timeout(DEADLINE):
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        account = opened(sim)
        async with AsyncClient(KEY, SECRET) as client, make(BinanceSocketManager(client)) as stream:
            account.deposit("BTC", "1", wallet=wallet)
            assert (await stream.recv())["e"] == kind
            sim.cut_connections()
            message = await stream.recv()
            while message["e"] != "error":  # what else the deposit has brought
                message = await stream.recv()
            # First that it is lost, then that it is there again.
            assert message["type"] == "ConnectionClosedError"
            assert "Reconnecting" in message["m"]
            message = await stream.recv()
            assert (message["e"], message["type"]) == ("error", "BinanceWebsocketClosed")
            assert "open orders" in message["m"]


@pytest.mark.parametrize("name", ["user", "futures user"])
async def test_an_outage_is_told_while_it_lasts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round of five attempts that has failed; then it goes on by itself."""
    make, market, wallet, kind = SOCKETS[name]
    monkeypatch.setattr(Backoff, "next_delay", lambda backoff: 0.0)
    async with (
        Simulator(market=market, rate=0) as sim,
        Weather(sim.port) as line,
        asyncio.timeout(DEADLINE),
    ):
        monkeypatch.setenv(SIMULATOR_VARIABLE, f"http://127.0.0.1:{line.port}")
        account = opened(sim)
        async with AsyncClient(KEY, SECRET) as client, make(BinanceSocketManager(client)) as stream:
            line.deafen()
            for pipe in list(line.pipes):
                pipe.reset()
            assert (await stream.recv())["type"] == "ConnectionClosedError"
            for _ in range(2):
                message = await stream.recv()
                assert message["type"] in ("ConnectError", "BinanceRequestException")
                assert (await stream.recv())["type"] == "BinanceWebsocketUnableToConnect"
            await line.listen()
            while "go on" not in message["m"]:
                message = await stream.recv()
                assert message["e"] == "error"
            account.deposit("BTC", "1", wallet=wallet)
            assert (await stream.recv())["e"] == kind


async def test_to_a_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(rate=0) as sim, asyncio.timeout(DEADLINE):
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        account = opened(sim)
        heard: queue.Queue[Any] = queue.Queue()
        twm = ThreadedWebsocketManager(api_key=KEY, api_secret=SECRET)
        await asyncio.to_thread(twm.start)
        try:
            name = await asyncio.to_thread(twm.start_user_socket, heard.put)
            assert name == "user"
            while heard.empty():  # until it is subscribed, nobody is told
                account.deposit("BTC", "1")
                await asyncio.sleep(0.05)
            assert heard.get()["e"] in ("balanceUpdate", "outboundAccountPosition")
        finally:
            await asyncio.to_thread(twm.stop)


async def test_without_a_key_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(rate=0) as sim, asyncio.timeout(DEADLINE):
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient() as client:
            with pytest.raises(ConfigurationError, match="api_key"):
                await BinanceSocketManager(client).user_socket().connect()
        heard: queue.Queue[Any] = queue.Queue()
        twm = ThreadedWebsocketManager()
        await asyncio.to_thread(twm.start)
        try:
            await asyncio.to_thread(twm.start_user_socket, heard.put)
            message = await asyncio.to_thread(heard.get, True, DEADLINE)
            assert (message["e"], message["type"]) == ("error", "ConfigurationError")
        finally:
            await asyncio.to_thread(twm.stop)
