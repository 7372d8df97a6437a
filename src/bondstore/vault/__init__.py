"""What is encrypted and kept: keys, manifests, uploads, archives, and the ways back.

A vault has its files below ``data/``, each as an object of its own, or many small ones in a pack, ``data/packs/*.tar``.
The signed manifests are below ``manifests/``. They name objects; lists beside them, encrypted for the same recipients,
have the checksums of contents, and of a pack also the path, place, size and checksum of each file (its index).
"""

from bondstore.runs.domain import Domain
from bondstore.vault.findings import INTEGRITY
from bondstore.vault.glacier.findings import GLACIER_INTEGRITY

VAULT = Domain(
    "vault",
    "The vault: files encrypted, kept, proved and brought back.",
    {},
    package="bondstore.cli",
    jobs="bondstore.vault.jobs",
    integrity=INTEGRITY | GLACIER_INTEGRITY,
    ending="bondstore.cli._vault_ending",
    findings={
        "bondstore.vault.restore_rules:RESTORES": (
            "Archived objects",
            "From `bondstore restore`. With *error* the run ends with exit code 5; while objects only have to be "
            "waited for, with 8.",
        ),
        "bondstore.vault.findings:FINDINGS": (
            "The vault",
            "From `bondstore put`, `get`, `cp`, `verify` and `rekey`. With *error* the run ends with exit code 5, or "
            "with 7 where something in the vault is not what its manifests say.",
        ),
        "bondstore.vault.glacier.findings:GLACIER": (
            "Old Glacier vaults",
            "From `bondstore vault inventory` and `vault migrate`. With *error* the run ends with exit code 5, or with "
            "7 where content does not have its tree hash; while something only has to be waited for, with 8.",
        ),
        "bondstore.vault.legacy.findings:LEGACY": (
            "Old archives",
            "From `bondstore unseal-legacy`. Encrypted objects stay in the store as they are, whatever is found.",
        ),
    },
)
"""How its recorded runs are taken up again. It is no domain: its commands are not under one noun."""
