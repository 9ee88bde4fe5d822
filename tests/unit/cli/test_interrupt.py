"""Ctrl-C as an ordinary end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from tickwire.cli.interrupt import run_until_interrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_and_waits_for_the_clean_up(number: int) -> None:
    log = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            # A second one must not cut the clean-up short.
            os.kill(os.getpid(), number)
            for _ in range(10):
                await asyncio.sleep(0)
            log.append("clean")

    async with asyncio.timeout(5):
        await run_until_interrupted(work())
    assert log == ["clean"]


async def test_an_end_of_its_own_and_the_handlers_are_gone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    async def work() -> None:
        assert signal.getsignal(signal.SIGTERM) != before[1]

    await run_until_interrupted(work())
    assert signal.getsignal(signal.SIGTERM) == before[1]


async def test_errors_pass() -> None:
    async def work() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError):
        await run_until_interrupted(work())


async def test_an_error_of_the_clean_up_passes() -> None:
    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            raise LookupError("while cleaning")

    async with asyncio.timeout(5):
        with pytest.raises(LookupError):
            await run_until_interrupted(work())


async def test_being_cancelled_from_outside_is_no_interrupt() -> None:
    task = asyncio.create_task(run_until_interrupted(asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
