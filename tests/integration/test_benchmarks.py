"""The benchmark suite measures: every kind of workload once, as short as it can be, with tickwire.

The peers are not installed here; what is tested is the server, the client process, and the checks
that stand behind a figure.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.catalogue import WORKLOADS
from benchmarks.measuring import Bench, MeasurementFailed, run, serving
from benchmarks.offline import CAPTURES
from benchmarks.scales import QUICK
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.outcomes import Run
    from benchmarks.plan import Entry, Workload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BRIEF: dict[str, dict[str, Any]] = {
    "receive": {"seconds": 0.02},
    "send": {"seconds": 0.02},
    "echo": {"rounds": 20},
    "paced": {"seconds": 0.05, "per_second": 500},
    "burst": {"bursts": 2, "every_ms": 20},
    "memory": {"counts": (5, 10)},
    "storm": {"count": 20},
    "crowd": {"connections": 10, "seconds": 0.1},
    "slow": {"seconds": 0.1, "per_second": 200},
    "pipeline": {"seconds": 0.02},
    "books": {"seconds": 0.02},
}
TRIED = (
    "receive-128",
    "receive-64k-tls",
    "receive-256-deflate",
    "send-128-coalesced",
    "echo-128-paced",
    "paced-128",
    "burst-128",
    "memory",
    "connect",
    "crowd-128",
    "slow-128",
    "pipeline-usdm",
    "books-100",
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with serving(None) as (server, pid):
        yield Bench(server, pid, None)


def brief(name: str) -> Workload:
    workload = next(one for one in WORKLOADS if one.name == name)
    return replace(workload, options=workload.options | BRIEF[workload.kind])


def test_every_kind_is_tried() -> None:
    assert {brief(name).kind for name in TRIED} == {workload.kind for workload in WORKLOADS}


@pytest.mark.parametrize("name", TRIED)
def test_tickwire_is_measured(bench: Bench, name: str) -> None:
    workload = brief(name)
    if workload.kind == "pipeline" and not CAPTURES.is_dir():
        pytest.skip(f"no recordings at {CAPTURES}: set TICKWIRE_CAPTURES to the folder")
    entry = next(entry for entry in workload.entries if entry.peer == "tickwire")
    figures, _foreign = bench.measure(workload, entry)
    for figure in workload.figures:
        if not figure.key.startswith("mib_"):
            assert figures[figure.key] >= 0, figure.key
    if workload.kind != "memory":
        assert figures[workload.figures[0].key] > 0


LIMITED = {one for one in TRIED for entry in brief(one).entries if entry.peer == "limit"}


def test_the_limit_is_tried_at_everything_that_meets_the_server() -> None:
    assert {"receive-128", "send-128-coalesced", "paced-128", "burst-128", "connect"} < LIMITED


@pytest.mark.parametrize("name", sorted(LIMITED))
def test_the_limit_is_measured(bench: Bench, name: str) -> None:
    workload = brief(name)
    entry = next(entry for entry in workload.entries if entry.peer == "limit")
    figures, _foreign = bench.measure(workload, entry)
    assert figures[workload.figures[0].key] > 0


@pytest.mark.parametrize(("budget", "rounds"), [(None, 2), (0.0, 1), (600.0, 2)])
def test_a_run_ends_in_time_with_every_table_measured(
    monkeypatch: pytest.MonkeyPatch, budget: float | None, rounds: int
) -> None:
    order: list[tuple[str, str]] = []

    def measure(
        bench: Bench, workload: Workload, entry: Entry, seconds: float
    ) -> tuple[dict[str, Any], float]:
        order.append((workload.name, entry.name))
        return {"rate": 1.0}, 0.0

    monkeypatch.setattr(Bench, "measure", measure)
    scale = replace(QUICK, rounds=2, budget_seconds=budget)
    kept: list[tuple[list[str], bool]] = []

    def keep(outcome: Run) -> None:
        kept.append((list(outcome.workloads), outcome.is_partial))

    outcome = run(("send-128", "connect"), scale, Console(quiet=True), keep)
    tables = ["send-128", "send-128-coalesced", "connect"]
    assert list(outcome.workloads) == tables
    for result in outcome.workloads.values():
        assert {len(row.rounds) for row in result.entries.values()} == {rounds}
    assert outcome.cut_short == (tables if rounds == 1 else [])
    # What there is is saved after each round of a table, not at the end only.
    assert [names for names, _ in kept[:3]] == (
        [tables[:1], tables[:1], tables[:2]] if budget is None else [tables[:n] for n in (1, 2, 3)]
    )
    assert [partial for _, partial in kept] == [True] * (len(kept) - 1) + [False]
    # A B A B: no row is measured twice in a row.
    assert all(one != other for one, other in itertools.pairwise(order))


def test_a_client_that_hangs_takes_no_more_than_it_may(bench: Bench) -> None:
    workload = brief("receive-128")
    workload = replace(workload, options=workload.options | {"seconds": 600.0})
    with pytest.raises(MeasurementFailed, match="no end after 1 s"):
        bench.measure(workload, workload.entries[0], 1.0)


def test_time_that_is_up_ends_a_run_in_its_first_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when clients hang: none gets more than what is left, and the rest is cut short."""
    monkeypatch.setattr(
        Bench, "measure", lambda *_: pytest.fail("nothing is to be measured any more")
    )
    outcome = run(("connect",), replace(QUICK, most_seconds=0.0), Console(quiet=True))
    assert set(outcome.cut_short) == {"connect"}
    assert outcome.workloads["connect"].entries == {}


def test_a_client_that_is_not_installed_says_so(bench: Bench) -> None:
    workload = brief("receive-128")
    entry = replace(workload.entries[0], peer="no_such_peer")
    with pytest.raises(MeasurementFailed, match=r"^not installed: benchmarks.peers.no_such_peer$"):
        bench.measure(workload, entry)


def test_a_client_that_fails_gives_no_figure_but_says_why(bench: Bench) -> None:
    workload = brief("receive-128")
    entry = replace(workload.entries[0], way="receive_nothing")
    with pytest.raises(MeasurementFailed, match="receive_nothing"):
        bench.measure(workload, entry)


def test_curl_cffi_inflates_what_the_server_sends(bench: Bench) -> None:
    """The warm-up compares every message of it with what was compressed."""
    if not hasattr(pytest.importorskip("curl_cffi.const"), "CurlWsOption"):
        pytest.skip("curl_cffi before 0.17 cannot compress")
    workload = brief("receive-256-deflate")
    (entry,) = (entry for entry in workload.entries if entry.peer == "curl_cffi")
    figures, _foreign = bench.measure(workload, entry)
    assert figures["rate"] > 0


def test_a_client_that_does_not_compress_gives_no_figure(bench: Bench) -> None:
    workload = brief("receive-256-deflate")
    limit = next(entry for entry in brief("receive-128").entries if entry.peer == "limit")
    with pytest.raises(MeasurementFailed, match="did not offer permessage-deflate"):
        bench.measure(workload, limit)
