"""Control requests: every acknowledgement and every error frame of the venue's table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.simulator.control import Outcome, respond
from tickwire.simulator.options import Market

SUBSCRIBED = ("btcusdt@trade", "ethusdt@depth")


def ask(
    request: Any, market: Market = Market.SPOT, *, combined: bool = False, max_streams: int = 1024
) -> tuple[Any, Outcome]:
    text = request if isinstance(request, str) else json.dumps(request)
    outcome = respond(
        text, market=market, subscribed=SUBSCRIBED, combined=combined, max_streams=max_streams
    )
    return json.loads(outcome.reply), outcome


@pytest.mark.parametrize("market", Market)
def test_subscribing_and_unsubscribing_are_acknowledged_with_null(market: Market) -> None:
    streams = ["btcusdt@aggTrade", "这是测试币456@depth", "nonsense"]
    reply, outcome = ask({"method": "SUBSCRIBE", "params": streams, "id": 1}, market)
    assert reply == {"result": None, "id": 1}
    assert (outcome.subscribe, outcome.unsubscribe) == (tuple(streams), ())
    reply, outcome = ask({"method": "UNSUBSCRIBE", "params": streams, "id": 312}, market)
    assert reply == {"result": None, "id": 312}
    assert (outcome.subscribe, outcome.unsubscribe) == ((), tuple(streams))


@pytest.mark.parametrize("extra", [{}, {"params": []}, {"params": None}])
def test_listing_gives_the_streams_in_the_order_of_subscription(extra: dict[str, Any]) -> None:
    reply, outcome = ask({"method": "LIST_SUBSCRIPTIONS", "id": 3, **extra})
    assert reply == {"result": list(SUBSCRIBED), "id": 3}
    assert outcome == Outcome(outcome.reply)


@pytest.mark.parametrize("value", [True, False])
def test_the_combined_property_can_be_set_and_read(value: bool) -> None:
    reply, outcome = ask({"method": "SET_PROPERTY", "params": ["combined", value], "id": 5})
    assert reply == {"result": None, "id": 5}
    assert outcome.combined is value
    reply, outcome = ask(
        {"method": "GET_PROPERTY", "params": ["combined"], "id": 2}, combined=value
    )
    assert reply == {"result": value, "id": 2}
    assert outcome.combined is None


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"method": "SET_PROPERTY", "params": ["combined"], "id": 1}, 1, None),
        ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1, None),
        ({"method": "SET_PROPERTY", "params": ["combined", "true"], "id": 1}, 1, None),
        ({"method": "SET_PROPERTY", "params": [7, True], "id": 1}, 2, "property name"),
        ({"method": "SET_PROPERTY", "params": [], "id": 1}, 2, "property name"),
        ({"method": "SET_PROPERTY", "id": 1}, 2, "property name"),
        ({"method": "GET_PROPERTY", "params": "combined", "id": 1}, 2, "property name"),
        ({"method": "GET_PROPERTY", "params": ["combined", True], "id": 1}, 2, "too many"),
        ({"method": "SET_PROPERTY", "params": ["combined", True, 1], "id": 1}, 2, "too many"),
        ({"method": "LIST_SUBSCRIPTIONS", "params": ["a"], "id": 1}, 2, "too many"),
    ],
)
def test_property_and_list_errors(request_: Any, code: int, message: str | None) -> None:
    texts = {
        None: "Invalid value type: expected Boolean",
        "property name": "Invalid request: property name must be a string",
        "too many": "Invalid request: too many parameters",
    }
    reply, outcome = ask(request_)
    assert reply == {"code": code, "msg": texts[message]}
    assert outcome == Outcome(outcome.reply), "nothing changes"


@pytest.mark.parametrize("method", ["SET_PROPERTY", "GET_PROPERTY"])
def test_an_unknown_property_is_the_one_error_with_an_id(method: str) -> None:
    reply, _ = ask({"method": method, "params": ["colour"], "id": 9})
    assert reply == {"code": 0, "msg": "Unknown property", "id": 9}


@pytest.mark.parametrize(
    ("market", "value", "is_good"),
    [
        (Market.SPOT, 0, True),
        (Market.SPOT, -(2**63), True),
        (Market.SPOT, 2**63 - 1, True),
        (Market.SPOT, 2**63, False),
        (Market.SPOT, None, True),
        (Market.SPOT, "f3a8f7a2-9c1d-4f34-8b0e-1a2b3c4d5e6f", True),
        (Market.SPOT, "x" * 37, False),
        (Market.SPOT, "", False),
        (Market.SPOT, "a b", False),
        (Market.SPOT, 1.5, False),
        (Market.SPOT, True, False),
        (Market.SPOT, [1], False),
        (Market.USDM, 0, True),
        (Market.USDM, 2**64 - 1, True),
        (Market.USDM, -1, False),
        (Market.USDM, 2**64, False),
        (Market.USDM, None, False),
        (Market.USDM, "1", False),
        (Market.USDM, False, False),
    ],
)
def test_request_ids(market: Market, value: Any, is_good: bool) -> None:
    reply, _ = ask({"method": "LIST_SUBSCRIPTIONS", "id": value}, market)
    if is_good:
        assert reply == {"result": list(SUBSCRIBED), "id": value}
    else:
        assert reply == {
            "code": 2,
            "msg": "Invalid request: request ID must be an unsigned integer",
        }


def test_a_missing_id_is_refused() -> None:
    reply, outcome = ask({"method": "SUBSCRIBE", "params": ["btcusdt@trade"]})
    assert reply["msg"] == "Invalid request: request ID must be an unsigned integer"
    assert outcome.subscribe == ()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"method":"SUBSCRIBEX","id":1}', "line 1 column 22"),
        ('{\n "id": 1,\n "method" : "no"}', "line 3 column 16"),
        ('{"id":1,"method":"a\\"b"}', "line 1 column 23"),
    ],
)
def test_an_unknown_method_is_named_with_its_position(text: str, where: str) -> None:
    reply, _ = ask(text)
    method = json.loads(text)["method"]
    assert reply == {
        "code": 2,
        "msg": f"Invalid request: unknown variant `{method}`, expected one of `SUBSCRIBE`, "
        "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at " + where,
    }


@pytest.mark.parametrize("method", [None, 5, ["SUBSCRIBE"], {}, True])
def test_a_method_that_is_no_text_is_an_unknown_one(method: Any) -> None:
    reply, _ = ask({"method": method, "id": 1})
    assert reply["code"] == 2
    assert reply["msg"].startswith("Invalid request: unknown variant")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"id":1,"params":[]}', "line 1 column 20"),
        ("{}\n", "line 1 column 2"),
        ("[]", "line 1 column 2"),
        ('"SUBSCRIBE"', "line 1 column 11"),
        ("null", "line 1 column 4"),
        ("17", "line 1 column 2"),
    ],
)
def test_a_request_without_a_method(text: str, where: str) -> None:
    reply, _ = ask(text)
    assert reply == {"code": 2, "msg": f"Invalid request: missing field `method` at {where}"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1 column 1"),
        ("ping", "line 1 column 1"),
        ('{"method":', "line 1 column 11"),
        ('{"method":\nSUBSCRIBE}', "line 2 column 1"),
    ],
)
def test_malformed_json_is_answered_with_its_position(text: str, where: str) -> None:
    reply, _ = ask(text)
    assert reply == {"code": 3, "msg": f"Invalid JSON: expected value at {where}"}


@pytest.mark.parametrize("params", [None, "btcusdt@trade", [1], ["btcusdt@trade", None], {}])
def test_streams_must_be_an_array_of_text(params: Any) -> None:
    reply, outcome = ask({"method": "SUBSCRIBE", "params": params, "id": 1})
    assert reply["code"] == 2
    assert outcome.subscribe == ()


def test_too_many_streams_are_refused_as_a_whole_and_repeats_do_not_count() -> None:
    request = {"method": "SUBSCRIBE", "params": ["a", "b", "btcusdt@trade", "a"], "id": 1}
    assert ask(request, max_streams=4)[1].subscribe == ("a", "b", "btcusdt@trade", "a")
    reply, outcome = ask(request, max_streams=3)
    assert reply["code"] == 2
    assert outcome.subscribe == ()


@given(st.text() | st.from_regex(r'\{"method":"\\u[dD][89abAB]..".{0,20}', fullmatch=True))
def test_anything_gets_an_answer(text: str) -> None:
    for market in Market:
        reply, outcome = ask(text, market)
        assert reply["code"] in (2, 3)
        assert outcome == Outcome(outcome.reply)
