"""A run as Markdown. Pure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.catalogue import WORKLOADS
from benchmarks.outcomes import WorkloadResult, is_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.outcomes import EntryResult, Run, TargetResult
    from benchmarks.pictures import Picture
    from benchmarks.plan import Figure, Workload
    from benchmarks.stats import Limits

__all__ = ["BEGIN", "END", "PICTURES", "DocumentError", "insert", "markdown"]

PICTURES = "benchmarks"
"""The folder of the pictures, beside the document."""

BEGIN = "<!-- benchmarks: begin (written by benchmarks/run.py --write-docs) -->"
END = "<!-- benchmarks: end -->"

_DISTURBED = "⚠"
_WAITED = "†"
_MARGIN = 1.15
"""From this ratio on the bare loop counts as clearly faster."""
_AT_WORK = 0.9
"""From this share on a process counts as waiting for nobody."""
_WAITED_NOTE = (
    f"{_WAITED} Its process was at work for less than {_AT_WORK:.0%} of the time and waited for the"
    " server for the rest, or for its core while others had it: this rate is not the client's own"
    " limit. Go by its CPU time."
)


class DocumentError(ValueError):
    """The document has no place for the tables: one begin and one end mark, in this order."""


def insert(document: str, tables: str) -> str:
    """``document`` with ``tables`` between its marks.

    Raises:
        DocumentError: The marks are missing, doubled or the wrong way round. Retry: no.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise DocumentError("the document must hold each of the two marks once")
    before, rest = document.split(BEGIN)
    if END not in rest:
        raise DocumentError("the end mark stands before the begin mark")
    return f"{before}{BEGIN}\n\n{tables.strip()}\n\n{END}{rest.partition(END)[2]}"


def markdown(run: Run, pictures: Sequence[Picture] = ()) -> str:
    """The run: the machine, pictures, a summary, targets, then one table per workload.

    Args:
        pictures: Drawn beforehand, into the folder of :data:`PICTURES` beside the document.
    """
    parts = [_machine(run)]
    parts += [f"**{_DISTURBED} Disturbed run:** {fault}." for fault in run.faults()]
    parts += [f"![{one.title}]({PICTURES}/{one.file})" for one in pictures]
    parts.append(_not_first(run))
    targets = list(run.targets())
    if targets:
        parts.append(_targets(targets))
    parts.append(_headroom(run))
    for workload in WORKLOADS:
        if workload.name in run.workloads:
            parts.append(_workload(workload, run.workloads[workload.name], run.limits))
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first row is its head, the first column text, the rest numbers."""
    head, *body = rows
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _machine(run: Run) -> str:
    machine = run.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    commit = f", commit {machine['commit']}" if machine["commit"] else ""
    core = "" if machine["compiled"] else " **tickwire ran without its compiled core.**"
    return (
        f"Run of {run.started} ({run.scale}{commit}), {machine['cores']} cores of {machine['cpu']},"
        f" {machine['system']}, Python {machine['python']}; {versions}.{core}"
    )


def _targets(results: list[TargetResult]) -> str:
    head = [
        "tickwire / peer",
        "figure",
        "ratio",
        "range",
        "of the best",
        "by CPU",
        "target",
        "reached",
    ]
    rows = [head]
    for result in results:
        target, ratio = result.target, result.ratio
        verdict = "yes" if result.is_met else "**no**"
        rows.append(
            [
                f"{target.workload}: {target.ours} / {target.theirs}",
                target.figure.removesuffix("_us"),
                f"{ratio.median:.2f}",
                f"{ratio.low:.2f}–{ratio.high:.2f}",
                f"{ratio.best:.2f}",
                "" if result.by_cpu is None else f"{result.by_cpu:.2f}",
                f"{'≥' if target.bound == 'min' else '≤'} {target.factor:g}",
                f"{verdict} {_DISTURBED}" if result.is_disturbed else verdict,
            ]
        )
    met = sum(result.is_met for result in results)
    return f"### Targets\n\n{met} of {len(results)} reached.\n\n{_rows(rows)}"


def _not_first(run: Run) -> str:
    """The tables in which another client is in front."""
    lines = []
    for workload in WORKLOADS:
        result = run.workloads.get(workload.name, WorkloadResult())
        leader = _leader(workload, result, workload.figures[0])
        others = [f"{name} by {', '.join(by)}" for name, by in _others(workload, result).items()]
        if leader or others:
            lines.append(f"- {workload.title}: {'; '.join(([leader] if leader else []) + others)}")
    if not lines:
        return ""
    text = (
        "By the column that orders a table; another column is named. Figures that have a ⚠ in the"
        " table decide nothing for certain."
    )
    return "\n".join(["### Where another client is first", "", text, "", *lines])


def _headroom(run: Run) -> str:
    """Whether the server could have given more than the fastest client took."""
    rows = [["", "limit", "fastest client", "its rate", "limit / it", "its process at work"]]
    for workload in WORKLOADS:
        result = run.workloads.get(workload.name, WorkloadResult())
        row = _headroom_row(workload, result)
        if row:
            rows.append(row)
    if len(rows) == 1:
        return ""
    text = (
        "Is the server what is measured? *limit* is the bare socket loop in the same rounds."
        " Where it is well above the fastest client, the server had more to give. Where it is not"
        " (large messages, where copying is all there is to do; TLS, where the loop is Python's own"
        " ssl module), the last column tells: a client whose process is at work nearly all the time"
        f" waits for nobody. Where neither holds the row has a {_DISTURBED}: it may be the server's"
        " speed, or the kernel's."
    )
    return f"### The server beside the fastest client\n\n{text}\n\n{_rows(rows)}"


def _headroom_row(workload: Workload, result: WorkloadResult) -> list[str] | None:
    figure = workload.figures[0]
    best_first = _best_first(result, figure)
    limits = [name for name in best_first if is_limit(name)]
    clients = [name for name in best_first if not is_limit(name)]
    if figure.key != "rate" or not limits or not clients:
        return None
    limit, fastest = (result.entries[names[0]] for names in (limits, clients))
    ratio = result.ratio(figure, limits[0], clients[0])
    if ratio is None:
        return None
    share = _share_at_work(fastest)
    is_open = ratio.median < _MARGIN and (share is None or share < _AT_WORK)
    return [
        workload.name,
        f"{median(limit.samples(figure.key)):,.0f}",
        clients[0],
        f"{median(fastest.samples(figure.key)):,.0f}",
        f"{_DISTURBED} {ratio.median:.2f}" if is_open else f"{ratio.median:.2f}",
        "" if share is None else f"{share:.0%}",
    ]


def _workload(workload: Workload, result: WorkloadResult, limits: Limits) -> str:
    ours = [e.name for e in workload.entries if e.peer == "tickwire" and e.name in result.entries]
    best_first = _best_first(result, workload.figures[0])
    # A short run has fewer figures: columns that nobody has anything for are left out.
    figures = tuple(
        figure
        for figure in workload.figures
        if figure is workload.figures[0]
        or any(entry.samples(figure.key) for entry in result.entries.values())
    )
    titles = (title for figure in figures for title in (figure.title, "spread"))
    rows = [["client", *titles, *(f"{name} / this" for name in ours)]]
    for name in best_first:
        row = [name]
        for figure in figures:
            row += _cells(result.entries[name], figure, limits)
        if _has_waited(result.entries[name], workload.figures[0]):
            row[1] += f" {_WAITED}"
        for mine in ours:
            ratio = result.ratio(workload.figures[0], mine, name)
            row.append("" if ratio is None or mine == name else f"{ratio.median:.2f}")
        rows.append(row)
    parts = [f"### {workload.title}", _rows(rows)]
    if any(_has_waited(entry, workload.figures[0]) for entry in result.entries.values()):
        parts.append(_WAITED_NOTE)
    parts.append(workload.note)
    leader = _leader(workload, result, workload.figures[0])
    if leader:
        parts.append(f"tickwire is not first here: {leader} is.")
    for name, by in _others(workload, result).items():
        parts.append(f"By {', '.join(by)} {name} is first.")
    parts.append(_faults(workload, result, limits))
    return "\n\n".join(part for part in parts if part)


def _faults(workload: Workload, result: WorkloadResult, limits: Limits) -> str:
    lines = []
    for name, entry in result.entries.items():
        faults = entry.faults(workload.figures, limits)
        if faults:
            lines.append(f"- {name}: {'; '.join(faults)}")
    return "\n".join([f"{_DISTURBED} Not to be relied on:", "", *lines]) if lines else ""


def _best_first(result: WorkloadResult, figure: Figure) -> list[str]:
    """Row names, the best median of this figure first, those without it last."""

    def rank(name: str) -> tuple[bool, float]:
        summary = result.entries[name].summary(figure)
        if summary is None:
            return (True, 0.0)
        return (False, -summary.median if figure.is_better_high else summary.median)

    return sorted(result.entries, key=rank)


def _share_at_work(entry: EntryResult) -> float | None:
    """For which part of the time the client's process was at work, where that is known."""
    busy = entry.samples("busy")
    return median(busy) if busy else None


def _has_waited(entry: EntryResult, figure: Figure) -> bool:
    """Whether a rate is in part the speed of something else than the client."""
    share = _share_at_work(entry)
    return figure.key == "rate" and share is not None and share < _AT_WORK


def _is_ours(peer: str) -> bool:
    """tickwire's modules are called so, or so with an underscore and more (``tickwire_sync``)."""
    return peer.partition("_")[0] == "tickwire"


def _leader(workload: Workload, result: WorkloadResult, figure: Figure) -> str | None:
    """The client in front by this figure, if it is another than tickwire; the limit is none."""
    peers = {entry.name: entry.peer for entry in workload.entries}
    for name in _best_first(result, figure):
        peer = peers.get(name, "")
        if not is_limit(name):
            return None if _is_ours(peer) or not result.entries[name].samples(figure.key) else name
    return None


def _others(workload: Workload, result: WorkloadResult) -> dict[str, list[str]]:
    """Columns besides the first in which another client is in front, by that client.

    Of every figure that can be better or worse. One that is in front by the first column as well is
    left out.
    """
    first, *rest = workload.figures
    known = _leader(workload, result, first)
    found: dict[str, list[str]] = {}
    for figure in rest:
        leader = _leader(workload, result, figure) if figure.is_ranked else None
        if leader and leader != known:
            found.setdefault(leader, []).append(figure.title)
    return found


def _cells(entry: EntryResult, figure: Figure, limits: Limits) -> list[str]:
    summary = entry.summary(figure)
    if summary is None:
        return [f"{_DISTURBED} none", ""]
    value = f"{summary.median / figure.divisor:,.{figure.digits}f}"
    if not entry.is_reliable(figure, limits):
        value = f"{_DISTURBED} ~{value}"
    is_single = len(entry.samples(figure.key)) == 1
    return [value, "" if is_single else f"{summary.spread:.0%}"]
