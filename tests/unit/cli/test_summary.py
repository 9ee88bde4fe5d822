"""The summary as JSON and as text."""

from __future__ import annotations

import json

import pytest

from tickwire.cli.latency import Latencies
from tickwire.cli.summary import LatencySummary, Summary, duration_text


def summary(**changes: object) -> Summary:
    fields: dict[str, object] = {
        "source": "simulator",
        "market": "spot",
        "seconds": 2.0,
        "messages": 2001,
        "events": 2000,
        "events_by_kind": {"quote": 1500, "trade": 500},
        "events_per_second": 1000.0,
        "latency_venue_us": LatencySummary(812.5, 2000.0),
        "latency_socket_us": None,
        "gaps": 0,
        "unknown": 0,
        "undecodable": 0,
        "max_queue_depth": 3,
        "core": "compiled",
        "loop": "uvloop 1",
        "libcurl": "8.21.0",
        "versions": {"tickwire": "0.1.0", "uvloop": None},
    }
    return Summary(**(fields | changes))  # type: ignore[arg-type]


def test_json_is_one_line() -> None:
    line = summary().json_line()
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    decoded = json.loads(line)
    assert decoded["latency_venue_us"] == {"p50": 812.5, "p99": 2000.0}
    assert decoded["latency_socket_us"] is None
    assert decoded["events_by_kind"] == {"quote": 1500, "trade": 500}
    assert decoded["versions"]["uvloop"] is None


def test_text_for_people() -> None:
    text = summary().text()
    assert "2,000 events (1,000/s): 1,500 quote, 500 trade" in text
    assert "p50 812 µs p99 2.00 ms" in text
    assert "socket read to here –" in text


def test_text_of_a_run_without_events() -> None:
    text = summary(events=0, events_by_kind={}, events_per_second=0.0, seconds=0.0).text()
    assert text.startswith("0.0 s: 0 events (0/s)\n")


def test_latency_summary() -> None:
    latencies = Latencies()
    assert LatencySummary.of(latencies) is None
    for ns in range(1, 61):
        latencies.add(ns)
    assert LatencySummary.of(latencies) == LatencySummary(0.03, 0.06)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "–"),
        (0, "0 ns"),
        (999.4, "999 ns"),
        (999.6, "1.00 µs"),
        (1000, "1.00 µs"),
        (9_994, "9.99 µs"),
        (9_996, "10.0 µs"),
        (99_960, "100 µs"),
        (999_400, "999 µs"),
        (999_600, "1.00 ms"),
        (38_200_000, "38.2 ms"),
        (1_500_000_000, "1.50 s"),
        (3_600_000_000_000, "3600 s"),
    ],
)
def test_durations_have_three_digits(ns: float | None, text: str) -> None:
    assert duration_text(ns) == text
