"""Exact text of prices, quantities and volumes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.errors import ConfigurationError
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText, SymbolSpec, default_specs, percent_change

BTC_SPOT = default_specs(Market.SPOT)[0]
BTC_USDM = default_specs(Market.USDM)[0]
DOGE_USDM = SymbolSpec("DOGE", "USDT", "0.00001", "1", "0.12345")


@pytest.mark.parametrize(
    ("spec", "market", "price", "quantity"),
    [
        (BTC_SPOT, Market.SPOT, "64213.10000000", "0.00012000"),
        (BTC_USDM, Market.USDM, "64213.10", "0.012"),
        (DOGE_USDM, Market.USDM, "0.12345", "12"),
        (DOGE_USDM, Market.SPOT, "0.12345000", "12.00000000"),
    ],
)
def test_spot_prints_eight_decimals_and_futures_those_of_the_step(
    spec: SymbolSpec, market: Market, price: str, quantity: str
) -> None:
    text = NumberText(spec, market)
    assert text.price(spec.start_ticks) == price
    assert text.quantity(12) == quantity


@given(
    st.sampled_from([*default_specs(Market.SPOT), *default_specs(Market.USDM)]),
    st.sampled_from(Market),
    st.integers(-(10**9), 10**9),
    st.integers(0, 10**9),
)
def test_text_is_exact(spec: SymbolSpec, market: Market, ticks: int, lots: int) -> None:
    text = NumberText(spec, market)
    price, quantity = ticks * Decimal(spec.tick_size), lots * Decimal(spec.lot_step)
    assert Decimal(text.price(ticks)) == price
    assert Decimal(text.quantity(lots)) == quantity
    assert Decimal(text.quote_volume(ticks * lots)) == price * quantity
    assert not text.price(0).startswith("-")


def test_prices_stay_right_when_the_cache_overflows() -> None:
    text = NumberText(BTC_USDM, Market.USDM)
    first = text.price(1)
    assert first == "0.10"
    for ticks in range(40_000):
        text.price(ticks)
    assert text.price(1) == first


def test_an_average_is_rounded_down_and_zero_without_volume() -> None:
    text = NumberText(BTC_USDM, Market.USDM)
    assert text.average(7, 0) == "0.00"
    assert text.average(100 * 1 + 101 * 2, 3) == "10.06"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(10, 25, "150.000"), (3, 2, "-33.333"), (8, 8, "0.000"), (0, 5, "0.000")],
)
def test_percent_change(start: int, end: int, text: str) -> None:
    assert percent_change(start, end) == text


@pytest.mark.parametrize(
    ("tick", "lot", "price"),
    [
        ("0", "1", "1"),
        ("-0.1", "1", "1"),
        ("0.1", "nan", "1"),
        ("x", "1", "1"),
        ("1e-2", "1", "1"),
        (".1", "1", "1"),
        ("0.1", "1", "inf"),
        ("0.1", "1", "1.05"),
        ("0.00001", "0.0001", "1"),
    ],
)
def test_a_spec_that_cannot_be_traded_is_refused(tick: str, lot: str, price: str) -> None:
    with pytest.raises(ConfigurationError, match="AAABBB"):
        SymbolSpec("AAA", "BBB", tick, lot, price)
