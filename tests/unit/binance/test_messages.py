"""Errors as messages, by the table of python-binance's page."""

from __future__ import annotations

import pytest

from tickwire.binance.errors import (
    BinanceWebsocketQueueOverflow,
    BinanceWebsocketUnableToConnect,
)
from tickwire.binance.messages import as_message, as_messages
from tickwire.binance.shapes import shaper
from tickwire.errors import SubscriptionError
from tickwire.exchanges.binance.sockets import SOCKETS
from tickwire.manager import Connected, Disconnected, DisconnectReason, Dropped
from tickwire.market import Gap, GapCause
from tickwire.transport import ConnectError, CurlECode, HandshakeRejected


def ended(reason: DisconnectReason) -> Disconnected:
    return Disconnected(connection=1, ts_ns=0, reason=reason, code=1001, text="bye", remaining=0)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (DisconnectReason.SERVER_CLOSED, "BinanceWebsocketClosed"),
        (DisconnectReason.NETWORK_ERROR, "ConnectionClosedError"),
        (DisconnectReason.PING_TIMEOUT, "ConnectionClosedError"),
        (DisconnectReason.PROTOCOL_ERROR, "ConnectionClosedError"),
    ],
)
def test_an_end_that_was_not_planned(reason: DisconnectReason, kind: str) -> None:
    message = as_message(ended(reason))
    assert message is not None
    assert (message["e"], message["type"]) == ("error", kind)
    assert "1001" in message["m"]
    assert "bye" in message["m"]


@pytest.mark.parametrize("reason", [reason for reason in DisconnectReason if reason.is_proactive])
def test_a_planned_end_is_no_error(reason: DisconnectReason) -> None:
    assert as_message(ended(reason)) is None


def test_every_reason_is_one_or_the_other() -> None:
    for reason in DisconnectReason:
        assert (as_message(ended(reason)) is None) == reason.is_proactive


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (ConnectError("no such name", CurlECode.COULDNT_RESOLVE_HOST), "gaierror"),
        (ConnectError("no such proxy", CurlECode.COULDNT_RESOLVE_PROXY), "gaierror"),
        (ConnectError("cut", CurlECode.GOT_NOTHING), "IncompleteReadError"),
        (ConnectError("cut", CurlECode.RECV_ERROR), "IncompleteReadError"),
        (ConnectError("refused", CurlECode.COULDNT_CONNECT), "ConnectError"),
        (HandshakeRejected("no", 403, (), b"", url="ws://h"), "HandshakeRejected"),
    ],
    ids=["name", "proxy", "nothing", "reset", "refused", "rejected"],
)
def test_no_connection_says_why_first(cause: Exception, kind: str) -> None:
    error = BinanceWebsocketUnableToConnect("no connection after 5 attempts")
    error.__cause__ = cause
    why, what = as_messages(error)
    assert why == {"e": "error", "type": kind, "m": str(cause)}
    assert what == {
        "e": "error",
        "type": "BinanceWebsocketUnableToConnect",
        "m": "no connection after 5 attempts",
    }


def test_any_other_error_is_its_class_name() -> None:
    (message,) = as_messages(BinanceWebsocketQueueOverflow("full"))
    assert message == {"e": "error", "type": "BinanceWebsocketQueueOverflow", "m": "full"}
    (message,) = as_messages(SubscriptionError("bad", code=2))
    assert message["type"] == "SubscriptionError"


# What the socket's messages are made of.

GAP = Gap(symbol="", stream="", cause=GapCause.DISCONNECT)
UP = Connected(connection=1, ts_ns=0)
DOWN = ended(DisconnectReason.SERVER_CLOSED)
TRADE = {"stream": "a@trade", "data": {"e": "trade", "t": 1}}


def test_a_payload_is_bare_and_a_combined_one_is_not() -> None:
    batch = [UP, TRADE, GAP, DOWN]
    single = SOCKETS["trade_socket"].request(symbol="A")
    assert shaper(single, typed=False)(batch) == [TRADE["data"], DOWN]
    several = SOCKETS["multiplex_socket"].request(streams=["a@trade"])
    assert shaper(several, typed=False)(batch) == [TRADE, DOWN]


def test_events_keep_gaps_and_drops() -> None:
    dropped = Dropped(connection=1, ts_ns=0, count=3)
    single = SOCKETS["trade_socket"].request(symbol="A")
    assert shaper(single, typed=True)([UP, "event", GAP, dropped, DOWN]) == [
        "event",
        GAP,
        dropped,
        DOWN,
    ]


def test_tickers_of_all_symbols_come_as_lists() -> None:
    request = SOCKETS["ticker_socket"].request()
    shape = shaper(request, typed=False)
    old = {"stream": "a@ticker", "data": {"s": "A", "c": "1"}}
    new = {"stream": "a@ticker", "data": {"s": "A", "c": "2"}}
    other = {"stream": "b@ticker", "data": {"s": "B", "c": "3"}}
    assert shape([UP, old, other, new, DOWN]) == [[new["data"], other["data"]], DOWN]
    assert shape([UP]) == []


def test_mini_tickers_at_intervals_are_the_newest_of_each_symbol() -> None:
    request = SOCKETS["miniticker_socket"].request(update_time=5000)
    shape = shaper(request, typed=False)

    def pushed(ms: int, *symbols: str) -> dict[str, object]:
        tickers = [{"s": name, "E": ms, "c": str(ms)} for name in symbols]
        return {"stream": "!miniTicker@arr", "data": tickers}

    assert shape([pushed(1000, "A", "B")]) == [pushed(1000, "A", "B")["data"]]
    assert shape([pushed(2000, "A"), pushed(3000, "B"), pushed(4000, "A")]) == []
    assert shape([DOWN]) == [DOWN]
    (found,) = shape([pushed(6000, "C")])
    assert {item["s"]: item["E"] for item in found} == {"A": 4000, "B": 3000, "C": 6000}
    assert shape([pushed(7000, "A")]) == []


def test_mini_tickers_at_intervals_when_times_are_microseconds() -> None:
    shape = shaper(SOCKETS["miniticker_socket"].request(update_time=5000), typed=False)
    start = 1_700_000_000_000_000
    pushes = [
        {"stream": "!miniTicker@arr", "data": [{"s": "A", "E": start + second * 1_000_000}]}
        for second in range(11)
    ]
    assert [found[0]["E"] - start for found in shape(pushes)] == [0, 5_000_000, 10_000_000]
