"""The demo in a browser: the simulator in a process of its own, a feed, the gateway, an address."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from tickwire.cli.child import SimulatorProcess
from tickwire.cli.facts import Core, core_notice, setup
from tickwire.cli.mend import find_origin, install_command
from tickwire.cli.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tickwire.gateway import Gateway, GatewayConfig

__all__ = ["DEFAULT_PORT", "has_gateway", "missing_gateway", "show_page"]

DEFAULT_PORT = 8000
_EXCHANGE = "binance"


def has_gateway() -> bool:
    """Whether the packages of the extra ``gateway`` are installed. Cost: loads them."""
    try:
        import tickwire.gateway  # noqa: F401
    except ImportError:
        return False
    return True


def missing_gateway() -> str:
    """What to tell somebody who sees the table because there can be no page."""
    command = install_command(find_origin(), extra="gateway")
    return f"tickwire: no page without the gateway's packages, hence the table; for it: {command}\n"


async def show_page(
    *,
    title: str,
    market: str,
    symbols: Sequence[str],
    simulator: Sequence[str],
    port: int | None,
    seconds: float | None,
) -> None:
    """Serve the page of a simulated market until cancelled, or for so many seconds.

    Args:
        title: Printed above the address.
        market: Spot or USD-M.
        symbols: What the page begins with.
        simulator: Arguments of the simulator's process.
        port: ``None`` takes 8000, or a free one where that is taken.
        seconds: ``None`` is without end.

    Raises:
        Problem: The simulator did not start or has ended, or the port is taken.
    """
    from tickwire.gateway import GatewayConfig

    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(SimulatorProcess(simulator))
        config = GatewayConfig(
            port=DEFAULT_PORT if port is None else port,
            exchange=_EXCHANGE,
            exchanges=(_EXCHANGE,),
            market=market,
            url=process.url,
            symbols=tuple(symbols),
        )
        gateway = await _serve(stack, config, is_port_given=port is not None)
        _begin(gateway, symbols)
        for line in _lines(title, gateway.url):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        await _until_over(gateway, process, seconds)


async def _serve(stack: AsyncExitStack, config: GatewayConfig, *, is_port_given: bool) -> Gateway:
    from tickwire.gateway import Gateway

    try:
        return await stack.enter_async_context(Gateway(config))
    except OSError as error:
        if is_port_given:
            raise Problem(
                f"cannot listen on port {config.port}: {error.strerror}; leave --port out, "
                "or give 0 for a free one"
            ) from error
        return await stack.enter_async_context(Gateway(replace(config, port=0)))


def _begin(gateway: Gateway, symbols: Sequence[str]) -> None:
    """Subscribe the prices before anybody looks, so that the page has them at once."""
    exchange = gateway.hub.exchange(None)
    keys = [exchange.feed.key("ticker", symbol) for symbol in symbols]
    gateway.hub.want(exchange.feed, list(dict.fromkeys(keys)), pin=True)


def _lines(title: str, url: str) -> list[str]:
    facts = setup()
    core = "compiled core" if facts.core is Core.COMPILED else "pure-Python core"
    notice = core_notice()
    return [
        title,
        f"{core} · {facts.loop} · libcurl {facts.libcurl}",
        *([notice] if notice else []),
        "",
        f"    {url}",
        "",
        "Open it in a browser; Ctrl-C here ends everything.",
        "A table in the terminal instead: tickwire demo --terminal",
    ]


async def _until_over(gateway: Gateway, process: SimulatorProcess, seconds: float | None) -> None:
    serving = asyncio.ensure_future(gateway.wait())
    playing = asyncio.ensure_future(process.ended())
    try:
        done, _ = await asyncio.wait(
            (serving, playing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        serving.cancel()
        playing.cancel()
        await asyncio.gather(serving, playing, return_exceptions=True)
    if playing in done:
        raise await process.failure() or Problem("the simulator has ended")
