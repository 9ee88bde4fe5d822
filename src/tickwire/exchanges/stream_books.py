"""Books of venues whose snapshots come in the stream: any venue of the common contract.

The venue's own codec decodes; what it gives of books becomes :class:`BookUpdate`, and the rest of
it (answers, pings, logins, notices) is the codec's as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.book import BookRules, OrderBook
from tickwire.book.core import Layout
from tickwire.errors import ConfigurationError
from tickwire.exchanges.book_venue import BookUpdate, RestBudget
from tickwire.exchanges.registry import open_venue
from tickwire.exchanges.venue import Channel, VenueSettings, Want
from tickwire.market import BookDelta, BookSnapshot, Gap, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.book import SnapshotRequest
    from tickwire.exchanges.venue import ConnectionPlan, Numbers, Venue
    from tickwire.market import Event, Identity

__all__ = ["StreamBookCodec", "StreamBookVenue", "StreamBooks"]

_NO_BUDGET = RestBudget(1, 60.0, "", {})
# Events carry the levels; the layout of bytes is not looked at.
_NO_LAYOUT = Layout(last="sequence", bids="bids", asks="asks")


class StreamBooks(msgspec.Struct, frozen=True):
    """What a venue says of its books, as its attribute ``books``.

    Attributes:
        sequence: How its deltas join.
        depth: Levels per side that it keeps up to date, beyond which they have to be forgotten;
            ``None``: it tells of every level that goes.
        streams_per_connection: Books that one connection may carry.
    """

    sequence: SequenceRule
    depth: int | None = None
    streams_per_connection: int = 100


class StreamBookVenue:
    """See :class:`~tickwire.exchanges.book_venue.BookVenue`.

    Attributes:
        budget, rate_limits, connection_seconds, streams_per_connection: As there.
    """

    def __init__(
        self,
        exchange: str,
        *,
        market: str | None = None,
        environment: str = "production",
        url: str | None = None,
        numbers: Numbers = "float",
        options: dict[str, Any] | None = None,
    ) -> None:
        """
        Raises:
            ConfigurationError: The venue has no such thing, or no books. Retry: no.
        """
        self._venue: Venue = open_venue(
            exchange,
            VenueSettings(
                market=market,
                environment=environment,
                url=url,
                numbers=numbers,
                options=options or {},
            ),
        )
        books: StreamBooks | None = getattr(self._venue, "books", None)
        if books is None or Channel.BOOKS not in self._venue.channels:
            raise ConfigurationError(f"{exchange} ({self._venue.market}) has no books to keep")
        self._numbers: Numbers = numbers
        self._rules = BookRules(
            sequence=books.sequence,
            update=_NO_LAYOUT,
            snapshot=_NO_LAYOUT,
            limit=0,
            in_stream=True,
            depth=books.depth,
        )
        self.budget = _NO_BUDGET
        self.rate_limits = self._venue.limits.connects
        self.connection_seconds = self._venue.limits.connection_seconds
        self.streams_per_connection = books.streams_per_connection

    def key(self, symbol: str) -> str:
        """The venue's own symbol."""
        return self._venue.venue_symbol(symbol)

    def plan(self, symbols: Iterable[str]) -> list[ConnectionPlan]:
        """The connections."""
        return self._venue.plan([Want(Channel.BOOKS, symbol) for symbol in symbols])

    def codec(self, plan: ConnectionPlan) -> StreamBookCodec:
        """A connection's codec."""
        return StreamBookCodec(self._venue.codec(plan))

    def book(self, symbol: str) -> OrderBook:
        """An empty book."""
        return OrderBook(symbol, self._rules, numbers=self._numbers)

    def snapshot(self, request: SnapshotRequest) -> None:
        """Nothing: it comes in the stream."""


class StreamBookCodec:
    """A venue's codec, whose snapshots and deltas come out as :class:`BookUpdate`.

    All else is the codec's own: see :class:`~tickwire.exchanges.base.Codec`.
    """

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._found: list[Event] = []
        if hasattr(codec, "identify"):
            self.identify = self._identify

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codec, name)

    def receive(self, frame: bytes, recv_ns: int, events: list[Any]) -> None:
        """As the codec's."""
        self._codec.receive(frame, recv_ns, self._found)
        self._turn(events)

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Any]) -> None:
        """As the codec's."""
        self._codec.receive_many(frames, recv_ns, self._found)
        self._turn(events)

    def _turn(self, events: list[Any]) -> None:
        found = self._found
        for event in found:
            if isinstance(event, BookDelta | BookSnapshot):
                events.append(BookUpdate(event.symbol, event))
            elif isinstance(event, Gap):
                events.append(event)
        found.clear()

    def _identify(self, frame: bytes, event: Any) -> Identity | None:
        if type(event) is BookUpdate:
            event = event.payload
        identity: Identity | None = self._codec.identify(frame, event)
        return identity
