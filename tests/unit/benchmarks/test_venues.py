"""The venues' decoding benchmark runs, and compares what it says that it compares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.micro.venues import ROWS, Row, measure


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row(row: Row) -> None:
    typed, by_hand = measure(row, group=3, rounds=2)
    assert typed > 0
    assert by_hand > 0


def test_a_frame_that_gives_nothing_is_no_measurement() -> None:
    broken = replace(ROWS[0], frame=lambda _: b'{"data":[]}')
    with pytest.raises(AssertionError, match="0 events"):
        measure(broken, group=1, rounds=1)
