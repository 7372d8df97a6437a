"""Recordings opened where they are: in a store, and in vaults, of which no more is fetched than is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bondstore
from bondstore.errors import UsageError
from bondstore.ledger import personal_ledger
from bondstore.stores import open_store
from bondstore.vault.recipients import Recipients
from tests.deid.edf.recordings import header, record
from tests.vault.conftest import Vault, home, keys_in_environment, owner, rig_of_az, rig_of_file, rig_of_s3, vault

__all__ = ["home", "keys_in_environment", "owner", "rig_of_az", "rig_of_file", "rig_of_s3", "vault"]
RECORDS = 40_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A recording of 3 MB and 40,000 s, with one annotation, late."""
    folder = tmp_path / "source"
    folder.mkdir()
    lists: list[bytes | None] = [None] * RECORDS
    lists[30_000] = b"+30000\x14\x14\0+30000.5\x14seizure\x14\0"
    rows = b"".join(record(number, text) for number, text in enumerate(lists))
    (folder / "long.edf").write_bytes(header(records=str(RECORDS)) + rows)
    return folder


def fetched(since: int) -> int:
    with personal_ledger() as ledger:
        return sum(one.size for one in ledger.audit.entries() if one.seq > since)


def head() -> int:
    with personal_ledger() as ledger:
        return ledger.audit.head()[0]


def test_an_encrypted_recording_is_read_by_ranges(vault: Vault, source: Path) -> None:
    vault.put(source)
    whole = bondstore.neuro.open(source / "long.edf")
    since = head()
    url, key = f"{vault.spec.url}#long.edf", vault.reader.key
    found = bondstore.neuro.open(url, key=key, passphrase=vault.reader.passphrase, profile=vault.spec.profile)
    times, values = found.samples("EEG Fp1", 20_000, 20_010)
    assert fetched(since) < 1 << 20
    assert np.array_equal(times, 20_000 + np.arange(80) / 8)
    assert np.array_equal(values, whole.samples("EEG Fp1", 20_000, 20_010).values)
    assert [(one.onset, one.text) for one in found.annotations] == [(30_000.5, "seizure")]
    with pytest.raises(UsageError, match="is encrypted"):
        bondstore.neuro.open(f"{vault.spec.url}/data/long.edf.c4gh", profile=vault.spec.profile)


def test_an_object_of_a_store(vault: Vault, source: Path) -> None:
    open_store(vault.spec).put("day/long.edf", (source / "long.edf").read_bytes())
    since = head()
    found = bondstore.neuro.open(f"{vault.spec.url}/day/long.edf", profile=vault.spec.profile)
    assert len(found.samples(0, 39_999.5).values) == 4
    assert fetched(since) < 1 << 20


def test_a_vault_that_is_not_encrypted_asks_for_no_passphrase(owner: Recipients, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "plain").as_uri()
    assert bondstore.vaults.put(str(source), url, passphrase=owner.passphrase).state == "finished"
    assert bondstore.neuro.open(f"{url}#long.edf").records == RECORDS
