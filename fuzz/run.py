"""Builds the instrumented cores and fuzzes them: ``make fuzz``.

    python -m fuzz.run                         # every group, as many inputs as its plan says
    python -m fuzz.run parser --inputs 50000   # one group, a shorter run
    python -m fuzz.run parser --replay FILE    # an input that was found, once more

Each group is fuzzed twice: with the undefined-behaviour sanitizer, which costs little, for the
number of inputs; then what that has found goes on with the address sanitizer for a part of it.
The corpus, the inputs that broke something and ``summary.json`` lie in ``build/fuzz``. Exits with 1
if anything broke, with 3 where clang or atheris is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "build" / "fuzz"
CRASHES = HOME / "crashes"
INPUTS = {"parser": 10_000_000, "inflater": 4_000_000, "roundtrip": 2_000_000}
ADDRESS_SHARE = 50
"""One input with the address sanitizer to so many without."""

MAX_LENGTH = 512
SECONDS_PER_INPUT = 10
MEGABYTES = 2048
PROGRESS_SECONDS = 15.0

SANITIZERS = {
    "undefined": ("-fsanitize=undefined", "ubsan_with_fuzzer.so"),
    "address": ("-fsanitize=address,undefined", "asan_with_fuzzer.so"),
}
PROGRESS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/.* exec/s: (\d+)")
STATISTIC = re.compile(r"stat::(\w+):\s+(\d+)")


@dataclass(frozen=True)
class Outcome:
    """What one run came to; ``coverage`` counts edges, ``features`` edges with their hit counts."""

    group: str
    sanitizers: str
    inputs: int
    seconds: float
    coverage: int
    features: int
    corpus: int
    peak_megabytes: int
    broke: str | None

    @property
    def line(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0.0
        return (
            f"{self.group:9} {self.sanitizers:9} {self.inputs:>11,} inputs {rate:>8,.0f}/s  "
            f"{self.coverage} edges, {self.features} features, corpus {self.corpus}, "
            f"{self.peak_megabytes} MB: {self.broke or 'nothing broke'}"
        )


def compiler() -> str | None:
    """A clang: ``CC`` if it is one, else the first on the path."""
    names = [
        os.environ.get("CC", ""),
        "clang",
        *(f"clang-{number}" for number in range(25, 13, -1)),
    ]
    return next((name for name in names if "clang" in name and shutil.which(name)), None)


def missing() -> str | None:
    """What there is to install, or ``None``."""
    if compiler() is None:
        return "no clang: install clang and its runtime (Debian: clang libclang-rt-dev)"
    if shutil.which("make") is None:
        return "no make: it builds the inflater"
    if find_spec("atheris") is None or find_spec("zlib_ng") is None:
        return "no atheris or no zlib-ng: pip install 'tickwire[fuzz]'"
    return None


def build(sanitizers: str) -> Path:
    """The package with instrumented cores; gives the folder to put on the path."""
    flags = f"{SANITIZERS[sanitizers][0]},fuzzer-no-link -fno-sanitize-recover=undefined"
    library = HOME / sanitizers
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(
        ROOT / "src" / "tickwire",
        library / "tickwire",
        ignore=shutil.ignore_patterns("*.so", "*.c", "*.pyd", "__pycache__"),
    )
    clang = compiler() or "clang"
    subprocess.run(
        [
            *(sys.executable, "setup.py", "--quiet", "build_ext", "--force"),
            *("--build-lib", str(library), "--build-temp", str(HOME / "temp")),
        ],
        cwd=ROOT,
        check=True,
        env={
            **os.environ,
            "CC": clang,
            "LDSHARED": f"{clang} -shared",
            "CFLAGS": f"{flags} -O1 -g -fno-omit-frame-pointer",
            "LDFLAGS": flags,
        },
    )
    return library


def build_inflater(sanitizers: str) -> None:
    """zlib-ng, which inflates, with its branches counted too; beside the package of `build`.

    It comes as source from the package index, in the version that is installed. Its undefined
    behaviour is not looked for: it is not ours to mend.
    """
    flags = "-fsanitize=fuzzer-no-link" + (",address" if sanitizers == "address" else "")
    home = HOME / f"zlib-ng-{sanitizers}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    clang = compiler() or "clang"
    environment = {
        **os.environ,
        "CC": clang,
        "LDSHARED": f"{clang} -shared",
        "CFLAGS": f"{flags} -O1 -g -fPIC",
        "LDFLAGS": flags,
        "PYTHON_ZLIB_NG_BUILD_CACHE": "1",
        "PYTHON_ZLIB_NG_BUILD_CACHE_FILE": str(home / "cache"),
    }

    def call(*command: str, cwd: Path) -> None:
        subprocess.run(command, cwd=cwd, env=environment, check=True, stdout=subprocess.DEVNULL)

    call(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--no-binary", "zlib-ng", f"zlib-ng=={version('zlib-ng')}"),
        cwd=home,
    )
    (archive,) = home.glob("*.tar.gz")
    shutil.unpack_archive(archive, home, filter="data")
    (source,) = (path for path in home.iterdir() if path.is_dir())
    library = source / "src" / "zlib_ng" / "zlib-ng"
    call("sh", "./configure", "--static", cwd=library)
    call("make", "libz-ng.a", cwd=library)
    (home / "cache").write_text(str(library))
    call(
        *(sys.executable, "setup.py", "--quiet", "build"),
        *("--build-lib", str(HOME / sanitizers)),
        cwd=source,
    )


def environment(sanitizers: str) -> dict[str, str]:
    """For a process that runs `fuzz.target` on a build of `build`."""
    import atheris

    values = {
        **os.environ,
        "LD_PRELOAD": str(Path(atheris.path()) / SANITIZERS[sanitizers][1]),
        "PYTHONPATH": os.pathsep.join(map(str, (HOME / sanitizers, ROOT))),
        "TICKWIRE_PURE": "",
        # CPython leaks by design at its end.
        "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=16",
    }
    if sanitizers == "address":
        values["PYTHONMALLOC"] = "malloc"
    return values


def seed(group: str) -> Path:
    """The group's corpus, with what is made by code in it."""
    from .seeds import corpus

    folder = HOME / "corpus" / group
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(corpus(group)):
        (folder / f"seed-{number:02}").write_bytes(data)
    return folder


def command(group: str, inputs: int) -> list[str]:
    """What is started for a group."""
    return [
        *(sys.executable, "-m", "fuzz.target", group, f"-runs={inputs}", f"-max_len={MAX_LENGTH}"),
        *(f"-timeout={SECONDS_PER_INPUT}", f"-rss_limit_mb={MEGABYTES}"),
        *(f"-artifact_prefix={CRASHES}{os.sep}{group}-", "-print_final_stats=1", str(seed(group))),
    ]


def fuzz(group: str, sanitizers: str, inputs: int) -> Outcome:
    """One libFuzzer process to its end."""
    CRASHES.mkdir(parents=True, exist_ok=True)
    begun = shown = time.monotonic()
    last: list[str] = []
    reached = [0, 0, 0, 0, 0]
    statistics: dict[str, int] = {}
    with subprocess.Popen(
        command(group, inputs),
        cwd=ROOT,
        env=environment(sanitizers),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := PROGRESS.match(line):
                reached = [int(number) for number in found.groups()]
                if time.monotonic() - shown > PROGRESS_SECONDS:
                    shown = time.monotonic()
                    print(
                        f"{group}: {reached[0]:,} of {inputs:,} inputs, {reached[4]:,}/s, "
                        f"{reached[1]} edges",
                        flush=True,
                    )
            elif found := STATISTIC.match(line):
                statistics[found[1]] = int(found[2])
            else:
                last = [*last[-60:], line]
    broke = None
    if process.returncode:
        print("".join(last))
        broke = next(
            (line.split("written to ")[1].strip() for line in last if "written to " in line),
            f"exit code {process.returncode}",
        )
        print(f"once more: {sys.executable} -m fuzz.run {group} --replay {broke}")
    return Outcome(
        group=group,
        sanitizers=sanitizers,
        inputs=statistics.get("number_of_executed_units", reached[0]),
        seconds=round(time.monotonic() - begun, 1),
        coverage=reached[1],
        features=reached[2],
        corpus=reached[3],
        peak_megabytes=statistics.get("peak_rss_mb", 0),
        broke=broke,
    )


def replay(group: str, file: str, sanitizers: str) -> int:
    """One input through its group's property, with the sanitizers."""
    return subprocess.run(
        [sys.executable, "-m", "fuzz.target", group, file],
        cwd=ROOT,
        env=environment(sanitizers),
        check=False,
    ).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(INPUTS)}; all if left out")
    parser.add_argument("--inputs", type=int, help="for each group, instead of its plan's number")
    parser.add_argument("--no-build", action="store_true", help="use what was built before")
    parser.add_argument("--replay", metavar="FILE", help="run this input, and nothing else")
    options = parser.parse_args()
    groups = options.groups or list(INPUTS)
    if unknown := set(groups) - set(INPUTS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    if options.replay and len(groups) != 1:
        parser.error("--replay needs the name of the input's group")
    if lack := missing():
        print(lack, file=sys.stderr)
        return 3
    for sanitizers in SANITIZERS:
        if not options.no_build:
            build(sanitizers)
            build_inflater(sanitizers)
    if options.replay:
        return replay(groups[0], os.path.abspath(options.replay), "address")
    outcomes = []
    for group in groups:
        inputs = options.inputs or INPUTS[group]
        for sanitizers in SANITIZERS:
            share = inputs if sanitizers == "undefined" else inputs // ADDRESS_SHARE
            outcomes.append(fuzz(group, sanitizers, share))
            print(outcomes[-1].line, flush=True)
            if outcomes[-1].broke:
                break
    name = "summary.json" if groups == list(INPUTS) else f"summary-{'-'.join(groups)}.json"
    (HOME / name).write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    print(f"{sum(outcome.inputs for outcome in outcomes):,} inputs in all")
    return 1 if any(outcome.broke for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
