"""The hospital part of the demo: recordings of patients who do not exist, without identity, and looked at again."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import Counter
from typing import Any

from demo import hospital
from demo.place import Place, near, program
from demo.show import Stage, plural

FOLDERS = ("hospital", "coded", "vault-edf", "vault-video")
INCOMPLETE = 5
_KEY = "demo-ward"


class Ward:
    """A folder as a hospital exports it, and what leaves.

    Parameters
    ----------
    place : Place
        The demo's folder.
    stage : Stage
        The terminal.
    """

    def __init__(self, place: Place, stage: Stage) -> None:
        self.place, self.stage = place, stage
        self.raw, self.coded = (near(place.root / name) for name in FOLDERS[:2])

    def run(self) -> list[str]:
        """Show it; returns a sentence for everything that is not as it should be."""
        files = list(hospital.make())
        hospital.write(files, self.place.root / FOLDERS[0])
        secret = self.place.secret(_KEY, "lantern over quiet water")
        kinds = Counter(one.kind for one in files)
        self.stage.good(
            f"{plural(len(hospital.PATIENTS), 'patient')} who do not exist: {plural(kinds['recording'], 'recording')}, "
            f"{plural(kinds['video'], 'video')}, {kinds['notes']} notes, and {kinds['companion']} files that cannot be "
            "cleaned. Their names are in 14 kinds of place."
        )
        passphrase = ("--passphrase", f"file:{near(secret)}")
        self._json(0, "keys", "new", _KEY, *passphrase)
        own = ("--key", _KEY, *passphrase)
        tally = self._json(INCOMPLETE, "neuro", "deidentify", self.raw, self.coded, *own, "--yes")[-1]
        self.stage.good(f"{tally['done']} files left without identity; {tally['quarantined']} were refused, by kind.")
        self._json(0, "neuro", "audit", self.coded, *own)
        self.stage.good("Another program looked for all of them in every byte that left: nobody was found.")
        vaults = [near(self.place.root / name) for name in FOLDERS[2:]]
        self._json(INCOMPLETE, "neuro", "ingest", self.raw, "--to", vaults[0], "--video-to", vaults[1], *own, "--yes")
        self.stage.good("The same in one go, encrypted: recordings in one vault, videos in another, both proved.")
        clean = len(files) - kinds["companion"]
        if (tally["done"], tally["quarantined"], tally["failed"]) != (clean, kinds["companion"], 0):
            return [f"{tally['done']} of {clean} files that can be cleaned were."]
        return []

    def next(self) -> None:
        """Show what to try."""
        path = min((self.place.root / FOLDERS[1]).glob("*_edf/*_1.edf"))
        self.stage.command(f"{program()} neuro show {near(path)}", "See a recording that left")

    def _json(self, code: int, *words: str) -> list[dict[str, Any]]:
        line = [*words, "--json"]
        self.stage.command("$ bondstore " + shlex.join(line))
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "bondstore", *line], capture_output=True, text=True)
        if done.returncode != code:
            raise SystemExit(f"bondstore {shlex.join(line)} ended with {done.returncode}.\n{done.stderr}")
        return [json.loads(text) for text in done.stdout.splitlines()]
