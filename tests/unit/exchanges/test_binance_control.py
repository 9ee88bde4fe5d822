"""Requests, acknowledgements, refusals: what the codec believes is subscribed."""

import json

import pytest

from tickwire.errors import ConfigurationError
from tickwire.exchanges import SubscriptionState
from tickwire.exchanges.binance import LIMITS, BinanceCodec
from tickwire.exchanges.binance.control import Subscriptions

PENDING = SubscriptionState.PENDING
ACCEPTED = SubscriptionState.ACCEPTED
REFUSED = SubscriptionState.REFUSED

TRADE, DEPTH, KLINE = "btcusdt@trade", "btcusdt@depth", "btcusdt@kline_1m"


@pytest.fixture
def codec() -> BinanceCodec:
    return BinanceCodec("spot")


def answer(codec: BinanceCodec, frame: object) -> None:
    """Give the codec a control frame. It is no event."""
    text = frame if isinstance(frame, bytes) else json.dumps(frame, ensure_ascii=False).encode()
    events: list[object] = []
    codec.receive(text, 1, events)  # type: ignore[arg-type]
    assert events == []


def test_requests_as_the_vendor_writes_them(codec: BinanceCodec) -> None:
    assert json.loads(codec.subscribe([TRADE, DEPTH])[0]) == {
        "method": "SUBSCRIBE",
        "params": [TRADE, DEPTH],
        "id": 1,
    }
    assert json.loads(codec.unsubscribe([DEPTH])[0]) == {
        "method": "UNSUBSCRIBE",
        "params": [DEPTH],
        "id": 2,
    }
    assert json.loads(codec.list_subscriptions()) == {"method": "LIST_SUBSCRIPTIONS", "id": 3}


def test_a_name_that_comes_twice_is_asked_for_once(codec: BinanceCodec) -> None:
    assert json.loads(codec.subscribe([TRADE, "BTCUSDT@trade"])[0])["params"] == [TRADE]


def test_a_symbol_outside_ascii_is_sent_as_it_is(codec: BinanceCodec) -> None:
    assert "这是测试币456@trade" in codec.subscribe(["这是测试币456@trade"])[0].decode()


def test_from_pending_to_accepted_to_gone(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE, DEPTH])
    assert codec.subscriptions == {TRADE: PENDING, DEPTH: PENDING}
    answer(codec, {"result": None, "id": 1})
    assert codec.subscriptions == {TRADE: ACCEPTED, DEPTH: ACCEPTED}
    codec.unsubscribe([DEPTH])
    assert codec.subscriptions == {TRADE: ACCEPTED, DEPTH: ACCEPTED}
    answer(codec, b'{"id":2,"result":null}')
    assert codec.subscriptions == {TRADE: ACCEPTED}
    assert codec.stats.acks == 2
    assert codec.take_errors() == []


def test_answers_go_to_their_own_request(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE])
    codec.subscribe([DEPTH])
    answer(codec, {"result": None, "id": 2})
    assert codec.subscriptions == {TRADE: PENDING, DEPTH: ACCEPTED}


@pytest.mark.parametrize("number", [99, None, "1", True, 1.5, {"a": 1}, [1]])
def test_an_answer_to_nothing_we_asked_changes_nothing(codec: BinanceCodec, number: object) -> None:
    codec.subscribe([TRADE])
    answer(codec, {"result": None, "id": number})
    assert codec.subscriptions == {TRADE: PENDING}
    assert codec.stats.acks == 1


ERRORS = [
    ({"code": 0, "msg": "Unknown property", "id": 1}, 0),
    ({"code": 1, "msg": "Invalid value type: expected Boolean"}, 1),
    ({"code": 2, "msg": "Invalid request: property name must be a string"}, 2),
    ({"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}, 2),
    (
        {
            "code": 2,
            "msg": "Invalid request: unknown variant %s, expected one of `SUBSCRIBE`, "
            "`UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 "
            "column 28",
        },
        2,
    ),
    ({"code": 2, "msg": "Invalid request: too many parameters"}, 2),
    ({"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 73"}, 2),
    ({"code": 3, "msg": "Invalid JSON: expected value at line %s column %s"}, 3),
]


@pytest.mark.parametrize(("frame", "code"), ERRORS)
@pytest.mark.parametrize("nested", [False, True])
def test_every_error_frame(
    codec: BinanceCodec, frame: dict[str, object], code: int, nested: bool
) -> None:
    codec.subscribe([TRADE])
    codec.subscribe([DEPTH])
    text = frame["msg"]
    if nested:
        error = {key: frame[key] for key in ("code", "msg")}
        frame = {"error": error} | {key: frame[key] for key in frame.keys() & {"id"}}
    answer(codec, frame)
    [error_value] = codec.take_errors()
    assert (error_value.code, error_value.reason) == (code, text)
    # Without an id it is the oldest open request that failed; with one, that request.
    assert error_value.streams == (TRADE,)
    assert codec.subscriptions == {TRADE: REFUSED, DEPTH: PENDING}
    assert codec.take_errors() == []
    assert (codec.stats.refusals, codec.stats.acks) == (1, 0)


def test_an_error_with_an_id_belongs_to_that_request(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE])
    codec.subscribe([DEPTH])
    answer(codec, {"error": {"code": 2, "msg": "no"}, "id": 2})
    assert codec.subscriptions == {TRADE: PENDING, DEPTH: REFUSED}


@pytest.mark.parametrize("number", [77, "x", True])
def test_an_error_with_a_strange_id_is_nobodys(codec: BinanceCodec, number: object) -> None:
    """It is counted; a feed does not end for an answer to somebody else's request."""
    codec.subscribe([TRADE])
    answer(codec, {"code": 2, "msg": "no", "id": number})
    assert codec.take_errors() == []
    assert codec.stats.refusals == 1
    assert codec.subscriptions == {TRADE: PENDING}


def test_an_error_that_nobody_caused_is_still_told(codec: BinanceCodec) -> None:
    answer(codec, {"code": 3, "msg": "Invalid JSON"})
    [error] = codec.take_errors()
    assert (error.code, error.streams) == (3, ())


@pytest.mark.parametrize(
    "frame",
    [
        {"code": "x", "msg": 5},
        {"error": {}},
        {"error": {"code": None}},
        {"code": 10**30, "msg": None},
    ],
)
def test_an_error_without_sense_is_an_error(codec: BinanceCodec, frame: object) -> None:
    codec.subscribe([TRADE])
    answer(codec, frame)
    [error] = codec.take_errors()
    assert isinstance(error.reason, str)
    assert codec.subscriptions == {TRADE: REFUSED}


@pytest.mark.parametrize("frame", [b'{"error":5}', b'{"error":"no","id":1}', b'{"error":null}'])
def test_an_error_of_another_shape_is_counted(codec: BinanceCodec, frame: bytes) -> None:
    answer(codec, frame)
    assert codec.stats.undecodable == 1


def test_a_refused_unsubscription_leaves_the_stream_as_it_is(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE])
    answer(codec, {"result": None, "id": 1})
    codec.unsubscribe([TRADE])
    answer(codec, {"code": 2, "msg": "no", "id": 2})
    assert codec.subscriptions == {TRADE: ACCEPTED}
    [error] = codec.take_errors()
    assert error.streams == (TRADE,)


def test_the_venues_list_corrects_ours(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE, DEPTH])
    answer(codec, {"result": None, "id": 1})
    codec.list_subscriptions()
    codec.subscribe([KLINE])  # after the list was asked for: not in it, and not lost
    answer(codec, {"result": [TRADE, "ethusdt@trade"], "id": 2})
    assert codec.subscriptions == {
        TRADE: ACCEPTED,
        DEPTH: REFUSED,
        KLINE: PENDING,
        "ethusdt@trade": ACCEPTED,
    }
    [error] = codec.take_errors()
    assert (error.streams, error.code) == ((DEPTH,), None)


@pytest.mark.parametrize("result", [None, True, {"a": 1}, [1, None]])
def test_a_list_that_is_none(codec: BinanceCodec, result: object) -> None:
    codec.list_subscriptions()
    answer(codec, {"result": result, "id": 1})
    assert codec.subscriptions == {}


def test_streams_of_the_url_need_no_answer(codec: BinanceCodec) -> None:
    codec.attach([TRADE, DEPTH])
    assert codec.subscriptions == {TRADE: ACCEPTED, DEPTH: ACCEPTED}


def test_a_new_connection_has_nothing_and_no_old_answer_fits(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE])
    codec.reset()
    assert codec.subscriptions == {}
    codec.subscribe([DEPTH])
    answer(codec, {"result": None, "id": 1})
    assert codec.subscriptions == {DEPTH: PENDING}
    answer(codec, {"result": None, "id": 2})
    assert codec.subscriptions == {DEPTH: ACCEPTED}


def test_nobody_outside_changes_the_states(codec: BinanceCodec) -> None:
    codec.subscribe([TRADE])
    with pytest.raises(TypeError):
        codec.subscriptions["x"] = ACCEPTED  # type: ignore[index]


def test_one_connection_has_a_limit(codec: BinanceCodec) -> None:
    limit = LIMITS["spot"].streams_per_connection
    codec.subscribe([f"sym{number}@trade" for number in range(limit)])
    codec.subscribe(["sym0@trade"])  # nothing new
    with pytest.raises(ConfigurationError, match=str(limit)):
        codec.subscribe([TRADE])
    assert TRADE not in codec.subscriptions
    # A refused stream takes no place.
    answer(codec, {"code": 2, "msg": "no", "id": 1})
    codec.subscribe([TRADE])


@pytest.mark.parametrize("streams", [[], [TRADE, "!bookTicker"], [TRADE, "btcusdt@aggtrade"]])
def test_a_request_that_cannot_be_is_not_half_made(codec: BinanceCodec, streams: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        codec.subscribe(streams)
    assert codec.subscriptions == {}
    assert json.loads(codec.subscribe([TRADE])[0])["id"] == 1


def test_unsubscribing_nothing_is_refused(codec: BinanceCodec) -> None:
    with pytest.raises(ConfigurationError):
        codec.unsubscribe([])


def test_errors_that_nobody_takes_fill_no_memory(codec: BinanceCodec) -> None:
    for _ in range(1000):
        answer(codec, {"code": 3, "msg": "no"})
    assert len(codec.take_errors()) < 1000
    assert codec.stats.refusals == 1000


def test_a_stream_that_is_being_given_up_makes_room() -> None:
    subscriptions = Subscriptions(2)
    subscriptions.subscribe(["a@trade", "b@trade"])
    with pytest.raises(ConfigurationError, match="at most 2"):
        subscriptions.subscribe(["c@trade"])
    subscriptions.unsubscribe(["a@trade"])
    subscriptions.subscribe(["c@trade"])
    with pytest.raises(ConfigurationError, match="at most 2"):
        subscriptions.subscribe(["a@trade"])
    subscriptions.unsubscribe(["b@trade"])
    subscriptions.subscribe(["b@trade"])
    with pytest.raises(ConfigurationError, match="at most 2"):
        subscriptions.subscribe(["d@trade"])
