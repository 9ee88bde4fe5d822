"""What the codecs of most venues have in common: states, counts, refusals, replies, sequences.

:class:`VenueCodec` keeps the contract's books; a venue's codec adds what its frames mean. It is no
part of the contract: a codec may as well keep its own.
"""

from __future__ import annotations

from collections import Counter, deque
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges.base import CodecStats, RateLimits, SubscriptionState
from tickwire.exchanges.oddities import Oddities
from tickwire.market import Gap, GapCause, SequenceChain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tickwire.exchanges.base import Directive, Stream
    from tickwire.market import Event, SequenceRule

__all__ = ["UNDECODABLE", "VenueCodec"]

UNDECODABLE = (msgspec.DecodeError, ValueError, TypeError, ArithmeticError, RecursionError)
"""What comes of a frame that is not of its type: from the decoder, or from calculating with what it
found."""
_ERRORS_KEPT = 256
_OUTPUT_KEPT = 256
_DIRECTIVES_KEPT = 256
_PENDING, _ACCEPTED, _REFUSED = SubscriptionState


class VenueCodec:
    """The part of a codec that is the same for most venues. See
    :class:`~tickwire.exchanges.base.Codec`.

    A subclass implements :meth:`_take` (one frame, which may raise one of :data:`UNDECODABLE`),
    :meth:`_ask` and :meth:`_leave` (the venue's requests). It calls :meth:`_accept` and
    :meth:`_refuse` for the venue's answers, counts its events in :attr:`_events`, and sends by
    :meth:`_send`.

    Attributes:
        rate_limits: The venue's limits of a connection.
    """

    rate_limits = RateLimits()

    def __init__(self, *, streams_limit: int) -> None:
        """``streams_limit`` is the number of streams that one connection may carry."""
        self._streams: dict[str, Stream] = {}
        self._states: dict[str, SubscriptionState] = {}
        self._streams_limit = streams_limit
        self._chains: dict[str, SequenceChain] = {}
        self._events: Counter[str] = Counter()
        self._oddities = Oddities()
        self._gaps = 0
        self._stale = 0
        self._acks = 0
        self._refusals = 0
        self._errors: deque[SubscriptionError] = deque(maxlen=_ERRORS_KEPT)
        self._output: deque[bytes] = deque(maxlen=_OUTPUT_KEPT)
        self._directives: deque[Directive] = deque(maxlen=_DIRECTIVES_KEPT)

    # What a venue adds

    def _as_stream(self, item: Stream | str) -> Stream:
        """What ``item`` means.

        Raises:
            ConfigurationError: The venue has no such stream. Retry: no.
        """
        raise NotImplementedError

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        """The requests for streams that are not yet asked for."""
        raise NotImplementedError

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        """The requests that end streams."""
        raise NotImplementedError

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Understand one frame."""
        raise NotImplementedError

    # The contract

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The requests. Asking again for what the connection has sends nothing new, unless it was
        refused.

        Raises:
            ConfigurationError: No stream; one that the venue does not have; more than a connection
                carries. Nothing is subscribed then. Retry: no.
        """
        wanted = {stream.name: stream for stream in map(self._meant, streams)}
        if not wanted:
            raise ConfigurationError("a subscription request needs at least one stream")
        held = {name for name, state in self._states.items() if state is not _REFUSED}
        if len(held.union(wanted)) > self._streams_limit:
            raise ConfigurationError(
                f"one connection carries at most {self._streams_limit} streams"
            )
        self._streams.update(wanted)
        new = [stream for name, stream in wanted.items() if name not in held]
        for stream in new:
            self._states[stream.name] = _PENDING
            self._chains.pop(stream.name, None)
        return self._ask(new, now_ns) if new else []

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The requests. What is left may be asked for again at once.

        Raises:
            ConfigurationError: No stream, or one that the venue does not have. Retry: no.
        """
        leaving = {stream.name: stream for stream in map(self._as_stream, streams)}
        if not leaving:
            raise ConfigurationError("a subscription request needs at least one stream")
        for name in leaving:
            self._states.pop(name, None)
            self._chains.pop(name, None)
        return self._leave(list(leaving.values()), now_ns)

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Take one frame; append what it says."""
        try:
            self._take(frame, recv_ns, events)
        except UNDECODABLE as error:
            self._oddities.count_undecodable(error, frame, recv_ns)

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None:
        """Take frames that were read together, in order; as :meth:`receive` of each."""
        take = self._take
        for frame in frames:
            try:
                take(frame, recv_ns, events)
            except UNDECODABLE as error:
                self._oddities.count_undecodable(error, frame, recv_ns)

    def take_output(self) -> list[bytes]:
        """Replies, oldest first; each is given out once."""
        if not self._output:
            return []
        found = list(self._output)
        self._output.clear()
        return found

    def take_directive(self) -> Directive | None:
        """What the connection should do, if anything, the oldest first; each is given out once."""
        return self._directives.popleft() if self._directives else None

    def take_errors(self) -> list[SubscriptionError]:
        """Refusals since the last call, oldest first; of very many, the newest."""
        if not self._errors:
            return []
        found = list(self._errors)
        self._errors.clear()
        return found

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        self._streams.clear()
        self._states.clear()
        self._chains.clear()
        self._output.clear()
        self._directives.clear()

    @property
    def subscriptions(self) -> Mapping[str, SubscriptionState]:
        """The state of every stream asked for on this connection, by name: a live view."""
        return MappingProxyType(self._states)

    @property
    def stats(self) -> CodecStats:
        """Counts since the codec was made."""
        odd = self._oddities
        return CodecStats(
            events=dict(self._events),
            unknown=dict(odd.unknown),
            new_fields={kind: dict(counter) for kind, counter in odd.new_fields.items()},
            undecodable=odd.undecodable,
            gaps=self._gaps,
            stale=self._stale,
            acks=self._acks,
            refusals=self._refusals,
            odd_frames=tuple(odd.frames),
        )

    # For subclasses

    def _meant(self, item: Stream | str) -> Stream:
        """As :meth:`_as_stream`; the name of a stream that this connection had is that stream, with
        the caller's symbol: so it is asked for again after a loss."""
        known = self._streams.get(item) if isinstance(item, str) else None
        return self._as_stream(item if known is None else known)

    def _accept(self, *names: str) -> None:
        """The venue said yes to these streams. Late answers to what was left change nothing."""
        self._acks += 1
        for name in names:
            if name in self._states:
                self._states[name] = _ACCEPTED

    def _refuse(self, reason: str, names: tuple[str, ...] = (), code: int | None = None) -> None:
        """The venue said no: to these streams, or to something that it does not name."""
        self._refusals += 1
        for name in names:
            if name in self._states:
                self._states[name] = _REFUSED
        self._errors.append(SubscriptionError(reason, code=code, streams=names))

    def _send(self, frame: bytes) -> None:
        """Leave a frame to be sent."""
        self._output.append(frame)

    def _wish(self, directive: Directive) -> None:
        """Leave a directive."""
        self._directives.append(directive)

    def _unknown(self, kind: object, frame: bytes, recv_ns: int) -> None:
        """A frame of a kind that the codec does not know."""
        self._oddities.count_unknown(str(kind), frame, recv_ns)

    def _symbol(self, name: str, otherwise: str) -> str:
        """What the caller calls the instrument of stream ``name``, else the venue's name of it."""
        stream = self._streams.get(name)
        return stream.symbol or otherwise if stream is not None else otherwise

    def _chain(self, name: str, rule: SequenceRule) -> SequenceChain:
        """The sequence of stream ``name`` on this connection."""
        chain = self._chains.get(name)
        if chain is None:
            chain = self._chains[name] = SequenceChain(rule)
        return chain

    def _gap(
        self,
        event: Event,
        stream: str,
        *,
        cause: GapCause = GapCause.SEQUENCE,
        last: int | None = None,
        first: int | None = None,
    ) -> Gap:
        """The hole before ``event``, counted."""
        self._gaps += 1
        return Gap(
            symbol=event.symbol,
            stream=stream,
            cause=cause,
            last_sequence=last,
            first_sequence=first,
            event_time=event.event_time,
            ts_recv_ns=event.ts_recv_ns,
        )
