"""Settings from a file, the environment and keyword arguments, each before the one it follows.

A file has a ``websocket`` section, in YAML or TOML. An environment variable is called
``TICKWIRE_WEBSOCKET_`` and the setting's name in capitals; ``TICKWIRE_CONFIG`` names the file where
the program does not.
"""

from __future__ import annotations

import os
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tickwire.errors import ConfigurationError

from .options import ManagerOptions, checked

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load_options"]

_SECTION = "websocket"
_PREFIX = "TICKWIRE_WEBSOCKET_"
_FILE_VARIABLE = "TICKWIRE_CONFIG"


def load_options(
    arguments: Mapping[str, Any],
    *,
    config: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> ManagerOptions:
    """The options of a managed connection.

    Args:
        arguments: Keyword arguments; they weigh most.
        config: A ``.yml``, ``.yaml`` or ``.toml`` file; it weighs least. Left out, the environment
            may name one.
        environment: Instead of the process's own.

    Raises:
        ConfigurationError: The file cannot be read, or a key or value is wrong; the text names it.
            Retry: no.
    """
    env = os.environ if environment is None else environment
    layers: list[tuple[str, Mapping[str, Any]]] = []
    path = config if config is not None else env.get(_FILE_VARIABLE) or None
    if path is not None:
        where = str(Path(path)).replace("{", "{{").replace("}", "}}")
        layers.append((f"{where}: {_SECTION}.{{}}", _section(Path(path))))
    # One layer each: the text of an error names the variable.
    for variable, value in env.items():
        if variable.startswith(_PREFIX):
            name = variable.removeprefix(_PREFIX).lower()
            layers.append((f"environment variable {variable}", {name: value}))
    layers.append(("{}", arguments))
    return checked(layers)


def _section(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    document = _toml(path, text) if path.suffix.lower() == ".toml" else _yaml(path, text)
    section = document.get(_SECTION, {}) if isinstance(document, dict) else None
    if section is None and isinstance(document, dict):
        section = {}  # `websocket:` with nothing under it
    if not isinstance(section, dict):
        raise ConfigurationError(f"{path}: {_SECTION} must be a section of settings")
    return {str(key): value for key, value in section.items()}


def _toml(path: Path, text: bytes) -> Any:
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error


def _yaml(path: Path, text: bytes) -> Any:
    try:
        yaml: Any = import_module("yaml")
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"to read {path}, install PyYAML: pip install 'tickwire[yaml]'; or write it as TOML"
        ) from None
    try:
        return yaml.safe_load(text) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: a scalar that is shaped like a date, and is none.
        raise ConfigurationError(f"{path} is not YAML: {error}") from error
