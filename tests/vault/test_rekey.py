"""Other recipients for a vault: the reference library opens what becomes of it, and no body passes through here."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from crypt4gh import lib

from bondstore.codecs.crypt4gh import header, new_envelope
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret
from bondstore.errors import DamagedError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Threads
from bondstore.stores import open_store
from bondstore.vault.chain import read_chain
from bondstore.vault.keys import Recipient, new_pair, open_own
from bondstore.vault.manifest import header_size
from bondstore.vault.proofs import Reader, proofs_of
from bondstore.vault.put import PutJob
from bondstore.vault.readdress import Change
from bondstore.vault.reading import Vault as Reading
from bondstore.vault.recipients import Recipients
from bondstore.vault.rekey import RekeyJob
from bondstore.vault.verify import VerifyJob, destination_of
from tests.servers.faulty import FaultyProxy
from tests.stores.rigs import s3_profile
from tests.vault.conftest import PASSPHRASE, Vault, tree_of

SIZES = {"a.edf": 100_000, "p1/day 1/b.edf": 2_300_001, "p1/empty": 0, "ö/日本/λ.txt": 10, "large.avi": 12_000_000}


@dataclass
class Lab:
    """A vault with files for its owner and for Berta, and the keys of others."""

    vault: Vault
    source: Path
    berta: Recipient
    carla: Recipient

    def rekey(self, *, drop: tuple[str, ...] = (), below: str = "", dry_run: bool = False) -> RunResult:
        change = Change(((self.carla.name, self.carla.public.hex()),), drop)
        job = RekeyJob(self.vault.spec, change, self.vault.reader, below)
        return execute(job, open_destination(self.vault.spec), Threads(2), dry_run=dry_run)

    def verify(self, *, deep: bool = True, reader: Reader | None = None) -> RunResult:
        job = VerifyJob(self.vault.spec, share=1.0 if deep else 0.0, reader=reader)
        return execute(job, destination_of(job), Threads(2))

    def opened(self, who: Recipient) -> dict[str, bytes | None]:
        """Return all files as the reference library decrypts them; None where it does not."""
        own = open_own(who.name, lambda: Secret(PASSPHRASE))
        store, found = open_store(self.vault.spec), {}
        for name, (entry, _) in proofs_of(self.vault.spec, fresh=True).entries.items():
            plain = io.BytesIO()
            try:
                lib.decrypt([(0, own.private.reveal(), None)], io.BytesIO(bytes(store.get(name).data)), plain)
            except ValueError:
                found[entry.path] = None
            else:
                found[entry.path] = plain.getvalue()
        return found


@pytest.fixture
def lab(vault: Vault, tmp_path: Path) -> Lab:
    return lab_of(vault, tmp_path)


def lab_of(vault: Vault, tmp_path: Path) -> Lab:

    rng, source = random.Random(5), tmp_path / "source"
    for name, size in SIZES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(rng.randbytes(size))
    berta, carla = (new_pair(name, Secret(PASSPHRASE)) for name in ("berta", "carla"))
    publics = (*vault.recipients.publics, berta.public.hex())
    vault.recipients = replace(vault.recipients, names=("owner", "berta"), publics=publics)
    assert vault.put(source).state == "finished"
    return Lab(vault, source, berta, carla)


def test_somebody_is_added(lab: Lab, tmp_path: Path) -> None:
    files = tree_of(lab.source)
    plan = lab.rekey(dry_run=True).plan
    assert plan.todo.objects == len(SIZES)
    assert lab.opened(lab.carla) == dict.fromkeys(files)
    done = lab.rekey()
    assert (done.state, done.tally.done.objects) == ("finished", len(SIZES))
    assert lab.opened(lab.carla) == files
    assert lab.opened(lab.berta) == files
    assert lab.verify().tally.failed.objects == 0
    assert lab.verify(reader=lab.vault.reader).state == "finished"
    assert lab.vault.get(tmp_path / "back").state == "finished"
    assert tree_of(tmp_path / "back") == files
    carla = Reader("carla", lab.vault.reader.passphrase)
    assert lab.verify(reader=carla).state == "finished"
    again = lab.rekey()
    assert (again.plan.todo.objects, again.plan.skipped.objects) == (0, len(SIZES))


@pytest.mark.parametrize("is_dropped", [True, False])
def test_ranges_of_what_somebody_else_rekeyed(lab: Lab, *, is_dropped: bool) -> None:
    """The old packets are by who uploaded it, and the manifest by who rekeyed it."""
    change = Change((("carla", lab.carla.public.hex()),), (lab.berta.fingerprint,) if is_dropped else ())
    berta = Reader("berta", lab.vault.reader.passphrase)
    job = RekeyJob(lab.vault.spec, change, berta)
    assert execute(job, open_destination(lab.vault.spec), Threads(2)).state == "finished"
    whole = (lab.source / "a.edf").read_bytes()
    for name in ("owner", "carla"):
        vault = Reading(lab.vault.spec, replace(berta, key=name))
        assert vault.read_range("a.edf", 70_000, 70_010) == whole[70_000:70_010]


def test_the_header_of_a_range_is_the_one_that_was_rekeyed(lab: Lab) -> None:
    lab.rekey()
    store, name = open_store(lab.vault.spec), "data/a.edf.c4gh"
    sealed = bytes(store.get(name).data)
    own, others = open_own("owner", lambda: Secret(PASSPHRASE)), [lab.berta.public, lab.carla.public]
    store.put(name, header(new_envelope(), [own.private.public, *others], own.private) + sealed[header_size(3) :])
    with pytest.raises(DamagedError, match="header"):
        Reading(lab.vault.spec, lab.vault.reader).read_range("a.edf", 70_000, 70_010)


def test_somebody_is_dropped(lab: Lab) -> None:
    """Berta opens neither the objects nor the lists of contents any more."""
    files = tree_of(lab.source)
    assert lab.rekey(drop=(lab.berta.fingerprint,)).state == "finished"
    assert lab.opened(lab.carla) == files
    assert lab.opened(lab.berta) == dict.fromkeys(files)
    assert lab.verify().state == "finished"
    store = open_store(lab.vault.spec)
    own = open_own("berta", lambda: Secret(PASSPHRASE))
    for one in store.list("manifests/lists"):
        with pytest.raises(ValueError, match="No supported encryption method"):
            lib.decrypt([(0, own.private.reveal(), None)], io.BytesIO(bytes(store.get(one.key).data)), io.BytesIO())
    newest = read_chain(lab.vault.spec).manifests[-1]
    assert lab.berta.fingerprint not in newest.recipients
    assert lab.carla.fingerprint in newest.recipients


def test_what_is_left_is_what_manifests_name(lab: Lab) -> None:
    lab.rekey()
    store = open_store(lab.vault.spec)
    needed = {f"manifests/lists/{entry.list}.c4gh" for entry, _ in read_chain(lab.vault.spec).entries().values()}
    assert {one.key for one in store.list("manifests/lists")} == needed
    assert not list(store.list("manifests/announced"))
    assert not list(store.list(".bondstore/rekeys"))


def test_an_upload_that_goes_on_leaves_new_headers_alone(lab: Lab) -> None:
    lab.rekey(drop=(lab.berta.fingerprint,))
    again = lab.vault.put(lab.source)
    assert (again.plan.todo.objects, again.plan.skipped.objects) == (0, len(SIZES))
    (lab.source / "more.txt").write_bytes(b"one more")
    assert lab.vault.put(lab.source).tally.done.objects == 1
    assert {name for name, content in lab.opened(lab.berta).items() if content is not None} == {"more.txt"}
    assert lab.verify().state == "finished"
    assert lab.rekey(drop=(lab.berta.fingerprint,)).tally.done.objects == 1
    assert lab.opened(lab.berta) == dict.fromkeys(tree_of(lab.source))


def test_it_can_be_done_again_for_others(lab: Lab) -> None:
    lab.rekey()
    dora = new_pair("dora", Secret(PASSPHRASE))
    lab.carla = dora
    assert lab.rekey(drop=(lab.berta.fingerprint,)).state == "finished"
    assert lab.opened(dora) == tree_of(lab.source)
    assert lab.verify().state == "finished"


def test_only_what_is_below_a_path(lab: Lab) -> None:
    assert lab.rekey(below="p1").tally.done.objects == 2
    assert {name for name, content in lab.opened(lab.carla).items() if content is not None} == {
        "p1/day 1/b.edf",
        "p1/empty",
    }
    assert lab.verify().state == "finished"
    assert lab.rekey().tally.done.objects == 3


def test_the_record_of_the_vault_holds(lab: Lab) -> None:
    from bondstore.runs.proof import changed_files, prove_chain

    lab.rekey()
    destination = open_destination(lab.vault.spec)
    with destination.ledger() as ledger:
        prove_chain(ledger)
        assert list(changed_files(ledger, destination)) == []


def test_no_body_passes_through_here(
    owner: object, faulty: FaultyProxy, bucket: str, tmp_path: Path, keys_in_environment: None
) -> None:
    """As the proxy between us and the server counts: of large objects nothing but their headers."""

    assert isinstance(owner, Recipients)
    spec = StoreSpec(f"s3://{bucket}/vault", s3_profile(faulty.endpoint))
    lab = lab_of(Vault(spec, owner, Reader(owner.key, owner.passphrase)), tmp_path)
    faulty.clear()
    assert lab.rekey().state == "finished"
    large = {f"/{bucket}/vault/data/{name}.c4gh" for name, size in SIZES.items() if size > 1 << 20}
    seen = [one for one in faulty.seen if one.path in large]
    assert {one.range for one in seen if one.method == "GET" and not one.query} == {"bytes=0-231"}
    assert sum(int(one.headers.get("content-length", 0)) for one in seen) < 4000
    assert lab.opened(lab.carla) == tree_of(lab.source)


def test_packs_and_their_indexes_are_rekeyed(vault: Vault, tmp_path: Path) -> None:
    """Also where a file was uploaded again since: its newer version stays the one that holds."""
    source, rng = tmp_path / "source", random.Random(3)
    source.mkdir()
    for number in range(30):
        (source / f"{number}.edf").write_bytes(rng.randbytes(100_000))
    berta, carla = (new_pair(name, Secret(PASSPHRASE)) for name in ("berta", "carla"))
    publics = (*vault.recipients.publics, berta.public.hex())
    vault.recipients = replace(vault.recipients, names=("owner", "berta"), publics=publics)
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, vault.recipients, pack=2_000_000)
    assert execute(job, open_destination(vault.spec), Threads(2)).state == "finished"
    (source / "7.edf").write_bytes(b"a newer one")
    assert execute(replace(job, existing="refresh"), open_destination(vault.spec), Threads(2)).state == "finished"
    lab = Lab(vault, source, berta, carla)
    assert lab.rekey(drop=(berta.fingerprint,)).state == "finished"
    assert lab.verify().state == "finished"
    vault.reader = replace(vault.reader, key="carla")
    assert vault.get(tmp_path / "back").state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)
    vault.reader = replace(vault.reader, key="berta")
    assert vault.get(tmp_path / "other").tally.done.objects == 0
