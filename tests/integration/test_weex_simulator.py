"""The simulated WEEX by a client that is not ours: refusals, the login, the pings, the end."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

import aiohttp

from tests.support.server import PATIENCE
from tickwire.clock import wall_ns
from tickwire.credentials import Credentials
from tickwire.errors import ConfigurationError
from tickwire.simulator.weex import WeexSimulator

KEYS = Credentials("key", "test-secret", passphrase="phrase")


def signed(**changed: str) -> dict[str, str]:
    stamp = changed.pop("stamp", str(wall_ns() // 1_000_000))
    digest = hmac.new(b"test-secret", f"{stamp}/v3/ws/private".encode(), hashlib.sha256).digest()
    headers = {
        "ACCESS-KEY": "key",
        "ACCESS-PASSPHRASE": "phrase",
        "ACCESS-TIMESTAMP": stamp,
        "ACCESS-SIGN": base64.b64encode(digest).decode(),
    }
    return headers | {name.replace("_", "-"): value for name, value in changed.items()}


async def test_refusals_and_the_sixth_of_them() -> None:
    async with (
        asyncio.timeout(3 * PATIENCE),
        WeexSimulator(symbols=["BTCUSDT"], rate=0) as simulator,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.ws_url}/v3/ws/public") as socket,
    ):
        assert (await socket.receive_json())["event"] == "connected"
        refused: list[tuple[Any, str]] = [
            (["BTCUSDT@bogus"], "invalid event : bogus"),
            (["NOPEUSDT@trade"], "invalid symbol : cmt_nopeusdt"),
            (["BTCUSDT@depth50"], "invalid depth level : 50"),
            (["BTCUSDT@bookTicker"], "invalid event : bookTicker"),
        ]
        for number, (names, text) in enumerate(refused):
            await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": number})
            answer = await socket.receive_json()
            assert answer == {"result": False, "id": number, "msg": f"INVALID_ARGUMENT: {text}"}
        await socket.send_json({"method": "PING", "id": "own"})
        assert await socket.receive_json() == {"result": True, "id": "own"}
        await socket.send_str("hello")
        answer = await socket.receive_json()
        assert answer["msg"] == "INVALID_ARGUMENT: unrecognized message : hello"
        await socket.send_json({"method": "FOO", "id": 9})
        assert "invalid event : FOO" in (await socket.receive_json())["msg"]
        message = await socket.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert socket.close_code == 1007


async def test_the_snapshot_stands_before_the_answer_and_comes_again_when_asked_for() -> None:
    async with (
        asyncio.timeout(3 * PATIENCE),
        WeexSimulator(symbols=["BTCUSDT"], rate=0, push_interval=3600.0) as simulator,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.ws_url}/v3/ws/public") as socket,
    ):
        await socket.receive_json()
        for number in range(2):
            request = {"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": number}
            await socket.send_json(request)
            snapshot = await socket.receive_json()
            assert (snapshot["e"], snapshot["d"], snapshot["l"]) == (
                "depthSnapshot",
                "SNAPSHOT",
                15,
            )
            assert await socket.receive_json() == {"result": True, "id": number}
        end = snapshot["u"]
        for _ in range(3):
            simulator.generate(50)
            change = await socket.receive_json()
            assert (change["d"], change["U"]) == ("CHANGED", end)
            end = change["u"]
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["BTCUSDT@depth15"], "id": 5})
        assert await socket.receive_json() == {"result": True, "id": 5}
        assert not simulator.topics


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ACCESS_KEY": ""}, 40001),
        ({"ACCESS_SIGN": ""}, 40002),
        ({"stamp": ""}, 40003),
        ({"ACCESS_PASSPHRASE": ""}, 40011),
        ({"stamp": "soon"}, 40005),
        ({"stamp": "1700000000000"}, 40008),
        ({"ACCESS_KEY": "other"}, 40006),
        ({"ACCESS_PASSPHRASE": "other"}, 40012),
        ({"ACCESS_SIGN": "b3RoZXI="}, 40009),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
async def test_logins_that_are_refused(headers: dict[str, str], code: int) -> None:
    async with (
        asyncio.timeout(3 * PATIENCE),
        WeexSimulator(symbols=["BTCUSDT"], rate=0, credentials=KEYS) as simulator,
        aiohttp.ClientSession() as session,
    ):
        url = f"{simulator.http_url}/v3/ws/private"
        async with session.get(url, headers=signed(**headers)) as answer:
            assert answer.status == 401
            assert (await answer.json())["code"] == code
        async with session.ws_connect(
            f"{simulator.ws_url}/v3/ws/private", headers=signed()
        ) as socket:
            assert (await socket.receive_json())["type"] == "connected"


async def test_a_client_that_answers_no_ping_is_cut_off() -> None:
    async with (
        asyncio.timeout(3 * PATIENCE),
        WeexSimulator(symbols=["BTCUSDT"], rate=0, ping_interval=0.02) as simulator,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{simulator.ws_url}/v3/ws/public") as socket,
    ):
        await socket.send_json({"method": "SUBSCRIBE", "params": ["BTCUSDT@trade"], "id": 1})
        async for _ in socket:
            pass
        assert simulator.counts["no pong"] == 1
        assert simulator.counts["ping"] == 11


async def test_the_same_seed_is_the_same_market() -> None:
    books = []
    for _ in range(2):
        async with WeexSimulator(symbols=["BTCUSDT"], seed=7, rate=0) as simulator:
            simulator.generate(500)
            books.append(simulator.window("BTCUSDT"))
    assert books[0] == books[1]


def test_what_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="product"):
        WeexSimulator(product="options")
    with pytest.raises(ConfigurationError, match="rate"):
        WeexSimulator(rate=-1)
    with pytest.raises(ConfigurationError, match="built-in"):
        WeexSimulator(symbols=["NOPEUSDT"])
