"""The order books of one exchange, as pictures of their best levels at a bounded rate."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import orjson

from tickwire.books import Books
from tickwire.exchanges.binance.normalised import envelope
from tickwire.exchanges.book_venues import open_book_venue
from tickwire.gateway.payloads import book_data
from tickwire.gateway.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tickwire.books import BookChange
    from tickwire.clock import Clock
    from tickwire.gateway.fanout import Ids
    from tickwire.gateway.upstream import Key

__all__ = ["BookUpstream"]

_NS = 1_000_000_000


class BookUpstream(Upstream):
    """One set of books, made with the first symbol and closed with the last.

    Args:
        exchange: By name.
        market: Of the exchange; ``None`` is its first.
        url: Another server instead of the exchange's.
        interval: Seconds between two pictures of a book.
        news: Called with every change in which a book was lost.
        clock: For times of passing on.
        ids, history, linger: See :class:`Upstream`.
    """

    def __init__(
        self,
        exchange: str,
        *,
        market: str | None,
        url: str | None,
        interval: float,
        news: Callable[[BookChange], None],
        clock: Clock,
        ids: Ids,
        history: int,
        linger: float,
    ) -> None:
        super().__init__(exchange, ids, history, linger)
        self._settings: dict[str, Any] = {"market": market, "url": url}
        self._interval_ns = round(interval * _NS)
        self._news = news
        self._clock = clock
        self.losses = 0
        self._before = {"messages": 0, "bytes": 0, "rotations": 0}
        # When it was changed as it has not been shown yet, ns since the Unix epoch.
        self._changed_ns: dict[str, int] = {}
        self._books: Books | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[str, asyncio.TimerHandle] = {}
        self._shown_ns: dict[str, int] = {}
        self._opened_ns = 0
        self.last_ns = 0

    def key(self, symbol: str, levels: int) -> Key:
        """The key of a book's picture, its symbol as it is given here."""
        return "book", symbol, str(levels)

    def _names(self, key: Key) -> frozenset[str]:
        venue = open_book_venue(self.exchange, 1, self._settings)
        return frozenset({str(venue.key(key[1]))})

    @property
    def connections(self) -> int:
        """Open connections."""
        return 0 if self._books is None else self._books.stats.connections

    @property
    def live(self) -> int:
        """Books that are live."""
        return 0 if self._books is None else self._books.stats.live

    def total(self, name: Literal["messages", "bytes", "rotations"]) -> int:
        """One count over all books that there were."""
        now: int = 0 if self._books is None else getattr(self._books.stats, name)
        return self._before[name] + now

    async def _apply(self, wanted: Collection[Key]) -> None:
        symbols = sorted({symbol for _, symbol, _ in wanted})
        if self._reader is not None and self._reader.done():
            await self._shut()
        if not symbols:
            await self._shut()
            return
        if self._books is None:
            books = Books(self.exchange, symbols, **self._settings)
            try:
                await books.open()
            except BaseException:
                await books.close()
                raise
            self._books = books
            self._opened_ns = self._clock.mono_ns()
            self._reader = asyncio.create_task(self._read(books))
            return
        for symbol in symbols:
            if symbol not in self._books:
                await self._books.add(symbol)
        for symbol in [symbol for symbol in self._books if symbol not in symbols]:
            await self._books.remove(symbol)
        for key in wanted:
            topic = self.topics.get(key)
            if topic is not None and topic.latest is None:
                self._show(key[1])

    async def _shut(self) -> None:
        self._before = {name: self.total(name) for name in ("messages", "bytes", "rotations")}
        books, self._books = self._books, None
        reader, self._reader = self._reader, None
        for timer in self._pending.values():
            timer.cancel()
        self._pending.clear()
        if books is not None:
            await books.close()
        if reader is not None:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

    async def _read(self, books: Books) -> None:
        try:
            async for change in books.changes():
                self._take(change)
        except Exception as error:
            # Whatever it is, the listeners are better off with new books than with none.
            self._broke(error, (self._clock.mono_ns() - self._opened_ns) / _NS)

    def _take(self, change: BookChange) -> None:
        self.last_ns = now_ns = self._clock.mono_ns()
        symbol = change.symbol
        self._changed_ns[symbol] = self._clock.wall_ns()
        if change.losses and self.enabled:
            self.losses += change.losses
            self._news(change)
        due_ns = self._shown_ns.get(symbol, 0) + self._interval_ns
        if change.reason is not None or change.losses or now_ns >= due_ns:
            self._show(symbol)
        elif symbol not in self._pending:
            loop = asyncio.get_running_loop()
            self._pending[symbol] = loop.call_later((due_ns - now_ns) / _NS, self._show, symbol)

    def _show(self, symbol: str) -> None:
        timer = self._pending.pop(symbol, None)
        if timer is not None:
            timer.cancel()
        if not self.enabled or self._books is None or symbol not in self._books:
            return
        book = self._books[symbol]
        self._shown_ns[symbol] = mono_ns = self._clock.mono_ns()
        now_ns = self._clock.wall_ns()
        changed_ns = self._changed_ns.pop(symbol, 0)
        sent_ns = book.ts_event_ns if changed_ns and book.is_live else 0
        for topic in list(self.topics.values()):
            if topic.symbol == symbol:
                data = book_data(book, symbol, int(topic.detail), now_ns)
                topic.last_ns = mono_ns
                if topic.stale != data["reason"]:
                    topic.set_stale(data["reason"])
                if sent_ns:
                    topic.arrival.add(changed_ns - sent_ns)
                topic.publish(orjson.dumps(envelope(data, now_ns)), ("book", symbol), changed_ns)
