"""The Exchange feed: what each message becomes, and what is done about refusals and losses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.credentials import Credentials
from tickwire.exchanges import Resync, SubscriptionState
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.coinbase.exchange_orders import ExchangeFill, ExchangeOrder
from tickwire.exchanges.coinbase.exchange_structs import L3Change
from tickwire.exchanges.coinbase.names import stream
from tickwire.market import (
    AggressorSide,
    Balance,
    BookDelta,
    BookSnapshot,
    Event,
    Gap,
    Quote,
    Ticker,
    Trade,
)
from tickwire.testing import Sample, check_codec

NOW = 1_700_000_000_000_000_000
KEYS = Credentials("key", "dGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQ=", passphrase="words")

SNAPSHOT = (
    b'{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],'
    b'"asks":[["10102.55","0.57753524"]]}'
)
UPDATE = (
    b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","22356.270000","0.00000000"],'
    b'["sell","22356.300000","1.00000000"]],"time":"2022-08-04T15:25:05.010758Z"}'
)
TICKER = (
    b'{"type":"ticker","sequence":37475248783,"product_id":"ETH-USD","price":"1285.22",'
    b'"open_24h":"1310.79","volume_24h":"245532.79269678","low_24h":"1280.52","high_24h":"1313.8",'
    b'"volume_30d":"9788783.60117027","best_bid":"1285.04","best_bid_size":"0.46688654",'
    b'"best_ask":"1285.27","best_ask_size":"1.56637040","side":"buy",'
    b'"time":"2022-10-19T23:28:22.061769Z","trade_id":370843401,"last_size":"11.4396987"}'
)
HEARTBEAT = (
    b'{"type":"heartbeat","sequence":90,"last_trade_id":10,"product_id":"BTC-USD",'
    b'"time":"2014-11-07T08:19:28.464459Z"}'
)


def match(number: int, kind: str = "match", product: str = "BTC-USD") -> bytes:
    return (
        b'{"type":"%b","trade_id":%d,"sequence":%d,"maker_order_id":"ac928c66","taker_order_id":'
        b'"132fb6ae","time":"2014-11-07T08:19:27.028459Z","product_id":"%b","size":"5.23512",'
        b'"price":"400.23","side":"sell"}'
    ) % (kind.encode(), number, number + 40, product.encode())


def subscriptions(channels: dict[str, list[str]]) -> bytes:
    entries = [{"name": name, "product_ids": products} for name, products in channels.items()]
    return orjson.dumps({"type": "subscriptions", "channels": entries})


def acknowledge(requests: list[bytes]) -> list[bytes]:
    """As the venue: after each request, everything that the connection has."""
    held: dict[str, list[str]] = {}
    answers = []
    for request in requests:
        for entry in orjson.loads(request)["channels"]:
            held.setdefault(entry["name"], []).extend(entry.get("product_ids", []))
        answers.append(subscriptions(held))
    return answers


def refuse(requests: list[bytes]) -> list[bytes]:
    text = {"type": "error", "message": "Failed to subscribe", "reason": "YFI-USD is delisted"}
    return [orjson.dumps(text) for _ in requests]


def streams_of(*names: str) -> list[Any]:
    return [stream("exchange", *name.split(":")) for name in names]


def opened(*names: str, **options: Any) -> ExchangeCodec:
    codec = ExchangeCodec(**options)
    for answer in acknowledge(codec.subscribe(streams_of(*names), NOW)):
        codec.receive(answer, NOW, [])
    return codec


def received(codec: ExchangeCodec, *frames: bytes) -> list[Event]:
    events: list[Event] = []
    for frame in frames:
        codec.receive(frame, NOW, events)
    return events


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_contract(numbers: str) -> None:
    check_codec(
        Sample(
            make=lambda: ExchangeCodec(numbers=numbers),  # type: ignore[arg-type]
            streams=streams_of("level2_batch:BTC-USD", "matches:btc/usd", "ticker:ETH-USD"),
            frames=[SNAPSHOT, match(9, "last_match"), UPDATE, match(10), TICKER],
            acks=acknowledge,
            refuse=refuse,
            quiet=[HEARTBEAT],
        )
        if numbers == "float"
        else Sample(
            make=lambda: ExchangeCodec(numbers="decimal"),
            streams=streams_of("level2_batch:BTC-USD"),
            frames=[SNAPSHOT, UPDATE],
            acks=acknowledge,
        )
    )


def test_a_match_names_the_makers_side() -> None:
    [trade] = received(opened("matches:btc/usd"), match(10))
    assert isinstance(trade, Trade)
    assert trade.symbol == "btc/usd"
    assert (trade.trade_id, trade.price, trade.size) == (10, 400.23, 5.23512)
    # The seller rested, so the buyer crossed.
    assert trade.aggressor_side is AggressorSide.BUY
    assert trade.ts_transact_ns == trade.ts_event_ns == 1_415_348_367_028_459_000


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_a_book(numbers: Any) -> None:
    make = float if numbers == "float" else Decimal
    snapshot, update = received(opened("level2_batch:BTC-USD", numbers=numbers), SNAPSHOT, UPDATE)
    assert isinstance(snapshot, BookSnapshot)
    assert repr(snapshot.bids) == repr([(make("10101.10"), make("0.45054140"))])
    assert snapshot.ts_event_ns == 0
    assert isinstance(update, BookDelta)
    assert repr(update.bids) == repr([(make("22356.270000"), make("0.00000000"))])
    assert repr(update.asks) == repr([(make("22356.300000"), make("1.00000000"))])
    assert update.ts_event_ns == 1_659_626_705_010_758_000


def test_a_change_before_the_snapshot_asks_for_the_book_again() -> None:
    codec = opened("level2_batch:BTC-USD")
    gap, update = received(codec, UPDATE)
    assert isinstance(gap, Gap)
    assert isinstance(update, BookDelta)
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    assert directive.stream == gap.stream == "level2_batch:BTC-USD"
    assert [type(event).kind for event in received(codec, UPDATE)] == ["book_delta"]
    leaving = codec.unsubscribe([directive.stream], NOW)
    assert orjson.loads(leaving[0])["type"] == "unsubscribe"
    codec.subscribe([directive.stream], NOW)
    assert [type(event).kind for event in received(codec, SNAPSHOT, UPDATE)] == [
        "book_snapshot",
        "book_delta",
    ]


def test_not_a_number_is_no_price() -> None:
    for numbers in ("float", "decimal"):
        codec = opened("level2_batch:BTC-USD", numbers=numbers)
        bad = UPDATE.replace(b"22356.30", b"NaN").replace(b"NaN0000", b"NaN")
        assert received(codec, SNAPSHOT, bad)[1:] == []
        assert codec.stats.undecodable == 1


def test_one_ticker_is_read_in_two_ways_and_asked_for_once() -> None:
    codec = ExchangeCodec()
    requests = codec.subscribe(streams_of("ticker:ETH-USD", "quote:ETH-USD"), NOW)
    channels = [orjson.loads(request)["channels"][0]["name"] for request in requests]
    assert channels == ["ticker", "heartbeat"]
    for answer in acknowledge(requests):
        codec.receive(answer, NOW, [])
    assert set(codec.subscriptions.values()) == {SubscriptionState.ACCEPTED}
    quote, ticker = received(codec, TICKER)
    assert isinstance(quote, Quote)
    assert (quote.bid_price, quote.ask_size) == (1285.04, 1.5663704)
    assert isinstance(ticker, Ticker)
    assert (ticker.last_price, ticker.open, ticker.volume) == (1285.22, 1310.79, 245532.79269678)
    assert codec.unsubscribe(["quote:ETH-USD"], NOW) == []
    assert [event.kind for event in received(codec, TICKER)] == ["ticker"]
    left = [orjson.loads(one) for one in codec.unsubscribe(["ticker:ETH-USD"], NOW)]
    assert [one["type"] for one in left] == ["unsubscribe"] * 2
    assert [one["channels"] for one in left] == [
        [{"name": "ticker", "product_ids": ["ETH-USD"]}],
        [{"name": "heartbeat", "product_ids": ["ETH-USD"]}],
    ]


def test_trade_ids_have_no_holes() -> None:
    codec = opened("matches:BTC-USD")
    events = received(codec, match(7, "last_match"), match(8), match(8), match(11), match(12))
    assert [event.kind for event in events] == ["trade"] * 3 + ["gap"] + ["trade"] * 2
    gap = events[3]
    assert isinstance(gap, Gap)
    assert (gap.last_sequence, gap.first_sequence, gap.symbol) == (8, 11, "BTC-USD")
    assert codec.stats.stale == 1


def test_a_heartbeat_tells_of_a_trade_that_did_not_come() -> None:
    codec = opened("matches:BTC-USD")
    events = received(codec, match(9), HEARTBEAT, HEARTBEAT, match(11))
    assert [event.kind for event in events] == ["trade", "gap", "trade"]
    gap = events[1]
    assert isinstance(gap, Gap)
    assert (gap.last_sequence, gap.first_sequence) == (9, 11)


def test_what_the_list_lacks_was_refused() -> None:
    codec = ExchangeCodec()
    codec.subscribe(streams_of("matches:BTC-USD", "matches:NO-SUCH"), NOW)
    codec.receive(subscriptions({"matches": ["BTC-USD"]}), NOW, [])
    assert dict(codec.subscriptions) == {
        "matches:BTC-USD": SubscriptionState.ACCEPTED,
        "matches:NO-SUCH": SubscriptionState.REFUSED,
    }
    [refusal] = codec.take_errors()
    assert refusal.streams == ("matches:NO-SUCH",)


def test_aliases_of_channels_count() -> None:
    codec = ExchangeCodec()
    codec.subscribe(streams_of("level2_batch:BTC-USD"), NOW)
    codec.receive(subscriptions({"level2_50": ["BTC-USD"]}), NOW, [])
    assert codec.subscriptions["level2_batch:BTC-USD"] is SubscriptionState.ACCEPTED


def test_one_wrong_product_costs_nothing_but_itself() -> None:
    codec = ExchangeCodec()
    codec.subscribe(streams_of("matches:BTC-USD", "matches:YFI-USD"), NOW)
    codec.receive(refuse([b""])[0], NOW, [])
    assert codec.take_errors() == []
    codec.receive(subscriptions({}), NOW, [])  # the heartbeats' answer
    again = codec.take_output()
    asked = [orjson.loads(request)["channels"][0]["product_ids"] for request in again]
    assert asked == [["BTC-USD"], ["YFI-USD"]]
    codec.receive(subscriptions({"matches": ["BTC-USD"]}), NOW, [])
    codec.receive(refuse([b""])[0], NOW, [])
    [refusal] = codec.take_errors()
    assert refusal.streams == ("matches:YFI-USD",)
    assert refusal.reason == "Failed to subscribe: YFI-USD is delisted"
    assert codec.subscriptions["matches:BTC-USD"] is SubscriptionState.ACCEPTED


def test_a_login_stands_in_the_subscription() -> None:
    codec = ExchangeCodec(credentials=KEYS)
    requests = codec.subscribe(streams_of("level2:BTC-USD", "matches:BTC-USD"), NOW)
    by_channel = {orjson.loads(one)["channels"][0]["name"]: orjson.loads(one) for one in requests}
    assert by_channel["level2"]["signature"] == "K3ok+kZ7oMvdygE7tthnL0Urr6xPoNu1dw+7B2ZEuF0="
    assert by_channel["level2"]["timestamp"] == "1700000000"
    assert "signature" not in by_channel["matches"]


def step(kind: str, **fields: Any) -> bytes:
    return orjson.dumps(
        {"type": kind, "product_id": "BTC-USD", "time": "2014-11-07T08:19:27.028459Z"} | fields
    )


def test_the_steps_of_ones_own_order() -> None:
    codec = opened("orders", "fills", credentials=KEYS)
    events = received(
        codec,
        step("received", order_id="a", side="buy", order_type="limit", price="200.5", size="2"),
        step("open", order_id="a", side="buy", price="200.5", remaining_size="2"),
        step(
            "match",
            trade_id=5,
            maker_order_id="a",
            taker_order_id="b",
            maker_user_id="me",
            side="buy",
            price="200.5",
            size="0.5",
        ),
        step("done", order_id="a", reason="canceled", side="buy", remaining_size="1.5"),
    )
    assert [event.kind for event in events] == [
        "order_update",
        "order_update",
        "fill",
        "order_update",
        "order_update",
    ]
    fill = events[2]
    assert isinstance(fill, ExchangeFill)
    assert (fill.order_id, fill.side, fill.price, fill.size) == ("a", "buy", 200.5, 0.5)
    assert fill.is_maker
    steps = [event for event in events if isinstance(event, ExchangeOrder)]
    assert [order.status for order in steps] == ["received", "open", "match", "canceled"]
    last = steps[-1]
    assert (last.price, last.size, last.filled_size, last.remaining_size) == (200.5, 2, 0.5, 1.5)
    assert (last.order_type, last.last_filled_size, last.ts_transact_ns) == (
        "limit",
        0,
        1_415_348_367_028_459_000,
    )


def test_an_orders_fills_add_up_in_decimals() -> None:
    codec = opened("orders", "fills", credentials=KEYS, numbers="decimal")
    own: dict[str, Any] = {"maker_order_id": "a", "maker_user_id": "me", "side": "buy"}
    events = received(
        codec,
        step("open", order_id="a", side="buy", price="200.5", remaining_size="2"),
        step("match", trade_id=5, price="200.5", size="0.1", **own),
        step("match", trade_id=6, price="200.5", size="0.2", **own),
    )
    orders = [event for event in events if isinstance(event, ExchangeOrder)]
    assert [order.filled_size for order in orders] == [0, Decimal("0.1"), Decimal("0.3")]
    for order in orders:
        numbers = (order.price, order.stop_price, order.size, order.filled_size)
        for number in (*numbers, order.last_price, order.last_filled_size):
            assert isinstance(number, Decimal)
    assert not codec.stats.undecodable


def test_a_taker_has_the_other_side() -> None:
    codec = opened("fills", credentials=KEYS)
    [fill] = received(
        codec,
        step(
            "match",
            trade_id=5,
            maker_order_id="a",
            taker_order_id="b",
            taker_user_id="me",
            side="buy",
            price="1",
            size="1",
        ),
    )
    assert isinstance(fill, ExchangeFill)
    assert (fill.order_id, fill.side, fill.is_maker) == ("b", "sell", False)


def test_a_balance() -> None:
    codec = opened("balance", credentials=KEYS, account_ids=("one",))
    [event] = received(
        codec,
        b'{"type":"balance","account_id":"one","currency":"USD","holds":"1.5","available":"8"}',
    )
    assert isinstance(event, Balance)
    assert (event.asset, event.total, event.available, event.frozen) == ("USD", 9.5, 8.0, 1.5)


def test_order_by_order() -> None:
    codec = opened("full:BTC-USD", credentials=KEYS)
    events = received(
        codec,
        step("open", sequence=10, order_id="a", price="200.2", remaining_size="1.00", side="sell"),
        match(-29),  # sequence 11
        step("change", sequence=14, order_id="a", old_size="80", new_size="70"),
        step("done", sequence=15, order_id="a", reason="filled", side="sell", remaining_size="0"),
    )
    assert [event.kind for event in events] == [
        "order_book_event",
        "order_book_event",
        "gap",
        "order_book_event",
        "order_book_event",
    ]
    resting, crossed, gap, changed, _ = events
    assert isinstance(resting, L3Change)
    assert (resting.type, resting.remaining_size, resting.order_id) == ("open", 1.0, "a")
    assert isinstance(crossed, L3Change)
    assert (crossed.type, crossed.order_id, crossed.size) == ("match", "ac928c66", 5.23512)
    assert isinstance(gap, Gap)
    assert (gap.last_sequence, gap.first_sequence) == (11, 14)
    assert isinstance(changed, L3Change)
    assert changed.new_size == 70


def test_types_that_are_new_are_counted() -> None:
    codec = opened("matches:BTC-USD")
    assert received(codec, b'{"type":"auction","product_id":"BTC-USD"}') == []
    assert codec.stats.unknown == {"auction": 1}


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    codec = opened("matches:BTC-USD", "level2_batch:BTC-USD")
    received(codec, data, b'{"type":"match",' + data, b'{"type":"l2update","changes":' + data)
    assert [event.kind for event in received(codec, match(1))] == ["trade"]
