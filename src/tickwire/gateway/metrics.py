"""What the gateway counts, as Prometheus wants it: read when asked for, never kept twice.

Labels are the exchange and the type of stream, of which there are few: no symbol is a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from tickwire.gateway.fanout import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from tickwire.gateway.hub import Exchange, Hub

__all__ = ["HubCollector", "registry_of"]

_PREFIX = "tickwire_gateway_"
_BY_EXCHANGE = ("exchange",)
_BY_STREAM = ("exchange", "stream")

# Name, help, and how it is read of an exchange.
_Reading = tuple[str, str, "Callable[[Exchange], float]"]
# Of connections, each of which carries many streams: all of a feed's together, and those of books.
_CONNECTION_COUNTERS: tuple[tuple[str, str, dict[str, Callable[[Exchange], float]]], ...] = (
    (
        "messages",
        "Messages taken from the exchange.",
        {"feed": lambda e: e.feed.stats.messages, "book": lambda e: e.books.total("messages")},
    ),
    (
        "bytes",
        "Bytes from the exchange, below TLS.",
        {"feed": lambda e: e.feed.stats.bytes, "book": lambda e: e.books.total("bytes")},
    ),
    (
        "gaps",
        "Holes reported in streams; of books, how often one was lost.",
        {"feed": lambda e: e.counts.get("gap", 0), "book": lambda e: e.books.losses},
    ),
    (
        "rotations",
        "Connections replaced by plan.",
        {
            "feed": lambda e: e.counts.get("rotated", 0),
            "book": lambda e: e.books.total("rotations"),
        },
    ),
)
_EXCHANGE_COUNTERS: tuple[_Reading, ...] = (
    ("reconnects", "Connections restored.", lambda e: e.counts.get("reconnected", 0)),
    ("disconnects", "Connections ended.", lambda e: e.counts.get("disconnected", 0)),
    ("refusals", "Streams that the exchange refused.", lambda e: e.counts.get("refused", 0)),
)
_EXCHANGE_GAUGES: tuple[_Reading, ...] = (
    ("connections", "Open connections.", lambda e: e.feed.connections + e.books.connections),
    ("connected", "1 if all connections are up.", lambda e: float(e.state == "connected")),
    ("upstream_queue_depth", "Messages that wait for decoding.", lambda e: e.feed.stats.queued),
    ("live_books", "Order books that are live.", lambda e: e.books.live),
)


class HubCollector(Collector):
    """Reads a hub.

    Args:
        hub: Which.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """All metrics as of now."""
        exchanges = list(self._hub.exchanges.values())
        for name, text, readings in _CONNECTION_COUNTERS:
            counter = CounterMetricFamily(_PREFIX + name, text, labels=_BY_STREAM)
            for exchange in exchanges:
                for stream, reading in readings.items():
                    counter.add_metric([exchange.name, stream], reading(exchange))
            yield counter
        for name, text, read in _EXCHANGE_COUNTERS:
            counter = CounterMetricFamily(_PREFIX + name, text, labels=_BY_EXCHANGE)
            for exchange in exchanges:
                counter.add_metric([exchange.name], read(exchange))
            yield counter
        for name, text, read in _EXCHANGE_GAUGES:
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=_BY_EXCHANGE)
            for exchange in exchanges:
                gauge.add_metric([exchange.name], read(exchange))
            yield gauge
        yield from self._streams(exchanges)
        listeners = GaugeMetricFamily(_PREFIX + "listeners", "SSE connections.")
        listeners.add_metric([], len(self._hub.listeners))
        yield listeners
        refused = CounterMetricFamily(
            _PREFIX + "listeners_refused", "SSE connections refused for their number."
        )
        refused.add_metric([], self._hub.refused_listeners)
        yield refused

    def _streams(self, exchanges: list[Exchange]) -> Iterator[Metric]:
        events = CounterMetricFamily(
            _PREFIX + "events", "Messages passed on to a stream's listeners.", labels=_BY_STREAM
        )
        drops = CounterMetricFamily(
            _PREFIX + "drops", "Messages that slow listeners did not get.", labels=_BY_STREAM
        )
        streams = GaugeMetricFamily(_PREFIX + "streams", "Streams kept.", labels=_BY_STREAM)
        stale = GaugeMetricFamily(
            _PREFIX + "stale_streams", "Streams that are not live.", labels=_BY_STREAM
        )
        depth = GaugeMetricFamily(
            _PREFIX + "queue_depth", "Messages in the fullest listener's queue.", labels=_BY_STREAM
        )
        arrival = HistogramMetricFamily(
            _PREFIX + "venue_to_socket_seconds",
            "From the exchange's time of sending to the reading of the bytes here; of a book to "
            "its change.",
            labels=_BY_STREAM,
        )
        delivery = HistogramMetricFamily(
            _PREFIX + "socket_to_client_seconds",
            "From the reading of the bytes, or the change of a book, to the handing to a "
            "listener's connection.",
            labels=_BY_STREAM,
        )
        for exchange in exchanges:
            totals: dict[str, Counts] = {}
            present: dict[str, list[int]] = {}
            for upstream in exchange.upstreams:
                for label, counts in upstream.retired.items():
                    totals.setdefault(label, Counts()).take_over(counts)
            for topic in exchange.topics():
                totals.setdefault(topic.label, Counts()).take_over(topic)
                now = present.setdefault(topic.label, [0, 0, 0])
                now[0] += 1
                now[1] += topic.stale is not None
                now[2] = max(now[2], *map(len, topic.listeners), 0)
            for label, total in totals.items():
                labels = [exchange.name, label]
                events.add_metric(labels, total.events)
                drops.add_metric(labels, total.drops)
                kept, not_live, deepest = present.get(label, (0, 0, 0))
                streams.add_metric(labels, kept)
                stale.add_metric(labels, not_live)
                depth.add_metric(labels, deepest)
                for family, latency in ((arrival, total.arrival), (delivery, total.delivery)):
                    family.add_metric(labels, latency.buckets(), latency.total)
        yield from (events, drops, streams, stale, depth, arrival, delivery)


def registry_of(hub: Hub) -> CollectorRegistry:
    """A registry with this hub's metrics and nothing of the process's."""
    registry = CollectorRegistry()
    registry.register(HubCollector(hub))
    return registry
