"""The threaded manager: its life, its callbacks, its messages, what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.support.frames import close, text
from tests.support.programs import PROGRAM_SECONDS, program_environment
from tests.support.threaded import serving_in_thread
from tickwire.binance import ThreadedWebsocketManager
from tickwire.errors import ConfigurationError
from tickwire.market import Trade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.server import Peer

DEADLINE = 30
QUICK = {"reconnect_delay": 0.01, "reconnect_delay_max": 0.02}


def data(number: int, name: str = "bnbbtc@trade") -> bytes:
    payload = {"e": "trade", "E": number, "s": "BNBBTC", "t": number, "p": "0.1", "q": "1"}
    payload |= {"T": number, "m": True, "M": True}
    return text(orjson.dumps({"stream": name, "data": payload}).decode())


def venue(count: int = 1, first: int = 1) -> Callable[[Peer], Any]:
    """Answers each request with ``count`` trades of each stream, then stays until it is left."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        with contextlib.suppress(EOFError, ConnectionError):
            asked = orjson.loads((await peer.message()).payload)
            peer.write(text(orjson.dumps({"result": None, "id": asked["id"]}).decode()))
            for number in range(first, first + count):
                for name in asked["params"]:
                    peer.write(data(number, name))
            await peer.close_frame()
            peer.write(close())

    return script


@contextmanager
def managed(script: Callable[[Peer], Any], **options: Any) -> Iterator[ThreadedWebsocketManager]:
    """A started manager whose streams are a scripted server's."""
    with serving_in_thread(script) as server:
        options.setdefault("manager", QUICK)
        twm = ThreadedWebsocketManager(ws_url=server.url.rstrip("/"), **options)
        twm.start()
        try:
            yield twm
        finally:
            twm.stop()
            twm.join(DEADLINE)
            assert not twm.is_alive()


class Heard:
    """A callback that keeps what it is told, for a test to wait for."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.threads: set[str] = set()

    def __call__(self, message: Any) -> None:
        self.threads.add(threading.current_thread().name)
        self.messages.put(message)

    def next(self) -> Any:
        return self.messages.get(timeout=DEADLINE)


def test_messages_come_in_order_in_the_managers_thread_by_the_streams_name() -> None:
    heard = Heard()
    with managed(venue(300)) as twm:
        name = twm.start_trade_socket(callback=heard, symbol="BNBBTC")
        assert name == "bnbbtc@trade"
        assert [heard.next()["t"] for _ in range(300)] == list(range(1, 301))
        assert heard.threads == {twm.name}
        assert twm.daemon


def test_several_sockets_and_stopping_one() -> None:
    one, other = Heard(), Heard()
    with managed(venue()) as twm:
        name = twm.start_trade_socket(one, "BNBBTC")
        several = twm.start_multiplex_socket(other, streams=["a@trade", "b@trade"])
        assert several == "streams=a@trade/b@trade"
        assert one.next()["t"] == 1
        assert {other.next()["stream"] for _ in range(2)} == {"a@trade", "b@trade"}
        twm.stop_socket(name)
        twm.stop_socket("no such socket")
        assert one.messages.empty()
        # It can be started anew: a new socket.
        assert twm.start_trade_socket(one, "BNBBTC") == name
        assert one.next()["t"] == 1


def test_one_socket_for_two_callbacks_of_one_stream() -> None:
    one, other = Heard(), Heard()
    go = threading.Event()
    accepted = []

    async def script(peer: Peer) -> None:
        accepted.append(peer)
        await peer.accept()
        with contextlib.suppress(EOFError, ConnectionError):
            await peer.message()
            while not go.is_set():
                await asyncio.sleep(0.01)
            peer.write(data(1), data(2))
            await peer.close_frame()
            peer.write(close())

    with managed(script) as twm:
        assert twm.start_trade_socket(one, "BNBBTC") == twm.start_trade_socket(other, "BNBBTC")
        go.set()
        for heard in (one, other):
            assert [heard.next()["t"] for _ in range(2)] == [1, 2]
    assert len(accepted) == 1


def test_spot_and_futures_streams_of_one_name_are_two_sockets() -> None:
    one, other = Heard(), Heard()
    with managed(venue()) as twm:
        spot = twm.start_aggtrade_socket(one, "BNBBTC")
        futures = twm.start_aggtrade_futures_socket(other, "BNBBTC")
        assert spot != futures
        assert one.next()["t"] == 1
        assert other.next()["data"]["t"] == 1


def test_events_instead_of_dictionaries() -> None:
    heard = Heard()
    with managed(venue(), typed=True) as twm:
        twm.start_trade_socket(heard, "BNBBTC")
        assert isinstance(heard.next(), Trade)
        twm.start_aggtrade_socket(heard, "BNBBTC", typed=False)
        assert isinstance(heard.next(), dict)


def test_coroutine_callbacks_run_in_the_loop_one_after_the_other() -> None:
    heard = Heard()

    async def callback(message: Any) -> None:
        await asyncio.sleep(0)
        heard(message)

    with managed(venue(50)) as twm:
        twm.start_trade_socket(callback, "BNBBTC")
        assert [heard.next()["t"] for _ in range(50)] == list(range(1, 51))
        assert heard.threads == {"tickwire-loop"}


class Late:
    """A callback by its ``__call__``, which is a coroutine's."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    async def __call__(self, message: Any) -> None:
        await asyncio.sleep(0)
        self.heard(message)


@pytest.mark.parametrize(
    "made",
    [Late, lambda heard: lambda message: Late(heard)(message), lambda heard: partial(Late(heard))],
    ids=["an object", "a lambda", "a partial"],
)
def test_what_gives_a_coroutine_is_run_in_the_loop_whatever_it_is(
    made: Callable[[Heard], Callable[[Any], Any]],
) -> None:
    heard = Heard()
    with managed(venue(50)) as twm:
        twm.start_trade_socket(made(heard), "BNBBTC")
        assert [heard.next()["t"] for _ in range(50)] == list(range(1, 51))
        assert heard.threads == {"tickwire-loop"}


def test_a_coroutine_callback_may_start_stop_and_end() -> None:
    heard = Heard()

    async def end(message: Any) -> None:
        heard("ends")
        twm.stop()

    async def callback(message: Any) -> None:
        twm.stop_socket(name)
        twm.start_aggtrade_socket(end, "BNBBTC")

    with managed(venue(3)) as twm:
        name = twm.start_trade_socket(callback, "BNBBTC")
        assert heard.next() == "ends"
        twm.join(DEADLINE)
        assert not twm.is_alive()


def test_a_coroutine_callback_may_stop_its_socket_and_start_it_anew() -> None:
    heard = Heard()
    begun_anew = threading.Event()

    async def first(message: Any) -> None:
        twm.stop_socket("bnbbtc@trade")
        twm.start_trade_socket(second, "BNBBTC")
        begun_anew.set()

    async def second(message: Any) -> None:
        heard(message["t"])

    async def script(peer: Peer) -> None:
        await peer.accept()
        with contextlib.suppress(EOFError, ConnectionError):
            await peer.message()
            if not begun_anew.is_set():
                peer.write(data(1))
            await asyncio.to_thread(begun_anew.wait, DEADLINE)
            peer.write(data(2))
            await peer.close_frame()
            peer.write(close())

    with managed(script) as twm:
        twm.start_trade_socket(first, "BNBBTC")
        assert heard.next() == 2  # the first was for the other


def test_a_callback_may_start_stop_and_end() -> None:
    heard = Heard()

    def end(message: Any) -> None:
        heard("ends")
        twm.stop()
        with pytest.raises(RuntimeError, match="current thread"):
            twm.join()

    def callback(message: Any) -> None:
        heard(message)
        twm.stop_socket(name)
        twm.start_aggtrade_socket(end, "BNBBTC")

    with managed(venue(3)) as twm:
        name = twm.start_trade_socket(callback, "BNBBTC")
        assert heard.next()["t"] == 1
        assert heard.next() == "ends"  # and not the second and third trade
        twm.join(DEADLINE)
        assert not twm.is_alive()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_callback_that_fails_is_told_and_logged_and_goes_on(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()

    def judge(message: Any) -> None:
        heard(message)
        if message["e"] != "error" and message["t"] == 1:
            raise KeyError("page")
        if message["e"] == "error":
            raise ValueError("again")

    async def judge_later(message: Any) -> None:
        judge(message)

    with caplog.at_level(logging.ERROR, "tickwire.binance"), managed(venue(2)) as twm:
        twm.start_trade_socket(judge_later if is_async else judge, "BNBBTC")
        found = [heard.next() for _ in range(3)]
    assert found[0]["t"] == 1
    assert found[1] == {"e": "error", "type": "KeyError", "m": "'page'"}
    assert found[2]["t"] == 2
    raised = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert raised == [KeyError, ValueError]


# ---------------------------------------------------------------------- its life


def test_before_start_and_after_stop() -> None:
    twm = ThreadedWebsocketManager(ws_url="ws://127.0.0.1:9")
    with pytest.raises(RuntimeError, match=r"start\(\)"):
        twm.start_trade_socket(print, "BNBBTC")
    with pytest.raises(RuntimeError, match="before it is started"):
        twm.join()
    twm.stop_socket("nothing")
    twm.start()
    with pytest.raises(RuntimeError, match="already"):
        twm.start()
    twm.stop()
    twm.stop()
    twm.join()
    with pytest.raises(RuntimeError, match="stopped"):
        twm.start_trade_socket(print, "BNBBTC")
    with pytest.raises(RuntimeError, match="stopped"):
        twm.start()
    never = ThreadedWebsocketManager()
    never.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        never.start()


def test_a_start_that_is_overtaken_by_a_stop_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached = threading.Event()

    async def script(peer: Peer) -> None:
        reached.set()

    with managed(venue()) as other, managed(script) as twm:
        other.start_trade_socket(Heard(), "BNBBTC")  # keeps the loop
        begin = twm._begin_there

        async def late(*arguments: Any) -> str:
            await asyncio.to_thread(twm.stop)
            return await begin(*arguments)

        monkeypatch.setattr(twm, "_begin_there", late)
        with pytest.raises(RuntimeError, match="stopped"):
            twm.start_trade_socket(Heard(), "BNBBTC")
        twm.join(DEADLINE)
        assert not twm._feeds
        assert not reached.is_set()


def test_what_is_wrong_is_said_where_it_is_given() -> None:
    with pytest.raises(ConfigurationError, match="loop"):
        ThreadedWebsocketManager(loop=object())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="user_timeout"):
        ThreadedWebsocketManager(user_timeout=0).start()
    _until_no_threads()
    with managed(venue()) as twm:
        with pytest.raises(ConfigurationError, match="callback"):
            twm.start_trade_socket("not a function", "BNBBTC")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="7m"):
            twm.start_kline_socket(print, "BNBBTC", interval="7m")


def test_a_first_connect_that_fails_is_told_after_five_attempts() -> None:
    heard = Heard()
    attempts = 0

    async def script(peer: Peer) -> None:
        nonlocal attempts
        attempts += 1
        await peer.read_request()
        peer.end()

    with managed(script) as twm:
        twm.start_trade_socket(heard, "BNBBTC")
        why, what = heard.next(), heard.next()
        assert (why["e"], why["type"]) == ("error", "IncompleteReadError")
        assert (what["e"], what["type"]) == ("error", "BinanceWebsocketUnableToConnect")
        assert attempts == 5


@pytest.mark.parametrize("fails_at", ["first connect", "reconnect"])
def test_a_callback_that_is_told_of_the_end_may_start_its_socket_again(fails_at: str) -> None:
    """What the page advises for BinanceWebsocketUnableToConnect, done where one is told of it."""
    heard = Heard()
    is_up = threading.Event()
    connects = 0

    async def script(peer: Peer) -> None:
        nonlocal connects
        connects += 1
        if is_up.is_set():
            await venue(2, first=7)(peer)
        elif fails_at == "reconnect" and connects == 1:
            await peer.accept()
            await peer.message()
            peer.end()
        else:
            await peer.read_request()
            peer.end()

    def restart(message: Any) -> None:
        if message.get("type") == "BinanceWebsocketUnableToConnect":
            is_up.set()
            heard(twm.start_trade_socket(restart, "BNBBTC"))
        elif message["e"] != "error":
            heard(message["t"])

    with managed(script) as twm:
        twm.start_trade_socket(restart, "BNBBTC")
        assert [heard.next() for _ in range(3)] == ["bnbbtc@trade", 7, 8]
        twm.stop_socket("bnbbtc@trade")


def test_a_callback_that_does_not_keep_up_is_told_and_others_are_received() -> None:
    """A blocked callback holds up neither the connection nor its bound."""
    heard = Heard()
    released = threading.Event()

    def slow(message: Any) -> None:
        released.wait(DEADLINE)
        heard(message)

    gave_up = threading.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.message()
        with contextlib.suppress(EOFError, ConnectionError):
            for number in range(1, 60):
                peer.write(data(number))
            await peer.close_frame()
            peer.write(close())
        gave_up.set()

    with managed(script, max_queue_size=10) as twm:
        twm.start_trade_socket(slow, "BNBBTC")
        assert gave_up.wait(DEADLINE)
        released.set()
        found: list[Any] = []
        while not found or found[-1]["e"] != "error":
            found.append(heard.next())
    *messages, error = found
    numbers = [message["t"] for message in messages]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 10 < len(numbers) < 59
    assert error["type"] == "BinanceWebsocketQueueOverflow"


def test_a_fast_callback_gets_a_burst_whole() -> None:
    heard = Heard()
    with managed(venue(3000), max_queue_size=10) as twm:
        twm.start_trade_socket(heard, "BNBBTC")
        assert [heard.next()["t"] for _ in range(3000)] == list(range(1, 3001))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_system_exit_in_a_callback_ends_the_manager() -> None:
    def leave(message: Any) -> None:
        raise SystemExit

    with managed(venue()) as twm:
        twm.start_trade_socket(leave, "BNBBTC")
        twm.join(DEADLINE)
        assert not twm.is_alive()


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _until_no_threads() -> None:
    """Wait until the threads have gone: the loop's ends by itself."""
    for thread in threading.enumerate():
        if thread.name.startswith("tickwire-"):
            thread.join(DEADLINE)
            assert not thread.is_alive()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_nothing_is_left_behind() -> None:
    def life() -> None:
        heard = Heard()
        with managed(venue()) as twm:
            twm.start_trade_socket(heard, "BNBBTC")
            twm.start_aggtrade_socket(heard, "BNBBTC")
            heard.next()
            heard.next()

    def settled() -> int:
        """Descriptors, when the threads have gone."""
        _until_no_threads()
        gc.collect()
        return _descriptors()

    life()
    before = settled()
    for _ in range(5):
        life()
    assert settled() <= before


PROGRAM = """
import sys
from tickwire.binance import ThreadedWebsocketManager

twm = ThreadedWebsocketManager(ws_url=sys.argv[1])
twm.start()
twm.start_trade_socket(callback=lambda message: print("got", message["t"], flush=True),
                       symbol="BNBBTC")
{end}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a child")
def test_ctrl_c_ends_a_program_in_join() -> None:
    with serving_in_thread(venue()) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(end="twm.join()"), server.url.rstrip("/")],
            env=program_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "got 1\n"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PROGRAM_SECONDS)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == -signal.SIGINT
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1


def test_a_program_that_ends_does_not_wait_for_it() -> None:
    with serving_in_thread(venue()) as server:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(end=""), server.url.rstrip("/")],
            env=program_environment(),
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    assert done.returncode == 0
    assert done.stderr == ""
