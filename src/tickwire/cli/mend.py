"""The commands that mend an installation, as they can be pasted on this machine."""

from __future__ import annotations

import shlex
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import orjson

__all__ = ["Origin", "compiler_command", "find_origin", "install_command", "rebuild_command"]

_COMPILER_COMMANDS = (
    ("apt-get", "sudo apt-get install -y gcc python3-dev"),
    ("dnf", "sudo dnf install -y gcc python3-devel"),
    ("apk", "sudo apk add gcc musl-dev python3-dev"),
    ("xcode-select", "xcode-select --install"),
    ("winget", "winget install Microsoft.VisualStudio.2022.BuildTools"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the running package came from.

    Attributes:
        checkout: The source tree that it runs out of, if it does.
        url: What pip was told to install it from; ``None`` if that was the package index.
    """

    checkout: Path | None = None
    url: str | None = None


def find_origin() -> Origin:
    """Where this package came from."""
    root = Path(__file__).resolve().parents[3]
    if (root / "pyproject.toml").is_file() and (root / "setup.py").is_file():
        return Origin(checkout=root)
    try:
        record = distribution("tickwire").read_text("direct_url.json")
    except PackageNotFoundError:
        record = None
    if record is None:
        return Origin()
    source = orjson.loads(record)
    scheme = source.get("vcs_info", {}).get("vcs")
    return Origin(url=f"{scheme}+{source['url']}" if scheme else source["url"])


def install_command(origin: Origin, *, extra: str = "", force: bool = False) -> str:
    """The pip command that installs the package again, with ``extra`` if one is named.

    Args:
        force: Build it anew although this version is there. Its dependencies stay as they are.
    """
    brackets = f"[{extra}]" if extra else ""
    words = [sys.executable, "-m", "pip", "install"]
    if force:
        words += ["--force-reinstall", "--no-deps", "--no-cache-dir"]
    if origin.checkout is not None:
        words += ["-e", f"{origin.checkout}{brackets}"]
    elif origin.url is not None:
        words.append(f"tickwire{brackets} @ {origin.url}")
    else:
        if force:
            words.append("--no-binary=tickwire")
        words.append(f"tickwire{brackets}")
    return shlex.join(words)


def compiler_command() -> str | None:
    """The command that installs a C compiler; ``None`` if there is one, or no known command."""
    # The name may come with arguments, and is not set on Windows.
    name, *_ = (sysconfig.get_config_var("CC") or "cl").split()
    if any(map(shutil.which, (name, "cc"))):
        return None
    return next((command for tool, command in _COMPILER_COMMANDS if shutil.which(tool)), None)


def rebuild_command(origin: Origin) -> str:
    """The command that builds the compiled core, a compiler first where there is none."""
    install = install_command(origin, force=True)
    compiler = compiler_command()
    return f"{compiler} && {install}" if compiler else install
