"""Access policies from Python: make them, check them, compare them, and prove what they open.

Examples
--------
>>> plan = bondstore.policies.make("lab-bucket", prefixes=["images/"])
>>> [one["Sid"] for one in plan.documents["bondstore-lab-bucket-001"]["Statement"]]
['Read', 'List', 'Locate']
>>> policies = bondstore.policies.read(["plan"])  # doctest: +SKIP
>>> proof = bondstore.policies.prove(policies, "s3://lab-bucket", expect="plan/expect.csv")  # doctest: +SKIP
>>> proof.is_as_meant, proof.record()  # doctest: +SKIP
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.access import check as checking
from bondstore.access import diff
from bondstore.access.check import Defect
from bondstore.access.diff import PolicyDiff
from bondstore.access.evaluate import Policies
from bondstore.access.grants import Grant, Rights
from bondstore.access.inventory import Inventory, of_listing, read_inventory, read_prefixes
from bondstore.access.plan import PolicyPlan, make_plan
from bondstore.access.prove import Proof, asked_of, made_up, policies_of
from bondstore.config.resolve import resolve_source
from bondstore.domains import private_prefixes, scope_of, scope_of_prefixes
from bondstore.errors import UsageError
from bondstore.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["Defect", "Policies", "PolicyDiff", "PolicyPlan", "Proof", "check", "compare", "make", "prove", "read"]


def make(
    bucket: str,
    *,
    kind: str | None = None,
    study: str = "",
    participants: Sequence[str] = (),
    also: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    rights: str = "read",
    name: str = "",
) -> PolicyPlan:
    """Make the policies that open a study, some participants or prefixes, and nothing else.

    Parameters
    ----------
    bucket : str
        The bucket's name.
    kind : str, optional
        The kind of data, such as ``beiwe``; without it, name prefixes.
    study : str
        The study's id.
    participants : sequence of str
        Their ids; all of the study when none is given.
    also : sequence of str
        What to open besides, closed by default: ``keys``, ``problem-uploads``.
    prefixes : sequence of str
        Key prefixes, each with its closing slash.
    rights : str
        ``read``, ``write`` or ``put``.
    name : str
        What the policies are called, before their number.

    Raises
    ------
    UsageError
        An id or a prefix could stand for another one, or nothing would be granted.
    """
    scope = scope_of(kind, study, participants, also) if kind else scope_of_prefixes(prefixes)
    name = name or "-".join(("bondstore", *([kind, study] if kind else [bucket])))
    return make_plan(name, Grant(bucket, scope, Rights(rights)))


def check(places: Sequence[str | os.PathLike[str]], *, kind: str = "managed") -> list[Defect]:
    """Say what is wrong with policies, each defect with its line and what to write instead.

    Parameters
    ----------
    places : sequence of str or path
        Files; a folder stands for all policies of its plan.
    kind : str
        ``managed``, ``user``, ``group``, ``role`` (inline policies, counted together) or ``bucket``.

    Raises
    ------
    NotFoundError
        There is no such file.
    """
    return checking.check_all(checking.read_policies(map(Path, places)), kind, private_prefixes)


def compare(old: str | os.PathLike[str], new: str | os.PathLike[str]) -> PolicyDiff:
    """Say what two policies, or two plans, allow and deny otherwise.

    Parameters
    ----------
    old, new : str or path
        Files, or folders with a plan.

    Raises
    ------
    NotFoundError, ConfigurationError
        There is no such file, or it is not a policy.
    """
    before, after = (checking.read_documents([Path(one)]) for one in (old, new))
    return diff.compare(before, after)


def read(
    places: Sequence[str | os.PathLike[str]] = (),
    *,
    boundary: str | os.PathLike[str] | None = None,
    bucket_policy: str | os.PathLike[str] | None = None,
) -> Policies:
    """Read policies that hold together.

    Parameters
    ----------
    places : sequence of str or path
        Policies of who asks; a folder stands for all policies of its plan.
    boundary : str or path, optional
        The permissions boundary of who asks.
    bucket_policy : str or path, optional
        The policy of the bucket.

    Raises
    ------
    NotFoundError, ConfigurationError
        There is no such file, or it is not a policy.
    """
    single = (Path(one) if one is not None else None for one in (boundary, bucket_policy))
    return policies_of([Path(one) for one in places], *single)


def prove(
    policies: Policies,
    against: str,
    *,
    expect: str | os.PathLike[str] | None = None,
    actions: Sequence[str] = ("s3:GetObject",),
    principal: str = "",
    context: Sequence[str] = (),
    bucket: str = "",
    profile: str | None = None,
) -> Proof:
    """Say who may do what, over every key of a bucket; memory does not grow with their number.

    Parameters
    ----------
    policies : Policies
        As `read` returns them.
    against : str
        Where the keys are: a store's URL, an S3 Inventory in CSV, or a CSV with a column ``key``.
    expect : str or path, optional
        What is meant to be granted: a CSV with a column ``prefix``.
    actions : sequence of str
        What is asked for.
    principal : str
        The ARN of who asks, or ``anonymous``; a made-up user when empty.
    context : sequence of str
        What is known of requests, ``KEY=VALUE`` each; ``KEY=`` where they do not have the key.
    bucket : str
        The bucket's name, where `against` does not say it.
    profile : str, optional
        Named settings to open the store with.

    Raises
    ------
    UsageError
        The bucket is not named, or a question cannot be asked.
    NotFoundError
        There is no such file or store.
    """
    prefixes = read_prefixes(Path(expect)) if expect is not None else None
    with closing(keys_of(against, profile)) as found:
        place, who = named_bucket(found, bucket), principal or made_up(policies=policies)
        asked = [asked_of(place, one, who, known=context) for one in dict.fromkeys(actions)]
        proof = Proof(asked, policies, prefixes, private_prefixes)
        deque(proof.answers(found.pages), maxlen=0)
    return proof


def keys_of(against: str, profile: str | None) -> Inventory:
    """Open what has the keys: a file, or a store."""
    if "://" not in against and not Path(against).is_dir():
        return read_inventory(Path(against))
    store = open_store(resolve_source(against, profile))
    address = store.address
    below = f"{address.prefix}/" if address.prefix else ""
    pages = store.pages()
    return Inventory(address.place if address.store_kind.speaks_s3 else "", of_listing(pages, below), pages.close)


def named_bucket(inventory: Inventory, bucket: str) -> str:
    """Return the bucket that the keys are of."""
    if not (bucket or inventory.bucket):
        raise UsageError("The bucket is not named in --against.", hint="Add --bucket NAME.")
    if bucket and inventory.bucket not in ("", bucket):
        raise UsageError(f"The keys are of bucket {inventory.bucket}, not of {bucket}.", hint="Leave out --bucket.")
    return bucket or inventory.bucket
