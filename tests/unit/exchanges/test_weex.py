"""WEEX's codecs against the venue's own samples, and against what the venue may do wrong."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.credentials import Credentials, Secret
from tickwire.errors import ConfigurationError
from tickwire.exchanges import Reconnect, Resync, Stream, SubscriptionState
from tickwire.exchanges.registry import open_venue
from tickwire.exchanges.venue import Channel, VenueSettings, Want
from tickwire.exchanges.weex import WeexCodec, WeexLegacyCodec, structs
from tickwire.exchanges.weex.codec import NOT_ASKED
from tickwire.exchanges.weex.names import check_level, internal_symbol, venue_symbol
from tickwire.exchanges.weex.signing import login_headers, signature
from tickwire.market import (
    Balance,
    BookDelta,
    BookSnapshot,
    Event,
    Fill,
    Gap,
    Kline,
    OrderUpdate,
    Position,
    Quote,
    Ticker,
    Trade,
)
from tickwire.testing import Sample, check_codec

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
V3 = (GOLDEN / "weex_v3.jsonl").read_bytes().splitlines()
V2 = (GOLDEN / "weex_v2.jsonl").read_bytes().splitlines()
NOW_NS = 1_700_000_000_000_000_000
KEYS = Credentials("key", "test-secret", passphrase="phrase")
KINDS: dict[str, type[Event]] = {
    "ticker": Ticker,
    "kline": Kline,
    "trade": Trade,
    "bookTicker": Quote,
    "depthSnapshot": BookSnapshot,
    "depth": BookDelta,
    "orders": OrderUpdate,
    "fill": Fill,
    "positions": Position,
    "account": Balance,
}


def received(codec: Any, *frames: bytes) -> list[Any]:
    events: list[Any] = []
    for frame in frames:
        codec.receive(frame, NOW_NS, events)
    return events


def depth(start: int, end: int, level: int = 200, symbol: str = "BTCUSDT", **more: Any) -> bytes:
    kind = "depth" if start else "depthSnapshot"
    document = {
        "e": kind,
        "E": 1_790_134_568_048 + end,
        "s": symbol,
        "U": start,
        "u": end,
        "l": level,
    }
    document |= {"d": "CHANGED" if start else "SNAPSHOT"}
    return orjson.dumps(document | {"b": [["1.5", "2"]], "a": [["1.6", "0.5"]]} | more)


def answers(requests: list[bytes], **more: Any) -> list[bytes]:
    return [
        orjson.dumps({"result": True, "id": orjson.loads(frame)["id"]} | more) for frame in requests
    ]


def refusals(requests: list[bytes]) -> list[bytes]:
    return answers(requests, result=False, msg="INVALID_ARGUMENT: invalid symbol : cmt_nopeusdt")


# ------------------------------------------------------------------------------- the vendor's own


def is_spot(document: dict[str, Any]) -> bool:
    row = document["d"][0] if isinstance(document.get("d"), list) else {}
    return document["e"] == "bookTicker" or "equity" in row or "baseCoin" in row


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("frame", V3, ids=range(len(V3)))
def test_every_v3_sample_becomes_its_event(frame: bytes, numbers: Any) -> None:
    document = orjson.loads(frame)
    codec = WeexCodec("spot" if is_spot(document) else "contract", numbers=numbers)
    if document["e"] == "depth":
        codec.subscribe([f"{document['s']}@depth{document['l']}"])
        codec.receive(depth(0, document["U"], document["l"], document["s"]), 0, [])
    events = received(codec, frame)
    rows = document["d"] if isinstance(document.get("d"), list) else [document]
    assert len(events) == len(rows)
    number = Decimal if numbers == "decimal" else float
    for event, row in zip(events, rows, strict=True):
        assert isinstance(event, KINDS[document["e"]])
        assert event.event_time == document["E"]
        assert event.ts_recv_ns == NOW_NS
        assert event.symbol == document.get("s", row.get("symbol", ""))
        event.to_dict()
        if isinstance(event, Trade):
            assert (event.price, event.size) == (number(row["p"]), number(row["q"]))
            assert event.trade_id == row["t"]
        elif isinstance(event, (BookSnapshot, BookDelta)):
            assert event.bids == [(number(p), number(q)) for p, q in row["b"]]
            assert event.asks == [(number(p), number(q)) for p, q in row["a"]]
            assert event.sequence == row["u"]
    assert codec.stats.undecodable == 0
    assert not codec.stats.unknown


def test_what_the_samples_say() -> None:
    codec = WeexCodec(numbers="decimal")
    (ticker,) = received(codec, V3[0])
    assert ticker.last_price == Decimal("86645.2")
    assert ticker.price_change_percent == Decimal("1.247500")
    assert (ticker.mark_price, ticker.index_price) == (Decimal("86660.8"), Decimal("86690.49875"))
    (candle,) = received(codec, V3[3])
    assert (candle.interval, candle.price_type, candle.is_closed) == ("1d", "LAST_PRICE", False)
    assert candle.close_time == 1_775_174_400_000 - 1
    trades = received(codec, V3[5])
    assert [trade.transact_time for trade in trades] == [
        1_775_121_040_002,
        1_775_121_039_597,
        1_775_121_039_799,
    ]
    assert trades[0].aggressor_side == "buy"
    order, fill, position, balance = received(codec, *V3[13:17])
    assert (order.order_id, order.side, order.status) == ("617414920861909658", "BUY", "PENDING")
    assert (order.size, order.filled_size) == (Decimal("0.10000"), Decimal(0))
    assert fill.price == Decimal("103812.7")
    assert (fill.is_maker, fill.commission, fill.commission_asset) == (
        False,
        Decimal("6.228762"),
        "USDT",
    )
    assert position.entry_price == Decimal("99240.5443")
    assert (position.side, position.unrealized_pnl) == ("LONG", None)
    assert (balance.asset, balance.total) == ("USDT", Decimal("6625267.708162"))
    spot = WeexCodec("spot")
    (balance,) = received(spot, V3[17])
    assert (balance.total, balance.available, balance.frozen) == (1200.0, 950.0, 250.0)


@pytest.mark.parametrize(
    ("path", "vector"),
    [
        ("/v3/ws/private", "eEAZtfhds1RFRGUX3y9fTYPIunpNXUVNhrpttEiypmg="),
        ("/v2/ws/private", "uOuxYzkul9RQUrEBKuSavMp0/CN4Oq5JAgybe0Tjsko="),
    ],
)
def test_the_signature(path: str, vector: str) -> None:
    assert signature(Secret("test-secret"), 1_700_000_000_000, path) == vector
    assert login_headers(KEYS, NOW_NS, path) == {
        "ACCESS-KEY": "key",
        "ACCESS-PASSPHRASE": "phrase",
        "ACCESS-TIMESTAMP": "1700000000000",
        "ACCESS-SIGN": vector,
    }


def test_a_private_connection_signs_its_upgrade_anew() -> None:
    codec = WeexCodec(credentials=KEYS, is_private=True)
    one, other = codec.upgrade_headers(NOW_NS), codec.upgrade_headers(NOW_NS + 10**9)
    assert one["ACCESS-SIGN"] == "eEAZtfhds1RFRGUX3y9fTYPIunpNXUVNhrpttEiypmg="
    assert one["ACCESS-SIGN"] != other["ACCESS-SIGN"]
    assert "test-secret" not in repr(codec.__dict__)
    assert set(WeexCodec(credentials=KEYS).upgrade_headers(NOW_NS)) == {"User-Agent"}


@pytest.mark.parametrize(
    "keys", [None, Credentials("key", "secret"), Credentials("key", passphrase="phrase")]
)
def test_a_private_connection_needs_all_parts(keys: Credentials | None) -> None:
    with pytest.raises(ConfigurationError, match="passphrase"):
        WeexCodec(credentials=keys, is_private=True)


# ---------------------------------------------------------------------------------- the contract


def trade(number: int) -> bytes:
    row = {"T": 1_775_121_040_002, "t": f"id-{number}", "p": "1.5", "q": "2", "v": "3", "m": True}
    return orjson.dumps({"e": "trade", "E": 1_775_121_040_010 + number, "s": "BTCUSDT", "d": [row]})


QUIET = [
    b'{"cid":"a605e7d3","event":"connected","time":"1788692245686"}',
    b'{"type":"connected","time":"1788692245686"}',
    b'{"event":"ping","time":"1776078750000"}',
    b'{"type":"ping","time":"1776172740000"}',
    b'{"method":"PONG","id":1}',
    b'{"id":"5","method":"PONG"}',
    b'{"result":true,"id":7}',
    b'{"result":true,"id":0}',
]


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_v3_keeps_the_contract(numbers: Any) -> None:
    check_codec(
        Sample(
            make=partial(WeexCodec, numbers=numbers),
            streams=[Stream("BTCUSDT@depth200", "depth", "BTC-USDT")],
            frames=[depth(0, 7), depth(7, 9), depth(9, 12)],
            acks=answers,
            refuse=refusals,
            quiet=QUIET,
        )
    )
    check_codec(
        Sample(
            make=partial(WeexCodec, numbers=numbers),
            streams=[
                Stream("BTCUSDT@trade", "trade", "BTC-USDT"),
                Stream("BTCUSDT@ticker", "ticker", "BTC-USDT"),
            ],
            frames=[trade(1), V3[0], trade(2)],
            acks=answers,
            quiet=QUIET,
        )
    )


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize(
    ("codec", "samples"),
    [(partial(WeexCodec, "contract"), V3[13:17]), (partial(WeexCodec, "spot"), V3[17:20])],
)
def test_the_contract_of_private_channels(codec: Any, samples: list[bytes], numbers: Any) -> None:
    make = partial(codec, numbers=numbers, credentials=KEYS, is_private=True)
    streams = sorted({orjson.loads(frame)["e"] for frame in samples})
    check_codec(Sample(make=make, streams=streams, frames=samples, acks=answers))


def test_what_is_not_sent_is_a_number_of_the_same_kind() -> None:
    codec = WeexCodec("contract", numbers="decimal", credentials=KEYS, is_private=True)
    row = {"id": "1", "symbol": "BTCUSDT", "orderSide": "BUY", "price": "1", "size": "1"}
    order = {"e": "orders", "E": 1, "d": [row | {"type": "MARKET", "status": "NEW"}]}
    held = {"id": "1", "symbol": "BTCUSDT", "side": "LONG", "size": "0.01"}
    codec.subscribe(["orders", "positions"])
    frames = [orjson.dumps(found) for found in (order, {"e": "positions", "E": 1, "d": [held]})]
    [event, position] = received(codec, *frames)
    for name in ("filled_size", "filled_value", "total_commission", "stop_price"):
        assert type(getattr(event, name)) is Decimal, name
    assert (position.open_value, position.entry_price) == (None, None)
    assert not codec.stats.undecodable


def test_no_more_is_asked_than_may_be_refused() -> None:
    codec = WeexCodec()
    asked = [frame for n in range(8) for frame in codec.subscribe([f"NO{n}USDT@trade"])]
    assert len(asked) == 5
    # An answer makes room; one that never came does not stay in the way.
    received(codec, *answers(asked[1:2]))
    assert [orjson.loads(frame)["params"] for frame in codec.take_output()] == [
        ["NO5USDT@trade"],
        ["NO6USDT@trade"],
    ]
    assert codec.unsubscribe(["NO7USDT@trade"]) == [], "it was not asked for"
    received(codec, *refusals([*asked[2:5], *asked[:1]]))
    received(codec, b'{"result":false,"id":6,"msg":"no"}')
    codec.take_errors()
    assert codec.subscribe(["BTCUSDT@trade"]) == []
    [refusal] = codec.take_errors()
    assert (refusal.code, refusal.streams) == (NOT_ASKED, ("BTCUSDT@trade",))
    assert "not asked" in refusal.reason
    codec.reset()
    assert len(codec.subscribe(["BTCUSDT@trade"])) == 1


def legacy_depth(kind: str, start: int, end: int) -> bytes:
    level = {"price": "1.5", "size": "2"}
    row = {"startVersion": str(start), "endVersion": str(end), "level": 15, "depthType": kind}
    row |= {"symbol": "cmt_btcusdt", "asks": [level], "bids": []}
    document = {"event": "payload", "channel": "depth.cmt_btcusdt.15", "data": [row]}
    return orjson.dumps(document)


def legacy_answers(requests: list[bytes]) -> list[bytes]:
    return [
        orjson.dumps({"event": "subscribed", "channel": orjson.loads(frame)["channel"]})
        for frame in requests
    ]


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_v2_keeps_the_contract(numbers: Any) -> None:
    check_codec(
        Sample(
            make=partial(WeexLegacyCodec, numbers=numbers),
            streams=["depth.cmt_btcusdt.15", "trades.cmt_btcusdt", "ticker.cmt_btcusdt"],
            frames=[
                legacy_depth("SNAPSHOT", 1, 5),
                V2[3],
                legacy_depth("CHANGED", 5, 9),
                V2[0],
                legacy_depth("CHANGED", 9, 11),
            ],
            acks=legacy_answers,
            refuse=lambda requests: [
                orjson.dumps(orjson.loads(requests[0]) | {"event": "error", "msg": "no channel"})
            ],
            quiet=[
                b'{"event":"ping","time":"1693208170000"}',
                b'{"event":"unsubscribed","channel":"trades.cmt_btcusdt"}',
            ],
        )
    )


def test_v2_samples() -> None:
    codec = WeexLegacyCodec(numbers="decimal")
    codec.subscribe([Stream("depth.cmt_btcusdt.15", "depth", "BTC-USDT")])
    ticker, candle, snapshot, delta, one, order = received(
        codec, V2[0], V2[1], legacy_depth("SNAPSHOT", 1, 3644174246), *V2[2:5]
    )
    assert (ticker.symbol, ticker.last_price) == ("cmt_btcusdt", Decimal("102623.9"))
    assert ticker.open == Decimal("104679.5")
    assert ticker.price_change_percent == Decimal("-1.963700")
    assert (candle.interval, candle.open_time) == ("1m", 1_747_125_660_000)
    assert candle.close_time == 1_747_125_719_999
    assert snapshot.asks == [(Decimal("1.5"), Decimal(2))]
    assert (delta.symbol, delta.prev_sequence, delta.sequence) == (
        "BTC-USDT",
        3644174246,
        3644174270,
    )
    assert delta.asks == [(Decimal("103436.1"), Decimal("0.915")), (Decimal("103436.5"), 0)]
    assert (one.price, one.transact_time, one.aggressor_side) == (
        Decimal("103337.5"),
        1_747_131_727_502,
        "buy",
    )
    assert (order.symbol, order.side, order.event_time) == ("cmt_btcusdt", "BUY", 1747203188148)


def test_v2_pongs_repeat_the_time_of_the_ping() -> None:
    codec = WeexLegacyCodec()
    received(codec, b'{"event":"ping","time":"1693208170000"}')
    assert codec.take_output() == [b'{"event":"pong","time":"1693208170000"}']


# ---------------------------------------------------------------------------------------- pings


@pytest.mark.parametrize("key", ["event", "type"])
def test_both_pings_are_answered(key: str) -> None:
    codec = WeexCodec()
    received(codec, orjson.dumps({key: "ping", "time": "1776078750000"}))
    (pong,) = codec.take_output()
    assert orjson.loads(pong)["method"] == "PONG"
    # Its echo is the answer to no request.
    codec.subscribe(["BTCUSDT@trade"])
    received(codec, orjson.dumps({"result": True, "id": orjson.loads(pong)["id"]}))
    assert codec.subscriptions["BTCUSDT@trade"] is SubscriptionState.PENDING


# ---------------------------------------------------------------------------------------- depth


def book(**settings: Any) -> WeexCodec:
    codec = WeexCodec(**settings)
    codec.subscribe([Stream("BTCUSDT@depth200", "depth", "BTC-USDT")])
    return codec


def test_a_delta_begins_where_the_one_before_ended() -> None:
    codec = book()
    events = received(codec, depth(0, 100), depth(100, 105), depth(105, 110))
    assert [type(event) for event in events] == [
        structs.WeexSnapshot,
        structs.WeexDelta,
        structs.WeexDelta,
    ]
    assert (events[2].prev_sequence, events[2].first_sequence) == (105, 106)
    assert codec.take_directive() is None


@pytest.mark.parametrize("frame", [depth(106, 110), depth(101, 105), depth(90, 104)])
def test_any_other_beginning_is_a_break(frame: bytes) -> None:
    codec = book()
    events = received(codec, depth(0, 100), depth(100, 105), frame, depth(110, 120))
    assert isinstance(events[-1], Gap)
    assert (events[-1].symbol, events[-1].last_sequence) == ("BTC-USDT", 105)
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    # As the manager does it: the name alone must not cost the caller's name of the symbol.
    codec.unsubscribe([directive.stream])
    codec.subscribe([directive.stream])
    events = received(codec, depth(120, 121), depth(0, 130), depth(130, 131))
    assert [event.symbol for event in events] == ["BTC-USDT", "BTC-USDT"]
    assert [event.sequence for event in events] == [130, 131]
    assert codec.stats.gaps == 1


def test_what_comes_before_the_snapshot_is_left_out() -> None:
    codec = book()
    assert received(codec, depth(100, 105)) == []
    assert codec.stats.stale == 1


def test_both_depths_of_a_symbol_are_separate() -> None:
    codec = WeexCodec()
    codec.subscribe(["BTCUSDT@depth15", "BTCUSDT@depth200"])
    events = received(codec, depth(0, 100, 15), depth(0, 300), depth(100, 101, 15), depth(300, 301))
    assert [event.sequence for event in events] == [100, 300, 101, 301]


def test_breaks_without_end_are_a_matter_for_another_connection() -> None:
    codec = book()
    directives = []
    for number in range(1, 60):
        received(codec, depth(0, 1000 * number), depth(1000 * number + 5, 1000 * number + 6))
        directives.append(codec.take_directive())
    assert isinstance(directives[0], Resync)
    assert isinstance(directives[-1], Reconnect)


def test_an_instrument_that_is_not_traded() -> None:
    (snapshot,) = received(book(), depth(0, 0, b=[], a=[]))
    assert (snapshot.sequence, snapshot.bids, snapshot.asks) == (0, [], [])


# --------------------------------------------------------------------------------------- candles


def candle(start: int, close: str, moment: int, kind: str = "kline") -> dict[str, Any]:
    row = {"t": start, "T": start + 60_000, "s": "BTCUSDT", "i": "1m", "o": "1", "c": close}
    row |= {"h": "2", "l": "1", "v": "3", "n": 4, "q": "5", "V": "1", "Q": "2"}
    return {"e": kind, "E": moment, "s": "BTCUSDT", "p": "LAST_PRICE", "d": [row]}


def test_a_candle_is_closed_by_its_successor() -> None:
    codec = WeexCodec()
    codec.subscribe([Stream("BTCUSDT@kline_1m", "kline", "BTC-USDT")])
    frames = [candle(0, "1.1", 10), candle(0, "1.2", 20), candle(60_000, "1.3", 30)]
    events = received(codec, *map(orjson.dumps, frames))
    assert [(event.close, event.is_closed) for event in events] == [
        (1.1, False),
        (1.2, False),
        (1.2, True),
        (1.3, False),
    ]
    assert {event.symbol for event in events} == {"BTC-USDT"}
    identities = [codec.identify(b"", event) for event in events]
    numbers = [identity.sequence for identity in identities if identity is not None]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 4


def test_history_is_sorted_and_closed() -> None:
    codec = WeexCodec()
    first, second, third = (candle(start, "1", 10)["d"][0] for start in (0, 60_000, 120_000))
    frame = candle(0, "1", 10, "klineSnapshot") | {"d": [third, first, second]}
    events = received(codec, orjson.dumps(frame))
    assert [(event.open_time, event.is_closed) for event in events] == [
        (0, False),
        (0, True),
        (60_000, False),
        (60_000, True),
        (120_000, False),
    ]


def test_trades_from_before_the_subscription_say_so() -> None:
    codec = WeexCodec()
    frame = orjson.loads(V3[5]) | {"e": "tradeSnapshot"}
    events = received(codec, orjson.dumps(frame), V3[5])
    assert [event.is_history for event in events] == [True] * 3 + [False] * 3
    assert [event.transact_time for event in events[:3]] == sorted(
        event.transact_time for event in events[3:]
    )


# -------------------------------------------------------------------------------------- refusals


def test_a_refused_group_is_asked_in_halves_and_stops_before_the_sixth_refusal() -> None:
    codec = WeexCodec()
    names = [f"BAD{number}USDT@trade" for number in range(64)]
    requests = codec.subscribe(names)
    rejections = 0
    while requests:
        for frame in refusals(requests):
            rejections += 1
            received(codec, frame)
        requests = codec.take_output()
    assert rejections == 5
    assert set(codec.subscriptions.values()) == {SubscriptionState.REFUSED}
    assert {name for error in codec.take_errors() for name in error.streams} == set(names)


def test_one_bad_name_does_not_take_the_good_ones_with_it() -> None:
    codec = WeexCodec()
    names = ["BTCUSDT@trade", "NOPEUSDT@trade", "ETHUSDT@trade", "SOLUSDT@trade"]
    requests = codec.subscribe(names)
    while requests:
        for frame in requests:
            is_bad = "NOPEUSDT@trade" in orjson.loads(frame)["params"]
            received(codec, *(refusals if is_bad else answers)([frame]))
        requests = codec.take_output()
    refused = [n for n, state in codec.subscriptions.items() if state is SubscriptionState.REFUSED]
    assert refused == ["NOPEUSDT@trade"]
    (error,) = codec.take_errors()
    assert error.streams == ("NOPEUSDT@trade",)
    assert "cmt_nopeusdt" in error.reason


def test_what_was_refused_is_not_unsubscribed() -> None:
    codec = WeexCodec()
    for frame in refusals(codec.subscribe(["NOPEUSDT@trade"])):
        received(codec, frame)
    assert codec.unsubscribe(["NOPEUSDT@trade"]) == []
    assert codec.subscriptions == {}
    codec.subscribe(["BTCUSDT@trade"])
    assert len(codec.unsubscribe(["BTCUSDT@trade", "NOPEUSDT@trade"])) == 1


@pytest.mark.parametrize(
    "name",
    ["BTCUSDT@depth50", "BTCUSDT@bookTicker", "BTCUSDT@kline_3m", "BTCUSDT@nope", "trade", "@x"],
)
def test_names_that_the_venue_would_refuse_are_not_sent(name: str) -> None:
    with pytest.raises(ConfigurationError):
        WeexCodec().subscribe([name])


@given(st.binary(max_size=200))
def test_no_bytes_raise(frame: bytes) -> None:
    for codec in (WeexCodec(), WeexLegacyCodec()):
        received(codec, frame, b'{"e":"trade",' + frame, b'{"event":"payload",' + frame)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_no_values_raise(value: Any) -> None:
    for frame in V3 + V2:
        document = orjson.loads(frame)
        for key in document:
            damaged = msgspec.json.encode(document | {key: value})
            received(WeexCodec(), damaged)
            received(WeexLegacyCodec(), damaged)


# ----------------------------------------------------------------------------------------- venue


def venue(**settings: Any) -> Any:
    return open_venue("weex", VenueSettings(**settings))


def test_a_plan() -> None:
    wants = [
        Want(Channel.TRADES, "BTC-USDT"),
        Want(Channel.BOOKS, "btc/usdt"),
        Want(Channel.KLINES, "BTCUSDT", "1m"),
        Want(Channel.ORDERS),
        Want(Channel.FILLS),
    ]
    public, private = venue(credentials=KEYS).plan(wants)
    assert public.url == "wss://ws-contract.weex.com/v3/ws/public"
    assert [str(stream) for stream in public.streams] == [
        "BTCUSDT@trade",
        "BTCUSDT@depth200",
        "BTCUSDT@kline_1m",
    ]
    assert private.url == "wss://ws-contract.weex.com/v3/ws/private"
    assert private.is_private
    assert [str(stream) for stream in private.streams] == ["orders", "fill"]
    legacy = venue(options={"version": 2}, market="spot", url="ws://127.0.0.1:1/").plan(wants[:3])
    assert legacy[0].url == "ws://127.0.0.1:1/v2/ws/public"
    assert [str(stream) for stream in legacy[0].streams] == [
        "trades.BTCUSDT_SPBL",
        "depth.BTCUSDT_SPBL.200",
        "kline.LAST_PRICE.BTCUSDT_SPBL.MINUTE_1",
    ]


def test_what_a_market_offers() -> None:
    assert Channel.QUOTES in venue(market="spot").channels
    assert Channel.QUOTES not in venue().channels
    assert Channel.POSITIONS not in venue(market="spot").channels
    with pytest.raises(ConfigurationError, match="passphrase"):
        venue().plan([Want(Channel.ACCOUNT)])
    with pytest.raises(ConfigurationError, match="version"):
        venue(options={"version": 4})
    with pytest.raises(ConfigurationError, match="no option"):
        venue(options={"depth": 4})


def test_more_than_a_connection_carries_takes_two() -> None:
    plans = venue().plan([Want(Channel.TRADES, f"A{number}USDT") for number in range(150)])
    assert [len(plan.streams) for plan in plans] == [100, 50]


@pytest.mark.parametrize("text", ["btc-usdt", "BTC/USDT", "cmt_btcusdt", "BTCUSDT_SPBL"])
def test_symbols(text: str) -> None:
    assert venue_symbol(text) == "BTCUSDT"
    assert internal_symbol(text, "contract") == "cmt_btcusdt"
    assert internal_symbol(text, "spot") == "BTCUSDT_SPBL"


def test_levels() -> None:
    assert [check_level(level) for level in (1, 5, 15, 16, 200)] == [15, 15, 15, 200, 200]
    for level in (0, 201, -1):
        with pytest.raises(ConfigurationError):
            check_level(level)


def test_instruments() -> None:
    body = {"symbols": [{"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT"}]}
    (instrument,) = venue().parse_instruments(orjson.dumps(body))
    assert (instrument.symbol, instrument.kind) == ("BTC-USDT", "perpetual")
    request = venue(url="ws://127.0.0.1:1").instruments_request()
    assert request.url == "http://127.0.0.1:1/capi/v3/market/exchangeInfo"
