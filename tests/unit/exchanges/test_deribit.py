"""Deribit's codec against the venue's own samples, and against what the venue may do wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.credentials import Credentials, Secret
from tickwire.errors import ConfigurationError
from tickwire.exchanges import Reconnect, Resync, Stream, SubscriptionState
from tickwire.exchanges.deribit import DeribitCodec
from tickwire.exchanges.deribit.signing import signature
from tickwire.exchanges.registry import open_venue
from tickwire.exchanges.venue import Channel, VenueSettings, Want
from tickwire.market import BookDelta, BookSnapshot, Gap
from tickwire.testing import Sample, check_codec

NOW_NS = 1_700_000_000_000_000_000
KEYS = Credentials("AMANDA", "AMANDASECRECT")
PERP = "BTC-PERPETUAL"
TRADES, BOOK, QUOTE = f"trades.{PERP}.100ms", f"book.{PERP}.100ms", f"quote.{PERP}"


def push(channel: str, data: Any) -> bytes:
    params = {"channel": channel, "data": data}
    return orjson.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


TRADE = {
    "timestamp": 1765531356452,
    "price": 92294.5,
    "amount": 10.0,
    "direction": "sell",
    "index_price": 92276.75,
    "instrument_name": PERP,
    "trade_seq": 271252854,
    "mark_price": 92287.11,
    "tick_direction": 2,
    "contracts": 1.0,
    "trade_id": "403691824",
}
SAMPLE_QUOTE = {
    "timestamp": 1765541767174,
    "instrument_name": PERP,
    "best_ask_price": 92288.5,
    "best_bid_price": 92288.0,
    "best_ask_amount": 99470.0,
    "best_bid_amount": 133440.0,
}
SNAPSHOT = {
    "type": "snapshot",
    "instrument_name": PERP,
    "timestamp": 1699999999000,
    "change_id": 123456789,
    "bids": [["new", 42500.0, 1000.0]],
    "asks": [["new", 42501.0, 800.0]],
}
CHANGE = {
    "type": "change",
    "instrument_name": PERP,
    "timestamp": 1699999999500,
    "change_id": 123456790,
    "prev_change_id": 123456789,
    "bids": [["change", 42500.0, 950.0], ["new", 42498.5, 300.0]],
    "asks": [["delete", 42501.0, 0.0]],
}


def trade(number: int, **more: Any) -> bytes:
    return push(TRADES, [TRADE | {"trade_seq": number, "trade_id": str(number)} | more])


def change(previous: int, number: int) -> bytes:
    moment = 1699999999500 + number - 123456790
    document = CHANGE | {"change_id": number, "prev_change_id": previous, "timestamp": moment}
    return push(BOOK, document)


def received(codec: DeribitCodec, *frames: bytes) -> list[Any]:
    events: list[Any] = []
    for frame in frames:
        codec.receive(frame, NOW_NS, events)
    return events


def answer(frame: bytes) -> bytes:
    request = orjson.loads(frame)
    result: Any = "ok"
    if request["method"].endswith("subscribe"):
        # The order differs from the request.
        result = request["params"]["channels"][::-1]
    elif request["method"] == "public/auth":
        result = {"access_token": "a", "refresh_token": "r", "expires_in": 900, "scope": "x"}
    return orjson.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result, "usIn": 1})


def answers(requests: list[bytes]) -> list[bytes]:
    return [answer(frame) for frame in requests]


def refusals(requests: list[bytes]) -> list[bytes]:
    error = {"code": 10028, "message": "too_many_requests"}
    return [
        orjson.dumps({"jsonrpc": "2.0", "id": orjson.loads(frame)["id"], "error": error})
        for frame in requests
    ]


def connected(*streams: Stream | str, **settings: Any) -> DeribitCodec:
    codec = DeribitCodec(**settings)
    requests = codec.subscribe(streams, NOW_NS)
    while requests:
        received(codec, *answers(requests))
        requests = codec.take_output()
    return codec


QUIET = [
    b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}',
    b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}',
    b'{"jsonrpc":"2.0","id":0,"result":{"version":"1.2.26"},"testnet":false}',
]


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("keys", [None, KEYS], ids=["anonymous", "logged in"])
def test_the_contract(keys: Credentials | None, numbers: Any) -> None:
    streams = [Stream(TRADES, "trades", "BTC"), Stream(BOOK, "book", "BTC")]
    if keys is not None:
        streams.append(Stream(f"trades.{PERP}.raw", "trades", "BTC"))
    check_codec(
        Sample(
            make=lambda: DeribitCodec(credentials=keys, numbers=numbers),
            streams=streams,
            frames=[
                trade(1),
                push(BOOK, SNAPSHOT),
                trade(2),
                push(BOOK, CHANGE),
                change(123456790, 123456795),
                trade(3),
            ],
            acks=answers,
            refuse=refusals,
            quiet=QUIET,
            now_ns=NOW_NS,
        )
    )


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_samples(numbers: Any) -> None:
    codec = connected(TRADES, BOOK, QUOTE, numbers=numbers)
    one, quote, snapshot, delta = received(
        codec,
        push(TRADES, [TRADE]),
        push(QUOTE, SAMPLE_QUOTE),
        push(BOOK, SNAPSHOT),
        push(BOOK, CHANGE),
    )
    number = Decimal if numbers == "decimal" else float
    assert (one.price, one.size, one.trade_id) == (number("92294.5"), 10, "403691824")
    assert (one.aggressor_side, one.transact_time) == ("sell", 1765531356452)
    assert (quote.bid_price, quote.ask_size) == (92288, 99470)
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.bids, snapshot.sequence) == ([(42500, 1000)], 123456789)
    assert isinstance(delta, BookDelta)
    assert (delta.prev_sequence, delta.first_sequence) == (123456789, 123456790)
    assert delta.bids == [(number("42500"), 950), (number("42498.5"), 300)]
    assert delta.asks == [(42501, 0)]
    assert type(delta.asks[0][1]) is number


def test_the_signature() -> None:
    vector = "56590594f97921b09b18f166befe0d1319b198bbcdad7ca73382de2f88fe9aa1"
    assert signature(Secret("AMANDASECRECT"), 1576074319000, "1iqt2wls") == vector


def test_the_first_request_turns_heartbeats_on_and_each_question_is_answered() -> None:
    codec = DeribitCodec()
    first, second = map(orjson.loads, codec.subscribe([TRADES]))
    assert (first["method"], first["params"]) == ("public/set_heartbeat", {"interval": 30})
    assert (second["method"], second["params"]) == ("public/subscribe", {"channels": [TRADES]})
    (third,) = map(orjson.loads, codec.subscribe([BOOK]))
    assert third["method"] == "public/subscribe"
    received(codec, QUIET[1])
    (reply,) = map(orjson.loads, codec.take_output())
    assert (reply["method"], reply["params"]) == ("public/test", {})
    received(codec, QUIET[0])
    assert codec.take_output() == []


def test_what_the_answer_does_not_list_was_refused() -> None:
    codec = DeribitCodec()
    request = orjson.loads(codec.subscribe([TRADES, "trades.NOPE.100ms"])[1])
    received(codec, orjson.dumps({"jsonrpc": "2.0", "id": request["id"], "result": [TRADES]}))
    assert codec.subscriptions == {
        TRADES: SubscriptionState.ACCEPTED,
        "trades.NOPE.100ms": SubscriptionState.REFUSED,
    }
    (error,) = codec.take_errors()
    assert error.streams == ("trades.NOPE.100ms",)


def test_what_needs_a_login_waits_for_it() -> None:
    codec = DeribitCodec(credentials=KEYS)
    own, raw = "user.orders.any.any.raw", f"book.{PERP}.raw"
    requests = [orjson.loads(frame) for frame in codec.subscribe([TRADES, own, raw], NOW_NS)]
    methods = [request["method"] for request in requests]
    assert methods == ["public/set_heartbeat", "public/subscribe", "public/auth"]
    params = requests[2]["params"]
    assert params["grant_type"] == "client_signature"
    assert params["timestamp"] == NOW_NS // 1_000_000
    secret = Secret("AMANDASECRECT")
    assert params["signature"] == signature(secret, params["timestamp"], params["nonce"])
    assert "AMANDASECRECT" not in str(requests)
    assert codec.take_output() == []
    received(codec, answer(orjson.dumps(requests[2])))
    public, private = map(orjson.loads, codec.take_output())
    assert (public["method"], public["params"]["channels"]) == ("public/subscribe", [raw])
    assert (private["method"], private["params"]["channels"]) == ("private/subscribe", [own])
    # From then on without waiting.
    (more,) = map(orjson.loads, codec.subscribe(["user.portfolio.btc"], NOW_NS))
    assert more["method"] == "private/subscribe"
    # A new connection logs in anew.
    codec.reset()
    assert orjson.loads(codec.subscribe([own], NOW_NS)[1])["method"] == "public/auth"


def test_a_refused_login_refuses_what_waited() -> None:
    codec = DeribitCodec(credentials=KEYS)
    own = "user.orders.any.any.raw"
    requests = codec.subscribe([own], NOW_NS)
    received(codec, *refusals(requests[1:]))
    (error,) = codec.take_errors()
    assert (error.streams, error.code) == ((own,), 10028)
    assert "login" in error.reason


def test_a_token_is_renewed_before_it_ends() -> None:
    codec = connected("user.portfolio.btc", credentials=KEYS)
    events: list[Any] = []
    codec.receive(QUIET[0], NOW_NS + 700 * 10**9, events)
    assert codec.take_output() == []
    codec.receive(QUIET[0], NOW_NS + 800 * 10**9, events)
    (request,) = map(orjson.loads, codec.take_output())
    assert request["params"] == {"grant_type": "refresh_token", "refresh_token": "r"}
    codec.receive(QUIET[0], NOW_NS + 830 * 10**9, events)
    assert codec.take_output() == []


def test_a_token_that_cannot_be_renewed_is_asked_for_by_the_keys() -> None:
    codec = connected("user.portfolio.btc", credentials=KEYS)
    codec.receive(QUIET[0], NOW_NS + 800 * 10**9, [])
    received(codec, *refusals(codec.take_output()))
    [login] = codec.take_output()
    params = orjson.loads(login)["params"]
    assert params["grant_type"] == "client_signature"
    assert (codec.take_errors(), codec.take_directive()) == ([], None)
    received(codec, answer(login))
    assert codec.take_output() == [], "the streams are there"
    # The keys do not count any more, either.
    codec.receive(QUIET[0], NOW_NS + 1_600 * 10**9, [])
    received(codec, *refusals(codec.take_output()))
    received(codec, *refusals(codec.take_output()))
    assert isinstance(codec.take_directive(), Reconnect)
    [error] = codec.take_errors()
    assert "login" in error.reason


@pytest.mark.parametrize(("previous", "number"), [(123456789, 123456799), (123456795, 123456799)])
def test_a_change_that_does_not_name_the_last_one(previous: int, number: int) -> None:
    codec = connected(Stream(BOOK, "book", "BTC"))
    frames = [push(BOOK, SNAPSHOT), push(BOOK, CHANGE), change(previous, number)]
    events = received(codec, *frames, change(number, number + 1))
    assert [type(event).__name__ for event in events] == ["DeribitSnapshot", "DeribitDelta", "Gap"]
    assert (events[2].symbol, events[2].last_sequence) == ("BTC", 123456790)
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    codec.unsubscribe([directive.stream])
    codec.subscribe([directive.stream])
    again = received(codec, push(BOOK, SNAPSHOT | {"change_id": 200}), change(200, 205))
    assert [(event.symbol, event.sequence) for event in again] == [("BTC", 200), ("BTC", 205)]


def test_a_snapshot_may_lack_a_side_and_name_no_predecessor() -> None:
    codec = connected(BOOK)
    for extra in ({}, {"prev_change_id": None}):
        (snapshot,) = received(codec, push(BOOK, SNAPSHOT | {"bids": [], **extra}))
        assert (snapshot.bids, len(snapshot.asks)) == ([], 1)


def test_trades_that_are_missing_show() -> None:
    codec = connected(TRADES)
    events = received(codec, trade(1), trade(2), trade(5), trade(6))
    assert [type(event).__name__ for event in events] == [
        *("DeribitTrade", "DeribitTrade", "Gap", "DeribitTrade", "DeribitTrade")
    ]
    gap = events[2]
    assert isinstance(gap, Gap)
    assert (gap.last_sequence, gap.first_sequence) == (2, 5)
    # Another instrument of the same channel has numbers of its own.
    assert len(received(codec, trade(1000, instrument_name="ETH-PERPETUAL"))) == 1


def test_other_channels() -> None:
    names = [f"ticker.{PERP}.100ms", f"chart.trades.{PERP}.1", f"book.{PERP}.none.20.100ms"]
    codec = connected(*names)
    ticker = {
        "timestamp": 1765541767174,
        "stats": {"high": 3.0, "low": 1.0, "volume": 7.0, "price_change": -2.5},
        "state": "open",
        "instrument_name": PERP,
        "best_bid_price": 1.5,
        "best_bid_amount": 10.0,
        "best_ask_price": None,
        "last_price": None,
        "greeks": {"delta": 0.5},
    }
    (event,) = received(codec, push(names[0], ticker))
    assert (event.high, event.volume, event.price_change_percent) == (3.0, 7.0, -2.5)
    assert (event.last_price, event.ask_price, event.bid_price) == (None, None, 1.5)
    candle = {"tick": 60_000, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    events = received(
        codec,
        push(names[1], candle | {"cost": 5.0}),
        push(names[1], candle | {"tick": 120_000}),
    )
    assert [(e.open_time, e.is_closed, e.interval) for e in events] == [
        (60_000, False, "1m"),
        (60_000, True, "1m"),
        (120_000, False, "1m"),
    ]
    assert events[0].close_time == 119_999
    top = {"instrument_name": PERP, "timestamp": 5, "change_id": 9, "bids": [[1.0, 2.0]]}
    (book,) = received(codec, push(names[2], top | {"asks": []}))
    assert (type(book).__name__, book.bids, book.sequence) == ("DeribitSnapshot", [(1.0, 2.0)], 9)


ORDER = {
    "order_id": "ETH-331562",
    "instrument_name": PERP,
    "direction": "buy",
    "order_type": "limit",
    "order_state": "open",
    "price": 100.5,
    "amount": 10.0,
    "filled_amount": 4.0,
    "last_update_timestamp": 1765541767174,
    "label": "mine",
}
FILL = {
    "trade_id": "7",
    "order_id": "ETH-331562",
    "instrument_name": PERP,
    "direction": "buy",
    "price": 100.5,
    "amount": 4.0,
    "fee": -0.01,
    "fee_currency": "BTC",
    "liquidity": "M",
    "timestamp": 1765541767174,
}
POSITION = {"instrument_name": PERP, "direction": "buy", "size": 4.0, "average_price": 100.5}


def test_ones_own() -> None:
    names = ["user.orders.any.any.raw", "user.trades.any.any.raw", "user.portfolio.btc"]
    codec = connected(*names, "user.changes.any.any.raw", credentials=KEYS, numbers="decimal")
    order, market = received(
        codec, push(names[0], ORDER), push(names[0], [ORDER | {"price": "market_price"}])
    )
    assert (order.order_id, order.client_order_id, order.price) == (
        "ETH-331562",
        "mine",
        Decimal("100.5"),
    )
    assert (market.price, market.price_sent, market.filled_size) == (0, "market_price", 4)
    (fill,) = received(codec, push(names[1], [FILL]))
    assert (fill.is_maker, fill.commission, fill.commission_asset) == (
        True,
        Decimal("-0.01"),
        "BTC",
    )
    portfolio = {"currency": "BTC", "balance": 1.5, "equity": 1.6, "available_funds": 1.0}
    (balance,) = received(codec, push(names[2], portfolio))
    assert (balance.asset, balance.total, balance.available) == ("BTC", Decimal("1.5"), 1)
    data = {"instrument_name": PERP, "orders": [ORDER], "trades": [FILL], "positions": [POSITION]}
    events = received(codec, push("user.changes.any.any.raw", data))
    assert [event.kind for event in events] == ["order_update", "fill", "position"]
    assert events[2].entry_price == Decimal("100.5")
    # As `positions=True` of a feed wants it, whose orders and fills come by channels of their own.
    wanted = Stream("user.changes.any.any.raw", "positions", "")
    codec = connected(wanted, credentials=KEYS)
    assert [e.kind for e in received(codec, push(str(wanted), data))] == ["position"]


@given(st.binary(max_size=200))
def test_no_bytes_raise(frame: bytes) -> None:
    codec = connected(TRADES, BOOK)
    received(codec, frame, b'{"jsonrpc":"2.0","method":"subscription","params":' + frame)


@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(), lambda inner: st.lists(inner)))
def test_no_values_raise(value: Any) -> None:
    codec = connected(TRADES, BOOK, credentials=KEYS)
    for data in (TRADE, SNAPSHOT, CHANGE, SAMPLE_QUOTE):
        for key in data:
            for channel in (TRADES, BOOK, QUOTE, f"chart.trades.{PERP}.1", "chart.trades."):
                received(codec, push(channel, data | {key: value}), push(channel, value))
    for method in ("heartbeat", "subscription", value):
        received(codec, orjson.dumps({"method": method, "params": value, "id": value}))


def venue(**settings: Any) -> Any:
    return open_venue("deribit", VenueSettings(**settings))


def test_a_plan() -> None:
    wants = [
        Want(Channel.TRADES, "btc-perpetual"),
        Want(Channel.KLINES, "BTC-USDC", "1h"),
        Want(Channel.BOOKS, "XRP_USDC-30JUN23-0d625-C"),
        Want(Channel.POSITIONS),
    ]
    (plan,) = venue(credentials=KEYS, environment="testnet").plan(wants)
    assert plan.url == "wss://test.deribit.com/ws/api/v2"
    assert [str(stream) for stream in plan.streams] == [
        "trades.BTC-PERPETUAL.100ms",
        "chart.trades.BTC_USDC.60",
        "book.XRP_USDC-30JUN23-0d625-C.100ms",
        "user.changes.any.any.raw",
    ]
    assert plan.streams[0].symbol == "btc-perpetual"
    assert len(venue(credentials=KEYS).plan([Want(Channel.ACCOUNT)])[0].streams) == 4


def test_what_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ConfigurationError, match="credentials"):
        venue().plan([Want(Channel.ORDERS)])
    with pytest.raises(ConfigurationError, match="credentials"):
        venue(options={"batch": "raw"}).plan([Want(Channel.TRADES, PERP)])
    with pytest.raises(ConfigurationError, match="candles"):
        venue().plan([Want(Channel.KLINES, PERP, "1w")])
    with pytest.raises(ConfigurationError, match="no channel"):
        venue().plan([Want(None, "trades BTC")])
    with pytest.raises(ConfigurationError, match="no option"):
        venue(options={"depth": 1})


def test_instruments() -> None:
    entry = {"base_currency": "BTC", "quote_currency": "USD", "tick_size": 0.5}
    entry |= {"instrument_name": PERP, "kind": "future", "settlement_period": "perpetual"}
    spot = entry | {"instrument_name": "BTC_USDC", "quote_currency": "USDC", "kind": "spot"}
    found = venue().parse_instruments(orjson.dumps({"result": [entry, spot]}))
    assert [(one.symbol, one.venue_symbol, one.kind, one.price_tick) for one in found] == [
        (PERP, PERP, "perpetual", "0.5"),
        ("BTC-USDC", "BTC_USDC", "spot", "0.5"),
    ]
