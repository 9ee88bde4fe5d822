"""Draws the manager's state table into the docs.

python tools/state_picture.py            # writes docs/manager.md
python tools/state_picture.py --check    # exits with 1 if it is out of date
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tickwire.manager.states import mermaid

PAGE = Path(__file__).resolve().parents[1] / "docs" / "manager.md"
_PLACE = re.compile(r"(<!-- states -->\n).*?(<!-- /states -->)", re.S)


def drawn(text: str) -> str:
    """The page with the picture as it should be."""
    return _PLACE.sub(lambda m: f"{m[1]}```mermaid\n{mermaid()}\n```\n{m[2]}", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    before = PAGE.read_text()
    after = drawn(before)
    if parser.parse_args().check:
        return int(before != after)
    PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
