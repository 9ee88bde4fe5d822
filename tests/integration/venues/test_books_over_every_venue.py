"""One test over every venue: its books are the market's, whatever happens to the line."""

from __future__ import annotations

import pytest

pytest.importorskip("aiohttp", reason="the venues of these tests need the `simulator` extra")

from tests.support.venue_trial import VENUES, Trial

UPDATES = {"binance": 600, "deribit": 600, "weex": 600}
"""Binance's simulator gathers updates for a tenth of a second; what the others' clients lose takes
them longer to have again."""
SHORT = 1200


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", list(VENUES))
async def test_a_live_book_is_the_markets(name: str) -> None:
    row = VENUES[name]
    async with Trial(row, seed=5, worse=5.0) as trial:
        await trial.run(UPDATES.get(name, SHORT))
    outcome = trial.outcome
    assert outcome.updates >= UPDATES.get(name, SHORT)
    assert outcome.quiet > 3
    if row.told_by != "quiet":
        assert outcome.compared >= outcome.updates / 2
    if row.dialect:
        # Something was done to the line, and the books have seen it.
        assert outcome.doubled
        assert bool(outcome.lost) is bool(row.faults.lose)
        assert bool(outcome.losses) is bool(outcome.lost or outcome.cuts)
