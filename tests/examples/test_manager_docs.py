"""The programs of docs/manager.md run as they stand, and its picture is the table's."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "manager.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


def load(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "manager docs"}
    exec(compile(source, str(PAGE), "exec"), names)
    return names


async def printed_by(number: int, path: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    main = load(PROGRAMS[number])["main"]
    async with Simulator(rate=500, seed=1) as simulator, asyncio.timeout(30):
        await main(f"{simulator.ws_url}{path}")
    return capsys.readouterr().out.splitlines()


async def test_the_shortest_program(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = await printed_by(0, "/ws/btcusdt@trade", capsys)
    assert line.startswith("{'e': 'trade'")


async def test_the_candle_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock stands a minute before a close, so that the window is open; a candle of the
    simulator's that closes while the test runs would end it, so only what comes is looked at."""
    names = load(PROGRAMS[1])
    close_ns = 1_800_000_000 // 14_400 * 14_400 * 1_000_000_000
    names["wall_ns"] = lambda: close_ns - 60_000_000_000
    assert names["seconds_until_close"]() == pytest.approx(60.0)
    async with Simulator(rate=500, seed=1) as simulator:
        running = asyncio.ensure_future(names["main"](f"{simulator.ws_url}/ws/btcusdt@kline_1s"))
        await asyncio.wait_for(running, 30)


async def test_the_24_hour_limit(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = await printed_by(2, "/stream", capsys)
    overlap, duplicates, promise = line.split()
    assert float(overlap) > 0.0
    assert int(duplicates) >= 0
    assert promise == "exactly-once"


async def test_redundancy(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = await printed_by(3, "/stream", capsys)
    assert float(line) > 0.0


async def test_a_day_in_a_test(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = await printed_by(4, "/ws/btcusdt@trade", capsys)
    assert line == f"{22 * 3600.0} 1"


def test_the_picture_is_the_tables() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "state_picture.py"), "--check"],
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
    )
    assert done.returncode == 0, "run  python tools/state_picture.py"
