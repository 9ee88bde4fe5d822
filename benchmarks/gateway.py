"""The gateway under listeners: 1,000 of them at 50 updates per second each, and then 2,000.

Three processes: the gateway with one stream that is published to at a steady rate, a load generator
that holds the listeners and reads the time of publishing out of every message, and this one, which
looks at the gateway's memory and processor time from outside::

    python -m benchmarks.gateway                 # 1,000 and 2,000 listeners, a minute
    python -m benchmarks.gateway --listeners 200 --seconds 2

All on 127.0.0.1 and on one machine: the load generator takes a core of its own, and its delays in
reading are in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

SYMBOL = "BTCUSDT"
_MARK = b'"published_ns":'
_NOW = b"HTTP/1.1 200"
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def allow_files() -> int:
    """Raise the limit of open files as far as it goes; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


# The gateway


async def serve(rate: float) -> None:
    """A gateway whose one stream is published to ``rate`` times a second; until standard input
    ends."""
    import orjson

    from tickwire import clock
    from tickwire.exchanges.binance.normalised import envelope
    from tickwire.gateway import Gateway, GatewayConfig, GatewayLimits
    from tickwire.gateway.fanout import Topic

    allow_files()
    config = GatewayConfig(port=0, linger=3600.0, limits=GatewayLimits(listeners=10_000))
    async with Gateway(config) as gateway:
        hub = gateway.hub
        topic = Topic(hub.ids, ("ticker", SYMBOL, ""), config.limits.history)
        topic.pinned = True
        hub.exchange(None).feed.topics[topic.key] = topic

        async def publish() -> None:
            payload: dict[str, Any] = {
                "type": "ticker",
                "symbol": SYMBOL,
                **dict.fromkeys(("price", "open", "high", "low"), 42500.5),
                **dict.fromkeys(("volume", "quote_volume"), 637507500.25),
                **dict.fromkeys(("price_change", "price_change_percent"), 1.19),
                "timestamp": 1703520000000,
            }
            step_ns = round(1e9 / rate)
            due_ns = clock.wall_ns()
            while True:
                await asyncio.sleep(max(0, due_ns - clock.wall_ns()) / 1e9)
                # Whatever is due: an exchange does not wait for a gateway that is late, and what it
                # has sent in the meantime is read at once. Ages count from when it was due.
                while due_ns <= clock.wall_ns():
                    payload["published_ns"] = due_ns
                    text = orjson.dumps(envelope(payload, due_ns))
                    topic.publish(text, ("ticker", SYMBOL), due_ns)
                    due_ns += step_ns

        publishing = asyncio.create_task(publish())
        print(json.dumps({"host": "127.0.0.1", "port": gateway.port}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        publishing.cancel()
        print(json.dumps({"published": topic.events, "dropped": topic.drops}), flush=True)


# The listeners


class _Listener(asyncio.Protocol):
    """One listener: counts messages and how old they are."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._rest = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        writing = cast("asyncio.Transport", transport)
        writing.write(
            b"GET /api/ws/sse/prices?symbols=%b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            % SYMBOL.encode()
        )
        self._load.transports.append(writing)

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        if not self._is_open:
            self._is_open = True
            self._load.opened(data.startswith(_NOW))
        parts = (self._rest + data).split(_MARK)
        # A mark that the end of the data cuts in two is seen with what comes next.
        self._rest = parts[-1][-40:] if len(parts) == 1 else _MARK + parts[-1][:40]
        for part in parts[1:]:
            digits = part[:19]
            if len(digits) == 19 and digits.isdigit():
                self._load.ages.append(now_ns - int(digits))
                self._rest = part[19:][-40:]
            else:
                self._rest = _MARK + part

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += 1


class Load:
    """The listeners together."""

    def __init__(self) -> None:
        self.ages: list[int] = []
        self.transports: list[asyncio.Transport] = []
        self.lost = 0
        self.refused = 0
        self._open = 0
        self._changed = asyncio.Event()

    def opened(self, well: bool) -> None:
        """A listener has had its first bytes."""
        self._open += 1
        self.refused += not well
        self._changed.set()

    async def connect(self, port: int, count: int) -> None:
        """Open ``count`` listeners, some at a time."""
        loop = asyncio.get_running_loop()
        for start in range(0, count, 100):
            size = min(100, count - start)
            await asyncio.gather(
                *(
                    loop.create_connection(lambda: _Listener(self), "127.0.0.1", port)
                    for _ in range(size)
                )
            )
            while self._open < start + size:
                self._changed.clear()
                await self._changed.wait()


async def load(port: int, count: int, warm_up: float, seconds: float) -> None:
    """Listen, and print what came: one line when all listen, one at the end."""
    allow_files()
    listeners = Load()
    await listeners.connect(port, count)
    print(json.dumps({"open": count, "refused": listeners.refused}), flush=True)
    await asyncio.sleep(warm_up)
    print(json.dumps({"begin": True}), flush=True)
    listeners.ages.clear()
    begin = time.monotonic()
    await asyncio.sleep(seconds)
    ages = sorted(listeners.ages)
    elapsed = time.monotonic() - begin
    found = {
        "received_per_second": len(ages) / elapsed,
        "seconds": elapsed,
        "lost": listeners.lost,
        "refused": listeners.refused,
        **{f"p{name}_ms": _at(ages, share) / 1e6 for name, share in _SHARES.items()},
    }
    print(json.dumps(found), flush=True)
    for transport in listeners.transports:
        transport.abort()


_SHARES = {"50": 0.5, "99": 0.99, "99_9": 0.999, "100": 1.0}


def _at(ages: list[int], share: float) -> int:
    return ages[min(len(ages) - 1, int(share * len(ages)))] if ages else 0


# From outside


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def measure(
    listeners: int, *, rate: float = 50.0, seconds: float = 10.0, warm_up: float = 3.0
) -> dict[str, Any]:
    """One row: a gateway, its listeners, and what was seen."""
    own = [sys.executable, "-m", "benchmarks.gateway"]
    with _child([*own, "--serve", "--rate", str(rate)]) as gateway:
        port = _line(gateway)["port"]
        before = _memory(gateway.pid)
        arguments = ["--load", str(port), "--listeners", str(listeners)]
        times = ["--warm-up", str(warm_up), "--seconds", str(seconds)]
        with _child([*own, *arguments, *times]) as generator:
            _line(generator)
            _line(generator)
            busy = _processor(gateway.pid)
            generator_busy = _processor(generator.pid)
            # Taken while the listeners are there.
            time.sleep(seconds / 2)
            memory = _memory(gateway.pid)
            half = _processor(gateway.pid) - busy
            generator_half = _processor(generator.pid) - generator_busy
            found = _line(generator)
        assert gateway.stdin is not None
        gateway.stdin.close()
        told = _line(gateway)
    return {
        "listeners": listeners,
        "rate": rate,
        "expected_per_second": listeners * rate,
        **found,
        "kib_per_listener": (memory - before) / listeners / 1024,
        "gateway_cpu": half / (seconds / 2),
        "cpu_us_per_message": 1e6 * half / (seconds / 2) / (found["received_per_second"] or 1),
        "generator_cpu": generator_half / (seconds / 2),
        "dropped": told["dropped"],
    }


def _child(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    )


_ROOT = Path(__file__).resolve().parents[1]


def _line(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"the child ended with {child.wait()}")
    found: dict[str, Any] = json.loads(line)
    return found


_COLUMNS = (
    ("listeners", "listeners", "{:,.0f}"),
    ("messages/s wanted", "expected_per_second", "{:,.0f}"),
    ("messages/s received", "received_per_second", "{:,.0f}"),
    ("p50", "p50_ms", "{:.1f} ms"),
    ("p99", "p99_ms", "{:.1f} ms"),
    ("p99.9", "p99_9_ms", "{:.1f} ms"),
    ("slowest", "p100_ms", "{:.1f} ms"),
    ("memory per listener", "kib_per_listener", "{:.1f} KiB"),
    ("gateway CPU", "gateway_cpu", "{:.0%}"),
    ("CPU per message", "cpu_us_per_message", "{:.1f} µs"),
    ("generator CPU", "generator_cpu", "{:.0%}"),
    ("left out", "dropped", "{:,.0f}"),
    ("connections lost", "lost", "{:,.0f}"),
)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| " + " | ".join(title for title, _, _ in _COLUMNS) + " |",
        "|" + " ---: |" * len(_COLUMNS),
    ]
    for row in rows:
        cells = [form.format(row[name]) for _, name, form in _COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Load figures of the gateway.")
    parser.add_argument("--listeners", type=int, action="append", help="again for another row")
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=3.0)
    parser.add_argument("--json", action="store_true", help="rows as JSON lines")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--load", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve or options.load is not None:
        from tickwire import run

        if options.serve:
            run(serve(options.rate))
        else:
            run(load(options.load, options.listeners[0], options.warm_up, options.seconds))
        return
    rows = []
    for listeners in options.listeners or (1000, 2000):
        row = measure(
            listeners, rate=options.rate, seconds=options.seconds, warm_up=options.warm_up
        )
        rows.append(row)
        if options.json:
            print(json.dumps(row), flush=True)
    if not options.json:
        print(table(rows))


if __name__ == "__main__":
    main()
