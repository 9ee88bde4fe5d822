"""Any number of connections, with any skew, coming and going at any time: what comes out.

The venue has streams of numbered events. A connection carries each stream from its own first event
on, in order, as far as it lives. A model interleaves them at random; the merge's output must show
every stream in order, nothing twice, and every missing number within the bounds of a gap that
stands where it is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tickwire.manager.merge import Merge
from tickwire.market import Gap, Identity

STREAMS = ("a", "b")


@dataclass
class Connection:
    """What it will bring next, stream by stream: its coverage has no hole."""

    number: int
    position: dict[str, int]
    ended: bool = False


@dataclass
class Model:
    """The venue, its connections, and the merge under test.

    ``published`` is the last number of each stream that exists anywhere.
    """

    dense: bool
    merge: Merge = field(default_factory=lambda: Merge(hold_limit=50))
    published: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STREAMS, 10))
    connections: list[Connection] = field(default_factory=list)
    out: list[Any] = field(default_factory=list)
    count: int = 0

    def collect(self) -> None:
        self.out += self.merge.out
        self.merge.out = []

    def connect(self, skew: int) -> None:
        self.count += 1
        start = {stream: max(1, last + 1 - skew) for stream, last in self.published.items()}
        self.connections.append(Connection(self.count, start))
        self.merge.join(self.count)

    def deliver(self, which: int, stream: str, size: int) -> None:
        alive = self.connections
        if not alive:
            return
        connection = alive[which % len(alive)]
        for _ in range(size):
            number = connection.position[stream]
            if number > self.published[stream]:
                return
            connection.position[stream] = number + 1
            shown = number if self.dense else number * 3
            identity = Identity(stream, shown, shown if self.dense else None)
            self.merge.offer(connection.number, (stream, shown), identity)
            if self.merge.live and self.merge.is_full(connection.number):
                self.merge.shed(connection.number)
        self.collect()

    def settle(self) -> None:
        """What the manager does after every batch: whoever is level may speak."""
        for connection in self.connections:
            number = connection.number
            if number not in self.merge.live and self.merge.is_level(number):
                self.merge.promote(number)
        self.collect()

    def lose(self, which: int) -> None:
        if self.connections:
            connection = self.connections.pop(which % len(self.connections))
            self.merge.leave(connection.number, lost=True)
            self.collect()

    def drain(self) -> None:
        """Everything that is still to come, comes."""
        for index in range(len(self.connections)):
            for stream in STREAMS:
                self.deliver(index, stream, 10_000)
        self.settle()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(STREAMS), st.integers(1, 5)),
        st.tuples(st.just("connect"), st.integers(0, 6)),
        st.tuples(
            st.just("deliver"), st.integers(0, 3), st.sampled_from(STREAMS), st.integers(1, 9)
        ),
        st.tuples(st.just("settle")),
        st.tuples(st.just("lose"), st.integers(0, 3)),
    ),
    max_size=80,
)


def play(model: Model, steps: list[Any]) -> None:
    for name, *arguments in steps:
        if name == "publish":
            stream, size = arguments
            model.published[stream] += size
        else:
            getattr(model, name)(*arguments)
    if not model.connections:
        model.connect(0)
    model.drain()


def check(out: list[Any], *, step: int) -> dict[str, int]:
    """Assert the promise; gives the last number of each stream."""
    last: dict[str, int] = {}
    gap_of: dict[str, Gap] = {}
    for item in out:
        if isinstance(item, Gap):
            assert item.last_sequence == last[item.stream], "it begins where the data ended"
            gap_of[item.stream] = item
            continue
        stream, number = item
        before, gap = last.get(stream), gap_of.pop(stream, None)
        if before is not None:
            assert number > before, "in order, and not twice"
            if gap is not None:
                assert gap.first_sequence == number, "it ends where the data goes on"
            else:
                assert number == before + step, "nothing is missing without a gap"
        last[stream] = number
    assert not gap_of, "a gap without data after it says nothing"
    return last


@settings(max_examples=300)
@given(STEPS)
def test_numbers_without_holes(steps: list[Any]) -> None:
    model = Model(dense=True)
    model.connect(0)
    play(model, steps)
    check(model.out, step=1)


@settings(max_examples=300)
@given(STEPS)
def test_numbers_that_jump(steps: list[Any]) -> None:
    model = Model(dense=False)
    model.connect(0)
    play(model, steps)
    check(model.out, step=3)


@settings(max_examples=300)
@given(STEPS)
def test_while_one_connection_lives_nothing_is_missing(steps: list[Any]) -> None:
    """The first connection is never lost: no gap, and every number up to the last."""
    model = Model(dense=True)
    model.connect(0)
    kept = [step if step[0] != "lose" else ("settle",) for step in steps]
    play(model, kept)
    assert not any(isinstance(item, Gap) for item in model.out)
    last = check(model.out, step=1)
    for stream, published in model.published.items():
        assert published == 10 or last[stream] == published


@settings(max_examples=300)
@given(STEPS)
def test_a_gap_is_real(steps: list[Any]) -> None:
    """Where numbers have no holes, no gap is empty: something is missing between its bounds."""
    model = Model(dense=True)
    model.connect(0)
    play(model, steps)
    for item in model.out:
        if isinstance(item, Gap):
            assert item.first_sequence is not None
            assert item.last_sequence is not None
            assert item.first_sequence > item.last_sequence + 1


def offered(merge: Merge, link: int, *numbers: int, stream: str = "s") -> list[Any]:
    for number in numbers:
        merge.offer(link, number, Identity(stream, number, number))
    out, merge.out = merge.out, []
    return out


def test_a_counter_that_begins_anew_is_followed() -> None:
    merge = Merge()
    merge.join(1)
    assert offered(merge, 1, 100, 101) == [100, 101]
    assert offered(merge, 1, 1, 2, 3, 4, 5) == [1, 2, 3, 4, 5]
    assert merge.duplicates == 0


def test_a_skip_on_one_connection_is_filled_by_the_other() -> None:
    merge = Merge()
    merge.join(1)
    assert offered(merge, 1, 1, 2) == [1, 2]
    merge.join(2)
    offered(merge, 2, 2)
    assert merge.is_level(2)
    merge.promote(2)
    assert offered(merge, 1, 5, 6) == [], "3 and 4 may come from the other"
    assert merge.live == [2]
    assert offered(merge, 2, 3, 4, 5) == [3, 4, 5]
    assert merge.is_level(1)
    merge.promote(1)
    assert merge.out == [6]
    assert merge.gaps == 0


def test_a_full_standby_says_so_and_may_begin_anew() -> None:
    merge = Merge(hold_limit=10)
    merge.join(1)
    offered(merge, 1, 1)
    merge.join(2)
    offered(merge, 2, *range(5, 14))
    assert not merge.is_full(2)
    offered(merge, 2, 14, 15)
    assert merge.is_full(2)
    merge.shed(2)
    offered(merge, 2, *range(16, 26))
    assert not merge.is_level(2)
    assert offered(merge, 1, *range(2, 26)) == list(range(2, 26))
    assert merge.is_level(2)
    merge.promote(2)
    assert offered(merge, 2, 26) == [26]


def test_what_only_the_lost_one_of_two_was_known_to_have_is_in_doubt() -> None:
    merge = Merge()
    merge.join(1)
    for stream in "ab":
        merge.offer(1, (stream, 1), Identity(stream, 1))
    merge.join(2)
    merge.offer(2, ("a", 1), Identity("a", 1))
    merge.promote(2)
    merge.offer(2, ("a", 4), Identity("a", 4))
    merge.leave(1, lost=True)
    merge.offer(2, ("b", 7), Identity("b", 7))
    merge.offer(2, ("a", 9), Identity("a", 9))
    assert [item if isinstance(item, tuple) else item.stream for item in merge.out] == [
        *(("a", 1), ("b", 1), ("a", 4)),
        *("b", ("b", 7), ("a", 9)),
    ]
