"""Packs: tars of many small files, which the standard programs open, and of which one file comes back by itself."""

from __future__ import annotations

import io
import math
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.codecs.segments import SEALED_SEGMENT, SEGMENT
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret
from bondstore.errors import DamagedError, NotFoundError, NothingThereError, UsageError, WrongKeyError
from bondstore.ledger import Item
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Serial, Threads
from bondstore.runs.pipeline import EachObject
from bondstore.runs.plan import Plan
from bondstore.stores import open_store
from bondstore.stores.archive import Access, Speed
from bondstore.vault import reading
from bondstore.vault.get import GetJob
from bondstore.vault.keys import key_folder, new_pair
from bondstore.vault.manifest import header_size
from bondstore.vault.packs import Pack, read_size, room_of
from bondstore.vault.proofs import Reader, proofs_of
from bondstore.vault.put import PutJob, kept_in
from bondstore.vault.recipients import Recipients
from bondstore.vault.restore import RestoreJob, destination_of
from bondstore.vault.restore_plan import RestorePlan
from bondstore.vault.uploading import Existing
from bondstore.vault.waiting import Pauses
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import s3_profile
from tests.vault.conftest import PASSPHRASE, Vault, tree_of

SIZE = 1_000_000
NAMES = [
    ".hidden", ".config/.x", "line\nend.txt", "line%0Aend.txt", "100 %", "a:b", "a\\b", "'\"$`", " lead", "trail ",
    "日本/テスト.edf", "\u202edlrow", "e\u0301", "\u00e9", "x" * 240, f"{'d' * 120}/{'e' * 120}/f", "tab\there", "*",
    "a.c4gh", "bagit.txt", "packs/x.tar", "data/a", "a#b", "-rf",
]  # fmt: skip


def put(vault: Vault, source: Path, size: int = SIZE, existing: Existing = "error") -> RunResult:
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, vault.recipients, existing)
    return execute(replace(job, pack=size), open_destination(vault.spec), Threads(2))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Many small files, an empty one, names of every kind, and two files that are larger than a pack."""
    rng, root = random.Random(3), tmp_path / "source"
    sizes = {name: rng.choice([0, 1, 511, 512, 513, 30_000]) for name in NAMES}
    sizes |= {f"p{number % 5}/{number}.edf": rng.choice([0, 10, 5_000, 70_000, 200_000]) for number in range(60)}
    sizes |= {"large.avi": 1_500_000, "v/larger.avi": 9_500_000}
    for name, size in sizes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


def packs_in(vault: Vault) -> list[str]:
    return sorted(one.key for one in open_store(vault.spec).list("data/packs") if len(one.key) > 40)


def opened(vault: Vault, name: str) -> bytes:
    """Decrypt a pack by the reference program."""
    program = Path(sys.executable).parent / "crypt4gh"
    done = subprocess.run(
        [program, "decrypt", "--sk", key_folder() / "owner.sec"],
        input=bytes(open_store(vault.spec).get(name).data),
        capture_output=True,
        env={**os.environ, "C4GH_PASSPHRASE": PASSPHRASE},
    )
    return done.stdout


def test_the_standard_programs_open_packs(vault: Vault, source: Path, tmp_path: Path) -> None:
    done = put(vault, source)
    files = tree_of(source)
    assert (done.state, done.tally.done.objects) == ("finished", len(files))
    names = packs_in(vault)
    assert 3 <= len(names) <= 8
    (tmp_path / "by tar").mkdir()
    by_python: dict[str, bytes] = {}
    for name in names:
        plain = opened(vault, name)
        assert len(plain) <= SIZE
        said = subprocess.run(["tar", "-C", tmp_path / "by tar", "-xf", "-"], input=plain, capture_output=True)
        assert (said.returncode, said.stderr) == (0, b"")
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            for one in tar:
                content = tar.extractfile(one)
                assert content is not None
                by_python[one.name] = content.read()
    small = {name: content for name, content in files.items() if not name.endswith("avi")}
    assert by_python == small
    assert tree_of(tmp_path / "by tar") == small
    alone = [one.key for one in open_store(vault.spec).list("data") if one.key not in names]
    assert sorted(alone) == ["data/large.avi.c4gh", "data/v/larger.avi.c4gh"]


def test_the_same_files_make_the_same_tars(vault: Vault, source: Path, tmp_path: Path) -> None:
    put(vault, source)
    other = replace(vault, spec=replace(vault.spec, url=f"{vault.spec.url}-2"))
    put(other, source)
    assert packs_in(vault) == packs_in(other)
    assert [opened(vault, name) for name in packs_in(vault)] == [opened(other, name) for name in packs_in(other)]


def test_the_room_of_a_file_is_what_python_s_tar_takes() -> None:
    for name in NAMES:
        for size in (0, 1, 511, 512, 513):
            made = io.BytesIO()
            with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
                info = tarfile.TarInfo(name)
                info.size = size
                tar.addfile(info, io.BytesIO(bytes(size)))
                assert tar.offset == room_of(Item(name, "", size, ""))


def test_names_and_checksums_of_packed_files_are_not_to_be_seen(vault: Vault, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "anna").mkdir(parents=True)
    (source / "anna/secret name.txt").write_bytes(b"nobody may read that" * 9)
    put(vault, source)
    store = open_store(vault.spec)
    seen = [bytes(store.get(one.key).data) for one in store.list() if not one.key.startswith(".bondstore")]
    assert len(seen) > 4
    assert not [one for one in seen if b"secret name" in one or b"nobody may" in one]


def test_only_new_and_changed_files_go_into_new_packs(vault: Vault, source: Path) -> None:
    put(vault, source)
    before = {name: bytes(open_store(vault.spec).get(name).data) for name in packs_in(vault)}
    again = put(vault, source)
    assert (again.plan.todo.objects, again.plan.skipped.objects) == (0, len(tree_of(source)))
    (source / "new.txt").write_bytes(b"new")
    assert put(vault, source).tally.done.objects == 1
    (source / "p1/1.edf").write_bytes(b"another version")
    with pytest.raises(UsageError, match=r"1 file already that this upload would replace, the first one p1/1\.edf"):
        put(vault, source)
    assert put(vault, source, existing="skip").tally.done.objects == 0
    assert put(vault, source, existing="refresh").tally.done.objects == 1
    after = {name: bytes(open_store(vault.spec).get(name).data) for name in packs_in(vault)}
    assert len(after) == len(before) + 2
    assert {name: after[name] for name in before} == before


def test_another_folder_with_a_name_that_is_packed_already(vault: Vault, source: Path, tmp_path: Path) -> None:
    put(vault, source)
    (tmp_path / "other/p1").mkdir(parents=True)
    (tmp_path / "other/p1/1.edf").write_bytes(b"of another folder")
    with pytest.raises(UsageError, match="1 file already that this upload would replace"):
        put(vault, tmp_path / "other")


def test_every_object_is_proved_whole(vault: Vault, source: Path) -> None:
    put(vault, source)
    proofs = proofs_of(vault.spec, fresh=True)
    store = open_store(vault.spec)
    for name in proofs.entries:
        assert list(proofs.content_of(name, [bytes(store.get(name).data)], vault.reader))


def test_sizes() -> None:
    assert [read_size(one) for one in ("128MB", "1GB", "0.5 GB", "512M")] == [128e6, 1e9, 5e8, 512e6]
    for one in ("1MB", "2GB", "1", "x", "1.5GB", ""):
        with pytest.raises(UsageError, match="is not a size for packs"):
            read_size(one)


def test_the_name_of_a_pack_is_made_once_not_for_each_of_its_files() -> None:
    class Listed(list[Item]):
        asked = 0

        def __iter__(self) -> Iterator[Item]:
            Listed.asked += 1
            return super().__iter__()

    pack = Pack(Listed([Item(key, key, 10, "") for key in ("a.edf", "b.edf")]))
    assert len({replace(item, output=pack.object).output for item in pack.items for _ in range(50)}) == 1
    assert Listed.asked == 2


def test_packs_are_always_encrypted(vault: Vault, source: Path) -> None:
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, replace(vault.recipients, names=(), publics=()))
    with pytest.raises(UsageError, match="Packs are always encrypted"):
        kept_in(job, pack="128MB")


def test_the_whole_tree_comes_back(vault: Vault, source: Path, tmp_path: Path) -> None:
    put(vault, source)
    back = vault.get(tmp_path / "back")
    assert (back.state, back.tally.done.objects) == ("finished", len(tree_of(source)))
    assert tree_of(tmp_path / "back") == tree_of(source)
    (tmp_path / "back/p1/1.edf").unlink()
    again = vault.get(tmp_path / "back")
    assert (again.tally.done.objects, again.plan.skipped.objects) == (1, len(tree_of(source)) - 1)
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_part_of_the_tree_comes_back(vault: Vault, source: Path, tmp_path: Path) -> None:
    put(vault, source)
    for number, below in enumerate(("p1", "p1/1.edf", "line\nend.txt", "日本", "a#b", "packs", "large.avi")):
        vault.get(tmp_path / f"part{number}", below)
        wanted = {name: one for name, one in tree_of(source).items() if name == below or name.startswith(f"{below}/")}
        assert wanted
        assert tree_of(tmp_path / f"part{number}") == wanted
    with pytest.raises(NothingThereError):
        vault.get(tmp_path / "none", "nobody")
    with pytest.raises(UsageError, match="only a key tells which files are in them"):
        vault.get(tmp_path / "none", "p1", encrypted=True)


def test_of_several_versions_the_newest_comes_back(vault: Vault, source: Path, tmp_path: Path) -> None:
    """Alone or in a pack, whichever way the last upload put it."""
    for number, size in enumerate((SIZE, SIZE, 0, SIZE)):
        (source / "p1/1.edf").write_bytes(b"version %d" % number)
        assert put(vault, source, size, existing="refresh").state == "finished"
        vault.get(tmp_path / f"back{number}")
        assert tree_of(tmp_path / f"back{number}") == tree_of(source)


def test_packs_as_they_are_stay_encrypted(vault: Vault, source: Path, tmp_path: Path) -> None:
    put(vault, source)
    assert vault.get(tmp_path / "back", encrypted=True).state == "finished"
    stored = {one.key: bytes(open_store(vault.spec).get(one.key).data) for one in open_store(vault.spec).list("data")}
    assert {f"data/{name}": one for name, one in tree_of(tmp_path / "back").items()} == stored


def test_one_file_costs_less_than_a_hundredth_of_its_pack(
    owner: Recipients, keys_in_environment: None, bucket: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    """Counted by a proxy: 40 MB in one pack, of which a file of 20 kB is fetched."""
    rng, source = random.Random(1), tmp_path / "source"
    source.mkdir()
    for number in range(2000):
        (source / f"{number}.txt").write_bytes(rng.randbytes(20_000))
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        spec = StoreSpec(f"s3://{bucket}/vault", s3_profile(proxy.endpoint))
        vault = Vault(spec, owner, Reader(owner.key, owner.passphrase))
        put(vault, source, 100_000_000)
        (name,) = packs_in(vault)
        sizes: list[int] = []

        def counting(body: bytes) -> bytes:
            sizes.append(len(body))
            return body

        with proxy.fault(Fault("rewrite", contains="/packs/", times=10**6, rewriter=counting)):
            assert vault.get(tmp_path / "back", "1234.txt").state == "finished"
        assert tree_of(tmp_path / "back") == {"1234.txt": (source / "1234.txt").read_bytes()}
        assert len(sizes) == 2  # the header, and one range
        assert sum(sizes) < open_store(spec).head(name).size / 100


def flip(path: Path, at: int) -> bytes:
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    return whole


@pytest.fixture
def small_vault(owner: Recipients, source: Path, tmp_path: Path) -> Vault:
    spec = StoreSpec((tmp_path / "vault").as_uri(), Profile())
    vault = Vault(spec, owner, Reader(owner.key, owner.passphrase))
    put(vault, source)
    return vault


def findings(dest: Path) -> list[tuple[str, str]]:
    with open_destination(StoreSpec(dest.as_uri(), Profile())).ledger() as ledger:
        return sorted((one.kind, one.key) for one in ledger.findings.walk())


def test_of_a_damaged_pack_the_other_files_come_back(small_vault: Vault, source: Path, tmp_path: Path) -> None:
    files, rng = tree_of(source), random.Random(9)
    for number in range(8):
        name = rng.choice(packs_in(small_vault))
        path = tmp_path / "vault" / name
        whole = flip(path, rng.randrange(200, path.stat().st_size))
        back = small_vault.get(tmp_path / f"back{number}")
        found = tree_of(tmp_path / f"back{number}")
        lost = {key.partition("#")[2] for _, key in findings(tmp_path / f"back{number}")}
        assert found == {path: content for path, content in files.items() if path not in lost}
        assert back.tally.quarantined.objects == len(lost)
        assert small_vault.verify(deep=True).tally.failed.objects == 1
        path.write_bytes(whole)


def test_a_cut_or_a_missing_pack_is_told(small_vault: Vault, tmp_path: Path) -> None:
    name = packs_in(small_vault)[0]
    path = tmp_path / "vault" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert small_vault.get(tmp_path / "cut").tally.quarantined.objects == 1
    assert findings(tmp_path / "cut") == [("not-proved", name)]
    assert small_vault.verify().tally.failed.objects == 1
    path.unlink()
    small_vault.get(tmp_path / "missing")
    told = findings(tmp_path / "missing")
    assert {kind for kind, _ in told} == {"missing"}
    assert len(told) == next(one.files for one, _ in proofs_of(small_vault.spec).entries.values() if one.object == name)
    assert all(key.startswith(f"{name}#") for _, key in told)


def test_a_damaged_or_a_missing_index_is_told(small_vault: Vault, source: Path, tmp_path: Path) -> None:
    name = packs_in(small_vault)[0]
    index = tmp_path / "vault/manifests/lists" / Path(name).name.replace(".tar", "")
    whole = flip(index, 300)
    for number, below in enumerate(("", "p1")):
        small_vault.get(tmp_path / f"back{number}", below)
        assert findings(tmp_path / f"back{number}") == [("not-proved", name)]
        assert tree_of(tmp_path / f"back{number}").items() <= tree_of(source).items()
    assert small_vault.verify(deep=True).tally.failed.objects == 1
    index.unlink()
    assert small_vault.get(tmp_path / "missing").tally.quarantined.objects == 1
    assert small_vault.verify(deep=True).tally.failed.objects == 1
    index.write_bytes(whole)
    assert small_vault.verify(deep=True).state == "finished"
    assert small_vault.get(tmp_path / "back1").state == "finished"


@pytest.mark.parametrize("size", [0, SIZE])
def test_files_whose_list_was_lost_are_put_again(vault: Vault, source: Path, tmp_path: Path, size: int) -> None:
    """Objects are there, and as they were; without the list nobody can prove their content, or find it in a pack."""
    assert put(vault, source, size).state == "finished"
    store = open_store(vault.spec)
    for number in range(2):
        key = next(one.key for one in store.list("manifests/lists"))
        content = bytearray(store.get(key).data)
        content[-1] ^= 1
        store.put(key, bytes(content)) if number else store.delete(key)
        assert vault.verify(deep=True).state == "incomplete"
        again = put(vault, source, size)
        assert (again.state, again.tally.done.objects > 0) == ("finished", True)
        assert put(vault, source, size).tally.done.objects == 0
        assert vault.verify(deep=True).state == "finished"
        assert vault.get(tmp_path / f"back{number}").state == "finished"
        assert tree_of(tmp_path / f"back{number}") == tree_of(source)


def test_a_pack_for_somebody_else(small_vault: Vault, tmp_path: Path) -> None:
    new_pair("berta", Secret(PASSPHRASE))
    small_vault.reader = replace(small_vault.reader, key="berta")
    small_vault.get(tmp_path / "back", "p1")
    assert {kind for kind, _ in findings(tmp_path / "back")} == {"wrong-recipient"}
    assert not tree_of(tmp_path / "back")


def test_a_file_that_a_pack_may_have_is_not_said_to_be_missing(small_vault: Vault) -> None:
    new_pair("berta", Secret(PASSPHRASE))
    with pytest.raises(WrongKeyError, match=r"the key berta .* may have one, encrypted for other recipients"):
        reading.Vault(small_vault.spec, replace(small_vault.reader, key="berta")).read("p1/1.edf")
    with pytest.raises(UsageError, match="only a key tells which files are in them"):
        reading.Vault(small_vault.spec, None).read("p1/1.edf")
    with pytest.raises(NotFoundError, match="There is no file p1/none"):
        reading.Vault(small_vault.spec, small_vault.reader).read("p1/none")


def test_files_that_change_while_they_are_packed_are_told(vault: Vault, source: Path, tmp_path: Path) -> None:
    """The others are packed without them, and the next run takes them up."""
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, vault.recipients)

    def change(plan: Plan) -> bool:
        (source / "p1/1.edf").write_bytes(b"another version")
        (source / "p2/2.edf").unlink()
        return True

    done = execute(replace(job, pack=SIZE), open_destination(vault.spec), Threads(2), confirm=change)
    assert (done.state, done.tally.failed.objects) == ("incomplete", 2)
    again = put(vault, source)
    assert (again.state, again.tally.done.objects) == ("finished", 1)
    vault.get(tmp_path / "back")
    assert tree_of(tmp_path / "back") == tree_of(source)
    bag = bytes(open_store(vault.spec).get("manifest-sha256.txt").data).decode()
    assert all(name in bag for name in packs_in(vault))


def test_a_pack_that_ends_inside_its_header_is_damaged(small_vault: Vault, source: Path) -> None:
    files = reading.Vault(small_vault.spec, small_vault.reader)
    path = Path(small_vault.spec.url.removeprefix("file://")) / packs_in(small_vault)[0]
    before = {one.path for one in files.files()}
    path.write_bytes(path.read_bytes()[:100])
    refused = 0
    for name in before:
        try:
            files.read(name)
        except DamagedError as error:
            refused += "ends inside its header" in error.message
    assert refused


def test_a_file_of_the_same_size_is_another_version_all_the_same(vault: Vault, source: Path, tmp_path: Path) -> None:
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, vault.recipients)
    (source / "p1/same.edf").write_bytes(b"before")

    def change(_plan: Plan) -> bool:
        (source / "p1/same.edf").write_bytes(b"behind")
        return True

    done = execute(replace(job, pack=SIZE), open_destination(vault.spec), Threads(2), confirm=change)
    assert (done.state, done.tally.failed.objects) == ("incomplete", 1)
    assert put(vault, source).tally.done.objects == 1
    vault.get(tmp_path / "back")
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_nothing_of_a_small_file_is_handed_out_before_all_of_it_is_proved(small_vault: Vault, source: Path) -> None:
    """Two segments of a file in the place of each other: each is intact by itself."""
    proofs = proofs_of(small_vault.spec, fresh=True)
    packs = ((name, one) for name, one in proofs.entries.items() if one[0].files)
    name, file = next(
        (name, file)
        for name, (entry, manifest) in packs
        for file in proofs.files(entry, manifest, small_vault.reader)
        if file.size == 200_000
    )
    path = Path(small_vault.spec.url.removeprefix("file://")) / name
    sealed = bytearray(path.read_bytes())
    at = header_size(1) + -(-file.offset // SEGMENT) * SEALED_SEGMENT
    one, other = slice(at, at + SEALED_SEGMENT), slice(at + SEALED_SEGMENT, at + 2 * SEALED_SEGMENT)
    sealed[one], sealed[other] = sealed[other], sealed[one]
    path.write_bytes(sealed)
    pieces = reading.Vault(small_vault.spec, small_vault.reader).stream(file.path)
    with pytest.raises(DamagedError):
        next(pieces)


def test_packed_files_are_read_in_memory(small_vault: Vault, source: Path) -> None:
    opened_vault = reading.Vault(small_vault.spec, small_vault.reader)
    files = tree_of(source)
    assert {one.path: one.size for one in opened_vault.files()} == {name: len(one) for name, one in files.items()}
    for name in ("p1/1.edf", "日本/テスト.edf", "line\nend.txt", "large.avi"):
        assert opened_vault.read(name) == files[name] == b"".join(map(bytes, opened_vault.stream(name)))
        assert opened_vault.read_range(name, 3, 70) == files[name][3:70]
        assert opened_vault.read_range(name, 0, 10**9) == files[name]
    path = Path(small_vault.spec.url.removeprefix("file://")) / packs_in(small_vault)[0]
    flip(path, path.stat().st_size // 2)
    refused = 0
    for one in list(opened_vault.files()):
        try:
            assert opened_vault.read(one.path) == files[one.path]
        except DamagedError:
            refused += 1
    assert refused


@pytest.fixture
def glacier(owner: Recipients, moto_server: Moto, moto: str, keys_in_environment: None, source: Path) -> Vault:
    """Packs in an archive that refuses to be read, and a large file beside them."""
    where = {"LocationConstraint": moto_server.region}
    moto_server.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration=where)
    spec = StoreSpec("s3://archive/vault", s3_profile(moto, region=moto_server.region))
    vault = Vault(spec, owner, Reader(owner.key, owner.passphrase))
    job = PutJob(StoreSpec(source.as_uri(), Profile()), spec, owner)
    done = execute(replace(kept_in(job, "GLACIER"), pack=SIZE), open_destination(spec), Threads(2))
    assert done.state == "finished"
    return vault


def test_a_path_is_restored_with_its_pack_alone(glacier: Vault, source: Path, tmp_path: Path) -> None:
    store = open_store(glacier.spec)
    archived = {one.key for one in store.list() if store.standing(one.key).access is Access.ARCHIVED}
    assert archived == {one.key for one in store.list("data")}
    job = RestoreJob(glacier.spec, Speed.BULK, 7, "p1/1.edf", glacier.reader)
    place = destination_of(job)
    planned = execute(job, place, Serial(), dry_run=True).plan
    assert isinstance(planned, RestorePlan)
    assert planned.asked.objects == 1
    execute(job, place, Serial())
    ready = {one.key for one in store.list("data") if store.standing(one.key).access is not Access.ARCHIVED}
    assert len(ready) == 1
    assert ready <= set(packs_in(glacier))
    back = glacier.get(tmp_path / "back", "p1/1.edf")
    assert back.state == "finished"
    assert tree_of(tmp_path / "back") == {"p1/1.edf": (source / "p1/1.edf").read_bytes()}
    whole = execute(replace(job, below=""), place, Serial()).plan
    assert isinstance(whole, RestorePlan)
    assert whole.asked.objects == len(archived) - 1
    with pytest.raises(NothingThereError):
        execute(replace(job, below="nobody"), place, Serial())


def test_files_of_an_archived_pack_are_waited_for(glacier: Vault, source: Path, tmp_path: Path) -> None:
    first = glacier.get(tmp_path / "back")
    assert first.tally.only_waits
    assert first.tally.waiting == len(tree_of(source))
    job = RestoreJob(glacier.spec, Speed.BULK, 7)
    execute(job, destination_of(job), Serial())
    spec = StoreSpec((tmp_path / "back").as_uri(), Profile())
    waiting = GetJob(glacier.spec, spec, glacier.reader, wait=Pauses(0.1, 0.1))
    assert execute(waiting, open_destination(spec), Threads(2)).state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_what_an_archive_will_bill_is_told(owner: Recipients, source: Path) -> None:
    """By arithmetic: 32 KiB in the class and 8 KiB in STANDARD each; parts of 8 MiB, and two requests around them."""
    places = StoreSpec(source.as_uri(), Profile()), StoreSpec("s3://vault", Profile(region="us-east-1"))
    job = kept_in(PutJob(*places, owner), "GLACIER")
    sizes = [len(one) for one in tree_of(source).values()]
    sealed = [124 + size + 28 * math.ceil(size / 65536) for size in sizes]
    step = job.steps[0]
    assert isinstance(step, EachObject)
    plan = Plan(writes=step.writes([Item(name, "", len(one), "") for name, one in tree_of(source).items()]))
    costs = job.costs(plan)
    assert costs is not None
    number = len(sizes)
    assert costs.record() == {
        "kind": "costs",
        "class": "GLACIER",
        "objects": number,
        "bytes": sum(sealed),
        "requests": number - 1 + 2 + 2,
        "days": 90,
        "overhead": {"GLACIER": number * 32768, "STANDARD": number * 8192},
        "advice": "--pack",
    }
    packed = replace(job, pack=SIZE)
    step = packed.steps[0]
    assert isinstance(step, EachObject)
    costs = packed.costs(
        Plan(writes=step.writes([Item(name, "", len(one), "") for name, one in tree_of(source).items()]))
    )
    assert costs is not None
    assert 5 <= costs.objects <= 9
    assert not costs.is_dear
