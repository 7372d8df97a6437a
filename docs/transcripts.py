"""Make the output shown in the documentation real: ``python -m docs.transcripts`` runs every ``console`` block again.

Lines of a ``console`` block that start with ``$ `` are commands; what they print is put below them. They run in order,
page by page, against the demo's data on a local S3 server, in an empty home folder. What differs from run to run
(times, ports, ids of runs and releases, names of accounts) is put in one form. With ``--check`` nothing is written.

A comment ``<!-- first: COMMAND -->`` runs a command that the page does not show. A page that speaks of the buckets for
ocean profiles finds them as the demo fills them, and the tables that go with them in its folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from demo.damage import spoil
from demo.phones import Shape as PhoneShape
from demo.phones import make as make_phones
from demo.phones import panelist
from demo.place import Bucket, Place, bucket, fill, open_to_all
from demo.study import KEY, Shape, make

from demo import ocean, policies

if TYPE_CHECKING:
    from tests.servers.seaweedfs import SeaweedFS

ROOT = Path(__file__).resolve().parents[1]
SHAPE = Shape(participants=3, hours=12, rows=60, missing=0.05)
PHONES = PhoneShape(panelists=3, zips=3, opted_out=1)
PHONES_BUCKET = "screenlake-demo"
HOW_TO = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "how-to").glob("*.md"))
PAGES = ("README.md", "docs/tutorial.md", *HOW_TO)
RAW, TESTED, PUBLIC = "lab-raw", "lab-qc", "lab-public"
TABLES = {
    "deployments.csv": ocean.DEPLOYMENTS,
    "form.csv": ocean.PARTICIPANTS,
    "about.toml": ocean.ABOUT,
    "attributes.toml": ocean.ATTRIBUTES,
    "by-hand.json": policies.BY_HAND,
    "ours.json": policies.OURS,
}
"""Files that lie in the folder of a page that names them."""
_BLOCK = re.compile(r"^```console\n(.*?)^```$|^<!-- first: (.*?) -->$", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"\b20\d{6}T\d{6}Z-[0-9a-f]{4}\b")
_SHORT = re.compile(r"(?<![0-9a-f])(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{16}(?![0-9a-f])")
"""Ids of releases and the short form of hashes: they hang on when a file was put into its bucket."""
HOME = "/home/ada"
_NAMES = {panelist(PHONES, number) for number in range(PHONES.panelists)}
_HASH = "4b1d7c0a95e2f38c6d20b7a1e4f95830c2d6a7b9e18f04c35d7a6b2e9f01c84d"
_ALIKE = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:8333"),
    (re.compile(r"\b20(?:2[5-9]|[3-9]\d)-\d\d-\d\d([ T])\d\d:\d\d:\d\d(?:\.\d{3})?Z"), r"2026-03-14\g<1>09:15:00Z"),
    (re.compile(r"\b[0-9a-f]{64}\b"), lambda found: found.group(0) if found.group(0) in _NAMES else _HASH),
    (re.compile(r", [\d,.]+ (?:objects|zips|files)/s, [\d.]+ [kMG]?B/s"), ""),
    (re.compile(r" \([\d.]+/s\)"), ""),
    (re.compile(r"[\d.,]+ GB are free"), "412 GB are free"),
    (re.compile(r"[\d.,]+ [MG]B free"), "15,993 MB free"),
    (re.compile(r"^took( +)\d.*$", re.MULTILINE), r"took\g<1>1 s"),
    (re.compile(r"(Z +)\d+ s "), r"\g<1>1 s "),
)


@dataclass
class Terminal:
    """A shell in an empty home folder, with the demo's study at hand.

    Parameters
    ----------
    home : Path
        The home folder.
    settings : dict of str to str
        The Beiwe guide's variables.
    server : SeaweedFS or None
        The server, to empty the buckets that pages write to.
    """

    home: Path
    settings: dict[str, str]
    server: SeaweedFS | None = None
    _runs: dict[str, str] = field(default_factory=dict)
    _hashes: dict[str, str] = field(default_factory=dict)

    def page(self, text: str) -> str:
        """Return a page with the output of its commands, run in a fresh folder."""
        self.begin(text)
        return _BLOCK.sub(self._part, text)

    def begin(self, text: str) -> None:
        """Empty the folder and the buckets that pages write to, and put there what a page takes for granted."""
        for path in self.home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._runs.clear()
        self._hashes.clear()
        for name, content in TABLES.items():
            if name in text:
                (self.home / name).write_text(content, encoding="utf-8")
        if self.server is not None and "s3://lab-" in text:
            empty(self.server, TESTED, PUBLIC)

    def _part(self, found: re.Match[str]) -> str:
        if found.group(2):
            self.run(found.group(2))
            return found.group(0)
        return f"```console\n{self._block(found.group(1))}```"

    def _block(self, text: str) -> str:
        lines = []
        for command in commands(text):
            lines.append("$ " + command.replace("\n", "\n> "))
            lines += self.run(command).splitlines()
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def run(self, command: str) -> str:
        """Run one command and return what it shows."""
        kept = {name: os.environ[name] for name in ("TMPDIR",) if name in os.environ}
        done = subprocess.run(  # noqa: S603 - the commands are the documentation's own
            ["bash", "-c", command],  # noqa: S607
            check=False,
            cwd=self.home,
            env=kept | self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return self._alike(done.stdout)

    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
        return self.settings | {
            "PATH": path,
            "HOME": str(self.home),
            "USER": "ada",
            "LOGNAME": "ada",
            "COLUMNS": "120",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "LAB_KEY_ID": self.settings["BEIWE_SERVER_AWS_ACCESS_KEY_ID"],
            "LAB_SECRET": self.settings["BEIWE_SERVER_AWS_SECRET_ACCESS_KEY"],
            "STUDY_KEY": KEY,
        }

    def _alike(self, text: str) -> str:
        text = text.replace(str(self.home), HOME)
        text = re.sub(r"\bada@\S+", "ada@lab", text)
        for run in _RUN.findall(text):
            number = len(self._runs) + 15
            self._runs.setdefault(run, f"20260314T09{number}00Z-{0x1F00 + number * 7:04x}")
        text = _RUN.sub(lambda found: self._runs[found.group(0)], text)
        for digest in _SHORT.findall(text):
            number = len(self._hashes) + 1
            self._hashes.setdefault(digest, f"{0x9E3779B97F4A7C15 * number % (1 << 64):016x}")
        text = _SHORT.sub(lambda found: self._hashes[found.group(0)], text)
        for pattern, alike in _ALIKE:
            text = pattern.sub(alike, text)
        return text


def commands(block: str) -> Iterator[str]:
    """Yield the commands of a block; a command goes on over lines that start with ``> ``."""
    for line in block.splitlines():
        if line.startswith("$ "):
            lines = [line[2:]]
            rest = block.split(line + "\n", 1)[1].splitlines()
            for following in rest:
                if not following.startswith("> "):
                    break
                lines.append(following[2:])
            yield "\n".join(lines)


def fill_phones(where: Bucket) -> None:
    """Put zips of phones into a bucket of their own; the last one is cut short."""
    if where.server is None:
        return
    client = where.server.client()
    client.create_bucket(Bucket=PHONES_BUCKET)
    made = [(one.key, one.data) for one in make_phones(PHONES)]
    key, data = made.pop()
    for name, content in [*made, (key, data[: len(data) * 2 // 3]), ("academia/readme.txt", b"x")]:
        client.put_object(Bucket=PHONES_BUCKET, Key=name, Body=content)


def fill_ocean(where: Bucket) -> None:
    """Make the buckets for ocean profiles: raw files in one, nothing in the two that pages write to; one is public."""
    if where.server is None:
        return
    client = where.server.client()
    for name in (RAW, TESTED, PUBLIC):
        client.create_bucket(Bucket=name)
    open_to_all(where.server, PUBLIC)
    for dive in ocean.fleet():
        client.put_object(Bucket=RAW, Key=dive.name, Body=dive.data)


def empty(server: SeaweedFS, *buckets: str) -> None:
    """Remove what pages before have left in buckets."""
    client = server.client()
    for name in buckets:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            for one in page.get("Contents", []):
                client.delete_object(Bucket=name, Key=one["Key"])


@contextmanager
def terminal(where: Bucket) -> Iterator[Terminal]:
    """Give a terminal for a server's empty bucket, which is filled with the study, and a bucket of phones' zips."""
    fill(where, spoil(make(SHAPE), SHAPE).objects)
    fill_phones(where)
    fill_ocean(where)
    with tempfile.TemporaryDirectory(prefix="bondstore-docs-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        yield Terminal(home, where.guide(), where.server)


def main(arguments: list[str]) -> int:
    """Run every page; returns 1 when ``--check`` finds one that is out of date."""
    named = [name for name in arguments if not name.startswith("-")]
    stale = 0
    with tempfile.TemporaryDirectory() as folder, bucket(Place(Path(folder))) as where, terminal(where) as shell:
        for name in named or PAGES:
            path = ROOT / name
            before = path.read_text(encoding="utf-8")
            after = shell.page(before)
            if before == after:
                continue
            stale += 1
            sys.stderr.write(f"{name}: {'other output' if '--check' in arguments else 'updated'}\n")
            if "--check" not in arguments:
                path.write_text(after, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
