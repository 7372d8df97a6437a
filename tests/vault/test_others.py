"""One vault, and more than one upload: other recipients, other sources, other versions, what others put there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.codecs.crypt4gh import PrivateKey, header, new_envelope
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret
from bondstore.errors import ConfigurationError, DamagedError, Interrupted, PolicyError, UsageError
from bondstore.ledger import Item
from bondstore.runs.context import RunContext
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Threads
from bondstore.stores import open_store
from bondstore.vault.keys import key_folder, new_pair
from bondstore.vault.known import note_seen, seen
from bondstore.vault.manifests import Manifests
from bondstore.vault.proofs import Reader
from bondstore.vault.put import PutJob, put_job
from bondstore.vault.reading import Vault as Reading
from bondstore.vault.recipients import Recipients
from bondstore.vault.sending import abort_others, journal_name
from tests.vault.conftest import PASSPHRASE, Vault, tree_of


def folder_of(root: Path, **files: bytes) -> Path:
    root.mkdir(exist_ok=True)
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def here(owner: Recipients, tmp_path: Path) -> Vault:
    return Vault(StoreSpec((tmp_path / "vault").as_uri(), Profile()), owner, Reader(owner.key, owner.passphrase))


def test_names_with_line_ends_of_unicode(vault: Vault, tmp_path: Path) -> None:
    """U+2028, U+2029 and U+0085 end lines for some readers, and stand in names of files."""
    source = tmp_path / "source"
    source.mkdir()
    for sign in "\u2028\u2029\u0085\x0b\x0c\x1c":
        (source / f"a{sign}b").write_bytes(sign.encode())
    assert vault.put(source).state == "finished"
    assert vault.get(tmp_path / "back").tally.done.objects == 6
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_of_two_objects_with_one_file_the_newer_one_is_fetched(here: Vault, tmp_path: Path) -> None:
    """Put encrypted, and later another version of it as it is."""
    source = folder_of(tmp_path / "source", x=b"old")
    here.put(source)
    (source / "x").write_bytes(b"new")
    here.recipients = replace(here.recipients, names=(), publics=())
    here.put(source, "refresh")
    here.get(tmp_path / "back")
    assert (tmp_path / "back/x").read_bytes() == b"new"
    here.get(tmp_path / "as-is", encrypted=True)
    assert (tmp_path / "as-is/x").read_bytes() == b"new"


def test_another_source_s_version_is_not_replaced_unasked(here: Vault, tmp_path: Path) -> None:
    one, other = folder_of(tmp_path / "one", x=b"of one"), folder_of(tmp_path / "other", x=b"of the other")
    here.put(one)
    here.put(other, "refresh")
    with pytest.raises(UsageError, match="would replace"):
        here.put(one)
    here.get(tmp_path / "back")
    assert (tmp_path / "back/x").read_bytes() == b"of the other"


def test_no_manifest_names_what_another_source_replaced(here: Vault, tmp_path: Path) -> None:
    one, other = folder_of(tmp_path / "one", x=b"of one", y=b"y"), folder_of(tmp_path / "other", x=b"of the other")
    here.put(one)
    here.put(other, "refresh")
    (one / "x").unlink()
    assert here.put(one).state == "finished"
    assert here.get(tmp_path / "back").tally.complete
    assert (tmp_path / "back/x").read_bytes() == b"of the other"


def with_berta(vault: Vault) -> Recipients:
    berta = new_pair("berta", Secret(PASSPHRASE))
    publics = (*vault.recipients.publics, berta.public.hex())
    return replace(vault.recipients, names=("owner", "berta"), publics=publics)


def test_files_that_stay_encrypted_for_others_are_told(here: Vault, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", x=b"x")
    here.put(source)
    here.recipients = with_berta(here)
    (source / "z").write_bytes(b"z")
    done = here.put(source)
    assert done.tally.done.objects == 1
    assert done.plan.left_out == {"stay encrypted for other keys: see bondstore rekey": 1}
    here.reader = replace(here.reader, key="berta")
    assert here.get(tmp_path / "back").tally.quarantined.objects == 1
    assert tree_of(tmp_path / "back") == {"z": b"z"}


def test_no_manifest_says_that_others_can_decrypt_what_a_stopped_run_encrypted(here: Vault, tmp_path: Path) -> None:
    """The run ends before its manifest; the next one encrypts for somebody else too."""
    source = folder_of(tmp_path / "source", x=b"x" * 1000)

    def stop(*_: object) -> object:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Manifests, "groups", stop)
        with pytest.raises((KeyboardInterrupt, Interrupted)):
            here.put(source)
    assert (tmp_path / "vault/data/x.c4gh").exists()
    here.recipients = with_berta(here)
    assert here.put(source).state == "finished"
    for name in ("owner", "berta"):
        here.reader = replace(here.reader, key=name)
        assert here.get(tmp_path / name).tally.complete
        assert tree_of(tmp_path / name) == tree_of(source)


def test_a_recipient_that_is_named_twice_is_one(home: object, here: Vault, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", x=b"x" * 1000)
    job = put_job(str(source), here.spec.url, seal_for=["owner", "owner"], passphrase=here.recipients.passphrase)
    assert execute(job, open_destination(here.spec), Threads(1)).state == "finished"
    assert here.get(tmp_path / "back").tally.complete
    assert tree_of(tmp_path / "back") == tree_of(source)


@pytest.mark.parametrize("name", ["data/plain.txt", "data/x.c4gh", "bagit.txt"])
def test_a_place_with_objects_of_others_is_refused(vault: Vault, tmp_path: Path, name: str) -> None:
    store = open_store(vault.spec)
    store.put(name, b"of others")
    with pytest.raises(UsageError, match="no upload into a vault put there"):
        vault.put(folder_of(tmp_path / "source", x=b"x"))
    assert [(one.key, one.size) for one in store.list()] == [(name, 9)]


def test_who_signs_without_a_public_key_for_it_is_refused_first(here: Vault, tmp_path: Path) -> None:
    (key_folder() / "owner.sign.pub").unlink()
    with pytest.raises(ConfigurationError, match="signatures"):
        here.put(folder_of(tmp_path / "source", x=b"x"))
    assert not (tmp_path / "vault/data").exists()


def test_what_is_not_encrypted_goes_to_no_disk_where_that_is_forbidden(here: Vault, tmp_path: Path) -> None:
    source = StoreSpec(folder_of(tmp_path / "source", x=b"x").as_uri(), Profile(name="strict", plaintext="forbidden"))
    plain = replace(here.recipients, names=(), publics=())
    with pytest.raises(PolicyError, match="forbids"):
        PutJob(source, here.spec, plain).check()
    PutJob(source, here.spec, here.recipients).check()


def test_an_older_manifest_is_never_noted_over_a_newer_one(home: object) -> None:
    """As when two commands end at the same moment."""
    spec = StoreSpec("s3://bucket/vault", Profile())
    note_seen(spec, 2, "b" * 64)
    note_seen(spec, 1, "a" * 64)
    assert seen(spec) == (2, "b" * 64)


def test_a_forged_object_is_not_read_in_part(vault: Vault, tmp_path: Path) -> None:
    """Anybody can encrypt for a public key: a header counts only from who signed the manifest."""
    content = bytes(range(256)) * 1000
    vault.put(folder_of(tmp_path / "source", x=content))
    reading = Reading(vault.spec, vault.reader)
    assert reading.read_range("x", 70_000, 70_010) == content[70_000:70_010]
    envelope = new_envelope()
    forged = header(envelope, vault.recipients.raw, PrivateKey.new()) + envelope.segments.seal(bytes(len(content)))
    open_store(vault.spec).put("data/x.c4gh", forged)
    with pytest.raises(DamagedError, match="not from who signed"):
        Reading(vault.spec, vault.reader).read_range("x", 70_000, 70_010)


def test_journals_of_other_sources_stay(here: Vault, tmp_path: Path) -> None:
    """And one whose first line a full disk cut off goes."""
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    spec = StoreSpec((tmp_path / "source").as_uri(), Profile())
    other = StoreSpec((tmp_path / "other").as_uri(), Profile())
    context = RunContext("run", "job", "anna", spec, open_destination(here.spec))
    item = Item("a", "v", 1, "data/a.c4gh")
    torn, theirs = (uploads / journal_name(replace(context, source=one), item) for one in (spec, other))
    torn.write_text('{"key": "da')
    theirs.write_text('{"key": "data/a.c4gh"}\n')
    abort_others(open_store(here.spec), uploads, context, [])
    assert not torn.exists()
    assert theirs.exists()
