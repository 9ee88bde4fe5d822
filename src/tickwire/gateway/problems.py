"""Errors as problem documents (RFC 9457) that say what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from tickwire.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

__all__ = ["MEDIA_TYPE", "ProblemError", "add_handlers", "problem_body", "problem_response"]

MEDIA_TYPE = "application/problem+json"

_ADVICE = {
    400: "the body cannot be read: send JSON as /openapi.json shows it",
    404: "there is nothing at this address: see /openapi.json for what there is",
    405: "this address does not take this method: see /openapi.json",
    413: "the body is longer than 1 MiB: send fewer symbols at a time",
}

# RFC 9110's name, which Python has from 3.13 on: a problem's type is the same on all of them.
_TITLES = {413: "Content Too Large"}


class ProblemError(Exception):
    """Ends a request.

    Args:
        status: HTTP status.
        kind: Last part of the problem's type.
        title: The same for every problem of the kind.
        detail: What happened and what to do.
        headers: Of the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


def problem_body(problem: ProblemError, instance: str) -> bytes:
    """The document. ``type`` is a URN, since there is no page behind it: RFC 9457 section 3.1.1."""
    return orjson.dumps(
        {
            "type": f"urn:tickwire:problem:{problem.kind}",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            "instance": instance,
            **problem.members,
        }
    )


def problem_response(problem: ProblemError, instance: str) -> Response:
    """The answer."""
    return Response(
        problem_body(problem, instance),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store"} | problem.headers,
    )


def add_handlers(app: FastAPI) -> None:
    """Have all errors of ``app`` told this way."""

    @app.exception_handler(ProblemError)
    async def on_problem(request: Request, error: ProblemError) -> Response:
        return problem_response(error, request.url.path)

    @app.exception_handler(ConfigurationError)
    async def on_configuration(request: Request, error: ConfigurationError) -> Response:
        problem = ProblemError(422, "not-available", "This cannot be had as asked", str(error))
        return problem_response(problem, request.url.path)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        faults = [
            {"where": ".".join(map(str, fault["loc"])), "what": fault["msg"]}
            for fault in error.errors()
        ]
        told = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
        problem = ProblemError(
            422, "invalid-request", "The request is not valid", told, errors=faults
        )
        return problem_response(problem, request.url.path)

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        # The server logs the traceback, which is no business of the caller's.
        problem = ProblemError(
            500,
            "internal-server-error",
            "A fault of the gateway",
            "nothing is wrong with the request: try again, and report it with the log",
        )
        return problem_response(problem, request.url.path)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        title = _TITLES.get(error.status_code) or HTTPStatus(error.status_code).phrase
        detail = _ADVICE.get(error.status_code, str(error.detail))
        kind = title.lower().replace(" ", "-")
        problem = ProblemError(error.status_code, kind, title, detail, headers=error.headers)
        return problem_response(problem, request.url.path)
