"""What python-binance's page "Websockets" shows, as programs, with only the import changed.

Each runs in an interpreter of its own against the simulator, which the environment names. Loops
without an end are ended from outside.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tests.support.programs import PROGRAM_SECONDS, program_environment
from tickwire.binance.venue import SIMULATOR_VARIABLE
from tickwire.simulator import Simulator, SymbolSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 30
SYMBOLS: list[str | SymbolSpec] = [
    SymbolSpec("BNB", "BTC", "0.000001", "0.01", "0.008710"),
    SymbolSpec("NEO", "BTC", "0.000001", "0.01", "0.010000"),
    "BTCUSDT",
]


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """The address of a simulator in a thread of its own."""
    started, ends = threading.Event(), []
    found: list[Simulator] = []

    async def serve() -> None:
        end = asyncio.Event()
        async with Simulator(rate=300, symbols=SYMBOLS) as simulator:
            simulator.accounts.add(api_key="key", secret="secret", balances={})
            ends.append((asyncio.get_running_loop(), end))
            found.append(simulator)
            started.set()
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(DEADLINE)
    yield found[0].http_url
    loop, end = ends[0]
    loop.call_soon_threadsafe(end.set)
    thread.join(DEADLINE)
    assert not thread.is_alive()


@contextmanager
def running(source: str, venue: str) -> Iterator[subprocess.Popen[str]]:
    """A program; it is ended on leaving."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-W", "ignore::DeprecationWarning", "-c", source],
        env={**program_environment(), SIMULATOR_VARIABLE: venue},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    late = threading.Timer(PROGRAM_SECONDS, process.kill)
    late.start()
    try:
        yield process
    finally:
        late.cancel()
        process.kill()
        process.communicate()


def first_lines(source: str, venue: str, count: int) -> list[str]:
    """The first lines that an endless program prints."""
    with running(source, venue) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip() for _ in range(count)]
        if not all(lines):
            process.kill()
            pytest.fail(process.communicate()[1])
    return lines


def printed(source: str, venue: str) -> str:
    """What a program prints that ends by itself, without a word on stderr."""
    with running(source, venue) as process:
        out, err = process.communicate(timeout=PROGRAM_SECONDS)
    assert (process.returncode, err) == (0, "")
    return out


def awaited(body: str) -> str:
    """A program around the page's lines that need a manager ``bm``; ``one`` takes a message."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"""
import asyncio
from tickwire.binance import AsyncClient, BinanceSocketManager
from tickwire.binance.enums import *

def process_message(msg):
    print("not called")

async def one(socket):
    async with socket as stream:
        return await stream.recv()

async def main():
    client = await AsyncClient.create()
    bm = BinanceSocketManager(client)
{lines}
    await client.close_connection()

asyncio.run(main())
"""


MANAGER_IN_A_THREAD = """
import time
from tickwire.binance import ThreadedWebsocketManager

api_key = '<api_key>'
api_secret = '<api_secret>'

def main():
    symbol = 'BNBBTC'
    twm = ThreadedWebsocketManager(api_key=api_key, api_secret=api_secret)
    twm.start()

    def handle_socket_message(msg):
        print(f"message type: {msg.get('e', msg.get('stream'))}")

    twm.start_kline_socket(callback=handle_socket_message, symbol=symbol)
    twm.start_depth_socket(callback=handle_socket_message, symbol=symbol)
    streams = ['bnbbtc@miniTicker', 'bnbbtc@bookTicker']
    twm.start_multiplex_socket(callback=handle_socket_message, streams=streams)
    twm.join()

if __name__ == "__main__":
    main()
"""


def test_a_manager_in_a_thread(venue: str) -> None:
    wanted = {"kline", "depthUpdate", "bnbbtc@miniTicker", "bnbbtc@bookTicker"}
    seen: set[str] = set()
    with running(MANAGER_IN_A_THREAD, venue) as process:
        assert process.stdout is not None
        while seen != {f"message type: {kind}" for kind in wanted}:
            line = process.stdout.readline().rstrip()
            assert line, process.communicate()[1]
            seen.add(line)


def test_stopping_one_stream(venue: str) -> None:
    source = """
import threading
from tickwire.binance import ThreadedWebsocketManager

twm = ThreadedWebsocketManager()
twm.start()
came = threading.Event()

def handle_socket_message(msg):
    came.set()

depth_stream_name = twm.start_depth_socket(callback=handle_socket_message, symbol='BNBBTC')
came.wait()
twm.stop_socket(depth_stream_name)
came.clear()
print(depth_stream_name, came.is_set())
"""
    assert printed(source, venue) == "bnbbtc@depth False\n"


def test_stopping_all_streams(venue: str) -> None:
    source = """
from tickwire.binance import ThreadedWebsocketManager

twm = ThreadedWebsocketManager()
twm.start()

def handle_socket_message(msg):
    print("unless it was quick")

depth_stream_name = twm.start_depth_socket(callback=handle_socket_message, symbol='BNBBTC')
twm.stop()
try:
    twm.start_depth_socket(callback=handle_socket_message, symbol='BNBBTC')
except RuntimeError as error:
    print(error)
"""
    assert "the manager was stopped" in printed(source, venue)


def test_a_manager_in_a_loop(venue: str) -> None:
    source = """
import asyncio
from tickwire.binance import AsyncClient, BinanceSocketManager

async def main():
    client = await AsyncClient.create()
    bm = BinanceSocketManager(client)
    ts = bm.trade_socket('BNBBTC')
    async with ts as tscm:
        while True:
            res = await tscm.recv()
            print(res)

if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
"""
    for line in first_lines(source, venue, 3):
        assert line.startswith("{'e': 'trade', 'E': ")
        assert "'s': 'BNBBTC'" in line


def test_a_timeout_and_entering_by_hand(venue: str) -> None:
    body = """
bm = BinanceSocketManager(client, user_timeout=60)
ts = bm.trade_socket('BNBBTC')
await ts.__aenter__()
msg = await ts.recv()
print(msg['e'])
await ts.__aexit__(None, None, None)
"""
    assert printed(awaited(body), venue) == "trade\n"


def test_another_domain(venue: str) -> None:
    threaded = """
from tickwire.binance.streams import ThreadedWebsocketManager

twm = ThreadedWebsocketManager(tld='us')
twm.start()
twm.stop()
"""
    assert printed(threaded, venue) == ""
    body = """
us = await AsyncClient.create(tld='us')
print(us.tld, (await one(BinanceSocketManager(us).trade_socket('BNBBTC')))['s'])
await us.close_connection()
"""
    assert printed(awaited(body), venue) == "us BNBBTC\n"


def test_errors_come_to_the_callback() -> None:
    source = """
from tickwire.binance import ThreadedWebsocketManager

def process_message(msg):
    if msg.get('e') == 'error':
        print(f"WebSocket error: {msg.get('type')} - {msg.get('m')}")
        if msg['type'] == 'BinanceWebsocketUnableToConnect':
            twm.stop()

twm = ThreadedWebsocketManager(manager={"connect_attempts": 1})
twm.start()
twm.start_trade_socket(callback=process_message, symbol='BNBBTC')
twm.join()
"""
    # Port 9 is nobody's: the connect is refused.
    nowhere = "http://127.0.0.1:9"
    with running(source, nowhere) as process:
        out, _ = process.communicate(timeout=PROGRAM_SECONDS)
    first, second = out.splitlines()
    assert first.startswith("WebSocket error: ConnectError - ")
    assert second.startswith("WebSocket error: BinanceWebsocketUnableToConnect - ")


ONE_MESSAGE = {
    "multiplex": (
        "ms = bm.multiplex_socket(['bnbbtc@aggTrade', 'neobtc@ticker'])\n"
        "print((await one(ms))['stream'] in ('bnbbtc@aggTrade', 'neobtc@ticker'))",
        "True",
    ),
    "depth diff": ("ds = bm.depth_socket('BNBBTC')\nprint((await one(ds))['e'])", "depthUpdate"),
    "partial depth": (
        "ds = bm.depth_socket('BNBBTC', depth=BinanceSocketManager.WEBSOCKET_DEPTH_5)\n"
        "msg = await one(ds)\nprint(len(msg['bids']), len(msg['asks']))",
        "5 5",
    ),
    "kline": (
        "ks = bm.kline_socket('BNBBTC', interval=KLINE_INTERVAL_30MINUTE)\n"
        "print((await one(ks))['k']['i'])",
        "30m",
    ),
    "aggtrade": ("ats = bm.aggtrade_socket('BNBBTC')\nprint((await one(ats))['e'])", "aggTrade"),
    "trade": ("ts = bm.trade_socket('BNBBTC')\nprint((await one(ts))['e'])", "trade"),
    "symbol ticker": (
        "sts = bm.symbol_ticker_socket('BNBBTC')\nprint((await one(sts))['e'])",
        "24hrTicker",
    ),
    "ticker": (
        "ts = bm.ticker_socket(process_message)\nprint((await one(ts))[0]['e'])",
        "24hrTicker",
    ),
    "mini ticker": (
        "mts = bm.miniticker_socket()\nprint((await one(mts))[0]['e'])",
        "24hrMiniTicker",
    ),
    "slow mini ticker": (
        "mts = bm.miniticker_socket(5000)\nprint((await one(mts))[0]['e'])",
        "24hrMiniTicker",
    ),
}


def test_each_socket(venue: str) -> None:
    """One program with all of them: an interpreter each would cost more than it tells."""
    body = "\n".join(lines for lines, _ in ONE_MESSAGE.values())
    assert printed(awaited(body), venue).splitlines() == [said for _, said in ONE_MESSAGE.values()]


def test_requests(venue: str) -> None:
    source = """
import asyncio
from tickwire.binance import AsyncClient, Client

client = Client()
print(sorted(client.ws_get_order_book(symbol="BTCUSDT")))
client.close_connection()

async def main():
    async_client = await AsyncClient.create()
    print(sorted(await async_client.ws_get_order_book(symbol="BTCUSDT")))
    await async_client.close_connection()

asyncio.run(main())
"""
    assert printed(source, venue).splitlines() == ["['asks', 'bids', 'lastUpdateId']"] * 2


@pytest.mark.skipif(
    find_spec("tickwire.binance.user_data") is None, reason="this build has no user data"
)
@pytest.mark.parametrize(
    "socket", ["user_socket()", "margin_socket()", "isolated_margin_socket('BNBBTC')"]
)
def test_accounts_are_entered_and_left(socket: str, venue: str) -> None:
    body = f"""
client = await AsyncClient.create(api_key='key', api_secret='secret')
bm = BinanceSocketManager(client)
async with bm.{socket} as stream:
    print(type(stream).__name__)
"""
    assert printed(awaited(body), venue) == "KeepAliveWebsocket\n"


# tickwire's own page about it.

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from-python-binance.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


def test_the_programs_of_the_page(venue: str) -> None:
    asyncio_style, threaded_style = PROGRAMS
    dictionary, event = printed(asyncio_style, venue).splitlines()
    assert dictionary.startswith("trade BNBBTC 0.0")
    assert event.startswith("BNBBTC 0.0")
    assert printed(threaded_style, venue).splitlines()[0] == "kline BNBBTC"


def test_every_row_of_the_page_names_a_test_that_there_is() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.endswith("| test |")]
    assert len(rows) > 30
    tests = Path(__file__).resolve().parents[1]
    known = {
        name
        for path in tests.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.M)
    }
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named or "tests/examples/" in row, row
        assert set(named) <= known, row
