"""A plain client of the simulator, and captures to replay, for the tests beside this module."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import WSMsgType

from tickwire.simulator import CloseReason, Simulator
from tickwire.simulator.capture import Received, read_capture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
DEADLINE = 10.0
Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def connect(url: str, **options: Any) -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as ws:
        yield ws


async def fetch(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def text_of(ws: Socket) -> str:
    message = await ws.receive(DEADLINE)
    assert message.type is WSMsgType.TEXT, message
    return str(message.data)


async def ask(ws: Socket, method: str, *params: Any, request_id: int = 1) -> Any:
    """Send a request and give its answer; events in between are passed over."""
    await ws.send_json({"method": method, "params": list(params), "id": request_id})
    while True:
        reply = json.loads(await text_of(ws))
        if "id" in reply or "code" in reply:
            return reply


async def events_until_answer(ws: Socket) -> set[str]:
    """The kinds of event that were sent before the answer to a request made now."""
    await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 99})
    events = set()
    while "id" not in (message := json.loads(await text_of(ws))):
        events.add(message["data"]["e"])
    return events


async def end_of(ws: Socket) -> aiohttp.WSMessage:
    """The message with which the connection ends, after whatever comes before it."""
    async with asyncio.timeout(DEADLINE):
        while True:
            message = await ws.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.PING):
                return message


async def closed_for(sim: Simulator, reason: CloseReason) -> None:
    """Wait until the server has counted a connection as ended for ``reason``."""
    async with asyncio.timeout(DEADLINE):
        await sim.until(lambda stats: stats.closed[reason] > 0)


def still(**options: Any) -> Simulator:
    """A generated market that moves only when it is told to."""
    return Simulator(rate=0, symbols=["BTCUSDT", "ETHUSDT"], **options)


async def raw_connection(
    sim: Simulator, path: str, receive_buffer: int | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose bytes nobody reads unless the test does."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", sim.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    return reader, writer


class Recorded:
    """A capture as the test reads it, to compare with what arrives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        frames = [record for record in read_capture(path) if isinstance(record, Received)]
        self.frames = [frame.payload.decode() for frame in frames]
        self.offsets = [(frame.ts_ns - frames[0].ts_ns) / 1e9 for frame in frames]
        self.streams = sorted({json.loads(frame)["stream"] for frame in self.frames})
        self.path_and_query = "/stream?streams=" + "/".join(self.streams)


def write_capture(
    path: Path,
    *,
    frames: int = 40,
    gap: float = 0.25,
    host: str = "stream.binance.com:9443",
    price: str = "0.10",
) -> Recorded:
    lines = [f"wss://{host}/stream?streams=x <-> 1000.5"]
    for number in range(frames):
        stream = ("aaausdt@trade", "bbbusdt@bookTicker")[number % 2]
        frame = f'{{"stream":"{stream}", "data":{{"n":{number}, "p":"{price}"}}}}'
        lines.append(f"{1001 + number * gap}: {frame}")
    path.write_text("\n".join([*lines, "", ""]))
    return Recorded(path)
