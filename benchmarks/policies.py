"""How long it takes to make policies and to prove them against an inventory: ``python -m benchmarks.policies``.

2,000 participants with two prefixes each, in 200 policies; 1,000,000 keys in an S3 Inventory packed with gzip, and an
EXPECT.csv that names the prefixes. The same question is asked once more of policies written with a star in the middle,
and of policies with variables of which nothing is known. Then as many keys are listed from a server (SeaweedFS) as
`--listed` says, a number after the other: the peak of memory must not grow with them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.servers.seaweedfs import SeaweedFS

from bondstore.config.resolve import resolve_store
from bondstore.stores import open_store

STUDY, BUCKET = "5873fe38644ad7557b168e43", "study-data"
PARTICIPANTS, POLICIES, KEYS = 2_000, 200, 1_000_000
LISTED = (16_000, 48_000, 96_000, 192_000)
STREAMS = ("accel", "gps", "powerState", "surveyAnswers", "audioRecordings")


def participant(number: int) -> str:
    """Return an id of eight letters and digits."""
    return f"{number * 2_654_435_761 % 2_821_109_907_456:08x}"[-8:]


def keys(count: int, participants: int) -> Iterator[str]:
    """Yield keys in the order of a listing; one in two is of a participant without a grant."""
    each = count // (participants * 2 * 2)
    for root in (f"{STUDY}/", f"CHUNKED_DATA/{STUDY}/"):
        for one in sorted(participant(number) for number in range(participants * 2)):
            for number in range(each):
                stream = STREAMS[number * len(STREAMS) // each]
                yield f"{root}{one}/{stream}/{1_700_000_000_000 + number * 3_600_000}.csv.zst"


def inventory(file: Path, count: int, participants: int) -> int:
    """Write an S3 Inventory; return its number of keys."""
    written = 0
    with gzip.open(file, "wt", compresslevel=1, encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        for key in keys(count, participants):
            writer.writerow([BUCKET, key, "18342", "2024-01-31T12:00:00.000Z", "9b2cf535f27731c974343645a3985328"])
            written += 1
    return written


def policies(folder: Path, participants: int, number: int, pattern: str) -> None:
    """Write policies that share the participants, and what is meant."""
    folder.mkdir()
    granted = [participant(one) for one in range(participants)]
    for one in range(number):
        resources = [
            f"arn:aws:s3:::{BUCKET}/{pattern.format(root=root, participant=who)}"
            for who in granted[one::number]
            for root in (f"{STUDY}/", f"CHUNKED_DATA/{STUDY}/")
        ]
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": list(dict.fromkeys(resources))}
        (folder / f"{one:03d}.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    prefixes = [f"{root}{STUDY}/{who}/" for who in granted for root in ("", "CHUNKED_DATA/")]
    (folder / "expect.csv").write_text("\n".join(["prefix", *prefixes]) + "\n")


def with_variables(folder: Path) -> None:
    """Give every tenth policy two resources with a variable of which nothing is known."""
    for file in sorted(folder.glob("*.json"))[::10]:
        policy = json.loads(file.read_text())
        policy["Statement"][0]["Resource"] += [
            f"arn:aws:s3:::{BUCKET}/home/{file.stem}/${{aws:PrincipalTag/owner}}/*",
            f"arn:aws:s3:::{BUCKET}/{STUDY}/${{aws:PrincipalTag/person}}/own-{file.stem}/*",
        ]
        file.write_text(json.dumps(policy))


def run(words: list[str]) -> tuple[float, float, float, int]:
    """Run the command; return its seconds, those of the processor, its peak of memory in MB, and its exit code."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "bondstore", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, child.returncode


def listed(policy: Path, sizes: list[int], participants: int) -> None:
    """Fill a bucket with objects of a byte, and measure at each of these numbers.

    Of an empty object the store asks once more whether it is a folder's mark.
    """
    with SeaweedFS() as server, ThreadPoolExecutor(16) as pool:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_REGION": server.region,
        }
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            with suppress(KeyError):
                del os.environ[name]
        url = f"s3://{server.create_bucket(BUCKET)}"
        store = open_store(resolve_store(url))
        every = list(keys(sizes[-1], participants))
        for before, size in zip([0, *sizes], sizes, strict=False):
            for at in range(before, size, 10_000):
                list(pool.map(lambda key: store.put(key, b"x"), every[at : min(at + 10_000, size)]))
            words = ["policy", "prove", str(policy), "--against", url]
            seconds, busy, peak, code = run(words)
            print(
                f"| prove, {size:,} keys from a server | {seconds:.1f} | {busy:.1f} | {peak:.0f} | {code} |", flush=True
            )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policies", description=__doc__)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--participants", type=int, default=PARTICIPANTS)
    parser.add_argument("--policies", type=int, default=POLICIES)
    parser.add_argument("--listed", type=int, nargs="*", default=LISTED, help="how many keys on a server")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "inventory.csv.gz"
        number = inventory(file, given.keys, given.participants)
        store = folder / "store"
        for key in keys(given.keys // 20, given.participants):
            path = store / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        policies(folder / "prefixes", given.participants, given.policies, "{root}{participant}/*")
        policies(folder / "stars", given.participants, given.policies, "*/{participant}/*")
        policies(folder / "variables", given.participants, given.policies, "{root}{participant}/*")
        with_variables(folder / "variables")
        people = folder / "people.txt"
        people.write_text("".join(f"{participant(one)}\n" for one in range(given.participants)))
        made = ["make", "beiwe", "--study", STUDY, "--bucket", BUCKET, "--participants", str(people)]
        ways = {
            "an inventory": ["prefixes", str(file), "--expect", str(folder / "prefixes/expect.csv")],
            "an inventory, --keys": ["prefixes", str(file), "--keys"],
            "an inventory, star in the middle": ["stars", str(file)],
            "an inventory, unknown variables": ["variables", str(file)],
            "an inventory, may be listed": ["prefixes", str(file), "--action", "s3:ListBucket"],
            f"a folder of {given.keys // 20:,} files, listed": ["prefixes", f"file://{store}", "--bucket", BUCKET],
        }
        print(f"{number:,} keys, {given.policies} policies\n\n| what | s | of CPU | peak, MB | exit |")
        print("|---|--:|--:|--:|--:|")
        commands = {f"make, {given.participants:,} participants": [*made, "--out", str(folder / "made")]}
        for name, (policy, against, *more) in ways.items():
            commands[f"prove, {name}"] = ["prove", str(folder / policy), "--against", against, *more]
        for name, words in commands.items():
            seconds, busy, peak, code = run(["policy", *words])
            print(f"| {name} | {seconds:.1f} | {busy:.1f} | {peak:.0f} | {code} |", flush=True)
        if given.listed:
            listed(folder / "prefixes", sorted(given.listed), given.participants)


if __name__ == "__main__":
    main()
