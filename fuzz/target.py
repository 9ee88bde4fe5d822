"""One libFuzzer process: ``python -m fuzz.target GROUP [libFuzzer's options] CORPUS``.

Started by `fuzz.run`, which builds the instrumented cores and puts libFuzzer and the sanitizers in
front of them.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

# The instructions of the Python parts count as coverage too; the C of the cores does by itself.
with atheris.instrument_imports(include=["tickwire.wire.deflate", "tickwire.wire.fallback"]):
    from tickwire.wire import core

    from . import properties

PLAIN_CHANGES = 0.5
"""The share of mutations that is left to libFuzzer's own."""


def main() -> None:
    group = sys.argv.pop(1)
    if not core.COMPILED or "fuzz" not in Path(core.__file__).parts:
        raise SystemExit(f"not the instrumented core: {core.__file__}")

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < PLAIN_CHANGES:
            changed: bytes = atheris.Mutate(data, max_size)
            return changed
        return properties.mutated(group, data, rng)[:max_size]

    atheris.Setup(sys.argv, properties.GROUPS[group], custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
