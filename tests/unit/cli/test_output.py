"""The writer against pipes that stall and pipes that break."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tickwire.cli.output import LineWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of a known size")

LINE = b"x" * 999 + b"\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


async def read_all(fd: int, size: int) -> bytes:
    def read() -> bytes:
        found = b""
        while len(found) < size:
            found += os.read(fd, 65536)
        return found

    return await asyncio.to_thread(read)


async def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    reader, out = pipe
    writer = LineWriter(out)
    lines = [b"%d\n" % number for number in range(1000)]
    for line in lines:
        writer.write(line)
    await writer.close(5)
    assert os.read(reader, 65536) == b"".join(lines)


async def test_one_turn_of_the_loop_is_one_write(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = []
    write = os.write

    def counted(fd: int, data: memoryview) -> int:
        writes.append(len(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", counted)
    writer = LineWriter(pipe[1])
    for _ in range(10):
        writer.write(b"12345\n")
    await writer.close(5)
    assert writes == [60]


async def test_what_comes_during_a_write_waits_and_leaves_together(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, writes = threading.Event(), []
    write = os.write

    def slow_write(fd: int, data: memoryview) -> int:
        writes.append(bytes(data))
        assert go_on.wait(10)
        return write(fd, data)

    monkeypatch.setattr(os, "write", slow_write)
    writer = LineWriter(pipe[1])
    for number in range(5):
        writer.write(b"%d\n" % number)
        await asyncio.sleep(0)
    go_on.set()
    await writer.close(5)
    assert writes == [b"0\n", b"1\n2\n3\n4\n"]


async def test_a_reader_that_stalls_stops_the_writer_and_not_the_loop(
    pipe: tuple[int, int],
) -> None:
    reader, out = pipe
    fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, 4096)
    writer = LineWriter(out)
    count = 0
    while not writer.is_full:
        writer.write(LINE)
        count += 1
        await asyncio.sleep(0)
    # More than the pipe takes: however late the writing thread is, it stays full.
    more = 8192 // len(LINE) + 1
    writer.write(LINE * more)
    count += more
    waiting = asyncio.create_task(writer.room())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()
    reading = asyncio.create_task(read_all(reader, count * len(LINE)))
    async with asyncio.timeout(5):
        await waiting
        assert not writer.is_full
        assert await reading == LINE * count
        await writer.close(5)


async def test_close_gives_up_on_a_reader_that_stalls(pipe: tuple[int, int]) -> None:
    _, out = pipe
    fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, 4096)
    writer = LineWriter(out)
    writer.write(LINE * 10)
    async with asyncio.timeout(5):
        await writer.close(0.05)


async def test_a_reader_that_has_gone(pipe: tuple[int, int]) -> None:
    reader, out = pipe
    os.close(reader)
    writer = LineWriter(out)
    writer.write(LINE)
    with pytest.raises(BrokenPipeError):
        await writer.close(5)
    with pytest.raises(BrokenPipeError):
        writer.write(LINE)


async def test_a_reader_that_goes_while_the_writer_waits(pipe: tuple[int, int]) -> None:
    reader, out = pipe
    fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, 4096)
    writer = LineWriter(out)
    while not writer.is_full:
        writer.write(LINE)
    waiting = asyncio.create_task(writer.room())
    await asyncio.sleep(0)
    os.close(reader)
    async with asyncio.timeout(5):
        with pytest.raises(BrokenPipeError):
            await waiting


async def test_nothing_written(pipe: tuple[int, int]) -> None:
    async with asyncio.timeout(5):
        await LineWriter(pipe[1]).close(5)
