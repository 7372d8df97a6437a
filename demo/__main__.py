"""``make demo``: a real S3 server, a made-up encrypted study with damage, a fleet, a hospital; what came of them."""

from __future__ import annotations

import argparse
import io
import json
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from demo.check import Expected, problems
from demo.damage import Spoilt, spoil
from demo.place import PROFILE, Bucket, Place, bucket, fill, near, program
from demo.sea import Sea
from demo.show import Stage, plural
from demo.study import PARTICIPANTS, STUDY, Shape, make
from demo.ward import Ward

SHAPE = Shape(participants=3, hours=12, rows=60, missing=0.05)
INCOMPLETE = 5


@dataclass(frozen=True, slots=True)
class Ran:
    """What one export said: its exit code, its findings and its tally."""

    code: int
    findings: list[dict[str, Any]]
    tally: dict[str, Any]


class Demo:
    """The demo from start to end."""

    def __init__(self, place: Place, stage: Stage) -> None:
        self.place, self.stage = place, stage

    def run(self, *, keep: bool) -> int:
        """Show it all; returns 0 when everything went as it should."""
        began = time.monotonic()
        self.stage.title(
            "Bondstore demo: a Beiwe study, from a sealed bucket to verified tables",
            "The people are made up. All of it happens on this machine, in " + near(self.place.root),
        )
        self.place.clear()
        spoilt = spoil(make(SHAPE), SHAPE)
        with ExitStack() as stack:
            self.stage.step("Start an S3 server and fill it with an encrypted study")
            where = stack.enter_context(bucket(self.place))
            fill(where, spoilt.objects)
            self._say_filled(where, spoilt)
            self.stage.step("Tell bondstore where the study is, and see who is in it")
            self._call("profile", "add", PROFILE, *where.settings(self.place), quiet=True)
            self.stage.good(
                f"The profile {PROFILE!r} names the bucket, the study, and the files that hold the secrets."
            )
            self._call("beiwe", "participants", "--profile", PROFILE)
            self.stage.step("Export: exact files, then one table per participant and stream")
            runs = {
                "files": self._export(self.place.files, "original"),
                "tables": self._export(self.place.tables, "parquet"),
            }
            self._summary(runs)
            wrong = self._check(runs, spoilt)
            self.stage.step("Ocean profiles: test what arrived, release what is good to a public bucket")
            sea = Sea(where, self.place, self.stage)
            for line in (odd := sea.run()):
                self.stage.bad(line)
            self.stage.step("Hospital recordings: take identity out, then look for it again")
            ward = Ward(self.place, self.stage)
            for line in (left := ward.run()):
                self.stage.bad(line)
            self._next(time.monotonic() - began)
            sea.next()
            ward.next()
            self.stage.say()
            wrong = wrong or bool(odd or left)
            if keep and not wrong:
                self._wait(where)
        return 1 if wrong else 0

    def _say_filled(self, where: Bucket, spoilt: Spoilt) -> None:
        server = f"SeaweedFS answers at {where.endpoint}" if where.endpoint else "No server program for this machine"
        self.stage.good(f"{server}; the bucket is {where.url}.")
        size = sum(len(one.sealed) for one in spoilt.objects)
        self.stage.good(
            f"{plural(SHAPE.participants, 'participant')}, {len(spoilt.objects):,} objects, {size:,} bytes."
        )
        self.stage.good(f"{plural(len(spoilt.kinds), 'object')} damaged on purpose; the rest must come out untouched.")

    def _call(self, *words: str, quiet: bool = False) -> None:
        """Run a command and let it speak for itself."""
        if not quiet:
            self.stage.command("$ bondstore " + shlex.join(words))
            sys.stdout.flush()
        done = subprocess.run(
            [sys.executable, "-m", "bondstore", *words],
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.PIPE if quiet else None,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"bondstore {shlex.join(words)} ended with {done.returncode}.\n{done.stderr or ''}")

    def _export(self, folder: Path, form: str) -> Ran:
        words = ["beiwe", "export", near(folder), "--profile", PROFILE, "--format", form, "--yes", "--json"]
        self.stage.command("$ bondstore " + shlex.join(words))
        sys.stdout.flush()
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "bondstore", *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        records = [json.loads(line) for line in done.stdout.splitlines()]
        if not records or records[-1]["kind"] != "tally":
            raise SystemExit(f"The export ended with {done.returncode}, and without a tally.")
        self.stage.good(f"exit code {done.returncode}, after {time.monotonic() - began:.1f} s")
        return Ran(done.returncode, [one for one in records if one["kind"] == "finding"], records[-1])

    def _summary(self, runs: dict[str, Ran]) -> None:
        self.stage.heading("What was written")
        for folder in (self.place.files, self.place.tables):
            self.stage.tree(folder, near(folder))
        self.stage.heading("The tally: every object is accounted for")
        self.stage.tally({name: ran.tally for name, ran in runs.items()})
        self.stage.heading("The findings: how many objects, in files and in tables")
        self.stage.findings({name: ran.findings for name, ran in runs.items()})
        self.stage.say("Both exports end with exit code 5: finished, but damaged objects are in quarantine.")
        self.stage.say(
            "Nothing of them is lost: their sealed bytes are kept, and the tables have what is good of them."
        )

    def _check(self, runs: dict[str, Ran], spoilt: Spoilt) -> bool:
        """Hold the outcome against what was put in; say what does not fit."""
        self.stage.heading("Checked against what was put in")
        codes = [ran.code for ran in runs.values()]
        wrong = [f"Exit code {code} where {INCOMPLETE} was expected." for code in codes if code != INCOMPLETE]
        expected = Expected(spoilt, STUDY)
        wrong += problems(expected, self.place.files, {name: (ran.tally, ran.findings) for name, ran in runs.items()})
        for line in wrong:
            self.stage.bad(line)
        if not wrong:
            self.stage.good(f"{len(expected.whole):,} undamaged files are byte for byte what was sealed.")
            self.stage.good(f"All {len(spoilt.kinds)} damaged objects were found, named and kept.")
        return bool(wrong)

    def _next(self, seconds: float) -> None:
        call, files, tables = program(), near(self.place.files), near(self.place.tables)
        table = f"import polars as pl; print(pl.read_parquet('{tables}/tables/{PARTICIPANTS[0]}/gps.parquet'))"
        self.stage.heading(f"Five commands to try next  (the demo took {seconds:.0f} s)")
        self.stage.command(f"{call} run show last --dest {files}", "What was done, and what is in quarantine")
        self.stage.command(f"{call} audit verify --dest {files}", "Prove that the record of all reads is unbroken")
        self.stage.command(f'{near(Path(sys.executable))} -c "{table}"', "A participant's places, as a table")

    def _wait(self, where: Bucket) -> None:
        """Leave the server running, for the tutorial."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in where.guide().items()]
        path = self.place.root / "environment"
        path.touch(mode=0o600)
        path.write_text("\n".join([*lines, "export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1", ""]))
        self.stage.heading("The server goes on running until you press Enter")
        self.stage.command(f". {near(path)}", "In another terminal, the Beiwe guide's variables for this study:")
        self.stage.command(f"{program()} beiwe streams", "and then, for example:")
        try:
            input()
        except (EOFError, KeyboardInterrupt):
            self.stage.say()


def _stop(*_: object) -> NoReturn:
    raise SystemExit(143)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server running until Enter is pressed")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where to work (.demo)")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)  # so that the server is stopped as well
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ✓ still shows the demo
    place = Place(chosen.folder.absolute())
    place.move_in()
    try:
        return Demo(place, Stage()).run(keep=chosen.keep)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
