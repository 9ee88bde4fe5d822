"""One measurement in a process of its own: reads a job from its command line, prints figures.

``python -m benchmarks.client '{"kind": "receive", "peer": "tickwire", …}'``; the last line of its
output is JSON. Started by ``run.py``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import sys
from typing import Any

from benchmarks.kinds import KINDS
from benchmarks.workloads import Job, Server


def _run(main: Any) -> Any:
    """On uvloop where there is one, for every client alike."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    if asked["core"] is not None:
        os.sched_setaffinity(0, {asked["core"]})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        peer = importlib.import_module(f"benchmarks.{asked['peer']}")
    except ModuleNotFoundError as missing:
        sys.exit(f"not installed: {missing.name}")
    job = Job(Server(**asked["server"]), peer, asked["way"], asked["options"])
    figures = _run(KINDS[asked["kind"]](job))
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
