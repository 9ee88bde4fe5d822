"""Session logon, rotation, and user data over the WebSocket API."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.server import PATIENCE
from tests.support.user_feed import SHUTDOWN, Heard, event, subscribed
from tests.support.ws_api import API_KEY, SECRET, Connection, FakeVenue, refusal
from tickwire.binance import AsyncClient, BinanceAPIException
from tickwire.exchanges.binance.signing import payload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Frame = dict[str, Any]


# ---------------------------------------------------------------------- logon


@pytest.fixture
async def ed25519(venue: FakeVenue) -> AsyncIterator[tuple[AsyncClient, FakeVenue]]:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()

    def logon(connection: Connection, frame: Frame) -> Frame:
        params = frame["params"]
        key.public_key().verify(base64.b64decode(params["signature"]), payload(params).encode())
        return {"status": 200, "result": {"apiKey": params["apiKey"]}}

    venue.answers["session.logon"] = logon
    async with AsyncClient(API_KEY, private_key=pem) as client:
        yield client, venue


async def test_one_logon_for_all_and_then_no_signatures(
    ed25519: tuple[AsyncClient, FakeVenue],
) -> None:
    client, venue = ed25519
    answers = await asyncio.gather(*(client.ws_get_account() for _ in range(5)))
    methods = venue.connections[0].methods
    assert methods.count("session.logon") == 1
    assert methods.index("session.logon") < methods.index("account.status")
    for answer in answers:
        assert answer["params"].keys() == {"timestamp"}


async def test_the_next_connection_is_logged_on_too(
    ed25519: tuple[AsyncClient, FakeVenue],
) -> None:
    client, venue = ed25519
    await client.ws_get_account()
    venue.connections[0].cut()
    await venue.until(lambda: not venue.open)
    while client.ws_api().is_connected:
        await asyncio.sleep(0)
    await client.ws_get_account()
    assert venue.connections[1].methods == ["session.logon", "account.status"]


async def test_a_refused_logon_fails_each_that_needs_it(
    ed25519: tuple[AsyncClient, FakeVenue],
) -> None:
    client, venue = ed25519
    venue.answers["session.logon"] = refusal(401, -2015, "Invalid API-key, IP, or permissions")
    asked = [client.ws_get_account() for _ in range(3)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(result, "code", None) for result in results] == [-2015] * 3
    assert len({id(result) for result in results}) == 3
    assert "account.status" not in venue.connections[0].methods
    assert (await client.ws_ping())["method"] == "ping"


async def test_a_session_that_ended_is_logged_on_again(
    ed25519: tuple[AsyncClient, FakeVenue],
) -> None:
    client, venue = ed25519
    await client.ws_get_account()
    venue.answers["account.status"] = refusal(401, -2015, "Invalid API-key")
    with pytest.raises(BinanceAPIException):
        await client.ws_get_account()
    del venue.answers["account.status"]
    await client.ws_get_account()
    assert venue.connections[0].methods.count("session.logon") == 2
    # The venue may also tell without being asked.
    await venue.connections[0].send({"id": None, **refusal(401, -2015, "Invalid API-key")})
    await client.ws_ping()  # answered after that frame was read
    await client.ws_get_account()
    assert venue.connections[0].methods.count("session.logon") == 3


async def test_user_data_of_a_session(ed25519: tuple[AsyncClient, FakeVenue]) -> None:
    client, venue = ed25519
    heard = Heard()
    await subscribed(client.ws_api(), heard)
    assert venue.connections[0].methods[-1] == "userDataStream.subscribe"
    await venue.connections[0].send(event(1))
    await heard.until(lambda: heard.events == [1])


# ---------------------------------------------------------------------- user data


async def test_events_come_from_the_first_one_on(venue: FakeVenue, client: AsyncClient) -> None:
    """The event is in the same write as the answer that gives the subscription's number."""

    def subscribe(connection: Connection, frame: Frame) -> Frame:
        connection.subscriptions.append(0)
        return {"status": 200, "result": {"subscriptionId": 0}}

    venue.answers["userDataStream.subscribe.signature"] = subscribe
    heard = Heard()
    api = client.ws_api()
    subscribing = asyncio.ensure_future(subscribed(api, heard))
    await venue.until(lambda: bool(venue.connections) and bool(venue.connections[0].subscriptions))
    for number in range(5):
        await venue.connections[0].send(event(number))
    await subscribing
    await heard.until(lambda: heard.events == [0, 1, 2, 3, 4])
    assert venue.connections[0].frames[-1]["params"].keys() == {
        "apiKey",
        "timestamp",
        "signature",
    }


async def test_two_listeners_share_one_subscription(venue: FakeVenue, client: AsyncClient) -> None:
    api, first, second = client.ws_api(), Heard(), Heard()
    one, two = await asyncio.gather(subscribed(api, first), subscribed(api, second))
    assert one != two
    assert venue.connections[0].subscriptions == [0]
    await venue.connections[0].send(event(1))
    await first.until(lambda: first.events == [1])
    await second.until(lambda: second.events == [1])
    await api.unsubscribe_user_data(one)
    assert "userDataStream.unsubscribe" not in venue.connections[0].methods
    await venue.connections[0].send(event(2))
    await second.until(lambda: second.events == [1, 2])
    await api.unsubscribe_user_data(two)
    await api.unsubscribe_user_data(two)
    assert venue.connections[0].frames[-1] == {
        "id": venue.connections[0].frames[-1]["id"],
        "method": "userDataStream.unsubscribe",
        "params": {"subscriptionId": 0},
    }
    assert first.events == [1]
    assert first.ends == second.ends == []


async def test_a_refused_subscription(venue: FakeVenue, client: AsyncClient) -> None:
    venue.answers["userDataStream.subscribe.listenToken"] = refusal(400, -1209, "bad token")
    heard = Heard()
    with pytest.raises(BinanceAPIException):
        await subscribed(client.ws_api(), heard, "token")
    assert heard.ends == []
    # The next one begins anew.
    del venue.answers["userDataStream.subscribe.listenToken"]
    await subscribed(client.ws_api(), heard, "token")
    assert venue.connections[0].frames[-1]["params"] == {"listenToken": "token"}


async def test_a_token_is_renewed_in_place(venue: FakeVenue, client: AsyncClient) -> None:
    venue.answers["userDataStream.subscribe.listenToken"] = {
        "status": 200,
        "result": {"subscriptionId": 0},
    }
    heard, api = Heard(), client.ws_api()
    number = await subscribed(api, heard, "first")
    await api.renew_user_data(number, "second")
    await venue.connections[0].send(event(1))
    await heard.until(lambda: heard.events == [1])
    venue.connections[0].cut()
    await heard.until(lambda: heard.restored == 1)
    assert venue.connections[1].frames[-1]["params"] == {"listenToken": "second"}


async def test_the_venue_s_own_end(venue: FakeVenue, client: AsyncClient) -> None:
    heard, api = Heard(), client.ws_api()
    await subscribed(api, heard)
    terminated = {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "n": 9}}
    await venue.connections[0].send(terminated)
    await heard.until(lambda: heard.ends == [None])
    assert heard.events == [9]


async def test_restored_after_a_loss(venue: FakeVenue, client: AsyncClient) -> None:
    heard, api = Heard(), client.ws_api()
    number = await subscribed(api, heard)
    venue.connections[0].cut()
    await heard.until(lambda: heard.restored == 1)
    await venue.connections[1].send(event(2))
    await heard.until(lambda: heard.events == [2])
    assert heard.ends == []
    await api.unsubscribe_user_data(number)
    assert venue.connections[1].methods[-1] == "userDataStream.unsubscribe"


async def test_a_restore_that_is_refused_ends_it(venue: FakeVenue, client: AsyncClient) -> None:
    heard = Heard()
    await subscribed(client.ws_api(), heard)
    venue.answers["userDataStream.subscribe.signature"] = refusal(401, -2015, "revoked")
    venue.connections[0].cut()
    await heard.until(lambda: bool(heard.ends))
    assert isinstance(heard.ends[0], BinanceAPIException)
    assert heard.ends[0].code == -2015


async def test_closing_ends_subscriptions(venue: FakeVenue) -> None:
    client, heard = AsyncClient(API_KEY, SECRET), Heard()
    await subscribed(client.ws_api(), heard)
    await client.close_connection()
    assert heard.ends == [None]


async def test_a_listener_that_fails_hurts_nobody(venue: FakeVenue, client: AsyncClient) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    api, heard = client.ws_api(), Heard()

    def fails(frame: bytes, recv_ns: int) -> None:
        raise RuntimeError("mine")

    await api.subscribe_user_data(fails, heard.on_end)
    await subscribed(api, heard)
    await venue.connections[0].send(event(1))
    await heard.until(lambda: heard.events == [1])
    assert [str(context["exception"]) for context in told] == ["mine"]


# ---------------------------------------------------------------------- rotation


async def test_a_shutdown_moves_everything_to_a_second_connection(
    venue: FakeVenue, client: AsyncClient
) -> None:
    """New requests go to the new connection, the old one finishes, no event is lost or doubled."""
    heard, api = Heard(), client.ws_api()
    await subscribed(api, heard)
    old = venue.connections[0]
    kept: list[Frame] = []
    venue.answers["order.place"] = lambda connection, frame: kept.append(frame)
    order = asyncio.ensure_future(client.ws_create_order(symbol="A"))
    await venue.until(lambda: bool(kept))
    subscribing = asyncio.Event()

    def subscribe(connection: Connection, frame: Frame) -> Frame:
        connection.subscriptions.append(7)
        subscribing.set()
        return {"status": 200, "result": {"subscriptionId": 7}}

    ending: list[Frame] = []
    venue.answers["userDataStream.subscribe.signature"] = subscribe
    venue.answers["userDataStream.unsubscribe"] = lambda connection, frame: ending.append(frame)
    await old.send(event(0))
    await old.send(SHUTDOWN)
    await venue.until(lambda: bool(ending))
    new = venue.connections[1]
    # Both carry these, in one order or the other.
    await old.send(event(1))
    await new.send(event(1, 7))
    await new.send(event(2, 7))
    await old.send(event(2))
    await old.send({"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "n": -1}})
    await old.send({"id": ending[0]["id"], "status": 200, "result": {}})
    await heard.until(lambda: len(heard.events) == 3)
    assert heard.events == [0, 1, 2]
    assert (await client.ws_ping())["method"] == "ping"
    assert new.methods[-1] == "ping"
    assert old.is_open
    await old.send({"id": kept[0]["id"], "status": 200, "result": "placed"})
    assert await asyncio.wait_for(order, PATIENCE) == "placed"
    await venue.until(lambda: not old.is_open)
    await new.send(event(3, 7))
    await heard.until(lambda: heard.events == [0, 1, 2, 3])
    assert heard.restored == 0
    assert heard.ends == []
    assert len(venue.connections) == 2


async def test_before_the_day_is_over(venue: FakeVenue) -> None:
    async with AsyncClient(API_KEY, SECRET, ws_api_max_age=0.2) as client:
        heard = Heard()
        await subscribed(client.ws_api(), heard)
        await venue.until(lambda: len(venue.connections) >= 3 and not venue.connections[1].is_open)
        assert heard.restored == 0
        assert heard.ends == []
        await client.ws_ping()


async def test_an_old_connection_that_breaks_during_the_move(
    venue: FakeVenue, client: AsyncClient
) -> None:
    heard, api = Heard(), client.ws_api()
    await subscribed(api, heard)
    venue.accepts = 503
    await venue.connections[0].send(SHUTDOWN)
    await client.ws_ping()  # the old one works while there is no other
    assert venue.connections[0].methods[-1] == "ping"
    venue.connections[0].cut()
    venue.accepts = 101
    await heard.until(lambda: heard.restored == 1)
    await venue.connections[-1].send(event(5))
    await heard.until(lambda: heard.events == [5])


async def test_a_subscription_made_while_others_move(venue: FakeVenue, client: AsyncClient) -> None:
    first, second, api = Heard(), Heard(), client.ws_api()
    await subscribed(api, first)
    await venue.connections[0].send(SHUTDOWN)
    await venue.until(lambda: len(venue.connections) == 2)
    await subscribed(api, second)
    await venue.until(lambda: not venue.connections[0].is_open)
    assert venue.connections[1].subscriptions == [0]
    await venue.connections[1].send(event(1))
    await first.until(lambda: first.events == [1])
    await second.until(lambda: second.events == [1])


async def test_a_token_renewed_while_others_move(venue: FakeVenue, client: AsyncClient) -> None:
    """What is on the new connection already is not subscribed there again."""
    account, margin, api = Heard(), Heard(), client.ws_api()
    await subscribed(api, account)
    number = await subscribed(api, margin, "first")
    held: list[Frame] = []
    venue.answers["userDataStream.subscribe.signature"] = lambda _, frame: held.append(frame)
    await venue.connections[0].send(SHUTDOWN)
    await venue.until(lambda: bool(held))
    await api.renew_user_data(number, "second")
    new = venue.connections[1]
    await new.send({"id": held[0]["id"], "status": 200, "result": {"subscriptionId": 9}})
    await venue.until(lambda: not venue.connections[0].is_open)
    assert new.methods.count("userDataStream.subscribe.listenToken") == 1
    assert venue.connections[0].methods.count("userDataStream.unsubscribe") == 2
    await new.send(event(1, 9))
    await new.send(event(2, 0))
    await account.until(lambda: account.events == [1])
    await margin.until(lambda: margin.events == [2])


async def test_a_shutdown_told_during_the_move_is_not_forgotten(
    venue: FakeVenue, client: AsyncClient
) -> None:
    heard, api = Heard(), client.ws_api()
    await subscribed(api, heard)
    ending: list[Frame] = []
    venue.answers["userDataStream.unsubscribe"] = lambda connection, frame: ending.append(frame)
    await venue.connections[0].send(SHUTDOWN)
    await venue.until(lambda: bool(ending))
    await venue.connections[1].send(SHUTDOWN)
    await venue.connections[1].send(event(1))  # waits, since the old one has not said its last
    venue.answers["userDataStream.unsubscribe"] = {"status": 200, "result": {}}
    await venue.connections[0].send({"id": ending[0]["id"], "status": 200, "result": {}})
    await venue.until(lambda: len(venue.connections) == 3 and not venue.connections[1].is_open)
    await venue.connections[2].send(event(2))
    await heard.until(lambda: heard.events == [1, 2])
    assert heard.restored == 0


# ---------------------------------------------------------------------- the clock


def wants_the_time(venue: FakeVenue) -> Any:
    """A subscription that is refused where the request's time is not the venue's."""

    def subscribe(connection: Connection, frame: Frame) -> Frame:
        if abs(frame["params"]["timestamp"] - venue.now_ms()) > 60_000:
            return refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")
        connection.subscriptions.append(0)
        return {"status": 200, "result": {"subscriptionId": 0}}

    return subscribe


async def test_a_clock_that_drifted_ends_no_subscription(
    venue: FakeVenue, client: AsyncClient
) -> None:
    heard, api = Heard(), client.ws_api()
    venue.answers["userDataStream.subscribe.signature"] = wants_the_time(venue)
    await subscribed(api, heard)
    venue.time_offset_ms = -3_600_000
    venue.connections[0].cut()
    await heard.until(lambda: heard.restored == 1)
    venue.time_offset_ms = 3_600_000
    await venue.connections[1].send(SHUTDOWN)
    await venue.until(lambda: len(venue.connections) == 3 and not venue.connections[1].is_open)
    await venue.connections[2].send(event(1))
    await heard.until(lambda: heard.events == [1])
    assert (heard.restored, heard.ends) == (1, [])
