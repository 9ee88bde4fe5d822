"""Measures tickwire beside its peers, and prints tables. ``tickwire bench`` runs this.

    python -m benchmarks.run                 # everything, most of an hour
    python -m benchmarks.run --quick         # under a minute, less exact
    python -m benchmarks.run receive-128     # one table (or all whose names start so)

Every measurement is a process of its own. Rows take turns, round after round, so that a change of
the machine's mood hits them alike; ratios are those of measurements in the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
from benchmarks import machine, scales, tables
from benchmarks.outcomes import EntryResult, Round, Run, WorkloadResult
from benchmarks.pictures import pictures
from benchmarks.workloads import Server
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.plan import Entry, Scale, Workload
    from benchmarks.stats import Limits

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs" / "benchmarks.md"

_CLIENT_SECONDS = 60.0
_SERVER_SECONDS = 10.0


class MeasurementFailed(Exception):
    """A client ended without figures; the text says how."""


class Bench:
    """Runs clients against one server process.

    Args:
        server: Where that listens.
        server_pid: For its CPU time.
        client_core: The core for clients, or ``None`` to leave them where the system puts them.
    """

    def __init__(self, server: Server, server_pid: int, client_core: int | None) -> None:
        self._server = server
        self._server_pid = server_pid
        self._core = client_core

    def measure(self, workload: Workload, entry: Entry) -> tuple[dict[str, Any], float]:
        """One measurement in a fresh process.

        Returns:
            The figures, and which share of a core other processes used meanwhile.

        Raises:
            MeasurementFailed: The client failed, or took too long.
        """
        job = {
            "kind": workload.kind,
            "peer": f"{workload.folder}.{entry.peer}",
            "way": entry.way,
            "options": workload.options,
            "core": self._core,
            "server": asdict(self._server),
        }
        before, started = machine.CpuTimes.now(self._server_pid), time.monotonic()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.client", json.dumps(job)],
                cwd=ROOT,
                env=_environment(pure=entry.pure),
                capture_output=True,
                text=True,
                timeout=_CLIENT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MeasurementFailed(f"no end after {_CLIENT_SECONDS:.0f} s") from None
        seconds = time.monotonic() - started
        after = machine.CpuTimes.now(self._server_pid)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise MeasurementFailed(lines[-1].removeprefix("benchmarks.contract."))
        foreign = after.foreign_since(before, seconds) if before and after else 0.0
        return json.loads(done.stdout.splitlines()[-1]), foreign


def _environment(*, pure: bool) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "TICKWIRE_PURE"}
    return env | {"TICKWIRE_PURE": "1"} if pure else env


@contextlib.contextmanager
def serving(core: int | None) -> Iterator[tuple[Server, int]]:
    """The server process, with a certificate made for this run; its place and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        ca_file, certificate = f"{folder}/ca.pem", f"{folder}/server.pem"
        authority.cert_pem.write_to_path(ca_file)
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            certificate
        )
        command = [sys.executable, "-m", "benchmarks.server", "--certificate", certificate]
        if core is not None:
            command += ["--core", str(core)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            ports = json.loads(process.stdout.readline())
            try:
                yield Server(**ports, ca_file=ca_file), process.pid
            finally:
                assert process.stdin is not None
                process.stdin.close()
                try:
                    process.wait(_SERVER_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def _cores() -> tuple[int | None, int | None]:
    """Cores for clients and server, where there are two and processes can be pinned."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def _measure_round(
    bench: Bench,
    workload: Workload,
    result: WorkloadResult,
    scale: Scale,
    limits: Limits,
) -> Iterator[str]:
    """One round: every row once. Yields the name of each row before it is measured."""
    for entry in workload.entries:
        yield entry.name
        row = result.entries.setdefault(entry.name, EntryResult())
        for attempt in range(scale.retries + 1):
            try:
                figures, foreign = bench.measure(workload, entry)
            except MeasurementFailed as failure:
                row.rounds.append(Round(failure=str(failure)))
                break
            remark = figures.get("disturbed") or limits.remark(foreign)
            if not remark or not workload.is_timed or attempt == scale.retries:
                row.add(figures, remark)
                break
            row.repeated += 1


def _budget(scale: Scale) -> float:
    return math.inf if scale.budget_seconds is None else scale.budget_seconds


def _in_order(workloads: tuple[Workload, ...], scale: Scale) -> Iterator[tuple[int, Workload]]:
    """Which round of which table comes when.

    All rounds of a table follow one another, so that what changes over an hour does not widen their
    spread; where time may run out, every table has its first round first.
    """
    rounds = range(scale.rounds)
    if scale.budget_seconds is None:
        yield from ((number, workload) for workload in workloads for number in rounds)
    else:
        yield from ((number, workload) for number in rounds for workload in workloads)


def run(names: tuple[str, ...], scale: Scale, console: Console) -> Run:
    """Measure the workloads of these names."""
    workloads = scales.select(names, scale)
    client_core, server_core = _cores()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    outcome = Run(started, scale.name, machine.facts())
    total = scale.rounds * sum(len(workload.entries) for workload in workloads)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        serving(server_core) as (server, server_pid),
        Progress(*columns, console=console, transient=True, refresh_per_second=2) as progress,
    ):
        bench = Bench(server, server_pid, client_core)
        task = progress.add_task("", total=total)
        began = time.monotonic()
        lasted: dict[str, float] = {}
        measured = 0
        for number, workload in _in_order(workloads, scale):
            round_began = time.monotonic()
            if number and round_began - began + lasted[workload.name] > _budget(scale):
                outcome.cut_short.append(workload.name)
                continue
            if not console.is_terminal:
                console.print(f"{workload.title}, round {number + 1}")  # no bar there
            result = outcome.workloads.setdefault(workload.name, WorkloadResult())
            for name in _measure_round(bench, workload, result, scale, outcome.limits):
                text = f"{workload.name}, round {number + 1} of {scale.rounds}: {name}"
                progress.update(task, description=text, completed=measured)
                measured += 1
            lasted[workload.name] = time.monotonic() - round_began
    return outcome


def _file_name(outcome: Run, *, is_whole: bool) -> str:
    """Of a results file: one for a day, machine and scale; one of its own for a part of the tables.

    Otherwise a look at one table would put an end to the day's whole run.
    """
    suffix = "" if outcome.scale == "full" else f"-{outcome.scale}"
    if not is_whole:
        suffix += f"-part-{outcome.started[11:19].replace(':', '')}"
    return f"{outcome.started[:10]}-{machine.machine_slug(outcome.machine)}{suffix}.json"


def _save(outcome: Run, *, is_whole: bool) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / _file_name(outcome, is_whole=is_whole)
    path.write_text(json.dumps(outcome.to_json(), indent=1, ensure_ascii=False) + "\n")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", nargs="*", help="names, or how they start; all if left out")
    parser.add_argument("--quick", action="store_true", help="short and few measurements")
    parser.add_argument("--rounds", type=int, help="measurements per row")
    parser.add_argument(
        "--write-docs", action="store_true", help=f"tables and pictures into {DOCS.name}"
    )
    parser.add_argument("--from", dest="saved", type=Path, help="measure nothing: show this result")
    options = parser.parse_args()
    console = Console(stderr=True)
    if options.saved:
        outcome = Run.from_json(json.loads(options.saved.read_text()))
    else:
        scale = scales.QUICK if options.quick else scales.FULL
        if options.rounds:
            scale = replace(scale, rounds=options.rounds)
        try:
            outcome = run(tuple(options.workload), scale, console)
        except ValueError as error:
            parser.error(str(error))
        saved = _save(outcome, is_whole=not options.workload)
        console.print(f"Saved as {saved.relative_to(ROOT)}")
    print(tables.markdown(outcome))
    if options.write_docs:
        _write_docs(outcome)
    return 0


def _write_docs(outcome: Run) -> None:
    from benchmarks.plots import draw

    drawn = pictures(outcome)
    for picture in drawn:
        draw(picture, DOCS.parent / tables.PICTURES)
    DOCS.write_text(tables.insert(DOCS.read_text(), tables.markdown(outcome, drawn)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
