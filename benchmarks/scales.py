"""How long and how often: the quick run and the full one, and what of the catalogue they take."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.catalogue import WORKLOADS
from benchmarks.plan import Scale, Workload
from benchmarks.targets import TARGETS

__all__ = ["FULL", "QUICK", "select"]

QUICK = Scale(
    name="quick",
    rounds=2,
    retries=0,
    budget_seconds=48.0,
    client_seconds=10.0,
    most_seconds=55.0,
    is_quick=True,
    options={
        "receive": {"seconds": 0.1},
        "send": {"seconds": 0.1},
        "echo": {"rounds": 500},
        "paced": {"seconds": 0.1},
        "burst": {"bursts": 3},
        "memory": {"counts": (100, 300)},
        "storm": {"count": 300},
        "crowd": {"connections": 100, "seconds": 0.1},
        "slow": {"seconds": 0.1},
        "pipeline": {"seconds": 0.1},
        "books": {"seconds": 0.1},
    },
)

FULL = Scale(
    name="full",
    rounds=7,
    retries=1,
    options={
        "receive": {"seconds": 0.5},
        "send": {"seconds": 0.5},
        "echo": {"rounds": 2_000},
        "paced": {"seconds": 1.0},
        "burst": {"bursts": 15},
        "memory": {"counts": (100, 500, 1_000, 2_000)},
        "storm": {"count": 1_000},
        "crowd": {"connections": 1_000, "seconds": 1.0},
        "slow": {"seconds": 1.0},
        "pipeline": {"seconds": 0.5},
        "books": {"seconds": 0.5},
    },
)


def select(names: tuple[str, ...], scale: Scale) -> tuple[Workload, ...]:
    """The workloads whose names start with one of ``names`` (all if there are none), at a scale.

    One that the quick run has no rows of is left out there, unless it was asked for by its name;
    then all its rows are measured.

    Raises:
        ValueError: A name fits no workload.
    """
    for name in names:
        if not any(workload.name.startswith(name) for workload in WORKLOADS):
            known = ", ".join(workload.name for workload in WORKLOADS)
            raise ValueError(f"no workload is called {name!r}; there are: {known}")
    chosen = (
        _at_scale(workload, scale, is_asked_for=bool(names))
        for workload in WORKLOADS
        if not names or workload.name.startswith(names)
    )
    return tuple(workload for workload in chosen if workload.entries)


def _at_scale(workload: Workload, scale: Scale, *, is_asked_for: bool) -> Workload:
    options = workload.options | scale.options[workload.kind]
    if not scale.is_quick:
        return replace(workload, options=options)
    named = set(workload.quick)
    for target in TARGETS:
        if target.workload == workload.name:
            named |= {target.ours, target.theirs}
    if not named:
        return replace(workload, options=options, entries=workload.entries if is_asked_for else ())
    entries = tuple(entry for entry in workload.entries if entry.name in named)
    return replace(workload, options=options, entries=entries)
