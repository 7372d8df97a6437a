from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret, SecretRef
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Executor, Threads
from bondstore.vault.get import GetJob
from bondstore.vault.keys import new_pair
from bondstore.vault.proofs import Reader
from bondstore.vault.put import PutJob
from bondstore.vault.recipients import Recipients
from bondstore.vault.uploading import Existing
from bondstore.vault.verify import VerifyJob, destination_of
from tests.homes import home
from tests.stores.conftest import keys_in_environment, rig_of_az, rig_of_file, rig_of_s3
from tests.stores.rigs import Rig
from tests.vault.rooms import Room

__all__ = ["home", "keys_in_environment", "rig_of_az", "rig_of_file", "rig_of_s3"]
PASSPHRASE = "lantern over quiet water"


@dataclass
class Vault:
    """A vault, and a key of its owner."""

    spec: StoreSpec
    recipients: Recipients
    reader: Reader
    pack: int = 0

    def put(self, source: Path, existing: Existing = "error", executor: Executor | None = None) -> RunResult:
        job = PutJob(StoreSpec(source.as_uri(), Profile()), self.spec, self.recipients, existing, pack=self.pack)
        return execute(job, open_destination(self.spec), executor or Threads(2))

    def get(self, dest: Path, below: str = "", *, encrypted: bool = False) -> RunResult:
        spec = StoreSpec(dest.as_uri(), Profile())
        job = GetJob(self.spec, spec, None if encrypted else self.reader, below)
        return execute(job, open_destination(spec), Threads(2))

    def verify(self, *, deep: bool = False) -> RunResult:
        job = VerifyJob(self.spec, share=1.0 if deep else 0.0)
        return execute(job, destination_of(job), Threads(2))


@pytest.fixture
def owner(home: object, tmp_path: Path) -> Recipients:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    file.chmod(0o600)
    pair = new_pair("owner", Secret(PASSPHRASE))
    return Recipients(("owner",), (pair.public.hex(),), "owner", SecretRef.parse(f"file:{file}"))


@pytest.fixture(params=["file", "s3", "az"])
def vault(request: pytest.FixtureRequest, owner: Recipients) -> Vault:
    """An empty vault in each kind of store that lasts."""
    rig: Rig = request.getfixturevalue(f"rig_of_{request.param}")
    return Vault(StoreSpec(f"{rig.url}/vault", rig.profile), owner, Reader(owner.key, owner.passphrase))


def tree_of(root: Path) -> dict[str, bytes]:
    """Return all files below a folder but a record of our own."""
    files = (one for one in root.rglob("*") if one.is_file())
    found = {str(one.relative_to(root)): one.read_bytes() for one in files}
    return {name: content for name, content in found.items() if not name.startswith(".bondstore/")}


@pytest.fixture
def room(home: object, tmp_path: Path) -> Room:
    """Where old archives lie, and where they are opened to; both empty."""
    (tmp_path / "sealed").mkdir()
    return Room(tmp_path / "sealed", tmp_path / "opened")
