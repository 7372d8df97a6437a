"""What may be found while old archives are opened."""

from __future__ import annotations

from bondstore.findings import FindingKind, Severity, registry
from bondstore.vault.legacy.content import UNPROVED
from bondstore.vault.legacy.tars import CUT, DAMAGED

NO_ROOM, UNOPENED = "no-room", "wrong-passphrase"
_UNKNOWN_HINT = "With --accept-unknown it is written all the same, and the command ends with 5."

LEGACY = registry(
    FindingKind(
        "not-openssl",
        Severity.ERROR,
        "The object does not begin as what `openssl enc` writes with a passphrase (`Salted__`, or that in base64).",
        "Look what it is: it may not be encrypted, or another program encrypted it.",
    ),
    FindingKind(
        "wrong-passphrase",
        Severity.ERROR,
        "No passphrase decrypts the object: they are wrong, or its first bytes are damaged.",
        "Try others: `--passphrase` may be given several times. Run the same command again, it tries once more. If a "
        "number of rounds other than 10,000 was used with `-pbkdf2`, add `--iterations`.",
    ),
    FindingKind(
        "content-unknown",
        Severity.ERROR,
        "A passphrase decrypts the object. What comes out is none of tar, gzip, zip, AVI, MP4, EDF and BDF, or its "
        "first bytes are damaged: nothing proves that it is whole.",
        _UNKNOWN_HINT,
    ),
    FindingKind(
        "content-unproved",
        Severity.ERROR,
        "A passphrase decrypts the object. Its content does not say where it ends: nothing proves that it is whole.",
        _UNKNOWN_HINT,
    ),
    FindingKind(
        "stops-early",
        Severity.ERROR,
        "The passphrase is right, and the end of the content is missing.",
        "Look for another copy. With --accept-unknown the part that is there is written: of a tar its whole members.",
    ),
    FindingKind(
        "content-damaged",
        Severity.ERROR,
        "The passphrase is right, and the content is damaged.",
        "Look for another copy. With --accept-unknown it is written as it is: of a tar the members before the damage.",
    ),
    FindingKind(
        "bytes-after-end",
        Severity.ERROR,
        "The content is whole, and bytes follow that are not its cipher's padding.",
        "They are kept at the end of a file, and left out of an unpacked tar: see them with `--keep-tar`.",
    ),
    FindingKind(
        "member-refused",
        Severity.ERROR,
        "A member of the tar is not unpacked, as it would leave its folder or is no file.",
        "All else was unpacked. `--keep-tar` writes the tar itself.",
    ),
    FindingKind(
        "no-room",
        Severity.ERROR,
        "A member of the tar says that it is larger than the disk has room for.",
        "Free some space and run the same command again, or look at the tar with `--keep-tar`.",
    ),
    FindingKind(
        "link-left-out",
        Severity.WARNING,
        "Links in the tar to other members of it are not made. The archive's list names them, and what they lead to.",
        "Nothing is missing: the files that they lead to were unpacked, or are named themselves.",
    ),
    FindingKind(
        "name-repeated",
        Severity.WARNING,
        "A tar holds several members of one name. The later ones were unpacked with ~2, ~3 … behind it.",
        "The last one is what tar itself would have left.",
    ),
)
BY_DAMAGE = {CUT: "stops-early", DAMAGED: "content-damaged", UNPROVED: "content-unproved", NO_ROOM: NO_ROOM}
"""The finding of each kind of `DamagedError`."""
AGAIN = frozenset({UNOPENED, NO_ROOM})
"""What the next run tries once more: another passphrase, or more room, may help."""
