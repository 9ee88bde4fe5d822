"""The loop in a thread: who it runs for, how calls get in and out, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import run_program
from tickwire.transport import portal as portals
from tickwire.transport.portal import (
    LOOP_ENDED,
    Portal,
    PortalClosed,
    _Call,
    enter,
    held_lock,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any

PATIENCE = 8.0

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


class Somebody:
    """A user that remembers what it was told."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)


@contextmanager
def visiting() -> Iterator[Portal]:
    """A portal with one user, who leaves afterwards."""
    user = Somebody()
    entered = enter(user)
    try:
        yield entered
    finally:
        entered.post(entered.leave, user)
        assert_over(entered)


def assert_over(entered: Portal) -> None:
    entered._thread.join(PATIENCE)
    assert not entered._thread.is_alive()


def leave(entered: Portal, user: Somebody) -> None:
    assert entered.post(entered.leave, user)


async def thread_name() -> str:
    return threading.current_thread().name


async def nothing() -> None:
    pass


# ------------------------------------------------------------------ users


def test_it_runs_while_somebody_uses_it() -> None:
    one, other = Somebody(), Somebody()
    first = enter(one)
    assert enter(other) is first
    leave(first, one)
    assert first.run(thread_name) == "tickwire-loop"
    assert first._thread.daemon
    leave(first, other)
    assert_over(first)
    assert one.reasons == other.reasons == [], "who leaves has lost nothing"


def test_the_next_user_gets_a_new_one() -> None:
    with visiting() as first:
        pass
    with visiting() as second:
        assert second is not first
        assert second.run(thread_name) == "tickwire-loop"


def test_a_user_comes_while_the_last_one_leaves() -> None:
    """Whichever thread is faster: who has entered can run something."""
    for _ in range(50):
        leaving, coming = Somebody(), Somebody()
        old = enter(leaving)
        leave(old, leaving)
        new = enter(coming)
        assert new.run(thread_name) == "tickwire-loop"
        leave(new, coming)
        assert_over(old)
        assert_over(new)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_nothing_is_left_of_fifty_loops() -> None:
    with visiting() as entered:  # what is loaded once is loaded now
        entered.run(nothing)
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        with visiting() as entered:
            entered.run(nothing)
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_loop_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptor_left(main: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(portals, "run_loop", no_descriptor_left)
        with pytest.raises(OSError, match="Too many open files"):
            enter(Somebody())
    with visiting() as entered:
        entered.run(nothing)


# ------------------------------------------------------------------ calls


def test_results_and_errors_come_back() -> None:
    async def product(one: int, *, other: int) -> int:
        await asyncio.sleep(0)
        return one * other

    async def wrong() -> None:
        raise KeyError("what was asked for")

    with visiting() as entered:
        assert entered.run(product, 6, other=7) == 42
        with pytest.raises(KeyError, match="what was asked for"):
            entered.run(wrong)
        with pytest.raises(TypeError):
            entered.run(product, 6)  # type: ignore[call-arg]
        with pytest.raises(SystemExit):
            entered.run(leave_the_program)
        assert entered.run(product, 2, other=2) == 4, "the loop has survived all that"


async def leave_the_program() -> None:
    raise SystemExit(3)


def test_many_threads_call_at_once() -> None:
    async def same(value: int) -> int:
        await asyncio.sleep(0)
        return value

    got: list[list[int]] = []

    def ask() -> None:
        got.append([entered.run(same, value) for value in range(200)])

    with visiting() as entered:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert got == [list(range(200))] * 8


async def test_beside_another_loop_in_the_callers_thread() -> None:
    async def loop_of() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    with visiting() as entered:
        assert entered.run(loop_of) is not asyncio.get_running_loop()


def test_its_own_thread_cannot_wait_for_it() -> None:
    async def ask_itself() -> None:
        entered.run(nothing)

    with visiting() as entered:
        with pytest.raises(RuntimeError, match="the thread that serves it"):
            entered.run(ask_itself)


def test_after_its_end() -> None:
    with visiting() as entered:
        pass
    assert not entered.post(print, "never")
    with pytest.raises(PortalClosed):
        entered.run(nothing)


def test_calls_under_way_when_it_ends() -> None:
    begun = threading.Event()
    errors: list[Exception] = []
    user = Somebody()
    entered = enter(user)

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    def call() -> None:
        try:
            entered.run(for_ever)
        except PortalClosed as error:
            errors.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert begun.wait(PATIENCE)
    entered.stop()
    caller.join(PATIENCE)
    assert_over(entered)
    assert [str(error) for error in errors] == [LOOP_ENDED]
    assert user.reasons == [LOOP_ENDED]
    entered.users.clear()
    portals._current = None


def test_a_call_that_comes_while_the_loop_goes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop runs a few turns more to tidy up; a task begun then would never end."""
    user = Somebody()
    late: list[_Call[None]] = []

    def serve_and_be_called(serving: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner() as runner:
            runner.run(serving)
            entered = next(iter(portals._alive))
            late.append(_Call(nothing))
            entered._calls.add(late[0])
            runner.get_loop().call_soon(entered._start, late[0])

    with monkeypatch.context() as patch:
        patch.setattr(portals, "run_loop", serve_and_be_called)
        entered = enter(user)
        leave(entered, user)
        assert_over(entered)
    assert late[0]._task is None
    with pytest.raises(PortalClosed, match=LOOP_ENDED):
        late[0].outcome()


@posix
def test_an_interrupted_call_is_cancelled_and_not_waited_for() -> None:
    """Ctrl-C: the caller is free at once, the coroutine gets its cancellation."""
    begun, cancelled, interrupted = threading.Event(), threading.Event(), threading.Event()

    class Interrupt(BaseException):
        pass

    def interrupt(number: int, frame: object) -> None:
        raise Interrupt

    async def reluctant() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            assert interrupted.wait(PATIENCE), "the caller waits for a coroutine it has given up"
            raise

    def signal_when_begun() -> None:
        begun.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    helper = threading.Thread(target=signal_when_begun)
    try:
        with visiting() as entered:
            helper.start()
            with pytest.raises(Interrupt):
                entered.run(reluctant)
            interrupted.set()
            assert cancelled.wait(PATIENCE)
            entered.run(nothing)
    finally:
        helper.join(PATIENCE)
        signal.signal(signal.SIGUSR1, before)


@posix
def test_signals_are_left_to_the_other_threads() -> None:
    async def blocked() -> set[int]:
        return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    with visiting() as entered:
        found = entered.run(blocked)
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD} <= found
    assert not found & {signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS}


# ------------------------------------------------------------------ waiting


@pytest.mark.parametrize("piece", [threading.TIMEOUT_MAX, 0.01])
def test_waiting_in_one_piece_or_in_many(monkeypatch: pytest.MonkeyPatch, piece: float) -> None:
    """It is cut into pieces, so that Ctrl-C gets through between them where it does not within."""
    monkeypatch.setattr(portals, "_SLICE_SECONDS", piece)
    lock = held_lock()
    assert not wait(lock, 0)
    assert not wait(lock, 0.05)
    threading.Timer(0.05, lock.release).start()
    assert wait(lock, PATIENCE)
    threading.Timer(0.05, lock.release).start()
    assert wait(lock, None)
    lock.release()
    assert wait(lock, 0), "a lock that is free is had without waiting"
    lock.release()
    assert wait(lock, float("inf"))


# ------------------------------------------------------------------ the process

_SETTING = """
import asyncio, os, sys, threading
from tickwire.transport import portal

class Somebody:
    def lost(self, reason):
        print("lost:", reason, flush=True)

async def answer():
    return 42

async def for_ever():
    await asyncio.Event().wait()

entered = portal.enter(Somebody())
assert entered.run(answer) == 42
"""


def test_the_interpreter_ends_while_it_is_used() -> None:
    done = run_program(_SETTING)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_interpreter_ends_while_a_daemon_thread_waits() -> None:
    """It is left waiting, and has no chance to complain."""
    done = run_program(
        _SETTING
        + """
begun = threading.Event()

async def begin():
    begun.set()
    await for_ever()

def wait(work):
    try:
        entered.run(work)
    except BaseException as error:
        print("was told:", repr(error), flush=True)

def ask_on():
    while True:
        wait(answer)

threading.Thread(target=wait, args=(begin,), daemon=True).start()
threading.Thread(target=ask_on, daemon=True).start()
begun.wait()
"""
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_function_of_the_exit_that_comes_later() -> None:
    """What was registered before is called afterwards: it gets an error, and does not hang."""
    done = run_program(
        """
import atexit

def late():
    try:
        entered.run(answer)
    except portal.PortalClosed as error:
        print(error)

atexit.register(late)
"""
        + _SETTING
    )
    assert (done.stdout, done.stderr, done.returncode) == ("its event loop has ended\n", "", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork() -> None:
    """The child's users are told, the child may start its own, the parent's goes on."""
    done = run_program(
        _SETTING
        + """
child = os.fork()
if child == 0:
    assert not entered.post(print, "never")
    try:
        entered.run(answer)
    except portal.PortalClosed:
        print("closed", flush=True)
    mine = portal.enter(Somebody())
    assert mine is not entered
    assert mine.run(answer) == 42
    print("child: done", flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert entered.run(answer) == 42
print("parent: done")
""",
        options=("-W", "ignore::DeprecationWarning"),
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "lost: it was opened before a fork and belongs to the parent process",
        "closed",
        "child: done",
        "parent: done",
    ]
