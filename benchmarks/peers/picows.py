"""picows' core API: a listener whose ``on_ws_frame`` is called for each frame.

aiofastnet, which it recommends, is its dependency and in use. A larger first read buffer than its
16 KiB was tried and made no difference (it grows by itself). A frame's payload lives in the read
buffer and is copied only if asked for. There are three ways to receive:

``receive``
    As its documentation writes a listener: it looks at the frame's type, since close frames come
    the same way, and not at the payload. The enum member is kept at hand, which is faster than
    ``WSMsgType.CLOSE`` each time.
``receive_bytes``
    It also takes the payload as bytes, which is what the other clients hand over.
``receive_blind``
    It counts and looks at nothing at all: the floor, below any program that uses what it receives.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import picows
from benchmarks.contract import CHUNK, Connect, Meter, Mismatch, Note, SendMeter, Site
from picows import WSMsgType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BINARY = WSMsgType.BINARY
CLOSE = WSMsgType.CLOSE


async def _run(listener: picows.WSListener, site: Site) -> None:
    """Connect and wait for the end."""
    context = ssl.create_default_context(cafile=site.ca_file) if site.ca_file else None
    transport, _ = await picows.ws_connect(lambda: listener, site.url, ssl_context=context)
    await transport.wait_disconnected()


class _Listener(picows.WSListener):
    def answer_close(self, transport: picows.WSTransport) -> None:
        transport.send_close(picows.WSCloseCode.OK)
        transport.disconnect()


class _Deliverer(_Listener):
    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is CLOSE:
            self.answer_close(transport)
        else:
            self.note(frame.get_payload_as_bytes())


async def deliver(site: Site, note: Note, connections: int = 1) -> None:
    await asyncio.gather(*(_run(_Deliverer(note), site) for _ in range(connections)))


class _Receiver(_Listener):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        self.count = 0

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.meter.start()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is CLOSE:
            self.meter.stop(self.count)
            self.answer_close(transport)
            return
        self.count += 1


class _BytesReceiver(_Receiver):
    payload = b""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is CLOSE:
            self.meter.stop(self.count, self.payload)
            self.answer_close(transport)
            return
        self.payload = frame.get_payload_as_bytes()
        self.count += 1


class _BlindReceiver(_Receiver):
    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.count += 1

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.meter.stop(self.count - 1)  # the last one was the close frame


async def receive(site: Site, meter: Meter) -> None:
    await _run(_Receiver(meter), site)


async def receive_bytes(site: Site, meter: Meter) -> None:
    await _run(_BytesReceiver(meter), site)


async def receive_blind(site: Site, meter: Meter) -> None:
    await _run(_BlindReceiver(meter), site)


class _Sender(_Listener):
    def __init__(self) -> None:
        super().__init__()
        self.writable = asyncio.Event()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


async def send(site: Site, payload: bytes, meter: SendMeter) -> None:
    listener = _Sender()
    transport, _ = await picows.ws_connect(lambda: listener, site.url)
    write = transport.send
    while meter.more():
        for _ in range(CHUNK):
            write(BINARY, payload)
        if not listener.writable.is_set():
            await listener.writable.wait()
    listener.answer_close(transport)
    await transport.wait_disconnected()


class _Echoer(_Listener):
    def __init__(self, payload: bytes, rounds: int, pause: float) -> None:
        super().__init__()
        self.payload = payload
        self.rounds = rounds
        self.pause = pause
        self.laps: list[int] = []
        self.before = 0
        self.clock = time.perf_counter_ns
        self.loop = asyncio.get_running_loop()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.send(transport)

    def send(self, transport: picows.WSTransport) -> None:
        self.before = self.clock()
        transport.send(BINARY, self.payload)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        reply = frame.get_payload_as_bytes()
        self.laps.append(self.clock() - self.before)
        if reply != self.payload:
            raise Mismatch(f"echo of {frame.payload_size} bytes")
        if len(self.laps) == self.rounds:
            self.answer_close(transport)
        elif self.pause:
            self.loop.call_later(self.pause, self.send, transport)
        else:
            self.send(transport)


async def echo(site: Site, payload: bytes, rounds: int, pause: float) -> list[int]:
    listener = _Echoer(payload, rounds, pause)
    await _run(listener, site)
    return listener.laps


@asynccontextmanager
async def connections(site: Site) -> AsyncIterator[Connect]:
    opened: list[picows.WSTransport] = []

    async def connect() -> object:
        transport, _ = await picows.ws_connect(_Listener, site.url)
        opened.append(transport)
        return transport

    yield connect
    for transport in opened:
        transport.disconnect()
    await asyncio.gather(*(transport.wait_disconnected() for transport in opened))
