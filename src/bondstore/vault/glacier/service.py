"""An old vault of Amazon Glacier, through its own service: what is asked of it, and what it answers.

Everything takes hours: a job is begun, its output can be read once it is done, and is kept for about a day. Nothing
here deletes anything.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore import awsclients
from bondstore.codecs.segments import regrouped
from bondstore.config.profiles import StoreSpec
from bondstore.config.settings import DEFAULT, load_profile
from bondstore.errors import ChecksumError, NotFoundError, PolicyError, TransientStoreError, UsageError
from bondstore.ledger.personal import personal_path
from bondstore.runs.folder_destination import FolderDestination
from bondstore.vault.glacier.treehash import LEAF, root, tree_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bondstore.config.profiles import Profile
    from bondstore.stores.archive import Speed

INVENTORY, ARCHIVE = "InventoryRetrieval", "ArchiveRetrieval"
IN_PROGRESS, SUCCEEDED, FAILED = "InProgress", "Succeeded", "Failed"
RANGE = 16 << 20
"""Bytes that are fetched at a time: a power of two of leaves, so that the service tells the tree hash of each."""
_TRIES = 3
_PIECE = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")


class NoCapacityError(TransientStoreError):
    """The service has no capacity for expedited requests at the moment."""


@dataclass(frozen=True, slots=True)
class RetrievalJob:
    """A job of the service."""

    id: str
    action: str
    status: str
    archive: str = ""
    message: str = ""
    created: str = ""
    tree_hash: str = ""
    """Of its output, where the service tells it."""
    whole: bool = True
    """Whether it is about all there is, and not a part that somebody else asked for."""

    @classmethod
    def parse(cls, told: dict[str, Any]) -> RetrievalJob:
        """Read what the service tells of a job."""
        size, asked = told.get("ArchiveSizeInBytes") or 0, told.get("RetrievalByteRange")
        limits = told.get("InventoryRetrievalParameters") or {}
        part = any(limits.get(one) for one in ("StartDate", "EndDate", "Limit", "Marker"))
        return cls(
            told["JobId"],
            told.get("Action") or "",
            told.get("StatusCode") or "",
            told.get("ArchiveId") or "",
            told.get("StatusMessage") or "",
            told.get("CreationDate") or "",
            told.get("SHA256TreeHash") or "",
            whole=asked in (None, f"0-{size - 1}") and not part and limits.get("Format") in (None, "JSON"),
        )


@dataclass(frozen=True, slots=True)
class GlacierVault:
    """An old vault of the account whose credentials the profile has."""

    name: str
    profile: Profile

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"{self.name} is not the name of a vault.", hint="Give its name only: no URL, no ARN.")

    @property
    def folder(self) -> Path:
        """Where this account keeps what it knows of the vault."""
        profile = self.profile
        place = (awsclients.endpoint_of("glacier", profile), profile.region, profile.name, profile.aws_profile)
        digest = hashlib.sha256(repr((self.name, *place)).encode()).hexdigest()
        return personal_path().parent / "glacier" / f"{self.name[:200]}-{digest[:16]}"

    @property
    def spec(self) -> StoreSpec:
        """The same, as a store that is read."""
        return StoreSpec(self.folder.as_uri(), self.profile)

    @property
    def record(self) -> FolderDestination:
        """The same, as what keeps the record of runs."""
        return FolderDestination(self.folder)

    def arn(self) -> str:
        """Return the vault's full name, with its region and account.

        Raises
        ------
        NotFoundError
            The account has no such vault.
        """
        return str(self._ask("describe_vault", f"vault {self.name}")["VaultARN"])

    def jobs(self) -> Iterator[RetrievalJob]:
        """List the jobs that go on, and those whose output can be read."""
        marker: dict[str, str] = {}
        while True:
            found = self._ask("list_jobs", f"vault {self.name}", **marker)
            yield from map(RetrievalJob.parse, found.get("JobList") or ())
            if not found.get("Marker"):
                return
            marker = {"marker": found["Marker"]}

    def ask_inventory(self) -> str:
        """Begin an inventory; return the job's id."""
        words = {"Type": "inventory-retrieval", "Format": "JSON"}
        return str(self._ask("initiate_job", f"inventory of the vault {self.name}", jobParameters=words)["jobId"])

    def ask_archive(self, archive: str, speed: Speed) -> str:
        """Begin to bring an archive back; return the job's id.

        Raises
        ------
        NotFoundError
            The vault does not have the archive any more.
        NoCapacityError
            Expedited requests are not taken at the moment.
        PolicyError
            The account's own limit on retrievals refuses.
        """
        words = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": speed.value.capitalize()}
        return str(self._ask("initiate_job", "such archive in the vault", jobParameters=words)["jobId"])

    def output(self, job: RetrievalJob) -> Iterator[bytes]:
        """Yield all that a job brought, piece by piece: an inventory, whose length nobody tells before.

        Raises
        ------
        ChecksumError
            Behind the last piece: it does not have the tree hash that the service tells, where it tells one.
        """
        answer = self._ask("get_job_output", "output of this job any more", jobId=job.id)
        leaves: list[bytes] = []
        for piece in regrouped(self._read(answer["body"]), LEAF):
            leaves.append(hashlib.sha256(piece).digest())
            yield bytes(piece)
        told = answer.get("checksum") or job.tree_hash
        if told and told != root(leaves or [hashlib.sha256().digest()]).hex():
            raise ChecksumError("The inventory does not have the tree hash that the service tells.")

    def ranges(self, job: RetrievalJob, size: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield an archive in ranges of `RANGE` bytes with their tree hashes, held against those told with them.

        Raises
        ------
        ChecksumError
            A range came damaged, several times.
        NotFoundError
            The output has expired.
        """
        for start in range(0, size, RANGE):
            yield self._range(job, start, min(RANGE, size - start), size)

    def _range(self, job: RetrievalJob, start: int, length: int, size: int) -> tuple[bytes, bytes]:
        words = {} if length == size else {"range": f"bytes={start}-{start + length - 1}"}
        for last in (*[False] * (_TRIES - 1), True):
            try:
                answer = self._ask("get_job_output", "output of this job any more", jobId=job.id, **words)
                content = b"".join(self._read(answer["body"], length))
            except TransientStoreError:
                if last:
                    raise
                continue
            found, told = tree_hash(content), answer.get("checksum")
            if len(content) == length and told in (None, "", found.hex()):
                return content, found
        raise ChecksumError(f"The bytes {start} to {start + length - 1} came damaged, {_TRIES} times.")

    def _read(self, body: Any, most: int | None = None) -> Iterator[bytes]:
        """Yield the pieces of an answer; a few bytes more than `most` at the most."""
        count = 0
        try:
            for piece in body.iter_chunks(_PIECE):
                yield piece
                count += len(piece)
                if most is not None and count > most:  # it answers with more than was asked for
                    return
        except awsclients.failures() as raised:
            kind = type(raised).__name__
            raise TransientStoreError(f"The connection to the vault {self.name} broke ({kind}).") from None
        finally:
            body.close()

    def _ask(self, operation: str, place: str, **words: Any) -> Any:
        client = _client(self.profile, awsclients.endpoint_of("glacier", self.profile), os.getpid())
        try:
            return getattr(client, operation)(accountId="-", vaultName=self.name, **words)
        except awsclients.failures() as raised:
            code = awsclients.code_of(raised)
            if code == "PolicyEnforcedException":
                raise PolicyError("The data retrieval policy of the account refuses more.") from None
            if code == "InsufficientCapacityException":
                raise NoCapacityError("There is no capacity for expedited requests at the moment.") from None
            if code == "VaultNotFound":
                raise NotFoundError(
                    f"There is no {place}.", hint="Check the name, the region and the profile."
                ) from None
            raise awsclients.understand(raised, place) from None


def recorded_vault(params: Mapping[str, Any], profile: str | None = None) -> GlacierVault:
    """Find the vault that a run recorded, or the same with another profile."""
    named = profile or (params["profile"] if params["profile"] != DEFAULT else None)
    return GlacierVault(params["vault"], load_profile(named))


@cache
def _client(profile: Profile, endpoint: str | None, process: int) -> Any:  # noqa: ARG001 - they tell clients apart
    return awsclients.aws_client("glacier", profile)
