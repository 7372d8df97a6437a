"""Uploads to and downloads from a vault, against what a user would run instead: ``python -m benchmarks.transfers``.

Each way is a process of its own, against the tests' S3 server on the same machine: encrypted by `bondstore put` and
`get`; as they are by boto3, sixteen files at a time; encrypted by ``rclone crypt``, where rclone is installed or named
by RCLONE. Processor time is that of the client alone, with its threads and children; wall time includes the server's.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import boto3
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS

import bondstore

MIB = 1 << 20
PASSPHRASE = "lantern over quiet water"
_AT_ONCE = 16


@dataclass(frozen=True)
class Files:
    """Files that are uploaded and fetched."""

    name: str
    number: int
    size: int
    sparse: bool = False

    def make(self, folder: Path) -> None:
        """Write them."""
        for one in range(self.number):
            path = folder / f"{one % 50:02d}" / f"{one}.edf"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                if self.sparse:
                    file.truncate(self.size)
                    continue
                for start in range(0, self.size, MIB):
                    file.write(os.urandom(min(MIB, self.size - start)))


SETS = (
    Files("1 × 2 GiB, sparse", 1, 2048 * MIB, sparse=True),
    Files("10,000 × 20 kB", 10_000, 20_000),
    Files("4 × 512 MB", 4, 512_000_000),
)


def boto(verb: str, bucket: str, folder: Path) -> None:
    """Upload or fetch files as they are, in a process of its own."""
    client: Any = boto3.client("s3")

    def send(path: Path) -> None:
        client.upload_file(str(path), bucket, f"plain/{path.relative_to(folder)}")

    def fetch(key: str) -> None:
        path = folder / key.removeprefix("plain/")
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(path))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        if verb == "put":
            list(pool.map(send, [path for path in folder.rglob("*") if path.is_file()]))
        else:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="plain/")
            list(pool.map(fetch, [one["Key"] for page in pages for one in page.get("Contents", [])]))


def measured(words: list[str]) -> tuple[float, float, float]:
    """Run a command; return its seconds, its seconds of processor time, and its peak memory in MB."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        passed = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read())
    return passed, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def ways(bucket: str, source: Path, back: Path, key: str) -> dict[str, tuple[list[str], list[str]]]:
    """Return how files are uploaded and fetched, by the name of the way."""
    own = [sys.executable, "-m", "bondstore"]
    secret = ["--passphrase", f"file:{key}", "--yes"]
    again = [sys.executable, "-m", "benchmarks.transfers", "--boto"]
    found = {
        "Bondstore, encrypted": (
            [*own, "put", str(source), f"s3://{bucket}/vault", "--seal-for", "bench", *secret],
            [*own, "get", f"s3://{bucket}/vault", str(back), "--unseal", *secret],
        ),
        "boto3, as they are": ([*again, "put", bucket, str(source)], [*again, "get", bucket, str(back)]),
    }
    rclone = os.environ.get("RCLONE") or shutil.which("rclone")
    if rclone:
        os.environ["RCLONE_CONFIG_CRYPT_REMOTE"] = f"plain:{bucket}/rclone"
        copy = [rclone, "copy", "--transfers", str(_AT_ONCE)]
        found["rclone crypt"] = ([*copy, str(source), "crypt:"], [*copy, "crypt:", str(back)])
    return found


def settings(endpoint: str, home: Path, rclone: str) -> None:
    """Set what the programs need; all of it is in a folder of its own."""
    os.environ |= {
        "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"), "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint,
    }  # fmt: skip
    os.environ.pop("AWS_CA_BUNDLE", None)  # the server speaks http, and rclone refuses it
    compileall.compile_dir(str(files(bondstore)), quiet=1)  # as installing does
    if rclone:
        hidden = subprocess.run([rclone, "obscure", PASSPHRASE], capture_output=True, text=True, check=True)
        plain = {"TYPE": "s3", "PROVIDER": "Other", "ENV_AUTH": "true", "ENDPOINT": endpoint, "REGION": "us-east-1"}
        crypt = {"TYPE": "crypt", "PASSWORD": hidden.stdout.strip()}
        os.environ |= {f"RCLONE_CONFIG_PLAIN_{name}": value for name, value in plain.items()}
        os.environ |= {f"RCLONE_CONFIG_CRYPT_{name}": value for name, value in crypt.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", type=int, help="which sets of files, by their number; all when not given")
    parser.add_argument("--small", type=int, default=1, help="a divisor of the number, or the size, of files")
    asked = parser.parse_args()
    print("| files | way | put, s | CPU s | MB | get, s | CPU s | MB |\n|---|---|--:|--:|--:|--:|--:|--:|")
    for number in asked.sets or range(len(SETS)):
        one = SETS[number]
        with tempfile.TemporaryDirectory() as folder, SeaweedFS() as server:
            home, source = Path(folder) / "home", Path(folder) / "source"
            home.mkdir()
            settings(server.endpoint, home, os.environ.get("RCLONE") or shutil.which("rclone") or "")
            many = one.number > 100
            Files(one.name, one.number // (asked.small if many else 1), one.size // (1 if many else asked.small),
                  sparse=one.sparse).make(source)  # fmt: skip
            key = home / "passphrase"
            key.write_text(PASSPHRASE)
            key.chmod(0o600)
            line = [sys.executable, "-m", "bondstore", "keys", "new", "bench", "--passphrase", f"file:{key}"]
            subprocess.run(line, check=True, capture_output=True)
            bucket = server.create_bucket("bench")
            for name, (put, get) in ways(bucket, source, Path(folder) / "back", str(key)).items():
                sent, fetched = measured(put), measured(get)
                shutil.rmtree(Path(folder) / "back")
                print(f"| {one.name} | {name} | " + " | ".join(f"{value:.1f}" for value in (*sent, *fetched)) + " |")
                sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--boto"]:
        boto(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        main()
