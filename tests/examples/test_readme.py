"""The README's programs run as they stand, against the simulator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.simulator import Simulator

README = Path(__file__).resolve().parents[2] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)


def load(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(source, str(README), "exec"), names)
    return names


async def test_the_websocket_program(capsys: pytest.CaptureFixture[str]) -> None:
    main = load(PROGRAMS[0])["main"]
    async with Simulator(rate=500, seed=1) as simulator:
        await main(f"{simulator.ws_url}/ws")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "{'result': None, 'id': 1}"
    assert '"e":"trade"' in printed[1]
    assert len(printed) == 3


async def test_the_feed_program(capsys: pytest.CaptureFixture[str]) -> None:
    main = load(PROGRAMS[1])["main"]
    async with Simulator(rate=500, seed=1) as simulator:
        await main(simulator.ws_url)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("BTC-USDT ")
    assert "missing" not in last
