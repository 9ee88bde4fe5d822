"""Measures: the server, one process per measurement, rounds in which the rows take turns."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
from benchmarks import machine, scales
from benchmarks.outcomes import EntryResult, Round, Run, WorkloadResult
from benchmarks.workloads import Server
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.plan import Entry, Scale, Workload
    from rich.console import Console

__all__ = ["Bench", "Deadline", "MeasurementFailed", "run", "serving"]

ROOT = Path(__file__).resolve().parent.parent

_SERVER_SECONDS = 10.0
_CLIENT_SECONDS = 60.0
_LEAST_SECONDS = 1.0
"""With less than that left no measurement is begun: its process would not have started."""


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

    def measure(
        self, workload: Workload, entry: Entry, seconds: float = _CLIENT_SECONDS
    ) -> tuple[dict[str, Any], float]:
        """One measurement in a fresh process, which may take so many seconds.

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
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MeasurementFailed(f"no end after {seconds:.0f} s") from None
        lasted = time.monotonic() - started
        after = machine.CpuTimes.now(self._server_pid)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise MeasurementFailed(lines[-1].removeprefix("benchmarks.contract."))
        foreign = after.foreign_since(before, lasted) if before and after else 0.0
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


class Deadline:
    """What is left of a run's time.

    Args:
        scale: How much there was.
        clock: Seconds; it begins now.
    """

    def __init__(self, scale: Scale, clock: Callable[[], float] = time.monotonic) -> None:
        self._scale = scale
        self._clock = clock
        self._began = clock()

    def has_room_for(self, seconds: float) -> bool:
        """Whether a further round, of so many seconds, may begin."""
        budget = self._scale.budget_seconds
        return budget is None or self._clock() - self._began + seconds <= budget

    def for_client(self) -> float:
        """How long the next client may take."""
        return min(self._scale.client_seconds, self._left())

    def is_over(self) -> bool:
        """Whether nothing more is to be measured."""
        return self._left() < _LEAST_SECONDS

    def _left(self) -> float:
        most = self._scale.most_seconds
        return math.inf if most is None else most - (self._clock() - self._began)


class _Rounds:
    """Measures round after round into one outcome."""

    def __init__(self, bench: Bench, outcome: Run, scale: Scale, deadline: Deadline) -> None:
        self._bench = bench
        self._outcome = outcome
        self._scale = scale
        self._deadline = deadline

    def measure(self, workload: Workload) -> Iterator[str]:
        """One round: every row once. Yields the name of each row before it is measured."""
        result = self._outcome.workloads.setdefault(workload.name, WorkloadResult())
        for entry in workload.entries:
            if self._deadline.is_over():
                self._outcome.cut_short.append(workload.name)
                return
            yield entry.name
            self._measure_row(workload, entry, result)

    def _measure_row(self, workload: Workload, entry: Entry, result: WorkloadResult) -> None:
        retries = self._scale.retries
        row = result.entries.setdefault(entry.name, EntryResult())
        for attempt in range(retries + 1):
            try:
                figures, foreign = self._bench.measure(workload, entry, self._deadline.for_client())
            except MeasurementFailed as failure:
                if self._deadline.is_over():  # it was ended for that, perhaps soon
                    self._outcome.cut_short.append(workload.name)
                else:
                    row.rounds.append(Round(failure=str(failure)))
                return
            remark = figures.get("disturbed") or self._outcome.limits.remark(foreign)
            if not remark or not workload.is_timed or attempt == retries:
                row.add(figures, remark)
                return
            row.repeated += 1


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


def run(
    names: tuple[str, ...],
    scale: Scale,
    console: Console,
    keep: Callable[[Run], None] = lambda outcome: None,
) -> Run:
    """Measure the workloads of these names.

    Args:
        keep: Called with the run as it is after each round of a table, and at the end.

    Raises:
        ValueError: A name fits no workload.
    """
    workloads = scales.select(names, scale)
    client_core, server_core = _cores()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    outcome = Run(started, scale.name, machine.facts(), rounds=scale.rounds, is_partial=True)
    total = scale.rounds * sum(len(workload.entries) for workload in workloads)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    deadline = Deadline(scale)
    with (
        serving(server_core) as (server, server_pid),
        Progress(*columns, console=console, transient=True, refresh_per_second=2) as progress,
    ):
        rounds = _Rounds(Bench(server, server_pid, client_core), outcome, scale, deadline)
        task = progress.add_task("", total=total)
        lasted: dict[str, float] = {}
        measured = 0
        for number, workload in _in_order(workloads, scale):
            round_began = time.monotonic()
            if number and not deadline.has_room_for(lasted[workload.name]):
                outcome.cut_short.append(workload.name)
                continue
            if not console.is_terminal:
                console.print(f"{workload.title}, round {number + 1}")  # no bar there
            for name in rounds.measure(workload):
                text = f"{workload.name}, round {number + 1} of {scale.rounds}: {name}"
                progress.update(task, description=text, completed=measured)
                measured += 1
            lasted[workload.name] = time.monotonic() - round_began
            keep(outcome)
    outcome.is_partial = False
    keep(outcome)
    return outcome
