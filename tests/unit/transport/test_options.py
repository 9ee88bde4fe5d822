"""The options refuse what cannot work, when they are given and not when they bite."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import pytest

from tickwire.transport import WebSocketOptions
from tickwire.wire import Deflate


@pytest.mark.parametrize(
    "name",
    [
        "recv_queue_size",
        "recv_queue_bytes",
        "send_queue_size",
        "max_send_batch_size",
        "max_message_size",
        "max_frame_payload",
    ],
)
def test_sizes_begin_at_one(name: str) -> None:
    options: dict[str, Any] = {name: 1}
    assert getattr(WebSocketOptions(**options), name) == 1
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=name):
            WebSocketOptions(**dict[str, Any]({name: wrong}))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("read_ahead", -1),
        ("recv_time_slice", 0.0),
        ("recv_time_slice", -0.1),
        ("send_time_slice", 0.0),
        ("recv_time_slice", math.nan),
        ("send_time_slice", math.nan),
        ("ping_interval", math.nan),
        ("ping_timeout", math.nan),
        ("ping_interval", 0),
        ("ping_interval", -5),
        ("ping_timeout", 0),
    ],
)
def test_times_and_amounts_out_of_range(name: str, wrong: float) -> None:
    options: dict[str, Any] = {name: wrong}
    with pytest.raises(ValueError, match=name):
        WebSocketOptions(**options)


def test_no_ping_and_no_read_ahead_are_fine() -> None:
    options = WebSocketOptions(ping_interval=None, read_ahead=0)
    assert (options.ping_interval, options.read_ahead) == (None, 0)


async def handler(payload: bytes, flags: int) -> None:
    """A coroutine function, which on_message must not be."""


class Handler:
    async def method(self, payload: bytes, flags: int) -> None:
        """Another."""


@pytest.mark.parametrize(
    "wrong",
    [handler, Handler().method, functools.partial(handler, b"")],
    ids=["function", "method", "partial"],
)
def test_on_message_is_no_coroutine_function(wrong: Any) -> None:
    with pytest.raises(ValueError, match="on_message must be a plain function"):
        WebSocketOptions(on_message=wrong)


@pytest.mark.parametrize("wrong", ["gzip", "", True, 1, object()])
def test_unknown_compression(wrong: Any) -> None:
    with pytest.raises(ValueError, match="compression"):
        WebSocketOptions(compression=wrong)


def test_compression_by_name_and_by_object() -> None:
    wanted = Deflate(level=9)
    assert WebSocketOptions(compression="deflate").deflate == Deflate()
    assert WebSocketOptions(compression=wanted).deflate is wanted
    assert WebSocketOptions().deflate is None


def test_they_are_frozen_and_refuse_unknown_names() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        WebSocketOptions().recv_queue_size = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        WebSocketOptions(recv_que_size=1)  # type: ignore[call-arg]


def test_numbers_stay_finite() -> None:
    for name in ("recv_time_slice", "send_time_slice", "ping_timeout"):
        assert math.isfinite(getattr(WebSocketOptions(), name))
