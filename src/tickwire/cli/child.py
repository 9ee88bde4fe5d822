"""The simulator as a child process, with a core of its own and gone when its parent is gone.

It is told to stop by the end of its standard input, which a parent that was killed brings about
too. It has a process group of its own, so that a Ctrl-C in the terminal ends it last.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import deque
from typing import TYPE_CHECKING

import orjson

from tickwire.cli.problems import ExitCode, Problem

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["SimulatorProcess"]

_START_SECONDS = 30.0
_STOP_SECONDS = 1.0
_LINES_KEPT = 20


class SimulatorProcess:
    """``async with SimulatorProcess(arguments) as simulator: … simulator.url``.

    Args:
        arguments: For ``python -m tickwire.simulator``, besides host, port and ``--until-eof``.

    Raises:
        Problem: On entering: it did not start. The line is the child's own; so is the exit code.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._process: Process | None = None
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._listening: asyncio.Task[None] | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tickwire.simulator", "--port", "0", "--until-eof"),
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        self._listening = asyncio.create_task(self._listen(self._process))
        try:
            self.url = await self._address(self._process)
        except BaseException:
            await self._stop(self._process)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            await self._stop(self._process)

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._process.pid if self._process else None

    async def ended(self) -> None:
        """Wait until the child ends by itself. Cancelling it leaves the child alone."""
        assert self._process is not None
        await self._process.wait()

    async def failure(self) -> Problem | None:
        """Stop the child, whose connections have ended; what it complained of, if it did."""
        assert self._process is not None
        await self._stop(self._process)
        exit_code = self._process.returncode
        return self._failure(exit_code) if exit_code else None

    async def _address(self, process: Process) -> str:
        assert process.stdout is not None
        assert self._listening is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await process.stdout.readline()
                if not line:
                    await process.wait()
                    await self._listening
                    raise self._failure(process.returncode or 0)
        except TimeoutError:
            raise Problem(f"the simulator did not start within {_START_SECONDS:.0f} s") from None
        address = orjson.loads(line)
        return f"ws://{address['host']}:{address['port']}"

    def _failure(self, exit_code: int) -> Problem:
        # A usage error is told on the last line, and so is what a traceback is about.
        last = self._said[-1] if self._said else f"it ended with code {exit_code} and no word"
        code = ExitCode.USAGE if exit_code == ExitCode.USAGE else ExitCode.FAILED
        return Problem(f"the simulator: {last}", code)

    async def _listen(self, process: Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            if text := line.decode(errors="replace").strip():
                self._said.append(text)

    async def _stop(self, process: Process) -> None:
        """End the child: politely, and after a second not. It holds nothing worth keeping."""
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._listening is not None:
            await self._listening
