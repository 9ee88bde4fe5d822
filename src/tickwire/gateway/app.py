"""The application: routes, guards, documents, and the page's files."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from tickwire._version import __version__
from tickwire.gateway import health, page, rest, streams
from tickwire.gateway.guard import Guard
from tickwire.gateway.hub import Hub
from tickwire.gateway.models import ProblemDocument
from tickwire.gateway.problems import ProblemError, add_handlers
from tickwire.gateway.rest import problem_entries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from typing import Any

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tickwire.gateway.config import GatewayConfig

__all__ = ["CHART_PACKAGE", "create_app"]

_STATIC = Path(__file__).with_name("static")
CHART_PACKAGE = "litecharts"
"""The installed package that has the charting library's one file."""
_CHART_FILE = "js/lightweight-charts.js"

_BODY_BYTES = 1 << 20
"""Of one request: many times what the longest list of symbols needs."""

_HEADERS = (
    # Only the page's own files: no inline script or style, no other host.
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; "
        b"img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def create_app(config: GatewayConfig, hub: Hub | None = None) -> FastAPI:
    """The gateway as an ASGI application, for whoever runs a server of their own.

    Args:
        config: How it is wanted.
        hub: What it serves; a new one if left out. Opened and closed with the application.

    Cost: connects to nothing until a stream is asked for.
    """
    hub = hub or Hub(config)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await hub.open()
        try:
            yield
        finally:
            await hub.close()

    app = FastAPI(
        title="tickwire gateway",
        version=__version__,
        summary="Live market data by REST and server-sent events.",
        description="Errors are problem documents (RFC 9457).",
        lifespan=life,
        # Their pages load scripts from other hosts, which the page's policy forbids.
        docs_url=None,
        redoc_url=None,
    )
    app.state.hub = hub
    add_handlers(app)
    for router in (rest.router, streams.router, page.router, health.router):
        app.include_router(router)
    _add_files(app)
    _complete_document(app, needs_token=config.token is not None)
    # The last that is added is the first that is asked.
    app.add_middleware(_SmallBodies)
    app.add_middleware(_Heads)
    if config.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=config.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        )
    app.add_middleware(Guard, config=config)
    app.add_middleware(_SafeHeaders)
    return app


class _SmallBodies:
    """Reads no more of a request than it may have, whatever length it claims or leaves out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        taken = 0

        async def receive_little() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > _BODY_BYTES:
                # Of this kind, since every other one becomes a 400 on its way.
                raise HTTPException(413)
            return message

        await self._app(scope, receive_little if scope["type"] == "http" else receive, send)


class _SafeHeaders:
    """Headers that every answer has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        if scope["type"] == "http":
            # What a stream sends after its headers need not go through every layer again.
            scope["tickwire.send"] = send

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _Heads:
    """Answers ``HEAD`` as ``GET``, without the body; not where the body has no end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if (
            scope["type"] != "http"
            or scope["method"] != "HEAD"
            or scope["path"].startswith(("/static/", streams.router.prefix))
        ):
            await self._app(scope, receive, send)
            return

        async def send_head(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_head)


class _PageFiles(StaticFiles):
    """The page's own files, which belong together: asked for again with every visit."""

    def file_response(self, *args: Any, **others: Any) -> Response:
        response = super().file_response(*args, **others)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _add_files(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return FileResponse(_STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/vendor/lightweight-charts.js", include_in_schema=False)
    async def charts() -> Response:
        path = chart_file()
        if path is None:
            raise ProblemError(
                404,
                "no-charts",
                "The charting library is not installed",
                f"run  pip install {CHART_PACKAGE}",
            )
        return FileResponse(path, media_type="text/javascript")

    app.mount("/static", _PageFiles(directory=_STATIC), name="static")


def chart_file() -> Path | None:
    """The charting library's file in the installed package, which is not imported for it."""
    spec = find_spec(CHART_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _CHART_FILE
    return path if path.is_file() else None


_TOKEN_WAYS: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "What the gateway was given."},
    "accessToken": {
        "type": "apiKey",
        "in": "query",
        "name": "access_token",
        "description": "The same, where headers cannot be set.",
    },
}


def _complete_document(app: FastAPI, *, needs_token: bool) -> None:
    """Add what no route says of itself: the schema of problems, how the token is sent, and the
    refusals that may come before or behind any route."""
    generate = app.openapi
    ways: list[dict[str, list[str]]] = [{name: []} for name in _TOKEN_WAYS]

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas.setdefault(ProblemDocument.__name__, ProblemDocument.model_json_schema())
        components["securitySchemes"] = _TOKEN_WAYS
        for item in document["paths"].values():
            for operation in item.values():
                answers = operation["responses"]
                for status, answer in problem_entries(403, 421, 500).items():
                    answers.setdefault(str(status), answer)
                if "401" in answers:
                    operation["security"] = ways if needs_token else [{}, *ways]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
