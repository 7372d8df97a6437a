"""Where the demo lives: the folder ``.demo`` with its own settings, and a bucket on this machine with the study."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demo.study import KEY, STUDY, Made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.seaweedfs import SeaweedFS

BUCKET = "beiwe-demo"
PROFILE = "demo"
_BUCKETS = ("bucket", "bucket-ocean-raw", "bucket-ocean-qc", "bucket-ocean-public")
_FOLDERS = (
    "export", "tables", "config", "state", "secrets", "environment", "hospital", "coded", "vault-edf", "vault-video",
)  # fmt: skip
_OURS = ("AWS_", "AZURE_", "BEIWE_", "BONDSTORE_", "S3_")
_ALSO = ("STUDY_FOLDER", "DECRYPTION_KEY_STRING", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


@dataclass(frozen=True, slots=True)
class Place:
    """The demo's folder, emptied when it starts.

    Parameters
    ----------
    root : Path
        The folder, absolute.
    """

    root: Path

    @property
    def files(self) -> Path:
        """Where the exact files go."""
        return self.root / "export"

    @property
    def tables(self) -> Path:
        """Where the tables go."""
        return self.root / "tables"

    def clear(self) -> None:
        """Make the folder, without what an earlier demo left; nothing else in it is touched."""
        self.root.mkdir(parents=True, exist_ok=True)
        for name in (*_FOLDERS, *_BUCKETS):
            path = self.root / name
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """Return an environment without the user's settings, and with the demo's: for everything the demo runs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS) and name not in _ALSO}
        return kept | {
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def move_in(self) -> None:
        """Give this process that environment."""
        here = self.environment()
        os.environ.clear()
        os.environ.update(here)

    def secret(self, name: str, value: str) -> Path:
        """Write a secret into a file that only its owner can read."""
        path = self.root / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(value)
        return path


@dataclass(frozen=True, slots=True)
class Bucket:
    """A filled bucket.

    Parameters
    ----------
    url : str
        ``s3://…``, or ``file://…`` on a machine that the server program is not made for.
    endpoint : str
        The server's address; empty for a folder.
    server : SeaweedFS or None
        The server.
    """

    url: str
    endpoint: str = ""
    server: SeaweedFS | None = None

    def settings(self, place: Place) -> list[str]:
        """Return the options of ``bondstore profile add`` that describe it."""
        words = ["--url", self.url, "--study", STUDY, "--key", f"file:{place.secret('study-key', KEY)}"]
        if self.server is not None:
            words += ["--endpoint", self.endpoint, "--region", self.server.region, "--proxy", "none"]
            words += ["--access-key", f"file:{place.secret('access-key', self.server.access_key)}"]
            words += ["--secret-key", f"file:{place.secret('secret-key', self.server.secret_key)}"]
        return words

    def sibling(self, name: str) -> str:
        """Return the address of another bucket beside it."""
        return f"s3://{name}" if self.server is not None else f"{self.url}-{name}"

    def guide(self) -> dict[str, str]:
        """Return the Beiwe guide's variables for it, and the server's address, as AWS's tools call it."""
        if self.server is None:
            return {"BONDSTORE_STORE": self.url, "STUDY_FOLDER": STUDY, "DECRYPTION_KEY_STRING": KEY}
        return {
            "BEIWE_SERVER_AWS_ACCESS_KEY_ID": self.server.access_key,
            "BEIWE_SERVER_AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "S3_REGION_NAME": self.server.region,
            "S3_BUCKET": BUCKET,
            "STUDY_FOLDER": STUDY,
            "DECRYPTION_KEY_STRING": KEY,
            "AWS_ENDPOINT_URL": self.endpoint,
        }


@contextmanager
def bucket(place: Place) -> Iterator[Bucket]:
    """Start the S3 server with an empty bucket, and stop it at the end."""
    from tests.servers.seaweedfs import SeaweedFS, find_weed

    if find_weed() is None:
        folder = place.root / "bucket"
        folder.mkdir()
        yield Bucket(folder.as_uri())
        return
    with SeaweedFS() as server:
        server.create_bucket(BUCKET)
        yield Bucket(f"s3://{BUCKET}", server.endpoint, server)


def fill(where: Bucket, objects: Iterable[Made]) -> None:
    """Put objects into the bucket, as a Beiwe server would have left them."""
    put(where.url, where, {one.key: one.sealed for one in objects})


def put(url: str, where: Bucket, objects: Mapping[str, bytes]) -> None:
    """Put objects, by their keys, into a bucket of the server, or a folder where there is none."""
    if where.server is None:
        root = Path(url.removeprefix("file://"))
        for key, data in objects.items():
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return
    client, name = where.server.client(), url.removeprefix("s3://")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda one: client.put_object(Bucket=name, Key=one[0], Body=one[1]), objects.items()))


def open_to_all(server: SeaweedFS, name: str) -> None:
    """Let everybody list and read a bucket, by a policy as one sets it at AWS."""
    allowed = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    server.client().put_bucket_policy(Bucket=name, Policy=policy)


def program() -> str:
    """Return how a person calls bondstore from here: its bare name where that is this one, else its path."""
    beside = Path(sys.executable).with_name("bondstore")
    found = shutil.which("bondstore")
    if found and Path(found).resolve() == beside.resolve():
        return "bondstore"
    return near(beside)


def near(path: Path) -> str:
    """Return a path from the current folder where it lies below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
