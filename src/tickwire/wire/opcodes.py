"""RFC 6455 numbers and their rules: opcodes (section 5.2), close codes (section 7.4)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["MAX_CONTROL_PAYLOAD", "CloseCode", "Opcode", "close_payload", "is_wire_close_code"]

MAX_CONTROL_PAYLOAD = 125
"""Bytes; the payload limit of ping, pong and close frames (RFC 6455 section 5.5)."""


class Opcode(IntEnum):
    """The low four bits of a frame's first byte."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """Close codes under their registry names (IANA "WebSocket Close Code Number Registry")."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


_NEVER_ON_THE_WIRE = frozenset(
    {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}
)


def is_wire_close_code(code: int) -> bool:
    """Whether ``code`` may stand in a close frame.

    RFC 6455 section 7.4.2: 1000-2999 are the protocol's own, of which 1004 is reserved and 1005,
    1006 and 1015 are only ever reported locally; 3000-3999 are registered, 4000-4999 private.
    """
    if 3000 <= code <= 4999:
        return True
    return 1000 <= code <= 1014 and code != 1004 and code not in _NEVER_ON_THE_WIRE


def close_payload(code: int, reason: str | bytes = b"") -> bytes:
    """The payload of a close frame: the code in network order, then the reason in UTF-8.

    Args:
        code: A code that may be sent.
        reason: At most 123 bytes of UTF-8 are kept, cut at a character's end.

    Raises:
        ValueError: ``code`` may not stand in a close frame, or ``reason`` is not UTF-8
            (caller's fault; do not retry).
    """
    if not is_wire_close_code(code):
        raise ValueError(
            f"close code {code} may not be sent: use 1000-1003, 1007-1014 or 3000-4999"
        )
    text = reason.encode() if isinstance(reason, str) else bytes(reason)
    text.decode()  # a reason that is not UTF-8 is the caller's mistake, found before it is sent
    if len(text) > MAX_CONTROL_PAYLOAD - 2:
        text = text[: MAX_CONTROL_PAYLOAD - 2].decode(errors="ignore").encode()
    return code.to_bytes(2, "big") + text
