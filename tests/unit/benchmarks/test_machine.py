"""How busy others keep the machine."""

from __future__ import annotations

import pytest
from benchmarks.machine import CpuTimes

SERVER = "7 (python (x)) S 1 2 3 4 5 6 7 8 9 10 {user} {system} 99 99 20"


def times(
    *, user: int = 0, system: int = 0, steal: int = 0, softirq: int = 0, own: int = 0
) -> CpuTimes:
    """The machine's ticks; the server has half of ``own`` in the kernel."""
    machine = f"cpu  {user} 0 {system} 5000 77 0 {softirq} {steal} 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"
    server = SERVER.format(user=own - own // 2, system=own // 2)
    return CpuTimes.parse(machine, server, clients=0.25, tick=100)


@pytest.mark.parametrize("kind", ["user", "system", "steal"])
def test_what_others_use_is_foreign_also_in_the_kernel(kind: str) -> None:
    after = times(**{kind: 50})
    assert after.foreign_since(times(), 1.0) == pytest.approx(0.5)


def test_what_we_use_is_not() -> None:
    after = times(user=60, system=40, own=100)
    assert after.foreign_since(times(), 1.0) == 0


def test_interrupts_are_nobodys() -> None:
    assert times(softirq=50).foreign_since(times(), 1.0) == 0
