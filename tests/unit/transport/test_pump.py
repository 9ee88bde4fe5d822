"""The pump against a played libcurl: when it reads, when it stops, what it offers to the kernel.

The descriptor never shows anything unless the test says so: whatever arrives here without that is
what the pump fetched by itself, as it must with bytes that a TLS layer has already decrypted.
"""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from typing import Any

import pytest

from tests.support.frames import (
    BINARY,
    PONG,
    TEXT,
    binary,
    close,
    frame,
    numbered,
    ping,
    pong,
    read_frames,
    text,
)
from tests.support.pumps import AGAIN, PUMPS, READ_BUFFER, RECV_ERROR, SEND_ERROR, play
from tickwire.transport.ends import End

pytestmark = pytest.mark.parametrize("pair", PUMPS)

BLOCKED = -AGAIN


# ------------------------------------------------------------------ reading


async def test_a_drain_goes_on_until_there_is_no_more(pair: Any) -> None:
    """Records that lie decrypted behind the one that woke us are read too."""
    played = play(pair)
    played.curl.incoming = [text(str(number)) for number in range(40)]
    await played.soon(played.io.readable)
    assert played.received() == [b"%d" % number for number in range(40)]
    reads = len(played.curl.wanted)
    await played.settle()
    assert len(played.curl.wanted) == reads, "and then rests"
    assert played.io.reader is not None


async def test_a_short_read_ends_a_drain_on_plain_tcp_only_once_it_was_empty(pair: Any) -> None:
    played = play(pair, plain=True)
    assert len(played.curl.wanted) == 1, "empty at the start"
    played.curl.incoming = [text("1"), text("2")]
    await played.soon(played.io.readable)
    assert len(played.curl.wanted) == 2, "one short read, and no second call to be told AGAIN"
    assert played.received() == [b"1"]
    await played.soon(played.io.readable)
    assert played.received() == [b"2"]


@pytest.mark.parametrize("plain", [True, False])
async def test_what_came_with_the_101_is_read_at_once(pair: Any, plain: bool) -> None:
    """libcurl keeps it, in as many pieces as it likes: short reads say nothing yet."""
    played = play(pair, text("1"), text("2")[:1], text("2")[1:], text("3"), plain=plain)
    assert played.received() == [b"1", b"2", b"3"]


@pytest.mark.parametrize("plain", [True, False])
async def test_more_than_a_budget_is_fetched_without_another_event(pair: Any, plain: bool) -> None:
    payloads = numbered(0, 900, 4000)
    played = play(pair, plain=plain)
    # In one piece: a read of a plain socket is short only when nothing is left there.
    played.curl.incoming = [b"".join(binary(payload) for payload in payloads)]
    await played.soon(played.io.readable)
    assert played.received() == payloads


async def test_a_drain_gives_way_to_the_loop(pair: Any) -> None:
    """After its budget of bytes, and after its time slice."""
    for options, pieces in (({}, 40), ({"recv_time_slice": 1e-9}, 5)):
        played = play(pair, **options)
        size = READ_BUFFER if not options else 100
        played.curl.incoming = [frame(BINARY, bytes(size - 14), length_form=64)] * pieces
        reads: list[int] = []
        loop = asyncio.get_running_loop()
        loop.call_soon(played.io.readable)
        for _ in range(pieces + 5):
            await asyncio.sleep(0)
            reads.append(len(played.curl.wanted))
        assert len(played.received()) == pieces
        steps = [after - before for before, after in pairwise(reads)]
        assert max(steps) <= 2


async def test_a_large_message_in_odd_pieces(pair: Any) -> None:
    chance = random.Random(5)
    payloads = [chance.randbytes(size) for size in (70_000, 1_000_000, 65_535, 65_536, 3_000_000)]
    stream = b"".join(binary(payload) for payload in payloads) + text("end")
    for seed in range(8):
        played = play(pair)
        cut = random.Random(seed)
        at = 0
        while at < len(stream):
            size = cut.choice((1, 13, 4096, 16_384, 65_536, READ_BUFFER))
            played.curl.incoming.append(stream[at : at + size])
            at += size
        await played.soon(played.io.readable)
        await played.settle(60)
        assert played.received() == [*payloads, b"end"]
        assert played.pump.bytes_received == len(stream)


@pytest.mark.parametrize(
    ("step", "end"),
    [(b"", (End.EOF, None)), (RECV_ERROR, (End.RECV_ERROR, RECV_ERROR))],
)
async def test_an_end_is_told_once_and_after_what_came_before(
    pair: Any, step: bytes | int, end: tuple[End, Any]
) -> None:
    played = play(pair)
    played.curl.incoming = [text("last") + frame(TEXT, b"half")[:3], step, text("never")]
    await played.soon(played.io.readable)
    assert played.ends == [end]
    assert played.received() == [b"last"]


async def test_a_close_frame_and_what_follows_it(pair: Any) -> None:
    played = play(pair)
    played.curl.incoming = [text("last") + close(1001) + text("never"), text("never"), b""]
    await played.soon(played.io.readable)
    assert [kind for kind, _ in played.ends] == [End.PEER_CLOSE, End.EOF]
    assert played.received() == [b"last"]


async def test_a_violation_is_told_once(pair: Any) -> None:
    played = play(pair)
    played.curl.incoming = [text("last") + frame(3) + frame(3), frame(3)]
    await played.soon(played.io.readable)
    assert [kind for kind, _ in played.ends] == [End.VIOLATION]
    assert played.received() == [b"last"]


# ------------------------------------------------------------------ stopping and going on


async def test_a_full_queue_stops_reading_and_room_starts_it_again(pair: Any) -> None:
    """With nothing to be seen on the descriptor: the reader fetches the hidden bytes itself."""
    played = play(pair, limit=4)
    played.curl.incoming = [text(str(number)) for number in range(30)]
    await played.soon(played.io.readable)
    pump = played.pump
    assert pump.is_paused
    assert played.io.reader is None, "TCP pushes back"
    assert pump.recv_queue_length == 4
    reads = len(played.curl.wanted)
    await played.settle()
    assert len(played.curl.wanted) == reads, "no read while it is stopped"
    received = []
    for _ in range(30):
        received.append(await asyncio.wait_for(pump.recv_bytes(), 5))
        assert pump.recv_queue_length <= 4
    assert received == [b"%d" % number for number in range(30)]
    assert not pump.is_paused
    assert played.io.reader is not None


async def test_stopping_in_the_turn_of_a_re_arming_holds(pair: Any) -> None:
    """Room, then an event that fills the queue again: the re-arming must not read on."""
    played = play(pair, limit=2)
    played.curl.incoming = [text(str(number)) for number in range(10)]
    await played.soon(played.io.readable)
    reads = len(played.curl.wanted)
    for _ in range(2):
        await played.pump.recv_bytes()
    assert played.io.reader is not None
    asyncio.get_running_loop().call_soon(played.io.readable)
    await played.settle()
    assert len(played.curl.wanted) == reads + 2
    assert played.pump.recv_queue_length == 2


async def test_hold_and_go_on(pair: Any) -> None:
    played = play(pair)
    played.pump.hold()
    assert played.io.reader is None
    played.curl.incoming = [text("x")]
    await played.settle()
    assert played.pump.recv_queue_length == 0
    played.pump.go_on()
    await played.settle()
    assert played.received() == [b"x"]


async def test_discarding_reads_without_bound_and_keeps_within_it(pair: Any) -> None:
    played = play(pair, limit=3)
    played.curl.incoming = [*(text(str(number)) for number in range(50)), close()]
    await played.soon(played.io.readable)
    assert played.pump.is_paused
    played.pump.discard_incoming()
    await played.settle()
    assert [kind for kind, _ in played.ends] == [End.PEER_CLOSE]
    assert played.received() == [b"0", b"1", b"2"]
    assert played.pump.discarded == 47


# ------------------------------------------------------------------ waiting


async def test_a_message_whose_receiver_is_cancelled_in_its_turn_goes_to_the_next(
    pair: Any,
) -> None:
    """Read, then cancelled before the task has run, in one turn of the loop; and the reverse."""
    for reverse in (False, True):
        played = play(pair)
        first = asyncio.create_task(played.pump.recv_bytes())
        second = asyncio.create_task(played.pump.recv_bytes())
        await played.settle()
        played.curl.incoming = [text("one")]
        calls = [played.io.readable, first.cancel]
        await played.soon(*(reversed(calls) if reverse else calls))
        results = []
        for task in (first, second):
            if task.done() and not task.cancelled():
                results.append(task.result())
        assert results == [b"one"]
        assert played.pump.recv_queue_length == 0
        played.curl.incoming = [text("two")]
        second = second if not second.done() else asyncio.create_task(played.pump.recv_bytes())
        await played.soon(played.io.readable)
        assert await asyncio.wait_for(second, 5) == b"two"


async def test_a_timeout_and_an_arrival_in_one_turn(pair: Any) -> None:
    for turns in range(6):
        played = play(pair)
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(played.pump.recv_bytes(timeout=0))
        played.curl.incoming = [text("one")]
        for _ in range(turns):
            await asyncio.sleep(0)
        loop.call_soon(played.io.readable)
        await played.settle()
        try:
            assert await task == b"one"
        except TimeoutError:
            assert await asyncio.wait_for(played.pump.recv_bytes(), 5) == b"one"
        assert played.pump.recv_queue_length == 0


async def test_receivers_are_told_of_the_end(pair: Any) -> None:
    played = play(pair)
    tasks = [asyncio.create_task(played.pump.recv()) for _ in range(3)]
    await played.settle()
    played.curl.incoming = [text("one"), b""]
    await played.soon(played.io.readable)
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert results[0] == (b"one", TEXT)
    assert [type(result) for result in results[1:]] == [EOFError, EOFError]


# ------------------------------------------------------------------ writing


async def test_a_send_that_fits_is_one_write_at_once(pair: Any) -> None:
    played = play(pair)
    await played.pump.send(b"one")
    await played.pump.send("two")
    assert [one.payload for one in read_frames(played.curl.taken)] == [b"one", b"two"]
    assert len(played.curl.offered) == 2
    assert played.io.writer is None
    assert played.pump.is_flushed
    assert played.pump.bytes_sent == len(played.curl.taken)


async def test_a_refused_write_is_repeated_with_the_same_bytes_at_the_same_place(
    pair: Any,
) -> None:
    """What TLS asks for; frames that come meanwhile wait behind."""
    played = play(pair)
    played.curl.takes = [BLOCKED, BLOCKED, BLOCKED]
    await played.pump.send(b"first")
    assert played.io.writer is not None
    for number in range(50):
        await played.pump.send(b"%d" % number * 100)
    assert len(played.curl.offered) == 1, "nobody asks again before the descriptor is writable"
    await played.soon(played.io.writable)
    await played.soon(played.io.writable)
    assert played.curl.offered[0] == played.curl.offered[1] == played.curl.offered[2]
    await played.soon(played.io.writable)
    assert played.curl.offered[3] == played.curl.offered[0]
    assert played.pump.is_flushed
    assert played.io.writer is None
    payloads = [one.payload for one in read_frames(played.curl.taken)]
    assert payloads == [b"first", *(b"%d" % number * 100 for number in range(50))]
    assert len(played.curl.offered) == 5, "what waited leaves in one write"


@pytest.mark.parametrize("seed", range(25))
async def test_any_pattern_of_partial_and_refused_writes(pair: Any, seed: int) -> None:
    chance = random.Random(seed)
    played = play(pair, coalesce_frames=bool(seed % 2), send_queue_size=1 << 20)
    sent: list[bytes] = []
    for _ in range(60):
        played.curl.takes += [
            chance.choice((BLOCKED, BLOCKED, 1, 7, 100, 5000)) for _ in range(chance.randrange(4))
        ]
        for _ in range(chance.randrange(4)):
            payload = chance.randbytes(chance.choice((0, 1, 100, 200, 3000)))
            sent.append(payload)
            await played.pump.send(payload)
        await played.soon(played.io.writable)
    for _ in range(2000):
        if played.pump.is_flushed:
            break
        await played.soon(played.io.writable)
    assert [one.payload for one in read_frames(played.curl.taken)] == sent
    offered = played.curl.offered
    assert played.curl.refused
    for at in played.curl.refused:
        assert offered[at + 1] == offered[at], "the same bytes at the same place"


async def test_the_queue_has_a_bound_and_tells_when_it_shrinks(pair: Any) -> None:
    played = play(pair, send_queue_size=5)
    played.curl.takes = [BLOCKED]
    for number in range(6):
        assert played.pump.has_room
        await played.pump.send(b"%d" % number)
    assert not played.pump.has_room
    await played.pump.send(b"slow road")
    assert played.slow == [b"slow road"]
    assert played.rooms == 0
    await played.soon(played.io.writable)
    assert played.rooms >= 1
    assert played.pump.has_room


async def test_a_write_error_is_told_once(pair: Any) -> None:
    played = play(pair)
    played.curl.takes = [-SEND_ERROR, -SEND_ERROR]
    await played.pump.send(b"x")
    assert played.ends == [(End.SEND_ERROR, SEND_ERROR)]
    assert not played.pump.can_send
    await played.soon(played.io.writable)
    assert len(played.ends) == 1


async def test_pongs_of_one_read_leave_in_one_write(pair: Any) -> None:
    played = play(pair)
    played.curl.incoming = [ping(b"1") + text("x") + ping(b"2"), ping(b"3") + pong(b"mine")]
    await played.soon(played.io.readable)
    frames = read_frames(played.curl.taken)
    assert [(one.opcode, one.payload) for one in frames] == [
        (PONG, b"1"),
        (PONG, b"2"),
        (PONG, b"3"),
    ]
    assert len(played.curl.offered) == 1
    assert played.pongs == [b"mine"]


async def test_a_pongs_payload_is_a_copy(pair: Any) -> None:
    """The read buffer is used again at once."""
    played = play(pair)
    played.curl.takes = [BLOCKED]
    played.curl.incoming = [ping(b"a" * 100)]
    await played.soon(played.io.readable)
    played.curl.incoming = [text("b" * 5000)]
    await played.soon(played.io.readable)
    await played.soon(played.io.writable)
    (found,) = read_frames(played.curl.taken)
    assert found.payload == b"a" * 100


async def test_detach_lets_go_of_everything(pair: Any) -> None:
    played = play(pair)
    played.curl.takes = [BLOCKED]
    played.curl.incoming = [text("kept")]
    await played.soon(played.io.readable)
    await played.pump.send(b"unsent")
    assert played.io.writer is not None
    played.pump.detach()
    played.pump.detach()
    assert played.io.reader is None
    assert played.io.writer is None
    assert played.pump.fd == -1
    assert not played.pump.can_send
    assert played.pump.send_queue_length == 0
    reads, writes = len(played.curl.wanted), len(played.curl.offered)
    played.pump.put_frame(BINARY, b"x")
    played.pump.flush_now()
    played.pump.read_now()
    played.pump.go_on()
    played.pump.discard_incoming()
    await played.settle()
    assert (len(played.curl.wanted), len(played.curl.offered)) == (reads, writes)
    assert played.received() == [b"kept"], "what was received stays"


async def test_detach_cancels_a_re_arming(pair: Any) -> None:
    played = play(pair, recv_time_slice=1e-9)
    played.curl.incoming = [text(str(number)) for number in range(10)]
    played.io.readable()
    played.pump.detach()
    reads = len(played.curl.wanted)
    await played.settle()
    assert len(played.curl.wanted) == reads
