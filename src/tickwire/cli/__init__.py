"""The command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; those of the process if left out.

    Returns:
        The exit code: 0, 2 for a mistake in what was asked for, 1 for the network, the venue or
        this machine, 130 for a Ctrl-C that came too early to end cleanly.
    """
    try:
        # Here, and not above: a Ctrl-C while the command loads is a Ctrl-C like any other.
        from tickwire.cli.app import run_command

        return run_command(argv)
    except KeyboardInterrupt:
        return 130
