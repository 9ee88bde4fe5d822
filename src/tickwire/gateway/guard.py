"""Who may call: host names, origins and the token, checked before anything else is done.

Three ways in which a stranger's web page could use a browser on this machine are closed here. A
page cannot give the gateway a name of its own (DNS rebinding): on loopback only loopback's names
are answered. It cannot send requests whose answers it never sees: a foreign ``Origin`` is refused
even where no preflight is made. And what can be reached from outside wants a token.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tickwire.gateway.config import is_loopback
from tickwire.gateway.problems import ProblemError, problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tickwire.gateway.config import GatewayConfig

__all__ = ["Guard"]

_OPEN_PATHS = frozenset({"/", "/healthz", "/readyz"})
_OPEN_PREFIXES = ("/static/", "/vendor/")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class Guard:
    """ASGI middleware.

    Args:
        app: What is guarded.
        config: Whose ``token``, ``origins`` and ``hosts`` hold.
    """

    def __init__(self, app: ASGIApp, config: GatewayConfig) -> None:
        self._app = app
        self._token = None if config.token is None else config.token.encode()
        self._origins = frozenset(config.origins)
        # Where anybody can send any name, the token decides.
        self._hosts: frozenset[str] | None = None
        if is_loopback(config.host):
            self._hosts = frozenset((*_LOOPBACK_NAMES, *map(_plain, (config.host, *config.hosts))))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(problem, scope["path"])(scope, receive, send)

    def _problem(self, scope: Scope) -> ProblemError | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and _name(host) not in self._hosts:
            return ProblemError(
                421,
                "wrong-host",
                "This gateway has another name",
                "call it by 127.0.0.1 or localhost, or start it with --allow-host NAME",
            )
        origin = headers.get(b"origin")
        if origin is not None and not self._is_friend(origin.decode("latin-1"), host):
            return ProblemError(
                403,
                "foreign-origin",
                "Pages of this origin may not call",
                "start the gateway with --cors-origin ORIGIN to let them",
            )
        if self._token is None or self._is_open(scope):
            return None
        if not _has_token(self._token, headers, scope):
            return ProblemError(
                401,
                "token-needed",
                "The token is missing or wrong",
                "send it as `Authorization: Bearer TOKEN`, or as ?access_token=TOKEN where "
                "headers cannot be set",
                headers={"WWW-Authenticate": 'Bearer realm="tickwire"'},
            )
        return None

    def _is_friend(self, origin: str, host: str) -> bool:
        if origin in self._origins:
            return True
        try:
            return bool(host) and urlsplit(origin).netloc == host
        except ValueError:
            # Not an address at all, http://[x: no browser's, so nobody's page.
            return False

    def _is_open(self, scope: Scope) -> bool:
        """Whether it is for everybody: pages without data, and whether the process is well."""
        path: str = scope["path"]
        is_preflight = scope["method"] == "OPTIONS"
        return is_preflight or path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES)


def _plain(name: str) -> str:
    return name.strip("[]").lower()


def _name(host: str) -> str:
    """A ``Host`` header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _has_token(token: bytes, headers: dict[bytes, bytes], scope: Scope) -> bool:
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = query.get("access_token", [""])[0].encode()
    # In a time that does not tell how much of it was right.
    return hmac.compare_digest(given.strip(), token)
