"""``bondstore put``, ``get`` and ``verify``."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.homes import Home
from tests.servers.moto import Moto
from tests.vault.conftest import tree_of

PASSPHRASE = "lantern over quiet water"


@pytest.fixture
def reference(tmp_path: Path) -> str:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o600)
    return f"file:{file}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    sizes = {"a.edf": 100_000, "p 1/b.edf": 300_001, "p 1/empty": 0, "ö/日本/λ.txt": 10, "v/large.avi": 9_500_000}
    for name, size in sizes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


def test_put_and_get(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    assert cli("put", str(source), url, "--seal-for", "anna").code == 3
    assert cli("put", str(source), url).code == 4  # no key to sign with
    assert cli("keys", "new", "anna", "--passphrase", reference).code == 0
    put = ("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes")
    planned = cli(*put, "--dry-run", "--json")
    assert (planned.code, planned.records[-1]["todo"]) == (0, 5)
    assert not (tmp_path / "vault").exists()
    assert cli(*put).code == 0
    get = ("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes")
    assert cli(*get).code == 0
    assert tree_of(tmp_path / "back") == tree_of(source)
    assert cli("run", "resume", "last", "--dest", str(tmp_path / "back")).code == 0
    part = cli("get", f"{url}#p 1", str(tmp_path / "part"), "--unseal", "--passphrase", reference, "--yes")
    assert part.code == 0
    assert sorted(tree_of(tmp_path / "part")) == ["p 1/b.edf", "p 1/empty"]
    assert cli("get", url, str(tmp_path / "as-is"), "--yes").code == 0
    stored = {name: content for name, content in tree_of(tmp_path / "vault").items() if name.startswith("data/")}
    assert {f"data/{name}": content for name, content in tree_of(tmp_path / "as-is").items()} == stored
    (tmp_path / "empty").mkdir()
    assert cli("put", str(tmp_path / "empty"), url, "--passphrase", reference, "--yes").code == 3
    assert cli("get", (tmp_path / "empty").as_uri(), str(tmp_path / "none"), "--yes").code == 3
    assert cli("get", f"{url}#nobody", str(tmp_path / "none"), "--yes").code == 3


def test_what_was_changed_ends_with_7(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    assert cli("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes").code == 0
    stored = tmp_path / "vault/data/a.edf.c4gh"
    stored.write_bytes(stored.read_bytes()[:-70_000])
    get = ("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes")
    told = cli(*get)
    assert told.code == 7
    assert "data/a.edf.c4gh" in told.out
    assert "a.edf" not in tree_of(tmp_path / "back")
    assert cli(*get).code == 7  # again
    (tmp_path / "vault/manifests/000001.jsonl.sig").write_bytes(bytes(64))
    changed = cli("get", url, str(tmp_path / "other"), "--yes")
    assert changed.code == 7
    assert "signature does not match" in changed.err
    assert not tree_of(tmp_path / "other")


def test_files_that_are_there_in_another_version(
    cli: Call, home: Home, reference: str, source: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    put = ("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes")
    assert cli(*put).code == 0
    (source / "a.edf").write_bytes(b"another version")
    before = tree_of(tmp_path / "vault")
    refused = cli(*put)
    assert refused.code == 2
    assert "1 file" in refused.err
    assert tree_of(tmp_path / "vault") == before
    assert cli(*put, "--existing", "skip").code == 0
    assert tree_of(tmp_path / "vault") == before
    assert cli(*put, "--existing", "refresh").code == 0
    assert cli("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes").code == 0
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_key_of_somebody_else(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    for name in ("anna", "berta"):
        cli("keys", "new", name, "--passphrase", reference)
    said = cli("put", str(source), url, "--seal-for", "berta", "--key", "anna", "--passphrase", reference, "--yes")
    assert said.code == 0
    assert "You will not be able to decrypt them with your key anna" in said.err
    get = ("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes")
    assert cli(*get).code == 4  # which of the two?
    assert cli(*get, "--key", "berta").code == 0
    wrong = cli("get", url, str(tmp_path / "wrong"), "--unseal", "--passphrase", reference, "--yes", "--key", "anna")
    assert wrong.code == 5
    assert not tree_of(tmp_path / "wrong")


def test_verify(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    assert cli("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes").code == 0
    unseal = ("--unseal", "--passphrase", reference)
    before = tree_of(tmp_path / "vault")
    ways = ((), ("--deep",), ("--sample", "50"), unseal, ("--deep", *unseal))
    for way in ways:
        done = cli("verify", url, *way, "--json")
        assert (done.code, done.records[-1]["done"]) == (0, 5), way
    assert tree_of(tmp_path / "vault") == before
    assert cli("verify", url, "--deep", "--sample", "5").code == 2
    assert cli("verify", f"{url}#nobody").code == 3
    one = tmp_path / "vault/data/a.edf.c4gh"
    whole = one.read_bytes()
    one.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # the same size: only who reads it can tell
    assert cli("verify", url).code == 0
    for way in (("--deep",), ("--deep", *unseal), unseal):
        told = cli("verify", url, *way, "--json")
        assert told.code == 7, way
        assert [(row["finding"], row["key"]) for row in told.records if row["kind"] == "finding"] == [
            ("not-proved", "data/a.edf.c4gh")
        ]
    one.write_bytes(whole[:-1])
    assert cli("verify", url).code == 7
    one.rename(tmp_path / "vault/data/foreign.c4gh")
    told = cli("verify", url, "--json")
    assert told.code == 7
    assert sorted((row["finding"], row["key"]) for row in told.records if row["kind"] == "finding") == [
        ("missing", "data/a.edf.c4gh"),
        ("not-in-manifest", "data/foreign.c4gh"),
    ]
    (tmp_path / "vault/data/foreign.c4gh").unlink()
    one.write_bytes(whole)
    assert cli("verify", url, "--deep").code == 0  # what was found before is over


def test_an_auditor_verifies_without_a_key_to_decrypt(
    cli: Call, home: Home, reference: str, source: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    assert cli("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes").code == 0
    keys = home.user_file.parent / "keys"
    given = {name: (keys / name).read_bytes() for name in ("anna.pub", "anna.sign.pub")}
    for file in keys.iterdir():
        file.unlink()
    unknown = cli("verify", url, "--deep")
    assert unknown.code == 6
    assert "whom you do not trust" in unknown.err
    for name, content in given.items():
        (tmp_path / name).write_bytes(content)
    trusted = ("anna", str(tmp_path / "anna.pub"), "--signing", str(tmp_path / "anna.sign.pub"), "--yes")
    assert cli("keys", "trust", *trusted).code == 0
    assert cli("verify", url, "--deep").code == 0


def test_what_is_said_at_the_end(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    """Each command says where its results are, and what proves them; a recorded upload into a folder is taken up."""
    vault, url = tmp_path / "vault", (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    put = ("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes")
    said = cli(*put)
    assert f"Written to {vault}" in said.out
    assert f"  bondstore verify {vault}\n" in said.err
    assert cli("run", "resume", "last", "--dest", str(vault)).code == 0
    (source / "a.edf").write_bytes(b"another version")
    assert "Left out: 1 in the vault already, in another version" in cli(*put, "--existing", "skip").out
    (source / "a.edf").unlink()
    assert "Left out" not in cli(*put, "--existing", "skip").out
    verified = cli("verify", url)
    assert "Nothing was written to the vault" in verified.out
    assert "Written to" not in verified.out


@pytest.mark.parametrize(
    "words", [("put", "{none}", "{vault}"), ("get", "{none}", "back", "--unseal"), ("verify", "{none}", "--unseal")]
)
def test_a_place_that_is_not_there_is_told_before_a_passphrase_is_asked_for(
    cli: Call, home: Home, reference: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    cli("keys", "new", "anna", "--passphrase", reference)
    places = {"none": (tmp_path / "none").as_uri(), "vault": (tmp_path / "vault").as_uri()}
    told = cli(*(one.format(**places) for one in words))
    assert told.code == 3
    assert "none" in told.err
    assert "passphrase" not in told.err


def test_packs_in_an_archive(
    cli: Call, home: Home, moto_environment: Moto, moto: str, reference: str, source: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    where = {"LocationConstraint": moto_environment.region}
    moto_environment.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration=where)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    url = "s3://archive/eeg"
    cli("keys", "new", "anna", "--passphrase", reference)
    put = ("put", str(source), url, "--seal-for", "anna", "--passphrase", reference)
    told = cli(*put, "--class", "GLACIER", "--dry-run", "--json")
    assert [one["kind"] for one in told.records] == ["costs", "plan"]
    assert (told.records[0]["days"], told.records[0]["overhead"]) == (90, {"GLACIER": 5 * 32768, "STANDARD": 5 * 8192})
    plan = cli(*put, "--class", "GLACIER", "--dry-run")
    assert "GLACIER: 5 objects (9.9 MB), 8 requests to write them." in plan.err
    assert "Each is billed for 90 days at least" in plan.err
    assert cli(*put, "--pack", "5MB", "--yes").code == 2
    assert cli(*put[:3], "--passphrase", reference, "--pack", "128MB", "--yes").code == 2  # for nobody
    packed = (*put, "--class", "GLACIER", "--pack", "128MB")
    done = cli(*packed, "--yes", "--json")
    assert (done.code, done.records[0]["kind"], done.records[0]["objects"]) == (0, "costs", 1)
    assert done.records[-1]["done"] == 5
    path = f"{url}#p 1"
    own = ("--passphrase", reference)
    assert cli("get", path, str(tmp_path / "back"), "--unseal", *own, "--yes").code == 8
    asked = cli("restore", path, *own, "--yes", "--json")
    assert asked.code == 8
    assert asked.records[-2]["objects"] == {"asked": 1}
    assert cli("restore", path, *own, "--yes").code == 0
    assert cli("get", path, str(tmp_path / "back"), "--unseal", *own, "--yes").code == 0
    assert sorted(tree_of(tmp_path / "back")) == ["p 1/b.edf", "p 1/empty"]
    assert cli("verify", url, "--deep", "--unseal", *own).code == 0


def test_what_names_nothing_writes_nothing(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    """No folder, and no record of a run, is left of an address that was mistyped."""
    vault, plain = (tmp_path / "vault").as_uri(), (tmp_path / "plain").as_uri()
    for name in ("anna", "berta"):
        cli("keys", "new", name, "--passphrase", reference)
    own = ("--key", "anna", "--passphrase", reference, "--yes")
    assert cli("put", str(source), vault, "--seal-for", "anna", "--pack", "128MB", *own).code == 0
    assert cli("put", str(source), plain, *own).code == 0
    for name in ("empty", "typo"):
        (tmp_path / name).mkdir()
    empty, typo, none = (tmp_path / "empty").as_uri(), (tmp_path / "typo").as_uri(), tmp_path / "none"
    before = sorted(tmp_path.rglob("*"))
    lines = (
        ("get", typo, str(none), "--yes"),
        ("get", f"{vault}#nobody", str(none), "--unseal", *own),
        ("get", f"{plain}#nobody", str(none), "--yes"),
        ("put", empty, str(none), "--seal-for", "anna", *own),
        ("cp", empty, str(none), "--recursive", "--yes"),
        ("rekey", typo, "--for", "berta", *own),
        ("rekey", f"{vault}#nobody", "--for", "berta", *own),
    )
    for line in lines:
        assert (cli(*line).code, sorted(tmp_path.rglob("*"))) == (3, before), line
    told = cli("rekey", plain, "--for", "berta", *own)
    assert (told.code, "is encrypted, so there are no recipients" in told.err) == (3, True)
    assert cli("get", f"{vault}#p 1", str(none), "--yes").code == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_run_says_of_itself_is_true_of_a_put_too(
    cli: Call, home: Home, reference: str, source: Path, tmp_path: Path
) -> None:
    """Nothing is fetched by a put, a rekey or a verify."""
    vault = (tmp_path / "vault").as_uri()
    for name in ("anna", "berta"):
        cli("keys", "new", name, "--passphrase", reference)
    own = ("--key", "anna", "--passphrase", reference, "--yes")
    planned = cli("put", str(source), vault, "--seal-for", "berta", *own, "--dry-run")
    assert "to do " in planned.out
    assert cli("put", str(source), vault, "--seal-for", "berta", *own).code == 0
    refused = cli("rekey", vault, "--for", "anna", *own)
    assert (refused.code, "not handled this time" in refused.out) == (5, True)
    assert not any("fetch" in one for one in (planned.out, planned.err, refused.out, refused.err))


def test_of_a_vault_with_packs_the_words_fit(
    cli: Call, home: Home, reference: str, source: Path, tmp_path: Path
) -> None:
    vault = (tmp_path / "vault").as_uri()
    for name in ("anna", "berta"):
        cli("keys", "new", name, "--passphrase", reference)
    own = ("--key", "anna", "--passphrase", reference)
    assert cli("put", str(source), vault, "--seal-for", "anna", "--pack", "128MB", *own, "--yes").code == 0
    told = cli("ls", vault, "-r").err
    assert "0 files (0 B)." in told
    assert "1 pack of files (9.9 MB): add --key NAME to list them." in told
    assert "this key does not list them" in cli("ls", vault, "-r", "--key", "berta", "--passphrase", reference).err
    assert "5 files (9.9 MB)." in cli("ls", vault, "-r", *own).err
    part = cli("cp", f"{vault}#p 1", str(tmp_path / "part"), "-r", "--yes")
    assert (part.code, "bondstore get" in part.err) == (2, True)
    assert not (tmp_path / "part").exists()
