"""The words in which the catalogue, the targets and the scales are written. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Entry", "Figure", "Scale", "Target", "Workload"]


@dataclass(frozen=True)
class Figure:
    """One column of a workload's table.

    Attributes:
        key: The name in the client's answer.
        title: Column heading, with the unit.
        divisor: What the raw figure is divided by for that unit.
        digits: Decimal places.
        is_timed: Whether it depends on how undisturbed the machine is.
        is_ranked: Whether one value of it is better than another. The rest says what was done (how
            many connections), not how well.
    """

    key: str
    title: str
    divisor: float = 1.0
    digits: int = 1
    is_timed: bool = True
    is_ranked: bool = True

    @property
    def is_better_high(self) -> bool:
        """Rates are; times and sizes are not."""
        return self.key == "rate"


@dataclass(frozen=True)
class Entry:
    """One row: a client and the way in which it is used.

    Attributes:
        name: Unique within the workload; how targets name the row.
        peer: The module in the workload's folder.
        way: The function of that module.
        pure: Whether tickwire is to run on its pure-Python twin.
    """

    name: str
    peer: str
    way: str
    pure: bool = False


@dataclass(frozen=True)
class Workload:
    """One table.

    Attributes:
        name: For the command line and the results file.
        title: Heading of the table.
        kind: The function, by its name in ``kinds.py``.
        options: Its numbers, besides those that the scale gives.
        figures: Columns; the first decides the order of the rows, and ratios are of it.
        entries: Rows.
        note: What a reader should know of it.
        quick: Rows that the quick run measures besides those that targets name.
        folder: Where the modules of its entries are.
    """

    name: str
    title: str
    kind: str
    options: dict[str, Any]
    figures: tuple[Figure, ...]
    entries: tuple[Entry, ...]
    note: str = ""
    quick: tuple[str, ...] = ()
    folder: str = "peers"

    @property
    def is_timed(self) -> bool:
        """Whether other work on the machine can change any of its figures."""
        return any(figure.is_timed for figure in self.figures)

    def figure(self, key: str) -> Figure:
        """The column of this name."""
        return next(figure for figure in self.figures if figure.key == key)


@dataclass(frozen=True)
class Target:
    """What a row of tickwire is to reach: a ratio to another row of the same table.

    Attributes:
        bound: ``"min"``: the ratio ours / theirs is to be at least ``factor``; ``"max"``: at most.
    """

    workload: str
    figure: str
    ours: str
    theirs: str
    bound: Literal["min", "max"]
    factor: float

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.factor if self.bound == "min" else ratio <= self.factor


@dataclass(frozen=True)
class Scale:
    """How long and how often.

    Attributes:
        rounds: Measurements per row; the rows take turns.
        retries: How often a disturbed measurement is repeated.
        options: Per kind of workload, the numbers that say how much one measurement does.
        budget_seconds: A further round is begun only if it will end within so many seconds from the
            beginning; ``None`` for no such limit. With one, all tables get their first round before
            any gets its second.
        client_seconds: How long one measurement may take.
        most_seconds: When so many seconds have passed nothing more is measured, and the client that
            is at it is ended; ``None`` for no such limit.
        is_quick: Whether to leave out the rows that neither a target nor :attr:`Workload.quick`
            names.
    """

    name: str
    rounds: int
    retries: int
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    budget_seconds: float | None = None
    client_seconds: float = 60.0
    most_seconds: float | None = None
    is_quick: bool = False
