"""OKX's protocol: the contract, links of updates, checksums, refusals, logins, notices."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tickwire.credentials import Credentials
from tickwire.exchanges import Reconnect, Resync, RotateBy, SubscriptionState
from tickwire.exchanges.checksums import OKX, checksum
from tickwire.exchanges.okx import OkxCodec
from tickwire.market import BookDelta, BookSnapshot, Gap, GapCause, OrderUpdate
from tickwire.testing import Sample, check_codec

if TYPE_CHECKING:
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event

KEYS = Credentials("key", "hush-hush", passphrase="phrase")
BOOKS = "books:BTC-USDT"
NOW = 1_700_000_000_000_000_000


def args_of(frame: bytes) -> list[dict[str, str]]:
    found: list[dict[str, str]] = orjson.loads(frame)["args"]
    return found


def acknowledge(requests: list[bytes]) -> list[bytes]:
    answers = []
    for frame in requests:
        request = orjson.loads(frame)
        if request["op"] == "login":
            answers.append(b'{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}')
            continue
        for arg in request["args"]:
            answer = {"id": request["id"], "event": request["op"], "arg": arg, "connId": "a4"}
            answers.append(orjson.dumps(answer))
    return answers


def refuse_last(requests: list[bytes]) -> list[bytes]:
    """All items but the last are acknowledged."""
    *accepted, _ = acknowledge(requests)
    number = orjson.loads(requests[-1])["id"]
    error = {"id": number, "event": "error", "code": "60018", "msg": "doesn't exist", "connId": "a"}
    return [*accepted, orjson.dumps(error)]


def book(
    action: str,
    prev: int,
    seq: int,
    *,
    bids: list[list[str]] | None = None,
    asks: list[list[str]] | None = None,
    **more: Any,
) -> bytes:
    item = {"asks": asks or [], "bids": bids or [], "ts": "1597026383085", "checksum": 0}
    item |= {"prevSeqId": prev, "seqId": seq} | more
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return orjson.dumps({"arg": arg, "action": action, "data": [item]})


def trade(number: int) -> bytes:
    item: dict[str, Any] = {
        "instId": "BTC-USDT",
        "tradeId": str(number),
        "px": "42219.9",
        "sz": "0.12",
        "side": "buy",
    }
    item |= {"ts": "1630048897897", "count": "3", "source": "0", "seqId": 1234}
    return orjson.dumps({"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [item]})


LEVEL = [["8476.97", "256", "0", "12"]]
FRAMES = [
    book("snapshot", -1, 10, bids=LEVEL, asks=[["8476.98", "415", "0", "13"]]),
    trade(1),
    book("update", 10, 15, bids=LEVEL),
    trade(2),
    book("update", 15, 18, asks=[["8477", "0", "0", "0"]]),
]
ORDER: dict[str, Any] = {"instType": "SPOT", "instId": "BTC-USDT", "ordId": "452", "side": "sell"}
ORDER |= {"clOrdId": "", "ordType": "limit", "px": "31527.1", "sz": "0.001", "state": "filled"}
ORDER |= {"accFillSz": "0.001", "avgPx": "", "fillPx": "31527.1", "fillSz": "0.001", "fillPnl": ""}
ORDER |= {"tradeId": "242589207", "execType": "M", "uTime": "1654084353264", "fillFee": "-0.02"}


def order(**changes: str) -> bytes:
    arg = {"channel": "orders", "instType": "ANY", "uid": "614488474791936"}
    return orjson.dumps({"arg": arg, "data": [ORDER | changes]})


PUBLIC = Sample(
    make=OkxCodec,
    streams=["trades:BTC-USDT", BOOKS],
    frames=FRAMES,
    acks=acknowledge,
    refuse=refuse_last,
    quiet=[
        b"pong",
        b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}',
    ],
)
PRIVATE = Sample(
    make=lambda: OkxCodec(credentials=KEYS, login=True),
    streams=["orders:instType=ANY"],
    frames=[order(), order(tradeId="242589208")],
    acks=acknowledge,
    refuse=lambda requests: [b'{"event":"error","code":"60009","msg":"Login failed."}'],
    quiet=[b"pong"],
)


@pytest.mark.parametrize("sample", [PUBLIC, PRIVATE], ids=["public", "private"])
def test_the_contract(sample: Sample) -> None:
    check_codec(sample)


def test_the_contract_in_decimals() -> None:
    check_codec(replace(PUBLIC, make=partial(OkxCodec, numbers="decimal")))
    private = partial(OkxCodec, numbers="decimal", credentials=KEYS, login=True)
    check_codec(replace(PRIVATE, make=private))


def run(codec: OkxCodec, *frames: bytes) -> list[Event]:
    events: list[Event] = []
    codec.receive_many(frames, NOW, events)
    return events


def test_the_table_of_links() -> None:
    """Snapshot, update, keep-alive, reset, update, hole; then nothing until the next snapshot."""
    codec = OkxCodec()
    codec.subscribe([BOOKS])
    steps = [(10, 15), (15, 15), (15, 3), (3, 5)]
    events = run(codec, book("snapshot", -1, 10), *(book("update", *step) for step in steps))
    assert [type(event).__mro__[1] for event in events] == [BookSnapshot, *[BookDelta] * 4]
    assert codec.stats.gaps == codec.stats.stale == 0
    assert codec.take_directive() is None
    gap, delta = run(codec, book("update", 7, 9))
    assert isinstance(gap, Gap)
    assert (gap.cause, gap.stream) == (GapCause.SEQUENCE, BOOKS)
    assert (gap.last_sequence, gap.first_sequence) == (5, 8)
    assert isinstance(delta, BookDelta)
    assert (delta.first_sequence, delta.sequence, delta.prev_sequence) == (8, 9, 7)
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    assert directive.stream == BOOKS
    # A second hole asks no second time.
    assert isinstance(run(codec, book("update", 20, 21))[0], Gap)
    assert codec.take_directive() is None
    # What a manager does then.
    codec.unsubscribe([BOOKS])
    codec.subscribe([BOOKS])
    assert [
        event.kind for event in run(codec, book("snapshot", -1, 30), book("update", 30, 31))
    ] == [
        "book_snapshot",
        "book_delta",
    ]
    run(codec, book("update", 40, 41))
    assert isinstance(codec.take_directive(), Resync)


def test_a_copy_of_the_last_update_is_stale() -> None:
    codec = OkxCodec()
    codec.subscribe([BOOKS])
    events = run(codec, book("snapshot", -1, 10), *[book("update", 10, 15)] * 2)
    assert len(events) == 3
    assert (codec.stats.stale, codec.stats.gaps) == (1, 0)


def test_two_books_that_break_at_once_are_both_asked_for() -> None:
    codec = OkxCodec()
    other = BOOKS.replace("BTC", "ETH")
    codec.subscribe([BOOKS, other])
    frames = [book("snapshot", -1, 10), book("update", 11, 12)]
    run(codec, *frames, *(frame.replace(b"BTC-USDT", b"ETH-USDT") for frame in frames))
    directives = [codec.take_directive(), codec.take_directive()]
    assert {getattr(directive, "stream", None) for directive in directives} == {BOOKS, other}
    assert codec.take_directive() is None


def test_rows_of_any_length_and_both_kinds_of_numbers() -> None:
    rows: list[Any] = [["1.10", "2"], ["1.20", "3", "0", "4", "5", {"new": 1}]]
    kinds: tuple[Numbers, ...] = ("float", "decimal")
    for numbers in kinds:
        codec = OkxCodec(numbers=numbers)
        codec.subscribe([BOOKS])
        event: Any = run(codec, book("snapshot", -1, 10, bids=rows))[0]
        assert [(str(price), str(size)) for price, size in event.bids] == (
            [("1.1", "2.0"), ("1.2", "3.0")]
            if numbers == "float"
            else [("1.10", "2"), ("1.20", "3")]
        )


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_what_is_no_number_is_no_level(numbers: Any) -> None:
    codec = OkxCodec(numbers=numbers)
    codec.subscribe([BOOKS])
    for text in ("NaN", "Infinity", "x"):
        assert run(codec, book("snapshot", -1, 10, bids=[[text, "1", "0", "1"]])) == []
    assert codec.stats.undecodable == 3


def legacy(action: str, bids: list[list[str]], asks: list[list[str]], number: int) -> bytes:
    item = {"asks": asks, "bids": bids, "ts": "1597026383085", "checksum": number}
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return orjson.dumps({"arg": arg, "action": action, "data": [item]})


def test_a_checksum_that_is_sent_is_checked() -> None:
    codec = OkxCodec()
    codec.subscribe([BOOKS])
    bids, asks = [["1.10", "2", "0", "1"]], [["1.20", "3", "0", "1"]]
    right = checksum(OKX, [("1.10", "2")], [("1.20", "3")])
    after = checksum(OKX, [("1.10", "20")], [("1.20", "3")])
    change = [["1.10", "20", "0", "1"]]
    events = run(codec, legacy("snapshot", bids, asks, right), legacy("update", change, [], after))
    assert [event.kind for event in events] == ["book_snapshot", "book_delta"]
    gap, _ = run(codec, legacy("update", [["1.1", "20", "0", "1"]], [], after))
    assert isinstance(gap, Gap)
    assert gap.cause is GapCause.CHECKSUM
    assert isinstance(codec.take_directive(), Resync)
    # Nothing more is checked, or asked for, until the next snapshot.
    assert len(run(codec, legacy("update", change, [], 1))) == 1
    assert run(codec, legacy("snapshot", bids, asks, 1))[0].kind == "gap"


def test_a_refusal_is_narrowed_down() -> None:
    """An error names its request only: of several streams, each half is asked for again."""
    codec = OkxCodec()
    streams = [f"tickers:{name}-USDT" for name in ("A", "B", "BAD", "D", "E")]
    pending = codec.subscribe(streams)
    rounds = 0
    while pending:
        rounds += 1
        assert rounds < 10
        for request in pending:
            if any(arg["instId"] == "BAD-USDT" for arg in args_of(request)):
                number = orjson.loads(request)["id"]
                error = {"id": number, "event": "error", "code": "60018", "msg": "Wrong URL"}
                codec.receive(orjson.dumps(error), NOW, [])
            else:
                for answer in acknowledge([request]):
                    codec.receive(answer, NOW, [])
        pending = codec.take_output()
    (error_found,) = codec.take_errors()
    assert (error_found.streams, error_found.code) == (("tickers:BAD-USDT",), 60018)
    assert "no such instrument" in error_found.reason
    states = codec.subscriptions
    assert states["tickers:BAD-USDT"] is SubscriptionState.REFUSED
    assert sum(state is SubscriptionState.ACCEPTED for state in states.values()) == 4


@pytest.mark.parametrize("code", ["60014", "60023", "63999", "64007"])
@pytest.mark.parametrize("login", [False, True])
def test_what_is_no_streams_fault_is_asked_for_again_later(code: str, *, login: bool) -> None:
    codec = OkxCodec(credentials=KEYS, login=login)
    names = [f"trades:A{n}-USDT" for n in range(9)]
    [request] = codec.subscribe(names, NOW)
    error = {"event": "error", "code": code, "msg": "no", "id": orjson.loads(request).get("id", "")}
    codec.receive(orjson.dumps(error), NOW, [])
    assert codec.take_output() == []
    assert isinstance(codec.take_directive(), Reconnect)
    assert codec.take_errors() == []
    assert set(codec.subscriptions.values()) == {SubscriptionState.PENDING}


def test_any_error_ends_a_login_that_nothing_else_was_asked_with() -> None:
    codec = OkxCodec(credentials=KEYS, login=True)
    codec.subscribe(["account"], NOW)
    codec.receive(b'{"event":"error","code":"60035","msg":"new"}', NOW, [])
    [error] = codec.take_errors()
    assert (error.code, error.streams) == (60035, ("account",))
    [login] = codec.subscribe(["positions:instType=ANY"], NOW)
    assert orjson.loads(login)["op"] == "login"


def test_an_error_without_a_number_is_the_oldest_requests() -> None:
    codec = OkxCodec()
    codec.subscribe(["tickers:A-USDT"])
    codec.subscribe(["tickers:B-USDT"])
    codec.receive(b'{"event":"error","msg":"Wrong URL","code":"60018","connId":"94"}', NOW, [])
    assert codec.take_errors()[0].streams == ("tickers:A-USDT",)
    codec.receive(b'{"event":"subscribe","arg":{"channel":"tickers","instId":"B-USDT"}}', NOW, [])
    codec.receive(b'{"event":"error","code":"60012","msg":"Invalid request"}', NOW, [])
    assert codec.take_errors()[0].streams == ()


def test_what_needs_a_login_waits_for_it() -> None:
    codec = OkxCodec(credentials=KEYS, login=True)
    (login,) = codec.subscribe(["orders:instType=ANY"], NOW)
    assert orjson.loads(login)["args"][0]["timestamp"] == str(NOW // 10**9)
    assert codec.subscribe(["account"], NOW) == []
    assert codec.take_output() == []
    codec.receive(b'{"event":"login","code":"0","msg":""}', NOW, [])
    (request,) = codec.take_output()
    assert [arg["channel"] for arg in args_of(request)] == ["orders", "account"]
    assert args_of(codec.subscribe(["positions:instType=ANY"], NOW)[0])[0]["channel"] == "positions"
    codec.reset()
    assert orjson.loads(codec.subscribe(["account"], NOW)[0])["op"] == "login"


def test_a_refused_login_refuses_what_waited() -> None:
    codec = OkxCodec(credentials=KEYS, login=True)
    codec.subscribe(["account"], NOW)
    codec.receive(b'{"event":"error","code":"60006","msg":"Timestamp request expired"}', NOW, [])
    (error,) = codec.take_errors()
    assert (error.code, error.streams) == (60006, ("account",))
    assert "clock" in error.reason
    assert "hush" not in repr(codec.__dict__)


def test_notices() -> None:
    codec = OkxCodec(credentials=KEYS, login=True)
    codec.subscribe(["orders:instType=ANY", "account"], NOW)
    codec.receive(
        b'{"event":"notice","code":"64008","msg":"The connection will soon be closed"}', NOW, []
    )
    directive = codec.take_directive()
    assert isinstance(directive, RotateBy)
    assert directive.deadline_ns == NOW + 30 * 10**9
    codec.receive(
        b'{"event":"channel-conn-count-error","channel":"orders","connCount":"30"}', NOW, []
    )
    assert codec.take_errors()[0].streams == ("orders:instType=ANY",)
    codec.receive(b'{"event":"something-new"}', NOW, [])
    codec.receive(b'{"id":"1","op":"order","code":"0","data":[]}', NOW, [])
    assert codec.stats.unknown == {"event something-new": 1, "op order": 1}


def test_symbols_are_those_that_were_asked_for() -> None:
    from tickwire.exchanges.okx.channels import stream_of

    codec = OkxCodec()
    codec.subscribe([stream_of("trades", "btc/usdt")])
    assert run(codec, trade(1))[0].symbol == "btc/usdt"
    codec.unsubscribe(["trades:BTC-USDT"])
    codec.subscribe(["trades:BTC-USDT"])
    assert run(codec, trade(2))[0].symbol == "btc/usdt", "as when a manager asks again by name"
    codec.unsubscribe(["trades:BTC-USDT"])
    codec.subscribe([stream_of("trades", "BTC-USDT")])
    assert run(codec, trade(3))[0].symbol == "BTC-USDT"


def test_a_private_push_that_says_more_than_was_asked() -> None:
    codec = OkxCodec(credentials=KEYS, login=True)
    codec.subscribe(["orders:instType=ANY"], NOW)
    (event,) = run(codec, order())
    assert isinstance(event, OrderUpdate)
    assert (event.order_id, event.is_maker, event.status) == ("452", True, "filled")
    assert (event.commission, event.trade_id) == (-0.02, "242589207")
    assert event.to_dict()["average_price"] is None


def test_what_the_venue_repeats_about_an_order_is_told_once() -> None:
    codec = OkxCodec(credentials=KEYS, login=True)
    codec.subscribe(["orders:instType=ANY"], NOW)
    updates = [
        order(),
        order(fillSz="9"),
        order(ordId="453"),  # the other side of a trade with oneself
        order(tradeId="", state="canceled"),
        order(tradeId="", state="canceled"),
        order(tradeId="", state="live", reqId="a"),
        order(tradeId="", state="live", reqId="a"),
        order(tradeId="", state="live", reqId="b"),
        order(tradeId="", state="live"),
        order(tradeId="", state="live"),
    ]
    assert [len(run(codec, frame)) for frame in updates] == [1, 0, 1, 1, 0, 1, 0, 1, 1, 1]
    assert codec.stats.stale == 3
    for number in range(5_000):
        run(codec, order(tradeId=str(number)))
    assert len(run(codec, order(tradeId="4999"))) == 0
    assert len(run(codec, order(tradeId="1"))) == 1, "what is remembered has bounds"


def test_an_empty_text_is_no_number() -> None:
    codec = OkxCodec()
    frame = (
        b'{"arg":{"channel":"tickers","instId":"X-USDT"},"data":[{"instType":"OPTION","instId":'
        b'"X-USDT","last":"","askPx":"","bidPx":"1.5","ts":"1597026383085"}]}'
    )
    for _ in range(2):
        (event,) = run(codec, frame)
        assert event.last_price == 0  # type: ignore[attr-defined]
        assert event.ask_price is None  # type: ignore[attr-defined]
        assert event.bid_price == 1.5  # type: ignore[attr-defined]
    assert codec.stats.undecodable == 0


def test_new_fields_are_noticed_and_nothing_else() -> None:
    codec = OkxCodec()
    run(codec, trade(1).replace(b'"count"', b'"novel":"x","count"'))
    assert codec.stats.new_fields == {"trade": {"novel": 1}}
    assert codec.stats.events == {"trade": 1}
