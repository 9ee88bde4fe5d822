"""Binance frames as dictionaries, as the venue spells them, on a managed connection.

A second way through the codec, for programs that want the venue's own keys. Data frames become
what ``orjson`` makes of them; everything else (answers, refusals, notices, unknown streams) goes
the way of :class:`~tickwire.exchanges.binance.codec.BinanceCodec`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from tickwire.exchanges.binance.codec import BinanceCodec
from tickwire.exchanges.binance.names import StreamKind, as_stream, is_array
from tickwire.market import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tickwire.errors import SubscriptionError
    from tickwire.exchanges.base import (
        CodecStats,
        Directive,
        RateLimits,
        Stream,
        SubscriptionState,
    )
    from tickwire.exchanges.binance.names import Market

__all__ = ["DictCodec"]


def _counted(key: str) -> Callable[[bytes, dict[str, Any]], Identity | None]:
    return lambda name, data: Identity(name, data[key], data[key])


def _updates(name: bytes, data: dict[str, Any]) -> Identity | None:
    return Identity(name, data["lastUpdateId"] if "lastUpdateId" in data else data["u"])


def _depth(name: bytes, data: dict[str, Any]) -> Identity | None:
    previous = data.get("pu")
    return Identity(name, data["u"], data["U"] if previous is None else previous + 1)


def _kline(name: bytes, data: dict[str, Any]) -> Identity | None:
    return Identity(name, (data["k"]["t"], data["E"]))


def _by_time(name: bytes, data: dict[str, Any]) -> Identity | None:
    return Identity(name, data["E"])


# The same rules as those of the typed events (identity.py), by the venue's keys.
_RULES: dict[StreamKind, Callable[[bytes, dict[str, Any]], Identity | None]] = {
    StreamKind.TRADE: _counted("t"),
    StreamKind.AGG_TRADE: _counted("a"),
    StreamKind.DEPTH: _depth,
    StreamKind.PARTIAL_DEPTH: _updates,
    StreamKind.BOOK_TICKER: _updates,
    StreamKind.KLINE: _kline,
    StreamKind.MINI_TICKER: _by_time,
    StreamKind.TICKER: _by_time,
}


class DictCodec:
    """The codec of one combined Binance stream connection whose events are dictionaries:
    ``{"stream": name, "data": payload}``, strings as strings.

    See :class:`~tickwire.exchanges.base.Codec`. An array is one event, and has no identity: while
    two connections overlap it may come twice. Not safe for threads.
    """

    def __init__(self, market: Market = "spot") -> None:
        """``market``: ``spot``, ``usdm`` or ``coinm``.

        Raises:
            ConfigurationError: No such market. Retry: no.
        """
        self._control = BinanceCodec(market=market)
        self._market: Market = market
        self._streams: dict[str, tuple[str, bytes, Any]] = {}
        self._events: Counter[str] = Counter()

    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The SUBSCRIBE frame.

        Raises:
            ConfigurationError: As :meth:`BinanceCodec.subscribe`.
        """
        wanted = [as_stream(stream) for stream in streams]
        frames = self._control.subscribe(wanted)
        for stream in wanted:
            kind = StreamKind(stream.kind)
            rule = None
            if not is_array(stream, self._market) and not stream.name.startswith("!"):
                rule = _RULES.get(kind)
            self._streams[stream.name] = (kind.value, stream.name.encode(), rule)
        return frames

    def unsubscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        """The UNSUBSCRIBE frame. Data goes on until the venue has acted."""
        return self._control.unsubscribe(streams)

    def receive(self, frame: bytes, recv_ns: int, events: list[Any]) -> None:
        """Take one frame; append its dictionary if it is data of a stream that was asked for.

        Args:
            frame: Payload of a text message.
            recv_ns: When it was read, ns since the Unix epoch.
            events: Belongs to the caller; only appended to.
        """
        try:
            document = orjson.loads(frame)
        except orjson.JSONDecodeError:
            document = None
        if type(document) is dict and "data" in document:
            name = document.get("stream")
            known = self._streams.get(name) if type(name) is str else None
            if known is not None:
                self._events[known[0]] += 1
                events.append(document)
                return
        self._control.receive(frame, recv_ns, [])

    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Any]) -> None:
        """Take frames that were read together, in order."""
        for frame in frames:
            self.receive(frame, recv_ns, events)

    def identify(self, frame: bytes, event: Any) -> Identity | None:
        """Which event this is; ``None`` where the venue gives nothing to tell by, or what stands
        there is not what it documents."""
        _, name, rule = self._streams[event["stream"]]
        if rule is None:
            return None
        try:
            found: Identity | None = rule(name, event["data"])
        except (KeyError, TypeError):
            return None
        return found

    @property
    def rate_limits(self) -> RateLimits:
        """As :attr:`BinanceCodec.rate_limits`."""
        return self._control.rate_limits

    @property
    def subscriptions(self) -> Mapping[str, SubscriptionState]:
        """The state of every stream asked for on this connection, by name: a live view."""
        return self._control.subscriptions

    def take_output(self) -> list[bytes]:
        """Nothing: see :meth:`BinanceCodec.take_output`."""
        return self._control.take_output()

    def take_directive(self) -> Directive | None:
        """``RotateBy`` after a shutdown notice, else ``None``; given out once."""
        return self._control.take_directive()

    def take_errors(self) -> list[SubscriptionError]:
        """Refusals since the last call, oldest first."""
        return self._control.take_errors()

    def reset(self) -> None:
        """Begin a new connection: nothing is subscribed."""
        self._control.reset()
        self._streams.clear()

    @property
    def stats(self) -> CodecStats:
        """Counts so far; gaps and stale updates are not looked for."""
        return msgspec.structs.replace(
            self._control.stats, events=dict(sorted(self._events.items()))
        )
