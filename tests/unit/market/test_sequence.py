"""Gap rules, on the vendor's own numbers and at their edges."""

import pytest

from tickwire.market import Link, SequenceChain, SequenceRule

JOINED, STALE, BROKEN = Link.JOINED, Link.STALE, Link.BROKEN
PLUS_ONE, PREVIOUS = SequenceRule.PLUS_ONE, SequenceRule.PREVIOUS


@pytest.mark.parametrize(
    ("rule", "last", "update", "link", "last_after"),
    [
        # Spot: (first, final). Vectors of the local-book page, with 160 as the local id.
        (PLUS_ONE, None, (157, 160, None), JOINED, 160),
        (PLUS_ONE, 160, (161, 163, None), JOINED, 163),
        (PLUS_ONE, 160, (158, 163, None), JOINED, 163),
        (PLUS_ONE, 160, (162, 165, None), BROKEN, 165),
        (PLUS_ONE, 160, (150, 159, None), STALE, 160),
        (PLUS_ONE, 160, (157, 160, None), STALE, 160),
        (PLUS_ONE, 160, (161, 161, None), JOINED, 161),
        (PLUS_ONE, 0, (1, 1, None), JOINED, 1),
        # USD-M: (first, final, prev). Vectors of the futures page.
        (PREVIOUS, None, (995, 1003, 990), JOINED, 1003),
        (PREVIOUS, 1003, (1010, 1020, 1003), JOINED, 1020),
        (PREVIOUS, 1020, (1031, 1040, 1030), BROKEN, 1040),
        (PREVIOUS, 1020, (1021, 1040, 1019), BROKEN, 1040),
        (PREVIOUS, 1020, (1010, 1020, 1003), STALE, 1020),
        (PREVIOUS, 1020, (990, 999, 985), STALE, 1020),
        # The venue stopped naming the predecessor: nothing proves that it joins.
        (PREVIOUS, 1020, (1021, 1030, None), BROKEN, 1030),
    ],
)
def test_one_update(
    rule: SequenceRule,
    last: int | None,
    update: tuple[int, int, int | None],
    link: Link,
    last_after: int,
) -> None:
    chain = SequenceChain(rule)
    chain.last = last
    assert chain.advance(*update) is link
    assert chain.last == last_after


def test_where_the_link_alone_decides() -> None:
    """OKX: numbers may jump, stay (a keep-alive) and go back (a reset)."""
    chain = SequenceChain(SequenceRule.LINKED)
    chain.last = 10
    updates = [(10, 15), (15, 15), (15, 3), (3, 5), (7, 9), (7, 9), (9, 10), (3, 5), (5, 6)]
    links = [chain.advance(final, final, prev) for prev, final in updates]
    expected = [JOINED, JOINED, JOINED, JOINED, BROKEN, STALE, JOINED, BROKEN, JOINED]
    assert links == expected


def test_a_link_reaches_back_to_a_snapshot() -> None:
    chain = SequenceChain(SequenceRule.LINKED)
    chain.begin_at(12)
    updates = [(5, 10), (10, 15), (15, 3)]
    assert [chain.advance(final, final, prev) for prev, final in updates] == [
        STALE,
        JOINED,
        JOINED,
    ]
    chain.begin_at(12)
    assert chain.advance(15, 15, 13) is BROKEN


def test_a_hole_is_reported_once() -> None:
    chain = SequenceChain(PLUS_ONE)
    updates = [(1, 2), (5, 6), (7, 8), (9, 9)]
    assert [chain.advance(*update) for update in updates] == [JOINED, BROKEN, JOINED, JOINED]


def test_after_a_reset_it_may_begin_anywhere() -> None:
    chain = SequenceChain(PREVIOUS)
    chain.advance(1, 5, 0)
    chain.reset()
    assert chain.last is None
    assert chain.advance(1, 3, 99) is JOINED


def test_updates_without_numbers_always_join() -> None:
    chain = SequenceChain(SequenceRule.UNNUMBERED)
    assert [chain.advance(0, 0) for _ in range(3)] == [Link.JOINED] * 3
    chain.begin_at(0)
    assert chain.advance(0, 0) is Link.JOINED
