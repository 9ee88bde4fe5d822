"""The front door to order books: an exchange's books of many symbols, each of them true or silent.

What a venue's books are is the venue's business (:class:`~tickwire.exchanges.BookVenue`), what may
be believed the book's (:class:`~tickwire.book.OrderBook`), how connections are kept and replaced
the manager's. This module joins them: it routes bytes, spreads news of the connections over the
books that they concern, and has snapshots fetched.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref

from tickwire.books.changes import Changes
from tickwire.books.keeper import Keeper
from tickwire.books.snapshots import SnapshotClient
from tickwire.errors import (
    BooksNotLiveError,
    ConfigurationError,
    SubscriptionError,
)
from tickwire.exchanges import BookUpdate
from tickwire.exchanges.book_venues import open_book_venue
from tickwire.manager import (
    Disconnected,
    Dropped,
    Gap,
    LoopClock,
    ReconnectStrategy,
    Stale,
    WebSocketConnectionError,
    WebSocketManager,
)
from tickwire.manager.backoff import Backoff
from tickwire.manager.shared import connects_to
from tickwire.manager.timing import Alarm
from tickwire.transport import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from tickwire.book import OrderBook
    from tickwire.exchanges import BookPlan, Stream
    from tickwire.manager import Timekeeper

__all__ = ["Books", "BooksStats"]

_NS = 1_000_000_000
_STEADY_SECONDS = 5.0
"""A book that was live for so long begins its backoff anew."""
_OWN_SETTINGS = frozenset(
    ("codec", "events", "identity", "on_message", "raw", "seed", "session", "subscriptions")
)


@dataclass(frozen=True, slots=True)
class BooksStats:
    """Counts at the time of asking, over all books.

    Attributes:
        books: How many there are.
        live: How many of them are live.
        updates: Updates that changed a book.
        losses: How often a book was live and then was not.
        snapshots: Snapshots that made a book live.
        requests: Requests for snapshots that were sent.
        failures: Snapshots that could not be had, or not be read.
        refusals: Answers that asked to stay away (429, 418).
        connections: Open connections.
        rotations: Connections that were replaced by plan.
        duplicates: Updates left out because another connection had brought them.
        messages: Messages taken from the sockets.
        bytes: Bytes on the wire, below TLS.
    """

    books: int
    live: int
    updates: int
    losses: int
    snapshots: int
    requests: int
    failures: int
    refusals: int
    connections: int
    rotations: int
    duplicates: int
    messages: int
    bytes: int


class _Shard:
    """One connection and the books that it carries, by the names of their streams."""

    def __init__(self, url: str, manager: WebSocketManager, streams: Iterable[Stream]) -> None:
        self.url = url
        self.manager = manager
        self.symbols = {stream.name: stream.symbol for stream in streams}
        self.reader: asyncio.Task[None] | None = None


class Books:
    """Order books of one exchange, kept locally.

    ::

        async with tickwire.Books("binance", ["BTC-USDT", "ETH-USDT"]) as books:
            await books.wait_live(timeout=30)
            print(books["BTC-USDT"].bbo())
            async for change in books.changes():
                ...

    A book is the venue's own, as of its ``sequence``, or it is not live and gives nothing: see
    :class:`~tickwire.book.OrderBook`. One that has lost an update fetches a new snapshot, and the
    others do not notice. A connection that breaks makes its books not live at once; one that is
    replaced by plan (ahead of the venue's 24 hours, or at its notice) does not.

    Books need updates to begin with: one whose symbol does not trade stays empty until it does.

    Belongs to one event loop. Cost of an update: see ``docs/books.md``.

    Args:
        exchange: ``"binance"``, or another of :data:`tickwire.exchanges.registry.VENUES`; those
            send their snapshots in the stream, and take none of ``rest_url``, ``levels``,
            ``speed_ms``, ``time_unit`` and ``weight_per_minute``.
        symbols: Whose books: ``BTC-USDT``, ``BTC/USDT`` or ``btcusdt``; on futures also contracts,
            ``BTCUSD_PERP``. Books and changes are called as is written here.
        market: One of the venue's, its first if left out (Binance: ``"spot"``, ``"usdm"``,
            ``"coinm"``).
        environment: ``"production"``, or what else the venue has.
        url: Another server for the streams, ``"ws://127.0.0.1:8080"``.
        rest_url: Another server for the snapshots; left out, ``url``'s host.
        levels: Levels per side to begin with. A snapshot is cut off there: see
            :attr:`~tickwire.book.OrderBook.horizon`. Left out, the most with which all snapshots
            can be fetched within a minute, and 100 at the least.
        speed_ms: Of the streams, as the market has them: 100 or 1000 on spot; 100, 250 or 500 on
            futures.
        time_unit: Of the times as sent; spot has ``"microsecond"``.
        numbers: ``"float"``, or ``"decimal"`` for :class:`decimal.Decimal`.
        weight_per_minute: Request weight to spend on snapshots at the most; left out, four fifths
            of the venue's limit. Shared with all other books of the process at the same host. What
            others behind the same address spend is seen in the venue's answers and left to them.
        session: A session for streams and snapshots, with its proxies and impersonation; the books'
            own if left out. The caller closes it.
        connect: Keyword arguments for :meth:`AsyncSession.ws_connect`.
        manager: Settings of :class:`~tickwire.WebSocketManager`: ``redundancy``, ``rotate_every``…
            ``reconnect_delay`` and ``reconnect_delay_max`` pace a book's snapshots as well,
            ``connect_timeout`` is also a snapshot's.
        on_change: Called with a book after each of its updates, and when it becomes live or is
            lost. It runs between two messages, so it should be quick. What it raises ends the
            books.
        options: What is the venue's own, as for :class:`~tickwire.Feed`: ``{"depth": 10}``. Binance
            takes none here.
        seed: Of the jitter, for tests.

    Raises:
        ConfigurationError: No such exchange, symbol, or setting. Retry: no.
    """

    def __init__(
        self,
        exchange: str,
        symbols: Iterable[str],
        *,
        market: str | None = None,
        environment: str = "production",
        url: str | None = None,
        rest_url: str | None = None,
        levels: int | None = None,
        speed_ms: int = 100,
        time_unit: str = "millisecond",
        numbers: Literal["float", "decimal"] = "float",
        weight_per_minute: int | None = None,
        session: AsyncSession | None = None,
        connect: dict[str, Any] | None = None,
        manager: dict[str, Any] | None = None,
        on_change: Callable[[OrderBook], object] | None = None,
        options: dict[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        if isinstance(symbols, str):
            raise ConfigurationError(f"symbols is a list of symbols: [{symbols!r}]")
        wanted = list(symbols)
        if not wanted:
            raise ConfigurationError('books without symbols: name some, for example ["BTC-USDT"]')
        self._venue = open_book_venue(
            exchange,
            len(wanted),
            {
                "market": market,
                "environment": environment,
                "url": url,
                "rest_url": rest_url,
                "levels": levels,
                "speed_ms": speed_ms,
                "time_unit": time_unit,
                "numbers": numbers,
                "weight_per_minute": weight_per_minute,
                "options": options or {},
            },
        )
        settings = dict(manager or {})
        taken = sorted(_OWN_SETTINGS & settings.keys())
        if taken:
            raise ConfigurationError(f"manager={{{taken[0]!r}: …}} is what the books decide")
        self._clock: Timekeeper = settings.get("clock") or LoopClock()
        self._settings: dict[str, Any] = (
            {"connection_limit": self._venue.connection_seconds}
            | (connect or {})
            | settings
            | {"clock": self._clock}
        )
        self._random = Random(seed)
        self._seed = seed
        self._on_change = on_change
        self._session = session
        self._own_session = session is None
        self._client: SnapshotClient | None = None
        self._opened = False
        self._closed = False
        self._failure: BaseException | None = None
        self._shards: list[_Shard] = []
        self._keepers: dict[str, Keeper] = {}
        self._by_key: dict[str, str] = {}
        self._books: dict[str, OrderBook] = {}
        self._changes: list[ref[Changes]] = []
        self._waiters: list[Alarm] = []
        for symbol in wanted:
            key = self._venue.key(symbol)
            if key not in self._by_key:
                self._by_key[key] = symbol
                self._books[symbol] = self._venue.book(symbol)
        # Made once here, so that a bad setting is refused here.
        made = [self._manager(plan, session) for plan in self._venue.plan(self._books)]
        self._options = made[0].options

    def _manager(self, plan: BookPlan, session: AsyncSession | None) -> WebSocketManager:
        shared = isinstance(self._clock, LoopClock)
        limiter = connects_to(plan.url, self._venue.rate_limits.connects) if shared else None
        return WebSocketManager(
            plan.url,
            codec=partial(self._venue.codec, plan),
            subscriptions=plan.streams,
            events=True,
            session=session,
            seed=self._seed,
            **({"connect_limiter": limiter} | self._settings),
        )

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

    # The books

    def __getitem__(self, symbol: str) -> OrderBook:
        """The book of ``symbol``, however it is written.

        Raises:
            KeyError: There is none.
        """
        book = self._books.get(symbol)
        return self._books[self._name_of(symbol)] if book is None else book

    def _name_of(self, symbol: str) -> str:
        try:
            return self._by_key[self._venue.key(symbol)]
        except (ConfigurationError, KeyError):
            raise KeyError(symbol) from None

    def __contains__(self, symbol: object) -> bool:
        if not isinstance(symbol, str):
            return False
        try:
            self._name_of(symbol)
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._books)

    def __len__(self) -> int:
        return len(self._books)

    @property
    def stats(self) -> BooksStats:
        """Counts so far. Cost: some microseconds per book."""
        books = [book.stats for book in self._books.values()]
        managers = [shard.manager for shard in self._shards]
        found = [manager.stats for manager in managers]
        client = self._client
        return BooksStats(
            books=len(books),
            live=sum(book.is_live for book in self._books.values()),
            updates=sum(stats.updates for stats in books),
            losses=sum(stats.losses for stats in books),
            snapshots=sum(stats.snapshots for stats in books),
            requests=0 if client is None else client.requests,
            failures=sum(keeper.failures for keeper in self._keepers.values()),
            refusals=0 if client is None else client.refusals,
            connections=sum(manager.connections for manager in managers),
            rotations=sum(stats.rotations for stats in found),
            duplicates=sum(stats.duplicates for stats in found),
            messages=sum(stats.messages_received for stats in found),
            bytes=sum(stats.bytes_received for stats in found),
        )

    async def wait_live(self, *symbols: str, timeout: float | None = None) -> None:
        """Wait until the books of ``symbols``, or all of them, are live at the same time.

        Args:
            symbols: Which; none means all.
            timeout: Seconds; ``None`` waits for ever.

        Raises:
            BooksNotLiveError: Not in time; it names those that are missing, and why. Retry: yes.
            SubscriptionError: The venue refused the stream of one of them. Retry: no.
            WebSocketError: A connection is lost for good, or the books were closed.
            KeyError: There is no such book.
        """
        names = [self._name_of(symbol) for symbol in symbols] or list(self._books)
        begin_ns = self._clock.mono_ns()
        alarm = Alarm(self._clock)
        self._waiters.append(alarm)
        try:
            while True:
                missing = {
                    name: reason
                    for name in names
                    if name in self._books and (reason := self._books[name].reason) is not None
                }
                if not missing:
                    return
                self._check_hope(missing)
                left = None
                if timeout is not None:
                    left = timeout - (self._clock.mono_ns() - begin_ns) / _NS
                    if left <= 0:
                        raise BooksNotLiveError(missing, timeout)
                await alarm.wait(left)
        finally:
            self._waiters.remove(alarm)

    def _check_hope(self, missing: Iterable[str]) -> None:
        """Raise what makes it impossible that these become live."""
        if self._failure is not None:
            raise self._failure
        if not self._opened or self._closed:
            raise ConfigurationError("the books are not open: use `async with Books(...)`")
        for name in missing:
            keeper = self._keepers.get(name)
            if keeper is not None and keeper.refusal is not None:
                raise keeper.refusal

    def changes(self) -> Changes:
        """The books that change, from now on, for this caller: an asynchronous iterator of
        :class:`~tickwire.books.BookChange`.

        Coalesced: a book that has changed several times since it was last taken is given once, with
        counts of what happened. So it holds at most one entry per book, and a slow reader sees the
        newest state rather than a growing past. For every single update there is ``on_change``.
        """
        changes = Changes(self._check_end)
        # Whoever leaves its iteration says nothing: what it has left is found when it goes.
        self._changes = [*self._changes, ref(changes, self._forget)]
        return changes

    def _check_end(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise StopAsyncIteration

    def _forget(self, gone: ref[Changes]) -> None:
        self._changes = [kept for kept in self._changes if kept is not gone]

    # Life

    async def open(self) -> None:
        """Connect and subscribe. Books become live when their snapshots are here.

        Raises:
            ConnectError, HandshakeRejected, WebSocketTimeout: See :meth:`AsyncSession.ws_connect`.
        """
        if self._opened or self._closed:
            raise ConfigurationError("books are opened once; make new ones")
        self._opened = True
        try:
            await self._carry(self._books)
        except BaseException as error:
            await self.close()
            if isinstance(error, WebSocketConnectionError) and error.__cause__ is not None:
                # One attempt was made, and this is what came of it.
                raise error.__cause__ from None
            raise

    async def add(self, symbol: str) -> OrderBook:
        """Keep one more book, on a connection that has room or on a new one.

        Raises:
            ConfigurationError: It is no symbol. Retry: no.
            WebSocketError: A new connection was needed, and could not be had. Retry: yes.
        """
        self._check_hope(())
        key = self._venue.key(symbol)
        if key in self._by_key:
            return self[symbol]
        book = self._venue.book(symbol)
        self._by_key[key] = symbol
        self._books[symbol] = book
        try:
            [plan] = self._venue.plan([symbol])
            shard = next((shard for shard in self._shards if self._has_room(shard, plan)), None)
            if shard is None:
                await self._carry([symbol])
            else:
                self._keep(symbol)
                shard.symbols |= {stream.name: stream.symbol for stream in plan.streams}
                for stream in plan.streams:
                    await shard.manager.subscribe(stream)
        except BaseException:
            for shard in self._shards:
                shard.symbols = {key: kept for key, kept in shard.symbols.items() if kept != symbol}
            if (keeper := self._keepers.get(symbol)) is not None:
                await keeper.stop()
            self._drop(symbol)
            raise
        return book

    def _has_room(self, shard: _Shard, plan: BookPlan) -> bool:
        room = self._venue.streams_per_connection - len(shard.symbols)
        return shard.url == plan.url and len(plan.streams) <= room

    async def remove(self, symbol: str) -> None:
        """Keep the book of ``symbol`` no more: it is not live from now on.

        Raises:
            KeyError: There is none.
        """
        name = self._name_of(symbol)
        book = self._books[name]
        keeper = self._keepers.get(name)
        shards = [shard for shard in self._shards if name in shard.symbols.values()]
        self._drop(name)
        book.invalidate("it is not kept any more")
        if keeper is not None:
            await keeper.stop()
        for shard in shards:
            for stream in [key for key, value in shard.symbols.items() if value == name]:
                del shard.symbols[stream]
                await shard.manager.unsubscribe(stream)

    def _drop(self, symbol: str) -> None:
        self._books.pop(symbol, None)
        self._keepers.pop(symbol, None)
        self._by_key.pop(self._venue.key(symbol), None)
        self._wake()

    async def close(self) -> None:
        """Close the connections and stop fetching. The books are not live any more. Idempotent."""
        self._closed = self._opened = True
        self._on_change = None
        readers = [shard.reader for shard in self._shards if shard.reader is not None]
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        for keeper in list(self._keepers.values()):
            keeper.doubt("the books were closed")
            await keeper.stop()
        await asyncio.gather(*(shard.manager.close() for shard in self._shards))
        self._wake()
        if self._own_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def _carry(self, symbols: Iterable[str]) -> None:
        """Open the connections that these need."""
        if self._session is None:
            self._session = AsyncSession()
        if self._client is None:
            self._client = SnapshotClient(
                self._session,
                self._venue.budget,
                clock=self._clock,
                timeout=self._options.connect_timeout,
            )
        shards = []
        for plan in self._venue.plan(symbols):
            manager = self._manager(plan, self._session)
            shards.append(_Shard(plan.url, manager, plan.streams))
            for stream in plan.streams:
                self._keep(stream.symbol)
        self._shards += shards
        try:
            for shard in shards:
                await shard.manager.connect()
                shard.reader = asyncio.create_task(self._read(shard))
        except BaseException:
            # One without a reader would take books, and never bring them an update.
            for shard in shards:
                if shard.reader is None:
                    self._shards.remove(shard)
                    await shard.manager.close()
            raise

    def _keep(self, symbol: str) -> None:
        assert self._client is not None
        self._keepers[symbol] = Keeper(
            self._books[symbol],
            snapshot=self._venue.snapshot,
            resubscribe=self._resubscribe,
            client=self._client,
            backoff=Backoff(
                ReconnectStrategy.EXPONENTIAL_BACKOFF,
                delay=self._options.reconnect_delay,
                delay_max=self._options.reconnect_delay_max,
                stable=_STEADY_SECONDS,
                random=self._random,
            ),
            clock=self._clock,
            tell=self._tell,
            fail=self._fail,
        )

    async def _resubscribe(self, symbol: str) -> None:
        for shard in self._shards:
            for stream in [key for key, value in shard.symbols.items() if value == symbol]:
                await shard.manager.resubscribe(stream)

    # What arrives

    async def _read(self, shard: _Shard) -> None:
        """Move one connection's updates into their books, until it ends."""
        manager = shard.manager
        while True:
            try:
                items = await manager.recv_batch()
            except SubscriptionError as refusal:
                self._refused(shard, refusal)
                continue
            except StopAsyncIteration:
                self._doubt(shard, "the connection was closed")
                return
            except Exception as error:
                self._fail(error, shard)
                return
            try:
                self._take(shard, items)
            except Exception as error:
                # Of on_change, or a mistake of ours: books that went on after it might be wrong.
                self._fail(error)
                return

    def _take(self, shard: _Shard, items: list[Any]) -> None:
        keepers = self._keepers
        for item in items:
            if type(item) is BookUpdate:
                keeper = keepers.get(item.symbol)
                if keeper is not None:
                    keeper.receive(item.payload)
            else:
                self._note(shard, item)

    def _note(self, shard: _Shard, record: Any) -> None:
        """News of the connection."""
        if isinstance(record, Disconnected):
            # While others deliver, the numbers show what is missing. A hand-over that was cut
            # short has another connection too, but one that may not have had everything yet.
            alone = self._options.redundancy == 1
            if not record.remaining or (alone and record.reason.is_reactive):
                self._doubt(shard, f"the connection ended ({record.reason.value})")
        elif isinstance(record, Dropped):
            self._doubt(shard, f"{record.count} messages were dropped, this program is too slow")
        elif isinstance(record, Gap):
            self._doubt(shard, f"updates are missing ({record.cause.value})", record.stream)
        elif isinstance(record, Stale):
            reason = f"its stream was silent for {record.silence:.0f} s while others were not"
            self._doubt(shard, reason, record.stream)

    def _doubt(self, shard: _Shard, reason: str, stream: str = "") -> None:
        """The books of a connection, or of one stream of it, may have missed something."""
        names = list(shard.symbols.values())
        if stream:
            names = [shard.symbols[stream]] if stream in shard.symbols else []
        for name in names:
            if name in self._keepers:
                self._keepers[name].doubt(reason)

    def _refused(self, shard: _Shard, refusal: SubscriptionError) -> None:
        names = {shard.symbols[name] for name in refusal.streams if name in shard.symbols}
        for name in names & self._keepers.keys():
            self._keepers[name].refusal = refusal
            self._keepers[name].doubt(str(refusal))
        self._wake()

    def _fail(self, error: BaseException, of: _Shard | None = None) -> None:
        """Something is over: one connection, or (an error of the program's own) everything."""
        if self._failure is None:
            self._failure = error
        if of is None:
            self._on_change = None
        for shard in self._shards if of is None else [of]:
            self._doubt(shard, f"it is not kept any more: {error}")
            if of is None and shard.reader is not None:
                shard.reader.cancel()
        self._wake()

    def _tell(self, book: OrderBook, updates: int, losses: int) -> None:
        """A book has changed."""
        if self._on_change is not None:
            self._on_change(book)
        for kept in self._changes:
            if (changes := kept()) is not None:
                changes.note(book, updates, losses)
        if not updates:
            for alarm in self._waiters:
                alarm.ring()

    def _wake(self) -> None:
        for kept in self._changes:
            if (changes := kept()) is not None:
                changes.wake()
        for alarm in self._waiters:
            alarm.ring()
