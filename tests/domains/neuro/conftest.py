from __future__ import annotations

from pathlib import Path

import pytest

from bondstore.config.secrets import Secret
from bondstore.domains.neuro.job import CrosswalkRef
from bondstore.vault.keys import new_pair
from tests.domains.neuro.hospital import Hospital
from tests.homes import home

__all__ = ["home"]
PASSPHRASE = "lantern over quiet water"


@pytest.fixture
def empty_hospital(home: object, tmp_path: Path) -> Hospital:
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    key = f"owner-{tmp_path.name}"[:40].replace("_", "-")  # a process unlocks a key once
    new_pair(key, Secret(PASSPHRASE))
    crosswalk = CrosswalkRef(str(tmp_path / "crosswalk.c4gh"), key, f"file:{tmp_path / 'passphrase'}")
    return Hospital(tmp_path / "in", tmp_path / "out", crosswalk)


@pytest.fixture
def hospital(empty_hospital: Hospital) -> Hospital:
    empty_hospital.fill()
    return empty_hospital
