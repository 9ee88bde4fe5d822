"""What a feed can be asked for is checked the same way on every venue, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

import tickwire
from tickwire.errors import ConfigurationError
from tickwire.exchanges.registry import VENUES


@pytest.mark.parametrize("exchange", list(VENUES))
@pytest.mark.parametrize("channel", ["trades", "books", "native"])
@pytest.mark.parametrize(
    "wrong",
    ["BTC-USDT", [""], [" "], [None], [5], [b"BTC-USDT"], 5, b"BTC-USDT", True],
    ids=repr,
)
def test_what_is_no_list_of_names(exchange: str, channel: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=channel):
        tickwire.Feed(exchange, **{channel: wrong})


@pytest.mark.parametrize("exchange", list(VENUES))
@pytest.mark.parametrize("symbol", ["BTC-USD\n&x=1", 'BTC"-USD', "BTC-USD?x", "BTC-USD@y"])
def test_what_no_venue_calls_an_instrument(exchange: str, symbol: str) -> None:
    with pytest.raises(ConfigurationError):
        tickwire.Feed(exchange, books=[symbol])


@pytest.mark.parametrize("exchange", list(VENUES))
def test_symbols_may_come_from_any_iterable(exchange: str) -> None:
    tickwire.Feed(exchange, trades=(symbol for symbol in ["BTC-USDT", "ETH/USDT"]))
