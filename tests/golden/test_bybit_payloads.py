"""The messages of Bybit's documentation, each with the events that it should become."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tickwire.exchanges.bybit import BybitCodec
from tickwire.exchanges.bybit.account import (
    BybitBalance,
    BybitFill,
    BybitOrderUpdate,
    BybitPosition,
    BybitWallet,
)
from tickwire.exchanges.bybit.structs import (
    BybitBookDelta,
    BybitBookSnapshot,
    BybitKline,
    BybitLiquidation,
    BybitOptionTicker,
    BybitQuote,
    BybitStatus,
    BybitTicker,
    BybitTrade,
)

if TYPE_CHECKING:
    from tickwire.market import Event

RECV = 1_700_000_000_000_000_000
CASES = [
    pytest.param(
        "spot",
        '{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,'
        '"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50",'
        '"L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,'
        '"seq":1783284617}]}',
        [
            (
                BybitTrade,
                {
                    "symbol": "BTCUSDT",
                    "price": 16578.5,
                    "size": 0.001,
                    "aggressor_side": "buy",
                    "trade_id": "20f43950-d8dd-5b31-9112-a178eb6023af",
                    "sequence": 1783284617,
                    "is_block": False,
                    "ts_transact_ns": 1_672_304_486_865_000_000,
                    "ts_event_ns": 1_672_304_486_868_000_000,
                },
            )
        ],
        id="trade",
    ),
    pytest.param(
        "linear",
        '{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT",'
        '"tickDirection":"MinusTick","price24hPcnt":"-0.158315","lastPrice":"66666.60",'
        '"prevPrice24h":"79206.20","highPrice24h":"79266.30","lowPrice24h":"65076.90",'
        '"prevPrice1h":"66666.60","markPrice":"66666.60","indexPrice":"115418.19",'
        '"openInterest":"492373.72","openInterestValue":"32824881841.75",'
        '"turnover24h":"4936790807.6521","volume24h":"73191.3870",'
        '"fundingIntervalHour":"8","fundingCap":"0.005","nextFundingTime":"1760342400000",'
        '"fundingRate":"-0.005","bid1Price":"66666.60","bid1Size":"23789.165",'
        '"ask1Price":"66666.70","ask1Size":"23775.469"},"cs":9532239429,"ts":1760325052630}',
        [
            (
                BybitTicker,
                {
                    "symbol": "BTCUSDT",
                    "last_price": 66666.6,
                    "open": 79206.2,
                    "high": 79266.3,
                    "low": 65076.9,
                    "volume": 73191.387,
                    "quote_volume": 4936790807.6521,
                    "bid_price": 66666.6,
                    "ask_size": 23775.469,
                    "funding_rate": -0.005,
                    "mark_price": 66666.6,
                    "open_interest": 492373.72,
                    "funding_time": 1760342400000,
                    "cross_sequence": 9532239429,
                    "price_change_fraction": -0.158315,
                    "ts_event_ns": 1_760_325_052_630_000_000,
                },
            )
        ],
        id="ticker-linear",
    ),
    pytest.param(
        "spot",
        '{"topic":"tickers.BTCUSDT","ts":1673853746003,"type":"snapshot","cs":2588407389,'
        '"data":{"symbol":"BTCUSDT","lastPrice":"21109.77","highPrice24h":"21426.99",'
        '"lowPrice24h":"20575","prevPrice24h":"20704.93","volume24h":"6780.866843",'
        '"turnover24h":"141946527.22907118","price24hPcnt":"0.0196",'
        '"usdIndexPrice":"21120.2400136"}}',
        [
            (
                BybitTicker,
                {
                    "last_price": 21109.77,
                    "usd_index_price": 21120.2400136,
                    "bid_price": None,
                    "cross_sequence": 2588407389,
                },
            )
        ],
        id="ticker-spot",
    ),
    pytest.param(
        "linear",
        '{"topic":"kline.5.BTCUSDT","data":[{"start":1672324800000,"end":1672325099999,'
        '"interval":"5","open":"16649.5","close":"16677","high":"16677","low":"16608",'
        '"volume":"2.081","turnover":"34666.4005","confirm":false,'
        '"timestamp":1672324988882}],"ts":1672324988882,"type":"snapshot"}',
        [
            (
                BybitKline,
                {
                    "symbol": "BTCUSDT",
                    "interval": "5",
                    "ts_open_ns": 1_672_324_800_000_000_000,
                    "ts_close_ns": 1_672_325_099_999_000_000,
                    "open": 16649.5,
                    "close": 16677.0,
                    "high": 16677.0,
                    "low": 16608.0,
                    "volume": 2.081,
                    "quote_volume": 34666.4005,
                    "is_closed": False,
                    "ts_event_ns": 1_672_324_988_882_000_000,
                },
            )
        ],
        id="kline",
    ),
    pytest.param(
        "spot",
        '{"topic":"system.status","ts":1751858399649,"data":[{"id":"4d95b2a0-…",'
        '"title":"t06","state":"completed","begin":"1751596902000","end":"1751597011000",'
        '"href":"","serviceTypes":[2,3,4,5],"product":[1,2],"uidSuffix":[],'
        '"maintainType":1,"env":1}]}',
        [
            (
                BybitStatus,
                {
                    "title": "t06",
                    "state": "completed",
                    "begin": 1751596902000,
                    "symbol": "",
                    "ts_event_ns": 1_751_858_399_649_000_000,
                },
            )
        ],
        id="status",
    ),
    pytest.param(
        "linear",
        '{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,'
        '"data":{"s":"BTCUSDT","b":[["16493.50","0.006"],["16493.00","0.100"]],'
        '"a":[["16611.00","0.029"],["16612.00","0.213"]],"u":18521288,"seq":7961638724},'
        '"cts":1672304484976}',
        [
            (
                BybitBookSnapshot,
                {
                    "symbol": "BTCUSDT",
                    "bids": [(16493.5, 0.006), (16493.0, 0.1)],
                    "asks": [(16611.0, 0.029), (16612.0, 0.213)],
                    "sequence": 18521288,
                    "cross_sequence": 7961638724,
                    "ts_event_ns": 1_672_304_484_978_000_000,
                    "ts_transact_ns": 1_672_304_484_976_000_000,
                },
            )
        ],
        id="snapshot",
    ),
    pytest.param(
        "linear",
        '{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,'
        '"data":{"s":"BTCUSDT","b":[["30247.20","30.028"],["30240.00","0"]],'
        '"a":[["30248.70","0"]],"u":177400507,"seq":66544703342},"cts":1687940967464}',
        [
            (
                BybitBookDelta,
                {
                    "symbol": "BTCUSDT",
                    "bids": [(30247.2, 30.028), (30240.0, 0.0)],
                    "asks": [(30248.7, 0.0)],
                    "sequence": 177400507,
                    "first_sequence": 177400507,
                    "cross_sequence": 66544703342,
                    "ts_transact_ns": 1_687_940_967_464_000_000,
                },
            )
        ],
        id="delta",
    ),
    pytest.param(
        "spot",
        '{"topic":"orderbook.full.MNTUSDT","ts":1784103477732,"type":"delta",'
        '"data":{"s":"MNTUSDT","b":[["0.4758","2342.47"]],"a":[],"u":278547,'
        '"seq":1501100579},"cts":1784103477730}',
        [
            (
                BybitBookDelta,
                {
                    "symbol": "MNTUSDT",
                    "bids": [(0.4758, 2342.47)],
                    "asks": [],
                    "sequence": 278547,
                    "cross_sequence": 1501100579,
                },
            )
        ],
        id="full",
    ),
    pytest.param(
        "option",
        '{"id":"5923240c6880ab-c59f-420b-9adb-3639adc9dd90","topic":"order",'
        '"creationTime":1672364262474,"data":[{"symbol":"ETH-30DEC22-1400-C",'
        '"orderId":"5cf98598-39a7-459e-97bf-76ca765ee020","side":"Sell",'
        '"orderType":"Market","cancelType":"UNKNOWN","price":"72.5","qty":"1",'
        '"timeInForce":"IOC","orderStatus":"Filled","orderLinkId":"","reduceOnly":false,'
        '"leavesQty":"","leavesValue":"","cumExecQty":"1","cumExecValue":"75",'
        '"avgPrice":"75","positionIdx":0,"cumExecFee":"0.358635","closedPnl":"0",'
        '"createdTime":"1672364262444","updatedTime":"1672364262457",'
        '"rejectReason":"EC_NoError","category":"option","feeCurrency":"",'
        '"cumFeeDetail":{"MNT":"0.00242968"}}]}',
        [
            (
                BybitOrderUpdate,
                {
                    "symbol": "ETH-30DEC22-1400-C",
                    "order_id": "5cf98598-39a7-459e-97bf-76ca765ee020",
                    "side": "Sell",
                    "order_type": "Market",
                    "status": "Filled",
                    "price": 72.5,
                    "size": 1.0,
                    "filled_size": 1.0,
                    "remaining_size": None,
                    "average_price": 75.0,
                    "client_order_id": "",
                    "fees": {"MNT": 0.00242968},
                    "reject_reason": "EC_NoError",
                    "ts_transact_ns": 1_672_364_262_457_000_000,
                    "ts_event_ns": 1_672_364_262_474_000_000,
                },
            )
        ],
        id="order",
    ),
    pytest.param(
        "linear",
        '{"id":"1003076014fb7eedb-c7e6-45d6-a8c1-270f0169171a","topic":"position",'
        '"creationTime":1697682317044,"data":[{"positionIdx":2,"symbol":"BTCUSDT",'
        '"side":"","size":"0","entryPrice":"0","leverage":"10","positionValue":"0",'
        '"markPrice":"28184.5","positionIM":"0","positionMM":"0","takeProfit":"0",'
        '"stopLoss":"0","unrealisedPnl":"0","curRealisedPnl":"1.26",'
        '"cumRealisedPnl":"-25.06579337","createdTime":"1694402496913",'
        '"updatedTime":"1697682317038","liqPrice":"0","category":"linear",'
        '"positionStatus":"Normal","adlRankIndicator":0,"seq":8327597863,'
        '"isReduceOnly":false}]}',
        [
            (
                BybitPosition,
                {
                    "symbol": "BTCUSDT",
                    "side": "",
                    "size": 0.0,
                    "index": 2,
                    "leverage": 10.0,
                    "realized_pnl": 1.26,
                    "status": "Normal",
                    "sequence": 8327597863,
                    "ts_event_ns": 1_697_682_317_044_000_000,
                },
            )
        ],
        id="position",
    ),
    pytest.param(
        "linear",
        '{"id":"592324d2bce751-ad38-48eb-8f42-4671d1fb4d4e","topic":"wallet",'
        '"creationTime":1700034722104,"data":[{"accountType":"UNIFIED",'
        '"totalEquity":"10262.91335023","totalWalletBalance":"9684.46297164",'
        '"totalMarginBalance":"9684.46297164","totalAvailableBalance":"9556.6056555",'
        '"totalPerpUPL":"0","totalInitialMargin":"0","totalMaintenanceMargin":"0",'
        '"accountIMRate":"0","accountMMRate":"0","coin":[{"coin":"BTC",'
        '"equity":"0.00102964","usdValue":"36.70759517","walletBalance":"0.00102964",'
        '"locked":"0","borrowAmount":"0","accruedInterest":"0","unrealisedPnl":"0",'
        '"cumRealisedPnl":"-0.00000973","collateralSwitch":true,"marginCollateral":true,'
        '"spotBorrow":"0"}]}]}',
        [
            (
                BybitWallet,
                {
                    "account_type": "UNIFIED",
                    "total_equity": 10262.91335023,
                    "total_available": 9556.6056555,
                },
            ),
            (
                BybitBalance,
                {
                    "asset": "BTC",
                    "total": 0.00102964,
                    "frozen": 0.0,
                    "equity_usd": 36.70759517,
                    "symbol": "",
                    "ts_event_ns": 1_700_034_722_104_000_000,
                },
            ),
        ],
        id="wallet",
    ),
    pytest.param(
        "linear",
        '{"topic":"execution","id":"386825804_BTCUSDT_140612148849382",'
        '"creationTime":1746270400355,"data":[{"category":"linear","symbol":"BTCUSDT",'
        '"execId":"0ab1bdf7-4219-438b-b30a-32ec863018f7","execPrice":"95900.1",'
        '"execQty":"0.5","execType":"Trade","execValue":"47950.05","execFee":"26.3725275",'
        '"feeRate":"0.00055","feeCurrency":"USDT","execTime":"1746270400353",'
        '"orderId":"9aac161b-8ed6-450d-9cab-c5cc67c21784","orderLinkId":"",'
        '"orderPrice":"94942.5","orderQty":"0.5","orderType":"Market","side":"Sell",'
        '"isMaker":false,"leavesQty":"0","closedSize":"0.5","seq":140612148849382,'
        '"execPnl":"0.05"}]}',
        [
            (
                BybitFill,
                {
                    "symbol": "BTCUSDT",
                    "fill_id": "0ab1bdf7-4219-438b-b30a-32ec863018f7",
                    "price": 95900.1,
                    "size": 0.5,
                    "commission": 26.3725275,
                    "commission_asset": "USDT",
                    "is_maker": False,
                    "side": "Sell",
                    "ts_transact_ns": 1_746_270_400_353_000_000,
                },
            )
        ],
        id="execution",
    ),
    pytest.param(
        "linear",
        '{"topic":"execution.fast","creationTime":1716800399338,'
        '"data":[{"category":"linear","symbol":"ICPUSDT",'
        '"execId":"3510f361-0add-5c7b-a2e7-9679810944fc","execPrice":"12.015",'
        '"execQty":"3000","orderId":"443d63fa-b4c3-4297-b7b1-23bca88b04dc","isMaker":false,'
        '"orderLinkId":"test-00001","side":"Sell","execTime":"1716800399334",'
        '"seq":34771365464}]}',
        [
            (
                BybitFill,
                {
                    "symbol": "ICPUSDT",
                    "price": 12.015,
                    "size": 3000.0,
                    "commission": None,
                    "execution_type": "Trade",
                    "client_order_id": "test-00001",
                    "sequence": 34771365464,
                },
            )
        ],
        id="execution-fast",
    ),
    pytest.param(
        "spot",
        '{"topic":"orderbook.1.BTCUSDT","ts":1672304484978,"type":"snapshot",'
        '"data":{"s":"BTCUSDT","b":[["16493.50","0.006"]],"a":[],"u":18521288,'
        '"seq":7961638724},"cts":1672304484976}',
        [
            (
                BybitQuote,
                {
                    "symbol": "BTCUSDT",
                    "bid_price": 16493.5,
                    "bid_size": 0.006,
                    "ask_price": 0.0,
                    "ask_size": 0.0,
                    "sequence": 18521288,
                    "cross_sequence": 7961638724,
                    "ts_transact_ns": 1_672_304_484_976_000_000,
                },
            )
        ],
        id="quote",
    ),
    pytest.param(
        "linear",
        '{"topic":"orderbook.rpi.BTCUSDT","ts":1752472188075,"type":"delta",'
        '"data":{"s":"BTCUSDT","b":[["121975.1","0.5","0.25"],["121975","0","0"]],"a":[],'
        '"u":1877,"seq":25},"cts":1752472188070}',
        [
            (
                BybitBookDelta,
                {
                    "symbol": "BTCUSDT",
                    "bids": [(121975.1, 0.75), (121975.0, 0.0)],
                    "asks": [],
                    "sequence": 1877,
                },
            )
        ],
        id="rpi",
    ),
    pytest.param(
        "linear",
        '{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1739502303204,'
        '"data":[{"T":1739502302929,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}]}',
        [
            (
                BybitLiquidation,
                {
                    "symbol": "ROSEUSDT",
                    "side": "Buy",
                    "position_side": "Sell",
                    "size": 20000.0,
                    "price": 0.04499,
                    "ts_transact_ns": 1_739_502_302_929_000_000,
                },
            )
        ],
        id="liquidation",
    ),
    pytest.param(
        "option",
        '{"id":"tickers.BTC-6JAN23-17500-C-2480334983-1672917511074",'
        '"topic":"tickers.BTC-6JAN23-17500-C","ts":1672917511074,'
        '"data":{"symbol":"BTC-6JAN23-17500-C","bidPrice":"0","bidSize":"0","bidIv":"0",'
        '"askPrice":"10","askSize":"5.1","askIv":"0.514","lastPrice":"10",'
        '"highPrice24h":"25","lowPrice24h":"5","markPrice":"7.86976724",'
        '"indexPrice":"16823.73","markPriceIv":"0.4896","underlyingPrice":"16815.1",'
        '"openInterest":"49.85","turnover24h":"446802.8473","volume24h":"26.55",'
        '"totalVolume":"86","totalTurnover":"1437431","delta":"0.047831",'
        '"gamma":"0.00021453","vega":"0.81351067","theta":"-19.9115368",'
        '"predictedDeliveryPrice":"0","change24h":"-0.33333334"},"type":"snapshot"}',
        [
            (
                BybitOptionTicker,
                {
                    "symbol": "BTC-6JAN23-17500-C",
                    "ask_price": 10.0,
                    "ask_volatility": 0.514,
                    "delta": 0.047831,
                    "volume": 26.55,
                },
            )
        ],
        id="ticker-option",
    ),
]


@pytest.mark.parametrize(("market", "frame", "expected"), CASES)
def test_a_payload(
    market: str, frame: str, expected: list[tuple[type[Event], dict[str, Any]]]
) -> None:
    codec = BybitCodec(market)
    for attempt in range(2):  # in full, and then as its beginning was learnt
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


@pytest.mark.parametrize(("market", "frame", "expected"), CASES)
def test_a_payload_in_decimals(
    market: str, frame: str, expected: list[tuple[type[Event], dict[str, Any]]]
) -> None:
    codec = BybitCodec(market, numbers="decimal")
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


def test_another_order_of_keys_gives_the_same() -> None:
    _, frame, _ = next(case.values for case in CASES if case.id == "delta")
    assert isinstance(frame, str)
    head, _, data = frame.partition('"data":')
    body, _, tail = data.partition('},"cts"')
    other = (
        '{"cts"' + tail.removesuffix("}") + ',"data":' + body + "}," + head[1:].rstrip(",") + "}"
    )
    events: list[Event] = []
    BybitCodec("linear").receive(frame.encode(), RECV, events)
    BybitCodec("linear").receive(other.encode(), RECV, events)
    assert events[0] == events[1]
