"""When the server answers and makes what it sends, and what time it writes into messages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks import paths
from benchmarks.frames import blob_of, frame_header, sent_ns_of, sequence_of
from benchmarks.paths import HANDLERS, Report, Request

SIZE = 64
HEADER = len(frame_header(SIZE))
MS = 1_000_000


class Clock:
    """Time that passes when it is looked at, slept, or said to have passed."""

    def __init__(self) -> None:
        self.now = 1_000 * MS

    def monotonic_ns(self) -> int:
        self.now += 1
        return self.now

    def monotonic(self) -> float:
        return self.monotonic_ns() / 1e9

    def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


class Conn:
    """Keeps what is sent; the write of this number blocks for so many nanoseconds."""

    def __init__(self, clock: Clock, *, slow: int = -1, blocked_ns: int = 0) -> None:
        self.sent: list[bytes] = []
        self._clock = clock
        self._slow = slow
        self._blocked_ns = blocked_ns

    def sendall(self, data: bytes) -> None:
        self.sent.append(bytes(data))
        if len(self.sent) == self._slow:
            self._clock.now += self._blocked_ns

    def recv_into(self, view: memoryview) -> int:
        return 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    time = SimpleNamespace(
        monotonic_ns=clock.monotonic_ns, monotonic=clock.monotonic, sleep=clock.sleep
    )
    monkeypatch.setattr(paths, "time", time)
    return clock


def request(path: str, **query: int) -> Request:
    named = {name: str(value) for name, value in query.items()}
    return Request(path, named, b"key", offers_deflate=False)


def serve(conn: Conn, asked: Request) -> Report:
    report = Report()
    handle: Any = HANDLERS[asked.path]
    handle(conn, asked, report)
    return report


ASKED = {
    "/flood": {"size": SIZE, "count": 3},
    "/paced": {"size": SIZE, "count": 3, "rate": 1_000},
    "/burst": {"size": SIZE, "length": 2, "bursts": 2, "every_ms": 10},
    "/echo": {"size": SIZE},
    "/sink": {"size": SIZE},
    "/idle": {},
}


def test_every_path_is_tried() -> None:
    assert ASKED.keys() == HANDLERS.keys()


@pytest.mark.parametrize("path", sorted(ASKED))
def test_the_answer_comes_first_and_once(clock: Clock, path: str) -> None:
    conn = Conn(clock)
    serve(conn, request(path, **ASKED[path]))
    assert conn.sent[0].startswith(b"HTTP/1.1 101 ")
    assert sum(one.startswith(b"HTTP/") for one in conn.sent) == 1


def test_frames_are_made_before_the_answer(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """The client's clock runs from the answer on."""
    conn = Conn(clock)
    sent_when_made: list[int] = []

    def make(size: int, count: int) -> bytes:
        sent_when_made.append(len(conn.sent))
        return blob_of(size, count)

    monkeypatch.setattr(paths, "blob_of", make)
    for path in ("/flood", "/burst"):
        conn.sent.clear()
        serve(conn, request(path, **ASKED[path]))
    assert sent_when_made == [0, 0]


def test_a_blocked_write_is_in_the_time_of_the_messages_behind_it(clock: Clock) -> None:
    """They carry the time at which they were due, not that at which they could be sent."""
    conn = Conn(clock, slow=3, blocked_ns=10 * MS)  # the answer, and two messages
    report = serve(conn, request("/paced", size=SIZE, count=5, rate=1_000))
    payloads = [frame[HEADER:] for frame in conn.sent[1:]]
    times = [sent_ns_of(payload) for payload in payloads]
    assert [sequence_of(payload) for payload in payloads] == list(range(5))
    assert [time - times[0] for time in times] == [i * MS for i in range(5)]
    assert report.facts["late"] == 3


def test_a_burst_that_had_to_wait_began_when_it_was_due(clock: Clock) -> None:
    conn = Conn(clock, slow=2, blocked_ns=25 * MS)
    report = serve(conn, request("/burst", size=SIZE, length=1, bursts=4, every_ms=10))
    times = [sent_ns_of(frame[HEADER:]) for frame in conn.sent[1:]]
    # The second and third were due while the first was written; the fourth was in time.
    assert times[2] - times[1] == 10 * MS
    assert times[3] - times[2] == pytest.approx(10 * MS, abs=100)
    assert report.facts["late"] == 2
