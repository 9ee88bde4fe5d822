"""A venue of the test's own, and clients that talk to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.ws_api import API_KEY, SECRET, FakeVenue
from tickwire.binance import AsyncClient
from tickwire.binance.venue import SIMULATOR_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def venue(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeVenue]:
    async with FakeVenue() as venue:
        monkeypatch.setenv(SIMULATOR_VARIABLE, venue.url)
        yield venue


@pytest.fixture
async def client(venue: FakeVenue) -> AsyncIterator[AsyncClient]:
    async with await AsyncClient.create(API_KEY, SECRET) as client:
        yield client
