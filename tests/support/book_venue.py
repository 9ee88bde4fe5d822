"""A venue of order books on this machine that loses, repeats, reorders and breaks what it sends.

The market is the simulator's; frames and snapshots leave through real sockets. What the true book
was at every message's end is kept, so that a book can be compared with it at whatever number it
says it is.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web

from tests.support.book_trial import START_MS, Side, put
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.payloads import Payloads
from tickwire.simulator.symbols import NumberText, default_specs

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from tickwire.book import OrderBook
    from tickwire.simulator.book import DepthChange

__all__ = ["Answer", "BadVenue", "LineFaults"]

_DEPTH_PATHS = {"spot": "/api/v3/depth", "usdm": "/fapi/v1/depth", "coinm": "/dapi/v1/depth"}
_LEVELS_OF_TRUTH = 5000


@dataclass
class LineFaults:
    """How often what goes wrong: per frame and connection, or per snapshot."""

    loss: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    disconnect: float = 0.0
    failed_snapshot: float = 0.0
    old_snapshot: float = 0.0


@dataclass
class Answer:
    """What a request for a snapshot is answered instead."""

    status: int
    headers: dict[str, str]


class _Line:
    """One connection."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.socket = socket
        self.transport = transport
        self.streams: set[str] = set()
        self.requests: list[list[str]] = []
        self.late: list[tuple[int, bytes]] = []


class _Symbol:
    """One instrument: its truth, and the changes that come after it."""

    def __init__(self, instrument: Any, market: Market) -> None:
        self.instrument = instrument
        self.payloads = Payloads(instrument, market)
        self.text = NumberText(instrument.spec, market)
        book = instrument.book
        self.sides: tuple[Side, Side] = (
            self._floats(book.bids.top(_LEVELS_OF_TRUTH))[::-1],
            self._floats(book.asks.top(_LEVELS_OF_TRUTH)),
        )
        self.at: int = book.last_update_id
        self.changes: deque[DepthChange] = deque()
        self.old: bytes | None = None

    def _floats(self, levels: list[tuple[int, int]]) -> Side:
        return [(float(price), float(size)) for price, size in self.text.levels(levels)]

    def advance(self, sequence: int) -> None:
        assert sequence >= self.at, "the book went back"
        while self.changes and self.changes[0].last <= sequence:
            change = self.changes.popleft()
            for side, changed in zip(self.sides, (change.bids, change.asks), strict=True):
                for price, size in self._floats(changed):
                    put(side, price, size)
            self.at = change.last
        assert sequence == self.at, f"no message ends at {sequence}"


class BadVenue:
    """The venue: streams under ``/stream``, snapshots under the market's path.

    Attributes:
        faults: Of the line; may be changed at any time.
        refused: Streams that are refused.
        answers: What the next requests for snapshots are answered, by symbol; ``""`` is any.
        asked: (loop time, symbol) of every request for a snapshot.
        lines: The connections that are open.
        opened: Connections so far.
        held: Unset, requests for snapshots wait.
    """

    def __init__(self, market: str = "spot", *, symbols: int = 2, seed: int = 1) -> None:
        self.market = Market(market)
        self.random = Random(seed)
        self.faults = LineFaults()
        self.refused: set[str] = set()
        self.answers: dict[str, deque[Answer]] = {}
        self.asked: list[tuple[float, str]] = []
        self.lines: list[_Line] = []
        self.opened = 0
        self.counts: Counter[str] = Counter()
        self.accepts = True
        self.held = asyncio.Event()
        self.held.set()
        self.used_weight = 0
        specs = default_specs(self.market)[:symbols]
        self._model = MarketModel(
            specs, seed=seed, market=self.market, cadences=1, start_ms=START_MS
        )
        self.symbols = {
            instrument.spec.symbol: _Symbol(instrument, self.market)
            for instrument in self._model.instruments
        }
        self._now_ms = START_MS
        self._sent = 0
        self._runner: web.AppRunner | None = None

    @property
    def names(self) -> list[str]:
        return list(self.symbols)

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        for prefix in ("", "/public"):
            app.router.add_get(f"{prefix}/stream", self._serve)
        app.router.add_get(_DEPTH_PATHS[self.market.value], self._depth)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.held.set()
        self.cut()
        assert self._runner is not None
        await self._runner.cleanup()

    # What a test does

    async def run_until(self, condition: Callable[[], bool], *, patience: float = 60.0) -> None:
        """Run the market until the condition holds; slow enough for snapshots to be in time."""
        async with asyncio.timeout(patience):
            while not condition():
                await self.tick()
                await asyncio.sleep(0.001)

    async def tick(self, *, lose: str = "") -> None:
        """One message per symbol that moved; ``lose`` names the symbol whose message is lost."""
        for _ in range(3 * len(self.symbols)):
            self._now_ms += 1
            self._model.step(self._now_ms)
        self._sent += 1
        for name, symbol in self.symbols.items():
            change = symbol.instrument.book.take(0)
            if change is None:
                continue
            symbol.changes.append(change)
            payload = symbol.payloads.depth_diff(change, self._now_ms)
            stream = f"{name.lower()}@depth@100ms"
            frame = b'{"stream":"' + stream.encode() + b'","data":' + payload + b"}"
            self.counts["messages"] += 1
            for line in list(self.lines):
                if stream in line.streams and name != lose:
                    await self._send(line, frame)

    def check(self, book: OrderBook) -> None:
        """The book is the true one at the number that it gives, or says that it is not."""
        if not book.is_live:
            self.counts["not live"] += 1
            return
        symbol = self.symbols[book.symbol]
        assert book.sequence is not None
        symbol.advance(book.sequence)
        bids, asks = book.bids(), book.asks()
        bids.reverse()
        assert bids == symbol.sides[0], f"{book.symbol}: bids differ at {book.sequence}"
        assert asks == symbol.sides[1], f"{book.symbol}: asks differ at {book.sequence}"
        self.counts["compared"] += 1

    def last(self, name: str) -> int:
        """The number at which the true book is."""
        return int(self.symbols[name].instrument.book.last_update_id)

    def is_level(self, book: OrderBook) -> bool:
        """Whether the book has everything that was sent so far."""
        return book.sequence == self.last(book.symbol)

    def cut(self) -> None:
        """Break all connections, without a close frame."""
        for line in list(self.lines):
            line.transport.abort()

    async def announce_shutdown(self) -> None:
        """Say on all connections that they will end."""
        for line in list(self.lines):
            notice = {"e": "serverShutdown", "E": self._now_ms}
            await line.socket.send_str(orjson.dumps(notice).decode())

    # The server

    async def _send(self, line: _Line, frame: bytes) -> None:
        chance, faults, now = self.random.random, self.faults, self._sent
        due = [late for moment, late in line.late if moment <= now]
        line.late = [late for late in line.late if late[0] > now]
        if chance() < faults.disconnect:
            self.counts["disconnect"] += 1
            line.transport.abort()
            return
        if chance() < faults.loss:
            self.counts["loss"] += 1
        elif chance() < faults.delay:
            self.counts["delay"] += 1
            line.late.append((now + 1 + int(chance() * 4), frame))
        else:
            due.append(frame)
        if chance() < faults.repeat:
            self.counts["repeat"] += 1
            line.late.append((now + int(chance() * 6), frame))
        for text in due:
            try:
                await line.socket.send_str(text.decode())
            except ConnectionError:
                return

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not self.accepts:
            return web.Response(status=503)
        socket = web.WebSocketResponse(autoping=True, compress=False)
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        line = _Line(socket, transport)
        self.lines.append(line)
        self.opened += 1
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(self._answer(line, orjson.loads(message.data)))
        finally:
            self.lines.remove(line)
        return socket

    def _answer(self, line: _Line, request: dict[str, Any]) -> str:
        names = request["params"]
        if self.refused.intersection(names):
            refusal = {"error": {"code": 2, "msg": "no such stream"}, "id": request["id"]}
            return orjson.dumps(refusal).decode()
        line.requests.append(names)
        if request["method"] == "SUBSCRIBE":
            line.streams.update(names)
        else:
            line.streams.difference_update(names)
        return orjson.dumps({"result": None, "id": request["id"]}).decode()

    async def _depth(self, request: web.Request) -> web.Response:
        name = request.query["symbol"]
        self.asked.append((asyncio.get_running_loop().time(), name))
        await self.held.wait()
        for key in (name, ""):
            if self.answers.get(key):
                answer = self.answers[key].popleft()
                return web.Response(status=answer.status, headers=answer.headers, body=b"no")
        chance = self.random.random
        if chance() < self.faults.failed_snapshot:
            self.counts["failed snapshot"] += 1
            return web.Response(status=503, body=b"busy")
        symbol = self.symbols[name]
        body = symbol.payloads.snapshot(int(request.query["limit"]), self._now_ms)
        if symbol.old is not None and chance() < self.faults.old_snapshot:
            self.counts["old snapshot"] += 1
            body = symbol.old
        symbol.old = body
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.used_weight)} if self.used_weight else {}
        return web.Response(body=body, headers=headers, content_type="application/json")
