"""Kraken's codec, v2: frames that name their channel, with a list of entries each.

A book has a checksum and no number. The checksum needs each pair's precisions, which the
``instrument`` channel has; the codec subscribes it by itself before the first book, and asks for
books once it has answered. A book whose checksum is not the venue's is a gap, and is subscribed
anew; should the new snapshot be wrong as well, the connection is replaced.

Sources: the vendor's guides and channel pages of the Spot WebSocket interface v2, and its "Book
checksum (v2)", state of August 2026.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tickwire.errors import LoginError
from tickwire.exchanges.base import Liveness, Reconnect, Resync, RotateBy
from tickwire.exchanges.beginnings import Beginnings
from tickwire.exchanges.candles import Candles
from tickwire.exchanges.intake import Target
from tickwire.exchanges.kraken.account import Executions, balances_of
from tickwire.exchanges.kraken.checksum import FloatBook, InexactNumberError, ScaledBook
from tickwire.exchanges.kraken.control import KrakenControl
from tickwire.exchanges.kraken.names import DEPTHS, INTERVALS
from tickwire.exchanges.kraken.plans import PLANS
from tickwire.exchanges.kraken.signing import token_request
from tickwire.exchanges.kraken.structs import (
    BalanceMessage,
    BookMessage,
    CandleMessage,
    ExecutionMessage,
    InstrumentMessage,
    KrakenDelta,
    KrakenSnapshot,
    KrakenTrade,
    QuoteMessage,
    Reply,
    StatusMessage,
    TickerMessage,
    TradeMessage,
)
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.exchanges.times import rfc3339_ns
from tickwire.market import GapCause, Identity, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.credentials import Credentials
    from tickwire.exchanges.base import HttpRequest
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event

__all__ = ["KrakenCodec"]

Book = FloatBook | ScaledBook

REST = "https://api.kraken.com"

_LEAD = b'{"channel":"'
_LEAD_SIZE = len(_LEAD)
_STREAMS_LIMIT = 1000
_SNAPSHOT = "snapshot"
_MAINTENANCE = "maintenance"
_NS_PER_MICROSECOND = 1_000
_NS_PER_MINUTE = 60_000_000_000
_FAILURES_OF_A_CONNECTION = 2
_INTERVAL_NAMES = {minutes: name for name, minutes in INTERVALS.items()}
_BOOK_LABELS = tuple(f"book-{depth}" for depth in DEPTHS)
_OK = 200
_DECIMALS = 18
_IS_SELLING = {"sell": True, "buy": False}
_NO_NAMES: dict[str, str] = {}


class _TokenAnswer(msgspec.Struct):
    error: list[str] = []
    result: dict[str, Any] | None = None


def _decoder(kind: type[msgspec.Struct], *, is_decimal: bool) -> Any:
    return msgspec.json.Decoder(DECIMAL_TWINS[kind] if is_decimal else kind).decode


_read_reply = msgspec.json.Decoder(Reply).decode
_read_status = msgspec.json.Decoder(StatusMessage).decode
_read_instruments = msgspec.json.Decoder(InstrumentMessage).decode
_read_token = msgspec.json.Decoder(_TokenAnswer).decode
_read_exact_book = _decoder(BookMessage, is_decimal=True)


class KrakenCodec(KrakenControl):
    """One connection to Kraken. See :class:`~tickwire.exchanges.base.Codec`."""

    liveness = Liveness(
        ping_every=5.0, only_in_silence=True, dead_after=15.0, ping=b'{"method":"ping"}'
    )
    _head_from = _LEAD_SIZE

    def __init__(
        self,
        *,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        rest: str = REST,
    ) -> None:
        """
        Args:
            numbers: Of prices and sizes.
            credentials: For channels of the account: a token is fetched before connecting.
            rest: The REST interface's address.
        """
        super().__init__(streams_limit=_STREAMS_LIMIT, plans=PLANS if numbers == "float" else {})
        self._credentials = credentials
        self._rest = rest
        self._is_decimal = numbers == "decimal"
        self._precisions: dict[str, tuple[int, int]] = {}
        self._new_book: type[Book] = ScaledBook if self._is_decimal else FloatBook
        self._books: dict[str, Book] = {}
        self._failures: dict[str, int] = {}
        self._beginnings = Beginnings()
        self._candles = Candles()
        self._last_trades: dict[str, int] = {}
        self._executions = Executions(Decimal(0) if self._is_decimal else 0.0)
        self._system = ""

        def read(kind: type[msgspec.Struct]) -> Any:
            return _decoder(kind, is_decimal=self._is_decimal)

        self._read_trades = read(TradeMessage)
        self._read_book = read(BookMessage)
        self._read_tickers = read(TickerMessage)
        self._read_quotes = read(QuoteMessage)
        self._read_candles = read(CandleMessage)
        self._read_executions = read(ExecutionMessage)
        self._read_balances = read(BalanceMessage)
        self._takers: dict[bytes, Callable[[bytes, int, list[Event]], None]] = {
            b"trade": self._take_trades,
            b"book": self._take_book,
            b"ticker": self._take_tickers,
            b"ohlc": self._take_candles,
            b"executions": self._take_executions,
            b"balances": self._take_balances,
            b"instrument": self._take_instruments,
            b"status": self._take_status,
            b"heartbeat": self._take_nothing,
        }
        self._add_ways(_LEAD, {kind: kind for kind in PLANS})

    # Before the connection

    def prepare(self, now_ns: int) -> HttpRequest | None:
        """The request for a token; with credentials only."""
        if self._credentials is None:
            return None
        return token_request(self._credentials, self._rest, str(now_ns // _NS_PER_MICROSECOND))

    def prepared(self, status: int, body: bytes, now_ns: int) -> None:
        """The answer to it.

        Raises:
            LoginError: There is no token in it. Retry: no.
        """
        try:
            answer = _read_token(body)
        except msgspec.DecodeError:
            answer = _TokenAnswer(error=[f"HTTP {status}, and no answer in JSON"])
        token = (answer.result or {}).get("token")
        if status != _OK or answer.error or not isinstance(token, str):
            raise LoginError("; ".join(answer.error) or f"HTTP {status} without a token")
        self._token = token

    # Frames

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        taker = None
        if frame.startswith(_LEAD):
            taker = self._takers.get(frame[_LEAD_SIZE : frame.find(b'"', _LEAD_SIZE)])
        if taker is None:
            reply = _read_reply(frame)
            if reply.method:
                if reply.method != "pong":
                    self._take_reply(reply)
                return
            taker = self._takers.get(reply.channel.encode())
            if taker is None:
                kind = reply.channel or "(no channel)"
                if reply.error:
                    self._refuse(reply.error)
                else:
                    self._unknown(kind, frame, recv_ns)
                return
        taker(frame, recv_ns, events)

    def _take_nothing(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        """A heartbeat: that it came is all there is to it."""

    def _take_trades(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        names = self._names.get("trade", _NO_NAMES)
        trades = self._read_trades(frame).data
        for trade in trades:
            pair, number = trade.symbol, trade.trade_id
            trade.ts_recv_ns = recv_ns
            trade.is_buyer_maker = _IS_SELLING.get(trade.side)
            trade.symbol = names.get(pair, pair)
            if self._last_trades.get(pair) == number - 1:
                self._last_trades[pair] = number  # the plain successor
                self._learn_target(
                    "trade",
                    pair,
                    partial(Target, trade.symbol, numbers=self._last_trades, key=pair),
                )
            else:
                self._note_trade(trade, pair, number, events)
            events.append(trade)
        self._events["trade"] += len(trades)

    def _note_trade(self, trade: Event, pair: str, number: int, events: list[Event]) -> None:
        """A trade that does not follow the last one: the first, a repeated one, or after a hole."""
        last = self._last_trades.get(pair)
        if last is not None and number <= last:
            self._stale += 1
            return
        if last is not None:
            events.append(self._gap(trade, f"trade:{pair}", last=last, first=number))
        self._last_trades[pair] = number

    def _take_tickers(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        as_quotes, as_tickers = self._names.get("bbo", {}), self._names.get("ticker", {})
        if as_quotes:
            for quote in self._read_quotes(frame).data:
                if quote.symbol in as_quotes:
                    quote.symbol = as_quotes[quote.symbol]
                    quote.ts_recv_ns = recv_ns
                    events.append(quote)
                    self._events["bbo"] += 1
        if as_quotes and not as_tickers:
            return
        for ticker in self._read_tickers(frame).data:
            if ticker.symbol in as_tickers or ticker.symbol not in as_quotes:
                ticker.symbol = as_tickers.get(ticker.symbol, ticker.symbol)
                ticker.ts_recv_ns = recv_ns
                events.append(ticker)
                self._events["ticker"] += 1

    def _take_candles(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_candles(frame)
        by_stream: dict[str, list[Any]] = {}
        for candle in message.data:
            minutes = candle.minutes
            label = f"ohlc-{minutes}"
            by_stream.setdefault(f"{label}:{candle.symbol}", []).append(candle)
            candle.symbol = self._names.get(label, {}).get(candle.symbol, candle.symbol)
            candle.interval = _INTERVAL_NAMES.get(minutes, f"{minutes}m")
            candle.open_time = rfc3339_ns(candle.begin)
            candle.close_time = candle.open_time + minutes * _NS_PER_MINUTE - 1
            candle.sent = message.timestamp
            candle.ts_recv_ns = recv_ns
        for stream, candles in by_stream.items():
            found = self._candles.take(stream, candles)
            events += found
            self._events["ohlc"] += len(found)

    # Books

    def _take_book(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_book(frame)
        for place, data in enumerate(message.data):
            pair = data.symbol
            bids = [(row.price, row.qty) for row in data.bid_rows]
            asks = [(row.price, row.qty) for row in data.ask_rows]
            label, depth = self._book_of(pair)
            stream = f"{label}:{pair}"
            is_snapshot = message.type == _SNAPSHOT
            kind: Any = KrakenSnapshot if is_snapshot else KrakenDelta
            event = kind(
                symbol=self._names.get(label, {}).get(pair, pair),
                bids=bids,
                asks=asks,
                depth=depth,
                checksum=data.checksum,
                time=data.timestamp,
                ts_recv_ns=recv_ns,
            )
            if is_snapshot:
                self._beginnings.begin(stream)
                if pair in self._precisions:
                    self._books[stream] = self._new_book(self._precisions[pair], depth)
                book = self._books.get(stream)
                if book is not None:
                    self._check(book, event, stream, events, frame, place)
            else:
                check = partial(self._check_delta, stream, depth)
                check(event, frame, place, events)
                self._learn_target("book", pair, partial(Target, event.symbol, check=check))
            events.append(event)
            self._events["book"] += 1

    def _check_delta(
        self, stream: str, depth: int, event: Any, frame: bytes, place: int, events: list[Event]
    ) -> None:
        """What is to be done about a change before it is given out."""
        event.depth = depth
        if self._beginnings.is_missing(stream):
            events.append(self._gap(event, stream))
            self._resync(stream, "a change came before the snapshot")
        book = self._books.get(stream)
        if book is not None:
            self._check(book, event, stream, events, frame, place)

    def _book_of(self, pair: str) -> tuple[str, int]:
        """Which subscription a pair's book is of: the venue does not say, and has one."""
        for label, depth in zip(_BOOK_LABELS, DEPTHS, strict=True):
            names = self._names.get(label)
            if names and pair in names:
                return label, depth
        return _BOOK_LABELS[0], DEPTHS[0]

    def _check(
        self,
        book: Book,
        event: Any,
        stream: str,
        events: list[Event],
        frame: bytes,
        place: int,
    ) -> None:
        is_snapshot = isinstance(event, KrakenSnapshot)
        take = book.replace if is_snapshot else book.apply
        try:
            found = take(event.bids, event.asks)
        except InexactNumberError:
            if not isinstance(book, ScaledBook):
                book = self._books[stream] = ScaledBook.of(book)
                take = book.replace if is_snapshot else book.apply
            exact = _read_exact_book(frame).data[place]
            found = take(
                [(row.price, row.qty) for row in exact.bid_rows],
                [(row.price, row.qty) for row in exact.ask_rows],
            )
        if found == event.checksum:
            if is_snapshot:
                self._failures.pop(stream, None)
            return
        del self._books[stream]
        self._beginnings.doubt(stream)
        events.append(self._gap(event, stream, cause=GapCause.CHECKSUM))
        failures = self._failures[stream] = self._failures.get(stream, 0) + is_snapshot
        if failures >= _FAILURES_OF_A_CONNECTION:
            self._failures.clear()
            self._wish(Reconnect(f"{stream}: snapshots do not have the checksum they come with"))
        else:
            self._resync(stream, "the book's checksum is not the venue's")

    def _resync(self, stream: str, reason: str) -> None:
        if stream in self._states:
            self._wish(Resync(stream, reason))

    def _take_instruments(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        for pair in _read_instruments(frame).data.pairs:
            precisions = (pair.price_precision, pair.qty_precision)
            if min(precisions) < 0 or max(precisions) > _DECIMALS:
                raise msgspec.ValidationError(f"precisions of {precisions} decimals")
            self._precisions[pair.symbol] = precisions
        for stream, book in list(self._books.items()):
            if self._precisions.get(stream.partition(":")[2]) != book.precisions:
                del self._books[stream]
                self._resync(stream, "the pair's precision changed")
        if self._waiting or not self._has_instruments:
            self._release()

    # Notices

    def _take_status(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        for status in _read_status(frame).data:
            before, self._system = self._system, status.system
            # Only a change counts: what a new connection is greeted with is not one.
            if before and before != status.system and _MAINTENANCE in (before, status.system):
                self._wish(RotateBy(recv_ns, f"the venue's system is {status.system}"))

    # The account

    def _take_executions(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_executions(frame)
        if message.type == _SNAPSHOT:
            self._executions.clear()
        for told in message.data:
            fill = self._executions.fill(told)
            order = self._executions.order(told)
            if fill is not None and self._names.get("fills"):
                fill.ts_recv_ns = recv_ns
                events.append(fill)
                self._events["fills"] += 1
            if self._names.get("orders"):
                order.ts_recv_ns = recv_ns
                events.append(order)
                self._events["orders"] += 1

    def _take_balances(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_balances(frame)
        found = balances_of(message, recv_ns)
        number = message.sequence
        if number is not None and found:
            chain = self._chain("balances", SequenceRule.PLUS_ONE)
            last = chain.last
            if message.type != _SNAPSHOT and last is not None and number > last + 1:
                events.append(self._gap(found[0], "balances", last=last, first=number))
                self._resync("balances", "ledger entries are missing")
            chain.last = number
        events += found
        self._events["balances"] += len(found)

    # The rest of the contract

    def _begin_anew(self, name: str) -> None:
        self._books.pop(name, None)
        self._beginnings.forget(name)
        self._candles.forget(name)
        if name.startswith("trade:"):
            self._last_trades.pop(name.partition(":")[2], None)

    def reset(self) -> None:
        """Begin a new connection. Precisions are asked for anew."""
        super().reset()
        self._books.clear()
        self._precisions.clear()
        self._failures.clear()
        self._beginnings.clear()
        self._candles.clear()
        self._last_trades.clear()
        self._executions.clear()
        self._system = ""

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Trades by their id; nothing else has a number that is the same on every connection."""
        if isinstance(event, KrakenTrade):
            return Identity(("trade", event.symbol), event.trade_id, event.trade_id)
        return None
