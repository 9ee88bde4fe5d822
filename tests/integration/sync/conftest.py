"""Fixtures of the sync API's tests."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from tests.support.server import PATIENCE
from tickwire.transport import portal as portals
from tickwire.transport.sync import Session

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No test leaves a loop behind."""
    yield
    gc.collect()
    for portal in tuple(portals._alive):
        portal._thread.join(PATIENCE)
    assert not portals._alive
    assert portals._current is None


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as opened:
        yield opened
