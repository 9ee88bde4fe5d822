"""Any loss, repetition, delay and disconnect: the book is the true one, or says that it is not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.book_trial import Faults, Trial
from tickwire.simulator.options import Market

MARKETS = [Market.SPOT, Market.USDM]


@pytest.mark.parametrize("market", MARKETS)
def test_thousands_of_updates_over_a_bad_line(market: Market) -> None:
    trial = Trial(market, Random(7))
    trial.run(4_000)
    counts, stats = trial.counts, trial.book.stats
    assert counts["loss"] > 5
    assert counts["repeat"] > 10
    assert counts["delay"] > 5
    assert counts["disconnect"] > 1
    assert stats.losses > 5
    assert stats.snapshots_too_old > 0
    assert counts["compared"] > counts["messages"] / 2
    trial.recover(100)
    assert trial.book.is_live


fates = st.sampled_from(["none", "loss", "repeat", "delay", "disconnect"])


@pytest.mark.parametrize("market", MARKETS)
@settings(max_examples=60)
@given(script=st.lists(fates, max_size=30), seed=st.integers(0, 1000), bad=st.booleans())
def test_any_short_line(market: Market, script: list[str], seed: int, bad: bool) -> None:
    share = 0.4 if bad else 0.0
    faults = Faults(stale_snapshot=share, no_snapshot=share)
    trial = Trial(market, Random(seed), faults, seed=2, script=script)
    trial.run(len(script))
    trial.recover(40)
    assert trial.book.is_live
    assert trial.book.sequence == trial.instrument.book.last_update_id
