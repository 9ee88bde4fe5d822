"""The gateway's log: lines for people, or one JSON object a line for machines."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.exchanges.binance.normalised import iso_utc

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["JsonLines", "RecentLines", "configure"]

# What every record has; what is left came with the message.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NS = 1_000_000_000
_LINES_KEPT = 500
_CHARS_KEPT = 1000


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _line(record: logging.LogRecord) -> dict[str, Any]:
    return {
        "timestamp": iso_utc(int(record.created * _NS)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
        **_fields(record),
    }


class RecentLines(logging.Handler):
    """Keeps the last lines for ``GET /api/logs/today``: cut short, without tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[str, bytes]] = deque(maxlen=_LINES_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        line = _line(record)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"
        for name, value in line.items():
            if not isinstance(value, (int, float)):
                line[name] = str(value)[:_CHARS_KEPT]
        self._lines.append((line["timestamp"][:10], orjson.dumps(line)))

    def of(self, date: str) -> list[bytes]:
        """The lines of a day in UTC, ``2025-12-25``, as JSON, oldest first."""
        return [line for day, line in self._lines if day == date]


class JsonLines(logging.Formatter):
    """``{"timestamp": "…Z", "level": "info", "logger": …, "message": …, …}``."""

    def format(self, record: logging.LogRecord) -> str:
        line = _line(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class _Lines(logging.Formatter):
    """``12:00:00 info connection news type=rotated exchange=binance``."""

    def format(self, record: logging.LogRecord) -> str:
        time = iso_utc(int(record.created * _NS))[11:19]
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        text = f"{time} {record.levelname.lower()} {record.getMessage()}{fields}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure(stream: TextIO, *, as_json: bool) -> None:
    """Write the gateway's and its server's log to ``stream``, from level ``INFO`` on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if as_json else _Lines())
    for name, level in (("tickwire", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
