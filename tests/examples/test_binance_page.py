"""The programs of docs/binance.md run as they stand, against the simulator."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.server import PATIENCE
from tickwire.transport import portal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tickwire.simulator import Simulator as SimulatorType

pytest.importorskip("aiohttp", reason="the simulator is an extra")
from tickwire.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "binance.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


class _Served:
    """A simulator in the loop thread that sync objects share."""

    def __enter__(self) -> SimulatorType:
        self._portal = portal.enter(self)

        async def start() -> SimulatorType:
            sim = Simulator(rate=0)
            sim.accounts.add(api_key="key", secret="secret", balances={"USDT": "1000"})
            await sim.start()
            sim.generate(2000)
            return sim

        self._sim = self._portal.run(start)
        return self._sim

    def __exit__(self, *exception: object) -> None:
        try:
            self._portal.run(self._sim.stop)
        finally:
            self._portal.post(self._portal.leave, self)

    def lost(self, reason: str) -> None:
        """Nothing waits here."""


@pytest.fixture
def served() -> Iterator[SimulatorType]:
    with _Served() as sim:
        yield sim


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, r"\['\d+\.\d+', '\d+\.\d+'\]\n"),
        (1, r"\d+ 3\n"),
        (2, r"\d+ NEW\n"),
    ],
    ids=["sync", "asyncio", "errors"],
)
def test_program(served: SimulatorType, number: int, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[number]],
        env={
            "PYTHONPATH": str(ROOT / "src"),
            "PATH": "",
            "TICKWIRE_SIMULATOR": served.http_url,
            "BINANCE_API_KEY": "key",
            "BINANCE_API_SECRET": "secret",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(expected, done.stdout), done.stdout
    assert not done.stderr


def test_every_program_is_run() -> None:
    assert len(PROGRAMS) == 3
