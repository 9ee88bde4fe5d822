"""What holds for the OKX and Bybit codecs whatever the server sends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tickwire.exchanges.bybit import BybitCodec
from tickwire.exchanges.okx import OkxCodec
from tickwire.market import BookDelta, BookSnapshot, Trade

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges import Codec
    from tickwire.market import Event

MAKERS: list[tuple[Callable[[], Codec], list[bytes]]] = [
    (
        OkxCodec,
        [
            b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
            b'"tradeId":"1","px":"4.5","sz":"2","side":"buy","ts":"1630048897897"}]}',
            b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":'
            b'[["1","2","0","1"]],"bids":[],"ts":"1597026383185","prevSeqId":1,"seqId":2}]}',
            b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":'
            b'[["1","2","0","1"]],"bids":[],"ts":"1597026383185","checksum":7,"seqId":2}]}',
        ],
    ),
    (
        lambda: BybitCodec("linear"),
        [
            b'{"topic":"publicTrade.A","type":"snapshot","ts":16,"data":[{"T":16,"s":"A","S":"Buy",'
            b'"v":"1","p":"2","i":"x"}]}',
            b'{"topic":"orderbook.50.A","type":"delta","ts":16,"data":{"s":"A","b":[["3","0"]],'
            b'"a":[],"u":5,"seq":6},"cts":14}',
            b'{"topic":"tickers.A","type":"snapshot","data":{"symbol":"A","lastPrice":"6"},"ts":1}',
        ],
    ),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


def take(codec: Codec, *frames: bytes) -> list[Event]:
    events: list[Event] = []
    codec.receive_many(frames, 1, events)
    codec.take_output()
    codec.take_errors()
    codec.take_directive()
    return events


@given(st.sampled_from(MAKERS), st.binary(max_size=200), st.data())
def test_no_bytes_are_raised_at(
    made: tuple[Callable[[], Codec], list[bytes]], junk: bytes, data: Any
) -> None:
    make, frames = made
    codec = make()
    whole = data.draw(st.sampled_from(frames))
    cut = data.draw(st.integers(0, len(whole)))
    take(codec, whole, junk, whole[:cut] + junk + whole[cut:], junk + whole, whole)
    stats = codec.stats
    assert len(stats.odd_frames) <= 16


@given(st.sampled_from(MAKERS), st.data())
def test_any_value_in_any_place(made: tuple[Callable[[], Codec], list[bytes]], data: Any) -> None:
    """What becomes an event has finite numbers; what does not is counted."""
    make, frames = made
    codec = make()
    document = json.loads(data.draw(st.sampled_from(frames)))
    target: Any = document
    while True:
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        inner = target[key]
        if isinstance(inner, dict | list) and data.draw(st.booleans()):
            target = inner
            continue
        target[key] = data.draw(JSON)
        break
    frame = json.dumps(document).encode("utf-8", "surrogatepass")
    for event in take(codec, *frames, frame, frame):
        event.to_dict()
        if isinstance(event, Trade):
            assert abs(event.price) < float("inf")
        if isinstance(event, BookDelta | BookSnapshot):
            for level in (*event.bids, *event.asks):
                assert all(abs(number) < float("inf") for number in level)
                assert len(level) == 2
