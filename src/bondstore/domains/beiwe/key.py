"""The study's decryption key: where it is kept, its opener, and the test that it is the right one.

What decrypts is imported where it is needed: it takes longer to load than a small study to list.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from itertools import count, islice
from typing import TYPE_CHECKING

from bondstore.config.secrets import LINE_END, Secret, SecretRef, remember
from bondstore.domains.beiwe.listing import walk
from bondstore.domains.beiwe.matching import check_each, matched
from bondstore.domains.beiwe.reading.fetch import SealedObject, fetch
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    CredentialsError,
    DamagedError,
    PolicyError,
    WrongKeyError,
)
from bondstore.ledger import note_personal
from bondstore.runs.policy import check_places
from bondstore.runs.process import shared_store, whoami

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.beiwe.decode import Opener
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.ledger import Ledger
    from bondstore.stores import Store

_FAR = 1 << 18  # passed over at once: by then nearly a million are refused, more than one participant has
_PROBED = 24  # so many objects must all be undecryptable before the key is called wrong
_numbers = count(1)
_openers: dict[SecretRef, Opener] = {}
_guard = threading.Lock()


def key_reference(key: str | SecretRef | Secret | None, spec: StoreSpec) -> SecretRef | None:
    """Return where a key is kept; a literal one is kept in this process alone, under a name of its own.

    Without one, the profile may name it. Raises ConfigurationError for a text that is neither a reference nor as long
    as a key.
    """
    if key is None or isinstance(key, SecretRef):
        return key or spec.profile.decryption_key
    if isinstance(key, str):
        try:
            return SecretRef.parse(key)
        except ConfigurationError:
            from bondstore.domains.beiwe.decode import KEY_SIZE

            if len(key.rstrip(LINE_END)) != KEY_SIZE:
                raise
    literal = key if isinstance(key, str) else key.reveal()
    reference = SecretRef("prompt", f"Decryption key {next(_numbers)}")
    remember(reference, literal.rstrip(LINE_END))
    return reference


def opener(key: SecretRef) -> Opener:
    """Return this process's opener for a key, resolved at first use."""
    from bondstore.domains.beiwe.decode import Opener

    with _guard:
        if key not in _openers:
            _openers[key] = Opener(key.resolve().reveal().encode("utf-8"))
        return _openers[key]


def check_key(store: Store, key: SecretRef, objects: Iterable[tuple[BeiweObject, int]], limit: int = 4 << 20) -> None:
    """Open a few objects, of the study's with their sizes, to see whether the key is the right one.

    Those over `limit` bytes are passed over. Raises WrongKeyError when everything that was tried is undecryptable, and
    CredentialsError when the store refuses all that were tried.
    """
    from bondstore.domains.beiwe.decode import key_verdict

    tool = opener(key)
    small = (obj for obj, size in objects if 16 < size <= limit and obj.is_data)
    doubtful = False
    for number, sealed in enumerate(islice(_one_by_one(store, small), _PROBED)):
        if isinstance(sealed, BondstoreError):
            continue
        note_personal(whoami(), [sealed.read])  # no run has begun yet
        try:
            verdict = key_verdict([tool.open(sealed.object, sealed.data)])
        except DamagedError as error:
            verdict = key_verdict([error])
        if verdict:
            return
        doubtful = doubtful or verdict is False
        if number and number % 8 == 0 and not doubtful:
            return
    if doubtful:
        raise WrongKeyError(
            "The decryption key opens none of the objects that were tried; nothing was written.",
            hint="Check the study's key (--key, or DECRYPTION_KEY_STRING) and that it belongs to this study.",
        )


def _one_by_one(store: Store, objects: Iterator[BeiweObject]) -> Iterator[SealedObject | BondstoreError]:
    """Fetch objects, past those that are refused in larger and larger steps: a participant's lie together."""
    step, had = 0, False
    refused: CredentialsError | None = None
    while step < _FAR and (obj := next(objects, None)) is not None:
        try:
            answer = fetch(store, [obj])[0]
        except CredentialsError as error:
            refused = error
            step += 1 + step // 2
            deque(islice(objects, step), maxlen=0)
            continue
        had = had or isinstance(answer, SealedObject)
        yield answer
    if refused is not None and not had:
        raise refused


@contextmanager
def key_checked(store: Store, study: str, key: SecretRef) -> Iterator[None]:
    """Where one object opens to noise, tell a wrong key from damage by other objects of the study.

    A key that opens none of them either raises WrongKeyError in place of the ``undecryptable`` raised inside.
    """
    try:
        yield
    except DamagedError as error:
        if error.kind == "undecryptable":
            pages = walk(store, study, StudySelection(source="chunked"))
            check_key(store, key, ((one.object, one.size) for page in pages for one in page))
        raise


def check_selection(spec: StoreSpec, study: str, key: SecretRef, selection: StudySelection) -> None:
    """Refuse a key that opens nothing of what a selection wants, and a selection that matches nothing."""
    store = shared_store(spec)
    check_each(store, study, selection)
    listed = (one for page in walk(store, study, selection) for one in page)
    check_key(store, key, ((one.object, one.size) for one in matched(store, study, selection, listed)))


def refuse_destination(source: StoreSpec, dest: StoreSpec | None) -> None:
    """Refuse to write decrypted data to a disk where a profile forbids it, and results among sources."""
    hint = "Read into memory instead (bondstore beiwe read, or study.table in Python), or change the profile."
    check_places(source, dest, hint=hint)


def refuse_mixture(ledger: Ledger | None, other_job: str) -> None:
    """Refuse to write rebuilt hours over exported ones, or the other way round: their files have the same names.

    `other_job` is what the names of the other kind's jobs start with.
    """
    if ledger is not None and any(run.job.startswith(other_job) for run in ledger.runs.newest_first()):
        raise PolicyError(
            "The folder is in use for the other of the two: exported hours and hours rebuilt from raw do not mix.",
            hint="Name another folder.",
        )
