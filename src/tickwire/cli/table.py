"""The live table, drawn with rich from what the board shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tickwire.cli.summary import duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from tickwire.cli.board import RowView

__all__ = ["Picture", "draw", "plain_line"]

_DASH = "–"
_ARROWS = {1: "▲", -1: "▼", 0: " "}
_COLOURS = {1: "green", -1: "red", 0: ""}
_LEGEND = "venue: since the exchange's time · socket: since the socket read · Ctrl-C ends"
_ROOMY_COLUMNS = 92
_LINES_AROUND = 10
_FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """What one frame of the display shows.

    Attributes:
        title: What is being played.
        seconds: Since the connection.
        rows: One per symbol.
        venue_p50, venue_p99, socket_p50, socket_p99: Of all symbols, since the start, in ns.
        messages, gaps, unknown, undecodable: Totals since the start.
        queue, max_queue: Messages between the sockets and the decoder, now and at most.
        setup: The line that names core, loop and libcurl.
        notice: A line about what could be better, if anything.
    """

    title: str
    seconds: float
    rows: Sequence[RowView]
    venue_p50: float | None
    venue_p99: float | None
    socket_p50: float | None
    socket_p99: float | None
    messages: int
    gaps: int
    unknown: int
    undecodable: int
    queue: int
    max_queue: int
    setup: str
    notice: str | None

    @property
    def events(self) -> int:
        """Events since the start."""
        return sum(row.events for row in self.rows)

    @property
    def rate(self) -> float:
        """Events per second in the last few seconds."""
        return sum(row.rate for row in self.rows)


def draw(picture: Picture, width: int, height: int) -> RenderableType:
    """The whole display, for a terminal of so many columns and lines. 80 columns are enough."""
    parts: list[RenderableType] = [
        Text(picture.title, style="bold", no_wrap=True, overflow="ellipsis"),
        _table(picture, width, max(_FEWEST_ROWS, height - _LINES_AROUND)),
        *_footer(picture),
    ]
    if picture.notice:
        parts.append(Text(picture.notice, style="yellow"))
    return Group(*parts)


def _table(picture: Picture, width: int, most_rows: int) -> Table:
    roomy = width >= _ROOMY_COLUMNS
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_footer=True,
        padding=(0, 1 if roomy else 0),
        pad_edge=False,
        footer_style="dim",
    )
    shown = picture.rows[:most_rows]
    hidden = len(picture.rows) - len(shown)
    table.add_column("Symbol", f"all, {hidden} unseen" if hidden else "all", no_wrap=True)

    def number(header: str, footer: str = "", style: str = "") -> None:
        table.add_column(header, footer, justify="right", no_wrap=True, style=style)

    number("Last", style="bold")
    number("Bid")
    number("Ask")
    number("Msg/s", f"{picture.rate:,.0f}")
    number("Venue\np50", _span(picture.venue_p50))
    number("\np99", _span(picture.venue_p99))
    number("Socket\np50", _span(picture.socket_p50))
    number("\np99", _span(picture.socket_p99))
    number("Gaps", str(picture.gaps))
    for row in shown:
        table.add_row(
            row.symbol,
            _last(row),
            _price(row.bid, row.decimals),
            _price(row.ask, row.decimals),
            f"{row.rate:,.0f}",
            *map(_span, (row.venue_p50, row.venue_p99, row.socket_p50, row.socket_p99)),
            Text(str(row.gaps), style="red" if row.gaps else ""),
        )
    return table


def _footer(picture: Picture) -> list[Text]:
    minutes, seconds = divmod(int(picture.seconds), 60)
    odd = picture.unknown + picture.undecodable
    counts = Text.assemble(
        f"{minutes}:{seconds:02} · {picture.messages:,} messages · "
        f"queue {picture.queue}, at most {picture.max_queue} · ",
        (f"unknown {picture.unknown}, undecodable {picture.undecodable}", "red" if odd else ""),
        no_wrap=True,
        overflow="ellipsis",
    )
    dim = [_LEGEND, picture.setup]
    return [counts, *(Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in dim)]


def _last(row: RowView) -> Text:
    text = _price(row.last, row.decimals)
    return Text(f"{_ARROWS[row.direction]} {text}", style=_COLOURS[row.direction])


def _price(price: float | None, decimals: int) -> str:
    return _DASH if price is None else f"{price:,.{decimals}f}"


def _span(ns: float | None) -> str:
    """A duration in five characters."""
    if ns is None:
        return _DASH
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size * 0.995:
            value = ns / size
            return f"{value:.{1 if value < 9.95 else 0}f}{unit}"
    return f"{ns:.0f}ns"


def plain_line(picture: Picture) -> str:
    """One line for a log: where the output is no terminal."""
    return (
        f"{picture.seconds:6.1f} s  {picture.events:,} events  {picture.rate:,.0f}/s  "
        f"venue p50 {duration_text(picture.venue_p50)} p99 {duration_text(picture.venue_p99)}  "
        f"socket p50 {duration_text(picture.socket_p50)} p99 {duration_text(picture.socket_p99)}  "
        f"gaps {picture.gaps}  queue {picture.queue}"
    )
