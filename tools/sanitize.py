"""The compiled cores under AddressSanitizer and UndefinedBehaviorSanitizer.

    python tools/sanitize.py                    # the tests named below
    python tools/sanitize.py tests/unit/wire    # others
    python tools/sanitize.py --build-only

The extensions are built with the sanitizers into ``build/sanitize``, beside a copy of the Python
sources; the installed package is not touched. Any finding stops the process that has it, so a run
that ends well has none. Needs gcc or clang with its sanitizer libraries; exits with 3 where there
is none. Leaks are another matter (``tests/leaks``): CPython itself leaks by design at its end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "sanitize"
SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
TESTS = [
    "tests/unit/wire",
    "tests/unit/transport",
    "tests/unit/manager/test_relay.py",
    "tests/property/test_wire.py",
    "tests/property/test_deflate.py",
    "tests/property/test_inbox.py",
    "tests/property/test_ladder.py",
    "tests/property/test_lanes.py",
    "tests/unit/book",
    "tests/integration/transport",
    "tests/integration/transport_features",
    "tests/integration/faults",
    "tests/fuzz",
]
# The sanitizers slow everything down, and keep freed memory for a while, to see whether it is used:
# these judge by the clock, start interpreters of their own, or look at the resident set.
DESELECT = "not lag and not starve and not processes and not thousand and not memory_does_not_grow"


def runtime(compiler: str, name: str) -> str | None:
    """The path of one of the compiler's sanitizer libraries."""
    done = subprocess.run(
        [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=False
    )
    path = Path(done.stdout.strip())
    return str(path.resolve()) if path.is_absolute() and path.exists() else None


def build(compiler: str) -> Path:
    """Compile the extensions; gives the folder to put on the path."""
    library = HOME / "lib"
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(
        ROOT / "src" / "tickwire",
        library / "tickwire",
        ignore=shutil.ignore_patterns("*.so", "*.c", "*.pyd", "__pycache__"),
    )
    subprocess.run(
        [
            *(sys.executable, "setup.py", "--quiet", "build_ext"),
            *("--build-lib", str(library), "--build-temp", str(HOME / "temp"), "--force"),
        ],
        cwd=ROOT,
        check=True,
        env={**os.environ, "CC": compiler, "CFLAGS": f"{SANITIZE} -O1", "LDFLAGS": SANITIZE},
    )
    built = sorted(path.name for path in library.rglob("*.so"))
    if len(built) < 5:
        raise SystemExit(f"only {built} were built")
    return library


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tests", nargs="*", help="what pytest shall run instead of the usual")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    options = parser.parse_args()
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    libraries = compiler and [runtime(compiler, name) for name in ("libasan.so", "libubsan.so")]
    if not compiler or not libraries or None in libraries:
        sys.stderr.write("no compiler with sanitizer libraries: install gcc and libasan\n")
        return 3
    library = HOME / "lib" if options.no_build else build(compiler)
    if options.build_only:
        return 0
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(path for path in libraries if path),
        "ASAN_OPTIONS": (
            # As without it: memory that is not there is a MemoryError.
            "detect_leaks=0:halt_on_error=1:abort_on_error=1:allocator_may_return_null=1"
        ),
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join(map(str, (library, ROOT))),
        "TICKWIRE_PURE": "",
        "TICKWIRE_SANITIZED": "1",  # tests/leaks asks for it
    }
    check = (
        "import tickwire.transport.pump as pump, tickwire.wire as wire\n"
        f"assert pump.COMPILED and wire.COMPILED and {str(library)!r} in wire.__file__, wire"
    )
    subprocess.run([sys.executable, "-c", check], env=environment, check=True, cwd=ROOT)
    tests = options.tests or [path for path in TESTS if (ROOT / path).exists()]
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", DESELECT),
            *("-W", "ignore::ImportWarning", "--tb=short", "--timeout=300", *tests),
        ],
        env=environment,
        cwd=ROOT,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
