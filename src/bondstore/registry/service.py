"""What the commands and a notebook call: sync, list, show, history; each read of participants is recorded."""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.access.dynamodb import HISTORY
from bondstore.config.profiles import Profile
from bondstore.config.settings import load_profile
from bondstore.databases import Row, Value, open_table
from bondstore.errors import CredentialsError, NotFoundError, UsageError
from bondstore.ledger import personal_path
from bondstore.ledger.audit import Read
from bondstore.ledger.personal import note_personal
from bondstore.registry.history import STATE, HistoryEntry, differing, entries
from bondstore.registry.identity import normal
from bondstore.registry.settings import GONE, HISTORY_KEY, KEY, SyncSettings
from bondstore.registry.sources import read_source
from bondstore.registry.sync import Participants, SyncResult, sync_participants
from bondstore.runs.process import whoami

if TYPE_CHECKING:
    from bondstore.registry.exposure import Guard

TABLE = "participant-information"


@dataclass(frozen=True, slots=True)
class Participant:
    """One participant.

    Parameters
    ----------
    user_id : int
        The number.
    gone : str
        Since when the participant is missing in the CSV; empty for one who takes part.
    version : int
        How often the row was written.
    fields : mapping of str to value
        The columns of the CSV, in its order.
    """

    user_id: int
    gone: str
    version: int
    fields: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Past:
    """One change of one participant.

    Parameters
    ----------
    entry : HistoryEntry
        As the history has it: ``user_id``, ``version``, ``action``, ``at``, ``run``, ``who`` and ``old``, the fields
        before.
    columns : tuple of str
        The columns that it changed.
    """

    entry: HistoryEntry
    columns: tuple[str, ...]


def open_participants(
    database: str | None = None, table: str = TABLE, profile: str | Profile | None = None
) -> Participants:
    """Open a table of participants.

    Parameters
    ----------
    database : str, optional
        ``sqlite:///FILE``, ``postgresql://USER@HOST/NAME`` (the password by ``PGPASSWORD`` or ``PGPASSFILE``),
        ``dynamodb://`` or ``dynamodb://REGION``; a SQLite file in the folder of the account's state when not given.
    table : str
        Its name; that of the history is the same with ``-history``.
    profile : str or Profile, optional
        Settings for DynamoDB.
    """
    url = f"sqlite:///{personal_path().with_name('participants.sqlite')}" if database is None else database
    settings = profile if isinstance(profile, Profile) else _profile(url, profile)
    rows = open_table(url, table, key=KEY, numeric=True, profile=settings)
    return Participants(rows, open_table(url, table + HISTORY, key=HISTORY_KEY, profile=settings))


def sync(
    place: str,
    participants: Participants,
    settings: SyncSettings,
    *,
    profile: str | Profile | None = None,
    dry_run: bool = False,
    agree: Callable[[SyncResult], None] | None = None,
) -> SyncResult:
    """Read a CSV and bring it into a table. The same CSV again changes nothing.

    Parameters
    ----------
    place : str
        The CSV: a path, or ``s3://bucket/key``, ``az://container/key``, ``file:///path``. Web addresses are refused:
        those of form tools hold the key to all answers, and would stand in the record of the command.
    participants : Participants
        The table.
    settings : SyncSettings
        How.
    profile : str or Profile, optional
        Settings to read the CSV with.
    dry_run : bool
        Only plan; nothing is made or written.
    agree : callable, optional
        Given the plan before anything is written; it raises where it is not wanted.

    Raises
    ------
    DamagedError
        The CSV is none, or lacks the columns of the key.
    PolicyError
        More than half of the participants would be marked as gone.
    ConfigurationError
        The key is not that of the last sync, or two participants would share a number.
    TransientStoreError
        Others changed the table again and again meanwhile.
    """
    source = read_source(place, profile)
    note_personal(whoami(), [Read(source.name, source.version, len(source.data))])
    now = time.time()
    run = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)) + "-" + secrets.token_hex(2)
    settings = dataclasses.replace(settings, source=source.name)
    return sync_participants(
        source.data,
        participants,
        settings,
        run=run,
        now=now,
        who=whoami(),
        dry_run=dry_run,
        agree=agree,
    )


def members(participants: Participants) -> list[Participant]:
    """Return all participants, by number; the read is recorded first.

    Raises
    ------
    NotFoundError
        There is no such table.
    """
    columns, _ = _about(participants)
    found = sorted((_participant(row, columns) for row in _scan(participants)), key=lambda one: one.user_id)
    _record(participants, "", [(one.fields, one.version) for one in found])
    return found


def member(participants: Participants, who: str) -> Participant:
    """Return one participant; the read is recorded first.

    Parameters
    ----------
    participants : Participants
        The table.
    who : str
        The number, or the value of the key's column.

    Raises
    ------
    NotFoundError
        There is no such participant.
    UsageError
        More than one is called so.
    """
    columns, key = _about(participants)
    found = [_participant(row, columns) for row in _named(participants, who, key)]
    _record(participants, "/" + ",".join(str(one.user_id) for one in found), [(o.fields, o.version) for o in found])
    if len(found) > 1:
        raise UsageError(f"{len(found)} participants are called so.", hint="Give the number: the user_id.")
    if not found:
        raise NotFoundError("There is no such participant.", hint="Run: bondstore participants list")
    return found[0]


def past(participants: Participants, who: str | None = None) -> list[Past]:
    """Return what became of one participant, or of all, oldest first; the read is recorded first.

    Parameters
    ----------
    participants : Participants
        The table.
    who : str, optional
        As in `member`.

    Raises
    ------
    NotFoundError
        There is no such table or participant.
    """
    current = members(participants) if who is None else [member(participants, who)]
    number = None if who is None else current[0].user_id
    found = entries(participants.history, number)
    _record(participants, f"{HISTORY}/{number or ''}".rstrip("/"), [(one.old, one.version) for one in found])
    after: dict[int, Mapping[str, Value]] = {
        one.user_id: {**one.fields, **({GONE: one.gone} if one.gone else {})} for one in current
    }
    changes: list[Past] = []
    # Backwards: an entry holds the fields before, so what it changed is seen by the state that came after it.
    for entry in reversed(found):
        changes.append(Past(entry, differing(entry.old, after.get(entry.user_id, {}))))
        after[entry.user_id] = entry.old
    return changes[::-1]


def guards(participants: Participants, user: str, profile: str | Profile | None = None) -> list[Guard]:
    """Say who besides one user could read a table in DynamoDB, its history and its streams.

    Parameters
    ----------
    participants : Participants
        The table.
    user : str
        The ARN of the user or role that is meant to be alone.
    profile : str or Profile, optional
        With what IAM is asked who is let in by a policy of their own; where IAM refuses, `Guard.let_in` is None.

    Raises
    ------
    UsageError
        The table is in no DynamoDB, or the user is no ARN.
    NotFoundError
        There is no such table.
    CredentialsError
        The policies may not be read.
    """
    from bondstore.access.dynamodb import check_user
    from bondstore.databases.dynamodb import DynamoTable
    from bondstore.registry.exposure import guard_of

    check_user(user)
    attached: dict[str, str | None] = {}
    for table in (participants.rows, participants.history):
        if not isinstance(table, DynamoTable):
            raise UsageError(
                f"{participants.place} is in no DynamoDB, and has no policies.",
                hint="Add --database dynamodb://REGION.",
            )
        attached |= table.policies()
    details = _account(profile)
    return [guard_of(place, policy, user, details) for place, policy in attached.items()]


def _account(profile: str | Profile | None) -> Mapping[str, Any] | None:
    """Return what IAM says of all users, roles, groups and policies; None where it may not be asked."""
    from bondstore import awsclients

    client = awsclients.aws_client("iam", profile if isinstance(profile, Profile) else load_profile(profile))
    found: dict[str, list[Any]] = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    try:
        for page in client.get_paginator("get_account_authorization_details").paginate():
            for name in found:
                found[name] += page.get(name, [])
    except awsclients.failures() as raised:
        error = awsclients.understand(raised, "IAM")
        if isinstance(error, CredentialsError):
            return None
        raise error from None
    return found


def _profile(url: str, name: str | None) -> Profile | None:
    return load_profile(name) if url.lower().startswith("dynamodb:") else None


def _about(participants: Participants) -> tuple[list[str], list[str]]:
    """Return the columns and the key as the last sync wrote them down; none where there was none."""
    state = participants.history.get(STATE) if participants.history.exists() else None
    if state is None:
        return [], []
    try:
        columns, key = (json.loads(str(state.fields.get(name))) for name in ("columns", "key"))
    except ValueError:
        return [], []
    return list(columns), list(key)


def _scan(participants: Participants) -> Iterator[Row]:
    with _hinting():
        yield from participants.rows.scan()


def _named(participants: Participants, who: str, key: list[str]) -> list[Row]:
    if who.isascii() and who.isdigit() and len(who) < 19:
        with _hinting():
            row = participants.rows.get(int(who))
        if row is not None:
            return [row]
    wanted = normal(who)
    return [row for row in _scan(participants) if wanted in {normal(str(row.fields.get(name, ""))) for name in key}]


@contextmanager
def _hinting() -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(error.message, hint="Run first: bondstore participants sync CSV") from None


def _participant(row: Row, columns: list[str]) -> Participant:
    names = [name for name in columns if name in row.fields]
    names += sorted(name for name in row.fields if name not in columns and name != GONE)
    fields = {name: row.fields[name] for name in names}
    return Participant(int(row.key), str(row.fields.get(GONE, "")), row.version, fields)


def _record(participants: Participants, part: str, read: list[tuple[Mapping[str, Value], int]]) -> None:
    size = sum(len(str(value).encode()) for fields, _ in read for value in fields.values())
    version = str(read[0][1]) if len(read) == 1 else f"{len(read)} rows"
    note_personal(whoami(), [Read(participants.place + part, version, size)])
