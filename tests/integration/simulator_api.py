"""A plain client of the simulator's WebSocket API, for the tests beside this module.

It signs by itself, with nothing of the library's own signing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.simulator_client import connect, text_of
from tickwire.clock import wall_ns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.simulator_client import Socket
    from tickwire.simulator import Simulator

KEY, SECRET = "key", "secret"
API_PATHS = {"spot": "/ws-api/v3", "usdm": "/ws-fapi/v1", "coinm": "/ws-dapi/v1"}
ED25519 = Ed25519PrivateKey.generate()
ED25519_PEM = ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hmac_of(payload: bytes) -> str:
    return hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()


def ed25519_of(payload: bytes) -> str:
    return base64.b64encode(ED25519.sign(payload)).decode()


def signed(
    params: dict[str, Any], sign: Callable[[bytes], str] = hmac_of, key: str | None = KEY
) -> dict[str, Any]:
    """The parameters with a key, a time unless there is one, and a signature."""
    complete = {"timestamp": now_ms(), **params}
    if key is not None:
        complete["apiKey"] = key
    payload = "&".join(f"{name}={complete[name]}" for name in sorted(complete))
    return {**complete, "signature": sign(payload.encode())}


def now_ms() -> int:
    return wall_ns() // 1_000_000


class Api:
    """One connection.

    Attributes:
        events: What arrived besides answers, oldest first.
    """

    def __init__(self, ws: Socket) -> None:
        self.ws = ws
        self.events: list[Any] = []
        self._next_id = 0

    async def call(self, method: str, **params: Any) -> Any:
        """The answer to a request; events that come before it are kept."""
        self._next_id += 1
        request = {"id": self._next_id, "method": method, "params": params}
        await self.ws.send_json(request)
        while True:
            frame = json.loads(await text_of(self.ws))
            if "status" in frame:
                assert frame["id"] == self._next_id
                return frame
            self.events.append(frame)

    async def signed(self, method: str, **params: Any) -> Any:
        return await self.call(method, **signed(params))

    async def result(self, method: str, **params: Any) -> Any:
        """The result of a signed request that must succeed."""
        answer = await self.signed(method, **params)
        assert answer["status"] == 200, answer
        return answer["result"]

    async def refusal(self, method: str, **params: Any) -> tuple[int, int]:
        """The status and the code of a signed request that must be refused."""
        answer = await self.signed(method, **params)
        return answer["status"], answer["error"]["code"]

    async def event(self, kind: str) -> Any:
        """The next event of a kind, of those that were kept or that arrive."""
        while True:
            while self.events:
                event = self.events.pop(0)
                event = event.get("event", event)
                if event["e"] == kind:
                    return event
            frame = json.loads(await text_of(self.ws))
            assert "status" not in frame, frame
            self.events.append(frame)


@asynccontextmanager
async def api(sim: Simulator, query: str = "") -> AsyncIterator[Api]:
    async with connect(sim.ws_url + API_PATHS[sim.market] + query) as ws:
        yield Api(ws)


async def rest(
    sim: Simulator, verb: str, path: str, query: str = "", *, key: str | None = KEY
) -> tuple[int, Any, Any]:
    """Status, body and headers of a REST request."""
    headers = {} if key is None else {"X-MBX-APIKEY": key}
    url = f"{sim.http_url}{path}" + (f"?{query}" if query else "")
    async with aiohttp.ClientSession() as session:
        async with session.request(verb, url, headers=headers) as response:
            return response.status, await response.json(), response.headers
