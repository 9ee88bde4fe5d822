"""What runs here."""

from __future__ import annotations

import importlib
import platform
import subprocess
import sys
from typing import Any

import pytest

import tickwire
from tickwire.cli import facts
from tickwire.cli.facts import Core, core_notice, setup, versions, why_not_compiled
from tickwire.transport import libcurl
from tickwire.wire import COMPILED


def pretend(
    monkeypatch: pytest.MonkeyPatch, *, forced: bool, load: Exception | None = None
) -> None:
    """As if the pure core ran; ``load`` is what becomes of loading the compiled one."""

    def import_module(name: str) -> Any:
        if load is not None:
            raise load
        return object()

    monkeypatch.setattr(facts, "COMPILED", False)
    monkeypatch.setattr(facts, "PURE_FORCED", forced)
    monkeypatch.setattr(facts, "import_module", import_module)


def test_setup_is_what_runs() -> None:
    found = setup()
    assert found.core == (Core.COMPILED if COMPILED else Core.PURE)
    assert "SSL" in found.libcurl
    assert found.loop


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("libcurl/8.21.0-IMPERSONATE BoringSSL zlib/1.3.1", "8.21.0-IMPERSONATE BoringSSL"),
        ("libcurl/8.21.0 zlib/1.3 OpenSSL/3.0.2 brotli/1", "8.21.0 OpenSSL/3.0.2"),
        ("libcurl/8.21.0 (SecureTransport) Schannel", "8.21.0 Schannel"),
        ("libcurl/8.21.0 GnuTLS/3.8", "8.21.0 GnuTLS/3.8"),
        ("libcurl/8.21.0", "8.21.0"),
    ],
)
def test_short_libcurl(monkeypatch: pytest.MonkeyPatch, text: str, short: str) -> None:
    monkeypatch.setattr(libcurl, "version_text", lambda: text)
    assert setup().libcurl == short


def test_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    found = versions()
    assert found["tickwire"] == tickwire.__version__
    assert found["python"] == platform.python_version()
    assert found["curl_cffi"] == importlib.import_module("importlib.metadata").version("curl_cffi")
    monkeypatch.setattr(facts, "_PACKAGES", ("no-such-package-here",))
    assert versions()["no-such-package-here"] is None


def test_no_notice_with_the_compiled_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "COMPILED", True)
    assert why_not_compiled() is None
    assert core_notice() is None


def test_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, forced=True)
    notice = core_notice()
    assert notice is not None
    assert notice.endswith(": unset TICKWIRE_PURE")


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (ModuleNotFoundError("no _wire"), "was not built"),
        (ImportError("wrong ELF class"), "does not load: wrong ELF class"),
        (None, "came after this process began"),
    ],
)
def test_not_built(monkeypatch: pytest.MonkeyPatch, load: Exception | None, says: str) -> None:
    pretend(monkeypatch, forced=False, load=load)
    notice = core_notice()
    assert notice is not None
    assert says in notice
    assert "pip install --force-reinstall" in notice
    assert "\n" not in notice


def test_the_import_of_the_package_loads_no_command_line() -> None:
    """`import tickwire` stays light: neither rich nor typer."""
    script = "import sys, tickwire; print(sorted({'rich', 'typer', 'click'} & set(sys.modules)))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "[]\n"
