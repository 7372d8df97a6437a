"""Make the reference pages from the code: ``python docs/build.py``; ``--check`` only tells which are out of date."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a file, python looks beside it only

from docs.generator import archive, commands, exit_codes, findings, ledger, python, settings, streams, tests  # noqa: E402

PAGES = {
    "archive": archive.make,
    "commands": commands.make,
    "exit-codes": exit_codes.make,
    "findings": findings.make,
    "ledger": ledger.make,
    "python": python.make,
    "settings": settings.make,
    "streams": streams.make,
    "tests": tests.make,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or check them; returns 1 when one is out of date."""
    stale = 0
    for name, make in PAGES.items():
        path = ROOT / "docs" / "reference" / f"{name}.md"
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in arguments:
            sys.stderr.write(f"{path.relative_to(ROOT)} is out of date. Run: make docs\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stderr.write(f"Made {path.relative_to(ROOT)}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
