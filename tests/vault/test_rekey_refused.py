"""What is not rekeyed, and what is not believed after a vault was rekeyed."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore import vaults
from bondstore.codecs.crypt4gh import PrivateKey, header, new_envelope
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret
from bondstore.errors import ConfigurationError
from bondstore.stores import open_store
from bondstore.vault import uploading
from bondstore.vault.keys import new_pair
from bondstore.vault.manifest import Content, Manifest, digest, header_size, write_list
from bondstore.vault.proofs import Reader
from bondstore.vault.readdress import Change, public_keys
from bondstore.vault.recipients import Recipients
from tests.cli.conftest import Call, cli
from tests.servers.faulty import Fault, FaultyProxy
from tests.stores.rigs import s3_profile
from tests.vault.conftest import PASSPHRASE, Vault
from tests.vault.test_rekey import Lab, lab_of

__all__ = ["cli"]


@pytest.fixture
def lab(owner: Recipients, tmp_path: Path) -> Lab:
    spec = StoreSpec((tmp_path / "vault").as_uri(), Profile())
    return lab_of(Vault(spec, owner, Reader(owner.key, owner.passphrase)), tmp_path)


def test_an_old_header_that_is_put_back_is_refused(lab: Lab, tmp_path: Path) -> None:
    """It is of the same length, and was right before."""
    objects = sorted(one for one in (tmp_path / "vault/data").rglob("*") if one.is_file())
    old = {one: one.read_bytes() for one in objects}
    assert lab.rekey(drop=(lab.berta.fingerprint,)).state == "finished"
    for one, content in old.items():
        assert len(content) == one.stat().st_size
        one.write_bytes(content)
    assert lab.verify().tally.failed.objects == len(old)


def test_an_announcement_that_is_put_back_says_nothing(lab: Lab, tmp_path: Path) -> None:
    """Of a run that was not finished: the one after it has the last word."""
    kept: dict[str, bytes] = {}

    def stop(*_: object) -> None:
        kept.update(
            {one.name: one.read_bytes() for one in (tmp_path / "vault/manifests/announced").iterdir()},
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bondstore.vault.rekeyed.follow", stop)
        lab.rekey()
    objects = [one for one in (tmp_path / "vault/data").rglob("*") if one.is_file()]
    announced = {one: one.read_bytes() for one in objects}
    lab.carla = new_pair("dora", Secret(PASSPHRASE))
    assert lab.rekey().state == "finished"
    assert kept
    (tmp_path / "vault/manifests/announced").mkdir(exist_ok=True)
    for name, content in kept.items():
        (tmp_path / "vault/manifests/announced" / name).write_bytes(content)
    for one, content in announced.items():
        one.write_bytes(content)
    assert lab.verify().tally.failed.objects == len(objects)


def test_what_was_changed_is_not_rekeyed(lab: Lab, tmp_path: Path) -> None:
    """Neither in its header nor behind it, where the bytes pass through here."""
    one, other = tmp_path / "vault/data/a.edf.c4gh", tmp_path / "vault/data/p1/day 1/b.edf.c4gh"
    for path, at in ((one, 20), (other, 5000)):
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
    done = lab.rekey()
    assert (done.state, done.tally.failed.objects, done.tally.done.objects) == ("incomplete", 2, 3)
    assert lab.verify().tally.failed.objects == 2


def test_a_header_that_anybody_wrote_is_not_rekeyed(lab: Lab, tmp_path: Path) -> None:
    """It is for the right keys and of the right size, and opens another body than the manifest says."""
    path = tmp_path / "vault/data/a.edf.c4gh"
    sealed = path.read_bytes()
    publics = [bytes.fromhex(one) for one in lab.vault.recipients.publics]
    path.write_bytes(header(new_envelope(), publics, PrivateKey.new()) + sealed[header_size(2) :])
    done = lab.rekey()
    assert (done.tally.done.objects, done.tally.failed.objects) == (4, 1)
    assert lab.verify().tally.failed.objects == 1


def test_an_announcement_that_nobody_signed_says_nothing(lab: Lab, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for step in ("RekeyManifests.groups", "Settled.shards"):  # as if it was killed before
            patch.setattr(f"bondstore.vault.rekeyed.{step}", lambda *_: iter(()))
        lab.rekey()
    folder, one = tmp_path / "vault/manifests/announced", tmp_path / "vault/data/a.edf.c4gh"
    [announcement] = folder.glob("*.jsonl")
    old, sealed = one.read_bytes()[: header_size(3)], one.read_bytes()
    assert lab.verify().tally.failed.objects == 0
    publics = [bytes.fromhex(one) for one in lab.vault.recipients.publics]
    new = header(new_envelope(), [*publics, lab.carla.public], PrivateKey.new())
    one.write_bytes(new + sealed[len(old) :])
    content = announcement.read_bytes().replace(digest(old).encode(), digest(new).encode())
    assert content != announcement.read_bytes()
    (folder / f"{digest(content)}.jsonl").write_bytes(content)
    signature = announcement.with_name(f"{announcement.name}.sig").read_bytes()
    (folder / f"{digest(content)}.jsonl.sig").write_bytes(signature)
    assert lab.verify().tally.failed.objects == 1


@pytest.mark.parametrize("is_noise", [True, False])
def test_an_older_vault_is_read_once(
    owner: Recipients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_noise: bool
) -> None:
    """Its lists do not tell header and body apart."""

    def older(contents: dict[str, Content]) -> bytes:
        rows = [json.loads(line) for line in write_list(contents).splitlines()]
        return "".join(
            json.dumps({name: row[name] for name in ("object", "size", "sha256")}) + "\n" for row in rows
        ).encode()

    monkeypatch.setattr(uploading, "write_list", older)
    spec = StoreSpec((tmp_path / "vault").as_uri(), Profile())
    lab = lab_of(Vault(spec, owner, Reader(owner.key, owner.passphrase)), tmp_path)
    changed = tmp_path / "vault/data/a.edf.c4gh"
    sealed = changed.read_bytes()
    changed.write_bytes(random.Random(1).randbytes(100_288) if is_noise else sealed[:-1] + bytes([sealed[-1] ^ 1]))
    done = lab.rekey()
    assert (done.tally.done.objects, done.tally.failed.objects) == (4, 1)
    assert lab.opened(lab.carla)["large.avi"] == (lab.source / "large.avi").read_bytes()


def test_who_stays_must_be_known(lab: Lab) -> None:
    """Where a manifest names only the fingerprints, and nobody trusts the key."""
    manifest = Manifest(1, "", "", "", "", (lab.berta.fingerprint, "SHA256:unknown"))
    change = Change((("carla", lab.carla.public.hex()),), (lab.berta.fingerprint,))
    with pytest.raises(ConfigurationError, match="The public key of SHA256:unknown is not known"):
        public_keys(change, [manifest])
    assert lab.carla.fingerprint in public_keys(replace(change, dropped=()), [manifest])


def test_who_cannot_decrypt_cannot_add_anybody(lab: Lab, cli: Call, tmp_path: Path) -> None:
    add = ("rekey", str(tmp_path / "vault"), "--passphrase", f"file:{tmp_path}/passphrase", "--yes", "--for", "carla")
    result = cli(*add, "--key", "carla")
    assert result.code == 5
    assert "wrong-recipient: 5 objects" in result.out
    result = cli(*add, "--drop", "SHA256:nobody", "--key", "owner")
    assert result.code == 2
    assert "Nothing in" in result.err
    result = cli(*add, "--drop", "owner", "--key", "owner")
    assert result.code == 0
    assert "Added: carla. Dropped: owner." in result.err
    assert "You will not be able to decrypt them with your key owner any more." in result.err


def test_archived_objects_keep_their_recipients(
    owner: Recipients, faulty: FaultyProxy, bucket: str, tmp_path: Path, keys_in_environment: None
) -> None:
    """Those that a restored copy of can be read are rekeyed, and stay in their class."""
    spec = StoreSpec(f"s3://{bucket}/vault", s3_profile(faulty.endpoint))
    lab = lab_of(Vault(spec, owner, Reader(owner.key, owner.passphrase)), tmp_path)
    for name, restore in (
        ("b.edf", None),
        ("large.avi", 'ongoing-request="false", expiry-date="Fri, 01 Jan 2100 00:00:00 GMT"'),
    ):
        headers: dict[str, str | None] = {"x-amz-storage-class": "GLACIER", "x-amz-restore": restore}
        faulty.add(Fault("headers", method="HEAD", contains=name, times=1_000_000, headers=headers))
    done = lab.rekey()
    assert (done.tally.done.objects, done.tally.failed.objects, done.tally.waiting) == (4, 1, 1)
    faulty.clear()
    assert lab.opened(lab.carla)["p1/day 1/b.edf"] is None
    assert lab.opened(lab.carla)["large.avi"] is not None
    assert open_store(spec).standing("data/large.avi.c4gh").storage_class == "GLACIER"
    assert lab.rekey().tally.done.objects == 1


def test_in_python(lab: Lab, tmp_path: Path) -> None:
    reference = f"file:{tmp_path}/passphrase"
    done = vaults.rekey(str(tmp_path / "vault"), add=["carla"], key="owner", passphrase=reference)
    assert done.state == "finished"
    vault = vaults.open_vault(str(tmp_path / "vault"), key="carla", passphrase=reference)
    assert vault.read("a.edf") == (lab.source / "a.edf").read_bytes()
    assert vault.read_range("a.edf", 70_000, 70_010) == (lab.source / "a.edf").read_bytes()[70_000:70_010]
