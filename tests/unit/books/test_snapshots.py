"""Fetching snapshots: paced by weight, obedient to 429 and 418, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tickwire.books.snapshots import SnapshotClient, SnapshotError, _budget_of
from tickwire.exchanges import RestBudget, RestRequest
from tickwire.exchanges.binance import BinanceBookVenue
from tickwire.manager import ScriptedClock
from tickwire.transport import CurlError

RULES = RestBudget(100, 60.0, "x-used", {429: 60.0, 418: 120.0})
URL = "https://user:secret@venue.test/depth?symbol=X"


class Rest:
    """Stands for a session: answers from a list, 200 when it is empty."""

    def __init__(self, clock: ScriptedClock, *answers: Any) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.at: list[float] = []
        self.running = self.most = 0

    async def get(self, url: str, *, timeout: float) -> Any:
        self.at.append(self.clock.mono_ns() / 1e9)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        answer = self.answers.pop(0) if self.answers else (200, {})
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer
        return SimpleNamespace(status_code=status, headers=headers, content=b"body")


def client(clock: ScriptedClock, rest: Rest, rules: RestBudget = RULES) -> SnapshotClient:
    session: Any = rest
    return SnapshotClient(session, rules, clock=clock, timeout=1.0)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "7"}, 7.0),
        (418, {"retry-after": "300"}, 300.0),
        (429, {"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        (429, {}, 60.0),
        (418, {"retry-after": "soon"}, 120.0),
    ],
)
async def test_everybody_stays_away_for_as_long_as_was_asked(
    status: int, headers: dict[str, str], seconds: float
) -> None:
    clock = ScriptedClock()
    rest = Rest(clock, (status, headers))
    asking = client(clock, rest)
    request = RestRequest(URL, 1)
    first = asyncio.ensure_future(asking.fetch(request))
    await clock.advance(1.0)
    second = asyncio.ensure_future(asking.fetch(request))
    await clock.advance(seconds - 1.001)
    assert rest.at == [0.0]
    await clock.advance(0.001)
    assert await first == await second == b"body"
    assert rest.at == [0.0, seconds, seconds]
    assert (asking.requests, asking.refusals) == (3, 1)


async def test_a_thousand_symbols_are_paced() -> None:
    clock = ScriptedClock()
    venue = BinanceBookVenue(1000)
    rest = Rest(clock)
    asking = client(clock, rest, venue.budget)
    request = RestRequest(URL, 5)
    tasks = [asyncio.ensure_future(asking.fetch(request)) for _ in range(2000)]
    for _ in range(130):
        for _ in range(100):
            await clock.settle()
        await clock.advance(1.0)
    assert all(task.done() for task in tasks)
    assert len(rest.at) == 2000
    for end in rest.at:
        assert 5 * sum(end - 60 < at <= end for at in rest.at) <= 4800
    assert rest.at[-1] == 120.0
    assert rest.most <= 8


async def test_what_others_have_used_is_left_to_them() -> None:
    clock = ScriptedClock()
    rest = Rest(clock, (200, {"x-used": "95"}))
    asking = client(clock, rest)
    assert await asking.fetch(RestRequest(URL, 5)) == b"body"
    task = asyncio.ensure_future(asking.fetch(RestRequest(URL, 10)))
    await clock.advance(59.0)
    assert not task.done()
    await clock.advance(1.0)
    assert await task == b"body"


@pytest.mark.parametrize(
    ("answer", "status"),
    [((503, {}), 503), ((400, {}), 400), (CurlError("no route", 7), 0)],
    ids=["busy", "bad symbol", "no network"],
)
async def test_every_other_answer_is_an_error_without_secrets(answer: Any, status: int) -> None:
    clock = ScriptedClock()
    with pytest.raises(SnapshotError) as caught:
        await client(clock, Rest(clock, answer)).fetch(RestRequest(URL, 1))
    assert caught.value.status == status
    assert "secret" not in str(caught.value)
    assert "venue.test/depth" in str(caught.value)


def test_books_of_different_limits_share_what_a_host_allows() -> None:
    most, less = (BinanceBookVenue(1, weight_per_minute=weight).budget for weight in (5000, 4800))
    budget = _budget_of("api.shared.test", most)
    assert _budget_of("api.shared.test", less) is budget
