"""Bybit's protocol: the contract, numbers of books, merged tickers, answers, logins, plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tickwire.book import BookState
from tickwire.credentials import Credentials
from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges import Resync, SubscriptionState
from tickwire.exchanges.bybit import BybitCodec, BybitVenue
from tickwire.exchanges.bybit.books import new_book, parse_snapshot, snapshot_url
from tickwire.exchanges.bybit.requests import Requests
from tickwire.exchanges.bybit.signing import login_request, sign
from tickwire.exchanges.bybit.topics import Kind, as_stream, instrument_name, interval_of, kind_of
from tickwire.exchanges.bybit.venue import TOPIC_CHARACTERS
from tickwire.exchanges.venue import Channel, VenueSettings, Want
from tickwire.market import BookDelta, BookSnapshot, Gap
from tickwire.testing import Sample, check_codec

if TYPE_CHECKING:
    from tickwire.market import Event

KEYS = Credentials("key", "hush-hush")
BOOK = "orderbook.50.BTCUSDT"
TICKER = "tickers.BTCUSDT"
NOW = 1_700_000_000_000_000_000


def acknowledge(requests: list[bytes]) -> list[bytes]:
    answers = []
    for frame in requests:
        request = orjson.loads(frame)
        answer = {"success": True, "ret_msg": "", "conn_id": "ce", "op": request["op"]}
        if "req_id" in request:
            answer["req_id"] = request["req_id"]
        answers.append(orjson.dumps(answer))
    return answers


def refuse(requests: list[bytes]) -> list[bytes]:
    number = orjson.loads(requests[0])["req_id"]
    answer = {"success": False, "ret_msg": "Invalid topic", "conn_id": "c", "req_id": number}
    return [orjson.dumps(answer | {"op": "subscribe"})]


def book(kind: str, u: int, seq: int = 0, bids: list[list[str]] | None = None) -> bytes:
    data = {"s": "BTCUSDT", "b": bids or [], "a": [["11", "1"]], "u": u, "seq": seq or u}
    return orjson.dumps(
        {"topic": BOOK, "type": kind, "ts": 1687940967466, "data": data, "cts": 1687940967464}
    )


def trade(number: int) -> bytes:
    row = {"T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50"}
    row |= {"i": str(number), "BT": False, "seq": 178}
    message = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1672304486868}
    return orjson.dumps(message | {"data": [row]})


PONGS = [
    b'{"success":true,"ret_msg":"pong","conn_id":"0970e817-4e54","op":"ping"}',
    b'{"success":true,"ret_msg":"pong","conn_id":"0970e817-4e54","req_id":"","op":"ping"}',
    b'{"args":["1672916271846"],"op":"pong"}',
    b'{"req_id":"test","op":"pong","args":["1675418560633"],"conn_id":"cfcb4o"}',
    b'{"retCode":0,"retMsg":"OK","op":"pong","data":["1711002002529"],"connId":"cnt5"}',
]
FRAMES = [
    book("snapshot", 100),
    trade(1),
    book("delta", 101, bids=[["10", "1"]]),
    trade(2),
    book("delta", 102),
]
ORDER = {"symbol": "BTCUSDT", "orderId": "5cf9", "side": "Sell", "price": "", "orderStatus": "New"}
PRIVATE_FRAME = orjson.dumps(
    {"id": "59", "topic": "order", "creationTime": 1672364262474, "data": [ORDER]}
)


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("market", ["spot", "linear"])
def test_the_contract(market: str, numbers: Any) -> None:
    check_codec(
        Sample(
            make=lambda: BybitCodec(market, numbers=numbers),
            streams=["publicTrade.BTCUSDT", BOOK],
            frames=FRAMES,
            acks=acknowledge,
            quiet=PONGS,
        )
    )
    check_codec(
        Sample(
            make=lambda: BybitCodec(market, numbers=numbers),
            streams=["publicTrade.BTCUSDT"],
            frames=[trade(1), trade(2)],
            acks=acknowledge,
            refuse=refuse,
        )
    )


def test_the_contract_of_private_topics() -> None:
    check_codec(
        Sample(
            make=lambda: BybitCodec(credentials=KEYS, login=True),
            streams=["order"],
            frames=[PRIVATE_FRAME],
            acks=acknowledge,
            refuse=lambda requests: [b'{"success":false,"ret_msg":"bad sign","op":"auth"}'],
            quiet=PONGS,
        )
    )


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_contract_of_tickers(numbers: Any) -> None:
    check_codec(
        Sample(
            make=lambda: BybitCodec("linear", numbers=numbers),
            streams=[TICKER],
            frames=[
                ticker("snapshot", lastPrice="1", bid1Price="0.5", price24hPcnt="0.0196"),
                ticker("delta", lastPrice="2", price24hPcnt="0.02", ts=6),
            ],
            acks=acknowledge,
        )
    )


def run(codec: BybitCodec, *frames: bytes) -> list[Event]:
    events: list[Event] = []
    codec.receive_many(frames, NOW, events)
    return events


def test_a_hole_in_the_numbers() -> None:
    codec = BybitCodec("linear")
    codec.subscribe([BOOK])
    events = run(codec, book("snapshot", 10), book("delta", 11), book("delta", 13))
    assert [event.kind for event in events] == ["book_snapshot", "book_delta", "gap", "book_delta"]
    gap = events[2]
    assert isinstance(gap, Gap)
    assert (gap.last_sequence, gap.first_sequence, gap.stream) == (11, 13, BOOK)
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    assert directive.stream == BOOK
    run(codec, book("delta", 20))
    assert codec.take_directive() is None, "one request is enough"
    assert codec.stats.gaps == 2
    run(codec, book("snapshot", 30), book("delta", 32))
    assert isinstance(codec.take_directive(), Resync)


def test_the_check_can_be_switched_off() -> None:
    codec = BybitCodec("linear", check_sequence=False)
    events = run(codec, book("snapshot", 10), book("delta", 13))
    assert [event.kind for event in events] == ["book_snapshot", "book_delta"]
    assert codec.take_directive() is None
    frame = book("delta", 20)
    (event,) = run(codec, frame)
    identity, strict = codec.identify(frame, event), BybitCodec("linear").identify(frame, event)
    assert identity is not None
    assert strict is not None
    assert (identity.sequence, identity.first, strict.first) == (20, None, 20)


def test_a_restart_begins_the_book_anew() -> None:
    """The number 1 is a snapshot, whatever the type says."""
    codec = BybitCodec("linear")
    for kind in ("snapshot", "delta"):
        events = run(codec, book("snapshot", 10, 500), book(kind, 1, 3), book("delta", 2, 4))
        assert isinstance(events[1], BookSnapshot)
        assert isinstance(events[2], BookDelta)
    assert codec.stats.gaps == codec.stats.stale == 0


def test_an_old_message_is_left_out() -> None:
    codec = BybitCodec("linear")
    events = run(codec, book("snapshot", 10, 500), book("delta", 11, 499), book("delta", 11, 501))
    assert [event.kind for event in events] == ["book_snapshot", "book_delta"]
    assert (codec.stats.stale, codec.stats.gaps) == (1, 0)
    assert len(run(codec, book("delta", 11, 501))) == 1
    assert codec.stats.stale == 2, "a copy is stale"


def ticker(kind: str, ts: int = 5, **data: str) -> bytes:
    message = {"topic": TICKER, "type": kind, "ts": ts, "cs": 7}
    return orjson.dumps(message | {"data": {"symbol": "BTCUSDT"} | data})


def test_a_missing_key_means_unchanged() -> None:
    codec = BybitCodec("linear")
    codec.subscribe([TICKER])
    first: Any
    second: Any
    assert run(codec, ticker("delta", lastPrice="1")) == []
    frames = [
        ticker("snapshot", lastPrice="1", bid1Price="0.5", price24hPcnt="0.0196", fundingRate=""),
        ticker("delta", lastPrice="2", fundingRate="0.1"),
    ]
    first, second = run(codec, *frames)
    assert (first.last_price, first.bid_price, first.funding_rate) == (1, 0.5, None)
    assert (second.last_price, second.bid_price, second.funding_rate) == (2, 0.5, 0.1)
    assert second.price_change_percent == pytest.approx(1.96)
    assert first.last_price == 1, "an event is the consumer's"
    # A broken delta changes nothing.
    assert run(codec, ticker("delta", lastPrice="x")) == []
    third: Any = run(codec, ticker("delta", bid1Price="0.6"))[0]
    assert (third.last_price, third.bid_price) == (2, 0.6)
    codec.unsubscribe([TICKER])
    codec.subscribe([TICKER])
    assert run(codec, ticker("delta", lastPrice="9")) == []


def test_a_refusal_is_narrowed_down() -> None:
    codec = BybitCodec()
    topics = [f"tickers.{name}USDT" for name in ("A", "B", "BAD", "D", "E")]
    pending = codec.subscribe(topics)
    rounds = 0
    while pending:
        rounds += 1
        assert rounds < 10
        for request in pending:
            bad = "tickers.BADUSDT" in orjson.loads(request)["args"]
            for answer in (refuse if bad else acknowledge)([request]):
                codec.receive(answer, NOW, [])
        pending = codec.take_output()
    (error,) = codec.take_errors()
    assert error.streams == ("tickers.BADUSDT",)
    states = codec.subscriptions
    assert sum(state is SubscriptionState.ACCEPTED for state in states.values()) == 4


def test_what_flows_was_not_refused() -> None:
    codec = BybitCodec()
    requests = codec.subscribe(["publicTrade.BTCUSDT", "publicTrade.XUSDT"])
    run(codec, trade(1), *refuse(requests))
    assert codec.take_output() == []
    assert codec.take_errors()[0].streams == ("publicTrade.XUSDT",)


def test_an_answer_without_a_number_is_to_the_oldest_request() -> None:
    codec = BybitCodec()
    codec.subscribe(["tickers.A"])
    codec.subscribe(["tickers.B"])
    codec.receive(b'{"success":true,"ret_msg":"subscribe","op":"subscribe"}', NOW, [])
    codec.receive(b'{"success":false,"ret_msg":"args size >10","op":"subscribe"}', NOW, [])
    assert codec.subscriptions["tickers.A"] is SubscriptionState.ACCEPTED
    assert codec.subscriptions["tickers.B"] is SubscriptionState.REFUSED
    assert codec.take_errors()[0].reason == "args size >10"


def test_options_answer_by_topic() -> None:
    codec = BybitCodec("option")
    names = ("orderbook.100.BTC-6JAN23-18000-C", "orderbook.100.NONE")
    codec.subscribe(names)
    data = {"failTopics": [names[1]], "successTopics": [names[0]]}
    answer = {"success": True, "conn_id": "aa01", "data": data, "type": "COMMAND_RESP"}
    codec.receive(orjson.dumps(answer), NOW, [])
    assert list(codec.subscriptions.values()) == [
        SubscriptionState.ACCEPTED,
        SubscriptionState.REFUSED,
    ]


def test_requests_keep_to_the_venues_numbers() -> None:
    frames = [
        orjson.loads(frame) for frame in Requests().subscribe([f"tickers.A{n}" for n in range(25)])
    ]
    assert [len(frame["args"]) for frame in frames] == [10, 10, 5]
    assert len({frame["req_id"] for frame in frames}) == 3
    # `order` and `order.linear` may not stand in one request.
    private = Requests().subscribe(["order", "order.linear", "wallet"])
    assert [orjson.loads(frame)["args"] for frame in private] == [
        ["order"],
        ["order.linear"],
        ["wallet"],
    ]


@pytest.mark.parametrize(
    ("secret", "expires", "expected"),
    [
        (
            "test_secret",
            1700000000000,
            "bacffe7500499eb829bb58c45d36d1b3e5ac67c14eaeba91df5e99ccee013925",
        ),
        (
            "test-secret",
            1662350400000,
            "f072aab6fa18cd774da998325df6cfc87c3ccf10d5722e6b43b570c5feaf6172",
        ),
    ],
)
def test_the_signature(secret: str, expires: int, expected: str) -> None:
    assert sign(secret, expires) == expected
    request = orjson.loads(login_request(Credentials("key", secret), (expires - 10_000) * 10**6))
    assert request == {"op": "auth", "args": ["key", expires, expected]}


def test_what_needs_a_login_waits_for_it() -> None:
    codec = BybitCodec(credentials=KEYS, login=True)
    (login,) = codec.subscribe(["order", "wallet"], NOW)
    assert orjson.loads(login)["op"] == "auth"
    assert codec.take_output() == []
    codec.receive(b'{"success":true,"ret_msg":"","op":"auth","conn_id":"cejr"}', NOW, [])
    assert [orjson.loads(frame)["args"] for frame in codec.take_output()] == [["order"], ["wallet"]]
    codec.reset()
    codec.subscribe(["order"], NOW)
    codec.receive(b'{"success":false,"ret_msg":"params error","op":"auth"}', NOW, [])
    (error,) = codec.take_errors()
    assert error.streams == ("order",)
    assert "clock" in error.reason
    assert "hush" not in repr(codec.__dict__)


def test_names() -> None:
    names = {
        "btc-usdt": "BTCUSDT",
        "BTC/USDT": "BTCUSDT",
        "BTCUSDT": "BTCUSDT",
        "BTC-PERP": "BTCPERP",
        "BTCUSDT-21FEB25": "BTCUSDT-21FEB25",
        "BTC-USDT-21FEB25": "BTCUSDT-21FEB25",
        "BTC-24MAR23": "BTC-24MAR23",
        "BTC-13FEB25-89000-P-USDT": "BTC-13FEB25-89000-P-USDT",
        "1000PEPE-USDT": "1000PEPEUSDT",
    }
    assert {name: instrument_name(name) for name in names} == names
    assert [interval_of(x) for x in ("1m", "1h", "60", "D", "1M")] == ["1", "60", "60", "D", "M"]
    for wrong in ("", "BTC USDT", "BTC-", "a.b"):
        with pytest.raises(ConfigurationError):
            instrument_name(wrong)
    with pytest.raises(ConfigurationError, match="candles"):
        interval_of("7m")
    for topic in ("", "order book", "a..b", '"'):
        with pytest.raises(ConfigurationError):
            as_stream(topic)
    kinds = {
        "orderbook.1.BTCUSDT": Kind.QUOTE,
        "orderbook.200.BTCUSDT": Kind.BOOK,
        "orderbook.rpi.BTCUSDT": Kind.RPI_BOOK,
        "orderbook.full.BTCUSDT": Kind.FULL_BOOK,
        "execution.fast.linear": Kind.EXECUTION,
        "adlAlert.USDT": Kind.OTHER,
    }
    assert {topic: kind_of(topic) for topic in kinds} == kinds


def plan(wants: list[Want], **settings: Any) -> list[tuple[str, list[str], bool]]:
    found = BybitVenue(VenueSettings(**settings)).plan(wants)
    return [(p.url, [s.name for s in p.streams], p.is_private) for p in found]


def test_a_plan() -> None:
    wants = [
        Want(Channel.TRADES, "BTC-USDT"),
        Want(Channel.BOOKS, "BTC-USDT"),
        Want(Channel.BOOKS, "BTCUSDT"),
        Want(Channel.QUOTES, "BTC-USDT"),
        Want(Channel.KLINES, "BTC-USDT", "1h"),
        Want(Channel.TICKERS, "BTC-USDT"),
        Want(Channel.FILLS),
        Want(None, "system.status"),
    ]
    options = {"depth": 200, "max_active_time": "1m"}
    assert plan(wants, market="linear", credentials=KEYS, options=options, environment="demo") == [
        (
            "wss://stream.bybit.com/v5/public/linear",
            [
                "publicTrade.BTCUSDT",
                "orderbook.200.BTCUSDT",
                "orderbook.1.BTCUSDT",
                "kline.60.BTCUSDT",
                "tickers.BTCUSDT",
            ],
            False,
        ),
        ("wss://stream-demo.bybit.com/v5/private?max_active_time=1m", ["execution"], True),
        ("wss://stream.bybit.com/v5/public/misc/status", ["system.status"], False),
    ]
    option = [Want(Channel.TRADES, "BTC-6JAN23-18000-C"), Want(Channel.BOOKS, "BTC-6JAN23-18000-C")]
    assert plan(option, market="option", environment="testnet") == [
        (
            "wss://stream-testnet.bybit.com/v5/public/option",
            ["publicTrade.BTC", "orderbook.100.BTC-6JAN23-18000-C"],
            False,
        )
    ]


def test_a_connections_topics_keep_to_the_length() -> None:
    wants = [Want(Channel.BOOKS, f"BASE{number}USDT") for number in range(2_000)]
    plans = plan(wants)
    assert len(plans) == 3
    for _, names, _ in plans:
        assert len(orjson.dumps(names)) <= TOPIC_CHARACTERS
    assert sum(len(names) for _, names, _ in plans) == 2_000


def test_what_the_venue_does_not_have() -> None:
    wrongs: list[dict[str, Any]] = [
        {"market": "margin"},
        {"options": {"depth": 500}},
        {"market": "option", "options": {"depth": 50}},
        {"options": {"region": "us"}},
        {"options": {"deep": 1}},
        {"environment": "sandbox"},
    ]
    for wrong in wrongs:
        with pytest.raises(ConfigurationError):
            BybitVenue(VenueSettings(**wrong))
    with pytest.raises(ConfigurationError, match="credentials"):
        plan([Want(Channel.ORDERS)])
    assert Channel.QUOTES not in BybitVenue(VenueSettings(market="option")).channels


def test_instruments() -> None:
    venue = BybitVenue(VenueSettings(market="linear", url="ws://127.0.0.1:1"))
    assert venue.instruments_request().url == (
        "http://127.0.0.1:1/v5/market/instruments-info?category=linear&limit=1000"
    )
    row = {"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading"}
    row |= {"contractType": "LinearPerpetual"}
    more = {"priceFilter": {"tickSize": "0.1"}, "lotSizeFilter": {"qtyStep": "0.001"}}
    answer = orjson.dumps({"retCode": 0, "result": {"list": [row | more]}})
    (found,) = venue.parse_instruments(answer)
    assert (found.symbol, found.venue_symbol, found.kind) == ("BTC-USDT", "BTCUSDT", "perpetual")
    assert (found.price_tick, found.size_step, found.is_trading) == ("0.1", "0.001", True)
    with pytest.raises(CodecError):
        venue.parse_instruments(b"{}")


def test_a_local_book() -> None:
    codec = BybitCodec("linear")
    kept = new_book("BTCUSDT")
    frames = [book("snapshot", 10), book("delta", 11, bids=[["10", "1"]]), book("delta", 13)]
    snapshot, delta, _, late = run(codec, *frames)
    assert isinstance(snapshot, BookSnapshot)
    assert kept.begin(snapshot) is BookState.LIVE
    assert isinstance(delta, BookDelta)
    kept.receive(delta)
    assert (kept.bids(), kept.asks(), kept.sequence) == ([(10.0, 1.0)], [(11.0, 1.0)], 11)
    assert isinstance(late, BookDelta)
    assert kept.receive(late) is BookState.LOST


def test_a_full_book_begins_over_rest() -> None:
    topic = "orderbook.full.BTCUSDT"
    codec, kept = BybitCodec(), new_book("BTCUSDT")

    def full(u: int) -> BookDelta:
        events = run(codec, book("delta", u).replace(BOOK.encode(), topic.encode()))
        assert isinstance(events[-1], BookDelta)
        return events[-1]

    kept.receive(full(20))
    request = kept.take_request()
    assert request is not None
    assert snapshot_url(request).endswith("/v5/market/full_orderbook?category=spot&symbol=BTCUSDT")
    result = {"s": "BTCUSDT", "b": [["9", "1"]], "a": [["12", "1"]], "u": 20, "seq": 20}
    assert kept.receive_snapshot(parse_snapshot(orjson.dumps({"result": result})))
    assert kept.receive(full(21)) is BookState.LIVE
    # A reset by the venue.
    frame = book("delta", 1, 90).replace(BOOK.encode(), topic.encode())
    assert [event.kind for event in run(codec, frame)] == ["gap", "book_delta"]
    assert codec.take_directive() is None, "there is no snapshot to subscribe to"
    with pytest.raises(CodecError):
        parse_snapshot(b'{"retCode":10001}')
