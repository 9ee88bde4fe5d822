"""The fixtures of the transport's tests, for the fault tests."""

from tests.integration.transport.conftest import (
    certificates,
    deadline,
    pytest_asyncio_loop_factories,
    scheme,
    serve,
    session,
)

__all__ = [
    "certificates",
    "deadline",
    "pytest_asyncio_loop_factories",
    "scheme",
    "serve",
    "session",
]
