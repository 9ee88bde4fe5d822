"""The callback client on a scripted clock, with a venue without sockets."""

from __future__ import annotations

import asyncio
import functools
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.venue import FakeSocket, Venue, closed_by, cut, refused
from tickwire.binance import BinanceWebSocket, BinanceWebsocketQueueOverflow
from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.manager import ScriptedClock, WebSocketConnectionError, WebSocketError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 20.0


def trade(number: int, symbol: str = "BTCUSDT", price: str = "42500.00") -> dict[str, Any]:
    return {
        "stream": f"{symbol.lower()}@trade",
        "data": {
            **{"e": "trade", "E": 1703520000000 + number, "s": symbol, "t": number, "p": price},
            **{"q": "0.5", "T": 1703520000000 + number, "m": False, "M": True},
        },
    }


def acknowledges(socket: FakeSocket) -> None:
    """Have a socket answer every request with a yes."""
    send = socket.send

    async def sent(frame: str | bytes, *, timeout: float | None = None) -> None:
        await send(frame)
        socket.deliver({"result": None, "id": socket.sent[-1]["id"]})

    socket.send = sent  # type: ignore[method-assign]


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
async def venue(clock: ScriptedClock) -> AsyncIterator[Venue]:
    before = asyncio.all_tasks()
    made = Venue(clock)
    made.greet = acknowledges
    yield made
    await clock.settle()
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    for task in left:
        task.cancel()
    assert not left, left


def client(venue: Venue, **settings: Any) -> BinanceWebSocket:
    return BinanceWebSocket(session=venue, clock=venue.clock, seed=1, **settings)  # type: ignore[arg-type]


def asked(socket: FakeSocket, method: str = "SUBSCRIBE") -> list[list[str]]:
    return [frame["params"] for frame in socket.sent if frame["method"] == method]


async def test_a_life(venue: Venue) -> None:
    told: list[Any] = []
    ws = client(venue)
    ws.on_connect(lambda: told.append("connect"))

    @ws.on_disconnect
    async def gone() -> None:
        told.append("disconnect")

    ws.on_message(told.append)
    await ws.connect()
    assert told == ["connect"]
    assert ws.is_connected
    trades: list[dict[str, Any]] = []
    assert await ws.subscribe_trade("BTC-USDT", trades.append) == ["btcusdt@trade"]
    venue.sockets[0].deliver(trade(1))
    await venue.clock.settle()
    assert trades == [
        {
            **{"type": "trade", "symbol": "BTCUSDT", "trade_id": 1, "price": 42500.0},
            **{"quantity": 0.5, "timestamp": 1703520000001, "is_buyer_maker": False},
        }
    ]
    assert told[1:] == trades
    assert ws.prices == {"BTCUSDT": 42500.0}
    assert ws.status["messages"] == 1
    running = asyncio.create_task(ws.run_forever())
    await venue.clock.settle()
    assert not running.done()
    await ws.disconnect()
    await running
    assert told[-1] == "disconnect"
    assert not ws.is_connected
    assert venue.open_sockets == []


async def test_two_callbacks_are_one_subscription(venue: Venue) -> None:
    first: list[Any] = []
    second: list[Any] = []
    ws = client(venue)
    await ws.subscribe_trade("BTCUSDT", first.append)
    await ws.connect()
    await ws.subscribe_trade("btcusdt", second.append)
    (socket,) = venue.sockets
    assert asked(socket) == [["btcusdt@trade"]]
    socket.deliver(trade(1))
    await venue.clock.settle()
    assert len(first) == len(second) == 1
    await ws.unsubscribe("btcusdt@trade", callback=first.append)
    assert asked(socket, "UNSUBSCRIBE") == []
    socket.deliver(trade(2))
    await venue.clock.settle()
    assert (len(first), len(second)) == (1, 2)
    await ws.unsubscribe("BTC-USDT")
    assert asked(socket, "UNSUBSCRIBE") == [["btcusdt@trade"]]
    assert ws.streams == []
    socket.deliver(trade(3))
    await venue.clock.settle()
    assert len(second) == 2
    await ws.disconnect()


async def test_many_symbols_are_one_request(venue: Venue) -> None:
    """Five messages a second is the venue's limit: a hundred symbols must not take 25 seconds."""
    symbols = [f"A{number}USDT" for number in range(100)]
    async with client(venue) as ws:
        names = await ws.subscribe_ticker(symbols, print, mini=True)
        assert asked(venue.sockets[0]) == [names]
        assert len(names) == 100


async def test_more_streams_than_a_connection_carries(venue: Venue) -> None:
    told: list[str] = []
    async with client(venue) as ws:
        ws.on_connect(lambda: told.append("again"))
        ws.on_disconnect(lambda: told.append("gone"))
        await ws.subscribe_trade([f"A{number}USDT" for number in range(1025)], print)
        await venue.clock.advance(5.0)
        assert [sum(map(len, asked(socket))) for socket in venue.sockets] == [1024, 1]
        # One more connection is no reconnect.
        assert told == []
        venue.sockets[1].end(cut())
        await venue.clock.settle()
        assert told == ["gone"]
        await venue.clock.advance(60.0)
        assert told == ["gone", "again"]


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_where_it_connects(venue: Venue, market: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("TICKWIRE_SIMULATOR", "http://127.0.0.1:99")
    async with client(venue, market=market) as ws:
        await ws.subscribe_ticker("BTCUSDT", print)
        await ws.subscribe_book_ticker("BTCUSDT", print)
    urls = [url for _, url, _ in venue.connects]
    base = "ws://127.0.0.1:99"
    by_class = [f"{base}/market/stream", f"{base}/public/stream"]
    assert urls == ([f"{base}/stream"] if market == "spot" else by_class)


@pytest.mark.parametrize(
    "arguments", [("5m", print), (print, "5m")], ids=["interval first", "callback first"]
)
async def test_both_orders_of_a_kline_subscription(
    venue: Venue, arguments: tuple[Any, Any]
) -> None:
    ws = client(venue)
    assert await ws.subscribe_kline("BTCUSDT", *arguments) == ["btcusdt@kline_5m"]
    assert await ws.subscribe_kline("BTCUSDT", print) == ["btcusdt@kline_1m"]
    with pytest.raises(ConfigurationError, match="no kline interval '7m'"):
        await ws.subscribe_kline("BTCUSDT", "7m", print)
    with pytest.raises(ConfigurationError, match="a callback is a function"):
        await ws.subscribe_kline("BTCUSDT", "1m")
    assert ws.streams == ["btcusdt@kline_5m", "btcusdt@kline_1m"]


@pytest.mark.parametrize("style", ["sync", "async"])
async def test_a_callback_that_raises(venue: Venue, style: str) -> None:
    errors: list[Exception] = []
    seen: list[Any] = []

    def breaks(data: Any) -> None:
        raise ValueError(data["trade_id"])

    async def breaks_later(data: Any) -> None:
        await asyncio.sleep(0)
        breaks(data)

    async with client(venue) as ws:
        ws.on_error(errors.append)
        await ws.subscribe_trade("BTCUSDT", breaks if style == "sync" else breaks_later)
        await ws.subscribe_trade("BTCUSDT", seen.append)
        venue.sockets[0].deliver(trade(1), trade(2))
        await venue.clock.settle()
        assert [error.args for error in errors] == [(1,), (2,)]
        assert len(seen) == 2
        assert ws.status["errors"] == 2


async def test_an_on_error_that_raises(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and neither called again for that nor the end of anything."""
    calls: list[Exception] = []

    def handler(error: Exception) -> None:
        calls.append(error)
        raise RuntimeError("from the handler")

    async with client(venue) as ws:
        ws.on_error(handler)
        await ws.subscribe_trade("BTCUSDT", lambda data: 1 / 0)
        venue.sockets[0].deliver(trade(1), trade(2))
        await venue.clock.settle()
    assert [type(error) for error in calls] == [ZeroDivisionError] * 2
    assert [record.message for record in caplog.records] == ["RuntimeError: from the handler"] * 2


async def test_without_on_error_it_is_logged(
    venue: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    async with client(venue) as ws:
        await ws.subscribe_trade("BTCUSDT", lambda data: 1 / 0)
        venue.sockets[0].deliver(trade(1))
        await venue.clock.settle()
    assert [record.message for record in caplog.records] == ["ZeroDivisionError: division by zero"]


class Slow:
    """An async callback that is let go call by call."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.gate = asyncio.Semaphore(0)

    async def __call__(self, data: dict[str, Any]) -> None:
        self.begun.append(data["trade_id"])
        await self.gate.acquire()


async def test_a_slow_callback_drops_its_oldest(venue: Venue) -> None:
    errors: list[Exception] = []
    quick: list[Any] = []
    slow = Slow()
    async with client(venue, queue_size=3) as ws:
        ws.on_error(errors.append)
        await ws.subscribe_trade("BTCUSDT", slow)
        await ws.subscribe_trade("BTCUSDT", quick.append)
        for number in range(1, 11):
            venue.sockets[0].deliver(trade(number))
            await venue.clock.settle()
        assert len(quick) == 10
        assert ws.status["waiting"] == 3
        assert ws.status["dropped"] == 6
        # One run of drops is one error.
        assert [type(error) for error in errors] == [BinanceWebsocketQueueOverflow]
        for _ in range(4):
            slow.gate.release()
        await venue.clock.settle()
        assert slow.begun == [1, 8, 9, 10]
        venue.sockets[0].deliver(*(trade(number) for number in range(11, 16)))
        await venue.clock.settle()
        assert len(errors) == 2


async def test_a_slow_callback_that_blocks_loses_nothing(venue: Venue) -> None:
    slow = Slow()
    quick: list[Any] = []
    async with client(venue, queue_size=3, overflow="block") as ws:
        await ws.subscribe_trade("BTCUSDT", slow)
        await ws.subscribe_trade("BTCUSDT", quick.append)
        for number in range(1, 11):
            venue.sockets[0].deliver(trade(number))
        await venue.clock.settle()
        # One runs, three wait, and the rest has not been handed to anybody.
        assert len(quick) == 4
        assert ws.status["waiting"] == 3
        for _ in range(10):
            slow.gate.release()
            await venue.clock.settle()
        assert slow.begun == list(range(1, 11))
        assert len(quick) == 10
        assert ws.status["dropped"] == 0


async def test_a_blocked_client_can_be_closed(venue: Venue) -> None:
    slow = Slow()
    ws = client(venue, queue_size=1, overflow="block")
    await ws.connect()
    await ws.subscribe_trade("BTCUSDT", slow)
    venue.sockets[0].deliver(*(trade(number) for number in range(1, 6)))
    await venue.clock.settle()
    async with asyncio.timeout(PATIENCE):
        await ws.disconnect()
    assert slow.begun == [1]


async def test_a_callback_that_unsubscribes_itself(venue: Venue) -> None:
    seen: list[int] = []
    async with client(venue) as ws:

        async def once(data: dict[str, Any]) -> None:
            seen.append(data["trade_id"])
            await ws.unsubscribe("btcusdt@trade")
            await ws.subscribe_trade("ETHUSDT", once)

        await ws.subscribe_trade("BTCUSDT", once)
        venue.sockets[0].deliver(trade(1), trade(2), trade(3))
        await venue.clock.settle()
        assert seen == [1]
        assert ws.streams == ["ethusdt@trade"]


async def test_a_callback_that_disconnects(venue: Venue) -> None:
    told: list[str] = []
    ws = client(venue)
    ws.on_disconnect(lambda: told.append("gone"))

    async def enough(data: dict[str, Any]) -> None:
        await ws.disconnect()

    await ws.connect()
    await ws.subscribe_trade("BTCUSDT", enough)
    running = asyncio.create_task(ws.run_forever())
    venue.sockets[0].deliver(trade(1))
    async with asyncio.timeout(PATIENCE):
        await running
    assert told == ["gone"]


async def test_a_lost_connection_comes_back_with_its_streams(venue: Venue) -> None:
    told: list[str] = []
    seen: list[int] = []
    ws = client(venue)
    ws.on_connect(lambda: told.append("connect"))
    ws.on_disconnect(lambda: told.append("disconnect"))
    await ws.connect()
    await ws.subscribe_trade("BTCUSDT", lambda data: seen.append(data["trade_id"]))
    venue.sockets[0].deliver(trade(1))
    venue.answers.extend([refused(), refused()])
    venue.sockets[0].end(cut())
    await venue.clock.settle()
    assert told == ["connect", "disconnect"]
    assert not ws.is_connected
    await venue.clock.advance(10.0)
    assert told == ["connect", "disconnect", "connect"]
    assert asked(venue.sockets[1]) == [["btcusdt@trade"]]
    venue.sockets[1].deliver(trade(9))
    await venue.clock.settle()
    assert seen == [1, 9]
    assert ws.status["reconnects"] == 1
    # Trade ids have no holes: what is missing is known.
    assert ws.status["gaps"] == 1
    await ws.disconnect()


async def test_it_gives_up_after_so_many_attempts(venue: Venue) -> None:
    errors: list[Exception] = []
    ws = client(venue, max_reconnect_attempts=4)
    ws.on_error(errors.append)
    await ws.connect()
    running = asyncio.create_task(ws.run_forever())
    venue.answer_all = refused()
    venue.sockets[0].end(cut())
    await venue.clock.advance(600.0)
    assert len(venue.connects) == 1 + 4
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(WebSocketConnectionError):
            await running
    assert [type(error) for error in errors] == [WebSocketConnectionError]
    # And it can begin anew.
    venue.answer_all = None
    await ws.connect()
    assert ws.is_connected
    await ws.disconnect()


async def test_a_new_life_after_giving_up(venue: Venue) -> None:
    """Without run_forever, as in a web server: connect() is asked again."""
    ws = client(venue, max_reconnect_attempts=1)
    seen: list[Any] = []
    await ws.subscribe_trade("BTCUSDT", seen.append)
    await ws.connect()
    venue.answers.append(refused())
    venue.sockets[0].end(cut())
    await venue.clock.advance(10.0)
    assert not ws.is_connected
    first = asyncio.create_task(ws.connect())
    await asyncio.sleep(0)
    await ws.connect()
    assert ws.is_connected
    await first
    assert len(venue.open_sockets) == 1
    venue.sockets[1].deliver(trade(1))
    await venue.clock.settle()
    assert len(seen) == 1
    await ws.disconnect()


class Slowly:
    """Makes a venue's connects wait."""

    def __init__(self, venue: Venue) -> None:
        self.entered = asyncio.Event()
        self.go = asyncio.Event()
        self._connect = venue.ws_connect
        venue.ws_connect = self  # type: ignore[method-assign]

    async def __call__(self, url: str, **parameters: Any) -> FakeSocket:
        self.entered.set()
        await self.go.wait()
        return await self._connect(url, **parameters)


async def test_two_connects_at_once(venue: Venue) -> None:
    slowly = Slowly(venue)
    ws = client(venue)
    first = asyncio.create_task(ws.connect())
    await slowly.entered.wait()
    second = asyncio.create_task(ws.connect())
    await venue.clock.settle()
    assert not second.done()
    slowly.go.set()
    await asyncio.gather(first, second)
    assert ws.is_connected
    assert len(venue.sockets) == 1
    await ws.disconnect()


async def test_a_disconnect_ends_a_connect(venue: Venue) -> None:
    slowly = Slowly(venue)
    ws = client(venue)
    connecting = asyncio.create_task(ws.connect())
    await slowly.entered.wait()
    async with asyncio.timeout(PATIENCE):
        await ws.disconnect()
        with pytest.raises(WebSocketError):
            await connecting
    assert not ws.is_connected
    slowly.go.set()
    await ws.connect()
    assert ws.is_connected
    await ws.disconnect()


async def test_the_delays_grow_to_a_minute(venue: Venue) -> None:
    ws = client(venue, max_reconnect_attempts=40)
    await ws.connect()
    venue.answer_all = refused()
    venue.sockets[0].end(cut())
    await venue.clock.advance(2000.0)
    times = [at for at, _, _ in venue.connects][1:]
    waits = [later - at for at, later in itertools.pairwise(times)]
    bounds = [min(60.0, 2.0**number) for number in range(1, len(waits) + 1)]
    assert len(waits) > 20
    assert all(wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert max(waits) > 30.0
    await ws.disconnect()


async def test_a_first_connect_that_fails(venue: Venue) -> None:
    ws = client(venue)
    venue.answers.append(refused())
    with pytest.raises(WebSocketConnectionError):
        await ws.connect()
    await ws.connect()
    assert ws.is_connected
    await ws.disconnect()


async def test_a_planned_change_is_not_told(venue: Venue) -> None:
    """Before the venue's 24 hours are over, and without a hole or a duplicate."""
    told: list[str] = []
    seen: list[int] = []
    async with client(venue) as ws:
        ws.on_connect(lambda: told.append("connect"))
        ws.on_disconnect(lambda: told.append("disconnect"))
        await ws.subscribe_trade("BTCUSDT", lambda data: seen.append(data["trade_id"]))
        venue.sockets[0].deliver(trade(1))
        await venue.clock.advance(23 * 3600.0)
        for _ in range(3600 * 4):  # by quarters of a second, to meet the overlap
            if len(venue.sockets) == 2:
                break
            await venue.clock.advance(0.25)
        assert venue.clock.mono_ns() < 24 * 3600 * 10**9
        assert len(venue.open_sockets) == 2
        venue.sockets[0].deliver(trade(2), trade(3))
        venue.sockets[1].deliver(trade(3), trade(4))
        await venue.clock.advance(30.0)
        assert not venue.sockets[0].is_open
        assert seen == [1, 2, 3, 4]
        assert told == []
        assert ws.status["reconnects"] == 0


async def test_a_refused_stream_is_an_error_and_the_others_go_on(venue: Venue) -> None:
    errors: list[Exception] = []
    seen: list[Any] = []

    def refuses(socket: FakeSocket) -> None:
        send = socket.send

        async def sent(frame: str | bytes, *, timeout: float | None = None) -> None:
            await send(frame)
            request = socket.sent[-1]
            if request["method"] == "SUBSCRIBE" and "xyz@ticker" in request["params"]:
                error = {"code": 2, "msg": "Invalid request"}
                socket.deliver({"error": error, "id": request["id"]})
            else:
                socket.deliver({"result": None, "id": request["id"]})

        socket.send = sent  # type: ignore[method-assign]

    venue.greet = refuses
    async with client(venue) as ws:
        ws.on_error(errors.append)
        await ws.subscribe_trade("BTCUSDT", seen.append)
        await ws.subscribe_ticker("XYZ", seen.append)
        await venue.clock.settle()
        (error,) = errors
        assert isinstance(error, SubscriptionError)
        assert error.streams == ("xyz@ticker",)
        assert ws.streams == ["btcusdt@trade"]
        venue.sockets[0].deliver(trade(1))
        await venue.clock.settle()
        assert len(seen) == 1


async def test_cancelling_run_forever_closes_the_connection(venue: Venue) -> None:
    ws = client(venue)
    running = asyncio.create_task(ws.run_forever())
    await venue.clock.settle()
    assert len(venue.open_sockets) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert venue.open_sockets == []


async def test_a_close_of_the_venues_is_restored(venue: Venue) -> None:
    async with client(venue) as ws:
        venue.sockets[0].end(closed_by(peer=True))
        await venue.clock.advance(60.0)
        assert ws.is_connected
        assert len(venue.sockets) == 2


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"overflow": "newest"}, "no overflow policy"),
        ({"queue_size": 0}, "queue_size"),
        ({"market": "options"}, "not a Binance market"),
        ({"testnet": True, "demo": True}, "leave one out"),
        ({"no_such": 1}, "no setting 'no_such'"),
        ({"url": "http://127.0.0.1:1"}, "ws_url begins with"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_bad_settings_are_named(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        BinanceWebSocket(**settings)


async def test_a_slow_on_error_is_not_told_of_itself(venue: Venue) -> None:
    slow: list[Exception] = []
    gate = asyncio.Event()

    async def handler(error: Exception) -> None:
        slow.append(error)
        await gate.wait()

    async with client(venue, queue_size=2) as ws:
        ws.on_error(handler)
        await ws.subscribe_trade("BTCUSDT", lambda data: 1 / 0)
        for number in range(10):
            venue.sockets[0].deliver(trade(number))
            await venue.clock.settle()
        assert ws.status["errors"] == 10
        assert ws.status["dropped"] == 7
        gate.set()
        await venue.clock.settle()
        assert [type(error) for error in slow] == [ZeroDivisionError] * 3


async def test_what_waits_is_left_out_when_a_callback_unsubscribes(venue: Venue) -> None:
    seen: list[int] = []
    gate = asyncio.Event()
    async with client(venue) as ws:

        async def once(data: dict[str, Any]) -> None:
            seen.append(data["trade_id"])
            await gate.wait()
            await ws.unsubscribe("BTCUSDT")

        await ws.subscribe_trade("BTCUSDT", once)
        venue.sockets[0].deliver(trade(1), trade(2), trade(3))
        await venue.clock.settle()
        assert ws.status["waiting"] == 2
        gate.set()
        await venue.clock.settle()
        assert seen == [1]


async def test_subscribing_while_a_second_connection_is_made(venue: Venue) -> None:
    """One that has never been up is not missed, however long its first connect takes."""
    told: list[str] = []
    async with client(venue, market="usdm") as ws:
        ws.on_disconnect(lambda: told.append("gone"))
        slowly = Slowly(venue)
        opening = asyncio.create_task(ws.subscribe_book_ticker("BTCUSDT", print))
        await slowly.entered.wait()
        await ws.subscribe_trade("BTCUSDT", print, aggregate=True)
        venue.sockets[0].deliver({"result": None, "id": 99})
        assert ws.is_connected
        slowly.go.set()
        await opening
        await venue.clock.settle()
        assert told == []
        assert ws.is_connected


def quote(number: int) -> dict[str, Any]:
    times = {"E": 1703520000000 + number, "T": 1703520000000 + number}
    book = {"u": number, "s": "BTCUSDT", "b": "1.0", "B": "1.0", "a": "2.0", "A": "1.0"}
    return {"stream": "btcusdt@bookTicker", "data": {"e": "bookTicker", **book, **times}}


async def test_a_second_connection_that_cannot_be_had_is_tried_again_when_asked(
    venue: Venue,
) -> None:
    quotes: list[Any] = []
    async with client(venue, market="usdm") as ws:
        venue.answers.append(refused())
        with pytest.raises(WebSocketConnectionError):
            await ws.subscribe_book_ticker("BTCUSDT", quotes.append)
        assert ws.streams == []
        assert ws.is_connected
        await ws.subscribe_book_ticker("BTCUSDT", quotes.append)
        venue.sockets[1].deliver(quote(1))
        await venue.clock.settle()
        assert len(quotes) == 1


async def test_a_subscription_that_fails_takes_nothing_from_another_callback(venue: Venue) -> None:
    """The two have a stream in common; what failed is the other stream's connection."""
    fills: list[Any] = []
    async with client(venue, market="usdm") as ws:
        venue.answers.append(refused())
        opening = asyncio.create_task(ws.subscribe_book_ticker(["BTCUSDT", "ETHUSDT"], print))
        kept = asyncio.create_task(ws.subscribe_ticker("BTCUSDT", fills.append, mini=True))
        with pytest.raises(WebSocketConnectionError):
            await opening
        await kept
        assert ws.streams == ["btcusdt@miniTicker"]
        assert ws.status["errors"] == 0


async def test_two_connections_that_wait_for_one_callback_lose_nothing(venue: Venue) -> None:
    begun: list[tuple[str, int]] = []
    gate = asyncio.Semaphore(0)

    async def slow(data: dict[str, Any]) -> None:
        begun.append((data["type"], data["timestamp"] - 1703520000000))
        await gate.acquire()

    async with client(venue, market="usdm", queue_size=2, overflow="block") as ws:
        ws.on_message(slow)
        await ws.subscribe_trade("BTCUSDT", print, aggregate=True)
        await ws.subscribe_book_ticker("BTCUSDT", print)
        for number in range(1, 11):
            fill = trade(number)
            fill["stream"] = "btcusdt@aggTrade"
            fill["data"] |= {"e": "aggTrade", "a": number, "f": number, "l": number}
            venue.sockets[0].deliver(fill)
            venue.sockets[1].deliver(quote(number))
        await venue.clock.settle()
        assert ws.status["waiting"] == 2
        for _ in range(20):
            gate.release()
            await venue.clock.settle()
        assert ws.status["dropped"] == 0
        for kind in ("agg_trade", "book_ticker"):
            assert [number for label, number in begun if label == kind] == list(range(1, 11))


async def test_a_symbol_that_spot_cannot_have_is_refused(venue: Venue) -> None:
    """The venue would acknowledge BTC_USDT and stay silent."""
    async with client(venue) as ws:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="write BTCUSDT"):
                await ws.subscribe_ticker(["ETHUSDT", "BTC_USDT"], print)
        assert ws.streams == []
    async with client(venue, market="usdm") as ws:
        assert await ws.subscribe_ticker("BTCUSDT_271231", print) == ["btcusdt_271231@ticker"]


async def test_unsubscribing_a_callback_that_is_not_there(venue: Venue) -> None:
    ws = client(venue)
    await ws.subscribe_ticker("BTCUSDT", print)
    await ws.subscribe_trade("BTCUSDT", repr)
    with pytest.raises(ConfigurationError, match="that callback"):
        await ws.unsubscribe("BTCUSDT", callback=len)
    await ws.unsubscribe("BTCUSDT", callback=print)
    assert ws.streams == ["btcusdt@trade"]


async def test_every_run_connects(venue: Venue) -> None:
    """Also after one that could not, and after one that was ended."""
    seen: list[Any] = []
    ws = client(venue)
    ws.on_error(print)
    await ws.subscribe_trade("BTCUSDT", seen.append)
    for _ in range(2):
        venue.answers.append(refused())
        with pytest.raises(WebSocketConnectionError):
            await ws.run_forever()
    for number in (1, 2):
        running = asyncio.create_task(ws.run_forever())
        await venue.clock.settle()
        venue.sockets[-1].deliver(trade(number))
        await venue.clock.settle()
        assert len(seen) == number
        await ws.disconnect()
        await running


async def test_partial_functions_and_methods_are_callbacks(venue: Venue) -> None:
    seen: list[tuple[str, int]] = []

    async def keep(label: str, data: dict[str, Any]) -> None:
        seen.append((label, data["trade_id"]))

    async with client(venue) as ws:
        await ws.subscribe_trade("BTCUSDT", functools.partial(keep, "partial"))
        await ws.subscribe_trade("BTCUSDT", lambda data: keep("lambda", data))
        venue.sockets[0].deliver(trade(1), trade(2))
        await venue.clock.settle()
    assert sorted(seen) == [("lambda", 1), ("lambda", 2), ("partial", 1), ("partial", 2)]
