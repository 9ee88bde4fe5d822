"""When an exchange is tried, and when it is left alone."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway import until
from tickwire.gateway.fanout import Ids
from tickwire.gateway.upstream import DISCONNECTED, Upstream
from tickwire.manager import ReconnectStrategy
from tickwire.manager.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Collection

    from tickwire.gateway.upstream import Key


class _Upstream(Upstream):
    """An exchange that refuses, or hangs, or is there."""

    def __init__(self) -> None:
        super().__init__("nowhere", Ids("life"), 8, 0.0)
        self.attempts: list[int] = []
        self.failing = self.hanging = False
        self._backoff = Backoff(
            ReconnectStrategy.FIXED_DELAY,
            delay=1000.0,
            delay_max=1000.0,
            stable=60.0,
            random=Random(1),
        )

    def _names(self, key: Key) -> frozenset[str]:
        return frozenset()

    async def _apply(self, wanted: Collection[Key]) -> None:
        if wanted:
            self.attempts.append(len(wanted))
        if self.hanging and wanted:
            await asyncio.Event().wait()
        if self.failing and wanted:
            raise OSError("no way")

    async def _shut(self) -> None:
        pass

    @property
    def connections(self) -> int:
        return 0


async def test_new_wishes_do_not_shorten_a_pause() -> None:
    upstream = _Upstream()
    upstream.failing = True
    upstream.want(("ticker", "A", ""))
    with pytest.raises(OSError, match="no way"):
        await upstream.settled()
    for name in "BCDE":
        upstream.want(("ticker", name, ""))
        # What is known is told at once.
        with pytest.raises(OSError, match="no way"):
            await upstream.settled()
    assert upstream.attempts == [1]
    upstream.failing = False
    upstream._backoff.delay = 0.0
    upstream._pause()
    upstream.touch()
    await until(lambda: upstream.failure is None)
    assert upstream.attempts == [1, 5]
    upstream.want(("ticker", "F", ""))
    await upstream.settled()
    assert upstream.attempts == [1, 5, 6]
    await upstream.close()


async def test_what_broke_is_left_alone_for_a_while_whoever_asks() -> None:
    upstream = _Upstream()
    upstream.want(("ticker", "A", ""))
    await upstream.settled()
    upstream._broke(OSError("gone"), 1.0)
    upstream.want(("ticker", "B", ""))
    with pytest.raises(OSError, match="gone"):
        await upstream.settled()
    assert upstream.attempts == [1]
    await upstream.close()


async def test_disconnecting_and_connecting_is_no_way_around_a_pause() -> None:
    upstream = _Upstream()
    upstream.failing = True
    upstream.want(("ticker", "A", ""))
    for _ in range(3):
        with pytest.raises(OSError, match="no way"):
            await upstream.settled()
        upstream.switch(on=False)
        await upstream.settled()
        upstream.switch(on=True)
        upstream.failure = OSError("no way")
    assert upstream.attempts == [1]
    await upstream.close()


async def test_an_attempt_that_hangs_is_given_up_by_request() -> None:
    upstream = _Upstream()
    upstream.hanging = True
    topic = upstream.want(("ticker", "A", ""))
    await until(lambda: upstream.attempts == [1])
    upstream.switch(on=False)
    await upstream.settled()
    assert upstream.failure is None
    assert topic.stale == DISCONNECTED
    # And what is asked for meanwhile waits for the same.
    assert upstream.want(("ticker", "B", "")).stale == DISCONNECTED
    await upstream.close()
