"""``tickwire simulate``: the simulator's own command, after its options were checked."""

from __future__ import annotations

from dataclasses import dataclass

from tickwire.cli.mend import find_origin, install_command
from tickwire.cli.problems import Problem
from tickwire.exchanges.binance import venue_symbol

__all__ = ["SimulateOptions", "needs_simulator", "simulate"]


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What was asked for; ``None`` leaves it to the simulator. See its ``Simulator`` class."""

    host: str
    port: int
    exchange: str | None = None
    market: str | None = None
    symbols: tuple[str, ...] = ()
    rate: float | None = None
    seed: int | None = None
    replay: str | None = None
    speed: float | None = None
    start: str | None = None
    close_at_end: bool = False
    accounts: tuple[str, ...] = ()
    listen_keys: bool = False

    def arguments(self) -> list[str]:
        """The same for ``python -m tickwire.simulator``."""
        given = {
            "host": self.host,
            "port": self.port,
            "exchange": self.exchange,
            "market": self.market,
            "symbols": ",".join(map(venue_symbol, self.symbols)) or None,
            "rate": self.rate,
            "seed": self.seed,
            "replay": self.replay,
            "speed": self.speed,
            "start": self.start,
        }
        arguments = [f"--{name}={value}" for name, value in given.items() if value is not None]
        arguments += [f"--account={account}" for account in self.accounts]
        arguments += ["--close-at-end"] * self.close_at_end
        return arguments + ["--listen-keys"] * self.listen_keys


def needs_simulator() -> Problem:
    """The problem of an installation without the simulator."""
    command = install_command(find_origin(), extra="simulator")
    return Problem(f"the simulator needs aiohttp and cryptography; one is missing: {command}")


def simulate(options: SimulateOptions) -> int:
    """Serve until stopped. Returns the exit code.

    Raises:
        Problem: The simulator is not installed.
        ConfigurationError: A symbol is none. Retry: no.
    """
    try:
        from tickwire.simulator.__main__ import main
    except ImportError:
        raise needs_simulator() from None
    return main(options.arguments())
