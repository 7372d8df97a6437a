"""Recordings from a hospital's folder into a vault: identity taken out, looked at again, encrypted and sent, in one go.

Nothing lies on a disk on its way, but videos, which are written with steps back: those lie there encrypted, in a file
without a name. What the second look finds somebody in does not become an object.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from bondstore.codecs.sealedfile import SealedFile
from bondstore.config.resolve import recorded_dest, recorded_store, store_params
from bondstore.deid.edf.scrub import Scrub
from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.files import DOUBT, PICTURE, Look, Searches
from bondstore.domains.neuro.audit.findings import AUDIT, WORDS
from bondstore.domains.neuro.audit.sought import Sought
from bondstore.domains.neuro.belonging import Belonging
from bondstore.domains.neuro.findings import KINDS
from bondstore.domains.neuro.job import CrosswalkRef, DeidentifyJob, people_of
from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.recordings import Known, Original, about_video, clean_notes, clean_video, take
from bondstore.domains.neuro.report import record_of, record_of_video, record_path
from bondstore.domains.neuro.sources import How, Source, Sources
from bondstore.errors import DamagedError
from bondstore.ledger import Item, State
from bondstore.modes import make_folder
from bondstore.runs.domain import unknown_run
from bondstore.runs.durable import explaining
from bondstore.runs.pipeline import EachObject, Objects, Page, Shard, Step, made_of
from bondstore.runs.policy import refuse_overlap, refuse_read_only
from bondstore.runs.work import from_source
from bondstore.stores.address import parse_address
from bondstore.vault.bag import BagFiles
from bondstore.vault.chain import chain_at
from bondstore.vault.manifest import ENDING, PAYLOAD, object_path
from bondstore.vault.manifests import Manifests
from bondstore.vault.names import stored_name
from bondstore.vault.put import ReadBack, refuse_unsafe
from bondstore.vault.recipients import Recipients
from bondstore.vault.uploading import Existing, PutObjects

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from bondstore.deid.edf.rules import Rules
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo
    from bondstore.vault.manifest import Content

JOB = "neuro.ingest"
Part = Literal["recordings", "video"]
_CHUNK = 1 << 20
_Keep = Callable[[str, "Iterable[Buffer]", int, Callable[[], bytes] | None], None]
"""Writes a file of this name, with these bytes, about so many of them, and the record that there is behind the last."""


@dataclass(frozen=True, slots=True)
class IngestJob(DeidentifyJob):
    """All recordings of a place, or all videos, into a vault."""

    recipients: Recipients = field(kw_only=True)
    existing: Existing = field(kw_only=True, default="error")
    part: Part = field(kw_only=True, default="recordings")
    video_has_place: bool = field(kw_only=True, default=False)
    """Whether another job takes the videos; else they are refused."""

    @property
    def name(self) -> str:
        """One job for each source, and for recordings and videos of it."""
        return f"{JOB}:{self.part}:{self.store.url}"

    @property
    def params(self) -> Mapping[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "dest": self.dest.url,
            "dest_profile": self.dest.profile.name,
            "how": asdict(self.how),
            "crosswalk": asdict(self.crosswalk),
            "names": self.names,
            "code": self.code,
            **self.recipients.params,
            "existing": self.existing,
            "part": self.part,
            "video_has_place": self.video_has_place,
        }

    def check(self) -> None:
        """Refuse what cannot succeed: as for `DeidentifyJob`, and a vault that one may not write, or is another's."""
        refuse_read_only(self.dest)
        refuse_overlap(self.store, self.dest)
        for spec in self.later:
            refuse_overlap(self.store, spec)
            refuse_read_only(spec)
        self.look()
        refuse_unsafe(self.dest, self.recipients)

    @property
    def steps(self) -> Sequence[Step]:
        """The mark of the crosswalk; objects; the manifest of those that none has yet, read back; and the bag."""
        objects = self._objects(parse_address(self.dest.url).kind)
        return Belonging(self.crosswalk), objects, Manifests(self.recipients), ReadBack(), BagFiles()

    def _objects(self, kind: str) -> CleanedObjects:
        return CleanedObjects(
            self.recipients,
            self.existing,
            kind=kind,
            known=self.known,
            crosswalk=self.crosswalk,
            names=self.names,
            part=self.part,
        )

    def ask(self, context: RunContext, given: Mapping[str, str]) -> Sources:
        """Find out what becomes of each file; of videos that there is no place for them."""
        found = DeidentifyJob.ask(self, context, given)
        if self.part == "video" or self.video_has_place:
            return found
        files = {
            alias: replace(one, path="", reason="video-without-place") if _is_video(one) else one
            for alias, one in found.files.items()
        }
        return replace(found, files=files)


def _is_video(source: Source) -> bool:
    return kind_of(source.key) is Kind.VIDEO


def job_of(params: Mapping[str, Any], profile: str | None = None) -> IngestJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    dest = recorded_dest(params)
    if dest is None:
        raise unknown_run()
    return IngestJob(
        recorded_store(params, profile),
        dest,
        How(**params["how"]),
        CrosswalkRef(**params["crosswalk"]),
        params["names"],
        params["code"],
        recipients=Recipients.recorded(params),
        existing=params["existing"],
        part=params["part"],
        video_has_place=params["video_has_place"],
    )


@dataclass(frozen=True, slots=True)
class CleanedObjects(PutObjects):
    """Takes identity out of each file, looks at what is left, and writes it encrypted; with its record beside it."""

    known: Known = field(kw_only=True, compare=False, repr=False)
    crosswalk: CrosswalkRef = field(kw_only=True)
    names: str | None = field(kw_only=True)
    part: Part = field(kw_only=True)
    people: tuple[Person, ...] = field(kw_only=True, default=(), repr=False)
    """Whom the second look looks for: all in the crosswalk, and those of the file of names."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Look at everything first: no byte is sent before each file has a place of its own."""
        self._learn(ledger, context)
        return EachObject.plan(self, ledger, context, progress)

    def _learn(self, ledger: Ledger | None, context: RunContext) -> None:
        def given() -> Mapping[str, str]:
            known = () if ledger is None else ledger.outputs.walk()
            there = {*chain_at(context.dest).entries(), *(one.path for one in known)}
            mine = set() if ledger is None else {one.path for one in ledger.outputs.walk(context.job)}
            keys = {} if ledger is None else ledger.items.keys_of(context.job, sorted(mine))
            # what came from other sources is never written over: to no alias its place is the old one
            others = {f"\0{path}": _file_of(path) for path in there - mine}
            return others | {alias: _file_of(path) for path, alias in keys.items()}

        self.known.of(context, given)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source under aliases."""
        for listed in self.known.listed(context):
            page = Page()
            for alias, source, info in listed:
                if self._is_ours(source):
                    page.items.append(Item(alias, info.etag + self._mark(alias), info.size, self._output(source)))
                    page.findings += [KINDS[word].about(alias) for word in (source.remark,) if word]
            yield page

    def _is_ours(self, source: Source) -> bool:
        return (self.part == "video") is (_is_video(source) and source.reason != "video-without-place")

    def _output(self, source: Source) -> str:
        return object_path(stored_name(source.path), encrypted=self.recipients.encrypts) if source.path else ""

    def _mark(self, alias: str) -> str:
        """Return what a file's version has besides that of the original: with other settings it is another one."""
        source = self.known.found.files[alias]
        return "" if source.reason else f" {self.known.found.digest(source)}"

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether an object is in place, or would be refused for the same reason."""
        if item.state is State.QUARANTINED:
            return self.known.is_refused_still(item)
        return PutObjects.is_current(self, item, outputs, holder)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned, in batches, each with what it takes alone."""
        self._learn(ledger, context)
        people = *(one.person for one in self.crosswalk.open().entries()), *people_of(self.names)
        for shard in PutObjects.shards(self, ledger, context):
            if not isinstance(shard, Objects):
                raise TypeError(shard)
            items = tuple(item for item in shard.items if item.key in self.known.found.files)
            part = self.known.part(item.key for item in items)
            yield Objects(context, replace(self, known=part, people=people), items)

    def name_of(self, item: Item) -> str:
        """Return the name that a file has in the manifest: the one without identity."""
        return _file_of(item.output)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Clean and write a batch, or say why not."""
        name = made_of("", items)[:32]
        contents: dict[str, Content] = {}

        def clean(item: Item, info: ObjectInfo, rules: Rules, work: Work) -> list[Finding]:
            def put(path: str, chunks: Iterable[Buffer], size: int) -> None:
                output = object_path(stored_name(path), encrypted=True)
                contents[output] = self.keep(work, replace(item, output=output, size=size), chunks, name)

            def keep(path: str, chunks: Iterable[Buffer], size: int, record: Callable[[], bytes] | None) -> None:
                beside: list[Buffer] = []

                def looked_at() -> Iterator[Buffer]:
                    yield from self._looked_at(item, path, chunks, work)
                    if record is not None:  # it is looked at as well before either of them becomes an object
                        beside.extend(self._looked_at(item, record_path(path), [record()], work))

                put(path, looked_at(), size)
                if beside:
                    put(record_path(path), beside, sum(memoryview(one).nbytes for one in beside))

            return self._clean(item, info, rules, work, keep)

        for item in items:
            take(item, self.known, work, clean, mark=self._mark(item.key))
        self.write_list(name, contents, work)

    def _clean(self, item: Item, info: ObjectInfo, rules: Rules, work: Work, keep: _Keep) -> list[Finding]:
        """Keep a file without identity, and its record."""
        source = self.known.found.files[item.key]
        kind = kind_of(source.key)
        if kind is Kind.VIDEO:
            return self._video(item, info, work, keep)
        chunks = from_source(work.store.open_ranges(info))
        if kind is Kind.NOTES:
            content, findings = clean_notes(item, chunks, rules)
            keep(source.path, [content], len(content), None)
            return findings
        scrub = Scrub(chunks, rules, threads=1)
        keep(source.path, scrub, item.size, lambda: record_of(source.path, scrub.result))
        return scrub.result.findings(item.key)

    def _video(self, item: Item, info: ObjectInfo, work: Work, keep: _Keep) -> list[Finding]:
        path = self.known.found.files[item.key].path
        scratch = work.dest.scratch
        make_folder(scratch)
        with explaining(str(scratch)), SealedFile(scratch) as raw, io.BufferedRandom(raw, _CHUNK) as file:
            original = cast("BinaryIO", io.BufferedReader(Original(work.store, info)))
            done = clean_video(original, cast("BinaryIO", file), self.known.found.how)
            size = file.seek(0, io.SEEK_END)  # with covered faces it may be much larger than the original
            file.seek(0)
            keep(path, iter(lambda: file.read(_CHUNK), b""), size, lambda: record_of_video(path, done))
        return about_video(item, done)

    def _looked_at(self, item: Item, path: str, chunks: Iterable[Buffer], work: Work) -> Iterator[Buffer]:
        """Pass a file's bytes on, and look for everybody in them on the way, before it becomes an object.

        Raises DamagedError behind the last of them, where somebody is there or a part could not be looked into.
        """
        look = Look(path, _searches(self.people))
        for chunk in chunks:
            look.feed(chunk)
            yield chunk
        found = {place: count for place, count in look.end().found.items() if count > 0 and place[1] != PICTURE}
        work.receipt.findings += [
            AUDIT[WORDS[kind]].about(item.key, where=where, count=count) for (where, kind), count in found.items()
        ]
        if any(kind != DOUBT for _, kind in found):
            raise DamagedError(KINDS["left-behind"].sentence, kind="left-behind")


def _file_of(output: str) -> str:
    return output.removeprefix(f"{PAYLOAD}/").removesuffix(ENDING)


@lru_cache(maxsize=1)
def _searches(people: tuple[Person, ...]) -> Searches:
    return Searches(Sought.of(people))
