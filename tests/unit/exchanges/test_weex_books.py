"""A book made of WEEX's depth is the market's, whatever happens to the messages on their way."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tickwire.exchanges import Reconnect, Resync, Stream
from tickwire.exchanges.weex import WeexCodec
from tickwire.market import BookDelta, BookSnapshot, Gap
from tickwire.simulator.market import MarketModel
from tickwire.simulator.options import Market
from tickwire.simulator.symbols import NumberText, default_specs
from tickwire.simulator.weex.payloads import DepthWindow
from tickwire.weex.books import ClientBook

EVENTS = 100_000
EVENTS_PER_MESSAGE = 10
NAME = "BTCUSDT@depth200"


class Client:
    """A codec, the book kept by its events, and a network between it and the market."""

    def __init__(self, window: DepthWindow) -> None:
        self.window = window
        self.codec = WeexCodec(numbers="decimal")
        self.book = ClientBook()
        self.gaps = self.reconnects = 0
        self.connect()

    def connect(self) -> None:
        self.codec.reset()
        self.codec.subscribe([Stream(NAME, "depth", "BTC-USDT")])
        self.receive(self.window.snapshot(1))

    def receive(self, frame: bytes) -> None:
        events: list[Any] = []
        self.codec.receive(frame, 1, events)
        for event in events:
            if isinstance(event, BookSnapshot):
                self.book.replace(event)  # type: ignore[arg-type]
            elif isinstance(event, BookDelta):
                assert self.book.change(event)  # type: ignore[arg-type]
            else:
                assert isinstance(event, Gap)
                self.book.doubt()
                self.gaps += 1
        directive = self.codec.take_directive()
        if isinstance(directive, Resync):
            assert not self.book.is_live
            self.codec.unsubscribe([directive.stream])
            self.codec.subscribe([directive.stream])
            self.receive(self.window.snapshot(1))
        elif isinstance(directive, Reconnect):
            self.reconnects += 1
            self.connect()


def test_100000_updates_with_loss_doubling_reordering_and_reconnects() -> None:
    (spec,) = [spec for spec in default_specs(Market.USDM) if spec.symbol == "BTCUSDT"]
    model = MarketModel([spec], seed=3, market=Market.USDM, cadences=0, start_ms=0)
    window = DepthWindow(model.instruments[0], 200, NumberText(spec, Market.USDM))
    client, random = Client(window), Random(5)
    compared = 0
    held: bytes | None = None
    for number in range(EVENTS):
        model.step(number)
        if number % EVENTS_PER_MESSAGE:
            continue
        frame = window.change(number)
        if frame is None:
            continue
        fate = random.random()
        if fate < 0.005:
            continue  # lost
        if fate < 0.010:
            client.connect()  # the connection broke; what was under way is gone
            held = None
            continue
        if fate < 0.015 and held is None:
            held = frame  # overtaken by the next one
            continue
        client.receive(frame)
        if fate > 0.995:
            client.receive(frame)
        if held is not None:
            client.receive(held)
            held = None
        if client.book.is_live and number % 500 == 0:
            data = client.book.data("BTCUSDT", 200)
            assert [data["bids"], data["asks"]] == window.levels()
            compared += 1
    assert client.book.is_live
    data = client.book.data("BTCUSDT", 200)
    assert [data["bids"], data["asks"]] == window.levels()
    assert compared > 100
    assert client.gaps > 50
