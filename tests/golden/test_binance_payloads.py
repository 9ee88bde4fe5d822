"""Binance's documented payloads become these events, by value.

The payloads are the vendor's samples, spot and USD-M, documentation of August 2026. Every one is
decoded combined and raw, with floats and with decimals, on the direct path and on the general one.
"""

from __future__ import annotations

from decimal import Decimal as D
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tickwire.exchanges import Stream
from tickwire.exchanges.binance import BinanceCodec, StreamKind
from tickwire.exchanges.binance.streams import Market, parse_stream
from tickwire.market import (
    AggressorSide,
    AggTrade,
    BookDelta,
    BookSnapshot,
    Event,
    Kline,
    MiniTicker,
    Quote,
    Ticker,
    Trade,
)

if TYPE_CHECKING:
    from tickwire.exchanges.binance.routes import Numbers

RECV_NS = 1_772_506_983_600_000_123
MS = 1_000_000


class Case(NamedTuple):
    """A payload and its event; numbers are written as decimals."""

    market: Market
    stream: str
    payload: str
    event: type[Event]
    values: dict[str, Any]


CASES = {
    "aggTrade": Case(
        "spot",
        "bnbbtc@aggTrade",
        '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100",'
        '"f":100,"l":105,"T":1672515782137,"m":true,"M":true}',
        AggTrade,
        {
            "symbol": "BNBBTC",
            "ts_event_ns": 1672515782136 * MS,
            "ts_transact_ns": 1672515782137 * MS,
            "trade_id": 12345,
            "price": D("0.001"),
            "size": D("100"),
            "first_trade_id": 100,
            "last_trade_id": 105,
            "is_buyer_maker": True,
            "aggressor_side": AggressorSide.SELL,
            "size_without_rpi": None,
            "market_code": None,
        },
    ),
    "trade": Case(
        "spot",
        "bnbbtc@trade",
        '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
        '"T":1672515782136,"m":true,"M":true}',
        Trade,
        {
            "symbol": "BNBBTC",
            "ts_event_ns": 1672515782136 * MS,
            "ts_transact_ns": 1672515782136 * MS,
            "trade_id": 12345,
            "price": D("0.001"),
            "size": D("100"),
            "aggressor_side": AggressorSide.SELL,
        },
    ),
    "trade, microseconds": Case(
        "spot",
        "bnbbtc@trade",
        '{"e":"trade","E":1672515782136789,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
        '"T":1672515782136001,"m":false,"M":true}',
        Trade,
        {
            "ts_event_ns": 1672515782136789 * 1000,
            "ts_transact_ns": 1672515782136001 * 1000,
            "aggressor_side": AggressorSide.BUY,
        },
    ),
    "trade, symbol outside ASCII": Case(
        "spot",
        "这是测试币456@trade",
        '{"e":"trade","E":1672515782136,"s":"这是测试币456","t":12345,"p":"0.001","q":"100",'
        '"T":1672515782136,"m":true,"M":true}',
        Trade,
        {"symbol": "这是测试币456", "price": D("0.001")},
    ),
    "blockTrade": Case(
        "spot",
        "bnbbtc@blockTrade",
        '{"e":"blockTrade","E":1772506983582,"s":"BNBBTC","t":582,"p":"0.052","q":"5838",'
        '"T":1772506983321,"m":true}',
        Trade,
        {
            "ts_event_ns": 1772506983582 * MS,
            "ts_transact_ns": 1772506983321 * MS,
            "trade_id": 582,
            "price": D("0.052"),
            "size": D("5838"),
        },
    ),
    "kline": Case(
        "spot",
        "bnbbtc@kline_1m",
        '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,'
        '"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025",'
        '"l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500",'
        '"B":"123456"}}',
        Kline,
        {
            "symbol": "BNBBTC",
            "ts_event_ns": 1672515782136 * MS,
            "interval": "1m",
            "ts_open_ns": 1672515780000 * MS,
            "ts_close_ns": 1672515839999 * MS,
            "first_trade_id": 100,
            "last_trade_id": 200,
            "open": D("0.0010"),
            "close": D("0.0020"),
            "high": D("0.0025"),
            "low": D("0.0015"),
            "volume": D("1000"),
            "trade_count": 100,
            "is_closed": False,
            "quote_volume": D("1.0000"),
            "taker_buy_volume": D("500"),
            "taker_buy_quote_volume": D("0.500"),
        },
    ),
    "kline, microseconds, closed, another time zone": Case(
        "spot",
        "bnbbtc@kline_1d@+08:00",
        '{"e":"kline","E":1672515782136001,"s":"BNBBTC","k":{"t":1672502400000000,'
        '"T":1672588799999999,"s":"BNBBTC","i":"1d","f":-1,"L":-1,"o":"1","c":"1","h":"1",'
        '"l":"1","v":"0","n":0,"x":true,"q":"0","V":"0","Q":"0","B":"0"}}',
        Kline,
        {
            "ts_event_ns": 1672515782136001 * 1000,
            "ts_open_ns": 1672502400000000 * 1000,
            "ts_close_ns": 1672588799999999 * 1000,
            "first_trade_id": -1,
            "is_closed": True,
        },
    ),
    "miniTicker": Case(
        "spot",
        "bnbbtc@miniTicker",
        '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010",'
        '"h":"0.0026","l":"0.0009","v":"10000","q":"18"}',
        MiniTicker,
        {
            "ts_event_ns": 1672515782136 * MS,
            "open": D("0.0010"),
            "high": D("0.0026"),
            "low": D("0.0009"),
            "close": D("0.0025"),
            "volume": D("10000"),
            "quote_volume": D("18"),
        },
    ),
    "ticker": Case(
        "spot",
        "bnbbtc@ticker",
        '{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00",'
        '"w":"0.0018","x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026",'
        '"A":"100","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,'
        '"C":86400000,"F":0,"L":18150,"n":18151}',
        Ticker,
        {
            "ts_event_ns": 1672515782136 * MS,
            "price_change": D("0.0015"),
            "price_change_percent": D("250.00"),
            "vwap": D("0.0018"),
            "prev_close": D("0.0009"),
            "last_price": D("0.0025"),
            "last_size": D("10"),
            "bid_price": D("0.0024"),
            "bid_size": D("10"),
            "ask_price": D("0.0026"),
            "ask_size": D("100"),
            "open": D("0.0010"),
            "high": D("0.0025"),
            "low": D("0.0010"),
            "volume": D("10000"),
            "quote_volume": D("18"),
            "ts_open_ns": 0,
            "ts_close_ns": 86400000 * MS,
            "first_trade_id": 0,
            "last_trade_id": 18150,
            "trade_count": 18151,
            "window": "24h",
        },
    ),
    "ticker_1h": Case(
        "spot",
        "bnbbtc@ticker_1h",
        '{"e":"1hTicker","E":1672515782136,"s":"BNBBTC","p":"-0.0015","P":"-250.00",'
        '"o":"0.0010","h":"0.0025","l":"0.0010","c":"0.0025","w":"0.0018","v":"10000","q":"18",'
        '"O":0,"C":1675216573749,"F":0,"L":18150,"n":18151}',
        Ticker,
        {
            "window": "1h",
            "price_change": D("-0.0015"),
            "price_change_percent": D("-250.00"),
            "vwap": D("0.0018"),
            "last_price": D("0.0025"),
            "last_size": None,
            "bid_price": None,
            "ts_close_ns": 1675216573749 * MS,
            "trade_count": 18151,
        },
    ),
    "bookTicker": Case(
        "spot",
        "bnbusdt@bookTicker",
        '{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",'
        '"A":"40.66000000"}',
        Quote,
        {
            "symbol": "BNBUSDT",
            "sequence": 400900217,
            "bid_price": D("25.35190000"),
            "bid_size": D("31.21000000"),
            "ask_price": D("25.36520000"),
            "ask_size": D("40.66000000"),
            "ts_event_ns": 0,
            "ts_transact_ns": 0,
        },
    ),
    "partial depth": Case(
        "spot",
        "bnbbtc@depth5@100ms",
        '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}',
        BookSnapshot,
        {
            "symbol": "BNBBTC",
            "sequence": 160,
            "bids": [(D("0.0024"), D("10"))],
            "asks": [(D("0.0026"), D("100"))],
            "ts_event_ns": 0,
        },
    ),
    "diff depth": Case(
        "spot",
        "bnbbtc@depth",
        '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,'
        '"b":[["0.0024","10"],["0.0023","0.00000000"]],"a":[["0.0026","100"]]}',
        BookDelta,
        {
            "symbol": "BNBBTC",
            "ts_event_ns": 1672515782136 * MS,
            "first_sequence": 157,
            "sequence": 160,
            "prev_sequence": None,
            "bids": [(D("0.0024"), D("10")), (D("0.0023"), D("0.00000000"))],
            "asks": [(D("0.0026"), D("100"))],
        },
    ),
    "diff depth, one side empty": Case(
        "spot",
        "bnbbtc@depth@100ms",
        '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[],"a":[]}',
        BookDelta,
        {"bids": [], "asks": []},
    ),
    "usdm aggTrade": Case(
        "usdm",
        "bnbusdt@aggTrade",
        '{"e":"aggTrade","E":123456789,"s":"BNBUSDT","a":5933014,"p":"0.001","q":"100",'
        '"nq":"99.5","f":100,"l":105,"T":123456785,"m":true,"st":1}',
        AggTrade,
        {
            "symbol": "BNBUSDT",
            "ts_event_ns": 123456789 * MS,
            "ts_transact_ns": 123456785 * MS,
            "trade_id": 5933014,
            "price": D("0.001"),
            "size": D("100"),
            "size_without_rpi": D("99.5"),
            "first_trade_id": 100,
            "last_trade_id": 105,
            "aggressor_side": AggressorSide.SELL,
            "market_code": 1,
        },
    ),
    "usdm kline": Case(
        "usdm",
        "btcusdt@kline_1m",
        '{"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747660000,'
        '"T":1638747719999,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020",'
        '"h":"0.0025","l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500",'
        '"Q":"0.500","B":"123456"}}',
        Kline,
        {
            "symbol": "BTCUSDT",
            "ts_event_ns": 1638747660000 * MS,
            "ts_close_ns": 1638747719999 * MS,
            "close": D("0.0020"),
            "is_closed": False,
        },
    ),
    "usdm miniTicker": Case(
        "usdm",
        "bnbusdt@miniTicker",
        '{"e":"24hrMiniTicker","E":123456789,"s":"BNBUSDT","c":"0.0025","o":"0.0010",'
        '"h":"0.0025","l":"0.0010","v":"10000","q":"18","ps":"BTCUSDT","st":1}',
        MiniTicker,
        {"close": D("0.0025"), "quote_volume": D("18"), "pair": "BTCUSDT", "market_code": 1},
    ),
    "usdm ticker": Case(
        "usdm",
        "bnbusdt@ticker",
        '{"e":"24hrTicker","E":123456789,"s":"BNBUSDT","p":"0.0015","P":"250.00","w":"0.0018",'
        '"c":"0.0025","Q":"10","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18",'
        '"O":0,"C":86400000,"F":0,"L":18150,"n":18151,"ps":"BTCUSDT","st":1}',
        Ticker,
        {
            "last_price": D("0.0025"),
            "last_size": D("10"),
            "bid_price": None,
            "ask_size": None,
            "prev_close": None,
            "pair": "BTCUSDT",
            "market_code": 1,
        },
    ),
    "usdm bookTicker": Case(
        "usdm",
        "bnbusdt@bookTicker",
        '{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT",'
        '"ps":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",'
        '"A":"40.66000000","st":1}',
        Quote,
        {
            "symbol": "BNBUSDT",
            "sequence": 400900217,
            "ts_event_ns": 1568014460893 * MS,
            "ts_transact_ns": 1568014460891 * MS,
            "bid_price": D("25.35190000"),
            "bid_size": D("31.21000000"),
            "ask_price": D("25.36520000"),
            "ask_size": D("40.66000000"),
            "pair": "BNBUSDT",
            "market_code": 1,
        },
    ),
    "usdm bookTicker of 2021, of all symbols": Case(
        "usdm",
        "!bookTicker",
        '{"e":"bookTicker","u":600859600576,"s":"SUSHIUSDT","b":"7.6110","B":"2","a":"7.6120",'
        '"A":"297","T":1626992741012,"E":1626992741017}',
        Quote,
        {
            "symbol": "SUSHIUSDT",
            "ask_price": D("7.6120"),
            "pair": None,
            "market_code": None,
        },
    ),
    "usdm diff depth": Case(
        "usdm",
        "bnbusdt@depth@100ms",
        '{"e":"depthUpdate","E":123456789,"T":123456788,"s":"BNBUSDT","U":157,"u":160,"pu":149,'
        '"b":[["0.0024","10"]],"a":[["0.0026","100"]],"ps":"BTCUSDT","st":1}',
        BookDelta,
        {
            "ts_event_ns": 123456789 * MS,
            "ts_transact_ns": 123456788 * MS,
            "first_sequence": 157,
            "sequence": 160,
            "prev_sequence": 149,
            "bids": [(D("0.0024"), D("10"))],
            "asks": [(D("0.0026"), D("100"))],
            "pair": "BTCUSDT",
            "market_code": 1,
        },
    ),
    "usdm partial depth": Case(
        "usdm",
        "btcusdt@depth5",
        '{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","U":390497796,'
        '"u":390497878,"pu":390497794,"b":[["7403.89","0.002"],["7403.90","3.906"]],'
        '"a":[["7405.96","3.340"],["7406.63","4.525"]],"ps":"BTCUSDT","st":1}',
        BookSnapshot,
        {
            "symbol": "BTCUSDT",
            "ts_event_ns": 1571889248277 * MS,
            "ts_transact_ns": 1571889248276 * MS,
            "first_sequence": 390497796,
            "sequence": 390497878,
            "prev_sequence": 390497794,
            "bids": [(D("7403.89"), D("0.002")), (D("7403.90"), D("3.906"))],
            "asks": [(D("7405.96"), D("3.340")), (D("7406.63"), D("4.525"))],
            "pair": "BTCUSDT",
            "market_code": 1,
        },
    ),
}


def as_numbers(value: Any, numbers: Numbers) -> Any:
    """The expected value as the codec should give it."""
    if isinstance(value, D):
        return value if numbers == "decimal" else float(value)
    if isinstance(value, list | tuple):
        return type(value)(as_numbers(item, numbers) for item in value)
    return value


def check(event: Event, case: Case, numbers: Numbers) -> None:
    assert isinstance(event, case.event)
    assert event.ts_recv_ns == RECV_NS
    for name, expected in case.values.items():
        value = getattr(event, name)
        expected = as_numbers(expected, numbers)
        assert value == expected, name
        assert type(value) is type(expected), name
        # Equal decimals may have other digits.
        assert repr(value) == repr(expected), name


def frame_of(case: Case, shape: str) -> bytes:
    combined = f'{{"stream":"{case.stream}","data":{case.payload}}}'
    return {
        "combined": combined,
        "combined, general path": f' {{ "data" : {case.payload}, "stream" : "{case.stream}" }}',
        "raw": case.payload,
        "raw, general path": f"\n{case.payload}\n",
    }[shape].encode()


SHAPES = ["combined", "combined, general path", "raw", "raw, general path"]


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_payload(case: Case, shape: str, numbers: Numbers) -> None:
    codec = BinanceCodec(case.market, combined=shape.startswith("combined"), numbers=numbers)
    codec.subscribe([case.stream])
    events: list[Event] = []
    codec.receive(frame_of(case, shape), RECV_NS, events)
    [event] = events
    check(event, case, numbers)
    stats = codec.stats
    assert stats.events == {parse_stream(case.stream).kind: 1}
    assert (stats.unknown, stats.new_fields, stats.undecodable) == ({}, {}, 0)
    assert stats.odd_frames == ()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "case",
    [case for case in CASES.values() if not case.stream.startswith("!")],
    ids=[name for name, case in CASES.items() if not case.stream.startswith("!")],
)
def test_payload_under_the_callers_name(case: Case, shape: str) -> None:
    stream = parse_stream(case.stream)
    codec = BinanceCodec(case.market, combined=shape.startswith("combined"))
    codec.subscribe([Stream(stream.name, stream.kind, "my name")])
    events: list[Event] = []
    for _ in range(3):  # the first frame of a stream takes a longer way
        codec.receive(frame_of(case, shape), RECV_NS, events)
    assert [event.symbol for event in events] == ["my name"] * 3
    for event in events:
        check(event, case._replace(values=case.values | {"symbol": "my name"}), "float")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (name, shape)
        for name, case in CASES.items()
        for shape in SHAPES
        # A raw frame does not say that it is a snapshot, or of what.
        if not (shape.startswith("raw") and case.event is BookSnapshot)
    ],
)
def test_payload_of_a_stream_that_was_never_asked_for(name: str, shape: str) -> None:
    """As where the URL names the streams, or in a replay: it works, under the venue's symbol."""
    case = CASES[name]
    codec = BinanceCodec(case.market, combined=shape.startswith("combined"))
    events: list[Event] = []
    codec.receive(frame_of(case, shape), RECV_NS, events)
    [event] = events
    check(event, case, "float")


ARRAYS = [
    ("spot", "!miniTicker@arr", "miniTicker"),
    ("usdm", "!miniTicker@arr", "usdm miniTicker"),
    ("usdm", "!ticker@arr", "usdm ticker"),
    ("spot", "!ticker_1h@arr", "ticker_1h"),
]


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("combined", [True, False])
@pytest.mark.parametrize(("market", "stream", "name"), ARRAYS)
def test_array(market: Market, stream: str, name: str, combined: bool, numbers: Numbers) -> None:
    case = CASES[name]
    other = case.payload.replace('"s":"BNB', '"s":"XRP')
    payload = f"[{case.payload},{other}]"
    frame = f'{{"stream":"{stream}","data":{payload}}}' if combined else payload
    codec = BinanceCodec(market, combined=combined, numbers=numbers)
    codec.subscribe([stream])
    events: list[Event] = []
    codec.receive(frame.encode(), RECV_NS, events)
    assert [event.symbol[:3] for event in events] == ["BNB", "XRP"]
    for event in events:
        check(event, case, numbers)
    assert codec.stats.events == {parse_stream(stream).kind: 2}


@pytest.mark.parametrize("combined", [True, False])
def test_the_window_of_each_rolling_ticker(combined: bool) -> None:
    codec = BinanceCodec("spot", combined=combined)
    events: list[Event] = []
    for window in ("1h", "4h", "1d"):
        payload = CASES["ticker_1h"].payload.replace("1hTicker", f"{window}Ticker")
        frame = f'{{"stream":"bnbbtc@ticker_{window}","data":{payload}}}'
        codec.receive((frame if combined else payload).encode(), RECV_NS, events)
    assert [event.window for event in events if isinstance(event, Ticker)] == ["1h", "4h", "1d"]
    assert codec.stats.events == {StreamKind.WINDOW_TICKER: 3}
