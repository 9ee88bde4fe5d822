"""Subscriptions where every answer is the whole state of the connection.

Neither protocol numbers its requests. Each is answered, in order, by a list of everything that the
connection has, or by an error; so the oldest request without an answer is the one that is meant,
and what it asked for and the list lacks was refused without a word. An error refuses a request
whole: what it asked for is then asked again one by one, so that one wrong product costs nothing but
itself.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from tickwire.exchanges.base import Resync, SubscriptionState
from tickwire.exchanges.beginnings import Beginnings
from tickwire.exchanges.coinbase.names import CHANNELS, as_stream
from tickwire.exchanges.shaped import ShapedCodec
from tickwire.market import SequenceRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tickwire.exchanges.base import Stream
    from tickwire.exchanges.coinbase.names import Market
    from tickwire.exchanges.intake import Plan
    from tickwire.market import Event

__all__ = ["CoinbaseCodec", "Pair"]

Pair = tuple[str, str]
"""Channel, as the venue calls it, and product; empty for the account's channels."""

_UNANSWERED_KEPT = 1024
_OMITTED = "not among the subscriptions that the venue lists"
_REFUSED = SubscriptionState.REFUSED
_ACCEPTED = SubscriptionState.ACCEPTED


class _Error(msgspec.Struct):
    message: str = ""
    reason: str = ""


_read_error = msgspec.json.Decoder(_Error).decode


class CoinbaseCodec(ShapedCodec):
    """What both markets' codecs share. A subclass has :attr:`market` and :meth:`_request`."""

    market: Market

    def __init__(self, *, streams_limit: int, plans: Mapping[str, Plan]) -> None:
        super().__init__(streams_limit=streams_limit, plans=plans)
        self._unanswered: deque[tuple[Pair, ...]] = deque(maxlen=_UNANSWERED_KEPT)
        self._beginnings = Beginnings()
        # What the caller calls a product, by the first part of the stream's name.
        self._names: dict[str, dict[str, str]] = {channel: {} for channel in CHANNELS[self.market]}

    def _request(self, kind: str, channel: str, products: list[str], now_ns: int) -> bytes:
        """The frame that subscribes or unsubscribes; no products for a channel without."""
        raise NotImplementedError

    def _companions(self, channel: str, pairs: list[Pair]) -> list[tuple[str, list[str]]]:
        """Heartbeats to ask for beside ``pairs`` of ``channel``: channel and products."""
        raise NotImplementedError

    # Requests

    def _as_stream(self, item: Stream | str) -> Stream:
        return as_stream(self.market, item)

    def _pair(self, name: str) -> Pair:
        channel, _, product = name.partition(":")
        return CHANNELS[self.market][channel].wire, product

    def _held(self, without: Iterable[str]) -> dict[Pair, SubscriptionState]:
        left_out = set(without)
        return {
            self._pair(name): state
            for name, state in self._states.items()
            if state is not _REFUSED and name not in left_out
        }

    def _ask(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        held = self._held(stream.name for stream in streams)
        wanted: dict[str, dict[str, None]] = {}
        for stream in streams:
            channel, product = self._pair(stream.name)
            self._names[stream.kind][product] = stream.symbol
            if (channel, product) in held:
                # Another reading of a channel that the connection has.
                self._states[stream.name] = held[channel, product]
            else:
                self._beginnings.forget(stream.name)
                wanted.setdefault(channel, {})[product] = None
        frames = []
        for channel, products in wanted.items():
            frames.append(self._asking(channel, list(products), now_ns))
            pairs = [(channel, product) for product in products]
            for companion, of in self._companions(channel, pairs):
                frames.append(self._asking(companion, of, now_ns))
        return frames

    def _asking(self, channel: str, products: list[str], now_ns: int) -> bytes:
        self._unanswered.append(tuple((channel, product) for product in products))
        return self._request("subscribe", channel, [one for one in products if one], now_ns)

    def _leave(self, streams: list[Stream], now_ns: int) -> list[bytes]:
        held = self._held(())
        leaving: dict[str, list[str]] = {}
        for stream in streams:
            channel, product = self._pair(stream.name)
            self._names[stream.kind].pop(product, None)
            self._beginnings.forget(stream.name)
            if (channel, product) not in held:
                leaving.setdefault(channel, []).append(product)
        frames = []
        for channel, products in leaving.items():
            self._unanswered.append(())
            names = [product for product in products if product]
            frames.append(self._request("unsubscribe", channel, names, now_ns))
        return frames

    # Answers

    def _take_state(self, state: set[Pair], channels: set[str]) -> None:
        """The answer to the oldest request: everything that the connection has.

        Args:
            state: Channels and products.
            channels: The channels alone; those of the account are listed without products.
        """
        asked = self._unanswered.popleft() if self._unanswered else ()
        self._acks += 1
        missing = []
        for name, status in list(self._states.items()):
            pair = self._pair(name)
            if pair in state or (not pair[1] and pair[0] in channels):
                self._states[name] = _ACCEPTED
            elif pair in asked and status is not _ACCEPTED:
                missing.append(name)
        if missing:
            self._refuse(_OMITTED, tuple(missing))

    def _take_error(self, frame: bytes, recv_ns: int) -> None:
        """A request was refused, or something else is wrong: an error does not say."""
        error = _read_error(frame)
        text = ": ".join(part for part in (error.message, error.reason) if part) or "no reason"
        asked = self._unanswered.popleft() if self._unanswered else ()
        names = [
            name
            for name, state in self._states.items()
            if state is SubscriptionState.PENDING and self._pair(name) in asked
        ]
        if len(asked) > 1 and names:
            for channel, product in asked:
                self._send(self._asking(channel, [product], recv_ns))
            return
        self._refuse(text, tuple(names))

    # Data

    def _check_begun(self, event: Event, stream: str, events: list[Event]) -> None:
        """Before a change of a book: it must have begun."""
        if self._beginnings.is_missing(stream):
            events.append(self._gap(event, stream))
            if stream in self._states:
                self._wish(Resync(stream, "a change came before the snapshot"))

    def _advance(self, event: Event, stream: str, number: int, events: list[Event]) -> None:
        """Trade ids have no holes: tell of one."""
        chain = self._chain(stream, SequenceRule.PLUS_ONE)
        last = chain.last
        if last is not None and number <= last:
            self._stale += 1
        elif last is not None and number > last + 1:
            events.append(self._gap(event, stream, last=last, first=number))
        chain.last = number if last is None else max(last, number)

    def reset(self) -> None:
        """Begin a new connection."""
        super().reset()
        self._unanswered.clear()
        self._beginnings.clear()
        for names in self._names.values():
            names.clear()
