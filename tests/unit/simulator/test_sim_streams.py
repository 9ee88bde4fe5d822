"""Which connection is served with which stream."""

from __future__ import annotations

import pytest

from tickwire.simulator.options import Market
from tickwire.simulator.streams import Route, is_diff_depth, is_served

PUBLIC = [
    "btcusdt@bookTicker",
    "!bookTicker",
    "btcusdt@depth",
    "btcusdt@depth@100ms",
    "btcusdt@depth20",
    "btcusdt@depth5@500ms",
    "btcusdt@rpiDepth@500ms",
]
MARKET = [
    "btcusdt@aggTrade",
    "btcusdt@markPrice@1s",
    "!markPrice@arr",
    "btcusdt@kline_1m",
    "btcusdt@miniTicker",
    "!miniTicker@arr",
    "!ticker@arr",
    "btcusdt@forceOrder",
    "tradingSession",
]


@pytest.mark.parametrize("stream", PUBLIC)
def test_book_streams_are_served_without_prefix_and_under_public(stream: str) -> None:
    assert is_served(Market.USDM, Route.NONE, stream)
    assert is_served(Market.USDM, Route.PUBLIC, stream)
    assert not is_served(Market.USDM, Route.MARKET, stream)


@pytest.mark.parametrize("stream", MARKET)
def test_all_other_streams_are_served_under_market_only(stream: str) -> None:
    assert not is_served(Market.USDM, Route.NONE, stream)
    assert not is_served(Market.USDM, Route.PUBLIC, stream)
    assert is_served(Market.USDM, Route.MARKET, stream)


@pytest.mark.parametrize("stream", PUBLIC + MARKET)
def test_spot_serves_everything_in_one_place(stream: str) -> None:
    assert is_served(Market.SPOT, Route.NONE, stream)


@pytest.mark.parametrize(
    ("stream", "is_diff"),
    [
        ("btcusdt@depth", True),
        ("btcusdt@depth@100ms", True),
        ("btcusdt@depth20", False),
        ("btcusdt@depth5@100ms", False),
        ("btcusdt@bookTicker", False),
        ("btcusdt@depth@100msx", False),
    ],
)
def test_diff_depth_is_told_from_partial_depth(stream: str, is_diff: bool) -> None:
    assert is_diff_depth(stream) is is_diff
