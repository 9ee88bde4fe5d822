"""Policies by name."""

from __future__ import annotations

from typing import Any

import pytest

from tickwire.transport import WebSocketOptions, conflate
from tickwire.transport.overflow import Conflate, OverflowCode, overflow_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("block", OverflowCode.BLOCK),
        ("fail", OverflowCode.FAIL),
        ("drop_oldest", OverflowCode.DROP_OLDEST),
        ("drop_newest", OverflowCode.DROP_NEWEST),
    ],
)
def test_names(name: str, code: OverflowCode) -> None:
    assert overflow_code(name) == (code, None)


def test_conflate_carries_its_key() -> None:
    assert conflate(len) == Conflate(len)
    assert overflow_code(conflate(len)) == (OverflowCode.CONFLATE, len)


@pytest.mark.parametrize("wrong", ["", "BLOCK", "conflate", "drop", 0, None, len])
def test_what_is_no_policy(wrong: Any) -> None:
    with pytest.raises(ValueError, match="overflow is one of"):
        overflow_code(wrong)
    with pytest.raises(ValueError, match="overflow is one of"):
        WebSocketOptions(overflow=wrong)


def test_curl_cffis_name_for_fail() -> None:
    assert WebSocketOptions(block_on_recv_queue_full=False).overflow_code == (
        OverflowCode.FAIL,
        None,
    )
    assert WebSocketOptions().overflow_code == (OverflowCode.BLOCK, None)


def test_the_compiled_numbers_are_these() -> None:
    """_inbox.pyx writes the numbers down a second time."""
    assert [code.value for code in OverflowCode] == [0, 1, 2, 3, 4]
