"""The parts of the hot path, one by one: what is run, how often, and what is counted.

A case makes its input once. What it returns then works ``times`` rounds through it and does nothing
else, so that both a clock and a counter of instructions can be put around it. Inputs are the same
in every process. New parts of the hot path get a group of their own below, and stand in ``CASES``;
after that the baseline of instruction counts is recorded anew.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.deflated import deflated_blob, market_message
from benchmarks.depth import depth_messages
from benchmarks.frames import blob_of, frame_header, message

from tickwire.exchanges.binance import BinanceCodec
from tickwire.exchanges.binance.books import new_book
from tickwire.exchanges.coinbase.advanced import AdvancedCodec
from tickwire.exchanges.coinbase.exchange import ExchangeCodec
from tickwire.exchanges.kraken.codec import KrakenCodec
from tickwire.transport.overflow import OverflowCode
from tickwire.transport.pump import Inbox
from tickwire.wire import MaskKeys, MessageParser, encode_frame, is_utf8
from tickwire.wire.deflate import Deflate, DeflateParameters, Deflater, Inflater

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.market import Event

__all__ = ["CASES", "Case"]

_BINARY = 2
_FIN_TEXT = 0x81
_LARGEST = 1 << 24
_READ_BYTES = 16 << 10
"""Not more: the lists and arenas of thousands of messages make counts depend on where memory is."""
_SEED = 1
_BOOK_UPDATES = 200
_NUMBERED_FRAMES = 2000

_TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1700000000123,"s":"BTCUSDT","t":12345,'
    b'"p":"61234.56000000","q":"0.01230000","T":1700000000120,"m":true,"M":true}}'
)
_QUOTE = (
    b'{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"61234.55000000",'
    b'"B":"3.12110000","a":"61234.56000000","A":"4.06640000"}}'
)


@dataclass(frozen=True)
class Case:
    """One part.

    Attributes:
        name: For reports and the baseline.
        item: What one round does ``items`` of.
        items: How many.
        times: Rounds that take some milliseconds.
        prepare: Makes the input; what it returns runs so many rounds.
    """

    name: str
    item: str
    items: int
    times: int
    prepare: Callable[[], Callable[[int], None]]


# ------------------------------------------------------------------------------------------- wire


def _parsing(data: bytes, items: int) -> Callable[[], Callable[[int], None]]:
    """One read's worth of frames; a parser goes on from feed to feed."""

    def prepare() -> Callable[[int], None]:
        feed = MessageParser(max_message_size=_LARGEST).feed
        assert len(feed(data)) == items

        def run(times: int) -> None:
            for _ in range(times):
                feed(data)

        return run

    return prepare


def _parse(name: str, size: int) -> Case:
    items = max(8, _READ_BYTES // (size + len(frame_header(size))))
    return Case(name, "message", items, 50, _parsing(blob_of(size, items), items))


def _parse_text(name: str, text: bytes) -> Case:
    items = _READ_BYTES // (len(text) + 4)
    head = bytearray(frame_header(len(text)))
    head[0] = _FIN_TEXT
    return Case(name, "message", items, 50, _parsing((bytes(head) + text) * items, items))


def _parse_in_pieces() -> Callable[[int], None]:
    """As a slow network brings it: 1,000 bytes at a time, which no frame keeps to."""
    data = blob_of(128, 500)
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    feed = MessageParser(max_message_size=_LARGEST).feed

    def run(times: int) -> None:
        for _ in range(times):
            for piece in pieces:
                feed(piece)

    return run


def _mask(size: int) -> Callable[[], Callable[[int], None]]:
    def prepare() -> Callable[[int], None]:
        payload = message(size, 0)
        take = MaskKeys(lambda count: bytes(range(256)) * (count // 256 + 1)).take

        def run(times: int) -> None:
            for _ in range(times):
                encode_frame(_BINARY, payload, take())

        return run

    return prepare


def _utf8(text: str) -> Callable[[], Callable[[int], None]]:
    def prepare() -> Callable[[int], None]:
        data = text.encode()
        assert is_utf8(data)

        def run(times: int) -> None:
            for _ in range(times):
                is_utf8(data)

        return run

    return prepare


def _inflate() -> Callable[[int], None]:
    parser = MessageParser(max_message_size=_LARGEST)
    parser.inflater = Inflater(DeflateParameters())
    data = deflated_blob(256, 200)
    assert len(parser.feed(data)) == 200

    def run(times: int) -> None:
        for _ in range(times):
            parser.feed(data)

    return run


def _deflate() -> Callable[[int], None]:
    deflater = Deflater(DeflateParameters(), Deflate())
    payloads = [market_message(256, i) for i in range(100)]

    def run(times: int) -> None:
        for _ in range(times):
            for payload in payloads:
                deflater.deflate(payload)

    return run


WIRE = (
    _parse("parse-16", 16),
    _parse("parse-128", 128),
    _parse_text("parse-trade-text", _TRADE),
    _parse("parse-8k", 8 << 10),
    Case("parse-128-in-pieces", "message", 500, 5, _parse_in_pieces),
    Case("mask-128", "frame", 1, 2000, _mask(128)),
    Case("mask-64k", "frame", 1, 50, _mask(64 << 10)),
    Case("utf8-ascii-4k", "text", 1, 2000, _utf8("price 1" * 585)),
    Case("utf8-mixed-4k", "text", 1, 500, _utf8("Größe € 𝄞 " * 205)),
    Case("inflate-256", "message", 200, 3, _inflate),
    Case("deflate-256", "message", 100, 3, _deflate),
)

# ------------------------------------------------------------------------------------------ queue


def _queue(policy: OverflowCode, limit: int) -> Callable[[], Callable[[int], None]]:
    """A read's worth put in, then all taken out."""

    def prepare() -> Callable[[int], None]:
        inbox = Inbox(limit, _LARGEST, _LARGEST, int(policy), None)
        payloads = [message(128, i) for i in range(100)]

        def run(times: int) -> None:
            put, get = inbox.put, inbox.get
            for _ in range(times):
                for payload in payloads:
                    put(payload, _BINARY, 1, 1)
                while inbox.count:
                    get()

        return run

    return prepare


QUEUE = (
    Case("queue-put-get", "message", 100, 50, _queue(OverflowCode.BLOCK, 1000)),
    Case("queue-drop-oldest", "message", 100, 50, _queue(OverflowCode.DROP_OLDEST, 50)),
)

# ------------------------------------------------------------------------------------------ codec


def _delta(sequence: int) -> bytes:
    rng = random.Random(_SEED)
    levels = ",".join(
        f'["{61000 + rng.randrange(50000) / 100:.8f}","{rng.random():.8f}"]' for _ in range(20)
    )
    return (
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1700000000123,'
        f'"s":"BTCUSDT","U":{sequence},"u":{sequence},"b":[{levels}],"a":[{levels}]}}}}'
    ).encode()


def _decode(frame: bytes) -> Callable[[], Callable[[int], None]]:
    def prepare() -> Callable[[int], None]:
        codec = BinanceCodec("spot")
        codec.attach(["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms"])
        receive = codec.receive
        events: list[Event] = []
        receive(frame, 1, events)
        assert len(events) == 1

        def run(times: int) -> None:
            for _ in range(times):
                receive(frame, 1, events)
                events.clear()

        return run

    return prepare


_MATCH = (
    b'{"type":"match","trade_id":(number),"maker_order_id":"8d275e33-4b41-4648-b135-b407f85c6897",'
    b'"taker_order_id":"460227d8-3765-4185-8b7f-d9ee118403a2","side":"sell","size":"1338.3",'
    b'"price":"0.7904","product_id":"SKL-USD","sequence":201390042,'
    b'"time":"2021-04-17T16:43:37.056746Z"}'
)
_L2UPDATE = (
    b'{"type":"l2update","product_id":"SKL-USD","changes":[["buy","0.7901","450.0"]],'
    b'"time":"2021-04-17T16:43:37.056746Z"}'
)
_L2_DATA = (
    b'{"channel":"l2_data","timestamp":"2026-09-07T01:57:58.894355Z","sequence_num":(number),"events":['
    b'{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":'
    b'"2026-09-07T01:57:58.894355Z","price_level":"79943.9","new_quantity":"0"},{"side":"offer",'
    b'"event_time":"2026-09-07T01:57:58.894355Z","price_level":"79944","new_quantity":"1"}]}]}'
)
_SNAPSHOT = b'{"type":"snapshot","product_id":"SKL-USD","asks":[],"bids":[["0.79","1"]]}'
_L2_SNAPSHOT = _L2_DATA.replace(b'update"', b'snapshot"').replace(b"(number)", b"999")
_KRAKEN_TRADE = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":0.5117,'
    b'"qty":40.0,"ord_type":"market","trade_id":(number),"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
)
_KRAKEN_BOOK = (
    b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":0.5657,'
    b'"qty":1098.3947558}],"asks":[],"checksum":2114181697,'
    b'"timestamp":"2023-10-06T17:35:55.440295Z"}]}'
)


def _decode_for(
    make: Callable[[], Any], streams: list[str], frame: bytes, begin: bytes
) -> Callable[[], Callable[[int], None]]:
    """Frames with a number that grows by one, where there is one in them."""

    def prepare() -> Callable[[int], None]:
        codec = make()
        codec.subscribe(streams)
        receive = codec.receive
        events: list[Event] = []
        numbers = range(1000, 1000 + _NUMBERED_FRAMES)
        ready = itertools.cycle([frame.replace(b"(number)", b"%d" % one) for one in numbers])
        for one in (begin, next(ready)) if begin else (next(ready),):
            receive(one, 1, events)
        assert events
        events.clear()

        def run(times: int) -> None:
            for frame in itertools.islice(ready, times):
                receive(frame, 1, events)
                events.clear()

        return run

    return prepare


_VENUES: tuple[tuple[str, Callable[[], Any], list[str], bytes, bytes], ...] = (
    ("codec-coinbase-match", ExchangeCodec, ["matches:SKL-USD"], _MATCH, b""),
    ("codec-coinbase-l2update", ExchangeCodec, ["level2_batch:SKL-USD"], _L2UPDATE, _SNAPSHOT),
    ("codec-coinbase-advanced-book", AdvancedCodec, ["level2:BTC-USD"], _L2_DATA, _L2_SNAPSHOT),
    ("codec-kraken-trade", KrakenCodec, ["trade:BTC/USD"], _KRAKEN_TRADE, b""),
    ("codec-kraken-book-unchecked", KrakenCodec, ["book-10:BTC/USD"], _KRAKEN_BOOK, b""),
)

CODEC = (
    *(
        Case(name, "frame", 1, 500, _decode_for(make, streams, frame, begin))
        for name, make, streams, frame, begin in _VENUES
    ),
    Case("codec-trade", "frame", 1, 1000, _decode(_TRADE)),
    Case("codec-quote", "frame", 1, 1000, _decode(_QUOTE)),
    Case("codec-delta-40-levels", "frame", 1, 200, _decode(_delta(7))),
)

# ------------------------------------------------------------------------------------------- book


def _book(spread: int) -> Callable[[], Callable[[int], None]]:
    """A round begins with the snapshot, so that it can be repeated."""

    def prepare() -> Callable[[int], None]:
        snapshot, frames = depth_messages(spread, _BOOK_UPDATES)
        first, rest = frames[0], frames[1:]

        def run(times: int) -> None:
            for _ in range(times):
                book = new_book("BTCUSDT")
                receive = book.receive
                receive(first)
                book.receive_snapshot(snapshot)
                for frame in rest:
                    receive(frame)

        run(1)
        return run

    return prepare


BOOK = (
    Case("book-100-of-100-levels", "update", _BOOK_UPDATES, 2, _book(100)),
    Case("book-100-of-1000-levels", "update", _BOOK_UPDATES, 2, _book(1_000)),
)

# -------------------------------------------------------------------------------------------------

CASES = (*WIRE, *QUEUE, *CODEC, *BOOK)
