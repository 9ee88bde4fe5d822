"""The table of sockets: python-binance's names, parameters and defaults; the venue's streams."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tickwire import binance
from tickwire.binance import AsyncClient, Client, enums, exceptions
from tickwire.binance.manager import BinanceSocketManager
from tickwire.binance.threaded import ThreadedWebsocketManager
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.sockets import (
    REQUIRED,
    SOCKETS,
    ContractType,
    FuturesType,
    Request,
    Shape,
)

USD_M, COIN_M = FuturesType.USD_M, FuturesType.COIN_M

# python-binance 1.0.37: each socket with its parameters and their defaults.
PEER: dict[str, tuple[tuple[str, Any], ...]] = {
    "depth_socket": (("symbol", REQUIRED), ("depth", None), ("interval", None)),
    "kline_socket": (("symbol", REQUIRED), ("interval", "1m")),
    "kline_futures_socket": (
        ("symbol", REQUIRED),
        ("interval", "1m"),
        ("futures_type", USD_M),
        ("contract_type", ContractType.PERPETUAL),
    ),
    "miniticker_socket": (("update_time", 1000),),
    "trade_socket": (("symbol", REQUIRED),),
    "aggtrade_socket": (("symbol", REQUIRED),),
    "aggtrade_futures_socket": (("symbol", REQUIRED), ("futures_type", USD_M)),
    "symbol_miniticker_socket": (("symbol", REQUIRED),),
    "symbol_ticker_socket": (("symbol", REQUIRED),),
    "ticker_socket": (),
    "futures_ticker_socket": (),
    "futures_coin_ticker_socket": (),
    "index_price_socket": (("symbol", REQUIRED), ("fast", True)),
    "symbol_mark_price_socket": (("symbol", REQUIRED), ("fast", True), ("futures_type", USD_M)),
    "all_mark_price_socket": (("fast", True), ("futures_type", USD_M)),
    "symbol_ticker_futures_socket": (("symbol", REQUIRED), ("futures_type", USD_M)),
    "individual_symbol_ticker_futures_socket": (("symbol", REQUIRED), ("futures_type", USD_M)),
    "all_ticker_futures_socket": (("channel", "!bookTicker"), ("futures_type", USD_M)),
    "symbol_book_ticker_socket": (("symbol", REQUIRED),),
    "book_ticker_socket": (),
    "multiplex_socket": (("streams", REQUIRED),),
    "options_multiplex_socket": (("streams", REQUIRED),),
    "futures_multiplex_socket": (
        ("streams", REQUIRED),
        ("futures_type", USD_M),
        ("category", "market"),
    ),
    "user_socket": (),
    "futures_user_socket": (),
    "coin_futures_user_socket": (),
    "margin_socket": (),
    "futures_socket": (),
    "coin_futures_socket": (),
    "isolated_margin_socket": (("symbol", REQUIRED),),
    "options_ticker_socket": (("symbol", REQUIRED),),
    "options_ticker_by_expiration_socket": (("symbol", REQUIRED), ("expiration_date", REQUIRED)),
    "options_recent_trades_socket": (("symbol", REQUIRED),),
    "options_kline_socket": (("symbol", REQUIRED), ("interval", "1m")),
    "options_depth_socket": (("symbol", REQUIRED), ("depth", "10"), ("speed", "500ms")),
    "options_book_ticker_socket": (("symbol", REQUIRED),),
    "futures_depth_socket": (("symbol", REQUIRED), ("depth", "10"), ("futures_type", USD_M)),
    "futures_rpi_depth_socket": (("symbol", REQUIRED), ("futures_type", USD_M)),
    "options_new_symbol_socket": (),
    "options_open_interest_socket": (("symbol", REQUIRED), ("expiration_date", REQUIRED)),
    "options_mark_price_socket": (("symbol", REQUIRED),),
    "options_index_price_socket": (),
}

PAYLOAD, COMBINED = Shape.PAYLOAD, Shape.COMBINED

# A call, and what it comes to: product, stream names, shape, name.
CALLS: tuple[tuple[str, dict[str, Any], str, list[str], Shape, str], ...] = (
    ("depth_socket", {"symbol": "BNBBTC"}, "spot", ["bnbbtc@depth"], PAYLOAD, "bnbbtc@depth"),
    ("depth_socket", {"symbol": "A", "depth": "5"}, "spot", ["a@depth5"], PAYLOAD, "a@depth5"),
    ("depth_socket", {"symbol": "A", "depth": "1"}, "spot", ["a@depth"], PAYLOAD, "a@depth"),
    ("depth_socket", {"symbol": "A", "interval": 0}, "spot", ["a@depth"], PAYLOAD, "a@depth"),
    (
        "depth_socket",
        {"symbol": "A", "depth": "20", "interval": 100},
        "spot",
        ["a@depth20@100ms"],
        PAYLOAD,
        "a@depth20@100ms",
    ),
    ("kline_socket", {"symbol": "A", "interval": "30m"}, "spot", ["a@kline_30m"], PAYLOAD, ""),
    (
        "kline_futures_socket",
        {"symbol": "BTCUSDT"},
        "usdm",
        ["btcusdt_perpetual@continuousKline_1m"],
        PAYLOAD,
        "usdm/btcusdt_perpetual@continuousKline_1m",
    ),
    (
        "kline_futures_socket",
        {
            "symbol": "BTCUSD",
            "futures_type": COIN_M,
            "contract_type": ContractType.NEXT_QUARTER,
        },
        "coinm",
        ["btcusd_next_quarter@continuousKline_1m"],
        PAYLOAD,
        "coinm/btcusd_next_quarter@continuousKline_1m",
    ),
    ("miniticker_socket", {}, "spot", ["!miniTicker@arr"], PAYLOAD, "!miniTicker@arr"),
    (
        "miniticker_socket",
        {"update_time": 5000},
        "spot",
        ["!miniTicker@arr"],
        Shape.CONFLATED,
        "!miniTicker@arr@5000ms",
    ),
    ("trade_socket", {"symbol": "BNBBTC"}, "spot", ["bnbbtc@trade"], PAYLOAD, "bnbbtc@trade"),
    ("aggtrade_socket", {"symbol": "A"}, "spot", ["a@aggTrade"], PAYLOAD, "a@aggTrade"),
    ("aggtrade_futures_socket", {"symbol": "A"}, "usdm", ["a@aggTrade"], COMBINED, ""),
    ("symbol_miniticker_socket", {"symbol": "A"}, "spot", ["a@miniTicker"], PAYLOAD, ""),
    ("symbol_ticker_socket", {"symbol": "A"}, "spot", ["a@ticker"], PAYLOAD, "a@ticker"),
    ("ticker_socket", {}, "spot", [], Shape.ARRAY, "!ticker@arr"),
    ("futures_ticker_socket", {}, "usdm", ["!ticker@arr"], COMBINED, "usdm/!ticker@arr"),
    ("futures_coin_ticker_socket", {}, "coinm", ["!ticker@arr"], COMBINED, "coinm/!ticker@arr"),
    ("index_price_socket", {"symbol": "A"}, "coinm", ["a@indexPrice@1s"], COMBINED, ""),
    (
        "index_price_socket",
        {"symbol": "A", "fast": False},
        "coinm",
        ["a@indexPrice"],
        COMBINED,
        "coinm/a@indexPrice",
    ),
    ("symbol_mark_price_socket", {"symbol": "A"}, "usdm", ["a@markPrice@1s"], COMBINED, ""),
    ("all_mark_price_socket", {"fast": False}, "usdm", ["!markPrice@arr"], COMBINED, ""),
    ("all_mark_price_socket", {}, "usdm", ["!markPrice@arr@1s"], COMBINED, ""),
    ("symbol_ticker_futures_socket", {"symbol": "A"}, "usdm", ["a@bookTicker"], COMBINED, ""),
    (
        "individual_symbol_ticker_futures_socket",
        {"symbol": "A", "futures_type": COIN_M},
        "coinm",
        ["a@ticker"],
        COMBINED,
        "coinm/a@ticker",
    ),
    ("all_ticker_futures_socket", {}, "usdm", ["!bookTicker"], COMBINED, ""),
    (
        "all_ticker_futures_socket",
        {"channel": "!ticker@arr"},
        "usdm",
        ["!ticker@arr"],
        COMBINED,
        "",
    ),
    ("symbol_book_ticker_socket", {"symbol": "A"}, "spot", ["a@bookTicker"], PAYLOAD, ""),
    ("book_ticker_socket", {}, "spot", [], PAYLOAD, "!bookTicker"),
    (
        "multiplex_socket",
        {"streams": ["bnbbtc@aggTrade", "neobtc@ticker", "bnbbtc@aggTrade"]},
        "spot",
        ["bnbbtc@aggTrade", "neobtc@ticker"],
        COMBINED,
        "streams=bnbbtc@aggTrade/neobtc@ticker",
    ),
    (
        "futures_multiplex_socket",
        {"streams": ["a@depth", "a@markPrice"]},
        "usdm",
        ["a@depth", "a@markPrice"],
        COMBINED,
        "usdm/streams=a@depth/a@markPrice",
    ),
    ("futures_depth_socket", {"symbol": "A"}, "usdm", ["a@depth10"], COMBINED, ""),
    ("futures_rpi_depth_socket", {"symbol": "A"}, "usdm", ["a@rpiDepth@500ms"], COMBINED, ""),
    (
        "options_ticker_socket",
        {"symbol": "BTC-251123-126000-C"},
        "usdm",
        ["btc-251123-126000-c@optionTicker"],
        PAYLOAD,
        "options/btc-251123-126000-c@optionTicker",
    ),
    (
        "options_ticker_by_expiration_socket",
        {"symbol": "ETHUSDT", "expiration_date": "251123"},
        "usdm",
        ["ethusdt@optionTicker@251123"],
        PAYLOAD,
        "",
    ),
    ("options_recent_trades_socket", {"symbol": "A"}, "usdm", ["a@optionTrade"], PAYLOAD, ""),
    ("options_kline_socket", {"symbol": "A"}, "usdm", ["a@kline_1m"], PAYLOAD, ""),
    ("options_depth_socket", {"symbol": "A"}, "usdm", ["a@depth10@500ms"], PAYLOAD, ""),
    ("options_book_ticker_socket", {"symbol": "A"}, "usdm", ["a@bookTicker"], PAYLOAD, ""),
    ("options_new_symbol_socket", {}, "usdm", ["!optionSymbol"], PAYLOAD, ""),
    (
        "options_open_interest_socket",
        {"symbol": "A", "expiration_date": "251123"},
        "usdm",
        ["a@optionOpenInterest@251123"],
        PAYLOAD,
        "",
    ),
    ("options_mark_price_socket", {"symbol": "A"}, "usdm", ["a@optionMarkPrice"], PAYLOAD, ""),
    ("options_index_price_socket", {}, "usdm", ["!index@arr"], PAYLOAD, ""),
    (
        "options_multiplex_socket",
        {"streams": ["a@optionMarkPrice", "!index@arr"]},
        "usdm",
        ["a@optionMarkPrice", "!index@arr"],
        COMBINED,
        "options/streams=a@optionMarkPrice/!index@arr",
    ),
)

ACCOUNTS: tuple[tuple[str, dict[str, Any], str, str, str | None], ...] = (
    ("user_socket", {}, "spot", "spot", None),
    ("margin_socket", {}, "spot", "margin", None),
    ("isolated_margin_socket", {"symbol": "bnb-btc"}, "spot", "isolated_margin", "BNBBTC"),
    ("futures_user_socket", {}, "usdm", "usdm", None),
    ("futures_socket", {}, "usdm", "usdm", None),
    ("coin_futures_user_socket", {}, "coinm", "coinm", None),
    ("coin_futures_socket", {}, "coinm", "coinm", None),
)


def called(method: str, given: dict[str, Any]) -> Request:
    """What a call comes to, with the table's defaults."""
    row = SOCKETS[method]
    values = {item.name: item.default for item in row.parameters} | given
    return row.request(**values)


def test_every_socket_of_the_peer_with_its_parameters() -> None:
    ours = {
        name: tuple((item.name, item.default) for item in row.parameters)
        for name, row in SOCKETS.items()
    }
    assert ours == PEER


@pytest.mark.parametrize(
    ("method", "given", "product", "names", "shape", "name"),
    CALLS,
    ids=[f"{index}-{call[0]}" for index, call in enumerate(CALLS)],
)
def test_what_a_call_comes_to(
    method: str, given: dict[str, Any], product: str, names: list[str], shape: Shape, name: str
) -> None:
    request = called(method, given)
    assert request.product == product
    assert [stream.name for stream in request.streams] == names
    assert request.shape is shape
    assert request.account is None
    if name:
        assert request.name == name


def test_every_market_socket_stands_among_the_calls() -> None:
    assert {call[0] for call in CALLS} | {row[0] for row in ACCOUNTS} == set(SOCKETS)


@pytest.mark.parametrize(("method", "given", "product", "account", "symbol"), ACCOUNTS)
def test_accounts(
    method: str, given: dict[str, Any], product: str, account: str, symbol: str | None
) -> None:
    request = called(method, given)
    assert (request.product, request.account, request.symbol) == (product, account, symbol)
    assert not request.streams


def test_names_tell_sockets_apart() -> None:
    """The peer's do not: spot and futures streams of one name are one socket to it."""
    requests = [called(call[0], call[1]) for call in CALLS]
    wanted = {(r.product, r.path, r.streams, r.shape, r.interval_ms, r.name) for r in requests}
    assert len({key[-1] for key in wanted}) == len(wanted)


def test_all_tickers_of_spot_are_made_of_each() -> None:
    request = called("ticker_socket", {})
    assert request.every_symbol is not None
    assert request.every_symbol("BNBBTC").name == "bnbbtc@ticker"
    quotes = called("book_ticker_socket", {})
    assert quotes.every_symbol is not None
    assert quotes.every_symbol("BNBBTC").name == "bnbbtc@bookTicker"


def test_options_are_asked_for_where_they_are_served() -> None:
    assert called("options_ticker_socket", {"symbol": "A"}).path == "/public"
    assert called("options_mark_price_socket", {"symbol": "A"}).path == "/market"


@pytest.mark.parametrize(
    ("method", "given", "says"),
    [
        ("depth_socket", {"symbol": "A", "interval": 250}, "250 ms"),
        ("depth_socket", {"symbol": "A", "depth": "7"}, "7 levels"),
        ("depth_socket", {"symbol": "A", "depth": "deep"}, "deep"),
        ("kline_socket", {"symbol": "A", "interval": "7m"}, "7m"),
        ("miniticker_socket", {"update_time": 10}, "update_time"),
        ("multiplex_socket", {"streams": "a@trade"}, "list"),
        ("multiplex_socket", {"streams": []}, "empty"),
        ("multiplex_socket", {"streams": ["!ticker@arr"]}, "retired"),
        ("options_multiplex_socket", {"streams": []}, "list"),
        ("futures_multiplex_socket", {"streams": ["a@depth"], "category": "x"}, "category"),
        ("aggtrade_futures_socket", {"symbol": "A", "futures_type": "usdm"}, "futures_type"),
        ("aggtrade_futures_socket", {"symbol": "A", "futures_type": []}, "futures_type"),
        ("futures_rpi_depth_socket", {"symbol": "A", "futures_type": COIN_M}, "rpi"),
        ("kline_futures_socket", {"symbol": "A", "contract_type": "x"}, "contract_type is one of"),
        ("trade_socket", {"symbol": "A B"}, "not a symbol"),
    ],
)
def test_what_the_venue_does_not_have_is_refused(
    method: str, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        called(method, given)


# The methods, written of the table.


@pytest.mark.parametrize("name", SOCKETS)
def test_the_methods_are_the_tables(name: str) -> None:
    row = SOCKETS[name]
    for owner, method, before in (
        (BinanceSocketManager, name, ["self"]),
        (ThreadedWebsocketManager, f"start_{name}", ["self", "callback"]),
    ):
        function = getattr(owner, method)
        assert inspect.getdoc(function) == row.about
        found = inspect.signature(function).parameters
        own = [item.name for item in row.parameters]
        extra = ["_ignored"] if row.takes_more and owner is BinanceSocketManager else []
        assert list(found) == [*before, *own, *extra, "typed"]
        for item in row.parameters:
            parameter = found[item.name]
            assert parameter.annotation == item.type
            expected = inspect.Parameter.empty if item.default is REQUIRED else item.default
            assert parameter.default == expected
            assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert found["typed"].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", SOCKETS)
def test_the_methods_pass_on_what_they_are_given(name: str) -> None:
    row = SOCKETS[name]
    values = {item.name: object() for item in row.parameters}
    calls: list[Any] = []

    class Asked(BinanceSocketManager):
        def __init__(self) -> None: ...

        def socket(self, method: str, typed: bool | None, values: dict[str, Any]) -> Any:
            calls.append((method, typed, values))

    class Started(ThreadedWebsocketManager):
        def __init__(self) -> None: ...

        def _start(self, method: str, callback: Any, typed: bool | None, values: Any) -> str:
            calls.append((method, typed, values))
            assert callback is print
            return "a name"

    getattr(Asked(), name)(*values.values(), typed=True)
    assert getattr(Started(), f"start_{name}")(print, **values) == "a name"
    assert calls == [(name, True, values), (name, None, values)]


def test_no_method_beside_the_table() -> None:
    started = {
        name.removeprefix("start_") for name in dir(ThreadedWebsocketManager) if "start_" in name
    }
    asked = {name for name in dir(BinanceSocketManager) if name.endswith("_socket")}
    assert started == asked == set(SOCKETS)


def test_the_constants_are_strings_that_the_table_takes() -> None:
    intervals = [getattr(enums, name) for name in enums.__all__ if name.startswith("KLINE_")]
    assert len(set(intervals)) == 16
    for interval in intervals:
        assert called("kline_socket", {"symbol": "A", "interval": interval}).streams
    for depth in ("5", "10", "20"):
        name = f"WEBSOCKET_DEPTH_{depth}"
        assert getattr(enums, name) == depth
        assert getattr(BinanceSocketManager, name) == depth
        assert getattr(ThreadedWebsocketManager, name) == depth


def test_the_constants_are_on_the_clients_too() -> None:
    assert AsyncClient.KLINE_INTERVAL_30MINUTE == Client.KLINE_INTERVAL_30MINUTE == "30m"
    for name in enums.__all__:
        if name.isupper():
            assert getattr(AsyncClient, name) == getattr(Client, name) == getattr(enums, name)


def test_every_error_of_the_peer_is_found_where_its_programs_look() -> None:
    """``from binance import …`` has what ``from binance.exceptions import …`` has."""
    assert set(exceptions.__all__) <= set(binance.__all__)
    for name in exceptions.__all__:
        assert getattr(binance, name) is getattr(exceptions, name)
