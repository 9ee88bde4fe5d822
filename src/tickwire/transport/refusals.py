"""The body of a refused upgrade, from the bytes that were seen on the socket.

Pure: what was seen may end anywhere, and whatever it says, it is read as far as it makes sense.
"""

from __future__ import annotations

import re
import zlib

__all__ = ["body_of_refusal"]

_MOST_BYTES = 64 * 1024
"""What a small answer may grow to when it is inflated."""

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[; \t][^\r\n]*)?\r\n")  # RFC 9112 section 7.1


def body_of_refusal(
    seen: bytes, header_block: bytes, headers: tuple[tuple[str, str], ...]
) -> bytes:
    """What stands behind the headers, without its transfer coding, unpacked if it is gzip or zlib.

    Args:
        seen: What the socket held.
        header_block: The answer's headers as libcurl gave them, the empty line included.
        headers: The same in pairs of lower-case name and value.

    Returns:
        The start of the body, as far as it was there. Empty if it is packed otherwise (``br``,
        ``zstd``): nobody could read it.
    """
    at = seen.find(header_block) if header_block else -1
    if at < 0:
        return b""
    body = seen[at + len(header_block) :]
    values = {name: value.strip().lower() for name, value in headers}
    if values.get("transfer-encoding") == "chunked":
        body = _joined(body)
    packing = values.get("content-encoding", "identity")
    if packing in ("gzip", "x-gzip", "deflate"):
        return _unpacked(body)
    return body if packing == "identity" else b""


def _joined(chunks: bytes) -> bytes:
    """The data of chunks, the last of which may be cut."""
    parts = []
    at = 0
    while match := _CHUNK_SIZE.match(chunks, at):
        size = int(match[1], 16)
        if size == 0:
            break
        parts.append(chunks[match.end() : match.end() + size])
        at = match.end() + size + len(b"\r\n")
    return b"".join(parts)


def _unpacked(packed: bytes) -> bytes:
    """What the start of a gzip or zlib stream holds; empty if it is neither."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, _MOST_BYTES)
    except zlib.error:
        return b""
