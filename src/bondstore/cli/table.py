"""The static table of all commands. ``bondstore --help`` is made of it alone, without loading a single command.

A noun is a package ``bondstore.cli.<noun>`` with a module per verb; a noun without verbs is one module. A command's
module has a function ``command``, whose docstring is the help, and ``EXAMPLES``, the lines shown below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Noun:
    """One noun of the command line."""

    help: str
    verbs: Mapping[str, str] = field(default_factory=dict)
    """Each with its line in the noun's help; none when the noun is itself a command."""
    guided: str = ""
    """What the noun does when it is called bare in a terminal, by its module ``guided``; empty: it shows its help."""


TABLE: Mapping[str, Noun] = {
    "beiwe": Noun(
        "Beiwe studies: look, read, export, reconcile.",
        {
            "participants": "Participants of a study: objects, bytes, first and last time.",
            "streams": "Data streams of a study: objects, bytes, first and last time.",
            "surveys": "Surveys of a study: objects, bytes, first and last time.",
            "ls": "List objects.",
            "read": "Decrypt objects in memory and show them as a table.",
            "export": "Decrypt a study, or a part of it, into a folder.",
            "reconcile": "What raw holds and chunked lacks; rebuild it from raw.",
        },
    ),
    "screenlake": Noun(
        "Screenshots and phone logs: cover faces, gather tables.",
        {
            "process": "Zips into images with faces covered, and whole tables.",
            "panelists": "Panelists of a store: zips, bytes, first and last upload.",
            "review": "What the detector was unsure of, as a sheet of small crops.",
        },
        guided="Without a verb, in a terminal, it asks step by step, and shows the plan before it begins.",
    ),
    "ocean": Noun(
        "Ocean profiles: test, look, draw.",
        {
            "qc": "Test profiles by a standard's rules, and write them for release.",
            "show": "Show a profile: header, flags by test, and why.",
            "tests": "The tests of a suite, or all there are, with their thresholds.",
            "plot": "Pictures of profiles, and a map and a section of each platform.",
        },
    ),
    "participants": Noun(
        "Participants: a form tool's CSV kept as a table, with its history.",
        {
            "sync": "Bring a CSV into the table: new, changed, gone.",
            "list": "List the participants.",
            "show": "Show one participant.",
            "history": "Show what became of one participant, or of all.",
            "policy": "Print the least-privilege policy for the table.",
        },
    ),
    "release": Noun(
        "Releases: publish what passed, take it back.",
        {
            "publish": "Copy what passed quality control to a public store.",
            "recall": "Take a release or a file back.",
            "list": "List the releases of a public store.",
            "show": "List the files of a release.",
        },
    ),
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


def commands() -> Iterator[tuple[str, ...]]:
    """Yield every command as its words, such as ``("profile", "add")`` or ``("doctor",)``."""
    for name, noun in TABLE.items():
        if noun.verbs:
            yield from ((name, verb) for verb in noun.verbs)
        else:
            yield (name,)
