"""Whole programs: Ctrl-C, the interpreter's end, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.sync.scripts import echo
from tests.support.certificates import issue
from tests.support.frames import binary, numbered
from tests.support.programs import PROGRAM_SECONDS, program_environment, run_program
from tests.support.threaded import serving_in_thread
from tickwire.clock import mono

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import Peer

PROMPT_SECONDS = 2.0

# Whoever runs the tests in the background may have had SIGINT ignored, which is inherited.
_CONNECTED = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from tickwire.transport.sync import Session, WebSocket

session = Session()
ws = session.ws_connect(sys.argv[1])
"""


async def restless(peer: Peer) -> None:
    """Send as fast as it is taken, until the client is gone."""
    await peer.accept()
    try:
        while True:
            await peer.send(b"".join(map(binary, numbered(0, 100))))
    except ConnectionError:
        return


async def silent(peer: Peer) -> None:
    """Accept, and wait for the client's end, polite or not."""
    await peer.accept()
    await peer.gone()


# ------------------------------------------------------------------ Ctrl-C

_WAITS = {
    "recv": "ws.recv()",
    "recv with a timeout": "ws.recv(timeout=60)",
    "iteration": "list(ws)",
    "run_forever": "ws.run_forever()",
    "connect": "session.ws_connect(sys.argv[1] + 'never')",
}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("wait", _WAITS.values(), ids=_WAITS.keys())
def test_ctrl_c(wait: str) -> None:
    """It ends the program promptly, with the traceback of a KeyboardInterrupt and no other."""

    async def script(peer: Peer) -> None:
        await peer.read_request()
        if peer.target != "/never":
            peer.write(peer.answer())
        await peer.gone()

    source = f"{_CONNECTED}print('about to wait', flush=True)\n{wait}"
    with serving_in_thread(script) as server:
        program = subprocess.Popen(
            [sys.executable, "-c", source, server.url],
            env=program_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with program:
            assert program.stdout is not None
            assert program.stdout.readline() == "about to wait\n"
            began = mono()
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=PROGRAM_SECONDS)
        took = mono() - began
    assert errors.count("Traceback") == 1, errors
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert program.returncode in (-signal.SIGINT, 130)
    assert took < PROMPT_SECONDS


def test_ctrl_c_in_the_middle_of_a_stream() -> None:
    """It can be caught, and the program goes on with the next message."""
    source = (
        _CONNECTED
        + """
import _thread

threading.Timer(0.1, _thread.interrupt_main).start()
got = []
try:
    while True:
        payload, _ = ws.recv()
        got.append(payload)
except KeyboardInterrupt:
    pass
got += (ws.recv()[0] for _ in range(1000))
numbers = [int(payload[:10]) for payload in got]
assert all(later == (former + 1) % 100 for former, later in zip(numbers, numbers[1:])), numbers
ws.terminate()
print(len(got) > 1000)
"""
    )
    with serving_in_thread(restless) as server:
        done = run_program(source, server.url)
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


# ------------------------------------------------------------------ the interpreter's end

_ENDS = {
    "with an open socket": "",
    "while a socket is full": "ws.recv()",
    "while a daemon thread waits": """
threading.Thread(target=ws.recv, daemon=True).start()
""",
    "while a daemon thread iterates": """
begun = threading.Event()

def consume():
    for payload in ws:
        begun.set()

threading.Thread(target=consume, daemon=True).start()
begun.wait(5)
""",
    "by an error": "sys.exit('enough')",
    "after a socket was forgotten": "del ws",
    "with callbacks that still use it": """
import atexit
atexit.register(ws.close)
atexit.register(ws.send, 'goodbye')
""",
    "with a reference cycle": "ws.itself = ws",
}


@pytest.mark.parametrize("script", [silent, restless])
@pytest.mark.parametrize("end", _ENDS.keys())
def test_the_interpreter_ends(end: str, script: object) -> None:
    """Promptly, without a word, and the server sees the connection end."""
    if end == "while a socket is full" and script is silent:
        pytest.skip("there is nothing to receive")
    with serving_in_thread(script) as server:  # type: ignore[arg-type]
        source = f"{_CONNECTED}print('up', flush=True)\n{_ENDS[end]}"
        began = mono()
        done = run_program(source, server.url)
        took = mono() - began
    assert done.stdout == "up\n"
    assert done.stderr == ("enough\n" if end == "by an error" else "")
    assert done.returncode == (1 if end == "by an error" else 0)
    assert took < 10 * PROMPT_SECONDS, "start and end of an interpreter together"


def test_what_was_sent_before_the_end_arrives() -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(20):
            got.append((await peer.message()).payload)
        await peer.gone()

    source = """
import sys
from tickwire.transport.sync import WebSocket

ws = WebSocket().connect(sys.argv[1], coalesce_frames=True)
for number in range(20):
    ws.send(b"%010d......" % number)
"""
    with serving_in_thread(script) as server:
        done = run_program(source, server.url)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert got == numbered(0, 20)


# ------------------------------------------------------------------ forks

_FORK = """
import gc, os, sys, threading
from tickwire.transport import WebSocketClosed, WebSocketError
from tickwire.transport.sync import Session

session = Session(verify=sys.argv[3] if len(sys.argv) > 3 else True)
ws = session.ws_connect(sys.argv[1])
ws.send("before")
assert ws.recv_str() == "before"

child = os.fork()
if child == 0:
    for use in (ws.recv, ws.ping, ws.flush, lambda: ws.send("x"), lambda: list(ws)):
        try:
            use()
        except WebSocketError as error:
            assert "fork" in str(error) or "parent" in str(error), error
        else:
            raise AssertionError("it works")
    assert ws.closed
    if "close" in sys.argv:
        ws.close()
        ws.terminate()
    del ws
    gc.collect()
    with session.ws_connect(sys.argv[1]) as mine:
        mine.send("of the child")
        assert mine.recv_str() == "of the child"
    print("child: done", flush=True)
    sys.exit(0)

assert os.waitpid(child, 0)[1] == 0
for number in range(100):
    ws.send(f"after {number}")
    assert ws.recv_str() == f"after {number}"
ws.close()
print("parent: done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("closing", ["close", "forget"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_fork(tmp_path: Path, scheme: str, closing: str) -> None:
    """The child may not use its parent's sockets, nor harm them, but connect for itself."""
    certificates = issue(tmp_path, "127.0.0.1")
    tls = certificates.server if scheme == "wss" else None
    authority = [certificates.authority] if tls else []
    with serving_in_thread(echo, tls=tls) as server:
        done = run_program(
            _FORK,
            server.url,
            closing,
            *authority,
            options=("-W", "ignore::DeprecationWarning"),
        )
    assert done.stderr == ""
    assert done.stdout == "child: done\nparent: done\n"
    assert done.returncode == 0
