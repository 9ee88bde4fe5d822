"""Where the demo's pictures go: a terminal, or lines for everything that is none.

A screen is used from a thread of its own, one call at a time; it may block.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.live import Live

from tickwire.cli.table import draw, plain_line

if TYPE_CHECKING:
    from tickwire.cli.table import Picture

__all__ = ["LineScreen", "Screen", "TerminalScreen", "open_screen"]


class Screen(Protocol):
    """Shows pictures.

    Attributes:
        interval: Seconds between two pictures.
    """

    interval: float

    def begin(self, picture: Picture) -> None:
        """Show what there is before there is data."""
        ...

    def show(self, picture: Picture) -> None:
        """Show ``picture`` in the place of the last one."""
        ...

    def finish(self, picture: Picture) -> None:
        """Show the last picture, and leave the output as it should stay."""
        ...


class TerminalScreen:
    """A table that is redrawn in place."""

    interval = 0.2

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def begin(self, picture: Picture) -> None:
        self._live.start()
        self.show(picture)

    def show(self, picture: Picture) -> None:
        size = self._console.size
        self._live.update(draw(picture, size.width, size.height), refresh=True)

    def finish(self, picture: Picture) -> None:
        self.show(picture)
        self._live.stop()


class LineScreen:
    """A line every second."""

    interval = 1.0

    def begin(self, picture: Picture) -> None:
        lines = [picture.title, picture.setup, picture.notice]
        _say("\n".join(line for line in lines if line))

    def show(self, picture: Picture) -> None:
        _say(plain_line(picture))

    def finish(self, picture: Picture) -> None:
        """The summary that follows says it all."""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def open_screen() -> Screen:
    """The screen that fits the standard output."""
    console = Console()
    return TerminalScreen(console) if console.is_terminal else LineScreen()
