"""A download of one large file that is killed goes on from its last part: what a proxy in front of the store counts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bondstore.codecs.segments import SEALED_SEGMENT
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.runs.destinations import open_destination
from bondstore.stores import open_store
from bondstore.vault.manifest import header_size
from bondstore.vault.proofs import Reader
from bondstore.vault.receiving import DOWNLOADS, PART
from tests.cli.conftest import Call, cli
from tests.homes import home
from tests.servers.azurite import ACCOUNT_KEY, Azurite
from tests.servers.faulty import Fault, FaultyProxy, Seen
from tests.servers.seaweedfs import SeaweedFS
from tests.vault.conftest import Vault, tree_of

__all__ = ["cli", "home"]
SIZE = 50_000_000
STEP = PART * SEALED_SEGMENT
OBJECT = "large.avi.c4gh"


@dataclass
class Lab:
    """A vault of one large file, behind a proxy where its kind of store has a server."""

    vault: Vault
    url: str
    back: Path
    large: bytes
    proxy: FaultyProxy | None = None
    profile: tuple[str, ...] = ()
    proved: set[int] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        return self.back / ".bondstore" / DOWNLOADS

    def start(self, *, unseal: bool) -> subprocess.Popen[str]:
        key = ("--unseal", "--passphrase", str(self.vault.reader.passphrase)) if unseal else ()
        words = ["get", self.url, str(self.back), "--yes", *self.profile, *key]
        line = [sys.executable, "-m", "bondstore", *words]
        return subprocess.Popen(
            line, env=dict(os.environ), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def noted(self) -> set[int]:
        """Return the parts of which the journal says that they are there."""
        lines = [line for path in self.folder.glob("*.parts") for line in path.read_text().splitlines(keepends=True)]
        return {int(line) for line in lines if line.endswith("\n")}

    def kill(self, parts: int, *, unseal: bool) -> bool:
        """Kill a download once so many parts are noted; say whether it was still going on."""
        process = self.start(unseal=unseal)
        while process.poll() is None and len(self.noted()) < parts:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        self.proved = self.noted()
        for path in self.folder.glob("*"):
            assert path.stat().st_mode & 0o777 == 0o600
        return process.returncode == -signal.SIGKILL

    def fetched(self, *, unseal: bool) -> list[int]:
        """Return the parts that were asked for."""
        start = header_size(1) if unseal else 0
        asked = [_first(one) for one in (self.proxy.seen if self.proxy else []) if one.path.endswith(OBJECT)]
        return [(at - start) // STEP for at, size in asked if at >= start and size > 100_000]


def _first(seen: Seen) -> tuple[int, int]:
    span = seen.range or seen.headers.get("x-ms-range")
    if seen.method != "GET" or not span:
        return -1, 0
    first, _, last = span.removeprefix("bytes=").partition("-")
    return int(first), int(last) - int(first) + 1


@pytest.fixture(params=["file", "s3", "az"])
def lab(
    request: pytest.FixtureRequest, vault_of: Vault, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    source = tmp_path / "source"
    source.mkdir()
    large = random.Random(5).randbytes(SIZE)
    (source / "large.avi").write_bytes(large)
    assert vault_of.put(source).state == "finished"
    lab = Lab(vault_of, vault_of.spec.url, tmp_path / "back", large)
    if request.param == "file":
        yield lab
        return
    server: SeaweedFS | Azurite = request.getfixturevalue("seaweedfs" if request.param == "s3" else "azurite")
    with FaultyProxy(server.endpoint) as proxy:
        if isinstance(server, Azurite):
            monkeypatch.setenv("TEST_AZURE_KEY", ACCOUNT_KEY)
            words = ("--endpoint", f"{proxy.endpoint}/{server.account}", "--account", server.account)
            words += ("--account-key", "env:TEST_AZURE_KEY")
        else:
            words = ("--endpoint", proxy.endpoint, "--access-key", "env:TEST_S3_KEY", "--region", "us-east-1")
            words += ("--secret-key", "env:TEST_S3_SECRET")
        assert cli("profile", "add", "rig", *words).code == 0
        yield replace(lab, proxy=proxy, profile=("--profile", "rig"))


@pytest.fixture
def vault_of(request: pytest.FixtureRequest) -> Vault:
    """An empty vault in the kind of store that `lab` is asked for."""
    rig = request.getfixturevalue(f"rig_of_{request.node.callspec.params['lab']}")
    owner = request.getfixturevalue("owner")
    return Vault(StoreSpec(f"{rig.url}/vault", rig.profile), owner, Reader(owner.key, owner.passphrase))


@pytest.mark.parametrize("unseal", [True, False], ids=["unseal", "encrypted"])
def test_killed_at_any_part_it_fetches_the_others_alone(lab: Lab, *, unseal: bool) -> None:
    rng, landed, parts = random.Random(f"{lab.url[:2]} {unseal}"), 0, -(-SIZE // (PART * 65_536))
    targets = sorted(rng.sample(range(parts), 5 if lab.url.startswith("s3") else 2))
    if lab.proxy is not None:
        lab.proxy.add(Fault("slow", contains=OBJECT, times=100_000, seconds=0.01))
    for target in targets:
        before = lab.proved
        if lab.proxy is not None:
            lab.proxy.seen.clear()
        landed += lab.kill(target, unseal=unseal)
        assert not before & set(lab.fetched(unseal=unseal))
        assert before <= lab.proved
    assert landed
    if lab.proxy is not None:
        lab.proxy.clear()
    last = lab.start(unseal=unseal)
    _, said = last.communicate(timeout=120)
    assert last.returncode == 0, said
    fetched = lab.fetched(unseal=unseal)
    assert not lab.proved & set(fetched)
    assert len(fetched) == len(set(fetched))
    if lab.proxy is not None:
        assert {*fetched, *lab.proved} == set(range(parts))
    stored = bytes(open_store(lab.vault.spec).get(f"data/{OBJECT}").data)
    assert tree_of(lab.back) == ({"large.avi": lab.large} if unseal else {OBJECT: stored})
    assert not lab.folder.exists()
    assert not (lab.back / ".bondstore/tmp").exists()


def stopped(lab: Lab) -> Path:
    """Return the partial file of a download that was killed."""
    if lab.proxy is not None:
        lab.proxy.add(Fault("slow", contains=OBJECT, times=100_000, seconds=0.01))
    assert lab.kill(4, unseal=True)
    if lab.proxy is not None:
        lab.proxy.clear()
    [partial] = [path for path in lab.folder.iterdir() if not path.suffix]
    return partial


@pytest.mark.parametrize("lab", ["s3"], indirect=True)
def test_a_part_that_changed_on_the_disk_is_fetched_again(lab: Lab) -> None:
    partial = stopped(lab)
    with partial.open("r+b") as file:
        file.seek(PART * 65_536 + 5)
        file.write(b"something else")
    assert lab.vault.get(lab.back).state == "finished"
    assert tree_of(lab.back) == {"large.avi": lab.large}


@pytest.mark.parametrize("size", [0, SIZE])
@pytest.mark.parametrize("lab", ["s3"], indirect=True)
def test_a_journal_without_its_partial_file_or_with_holes_in_it_is_no_damage(lab: Lab, size: int) -> None:
    """On a disk without links the file is moved to its place, and the journal stays until that is recorded."""
    partial = stopped(lab)
    partial.unlink()
    if size:
        with partial.open("wb") as file:
            file.truncate(size)
    assert lab.vault.get(lab.back).state == "finished"
    assert tree_of(lab.back) == {"large.avi": lab.large}


@pytest.mark.parametrize("line", [bytes(40), b"[1]", b"-1", b"7", b"9999", b"\xff"])
@pytest.mark.parametrize("lab", ["s3"], indirect=True)
def test_a_journal_that_a_power_cut_left_is_read_as_far_as_it_goes(lab: Lab, line: bytes) -> None:
    journal = stopped(lab).with_suffix(".parts")
    journal.write_bytes(journal.read_bytes() + line + b"\n")
    assert lab.vault.get(lab.back).state == "finished"
    assert tree_of(lab.back) == {"large.avi": lab.large}


@pytest.mark.parametrize("lab", ["s3"], indirect=True)
def test_parts_of_another_version_are_never_mixed(lab: Lab, tmp_path: Path) -> None:
    stopped(lab)
    other = random.Random(6).randbytes(SIZE)
    (tmp_path / "source/large.avi").write_bytes(other)
    assert lab.vault.put(tmp_path / "source", existing="refresh").state == "finished"
    last = lab.start(unseal=True)
    _, said = last.communicate(timeout=120)
    assert last.returncode == 0, said
    assert len(lab.fetched(unseal=True)) == -(-SIZE // (PART * 65_536))
    assert lab.proxy is not None
    asked = [one for one in lab.proxy.seen if one.method == "GET" and one.path.endswith(OBJECT)]
    assert all(one.if_match for one in asked)
    assert tree_of(lab.back) == {"large.avi": other}
    assert not lab.folder.exists()


@pytest.mark.parametrize("lab", ["s3"], indirect=True)
def test_a_body_that_is_cut_goes_on_at_its_byte(lab: Lab) -> None:
    assert lab.proxy is not None
    cut = [Fault("cut", contains=OBJECT, first=3 * number, after=1_500_000 + number) for number in range(1, 4)]
    for one in cut:
        lab.proxy.add(one)
    last = lab.start(unseal=True)
    _, said = last.communicate(timeout=120)
    assert last.returncode == 0, said
    assert all(one.matched >= one.first for one in cut)
    assert tree_of(lab.back) == {"large.avi": lab.large}


@pytest.mark.parametrize("lab", ["file"], indirect=True)
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_large_object_that_was_changed_leaves_nothing(lab: Lab, *, encrypted: bool) -> None:
    """A byte of its last segment, so that all parts before it came well; and its segments in another order."""
    store = open_store(lab.vault.spec)
    good = bytes(store.get(f"data/{OBJECT}").data)
    start = header_size(1)
    one, two = good[start : start + SEALED_SEGMENT], good[start + SEALED_SEGMENT : start + 2 * SEALED_SEGMENT]
    for bad in (
        good[:-1] + bytes([good[-1] ^ 1]),
        good[:start] + two + one + good[start + 2 * SEALED_SEGMENT :],
        good[:-SEALED_SEGMENT],
    ):
        store.put(f"data/{OBJECT}", bad)
        result = lab.vault.get(lab.back, encrypted=encrypted)
        assert result.tally.quarantined.objects == 1
        assert tree_of(lab.back) == {}
        assert not lab.folder.exists()
        with open_destination(StoreSpec(lab.back.as_uri(), Profile())).ledger() as ledger:
            assert [found.kind for found in ledger.findings.of_run(result.run)] == ["not-proved"]
