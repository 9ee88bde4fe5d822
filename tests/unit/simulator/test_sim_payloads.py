"""Payloads against the vendor's samples: the same keys, in the same order, with the same types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tickwire.simulator.market import Fill, MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.payloads import ENVELOPE_TAIL, Payloads, envelope_head
from tickwire.simulator.symbols import SymbolSpec

NOW_MS = 1_700_000_000_456
SPEC = SymbolSpec("BNB", "USDT", "0.10", "0.001", "584.30")
FILL = Fill(12345, 5843, 700, 100, (300, 200, 200), True)

# Samples of the Binance documentation, spot ("WebSocket Streams") and USD-M ("Websocket Market
# Streams"), as of 2026. Only keys, order and types are compared.
SAMPLES = {
    (Market.SPOT, "trade"): (
        '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
        '"T":1672515782136,"m":true,"M":true}'
    ),
    (Market.SPOT, "agg_trade"): (
        '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,'
        '"l":105,"T":1672515782136,"m":true,"M":true}'
    ),
    (Market.USDM, "agg_trade"): (
        '{"e":"aggTrade","E":123456789,"s":"BNBUSDT","a":5933014,"p":"0.001","q":"100","nq":"100",'
        '"f":100,"l":105,"T":123456785,"m":true,"st":1}'
    ),
    (Market.SPOT, "book_ticker"): (
        '{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",'
        '"A":"40.66000000"}'
    ),
    (Market.USDM, "book_ticker"): (
        '{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT",'
        '"ps":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000",'
        '"st":1}'
    ),
    (Market.SPOT, "kline"): (
        '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,'
        '"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025",'
        '"l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500",'
        '"B":"123456"}}'
    ),
    (Market.SPOT, "mini_ticker"): (
        '{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010",'
        '"h":"0.0025","l":"0.0010","v":"10000","q":"18"}'
    ),
    (Market.USDM, "mini_ticker"): (
        '{"e":"24hrMiniTicker","E":123456789,"s":"BNBUSDT","c":"0.0025","o":"0.0010","h":"0.0025",'
        '"l":"0.0010","v":"10000","q":"18","ps":"BTCUSDT","st":1}'
    ),
    (Market.SPOT, "ticker"): (
        '{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018",'
        '"x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100",'
        '"o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,"C":86400000,"F":0,'
        '"L":18150,"n":18151}'
    ),
    (Market.USDM, "ticker"): (
        '{"e":"24hrTicker","E":123456789,"s":"BNBUSDT","p":"0.0015","P":"250.00","w":"0.0018",'
        '"c":"0.0025","Q":"10","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,'
        '"C":86400000,"F":0,"L":18150,"n":18151,"ps":"BTCUSDT","st":1}'
    ),
    (Market.SPOT, "depth_diff"): (
        '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,'
        '"b":[["0.0024","10"]],"a":[["0.0026","100"]]}'
    ),
    (Market.USDM, "depth_diff"): (
        '{"e":"depthUpdate","E":123456789,"T":123456788,"s":"BNBUSDT","U":157,"u":160,"pu":149,'
        '"b":[["0.0024","10"]],"a":[["0.0026","100"]],"ps":"BTCUSDT","st":1}'
    ),
    (Market.SPOT, "depth_top"): (
        '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'
    ),
    (Market.USDM, "snapshot"): (
        '{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,'
        '"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}'
    ),
}
SAMPLES[Market.USDM, "kline"] = SAMPLES[Market.SPOT, "kline"]
SAMPLES[Market.USDM, "depth_top"] = SAMPLES[Market.USDM, "depth_diff"]
SAMPLES[Market.SPOT, "snapshot"] = SAMPLES[Market.SPOT, "depth_top"]


def render(market: Market) -> dict[str, bytes]:
    model = MarketModel([SPEC], seed=1, market=market, cadences=1, start_ms=NOW_MS)
    instrument = model.instruments[0]
    while not (instrument.book.windows[0].bids and instrument.book.windows[0].asks):
        model.step(NOW_MS)
    change = instrument.book.take(0)
    assert change is not None
    payloads = Payloads(instrument, market)
    candle = instrument.candles.current("1m")
    return {
        "trade": next(iter(payloads.trades(FILL, NOW_MS))),
        "agg_trade": payloads.agg_trade(FILL, NOW_MS),
        "book_ticker": payloads.book_ticker(NOW_MS),
        "kline": payloads.kline("1m", candle, NOW_MS, is_closed=False),
        "mini_ticker": payloads.mini_ticker(NOW_MS),
        "ticker": payloads.ticker(NOW_MS),
        "depth_diff": payloads.depth_diff(change, NOW_MS),
        "depth_top": payloads.depth_top(1, change, NOW_MS),
        "snapshot": payloads.snapshot(1, NOW_MS),
    }


def shape(value: Any) -> Any:
    """Keys in order with types; arrays by the shape of their first element."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [shape(value[0])]
    return type(value)


@pytest.mark.parametrize(("market", "name"), sorted(SAMPLES))
def test_a_payload_has_the_shape_of_the_vendors_sample(market: Market, name: str) -> None:
    assert shape(json.loads(render(market)[name])) == shape(json.loads(SAMPLES[market, name]))


def test_a_fill_is_one_aggregate_trade_and_a_trade_for_each_part() -> None:
    model = MarketModel([SPEC], seed=1, market=Market.SPOT, cadences=1, start_ms=NOW_MS)
    payloads = Payloads(model.instruments[0], Market.SPOT)
    trades = [json.loads(payload) for payload in payloads.trades(FILL, NOW_MS)]
    assert [(t["t"], t["p"], t["q"]) for t in trades] == [
        (100, "584.30000000", "0.30000000"),
        (101, "584.30000000", "0.20000000"),
        (102, "584.30000000", "0.20000000"),
    ]
    aggregate = json.loads(payloads.agg_trade(FILL, NOW_MS))
    assert (aggregate["f"], aggregate["l"], aggregate["q"]) == (100, 102, "0.70000000")
    assert {t["m"] for t in trades} == {aggregate["m"]} == {True}
    assert aggregate["T"] == aggregate["E"] == NOW_MS


def test_futures_numbers_have_the_decimals_of_the_instrument() -> None:
    rendered = render(Market.USDM)
    aggregate = json.loads(rendered["agg_trade"])
    assert (aggregate["p"], aggregate["q"]) == ("584.30", "0.700")


def test_an_envelope_names_the_stream_and_holds_the_payload_unchanged() -> None:
    payload = b'{"e":"trade"}'
    enveloped = envelope_head("这是测试币456@trade") + payload + ENVELOPE_TAIL
    assert json.loads(enveloped) == {"stream": "这是测试币456@trade", "data": {"e": "trade"}}
    assert payload in enveloped
