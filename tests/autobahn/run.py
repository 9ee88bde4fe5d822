"""The Autobahn test suite against tickwire: every client case, on both cores.

    python tests/autobahn/run.py                  # all 517 cases, both cores (about 20 minutes)
    python tests/autobahn/run.py --short          # without the large and the repetitive ones
    python tests/autobahn/run.py --cases '12.*'   # some

The suite is a fuzzing server for CPython 2.7; it is installed into ``.autobahn`` from the Python
package index. Where there is no CPython 2.7 the script says so and exits with 3.

A case passes if behaviour and closing behaviour are OK, or INFORMATIONAL where the suite has
no verdict to give (three cases). Anything else, a missing case included, fails the run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".autobahn"
SUITE = "autobahntestsuite==0.8.2"
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
ALL_CASES = 517
# Halves that take about the same time: each is served by a process of its own.
HALVES = (
    ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.*", "12.2.*", "12.3.*"],
    ["12.4.*", "12.5.*", "13.*"],
)
# The first compression cases of each kind; 9.* are the large messages.
SHORT = (
    ["1.*", "2.*", "3.*", "4.*", "5.*", "6.1.*", "6.2.*", "6.3.*", "6.4.*", "7.*", "9.1.1", "10.*"],
    [
        f"{group}.{kind}.{n}"
        for group, kinds in ((12, 5), (13, 7))
        for kind in range(1, kinds + 1)
        for n in (1, 2)
    ],
)
CASE_SECONDS = 120.0


def find_suite() -> Path | None:
    """The fuzzing server's executable, installed if need be; ``None`` where it cannot be."""
    wstest = HOME / "suite" / "bin" / "wstest"
    if wstest.exists():
        return wstest
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob("2.7*/bin/python2.7"))
    python = str(found[-1]) if found else shutil.which("python2.7")
    if python is None:
        return None
    HOME.mkdir(exist_ok=True)
    for command in (
        [python, "-m", "pip", "install", "-q", "--user", "virtualenv<20.22"],
        [python, "-m", "virtualenv", "-q", str(HOME / "suite")],
        [str(HOME / "suite" / "bin" / "pip"), "install", "-q", SUITE],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(HOME / "suite", ignore_errors=True)
            sys.stderr.write(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}\n")
            return None
    return wstest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One fuzzing server with its cases and its report."""

    def __init__(self, wstest: Path, cases: list[str], name: str) -> None:
        self.folder = HOME / f"reports-{name}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.url = f"ws://127.0.0.1:{free_port()}"
        spec = self.folder / "spec.json"
        spec.write_text(
            json.dumps(
                {
                    "url": self.url,
                    "outdir": str(self.folder),
                    "cases": cases,
                    "exclude-cases": [],
                    "exclude-agent-cases": {},
                }
            )
        )
        self.process = subprocess.Popen(
            [str(wstest), "-m", "fuzzingserver", "-s", str(spec), "-u", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait(10)

    def verdicts(self, agent: str) -> dict[str, Any]:
        report = json.loads((self.folder / "index.json").read_text())
        return dict(report.get(agent, {}))


async def run_cases(url: str, agent: str) -> None:
    """Play the client of one server: echo what comes, case by case."""
    import tickwire

    async with tickwire.AsyncSession() as session:

        async def connect(path: str) -> tickwire.AsyncWebSocket:
            ws: tickwire.AsyncWebSocket = await session.ws_connect(
                url + path, compression="deflate", max_message_size=32 * 1024 * 1024, timeout=60
            )
            return ws

        async with asyncio.timeout(60):
            while True:
                try:
                    ws = await connect("/getCaseCount")
                    break
                except tickwire.ConnectError:
                    await asyncio.sleep(0.2)  # the server is a process that is starting
        count = int(await ws.recv_str(timeout=CASE_SECONDS))
        await ws.close()
        for case in range(1, count + 1):
            ws = await connect(f"/runCase?case={case}&agent={agent}")
            try:
                while True:
                    payload, flags = await ws.recv(timeout=CASE_SECONDS)
                    await ws.send(payload, flags)
            except tickwire.WebSocketError:
                await ws.close()
            if case % 20 == 0 or case == count:
                sys.stderr.write(f"{agent}: {case} of {count}\n")
        ws = await connect(f"/updateReports?agent={agent}")
        await ws.wait_closed()
        await ws.close()


def check(agent: str, verdicts: dict[str, Any], expected: int | None) -> bool:
    """Print the counts and every case that is not as it should be."""
    bad = {
        case: verdict
        for case, verdict in verdicts.items()
        if (verdict["behavior"], verdict["behaviorClose"]) != ("OK", "OK")
        and not (case in INFORMATIONAL and verdict["behavior"] == "INFORMATIONAL")
    }
    counts = Counter(verdict["behavior"] for verdict in verdicts.values())
    closes = Counter(verdict["behaviorClose"] for verdict in verdicts.values())
    sys.stdout.write(f"{agent}: {dict(counts)}, closing: {dict(closes)}\n")
    for case, verdict in sorted(bad.items()):
        sys.stdout.write(f"  {case}: {verdict['behavior']}, closing {verdict['behaviorClose']}\n")
    if expected is not None and len(verdicts) != expected:
        sys.stdout.write(f"  {len(verdicts)} cases in the report, {expected} expected\n")
        return False
    return bool(verdicts) and not bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--short", action="store_true", help="a selection, for CI")
    parser.add_argument("--cases", action="append", help="case patterns instead of all")
    parser.add_argument("--cores", default="compiled,pure", help="which (%(default)s)")
    parser.add_argument("--client", nargs=2, metavar=("URL", "AGENT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        import tickwire

        tickwire.run(run_cases(*options.client))
        return 0
    wstest = find_suite()
    if wstest is None:
        sys.stderr.write("the Autobahn suite cannot be installed here: it needs CPython 2.7\n")
        return 3
    groups = [options.cases] if options.cases else list(SHORT if options.short else HALVES)
    cores = options.cores.split(",")
    whole = not (options.short or options.cases)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server(wstest, cases, f"{number}"))
            for number, cases in enumerate(groups)
        ]
        for core in cores:
            environment = {**os.environ, "TICKWIRE_PURE": "1" if core == "pure" else ""}
            clients = [
                subprocess.Popen(
                    [sys.executable, __file__, "--client", server.url, f"tickwire-{core}"],
                    env=environment,
                )
                for server in servers
            ]
            codes = [client.wait() for client in clients]
            if any(codes):
                sys.stderr.write(f"the client on the {core} core failed\n")
                return 1
        good = True
        for core in cores:
            agent = f"tickwire-{core}"
            verdicts: dict[str, Any] = {}
            for server in servers:
                verdicts |= server.verdicts(agent)
            good &= check(agent, verdicts, ALL_CASES if whole else None)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
