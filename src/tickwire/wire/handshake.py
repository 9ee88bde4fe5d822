"""The opening handshake's rules (RFC 6455 section 4): the key, and what a valid answer is.

libcurl sends the request and reads the answer's header block, but checks neither the accept key nor
the sub-protocol nor the extensions. That is done here, on the header block as bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .deflate import ExtensionViolation, negotiated

if TYPE_CHECKING:
    from .deflate import Deflate, DeflateParameters

__all__ = [
    "HandshakeResponse",
    "HandshakeViolation",
    "accept_key",
    "check_extensions",
    "check_response",
    "new_key",
    "parse_response",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class HandshakeViolation(ValueError):
    """The server's answer breaks RFC 6455 section 4.2.2. Its fault; do not retry."""


@dataclass(frozen=True, slots=True)
class HandshakeResponse:
    """The answer to an upgrade request.

    Attributes:
        status: HTTP status code; 101 is an upgrade.
        reason: The reason phrase, possibly empty.
        headers: (lower-case name, value) in the order received; names may repeat.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def get_all(self, name: str) -> list[str]:
        """Every value of a header, by lower-case name."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str | None:
        """The first value of a header, by lower-case name."""
        return next(iter(self.get_all(name)), None)

    def tokens(self, name: str) -> list[str]:
        """The comma-separated elements of all values of a header, stripped."""
        return [
            part.strip()
            for value in self.get_all(name)
            for part in value.split(",")
            if part.strip()
        ]


def new_key() -> str:
    """A fresh ``Sec-WebSocket-Key``: 16 random bytes in base64 (section 4.1, item 7)."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` value that answers ``key`` (section 4.2.2, item 5.4)."""
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + _GUID).digest()).decode("ascii")


def parse_response(block: bytes) -> HandshakeResponse:
    """Parse what libcurl's header callback collected.

    Args:
        block: One or more header blocks, each ending in an empty line. A proxy's answer to CONNECT
            and interim 1xx answers come first; the last block counts.

    Raises:
        HandshakeViolation: There is no status line to be found.
    """
    blocks = [part for part in block.replace(b"\r\n", b"\n").split(b"\n\n") if part.strip()]
    if not blocks:
        raise HandshakeViolation("the server answered with no HTTP header")
    lines = blocks[-1].decode("latin-1").split("\n")
    version, _, rest = lines[0].partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/") or not (status.isascii() and status.isdigit()):
        raise HandshakeViolation(
            f"the server's first line is not an HTTP status: {lines[0][:80]!r}"
        )
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:  # obsolete line folding, RFC 9112 section 5.2
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    return HandshakeResponse(int(status), reason.strip(), tuple(headers))


def check_response(
    response: HandshakeResponse, key: str, offered_subprotocols: tuple[str, ...] = ()
) -> str | None:
    """Check a 101 answer against the key and the sub-protocols that were sent.

    Args:
        response: A parsed answer with status 101.
        key: The ``Sec-WebSocket-Key`` that the request carried.
        offered_subprotocols: What ``Sec-WebSocket-Protocol`` offered, in order of preference.

    Returns:
        The sub-protocol that the server chose, or ``None``.

    Raises:
        HandshakeViolation: A rule of section 4.1 ("the client MUST fail the connection") is broken.
            Extensions are another matter: see :func:`check_extensions`.
    """
    if [token.lower() for token in response.tokens("upgrade")] != ["websocket"]:
        raise HandshakeViolation("the answer's Upgrade header is not 'websocket'")
    if "upgrade" not in [token.lower() for token in response.tokens("connection")]:
        raise HandshakeViolation("the answer's Connection header lacks 'Upgrade'")
    if response.get_all("sec-websocket-accept") != [accept_key(key)]:
        raise HandshakeViolation(
            "Sec-WebSocket-Accept does not answer the key that was sent: "
            "this is not a WebSocket server, or something between rewrote the handshake"
        )
    chosen = response.get_all("sec-websocket-protocol")
    if len(chosen) > 1:
        raise HandshakeViolation("the server chose more than one sub-protocol")
    if chosen and chosen[0] not in offered_subprotocols:
        raise HandshakeViolation(f"the server chose sub-protocol {chosen[0]!r}, not offered")
    return chosen[0] if chosen else None


def check_extensions(
    response: HandshakeResponse, deflate: Deflate | None
) -> DeflateParameters | None:
    """What of the offered extensions holds.

    Args:
        response: A parsed answer with status 101.
        deflate: The permessage-deflate offer, if one was made.

    Raises:
        HandshakeViolation: The server switched on what was not offered (section 4.1, item 6).
    """
    extensions = response.tokens("sec-websocket-extensions")
    if deflate is None:
        if extensions:
            raise HandshakeViolation(f"the server switched on extensions not offered: {extensions}")
        return None
    try:
        return negotiated(extensions, deflate)
    except ExtensionViolation as error:
        raise HandshakeViolation(str(error)) from error
