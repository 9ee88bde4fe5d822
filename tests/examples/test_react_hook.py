"""The React hooks of the page's documentation, built as they stand there, in a browser."""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

import orjson
from aiohttp import web

from tests.support.browser import PATIENCE_MS, open_browser
from tickwire.gateway import Gateway, GatewayConfig
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "gateway-page.md"
PACKAGES = ("react@19.2.0", "react-dom@19.2.0", "esbuild@0.25.10")
INSTALL_SECONDS = 90

APP = """
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Board } from './Board';
import { PriceDisplay } from './useBinancePrice';

function App() {
  const [symbols, setSymbols] = useState(['BTCUSDT', 'ETHUSDT']);
  return (
    <>
      {symbols.length > 0 && <Board symbols={symbols} />}
      {symbols.length > 0 && <PriceDisplay />}
      <button onClick={() => setSymbols(['SOLUSDT'])}>change</button>
      <button onClick={() => setSymbols([])}>remove</button>
    </>
  );
}
createRoot(document.getElementById('app')).render(<StrictMode><App /></StrictMode>);
"""
PAGE = "<!doctype html><title>hook</title><div id=app></div><script src=/app.js></script>"


async def run(directory: Path, *command: str) -> str | None:
    """What a command had to say if it failed, or took too long."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=directory, stdout=PIPE, stderr=STDOUT
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return f"it took more than {INSTALL_SECONDS} s"
    return out.decode(errors="replace") if process.returncode else None


async def build(directory: Path) -> None:
    """The document's blocks and the program above, as one script: ``app.js``."""
    npm = shutil.which("npm")
    assert npm is not None
    blocks = re.findall(r"```jsx\n// (\S+)\n(.*?)```", DOCUMENT.read_text(), re.S)
    assert [name for name, _ in blocks] == [
        "useTickwirePrices.js",
        "Board.jsx",
        "useBinancePrice.jsx",
    ]
    for name, text in [*blocks, ("main.jsx", APP), ("package.json", '{"private": true}')]:
        (directory / name).write_text(text)
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0")
    said = await run(directory, npm, "install", *options, *PACKAGES)
    if said is not None:
        pytest.skip(f"npm cannot install React here: {said.strip().splitlines()[-1]}")
    said = await run(
        directory,
        str(directory / "node_modules" / ".bin" / "esbuild"),
        *("main.jsx", "--bundle", "--jsx=automatic", "--outfile=app.js"),
    )
    assert said is None, said


async def reached(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_hooks_of_the_document(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("React comes from npm, which is not here")
    async with Simulator(rate=200, symbols=["BTCUSDT", "ETHUSDT", "SOLUSDT"]) as simulator:
        # A server of its own, and so an origin of its own, as a development server is.
        application = web.Application()
        runner = web.AppRunner(application, access_log=None)

        async def page(request: web.Request) -> web.Response:
            return web.Response(text=PAGE, content_type="text/html")

        async def script(request: web.Request) -> web.FileResponse:
            return web.FileResponse(tmp_path / "app.js")

        application.router.add_get("/", page)
        application.router.add_get("/app.js", script)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            config = GatewayConfig(port=0, url=simulator.ws_url, origins=(origin,), linger=0)
            async with Gateway(config) as gateway:
                # The document's address is localhost:8000; here that leads to a port that is free.
                here = f"--host-resolver-rules=MAP localhost:8000 127.0.0.1:{gateway.port}"
                async with open_browser(here) as browser:
                    await build(tmp_path)
                    tab = await browser.new_page()
                    tab.set_default_timeout(PATIENCE_MS)
                    complaints: list[str] = []
                    tab.on("pageerror", lambda error: complaints.append(str(error)))
                    await tab.goto(origin)
                    first = "document.querySelector('td')?.textContent ?? ''"
                    await tab.wait_for_function(f"/^[0-9.]+$/.test({first})")
                    await tab.wait_for_function(
                        "document.querySelector('caption').innerText=='live'"
                    )
                    before = await tab.evaluate(first)
                    await tab.wait_for_function(f"before => {first} !== before", arg=before)
                    await tab.wait_for_function(
                        "/^BTC: \\$[0-9.]+$/.test(document.querySelector('p').innerText)"
                    )
                    assert await tab.locator("tr").count() == 2
                    # What was never traded has no price.
                    topic = gateway.hub.exchange(None).feed.topics["ticker", "BTCUSDT", ""]
                    nothing = {"symbol": "BTCUSDT", "price": None, "price_change_percent": None}
                    topic.publish(orjson.dumps({"data": nothing}), "BTCUSDT", 0)
                    await tab.wait_for_function(f"/^[0-9.]+$/.test({first})")
                    # What React mounted twice was closed once: one stream for each hook.
                    await reached(lambda: len(gateway.hub.listeners) == 2)

                    await tab.get_by_text("change").click()
                    await tab.wait_for_function(
                        f"/^[0-9.]+$/.test({first}) && document.querySelector('th').innerText"
                        " === 'SOLUSDT'"
                    )
                    await simulator.stop()
                    await tab.wait_for_function(
                        "document.querySelector('caption').innerText=='stale'"
                    )
                    await tab.get_by_text("remove").click()
                    await reached(lambda: not gateway.hub.listeners)
                    assert not complaints
        finally:
            await runner.cleanup()
