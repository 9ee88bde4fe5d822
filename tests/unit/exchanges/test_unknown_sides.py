"""A side that is new is no side: neither of a trade, nor of a level."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.exchanges import test_bybit as bybit
from tests.unit.exchanges import test_coinbase_advanced as advanced
from tests.unit.exchanges import test_coinbase_exchange as exchange
from tests.unit.exchanges import test_deribit as deribit
from tests.unit.exchanges import test_kraken as kraken
from tests.unit.exchanges import test_okx_codec as okx
from tickwire.exchanges.bybit import BybitCodec
from tickwire.exchanges.coinbase.advanced import AdvancedCodec
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.deribit import DeribitCodec
from tickwire.exchanges.kraken.codec import KrakenCodec
from tickwire.exchanges.okx import OkxCodec
from tickwire.market import AggressorSide, BookDelta, Liquidation

NUMBERS = ("float", "decimal")
# The codec, its stream, the frame of a number, the key of the side, and what it says.
TRADES: dict[str, tuple[Any, str, Any, bytes, dict[bytes, str]]] = {
    "okx": (OkxCodec, "trades:BTC-USDT", okx.trade, b"side", {b"buy": "buy", b"sell": "sell"}),
    "bybit": (
        BybitCodec,
        "publicTrade.BTCUSDT",
        bybit.trade,
        b"S",
        {b"Buy": "buy", b"Sell": "sell"},
    ),
    "kraken": (
        KrakenCodec,
        "trade:MATIC/USD",
        kraken.trade,
        b"side",
        {b"buy": "buy", b"sell": "sell"},
    ),
    "deribit": (
        DeribitCodec,
        deribit.TRADES,
        deribit.trade,
        b"direction",
        {b"buy": "buy", b"sell": "sell"},
    ),
    "coinbase": (
        ExchangeCodec,
        "matches:BTC-USD",
        exchange.match,
        b"side",
        {b"buy": "sell", b"sell": "buy"},
    ),
    "coinbase advanced": (
        AdvancedCodec,
        "market_trades:ETH-USDT",
        lambda number: advanced.trades(number, number),
        b"side",
        {b"BUY": "sell", b"SELL": "buy"},
    ),
}


def with_side(frame: bytes, key: bytes, side: bytes) -> bytes:
    begin, _, rest = frame.partition(b'"%b":"' % key)
    return begin + b'"%b":"%b"' % (key, side) + rest[rest.index(b'"') + 1 :]


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("venue", TRADES)
def test_a_trade_of_a_side_that_is_new_has_none(venue: str, numbers: str) -> None:
    make, stream, trade, key, sides = TRADES[venue]
    codec = make(numbers=numbers)
    codec.subscribe([stream])
    events: list[Any] = []
    wanted: list[str | None] = []
    for number in range(1, 13):
        side = [*sides, b"auction", b""][number % 4]
        codec.receive(with_side(trade(number), key, side), 1, events)
        wanted.append(sides.get(side))
    assert [event.aggressor_side for event in events] == wanted
    assert {event.to_dict()["aggressor_side"] for event in events} == {"buy", "sell", None}


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_level_of_a_side_that_is_new_is_left_out_and_counted(numbers: Any) -> None:
    codec = exchange.opened("level2_batch:BTC-USD", numbers=numbers)
    other = exchange.UPDATE.replace(b'["buy"', b'["auction"')
    events = exchange.received(codec, exchange.SNAPSHOT, exchange.UPDATE, exchange.UPDATE, other)
    found: list[Any] = events[1:]
    assert [(len(delta.bids), len(delta.asks)) for delta in found] == [(1, 1), (1, 1), (0, 1)]
    assert codec.stats.unknown == {"a side of level2": 1}


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_level_of_advanced_trade(numbers: Any) -> None:
    codec = advanced.opened("level2:BTC-USD", numbers=numbers)
    first = advanced.ANSWERS
    rows = (advanced.row("bid", "79943.9", "1"), advanced.row("offer", "79944.1", "2"))
    changes = (advanced.book(first + number, "update", *rows) for number in (1, 2, 3))
    frames = [advanced.snapshot(first), *changes]
    frames[3] = frames[3].replace(b'"offer"', b'"auction"')
    events = advanced.received(codec, *frames)
    known, also_known, new = (event for event in events if isinstance(event, BookDelta))
    assert known.bids == also_known.bids == new.bids
    assert len(known.asks) == len(also_known.asks) == 1
    assert not new.asks
    assert codec.stats.unknown == {"a side of l2_data": 1}


def test_a_liquidation() -> None:
    found = [
        Liquidation(event_time=0, symbol="X", side=side, price=1.0, size=1.0).aggressor_side
        for side in ("SELL", "Buy", "auction")
    ]
    assert found == [AggressorSide.SELL, AggressorSide.BUY, None]
