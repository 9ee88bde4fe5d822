"""Names, parameters and defaults: tickwire takes whatever a program gives curl_cffi."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import curl_cffi
import pytest
from curl_cffi.requests import websockets

import tickwire
from tests.integration.compat.sides import CURL_CFFI, NOT_CARRIED_OVER
from tickwire.transport import WebSocketOptions

CALLABLES: dict[str, tuple[Any, Any]] = {
    "AsyncSession.ws_connect": (
        curl_cffi.AsyncSession.ws_connect,
        tickwire.AsyncSession.ws_connect,
    ),
    "Session.ws_connect": (curl_cffi.Session.ws_connect, tickwire.Session.ws_connect),
    "WebSocket": (curl_cffi.WebSocket, tickwire.WebSocket),
    "WebSocketRetryStrategy": (
        curl_cffi.WebSocketRetryStrategy,
        tickwire.WebSocketRetryStrategy,
    ),
    **{
        f"{old.__name__}.{name}": (getattr(old, name), getattr(new, name))
        for old, new in (
            (websockets.AsyncWebSocket, tickwire.AsyncWebSocket),
            (websockets.WebSocket, tickwire.WebSocket),
        )
        for name in vars(old)
        if not name.startswith("_") and callable(getattr(old, name)) and hasattr(new, name)
    },
    **{
        kind: (getattr(curl_cffi, kind), getattr(tickwire, kind))
        for kind in ("WebSocketError", "WebSocketClosed", "WebSocketTimeout")
    },
}

PASSED_ON: dict[str, Any] = {
    "Session.ws_connect": tickwire.AsyncSession.ws_connect,
    "WebSocket.connect": tickwire.AsyncSession.ws_connect,
}
"""Where a callable's keyword arguments end up."""

_IS_017 = CURL_CFFI >= (0, 17)
_CONNECT = inspect.signature(curl_cffi.WebSocket.connect).parameters

PLACES: dict[tuple[str, str], str] = {
    ("AsyncSession.ws_connect", "recv_queue_size"): "by keyword only",
    ("AsyncSession.ws_connect", "send_queue_size"): "by keyword only",
    ("AsyncSession.ws_connect", "max_send_batch_size"): "by keyword only",
    ("AsyncSession.ws_connect", "coalesce_frames"): "by keyword only",
    ("AsyncSession.ws_connect", "ws_retry"): "by keyword only",
    ("AsyncSession.ws_connect", "recv_time_slice"): "by keyword only",
    ("AsyncSession.ws_connect", "send_time_slice"): "by keyword only",
    ("AsyncSession.ws_connect", "max_message_size"): "by keyword only",
    ("AsyncSession.ws_connect", "drain_on_error"): "by keyword only",
    ("AsyncSession.ws_connect", "block_on_recv_queue_full"): "by keyword only",
    ("AsyncSession.ws_connect", "curl_options"): "stands before the queue sizes",
    **{
        ("AsyncSession.ws_connect", name): "dns stands before it, as in curl_cffi 0.17"
        for name in ("doh_url", "cert", "max_recv_speed")
        if not _IS_017
    },
    ("WebSocket", "curl"): "the handle belongs to the engine's thread",
    **{
        ("WebSocket.connect", name): "by keyword only"
        for name, parameter in list(_CONNECT.items())[7:]
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    },
    **{
        ("WebSocket.connect", name): "the session gives them: tickwire.WebSocket(session=…)"
        for name in ("base_url", "base_params", "base_proxies", "base_verify")
        if name in _CONNECT
    },
}
"""What stands elsewhere or is not there, on purpose: (callable, parameter) and why."""

DEFAULTS: dict[tuple[str, str], str] = {
    **(
        {
            ("AsyncSession.ws_connect", "recv_queue_size"): "128, as it was in curl_cffi 0.16",
            ("AsyncSession.ws_connect", "send_queue_size"): "128, as it was in curl_cffi 0.16",
            ("AsyncSession.ws_connect", "send_time_slice"): "5 ms, as it was in curl_cffi 0.16",
        }
        if _IS_017
        else {}
    ),
    ("WebSocket.connect", "allow_redirects"): "the session's",
    ("WebSocket.connect", "max_redirects"): "the session's",
    ("WebSocket.connect", "default_headers"): "the session's",
    ("AsyncWebSocket.send", "flags"): "by the payload's type, not always binary",
    ("WebSocket.send", "flags"): "by the payload's type, not always binary",
    ("AsyncWebSocket.recv_json", "loads"): "the same values, faster",
    ("WebSocket.recv_json", "loads"): "the same values, faster",
    ("AsyncWebSocket.send_json", "dumps"): "the same values, faster",
    ("WebSocket.send_json", "dumps"): "the same values, faster",
    ("AsyncWebSocket.ping", "payload"): "four random bytes tell pings apart",
    ("WebSocket.ping", "payload"): "four random bytes tell pings apart",
}
"""Defaults that differ on purpose: (callable, parameter) and why."""

_OPTIONS = {field.name: field.default for field in fields(WebSocketOptions)}


def parameters_of(function: Any) -> dict[str, Any]:
    """Names and defaults of what a caller may give, in order."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
        and parameter.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    }


def taken_by(name: str, function: Any) -> dict[str, Any]:
    """The same, with what its keyword arguments may hold at the end."""
    found = parameters_of(function)
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_KEYWORD in kinds:
        further = {**parameters_of(PASSED_ON.get(name, function)), **_OPTIONS}
        found |= {key: value for key, value in further.items() if key not in found}
    return found


def by_place(function: Any) -> list[str]:
    """Those that need not be given by name, in order."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]


@pytest.mark.parametrize("name", CALLABLES)
def test_parameters(name: str) -> None:
    """None is gone or stands elsewhere."""
    before, after = CALLABLES[name]
    places = by_place(after)
    found = parameters_of(before).keys() - taken_by(name, after).keys()
    found |= {key for at, key in enumerate(by_place(before)) if places[at : at + 1] != [key]}
    intended = {parameter for callable_, parameter in PLACES if callable_ == name}
    assert found == intended, f"{name}: not intended {found - intended}, gone {intended - found}"


@pytest.mark.parametrize("name", CALLABLES)
def test_defaults(name: str) -> None:
    before, after = CALLABLES[name]
    ours = taken_by(name, after)
    theirs = parameters_of(before)
    found = {key for key, default in theirs.items() if key in ours and ours[key] != default}
    intended = {parameter for callable_, parameter in DEFAULTS if callable_ == name}
    assert found == intended, f"{name}: not intended {found - intended}, gone {intended - found}"


def test_what_the_session_takes_by_keyword_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """``PASSED_ON`` is true of ``Session.ws_connect``, whatever it is given."""
    arrived: dict[str, Any] = {}

    async def connect(session: Any, url: str, **options: Any) -> None:
        arrived.update(options, url=url)
        raise tickwire.WebSocketError("far enough")

    monkeypatch.setattr(tickwire.AsyncSession, "ws_connect", connect)
    callbacks = {"on_message", "on_error", "on_open", "on_close", "on_data"}
    names = {*parameters_of(curl_cffi.Session.ws_connect), *parameters_of(connect)}
    names -= {*callbacks, "session"}
    given = {name: f"the {name}" for name in names} | {"url": "ws://127.0.0.1:9/"}
    with tickwire.Session() as session, pytest.raises(tickwire.WebSocketError, match="far enough"):
        session.ws_connect(**given)
    assert {name: arrived[name] for name in given} == given


def test_every_intended_difference_is_of_a_callable_that_is_compared() -> None:
    assert {name for name, _ in (*PLACES, *DEFAULTS)} <= set(CALLABLES)


@pytest.mark.parametrize("name", NOT_CARRIED_OVER)
def test_attributes(name: str) -> None:
    """Those that instances have without being connected; the others are compared in use."""
    theirs, ours = getattr(websockets, name), getattr(tickwire, name)
    made = ours() if name == "WebSocket" else ours
    missing = {each for each in dir(theirs) if each[0] != "_" and not hasattr(made, each)}
    if name == "AsyncWebSocket":
        # Attributes of the instance, in the twin at least; test_page.py reads them from one.
        missing -= {"session", "loop", "close_code", "close_reason"}
    intended = {each for each in NOT_CARRIED_OVER[name] if hasattr(theirs, each)}
    assert missing == intended


NAMES = (
    "AsyncSession",
    "AsyncWebSocket",
    "BrowserType",
    "Cookies",
    "CurlECode",
    "CurlError",
    "CurlFollow",
    "CurlHttpVersion",
    "CurlInfo",
    "CurlOpt",
    "CurlWsFlag",
    "ExtraFingerprints",
    "Fingerprint",
    "Headers",
    "Response",
    "Session",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketError",
    "WebSocketRetryStrategy",
    "WebSocketTimeout",
    "WsCloseCode",
    "exceptions",
)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_websocket_program_imports(name: str) -> None:
    assert name in curl_cffi.__all__
    assert name in tickwire.__all__
    ours, theirs = getattr(tickwire, name), getattr(curl_cffi, name)
    if isinstance(theirs, type) and issubclass(theirs, Exception):
        assert issubclass(ours, theirs), "what caught it goes on to catch it"
    elif not name.endswith(("Session", "WebSocket")):
        assert ours is theirs


def test_errors_can_be_raised_as_curl_cffis() -> None:
    """Fakes in a program's own tests raise them with a text, or a text and a code."""
    for kind in (tickwire.WebSocketError, tickwire.WebSocketClosed, tickwire.WebSocketTimeout):
        assert kind("gone").code == 0
        assert kind("gone", 1000).code == 1000
        assert str(kind("gone")) == "gone"
