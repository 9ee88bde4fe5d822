"""The messages of OKX's guide, each with the events that it should become."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tickwire.exchanges.okx import OkxCodec
from tickwire.exchanges.okx.account import (
    OkxAccount,
    OkxBalance,
    OkxFill,
    OkxOrderUpdate,
    OkxPosition,
)
from tickwire.exchanges.okx.structs import (
    OkxBookDelta,
    OkxBookSnapshot,
    OkxFundingRate,
    OkxIndexPrice,
    OkxInstrumentChange,
    OkxKline,
    OkxLiquidation,
    OkxMarkPrice,
    OkxOpenInterest,
    OkxPriceLimit,
    OkxQuote,
    OkxStatus,
    OkxTicker,
    OkxTrade,
)

if TYPE_CHECKING:
    from tickwire.market import Event

RECV = 1_700_000_000_000_000_000
CASES = [
    pytest.param(
        '{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT",'
        '"instId":"BTC-USDT","last":"9999.99","lastSz":"0.1","askPx":"9999.99",'
        '"askSz":"11","bidPx":"8888.88","bidSz":"5","open24h":"9000","high24h":"10000",'
        '"low24h":"8888.88","volCcy24h":"2222","vol24h":"2222","sodUtc0":"2222",'
        '"sodUtc8":"2222","ts":"1597026383085"}]}',
        [
            (
                OkxTicker,
                {
                    "symbol": "BTC-USDT",
                    "last_price": 9999.99,
                    "last_size": 0.1,
                    "ask_price": 9999.99,
                    "ask_size": 11.0,
                    "bid_price": 8888.88,
                    "bid_size": 5.0,
                    "open": 9000.0,
                    "high": 10000.0,
                    "low": 8888.88,
                    "volume": 2222.0,
                    "currency_volume": 2222.0,
                    "quote_volume": 2222.0,
                    "open_utc_0": 2222.0,
                    "ts_event_ns": 1_597_026_383_085_000_000,
                },
            )
        ],
        id="tickers",
    ),
    pytest.param(
        '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
        '"tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy",'
        '"ts":"1630048897897","count":"3","source":"0","seqId":1234}]}',
        [
            (
                OkxTrade,
                {
                    "symbol": "BTC-USDT",
                    "trade_id": 130639474,
                    "price": 42219.9,
                    "size": 0.12060306,
                    "aggressor_side": "buy",
                    "count": 3,
                    "sequence": 1234,
                    "ts_event_ns": 1_630_048_897_897_000_000,
                    "ts_transact_ns": 1_630_048_897_897_000_000,
                },
            )
        ],
        id="trades",
    ),
    pytest.param(
        '{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
        '"tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","source":"0",'
        '"ts":"1630048897897"}]}',
        [(OkxTrade, {"trade_id": 130639474, "count": 1, "sequence": 0, "source": "0"})],
        id="trades-all",
    ),
    pytest.param(
        '{"arg":{"channel":"bbo-tbt","instId":"BCH-USDT-SWAP"},"data":[{"asks":[["111.06",'
        '"55154","0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802",'
        '"seqId":363996337}]}',
        [
            (
                OkxQuote,
                {
                    "symbol": "BCH-USDT-SWAP",
                    "bid_price": 111.05,
                    "bid_size": 57745.0,
                    "ask_price": 111.06,
                    "ask_size": 55154.0,
                    "sequence": 363996337,
                    "ts_transact_ns": 1_670_324_386_802_000_000,
                },
            )
        ],
        id="bbo-tbt",
    ),
    pytest.param(
        '{"arg":{"channel":"candle1D","instId":"BTC-USDT"},"data":[["1597026383085",'
        '"8533.02","8553.74","8527.17","8548.26","45247","529.5858061","5529.5858061",'
        '"0"]]}',
        [
            (
                OkxKline,
                {
                    "symbol": "BTC-USDT",
                    "interval": "1D",
                    "ts_open_ns": 1_597_026_383_085_000_000,
                    "ts_close_ns": 1_597_112_783_084_000_000,
                    "open": 8533.02,
                    "high": 8553.74,
                    "low": 8527.17,
                    "close": 8548.26,
                    "volume": 45247.0,
                    "currency_volume": 529.5858061,
                    "quote_volume": 5529.5858061,
                    "is_closed": False,
                },
            )
        ],
        id="candle1D",
    ),
    pytest.param(
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot",'
        '"data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],'
        '"ts":"1597026383085","checksum":0,"prevSeqId":-1,"seqId":123456}]}',
        [
            (
                OkxBookSnapshot,
                {
                    "symbol": "BTC-USDT",
                    "bids": [(8476.97, 256.0)],
                    "asks": [(8476.98, 415.0)],
                    "sequence": 123456,
                    "ts_event_ns": 1_597_026_383_085_000_000,
                },
            )
        ],
        id="books0",
    ),
    pytest.param(
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update",'
        '"data":[{"asks":[],"bids":[["8475.3","0","0","0"]],"ts":"1597026383185",'
        '"checksum":0,"prevSeqId":123456,"seqId":123457}]}',
        [
            (
                OkxBookDelta,
                {
                    "symbol": "BTC-USDT",
                    "bids": [(8475.3, 0.0)],
                    "asks": [],
                    "sequence": 123457,
                    "prev_sequence": 123456,
                    "first_sequence": 123457,
                },
            )
        ],
        id="books1",
    ),
    pytest.param(
        '{"arg":{"channel":"account","uid":"44"},"eventType":"snapshot","curPage":1,'
        '"lastPage":true,"data":[{"uTime":"1705564223311","totalEq":"55868.06",'
        '"adjEq":"55444.12","availEq":"55444.12","isoEq":"0","ordFroz":"0","imr":"0",'
        '"mmr":"0","mgnRatio":"","notionalUsd":"0","upl":"0","details":[{"ccy":"USDT",'
        '"eq":"4892.95","cashBal":"4750.42","availBal":"4734.37","availEq":"4734.37",'
        '"frozenBal":"158.57","ordFrozen":"0","disEq":"4889.37","eqUsd":"4889.37",'
        '"coinUsdPrice":"0.99927","upl":"-7.47","liab":"0","crossLiab":"0","isoLiab":"0",'
        '"isoEq":"0","interest":"0","maxLoan":"0","mgnRatio":"",'
        '"uTime":"1705564213903"}]}]}',
        [
            (
                OkxAccount,
                {"total_equity": 55868.06, "event_type": "snapshot", "is_last_page": True},
            ),
            (
                OkxBalance,
                {
                    "asset": "USDT",
                    "total": 4892.95,
                    "available": 4734.37,
                    "frozen": 158.57,
                    "cash": 4750.42,
                    "symbol": "",
                    "ts_event_ns": 1_705_564_213_903_000_000,
                },
            ),
        ],
        id="account",
    ),
    pytest.param(
        '{"arg":{"channel":"positions","instType":"ANY","uid":"187956862690435072"},'
        '"data":[{"adl":"1","availPos":"","avgPx":"43684","cTime":"1644330337903",'
        '"ccy":"USDT","imr":"43.69104315276841","instId":"BTC-USDT-SWAP","instType":"SWAP",'
        '"last":"43692.1","lever":"10","liqPx":"23739.456120525683","margin":"",'
        '"markPx":"43691.043152768407","mgnMode":"cross","mgnRatio":"102.02149323145969",'
        '"mmr":"1.7476417261107364","notionalUsd":"437.3735565851034",'
        '"pTime":"1644330793928","pos":"1","posId":"325382268437037058","posSide":"net",'
        '"tradeId":"186646171","uTime":"1644330337903","upl":"0.0704315276840498",'
        '"uplRatio":"0.0016122957532283"}]}',
        [
            (
                OkxPosition,
                {
                    "symbol": "BTC-USDT-SWAP",
                    "side": "net",
                    "size": 1.0,
                    "available": None,
                    "entry_price": 43684.0,
                    "leverage": 10.0,
                    "liquidation_price": 23739.456120525683,
                    "margin_mode": "cross",
                    "unrealized_pnl": 0.0704315276840498,
                    "ts_event_ns": 1_644_330_793_928_000_000,
                },
            )
        ],
        id="positions",
    ),
    pytest.param(
        '{"arg":{"channel":"orders","instType":"SPOT","instId":"BTC-USDT",'
        '"uid":"614488474791936"},"data":[{"instType":"SPOT","instId":"BTC-USDT",'
        '"ordId":"452197707845865472","clOrdId":"","side":"sell","posSide":"",'
        '"tdMode":"cash","ordType":"limit","px":"31527.1","sz":"0.001","state":"filled",'
        '"accFillSz":"0.001","avgPx":"31527.1","fillPx":"31527.1","fillSz":"0.001",'
        '"fillTime":"1654084353263","tradeId":"242589207","execType":"M",'
        '"fillFee":"-0.02522168","fillFeeCcy":"USDT","fee":"-0.02522168","feeCcy":"USDT",'
        '"rebate":"0","rebateCcy":"BTC","cTime":"1654084334977","uTime":"1654084353264",'
        '"code":"0","msg":"","reqId":"","cancelSource":"","category":"normal"}]}',
        [
            (
                OkxOrderUpdate,
                {
                    "symbol": "BTC-USDT",
                    "order_id": "452197707845865472",
                    "client_order_id": "",
                    "side": "sell",
                    "order_type": "limit",
                    "status": "filled",
                    "price": 31527.1,
                    "size": 0.001,
                    "filled_size": 0.001,
                    "last_filled_size": 0.001,
                    "last_price": 31527.1,
                    "commission": -0.02522168,
                    "commission_asset": "USDT",
                    "trade_id": "242589207",
                    "is_maker": True,
                    "ts_transact_ns": 1_654_084_353_264_000_000,
                },
            )
        ],
        id="orders",
    ),
    pytest.param(
        '{"arg":{"channel":"mark-price","instId":"BTC-USDT-SWAP"},'
        '"data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP","markPx":"42310.6",'
        '"ts":"1630049139746"}]}',
        [(OkxMarkPrice, {"symbol": "BTC-USDT-SWAP", "mark_price": 42310.6})],
        id="mark-price",
    ),
    pytest.param(
        '{"arg":{"channel":"index-tickers","instId":"BTC-USD"},"data":[{"instId":"BTC-USD",'
        '"idxPx":"42310.6","high24h":"43000","low24h":"","open24h":"42000","sodUtc0":"1",'
        '"sodUtc8":"2","ts":"1630049139746"}]}',
        [(OkxIndexPrice, {"symbol": "BTC-USD", "price": 42310.6, "high": 43000.0, "low": None})],
        id="index-tickers",
    ),
    pytest.param(
        '{"arg":{"channel":"funding-rate","instId":"BTC-USD-SWAP"},'
        '"data":[{"instId":"BTC-USD-SWAP","instType":"SWAP","method":"current_period",'
        '"formulaType":"noRate","fundingRate":"0.0001","fundingTime":"1700726400000",'
        '"nextFundingRate":"","nextFundingTime":"1700755200000","minFundingRate":"-0.003",'
        '"maxFundingRate":"0.003","interestRate":"0.0001","impactValue":"1",'
        '"premium":"0.0002","settState":"settled","settFundingRate":"0.0001",'
        '"ts":"1700724675402"}]}',
        [
            (
                OkxFundingRate,
                {"funding_rate": 0.0001, "next_funding_rate": None, "funding_time": 1700726400000},
            )
        ],
        id="funding-rate",
    ),
    pytest.param(
        '{"arg":{"channel":"open-interest","instId":"BTC-USD-SWAP"},'
        '"data":[{"instType":"SWAP","instId":"BTC-USD-SWAP","oi":"2216113",'
        '"oiCcy":"22161.13","oiUsd":"22","ts":"1630049139746"}]}',
        [(OkxOpenInterest, {"contracts": 2216113.0, "usd": 22.0})],
        id="open-interest",
    ),
    pytest.param(
        '{"arg":{"channel":"price-limit","instId":"BTC-USD-SWAP"},'
        '"data":[{"instId":"BTC-USD-SWAP","buyLmt":"","sellLmt":"300","ts":"1630049139746",'
        '"enabled":false}]}',
        [(OkxPriceLimit, {"highest_buy": None, "lowest_sell": 300.0, "enabled": False})],
        id="price-limit",
    ),
    pytest.param(
        '{"arg":{"channel":"liquidation-orders","instType":"SWAP"},'
        '"data":[{"instType":"SWAP","instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP",'
        '"uly":"IOST-USDT","details":[{"side":"sell","posSide":"long","bkPx":"0.0081",'
        '"sz":"13","bkLoss":"0","ccy":"","ts":"1692266434010"},{"side":"buy",'
        '"posSide":"short","bkPx":"0.0082","sz":"14","bkLoss":"","ccy":"",'
        '"ts":"1692266434011"}]}]}',
        [
            (
                OkxLiquidation,
                {
                    "symbol": "IOST-USDT-SWAP",
                    "side": "sell",
                    "price": 0.0081,
                    "size": 13.0,
                    "position_side": "long",
                    "aggressor_side": "sell",
                },
            ),
            (OkxLiquidation, {"size": 14.0, "loss": None}),
        ],
        id="liquidation-orders",
    ),
    pytest.param(
        '{"arg":{"channel":"instruments","instType":"SPOT"},"data":[{"instType":"SPOT",'
        '"instId":"NEW-USDT","state":"preopen","tickSz":"0.1","lotSz":"1","alias":""}]}',
        [(OkxInstrumentChange, {"symbol": "NEW-USDT", "state": "preopen", "price_tick": "0.1"})],
        id="instruments",
    ),
    pytest.param(
        '{"arg":{"channel":"status"},"data":[{"title":"Spot upgrade","state":"scheduled",'
        '"begin":"1610019546","href":"","end":"1610019546","serviceType":"1",'
        '"system":"unified","maintType":"1","env":"1","scheDesc":"","preOpenBegin":"",'
        '"ts":"1597026383085"}]}',
        [
            (
                OkxStatus,
                {"title": "Spot upgrade", "state": "scheduled", "service": "1", "symbol": ""},
            )
        ],
        id="status",
    ),
    pytest.param(
        '{"arg":{"channel":"books5","instId":"BCH-USDT"},"data":[{"asks":[["111.06",'
        '"55154","0","2"],["111.07","53276","0","2"]],"bids":[["111.05","57745","0","2"]],'
        '"instId":"BCH-USDT","ts":"1670324386802","seqId":363996337}]}',
        [
            (
                OkxBookSnapshot,
                {
                    "symbol": "BCH-USDT",
                    "asks": [(111.06, 55154.0), (111.07, 53276.0)],
                    "bids": [(111.05, 57745.0)],
                    "sequence": 363996337,
                },
            )
        ],
        id="books5",
    ),
    pytest.param(
        '{"arg":{"channel":"books-rpi","instId":"BTC-USDT"},"action":"update",'
        '"data":[{"asks":[["8476.98","415","400","13"]],"bids":[],"ts":"1597026383185",'
        '"prevSeqId":1,"seqId":2}]}',
        [(OkxBookDelta, {"asks": [(8476.98, 415.0)], "bids": [], "sequence": 2})],
        id="books-rpi",
    ),
    pytest.param(
        '{"arg":{"channel":"balance_and_position","uid":"77982378738415879"},'
        '"data":[{"pTime":"1597026383085","eventType":"snapshot","balData":[{"ccy":"BTC",'
        '"cashBal":"1","uTime":"1597026383085"}],"posData":[{"posId":"1111111111",'
        '"tradeId":"2","instId":"BTC-USD-191018","instType":"FUTURES","mgnMode":"cross",'
        '"posSide":"long","pos":"10","ccy":"BTC","posCcy":"","avgPx":"3320",'
        '"uTime":"1597026383085"}],"trades":[{"instId":"BTC-USD-191018","tradeId":"2"}]}]}',
        [
            (OkxBalance, {"asset": "BTC", "total": 1.0}),
            (
                OkxPosition,
                {
                    "symbol": "BTC-USD-191018",
                    "size": 10.0,
                    "side": "long",
                    "ts_event_ns": 1_597_026_383_085_000_000,
                },
            ),
        ],
        id="balance_and_position",
    ),
    pytest.param(
        '{"arg":{"channel":"fills","uid":"1"},"data":[{"instId":"BTC-USDT","fillSz":"1",'
        '"fillPx":"2.5","side":"buy","ts":"1630048897897","ordId":"7","clOrdId":"",'
        '"tradeId":"9","execType":"T","count":"1"}]}',
        [
            (
                OkxFill,
                {
                    "symbol": "BTC-USDT",
                    "fill_id": "9",
                    "order_id": "7",
                    "price": 2.5,
                    "is_maker": False,
                    "ts_transact_ns": 1_630_048_897_897_000_000,
                },
            )
        ],
        id="fills",
    ),
]


@pytest.mark.parametrize(("frame", "expected"), CASES)
def test_a_payload(frame: str, expected: list[tuple[type[Event], dict[str, Any]]]) -> None:
    codec = OkxCodec()
    # In full, and then as its beginning was learnt; private ones are always read in full.
    for attempt in range(1 if '"uid"' in frame else 2):
        events: list[Event] = []
        codec.receive(frame.encode(), RECV, events)
        assert [type(event) for event in events] == [kind for kind, _ in expected], attempt
        for event, (_, values) in zip(events, expected, strict=True):
            assert {name: getattr(event, name) for name in values} == values
            assert event.ts_recv_ns == RECV
            event.to_dict()
    assert not codec.stats.undecodable
    assert not codec.stats.unknown
    assert not codec.stats.new_fields


@pytest.mark.parametrize(("frame", "expected"), CASES)
def test_a_payload_in_decimals(
    frame: str, expected: list[tuple[type[Event], dict[str, Any]]]
) -> None:
    codec = OkxCodec(numbers="decimal")
    events: list[Event] = []
    codec.receive(frame.encode(), RECV, events)
    assert len(events) == len(expected)
    for event, (kind, values) in zip(events, expected, strict=True):
        assert isinstance(event, kind)
        for name, value in values.items():
            found = getattr(event, name)
            if isinstance(value, float):
                assert isinstance(found, Decimal)
                assert float(found) == value
            elif isinstance(value, list):
                assert all(isinstance(number, Decimal) for level in found for number in level)
