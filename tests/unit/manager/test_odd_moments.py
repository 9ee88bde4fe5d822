"""Odd moments of a managed connection: what the program does while something is under way."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.venue import FakeSocket, Venue, closed_by, cut, refused, rejected
from tests.unit.manager.test_codecs import STREAMS, acknowledge, ids, trade
from tests.unit.manager.test_life import Collector, at
from tickwire.errors import ConfigurationError, SubscriptionError
from tickwire.exchanges import RateLimits, RateWindow, RotateBy
from tickwire.exchanges.binance import BinanceCodec
from tickwire.manager import (
    ConnectionState,
    DisconnectReason,
    Reconnected,
    ReconnectStrategy,
    ScriptedClock,
    Stale,
    WebSocketClosedError,
    WebSocketConnectionError,
    WebSocketManager,
    WebSocketTimeoutError,
)
from tickwire.manager.directives import obey
from tickwire.market import Gap

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_an_iteration_that_was_left_is_gone_on_with(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager() as ws:
        venue.sockets[0].deliver(1, 2, 3)
        async for _ in ws.stream():
            break
        assert ws.queued == 2
        venue.sockets[0].deliver(4)
        ws.request_disconnect()
        assert [item async for item in ws.stream()] == [2, 3, 4]


async def test_two_tasks_and_a_callback_that_waits_lose_nothing(
    venue: Venue, clock: ScriptedClock
) -> None:
    async def on_message(message: Any) -> None:
        called.append(message)
        await asyncio.sleep(0)

    called: list[Any] = []
    async with venue.manager(on_message=on_message) as ws:
        readers = [Collector(ws), Collector(ws)]
        await clock.settle()
        for first in (1, 5):
            venue.sockets[0].deliver(*range(first, first + 4))
        await clock.advance(1.0)
        assert called == list(range(1, 9))
        await ws.disconnect()
        await clock.settle()
        assert sorted(readers[0].items + readers[1].items) == called


async def test_messages_are_called_in_every_life(venue: Venue, clock: ScriptedClock) -> None:
    called: list[Any] = []
    async with venue.manager(on_message=called.append) as ws:
        venue.sockets[0].deliver(1)
        await clock.settle()
        await ws.disconnect()
        await clock.settle()
        await ws.connect()
        venue.sockets[1].deliver(2)
        await clock.settle()
    assert called == [1, 2]


async def test_a_refusal_does_not_end_the_calls(venue: Venue, clock: ScriptedClock) -> None:
    called: list[Any] = []
    async with venue.manager(codec=BinanceCodec, subscriptions=STREAMS, on_message=called.append):
        venue.sockets[0].deliver({"error": {"code": 2, "msg": "no"}, "id": 1})
        await clock.settle()
        venue.sockets[0].deliver(trade(1))
        await clock.settle()
    assert ids(called) == [1]


async def test_an_exception_in_on_message_ends_the_manager_although_nobody_reads(
    venue: Venue, clock: ScriptedClock
) -> None:
    def on_message(message: Any) -> None:
        raise LookupError(message)

    async with venue.manager(on_message=on_message) as ws:
        venue.sockets[0].deliver(1)
        await clock.settle()
        assert at(ws) is ConnectionState.CLOSED
        with pytest.raises(LookupError):
            assert not [item async for item in ws.stream()]


async def test_a_replacement_told_to_try_later_is_not_tried_before(
    venue: Venue, clock: ScriptedClock
) -> None:
    def send_away(socket: FakeSocket) -> None:
        socket.end(closed_by(peer=True, code=1013))

    async with venue.manager(try_again_delay=10.0) as ws:
        venue.greet = send_away
        ws.schedule_reconnect()
        await clock.advance(9.0)
        assert [when for when, *_ in venue.connects] == [0.0, 0.0]
        # The old one's end is no reason to be back earlier.
        venue.sockets[0].end(cut())
        venue.greet = lambda socket: None
        reader = Collector(ws)
        await clock.advance(0.9)
        assert len(venue.connects) == 2
        await clock.advance(0.2)
        assert len(venue.connects) == 3
        assert at(ws) is ConnectionState.CONNECTED
        assert reader.error is None


async def test_a_failed_hand_over_is_not_tried_again_at_once(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(
        reconnect_strategy=ReconnectStrategy.IMMEDIATE, reconnect_delay=1.0
    ) as ws:
        venue.answer_all = refused()
        ws.schedule_reconnect()
        await clock.advance(2.5)
        assert [when for when, *_ in venue.connects] == [0.0, 0.0, 1.0, 2.0]
        assert at(ws) is ConnectionState.CONNECTED


async def test_whoever_rings_does_not_shorten_a_retry_after(
    venue: Venue, clock: ScriptedClock
) -> None:
    """In a redundant set everybody rings when one of the connections has come to its end."""
    async with venue.manager(
        redundancy=2, identity=lambda message: ("s", message), reconnect_delay=0.0
    ) as ws:
        reader = Collector(ws)
        await clock.settle()
        for socket in venue.sockets:
            socket.deliver(1)
        await clock.advance(0.1)
        venue.answers.append(rejected(429, retry_after="60"))
        ws.schedule_reconnect()
        await clock.advance(1.0)
        assert len(venue.connects) == 3, "the other one of the set obeys it too"
        venue.sockets[0].end(cut())
        await clock.advance(50.0)
        assert len(venue.connects) == 3
        assert reader.error is None


async def test_a_stream_that_was_given_up_is_not_missed(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(
        codec=BinanceCodec,
        subscriptions=STREAMS,
        events=True,
        data_timeout=5.0,
        stale_step=3.0,
        disconnect_check_interval=1.0,
    ) as ws:
        reader = Collector(ws)
        await clock.settle()
        socket = venue.sockets[0]
        acknowledge(socket)
        socket.deliver(trade(1), trade(1, "ETHUSDT"))
        await clock.settle()
        await ws.unsubscribe("ethusdt@trade")
        socket.deliver(trade(2, "ETHUSDT"))  # was under way
        for number in range(2, 40):
            socket.deliver(trade(number))
            await clock.advance(1.0)
        assert [request["method"] for request in socket.sent] == ["SUBSCRIBE", "UNSUBSCRIBE"]
        assert len(venue.sockets) == 1
        assert not [item for item in reader.items if isinstance(item, Stale)]
        # Wanted again, it is watched again.
        await ws.subscribe("ethusdt@trade")
        socket.deliver(trade(3, "ETHUSDT"))
        for number in range(40, 50):
            socket.deliver(trade(number))
            await clock.advance(1.0)
        assert [item.stream for item in reader.items if isinstance(item, Stale)]


async def test_without_a_codec_the_clocks_begin_anew(venue: Venue, clock: ScriptedClock) -> None:
    request = {"op": "subscribe", "channel": "b"}
    async with venue.manager(
        identity=lambda message: (message["s"], message["n"]),
        subscriptions=[request],
        events=True,
        data_timeout=5.0,
        disconnect_check_interval=1.0,
    ) as ws:
        reader = Collector(ws)
        socket = venue.sockets[0]
        socket.deliver({"s": "a", "n": 0}, {"s": "b", "n": 0})
        await clock.settle()
        await ws.unsubscribe(request)
        for number in range(1, 60):
            socket.deliver({"s": "a", "n": number})
            await clock.advance(1.0)
        assert not [item for item in reader.items if isinstance(item, Stale)]
        assert len(venue.sockets) == 1


async def test_a_disconnect_is_requested_while_there_is_no_connection(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(max_reconnect_attempts=0) as ws:
        reader = Collector(ws)
        venue.answer_all = refused()
        venue.sockets[0].end(cut())
        await clock.advance(5.0)
        assert at(ws) is ConnectionState.RECONNECTING
        ws.request_disconnect()
        await clock.settle()
        assert at(ws) is ConnectionState.DISCONNECTED
        assert reader.ended


async def test_a_request_in_a_pause_does_not_end_the_next_connection(
    venue: Venue, clock: ScriptedClock
) -> None:
    wanted = False
    async with venue.manager(
        should_disconnect=lambda: True,
        should_reconnect=lambda: wanted,
        disconnect_check_interval=1.0,
    ) as ws:
        reader = Collector(ws)
        await clock.advance(2.0)
        assert at(ws) is ConnectionState.RECONNECTING
        ws.request_disconnect()
        await clock.advance(2.0)
        wanted = True
        await clock.advance(2.0)
        assert at(ws) is ConnectionState.CONNECTED
        wanted = False
        await clock.advance(2.0)
        assert at(ws) is ConnectionState.RECONNECTING
        assert ws.stats.reasons == {DisconnectReason.CALLBACK_TRIGGERED: 2}
        assert reader.error is None


async def test_a_return_that_falls_due_during_the_close_happens_after_it(
    venue: Venue, clock: ScriptedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = FakeSocket.close

    async def slow_close(self: FakeSocket) -> None:
        await closing.wait()
        await close(self)

    closing = asyncio.Event()
    monkeypatch.setattr(FakeSocket, "close", slow_close)
    async with venue.manager() as ws:
        ws.schedule_reconnect(delay=1.0)
        leaving = asyncio.ensure_future(ws.disconnect())
        await clock.advance(2.0)
        assert at(ws) is ConnectionState.CLOSING
        closing.set()
        await leaving
        await clock.settle()
        assert at(ws) is ConnectionState.CONNECTED
        assert len(venue.connects) == 2


async def test_a_silent_connection_is_lost_and_not_let_go(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(
        auto_reconnect=False, silence_timeout=3.0, disconnect_check_interval=1.0
    ) as ws:
        reader = Collector(ws)
        await clock.advance(10.0)
        assert at(ws) is ConnectionState.DISCONNECTED
        assert isinstance(reader.error, WebSocketClosedError)
        assert len(venue.connects) == 1
        assert ws.stats.reasons == {DisconnectReason.PING_TIMEOUT: 1}


@pytest.mark.parametrize(
    "identity",
    [
        lambda message: ("s", str(message)),
        lambda message: ("s", None),
        lambda message: ("s", 1.5),
        lambda message: ("s", ()),
        lambda message: ("s", (1, "2")),
        lambda message: ("s", message, "1"),
        lambda message: ("s", (message,), 1),
        lambda message: (["s"], message),
        lambda message: message,
    ],
)
async def test_an_identity_that_is_none_is_refused(
    venue: Venue, clock: ScriptedClock, identity: Callable[[Any], Any]
) -> None:
    async with venue.manager(identity=identity) as ws:
        venue.sockets[0].deliver(1, 2)
        with pytest.raises(ConfigurationError, match="identity= gives"):
            await anext(ws.stream())
        await clock.settle()
        assert at(ws) is ConnectionState.CLOSED


async def test_a_broken_connection_does_not_keep_a_subscription_from_the_others(
    venue: Venue, clock: ScriptedClock
) -> None:
    one, two = ({"op": "subscribe", "channel": name} for name in "ab")
    async with venue.manager(
        identity=lambda message: ("s", message), overlap=5.0, subscriptions=[one]
    ) as ws:
        ws.schedule_reconnect()
        await clock.advance(1.0)
        old, new = venue.sockets
        old.end(cut())  # and nobody has had a turn to notice it
        await ws.subscribe(two)
        assert new.sent == [one, two]
        await ws.unsubscribe(one)
        assert new.sent[2:] == [{"op": "unsubscribe", "channel": "a"}]


async def test_what_is_taken_back_while_it_waits_is_not_asked_for(
    venue: Venue, clock: ScriptedClock
) -> None:
    wanted = [{"op": "subscribe", "channel": number} for number in range(4)]
    ws = venue.manager(subscriptions=wanted, rate_limits=RateLimits(messages=(RateWindow(1, 1.0),)))
    await ws.connect()
    await clock.advance(0.5)
    taking_back = asyncio.ensure_future(ws.unsubscribe(wanted[3]))
    await clock.advance(10.0)
    await taking_back
    requests = [(request["op"], request["channel"]) for request in venue.sockets[0].sent]
    assert ("subscribe", 3) not in requests
    await ws.close()


async def test_close_in_a_callback_leaves_no_task(venue: Venue, clock: ScriptedClock) -> None:
    """The fixture looks for tasks that are left."""

    async def on_connect() -> None:
        called.append(at(ws))
        await ws.close()

    called: list[ConnectionState] = []
    ws = venue.manager(on_connect=on_connect)
    for _ in range(2):
        await ws.connect()
        await clock.settle()
        assert at(ws) is ConnectionState.CLOSED
    assert called == [ConnectionState.CONNECTED] * 2


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        ({"headers": {"Authorization": "hunter2"}}, "headers"),
        ({"url": "wss://u:hunter2@venue.test", "nope": "hunter2"}, "nope"),
        ("https://u:hunter2@venue.test", "wss://"),
        ({"url": 1}, "wss://"),
    ],
)
def test_a_bad_endpoint_is_refused_without_its_secrets(endpoint: Any, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        WebSocketManager("wss://venue.test", endpoints=[endpoint])
    assert "hunter2" not in str(caught.value)


async def test_a_dead_endpoint_is_passed_over(venue: Venue, clock: ScriptedClock) -> None:
    async with asyncio.timeout(5):
        venue.answers.append(refused())
        ws = venue.manager(endpoints=["wss://a.test", "wss://b.test"], reconnect_delay=0.0)
        await ws.connect()
    assert [url for _, url, _ in venue.connects] == ["wss://a.test", "wss://b.test"]
    await ws.close()


async def test_a_dead_endpoint_of_two_does_not_end_the_set(
    venue: Venue, clock: ScriptedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead one says so before the other one has answered."""

    async def ws_connect(url: str, **parameters: Any) -> FakeSocket:
        if url == "wss://dead.test":
            venue.answers.append(refused())
        else:
            await answering.wait()
        return await connect(url, **parameters)

    answering = asyncio.Event()
    connect = venue.ws_connect
    monkeypatch.setattr(venue, "ws_connect", ws_connect)
    ws = venue.manager(
        endpoints=["wss://slow.test", "wss://dead.test"],
        redundancy=2,
        reconnect_strategy=ReconnectStrategy.FIXED_DELAY,
        identity=lambda message: ("s", message),
    )
    connecting = asyncio.ensure_future(ws.connect())
    await clock.advance(3.0)
    assert not connecting.done()
    answering.set()
    await connecting
    await clock.advance(3.0)
    assert ws.connections == 2
    await ws.close()


async def test_a_set_of_dead_endpoints_is_given_up(venue: Venue, clock: ScriptedClock) -> None:
    venue.answer_all = refused()
    ws = venue.manager(redundancy=2, identity=lambda message: ("s", message), reconnect_delay=0.1)
    connecting = asyncio.ensure_future(ws.connect())
    await clock.advance(5.0)
    with pytest.raises(WebSocketConnectionError):
        await connecting
    assert at(ws) is ConnectionState.DISCONNECTED
    await ws.close()


async def test_a_connect_that_joins_a_life_does_not_end_it(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(max_reconnect_attempts=0) as ws:
        venue.answer_all = refused()
        venue.sockets[0].end(cut())
        reader = Collector(ws)
        await clock.advance(1.0)
        joining = asyncio.ensure_future(ws.connect(timeout=1.0))
        await clock.advance(2.0)
        with pytest.raises(WebSocketTimeoutError):
            await joining
        assert at(ws) is ConnectionState.RECONNECTING
        venue.answer_all = None
        await clock.advance(10.0)
        assert at(ws) is ConnectionState.CONNECTED
        assert reader.error is None


async def test_connect_keeps_its_time_although_on_connect_does_not(
    venue: Venue, clock: ScriptedClock
) -> None:
    released = asyncio.Event()
    ws = venue.manager(on_connect=released.wait)
    connecting = asyncio.ensure_future(ws.connect(timeout=2.0))
    await clock.advance(3.0)
    await clock.settle()  # what it began is closed first
    assert connecting.done()
    with pytest.raises(WebSocketTimeoutError, match="connect"):
        await connecting
    released.set()
    await ws.close()


async def test_downtime_begins_at_any_reading_of_the_clock(
    venue: Venue, clock: ScriptedClock
) -> None:
    async with venue.manager(
        events=True, reconnect_strategy=ReconnectStrategy.FIXED_DELAY, reconnect_delay=2.0
    ) as ws:
        reader = Collector(ws)
        venue.sockets[0].end(cut())
        await clock.advance(3.0)
        assert [x.downtime for x in reader.items if isinstance(x, Reconnected)] == [2.0]


async def test_a_stream_refused_on_the_new_connection_keeps_the_old_one(
    venue: Venue, clock: ScriptedClock
) -> None:
    """Whoever carries it goes on; a later attempt that is given all takes over."""
    manager = venue.manager(codec=BinanceCodec, subscriptions=STREAMS, reconnect_delay=1.0)
    async with manager as ws:
        reader = Collector(ws)
        await clock.settle()
        old = venue.sockets[0]
        acknowledge(old)
        old.deliver(trade(1))
        ws.schedule_reconnect(0)
        await clock.advance(0.1)
        refusing = venue.sockets[1]
        request = refusing.sent[0]
        refusing.deliver({"error": {"code": 2, "msg": "no"}, "id": request["id"]})
        await clock.advance(0.5)
        assert not refusing.is_open
        assert old.is_open
        old.deliver(trade(2))
        await clock.settle()
        assert isinstance(reader.error, SubscriptionError)
        rest = Collector(ws)
        await clock.advance(10.0)
        assert old.is_open
        new = venue.open_sockets[-1]
        assert new is not old
        acknowledge(new)
        new.deliver(trade(2), trade(3))
        await clock.advance(5.0)
        assert not old.is_open
    assert ids(reader.items + rest.items) == [1, 2, 3]
    assert not any(isinstance(item, Gap) for item in rest.items)


async def test_a_callback_that_never_returns_does_not_keep_the_manager_open(
    venue: Venue, clock: ScriptedClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    ws = venue.manager(on_disconnect=lambda _reason: hang())
    await ws.connect()
    closing = asyncio.create_task(ws.close())
    await clock.advance(4.0)
    assert not closing.done(), "a callback may take a while"
    await clock.advance(2.0)
    await closing
    assert "has not returned" in caplog.text


def test_a_late_notice_of_a_replaced_connection_is_not_about_its_successor() -> None:
    rotated: list[object] = []
    directives: list[RotateBy] = []
    codec: Any = SimpleNamespace(
        take_output=list,
        take_errors=list,
        take_directive=lambda: directives.pop() if directives else None,
    )
    core: Any = SimpleNamespace(url="ws://venue.example", rotate=lambda *why: rotated.append(why))
    link: Any = SimpleNamespace(planned=None, slot=object())
    directives.append(RotateBy(0, "shutting down"))
    obey(core, link, codec)
    assert rotated == [(link.slot, DisconnectReason.CONNECTION_LIMIT)]
    link.planned = DisconnectReason.SCHEDULED
    directives.append(RotateBy(0, "shutting down"))
    obey(core, link, codec)
    assert len(rotated) == 1
