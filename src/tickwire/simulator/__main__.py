"""The simulator as a process: prints its address as one JSON line, then serves until stopped.

It ends cleanly on SIGINT and SIGTERM, and with ``--until-eof`` when its standard input ends, so
that it does not outlive a parent that holds the other end of that pipe.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from orjson import dumps

from tickwire.errors import ConfigurationError, TickwireError
from tickwire.simulator import Market, ReplayStart, Simulator
from tickwire.simulator.venues import VenueSimulator
from tickwire.simulator.venues.registry import DIALECTS
from tickwire.simulator.weex import WeexSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["EXCHANGES", "main"]

_BINANCE, _WEEX = "binance", "weex"
EXCHANGES = (_BINANCE, *DIALECTS, _WEEX)
"""What can be spoken."""
_COMMON = ("symbols", "rate", "seed", "host", "port")

_RICH = "1000000"
"""What an account owns of each asset."""


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tickwire.simulator",
        description="A server on this machine that speaks an exchange's protocol.",
    )
    parser.add_argument(
        "--exchange",
        choices=EXCHANGES,
        default=_BINANCE,
        help="whose protocol (%(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one (default)")
    parser.add_argument(
        "--market",
        choices=list(Market),
        help="Binance's dialect; default: that of the capture, or spot",
    )
    parser.add_argument(
        "--symbols", type=lambda text: text.split(","), help="comma-separated, e.g. BTCUSDT,ETHUSDT"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=2000.0,
        help="order events per second; inf: as many as are taken (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the market (%(default)s)")
    parser.add_argument("--replay", metavar="FILE", help="play this capture instead of a market")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="of the replay; inf: as fast as it is taken (%(default)s)",
    )
    parser.add_argument(
        "--start",
        choices=[ReplayStart.FIRST, ReplayStart.ALL],
        default=ReplayStart.FIRST,
        help="start the replay with the first subscription, or once all streams have one",
    )
    parser.add_argument(
        "--close-at-end", action="store_true", help="close connections when the replay is over"
    )
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="KEY:SECRET",
        help="an account with this API key and HMAC secret, rich in every asset; may be repeated",
    )
    parser.add_argument(
        "--listen-keys", action="store_true", help="spot has listen keys, as Binance.US has"
    )
    parser.add_argument(
        "--until-eof", action="store_true", help="stop when the standard input ends"
    )
    return parser.parse_args(argv)


def _server(options: argparse.Namespace) -> Simulator | VenueSimulator | WeexSimulator:
    """The exchange that was asked for.

    Raises:
        ConfigurationError: It has no such setting. Retry: no.
    """
    common = {name: getattr(options, name) for name in _COMMON}
    if options.exchange == _BINANCE:
        return Simulator(
            **common,
            market=options.market,
            replay=options.replay,
            speed=options.speed,
            replay_start=options.start,
            close_at_end=options.close_at_end,
            listen_keys=options.listen_keys,
        )
    for name in ("market", "replay", "account", "listen_keys"):
        if getattr(options, name):
            option = name.replace("_", "-")
            raise ConfigurationError(f"--{option} is for --exchange {_BINANCE} only")
    if options.exchange == _WEEX:
        return WeexSimulator(**common)
    return VenueSimulator(options.exchange, **common)


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    _on_signals(stop.set)
    keys = [_api_key(text) for text in options.account]
    simulator = _server(options)
    async with simulator:
        if isinstance(simulator, Simulator):
            assets = _assets(simulator, is_replay=options.replay is not None)
            for api_key, secret in keys:
                simulator.accounts.add(
                    api_key=api_key, secret=secret, balances=dict.fromkeys(assets, _RICH)
                )
        sys.stdout.write(dumps({"host": options.host, "port": simulator.port}).decode() + "\n")
        sys.stdout.flush()
        if options.until_eof:
            loop = asyncio.get_running_loop()
            watch = threading.Thread(target=_watch_stdin, args=(loop, stop.set), daemon=True)
            watch.start()
        await stop.wait()


def _api_key(text: str) -> tuple[str, str]:
    api_key, _, secret = text.partition(":")
    if not api_key or not secret:
        raise ConfigurationError("an account is given as KEY:SECRET")
    return api_key, secret


def _assets(simulator: Simulator, *, is_replay: bool) -> list[str]:
    """The assets that are traded; a replay has nothing to trade."""
    if is_replay:
        return []
    specs = [instrument.spec for instrument in simulator.model.instruments]
    return sorted({asset for spec in specs for asset in (spec.base, spec.quote)})


def _on_signals(stop: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # loops on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    # Not through sys.stdin: its lock, held by this thread, would stop the interpreter from ending.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped. Returns the exit code: 2 for what was asked for, 1 for the system."""
    options = _arguments(argv)
    loop_factory = None
    if sys.platform != "win32":
        import uvloop

        loop_factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_serve(options))
    except TickwireError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(
            f"cannot serve on {options.host} port {options.port}: {os.strerror(error.errno or 0)}; "
            "choose another --port, or 0 for a free one\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
