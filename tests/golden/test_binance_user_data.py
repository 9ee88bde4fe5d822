"""Binance's documented user-data messages become these events, whichever way they come.

The payloads are the vendor's samples, spot, margin and futures, documentation of August 2026.
"""

from __future__ import annotations

import json
import pickle
from decimal import Decimal as D
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tickwire.errors import ConfigurationError
from tickwire.exchanges import RotateBy
from tickwire.exchanges.binance import UserDataCodec
from tickwire.exchanges.binance.account import (
    USER_EVENTS,
    AccountUpdate,
    AlgoUpdate,
    ConditionalOrderReject,
    ConfigUpdate,
    ExecutionReport,
    ExternalLock,
    FuturesOrder,
    GridUpdate,
    LiabilityChange,
    ListenKeyExpired,
    ListStatus,
    MarginCall,
    MarginLevelChange,
    StrategyUpdate,
    StreamTerminated,
    TradeLite,
    WalletUpdate,
)
from tickwire.market import AccountEvent, BalanceChange, Event, OrderUpdate

if TYPE_CHECKING:
    from tickwire.exchanges.binance.routes import Numbers

MS = 1_000_000
RECV_NS = 1_772_506_983_600_000_123
KEY = "OfYGbUzi3PraNagEkdKuFwUHn48brFsItTdsuiXrucvglvMAXJJTv0OgU5nd"
REPORT: dict[str, Any] = {
    **{"e": "executionReport", "E": 1499405658658, "s": "ETHBTC", "c": "mUvoqJxFIILMdfAW5iGSOW"},
    **{"S": "BUY", "o": "LIMIT", "f": "GTC", "q": "1.00000000", "p": "0.10264410"},
    **{"P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "NEW", "X": "NEW"},
    **{"r": "NONE", "i": 4293153, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000"},
    **{"n": "0", "N": None, "T": 1499405658657, "t": -1, "v": 3, "I": 8641984, "w": True},
    **{"m": False, "M": False, "O": 1499405658657, "Z": "0.00000000", "Y": "0.00000000"},
    **{"Q": "0.00000000", "W": 1499405658657, "V": "NONE"},
}
ORDER: dict[str, Any] = {
    **{"s": "BTCUSDT", "c": "TEST", "S": "SELL", "o": "TRAILING_STOP_MARKET", "f": "GTC"},
    **{"q": "0.001", "p": "0", "ap": "0", "sp": "7103.04", "x": "NEW", "X": "NEW", "i": 8886774},
    **{"l": "0", "z": "0", "L": "0", "N": "USDT", "n": "0", "T": 1568879465650, "t": 0, "b": "0"},
    **{"a": "9.91", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "TRAILING_STOP_MARKET"},
    **{"ps": "LONG", "cp": False, "AP": "7476.89", "cr": "5.0", "pP": False, "si": 0, "ss": 0},
    **{"rp": "0", "V": "EXPIRE_TAKER", "pm": "OPPONENT", "gtd": 0, "er": "0"},
}
ALGO: dict[str, Any] = {
    **{"caid": "Q5xaq5EGKgXXa0fD7fs0Ip", "aid": 2148719, "at": "CONDITIONAL", "o": "TAKE_PROFIT"},
    **{"s": "BNBUSDT", "S": "SELL", "ps": "BOTH", "f": "GTC", "q": "0.01", "X": "CANCELED"},
    **{"ai": "", "ap": "0.00000", "aq": "0.00000", "act": "0", "tp": "750", "p": "750"},
    **{"V": "EXPIRE_MAKER", "wt": "CONTRACT_PRICE", "pm": "NONE", "cp": False, "pP": False},
    **{"R": False, "tt": 0, "gtd": 0, "rm": "Reduce Only reject"},
}


class Case(NamedTuple):
    payload: dict[str, Any]
    event: type[Event]
    values: dict[str, Any]


CASES = {
    "executionReport": Case(
        REPORT,
        ExecutionReport,
        {
            "kind": "order_update",
            "symbol": "ETHBTC",
            "ts_event_ns": 1499405658658 * MS,
            "ts_transact_ns": 1499405658657 * MS,
            "ts_order_ns": 1499405658657 * MS,
            "order_id": 4293153,
            "client_order_id": "mUvoqJxFIILMdfAW5iGSOW",
            "original_client_order_id": "",
            "side": "BUY",
            "order_type": "LIMIT",
            "status": "NEW",
            "execution_type": "NEW",
            "size": D("1.00000000"),
            "price": D("0.10264410"),
            "filled_size": D("0.00000000"),
            "commission": D("0"),
            "commission_asset": None,
            "trade_id": -1,
            "is_maker": False,
            "is_on_book": True,
            "prevented_match_id": 3,
            "pegged_price": None,
        },
    ),
    "executionReport, trailing, pegged, prevented": Case(
        REPORT
        | {"d": 4, "D": 1668680518494, "j": 1, "J": 1000000, "A": "3.0", "B": "3.0", "u": 1}
        | {"U": 37, "Cs": "BTCUSDT", "pl": "2.1", "pL": "0.1", "pY": "0.21", "b": "ONE_PARTY"}
        | {"a": 1234, "k": "SOR", "uS": True, "gP": "PRIMARY_PEG", "gOT": "PRICE_LEVEL"}
        | {"gOV": 5, "gp": "1.5", "eR": "OCO_TRIGGER"},
        ExecutionReport,
        {
            "trailing_delta": 4,
            "prevented_size": D("3.0"),
            "counter_symbol": "BTCUSDT",
            "prevented_execution_price": D("0.1"),
            "used_sor": True,
            "pegged_price": D("1.5"),
            "expiry_reason": "OCO_TRIGGER",
        },
    ),
    "outboundAccountPosition": Case(
        {
            **{"e": "outboundAccountPosition", "E": 1564034571105, "u": 1564034571073},
            "B": [{"a": "ETH", "f": "10000.000000", "l": "0.000000"}],
        },
        WalletUpdate,
        {"symbol": "", "update_time": 1564034571073, "balances.0.free": D("10000.000000")},
    ),
    "balanceUpdate": Case(
        {
            **{"e": "balanceUpdate", "E": 1573200697110, "a": "BTC", "d": "-100.00000000"},
            "T": 1573200697068,
        },
        BalanceChange,
        {
            "kind": "balance_change",
            "asset": "BTC",
            "change": D("-100.00000000"),
            "ts_transact_ns": 1573200697068 * MS,
        },
    ),
    "externalLockUpdate": Case(
        {
            **{"e": "externalLockUpdate", "E": 1581557507324, "a": "NEO", "d": "10.00000000"},
            "T": 1581557507268,
        },
        ExternalLock,
        {"asset": "NEO", "change": D("10.00000000"), "kind": "external_lock"},
    ),
    "listStatus": Case(
        {
            **{"e": "listStatus", "E": 1564035303637, "s": "ETHBTC", "g": 2, "c": "OCO"},
            **{"l": "EXEC_STARTED", "L": "EXECUTING", "r": "NONE", "C": "F4QN4G8DlFATFlIUQ0cjdD"},
            "T": 1564035303625,
            "O": [{"s": "ETHBTC", "i": 17, "c": "AJYsMjErWJesZvqlJCTUgL"}],
        },
        ListStatus,
        {
            "order_list_id": 2,
            "contingency": "OCO",
            "list_status": "EXEC_STARTED",
            "order_status": "EXECUTING",
            "orders.0.order_id": 17,
        },
    ),
    "eventStreamTerminated": Case(
        {"e": "eventStreamTerminated", "E": 1728973001334},
        StreamTerminated,
        {"ts_event_ns": 1728973001334 * MS},
    ),
    "listenKeyExpired": Case(
        {"e": "listenKeyExpired", "E": 1699596037418, "listenKey": KEY},
        ListenKeyExpired,
        {"listen_key": KEY},
    ),
    **{
        label: Case(
            {"e": label, "E": 1701949801133, "l": "1.1", "s": "MARGIN_CALL"},
            MarginLevelChange,
            {"symbol": "", "level": D("1.1"), "status": "MARGIN_CALL"},
        )
        for label in ("MARGIN_LEVEL_STATUS_CHANGE", "marginLevelStatusChange")
    },
    **{
        label: Case(
            {"e": label, "E": 1701949763462, "a": "BTC", "t": "BORROW", "p": "0.1", "i": "0.00"},
            LiabilityChange,
            {"asset": "BTC", "change_type": "BORROW", "principal": D("0.1"), "interest": D("0.00")},
        )
        for label in ("USER_LIABILITY_CHANGE", "userLiabilityChange")
    },
    "ORDER_TRADE_UPDATE": Case(
        {"e": "ORDER_TRADE_UPDATE", "E": 1568879465651, "T": 1568879465649, "o": ORDER},
        FuturesOrder,
        {
            "kind": "order_update",
            "symbol": "BTCUSDT",
            "event_time": 1568879465651,
            "match_time": 1568879465649,
            "transact_time": 1568879465650,
            "order_id": 8886774,
            "stop_price": D("7103.04"),
            "activation_price": D("7476.89"),
            "callback_rate": D("5.0"),
            "position_side": "LONG",
            "asks_notional": D("9.91"),
            "price_match": "OPPONENT",
            "market": "",
        },
    ),
    "ORDER_TRADE_UPDATE of portfolio margin": Case(
        {
            **{"e": "ORDER_TRADE_UPDATE", "fs": "CM", "E": 1, "T": 2},
            "o": {key: value for key, value in ORDER.items() if key not in ("n", "N")},
        },
        FuturesOrder,
        {"market": "CM", "commission": None, "commission_asset": None},
    ),
    "ACCOUNT_UPDATE": Case(
        {
            **{"e": "ACCOUNT_UPDATE", "E": 1564745798939, "T": 1564745798938, "i": "SfsR"},
            "a": {
                "m": "ORDER",
                "B": [
                    {"a": "USDT", "wb": "122624.12345678", "cw": "100.12345678", "bc": "50.1"},
                    {"a": "BUSD", "wb": "1.00000000", "cw": "0.00000000", "bc": "-49.12345678"},
                ],
                "P": [
                    {
                        **{"s": "BTCUSDT", "pa": "-10", "ep": "6563.86000", "bep": "6563.6"},
                        **{"cr": "-45.04000000", "up": "-1423.15600", "mt": "isolated"},
                        **{"iw": "6570.42511771", "ps": "SHORT"},
                    }
                ],
            },
        },
        AccountUpdate,
        {
            "symbol": "",
            "reason": "ORDER",
            "account": "SfsR",
            "event_time": 1564745798939,
            "match_time": 1564745798938,
            "balances.1.change": D("-49.12345678"),
            "positions.0.amount": D("-10"),
            "positions.0.unrealised_profit": D("-1423.15600"),
            "positions.0.position_side": "SHORT",
        },
    ),
    "ACCOUNT_UPDATE of a funding fee": Case(
        {
            **{"e": "ACCOUNT_UPDATE", "E": 1, "T": 1},
            "a": {"m": "FUNDING_FEE", "S": "BTCUSDT", "B": [], "P": []},
        },
        AccountUpdate,
        {"symbol": "BTCUSDT", "reason": "FUNDING_FEE", "positions": []},
    ),
    "TRADE_LITE": Case(
        {
            **{"e": "TRADE_LITE", "E": 1721895408092, "T": 1721895408214, "s": "BTCUSDT"},
            **{"q": "0.001", "p": "0", "m": False, "c": "z8hcUoOsqEdKMeKPSABslD", "S": "BUY"},
            **{"L": "64089.20", "l": "0.040", "t": 109100866, "i": 8886774},
        },
        TradeLite,
        {"last_price": D("64089.20"), "last_filled_size": D("0.040"), "trade_id": 109100866},
    ),
    "MARGIN_CALL": Case(
        {
            **{"e": "MARGIN_CALL", "E": 1587727187525, "cw": "3.16812045"},
            "p": [
                {
                    **{"s": "ETHUSDT", "ps": "LONG", "pa": "1.327", "mt": "CROSSED", "iw": "0"},
                    **{"mp": "187.17127", "up": "-1.166074", "mm": "1.614445"},
                }
            ],
        },
        MarginCall,
        {"cross_wallet": D("3.16812045"), "positions.0.maintenance_margin": D("1.614445")},
    ),
    "ACCOUNT_CONFIG_UPDATE, leverage": Case(
        {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "T": 2, "ac": {"s": "BTCUSDT", "l": 25}},
        ConfigUpdate,
        {"leverage.symbol": "BTCUSDT", "leverage.leverage": 25, "account_setting": None},
    ),
    "ACCOUNT_CONFIG_UPDATE, account": Case(
        {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "T": 2, "ai": {"j": True}},
        ConfigUpdate,
        {"leverage": None, "account_setting.is_multi_assets": True},
    ),
    "ALGO_UPDATE": Case(
        {"e": "ALGO_UPDATE", "E": 1750515742303, "T": 1750515742297, "o": ALGO | {"ia": True}},
        AlgoUpdate,
        {
            "symbol": "BNBUSDT",
            "algo_id": 2148719,
            "status": "CANCELED",
            "trigger_price": D("750"),
            "reject_reason": "Reduce Only reject",
            "event_time": 1750515742303,
        },
    ),
    "CONDITIONAL_ORDER_TRIGGER_REJECT": Case(
        {
            **{"e": "CONDITIONAL_ORDER_TRIGGER_REJECT", "E": 1685517224945, "T": 1685517224955},
            "or": {"s": "ETHUSDT", "i": 155618472834, "r": "the FOK order has been rejected"},
        },
        ConditionalOrderReject,
        {"symbol": "ETHUSDT", "order_id": 155618472834, "event_time": 1685517224945},
    ),
    "STRATEGY_UPDATE": Case(
        {
            **{"e": "STRATEGY_UPDATE", "T": 1669261797627, "E": 1669261797628},
            "su": {
                **{"si": 176054594, "st": "GRID", "ss": "NEW", "s": "BTCUSDT"},
                **{"ut": 1669261797627, "c": 8007},
            },
        },
        StrategyUpdate,
        {"strategy_id": 176054594, "strategy_type": "GRID", "code": 8007},
    ),
    "GRID_UPDATE": Case(
        {
            **{"e": "GRID_UPDATE", "T": 1669262908216, "E": 1669262908218},
            "gu": {
                **{"si": 176057039, "st": "GRID", "ss": "WORKING", "s": "BTCUSDT"},
                **{"r": "-0.00300716", "up": "16720", "uq": "-0.001", "uf": "-0.00300716"},
                **{"mp": "0.0", "ut": 1669262908197},
            },
        },
        GridUpdate,
        {"realised_profit": D("-0.00300716"), "unmatched_size": D("-0.001")},
    ),
}
WAYS = ["bare", "combined", "subscription"]


def frame_of(payload: dict[str, Any], way: str) -> bytes:
    document = {
        "bare": payload,
        "combined": {"stream": KEY, "data": payload},
        "subscription": {"subscriptionId": 7, "event": payload},
    }[way]
    return json.dumps(document).encode()


def value_at(event: object, path: str) -> Any:
    for name in path.split("."):
        event = event[int(name)] if isinstance(event, list) else getattr(event, name)
    return event


def receive(codec: UserDataCodec, frame: bytes) -> list[Event]:
    events: list[Event] = []
    assert codec.receive(frame, RECV_NS, events)
    return events


@pytest.mark.parametrize("numbers", ["float", "decimal"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_message(case: Case, way: str, numbers: Numbers) -> None:
    codec = UserDataCodec(numbers=numbers)
    [event] = receive(codec, frame_of(case.payload, way))
    assert isinstance(event, case.event)
    assert isinstance(event, AccountEvent)
    assert event.ts_recv_ns == RECV_NS
    assert event.subscription_id == (7 if way == "subscription" else None)
    for path, expected in case.values.items():
        if isinstance(expected, D) and numbers == "float":
            expected = float(expected)
        value = value_at(event, path)
        assert value == expected, path
        assert repr(value) == repr(expected), path
    assert event.to_dict()["kind"] == event.kind
    assert codec.stats.events == {case.payload["e"]: 1}
    assert (codec.stats.new_fields, codec.stats.undecodable) == ({}, 0)
    assert pickle.loads(pickle.dumps(event)) == event


def test_every_type_is_among_the_documented_messages() -> None:
    assert {case.payload["e"] for case in CASES.values()} == set(USER_EVENTS)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_unknown_fields_and_words_stop_nothing(case: Case) -> None:
    codec = UserDataCodec()
    payload = json.loads(
        json.dumps(case.payload).replace('"NEW"', '"NEVER_SEEN"').replace('"LIMIT"', '"ODD"')
    )
    inner = next((key for key in ("o", "a", "or", "su", "gu") if key in payload), None)
    if inner is not None and isinstance(payload[inner], dict):
        payload[inner]["zz"] = {"deep": [1]}
        expected = {f"{inner}.zz": 1, "yy": 1}
    else:
        expected = {"yy": 1}
    [event] = receive(codec, frame_of(payload | {"yy": None}, "bare"))
    assert isinstance(event, case.event)
    assert codec.stats.new_fields == {payload["e"]: expected}
    if isinstance(event, OrderUpdate):
        assert event.status == "NEVER_SEEN"


def test_an_unknown_type_is_counted_and_kept_without_its_envelope() -> None:
    codec = UserDataCodec()
    for way in WAYS:
        assert receive(codec, frame_of({"e": "SOMETHING_NEW", "E": 1}, way)) == []
    assert codec.stats.unknown == {"SOMETHING_NEW": 3}
    assert KEY not in repr(codec.stats)


@pytest.mark.parametrize(
    "payload",
    [
        REPORT | {"p": "x"},
        REPORT | {"q": "NaN"},
        {key: value for key, value in REPORT.items() if key != "i"},
        {"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1},
        {"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": []},
    ],
)
def test_a_message_that_does_not_fit_is_counted_and_the_next_one_is_taken(
    payload: dict[str, Any],
) -> None:
    codec = UserDataCodec()
    assert receive(codec, frame_of(payload, "combined")) == []
    assert codec.stats.undecodable == 1
    assert KEY not in repr(codec.stats)
    assert len(receive(codec, frame_of(REPORT, "combined"))) == 1


@pytest.mark.parametrize(
    "frame",
    [b'{"id":1,"status":200,"result":{}}', b"{}", b"[]", b"x", b"\xff", b'{"event":5}', b"[" * 999],
)
def test_what_is_no_user_data_is_the_callers(frame: bytes) -> None:
    events: list[Event] = []
    assert not UserDataCodec().receive(frame, RECV_NS, events)
    assert events == []


@pytest.mark.parametrize("way", WAYS)
def test_a_shutdown_notice_is_a_directive(way: str) -> None:
    codec = UserDataCodec()
    assert receive(codec, frame_of({"e": "serverShutdown", "E": 1770123456789}, way)) == []
    assert codec.take_directive() == RotateBy(RECV_NS, "serverShutdown")
    assert codec.take_directive() is None


def test_a_listen_key_is_not_shown() -> None:
    [event] = receive(UserDataCodec(), frame_of(CASES["listenKeyExpired"].payload, "bare"))
    assert KEY not in repr(event)
    assert KEY not in str(event.to_dict())


def test_numbers_are_floats_or_decimals() -> None:
    with pytest.raises(ConfigurationError, match="float and decimal"):
        UserDataCodec(numbers="int")  # type: ignore[arg-type]
