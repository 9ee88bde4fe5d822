"""WEEX V3 frames in, typed events out.

A push begins with its event's name, ``{"e":"trade",``, and those bytes are the key of a table with
the type to decode it as. Whatever misses takes the general path, which reads the outer object and
classifies it in the vendor's order: greeting, ping, answer, echo, push.

The venue counts refused requests and closes the connection at the sixth. So a refused request of
several names is asked again in halves at most twice, while few were refused, and never otherwise;
no more requests are under way than may still be refused, the others wait for the answers; and after
the fifth refusal nothing is asked on this connection any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.exchanges.intake import Target
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.exchanges.weex import structs
from tickwire.exchanges.weex.common import WeexBase, entry_price
from tickwire.exchanges.weex.names import parse_stream
from tickwire.exchanges.weex.plans import PLANS
from tickwire.market import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.exchanges.base import Stream
    from tickwire.market import Event

__all__ = ["NOT_ASKED", "V3_PATHS", "WeexCodec"]

V3_PATHS = {False: "/v3/ws/public", True: "/v3/ws/private"}
"""By whether it is private."""
NAMES_PER_REQUEST = 100
_REFUSALS_BEFORE_CAUTION = 2
"""Asking in halves after at most so many refusals leads to five at most; the sixth is the end."""
_REFUSALS_AT_MOST = 5
NOT_ASKED = 1007
"""The code of the refusal of what was not asked, as the venue would close with it."""
_PONG = b'{"method":"PONG","id":0}'
_LEAD = len(b'{"e":"')
_TICKERS = ("ticker", "24hrTicker")
_HUNDRED = 100
_ACCOUNT_EVENTS = (
    structs.WeexBalance,
    structs.WeexContractBalance,
    structs.WeexFill,
    structs.WeexOrder,
    structs.WeexPosition,
)


class _Head(msgspec.Struct, gc=False):
    """What tells frames apart."""

    e: object = None
    event: object = None
    type: object = None
    method: object = None
    result: object = None
    id: object = None
    msg: object = None


_read_head = msgspec.json.Decoder(_Head).decode


class WeexCodec(WeexBase):
    """The codec of one WEEX V3 connection. See :class:`~tickwire.exchanges.base.Codec`."""

    path = V3_PATHS[True]
    _head_from = _LEAD
    _plans = PLANS

    def __init__(self, product: str = "contract", **settings: Any) -> None:
        """See :class:`~tickwire.exchanges.weex.common.WeexBase`."""
        super().__init__(product, **settings)
        self._next_id = 1
        self._requests: dict[int, tuple[str, ...]] = {}
        self._rejections = 0
        self._answered = 0
        self._held: list[tuple[str, ...]] = []
        self._symbols: dict[tuple[str, str], str] = {}
        accounts: dict[str, type[msgspec.Struct]] = {
            "contract": structs.ContractAccounts,
            "spot": structs.SpotAccounts,
        }
        takes: dict[str, tuple[type[msgspec.Struct], Callable[..., None]]] = {
            "trade": (structs.Trades, self._take_trades),
            "tradeSnapshot": (structs.Trades, self._take_past_trades),
            "depth": (structs.WeexDelta, self._take_delta),
            "depthSnapshot": (structs.WeexSnapshot, self._take_snapshot),
            "bookTicker": (structs.WeexQuote, self._take_quote),
            "kline": (structs.Klines, self._take_klines),
            "klineSnapshot": (structs.Klines, self._take_klines),
            "account": (accounts[self.product], self._take_balances),
            "orders": (structs.Orders, self._take_orders),
            "fill": (structs.Fills, self._take_fills),
            "positions": (structs.Positions, self._take_positions),
        }
        takes |= dict.fromkeys(_TICKERS, (structs.Tickers, self._take_tickers))
        self._by_event = {
            event: (self._decoder(kind), take) for event, (kind, take) in takes.items()
        }
        self._by_lead = {
            b'{"e":"' + event.encode(): route for event, route in self._by_event.items()
        }
        self._add_ways(b'{"e":"', {kind: kind for kind in PLANS})

    def _decoder(self, kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
        if self._numbers == "decimal":
            kind = DECIMAL_TWINS[kind]
        # Not strict: numbers are sent as strings.
        return msgspec.json.Decoder(kind, strict=False).decode

    # Requests

    def _as_stream(self, item: Stream | str) -> Stream:
        if not isinstance(item, str):
            return parse_stream(item.name, self.product, item.symbol)
        stream = parse_stream(item, self.product)
        # Asked for again by its name alone, it keeps what the caller calls its symbol.
        return self._streams.get(stream.name, stream)

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget_books(streams)
        for stream in streams:
            instrument, _, channel = stream.name.partition("@")
            self._symbols[instrument, channel] = stream.symbol or instrument
        names = [stream.name for stream in streams]
        self._held += [
            tuple(names[start : start + NAMES_PER_REQUEST])
            for start in range(0, len(names), NAMES_PER_REQUEST)
        ]
        return self._release()

    def _release(self) -> list[bytes]:
        """The requests that may go now."""
        # Answers come in order: what is older than the newest answer is under way no more.
        under_way = sum(number > self._answered for number in self._requests)
        room = max(_REFUSALS_AT_MOST - self._rejections - under_way, 0)
        going, self._held = self._held[:room], self._held[room:]
        if self._rejections >= _REFUSALS_AT_MOST:
            held, self._held = self._held, []
            for names in held:
                self._refuse(
                    f"not asked: {self._rejections} requests of this connection were refused, and "
                    "the venue ends it at one more",
                    names,
                    NOT_ASKED,
                )
        return [self._request("SUBSCRIBE", names) for names in going]

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget_books(streams)
        leaving = [stream.name for stream in streams]
        held = {name for names in self._held for name in names}
        self._held = [
            kept for names in self._held if (kept := tuple(n for n in names if n not in leaving))
        ]
        names = tuple(name for name in leaving if name not in held)
        return [self._request("UNSUBSCRIBE", names)] if names else []

    def _request(self, method: str, names: tuple[str, ...]) -> bytes:
        number = self._next_id
        self._next_id += 1
        if method == "SUBSCRIBE":
            self._requests[number] = names
        return msgspec.json.encode({"method": method, "params": names, "id": number})

    def reset(self) -> None:
        """Begin a new connection. Request numbers go on, so that no late answer can match."""
        super().reset()
        self._requests.clear()
        self._symbols.clear()
        self._held.clear()
        self._rejections = self._answered = 0

    # Frames

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        route = self._by_lead.get(frame[: frame.find(b'"', _LEAD)])
        if route is None:
            self._take_other(frame, recv_ns, events)
            return
        decode, take = route
        take(decode(frame), recv_ns, events)

    def _take_other(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        head = _read_head(frame)
        notice = head.event if head.event is not None else head.type
        if notice == "ping":
            self._send(_PONG)
        elif notice == "connected" or head.method in ("PING", "PONG"):
            return
        elif head.result is not None:
            self._take_answer(head)
        elif isinstance(head.e, str) and head.e in self._by_event:
            decode, take = self._by_event[head.e]
            take(decode(frame), recv_ns, events)
        else:
            self._unknown(head.e or notice or "(no event)", frame, recv_ns)

    def _take_answer(self, head: _Head) -> None:
        # `type`, because `true` is an int that equals a request's number.
        names = None
        if type(head.id) is int:
            names = self._requests.pop(head.id, None)
            if head.id < self._next_id:
                self._answered = max(self._answered, head.id)
        if head.result is not False:
            if names is not None:
                self._accept(*names)
        else:
            self._rejections += 1
            wanted = tuple(name for name in names or () if name in self._states)
            if len(wanted) > 1 and self._rejections <= _REFUSALS_BEFORE_CAUTION:
                # One bad name may have taken the good ones with it.
                middle = len(wanted) // 2
                self._held[:0] = (wanted[:middle], wanted[middle:])
            else:
                self._refuse(str(head.msg or "no reason was given"), wanted)
        for request in self._release():
            self._send(request)

    def _called(self, instrument: str, channel: str) -> str:
        """What the caller calls an instrument on a channel."""
        return self._symbols.get((instrument, channel), instrument)

    def _take_trades(self, push: structs.Trades, recv_ns: int, events: list[Event]) -> None:
        rows, event_time = push.rows, push.event_time
        symbol = self._symbols.get((push.symbol, "trade"), push.symbol)
        self._learn_target("trade", push.symbol, lambda: Target(symbol))
        for trade in rows:
            trade.event_time = event_time
            trade.symbol = symbol
            trade.ts_recv_ns = recv_ns
        if len(rows) > 1:
            for number, trade in enumerate(rows):
                trade.row_number = number
        self._events["trade"] += len(rows)
        events += rows

    def _take_past_trades(self, push: structs.Trades, recv_ns: int, events: list[Event]) -> None:
        # Neither order is promised; a recording of trades is one in time.
        push.rows.sort(key=_transact_time)
        for trade in push.rows:
            trade.is_history = True
        self._take_trades(push, recv_ns, events)
        for trade in push.rows:
            # Before the live ones of the same millisecond.
            trade.row_number -= len(push.rows)

    def _take_tickers(self, push: structs.Tickers, recv_ns: int, events: list[Event]) -> None:
        symbol = self._called(push.symbol, "ticker")
        for ticker in push.rows:
            ticker.event_time = push.event_time
            ticker.symbol = symbol
            ticker.ts_recv_ns = recv_ns
            ticker.price_change_percent = ticker.change_fraction * _HUNDRED
        self._events["ticker"] += len(push.rows)
        events += push.rows

    def _take_klines(self, push: structs.Klines, recv_ns: int, events: list[Event]) -> None:
        push.rows.sort(key=_open_time)
        for candle in push.rows:
            candle.event_time = push.event_time
            candle.ts_recv_ns = recv_ns
            candle.close_time -= 1
            candle.price_type = push.price_type
            channel = f"kline_{candle.interval}"
            candle.symbol = self._symbols.get(
                (push.symbol, f"{channel}_{push.price_type}"), self._called(push.symbol, channel)
            )
            self._add_candle((push.symbol, push.price_type, candle.interval), candle, events)

    def _take_quote(self, quote: structs.WeexQuote, recv_ns: int, events: list[Event]) -> None:
        quote.symbol = self._called(quote.symbol, "bookTicker")
        quote.ts_recv_ns = recv_ns
        self._events["bookTicker"] += 1
        events.append(quote)

    def _take_delta(self, delta: structs.WeexDelta, recv_ns: int, events: list[Event]) -> None:
        channel = f"depth{delta.level}"
        instrument, level = delta.symbol, delta.level
        name = f"{instrument}@{channel}"
        symbol = delta.symbol = self._symbols.get((instrument, channel), instrument)
        delta.first_sequence = delta.prev_sequence + 1
        delta.ts_recv_ns = recv_ns
        if self._continue_book(name, delta, events):
            self._events["depth"] += 1
            events.append(delta)
            ends = self._book_ends
            self._learn_target(
                "depth",
                instrument,
                lambda: Target(symbol, numbers=ends, key=name, mark=level),
            )

    def _take_snapshot(
        self, snapshot: structs.WeexSnapshot, recv_ns: int, events: list[Event]
    ) -> None:
        channel = f"depth{snapshot.level}"
        self._begin_book(f"{snapshot.symbol}@{channel}", snapshot.sequence)
        snapshot.symbol = self._called(snapshot.symbol, channel)
        snapshot.ts_recv_ns = recv_ns
        self._events["depth"] += 1
        events.append(snapshot)

    def _take_balances(
        self, push: structs.ContractAccounts, recv_ns: int, events: list[Event]
    ) -> None:
        self._take_account_rows("account", push, recv_ns, events)

    def _take_orders(self, push: structs.Orders, recv_ns: int, events: list[Event]) -> None:
        self._take_account_rows("orders", push, recv_ns, events)

    def _take_fills(self, push: structs.Fills, recv_ns: int, events: list[Event]) -> None:
        for fill in push.rows:
            fill.price = entry_price(fill.value, fill.size) or fill.price
            fill.is_maker = fill.direction == "MAKER"
        self._take_account_rows("fill", push, recv_ns, events)

    def _take_positions(self, push: structs.Positions, recv_ns: int, events: list[Event]) -> None:
        for position in push.rows:
            position.entry_price = entry_price(position.open_value, position.size)
        self._take_account_rows("positions", push, recv_ns, events)

    def _take_account_rows(self, kind: str, push: Any, recv_ns: int, events: list[Event]) -> None:
        for number, row in enumerate(push.rows):
            row.account_version, row.row_number = push.version, number
            row.event_time = push.event_time
            row.ts_recv_ns = recv_ns
        self._events[kind] += len(push.rows)
        events += push.rows

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Which event this is: its message's time at the venue, and what orders the events of one
        message.

        Depth has numbers of its own, which would do as well, but what becomes of them when the
        venue restarts is not known, and a stream whose numbers fell behind would be silent.
        """
        number = event.event_time
        if isinstance(event, structs.WeexTrade):
            return Identity((event.symbol, "trade"), (number, event.row_number))
        if isinstance(event, structs.WeexDelta | structs.WeexSnapshot):
            return Identity((event.symbol, "depth", event.level), (number, event.sequence))
        if isinstance(event, structs.WeexTicker):
            return Identity((event.symbol, "ticker"), number)
        if isinstance(event, structs.WeexQuote):
            return Identity((event.symbol, "bookTicker"), (number, event.sequence))
        if isinstance(event, structs.WeexKline):
            stream = (event.symbol, event.price_type, event.interval)
            return Identity(stream, (number, event.open_time, int(event.is_closed)))
        if isinstance(event, _ACCOUNT_EVENTS):
            return Identity(event.kind, (number, event.account_version, event.row_number))
        return None


def _transact_time(trade: structs.WeexTrade) -> int:
    return trade.transact_time


def _open_time(candle: structs.WeexKline) -> int:
    return candle.open_time
