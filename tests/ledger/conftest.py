"""A ledger in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bondstore.ledger import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's ledger is; nothing is there yet."""
    return tmp_path / ".bondstore" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """An open, empty ledger."""
    with Ledger(path) as opened:
        yield opened
