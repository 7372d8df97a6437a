"""The ocean part of the demo: files in a private bucket, tested, and what is good released to a public one."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from demo import ocean
from demo.place import PROFILE, Bucket, Place, near, open_to_all, program, put
from demo.show import Stage, plural

RAW, TESTED, PUBLIC = "ocean-raw", "ocean-qc", "ocean-public"


class Sea:
    """Three buckets, or folders where there is no server program.

    Parameters
    ----------
    where : Bucket
        The server.
    place : Place
        The demo's folder.
    stage : Stage
        The terminal.
    """

    def __init__(self, where: Bucket, place: Place, stage: Stage) -> None:
        self.where, self.place, self.stage = where, place, stage
        self.raw, self.tested, self.public = (where.sibling(name) for name in (RAW, TESTED, PUBLIC))

    def run(self) -> list[str]:
        """Show it; returns a sentence for everything that is not as it should be."""
        dives = ocean.fleet()
        table = self._fill(dives)
        words = ["ocean", "qc", self.raw, self.tested, "--metadata", near(table), "--jobs", "1", "--yes", "--json"]
        tally = self._json(*words)[-1]
        self.stage.good(f"{tally['done']} of {tally['planned']} files tested; each has the flags of every test.")
        published = self._json("release", "publish", self.public, "--from", self.tested, "--yes", "--json")[-1]
        grades = Counter(dive.grade for dive in dives)
        self.stage.good(
            f"{published['files']} released; held back: {grades['suspect']} suspect, {grades['bad']} bad, "
            f"{grades['not_evaluated']} that a test could not evaluate."
        )
        wrong = []
        if (tally["planned"], tally["done"]) != (len(dives), len(dives)):
            wrong.append(f"{tally['done']} of {len(dives)} files were tested.")
        if published["files"] != grades["good"]:
            wrong.append(f"{published['files']} files were released where {grades['good']} are good.")
        return wrong

    def next(self) -> None:
        """Show what to try."""
        spike = next(dive for dive in ocean.fleet() if dive.grade == "suspect")
        path = self.place.root / Path(spike.name).name
        path.write_bytes(spike.data)
        self.stage.command(f"{program()} ocean show {near(path)}", "See which test a profile failed, and why")

    def _fill(self, dives: list[ocean.Dive]) -> Path:
        """Put the files into the private bucket; returns the table of deployments."""
        if self.where.server is not None:
            client = self.where.server.client()
            for name in (RAW, TESTED, PUBLIC):
                client.create_bucket(Bucket=name)
            open_to_all(self.where.server, PUBLIC)
        put(self.raw, self.where, {dive.name: dive.data for dive in dives})
        table = self.place.root / "deployments.csv"
        table.write_text(ocean.DEPLOYMENTS, encoding="utf-8")
        access = "only its owner may read it; everybody may read the one to release to"
        self.stage.good(f"{plural(len(dives), 'profile')} in {self.raw}: {access}.")
        return table

    def _json(self, *words: str) -> list[dict[str, Any]]:
        line = [*words, "--profile", PROFILE]
        self.stage.command("$ bondstore " + shlex.join(line))
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "bondstore", *line], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"bondstore {shlex.join(line)} ended with {done.returncode}.\n{done.stderr}")
        return [json.loads(text) for text in done.stdout.splitlines()]
