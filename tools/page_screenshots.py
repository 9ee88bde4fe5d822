"""Take the pictures of the page for the documents: ``python -m tools.page_screenshots``.

About three minutes, in which the candles grow. Needs the extra ``dev`` and a Chromium.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from tests.support.browser import open_browser

from tickwire.gateway import Gateway, GatewayConfig
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from playwright.async_api import Page

TARGET = Path(__file__).resolve().parents[1] / "docs" / "gateway"
LARGEST = 200_000
SYMBOLS = ("BTC-USDT", "ETH-USDT", "BNB-USDT", "SOL-USDT", "XRP-USDT", "DOGE-USDT")
PATIENCE_MS = 300_000
CANDLES = 30
GROWN = """(candles) =>
    parseInt(document.getElementById("candle-chart").ariaLabel.split(":")[1]) >= candles"""


async def take(page: Page, name: str) -> None:
    """Take one picture, of what the window shows."""
    path = TARGET / f"{name}.png"
    shot = await page.screenshot(animations="disabled")
    # 256 colours are more than the page has, but for the edges of letters.
    Image.open(BytesIO(shot)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    size = path.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{path} has {size:,} bytes: more than {LARGEST:,}")
    print(f"{path.name}: {size:,} bytes")  # noqa: T201


async def main() -> None:
    """Take all of them."""
    TARGET.mkdir(exist_ok=True)
    async with Simulator(rate=1000) as simulator:
        config = GatewayConfig(port=0, url=simulator.ws_url, symbols=SYMBOLS)
        async with Gateway(config) as gateway, open_browser() as browser:
            wide = await browser.new_page(viewport={"width": 1280, "height": 1000})
            phone = await browser.new_page(viewport={"width": 390, "height": 844})
            for page in (wide, phone):
                page.set_default_timeout(PATIENCE_MS)
                await page.goto(gateway.url)
            await phone.emulate_media(color_scheme="dark")
            # A rotation by plan, for the news.
            await wide.wait_for_function(GROWN, arg=3)
            simulator.announce_shutdown(grace=PATIENCE_MS / 1000)
            await wide.wait_for_function(GROWN, arg=CANDLES)
            await take(wide, "desktop-light")
            await take(phone, "phone")
            await wide.emulate_media(color_scheme="dark")
            await wide.bring_to_front()
            await wide.wait_for_function("() => document.title.includes('USDT')")
            await take(wide, "desktop-dark")
            await wide.emulate_media(color_scheme="light")
            await simulator.stop()
            await wide.wait_for_function("() => document.querySelector('.why').checkVisibility()")
            await take(wide, "stale")


if __name__ == "__main__":
    asyncio.run(main())
