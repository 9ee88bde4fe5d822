"""Stream names, symbols, and which URL serves what."""

import pytest

from tickwire.errors import ConfigurationError
from tickwire.exchanges import Stream
from tickwire.exchanges.binance import (
    ENDPOINTS,
    LIMITS,
    StreamKind,
    plan_connections,
    streams,
    venue_symbol,
)
from tickwire.exchanges.binance.streams import Market, check_market, check_stream, parse_stream


@pytest.mark.parametrize(
    ("written", "venue"),
    [
        ("BTC-USDT", "BTCUSDT"),
        ("BTC/USDT", "BTCUSDT"),
        ("btcusdt", "BTCUSDT"),
        ("btc-Usdt", "BTCUSDT"),
        ("BTCUSDT_240628", "BTCUSDT_240628"),
        ("1000shib/usdt", "1000SHIBUSDT"),
        ("这是测试币456", "这是测试币456"),
    ],
)
def test_symbols_as_people_write_them(written: str, venue: str) -> None:
    assert venue_symbol(written) == venue


@pytest.mark.parametrize(
    "written",
    [
        *["", "-", "/", "btc usdt", "btcusdt@trade", 'btc"usdt', "btc\\usdt", "btc\nusdt"],
        *[
            "BTC-USDT&x=1",
            "BTC?",
            "btc=usdt",
            "btc+usdt",
            "btc%2fusdt",
            "btc;usdt",
            "btc#",
            "../btc",
        ],
        *["btc:usdt", "btc,usdt", "{btc}", "btc\u200busdt", "btc\x00", "!btc", "btc.usdt"],
    ],
)
def test_what_is_no_symbol_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match="not a symbol"):
        venue_symbol(written)


@pytest.mark.parametrize(
    ("stream", "name", "kind"),
    [
        (streams.trade("BTC-USDT"), "btcusdt@trade", StreamKind.TRADE),
        (streams.block_trade("BTC-USDT"), "btcusdt@blockTrade", StreamKind.BLOCK_TRADE),
        (streams.agg_trade("BTC-USDT"), "btcusdt@aggTrade", StreamKind.AGG_TRADE),
        (streams.book_ticker("BTC-USDT"), "btcusdt@bookTicker", StreamKind.BOOK_TICKER),
        (streams.kline("BTC-USDT", "1m"), "btcusdt@kline_1m", StreamKind.KLINE),
        (streams.kline("BTC-USDT", "1M"), "btcusdt@kline_1M", StreamKind.KLINE),
        (streams.kline("BTC-USDT", "1s"), "btcusdt@kline_1s", StreamKind.KLINE),
        (streams.mini_ticker("BTC-USDT"), "btcusdt@miniTicker", StreamKind.MINI_TICKER),
        (streams.ticker("BTC-USDT"), "btcusdt@ticker", StreamKind.TICKER),
        (streams.window_ticker("BTC-USDT", "4h"), "btcusdt@ticker_4h", StreamKind.WINDOW_TICKER),
        (streams.depth("BTC-USDT"), "btcusdt@depth", StreamKind.DEPTH),
        (streams.depth("BTC-USDT", speed_ms=1000), "btcusdt@depth", StreamKind.DEPTH),
        (streams.depth("BTC-USDT", speed_ms=100), "btcusdt@depth@100ms", StreamKind.DEPTH),
        (
            streams.depth("BTC-USDT", speed_ms=500, market="usdm"),
            "btcusdt@depth@500ms",
            StreamKind.DEPTH,
        ),
        (
            streams.depth("BTC-USDT", speed_ms=250, market="usdm"),
            "btcusdt@depth",
            StreamKind.DEPTH,
        ),
        (
            streams.partial_depth("BTC-USDT", 5, speed_ms=100),
            "btcusdt@depth5@100ms",
            StreamKind.PARTIAL_DEPTH,
        ),
        (
            streams.partial_depth("BTC-USDT", 20),
            "btcusdt@depth20",
            StreamKind.PARTIAL_DEPTH,
        ),
    ],
)
def test_a_built_stream_has_the_venues_name_and_the_callers_symbol(
    stream: Stream, name: str, kind: StreamKind
) -> None:
    assert (stream.name, stream.kind, stream.symbol) == (name, kind, "BTC-USDT")
    assert str(stream) == name
    # The same name read back means the same thing, under the venue's symbol.
    assert parse_stream(name) == Stream(name, kind, "BTCUSDT")


@pytest.mark.parametrize(
    ("stream", "name", "kind"),
    [
        (streams.all_mini_tickers(), "!miniTicker@arr", StreamKind.MINI_TICKER),
        (streams.all_tickers(), "!ticker@arr", StreamKind.TICKER),
        (streams.all_quotes(), "!bookTicker", StreamKind.BOOK_TICKER),
    ],
)
def test_whole_market_streams_have_no_symbol(stream: Stream, name: str, kind: StreamKind) -> None:
    assert stream == Stream(name, kind, "") == parse_stream(name)


@pytest.mark.parametrize(
    ("market", "stream", "name", "kind"),
    [
        ("spot", streams.average_price("BTC-USDT"), "btcusdt@avgPrice", "avgPrice"),
        ("spot", streams.reference_price("BTC-USDT"), "btcusdt@referencePrice", "referencePrice"),
        ("usdm", streams.mark_price("BTC-USDT"), "btcusdt@markPrice", "markPrice"),
        (
            "usdm",
            streams.mark_price("BTC-USDT", every_second=True),
            "btcusdt@markPrice@1s",
            "markPrice",
        ),
        ("usdm", streams.all_mark_prices(), "!markPrice@arr", "markPrice"),
        ("usdm", streams.all_mark_prices(every_second=True), "!markPrice@arr@1s", "markPrice"),
        ("usdm", streams.rpi_depth("BTC-USDT"), "btcusdt@rpiDepth@500ms", "rpiDepth"),
        (
            "usdm",
            streams.continuous_kline("BTC-USDT", "PERPETUAL", "1s"),
            "btcusdt_perpetual@continuousKline_1s",
            "continuousKline",
        ),
        ("usdm", streams.force_order("BTC-USDT"), "btcusdt@forceOrder", "forceOrder"),
        ("usdm", streams.all_force_orders(), "!forceOrder@arr", "forceOrder"),
        ("usdm", streams.composite_index("DEFI-USDT"), "defiusdt@compositeIndex", "compositeIndex"),
        ("usdm", streams.asset_index("ADAUSD"), "adausd@assetIndex", "assetIndex"),
        ("usdm", streams.all_asset_indexes(), "!assetIndex@arr", "assetIndex"),
        ("usdm", streams.contract_info(), "!contractInfo", "contractInfo"),
        ("usdm", streams.trading_session(), "tradingSession", "tradingSession"),
        ("coinm", streams.index_price("BTCUSD"), "btcusd@indexPrice", "indexPrice"),
        (
            "coinm",
            streams.index_price("BTCUSD", every_second=True),
            "btcusd@indexPrice@1s",
            "indexPrice",
        ),
        (
            "coinm",
            streams.index_price_kline("BTCUSD", "1m"),
            "btcusd@indexPriceKline_1m",
            "indexPriceKline",
        ),
        (
            "coinm",
            streams.mark_price_kline("BTCUSD_PERP", "1M"),
            "btcusd_perp@markPriceKline_1M",
            "markPriceKline",
        ),
        ("spot", streams.all_window_tickers("4h"), "!ticker_4h@arr", "windowTicker"),
    ],
)
def test_the_streams_of_one_market(market: Market, stream: Stream, name: str, kind: str) -> None:
    assert (stream.name, stream.kind) == (name, kind)
    assert parse_stream(name).kind == kind
    check_stream(stream, market)


def test_continuous_candles_of_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="no contract type"):
        streams.continuous_kline("BTCUSDT", "weekly", "1m")
    with pytest.raises(ConfigurationError, match="interval"):
        streams.continuous_kline("BTCUSDT", "perpetual", "7m")
    with pytest.raises(ConfigurationError, match="2h"):
        streams.all_window_tickers("2h")


def test_a_stream_without_a_symbol_in_the_callers_words() -> None:
    with pytest.raises(ConfigurationError):
        streams.trade("")


@pytest.mark.parametrize("interval", ["7m", "1H", "1Min", "", "60"])
def test_an_interval_that_is_none_is_refused(interval: str) -> None:
    with pytest.raises(ConfigurationError, match="interval"):
        streams.kline("BTC-USDT", interval)


def test_seconds_exist_on_spot_only() -> None:
    with pytest.raises(ConfigurationError, match="1s"):
        streams.kline("BTC-USDT", "1s", market="usdm")
    with pytest.raises(ConfigurationError, match="1s"):
        check_stream(parse_stream("btcusdt@kline_1s"), "usdm")


@pytest.mark.parametrize(("market", "speed"), [("spot", 250), ("spot", 500), ("usdm", 1000)])
def test_a_speed_that_the_market_does_not_have_is_refused(market: Market, speed: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{speed} ms"):
        streams.depth("BTC-USDT", speed_ms=speed, market=market)
    with pytest.raises(ConfigurationError, match=f"{speed} ms"):
        check_stream(parse_stream(f"btcusdt@depth5@{speed}ms"), market)


def test_levels_and_windows_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="7 levels"):
        streams.partial_depth("BTC-USDT", 7)
    with pytest.raises(ConfigurationError, match="2h"):
        streams.window_ticker("BTC-USDT", "2h")


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("BTCUSDT@aggTrade", "btcusdt@aggTrade"),
        ("btcusdt@kline_1M", "btcusdt@kline_1M"),
        ("BtcUsdt@kline_1m@+08:00", "btcusdt@kline_1m@+08:00"),
        ("BTCUSDT@depth20@100ms", "btcusdt@depth20@100ms"),
    ],
)
def test_only_the_symbol_of_a_name_is_lowered(name: str, normal: str) -> None:
    assert parse_stream(name).name == normal


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("btcusdt@aggtrade", "@aggTrade"),
        ("btcusdt@BOOKTICKER", "@bookTicker"),
        ("btcusdt@Kline_1m", "@kline_<interval>"),
        ("btcusdt@depth@100MS", "@depth"),
        ("btcusdt", "btcusdt@trade"),
        ("btcusdt@", "btcusdt@trade"),
        ("@trade", "symbol"),
        ("", "btcusdt@trade"),
        ('!x"', "btcusdt@trade"),
        ("btcusdt@newThing&x=1", "btcusdt@trade"),
        ("btcusdt@newThing/ethusdt@trade", "btcusdt@trade"),
        ("btcusdt&x=1@trade", "not a symbol"),
        ("btcusdt@markprice", "@markPrice"),
        ("btcusdt@continuousKline_7m", "interval"),
    ],
)
def test_a_name_that_the_venue_would_swallow_in_silence_is_refused(name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        parse_stream(name)


@pytest.mark.parametrize(
    "name", ["btcusdt@newThing@1s", "btcusdt@new_thing", "!newThing", "!newThing@arr"]
)
def test_streams_without_a_type_are_let_through(name: str) -> None:
    assert parse_stream(name).kind == StreamKind.OTHER
    assert parse_stream(name).name == name


@pytest.mark.parametrize(
    ("market", "name"),
    [
        ("spot", "!ticker@arr"),
        ("spot", "!bookTicker"),
        ("usdm", "btcusdt@blockTrade"),
        ("usdm", "btcusdt@ticker_1h"),
        ("usdm", "!ticker_1h@arr"),
        ("usdm", "btcusdt@avgPrice"),
        ("usdm", "btcusdt@indexPrice"),
        ("spot", "btcusdt@markPrice@1s"),
        ("spot", "!forceOrder@arr"),
        ("spot", "tradingSession"),
        ("coinm", "btcusd_perp@rpiDepth@500ms"),
        ("coinm", "btcusd_perp@kline_1s"),
        ("coinm", "btcusd@indexPriceKline_1s"),
    ],
)
def test_a_stream_that_the_market_does_not_have_is_refused(market: Market, name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        check_stream(parse_stream(name), market)


def test_markets_by_name() -> None:
    assert check_market("spot") == "spot"
    assert check_market("usdm") == "usdm"
    assert check_market("coinm") == "coinm"
    with pytest.raises(ConfigurationError, match="spot, usdm, coinm"):
        check_market("options")


# Connections


def test_spot_is_one_host_for_all() -> None:
    [plan] = plan_connections(["btcusdt@trade", streams.depth("ETH-USDT")], market="spot")
    assert plan.url == "wss://stream.binance.com:9443/stream"
    assert [stream.symbol for stream in plan.streams] == ["BTCUSDT", "ETH-USDT"]


PUBLIC = [
    "btcusdt@bookTicker",
    "!bookTicker",
    "btcusdt@depth@100ms",
    "btcusdt@depth",
    "btcusdt@depth20@500ms",
    "btcusdt@rpiDepth@500ms",
]
MARKET = [
    "btcusdt@aggTrade",
    "btcusdt@markPrice@1s",
    "!markPrice@arr@1s",
    "btcusdt@kline_1m",
    "btcusdt_perpetual@continuousKline_1m",
    "btcusdt@miniTicker",
    "!miniTicker@arr",
    "btcusdt@ticker",
    "!ticker@arr",
    "btcusdt@forceOrder",
    "!contractInfo",
    "tradingSession",
]


@pytest.mark.parametrize("combined", [True, False])
def test_usdm_is_split_by_class(combined: bool) -> None:
    mixed = [name for pair in zip(MARKET, PUBLIC * 2, strict=True) for name in pair]
    plans = plan_connections(mixed, market="usdm", combined=combined)
    end = "stream" if combined else "ws"
    assert {plan.url: [stream.name for stream in plan.streams] for plan in plans} == {
        f"wss://fstream.binance.com/market/{end}": MARKET,
        f"wss://fstream.binance.com/public/{end}": PUBLIC,
    }


def test_the_stream_limit_opens_another_connection() -> None:
    limit = LIMITS["spot"].streams_per_connection
    names = [f"sym{number}@trade" for number in range(2 * limit + 1)]
    plans = plan_connections([*names, *names], market="spot")
    assert [len(plan.streams) for plan in plans] == [limit, limit, 1]
    assert [stream.name for plan in plans for stream in plan.streams] == names


def test_a_stream_under_two_names_is_connected_once() -> None:
    [plan] = plan_connections(
        [streams.trade("BTC-USDT"), "BTCUSDT@trade", streams.trade("BTC/USDT")], market="spot"
    )
    assert plan.streams == (streams.trade("BTC-USDT"),)


def test_another_server_keeps_the_paths() -> None:
    plans = plan_connections(
        ["btcusdt@trade", "btcusdt@depth"], market="usdm", base_url="ws://127.0.0.1:80/"
    )
    assert [plan.url for plan in plans] == [
        "ws://127.0.0.1:80/market/stream",
        "ws://127.0.0.1:80/public/stream",
    ]


def test_the_testnet_is_another_host() -> None:
    for market in ("spot", "usdm"):
        [plan] = plan_connections(["btcusdt@kline_1m"], market=market, environment="testnet")
        assert plan.url.startswith(ENDPOINTS[market, "testnet"])


def test_nothing_is_planned_for_a_stream_that_does_not_exist() -> None:
    with pytest.raises(ConfigurationError):
        plan_connections(["btcusdt@trade", "!bookTicker"], market="spot")


def test_no_streams_no_connections() -> None:
    assert plan_connections([], market="spot") == []


def test_coinm_is_one_host_for_all() -> None:
    [plan] = plan_connections(["btcusd_perp@trade", "btcusd_perp@depth"], market="coinm")
    assert plan.url == "wss://dstream.binance.com/stream"


def test_microseconds_are_asked_for_in_the_url() -> None:
    [plan] = plan_connections(["btcusdt@trade"], market="spot", time_unit="microsecond")
    assert plan.url == "wss://stream.binance.com:9443/stream?timeUnit=MICROSECOND"
    with pytest.raises(ConfigurationError, match="milliseconds only"):
        plan_connections(["btcusdt@markPrice"], market="usdm", time_unit="microsecond")
