"""Binance frames in, typed events out: spot and USD-M, combined and raw connections.

How a frame finds its type. A combined frame names its stream, and the name is the key of a table
of lanes (:mod:`tickwire.exchanges.lanes`, compiled), each with the decoder of its payloads. A raw
frame begins with its event type, which is the key of a second table. Whatever misses, or fails,
takes the general path, which reads the envelope properly and classifies in the vendor's order; it
gives the same events, only later. So a blank or a new key in the envelope costs time and nothing
else.

The keys of a message are compared with the type's only for the first frame of each stream, every
1,024th after it, and each that is longer than those compared before: a new field makes a message
longer, so it is noticed soon, and costs next to nothing.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import (
    CodecStats,
    RateLimits,
    RateWindow,
    RotateBy,
    Stream,
    SubscriptionState,
)
from tickwire.exchanges.binance.control import Subscriptions
from tickwire.exchanges.binance.identity import identify
from tickwire.exchanges.binance.routes import EVENT_KINDS, SCHEMAS, Decoders, Route, raw_identity
from tickwire.exchanges.binance.streams import (
    LIMITS,
    StreamKind,
    as_stream,
    check_market,
    check_stream,
    parse_stream,
)
from tickwire.exchanges.lanes import Lanes
from tickwire.exchanges.oddities import Oddities
from tickwire.market import Gap, GapCause, Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tickwire.errors import SubscriptionError
    from tickwire.exchanges.base import Directive
    from tickwire.exchanges.binance.routes import Numbers
    from tickwire.market import BookDelta, Event, Identity

__all__ = ["BinanceCodec"]

# A frame of some 5 kB. A refusal is of a whole request, so it should not take everything along; and
# the venue's limit of messages makes five of these a matter of two seconds at the worst.
_STREAMS_PER_FRAME = 256
# How many streams that nobody asked for a server can make this object remember.
_ROUTES_KEPT = 4096

_JITTER_SECONDS = 0.25

_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_read_document = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw]).decode
_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode

_QUOTE_KEYS = frozenset("ubBaA")
_SHUTDOWN = "serverShutdown"
# Labels of the payloads that have no event type. No event type looks like these.
_PARTIAL_DEPTH_LABEL = "(partial depth)"
_QUOTE_LABEL = "(book ticker)"
_NO_LABEL = "(no event type)"
_UNREADABLE_KEY = "(not UTF-8)"


class _RawType:
    """What raw frames of one event type become.

    Attributes:
        routes: The routes of the streams of this type, by the venue's symbol.
        default: The route for everything else.
    """

    __slots__ = ("decode", "default", "kind", "routes")

    def __init__(self, default: Route) -> None:
        self.kind = default.kind
        self.decode = default.decode
        self.default = default
        self.routes: dict[str, Route] = {}


class BinanceCodec:
    """The codec of one Binance stream connection. See :class:`~tickwire.exchanges.base.Codec`.

    Not safe for threads: call it from the loop that owns the connection.
    """

    def __init__(
        self, market: str = "spot", *, combined: bool = True, numbers: Numbers = "float"
    ) -> None:
        """
        Args:
            market: ``spot``, ``usdm`` or ``coinm``.
            combined: Whether the connection is of the ``/stream`` kind, whose frames name their
                stream. Raw frames do not; streams that would be ambiguous there are refused.
            numbers: ``decimal`` gives exact ``Decimal`` prices and sizes, at two to four times the
                cost of decoding.

        Raises:
            ConfigurationError: No such market, or no such kind of numbers. Retry: no.
        """
        if numbers not in ("float", "decimal"):
            raise ConfigurationError(f"numbers={numbers!r}: there are float and decimal")
        self.market = check_market(market)
        self._combined = combined
        self._decoders = Decoders(self.market, numbers)
        self._subscriptions = Subscriptions(LIMITS[self.market].streams_per_connection)
        self._by_name: dict[str, Route | None] = {}
        self._lanes = Lanes(
            look=self._look_for_news, unjoined=self._note_unjoined, general=self._receive_general
        )
        self._by_label: dict[str, _RawType] = {}
        self._by_lead: dict[bytes, _RawType] = {}
        for event_type, kind in EVENT_KINDS.items():
            if kind not in SCHEMAS[self.market]:
                continue
            self._add_raw_type(event_type, kind, b'{"e":"' + event_type.encode())
        if self.market == "spot":
            self._add_raw_type(_QUOTE_LABEL, StreamKind.BOOK_TICKER, b'{"u":')
            self._add_raw_type(_PARTIAL_DEPTH_LABEL, StreamKind.PARTIAL_DEPTH, b'{"las')
        self._directive: Directive | None = None
        self._oddities = Oddities()
        self._gaps = 0
        self._stale = 0

    def _add_raw_type(self, label: str, kind: StreamKind, lead: bytes) -> None:
        default = Route(Stream(label, kind, ""), self.market, self._decoders)
        self._by_label[label] = self._by_lead[lead] = _RawType(default)

    # Subscriptions

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The SUBSCRIBE frames. Events carry each stream's ``symbol``; of two names, the later one.

        Raises:
            ConfigurationError: No stream; a name that is none; one that the market does not
                serve; more streams than a connection carries; on a raw connection, two streams
                whose frames cannot be told apart. Nothing is subscribed then. Retry: no.
        """
        wanted = self._checked(streams)
        asked_before = set(self._subscriptions.states)
        names = [stream.name for stream in wanted]
        self._subscriptions.check_room(names)
        frames = [
            self._subscriptions.subscribe(names[start : start + _STREAMS_PER_FRAME])
            for start in range(0, max(1, len(names)), _STREAMS_PER_FRAME)
        ]
        self._add_routes(wanted, asked_before)
        return frames

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The UNSUBSCRIBE frame. Events go on until the venue has acted.

        Raises:
            ConfigurationError: No stream, or a name that is none. Retry: no.
        """
        return [self._subscriptions.unsubscribe([as_stream(stream).name for stream in streams])]

    def list_subscriptions(self) -> bytes:
        """The LIST_SUBSCRIPTIONS frame.

        The answer corrects :attr:`subscriptions`. A stream that was acknowledged and is not in it
        becomes refused, with an error.
        """
        return self._subscriptions.list_subscriptions()

    def attach(self, streams: Iterable[Stream | str]) -> None:
        """Take in the streams that the connection's URL asks for, so that nothing need be sent.

        Raises:
            ConfigurationError: As :meth:`subscribe`.
        """
        wanted = self._checked(streams)
        asked_before = set(self._subscriptions.states)
        self._subscriptions.attach([stream.name for stream in wanted])
        self._add_routes(wanted, asked_before)

    @property
    def subscriptions(self) -> Mapping[str, SubscriptionState]:
        """The state of every stream asked for on this connection, by name: a live view."""
        return MappingProxyType(self._subscriptions.states)

    @property
    def rate_limits(self) -> RateLimits:
        """The venue's limits, less one message a second: it counts pongs too, and the transport
        answers pings by itself. And in a little longer than a second: what leaves in two seconds
        the network may bring within one."""
        limits = LIMITS[self.market]
        return RateLimits(
            messages=(RateWindow(limits.messages_per_second - 1, 1.0 + _JITTER_SECONDS),),
            connects=limits.connects,
        )

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Which event this is: see :mod:`tickwire.exchanges.binance.identity`."""
        return identify(frame, event, combined=self._combined)

    def take_errors(self) -> list[SubscriptionError]:
        """Refusals since the last call, oldest first."""
        return self._subscriptions.take_errors()

    def take_output(self) -> list[bytes]:
        """Nothing: Binance pings with control frames, which the transport answers."""
        return []

    def take_directive(self) -> Directive | None:
        """``RotateBy`` after a shutdown notice, else ``None``; given out once."""
        directive, self._directive = self._directive, None
        return directive

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        self._subscriptions.reset()
        self._directive = None
        for route in self._routes():
            if route.chain is not None:
                route.chain.reset()

    def _checked(self, streams: Iterable[Stream | str]) -> list[Stream]:
        wanted = list({stream.name: stream for stream in map(as_stream, streams)}.values())
        for stream in wanted:
            check_stream(stream, self.market)
        if not self._combined:
            self._refuse_ambiguity(wanted)
        return wanted

    def _refuse_ambiguity(self, wanted: list[Stream]) -> None:
        taken: dict[tuple[str, ...], str] = {}
        states = self._subscriptions.states
        active = [name for name in states if states[name] != SubscriptionState.REFUSED]
        for stream in [*map(parse_stream, active), *wanted]:
            identity = raw_identity(stream, self.market)
            other = taken.setdefault(identity, stream.name)
            if other != stream.name:
                raise ConfigurationError(
                    f"raw frames of {other} and {stream.name} look alike; use a combined connection"
                )

    def _add_routes(self, streams: list[Stream], asked_before: set[str]) -> None:
        for stream in streams:
            route = self._by_name.get(stream.name)
            if route is None:
                route = self._add_route(stream)
            if route is None:
                continue
            route.symbol = stream.symbol
            if route.chain is not None and stream.name not in asked_before:
                route.chain.reset()
            self._add_raw_route(route)

    def _add_route(self, stream: Stream) -> Route | None:
        if stream.kind == StreamKind.OTHER:
            self._by_name[stream.name] = None
            return None
        route = Route(stream, self.market, self._decoders)
        self._by_name[stream.name] = route
        self._lanes.add(stream.name, route)
        return route

    def _add_raw_route(self, route: Route) -> None:
        symbol = route.stream.partition("@")[0].upper()
        kind = route.kind
        if kind is StreamKind.RPI_DEPTH:
            kind = StreamKind.DEPTH
        if kind is StreamKind.PARTIAL_DEPTH:
            if self.market == "spot":
                # Its frames do not say of which symbol they are.
                self._by_label[_PARTIAL_DEPTH_LABEL].default = route
                return
            # USD-M sends partial and diff depth under one event type.
            kind = StreamKind.DEPTH
        for raw_type in self._by_label.values():
            if raw_type.kind is kind:
                raw_type.routes[symbol] = route

    # Frames

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """Take one frame; append 0, 1 or (arrays, and a gap with its delta) several events.

        Args:
            frame: Payload of a text message. Events do not point into it.
            recv_ns: When it was read, ns since the Unix epoch.
            events: Belongs to the caller; only appended to.
        """
        if self._combined:
            self._lanes.receive(frame, recv_ns, events)
        else:
            self._receive_raw(frame, recv_ns, events)

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None:
        """Take frames that were read together, in order: as :meth:`receive`, a little cheaper."""
        if self._combined:
            self._lanes.receive_many(frames, recv_ns, events)
        else:
            for frame in frames:
                self._receive_raw(frame, recv_ns, events)

    def _receive_raw(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        by_lead = self._by_lead
        raw_type = by_lead.get(frame[: frame.find(b'"', 6)]) or by_lead.get(frame[:5])
        if raw_type is not None:
            try:
                event = raw_type.decode(frame)
            except _UNDECODABLE:
                pass
            else:
                self._deliver_raw(raw_type, frame, event, recv_ns, events)
                return
        self._receive_general(frame, recv_ns, events)

    def _note_unjoined(
        self, route: Route, delta: BookDelta, last: int | None, link: Link, events: list[Event]
    ) -> None:
        if link is Link.BROKEN:
            self._gaps += 1
            events.append(_gap(route, delta, last))
        else:
            self._stale += 1

    def _deliver_raw(
        self, raw_type: _RawType, payload: bytes, decoded: Any, recv_ns: int, events: list[Event]
    ) -> None:
        route = raw_type.routes.get(decoded.symbol)
        if route is None:
            route = raw_type.default
            if route.chain is not None:
                # Every symbol has its own sequence, also one that nobody asked for.
                route = Route(
                    Stream(f"{decoded.symbol.lower()}@depth", route.kind, decoded.symbol),
                    self.market,
                    self._decoders,
                )
                if len(raw_type.routes) < _ROUTES_KEPT:
                    raw_type.routes[decoded.symbol] = route
        if route.kind is not raw_type.kind:
            # Partial and RPI depth of futures: the same keys as a delta, another meaning.
            decoded = route.decode(payload)
        self._lanes.deliver(route, payload, decoded, recv_ns, events)

    # The general path: any JSON, in any order of keys

    def _receive_general(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        try:
            document = _read_document(frame)
            if isinstance(document, list):
                for element in document:
                    self._receive_element(bytes(element), recv_ns, events)
            elif "stream" in document and "data" in document:
                name = msgspec.json.decode(document["stream"], type=str)
                payload = bytes(document["data"])
                self._receive_stream(name, payload, frame, recv_ns, events)
            elif "result" in document and "id" in document and "e" not in document:
                number, result = _value(document, "id"), _value(document, "result")
                self._subscriptions.acknowledge(number, result)
            elif "code" in document and "msg" in document:
                self._receive_refusal(document, document)
            elif "error" in document:
                self._receive_refusal(_read_object(document["error"]), document)
            else:
                self._receive_payload(frame, document, recv_ns, events)
        except _UNDECODABLE as error:
            self._oddities.count_undecodable(error, frame, recv_ns)

    def _receive_refusal(
        self, error: dict[str, msgspec.Raw], document: dict[str, msgspec.Raw]
    ) -> None:
        self._subscriptions.refuse(
            _value(document, "id"), _value(error, "code"), _value(error, "msg")
        )

    def _receive_element(self, element: bytes, recv_ns: int, events: list[Event]) -> None:
        """One message of a raw array."""
        try:
            self._receive_payload(element, _read_object(element), recv_ns, events)
        except _UNDECODABLE as error:
            self._oddities.count_undecodable(error, element, recv_ns)

    def _receive_payload(
        self, payload: bytes, document: dict[str, msgspec.Raw], recv_ns: int, events: list[Event]
    ) -> None:
        """A message without a stream name: by its event type, or by its keys where it has none."""
        label = _label(document)
        if label == _NO_LABEL:
            if "lastUpdateId" in document:
                label = _PARTIAL_DEPTH_LABEL
            elif document.keys() >= _QUOTE_KEYS:
                label = _QUOTE_LABEL
        raw_type = self._by_label.get(label)
        if raw_type is None:
            self._receive_unknown(label, payload, recv_ns)
        else:
            self._deliver_raw(raw_type, payload, raw_type.decode(payload), recv_ns, events)

    def _receive_stream(
        self, name: str, payload: bytes, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        route = self._by_name[name] if name in self._by_name else self._route_unasked(name)
        if route is None:
            # Its event type does not help: an unknown stream may mean something else by it (USD-M
            # has a second kind of book under `depthUpdate`).
            document = _read_document(payload)
            label = _label(document) if isinstance(document, dict) else _NO_LABEL
            suffix = name.partition("@")[2] or name
            self._receive_unknown(suffix if label == _NO_LABEL else label, frame, recv_ns)
            return
        try:
            decoded = route.decode(payload)
        except _UNDECODABLE as error:
            if route.is_array:
                self._salvage(route, payload, recv_ns, events)
            else:
                self._receive_misfit(error, payload, frame, recv_ns)
        else:
            self._lanes.deliver(route, payload, decoded, recv_ns, events)

    def _route_unasked(self, name: str) -> Route | None:
        """The route of a stream that this codec was not told of: the URL named it."""
        try:
            stream = parse_stream(name)
        except ConfigurationError:
            return None
        if stream.name in self._by_name:
            return self._by_name[stream.name]
        if len(self._by_name) < _ROUTES_KEPT:
            return self._add_route(stream)
        if stream.kind == StreamKind.OTHER:
            return None
        return Route(stream, self.market, self._decoders)

    def _salvage(self, route: Route, payload: bytes, recv_ns: int, events: list[Event]) -> None:
        """An array of which at least one message does not decode: take the others."""
        for element in map(bytes, _read_array(payload)):
            try:
                event = route.decode_element(element)
            except _UNDECODABLE as error:
                self._receive_misfit(error, element, element, recv_ns)
                continue
            event.ts_recv_ns = recv_ns
            route.extra_events += 1
            events.append(event)

    def _receive_misfit(self, error: Exception, payload: bytes, frame: bytes, recv_ns: int) -> None:
        """A message that is not of its stream's type: of an unknown one, or broken."""
        try:
            label = _label(_read_object(payload))
        except _UNDECODABLE:
            label = _NO_LABEL
        if label == _NO_LABEL or label in EVENT_KINDS:
            self._oddities.count_undecodable(error, frame, recv_ns)
        else:
            self._receive_unknown(label, frame, recv_ns)

    def _receive_unknown(self, label: str, frame: bytes, recv_ns: int) -> None:
        if label == _SHUTDOWN:
            # No lead time is promised, so the hand-over begins at once.
            self._directive = RotateBy(recv_ns, _SHUTDOWN)
            return
        self._oddities.count_unknown(label, frame, recv_ns)

    def _look_for_news(self, route: Route, payload: bytes, recv_ns: int) -> None:
        """Count the keys without a field, of a payload or of the first message of an array."""
        route.skip_looks(len(payload))
        try:
            document = _read_document(payload)
            if isinstance(document, list):
                document = _read_object(document[0]) if document else {}
            news = document.keys() - route.known
            if route.inner_key:
                inner = _read_object(document[route.inner_key])
                news |= {f"{route.inner_key}.{key}" for key in inner.keys() - route.inner_known}
        except _UNDECODABLE:
            # The typed decoder skips a key that it does not know without looking at its bytes.
            news = {_UNREADABLE_KEY}
        if news:
            self._oddities.count_new_fields(route.kind.value, news, payload, recv_ns)

    def _routes(self) -> set[Route]:
        routes = {route for route in self._by_name.values() if route is not None}
        for raw_type in self._by_label.values():
            routes.add(raw_type.default)
            routes.update(raw_type.routes.values())
        return routes

    @property
    def stats(self) -> CodecStats:
        """Counts so far. Cost: linear in the number of streams."""
        odd = self._oddities
        kinds: Counter[str] = Counter()
        for route in self._routes():
            kinds[route.kind.value] += route.events
        return CodecStats(
            events={kind: count for kind, count in sorted(kinds.items()) if count},
            unknown=dict(odd.unknown),
            new_fields={kind: dict(keys) for kind, keys in odd.new_fields.items()},
            undecodable=odd.undecodable,
            gaps=self._gaps,
            stale=self._stale,
            acks=self._subscriptions.acks,
            refusals=self._subscriptions.refusals,
            odd_frames=tuple(odd.frames),
        )


def _gap(route: Route, delta: BookDelta, last: int | None) -> Gap:
    return Gap(
        symbol=delta.symbol,
        stream=route.stream,
        cause=GapCause.SEQUENCE,
        last_sequence=last,
        first_sequence=delta.first_sequence,
        ts_recv_ns=delta.ts_recv_ns,
    )


def _value(document: dict[str, msgspec.Raw], key: str) -> object:
    return msgspec.json.decode(document[key]) if key in document else None


def _label(document: dict[str, msgspec.Raw]) -> str:
    event_type = _value(document, "e")
    return event_type if isinstance(event_type, str) else _NO_LABEL
