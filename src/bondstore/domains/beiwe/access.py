"""What of a study a policy opens, and what it keeps shut."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from bondstore.access.grants import Scope, Share
from bondstore.domains.beiwe.layout import ROOTS, study_prefixes
from bondstore.errors import UsageError

KEYS, PROBLEMS = "keys", "problem-uploads"
_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def scope(study: str, participants: Sequence[str] = (), also: Collection[str] = ()) -> Scope:
    """Return the prefixes of a study, or of some of its participants.

    Device keys and uploads that the server could not decrypt are shut, unless `also` names them. Of the whole study
    they are denied, as they lie among its participants.

    Raises
    ------
    UsageError
        An id could stand for another study or participant, or what is asked for is not by participant.
    """
    if not _ID.fullmatch(study):
        raise UsageError(f"{study!r} is not a study's id.", hint="An id has letters, digits, - and _.")
    for number, one in enumerate(participants, 1):
        if not _ID.fullmatch(one):  # it may be a name, so it is not said
            raise UsageError(f"Participant {number} is not an id.", hint="An id has letters, digits, - and _.")
    if study in ROOTS:
        raise UsageError(f"{study} is not a study: it contains data of all studies.", hint="Give the study's id.")
    chunked, raw, problems = study_prefixes(study)
    subject = f"study {study}"
    keys = f"{raw}keys/"
    if unknown := set(also) - {KEYS, PROBLEMS}:
        raise UsageError(f"A Beiwe study has no {min(unknown)}.", hint=f"Write {KEYS} or {PROBLEMS}.")
    if participants:
        if also:
            raise UsageError(
                f"{min(also)} cannot be opened by participant: it is not stored by participant.",
                hint="Leave out --participant, or --also.",
            )
        if "keys" in participants:
            raise UsageError("keys is not a participant: that folder contains the device keys.", hint="Leave it out.")
        return Scope([Share(one, (f"{chunked}{one}/", f"{raw}{one}/")) for one in participants], (), subject)
    shares = [Share(study, (chunked, raw))]
    if KEYS in also:  # in the study's own prefix already; a name of its own says that they are meant
        shares.append(Share(KEYS, (keys,)))
    if PROBLEMS in also:
        shares.append(Share(PROBLEMS, (problems,)))
    return Scope(shares, () if KEYS in also else (keys,), subject)
