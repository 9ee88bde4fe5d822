"""The compiled cores. Everything else about the package stands in pyproject.toml.

Each extension is optional: without a C compiler the build goes on, and the package runs on its
pure-Python twins. ``TICKWIRE_BUILD_PURE=1`` leaves them out on purpose.
"""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

CORES = {
    "tickwire.wire._wire": "src/tickwire/wire/_wire.pyx",
    "tickwire.transport._inbox": "src/tickwire/transport/_inbox.pyx",
    "tickwire.transport._outbox": "src/tickwire/transport/_outbox.pyx",
    "tickwire.transport._receiver": "src/tickwire/transport/_receiver.pyx",
    "tickwire.transport._pump": "src/tickwire/transport/_pump.pyx",
    "tickwire.book._ladder": "src/tickwire/book/_ladder.pyx",
    "tickwire.exchanges._lanes": "src/tickwire/exchanges/_lanes.pyx",
    "tickwire.exchanges._intake": "src/tickwire/exchanges/_intake.pyx",
    "tickwire.exchanges._scaled": "src/tickwire/exchanges/_scaled.pyx",
    "tickwire.manager._relay": "src/tickwire/manager/_relay.pyx",
}
FLAGS = [] if sys.platform == "win32" else ["-O3"]


def extensions() -> list[Extension]:
    if os.environ.get("TICKWIRE_BUILD_PURE", "") not in ("", "0"):
        return []
    built: list[Extension] = cythonize(
        [
            Extension(name, [source], extra_compile_args=FLAGS)
            for name, source in CORES.items()
            if os.path.exists(source)
        ],
        include_path=["src"],
    )
    for extension in built:
        # Set here: cythonize makes new objects, and does not carry this over.
        extension.optional = True
    return built


setup(ext_modules=extensions())
