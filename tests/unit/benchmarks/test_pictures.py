"""What the pictures show, and that they are drawn."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.catalogue import SIZES, WORKLOADS, workload_named
from benchmarks.outcomes import EntryResult, Run, WorkloadResult
from benchmarks.pictures import Picture, pictures
from benchmarks.stats import PERCENTS, percentile_key
from benchmarks.tables import PICTURES, markdown

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

MACHINE: dict[str, Any] = {
    "cpu": "Test CPU",
    "cores": 2,
    "system": "Linux 6",
    "python": "3.11.7",
    "versions": {},
    "commit": None,
    "compiled": True,
    "load_before": 0.1,
}
FILES = {
    "receive.svg",
    "receive-tls.svg",
    "sizes.svg",
    "sizes-tls.svg",
    "echo.svg",
    "echo-paced.svg",
    "arrival.svg",
    "memory.svg",
}


def whole_run() -> Run:
    """A run in which every row has every figure, none like another."""
    run = Run("2026-01-02T03:04:05+00:00", "full", MACHINE)
    keys = ["rate", "cpu_us", "busy", "kib", *map(percentile_key, PERCENTS)]
    keys += [f"mib_{count}" for count in (100, 500, 1000, 2000)]
    for number, workload in enumerate(WORKLOADS):
        result = run.workloads[workload.name] = WorkloadResult()
        for place, entry in enumerate(workload.entries):
            row = result.entries[entry.name] = EntryResult()
            for shift in (3, 1, 2):
                value = 1000.0 * (number + 1) + 10 * place + shift / 100
                row.add({key: value + 100 * i for i, key in enumerate(keys)}, "")
    return run


def picture(file: str, run: Run | None = None) -> Picture:
    (found,) = [one for one in pictures(run or whole_run()) if one.file == file]
    return found


def test_a_whole_run_gives_all_pictures() -> None:
    found = pictures(whole_run())
    assert {one.file for one in found} == FILES
    assert len(found) == len(FILES)


def test_a_run_without_figures_gives_none() -> None:
    assert pictures(Run("", "quick", MACHINE)) == []


def test_bars_are_the_medians_of_the_table() -> None:
    run = whole_run()
    bars = {one.name: one.points for one in picture("receive.svg", run).series}
    assert bars.keys() == {entry.name for entry in workload_named("receive-128").entries}
    for name, points in bars.items():
        samples = sorted(run.workloads["receive-128"].entries[name].samples("rate"))
        assert points == ((0.0, samples[1] / 1e6),)


def test_throughput_is_payload_per_second_over_size() -> None:
    run = whole_run()
    line = next(one for one in picture("sizes.svg", run).series if one.peer == "websockets")
    assert [x for x, _ in line.points] == sorted(SIZES.values())
    rate = sorted(run.workloads["receive-8k"].entries[line.name].samples("rate"))[1]
    assert dict(line.points)[8192] == rate * 8192 / 1e6


def test_a_size_that_was_not_measured_is_left_out() -> None:
    run = whole_run()
    del run.workloads["receive-1k-tls"]
    sizes = {x for one in picture("sizes-tls.svg", run).series for x, _ in one.points}
    assert 1024 not in sizes
    assert 64 in sizes


@pytest.mark.parametrize("file", ["echo.svg", "echo-paced.svg", "arrival.svg"])
def test_curves_have_a_point_for_each_percentile(file: str) -> None:
    for one in picture(file).series:
        assert [x for x, _ in one.points] == list(PERCENTS)


def test_a_disturbed_row_is_marked_in_every_picture_that_shows_it() -> None:
    run = whole_run()
    for one in run.workloads["receive-8k"].entries["websockets"].rounds:
        one.remark = "noise"
    marked = {one.name for one in picture("sizes.svg", run).series if not one.is_reliable}
    assert marked == {"websockets"}
    assert all(one.is_reliable for one in picture("sizes-tls.svg", run).series)


def test_a_curve_is_marked_for_any_of_its_points() -> None:
    """Also where the median, by which the table is sorted, did not differ."""
    run = whole_run()
    for place, one in enumerate(run.workloads["echo-128"].entries["aiohttp"].rounds):
        one.figures["p99.9_us"] *= 1 + place
    marked = {one.name for one in picture("echo.svg", run).series if not one.is_reliable}
    assert marked == {"aiohttp"}


def test_memory_is_over_the_number_of_connections() -> None:
    for one in picture("memory.svg").series:
        assert [x for x, _ in one.points] == [100, 500, 1000, 2000]


def test_the_document_shows_the_pictures_that_were_drawn() -> None:
    run = whole_run()
    text = markdown(run, pictures(run))
    assert set(re.findall(rf"!\[[^]]+\]\({PICTURES}/([^)]+)\)", text)) == FILES
    assert f"({PICTURES}/" not in markdown(run)


@pytest.fixture
def plots() -> ModuleType:
    pytest.importorskip("matplotlib", reason="drawing needs the `bench` extra")
    return importlib.import_module("benchmarks.plots")


def test_every_peer_has_a_colour_and_a_marker(plots: ModuleType) -> None:
    peers = {entry.peer for one in WORKLOADS if one.folder == "peers" for entry in one.entries}
    assert peers <= plots.COLOURS.keys()
    assert peers <= plots.MARKERS.keys()
    ours = {peer for peer in peers if peer.startswith("tickwire")}
    assert ours == plots.OURS
    others = {plots.COLOURS[peer] for peer in peers - ours}
    assert not others & {plots.COLOURS[peer] for peer in ours}


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_picture_from_saved_results_names_each_row(
    plots: ModuleType, tmp_path: Path, file: str
) -> None:
    saved = json.dumps(whole_run().to_json())
    one = picture(file, Run.from_json(json.loads(saved)))
    path = plots.draw(one, tmp_path / "pictures")
    text = path.read_text()
    assert text.startswith("<?xml")
    for said in (one.title, one.y_label, *(series.name for series in one.series)):
        assert f">{said}<" in text
    assert plots.COLOURS["tickwire"].lower() in text.lower()


def test_the_legend_of_curves_is_in_the_order_of_the_medians(plots: ModuleType) -> None:
    curves = picture("echo.svg")
    first, second = (one for one in curves.series if one.peer in ("picows", "websockets"))
    worst_last = tuple((x, y * 100 if x > 99 else y / 100) for x, y in second.points)
    swapped = replace(curves, series=(first, replace(second, points=worst_last)))
    assert [one.name for one in plots._ranked(swapped)] == [second.name, first.name]


def test_a_disturbed_row_is_drawn_with_its_mark(plots: ModuleType, tmp_path: Path) -> None:
    run = whole_run()
    for one in run.workloads["echo-128"].entries["websockets"].rounds:
        one.remark = "noise"
    text = plots.draw(picture("echo.svg", run), tmp_path).read_text()
    assert ">websockets ⚠<" in text
    assert ">picows, callback<" in text


def test_the_same_run_draws_the_same_bytes(plots: ModuleType, tmp_path: Path) -> None:
    first, second = (plots.draw(picture("echo.svg"), tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
