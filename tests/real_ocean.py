"""The real ocean files beside the checkout; a test that finds none is passed over, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest


def real(pattern: str) -> list[Path]:
    """Files below ``shared/data/ocean``, by a pattern; at least one."""
    for above in Path(__file__).resolve().parents:
        folder = above / "shared" / "data" / "ocean"
        if folder.is_dir():
            found = sorted(folder.glob(pattern))
            assert found, pattern
            return found
    pytest.skip("There are no real ocean files beside this checkout (shared/data/ocean).")
