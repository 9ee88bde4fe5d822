"""REST requests: names, signatures, limits, and where keys do not go."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.server import PATIENCE
from tests.support.ws_api import API_KEY, SECRET, FakeVenue
from tickwire.binance import (
    AsyncClient,
    BinanceAPIException,
    BinanceRateLimited,
    BinanceRequestException,
)
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.refusals import Retry
from tickwire.exchanges.binance.signing import Security
from tickwire.exchanges.binance.weights import RateLimit
from tickwire.transport import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def test_python_binance_s_names(venue: FakeVenue, client: AsyncClient) -> None:
    for path in ("/api/v3/userDataStream", "/sapi/v1/userDataStream/isolated"):
        venue.rest[path] = (200, {"listenKey": "L"}, {})
    assert await client.stream_get_listen_key() == "L"
    await client.stream_keepalive("L")
    await client.stream_close(listenKey="L")
    assert await client.isolated_margin_stream_get_listen_key("BTCUSDT") == "L"
    await client.isolated_margin_stream_close("BTCUSDT", "L")
    await client.margin_create_listen_token(symbol="BTCUSDT", is_isolated=True)
    await client.futures_order_book(symbol="BTCUSDT", limit=5, nothing=None)
    assert [request[:2] for request in venue.requests] == [
        ("POST", "/api/v3/userDataStream"),
        ("PUT", "/api/v3/userDataStream?listenKey=L"),
        ("DELETE", "/api/v3/userDataStream?listenKey=L"),
        ("POST", "/sapi/v1/userDataStream/isolated?symbol=BTCUSDT"),
        ("DELETE", "/sapi/v1/userDataStream/isolated?symbol=BTCUSDT&listenKey=L"),
        ("POST", "/sapi/v1/userListenToken?symbol=BTCUSDT&isIsolated=true"),
        ("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5"),
    ]
    keys = [request[2].get("X-MBX-APIKEY") for request in venue.requests]
    assert keys == [API_KEY] * 6 + [None]


async def test_an_answer_without_its_listen_key(venue: FakeVenue, client: AsyncClient) -> None:
    with pytest.raises(BinanceRequestException, match="without listenKey"):
        await client.futures_stream_get_listen_key()


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.stream_keepalive(),
        lambda client: client.stream_keepalive("L", "more"),
        lambda client: client.stream_keepalive("L", listenKey="L"),
        lambda client: client.ping("what"),
    ],
    ids=["missing", "too many", "twice", "none wanted"],
)
async def test_arguments_are_checked(
    client: AsyncClient, call: Callable[[AsyncClient], Awaitable[object]]
) -> None:
    with pytest.raises(TypeError):
        await call(client)


async def test_a_signed_request_is_signed_as_it_is_sent(
    venue: FakeVenue, client: AsyncClient
) -> None:
    await client.request(
        "get", "spot", "/api/v3/account", {"symbol": "１２３", "a": "x y&z"}, Security.SIGNED
    )
    method, address, headers = venue.requests[-1]
    assert method == "GET"
    query, _, signature = urlsplit(address).query.partition("&signature=")
    expected = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    assert signature == expected
    assert [name for name, _ in parse_qsl(query)] == ["symbol", "a", "timestamp"]
    assert headers["X-MBX-APIKEY"] == API_KEY
    # The venue's time was asked for first, without the key.
    assert venue.requests[0][1] == "/api/v3/time"
    assert "X-MBX-APIKEY" not in venue.requests[0][2]


async def test_limits_are_told_and_shared(venue: FakeVenue, client: AsyncClient) -> None:
    headers = {"X-MBX-USED-WEIGHT-1M": "5999", "X-MBX-ORDER-COUNT-10S": "3"}
    venue.rest["/api/v3/ping"] = (200, {}, headers)
    await client.ping()
    assert RateLimit("REQUEST_WEIGHT", "MINUTE", 1, None, 5999) in client.rate_limits()
    assert RateLimit("ORDERS", "SECOND", 10, None, 3) in client.rate_limits()
    # A minute may end meanwhile, and then the count is of no use; so ask again if need be.
    refused: BinanceRateLimited | None = None
    async with asyncio.timeout(PATIENCE):
        while refused is None:
            try:
                await client.ping()
                await client.get_order_book(symbol="A", limit=5000)
            except BinanceRateLimited as error:
                refused = error
    assert refused.retry_after_ms is not None
    assert refused.retry_after_ms % 60_000 == 0
    await client.futures_ping()


@pytest.mark.parametrize("status", [418, 429])
async def test_a_ban(venue: FakeVenue, client: AsyncClient, status: int) -> None:
    body = {"code": -1003, "msg": "Too much request weight used"}
    venue.rest["/api/v3/ping"] = (status, body, {"Retry-After": "3600"})
    with pytest.raises(BinanceAPIException) as caught:
        await client.ping()
    assert caught.value.retry is Retry.LATER
    assert caught.value.retry_after_ms is not None
    assert caught.value.retry_after_ms > venue.now_ms() + 3_000_000
    for held_back in (client.get_server_time, client.ws_ping):
        with pytest.raises(BinanceRateLimited):
            await held_back()
    assert len(venue.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"code": -1121, "msg": "Invalid symbol."}, BinanceAPIException),
        (502, "<html>", BinanceAPIException),
        (200, "<html>", BinanceRequestException),
        (302, "", BinanceRequestException),
    ],
)
async def test_answers_that_are_no_results(
    venue: FakeVenue, client: AsyncClient, status: int, body: object, kind: type[Exception]
) -> None:
    venue.rest["/api/v3/ping"] = (status, body, {"Location": f"{venue.url}/elsewhere"})
    with pytest.raises(kind):
        await client.ping()


async def test_a_redirect_takes_no_key_along(venue: FakeVenue, client: AsyncClient) -> None:
    headers = {"Location": f"{venue.url}/elsewhere"}
    venue.rest["/api/v3/userDataStream"] = (307, "", headers)
    with pytest.raises(BinanceRequestException, match="redirected"):
        await client.stream_get_listen_key()
    assert [address for _, address, _ in venue.requests] == ["/api/v3/userDataStream"]


async def test_the_clock_is_set_and_only_a_read_is_sent_again(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.rest["/api/v3/account"] = (400, {"code": -1021, "msg": "Timestamp"}, {})
    for method, times in (("GET", 2), ("POST", 1)):
        venue.requests.clear()
        with pytest.raises(BinanceAPIException) as caught:
            await client.request(method, "spot", "/api/v3/account", security=Security.SIGNED)
        assert caught.value.retry is Retry.AFTER_CLOCK
        asked = [address.partition("?")[0] for _, address, _ in venue.requests]
        assert asked.count("/api/v3/account") == times
        assert "/api/v3/time" in asked


async def test_keys_go_to_the_venue_only(venue: FakeVenue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIMULATOR_VARIABLE)
    for address in ("url", "ws_url", "ws_api_url"):
        scheme = "http" if address == "url" else "ws"
        given = {address: f"{scheme}://127.0.0.1:{venue.port}"}
        with pytest.raises(ConfigurationError, match="trust_url"):
            AsyncClient(API_KEY, SECRET, **given)  # type: ignore[arg-type]
        AsyncClient(**given)  # type: ignore[arg-type]  # without keys it may go anywhere
    async with AsyncClient(url=venue.url) as client:
        await client.ping()
    async with AsyncClient(API_KEY, SECRET, url=venue.url, trust_url=True) as client:
        await client.request("POST", "spot", "/api/v3/userDataStream", security=Security.API_KEY)
    assert venue.requests[-1][2]["X-MBX-APIKEY"] == API_KEY


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeVenue() as gone:
        monkeypatch.setenv(SIMULATOR_VARIABLE, gone.url)
    async with AsyncClient() as client:
        with pytest.raises(BinanceRequestException, match="libcurl error") as caught:
            await client.ping()
    assert not caught.value.outcome_unknown


async def test_a_session_of_the_caller_s_stays_open(venue: FakeVenue) -> None:
    async with AsyncSession() as session:
        async with AsyncClient(session=session) as client:
            assert client.session is session
            await client.ping()
        assert (await session.get(f"{venue.url}/api/v3/ping")).status_code == 200
        with pytest.raises(ConfigurationError, match="session"):
            AsyncClient(session=session, requests_params={"timeout": 3})


@pytest.mark.parametrize(
    "given",
    [
        {"api_secret": "s"},
        {"testnet": True, "demo": True},
        {"time_unit": "DAYS"},
        {"ws_api_max_age": 0},
        {"api_key": "k", "api_secret": "s", "private_key": "p"},
    ],
    ids=["no key", "two environments", "unit", "age", "two secrets"],
)
def test_what_cannot_be(given: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        AsyncClient(**given)  # type: ignore[arg-type]


async def test_microseconds(venue: FakeVenue) -> None:
    async with AsyncClient(time_unit="MICROSECOND") as client:
        await client.ping()
    assert venue.requests[0][2]["X-MBX-TIME-UNIT"] == "MICROSECOND"
