"""A WebSocket API and a REST interface that answer as the test says.

Not the simulator: this one misbehaves. It runs in the test's own loop, keeps every frame and every
HTTP request, and knows just enough to check signatures and to keep subscriptions.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web

from tests.support.server import PATIENCE
from tickwire.clock import wall_ns
from tickwire.exchanges.binance.signing import payload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["API_KEY", "SECRET", "Connection", "FakeVenue", "refusal"]

API_KEY = "key-that-must-not-be-seen"
SECRET = "secret-that-must-not-be-seen"

Frame = dict[str, Any]
LIMITS = [
    {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 6000,
        "count": 7,
    }
]


def refusal(status: int, code: int, msg: str = "refused", **data: Any) -> Frame:
    """The rest of an answer that refuses."""
    error: Frame = {"code": code, "msg": msg}
    if data:
        error["data"] = data
    return {"status": status, "error": error}


class Connection:
    """One client's connection, from the venue's side."""

    def __init__(self, socket: web.WebSocketResponse, number: int) -> None:
        self.socket = socket
        self.number = number
        self.frames: list[Frame] = []
        self.subscriptions: list[int] = []
        self.is_open = True

    async def send(self, frame: Frame | str) -> None:
        await self.socket.send_str(
            frame if isinstance(frame, str) else orjson.dumps(frame).decode()
        )

    def cut(self) -> None:
        """End it without a word."""
        transport = self.socket._req.transport if self.socket._req is not None else None
        assert transport is not None
        transport.abort()

    @property
    def methods(self) -> list[str]:
        return [frame["method"] for frame in self.frames]


class FakeVenue:
    """The server.

    Attributes:
        answers: What a method is answered with: the rest of the frame, or a function of connection
            and request that gives it; ``None``: nothing is answered.
        connections: All that there were.
        requests: Of REST: method, path with query, headers.
        rest: Answers of REST by path: status, body, headers.
        accepts: The HTTP status of the upgrade; 101 lets it happen.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.connections: list[Connection] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.rest: dict[str, tuple[int, Any, dict[str, str]]] = {}
        self.accepts = 101
        self.accept_headers: dict[str, str] = {}
        self.time_offset_ms = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/ws-api/v3", self._serve)
        application.router.add_get("/ws-fapi/v1", self._serve)
        application.router.add_route("*", "/{path:.*}", self._rest)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> list[Connection]:
        return [connection for connection in self.connections if connection.is_open]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that frames and connections change."""
        # A program that the test started may be what makes it true: it has to load first.
        async with asyncio.timeout(4 * PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.accepts != 101:
            return web.Response(status=self.accepts, headers=self.accept_headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, len(self.connections))
        self.connections.append(connection)
        await self._tell()
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                frame = orjson.loads(message.data)
                connection.frames.append(frame)
                answer = self._answer(connection, frame)
                if answer is not None:
                    try:
                        await connection.send({"id": frame["id"], "rateLimits": LIMITS, **answer})
                    except ConnectionError:
                        break
                await self._tell()
        finally:
            connection.is_open = False
            await self._tell()
        return socket

    def _answer(self, connection: Connection, frame: Frame) -> Frame | None:
        method = frame["method"]
        if method in self.answers:
            answer = self.answers[method]
            rest: Frame | None = answer(connection, frame) if callable(answer) else answer
            return rest
        params = frame.get("params", {})
        if "signature" in params:
            expected = hmac.new(SECRET.encode(), payload(params).encode(), hashlib.sha256)
            if params["signature"] != expected.hexdigest() or params["apiKey"] != API_KEY:
                return refusal(400, -1022, "Signature for this request is not valid.")
        if method == "time":
            return {"status": 200, "result": {"serverTime": self.now_ms()}}
        if method.startswith("userDataStream.subscribe"):
            connection.subscriptions.append(len(connection.subscriptions))
            return {"status": 200, "result": {"subscriptionId": connection.subscriptions[-1]}}
        return {"status": 200, "result": {"method": method, "params": params}}

    def now_ms(self) -> int:
        return wall_ns() // 1_000_000 + self.time_offset_ms

    async def _rest(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path_qs, dict(request.headers)))
        default: tuple[int, Any, dict[str, str]] = (200, {"path": request.path}, {})
        if request.path.endswith("/time"):
            default = (200, {"serverTime": self.now_ms()}, {})
        status, body, headers = self.rest.get(request.path, default)
        text = body if isinstance(body, str) else orjson.dumps(body).decode()
        return web.Response(
            status=status, text=text, headers=headers, content_type="application/json"
        )
