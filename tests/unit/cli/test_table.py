"""The table as a terminal of a given size shows it."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from tickwire.cli.board import RowView
from tickwire.cli.table import Picture, draw, plain_line


def row(symbol: str = "BTC-USDT", **changes: object) -> RowView:
    fields: dict[str, object] = {
        "symbol": symbol,
        "last": 64212.9,
        "bid": 64212.94,
        "ask": 64213.08,
        "decimals": 2,
        "direction": 1,
        "events": 1000,
        "rate": 1234.0,
        "venue_p50": 1.2e6,
        "venue_p99": 13.4e6,
        "socket_p50": 38_200.0,
        "socket_p99": 994.0,
        "gaps": 0,
    }
    return RowView(**(fields | changes))  # type: ignore[arg-type]


def picture(*rows: RowView, notice: str | None = None, unknown: int = 0) -> Picture:
    return Picture(
        title="a title",
        seconds=67.3,
        rows=rows,
        venue_p50=1.1e6,
        venue_p99=None,
        socket_p50=4e4,
        socket_p99=1.5e9,
        messages=45678,
        gaps=7,
        unknown=unknown,
        undecodable=0,
        queue=3,
        max_queue=128,
        setup="a setup",
        notice=notice,
    )


def shown(what: Picture, width: int = 80, height: int = 24) -> list[str]:
    out = StringIO()
    Console(file=out, width=width, color_system=None).print(draw(what, width, height))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_everything_fits(width: int) -> None:
    lines = shown(
        picture(row(), row("DOGE-USDT", last=0.12345, bid=0.12345, ask=0.12346, decimals=5)), width
    )
    text = "\n".join(lines)
    assert "…" not in text
    assert max(map(len, lines)) <= width
    for cell in (
        "▲ 64,212.90",
        "64,212.94",
        "64,213.08",
        "1,234",
        "1.2ms",
        "13ms",
        "38µs",
        "994ns",
    ):
        assert cell in text
    assert "0.12345" in text
    assert "1:07 · 45,678 messages · queue 3, at most 128" in text
    assert "1.5s" in text, "the totals' line"


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_terminal_is_no_error(width: int) -> None:
    assert max(map(len, shown(picture(row()), width))) <= width


def test_what_is_not_known_is_a_dash() -> None:
    empty = row(
        last=None, bid=None, ask=None, direction=0, rate=0.0,
        venue_p50=None, venue_p99=None, socket_p50=None, socket_p99=None,
    )  # fmt: skip
    (line,) = [line for line in shown(picture(empty)) if line.startswith("BTC-USDT")]
    assert line.split() == ["BTC-USDT", "–", "–", "–", "0", "–", "–", "–", "–", "0"]


def test_a_low_terminal_shows_what_fits_and_says_so() -> None:
    rows = [row(f"S{number}") for number in range(50)]
    lines = shown(picture(*rows), height=24)
    assert len(lines) <= 23
    shown_rows = [line for line in lines if line.startswith("S") and line[1].isdigit()]
    assert len(shown_rows) >= 10
    assert any(line.startswith(f"all, {50 - len(shown_rows)} unseen") for line in lines)


def test_directions() -> None:
    text = "\n".join(shown(picture(row(), row("D", direction=-1), row("N", direction=0))))
    assert text.count("▲") == 1
    assert text.count("▼") == 1


def test_notice() -> None:
    assert "mend it so" in "\n".join(shown(picture(row(), notice="mend it so")))


def test_plain_line() -> None:
    line = plain_line(picture(row(), row("ETH-USDT")))
    assert "\n" not in line
    for part in ("67.3 s", "2,000 events", "2,468/s", "1.10 ms", "p99 –", "gaps 7", "queue 3"):
        assert part in line
