"""The job that takes identity out of a place's recordings, and writes them under their subjects' codes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_dest, recorded_store, store_params
from bondstore.config.secrets import SecretRef
from bondstore.deid.people import read_people
from bondstore.domains.neuro.recordings import Known, Recordings
from bondstore.domains.neuro.sources import How, Sources, sources_of
from bondstore.errors import ConfigurationError, NothingThereError
from bondstore.runs.domain import unknown_run
from bondstore.runs.pipeline import Job, Step
from bondstore.runs.policy import check_places
from bondstore.stores import open_store
from bondstore.vault.crosswalks import open_crosswalk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.deid.people import Person
    from bondstore.runs.context import RunContext

JOB = "neuro"


@dataclass(frozen=True, slots=True)
class CrosswalkRef:
    """Where the crosswalk is, and what opens it."""

    place: str | None = None
    key: str | None = None
    passphrase: str | None = None
    """A reference, such as ``env:NAME``."""
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class DeidentifyJob(Job):
    """All recordings of a place."""

    store: StoreSpec
    dest: StoreSpec
    how: How
    crosswalk: CrosswalkRef
    names: str | None = None
    """The path of a file of names."""
    known: Known = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing is found out yet."""
        object.__setattr__(self, "known", Known(self._ask))

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
        }

    def check(self) -> None:
        """Refuse places that lie in one another, and an empty source."""
        check_places(self.store, self.dest)
        if not any(map(len, open_store(self.store).pages())):
            raise NothingThereError(f"There are no files in {self.store.url}.", hint="Check the folder or the URL.")

    @property
    def steps(self) -> Sequence[Step]:
        """The recordings."""
        return (Recordings(self.known, self._made_by()),)

    def _made_by(self) -> str:
        return hashlib.sha256(repr(self.how).encode()).hexdigest()[:32]

    def _ask(self, context: RunContext, given: Mapping[str, str]) -> Sources:
        ref = self.crosswalk
        passphrase = None if ref.passphrase is None else SecretRef.parse(ref.passphrase)
        crosswalk = open_crosswalk(ref.place, key=ref.key, passphrase=passphrase, profile=ref.profile)
        return sources_of(context.store, crosswalk, self.how, given, self._people())

    def _people(self) -> list[Person]:
        if self.names is None:
            return []
        try:
            with Path(self.names).open(encoding="utf-8-sig") as file:
                return list(read_people(file))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                "The file of names cannot be read.", hint="It is a text in UTF-8, a person a line."
            ) from error


def job_of(params: Mapping[str, Any], profile: str | None = None) -> DeidentifyJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    dest = recorded_dest(params)
    if params.get("job") != JOB or dest is None:
        raise unknown_run()
    how, crosswalk = How(**params["how"]), CrosswalkRef(**params["crosswalk"])
    return DeidentifyJob(recorded_store(params, profile), dest, how, crosswalk, params["names"])
