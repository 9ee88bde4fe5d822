"""The micro-benchmarks under a clock: ``make bench-micro``, or pytest on this file.

``pytest-benchmark compare`` puts saved runs side by side, also those of other commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.micro.cases import CASES, Case

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_micro(benchmark: BenchmarkFixture, case: Case) -> None:
    run = case.prepare()
    benchmark.extra_info |= {"item": case.item, "items": case.items * case.times}
    benchmark(run, case.times)
