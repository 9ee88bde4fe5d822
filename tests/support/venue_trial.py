"""One trial for the books of every venue: a market that is known, a line that is bad, and books
that have to be the market's whenever they say that they are live.

Every update is compared: what is on top of a book against what was there in the market at the
number, or the time, that the book gives. At quiet moments, when the market stands still and the
line is good, the whole of each book is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import tickwire
from tickwire.simulator import Faults, Simulator, SymbolSpec
from tickwire.simulator.options import Limits, Market
from tickwire.simulator.symbols import NumberText, default_specs
from tickwire.simulator.venues import LineFaults, VenueSimulator
from tickwire.simulator.weex import WeexSimulator

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from tickwire.book import OrderBook
    from tickwire.simulator.market import Instrument, MarketModel

__all__ = ["VENUES", "Outcome", "Trial", "VenueRow", "server_for"]

PATIENCE = 60.0
QUICK: dict[str, Any] = {
    "reconnect_delay": 0.02,
    "reconnect_delay_max": 0.2,
    "max_reconnect_attempts": 0,
    "overlap": 0.05,
}
_TOP = 10
_REMEMBERED = 4000
_MOMENT = 0.15
"""Seconds to catch up in, before the market moves again: longer than Binance gathers updates."""
_AT_ONCE = 40
"""Moves of the market between two quiet moments."""

Levels = list[tuple[float, float]]


class VenueRow(NamedTuple):
    """A venue, and what its protocol can show.

    Attributes:
        exchange, market, options: As :class:`tickwire.Books` takes them.
        dialect: As :class:`VenueSimulator` calls it; empty for venues with one of their own.
        levels: Per side, that a book has at the most.
        told_by: What tells which state a book shows: its sequence, where that is the market's
            update id, or the time of its last update; ``quiet``: the market has to stand still.
        shows: What lets a client see that something is missing.
        faults: What is done to the line. A protocol without numbers and checksums cannot show that
            a frame is missing, and TCP loses none: there, frames are doubled and connections cut.
        symbols: How many.
    """

    exchange: str
    market: str | None
    dialect: str
    levels: int
    told_by: Literal["number", "time", "quiet"]
    shows: str
    faults: LineFaults
    options: dict[str, Any] | None = None
    symbols: int = 3


_ALL = LineFaults(lose=0.002, double=0.004, swap=0.002, cut=0.0004)
# Each fault costs all streams of the connection, and the venue takes eight connections a second.
_FEW = LineFaults(lose=0.0006, double=0.004, swap=0.0006, cut=0.0003)
_NO_LOSS = LineFaults(double=0.004, cut=0.0006)
# By simulators of their own, which lose every so many frames of a stream and cut behind so many.
_EVERY = LineFaults(lose=1 / 50, cut=1 / 1500)
_OFTEN = LineFaults(lose=1 / 20, cut=1 / 1500)  # with forty streams, few frames of each

VENUES: dict[str, VenueRow] = {
    # Its updates come ten times a second, so that many symbols make many updates.
    "binance": VenueRow("binance", "spot", "", 5000, "number", "numbers", _OFTEN, symbols=40),
    "okx": VenueRow("okx", None, "okx", 400, "number", "numbers", _ALL),
    "bybit": VenueRow("bybit", "spot", "bybit", 50, "time", "numbers", _ALL),
    "bybit-linear": VenueRow(
        "bybit", "linear", "bybit", 200, "time", "numbers", _ALL, {"depth": 200}
    ),
    "coinbase": VenueRow("coinbase", "advanced", "coinbase", 5000, "time", "line's numbers", _FEW),
    "coinbase-exchange": VenueRow(
        "coinbase", "exchange", "coinbase-exchange", 5000, "time", "nothing", _NO_LOSS
    ),
    "kraken": VenueRow("kraken", None, "kraken", 10, "time", "checksum", _ALL, {"depth": 10}),
    "deribit": VenueRow("deribit", None, "deribit", 5000, "number", "numbers", _ALL),
    "weex": VenueRow("weex", "contract", "", 200, "quiet", "numbers", _EVERY),
}


class Server(Protocol):
    """What all simulators have in common."""

    @property
    def ws_url(self) -> str: ...

    @property
    def model(self) -> MarketModel: ...

    def generate(self, steps: int) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


def server_for(
    row: VenueRow, specs: list[SymbolSpec], seed: int = 1, *, is_bad: bool = False
) -> Server:
    """A venue's simulator, whose market only a test moves.

    Args:
        row: The venue.
        specs: The instruments.
        seed: Of the market.
        is_bad: Whether its line has faults from the beginning, where they cannot be set later.
    """
    if row.dialect:
        return VenueSimulator(row.dialect, symbols=specs, rate=0, seed=seed)
    faults = Faults(round(1 / row.faults.cut), round(1 / row.faults.lose)) if is_bad else None
    if row.exchange == "weex":
        return WeexSimulator(symbols=specs, rate=0, seed=seed, faults=faults)
    # Far more losses and cuts than the venue's limits leave room for.
    limits = Limits(connection_attempts=10**9, request_weight=10**9)
    return Simulator(symbols=specs, rate=0, seed=seed, faults=faults, limits=limits)


@dataclass
class Outcome:
    """What a trial came to.

    Attributes:
        updates: That changed a book.
        compared: Times that a live book was compared.
        quiet: Moments at which all of all books was.
        losses: How often a book said that it was not live any more.
        snapshots: That made one live.
        connections, frames, lost, doubled, swapped, cuts: What was done to the line, where its
            simulator counts it.
    """

    updates: int = 0
    compared: int = 0
    quiet: int = 0
    losses: int = 0
    snapshots: int = 0
    connections: int = 0
    frames: int = 0
    lost: int = 0
    doubled: int = 0
    swapped: int = 0
    cuts: int = 0


@dataclass
class _Truth:
    """One instrument's past: what was on top of its book, by number and by time."""

    instrument: Instrument
    numbers: NumberText
    by_number: dict[int, tuple[Levels, Levels]] = field(default_factory=dict)
    by_time: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def levels(self, count: int) -> tuple[Levels, Levels]:
        """The present book."""
        book = self.instrument.book
        return self._floats(book.bids.top(count)), self._floats(book.asks.top(count))

    def _floats(self, levels: list[tuple[int, int]]) -> Levels:
        price, size = self.numbers.price, self.numbers.quantity
        return [(float(price(ticks)), float(size(lots))) for ticks, lots in levels]

    def note(self, now_ms: int) -> None:
        """Remember the present."""
        number = self.instrument.book.last_update_id
        if number in self.by_number:
            return
        self.by_number[number] = self.levels(_TOP)
        self.by_time.append((now_ms, number))
        while len(self.by_number) > _REMEMBERED:
            del self.by_number[next(iter(self.by_number))]

    def at_time(self, now_ms: int) -> list[tuple[Levels, Levels]]:
        """What was there within a millisecond, and what was there as it began."""
        found = []
        for time_ms, number in reversed(self.by_time):
            if time_ms <= now_ms:
                found.append(self.by_number[number])
            if time_ms < now_ms:
                break
        return found


class Trial:
    """A market, a line and books. Used as an asynchronous context manager."""

    def __init__(self, row: VenueRow, *, seed: int = 1, worse: float = 1.0) -> None:
        """
        Args:
            row: The venue.
            seed: Of market and line.
            worse: How many times as many faults as the row says.
        """
        self.row = row
        bad = row.faults
        self._faults = LineFaults(
            bad.lose * worse, bad.double * worse, bad.swap * worse, bad.cut * worse, seed
        )
        self.outcome = Outcome()
        self._specs = _specs(row.symbols)
        self._steps = 2 * row.symbols
        self._server = server_for(row, self._specs, seed, is_bad=True)
        self._venue = self._server if isinstance(self._server, VenueSimulator) else None
        self._seed = seed
        self._truths: dict[str, _Truth] = {}
        self._changed = asyncio.Event()
        self._wrong: AssertionError | None = None
        self._books: tickwire.Books

    async def __aenter__(self) -> Self:
        await self._server.start()
        for spec in self._specs:
            instrument = self._server.model.by_symbol[spec.symbol]
            truth = _Truth(instrument, NumberText(instrument.spec, Market.USDM))
            self._truths[f"{spec.base}-{spec.quote}"] = truth
            truth.note(0)
        is_by_rest = self.row.exchange == "binance"
        self._books = tickwire.Books(
            self.row.exchange,
            list(self._truths),
            market=self.row.market,
            url=self._server.ws_url,
            levels=self.row.levels if is_by_rest else None,
            weight_per_minute=10_000_000 if is_by_rest else None,
            options=self.row.options,
            manager=QUICK,
            on_change=self._check,
            seed=self._seed,
        )
        await self._books.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._books.close()
        await self._server.stop()

    async def run(self, updates: int) -> None:
        """Move the market until the books have taken so many updates; a quiet moment ends it."""
        target = self.outcome.updates + updates
        while self.outcome.updates < target:
            self._hurt(self._faults)
            for _ in range(_AT_ONCE):
                self._move()
                await asyncio.sleep(0)
            await self.quiet()

    async def quiet(self) -> None:
        """Let the line be good and the books catch up, and compare the whole of each.

        What was lost last shows only when something follows it, so the market moves once more.
        """
        self._hurt(LineFaults())
        try:
            async with asyncio.timeout(PATIENCE):
                self._move()
                while not await self._caught_up():
                    self._move()
        except TimeoutError:
            states = {name: self._books[name].reason for name in self._truths}
            raise AssertionError(f"the books do not catch up: {states}") from None
        self._fail_if_wrong()
        for name, truth in self._truths.items():
            book = self._books[name]
            count = self.row.levels
            assert (book.bids(count), book.asks(count)) == truth.levels(count), name
        self._count()

    async def _caught_up(self) -> bool:
        """Wait a moment for the books to have what the market has."""
        try:
            async with asyncio.timeout(_MOMENT):
                while not all(map(self._is_level, self._truths)):
                    self._changed.clear()
                    await self._changed.wait()
                    self._fail_if_wrong()
        except TimeoutError:
            return False
        return True

    def _fail_if_wrong(self) -> None:
        if self._wrong is not None:
            raise self._wrong

    def _is_level(self, name: str) -> bool:
        """Whether a book has the last that was sent of it. Where that changed nothing in view, its
        number and time stay behind."""
        book, truth = self._books[name], self._truths[name]
        if not book.is_live:
            return False
        last = truth.instrument.book.last_update_id
        if self.row.told_by == "number" and book.sequence == last:
            return True
        count = self.row.levels
        return (book.bids(count), book.asks(count)) == truth.levels(count)

    def _move(self) -> None:
        self._server.generate(self._steps)
        now_ms = self._venue.moved_ms if self._venue else 0
        for truth in self._truths.values():
            truth.note(now_ms)

    def _hurt(self, faults: LineFaults) -> None:
        if self._venue is not None:
            self._venue.faults = faults

    def _check(self, book: OrderBook) -> None:
        """A book has changed: it is what the market was, or says that it is not live."""
        self._changed.set()
        if not book.is_live:
            return
        truth, told_by = self._truths[book.symbol], self.row.told_by
        if told_by == "number":
            wanted = [truth.by_number.get(book.sequence or 0)]
        elif told_by == "time" and book.ts_event_ns:
            wanted = [*truth.at_time(book.ts_event_ns // 1_000_000)]
        else:
            return
        if (book.bids(_TOP), book.asks(_TOP)) not in wanted and self._wrong is None:
            self._wrong = AssertionError(
                f"{book.symbol} is live and differs at {book.sequence}, {book.ts_event_ns}"
            )
        self.outcome.compared += 1

    def _count(self) -> None:
        stats, outcome = self._books.stats, self.outcome
        outcome.quiet += 1
        outcome.updates, outcome.losses = stats.updates, stats.losses
        outcome.snapshots = stats.snapshots
        if self._venue is not None:
            line = self._venue.stats
            outcome.connections, outcome.frames = line.connections, line.frames
            outcome.lost, outcome.doubled = line.lost, line.doubled
            outcome.swapped, outcome.cuts = line.swapped, line.cuts
        elif isinstance(self._server, Simulator):
            own = self._server.stats
            outcome.connections, outcome.frames = own.connections_opened, own.frames_sent
            outcome.lost = own.frames_skipped
            outcome.cuts = own.closed.total()


def _specs(count: int) -> list[SymbolSpec]:
    known = default_specs(Market.SPOT)[:count]
    more = range(len(known), count)
    return [*known, *(SymbolSpec(f"C{n}", "USDT", "0.01", "0.001", "100") for n in more)]
