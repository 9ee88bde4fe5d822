"""Stream names as typed."""

from __future__ import annotations

import pytest

from tickwire.cli.names import SUFFIXES, check_names, seconds_of, split_list, symbols_of
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance import StreamKind
from tickwire.exchanges.binance.streams import parse_stream


def test_every_proposal_is_a_stream_and_every_kind_is_proposed() -> None:
    kinds = {StreamKind(parse_stream(f"btcusdt@{suffix}").kind) for suffix in SUFFIXES}
    without_symbol = {StreamKind.CONTRACT_INFO, StreamKind.TRADING_SESSION}
    assert kinds == set(StreamKind) - without_symbol - {StreamKind.OTHER}


def test_pairs_and_assets_are_no_symbols() -> None:
    names = ["btcusdt_perpetual@continuousKline_1m", "adausd@assetIndex", "btcusdt@markPrice"]
    assert symbols_of(check_names(names, "usdm")) == ("BTCUSDT",)


@pytest.mark.parametrize(
    ("values", "items"),
    [
        ([], ()),
        (["A,B"], ("A", "B")),
        (["A", "B, C ", ",,"], ("A", "B", "C")),
        (["B,A", "A,B"], ("B", "A")),
        (["", " "], ()),
    ],
)
def test_split_list(values: list[str], items: tuple[str, ...]) -> None:
    assert split_list(values) == items


def test_right_names_pass_and_name_their_symbols() -> None:
    names = ["btcusdt@trade", "ETHUSDT@depth@100ms", "btcusdt@kline_1M", "!miniTicker@arr"]
    streams = check_names(names, "spot")
    assert [item.name for item in streams] == [
        "btcusdt@trade",
        "ethusdt@depth@100ms",
        "btcusdt@kline_1M",
        "!miniTicker@arr",
    ]
    assert symbols_of(streams) == ("BTCUSDT", "ETHUSDT")


@pytest.mark.parametrize(
    ("name", "market", "says"),
    [
        ("btcusdt@trad", "spot", "did you mean btcusdt@trade?"),
        ("btcusdt@bookTiker", "spot", "did you mean btcusdt@bookTicker?"),
        ("btcusdt@depth@100", "spot", "did you mean btcusdt@depth@100ms?"),
        ("btcusdt@depth7", "spot", "did you mean btcusdt@depth?"),
        ("btcusdt@zzzz", "spot", "there are @trade, @aggTrade"),
        ("btcusdt@TRADE", "spot", "this one is @trade"),
        ("btcusdt@newThing", "usdm", "there are no events for 'btcusdt@newThing'"),
        ("!newThing@arr", "usdm", "there are no events"),
        ("!ticker@arr", "spot", "retired"),
        ("btcusdt@blockTrade", "usdm", "no blockTrade streams on usdm"),
        ("btcusdt@kline_7m", "spot", "1m, 3m"),
        ("btcusdt@kline_1s", "usdm", "no kline interval '1s'"),
        ("btcusdt@depth@250ms", "spot", "100, 1000"),
        ("BTC-USDT", "spot", "btcusdt@trade, or --trades BTC-USDT"),
        ("", "spot", "not a stream"),
        ("B T", "spot", "btcusdt@trade"),
        ("@trade", "spot", "not a symbol"),
        ("btcusdt@", "spot", "not a stream"),
    ],
)
def test_wrong_names_are_refused_with_a_proposal(name: str, market: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_names(["btcusdt@bookTicker", name], "usdm" if market == "usdm" else "spot")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("5m", 300.0),
        ("12h", 43200.0),
        ("1d", 86400.0),
        ("0.5", 0.5),
        ("250ms", 0.25),
    ],
)
def test_a_length_of_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "10 parsecs", "-5s", "0", "nan", "1e3s"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ConfigurationError, match="10s"):
        seconds_of(text)
