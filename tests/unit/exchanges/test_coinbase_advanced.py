"""Advanced Trade: what each message becomes, and one sequence over the whole connection."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.credentials import Credentials
from tickwire.exchanges import Reconnect, Resync, SubscriptionState
from tickwire.exchanges.coinbase.advanced import AdvancedCodec
from tickwire.exchanges.coinbase.advanced_structs import (
    AdvancedOrder,
    AdvancedPosition,
    AdvancedTrade,
    FuturesBalance,
)
from tickwire.exchanges.coinbase.names import stream
from tickwire.market import BookDelta, BookSnapshot, Event, Gap, Kline, Quote, Ticker
from tickwire.testing import Sample, check_codec

NOW = 1_700_000_000_000_000_000
STAMP = "2026-09-07T23:37:22.675755362Z"
STAMP_NS = 1_788_824_242_675_755_362
STREAMS = ("level2:BTC-PERP-INTX", "market_trades:ETH-USDT", "ticker:BTC-USD", "candles:ETH-USD")
# One answer for each of the four channels and one for the heartbeats.
ANSWERS = 5


def envelope(number: int, channel: str, *events: Any) -> bytes:
    return orjson.dumps(
        {"channel": channel, "timestamp": STAMP, "sequence_num": number, "events": list(events)}
    )


def row(side: str, price: str, size: str) -> dict[str, str]:
    return {
        "side": side,
        "event_time": "2026-09-07T01:57:58.894355Z",
        "price_level": price,
        "new_quantity": size,
    }


def book(number: int, kind: str, *rows: dict[str, str]) -> bytes:
    updates = list(rows) or [row("bid", "79943.9", "0")]
    return envelope(
        number, "l2_data", {"type": kind, "product_id": "BTC-PERP-INTX", "updates": updates}
    )


def snapshot(number: int) -> bytes:
    return book(
        number,
        "snapshot",
        row("offer", "79944.1", "1.2"),
        row("bid", "79943.8", "7"),
        row("bid", "79943.9", "3.0105"),
        row("offer", "79944.0", "5"),
    )


def trades(number: int, *ids: int, kind: str = "update", side: str = "BUY") -> bytes:
    entries = [
        {
            "product_id": "ETH-USDT",
            "trade_id": str(one),
            "price": "2375.56",
            "size": "0.5",
            "time": "2024-10-04T07:13:31.088388Z",
            "side": side,
        }
        for one in ids
    ]
    return envelope(number, "market_trades", {"type": kind, "trades": entries})


TICKER = {
    "type": "ticker",
    "product_id": "BTC-USD",
    "price": "21932.98",
    "volume_24_h": "16038.28770938",
    "low_24_h": "21835.29",
    "high_24_h": "23011.18",
    "low_52_w": "15460",
    "high_52_w": "48240",
    "price_percent_chg_24_h": "-4.15775596190603",
    "best_bid": "21931.98",
    "best_bid_quantity": "8000.21",
    "best_ask": "21933.98",
    "best_ask_quantity": "8038.07770938",
}


def ticker(number: int, channel: str = "ticker", **changes: str | None) -> bytes:
    entry = {name: value for name, value in (TICKER | changes).items() if value is not None}
    return envelope(number, channel, {"type": "snapshot", "tickers": [entry]})


def candle(number: int, start: int, close: str = "1866.81") -> bytes:
    entry = {
        "start": str(start),
        "high": "1867.72",
        "low": "1865.63",
        "open": "1867.38",
        "close": close,
        "volume": "0.20269406",
        "product_id": "ETH-USD",
    }
    return envelope(number, "candles", {"type": "update", "candles": [entry]})


def heartbeat(number: int, counter: Any = 139651) -> bytes:
    at = "2026-09-07 23:37:22.674409 +0000 UTC m=+139651.272674714"
    return envelope(number, "heartbeats", {"current_time": at, "heartbeat_counter": counter})


def state(number: int, channels: dict[str, list[str]]) -> bytes:
    return envelope(number, "subscriptions", {"subscriptions": channels})


def acknowledge(requests: list[bytes]) -> list[bytes]:
    held: dict[str, list[str]] = {}
    answers = []
    for number, request in enumerate(requests):
        document = orjson.loads(request)
        channel = document["channel"]
        held.setdefault(channel, []).extend(document.get("product_ids", [channel]))
        answers.append(state(number, held))
    return answers


def refuse(requests: list[bytes]) -> list[bytes]:
    return [b'{"type":"error","message":"authentication failure"}' for _ in requests]


def streams_of(*names: str) -> list[Any]:
    return [stream("advanced", *name.split(":")) for name in names]


def opened(*names: str, **options: Any) -> AdvancedCodec:
    """A codec whose next message has the number of requests that it sent."""
    codec = AdvancedCodec(**options)
    for answer in acknowledge(codec.subscribe(streams_of(*names), NOW)):
        codec.receive(answer, NOW, [])
    return codec


def received(codec: AdvancedCodec, *frames: bytes) -> list[Event]:
    events: list[Event] = []
    for frame in frames:
        codec.receive(frame, NOW, events)
    return events


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_the_contract(numbers: Any) -> None:
    check_codec(
        Sample(
            make=partial(AdvancedCodec, numbers=numbers),
            streams=streams_of(*STREAMS),
            frames=[
                snapshot(ANSWERS),
                trades(ANSWERS + 1, 7, 6, kind="snapshot"),
                book(ANSWERS + 2, "update"),
                ticker(ANSWERS + 3),
                trades(ANSWERS + 4, 8),
                candle(ANSWERS + 5, 1_688_998_200),
            ],
            acks=acknowledge,
            refuse=refuse,
            quiet=[heartbeat(ANSWERS), heartbeat(ANSWERS + 1, "139652")],
        )
    )


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_a_book_is_sorted(numbers: Any) -> None:
    number = float if numbers == "float" else Decimal
    whole, change = received(
        opened("level2:BTC-PERP-INTX", numbers=numbers), snapshot(2), book(3, "update")
    )
    assert isinstance(whole, BookSnapshot)
    assert repr(whole.bids) == repr(
        [(number("79943.9"), number("3.0105")), (number("79943.8"), number("7"))]
    )
    assert [price for price, _ in whole.asks] == [number("79944.0"), number("79944.1")]
    assert isinstance(change, BookDelta)
    assert (change.bids, change.asks, change.sequence) == ([(number("79943.9"), 0)], [], 3)
    assert change.ts_event_ns == STAMP_NS
    assert change.ts_transact_ns == 1_788_746_278_894_355_000


def test_a_snapshot_may_come_before_the_answer() -> None:
    codec = AdvancedCodec()
    codec.subscribe(streams_of("level2:BTC-PERP-INTX"), NOW)
    assert [event.kind for event in received(codec, snapshot(0))] == ["book_snapshot"]
    received(codec, state(1, {"level2": ["BTC-PERP-INTX"]}))
    assert [event.kind for event in received(codec, book(2, "update"))] == ["book_delta"]
    assert codec.stats.gaps == 0


def test_trades_come_oldest_first_with_the_makers_side() -> None:
    past, older, newer = received(
        opened("market_trades:eth/usdt"), trades(2, 5, kind="snapshot"), trades(3, 7, 6)
    )
    assert isinstance(past, AdvancedTrade)
    assert past.is_history
    assert isinstance(older, AdvancedTrade)
    assert isinstance(newer, AdvancedTrade)
    assert repr([older.trade_id, newer.trade_id]) == "[6, 7]"
    assert older.symbol == "eth/usdt"
    assert older.aggressor_side == "sell"
    assert not older.is_history
    assert (older.ts_event_ns, older.ts_transact_ns) == (STAMP_NS, 1_728_026_011_088_388_000)


def test_a_trade_id_that_is_no_number_is_kept() -> None:
    codec = opened("market_trades:ETH-USDT")
    [trade] = received(codec, trades(2, 5).replace(b'"5"', b'"0b1d-5"'))
    assert isinstance(trade, AdvancedTrade)
    assert trade.trade_id == "0b1d-5"
    assert codec.identify(b"", trade) is None


def test_tickers_and_quotes() -> None:
    codec = opened("ticker:BTC-USD", "quote:BTC-USDC")
    quote, statistics = received(codec, ticker(2))
    assert isinstance(quote, Quote)
    # The venue's data of BTC-USDC is that of BTC-USD; the caller's name for it stays.
    assert quote.symbol == "BTC-USDC"
    assert (quote.bid_price, quote.bid_size, quote.ask_price) == (21931.98, 8000.21, 21933.98)
    assert isinstance(statistics, Ticker)
    assert (statistics.last_price, statistics.open) == (21932.98, None)
    assert statistics.price_change_percent == -4.15775596190603
    assert statistics.ts_event_ns == STAMP_NS
    bare = opened("ticker_batch:BTC-USD")
    lacking = ticker(2, "ticker_batch", best_bid=None, best_ask=None)
    [statistics] = received(bare, lacking)
    assert isinstance(statistics, Ticker)
    assert statistics.bid_price is None


def test_a_candle_is_closed_by_its_successor() -> None:
    codec = opened("candles:ETH-USD")
    events = received(
        codec,
        candle(2, 1_688_998_200, "1"),
        candle(3, 1_688_998_200, "2"),
        candle(4, 1_688_998_500, "3"),
    )
    assert all(isinstance(event, Kline) for event in events)
    told = [(event.open_time, event.close, event.is_closed) for event in events]  # type: ignore[attr-defined]
    assert told == [
        (1_688_998_200_000, 1.0, False),
        (1_688_998_200_000, 2.0, False),
        (1_688_998_200_000, 2.0, True),
        (1_688_998_500_000, 3.0, False),
    ]
    first = events[0]
    assert isinstance(first, Kline)
    assert first.ts_close_ns - first.ts_open_ns == 299_999_000_000


def test_a_hole_concerns_every_stream_of_the_connection() -> None:
    codec = opened("level2:BTC-PERP-INTX", "market_trades:ETH-USDT")
    events = received(codec, snapshot(3), heartbeat(4), heartbeat(6), book(7, "update"))
    assert [event.kind for event in events] == ["book_snapshot", "gap", "gap", "book_delta"]
    gaps = [event for event in events if isinstance(event, Gap)]
    assert {gap.stream for gap in gaps} == {"level2:BTC-PERP-INTX", "market_trades:ETH-USDT"}
    assert {(gap.last_sequence, gap.first_sequence) for gap in gaps} == {(4, 6)}
    assert {gap.symbol for gap in gaps} == {"BTC-PERP-INTX", "ETH-USDT"}
    directive = codec.take_directive()
    assert isinstance(directive, Reconnect)
    assert codec.take_directive() is None
    assert codec.stats.gaps == 2


def test_messages_of_every_kind_have_a_number() -> None:
    codec = opened("market_trades:ETH-USDT")
    strange = envelope(3, "status", {"type": "snapshot", "products": []})
    unreadable = trades(5, 2).replace(b"2375.56", b"moon")
    events = received(codec, trades(2, 1), strange, heartbeat(4), unreadable, trades(6, 3))
    assert [event.kind for event in events] == ["trade", "trade"]
    stats = codec.stats
    assert (stats.gaps, stats.undecodable, stats.unknown) == (0, 1, {"status": 1})


def test_a_repeated_number_is_stale_and_a_new_connection_counts_anew() -> None:
    codec = opened("market_trades:ETH-USDT")
    received(codec, trades(2, 1), trades(2, 1))
    assert (codec.stats.stale, codec.stats.gaps) == (1, 0)
    codec.reset()
    codec.subscribe(streams_of("market_trades:ETH-USDT"), NOW)
    assert [event.kind for event in received(codec, trades(0, 2))] == ["trade"]
    assert codec.stats.gaps == 0


def test_a_change_before_the_snapshot_asks_for_the_book_again() -> None:
    codec = opened("level2:BTC-PERP-INTX")
    assert [event.kind for event in received(codec, book(2, "update"))] == ["gap", "book_delta"]
    directive = codec.take_directive()
    assert isinstance(directive, Resync)
    assert directive.stream == "level2:BTC-PERP-INTX"


def test_heartbeats_are_asked_for_once() -> None:
    codec = AdvancedCodec()
    first = codec.subscribe(streams_of("ticker:BTC-USD"), NOW)
    assert [orjson.loads(one) for one in first] == [
        {"type": "subscribe", "product_ids": ["BTC-USD"], "channel": "ticker"},
        {"type": "subscribe", "channel": "heartbeats"},
    ]
    assert len(codec.subscribe(streams_of("ticker:ETH-USD"), NOW)) == 1


def test_a_refusal_without_a_word() -> None:
    codec = AdvancedCodec()
    codec.subscribe(streams_of("level2:BTC-PERP-INTX", "level2:NO-SUCH"), NOW)
    received(codec, state(0, {"level2": ["BTC-PERP-INTX"]}))
    assert codec.subscriptions["level2:NO-SUCH"] is SubscriptionState.REFUSED
    assert codec.subscriptions["level2:BTC-PERP-INTX"] is SubscriptionState.ACCEPTED
    [refusal] = codec.take_errors()
    assert refusal.streams == ("level2:NO-SUCH",)


KEYS = Credentials("organizations/0/apiKeys/1", private_key="A" * 43 + "=")


def test_every_request_has_a_token_of_its_own() -> None:
    pytest.importorskip("cryptography", reason="the extra `keys` is not installed")
    nonces = iter("abcdef")
    codec = AdvancedCodec(credentials=KEYS, nonce=lambda: next(nonces))
    requests = [orjson.loads(one) for one in codec.subscribe(streams_of("orders"), NOW)]
    assert [one["channel"] for one in requests] == ["user", "heartbeats"]
    assert "product_ids" not in requests[0]
    tokens = [one["jwt"] for one in requests]
    assert len(set(tokens)) == 2


ORDER = {
    "order_id": "YYY",
    "client_order_id": "XXX",
    "product_id": "BTC-USD",
    "order_side": "BUY",
    "order_type": "Limit",
    "status": "FILLED",
    "limit_price": "50000",
    "stop_price": "",
    "avg_price": "50000",
    "cumulative_quantity": "0.01",
    "leaves_quantity": "0",
    "number_of_fills": "1",
    "total_fees": "2",
    "time_in_force": "GOOD_UNTIL_CANCELLED",
    "reject_reason": "",
    "cancel_reason": "",
    "a_field_of_tomorrow": {"x": [1]},
}
PERPETUAL = {
    "product_id": "BTC-PERP-INTX",
    "entry_vwap": "100.5",
    "position_side": "LONG",
    "net_size": "2",
    "leverage": "3",
    "mark_price": "101",
    "unrealized_pnl": "1.0",
}
DATED = {"product_id": "BIT-28JUN24-CDE", "side": "Long", "number_of_contracts": "4"}


def user(number: int) -> bytes:
    positions = {
        "perpetual_futures_positions": [PERPETUAL],
        "expiring_futures_positions": [DATED],
    }
    return envelope(number, "user", {"type": "snapshot", "orders": [ORDER], "positions": positions})


def test_orders_and_positions_are_parts_of_one_channel() -> None:
    [order] = received(opened("orders"), user(2))
    assert isinstance(order, AdvancedOrder)
    assert (order.order_id, order.client_order_id, order.symbol) == ("YYY", "XXX", "BTC-USD")
    assert (order.side, order.order_type, order.status) == ("BUY", "LIMIT", "FILLED")
    assert (order.price, order.stop_price, order.size, order.filled_size) == (50000, 0, 0.01, 0.01)
    assert (order.total_fees, order.fill_count, order.is_history) == (2, 1, True)
    perpetual, dated = received(opened("positions", numbers="decimal"), user(2))
    assert isinstance(perpetual, AdvancedPosition)
    numbers = (perpetual.size, perpetual.entry_price, perpetual.leverage)
    assert repr(numbers) == "(Decimal('2'), Decimal('100.5'), Decimal('3'))"
    assert perpetual.side == "LONG"
    assert isinstance(dated, AdvancedPosition)
    assert (dated.symbol, dated.size, dated.mark_price) == ("BIT-28JUN24-CDE", 4, None)
    both = received(opened("orders", "positions"), user(2))
    assert [event.kind for event in both] == ["order_update", "position", "position"]


def test_the_futures_balance() -> None:
    codec = opened("futures_balance_summary")
    summary = {
        "total_usd_balance": "1000.5",
        "available_margin": "900",
        "total_open_orders_hold_amount": "50",
        "initial_margin": "",
    }
    message = {"type": "snapshot", "fcm_balance_summary": summary}
    [balance] = received(codec, envelope(2, "futures_balance_summary", message))
    assert isinstance(balance, FuturesBalance)
    assert (balance.asset, balance.total, balance.available) == ("USD", 1000.5, 900)
    assert (balance.frozen, balance.initial_margin) == (50, 0)
    bad = message | {"fcm_balance_summary": summary | {"available_margin": "NaN"}}
    assert received(codec, envelope(3, "futures_balance_summary", bad)) == []
    stats = codec.stats
    assert (stats.undecodable, stats.stale) == (1, 0)


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    codec = opened("market_trades:ETH-USDT")
    received(codec, data, b'{"channel":"market_trades",' + data, b'{"channel":"l2_data",' + data)
    assert [event.kind for event in received(codec, trades(2, 1))][-1:] == ["trade"]
