"""What holds for the Binance codec whatever the server sends."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from tickwire.exchanges.binance import BinanceCodec
from tickwire.market import BookDelta, BookSnapshot, Event, Gap, Trade

if TYPE_CHECKING:
    from tickwire.exchanges.binance.routes import Numbers
    from tickwire.exchanges.binance.streams import Market

FRAMES: list[tuple[Market, str, bytes]] = [
    (
        "spot",
        "bnbbtc@trade",
        b'{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",'
        b'"T":1672515782136,"m":true,"M":true}',
    ),
    (
        "usdm",
        "bnbusdt@aggTrade",
        b'{"e":"aggTrade","E":123456789,"s":"BNBUSDT","a":5933014,"p":"0.001","q":"100",'
        b'"nq":"100","f":100,"l":105,"T":123456785,"m":true,"st":1}',
    ),
    (
        "spot",
        "bnbusdt@bookTicker",
        b'{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",'
        b'"A":"40.66000000"}',
    ),
    (
        "spot",
        "bnbbtc@kline_1m",
        b'{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,'
        b'"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025",'
        b'"l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500",'
        b'"B":"123456"}}',
    ),
    (
        "spot",
        "bnbbtc@depth5",
        b'{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}',
    ),
    (
        "spot",
        "bnbbtc@depth",
        b'{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,'
        b'"b":[["0.0024","10"],["0.0023","0"]],"a":[["0.0026","100"]]}',
    ),
    (
        "usdm",
        "btcusdt@depth@100ms",
        b'{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","U":390497796,'
        b'"u":390497878,"pu":390497794,"b":[["7403.89","0.002"],["7403.90","3.906"]],'
        b'"a":[["7405.96","3.340"],["7406.63","4.525"]],"ps":"BTCUSDT","st":1}',
    ),
    (
        "usdm",
        "!miniTicker@arr",
        b'[{"e":"24hrMiniTicker","E":123456789,"s":"BNBUSDT","c":"0.0025","o":"0.0010",'
        b'"h":"0.0025","l":"0.0010","v":"10000","q":"18","ps":"BTCUSDT","st":1}]',
    ),
    ("spot", "!serverShutdown", b'{"e":"serverShutdown","E":1770123456789}'),
    ("spot", "", b'{"result":["bnbbtc@trade"],"id":2}'),
    ("spot", "", b'{"code":2,"msg":"Invalid request: too many parameters"}'),
    ("spot", "", b'{"error":{"code":2,"msg":"Invalid request"},"id":1}'),
]

# What a codec of each market is subscribed to, besides the stream at hand: of all kinds, so that
# whatever a damaged frame turns into has a route.
NEIGHBOURS: dict[Market, list[str]] = {
    "spot": [
        *("bnbbtc@depth", "bnbbtc@depth5", "bnbbtc@trade", "bnbbtc@kline_1m"),
        *("bnbbtc@bookTicker", "bnbbtc@ticker_1h", "!miniTicker@arr"),
    ],
    "usdm": [
        *("bnbusdt@depth5", "btcusdt@depth@100ms", "bnbusdt@aggTrade", "!miniTicker@arr"),
        *("!bookTicker", "bnbusdt@markPrice"),
    ],
}

# Bytes that mean something to a JSON decoder, or to ours.
FRAGMENTS = st.sampled_from(
    [
        *(bytes([char]) for char in b'"{}[],:0123456789.-+eE\\ \n\x00\xff'),
        *(
            b"null",
            b"true",
            b"NaN",
            b'"NaN"',
            b"1e999",
            b'"e":',
            b'"stream":',
            b'"data":',
            b"9" * 40,
        ),
        *(
            b'","data":',
            b'{"stream":"bnbbtc@trade","data":',
            b'"id":1',
            b'"result":null',
            b"\\ud800",
        ),
    ]
) | st.binary(max_size=4)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Market, str, bool, bytes]:
    """A frame with some bytes put in, taken out or overwritten, or another one's end."""
    market, stream, payload = draw(st.sampled_from(FRAMES))
    combined = bool(stream) and draw(st.booleans())
    frame = payload
    if combined:
        frame = b'{"stream":"' + stream.encode() + b'","data":' + payload + b"}"
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(frame)))
        gone = draw(st.integers(0, 12))
        frame = frame[:at] + draw(FRAGMENTS) + frame[at + gone :]
    if draw(st.booleans()):
        frame = frame[: draw(st.integers(0, len(frame)))]
    return market, stream, combined, frame


def subscribed(market: Market, stream: str, combined: bool, numbers: Numbers) -> BinanceCodec:
    codec = BinanceCodec(market, combined=combined, numbers=numbers)
    codec.subscribe([*NEIGHBOURS[market], *([stream] if combined else [])])
    return codec


def counted(codec: BinanceCodec) -> int:
    """Everything that can have become of a frame that gave no event."""
    stats = codec.stats
    odd = stats.undecodable + sum(stats.unknown.values()) + stats.acks + stats.refusals
    return odd + (codec.take_directive() is not None)


@given(mutations(), st.sampled_from(["float", "decimal"]))
def test_a_damaged_frame_is_an_event_or_is_counted(
    mutation: tuple[Market, str, bool, bytes], numbers: Numbers
) -> None:
    market, stream, combined, frame = mutation
    codec = subscribed(market, stream, combined, numbers)
    codec.list_subscriptions()
    events: list[Event] = []
    codec.receive(frame, 1, events)
    assert sum(codec.stats.events.values()) == len(events)
    if not events and not counted(codec):
        # Only an array with nothing in it says nothing.
        document = json.loads(frame)
        assert document == [] or document["data"] == []
    for event in events:
        assert event.ts_recv_ns == 1
        for name in event.__struct_fields__:
            check_finite(getattr(event, name))
    # The feed goes on.
    events.clear()
    market, stream, payload = FRAMES[0]
    again = BinanceCodec(market) if codec.market != market else codec
    again.receive(b'{"stream":"bnbbtc@trade","data":' + payload + b"}", 1, events)
    assert len(events) == 1


def check_finite(value: Any) -> None:
    if isinstance(value, float | Decimal):
        assert Decimal(value).is_finite()
    elif isinstance(value, list | tuple):
        for item in value:
            check_finite(item)


@given(st.binary(max_size=200), st.booleans(), st.sampled_from(["spot", "usdm"]))
@example(b'{"stream":"x@trade","data":', True, "spot")
def test_any_bytes_at_all(frame: bytes, combined: bool, market: Market) -> None:
    codec = BinanceCodec(market, combined=combined)
    events: list[Event] = []
    codec.receive(frame, 1, events)
    assert events or counted(codec) or json.loads(frame) == []


@given(mutations())
def test_the_direct_path_and_the_general_one_agree(
    mutation: tuple[Market, str, bool, bytes],
) -> None:
    """A space before a frame changes nothing in JSON, and keeps it off the direct path."""
    market, stream, combined, frame = mutation
    outcomes = []
    for text in (frame, b" " + frame):
        codec = subscribed(market, stream, combined, "float")
        events: list[Event] = []
        codec.receive(text, 1, events)
        stats = codec.stats
        outcomes.append(
            (events, stats.events, stats.unknown, stats.undecodable, stats.new_fields, stats.acks)
        )
    assert outcomes[0] == outcomes[1]


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=8).map(
    lambda number: format(number, "f")
) | st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12).map(str)


@given(NUMBERS, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5))
def test_numbers_are_exact_as_decimals_and_nearest_as_floats(
    price: str, levels: list[tuple[str, str]]
) -> None:
    trade = FRAMES[0][2].replace(b'"0.001"', json.dumps(price).encode())
    book = FRAMES[4][2].replace(b'[["0.0024","10"]]', json.dumps(levels).encode())
    for numbers, number in (("float", float), ("decimal", Decimal)):
        codec = BinanceCodec("spot", combined=False, numbers=numbers)  # type: ignore[arg-type]
        events: list[Event] = []
        codec.receive(trade, 1, events)
        codec.receive(book, 1, events)
        event, snapshot = events
        assert isinstance(event, Trade)
        assert isinstance(snapshot, BookSnapshot)
        assert repr(event.price) == repr(number(price))
        expected = [(number(first), number(second)) for first, second in levels]
        assert repr(snapshot.bids) == repr(expected)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.sampled_from(["spot", "usdm"]))
def test_holes_reported_are_the_holes_made(kept: list[bool], market: Market) -> None:
    """Of a row of deltas some are lost: every hole between two that arrived is one gap."""
    codec = BinanceCodec(market)
    events: list[Event] = []
    for number, arrives in enumerate(kept):
        payload: dict[str, Any] = {"e": "depthUpdate", "E": 1, "s": "X", "b": [], "a": []}
        payload |= {"U": number * 10 + 1, "u": number * 10 + 10}
        if market == "usdm":
            payload |= {"T": 1, "pu": number * 10}
        frame = json.dumps({"stream": "x@depth", "data": payload}, separators=(",", ":"))
        if arrives:
            codec.receive(frame.encode(), number, events)
    expected = []
    arrived = [number for number, arrives in enumerate(kept) if arrives]
    for before, after in zip([None, *arrived], arrived, strict=False):
        if before is not None and after != before + 1:
            expected.append(("gap", before * 10 + 10, after * 10 + 1))
        expected.append(("delta", after * 10 + 1, after * 10 + 10))
    got = []
    for event in events:
        if isinstance(event, Gap):
            got.append(("gap", event.last_sequence, event.first_sequence))
        else:
            assert isinstance(event, BookDelta)
            got.append(("delta", event.first_sequence, event.sequence))
    assert got == expected
    assert codec.stats.gaps == sum(kind == "gap" for kind, *_ in expected)
