"""A local exchange that speaks a venue's protocol, from the same seeded market as Binance's.

It is for tests and demonstrations: what it sends is right by construction, and faults are injected
on purpose and counted. Each client's frames are lost, doubled and swapped by a seeded generator, so
that a test can be repeated.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Self

from aiohttp import WSMsgType, web

from tickwire.clock import wall_ns
from tickwire.errors import ConfigurationError
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import SymbolSpec, default_specs
from tickwire.simulator.venues.registry import dialect_of
from tickwire.simulator.venues.views import BookView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from tickwire.simulator.venues.dialect import Conversation, Dialect, Reply, Shown

__all__ = ["LineFaults", "LineStats", "VenueSimulator"]

_SLICE_SECONDS = 0.002
_SLICE_STEPS = 64
_SECOND = 1.0
_POLICY = 1008
_QUEUE_MESSAGES = 20_000
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class LineFaults:
    """Faults of every client's line, as chances per data frame between 0 and 1.

    Attributes:
        lose: The frame is not sent.
        double: It is sent twice.
        swap: It changes places with the next one.
        cut: The connection ends behind it, without a close frame.
        seed: Of the chances.
    """

    lose: float = 0.0
    double: float = 0.0
    swap: float = 0.0
    cut: float = 0.0
    seed: int = 1


@dataclass(slots=True)
class LineStats:
    """What was done, over all connections.

    Attributes:
        connections: Connections so far.
        frames: Data frames that were due.
        lost, doubled, swapped, cuts: Faults.
        slow: Clients that were cut off because they did not read.
    """

    connections: int = 0
    frames: int = 0
    lost: int = 0
    doubled: int = 0
    swapped: int = 0
    cuts: int = 0
    slow: int = 0


class _Line:
    """One client."""

    def __init__(
        self, server: VenueSimulator, talk: Conversation, request: web.Request, number: int
    ) -> None:
        self.talk = talk
        self.views: dict[str, BookView] = {}
        self._server = server
        self._random = Random(f"{server.faults.seed}/{number}")
        self._held: str | None = None
        self._queue: asyncio.Queue[str | int] = asyncio.Queue(_QUEUE_MESSAGES)
        self._transport = request.transport
        self._is_over = False

    def say(self, texts: Sequence[str]) -> None:
        """Answers: never hurt by faults."""
        for text in texts:
            self._put(text)

    def send(self, texts: Sequence[str]) -> None:
        """Data, hurt as the faults say."""
        faults, stats, draw = self._server.faults, self._server.stats, self._random.random
        for text in texts:
            stats.frames += 1
            if faults.lose and draw() < faults.lose:
                stats.lost += 1
                continue
            if faults.swap and self._held is None and draw() < faults.swap:
                stats.swapped += 1
                self._held = text
                continue
            self._put(text)
            if faults.double and draw() < faults.double:
                stats.doubled += 1
                self._put(text)
            if faults.cut and draw() < faults.cut:
                stats.cuts += 1
                self.cut()
                return

    def end(self, code: int) -> None:
        """Close, behind what was said."""
        self._put(code)

    def cut(self) -> None:
        """End at once, without a close frame."""
        self._is_over = True
        if self._transport is not None:
            self._transport.abort()

    def _put(self, item: str | int) -> None:
        if self._is_over:
            return
        try:
            self._queue.put_nowait(item)
            if self._held is not None:
                held, self._held = self._held, None
                self._queue.put_nowait(held)
        except asyncio.QueueFull:
            self._server.stats.slow += 1
            self.cut()

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Send what is queued until the connection ends."""
        while True:
            item = await self._queue.get()
            try:
                if isinstance(item, int):
                    await socket.close(code=item)
                    return
                await socket.send_str(item)
            except ConnectionError:
                return


class VenueSimulator:
    """A server that speaks the protocol of ``exchange``.

    ::

        async with VenueSimulator("okx", symbols=["BTCUSDT"], rate=500) as sim:
            async with tickwire.Feed("okx", trades=["BTC-USDT"], url=sim.ws_url) as feed: ...

    Use from one event loop, which must be running.

    Args:
        exchange: A venue of :mod:`tickwire.simulator.venues.registry`.
        symbols: Instruments of the market, by name (``BTCUSDT``) or as :class:`SymbolSpec`; eight
            well-known ones when left out.
        rate: Order events per second over all of them; 0: only :meth:`generate` moves the market.
        seed: Of the market.
        faults: Of the lines.
        settings: What the dialect takes besides: keys of accounts, shortened times.
        host, port: Where to listen; port 0 takes a free one.

    Attributes:
        faults: See above; may be replaced while it runs.
        stats: What was done.
        model: The market.
        dialect: The venue's protocol.
        moved_ms: When the market last moved, ms since the Unix epoch: the time of what was sent.

    Raises:
        ConfigurationError: No such venue or symbol. Retry: no.
        OSError: From starting: the address cannot be had.
    """

    def __init__(
        self,
        exchange: str,
        *,
        symbols: Sequence[str | SymbolSpec] | None = None,
        rate: float = 200.0,
        seed: int = 1,
        faults: LineFaults | None = None,
        settings: dict[str, Any] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if not 0 <= rate < float("inf"):
            raise ConfigurationError(f"rate must be 0 or more and finite, not {rate}")
        self.faults = faults or LineFaults()
        self.stats = LineStats()
        self.model = MarketModel(
            _specs(symbols),
            seed=seed,
            market=Market.SPOT,
            cadences=0,
            start_ms=wall_ns() // _NS_PER_MS,
        )
        self.dialect: Dialect = dialect_of(exchange, self.model, settings or {})
        self.moved_ms = 0
        self._last_ms = 0
        self._views: dict[tuple[int, int, bool], BookView] = {}
        self._rate = rate
        self._host = host
        self._port = port
        self._lines: list[_Line] = []
        self._heard = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._runner is None:
            raise RuntimeError("the simulator has not been started")
        return int(self._runner.addresses[0][1])

    @property
    def ws_url(self) -> str:
        """``ws://host:port``, what ``Feed(url=)`` takes."""
        return f"ws://{self._host}:{self.port}"

    @property
    def http_url(self) -> str:
        """``http://host:port``."""
        return f"http://{self._host}:{self.port}"

    async def start(self) -> None:
        """Listen, and set the market going. Once per object."""
        if self._runner is not None:
            raise RuntimeError("the simulator has been started before")
        application = web.Application()
        for path in self.dialect.paths:
            application.router.add_get(path, self._serve, allow_head=False)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._tasks = [asyncio.create_task(self._tick())]
        if self._rate:
            self._tasks.append(asyncio.create_task(self._move()))

    async def stop(self) -> None:
        """Cut every connection and stop listening. A second call does nothing.

        Raises:
            Exception: What went wrong in the market or a dialect while it ran.
        """
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for line in list(self._lines):
            line.cut()
        if self._runner is not None and tasks:
            await self._runner.cleanup()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def generate(self, steps: int) -> None:
        """Move the market on by ``steps`` order events now, and send what they give."""
        now_ms = self.moved_ms = self._now_ms()
        for _ in range(steps):
            event = self.model.step(now_ms)
            if event.fills:
                self.dialect.note(event.instrument, event.fills, now_ms)
            for line in self._lines:
                if event.fills:
                    line.send(line.talk.on_fills(event.instrument, event.fills, now_ms))
                if event.best_changed:
                    line.send(line.talk.on_best(event.instrument, now_ms))
        seen = {id(view): view for line in self._lines for view in line.views.values()}
        changes = {number: view.advance() for number, view in seen.items()}
        for line in self._lines:
            for key, view in line.views.items():
                change = changes[id(view)]
                if change is not None:
                    line.send(line.talk.on_book(key, change, view, now_ms))

    def announce(self) -> None:
        """Say what the venue says before it ends connections, where it says anything."""
        now_ms = self._now_ms()
        for line in self._lines:
            line.say(line.talk.on_notice(now_ms))

    @property
    def subscriptions(self) -> int:
        """What all clients together are subscribed to now."""
        return sum(len(line.talk.topics) for line in self._lines)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that clients bring about: it is looked at now, and whenever one has
        said something or has gone."""
        while not condition():
            await self._heard.wait()

    def cut_all(self) -> None:
        """End every connection without a close frame."""
        for line in list(self._lines):
            self.stats.cuts += 1
            line.cut()

    def _now_ms(self) -> int:
        """The time; it does not run backwards when the machine's is set."""
        self._last_ms = max(self._last_ms, wall_ns() // _NS_PER_MS)
        return self._last_ms

    async def _move(self) -> None:
        loop = asyncio.get_running_loop()
        began, done = loop.time(), 0
        while True:
            due = int((loop.time() - began) * self._rate) - done
            steps = min(due, _SLICE_STEPS)
            if steps > 0:
                self.generate(steps)
                done += steps
            await asyncio.sleep(0 if due > steps else _SLICE_SECONDS)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_SECOND)
            now_ms = self._now_ms()
            for instrument in self.model.instruments:
                candles = instrument.candles
                candles.roll(now_ms)
                ended, candles.closed = candles.closed, []
                for line in self._lines:
                    for interval, candle in ended:
                        line.say(line.talk.on_candle(instrument, interval, candle, now_ms))
            for line in list(self._lines):
                self._obey(line, line.talk.on_second(now_ms))

    def _obey(self, line: _Line, reply: Reply) -> None:
        line.say(reply.texts)
        if reply.close is not None:
            line.end(reply.close)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            talk = self.dialect.converse(request.path, request.headers, self._now_ms())
        except PermissionError as error:
            return web.json_response({"error": str(error)}, status=401)
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        self.stats.connections += 1
        line = _Line(self, talk, request, self.stats.connections)
        writer = asyncio.create_task(line.write(socket))
        self._lines.append(line)
        try:
            self._obey(line, talk.opened(self._now_ms()))
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    line.end(_POLICY)
                    continue
                self._obey(line, talk.receive(message.data, self._now_ms()))
                self._show_books(line)
                self._wake()
        finally:
            self._lines.remove(line)
            self._wake()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def _wake(self) -> None:
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()

    def _show_books(self, line: _Line) -> None:
        """Begin the books that are new, forget those that are gone."""
        for key in [key for key in line.views if key not in line.talk.books]:
            del line.views[key]
        for key, shown in line.talk.books.items():
            if key not in line.views:
                view = self._view(shown)
                line.views[key] = view
                line.say(line.talk.on_snapshot(key, view, self._now_ms()))

    def _view(self, shown: Shown) -> BookView:
        """The view that all share who see a book like this."""
        key = (shown.instrument.index, shown.depth, shown.tells_departures)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = BookView(
                shown.instrument.book, shown.depth, tells_departures=shown.tells_departures
            )
        elif not any(view in line.views.values() for line in self._lines):
            view.advance()  # nobody has looked for a while
        return view

    async def _answer(self, request: web.Request) -> web.Response:
        body = self.dialect.rest(request.method, request.path, request.query, self._now_ms())
        if body is None:
            return web.Response(status=404)
        return web.Response(body=body, content_type="application/json")


def _specs(symbols: Sequence[str | SymbolSpec] | None) -> list[SymbolSpec]:
    known = {spec.symbol: spec for spec in default_specs(Market.SPOT)}
    if symbols is None:
        return list(known.values())
    specs = []
    for symbol in symbols:
        spec = symbol if isinstance(symbol, SymbolSpec) else known.get(symbol.upper())
        if spec is None:
            raise ConfigurationError(
                f"no built-in symbol {symbol!r}: give a SymbolSpec, or one of {', '.join(known)}"
            )
        specs.append(spec)
    return specs
