"""The keepalive: its rule as a table, and its timer on a clock that the test moves."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import pytest

from tickwire.transport import keepalive
from tickwire.transport.keepalive import Keepalive, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 20.0
TIMEOUT = 10.0


@pytest.mark.parametrize(
    ("silence", "since_ping", "has_read", "paused", "verdict"),
    [
        # Heard of lately.
        (0.0, None, False, False, Verdict.WAIT),
        (19.9, None, False, False, Verdict.WAIT),
        # Silence for an interval: ask, however long it has been.
        (20.0, None, False, False, Verdict.PING),
        (300.0, None, False, False, Verdict.PING),
        # Asked, and still time to answer.
        (25.0, 5.0, False, False, Verdict.WAIT),
        (29.9, 9.9, True, False, Verdict.WAIT),
        # Any byte after the ping is an answer, be it a pong or not.
        (2.0, 5.0, False, False, Verdict.WAIT),
        (9.0, 11.0, False, False, Verdict.WAIT),
        # A byte after the ping, and then an interval of silence: ask again.
        (20.0, 25.0, False, False, Verdict.PING),
        # No judgement before the socket was looked into.
        (30.0, 10.0, False, False, Verdict.READ),
        (400.0, 380.0, False, False, Verdict.READ),
        (30.0, 10.0, True, False, Verdict.DEAD),
        (400.0, 380.0, True, False, Verdict.DEAD),
        # A paused reader can say nothing about the peer.
        (20.0, None, False, True, Verdict.WAIT),
        (500.0, 400.0, False, True, Verdict.WAIT),
        (500.0, 400.0, True, True, Verdict.WAIT),
    ],
)
def test_the_rule(
    silence: float, since_ping: float | None, has_read: bool, paused: bool, verdict: Verdict
) -> None:
    assert (
        judge(
            silence=silence,
            since_ping=since_ping,
            has_read=has_read,
            paused=paused,
            interval=INTERVAL,
            timeout=TIMEOUT,
        )
        is verdict
    )


class Timer:
    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self._when = when
        self.callback = callback
        self.cancelled = False

    def __lt__(self, other: Timer) -> bool:
        return self._when < other._when

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """A loop, a clock and a peer that the test moves by hand; times are in seconds."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        interval: float = INTERVAL,
        timeout: float = TIMEOUT,
    ) -> None:
        self.now: float = 1000.0
        monkeypatch.setattr(keepalive, "mono_ns", lambda: self.ns(self.now))
        self.last_byte = self.now
        self.unread = 0
        self.paused = False
        self.pings: list[float] = []
        self.deaths: list[tuple[float, float]] = []
        self.looks = 0
        self._timers: list[Timer] = []
        loop: Any = self
        self.watch = Keepalive(
            loop,
            interval=interval,
            timeout=timeout,
            last_byte_ns=lambda: self.ns(self.last_byte),
            paused=lambda: self.paused,
            ping=lambda: self.pings.append(self.now),
            read=self.read,
            dead=lambda silence, lateness: self.deaths.append((silence, lateness)),
        )

    @staticmethod
    def ns(seconds: float) -> int:
        return round(seconds * 1e9)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        timer = Timer(self.now + delay, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def hear(self) -> None:
        """A byte of the peer comes and is read."""
        self.last_byte = self.now

    def read(self) -> None:
        """What the connection does when the keepalive asks it to look into the socket."""
        if self.unread:
            self.unread = 0
            self.hear()

    def sleep(self, seconds: float, *, late: float = 0.0) -> None:
        """Let time pass and timers fire; ``late`` is by how much this loop is late with each."""
        until = self.now + seconds
        while self._timers and self._timers[0].when() + late <= until:
            timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            self.now = max(self.now, timer.when() + late)
            self.looks += 1
            timer.callback()
        self.now = until


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_a_talking_peer_is_never_pinged(world: World) -> None:
    for _ in range(500):
        world.sleep(3.0)
        world.hear()
    assert world.pings == []
    assert world.looks < 500 * 3.0 / INTERVAL * 2, "the timer is to be moved lazily"


def test_a_silent_peer_is_pinged_once_an_interval_and_lives_while_it_answers(world: World) -> None:
    start = world.now
    for _ in range(20):
        before = len(world.pings)
        world.sleep(INTERVAL + 0.01)
        assert len(world.pings) == before + 1
        world.sleep(0.5)
        world.hear()
    assert world.deaths == []
    assert world.now - start < 25 * INTERVAL


def test_a_dead_peer_is_found_within_interval_and_timeout(world: World) -> None:
    world.sleep(INTERVAL + TIMEOUT + 0.01)
    assert len(world.pings) == 1
    ((silence, _),) = world.deaths
    assert silence == pytest.approx(INTERVAL + TIMEOUT, abs=0.01)
    world.sleep(1000.0)
    assert len(world.deaths) == 1, "said once"


def test_a_timeout_longer_than_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence for an interval is asked about, however long an answer may take."""
    world = World(monkeypatch, 5.0, 60.0)
    for count in range(1, 11):
        world.sleep(5.01)
        assert len(world.pings) == count
        world.hear()  # the pong, and then nothing
    world.sleep(5.0 + 60.0 + 0.1)
    assert len(world.deaths) == 1


@pytest.mark.parametrize("last_word", [0.1, 7.0, 19.0])
def test_death_after_a_last_word(world: World, last_word: float) -> None:
    world.sleep(last_word)
    world.hear()
    world.sleep(INTERVAL + TIMEOUT + 0.01)
    assert len(world.deaths) == 1


def test_a_byte_that_is_no_pong_is_life(world: World) -> None:
    world.sleep(INTERVAL + 1)
    world.hear()
    world.sleep(TIMEOUT + 1)
    assert world.deaths == []


@pytest.mark.parametrize("late", [0.001, 0.02, 0.5, 0.99, 1.5, 9.0, 60.0])
def test_an_answer_that_lies_unread_at_the_deadline_is_life(world: World, late: float) -> None:
    """Timers run before sockets on uvloop: however small the delay, look before judging."""
    world.sleep(INTERVAL + 0.001)
    assert len(world.pings) == 1
    world.unread = 1
    world.sleep(TIMEOUT + late + 0.01, late=late)
    assert world.deaths == []
    assert world.unread == 0


@pytest.mark.parametrize("late", [0.5, 9.0, 60.0])
def test_a_late_loop_still_finds_a_dead_peer(world: World, late: float) -> None:
    world.sleep(INTERVAL + 0.001)
    world.sleep(TIMEOUT + late + 0.01, late=late)
    ((_, lateness),) = world.deaths
    assert lateness == pytest.approx(late, abs=0.01)


def test_a_block_longer_than_both_times_blames_nobody(world: World) -> None:
    world.sleep(1.0)
    world.unread = 1
    world.sleep(INTERVAL + TIMEOUT + 100.0, late=INTERVAL + TIMEOUT + 50.0)
    assert world.deaths == []


@pytest.mark.parametrize("pinged", [False, True])
def test_a_paused_reader_blames_nobody_and_costs_little(world: World, pinged: bool) -> None:
    if pinged:
        world.sleep(INTERVAL + 1)
        assert world.pings
    world.paused = True
    before = world.looks
    world.sleep(3600.0)
    assert world.deaths == []
    assert world.looks - before <= 3600 / min(INTERVAL, TIMEOUT) + 2, "looks too often"


def test_a_reader_that_goes_on_gives_the_peer_its_time(world: World) -> None:
    """Paused after a ping, resumed much later: the answer is behind what was not read."""
    world.sleep(INTERVAL + 1)
    world.paused = True
    world.unread = 1
    world.sleep(100.0)
    world.paused = False
    world.sleep(2 * INTERVAL)
    assert world.deaths == []


def test_a_peer_that_died_during_the_pause_is_found(world: World) -> None:
    world.sleep(5.0)
    world.paused = True
    world.sleep(100.0)
    world.paused = False
    world.sleep(2 * (INTERVAL + TIMEOUT))
    assert len(world.deaths) == 1


def test_stop_is_the_end(world: World) -> None:
    world.sleep(INTERVAL + 1)
    world.watch.stop()
    world.sleep(1000.0)
    assert (len(world.pings), world.deaths) == (1, [])


def test_stopped_by_what_the_read_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The read that precedes a verdict may end the connection: then there is no verdict."""
    world.sleep(INTERVAL + 0.001)
    world.unread = 1
    monkeypatch.setattr(world, "read", world.watch.stop)
    world.watch._read = world.watch.stop
    world.sleep(TIMEOUT + 5.0, late=4.0)
    assert world.deaths == []
