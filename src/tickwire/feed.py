"""The front door to market data: an exchange's streams as one asynchronous stream of typed events.

A feed opens the connections that its streams need, keeps them, and hands over events in the order
in which each delivered them. What a venue's protocol says is the codec's business; how a connection
is kept, replaced and restored is the manager's. This module only joins the two.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from msgspec import structs

from .errors import ConfigurationError, SubscriptionError
from .exchanges.registry import open_venue
from .exchanges.venue import VenueSettings, wants_of
from .manager import RollingLimiter, WebSocketConnectionError, WebSocketManager
from .manager.relay import Relay
from .manager.shared import connects_to
from .transport import AsyncSession, WebSocketClosed, WebSocketError
from .wire import CloseCode

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from types import TracebackType
    from typing import Self, Unpack

    from .credentials import Credentials
    from .exchanges import CodecStats
    from .exchanges.venue import ConnectionPlan, Numbers
    from .market.events import Event

__all__ = ["Feed", "FeedStats", "FeedStreams"]

_MERGE_QUEUE_BATCHES = 64
"""Lists that may wait for the consumer when several connections feed one stream."""


class FeedStreams(TypedDict, total=False):
    """What a feed can be asked for: see :class:`Feed`."""

    trades: Iterable[str]
    agg_trades: Iterable[str]
    quotes: Iterable[str]
    books: Iterable[str]
    snapshots: Iterable[str]
    klines: Iterable[str]
    kline_interval: str
    tickers: Iterable[str]
    mini_tickers: Iterable[str]
    native: Iterable[str]
    account: bool
    positions: bool
    orders: bool
    fills: bool


@dataclass(frozen=True, slots=True)
class FeedStats:
    """Counts at the time of asking.

    Attributes:
        messages: Messages taken from the sockets, acknowledgements included.
        bytes: Bytes on the wire, below TLS.
        queued: See :attr:`Feed.queued`.
        connections: Open connections.
        codecs: For each connection that the streams need, the counts of its codecs: events by kind,
            unknown and odd frames. What came over two connections is counted twice here.
        duplicates: Events left out because another connection had brought them.
        gaps: Holes reported.
    """

    messages: int
    bytes: int
    queued: int
    connections: int
    codecs: tuple[CodecStats, ...]
    duplicates: int = 0
    gaps: int = 0

    @property
    def events(self) -> int:
        """Events of all kinds, gaps not included."""
        return sum(sum(codec.events.values()) for codec in self.codecs) - self.duplicates


class Feed:
    """Typed market events of one exchange.

    ::

        async with tickwire.Feed("binance", trades=["BTC-USDT"], books=["BTC-USDT"]) as feed:
            async for event in feed:
                ...

    Symbols may be written ``BTC-USDT`` or ``BTC/USDT``, or as the venue does (``btcusdt``); an
    event's ``symbol`` is what was asked for. OKX, Coinbase and Kraken have a separator in their own
    names, and want one. Iteration is safe to cancel: a cancelled ``anext(feed)`` loses no event.

    Args:
        exchange: ``"binance"``, ``"okx"``, ``"bybit"``, ``"coinbase"``, ``"kraken"``,
            ``"deribit"``, ``"weex"``: the keys of :data:`tickwire.exchanges.registry.VENUES`.
        trades: Symbols whose trades are wanted. On USD-M futures, where Binance documents no trade
            stream, these are aggregate trades.
        agg_trades: Symbols whose aggregate trades are wanted.
        quotes: Symbols whose best bid and offer are wanted.
        books: Symbols whose order-book deltas are wanted, every 100 ms. A break in their sequence
            is reported as a :class:`~tickwire.Gap` before the delta that shows it.
        snapshots: Symbols whose best 20 levels are wanted, whole, every 100 ms.
        klines: Symbols whose candles are wanted, of ``kline_interval``.
        kline_interval: ``"1m"``, ``"1h"``, ``"1d"``…, as the venue writes it.
        tickers: Symbols whose rolling 24-hour statistics are wanted.
        mini_tickers: Symbols whose short 24-hour statistics are wanted.
        native: Streams by the venue's own names, ``"btcusdt@trade"``; their events carry the
            venue's symbol.
        account, positions, orders, fills: Whether one's own balances, positions, orders and fills
            are wanted, where the venue's feed has them; they need ``credentials``.
        market: One of the venue's markets (Binance: ``"spot"``, ``"usdm"``, ``"coinm"``; Coinbase:
            ``"advanced"``, ``"exchange"``); its first if left out.
        environment: ``"production"``, or what else the venue has: ``"testnet"``, ``"demo"``.
        url: Another server instead of the venue's, ``"ws://127.0.0.1:8080"``: the simulator's.
        numbers: ``"float"``, or ``"decimal"`` for :class:`decimal.Decimal`.
        credentials: Key and secret for private streams.
        options: What only this venue has: ``{"time_unit": "microsecond"}`` (Binance spot).
        session: A session to connect through, with its proxies and impersonation; the feed's own if
            left out. The caller closes it.
        connect: Keyword arguments for :meth:`AsyncSession.ws_connect`: ``proxy=``, ``timeout=``,
            ``recv_queue_size=``…
        reconnect: Whether a lost connection is restored. What is missing then is a
            :class:`~tickwire.Gap`.
        rotate_every: Seconds after which a connection is replaced, without loss. Ahead of the
            venue's own limit of 24 hours it is replaced in any case.
        redundancy: Connections kept for every one that the streams need; the first arrival of an
            event counts.
        records: Whether :class:`~tickwire.Connected`, :class:`~tickwire.Disconnected`,
            :class:`~tickwire.Reconnected`, :class:`~tickwire.Stale` and :class:`~tickwire.Dropped`
            stand among the events.
        manager: Further settings of :class:`~tickwire.WebSocketManager`.

    Raises:
        ConfigurationError: No such exchange, no streams, or a stream that the venue does not serve.
            Retry: no.
    """

    def __init__(
        self,
        exchange: str,
        *,
        trades: Iterable[str] = (),
        agg_trades: Iterable[str] = (),
        quotes: Iterable[str] = (),
        books: Iterable[str] = (),
        snapshots: Iterable[str] = (),
        klines: Iterable[str] = (),
        kline_interval: str = "1m",
        tickers: Iterable[str] = (),
        mini_tickers: Iterable[str] = (),
        native: Iterable[str] = (),
        account: bool = False,
        positions: bool = False,
        orders: bool = False,
        fills: bool = False,
        market: str | None = None,
        environment: str = "production",
        url: str | None = None,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        options: dict[str, Any] | None = None,
        session: AsyncSession | None = None,
        connect: dict[str, Any] | None = None,
        reconnect: bool = True,
        rotate_every: float | None = None,
        redundancy: int = 1,
        records: bool = False,
        manager: dict[str, Any] | None = None,
    ) -> None:
        self._venue = open_venue(
            exchange,
            VenueSettings(
                market=market,
                environment=environment,
                url=url,
                numbers=numbers,
                credentials=credentials,
                options=options or {},
            ),
        )
        plans = self._plan(
            trades=trades,
            agg_trades=agg_trades,
            quotes=quotes,
            books=books,
            snapshots=snapshots,
            klines=klines,
            kline_interval=kline_interval,
            tickers=tickers,
            mini_tickers=mini_tickers,
            native=native,
            account=account,
            positions=positions,
            orders=orders,
            fills=fills,
        )
        if not plans:
            raise ConfigurationError(
                'a feed without streams: name some, for example trades=["BTC-USDT"]'
            )
        self.market = self._venue.market
        self._session = session
        self._own_session = session is None
        self._opened = False
        self._closed = False
        windows = self._venue.limits.connects.connects
        # Another clock than the machine's cannot share with what is on the machine's.
        is_shared = (manager or {}).get("clock") is None
        settings: dict[str, Any] = {
            "auto_reconnect": reconnect,
            "rotate_every": rotate_every,
            "redundancy": redundancy,
            "connection_limit": self._venue.limits.connection_seconds,
            "connect_limiter": connects_to(plans[0].url, windows)
            if is_shared
            else RollingLimiter(windows),
            **_as_settings(connect or {}),
            **(manager or {}),
        }

        def make(plan: ConnectionPlan, session: AsyncSession | None) -> WebSocketManager:
            return WebSocketManager(
                plan.url,
                codec=partial(self._venue.codec, plan),
                subscriptions=plan.streams,
                events=records,
                session=session,
                **settings,
            )

        self._make = make
        # Made here, so that a bad setting is refused here; the session is given when it opens.
        self._parts = [_Part(plan, make(plan, session)) for plan in plans]
        self._relay = Relay(self._fill)
        self._queue: asyncio.Queue[list[Any] | Exception | None] = asyncio.Queue(
            _MERGE_QUEUE_BATCHES
        )
        self._queued_items = 0
        self._readers: list[asyncio.Task[None]] = []
        # The task that waits for the only connection, and whether it is told to stop that.
        self._direct: asyncio.Task[Any] | None = None
        self._is_interrupted = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect and subscribe.

        Raises:
            ConnectError, HandshakeRejected, WebSocketTimeout: See :meth:`AsyncSession.ws_connect`.
        """
        if self._opened:
            raise ConfigurationError("a feed is opened once; make a new one")
        self._opened = True
        if self._session is None:
            self._session = AsyncSession()
            for part in self._parts:
                part.manager = self._make(part.plan, self._session)
        try:
            for manager in self._managers:
                await manager.connect()
        except BaseException as error:
            await self.close()
            if isinstance(error, WebSocketConnectionError) and error.__cause__ is not None:
                # One attempt was made, and this is what came of it.
                raise error.__cause__ from None
            raise
        if len(self._parts) > 1:
            self._read_all()

    @property
    def _managers(self) -> list[WebSocketManager]:
        return [part.manager for part in self._parts]

    def _plan(self, **wanted: Unpack[FeedStreams]) -> list[ConnectionPlan]:
        wants = wants_of(self._venue, wanted)
        return self._venue.plan(wants) if wants else []

    async def subscribe(self, **wanted: Unpack[FeedStreams]) -> None:
        """Ask for more streams: on the connections that have room, and on new ones.

        Args:
            wanted: ``trades``, ``books``, ``native``… as when the feed was made. What it has
                already is not asked for again.

        Raises:
            ConfigurationError: The feed is not open, or there is no such stream. Retry: no.
            WebSocketError: A new connection was needed, and could not be had. Retry: yes.
        """
        if not self._opened or self._closed:
            raise ConfigurationError("the feed is not open: use `async with Feed(...)`")
        limit = self._venue.limits.streams_per_connection
        carried = {name for part in self._parts for name in part.names}
        for plan in self._plan(**wanted):
            left = [stream for stream in plan.streams if stream.name not in carried]
            for part in self._parts:
                if left and part.plan.url == plan.url and len(part.names) < limit:
                    room = limit - len(part.names)
                    taken, left = left[:room], left[room:]
                    part.names.update(stream.name for stream in taken)
                    await part.manager.subscribe(*taken)
            if left:
                await self._carry(structs.replace(plan, streams=tuple(left)))

    async def unsubscribe(self, **wanted: Unpack[FeedStreams]) -> None:
        """Take streams back. Events that are on their way still come.

        Raises:
            ConfigurationError: As :meth:`subscribe`.
        """
        for plan in self._plan(**wanted):
            for stream in plan.streams:
                for part in self._parts:
                    if stream.name in part.names:
                        part.names.discard(stream.name)
                        await part.manager.unsubscribe(stream)

    async def _carry(self, plan: ConnectionPlan) -> None:
        """Open one more connection."""
        part = _Part(plan, self._make(plan, self._session))
        try:
            await part.manager.connect()
        except BaseException:
            await part.manager.close()
            raise
        self._parts.append(part)
        if self._readers:
            self._readers.append(asyncio.create_task(self._read(part.manager)))
        else:
            self._read_all()

    def _read_all(self) -> None:
        """From now on the connections are read by tasks, into one queue."""
        self._readers = [asyncio.create_task(self._read(manager)) for manager in self._managers]
        if self._direct is not None:
            self._is_interrupted = True
            self._direct.cancel()

    async def close(self) -> None:
        """Close the connections; iteration then ends. Idempotent."""
        self._closed = self._opened = True
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._readers:
            self._readers = []
            # Whoever waits for events must learn of it; what is queued makes room.
            while self._queue.full():
                self._queue.get_nowait()
            self._queue.put_nowait(None)
        await asyncio.gather(*(manager.close() for manager in self._managers))
        if self._own_session and self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def queued(self) -> int:
        """Messages received and not yet decoded, and events decoded and not yet handed over."""
        waiting = sum(manager.queued for manager in self._managers)
        return waiting + self._queued_items + len(self._relay)

    @property
    def stats(self) -> FeedStats:
        """Counts so far."""
        found = [manager.stats for manager in self._managers]
        codecs = [manager.codec_stats for manager in self._managers]
        return FeedStats(
            messages=sum(stats.messages_received for stats in found),
            bytes=sum(stats.bytes_received for stats in found),
            queued=self.queued,
            connections=sum(manager.connections for manager in self._managers),
            codecs=tuple(stats for stats in codecs if stats is not None),
            duplicates=sum(stats.duplicates for stats in found),
            gaps=sum(stats.gaps for stats in found),
        )

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, Event]:
        """The next event.

        Raises:
            SubscriptionError: The venue refused a stream; the others go on. Retry: no.
            WebSocketClosed: A connection has ended, and ``reconnect`` is off. Retry: with a new
                feed.
            WebSocketConnectionError: A connection was lost and could not be restored.
            StopAsyncIteration: The feed was closed by this program.
        """
        return self._relay.__anext__()

    async def _fill(self) -> list[Any]:
        """The next events."""
        if self._closed:
            raise StopAsyncIteration
        if not self._opened:
            raise ConfigurationError("the feed is not open: use `async with Feed(...)`")
        if not self._readers:
            items = await self._read_directly()
            if items is not None:
                return items
        if self._queue.empty() and all(reader.done() for reader in self._readers):
            raise self._gone()
        found = await self._queue.get()
        if found is None:
            raise StopAsyncIteration
        if isinstance(found, Exception):
            raise found
        self._queued_items -= len(found)
        return found

    async def _read_directly(self) -> list[Any] | None:
        """The only connection's events; ``None`` if it is the only one no more."""
        task = asyncio.current_task()
        assert task is not None
        self._direct = task
        try:
            return await self._parts[0].manager.recv_batch()
        except asyncio.CancelledError:
            if not self._is_interrupted:
                raise
            self._is_interrupted = False
            if task.uncancel():
                raise  # somebody else wants it to end as well
            return None
        finally:
            self._direct = None

    def _gone(self) -> WebSocketError:
        return WebSocketClosed(
            "every connection of the feed has ended; make a new feed",
            int(CloseCode.ABNORMAL_CLOSURE),
            clean=False,
            by_peer=not self._closed,
        )

    async def _read(self, manager: WebSocketManager) -> None:
        """Move one connection's events into the common queue, its end included."""
        while True:
            try:
                items = await manager.recv_batch()
            except SubscriptionError as refusal:
                await self._queue.put(refusal)
            except StopAsyncIteration:
                await self._queue.put(None)
                return
            except Exception as error:
                await self._queue.put(error)
                return
            else:
                self._queued_items += len(items)
                await self._queue.put(items)


class _Part:
    """One connection, and the names of the streams that it carries."""

    def __init__(self, plan: ConnectionPlan, manager: WebSocketManager) -> None:
        self.plan = plan
        self.manager = manager
        self.names = {stream.name for stream in plan.streams}


def _as_settings(connect: dict[str, Any]) -> dict[str, Any]:
    """The manager's names for what ``ws_connect`` is told."""
    settings = dict(connect)
    timeout = settings.pop("timeout", None)
    if timeout is not None:
        settings["connect_timeout"] = sum(timeout) if isinstance(timeout, tuple) else timeout
    return settings
