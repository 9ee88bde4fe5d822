"""Reading recorded traffic.

A capture is a text file, gzip-compressed or not, with one record per line:

========================== ==========================================================
``wss://… <-> TS``         a connection was begun at TS, before its handshake
``wss://… <- TS: JSON``    a frame that the client sent
``TS: JSON``               a frame that the server sent, at its arrival
``https://… -> TS: JSON``  a REST answer
========================== ==========================================================

TS is in seconds since the Unix epoch with up to nine decimals. It is kept as integer nanoseconds,
read from its digits, so nothing is rounded. Frames are kept as the bytes that stand in the file.
Blank lines are passed over. This is the layout in which the cryptofeed project records.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tickwire.errors import TickwireError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

__all__ = ["CaptureError", "Connect", "HttpReply", "Received", "Record", "Sent", "read_capture"]

MAX_LINE_BYTES = 64 * 1024 * 1024

_GZIP_MAGIC = b"\x1f\x8b"
_TIME = rb"(\d{1,12})(?:\.(\d{1,9}))?"
_RECEIVED = re.compile(_TIME + rb": (.*)", re.DOTALL)
_CONNECT = re.compile(rb"(wss?://\S+) <-> " + _TIME)
_SENT = re.compile(rb"(wss?://\S+) <- " + _TIME + rb": (.*)", re.DOTALL)
_HTTP = re.compile(rb"(https?://\S+) -> " + _TIME + rb": (.*)", re.DOTALL)


class CaptureError(TickwireError):
    """A capture cannot be read or replayed. Retry: no.

    Attributes:
        path: The file.
        line: Number of the line, from 1; None where no line is to blame.
    """

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        where = f"{path}, line {line}" if line is not None else str(path)
        super().__init__(f"{where}: {problem}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class Connect:
    """A connection was begun. ``ts_ns``: ns since the Unix epoch."""

    line: int
    ts_ns: int
    url: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The client sent ``payload``."""

    line: int
    ts_ns: int
    url: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """The server sent ``payload``."""

    line: int
    ts_ns: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A REST request to ``url`` was answered with ``body``."""

    line: int
    ts_ns: int
    url: str
    body: bytes


Record = Connect | Sent | Received | HttpReply


def read_capture(path: str | Path) -> Iterator[Record]:
    """The records of a capture, in the order of the file, one line in memory at a time.

    Raises:
        CaptureError: The file cannot be opened, is damaged, or has a line that is no record or is
            longer than ``MAX_LINE_BYTES``. Raised when the reading gets there. Retry: no.
    """
    path = Path(path)
    number = 0
    try:
        with _open(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise CaptureError(path, number, f"longer than {MAX_LINE_BYTES} bytes")
                line = line.rstrip(b"\r\n")
                if line.strip():
                    yield _parse(path, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CaptureError(path, number + 1, f"the compressed data is damaged ({error})") from error
    except OSError as error:
        raise CaptureError(path, None, error.strerror or str(error)) from error


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    file = path.open("rb")
    if file.peek(2)[:2] != _GZIP_MAGIC:
        return file
    file.close()
    return gzip.open(path, "rb")


def _parse(path: Path, number: int, line: bytes) -> Record:
    if match := _RECEIVED.fullmatch(line):
        return Received(number, _nanoseconds(match[1], match[2]), match[3])
    if match := _HTTP.fullmatch(line):
        return HttpReply(number, _nanoseconds(match[2], match[3]), _text(match[1]), match[4])
    if match := _CONNECT.fullmatch(line):
        return Connect(number, _nanoseconds(match[2], match[3]), _text(match[1]))
    if match := _SENT.fullmatch(line):
        return Sent(number, _nanoseconds(match[2], match[3]), _text(match[1]), match[4])
    start = _text(line[:60])
    raise CaptureError(path, number, f"not a record of a capture: {start!r}")


def _nanoseconds(seconds: bytes, fraction: bytes | None) -> int:
    return int(seconds) * 1_000_000_000 + int((fraction or b"").ljust(9, b"0"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
