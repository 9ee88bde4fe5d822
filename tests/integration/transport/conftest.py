"""Transport tests run on asyncio's own loop and on uvloop, and, where they ask, over ws and wss."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.certificates import Certificates, issue
from tests.support.server import ScriptedServer, serving
from tickwire import AsyncSession
from tickwire.transport import lifecycle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.support.server import Script, Serve


_TEST_SECONDS = 12


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.SelectorEventLoop
    }
    if sys.platform != "win32":
        import uvloop

        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    """Cancel a test that hangs: uvloop does not let pytest-timeout's signal through."""

    def give_up() -> None:
        for task in asyncio.all_tasks():
            task.cancel("the test hangs")

    timer = asyncio.get_running_loop().call_later(_TEST_SECONDS, give_up)
    yield
    timer.cancel()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The times that a connection grants a peer at its end, a tenth as long."""
    for name in ("_LINGER_SECONDS", "_FAREWELL_SECONDS", "_SEND_ERROR_GRACE_SECONDS"):
        monkeypatch.setattr(lifecycle, name, getattr(lifecycle, name) / 10)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue(tmp_path_factory.mktemp("tls"), "127.0.0.1", "localhost")


@pytest.fixture(params=["ws", "wss"])
def scheme(request: pytest.FixtureRequest) -> str:
    named: str = request.param
    return named


@pytest.fixture
def serve(scheme: str, certificates: Certificates) -> Serve:
    """Starts a scripted server, plain or with TLS."""

    def start(script: Script, **options: Any) -> AbstractAsyncContextManager[ScriptedServer]:
        tls = certificates.server if scheme == "wss" else None
        return serving(script, tls=tls, **options)

    return start


@pytest.fixture
async def session(certificates: Certificates) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(verify=certificates.authority) as opened:
        yield opened
        if opened._connector is not None:
            assert opened._connector.pending_count == 0, "a connect was left behind"
