"""Planned hand-overs under load: 0 lost, 0 duplicated, 0 out of order.

    python -m tests.soak.rotations                     # 1,000 rotations
    python -m tests.soak.rotations --rotations 50      # the short form, part of the suite
    python -m tests.soak.rotations --drop              # the server cuts connections meanwhile

A simulator in this process publishes numbered events of several streams; a managed connection is
replaced again and again. What the market did is compared with what came out: trade ids count up
by one per symbol, depth updates name the ids that they cover, book tickers only grow. With
``--drop`` the server cuts one of the connections at random moments of each overlap; every number
must then be delivered or lie within the bounds of a gap that stands where it is missing. Prints
one line of JSON; exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tickwire.clock import mono_ns
from tickwire.exchanges import RateLimits
from tickwire.exchanges.binance import BinanceCodec
from tickwire.manager import Gap, Record, WebSocketManager
from tickwire.market import BookDelta, Quote, Trade
from tickwire.simulator import CloseReason, Limits, Simulator

if TYPE_CHECKING:
    from tickwire.market import Event

__all__ = ["Ledger", "run"]

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT")
SUFFIXES = ("trade", "aggTrade", "bookTicker", "depth@100ms")


@dataclass
class Ledger:
    """Checks a stream event by event.

    Attributes:
        lost: Numbers missing without a gap.
        duplicated: Numbers that came again.
        out_of_order: Numbers below an earlier one of their stream.
        gaps: Gaps, each one with bounds that fit.
        misplaced: Gaps whose bounds do not fit what stands around them.
    """

    events: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    gaps: int = 0
    misplaced: int = 0
    records: Counter[str] = field(default_factory=Counter)
    last: dict[tuple[str, str], int] = field(default_factory=dict)
    _open: dict[tuple[str, str], Gap] = field(default_factory=dict)

    def take(self, item: Any) -> None:
        if isinstance(item, Record):
            self.records[item.kind] += 1
        elif isinstance(item, Gap):
            self._take_gap(item)
        else:
            self._take_event(item)

    def _take_gap(self, gap: Gap) -> None:
        self.gaps += 1
        symbol, _, suffix = gap.stream.partition("@")
        key = (_KINDS[suffix.partition("@")[0]], symbol.upper())
        if gap.last_sequence != self.last.get(key):
            self.misplaced += 1
        self._open[key] = gap

    def _take_event(self, event: Event) -> None:
        self.events += 1
        key = (event.kind, event.symbol)
        first, final = _numbers(event)
        last = self.last.get(key)
        gap = self._open.pop(key, None)
        self.last[key] = final if last is None else max(last, final)
        if last is None:
            return
        if final == last:
            self.duplicated += 1
        elif final < last:
            self.out_of_order += 1
        elif gap is not None:
            self.misplaced += gap.first_sequence != (final if first is None else first)
        elif first is not None and first > last + 1:
            self.lost += first - last - 1

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicated or self.out_of_order or self.misplaced)


_KINDS = {
    "trade": "trade",
    "aggTrade": "agg_trade",
    "bookTicker": "quote",
    "depth": "book_delta",
}


def _numbers(event: Event) -> tuple[int | None, int]:
    """The first number that an event covers, where numbers have no holes, and the last one."""
    if isinstance(event, Trade):
        return int(event.trade_id), int(event.trade_id)
    if isinstance(event, BookDelta):
        return event.first_sequence, event.sequence
    assert isinstance(event, Quote)
    return None, event.sequence


async def run(
    rotations: int,
    *,
    rate: float = 10_000.0,
    drop: bool = False,
    events: bool = False,
    redundancy: int = 1,
    seed: int = 1,
) -> dict[str, Any]:
    """The figures of one run."""
    chance = random.Random(seed)
    ledger = Ledger()
    streams = [f"{symbol.lower()}@{suffix}" for symbol in SYMBOLS for suffix in SUFFIXES]
    async with Simulator(
        symbols=SYMBOLS, rate=rate, limits=Limits(ping_interval=3600, connection_attempts=10**9)
    ) as sim:
        manager = WebSocketManager(
            f"{sim.ws_url}/stream",
            codec=BinanceCodec,
            subscriptions=streams,
            events=events or drop,
            redundancy=redundancy,
            # As fast as it goes: the venue's own limits would make it take hours.
            rate_limits=RateLimits(),
            overlap=0.03,
            reconnect_strategy="immediate",
            max_reconnect_attempts=0,
            seed=seed,
        )
        begun = mono_ns()
        async with manager as ws:

            async def rotate() -> None:
                try:
                    for _ in range(rotations):
                        await _one_rotation(sim, ws, chance if drop else None)
                finally:
                    await ws.disconnect()

            rotating = asyncio.create_task(rotate())
            async for item in ws.stream():
                ledger.take(item)
            await rotating
        seconds = (mono_ns() - begun) / 1e9
        stats = ws.stats
    return {
        "rotations": stats.rotations,
        "connects": stats.connects,
        "seconds": round(seconds, 1),
        "events": ledger.events,
        "events_per_second": round(ledger.events / seconds),
        "received_twice": stats.duplicates,
        "reactive_disconnects": stats.reactive_disconnects,
        "lost": ledger.lost,
        "duplicated": ledger.duplicated,
        "out_of_order": ledger.out_of_order,
        "gaps": ledger.gaps,
        "misplaced_gaps": ledger.misplaced,
        "ok": ledger.is_clean and (drop or ledger.gaps == 0),
    }


async def _one_rotation(sim: Simulator, ws: WebSocketManager, chance: random.Random | None) -> None:
    before = ws.stats
    ws.schedule_reconnect(0.0)
    if chance is not None:
        assert sim._hub is not None
        # There is no overlap when the connection was lost just before: then this strikes as it is.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await sim.until(lambda stats: stats.connections_open > 1)
        await asyncio.sleep(chance.uniform(0.0, 0.03))
        if connections := list(sim._hub.connections):
            chance.choice(connections).cut(CloseReason.FAULT)
    async with asyncio.timeout(60.0):
        while True:
            stats = ws.stats
            if stats.disconnects > before.disconnects and ws.is_connected:
                return
            await asyncio.sleep(0.001)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rotations", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=10_000.0)
    parser.add_argument("--drop", action="store_true")
    parser.add_argument("--events", action="store_true")
    parser.add_argument("--redundancy", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    figures = asyncio.run(run(**vars(arguments)))
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
