"""The static table of all commands. ``bondstore --help`` is made of it alone, without loading a single command.

A noun is a package ``bondstore.cli.<noun>`` with a module per verb; a noun without verbs is one module. A command's
module has a function ``command``, whose docstring is the help, and ``EXAMPLES``, the lines shown below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.domains import all_domains, broken, find_domain, own_domains

if TYPE_CHECKING:
    from bondstore.runs.domain import Domain


@dataclass(frozen=True, slots=True)
class Noun:
    """One noun of the command line."""

    help: str
    verbs: Mapping[str, str] = field(default_factory=dict)
    """Each with its line in the noun's help; none when the noun is itself a command."""
    guided: str = ""
    """What the noun does when it is called bare in a terminal, by its module ``guided``; empty: it shows its help."""
    package: str = ""
    """Where the modules of its verbs lie, where that is not the package of its name here."""
    fault: Exception | None = None
    """Why it cannot be used."""


NOUNS: Mapping[str, Noun] = {
    "participants": Noun(
        "Participants: a form tool's CSV kept as a table, with its history.",
        {
            "sync": "Bring a CSV into the table: new, changed, gone.",
            "list": "List the participants.",
            "show": "Show one participant.",
            "history": "Show what became of one participant, or of all.",
            "policy": "Print the least-privilege policy for the table.",
            "check-policy": "Say who else could read the table.",
        },
    ),
    "policy": Noun(
        "Access policies: who may read what in a bucket.",
        {
            "make": "Make the policies that open a study or participants, and nothing else.",
            "check": "Say what is wrong with policies, and what to write instead.",
            "prove": "Say who may read what, key by key, and what differs from what is meant.",
            "diff": "Say what two policies, or two plans, allow otherwise.",
            "attach": "Attach a plan's policies to a user, a role or a group.",
            "show": "Show the policies that somebody has, and what each opens.",
        },
    ),
    "ls": Noun("List what a store, a part of one, or a vault has."),
    "cat": Noun("Write the bytes of one object, or of a file of a vault, to stdout."),
    "cp": Noun("Copy objects from any store to any other."),
    "put": Noun("Encrypt files and keep them in a vault, with a signed manifest."),
    "get": Noun("Fetch files of a vault, decrypted and proved."),
    "verify": Noun("Hold a vault against its signed manifests."),
    "rekey": Noun("Change who can decrypt a vault, without encrypting it again."),
    "release": Noun(
        "Releases: publish what passed, take it back.",
        {
            "publish": "Copy what passed quality control to a public store.",
            "recall": "Take a release or a file back.",
            "list": "List the releases of a public store.",
            "show": "List the files of a release.",
        },
    ),
    "restore": Noun("Bring archived objects back: Glacier, Deep Archive, Azure's archive tier."),
    "notify": Noun(
        "Mail: tell subscribers what was tested or released, with plots.",
        {
            "send": "Mail what is new to everybody who was not told yet.",
            "list": "List subscribers, or the messages that were sent.",
            "subscribe": "Ask an address whether it wishes to subscribe.",
            "confirm": "Confirm a subscription by its token.",
            "unsubscribe": "End a subscription.",
        },
    ),
    "vault": Noun(
        "Old Amazon Glacier vaults: what they hold, and how it moves out.",
        {
            "inventory": "Ask an old Glacier vault for its inventory, and keep it.",
            "migrate": "Move the archives of an old Glacier vault into a vault here.",
        },
    ),
    "unseal-legacy": Noun("Open old archives that openssl enc encrypted; unpack their tars."),
    "aws": Noun(
        "AWS Lambda: try handlers, package them, describe what they need.",
        {
            "invoke": "Run a handler here, with an event from a file.",
            "package": "Make the zips of a Lambda function or of its layers.",
            "template": "Print a CloudFormation template of all that is needed.",
        },
    ),
    "watch": Noun("Handle what arrives in a queue or a bucket, on a plain server."),
    "run": Noun(
        "Runs: what was done, what is left, go on.",
        {
            "list": "List the runs recorded in a folder.",
            "show": "Show one run: its tally, findings and quarantine.",
            "resume": "Go on with an interrupted run.",
            "retry": "Try the quarantined and failed objects of a run again.",
        },
    ),
    "audit": Noun(
        "The record of everything read.",
        {
            "show": "Show who read which object, when, and for which run.",
            "verify": "Prove that the record is unbroken.",
        },
    ),
    "keys": Noun(
        "Keys: pairs to encrypt for, and whom you trust.",
        {
            "new": "Make a pair of keys, under a passphrase.",
            "show": "List your keys and those of others, with fingerprints.",
            "trust": "Keep somebody's public key under a name.",
        },
    ),
    "crosswalk": Noun(
        "The crosswalk: which subject code belongs to whom, encrypted.",
        {
            "add": "Give people a subject code; who has one keeps it.",
            "find": "Find the codes of people, or who has a code.",
            "list": "List the subject codes.",
            "export": "Write the crosswalk to a file, with names.",
        },
    ),
    "profile": Noun(
        "Profiles: named settings to open stores.",
        {
            "add": "Add a profile, with secrets by reference.",
            "list": "List the profiles.",
            "show": "Show the settings that hold, and where each one comes from.",
            "remove": "Remove a profile.",
        },
    ),
    "doctor": Noun("Say what is wrong with the settings, and the command that mends it."),
}


def find_noun(name: str) -> Noun | None:
    """Return one noun; those of other packages are looked for last."""
    if name in NOUNS:
        return NOUNS[name]
    domain = find_domain(name)
    return None if domain is None else _noun(domain)


def nouns() -> Mapping[str, Noun]:
    """Return all of them, domains first."""
    return {name: _noun(domain) for name, domain in all_domains().items()} | dict(NOUNS)


def own_nouns() -> Mapping[str, Noun]:
    """Return those of Bondstore itself."""
    return {name: _noun(domain) for name, domain in own_domains().items()} | dict(NOUNS)


def commands() -> Iterator[tuple[str, ...]]:
    """Yield every command of Bondstore itself as its words, such as ``("profile", "add")`` or ``("doctor",)``."""
    for name, noun in own_nouns().items():
        if noun.verbs:
            yield from ((name, verb) for verb in noun.verbs)
        else:
            yield (name,)


def _noun(domain: Domain) -> Noun:
    if not domain.commands:
        return Noun(domain.help, {}, "", "", broken(domain))
    return Noun(domain.help, domain.commands, domain.guided, domain.package)
