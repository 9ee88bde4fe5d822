"""Writes the managers' methods from the table of sockets, so that ``help()`` and mypy see them.

python tools/socket_methods.py            # write src/tickwire/binance/_*_methods.py
python tools/socket_methods.py --check    # exit with 1 if they are not what the table gives
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import textwrap
from enum import Enum
from pathlib import Path

from tickwire.exchanges.binance.sockets import REQUIRED, SOCKETS, Parameter, Socket

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "tickwire" / "binance"

SOCKET_HEAD = '''"""The asyncio manager's methods, written by tools/socket_methods.py.

What to change is the table in tickwire.exchanges.binance.sockets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tickwire.exchanges.binance.sockets import ContractType, FuturesType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tickwire.binance.sockets import ReconnectingWebsocket

__all__ = ["SocketMethods"]


class SocketMethods(ABC):
    """Each makes a socket, to be entered; with ``typed`` one of events. A value that the venue
    does not have raises :class:`~tickwire.errors.ConfigurationError`."""

    @abstractmethod
    def socket(
        self, method: str, typed: bool | None, values: dict[str, Any]
    ) -> ReconnectingWebsocket:
        """The socket of a row of the table."""
'''

START_HEAD = '''"""The threaded manager's methods, written by tools/socket_methods.py.

What to change is the table in tickwire.exchanges.binance.sockets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tickwire.exchanges.binance.sockets import ContractType, FuturesType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["StartMethods"]


class StartMethods(ABC):
    """Each opens a socket, has ``callback`` called with each of its messages, and gives its name.
    A value that the venue does not have raises :class:`~tickwire.errors.ConfigurationError`."""

    @abstractmethod
    def _start(
        self,
        method: str,
        callback: Callable[[Any], Any],
        typed: bool | None,
        values: dict[str, Any],
    ) -> str:
        """Start the socket of a row of the table."""
'''


def shown(parameter: Parameter) -> str:
    """The parameter as it stands in a signature."""
    if parameter.default is REQUIRED:
        return f"{parameter.name}: {parameter.type}"
    default = parameter.default
    text = str(default) if isinstance(default, Enum) else repr(default)
    return f"{parameter.name}: {parameter.type} = {text}"


def method(row: Socket, *, threaded: bool) -> str:
    """The source of one method."""
    own = [shown(parameter) for parameter in row.parameters]
    values = ", ".join(f'"{item.name}": {item.name}' for item in row.parameters)
    if threaded:
        name = f"start_{row.name}"
        parameters = ["self", "callback: Callable[[Any], Any]", *own, "*"]
        result, call = "str", f'self._start("{row.name}", callback, typed, {{{values}}})'
    else:
        name = row.name
        parameters = ["self", *own, "*_ignored: object" if row.takes_more else "*"]
        result, call = "ReconnectingWebsocket", f'self.socket("{row.name}", typed, {{{values}}})'
    parameters.append("typed: bool | None = None")
    body = f'"""{row.about}"""\nreturn {call}'
    signature = f"def {name}({', '.join(parameters)}) -> {result}:"
    return textwrap.indent(f"{signature}\n{textwrap.indent(body, '    ')}\n", "    ")


def formatted(source: str) -> str:
    """``source`` as ruff formats it."""
    command = ["ruff", "format", "--line-length", "100", "-"]
    own = Path(sys.executable).with_name("ruff")
    if own.exists():
        command[0] = str(own)
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def files() -> dict[Path, str]:
    """What the table gives, by path."""
    return {
        PACKAGE / file: formatted(
            "\n".join([head, *(method(row, threaded=threaded) for row in SOCKETS.values())])
        )
        for file, head, threaded in (
            ("_socket_methods.py", SOCKET_HEAD, False),
            ("_start_methods.py", START_HEAD, True),
        )
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if stale")
    check = parser.parse_args().check
    stale = {
        path: text
        for path, text in files().items()
        if not path.exists() or path.read_text() != text
    }
    for path, text in stale.items():
        if check:
            sys.stderr.write(f"{path.name} is stale: run  python tools/socket_methods.py\n")
        else:
            path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
