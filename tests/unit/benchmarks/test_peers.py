"""How peers are set up, where that can be told without a connection."""

from __future__ import annotations

import inspect

import pytest
from benchmarks.catalogue import SIZES
from benchmarks.contract import Site


@pytest.mark.parametrize("size", SIZES.values())
def test_curl_cffi_gets_no_smaller_queue_than_its_own(size: int) -> None:
    curl_cffi = pytest.importorskip("curl_cffi")
    peer = pytest.importorskip("benchmarks.peers.curl_cffi", exc_type=ImportError)
    signature = inspect.signature(curl_cffi.AsyncSession.ws_connect)
    default = signature.parameters["recv_queue_size"].default
    assert peer._receiving(Site("ws://x/", size))["recv_queue_size"] >= default
