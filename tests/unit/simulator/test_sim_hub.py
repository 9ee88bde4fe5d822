"""Distribution without a network: who gets what, in which form, and who is cut off."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwire.errors import ConfigurationError
from tickwire.simulator.hub import TEXT, CloseReason, Connection, Hub, frame
from tickwire.simulator.options import Faults, Limits, Market
from tickwire.simulator.streams import Route

DEPTH = "btcusdt@depth@100ms"
TRADE = "btcusdt@trade"


class Transport:
    """Takes everything; ``stuck`` makes it send nothing of it."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.stuck = stuck
        self.writes: list[bytes] = []
        self.is_closed = False
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.writes.append(data)

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.writes)) if self.stuck else 0

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True


def make_hub(market: Market = Market.SPOT, *, faults: Faults | None = None, **limits: Any) -> Hub:
    return Hub(market, Limits(**limits), faults or Faults(), route_by_class=True)


def connect(
    hub: Hub,
    *streams: str,
    combined: bool = False,
    route: Route = Route.NONE,
    stuck: bool = False,
) -> tuple[Connection, Transport]:
    async def drain() -> None:
        if transport.stuck:
            await asyncio.get_running_loop().create_future()

    transport = Transport(stuck=stuck)
    connection = Connection(
        hub, cast("asyncio.Transport", transport), drain, route=route, combined=combined
    )
    hub.add(connection)
    hub.subscribe(connection, streams)
    return connection, transport


def publish(hub: Hub, stream: str, *payloads: bytes) -> None:
    for payload in payloads:
        if stream in hub.topics:
            hub.publish(stream, payload)
    hub.flush()


@given(st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70000]), st.sampled_from([1, 2, 8, 9]))
def test_frames_are_those_of_a_server(size: int, opcode: int) -> None:
    """RFC 6455 section 5.2: final, no reserved bit, no mask, the shortest length that holds it."""
    data = frame(opcode, b"x" * size)
    assert data[0] == 0x80 | opcode
    if size < 126:
        head = bytes([size])
    elif size < 65536:
        head = b"\x7e" + size.to_bytes(2)
    else:
        head = b"\x7f" + size.to_bytes(8)
    assert data[1:] == head + b"x" * size


def test_raw_and_combined_subscribers_get_their_own_form_in_one_write_a_slice() -> None:
    hub = make_hub()
    _, raw = connect(hub, TRADE)
    _, combined = connect(hub, TRADE, combined=True)
    _, other = connect(hub, DEPTH)
    publish(hub, TRADE, b"{}", b"[1]")
    assert raw.writes == [frame(TEXT, b"{}") + frame(TEXT, b"[1]")]
    wrapped = [b'{"stream":"btcusdt@trade","data":%b}' % data for data in (b"{}", b"[1]")]
    assert combined.writes == [b"".join(frame(TEXT, data) for data in wrapped)]
    assert other.writes == []
    assert hub.stats.frames_sent == 4
    assert hub.stats.bytes_sent == sum(map(len, raw.writes + combined.writes))


def test_the_bytes_are_shared_among_subscribers() -> None:
    hub = make_hub()
    connections = [connect(hub, TRADE, combined=True)[0] for _ in range(3)]
    hub.publish(TRADE, b"{}")
    first, *others = [connection.pending[0] for connection in connections]
    assert all(data is first for data in others)


def test_a_recorded_envelope_is_passed_on_verbatim() -> None:
    hub = make_hub()
    _, raw = connect(hub, TRADE)
    _, combined = connect(hub, TRADE, combined=True)
    hub.publish(TRADE, b"{}", b'{ "stream" : "btcusdt@trade", "data":{}}')
    hub.flush()
    assert raw.writes == [frame(TEXT, b"{}")]
    assert combined.writes == [frame(TEXT, b'{ "stream" : "btcusdt@trade", "data":{}}')]


def test_a_stream_subscribed_twice_comes_once_and_ends_with_one_unsubscribe() -> None:
    hub = make_hub()
    connection, transport = connect(hub, TRADE, TRADE)
    hub.subscribe(connection, [TRADE])
    publish(hub, TRADE, b"{}")
    assert transport.writes == [frame(TEXT, b"{}")]
    hub.unsubscribe(connection, [TRADE, TRADE, DEPTH])
    assert TRADE not in hub.topics
    assert list(connection.streams) == []


def test_a_topic_lives_as_long_as_its_last_listener() -> None:
    hub = make_hub()
    first, _ = connect(hub, TRADE)
    second, transport = connect(hub, TRADE, combined=True)
    hub.remove(first)
    publish(hub, TRADE, b"{}")
    assert len(transport.writes) == 1
    hub.remove(second)
    assert hub.topics == {}
    assert hub.stats.connections_open == 0
    assert hub.stats.closed == {CloseReason.CLIENT: 2}


def test_switching_the_form_takes_effect_at_once_for_all_streams() -> None:
    hub = make_hub()
    connection, transport = connect(hub, TRADE, DEPTH)
    hub.set_combined(connection, True)
    publish(hub, DEPTH, b"{}")
    hub.set_combined(connection, False)
    publish(hub, DEPTH, b"{}")
    assert b'"stream"' in transport.writes[0]
    assert transport.writes[1] == frame(TEXT, b"{}")
    assert list(connection.streams) == [TRADE, DEPTH]


@pytest.mark.parametrize(
    ("route", "stream", "is_heard"),
    [
        (Route.NONE, "btcusdt@aggTrade", False),
        (Route.NONE, DEPTH, True),
        (Route.PUBLIC, "btcusdt@aggTrade", False),
        (Route.MARKET, "btcusdt@aggTrade", True),
        (Route.MARKET, DEPTH, False),
    ],
)
def test_a_stream_of_the_wrong_class_is_listed_and_silent(
    route: Route, stream: str, is_heard: bool
) -> None:
    hub = make_hub(Market.USDM)
    connection, transport = connect(hub, stream, route=route)
    assert list(connection.streams) == [stream]
    publish(hub, stream, b"{}")
    assert bool(transport.writes) is is_heard
    hub.unsubscribe(connection, [stream])
    assert list(connection.streams) == []


def test_a_stuck_subscriber_is_cut_off_and_the_others_get_everything() -> None:
    hub = make_hub(queue_bytes=1000)
    connection, stuck = connect(hub, TRADE, stuck=True)
    _, healthy = connect(hub, TRADE)
    payload = b"x" * 300
    for _ in range(50):
        publish(hub, TRADE, payload)
    assert stuck.is_aborted
    assert stuck.get_write_buffer_size() <= 1000 + len(frame(TEXT, payload))
    assert connection.reason is CloseReason.SLOW
    assert connection.pending == []
    assert healthy.writes == [frame(TEXT, payload)] * 50
    hub.remove(connection)
    assert hub.stats.closed == {CloseReason.SLOW: 1}


def test_a_large_slice_does_not_make_an_idle_subscriber_a_slow_one() -> None:
    hub = make_hub(queue_bytes=1000)
    _, transport = connect(hub, TRADE)
    publish(hub, TRADE, *[b"x" * 300] * 50)
    publish(hub, TRADE, b"{}")
    assert len(transport.writes) == 2


def test_the_fault_cuts_after_exactly_so_many_frames_and_lets_them_arrive() -> None:
    hub = make_hub(faults=Faults(drop_after_frames=5))
    connection, transport = connect(hub, TRADE)
    publish(hub, TRADE, b"1", b"2", b"3")
    publish(hub, TRADE, b"4", b"5", b"6", b"7")
    publish(hub, TRADE, b"8")
    assert b"".join(transport.writes) == b"".join(frame(TEXT, b"%d" % n) for n in range(1, 6))
    assert transport.is_closed
    assert not transport.is_aborted
    assert connection.reason is CloseReason.FAULT
    assert hub.stats.frames_sent == 5


def test_the_fault_skips_every_nth_diff_depth_frame_of_a_stream_for_everybody() -> None:
    hub = make_hub(faults=Faults(skip_depth_every=3))
    top = "btcusdt@depth5"
    transports = [connect(hub, DEPTH, TRADE, top)[1] for _ in range(2)]
    numbers = [b"%d" % n for n in range(1, 8)]
    publish(hub, TRADE, *numbers)
    publish(hub, top, *numbers)
    publish(hub, DEPTH, *numbers)
    for transport in transports:
        trades, tops, depths = transport.writes
        assert trades == tops == b"".join(frame(TEXT, n) for n in numbers)
        assert depths == b"".join(frame(TEXT, b"%d" % n) for n in (1, 2, 4, 5, 7))
    assert hub.stats.frames_skipped == 2


@pytest.mark.parametrize("fault", ["drop_after_frames", "skip_depth_every"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_fault_needs_a_count(fault: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        Faults(**{fault: value})


@pytest.mark.parametrize("name", ["ping_interval", "messages_per_second", "queue_bytes"])
def test_a_limit_must_be_above_zero(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: 0})


async def test_waiting_for_the_subscribers_cuts_off_the_one_that_does_not_read() -> None:
    hub = make_hub(stall_timeout=0.01)
    stuck, _ = connect(hub, TRADE, stuck=True)
    healthy, _ = connect(hub, TRADE)
    await hub.drained()
    assert stuck.reason is CloseReason.SLOW
    assert healthy.reason is None


async def test_closing_sends_the_code_and_nothing_after_it() -> None:
    hub = make_hub()
    connection, transport = connect(hub, TRADE)
    hub.close_all(1001, "bye", CloseReason.SHUTDOWN)
    hub.close_all(1000, "again", CloseReason.REPLAY_END)
    connection.send(TEXT, b"late")
    publish(hub, TRADE, b"{}")
    assert transport.writes == [frame(8, b"\x03\xe9bye")]
    assert connection.reason is CloseReason.SHUTDOWN
