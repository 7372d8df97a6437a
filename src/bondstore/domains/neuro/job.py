"""The job that takes identity out of a place's recordings, and writes them under their subjects' codes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from bondstore.config.resolve import recorded_dest, recorded_store, store_params
from bondstore.config.secrets import SecretRef
from bondstore.deid.names import NameFinder
from bondstore.deid.people import read_people
from bondstore.domains.neuro.belonging import Belonging
from bondstore.domains.neuro.patients import patients_in
from bondstore.domains.neuro.recordings import Known, Recordings
from bondstore.domains.neuro.report import Report
from bondstore.domains.neuro.sources import Asked, How, Sources, sources_of
from bondstore.errors import BondstoreError, ConfigurationError, NothingThereError, PolicyError, WaitingError
from bondstore.runs.domain import unknown_run
from bondstore.runs.pipeline import Job, Leftovers, Step
from bondstore.runs.policy import check_places, refuse_unless_identified
from bondstore.stores import open_store
from bondstore.text import counted
from bondstore.vault.addresses import is_vault
from bondstore.vault.crosswalks import open_crosswalk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.deid.crosswalk import Crosswalk
    from bondstore.deid.people import Person
    from bondstore.domains.neuro.patients import Patient
    from bondstore.runs.context import RunContext
    from bondstore.runs.progress import Progress

JOB = "neuro.deidentify"


@dataclass(frozen=True, slots=True)
class CrosswalkRef:
    """Where the crosswalk is, and what opens it."""

    place: str | None = None
    key: str | None = None
    passphrase: str | None = None
    """A reference, such as ``env:NAME``."""
    profile: str | None = None

    def open(self) -> Crosswalk:
        """Open it."""
        passphrase = None if self.passphrase is None else SecretRef.parse(self.passphrase)
        return open_crosswalk(self.place, key=self.key, passphrase=passphrase, profile=self.profile)


@dataclass(frozen=True, slots=True)
class DeidentifyJob(Job):
    """All recordings of a place."""

    store: StoreSpec
    dest: StoreSpec
    how: How
    crosswalk: CrosswalkRef
    names: str | None = None
    """The path of a file of names."""
    code: str | None = None
    """The code of the one patient there is."""
    allow: tuple[str, ...] = ()
    """Endings of files that are encrypted as they are where they cannot be cleaned."""
    watch: Progress | None = field(default=None, compare=False, repr=False)
    """Who sees how far the look at all files is."""
    later: tuple[StoreSpec, ...] = field(kw_only=True, default=(), compare=False)
    """Where other runs take results afterwards: what is wrong with it is told before the first byte is sent."""
    known: Known = field(init=False, compare=False, repr=False)
    looked: list[Patient] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing is found out yet."""
        object.__setattr__(self, "known", Known(self.ask))
        object.__setattr__(self, "looked", [])

    @property
    def name(self) -> str:
        """One job for each source."""
        return f"{JOB}:{self.store.url}"

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
            "allow": list(self.allow),
        }

    def check(self) -> None:
        """Refuse a vault, places that lie in one another or have a patient's name, and an empty source."""
        check_places(self.store, self.dest)
        if is_vault(self.dest):
            raise PolicyError(
                "The destination is a vault, and files would be written into it unencrypted.",
                hint="Choose another destination, or upload encrypted: bondstore neuro ingest SRC --to URL",
            )
        if self.allow:
            refuse_unless_identified(self.dest)
        self.look()

    def look(self) -> None:
        """Look at all files, unless that was done; refuse a crosswalk that does not open, and addresses with a name."""
        self.crosswalk.open().history()
        self.looked[:] = self.looked or look_at(self.store, self.watch)
        named = NameFinder(person for one in self.looked for person in one.people)
        for spec in (self.store, self.dest, *self.later):
            if _is_named(spec.url, named):
                raise PolicyError(
                    "The address of source or destination has a name that a recording's header has, too.",
                    hint="Runs record addresses. Name the folder above that of the patient, or choose another name.",
                )

    @property
    def steps(self) -> Sequence[Step]:
        """The mark of the crosswalk, the recordings, and what is written beside them."""
        recordings = Recordings(self.known)
        return (Belonging(self.crosswalk), recordings, Leftovers(recordings), Report())

    def ask(self, context: RunContext, given: Mapping[str, str]) -> Sources:
        """Find out what becomes of each file; raises `WaitingError` where somebody must say who a patient is."""
        asked = Asked(self.how, people_of(self.names), self.code, frozenset(self.allow), draft=not context.run)
        found = sources_of(self.looked, self.crosswalk.open(), asked, given)
        if found.candidates:
            raise WaitingError(
                f"{counted(len(found.candidates), 'patient')} may be in the crosswalk already, under another spelling.",
                hint="Nothing was copied. See who: bondstore neuro plan SRC --show-names. Say who they are: "
                "bondstore crosswalk add.",
            )
        return found


def _is_named(url: str, named: NameFinder) -> bool:
    """Whether an address has somebody's name: anything of it in its last part, two words of it in those above.

    One word above may be a home folder's, of a person who has it in common with a patient.
    """
    *above, last = PurePosixPath(unquote(url)).parts
    wholes = (part[one.start : one.stop] for part in above for one in named.find(part))
    return any(named.find(last)) or any(len(_WORD.findall(whole)) > 1 for whole in wholes)


_WORD = re.compile(r"[^\W\d_]{2,}")


def look_at(spec: StoreSpec, watch: Progress | None = None) -> list[Patient]:
    """Look at all files of a place; an error names none of them."""
    try:
        found = list(patients_in(open_store(spec), watch))
    except BondstoreError as error:
        # the text of the error may have a patient's folder
        raise type(error)("The source cannot be listed as a whole.", hint=_LISTED) from None
    if not found:
        raise NothingThereError(f"There are no files in {spec.url}.", hint="Check the folder or the URL.")
    return found


_LISTED = "Look whether you may read all folders below it: bondstore ls SRC --recursive"


def people_of(names: str | None) -> list[Person]:
    """Read a file of names."""
    if names is None:
        return []
    try:
        with Path(names).open(encoding="utf-8-sig") as file:
            return list(read_people(file))
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            "The file of names cannot be read.", hint="It is a text in UTF-8, a person a line."
        ) from None


def job_of(params: Mapping[str, Any], profile: str | None = None) -> DeidentifyJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    dest = recorded_dest(params)
    if params.get("job") != JOB or dest is None:
        raise unknown_run()
    how, crosswalk = How(**params["how"]), CrosswalkRef(**params["crosswalk"])
    allow = tuple(params.get("allow", ()))  # earlier versions had none
    return DeidentifyJob(recorded_store(params, profile), dest, how, crosswalk, params["names"], params["code"], allow)
