"""Typed decoding of venues' frames against ``orjson.loads`` and floats: a row per venue and kind.

    python -m benchmarks.micro.venues

Both sides take the same frames in turns, in groups as a transport hands them over, round by round;
what is compared are the medians of the rounds. The other side makes floats of every price and size
and nothing else: no types, no time of arrival, no sequence, no counting, no checksum. Both keep
what they have made until the group is done. The frames
follow each other as the venue's do, so that no round sees one twice. A venue that is added puts its
rows into :data:`ROWS`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.exchanges.bybit import BybitCodec
from tickwire.exchanges.coinbase.advanced import AdvancedCodec
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.deribit import DeribitCodec
from tickwire.exchanges.kraken.checksum import ScaledBook
from tickwire.exchanges.kraken.codec import KrakenCodec
from tickwire.exchanges.okx import OkxCodec
from tickwire.exchanges.weex import WeexCodec

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges import Codec
    from tickwire.market import Event

__all__ = ["ROWS", "Row", "main", "measure"]

_GROUP = 32
_ROUNDS = 60
_TIME = "2026-08-01T10:00:00.123456Z"
_BOOKS = (4, 20, 100, 800)


@dataclass(frozen=True)
class Row:
    """One kind of frame.

    Attributes:
        name: For the report.
        make: Makes the codec, subscribed.
        opening: Frames that come first.
        frame: The frame of a number, from 1 on.
        by_hand: The same by orjson and float.
    """

    name: str
    make: Callable[[], Codec]
    opening: tuple[bytes, ...]
    frame: Callable[[int], bytes]
    by_hand: Callable[[bytes], Any]


def _texts(count: int, *more: str) -> list[list[str]]:
    return [[f"{30000 + n / 10:.1f}", f"0.{5000 + n}", *more] for n in range(count // 2)]


def _numbers(count: int) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in _texts(count)]


def _floats(row: dict[str, Any], *names: str) -> None:
    for name in names:
        row[name] = float(row[name])


def _pairs(rows: list[list[str]]) -> list[tuple[float, float]]:
    return [(float(row[0]), float(row[1])) for row in rows]


def _subscribed(codec: Any, *streams: str) -> Codec:
    codec.subscribe(streams, 1)
    subscribed: Codec = codec
    return subscribed


# OKX


def _okx() -> Codec:
    return _subscribed(OkxCodec(), "trades:BTC-USDT", "books:BTC-USDT")


def _okx_trade(n: int) -> bytes:
    return (
        b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":'
        b'"%d","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3",'
        b'"source":"0","seqId":%d}]}' % (130639474 + n, n)
    )


def _okx_book(levels: int, n: int, action: str = "update") -> bytes:
    rows = _texts(levels, "0", "3")
    book = {"asks": rows, "bids": rows, "ts": "1597026383085", "checksum": 0}
    arg = {"channel": "books", "instId": "BTC-USDT"}
    book |= {"prevSeqId": 123457 + n - 1, "seqId": 123457 + n}
    return orjson.dumps({"arg": arg, "action": action, "data": [book]})


def _okx_trade_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    for row in document["data"]:
        _floats(row, "px", "sz")
    return document


def _okx_book_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    for book in document["data"]:
        book["bids"], book["asks"] = _pairs(book["bids"]), _pairs(book["asks"])
    return document


# Bybit


def _bybit() -> Codec:
    return _subscribed(BybitCodec("linear"), "publicTrade.BTCUSDT", "orderbook.50.BTCUSDT")


def _bybit_trade(n: int) -> bytes:
    return (
        b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":'
        b'1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":'
        b'"20f43950-d8dd-5b31-9112-%012d","BT":false,"seq":1783284617}]}' % n
    )


def _bybit_book(levels: int, n: int, kind: str = "delta") -> bytes:
    rows = _texts(levels)
    book = {"s": "BTCUSDT", "b": rows, "a": rows, "u": 177400507 + n, "seq": 66544703342 + n}
    message = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1687940967466}
    return orjson.dumps(message | {"data": book, "cts": 1687940967464})


def _bybit_trade_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    for row in document["data"]:
        _floats(row, "p", "v")
    return document


def _bybit_book_by_hand(frame: bytes) -> Any:
    book = orjson.loads(frame)["data"]
    book["b"], book["a"] = _pairs(book["b"]), _pairs(book["a"])
    return book


# WEEX


def _weex() -> Codec:
    return _subscribed(WeexCodec(), "BTCUSDT@trade", "BTCUSDT@depth200")


def _weex_trade(n: int) -> bytes:
    return (
        b'{"e":"trade","E":1757000000000,"s":"BTCUSDT","d":[{"T":1757000000000,"t":'
        b'"20f43950-d8dd-5b31-9112-%012d","p":"16578.5","q":"0.001","v":"16.5785","m":true}]}' % n
    )


def _weex_book(levels: int, n: int, event: str = "depth") -> bytes:
    rows = _texts(levels)
    head = {"e": event, "E": 1757000000000, "s": "BTCUSDT", "U": 100 + n - 1, "u": 100 + n}
    return orjson.dumps({**head, "l": 200, "d": "CHANGED", "b": rows, "a": rows})


def _weex_trade_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    for row in document["d"]:
        _floats(row, "p", "q", "v")
    return document


def _weex_book_by_hand(frame: bytes) -> Any:
    book = orjson.loads(frame)
    book["b"], book["a"] = _pairs(book["b"]), _pairs(book["a"])
    return book


# Deribit


def _deribit() -> Codec:
    return _subscribed(DeribitCodec(), "trades.BTC-PERPETUAL.100ms", "book.BTC-PERPETUAL.100ms")


def _deribit_push(channel: str, data: Any) -> bytes:
    params = {"channel": channel, "data": data}
    return orjson.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def _deribit_trade(n: int) -> bytes:
    trade: dict[str, Any] = {"timestamp": 1765531356452, "price": 92294.5, "amount": 10.0}
    trade |= {"direction": "sell", "index_price": 92276.75, "instrument_name": "BTC-PERPETUAL"}
    trade |= {"trade_seq": 271252854 + n, "mark_price": 92287.11, "tick_direction": 2}
    trade |= {"contracts": 1.0, "trade_id": str(403691824 + n)}
    return _deribit_push("trades.BTC-PERPETUAL.100ms", [trade])


def _deribit_book(levels: int, n: int, kind: str = "change") -> bytes:
    rows = [(kind if kind == "change" else "new", *level) for level in _numbers(levels)]
    book: dict[str, Any] = {"type": kind, "timestamp": 1699999999500}
    if kind == "change":
        book["prev_change_id"] = 100 + n - 1
    book |= {"instrument_name": "BTC-PERPETUAL", "change_id": 100 + n, "bids": rows, "asks": rows}
    return _deribit_push("book.BTC-PERPETUAL.100ms", book)


def _deribit_trade_by_hand(frame: bytes) -> Any:
    return orjson.loads(frame)  # its numbers are floats


def _deribit_book_by_hand(frame: bytes) -> Any:
    book = orjson.loads(frame)["params"]["data"]
    for side in ("bids", "asks"):
        book[side] = [(price, size) for _, price, size in book[side]]
    return book


# Kraken


def _kraken(*, is_checked: bool = False) -> Callable[[], Codec]:
    def make() -> Codec:
        codec = _subscribed(KrakenCodec(), "trade:BTC/USD", "book-1000:BTC/USD")
        if is_checked:
            pair = {"symbol": "BTC/USD", "price_precision": 1, "qty_precision": 8}
            data = {"pairs": [pair], "assets": []}
            frame = {"channel": "instrument", "type": "snapshot", "data": data}
            codec.receive(orjson.dumps(frame), 1, [])
        return codec

    return make


def _kraken_trade(n: int) -> bytes:
    trade: dict[str, Any] = {"symbol": "BTC/USD", "side": "buy", "price": 30000.1, "qty": 0.5}
    trade |= {"ord_type": "limit", "trade_id": 4665906 + n, "timestamp": _TIME}
    return orjson.dumps({"channel": "trade", "type": "update", "data": [trade]})


def _kraken_book(levels: int, kind: str = "update") -> bytes:
    rows = [{"price": price, "qty": size} for price, size in _numbers(levels)]
    data: dict[str, Any] = {"symbol": "BTC/USD", "bids": rows, "asks": rows, "timestamp": _TIME}
    data["checksum"] = ScaledBook((1, 8), 1000).apply(_numbers(levels), _numbers(levels))
    return orjson.dumps({"channel": "book", "type": kind, "data": [data]})


def _kraken_trade_by_hand(frame: bytes) -> Any:
    return orjson.loads(frame)  # its numbers are floats


def _kraken_book_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    for book in document["data"]:
        for side in ("bids", "asks"):
            book[side] = [(row["price"], row["qty"]) for row in book[side]]
    return document


# Coinbase


def _exchange() -> Codec:
    return _subscribed(ExchangeCodec(), "matches:BTC-USD", "level2_batch:BTC-USD")


def _exchange_trade(n: int) -> bytes:
    order = "ac928c66-ca53-498f-9c13-a110027a60e8"
    trade: dict[str, Any] = {"type": "match", "trade_id": n, "maker_order_id": order}
    trade |= {"taker_order_id": order, "side": "sell", "size": "5.23512", "price": "400.23"}
    return orjson.dumps(trade | {"product_id": "BTC-USD", "sequence": 50 + n, "time": _TIME})


def _exchange_book(levels: int) -> bytes:
    changes = [[side, *row] for side in ("buy", "sell") for row in _texts(levels)]
    update = {"type": "l2update", "product_id": "BTC-USD", "changes": changes, "time": _TIME}
    return orjson.dumps(update)


def _exchange_trade_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    _floats(document, "size", "price")
    return document


def _exchange_book_by_hand(frame: bytes) -> Any:
    sides: dict[str, list[tuple[float, float]]] = {"buy": [], "sell": []}
    for side, price, size in orjson.loads(frame)["changes"]:
        sides[side].append((float(price), float(size)))
    return sides


def _advanced() -> Codec:
    return _subscribed(AdvancedCodec(), "market_trades:BTC-USD", "level2:BTC-USD")


def _envelope(n: int, channel: str, part: dict[str, Any]) -> bytes:
    head = {"channel": channel, "client_id": "", "timestamp": _TIME, "sequence_num": n}
    return orjson.dumps({**head, "events": [part]})


def _advanced_trade(n: int) -> bytes:
    trade: dict[str, Any] = {"trade_id": str(n), "product_id": "BTC-USD", "price": "1260.01"}
    trade |= {"size": "0.3", "side": "BUY", "time": _TIME}
    return _envelope(n, "market_trades", {"type": "update", "trades": [trade]})


def _advanced_book(levels: int, n: int, kind: str = "update") -> bytes:
    updates = [
        {"side": side, "event_time": _TIME, "price_level": price, "new_quantity": size}
        for side in ("bid", "offer")
        for price, size in _texts(levels)
    ]
    return _envelope(n, "l2_data", {"type": kind, "product_id": "BTC-USD", "updates": updates})


def _advanced_trade_by_hand(frame: bytes) -> Any:
    document = orjson.loads(frame)
    for part in document["events"]:
        for trade in part["trades"]:
            _floats(trade, "price", "size")
    return document


def _advanced_book_by_hand(frame: bytes) -> Any:
    sides: dict[str, list[tuple[float, float]]] = {"bid": [], "offer": []}
    for part in orjson.loads(frame)["events"]:
        for row in part["updates"]:
            level = (float(row["price_level"]), float(row["new_quantity"]))
            sides[row["side"]].append(level)
    return sides


_EMPTY_BOOK = b'{"type":"snapshot","product_id":"BTC-USD","bids":[],"asks":[]}'


def _books(
    name: str,
    make: Callable[[], Codec],
    opening: Callable[[int], bytes],
    frame: Callable[[int, int], bytes],
    by_hand: Callable[[bytes], Any],
) -> list[Row]:
    return [
        Row(f"{name}-{levels}", make, (opening(levels),), partial(frame, levels), by_hand)
        for levels in _BOOKS
    ]


def _kraken_changes(levels: int, n: int) -> bytes:
    return _kraken_book(levels)


ROWS = (
    Row("okx-trade", _okx, (), _okx_trade, _okx_trade_by_hand),
    *_books("okx-book", _okx, lambda n: _okx_book(n, 0, "snapshot"), _okx_book, _okx_book_by_hand),
    Row("bybit-trade", _bybit, (), _bybit_trade, _bybit_trade_by_hand),
    *_books(
        "bybit-book",
        _bybit,
        lambda n: _bybit_book(n, 0, "snapshot"),
        _bybit_book,
        _bybit_book_by_hand,
    ),
    Row("weex-trade", _weex, (), _weex_trade, _weex_trade_by_hand),
    *_books(
        "weex-book",
        _weex,
        lambda n: _weex_book(n, 0, "depthSnapshot"),
        _weex_book,
        _weex_book_by_hand,
    ),
    Row("deribit-trade", _deribit, (), _deribit_trade, _deribit_trade_by_hand),
    *_books(
        "deribit-book",
        _deribit,
        lambda n: _deribit_book(n, 0, "snapshot"),
        _deribit_book,
        _deribit_book_by_hand,
    ),
    Row("kraken-trade", _kraken(), (), _kraken_trade, _kraken_trade_by_hand),
    *_books(
        "kraken-book",
        _kraken(),
        lambda n: _kraken_book(n, "snapshot"),
        _kraken_changes,
        _kraken_book_by_hand,
    ),
    *_books(
        "kraken-checked",
        _kraken(is_checked=True),
        lambda n: _kraken_book(n, "snapshot"),
        _kraken_changes,
        _kraken_book_by_hand,
    ),
    Row("exchange-trade", _exchange, (), _exchange_trade, _exchange_trade_by_hand),
    *_books(
        "exchange-book",
        _exchange,
        lambda _: _EMPTY_BOOK,
        lambda levels, _: _exchange_book(levels),
        _exchange_book_by_hand,
    ),
    Row("advanced-trade", _advanced, (), _advanced_trade, _advanced_trade_by_hand),
    *_books(
        "advanced-book",
        _advanced,
        lambda n: _advanced_book(n, 0, "snapshot"),
        _advanced_book,
        _advanced_book_by_hand,
    ),
)


def measure(row: Row, *, group: int = _GROUP, rounds: int = _ROUNDS) -> tuple[float, float]:
    """Seconds per frame, typed and by hand: medians of ``rounds`` groups of ``group`` frames."""
    codec = row.make()
    codec.receive_many([*row.opening, *map(row.frame, (1, 2))], 1, [])
    clock = time.perf_counter
    typed, by_hand = [], []
    for number in range(rounds):
        batch = [row.frame(3 + number * group + n) for n in range(group)]
        events: list[Event] = []
        begun = clock()
        if group == 1:
            codec.receive(batch[0], 1, events)
        else:
            codec.receive_many(batch, 1, events)
        turned = clock()
        kept = [row.by_hand(frame) for frame in batch]
        ended = clock()
        if len(events) != len(kept):
            raise AssertionError(f"{row.name}: {len(events)} events of {group} frames")
        typed.append(turned - begun)
        by_hand.append(ended - turned)
    return median(typed) / group, median(by_hand) / group


def main() -> None:
    """Print the table; arguments choose rows by the beginnings of their names."""
    print(f"{'frame':20} {'typed, µs':>10} {'by hand, µs':>12} {'times':>6} {'one by one':>11}")
    chosen = tuple(sys.argv[1:])
    for row in ROWS:
        if chosen and not row.name.startswith(chosen):
            continue
        typed, by_hand = measure(row)
        alone, alone_by_hand = measure(row, group=1, rounds=_ROUNDS * 8)
        print(
            f"{row.name:20} {typed * 1e6:10.2f} {by_hand * 1e6:12.2f} {by_hand / typed:6.2f}"
            f" {alone_by_hand / alone:11.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
