"""``tickwire doctor``: what runs here, what is missing, and the command that mends it."""

from __future__ import annotations

import asyncio
import platform
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import orjson
from rich.console import Console
from rich.text import Text

from tickwire.cli.facts import Core, setup, versions, why_not_compiled
from tickwire.cli.mend import find_origin, install_command, rebuild_command
from tickwire.cli.problems import one_line
from tickwire.transport import AsyncSession, libcurl
from tickwire.wire.core import PURE_FORCED

if TYPE_CHECKING:
    from tickwire.cli.mend import Origin

__all__ = ["EXTRAS", "Check", "Report", "Status", "examine", "print_report"]

EXTRAS: dict[str, tuple[str, str]] = {
    "simulator": ("aiohttp", "tickwire demo and tickwire simulate need it"),
    "gateway": ("fastapi", "tickwire gateway and the page of tickwire demo need it"),
    "deflate": ("zlib-ng", "compressed connections are slower without it"),
    "yaml": ("PyYAML", "settings in YAML files need it; TOML works without"),
    "keys": ("cryptography", "RSA and Ed25519 keys need it; HMAC works without"),
}
"""For each extra that users install: a package that it brings, and what it is for."""

_ROUND_TRIP_SECONDS = 5.0


class Status(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    """It works, but slower or with something left out."""
    FAIL = "fail"
    """Something that is needed does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        status: How much it matters.
        detail: What was found.
        mend: The command that mends it, if there is something to mend.
    """

    name: str
    status: Status
    detail: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All findings.

    Attributes:
        system: Operating system and machine.
        versions: By package; ``None`` for what is not installed.
        checks: In the order in which they are worth reading.
    """

    system: str
    versions: dict[str, str | None]
    checks: tuple[Check, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether everything that is needed works."""
        return all(check.status is not Status.FAIL for check in self.checks)

    def json_line(self) -> bytes:
        """One JSON object and a newline."""
        return orjson.dumps(
            {"ok": self.is_healthy, **asdict(self)}, option=orjson.OPT_APPEND_NEWLINE
        )


async def examine() -> Report:
    """Look at everything. Takes a second: it runs a simulator and connects to it."""
    origin = find_origin()
    functions = _byte_functions(origin)
    checks = [_core(origin), _loop(origin), functions]
    checks += [_extra(name, origin) for name in EXTRAS]
    if functions.status is Status.OK:
        checks.append(await _round_trip())
    return Report(f"{platform.system()} {platform.machine()}", versions(), tuple(checks))


def _core(origin: Origin) -> Check:
    reason = why_not_compiled()
    if reason is None:
        return Check("core", Status.OK, f"{Core.COMPILED}")
    mend = "unset TICKWIRE_PURE" if PURE_FORCED else rebuild_command(origin)
    return Check("core", Status.WARN, f"{Core.PURE}, several times slower: {reason}", mend)


def _loop(origin: Origin) -> Check:
    name = setup().loop
    if name == "asyncio" and sys.platform != "win32":
        return Check("loop", Status.WARN, "asyncio: uvloop is missing", install_command(origin))
    return Check("loop", Status.OK, name)


def _byte_functions(origin: Origin) -> Check:
    name = "libcurl"
    try:
        libcurl.byte_functions()
    except ImportError as error:
        return Check(name, Status.FAIL, str(error), install_command(origin))
    return Check(name, Status.OK, f"{setup().libcurl}, curl_easy_recv and curl_easy_send found")


def _extra(name: str, origin: Origin) -> Check:
    package, purpose = EXTRAS[name]
    try:
        found = version(package)
    except PackageNotFoundError:
        mend = install_command(origin, extra=name)
        return Check(name, Status.WARN, f"{package} is missing: {purpose}", mend)
    return Check(name, Status.OK, f"{package} {found}")


async def _round_trip() -> Check:
    """Talk to a simulator through libcurl, and measure."""
    name = "round trip"
    try:
        from tickwire.simulator import Simulator
    except ImportError:
        return Check(name, Status.WARN, "not tried: there is no simulator to talk to")
    try:
        async with (
            asyncio.timeout(_ROUND_TRIP_SECONDS),
            Simulator(rate=0) as simulator,
            AsyncSession() as session,
            session.ws_connect(f"{simulator.ws_url}/ws") as ws,
        ):
            await ws.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            answer = await ws.recv_bytes()
            if orjson.loads(answer) != {"result": [], "id": 1}:
                return Check(name, Status.FAIL, f"a wrong answer came: {answer[:80]!r}")
            seconds = await (await ws.ping())
    except Exception as error:  # a doctor reports whatever is broken, and goes on
        what = f"{type(error).__name__}: {error}"
        return Check(name, Status.FAIL, one_line(f"no WebSocket over loopback: {what}"))
    return Check(name, Status.OK, f"{seconds * 1e6:.0f} µs over loopback, through libcurl")


_MARKS = {Status.OK: ("✓", "green"), Status.WARN: ("!", "yellow"), Status.FAIL: ("✗", "red")}


def print_report(report: Report) -> None:
    """For people, on the standard output."""
    console = Console(highlight=False, soft_wrap=True)
    found = {name: text for name, text in report.versions.items() if text is not None}
    console.print(
        f"tickwire {found.pop('tickwire')} · Python {found.pop('python')} · {report.system}"
    )
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        mark, colour = _MARKS[check.status]
        console.print(Text.assemble((mark, colour), f" {check.name:<{width}}  {check.detail}"))
        if check.mend is not None:
            console.print(Text(f"  {'':<{width}}  → {check.mend}", style=colour))
    libraries = found.pop("libcurl")
    packages = " · ".join(f"{name} {text}" for name, text in found.items())
    console.print(Text(f"{packages}\n{libraries}", style="dim"))
