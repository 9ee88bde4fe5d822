"""What an update costs on its way from a socket's batch into its book, part by part.

    python -m benchmarks.books_path

Three ways with the same combined ``@depth@100ms`` frames of the simulator's market: the book alone;
with routing, identity and merge, as ``tickwire.Books`` takes them; and the same with every frame
decoded to an event first. Best of the rounds, in µs.
"""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tickwire.exchanges.binance import BinanceBookCodec, BinanceCodec, new_book, streams
from tickwire.manager.decode import decoder_for
from tickwire.manager.merge import Merge
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.payloads import Payloads
from tickwire.simulator.symbols import default_specs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.book import OrderBook

_FRAMES, _BATCH, _ROUNDS = 20_000, 50, 5
_START_MS = 1_700_000_000_000
_STREAM = streams.depth("BTC-USDT", speed_ms=100)


class _Batch(list[bytes]):
    """As the transport's."""

    recv_ns = mono_ns = 1
    lost = 0


def market(steps: int) -> tuple[bytes, list[bytes]]:
    """A snapshot and the frames after it, with the changes of so many orders in each."""
    model = MarketModel(
        default_specs(Market.SPOT)[:1], seed=1, market=Market.SPOT, cadences=1, start_ms=_START_MS
    )
    [instrument] = model.instruments
    payloads = Payloads(instrument, Market.SPOT)
    snapshot, now, frames = payloads.snapshot(5000, _START_MS), _START_MS, []
    for _ in range(_FRAMES):
        for _ in range(steps):
            now += 1
            model.step(now)
        change = instrument.book.take(0)
        assert change is not None
        payload = payloads.depth_diff(change, now)
        frames.append(b'{"stream":"' + _STREAM.name.encode() + b'","data":' + payload + b"}")
    return snapshot, frames


def begun(snapshot: bytes, frames: list[bytes]) -> OrderBook:
    """A book that is live."""
    book = new_book("BTC-USDT")
    book.receive(frames[0])
    book.receive_snapshot(snapshot)
    return book


def alone(snapshot: bytes, frames: list[bytes]) -> float:
    """Seconds for the book alone."""
    book = begun(snapshot, frames)
    began = perf_counter()
    for frame in frames:
        book.receive(frame)
    seconds = perf_counter() - began
    assert book.is_live
    return seconds


def through(make: Callable[[], Any], *, is_bytes: bool) -> Callable[..., float]:
    """Seconds through a codec, the merge and the book."""

    def run(snapshot: bytes, frames: list[bytes]) -> float:
        book = begun(snapshot, frames)
        codec, merge = make(), Merge()
        codec.subscribe([_STREAM])
        decoder = decoder_for(raw=False, codec=codec, identity=None)
        merge.join(1)
        batches: list[Any] = [
            _Batch(frames[at : at + _BATCH]) for at in range(0, len(frames), _BATCH)
        ]
        began = perf_counter()
        for batch in batches:
            for item, identity in decoder.pairs(batch):
                merge.offer(1, item, identity)
            items, merge.out = merge.out, []
            for item in items:
                book.receive(item.payload if is_bytes else item)
        seconds = perf_counter() - began
        assert book.is_live
        return seconds

    return run


def main() -> None:
    ways: dict[str, Callable[..., float]] = {
        "book alone": alone,
        "as Books": through(lambda: BinanceBookCodec("spot"), is_bytes=True),
        "events first": through(BinanceCodec, is_bytes=False),
    }
    for steps in (3, 30, 100):
        snapshot, frames = market(steps)
        size = sum(map(len, frames)) / len(frames)
        found = {
            name: min(way(snapshot, frames) for _ in range(_ROUNDS)) / len(frames) * 1e6
            for name, way in ways.items()
        }
        figures = ", ".join(f"{name} {value:.1f}" for name, value in found.items())
        sys.stdout.write(f"{size:.0f} bytes: {figures} µs\n")


if __name__ == "__main__":
    main()
