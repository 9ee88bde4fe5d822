"""The examples of docs/gateway.md do what the page says."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.gateway import PATIENCE, Stream, gateway_of
from tickwire.cli import main
from tickwire.gateway import GatewayConfig, GatewayLimits
from tickwire.gateway.streams import router
from tickwire.simulator import Simulator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"
TEXT = PAGE.read_text()
ADDRESS = "http://localhost:8000"
CURLS = re.findall(r"^curl .*$", TEXT, re.M)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def _request(command: str) -> dict[str, Any]:
    """What curl would send."""
    words = iter(shlex.split(command)[1:])
    request: dict[str, Any] = {"method": "GET", "headers": {}}
    for word in words:
        if word == "-X":
            request["method"] = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            request["headers"][name] = value
        elif word == "-d":
            request["content"] = next(words)
        else:
            assert word.startswith(ADDRESS), word
            request["url"] = word.removeprefix(ADDRESS)
    return request


async def test_every_curl_command_works_in_its_order() -> None:
    assert len(CURLS) == 12
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            for command in CURLS:
                answer = await client.request(**_request(command))
                # After `disconnect` the streams that linger are not live, and it says so.
                expected = (200, 503) if "readyz" in command else (200,)
                assert answer.status_code in expected, (command, answer.text)


async def test_what_the_script_listens_to() -> None:
    (script,) = _blocks("javascript")
    (url,) = re.findall(r"'(http://[^']+)'", script)
    async with Simulator(rate=500, symbols=["BTCUSDT", "ETHUSDT"]) as simulator:
        async with gateway_of(simulator) as (_, client), asyncio.timeout(PATIENCE):
            async with client.stream("GET", url.removeprefix(ADDRESS)) as response:
                stream = Stream(response)
                status = (await stream.next("status")).data
                data = (await stream.next()).data
    used = re.findall(r"const \{ (.*?) \} = JSON", script)
    assert [name.split(", ") for name in used] == [["type", "data"], ["symbol", "live", "reason"]]
    assert data["type"] == "ticker"
    assert data["data"]["symbol"] in ("BTCUSDT", "ETHUSDT")
    assert isinstance(data["data"]["price"], float)
    assert set(status) == {"stream", "symbol", "live", "reason"}
    (shown,) = _blocks("json")
    assert list(orjson.loads(shown)["data"]) == list(data["data"])


async def test_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = _blocks("python")
    names: dict[str, Any] = {"__name__": "gateway docs"}
    exec(compile(source, str(PAGE), "exec"), names)
    async with asyncio.timeout(PATIENCE):
        await names["main"]()
    assert httpx.URL(capsys.readouterr().out.strip()).host == "127.0.0.1"


def test_the_page_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    for route in router.routes:
        assert f"`{route.path}`" in TEXT  # type: ignore[attr-defined]
    limits, config = GatewayLimits(), GatewayConfig()
    assert f"{limits.listeners:,} listeners, {limits.streams} streams, {limits.symbols} sym" in TEXT
    assert f"the last {limits.history} messages" in TEXT
    assert f"queue of {limits.queue} messages" in TEXT
    assert f"every {config.heartbeat:g} seconds" in TEXT
    assert f"come for {config.stale_after:g} seconds" in TEXT
    main(["gateway", "--help"])
    told = capsys.readouterr().out
    for option in set(re.findall(r"(?<=\s|`)(--(?!editable)[a-z-]+)", TEXT)):
        assert option in told, option
