"""The standard library's json, as most programs begin. Given text, which is faster than bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def prepare(frames: Sequence[bytes], market: str) -> Callable[[], int]:
    texts = [frame.decode() for frame in frames]
    loads = json.loads

    def run() -> int:
        taken = 0
        for text in texts:
            if loads(text)["data"]:
                taken += 1
        return taken

    return run
