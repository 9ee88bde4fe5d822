"""What the pictures show: series of numbers out of a run. Pure; ``plots.py`` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from benchmarks.catalogue import SIZES, workload_named
from benchmarks.outcomes import WorkloadResult
from benchmarks.plan import Figure
from benchmarks.stats import PERCENTS, percentile_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.outcomes import Run

__all__ = ["Picture", "Series", "pictures"]

_RATE = Figure("rate", "rate")
_MIB = "mib_"
"""What the memory of so many connections is called among the figures: ``mib_500``."""


@dataclass(frozen=True)
class Series:
    """One bar, or one line.

    Attributes:
        name: The row in the tables.
        peer: Whose it is; decides the colour.
        points: ``(x, y)``, ascending in x; a bar has one, at x = 0.
        is_reliable: Whether none of the tables behind it marks the row as disturbed.
    """

    name: str
    peer: str
    points: tuple[tuple[float, float], ...]
    is_reliable: bool


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        file: Its name in the folder of pictures.
        shape: How its series are drawn. ``percentiles``: lines over a percentage, wide near 100.
        x_label, y_label: With units.
        is_better_high: For bars and legends: what stands first.
    """

    file: str
    title: str
    shape: Literal["bars", "lines", "percentiles"]
    x_label: str
    y_label: str
    is_better_high: bool
    series: tuple[Series, ...]


def pictures(run: Run) -> list[Picture]:
    """All pictures that this run has figures for. Medians over the rounds throughout."""
    found = (
        _bars(run, "receive-128", "receive.svg", "Receiving 128-byte messages"),
        _bars(run, "receive-128-tls", "receive-tls.svg", "Receiving 128-byte messages over TLS"),
        _sizes(run, "", "sizes.svg", "Receiving: throughput against message size"),
        _sizes(run, "-tls", "sizes-tls.svg", "Receiving over TLS: throughput against message size"),
        _curves(run, "echo-128", "echo.svg", "Echo of 128 bytes, one after the other"),
        _curves(run, "echo-128-paced", "echo-paced.svg", "Echo of 128 bytes, a pause before each"),
        _curves(run, "paced-128", "arrival.svg", "20,000 messages a second: arrival to program"),
        _memory(run),
    )
    return [picture for picture in found if picture.series]


def _value(run: Run, workload: str, row: str, key: str) -> float | None:
    result = run.workloads.get(workload, WorkloadResult()).entries.get(row)
    samples = result.samples(key) if result else []
    return median(samples) if samples else None


def _series(
    run: Run,
    workloads: Sequence[str],
    figures: Sequence[Figure],
    points_of: Callable[[str], list[tuple[float, float | None]]],
) -> tuple[Series, ...]:
    """The rows that the workloads have in common, as far as they have anything.

    Args:
        figures: Those that are drawn: a row of which one was disturbed counts as disturbed.
        points_of: The points of the row of this name, ``None`` where there is no figure.
    """
    found = []
    for entry in workload_named(workloads[0]).entries:
        points = tuple((x, y) for x, y in points_of(entry.name) if y is not None)
        rows = [
            run.workloads.get(one, WorkloadResult()).entries.get(entry.name) for one in workloads
        ]
        reliable = all(
            row.is_reliable(figure, run.limits)
            for row in rows
            if row is not None
            for figure in figures
        )
        if points:
            found.append(Series(entry.name, entry.peer, points, reliable))
    return tuple(found)


def _bars(run: Run, workload: str, file: str, title: str) -> Picture:
    def points_of(row: str) -> list[tuple[float, float | None]]:
        rate = _value(run, workload, row, "rate")
        return [(0.0, None if rate is None else rate / 1e6)]

    series = _series(run, [workload], [_RATE], points_of)
    return Picture(file, title, "bars", "", "million messages per second", True, series)


def _sizes(run: Run, suffix: str, file: str, title: str) -> Picture:
    names = {f"receive-{word}{suffix}": size for word, size in SIZES.items()}
    # The sizes besides 128 have one row for each client; that is enough lines for one picture.
    measured = [f"receive-8k{suffix}", *(name for name in names if name in run.workloads)]

    def points_of(row: str) -> list[tuple[float, float | None]]:
        rates = ((size, _value(run, name, row, "rate")) for name, size in names.items())
        return [(size, None if rate is None else rate * size / 1e6) for size, rate in rates]

    series = _series(run, measured, [_RATE], points_of)
    x_label, y_label = "message size, bytes", "payload, MB per second"
    return Picture(file, title, "lines", x_label, y_label, True, series)


def _curves(run: Run, workload: str, file: str, title: str) -> Picture:
    def points_of(row: str) -> list[tuple[float, float | None]]:
        return [(one, _value(run, workload, row, percentile_key(one))) for one in PERCENTS]

    # One figure each, also of those that the table has no column for.
    drawn = [Figure(percentile_key(one), f"p{one:g}") for one in PERCENTS]
    series = _series(run, [workload], drawn, points_of)
    return Picture(file, title, "percentiles", "percentile", "µs", False, series)


def _memory(run: Run) -> Picture:
    rows = run.workloads.get("memory", WorkloadResult()).entries.values()
    keys = {key for row in rows for one in row.rounds for key in one.figures}
    counts = sorted(int(key[len(_MIB) :]) for key in keys if key.startswith(_MIB))

    def points_of(row: str) -> list[tuple[float, float | None]]:
        return [(float(one), _value(run, "memory", row, f"{_MIB}{one}")) for one in counts]

    title = "Memory of idle connections"
    drawn = [Figure(f"{_MIB}{one}", f"MiB for {one}", is_timed=False) for one in counts]
    series = _series(run, ["memory"], drawn, points_of)
    return Picture("memory.svg", title, "lines", "open connections", "MiB", False, series)
