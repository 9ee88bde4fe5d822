"""What the simulator tells the owner of an account, in every way the venue has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.simulator_api import (
    ED25519_PEM,
    KEY,
    SECRET,
    api,
    ed25519_of,
    now_ms,
    rest,
    signed,
)
from tests.integration.simulator_client import Socket, connect, text_of
from tickwire.errors import ConfigurationError
from tickwire.simulator import MARGIN, Limits, Simulator, isolated

MARKET_ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
# Market and the path of its listen keys.
LISTEN_KEYS = [
    ("spot", "/api/v3/userDataStream"),
    ("usdm", "/fapi/v1/listenKey"),
    ("coinm", "/dapi/v1/listenKey"),
]


def venue(market: str = "spot", **options: Any) -> Simulator:
    sim = Simulator(rate=0, market=market, **options)
    balances = {"USDT": "1000000", "BTC": "10"}
    sim.accounts.add(api_key=KEY, secret=SECRET, balances=balances)
    return sim


async def event_of(ws: Socket) -> Any:
    return json.loads(await text_of(ws))


async def start_key(sim: Simulator, path: str, query: str = "") -> str:
    status, body, _ = await rest(sim, "POST", path, query)
    assert status == 200, body
    return str(body["listenKey"])


# --- the WebSocket API --------------------------------------------------------------------------


async def test_events_of_an_order_over_a_signed_subscription() -> None:
    async with venue() as sim, api(sim) as client, api(sim) as other:
        subscription = await client.result("userDataStream.subscribe.signature")
        assert subscription == {"subscriptionId": 0}
        order = await other.result("order.place", **MARKET_ORDER)
        new = await client.event("executionReport")
        assert (new["x"], new["X"], new["i"]) == ("NEW", "NEW", order["orderId"])
        trade = await client.event("executionReport")
        (fill,) = order["fills"]
        assert (trade["x"], trade["X"], trade["t"]) == ("TRADE", "FILLED", fill["tradeId"])
        assert (trade["L"], trade["n"], trade["N"]) == (
            fill["price"],
            fill["commission"],
            fill["commissionAsset"],
        )
        assert trade["I"] == new["I"] + 1
        position = await client.event("outboundAccountPosition")
        balances = {entry["a"]: entry for entry in position["B"]}
        assert balances["BTC"] == {"a": "BTC", "f": "10.99900000", "l": "0.00000000"}
        assert other.events == []


async def test_a_cancelled_order_is_told_with_both_ids() -> None:
    async with venue() as sim, api(sim) as client:
        await client.result("userDataStream.subscribe.signature")
        limit = {**MARKET_ORDER, "type": "LIMIT", "timeInForce": "GTC", "price": "100.00"}
        await client.result("order.place", **limit, newClientOrderId="mine")
        await client.result(
            "order.cancel", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="end"
        )
        placed = await client.event("executionReport")
        assert (placed["x"], placed["c"], placed["C"], placed["w"]) == ("NEW", "mine", "", True)
        cancelled = await client.event("executionReport")
        assert (cancelled["x"], cancelled["c"], cancelled["C"]) == ("CANCELED", "end", "mine")
        assert (cancelled["X"], cancelled["w"]) == ("CANCELED", False)


async def test_deposits_and_withdrawals() -> None:
    async with venue() as sim, api(sim) as client:
        await client.result("userDataStream.subscribe.signature")
        account = sim.account(KEY)
        account.deposit("ETH", "1.5")
        account.withdraw("ETH", "0.5")
        for delta, left in (("1.50000000", "1.50000000"), ("-0.50000000", "1.00000000")):
            update = await client.event("balanceUpdate")
            assert (update["a"], update["d"]) == ("ETH", delta)
            position = await client.event("outboundAccountPosition")
            assert position["B"] == [{"a": "ETH", "f": left, "l": "0.00000000"}]
        for amount in ("nan", "much"):
            with pytest.raises(ConfigurationError):
                account.deposit("ETH", amount)
        with pytest.raises(ConfigurationError):
            account.withdraw("ETH", "2")
        account.send({"e": "externalLockUpdate", "E": 1, "a": "NEO", "d": "1", "T": 1})
        assert (await client.event("externalLockUpdate"))["a"] == "NEO"


async def test_the_life_of_subscriptions() -> None:
    async with venue() as sim, api(sim) as client:
        sim.accounts.add(api_key="session", public_key=ED25519_PEM)
        unopened = await client.call("userDataStream.subscribe")
        assert unopened["status"] == 401
        await client.call("session.logon", **signed({}, ed25519_of, "session"))
        first = await client.call("userDataStream.subscribe")
        assert first["result"] == {"subscriptionId": 0}
        assert (await client.call("userDataStream.subscribe"))["error"]["code"] == -2035
        assert await client.result("userDataStream.subscribe.signature") == {"subscriptionId": 1}
        again = await client.refusal("userDataStream.subscribe.signature")
        assert again == (400, -2035)
        status = (await client.call("session.status"))["result"]
        assert status["userDataStream"] is True
        both = (await client.call("session.subscriptions"))["result"]
        assert both == [{"subscriptionId": 0}, {"subscriptionId": 1}]
        # A logout ends what the session began and nothing else.
        await client.call("session.logout")
        assert client.events.pop()["subscriptionId"] == 0
        left = (await client.call("session.subscriptions"))["result"]
        assert left == [{"subscriptionId": 1}]
        unknown = await client.call("userDataStream.unsubscribe", subscriptionId=0)
        assert unknown["error"]["code"] == -2036
        done = await client.call("userDataStream.unsubscribe", subscriptionId=1)
        assert done["result"] == {}
        ended = client.events.pop()
        assert (ended["subscriptionId"], ended["event"]["e"]) == (1, "eventStreamTerminated")
        # Ids are not used again.
        assert await client.result("userDataStream.subscribe.signature") == {"subscriptionId": 2}
        await client.call("userDataStream.unsubscribe")
        assert (await client.call("session.subscriptions"))["result"] == []


async def test_margin_wallets_are_heard_with_a_token() -> None:
    async with venue() as sim, api(sim) as client:
        tokens = []
        for query in ("", "isIsolated=true&symbol=BTCUSDT"):
            status, body, _ = await rest(sim, "POST", "/sapi/v1/userListenToken", query)
            assert status == 200
            assert body["expirationTime"] > now_ms()
            tokens.append(body["token"])
        subscribe = "userDataStream.subscribe.listenToken"
        answers = [await client.call(subscribe, listenToken=token) for token in tokens]
        assert [answer["result"]["subscriptionId"] for answer in answers] == [0, 1]
        # The same again extends it.
        again = await client.call(subscribe, listenToken=tokens[0])
        assert again["result"]["subscriptionId"] == 0
        account = sim.account(KEY)
        account.deposit("USDT", "1", wallet=MARGIN)
        account.deposit("USDT", "2", wallet=isolated("BTCUSDT"))
        account.deposit("USDT", "3")
        await client.call("ping")
        told = [
            (event["subscriptionId"], event["event"]["d"])
            for event in client.events
            if event["event"]["e"] == "balanceUpdate"
        ]
        assert told == [(0, "1.00000000"), (1, "2.00000000")]
        unknown = await client.call(subscribe, listenToken="nonsense")
        assert unknown["error"]["code"] == -1209


async def test_a_subscription_ends_with_its_token() -> None:
    limits = Limits(listen_token_seconds=0.5)
    async with venue(limits=limits) as sim, api(sim) as client:
        # The machine may be slower than the token lives; then there is another.
        while True:
            _, body, _ = await rest(sim, "POST", "/sapi/v1/userListenToken")
            answer = await client.call(
                "userDataStream.subscribe.listenToken", listenToken=body["token"]
            )
            if answer["status"] == 200:
                break
            assert answer["error"]["code"] == -1209
        ended = await client.event("eventStreamTerminated")
        assert ended["E"] >= body["expirationTime"]
        assert (await client.call("session.subscriptions"))["result"] == []


async def test_futures_start_listen_keys_over_the_websocket_api() -> None:
    async with venue("usdm") as sim, api(sim) as client:
        assert (await client.call("userDataStream.ping", apiKey=KEY))["error"]["code"] == -1125
        key = (await client.call("userDataStream.start", apiKey=KEY))["result"]["listenKey"]
        assert await start_key(sim, "/fapi/v1/listenKey") == key
        ping = await client.call("userDataStream.ping", apiKey=KEY)
        assert ping["result"] == {"listenKey": key}
        async with connect(f"{sim.ws_url}/private/ws/{key}") as ws:
            sim.account(KEY).deposit("USDT", "1")
            assert (await event_of(ws))["e"] == "ACCOUNT_UPDATE"
        assert client.events == []
        assert (await client.call("userDataStream.stop", apiKey=KEY))["result"] == {}
        assert (await client.call("userDataStream.stop", apiKey=KEY))["error"]["code"] == -1125
        assert (await client.call("userDataStream.start", apiKey="x"))["error"]["code"] == -2015
        subscribe = await client.signed("userDataStream.subscribe.signature")
        assert subscribe["error"]["code"] == -1020


# --- listen keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(("market", "path"), LISTEN_KEYS)
async def test_the_life_of_a_listen_key(market: str, path: str) -> None:
    async with venue(market, listen_keys=True) as sim:
        key = await start_key(sim, path)
        assert await start_key(sim, path) == key
        assert await rest_code(sim, "PUT", path, f"listenKey={key}") == (200, None)
        assert await rest_code(sim, "DELETE", path, f"listenKey={key}") == (200, None)
        assert await rest_code(sim, "PUT", path, f"listenKey={key}") == (400, -1125)
        assert await rest_code(sim, "DELETE", path, f"listenKey={key}") == (400, -1125)
        assert await start_key(sim, path) != key
        assert await rest_code(sim, "POST", path, key="nobody") == (401, -2015)
        assert await rest_code(sim, "POST", path, key=None) == (401, -2014)


async def rest_code(
    sim: Simulator, verb: str, path: str, query: str = "", key: str | None = KEY
) -> tuple[int, int | None]:
    status, body, _ = await rest(sim, verb, path, query, key=key)
    return status, body.get("code")


async def test_spot_has_no_listen_keys_unless_it_is_told_so() -> None:
    async with venue() as sim:
        for verb in ("POST", "PUT", "DELETE"):
            status, body, _ = await rest(sim, verb, "/api/v3/userDataStream")
            assert (status, body["code"]) == (410, -1020)


async def test_spot_events_on_raw_and_combined_streams() -> None:
    async with venue(listen_keys=True) as sim:
        key = await start_key(sim, "/api/v3/userDataStream")
        async with (
            connect(f"{sim.ws_url}/ws/{key}") as raw,
            connect(f"{sim.ws_url}/stream?streams={key}") as combined,
        ):
            sim.account(KEY).deposit("ETH", "1")
            update = await event_of(raw)
            assert (update["e"], update["d"]) == ("balanceUpdate", "1.00000000")
            assert await event_of(combined) == {"stream": key, "data": update}
            assert (await event_of(raw))["e"] == "outboundAccountPosition"


@pytest.mark.parametrize(
    ("path", "query", "wallet"),
    [
        ("/sapi/v1/userDataStream", "", MARGIN),
        ("/sapi/v1/userDataStream/isolated", "symbol=BTCUSDT", isolated("BTCUSDT")),
    ],
    ids=["cross", "isolated"],
)
async def test_margin_listen_keys(path: str, query: str, wallet: str) -> None:
    async with venue() as sim:
        key = await start_key(sim, path, query)
        async with connect(f"{sim.ws_url}/ws/{key}") as ws:
            account = sim.account(KEY)
            account.deposit("USDT", "1")
            account.deposit("USDT", "2", wallet=wallet)
            assert (await event_of(ws))["d"] == "2.00000000"


async def test_futures_events_come_on_the_private_route_only() -> None:
    async with venue("usdm") as sim, api(sim) as client:
        key = await start_key(sim, "/fapi/v1/listenKey")
        private = f"{sim.ws_url}/private"
        urls = {
            "path": f"{private}/ws/{key}",
            "query": f"{private}/ws?listenKey={key}",
            "combined": f"{private}/stream?listenKey={key}",
            "orders": f"{private}/ws?listenKey={key}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATES",
            "both": f"{private}/stream?listenKey={key}&events=ACCOUNT_UPDATE",
        }
        async with (
            connect(urls["path"]) as path,
            connect(urls["query"]) as query,
            connect(urls["combined"]) as combined,
            connect(urls["orders"]) as orders,
            connect(urls["both"]) as balances,
            connect(f"{sim.ws_url}/market/ws/{key}") as wrong,
        ):
            order = await client.result("order.place", **MARKET_ORDER)
            events = [await event_of(path) for _ in range(3)]
            kinds = ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
            assert [event["e"] for event in events] == kinds
            assert {event["o"]["i"] for event in events[:2]} == {order["orderId"]}
            assert (events[1]["o"]["X"], events[1]["o"]["l"]) == ("FILLED", "1.000")
            (position,) = events[2]["a"]["P"]
            assert (events[2]["a"]["m"], position["pa"]) == ("ORDER", "1.000")
            assert [await event_of(query) for _ in range(3)] == events
            for event in events:
                assert await event_of(combined) == {"stream": key, "data": event}
            assert [await event_of(orders) for _ in range(2)] == events[:2]
            assert await event_of(balances) == {"stream": key, "data": events[2]}
            await wrong.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert await event_of(wrong) == {"result": [key], "id": 1}


async def test_two_accounts_on_one_futures_connection() -> None:
    async with venue("usdm") as sim:
        sim.accounts.add(api_key="other", secret=SECRET)
        first = await start_key(sim, "/fapi/v1/listenKey")
        _, body, _ = await rest(sim, "POST", "/fapi/v1/listenKey", key="other")
        second = body["listenKey"]
        url = f"/private/stream?listenKey={first}&events=ACCOUNT_UPDATE&listenKey={second}"
        async with connect(sim.ws_url + url) as ws:
            sim.account("other").deposit("USDT", "2")
            sim.account(KEY).deposit("USDT", "1")
            assert [(await event_of(ws))["stream"] for _ in range(2)] == [second, first]


@pytest.mark.parametrize(("market", "path"), LISTEN_KEYS)
async def test_a_key_that_nobody_keeps_alive_expires(market: str, path: str) -> None:
    async with venue(market, listen_keys=True) as sim:
        key = await start_key(sim, path)
        route = "/private/ws/" if market == "usdm" else "/ws/"
        async with connect(sim.ws_url + route + key) as ws:
            with pytest.raises(KeyError):
                sim.expire_listen_key("nonsense")
            sim.expire_listen_key(key)
            expired = await event_of(ws)
            assert (expired["e"], expired["listenKey"]) == ("listenKeyExpired", key)
            assert await rest_code(sim, "PUT", path, f"listenKey={key}") == (400, -1125)
            # The connection stays, and is silent.
            sim.account(KEY).deposit("BTC", "1")
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert await event_of(ws) == {"result": [key], "id": 1}


async def test_a_key_expires_by_itself_after_its_hour() -> None:
    async with venue("coinm", limits=Limits(listen_key_seconds=1.0)) as sim:
        # The machine may be slower than the key lives: then there is another.
        while True:
            key = await start_key(sim, "/dapi/v1/listenKey")
            async with connect(f"{sim.ws_url}/ws/{key}") as ws:
                kept_ms = now_ms()
                if await rest_code(sim, "PUT", "/dapi/v1/listenKey") != (200, None):
                    continue
                expired = await event_of(ws)
                assert (expired["e"], expired["listenKey"]) == ("listenKeyExpired", key)
                # Its hour was counted from when it was kept alive.
                assert expired["E"] >= kept_ms + 1000
                break
