"""What V3 and V2 have in common: the login, the sequence of the books, candles that close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tickwire._version import __version__
from tickwire.exchanges.base import (
    Liveness,
    RateLimits,
    RateWindow,
    Reconnect,
    Resync,
    SubscriptionState,
)
from tickwire.exchanges.candles import Candles
from tickwire.exchanges.shaped import ShapedCodec
from tickwire.exchanges.weex.names import as_product
from tickwire.exchanges.weex.signing import check_credentials, login_headers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from tickwire.credentials import Credentials
    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.intake import Plan
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import BookDelta, Event, Kline

__all__ = ["CHANNELS_PER_CONNECTION", "WeexBase", "entry_price"]

CHANNELS_PER_CONNECTION = 100
_RESYNCS_PER_CONNECTION = 40
"""Each costs two of the 240 requests that a connection has in an hour."""


class WeexBase(ShapedCodec):
    """The state of a WEEX connection that does not depend on the protocol's version."""

    # The venue counts what subscribes and unsubscribes; a pong must not wait behind that.
    rate_limits = RateLimits(
        messages=(RateWindow(240, 3600.0),),
        connects=(RateWindow(300, 300.0),),
        uncounted=(b'{"method":"PONG"', b'{"event":"pong"'),
    )
    # It pings every 60 s wherever there is a subscription: two were missed.
    liveness = Liveness(dead_after=130.0)
    path = ""
    _head_from = 0
    _plans: Mapping[str, Plan] = {}

    def __init__(
        self,
        product: str = "contract",
        *,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        is_private: bool = False,
    ) -> None:
        """
        Args:
            product: ``contract`` or ``spot``.
            numbers: ``decimal`` gives exact ``Decimal`` prices and sizes.
            credentials: Key, secret and passphrase, for a private connection.
            is_private: Whether the connection is to log in.

        Raises:
            ConfigurationError: No such product; no credentials for a private connection. Retry: no.
        """
        super().__init__(
            streams_limit=CHANNELS_PER_CONNECTION, plans=self._plans if numbers == "float" else {}
        )
        self.product = as_product(product)
        self._numbers = numbers
        self._credentials = check_credentials(credentials) if is_private else None
        # By stream: the number that the next delta has to begin at; none before a snapshot.
        self._book_ends: dict[str, int] = {}
        self._candles = Candles()
        self._resyncs = 0

    def prepare(self, now_ns: int) -> None:
        """Nothing: no token is needed."""

    def prepared(self, status: int, body: bytes, now_ns: int) -> None:
        """Never called, as nothing is requested."""

    def upgrade_headers(self, now_ns: int) -> Mapping[str, str]:
        """``User-Agent``, without which the venue may refuse; and the login of a private
        connection."""
        headers = {"User-Agent": f"tickwire/{__version__}"}
        if self._credentials is not None:
            headers |= login_headers(self._credentials, now_ns, self.path)
        return headers

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The requests; none for what was refused, which would be refused again and counted.

        Raises:
            ConfigurationError: No stream, or one that the venue does not have. Retry: no.
        """
        items = [self._as_stream(item) for item in streams]
        kept = [s for s in items if self._states.get(s.name) is not SubscriptionState.REFUSED]
        for stream in items:
            if stream not in kept:
                self._states.pop(stream.name, None)
        return super().unsubscribe(kept, now_ns) if kept or not items else []

    def reset(self) -> None:
        """Begin a new connection."""
        super().reset()
        self._book_ends.clear()
        self._candles.clear()
        self._resyncs = 0

    def _forget_books(self, streams: list[Stream]) -> None:
        for stream in streams:
            self._book_ends.pop(stream.name, None)

    def _begin_book(self, name: str, sequence: int) -> None:
        if name in self._states:
            self._book_ends[name] = sequence

    def _continue_book(self, name: str, delta: BookDelta, events: list[Event]) -> bool:
        """Whether ``delta`` joins; a break is reported, and the stream asked for again.

        A delta's start *is* the end of the one before (not one more). After a break, and before the
        first snapshot, deltas belong to a chain whose beginning is not known: they are left out.
        """
        end = self._book_ends.get(name)
        if end is None:
            self._stale += 1
            return False
        if delta.prev_sequence == end:
            self._book_ends[name] = delta.sequence
            return True
        del self._book_ends[name]
        gap = self._gap(delta, name, last=end, first=delta.first_sequence)
        events.append(gap)
        self._resyncs += 1
        if self._resyncs > _RESYNCS_PER_CONNECTION:
            self._wish(Reconnect(f"{self._resyncs} breaks of depth on one connection"))
        else:
            self._wish(Resync(name, f"depth begins at {delta.prev_sequence}, not at {end}"))
        return False

    def _add_candle(self, series: Hashable, candle: Kline, events: list[Event]) -> None:
        """Append a candle, and before it the one that it closes."""
        found = self._candles.take(series, [candle])
        for item in found:
            item.event_time = candle.event_time  # of the message that shows it
        self._events["kline"] += len(found)
        events += found


def entry_price(open_value: Any, size: Any) -> Any:
    """Average price of a position; ``None`` of one that was closed, or whose value is not known."""
    return open_value / size if size and open_value is not None else None
