"""``bondstore policy show``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.text import counted, number_text, printable

EXAMPLES = ("bondstore policy show --of user/ada", "bondstore policy show --of role/export --json")


def command(
    *,
    of: Annotated[str, typer.Option("--of", metavar="user/NAME|role/NAME|group/NAME", help="Whose policies.")],
    profile: options.Profile = None,
    json: options.Json = False,
) -> None:
    """Show the policies that a user, a role or a group has, and what each opens.

    Attached ones, inline ones, those that come by groups, and the boundary, which opens nothing and only limits.
    Changes nothing.
    """
    from bondstore.access import limits
    from bondstore.access.iam import IamAccount, grantee_of
    from bondstore.access.words import sentences
    from bondstore.config.settings import load_profile

    who = grantee_of(of)
    held = list(IamAccount(load_profile(profile)).held(who))
    for one in held:
        opens = sentences(one.document)
        if json:
            record = {"kind": "policy", "policy": one.name, "how": one.how, "characters": one.document.size}
            output.display_one({**record, "description": one.description, "opens": opens}, json=True)
            continue
        size = f"{number_text(one.document.size)} characters"
        sys.stdout.write(printable(f"{one.name} ({one.how}, {size})") + "\n")
        sys.stdout.writelines(f"  {printable(each)}\n" for each in opens)
    attached = sum(one.how == "attached" for one in held)
    inline = sum(one.document.size for one in held if one.how == "inline")
    output.note(
        f"{counted(attached, 'policy', 'policies')} attached, of {limits.ATTACHED}; "
        f"{number_text(inline)} characters inline, of {number_text(limits.INLINE[who.kind])}."
    )
