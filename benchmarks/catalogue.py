"""What is measured, and with which clients: one entry per table of ``docs/benchmarks.md``."""

from __future__ import annotations

from benchmarks.plan import Entry, Figure, Workload
from benchmarks.stats import percentile_key

__all__ = [
    "BATCHES",
    "CALLBACK",
    "CURL",
    "FOR",
    "LIMIT",
    "PICOWS",
    "PICOWS_WS",
    "SIZES",
    "TWIN",
    "WORKLOADS",
    "workload_named",
]

SIZES = {"64": 64, "128": 128, "1k": 1 << 10, "8k": 8 << 10, "64k": 64 << 10, "1m": 1 << 20}
"""Message sizes in bytes, by the word for them in a workload's name."""

_LARGE = 8 << 10
"""From here on messages are counted in thousands, not millions, per second."""

# ---------------------------------------------------------------------------------------- columns

_RATE = Figure("rate", "million messages/s", 1e6, 2)
_RATE_THOUSANDS = Figure("rate", "thousand messages/s", 1e3, 1)
_CPU = Figure("cpu_us", "CPU µs/message", 1.0, 2)
_LATE = Figure("late_percent", "sent late, %", is_timed=False, is_ranked=False)
_P50, _P90, _P99, _P999 = (
    Figure(percentile_key(percent), f"p{percent:g} µs") for percent in (50, 90, 99, 99.9)
)

# ------------------------------------------------------------------------------------------- rows

FOR = Entry("tickwire, async for", "tickwire", "receive")
BATCHES = Entry("tickwire, batches()", "tickwire", "receive_batches")
CALLBACK = Entry("tickwire, on_message callback", "tickwire", "receive_callback")
TWIN = Entry("tickwire, pure Python, async for", "tickwire", "receive", pure=True)
PICOWS = Entry("picows, callback", "picows", "receive")
PICOWS_WS = Entry("picows.websockets", "picows_websockets", "receive")
CURL = Entry("curl_cffi AsyncWebSocket", "curl_cffi", "receive")
LIMIT = Entry("limit: socket, no parsing", "limit", "receive")
_LIMIT_CUT = Entry("limit: socket, frames cut in Python", "limit", "deliver")
_LIMIT_COUNTED = Entry("limit: socket, no parsing; times: frames cut in Python", "limit", "receive")
_PICOWS_BYTES = Entry("picows, callback, payload as bytes", "picows", "receive_bytes")
_PICOWS_BLIND = Entry("picows, callback, nothing looked at", "picows", "receive_blind")
_WEBSOCKETS = Entry("websockets", "websockets", "receive")
_AIOHTTP = Entry("aiohttp", "aiohttp", "receive")
_WREQ = Entry("wreq", "wreq", "receive")
_SYNC = (
    Entry("tickwire.Session, synchronous", "tickwire_sync", "receive"),
    Entry("curl_cffi WebSocket, synchronous", "curl_cffi_sync", "receive"),
    Entry("websocket-client, synchronous", "websocket_client", "receive"),
)
_AWAITED = (FOR, PICOWS_WS, _AIOHTTP, CURL, _WEBSOCKETS, _WREQ)

_EVERY_WAY = (
    FOR,
    BATCHES,
    CALLBACK,
    TWIN,
    PICOWS,
    _PICOWS_BYTES,
    _PICOWS_BLIND,
    PICOWS_WS,
    _AIOHTTP,
    CURL,
    _WEBSOCKETS,
    _WREQ,
    *_SYNC,
    LIMIT,
)
_ONE_EACH = (FOR, BATCHES, PICOWS, *_AWAITED[1:], LIMIT)
_DEFLATING = (FOR, BATCHES, PICOWS_WS, _AIOHTTP, CURL, _WEBSOCKETS)
_DELIVERING = (FOR, BATCHES, CALLBACK, PICOWS, *_AWAITED[1:])


def _as(way: str, *entries: Entry) -> tuple[Entry, ...]:
    """The same rows with functions whose names start with ``way`` instead of ``receive``."""
    return tuple(
        Entry(one.name, one.peer, way + one.way.removeprefix("receive"), one.pure)
        for one in entries
    )


def _each(way: str, *others: Entry) -> tuple[Entry, ...]:
    """One row per library, by its plain name, and then the others."""
    return (
        Entry("tickwire", "tickwire", way),
        Entry("picows", "picows", way),
        Entry("picows.websockets", "picows_websockets", way),
        Entry("aiohttp", "aiohttp", way),
        Entry("curl_cffi AsyncWebSocket", "curl_cffi", way),
        Entry("websockets", "websockets", way),
        Entry("wreq", "wreq", way),
        *others,
    )


def _synchronous(way: str) -> tuple[Entry, ...]:
    return tuple(Entry(one.name, one.peer, way) for one in _SYNC)


# -------------------------------------------------------------------------------------- receiving


def _size_in_words(size: int) -> str:
    if size >= 1 << 20:
        return f"{size >> 20} MiB"
    return f"{size >> 10} KiB" if size >= 1 << 10 else f"{size}-byte"


def _receive(word: str, *, tls: bool = False) -> Workload:
    size = SIZES[word]
    return Workload(
        name=f"receive-{word}-tls" if tls else f"receive-{word}",
        title=f"Receive {_size_in_words(size)} messages{' over TLS' if tls else ''}",
        kind="receive",
        options={"size": size, "tls": tls},
        figures=(_RATE if size < _LARGE else _RATE_THOUSANDS, _CPU),
        entries=_EVERY_WAY if word == "128" else _ONE_EACH,
        note="TLS 1.3 with the same cipher suite for all, picked by the server." if tls else "",
    )


def _deflated(size: int) -> Workload:
    words = {number: word for word, number in SIZES.items()} | {256: "256", 4 << 10: "4k"}
    return Workload(
        name=f"receive-{words[size]}-deflate",
        title=f"Receive {_size_in_words(size)} messages, compressed (permessage-deflate)",
        kind="receive",
        options={"size": size, "deflate": True},
        figures=(_RATE_THOUSANDS, _CPU),
        entries=_DEFLATING,
        quick=(FOR.name, PICOWS_WS.name) if size == 256 else (),
        note=(
            "JSON of order-book updates, zlib level 6, context takeover. picows' core API,"
            " wreq and websocket-client have no compression. tickwire inflates with zlib-ng if"
            " that is installed, as it is here; aiohttp is told to use whichever of zlib-ng and"
            " zlib is faster for it at this size; picows.websockets and websockets have no such"
            " switch and inflate with Python's zlib, curl_cffi with the zlib inside its libcurl."
        ),
    )


_RECEIVING = (
    *(_receive(word) for word in SIZES),
    *(_receive(word, tls=True) for word in SIZES),
    *(_deflated(size) for size in (64, 256, 4 << 10, 64 << 10, 1 << 20)),
)

# ------------------------------------------------------------------------------ sending and echoes

_SENDING = (
    Workload(
        name="send-128",
        title="Send 128-byte messages, one by one",
        kind="send",
        options={"size": 128},
        figures=(_RATE,),
        entries=_each(
            "send",
            *_synchronous("send"),
            Entry("limit: socket, send per frame", "limit", "send"),
        ),
        note="From the first send until the server has the last message.",
    ),
    Workload(
        name="send-128-coalesced",
        title="Send 128-byte messages, coalesced",
        kind="send",
        options={"size": 128},
        figures=(
            _RATE,
            Figure(
                "payloads_per_message",
                "payloads per message",
                digits=0,
                is_timed=False,
                is_ranked=False,
            ),
        ),
        entries=(
            Entry("tickwire, coalesce_frames", "tickwire", "send_coalesced"),
            Entry("picows", "picows", "send"),
            Entry("wreq, send_all", "wreq", "send_coalesced"),
            Entry("curl_cffi, coalesce_frames", "curl_cffi", "send_coalesced"),
            Entry("limit: socket, frames made before", "limit", "send_coalesced"),
        ),
        note=(
            "picows has no coalescing: its row is its fastest send. curl_cffi glues payloads into"
            " one message, so that the receiver no longer sees where one ends; tickwire and wreq"
            " keep every message a message."
        ),
    ),
)

_ECHOING = (
    Entry("tickwire, await recv()", "tickwire", "echo"),
    Entry("tickwire, on_message callback", "tickwire", "echo_callback"),
    Entry("tickwire, pure Python", "tickwire", "echo", pure=True),
    Entry("picows, callback", "picows", "echo"),
    Entry("picows.websockets", "picows_websockets", "echo"),
    Entry("aiohttp", "aiohttp", "echo"),
    Entry("curl_cffi AsyncWebSocket", "curl_cffi", "echo"),
    Entry("websockets", "websockets", "echo"),
    Entry("wreq", "wreq", "echo"),
    *_synchronous("echo"),
    Entry("limit: blocking socket", "limit", "echo"),
)

_ECHOES = (
    Workload(
        name="echo-128",
        title="Echo of 128 bytes, one at a time, without a pause",
        kind="echo",
        options={"size": 128},
        figures=(_P50, _P90, _P99, _P999),
        entries=_ECHOING,
    ),
    Workload(
        name="echo-128-paced",
        title="Echo of 128 bytes, one at a time, with a pause of 1 ms before each",
        kind="echo",
        options={"size": 128, "pause_ms": 1},
        figures=(_P50, _P90, _P99, _P999),
        entries=_ECHOING,
        quick=("tickwire, await recv()", "picows, callback"),
        note=(
            "With a pause the process sleeps and is woken for the answer, as it is by market data"
            " most of the time: the machine's wake-up is in every figure."
        ),
    ),
)

# -------------------------------------------------------------------------- messages at their time


def _paced(per_second: int, quick: tuple[str, ...] = ()) -> Workload:
    name = "paced-128" if per_second == 20_000 else f"paced-128-at-{per_second // 1000}k"
    return Workload(
        name=name,
        title=f"{per_second:,} messages of 128 bytes per second, arriving one by one",
        kind="paced",
        options={"size": 128, "per_second": per_second},
        figures=(_CPU, _P50, _P99, _P999, _LATE),
        entries=(*_DELIVERING, _LIMIT_COUNTED),
        quick=quick,
        note=(
            "CPU of the client process, user and system, while it only counts. The percentiles are"
            " of a second pass: from when the message was due at the server until the program has"
            " it as bytes."
        ),
    )


_ARRIVING = (
    _paced(1_000, (FOR.name, PICOWS.name)),
    _paced(20_000),
    _paced(60_000),
    Workload(
        name="burst-128",
        title="Bursts: 1,000 messages of 128 bytes at once, every 100 ms",
        kind="burst",
        options={"size": 128, "length": 1_000, "every_ms": 100},
        figures=(_P50, _P99),
        entries=(*_as("deliver", *_DELIVERING), _LIMIT_CUT),
        quick=(FOR.name, PICOWS.name),
        note=(
            "From the moment before the server's write until the program has the last message of"
            " the burst as bytes."
        ),
    ),
)

# ------------------------------------------------------------------------------- many connections

_MANY = (
    Workload(
        name="memory",
        title="Memory per idle connection",
        kind="memory",
        options={},
        figures=(
            Figure("kib", "KiB each", is_timed=False),
            *(
                Figure(f"mib_{count}", f"MiB for {count:,}", is_timed=False)
                for count in (100, 500, 1_000, 2_000)
            ),
        ),
        entries=_each(
            "connections", Entry("websocket-client, synchronous", "websocket_client", "connections")
        ),
        note=(
            "Growth of the resident set over one connection, without the kernel's socket buffers;"
            " KiB each is that of the largest number."
        ),
    ),
    Workload(
        name="connect",
        title="Connect storm: all connects at once",
        kind="storm",
        options={},
        figures=(
            Figure("rate", "connects/s", 1.0, 0),
            Figure("cpu_us", "CPU µs/connect", 1.0, 0),
            Figure("connects", "connects", 1.0, 0, is_timed=False, is_ranked=False),
        ),
        entries=_each(
            "connections", Entry("limit: asyncio, the upgrade only", "limit", "connections")
        ),
    ),
    Workload(
        name="crowd-128",
        title="Many connections with 20 messages of 128 bytes per second each",
        kind="crowd",
        options={"size": 128, "per_connection": 20},
        figures=(
            _CPU,
            _P50,
            _P99,
            _P999,
            _LATE,
            Figure("connections", "connections", 1.0, 0, is_timed=False, is_ranked=False),
        ),
        entries=(
            *_as("deliver", *_DELIVERING),
            Entry("limit: sockets and a selector, frames cut in Python", "limit", "deliver"),
        ),
        quick=(FOR.name, PICOWS.name),
        note=(
            "The messages are spread evenly over the second. CPU from the first message to the"
            " last; it contains the reading of a clock for each."
        ),
    ),
    Workload(
        name="slow-128",
        title="A slow consumer beside a fast one",
        kind="slow",
        options={"size": 128, "per_second": 1_000, "sleep_ms": 10},
        figures=(
            _P50,
            _P99,
            _P999,
            Figure("mib", "growth, MiB", is_timed=False),
            _LATE,
        ),
        entries=_as("dawdle", *_AWAITED),
        quick=(FOR.name, PICOWS_WS.name),
        note=(
            "In one process, one connection is flooded and its consumer sleeps 10 ms after each"
            " message; on another 1,000 messages a second arrive. The percentiles are the latter's;"
            " growth is what the process takes more than before, so an unbounded queue would show."
            " A callback cannot wait, so that there are no rows of callbacks."
        ),
    ),
)

# --------------------------------------------------------------------------- without a connection


def _pipeline(market: str, words: str) -> Workload:
    return Workload(
        name=f"pipeline-{market}",
        title=f"From a frame to an event: recorded Binance {words} traffic",
        kind="pipeline",
        options={"market": market},
        figures=(_RATE_THOUSANDS, Figure("cpu_us", "CPU µs/frame", 1.0, 2)),
        entries=(
            Entry("tickwire codec, float", "tickwire", "prepare"),
            Entry("tickwire codec, float, 64 at a time", "tickwire_batches", "prepare"),
            Entry("tickwire codec, Decimal", "tickwire_decimal", "prepare"),
            Entry("json, dict", "stdlib_json", "prepare"),
            Entry("orjson, dict", "orjson_dict", "prepare"),
            Entry("orjson, dict, numbers made float", "orjson_float", "prepare"),
            Entry("python-binance, dict", "python_binance", "prepare"),
            Entry("cryptofeed, Decimal and book", "cryptofeed", "prepare"),
        ),
        quick=("tickwire codec, float", "orjson, dict") if market == "usdm" else (),
        note=(
            "What a program has afterwards differs. tickwire: a typed event with numbers and"
            " nanoseconds, sequences checked. json, orjson and python-binance (which takes orjson"
            " where that is installed): a dict whose prices are still strings; one row makes them"
            " float, as a program must before it can calculate. cryptofeed: typed objects with"
            " Decimal, and its book with every change applied."
        ),
        folder="parsers",
    )


_DECODING = (_pipeline("spot", "spot"), _pipeline("usdm", "USD-M futures"))


def _books(spread: int) -> Workload:
    return Workload(
        name=f"books-{spread}",
        title=f"Local books: 100 changes a message, within the best {spread:,} levels of each side",
        kind="books",
        options={"spread": spread},
        figures=(
            Figure("rate", "thousand updates/s", 1e3, 1),
            Figure("cpu_us", "CPU µs/update", 1.0, 2),
        ),
        entries=(
            Entry("tickwire OrderBook", "tickwire", "prepare"),
            Entry("orjson, dict of floats", "dict_of_floats", "prepare"),
        ),
        quick=("tickwire OrderBook", "orjson, dict of floats") if spread == 100 else (),
        note=(
            "From the bytes of a depth message to an updated book of 1,000 levels a side; three in"
            " ten changes are removals. OrderBook is sorted and exact. The dict is neither: its"
            " best price is still to be sought, which is not counted."
        ),
        folder="books",
    )


_BOOKS = (_books(60), _books(100), _books(1_000))

WORKLOADS = (*_RECEIVING, *_SENDING, *_ECHOES, *_ARRIVING, *_MANY, *_DECODING, *_BOOKS)


def workload_named(name: str) -> Workload:
    """The workload of exactly this name."""
    return next(workload for workload in WORKLOADS if workload.name == name)
