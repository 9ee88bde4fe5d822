"""Every codec keeps the contract; and the contract's own test notices when one does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tickwire.exchanges.binance import BinanceCodec, streams
from tickwire.market import Event
from tickwire.testing import CodecContractError, Sample, check_codec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.exchanges import Stream


def acknowledge(requests: list[bytes]) -> list[bytes]:
    return [orjson.dumps({"result": None, "id": orjson.loads(frame)["id"]}) for frame in requests]


def refuse(requests: list[bytes]) -> list[bytes]:
    number = orjson.loads(requests[0])["id"]
    return [orjson.dumps({"error": {"code": 2, "msg": "Invalid request"}, "id": number})]


def trade(number: int) -> bytes:
    data = {"e": "trade", "E": 1_672_515_782_136, "s": "BTCUSDT", "t": number, "p": "1.5"}
    data |= {"q": "2", "T": 1_672_515_782_136, "m": True, "M": True}
    return orjson.dumps({"stream": "btcusdt@trade", "data": data})


def depth(first: int, last: int) -> bytes:
    data = {"e": "depthUpdate", "E": 1_672_515_782_136, "s": "BTCUSDT", "U": first, "u": last}
    data |= {"b": [["1.5", "2"]], "a": [["1.6", "0"]]}
    return orjson.dumps({"stream": "btcusdt@depth", "data": data})


BINANCE = Sample(
    make=BinanceCodec,
    streams=[streams.trade("BTC-USDT"), streams.depth("BTC-USDT")],
    frames=[trade(1), depth(5, 7), trade(2), depth(8, 8), trade(3)],
    acks=acknowledge,
    refuse=refuse,
)


def test_binance_keeps_the_contract() -> None:
    check_codec(BINANCE)


class Raises(BinanceCodec):
    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if frame == b"":
            raise ValueError("empty")
        super().receive(frame, recv_ns, events)


class Broken(Event, kw_only=True, gc=False):
    """An event with a number that is none."""

    price: float = float("nan")


class Trusts(BinanceCodec):
    """Takes any text for a price."""

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if b'"p":"NaN"' in frame:
            events.append(Broken(event_time=1, symbol="BTCUSDT"))
        super().receive(frame, recv_ns, events)


class Counts(BinanceCodec):
    """Calculates with what it was sent."""

    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        if b'"p":"1e999999"' in frame:
            raise OverflowError
        super().receive(frame, recv_ns, events)


class Forgets(BinanceCodec):
    def reset(self) -> None:
        pass


class Halves(BinanceCodec):
    def receive_many(self, frames: Iterable[bytes], recv_ns: int, events: list[Event]) -> None:
        super().receive_many(list(frames)[::2], recv_ns, events)


class Unstamped(BinanceCodec):
    def receive(self, frame: bytes, recv_ns: int, events: list[Event]) -> None:
        super().receive(frame, 0, events)


class Standing(BinanceCodec):
    def identify(self, frame: bytes, event: Event) -> Any:
        found = super().identify(frame, event)
        return None if found is None else type(found)(found.stream, 1)


class Mute(BinanceCodec):
    def subscribe(self, streams: Iterable[Stream | str], now_ns: int = 0) -> list[bytes]:
        super().subscribe(streams, now_ns)
        return []


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (Raises, "makes receive\\(\\) raise"),
        (Trusts, "is finite"),
        (Counts, "makes receive\\(\\) raise; OverflowError"),
        (Forgets, "reset\\(\\) forgets"),
        (Halves, "receive_many"),
        (Unstamped, "time of arrival"),
        (Standing, "identities grow"),
        (Mute, "gives frames to send"),
    ],
)
def test_a_fault_is_found(kind: type[BinanceCodec], rule: str) -> None:
    with pytest.raises(CodecContractError, match=rule):
        check_codec(replace(BINANCE, make=kind))


def test_a_sample_must_show_something() -> None:
    with pytest.raises(CodecContractError, match="shows nothing"):
        check_codec(replace(BINANCE, frames=[]))
    with pytest.raises(CodecContractError, match="frame 0"):
        check_codec(replace(BINANCE, frames=[b'{"result":null,"id":77}']))
