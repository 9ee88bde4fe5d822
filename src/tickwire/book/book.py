"""A venue's order book, kept locally: a snapshot, the changes since, and never a doubtful level.

:class:`OrderBook` is pure. The caller brings what arrives (updates from the socket, snapshots from
the REST interface, the news that a connection broke) and fetches what
:meth:`OrderBook.take_request` asks for. Everything that differs between venues stands in a
:class:`BookRules`.

=========  ==========================  =============================================================
state      event                       becomes
=========  ==========================  =============================================================
empty      update                      buffering; a snapshot is asked for
buffering  update                      buffering (kept; the oldest goes beyond ``UPDATES_KEPT``)
buffering  snapshot that joins         live
buffering  snapshot that does not      buffering; another one is asked for
live       update that joins           live
live       update already contained    live, unchanged
live       anything that casts doubt   lost; a snapshot is asked for
lost       as buffering                live once a snapshot joins
any        snapshot of the stream      live
=========  ==========================  =============================================================

Doubt is: a hole in the venue's numbers, an update that cannot be read, a book whose best bid is at
or above its best ask, a best price beyond what the snapshot covered, numbers that began anew, a
broken connection. A book in doubt forgets its levels at once, so there is nothing old to serve.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from tickwire.book.core import Ladder
from tickwire.errors import BookNotLiveError, CodecError, ConfigurationError
from tickwire.market import BookDelta, BookSnapshot, Link, SequenceChain, epoch_ns

if TYPE_CHECKING:
    from tickwire.book.core import Layout
    from tickwire.market import SequenceRule

__all__ = [
    "UPDATES_KEPT",
    "Bbo",
    "BookRules",
    "BookState",
    "BookStats",
    "OrderBook",
    "SnapshotRequest",
]

UPDATES_KEPT = 4096
"""Updates that are kept while a snapshot is on its way: more than six minutes of ten a second."""

_REWOUND_AFTER_NS = 10_000_000_000
_REWOUND_UNTIMED_AFTER_NS = 60_000_000_000
"""The same where the snapshot told no time: the stream may lag behind it by so much."""
# Read once: an enum's attribute is slow, and these are looked at for every update.
_JOINED, _STALE, _BROKEN = Link
_BIDS, _ASKS = 0, 1

_NOTHING_YET = "nothing has been received yet"
_AWAITING = "its first snapshot is awaited"


class BookState(StrEnum):
    """Where a book stands."""

    EMPTY = "empty"
    """Nothing has been received."""
    BUFFERING = "buffering"
    """Updates are being kept until the first snapshot is here."""
    LIVE = "live"
    """The book is the venue's, as of :attr:`OrderBook.sequence`."""
    LOST = "lost"
    """It was live and is not any more; a new snapshot is awaited."""


_LIVE = BookState.LIVE


class BookRules(msgspec.Struct, frozen=True):
    """What a venue's books are made of.

    Attributes:
        sequence: How updates join each other, and a snapshot.
        update: Where an update has what.
        snapshot: Where a snapshot has what.
        limit: Levels per side to ask for; 0: the venue sends the whole book.
        in_stream: Whether snapshots come in the stream, unasked, and begin the book anew.
        depth: Levels per side that the venue keeps up to date: what falls behind is not told and
            has to be forgotten. ``None``: everything is told.
    """

    sequence: SequenceRule
    update: Layout
    snapshot: Layout
    limit: int
    in_stream: bool = False
    depth: int | None = None


class SnapshotRequest(msgspec.Struct, frozen=True, gc=False):
    """Fetch a snapshot of one symbol and hand it to :meth:`OrderBook.receive_snapshot`.

    Attributes:
        symbol: Whose.
        limit: Levels per side.
        at_least: One taken at a lower number is of no use, as far as is known yet.
        attempt: 1 for the first one since the book was last live. The caller paces by it.
        reason: What for, in words.
    """

    symbol: str
    limit: int
    at_least: int
    attempt: int
    reason: str


class Bbo(NamedTuple):
    """Best bid and best offer; ``None`` where a side has no levels."""

    bid_price: float | None
    bid_size: float | None
    ask_price: float | None
    ask_size: float | None


class BookStats(msgspec.Struct, frozen=True):
    """Counts since the book was made.

    Attributes:
        updates: Updates that changed the book.
        stale: Updates that it already contained.
        losses: How often it was live and then was not.
        snapshots: Snapshots that made it live.
        snapshots_too_old: Snapshots that could not be joined to the updates.
    """

    updates: int
    stale: int
    losses: int
    snapshots: int
    snapshots_too_old: int


class OrderBook:
    """One symbol's book. Not safe for threads: use it from the loop that owns the connection.

    Cost of an update, compiled: about 0.7 µs and 25 to 35 ns per changed level.
    """

    def __init__(
        self, symbol: str, rules: BookRules, *, numbers: Literal["float", "decimal"] = "float"
    ) -> None:
        """
        Args:
            symbol: What requests and errors call it.
            rules: The venue's.
            numbers: ``decimal`` lets every price and size that is read be an exact ``Decimal``.
                The book itself is exact either way.

        Raises:
            ConfigurationError: No such kind of numbers. Retry: no.
        """
        if numbers not in ("float", "decimal"):
            raise ConfigurationError(f"numbers={numbers!r}: there are float and decimal")
        self.symbol = symbol
        self.rules = rules
        self._decimal = numbers == "decimal"
        self._ladder = Ladder()
        self._chain = SequenceChain(rules.sequence)
        self._update_layout = rules.update
        self._depth = rules.depth
        self._in_stream = rules.in_stream
        self._state = BookState.EMPTY
        self._reason = _NOTHING_YET
        self._kept: deque[bytes | BookDelta] = deque(maxlen=UPDATES_KEPT)
        self._request: SnapshotRequest | None = None
        self._attempt = 0
        self._event_time = 0
        # Of the first update that was older than a snapshot without a time.
        self._stale_time = 0
        # The worst prices that the snapshot covered, where it was cut off there.
        self._bid_floor: float | None = None
        self._ask_ceiling: float | None = None
        self._is_fenced = False
        self._updates = 0
        self._stale = 0
        self._losses = 0
        self._snapshots = 0
        self._too_old = 0

    # What arrives

    def receive(self, update: bytes | BookDelta) -> BookState:
        """Take one update: the payload as the venue sent it, or the codec's event.

        Bytes are the fast way, and the only one that keeps the digits as sent. Borrowed for the
        call while the book is live, kept otherwise.

        Nothing that a venue sends makes this raise: what cannot be used makes the book lost.
        """
        if self._state is not _LIVE:
            self._keep(update)
            return self._state
        try:
            if type(update) is bytes:
                first, last, prev, event_time = self._ladder.scan(self._update_layout, update)
            else:
                first, last, prev, event_time = self._scan(update)
        except CodecError as error:
            return self._lose(f"an update could not be read ({error})", None)
        link = self._chain.advance(last if first is None else first, last, prev)
        if link is _JOINED:
            is_crossed = self._ladder.apply()
            if self._depth is not None:
                self._ladder.truncate(self._depth)
            self._event_time = event_time
            self._updates += 1
            if (is_crossed or self._is_fenced) and (doubt := self._doubt()) is not None:
                return self._lose(doubt, update)
        elif link is _STALE:
            self._stale += 1
            if event_time > self._event_time and self._is_rewound(event_time):
                return self._lose("the venue's numbers began anew", update)
        else:
            return self._lose(f"updates are missing before {last}", update)
        return _LIVE

    def receive_snapshot(self, snapshot: bytes | BookSnapshot) -> bool:
        """Take a snapshot that was asked for. True when the book is live with it.

        One that is too old for the updates that were kept is answered with another request, one
        that nobody asked for is ignored. Where snapshots come in the stream, each is the book.

        Raises:
            CodecError: It is no snapshot; the request stands (see :meth:`take_request`). Retry:
                fetch again. One that came in the stream does not raise: see :meth:`begin`.
        """
        if isinstance(snapshot, BookSnapshot) and self._in_stream:
            return self.begin(snapshot) is _LIVE
        if self._state is _LIVE:
            return True
        if not self._attempt:
            # It was asked for before the last interruption, if at all: without an update that came
            # since, nothing shows that the stream is there.
            return False
        ladder = self._ladder
        try:
            if isinstance(snapshot, BookSnapshot):
                ladder.stage(snapshot.bids, snapshot.asks)
                last, event_time = snapshot.sequence, snapshot.event_time
            else:
                _, last, _, event_time = ladder.scan(self.rules.snapshot, snapshot)
        except CodecError:
            self.snapshot_failed()
            raise
        ladder.replace()
        self._set_fences()
        self._event_time = event_time
        self._stale_time = 0
        self._chain.begin_at(last)
        if not self._catch_up():
            ladder.clear()
            self._too_old += 1
            self._ask("the snapshot is older than the updates")
            return False
        self._kept.clear()
        self._request = None
        self._attempt = 0
        self._snapshots += 1
        self._state = _LIVE
        if (doubt := self._doubt()) is not None:
            self._lose(doubt, None)
        return self._state is _LIVE

    def begin(self, snapshot: BookSnapshot) -> BookState:
        """Take a snapshot that stands in the stream itself: it replaces whatever was known.

        So do venues that send the book before its updates (OKX, Bybit, Kraken, Coinbase…): nothing
        is to be fetched there, and :meth:`take_request` may be ignored. The next update has to
        follow it directly. One that cannot be kept (more digits than there is room for) makes the
        book lost.
        """
        try:
            self._ladder.stage(snapshot.bids, snapshot.asks)
        except CodecError as error:
            reason = f"a snapshot could not be read ({error})"
            if self._state is _LIVE:
                return self._lose(reason, None)
            self._reason = reason
            self._ask(reason)
            return self._state
        self._ladder.replace()
        self._bid_floor = self._ask_ceiling = None
        self._is_fenced = False
        self._event_time = snapshot.event_time
        self._stale_time = 0
        self._chain.reset()
        self._chain.last = snapshot.sequence or None
        self._kept.clear()
        self._request = None
        self._attempt = 0
        self._snapshots += 1
        self._state = BookState.LIVE
        if (doubt := self._doubt()) is not None:
            return self._lose(doubt, None)
        return _LIVE

    def snapshot_failed(self) -> None:
        """The snapshot could not be fetched: ask for another. The caller waits as it sees fit."""
        if self._attempt:
            self._ask("the last snapshot could not be fetched")

    def invalidate(self, reason: str) -> None:
        """The stream was interrupted (a disconnect, a dropped message): what was is in doubt.

        Updates that were kept are forgotten too; the next one begins anew.
        """
        if self._state is BookState.EMPTY:
            return
        if self._state is _LIVE:
            self._lose(reason, None)
        self._reason = reason
        self._kept.clear()
        self._request = None
        self._attempt = 0

    def take_request(self) -> SnapshotRequest | None:
        """The snapshot to fetch now, if any; given out once."""
        request, self._request = self._request, None
        return request

    # The book

    @property
    def state(self) -> BookState:
        """Where it stands."""
        return self._state

    @property
    def is_live(self) -> bool:
        """Whether it may be read."""
        return self._state is _LIVE

    @property
    def reason(self) -> str | None:
        """Why it is not live, in words; ``None`` while it is."""
        return None if self._state is _LIVE else self._reason

    @property
    def sequence(self) -> int | None:
        """The venue's number of the state that the book has; ``None`` while it is not live."""
        return self._chain.last if self._state is _LIVE else None

    @property
    def ts_event_ns(self) -> int:
        """Venue time of that state, ns since the Unix epoch; 0 where the venue does not say."""
        return epoch_ns(self._event_time)

    @property
    def counts(self) -> tuple[int, int]:
        """How many bid and ask levels there are: none while it is not live."""
        return self._ladder.counts

    @property
    def horizon(self) -> tuple[float | None, float | None]:
        """The lowest bid and the highest ask down to which it is complete; ``None``: all the way.

        A snapshot is cut off at ``rules.limit`` levels. What rested beyond and has not moved since
        is not known.
        """
        return self._bid_floor, self._ask_ceiling

    def bids(self, n: int | None = None) -> list[tuple[float, float]]:
        """The best ``n`` bids as ``(price, size)``, highest first; all of them for ``None``.

        Raises:
            BookNotLiveError: The book is in doubt. Retry: once :attr:`is_live`.
            ValueError: ``n`` is negative. Retry: no.

        Cost: about 0.1 µs per level; Decimals 1 µs.
        """
        return self._levels(_BIDS, n)

    def asks(self, n: int | None = None) -> list[tuple[float, float]]:
        """The best ``n`` asks, lowest first. As :meth:`bids`."""
        return self._levels(_ASKS, n)

    def digits(self, n: int | None = None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The best ``n`` bids and asks in the digits that the venue sent: what checksums are over.

        Levels that came as events instead of bytes have the shortest digits that mean them.

        Raises:
            BookNotLiveError, ValueError: As :meth:`bids`.
        """
        self._check_live()
        return self._ladder.texts(_BIDS, n), self._ladder.texts(_ASKS, n)

    def bbo(self) -> Bbo:
        """Best bid and best offer.

        Raises:
            BookNotLiveError: As :meth:`bids`.
        """
        bids, asks = self._levels(_BIDS, 1), self._levels(_ASKS, 1)
        bid = bids[0] if bids else (None, None)
        ask = asks[0] if asks else (None, None)
        return Bbo(*bid, *ask)

    @property
    def spread(self) -> float | None:
        """Best ask less best bid, in the quote currency; ``None`` where a side is empty.

        Raises:
            BookNotLiveError: As :meth:`bids`.
        """
        self._check_live()
        gap = self._ladder.gap()
        if gap is None:
            return None
        digits, decimals = gap
        if self._decimal:
            return Decimal(digits).scaleb(-decimals)  # type: ignore[return-value]
        spread: float = digits / 10**decimals
        return spread

    @property
    def stats(self) -> BookStats:
        """Counts so far."""
        return BookStats(
            updates=self._updates,
            stale=self._stale,
            losses=self._losses,
            snapshots=self._snapshots,
            snapshots_too_old=self._too_old,
        )

    # Inside

    def _scan(self, update: bytes | BookDelta) -> tuple[int | None, int, int | None, int]:
        if isinstance(update, BookDelta):
            self._ladder.stage(update.bids, update.asks)
            return (
                update.first_sequence,
                update.sequence,
                update.prev_sequence,
                update.event_time,
            )
        return self._ladder.scan(self._update_layout, update)

    def _is_rewound(self, event_time: int) -> bool:
        """Whether an update that brings nothing new was sent long after the last one that did.

        A copy of an old update has an old time. One with a new time and old numbers shows that the
        venue counts from another beginning, and that every update to come would be ignored.
        """
        if not self._event_time:
            self._stale_time = self._stale_time or event_time
            age = epoch_ns(event_time) - epoch_ns(self._stale_time)
            return age > _REWOUND_UNTIMED_AFTER_NS
        return epoch_ns(event_time) - epoch_ns(self._event_time) > _REWOUND_AFTER_NS

    def _keep(self, update: bytes | BookDelta) -> None:
        if not self._in_stream:  # else the snapshot to come has it
            self._kept.append(update)
        if self._state is BookState.EMPTY:
            self._state = BookState.BUFFERING
            self._reason = _AWAITING
        if not self._attempt:
            self._ask(self._reason)

    def _catch_up(self) -> bool:
        """Bring the snapshot up to date with what was kept; False where a hole is between.

        What lies before the hole is forgotten then: a later snapshot will have it.
        """
        kept = self._kept
        applied = 0
        for _ in range(len(kept)):
            try:
                first, last, prev, event_time = self._scan(kept[0])
            except CodecError:
                # Counts as a hole, and does not come again.
                kept.popleft()
                return False
            link = self._chain.advance(last if first is None else first, last, prev)
            if link is _BROKEN:
                return False
            if link is _JOINED:
                self._ladder.apply()
                self._event_time = event_time
                applied += 1
            kept.popleft()
        self._updates += applied
        return True

    def _ask(self, reason: str) -> None:
        self._attempt += 1
        self._request = SnapshotRequest(
            self.symbol, self.rules.limit, self._first_kept() - 1, self._attempt, reason
        )

    def _first_kept(self) -> int:
        for update in self._kept:
            try:
                first, last, _, _ = self._scan(update)
            except CodecError:
                continue
            return last if first is None else first
        return 1

    def _lose(self, reason: str, update: bytes | BookDelta | None) -> BookState:
        """The book is in doubt: forget it, and begin to keep updates with this one."""
        self._ladder.clear()
        self._chain.reset()
        self._bid_floor = self._ask_ceiling = None
        self._state = BookState.LOST
        self._reason = reason
        self._losses += 1
        if update is not None:
            self._keep(update)
        elif self._in_stream:
            self._ask(reason)
        return self._state

    def _set_fences(self) -> None:
        limit = self.rules.limit
        bids, asks = self._ladder.counts
        self._bid_floor = self._ladder.levels(_BIDS)[-1][0] if bids >= limit else None
        self._ask_ceiling = self._ladder.levels(_ASKS)[-1][0] if asks >= limit else None
        self._is_fenced = self._bid_floor is not None or self._ask_ceiling is not None

    def _doubt(self) -> str | None:
        """What is wrong with the levels, if anything."""
        ladder = self._ladder
        if ladder.is_crossed:
            return "its best bid is at or above its best ask"
        floor, ceiling = self._bid_floor, self._ask_ceiling
        if floor is not None and ((bid := ladder.best(_BIDS)) is None or bid[0] < floor):
            return "the best bid fell below what the snapshot covered"
        if ceiling is not None and ((ask := ladder.best(_ASKS)) is None or ask[0] > ceiling):
            return "the best ask rose above what the snapshot covered"
        return None

    def _levels(self, side: int, n: int | None) -> list[tuple[float, float]]:
        if self._state is not _LIVE:
            raise BookNotLiveError(self.symbol, self._reason)
        if not self._decimal:
            return self._ladder.levels(side, n)
        return [
            (Decimal(price), Decimal(size))  # type: ignore[misc]
            for price, size in self._ladder.texts(side, n)
        ]

    def _check_live(self) -> None:
        if self._state is not _LIVE:
            raise BookNotLiveError(self.symbol, self._reason)
