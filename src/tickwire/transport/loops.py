"""Running a program on the fastest event loop there is."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["loop_name", "run"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """``asyncio.run``, on uvloop where it is installed (it is a dependency but on Windows).

    Args:
        main: The program.
        debug: As in ``asyncio.run``.
    """
    if sys.platform != "win32":
        try:
            import uvloop
        except ImportError:
            return asyncio.run(main, debug=debug)
        with asyncio.Runner(debug=debug, loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    return asyncio.run(main, debug=debug)


def loop_name() -> str:
    """The loop that :func:`run` uses, with its version, for people to read."""
    if sys.platform != "win32" and find_spec("uvloop") is not None:
        return f"uvloop {version('uvloop')}"
    return "asyncio"
