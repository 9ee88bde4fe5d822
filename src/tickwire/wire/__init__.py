"""RFC 6455 with no I/O: frames, messages, the handshake's rules, close codes."""

from .core import COMPILED, PURE_FORCED, MaskKeys, MessageParser, encode_frame, is_utf8
from .deflate import Deflate, DeflateParameters, Deflater, Inflater
from .handshake import (
    HandshakeResponse,
    HandshakeViolation,
    accept_key,
    check_extensions,
    check_response,
    new_key,
    parse_response,
)
from .opcodes import MAX_CONTROL_PAYLOAD, CloseCode, Opcode, close_payload, is_wire_close_code

__all__ = [
    "COMPILED",
    "MAX_CONTROL_PAYLOAD",
    "PURE_FORCED",
    "CloseCode",
    "Deflate",
    "DeflateParameters",
    "Deflater",
    "HandshakeResponse",
    "HandshakeViolation",
    "Inflater",
    "MaskKeys",
    "MessageParser",
    "Opcode",
    "accept_key",
    "check_extensions",
    "check_response",
    "close_payload",
    "encode_frame",
    "is_utf8",
    "is_wire_close_code",
    "new_key",
    "parse_response",
]
