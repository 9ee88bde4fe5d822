"""What a capture of Binance traffic holds, before any of it is sent.

Only frames of combined connections can be replayed: only they say which stream they belong to. The
depth snapshots that a client fetched while recording stand in files of their own beside the frames:
``BINANCE.http.0.0.gz`` belongs to ``BINANCE.ws.1.0.gz``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from orjson import JSONDecodeError, dumps, loads

from tickwire.simulator.capture import CaptureError, Connect, HttpReply, Received, read_capture
from tickwire.simulator.options import Market
from tickwire.simulator.rest import symbol_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RecordedFrame", "RecordedSnapshots", "Recording"]

_ENVELOPE = re.compile(rb'\s*\{\s*"stream"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"data"\s*:\s*')
_WS_FILE = re.compile(r"(?P<exchange>.+)\.ws\.\d+\.\d+(?:\.gz)?")
_HOSTS = {"fstream": Market.USDM, "dstream": Market.COINM}
_QUOTE_ASSETS = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL")


class RecordedFrame(NamedTuple):
    """A market-data frame: ``enveloped`` as recorded, ``payload`` the ``data`` in it."""

    ts_ns: int
    stream: str
    payload: bytes
    enveloped: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """A capture that was read once from end to end.

    Attributes:
        path: The file.
        market: The dialect, from the host that was recorded.
        streams: The streams that have frames in it.
        frames: How many frames :meth:`play` gives.
    """

    path: Path
    market: Market
    streams: frozenset[str]
    frames: int

    @classmethod
    def scan(cls, path: str | Path) -> Recording:
        """Read the capture through, so that what is wrong with it is known before it is played.

        Raises:
            CaptureError: It cannot be read, or holds no frame of a combined Binance connection.
        """
        path = Path(path)
        market = Market.SPOT
        streams: set[str] = set()
        frames = 0
        for record in read_capture(path):
            if isinstance(record, Connect):
                host = urlsplit(record.url).hostname or ""
                market = _HOSTS.get(host.partition(".")[0], Market.SPOT)
            elif isinstance(record, Received) and (head := _ENVELOPE.match(record.payload)):
                _check(path, record)
                frames += 1
                streams.add(loads(head[1]))
        if not frames:
            raise CaptureError(path, None, "no frame of a combined Binance stream in it")
        return cls(path, market, frozenset(streams), frames)

    def play(self) -> Iterator[RecordedFrame]:
        """The frames in the order in which they were received. Acknowledgements are left out."""
        for record in read_capture(self.path):
            if isinstance(record, Received) and (head := _ENVELOPE.match(record.payload)):
                data = record.payload.rstrip()[head.end() : -1].rstrip()
                yield RecordedFrame(record.ts_ns, loads(head[1]), data, record.payload)

    def symbols(self) -> list[dict[str, Any]]:
        """``exchangeInfo`` entries of the symbols in the capture, without filters."""
        names = {stream.partition("@")[0].upper() for stream in self.streams if stream[0] != "!"}
        entries = []
        for name in sorted(names):
            # The contracts of COIN-M are called by their pair and a date.
            pair, _, contract = name.partition("_")
            quote = next((q for q in _QUOTE_ASSETS if pair.endswith(q)), "USD" if contract else "")
            base = pair.removesuffix(quote)
            entries.append(symbol_entry(name, base, quote, self.market, None))
        return entries

    def snapshots(self) -> RecordedSnapshots:
        """The depth snapshots recorded beside the capture.

        Raises:
            CaptureError: One of the files cannot be read.
        """
        recorded = RecordedSnapshots()
        match = _WS_FILE.fullmatch(self.path.name)
        if match:
            for path in sorted(self.path.parent.glob(f"{match['exchange']}.http.*")):
                recorded.read(path)
        return recorded


class RecordedSnapshots:
    """Depth answers by symbol, in the order of their times. All are kept in memory."""

    def __init__(self) -> None:
        self._times: dict[str, list[int]] = {}
        self._bodies: dict[str, list[bytes]] = {}

    def read(self, path: Path) -> None:
        """Add the depth answers of one file; answers to other requests are passed over."""
        for record in read_capture(path):
            if not isinstance(record, HttpReply):
                continue
            parts = urlsplit(record.url)
            symbols = parse_qs(parts.query).get("symbol")
            if not symbols or not parts.path.endswith("/depth"):
                continue
            times = self._times.setdefault(symbols[0], [])
            place = bisect_right(times, record.ts_ns)
            times.insert(place, record.ts_ns)
            self._bodies.setdefault(symbols[0], []).insert(place, record.body)

    def latest(self, symbol: str, limit: int, ts_ns: int) -> bytes | None:
        """The answer that was the newest at ``ts_ns`` of the recording; before all, the first.

        It is given as recorded, unless ``limit`` is below its number of levels. None for a symbol
        without any.
        """
        times = self._times.get(symbol)
        if not times:
            return None
        body = self._bodies[symbol][max(0, bisect_right(times, ts_ns) - 1)]
        snapshot = loads(body)
        if max(len(snapshot["bids"]), len(snapshot["asks"])) <= limit:
            return body
        cut = {"bids": snapshot["bids"][:limit], "asks": snapshot["asks"][:limit]}
        return dumps(snapshot | cut)


def _check(path: Path, record: Received) -> None:
    try:
        loads(record.payload)
    except JSONDecodeError as error:
        raise CaptureError(path, record.line, f"the frame is not JSON: {error}") from None
