"""The Exchange feed's codec: frames with a ``type``, one event in each.

Books have no numbers and no checksum; what shows a loss is the trades' ids, which have no holes,
and the heartbeats, which name the last of them. With every channel of a product its heartbeat is
subscribed too.

Sources: the vendor's "WebSocket Overview", "Channels" and "Rate limits" pages of the Exchange API,
state of 2025 and August 2026; the recording of April 2021.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from tickwire.exchanges.base import Liveness, RateLimits, RateWindow
from tickwire.exchanges.coinbase.control import CoinbaseCodec, Pair
from tickwire.exchanges.coinbase.exchange_orders import OrderSteps
from tickwire.exchanges.coinbase.exchange_structs import (
    ExchangeDelta,
    ExchangeMatch,
    ExchangeQuote,
    ExchangeSnapshot,
    ExchangeTicker,
    Heartbeat,
    L3Change,
    OrderMessage,
    Subscriptions,
    decoder,
)
from tickwire.exchanges.coinbase.names import CHANNELS
from tickwire.exchanges.coinbase.plans import EXCHANGE
from tickwire.exchanges.coinbase.signing import exchange_fields
from tickwire.exchanges.finite import check_levels, number_reader
from tickwire.exchanges.intake import Target
from tickwire.exchanges.numbers import DECIMAL_TWINS
from tickwire.market import Balance, Gap, GapCause, Identity, SequenceRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.credentials import Credentials
    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.venue import Numbers
    from tickwire.market import Event, SequenceChain

__all__ = ["ExchangeCodec"]

_NS_PER_SECOND = 1_000_000_000
_LEAD = b'{"type":"'
_LEAD_SIZE = len(_LEAD)
_STREAMS_LIMIT = 400
_MESSAGES = RateLimits(messages=(RateWindow(10, 1.0),))
_HEARTBEAT = "heartbeat"
_BOOK_CHANNELS = ("level2_batch", "level2")
_NEEDS_LOGIN = frozenset(row.wire for row in CHANNELS["exchange"].values() if row.needs_login)
_ALIASES = {"level2_50": "level2_batch", "ticker_1000": "ticker_batch"}
_IS_BUYING = {"buy": True, "sell": False}
_ORDER_TYPES = ("received", "open", "done", "change", "activate")


class _Type(msgspec.Struct):
    type: str


class _BalanceMessage(msgspec.Struct):
    currency: str
    available: str = "0"
    holds: str = "0"


_read_type = msgspec.json.Decoder(_Type).decode
_read_subscriptions = msgspec.json.Decoder(Subscriptions).decode
_read_heartbeat = msgspec.json.Decoder(Heartbeat).decode
_read_order = msgspec.json.Decoder(OrderMessage).decode
_read_balance = msgspec.json.Decoder(_BalanceMessage).decode


class ExchangeCodec(CoinbaseCodec):
    """One connection to the Exchange feed. See :class:`~tickwire.exchanges.base.Codec`."""

    market = "exchange"
    rate_limits = _MESSAGES
    liveness = Liveness(dead_after=15.0)
    _head_from = _LEAD_SIZE

    def __init__(
        self,
        *,
        numbers: Numbers = "float",
        credentials: Credentials | None = None,
        account_ids: tuple[str, ...] = (),
    ) -> None:
        """
        Args:
            numbers: Of prices and sizes.
            credentials: For channels that need a login.
            account_ids: Of which accounts ``balance`` is wanted.
        """
        super().__init__(streams_limit=_STREAMS_LIMIT, plans=EXCHANGE if numbers == "float" else {})
        self._credentials = credentials
        self._account_ids = account_ids
        self._is_decimal = numbers == "decimal"
        self._number = number_reader(is_decimal=self._is_decimal)
        self._steps = OrderSteps(self._number)

        def read(kind: type[msgspec.Struct]) -> Any:
            return decoder(DECIMAL_TWINS[kind] if self._is_decimal else kind)

        self._read_match = read(ExchangeMatch)
        self._read_ticker = read(ExchangeTicker)
        self._read_quote = read(ExchangeQuote)
        self._read_snapshot = read(ExchangeSnapshot)
        self._read_delta = read(ExchangeDelta)
        self._read_l3 = read(L3Change)
        self._full = self._names["full"]
        self._matches = self._names["matches"]
        self._orders, self._fills = self._names["orders"], self._names["fills"]
        # What saves the usual message further look-ups; forgotten with every subscription.
        self._match_chains: dict[str, SequenceChain] = {}
        self._live_books: dict[str, str] = {}
        # Trades whose loss a heartbeat told of: from which id on, by product; then by the trade
        # that came next, which stands for them in the merge of connections.
        self._skipped: dict[str, int] = {}
        self._stands_for: dict[tuple[str, int], int] = {}
        self._takers: dict[bytes, Callable[[bytes, int, list[Event]], None]] = {
            b"l2update": self._take_delta,
            b"match": self._take_match,
            b"last_match": self._take_match,
            b"ticker": self._take_ticker,
            b"snapshot": self._take_snapshot,
            b"heartbeat": self._take_heartbeat,
            b"subscriptions": self._take_subscriptions,
            b"error": self._take_refusal,
            b"balance": self._take_balance,
            **{name.encode(): self._take_order for name in _ORDER_TYPES},
        }
        self._add_ways(_LEAD, {kind: kind for kind in EXCHANGE})

    # Requests

    def _request(self, kind: str, channel: str, products: list[str], now_ns: int) -> bytes:
        entry: dict[str, Any] = {"name": channel}
        if products:
            entry["product_ids"] = products
        if channel == "balance":
            entry["account_ids"] = list(self._account_ids)
        document: dict[str, Any] = {"type": kind, "channels": [entry]}
        if channel in _NEEDS_LOGIN and self._credentials is not None:
            document |= exchange_fields(self._credentials, now_ns // _NS_PER_SECOND)
        return orjson.dumps(document)

    def _companions(self, channel: str, pairs: list[Pair]) -> list[tuple[str, list[str]]]:
        # Asked for anew with every channel; the venue has it once.
        products = [product for _, product in pairs if product]
        return [(_HEARTBEAT, products)] if products else []

    # Frames

    def _take(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        taker = None
        if frame.startswith(_LEAD):
            taker = self._takers.get(frame[_LEAD_SIZE : frame.find(b'"', _LEAD_SIZE)])
        if taker is None:
            kind = _read_type(frame).type
            taker = self._takers.get(kind.encode())
            if taker is None:
                self._unknown(kind, frame, recv_ns)
                return
        taker(frame, recv_ns, events)

    def _take_delta(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        event = self._read_delta(frame)
        changes = event.changes
        event.bids = [(price, size) for side, price, size in changes if side == "buy"]
        event.asks = [(price, size) for side, price, size in changes if side == "sell"]
        if len(event.bids) + len(event.asks) < len(changes):
            self._unknown("a side of level2", frame, recv_ns)
        if self._is_decimal:
            check_levels(event.bids, event.asks)
        symbol = self._live_books.get(event.symbol)
        if symbol is not None:
            self._learn_target("l2update", event.symbol, partial(Target, symbol))
            event.ts_recv_ns = recv_ns
            event.symbol = symbol
        else:
            self._check_begun(event, self._book_stream(event, recv_ns), events)
        events.append(event)
        self._events["level2"] += 1

    def _take_snapshot(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        event = self._read_snapshot(frame)
        product = event.symbol
        self._beginnings.begin(self._book_stream(event, recv_ns))
        self._live_books[product] = event.symbol
        events.append(event)
        self._events["level2"] += 1

    def _book_stream(self, event: Any, recv_ns: int) -> str:
        """Stamp an event of a book; the stream that it is of."""
        event.ts_recv_ns = recv_ns
        product = event.symbol
        for channel in _BOOK_CHANNELS:
            symbol = self._names[channel].get(product)
            if symbol is not None:
                event.symbol = symbol
                return f"{channel}:{product}"
        return f"level2:{product}"

    def _take_match(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if self._orders or self._fills:
            self._take_order(frame, recv_ns, events)
            return
        event = self._read_match(frame)
        event.ts_recv_ns = recv_ns
        event.is_buyer_maker = _IS_BUYING.get(event.maker_side)
        product, number = event.symbol, event.trade_id
        if self._full and product in self._full:
            self._take_full(frame, recv_ns, events)
            if product not in self._matches:
                return
        event.symbol = self._matches.get(product, product)
        chain = self._match_chains.get(product)
        if chain is not None and chain.last == number - 1:
            chain.last = number  # the plain successor, without further calls
            if not self._full:
                self._learn_target(
                    "match",
                    product,
                    partial(Target, event.symbol, numbers=self._match_chains, key=product),
                )
        else:
            stream = f"matches:{product}"
            self._advance(event, stream, number, events)
            self._match_chains[product] = self._chains[stream]
        if self._skipped and product in self._skipped:
            self._stands_for = {(event.symbol, number): self._skipped.pop(product)}
        events.append(event)
        self._events["matches"] += 1

    def _take_ticker(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        names = self._names
        event = self._read_ticker(frame)
        product = event.symbol
        is_quote = product in names["quote"]
        as_ticker = names["ticker"].get(product) or names["ticker_batch"].get(product)
        if is_quote:
            quote = self._read_quote(frame)
            quote.ts_recv_ns = recv_ns
            quote.symbol = names["quote"][product]
            events.append(quote)
            self._events["quote"] += 1
            if as_ticker is None:
                return
        event.ts_recv_ns = recv_ns
        event.symbol = as_ticker or product
        events.append(event)
        self._events["ticker"] += 1

    def _take_full(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        event = self._read_l3(frame)
        event.ts_recv_ns = recv_ns
        if not event.order_id:
            event.order_id = event.maker_order_id
        product = event.symbol
        stream = f"full:{product}"
        event.symbol = self._full.get(product, product)
        self._advance(event, stream, event.sequence, events)
        events.append(event)
        self._events["full"] += 1

    def _take_order(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if not (self._orders or self._fills):
            self._take_full(frame, recv_ns, events)
            return
        message = _read_order(frame)
        found: list[Any] = []
        if message.type == "match" and self._fills:
            found.append(self._steps.fill(message))
            self._events["fills"] += 1
        if self._orders:
            found.append(self._steps.order(message))
            self._events["orders"] += 1
        for event in found:
            event.ts_recv_ns = recv_ns
        events += found

    def _take_balance(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        message = _read_balance(frame)
        available, frozen = self._number(message.available), self._number(message.holds)
        event = Balance(
            asset=message.currency,
            total=available + frozen,
            available=available,
            frozen=frozen,
            ts_recv_ns=recv_ns,
        )
        events.append(event)
        self._events["balance"] += 1

    def _take_heartbeat(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        beat = _read_heartbeat(frame)
        stream = f"matches:{beat.product_id}"
        if stream not in self._states:
            return
        chain = self._chain(stream, SequenceRule.PLUS_ONE)
        last = chain.last
        if last is not None and beat.last_trade_id > last:
            # The trades up to this one did not come, and will not.
            chain.last = beat.last_trade_id
            self._match_chains.pop(beat.product_id, None)  # the next trade is no plain successor
            self._skipped.setdefault(beat.product_id, last + 1)
            self._gaps += 1
            events.append(
                Gap(
                    symbol=self._symbol(stream, beat.product_id),
                    stream=stream,
                    cause=GapCause.SEQUENCE,
                    last_sequence=last,
                    first_sequence=beat.last_trade_id + 1,
                    ts_recv_ns=recv_ns,
                )
            )

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget_shortcuts()
        return super()._ask(streams, now_ns)

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        self._forget_shortcuts()
        frames = super()._leave(streams, now_ns)
        held = {product for _, product in self._held(())}
        left = sorted({self._pair(stream.name)[1] for stream in streams} - held - {""})
        if left:
            self._unanswered.append(())
            frames.append(self._request("unsubscribe", _HEARTBEAT, left, now_ns))
        return frames

    def _forget_shortcuts(self) -> None:
        self._match_chains.clear()
        self._live_books.clear()

    # Answers

    def _take_subscriptions(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        channels = _read_subscriptions(frame).channels
        for channel in channels:
            channel.name = _ALIASES.get(channel.name, channel.name)
        state = {
            (channel.name, product) for channel in channels for product in channel.product_ids or ()
        }
        self._take_state(state, {channel.name for channel in channels})

    def _take_refusal(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        self._take_error(frame, recv_ns)

    def reset(self) -> None:
        """Begin a new connection."""
        super().reset()
        self._steps.clear()
        self._forget_shortcuts()
        self._skipped.clear()
        self._stands_for.clear()

    # Beside the contract

    def identify(self, frame: bytes, event: Event) -> Identity | None:
        """Trades by their id, tickers and quotes by the product's counter; books have nothing."""
        if isinstance(event, ExchangeMatch):
            number = event.trade_id
            first = self._stands_for.get((event.symbol, number), number)
            return Identity(("matches", event.symbol), number, first)
        if isinstance(event, ExchangeTicker):
            return Identity(("ticker", event.symbol), event.sequence)
        if isinstance(event, L3Change):
            return Identity(("full", event.symbol), event.sequence, event.sequence)
        if isinstance(event, ExchangeQuote):
            return Identity(("quote", event.symbol), event.sequence)
        return None
