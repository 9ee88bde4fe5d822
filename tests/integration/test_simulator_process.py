"""The simulator as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.simulator_api import Api, signed
from tests.integration.simulator_client import (
    DEADLINE,
    ROOT,
    connect,
    end_of,
    text_of,
    write_capture,
)

if TYPE_CHECKING:
    from pathlib import Path


def spawn(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tickwire.simulator", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def address_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=DEADLINE)
    address: dict[str, Any] = json.loads(line)
    return address


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "eof"])
async def test_a_process_serves_until_it_is_stopped(how: str) -> None:
    process = spawn("--market", "usdm", "--symbols", "BTCUSDT", "--rate", "5000", "--until-eof")
    try:
        address = await asyncio.to_thread(address_of, process)
        assert address["host"] == "127.0.0.1"
        url = f"ws://127.0.0.1:{address['port']}/public/ws/btcusdt@bookTicker"
        async with connect(url) as ws:
            assert json.loads(await text_of(ws))["s"] == "BTCUSDT"
            if how == "eof":
                assert process.stdin is not None
                process.stdin.close()
            else:
                process.send_signal(getattr(signal, how))
            assert (await end_of(ws)).data == 1001
        assert await asyncio.to_thread(process.wait, DEADLINE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    finally:
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        process.wait()


async def test_a_process_with_an_account() -> None:
    process = spawn("--market", "coinm", "--rate", "0", "--account", "demo:secret", "--until-eof")
    try:
        address = await asyncio.to_thread(address_of, process)
        async with connect(f"ws://127.0.0.1:{address['port']}/ws-dapi/v1") as ws:
            client = Api(ws)
            params = signed({"symbol": "BTCUSD_PERP", "side": "BUY"}, key="demo")
            assert (await client.call("order.place", **params))["error"]["code"] == -1102
            balances = await client.call("account.balance", **signed({}, key="demo"))
            assert {entry["balance"] for entry in balances["result"]} == {"1000000.00000000"}
    finally:
        await asyncio.to_thread(process.communicate, None, DEADLINE)
    assert process.returncode == 0


async def test_a_process_replays_a_capture(tmp_path: Path) -> None:
    recorded = write_capture(tmp_path / "X.ws.1.0")
    arguments = ("--replay", str(recorded.path), "--speed", "inf", "--close-at-end", "--until-eof")
    process = spawn(*arguments)
    try:
        address = await asyncio.to_thread(address_of, process)
        async with connect(f"ws://127.0.0.1:{address['port']}{recorded.path_and_query}") as ws:
            assert [message.data async for message in ws] == recorded.frames
    finally:
        await asyncio.to_thread(process.communicate, None, DEADLINE)
    assert process.returncode == 0


async def test_a_process_that_cannot_serve_says_why_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        processes = {
            "no such file or directory": (2, spawn("--replay", str(tmp_path / "absent"))),
            "key:secret": (2, spawn("--account", "demo")),
            "no built-in symbol 'nosuch'": (2, spawn("--symbols", "NOSUCH")),
            "address already in use": (1, spawn("--port", port)),
        }
        for text, (code, process) in processes.items():
            out, err = await asyncio.to_thread(process.communicate, None, DEADLINE)
            assert (process.returncode, out) == (code, "")
            assert text in err.lower()
            assert err.count("\n") == 1


@pytest.mark.parametrize("package", ["aiohttp", "cryptography"])
def test_without_a_package_the_import_names_the_command_that_helps(package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; import tickwire.simulator"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError")
    assert "pip install 'tickwire[simulator]'" in last


@pytest.mark.parametrize(
    ("exchange", "path", "said", "answer"),
    [
        ("okx", "/ws/v5/public", "ping", "pong"),
        ("deribit", "/ws/api/v2", '{"id":1,"method":"public/get_time"}', '"id":1'),
    ],
)
async def test_a_process_speaks_another_exchange(
    exchange: str, path: str, said: str, answer: str
) -> None:
    process = spawn("--exchange", exchange, "--until-eof")
    try:
        address = await asyncio.to_thread(address_of, process)
        async with connect(f"ws://127.0.0.1:{address['port']}{path}") as ws:
            await ws.send_str(said)
            assert answer in await text_of(ws)
    finally:
        await asyncio.to_thread(process.communicate, None, DEADLINE)
    assert process.returncode == 0
