"""Clients against the simulator: signatures of every kind, orders, days that end, bans."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.support.server import PATIENCE
from tickwire.binance import (
    AsyncClient,
    BinanceAPIException,
    BinanceRateLimited,
    BinanceRequestLost,
    BinanceWebsocketClosed,
    UserData,
)
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.market import Gap
from tickwire.simulator import Limits, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

BALANCES = {"USDT": "1000000", "BTC": "10"}
ORDER = {"symbol": "BTCUSDT", "quantity": "0.001", "price": "100.00"}


def account(sim: Simulator, kind: str) -> dict[str, Any]:
    """Open an account with a key of that kind; gives what a client needs for it."""
    if kind == "hmac":
        sim.accounts.add(api_key="hmac", secret="secret", balances=BALANCES)
        return {"api_key": "hmac", "api_secret": "secret"}
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    sim.accounts.add(api_key=kind, public_key=public, balances=BALANCES)
    return {"api_key": kind, "private_key": private}


class Events:
    """What a subscription gave."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, str]] = []
        self.ends: list[Exception | None] = []
        self._arrived = asyncio.Event()

    def on_event(self, frame: bytes, recv_ns: int) -> None:
        event = orjson.loads(frame)["event"]
        if event["e"] == "executionReport":
            self.orders.append((event["i"], event["X"]))
        self._arrived.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()


@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519"])
async def test_every_kind_of_key(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    async with Simulator(rate=0) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient(**account(sim, kind)) as client:
            events = Events()
            api = client.ws_api()
            await api.subscribe_user_data(events.on_event, events.ends.append)
            placed = await client.ws_order_limit_buy(**ORDER)
            found = await client.ws_get_order(symbol="BTCUSDT", orderId=placed["orderId"])
            assert found["clientOrderId"] == placed["clientOrderId"]
            assert len(await client.ws_get_open_orders(symbol="BTCUSDT")) == 1
            gone = await client.ws_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
            assert gone["status"] == "CANCELED"
            await events.until(lambda: len(events.orders) == 2)
            number = placed["orderId"]
            assert events.orders == [(number, "NEW"), (number, "CANCELED")]
            assert (
                await client.ws_create_test_order(
                    **ORDER, side="BUY", type="LIMIT", timeInForce="GTC"
                )
                == {}
            )
            balances = {b["asset"]: b["free"] for b in (await client.ws_get_account())["balances"]}
            assert float(balances["USDT"]) == 1_000_000
            book = await client.ws_get_order_book(symbol="BTCUSDT", limit=5)
            assert book.keys() == {"lastUpdateId", "bids", "asks"}
            assert {limit.rate_limit_type for limit in api.rate_limits} >= {
                "REQUEST_WEIGHT",
                "ORDERS",
            }


async def test_refusals_are_the_venue_s(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(rate=0) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        given = account(sim, "hmac")
        async with AsyncClient(**given) as client:
            with pytest.raises(BinanceAPIException) as caught:
                await client.ws_get_order(symbol="BTCUSDT", orderId=1)
            assert caught.value.code == -2013
            with pytest.raises(BinanceAPIException) as caught:
                await client.ws_get_order_book(symbol="NOTHING")
            assert caught.value.code == -1121
        async with AsyncClient(given["api_key"], "another secret") as client:
            with pytest.raises(BinanceAPIException) as caught:
                await client.ws_get_account()
            assert caught.value.code == -1022


async def test_days_that_end_lose_neither_answers_nor_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A day of an instant: orders go on throughout, each placed once, each event told once."""
    limits = Limits(connection_seconds=60, messages_per_second=100_000, orders=100_000)
    async with Simulator(rate=0, limits=limits) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient(**account(sim, "hmac"), ws_api_max_age=0.3) as client:
            events = Events()
            await client.ws_api().subscribe_user_data(events.on_event, events.ends.append)
            placed: list[int] = []
            links: set[int] = set()
            async with asyncio.timeout(PATIENCE):
                while len(links) < 4:
                    order = await client.ws_order_limit_buy(**ORDER)
                    placed.append(order["orderId"])
                    links.add(id(client.ws_api()._link))
                    await client.ws_cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
            expected = [(n, state) for n in placed for state in ("NEW", "CANCELED")]
            await events.until(lambda: len(events.orders) >= len(expected))
            assert events.orders == expected
            assert events.ends == []
            assert len(set(placed)) == len(placed)


async def test_an_announced_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(rate=0) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient(**account(sim, "ed25519")) as client:
            events = Events()
            api = client.ws_api()
            await api.subscribe_user_data(events.on_event, events.ends.append)
            before = api._link
            sim.announce_shutdown(grace=PATIENCE)
            async with asyncio.timeout(PATIENCE):
                while api._link is before or before in api._links:
                    await client.ws_ping()
            await client.ws_order_limit_buy(**ORDER)
            await events.until(lambda: len(events.orders) == 1)
            assert events.ends == []


async def test_a_ban_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(rate=0) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient(**account(sim, "hmac")) as client:
            await client.ws_ping()
            sim.ban(600)
            with pytest.raises((BinanceAPIException, BinanceRequestLost)) as caught:
                await client.ws_ping()
            if isinstance(caught.value, BinanceRequestLost):  # cut off, and refused at the door
                with pytest.raises(BinanceAPIException):
                    await client.ws_ping()
            for request in (client.ws_ping, client.ping):
                with pytest.raises(BinanceRateLimited):
                    await request()


async def test_a_revoked_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator(rate=0) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient(**account(sim, "ed25519")) as client:
            await client.ws_get_account()
            sim.accounts.revoke("ed25519")
            with pytest.raises(BinanceAPIException) as caught:
                await client.ws_get_account()
            assert caught.value.code == -2015
            assert await client.ws_ping() == {}


@pytest.mark.parametrize("kind", ["spot", "margin", "usdm", "coinm"])
async def test_user_data_ends_with_the_client(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    market: Any = "spot" if kind == "margin" else kind
    async with Simulator(rate=0, market=market) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        client = AsyncClient(**account(sim, "hmac"))
        async with asyncio.timeout(PATIENCE), UserData(client, kind) as events:
            await client.close_connection()
            with pytest.raises(BinanceWebsocketClosed):
                while True:
                    assert isinstance(await events.recv_event(), Gap)


@pytest.mark.parametrize("market", ["usdm", "coinm"])
async def test_futures(monkeypatch: pytest.MonkeyPatch, market: Any) -> None:
    async with Simulator(rate=0, market=market) as sim:
        monkeypatch.setenv(SIMULATOR_VARIABLE, sim.http_url)
        async with AsyncClient(**account(sim, "ed25519")) as client:
            api = client.ws_api(market)
            assert await api.request("account.balance")
            started = await api.request("userDataStream.start")
            assert started["listenKey"]
            if market == "usdm":
                book = await client.ws_futures_get_order_book(symbol="BTCUSDT")
                assert book["bids"]
                assert await client.futures_stream_get_listen_key() == started["listenKey"]
            else:
                assert await client.futures_coin_stream_get_listen_key() == started["listenKey"]
