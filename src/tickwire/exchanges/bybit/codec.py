"""Bybit frames in, typed events out: public and private connections of API v5.

Pushes have the key ``topic``, first in every frame that was ever seen, though the order of the
others differs; control messages have ``op``, or ``type: COMMAND_RESP``. A push finds its type by
its first bytes (see :mod:`tickwire.exchanges.pushes`).

A book's messages are numbered by ``u``, each one more than the last; the number 1 begins the book
anew after a restart of the venue's service. That there are no holes is written of some depths only,
so that the check can be switched off. A message whose ``seq`` is below the last one's is old and is
left out. There are no checksums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import (
    Liveness,
    RateLimits,
    RateWindow,
    Resync,
    SubscriptionState,
)
from tickwire.exchanges.bybit.identity import identify
from tickwire.exchanges.bybit.kinds import Kinds
from tickwire.exchanges.bybit.plans import PLANS
from tickwire.exchanges.bybit.requests import Requests
from tickwire.exchanges.bybit.signing import check_credentials, login_request
from tickwire.exchanges.bybit.structs import BybitBookDelta, BybitBookSnapshot, BybitQuote
from tickwire.exchanges.bybit.topics import MARKETS, Kind, as_stream, kind_of, symbol_of
from tickwire.exchanges.intake import Target
from tickwire.exchanges.pushes import Lane, PushCodec, without_empty
from tickwire.exchanges.venue import one_of
from tickwire.market import Link, SequenceRule

if TYPE_CHECKING:
    from tickwire.credentials import Credentials
    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event, Identity

__all__ = ["STREAMS_PER_CONNECTION", "BybitCodec"]

STREAMS_PER_CONNECTION = 2000
"""What options take; elsewhere the length of their names is the limit."""

_TOPIC_BEGINS = len('{"topic":"')
_LEAD = b'{"topic":"'
_SNAPSHOT = "snapshot"
_IS_SELLING = {"Sell": True, "Buy": False}
_RESTARTED = 1
_PENDING = SubscriptionState.PENDING
_PERCENT = 100


class _TopicLists(msgspec.Struct, gc=False):
    failed: list[str] = msgspec.field(name="failTopics", default_factory=list)
    succeeded: list[str] = msgspec.field(name="successTopics", default_factory=list)


class _Head(msgspec.Struct, gc=False):
    """What every frame may have."""

    topic: str = ""
    op: str = ""
    type: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""
    data: msgspec.Raw = msgspec.Raw()


_read_head = msgspec.json.Decoder(_Head).decode
_read_lists = msgspec.json.Decoder(_TopicLists).decode


class BybitCodec(PushCodec):
    """The codec of one Bybit connection. See :class:`~tickwire.exchanges.base.Codec`.

    Cost, typical: 1 µs for a trade, 1.2 µs and 90 ns per level for a book's delta; a ticker of
    derivatives, which is merged from its changes, 6 µs.
    """

    rate_limits = RateLimits(connects=(RateWindow(500, 300.0),))
    _head_ends = b'"'
    _head_from = _TOPIC_BEGINS
    _head_gap = len('",')

    liveness = Liveness(ping_every=20.0, dead_after=50.0, ping=b'{"op":"ping"}')

    def __init__(
        self,
        market: str = "spot",
        *,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        login: bool = False,
        check_sequence: bool = True,
    ) -> None:
        """
        Args:
            market: ``spot``, ``linear``, ``inverse`` or ``option``.
            numbers: ``decimal`` gives exact ``Decimal`` prices and sizes, at a higher cost.
            credentials: Key and secret, for ``login``.
            login: Whether the connection logs in before it subscribes.
            check_sequence: Whether a hole in ``u`` is a gap.

        Raises:
            ConfigurationError: No such market or kind of numbers; a login without credentials.
                Retry: no.
        """
        if numbers not in ("float", "decimal"):
            raise ConfigurationError(f"numbers={numbers!r}: there are float and decimal")
        super().__init__(
            streams_limit=STREAMS_PER_CONNECTION, plans=PLANS if numbers == "float" else {}
        )
        self.market = one_of("market", market, MARKETS)
        self._credentials = check_credentials(credentials) if login else None
        self._rule = SequenceRule.PLUS_ONE if check_sequence else SequenceRule.UNNUMBERED
        self._kinds = Kinds(numbers, self.market, self)
        self._make_snapshot: Any = self._kinds.twin(BybitBookSnapshot)
        self._make_delta: Any = self._kinds.twin(BybitBookDelta)
        self._make_quote: Any = self._kinds.twin(BybitQuote)
        self._requests = Requests()
        self._is_logged_in = False
        self._is_logging_in = False
        self._waiting: list[str] = []
        self._cross: dict[str, int] = {}
        self._tickers: dict[str, dict[str, Any]] = {}
        self._resyncing: set[str] = set()

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Which event this is: see :mod:`tickwire.exchanges.bybit.identity`."""
        is_gapless = self._rule is SequenceRule.PLUS_ONE
        return identify(frame, event, is_gapless=is_gapless)

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        super().reset()
        self._requests.reset()
        self._is_logged_in = self._is_logging_in = False
        self._waiting.clear()
        self._cross.clear()
        self._tickers.clear()
        self._resyncing.clear()

    # Requests

    def _as_stream(self, item: Stream | str) -> Stream:
        stream = as_stream(item)
        as_stream(stream.name)  # raises now rather than when it is asked for
        return stream

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        topics = [stream.name for stream in streams]
        if self._credentials is None or self._is_logged_in:
            return self._requests.subscribe(topics)
        self._waiting += topics
        if self._is_logging_in:
            return []
        self._is_logging_in = True
        return [login_request(self._credentials, now_ns)]

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        for stream in streams:
            self._forget(stream.name)
            if stream.name in self._waiting:
                self._waiting.remove(stream.name)
        return self._requests.unsubscribe([stream.name for stream in streams])

    def _forget(self, topic: str) -> None:
        self._cross.pop(topic, None)
        self._tickers.pop(topic, None)
        self._resyncing.discard(topic)

    # Frames

    def _target(self, lane: Lane) -> Target:
        return Target(lane.symbol, numbers=self._chains, key=lane.name, floors=self._cross)

    def _take_general(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        head = _read_head(frame)
        if head.topic and head.data:
            self._take_push(head.topic, frame, recv_ns, events)
        elif head.op == "pong" or (head.op == "ping" and head.ret_msg == "pong"):
            return  # of five shapes; see the sources
        elif head.type == "COMMAND_RESP":
            self._take_lists(head)
        elif head.op == "auth" and head.success is not None:
            self._take_login(head)
        elif head.op in ("subscribe", "unsubscribe") and head.success is not None:
            self._take_answer(head)
        else:
            self._unknown(f"op {head.op}" if head.op else "(no topic, no op)", frame, recv_ns)

    def _take_push(self, topic: str, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        kind = kind_of(topic)
        if kind is Kind.OTHER:
            self._unknown(topic.partition(".")[0], frame, recv_ns)
            return
        lane = self._lanes_by_key.get(topic)
        if lane is None:
            lane = self._kinds.lane(topic, kind, self._symbol(topic, symbol_of(topic)))
            if kind is Kind.TRADE and self.market == "option":
                lane.symbol = ""  # the topic names a coin, the trades their instruments
            self._remember(topic, lane)
        message = self._kinds.read(kind, frame, lane)
        if self._states.get(topic) is _PENDING:
            # What flows was not refused: of a refused request it was the others.
            self._states[topic] = SubscriptionState.ACCEPTED
        self._look(lane, frame, recv_ns)
        lane.emit(lane, message, frame, recv_ns, events)
        if self._kinds.is_fast(kind) and frame.startswith(_LEAD):
            self._learn(frame[: frame.find(b'"', _TOPIC_BEGINS)], lane)

    # Control

    def _take_login(self, head: _Head) -> None:
        self._is_logging_in = False
        waiting, self._waiting = self._waiting, []
        if head.success:
            self._acks += 1
            self._is_logged_in = True
            for request in self._requests.subscribe(waiting):
                self._send(request)
        else:
            reason = head.ret_msg or "the venue gave no reason"
            hint = "check key, secret and this machine's clock"
            self._refuse(f"{reason} ({hint})", tuple(waiting))

    def _take_answer(self, head: _Head) -> None:
        operation, topics = self._requests.take(head.req_id)
        if head.success:
            self._accept(*(topics if operation == "subscribe" else ()))
            return
        suspects = [topic for topic in topics if self._states.get(topic) is _PENDING]
        if operation == "subscribe" and len(suspects) > 1:
            # The venue does not say which of them it means: ask in halves.
            half = len(suspects) // 2
            for part in (suspects[:half], suspects[half:]):
                for request in self._requests.subscribe(part):
                    self._send(request)
        else:
            names = suspects if operation == "subscribe" else []
            self._refuse(head.ret_msg or "the venue gave no reason", tuple(names))

    def _take_lists(self, head: _Head) -> None:
        lists = _read_lists(head.data) if head.data else _TopicLists()
        operation, topics = self._requests.take(head.req_id)
        if operation == "unsubscribe":
            self._accept()
            return
        self._accept(*(lists.succeeded if lists.succeeded or lists.failed else topics))
        if lists.failed:
            self._refuse(
                head.ret_msg or "the venue lists it under failTopics",
                tuple(topic for topic in lists.failed if topic in self._states),
            )

    # Events

    def emit_each(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Data that are events as they are."""
        for event in message.data:
            event.ts_recv_ns = recv_ns
            if lane.symbol:
                event.symbol = lane.symbol
            if not event.event_time:
                event.event_time = message.ts
            if lane.kind == Kind.KLINE:
                event.interval = lane.name.split(".")[1]
        lane.tally[0] += len(message.data)
        events += message.data

    def emit_trades(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Trades: their side is a word."""
        symbol, ts = lane.symbol, message.ts
        found = message.data
        for trade in found:
            trade.ts_recv_ns = recv_ns
            trade.event_time = ts
            trade.is_buyer_maker = _IS_SELLING.get(trade.side)
            if symbol:
                trade.symbol = symbol
        lane.tally[0] += len(found)
        events += found

    def emit_liquidations(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Liquidations: the venue says which position, an event which order."""
        for event in message.data:
            event.side = "Sell" if event.position_side == "Buy" else "Buy"
        self.emit_each(lane, message, frame, recv_ns, events)

    def emit_quotes(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """A book of one level."""
        data, zero = message.data, self._kinds.zero
        bid_price, bid_size = data.bids[0] if data.bids else (zero, zero)
        ask_price, ask_size = data.asks[0] if data.asks else (zero, zero)
        quote = self._make_quote(
            symbol=lane.symbol or data.symbol,
            event_time=message.ts,
            ts_recv_ns=recv_ns,
            transact_time=message.cts,
            sequence=data.sequence,
            cross_sequence=data.cross_sequence,
            bid_price=bid_price,
            bid_size=bid_size,
            ask_price=ask_price,
            ask_size=ask_size,
        )
        lane.tally[0] += 1
        events.append(quote)

    def emit_books(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """A book's snapshot or delta."""
        delta = message.data
        name, sequence, cross = lane.name, delta.sequence, delta.cross_sequence
        delta.ts_recv_ns = recv_ns
        if lane.symbol:
            delta.symbol = lane.symbol
        if message.type == _SNAPSHOT or (sequence == _RESTARTED and lane.kind != Kind.FULL_BOOK):
            self._begin_book(lane, message, delta, events)
            return
        if cross < self._cross.get(name, 0):
            self._stale += 1
            return
        self._cross[name] = cross
        delta.event_time = message.ts
        delta.transact_time = message.cts
        delta.first_sequence = sequence
        chain = self._chains.get(name) or self._chain(name, self._rule)
        last = chain.last
        if last is not None and sequence == last + 1:
            chain.last = sequence
        elif sequence == _RESTARTED and last is not None:
            # The full book has no snapshots of its own: this begins it anew.
            chain.last = sequence
            events.append(self._gap(delta, name, last=last, first=sequence))
        elif (link := chain.advance(sequence, sequence)) is Link.BROKEN:
            events.append(self._gap(delta, name, last=last, first=sequence))
            # A full book gets its snapshot over REST; there is nothing to subscribe to.
            if name not in self._resyncing and lane.kind != Kind.FULL_BOOK:
                self._resyncing.add(name)
                self._wish(Resync(name, f"u went from {last} to {sequence}"))
        elif link is Link.STALE:
            self._stale += 1
        lane.tally[0] += 1
        events.append(delta)

    def _begin_book(self, lane: Lane, message: Any, data: Any, events: list[Event]) -> None:
        name = lane.name
        self._resyncing.discard(name)
        self._cross[name] = data.cross_sequence
        self._chain(name, self._rule).last = data.sequence
        lane.tally[0] += 1
        events.append(
            self._make_snapshot(
                symbol=data.symbol,
                event_time=message.ts,
                ts_recv_ns=data.ts_recv_ns,
                transact_time=message.cts,
                bids=data.bids,
                asks=data.asks,
                sequence=data.sequence,
                cross_sequence=data.cross_sequence,
            )
        )

    def emit_rpi_books(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Books of three columns: what an order can meet is both sizes together."""
        rows = message.data
        message.data = self._make_delta(
            symbol=rows.symbol,
            bids=[(row.price, row.size + row.rpi) for row in rows.bids],
            asks=[(row.price, row.size + row.rpi) for row in rows.asks],
            sequence=rows.sequence,
            cross_sequence=rows.cross_sequence,
        )
        self.emit_books(lane, message, frame, recv_ns, events)

    def emit_tickers(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Tickers: a delta has the keys that changed, an event all of them."""
        name = lane.name
        known = self._tickers.get(name)
        if message.type != _SNAPSHOT:
            if known is None:
                self._unknown("delta of a ticker without a snapshot", frame, recv_ns)
                return
            merged = known | message.data
        else:
            merged = message.data
        ticker = msgspec.convert(without_empty(merged), self._kinds.ticker, strict=False)
        self._tickers[name] = merged
        if ticker.price_change_fraction is not None:
            ticker.price_change_percent = ticker.price_change_fraction * _PERCENT
        ticker.ts_recv_ns = recv_ns
        ticker.event_time = message.ts
        ticker.cross_sequence = message.cs
        if lane.symbol:
            ticker.symbol = lane.symbol
        lane.tally[0] += 1
        events.append(ticker)

    def emit_private(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Private data that are events as they are."""
        for event in message.data:
            event.ts_recv_ns = recv_ns
            event.event_time = message.created
        lane.tally[0] += len(message.data)
        events += message.data

    def emit_wallets(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Wallets: the totals, then every coin."""
        message.data = [event for wallet in message.data for event in (wallet, *wallet.coins)]
        self.emit_private(lane, message, frame, recv_ns, events)
