"""Binance under the venue contract."""

from __future__ import annotations

import pytest

from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.registry import VENUES, open_venue
from tickwire.exchanges.venue import Channel, VenueSettings, Want

INFO = (
    b'{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT",'
    b'"filters":[{"filterType":"PRICE_FILTER","tickSize":"0.01"},'
    b'{"filterType":"LOT_SIZE","stepSize":"0.00001"}]},'
    b'{"symbol":"ETHUSDT_261225","contractStatus":"BREAK","baseAsset":"ETH","quoteAsset":"USDT",'
    b'"contractType":"CURRENT_QUARTER","filters":[]}]}'
)


def test_wants_become_streams_and_connections() -> None:
    venue = open_venue("binance", VenueSettings())
    [plan] = venue.plan(
        [
            Want(Channel.TRADES, "BTC-USDT"),
            Want(Channel.KLINES, "ETH/USDT", "1h"),
            Want(None, "!miniTicker@arr"),
        ]
    )
    assert [str(stream) for stream in plan.streams] == [
        "btcusdt@trade",
        "ethusdt@kline_1h",
        "!miniTicker@arr",
    ]
    assert plan.streams[0].symbol == "BTC-USDT"
    assert not plan.is_private


def test_usd_margined_trades_are_aggregates_on_their_own_path() -> None:
    venue = open_venue("binance", VenueSettings(market="usdm", url="ws://127.0.0.1:1/"))
    plans = venue.plan([Want(Channel.TRADES, "BTC-USDT"), Want(Channel.QUOTES, "BTC-USDT")])
    assert {plan.url: str(plan.streams[0]) for plan in plans} == {
        "ws://127.0.0.1:1/market/stream": "btcusdt@aggTrade",
        "ws://127.0.0.1:1/public/stream": "btcusdt@bookTicker",
    }
    assert venue.instruments_request().url == "http://127.0.0.1:1/fapi/v1/exchangeInfo"


def test_the_instrument_list() -> None:
    venue = open_venue("binance", VenueSettings())
    spot, dated = venue.parse_instruments(INFO)
    assert (spot.symbol, spot.venue_symbol, spot.kind) == ("BTC-USDT", "BTCUSDT", "spot")
    assert (spot.price_tick, spot.size_step, spot.is_trading) == ("0.01", "0.00001", True)
    assert (dated.symbol, dated.kind, dated.is_trading) == ("ETH-USDT-261225", "future", False)
    with pytest.raises(CodecError, match="exchangeInfo"):
        venue.parse_instruments(b'{"code":-1121}')


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (VenueSettings(market="moon"), "no market 'moon'; there are spot, usdm, coinm"),
        (VenueSettings(environment="moon"), "no environment 'moon'"),
        (VenueSettings(url="http://x"), "url is a server's address"),
        (VenueSettings(url="ws://user:secret@x?key=1"), "not 'x'"),
        (VenueSettings(options={"time_unit": "hour"}), "no time_unit 'hour'"),
        (VenueSettings(options={"speed": 1}), "no option 'speed'"),
    ],
)
def test_what_it_cannot_be(settings: VenueSettings, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        open_venue("binance", settings)


def test_private_events_have_a_door_of_their_own() -> None:
    with pytest.raises(ConfigurationError, match="UserData"):
        open_venue("binance", VenueSettings()).plan([Want(Channel.ORDERS)])


def test_every_venue_can_be_opened_by_its_name() -> None:
    for name in VENUES:
        venue = open_venue(name, VenueSettings())
        assert venue.name == name
        assert venue.market == venue.markets[0]
        assert Channel.TRADES in venue.channels
    with pytest.raises(ConfigurationError, match="there are: binance"):
        open_venue("mtgox", VenueSettings())
