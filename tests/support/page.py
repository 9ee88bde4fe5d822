"""The page of a gateway in a browser, with a market of the test's behind it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from tests.support.browser import PATIENCE_MS
from tickwire.gateway import Gateway, GatewayConfig
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

__all__ = ["EVERYTHING_SHOWN", "SYMBOLS", "Stage", "stage"]

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")
EVERYTHING_SHOWN = """() => document.body.dataset.state === "live"
    && document.querySelectorAll("#tape tr").length > 3
    && !document.getElementById("last").textContent.includes("–")
    && !document.querySelector("#bids td").textContent.includes("–")
    && document.getElementById("candle-chart").ariaLabel.includes("close")"""


class Stage:
    """A market that can be stopped, a gateway, and the page."""

    def __init__(self, browser: Browser, config: dict[str, Any]) -> None:
        self.config: dict[str, Any] = {"port": 0, "symbols": SYMBOLS} | config
        self.simulator = Simulator(rate=0, symbols=["BTCUSDT", "ETHUSDT", "SOLUSDT"])
        self.browser = browser
        self.page: Page
        self.gateway: Gateway
        self.complaints: list[str] = []
        self.allowed: tuple[str, ...] = ()
        self._moving: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Start the gateway; after the first time, where it was before."""
        if "url" not in self.config:
            self.config["url"] = self.simulator.ws_url
        self.gateway = Gateway(GatewayConfig(**self.config))
        await self.gateway.__aenter__()
        self.config["port"] = self.gateway.port

    async def stop_serving(self) -> None:
        await self.gateway.__aexit__(None, None, None)

    def move(self) -> None:
        """Let the market go on."""

        async def moving() -> None:
            while True:
                self.simulator.generate(10)
                await asyncio.sleep(0.05)

        self._moving = asyncio.create_task(moving())

    async def halt(self) -> None:
        """Stop the market; the connections stay."""
        if self._moving is not None:
            self._moving.cancel()
            with suppress(asyncio.CancelledError):
                await self._moving
            self._moving = None

    async def until(self, expression: str, argument: object = None) -> None:
        """Wait until JavaScript says so."""
        await self.page.wait_for_function(expression, arg=argument, timeout=PATIENCE_MS)

    async def until_state(self, state: str) -> None:
        await self.until("state => document.body.dataset.state === state", state)

    async def text(self, selector: str) -> str:
        return (await self.page.locator(selector).inner_text()).strip()

    async def until_price_moves(self) -> None:
        before = await self.text("#last")
        await self.until(
            "before => document.getElementById('last').innerText.trim() !== before", before
        )


@asynccontextmanager
async def stage(
    browser: Browser, *, width: int = 1280, path: str = "/", media: Any = None, **config: Any
) -> AsyncIterator[Stage]:
    """A page that shows everything there is."""
    set_up = Stage(browser, config)
    async with set_up.simulator:
        await set_up.serve()
        set_up.move()
        page = await browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        set_up.page = page
        page.on("pageerror", lambda error: set_up.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: set_up.complaints.append(said.text) if said.type == "error" else None,
        )
        try:
            if media:
                await page.emulate_media(**media)
            await page.goto(set_up.gateway.url + path)
            if "token" not in config:
                await set_up.until(EVERYTHING_SHOWN)
            yield set_up
            strange = [
                text for text in set_up.complaints if not any(x in text for x in set_up.allowed)
            ]
            assert not strange
        finally:
            await page.close()
            await set_up.halt()
            await set_up.stop_serving()
