"""``tickwire gateway`` as a shell runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.gateway import PATIENCE, listen
from tickwire.wire import COMPILED

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

# Where there is no compiler the package says so on the standard error, once; not the topic here.
ENVIRONMENT = dict(os.environ) | ({} if COMPILED else {"TICKWIRE_PURE": "1"})


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickwire", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env=ENVIRONMENT | environment,
    )
    try:
        async with asyncio.timeout(2 * PATIENCE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_prints_its_address_and_serves_until_ctrl_c() -> None:
    async with running("gateway", "--sim", "--port", "0", "--log-json") as process:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            assert "<html" in (await client.get("/")).text
            started = await client.post("/api/ws/quick/start-prices")
            assert started.json()["changed"] == ["BTCUSDT", "ETHUSDT"]
            # Nobody can make it call the exchange itself, or another.
            assert (await client.get("/api/ws/status?exchange=okx")).status_code == 404
            async with listen(client, "prices?symbols=BTCUSDT") as stream:
                assert (await stream.next()).data["data"]["price"] > 0
                process.send_signal(signal.SIGINT)
                with pytest.raises((EOFError, httpx.RemoteProtocolError)):
                    while True:
                        await stream.next()
        _, told = await process.communicate()
        assert process.returncode == 0
    lines = [orjson.loads(line) for line in told.splitlines()]
    assert {"listening", "connection news"} <= {line["message"] for line in lines}
    assert all(line["timestamp"].endswith("Z") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "environment", "word"),
    [
        (("--host", "0.0.0.0"), {}, "token"),
        (("--host", "0.0.0.0"), {"TICKWIRE_GATEWAY_TOKEN": "short"}, "token"),
        (("--exchange", "nowhere"), {}, "binance"),
        (("--rate", "5"), {}, "--sim"),
        (("--sim", "--port", "0", "--symbols", "FOO-USDT"), {}, "FOO"),
        (("--cors-origin", "*"), {}, "origin"),
    ],
    ids=["open", "short", "exchange", "rate", "symbols", "origin"],
)
async def test_what_cannot_be_is_one_line(
    arguments: tuple[str, ...], environment: dict[str, str], word: str
) -> None:
    async with running("gateway", *arguments, **environment) as process:
        out, told = await process.communicate()
    assert process.returncode == 2
    assert out == b""
    [line] = [line for line in told.decode().splitlines() if line.startswith("tickwire: ")]
    assert word in line


async def test_a_port_that_is_taken_is_told() -> None:
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken, running("gateway", "--port", str(port)) as process:
        _, told = await process.communicate()
    assert process.returncode == 1
    assert f"port {port}" in told.decode()
    assert "--port" in told.decode()
