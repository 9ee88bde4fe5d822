"""What venues ask of a connection besides frames: a token, headers, pings of their own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.unit.manager.test_life import Collector
from tickwire.errors import LoginError
from tickwire.exchanges import HttpRequest, Liveness
from tickwire.exchanges.binance import BinanceCodec
from tickwire.manager import DisconnectReason
from tickwire.transport import CurlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.venue import Venue
    from tickwire.manager import ScriptedClock

STREAMS = ["btcusdt@trade"]


class Demanding(BinanceCodec):
    """Needs a token, signs its upgrade and pings."""

    liveness = Liveness(ping_every=20.0, only_in_silence=True, dead_after=50.0, ping=b"ping")
    answers: ClassVar[list[tuple[int, bytes, int]]] = []

    def prepare(self, now_ns: int) -> HttpRequest | None:
        self._signed_ns = now_ns
        return HttpRequest("POST", "https://venue.test/token?key=k", (("X-Key", "k"),), b"a=1")

    def prepared(self, status: int, body: bytes, now_ns: int) -> None:
        self.answers.append((status, body, now_ns))
        if status == 401:
            raise LoginError("no such key", code=-2015)

    def upgrade_headers(self, now_ns: int) -> Mapping[str, str]:
        return {"X-Time": str(now_ns)}


@pytest.fixture
def requests(venue: Venue) -> list[Any]:
    """What is asked by REST; the answers are ``venue.replies``, else 200."""
    asked: list[Any] = []
    replies: list[Any] = []
    Demanding.answers.clear()

    async def request(method: str, url: str, **parameters: Any) -> Any:
        asked.append((method, url, parameters))
        reply = replies.pop(0) if replies else 200
        if isinstance(reply, Exception):
            raise reply
        return SimpleNamespace(status_code=reply, content=b"token")

    fake: Any = venue
    fake.request, fake.replies = request, replies
    return asked


async def test_a_token_and_headers_come_before_the_connection(
    venue: Venue, clock: ScriptedClock, requests: list[Any]
) -> None:
    async with venue.manager(codec=Demanding, subscriptions=STREAMS, headers={"A": "b"}) as ws:
        assert ws.is_connected
        ((method, url, parameters),) = requests
        assert (method, url) == ("POST", "https://venue.test/token?key=k")
        assert parameters["headers"] == {"X-Key": "k"}
        assert parameters["data"] == b"a=1"
        assert parameters["allow_redirects"] is False
        assert Demanding.answers == [(200, b"token", clock.wall_ns())]
        ((_, _, connect),) = venue.connects
        assert connect["headers"] == {"A": "b", "X-Time": str(clock.wall_ns())}


async def test_a_refused_login_is_final(venue: Venue, requests: list[Any]) -> None:
    fake: Any = venue
    fake.replies.append(401)
    with pytest.raises(LoginError, match="no such key"):
        await venue.manager(codec=Demanding, connect_attempts=5).connect()
    assert len(requests) == 1
    assert not venue.connects


async def test_a_venue_in_trouble_is_asked_again(
    venue: Venue, clock: ScriptedClock, requests: list[Any]
) -> None:
    fake: Any = venue
    fake.replies += [503, 429, CurlError("no route", 7)]
    manager = venue.manager(codec=Demanding, connect_attempts=5, silence_timeout=1e6)
    connecting = asyncio.ensure_future(manager.connect())
    for _ in range(4):
        await clock.advance(60.0)
    await connecting
    assert len(requests) == 4
    assert len(venue.connects) == 1, "nothing is connected without the token"
    await manager.close()


async def test_a_silent_connection_is_pinged_in_the_venues_words(
    venue: Venue, clock: ScriptedClock, requests: list[Any]
) -> None:
    manager = venue.manager(codec=Demanding, subscriptions=STREAMS, disconnect_check_interval=1.0)
    async with manager as ws:
        Collector(ws)
        await clock.settle()
        socket = venue.sockets[0]
        await clock.advance(19.0)
        socket.deliver(b"pong")
        await clock.advance(19.0)
        assert "ping" not in socket.sent, "it was not silent for twenty seconds"
        await clock.advance(1.5)
        assert socket.sent.count("ping") == 1
        socket.deliver(b"pong")
        await clock.advance(20.5)
        assert socket.sent.count("ping") == 2
        assert socket.is_open
        await clock.advance(31.0)
        assert not socket.is_open, "nothing came for fifty seconds"
        assert ws.stats.reasons == {DisconnectReason.PING_TIMEOUT: 1}


def test_a_request_does_not_show_what_it_carries() -> None:
    request = HttpRequest("GET", "https://venue.test/x?sign=s3cret", (("K", "s3cret"),), b"s3cret")
    assert "s3cret" not in repr(request)
    assert "venue.test/x" in repr(request)
