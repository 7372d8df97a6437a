"""The job: a file of counts for each text file, and a total for each of the folders they lie in."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import recorded_store
from bondstore.findings import FindingKind, Severity, registry
from bondstore.ledger import Item, Ledger, Output, State
from bondstore.runs.context import RunContext
from bondstore.runs.destination import Holder
from bondstore.runs.executors import default_executor
from bondstore.runs.paths import safe_relpath
from bondstore.runs.pipeline import EachObject, Group, Job, Leftovers, Product, Step
from bondstore.runs.work import Work
from bondstore.stores import ObjectInfo

KINDS = registry(FindingKind("no-text", Severity.ERROR, "The file is not text.", "Save it as UTF-8."))
executor = default_executor


@dataclass(frozen=True, slots=True)
class CountSettings:
    """How words are counted."""

    lower: bool = False

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EachText(EachObject):
    """Counts the words of a file."""

    settings: CountSettings
    kinds = ("count",)
    number = 1

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        if not found.key.endswith(".txt"):
            return "no-text-file"
        return Item(found.key, found.etag, found.size, f"counts/{safe_relpath(found.key)}.json")

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        return item.state is State.QUARANTINED or outputs[item.output].made_by == self.settings.digest

    def handle(self, items: Sequence[Item], work: Work) -> None:
        time.sleep(float(os.environ.get("WORDS_PAUSE", "0")))
        for item, answer in work.fetch(items):
            try:
                text = bytes(answer.data).decode()
            except UnicodeDecodeError:
                work.receipt.findings.append(KINDS["no-text"].about(item.key))
                work.quarantine(item, answer.info.etag, "no-text", [answer.data])
                continue
            words = (text.lower() if self.settings.lower else text).split()
            counts = {word: words.count(word) for word in sorted(set(words))}
            work.write(item.output, [json.dumps(counts).encode()], kind="count", made_by=self.settings.digest)
            work.receipt.done(item, answer.info.etag)


@dataclass(frozen=True, slots=True)
class Totals(Product):
    """Adds up the counts of each folder."""

    kinds = ("total",)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:
        counts = ledger.outputs.of_kind(context.job, "count")
        for folder, some in groupby(counts, key=lambda one: one.path.split("/")[1]):
            outputs = list(some)
            digest = hashlib.sha256(b"".join(one.path.encode() + one.sha256 for one in outputs)).hexdigest()
            paths = tuple(one.path for one in outputs)
            yield Group(folder, (f"totals/{folder}.json",), digest, sources=paths)

    def make(self, group: Group, work: Work) -> None:
        total: dict[str, int] = {}
        for data in work.dest.read_many(group.sources):
            assert data is not None
            for word, number in json.loads(data).items():
                total[word] = total.get(word, 0) + number
        data = json.dumps(dict(sorted(total.items()))).encode()
        work.write(group.paths[0], [data], kind="total", made_by=group.digest)


@dataclass(frozen=True, slots=True)
class WordsJob(Job):
    """Counting of all text files of a store."""

    store: StoreSpec
    settings: CountSettings

    @property
    def name(self) -> str:
        return f"words.count:{self.store.url}"

    @property
    def params(self) -> Mapping[str, Any]:
        return {
            "job": "words.count",
            "store": self.store.url,
            "profile": self.store.profile.name,
            "settings": asdict(self.settings),
        }

    @property
    def steps(self) -> Sequence[Step]:
        each = EachText(self.settings)
        return [each, Leftovers(each), Totals()]


def job_of(params: Mapping[str, Any], profile: str | None = None) -> WordsJob:
    return WordsJob(recorded_store(params, profile), CountSettings(**params["settings"]))


def is_by_product(path: str) -> bool:
    return path.startswith(("counts/", "totals/"))
