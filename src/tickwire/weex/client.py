"""The client: public and private streams of WEEX over few connections."""

from __future__ import annotations

import asyncio
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError, SubscriptionError, TickwireError
from tickwire.exchanges.weex import structs
from tickwire.exchanges.weex.codec import NOT_ASKED
from tickwire.exchanges.weex.names import as_product, check_level, parse_stream, venue_symbol
from tickwire.exchanges.weex.signing import check_credentials
from tickwire.manager import Disconnected
from tickwire.market import Gap
from tickwire.transport import AsyncSession, WebSocketError
from tickwire.weex.books import ClientBook
from tickwire.weex.config import WeexConfig
from tickwire.weex.lines import CHANNELS, Line
from tickwire.weex.messages import WeexMessage, message_of, timestamp_of
from tickwire.weex.positions import Positions, Watch
from tickwire.weex.streams import Buffer, WeexStream
from tickwire.weex.trades import SeenTrades

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from types import TracebackType
    from typing import Self

__all__ = ["Answer", "WeexWebSocketClient"]


class Answer(int):
    """True or false, and what it was when it is called: ``client.is_connected`` and
    ``client.is_connected()`` say the same, since programs are written either way."""

    def __call__(self) -> bool:
        return bool(self)

    def __repr__(self) -> str:
        return repr(bool(self))


class WeexWebSocketClient:
    """WEEX V3, public and private, as streams of :class:`WeexMessage`.

    ::

        async with WeexWebSocketClient(WeexConfig.from_env()) as client:
            async for message in client.stream_trades("BTCUSDT"):
                print(message.timestamp, message.data["side"], message.data["price"])

    Any number of streams at the same time: they share one public connection (a further one for each
    hundred channels) and one private one, which is opened when a private stream is first read. A
    lost connection is restored and everything is asked for again; one that no stream needs, when
    the venue has ended it, is opened again when a stream needs it. A stream that the program leaves
    is unsubscribed. Belongs to one event loop.

    Args:
        config: From :meth:`WeexConfig.from_env` if left out.
        session: A session to connect through; the caller closes it. The client's own if left out.
    """

    def __init__(
        self, config: WeexConfig | None = None, *, session: AsyncSession | None = None
    ) -> None:
        self.config = config or WeexConfig.from_env()
        self._product = as_product(self.config.product)
        self._session = session
        self._own_session = session is None
        self._lines: list[Line] = []
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._buffers: dict[str, list[Buffer]] = {}
        self._books: dict[str, ClientBook] = {}
        self._seen: dict[str, SeenTrades] = {}
        self._positions = Positions(self.config.stream_queue_size)
        self._tasks: set[asyncio.Task[Any]] = set()

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

    def __repr__(self) -> str:
        return f"<WeexWebSocketClient {self.config.base_url} streams={len(self._all())}>"

    # Life

    @property
    def is_connected(self) -> Answer:
        """Whether there is a connection now, public or private; also if no stream needs one. False
        before :meth:`connect` and after :meth:`disconnect`. May be called, too."""
        if self._loop is None or not self._lines:
            return Answer(self._loop is not None)
        return Answer(any(line.is_connected for line in self._lines))

    async def connect(self) -> None:
        """Connect. Does nothing when that has happened; after :meth:`disconnect` it begins anew.

        Raises:
            ConnectError, HandshakeRejected, WebSocketTimeout: As :meth:`AsyncSession.ws_connect`.
                Retry: if the error says so.
        """
        if self._loop is not None:
            return
        if self._session is None:
            self._session = AsyncSession()
        self._loop = asyncio.get_running_loop()
        try:
            await self._line_for((), is_private=False)
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """End all streams and close the connections. Idempotent."""
        self._loop = None
        lines, self._lines = self._lines, []
        for buffer in self._all():
            buffer.end()
        self._forget()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(line.close() for line in lines))
        if self._own_session and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _forget(self) -> None:
        for kept in (self._buffers, self._books, self._seen):
            kept.clear()
        self._positions.clear()

    def _all(self) -> list[Buffer]:
        return list(dict.fromkeys(b for buffers in self._buffers.values() for b in buffers))

    # Streams

    def stream_tickers(self, symbols: Iterable[str]) -> WeexStream:
        """Rolling 24-hour statistics of every one of ``symbols``, in one stream.

        Raises:
            ConfigurationError: A text that is no symbol, or none at all. Retry: no.
        """
        if isinstance(symbols, str):
            symbols = [symbols]
        return self._stream([f"{venue_symbol(symbol)}@ticker" for symbol in symbols])

    def stream_order_book(self, symbol: str, level: int = 15) -> WeexStream:
        """The best ``level`` levels (1 to 200) of each side, after every change.

        Raises:
            ConfigurationError: It is no symbol, or the venue has no such depth. Retry: no.
        """
        depth = check_level(level)
        return self._stream([f"{venue_symbol(symbol)}@depth{depth}"], level=level)

    def stream_trades(self, symbol: str) -> WeexStream:
        """Every trade once, from the subscription on.

        Raises:
            ConfigurationError: It is no symbol. Retry: no.
        """
        return self._stream([f"{venue_symbol(symbol)}@trade"])

    def stream_account(self) -> WeexStream:
        """One's own balances, whenever one changes.

        Raises:
            ConfigurationError: The client has no credentials. Retry: no.
        """
        return self._stream(["account"], is_private=True)

    def stream_positions(self) -> WeexStream:
        """One's own positions, whenever one changes, with the unrealised profit at that moment.

        Raises:
            ConfigurationError: The client has no credentials; spot has no positions. Retry: no.
        """
        return self._stream(["positions"], is_private=True)

    def stream_orders(self) -> WeexStream:
        """One's own orders, whenever one changes.

        Raises:
            ConfigurationError: The client has no credentials. Retry: no.
        """
        return self._stream(["orders"], is_private=True)

    def _stream(
        self, names: Iterable[str], *, is_private: bool = False, level: int = 0
    ) -> WeexStream:
        unique = tuple(dict.fromkeys(names))
        if not unique:
            raise ConfigurationError("a stream needs at least one symbol")
        for name in unique:
            parse_stream(name, self._product)
        if is_private:
            check_credentials(self.config.credentials)
        size = self.config.stream_queue_size
        buffer = Buffer(unique, size, is_private=is_private, level=level)
        return WeexStream(buffer, self._begin, self._abandon, self._release)

    def _begin(self, buffer: Buffer) -> asyncio.Task[None]:
        """Start a stream in a task of its own, which the end of its reader does not end."""
        if self._loop is None:
            raise ConfigurationError("the client is not connected: use `async with`, or connect()")
        task = self._spawn(self._start(buffer))
        # Nobody may be there any more to see how it failed.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return task

    async def _start(self, buffer: Buffer) -> None:
        """Ask for what a stream needs."""
        for name in buffer.names:
            self._buffers.setdefault(name, []).append(buffer)
            book = self._books.get(name)
            if book is not None and book.is_live:
                # Who comes second to a book need not wait for its next change.
                symbol = name.partition("@")[0]
                buffer.put(_book_message(book, symbol, buffer.level))
        try:
            await self._want(buffer.names, is_private=buffer.is_private)
        except BaseException:
            self._remove(buffer)
            raise

    async def _want(self, names: tuple[str, ...], *, is_private: bool) -> None:
        """Ask for channels: where they are already, else where there is room. All or none."""
        had: list[str] = []
        try:
            for line in tuple(self._lines):
                here = [name for name in names if name not in had and line.wanted[name]]
                if line.is_private is is_private and here and await line.add(*here):
                    had += here
            left = [name for name in names if name not in had]
            for start in range(0, len(left), CHANNELS):
                group = left[start : start + CHANNELS]
                while not await (await self._line_for(group, is_private=is_private)).add(*group):
                    pass  # others had come first: another line, or a new one
                had += group
        except Exception:
            await self._unwant(tuple(had))
            raise

    async def _line_for(self, names: Iterable[str], *, is_private: bool) -> Line:
        count = len(list(names))
        async with self._opening:
            for line in self._lines:
                if line.is_private is is_private and line.room >= max(count, 1):
                    return line
            if self._session is None:
                raise ConfigurationError("the client is not connected: use `async with`")
            line = Line(
                self.config,
                self._session,
                is_private=is_private,
                on_events=self._take_all,
                on_refusal=self._take_refusal,
                on_end=self._take_end,
            )
            try:
                await line.open()
            except BaseException:
                await line.close()
                raise
            self._lines.append(line)
            return line

    def _remove(self, buffer: Buffer) -> bool:
        """Whether it was there: it is not, if it is of a life that ended with a disconnect."""
        found = False
        for name in buffer.names:
            buffers = self._buffers.get(name, [])
            if buffer in buffers:
                buffers.remove(buffer)
                found = True
            if not buffers:
                for kept in (self._buffers, self._books, self._seen):
                    kept.pop(name, None)
                self._check_mark(name)
        if "positions" in buffer.names and "positions" not in self._buffers:
            self._watch_no_more()
        return found

    async def _release(self, buffer: Buffer) -> None:
        """A stream is over: its channels are not needed on its account any more."""
        buffer.end()
        if buffer.start is not None:
            await asyncio.wait((buffer.start,))
        if self._remove(buffer):
            await self._unwant(buffer.names)

    async def _unwant(self, names: tuple[str, ...]) -> None:
        for line in tuple(self._lines):
            here = [name for name in names if line.wanted[name]]
            if here:
                await line.drop(*here)

    def _abandon(self, buffer: Buffer) -> None:
        """The program has let go of a stream. Called wherever the last reference was lost."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spawn_release, buffer)

    def _spawn_release(self, buffer: Buffer) -> None:
        self._spawn(self._release(buffer))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What arrives

    def _take_all(self, line: Line, events: list[Any]) -> None:
        for event in events:
            if type(event) is Disconnected:
                self._take_loss(line, event)
            else:
                self._take(event)

    def _take_loss(self, line: Line, record: Disconnected) -> None:
        """A connection is lost: what it kept up to date is not, until the next one brings it."""
        if record.remaining:
            return
        for name in line.wanted:
            symbol, _, channel = name.partition("@")
            if channel == "ticker":
                self._positions.forget_mark(symbol)
        if not line.wanted:
            # The venue ends what carries no channel: there is no use in opening it again for that.
            self._discard(line)

    def _discard(self, line: Line) -> None:
        line.is_over = True
        if line in self._lines:
            self._lines.remove(line)
            self._spawn(line.close())

    @singledispatchmethod
    def _take(self, event: Any) -> None:
        """Hand an event to its streams: those not listed below concern none."""

    @_take.register
    def _(self, event: structs.WeexTicker) -> None:
        self._give(f"{event.symbol}@ticker", message_of(event))
        if event.mark_price is not None and self._has_ticker(event.symbol):
            self._give_positions(self._positions.mark(event.symbol, event.mark_price))

    @_take.register
    def _(self, event: structs.WeexTrade) -> None:
        name = f"{event.symbol}@trade"
        seen = self._seen.get(name)
        if seen is None:
            seen = self._seen[name] = SeenTrades()
        if seen.is_new(event):
            self._give(name, message_of(event))

    @_take.register
    def _(self, event: structs.WeexSnapshot) -> None:
        name = f"{event.symbol}@depth{event.level}"
        if name in self._buffers:
            book = self._books.setdefault(name, ClientBook())
            book.replace(event)
            self._give_book(name, book, event.symbol)

    @_take.register
    def _(self, event: structs.WeexDelta) -> None:
        name = f"{event.symbol}@depth{event.level}"
        book = self._books.get(name)
        if book is None or not book.is_live:
            return
        if book.change(event):
            self._give_book(name, book, event.symbol)
        else:
            self._spawn(self._again(name))

    @_take.register
    def _(self, event: Gap) -> None:
        # Nothing is shown of a book that lacks something; its snapshot is under way.
        book = self._books.get(event.stream)
        if book is not None:
            book.doubt()

    @_take.register
    def _(self, event: structs.WeexPosition) -> None:
        if "positions" not in self._buffers:
            return
        if event.size and event.symbol not in self._positions.watches:
            watch = self._positions.watches[event.symbol] = Watch()
            self._spawn(self._watch_mark(event.symbol, watch))
        self._give_positions(self._positions.take(event))

    @_take.register(structs.WeexBalance)
    @_take.register(structs.WeexContractBalance)
    def _(self, event: Any) -> None:
        self._give("account", message_of(event))

    @_take.register
    def _(self, event: structs.WeexOrder) -> None:
        self._give("orders", message_of(event))

    def _give(self, name: str, message: WeexMessage) -> None:
        for buffer in self._buffers.get(name, ()):
            buffer.put(message)

    def _give_book(self, name: str, book: ClientBook, symbol: str) -> None:
        if book.is_live:
            for buffer in self._buffers.get(name, ()):
                buffer.put(_book_message(book, symbol, buffer.level))

    def _give_positions(self, positions: Iterable[structs.WeexPosition]) -> None:
        for position in positions:
            self._give("positions", message_of(position))

    # The prices of positions

    def _has_ticker(self, symbol: str) -> bool:
        return f"{symbol}@ticker" in self._buffers or symbol in self._positions.watches

    def _check_mark(self, name: str) -> None:
        """A channel is not needed on somebody's account: if it was a ticker's last, its price
        becomes old."""
        symbol, _, channel = name.partition("@")
        if channel == "ticker" and not self._has_ticker(symbol):
            self._positions.forget_mark(symbol)

    async def _watch_mark(self, symbol: str, watch: Watch) -> None:
        """Have the ticker of a symbol for as long as somebody listens to positions."""
        names = (f"{symbol}@ticker",)
        try:
            await self._want(names, is_private=False)
        except (TickwireError, WebSocketError):
            self._give_positions(self._positions.give_up(symbol, is_final=False))
            return
        if self._positions.watches.get(symbol) is watch:
            watch.has_ticker = True
        else:
            await self._unwant(names)

    def _watch_no_more(self) -> None:
        """Nobody listens to positions any more."""
        names = tuple(
            f"{symbol}@ticker"
            for symbol, watch in self._positions.watches.items()
            if watch.has_ticker
        )
        self._positions.clear()
        if names:
            self._spawn(self._unwant(names))

    async def _again(self, name: str) -> None:
        for line in tuple(self._lines):
            if line.wanted[name]:
                await line.again(name)

    def _take_refusal(self, line: Line, refusal: SubscriptionError) -> None:
        if refusal.code == NOT_ASKED:
            line.is_worn = True
            self._spawn(self._move(line, refusal.streams))
            return
        if refusal.streams:
            self._spawn(line.give_up(*refusal.streams))
        self._fail(refusal.streams, refusal)

    async def _move(self, line: Line, names: tuple[str, ...]) -> None:
        """Ask for channels on another line: this one has had all the refusals that it bears."""
        counts = {name: line.wanted[name] for name in names}
        await line.give_up(*names)
        for name, count in counts.items():
            try:
                for _ in range(count):
                    await self._want((name,), is_private=line.is_private)
            except (TickwireError, WebSocketError) as error:
                self._fail((name,), error)

    def _fail(self, names: Iterable[str], error: Exception) -> None:
        """Channels will not come: their streams end, and positions do without the price."""
        for name in names:
            for buffer in tuple(self._buffers.get(name, ())):
                buffer.end(error)
            symbol, _, channel = name.partition("@")
            if channel == "ticker":
                is_final = isinstance(error, SubscriptionError)
                self._give_positions(self._positions.give_up(symbol, is_final=is_final))

    def _take_end(self, line: Line, error: Exception | None) -> None:
        if error is not None:
            self._fail(tuple(line.wanted), error)
            self._discard(line)


def _book_message(book: ClientBook, symbol: str, level: int) -> WeexMessage:
    event = book.latest
    return WeexMessage(book.data(symbol, level), timestamp_of(event), "book", event)
