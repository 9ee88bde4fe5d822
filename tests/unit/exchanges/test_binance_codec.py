"""The Binance codec at its edges: odd frames, gaps, notices, raw ambiguity, bounds."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest

from tickwire.errors import ConfigurationError
from tickwire.exchanges import Codec, RotateBy, Stream
from tickwire.exchanges.binance import BinanceCodec, StreamKind, streams
from tickwire.exchanges.binance.routes import LOOK_EVERY, Numbers
from tickwire.exchanges.oddities import FRAMES_KEPT
from tickwire.market import (
    BookDelta,
    BookSnapshot,
    Event,
    Gap,
    GapCause,
    Kline,
    MiniTicker,
    Quote,
    Trade,
)

TRADE = (
    '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
    '"T":1672515782136,"m":true,"M":true}'
)
MINI = (
    '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010",'
    '"h":"0.0026","l":"0.0009","v":"10000","q":"18"}'
)
KLINE = (
    '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,'
    '"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025",'
    '"l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500",'
    '"B":"123456"}}'
)
QUOTE = '{"u":400900217,"s":"BNBBTC","b":"25.3","B":"31.2","a":"25.4","A":"40.6"}'


def combined(stream: str, payload: str) -> bytes:
    return f'{{"stream":"{stream}","data":{payload}}}'.encode()


def spot_delta(first: int, final: int, symbol: str = "BNBBTC") -> str:
    return (
        f'{{"e":"depthUpdate","E":1672515782136,"s":"{symbol}","U":{first},"u":{final},'
        '"b":[["0.0024","10"]],"a":[]}'
    )


def usdm_depth(first: int, final: int, prev: int, symbol: str = "BNBUSDT") -> str:
    return (
        f'{{"e":"depthUpdate","E":123456789,"T":123456788,"s":"{symbol}","U":{first},'
        f'"u":{final},"pu":{prev},"b":[["0.0024","10"]],"a":[["0.0026","100"]]}}'
    )


def feed(codec: BinanceCodec, *frames: bytes | str) -> list[Event]:
    events: list[Event] = []
    for number, frame in enumerate(frames):
        codec.receive(frame.encode() if isinstance(frame, str) else frame, number, events)
    return events


def test_it_is_a_codec() -> None:
    codec: Codec = BinanceCodec("spot")
    assert codec.take_output() == []
    assert codec.take_directive() is None


@pytest.mark.parametrize(("market", "numbers"), [("margin", "float"), ("spot", "text")])
def test_an_option_that_does_not_exist(market: str, numbers: Numbers) -> None:
    with pytest.raises(ConfigurationError, match=f"{market}|{numbers}"):
        BinanceCodec(market, numbers=numbers)


# Data and its symbol


def test_data_may_come_before_the_acknowledgement() -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([streams.trade("BNB-BTC")])
    [event] = feed(codec, combined("bnbbtc@trade", TRADE))
    assert event.symbol == "BNB-BTC"
    assert isinstance(event, Trade)


def test_of_two_names_for_one_stream_the_later_one_counts() -> None:
    codec = BinanceCodec("spot")
    frame = combined("bnbbtc@trade", TRADE)
    names = []
    for wanted in ("bnbbtc@trade", streams.trade("BNB/BTC"), streams.trade("BNB-BTC")):
        codec.subscribe([wanted])
        names += [event.symbol for event in feed(codec, frame, frame)]
    assert names == ["BNBBTC", "BNBBTC", "BNB/BTC", "BNB/BTC", "BNB-BTC", "BNB-BTC"]
    assert codec.stats.events == {"trade": 6}


def test_events_after_unsubscribing_are_events() -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([streams.trade("BNB-BTC")])
    codec.unsubscribe(["bnbbtc@trade"])
    [event] = feed(codec, b'{"result":null,"id":2}', combined("bnbbtc@trade", TRADE))
    assert event.symbol == "BNB-BTC"


@pytest.mark.parametrize("name", ["BNBBTC@trade", "BnbBtc@trade"])
def test_a_server_that_writes_the_name_otherwise(name: str) -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([streams.trade("BNB-BTC")])
    events = feed(codec, *[combined(name, TRADE)] * 3)
    assert [event.symbol for event in events] == ["BNB-BTC"] * 3
    assert codec.stats.events == {"trade": 3}


def test_a_name_in_escapes_is_the_same_stream() -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([streams.trade("这-BTC")])
    events = feed(codec, combined("\\u8fd9btc@trade", TRADE), combined("这btc@trade", TRADE))
    assert [event.symbol for event in events] == ["这-BTC"] * 2


def test_each_event_is_its_own() -> None:
    codec = BinanceCodec("spot")
    first, second = feed(codec, *[combined("bnbbtc@trade", TRADE)] * 2)
    assert first is not second
    assert (first.ts_recv_ns, second.ts_recv_ns) == (0, 1)


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_an_event_goes_to_another_process(numbers: Numbers) -> None:
    codec = BinanceCodec("spot", numbers=numbers)
    events = feed(
        codec,
        combined("x@trade", TRADE),
        combined("x@kline_1m", KLINE),
        combined("x@depth", spot_delta(1, 1)),
    )
    assert pickle.loads(pickle.dumps(events)) == events


def test_decimals_are_the_same_types_too() -> None:
    float_event, decimal_event = (
        feed(BinanceCodec("spot", numbers=numbers), combined("bnbbtc@kline_1m", KLINE))[0]
        for numbers in ("float", "decimal")
    )
    assert isinstance(decimal_event, type(float_event))
    assert isinstance(decimal_event, Kline)
    assert decimal_event.open == Decimal("0.0010")


# Envelopes


@pytest.mark.parametrize(
    "frame",
    [
        '{{"stream":"bnbbtc@trade","data":{payload}}}',
        ' {{"stream":"bnbbtc@trade","data":{payload}}}',
        '{{"stream":"bnbbtc@trade","data":{payload}}}\n',
        '{{"stream":"bnbbtc@trade","data":{payload} }}',
        '{{"stream" : "bnbbtc@trade" , "data" : {payload} }}',
        '{{"data":{payload},"stream":"bnbbtc@trade"}}',
        '{{"stream":"bnbbtc@trade","data":{payload},"ts":5}}',
        '{{"ts":5,"stream":"bnbbtc@trade","data":{payload}}}',
        '{{"stream":"bnbbtc@trade","ts":{{"data":5}},"data":{payload}}}',
    ],
)
def test_the_envelope_in_any_form(frame: str) -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([streams.trade("BNB-BTC")])
    direct = combined("bnbbtc@trade", TRADE)
    first, second, third = feed(codec, direct, frame.format(payload=TRADE), direct)
    second.ts_recv_ns = third.ts_recv_ns = 0
    assert first == second == third


@pytest.mark.parametrize(
    "frame",
    [
        combined("bnbbtc@trade", TRADE)[:-1],
        combined("bnbbtc@trade", TRADE)[:-2],
        combined("bnbbtc@trade", TRADE)[:-1] + b"]",
        combined("bnbbtc@trade", TRADE) + b"}",
        combined("bnbbtc@trade", ""),
        combined("bnbbtc@trade", "null"),
        combined("bnbbtc@trade", "[]"),
        b'{"stream":"bnbbtc@trade","data":',
        b'{"stream":5,"data":{}}',
        b'{"stream":"bnbbtc@trade","data":"x"}',
        b"",
        b"pong",
        b"{",
        b"5",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"e":"tra\xffde"}',
        b"[" * 100_000,
        b'{"x":' * 100_000,
        b'{"stream":"bnbbtc@trade","data":' + b'{"e":' * 100_000,
        b'{"stream":"\\ud800@trade","data":{}}',
    ],
    ids=lambda frame: frame[:60],
)
@pytest.mark.parametrize("is_combined", [True, False])
def test_a_broken_frame_is_counted_and_kept(frame: bytes, is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    codec.subscribe(["bnbbtc@trade"])
    good = combined("bnbbtc@trade", TRADE)
    assert len(feed(codec, good, frame, good)) == 2
    assert codec.stats.undecodable == 1
    assert codec.stats.events == {"trade": 2}
    [odd] = codec.stats.odd_frames
    assert odd.frame == frame[: len(odd.frame)]
    assert odd.ts_recv_ns == 1


@pytest.mark.parametrize(
    "payload",
    [
        TRADE.replace('"p":"0.001",', ""),
        TRADE.replace('"0.001"', '"abc"'),
        TRADE.replace('"0.001"', '""'),
        TRADE.replace('"0.001"', "null"),
        TRADE.replace('"0.001"', "{}"),
        TRADE.replace('"0.001"', '"1e9999"'),
        TRADE.replace('"m":true', '"m":"maybe"'),
        TRADE.replace("12345", '"x"'),
        TRADE.replace("12345", "1.5"),
        TRADE.replace('"BNBBTC"', "5"),
        TRADE.replace("1672515782136", "9" * 5000),
    ],
)
@pytest.mark.parametrize("is_combined", [True, False])
def test_a_field_missing_or_of_another_type(payload: str, is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    codec.subscribe(["bnbbtc@trade"])
    frame = combined("bnbbtc@trade", payload) if is_combined else payload
    good = combined("bnbbtc@trade", TRADE)
    assert len(feed(codec, frame, good)) == 1
    assert codec.stats.undecodable == 1


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize(
    "text", ["NaN", "nan", "-nan", "sNaN", "nAn7", "inf", "-Infinity", "INF", "\\u006ean"]
)
def test_no_number_that_is_none(text: str, numbers: Numbers) -> None:
    codec = BinanceCodec("spot", numbers=numbers)
    for stream, payload in (
        ("bnbbtc@trade", TRADE.replace("0.001", text)),
        ("bnbbtc@kline_1m", KLINE.replace("0.0025", text)),
        ("bnbbtc@depth", spot_delta(1, 1).replace("0.0024", text)),
        ("bnbbtc@depth", spot_delta(1, 1).replace('"10"', f'"{text}"')),
    ):
        assert feed(codec, combined(stream, payload)) == []
    assert codec.stats.undecodable == 4


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_numbers_may_come_as_numbers(numbers: Numbers) -> None:
    codec = BinanceCodec("spot", numbers=numbers)
    payload = TRADE.replace('"0.001"', "0.001").replace('"100"', "100").replace("12345", '"12345"')
    [event] = feed(codec, combined("bnbbtc@trade", payload))
    assert isinstance(event, Trade)
    number = float if numbers == "float" else Decimal
    assert (event.price, event.size, event.trade_id) == (number("0.001"), number(100), 12345)


@pytest.mark.parametrize("is_combined", [True, False])
def test_an_event_with_the_keys_of_an_answer_is_an_event(is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    [event] = feed(codec, f' {TRADE[:-1]},"result":null,"id":1}}')
    assert event.kind == "trade"
    assert codec.stats.acks == 0


# What is new


@pytest.mark.parametrize("is_combined", [True, False])
def test_an_unknown_event_is_counted_and_kept(is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    codec.subscribe(["bnbbtc@newPrice"])
    payload = '{"e":"newPrice","E":1693907033000,"s":"BNBBTC","i":"5m","w":"2.0","T":1}'
    frame = combined("bnbbtc@newPrice", payload) if is_combined else payload.encode()
    assert feed(codec, frame, frame) == []
    assert codec.stats.unknown == {"newPrice": 2}
    assert codec.stats.undecodable == 0
    assert len(codec.stats.odd_frames) == 2
    assert payload.encode() in codec.stats.odd_frames[0].frame


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (combined("bnbbtc@newThing", '{"z":1}'), "newThing"),
        (combined("!newThing", '{"z":1}'), "!newThing"),
        (combined("newThing", '{"z":1}'), "newThing"),
        (combined("bnbbtc@newThing", "[1,2]"), "newThing"),
        (combined("bnbbtc@newThing", '{"e":5}'), "newThing"),
        (combined("", '{"e":"x"}'), "x"),
        (combined("bnbbtc@trade", '{"e":"superTrade","z":1}'), "superTrade"),
        (b'{"z":1}', "(no event type)"),
        (b"{}", "(no event type)"),
        (b'{"e":null}', "(no event type)"),
        (b'{"e":"trade_v2","p":"1"}', "trade_v2"),
        (b'[{"e":"x"}]', "x"),
    ],
)
def test_an_unknown_frame_by_its_kind(frame: bytes, kind: str) -> None:
    codec = BinanceCodec("spot")
    assert feed(codec, frame) == []
    assert codec.stats.unknown == {kind: 1}


def test_another_kind_of_book_is_not_taken_for_the_book() -> None:
    codec = BinanceCodec("usdm")
    codec.subscribe(["bnbusdt@depth", "bnbusdt@rpiDepth@500ms"])
    events = feed(
        codec,
        combined("bnbusdt@depth", usdm_depth(1, 5, 0)),
        combined("bnbusdt@rpiDepth@500ms", usdm_depth(100, 105, 99)),
        combined("bnbusdt@depth", usdm_depth(7, 9, 5)),
    )
    assert [event.kind for event in events] == ["book_delta", "rpi_delta", "book_delta"]
    assert not isinstance(events[1], BookDelta)
    assert codec.stats.unknown == {}


def test_a_new_field_is_noticed_in_the_first_frame() -> None:
    codec = BinanceCodec("spot")
    new = TRADE[:-1] + ',"zz":{"a":[1]},"yy":null}'
    [event] = feed(codec, combined("bnbbtc@trade", new))
    assert event.symbol == "BNBBTC"
    assert codec.stats.new_fields == {"trade": {"yy": 1, "zz": 1}}
    assert codec.stats.odd_frames[0].reason == "new in trade: yy, zz"


@pytest.mark.parametrize("is_combined", [True, False])
@pytest.mark.parametrize(
    ("stream", "payload"), [("bnbbtc@trade", TRADE), ("bnbbtc@kline_1m", KLINE)]
)
def test_and_once_in_so_many_frames(stream: str, payload: str, is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    codec.subscribe([stream])
    new = payload[:-1] + ',"zz":1}'
    old, new = (
        (combined(stream, text).decode() if is_combined else text) for text in (payload, new)
    )
    kind = "trade" if "trade" in stream else "kline"
    # It makes the payload longer than the one that was looked at before.
    feed(codec, *[old] * 3)
    assert codec.stats.new_fields == {}
    feed(codec, new)
    assert codec.stats.new_fields == {kind: {"zz": 1}}
    feed(codec, *[new] * (LOOK_EVERY - 1))
    assert codec.stats.new_fields == {kind: {"zz": 1}}
    feed(codec, new, old)
    assert codec.stats.new_fields == {kind: {"zz": 2}}
    assert codec.stats.events == {kind: 3 + 1 + LOOK_EVERY + 1}


def test_a_new_field_inside_a_candle_and_in_an_array() -> None:
    codec = BinanceCodec("spot")
    feed(codec, combined("bnbbtc@kline_1m", KLINE.replace('"B":', '"zz":1,"B":')))
    feed(codec, combined("!miniTicker@arr", f'[{MINI[:-1]},"zz":1}},{MINI}]'))
    assert codec.stats.new_fields == {"kline": {"k.zz": 1}, "miniTicker": {"zz": 1}}


def test_a_new_field_whose_name_is_no_text() -> None:
    codec = BinanceCodec("spot")
    frame = combined("bnbbtc@trade", TRADE).replace(b'"M"', b'"\xff"')
    assert len(feed(codec, frame)) == 1
    assert codec.stats.new_fields == {"trade": {"(not UTF-8)": 1}}


# Arrays


@pytest.mark.parametrize("frame", ["[]", combined("!miniTicker@arr", "[]")])
def test_an_empty_array_is_no_event(frame: bytes | str) -> None:
    codec = BinanceCodec("spot")
    assert feed(codec, frame, frame) == []
    assert codec.stats.events == {}
    assert codec.stats.odd_frames == ()


@pytest.mark.parametrize("is_combined", [True, False])
def test_one_bad_message_does_not_take_the_others_with_it(is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    bad = MINI.replace('"0.0025"', "null")
    payload = f'[{MINI},{bad},{{"e":"new"}},5,{MINI.replace("BNB", "XRP")}]'
    frame = combined("!miniTicker@arr", payload) if is_combined else payload
    events = feed(codec, frame)
    assert [event.symbol for event in events] == ["BNBBTC", "XRPBTC"]
    assert all(isinstance(event, MiniTicker) for event in events)
    assert codec.stats.undecodable == 2
    assert codec.stats.unknown == {"new": 1}
    assert codec.stats.events == {"miniTicker": 2}


# Sequence


def test_a_broken_link_stands_before_the_delta_that_shows_it() -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([streams.depth("BNB-BTC", speed_ms=100)])
    name = "bnbbtc@depth@100ms"
    deltas = [(1, 2), (3, 3), (7, 9), (8, 9), (10, 10)]
    events = feed(codec, *(combined(name, spot_delta(*delta)) for delta in deltas))
    kinds = ["book_delta", "book_delta", "gap", "book_delta", "book_delta", "book_delta"]
    assert [event.kind for event in events] == kinds
    assert events[2] == Gap(
        symbol="BNB-BTC",
        stream=name,
        cause=GapCause.SEQUENCE,
        last_sequence=3,
        first_sequence=7,
        ts_recv_ns=2,
    )
    assert (codec.stats.gaps, codec.stats.stale) == (1, 1)
    assert codec.stats.events == {"depth": 5}


@pytest.mark.parametrize("is_combined", [True, False])
def test_usdm_links_by_predecessor(is_combined: bool) -> None:
    codec = BinanceCodec("usdm", combined=is_combined)
    codec.subscribe(["bnbusdt@depth", "xrpusdt@depth"])

    def frame(symbol: str, first: int, final: int, prev: int) -> str:
        payload = usdm_depth(first, final, prev, symbol.upper())
        return combined(f"{symbol}@depth", payload).decode() if is_combined else payload

    events = feed(
        codec,
        frame("bnbusdt", 995, 1003, 990),
        frame("xrpusdt", 5, 9, 1),
        frame("bnbusdt", 1010, 1020, 1003),
        frame("xrpusdt", 20, 29, 9),
        frame("bnbusdt", 1031, 1040, 1030),
        frame("xrpusdt", 40, 49, 29),
    )
    [gap] = [event for event in events if isinstance(event, Gap)]
    assert (gap.symbol, gap.last_sequence, gap.first_sequence) == ("BNBUSDT", 1020, 1031)
    assert events.index(gap) == 4
    assert gap.stream == "bnbusdt@depth"


def test_partial_depth_has_no_sequence_to_break() -> None:
    codec = BinanceCodec("usdm")
    name = "bnbusdt@depth5"
    events = feed(
        codec,
        combined(name, usdm_depth(1, 5, 0)),
        combined(name, usdm_depth(50, 55, 40)),
        combined(name, usdm_depth(1, 5, 0)),
    )
    assert [type(event).__mro__[1] for event in events] == [BookSnapshot] * 3
    assert (codec.stats.gaps, codec.stats.stale) == (0, 0)


def test_two_speeds_are_two_sequences() -> None:
    codec = BinanceCodec("spot")
    events = feed(
        codec,
        combined("bnbbtc@depth", spot_delta(1, 10)),
        combined("bnbbtc@depth@100ms", spot_delta(1, 3)),
        combined("bnbbtc@depth@100ms", spot_delta(4, 10)),
        combined("bnbbtc@depth", spot_delta(11, 20)),
    )
    assert len(events) == 4
    assert codec.stats.gaps == 0


@pytest.mark.parametrize("is_combined", [True, False])
def test_a_new_connection_begins_a_new_sequence(is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    name = "bnbbtc@depth"
    first, later = spot_delta(1, 2), spot_delta(90, 91)
    if is_combined:
        first, later = (combined(name, payload).decode() for payload in (first, later))
    codec.subscribe([name])
    feed(codec, first)
    codec.reset()
    codec.subscribe([name])
    assert [event.kind for event in feed(codec, later)] == ["book_delta"]
    assert codec.stats.gaps == 0


def test_a_sequence_of_a_stream_that_nobody_asked_for_ends_with_its_connection() -> None:
    codec = BinanceCodec("spot", combined=False)
    feed(codec, spot_delta(1, 2))
    codec.reset()
    feed(codec, spot_delta(90, 91))
    assert codec.stats.gaps == 0


def test_a_new_subscription_begins_a_new_sequence_and_a_repeated_one_does_not() -> None:
    codec = BinanceCodec("spot")
    name = "bnbbtc@depth"
    codec.subscribe([name])
    feed(codec, b'{"result":null,"id":1}', combined(name, spot_delta(1, 2)))
    codec.subscribe([name])
    feed(codec, combined(name, spot_delta(10, 12)))
    assert codec.stats.gaps == 1
    codec.unsubscribe([name])
    feed(codec, b'{"result":null,"id":3}')
    codec.subscribe([name])
    feed(codec, combined(name, spot_delta(90, 92)))
    assert codec.stats.gaps == 1


# Notices


@pytest.mark.parametrize(
    "frame",
    [
        b'{"e":"serverShutdown","E":1770123456789}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
    ],
)
@pytest.mark.parametrize("is_combined", [True, False])
def test_a_shutdown_notice_asks_for_a_rotation_once(frame: bytes, is_combined: bool) -> None:
    codec = BinanceCodec("spot", combined=is_combined)
    events: list[Event] = []
    codec.receive(frame, 77, events)
    assert events == []
    assert codec.take_directive() == RotateBy(77, "serverShutdown")
    assert codec.take_directive() is None
    assert codec.stats.unknown == {}


def test_a_new_connection_has_no_old_notice() -> None:
    codec = BinanceCodec("spot")
    feed(codec, b'{"e":"serverShutdown","E":1770123456789}')
    codec.reset()
    assert codec.take_directive() is None


# Raw connections


@pytest.mark.parametrize(
    ("market", "first", "second"),
    [
        ("spot", "btcusdt@depth5", "ethusdt@depth5"),
        ("spot", "btcusdt@depth5", "btcusdt@depth10"),
        ("spot", "btcusdt@depth", "btcusdt@depth@100ms"),
        ("spot", "btcusdt@kline_1d", "btcusdt@kline_1d@+08:00"),
        ("usdm", "btcusdt@depth", "btcusdt@depth5"),
        ("usdm", "btcusdt@depth@100ms", "btcusdt@depth@500ms"),
    ],
)
def test_streams_that_look_alike_are_refused_on_a_raw_connection(
    market: str, first: str, second: str
) -> None:
    codec = BinanceCodec(market, combined=False)
    codec.subscribe([first])
    with pytest.raises(ConfigurationError, match="look alike"):
        codec.subscribe([second])
    with pytest.raises(ConfigurationError, match="look alike"):
        codec.attach([second])
    assert list(codec.subscriptions) == [first]
    codec.subscribe([first])
    # Combined frames name their stream.
    BinanceCodec(market).subscribe([first, second])
    # A refused stream sends no frames.
    feed(codec, b'{"code":2,"msg":"no","id":1}', b'{"code":2,"msg":"no","id":2}')
    codec.subscribe([second])


@pytest.mark.parametrize(
    ("market", "names"),
    [
        ("spot", ["btcusdt@depth", "ethusdt@depth", "btcusdt@depth5"]),
        ("spot", ["btcusdt@kline_1m", "btcusdt@kline_5m", "btcusdt@trade", "btcusdt@bookTicker"]),
        ("usdm", ["btcusdt@depth", "ethusdt@depth5"]),
    ],
)
def test_streams_that_differ_are_fine_on_a_raw_connection(market: str, names: list[str]) -> None:
    BinanceCodec(market, combined=False).subscribe(names)


def test_raw_usdm_depth_is_what_was_subscribed() -> None:
    codec = BinanceCodec("usdm", combined=False)
    codec.subscribe([streams.depth("BTC-USDT", market="usdm"), "ethusdt@depth5"])
    delta, snapshot = feed(codec, usdm_depth(1, 5, 0, "BTCUSDT"), usdm_depth(1, 5, 0, "ETHUSDT"))
    assert isinstance(delta, BookDelta)
    assert isinstance(snapshot, BookSnapshot)
    assert (delta.symbol, snapshot.symbol) == ("BTC-USDT", "ETHUSDT")
    # The other way round on the next connection.
    codec.reset()
    codec.subscribe(["btcusdt@depth5", streams.depth("ETH-USDT", market="usdm")])
    snapshot, delta = feed(codec, usdm_depth(1, 5, 0, "BTCUSDT"), usdm_depth(1, 5, 0, "ETHUSDT"))
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(delta, BookDelta)
    assert (snapshot.symbol, delta.symbol) == ("BTCUSDT", "ETH-USDT")
    codec.reset()
    codec.subscribe(["btcusdt@depth"])
    [delta] = feed(codec, usdm_depth(1, 5, 0, "BTCUSDT"))
    assert isinstance(delta, BookDelta)


@pytest.mark.parametrize("order", [1, -1])
def test_raw_partial_and_diff_depth_of_spot_side_by_side(order: int) -> None:
    codec = BinanceCodec("spot", combined=False)
    codec.subscribe([streams.depth("BNB-BTC"), streams.partial_depth("BNB-BTC", 5)][::order])
    partial = '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'
    events = feed(codec, partial, spot_delta(1, 2), partial, spot_delta(3, 4), spot_delta(9, 9))
    assert [(event.kind, event.symbol) for event in events] == [
        ("book_snapshot", "BNB-BTC"),
        ("book_delta", "BNB-BTC"),
        ("book_snapshot", "BNB-BTC"),
        ("book_delta", "BNB-BTC"),
        ("gap", "BNB-BTC"),
        ("book_delta", "BNB-BTC"),
    ]


def test_raw_partial_depth_of_spot_is_the_one_that_was_subscribed() -> None:
    codec = BinanceCodec("spot", combined=False)
    payload = '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'
    names = []
    for symbol in ("BTC-USDT", "ETH-USDT", "BTC-USDT"):
        codec.subscribe([streams.partial_depth(symbol, 5)])
        names += [event.symbol for event in feed(codec, payload, f" {payload}")]
        codec.reset()
    assert names == ["BTC-USDT", "BTC-USDT", "ETH-USDT", "ETH-USDT", "BTC-USDT", "BTC-USDT"]


def test_a_combined_frame_on_a_raw_connection_and_the_other_way_round() -> None:
    for is_combined in (True, False):
        codec = BinanceCodec("spot", combined=is_combined)
        codec.subscribe([streams.book_ticker("BNB-BTC")])
        first, second = feed(codec, QUOTE, combined("bnbbtc@bookTicker", QUOTE))
        assert isinstance(first, Quote)
        assert (first.symbol, second.symbol) == ("BNB-BTC", "BNB-BTC")


def test_a_quote_without_event_type_is_not_known_on_usdm() -> None:
    codec = BinanceCodec("usdm", combined=False)
    assert feed(codec, QUOTE) == []
    assert codec.stats.unknown == {"(book ticker)": 1}


# Bounds


def test_a_server_that_makes_up_streams_fills_no_memory() -> None:
    codec = BinanceCodec("spot")
    feed(codec, *(combined(f"sym{number}@trade", TRADE) for number in range(10_000)))
    feed(codec, *(combined(f"sym{number}@new{number}", "{}") for number in range(10_000)))
    raw = BinanceCodec("spot", combined=False)
    feed(raw, *(spot_delta(1, 1, f"SYM{number}") for number in range(10_000)))
    # The streams that were asked for are not the ones that are forgotten.
    for crowded in (codec, raw):
        crowded.subscribe([streams.depth("BNB-BTC")])
        events = feed(
            crowded,
            *(combined("bnbbtc@depth", spot_delta(first, first)) for first in (1, 2, 9)),
        )
        assert [event.kind for event in events] == ["book_delta", "book_delta", "gap", "book_delta"]
        assert events[0].symbol == "BNB-BTC"
        assert len(crowded._routes()) < 5_000
    assert len(codec.stats.unknown) < 1_000
    assert len(codec.stats.odd_frames) == FRAMES_KEPT


def test_hand_made_streams_are_as_good() -> None:
    codec = BinanceCodec("spot")
    codec.subscribe([Stream("bnbbtc@trade", StreamKind.TRADE, "mine")])
    assert feed(codec, combined("bnbbtc@trade", TRADE))[0].symbol == "mine"
