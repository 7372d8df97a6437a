"""Whatever somebody does to a vault, what it holds is refused and named; nothing of it is written."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bondstore.codecs.segments import SEALED_SEGMENT
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret
from bondstore.errors import DamagedError, IntegrityError, PolicyError, WrongKeyError
from bondstore.ledger import personal_path
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Threads
from bondstore.stores import open_store
from bondstore.vault.keys import new_pair
from bondstore.vault.proofs import Reader, proofs_of
from bondstore.vault.readdress import Change
from bondstore.vault.recipients import Recipients
from bondstore.vault.rekey import RekeyJob
from tests.vault.conftest import PASSPHRASE, Vault, tree_of

FILES = {"a.edf": 400_000, "b.edf": 400_000, "c/d.txt": 10}
ROUNDS = 12


@pytest.fixture
def vault(owner: Recipients, tmp_path: Path) -> Vault:
    return filled(owner, tmp_path)


@pytest.fixture(params=["alone", "packed", "alone, rekeyed", "packed, rekeyed"])
def any_vault(request: pytest.FixtureRequest, owner: Recipients, tmp_path: Path) -> Vault:
    vault = filled(owner, tmp_path, 10_000_000 if "packed" in request.param else 0)
    if "rekeyed" in request.param:
        berta = new_pair("berta", Secret(PASSPHRASE))
        job = RekeyJob(vault.spec, Change((("berta", berta.public.hex()),)), vault.reader)
        assert execute(job, open_destination(vault.spec), Threads(2)).state == "finished"
    return vault


def filled(owner: Recipients, tmp_path: Path, pack: int = 0) -> Vault:
    """A vault of two uploads."""
    spec = StoreSpec((tmp_path / "vault").as_uri(), Profile())
    vault = Vault(spec, owner, Reader(owner.key, owner.passphrase), pack)
    rng = random.Random(1)
    for name, size in FILES.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(rng.randbytes(size))
    assert vault.put(tmp_path / "source").state == "finished"
    (tmp_path / "source" / "later.txt").write_bytes(b"one more")
    assert vault.put(tmp_path / "source").state == "finished"
    return vault


def body_at(content: bytes) -> int:
    """Return where the body begins: behind 16 bytes and a packet of 108 for each recipient."""
    assert content[12] in (1, 2)
    return 16 + 108 * content[12]


def segments_of(content: bytes) -> list[bytes]:
    start = body_at(content)
    return [content[at : at + SEALED_SEGMENT] for at in range(start, len(content), SEALED_SEGMENT)]


def dropped(content: bytes, rng: random.Random) -> bytes:
    parts = segments_of(content)
    del parts[rng.randrange(len(parts))]
    return content[: body_at(content)] + b"".join(parts)


def doubled(content: bytes, rng: random.Random) -> bytes:
    parts = segments_of(content)
    at = rng.randrange(len(parts) - 1)
    return content[: body_at(content)] + b"".join([*parts[: at + 1], parts[at], *parts[at + 1 :]])


def swapped(content: bytes, rng: random.Random) -> bytes:
    parts = segments_of(content)
    one, other = rng.sample(range(len(parts) - 1), 2)
    parts[one], parts[other] = parts[other], parts[one]
    return content[: body_at(content)] + b"".join(parts)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def flipped(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def header_flipped(content: bytes, rng: random.Random) -> bytes:
    return flipped(content[: body_at(content)], rng) + content[body_at(content) :]


@pytest.mark.parametrize("change", [dropped, doubled, swapped, cut, flipped, header_flipped])
def test_a_changed_object_is_refused_and_named(
    vault: Vault, tmp_path: Path, change: Callable[[bytes, random.Random], bytes]
) -> None:
    rng = random.Random(change.__name__)
    name, whole = "data/a.edf.c4gh", (tmp_path / "vault/data/a.edf.c4gh").read_bytes()
    for number in range(ROUNDS):
        (tmp_path / "vault" / name).write_bytes(change(whole, rng))
        dest = tmp_path / f"back{number}"
        result = vault.get(dest)
        assert result.state == "incomplete"
        assert (result.tally.done.objects, result.tally.quarantined.objects) == (3, 1)
        found = tree_of(dest)
        assert "a.edf" not in found
        assert found == {path: content for path, content in tree_of(tmp_path / "source").items() if path != "a.edf"}


def test_objects_that_changed_places_are_refused(vault: Vault, tmp_path: Path) -> None:
    one, other = (tmp_path / "vault/data" / name for name in ("a.edf.c4gh", "b.edf.c4gh"))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    result = vault.get(tmp_path / "back")
    assert result.tally.quarantined.objects == 2
    assert sorted(tree_of(tmp_path / "back")) == ["c/d.txt", "later.txt"]


def test_what_is_missing_and_what_nobody_put_are_told(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "vault/data/a.edf.c4gh").rename(tmp_path / "vault/data/foreign.edf.c4gh")
    result = vault.get(tmp_path / "back")
    assert (result.tally.done.objects, result.tally.quarantined.objects, result.tally.failed.objects) == (3, 1, 1)
    assert sorted(tree_of(tmp_path / "back")) == ["b.edf", "c/d.txt", "later.txt"]


def files_of(folder: Path, pattern: str) -> Iterator[Path]:
    yield from sorted(folder.glob(pattern))


def test_a_changed_manifest_signature_or_list_is_refused(vault: Vault, tmp_path: Path) -> None:
    rng = random.Random(3)
    folder = tmp_path / "vault/manifests"
    number = 0
    for pattern, refused in (("*.jsonl", True), ("*.sig", True), ("lists/*", False)):
        for file in files_of(folder, pattern):
            whole = file.read_bytes()
            for change in (flipped, flipped, cut):
                file.write_bytes(change(whole, rng))
                number += 1
                if refused:
                    with pytest.raises((IntegrityError, Exception)) as caught:
                        vault.get(tmp_path / f"back{number}")
                    assert caught.type.__name__ in ("IntegrityError", "PolicyError")
                else:
                    assert vault.get(tmp_path / f"back{number}").tally.quarantined.objects > 0
                file.write_bytes(whole)
            shutil.copy(file, tmp_path / "kept")
            file.unlink()
            number += 1
            if refused and file.name != "000002.jsonl":
                with pytest.raises(IntegrityError):
                    vault.get(tmp_path / f"back{number}")
            shutil.copy(tmp_path / "kept", file)
    assert vault.get(tmp_path / "whole").state == "finished"


def test_verify_tells_of_a_list_that_is_gone(vault: Vault, tmp_path: Path) -> None:
    """Without it nobody gets the files, although every object is as it was."""
    assert vault.verify().state == "finished"
    for file in files_of(tmp_path / "vault/manifests", "lists/*"):
        file.unlink()
    assert vault.verify().tally.failed.objects == len(FILES) + 1


def test_an_older_state_that_is_put_back_is_noticed(vault: Vault, tmp_path: Path) -> None:
    """It is whole by itself: every signature and link is right."""
    for file in files_of(tmp_path / "vault/manifests", "000002*"):
        file.rename(tmp_path / file.name)
    with pytest.raises(IntegrityError, match=r"The manifest 2 of .* is missing, and was there before"):
        vault.get(tmp_path / "back")
    with pytest.raises(IntegrityError, match="is missing, and was there before"):
        vault.put(tmp_path / "source")
    for name in ("000002.jsonl", "000002.jsonl.sig"):
        (tmp_path / name).rename(tmp_path / "vault/manifests" / name)
    assert vault.get(tmp_path / "back").state == "finished"


def test_vaults_whose_names_differ_behind_a_dot_are_not_taken_for_each_other(vault: Vault, tmp_path: Path) -> None:
    for name in ("study.2025", "study.2026"):
        one = Vault(StoreSpec((tmp_path / name).as_uri(), Profile()), vault.recipients, vault.reader)
        (tmp_path / "source" / name).write_bytes(name.encode())
        assert one.put(tmp_path / "source").state == "finished"


def test_who_removed_a_vault_is_told_how_to_begin_anew(vault: Vault, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "vault")
    with pytest.raises(IntegrityError, match="is missing, and was there before") as refused:
        vault.put(tmp_path / "source")
    found = re.search(r"If you removed the vault yourself, move (.+) away first\.", refused.value.hint)
    assert found is not None
    Path(found[1]).unlink()
    assert vault.put(tmp_path / "source").state == "finished"


def test_another_manifest_of_the_same_signer_in_its_place_is_noticed(vault: Vault, tmp_path: Path) -> None:
    kept = {file.name: file.read_bytes() for file in files_of(tmp_path / "vault/manifests", "000002*")}
    for name in kept:
        (tmp_path / "vault/manifests" / name).unlink()
    other = Vault(StoreSpec((tmp_path / "other").as_uri(), Profile()), vault.recipients, vault.reader)
    shutil.copytree(tmp_path / "vault/manifests", tmp_path / "other/manifests")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x").write_bytes(b"x")
    assert other.put(tmp_path / "more").state == "finished"
    for name in kept:
        shutil.copy(tmp_path / "other/manifests" / name, tmp_path / "vault/manifests" / name)
    with pytest.raises(IntegrityError, match=r"The manifest 2 of .* is not the one that was there before"):
        vault.get(tmp_path / "back")


def everything(vault: Vault) -> None:
    """Read all that is in a vault, as `get` and `verify` do."""
    proofs = proofs_of(vault.spec, fresh=True)
    store = open_store(vault.spec)
    for name in proofs.entries:
        for _ in proofs.content_of(name, [bytes(store.get(name).data)], vault.reader):
            pass


def exchanged(root: Path, file: Path, rng: random.Random) -> None:
    """Put another file of the vault in the place of one."""
    others = [one for one in root.rglob("*") if one.is_file() and ".bondstore" not in one.parts and one != file]
    other = rng.choice(sorted(others))
    file.write_bytes(other.read_bytes())


def test_no_mutation_passes(any_vault: Vault, tmp_path: Path) -> None:
    """Every object, pack, list and manifest of a vault, changed in every way: the first read of it says so."""
    vault = any_vault
    root, rng = tmp_path / "vault", random.Random(os.environ.get("VAULT_MUTATIONS_SEED", "1"))
    everything(vault)
    files = sorted(one for one in root.glob("*/**/*") if one.is_file() and ".bondstore" not in one.parts)
    for _ in range(int(os.environ.get("VAULT_MUTATIONS", "300"))):
        file = rng.choice(files)
        whole = file.read_bytes()
        ways = [flipped, cut, header_flipped, dropped, doubled, swapped]
        if len(whole) < 3 * SEALED_SEGMENT or file.suffix != ".c4gh":
            ways = [flipped, cut]
        way = rng.choice([*ways, exchanged])
        if way is exchanged:
            exchanged(root, file, rng)
        else:
            file.write_bytes(way(whole, rng))
        if file.read_bytes() != whole:
            with pytest.raises((DamagedError, IntegrityError, WrongKeyError, PolicyError)):
                everything(vault)
        file.write_bytes(whole)
    everything(vault)


def test_a_damaged_note_of_the_newest_manifest_is_told(vault: Vault, tmp_path: Path) -> None:
    (note,) = (personal_path().parent / "vaults").glob("*.json")
    for content in (b"", b"[]", b"{}", b"\xff"):
        note.write_bytes(content)
        with pytest.raises(IntegrityError, match="which names the newest manifest that you saw"):
            vault.get(tmp_path / "back")
