"""Plausible sessions of every venue with an intake: a codec that is subscribed, and frames of
trades and books that follow each other as the venue's would, now and then with a hole."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tickwire.exchanges.bybit import BybitCodec
from tickwire.exchanges.coinbase.advanced import AdvancedCodec
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.deribit import DeribitCodec
from tickwire.exchanges.kraken.codec import KrakenCodec
from tickwire.exchanges.okx import OkxCodec
from tickwire.exchanges.weex import WeexCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

__all__ = ["SESSIONS", "Session"]


class Session(NamedTuple):
    """One kind of codec.

    Attributes:
        make: Makes it, subscribed.
        opening: What comes first.
        frames: What comes then, without end.
    """

    make: Callable[[], Any]
    opening: Callable[[], list[bytes]]
    frames: Callable[[Random], Iterator[bytes]]


def _subscribed(codec: Any, *streams: Any) -> Any:
    codec.subscribe(streams, 1)
    return codec


def _step(random: Random) -> int:
    return random.choice((1,) * 30 + (0, 2, 7))


def _text(random: Random) -> str:
    kinds = (
        lambda: f"{random.randrange(10**6)}.{random.randrange(10**3):03d}",
        lambda: f"0.{random.randrange(10**8):08d}",
        lambda: str(random.randrange(10**4)),
        lambda: repr(random.random() * 10 ** random.randrange(-12, 18)),
        lambda: f"{random.randrange(10**20)}.{random.randrange(10**6)}",
    )
    return random.choice(kinds[:3] * 6 + kinds)()


def _number(random: Random) -> float:
    return random.choice((round(random.random() * 90_000, 1), float(random.randrange(900)), 1e-8))


def _rows(random: Random, *more: str) -> list[list[str]]:
    return [[_text(random), _text(random), *more] for _ in range(random.randrange(4))]


def _okx(random: Random) -> Iterator[bytes]:
    number = 100
    for n in count():
        kind = random.choice(("trades", "books"))
        arg = {"channel": kind, "instId": random.choice(("BTC-USDT", "ETH-USDT"))}
        if kind == "trades":
            trade: Any = {
                "instId": arg["instId"],
                "tradeId": str(n),
                "px": _text(random),
            }
            trade |= {"sz": _text(random), "side": random.choice(("buy", "sell"))}
            trade |= {"ts": "1630048897897", "count": "3", "source": "0", "seqId": n}
            yield orjson.dumps({"arg": arg, "data": [trade] * random.choice((1, 1, 1, 2))})
            continue
        arg["instId"] = "BTC-USDT"
        following = number + _step(random) - 1
        book: Any = {"asks": _rows(random, "0", "3"), "bids": _rows(random, "0", "1")}
        book |= {"ts": "1597026383085", "checksum": 0, "prevSeqId": following, "seqId": number + 5}
        number += 5
        yield orjson.dumps({"arg": arg, "action": "update", "data": [book]})


def _okx_opening() -> list[bytes]:
    book: Any = {
        "asks": [],
        "bids": [],
        "ts": "1",
        "checksum": 0,
        "prevSeqId": -1,
        "seqId": 100,
    }
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return [orjson.dumps({"arg": arg, "action": "snapshot", "data": [book]})]


def _bybit_book(kind: str, number: int, cross: int, bids: Any, asks: Any) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": number, "seq": cross}
    head = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1687940967466}
    return orjson.dumps({**head, "data": data, "cts": 1687940967464})


def _bybit(random: Random) -> Iterator[bytes]:
    number = cross = 100
    while True:
        if random.random() < 0.5:
            trade: Any = {"T": 1672304486865, "s": "BTCUSDT"}
            trade |= {"S": random.choice(("Buy", "Sell")), "v": _text(random), "p": _text(random)}
            trade |= {"L": "PlusTick", "i": _text(random), "BT": random.random() < 0.5}
            head = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1672304486868}
            yield orjson.dumps({**head, "data": [trade] * random.choice((1, 1, 3))})
            continue
        number, cross = number + _step(random), cross + _step(random)
        if random.random() < 0.03:
            number = 1
        late = random.choice((0, 0, 0, 0, 0, 0, 0, 90))
        yield _bybit_book("delta", number, cross - late, _rows(random), _rows(random))


def _weex(random: Random) -> Iterator[bytes]:
    ends = {15: 100, 200: 100}
    for n in count():
        head = {"E": 1757000000000 + n, "s": random.choice(("BTCUSDT", "ETHUSDT"))}
        if random.random() < 0.5:
            trade: Any = {"T": n, "t": f"id-{n}", "p": _text(random), "q": _text(random)}
            trade |= {"v": _text(random), "m": random.random() < 0.5}
            rows = [trade] * random.choice((1, 1, 2))
            yield orjson.dumps({"e": "trade", **head, "d": rows})
            continue
        head["s"], level = "BTCUSDT", random.choice((15, 200, 200, 200))
        begin = ends[level] + _step(random) - 1
        ends[level] += 4
        book: Any = {"U": begin, "u": ends[level], "l": level, "d": "CHANGED"}
        yield orjson.dumps({"e": "depth", **head, **book, "b": _rows(random), "a": _rows(random)})


def _weex_opening() -> list[bytes]:
    head = {"e": "depthSnapshot", "E": 1, "s": "BTCUSDT", "U": 1, "u": 100}
    return [orjson.dumps({**head, "l": n, "b": [], "a": []}) for n in (15, 200)]


def _deribit_push(channel: str, data: Any) -> bytes:
    params = {"channel": channel, "data": data}
    return orjson.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def _deribit_book(kind: str, change: int, previous: int | None, bids: Any, asks: Any) -> bytes:
    book: Any = {"type": kind, "timestamp": 1699999999500, "prev_change_id": previous}
    book |= {"instrument_name": "BTC-PERPETUAL", "change_id": change, "bids": bids, "asks": asks}
    if previous is None:
        del book["prev_change_id"]
    return _deribit_push("book.BTC-PERPETUAL.100ms", book)


def _deribit_rows(random: Random) -> list[Any]:
    words = ("new", "change", "delete")
    return [
        [random.choice(words), _number(random), _number(random)] for _ in range(random.randrange(4))
    ]


def _deribit(random: Random) -> Iterator[bytes]:
    end, numbers = 100, {"BTC-PERPETUAL": 7, "BTC-26DEC25": 9}
    while True:
        if random.random() < 0.5:
            trades = []
            for _ in range(random.choice((1, 1, 1, 3))):
                name = random.choice(tuple(numbers))
                numbers[name] += _step(random)
                trade: Any = {"timestamp": 1765531356452, "price": _number(random)}
                trade |= {"amount": _number(random), "direction": random.choice(("buy", "sell"))}
                trade |= {"index_price": 92276.75, "instrument_name": name}
                trade |= {"trade_seq": numbers[name], "mark_price": 1, "tick_direction": 2}
                trade |= {"contracts": 1.0, "trade_id": "403691824"}
                trade |= random.choice(({}, {"iv": None}, {"iv": 55.5, "liquidation": "M"}))
                trades.append(trade)
            channel = random.choice(("trades.future.BTC.100ms", "trades.BTC-PERPETUAL.100ms"))
            yield _deribit_push(channel, trades)
            continue
        previous = end + _step(random) - 1
        end += 3
        rows = _deribit_rows(random), _deribit_rows(random)
        yield _deribit_book("change", end, previous, *rows)


def _kraken_book(kind: str, bids: Any, asks: Any) -> bytes:
    data = {"symbol": "BTC/USD", "bids": bids, "asks": asks, "checksum": 1}
    data["timestamp"] = "2026-08-01T10:00:00.123456Z"
    return orjson.dumps({"channel": "book", "type": kind, "data": [data]})


def _kraken(random: Random) -> Iterator[bytes]:
    number = 7
    while True:
        if random.random() < 0.5:
            trades = []
            for _ in range(random.choice((1, 1, 2))):
                number += _step(random)
                trade: Any = {
                    "symbol": "BTC/USD",
                    "side": random.choice(("buy", "sell")),
                }
                trade |= {"price": _number(random), "qty": _number(random), "ord_type": "limit"}
                trade |= {"trade_id": number, "timestamp": "2026-08-01T10:00:00.123456Z"}
                trades.append(trade)
            yield orjson.dumps({"channel": "trade", "type": "update", "data": trades})
            continue
        rows = [{"price": _number(random), "qty": _number(random)} for _ in range(3)]
        yield _kraken_book("update", rows[: random.randrange(4)], rows[2:])


def _kraken_opening() -> list[bytes]:
    return [_kraken_book("snapshot", [{"price": 1.0, "qty": 2.0}], [])]


def _exchange(random: Random) -> Iterator[bytes]:
    number = 10
    while True:
        end = {"time": "2026-08-01T10:00:00.123456Z"}
        if random.random() < 0.04:
            beat = {"type": "heartbeat", "sequence": 1, "last_trade_id": number + 1}
            yield orjson.dumps({**beat, "product_id": "BTC-USD", **end})
        elif random.random() < 0.5:
            number += _step(random)
            trade: Any = {"type": "match", "trade_id": number, "maker_order_id": "ac"}
            trade |= {"taker_order_id": "13", "side": random.choice(("buy", "sell"))}
            trade |= {"size": _text(random), "price": _text(random), "product_id": "BTC-USD"}
            yield orjson.dumps({**trade, "sequence": 50, **end})
        else:
            changes = [
                [random.choice(("buy", "sell")), _text(random), _text(random)]
                for _ in range(random.randrange(4))
            ]
            update = {"type": "l2update", "product_id": "BTC-USD", "changes": changes}
            yield orjson.dumps({**update, **end})


def _exchange_opening() -> list[bytes]:
    return [b'{"type":"snapshot","product_id":"BTC-USD","bids":[["1.1","2"]],"asks":[]}']


def _envelope(number: int, channel: str, part: dict[str, Any]) -> bytes:
    head = {"channel": channel, "client_id": "", "timestamp": "2026-08-01T10:00:00.1Z"}
    return orjson.dumps({**head, "sequence_num": number, "events": [part]})


def _advanced(random: Random) -> Iterator[bytes]:
    number = 1
    while True:
        number += _step(random)
        if random.random() < 0.5:
            trades = []
            for n in range(random.choice((1, 1, 3))):
                trade: Any = {
                    "trade_id": random.choice((str(n), "x1")),
                    "product_id": "BTC-USD",
                }
                trade |= {"price": _text(random), "size": _text(random)}
                trade |= {"side": random.choice(("BUY", "SELL")), "time": "2026-08-01T10:00:00Z"}
                trades.append(trade)
            yield _envelope(number, "market_trades", {"type": "update", "trades": trades})
            continue
        rows = []
        for n in range(random.randrange(4)):
            row: Any = {
                "side": random.choice(("bid", "offer")),
                "event_time": f"2026-08-0{n + 1}T10Z",
            }
            rows.append(row | {"price_level": _text(random), "new_quantity": _text(random)})
        part = {"type": "update", "product_id": "BTC-USD", "updates": rows}
        yield _envelope(number, "l2_data", part)


def _advanced_opening() -> list[bytes]:
    part = {"type": "snapshot", "product_id": "BTC-USD", "updates": []}
    return [_envelope(1, "l2_data", part)]


SESSIONS = {
    "okx": Session(
        lambda: _subscribed(OkxCodec(), "trades:BTC-USDT", "trades:ETH-USDT", "books:BTC-USDT"),
        _okx_opening,
        _okx,
    ),
    "bybit": Session(
        lambda: _subscribed(BybitCodec("linear"), "publicTrade.BTCUSDT", "orderbook.50.BTCUSDT"),
        lambda: [_bybit_book("snapshot", 100, 100, [["1", "2"]], [])],
        _bybit,
    ),
    "weex": Session(
        lambda: _subscribed(
            WeexCodec(), "BTCUSDT@trade", "ETHUSDT@trade", "BTCUSDT@depth15", "BTCUSDT@depth200"
        ),
        _weex_opening,
        _weex,
    ),
    "deribit": Session(
        lambda: _subscribed(
            DeribitCodec(),
            "trades.BTC-PERPETUAL.100ms",
            "trades.future.BTC.100ms",
            "book.BTC-PERPETUAL.100ms",
        ),
        lambda: [_deribit_book("snapshot", 100, None, [["new", 1.0, 2.0]], [])],
        _deribit,
    ),
    "kraken": Session(
        lambda: _subscribed(KrakenCodec(), "trade:BTC/USD", "book-10:BTC/USD"),
        _kraken_opening,
        _kraken,
    ),
    "coinbase-exchange": Session(
        lambda: _subscribed(ExchangeCodec(), "matches:BTC-USD", "level2_batch:BTC-USD"),
        _exchange_opening,
        _exchange,
    ),
    "coinbase-advanced": Session(
        lambda: _subscribed(AdvancedCodec(), "market_trades:BTC-USD", "level2:BTC-USD"),
        _advanced_opening,
        _advanced,
    ),
}
"""By venue."""
