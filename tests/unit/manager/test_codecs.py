"""A manager with a codec: notices, refusals, resubscribing, replies; on a scripted clock."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from tests.unit.manager.test_life import Collector
from tickwire import Trade
from tickwire.errors import SubscriptionError
from tickwire.exchanges import Reconnect, Resync, RotateBy
from tickwire.exchanges.binance import BinanceCodec, streams
from tickwire.manager import DisconnectReason, ScriptedClock, Stale

if TYPE_CHECKING:
    from tests.support.venue import FakeSocket, Venue
    from tickwire.exchanges import Directive

STREAMS = ["btcusdt@trade", "ethusdt@trade"]


def trade(number: int, symbol: str = "BTCUSDT") -> dict[str, Any]:
    data = {"e": "trade", "E": 1_672_515_782_136, "s": symbol, "t": number, "p": "1", "q": "1"}
    data |= {"T": 1_672_515_782_136, "m": True, "M": True}
    return {"stream": f"{symbol.lower()}@trade", "data": data}


def acknowledge(socket: FakeSocket) -> None:
    """Answer the requests that have come."""
    for request in socket.sent:
        if isinstance(request, dict):
            socket.deliver({"result": None, "id": request["id"]})


def ids(items: list[Any]) -> list[int | str]:
    return [item.trade_id for item in items if isinstance(item, Trade)]


async def test_a_shutdown_notice_is_a_planned_change(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(codec=BinanceCodec, subscriptions=STREAMS, overlap=1.0)
    async with manager as ws:
        reader = Collector(ws)
        await clock.settle()
        old = venue.sockets[0]
        acknowledge(old)
        old.deliver(trade(1))
        old.deliver({"e": "serverShutdown", "E": 1_672_515_782_136})
        await clock.advance(0.5)
        new = venue.sockets[1]
        assert [request["params"] for request in new.sent] == [STREAMS]
        old.deliver(trade(2), trade(3))
        new.deliver(trade(3), trade(4))
        await clock.advance(1.0)
        assert old.is_open, "the new one's subscription has not been acknowledged"
        acknowledge(new)
        await clock.advance(1.0)
        assert not old.is_open
        assert ids(reader.items) == [1, 2, 3, 4]
        assert ws.stats.reasons == {DisconnectReason.CONNECTION_LIMIT: 1}


async def test_a_refusal_is_told_once_and_the_stream_goes_on(
    venue: Venue, clock: ScriptedClock
) -> None:
    manager = venue.manager(codec=BinanceCodec, subscriptions=STREAMS, overlap=0.0)
    async with manager as ws:
        stream = ws.stream()
        for _ in range(2):
            await clock.advance(2.0)
            socket = venue.open_sockets[-1]
            request = socket.sent[0]
            socket.deliver({"error": {"code": 2, "msg": "no"}, "id": request["id"]})
            socket.deliver(trade(7))
            ws.schedule_reconnect(0)
        told: list[int | None] = []
        got: list[Any] = []
        while len(got) < 1:
            try:
                got.append(await anext(stream))
            except SubscriptionError as refused:
                told.append(refused.code)
        assert (told, ids(got)) == ([2], [7])


async def test_a_stale_stream_is_subscribed_again(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(
        codec=BinanceCodec, subscriptions=STREAMS, events=True, data_timeout=20.0, stale_step=10.0
    )
    async with manager as ws:
        reader = Collector(ws)
        await clock.settle()
        socket = venue.sockets[0]
        acknowledge(socket)
        socket.deliver(trade(1), trade(1, "ETHUSDT"))
        for second in range(2, 50):
            await clock.advance(1.0)
            socket.deliver(trade(second))
        (stale,) = (item for item in reader.items if isinstance(item, Stale))
        assert stale.stream == "ethusdt@trade"
        asked = [(request["method"], request["params"]) for request in socket.sent[1:]]
        assert asked == [
            ("UNSUBSCRIBE", ["ethusdt@trade"]),
            ("SUBSCRIBE", ["ethusdt@trade"]),
        ]
        assert ws.stats.connects == 1


async def test_what_is_asked_for_again_keeps_its_name(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(codec=BinanceCodec, subscriptions=[streams.trade("BTC-USDT")]) as ws:
        reader = Collector(ws)
        await clock.settle()
        socket = venue.sockets[0]
        acknowledge(socket)
        socket.deliver(trade(1))
        await ws.resubscribe("btcusdt@trade")
        await clock.advance(2.0)
        assert [request["method"] for request in socket.sent[1:]] == ["UNSUBSCRIBE", "SUBSCRIBE"]
        acknowledge(socket)
        socket.deliver(trade(2))
        await clock.settle()
        assert [item.symbol for item in reader.items] == ["BTC-USDT", "BTC-USDT"]


class Demanding(BinanceCodec):
    """Wants what the test puts here, after the next frame."""

    output: ClassVar[deque[bytes]] = deque()
    wanted: ClassVar[deque[Directive]] = deque()

    def take_output(self) -> list[bytes]:
        found = list(self.output)
        self.output.clear()
        return found

    def take_directive(self) -> Directive | None:
        return self.wanted.popleft() if self.wanted else None


async def test_whatever_a_codec_wants_is_done(venue: Venue, clock: ScriptedClock) -> None:
    manager = venue.manager(codec=Demanding, subscriptions=STREAMS, overlap=0.0)
    async with manager as ws:
        Collector(ws)
        await clock.settle()
        socket = venue.sockets[0]
        Demanding.output.append(orjson.dumps({"op": "pong"}))
        Demanding.wanted.append(Resync("btcusdt@trade", "checksum"))
        socket.deliver(trade(1))
        await clock.advance(5.0)
        assert socket.sent[1] == {"op": "pong"}
        assert [request["method"] for request in socket.sent[2:]] == ["UNSUBSCRIBE", "SUBSCRIBE"]
        for directive, reason in (
            (Reconnect("mixed up"), DisconnectReason.PROTOCOL_ERROR),
            (RotateBy(clock.wall_ns(), "maintenance"), DisconnectReason.CONNECTION_LIMIT),
        ):
            Demanding.wanted.append(directive)
            venue.open_sockets[-1].deliver(trade(2))
            await clock.advance(1.0)
            acknowledge(venue.open_sockets[-1])
            await clock.advance(20.0)
            assert ws.stats.reasons[reason] == 1


async def test_a_replacement_that_is_of_no_use_is_tried_again_later(
    venue: Venue, clock: ScriptedClock
) -> None:
    manager = venue.manager(
        codec=Demanding, subscriptions=STREAMS, overlap=0.0, reconnect_delay=3.0
    )
    async with manager as ws:
        Collector(ws)
        await clock.settle()
        old = venue.sockets[0]
        acknowledge(old)
        for number in (1, 2):
            # As for a limit of the venue's, which the next connection meets with as well.
            Demanding.wanted.append(Reconnect("too many requests"))
            venue.open_sockets[-1].deliver(trade(number))
            await clock.settle()
        await clock.advance(1.0)
        assert (len(venue.sockets), venue.open_sockets) == (2, [old])
        await clock.advance(10.0)
        acknowledge(venue.open_sockets[-1])
        await clock.advance(20.0)
        assert old not in venue.open_sockets
        assert len(venue.open_sockets) == 1


async def test_a_pause_that_the_program_wants_is_no_gap(venue: Venue, clock: ScriptedClock) -> None:
    named = streams.trade("BTC-USDT")
    for first in (named, STREAMS[0]):
        async with venue.manager(codec=BinanceCodec, subscriptions=[first, STREAMS[1]]) as ws:
            reader = Collector(ws)
            await clock.settle()
            socket = venue.open_sockets[-1]
            socket.deliver(trade(1), trade(1, "ETHUSDT"))
            await clock.settle()
            await ws.unsubscribe(first)
            socket.deliver(trade(2))  # what was under way
            await clock.settle()
            await ws.subscribe(first)
            socket.deliver(trade(50), trade(51), trade(3, "ETHUSDT"), trade(55))
            await clock.settle()
            found = [(event.kind, event.symbol) for event in reader.items]
            symbol = str(getattr(first, "symbol", "BTCUSDT"))
            assert found[2:] == [
                *[("trade", symbol)] * 3,
                ("gap", "ETHUSDT"),
                ("trade", "ETHUSDT"),
                ("gap", symbol),
                ("trade", symbol),
            ]


async def test_streams_come_and_go(venue: Venue, clock: ScriptedClock) -> None:
    async with venue.manager(codec=BinanceCodec, subscriptions=STREAMS[:1]) as ws:
        Collector(ws)
        await clock.settle()
        await ws.subscribe(STREAMS[1])
        await ws.unsubscribe(STREAMS[0])
        asked = [(request["method"], request["params"]) for request in venue.sockets[0].sent]
        assert asked == [
            ("SUBSCRIBE", STREAMS[:1]),
            ("SUBSCRIBE", STREAMS[1:]),
            ("UNSUBSCRIBE", STREAMS[:1]),
        ]
        assert ws.subscriptions == STREAMS[1:]
        assert ws.codec_stats is not None
