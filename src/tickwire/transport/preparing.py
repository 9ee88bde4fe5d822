"""Handles for connects: set up by curl_cffi's request code, or copied from one that was.

That code costs about 45 µs of Python for each connect, and a program that opens many connections
opens most of them alike. So what a connect was asked for is remembered; when the same is asked for
again, a model is kept, and from then on a handle is a copy of it (``curl_easy_duphandle``) with a
key of its own, at a quarter of the cost.

Only what libcurl is known to copy is copied. A connect that sends cookies, imitates a browser or
sets options of its own is set up anew each time.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from curl_cffi import CurlOpt
from curl_cffi.requests.utils import set_curl_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from curl_cffi import Headers

    from .connector import Handle

__all__ = ["Prepared", "Preparer"]

_KEY = "Sec-WebSocket-Key"
_KEY_LINE = b"Sec-WebSocket-Key: "

_RAW_MODE = 1
"""``CURLWS_RAW_MODE``."""

_NOT_COPIED = (
    "impersonate",
    "ja3",
    "akamai",
    "perk",
    "extra_fp",
    "curl_options",
)
"""Where one of these is given, libcurl's copy may lack what was set."""


class Prepared(NamedTuple):
    """A handle that is ready to connect.

    Attributes:
        handle: Whoever asked for it owns it.
        url: Where it connects to, complete.
        answer: Takes the header blocks of the answer.
    """

    handle: Handle
    url: str
    answer: BytesIO


class _Model(NamedTuple):
    handle: Handle
    url: str


class Preparer:
    """Makes the handles of one session."""

    def __init__(self) -> None:
        self._asked: tuple[Any, ...] | None = None
        self._model: _Model | None = None

    def prepare(
        self,
        new_handle: Callable[[], Handle],
        url: str,
        network: dict[str, Any],
        headers: Headers,
        key: str,
    ) -> Prepared:
        """A handle for one connect.

        Args:
            new_handle: Makes an empty one.
            url: As the caller gave it.
            network: Arguments of curl_cffi's ``set_curl_options``.
            headers: All but the key; completed here.
            key: The ``Sec-WebSocket-Key`` of this connect.

        Raises:
            CurlError, ValueError, TypeError: What curl_cffi and libcurl say of an argument.
        """
        asked = _asked(url, network, headers)
        if asked is not None and asked == self._asked and self._model is not None:
            return _copied(self._model, key)
        headers[_KEY] = key
        handle = new_handle()
        try:
            request, _, answer, *_ = set_curl_options(
                handle, "GET", url, headers_list=[headers, None], **network
            )
            handle.setopt(CurlOpt.CONNECT_ONLY, 2)  # up to and including the upgrade
            # A WebSocket never shares a connection: spare libcurl the search through all of them.
            handle.setopt(CurlOpt.FRESH_CONNECT, 1)
            # The bytes are ours from the 101 on, and so is the answer about extensions: without
            # it libcurl 8.23 refuses the permessage-deflate that it has not offered itself.
            handle.setopt(CurlOpt.WS_OPTIONS, _RAW_MODE)
            handle.setopt(CurlOpt.TCP_NODELAY, 1)
            # Without it libcurl saves and restores the SIGPIPE handler around every send.
            handle.setopt(CurlOpt.NOSIGNAL, 1)
        except BaseException:
            handle.close()
            raise
        if asked is not None:
            again = asked == self._asked
            self.close()
            self._asked = asked
            if again and not handle.is_debugged:
                # The second of its kind: there will be more.
                handle._ensure_cacert()
                model = handle.copy()
                # Of its own: those of the first are freed with it.
                model.setopt(CurlOpt.HTTPHEADER, handle.header_lines)
                self._model = _Model(model, request.url)
        return Prepared(handle, request.url, answer)

    def close(self) -> None:
        """Free the model. Idempotent."""
        if self._model is not None:
            self._model.handle.close()
        self._model = self._asked = None


def _asked(url: str, network: dict[str, Any], headers: Headers) -> tuple[Any, ...] | None:
    """What tells this connect from others, to compare; ``None`` for one that is not copied."""
    kept, given = network["cookies_list"]
    if given or len(kept) or any(network["params_list"]):
        return None
    for name in _NOT_COPIED:
        if network.get(name):
            return None
    rest = [
        # What a program may change in place is compared by what it holds now.
        [each and tuple(each.items()) for each in value] if name == "proxies_list" else value
        for name, value in network.items()
        if name not in ("cookies_list", "params_list")
    ]
    return url, headers.multi_items(), rest


def _copied(model: _Model, key: str) -> Prepared:
    handle = model.handle.copy()
    handle.setopt(
        CurlOpt.HTTPHEADER,
        [
            _KEY_LINE + key.encode() if line.startswith(_KEY_LINE) else line
            for line in model.handle.header_lines
        ],
    )
    answer = BytesIO()
    handle.setopt(CurlOpt.HEADERDATA, answer)
    handle.setopt(CurlOpt.WRITEDATA, BytesIO())
    return Prepared(handle, model.url, answer)
