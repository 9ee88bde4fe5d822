"""Advanced Trade's codec: one envelope for all channels, numbered over the whole connection.

The number of a message rises by one from message to message, whichever channel it is of. A hole
therefore puts every stream of the connection in doubt: each is told its gap, and the connection is
replaced. With the first subscription the heartbeats are subscribed too; they keep quiet channels
open and show that the connection lives.

Sources: the vendor's "WebSocket Overview", "Channels", "Authentication" and "Rate Limits" pages of
Advanced Trade, state of August 2026.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from tickwire.exchanges.base import Liveness, RateLimits, RateWindow, Reconnect
from tickwire.exchanges.candles import Candles
from tickwire.exchanges.coinbase.advanced_account import AccountReader
from tickwire.exchanges.coinbase.advanced_structs import (
    FIVE_MINUTES_MS,
    AdvancedDelta,
    AdvancedSnapshot,
    AdvancedTrade,
    BookMessage,
    CandleMessage,
    FuturesBalanceMessage,
    Head,
    QuoteMessage,
    StateMessage,
    TickerMessage,
    TradeMessage,
    UserMessage,
)
from tickwire.exchanges.coinbase.control import CoinbaseCodec, Pair
from tickwire.exchanges.coinbase.plans import ADVANCED
from tickwire.exchanges.coinbase.signing import token_maker
from tickwire.exchanges.intake import Target
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.market import Gap, GapCause, Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.credentials import Credentials
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event

__all__ = ["AdvancedCodec"]

_NS_PER_SECOND = 1_000_000_000
_MS_PER_SECOND = 1_000
_NONCE_BYTES = 16
_LEAD = b'{"channel":"'
_LEAD_SIZE = len(_LEAD)
_STREAMS_LIMIT = 50
# Without a login; with one the venue names no limit.
_MESSAGES = RateLimits(messages=(RateWindow(8, 1.0),))
_HEARTBEATS = "heartbeats"
_SNAPSHOT = "snapshot"
_NUMBERED_FROM = 0
_NUMBER = "sequence_num"
_IS_BUYING = {"BUY": True, "SELL": False}
_ID_DIGITS = 18


class _Error(msgspec.Struct):
    channel: str = ""
    type: str = ""


_read_head = msgspec.json.Decoder(Head).decode
_read_kind = msgspec.json.Decoder(_Error).decode
_read_state = msgspec.json.Decoder(StateMessage).decode
_read_user = msgspec.json.Decoder(UserMessage).decode
_read_summary = msgspec.json.Decoder(FuturesBalanceMessage).decode


def _nonce() -> str:
    return secrets.token_hex(_NONCE_BYTES)


class AdvancedCodec(CoinbaseCodec):
    """One connection to Advanced Trade. See :class:`~tickwire.exchanges.base.Codec`."""

    market = "advanced"
    rate_limits = _MESSAGES
    liveness = Liveness(dead_after=15.0)
    _head_from = _LEAD_SIZE

    def __init__(
        self,
        *,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        nonce: Callable[[], str] = _nonce,
    ) -> None:
        """
        Args:
            numbers: Of prices and sizes.
            credentials: For channels of the account; with them every request is signed.
            nonce: Makes a text that no other token has.

        Raises:
            ConfigurationError: Nothing can be signed with the credentials. Retry: no.
        """
        super().__init__(streams_limit=_STREAMS_LIMIT, plans=ADVANCED if numbers == "float" else {})
        self._token = None if credentials is None else token_maker(credentials)
        self._nonce = nonce
        self._is_decimal = numbers == "decimal"
        self._account = AccountReader(is_decimal=self._is_decimal)
        self._candles = Candles()
        # The connection's only number, in a table because the intake looks for it in one.
        self._numbers: dict[str, int] = {}
        self._beats = False

        def read(kind: type[msgspec.Struct]) -> Any:
            kind = DECIMAL_TWINS[kind] if self._is_decimal else kind
            return msgspec.json.Decoder(kind, strict=False).decode

        self._read_book = read(BookMessage)
        self._read_trades = read(TradeMessage)
        self._read_tickers = read(TickerMessage)
        self._read_quotes = read(QuoteMessage)
        self._read_candles = read(CandleMessage)
        self._takers: dict[bytes, Callable[[bytes, int, list[Event]], None]] = {
            b"l2_data": self._take_book,
            b"market_trades": self._take_trades,
            b"ticker": self._take_tickers,
            b"ticker_batch": self._take_tickers,
            b"candles": self._take_candles,
            b"user": self._take_user,
            b"futures_balance_summary": self._take_summary,
            b"heartbeats": self._take_heartbeat,
            b"subscriptions": self._take_subscriptions,
        }
        self._add_ways(_LEAD, {kind: kind for kind in ADVANCED})

    # Requests

    def _request(self, kind: str, channel: str, products: list[str], now_ns: int) -> bytes:
        document: dict[str, Any] = {"type": kind}
        if products:
            document["product_ids"] = products
        document["channel"] = channel
        if self._token is not None:
            document["jwt"] = self._token(now_ns // _NS_PER_SECOND, self._nonce())
        return orjson.dumps(document)

    def _companions(self, channel: str, pairs: list[Pair]) -> list[tuple[str, list[str]]]:
        if self._beats:
            return []
        self._beats = True
        return [(_HEARTBEATS, [])]

    # Frames

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        taker = None
        if frame.startswith(_LEAD):
            taker = self._takers.get(frame[_LEAD_SIZE : frame.find(b'"', _LEAD_SIZE)])
        if taker is None:
            kind = _read_kind(frame)
            if kind.type == "error" and not kind.channel:
                self._take_error(frame, recv_ns)
                return
            taker = self._takers.get(kind.channel.encode())
            if taker is None:
                self._count(_read_head(frame), recv_ns, events)
                self._unknown(kind.channel or kind.type, frame, recv_ns)
                return
        try:
            taker(frame, recv_ns, events)
        except msgspec.ValidationError:
            # It has a number all the same: it came, and the next one has no hole before it.
            head = _read_head(frame)
            if head.sequence_num != self._numbers.get(_NUMBER):
                self._count(head, recv_ns, events)
            raise

    def _count(self, message: Head, recv_ns: int, events: list[Event]) -> None:
        """Check the connection's sequence; of a hole, tell every stream."""
        number = message.sequence_num
        if number < _NUMBERED_FROM:
            return
        last = self._numbers.get(_NUMBER)
        if last is not None and number <= last:
            self._stale += 1
            return
        self._numbers[_NUMBER] = number
        if last is None or number == last + 1:
            return
        for name in self._states:
            self._gaps += 1
            events.append(
                Gap(
                    symbol=self._symbol(name, name.partition(":")[2]),
                    stream=name,
                    cause=GapCause.SEQUENCE,
                    last_sequence=last,
                    first_sequence=number,
                    ts_recv_ns=recv_ns,
                )
            )
        self._wish(Reconnect(f"messages are missing between {last} and {number}"))

    def _take_book(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_book(frame)
        self._count(message, recv_ns, events)
        names = self._names["level2"]
        number = message.sequence_num
        for rows in message.events:
            product = rows.product_id
            updates = rows.updates
            bids = [(row.price_level, row.new_quantity) for row in updates if row.side == "bid"]
            asks = [(row.price_level, row.new_quantity) for row in updates if row.side == "offer"]
            if len(bids) + len(asks) < len(updates):
                self._unknown("a side of l2_data", frame, recv_ns)
            symbol = names.get(product, product)
            stream = f"level2:{product}"
            if rows.type == _SNAPSHOT:
                bids.sort(reverse=True)
                asks.sort()
                self._beginnings.begin(stream)
                snapshot = AdvancedSnapshot(
                    symbol=symbol,
                    bids=bids,
                    asks=asks,
                    sequence=number,
                    sent=message.timestamp,
                    ts_recv_ns=recv_ns,
                )
                events.append(snapshot)
            else:
                delta = AdvancedDelta(
                    symbol=symbol,
                    bids=bids,
                    asks=asks,
                    first_sequence=number,
                    sequence=number,
                    sent=message.timestamp,
                    time=updates[-1].event_time if updates else "",
                    ts_recv_ns=recv_ns,
                )
                self._check_begun(delta, stream, events)
                if self._beginnings.has_begun(stream):
                    self._learn("l2_data", product, symbol)
                events.append(delta)
            self._events["level2"] += 1

    def _take_trades(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_trades(frame)
        self._count(message, recv_ns, events)
        names = self._names["market_trades"]
        for part in message.events:
            is_history = part.type == _SNAPSHOT
            # The newest comes first.
            for trade in reversed(part.trades):
                trade.ts_recv_ns = recv_ns
                trade.sent = message.timestamp
                trade.is_history = is_history
                trade.is_buyer_maker = _IS_BUYING.get(trade.maker_side)
                product = trade.symbol
                trade.symbol = names.get(product, product)
                self._learn("market_trades", product, trade.symbol)
                number = trade.trade_id
                if number.isascii() and number.isdigit() and len(number) <= _ID_DIGITS:
                    trade.trade_id = int(number)
                events.append(trade)
            self._events["market_trades"] += len(part.trades)

    def _learn(self, channel: str, product: str, symbol: str) -> None:
        make = partial(Target, symbol, numbers=self._numbers, key=_NUMBER)
        self._learn_target(channel, product, make)

    def _take_tickers(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        quotes = self._names["quote"]
        message = self._read_tickers(frame)
        self._count(message, recv_ns, events)
        if quotes and message.channel == "ticker":
            for part in self._read_quotes(frame).events:
                for quote in part.tickers:
                    if quote.symbol in quotes:
                        self._stamp(quote, quotes, message, recv_ns)
                        events.append(quote)
                        self._events["quote"] += 1
        names = self._names[message.channel]
        for part in message.events:
            for ticker in part.tickers:
                if ticker.symbol in names or ticker.symbol not in quotes:
                    self._stamp(ticker, names, message, recv_ns)
                    events.append(ticker)
                    self._events["ticker"] += 1

    def _stamp(self, event: Any, names: dict[str, str], message: Head, recv_ns: int) -> None:
        event.ts_recv_ns = recv_ns
        event.sent = message.timestamp
        event.symbol = names.get(event.symbol, event.symbol)

    def _take_candles(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = self._read_candles(frame)
        self._count(message, recv_ns, events)
        names = self._names["candles"]
        by_product: dict[str, list[Any]] = {}
        for part in message.events:
            for candle in part.candles:
                candle.open_time = candle.start * _MS_PER_SECOND
                candle.close_time = candle.open_time + FIVE_MINUTES_MS - 1
                by_product.setdefault(candle.symbol, []).append(candle)
                self._stamp(candle, names, message, recv_ns)
        for product, candles in by_product.items():
            found = self._candles.take(product, candles)
            events += found
            self._events["candles"] += len(found)

    def _take_user(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = _read_user(frame)
        self._count(message, recv_ns, events)
        found: list[Any] = []
        if "" in self._names["orders"]:
            found += self._account.orders(message)
        if "" in self._names["positions"]:
            found += self._account.positions(message)
        self._deliver(found, "user", recv_ns, events)

    def _take_summary(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = _read_summary(frame)
        self._count(message, recv_ns, events)
        self._deliver(self._account.balances(message), "balance", recv_ns, events)

    def _deliver(self, found: list[Any], kind: str, recv_ns: int, events: list[Event]) -> None:
        for event in found:
            event.ts_recv_ns = recv_ns
        events += found
        self._events[kind] += len(found)

    def _take_heartbeat(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        # Its counter is a number or a text, by the year; nothing here needs it.
        self._count(_read_head(frame), recv_ns, events)

    def _take_subscriptions(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = _read_state(frame)
        self._count(message, recv_ns, events)
        listed: dict[str, list[str]] = {}
        for part in message.events:
            listed |= part.subscriptions
        pairs = {(channel, product) for channel, products in listed.items() for product in products}
        self._take_state(pairs, set(listed))

    def _leave(self, streams: list[Any], now_ns: int) -> list[bytes]:
        for stream in streams:
            self._candles.forget(stream.name.partition(":")[2])
        return super()._leave(streams, now_ns)

    def reset(self) -> None:
        """Begin a new connection: its messages are numbered anew."""
        super().reset()
        self._candles.clear()
        self._numbers.clear()
        self._beats = False

    # Beside the contract

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Trades by their id. Everything else is numbered per connection, which tells nothing."""
        if isinstance(event, AdvancedTrade) and isinstance(event.trade_id, int):
            return Identity(("market_trades", event.symbol), event.trade_id)
        return None
