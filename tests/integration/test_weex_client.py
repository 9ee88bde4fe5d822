"""The WEEX client against the simulator: what usual clients get wrong, and what networks do."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

import tickwire
from tests.support.server import PATIENCE
from tickwire.credentials import Credentials
from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges import RateWindow
from tickwire.exchanges.weex import WeexCodec
from tickwire.market import BookDelta, BookSnapshot
from tickwire.simulator import Faults, SymbolSpec
from tickwire.simulator.weex import WeexSimulator
from tickwire.transport import HandshakeRejected
from tickwire.weex import WeexConfig, WeexMessage, WeexWebSocketClient

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator

    from tickwire.simulator.weex.rules import Topic

KEYS = Credentials("key", "test-secret", passphrase="phrase")
BTC = "BTCUSDT"


@asynccontextmanager
async def market(**settings: Any) -> AsyncIterator[WeexSimulator]:
    given: dict[str, Any] = {"credentials": KEYS, "push_interval": 0.02} | settings
    async with asyncio.timeout(6 * PATIENCE), WeexSimulator(**given) as simulator:
        yield simulator


def client_of(simulator: WeexSimulator, **settings: Any) -> WeexWebSocketClient:
    given: dict[str, Any] = {"credentials": KEYS, "connect": {"reconnect_delay": 0.05}} | settings
    return WeexWebSocketClient(WeexConfig(url=simulator.ws_url, **given))


async def take(stream: AsyncIterator[WeexMessage], count: int) -> list[WeexMessage]:
    return [await anext(stream) for _ in range(count)]


def subscribed(simulator: WeexSimulator) -> set[str]:
    return {" ".join((topic.kind, topic.symbol)).strip() for topic in simulator.topics}


async def test_a_second_symbol_is_subscribed_too() -> None:
    async with market() as simulator, client_of(simulator) as client:
        one, other = client.stream_tickers([BTC]), client.stream_tickers(["ETHUSDT", "ADAUSDT"])
        found = [*await take(one, 2), *await take(other, 6)]
        assert {message.data["symbol"] for message in found} == {BTC, "ETHUSDT", "ADAUSDT"}
        assert {m.data["symbol"] for m in found[:2]} == {BTC}
        assert simulator.counts["opened"] == 1
        # A third asks for nothing that is there already.
        asked = simulator.counts["subscribe"]
        await take(client.stream_tickers([BTC]), 1)
        assert simulator.counts["subscribe"] == asked


async def test_a_stream_that_is_left_is_unsubscribed() -> None:
    async with market() as simulator, client_of(simulator) as client:
        kept = client.stream_tickers([BTC])
        await take(kept, 1)
        async for message in client.stream_tickers([BTC, "ETHUSDT"]):
            if message.data["symbol"] == "ETHUSDT":
                break
        async for _ in client.stream_trades(BTC):
            break
        gc.collect()  # an implementation without reference counts lets go of them here
        await simulator.until(lambda counts: counts["unsubscribe"] >= 2)
        assert subscribed(simulator) == {"ticker BTCUSDT"}
        await take(kept, 2)
        await kept.aclose()
        await kept.aclose()
        await simulator.until(lambda counts: counts["unsubscribe"] >= 3)
        assert subscribed(simulator) == set()
        with pytest.raises(StopAsyncIteration):
            while True:
                await anext(kept)


async def test_a_slow_stream_is_bounded_and_says_what_it_lost() -> None:
    async with (
        market(rate=0) as simulator,
        client_of(simulator, stream_queue_size=5) as client,
    ):
        slow, fast = client.stream_tickers([BTC]), client.stream_tickers([BTC])
        await take(slow, 1)
        times = [message.timestamp for message in await take(fast, 60)]
        assert times == sorted(times)
        assert slow.waiting == 5
        first = await anext(slow)
        assert first.lost > 40
        assert (await anext(slow)).lost == 0


async def test_private_streams() -> None:
    async with market(rate=50) as simulator, client_of(simulator) as client:
        account, positions, orders = (
            client.stream_account(),
            client.stream_positions(),
            client.stream_orders(),
        )
        first = [asyncio.ensure_future(anext(s)) for s in (account, positions, orders)]
        await simulator.until(lambda counts: counts["subscribe"] >= 3)
        number = simulator.limit_order(BTC, "BUY", "0.02", "64000.0")
        resting = await first[2]
        assert (resting.data["order_id"], resting.data["status"]) == (number, "new")
        simulator.fill_order(number)
        balance, position = await first[0], await first[1]
        filled = await anext(orders)
        assert (filled.data["status"], filled.data["filled_size"]) == ("filled", "0.02")
        assert Decimal(balance.data["balance"]) == Decimal("9999.232")
        data = position.data
        assert (data["symbol"], data["side"], data["size"]) == (BTC, "long", "0.02")
        assert data["entry_price"] == "64000.0"
        # The venue does not send it: it is the market's price against the price of entry.
        assert abs(float(data["unrealized_pnl"]) - 0.02 * (64213 - 64000)) < 40
        simulator.market_order(BTC, "SELL", "0.02")
        assert (await anext(positions)).data["unrealized_pnl"] == "0.00"
        simulator.cancel_order(simulator.limit_order(BTC, "BUY", "0.02", "1.0"))
        statuses = [(await anext(orders)).data["status"] for _ in range(4)]
        assert statuses == ["new", "filled", "new", "canceled"]


async def test_private_streams_survive_a_lost_connection() -> None:
    async with market(rate=50) as simulator, client_of(simulator) as client:
        orders = client.stream_orders()
        first = asyncio.ensure_future(anext(orders))
        await simulator.until(lambda counts: counts["subscribe"] >= 1)
        simulator.market_order(BTC, "BUY", "0.01")
        assert (await first).data["status"] == "new"
        simulator.cut(private=True)
        # A signature of its own for the new connection.
        await simulator.until(lambda counts: counts["subscribe"] >= 2)
        one = simulator.limit_order(BTC, "BUY", "0.01", "1.0")
        found = [await anext(orders) for _ in range(2)]
        assert found[-1].data["order_id"] == one
        assert simulator.counts["refused"] == 0


async def test_credentials_that_are_wrong_or_missing() -> None:
    wrong = Credentials("key", "another", passphrase="phrase")
    async with market() as simulator:
        async with client_of(simulator, credentials=wrong) as client:
            with pytest.raises(HandshakeRejected) as refusal:
                await anext(client.stream_orders())
            assert b"40009" in refusal.value.body
            await take(client.stream_tickers([BTC]), 1)
        async with client_of(simulator, credentials=None) as client:
            with pytest.raises(ConfigurationError, match="passphrase"):
                client.stream_account()
        async with client_of(simulator, product="spot", credentials=KEYS) as client:
            with pytest.raises(ConfigurationError):
                client.stream_positions()


async def test_a_symbol_that_the_venue_refuses_ends_its_stream_only() -> None:
    async with market() as simulator, client_of(simulator) as client:
        good = client.stream_tickers([BTC])
        await take(good, 1)
        with pytest.raises(SubscriptionError, match="cmt_nopeusdt"):
            await anext(client.stream_trades("NOPE-USDT"))
        await take(good, 3)
        # Nor does a later connection ask for it, as the venue counts refusals.
        simulator.cut()
        await simulator.until(lambda counts: counts["opened"] >= 2)
        await take(good, 3)
        assert simulator.counts["rejected"] == 1
        with pytest.raises(ConfigurationError, match="no symbol"):
            client.stream_trades("B")
        with pytest.raises(ConfigurationError, match="200"):
            client.stream_order_book(BTC, level=500)
        with pytest.raises(ConfigurationError, match="at least one"):
            client.stream_tickers([])


@pytest.mark.parametrize("level", [5, 200])
@pytest.mark.parametrize("skip", [None, 7])
async def test_books_are_the_venues(level: int, skip: int | None) -> None:
    """Also with messages that are left out, and connections that break."""
    faults = Faults(skip_depth_every=skip, drop_after_frames=None if skip is None else 40)
    depth = 15 if level <= 15 else 200
    async with (
        market(rate=0, faults=faults, push_interval=3600.0) as simulator,
        client_of(simulator) as client,
    ):
        stream = client.stream_order_book(BTC, level)
        message = await anext(stream)
        for round_number in range(60):
            simulator.generate(40)
            # What is skipped shows by the next message that is not.
            while message.data["sequence"] < (simulator.model.by_symbol[BTC].book.last_update_id):
                waiting = asyncio.ensure_future(anext(stream))
                done, _ = await asyncio.wait((waiting,), timeout=0.05)
                if not done:
                    simulator.generate(1)
                message = await waiting if done else await _after(simulator, waiting)
            bids, asks = simulator.window(BTC, depth)
            assert message.data["bids"] == bids[:level], round_number
            assert message.data["asks"] == asks[:level]


async def _after(simulator: WeexSimulator, waiting: asyncio.Future[WeexMessage]) -> WeexMessage:
    """The next message, the market being moved until it is there."""
    while True:
        done, _ = await asyncio.wait((waiting,), timeout=0.05)
        if done:
            return waiting.result()
        simulator.generate(1)


async def test_rotation_loses_no_trade_and_repeats_none() -> None:
    async with (
        market(rate=800, symbols=[BTC]) as simulator,
        client_of(simulator, rotate_every=0.3, connect={"overlap": 0.1}) as client,
    ):
        stream = client.stream_trades(BTC)
        found = [(await anext(stream)).data["trade_id"]]
        while simulator.counts["opened"] < 5 or len(found) < 500:
            found.append((await anext(stream)).data["trade_id"])
        sent = simulator.trade_ids(BTC)
        begin = sent.index(found[0])
        assert sent[begin : begin + len(found)] == found


def _has_opened(number: int, counts: Counter[str]) -> bool:
    return counts["opened"] >= number


async def test_a_broken_connection_is_restored() -> None:
    async with market(rate=300) as simulator, client_of(simulator) as client:
        ticker, book = client.stream_tickers([BTC]), client.stream_order_book(BTC)
        await take(ticker, 1)
        await take(book, 1)
        for number in range(2, 5):
            simulator.cut()
            await simulator.until(partial(_has_opened, number))
            await take(ticker, 2)
            await take(book, 2)
        assert client.is_connected
        assert client.is_connected()


async def test_pings_are_answered() -> None:
    async with market(ping_interval=0.02) as simulator, client_of(simulator) as client:
        ticker, orders = client.stream_tickers([BTC]), client.stream_orders()
        waiting = asyncio.ensure_future(anext(orders))
        await take(ticker, 1)
        await simulator.until(lambda counts: counts["pong"] > 60)
        assert simulator.counts["no pong"] == 0
        assert simulator.counts["rejected"] == 0
        waiting.cancel()


async def test_a_connection_that_was_idle_is_there_when_it_is_needed() -> None:
    async with market(idle_timeout=0.1) as simulator, client_of(simulator) as client:
        await simulator.until(lambda counts: counts["idle"] >= 1)
        await take(client.stream_tickers([BTC]), 2)


async def test_a_hole_in_one_depth_leaves_the_other_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with market(rate=200) as simulator, client_of(simulator) as client:
        shallow, deep = client.stream_order_book(BTC, 15), client.stream_order_book(BTC, 200)
        await take(shallow, 2)
        await take(deep, 2)
        dropped: list[Any] = []
        send = simulator._next

        def lossy(topic: Topic, now: int) -> Any:
            frame = send(topic, now)
            if frame is not None and topic.kind == "depth" and "15" in topic.detail and not dropped:
                dropped.append(frame)
                return None
            return frame

        monkeypatch.setattr(simulator, "_next", lossy)
        while not dropped:
            await anext(deep)
        await take(deep, deep.waiting + 5)
        await take(shallow, shallow.waiting + 5)


async def test_a_reader_that_gives_up_costs_its_stream_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with market(rate=50) as simulator, client_of(simulator) as client:
        may_answer = asyncio.Event()
        serve = simulator._serve

        async def slow(*args: Any, **settings: Any) -> Any:
            await may_answer.wait()
            return await serve(*args, **settings)

        monkeypatch.setattr(simulator, "_serve", slow)
        orders, ticker = client.stream_orders(), client.stream_tickers([BTC])
        for stream in (orders, orders, ticker):
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            waiting.cancel()
            assert isinstance(
                (await asyncio.gather(waiting, return_exceptions=True))[0], BaseException
            )
        may_answer.set()
        await take(ticker, 2)
        first = asyncio.ensure_future(anext(orders))
        await simulator.until(lambda counts: counts["subscribe"] >= 2)
        number = simulator.limit_order(BTC, "BUY", "0.02", "1.0")
        assert (await first).data["order_id"] == number
        assert simulator.counts["subscribe"] == 2
        # One that is let go of while it starts is unsubscribed all the same.
        left = client.stream_trades(BTC)
        waiting = asyncio.ensure_future(anext(left))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await left.aclose()
        await simulator.until(lambda counts: counts["unsubscribe"] >= 1)
        assert subscribed(simulator) == {"ticker BTCUSDT", "orders"}


async def test_the_ticker_of_a_position_stays_while_positions_are_read() -> None:
    async with market(rate=50) as simulator, client_of(simulator) as client:
        ticker, positions = client.stream_tickers([BTC]), client.stream_positions()
        await take(ticker, 1)
        first = asyncio.ensure_future(anext(positions))
        await simulator.until(lambda counts: counts["subscribe"] >= 2)
        simulator.market_order(BTC, "BUY", "0.02")
        assert "unrealized_pnl" in (await first).data
        await ticker.aclose()
        simulator.market_order(BTC, "BUY", "0.02")
        assert "unrealized_pnl" in (await anext(positions)).data
        assert subscribed(simulator) == {"positions", "ticker BTCUSDT"}
        await positions.aclose()
        await simulator.until(lambda counts: counts["unsubscribe"] >= 2)
        assert subscribed(simulator) == set()


async def test_no_connection_sees_a_sixth_refusal() -> None:
    async with market() as simulator, client_of(simulator) as client:
        kept = client.stream_tickers([BTC])
        await take(kept, 1)
        for number in range(8):
            with pytest.raises(SubscriptionError, match="cmt_nope"):
                # The same one too: each is told.
                await anext(client.stream_tickers([f"NOPE{number // 2}USDT"]))
        await take(kept, kept.waiting + 3)
        await take(client.stream_tickers(["ETHUSDT"]), 1)
        assert (simulator.counts["rejected"], simulator.counts["closed"]) == (8, 0)
        assert simulator.counts["opened"] == 2


async def test_pongs_do_not_wait_for_the_limit_of_requests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = msgspec.structs.replace(WeexCodec.rate_limits, messages=(RateWindow(1, 3600.0),))
    settings = {"reconnect_delay": 0.05, "rate_limits": limits}
    async with (
        market(ping_interval=0.02) as simulator,
        client_of(simulator, connect=settings) as client,
    ):
        await take(client.stream_tickers([BTC]), 1)
        await simulator.until(lambda counts: counts["pong"] > 5)
        late = asyncio.ensure_future(anext(client.stream_trades(BTC)))
        while "limit of messages is used up" not in caplog.text:
            await asyncio.sleep(0.001)
        await simulator.until(lambda counts: counts["pong"] > 10)
        late.cancel()


async def test_an_idle_connection_is_not_opened_again_for_nothing() -> None:
    async with (
        market(idle_timeout=0.1, ping_interval=0.02) as simulator,
        client_of(simulator) as client,
    ):
        assert client.is_connected
        waiting = asyncio.ensure_future(anext(client.stream_orders()))
        await simulator.until(lambda counts: counts["idle"] >= 1)
        pongs = simulator.counts["pong"]
        await simulator.until(lambda counts: counts["pong"] > pongs + 25)
        assert (simulator.counts["opened"], simulator.counts["idle"]) == (2, 1)
        assert client.is_connected
        await take(client.stream_tickers([BTC]), 1)
        assert simulator.counts["opened"] == 3
        waiting.cancel()


async def test_disconnecting_ends_streams_and_connecting_begins_anew() -> None:
    async with market() as simulator:
        client = client_of(simulator)
        with pytest.raises(ConfigurationError, match="not connected"):
            await anext(client.stream_tickers([BTC]))
        await client.connect()
        await client.connect()
        stream = client.stream_tickers([BTC])
        await take(stream, 1)
        await client.disconnect()
        assert not client.is_connected
        async for _ in stream:
            pass
        await client.connect()
        again = client.stream_tickers([BTC])
        await take(again, 1)
        # What is left of the life before takes nothing from this one.
        await stream.aclose()
        await take(again, 3)
        assert simulator.counts["unsubscribe"] == 0
        await client.disconnect()
        await client.disconnect()


async def test_more_symbols_than_a_connection_carries() -> None:
    specs = [SymbolSpec(f"A{n}", "USDT", "0.01", "0.001", "100.00") for n in range(130)]
    async with market(rate=50, symbols=specs) as simulator, client_of(simulator) as client:
        wanted = {spec.symbol for spec in specs}
        stream = client.stream_tickers(wanted)
        seen: set[str] = set()
        while seen != wanted:
            seen.add((await anext(stream)).data["symbol"])
        assert simulator.counts["opened"] == 2
        assert simulator.counts["subscribe"] == 2


async def test_a_cancelled_wait_takes_no_message() -> None:
    async with market(rate=0, push_interval=3600.0) as simulator, client_of(simulator) as client:
        stream = client.stream_order_book(BTC)
        await take(stream, 1)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        before = simulator.model.by_symbol[BTC].book.last_update_id
        while simulator.model.by_symbol[BTC].book.last_update_id == before:
            simulator.generate(1)
        assert (await anext(stream)).data["sequence"] > before


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEEX_API_KEY", "key")
    monkeypatch.setenv("WEEX_SECRET_KEY", "hidden")
    monkeypatch.setenv("WEEX_PASSPHRASE", "phrase")
    monkeypatch.setenv("WEEX_PRODUCT", "spot")
    config = WeexConfig.from_env(stream_queue_size=7)
    assert config.base_url == "wss://ws-spot.weex.com"
    assert config.credentials is not None
    assert config.credentials.secret is not None
    assert config.credentials.secret.reveal() == "hidden"
    assert "hidden" not in repr(config)
    assert config.stream_queue_size == 7
    monkeypatch.setenv("TICKWIRE_SIMULATOR", "http://127.0.0.1:8080")
    assert WeexConfig.from_env().base_url == "ws://127.0.0.1:8080"
    monkeypatch.setenv("TICKWIRE_SIMULATOR", "http://example.com:8080")
    with pytest.raises(ConfigurationError, match="this machine"):
        WeexConfig.from_env()
    monkeypatch.delenv("TICKWIRE_SIMULATOR")
    monkeypatch.delenv("WEEX_API_KEY")
    assert WeexConfig.from_env().credentials is None


@pytest.mark.parametrize("url", ["wss://example.com", "ws://ws-spot.weex.com", "wss://xweex.com"])
def test_keys_go_to_the_venue_only(url: str) -> None:
    with pytest.raises(ConfigurationError, match="keys"):
        WeexConfig(credentials=KEYS, url=url)
    assert WeexConfig(credentials=KEYS, url=url, trust_url=True).base_url == url
    assert WeexConfig(url=url).base_url == url


async def test_the_feed_speaks_it_too() -> None:
    async with market(rate=300, activity_interval=0.05) as simulator:
        kinds: set[str] = set()
        async with tickwire.Feed(
            "weex",
            trades=["BTC-USDT"],
            books=["BTC-USDT"],
            tickers=["BTC-USDT"],
            klines=["BTC-USDT"],
            account=True,
            positions=True,
            orders=True,
            fills=True,
            credentials=KEYS,
            url=simulator.ws_url,
        ) as feed:
            wanted = {"trade", "book_snapshot", "book_delta", "ticker", "kline"}
            wanted |= {"balance", "position", "order_update", "fill"}
            async for event in feed:
                kinds.add(event.kind)
                assert event.symbol in ("BTC-USDT", "BTCUSDT", "")
                if kinds == wanted:
                    break
        assert kinds == wanted


async def test_a_feed_tells_of_holes_and_mends_its_book() -> None:
    faults = Faults(skip_depth_every=5)
    async with market(rate=2000, faults=faults, symbols=[BTC]) as simulator:
        end = gaps = snapshots = 0
        async with tickwire.Feed("weex", books=["BTC-USDT"], url=simulator.ws_url) as feed:
            async for event in feed:
                if event.kind == "gap":
                    gaps += 1
                    end = -1
                elif isinstance(event, BookSnapshot):
                    snapshots += 1
                    end = event.sequence
                elif isinstance(event, BookDelta):
                    assert event.prev_sequence == end
                    end = event.sequence
                if gaps > 3 and end > 0:
                    break
        assert snapshots == gaps + 1
