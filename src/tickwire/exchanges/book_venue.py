"""What a venue has to say so that its local order books can be kept: the seam between
:class:`tickwire.Books` and what is the venue's own.

A venue's object is pure. It says which connections carry the updates, makes the codec that takes a
connection's frames apart as far as a book needs, and names the request for a snapshot. Where
snapshots come in the stream there is none to name, and nothing is fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tickwire.book import OrderBook, SnapshotRequest
    from tickwire.exchanges.base import Codec, RateLimits, Stream
    from tickwire.market import BookDelta, BookSnapshot

__all__ = ["BookPlan", "BookUpdate", "BookVenue", "RestBudget", "RestRequest"]


class BookUpdate(msgspec.Struct, frozen=True, gc=False):
    """One update of one book, undecoded: what a book codec gives instead of an event.

    Attributes:
        symbol: Whose, in the words of the :class:`~tickwire.exchanges.Stream` that was asked for.
        payload: What :meth:`~tickwire.book.OrderBook.receive` takes; or a snapshot, which
            :meth:`~tickwire.book.OrderBook.receive_snapshot` does.
    """

    symbol: str
    payload: bytes | BookDelta | BookSnapshot


class BookPlan(Protocol):
    """One connection to open."""

    @property
    def url(self) -> str:
        """Where to connect."""
        ...

    @property
    def streams(self) -> Sequence[Stream]:
        """What to subscribe there. A stream's ``symbol`` is the key of its book."""
        ...


class RestRequest(msgspec.Struct, frozen=True, gc=False):
    """A snapshot's request: GET ``url``, which costs ``weight`` of the budget."""

    url: str
    weight: int


class RestBudget(msgspec.Struct, frozen=True):
    """What a venue allows one address to ask of its REST interface.

    Attributes:
        weight: To be spent in any stretch of ``seconds``.
        seconds: See ``weight``.
        used_header: The answer's header, in lower case, that says how much of it the address has
            used; empty where there is none.
        cooldowns: Seconds to ask for nothing after an answer with this status and without a
            Retry-After.
    """

    weight: int
    seconds: float
    used_header: str
    cooldowns: Mapping[int, float]


class BookVenue(Protocol):
    """A venue's books."""

    @property
    def budget(self) -> RestBudget:
        """For the host of its snapshots."""
        ...

    @property
    def rate_limits(self) -> RateLimits:
        """The limits of its connects."""
        ...

    @property
    def connection_seconds(self) -> float | None:
        """Age at which it ends a connection."""
        ...

    @property
    def streams_per_connection(self) -> int:
        """Streams that one connection may carry."""
        ...

    def key(self, symbol: str) -> str:
        """What all ways to write a symbol have in common.

        Raises:
            ConfigurationError: It is none. Retry: no.
        """
        ...

    def plan(self, symbols: Iterable[str]) -> Sequence[BookPlan]:
        """The connections that the books of ``symbols`` need.

        Raises:
            ConfigurationError: A symbol is none. Retry: no.
        """
        ...

    def codec(self, plan: Any) -> Codec:
        """The codec of a connection of ``plan``, one of :meth:`plan`'s. Of books it gives a
        :class:`BookUpdate` per update."""
        ...

    def book(self, symbol: str) -> OrderBook:
        """An empty book."""
        ...

    def snapshot(self, request: SnapshotRequest) -> RestRequest | None:
        """What to fetch; ``None`` where the snapshot comes in the stream."""
        ...
