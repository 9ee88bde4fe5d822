"""The fixtures of the transport's tests, for the tests of its features."""

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
