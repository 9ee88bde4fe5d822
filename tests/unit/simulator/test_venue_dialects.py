"""What each venue's dialect answers, refuses and ends, without a socket."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tickwire.errors import ConfigurationError
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import default_specs
from tickwire.simulator.venues.kraken import checksum
from tickwire.simulator.venues.registry import DIALECTS, dialect_of
from tickwire.simulator.venues.views import BookView


def model() -> MarketModel:
    specs = default_specs(Market.SPOT)[:2]
    return MarketModel(specs, seed=3, market=Market.SPOT, cadences=0, start_ms=1)


class Client:
    """One connection, and what it is told."""

    def __init__(self, exchange: str, place: int = 0, **settings: Any) -> None:
        self.market = model()
        self.dialect = dialect_of(exchange, self.market, settings)
        self.talk = self.dialect.converse(self.dialect.paths[place], {}, 0)

    def say(self, message: dict[str, Any] | str, now_ms: int = 0) -> list[Any]:
        text = message if isinstance(message, str) else orjson.dumps(message).decode()
        return [read(answer) for answer in self.talk.receive(text, now_ms).texts]

    def move(self, steps: int) -> list[Any]:
        """Of trades and quotes."""
        texts: list[str] = []
        for _ in range(steps):
            event = self.market.step(1000)
            if event.fills:
                self.dialect.note(event.instrument, event.fills, 1000)
                texts += self.talk.on_fills(event.instrument, event.fills, 1000)
            if event.best_changed:
                texts += self.talk.on_best(event.instrument, 1000)
        return [read(text) for text in texts]

    def snapshot(self, key: str) -> Any:
        shown = self.talk.books[key]
        view = BookView(shown.instrument.book, shown.depth)
        return read(self.talk.on_snapshot(key, view, 1000)[0])


def read(text: str) -> Any:
    return text if text == "pong" else orjson.loads(text)


OKX_SUBSCRIBE = {
    "id": "7",
    "op": "subscribe",
    "args": [
        {"channel": "trades", "instId": "BTC-USDT"},
        {"channel": "books", "instId": "NO-SUCH"},
    ],
}


def test_okx_answers_each_item_and_refuses_with_the_request_s_id() -> None:
    client = Client("okx")
    assert client.say("ping") == ["pong"]
    ack, refusal = client.say(OKX_SUBSCRIBE)
    assert (ack["event"], ack["id"], ack["arg"]) == ("subscribe", "7", OKX_SUBSCRIBE["args"][0])
    assert (refusal["event"], refusal["id"], refusal["code"]) == ("error", "7", "60018")
    assert "arg" not in refusal
    gated = {"op": "subscribe", "args": [{"channel": "books-l2-tbt", "instId": "BTC-USDT"}]}
    assert client.say(gated)[0]["code"] == "64003"
    assert client.say({"id": "a-b", "op": "subscribe", "args": []})[0]["code"] == "60033"
    assert client.say("{")[0]["code"] == "60012"
    assert all(push["arg"]["channel"] == "trades" for push in client.move(300))


def test_okx_takes_few_requests_an_hour() -> None:
    client = Client("okx")
    for _ in range(480):
        assert client.say({"op": "unsubscribe", "args": []}) == []
    assert client.say({"op": "unsubscribe", "args": []})[0]["code"] == "60014"
    assert client.say({"op": "unsubscribe", "args": []}, now_ms=3_600_001) == []


def test_okx_ends_the_silent_and_keeps_quiet_books_alive() -> None:
    client = Client("okx", keep_alive_ms=20_000)
    client.say({"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]}, 0)
    first = client.snapshot("books:BTC-USDT")["data"][0]
    assert (first["prevSeqId"], len(first["bids"])) == (-1, 200)
    assert client.talk.on_second(20_000).texts == ()
    (text,) = client.talk.on_second(21_000).texts
    (kept,) = read(text)["data"]
    assert kept["prevSeqId"] == kept["seqId"] == first["seqId"]
    assert (kept["bids"], kept["asks"]) == ([], [])
    silent = Client("okx")
    assert silent.talk.on_second(29_999).close is None
    silent.say("ping", 29_999)
    assert silent.talk.on_second(59_998).close is None
    assert silent.talk.on_second(59_999).close == 4004


def test_bybit_takes_a_request_whole_or_not_at_all() -> None:
    client = Client("bybit")
    (pong,) = client.say({"op": "ping", "req_id": "1"})
    assert (pong["op"], pong["ret_msg"], pong["req_id"]) == ("ping", "pong", "1")
    topics = ["publicTrade.BTCUSDT", "orderbook.3.BTCUSDT"]
    (refusal,) = client.say({"op": "subscribe", "req_id": "2", "args": topics})
    assert (refusal["success"], refusal["req_id"]) == (False, "2")
    assert "orderbook.3.BTCUSDT" in refusal["ret_msg"]
    assert client.move(200) == []
    (many,) = client.say({"op": "subscribe", "args": ["publicTrade.BTCUSDT"] * 11})
    assert many["ret_msg"] == "args size >10"
    assert client.talk.on_second(600_000).close is not None


def test_bybit_s_linear_tickers_tell_what_has_changed() -> None:
    client = Client("bybit", place=1)
    ack, first = client.say({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
    assert (ack["success"], first["type"]) == (True, "snapshot")
    state = dict(first["data"])
    pushes = client.move(400)
    assert {push["type"] for push in pushes} == {"delta"}
    assert min(len(push["data"]) for push in pushes) < len(state)
    for push in pushes:
        state |= push["data"]
    book = client.market.instruments[0].book
    assert float(state["bid1Price"]) == pytest.approx(book.bids.best / 100)


def test_advanced_trade_numbers_every_message_and_leaves_out_what_is_not() -> None:
    client = Client("coinbase")
    said = {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USDT", "NO-NO"]}
    past, state = client.say(said)
    assert (past["channel"], state["channel"]) == ("market_trades", "subscriptions")
    assert state["events"] == [{"subscriptions": {"market_trades": ["BTC-USDT"]}}]
    client.say({"type": "subscribe", "channel": "heartbeats"})
    numbers = [push["sequence_num"] for push in client.move(300)]
    (beat,) = [read(text) for text in client.talk.on_second(1000).texts]
    assert beat["channel"] == "heartbeats"
    assert [*numbers, beat["sequence_num"]] == list(range(3, 4 + len(numbers)))
    (error,) = client.say({"type": "subscribe", "channel": "user"})
    assert error == {"type": "error", "message": "authentication failure"}


@pytest.mark.parametrize("exchange", ["coinbase", "coinbase-exchange"])
def test_coinbase_ends_who_asks_for_nothing(exchange: str) -> None:
    client = Client(exchange)
    assert client.talk.on_second(4_999).close is None
    assert client.talk.on_second(5_000).close == 1008


def test_the_exchange_feed_refuses_a_request_whole() -> None:
    client = Client("coinbase-exchange")
    said = {"type": "subscribe", "channels": ["matches"], "product_ids": ["BTC-USDT", "NO-NO"]}
    (error,) = client.say(said)
    assert (error["type"], error["reason"]) == ("error", "NO-NO is not a valid product")
    (locked,) = client.say({"type": "subscribe", "channels": ["full"], "product_ids": []})
    assert "authentication" in locked["reason"]
    (state,) = client.say(said | {"product_ids": ["BTC-USDT"]})
    assert state["channels"] == [{"name": "matches", "product_ids": ["BTC-USDT"]}]
    numbers = [push["trade_id"] for push in client.move(300)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_kraken_answers_each_symbol() -> None:
    client = Client("kraken")
    (status,) = map(read, client.talk.opened(0).texts)
    assert status["data"][0]["system"] == "online"
    params = {"channel": "book", "symbol": ["BTC/USDT", "XBT/USD"], "depth": 10}
    ack, refusal = client.say({"method": "subscribe", "params": params, "req_id": 5})
    assert (ack["success"], ack["result"]["symbol"], ack["req_id"]) == (True, "BTC/USDT", 5)
    assert (refusal["success"], refusal["symbol"]) == (False, "XBT/USD")
    assert refusal["error"] == "Currency pair not supported XBT/USD"
    (again, _) = client.say({"method": "subscribe", "params": params | {"depth": 25}})
    assert again["error"] == "Already subscribed"
    assert client.say({"method": "ping", "req_id": 9})[0]["req_id"] == 9
    assert [read(text) for text in client.talk.on_second(1).texts] == [{"channel": "heartbeat"}]
    assert client.talk.on_second(60_000).close == 1000


@pytest.mark.parametrize("trims_zeros", [False, True])
def test_kraken_s_checksum_is_of_all_digits(trims_zeros: bool) -> None:
    client = Client("kraken", trims_zeros=trims_zeros)
    client.say({"method": "subscribe", "params": {"channel": "book", "symbol": ["BTC/USDT"]}})
    book = client.snapshot("BTC/USDT")["data"][0]

    def padded(side: str) -> list[tuple[str, str]]:
        return [(f"{row['price']:.2f}", f"{row['qty']:.8f}") for row in book[side]]

    assert book["checksum"] == checksum(padded("asks"), padded("bids"))


def test_kraken_s_checksum_of_the_documented_book() -> None:
    asks = [
        "45285.2",
        "0.00100000",
        "45286.4",
        "1.54571953",
        "45286.6",
        "1.54571109",
        "45289.6",
        "1.54560911",
        "45290.2",
        "0.15890660",
        "45291.8",
        "1.54553491",
        "45294.7",
        "0.04454749",
        "45296.1",
        "0.35380000",
        "45297.5",
        "0.09945542",
        "45299.5",
        "0.18772827",
    ]
    bids = [
        "45283.5",
        "0.10000000",
        "45283.4",
        "1.54582015",
        "45282.1",
        "0.10000000",
        "45281.0",
        "0.10000000",
        "45280.3",
        "1.54592586",
        "45279.0",
        "0.07990000",
        "45277.6",
        "0.03310103",
        "45277.5",
        "0.30000000",
        "45277.3",
        "1.54602737",
        "45276.6",
        "0.15445238",
    ]
    pairs = [list(zip(side[::2], side[1::2], strict=True)) for side in (asks, bids)]
    assert checksum(*pairs) == 3310070434


def test_deribit_leaves_out_what_it_does_not_take() -> None:
    client = Client("deribit")
    channels = ["trades.BTC-PERPETUAL.100ms", "trades.BTC-PERPETUAL.raw", "quote.NO-NO"]
    call = {"jsonrpc": "2.0", "id": 4, "method": "public/subscribe"}
    (answer,) = client.say(call | {"params": {"channels": channels}})
    assert (answer["id"], answer["result"]) == (4, channels[:1])
    rows = [row for push in client.move(300) for row in push["params"]["data"]]
    numbers = [row["trade_seq"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    (unknown,) = client.say({"id": 5, "method": "public/nothing"})
    assert unknown["error"]["code"] == -32601
    (locked,) = client.say({"id": 6, "method": "private/subscribe"})
    assert locked["error"]["message"] == "unauthorized"


def test_deribit_ends_who_does_not_answer_its_test() -> None:
    client = Client("deribit")
    (short,) = client.say({"id": 1, "method": "public/set_heartbeat", "params": {"interval": 9}})
    assert short["error"]["code"] == -32602
    client.say({"id": 1, "method": "public/set_heartbeat", "params": {"interval": 10}}, 0)
    assert client.talk.on_second(9_999).texts == ()
    beats = [read(text)["params"]["type"] for text in client.talk.on_second(10_000).texts]
    assert beats == ["heartbeat", "test_request"]
    client.say({"id": 2, "method": "public/test"}, 10_001)
    assert client.talk.on_second(20_000).close is None
    assert client.talk.on_second(30_000).close == 1000


@pytest.mark.parametrize("exchange", list(DIALECTS))
def test_every_dialect_lists_its_instruments(exchange: str) -> None:
    dialect = dialect_of(exchange, model(), {})
    paths = {
        "okx": "/api/v5/public/instruments",
        "bybit": "/v5/market/instruments-info",
        "coinbase": "/api/v3/brokerage/market/products",
        "coinbase-exchange": "/products",
        "kraken": "/0/public/AssetPairs",
        "deribit": "/api/v2/public/get_instruments",
    }
    body = dialect.rest("GET", paths[exchange], {}, 0)
    assert body is not None
    assert b"BTC" in body
    assert b"ETH" in body
    assert dialect.rest("GET", "/nothing", {}, 0) is None


def test_a_venue_that_is_not_spoken() -> None:
    with pytest.raises(ConfigurationError, match="does not speak 'moon'"):
        dialect_of("moon", model(), {})
