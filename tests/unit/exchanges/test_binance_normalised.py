"""The payloads of the callback client's page, key by key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.exchanges.binance import BinanceCodec, streams
from tickwire.exchanges.binance.normalised import (
    PRICE_KEYS,
    ROWS,
    envelope,
    iso_utc,
    key_of,
    normalise,
)
from tickwire.market import Gap, GapCause

T = 1703520000000
# The page's examples: stream, what the venue sends for them, and the page's text.
TICKER = (
    "btcusdt@ticker",
    {
        **{"e": "24hrTicker", "E": T, "s": "BTCUSDT", "p": "500.50", "P": "1.19", "w": "42250.0"},
        **{"x": "41999.00", "c": "42500.50", "Q": "1", "b": "42500.00", "B": "1", "a": "42501.00"},
        **{"A": "2", "o": "42000.00", "h": "43000.00", "l": "41500.00", "v": "15000.5"},
        **{"q": "637507500.0", "O": 1, "C": 2, "F": 0, "L": 18150, "n": 18151},
    },
    """{
    "type": "ticker",
    "symbol": "BTCUSDT",
    "price": 42500.50,
    "open": 42000.00,
    "high": 43000.00,
    "low": 41500.00,
    "volume": 15000.5,
    "quote_volume": 637507500.0,
    "price_change": 500.50,
    "price_change_percent": 1.19,
    "timestamp": 1703520000000
  }""",
)
KLINE = (
    "btcusdt@kline_1m",
    {
        **{"e": "kline", "E": T + 60_000, "s": "BTCUSDT"},
        "k": {
            **{"t": T, "T": T + 59_999, "s": "BTCUSDT", "i": "1m", "f": 100, "L": 200},
            **{"o": "42500.00", "c": "42530.00", "h": "42550.00", "l": "42480.00", "v": "125.5"},
            **{"n": 1250, "x": True, "q": "5337415.00", "V": "5", "Q": "0.5", "B": "123456"},
        },
    },
    """{
    "type": "kline",
    "symbol": "BTCUSDT",
    "interval": "1m",
    "timestamp": 1703520000000,
    "open": 42500.00,
    "high": 42550.00,
    "low": 42480.00,
    "close": 42530.00,
    "volume": 125.5,
    "is_closed": true,
    "trades": 1250,
    "quote_volume": 5337415.00
  }""",
)
TRADE = (
    "btcusdt@trade",
    {
        **{"e": "trade", "E": T + 5, "s": "BTCUSDT", "t": 123456789, "p": "42500.00", "q": "0.5"},
        **{"T": T, "m": False, "M": True},
    },
    """{
    "type": "trade",
    "symbol": "BTCUSDT",
    "trade_id": 123456789,
    "price": 42500.00,
    "quantity": 0.5,
    "timestamp": 1703520000000,
    "is_buyer_maker": false
  }""",
)
# The types that the page names and does not show.
AGG_TRADE = (
    "btcusdt@aggTrade",
    {
        **{"e": "aggTrade", "E": T + 5, "s": "BTCUSDT", "a": 7, "p": "42500", "q": "2", "f": 1},
        **{"l": 3, "T": T, "m": True, "M": True},
    },
    """{"type": "agg_trade", "symbol": "BTCUSDT", "trade_id": 7, "price": 42500.0,
    "quantity": 2.0, "timestamp": 1703520000000, "is_buyer_maker": true}""",
)
MINI_TICKER = (
    "btcusdt@miniTicker",
    {
        **{"e": "24hrMiniTicker", "E": T, "s": "BTCUSDT", "c": "42500.50", "o": "42000.00"},
        **{"h": "43000.00", "l": "41500.00", "v": "15000.5", "q": "637507500"},
    },
    """{"type": "mini_ticker", "symbol": "BTCUSDT", "price": 42500.5, "open": 42000.0,
    "high": 43000.0, "low": 41500.0, "volume": 15000.5, "quote_volume": 637507500.0,
    "timestamp": 1703520000000}""",
)
BOOK_TICKER = (
    "btcusdt@bookTicker",
    {"u": 400900217, "s": "BTCUSDT", "b": "25.35", "B": "31", "a": "25.36", "A": "40.66"},
    """{"type": "book_ticker", "symbol": "BTCUSDT", "bid_price": 25.35, "bid_quantity": 31.0,
    "ask_price": 25.36, "ask_quantity": 40.66, "timestamp": 1703520000123}""",
)
ALL = [TICKER, KLINE, TRADE, AGG_TRADE, MINI_TICKER, BOOK_TICKER]
RECEIVED_NS = (T + 123) * 1_000_000 + 999_999


def event_of(
    stream: str, payload: dict[str, Any], *, symbol: str | None = None, **options: Any
) -> Any:
    codec = BinanceCodec(**options)
    if symbol is not None:
        kind = streams.parse_stream(stream)
        codec.subscribe([type(kind)(kind.name, kind.kind, symbol)])
    events: list[Any] = []
    frame = json.dumps({"stream": stream, "data": payload}, separators=(",", ":")).encode()
    codec.receive(frame, RECEIVED_NS, events)
    (event,) = events
    return event


@pytest.mark.parametrize(("stream", "sent", "page"), ALL, ids=[row[0] for row in ALL])
@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_pages_format(stream: str, sent: dict[str, Any], page: str, numbers: Any) -> None:
    """Keys, their order, values, and int or float; decimals become floats too."""
    found = normalise(event_of(stream, sent, numbers=numbers))
    wanted = json.loads(page)
    assert json.dumps(found) == json.dumps(wanted)


@pytest.mark.parametrize("symbol", ["BTC-USDT", "btc/usdt", "BTCUSDT"])
def test_the_symbol_is_the_venues(symbol: str) -> None:
    found = normalise(event_of(TRADE[0], TRADE[1], symbol=symbol))
    assert found is not None
    assert found["symbol"] == "BTCUSDT"


def test_microseconds_become_milliseconds() -> None:
    sent = TRADE[1] | {"T": T * 1000 + 999}
    found = normalise(event_of(TRADE[0], sent))
    assert found is not None
    assert found["timestamp"] == T


@pytest.mark.parametrize(("stream", "sent", "page"), ALL, ids=[row[0] for row in ALL])
def test_a_payload_leads_back_to_its_stream(stream: str, sent: dict[str, Any], page: str) -> None:
    payload = json.loads(page)
    key = key_of(streams.parse_stream(stream))
    assert key == (payload["type"], payload["symbol"], payload.get("interval", ""))


def test_what_has_no_row_is_none() -> None:
    assert normalise(Gap(symbol="BTCUSDT", stream="x", cause=GapCause.DISCONNECT)) is None


def test_a_payload_is_the_callers_own() -> None:
    event = event_of(*TRADE[:2])
    first = normalise(event)
    assert first is not None
    first.clear()
    assert normalise(event) == json.loads(TRADE[2])


def test_every_row_tells_its_price() -> None:
    """A book ticker has two prices, neither of which is the last."""
    labels = {label for _, label, _ in ROWS}
    assert set(PRICE_KEYS) == labels - {"book_ticker"}
    for _, label, columns in ROWS:
        assert label not in PRICE_KEYS or PRICE_KEYS[label] in [key for key, _, _ in columns]


def test_the_envelope() -> None:
    payload = {"type": "trade", "price": 1.0}
    assert envelope(payload, 1766664000_500_999_999) == {
        "type": "trade",
        "data": payload,
        "timestamp": "2025-12-25T12:00:00.500Z",
    }


@given(st.integers(-2_000_000_000_000, 253_402_300_799_999), st.integers(0, 999_999))
def test_iso_times(ms: int, rest: int) -> None:
    """As the standard library writes them, between 1906 and 9999."""
    wanted = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert iso_utc(ms * 1_000_000 + rest) == f"{wanted}.{ms % 1000:03}Z"
