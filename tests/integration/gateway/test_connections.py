"""Connections that say nothing, or take nothing."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")
pytest.importorskip("fastapi", reason="the gateway needs the `gateway` extra")

from tests.support.gateway import PATIENCE, gateway_of, listen, until
from tickwire.gateway import GatewayLimits, server
from tickwire.simulator import Simulator

if TYPE_CHECKING:
    from tickwire.gateway import Gateway


def _connections(gateway: Gateway) -> int:
    assert gateway._server is not None
    return len(gateway._server.server_state.connections)


async def test_more_connections_than_there_may_be_are_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_SPARE_CONNECTIONS", 1)
    limits = GatewayLimits(listeners=2)
    async with Simulator(rate=0) as simulator, gateway_of(simulator, limits=limits) as (gateway, _):
        silent = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(3)]
        await until(lambda: _connections(gateway) == 3)
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            answer = await reader.read()
            writer.close()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"urn:tickwire:problem:too-many-connections" in answer
        for _, writer in silent:
            writer.close()
        await until(lambda: _connections(gateway) == 0)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", b"POST /x HTTP/1.1\r\nHost: a\r\n"])
async def test_who_never_finishes_a_request_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "_REQUEST_SECONDS", 0.2)
    async with Simulator(rate=200, symbols=["BTCUSDT"]) as simulator:
        async with gateway_of(simulator) as (gateway, client), asyncio.timeout(PATIENCE):
            async with listen(client, "trades?symbol=BTCUSDT") as stream:
                await stream.next()
                reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
                writer.write(sent)
                with pytest.raises(ConnectionResetError):
                    if not await reader.read():
                        raise ConnectionResetError
                writer.close()
                # A listener asks for nothing any more, and stays.
                for _ in range(50):
                    await stream.next()


async def test_a_listener_that_takes_nothing_loses_its_connection() -> None:
    async with Simulator(rate=0) as simulator:
        async with gateway_of(simulator, heartbeat=0.2) as (gateway, _):
            with closing(socket.socket()) as stuck:
                stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                stuck.connect(("127.0.0.1", gateway.port))
                stuck.sendall(b"GET /api/ws/sse/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                await until(lambda: len(gateway.hub.listeners) == 1)
                news = gateway.hub.exchange(None).news

                def has_gone() -> bool:
                    # More than the buffers of both ends can hold.
                    news.publish(b'"%b"' % (b"x" * 100_000), None, 0)
                    return not gateway.hub.listeners

                await until(has_gone)
                await until(lambda: _connections(gateway) == 0)
