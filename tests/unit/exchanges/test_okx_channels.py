"""OKX's names: streams, instruments, candles, addresses; the login's vectors; requests."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tickwire.credentials import Credentials
from tickwire.errors import CodecError, ConfigurationError
from tickwire.exchanges.okx.channels import (
    Kind,
    arg_of,
    as_stream,
    bar_of,
    instrument_name,
    kind_of,
    path_of,
)
from tickwire.exchanges.okx.requests import REQUEST_BYTES, Requests
from tickwire.exchanges.okx.signing import login_request, sign
from tickwire.exchanges.okx.venue import OkxVenue
from tickwire.exchanges.venue import Channel, VenueSettings, Want

KEYS = Credentials("key", "22582BD0CFF14C41EDBF1AB98506286D", passphrase="phrase")


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("1704876947", "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="),
        ("1538054050", "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M="),
    ],
)
def test_the_signature(timestamp: str, expected: str) -> None:
    assert sign("22582BD0CFF14C41EDBF1AB98506286D", timestamp) == expected
    request = orjson.loads(login_request(KEYS, int(timestamp) * 10**9 + 999_999_999))
    assert request == {
        "op": "login",
        "args": [
            {"apiKey": "key", "passphrase": "phrase", "timestamp": timestamp, "sign": expected}
        ],
    }


@pytest.mark.parametrize(
    "credentials",
    [None, Credentials("key"), Credentials("key", "secret")],
    ids=["none", "key", "no-passphrase"],
)
def test_a_login_needs_all_three(credentials: Credentials | None) -> None:
    with pytest.raises(ConfigurationError, match="passphrase"):
        OkxVenue(VenueSettings(credentials=credentials)).plan([Want(Channel.ORDERS)])


@pytest.mark.parametrize(
    ("name", "arg"),
    [
        ("status", {"channel": "status"}),
        ("books:BTC-USDT", {"channel": "books", "instId": "BTC-USDT"}),
        ("positions:instType=ANY", {"channel": "positions", "instType": "ANY"}),
        (
            "orders:instType=SWAP,instFamily=BTC-USDT",
            {"channel": "orders", "instType": "SWAP", "instFamily": "BTC-USDT"},
        ),
        (
            'account:ccy=BTC,extraParams={"updateInterval": "0", "a": "b=c"}',
            {
                "channel": "account",
                "ccy": "BTC",
                "extraParams": '{"updateInterval": "0", "a": "b=c"}',
            },
        ),
    ],
)
def test_stream_names(name: str, arg: dict[str, str]) -> None:
    assert as_stream(name).name == name
    request = orjson.loads(Requests().subscribe([name])[0])
    assert request["op"] == "subscribe"
    assert request["args"] == [arg]
    assert request["id"].isalnum()


@pytest.mark.parametrize(
    "name", ["", ":", "books:", "bo oks:A", "orders:foo=1", "orders:instType="]
)
def test_no_stream_names(name: str) -> None:
    with pytest.raises(ConfigurationError):
        arg_of(name)


def test_instrument_names() -> None:
    assert instrument_name("btc/usdt") == instrument_name("BTC_USDT") == "BTC-USDT"
    assert instrument_name("BTC-USD-220514-22000-C") == "BTC-USD-220514-22000-C"
    for wrong in ("BTCUSDT", "", "BTC USDT", "BTC-", "BTC--USDT", 'BTC-"'):
        with pytest.raises(ConfigurationError):
            instrument_name(wrong)


def test_candles_and_addresses() -> None:
    assert [bar_of(x) for x in ("1s", "1m", "1h", "1H", "1d", "1W", "1M", "1Dutc", "3Mutc")] == [
        *("1s", "1m", "1H", "1H", "1D", "1W", "1M", "1Dutc", "3Mutc")
    ]
    for wrong in ("7m", "1Hutc", "", "1y"):
        with pytest.raises(ConfigurationError, match="candles"):
            bar_of(wrong)
    paths = {
        "books": "public",
        "trades-all": "business",
        "candle1m": "business",
        "mark-price-candle1H": "business",
        "mark-price": "public",
        "orders": "private",
        "orders-algo": "business",
        "something-new": "public",
    }
    assert {channel: path_of(channel) for channel in paths} == paths
    assert kind_of("candle1D") is Kind.KLINE
    assert kind_of("something-new") is Kind.OTHER


def test_requests_keep_to_the_size() -> None:
    names = [f"books:BASE{number}-USDT-SWAP" for number in range(3_000)]
    requests = Requests().subscribe(names)
    assert len(requests) > 1
    assert all(len(frame) < 64 << 10 for frame in requests)
    assert all(len(frame) > REQUEST_BYTES * 0.9 for frame in requests[:-1])
    asked = [arg["instId"] for frame in requests for arg in orjson.loads(frame)["args"]]
    assert asked == [name.removeprefix("books:") for name in names]
    assert len({orjson.loads(frame)["id"] for frame in requests}) == len(requests)


def plan(wants: list[Want], **settings: object) -> list[tuple[str, int, bool]]:
    venue = OkxVenue(VenueSettings(**settings))  # type: ignore[arg-type]
    return [(p.url, len(p.streams), p.is_private) for p in venue.plan(wants)]


def test_a_plan() -> None:
    wants = [
        Want(Channel.TRADES, "BTC-USDT"),
        Want(Channel.BOOKS, "BTC-USDT"),
        Want(Channel.BOOKS, "btc/usdt"),
        Want(Channel.KLINES, "BTC-USDT", "1m"),
        Want(Channel.ORDERS),
        Want(None, "status"),
    ]
    assert plan(wants, credentials=KEYS) == [
        ("wss://ws.okx.com/ws/v5/public", 3, False),
        ("wss://ws.okx.com/ws/v5/business", 1, False),
        ("wss://ws.okx.com/ws/v5/private", 1, True),
    ]
    books = [Want(Channel.BOOKS, f"A{number}-USDT") for number in range(30)]
    assert [count for _, count, _ in plan(books)] == [29, 1]


def test_environments_and_options() -> None:
    wants = [Want(Channel.BOOKS, "BTC-USDT")]
    found = {
        plan(wants, environment="demo", options={"port": 8443})[0][0],
        plan(wants, options={"region": "eea"})[0][0],
        plan(wants, url="ws://127.0.0.1:9/")[0][0],
    }
    assert found == {
        "wss://wspap.okx.com:8443/ws/v5/public",
        "wss://wseea.okx.com/ws/v5/public",
        "ws://127.0.0.1:9/ws/v5/public",
    }
    assert plan(wants, options={"books": "books-l2-tbt"}, credentials=KEYS)[0][2]
    wrongs: list[dict[str, Any]] = [
        {"options": {"port": 80}},
        {"options": {"region": "us"}, "environment": "demo"},
        {"options": {"deep": 1}},
        {"options": {"books": "books5"}},
        {"market": "margin"},
    ]
    for wrong in wrongs:
        with pytest.raises(ConfigurationError):
            OkxVenue(VenueSettings(**wrong))


def test_the_market_completes_names() -> None:
    swap = OkxVenue(VenueSettings(market="swap"))
    assert swap.venue_symbol("btc-usdt") == "BTC-USDT-SWAP"
    assert swap.venue_symbol("BTC-USD-260327") == "BTC-USD-260327"
    assert OkxVenue(VenueSettings()).venue_symbol("BTC-USDT-SWAP") == "BTC-USDT-SWAP"
    stream = swap.plan([Want(Channel.TRADES, "BTC/USDT")])[0].streams[0]
    assert (stream.name, stream.symbol) == ("trades:BTC-USDT-SWAP", "BTC/USDT")


def test_instruments() -> None:
    venue = OkxVenue(VenueSettings(market="swap", environment="demo"))
    request = venue.instruments_request()
    assert request.url.endswith("/api/v5/public/instruments?instType=SWAP")
    assert ("x-simulated-trading", "1") in request.headers
    row = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "baseCcy": "", "quoteCcy": ""}
    row |= {"tickSz": "0.1", "lotSz": "0.01", "state": "suspend"}
    found = venue.parse_instruments(orjson.dumps({"code": "0", "data": [row]}))[0]
    assert (found.symbol, found.base, found.quote) == ("BTC-USDT-SWAP", "BTC", "USDT")
    assert (found.kind, found.price_tick, found.is_trading) == ("perpetual", "0.1", False)
    with pytest.raises(CodecError):
        venue.parse_instruments(b'{"code":"50011"}')
