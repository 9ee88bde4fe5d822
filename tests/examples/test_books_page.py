"""The programs of docs/books.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tickwire.book import Bbo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "books.md"
KEEPING, PROGRAM = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


def frame(number: int, bid: str) -> bytes:
    update = {"e": "depthUpdate", "U": number, "u": number, "b": [[bid, "1"]], "a": []}
    return orjson.dumps({"stream": "btcusdt@depth", "data": update})


def test_following_a_book() -> None:
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, str(PAGE), "exec"), names)
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        last = 7 if len(asked) == 1 else 12
        return orjson.dumps({"lastUpdateId": last, "bids": [["10", "2"]], "asks": [["11", "3"]]})

    frames = [frame(7, "9"), frame(8, "10.5"), frame(12, "10.25"), frame(13, "10.75")]
    assert list(names["follow"](frames, fetch)) == [
        (7, Bbo(10.0, 2.0, 11.0, 3.0), 1.0),
        (8, Bbo(10.5, 1.0, 11.0, 3.0), 0.5),
        (12, Bbo(10.0, 2.0, 11.0, 3.0), 1.0),
        (13, Bbo(10.75, 1.0, 11.0, 3.0), 0.25),
    ]
    assert asked == ["https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000"] * 2


async def test_keeping_books(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
    from tickwire.simulator import Simulator

    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(KEEPING, str(PAGE), "exec"), names)
    async with Simulator(rate=500) as simulator:
        await names["main"](simulator.ws_url)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Bbo(bid_price=")
    assert re.match(r"(BTC|ETH)-USDT \d+ \[\(", last)
