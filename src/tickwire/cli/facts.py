"""What runs here: versions, which core and why, which loop. For the doctor, the demo, reports."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from re import match

from tickwire._version import __version__
from tickwire.cli.mend import find_origin, rebuild_command
from tickwire.transport import libcurl, loop_name
from tickwire.wire.core import COMPILED, PURE_FORCED

__all__ = ["Core", "Setup", "core_notice", "setup", "versions", "why_not_compiled"]

_PACKAGES = ("curl_cffi", "msgspec", "orjson", "uvloop", "aiohttp", "rich", "typer")


class Core(StrEnum):
    """Which of the twins moves the bytes."""

    COMPILED = "compiled"
    PURE = "pure"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a measurement depends on.

    Attributes:
        core: Compiled or pure.
        loop: The event loop, with its version.
        libcurl: libcurl's version and its TLS library's: ``8.21.0 BoringSSL``.
    """

    core: Core
    loop: str
    libcurl: str


def setup() -> Setup:
    """What runs in this process."""
    return Setup(Core.COMPILED if COMPILED else Core.PURE, loop_name(), _short_libcurl())


def _short_libcurl() -> str:
    """libcurl and the TLS library, out of a list of everything that it was built with."""
    name, *libraries = libcurl.version_text().split()
    tls = next((text for text in libraries if match(r"\(?[A-Za-z]*(SSL|TLS|channel)", text)), "")
    return f"{name.partition('/')[2] or name} {tls}".strip()


def versions() -> dict[str, str | None]:
    """Versions by name; ``None`` for what is not installed."""
    found: dict[str, str | None] = {
        "tickwire": __version__,
        "python": platform.python_version(),
        "libcurl": libcurl.version_text(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def why_not_compiled() -> str | None:
    """Why the pure-Python twin runs; ``None`` if it does not."""
    if COMPILED:
        return None
    if PURE_FORCED:
        return "TICKWIRE_PURE asks for it"
    try:
        import_module("tickwire.wire._wire")
    except ModuleNotFoundError:
        return "the compiled core was not built"
    except ImportError as error:
        return f"the compiled core does not load: {error}"
    return "the compiled core came after this process began"


def core_notice() -> str | None:
    """One line when the pure-Python twin runs, with the command that mends it."""
    reason = why_not_compiled()
    if reason is None:
        return None
    remedy = "unset TICKWIRE_PURE" if PURE_FORCED else rebuild_command(find_origin())
    return f"pure-Python core, several times slower ({reason}): {remedy}"
