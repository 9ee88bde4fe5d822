"""The program of docs/simulator-venues.md runs as it stands, on every venue."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulator-venues.md"
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
PATIENCE = 40.0


@pytest.mark.parametrize("exchange", ["okx", "bybit", "coinbase", "kraken", "deribit"])
async def test_a_book_over_a_bad_line(exchange: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, str(PAGE), "exec"), names)
    async with asyncio.timeout(PATIENCE):
        best = await names["book_over_a_bad_line"](exchange)
    assert 0 < best.bid_price < best.ask_price
