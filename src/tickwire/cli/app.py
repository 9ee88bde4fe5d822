"""The commands, their options, and the help that a newcomer reads."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickwire._version import __version__
from tickwire.cli.problems import ExitCode, Problem, cannot_write, one_line
from tickwire.errors import TickwireError
from tickwire.transport import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["app", "run_command"]

# Typer's own copy of this class, or click's, depending on typer's version.
_UsageError: Any = typer.BadParameter.__mro__[1]

_REPLAY_HELP = "Play recorded traffic instead: a capture file, gzip-compressed or not."
_MARKET_HELP = "Binance spot, or USD-M futures (usdm)."
_EXCHANGE_HELP = "binance, okx, bybit, coinbase, kraken, deribit or weex."
_RATE_HELP = "Order events per second of the simulated market; inf for as many as it can."
_SPEED_HELP = "Speed of the replay: 1 as recorded, 50, … inf."
_SECONDS_HELP = "End after so many seconds; else Ctrl-C ends it."


class MarketName(StrEnum):
    """The markets, as an option."""

    SPOT = "spot"
    USDM = "usdm"


class SimulatedMarketName(StrEnum):
    """The markets that the simulator speaks, as an option."""

    SPOT = "spot"
    USDM = "usdm"
    COINM = "coinm"


class ExchangeName(StrEnum):
    """What the simulator speaks, as an option."""

    BINANCE = "binance"
    OKX = "okx"
    BYBIT = "bybit"
    COINBASE = "coinbase"
    COINBASE_EXCHANGE = "coinbase-exchange"
    KRAKEN = "kraken"
    DERIBIT = "deribit"
    WEEX = "weex"


class StartName(StrEnum):
    """What sets a replay going, as an option."""

    FIRST = "first"
    ALL = "all"


def _above_zero(value: float | None) -> float | None:
    if value is not None and not value > 0:
        raise typer.BadParameter("must be above 0")
    return value


Symbols = Annotated[
    list[str] | None,
    typer.Option("--symbols", metavar="LIST", help="Which symbols: BTC-USDT,ETH-USDT,…"),
]
Seconds = Annotated[
    float | None, typer.Option("--seconds", min=0.0, metavar="N", help=_SECONDS_HELP)
]
Speed = Annotated[
    float | None,
    typer.Option("--speed", metavar="X", help=_SPEED_HELP, callback=_above_zero),
]
VenueMarket = Annotated[
    str | None,
    typer.Option("--market", metavar="NAME", help="One of its markets, such as usdm [its first]."),
]
VenueEnvironment = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="testnet, demo, … [production]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

app = typer.Typer(
    name="tickwire",
    help="Live market data over a fast WebSocket: see it, stream it, check the installation.",
    epilog="[b]Begin with[/b]  tickwire demo",
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _examples(*lines: str) -> str:
    return "\n\n".join(["[b]Examples[/b]", *lines])


@contextmanager
def _writing() -> Iterator[None]:
    """End quietly when whoever read the output has seen enough: `tickwire demo | head`.

    Raises:
        Problem: The output cannot be written for another reason, such as a full disk.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer must not be tried again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise cannot_write(error) from error


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tickwire {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command(
    name="demo",
    epilog=_examples(
        "tickwire demo",
        "tickwire demo --terminal --symbols BTC-USDT,ETH-USDT --rate 5000",
        "tickwire demo --replay BINANCE.ws.1.0.gz --speed 50",
        "tickwire demo --seconds 5 --json",
    ),
)
def _demo(
    seconds: Seconds = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.0, metavar="N", help=f"{_RATE_HELP} [1000]"),
    ] = None,
    symbols: Symbols = None,
    market: Annotated[MarketName | None, typer.Option("--market", help=_MARKET_HELP)] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="FILE", help=_REPLAY_HELP)
    ] = None,
    speed: Speed = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="No table: one JSON line with all figures at the end.")
    ] = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="A table in the terminal instead of the page.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, metavar="N", help="The page's. [8000, or a free one]"
        ),
    ] = None,
) -> None:
    """Watch a live market in the browser, from the built-in simulator.

    Starts a Binance-like exchange on this machine, connects to it as to the
    real one, and prints the address of a page with prices, candles, order book
    and trades. With --terminal, or for a replay, it is a table in the terminal.
    Needs no account and no network.
    """
    from tickwire.cli.demo import DemoOptions, demo
    from tickwire.cli.names import split_list

    options = DemoOptions(
        seconds=seconds,
        rate=rate,
        replay=replay,
        speed=speed,
        symbols=split_list(symbols or ()),
        market=None if market is None else market.value,
        as_json=as_json,
        terminal=terminal,
        port=port,
    )
    with _writing():
        run(demo(options))


@app.command(
    name="stream",
    epilog=_examples(
        "tickwire stream binance btcusdt@trade btcusdt@depth@100ms",
        "tickwire stream binance --trades BTC-USDT,ETH-USDT --quotes BTC-USDT",
        "tickwire stream binance btcusdt@aggTrade --market usdm --json | jq .price",
        "tickwire stream okx --books BTC-USDT",
        "tickwire stream bybit --market linear --trades BTC-USDT",
        "tickwire stream binance btcusdt@bookTicker --limit 10 --proxy socks5h://127.0.0.1:1080",
        "tickwire stream binance btcusdt@trade --url ws://127.0.0.1:8080",
        "tickwire stream binance btcusdt@trade --rotate-every 10s --redundancy 2",
    ),
)
def _stream(
    exchange: Annotated[str, typer.Argument(metavar="EXCHANGE", help=_EXCHANGE_HELP)],
    streams: Annotated[
        list[str] | None,
        typer.Argument(metavar="STREAM", help="Streams in the exchange's own words."),
    ] = None,
    trades: Annotated[
        list[str] | None,
        typer.Option("--trades", metavar="LIST", help="Trades of these symbols: BTC-USDT,…"),
    ] = None,
    quotes: Annotated[
        list[str] | None,
        typer.Option("--quotes", metavar="LIST", help="Best bid and ask of these symbols."),
    ] = None,
    books: Annotated[
        list[str] | None,
        typer.Option("--books", metavar="LIST", help="Order-book changes of these symbols."),
    ] = None,
    market: VenueMarket = None,
    testnet: Annotated[
        bool, typer.Option("--testnet", help="Short for --environment testnet.")
    ] = False,
    environment: VenueEnvironment = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Another server, such as a simulator: ws://…"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    seconds: Seconds = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="End after so many lines.")
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option("--proxy", metavar="URL", help="http://…, socks5h://… with user:password@."),
    ] = None,
    impersonate: Annotated[
        str | None,
        typer.Option("--impersonate", metavar="NAME", help="Look like this browser: chrome, …"),
    ] = None,
    rotate_every: Annotated[
        str | None,
        typer.Option("--rotate-every", metavar="TIME", help="Replace connections: 10s, 5m, 12h."),
    ] = None,
    redundancy: Annotated[
        int, typer.Option("--redundancy", min=1, max=8, metavar="N", help="Connections at a time.")
    ] = 1,
    reconnect: Annotated[
        bool, typer.Option("--reconnect/--no-reconnect", help="Restore a lost connection.")
    ] = True,
) -> None:
    """Print an exchange's live events, one per line.

    Connects to the exchange itself. A wrong symbol is refused by the exchange;
    Binance, which would stay silent, is asked first. Needs no account. What
    becomes of the connections is told on the standard error, a line each.
    """
    from tickwire.cli.names import seconds_of, split_list
    from tickwire.cli.stream import StreamOptions, stream

    if testnet and environment is not None:
        raise Problem("--testnet and --environment: leave one out", ExitCode.USAGE)
    if testnet:
        environment = "testnet"
    if environment is not None and url is not None:
        named = "--testnet" if testnet else "--environment"
        raise Problem(f"{named} and --url are two servers: leave one out", ExitCode.USAGE)
    run(
        stream(
            StreamOptions(
                exchange=exchange,
                names=tuple(streams or ()),
                trades=split_list(trades or ()),
                quotes=split_list(quotes or ()),
                books=split_list(books or ()),
                market=market,
                environment=environment or "production",
                url=url,
                as_json=as_json,
                seconds=seconds,
                limit=limit,
                proxy=proxy,
                impersonate=impersonate,
                rotate_every=None if rotate_every is None else seconds_of(rotate_every),
                redundancy=redundancy,
                reconnect=reconnect,
            )
        )
    )


@app.command(
    name="symbols",
    epilog=_examples(
        "tickwire symbols okx",
        "tickwire symbols binance --market usdm --find BTC",
        "tickwire symbols kraken --json | jq -r .venue_symbol",
    ),
)
def _symbols(
    exchange: Annotated[str, typer.Argument(metavar="EXCHANGE", help=_EXCHANGE_HELP)],
    market: VenueMarket = None,
    environment: VenueEnvironment = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Another server, such as a simulator: ws://…"),
    ] = None,
    find: Annotated[
        str, typer.Option("--find", metavar="TEXT", help="Only names that have this in them.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    proxy: Annotated[
        str | None,
        typer.Option("--proxy", metavar="URL", help="http://…, socks5h://… with user:password@."),
    ] = None,
) -> None:
    """Print what an exchange trades, one instrument per line.

    The name that is the same everywhere, the exchange's own, the kind, the
    steps of price and size, and whether it is traded now.
    """
    from tickwire.cli.symbols_list import SymbolsOptions, symbols

    options = SymbolsOptions(
        exchange=exchange,
        market=market,
        environment=environment or "production",
        url=url,
        find=find,
        as_json=as_json,
        proxy=proxy,
    )
    lines = run(symbols(options))
    with _writing():
        sys.stdout.buffer.writelines(lines)


@app.command(name="doctor", epilog=_examples("tickwire doctor", "tickwire doctor --json"))
def _doctor(as_json: AsJson = False) -> None:
    """Check the installation, and name the command that mends what is missing.

    Versions, libcurl, which core and which event loop, and a WebSocket round
    trip on this machine. Ends with 1 if something that is needed does not work.
    """
    from tickwire.cli.doctor import examine, print_report

    report = run(examine())
    with _writing():
        if as_json:
            sys.stdout.buffer.write(report.json_line())
        else:
            print_report(report)
    if not report.is_healthy:
        raise typer.Exit(ExitCode.FAILED)


@app.command(
    name="simulate",
    epilog=_examples(
        "tickwire simulate --port 8080",
        "tickwire simulate --port 8080 --market usdm --rate 20000",
        "tickwire simulate --port 8080 --account demo:secret",
        "tickwire simulate --port 8080 --exchange okx",
        "tickwire simulate --port 8080 --replay BINANCE.ws.1.0.gz --speed 10",
    ),
)
def _simulate(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 0,
    exchange: Annotated[
        ExchangeName | None,
        typer.Option("--exchange", help="Whose protocol; Binance's if left out."),
    ] = None,
    market: Annotated[
        SimulatedMarketName | None,
        typer.Option("--market", help="Spot, or futures margined in dollars or in coins."),
    ] = None,
    symbols: Symbols = None,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.0, metavar="N", help=_RATE_HELP)
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="The same seed, the same market.")
    ] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="FILE", help=_REPLAY_HELP)
    ] = None,
    speed: Speed = None,
    start: Annotated[
        StartName | None,
        typer.Option("--start", help="Replay from the first subscription, or once all are there."),
    ] = None,
    close_at_end: Annotated[
        bool, typer.Option("--close-at-end", help="Close connections when the replay is over.")
    ] = False,
    account: Annotated[
        list[str] | None,
        typer.Option(
            "--account",
            metavar="KEY:SECRET",
            help="An invented API key and secret, of an account that is rich. Again for another.",
        ),
    ] = None,
    listen_keys: Annotated[
        bool, typer.Option("--listen-keys", help="Spot has listen keys, as Binance.US has.")
    ] = False,
) -> None:
    """Run an exchange on this machine, for programs to connect to.

    Prints its address as one JSON line and serves until Ctrl-C. Binance's streams
    are at /ws and /stream, REST under /api/v3 (spot), /fapi/v1 (usdm) or
    /dapi/v1 (coinm), the WebSocket API at /ws-api/v3, /ws-fapi/v1 or /ws-dapi/v1;
    another exchange's are at its own paths, as Feed("okx", url="ws://…") expects
    them.
    """
    from tickwire.cli.names import split_list
    from tickwire.cli.simulate import SimulateOptions, simulate

    code = simulate(
        SimulateOptions(
            host=host,
            port=port,
            exchange=None if exchange is None else exchange.value,
            market=None if market is None else market.value,
            symbols=split_list(symbols or ()),
            rate=rate,
            seed=seed,
            replay=replay,
            speed=speed,
            start=None if start is None else start.value,
            close_at_end=close_at_end,
            accounts=tuple(account or ()),
            listen_keys=listen_keys,
        )
    )
    raise typer.Exit(code)


@app.command(
    name="gateway",
    epilog=_examples(
        "tickwire gateway --sim",
        "tickwire gateway --exchange binance --port 8000",
        "TICKWIRE_GATEWAY_TOKEN=… tickwire gateway --host 0.0.0.0",
        "tickwire gateway --sim --cors-origin http://localhost:3000",
    ),
)
def _gateway(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; any but loopback needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8000,
    exchange: Annotated[
        str,
        typer.Option(
            "--exchange", metavar="NAME", help="What requests without ?exchange= are about."
        ),
    ] = "binance",
    market: Annotated[
        str | None, typer.Option("--market", metavar="NAME", help="Of the exchange; its first.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TEXT",
            envvar="TICKWIRE_GATEWAY_TOKEN",
            help="What callers must send. Better in the environment, where ps does not show it.",
        ),
    ] = None,
    sim: Annotated[
        bool,
        typer.Option("--sim", help="Data from the built-in simulator, no exchange."),
    ] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.0, metavar="N", help=_RATE_HELP)
    ] = None,
    symbols: Symbols = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option("--cors-origin", metavar="ORIGIN", help="Let pages of this origin call."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Another name to be called by."),
    ] = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="The log as JSON lines.")] = False,
) -> None:
    """Serve live market data to browsers and scripts: REST, server-sent events, a page.

    Prints its address and serves until Ctrl-C. Connects to the exchange when
    the first stream is asked for. The log goes to the standard error.
    """
    from tickwire.cli.gateway import GatewayOptions, gateway
    from tickwire.cli.names import split_list

    options = GatewayOptions(
        host=host,
        port=port,
        exchange=exchange,
        market=market,
        token=token,
        simulated=sim,
        rate=rate,
        symbols=split_list(symbols or ()),
        origins=split_list(cors_origin or ()),
        hosts=split_list(allow_host or ()),
        log_json=log_json,
    )
    with _writing():
        run(gateway(options))


@app.command(
    name="bench",
    epilog=_examples(
        "tickwire bench --quick",
        "tickwire bench receive-128 echo",
        "tickwire bench --from benchmarks/results/FILE.json",
    ),
)
def _bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help="Tables, or how their names start; all if left out."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Under a minute: short and few measurements.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, metavar="N", help="Measurements per row.")
    ] = None,
    saved: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Measure nothing: show this results file."),
    ] = None,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Tables and pictures into docs/benchmarks.md.")
    ] = False,
) -> None:
    """Measure tickwire beside its peers on this machine.

    Runs the benchmark suite of the repository: inside a clone, with the extra
    "bench" installed. All tables take most of an hour on a machine that does
    nothing else; tables go to the standard output, samples to a results file.
    """
    from tickwire.cli.bench import BenchOptions, bench

    options = BenchOptions(tuple(names or ()), quick, rounds, saved, write_docs)
    raise typer.Exit(bench(options))


def run_command(argv: Sequence[str] | None = None) -> int:
    """Run one command; a mistake or a failure is one line on the standard error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Which core is in use is told where it matters (demo, doctor); elsewhere one line is the rule.
    logging.getLogger("tickwire.core").setLevel(logging.ERROR)
    try:
        code = app(arguments or ["--help"], prog_name="tickwire", standalone_mode=False)
    except _UsageError as error:
        return _report(f"{error.format_message()} {_hint(error)}", ExitCode.USAGE)
    except Problem as problem:
        return _report(problem.line, problem.exit_code)
    except TickwireError as error:
        # Of the venue's answers a command makes problems; these are about what was asked for.
        return _report(str(error), ExitCode.USAGE)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return code if isinstance(code, int) else ExitCode.OK


def _hint(error: Any) -> str:
    command = error.ctx.command_path if error.ctx is not None else "tickwire"
    return f"(see {command} --help)"


def _report(text: str, code: ExitCode) -> int:
    sys.stderr.write(f"tickwire: {one_line(text)}\n")
    return code
