"""What a venue's dialect has to say, so that one server can speak it. Pure.

The server owns sockets, the market and the time. For every connection it makes a
:class:`Conversation` of the venue's :class:`Dialect`, hands it what the client says and what the
market does, and sends the text that comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tickwire.simulator.candles import Candle
    from tickwire.simulator.market import Fill, Instrument
    from tickwire.simulator.venues.common import Topics
    from tickwire.simulator.venues.views import BookView, ViewChange

__all__ = ["Conversation", "Dialect", "Reply", "Shown"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client is told, and what follows from what it said.

    Attributes:
        texts: Messages to send now.
        close: Close code, if the connection is to be ended after them.
    """

    texts: tuple[str, ...] = ()
    close: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A book that a connection is subscribed to.

    Attributes:
        instrument: Whose.
        depth: Levels per side.
        tells_departures: See :class:`~tickwire.simulator.venues.views.BookView`.
    """

    instrument: Instrument
    depth: int
    tells_departures: bool = True


class Conversation(Protocol):
    """One connection's talk.

    Attributes:
        books: The books that it is subscribed to, under the dialect's own keys. A key that is new
            after :meth:`receive` gets a snapshot by :meth:`on_snapshot`.
        topics: All that it is subscribed to.
    """

    books: Mapping[str, Shown]
    topics: Topics

    def opened(self, now_ms: int) -> Reply:
        """The connection is up: a greeting, if the venue has one."""
        ...

    def receive(self, text: str, now_ms: int) -> Reply:
        """The client said something: answers, pongs, refusals; subscriptions take effect."""
        ...

    def on_fills(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> list[str]:
        """A market order traded."""
        ...

    def on_best(self, instrument: Instrument, now_ms: int) -> list[str]:
        """The best bid or offer changed: quotes and tickers."""
        ...

    def on_snapshot(self, key: str, view: BookView, now_ms: int) -> list[str]:
        """A book's subscription begins with what ``view`` shows."""
        ...

    def on_book(self, key: str, change: ViewChange, view: BookView, now_ms: int) -> list[str]:
        """A book has changed; ``view`` is already what it is after it."""
        ...

    def on_second(self, now_ms: int) -> Reply:
        """Once a second: heartbeats, running candles, and whether the client still pings."""
        ...

    def on_candle(
        self, instrument: Instrument, interval: str, candle: Candle, now_ms: int
    ) -> list[str]:
        """A candle has ended."""
        ...

    def on_notice(self, now_ms: int) -> list[str]:
        """The venue means to end the connection: what it says before, if anything."""
        ...


class Dialect(Protocol):
    """A venue's protocol.

    Attributes:
        name: As the feed knows the venue.
        paths: WebSocket paths that it serves.
    """

    name: str
    paths: tuple[str, ...]

    def converse(self, path: str, headers: Mapping[str, str], now_ms: int) -> Conversation:
        """A new connection.

        Raises:
            PermissionError: It is refused: HTTP 401 (a bad signature in the headers).
        """
        ...

    def note(self, instrument: Instrument, fills: Sequence[Fill], now_ms: int) -> None:
        """A market order traded: for what a later subscriber is told of the past."""
        ...

    def rest(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> bytes | None:
        """The answer to a REST request (the instrument list); ``None``: 404."""
        ...
