"""The WebSocket API against a venue that answers as it likes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.server import PATIENCE
from tests.support.ws_api import API_KEY, SECRET, Connection, FakeVenue, refusal
from tickwire.binance import (
    AsyncClient,
    BinanceAPIException,
    BinanceRateLimited,
    BinanceRequestException,
    BinanceRequestLost,
    BinanceRequestTimeout,
    BinanceWebsocketClosed,
    BinanceWebsocketUnableToConnect,
)
from tickwire.binance.signatory import milliseconds
from tickwire.errors import ConfigurationError
from tickwire.exchanges.binance.refusals import Retry
from tickwire.transport import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Callable

Frame = dict[str, Any]


def held(connection: Connection, frame: Frame) -> None:
    """Answers nothing."""


async def test_one_request(venue: FakeVenue, client: AsyncClient) -> None:
    answer = await client.ws_get_order_book(symbol="BTCUSDT", limit=5)
    assert answer == {"method": "depth", "params": {"symbol": "BTCUSDT", "limit": 5}}
    assert client.ws_api().is_connected
    assert client.rate_limits()[0].count == 7
    # No key goes along where none is needed.
    assert "apiKey" not in answer["params"]


async def test_a_signed_request(venue: FakeVenue, client: AsyncClient) -> None:
    venue.time_offset_ms = -7_200_000
    answer = await client.ws_order_limit_buy(symbol="BTCUSDT", quantity=0.00001, price="5")
    params = answer["params"]
    assert params["quantity"] == "0.00001"
    assert params["newClientOrderId"].startswith("tw-")
    assert abs(params["timestamp"] - venue.now_ms()) < 60_000
    assert venue.connections[0].methods == ["time", "order.place"]
    assert abs(client.timestamp_offset + 7_200_000) < 60_000


async def test_a_thousand_in_flight_answered_backwards(
    venue: FakeVenue, client: AsyncClient
) -> None:
    waiting: list[Frame] = []
    venue.answers["depth"] = lambda connection, frame: waiting.append(frame)
    count = 1000
    asking = [
        asyncio.create_task(client.ws_api().request("depth", {"symbol": f"S{i}"}))
        for i in range(count)
    ]
    await venue.until(lambda: len(waiting) == count)
    assert len(venue.connections) == 1
    assert client.ws_api().in_flight == count
    for frame in reversed(waiting):
        await venue.connections[0].send(
            {"id": frame["id"], "status": 200, "result": frame["params"]["symbol"]}
        )
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*asking) == [f"S{i}" for i in range(count)]
    assert client.ws_api().in_flight == 0


async def test_a_hundred_in_flight_when_the_connection_goes(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.answers["depth"] = venue.answers["order.place"] = held
    reads = [client.ws_get_order_book(symbol=f"S{i}") for i in range(50)]
    orders = [client.ws_create_order(symbol=f"S{i}") for i in range(50)]
    asking = [asyncio.ensure_future(request) for request in (*reads, *orders)]
    await venue.until(
        lambda: (
            bool(venue.connections)
            and sum(method in venue.answers for method in venue.connections[0].methods) == 100
        )
    )
    venue.connections[0].cut()
    results = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), PATIENCE)
    lost = [result for result in results if isinstance(result, BinanceRequestLost)]
    assert len(lost) == 100
    assert [error.outcome_unknown for error in lost] == [False] * 50 + [True] * 50
    names = {error.client_order_id for error in lost[50:]}
    sent = {
        frame.get("params", {}).get("newClientOrderId") for frame in venue.connections[0].frames
    }
    assert len(names) == 50
    assert names <= sent
    # Nothing is sent again, and the next request has a connection of its own.
    del venue.answers["depth"]
    await client.ws_get_order_book(symbol="AFTER")
    assert venue.connections[1].methods == ["depth"]


async def test_first_use_by_many_at_once_makes_one_connection(
    venue: FakeVenue, client: AsyncClient
) -> None:
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(client.ws_get_account() for _ in range(20)))
    assert len(venue.connections) == 1
    assert venue.connections[0].methods.count("time") == 1


async def test_one_that_is_cancelled_and_its_late_answer(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.answers["depth"] = held
    asking = asyncio.ensure_future(client.ws_get_order_book(symbol="A"))
    await venue.until(lambda: bool(venue.connections) and bool(venue.connections[0].frames))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert client.ws_api().in_flight == 0
    late = {"id": venue.connections[0].frames[0]["id"], "status": 200, "result": "late"}
    await venue.connections[0].send(late)
    assert (await client.ws_ping())["method"] == "ping"
    assert len(venue.connections) == 1


@pytest.mark.parametrize(
    "frame",
    [
        {"id": "nobody's", "status": 200, "result": {}},
        {"id": [1], "status": 200},
        {"id": None, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON"}},
        {"id": None, "error": "?"},
        {"unexpected": True},
        {"event": {"e": "unheard-of"}, "subscriptionId": 77},
        {"event": "no object"},
        "{",
        "[]",
        "3",
        "\u0000",
    ],
    ids=[
        "unknown id",
        "id of no kind",
        "no id",
        "no id, no status",
        "nothing known",
        "unknown event",
        "event of no kind",
        "no JSON",
        "list",
        "number",
        "zero byte",
    ],
)
async def test_frames_that_answer_nothing(
    venue: FakeVenue, client: AsyncClient, frame: Frame | str
) -> None:
    venue.answers["depth"] = held
    asking = [asyncio.ensure_future(client.ws_get_order_book(symbol=name)) for name in ("A", "B")]
    await venue.until(lambda: bool(venue.connections) and len(venue.connections[0].frames) == 2)
    connection = venue.connections[0]
    await connection.send(frame)
    for request in list(connection.frames):
        await connection.send(
            {"id": request["id"], "status": 200, "result": request["params"]["symbol"]}
        )
    assert await asyncio.wait_for(asyncio.gather(*asking), PATIENCE) == ["A", "B"]
    assert len(venue.connections) == 1


async def test_an_error_without_id_is_the_only_request_s(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.answers["depth"] = held
    asking = asyncio.ensure_future(client.ws_get_order_book(symbol="A"))
    await venue.until(lambda: bool(venue.connections) and bool(venue.connections[0].frames))
    await venue.connections[0].send({"id": None, **refusal(400, -1135, "Invalid JSON Request")})
    with pytest.raises(BinanceAPIException) as caught:
        await asyncio.wait_for(asking, PATIENCE)
    assert caught.value.code == -1135


async def test_a_timeout_of_an_order_is_an_unknown_outcome(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.answers["order.place"] = held
    await client.ws_get_account()  # so that the time is the order's alone
    for timeout in (0.05, 1.0, PATIENCE):
        with pytest.raises(BinanceRequestTimeout) as caught:
            await client.ws_api().request("order.place", {"symbol": "A"}, timeout=timeout)
        if caught.value.sent:  # a busy machine may need longer than that to send it
            break
    assert caught.value.outcome_unknown
    assert caught.value.client_order_id
    assert client.ws_api().in_flight == 0
    assert venue.connections[0].methods.count("order.place") == 1


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (refusal(400, -1121, "Invalid symbol."), Retry.NO),
        (refusal(503, -1008, "Server is busy"), Retry.YES),
        ({"status": 200, "result": {"code": -2043, "msg": "no reference price"}}, Retry.NO),
        ({"status": 500}, Retry.YES),
    ],
    ids=["refused", "busy", "two hundred and yet", "bare"],
)
async def test_refusals(venue: FakeVenue, client: AsyncClient, answer: Frame, retry: Retry) -> None:
    venue.answers["referencePrice"] = answer
    with pytest.raises(BinanceAPIException) as caught:
        await client.ws_get_reference_price(symbol="A")
    assert caught.value.retry is retry
    assert caught.value.status_code == answer["status"]


async def test_the_two_halves_of_a_cancel_replace(venue: FakeVenue, client: AsyncClient) -> None:
    halves = {"cancelResult": "SUCCESS", "newOrderResult": "FAILURE"}
    venue.answers["order.cancelReplace"] = refusal(409, -2021, "partially", **halves)
    with pytest.raises(BinanceAPIException) as caught:
        await client.ws_cancel_and_replace_order(symbol="A")
    assert caught.value.data == halves


@pytest.mark.parametrize("status", [418, 429])
async def test_a_ban_stops_requests_until_it_is_over(
    venue: FakeVenue, client: AsyncClient, status: int
) -> None:
    until = venue.now_ms() + 3_600_000
    venue.answers["depth"] = refusal(status, -1003, "banned", retryAfter=until)
    with pytest.raises(BinanceAPIException) as caught:
        await client.ws_get_order_book(symbol="A")
    assert caught.value.retry_after_ms == until
    assert caught.value.retry is Retry.LATER
    for request in (client.ws_ping, client.ping):
        with pytest.raises(BinanceRateLimited) as held_back:
            await request()
        assert held_back.value.retry_after_ms == until
        assert held_back.value.code == -1003
    assert venue.connections[0].methods == ["depth"]
    assert not venue.requests


async def test_too_many_orders_leave_reading_alone(venue: FakeVenue, client: AsyncClient) -> None:
    until = venue.now_ms() + 3_600_000
    venue.answers["order.place"] = refusal(429, -1015, "Too many new orders", retryAfter=until)
    with pytest.raises(BinanceAPIException):
        await client.ws_create_order(symbol="A")
    with pytest.raises(BinanceRateLimited):
        await client.ws_create_order(symbol="A")
    assert (await client.ws_ping())["method"] == "ping"


async def test_too_many_orders_leave_cancels_alone(venue: FakeVenue, client: AsyncClient) -> None:
    """The venue does not count them, and they are what a program needs then."""
    until = venue.now_ms() + 3_600_000
    for method in ("order.place", "order.modify"):
        venue.answers[method] = refusal(429, -1015, "Too many new orders", retryAfter=until)
    with pytest.raises(BinanceAPIException):
        await client.ws_create_order(symbol="A")
    with pytest.raises(BinanceAPIException):
        await client.ws_futures_edit_order(symbol="A", orderId=1)
    for cancel in (
        client.ws_cancel_order(symbol="A", orderId=1),
        client.ws_cancel_all_open_orders(symbol="A"),
        client.ws_cancel_oco_order(symbol="A", orderListId=1),
        client.ws_amend_order(symbol="A", orderId=1, newQty="1"),
        client.ws_futures_cancel_order(symbol="A", orderId=1),
        client.ws_cancel_and_replace_order(symbol="A", orderRateLimitExceededMode="CANCEL_ONLY"),
    ):
        assert (await cancel)["params"]["symbol"] == "A"
    for order in (
        client.ws_cancel_and_replace_order(symbol="A"),
        client.ws_create_oco_order(symbol="A"),
        client.ws_futures_edit_order(symbol="A", orderId=1),
        client.ws_request("order.of.tomorrow"),
    ):
        with pytest.raises(BinanceRateLimited):
            await order


async def test_waiting_for_the_limit_instead(venue: FakeVenue) -> None:
    refused = iter([refusal(429, -1003, "slower", retryAfter=venue.now_ms() + 300)])
    venue.answers["depth"] = lambda connection, frame: next(
        refused, {"status": 200, "result": "at last"}
    )
    async with AsyncClient(wait_for_limits=True) as client:
        with pytest.raises(BinanceAPIException):
            await client.ws_get_order_book(symbol="A")
        assert await client.ws_get_order_book(symbol="A") == "at last"
    first, second = (frame for frame in venue.connections[0].frames)
    assert first["id"] != second["id"]


async def test_a_ban_at_the_door(venue: FakeVenue, client: AsyncClient) -> None:
    venue.accepts, venue.accept_headers = 418, {"Retry-After": "600"}
    with pytest.raises(BinanceAPIException) as caught:
        await client.ws_ping()
    assert caught.value.status_code == 418
    with pytest.raises(BinanceRateLimited):
        await client.ws_ping()


async def test_a_venue_that_refuses_for_good(venue: FakeVenue, client: AsyncClient) -> None:
    venue.accepts = 403
    with pytest.raises(BinanceWebsocketUnableToConnect, match="403"):
        await client.ws_ping()
    venue.accepts = 101
    assert (await client.ws_ping())["method"] == "ping"


async def test_the_clock_is_set_and_a_read_sent_again(
    venue: FakeVenue, client: AsyncClient
) -> None:
    refused = iter([refusal(400, -1021, "Timestamp"), refusal(400, -1021, "Timestamp")])
    venue.answers["account.status"] = lambda connection, frame: next(
        refused, {"status": 200, "result": "second"}
    )
    with pytest.raises(BinanceAPIException) as caught:
        await client.ws_get_account()
    assert caught.value.retry is Retry.AFTER_CLOCK
    assert venue.connections[0].methods == [
        *("time", "account.status"),
        *("time", "account.status"),
    ]
    assert await client.ws_get_account() == "second"


async def test_an_order_is_not_sent_again_after_the_clock(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.answers["order.place"] = refusal(400, -1021, "Timestamp")
    with pytest.raises(BinanceAPIException):
        await client.ws_create_order(symbol="A")
    assert venue.connections[0].methods == ["time", "order.place", "time"]


async def test_without_a_key(venue: FakeVenue) -> None:
    async with AsyncClient() as client:
        with pytest.raises(ConfigurationError, match="api_key="):
            await client.ws_get_account()
        assert (await client.ws_ping())["method"] == "ping"


async def test_levels_beside_the_result(venue: FakeVenue, client: AsyncClient) -> None:
    venue.answers["depth"] = {
        "status": 200,
        "result": {"lastUpdateId": 5},
        "bids": [["1", "2"]],
        "asks": [],
    }
    book = await client.ws_futures_get_order_book(symbol="A")
    assert book == {"lastUpdateId": 5, "bids": [["1", "2"]], "asks": []}


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "200", "result": 1},
        {"status": None, "result": 1},
        {"status": 400, "error": "text"},
        {"status": 200, "error": []},
    ],
    ids=["status a text", "no status", "error a text", "error a list"],
)
async def test_answers_of_no_known_form(
    venue: FakeVenue, client: AsyncClient, answer: Frame
) -> None:
    venue.answers["depth"] = venue.answers["order.place"] = answer
    for asking, unknown in (
        (client.ws_get_order_book(symbol="A"), False),
        (client.ws_create_order(symbol="A"), True),
    ):
        with pytest.raises(BinanceRequestException, match="not known") as caught:
            await asking
        assert caught.value.outcome_unknown is unknown
    venue.answers["time"] = {"status": 200, "result": 3}
    async with AsyncClient(API_KEY, SECRET) as other:
        with pytest.raises(BinanceRequestException, match="time was answered"):
            await other.ws_get_account()


async def test_an_id_of_the_caller_s(venue: FakeVenue, client: AsyncClient) -> None:
    venue.answers["depth"] = held
    asking = asyncio.ensure_future(client.ws_get_order_book(symbol="A", id="mine"))
    await venue.until(lambda: bool(venue.connections) and bool(venue.connections[0].frames))
    assert venue.connections[0].frames[0]["id"] == "mine"
    with pytest.raises(ValueError, match="in flight"):
        await client.ws_ping(id="mine")
    await venue.connections[0].send({"id": "mine", "status": 200, "result": 1})
    assert await asyncio.wait_for(asking, PATIENCE) == 1


async def test_ids_of_the_caller_s_and_the_library_s_do_not_meet(
    venue: FakeVenue, client: AsyncClient
) -> None:
    venue.answers["depth"] = held
    own = [asyncio.ensure_future(client.ws_get_order_book(symbol="A", id=n)) for n in range(1, 20)]
    await venue.until(
        lambda: bool(venue.connections) and len(venue.connections[0].frames) == len(own)
    )
    for _ in own:
        assert (await client.ws_ping())["method"] == "ping"
    for frame in venue.connections[0].frames[: len(own)]:
        await venue.connections[0].send({"id": frame["id"], "status": 200, "result": 1})
    assert await asyncio.wait_for(asyncio.gather(*own), PATIENCE) == [1] * len(own)


@pytest.mark.parametrize("number", [True, [1], {"a": 1}, 2**64], ids=repr)
async def test_what_is_no_id(venue: FakeVenue, client: AsyncClient, number: object) -> None:
    with pytest.raises(ConfigurationError, match="id"):
        await client.ws_ping(id=number)
    assert not venue.connections


async def test_nothing_begins_after_the_end(venue: FakeVenue) -> None:
    """Of a client that was not used before, so that there is nothing to be closed yet."""
    client = AsyncClient(API_KEY, SECRET)
    await client.close_connection()
    for asking in (
        client.ping,
        client.get_order_book,
        client.ws_ping,
        client.ws_futures_account_balance,
    ):
        with pytest.raises(BinanceWebsocketClosed, match="closed"):
            await asking()
    assert client._session is None
    assert not venue.requests
    assert not venue.connections


async def test_a_closed_client_leaves_the_session_that_it_was_given(venue: FakeVenue) -> None:
    async with AsyncSession() as session:
        async with AsyncClient(session=session) as client:
            await client.ping()
        with pytest.raises(BinanceWebsocketClosed):
            await client.ping()
        assert (await session.get(f"{venue.url}/api/v3/ping")).status_code == 200


async def test_closing_ends_what_waits(venue: FakeVenue) -> None:
    venue.answers["order.place"] = held
    client = AsyncClient(API_KEY, SECRET)
    asking = asyncio.ensure_future(client.ws_create_order(symbol="A"))
    await venue.until(
        lambda: bool(venue.connections) and "order.place" in venue.connections[0].methods
    )
    await client.close_connection()
    with pytest.raises(BinanceRequestLost) as caught:
        await asyncio.wait_for(asking, PATIENCE)
    assert caught.value.outcome_unknown
    with pytest.raises(BinanceWebsocketClosed):
        await client.ws_ping()
    await client.close_connection()


async def test_closing_while_it_connects(venue: FakeVenue) -> None:
    venue.accepts = 503
    client = AsyncClient()
    asking = asyncio.ensure_future(client.ws_ping())
    await asyncio.sleep(0)
    await client.close_connection()
    with pytest.raises(BinanceWebsocketClosed):
        await asyncio.wait_for(asking, PATIENCE)


def test_microseconds_and_milliseconds() -> None:
    assert milliseconds(1_700_000_000_123) == 1_700_000_000_123
    assert milliseconds(1_700_000_000_123_456) == 1_700_000_000_123


@pytest.mark.parametrize("kind", [AsyncClient])
def test_a_name_that_is_not_there(kind: Callable[[], AsyncClient]) -> None:
    with pytest.raises(AttributeError, match="ws_… methods"):
        kind().get_dust_log  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(kind(), "_repr_html_")
