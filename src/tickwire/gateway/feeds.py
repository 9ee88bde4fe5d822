"""The streams of one exchange that a feed gives: prices, candles, trades, quotes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges.registry import open_venue
from tickwire.exchanges.venue import Channel, VenueSettings, Want, wants_of
from tickwire.feed import Feed, FeedStats
from tickwire.gateway.intervals import common_interval, offered_intervals
from tickwire.gateway.payloads import CHANNELS, conflation_key, label_of, message
from tickwire.gateway.upstream import Upstream
from tickwire.market import Event, Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from tickwire.clock import Clock
    from tickwire.gateway.fanout import Ids, Topic
    from tickwire.gateway.upstream import Key

__all__ = ["FeedUpstream"]

_NS = 1_000_000_000
_NOTHING = FeedStats(messages=0, bytes=0, queued=0, connections=0, codecs=())


class FeedUpstream(Upstream):
    """One feed, made with the first stream and closed with the last.

    Args:
        exchange: By name.
        market: Of the exchange; ``None`` is its first.
        url: Another server instead of the exchange's.
        news: Called with every record and gap.
        prices: Called with every payload, and when it came, monotonic.
        clock: For times of passing on.
        ids, history, linger: See :class:`Upstream`.

    Raises:
        ConfigurationError: No such exchange or market. Retry: no.
    """

    def __init__(
        self,
        exchange: str,
        *,
        market: str | None,
        url: str | None,
        news: Callable[[Any], None],
        prices: Callable[[dict[str, Any], int], None],
        clock: Clock,
        ids: Ids,
        history: int,
        linger: float,
    ) -> None:
        super().__init__(exchange, ids, history, linger)
        self._venue = open_venue(exchange, VenueSettings(market=market, url=url))
        self._market = market
        self._url = url
        self._news = news
        self._prices = prices
        self._clock = clock
        self._feed: Feed | None = None
        self._reader: asyncio.Task[None] | None = None
        self._carried: set[Key] = set()
        self._before = _NOTHING
        self._opened_ns = 0
        self.last_ns = 0

    # What there is

    def key(self, label: str, symbol: str, interval: str = "") -> Key:
        """The key of a stream, its symbol in the exchange's spelling and its interval in the common
        one, which two spellings of the same candles share.

        Raises:
            ConfigurationError: No such type or symbol. Retry: no.
        """
        if label not in CHANNELS:
            raise ConfigurationError(f"no stream type {label!r}; there are {', '.join(CHANNELS)}")
        detail = common_interval(interval) if label == "kline" else ""
        return label, self._venue.venue_symbol(symbol), detail

    def intervals(self, symbol: str) -> list[str]:
        """The candles that there are of a symbol, shortest first."""
        return offered_intervals(self._venue, symbol)

    def _names(self, key: Key) -> frozenset[str]:
        names = self._planned(key)
        label, symbol, detail = key
        if label == "trade" and Channel.AGG_TRADES in self._venue.channels:
            # Where trades come as aggregates, one event serves both.
            self._trades_are_aggregates = names == self._planned(("agg_trade", symbol, ""))
        kind = "quote" if label == "book_ticker" else label
        # How an identity names it: see tickwire.market.identity.
        return names | {" ".join((kind, symbol, detail))}

    _trades_are_aggregates = False

    def _planned(self, key: Key) -> frozenset[str]:
        label, symbol, detail = key
        if CHANNELS[label] not in self._venue.channels:
            wants_of(self._venue, {CHANNELS[label]: [symbol]})  # raises, and says what there is
        wants = [Want(CHANNELS[label], symbol, detail)]
        return frozenset(stream.name for plan in self._venue.plan(wants) for stream in plan.streams)

    @property
    def connections(self) -> int:
        """Open connections."""
        return 0 if self._feed is None else self._feed.stats.connections

    @property
    def needed(self) -> int:
        """Connections that there should be."""
        return 0 if self._feed is None else len(self._feed.stats.codecs)

    @property
    def stats(self) -> FeedStats:
        """Counts over all feeds that there were."""
        before = self._before
        now = _NOTHING if self._feed is None else self._feed.stats
        return FeedStats(
            messages=before.messages + now.messages,
            bytes=before.bytes + now.bytes,
            queued=now.queued,
            connections=now.connections,
            codecs=now.codecs,
            duplicates=before.duplicates + now.duplicates,
            gaps=before.gaps + now.gaps,
        )

    # Making it true

    async def _apply(self, wanted: Collection[Key]) -> None:
        target = set(wanted)
        if self._reader is not None and self._reader.done():
            await self._shut()  # it broke: everything anew
        if not target:
            await self._shut()
            return
        if self._feed is None:
            await self._open(target)
            return
        for group, keys in _groups(target - self._carried).items():
            await self._feed.subscribe(**_wanted(group, keys))
            self._carried.update(keys)
        for group, keys in _groups(self._carried - target).items():
            self._carried.difference_update(keys)
            gone = [key for key in keys if not self._is_shared(key)]
            if gone:
                await self._feed.unsubscribe(**_wanted(group, gone))

    def _is_shared(self, key: Key) -> bool:
        """Whether another stream that is wanted is the same on the wire."""
        other = {"trade": "agg_trade", "agg_trade": "trade"}.get(key[0])
        return (
            self._trades_are_aggregates and other is not None and (other, *key[1:]) in self._carried
        )

    async def _open(self, target: set[Key]) -> None:
        groups = _groups(target)
        # Candles of one interval at a time is what a feed is made with; the others are added.
        first, *others = groups.items()
        feed = Feed(
            self.exchange,
            market=self._market,
            url=self._url,
            records=True,
            **_wanted(*first),
        )
        try:
            await feed.open()
        except BaseException:
            await feed.close()
            raise
        self._feed = feed
        self._opened_ns = self._clock.mono_ns()
        self._carried = set(first[1])
        self._reader = asyncio.create_task(self._read(feed))
        for group, keys in others:
            await feed.subscribe(**_wanted(group, keys))
            self._carried.update(keys)

    async def _shut(self) -> None:
        feed, self._feed = self._feed, None
        reader, self._reader = self._reader, None
        self._carried = set()
        if feed is not None:
            now = feed.stats
            before = self._before
            await feed.close()
            self._before = FeedStats(
                messages=before.messages + now.messages,
                bytes=before.bytes + now.bytes,
                queued=0,
                connections=0,
                codecs=(),
                duplicates=before.duplicates + now.duplicates,
                gaps=before.gaps + now.gaps,
            )
        if reader is not None:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

    # What comes

    async def _read(self, feed: Feed) -> None:
        while True:
            try:
                async for item in feed:
                    self._take(item)
                return
            except SubscriptionError as refusal:
                self._refused(refusal)
            except Exception as error:
                # Whatever it is, the listeners are better off with a new feed than with none.
                self._broke(error, (self._clock.mono_ns() - self._opened_ns) / _NS)
                return

    def _take(self, item: Any) -> None:
        label = label_of(item)
        if label is None:
            if not isinstance(item, Event) or isinstance(item, Gap):
                self._news(item)
            return
        now_ns = self._clock.wall_ns()
        self.last_ns = mono_ns = self._clock.mono_ns()
        detail = ""
        if label == "kline":
            item.interval = detail = common_interval(item.interval)
        key = (label, item.symbol, detail)
        topic = self.topics.get(key)
        if topic is not None:
            self._publish(topic, item, now_ns, mono_ns)
        if label == "agg_trade" and self._trades_are_aggregates:
            topic = self.topics.get(("trade", key[1], ""))
            if topic is not None:
                item.symbol = key[1]
                self._publish(topic, item, now_ns, mono_ns)

    def _publish(self, topic: Topic, event: Event, now_ns: int, mono_ns: int) -> None:
        if topic.stale is not None:
            if not self.enabled:
                return  # on its way while the connection is being closed
            topic.set_stale(None)
        sent_ns = event.ts_event_ns
        if sent_ns:
            topic.arrival.add(event.ts_recv_ns - sent_ns)
        payload, text = message(event, topic.label, topic.symbol, now_ns)
        topic.last_ns = mono_ns
        topic.publish(text, conflation_key(payload), event.ts_recv_ns)
        self._prices(payload, mono_ns)

    def _refused(self, refusal: SubscriptionError) -> None:
        for topic in list(self.topics.values()):
            if self.enabled and topic.names & set(refusal.streams):
                topic.set_stale(str(refusal))
        self._news(refusal)


def _groups(keys: Iterable[Key]) -> dict[tuple[Channel, str], list[Key]]:
    """The keys by what one call can ask for."""
    groups: dict[tuple[Channel, str], list[Key]] = {}
    for key in sorted(keys):
        groups.setdefault((CHANNELS[key[0]], key[2]), []).append(key)
    return groups


def _wanted(group: tuple[Channel, str], keys: Iterable[Key]) -> dict[str, Any]:
    channel, interval = group
    wanted: dict[str, Any] = {channel.value: [symbol for _, symbol, _ in keys]}
    return wanted | ({"kline_interval": interval} if interval else {})
