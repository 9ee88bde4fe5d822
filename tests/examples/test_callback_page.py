"""The programs of docs/coming-from-the-callback-client.md run as they stand."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "coming-from-the-callback-client.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
PATIENCE = 45.0


def test_there_are_two() -> None:
    assert len(PROGRAMS) == 2


async def test_the_page_with_its_import_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs forever, so it is cancelled once a price was printed, as Ctrl-C would."""
    program = compile(PROGRAMS[0], str(PAGE), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed: list[str] = []
    has_price = asyncio.Event()

    def show(text: str) -> None:
        printed.append(text)
        if text.startswith("BTCUSDT: $"):
            has_price.set()

    async with Simulator(rate=500, seed=1) as simulator:
        monkeypatch.setenv("TICKWIRE_SIMULATOR", simulator.http_url)
        names: dict[str, Any] = {"__name__": "page", "print": show}
        running = asyncio.ensure_future(eval(program, names))
        price = asyncio.ensure_future(has_price.wait())
        await asyncio.wait((running, price), timeout=PATIENCE, return_when="FIRST_COMPLETED")
        assert price.done(), printed
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert printed[0] == "Connected!"
    assert printed[-1] == "Disconnected!"
    message = next(text for text in printed if text.startswith("Message: "))
    data = ast.literal_eval(message.removeprefix("Message: "))
    assert list(data) == [
        *("type", "symbol", "price", "open", "high", "low", "volume", "quote_volume"),
        *("price_change", "price_change_percent", "timestamp"),
    ]
    assert f"BTCUSDT: ${data['price']}" in printed


async def test_the_longer_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(PROGRAMS[1], str(PAGE), "exec"), names)
    async with Simulator(rate=500, seed=1) as simulator, asyncio.timeout(PATIENCE):
        monkeypatch.setenv("TICKWIRE_SIMULATOR", simulator.http_url)
        await names["main"]()
    assert capsys.readouterr().out.splitlines() == ["kline True 0"]
