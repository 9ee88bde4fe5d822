"""Kraken v2: what each message becomes, subscriptions pair by pair, and the checksum's keeping."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchanges.test_kraken_checksum import MATIC_ASKS, MATIC_BIDS, levels
from tickwire.credentials import Credentials, Secret
from tickwire.errors import ConfigurationError, LoginError
from tickwire.exchanges import Reconnect, Resync, RotateBy, SubscriptionState
from tickwire.exchanges.checksums import KRAKEN, DigitBook
from tickwire.exchanges.kraken.codec import KrakenCodec
from tickwire.exchanges.kraken.names import stream
from tickwire.exchanges.kraken.signing import TOKEN_PATH, signature
from tickwire.exchanges.kraken.structs import KrakenBalance, KrakenFill, KrakenKline, KrakenOrder
from tickwire.market import (
    AggressorSide,
    BookDelta,
    BookSnapshot,
    Event,
    Gap,
    GapCause,
    Quote,
    Ticker,
    Trade,
)
from tickwire.testing import Sample, check_codec

NOW = 1_616_492_376_594_000_000
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
KEYS = Credentials("key", SECRET)
ACCEPTED, REFUSED = SubscriptionState.ACCEPTED, SubscriptionState.REFUSED

STATUS = (
    b'{"channel":"status","type":"update","data":[{"api_version":"v2",'
    b'"connection_id":13834774380200032777,"system":"%b","version":"2.0.0"}]}'
)
HEARTBEAT = b'{"channel":"heartbeat"}'
PONG = (
    b'{"method":"pong","req_id":101,"time_in":"2023-09-24T14:10:23.799685Z",'
    b'"time_out":"2023-09-24T14:10:23.799703Z"}'
)
TICKER = (
    b'{"channel":"ticker","type":"snapshot","data":[{"symbol":"ALGO/USD","bid":0.10025,'
    b'"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,'
    b'"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,'
    b'"change_pct":-0.17,"timestamp":"2023-09-25T09:04:31.742648Z"}]}'
)
INSTRUMENTS = (
    b'{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD","status":"enabled",'
    b'"precision":4}],"pairs":[{"symbol":"MATIC/USD","base":"MATIC","quote":"USD",'
    b'"status":"online","price_precision":4,"price_increment":0.0001,"qty_precision":8,'
    b'"qty_increment":0.00000001}]}}'
)


def trade(number: int, side: str = "sell", pair: str = "MATIC/USD") -> bytes:
    return (
        b'{"channel":"trade","type":"update","data":[{"symbol":"%b","side":"%b",'
        b'"price":0.5117,"qty":40.0,"ord_type":"market","trade_id":%d,'
        b'"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
    ) % (pair.encode(), side.encode(), number)


def candle(begin: str, close: str) -> bytes:
    return (
        b'{"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:30.524394914Z","data":['
        b'{"symbol":"MATIC/USD","open":0.5624,"high":0.5628,"low":0.5622,"close":%b,"trades":12,'
        b'"volume":30927.68066226,"vwap":0.5626,"interval_begin":"%b","interval":5,'
        b'"timestamp":"2023-10-04T16:30:00.000000Z"}]}'
    ) % (close.encode(), begin.encode())


def rows(text: str) -> str:
    return ",".join(f'{{"price":{price},"qty":{size}}}' for price, size in levels(text))


def book(kind: str, bids: str, asks: str, checksum: int) -> bytes:
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"MATIC/USD","bids":[{rows(bids)}],'
        f'"asks":[{rows(asks)}],"checksum":{checksum},"timestamp":"2023-10-06T17:35:55.440295Z"}}]}}'
    ).encode()


SNAPSHOT = book("snapshot", MATIC_BIDS, MATIC_ASKS, 2439117997)
UPDATE = book("update", "0.5657 1098.3947558", "", 2114181697)


def accept(request: dict[str, Any]) -> list[bytes]:
    """An answer for each pair, as the venue gives them."""
    params = dict(request["params"])
    pairs = params.pop("symbol", [None])
    params.pop("token", None)
    answers = []
    for pair in pairs:
        result = params | ({} if pair is None else {"symbol": pair})
        answers.append(
            orjson.dumps(
                {
                    "method": request["method"],
                    "result": result,
                    "success": True,
                    "time_in": "2023-10-06T17:35:55.219022Z",
                    "req_id": request["req_id"],
                }
            )
        )
    if params["channel"] == "instrument":
        answers.append(INSTRUMENTS)
    return answers


def acknowledge(requests: list[bytes]) -> list[bytes]:
    return [answer for frame in requests for answer in accept(orjson.loads(frame))]


def refusal(number: int, pair: str | None, text: str = "Currency pair not supported") -> bytes:
    document = {"method": "subscribe", "error": text, "success": False, "req_id": number}
    return orjson.dumps(document if pair is None else document | {"symbol": pair})


def refuse(requests: list[bytes]) -> list[bytes]:
    request = orjson.loads(requests[-1])
    return [refusal(request["req_id"], pair) for pair in request["params"]["symbol"]]


def streams_of(*names: str) -> list[Any]:
    return [stream(*name.split(":")) for name in names]


def answered(codec: KrakenCodec, requests: list[bytes]) -> None:
    while requests:
        for answer in acknowledge(requests):
            codec.receive(answer, NOW, [])
        requests = codec.take_output()


def opened(*names: str, **options: Any) -> KrakenCodec:
    codec = KrakenCodec(**options)
    answered(codec, codec.subscribe(streams_of(*names), NOW))
    return codec


def received(codec: KrakenCodec, *frames: bytes) -> list[Event]:
    events: list[Event] = []
    for frame in frames:
        codec.receive(frame, NOW, events)
    return events


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_contract(numbers: Any) -> None:
    check_codec(
        Sample(
            make=lambda: KrakenCodec(numbers=numbers),
            streams=streams_of(
                "trade:MATIC/USD", "ticker:ALGO/USD", "ohlc-5:MATIC/USD", "book-10:MATIC/USD"
            ),
            frames=[
                trade(1),
                SNAPSHOT,
                UPDATE,
                TICKER,
                trade(2),
                candle("2023-10-04T16:25:00.000000000Z", "0.5627"),
            ],
            acks=acknowledge,
            refuse=refuse,
            quiet=[STATUS % b"online", HEARTBEAT, PONG],
            now_ns=NOW,
        )
    )


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_a_trade(numbers: Any) -> None:
    number = float if numbers == "float" else Decimal
    [event] = received(opened("trade:matic-usd", numbers=numbers), trade(4665906))
    assert isinstance(event, Trade)
    assert event.symbol == "matic-usd"
    assert repr((event.price, event.size)) == repr((number("0.5117"), number("40.0")))
    assert (event.trade_id, event.aggressor_side) == (4665906, AggressorSide.SELL)
    assert event.ts_event_ns == event.ts_transact_ns == 1_695_628_177_708_706_000
    [event] = received(opened("trade:MATIC/USD"), trade(1, "buy"))
    assert isinstance(event, Trade)
    assert event.aggressor_side is AggressorSide.BUY


def test_trade_ids_have_no_holes() -> None:
    codec = opened("trade:MATIC/USD", "trade:ALGO/USD")
    events = received(codec, trade(5), trade(900, pair="ALGO/USD"), trade(6), trade(6), trade(9))
    assert kinds(events) == ["trade", "trade", "trade", "trade", "gap", "trade"]
    gap = events[4]
    assert isinstance(gap, Gap)
    assert (gap.stream, gap.last_sequence, gap.first_sequence) == ("trade:MATIC/USD", 6, 9)
    assert codec.stats.stale == 1


def test_tickers_and_quotes() -> None:
    [ticker] = received(opened("ticker:ALGO/USD"), TICKER)
    assert isinstance(ticker, Ticker)
    assert (ticker.last_price, ticker.price_change, ticker.price_change_percent) == (
        0.10035,
        -0.00017,
        -0.17,
    )
    assert (ticker.open, ticker.vwap, ticker.volume) == (None, 0.10148, 997038.98383185)
    codec = KrakenCodec()
    requests = codec.subscribe(streams_of("bbo:algo/usd"), NOW)
    assert orjson.loads(requests[0])["params"] == {
        "channel": "ticker",
        "symbol": ["ALGO/USD"],
        "event_trigger": "bbo",
    }
    [quote] = received(codec, TICKER)
    assert isinstance(quote, Quote)
    assert (quote.symbol, quote.bid_price, quote.ask_size) == ("algo/usd", 0.10025, 1361.44813783)


def test_a_candle_is_closed_by_its_successor() -> None:
    events = received(
        opened("ohlc-5:MATIC/USD"),
        candle("2023-10-04T16:25:00.000000000Z", "0.5"),
        candle("2023-10-04T16:30:00.000000000Z", "0.6"),
    )
    candles = [event for event in events if isinstance(event, KrakenKline)]
    assert [(one.close, one.is_closed) for one in candles] == [
        (0.5, False),
        (0.5, True),
        (0.6, False),
    ]
    first = candles[0]
    assert (first.interval, first.trade_count) == ("5m", 12)
    assert first.ts_open_ns == 1_696_436_700_000_000_000
    assert first.ts_close_ns - first.ts_open_ns == 299_999_999_999


def test_books_wait_for_the_precisions_and_are_checked() -> None:
    codec = KrakenCodec()
    [first] = codec.subscribe(streams_of("book-10:MATIC/USD"), NOW)
    assert orjson.loads(first)["params"] == {"channel": "instrument", "snapshot": True}
    for answer in acknowledge([first]):
        codec.receive(answer, NOW, [])
    [second] = codec.take_output()
    assert orjson.loads(second)["params"] == {
        "channel": "book",
        "symbol": ["MATIC/USD"],
        "depth": 10,
    }
    answered(codec, [second])
    assert codec.subscriptions["book-10:MATIC/USD"] is ACCEPTED
    snapshot, delta = received(codec, SNAPSHOT, UPDATE)
    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.bids[0] == (0.5666, 4831.75496356)
    assert isinstance(delta, BookDelta)
    assert (delta.bids, delta.asks) == ([(0.5657, 1098.3947558)], [])
    assert codec.stats.gaps == 0
    # The next book of this connection need not wait.
    [third] = codec.subscribe(streams_of("book-25:ALGO/USD"), NOW)
    assert orjson.loads(third)["params"]["depth"] == 25


def test_books_are_had_without_the_precisions_too() -> None:
    codec = KrakenCodec()
    [first] = codec.subscribe(streams_of("book-10:MATIC/USD"), NOW)
    codec.receive(refusal(orjson.loads(first)["req_id"], None, "no instruments"), NOW, [])
    assert len(codec.take_output()) == 1
    [told] = codec.take_errors()
    assert told.streams == ()
    wrong = book("update", "0.5657 1098.3947558", "", 1)
    assert kinds(received(codec, SNAPSHOT, wrong)) == ["book_snapshot", "book_delta"]


def test_a_book_that_was_left_while_it_waited_is_not_asked_for() -> None:
    codec = KrakenCodec()
    [first] = codec.subscribe(streams_of("book-10:MATIC/USD"), NOW)
    assert codec.unsubscribe(["book-10:MATIC/USD"], NOW) == []
    for answer in acknowledge([first]):
        codec.receive(answer, NOW, [])
    assert codec.take_output() == []


def test_a_wrong_checksum_is_a_gap_and_the_book_is_asked_for_again() -> None:
    codec = opened("book-10:MATIC/USD")
    wrong = book("update", "0.5657 1098.3947558", "", 2114181698)
    events = received(codec, SNAPSHOT, wrong, UPDATE)
    assert kinds(events) == ["book_snapshot", "gap", "book_delta", "book_delta"]
    gap = events[1]
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.stream) == (GapCause.CHECKSUM, "book-10:MATIC/USD")
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    requests = codec.unsubscribe([directive.stream], NOW) + codec.subscribe([directive.stream], NOW)
    assert [orjson.loads(one)["method"] for one in requests] == ["unsubscribe", "subscribe"]
    assert orjson.loads(requests[0])["params"]["depth"] == 10
    answered(codec, requests)
    assert kinds(received(codec, SNAPSHOT, UPDATE)) == ["book_snapshot", "book_delta"]
    assert codec.take_directive() is None


def test_a_second_wrong_snapshot_ends_the_connection() -> None:
    codec = opened("book-10:MATIC/USD")
    wrong = book("snapshot", MATIC_BIDS, MATIC_ASKS, 5)
    received(codec, wrong)
    assert isinstance(codec.take_directive(), Resync)
    received(codec, wrong)
    assert isinstance(codec.take_directive(), Reconnect)
    assert codec.stats.gaps == 2


def test_what_leaves_the_depth_is_forgotten() -> None:
    """Eleven bids, of which the worst falls out; when one goes, it does not come back."""
    codec = opened("book-10:MATIC/USD")
    better = book("update", "0.5667 1", "", 0)
    events = received(codec, SNAPSHOT, better)
    assert kinds(events) == ["book_snapshot", "gap", "book_delta"]

    def padded(text: str) -> list[tuple[str, str]]:
        return [(f"{float(p):.4f}", f"{float(q):.8f}") for p, q in levels(text)]

    twin = DigitBook()
    twin.replace(padded(MATIC_BIDS), padded(MATIC_ASKS))
    twin.apply(padded("0.5667 1"), [])
    twin.cut(10)
    one = book("update", "0.5667 1", "", twin.checksum(KRAKEN))
    twin.apply([("0.5667", "0")], [])
    two = book("update", "0.5667 0", "", twin.checksum(KRAKEN))
    events = received(opened("book-10:MATIC/USD"), SNAPSHOT, one, two)
    assert kinds(events) == ["book_snapshot", "book_delta", "book_delta"]


def test_floats_of_many_digits_are_checked_exactly() -> None:
    bids = "0.0001 12345678901.12345679"
    twin = DigitBook()
    twin.replace(levels(bids), [])
    codec = opened("book-10:MATIC/USD")
    frame = book("snapshot", bids, "", twin.checksum(KRAKEN))
    assert kinds(received(codec, frame)) == ["book_snapshot"]


def test_a_precision_that_changes_begins_the_book_anew() -> None:
    codec = opened("book-10:MATIC/USD")
    received(codec, SNAPSHOT, INSTRUMENTS)
    assert codec.take_directive() is None
    received(codec, INSTRUMENTS.replace(b'"price_precision":4', b'"price_precision":5'))
    assert isinstance(codec.take_directive(), Resync)


def test_a_change_before_the_snapshot_asks_for_the_book_again() -> None:
    codec = opened("book-10:MATIC/USD")
    assert kinds(received(codec, UPDATE, UPDATE)) == ["gap", "book_delta", "book_delta"]
    assert isinstance(codec.take_directive(), Resync)


def test_answers_come_pair_by_pair() -> None:
    codec = KrakenCodec()
    [request] = codec.subscribe(streams_of("trade:BTC/USD", "trade:NO/PAIR", "trade:ETH/USD"), NOW)
    number = orjson.loads(request)["req_id"]
    document = orjson.loads(request)
    document["params"]["symbol"] = ["BTC/USD"]
    received(codec, *accept(document), refusal(number, "NO/PAIR"))
    assert codec.subscriptions["trade:BTC/USD"] is ACCEPTED
    assert codec.subscriptions["trade:NO/PAIR"] is REFUSED
    assert codec.subscriptions["trade:ETH/USD"] is SubscriptionState.PENDING
    [told] = codec.take_errors()
    assert told.streams == ("trade:NO/PAIR",)
    assert told.reason == "Currency pair not supported"


def test_what_is_there_already_is_no_refusal() -> None:
    codec = KrakenCodec()
    [frame] = codec.subscribe(["trade:BTC/USD"], NOW)
    received(codec, refusal(orjson.loads(frame)["req_id"], "BTC/USD", "Already subscribed"))
    assert codec.subscriptions == {"trade:BTC/USD": SubscriptionState.ACCEPTED}
    assert codec.take_errors() == []
    # There is one book of a pair: of two depths, it is the other one that is there.
    codec = opened("book-10:BTC/USD")
    [frame] = codec.subscribe(["book-25:BTC/USD"], NOW)
    received(codec, refusal(orjson.loads(frame)["req_id"], "BTC/USD", "Already subscribed"))
    assert codec.subscriptions["book-25:BTC/USD"] is SubscriptionState.REFUSED


def test_a_refusal_without_a_pair_is_known_when_nothing_else_is_left() -> None:
    codec = KrakenCodec()
    [request] = codec.subscribe(streams_of("trade:BTC/USD", "trade:NO/PAIR"), NOW)
    document = orjson.loads(request)
    received(codec, refusal(document["req_id"], None))
    [first] = codec.take_errors()
    assert first.streams == ()
    document["params"]["symbol"] = ["BTC/USD"]
    received(codec, *accept(document))
    [second] = codec.take_errors()
    assert second.streams == ("trade:NO/PAIR",)
    assert dict(codec.subscriptions) == {"trade:BTC/USD": ACCEPTED, "trade:NO/PAIR": REFUSED}


def test_maintenance_is_a_rotation() -> None:
    codec = opened("trade:MATIC/USD")
    received(codec, STATUS % b"maintenance")
    assert codec.take_directive() is None, "a greeting is no change"
    received(codec, STATUS % b"online")
    directive = codec.take_directive()
    assert isinstance(directive, RotateBy)
    received(codec, STATUS % b"post_only")
    assert codec.take_directive() is None
    received(codec, STATUS % b"maintenance")
    directive = codec.take_directive()
    assert isinstance(directive, RotateBy)
    assert directive.deadline_ns == NOW


# The account


def test_the_known_signatures() -> None:
    secret = Secret(SECRET)
    nonce = "1616492376594"
    order = f"nonce={nonce}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    assert signature(secret, "/0/private/AddOrder", nonce, order) == (
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    )
    assert signature(secret, TOKEN_PATH, nonce, f"nonce={nonce}") == (
        "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA=="
    )


def test_the_token_is_fetched_before_and_stands_in_every_private_request() -> None:
    codec = KrakenCodec(credentials=KEYS, rest="http://127.0.0.1:1")
    request = codec.prepare(NOW)
    assert request is not None
    assert (request.method, request.url) == ("POST", f"http://127.0.0.1:1{TOKEN_PATH}")
    assert request.body == b"nonce=1616492376594000"
    assert dict(request.headers)["API-Key"] == "key"
    assert "key" not in repr(request)
    codec.prepared(200, b'{"error":[],"result":{"token":"t0ken","expires":900}}', NOW)
    frames = codec.subscribe(streams_of("orders", "fills", "balances"), NOW)
    params = [orjson.loads(frame)["params"] for frame in frames]
    assert params == [
        {"channel": "executions", "token": "t0ken"},
        {"channel": "balances", "token": "t0ken"},
    ]
    answered(codec, frames)
    assert set(codec.subscriptions.values()) == {ACCEPTED}
    assert codec.unsubscribe(["fills"], NOW) == []
    [leaving] = codec.unsubscribe(["orders"], NOW)
    assert orjson.loads(leaving)["params"]["channel"] == "executions"
    assert KrakenCodec().prepare(NOW) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"error":["EAPI:Invalid key"]}'),
        (403, b"<html>"),
        (200, b'{"error":[],"result":{}}'),
        (200, b'{"error":[],"result":{"token":5}}'),
    ],
)
def test_no_token_is_no_login(status: int, body: bytes) -> None:
    with pytest.raises(LoginError) as refused:
        KrakenCodec(credentials=KEYS).prepared(status, body, NOW)
    assert refused.value.reason


def test_keys_that_cannot_sign() -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        KrakenCodec(credentials=Credentials("key")).prepare(NOW)
    with pytest.raises(ConfigurationError, match="Base64"):
        KrakenCodec(credentials=Credentials("key", "no base64!")).prepare(NOW)


EXECUTIONS = (
    b'{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
    b'"order_userref":3,"symbol":"BTC/USD","order_qty":0.005,"cum_cost":0.0,"time_in_force":"GTC",'
    b'"exec_type":"pending_new","side":"sell","order_type":"limit","limit_price":26500.0,'
    b'"order_status":"pending_new","fee_usd_equiv":0.0,"timestamp":"2023-09-22T10:33:05.709950Z"}]}',
    b'{"channel":"executions","type":"update","data":[{"timestamp":"2023-09-22T10:33:05.709982Z",'
    b'"order_status":"new","exec_type":"new","order_userref":3,"order_id":"OK4GJX-KSTLS-7DZZO5"}]}',
    b'{"channel":"executions","type":"update","data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
    b'"exec_id":"TGBB7L-HT5LX-J3BZ4A","exec_type":"trade","trade_id":62887576,"symbol":"BTC/USD",'
    b'"side":"sell","last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t","cost":132.9995,'
    b'"order_type":"limit","timestamp":"2023-09-22T10:33:05.709993Z",'
    b'"order_status":"partially_filled","cum_qty":0.005,"cum_cost":132.9995,"avg_price":26599.9,'
    b'"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}]}]}',
    b'{"channel":"executions","type":"update","data":[{"timestamp":"2023-09-22T10:33:05.71Z",'
    b'"order_status":"filled","exec_type":"filled","order_id":"OK4GJX-KSTLS-7DZZO5"}]}',
)


def test_an_order_is_put_together() -> None:
    events = received(opened("orders", "fills", credentials=KEYS), *EXECUTIONS)
    assert kinds(events) == ["order_update", "order_update", "fill", "order_update", "order_update"]
    orders = [event for event in events if isinstance(event, KrakenOrder)]
    assert [order.status for order in orders] == [
        "pending_new",
        "new",
        "partially_filled",
        "filled",
    ]
    assert {(order.symbol, order.side, order.price, order.size) for order in orders} == {
        ("BTC/USD", "sell", 26500.0, 0.005)
    }
    assert [order.last_filled_size for order in orders] == [0, 0, 0.005, 0]
    assert orders[-1].filled_size == 0.005
    assert orders[2].commission == 0.3458
    fill = events[2]
    assert isinstance(fill, KrakenFill)
    assert (fill.fill_id, fill.trade_id, fill.is_maker) == ("TGBB7L-HT5LX-J3BZ4A", 62887576, False)
    assert (fill.price, fill.size, fill.commission, fill.commission_asset) == (
        26599.9,
        0.005,
        0.3458,
        "USD",
    )
    assert fill.ts_transact_ns == 1_695_378_785_709_993_000
    only = received(opened("fills", credentials=KEYS, numbers="decimal"), *EXECUTIONS)
    assert kinds(only) == ["fill"]
    assert repr(only[0].price) == "Decimal('26599.9')"  # type: ignore[attr-defined]


def ledger(number: int) -> bytes:
    return (
        b'{"channel":"balances","type":"update","data":[{"ledger_id":"AAICKV-NMQSR-ZO5IJD",'
        b'"ref_id":"AGBB7L-HT5LX-J3BB4A","timestamp":"2023-09-22T10:33:05.710082Z","type":"trade",'
        b'"asset":"BTC","asset_class":"currency","category":"trade","wallet_type":"spot",'
        b'"wallet_id":"main","amount":-0.005,"fee":0.0,"balance":0.005}],"sequence":%d}'
    ) % number


BALANCES = (
    b'{"channel":"balances","type":"snapshot","data":[{"asset":"BTC","asset_class":"currency",'
    b'"balance":1.2,"wallets":[{"type":"spot","id":"main","balance":1.2}]}],"sequence":1}'
)


def test_balances_and_their_sequence() -> None:
    codec = opened("balances", credentials=KEYS)
    events = received(codec, BALANCES, ledger(2), ledger(4))
    assert kinds(events) == ["balance", "balance", "gap", "balance"]
    whole, entry = events[:2]
    assert isinstance(whole, KrakenBalance)
    assert (whole.asset, whole.total, whole.wallet, whole.change) == ("BTC", 1.2, "", None)
    assert isinstance(entry, KrakenBalance)
    assert (entry.total, entry.wallet, entry.change, entry.reason) == (
        0.005,
        "spot/main",
        -0.005,
        "trade",
    )
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    assert directive.stream == "balances"


def test_what_is_new_is_counted() -> None:
    codec = opened("trade:MATIC/USD")
    assert received(codec, b'{"channel":"weather","type":"update","data":[]}') == []
    assert codec.stats.unknown == {"weather": 1}
    assert received(codec, trade(1).replace(b"0.5117", b"1e999")) == []
    assert codec.stats.undecodable == 1


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    codec = opened("trade:MATIC/USD", "book-10:MATIC/USD")
    received(codec, data, b'{"channel":"trade",' + data, b'{"channel":"book",' + data)
    received(codec, b'{"method":"subscribe",' + data, b'{"channel":"instrument","data":' + data)
    assert kinds(received(codec, trade(1))) == ["trade"]


def test_the_samples_are_json() -> None:
    for frame in (TICKER, INSTRUMENTS, SNAPSHOT, UPDATE, BALANCES, ledger(2), *EXECUTIONS):
        json.loads(frame)
