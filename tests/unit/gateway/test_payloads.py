"""Typed events of any venue as messages."""

from __future__ import annotations

import orjson
import pytest

from tickwire.gateway.payloads import conflation_key, label_of, message, news_data, price
from tickwire.manager import Connected, Disconnected, DisconnectReason, Reconnected, Stale
from tickwire.market import AggTrade, Gap, Kline, Quote, Ticker, Trade
from tickwire.market.events import GapCause

NOW = 1_766_664_000_500_000_000


class _OtherVenuesTrade(Trade, kw_only=True, gc=False):
    """A venue's own type."""


def _trade(kind: type[Trade] = _OtherVenuesTrade, **fields: int) -> Trade:
    return kind(
        symbol="BTC-USDT-SWAP",
        event_time=1703520000000,
        transact_time=1703520000000,
        trade_id=7,
        price=42500.0,
        size=0.5,
        is_buyer_maker=False,
        **fields,
    )


def test_a_venues_symbol_is_kept_as_the_venue_writes_it() -> None:
    payload, text = message(_trade(), "trade", "BTC-USDT-SWAP", NOW)
    assert payload["symbol"] == "BTC-USDT-SWAP"
    assert orjson.loads(text) == {
        "type": "trade",
        "data": {
            "type": "trade",
            "symbol": "BTC-USDT-SWAP",
            "trade_id": 7,
            "price": 42500.0,
            "quantity": 0.5,
            "timestamp": 1703520000000,
            "is_buyer_maker": False,
        },
        "timestamp": "2025-12-25T12:00:00.500Z",
    }
    assert b"\n" not in text


def test_aggregates_that_stand_for_trades_are_called_trades() -> None:
    event = _trade(AggTrade, first_trade_id=1, last_trade_id=3)
    assert label_of(event) == "agg_trade"
    payload, text = message(event, "trade", "BTCUSDT", NOW)
    assert payload["type"] == orjson.loads(text)["type"] == "trade"


@pytest.mark.parametrize(
    ("event", "label"),
    [
        (_trade(), "trade"),
        (
            Ticker(symbol="A", open=1.0, high=1.0, low=1.0, last_price=2.0, volume=1.0),
            "ticker",
        ),
        (
            Quote(symbol="A", bid_price=1.0, bid_size=1.0, ask_price=2.0, ask_size=1.0),
            "book_ticker",
        ),
        (Gap(symbol="A", stream="a@trade", cause=GapCause.DISCONNECT), None),
        (Connected(connection=1, ts_ns=NOW), None),
    ],
    ids=["trade", "ticker", "quote", "gap", "record"],
)
def test_events_are_led_back_to_their_streams(event: object, label: str | None) -> None:
    assert label_of(event) == label


@pytest.mark.parametrize(
    ("begin", "last", "change", "percent"),
    [(100.0, 101.1, 1.1, 1.1), (None, 101.0, None, None), (0.0, 1.0, None, None)],
)
def test_a_change_that_is_not_sent_is_that_from_the_open(
    begin: float | None, last: float, change: float | None, percent: float | None
) -> None:
    event = Ticker(symbol="A", open=begin, high=2.0, low=1.0, last_price=last, volume=1.0)
    payload, text = message(event, "ticker", "A", NOW)
    assert (payload["price_change"], payload["price_change_percent"]) == (change, percent)
    assert orjson.loads(text)["data"] == payload


def _candle(open_time: int) -> dict[str, object]:
    candle = Kline(
        symbol="A",
        interval="1m",
        open_time=open_time,
        close_time=open_time + 59_999,
        open=1.0,
        high=2.0,
        low=1.0,
        close=1.5,
        volume=3.0,
        is_closed=False,
    )
    return message(candle, "kline", "A", NOW)[0]


def test_only_what_is_out_of_date_makes_room() -> None:
    first, again, second = _candle(60_000_000), _candle(60_000_000), _candle(60_060_000)
    assert conflation_key(first) == conflation_key(again)
    assert conflation_key(first) != conflation_key(second)
    assert conflation_key(message(_trade(), "trade", "A", NOW)[0]) is None
    assert price(first) == 1.5


def test_a_hand_over_by_plan_is_a_rotation_and_any_other_is_not() -> None:
    def reconnected(reason: DisconnectReason) -> dict[str, object]:
        record = Reconnected(
            connection=2,
            ts_ns=NOW,
            reason=reason,
            replaces=1,
            downtime=0.0,
            overlap=0.5,
            held=3,
            duplicates=2,
            promise="exactly-once",
        )
        data = news_data(record, NOW)
        assert data is not None
        return data

    assert reconnected(DisconnectReason.SCHEDULED)["type"] == "rotated"
    assert reconnected(DisconnectReason.CONNECTION_LIMIT)["type"] == "rotated"
    lost = reconnected(DisconnectReason.NETWORK_ERROR)
    assert (lost["type"], lost["timestamp"]) == ("reconnected", NOW // 1_000_000)


def test_news_of_all_kinds_are_json() -> None:
    items = [
        Connected(connection=1, ts_ns=NOW),
        Disconnected(
            connection=1,
            ts_ns=NOW,
            reason=DisconnectReason.PING_TIMEOUT,
            code=1006,
            text="",
            remaining=0,
        ),
        Stale(connection=1, ts_ns=NOW, stream="btcusdt@trade", silence=9.0, limit=5.0),
        Gap(symbol="A", stream="a@depth", cause=GapCause.SEQUENCE, last_sequence=4),
    ]
    kinds = [orjson.loads(orjson.dumps(news_data(item, NOW)))["type"] for item in items]
    assert kinds == ["connected", "disconnected", "stale", "gap"]
    assert news_data(object(), NOW) is None
