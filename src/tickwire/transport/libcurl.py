"""The two libcurl functions that curl_cffi does not declare, and the handle as an integer.

``curl_easy_recv`` and ``curl_easy_send`` move raw bytes over a connection that libcurl made.
curl_cffi's shared object exports them; nothing is linked here, their addresses are looked up in the
library that is loaded anyway.
"""

from __future__ import annotations

import ctypes
import re
import sys
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curl_cffi import _wrapper, ffi, lib

if TYPE_CHECKING:
    from curl_cffi import Curl

__all__ = ["MINIMUM_VERSION", "ByteFunctions", "byte_functions", "easy_address", "version_text"]

MINIMUM_VERSION = (8, 21, 0)
"""Older libcurl loses bytes that arrive together with the 101 (curl issue 22107)."""


@dataclass(frozen=True, slots=True)
class ByteFunctions:
    """Addresses of ``curl_easy_recv`` and ``curl_easy_send`` in this process."""

    recv: int
    send: int


def version_text() -> str:
    """libcurl's own version string, with the libraries it was built with."""
    text: bytes = ffi.string(lib.curl_version())
    return text.decode()


def _library() -> Any:
    """The shared object in which libcurl lives."""
    wrapper = Path(str(_wrapper.__file__))
    if sys.platform == "win32":
        folder = wrapper.parent.parent / "curl_cffi.libs"
        for candidate in sorted(folder.glob("*curl*.dll")):
            return ctypes.CDLL(str(candidate))
    return ctypes.CDLL(str(wrapper))


_found: ByteFunctions | None = None


def byte_functions() -> ByteFunctions:
    """Find the functions, once.

    Raises:
        ImportError: libcurl is too old, or does not export them. The text names the remedy.
    """
    global _found
    if _found is None:
        numbers = re.search(r"libcurl/(\d+)\.(\d+)\.(\d+)", version_text())
        version = tuple(int(number) for number in numbers.groups()) if numbers else (0, 0, 0)
        if version < MINIMUM_VERSION:
            raise ImportError(
                f"libcurl {'.'.join(map(str, version))} is too old: it loses bytes that arrive "
                "with the WebSocket handshake. Install curl_cffi 0.16.3 or later "
                f"(this is {version_of('curl_cffi')}): pip install -U curl_cffi"
            )
        library = _library()
        try:
            _found = ByteFunctions(
                *(
                    ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
                    for name in ("curl_easy_recv", "curl_easy_send")
                )
            )
        except AttributeError as error:
            raise ImportError(
                "this build of curl_cffi does not export curl_easy_recv and curl_easy_send; "
                "install the wheel from the Python package index: "
                "pip install --force-reinstall curl_cffi"
            ) from error
    return _found


def easy_address(curl: Curl) -> int:
    """The address of a handle's ``CURL`` object."""
    return int(ffi.cast("uintptr_t", curl._curl))
