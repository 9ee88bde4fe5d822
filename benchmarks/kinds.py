"""The kinds of measurement, by the names that ``catalogue.py`` uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import crowds, offline, workloads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.workloads import Job

__all__ = ["KINDS"]

KINDS: dict[str, Callable[[Job], Awaitable[dict[str, Any]]]] = {
    "receive": workloads.receive,
    "paced": workloads.paced,
    "burst": workloads.burst,
    "send": workloads.send,
    "echo": workloads.echo,
    "memory": crowds.memory,
    "storm": crowds.storm,
    "crowd": crowds.crowd,
    "slow": crowds.slow,
    "pipeline": offline.pipeline,
    "books": offline.books,
}
