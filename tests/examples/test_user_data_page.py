"""The programs of docs/binance-user-data.md run as they stand."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "binance-user-data.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
PATIENCE = 45.0


def load(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "user data page"}
    exec(compile(source, str(PAGE), "exec"), names)
    return names


async def test_an_order_and_its_events(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Simulator(rate=0) as simulator, asyncio.timeout(PATIENCE):
        monkeypatch.setenv("TICKWIRE_SIMULATOR", simulator.http_url)
        simulator.accounts.add(api_key="key", secret="secret", balances={"USDT": "100000"})
        await load(PROGRAMS[0])["main"]("key", "secret")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:2] == ["BTCUSDT", "NEW"]
    assert lines[-1][:2] == ["BTCUSDT", "FILLED"]
    assert float(lines[-1][2]) == 0.001


async def test_without_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        await load(PROGRAMS[1])["main"]()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["ACCOUNT_UPDATE"] * 3
    assert [float(line.split()[1]) for line in lines[:3]] == [1.0, 2.0, 3.0]
    assert lines[3:] == ["missing: 0"]
