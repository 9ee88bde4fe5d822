"""``tickwire gateway``: the gateway until Ctrl-C, and the simulator beside it if wanted."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from tickwire.cli.child import SimulatorProcess
from tickwire.cli.interrupt import run_until_interrupted
from tickwire.cli.mend import find_origin, install_command
from tickwire.cli.problems import ExitCode, Problem
from tickwire.cli.simulate import needs_simulator
from tickwire.exchanges.binance import venue_symbol

__all__ = ["GatewayOptions", "gateway"]

_SIMULATED = "binance"


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What was asked for. See :class:`~tickwire.gateway.GatewayConfig`.

    Attributes:
        simulated: Data from the simulator.
        rate: Of the simulator, order events per second.
        symbols: What ``quick/start-prices`` starts with; of the simulator, what it has.
        log_json: The log as JSON lines.
    """

    host: str
    port: int
    exchange: str
    market: str | None = None
    token: str | None = field(default=None, repr=False)
    simulated: bool = False
    rate: float | None = None
    symbols: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    log_json: bool = False


async def gateway(options: GatewayOptions) -> None:
    """Serve until interrupted.

    Raises:
        Problem: It cannot start.
        ConfigurationError: The options contradict one another. Retry: no.
    """
    try:
        from tickwire.gateway import Gateway, GatewayConfig
        from tickwire.gateway.logs import configure
    except ImportError:
        raise _needs_gateway() from None
    if options.rate is not None and not options.simulated:
        raise Problem("--rate is the simulator's: add --sim", ExitCode.USAGE)
    config = GatewayConfig(
        host=options.host,
        port=options.port,
        exchange=options.exchange,
        market=options.market,
        token=options.token,
        origins=options.origins,
        hosts=options.hosts,
    )
    if options.symbols:
        config = replace(config, symbols=options.symbols)
    configure(sys.stderr, as_json=options.log_json)

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            used = config
            if options.simulated:
                url = await _simulator(stack, options)
                used = replace(config, url=url, exchanges=(_SIMULATED,))
            try:
                served = await stack.enter_async_context(Gateway(used))
            except OSError as error:
                raise Problem(
                    f"cannot listen on {options.host} port {options.port}: {error.strerror}; "
                    "choose another with --port, 0 takes a free one"
                ) from error
            sys.stdout.write(f"{served.url}\n")
            sys.stdout.flush()
            await served.wait()

    await run_until_interrupted(serve())


async def _simulator(stack: AsyncExitStack, options: GatewayOptions) -> str:
    """Start the simulator; its address."""
    if options.exchange != _SIMULATED:
        raise Problem(f"the simulator is a {_SIMULATED}: leave --exchange out", ExitCode.USAGE)
    try:
        await asyncio.to_thread(__import__, "tickwire.simulator")
    except ImportError:
        raise needs_simulator() from None
    given = {
        "market": options.market,
        "rate": options.rate,
        "symbols": ",".join(map(venue_symbol, options.symbols)) or None,
    }
    arguments = [f"--{name}={value}" for name, value in given.items() if value is not None]
    simulator = await stack.enter_async_context(SimulatorProcess(arguments))
    return simulator.url


def _needs_gateway() -> Problem:
    command = install_command(find_origin(), extra="gateway")
    return Problem(f"the gateway needs packages that are not installed: {command}")
