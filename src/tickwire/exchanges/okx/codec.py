"""OKX frames in, typed events out: public, business and private connections.

Three kinds of frames come: the text ``pong``, control messages (key ``event``) and pushes (keys
``arg`` and ``data``). A push finds its type by its first bytes (see
:mod:`tickwire.exchanges.pushes`).

A book's updates are linked by ``prevSeqId`` (see :data:`~tickwire.market.SequenceRule.LINKED`).
Where one does not join, a :class:`~tickwire.market.Gap` stands before it and the stream is
subscribed again. Until June 2026 every update had a checksum; wherever one comes that is not 0, the
book is kept in the digits sent and checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import ConfigurationError
from tickwire.exchanges.base import Liveness, RateLimits, RateWindow, Reconnect, Resync, RotateBy
from tickwire.exchanges.checksums import OKX, DigitBook
from tickwire.exchanges.finite import whole_number
from tickwire.exchanges.intake import Target
from tickwire.exchanges.okx.channels import Arg, Kind, arg_of, as_stream, kind_of
from tickwire.exchanges.okx.identity import identify
from tickwire.exchanges.okx.kinds import Kinds
from tickwire.exchanges.okx.plans import PLANS
from tickwire.exchanges.okx.refusals import LATER_CODES, LOGIN_CODES, advice
from tickwire.exchanges.okx.requests import Requests
from tickwire.exchanges.okx.signing import check_credentials, login_request
from tickwire.exchanges.pushes import Lane, PushCodec
from tickwire.exchanges.rows import as_levels
from tickwire.market import GapCause, Link, SequenceRule

if TYPE_CHECKING:
    from tickwire.credentials import Credentials
    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event, Identity

__all__ = ["OkxCodec"]

STREAMS_PER_CONNECTION = 500
"""Ours; the venue has a limit (close code 4009) and does not say which."""

_NS = 1_000_000_000
_CLOSES_AFTER_NS = 30 * _NS
_CLOSING = 64008
_PONG = b"pong"
_ARG_LEAD = b'{"arg":{'
_SNAPSHOT = "snapshot"
_ENDS = frozenset({"filled", "canceled", "mmp_canceled"})
_TOLD_KEPT = 4096
_SPOT = ("SPOT", "MARGIN")
_IS_SELLING = {"sell": True, "buy": False}
_BROKEN = Link.BROKEN
_LINKED = SequenceRule.LINKED


class _Head(msgspec.Struct, gc=False):
    """What every frame may have."""

    arg: Arg | None = None
    action: str = ""
    event: str = ""
    op: str = ""
    id: str = ""
    code: str = ""
    msg: str = ""
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _TextItem(msgspec.Struct, gc=False):
    asks: list[list[str]]
    bids: list[list[str]]
    checksum: int = 0


class _Texts(msgspec.Struct, gc=False):
    data: list[_TextItem]


_read_head = msgspec.json.Decoder(_Head).decode
_read_texts = msgspec.json.Decoder(_Texts).decode


class OkxCodec(PushCodec):
    """The codec of one OKX connection. See :class:`~tickwire.exchanges.base.Codec`.

    Cost, typical: 1 µs for a trade, 1.5 µs and 120 ns per level for a book's update.
    """

    # `subscribe`, `unsubscribe` and `login` together; the manager counts pings among them too.
    rate_limits = RateLimits(messages=(RateWindow(480, 3600.0),), connects=(RateWindow(3, 1.0),))
    _head_ends = b'"data"'
    _head_from = 0
    _head_gap = 0

    # The venue closes after 30 s in which it had nothing to send.
    liveness = Liveness(ping_every=20.0, only_in_silence=True, dead_after=40.0, ping=b"ping")

    def __init__(
        self,
        *,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        login: bool = False,
    ) -> None:
        """
        Args:
            numbers: ``decimal`` gives exact ``Decimal`` prices and sizes, at a higher cost.
            credentials: Key, secret and passphrase, for ``login``.
            login: Whether the connection logs in before it subscribes.

        Raises:
            ConfigurationError: A login without credentials, or no such kind of numbers. Retry: no.
        """
        if numbers not in ("float", "decimal"):
            raise ConfigurationError(f"numbers={numbers!r}: there are float and decimal")
        super().__init__(
            streams_limit=STREAMS_PER_CONNECTION, plans=PLANS if numbers == "float" else {}
        )
        self._credentials = check_credentials(credentials) if login else None
        self._kinds = Kinds(numbers, self)
        self._requests = Requests()
        self._is_logged_in = False
        self._is_logging_in = False
        self._waiting: list[str] = []
        self._digits: dict[str, DigitBook] = {}
        self._resyncing: set[str] = set()
        self._told: dict[tuple[str, str, str], None] = {}

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Which event this is: see :mod:`tickwire.exchanges.okx.identity`."""
        return identify(frame, event)

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed, every sequence begins anew."""
        super().reset()
        self._requests.reset()
        self._is_logged_in = self._is_logging_in = False
        self._waiting.clear()
        self._digits.clear()
        self._resyncing.clear()
        self._told.clear()

    # Requests

    def _as_stream(self, item: Stream | str) -> Stream:
        stream = as_stream(item)
        arg_of(stream.name)  # raises now rather than when it is asked for
        return stream

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        names = [stream.name for stream in streams]
        if self._credentials is None or self._is_logged_in:
            return self._requests.subscribe(names)
        self._waiting += names
        if self._is_logging_in:
            return []
        self._is_logging_in = True
        return [login_request(self._credentials, now_ns)]

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        for stream in streams:
            self._digits.pop(stream.name, None)
            self._resyncing.discard(stream.name)
            if stream.name in self._waiting:
                self._waiting.remove(stream.name)
        return self._requests.unsubscribe([stream.name for stream in streams])

    # Frames

    def _target(self, lane: Lane) -> Target:
        return Target(lane.symbol, numbers=self._chains, key=lane.name)

    def _take_general(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if frame == _PONG:
            return
        head = _read_head(frame)
        if head.event:
            self._take_control(head, frame, recv_ns)
        elif head.arg is None or not head.data:
            self._unknown(f"op {head.op}" if head.op else "(no event, no data)", frame, recv_ns)
        else:
            self._take_push(head, head.arg, frame, recv_ns, events)

    def _take_push(
        self, head: _Head, arg: Arg, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        kind = kind_of(arg.channel)
        if kind is Kind.OTHER:
            self._unknown(arg.channel, frame, recv_ns)
            return
        name = self._name_of(arg)
        is_snapshot = head.action == _SNAPSHOT
        key = (name, is_snapshot)
        lane = self._lanes_by_key.get(key)
        if lane is None:
            if is_snapshot and kind is Kind.BOOK:
                kind = Kind.BOOK_SNAPSHOT
            lane = self._kinds.lane(name, kind, self._symbol(name, arg.inst_id))
            self._remember(key, lane)
        message = self._kinds.read(kind, frame, lane)
        self._look(lane, frame, recv_ns)
        lane.emit(lane, message, frame, recv_ns, events)
        begin, _, _ = frame.partition(b'"data"')
        if (
            self._kinds.is_fast(kind)
            and begin.startswith(_ARG_LEAD)
            and begin.count(b"}") == 1
            and (b'"action":"%b"' % head.action.encode() in begin or not head.action)
        ):
            self._learn(begin, lane)

    def _name_of(self, arg: Arg) -> str:
        """The stream that a frame is of: as it was asked for, where the venue says less of it."""
        name = arg.name
        if name in self._states:
            return name
        for known, stream in self._streams.items():
            if known in self._states and stream.kind == kind_of(arg.channel):
                asked = arg_of(known)
                if asked.channel == arg.channel and asked.inst_id in ("", arg.inst_id):
                    return known
        return name

    # Control

    def _take_control(self, head: _Head, frame: bytes, recv_ns: int) -> None:
        event = head.event
        if event == "subscribe":
            name = self._name_of(head.arg) if head.arg is not None else ""
            self._requests.answered(head.id, name)
            self._accept(name)
        elif event == "unsubscribe":
            self._requests.answered(head.id, head.arg.name if head.arg is not None else "")
            self._accept()
        elif event == "login":
            self._acks += 1
            self._is_logged_in, self._is_logging_in = True, False
            waiting, self._waiting = self._waiting, []
            for request in self._requests.subscribe(waiting):
                self._send(request)
        elif event == "error":
            self._take_error(head)
        elif event == "notice":
            if head.code == str(_CLOSING):
                self._wish(RotateBy(recv_ns + _CLOSES_AFTER_NS, head.msg))
        elif event == "channel-conn-count-error":
            names = [name for name in self._states if arg_of(name).channel == head.channel]
            self._refuse(f"too many connections have the channel {head.channel}", tuple(names))
        elif event != "channel-conn-count":
            self._unknown(f"event {event}", frame, recv_ns)

    def _take_error(self, head: _Head) -> None:
        code = whole_number(head.code)
        hint = advice(code)
        reason = f"{head.msg or 'the venue gave no reason'}{f' ({hint})' if hint else ''}"
        if code in LATER_CODES:
            # Not the streams' fault, so that they stay pending: a later connection asks for them.
            self._refusals += 1
            self._wish(Reconnect(f"error {code}: {reason}"))
            return
        suspects = self._requests.refused(head.id)
        if self._is_logging_in and (code in LOGIN_CODES or not suspects):
            # Nothing else was asked that it could be an answer to.
            self._is_logging_in = False
            waiting, self._waiting = self._waiting, []
            self._refuse(reason, tuple(waiting), code)
            return
        open_ones = [name for name in suspects if name in self._states]
        if len(open_ones) > 1:
            # The venue does not say which of them it means: ask in halves.
            half = len(open_ones) // 2
            for part in (open_ones[:half], open_ones[half:]):
                for request in self._requests.subscribe(part):
                    self._send(request)
        else:
            self._refuse(reason, tuple(open_ones), code)

    # Events

    def emit_each(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Data that are events as they are."""
        symbol = lane.symbol
        found = message.data
        for event in found:
            event.ts_recv_ns = recv_ns
            if symbol:
                event.symbol = symbol
        lane.tally[0] += len(found)
        events += found

    def emit_trades(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Trades: their side is a word."""
        symbol = lane.symbol
        found = message.data
        for trade in found:
            trade.ts_recv_ns = recv_ns
            trade.transact_time = trade.event_time
            trade.is_buyer_maker = _IS_SELLING.get(trade.side)
            if symbol:
                trade.symbol = symbol
        lane.tally[0] += len(found)
        events += found

    def emit_tickers(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Tickers: one key means the quote currency on spot and the base currency elsewhere."""
        for ticker in message.data:
            if ticker.instrument_type in _SPOT:
                ticker.quote_volume = ticker.currency_volume
        self.emit_each(lane, message, frame, recv_ns, events)

    def emit_snapshots(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Whole books."""
        name = lane.name
        for number, book in enumerate(message.data):
            book.asks = as_levels(book.asks)
            book.bids = as_levels(book.bids)
            chain = self._chain(name, _LINKED)
            chain.last = book.sequence or None
            self._resyncing.discard(name)
            if book.checksum:
                self._begin_digits(lane, frame, number, book, recv_ns, events)
        self.emit_each(lane, message, frame, recv_ns, events)

    def emit_deltas(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Updates of a book."""
        name, symbol = lane.name, lane.symbol
        for number, delta in enumerate(message.data):
            delta.asks = as_levels(delta.asks)
            delta.bids = as_levels(delta.bids)
            delta.ts_recv_ns = recv_ns
            delta.symbol = symbol
            prev, sequence = delta.prev_sequence, delta.sequence
            if prev is not None:
                delta.first_sequence = prev + 1 if prev < sequence else sequence
                chain = self._chains.get(name) or self._chain(name, _LINKED)
                last = chain.last
                if prev == last:
                    chain.last = sequence
                elif (link := chain.advance(sequence, sequence, prev)) is _BROKEN:
                    self._lose(lane, delta, events, last=last)
                elif link is Link.STALE:
                    self._stale += 1
            if delta.checksum and name in self._digits:
                self._check_digits(lane, frame, number, delta, events)
            lane.tally[0] += 1
            events.append(delta)

    def _lose(
        self,
        lane: Lane,
        event: Any,
        events: list[Event],
        *,
        last: int | None = None,
        cause: GapCause = GapCause.SEQUENCE,
    ) -> None:
        """The book cannot be trusted from here on: say so, and ask for another."""
        first = getattr(event, "first_sequence", event.sequence) or None
        events.append(self._gap(event, lane.name, cause=cause, last=last, first=first))
        self._digits.pop(lane.name, None)
        if lane.name not in self._resyncing:
            self._resyncing.add(lane.name)
            self._wish(Resync(lane.name, f"{cause} after {last}"))

    def _begin_digits(
        self,
        lane: Lane,
        frame: bytes,
        number: int,
        book: Any,
        recv_ns: int,
        events: list[Event],
    ) -> None:
        digits = self._digits[lane.name] = DigitBook()
        item = _read_texts(frame).data[number]
        digits.replace(item.bids, item.asks)
        if digits.checksum(OKX) != book.checksum:
            book.symbol, book.ts_recv_ns = lane.symbol, recv_ns
            self._lose(lane, book, events, cause=GapCause.CHECKSUM)

    def _check_digits(
        self, lane: Lane, frame: bytes, number: int, delta: Any, events: list[Event]
    ) -> None:
        digits = self._digits[lane.name]
        item = _read_texts(frame).data[number]
        digits.apply(item.bids, item.asks)
        if digits.checksum(OKX) != delta.checksum:
            self._lose(lane, delta, events, cause=GapCause.CHECKSUM)

    def emit_orders(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Orders and fills: whose side rested is a word. What the venue repeats is left out."""
        for order in message.data:
            order.is_maker = order.execution_type == "M"
        if lane.kind == Kind.ORDER:
            message.data = [order for order in message.data if not self._is_repeated(order)]
        self.emit_each(lane, message, frame, recv_ns, events)

    def _is_repeated(self, order: Any) -> bool:
        """Whether this fill, this end or this amendment of an order was told before."""
        if order.trade_id:
            key = (order.order_id, "fill", order.trade_id)
        elif order.status in _ENDS:
            key = (order.order_id, "end", order.status)
        elif order.request_id:
            key = (order.order_id, "amendment", order.request_id)
        else:
            return False
        if key in self._told:
            self._stale += 1
            return True
        self._told[key] = None
        if len(self._told) > _TOLD_KEPT:
            del self._told[next(iter(self._told))]
        return False

    def emit_built(
        self, lane: Lane, message: Any, frame: bytes, recv_ns: int, events: list[Event]
    ) -> None:
        """Data of which events have to be made."""
        found = self._kinds.build(lane, message)
        for event in found:
            event.ts_recv_ns = recv_ns
        lane.tally[0] += len(found)
        events += found
