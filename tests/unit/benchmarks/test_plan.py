"""The plan names only what there is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from benchmarks import plan
from benchmarks.catalogue import WORKLOADS, workload_named
from benchmarks.kinds import KINDS
from benchmarks.scales import FULL, QUICK, select
from benchmarks.targets import TARGETS

FOLDER = Path(plan.__file__).parent
EVERY_ENTRY = [
    pytest.param(workload, entry, id=f"{workload.name}: {entry.name}")
    for workload in WORKLOADS
    for entry in workload.entries
]


def names_in(folder: str, peer: str) -> set[str]:
    """What a peer module defines at its top, found without importing the library."""
    names = set()
    for node in ast.parse((FOLDER / folder / f"{peer}.py").read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize(("workload", "entry"), EVERY_ENTRY)
def test_each_row_has_its_function(workload: plan.Workload, entry: plan.Entry) -> None:
    defined = names_in(workload.folder, entry.peer)
    assert entry.way in defined
    if workload.kind in ("receive", "paced", "burst", "crowd"):
        assert "deliver" in defined


def test_a_row_delivers_in_its_own_way_where_there_is_one() -> None:
    """So that latency is not measured through another interface than the one the row names."""
    entries = {entry.name: entry for entry in workload_named("paced-128").entries}
    ways = {
        entry.way.removeprefix("receive") for entry in entries.values() if entry.peer == "tickwire"
    }
    assert {"deliver" + way for way in ways} <= names_in("peers", "tickwire")
    assert len(ways) > 1


def test_rows_and_workloads_have_names_of_their_own() -> None:
    names = [workload.name for workload in WORKLOADS]
    assert len(set(names)) == len(names)
    for workload in WORKLOADS:
        rows = [entry.name for entry in workload.entries]
        assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_each_target_names_rows_and_a_figure_of_its_table(target: plan.Target) -> None:
    workload = workload_named(target.workload)
    rows = {entry.name: entry for entry in workload.entries}
    assert rows[target.ours].peer == "tickwire"
    assert target.theirs in rows
    assert workload.figure(target.figure).is_better_high == (target.bound == "min")


@pytest.mark.parametrize("scale", [QUICK, FULL], ids=lambda scale: scale.name)
def test_each_scale_has_numbers_for_each_kind(scale: plan.Scale) -> None:
    assert scale.options.keys() == KINDS.keys()
    for workload in select((), scale):
        assert workload.options.keys() > workload_named(workload.name).options.keys()


def test_every_kind_is_measured_in_the_quick_run_too() -> None:
    assert {workload.kind for workload in select((), QUICK)} == KINDS.keys()


def test_rows_for_the_quick_run_are_rows_of_their_table() -> None:
    for workload in WORKLOADS:
        assert set(workload.quick) <= {entry.name for entry in workload.entries}


def test_quick_measures_every_target_and_little_else() -> None:
    quick = {workload.name: workload for workload in select((), QUICK)}
    for target in TARGETS:
        rows = {entry.name for entry in quick[target.workload].entries}
        assert {target.ours, target.theirs} <= rows
    full = select((), FULL)
    assert sum(len(w.entries) for w in quick.values()) < sum(len(w.entries) for w in full)


def test_select_takes_the_start_of_a_name() -> None:
    names = [workload.name for workload in select(("receive-128",), FULL)]
    assert names == ["receive-128", "receive-128-tls"]


def test_a_table_without_quick_rows_is_measured_quickly_only_when_asked_for() -> None:
    assert "receive-1m" not in [workload.name for workload in select((), QUICK)]
    (asked,) = select(("receive-1m-tls",), QUICK)
    assert asked.entries == workload_named("receive-1m-tls").entries


def test_select_refuses_a_name_that_fits_nothing() -> None:
    with pytest.raises(ValueError, match="no workload is called 'recieve'"):
        select(("receive", "recieve"), FULL)


@pytest.mark.parametrize(
    ("bound", "ratio", "met"),
    [("min", 2.0, True), ("min", 1.99, False), ("max", 2.0, True), ("max", 2.01, False)],
)
def test_target_is_met_at_its_factor(bound: str, ratio: float, met: bool) -> None:
    target = plan.Target("w", "rate", "a", "b", "min" if bound == "min" else "max", 2.0)
    assert target.is_met(ratio) is met
