"""Lengths of candles: one spelling for every exchange."""

from __future__ import annotations

import pytest

from tickwire.exchanges.bybit.topics import interval_of
from tickwire.exchanges.okx.channels import bar_of
from tickwire.exchanges.registry import VENUES, open_venue
from tickwire.exchanges.venue import VenueSettings
from tickwire.gateway.intervals import common_interval, offered_intervals


@pytest.mark.parametrize(
    ("written", "common"),
    [
        ("1m", "1m"),
        ("1M", "1M"),
        ("M", "1M"),
        ("1H", "1h"),
        ("12H", "12h"),
        ("60", "1h"),
        ("720", "12h"),
        ("5", "5m"),
        ("D", "1d"),
        ("1D", "1d"),
        ("W", "1w"),
        ("6Hutc", "6Hutc"),
        ("foo", "foo"),
        ("", ""),
        ("٣m", "٣m"),
    ],
)
def test_a_length_has_one_spelling(written: str, common: str) -> None:
    assert common_interval(written) == common


def test_what_an_exchange_has_is_told() -> None:
    found = {
        name: offered_intervals(open_venue(name, VenueSettings()), "BTC-USDT") for name in VENUES
    }
    assert found["coinbase"] == ["5m"]
    assert found["kraken"] == ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "15d"]
    assert {"1s", "3d", "1M"} <= set(found["binance"])
    assert {"2d", "5d", "3M"} <= set(found["okx"])
    assert "1s" not in found["bybit"]
    assert all(found.values())


@pytest.mark.parametrize("name", VENUES)
def test_the_spelling_of_an_exchange_leads_back_to_what_was_asked_for(name: str) -> None:
    own = {"okx": bar_of, "bybit": interval_of}.get(name, str)
    for interval in offered_intervals(open_venue(name, VenueSettings()), "BTC-USDT"):
        assert common_interval(own(interval)) == interval
