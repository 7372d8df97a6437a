"""All benchmarks, one after the other: ``make bench``. They print tables in Markdown and decide nothing."""

from __future__ import annotations

import runpy
import sys

NAMES = (
    "startup",
    "cfb8",
    "study",
    "scale",
    "csvs",
    "faces",
    "edf",
    "ingest",
    "neuro_audit",
    "phones",
    "ocean_qc",
    "ocean_chain",
    "ocean_rates",
    "policies",
    "vault",
    "rekey",
    "packs",
    "transfers",
)

if __name__ == "__main__":
    chosen = sys.argv[1:] or NAMES
    for name in chosen:
        if name not in NAMES:
            sys.exit(f"There is no benchmark {name}; there are: {', '.join(NAMES)}.")
        print(f"\n## {name}\n", flush=True)
        sys.argv = [name]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
