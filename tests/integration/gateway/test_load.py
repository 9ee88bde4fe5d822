"""The load figures' program, in short: what is published reaches every listener."""

from __future__ import annotations

import asyncio
import sys

import pytest

pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from benchmarks.gateway import measure, table

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="it reads memory and time from /proc"
)


async def test_a_crowd_is_served() -> None:
    row = await asyncio.to_thread(measure, 30, rate=20.0, seconds=2.0, warm_up=0.2)
    assert row["received_per_second"] > 0
    assert (row["lost"], row["refused"], row["dropped"]) == (0, 0, 0)
    assert 0 < row["p50_ms"] <= row["p99_ms"] <= row["p100_ms"]
    assert len(table([row]).splitlines()) == 3
