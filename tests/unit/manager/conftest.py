"""Managers on a scripted clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.venue import Venue
from tickwire.manager import ScriptedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
async def venue(clock: ScriptedClock) -> AsyncIterator[Venue]:
    """A venue; afterwards no task may be left."""
    before = asyncio.all_tasks()
    yield Venue(clock)
    await clock.settle()
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    for task in left:
        task.cancel()
    assert not left, left
