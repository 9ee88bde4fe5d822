"""A managed connection's life on a scripted clock: states, reasons, strategies, callbacks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.venue import FakeSocket, Venue, closed_by, cut, refused, rejected
from tickwire import KeepaliveTimeout, MessageTooBig, ProtocolViolation, QueueOverflow
from tickwire.errors import ConfigurationError
from tickwire.manager import (
    Connected,
    ConnectionState,
    Disconnected,
    DisconnectReason,
    Gap,
    Reconnected,
    ReconnectStrategy,
    ScriptedClock,
    WebSocketClosedError,
    WebSocketConnectionError,
    WebSocketTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tickwire.manager import WebSocketManager
    from tickwire.transport import WebSocketError

S = ConnectionState


class Collector:
    """Iterates over a stream in a task, and keeps what comes."""

    def __init__(self, manager: WebSocketManager) -> None:
        self.items: list[Any] = []
        self.error: BaseException | None = None
        self.ended = False
        self.task = asyncio.get_running_loop().create_task(self._run(manager))

    async def _run(self, manager: WebSocketManager) -> None:
        try:
            async for item in manager.stream():
                self.items.append(item)
            self.ended = True
        except Exception as error:
            self.error = error


def at(manager: WebSocketManager) -> ConnectionState:
    """The state now; a call, so that the checker does not take it for what it was before."""
    return manager.state


def states_of(manager: WebSocketManager) -> list[ConnectionState]:
    """Records the states that the manager moves to."""
    seen: list[ConnectionState] = []
    moved = manager._core._moved

    def record(old: ConnectionState, new: ConnectionState) -> None:
        seen.append(new)
        moved(old, new)

    manager._core.machine._on_change = record
    return seen


async def test_connects_delivers_and_closes(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager()
    seen = states_of(manager)
    assert at(manager) is S.DISCONNECTED
    async with manager as ws:
        assert at(ws) is S.CONNECTED
        reader = Collector(ws)
        venue.sockets[0].deliver({"a": 1}, {"a": 2})
        venue.sockets[0].deliver(b"pong", b"\xff")
        await clock.settle()
        assert reader.items == [{"a": 1}, {"a": 2}, "pong", b"\xff"]
        assert ws.stats.undecodable == 2
    assert seen == [S.CONNECTING, S.CONNECTED, S.CLOSING, S.CLOSED]
    await clock.settle()
    assert reader.ended
    assert not venue.open_sockets
    assert not venue.closed, "a session that was given is the caller's to close"


ENDS: list[tuple[DisconnectReason, Callable[[], WebSocketError]]] = [
    (DisconnectReason.SERVER_CLOSED, lambda: closed_by(True, 1001, "bye")),
    (DisconnectReason.NETWORK_ERROR, cut),
    (DisconnectReason.PING_TIMEOUT, lambda: KeepaliveTimeout(30.0, 0.0)),
    (DisconnectReason.PROTOCOL_ERROR, lambda: ProtocolViolation("reserved bit", 1002)),
    (DisconnectReason.PROTOCOL_ERROR, lambda: MessageTooBig("too big", 1009)),
    (DisconnectReason.PROTOCOL_ERROR, lambda: QueueOverflow("full")),
]


@pytest.mark.parametrize(("reason", "error"), ENDS)
async def test_a_lost_connection_is_restored_and_says_why(
    venue: Venue,
    clock: ScriptedClock,
    reason: DisconnectReason,
    error: Callable[[], WebSocketError],
) -> None:
    told: list[DisconnectReason] = []
    manager = venue.manager(events=True, on_disconnect=told.append, reconnect_delay=1.0)
    seen = states_of(manager)
    async with manager as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver({"n": 1})
        venue.sockets[0].end(error())
        await clock.settle()
        assert at(ws) is S.RECONNECTING
        await clock.advance(1.0)
        venue.sockets[1].deliver({"n": 2})
        await clock.settle()
        assert at(ws) is S.CONNECTED
        stats = ws.stats
        assert (stats.connects, stats.disconnects, stats.reactive_disconnects) == (2, 1, 1)
        assert stats.proactive_disconnects == 0
        assert stats.reasons == {reason: 1}
    kinds = [type(item) for item in reader.items]
    assert kinds == [Connected, dict, Disconnected, Reconnected, Gap, dict, Disconnected]
    gap = reader.items[4]
    assert (gap.last_sequence, gap.first_sequence) == (None, None), "nothing to tell them by"
    assert reader.items[2].reason is reason
    assert reader.items[3].replaces == 1
    assert told == [reason, DisconnectReason.USER_REQUESTED]
    assert reason.is_reactive
    assert not reason.is_proactive
    assert S.DISCONNECTED not in seen


async def test_planned_reasons(venue: Venue, clock: ScriptedClock) -> None:
    """Every reason that the program is behind, each by what causes it."""
    leave = False
    manager = venue.manager(
        raw=True,
        should_disconnect=lambda: leave,
        connection_limit=1000.0,
        connection_limit_margin=100.0,
        overlap=0.0,
        overlap_timeout=1.0,
    )
    async with manager as ws:
        Collector(ws)
        ws.schedule_reconnect(5.0)
        await clock.advance(7.0)
        assert ws.stats.reasons == {DisconnectReason.SCHEDULED: 1}
        leave = True
        await clock.advance(7.0)
        leave = False
        assert ws.stats.reasons[DisconnectReason.CALLBACK_TRIGGERED] == 1
        await clock.advance(905.0)
        assert ws.stats.reasons[DisconnectReason.CONNECTION_LIMIT] == 1
        assert at(ws) is S.CONNECTED
        assert ws.stats.reactive_disconnects == 0
        assert len(venue.open_sockets) == 1
    assert ws.stats.reasons[DisconnectReason.USER_REQUESTED] == 1
    assert all(reason.is_proactive for reason in ws.stats.reasons)


async def test_gives_up_after_so_many_attempts(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(max_reconnect_attempts=4, reconnect_strategy="fixed_delay")
    seen = states_of(manager)
    async with manager as ws:
        reader = Collector(ws)
        venue.answer_all = refused()
        venue.sockets[0].deliver({"last": True})
        venue.sockets[0].end(cut())
        await clock.advance(60.0)
        assert reader.items == [{"last": True}]
        assert isinstance(reader.error, WebSocketConnectionError)
        assert reader.error.attempts == 4
        assert reader.error.url == "wss://venue.test/ws"
        assert [when for when, _, _ in venue.connects] == [0, 1, 2, 3, 4]
        assert at(ws) is S.DISCONNECTED
        assert seen[-2:] == [S.RECONNECTING, S.DISCONNECTED]
        venue.answer_all = None
        await ws.connect()
        assert at(ws) is S.CONNECTED


async def test_a_first_connect_fails_at_once_unless_told_otherwise(
    venue: Venue, clock: ScriptedClock
) -> None:
    venue.answer_all = refused()
    manager = venue.manager()
    with pytest.raises(WebSocketConnectionError) as caught:
        await manager.connect()
    assert caught.value.attempts == 1
    assert at(manager) is S.DISCONNECTED
    patient = venue.manager(connect_attempts=3, reconnect_strategy="fixed_delay")
    connecting = asyncio.ensure_future(patient.connect())
    await clock.advance(10.0)
    with pytest.raises(WebSocketConnectionError) as caught:
        await connecting
    assert caught.value.attempts == 3


async def test_a_final_answer_is_not_asked_for_twice(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager()
    async with manager as ws:
        reader = Collector(ws)
        venue.answer_all = rejected(401)
        venue.sockets[0].end(cut())
        await clock.advance(600.0)
        assert isinstance(reader.error, WebSocketConnectionError)
        assert len(venue.connects) == 2


async def test_a_connection_that_is_closed_at_once_was_a_connection(
    venue: Venue, clock: ScriptedClock
) -> None:
    """What it said is not lost to an error out of `connect()`."""

    def greet(socket: FakeSocket) -> None:
        socket.deliver({"error": "maintenance"})
        socket.end(closed_by(True, 1001, "maintenance"))

    venue.greet = greet
    async with venue.manager(auto_reconnect=False) as ws:
        stream = ws.stream()
        assert await anext(stream) == {"error": "maintenance"}
        with pytest.raises(WebSocketClosedError) as caught:
            await anext(stream)
        assert caught.value.reason == "maintenance"


async def test_auto_reconnect_off(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(auto_reconnect=False) as ws:
        reader = Collector(ws)
        venue.sockets[0].end(closed_by(True, 4001, "go away"))
        await clock.settle()
        assert isinstance(reader.error, WebSocketClosedError)
        assert (reader.error.code, reader.error.reason) == (4001, "go away")
        assert at(ws) is S.DISCONNECTED


async def test_retry_after_is_obeyed(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(reconnect_strategy="immediate") as ws:
        Collector(ws)
        date = "Tue, 14 Nov 2023 22:20:00 GMT"  # 400 s after the scripted clock's beginning
        venue.answers.extend(
            [rejected(429, retry_after="30"), rejected(503, retry_after=date), rejected(418)]
        )
        venue.sockets[0].end(cut())
        await clock.advance(600.0)
        times = [when for when, _, _ in venue.connects]
        assert times == [0.0, 0.0, 30.0, 400.0, 520.0]
        assert at(ws) is S.CONNECTED


async def test_try_again_later_is_obeyed(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(reconnect_strategy="immediate") as ws:
        Collector(ws)
        venue.sockets[0].end(closed_by(True, 1013))
        await clock.advance(9.9)
        assert len(venue.connects) == 1
        await clock.advance(0.2)
        assert len(venue.connects) == 2


async def test_backoff_grows_until_a_connection_has_held(
    venue: Venue, clock: ScriptedClock
) -> None:
    """A venue that accepts and drops at once gets longer and longer pauses."""
    manager = venue.manager(reconnect_delay=1.0, reconnect_delay_max=64.0, max_reconnect_attempts=0)
    async with manager as ws:
        Collector(ws)
        venue.greet = lambda socket: socket.end(cut())
        venue.sockets[0].end(cut())
        await clock.advance(3600.0)
        count = len(venue.connects)
        assert 3600 / 64 <= count < 250, "half of the bound on average, once it has grown"
        venue.greet = lambda socket: None
        await clock.advance(64.0 + ws.options.stable_connection_time)
        assert at(ws) is S.CONNECTED
        lost = clock.mono_ns() / 1e9
        venue.open_sockets[0].end(cut())
        await clock.advance(1.0)
        assert venue.connects[-1][0] - lost <= 1.0, "the first bound again"


async def test_callback_controlled(venue: Venue, clock: ScriptedClock) -> None:
    answers: list[Any] = [False, 12.0, True]
    manager = venue.manager(
        reconnect_strategy=ReconnectStrategy.CALLBACK_CONTROLLED,
        should_reconnect=lambda: answers.pop(0) if len(answers) > 1 else answers[0],
        disconnect_check_interval=5.0,
    )
    async with manager as ws:
        Collector(ws)
        venue.sockets[0].end(cut())
        await clock.advance(9.9)
        assert len(venue.connects) == 1
        await clock.advance(0.2)
        assert [when for when, _, _ in venue.connects] == [0.0, 10.0]
    with pytest.raises(ConfigurationError, match="should_reconnect"):
        venue.manager(reconnect_strategy="callback_controlled")


async def test_the_candle_window(venue: Venue, clock: ScriptedClock) -> None:
    """The page's example: up around every close, down in between, although both answers overlap
    between 30 and 60 seconds before it."""
    period = 4 * 3600

    def next_candle_in() -> float:
        return period - clock.wall_ns() / 1e9 % period

    manager = venue.manager(
        should_disconnect=lambda: next_candle_in() > 30,
        should_reconnect=lambda: next_candle_in() < 60,
        disconnect_check_interval=5.0,
    )
    async with manager as ws:
        Collector(ws)
        await clock.advance(10.0)
        assert at(ws) is S.RECONNECTING, "let go for the safe window"
        up_at_close = 0
        for _ in range(12):
            await clock.advance(next_candle_in() - 30)
            assert at(ws) is S.CONNECTED
            await clock.advance(29.9)
            up_at_close += at(ws) is S.CONNECTED
            await clock.advance(3600)
            assert at(ws) is S.RECONNECTING
        assert up_at_close == 12
        assert ws.stats.connects == 13, "it must not flap"
        assert ws.stats.reasons == {DisconnectReason.CALLBACK_TRIGGERED: 13}


async def test_should_reconnect_may_give_seconds(venue: Venue, clock: ScriptedClock) -> None:
    until = 1000.0

    async def should_reconnect() -> float:
        return max(0.0, until - clock.mono_ns() / 1e9)

    manager = venue.manager(
        should_disconnect=lambda: clock.mono_ns() < 100e9,
        should_reconnect=should_reconnect,
        disconnect_check_interval=60.0,
    )
    async with manager as ws:
        Collector(ws)
        await clock.advance(999.0)
        assert at(ws) is S.RECONNECTING
        await clock.advance(1.5)
        assert at(ws) is S.CONNECTED
        assert venue.connects[-1][0] == pytest.approx(1000.0, abs=0.01)


async def test_manual_control_as_on_the_page(venue: Venue, clock: ScriptedClock) -> None:
    ws = venue.manager()
    await ws.connect()
    ws.request_disconnect()
    await ws.disconnect()
    ws.schedule_reconnect(delay=30.0)
    assert at(ws) is S.CLOSED
    assert ws.stats.proactive_disconnects == 1
    waiting = asyncio.ensure_future(ws.wait_connected())
    await clock.advance(29.0)
    assert at(ws) is S.CLOSED
    await clock.advance(1.5)
    await waiting
    assert at(ws) is S.CONNECTED
    assert "connects=2" in str(ws.stats)
    await ws.close()


async def test_request_disconnect_waits_for_the_safe_moment(
    venue: Venue, clock: ScriptedClock
) -> None:
    safe = False
    async with venue.manager(should_disconnect=lambda: safe, rotate_every=None) as ws:
        reader = Collector(ws)
        ws.request_disconnect()
        await clock.advance(20.0)
        assert at(ws) is S.CONNECTED
        safe = True
        await clock.advance(5.1)
        assert at(ws) is S.CLOSED
        assert reader.ended
        assert ws.stats.reasons == {DisconnectReason.USER_REQUESTED: 1}


async def test_timeouts_name_their_operation(venue: Venue, clock: ScriptedClock) -> None:
    ws = venue.manager()
    waiting = asyncio.ensure_future(ws.wait_connected(timeout=3.0))
    await clock.advance(3.1)
    with pytest.raises(WebSocketTimeoutError) as caught:
        await waiting
    assert caught.value.operation == "wait_connected"
    venue.answer_all = refused()
    slow = venue.manager(connect_attempts=0, reconnect_strategy="fixed_delay")
    connecting = asyncio.ensure_future(slow.connect(timeout=2.5))
    await clock.advance(3.0)
    with pytest.raises(WebSocketTimeoutError) as caught:
        await connecting
    assert caught.value.operation == "connect"
    assert at(slow) is S.DISCONNECTED


async def test_a_connect_that_is_called_off(venue: Venue, clock: ScriptedClock) -> None:
    """Closing while connecting ends both, and a second close is nothing."""
    venue.answer_all = refused()
    ws = venue.manager(connect_attempts=0, reconnect_strategy="fixed_delay")
    connecting = asyncio.ensure_future(ws.connect())
    await clock.advance(2.5)
    await asyncio.gather(ws.close(), ws.close())
    with pytest.raises(WebSocketClosedError):
        await asyncio.wait_for(connecting, 5)
    assert at(ws) is S.DISCONNECTED


async def test_callbacks_may_disconnect(venue: Venue, clock: ScriptedClock) -> None:
    told: list[DisconnectReason] = []

    async def on_disconnect(reason: DisconnectReason) -> None:
        told.append(reason)
        await manager.disconnect()

    manager = venue.manager(on_disconnect=on_disconnect)
    async with manager as ws:
        reader = Collector(ws)
        venue.sockets[0].end(cut())
        await clock.advance(1.0)
        assert told == [DisconnectReason.NETWORK_ERROR]
        assert at(ws) is S.DISCONNECTED
        assert reader.ended


async def test_the_program_may_disconnect_in_its_loop(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager() as ws:
        venue.sockets[0].deliver(1, 2, 3)
        got = []
        async for item in ws.stream():
            got.append(item)
            if item == 1:
                await ws.disconnect()
        assert got == [1, 2, 3]
        assert at(ws) is S.CLOSED


async def test_sending_needs_a_connection(venue: Venue, clock: ScriptedClock) -> None:
    ws = venue.manager()
    with pytest.raises(WebSocketClosedError):
        await ws.send({"a": 1})
    with pytest.raises(WebSocketClosedError):
        await anext(ws.stream())
    async with ws:
        await ws.send({"a": 1})
        await ws.send("text")
        await ws.send(b"\x00")
        assert venue.sockets[0].sent == [{"a": 1}, "text", b"\x00"]


async def test_several_subscriptions_at_once(venue: Venue, clock: ScriptedClock) -> None:
    """Each message is sent once, and none that is wanted already."""
    manager = venue.manager(subscriptions=[{"op": "subscribe", "args": ["a"]}])
    await manager.connect()
    wanted = [{"op": "subscribe", "args": [name]} for name in "abc"]
    await manager.subscribe(*wanted)
    await clock.settle()
    assert venue.sockets[0].sent == wanted
    assert manager.subscriptions == wanted
    await manager.close()


async def test_subscriptions_are_restored(venue: Venue, clock: ScriptedClock) -> None:
    one = {"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"]}
    two = {"method": "SUBSCRIBE", "params": ["ethusdt@kline_1m"]}
    odd = {"please": "send"}
    async with venue.manager(subscriptions=[one, one], reconnect_strategy="immediate") as ws:
        Collector(ws)
        await clock.settle()
        assert venue.sockets[0].sent == [one]
        await ws.subscribe(two)
        await ws.subscribe(odd)
        await ws.unsubscribe(one)
        assert venue.sockets[0].sent[1:] == [two, odd, one | {"method": "UNSUBSCRIBE"}]
        with pytest.raises(ConfigurationError, match="message="):
            await ws.unsubscribe(odd)
        venue.sockets[0].end(cut())
        await clock.advance(1.0)
        assert venue.sockets[1].sent == [two, odd]
        await ws.unsubscribe(odd, message={"please": "stop"})
        assert ws.subscriptions == [two]


async def test_messages_stay_within_the_venues_window(venue: Venue, clock: ScriptedClock) -> None:
    from tickwire.exchanges import RateLimits, RateWindow

    limits = RateLimits(messages=(RateWindow(5, 1.0),), connects=(RateWindow(2, 100.0),))
    wanted = [{"method": "SUBSCRIBE", "params": [str(n)]} for n in range(23)]
    manager = venue.manager(
        subscriptions=wanted, rate_limits=limits, reconnect_strategy="immediate"
    )
    async with manager as ws:
        Collector(ws)
        await clock.advance(10.0)
        sent = venue.sockets[0].sent_at
        assert len(sent) == 23
        for start in sent:
            assert sum(start <= when < start + 1.0 for when in sent) <= 5
        for _ in range(3):
            venue.open_sockets[0].end(cut())
            await clock.advance(150.0)
        connects = [when for when, _, _ in venue.connects]
        for start in connects:
            assert sum(start <= when < start + 100.0 for when in connects) <= 2


async def test_callbacks_sync_and_async(venue: Venue, clock: ScriptedClock) -> None:
    told: list[Any] = []

    async def on_connect() -> None:
        await asyncio.sleep(0)
        told.append("up")

    def on_message(message: Any) -> None:
        told.append(message)

    manager = venue.manager(on_connect=on_connect, on_message=on_message)
    async with manager as ws:
        assert told == ["up"]
        venue.sockets[0].deliver(1, 2)
        await clock.settle()
        assert told == ["up", 1, 2], "nobody iterates, so the manager reads"
        reader = Collector(ws)
        venue.sockets[0].deliver(3)
        await clock.settle()
        assert reader.items == [3]
        assert told == ["up", 1, 2, 3]


async def test_an_exception_in_a_callback_comes_out_of_the_stream(
    venue: Venue, clock: ScriptedClock
) -> None:
    def broken() -> bool:
        raise LookupError("no such candle")

    async with venue.manager(should_disconnect=broken) as ws:
        reader = Collector(ws)
        venue.sockets[0].deliver(1)
        await clock.advance(6.0)
        assert reader.items == [1]
        assert isinstance(reader.error, LookupError)
        assert not venue.open_sockets


async def test_a_cancelled_wait_takes_nothing(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager() as ws:
        stream = ws.stream()
        for number in range(50):
            waiting = asyncio.ensure_future(anext(stream))
            await clock.settle()
            venue.sockets[0].deliver(number, -number)
            if number % 2:
                waiting.cancel()
                await asyncio.wait((waiting,))
                assert await anext(stream) == number
            else:
                assert await waiting == number
            assert await anext(stream) == -number


async def test_disconnect_keeps_what_was_received(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager() as ws:
        venue.sockets[0].deliver(*range(5))
        await ws.disconnect()
        assert [item async for item in ws.stream()] == list(range(5))


async def test_endpoints_take_turns(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(
        endpoints=["wss://a.test/", {"url": "wss://b.test/", "proxy": "http://p.test:1"}],
        connect_attempts=2,
        reconnect_strategy="immediate",
    )
    venue.answers.append(refused())
    async with manager:
        urls = [(url, parameters.get("proxy")) for _, url, parameters in venue.connects]
        assert urls == [("wss://a.test/", None), ("wss://b.test/", "http://p.test:1")]
    with pytest.raises(ConfigurationError, match="endpoint"):
        venue.manager(endpoints=[{"proxy": "http://p.test:1"}])


async def test_parameters_of_ws_connect_pass_through(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(
        proxy="http://p.test:1", headers={"X": "y"}, connect_timeout=4.0, ping_interval=None
    )
    async with manager:
        _, _, given = venue.connects[0]
    assert given["proxy"] == "http://p.test:1"
    assert given["headers"] == {"X": "y"}
    assert given["timeout"] == 4.0
    assert given["ping_interval"] is None
    assert given["recv_queue_size"] == 1000
    with pytest.raises(ConfigurationError, match="porxy"):
        venue.manager(porxy="http://p.test:1")


async def test_stats_count_time_and_traffic(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(reconnect_strategy="fixed_delay", reconnect_delay=10.0)
    async with manager as ws:
        Collector(ws)
        await ws.send("hello")
        venue.sockets[0].deliver(b"12345", b"67")
        await clock.advance(20.0)
        venue.sockets[0].end(cut())
        await clock.advance(15.0)
        stats = ws.stats
        assert stats.uptime == pytest.approx(25.0)
        assert stats.connection_time == pytest.approx(5.0)
        assert (stats.messages_received, stats.bytes_received) == (2, 7)
        assert (stats.messages_sent, stats.bytes_sent) == (1, 5)
    assert ws.stats.connection_time == 0.0
    assert ws.stats.messages_received == 2
