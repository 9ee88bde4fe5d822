"""All that a gateway keeps: the exchanges that were asked for, and who listens to what."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.clock import SystemClock
from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges.binance.normalised import envelope
from tickwire.gateway.fanout import Frame, Ids, Listener, Topic, heartbeat
from tickwire.gateway.feeds import FeedUpstream
from tickwire.gateway.ladders import BookUpstream
from tickwire.gateway.logs import RecentLines
from tickwire.gateway.payloads import news_data, price
from tickwire.gateway.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tickwire.clock import Clock
    from tickwire.gateway.config import GatewayConfig
    from tickwire.gateway.upstream import Key, Upstream

__all__ = ["Exchange", "Hub"]

_log = logging.getLogger("tickwire.gateway")
_NS = 1_000_000_000
_LOOK_SECONDS = 1.0
_STUCK_HEARTBEATS = 4


class Exchange:
    """One exchange: its feed, its books, its news, and the last prices.

    Attributes:
        counts: News by type.
        prices: By symbol the last price, the payload that it is from, and when it came, monotonic;
            of no more symbols than there may be streams.
    """

    def __init__(self, name: str, config: GatewayConfig, ids: Ids, clock: Clock) -> None:
        self.name = name
        own = name == config.exchange
        common: dict[str, Any] = {
            "market": config.market if own else None,
            "url": config.url if own else None,
            "clock": clock,
            "ids": ids,
            "history": config.limits.history,
            "linger": config.linger,
        }
        self.prices: dict[str, tuple[float, dict[str, Any], int]] = {}
        self.counts: dict[str, int] = {}
        self.feed = FeedUpstream(name, news=self._tell, prices=self._price, **common)
        self.books = BookUpstream(name, interval=config.book_interval, news=self._tell, **common)
        self.news = Topic(ids, ("events", "", ""), config.limits.history)
        self.news.set_stale(None)
        self._clock = clock
        self._stale_ns = round(config.stale_after * _NS)
        self._most_prices = config.limits.streams

    @property
    def upstreams(self) -> tuple[FeedUpstream, BookUpstream]:
        """Both."""
        return self.feed, self.books

    def topics(self) -> Iterator[Topic]:
        """All streams of the exchange; not its news."""
        for upstream in self.upstreams:
            yield from upstream.topics.values()

    @property
    def state(self) -> str:
        """``disconnected`` by request, ``idle`` with nothing to do, ``connecting``,
        ``reconnecting``, or ``connected``."""
        feed = self.feed
        if not feed.enabled:
            return "disconnected"
        if not feed.topics and not self.books.topics:
            return "idle"
        up = [not upstream.topics or upstream.connections > 0 for upstream in self.upstreams]
        if all(up) and feed.connections >= feed.needed:
            return "connected"
        return "reconnecting" if feed.last_ns or self.books.last_ns else "connecting"

    def faults(self) -> Iterator[tuple[str, str, str]]:
        """What keeps the exchange from being served as it is asked for: type, symbol, reason.

        A stream of which nothing has ever come is none: its symbol may not exist, and whoever asks
        for it must not speak for the others. That a connection is missing is told apart.
        """
        if self.state not in ("connected", "idle"):
            failure = self.feed.failure or self.books.failure
            yield "connection", "", self.state if failure is None else f"{self.state}: {failure}"
        for topic in self.topics():
            if topic.stale is not None and topic.has_lived:
                yield topic.label, topic.symbol, topic.stale

    @property
    def waiting(self) -> int:
        """Streams of which nothing has come yet."""
        return sum(not topic.has_lived for topic in self.topics())

    def switch(self, *, on: bool) -> None:
        """Connect or disconnect."""
        for upstream in self.upstreams:
            upstream.switch(on=on)

    def look(self) -> None:
        """Find what has gone stale, and say so."""
        now_ns = self._clock.mono_ns()
        for upstream in self.upstreams:
            for topic in upstream.topics.values():
                if topic.stale is not None:
                    continue
                if upstream.connections == 0:
                    topic.set_stale("the connection is lost")
                elif now_ns - max(upstream.last_ns, topic.last_ns) > self._stale_ns:
                    seconds = self._stale_ns / _NS
                    topic.set_stale(f"nothing has come for {seconds:g} s")

    def _price(self, payload: dict[str, Any], mono_ns: int) -> None:
        last = price(payload)
        if last is not None:
            symbol = payload["symbol"]
            if symbol not in self.prices and len(self.prices) >= self._most_prices:
                del self.prices[next(iter(self.prices))]
            self.prices[symbol] = last, payload, mono_ns

    def _tell(self, item: Any) -> None:
        now_ns = self._clock.wall_ns()
        if isinstance(item, SubscriptionError):
            data: dict[str, Any] | None = {
                "type": "refused",
                "streams": list(item.streams),
                "reason": item.reason,
                "timestamp": now_ns // 1_000_000,
            }
        else:
            data = news_data(item, now_ns)
        if data is None:
            return
        self.counts[data["type"]] = self.counts.get(data["type"], 0) + 1
        data = {"type": data["type"], "exchange": self.name} | data
        _log.info("connection news", extra={key: data[key] for key in data if key != "timestamp"})
        self.news.publish(orjson.dumps(envelope(data, now_ns)), None, 0)
        if data["type"] == "stale":
            for topic in self.feed.topics.values():
                if data["stream"] in topic.names:
                    topic.set_stale(f"silent for {data['silence']:.0f} s while others are not")
        elif data["type"] == "disconnected" and not data["remaining"]:
            for topic in self.feed.topics.values():
                if topic.stale is None:
                    topic.set_stale("the connection is lost")


class Hub:
    """The exchanges and the listeners of one gateway. Belongs to one event loop.

    Args:
        config: How it is wanted.
        clock: For tests.
    """

    def __init__(self, config: GatewayConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self.ids = Ids(secrets.token_hex(4))
        self.exchanges: dict[str, Exchange] = {}
        self.listeners: dict[Listener, asyncio.Task[Any] | None] = {}
        self.refused_listeners = 0
        self.log = RecentLines()
        self._looking: asyncio.Task[None] | None = None
        self._is_closing = False

    async def open(self) -> None:
        """Begin to look after the streams."""
        self.exchange(None)
        logging.getLogger("tickwire").addHandler(self.log)
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """End the listeners and close all connections. Idempotent."""
        self.close_listeners()
        logging.getLogger("tickwire").removeHandler(self.log)
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for exchange in self.exchanges.values():
            for upstream in exchange.upstreams:
                await upstream.close()

    def exchange(self, name: str | None) -> Exchange:
        """The exchange called ``name``, or the one that this gateway is mostly about.

        Raises:
            ProblemError: It is none of those that this gateway may use.
        """
        name = name or self.config.exchange
        if name not in self.config.exchanges:
            raise ProblemError(
                404,
                "unknown-exchange",
                "No such exchange",
                f"{name!r} is none of: {', '.join(self.config.exchanges)}",
            )
        if name not in self.exchanges:
            self.exchanges[name] = Exchange(name, self.config, self.ids, self.clock)
        return self.exchanges[name]

    # Streams

    def want(self, upstream: Upstream, keys: Sequence[Key], *, pin: bool = False) -> list[Topic]:
        """The topics of ``keys``, all or none.

        Raises:
            ProblemError: There would be too many streams, or the exchange has not got one of them.
        """
        total = sum(len(up.topics) for item in self.exchanges.values() for up in item.upstreams)
        new = {key for key in keys if key not in upstream.topics}
        if total + len(new) > self.config.limits.streams:
            raise ProblemError(
                429,
                "too-many-streams",
                "Too many streams",
                f"this gateway keeps {self.config.limits.streams} streams at the most: "
                "unsubscribe some, or run another gateway",
            )
        topics: list[Topic] = []
        try:
            topics.extend(upstream.want(key) for key in keys)
        except ConfigurationError:
            for topic in topics:
                upstream.release(topic)
            raise
        for topic in topics:
            topic.pinned = topic.pinned or pin
        return topics

    # Listeners

    def listen(self, topics: Sequence[Topic]) -> Listener:
        """Begin to listen.

        Raises:
            ProblemError: There are too many listeners, or the gateway is closing.
        """
        if self._is_closing or len(self.listeners) >= self.config.limits.listeners:
            self.refused_listeners += 1
            raise ProblemError(
                503,
                "too-many-listeners",
                "Too many listeners",
                f"this gateway serves {self.config.limits.listeners} listeners at the most: "
                "close some, or try again later",
                headers={"Retry-After": "5"},
            )
        listener = Listener(topics, self.config.limits.queue)
        self.listeners[listener] = None
        for topic in listener.topics:
            topic.listeners[listener] = None
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more. Streams that nobody wants are dropped, by and by. Idempotent."""
        if listener not in self.listeners:
            return
        del self.listeners[listener]
        for topic in listener.topics:
            topic.listeners.pop(listener, None)
            for exchange in self.exchanges.values():
                for upstream in exchange.upstreams:
                    if upstream.topics.get(topic.key) is topic:
                        upstream.release(topic)

    def close_listeners(self) -> None:
        """Tell all listeners to end, and take on no more."""
        self._is_closing = True
        for listener in self.listeners:
            listener.close()

    # Looking after them

    async def _look(self) -> None:
        config = self.config
        step = min(_LOOK_SECONDS, config.heartbeat, config.stale_after / 2)
        beat_ns = self.clock.mono_ns()
        while True:
            await asyncio.sleep(step)
            for exchange in self.exchanges.values():
                exchange.look()
            now_ns = self.clock.mono_ns()
            if now_ns - beat_ns >= config.heartbeat * _NS:
                beat_ns = now_ns
                self.beat()

    def beat(self) -> None:
        """Send every listener a heartbeat, and end those that take nothing."""
        now_ns = self.clock.mono_ns()
        limit_ns = round(_STUCK_HEARTBEATS * self.config.heartbeat * _NS)
        beat = heartbeat(self.config.heartbeat)
        for listener, task in list(self.listeners.items()):
            if listener.since_ns and now_ns - listener.since_ns > limit_ns:
                _log.warning("listener takes nothing and is closed")
                listener.close()
                if task is not None:
                    task.cancel()
            elif listener.topics and not len(listener):
                listener.put(Frame(listener.topics[0], 0, "heartbeat", beat, 0))
