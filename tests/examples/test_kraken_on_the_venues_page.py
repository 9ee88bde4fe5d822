"""The program of docs/venues.md about Kraken runs as it stands."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the test's server needs aiohttp")

from tests.integration.test_coinbase_kraken_feeds import PATIENCE, Line, serving
from tests.unit.exchanges import test_kraken as kraken

PAGE = Path(__file__).resolve().parents[2] / "docs" / "venues.md"
[PROGRAM] = [
    program
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    if '"kraken"' in program
]


async def test_following_the_best_bid() -> None:
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, str(PAGE), "exec"), names)

    async def script(line: Line) -> None:
        while True:
            request = await line.request()
            await line.send(*kraken.accept(request))
            if request["params"]["channel"] == "book" and request["method"] == "subscribe":
                await line.send(kraken.SNAPSHOT, kraken.UPDATE)

    bids = []
    async with serving(script) as server, asyncio.timeout(PATIENCE):
        async for bid in names["best_bids"](server.url, "MATIC/USD"):
            bids.append(bid)
            if len(bids) == 2:
                break
    assert bids == [0.5666, 0.5666]
