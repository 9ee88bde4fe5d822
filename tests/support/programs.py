"""Programs of their own: what can only be seen from outside an interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["PROGRAM_SECONDS", "program_environment", "run_program"]

PROGRAM_SECONDS = 50
"""After that a program that should end at once hangs."""

_ROOT = Path(__file__).resolve().parents[2]


def program_environment() -> dict[str, str]:
    """This process's environment, with the package and the tests to be found."""
    return {**os.environ, "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"}


def run_program(
    source: str, *arguments: str, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run ``source`` in a new interpreter to its end.

    Args:
        arguments: ``sys.argv[1:]`` of the program.
        options: Of the interpreter.
    """
    return subprocess.run(
        [sys.executable, *options, "-c", source, *arguments],
        env=program_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PROGRAM_SECONDS,
    )
