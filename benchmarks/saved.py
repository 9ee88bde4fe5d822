"""Results files: one for a day, machine and scale; a run is kept there while it goes on."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from benchmarks.machine import machine_slug
from benchmarks.outcomes import Run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Keeper", "UnreadableResults", "file_name", "load"]

_MACHINE_FACTS = {"cpu", "cores", "system", "python", "versions", "commit", "compiled"}


class UnreadableResults(Exception):
    """A file that is not there, or no results file. The text is one line. Retry: no."""


def file_name(outcome: Run, *, is_whole: bool) -> str:
    """Of a results file: one for a day, machine and scale; one of its own for a part of the tables.

    Otherwise a look at one table would put an end to the day's whole run.
    """
    suffix = "" if outcome.scale == "full" else f"-{outcome.scale}"
    if not is_whole:
        suffix += f"-part-{outcome.started[11:19].replace(':', '')}"
    return f"{outcome.started[:10]}-{machine_slug(outcome.machine)}{suffix}.json"


class Keeper:
    """Keeps a run: after every table as a part, at its end under its own name.

    Args:
        folder: Of the results; made if need be.
        is_whole: Whether all tables were asked for.
    """

    def __init__(self, folder: Path, *, is_whole: bool) -> None:
        self._folder = folder
        self._is_whole = is_whole
        self.path: Path | None = None
        """Where the run is now, once there is anything of it."""

    def keep(self, outcome: Run) -> None:
        """Save the run as it is: as a part, as long as it is not over."""
        is_whole = self._is_whole and not outcome.is_partial
        path = self._folder / file_name(outcome, is_whole=is_whole)
        before, self.path = self.path, path
        self._folder.mkdir(exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_text(json.dumps(outcome.to_json(), indent=1, ensure_ascii=False) + "\n")
        os.replace(fresh, path)
        if before is not None and before != path:
            before.unlink()


def load(path: Path) -> Run:
    """The run of this file.

    Raises:
        UnreadableResults: It cannot be read, or holds something else.
    """
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise UnreadableResults(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise UnreadableResults(f"{path} is no JSON") from None
    try:
        outcome = Run.from_json(data)
        is_known = outcome.machine.keys() >= _MACHINE_FACTS
    except (KeyError, TypeError, AttributeError, ValueError):
        is_known = False
    if not is_known:
        raise UnreadableResults(f"{path} is no results file of the benchmarks")
    return outcome
