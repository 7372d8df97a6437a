"""Every kind of finding: how bad, what it means, what to do.

Registries of kinds are found in the source: every module that says ``NAME = registry(…)``. `SECTIONS` gives each its
place and heading; one that is not listed there still comes out, at the end, and a test asks for its line.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

from docs.generator.text import code, markdown, page, table

import bondstore
from bondstore.domains import all_domains
from bondstore.findings import FindingKind
from bondstore.vault import VAULT

INTRODUCTION = (
    "A finding is anything a person should know about an object. It names the object and the place inside it, and "
    "never repeats a value from the data. `bondstore run show last --dest FOLDER` shows the findings of a run; "
    "with `--json` "
    "each is one line. An object with a finding of severity *error* goes to quarantine, or counts as failed, and the "
    "run ends with exit code 5."
)
SEVERITIES = (
    ("error", "Something is missing or could not be vouched for."),
    ("warning", "Handled, but a person should know before drawing conclusions."),
    ("info", "A quirk that was handled; nothing is missing."),
)
SECTIONS: dict[str, tuple[str, str]] = {
    "zips.findings.ZIPS": (
        "Zips",
        "A zip that is refused or partial stays in the store as it is; what could be had of it comes out.",
    ),
    "deid.findings.PICTURES": ("Images", "An image with a finding of severity *error* is not written at all."),
    "deid.edf.findings.EDF": (
        "Recordings (EDF, BDF)",
        "A recording with a finding of severity *error* is not written at all.",
    ),
    "findings.FETCHING": ("Every run", "What any run may meet when it fetches what it has listed."),
    "release.findings.KINDS": (
        "Releases",
        "From `bondstore release publish`: why a file stayed private. With *error* the command ends with exit code 5.",
    ),
    "registry.findings.KINDS": ("Participants", "From `bondstore participants sync`. No finding shows a value."),
    "runs.proof.FILES": (
        "Files that changed after a run",
        "From `bondstore audit verify --dest FOLDER --files`.",
    ),
}
for _domain in (*all_domains().values(), VAULT):
    SECTIONS |= {place.removeprefix("bondstore.").replace(":", "."): said for place, said in _domain.findings.items()}
_SOURCE = Path(bondstore.__file__).parent


def make() -> str:
    """Return the page."""
    found = registries()
    parts = [INTRODUCTION, table(("severity", ""), SEVERITIES)]
    shown: set[int] = set()
    for name in [*(one for one in SECTIONS if one in found), *sorted(found.keys() - SECTIONS.keys())]:
        kinds = [kind for kind in found[name].values() if id(kind) not in shown]
        shown |= set(map(id, kinds))
        title, text = SECTIONS.get(name) or (_about(name), "")
        if kinds:
            parts += [f"## {title}", text, _kinds(kinds)]
    return page("Findings", *parts)


def registries() -> dict[str, Mapping[str, FindingKind]]:
    """Return every registry of the source, by its dotted name below ``bondstore``."""
    found = {}
    for path in sorted(_SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "registry(" not in text:
            continue
        module = ".".join(path.relative_to(_SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for name in _assigned(ast.parse(text)):
            found[f"{module}.{name}"] = getattr(import_module(f"bondstore.{module}"), name)
    return found


def _assigned(tree: ast.Module) -> Iterable[str]:
    for node in tree.body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "registry":
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[union-attr]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _about(name: str) -> str:
    """Return what a module says of itself, as a heading."""
    doc = inspect.getdoc(import_module(f"bondstore.{name.rpartition('.')[0]}")) or name
    return markdown(doc.partition("\n")[0]).rstrip(".")


def _kinds(kinds: Iterable[FindingKind]) -> str:
    rows = ((code(one.word), one.severity.value, markdown(one.sentence), markdown(one.advice)) for one in kinds)
    return table(("kind", "severity", "what it means", "what to do"), rows)
