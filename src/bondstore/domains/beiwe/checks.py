"""What the doctor should know of a Beiwe study: where to look, what not to read, and how to try its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from bondstore.config.resolve import resolve_study
from bondstore.doctor import Check, fail, ok, skipped
from bondstore.domains.beiwe.layout import BeiweObject, Kind, parse_key, study_prefixes
from bondstore.domains.beiwe.streams import STREAMS, match_header
from bondstore.errors import BondstoreError, UsageError
from bondstore.ledger import Read, note_personal
from bondstore.runs.process import whoami

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.doctor import Extra
    from bondstore.stores import Store

_SAMPLES = 5  # objects the key is tried on: one alone may be damaged
_PAGES = 4
_START = 4096  # bytes of an object that are read: the IV, and enough for a header line
_ZSTD = b"\x28\xb5\x2f\xfd"


class StudyCase(TypedDict):
    """The parts of a doctor's `Case` that depend on the study."""

    prefixes: Sequence[str]
    refused: str
    may_read: Callable[[str], bool]
    extras: Sequence[Extra]


def of_case(
    spec: StoreSpec, study: str | None, key: SecretRef | None, participants: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Return what the doctor is to know of a store: nothing, where no study is named.

    Raises
    ------
    UsageError
        Participants are named, and no study.
    """
    if study is None and spec.profile.study is None:
        if participants:
            raise UsageError("A participant is named, and no study.", hint="Add --study ID, or set STUDY_FOLDER.")
        return {}
    return of_study(resolve_study(study, spec.profile), key or spec.profile.decryption_key, participants)


def of_study(study: str, key: SecretRef | None, participants: Sequence[str] = ()) -> StudyCase:
    """Describe a study, or some participants of it, to the doctor."""
    roots = study_prefixes(study)[:2]
    chunked, raw = ([f"{root}{one}/" for one in participants] or [root] for root in roots)
    return {
        "prefixes": (*chunked, *raw),
        "refused": "" if participants else "Who may see some participants alone names them: add --participant ID.",
        "may_read": lambda name: parse_key(study, name).is_data,
        "extras": (lambda store: look_at_key(store, study, key, chunked),),
    }


def look_at_key(store: Store, study: str, key: SecretRef | None, prefixes: Sequence[str]) -> Iterator[Check]:
    """Try a study's key on a few objects, of which only the first bytes are read: the check ``study-key``."""
    from bondstore.domains.beiwe.decode import KEY_SIZE

    if key is None:
        yield skipped("study-key", "No decryption key is named.", "Add --key env:NAME, or set DECRYPTION_KEY_STRING.")
        return
    try:
        secret = key.resolve().reveal().encode()
    except BondstoreError as error:
        yield fail("study-key", error.message, error.hint or "")
        return
    if len(secret) != KEY_SIZE:
        message = f"The decryption key has {len(secret)} characters; a study's key has {KEY_SIZE}."
        yield fail("study-key", message, "Copy it again from the study's settings, without blanks.")
        return
    yield _try(store, secret, [one for prefix in prefixes for one in _samples(store, study, prefix)][:_SAMPLES])


def _samples(store: Store, study: str, prefix: str) -> list[BeiweObject]:
    """Pick chunked objects, compressed or not: their first bytes show whether a key is right."""
    found: list[BeiweObject] = []
    pages = store.pages(prefix)
    try:
        for number, page in enumerate(pages):
            parsed = (parse_key(study, info.key) for info in page.objects() if info.size > len(_ZSTD) + 16)
            found += [obj for obj in parsed if obj.kind is Kind.CHUNKED][: _SAMPLES - len(found)]
            if len(found) >= _SAMPLES or number + 1 >= _PAGES:
                break
    finally:
        pages.close()
    return found


def _try(store: Store, secret: bytes, samples: list[BeiweObject]) -> Check:
    from bondstore.codecs.cfb8 import Cfb8

    codec, read = Cfb8(secret), 0
    for obj in samples:
        try:
            sealed = store.get_range(obj.key, 0, _START)
            note_personal(whoami(), [Read(obj.key, "", len(sealed))])
            start = bytes(codec.open(sealed))
        except BondstoreError:
            continue  # this one cannot be read or is too short: the next one may tell
        read += 1
        if _opened(obj, start):
            return ok("study-key", f"It opens the study's data (tried on {obj.key}).")
    if not read:
        return skipped("study-key", "There is no processed object to try the key on.")
    return fail(
        "study-key",
        f"It opens none of {read} objects tried: it is not this study's key.",
        "Copy the key of this very study from its settings.",
    )


def _opened(obj: BeiweObject, start: bytes) -> bool:
    if obj.compression:
        return start.startswith(_ZSTD)
    line = start.split(b"\n", 1)[0]
    return match_header(STREAMS[obj.stream], line, "chunked") is not None
