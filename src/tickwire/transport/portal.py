"""An event loop in a thread of its own, for the callers that have none.

Theory of operation. All sync WebSockets of a process share one portal. :func:`enter` starts it for
its first user, in that user's stead: the loop is made inside its thread, so it may differ from, and
live beside, whatever loop the caller's thread runs. When the last user has left, the loop ends and
the thread with it; the next user gets a new one.

Two ways lead in. :meth:`Portal.run` carries one coroutine over and waits for what it gives.
:meth:`Portal.post` leaves a function there and waits for nothing: it takes no lock, so that a
finaliser may call it at any moment.

Waiting. A caller waits on a lock that the loop's thread releases (:func:`wait`). A signal
interrupts that, if the kernel hands it to the main thread, and to no other that does not block it:
so the loop's thread blocks them. An interrupted caller does not wait for the coroutine it gave up;
it is cancelled over there.

The end of the process. The thread is a daemon, ended by an ``atexit`` function, which runs after
the threads that are not daemons. It closes what is open, and tells nobody: a daemon thread that
waits then is left waiting, rather than made to report an error while the interpreter goes down.

A fork copies the portal without its thread. What the child inherits is never touched again: its
epoll descriptor and its sockets are shared with the parent, and closing a TLS connection properly
would write into the parent's stream. The users are told that they are lost, and the next one gets a
portal of the child's own.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import os
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from ..clock import mono
from .loops import run as run_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["LOOP_ENDED", "Portal", "PortalClosed", "User", "enter", "held_lock", "wait"]

P = ParamSpec("P")
T = TypeVar("T")

LOOP_ENDED = "its event loop has ended"

_EXIT_SECONDS = 2.0
"""How long the end of the process waits for the thread's."""

_SLICE_SECONDS = 0.1 if sys.platform == "win32" else 0.5
"""How long to wait in one piece. Nothing interrupts a waiting thread on Windows; elsewhere a signal
that comes just before the wait, or to another thread, is noticed between two pieces."""


class PortalClosed(Exception):
    """The loop is over, and what was asked of it was not done. Retry: with a new portal."""


class User(Protocol):
    """What a portal runs for."""

    def lost(self, reason: str) -> object:
        """The loop is gone: nothing that was begun will ever end. Called in any thread."""
        ...


def wait(lock: threading.Lock, timeout: float | None) -> bool:
    """Acquire ``lock``; ``False`` if that took longer than ``timeout`` seconds.

    Ctrl-C gets through while it waits.
    """
    deadline = float("inf") if timeout is None else mono() + timeout
    while True:
        left = max(0.0, deadline - mono())
        if lock.acquire(timeout=min(left, _SLICE_SECONDS)):
            return True
        if left <= _SLICE_SECONDS:
            return False


def held_lock() -> threading.Lock:
    """A lock for :func:`wait`, which another thread is to release."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class _Call(Generic[T]):
    """One coroutine on its way to the loop, and its result on the way back."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._dropped = False
        self._over = False
        self._done = held_lock()
        self._result: T
        self._error: BaseException | None = None

    def start(self) -> None:
        """In the loop, while it serves: a task made later would never be cancelled."""
        if not self._dropped:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            self._result = await self._work()
        except asyncio.CancelledError:
            return  # dropped: nobody waits; or the loop ends: then the portal tells
        except BaseException as error:
            self._error = error
        self._finish()

    def _finish(self) -> None:
        self._over = True
        self._done.release()

    def drop(self) -> None:
        """In the loop: nobody waits any more."""
        self._dropped = True
        if self._task is not None:
            self._task.cancel()

    def fail(self, error: BaseException) -> None:
        """The loop is over: it will not come to its end, unless it just has."""
        if not self._over:
            self._error = error
            self._finish()

    def outcome(self) -> T:
        """Wait, and give what the coroutine gave."""
        wait(self._done, None)
        if self._error is not None:
            raise self._error
        return self._result


class Portal:
    """The loop, its thread, and who uses it. Made by :func:`enter`."""

    def __init__(self) -> None:
        self.users: set[User] = set()
        self.exiting = False
        self._unwanted = False
        self._serving = False
        self._inherited = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._calls: set[_Call[Any]] = set()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="tickwire-loop", daemon=True)

    def start(self) -> None:
        """Start the thread, and wait until its loop runs.

        Raises:
            OSError: The process has no descriptor left for a loop.
            RuntimeError: It can have no more threads.
        """
        _alive.add(self)
        try:
            self._thread.start()
            self._ready.wait()
        except BaseException:
            self.stop()
            raise
        if self._failure is not None:
            raise self._failure

    def _main(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, _ASYNCHRONOUS_SIGNALS)
        serving = self._serve()
        try:
            run_loop(serving)
        except BaseException as error:
            self._failure = error
            if self._loop is not None:
                raise
        finally:
            serving.close()
            _alive.discard(self)
            self._ready.set()
            if not self.exiting:
                self._abandon(LOOP_ENDED)

    async def _serve(self) -> None:
        """Until the end; what runs then is cancelled by the loop's runner."""
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._serving = True
        self._ready.set()
        try:
            if not self._unwanted:
                await self._end.wait()
        finally:
            self._serving = False

    def _abandon(self, reason: str) -> None:
        """Tell everybody that waits that nothing will come."""
        for call in tuple(self._calls):
            call.fail(PortalClosed(reason))
        for user in tuple(self.users):
            user.lost(reason)

    # ------------------------------------------------------------------ for the users

    def post(self, function: Callable[..., object], *args: object) -> bool:
        """Have ``function`` called in the loop; ``False`` if that is over.

        From any thread, and from a finaliser: it takes no lock.
        """
        loop = self._loop
        if loop is None or self._inherited or loop.is_closed():
            return False
        try:
            loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            if not loop.is_closed():
                raise
            return False
        return True

    def run(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a coroutine function in the loop and wait for its result.

        An exception of the coroutine is raised here. Where waiting is interrupted (Ctrl-C), the
        coroutine is cancelled, and not waited for. Cost: two changes of thread.

        Raises:
            PortalClosed: The loop is over.
            RuntimeError: Called in the loop's own thread, which cannot wait for itself.
        """
        self.refuse_own_thread()
        call = _Call(partial(function, *args, **kwargs))
        self._calls.add(call)
        try:
            if not self.post(self._start, call):
                self.wait_for_exit()
                raise PortalClosed(LOOP_ENDED)
            return call.outcome()
        except BaseException:
            self.post(call.drop)
            raise
        finally:
            self._calls.discard(call)

    def _start(self, call: _Call[Any]) -> None:
        """In the loop. What comes after the end is told so by :meth:`_abandon`."""
        if self._serving:
            call.start()

    def refuse_own_thread(self) -> None:
        """Raise ``RuntimeError`` in the loop's thread: it cannot wait for itself."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a sync WebSocket was used in the thread that serves it")

    def wait_for_exit(self) -> None:
        """In a daemon thread of a process that ends: do not return."""
        if self.exiting and threading.current_thread().daemon:
            wait(held_lock(), None)

    def leave(self, user: User) -> None:
        """In the loop: ``user`` is done. The last one ends the loop."""
        global _current
        with _lock:
            self.users.discard(user)
            if self.users or self._end is None:
                return
            if _current is self:
                _current = None
        self._end.set()

    # ------------------------------------------------------------------ its end

    def stop(self) -> None:
        """End the loop, whoever uses it."""
        self._unwanted = True
        if self._end is not None:
            self.post(self._end.set)

    def exit(self) -> None:
        """End the loop quietly, because the process ends."""
        self.exiting = True
        self.stop()
        self._thread.join(_EXIT_SECONDS)

    def inherit(self) -> None:
        """In the child of a fork: the thread is not here, and nothing of it may be touched."""
        self._inherited = True
        # Kept for ever: freeing the handles would end the parent's connections.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
        self._calls.clear()
        self._abandon("it was opened before a fork and belongs to the parent process")


_ASYNCHRONOUS_SIGNALS = (
    signal.valid_signals()
    - {signal.SIGSEGV, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
    - {getattr(signal, "SIGBUS", signal.SIGSEGV)}
)
"""All but those that a thread brings upon itself."""

_lock = threading.Lock()
_current: Portal | None = None
_alive: set[Portal] = set()


def enter(user: User) -> Portal:
    """The process's portal, with ``user`` among its users; started if there is none.

    ``user`` must :meth:`~Portal.leave` it.

    Raises:
        OSError, RuntimeError: As :meth:`Portal.start`.
    """
    global _current
    with _lock:
        if _current is None:
            portal = Portal()
            portal.start()
            _current = portal
        _current.users.add(user)
        return _current


def _at_exit() -> None:
    for portal in tuple(_alive):
        portal.exit()


def _after_fork_in_child() -> None:
    global _lock, _current
    _lock = threading.Lock()  # a thread that is not here may have held the old one
    _current = None
    inherited = tuple(_alive)
    _alive.clear()
    for portal in inherited:
        portal.inherit()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
