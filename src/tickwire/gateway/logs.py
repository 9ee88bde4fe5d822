"""The gateway's log: lines for people, or one JSON object a line for machines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson

from tickwire.exchanges.binance.normalised import iso_utc

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["JsonLines", "configure"]

# What every record has; what is left came with the message.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NS = 1_000_000_000


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class JsonLines(logging.Formatter):
    """``{"timestamp": "…Z", "level": "info", "logger": …, "message": …, …}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": iso_utc(int(record.created * _NS)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
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
