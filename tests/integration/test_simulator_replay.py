"""Captures played again by the simulator: verbatim, complete, in order and in time."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop
from aiohttp import WSMsgType

from tests.integration.simulator_client import (
    DEADLINE,
    ROOT,
    Recorded,
    ask,
    closed_for,
    connect,
    end_of,
    fetch,
    text_of,
    write_capture,
)
from tickwire.clock import mono
from tickwire.simulator import CaptureError, CloseReason, Limits, Market, Simulator
from tickwire.simulator.capture import HttpReply, read_capture

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURES = Path(os.environ.get("TICKWIRE_CAPTURES", ROOT.parent / "shared" / "captures"))
SPOT_CAPTURE = CAPTURES / "BINANCE.ws.1.0.gz"
USDM_CAPTURE = CAPTURES / "BINANCE_FUTURES.ws.1.0.gz"
needs_captures = pytest.mark.skipif(
    not (SPOT_CAPTURE.exists() and USDM_CAPTURE.exists()),
    reason=f"no recorded traffic in {CAPTURES}; set TICKWIRE_CAPTURES",
)


@pytest.fixture(
    params=[
        pytest.param("generated"),
        pytest.param("spot", marks=needs_captures),
        pytest.param("usdm", marks=needs_captures),
    ]
)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    if request.param == "generated":
        return write_capture(tmp_path / "X.ws.1.0", frames=400, gap=0.075)
    return Recorded(SPOT_CAPTURE if request.param == "spot" else USDM_CAPTURE)


async def play(sim: Simulator, recorded: Recorded) -> tuple[list[str], list[float]]:
    """All text until the server closes, and when each came."""
    frames, times = [], []
    async with connect(sim.ws_url + recorded.path_and_query) as ws:
        async for message in ws:
            assert message.type is WSMsgType.TEXT
            frames.append(message.data)
            times.append(mono())
        assert ws.close_code == 1000
    return frames, times


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_replay_is_verbatim_complete_and_in_order(
    recorded: Recorded, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def main() -> None:
        sim = Simulator(
            replay=recorded.path, speed=math.inf, close_at_end=True, route_by_class=False
        )
        async with sim:
            frames, _ = await play(sim, recorded)
            assert frames == recorded.frames
            assert sim.stats.events == sim.stats.frames_sent == len(frames)
            assert sim.stats.frames_unclaimed == 0
            await closed_for(sim, CloseReason.REPLAY_END)
            assert sim.stats.closed == {CloseReason.REPLAY_END: 1}

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


async def test_a_replay_at_fifty_times_its_speed_keeps_the_recorded_rhythm(
    recorded: Recorded,
) -> None:
    sim = Simulator(replay=recorded.path, speed=50, close_at_end=True, route_by_class=False)
    async with sim:
        frames, times = await play(sim, recorded)
    assert frames == recorded.frames
    # No frame before its time and the last one not late; with room for a first frame that was
    # late itself, on a busy machine.
    span = recorded.offsets[-1] / 50
    assert span > 0.5
    assert span - 0.3 < times[-1] - times[0] < span + 1.0
    for time, offset in zip(times, recorded.offsets, strict=True):
        assert time - times[0] > offset / 50 - 0.3


async def test_raw_connections_get_the_data_part_verbatim(recorded: Recorded) -> None:
    stream = recorded.streams[0]
    expected = [
        re.sub(r'^\{"stream":"[^"]*", ?"data":(.*)\}$', r"\1", frame)
        for frame in recorded.frames
        if json.loads(frame)["stream"] == stream
    ]
    sim = Simulator(replay=recorded.path, speed=math.inf, close_at_end=True, route_by_class=False)
    async with sim, connect(f"{sim.ws_url}/ws/{stream}") as ws:
        assert [message.data async for message in ws] == expected
        assert sim.stats.frames_unclaimed == len(recorded.frames) - len(expected)


async def test_a_replay_starts_with_the_first_subscription_not_with_a_connection(
    tmp_path: Path,
) -> None:
    recorded = write_capture(tmp_path / "X.ws.1.0")
    sim = Simulator(replay=recorded.path, speed=math.inf)
    async with sim, connect(f"{sim.ws_url}/stream") as ws:
        await ask(ws, "SUBSCRIBE", "other@trade")
        assert sim.stats.events == 0
        await ask(ws, "SUBSCRIBE", *recorded.streams)
        assert [await text_of(ws) for _ in recorded.frames] == recorded.frames
        await asyncio.wait_for(sim.replay_finished(), DEADLINE)
        # The connection stays open unless it is asked otherwise.
        assert (await ask(ws, "LIST_SUBSCRIPTIONS"))["id"] == 1


async def test_a_replay_can_wait_until_every_stream_has_a_subscriber(tmp_path: Path) -> None:
    """As for futures, where one client needs two connections."""
    recorded = write_capture(tmp_path / "X.ws.1.0", host="fstream.binance.com")
    trades, quotes = recorded.streams
    sim = Simulator(replay=recorded.path, speed=math.inf, replay_start="all", close_at_end=True)
    async with sim, connect(f"{sim.ws_url}/market/ws/{trades}") as market:
        assert sim.market is Market.USDM
        await ask(market, "LIST_SUBSCRIPTIONS")
        assert sim.stats.events == 0
        async with connect(f"{sim.ws_url}/public/ws/{quotes}") as public:
            received = [[json.loads(m.data)["n"] async for m in ws] for ws in (market, public)]
    assert received == [list(range(0, 40, 2)), list(range(1, 40, 2))]


async def test_a_replay_can_be_started_by_hand(tmp_path: Path) -> None:
    recorded = write_capture(tmp_path / "X.ws.1.0")
    sim = Simulator(replay=recorded.path, speed=math.inf, replay_start="manual")
    async with sim, connect(sim.ws_url + recorded.path_and_query) as ws:
        await ask(ws, "LIST_SUBSCRIPTIONS")
        assert sim.stats.events == 0
        sim.start_replay()
        assert [await text_of(ws) for _ in recorded.frames] == recorded.frames


async def test_a_replay_without_pace_waits_for_its_subscriber(tmp_path: Path) -> None:
    """More data than any socket buffer holds, and a reader that starts late."""
    recorded = write_capture(tmp_path / "X.ws.1.0", frames=3000, price="1" * 5000)
    limits = Limits(queue_bytes=2_000_000)
    sim = Simulator(replay=recorded.path, speed=math.inf, limits=limits, close_at_end=True)
    async with sim, connect(sim.ws_url + recorded.path_and_query) as ws:
        first = await text_of(ws)
        assert sim.stats.frames_sent < len(recorded.frames)
        assert [first, *[message.data async for message in ws]] == recorded.frames


def replies_beside(capture: Path) -> list[HttpReply]:
    return [
        record
        for path in CAPTURES.glob(capture.name.partition(".")[0] + ".http.*")
        for record in read_capture(path)
        if isinstance(record, HttpReply)
    ]


@needs_captures
@pytest.mark.parametrize(
    ("capture", "prefix"), [(SPOT_CAPTURE, "/api/v3"), (USDM_CAPTURE, "/fapi/v1")]
)
async def test_depth_answers_of_a_replay_are_the_recorded_ones(capture: Path, prefix: str) -> None:
    replies = replies_beside(capture)
    assert len(replies) == 4
    async with Simulator(replay=capture) as sim:
        for reply in replies:
            match = re.search(r"symbol=(\w+)", reply.url)
            assert match is not None
            url = f"{sim.http_url}{prefix}/depth?symbol={match[1]}&limit=1000"
            assert await fetch(url) == (200, json.loads(reply.body))
        status, error = await fetch(f"{sim.http_url}{prefix}/depth?symbol=BTCUSDT")
        assert (status, error["code"]) == (400, -1121)
        _, info = await fetch(f"{sim.http_url}{prefix}/exchangeInfo")
        assert len(info["symbols"]) == 4


async def test_a_capture_that_breaks_while_it_is_played_is_reported(tmp_path: Path) -> None:
    recorded = write_capture(tmp_path / "X.ws.1.0")
    sim = Simulator(replay=recorded.path, speed=math.inf, replay_start="manual")
    await sim.start()
    async with connect(sim.ws_url + recorded.path_and_query) as ws:
        recorded.path.write_text(recorded.path.read_text()[:500] + "\nrubbish\n")
        sim.start_replay()
        with pytest.raises(CaptureError, match="not a record"):
            await asyncio.wait_for(sim.replay_finished(), DEADLINE)
        assert (await end_of(ws)).data == 1011
        await closed_for(sim, CloseReason.SOURCE_FAILED)
    with pytest.raises(CaptureError, match="not a record"):
        await sim.stop()
