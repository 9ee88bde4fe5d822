"""Changes: coalesced, bounded, nothing hidden."""

from __future__ import annotations

import asyncio

import pytest

from tickwire.books import Changes
from tickwire.exchanges.binance import new_book


class Owner:
    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.changes = Changes(self.end)

    def end(self) -> None:
        if self.error is not None:
            raise self.error


async def test_many_changes_of_a_book_are_one_with_their_counts() -> None:
    owner = Owner()
    one, other = new_book("ONE"), new_book("OTHER")
    for _ in range(1000):
        owner.changes.note(one, 1, 0)
        owner.changes.note(other, 0, 1)
    first, second = await anext(owner.changes), await anext(owner.changes)
    assert (first.symbol, first.updates, first.losses) == ("ONE", 1000, 0)
    assert (second.symbol, second.updates, second.losses) == ("OTHER", 0, 1000)
    assert second.reason is not None
    owner.error = StopAsyncIteration()
    assert [change async for change in owner.changes] == []


async def test_what_was_pending_comes_before_the_end_and_a_cancelled_wait_loses_nothing() -> None:
    owner = Owner()
    waiting = asyncio.ensure_future(anext(owner.changes))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    owner.changes.note(new_book("ONE"), 1, 0)
    owner.error = LookupError("over")
    assert (await anext(owner.changes)).symbol == "ONE"
    with pytest.raises(LookupError):
        await anext(owner.changes)
