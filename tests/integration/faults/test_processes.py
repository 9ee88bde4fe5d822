"""Loops closed under live sockets, interpreters that end, forks: each in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.support.frames import text
from tests.support.threaded import serving_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.certificates import Certificates
    from tests.support.server import Peer, ScriptedServer

SECONDS = 30

PREAMBLE = """
import asyncio, gc, os, sys, warnings
import tickwire

warnings.simplefilter("error")
URL, CA = sys.argv[1:]

def new_loop():
    if LOOP == "uvloop":
        import uvloop
        return uvloop.new_event_loop()
    return asyncio.SelectorEventLoop()
"""


@pytest.fixture
def server(certificates: Certificates, scheme: str) -> Iterator[ScriptedServer]:
    async def script(peer: Peer) -> None:
        await peer.accept(text("hello"))
        await peer.gone()

    tls = certificates.server if scheme == "wss" else None
    with serving_in_thread(script, tls=tls) as running:
        yield running


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_kind(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return str(request.param)


def run(program: str, server: ScriptedServer, certificates: Certificates, loop: str) -> str:
    """Run a program to its end; it must end well and say nothing on stderr. Gives its stdout."""
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            f"LOOP = {loop!r}\n" + PREAMBLE + textwrap.dedent(program),
            server.url,
            certificates.authority,
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    return done.stdout


def test_the_loop_is_closed_under_a_live_socket(
    server: ScriptedServer, certificates: Certificates, loop_kind: str
) -> None:
    program = """
    loop = new_loop()

    async def main():
        session = tickwire.AsyncSession(verify=CA)
        ws = await session.ws_connect(URL, ping_interval=0.01)
        assert await ws.recv_str() == "hello"
        await ws.send(b"x")
        return session, ws

    session, ws = loop.run_until_complete(main())
    loop.close()
    ws.terminate()
    assert ws.closed
    ws.terminate()
    del ws, session
    gc.collect()
    print("survived")
    """
    assert run(program, server, certificates, loop_kind) == "survived\n"


def test_the_loop_is_closed_while_tasks_wait(
    server: ScriptedServer, certificates: Certificates, loop_kind: str
) -> None:
    """asyncio.Runner cancels the tasks and closes the loop; the connection was never closed."""
    program = """
    async def main():
        global session, ws, task
        session = tickwire.AsyncSession(verify=CA)
        ws = await session.ws_connect(URL)
        assert await ws.recv_str() == "hello"

        async def wait():
            await ws.recv()

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    assert task.cancelled()
    ws.terminate()
    print("survived")
    """
    assert run(program, server, certificates, loop_kind) == "survived\n"


def test_the_interpreter_ends_with_everything_open(
    server: ScriptedServer, certificates: Certificates, loop_kind: str
) -> None:
    program = """
    loop = new_loop()
    asyncio.set_event_loop(loop)

    async def main():
        session = tickwire.AsyncSession(verify=CA)
        found = []
        for _ in range(3):
            ws = await session.ws_connect(URL, on_message=lambda payload, flags: None)
            await ws.send(b"x" * 100)
            found.append(ws)
        return session, found

    everything = loop.run_until_complete(main())
    print("end")
    """
    assert run(program, server, certificates, loop_kind) == "end\n"


def test_a_forked_child_cannot_use_the_connection(
    server: ScriptedServer, certificates: Certificates, loop_kind: str
) -> None:
    """Two processes on one TLS stream would ruin it: the child is refused, the parent goes on."""
    program = """
    async def main():
        async with tickwire.AsyncSession(verify=CA) as session:
            ws = await session.ws_connect(URL)
            assert await ws.recv_str() == "hello"
            sent = ws.bytes_sent
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    sending = ws.send(b"from the child")
                    try:
                        sending.send(None)
                    except StopIteration:
                        pass
                except tickwire.WebSocketError as error:
                    code = 0
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 0, "the child could send"
            await ws.send(b"from the parent")
            await ws.flush()
            assert ws.is_alive()
            ws.terminate()

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()
    print("survived")
    """
    assert run(program, server, certificates, loop_kind) == "survived\n"


def test_a_forked_child_may_let_go_of_it(
    server: ScriptedServer, certificates: Certificates, loop_kind: str
) -> None:
    """A child that merely ends, or drops the objects, does no harm to the parent's connection."""
    program = """
    async def main():
        global session, ws
        session = tickwire.AsyncSession(verify=CA)
        ws = await session.ws_connect(URL)
        assert await ws.recv_str() == "hello"
        child = os.fork()
        if child == 0:
            del session, ws
            gc.collect()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        await ws.send(b"from the parent")
        await ws.flush()
        await asyncio.sleep(0)
        assert ws.is_alive()
        await session.close()

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()
    print("survived")
    """
    assert run(program, server, certificates, loop_kind) == "survived\n"
