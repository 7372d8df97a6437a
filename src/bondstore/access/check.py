"""What is wrong with a policy, told from its text alone: each defect with its line and the statement mended."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bondstore.access import actions, limits, mend, parts
from bondstore.access.document import Document, Statement, parse, parsed
from bondstore.access.document import Path as Where
from bondstore.access.evaluate import Policies, Principal, Request, decide
from bondstore.access.faults import Fault, faults
from bondstore.access.parts import Clause
from bondstore.errors import ConfigurationError, NotFoundError, UsageError
from bondstore.text import number_text

KINDS = ("managed", "user", "group", "role", "bucket")
"""What a policy may be: attached by name, inline in an identity, or of a bucket."""
PLAN = "plan.json"
"""What lies beside the policies of a folder and is none."""
Private = Callable[[Sequence[str]], Sequence[str]]
"""Of key prefixes that are opened, those at or below them that are nobody's data, such as device keys."""

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_UNFIT = re.compile(r"[^\t\n\r\x20-\xff]")
_ANYBODY = Principal("arn:aws:iam::000000000000:user/anybody")


def nothing_private(_: Sequence[str]) -> Sequence[str]:
    """Tell that nothing which is opened is nobody's data."""
    return ()


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a policy."""

    kind: str
    file: str
    line: int
    statement: str
    """The statement's ``Sid`` or number; empty where it is the whole policy."""
    message: str
    mended: tuple[Mapping[str, Any], ...] | None = None
    """What to write in place of the statement, all its defects taken out; None where a person must decide."""

    def record(self) -> dict[str, Any]:
        """Return it as a record to show."""
        return {
            "kind": "defect",
            "defect": self.kind,
            "file": self.file,
            "line": self.line,
            "statement": self.statement,
            "message": self.message,
            "mended": None if self.mended is None else list(self.mended),
        }


def read_policies(places: Iterable[Path]) -> list[tuple[Path, bytes]]:
    """Read policies; a folder stands for all its ``*.json`` but that of its plan.

    Raises
    ------
    NotFoundError
        There is no such file, or no policy in the folder.
    """
    found: list[tuple[Path, bytes]] = []
    for place in places:
        files = sorted(one for one in place.glob("*.json") if one.name != PLAN) if place.is_dir() else [place]
        if not files:
            raise NotFoundError(f"There is no policy in {place}.", hint="Write some with: bondstore policy make")
        for one in files:
            try:
                found.append((one, one.read_bytes()))
            except OSError as error:
                raise NotFoundError(f"{one} could not be read ({error.strerror}).", hint="Check its name.") from None
    return found


def read_documents(places: Iterable[Path]) -> dict[str, Document]:
    """Read policies by name.

    Raises
    ------
    NotFoundError, ConfigurationError
        There is none, or one is not a policy.
    """
    return {path.stem: parse(data, str(path)) for path, data in read_policies(places)}


def check_all(
    policies: Iterable[tuple[Path, bytes]], kind: str = "managed", private: Private = nothing_private
) -> list[Defect]:
    """Check several policies; inline ones count together, as they do for one identity."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is not a kind of policy.", hint=f"Name one of: {', '.join(KINDS)}")
    found: list[Defect] = []
    total, last = 0, ""
    for path, data in policies:
        if fault := name_fault(path.stem):
            found.append(Defect("name", str(path), 1, "", fault))
        try:
            document = parse(data, str(path))
        except ConfigurationError as error:
            found.append(Defect("no-policy", str(path), 0, "", error.message))
            continue
        total, last = total + document.size, str(path)
        found += _characters(data.decode("utf-8-sig"), str(path))
        found += check(document, kind, private)
        if not document.statements:
            found.append(Defect("no-policy", str(path), 1, "", "It has no statement: IAM refuses it."))
    if kind in limits.INLINE and total > limits.INLINE[kind]:
        found.append(_too_large(last, total, limits.INLINE[kind], f"all inline policies of a {kind} together"))
    return found


def check(document: Document, kind: str = "managed", private: Private = nothing_private) -> list[Defect]:
    """Check one policy: all but the characters of its file, its name, and what inline policies hold together."""
    found = list(_sizes(document, kind))
    is_list = isinstance(document.content["Statement"], list)
    earlier: dict[object, str] = {}
    names: set[str] = set()
    for number, clause in enumerate(_clauses(document, kind, private)):
        statement, where = clause.statement, ("Statement", number) if is_list else ("Statement",)
        told = list(faults(clause))
        if again := "Sid" in clause.raw and statement.name in names:
            told.append(Fault("statement-name", ("Sid",), "Another statement of this policy has the same Sid."))
        instead: tuple[Mapping[str, Any], ...] | None = tuple(mend.mended(clause)) if told else ()
        if again and instead:
            instead = tuple({key: value for key, value in one.items() if key != "Sid"} for one in instead)
        if (meaning := _meaning(statement)) in earlier:
            told = [Fault("duplicate", (), f"It says the same as statement {earlier[meaning]}: leave one of them out.")]
            instead = ()
        elif instead and not _is_sound(instead, number, document, kind, private):
            instead = None
        names.add(statement.name)
        earlier.setdefault(meaning, statement.name)
        placed = [(_line(document, (*where, *one.where)), one) for one in told]
        for line, fault in sorted(placed, key=lambda pair: pair[0]):
            found.append(Defect(fault.kind, document.name, line, statement.name, fault.message, instead))
    return found


def _clauses(document: Document, kind: str, private: Private) -> Iterator[Clause]:
    given = document.content["Statement"]
    for statement, raw in zip(document.statements, given if isinstance(given, list) else [given], strict=True):
        yield Clause(statement, raw, document, kind, tuple(_closing(document, statement, private)))


def _is_sound(
    instead: Sequence[Mapping[str, Any]], number: int, document: Document, kind: str, private: Private
) -> bool:
    """Whether nothing is wrong any more with what is to be written in place of a statement."""
    given = document.content["Statement"]
    several = [*given[:number], *instead, *given[number + 1 :]] if isinstance(given, list) else list(instead)
    after = list(_clauses(parsed({**document.content, "Statement": several}, document.name), kind, private))
    return not any(True for one in after[number : number + len(instead)] for _ in faults(one))


def name_fault(name: str) -> str:
    """Return what is wrong with a policy's name; empty where IAM takes it."""
    if len(name) > limits.NAME:
        return f"The policy's name has {len(name)} characters, and IAM takes {limits.NAME}."
    return "" if _NAME.fullmatch(name) else "IAM takes letters, digits and + = , . @ _ - alone in a policy's name."


def _sizes(document: Document, kind: str) -> Iterator[Defect]:
    if kind == "managed" and document.size > limits.MANAGED:
        yield _too_large(document.name, document.size, limits.MANAGED, "a managed policy")
    size = len(json.dumps(document.content, separators=(",", ":"), ensure_ascii=False).encode())
    if kind == "bucket" and size > limits.BUCKET:
        yield _too_large(document.name, size, limits.BUCKET, "the policy of a bucket")


def _too_large(name: str, size: int, limit: int, what: str) -> Defect:
    message = f"{number_text(size)} characters without white space: {what} may have {number_text(limit)}. Split it."
    return Defect("too-large", name, 1, "", message)


def _characters(text: str, name: str) -> Iterator[Defect]:
    for found in _UNFIT.finditer(text):
        message = f"IAM does not take U+{ord(found[0]):04X}, but tab, line ends and U+0020 to U+00FF."
        yield Defect("character", name, text.count("\n", 0, found.start()) + 1, "", message)


def _closing(document: Document, statement: Statement, private: Private) -> Iterator[str]:
    """Yield what a statement opens that is nobody's data and that no other statement denies."""
    everything = list(parts.opened(document.statements))
    among = parts.acted(statement, actions.OBJECT)
    for holder, between in dict.fromkeys((place.holder, place.between) for place in parts.opened([statement])):
        for prefix in private([parts.stem(place.key or "") for place in everything if place.holder == holder]):
            arn = f"{holder}{between}{prefix}"
            asked = [Request(f"s3:{one}", f"{arn}x", _ANYBODY) for one in among]
            alone = _for_anybody(replace(document, statements=(statement,)))
            together = _for_anybody(document)
            if any(_may(alone, one) and _may(together, one) for one in asked):
                yield f"{arn}*"


def _may(document: Document, request: Request) -> bool:
    """Whether a request may be allowed: what nobody can say counts as a yes."""
    return decide(request, Policies(identity=(document,))).permission.is_allowed is not False


def _for_anybody(document: Document) -> Document:
    """Return a policy as one of an identity: whom a bucket's policy names is not asked here."""
    return replace(document, statements=tuple(replace(one, principals=None) for one in document.statements))


def _line(document: Document, where: Where) -> int:
    while where and where not in document.lines:
        where = where[:-1]
    return document.lines.get(where, 1)


def _meaning(statement: Statement) -> object:
    """Return what a statement says, however it is written."""
    whom = statement.principals
    return (
        statement.effect,
        frozenset(one.lower() for one in statement.actions),
        statement.not_action,
        frozenset(statement.resources),
        statement.not_resource,
        None if whom is None else frozenset((key, frozenset(each)) for key, each in whom.items()),
        statement.not_principal,
        frozenset((one.operator, one.key.lower(), frozenset(one.values)) for one in statement.conditions),
    )
