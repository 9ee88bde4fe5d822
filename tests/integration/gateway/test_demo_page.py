"""``tickwire demo``: a simulator, a gateway and an address, and the end of them all."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from aiohttp import ClientSession, ClientTimeout

from tickwire.cli import page
from tickwire.cli.problems import Problem
from tickwire.wire import COMPILED

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    pytest.mark.timeout(150),
]

PATIENCE = 60.0
ENVIRONMENT = {**os.environ} | ({} if COMPILED else {"TICKWIRE_PURE": "1"})


@asynccontextmanager
async def demo() -> AsyncIterator[tuple[Process, str]]:
    """The demo, and the address that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickwire", "demo", "--port", "0", "--symbols", "BTC-USDT"),
        env=ENVIRONMENT,
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            address = None
            while address is None:
                line = (await process.stdout.readline()).decode()
                assert line, "it ended before it had an address"
                address = re.fullmatch(r"\s+(http://127\.0\.0\.1:\d+)\n", line)
            yield process, address[1]
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def child_of(process: Process) -> int:
    """The simulator."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except FileNotFoundError:
        pytest.skip("no /proc to find a child process in")
    (child,) = children.split()
    return int(child)


async def test_it_serves_the_page_and_live_prices_until_ctrl_c() -> None:
    async with demo() as (process, url), ClientSession(timeout=ClientTimeout(PATIENCE)) as web:
        async with web.get(url) as answer:
            assert "<title>tickwire</title>" in await answer.text()
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        async with web.get(f"{url}/vendor/lightweight-charts.js") as answer:
            assert answer.content_type == "text/javascript"
            assert "TradingView Lightweight Charts" in await answer.text()
        # The prices were subscribed before anybody looked.
        async with web.get(f"{url}/api/ws/streams") as answer:
            (stream,) = (await answer.json())["streams"]
            assert (stream["type"], stream["symbol"], stream["pinned"]) == (
                "ticker",
                "BTCUSDT",
                True,
            )
        async with web.get(f"{url}/api/ws/sse/market?symbol=BTCUSDT") as answer:
            async for line in answer.content:
                if line.startswith(b'data: {"type":"trade"'):
                    break
            child = child_of(process)
            # With a listener that stays.
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


async def test_it_ends_when_its_simulator_is_gone() -> None:
    async with demo() as (process, _):
        os.kill(child_of(process), signal.SIGKILL)
        assert await process.wait() == 1
        assert process.stderr is not None
        said = (await process.stderr.read()).decode()
    assert said.startswith("tickwire: the simulator: ")


async def shown(port: int | None) -> None:
    async with asyncio.timeout(PATIENCE):
        await page.show_page(
            title="title",
            market="spot",
            symbols=["BTC-USDT"],
            simulator=["--symbols", "BTCUSDT"],
            port=port,
            seconds=0,
        )


async def test_a_port_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port}"):
            await shown(port)
        monkeypatch.setattr(page, "DEFAULT_PORT", port)
        await shown(None)
    found = re.search(r"http://127\.0\.0\.1:(\d+)", capsys.readouterr().out)
    assert found
    assert int(found[1]) != port
