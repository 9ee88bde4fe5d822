"""The simulator's WebSocket API over real sockets: envelope, market data, keys, orders."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator_api import (
    ED25519_PEM,
    KEY,
    SECRET,
    Api,
    api,
    ed25519_of,
    hmac_of,
    now_ms,
    rest,
    signed,
)
from tests.integration.simulator_client import connect, text_of
from tickwire.simulator import Limits, Simulator

SYMBOL = {"spot": "BTCUSDT", "usdm": "BTCUSDT", "coinm": "BTCUSD_PERP"}
ASSET = {"spot": "USDT", "usdm": "USDT", "coinm": "BTC"}
FUTURES = ("usdm", "coinm")


def venue(market: str = "spot", **options: Any) -> Simulator:
    """A market that moved once and stands still, with one rich client."""
    sim = Simulator(rate=0, symbols=[SYMBOL[market]], market=market, **options)
    balances = {ASSET[market]: "1000000", "BTC": "10"}
    sim.accounts.add(api_key=KEY, secret=SECRET, balances=balances)
    return sim


def best(sim: Simulator) -> tuple[Decimal, Decimal]:
    """The best bid and ask."""
    (instrument,) = sim.model.instruments
    tick = Decimal(instrument.spec.tick_size)
    return instrument.book.bids.best * tick, instrument.book.asks.best * tick


# --- envelope -----------------------------------------------------------------------------------


@pytest.mark.parametrize("request_id", [1, -7, "e2a85d9f-07a5", None])
async def test_the_id_comes_back_as_it_was_sent(request_id: Any) -> None:
    async with venue() as sim, api(sim) as client:
        await client.ws.send_json({"id": request_id, "method": "ping"})
        answer = json.loads(await text_of(client.ws))
        (limit,) = answer.pop("rateLimits")
        # The connection cost 2, unless a minute began after it.
        assert limit.pop("count") in (1, 3)
        assert limit == {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": 6000,
        }
        assert answer == {"id": request_id, "status": 200, "result": {}}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", -1135),
        ("[]", -1135),
        ('{"id":1,"method":"ping","params":[1]}', -1135),
        ('{"method":"ping"}', -1102),
        ('{"id":{},"method":"ping"}', -1102),
        ('{"id":1}', -1102),
        ('{"id":1,"method":"no.such"}', -1020),
        ('{"id":1,"method":"userDataStream.start","params":{"apiKey":"key"}}', -1020),
        ('{"id":1,"method":"depth"}', -1102),
        ('{"id":1,"method":"depth","params":{"symbol":"NOSUCH"}}', -1121),
        ('{"id":1,"method":"depth","params":{"symbol":"btcusdt"}}', -1100),
        ('{"id":1,"method":"klines","params":{"symbol":"BTCUSDT","interval":"2m"}}', -1120),
    ],
)
async def test_a_request_that_is_none_is_refused_and_the_connection_stays(
    text: str, code: int
) -> None:
    async with venue() as sim, api(sim) as client:
        await client.ws.send_str(text)
        answer = json.loads(await text_of(client.ws))
        assert (answer["status"], answer["error"]["code"]) == (400, code)
        assert (await client.call("ping"))["status"] == 200


async def test_rate_limits_can_be_left_out() -> None:
    async with venue() as sim:
        async with api(sim) as client:
            assert "rateLimits" not in await client.call("ping", returnRateLimits=False)
            assert "rateLimits" in await client.call("ping")
        async with api(sim, "?returnRateLimits=false") as client:
            assert "rateLimits" not in await client.call("ping")
            assert "rateLimits" in await client.call("ping", returnRateLimits=True)


async def test_a_method_may_name_its_version() -> None:
    async with venue() as sim, api(sim) as client:
        assert (await client.call("v3/ping"))["status"] == 200


# --- market data --------------------------------------------------------------------------------


async def test_market_data_is_that_of_the_model() -> None:
    async with venue() as sim, api(sim) as client:
        sim.generate(500)
        (instrument,) = sim.model.instruments
        bid, ask = best(sim)

        async def get(method: str, **params: Any) -> Any:
            return (await client.call(method, symbol="BTCUSDT", **params))["result"]

        depth = await get("depth", limit=5)
        assert depth["lastUpdateId"] == instrument.book.last_update_id
        assert [len(depth[side]) for side in ("bids", "asks")] == [5, 5]
        assert (Decimal(depth["bids"][0][0]), Decimal(depth["asks"][0][0])) == (bid, ask)
        trades = await get("trades.recent", limit=1000)
        ids = [trade["id"] for trade in trades]
        assert ids == list(range(ids[0], instrument.next_trade_id))
        assert await get("trades.recent", limit=3) == trades[-3:]
        assert await get("trades.historical", fromId=ids[4], limit=2) == trades[4:6]
        volume = sum((Decimal(trade["qty"]) for trade in trades), Decimal(0))
        amount = sum((Decimal(trade["quoteQty"]) for trade in trades), Decimal(0))
        day = await get("ticker.24hr")
        assert (day["count"], Decimal(day["volume"])) == (len(trades), volume)
        assert Decimal(day["quoteVolume"]) == amount
        assert day["lastPrice"] == trades[-1]["price"]
        assert set(await get("ticker.24hr", type="MINI")) == set(day) - {
            *("priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice"),
            *("lastQty", "bidPrice", "bidQty", "askPrice", "askQty"),
        }
        klines = await get("klines", interval="1d")
        assert sum(Decimal(kline[5]) for kline in klines) == volume
        assert sum(kline[8] for kline in klines) == len(trades)
        assert await get("uiKlines", interval="1d") == klines
        assert await get("ticker.price") == {"symbol": "BTCUSDT", "price": trades[-1]["price"]}
        book = await get("ticker.book")
        assert (Decimal(book["bidPrice"]), Decimal(book["askPrice"])) == (bid, ask)
        average = await get("avgPrice")
        assert 0 <= amount / volume - Decimal(average["price"]) < Decimal("1e-8")
        aggregates = await get("trades.aggregate")
        assert sum(a["l"] - a["f"] + 1 for a in aggregates) == len(trades)
        assert await get("trades.aggregate", fromId=aggregates[2]["a"], limit=1) == [aggregates[2]]


async def test_stretches_of_time() -> None:
    async with venue() as sim, api(sim) as client:
        sim.generate(500)
        (day,) = (await client.call("ticker.24hr", symbols=["BTCUSDT"]))["result"]
        window = (await client.call("ticker", symbol="BTCUSDT", windowSize="1d"))["result"]
        today = (await client.call("ticker.tradingDay", symbol="BTCUSDT"))["result"]
        for stretch in (window, today):
            assert set(stretch) < set(day)
            same = ("lastPrice", "lastId", "priceChangePercent")
            assert all(stretch[name] == day[name] for name in same)
        assert window["count"] == day["count"] > 0
        assert window["closeTime"] - window["openTime"] >= 86_400_000
        assert today["closeTime"] - today["openTime"] == 86_399_999
        mini = (await client.call("ticker", symbol="BTCUSDT", windowSize="4h", type="MINI"))[
            "result"
        ]
        assert "priceChange" not in mini
        for size in ("0m", "60m", "24h", "8d", "1w", "m"):
            refused = await client.call("ticker", symbol="BTCUSDT", windowSize=size)
            assert refused["error"]["code"] == -1100
        refused = await client.call("ticker.tradingDay", symbol="BTCUSDT", timeZone="8")
        assert refused["error"]["code"] == -1020


async def test_what_the_market_does_not_have_is_empty() -> None:
    async with venue() as sim, api(sim) as client:
        for method in ("myPreventedMatches", "myAllocations", "order.amendments"):
            assert await client.result(method, symbol="BTCUSDT", orderId=1) == []
            assert (await client.refusal(method, symbol="NONE", orderId=1))[1] == -1121
        filters = await client.result("myFilters", symbol="BTCUSDT")
        assert set(map(len, filters.values())) == {0}
        price = await client.call("referencePrice", symbol="BTCUSDT")
        assert (price["status"], price["result"]["code"]) == (200, -2043)
        rules = await client.call("executionRules", symbol="BTCUSDT")
        assert rules["result"] == {"symbolRules": []}
        for method in ("order.amend.keepPriority", "sor.order.place", "sor.order.test"):
            assert (await client.refusal(method, symbol="BTCUSDT"))[1] == -1020


async def test_times_in_microseconds() -> None:
    """In streams, answers and events; an id stays the client's own."""
    before = now_ms()
    async with venue() as sim, api(sim, "?timeUnit=microsecond") as client:

        def is_now(told: int) -> bool:
            return told % 1000 == 0 and before <= told // 1000 <= now_ms()

        await client.ws.send_json({"id": before, "method": "time"})
        answer = json.loads(await text_of(client.ws))
        assert answer["id"] == before
        assert is_now(answer["result"]["serverTime"])
        await client.result("userDataStream.subscribe.signature")
        placed = await client.result(
            "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"
        )
        assert is_now(placed["transactTime"])
        assert is_now((await client.event("executionReport"))["E"])
        unit = "timeUnit=MICROSECOND"
        async with (
            connect(f"{sim.ws_url}/stream?streams=btcusdt@trade&{unit}") as combined,
            connect(f"{sim.ws_url}/ws/btcusdt@trade?{unit}") as raw,
            connect(f"{sim.ws_url}/ws/btcusdt@trade") as plain,
        ):
            sim.generate(200)
            trade = json.loads(await text_of(raw))
            assert is_now(trade["E"])
            whole = json.loads(await text_of(combined))
            assert whole == {"stream": "btcusdt@trade", "data": trade}
            same = trade | {name: trade[name] // 1000 for name in ("E", "T")}
            assert json.loads(await text_of(plain)) == same
        async with aiohttp.ClientSession() as session:
            for header, status in (("MICROSECOND", 200), ("DAYS", 400)):
                url = f"{sim.http_url}/api/v3/time"
                async with session.get(url, headers={"X-MBX-TIME-UNIT": header}) as reply:
                    body = await reply.json()
                assert reply.status == status
                assert is_now(body["serverTime"]) if status == 200 else body["code"] == -1194
            for path in ("/ws-api/v3", "/ws/btcusdt@trade"):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
                    await session.ws_connect(f"{sim.ws_url}{path}?timeUnit=DAYS")


async def test_several_symbols_give_a_list() -> None:
    async with Simulator(rate=0, symbols=["BTCUSDT", "ETHUSDT"]) as sim, api(sim) as client:
        everything = (await client.call("ticker.price"))["result"]
        assert [entry["symbol"] for entry in everything] == ["BTCUSDT", "ETHUSDT"]
        one = (await client.call("ticker.price", symbols=["ETHUSDT"]))["result"]
        assert one == everything[1:]
        info = (await client.call("exchangeInfo", symbol="ETHUSDT"))["result"]
        assert [entry["symbol"] for entry in info["symbols"]] == ["ETHUSDT"]
        kinds = [limit["rateLimitType"] for limit in info["rateLimits"]]
        assert kinds == ["REQUEST_WEIGHT", "ORDERS", "ORDERS", "CONNECTIONS"]


@pytest.mark.parametrize("market", FUTURES)
async def test_futures_have_three_requests_about_the_market(market: str) -> None:
    async with venue(market) as sim, api(sim) as client:
        symbol = SYMBOL[market]
        depth = (await client.call("depth", symbol=symbol, limit=5))["result"]
        assert depth["T"] <= depth["E"] <= now_ms()
        assert ("pair" in depth) is (market == "coinm")
        price = (await client.call("ticker.price", symbol=symbol))["result"]
        assert (price["symbol"], price.get("ps", "none")) == (
            symbol,
            "BTCUSD" if market == "coinm" else "none",
        )
        assert (await client.call("ticker.book", symbol=symbol))["status"] == 200
        assert (await client.call("klines", symbol=symbol))["error"]["code"] == -1020


async def test_a_replay_has_no_market_to_trade_in(tmp_path: Any) -> None:
    path = tmp_path / "X.ws.1.0"
    path.write_text(
        "wss://stream.binance.com:9443/stream?streams=x <-> 1000.5\n"
        '1001: {"stream":"btcusdt@trade","data":{}}\n\n'
    )
    async with Simulator(replay=path) as sim, api(sim) as client:
        sim.accounts.add(api_key=KEY, secret=SECRET)
        answer = await client.call("ticker.price", symbol="BTCUSDT")
        assert answer["error"]["code"] == -1020
        assert (await client.result("account.status"))["balances"] == []


# --- keys and signatures ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"apiKey": "nobody"}, 401, -2015),
        ({"apiKey": "no key!"}, 401, -2014),
        ({"apiKey": None}, 400, -1102),
        ({"signature": "00"}, 400, -1022),
        ({"signature": None}, 400, -1102),
        ({"timestamp": None}, 400, -1102),
        ({"timestamp": "yesterday"}, 400, -1100),
        ({"timestamp": 1}, 400, -1021),
        ({"timestamp": 9_000_000_000_000}, 400, -1021),
        ({"recvWindow": 60_001}, 400, -1131),
        ({"omitZeroBalances": True}, 400, -1022),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
async def test_what_a_signed_request_needs(change: Any, status: int, code: int) -> None:
    async with venue() as sim, api(sim) as client:
        params = signed({}) | change
        params = {name: value for name, value in params.items() if value is not None}
        answer = await client.call("account.status", **params)
        assert (answer["status"], answer["error"]["code"]) == (status, code)


async def test_microseconds_are_a_time_too() -> None:
    async with venue() as sim, api(sim) as client:
        assert await client.result("account.status", timestamp=now_ms() * 1000)


async def test_a_session_is_opened_with_an_ed25519_key_only() -> None:
    async with venue() as sim, api(sim) as client:
        account = sim.account(KEY)
        sim.accounts.add_key(account, api_key="session", public_key=ED25519_PEM)
        assert await client.refusal("session.logon") == (400, -4056)
        before = (await client.call("session.status"))["result"]
        assert (before["apiKey"], before["authorizedSince"]) == (None, None)
        unsigned = await client.call("account.status", timestamp=now_ms())
        assert unsigned["error"]["code"] == -1102
        answer = await client.call("session.logon", **signed({}, ed25519_of, "session"))
        status = answer["result"]
        assert status["apiKey"] == "session"
        assert status["connectedSince"] <= status["authorizedSince"] <= status["serverTime"]
        balances = await client.call("account.status", timestamp=now_ms())
        assert balances["result"]["uid"] == account.uid
        # The time is still needed.
        assert (await client.call("account.status"))["error"]["code"] == -1102
        # A request may bring another key.
        assert (await client.result("account.status"))["uid"] == account.uid
        out = (await client.call("session.logout"))["result"]
        assert (out["apiKey"], out["authorizedSince"]) == (None, None)
        gone = await client.call("account.status", timestamp=now_ms())
        assert gone["error"]["code"] == -1102


async def test_a_session_whose_key_is_revoked_is_told_after_its_next_request() -> None:
    async with venue() as sim, api(sim) as client:
        sim.accounts.add_key(sim.account(KEY), api_key="session", public_key=ED25519_PEM)
        await client.call("session.logon", **signed({}, ed25519_of, "session"))
        sim.accounts.revoke("session")
        assert (await client.call("ping"))["status"] == 200
        notice = json.loads(await text_of(client.ws))
        assert (notice["id"], notice["status"], notice["error"]["code"]) == (None, 401, -2015)
        assert (await client.call("session.status"))["result"]["apiKey"] is None


async def test_a_key_that_may_not_trade() -> None:
    async with venue() as sim, api(sim) as client:
        sim.accounts.add_key(sim.account(KEY), api_key="reader", secret=SECRET, can_trade=False)
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
        answer = await client.call("order.place", **signed(order, hmac_of, "reader"))
        assert (answer["status"], answer["error"]["code"]) == (401, -2015)
        answer = await client.call("account.status", **signed({}, hmac_of, "reader"))
        assert answer["status"] == 200


# --- orders -------------------------------------------------------------------------------------


async def buy(client: Api, **params: Any) -> Any:
    defaults = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "1"}
    if params.get("type", "LIMIT") == "LIMIT":
        defaults["timeInForce"] = "GTC"
    return await client.signed("order.place", **{**defaults, **params})


async def test_a_market_order_is_filled_at_the_best_price() -> None:
    async with venue() as sim, api(sim) as client:
        _, ask = best(sim)
        answer = await buy(client, type="MARKET", quantity="0.5", newClientOrderId="mine")
        order = answer["result"]
        (fill,) = order["fills"]
        assert (order["status"], order["clientOrderId"]) == ("FILLED", "mine")
        assert (Decimal(fill["price"]), Decimal(fill["qty"])) == (ask, Decimal("0.5"))
        assert Decimal(order["cummulativeQuoteQty"]) == ask / 2
        limits = [limit["rateLimitType"] for limit in answer["rateLimits"]]
        assert limits == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
        account = sim.account(KEY)
        assert account.balance("USDT").free == 1_000_000 - ask / 2
        # The commission is taken from what was bought.
        assert account.balance("BTC").free == 10 + Decimal("0.4995")
        (trade,) = await client.result("myTrades", symbol="BTCUSDT")
        assert (trade["orderId"], trade["id"]) == (order["orderId"], fill["tradeId"])
        (listed,) = await client.result("allOrders", symbol="BTCUSDT")
        assert listed["orderId"] == order["orderId"]


async def test_a_limit_order_that_crosses_pays_the_better_price() -> None:
    async with venue() as sim, api(sim) as client:
        _, ask = best(sim)
        order = (await buy(client, price=str(ask + 1000), quantity="2"))["result"]
        assert (order["status"], order["price"]) == ("FILLED", f"{ask + 1000:.8f}")
        balance = sim.account(KEY).balance("USDT")
        assert balance.free == 1_000_000 - 2 * ask
        assert balance.locked == 0


async def test_an_order_by_what_it_spends() -> None:
    async with venue() as sim, api(sim) as client:
        _, ask = best(sim)
        answer = await client.signed(
            "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quoteOrderQty="1000"
        )
        spent = Decimal(answer["result"]["cummulativeQuoteQty"])
        assert 1000 - ask * Decimal("0.00001") < spent <= 1000


async def test_a_limit_order_rests_locks_and_is_cancelled() -> None:
    async with venue() as sim, api(sim) as client:
        account = sim.account(KEY)
        order = (await buy(client, price="100.00", quantity="2"))["result"]
        assert (order["status"], order["fills"]) == ("NEW", [])
        assert account.balance("USDT").locked == 200
        (resting,) = await client.result("openOrders.status")
        assert resting["orderId"] == order["orderId"]
        status = await client.result("order.status", symbol="BTCUSDT", orderId=order["orderId"])
        assert status == resting
        cancelled = await client.result(
            "order.cancel", symbol="BTCUSDT", origClientOrderId=order["clientOrderId"]
        )
        assert cancelled["status"] == "CANCELED"
        assert account.balance("USDT").locked == 0
        assert account.balance("USDT").free == 1_000_000
        assert await client.result("openOrders.status", symbol="BTCUSDT") == []
        again = await client.refusal("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
        assert again == (400, -2011)


async def test_a_resting_order_is_filled_when_the_market_comes_to_it() -> None:
    async with venue() as sim, api(sim) as client:
        bid, _ = best(sim)
        order = (await buy(client, price=str(bid), quantity="1"))["result"]
        assert order["status"] == "NEW"
        account = sim.account(KEY)
        for _ in range(20_000):
            if not account.open_orders():
                break
            sim.generate(20)
        (trade,) = await client.result("myTrades", symbol="BTCUSDT")
        assert (Decimal(trade["price"]), trade["isMaker"]) == (bid, True)
        assert account.balance("USDT").locked == 0


async def test_orders_that_live_only_now() -> None:
    async with venue() as sim, api(sim) as client:
        bid, ask = best(sim)
        for time_in_force in ("IOC", "FOK"):
            late = await buy(client, price=str(bid), timeInForce=time_in_force)
            assert late["result"]["status"] == "EXPIRED"
            filled = await buy(client, price=str(ask), timeInForce=time_in_force)
            assert filled["result"]["status"] == "FILLED"
        assert sim.account(KEY).balance("USDT").locked == 0


async def test_cancelling_everything() -> None:
    async with venue() as sim, api(sim) as client:
        for price in ("100.00", "101.00"):
            await buy(client, price=price)
        cancelled = await client.result("openOrders.cancelAll", symbol="BTCUSDT")
        assert [order["status"] for order in cancelled] == ["CANCELED", "CANCELED"]
        assert await client.refusal("openOrders.cancelAll", symbol="BTCUSDT") == (400, -2011)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"side": "HOLD"}, -1117),
        ({"type": "WISH"}, -1116),
        ({"timeInForce": "SOON"}, -1115),
        ({"timeInForce": None}, -1102),
        ({"quantity": None}, -1102),
        ({"price": "x"}, -1100),
        ({"price": "0"}, -1013),
        ({"price": "100.001"}, -1013),
        ({"quantity": "0.000001"}, -1013),
        ({"quantity": "1.123456789"}, -1111),
        ({"symbol": "NOSUCH"}, -1121),
        ({"type": "MARKET"}, -1106),
        ({"quoteOrderQty": "5"}, -1106),
        ({"quantity": "100000000"}, -2010),
        ({"type": "LIMIT_MAKER", "price": "9000000"}, -2010),
        ({"newClientOrderId": "a b"}, -1100),
        ({"newClientOrderId": "taken"}, -2010),
        ({"stopPrice": "5"}, -1020),
    ],
    ids=lambda value: "-".join(map(str, value.items())) if isinstance(value, dict) else str(value),
)
@pytest.mark.parametrize("method", ["order.place", "order.test"])
async def test_orders_that_are_refused(method: str, change: Any, code: int) -> None:
    async with venue() as sim, api(sim) as client:
        await buy(client, price="50.00", newClientOrderId="taken")
        order: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"}
        order |= {"timeInForce": "GTC", "price": "100.00", "quantity": "1"} | change
        order = {name: value for name, value in order.items() if value is not None}
        balance = sim.account(KEY).balance("USDT").free
        assert (await client.refusal(method, **order))[1] == code
        assert sim.account(KEY).balance("USDT").free == balance
        assert len(sim.account(KEY).orders) == 1


async def test_an_answer_that_is_none_is_refused_before_anything_is_done() -> None:
    async with venue() as sim, api(sim) as client:
        answer = await buy(client, price="100.00", newOrderRespType="LONG")
        assert answer["error"]["code"] == -1122
        assert not sim.account(KEY).orders
        for kind, keys in (("ACK", 5), ("RESULT", 16), ("FULL", 17)):
            answer = await buy(client, price="100.00", newOrderRespType=kind)
            assert len(answer["result"]) == keys


async def test_a_test_order_does_nothing() -> None:
    async with venue() as sim, api(sim) as client:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
        assert await client.result("order.test", **order) == {}
        rates = await client.result("order.test", **order, computeCommissionRates="true")
        assert rates["standardCommissionForOrder"]["taker"] == "0.00100000"
        assert not sim.account(KEY).orders


REPLACE = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "101.00",
    "quantity": "1",
}


async def test_replacing_an_order() -> None:
    async with venue() as sim, api(sim) as client:
        order = (await buy(client, price="100.00"))["result"]

        async def replace(mode: str, order_id: int, **change: Any) -> Any:
            params = {**REPLACE, "cancelReplaceMode": mode, "cancelOrderId": order_id, **change}
            return await client.signed("order.cancelReplace", **params)

        done = await replace("STOP_ON_FAILURE", order["orderId"])
        assert done["status"] == 200
        second = done["result"]["newOrderResponse"]["orderId"]
        none = await replace("STOP_ON_FAILURE", order["orderId"])
        assert (none["status"], none["error"]["code"]) == (400, -2022)
        assert none["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
        half = await replace("ALLOW_FAILURE", order["orderId"])
        assert (half["status"], half["error"]["code"]) == (409, -2021)
        data = half["error"]["data"]
        assert (data["cancelResult"], data["newOrderResult"]) == ("FAILURE", "SUCCESS")
        assert data["cancelResponse"]["code"] == -2011
        other = await replace("STOP_ON_FAILURE", second, quantity="100000000")
        assert other["error"]["data"]["newOrderResponse"]["code"] == -2010
        assert other["error"]["data"]["cancelResult"] == "SUCCESS"


async def test_a_partial_fill_by_hand() -> None:
    async with venue() as sim, api(sim) as client:
        order = (await buy(client, price="100.00", quantity="2"))["result"]
        sim.fill(order["orderId"], "0.5")
        status = await client.result("order.status", symbol="BTCUSDT", orderId=order["orderId"])
        assert (status["status"], status["executedQty"]) == ("PARTIALLY_FILLED", "0.50000000")
        assert sim.account(KEY).balance("USDT").locked == 150
        sim.fill(order["orderId"], "100")
        assert sim.account(KEY).balance("USDT").locked == 0
        with pytest.raises(KeyError):
            sim.fill(order["orderId"], "1")


@pytest.mark.parametrize("market", FUTURES)
async def test_futures_orders_move_a_position(market: str) -> None:
    async with venue(market) as sim, api(sim) as client:
        bid, ask = best(sim)
        account = sim.account(KEY)
        start = account.balance(ASSET[market]).free
        order = {"symbol": SYMBOL[market], "type": "MARKET", "newOrderRespType": "RESULT"}
        bought = await client.result("order.place", **order, side="BUY", quantity="3")
        assert (bought["status"], Decimal(bought["avgPrice"])) == ("FILLED", ask)
        (position,) = await client.result("account.position")
        assert Decimal(position["positionAmt"]) == 3
        assert Decimal(position["entryPrice"]) == ask
        too_much = {**order, "side": "SELL", "quantity": "4", "reduceOnly": "true"}
        assert await client.refusal("order.place", **too_much) == (400, -2022)
        await client.result("order.place", **{**order, "side": "SELL", "quantity": "3"})
        (position,) = await client.result("v2/account.position")
        assert Decimal(position["positionAmt"]) == 0
        # Three contracts of 100 dollars, or three of the base asset.
        if market == "coinm":
            worths = [300 / ask, 300 / bid]
            gain = worths[0] - worths[1]
        else:
            worths = [3 * ask, 3 * bid]
            gain = worths[1] - worths[0]
        fees = sum(worths, Decimal(0)) / 1000
        end = account.balance(ASSET[market]).free
        assert abs(end - start - gain + fees) < Decimal("1e-7")
        balances = await client.result("account.balance")
        assert Decimal(balances[0]["balance"]) == end
        huge = {**order, "side": "BUY", "quantity": "1000000000"}
        assert await client.refusal("order.place", **huge) == (400, -2019)


async def test_a_futures_order_is_modified() -> None:
    async with venue("usdm") as sim, api(sim) as client:
        params = {"symbol": "BTCUSDT", "side": "BUY"}
        limit = {**params, "type": "LIMIT", "timeInForce": "GTX"}
        order = await client.result("order.place", **limit, price="100.0", quantity="1")
        changed = {**params, "orderId": order["orderId"], "quantity": "2"}
        modified = await client.result("order.modify", **changed, price="101.0")
        assert (modified["price"], modified["origQty"]) == ("101.00", "2.000")
        status = await client.result("order.status", symbol="BTCUSDT", orderId=order["orderId"])
        assert (status["status"], status["price"]) == ("NEW", "101.00")
        _, ask = best(sim)
        filled = await client.result("order.modify", **changed, price=str(ask + 1))
        assert filled["status"] == "FILLED"


async def test_orders_over_rest() -> None:
    async with venue() as sim:
        query = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timestamp={now_ms()}"
        signature = hmac_of(query.encode())
        path = "/api/v3/order"
        status, order, headers = await rest(sim, "POST", path, f"{query}&signature={signature}")
        assert (status, order["status"]) == (200, "FILLED")
        assert headers["X-MBX-ORDER-COUNT-10S"] == headers["X-MBX-ORDER-COUNT-1D"] == "1"
        # What was signed is the query as it was sent, in its order.
        turned = f"side=BUY&symbol=BTCUSDT&type=MARKET&quantity=1&timestamp={now_ms()}"
        status, error, _ = await rest(sim, "POST", path, f"{turned}&signature={signature}")
        assert (status, error["code"]) == (400, -1022)
        status, error, _ = await rest(sim, "POST", path, f"{query}&signature=0", key=None)
        assert (status, error["code"]) == (401, -2014)


async def test_too_many_orders() -> None:
    limits = Limits(orders=2, order_seconds=86_400)
    async with venue(limits=limits) as sim, api(sim) as client:
        answers = [await buy(client, price="100.00") for _ in range(5)]
        refused = [a for a in answers if a["status"] == 429]
        # At midnight the count may begin anew in between.
        assert refused
        assert refused[-1]["error"]["code"] == -1015
        assert refused[-1]["error"]["data"]["retryAfter"] > now_ms() - 60_000
        counts = (await client.result("account.rateLimits.orders"))[0]
        assert counts["count"] in (1, 2)
