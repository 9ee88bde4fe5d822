"""Every program of the page that the usual WEEX client's users start from runs as written there.

``weex_page.md`` holds the page's programs; the name of the package is the one word changed. What
the page leaves to the reader (a price, an emergency) is supplied here.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tests.support.server import PATIENCE
from tickwire.credentials import Credentials
from tickwire.simulator import SymbolSpec
from tickwire.simulator.weex import WeexSimulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PROGRAMS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parent / "weex_page.md").read_text("utf-8"), re.S
)
KEYS = Credentials("key", "test-secret", passphrase="phrase")
# A tick of 0.08 %, so that a price moves far within a test.
WILD: list[str | SymbolSpec] = [
    SymbolSpec("BTC", "USDT", "50", "0.001", "64200"),
    "ETHUSDT",
    "ADAUSDT",
]


class Printed:
    """What a program prints, and who waits for it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._changed = asyncio.Event()

    def __call__(self, *parts: Any) -> None:
        self.lines += " ".join(map(str, parts)).splitlines()
        self.wake()

    def wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def having(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]

    async def until(self, condition: Callable[[], Any]) -> None:
        while not condition():
            await self._changed.wait()


@pytest.fixture
def printed() -> Printed:
    return Printed()


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WeexSimulator]:
    async with WeexSimulator(
        symbols=WILD, credentials=KEYS, rate=1000, push_interval=0.02, activity_interval=0.1
    ) as running:
        monkeypatch.setenv("TICKWIRE_SIMULATOR", running.http_url)
        monkeypatch.setenv("WEEX_API_KEY", "key")
        monkeypatch.setenv("WEEX_API_SECRET", "test-secret")
        monkeypatch.setenv("WEEX_PASSPHRASE", "phrase")
        yield running


def load(name: str, printed: Printed, **more: Any) -> dict[str, Any]:
    """The names of the program that defines ``name``."""
    (source,) = [
        text for text in PROGRAMS if re.search(rf"^(async def|class) {name}\b", text, re.M)
    ]
    names: dict[str, Any] = {"__name__": name, "asyncio": asyncio, "time": time, "print": printed}
    header = "from weex_client import WeexWebSocketClient, WeexConfig\n"
    source = header + source.replace(header, "")
    exec(compile(source.replace("weex_client", "tickwire.weex"), name, "exec"), names)
    names.update(more)
    return names


async def run(
    name: str, printed: Printed, condition: Callable[[], Any], **more: Any
) -> dict[str, Any]:
    """Run a program, which has no end, until ``condition`` holds."""
    names = load(name, printed, **more)
    program = asyncio.ensure_future(names[name]())
    waiting = asyncio.ensure_future(printed.until(condition))
    async with asyncio.timeout(6 * PATIENCE):
        await asyncio.wait((program, waiting), return_when=asyncio.FIRST_COMPLETED)
        if program.done():
            program.result()
        assert waiting.done(), f"the program ended after {printed.lines[-5:]}"
        program.cancel()
        await asyncio.gather(program, return_exceptions=True)
    return names


def test_the_page_is_whole() -> None:
    assert len(PROGRAMS) == 17


async def test_the_first_program(simulator: WeexSimulator, printed: Printed) -> None:
    await run("websocket_example", printed, lambda: len(printed.lines) > 3)
    assert printed.lines[0].startswith("Ticker: {'symbol': 'BTCUSDT', 'last': '")


async def test_market_monitoring(simulator: WeexSimulator, printed: Printed) -> None:
    await run("monitor_market", printed, lambda: len(printed.having("BTC/USDT = $")) > 2)
    line = printed.having("BTC/USDT = $")[-1]
    moment, price, change = re.match(
        r"([\d.]+): .*= \$([\d.]+) \| .*Change: ([-\d.]+)%$", line
    ).groups()  # type: ignore[union-attr]
    assert float(moment) > 1_700_000_000
    assert float(price) > 1000
    assert abs(float(change)) < 100


async def test_book_monitoring(simulator: WeexSimulator, printed: Printed) -> None:
    await run("monitor_order_book", printed, lambda: len(printed.having("Asks:")) > 3)
    at = printed.lines.index("Bids:")
    rows = [
        re.match(r"  (\d)\. \$([\d.]+) - ([\d.]+)$", line) for line in printed.lines[at : at + 8]
    ]
    found = [(int(row[1]), float(row[2])) for row in rows if row]
    assert [rank for rank, _ in found] == [1, 2, 3, 1, 2, 3]
    bids, asks = [price for _, price in found[:3]], [price for _, price in found[3:]]
    assert asks == sorted(asks)
    assert bids == sorted(bids, reverse=True)
    assert bids[0] < asks[0]


async def test_trade_monitoring(simulator: WeexSimulator, printed: Printed) -> None:
    await run("monitor_trades", printed, lambda: len(printed.having(" BTC @ $")) > 5)
    assert "N/A" not in "".join(printed.lines)


async def test_account_monitoring(simulator: WeexSimulator, printed: Printed) -> None:
    await run("monitor_account", printed, lambda: len(printed.having("Balance: ")) > 2)
    # The venue does not send, on contracts, what is available and what frozen.
    assert re.search(r"Balance: \d+\.\d+ \| Available: N/A", printed.having("Balance: ")[0])


async def test_position_monitoring(simulator: WeexSimulator, printed: Printed) -> None:
    await run("monitor_positions", printed, lambda: len(printed.having("PnL: ")) > 2)
    assert re.search(r": BTCUSDT long 0\.01 \| PnL: -?\d", printed.having("long 0.01")[0])


async def test_order_monitoring(simulator: WeexSimulator, printed: Printed) -> None:
    await run("monitor_orders", printed, lambda: len(printed.having("(filled)")) > 1)
    assert re.search(r"Order \d+: BTCUSDT 0\.01 \(new\)", "\n".join(printed.lines))


async def test_several_symbols_at_once(simulator: WeexSimulator, printed: Printed) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "ADAUSDT")
    await run(
        "monitor_multiple_symbols",
        printed,
        lambda: all(len(printed.having(f"{symbol}: $")) > 2 for symbol in symbols),
    )
    assert simulator.counts["opened"] == 1


async def test_moving_average(simulator: WeexSimulator, printed: Printed) -> None:
    await run("real_time_analysis", printed, lambda: len(printed.having("MA: $")) > 2)


async def test_risk(simulator: WeexSimulator, printed: Printed) -> None:
    reduced: list[int] = []

    async def emergency_reduce_positions() -> None:
        reduced.append(1)
        printed.wake()

    await run(
        "risk_monitored_trading",
        printed,
        lambda: reduced,
        get_current_price=lambda symbol: 200_000,
        emergency_reduce_positions=emergency_reduce_positions,
    )
    assert printed.having("POSITION SIZE LIMIT BREACHED: $2000.00")


async def test_paper_trading(simulator: WeexSimulator, printed: Printed) -> None:
    """The page's engine asks itself ``has_position`` and has no such method: it gets one here."""
    engine: Any = load("PaperTradingEngine", printed)["PaperTradingEngine"]
    engine.has_position = lambda self, symbol: self.positions.get(symbol, 0) > 0
    await run(
        "run_paper_trading",
        printed,
        lambda: len(printed.having("Portfolio: $")) > 5,
        PaperTradingEngine=engine,
    )
    assert float(printed.having("Portfolio: $")[0].partition("Portfolio: $")[2].split()[0]) > 5000


async def test_reconnection(simulator: WeexSimulator, printed: Printed) -> None:
    simulator.is_unavailable = True
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        simulator.is_unavailable = False

    await run(
        "robust_websocket_client",
        printed,
        lambda: len(printed.having("Price: $")) > 2,
        asyncio=SimpleNamespace(sleep=sleep),
    )
    assert delays == [5]
    assert printed.having("Connection error: ")
    assert printed.having("Connected (attempt 2)")


async def test_filtering(simulator: WeexSimulator, printed: Printed) -> None:
    await run("filtered_streaming", printed, lambda: printed.having("Significant move: "))
    found = re.search(r"Significant move: ([-\d.]+)%", printed.having("Significant move: ")[0])
    assert found is not None
    assert abs(float(found[1])) > 0.1


async def test_little_memory(simulator: WeexSimulator, printed: Printed) -> None:
    await run("memory_efficient_streaming", printed, lambda: printed.having("High price alert: $"))


async def test_batches(simulator: WeexSimulator, printed: Printed) -> None:
    await run("batch_stream_processing", printed, lambda: len(printed.having("Batch: Avg")) > 1)


async def test_heartbeat(simulator: WeexSimulator, printed: Printed) -> None:
    await run(
        "websocket_with_heartbeat", printed, lambda: len(printed.having("Message received")) > 2
    )


async def test_storage(
    simulator: WeexSimulator,
    printed: Printed,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    aiosqlite = pytest.importorskip("aiosqlite", reason="this program of the page stores with it")
    monkeypatch.chdir(tmp_path)
    commit, commits = aiosqlite.Connection.commit, []

    async def counted(connection: Any) -> None:
        await commit(connection)
        commits.append(1)
        printed.wake()

    monkeypatch.setattr(aiosqlite.Connection, "commit", counted)
    await run("store_stream_data", printed, lambda: len(commits) > 3)
    with sqlite3.connect(tmp_path / "ticker_data.db") as database:
        rows = database.execute("SELECT timestamp, symbol, price, volume FROM tickers").fetchall()
    assert len(rows) >= 3
    assert all(row[0] > 1_700_000_000 and row[1] == "BTCUSDT" and row[2] > 1000 for row in rows)
