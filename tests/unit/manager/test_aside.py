"""In a redundant set, messages that cannot be told apart are not lost with the one that speaks."""

from __future__ import annotations

from typing import Any

from tickwire.manager.merge import Merge
from tickwire.market import Gap, Identity


def batch(*items: Any) -> list[tuple[Any, Identity | None]]:
    """Numbers have an identity, texts have none."""
    return [(item, Identity("s", item, item) if isinstance(item, int) else None) for item in items]


def give(merge: Merge, number: int, *items: Any) -> list[Any]:
    """As the core does with every batch; what comes out."""
    pairs = batch(*items)
    for item, identity in pairs:
        merge.offer(number, item, identity)
    if merge.aside:
        merge.passed(number, pairs)
    return taken(merge)


def taken(merge: Merge) -> list[Any]:
    out, merge.out = merge.out, []
    return out


def pair() -> Merge:
    merge = Merge()
    for number in (1, 2):
        merge.join(number)
        give(merge, number, 1)
    merge.promote(2)
    taken(merge)
    return merge


def test_what_only_the_junior_brought_comes_out_when_the_senior_is_lost() -> None:
    merge = pair()
    assert give(merge, 2, "filled", 2) == [2]
    assert merge.duplicates == 2
    merge.leave(1, lost=True)
    assert taken(merge) == ["filled"]
    assert merge.duplicates == 1
    assert give(merge, 2, "next", 3) == ["next", 3]
    assert merge.gaps == 0


def test_what_the_senior_is_past_does_not_come_out_again() -> None:
    merge = pair()
    give(merge, 2, "filled", 2)
    assert give(merge, 1, "filled", 2, 3) == ["filled", 3]
    assert not merge.aside
    give(merge, 2, "late")
    give(merge, 2, 3)
    give(merge, 1, 4)
    merge.leave(1, lost=True)
    assert taken(merge) == []


def test_what_a_junior_that_is_gone_brought_comes_out_too() -> None:
    merge = pair()
    give(merge, 2, "filled")
    merge.leave(2, lost=True)
    assert taken(merge) == []
    merge.leave(1, lost=True)
    assert taken(merge) == ["filled"]


def test_too_many_are_a_gap() -> None:
    merge = pair()
    for number in range(1500):
        give(merge, 2, str(number))
    merge.leave(1, lost=True)
    [gap, *items] = taken(merge)
    assert isinstance(gap, Gap)
    assert (gap.stream, gap.first_sequence) == ("", None)
    assert items == [str(number) for number in range(1000, 1500)]
    assert not merge.aside
    assert merge.gaps == 1
