"""A small study for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.phonelab import PhoneLab


@pytest.fixture
def lab(tmp_path: Path) -> PhoneLab:
    return PhoneLab(tmp_path)
