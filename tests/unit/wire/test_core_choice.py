"""Which core a process runs on: the compiled one, or the twin if asked or if there is none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.cores import COMPILED, NOT_BUILT

PUMP = [f"tickwire.transport.{name}" for name in ("_inbox", "_outbox", "_pump", "_receiver")]

built = pytest.mark.skipif(COMPILED is None, reason=NOT_BUILT)

REPORT = """
import tickwire, tickwire.wire.core as core, tickwire.transport.pump as pump
print(core.COMPILED, core.MessageParser.__module__, pump.Pump.__module__)

async def connect_twice():
    for _ in range(2):
        async with tickwire.AsyncSession() as session:
            session.connector

import asyncio
asyncio.run(connect_twice())
"""

WITHOUT = """
import logging, sys
logging.basicConfig(format="%(name)s:%(message)s")
for name in {missing!r}:
    sys.modules[name] = None
"""


def run(program: str, **environment: str) -> tuple[list[str], list[str]]:
    """The words that ``program`` prints, and the lines on its stderr."""
    settings = {name: value for name, value in os.environ.items() if name != "TICKWIRE_PURE"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**settings, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr.splitlines()


@built
@pytest.mark.parametrize("value", ["", "0"])
def test_the_compiled_core_is_taken_if_it_is_there(value: str) -> None:
    printed, said = run(REPORT, TICKWIRE_PURE=value)
    assert printed == ["True", "tickwire.wire._wire", "tickwire.transport._pump"]
    assert said == []


def test_the_twin_is_taken_when_asked_and_says_nothing() -> None:
    printed, said = run(REPORT, TICKWIRE_PURE="1")
    assert printed == ["False", "tickwire.wire.fallback", "tickwire.transport._pump_py"]
    assert said == []


def test_without_a_compiled_core_the_twin_and_one_line_of_notice() -> None:
    missing = ["tickwire.wire._wire", *PUMP]
    printed, said = run(WITHOUT.format(missing=missing) + REPORT)
    assert printed == ["False", "tickwire.wire.fallback", "tickwire.transport._pump_py"]
    assert len(said) == 1
    assert said[0].startswith("tickwire.core:")


@built
@pytest.mark.parametrize("missing", PUMP)
def test_a_pump_that_was_not_built_does_not_take_the_package_down(missing: str) -> None:
    printed, said = run(WITHOUT.format(missing=[missing]) + REPORT)
    assert printed[2] == "tickwire.transport._pump_py"
    assert len(said) == 1
