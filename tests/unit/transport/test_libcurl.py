"""The door to libcurl: what is looked up there, and what is refused."""

from __future__ import annotations

import ctypes
import re

import pytest
from curl_cffi import Curl

from tickwire.transport import libcurl


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As at the first call in a process."""
    monkeypatch.setattr(libcurl, "_found", None)
    return monkeypatch


def test_both_functions_have_addresses(fresh: pytest.MonkeyPatch) -> None:
    found = libcurl.byte_functions()
    assert found.recv > 4096
    assert found.send > 4096
    assert found.recv != found.send
    assert libcurl.byte_functions() is found


def test_the_addresses_are_of_the_libcurl_that_made_the_handle(fresh: pytest.MonkeyPatch) -> None:
    """A handle that was never connected: libcurl answers, and says so."""
    signature = ctypes.CFUNCTYPE(
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_size_t),
    )
    functions = libcurl.byte_functions()
    curl = Curl()
    moved = ctypes.c_size_t(7)
    buffer = ctypes.create_string_buffer(10)
    arguments = (libcurl.easy_address(curl), buffer, 10, ctypes.byref(moved))
    try:
        assert signature(functions.recv)(*arguments) == 1  # CURLE_UNSUPPORTED_PROTOCOL
        assert signature(functions.send)(*arguments) == 1
    finally:
        curl.close()


@pytest.mark.parametrize(
    "text",
    [
        "libcurl/8.20.9 BoringSSL",
        "libcurl/8.9.0",
        "libcurl/7.88.1 OpenSSL/3.0.11",
        "something else",
        "",
    ],
)
def test_an_old_libcurl_is_refused_with_the_remedy(fresh: pytest.MonkeyPatch, text: str) -> None:
    fresh.setattr(libcurl, "version_text", lambda: text)
    with pytest.raises(ImportError, match="pip install -U curl_cffi"):
        libcurl.byte_functions()


@pytest.mark.parametrize("text", ["libcurl/8.21.0-IMPERSONATE", "libcurl/8.100.0", "libcurl/9.0.0"])
def test_a_new_enough_libcurl_is_taken(fresh: pytest.MonkeyPatch, text: str) -> None:
    fresh.setattr(libcurl, "version_text", lambda: text)
    assert libcurl.byte_functions().recv


def test_a_library_without_the_functions_is_refused(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(libcurl, "_library", object)
    with pytest.raises(ImportError, match="curl_easy_recv"):
        libcurl.byte_functions()


def test_the_version_is_that_of_libcurl() -> None:
    assert re.match(r"libcurl/\d+\.\d+\.\d+", libcurl.version_text())
