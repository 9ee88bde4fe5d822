"""The program of docs/coming-from-the-weex-client.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the simulator needs the `simulator` extra")

from tests.support.server import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "coming-from-the-weex-client.md"


def test_the_program() -> None:
    (source,) = [
        text
        for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
        if "run(" in text
    ]
    done = subprocess.run(
        [sys.executable, "-c", source],
        check=True,
        capture_output=True,
        text=True,
        timeout=6 * PATIENCE,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
    )
    assert re.fullmatch(
        r"\d+\.\d+ \('[\d.]+', '[\d.]+'\) \('[\d.]+', '[\d.]+'\)", done.stdout.strip()
    )
