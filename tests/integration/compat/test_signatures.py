"""Names, parameters and defaults: tickwire takes whatever a program gives curl_cffi."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import curl_cffi
import pytest
from curl_cffi.requests import websockets

import tickwire
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

INTENDED: dict[tuple[str, str], str] = {
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
    ("WebSocket", "curl"): "the handle belongs to the engine's thread",
    ("AsyncWebSocket.send", "flags"): "by the payload's type, not always binary",
    ("WebSocket.send", "flags"): "by the payload's type, not always binary",
    ("AsyncWebSocket.recv_json", "loads"): "the same values, faster",
    ("WebSocket.recv_json", "loads"): "the same values, faster",
    ("AsyncWebSocket.send_json", "dumps"): "the same values, faster",
    ("WebSocket.send_json", "dumps"): "the same values, faster",
    ("AsyncWebSocket.ping", "payload"): "may be left out",
    ("WebSocket.ping", "payload"): "may be left out",
    **{
        ("WebSocket.connect", name): "by keyword, with the session's own as default"
        for name in list(inspect.signature(curl_cffi.WebSocket.connect).parameters)[7:]
    },
}
"""What differs on purpose: (callable, parameter) and why."""

_OPTIONS = {field.name: field.default for field in fields(WebSocketOptions)}


def parameters_of(function: Any) -> dict[str, Any]:
    """Names and defaults of what a caller may give, in order."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
        and parameter.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    }


def deviations(name: str, before: Any, after: Any) -> list[str]:
    """Parameters that are gone, stand elsewhere or have another default."""
    theirs, ours = parameters_of(before), parameters_of(after)
    takes_more = any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD
        for parameter in inspect.signature(after).parameters.values()
    )
    if takes_more:
        ours |= {key: value for key, value in _OPTIONS.items() if key not in ours}
    places = list(ours)
    by_place = [
        name
        for name, parameter in inspect.signature(before).parameters.items()
        if name != "self" and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    return [
        key
        for key, default in theirs.items()
        if key not in ours
        or ours[key] != default
        or (key in by_place and places[by_place.index(key)] != key)
    ]


@pytest.mark.parametrize("name", CALLABLES)
def test_parameters_and_defaults(name: str) -> None:
    before, after = CALLABLES[name]
    found = set(deviations(name, before, after))
    intended = {parameter for callable_, parameter in INTENDED if callable_ == name}
    assert found == intended, f"{name}: not intended {found - intended}, gone {intended - found}"


def test_what_connect_takes_by_keyword_is_what_the_session_takes() -> None:
    taken = parameters_of(tickwire.AsyncSession.ws_connect)
    assert set(parameters_of(curl_cffi.WebSocket.connect)) <= set(taken)


def test_every_intended_difference_is_of_a_callable_that_is_compared() -> None:
    assert {name for name, _ in INTENDED} <= set(CALLABLES)


def test_attributes_of_the_synchronous_websocket() -> None:
    ours, theirs = tickwire.WebSocket(), curl_cffi.WebSocket()
    missing = [name for name in dir(theirs) if name[0] != "_" and not hasattr(ours, name)]
    assert missing == ["curl"], "that handle belongs to the engine's thread"


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
