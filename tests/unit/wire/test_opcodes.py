"""Close codes and close payloads (RFC 6455 sections 5.5.1, 7.4 and the IANA registry)."""

from __future__ import annotations

import pytest

from tickwire.wire import CloseCode, Opcode, close_payload, is_wire_close_code

SENDABLE = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}


def test_which_codes_may_be_sent() -> None:
    assert {code for code in range(-10, 70000) if is_wire_close_code(code)} == SENDABLE


def test_names_are_those_of_the_registry() -> None:
    assert {code.name: int(code) for code in CloseCode} == {
        "NORMAL_CLOSURE": 1000,
        "GOING_AWAY": 1001,
        "PROTOCOL_ERROR": 1002,
        "UNSUPPORTED_DATA": 1003,
        "NO_STATUS_RCVD": 1005,
        "ABNORMAL_CLOSURE": 1006,
        "INVALID_DATA": 1007,
        "POLICY_VIOLATION": 1008,
        "MESSAGE_TOO_BIG": 1009,
        "MANDATORY_EXTENSION": 1010,
        "INTERNAL_ERROR": 1011,
        "SERVICE_RESTART": 1012,
        "TRY_AGAIN_LATER": 1013,
        "BAD_GATEWAY": 1014,
        "TLS_HANDSHAKE": 1015,
    }
    assert [int(opcode) for opcode in Opcode] == [0, 1, 2, 8, 9, 10]


@pytest.mark.parametrize("reason", ["maintenance", b"maintenance", "é€🀄", ""])
def test_payload_is_code_and_reason(reason: str | bytes) -> None:
    text = reason.encode() if isinstance(reason, str) else reason
    assert close_payload(1001, reason) == b"\x03\xe9" + text


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, -1, 1 << 20])
def test_a_code_that_may_not_be_sent(code: int) -> None:
    with pytest.raises(ValueError, match="close code"):
        close_payload(code)


@pytest.mark.parametrize("reason", [b"\xff", "é".encode()[:1]])
def test_a_reason_that_is_not_utf8(reason: bytes) -> None:
    with pytest.raises(ValueError, match="decode"):
        close_payload(1000, reason)


@pytest.mark.parametrize("lead", range(5))
@pytest.mark.parametrize("character", ["a", "é", "€", "🀄"])
def test_a_long_reason_is_cut_at_a_characters_end(lead: int, character: str) -> None:
    payload = close_payload(1000, "x" * lead + character * 130)
    width = len(character.encode())
    assert 125 - width < len(payload) <= 125
    kept = payload[2:].decode()
    assert kept == "x" * lead + character * (len(kept) - lead)


def test_a_reason_of_123_bytes_is_kept_whole() -> None:
    assert close_payload(1000, "r" * 123) == b"\x03\xe8" + b"r" * 123
