"""The synthetic hospital into vaults in one go, archived, its folder deleted, restored and fetched; also killed.

In the suite a quarter of the kills; all of them with ``EVERY_KILL=1`` before pytest.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from demo.hospital import PATIENTS, make, names_of, write
from demo.recordings import TIDY, recording

from tests.domains.neuro.conftest import PASSPHRASE
from tests.domains.neuro.hospital import BESIDE, Hospital, content
from tests.kills import EVERY_KILL, kills_of
from tests.servers.azurite import Azurite
from tests.servers.moto import Moto

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "cp850")


@dataclass
class Ward:
    """A hospital's folder, places for it, and all that was said."""

    hospital: Hospital
    root: Path
    places: Mapping[str, str]
    archive: tuple[str, str]
    """The storage class of the archive, and nothing where there is none."""
    said: list[bytes] = field(default_factory=list)

    @property
    def key(self) -> list[str]:
        known = self.hospital.crosswalk
        return ["--key", str(known.key), "--passphrase", str(known.passphrase)]

    @property
    def crosswalk(self) -> list[str]:
        return ["--crosswalk", str(self.hospital.crosswalk.place), *self.key]

    def ingest_words(self) -> list[str]:
        places = ["--to", self.places["edf"], "--video-to", self.places["video"]]
        names = ["--names", str(self.root / "people.txt")]
        return ["neuro", "ingest", str(self.hospital.source), *places, *names, *self.crosswalk, "--yes"]

    def start(self, words: Iterable[str]) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "bondstore", *words]
        assert PASSPHRASE not in " ".join(line)
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words: str, code: int = 0) -> bytes:
        process = self.start(words)
        out, err = process.communicate(timeout=300)
        self.said += [out, err]
        assert process.returncode == code, (words[:2], err.decode())
        return out

    def wait_for(self, url: str) -> None:
        """Ask for what is archived until it is there."""
        while (process := self.start(["restore", url, "--yes"])).communicate(timeout=100) and process.returncode == 8:
            time.sleep(0.1)

    def back(self, url: str, name: str) -> dict[str, bytes]:
        self.run("get", url, str(self.root / name), "--unseal", *self.key, "--yes")
        return without_records(content(self.root / name))


def without_records(found: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: one for name, one in found.items() if name not in BESIDE and not name.startswith(".bondstore")}


def planted_in(found: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return what has a patient's surname or number, in four encodings, with accents and without, or the passphrase."""
    words = {PASSPHRASE}
    for who in PATIENTS:
        plain = unicodedata.normalize("NFKD", who.surname).encode("ascii", "ignore").decode()
        words |= {who.surname, who.number, *([plain] if len(plain) > 5 else [])}
    coded = {word: {word.lower().encode(one) for one in ENCODINGS if word.isascii() or "utf" in one} for word in words}
    return [
        (name, word)
        for name, one in found.items()
        for word, forms in coded.items()
        if any(form in one.lower() for form in forms) or word.lower() in name.lower()
    ]


@pytest.fixture(params=["s3", "az"])
def ward(request: pytest.FixtureRequest, hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    shutil.rmtree(hospital.source)
    write(make(), hospital.source)
    (tmp_path / "people.txt").write_text(names_of())
    names = [f"{kind}-{os.urandom(6).hex()}" for kind in ("edf", "video", "archive")]
    if request.param == "s3":
        server: Moto = request.getfixturevalue("moto_server")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_REGION", server.region)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        for one in names:
            server.client("s3").create_bucket(
                Bucket=one, CreateBucketConfiguration={"LocationConstraint": server.region}
            )
        edf, video, archive = (f"s3://{one}" for one in names)
        return Ward(
            hospital, tmp_path, {"edf": edf, "video": video, "archive": archive}, ("--archive-class", "GLACIER")
        )
    azurite: Azurite = request.getfixturevalue("azurite")
    account = f"AccountName={azurite.account};AccountKey={azurite.account_key};BlobEndpoint={azurite.endpoint}"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", account)
    edf, video, archive = (f"az://{azurite.create_bucket(one)}" for one in names)
    return Ward(hospital, tmp_path, {"edf": edf, "video": video, "archive": archive}, ("--archive-class", "Archive"))


@pytest.mark.timeout(600)
def test_ingested_removed_restored_and_fetched_it_is_what_deidentify_writes(ward: Ward, tmp_path: Path) -> None:
    files = list(make())
    before = content(ward.hospital.source)
    archive = ward.places["archive"]
    ward.run(*ward.ingest_words(), "--archive-to", archive, *ward.archive, "--json", code=5)
    names = ["--names", str(tmp_path / "people.txt")]
    ward.run("neuro", "deidentify", str(ward.hospital.source), str(ward.hospital.dest), *names, *ward.crosswalk, code=5)
    assert content(ward.hospital.source) == before
    cleaned = without_records(content(ward.hospital.dest))
    kinds = [one.kind for one in files]
    cleaned_kinds = kinds.count("recording"), kinds.count("video"), kinds.count("notes")
    assert len(cleaned) == 2 * sum(cleaned_kinds[:2]) + cleaned_kinds[2]  # each with its record, but notes
    shutil.rmtree(ward.hospital.source)
    shutil.rmtree(ward.hospital.dest)

    edf, video = ward.back(ward.places["edf"], "edf"), ward.back(ward.places["video"], "video")
    assert edf | video == cleaned
    for part in ("recordings", "video"):
        ward.wait_for(f"{archive}/{part}")
    old = ward.back(f"{archive}/recordings", "old-edf"), ward.back(f"{archive}/video", "old-video")
    assert old == (edf, video)
    for vault in (ward.places["edf"], ward.places["video"], f"{archive}/recordings", f"{archive}/video"):
        ward.run("verify", vault, "--deep", "--unseal", *ward.key)
        ward.run("audit", "verify", "--dest", vault)
    ward.run("neuro", "audit", ward.places["edf"], *ward.crosswalk, *names)

    here = {name: one for name, one in content(tmp_path).items() if name not in ("people.txt", "passphrase")}
    assert any("ledger.sqlite" in name for name in here)
    assert planted_in(here | {f"said {number}": one for number, one in enumerate(ward.said)}) == []


@pytest.mark.timeout(8 * 3600 if EVERY_KILL else 600)
def test_killed_at_any_instant_it_ends_as_if_nothing_had_happened(ward: Ward, tmp_path: Path) -> None:
    made = recording("EDF+C", PATIENTS[0], TIDY, start=datetime(2019, 5, 1, 8), records=200, rate=8192)
    large = next(ward.hospital.source.glob("Br*")) / "night.edf"
    large.write_bytes(made.data)
    assert large.stat().st_size > 9_000_000  # so that it is sent in parts
    places = ward.places
    ward.places = {name: f"{url}/first" for name, url in places.items()}
    ward.run(*ward.ingest_words(), code=5)
    names = ["--names", str(tmp_path / "people.txt")]
    ward.run("neuro", "deidentify", str(ward.hospital.source), str(ward.hospital.dest), *names, *ward.crosswalk, code=5)
    cleaned = without_records(content(ward.hospital.dest))
    landed, kills = 0, kills_of(25)
    for number in range(kills):
        if number % 5 == 0:
            ward.places = {name: f"{url}/again{number}" for name, url in places.items()}
        process = ward.start(ward.ingest_words())
        time.sleep(0.5 + 5.0 * number / kills)
        process.kill()
        ward.said += process.communicate()
        landed += process.returncode == -signal.SIGKILL
        if number % 5 == 4 or number == kills - 1:
            ward.run(*ward.ingest_words(), code=5)
            edf, video = ward.places["edf"], ward.places["video"]
            assert ward.back(edf, f"edf{number}") | ward.back(video, f"video{number}") == cleaned
            ward.run("verify", edf, "--deep")
            ward.run("verify", video, "--deep")
    assert landed or not EVERY_KILL
    assert planted_in({f"said {number}": one for number, one in enumerate(ward.said)}) == []
