"""Results, and the tables that are made of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.catalogue import WORKLOADS, workload_named
from benchmarks.outcomes import EntryResult, Round, Run, WorkloadResult
from benchmarks.tables import BEGIN, END, DocumentError, insert, markdown
from benchmarks.targets import TARGETS

if TYPE_CHECKING:
    from benchmarks.plan import Workload

RATE = workload_named("receive-128").figure("rate")
STARTED = "2026-01-02T03:04:05+00:00"
P50 = workload_named("echo-128").figure("p50_us")
MACHINE: dict[str, Any] = {
    "cpu": "Test CPU",
    "cores": 2,
    "system": "Linux 6",
    "python": "3.11.7",
    "versions": {"picows": "2.3.1"},
    "commit": "abc1234",
    "compiled": True,
    "load_before": 0.1,
}


def row(*rates: float, remark: str = "", key: str = "rate") -> EntryResult:
    """A row with these samples."""
    entry = EntryResult()
    for rate in rates:
        entry.add({key: rate, "cipher": "none"}, remark)
    return entry


def run_of(workload: str, **rows: EntryResult) -> Run:
    """A run of one workload on a calm machine."""
    return Run(STARTED, "full", MACHINE, workloads={workload: WorkloadResult(rows)})


def receive_run(ours: EntryResult, theirs: EntryResult) -> Run:
    return run_of("receive-128", **{"tickwire, async for": ours, "picows.websockets": theirs})


def test_only_numbers_become_samples() -> None:
    entry = row(1.0, 2.0)
    assert entry.samples("rate") == [1.0, 2.0]
    assert entry.samples("cipher") == []


def test_a_calm_row_is_reliable() -> None:
    run = receive_run(row(10.0, 10.1, 9.9), row(1.0))
    entry = run.workloads["receive-128"].entries["tickwire, async for"]
    assert entry.is_reliable(RATE, run.limits)
    assert entry.faults((RATE,), run.limits) == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (row(10.0, 20.0), "spread 67%"),
        (row(10.0, 10.0, remark="noise"), "2 of 2 rounds disturbed: noise"),
    ],
)
def test_a_disturbed_row_says_why(entry: EntryResult, fault: str) -> None:
    run = receive_run(entry, row(1.0))
    assert not entry.is_reliable(RATE, run.limits)
    assert any(fault in said for said in entry.faults((RATE,), run.limits))


def test_a_row_with_a_failed_round_is_never_reliable() -> None:
    entry = row(10.0, 10.0)
    entry.rounds.append(Round(failure="Mismatch: messages: 3, not 4"))
    run = receive_run(entry, row(1.0, 1.0))
    assert not entry.is_reliable(RATE, run.limits)
    assert "1 of 3 rounds failed: Mismatch: messages: 3, not 4" in markdown(run)


def test_what_is_not_timed_cannot_be_disturbed_by_others() -> None:
    figure = workload_named("memory").figure("kib")
    entry = EntryResult()
    entry.add({"kib": 22.0}, "noise")
    assert entry.is_reliable(figure, Run("", "full", MACHINE).limits)


def test_ratio_pairs_the_rounds_that_gave_both() -> None:
    gap = row(9.0, 5.0)
    gap.rounds[0] = Round(failure="no end after 60 s")
    workload = WorkloadResult({"a": row(2.0, 4.0), "b": row(1.0, 2.0), "c": gap})
    ratio = workload.ratio(RATE, "a", "b")
    assert ratio is not None
    assert ratio.median == 2.0
    paired = workload.ratio(RATE, "a", "c")
    assert paired is not None
    assert paired.median == 0.8
    assert workload.ratio(RATE, "a", "missing") is None
    assert workload.ratio(P50, "a", "b") is None


def test_targets_are_judged_where_both_rows_are_there() -> None:
    found = list(receive_run(row(3.0, 3.0), row(1.0, 1.0)).targets())
    assert [(one.target.theirs, one.is_met, one.is_disturbed) for one in found] == [
        ("picows.websockets", True, False)
    ]
    assert len(TARGETS) > len(found)


def test_a_rate_is_judged_by_cpu_time_too() -> None:
    run = receive_run(row(3.0, 3.0), row(1.0, 1.0))
    for entry, cpu in zip(run.workloads["receive-128"].entries.values(), (0.2, 0.5), strict=True):
        for one in entry.rounds:
            one.figures["cpu_us"] = cpu
    (found,) = run.targets()
    assert found.by_cpu == pytest.approx(2.5)
    assert "| 2.50 | ≥ 2 | yes |" in markdown(run)


def test_a_target_without_cpu_times_leaves_the_column_empty() -> None:
    (found,) = receive_run(row(3.0), row(1.0)).targets()
    assert found.by_cpu is None


def test_a_target_beside_a_disturbed_row_is_marked() -> None:
    run = receive_run(row(1.0, 1.0), row(1.0, 2.0))
    (found,) = run.targets()
    assert (found.is_met, found.is_disturbed) == (False, True)
    assert "**no** ⚠" in markdown(run)


def test_load_before_the_run_is_a_fault_of_the_run() -> None:
    busy = Run(STARTED, "full", {**MACHINE, "load_before": 2.5})
    assert "load average 2.50" in busy.faults()[0]
    assert "Disturbed run" in markdown(busy)
    assert receive_run(row(1.0), row(1.0)).faults() == []


def test_a_run_that_was_cut_short_names_its_tables_once() -> None:
    run = receive_run(row(1.0), row(1.0))
    run.cut_short = ["echo-128", "memory", "memory"]
    assert "**⚠ Disturbed run:** time was up" in markdown(run)
    assert run.faults() == ["time was up before all rounds were measured, in: echo-128, memory"]
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_a_run_survives_json() -> None:
    run = receive_run(row(1.0, 2.0), row(3.0, 4.0, remark="noise"))
    run.workloads["receive-128"].entries["picows.websockets"].rounds.append(Round(failure="x"))
    again = Run.from_json(json.loads(json.dumps(run.to_json())))
    assert again == run
    assert markdown(again) == markdown(run)


def test_table_sorts_the_best_first_and_says_when_that_is_not_tickwire() -> None:
    text = markdown(receive_run(row(1.0e6, 1.0e6), row(2.0e6, 2.0e6)))
    assert "tickwire is not first here: picows.websockets is." in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    ranks = [line.split(" | ")[0] for line in lines]
    assert ranks.index("| picows.websockets") < ranks.index("| tickwire, async for")
    assert "| picows.websockets | 2.00 | 0% |" in text
    assert "| 0.50 |" in text


def test_table_sorts_times_the_other_way_and_ignores_the_limit() -> None:
    ours, limit = "tickwire, await recv()", "limit: blocking socket"
    rows = {ours: row(20.0, key="p50_us"), limit: row(10.0, key="p50_us")}
    text = markdown(run_of("echo-128", **rows))
    assert "not first" not in text
    assert text.index(f"\n| {limit}") < text.index(f"\n| {ours}")


def test_a_row_without_any_figure_stands_last_and_is_marked() -> None:
    failed = EntryResult([Round(failure="no end after 60 s")])
    text = markdown(receive_run(row(1.0), failed))
    assert "| picows.websockets | ⚠ none |" in text
    assert "1 of 1 rounds failed: no end after 60 s" in text


def test_head_names_the_machine_and_a_missing_core() -> None:
    assert "2 cores of Test CPU, Linux 6, Python 3.11.7; picows 2.3.1." in markdown(
        Run(STARTED, "full", MACHINE)
    )
    pure = Run(STARTED, "full", {**MACHINE, "compiled": False})
    assert "without its compiled core" in markdown(pure)


def test_insert_replaces_only_what_stands_between_the_marks() -> None:
    document = f"# Title\n\nbefore\n\n{BEGIN}\nold\n{END}\n\nafter\n"
    once = insert(document, "| new |\n")
    assert once == f"# Title\n\nbefore\n\n{BEGIN}\n\n| new |\n\n{END}\n\nafter\n"
    assert insert(once, "| new |") == once


@pytest.mark.parametrize(
    "document",
    [
        "",
        f"{BEGIN}\n",
        f"{END}\n",
        f"{END}\n{BEGIN}\n",
        f"{BEGIN}{BEGIN}{END}",
        f"{BEGIN}{END}{END}",
    ],
)
def test_insert_refuses_a_document_without_a_place(document: str) -> None:
    with pytest.raises(DocumentError):
        insert(document, "x")


def flood(limit: float, ours: float, *, busy: float | None = None) -> str:
    """The document about a run of the receive table with these rates."""
    fastest = row(ours, ours)
    for one in fastest.rounds:
        if busy is not None:
            one.figures["busy"] = busy
    rows = {"limit: socket, no parsing": row(limit, limit), "tickwire, async for": fastest}
    return markdown(run_of("receive-128", **rows))


@pytest.mark.parametrize(
    ("limit", "busy", "cells"),
    [
        (20.0, 0.5, "| 2.00 | 50% |"),
        (10.0, 0.95, "| 1.00 | 95% |"),
        (10.0, 0.5, "| ⚠ 1.00 | 50% |"),
        (10.0, None, "| ⚠ 1.00 |  |"),
    ],
)
def test_a_client_as_fast_as_the_limit_that_waits_is_marked(
    limit: float, busy: float | None, cells: str
) -> None:
    """Then it may be the server that was measured."""
    text = flood(limit, 10.0, busy=busy)
    assert "### The server beside the fastest client" in text
    assert f"| receive-128 | {limit:.0f} | tickwire, async for | 10 {cells}" in text


def test_a_run_without_a_limit_says_nothing_of_the_server() -> None:
    assert "The server beside" not in markdown(receive_run(row(2.0), row(1.0)))


def test_the_tables_with_another_client_in_front_are_listed_first() -> None:
    text = markdown(receive_run(row(1.0), row(2.0)))
    assert "- Receive 128-byte messages: picows.websockets\n" in text
    assert text.index("Where another client is first") < text.index("### Receive 128")
    assert "Where another client is first" not in markdown(receive_run(row(2.0), row(1.0)))


def test_other_columns_with_another_client_in_front_are_named() -> None:
    ours, theirs = row(1.0, key="p50_us"), row(2.0, key="p50_us")
    ours.rounds[0].figures |= {"p90_us": 5.0, "p99_us": 9.0}
    theirs.rounds[0].figures |= {"p90_us": 4.0, "p99_us": 8.0}
    text = markdown(run_of("echo-128", **{"tickwire, await recv()": ours, "aiohttp": theirs}))
    assert "without a pause: aiohttp by p90 µs, p99 µs\n" in text
    assert "By p90 µs, p99 µs aiohttp is first." in text
    assert "tickwire is not first here" not in text


def test_a_column_that_no_other_work_can_disturb_counts_too() -> None:
    ours, theirs = row(40.0, key="p50_us"), row(50.0, key="p50_us")
    ours.rounds[0].figures |= {"mib": 500.0, "late_percent": 1.0}
    theirs.rounds[0].figures |= {"mib": 1.5, "late_percent": 0.0}
    text = markdown(run_of("slow-128", **{"tickwire, async for": ours, "aiohttp": theirs}))
    assert "- A slow consumer beside a fast one: aiohttp by growth, MiB\n" in text
    assert "By growth, MiB aiohttp is first." in text


def test_as_good_as_another_is_not_behind() -> None:
    ours, theirs = row(2.0), row(1.0)
    for entry in (ours, theirs):
        entry.rounds[0].figures["cpu_us"] = 1.0
    assert "first" not in markdown(receive_run(ours, theirs))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one.name)
def test_every_column_with_a_better_direction_is_ranked(workload: Workload) -> None:
    """What was done, and what the server did, has none."""
    neutral = {"late_percent", "payloads_per_message", "connects", "connections"}
    assert {one.key for one in workload.figures if not one.is_ranked} <= neutral
    assert {one.key for one in workload.figures if one.key in neutral and one.is_ranked} == set()
    assert workload.figures[0].is_ranked


def test_a_rate_that_waited_for_the_server_is_marked_and_said_once() -> None:
    waited, worked = row(3.0e6, 3.0e6), row(2.0e6, 2.0e6)
    for entry, busy in ((waited, 0.7), (worked, 0.95)):
        for one in entry.rounds:
            one.figures |= {"busy": busy, "cpu_us": 0.3}
    text = markdown(receive_run(waited, worked))
    assert "| tickwire, async for | 3.00 † | 0% | 0.30 | 0% |" in text
    assert "| picows.websockets | 2.00 | 0% | 0.30 | 0% |" in text
    assert text.count("† Its process was at work for less than 90% of the time") == 1
    assert "†" not in markdown(receive_run(worked, worked))


def test_one_round_alone_is_no_clean_number() -> None:
    text = markdown(receive_run(row(2.0e6), row(1.0e6, 1.0e6)))
    assert "| tickwire, async for | ⚠ ~2.00 |  |" in text
    assert "| picows.websockets | 1.00 | 0% |" in text
    assert "- tickwire, async for: one round only: its spread is not known" in text


def test_another_of_our_own_rows_in_front_is_not_another_client() -> None:
    rows = {
        "tickwire codec, float": row(1.0),
        "tickwire codec, float, 64 at a time": row(2.0),
        "orjson, dict": row(0.5),
    }
    assert "not first" not in markdown(run_of("pipeline-usdm", **rows))


def test_columns_that_a_short_run_lacks_are_left_out() -> None:
    memory = row(20.0, key="kib")
    memory.rounds[0].figures["mib_100"] = 2.0
    text = markdown(run_of("memory", tickwire=memory, aiohttp=row(30.0, key="kib")))
    assert "| client | KiB each | spread | MiB for 100 | spread |" in text
    assert "MiB for 500" not in text
    assert "| ⚠ none |" in text
