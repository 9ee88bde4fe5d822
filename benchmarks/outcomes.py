"""The samples of a run, and what follows from them. Pure; saved and loaded as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.catalogue import WORKLOADS, workload_named
from benchmarks.stats import Limits, Ratio, Summary, are_too_many, paired_ratio, summarise
from benchmarks.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.plan import Figure, Target

__all__ = ["EntryResult", "Round", "Run", "TargetResult", "WorkloadResult", "is_limit"]


def is_limit(row: str) -> bool:
    """Whether the row of this name is a bare loop, and no client. Also in runs of older rows."""
    return row.startswith("limit")


@dataclass
class Round:
    """One measurement.

    Attributes:
        figures: What was measured, by name; empty if it failed.
        remark: What disturbed it, or an empty string.
        failure: Why there are no figures, or an empty string.
    """

    figures: dict[str, float] = field(default_factory=dict)
    remark: str = ""
    failure: str = ""


@dataclass
class EntryResult:
    """One row.

    Attributes:
        rounds: In their order.
        repeated: Measurements thrown away and taken again because they were disturbed.
    """

    rounds: list[Round] = field(default_factory=list)
    repeated: int = 0

    def add(self, answer: dict[str, Any], remark: str) -> None:
        """Take a client's answer; what is not a number in it is no figure."""
        figures = {key: value for key, value in answer.items() if isinstance(value, int | float)}
        self.rounds.append(Round(figures, remark))

    def samples(self, key: str) -> list[float]:
        """One value for each round that has it."""
        return [one.figures[key] for one in self.rounds if key in one.figures]

    def summary(self, figure: Figure) -> Summary | None:
        samples = self.samples(figure.key)
        return summarise(samples) if samples else None

    def is_reliable(self, figure: Figure, limits: Limits) -> bool:
        """Whether every round gave a sample, and a figure that can be disturbed was not."""
        summary = self.summary(figure)
        if summary is None or any(one.failure for one in self.rounds):
            return False
        if not figure.is_timed:
            return True
        if len(self.samples(figure.key)) < 2:
            return False  # nobody knows how far a second would be from it
        remarks = [one.remark for one in self.rounds]
        return not limits.is_too_wide(summary) and not are_too_many(remarks)

    def faults(self, figures: Sequence[Figure], limits: Limits) -> list[str]:
        """Why figures of this row are not to be relied on, for people to read."""
        faults = []
        failures = [one.failure for one in self.rounds if one.failure]
        if failures:
            faults.append(f"{len(failures)} of {len(self.rounds)} rounds failed: {failures[0]}")
        for figure in figures:
            summary = self.summary(figure)
            if summary and figure.is_timed and limits.is_too_wide(summary):
                faults.append(f"{figure.title}: spread {summary.spread:.0%}")
        measured = [one.remark for one in self.rounds if not one.failure]
        if len(measured) == 1 and any(figure.is_timed for figure in figures):
            faults.append("one round only: its spread is not known")
        remarks = [remark for remark in measured if remark]
        if are_too_many(measured):
            faults.append(f"{len(remarks)} of {len(measured)} rounds disturbed: {remarks[0]}")
        return faults


@dataclass
class WorkloadResult:
    """The rows of one table, by name."""

    entries: dict[str, EntryResult] = field(default_factory=dict)

    def ratio(self, figure: Figure, ours: str, theirs: str) -> Ratio | None:
        """Ours over theirs, in the rounds that gave both; ``None`` if there are none."""
        a, b = (self.entries.get(name, EntryResult()).rounds for name in (ours, theirs))
        pairs = [
            (mine.figures[figure.key], other.figures[figure.key])
            for mine, other in zip(a, b, strict=False)
            if mine.figures.get(figure.key, 0) > 0 and other.figures.get(figure.key, 0) > 0
        ]
        if not pairs:
            return None
        mine, other = zip(*pairs, strict=True)
        return paired_ratio(mine, other, is_better_high=figure.is_better_high)


@dataclass(frozen=True)
class TargetResult:
    """A target beside what was measured.

    Attributes:
        ratio: Of the figure that the target names.
        by_cpu: For rates, their CPU time per message over ours, where it is known: what the ratio
            would be if nobody else used the cores and the server were never waited for.
        is_met: Whether the median of ``ratio`` reaches the target.
        is_disturbed: Whether one of the two figures is not to be relied on.
    """

    target: Target
    ratio: Ratio
    by_cpu: float | None
    is_met: bool
    is_disturbed: bool


def _by_cpu(workload: WorkloadResult, target: Target) -> float | None:
    """Theirs over ours; not for a limit that waits for the server most of its time."""
    ours, theirs = (
        workload.entries[name].samples("cpu_us") for name in (target.ours, target.theirs)
    )
    if not ours or not theirs or is_limit(target.theirs):
        return None
    return median(theirs) / median(ours)


@dataclass
class Run:
    """One run of the benchmark.

    Attributes:
        started: UTC, ISO 8601.
        scale: ``quick`` or ``full``.
        machine: Facts about it, versions included.
        limits: What counted as undisturbed.
        workloads: By name.
        cut_short: Tables that lack a round because time was up, by name.
        rounds: How often each row was to be measured; 0 in files that do not say.
        is_partial: Whether it was interrupted, or is not over yet.
    """

    started: str
    scale: str
    machine: dict[str, Any]
    limits: Limits = field(default_factory=Limits)
    workloads: dict[str, WorkloadResult] = field(default_factory=dict)
    cut_short: list[str] = field(default_factory=list)
    rounds: int = 0
    is_partial: bool = False

    def faults(self) -> list[str]:
        """What disturbed the run as a whole."""
        faults = []
        load = self.machine.get("load_before")
        if load is not None and load > self.limits.load:
            faults.append(f"load average {load:.2f} when the run began: other work was going on")
        if self.is_partial:
            faults.append("it was interrupted, and is partial: tables, rows or rounds are missing")
        if self.cut_short:
            names = ", ".join(dict.fromkeys(self.cut_short))
            faults.append(f"time was up before all rounds were measured, in: {names}")
        return faults

    def lacks(self) -> list[str]:
        """Tables of the catalogue that this run has not measured, or not in all rows and rounds."""
        return [
            workload.name
            for workload in WORKLOADS
            if any(
                entry.name not in self._rows(workload.name)
                or len(self._rows(workload.name)[entry.name].rounds) < self.rounds
                for entry in workload.entries
            )
        ]

    def _rows(self, workload: str) -> dict[str, EntryResult]:
        return self.workloads.get(workload, WorkloadResult()).entries

    def targets(self) -> Iterator[TargetResult]:
        """Each target that this run can judge."""
        for target in TARGETS:
            figure = workload_named(target.workload).figure(target.figure)
            workload = self.workloads.get(target.workload, WorkloadResult())
            ratio = workload.ratio(figure, target.ours, target.theirs)
            if ratio is None:
                continue
            rows = (workload.entries[name] for name in (target.ours, target.theirs))
            disturbed = not all(row.is_reliable(figure, self.limits) for row in rows)
            by_cpu = _by_cpu(workload, target) if figure.is_better_high else None
            met = target.is_met(ratio.median)
            yield TargetResult(target, ratio, by_cpu, met, disturbed)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Run:
        workloads = {
            name: WorkloadResult({row: _entry(one) for row, one in result["entries"].items()})
            for name, result in data["workloads"].items()
        }
        return cls(**{**data, "limits": Limits(**data["limits"]), "workloads": workloads})


def _entry(data: dict[str, Any]) -> EntryResult:
    return EntryResult([Round(**one) for one in data["rounds"]], data["repeated"])
