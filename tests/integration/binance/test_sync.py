"""The client for programs without a loop, against a venue in the test's own thread of it."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.server import PATIENCE
from tests.support.ws_api import API_KEY, SECRET, FakeVenue, refusal
from tickwire.binance import BinanceAPIException, BinanceWebsocketClosed, Client
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.transport import portal

if TYPE_CHECKING:
    from collections.abc import Iterator


SOURCE = Path(__file__).resolve().parents[3] / "src"


class Threaded:
    """A venue in a loop thread that stays until the test is over."""

    def __init__(self) -> None:
        self.venue: FakeVenue
        self._portal = portal.enter(self)

    def lost(self, reason: str) -> None:
        """Nothing waits here."""

    def __enter__(self) -> FakeVenue:
        async def start() -> FakeVenue:
            return await FakeVenue().__aenter__()

        self.venue = self._portal.run(start)
        return self.venue

    def until(self, condition: Any) -> None:
        self._portal.run(self.venue.until, condition)

    def __exit__(self, *exception: object) -> None:
        try:
            self._portal.run(self.venue.__aexit__, None, None, None)
        finally:
            self._portal.post(self._portal.leave, self)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threaded]:
    threaded = Threaded()
    with threaded as venue:
        monkeypatch.setenv(SIMULATOR_VARIABLE, venue.url)
        yield threaded


def test_as_on_the_page(served: Threaded) -> None:
    client = Client()
    book = client.ws_get_order_book(symbol="BTCUSDT")
    assert book == {"method": "depth", "params": {"symbol": "BTCUSDT"}}
    client.close_connection()


def test_everything_has_the_same_name(served: Threaded) -> None:
    with Client(API_KEY, SECRET, ping=True) as client:
        assert client.ws_create_order(symbol="A")["method"] == "order.place"
        assert client.ws_request("klines", {"symbol": "A"})["params"] == {"symbol": "A"}
        assert client.request("GET", "spot", "/api/v3/thing") == {"path": "/api/v3/thing"}
        assert client.get_server_time().keys() == {"serverTime"}
        served.venue.rest["/fapi/v1/listenKey"] = (200, {"listenKey": "L"}, {})
        assert client.futures_stream_get_listen_key() == "L"
        client.futures_stream_keepalive("L")
        assert client.rate_limits()
        assert client.tld == "com"
        assert client.environment == "production"
        assert abs(client.timestamp_offset) < 60_000
        served.venue.answers["depth"] = refusal(400, -1121, "Invalid symbol.")
        with pytest.raises(BinanceAPIException) as caught:
            client.ws_get_order_book(symbol="NONE")
        assert caught.value.code == -1121
        with pytest.raises(AttributeError, match="Client has no get_dust_log"):
            client.get_dust_log  # type: ignore[attr-defined]  # noqa: B018
    assert served.venue.requests[0][1] == "/api/v3/ping"
    assert len(served.venue.connections) == 1


def test_many_threads_share_one_connection(served: Threaded) -> None:
    with Client() as client, ThreadPoolExecutor(8) as pool:
        asked = pool.map(lambda i: client.ws_get_order_book(symbol=f"S{i}"), range(200))
        assert [answer["params"]["symbol"] for answer in asked] == [f"S{i}" for i in range(200)]
    assert len(served.venue.connections) == 1


def test_after_the_end(served: Threaded) -> None:
    client = Client()
    client.ws_ping()
    client.close_connection()
    client.close_connection()
    with pytest.raises(BinanceWebsocketClosed):
        client.ws_ping()
    served.until(lambda: not served.venue.open)


def test_one_that_is_forgotten_closes_its_connection(served: Threaded) -> None:
    client = Client()
    client.ws_ping()
    forgotten = weakref.ref(client)
    del client
    gc.collect()
    assert forgotten() is None
    served.until(lambda: not served.venue.open)


INTERRUPTED = """
from tickwire.binance import Client

with Client() as client:
    client.ws_ping()
    try:
        client.ws_get_order_book(symbol="A")
    except KeyboardInterrupt:
        print("interrupted, then", client.ws_ping()["method"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot be sent to a child there")
def test_ctrl_c_ends_the_wait(served: Threaded) -> None:
    served.venue.answers["depth"] = lambda connection, frame: None
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        env={"PYTHONPATH": str(SOURCE), "PATH": "", SIMULATOR_VARIABLE: served.venue.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        served.until(
            lambda: (
                bool(served.venue.connections) and "depth" in served.venue.connections[0].methods
            )
        )
        program.send_signal(signal.SIGINT)
        said, _ = program.communicate(timeout=5 * PATIENCE)
    finally:
        program.kill()
        program.wait()
    assert said == "interrupted, then ping\n"
    assert program.returncode == 0


@pytest.mark.parametrize("name", ["loop", "session"])
def test_what_belongs_to_a_loop_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        Client(**{name: None})  # type: ignore[arg-type]
