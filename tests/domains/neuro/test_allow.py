"""Files that cannot be cleaned, kept sealed: only where a profile says so, and never passed in silence."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest
from crypt4gh.lib import decrypt

from bondstore.codecs.crypt4gh import Header
from bondstore.config.profiles import Profile
from bondstore.config.secrets import Secret, SecretRef
from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.service import audit
from bondstore.domains.neuro.renaming import rename
from bondstore.domains.neuro.service import deidentify, prepare
from bondstore.errors import PolicyError, UsageError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from bondstore.vault.cat import read_object
from bondstore.vault.crosswalks import open_crosswalk
from bondstore.vault.keys import find_recipient, new_pair, unlocked
from tests.domains.neuro.hospital import Hospital, content, named_in
from tests.homes import Home

PLACE = Profile("hospital", identified=True)
LARGE = b"Muller~ Petra_GUID" + bytes(range(256)) * 1024  # over several segments


@pytest.fixture
def natus(hospital: Hospital) -> Hospital:
    study = hospital.source / "Muller~ Petra/Muller~ Petra_GUID"
    study.mkdir()
    (study / "Muller~ Petra_GUID.erd").write_bytes(LARGE)
    (study / "Muller~ Petra_GUID.ETC").write_bytes(b"Muller")
    (study / "empty.erd").write_bytes(b"")
    return hospital


def run(hospital: Hospital, *allow: str, place: Profile = PLACE, **also: bool) -> RunResult:
    ref = hospital.crosswalk
    return deidentify(hospital.source, hospital.dest, allow=allow, crosswalk=ref, dest_profile=place, jobs=1, **also)


def decrypted(hospital: Hospital, raw: bytes) -> bytes:
    """Decrypt by the reference library."""
    ref = hospital.crosswalk
    assert ref.key is not None
    assert ref.passphrase is not None
    private = unlocked(ref.key, SecretRef.parse(ref.passphrase)).private
    out = io.BytesIO()
    decrypt([(0, private.reveal(), None)], io.BytesIO(raw), out)
    return out.getvalue()


def sealed(hospital: Hospital) -> dict[str, bytes]:
    return content(hospital.dest, "*.c4gh")


@pytest.mark.parametrize(
    "place",
    [Profile(), Profile("elsewhere", url="file:///somewhere/else", identified=True), Profile("no", url="s3://b")],
)
def test_refused_where_no_profile_says_that_names_may_be_there(natus: Hospital, place: Profile) -> None:
    for dry_run in (True, False):
        with pytest.raises(PolicyError) as told:
            run(natus, "erd", place=place, dry_run=dry_run)
        assert told.value.exit_code == 6
    assert not natus.dest.exists()
    assert not natus.crosswalk_file.exists()


def test_the_profile_may_name_the_place_or_what_it_lies_in(natus: Hospital) -> None:
    run(natus, "erd", place=Profile("hospital", url=f"file://{natus.dest.parent}", identified=True))
    assert len(sealed(natus)) == 2


def test_sealed_files_open_with_the_reference_library_and_with_cat(natus: Hospital) -> None:
    done = run(natus, "erd", ".ETC")
    assert (done.tally.done.objects, done.tally.quarantined.objects) == (7, 3)
    found = sealed(natus)
    (code,) = {name[:8] for name in found}
    base = f"{code}/{code}_sealed/{code}_sealed"
    assert found.keys() == {f"{base}_2.etc.c4gh", f"{base}_1.erd.c4gh", f"{base}_2.erd.c4gh"}
    plain = {name: decrypted(natus, one) for name, one in found.items()}
    assert plain == {f"{base}_2.erd.c4gh": LARGE, f"{base}_2.etc.c4gh": b"Muller", f"{base}_1.erd.c4gh": b""}
    ref = natus.crosswalk
    passphrase = SecretRef.parse(str(ref.passphrase))
    for name, one in plain.items():
        read = read_object(f"file://{natus.dest}/{name}", unseal=True, key=ref.key, passphrase=passphrase)
        assert b"".join(map(bytes, read.chunks)) == one
    for one in plain.values():
        checksum = hashlib.sha256(one)
        for kept in content(natus.dest).values():
            assert checksum.digest() not in kept
            assert checksum.hexdigest().encode() not in kept
    assert named_in(content(natus.dest)) == []
    with open_destination(prepare(natus.source, natus.dest).dest).ledger(create=False) as ledger:
        findings = [one for one in ledger.findings.of_run(done.run) if one.kind == "kept-sealed"]
    assert len(findings) == 3
    assert all(one.message.startswith("Kept sealed: identified.") for one in findings)
    assert run(natus, "etc", "erd").plan.todo.objects == 0
    assert sealed(natus) == found


def test_they_are_for_all_who_read_the_crosswalk_and_for_nobody_else(natus: Hospital) -> None:
    new_pair("colleague", Secret("another passphrase here"))
    ref = natus.crosswalk
    passphrase = SecretRef.parse(str(ref.passphrase))
    opened = open_crosswalk(ref.place, key=ref.key, passphrase=passphrase, seal_for=["colleague"])
    opened.assign([Person(("Okonkwo, Ada",))])
    run(natus, "erd")
    for raw in sealed(natus).values():
        head = Header.parse(raw)
        assert head is not None
        assert len(head.packets) == 2
    assert find_recipient("colleague").public in natus.crosswalk.open().recipients()


def test_what_is_allowed_no_more_is_refused_and_goes_and_comes_back_under_its_number(natus: Hospital) -> None:
    run(natus, "erd", "etc")
    before = sealed(natus)
    done = run(natus, "erd", place=Profile("hospital", identified=True))
    assert done.tally.quarantined.objects == 4
    assert sealed(natus).keys() == {one for one in before if ".erd." in one}
    done = run(natus)
    assert not sealed(natus)
    assert done.tally.quarantined.objects == 6
    run(natus, "erd", "etc")
    assert sealed(natus).keys() == before.keys()
    assert named_in(content(natus.dest)) == []


def test_the_audit_never_passes_them(natus: Hospital) -> None:
    run(natus, "erd", "etc")
    blind = natus.dest.with_name("names.txt")
    blind.write_text("Quimby, Ada\n")
    done = audit(natus.dest, names=blind)
    assert done.exit_code == 6
    assert {one.kind for one in done.findings if ".c4gh" in one.key} == {"still-encrypted"}
    assert done.unseen >= 3
    seen = audit(natus.dest, crosswalk=natus.crosswalk)
    assert seen.exit_code == 6
    assert {one.key.rpartition("/")[2][8:] for one in seen.findings if one.kind == "name-left"} == {
        "_sealed_2.etc.c4gh",
        "_sealed_2.erd.c4gh",
    }


def test_a_folder_of_several_people_is_not_sealed(natus: Hospital) -> None:
    natus.write("Muller~ Petra/2.edf", "X F 01-JAN-1950 Okonkwo_Ada", "09.00.00", b"spike")
    done = run(natus, "erd")
    assert not sealed(natus)
    with open_destination(prepare(natus.source, natus.dest).dest).ledger(create=False) as ledger:
        found = [one.kind for one in ledger.findings.of_run(done.run)]
    assert found.count("several-people") >= 5


@pytest.mark.parametrize("ending", ["edf", ".AVI", "", "a/b", "*", "c4gh.."])
def test_what_is_cleaned_or_is_no_ending_cannot_be_allowed(natus: Hospital, ending: str) -> None:
    with pytest.raises(UsageError):
        prepare(natus.source, natus.dest, allow=[ending], dest_profile=PLACE)


def test_from_the_command_line(natus: Hospital, home: Home) -> None:
    ended = natus.deidentify("--allow", "erd", "--allow", "vt2", "--yes")
    assert ended.returncode == 6
    assert b"identified = true" in ended.stderr
    assert named_in({"out": ended.stdout, "err": ended.stderr}) == []
    home.write_user("[profile.hospital]\nidentified = true\n")
    ended = natus.deidentify("--allow", "erd", "--allow", "vt2", "--dest-profile", "hospital", "--yes")
    assert ended.returncode == 5, ended.stderr
    assert len(sealed(natus)) == 3
    assert named_in({"out": ended.stdout, "err": ended.stderr, **content(natus.dest)}) == []


def test_they_get_names_with_the_others(natus: Hospital) -> None:
    run(natus, "erd")
    rename(natus.dest, "names", crosswalk=natus.crosswalk)
    assert {one.rpartition("/")[2] for one in sealed(natus)} == {
        "Muller~ Petra_sealed_1.erd.c4gh",
        "Muller~ Petra_sealed_2.erd.c4gh",
    }


def test_into_a_bucket(natus: Hospital, s3_environment: str) -> None:
    spec = store_spec(f"{s3_environment}/clean")
    spec = replace(spec, profile=replace(spec.profile, identified=True))
    done = deidentify(natus.source, spec, allow=["erd"], crosswalk=natus.crosswalk, jobs=1)
    assert done.tally.done.objects == 6
    store = open_store(spec)
    found = {info.key: bytes(store.get(info.key).data) for info in store.list()}
    assert named_in(found) == []
    assert {decrypted(natus, one) for name, one in found.items() if name.endswith(".c4gh")} == {LARGE, b""}
