"""The server: URLs, the market's pace, what is due to whom, and the object that users start."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Self

import orjson
from aiohttp import web

from tickwire.clock import mono_ns, wall_ns
from tickwire.errors import ConfigurationError
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Faults, Market
from tickwire.simulator.symbols import SymbolSpec, default_specs
from tickwire.simulator.weex.account import WeexAccount
from tickwire.simulator.weex.login import refusal
from tickwire.simulator.weex.payloads import DepthWindow, Quoter
from tickwire.simulator.weex.rules import Topic, topic_of
from tickwire.simulator.weex.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from tickwire.credentials import Credentials
    from tickwire.simulator.weex.account import AccountFrames

__all__ = ["WeexSimulator"]

_PUBLIC, _PRIVATE = "/v3/ws/public", "/v3/ws/private"
_INFO_PATHS = ("/capi/v3/market/exchangeInfo", "/api/v3/exchangeInfo")
_PRIVATE_CHANNELS = {
    "contract": ("account", "positions", "orders", "fill"),
    "spot": ("account", "orders", "fill"),
}
_MAX_DEBT = 0.25
_SHUTDOWN_TIMEOUT = 2.0


class WeexSimulator:
    """A server that speaks WEEX V3: public channels, and private ones behind its signature.

    ::

        async with WeexSimulator(symbols=["BTCUSDT"], credentials=keys) as sim:
            ...  # Feed("weex", trades=["BTC-USDT"], url=sim.ws_url)

    The market is the seeded one of :class:`~tickwire.simulator.Simulator`: the same seed and the
    same times give the same books and trades.

    Args:
        symbols: Instruments, by name or as :class:`~tickwire.simulator.SymbolSpec`; eight
            well-known ones when left out.
        product: ``contract`` or ``spot``.
        rate: Order events per second over all instruments together; 0: only :meth:`generate` moves
            the market.
        seed: Of the market.
        credentials: Whose private channels there are; without any, every login is refused.
        push_interval: Seconds between two rounds of messages.
        ping_interval: Seconds between two pings on a connection that has a subscription.
        idle_timeout: Seconds after which a connection without a subscription is cut.
        activity_interval: Seconds between two orders that the account places by itself; ``None``:
            it places none.
        faults: Faults to inject.
        host, port: Where to listen; port 0 takes a free one.

    Attributes:
        account: The account behind the private channels; act on it by :meth:`market_order`,
            :meth:`limit_order`, :meth:`cancel_order` and :meth:`fill_order`.
        counts: What happened: ``subscribe``, ``unsubscribe``, ``rejected``, ``ping``, ``pong``,
            ``idle``, ``no pong``, ``refused`` (logins), ``opened``, ``closed``, ``unavailable``.
        is_unavailable: While it is set, every upgrade is answered with 503.

    Raises:
        ConfigurationError: The arguments are out of range. Retry: no.
        OSError: From starting: the address cannot be had.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str | SymbolSpec] | None = None,
        product: str = "contract",
        rate: float = 500.0,
        seed: int = 1,
        credentials: Credentials | None = None,
        push_interval: float = 0.1,
        ping_interval: float = 60.0,
        idle_timeout: float = 60.0,
        activity_interval: float | None = None,
        faults: Faults | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if product not in _PRIVATE_CHANNELS:
            raise ConfigurationError(f"product is contract or spot, not {product!r}")
        if not rate >= 0 or not push_interval > 0:
            raise ConfigurationError("rate must be 0 or more, and push_interval above 0")
        self.product = product
        self.ping_interval = ping_interval
        self.idle_timeout = idle_timeout
        self.account = WeexAccount(is_spot=product == "spot")
        self.counts: Counter[str] = Counter()
        self.is_unavailable = False
        self._rate = rate
        self._credentials = credentials
        self._push_interval = push_interval
        self._activity_interval = activity_interval
        self._faults = faults or Faults()
        self._address = (host, port)
        self._last_ms = wall_ns() // 1_000_000
        self.model = MarketModel(
            list(_specs(symbols)),
            seed=seed,
            market=Market.USDM,
            cadences=0,
            start_ms=self._last_ms,
        )
        random = Random(seed)
        self._quoters = {
            instrument.spec.symbol: Quoter(instrument, random, is_spot=product == "spot")
            for instrument in self.model.instruments
        }
        self._windows: dict[Topic, DepthWindow] = {}
        self._depth_frames: Counter[Topic] = Counter()
        self._sessions: set[Session] = set()
        self._runner: web.AppRunner | None = None
        self._playing: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

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
        """Base of the WebSocket URLs."""
        return f"ws://{self._address[0]}:{self.port}"

    @property
    def http_url(self) -> str:
        """Base of the REST URLs."""
        return f"http://{self._address[0]}:{self.port}"

    async def start(self) -> None:
        """Listen, and set the market going. Once per object."""
        if self._runner is not None:
            raise RuntimeError("the simulator has been started before")
        application = web.Application()
        application.router.add_get(_PUBLIC, self._public, allow_head=False)
        application.router.add_get(_PRIVATE, self._private, allow_head=False)
        for path in _INFO_PATHS:
            application.router.add_get(path, self._info, allow_head=False)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await runner.setup()
        try:
            await web.TCPSite(runner, *self._address).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._playing = asyncio.create_task(self._play(), name="WEEX simulator")

    async def stop(self) -> None:
        """Close every connection and stop listening. A second call does nothing."""
        playing, self._playing = self._playing, None
        if self._runner is None or playing is None:
            return
        playing.cancel()
        (outcome,) = await asyncio.gather(playing, return_exceptions=True)
        self.cut()
        await self._runner.cleanup()
        if isinstance(outcome, Exception):
            raise outcome

    async def until(self, condition: Callable[[Counter[str]], bool]) -> None:
        """Wait until :attr:`counts` satisfies a condition; looked at whenever one has grown."""
        while not condition(self.counts):
            await self._changed.wait()

    # What can be done to it

    def generate(self, steps: int) -> None:
        """Move the market on by ``steps`` order events, and send what they give."""
        self._step(steps)
        self._publish()

    def cut(self, *, private: bool | None = None) -> None:
        """End connections without a close frame: all, or those of one kind."""
        for session in list(self._sessions):
            if private is None or session.is_private is private:
                session.cut()

    @property
    def topics(self) -> Counter[Topic]:
        """What is subscribed to now, and on how many connections."""
        return Counter(topic for session in self._sessions for topic in session.topics)

    def market_order(self, symbol: str, side: str, size: str) -> None:
        """The account buys or sells at the best price."""
        quoter = self._quoters[symbol]
        book = quoter.instrument.book
        ticks = book.asks.best if side == "BUY" else book.bids.best
        price = quoter.numbers.price(ticks)
        self._tell(self.account.market_order(symbol, side, size, price, self._now()))

    def limit_order(self, symbol: str, side: str, size: str, price: str) -> str:
        """The account leaves an order in the book; gives its id."""
        number, frames = self.account.limit_order(symbol, side, size, price, self._now())
        self._tell(frames)
        return number

    def fill_order(self, order_id: str) -> None:
        """A resting order of the account is filled."""
        self._tell(self.account.fill_order(order_id, self._now()))

    def cancel_order(self, order_id: str) -> None:
        """A resting order of the account is taken back."""
        self._tell(self.account.cancel(order_id, self._now()))

    def trade_ids(self, symbol: str) -> list[str]:
        """Ids of the trades that were sent, oldest first; of very many, the newest 100,000."""
        return list(self._quoters[symbol].sent_ids)

    def window(self, symbol: str, level: int = 200) -> list[list[tuple[str, str]]]:
        """Bids and asks of a depth channel as last sent: what a client should have, as text."""
        return self._window(Topic("depth", symbol, (str(level),))).levels()

    # What a session asks of it

    def topic_of(self, name: str, *, is_private: bool) -> Topic:
        """See :class:`~tickwire.simulator.weex.session.Host`."""
        private = _PRIVATE_CHANNELS[self.product] if is_private else ()
        return topic_of(name, self._quoters, private, is_spot=self.product == "spot")

    def subscribed(self, session: Session, topic: Topic) -> None:
        """See :class:`~tickwire.simulator.weex.session.Host`."""
        frame = self._first(topic)
        if frame is not None:
            session.send(frame)

    def noted(self, what: str) -> None:
        """See :class:`~tickwire.simulator.weex.session.Host`."""
        self.counts[what] += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # The market

    def _now(self) -> int:
        self._last_ms = max(self._last_ms, wall_ns() // 1_000_000)
        return self._last_ms

    def _step(self, steps: int) -> None:
        now_ms = self._now()
        for _ in range(steps):
            event = self.model.step(now_ms)
            if event.fills:
                self._quoters[event.instrument.spec.symbol].note(list(event.fills), now_ms)

    async def _play(self) -> None:
        done, started = 0, mono_ns()
        acted = started
        while True:
            await asyncio.sleep(self._push_interval)
            now = mono_ns()
            due = int((now - started) * self._rate / 1e9) - done
            self._step(min(due, max(1, int(self._rate * _MAX_DEBT))))
            done += due
            self._publish()
            pause = self._activity_interval
            if pause is not None and now - acted >= pause * 1e9:
                acted = now
                self._act()

    def _act(self) -> None:
        symbol = next(iter(self._quoters))
        position = self.account.positions.get(symbol)
        is_long = position is not None and position.size > 0
        self.market_order(symbol, "SELL" if is_long else "BUY", "0.01")

    def _publish(self) -> None:
        now_ms = self._now()
        wanted: dict[Topic, list[Session]] = {}
        for session in self._sessions:
            for topic in session.topics:
                wanted.setdefault(topic, []).append(session)
        for topic in self._windows:
            # Also without a listener: versions of a channel go on for all alike.
            wanted.setdefault(topic, [])
        for topic, sessions in wanted.items():
            frame = self._next(topic, now_ms)
            if frame is None or self._is_skipped(topic):
                continue
            for session in sessions:
                self._deliver(session, frame)

    def _is_skipped(self, topic: Topic) -> bool:
        every = self._faults.skip_depth_every
        if topic.kind != "depth" or every is None:
            return False
        self._depth_frames[topic] += 1
        return self._depth_frames[topic] % every == 0

    def _deliver(self, session: Session, frame: bytes) -> None:
        session.send(frame)
        session.frames += 1
        if session.frames == self._faults.drop_after_frames:
            session.cut()

    def _tell(self, frames: AccountFrames) -> None:
        for channel, frame in frames:
            for session in self._sessions:
                if Topic(channel) in session.topics:
                    self._deliver(session, frame)

    def _window(self, topic: Topic) -> DepthWindow:
        window = self._windows.get(topic)
        if window is None:
            quoter = self._quoters[topic.symbol]
            window = DepthWindow(quoter.instrument, int(topic.detail[0]), quoter.numbers)
            self._windows[topic] = window
        return window

    def _first(self, topic: Topic) -> bytes | None:
        """What a new subscriber gets at once."""
        now_ms = self._now()
        match topic.kind:
            case "depth":
                return self._window(topic).snapshot(now_ms)
            case "trade":
                return self._quoters[topic.symbol].past_trades(now_ms)
            case "kline":
                interval, price = topic.detail
                quoter = self._quoters[topic.symbol]
                return quoter.kline(interval, price, now_ms, snapshot=True)
            case "ticker" | "bookTicker":
                return self._next(topic, now_ms)
        return None

    def _next(self, topic: Topic, now_ms: int) -> bytes | None:
        """What is due on a channel."""
        if not topic.symbol:
            return None  # private: sent when something happens
        quoter = self._quoters[topic.symbol]
        match topic.kind:
            case "depth":
                return self._window(topic).change(now_ms)
            case "trade":
                return quoter.trades(now_ms)
            case "ticker":
                return quoter.ticker(now_ms)
            case "bookTicker":
                return quoter.quote(now_ms)
        interval, price = topic.detail
        return quoter.kline(interval, price, now_ms, snapshot=False)

    # Connections

    async def _public(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, is_private=False)

    async def _private(self, request: web.Request) -> web.StreamResponse:
        problem = refusal(request.headers, _PRIVATE, self._credentials, self._now())
        if problem is not None:
            self.noted("refused")
            code, text = problem
            return web.json_response({"code": code, "msg": text}, status=401)
        return await self._serve(request, is_private=True)

    async def _serve(self, request: web.Request, *, is_private: bool) -> web.StreamResponse:
        if self.is_unavailable:
            self.noted("unavailable")
            raise web.HTTPServiceUnavailable(text="maintenance")
        if not request.headers.get("User-Agent"):
            raise web.HTTPForbidden(text="no User-Agent")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = Session(self, socket, request.transport, is_private=is_private)
        self._sessions.add(session)
        self.noted("opened")
        try:
            await session.serve()
        finally:
            self._sessions.discard(session)
            self.noted("closed")
        return socket

    async def _info(self, request: web.Request) -> web.Response:
        symbols = [
            {
                "symbol": instrument.spec.symbol,
                "baseAsset": instrument.spec.base,
                "quoteAsset": instrument.spec.quote,
                "tickSize": instrument.spec.tick_size,
                "stepSize": instrument.spec.lot_step,
            }
            for instrument in self.model.instruments
        ]
        body = orjson.dumps({"symbols": symbols})
        return web.Response(body=body, content_type="application/json")


def _specs(symbols: Sequence[str | SymbolSpec] | None) -> Iterable[SymbolSpec]:
    known = {spec.symbol: spec for spec in default_specs(Market.USDM)}
    if symbols is None:
        yield from known.values()
        return
    for symbol in symbols:
        if isinstance(symbol, SymbolSpec):
            yield symbol
        elif symbol.upper() in known:
            yield known[symbol.upper()]
        else:
            raise ConfigurationError(
                f"no built-in symbol {symbol!r}: give a SymbolSpec, or one of {', '.join(known)}"
            )
