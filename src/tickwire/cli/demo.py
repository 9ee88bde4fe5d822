"""``tickwire demo``: the simulator in a process of its own, a feed, and what comes of it.

That is the page in a browser (:mod:`tickwire.cli.page`), or a live table in the terminal. There the
feed has the loop to itself: an event is counted and gone, pictures are drawn in another thread.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tickwire import clock
from tickwire.cli.board import Board
from tickwire.cli.child import SimulatorProcess
from tickwire.cli.facts import Core, core_notice, setup, versions
from tickwire.cli.interrupt import run_until_interrupted
from tickwire.cli.page import has_gateway, missing_gateway, show_page
from tickwire.cli.problems import ExitCode, Problem, explain
from tickwire.cli.screen import Screen, open_screen
from tickwire.cli.simulate import needs_simulator
from tickwire.cli.summary import LatencySummary, Summary
from tickwire.cli.table import Picture
from tickwire.feed import Feed, FeedStats
from tickwire.transport import WebSocketClosed, WebSocketError
from tickwire.wire import CloseCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tickwire.cli.facts import Setup
    from tickwire.exchanges.binance.streams import Market

__all__ = ["DEFAULT_SYMBOLS", "DemoOptions", "Scene", "demo", "plan_scene"]

DEFAULT_SYMBOLS = ("BTC-USDT", "ETH-USDT", "BNB-USDT", "SOL-USDT", "XRP-USDT", "DOGE-USDT")
DEFAULT_RATE = 1000.0

_SAMPLE_SECONDS = 0.05
_NOTHING = FeedStats(messages=0, bytes=0, queued=0, connections=0, codecs=())
_SWITCH_SECONDS = 0.0002
"""While a picture is drawn, the feed gets the interpreter back within this time, and not 5 ms."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What was asked for; ``None`` is the default, which depends on whether it is a replay.

    Attributes:
        seconds: After which it ends by itself.
        rate: Order events per second of the generated market, over all symbols.
        replay: Capture to play instead.
        speed: Of the replay, as a multiple of its own.
        symbols: Of the generated market.
        market: Dialect of the generated market.
        as_json: One JSON line at the end and nothing else.
        terminal: The table, and no page; a replay and JSON are without a page anyway.
        port: Of the page; ``None`` takes 8000, or a free one where that is taken.
    """

    seconds: float | None = None
    rate: float | None = None
    replay: str | None = None
    speed: float | None = None
    symbols: tuple[str, ...] = ()
    market: Market | None = None
    as_json: bool = False
    terminal: bool = False
    port: int | None = None

    @property
    def is_page(self) -> bool:
        """Whether the page is what was asked for."""
        return not (self.terminal or self.as_json or self.replay is not None)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is played and what of it is subscribed to.

    Attributes:
        title: For the display.
        market: Spot or USD-M.
        is_replay: Whether it has an end, and times of long ago.
        symbols: Rows of the table.
        simulator: Arguments of the child.
        streams: Keyword arguments of the feed.
    """

    title: str
    market: Market
    is_replay: bool
    symbols: tuple[str, ...]
    simulator: list[str]
    streams: dict[str, Any]


def plan_scene(options: DemoOptions) -> Scene:
    """What to play.

    Raises:
        Problem: The options contradict one another, a symbol is unknown, or the simulator is not
            installed.
        CaptureError: The capture cannot be read. Retry: no.
    """
    try:
        import tickwire.simulator  # noqa: F401
    except ImportError:
        raise needs_simulator() from None
    return _generated(options) if options.replay is None else _replay(options, options.replay)


def _generated(options: DemoOptions) -> Scene:
    from tickwire.exchanges.binance import venue_symbol
    from tickwire.simulator.options import Market as Dialect
    from tickwire.simulator.symbols import default_specs

    if options.speed is not None:
        raise Problem("--speed goes with --replay; the simulator's is --rate", ExitCode.USAGE)
    market = options.market or "spot"
    symbols = options.symbols or DEFAULT_SYMBOLS
    known = {spec.symbol: f"{spec.base}-{spec.quote}" for spec in default_specs(Dialect(market))}
    names = [venue_symbol(symbol) for symbol in symbols]
    for symbol, name in zip(symbols, names, strict=True):
        if name not in known:
            raise Problem(
                f"the simulator has no {symbol}; it has {', '.join(known.values())}", ExitCode.USAGE
            )
    rate = DEFAULT_RATE if options.rate is None else options.rate
    pace = "as fast as it can" if math.isinf(rate) else f"at {rate:,g} orders/s"
    return Scene(
        title=f"tickwire demo · simulated Binance {market}, {pace}",
        market=market,
        is_replay=False,
        symbols=symbols,
        simulator=["--market", market, "--symbols", ",".join(names), "--rate", str(rate)],
        streams={"trades": symbols, "quotes": symbols, "books": symbols},
    )


def _replay(options: DemoOptions, path: str) -> Scene:
    from tickwire.simulator.replay import Recording

    for name, value in (("--rate", options.rate), ("--symbols", options.symbols or None)):
        if value is not None:
            raise Problem(f"--replay plays what was recorded: leave {name} out", ExitCode.USAGE)
    recording = Recording.scan(path)
    streams = sorted(recording.streams)
    market: Market = options.market or recording.market.value
    speed = 1.0 if options.speed is None else options.speed
    pace = "as fast as it can" if math.isinf(speed) else f"{speed:g}x"
    names = {stream.partition("@")[0].upper() for stream in streams if not stream.startswith("!")}
    return Scene(
        title=f"tickwire demo · {Path(path).name}, Binance {market}, "
        f"{recording.frames:,} frames, {pace}",
        market=market,
        is_replay=True,
        symbols=tuple(sorted(names)),
        simulator=[
            *("--market", market, "--replay", path, "--speed", str(speed)),
            *("--start", "all", "--close-at-end"),
        ],
        streams={"native": streams},
    )


async def demo(options: DemoOptions) -> None:
    """Run the demo: the page's address, or the table and its summary.

    Without the gateway's packages it is the table, and a line on the standard error says so.

    Raises:
        Problem: It could not start, or the simulator failed.
        CaptureError: The capture cannot be read. Retry: no.
    """
    if options.port is not None and not options.is_page:
        raise Problem("--port is the page's: leave it out", ExitCode.USAGE)
    scene = await asyncio.to_thread(plan_scene, options)
    if options.is_page:
        if await asyncio.to_thread(has_gateway):
            # What becomes of the connections is on the page.
            logging.getLogger("tickwire").setLevel(logging.ERROR)
            page = show_page(
                title=scene.title,
                market=scene.market,
                symbols=scene.symbols,
                simulator=scene.simulator,
                port=options.port,
                seconds=options.seconds,
            )
            await run_until_interrupted(page)
            return
        sys.stderr.write(missing_gateway())
    run = _Run(scene, options.seconds)
    screen = None if options.as_json else open_screen()
    with _quick_switching():
        await run_until_interrupted(run.play(screen))
    summary = run.summary()
    if options.as_json:
        sys.stdout.buffer.write(summary.json_line())
    else:
        sys.stdout.write(summary.text() + "\n")
    sys.stdout.flush()


@contextmanager
def _quick_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Run:
    """One run, from the connection to its end; what was counted stays."""

    def __init__(self, scene: Scene, seconds: float | None) -> None:
        self._scene = scene
        self._seconds = seconds
        self._setup: Setup = setup()
        self._notice = core_notice()
        self._started_ns = self._ended_ns = clock.mono_ns()
        self._board = self._new_board()
        self._stats = _NOTHING
        self._max_queue = 0

    def _new_board(self) -> Board:
        return Board(self._scene.symbols, self._started_ns, is_live=not self._scene.is_replay)

    async def play(self, screen: Screen | None) -> None:
        """Play the scene to its end, on ``screen`` if there is one.

        Raises:
            Problem: The simulator did not start, or failed.
            OSError: The output is gone.
        """
        if screen is not None:
            # The first picture takes ten times as long as the others: better before there is data.
            await asyncio.to_thread(screen.begin, self._picture(self._started_ns))
        try:
            await self._play(screen)
        finally:
            if screen is not None:
                await asyncio.to_thread(screen.finish, self._picture(self._ended_ns))

    async def _play(self, screen: Screen | None) -> None:
        scene = self._scene
        # Everything loaded so far is here to stay. Looking through it again takes a collection,
        # which the drawing brings about, 70 to 100 ms in which no event is taken.
        gc.freeze()
        async with (
            SimulatorProcess(scene.simulator) as simulator,
            # The simulator's end is the end of the show: there is nothing to come back to.
            Feed(
                "binance",
                market=scene.market,
                url=simulator.url,
                reconnect=False,
                **scene.streams,
            ) as feed,
        ):
            self._started_ns = clock.mono_ns()
            self._board = self._new_board()
            over = asyncio.Event()
            consuming = asyncio.create_task(self._consume(feed, simulator))
            watching = asyncio.create_task(self._watch(feed, screen, over))
            tasks = (consuming, watching)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._ended_ns = clock.mono_ns()
                consuming.cancel()
                over.set()
                outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome

    async def _consume(self, feed: Feed, simulator: SimulatorProcess) -> None:
        """Take events until the time is up or every connection has ended."""
        connections = len(feed.stats.codecs)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                while connections:
                    try:
                        await self._take_all(feed)
                    except WebSocketError as error:
                        if not (self._scene.is_replay and _is_normal_end(error)):
                            raise await self._problem(error, simulator) from error
                        connections -= 1
        except TimeoutError:
            if not limit.expired():
                raise

    async def _problem(self, error: WebSocketError, simulator: SimulatorProcess) -> Exception:
        """Why the feed ended: the simulator's own word for it, if it has one."""
        return await simulator.failure() or explain(error, simulator.url) or error

    async def _take_all(self, feed: Feed) -> None:
        take, wall_ns = self._board.take, clock.wall_ns
        async for event in feed:
            take(event, wall_ns())

    async def _watch(self, feed: Feed, screen: Screen | None, over: asyncio.Event) -> None:
        """Look at the queue, and have a picture drawn every now and then."""
        next_picture = self._started_ns + int(screen.interval * 1e9) if screen else 0
        while not over.is_set():
            self._sample(feed)
            now = clock.mono_ns()
            if screen is not None and now >= next_picture:
                next_picture = now + int(screen.interval * 1e9)
                await asyncio.to_thread(screen.show, self._picture(now))
            try:
                async with asyncio.timeout(_SAMPLE_SECONDS):
                    await over.wait()
            except TimeoutError:
                pass
        self._sample(feed)

    def _sample(self, feed: Feed) -> None:
        self._stats = feed.stats
        self._max_queue = max(self._max_queue, self._stats.queued)

    def _picture(self, now_ns: int) -> Picture:
        venue, socket = self._board.venue_latencies(), self._board.socket_latencies()
        core = "compiled core" if self._setup.core is Core.COMPILED else "pure-Python core"
        return Picture(
            title=self._scene.title,
            seconds=(now_ns - self._started_ns) / 1e9,
            rows=self._board.view(now_ns),
            venue_p50=venue.quantile(0.50),
            venue_p99=venue.quantile(0.99),
            socket_p50=socket.quantile(0.50),
            socket_p99=socket.quantile(0.99),
            messages=self._stats.messages,
            gaps=self._board.gaps,
            unknown=_unknown(self._stats),
            undecodable=_undecodable(self._stats),
            queue=self._stats.queued,
            max_queue=self._max_queue,
            setup=f"{core} · {self._setup.loop} · libcurl {self._setup.libcurl}",
            notice=self._notice,
        )

    def summary(self) -> Summary:
        """What it came to."""
        seconds = (self._ended_ns - self._started_ns) / 1e9
        events = self._board.events
        return Summary(
            source="replay" if self._scene.is_replay else "simulator",
            market=self._scene.market,
            seconds=round(seconds, 3),
            messages=self._stats.messages,
            events=events,
            events_by_kind=dict(sorted(self._board.kinds.items())),
            events_per_second=round(events / seconds, 1) if seconds > 0 else 0.0,
            latency_venue_us=LatencySummary.of(self._board.venue_latencies()),
            latency_socket_us=LatencySummary.of(self._board.socket_latencies()),
            gaps=self._board.gaps,
            unknown=_unknown(self._stats),
            undecodable=_undecodable(self._stats),
            max_queue_depth=self._max_queue,
            core=self._setup.core,
            loop=self._setup.loop,
            libcurl=self._setup.libcurl,
            versions=versions(),
        )


def _is_normal_end(error: WebSocketError) -> bool:
    return isinstance(error, WebSocketClosed) and error.code == CloseCode.NORMAL_CLOSURE


def _unknown(stats: FeedStats) -> int:
    return sum(sum(codec.unknown.values()) for codec in stats.codecs)


def _undecodable(stats: FeedStats) -> int:
    return sum(codec.undecodable for codec in stats.codecs)
