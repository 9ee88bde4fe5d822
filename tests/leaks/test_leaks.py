"""The short form of the leak check; ``make leaks`` runs the long one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("connections.py")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc")
@pytest.mark.skipif("TICKWIRE_SANITIZED" in os.environ, reason="the sanitizers keep freed memory")
def test_1000_connections_leave_nothing() -> None:
    # A short run is noisy: a page here and there weighs more per connection.
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--count", "1000", "--allowed", "3000"],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert json.loads(done.stdout)["descriptors_after"] > 0
