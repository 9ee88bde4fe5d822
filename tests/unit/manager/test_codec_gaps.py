"""Gaps that a codec finds: told unless the identities of its events show the same hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.venue import FakeBatch
from tests.unit.exchanges import test_coinbase_advanced as advanced
from tests.unit.exchanges import test_coinbase_exchange as exchange
from tests.unit.exchanges import test_kraken as kraken
from tickwire.manager.decode import decoder_for
from tickwire.market import Gap

if TYPE_CHECKING:
    from tickwire.exchanges import Codec


def told(codec: Codec, *frames: bytes) -> list[tuple[str, int | None]]:
    """The events' kinds, and from which number on their identity says that they are."""
    decoder = decoder_for(raw=False, codec=codec, identity=None)
    found = []
    for frame in frames:
        for event, identity in decoder.pairs(FakeBatch([frame])):  # type: ignore[arg-type]
            found.append((event.kind, None if identity is None else identity.first))
    return found


def test_a_hole_in_numbers_that_identities_have_is_left_to_the_merge() -> None:
    codec = kraken.opened("trade:MATIC/USD")
    assert told(codec, kraken.trade(1), kraken.trade(5)) == [("trade", 1), ("trade", 5)]
    assert codec.stats.gaps == 1


def test_a_checksum_is_in_no_identity() -> None:
    codec = kraken.opened("book-10:MATIC/USD")
    wrong = kraken.book("update", "0.5657 1098.3947558", "", 1)
    assert told(codec, kraken.SNAPSHOT, wrong) == [
        ("book_snapshot", None),
        ("gap", None),
        ("book_delta", None),
    ]


def test_a_connections_own_numbers_are_in_no_identity() -> None:
    codec = advanced.opened("market_trades:ETH-USDT")
    frames = (advanced.trades(2, 1), advanced.heartbeat(4), advanced.trades(6, 2))
    assert [kind for kind, _ in told(codec, *frames)] == ["trade", "gap", "gap", "trade"]


def test_a_hole_is_told_once_when_a_heartbeat_shows_it() -> None:
    codec = exchange.opened("matches:BTC-USD")
    frames = (exchange.match(8), exchange.HEARTBEAT, exchange.match(11), exchange.match(12))
    # The heartbeat says that 9 and 10 were; 11 stands for them too, so that the merge sees no hole.
    assert told(codec, *frames) == [("trade", 8), ("gap", None), ("trade", 9), ("trade", 12)]


@pytest.mark.parametrize("last", [True, False])
def test_gaps_stand_where_the_codec_put_them(last: bool) -> None:
    class Scripted:
        def receive(self, frame: bytes, recv_ns: int, events: list[Any]) -> None:
            gap = Gap(symbol="X", stream="x", cause="checksum")  # type: ignore[arg-type]
            other = Gap(symbol="Y", stream="y", cause="checksum")  # type: ignore[arg-type]
            trade: list[Any] = kraken.received(kraken.opened("trade:MATIC/USD"), kraken.trade(1))
            events += [gap, *trade, other] if last else [gap, other, *trade]

        receive_many = identify = None

    scripted: Any = Scripted()
    scripted.identify = lambda frame, event: None
    expected = ["gap", "trade", "gap"] if last else ["gap", "gap", "trade"]
    assert [kind for kind, _ in told(scripted, b"")] == expected
