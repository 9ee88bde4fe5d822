"""User data on a scripted clock: keys and tokens that end, and what comes meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.venue import Venue, cut, refused, rejected
from tickwire.binance import (
    BinanceAPIException,
    BinanceRequestException,
    BinanceWebsocketQueueOverflow,
    ReadLoopClosed,
    UserData,
)
from tickwire.binance.apilink import Lost
from tickwire.binance.errors import BinanceRegionException
from tickwire.credentials import Credentials, Secret
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.account import (
    BalanceUpdate,
    ListenKeyExpired,
    StreamTerminated,
)
from tickwire.exchanges.binance.signing import revealed
from tickwire.exchanges.binance.user_keys import ACCOUNTS
from tickwire.manager import ScriptedClock
from tickwire.market import Gap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PATIENCE = 20.0
DAY = 24 * 3600.0


def balance(number: int) -> dict[str, Any]:
    """One event; two of the same number are equal byte for byte."""
    return {"e": "balanceUpdate", "E": number, "a": "BTC", "d": "1.0", "T": number}


class FakeApi:
    """A WebSocket API: subscriptions as its users hand them over."""

    def __init__(self) -> None:
        self.subscribed: list[tuple[Callable[..., Any], Callable[..., Any], str | None]] = []
        self.restored: list[Callable[[], object]] = []
        self.troubled: list[Callable[[Any], object]] = []
        self.renewed: list[tuple[int, str]] = []
        self.unsubscribed: list[int] = []
        self.answers: deque[Exception] = deque()
        self.while_subscribing: Callable[[int], object] = lambda number: None

    async def subscribe_user_data(
        self,
        on_event: Any,
        on_end: Any,
        listen_token: Secret | None = None,
        *,
        on_restored: Any,
        on_trouble: Any,
    ) -> int:
        if self.answers:
            raise self.answers.popleft()
        token = None if listen_token is None else listen_token.reveal()
        self.subscribed.append((on_event, on_end, token))
        self.restored.append(on_restored)
        self.troubled.append(on_trouble)
        number = len(self.subscribed) - 1
        self.while_subscribing(number)
        return number

    async def renew_user_data(self, number: int, listen_token: Secret) -> None:
        if self.answers:
            raise self.answers.popleft()
        self.renewed.append((number, listen_token.reveal()))

    async def unsubscribe_user_data(self, number: int) -> None:
        self.unsubscribed.append(number)

    def send(self, number: int, event: dict[str, Any]) -> None:
        frame = orjson.dumps({"subscriptionId": number, "event": event})
        self.subscribed[number][0](frame, 7)

    def end(self, number: int, error: Exception | None = None) -> None:
        self.subscribed[number][1](error)


class FakeClient:
    """What user data uses of a client."""

    def __init__(self, venue: Venue, clock: ScriptedClock, *, tld: str = "com") -> None:
        self.session = venue
        self.clock = clock
        self.tld = tld
        self.credentials: Credentials | None = Credentials("key", "secret")
        self.api = FakeApi()
        self.requests: list[tuple[float, str, str, Any]] = []
        self.answers: dict[str, deque[Any]] = {"POST": deque(), "PUT": deque()}
        self.key = "k1"
        self.token_life = DAY

    def has_listen_keys(self, product: str) -> bool:
        return product != "spot" or self.tld != "com"

    def stream_url(self, product: str) -> str:
        return f"wss://{product}.test"

    def ws_api(self, product: str) -> FakeApi:
        assert product == "spot"
        return self.api

    async def request(
        self, method: str, product: str, path: str, params: Any = None, security: Any = None
    ) -> Any:
        sent = None if params is None else revealed(params)
        self.requests.append((self.clock.mono_ns() / 1e9, method, path, sent))
        assert security.value == "api key"
        if self.answers[method]:
            answer = self.answers[method].popleft()
            if isinstance(answer, Exception):
                raise answer
            answer()
        if path.endswith("userListenToken"):
            number = len(self.asked("POST"))
            end = self.clock.wall_ns() / 1e6 + self.token_life * 1000
            return {"token": f"t{number}", "expirationTime": int(end)}
        return {"listenKey": self.key}

    def asked(self, method: str) -> list[float]:
        return [at for at, kind, _, _ in self.requests if kind == method]


DEAD_KEY = BinanceAPIException(400, -1125, "This listenKey does not exist.")
BROKEN = BinanceAPIException(502, None, "bad gateway")
NO_ANSWER = BinanceRequestException("no answer")
BAD_API_KEY = BinanceAPIException(401, -2015, "Invalid API-key, IP, or permissions for action.")


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
async def venue(clock: ScriptedClock) -> AsyncIterator[Venue]:
    before = asyncio.all_tasks()
    yield Venue(clock)
    await rest(clock)
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    for task in left:
        task.cancel()
    assert not left, left


@pytest.fixture
def client(venue: Venue, clock: ScriptedClock) -> FakeClient:
    return FakeClient(venue, clock)


def user_data(client: FakeClient, account: Any = "usdm", **options: Any) -> UserData:
    return UserData(client, account, clock=client.clock, **options)  # type: ignore[arg-type]


def numbers(items: list[Any]) -> list[int]:
    return [orjson.loads(item)["E"] for item in items]


async def read(events: UserData) -> list[int]:
    """The numbers of the events that wait."""
    return numbers(await events.recv_batch()) if events.queued - events.gaps > 0 else []


async def rest(clock: ScriptedClock) -> None:
    """Until a hand-over, which is a chain of some dozen steps, has nothing to do any more."""
    for _ in range(5):
        await clock.settle()


async def pass_time(clock: ScriptedClock, seconds: float) -> None:
    await clock.advance(seconds)
    await rest(clock)


async def kinds_of(events: UserData, count: int) -> list[str]:
    """What the next typed events are, in the venue's words."""
    found = []
    for _ in range(count):
        event = await events.recv_event()
        (name,) = (
            name
            for kind, name in (
                (BalanceUpdate, "balance"),
                (StreamTerminated, "terminated"),
                (ListenKeyExpired, "expired"),
                (Gap, "gap"),
            )
            if isinstance(event, kind)
        )
        found.append(name)
    return found


def on_stream(key: str, event: dict[str, Any]) -> dict[str, Any]:
    return {"stream": key, "data": event}


# ---------------------------------------------------------------------- by key


@pytest.mark.parametrize(
    ("account", "tld", "path", "address"),
    [
        ("spot", "us", "/api/v3/userDataStream", "wss://spot.test/stream?streams=k1"),
        ("usdm", "com", "/fapi/v1/listenKey", "wss://usdm.test/private/ws?listenKey=k1"),
        ("coinm", "com", "/dapi/v1/listenKey", "wss://coinm.test/stream?streams=k1"),
    ],
)
async def test_where_keys_come_from_and_lead_to(
    venue: Venue, clock: ScriptedClock, account: Any, tld: str, path: str, address: str
) -> None:
    client = FakeClient(venue, clock, tld=tld)
    async with user_data(client, account) as events:
        assert client.requests == [(0.0, "POST", path, None)]
        assert [url for _, url, _ in venue.connects] == [address]
        venue.sockets[0].deliver(on_stream("k1", balance(1)))
        assert orjson.loads(await events.recv()) == balance(1)
        await pass_time(clock, 1800.0)
        params = {"listenKey": "k1"} if account == "spot" else None
        assert client.requests[1:] == [(1800.0, "PUT", path, params)]


async def test_three_forms_of_one_stream(client: FakeClient, venue: Venue) -> None:
    async with user_data(client) as events:
        for number in range(1, 5):
            venue.sockets[0].deliver(on_stream("k1", balance(number)))
        assert await events.recv() == orjson.dumps(balance(1))
        assert await events.recv_json() == balance(2)
        event = await events.recv_event()
        assert isinstance(event, BalanceUpdate)
        assert event.event_time == 3
        assert event.ts_recv_ns == client.clock.wall_ns()
        async for other in events:
            assert other.event_time == 4
            break


async def test_keepalives_go_on_for_a_day(client: FakeClient, clock: ScriptedClock) -> None:
    async with user_data(client):
        await pass_time(clock, DAY - 400.0)
        assert client.asked("PUT") == [1800.0 * number for number in range(1, 48)]
        assert client.asked("POST") == [0.0]


@pytest.mark.parametrize("failure", [BROKEN, NO_ANSWER], ids=["5xx", "no answer"])
async def test_a_keepalive_that_fails_is_tried_again(
    client: FakeClient, venue: Venue, clock: ScriptedClock, failure: Exception
) -> None:
    client.answers["PUT"].extend([failure] * 6)
    async with user_data(client) as events:
        await pass_time(clock, 1800.0 + 400.0)
        tries = client.asked("PUT")
        assert len(tries) == 7
        # The stream has not noticed.
        assert len(venue.connects) == 1
        assert events.rotations == 0
        # And the next one is half an hour after the one that passed.
        await pass_time(clock, 1800.0)
        assert len(client.asked("PUT")) == 8
        assert client.asked("PUT")[-1] == pytest.approx(tries[-1] + 1800.0)


async def test_a_venue_that_says_when(client: FakeClient, clock: ScriptedClock) -> None:
    until_ms = clock.wall_ns() // 10**6 + (1800 + 120) * 1000
    client.answers["PUT"].append(
        BinanceAPIException(429, -1003, "Too many requests.", retry_after_ms=until_ms)
    )
    async with user_data(client):
        await pass_time(clock, 1800.0 + 119.0)
        assert len(client.asked("PUT")) == 1
        await pass_time(clock, 2.0)
        assert len(client.asked("PUT")) == 2


async def test_a_dead_key_is_replaced(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    """-1125: what the old key's connection had brought comes first, then a gap, then the new."""
    client.answers["PUT"].append(DEAD_KEY)
    async with user_data(client) as events:
        venue.sockets[0].deliver(on_stream("k1", balance(1)))
        client.key = "k2"
        await pass_time(clock, 1800.0)
        await rest(clock)
        assert [url for _, url, _ in venue.connects][-1].endswith("k2")
        assert not venue.sockets[0].is_open
        venue.sockets[1].deliver(on_stream("k2", balance(2)))
        assert await kinds_of(events, 3) == ["balance", "gap", "balance"]
        assert events.gaps == 1
        assert events.rotations == 1
        # The new key's half hours begin with it.
        await pass_time(clock, 1799.0)
        assert len(client.asked("PUT")) == 1
        await pass_time(clock, 1.0)
        assert len(client.asked("PUT")) == 2


async def test_the_venue_says_that_the_key_has_expired(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client) as events:
        client.key = "k2"
        other = {"e": "listenKeyExpired", "E": 1, "listenKey": "of another account"}
        venue.sockets[0].deliver(on_stream("other", other))
        await rest(clock)
        assert events.rotations == 0
        expired = {"e": "listenKeyExpired", "E": 2, "listenKey": "k1"}
        venue.sockets[0].deliver(on_stream("k1", expired))
        await pass_time(clock, 0.1)
        assert events.rotations == 1
        assert len(venue.open_sockets) == 1
        assert await read(events) == [1, 2]
        assert events.gaps == 1


async def test_a_key_that_expired_during_an_outage(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    """Neither connects nor requests pass for two hours. Then the old address connects, and is
    silent, as the venue's are for a key that is dead: only a keepalive tells."""
    async with user_data(client) as events:
        client.answers["PUT"].extend([NO_ANSWER] * 1000)
        venue.answer_all = refused()
        venue.sockets[0].end(cut())
        await pass_time(clock, 7200.0)
        assert len(venue.connects) > 100  # it has not given up
        client.key = "k2"
        venue.answer_all = None
        client.answers["PUT"].clear()
        client.answers["PUT"].append(DEAD_KEY)
        await pass_time(clock, 120.0)
        assert events.rotations == 1
        (alive,) = venue.open_sockets
        assert venue.connects[-1][1].endswith("k2")
        alive.deliver(on_stream("k2", balance(5)))
        await rest(clock)
        assert isinstance(await events.recv_event(), Gap)
        assert numbers(await events.recv_batch()) == [5]


async def test_a_dead_key_that_is_refused(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    """A server that rejects the address for good ends the connection, and another key is got."""
    async with user_data(client) as events:
        client.key = "k2"
        venue.answers.append(rejected(400))
        venue.sockets[0].end(cut())
        await pass_time(clock, 120.0)
        assert events.rotations == 1
        assert venue.connects[-1][1].endswith("k2")
        assert len(venue.open_sockets) == 1


async def test_the_24_hours_are_a_planned_change(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    """Both connections deliver for a while: each event once, in order, also one that comes twice
    on each, and one whose copy is late."""
    async with user_data(client) as events:
        await pass_time(clock, DAY - 300.0)
        old, new = venue.sockets
        assert old.is_open
        assert client.asked("POST") == [0.0, DAY - 300.0]
        new.deliver(on_stream("k1", balance(2)), on_stream("k1", balance(3)))
        await pass_time(clock, 0.5)
        old.deliver(on_stream("k1", balance(1)), on_stream("k1", balance(2)))
        old.deliver(on_stream("k1", balance(3)), on_stream("k1", balance(3)))
        await pass_time(clock, 0.5)
        # What the new one alone has waits for the old one's end.
        new.deliver(on_stream("k1", balance(3)), on_stream("k1", balance(4)))
        await rest(clock)
        assert await read(events) == [1, 2, 3, 3]
        old.deliver(on_stream("k1", balance(5)))
        await pass_time(clock, 1.5)
        assert not old.is_open
        assert await read(events) == [5, 4]
        new.deliver(on_stream("k1", balance(5)), on_stream("k1", balance(6)))
        await rest(clock)
        assert await read(events) == [6]
        # Much later the same bytes are another event.
        await pass_time(clock, 60.0)
        new.deliver(on_stream("k1", balance(6)))
        await rest(clock)
        assert await read(events) == [6]
        assert events.gaps == 0
        assert events.rotations == 1


async def test_what_comes_with_the_old_ones_close(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client, rotate_every=100.0) as events:
        await pass_time(clock, 100.0)
        old, new = venue.sockets
        close = old.close

        async def closes() -> None:
            old.deliver(on_stream("k1", balance(1)), on_stream("k1", balance(2)))
            await close()

        old.close = closes  # type: ignore[method-assign]
        new.deliver(on_stream("k1", balance(2)), on_stream("k1", balance(3)))
        await pass_time(clock, 3.0)
        assert await read(events) == [1, 2, 3]


async def test_the_environment_does_not_rotate_it_too(
    client: FakeClient, venue: Venue, clock: ScriptedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manager's own hand-over would bring events twice."""
    monkeypatch.setenv("TICKWIRE_WEBSOCKET_ROTATE_EVERY", "50")
    async with user_data(client):
        await pass_time(clock, 500.0)
        assert len(venue.connects) == 1


async def test_a_planned_change_that_fails_leaves_the_old_one(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client, rotate_every=1000.0) as events:
        client.answers["POST"].extend([BROKEN, BAD_API_KEY])
        venue.answers.extend([refused(), refused()])
        await pass_time(clock, 1000.5)
        venue.sockets[0].deliver(on_stream("k1", balance(1)))
        await rest(clock)
        assert await read(events) == [1]
        await pass_time(clock, 60.0)
        assert events.rotations == 1
        assert len(venue.connects) == 4
        assert events.gaps == 0


async def test_a_shutdown_notice_is_a_planned_change(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client) as events:
        venue.sockets[0].deliver(on_stream("!serverShutdown", {"e": "serverShutdown", "E": 1}))
        await pass_time(clock, 0.5)
        assert len(venue.open_sockets) == 2
        await pass_time(clock, 2.0)
        assert len(venue.open_sockets) == 1
        assert (events.rotations, events.gaps) == (1, 0)


async def test_a_lost_connection_is_a_gap(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client) as events:
        venue.sockets[0].deliver(on_stream("k1", balance(1)))
        venue.sockets[0].end(cut())
        await pass_time(clock, 30.0)
        venue.sockets[1].deliver(on_stream("k1", balance(3)))
        assert await kinds_of(events, 3) == ["balance", "gap", "balance"]
        # And the key is seen to at once.
        assert len(client.asked("PUT")) == 1


async def test_access_that_is_taken_away_ends_the_stream(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client) as events:
        client.answers["PUT"].append(DEAD_KEY)
        client.answers["POST"].append(BAD_API_KEY)
        venue.sockets[0].deliver(on_stream("k1", balance(1)))
        await pass_time(clock, 1800.0)
        assert await events.recv_json() == balance(1)
        with pytest.raises(BinanceAPIException) as caught:
            await events.recv()
        assert caught.value.code == -2015


async def test_a_key_that_may_not_be_kept_alive_ends_the_stream_with_its_hour(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    """The venue need not tell that it expired: nothing would come any more, and nobody knew."""
    async with user_data(client) as events:
        client.answers["PUT"].extend([BAD_API_KEY] * 1000)
        client.answers["POST"].append(BAD_API_KEY)
        await pass_time(clock, 3000.0)
        venue.sockets[0].deliver(on_stream("k1", balance(1)))
        assert await events.recv_json() == balance(1)
        await pass_time(clock, 900.0)
        with pytest.raises(BinanceAPIException) as caught:
            await asyncio.wait_for(events.recv(), PATIENCE)
        assert caught.value.code == -2015


async def test_a_first_key_that_is_refused(client: FakeClient, venue: Venue) -> None:
    client.answers["POST"].append(BAD_API_KEY)
    events = user_data(client)
    with pytest.raises(BinanceAPIException):
        await events.open()
    assert venue.connects == []
    await events.open()
    await events.close()


async def test_closing_during_a_hand_over(
    client: FakeClient, venue: Venue, clock: ScriptedClock
) -> None:
    async with user_data(client, rotate_every=100.0):
        await pass_time(clock, 101.0)
        assert len(venue.open_sockets) == 2
    assert venue.open_sockets == []


# ---------------------------------------------------------------------- by subscription


@pytest.mark.parametrize(
    ("account", "symbol", "token", "params"),
    [
        ("spot", None, None, []),
        ("margin", None, "t1", [{}]),
        ("isolated_margin", "BTCUSDT", "t1", [{"isIsolated": True, "symbol": "BTCUSDT"}]),
    ],
)
async def test_subscriptions(
    client: FakeClient, account: Any, symbol: Any, token: Any, params: Any
) -> None:
    async with user_data(client, account, symbol=symbol) as events:
        assert [listen_token for _, _, listen_token in client.api.subscribed] == [token]
        assert [given for _, _, _, given in client.requests] == params
        client.api.send(0, balance(1))
        assert await events.recv() == orjson.dumps(balance(1))
        client.api.send(0, balance(2))
        event = await events.recv_event()
        assert event.event_time == 2
        assert event.ts_recv_ns == 7
    assert client.api.unsubscribed == [0]


async def test_two_accounts_on_one_socket(client: FakeClient) -> None:
    """The venue does not say whose an event is: each comes to the one that subscribed."""
    async with user_data(client, "spot") as spot, user_data(client, "margin") as margin:
        client.api.send(1, balance(1))
        client.api.send(0, balance(2))
        client.api.send(1, balance(3))
        assert await read(margin) == [1, 3]
        assert await read(spot) == [2]


async def test_a_token_is_renewed_before_its_end(client: FakeClient, clock: ScriptedClock) -> None:
    async with user_data(client, "margin") as events:
        await pass_time(clock, DAY - 301.0)
        assert client.api.renewed == []
        client.api.send(0, balance(1))
        await pass_time(clock, 1.0)
        assert client.api.renewed == [(0, "t2")]
        client.api.send(0, balance(2))
        assert await read(events) == [1, 2]
        assert (events.gaps, events.rotations) == (0, 1)
        # The second token's life is its own.
        await pass_time(clock, DAY - 301.0)
        assert len(client.api.renewed) == 1
        await pass_time(clock, 1.0)
        assert client.api.renewed[1:] == [(0, "t3")]


async def test_a_short_token_is_renewed_in_its_last_tenth(
    client: FakeClient, clock: ScriptedClock
) -> None:
    client.token_life = 60.0
    async with user_data(client, "margin"):
        await pass_time(clock, 53.9)
        assert client.api.renewed == []
        await pass_time(clock, 0.2)
        assert client.api.renewed == [(0, "t2")]


async def test_a_renewal_that_fails_is_tried_again_in_time(
    client: FakeClient, clock: ScriptedClock
) -> None:
    async with user_data(client, "margin") as events:
        client.answers["POST"].extend([BROKEN, NO_ANSWER])
        client.api.answers.extend([BinanceRequestException("lost"), Lost("lost"), TimeoutError()])
        await pass_time(clock, DAY - 1.0)
        assert client.api.renewed == [(0, "t7")]
        assert (events.gaps, events.rotations) == (0, 1)


@pytest.mark.parametrize("how", ["expired", "refused", "at once"])
async def test_a_subscription_that_ends_is_made_anew(
    client: FakeClient, clock: ScriptedClock, how: str
) -> None:
    """By the venue's word, by a refusal after a reconnect, or before its number was known."""

    def end(number: int) -> None:
        client.api.while_subscribing = lambda number: None
        client.api.send(number, {"e": "eventStreamTerminated", "E": 2})
        client.api.end(number)

    if how == "at once":
        client.api.while_subscribing = end
    async with user_data(client, "margin") as events:
        if how == "expired":
            end(0)
        elif how == "refused":
            client.api.end(0, BinanceAPIException(400, -1209, "expired"))
        await rest(clock)
        client.api.send(1, balance(3))
        assert [token for _, _, token in client.api.subscribed] == ["t1", "t2"]
        told = [] if how == "refused" else ["terminated"]
        expected = [*told, "gap", "balance"]
        assert await kinds_of(events, len(expected)) == expected
    # Of the first one nothing is left to end.
    assert client.api.unsubscribed == [1]


async def test_a_subscription_that_ends_while_its_token_is_asked_for(
    client: FakeClient, clock: ScriptedClock
) -> None:
    async with user_data(client, "margin") as events:
        client.answers["POST"].append(lambda: client.api.end(0))
        await pass_time(clock, DAY - 300.0)
        assert client.api.renewed == []
        assert [token for _, _, token in client.api.subscribed] == ["t1", "t3"]
        assert events.gaps == 1


async def test_a_socket_that_came_back_is_a_gap(client: FakeClient) -> None:
    async with user_data(client, "spot") as events:
        client.api.send(0, balance(1))
        client.api.restored[0]()
        client.api.send(0, balance(2))
        assert await kinds_of(events, 3) == ["balance", "gap", "balance"]


async def test_a_subscription_that_is_refused_for_good(
    client: FakeClient, clock: ScriptedClock
) -> None:
    async with user_data(client, "spot") as events:
        client.api.answers.append(BAD_API_KEY)
        client.api.end(0)
        await rest(clock)
        with pytest.raises(BinanceAPIException):
            await events.recv()


# ---------------------------------------------------------------------- the door


async def test_a_full_queue_ends_the_stream(client: FakeClient) -> None:
    async with user_data(client, "spot", queue_size=2) as events:
        for number in range(4):
            client.api.send(0, balance(number))
        assert await read(events) == [0, 1]
        with pytest.raises(BinanceWebsocketQueueOverflow, match="queue_size"):
            await events.recv()


async def test_a_cancelled_wait_takes_nothing(client: FakeClient) -> None:
    async with user_data(client, "spot") as events:
        waiting = asyncio.create_task(events.recv())
        await rest(client.clock)
        client.api.send(0, balance(1))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await read(events) == [1]


async def test_what_came_before_the_close_can_be_read(client: FakeClient) -> None:
    events = user_data(client, "spot")
    await events.open()
    client.api.send(0, balance(1))
    await events.close()
    await events.close()
    assert await events.recv_json() == balance(1)
    with pytest.raises(ReadLoopClosed):
        await events.recv()
    assert [event async for event in events] == []


async def test_a_reader_that_waits_learns_of_the_close(client: FakeClient) -> None:
    events = user_data(client, "spot")
    await events.open()
    reading = asyncio.create_task(anext(events, None))
    await rest(client.clock)
    await events.close()
    async with asyncio.timeout(PATIENCE):
        assert await reading is None


async def test_unknown_messages_are_passed_over_and_counted(client: FakeClient) -> None:
    async with user_data(client, "spot") as events:
        client.api.send(0, {"e": "somethingNew", "E": 1})
        client.api.subscribed[0][0](b"{no json", 1)
        client.api.send(0, balance(2))
        assert (await events.recv_event()).event_time == 2
        assert events.stats.unknown == {"somethingNew": 1}
        assert events.stats.undecodable == 1


async def test_numbers_are_exact_unless_told_otherwise(client: FakeClient) -> None:
    async with user_data(client, "spot", numbers="float") as events:
        client.api.send(0, balance(1))
        event = await events.recv_event()
        assert isinstance(event, BalanceUpdate)
        assert isinstance(event.change, float)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("spott",), "no account 'spott'"),
        (("isolated_margin",), "told by its symbol"),
        (("margin", "BTCUSDT"), "no other account has one"),
    ],
    ids=["unknown", "no symbol", "a symbol too many"],
)
def test_bad_accounts(client: FakeClient, arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        UserData(client, *arguments)  # type: ignore[arg-type]


def test_what_needs_a_key_says_so(client: FakeClient, venue: Venue, clock: ScriptedClock) -> None:
    client.credentials = None
    for account in ACCOUNTS:
        symbol = "BTCUSDT" if account == "isolated_margin" else None
        with pytest.raises(ConfigurationError, match="API key"):
            user_data(client, account, symbol=symbol)
    with pytest.raises(BinanceRegionException):
        user_data(FakeClient(venue, clock, tld="us"), "margin")


async def test_it_is_opened_once(client: FakeClient) -> None:
    events = user_data(client, "spot")
    with pytest.raises(ConfigurationError, match="not open"):
        await events.recv()
    async with events:
        with pytest.raises(ConfigurationError, match="once"):
            await events.open()
    with pytest.raises(ConfigurationError, match="once"):
        await events.open()


async def test_no_error_or_log_has_the_key(
    client: FakeClient, venue: Venue, clock: ScriptedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    client.key = "SECRETKEY"
    client.answers["PUT"].append(BROKEN)
    async with user_data(client, rotate_every=100.0) as events:
        venue.answers.extend([refused()] * 3)
        await pass_time(clock, 130.0)
        assert "SECRETKEY" not in repr(events)
    assert len(caplog.records) >= 3
    assert "SECRETKEY" not in caplog.text
