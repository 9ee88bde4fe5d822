"""A book fed through a bad line, beside the simulator's true one.

The market moves, its depth messages are lost, repeated, delayed and cut off by disconnects, and the
snapshots come late, are stale, or fail. After every delivery one question is asked: if the book
says that it is live, is it the true book at the number that it gives, level by level?
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tickwire.exchanges.binance.books import new_book
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.payloads import Payloads
from tickwire.simulator.symbols import NumberText, default_specs

if TYPE_CHECKING:
    from random import Random

    from tickwire.simulator.book import DepthChange

__all__ = ["Faults", "Trial"]

START_MS = 1_700_000_000_000
SNAPSHOT_LEVELS = 5000
Side = list[tuple[float, float]]


@dataclass(frozen=True)
class Faults:
    """How often what goes wrong, per message."""

    loss: float = 0.004
    repeat: float = 0.01
    delay: float = 0.004
    disconnect: float = 0.001
    stale_snapshot: float = 0.2
    no_snapshot: float = 0.2


def put(side: Side, price: float, size: float) -> None:
    place = bisect_left(side, (price,))
    is_there = place < len(side) and side[place][0] == price
    if size:
        side[place : place + is_there] = [(price, size)]
    elif is_there:
        del side[place]


@dataclass
class Trial:
    """One symbol's book of one market. ``counts`` tells what happened."""

    market: Market
    random: Random
    faults: Faults = Faults()
    seed: int = 1
    script: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        specs = default_specs(self.market)[:2]
        self.model = MarketModel(
            specs, seed=self.seed, market=self.market, cadences=1, start_ms=START_MS
        )
        self.instrument = self.model.instruments[0]
        self.payloads = Payloads(self.instrument, self.market)
        self.text = NumberText(self.instrument.spec, self.market)
        self.book = new_book("X", "spot" if self.market is Market.SPOT else "usdm")
        self.now_ms = START_MS
        # The true book as of `truth_at`, and the true changes that come after it.
        top = self.instrument.book
        self.truth: tuple[Side, Side] = (
            self.levels(top.bids.top(SNAPSHOT_LEVELS))[::-1],
            self.levels(top.asks.top(SNAPSHOT_LEVELS)),
        )
        self.truth_at = top.last_update_id
        self.changes: list[DepthChange] = []
        self.on_the_way: list[tuple[int, bytes]] = []
        self.snapshot_on_the_way: tuple[int, bytes] | None = None
        self.last_snapshot: bytes | None = None
        self.cut_off = 0

    def levels(self, levels: list[tuple[int, int]]) -> Side:
        return [(float(price), float(size)) for price, size in self.text.levels(levels)]

    def run(self, messages: int) -> None:
        """Let the market send so many depth messages over the bad line."""
        for _ in range(messages):
            number = self.counts["messages"]
            change = self.next_change()
            self.changes.append(change)
            self.send(number, self.payloads.depth_diff(change, self.now_ms))
            self.deliver(number)
            self.counts["messages"] += 1

    def recover(self, messages: int) -> None:
        """The line is good again."""
        self.faults = Faults(0, 0, 0, 0, 0, 0)
        self.cut_off = 0
        self.run(messages)

    def next_change(self) -> DepthChange:
        steps = 1 + int(self.random.random() * 3)
        while True:
            self.now_ms += 1
            event = self.model.step(self.now_ms)
            if event.instrument is self.instrument:
                steps -= 1
            if steps <= 0 and (change := self.instrument.book.take(0)):
                return change

    def fate(self) -> str:
        """What happens to the next message."""
        if self.script:
            return self.script.pop(0)
        chance, faults = self.random.random, self.faults
        for name in ("disconnect", "loss", "delay", "repeat"):
            if chance() < getattr(faults, name):
                return name
        return "none"

    def send(self, now: int, payload: bytes) -> None:
        if self.cut_off:
            self.cut_off -= 1
            return
        fate = self.fate()
        self.counts[fate] += 1
        if fate == "disconnect":
            self.cut_off = int(self.random.random() * 5)
            self.on_the_way.clear()
            self.book.invalidate("the connection broke")
        elif fate == "delay":
            self.on_the_way.append((now + 1 + int(self.random.random() * 4), payload))
        elif fate != "loss":
            self.on_the_way.append((now, payload))
        if fate == "repeat":
            self.on_the_way.append((now + int(self.random.random() * 6), payload))

    def deliver(self, now: int) -> None:
        due = [payload for moment, payload in self.on_the_way if moment <= now]
        if len(due) != len(self.on_the_way):
            self.on_the_way = [item for item in self.on_the_way if item[0] > now]
        else:
            self.on_the_way.clear()
        for payload in due:
            self.book.receive(payload)
            self.compare()
        self.fetch(now)

    def fetch(self, now: int) -> None:
        chance = self.random.random
        if self.book.take_request() is not None:
            payload = self.payloads.snapshot(SNAPSHOT_LEVELS, self.now_ms)
            if self.last_snapshot is not None and chance() < self.faults.stale_snapshot:
                payload = self.last_snapshot
            self.last_snapshot = payload
            self.snapshot_on_the_way = (now + int(chance() * 10), payload)
        if self.snapshot_on_the_way is None or self.snapshot_on_the_way[0] > now:
            return
        payload = self.snapshot_on_the_way[1]
        self.snapshot_on_the_way = None
        if chance() < self.faults.no_snapshot:
            self.book.snapshot_failed()
        else:
            self.book.receive_snapshot(payload)
            self.compare()

    def compare(self) -> None:
        book = self.book
        if not book.is_live:
            self.counts["not live"] += 1
            return
        self.counts["compared"] += 1
        assert book.sequence is not None
        self.advance_truth(book.sequence)
        bids, asks = book.bids(), book.asks()
        bids.reverse()
        assert bids == self.truth[0], f"bids differ at {book.sequence}"
        assert asks == self.truth[1], f"asks differ at {book.sequence}"

    def advance_truth(self, sequence: int) -> None:
        assert sequence >= self.truth_at, "the book went back"
        done = 0
        for change in self.changes:
            if change.last > sequence:
                break
            for side, changed in zip(self.truth, (change.bids, change.asks), strict=True):
                for price, size in self.levels(changed):
                    put(side, price, size)
            self.truth_at = change.last
            done += 1
        del self.changes[:done]
        # Snapshots are taken where a message ends, so this is all that a book can be at.
        assert sequence == self.truth_at, f"no message ends at {sequence}"
