"""Binance's documented messages about contracts, indexes and averages become these events.

The payloads are the vendor's samples, documentation of August 2026; decoded combined and raw, with
floats and with decimals, on the direct path and on the general one.
"""

from __future__ import annotations

from decimal import Decimal as D
from typing import TYPE_CHECKING

import pytest

from tests.golden.test_binance_payloads import (
    MS,
    RECV_NS,
    SHAPES,
    Case,
    as_numbers,
    check,
    frame_of,
)
from tickwire.exchanges.binance import BinanceCodec
from tickwire.exchanges.binance.contracts import (
    AssetIndex,
    CompositeIndex,
    ContractInfo,
    RpiDelta,
    TradingSession,
)
from tickwire.exchanges.binance.routes import SCHEMAS
from tickwire.exchanges.binance.streams import Market, parse_stream
from tickwire.market import (
    AggressorSide,
    AggTrade,
    AveragePrice,
    BookDelta,
    Event,
    IndexPrice,
    Kline,
    Liquidation,
    MarkPrice,
    ReferencePrice,
)

if TYPE_CHECKING:
    from tickwire.exchanges.binance.routes import Numbers

MARK = (
    '{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000",'
    '"i":"11784.62659091","P":"11784.25641265","r":"0.00038167","ap":"11794.15000000",'
    '"T":1562306400000,"st":1}'
)
COINM_MARK = (
    '{"e":"markPriceUpdate","E":1596095725000,"s":"BTCUSD_201225","p":"10934.62615417",'
    '"P":"10962.17178236","i":"10933.62615417","r":"","T":0,"st":1}'
)
ASSET = (
    '{"e":"assetIndexUpdate","E":1686749230000,"s":"ADAUSD","i":"0.27462452","b":"0.10000000",'
    '"a":"0.10000000","B":"0.24716207","A":"0.30208698","q":"0.05000000","g":"0.05000000",'
    '"Q":"0.26089330","G":"0.28835575"}'
)
FORCE = (
    '{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",'
    '"q":"0.014","p":"9910","ap":"9911","X":"FILLED","l":"0.004","z":"0.014","T":1568014460892},'
    '"ps":"BTCUSDT","st":1}'
)

CASES = {
    "avgPrice": Case(
        "spot",
        "btcusdt@avgPrice",
        '{"e":"avgPrice","E":1693907033000,"s":"BTCUSDT","i":"5m","w":"25776.86000000",'
        '"T":1693907032213}',
        AveragePrice,
        {
            "symbol": "BTCUSDT",
            "kind": "average_price",
            "price": D("25776.86000000"),
            "interval": "5m",
            "ts_event_ns": 1693907033000 * MS,
            "ts_last_trade_ns": 1693907032213 * MS,
        },
    ),
    "avgPrice, microseconds": Case(
        "spot",
        "btcusdt@avgPrice",
        '{"e":"avgPrice","E":1693907033000123,"s":"BTCUSDT","i":"5m","w":"1.0",'
        '"T":1693907032213456}',
        AveragePrice,
        {"ts_event_ns": 1693907033000123000, "ts_last_trade_ns": 1693907032213456000},
    ),
    "referencePrice": Case(
        "spot",
        "bazusd@referencePrice",
        '{"e":"referencePrice","s":"BAZUSD","r":"1.00","t":1770313263917}',
        ReferencePrice,
        {"price": D("1.00"), "ts_event_ns": 0, "ts_transact_ns": 1770313263917 * MS},
    ),
    "referencePrice, none": Case(
        "spot",
        "bazusd@referencePrice",
        '{"e":"referencePrice","s":"BAZUSD","r":null,"t":1770313263917}',
        ReferencePrice,
        {"price": None},
    ),
    "markPrice": Case(
        "usdm",
        "btcusdt@markPrice@1s",
        MARK,
        MarkPrice,
        {
            "symbol": "BTCUSDT",
            "mark_price": D("11794.15000000"),
            "index_price": D("11784.62659091"),
            "settle_price": D("11784.25641265"),
            "funding_rate": D("0.00038167"),
            "average_mark_price": D("11794.15000000"),
            "ts_next_funding_ns": 1562306400000 * MS,
            "market_code": 1,
        },
    ),
    "coinm markPrice of a delivery contract": Case(
        "coinm",
        "btcusd_201225@markPrice",
        COINM_MARK,
        MarkPrice,
        {
            "symbol": "BTCUSD_201225",
            "mark_price": D("10934.62615417"),
            "funding_rate": None,
            "ts_next_funding_ns": 0,
            "average_mark_price": None,
        },
    ),
    "indexPrice": Case(
        "coinm",
        "btcusd@indexPrice",
        '{"e":"indexPriceUpdate","E":1591261236000,"i":"BTCUSD","p":"9636.57860000"}',
        IndexPrice,
        {"symbol": "BTCUSD", "price": D("9636.57860000"), "ts_event_ns": 1591261236000 * MS},
    ),
    "continuousKline": Case(
        "usdm",
        "btcusdt_perpetual@continuousKline_1m",
        '{"e":"continuous_kline","E":1607443058651,"ps":"BTCUSDT","ct":"PERPETUAL","k":{'
        '"t":1607443020000,"T":1607443079999,"i":"1m","f":116467658886,"L":116468012423,'
        '"o":"18787.00","c":"18804.04","h":"18804.04","l":"18786.54","v":"197.664","n":543,'
        '"x":false,"q":"3715253.19494","V":"184.769","Q":"3472925.84746","B":"0"}}',
        Kline,
        {
            "symbol": "BTCUSDT_PERPETUAL",
            "pair": "BTCUSDT",
            "contract_type": "PERPETUAL",
            "interval": "1m",
            "ts_event_ns": 1607443058651 * MS,
            "ts_open_ns": 1607443020000 * MS,
            "open": D("18787.00"),
            "close": D("18804.04"),
            "volume": D("197.664"),
            "trade_count": 543,
            "is_closed": False,
        },
    ),
    "indexPriceKline": Case(
        "coinm",
        "btcusd@indexPriceKline_1m",
        '{"e":"indexPrice_kline","E":1591267070033,"ps":"BTCUSD","k":{"t":1591267020000,'
        '"T":1591267079999,"s":"0","i":"1m","f":1591267020000,"L":1591267070000,'
        '"o":"9542.21900000","c":"9542.50440000","h":"9542.71640000","l":"9542.21040000",'
        '"v":"0","n":51,"x":false,"q":"0","V":"0","Q":"0","B":"0"}}',
        Kline,
        {"symbol": "BTCUSD", "pair": "BTCUSD", "contract_type": None, "high": D("9542.71640000")},
    ),
    "markPriceKline": Case(
        "coinm",
        "btcusd_200626@markPriceKline_1m",
        '{"e":"markPrice_kline","E":1591267398004,"ps":"BTCUSD","k":{"t":1591267380000,'
        '"T":1591267439999,"s":"BTCUSD_200626","i":"1m","f":1591267380000,"L":1591267398000,'
        '"o":"9539.67161333","c":"9540.82761333","h":"9540.82761333","l":"9539.66961333",'
        '"v":"0","n":19,"x":true,"q":"0","V":"0","Q":"0","B":"0"}}',
        Kline,
        {"symbol": "BTCUSD_200626", "low": D("9539.66961333"), "is_closed": True},
    ),
    "forceOrder": Case(
        "usdm",
        "btcusdt@forceOrder",
        FORCE,
        Liquidation,
        {
            "symbol": "BTCUSDT",
            "side": "SELL",
            "aggressor_side": AggressorSide.SELL,
            "size": D("0.014"),
            "price": D("9910"),
            "average_price": D("9911"),
            "status": "FILLED",
            "last_filled_size": D("0.004"),
            "filled_size": D("0.014"),
            "order_type": "LIMIT",
            "time_in_force": "IOC",
            "pair": "BTCUSDT",
            "market_code": 1,
            "ts_event_ns": 1568014460893 * MS,
            "ts_transact_ns": 1568014460892 * MS,
        },
    ),
    "forceOrder of all symbols is one object": Case(
        "usdm", "!forceOrder@arr", FORCE, Liquidation, {"symbol": "BTCUSDT", "size": D("0.014")}
    ),
    "coinm forceOrder": Case(
        "coinm",
        "btcusd_200925@forceOrder",
        '{"e":"forceOrder","E":1591154240950,"o":{"s":"BTCUSD_200925","ps":"BTCUSD","S":"BUY",'
        '"o":"LIMIT","f":"IOC","q":"1","p":"9425.5","ap":"9496.5","X":"FILLED","l":"1","z":"1",'
        '"T":1591154240949},"st":1}',
        Liquidation,
        {"symbol": "BTCUSD_200925", "pair": "BTCUSD", "aggressor_side": AggressorSide.BUY},
    ),
    "compositeIndex": Case(
        "usdm",
        "defiusdt@compositeIndex",
        '{"e":"compositeIndex","E":1602310596000,"s":"DEFIUSDT","p":"554.41604065",'
        '"C":"baseAsset","c":[{"b":"BAL","q":"USDT","w":"1.04884844","W":"0.01457800",'
        '"i":"24.33521021"}]}',
        CompositeIndex,
        {"symbol": "DEFIUSDT", "price": D("554.41604065"), "component": "baseAsset"},
    ),
    "contractInfo": Case(
        "usdm",
        "!contractInfo",
        '{"e":"contractInfo","E":1669356423908,"s":"IOTAUSDT","ct":"PERPETUAL",'
        '"dt":4133404800000,"ot":1569398400000,"cs":"TRADING","bks":[{"bs":1,"bnf":0,"bnc":5000,'
        '"mmr":0.01,"cf":0,"mi":21,"ma":50}],"st":1}',
        ContractInfo,
        {
            "symbol": "IOTAUSDT",
            "contract_type": "PERPETUAL",
            "delivery_time": 4133404800000,
            "onboard_time": 1569398400000,
            "status": "TRADING",
        },
    ),
    "assetIndex": Case(
        "usdm",
        "adausd@assetIndex",
        ASSET,
        AssetIndex,
        {
            "symbol": "ADAUSD",
            "index": D("0.27462452"),
            "bid_buffer": D("0.10000000"),
            "ask_rate": D("0.30208698"),
            "auto_ask_buffer": D("0.05000000"),
            "auto_bid_rate": D("0.26089330"),
            "auto_ask_rate": D("0.28835575"),
        },
    ),
    "tradingSession": Case(
        "usdm",
        "tradingSession",
        '{"e":"EquityUpdate","E":1765244143062,"t":1765242000000,"T":1765270800000,'
        '"S":"OVERNIGHT"}',
        TradingSession,
        {
            "symbol": "",
            "event_type": "EquityUpdate",
            "session": "OVERNIGHT",
            "ts_start_ns": 1765242000000 * MS,
            "ts_end_ns": 1765270800000 * MS,
        },
    ),
    "coinm depth": Case(
        "coinm",
        "btcusd_200626@depth",
        '{"e":"depthUpdate","E":1591270260907,"T":1591270260891,"s":"BTCUSD_200626",'
        '"ps":"BTCUSD","U":17285681,"u":17285702,"pu":17285675,"b":[["9517.6","10"]],'
        '"a":[["9518.5","45"]],"st":1}',
        BookDelta,
        {"symbol": "BTCUSD_200626", "bids": [(D("9517.6"), D("10"))], "prev_sequence": 17285675},
    ),
    "coinm aggTrade": Case(
        "coinm",
        "btcusd_200626@aggTrade",
        '{"e":"aggTrade","E":1591261134288,"a":424951,"s":"BTCUSD_200626","p":"9643.5","q":"2",'
        '"f":606073,"l":606073,"T":1591261134199,"m":false,"st":1}',
        AggTrade,
        {"symbol": "BTCUSD_200626", "price": D("9643.5"), "size_without_rpi": None},
    ),
    "rpiDepth": Case(
        "usdm",
        "bnbusdt@rpiDepth@500ms",
        '{"e":"depthUpdate","E":123456789,"T":123456788,"s":"BNBUSDT","U":157,"u":160,"pu":149,'
        '"b":[["0.0024","10"]],"a":[["0.0026","100"]],"ps":"BTCUSDT","st":1}',
        RpiDelta,
        {"sequence": 160, "asks": [(D("0.0026"), D("100"))], "ts_transact_ns": 123456788 * MS},
    ),
}


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


def test_a_composite_indexs_parts_and_a_contracts_brackets() -> None:
    for numbers in ("float", "decimal"):
        events: list[Event] = []
        for name in ("compositeIndex", "contractInfo"):
            BinanceCodec("usdm", numbers=numbers).receive(
                frame_of(CASES[name], "combined"), RECV_NS, events
            )
        index, contract = events
        assert isinstance(index, CompositeIndex)
        assert isinstance(contract, ContractInfo)
        [part], [bracket] = index.parts, contract.brackets
        assert (part.base_asset, part.quote_asset) == ("BAL", "USDT")
        assert part.weight == as_numbers(D("1.04884844"), numbers)
        assert part.index_price == as_numbers(D("24.33521021"), numbers)
        assert bracket.maintenance_ratio == as_numbers(D("0.01"), numbers)
        assert (bracket.cap, bracket.min_leverage, bracket.max_leverage) == (5000, 21, 50)


@pytest.mark.parametrize("combined", [True, False])
@pytest.mark.parametrize(
    ("market", "stream", "payload", "symbols"),
    [
        ("usdm", "!markPrice@arr@1s", MARK, ["BTCUSDT", "BTCUSDT"]),
        ("coinm", "btcusd@markPrice", COINM_MARK, ["BTCUSD_201225", "BTCUSD_201225"]),
        ("usdm", "!assetIndex@arr", ASSET, ["ADAUSD", "ADAUSD"]),
    ],
)
def test_array(
    market: Market, stream: str, payload: str, symbols: list[str], combined: bool
) -> None:
    codec = BinanceCodec(market, combined=combined)
    codec.subscribe([stream])
    array = f"[{payload},{payload}]"
    frame = f'{{"stream":"{stream}","data":{array}}}' if combined else array
    events: list[Event] = []
    codec.receive(frame.encode(), RECV_NS, events)
    assert [event.symbol for event in events] == symbols
    assert codec.stats.undecodable == 0


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_unknown_field_and_an_unknown_word_stop_nothing(case: Case) -> None:
    codec = BinanceCodec(case.market)
    payload = case.payload.replace('"TRADING"', '"SOMETHING_NEW"').replace('"FILLED"', '"NEW2"')
    payload = payload.replace('"OVERNIGHT"', '"LUNAR"')[:-1] + ',"zz":{"deep":[1]}}'
    events: list[Event] = []
    codec.receive(f'{{"stream":"{case.stream}","data":{payload}}}'.encode(), RECV_NS, events)
    assert isinstance(events[0], case.event)
    assert codec.stats.new_fields == {parse_stream(case.stream).kind: {"zz": 1}}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "x", "1e5", " "])
def test_a_funding_rate_is_a_number_or_nothing(text: str) -> None:
    codec = BinanceCodec("usdm")
    events: list[Event] = []
    payload = MARK.replace("0.00038167", text)
    codec.receive(f'{{"stream":"btcusdt@markPrice","data":{payload}}}'.encode(), 1, events)
    assert events == []
    assert codec.stats.undecodable == 1


def test_every_event_has_a_plain_form() -> None:
    for case in CASES.values():
        events: list[Event] = []
        BinanceCodec(case.market).receive(frame_of(case, "combined"), RECV_NS, events)
        plain = events[0].to_dict()
        assert plain["kind"] == events[0].kind
        assert plain["ts_recv_ns"] == RECV_NS


def test_every_kind_of_every_market_is_among_the_documented_payloads() -> None:
    from tests.golden import test_binance_payloads

    seen = {
        (case.market, parse_stream(case.stream).kind)
        for cases in (CASES, test_binance_payloads.CASES)
        for case in cases.values()
    }
    # USD-M and COIN-M share these types.
    shared = {kind for kind in SCHEMAS["coinm"] if SCHEMAS["usdm"].get(kind) is not None}
    missing = {
        (market, kind)
        for market, kinds in SCHEMAS.items()
        for kind in kinds
        if (market, kind) not in seen
        and not (market != "spot" and kind in shared and {("usdm", kind), ("coinm", kind)} & seen)
    }
    assert missing == {("usdm", "trade"), ("coinm", "trade")}  # not documented on futures
