"""The relay and its twin: items in order, none lost to a cancelled wait."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from tickwire.manager import _relay_py, relay

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = [_relay_py.Relay] + ([relay.Relay] if relay.COMPILED else [])


class Source:
    """Lists, one per ``fill()``, each after a turn of the loop if asked so."""

    def __init__(self, *lists: list[Any], turns: int = 0) -> None:
        self.lists = list(lists)
        self.turns = turns
        self.calls = 0

    async def __call__(self) -> list[Any]:
        self.calls += 1
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if not self.lists:
            raise StopAsyncIteration
        return self.lists.pop(0)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__module__.rpartition(".")[2])
def kind(request: pytest.FixtureRequest) -> Callable[..., Any]:
    found: Callable[..., Any] = request.param
    return found


@pytest.mark.parametrize("turns", [0, 3])
async def test_all_items_in_order(kind: Callable[..., Any], turns: int) -> None:
    source = Source([1, 2], [], [(3,), None], [StopIteration()], turns=turns)
    items = [item async for item in kind(source)]
    assert items[:4] == [1, 2, (3,), None]
    assert isinstance(items[4], StopIteration)
    assert source.calls == 5


async def test_an_error_comes_out_and_the_iteration_may_go_on(kind: Callable[..., Any]) -> None:
    answers: list[Any] = [[1], LookupError("once"), [2]]

    async def fill() -> list[Any]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    iterator = kind(fill)
    assert await anext(iterator) == 1
    with pytest.raises(LookupError):
        await anext(iterator)
    assert await anext(iterator) == 2


async def test_a_cancelled_wait_takes_nothing(kind: Callable[..., Any]) -> None:
    chance = random.Random(4)
    queue: asyncio.Queue[list[int]] = asyncio.Queue()
    iterator = kind(queue.get)
    sent = 0
    got: list[int] = []
    while len(got) < 500:
        waiting = asyncio.ensure_future(anext(iterator))
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        if chance.random() < 0.6:
            size = chance.randrange(1, 4)
            queue.put_nowait(list(range(sent, sent + size)))
            sent += size
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            waiting.cancel()
        elif not waiting.done():
            queue.put_nowait([sent])
            sent += 1
        try:
            got.append(await waiting)
        except asyncio.CancelledError:
            continue
    assert got == list(range(500))


async def test_several_tasks_share_one_iterator(kind: Callable[..., Any]) -> None:
    queue: asyncio.Queue[list[int]] = asyncio.Queue()
    iterator = kind(queue.get)
    waiting = [asyncio.ensure_future(anext(iterator)) for _ in range(4)]
    await asyncio.sleep(0)
    queue.put_nowait([1, 2])
    queue.put_nowait([3, 4])
    for _ in range(3):
        await asyncio.sleep(0)
    later = [asyncio.ensure_future(anext(iterator)) for _ in range(2)]
    queue.put_nowait([5])
    queue.put_nowait([6, 7])
    got = await asyncio.wait_for(asyncio.gather(*waiting, *later), 5)
    rest = len(iterator)
    assert sorted(got) + list(range(7, 7 + rest)) == [1, 2, 3, 4, 5, 6, 7][: len(got) + rest]
    assert len(set(got)) == 6


async def test_a_wait_that_was_never_begun_costs_nothing(kind: Callable[..., Any]) -> None:
    iterator = kind(Source([1, 2]))
    abandoned = iterator.__anext__()
    abandoned.close()
    assert await anext(iterator) == 1
    assert len(iterator) == 1


async def test_what_is_no_list_is_refused(kind: Callable[..., Any]) -> None:
    async def fill() -> Any:
        return 5

    with pytest.raises(TypeError):
        await anext(kind(fill))
