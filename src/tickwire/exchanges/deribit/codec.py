"""Deribit frames in, typed events out: replies and pushes of JSON-RPC 2.0.

A push names its channel at a place that does not move, and the name is the key of a table with the
decoder of its payload. Whatever misses takes the general path, which reads the envelope properly.

The server asks whether the client lives, once it was told to: every connection begins with
``public/set_heartbeat``, and ``test_request`` is answered with ``public/test``. What needs a login
is asked for when the login's answer is here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges.base import Liveness, RateLimits, RateWindow, Reconnect, Resync, Stream
from tickwire.exchanges.candles import Candles
from tickwire.exchanges.deribit import structs
from tickwire.exchanges.deribit.names import (
    RESOLUTIONS,
    is_private,
    kind_of,
    needs_login,
    parse_stream,
)
from tickwire.exchanges.deribit.plans import PLANS
from tickwire.exchanges.deribit.signing import login_params
from tickwire.exchanges.finite import check_levels
from tickwire.exchanges.intake import Target
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.exchanges.shaped import WAYS_KEPT, ShapedCodec
from tickwire.market import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tickwire.credentials import Credentials
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event

__all__ = ["CHANNELS_PER_CONNECTION", "DeribitCodec"]

CHANNELS_PER_CONNECTION = 500
"""Recommended by the vendor; not confirmed."""
HEARTBEAT_SECONDS = 30
_HEAD = b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"'
_MIDDLE = b'","data":'
_TAIL = b"}}"
_TEST = b'{"jsonrpc":"2.0","id":0,"method":"public/test","params":{}}'
_RENEW_BEFORE_NS = 120_000_000_000
_IS_SELLING = {"sell": True, "buy": False}
_NS = 1_000_000_000


class _Params(msgspec.Struct, gc=False):
    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Error(msgspec.Struct, gc=False):
    message: str = ""
    code: int | None = None
    data: object = None


class _Frame(msgspec.Struct, gc=False):
    method: object = None
    params: msgspec.Raw = msgspec.Raw()
    id: object = None
    result: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class _Login(msgspec.Struct, gc=False):
    refresh_token: str
    expires_in: int


_read_frame = msgspec.json.Decoder(_Frame).decode
_read_params = msgspec.json.Decoder(_Params).decode
_read_names = msgspec.json.Decoder(list[str]).decode
_read_login = msgspec.json.Decoder(_Login).decode


class DeribitCodec(ShapedCodec):
    """The codec of one Deribit connection. See :class:`~tickwire.exchanges.base.Codec`."""

    # Requests to subscribe are worth 3.3 a second; this leaves room for the answers to heartbeats.
    rate_limits = RateLimits(messages=(RateWindow(3, 1.0),))
    liveness = Liveness(dead_after=2.5 * HEARTBEAT_SECONDS)
    _head_ends = b'"' + _MIDDLE[1:]
    _head_from = len(_HEAD)

    def __init__(
        self, *, numbers: Numbers = "float", credentials: Credentials | None = None
    ) -> None:
        """
        Args:
            numbers: ``decimal`` gives exact ``Decimal`` prices and sizes.
            credentials: For private channels and ``.raw`` ones.
        """
        super().__init__(
            streams_limit=CHANNELS_PER_CONNECTION, plans=PLANS if numbers == "float" else {}
        )
        self._credentials = credentials
        self._decimal = numbers == "decimal"
        self._zero: Any = Decimal(0) if self._decimal else 0.0
        self._next_id = 1
        # What was asked, by the number of the request.
        self._requests: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._waiting: list[str] = []
        self._has_heartbeat = self._is_logging_in = self._is_logged_in = False
        self._is_renewing = False
        self._refresh_token = ""
        self._renew_at_ns = 0
        self._book_ends: dict[str, int] = {}
        self._trade_seqs: dict[tuple[str, str], int] = {}
        self._candles = Candles()
        takes: dict[str, tuple[Any, Callable[..., None]]] = {
            "trades": (list[self._kind(structs.DeribitTrade)], self._take_trades),  # type: ignore[misc]
            "ticker": (self._kind(structs.DeribitTicker), self._take_ticker),
            "quote": (self._kind(structs.DeribitQuote), self._take_one),
            "chart": (self._kind(structs.DeribitKline), self._take_candle),
            "book": (self._kind(structs.BookData), self._take_book),
            "book_top": (self._kind(structs.TopData), self._take_top),
            "user.trades": (list[self._kind(structs.DeribitFill)], self._take_fills),  # type: ignore[misc]
            "user.changes": (self._kind(structs.ChangesData), self._take_changes),
            "user.portfolio": (self._kind(structs.DeribitBalance), self._take_one),
        }
        order = self._kind(structs.DeribitOrder)
        takes["user.orders"] = (order | list[order], self._take_orders)  # type: ignore[valid-type]
        self._by_kind = {
            kind: (msgspec.json.Decoder(target).decode, take)
            for kind, (target, take) in takes.items()
        }
        self._by_name: dict[bytes, tuple[Stream, Any, Any]] = {}
        # By stream and the venue's instrument.
        self._ways: dict[str, dict[str, Target]] = {}

    def _kind(self, struct: type[msgspec.Struct]) -> Any:
        return DECIMAL_TWINS[struct] if self._decimal else struct

    # Requests

    def _as_stream(self, item: Stream | str) -> Stream:
        if isinstance(item, str):
            return self._streams.get(item) or parse_stream(item)
        found = parse_stream(item.name, item.symbol)
        # A venue's own kind ("positions") says which part of a channel is wanted.
        return item if item.kind else found

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        frames = []
        if not self._has_heartbeat:
            self._has_heartbeat = True
            frames.append(self._request("public/set_heartbeat", {"interval": HEARTBEAT_SECONDS}))
        self._forget(streams)
        for stream in streams:
            route = self._by_kind.get(parse_stream(stream.name).kind)
            if route is not None:
                self._by_name[stream.name.encode()] = (stream, *route)
        names = [stream.name for stream in streams]
        if self._is_logged_in or self._credentials is None:
            return frames + self._subscribe(names)
        later = [name for name in names if needs_login(name)]
        frames += self._subscribe([name for name in names if not needs_login(name)])
        self._waiting += later
        if later and not self._is_logging_in:
            self._is_logging_in = True
            frames.append(self._request("public/auth", login_params(self._credentials, now_ns)))
        return frames

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget(streams)
        names = [stream.name for stream in streams]
        self._waiting = [name for name in self._waiting if name not in names]
        return [
            self._request(f"{scope}/unsubscribe", {"channels": group})
            for scope, group in _by_scope(names)
        ]

    def _subscribe(self, names: list[str]) -> list[bytes]:
        return [
            self._request(f"{scope}/subscribe", {"channels": group}, tuple(group))
            for scope, group in _by_scope(names)
        ]

    def _request(self, method: str, params: dict[str, Any], names: tuple[str, ...] = ()) -> bytes:
        number = self._next_id
        self._next_id += 1
        self._requests[number] = (method, names)
        document = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        return msgspec.json.encode(document)

    def _forget(self, streams: Iterable[Stream]) -> None:
        for stream in streams:
            self._book_ends.pop(stream.name, None)
            for key in [key for key in self._trade_seqs if key[0] == stream.name]:
                del self._trade_seqs[key]

    def reset(self) -> None:
        """Begin a new connection: it is not logged in. Request numbers go on."""
        super().reset()
        self._requests.clear()
        self._waiting.clear()
        self._by_name.clear()
        self._book_ends.clear()
        self._trade_seqs.clear()
        self._candles.clear()
        self._has_heartbeat = self._is_logging_in = self._is_logged_in = False
        self._is_renewing = False
        self._renew_at_ns = 0

    # Frames

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if frame.startswith(_HEAD) and frame.endswith(_TAIL):
            name, _, payload = frame[len(_HEAD) : -len(_TAIL)].partition(_MIDDLE)
            route = self._by_name.get(name)
            if route is not None:
                stream, decode, take = route
                try:
                    data = decode(payload)
                except msgspec.DecodeError:
                    data = None  # more stands behind the data: see below
                if data is not None:
                    take(stream, data, recv_ns, events)
                    return
        self._take_other(frame, recv_ns, events)

    def _learn_way(
        self, stream: Stream, instrument: str, numbers: dict[Any, int], key: object
    ) -> None:
        """Let the intake read the frames that an event of this instrument came in."""
        shape = self._shapes.get(stream.kind)
        name = stream.name.encode()
        if shape is None or name not in self._by_name:
            return
        ways = self._ways.setdefault(stream.name, {})
        if len(ways) >= WAYS_KEPT:
            return
        ways[instrument] = Target(stream.symbol or instrument, numbers=numbers, key=key)
        head = _HEAD + name
        self._intake.add(
            head, shape, start=len(head) + self._head_gap, targets=ways, tail=_TAIL[1:]
        )

    def _forget_ways(self) -> None:
        super()._forget_ways()
        self._ways.clear()
        self._intake.clear()

    def _take_other(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        head = _read_frame(frame)
        if head.method == "subscription":
            params = _read_params(head.params)
            stream = self._streams.get(params.channel) or _named(params.channel)
            route = self._by_kind.get(_named(params.channel).kind)
            if route is None:
                self._unknown(params.channel.partition(".")[0] or "(none)", frame, recv_ns)
                return
            decode, take = route
            take(stream, decode(params.data), recv_ns, events)
        elif head.method == "heartbeat":
            if _read_params(head.params).type == "test_request":
                self._send(_TEST)
            self._renew(recv_ns)
        elif head.id is not None and head.method is None:
            self._take_reply(head, recv_ns)
        else:
            self._unknown(head.method or "(no method)", frame, recv_ns)

    def _renew(self, now_ns: int) -> None:
        """Ask for another token in time. Heartbeats come often enough to look at the clock by."""
        if self._renew_at_ns and now_ns >= self._renew_at_ns:
            self._renew_at_ns = 0
            self._is_renewing = True
            token = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
            self._send(self._request("public/auth", token))

    def _take_reply(self, head: _Frame, recv_ns: int) -> None:
        found = self._requests.pop(head.id, None) if type(head.id) is int else None
        if found is None:
            if head.error is not None:
                self._refuse(head.error.message, (), head.error.code)
            return
        method, names = found
        if method == "public/auth":
            self._take_login(head, recv_ns)
        elif head.error is not None:
            wanted = tuple(name for name in names if name in self._states)
            self._refuse(head.error.message or "no reason was given", wanted, head.error.code)
        elif names:
            accepted = set(_read_names(head.result))
            # What is not in the list was refused, without an error.
            missing = tuple(n for n in names if n not in accepted and n in self._states)
            self._accept(*(name for name in names if name in accepted))
            if missing:
                self._refuse("the answer does not list it: no such channel, or no right", missing)

    def _take_login(self, head: _Frame, recv_ns: int) -> None:
        was_renewing, self._is_renewing = self._is_renewing, False
        if head.error is not None and was_renewing and self._credentials is not None:
            # The token may have been revoked; the keys count all the same.
            self._is_logging_in = True
            params = login_params(self._credentials, recv_ns)
            self._send(self._request("public/auth", params))
            return
        self._is_logging_in = False
        waiting, self._waiting = self._waiting, []
        if head.error is not None:
            if self._is_logged_in:
                # What was accepted falls silent: another connection tells whether the keys do.
                self._wish(Reconnect(f"the login cannot be renewed: {head.error.message}"))
            self._is_logged_in = False
            reason = f"the login was refused: {head.error.message}"
            self._refuse(reason, tuple(waiting), head.error.code)
            return
        login = _read_login(head.result)
        self._acks += 1
        self._is_logged_in = True
        self._refresh_token = login.refresh_token
        lasts_ns = max(login.expires_in * _NS - _RENEW_BEFORE_NS, login.expires_in * _NS // 2)
        self._renew_at_ns = recv_ns + lasts_ns
        for frame in self._subscribe(waiting):
            self._send(frame)

    def _give(self, kind: str, rows: list[Any], recv_ns: int, events: list[Event]) -> None:
        for row in rows:
            row.ts_recv_ns = recv_ns
        self._events[kind] += len(rows)
        events += rows

    def _take_one(self, stream: Stream, event: Any, recv_ns: int, events: list[Event]) -> None:
        if stream.symbol:
            event.symbol = stream.symbol
        event.ts_recv_ns = recv_ns
        self._events[stream.kind] += 1
        events.append(event)

    def _take_trades(
        self, stream: Stream, rows: list[structs.DeribitTrade], recv_ns: int, events: list[Event]
    ) -> None:
        ways = self._ways.get(stream.name, {})
        for trade in rows:
            key = (stream.name, trade.symbol)
            if trade.symbol not in ways:
                self._learn_way(stream, trade.symbol, self._trade_seqs, key)
            trade.is_buyer_maker = _IS_SELLING.get(trade.direction)
            trade.ts_recv_ns = recv_ns
            if stream.symbol:
                trade.symbol = stream.symbol
            last = self._trade_seqs.get(key)
            if last is not None and trade.trade_seq > last + 1:
                events.append(self._gap(trade, stream.name, last=last, first=trade.trade_seq))
            elif last is not None and trade.trade_seq <= last:
                self._stale += 1
            self._trade_seqs[key] = max(trade.trade_seq, last or 0)
            events.append(trade)
        self._events["trades"] += len(rows)

    def _take_ticker(
        self, stream: Stream, ticker: structs.DeribitTicker, recv_ns: int, events: list[Event]
    ) -> None:
        stats: Any = ticker.stats
        ticker.high, ticker.low, ticker.volume = stats.high, stats.low, stats.volume
        ticker.price_change_percent = stats.price_change
        self._take_one(stream, ticker, recv_ns, events)

    def _take_candle(
        self, stream: Stream, candle: structs.DeribitKline, recv_ns: int, events: list[Event]
    ) -> None:
        _, _, rest = stream.name.partition("chart.trades.")
        instrument, _, resolution = rest.rpartition(".")
        candle.interval, length_ms = RESOLUTIONS[resolution]
        candle.close_time = candle.open_time + length_ms - 1
        candle.symbol = instrument
        candle.ts_recv_ns = recv_ns
        for item in self._candles.take(stream.name, [candle]):
            self._take_one(stream, item, recv_ns, events)

    def _take_book(
        self, stream: Stream, book: structs.BookData, recv_ns: int, events: list[Event]
    ) -> None:
        zero = self._zero
        shared: dict[str, Any] = {
            "symbol": stream.symbol or book.instrument_name,
            "event_time": book.timestamp,
            "transact_time": book.timestamp,
            "ts_recv_ns": recv_ns,
            "sequence": book.change_id,
            "bids": [(price, zero if a == "delete" else size) for a, price, size in book.bid_rows],
            "asks": [(price, zero if a == "delete" else size) for a, price, size in book.ask_rows],
        }
        if self._decimal:
            check_levels(shared["bids"], shared["asks"])
        if book.type == "snapshot" or (not book.type and book.prev_change_id is None):
            if stream.name in self._states:
                self._book_ends[stream.name] = book.change_id
            events.append(structs.DeribitSnapshot(**shared))
        elif not self._take_change(stream, book, shared, events):
            return
        self._events["book"] += 1

    def _take_change(
        self, stream: Stream, book: structs.BookData, shared: dict[str, Any], events: list[Event]
    ) -> bool:
        """Whether a change joins; after a break the channel is asked for again, and what comes
        until then is left out."""
        end = self._book_ends.get(stream.name)
        if end is None:
            self._stale += 1
            return False
        previous = book.prev_change_id
        first = book.change_id if previous is None else previous + 1
        delta = structs.DeribitDelta(first_sequence=first, prev_sequence=previous, **shared)
        if previous != end:
            del self._book_ends[stream.name]
            events.append(self._gap(delta, stream.name, last=end, first=first))
            self._wish(Resync(stream.name, f"prev_change_id is {previous}, not {end}"))
            return False
        self._book_ends[stream.name] = book.change_id
        events.append(delta)
        if book.instrument_name not in self._ways.get(stream.name, {}):
            self._learn_way(stream, book.instrument_name, self._book_ends, stream.name)
        return True

    def _take_top(
        self, stream: Stream, top: structs.TopData, recv_ns: int, events: list[Event]
    ) -> None:
        snapshot = structs.DeribitSnapshot(
            symbol=stream.symbol or top.instrument_name,
            event_time=top.timestamp,
            transact_time=top.timestamp,
            ts_recv_ns=recv_ns,
            sequence=top.change_id,
            bids=top.bids,
            asks=top.asks,
        )
        self._events["book_top"] += 1
        events.append(snapshot)

    # One's own account

    def _take_orders(self, stream: Stream, data: Any, recv_ns: int, events: list[Event]) -> None:
        rows = data if isinstance(data, list) else [data]
        for order in rows:
            if not isinstance(order.price_sent, str) and order.price_sent is not None:
                text = str(order.price_sent)
                order.price = Decimal(text) if self._decimal else float(text)
            order.event_time = order.transact_time
        self._give("user.orders", rows, recv_ns, events)

    def _take_fills(
        self, stream: Stream, rows: list[Any], recv_ns: int, events: list[Event]
    ) -> None:
        for fill in rows:
            fill.is_maker = fill.liquidity == "M"
            fill.event_time = fill.transact_time
        self._give("user.trades", rows, recv_ns, events)

    def _take_changes(
        self, stream: Stream, data: structs.ChangesData, recv_ns: int, events: list[Event]
    ) -> None:
        if stream.kind != "positions":
            self._take_orders(stream, data.orders, recv_ns, events)
            self._take_fills(stream, data.trades, recv_ns, events)
        self._give("positions", list(data.positions), recv_ns, events)

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Which event this is: books by the venue's change number, trades by their number within
        the instrument, what shows a state by its time. Private events have nothing of the kind."""
        if isinstance(event, structs.DeribitTrade):
            return Identity((event.symbol, "trades"), event.trade_seq, event.trade_seq)
        if isinstance(event, structs.DeribitDelta):
            return Identity(_channel(frame), event.sequence, event.first_sequence)
        if isinstance(event, structs.DeribitSnapshot):
            # A snapshot shows no hole: what is missing before it, the codec has told.
            return Identity(_channel(frame), event.sequence)
        if isinstance(event, structs.DeribitTicker):
            return Identity((event.symbol, "ticker"), event.event_time)
        if isinstance(event, structs.DeribitQuote):
            return Identity((event.symbol, "quote"), event.event_time)
        return None


def _named(name: str) -> Stream:
    """As :func:`parse_stream`, for a name that the venue sent: it is never refused."""
    return Stream(name, kind_of(name), "")


def _channel(frame: bytes) -> bytes:
    """The channel's name, as it stands in a frame."""
    return frame.partition(b'"channel":"')[2].partition(b'"')[0]


def _by_scope(names: list[str]) -> list[tuple[str, list[str]]]:
    """Private and public channels apart, as they are asked for by different methods."""
    public = [name for name in names if not is_private(name)]
    private = [name for name in names if is_private(name)]
    return [(scope, group) for scope, group in (("public", public), ("private", private)) if group]
