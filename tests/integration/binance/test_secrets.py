"""Nothing that a program prints shows a key, a secret or a signature."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ws_api import API_KEY, SECRET, FakeVenue, refusal
from tickwire.binance import (
    AsyncClient,
    BinanceAPIException,
    Client,
    ThreadedWebsocketManager,
    UserData,
)
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.signing import Security
from tickwire.transport import AsyncSession, WebSocketError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

REQUESTS: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {
    "ws order": lambda client: client.ws_create_order(symbol="A"),
    "ws read": lambda client: client.ws_get_account(),
    "ws listen": lambda client: client.ws_api("usdm").request("userDataStream.start"),
    "rest": lambda client: client.request(
        "GET", "spot", "/api/v3/account", security=Security.SIGNED
    ),
    "rest key": lambda client: client.stream_get_listen_key(),
}
FAULTS = ("refused", "cut", "unanswered")


def everything(error: BaseException) -> str:
    """The error with all it is chained to, and the local variables of every frame."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format()) + repr(error) + repr(vars(error))


def sent_secrets(venue: FakeVenue) -> list[str]:
    """The keys, and every signature that went over the wire."""
    signatures = [
        frame["params"]["signature"]
        for connection in venue.connections
        for frame in connection.frames
        if "signature" in frame.get("params", {})
    ]
    signatures += [
        address.partition("signature=")[2]
        for _, address, _ in venue.requests
        if "signature=" in address
    ]
    return [API_KEY, SECRET, *signatures]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", sorted(REQUESTS))
async def test_errors(
    venue: FakeVenue, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    bad = refusal(400, -1022, "Signature for this request is not valid.")
    methods = ("order.place", "account.status", "userDataStream.start")
    for method in methods:
        if fault == "refused":
            venue.answers[method] = bad
        elif fault == "cut":
            venue.answers[method] = lambda connection, frame: connection.cut()
        else:
            venue.answers[method] = lambda connection, frame: None
    for path in ("/api/v3/account", "/api/v3/userDataStream"):
        venue.rest[path] = (400, {"code": -1022, "msg": "Signature is not valid"}, {})
    client = AsyncClient(API_KEY, SECRET)
    try:
        if fault != "refused" and name.startswith("rest"):
            await client.request("GET", "spot", "/api/v3/ping")
            monkeypatch.setattr(client._venue, "rest_url", lambda product: "http://127.0.0.1:1")
            client._signatory.clock_is_set = True
        asking = asyncio.ensure_future(REQUESTS[name](client))
        if fault == "unanswered" and name.startswith("ws"):
            await venue.until(
                lambda: any(
                    method in methods
                    for connection in venue.connections
                    for method in connection.methods
                )
            )
            await client.close_connection()
        with pytest.raises(Exception, match=r".") as caught:
            await asking
        shown = everything(caught.value)
    finally:
        await client.close_connection()
    for secret in sent_secrets(venue):
        assert secret not in shown


@pytest.mark.parametrize(
    "value",
    [object(), {1}, b"1", 2**70, "\ud800", ["\ud800"]],
    ids=["object", "set", "bytes", "too large", "half a character", "half of one in a list"],
)
async def test_what_cannot_be_sent(venue: FakeVenue, client: AsyncClient, value: object) -> None:
    for asking in (
        client.ws_create_order(symbol="A", quantity=value),
        client.request("POST", "spot", "/api/v3/order", {"quantity": value}, Security.SIGNED),
    ):
        with pytest.raises(ConfigurationError, match="quantity") as caught:
            await asking
        assert API_KEY not in everything(caught.value)
    assert not any("order.place" in connection.methods for connection in venue.connections)


async def test_a_key_that_cannot_sign(venue: FakeVenue) -> None:
    async with AsyncClient(API_KEY) as client:
        for asking in (
            client.ws_get_account(),
            client.request("GET", "spot", "/api/v3/account", None, Security.SIGNED),
        ):
            with pytest.raises(ConfigurationError, match="API key only") as caught:
                await asking
            assert API_KEY not in everything(caught.value)


async def test_logs_and_reprs(venue: FakeVenue) -> None:
    """At the most verbose level, of every logger there is."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    own = logging.getLogger("tickwire.binance")
    own_level = own.level
    try:
        client = AsyncClient(API_KEY, SECRET, verbose=True)
        async with client:
            await client.ws_create_order(symbol="A")
            await client.request("GET", "spot", "/api/v3/account", security=Security.SIGNED)
            venue.connections[0].cut()
            while client.ws_api().is_connected:
                await asyncio.sleep(0)
            await client.ws_get_account()
            objects = [
                client,
                client.ws_api(),
                client.credentials,
                client.session,
                client._signatory,
                client._rest,
                client._venue,
                *client.ws_api()._links,
            ]
            shown = "".join(repr(item) + str(item) for item in objects)
            shown += "".join(repr(vars(item)) for item in objects if hasattr(item, "__dict__"))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        own.setLevel(own_level)
    log = stream.getvalue()
    assert "order.place" in log
    secrets = sent_secrets(venue)
    assert len(secrets) > 3
    for secret in secrets:
        assert secret not in log
        assert secret not in shown


def test_the_sync_client_shows_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKWIRE_SIMULATOR", "http://127.0.0.1:1")
    with Client(API_KEY, SECRET) as client:
        shown = repr(client) + repr(vars(client))
    assert API_KEY not in shown
    assert SECRET not in shown


async def test_what_libcurl_says_in_a_debug_session(
    venue: FakeVenue, capfd: pytest.CaptureFixture[str]
) -> None:
    """curl_cffi's debug mode prints addresses and headers; not those of a request with a key."""
    async with AsyncClient(API_KEY, SECRET, session_params={"debug": True}) as client:
        await client.ping()
        await client.ws_get_account()
        await client.stream_keepalive("L")
        await client.request("GET", "spot", "/api/v3/account", security=Security.SIGNED)
    shown = "".join(capfd.readouterr())
    assert "/api/v3/ping" in shown
    for secret in sent_secrets(venue):
        assert secret not in shown


async def test_a_debug_session_of_the_caller_s_gets_no_key(venue: FakeVenue) -> None:
    async with AsyncSession(debug=True) as session:
        client = AsyncClient(API_KEY, SECRET, session=session)
        with pytest.raises(ConfigurationError, match="debug"):
            await client.stream_get_listen_key()
        await client.close_connection()
    assert not venue.requests


def made(make: Any, **options: Any) -> Any:
    """An object with keys that are made here: no frame of the test has their text."""
    return make(*(part + "-that-must-not-be-seen" for part in ("key", "secret")), **options)


async def test_constructors_that_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKWIRE_SIMULATOR", raising=False)
    for options in ({"time_unit": "DAYS"}, {"url": "http://elsewhere.example"}, {"nosuch": 1}):
        with pytest.raises((ConfigurationError, TypeError)) as caught:
            await made(AsyncClient.create, **options)
        shown = everything(caught.value)
        assert API_KEY not in shown
        assert SECRET not in shown


def test_the_threaded_manager_shows_nothing_either() -> None:
    twm = made(ThreadedWebsocketManager, time_unit="DAYS")
    shown = repr(vars(twm))
    with pytest.raises(ConfigurationError, match="time_unit") as refused:
        twm.start()
    shown += everything(refused.value)
    with pytest.raises(ConfigurationError, match="loop") as caught:
        made(ThreadedWebsocketManager, loop=1)
    shown += everything(caught.value)
    assert API_KEY not in shown
    assert SECRET not in shown


async def test_an_id_that_is_taken(venue: FakeVenue, client: AsyncClient) -> None:
    venue.answers["order.place"] = lambda connection, frame: None
    waiting = asyncio.ensure_future(client.ws_create_order(symbol="A", id=5))
    await venue.until(
        lambda: bool(venue.connections) and "order.place" in venue.connections[0].methods
    )
    with pytest.raises(ValueError, match="in flight") as caught:
        await client.ws_get_order(symbol="A", orderId=1, id=5)
    shown = everything(caught.value)
    assert API_KEY not in shown
    assert "signature=" not in shown
    assert '"signature"' not in shown
    waiting.cancel()


@pytest.mark.parametrize("account", ["margin", "usdm"])
async def test_what_stands_for_an_account(
    venue: FakeVenue, client: AsyncClient, account: Any
) -> None:
    seen = "must-not-be-" + "seen"  # so that this frame has it in one piece nowhere else
    end = venue.now_ms() + 86_400_000
    venue.rest["/sapi/v1/userListenToken"] = (200, {"token": seen, "expirationTime": end}, {})
    venue.rest["/fapi/v1/listenKey"] = (200, {"listenKey": seen}, {})
    venue.answers["userDataStream.subscribe.listenToken"] = refusal(400, -1209, "bad token")
    data = UserData(client, account)
    with pytest.raises((BinanceAPIException, WebSocketError)) as caught:
        await data.open()  # there are no streams at this venue
    shown = everything(caught.value).replace(f"seen = {seen!r}", "")
    assert seen not in shown.replace(repr(venue.rest), "")
