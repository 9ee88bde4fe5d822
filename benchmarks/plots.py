"""Draws the pictures as SVG, with matplotlib (extra ``bench``).

The same run gives the same bytes. Colours are those of Okabe and Ito, which people with any kind of
colour vision can tell apart; markers and dashes say the same once more. tickwire is the thick
vermilion one in every picture. A row whose figures were disturbed has a ⚠, as in the tables.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

# Not there without the extra; the tests of everything else are type-checked all the same.
import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]
from matplotlib.backends import backend_svg  # type: ignore[import-not-found,unused-ignore]
from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]
from matplotlib.ticker import (  # type: ignore[import-not-found,unused-ignore]
    FixedFormatter,
    FixedLocator,
    NullLocator,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.pictures import Picture, Series

__all__ = ["COLOURS", "MARKERS", "OURS", "draw"]

OURS = frozenset({"tickwire", "tickwire_sync"})
COLOURS = {
    "tickwire": "#D55E00",
    "tickwire_sync": "#D55E00",
    "picows": "#0072B2",
    "picows_websockets": "#56B4E9",
    "aiohttp": "#009E73",
    "curl_cffi": "#CC79A7",
    "curl_cffi_sync": "#CC79A7",
    "websockets": "#E69F00",
    "wreq": "#7F6A00",
    "websocket_client": "#5A5A5A",
    "limit": "#000000",
}
MARKERS = {
    "tickwire": "o",
    "tickwire_sync": "o",
    "picows": "s",
    "picows_websockets": "D",
    "aiohttp": "^",
    "curl_cffi": "v",
    "curl_cffi_sync": "v",
    "websockets": "P",
    "wreq": "X",
    "websocket_client": "*",
    "limit": "",
}
_DASHES = ("-", "--", ":", "-.")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tickwire",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
}
_WIDTH, _HEIGHT = 9.0, 4.8
_BAR_HEIGHT = 0.32
_PERCENT_TICKS = (1.0, 50.0, 90.0, 99.0, 99.9)


def draw(picture: Picture, folder: Path) -> Path:
    """Write the picture into the folder, which is made if need be; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / picture.file
    with mpl.rc_context(_STYLE):
        figure = _bars(picture) if picture.shape == "bars" else _lines(picture)
        backend_svg.FigureCanvasSVG(figure)
        figure.savefig(path, format="svg", facecolor="white", metadata={"Date": None})
    return path


def _ranked(picture: Picture) -> list[Series]:
    """The best first; the limit, which is no client, before all.

    By the last point, but percentiles by the median: the last is the worst message of a thousand.
    """
    sign = -1 if picture.is_better_high else 1

    def value(one: Series) -> float:
        last = one.points[-1][1]
        return dict(one.points).get(50, last) if picture.shape == "percentiles" else last

    return sorted(picture.series, key=lambda one: (one.peer != "limit", sign * value(one)))


def _bars(picture: Picture) -> Figure:
    ranked = _ranked(picture)
    figure = Figure(figsize=(_WIDTH, 1.2 + _BAR_HEIGHT * len(ranked)), layout="constrained")
    axes = figure.add_subplot()
    values = [one.points[0][1] for one in ranked]
    places = range(len(ranked))
    bars = axes.barh(places, values, color=[COLOURS[one.peer] for one in ranked])
    for bar, one in zip(bars, ranked, strict=True):
        if one.peer == "limit":
            bar.set(facecolor="white", edgecolor="black", hatch="///")
    axes.bar_label(bars, [f"{value:,.2f}" for value in values], padding=3)
    axes.set_yticks(places, [_label(one) for one in ranked])
    for label, one in zip(axes.get_yticklabels(), ranked, strict=True):
        label.set_fontweight("bold" if one.peer in OURS else "normal")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title=picture.title, xlabel=picture.y_label)
    return figure


def _lines(picture: Picture) -> Figure:
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    dashes = _dashes(picture)
    for one in _ranked(picture):
        x = [_x(picture, point[0]) for point in one.points]
        y = [point[1] for point in one.points]
        axes.plot(x, y, label=_label(one), **_look(one, dashes[one.name]))
    axes.set_yscale("log")
    axes.set_xscale("log")
    if picture.shape == "percentiles":
        _mark(
            axes, [_x(picture, one) for one in _PERCENT_TICKS], [f"{p:g}" for p in _PERCENT_TICKS]
        )
    else:
        values = sorted({x for one in picture.series for x, _ in one.points})
        _mark(axes, values, [_short(value) for value in values])
    axes.set(title=picture.title, xlabel=picture.x_label, ylabel=picture.y_label)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _x(picture: Picture, value: float) -> float:
    """Percentiles are drawn by how rare what lies beyond is: 90, 99 and 99.9 equally far apart."""
    return 100 / (100 - value) if picture.shape == "percentiles" else value


def _label(series: Series) -> str:
    return series.name if series.is_reliable else f"{series.name} ⚠"


def _dashes(picture: Picture) -> dict[str, str]:
    """A dash for each way of the same client, by row, whichever of them is faster this time."""
    ways: Counter[str] = Counter()
    found = {}
    for one in picture.series:
        colour = COLOURS[one.peer]
        found[one.name] = _DASHES[ways[colour] % len(_DASHES)]
        ways[colour] += 1
    return found


def _look(series: Series, dash: str) -> dict[str, Any]:
    ours = series.peer in OURS
    look: dict[str, Any] = {
        "color": COLOURS[series.peer],
        "linestyle": dash,
        "linewidth": 3.0 if ours else 1.4,
        "marker": MARKERS[series.peer],
        "markersize": 5,
        "zorder": 3 if ours else 2,
    }
    if series.peer == "limit":
        look |= {"linestyle": (0, (1, 2)), "linewidth": 1.2}
    return look


def _mark(axes: Any, places: Sequence[float], labels: Sequence[str]) -> None:
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FixedFormatter(labels))
    axes.xaxis.set_minor_locator(NullLocator())


def _short(value: float) -> str:
    number = int(value)
    if number >= 1 << 20 and not number % (1 << 20):
        return f"{number >> 20} Mi"
    if number >= 1 << 10 and not number % (1 << 10):
        return f"{number >> 10} Ki"
    return f"{number:,}"
