"""The command line as a shell runs it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gzip
import json
import os
import re
import signal
import ssl
import struct
import subprocess
import sys
import termios
from asyncio.subprocess import PIPE
from collections import Counter
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiohttp import WSMsgType, web

from tickwire.cli.child import SimulatorProcess
from tickwire.cli.doctor import EXTRAS
from tickwire.cli.problems import Problem
from tickwire.clock import mono, wall_ns
from tickwire.simulator import Limits, Simulator
from tickwire.wire import COMPILED

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = Path(os.environ.get("TICKWIRE_CAPTURES", ROOT.parent / "shared" / "captures"))
DEADLINE = 30.0
# Where there is no compiler the package says so on the standard error, once; not the topic here.
ENVIRONMENT = {**os.environ, "COLUMNS": "100"} | ({} if COMPILED else {"TICKWIRE_PURE": "1"})
NO_SUCH_HOST = "no-such-host.invalid"


class Done(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str


@asynccontextmanager
async def running(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickwire", *arguments),
        env=ENVIRONMENT | environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def finished(process: Process) -> Done:
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def tickwire(*arguments: str, **environment: str) -> Done:
    async with running(*arguments, **environment) as process:
        return await finished(process)


async def line_of(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


def child_of(process: Process) -> int:
    """The process id of the simulator that a demo has started."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except FileNotFoundError:
        pytest.skip("no /proc to find a child process in")
    (child,) = children.split()
    return int(child)


def is_running(pid: int) -> bool:
    # A zombie is gone, but for its parent's sake.
    with contextlib.suppress(FileNotFoundError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


async def gone(pid: int) -> None:
    """Wait for the end of a process that is not ours to wait for."""
    async with asyncio.timeout(DEADLINE):
        while is_running(pid):  # there is no event to wait for
            await asyncio.sleep(0.01)


def only_line(done: Done, code: int) -> str:
    assert done.code == code, done
    assert done.out == ""
    assert done.err.startswith("tickwire: ")
    assert done.err.count("\n") == 1, done.err
    return done.err


# --- demo ----------------------------------------------------------------------------------------


def check_summary(line: str, *, source: str, market: str) -> dict[str, Any]:
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    found: dict[str, Any] = json.loads(line)
    assert (found["source"], found["market"]) == (source, market)
    assert found["events"] == sum(found["events_by_kind"].values()) > 0
    assert found["messages"] >= found["events"]
    assert found["events_per_second"] == pytest.approx(found["events"] / found["seconds"], rel=0.01)
    assert found["unknown"] == found["undecodable"] == 0
    assert 0 <= found["max_queue_depth"] < 100_000
    assert 0 < found["latency_socket_us"]["p50"] <= found["latency_socket_us"]["p99"] < 5e6
    assert found["core"] == ("compiled" if COMPILED else "pure")
    assert found["loop"]
    assert found["libcurl"] in found["versions"]["libcurl"].replace("libcurl/", "")
    assert found["versions"]["tickwire"]
    return found


async def demo_json(market: str, *kinds: str) -> None:
    done = await tickwire("demo", "--seconds", "1", "--json", "--market", market)
    assert (done.code, done.err) == (0, "")
    found = check_summary(done.out, source="simulator", market=market)
    assert found["events_by_kind"].keys() == {*kinds}
    assert 1.0 <= found["seconds"] < 3.0
    assert found["gaps"] == 0
    assert found["events"] > 100
    assert 0 < found["latency_venue_us"]["p50"] <= found["latency_venue_us"]["p99"] < 5e6
    assert found["latency_venue_us"]["p99"] > found["latency_socket_us"]["p50"]


async def test_demo_json() -> None:
    await asyncio.gather(
        demo_json("spot", "trade", "quote", "book_delta"),
        demo_json("usdm", "agg_trade", "quote", "book_delta"),
    )


_KINDS = {
    "depthUpdate": "book_delta",
    "bookTicker": "quote",
    "aggTrade": "agg_trade",
    "trade": "trade",
    "kline": "kline",
}


def kinds_in(capture: Path) -> dict[str, int]:
    """The market-data frames of a capture by the kind of event that they should become."""
    kinds: Counter[str] = Counter()
    with gzip.open(capture, "rt") as lines:
        for line in lines:
            if match := re.match(r"[\d.]+: (\{.*)", line):
                frame = json.loads(match[1])
                if "stream" in frame:
                    kinds[_KINDS[frame["data"].get("e", "bookTicker")]] += 1
    return dict(kinds)


@pytest.mark.parametrize(
    ("name", "market"),
    [("BINANCE.ws.1.0.gz", "spot"), ("BINANCE_FUTURES.ws.1.0.gz", "usdm")],
)
async def test_a_replay_gives_every_frame_and_ends(name: str, market: str) -> None:
    capture = CAPTURES / name
    if not capture.exists():
        pytest.skip(f"no recorded traffic in {CAPTURES}; set TICKWIRE_CAPTURES")
    done = await tickwire("demo", "--replay", str(capture), "--speed", "50", "--json")
    assert (done.code, done.err) == (0, "")
    found = check_summary(done.out, source="replay", market=market)
    assert found["events_by_kind"] == kinds_in(capture)
    assert found["gaps"] == 0
    assert found["latency_venue_us"] is None


async def test_demo_without_a_terminal_says_lines() -> None:
    done = await tickwire(
        *("demo", "--terminal", "--seconds", "1.2", "--symbols", "BTC-USDT,ETH-USDT")
    )
    assert (done.code, done.err) == (0, "")
    title, setup, *lines = done.out.splitlines()
    assert title == "tickwire demo · simulated Binance spot, at 1,000 orders/s"
    assert "core · " in setup
    assert "\x1b" not in done.out
    (second,) = [line for line in lines if " events  " in line]
    assert "socket p50" in second
    assert lines[-1].startswith("gaps 0, unknown 0")


def test_demo_in_a_terminal_is_a_table_until_ctrl_c() -> None:
    main_end, far_end = os.openpty()
    fcntl.ioctl(far_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    # Opened by a session without a terminal it becomes that session's: Ctrl-C is a key there.
    command = f'exec "$@" <>{os.ttyname(far_end)} >&0 2>&1'
    demo = [sys.executable, "-m", "tickwire", "demo", "--terminal"]
    demo += ["--symbols", "BTC-USDT,DOGE-USDT"]
    environment = {**ENVIRONMENT, "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"}
    seen = b""
    with subprocess.Popen(
        ["sh", "-c", command, "sh", *demo], env=environment, start_new_session=True
    ) as process:
        try:
            while not re.search("DOGE-USDT[^\n]*[▲▼] ".encode(), seen):
                seen += os.read(main_end, 65536)
            os.write(main_end, b"\x03")
            os.close(far_end)
            # The terminal's end is an error here, not an empty read.
            with contextlib.suppress(OSError):
                while chunk := os.read(main_end, 65536):
                    seen += chunk
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()
    os.close(main_end)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r", "")
    assert "Traceback" not in text
    last = text[text.rindex("Symbol") :]
    for symbol in ("BTC-USDT", "DOGE-USDT"):
        (row,) = [line for line in last.splitlines() if line.startswith(symbol)]
        assert re.search(r" [▲▼ ] *[\d,.]+ +[\d,.]+ +[\d,.]+ +\d+ ", row), row
        assert len(row) <= 80
        assert "…" not in row
    assert "Socket" in text
    assert "socket read to here p50" in last, "the summary stays below the table"


@asynccontextmanager
async def demo_under_way() -> AsyncIterator[Process]:
    async with running("demo", "--terminal") as process:
        while "events" not in await line_of(process):
            pass
        yield process


async def test_ctrl_c_ends_the_demo_at_once_and_takes_the_simulator_along() -> None:
    async with demo_under_way() as process:
        child = child_of(process)
        assert is_running(child)
        sent = mono()
        process.send_signal(signal.SIGINT)
        done = await finished(process)
    assert mono() - sent < 2.0
    assert (done.code, done.err) == (0, "")
    assert "socket read to here p50" in done.out, "a summary"
    assert not is_running(child)


async def test_ctrl_c_while_the_simulator_starts() -> None:
    async with running("demo", "--terminal") as process:
        assert "tickwire demo" in await line_of(process)
        sent = mono()
        process.send_signal(signal.SIGINT)
        done = await finished(process)
    assert mono() - sent < 2.0
    assert (done.code, done.err) == (0, "")
    assert "0.0 s: 0 events (0/s)" in done.out


async def kill_the_demo() -> None:
    async with demo_under_way() as process:
        child = child_of(process)
        process.kill()
        await process.wait()
        await gone(child)


async def kill_the_simulator() -> None:
    async with demo_under_way() as process:
        os.kill(child_of(process), signal.SIGKILL)
        done = await finished(process)
    assert done.code == 1
    assert done.err.startswith("tickwire: the simulator: ")
    assert done.err.count("\n") == 1


async def leave_the_demo() -> None:
    async with demo_under_way() as process:
        assert await ends_when_left(process)


async def ends_when_left(process: Process) -> bool:
    """Whether a command whose output nobody reads any more ends, quietly and with 0."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    return (await process.stderr.read(), await process.wait()) == (b"", 0)


async def test_a_demo_that_loses_what_it_depends_on() -> None:
    """Its own life, its simulator, its reader. At the same time, since each takes two seconds."""
    await asyncio.gather(kill_the_demo(), kill_the_simulator(), leave_the_demo())


async def test_a_simulator_that_does_not_start_is_told_in_its_own_words() -> None:
    with pytest.raises(Problem) as caught:
        async with SimulatorProcess(["--symbols", "NOSUCH"]):
            pytest.fail("it started")
    assert caught.value.line.startswith("the simulator: no built-in symbol 'NOSUCH'")
    assert caught.value.exit_code == 2


async def test_a_capture_with_a_bad_line_is_told_with_its_number(tmp_path: Path) -> None:
    capture = CAPTURES / "BINANCE.ws.1.0.gz"
    if not capture.exists():
        pytest.skip(f"no recorded traffic in {CAPTURES}; set TICKWIRE_CAPTURES")
    with gzip.open(capture, "rt") as whole:
        cut = tmp_path / "cut"
        cut.write_text("".join(islice(whole, 30)) + "garbage\n")
    done = await tickwire("demo", "--replay", str(cut), "--json")
    assert "line 31: not a record of a capture: 'garbage'" in only_line(done, 2)


# --- stream --------------------------------------------------------------------------------------


def simulator(**options: Any) -> Simulator:
    return Simulator(symbols=["BTCUSDT", "ETHUSDT"], **({"rate": 2000} | options))


async def test_stream_json() -> None:
    began = wall_ns()
    async with simulator() as venue:
        done = await tickwire(
            *("stream", "binance", "btcusdt@trade", "ETHUSDT@depth@100ms", "--quotes", "BTC-USDT"),
            *("--url", venue.ws_url, "--json", "--limit", "600"),
        )
    assert (done.code, done.err) == (0, "")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert len(events) == 600
    assert {event["kind"] for event in events} == {"trade", "quote", "book_delta"}
    for event in events:
        assert began < event["ts_recv_ns"] < wall_ns()
        assert {"trade": "BTCUSDT", "quote": "BTC-USDT", "book_delta": "ETHUSDT"}[
            event["kind"]
        ] == event["symbol"]
        if event["kind"] != "quote":
            assert began - 1_000_000 < event["ts_event_ns"] <= event["ts_recv_ns"]
    trades = [event["trade_id"] for event in events if event["kind"] == "trade"]
    assert trades == list(range(trades[0], trades[0] + len(trades)))


async def test_stream_for_people() -> None:
    async with simulator(market="usdm") as venue:
        done = await tickwire(
            *("stream", "binance", "--trades", "BTC-USDT,ETH-USDT", "--market", "usdm"),
            *("--url", venue.ws_url, "--limit", "5"),
        )
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert len(lines) == 5
    for line in lines:
        assert re.fullmatch(
            r"\d\d:\d\d:\d\d\.\d{6}  agg_trade      (BTC|ETH)-USDT    (buy |sell)  "
            r"[\d.]+ x [\d.]+",
            line,
        ), line


async def test_stream_ends_after_its_seconds() -> None:
    async with simulator(rate=0) as venue:
        done = await tickwire(
            *("stream", "binance", "btcusdt@trade", "--url", venue.ws_url, "--seconds", "0.1")
        )
    assert done == (0, "", "")


async def test_ctrl_c_is_the_ordinary_end_of_a_stream() -> None:
    async with (
        simulator() as venue,
        running("stream", "binance", "btcusdt@trade", "--url", venue.ws_url) as process,
    ):
        assert "trade" in await line_of(process)
        process.send_signal(signal.SIGINT)
        done = await finished(process)
    assert (done.code, done.err) == (0, "")
    assert not done.out or done.out.endswith("\n"), "no line is cut"


async def test_a_reader_that_has_seen_enough_ends_the_stream() -> None:
    async with (
        simulator() as venue,
        running("stream", "binance", "btcusdt@trade", "--url", venue.ws_url) as process,
    ):
        await line_of(process)
        assert await ends_when_left(process)


# --- what can go wrong ---------------------------------------------------------------------------


async def stream(url: str, *arguments: str, names: tuple[str, ...] = ("btcusdt@trade",)) -> Done:
    return await tickwire("stream", "binance", *names, "--url", url, *arguments)


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_an_unknown_symbol(market: str) -> None:
    async with simulator(market=market) as venue:
        done = await stream(
            venue.ws_url, "--market", market, names=("btcusdt@aggTrade", "nopeusdt@aggTrade")
        )
        assert venue.stats.connections_opened == 0, "it was asked before subscribing"
    line = only_line(done, 2)
    assert "unknown symbol NOPEUSDT" in line
    assert "BTCUSDT" not in line


async def test_a_misspelt_stream() -> None:
    line = only_line(await stream(f"wss://{NO_SUCH_HOST}", names=("btcusdt@trades",)), 2)
    assert "did you mean btcusdt@trade?" in line


async def test_nothing_listens() -> None:
    async with simulator() as venue:
        url = venue.ws_url
    assert "nothing answers at 127.0.0.1:" in only_line(await stream(url), 1)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_no_such_host(scheme: str) -> None:
    line = only_line(await stream(f"{scheme}://{NO_SUCH_HOST}"), 1)
    assert f"there is no host {NO_SUCH_HOST}," in line


@asynccontextmanager
async def server(
    answer: bytes, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Gives the same bytes to everybody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[:2]


async def test_a_refused_upgrade() -> None:
    body = b"not\r\nfor you"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    async with server(head + body) as (host, port):
        line = only_line(await stream(f"ws://{host}:{port}"), 1)
    assert "HTTP 403" in line
    assert "--proxy" in line


async def test_a_certificate_that_nobody_vouches_for() -> None:
    trustme = pytest.importorskip("trustme")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with server(b"", context) as (host, port):
        line = only_line(await stream(f"wss://{host}:{port}"), 1)
    assert "certificate of 127.0.0.1" in line


async def test_a_refused_subscription() -> None:
    async with simulator(limits=Limits(streams=1), rate=0) as venue:
        done = await stream(venue.ws_url, names=("btcusdt@trade", "ethusdt@trade"))
    line = only_line(done, 1)
    assert "the venue refused the subscription (btcusdt@trade, ethusdt@trade)" in line


async def test_a_browser_that_nobody_knows() -> None:
    async with simulator() as venue:
        line = only_line(await stream(venue.ws_url, "--impersonate", "mosaic"), 2)
    assert "mosaic" in line
    assert "--impersonate" in line


TRADE = {
    "e": "trade", "E": 1, "s": "BTCUSDT", "t": 1, "p": "1.5", "q": "2", "T": 1, "m": True,
    "M": True,
}  # fmt: skip


@asynccontextmanager
async def venue_without_rest(close_code: int | None = None) -> AsyncIterator[str]:
    """A stream server that has no REST, acknowledges, sends one trade, and may then close."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        asked = await socket.receive_json()
        await socket.send_json({"result": None, "id": asked["id"]})
        await socket.send_json({"stream": "btcusdt@trade", "data": TRADE})
        if close_code is not None:
            await socket.close(code=close_code, message=b"maintenance")
        while (await socket.receive()).type is not WSMsgType.CLOSED:
            pass
        return socket

    application = web.Application()
    application.router.add_get("/stream", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_symbols_that_cannot_be_checked_are_a_warning() -> None:
    async with venue_without_rest() as url:
        done = await stream(url, "--limit", "1")
    assert done.code == 0
    assert done.out.endswith("trade          BTCUSDT     sell  1.5 x 2\n")
    assert done.err.startswith("tickwire: the symbols could not be checked (127.0.0.1:")
    assert "HTTP 404" in done.err
    assert done.err.count("\n") == 1


async def test_the_venue_closes() -> None:
    async with venue_without_rest(close_code=1001) as url:
        done = await stream(url, "--no-reconnect")
    assert done.code == 1
    assert done.out.count("\n") == 1, "what came before is printed"
    warning, ended, problem = done.err.splitlines()
    assert "could not be checked" in warning
    assert "has ended (server_closed), code 1001" in ended
    assert 'code 1001 and "maintenance"' in problem


async def test_each_hand_over_is_a_line() -> None:
    async with simulator() as venue:
        done = await stream(
            venue.ws_url,
            *("--rotate-every", "1s", "--redundancy", "2", "--seconds", "6"),
        )
    assert done.code == 0, done
    lines = done.err.splitlines()
    taken_over = [line for line in lines if "took over from" in line]
    assert len(taken_over) >= 3
    assert all("(scheduled): overlap " in line for line in taken_over)
    assert all("events on both sides" in line for line in taken_over)
    assert all("left out, exactly-once" in line for line in taken_over)
    trades = [line for line in done.out.splitlines() if "  trade  " in line]
    assert len(trades) > 100


async def test_a_rotation_of_no_length() -> None:
    line = only_line(await stream("ws://127.0.0.1:1", "--rotate-every", "often"), 2)
    assert "10s, 5m or 12h" in line


# --- doctor, simulate ----------------------------------------------------------------------------


@pytest.mark.parametrize("pure", [False, True])
async def test_doctor(pure: bool) -> None:
    forced = {"TICKWIRE_PURE": "1"} if pure else {}
    done = await tickwire("doctor", "--json", **forced)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["ok"] is True
    checks = {check["name"]: check for check in found["checks"]}
    assert checks.keys() == {"core", "loop", "libcurl", *EXTRAS, "round trip"}
    assert "curl_easy_recv and curl_easy_send found" in checks["libcurl"]["detail"]
    assert checks["round trip"]["status"] == "ok"
    assert re.match(r"\d+ µs over loopback", checks["round trip"]["detail"])
    core = checks["core"]
    if pure or not COMPILED:
        assert core["status"] == "warn"
        assert core["detail"].startswith("pure")
        assert core["mend"] == "unset TICKWIRE_PURE"
    else:
        assert (core["status"], core["detail"], core["mend"]) == ("ok", "compiled", None)


async def test_doctor_for_people() -> None:
    done = await tickwire("doctor", TICKWIRE_PURE="1")
    assert (done.code, done.err) == (0, "")
    assert "! core" in done.out
    assert "→ unset TICKWIRE_PURE" in done.out
    assert "✓ libcurl" in done.out


async def test_simulate_serves_until_ctrl_c() -> None:
    async with running("simulate", "--symbols", "BTC-USDT", "--rate", "500") as process:
        address = json.loads(await line_of(process))
        done = await stream(f"ws://{address['host']}:{address['port']}", "--limit", "1")
        assert done.code == 0
        process.send_signal(signal.SIGINT)
        assert await finished(process) == (0, "", "")
