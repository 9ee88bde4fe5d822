"""The book codec: bytes through, identities as the ordinary codec gives them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tickwire.book import SnapshotRequest
from tickwire.errors import ConfigurationError
from tickwire.exchanges import BookUpdate, RotateBy, SubscriptionState
from tickwire.exchanges.binance import BinanceBookCodec, BinanceBookVenue, BinanceCodec, streams
from tickwire.exchanges.binance.books import affordable_levels
from tickwire.market import BookDelta

NAME = "btcusdt@depth@100ms"
UPDATES: dict[Any, dict[str, Any]] = {
    "spot": {"e": "depthUpdate", "E": 123, "s": "BTCUSDT", "U": 157, "u": 160},
    "usdm": {"e": "depthUpdate", "E": 123, "T": 122, "s": "BTCUSDT", "U": 157, "u": 160, "pu": 149},
    "coinm": {
        "e": "depthUpdate",
        "E": 123,
        "T": 122,
        "s": "BTCUSD_PERP",
        "ps": "BTCUSD",
        "U": 157,
        "u": 160,
        "pu": 149,
    },
}
LEVELS = {"b": [["0.0024", "10"]], "a": [["0.0026", "100"]]}


def codec(market: Any) -> BinanceBookCodec:
    made = BinanceBookCodec(market)
    made.subscribe([streams.depth("BTC-USDT", speed_ms=100, market=market)])
    return made


def spellings(market: str) -> list[bytes]:
    update = UPDATES[market] | LEVELS
    turned = dict(reversed(update.items()))
    return [
        orjson.dumps({"stream": NAME, "data": update}),
        orjson.dumps({"stream": NAME, "data": turned}),
        orjson.dumps({"data": update, "stream": NAME}),
        orjson.dumps({"stream": NAME, "data": update}, option=orjson.OPT_INDENT_2),
        orjson.dumps({"stream": NAME, "data": update | {"news": "x" * 500}}),
    ]


@pytest.mark.parametrize("market", ["spot", "usdm", "coinm"])
@pytest.mark.parametrize("spelling", range(5))
def test_an_update_is_its_bytes_and_known_as_its_event_is(market: Any, spelling: int) -> None:
    frame = spellings(market)[spelling]
    found: list[Any] = []
    made = codec(market)
    made.receive_many([frame], 1, found)
    assert found == [BookUpdate("BTC-USDT", frame)]
    plain = BinanceCodec(market)
    plain.subscribe([streams.depth("BTC-USDT", speed_ms=100, market=market)])
    events: list[Any] = []
    plain.receive(frame, 1, events)
    [event] = events
    assert isinstance(event, BookDelta)
    mine = made.identify(frame, found[0])
    assert mine is not None
    assert (mine.sequence, mine.first) == (160, 157 if market == "spot" else 150)
    assert mine.stream == NAME.encode()
    theirs = plain.identify(frame, event)
    assert theirs is not None
    assert (mine.sequence, mine.first) == (theirs.sequence, theirs.first)
    assert made.stats.events == {"depth": 1} or made.stats.events == {"depth": 2}


def test_what_has_no_numbers_has_no_identity() -> None:
    frame = b'{"stream":"btcusdt@depth@100ms","data":{"U":"x","u":[]}}'
    made = codec("spot")
    found: list[Any] = []
    made.receive(frame, 1, found)
    assert made.identify(frame, found[0]) is None
    torn = b'{"stream":"btcusdt@depth@100ms","data":{"e":"dep'
    made.receive(torn, 1, found)
    assert made.identify(torn, found[1]) is None


def test_answers_notices_and_strangers_are_no_updates() -> None:
    made = codec("spot")
    found: list[Any] = []
    made.receive(b'{"result":null,"id":1}', 1, found)
    assert made.subscriptions[NAME] == SubscriptionState.ACCEPTED
    made.receive(b'{"e":"serverShutdown","E":1}', 7, found)
    assert made.take_directive() == RotateBy(7, "serverShutdown")
    made.receive(spellings("spot")[0].replace(b"btcusdt", b"ethusdt"), 1, found)
    made.receive(b'{"error":{"code":2,"msg":"no"}}', 1, found)
    assert [error.code for error in made.take_errors()] == [2]
    assert found == []
    assert made.take_output() == []
    made.reset()
    assert not made.subscriptions


def test_a_stream_without_changes_of_a_book_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no changes of a book"):
        BinanceBookCodec("spot").subscribe(["btcusdt@trade"])


@pytest.mark.parametrize(
    ("market", "books", "levels"),
    [
        ("spot", 1, 5000),
        ("spot", 19, 5000),
        ("spot", 20, 1000),
        ("spot", 96, 1000),
        ("spot", 192, 500),
        ("spot", 193, 100),
        ("spot", 3000, 100),
        ("usdm", 96, 1000),
        ("usdm", 97, 500),
        ("coinm", 384, 100),
        ("coinm", 3000, 100),
    ],
)
def test_how_deep_it_begins(market: Any, books: int, levels: int) -> None:
    venue = BinanceBookVenue(books, market=market)
    assert venue.levels == levels
    assert affordable_levels(market, books, venue.budget.weight) == levels
    assert venue.book("BTC-USDT").rules.limit == levels


@pytest.mark.parametrize(
    ("how", "url"),
    [
        ({}, "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=100"),
        (
            {"environment": "testnet"},
            "https://testnet.binance.vision/api/v3/depth?symbol=BTCUSDT&limit=100",
        ),
        ({"url": "ws://h:1"}, "http://h:1/api/v3/depth?symbol=BTCUSDT&limit=100"),
        ({"url": "wss://h:1/"}, "https://h:1/api/v3/depth?symbol=BTCUSDT&limit=100"),
        (
            {"url": "ws://h:1", "rest_url": "http://r:2"},
            "http://r:2/api/v3/depth?symbol=BTCUSDT&limit=100",
        ),
        ({"market": "usdm"}, "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=100"),
        ({"market": "coinm"}, "https://dapi.binance.com/dapi/v1/depth?symbol=BTCUSDT&limit=100"),
    ],
)
def test_where_snapshots_are(how: dict[str, Any], url: str) -> None:
    venue = BinanceBookVenue(1, levels=100, **how)
    request = venue.snapshot(SnapshotRequest("BTC-USDT", 100, 0, 1, "test"))
    assert request.url == url
    assert request.weight == 5


def test_microseconds_are_asked_for_in_the_address() -> None:
    [plan] = BinanceBookVenue(1, time_unit="microsecond").plan(["BTC-USDT"])
    assert plan.url.endswith("?timeUnit=MICROSECOND")
    assert [stream.symbol for stream in plan.streams] == ["BTC-USDT"]
