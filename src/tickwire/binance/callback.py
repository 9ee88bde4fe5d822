"""Binance's market streams by callback: register, connect, subscribe, run.

The shape and the payloads are those of the callback client's page; see
``docs/coming-from-the-callback-client.md``.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges.binance import BinanceCodec, streams
from tickwire.exchanges.binance.normalised import PRICE_KEYS, key_of, normalise
from tickwire.exchanges.binance.streams import LIMITS, check_market, parse_stream, venue_symbol
from tickwire.manager import (
    Connected,
    Disconnected,
    Reconnected,
    Record,
    WebSocketManager,
)
from tickwire.market import Gap

from .connects import connect_limiter
from .errors import BinanceWebsocketQueueOverflow
from .shard import Shard
from .sinks import CallbackOverflow, Sink
from .venue import Venue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from tickwire.exchanges import Stream
    from tickwire.exchanges.binance.streams import Environment, Market
    from tickwire.market import Event
    from tickwire.transport import AsyncSession

__all__ = ["BinanceWebSocket"]

_log = logging.getLogger("tickwire.binance")
_HOOKS = ("on_connect", "on_disconnect", "on_error", "on_message")
_LAST_CALLS_SECONDS = 5.0
"""How long an end waits for an ``on_disconnect`` or ``on_error`` that does not return."""
_F = TypeVar("_F", bound="Callable[..., Any]")


class BinanceWebSocket:
    """Market data by callback.

    ::

        ws = BinanceWebSocket()
        ws.on_error(lambda e: print(f"Error: {e}"))
        await ws.connect()
        await ws.subscribe_ticker("BTCUSDT", handle_price)
        await ws.run_forever()

    Callbacks may be sync or async. A sync one is called where the data is read: it should return
    within a millisecond. An async one runs in a task of its own, in order, and does not hold up the
    others; ``queue_size`` calls may wait for it, and then ``overflow`` decides. What a callback
    raises goes to ``on_error`` and ends nothing.

    Payloads are dictionaries in the format of :mod:`tickwire.exchanges.binance.normalised`. All
    callbacks of one event get the same dictionary; copy it before you change it.

    A lost connection is restored after 1 s, 2 s, 4 s… up to 60 s (with jitter), with all its
    subscriptions. Before the venue's 24 hours are over, and on its shutdown notice, the new
    connection is up before the old one goes: no event is lost or comes twice, and neither
    ``on_disconnect`` nor ``on_connect`` is called.

    Belongs to the event loop of :meth:`connect`.

    Args:
        max_reconnect_attempts: Failed attempts in a row after which it gives up; 0: never.
        reconnect_delay: The first bound of the delay between attempts, in seconds.
        reconnect_delay_max: The last bound, in seconds.
        queue_size: Calls that may wait for one async callback.
        overflow: ``"drop_oldest"``, counted and told to ``on_error`` as
            :class:`BinanceWebsocketQueueOverflow`; or ``"block"``: the connection is not read until
            there is room, so that no call is left out, and the venue ends a connection that stays
            unread for long.
        market: ``"spot"``, ``"usdm"`` or ``"coinm"``.
        tld: ``"com"``, or ``"us"`` for Binance.US.
        testnet, demo: The venue's other environments.
        url: Another server, ``ws://127.0.0.1:8080``. The environment variable
            ``TICKWIRE_SIMULATOR`` weighs more.
        session: A session to connect through, with its proxies and impersonation. The caller closes
            it.
        settings: Further settings of :class:`~tickwire.WebSocketManager`: ``rotate_every``,
            ``redundancy``, ``connect_attempts``, ``proxy``…

    Raises:
        ConfigurationError: A setting is unknown or has a bad value. Retry: no.
    """

    def __init__(
        self,
        *,
        max_reconnect_attempts: int = 10,
        reconnect_delay: float = 1.0,
        reconnect_delay_max: float = 60.0,
        queue_size: int = 1000,
        overflow: CallbackOverflow | str = CallbackOverflow.DROP_OLDEST,
        market: Market = "spot",
        tld: str = "com",
        testnet: bool = False,
        demo: bool = False,
        url: str | None = None,
        session: AsyncSession | None = None,
        **settings: Any,
    ) -> None:
        if overflow not in list(CallbackOverflow):
            raise ConfigurationError(
                f"no overflow policy {overflow!r}; there are {', '.join(CallbackOverflow)}"
            )
        if isinstance(queue_size, bool) or not isinstance(queue_size, int) or queue_size < 1:
            raise ConfigurationError(f"queue_size is 1 or more calls, not {queue_size!r}")
        self._market = check_market(market)
        if testnet and demo:
            raise ConfigurationError("testnet and demo are two environments; leave one out")
        environment: Environment = "testnet" if testnet else "demo" if demo else "production"
        self._base = Venue(tld=tld, environment=environment, ws_url=url).stream_url(self._market)
        self._queue_size = queue_size
        self._blocks = overflow == CallbackOverflow.BLOCK
        limits = LIMITS[self._market]
        self._settings: dict[str, Any] = {
            "max_reconnect_attempts": max_reconnect_attempts,
            "reconnect_delay": reconnect_delay,
            "reconnect_delay_max": reconnect_delay_max,
            "connection_limit": limits.connection_seconds,
            "connect_limiter": connect_limiter(self._base, self._market, settings.get("clock")),
            "session": session,
            **settings,
        }
        self._hooks: dict[str, list[Sink]] = {name: [] for name in _HOOKS}
        self._wanted: dict[str, list[Sink]] = {}
        self._by_key: dict[tuple[str, str, str], list[Sink]] = {}
        self._prices: dict[str, float] = {}
        self._shards = [self._new_shard(self._default_url())]
        self._is_open = False
        self._was_connected = False
        self._failure: Exception | None = None
        self._connecting = asyncio.Lock()
        self._over = asyncio.Event()
        self._told = asyncio.Event()
        self._messages = self._gaps = self._reconnects = self._errors = self._dropped = 0
        self._last_message_ns = 0

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    # ------------------------------------------------------------------ callbacks

    def on_connect(self, callback: _F) -> _F:
        """Have ``callback()`` called when data can flow, for the first time or again."""
        return self._hook("on_connect", callback)

    def on_disconnect(self, callback: _F) -> _F:
        """Have ``callback()`` called when a connection is lost, or closed by this program."""
        return self._hook("on_disconnect", callback)

    def on_error(self, callback: _F) -> _F:
        """Have ``callback(error)`` called with every exception: what a callback raised, a stream
        that the venue refused, calls left out, and the end when no connection can be had. Without
        such a callback they are logged."""
        return self._hook("on_error", callback)

    def on_message(self, callback: _F) -> _F:
        """Have ``callback(data)`` called with the payload of every event."""
        return self._hook("on_message", callback)

    def _hook(self, name: str, callback: _F) -> _F:
        failed = _log_failure if name == "on_error" else self._report
        self._hooks[name].append(self._sink(callback, failed))
        return callback

    def _sink(self, callback: Any, failed: Callable[[Exception], object] | None = None) -> Sink:
        if not callable(callback):
            raise ConfigurationError(f"a callback is a function, not {callback!r}")
        return Sink(
            callback,
            limit=self._queue_size,
            failed=failed or self._report,
            overflowed=self._note_overflow,
        )

    def _call(self, name: str, *arguments: Any) -> None:
        for sink in self._hooks[name]:
            sink.give(*arguments)

    def _report(self, error: Exception) -> None:
        self._errors += 1
        if self._hooks["on_error"]:
            self._call("on_error", error)
        else:
            _log_failure(error)

    def _note_overflow(self, sink: Sink) -> None:
        if sink in self._hooks["on_error"]:
            return  # it would be told of itself
        name = getattr(sink.callback, "__qualname__", repr(sink.callback))
        self._report(
            BinanceWebsocketQueueOverflow(
                f"{name} is slower than its data: {self._queue_size} calls waited, and the oldest "
                "are left out until it has caught up; make it faster, or take overflow='block'"
            )
        )

    # ------------------------------------------------------------------ state

    @property
    def is_connected(self) -> bool:
        """Whether every connection that the streams need is up."""
        known = [shard.up for shard in self._shards if shard.up is not None]
        return self._is_open and bool(known) and all(known)

    @property
    def prices(self) -> dict[str, float]:
        """The last price of each symbol, of whatever stream brought it (not of book tickers). A
        copy."""
        return dict(self._prices)

    @property
    def streams(self) -> list[str]:
        """The venue's names of the streams subscribed, in that order."""
        return list(self._wanted)

    @property
    def status(self) -> dict[str, Any]:
        """What there is to tell, ready for JSON.

        ``connected``, ``connections`` that are up, ``streams``; counts so far of ``messages``,
        ``reconnects`` after a loss, ``rotations`` by plan, ``gaps`` (holes in the data), calls
        ``dropped`` and ``errors``; calls ``waiting``; ``last_message`` in ms since the Unix epoch,
        or ``None``.
        """
        sinks = self._all_sinks()
        return {
            "connected": self.is_connected,
            "connections": sum(shard.manager.connections for shard in self._shards),
            "streams": self.streams,
            "messages": self._messages,
            "reconnects": self._reconnects,
            "rotations": sum(shard.manager.stats.rotations for shard in self._shards),
            "gaps": self._gaps,
            "dropped": self._dropped + sum(sink.dropped for sink in sinks),
            "waiting": sum(map(len, sinks)),
            "errors": self._errors,
            "last_message": self._last_message_ns // 1_000_000 or None,
        }

    def _all_sinks(self) -> list[Sink]:
        return [sink for group in (*self._hooks.values(), *self._wanted.values()) for sink in group]

    # ------------------------------------------------------------------ connecting

    async def connect(self) -> None:
        """Connect, and subscribe what has been subscribed so far. Does nothing when connected.

        ``on_connect`` has been called when this returns; an async one has begun.

        Raises:
            WebSocketConnectionError: No connection could be had. Retry: yes, unless its cause is
                permanent.
        """
        async with self._connecting:
            if self._is_open and self._failure is None:
                return
            if self._failure is not None:
                await self._end()  # what is left of a life that could not go on
            self._is_open = True
            self._failure = None
            self._over.clear()
            self._told.clear()
            try:
                for shard in list(self._shards):
                    await self._open(shard)
            except BaseException:
                await self._end()
                raise
            await self._told.wait()

    async def _open(self, shard: Shard) -> None:
        await shard.manager.connect()
        if shard.reader is None:
            shard.reader = asyncio.get_running_loop().create_task(self._read(shard))

    async def disconnect(self) -> None:
        """Close the connection. Idempotent; :meth:`run_forever` returns, and :meth:`connect`
        begins anew with the same subscriptions. Calls that wait are left out."""
        await self._end()
        last = [*self._hooks["on_disconnect"], *self._hooks["on_error"]]
        for sink in last:
            if not await sink.done(_LAST_CALLS_SECONDS):
                _log.warning("%r has not returned: disconnected without it", sink.callback)
                await sink.close()

    async def _end(self) -> None:
        self._is_open = False
        readers = []
        for shard in self._shards:
            await shard.manager.close()
            if shard.reader is not None:
                shard.reader.cancel()
                readers.append(shard.reader)
            shard.reader, shard.up = None, None
        if readers:
            await asyncio.wait(readers)
        for sinks in (self._hooks["on_message"], *self._wanted.values()):
            for sink in sinks:
                await sink.close()
        self._edge()
        self._told.set()
        self._over.set()

    async def run_forever(self) -> None:
        """Run until :meth:`disconnect`; connects first if need be. One that comes before is not
        forgotten: it then returns. However it ends, cancellation included, the connection is
        closed, and another run begins anew.

        Raises:
            WebSocketConnectionError: No connection could be had, or it was lost and could not be
                restored in ``max_reconnect_attempts``. Retry: after a pause.
        """
        try:
            if not self._over.is_set():
                await self.connect()
            await self._over.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            await self.disconnect()
            self._failure = None
            self._over.clear()

    # ------------------------------------------------------------------ subscriptions

    async def subscribe_ticker(
        self, symbol: str | Iterable[str], callback: Any, mini: bool = False
    ) -> list[str]:
        """24-hour statistics of a symbol or of several, about once a second.

        Args:
            symbol: ``BTCUSDT``; ``BTC-USDT`` and ``btc/usdt`` are the same.
            callback: Gets the payload, of type ``ticker`` or ``mini_ticker``. Another one for the
                same stream is called as well.
            mini: The short form.

        Returns:
            The venue's names of the streams, as :meth:`unsubscribe` takes them.

        Raises:
            ConfigurationError: The symbol is none, or the callback no function. Retry: no.
        """
        make = streams.mini_ticker if mini else streams.ticker
        return await self._subscribe(symbol, make, callback)

    async def subscribe_kline(
        self, symbol: str | Iterable[str], interval: Any, callback: Any = None
    ) -> list[str]:
        """Candles, while they grow and when they close.

        Args:
            symbol: As for :meth:`subscribe_ticker`.
            interval: ``1m``, ``1h``, ``1d``…, as the venue writes it. The callback may also come
                first: ``subscribe_kline(symbol, callback, "1m")``, and without an interval it is
                a minute.
            callback: Gets the payload, of type ``kline``.

        Raises:
            ConfigurationError: As :meth:`subscribe_ticker`, or there is no such interval.
        """
        if callable(interval):
            interval, callback = callback or "1m", interval
        return await self._subscribe(
            symbol, lambda one: streams.kline(one, interval, market=self._market), callback
        )

    async def subscribe_trade(
        self, symbol: str | Iterable[str], callback: Any, aggregate: bool = False
    ) -> list[str]:
        """Trades, or with ``aggregate`` all fills of one taker order at one price as one.

        The payload is of type ``trade`` or ``agg_trade``. Otherwise as :meth:`subscribe_ticker`.
        """
        make = streams.agg_trade if aggregate else streams.trade
        return await self._subscribe(symbol, make, callback)

    async def subscribe_book_ticker(self, symbol: str | Iterable[str], callback: Any) -> list[str]:
        """Best bid and offer at every change; of type ``book_ticker``.

        Otherwise as :meth:`subscribe_ticker`.
        """
        return await self._subscribe(symbol, streams.book_ticker, callback)

    async def _subscribe(
        self, symbol: str | Iterable[str], make: Callable[[str], Stream], callback: Any
    ) -> list[str]:
        symbols = [symbol] if isinstance(symbol, str) else list(symbol)
        # The venue's spelling, which the events then carry.
        wanted = [parse_stream(make(one).name) for one in symbols]
        if not wanted:
            raise ConfigurationError("name at least one symbol")
        sinks = [self._sink(callback) for _ in wanted]
        fresh: dict[Shard, list[Stream]] = {}
        try:
            for stream, sink in zip(wanted, sinks, strict=True):
                is_new = stream.name not in self._wanted
                self._wanted.setdefault(stream.name, []).append(sink)
                self._by_key[key_of(stream)] = self._wanted[stream.name]
                if is_new:
                    fresh.setdefault(self._place(stream), []).append(stream)
            for shard, group in fresh.items():
                await shard.manager.subscribe(*group)
                if self._is_open and shard.reader is None:
                    await self._open(shard)
        except BaseException:
            for stream, sink in zip(wanted, sinks, strict=True):
                await self._take_back(stream.name, sink)
            raise
        return [stream.name for stream in wanted]

    def _place(self, stream: Stream) -> Shard:
        """Give it to a connection that can carry one more stream of this kind."""
        (plan,) = streams.plan_connections([stream], market=self._market, base_url=self._base)
        most = LIMITS[self._market].streams_per_connection
        fitting = (s for s in self._shards if s.url == plan.url and len(s.names) < most)
        if (shard := next(fitting, None)) is None:
            self._shards.append(shard := self._new_shard(plan.url))
        shard.names.add(stream.name)
        return shard

    def _default_url(self) -> str:
        """Where the first connection goes before anything is subscribed."""
        sample = streams.ticker("BTCUSDT")
        (plan,) = streams.plan_connections([sample], market=self._market, base_url=self._base)
        return plan.url

    def _new_shard(self, url: str) -> Shard:
        market = self._market
        return Shard(
            url,
            WebSocketManager(
                url, codec=lambda: BinanceCodec(market=market), events=True, **self._settings
            ),
        )

    async def unsubscribe(self, *what: str, callback: Any = None) -> None:
        """Take back streams, or one callback of theirs.

        Args:
            what: Names as the ``subscribe_*`` methods return them, or symbols: all its streams.
            callback: Left out, all callbacks of the stream.

        Raises:
            ConfigurationError: Nothing was named, or it is not subscribed, or none of it with that
                callback. Retry: no.
        """
        if not what:
            raise ConfigurationError("name the streams or symbols to unsubscribe")
        names = [name for item in what for name in self._named(item)]
        gone = [
            (name, sink)
            for name in dict.fromkeys(names)
            for sink in self._wanted[name]
            if callback is None or sink.callback == callback
        ]
        if not gone:
            raise ConfigurationError(f"{', '.join(names)} have not that callback: {callback!r}")
        for name, sink in gone:
            await self._take_back(name, sink)

    async def _take_back(self, name: str, sink: Sink) -> None:
        sinks = self._wanted.get(name, [])
        if sink in sinks:
            sinks.remove(sink)
            self._dropped += sink.dropped
            await sink.close()
            if not sinks and self._wanted.get(name) is sinks:
                await self._forget(name)

    def _named(self, item: str) -> list[str]:
        if "@" in item:
            name = parse_stream(item).name
            found = [name] if name in self._wanted else []
        else:
            lead = f"{venue_symbol(item).lower()}@"
            found = [name for name in self._wanted if name.startswith(lead)]
        if not found:
            raise ConfigurationError(f"{item} is not subscribed; there are {self.streams}")
        return found

    async def _forget(self, name: str) -> None:
        del self._wanted[name]
        stream = parse_stream(name)
        self._by_key.pop(key_of(stream), None)
        for shard in self._shards:
            if name in shard.names:
                shard.names.discard(name)
                await shard.manager.unsubscribe(stream)

    # ------------------------------------------------------------------ data

    async def _read(self, shard: Shard) -> None:
        """Hand one connection's events to their callbacks, until it is over."""
        while True:
            try:
                items = await shard.manager.recv_batch()
            except SubscriptionError as refusal:
                for name in refusal.streams:
                    if name in self._wanted:
                        await self._forget(name)
                self._report(refusal)
            except StopAsyncIteration:
                return
            except Exception as error:
                self._fail(shard, error)
                return
            else:
                for item in items:
                    while (full := self._take(shard, item)) is not None:
                        await full.room()

    def _take(self, shard: Shard, item: Event | Record) -> Sink | None:
        """Pass one item on, unless a callback must be waited for first: gives that."""
        if isinstance(item, Record):
            self._note(shard, item)
            return None
        payload = normalise(item)
        if payload is None:
            self._gaps += isinstance(item, Gap)
            return None
        label = payload["type"]
        symbol = payload["symbol"]
        sinks: list[Sink] = [
            *self._hooks["on_message"],
            *self._by_key.get((label, symbol, payload.get("interval", "")), ()),
        ]
        # Before the first is called: another connection's reader may fill a queue they share.
        if self._blocks and (full := [sink for sink in sinks if sink.is_full]):
            return full[0]
        self._messages += 1
        self._last_message_ns = item.ts_recv_ns
        if label in PRICE_KEYS:
            self._prices[symbol] = payload[PRICE_KEYS[label]]
        for sink in sinks:
            sink.give(payload)
        return None

    def _note(self, shard: Shard, record: Record) -> None:
        if isinstance(record, Connected | Reconnected):
            if isinstance(record, Reconnected) and shard.up is False:
                self._reconnects += 1
            shard.up = True
        elif isinstance(record, Disconnected) and not record.remaining:
            shard.up = False
        self._edge()

    def _edge(self) -> None:
        """Tell the program when the state has changed."""
        now = self.is_connected
        if now != self._was_connected:
            self._was_connected = now
            self._call("on_connect" if now else "on_disconnect")
        if now:
            self._told.set()

    def _fail(self, shard: Shard, error: Exception) -> None:
        """A connection has ended for good, and with it the whole."""
        shard.up, shard.reader = False, None
        self._edge()
        self._failure = error
        self._report(error)
        self._told.set()
        self._over.set()


def _log_failure(error: Exception) -> None:
    _log.warning("%s: %s", type(error).__name__, error, exc_info=error)
