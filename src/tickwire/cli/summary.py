"""What a run of the demo comes to: one object, as a JSON line or as a few lines of text. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from tickwire.cli.latency import Latencies

__all__ = ["LatencySummary", "Summary", "duration_text"]


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Quantiles of a run, in microseconds.

    Attributes:
        p50: Half of the events took no longer.
        p99: 99 % took no longer.
    """

    p50: float
    p99: float

    @classmethod
    def of(cls, latencies: Latencies) -> LatencySummary | None:
        """``None`` where nothing was measured."""
        p50, p99 = latencies.quantile(0.50), latencies.quantile(0.99)
        if p50 is None or p99 is None:
            return None
        return cls(round(p50 / 1e3, 3), round(p99 / 1e3, 3))


@dataclass(frozen=True, slots=True)
class Summary:
    """One run.

    Attributes:
        source: ``simulator`` or ``replay``.
        market: ``spot`` or ``usdm``.
        seconds: From the connection to the end.
        messages: Taken from the sockets, acknowledgements included.
        events: Handed to the application, gaps not included.
        events_by_kind: The same by kind.
        events_per_second: On average.
        latency_venue_us: From the venue's event time; ``None`` in a replay, whose times are old.
        latency_socket_us: From the socket read.
        gaps: Sequence breaks.
        unknown: Messages of kinds that have no type.
        undecodable: Messages that are not what the venue's protocol allows.
        max_queue_depth: Most messages seen waiting between the sockets and the decoder.
        core, loop, libcurl: What it ran on.
        versions: Of the packages; ``None`` for what is not installed.
    """

    source: str
    market: str
    seconds: float
    messages: int
    events: int
    events_by_kind: dict[str, int]
    events_per_second: float
    latency_venue_us: LatencySummary | None
    latency_socket_us: LatencySummary | None
    gaps: int
    unknown: int
    undecodable: int
    max_queue_depth: int
    core: str
    loop: str
    libcurl: str
    versions: dict[str, str | None]

    def json_line(self) -> bytes:
        """One JSON object and a newline."""
        return orjson.dumps(asdict(self), option=orjson.OPT_APPEND_NEWLINE)

    def text(self) -> str:
        """For people: a few lines."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.events_by_kind.items())
        lines = [
            f"{self.seconds:.1f} s: {self.events:,} events ({self.events_per_second:,.0f}/s)"
            + (f": {kinds}" if kinds else ""),
            f"event time to here {_latency_text(self.latency_venue_us)}, "
            f"socket read to here {_latency_text(self.latency_socket_us)}",
            f"gaps {self.gaps}, unknown {self.unknown}, undecodable {self.undecodable}, "
            f"longest queue {self.max_queue_depth}",
        ]
        return "\n".join(lines)


def _latency_text(latency: LatencySummary | None) -> str:
    if latency is None:
        return "–"
    return f"p50 {duration_text(latency.p50 * 1e3)} p99 {duration_text(latency.p99 * 1e3)}"


def duration_text(ns: float | None) -> str:
    """A duration with three digits and its unit: ``874 ns``, ``38.2 µs``, ``1.04 ms``, ``12.0 s``.

    A dash for ``None``.
    """
    if ns is None:
        return "–"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size * 0.9995:
            value = ns / size
            decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{decimals}f} {unit}"
    return f"{ns:.0f} ns"
