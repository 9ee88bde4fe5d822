"""Facts about the machine, and how busy others keep it. Linux gives all of them, others some."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["CpuTimes", "facts", "machine_slug"]

PACKAGES = (
    "tickwire",
    "curl_cffi",
    "uvloop",
    "picows",
    "aiofastnet",
    "websockets",
    "aiohttp",
    "wreq",
    "websocket-client",
    "wsaccel",
    "zlib-ng",
    "msgspec",
    "orjson",
    "python-binance",
    "cryptofeed",
)


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name == "tickwire":
                import tickwire

                found[name] = tickwire.__version__
    return found


def _commit() -> str | None:
    """The commit that tickwire was built from, with a plus sign if its sources have changed."""
    import tickwire

    folder = Path(tickwire.__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "-s", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _libcurl_version() -> str:
    """tickwire's own, which is curl_cffi's."""
    import curl_cffi

    return str(curl_cffi.Curl().version().decode().split()[0]).removeprefix("libcurl/")


def facts() -> dict[str, Any]:
    """What a reader must know to place the figures."""
    from tickwire.wire import COMPILED

    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": _versions() | {"libcurl": _libcurl_version()},
        "commit": _commit(),
        "compiled": COMPILED,
        "load_before": os.getloadavg()[0],
    }


def machine_slug(machine: dict[str, Any]) -> str:
    """The machine's name within a file name."""
    name = f"{machine['cpu']}-{machine['cores']}cores"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@dataclass(frozen=True)
class CpuTimes:
    """CPU seconds of the whole machine, and of our own processes, up to some moment.

    User and kernel time; steal time counts as foreign. Interrupts are left out: some systems book
    them on the process that is interrupted, others on nobody, and ours are many (loopback).
    """

    machine: float
    own: float

    @classmethod
    def now(cls, server_pid: int) -> CpuTimes | None:
        """``None`` where there is no ``/proc``."""
        try:
            machine = Path("/proc/stat").read_text()
            server = Path(f"/proc/{server_pid}/stat").read_text()
        except OSError:
            return None
        return cls.parse(machine, server, sum(os.times()[:4]), os.sysconf("SC_CLK_TCK"))

    @classmethod
    def parse(cls, machine: str, server: str, clients: float, tick: int) -> CpuTimes:
        """
        Args:
            machine: What ``/proc/stat`` says.
            server: What ``/proc/PID/stat`` says of the server.
            clients: Seconds of this process and of those it has waited for.
            tick: Ticks in a second.
        """
        user, nice, system, _idle, _wait, _irq, _softirq, steal = map(
            int, machine.split("\n", 1)[0].split()[1:9]
        )
        fields = server.rpartition(")")[2].split()
        own = int(fields[11]) + int(fields[12])
        return cls((user + nice + system + steal) / tick, own / tick + clients)

    def foreign_since(self, before: CpuTimes, seconds: float) -> float:
        """Which share of one core others used since ``before``, ``seconds`` ago."""
        others = (self.machine - before.machine) - (self.own - before.own)
        return max(0.0, others) / seconds
