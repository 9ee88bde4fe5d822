"""The server: URLs, the life of the process's sockets, and the object that users start and stop."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from tickwire.errors import ConfigurationError
from tickwire.simulator.accounts import Accounts
from tickwire.simulator.connections import serve
from tickwire.simulator.exchange import Exchange
from tickwire.simulator.gateway import Gateway, listen_keys_of, now_ms
from tickwire.simulator.hub import CloseReason, Connection, Hub, Stats
from tickwire.simulator.options import Faults, Limits, Market, ReplayStart
from tickwire.simulator.replay import Recording
from tickwire.simulator.session import stream_talk
from tickwire.simulator.source import GeneratedSource, ReplaySource
from tickwire.simulator.streams import Route
from tickwire.simulator.symbols import SymbolSpec, default_specs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from tickwire.simulator.accounts import Account
    from tickwire.simulator.market import MarketModel
    from tickwire.simulator.source import Source

__all__ = ["Simulator"]

_NORMAL_CLOSURE, _GOING_AWAY, _INTERNAL_ERROR = 1000, 1001, 1011
_SHUTDOWN_TIMEOUT = 2.0
_ROUTES = (Route.NONE, Route.PUBLIC, Route.MARKET, Route.PRIVATE)
_E = TypeVar("_E", bound=StrEnum)


class Simulator:
    """A Binance-speaking server on this machine: generated market, or a capture played again.

    ::

        async with Simulator(symbols=["BTCUSDT"], rate=500) as sim:
            ...  # connect to f"{sim.ws_url}/stream?streams=btcusdt@trade"

    Streams are at ``/ws``, ``/ws/<s1>/<s2>`` and ``/stream?streams=<s1>/<s2>``, for USD-M also
    under ``/public``, ``/market`` and ``/private``; REST under ``/api/v3``, ``/fapi/v1`` or
    ``/dapi/v1``; the WebSocket API at ``/ws-api/v3``, ``/ws-fapi/v1`` or ``/ws-dapi/v1``. Use from
    one event loop, which must be running; asyncio's and uvloop's both do.

    An account makes the private side work::

        account = sim.accounts.add(api_key="key", secret="secret", balances={"USDT": "1000"})
        account.deposit("BTC", "1")  # whoever listens to the account is told

    Args:
        symbols: Instruments of the generated market, by name or as :class:`SymbolSpec`; eight
            well-known ones when left out.
        rate: Order events per second over all instruments together. An event gives between none and
            several messages, depending on what is subscribed. 0: only :meth:`generate` moves the
            market; ``math.inf``: as fast as the subscribers take it.
        seed: Of the generated market.
        market: Dialect, ``"spot"``, ``"usdm"`` or ``"coinm"``; left out, that of the capture, or
            spot.
        replay: Capture to play instead of the generated market; snapshots recorded beside it are
            found.
        speed: Of the replay, as a multiple of its own; ``math.inf``: as fast as the subscribers
            take it.
        replay_start: What sets the replay going.
        close_at_end: Whether connections are closed with 1000 when the replay is over. Else they
            stay.
        route_by_class: Whether USD-M connections without a path prefix are silent for streams of
            ``/market``, as the venue's are since 2026. Without it they get everything.
        limits: Rules of a connection; the venue's when left out.
        faults: Faults to inject.
        listen_keys: Whether spot still has listen keys under ``/api/v3/userDataStream``, as
            Binance.US has; else their path answers 410. Futures always have them.
        host, port: Where to listen; port 0 takes a free one.

    Raises:
        ConfigurationError: The arguments contradict one another or are out of range. Retry: no.
        CaptureError: From starting: the capture cannot be replayed. Retry: no.
        OSError: From starting: the address cannot be had.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str | SymbolSpec] | None = None,
        rate: float = 1000.0,
        seed: int = 1,
        market: Market | str | None = None,
        replay: str | Path | None = None,
        speed: float = 1.0,
        replay_start: ReplayStart | str = ReplayStart.FIRST,
        close_at_end: bool = False,
        route_by_class: bool = True,
        limits: Limits | None = None,
        faults: Faults | None = None,
        listen_keys: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if not rate >= 0:
            raise ConfigurationError(f"rate must be 0 or more, not {rate}")
        if not speed > 0:
            raise ConfigurationError(f"speed must be above 0, not {speed}")
        if replay is not None and symbols is not None:
            raise ConfigurationError("a replay has the symbols of its capture: leave symbols out")
        self._symbols = symbols
        self._rate = rate
        self._seed = seed
        self._market = None if market is None else _member(Market, market)
        self._replay = replay
        self._speed = speed
        self._replay_start = _member(ReplayStart, replay_start)
        self._close_at_end = close_at_end
        self._route_by_class = route_by_class
        self._limits = limits
        self._faults = faults or Faults()
        self._listen_keys = listen_keys
        self.accounts = Accounts(now_ms)
        self._gateway: Gateway | None = None
        self._exchange: Exchange | None = None
        self._host = host
        self._port = port
        self._hub: Hub | None = None
        self._source: Source | None = None
        self._runner: web.AppRunner | None = None
        self._playing: asyncio.Task[None] | None = None

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
    def market(self) -> Market:
        """The dialect that is spoken."""
        if self._market is None:
            raise RuntimeError("the simulator has not been started")
        return self._market

    @property
    def model(self) -> MarketModel:
        """The generated market: its books and candles are what clients should arrive at.

        Raises:
            RuntimeError: There is none in a replay, or it has not been started.
        """
        return self._generated().model

    @property
    def stats(self) -> Stats:
        """Counts since the start. The object is live."""
        return self._running_hub().stats

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._runner is None:
            raise RuntimeError("the simulator has not been started")
        return int(self._runner.addresses[0][1])

    @property
    def ws_url(self) -> str:
        """Base of the stream URLs: ``ws://host:port``."""
        return f"ws://{self._authority()}"

    @property
    def http_url(self) -> str:
        """Base of the REST URLs: ``http://host:port``."""
        return f"http://{self._authority()}"

    async def start(self) -> None:
        """Listen, and set the generated market going. Once per object."""
        if self._runner is not None:
            raise RuntimeError("the simulator has been started before")
        recording = None
        if self._replay is not None:
            recording = await asyncio.to_thread(Recording.scan, self._replay)
        self._market = self._market or (recording.market if recording else Market.SPOT)
        self._hub = Hub(
            self._market,
            self._limits or Limits.of(self._market),
            self._faults,
            route_by_class=self._route_by_class,
        )
        self._source = self._make_source(self._hub, self._market, recording)
        self._hub.on_subscribe = self._source.subscribed
        model = None
        if isinstance(self._source, GeneratedSource):
            model = self._source.model
        self._exchange = Exchange(
            self._market,
            self._hub.limits,
            self.accounts,
            self._source,
            model,
            seed=self._seed,
            listen_keys=self._listen_keys,
        )
        if isinstance(self._source, GeneratedSource):
            self._source.on_move = self._exchange.match
        self._gateway = Gateway(self._exchange, self._hub)
        runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._playing = asyncio.create_task(self._play(), name="simulator source")

    async def stop(self) -> None:
        """Close every connection with 1001 and stop listening. A second call does nothing.

        Raises:
            CaptureError: The capture turned out damaged while it was played.
        """
        playing, self._playing = self._playing, None
        if self._runner is None or playing is None:
            return
        playing.cancel()
        if self._gateway is not None:
            self._gateway.stop()
        (outcome,) = await asyncio.gather(playing, return_exceptions=True)
        self._running_hub().close_all(_GOING_AWAY, "shutdown", CloseReason.SHUTDOWN)
        await self._runner.cleanup()
        if isinstance(outcome, Exception):
            raise outcome

    async def until(self, condition: Callable[[Stats], bool]) -> None:
        """Wait until :attr:`stats` satisfies a condition about the connections.

        It is looked at now, and whenever a connection was opened or has ended.
        """
        await self._running_hub().until(condition)

    def generate(self, steps: int) -> None:
        """Move the generated market on by ``steps`` order events now, and send what they give."""
        self._generated().generate(steps)

    def account(self, api_key: str) -> Account:
        """The account that a key belongs to.

        Raises:
            KeyError: There is none.
        """
        key = self.accounts.key(api_key)
        if key is None:
            raise KeyError(api_key)
        return key.account

    def fill(self, order_id: int, quantity: str) -> None:
        """Fill a resting order, or a part of it, at its own price, whatever the market does.

        Raises:
            KeyError: No such order rests.
        """
        self._running_exchange().desk.fill(order_id, quantity, now_ms())

    def expire_listen_key(self, listen_key: str) -> None:
        """Let a listen key end now, as if nobody had kept it alive for an hour.

        Raises:
            KeyError: There is no such key.
        """
        if not self._running_exchange().keys.expire(listen_key):
            raise KeyError(listen_key)
        self._running_gateway().expire()

    def ban(self, seconds: float, address: str = "127.0.0.1") -> None:
        """Ban an address: for so long every request and every connection is answered with 418."""
        until_ms = now_ms() + int(seconds * 1000)
        self._running_exchange().weights(address).ban(until_ms)

    def cut_connections(self) -> None:
        """End every open connection at once, without a close frame, as a network does."""
        self._running_hub().cut_all()

    def announce_shutdown(self, grace: float = 10.0) -> None:
        """Tell every open connection ``serverShutdown``, and close it with 1001 after ``grace``
        seconds. New connections are taken: they meet another machine of the venue, so to speak.
        """
        self._running_hub().announce_shutdown(now_ms(), grace)

    def start_replay(self) -> None:
        """Set the replay going, whoever listens."""
        if not isinstance(self._source, ReplaySource):
            raise RuntimeError("there is no replay")
        self._source.begin()

    async def replay_finished(self) -> None:
        """Wait until the last frame of the replay was handed to the sockets.

        Raises:
            CaptureError: The capture turned out damaged while it was played.
        """
        if self._playing is None or not isinstance(self._source, ReplaySource):
            raise RuntimeError("there is no replay")
        await asyncio.shield(self._playing)

    def _make_source(self, hub: Hub, market: Market, recording: Recording | None) -> Source:
        if recording is None:
            specs = _specs(self._symbols, market)
            return GeneratedSource(hub, specs, market=market, seed=self._seed, rate=self._rate)
        return ReplaySource(hub, recording, speed=self._speed, start=self._replay_start)

    async def _play(self) -> None:
        hub, source = self._running_hub(), self._source
        assert source is not None
        try:
            await source.run()
        except Exception:
            hub.close_all(_INTERNAL_ERROR, "the source failed", CloseReason.SOURCE_FAILED)
            raise
        if self._close_at_end:
            hub.close_all(_NORMAL_CLOSURE, "", CloseReason.REPLAY_END)

    def _application(self) -> web.Application:
        application = web.Application()
        router = application.router
        for route in _ROUTES if self._market is Market.USDM else (Route.NONE,):
            prefix = f"/{route}" if route else ""
            raw = partial(self._stream, route=route, combined=False)
            router.add_get(f"{prefix}/ws", raw, allow_head=False)
            router.add_get(f"{prefix}/ws/{{streams:.*}}", raw, allow_head=False)
            combined = partial(self._stream, route=route, combined=True)
            router.add_get(f"{prefix}/stream", combined, allow_head=False)
        assert self._gateway is not None
        self._gateway.add_routes(router)
        return application

    async def _stream(
        self, request: web.Request, *, route: Route, combined: bool
    ) -> web.WebSocketResponse:
        hub = self._running_hub()
        names = (
            request.query.get("streams", "") if combined else request.match_info.get("streams", "")
        )
        streams = [name for name in names.split("/") if name]
        if route is Route.PRIVATE:
            streams += listen_keys_of(request.query.items())
        if len(set(streams)) > hub.limits.streams:
            raise web.HTTPBadRequest(text=f"more than {hub.limits.streams} streams")
        assert self._gateway is not None
        self._gateway.admit_connection(request)
        microseconds = self._gateway.wants_microseconds(request)

        def opened(connection: Connection) -> Callable[[str], None]:
            hub.subscribe(connection, streams)
            return partial(stream_talk, hub, connection, self.market)

        return await serve(
            request,
            hub,
            opened,
            route=route,
            combined=combined,
            messages_per_second=hub.limits.messages_per_second,
            microseconds=microseconds,
        )

    def _authority(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self.port}"

    def _running_exchange(self) -> Exchange:
        if self._exchange is None:
            raise RuntimeError("the simulator has not been started")
        return self._exchange

    def _running_gateway(self) -> Gateway:
        if self._gateway is None:
            raise RuntimeError("the simulator has not been started")
        return self._gateway

    def _running_hub(self) -> Hub:
        if self._hub is None:
            raise RuntimeError("the simulator has not been started")
        return self._hub

    def _generated(self) -> GeneratedSource:
        if not isinstance(self._source, GeneratedSource):
            raise RuntimeError("there is no generated market: it is a replay, or not started")
        return self._source


def _specs(symbols: Sequence[str | SymbolSpec] | None, market: Market) -> list[SymbolSpec]:
    known = {spec.symbol: spec for spec in default_specs(market)}
    if symbols is None:
        return list(known.values())
    specs = []
    for symbol in symbols:
        if isinstance(symbol, SymbolSpec):
            specs.append(symbol)
        elif symbol.upper() in known:
            specs.append(known[symbol.upper()])
        else:
            raise ConfigurationError(
                f"no built-in symbol {symbol!r}: give a SymbolSpec, or one of {', '.join(known)}"
            )
    return specs


def _member(kind: type[_E], value: str) -> _E:
    try:
        return kind(value)
    except ValueError:
        raise ConfigurationError(f"{value!r} is none of {', '.join(kind)}") from None
