"""A connection's frames as far as a book needs them: whose update it is, and which numbers it has.

An update is handed on as the bytes that came. Decoding it to an event first would cost several
times what the book costs. Everything else on the connection (answers, refusals, a notice of a
shutdown) goes to the ordinary codec.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import CodecStats, combined_stats
from tickwire.exchanges.binance.codec import BinanceCodec
from tickwire.exchanges.binance.names import StreamKind, as_stream
from tickwire.exchanges.book_venue import BookUpdate
from tickwire.market import BookDelta, Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tickwire.errors import SubscriptionError
    from tickwire.exchanges.base import Directive, RateLimits, Stream, SubscriptionState
    from tickwire.exchanges.binance.names import Market

__all__ = ["BinanceBookCodec"]

_NAME_BEGINS = len('{"stream":"')
# The numbers stand before the levels, behind the envelope, the times and the symbol.
_HEAD = 400
_SPOT_NUMBERS = re.compile(rb'"U":(\d+),"u":(\d+)[,}]')
_FUTURES_NUMBERS = re.compile(rb'"U":\d+,"u":(\d+),"pu":(\d+)[,}]')
_NOTHING = CodecStats({}, {}, {}, 0, 0, 0, 0, 0, ())


class _Numbers(msgspec.Struct):
    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    previous: int | None = msgspec.field(name="pu", default=None)


class _Envelope(msgspec.Struct):
    data: _Numbers


_read = msgspec.json.Decoder(_Envelope).decode


class BinanceBookCodec:
    """The codec of a combined connection that carries diff depth streams, and nothing else.

    Its events are :class:`~tickwire.exchanges.book_venue.BookUpdate`; an update that does not
    continue the one before it is told by the manager, which compares identities, and by the book.
    Not safe for threads.
    """

    def __init__(self, market: Market) -> None:
        """``market`` is ``spot``, ``usdm`` or ``coinm``."""
        self._control = BinanceCodec(market)
        self._symbols: dict[bytes, str] = {}
        self._streams: dict[str, bytes] = {}
        self._is_spot = market == "spot"
        self._numbers = _SPOT_NUMBERS if self._is_spot else _FUTURES_NUMBERS
        self._updates = 0

    def receive(self, frame: bytes, recv_ns: int, events: list[Any]) -> None:
        """Take one frame; an update is appended as it came."""
        symbol = self._symbols.get(frame[_NAME_BEGINS : frame.find(b'"', _NAME_BEGINS)])
        if symbol is None:
            self._receive_other(frame, recv_ns, events)
        else:
            self._updates += 1
            events.append(BookUpdate(symbol, frame))

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Any]) -> None:
        """Take frames that were read together, in order."""
        for frame in frames:
            self.receive(frame, recv_ns, events)

    def _receive_other(self, frame: bytes, recv_ns: int, events: list[Any]) -> None:
        """An answer, a notice, or an update whose envelope is written in an unusual way."""
        found: list[Any] = []
        self._control.receive(frame, recv_ns, found)
        for event in found:
            if isinstance(event, BookDelta) and event.symbol in self._streams:
                self._updates += 1
                events.append(BookUpdate(event.symbol, frame))

    def identify(self, frame: bytes, event: BookUpdate) -> Identity | None:
        """Which update this is; ``None`` for one that has no numbers, which no book will take."""
        stream = self._streams[event.symbol]
        found = self._numbers.search(frame, 0, _HEAD)
        if found is None:
            return self._identify_slowly(frame, stream)
        if self._is_spot:
            first, last = found.groups()
            return Identity(stream, int(last), int(first))
        last, previous = found.groups()
        return Identity(stream, int(last), int(previous) + 1)

    def _identify_slowly(self, frame: bytes, stream: bytes) -> Identity | None:
        try:
            numbers = _read(frame).data
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        previous = numbers.previous
        first = numbers.first if previous is None else previous + 1
        return Identity(stream, numbers.last, first)

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The SUBSCRIBE frames.

        Raises:
            ConfigurationError: A stream that carries no changes of a book, or as
                :meth:`BinanceCodec.subscribe`. Retry: no.
        """
        wanted = [as_stream(stream) for stream in streams]
        for stream in wanted:
            if stream.kind != StreamKind.DEPTH:
                raise ConfigurationError(f"{stream.name} carries no changes of a book")
        frames = self._control.subscribe(wanted)
        for stream in wanted:
            name = stream.name.encode()
            self._symbols[name] = stream.symbol
            self._streams[stream.symbol] = name
        return frames

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The UNSUBSCRIBE frame. Updates go on until the venue has acted."""
        return self._control.unsubscribe(streams)

    def take_output(self) -> list[bytes]:
        """Nothing: Binance pings with control frames."""
        return self._control.take_output()

    def take_directive(self) -> Directive | None:
        """``RotateBy`` after a shutdown notice, else ``None``; given out once."""
        return self._control.take_directive()

    def take_errors(self) -> list[SubscriptionError]:
        """Refusals since the last call, oldest first."""
        return self._control.take_errors()

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed."""
        self._control.reset()
        self._symbols.clear()
        self._streams.clear()

    @property
    def subscriptions(self) -> Mapping[str, SubscriptionState]:
        """The state of every stream asked for on this connection, by name."""
        return self._control.subscriptions

    @property
    def rate_limits(self) -> RateLimits:
        """The venue's limits: see :attr:`BinanceCodec.rate_limits`."""
        return self._control.rate_limits

    @property
    def stats(self) -> CodecStats:
        """Counts so far; an update is an event of the kind ``depth``."""
        updates = msgspec.structs.replace(_NOTHING, events={"depth": self._updates})
        return combined_stats(self._control.stats, updates)
