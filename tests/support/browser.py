"""A headless Chromium of the system, driven by Playwright, which downloads no browser here."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

__all__ = ["PATIENCE_MS", "find_chromium", "open_browser"]

PATIENCE_MS = 30_000
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find_chromium() -> str | None:
    """The program, by ``TICKWIRE_CHROMIUM`` or by the names that distributions give it."""
    named = os.environ.get("TICKWIRE_CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


@asynccontextmanager
async def open_browser(*options: str) -> AsyncIterator[Browser]:
    """The browser; the test is skipped where there is none that starts."""
    pytest.importorskip("playwright", reason="the page's tests need playwright, of the dev extra")
    from playwright.async_api import Error, async_playwright

    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: install it, or name it in TICKWIRE_CHROMIUM")
    # Containers give their one user, root, no sandbox, and little shared memory.
    arguments = ["--disable-dev-shm-usage", "--disable-gpu", *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=program, args=arguments, timeout=PATIENCE_MS
            )
        except Error as error:
            pytest.skip(f"{program} does not start here: {error.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            await browser.close()
