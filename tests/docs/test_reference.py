"""The reference pages say what the code says, all of it."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs.generator.findings import SECTIONS, registries
from docs.generator.python import MODULES

import bondstore
from bondstore.cli.table import commands
from bondstore.config.profiles import Profile
from bondstore.domains.beiwe.findings import DAMAGE, KINDS
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import Exit
from tests.docs.pages import PAGES, ROOT

SOURCE = Path(bondstore.__file__).parent
FINDINGS = PAGES["docs/reference/findings.md"]


def test_the_pages_made_from_the_code_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    for name in ("docs/build.py", "docs/generator"):
        subprocess.run(["cp", "-r", "--parents", name, str(tmp_path)], cwd=ROOT, check=True)
    check = [sys.executable, str(tmp_path / "docs/build.py")]
    assert subprocess.run([*check, "--check"], capture_output=True).returncode == 1
    assert not (tmp_path / "docs/reference").exists()
    assert subprocess.run(check, capture_output=True).returncode == 0
    assert subprocess.run([*check, "--check"], capture_output=True).returncode == 0
    page = tmp_path / "docs/reference/findings.md"
    page.write_text(page.read_text().replace("error", "fault"))
    assert subprocess.run([*check, "--check"], capture_output=True).returncode == 1


def written_kinds(maker: str) -> set[str]:
    """Every literal kind that the source gives to a Finding, or to a FindingKind."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == maker:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    found.add(first.value)
    return found


def test_every_kind_of_finding_is_documented_with_what_to_do() -> None:
    rows = {
        row[0]: row[1:]
        for row in (re.split(r"(?<!\\) \| ", line.strip("| ")) for line in FINDINGS.splitlines() if line[:3] == "| `")
    }
    named = {word.strip("`") for word in rows}
    registered = written_kinds("FindingKind")
    assert registered >= {"moved-to-twin", "file-missing", *DAMAGE, *KINDS}, "the scan finds what it should"
    assert named == registered
    assert not written_kinds("Finding"), "a finding is made of its kind"
    assert all(
        severity in ("error", "warning", "info") and means and advice for severity, means, advice in rows.values()
    )


def test_every_registry_of_kinds_has_its_section() -> None:
    found = registries()
    assert found.keys() >= {"domains.beiwe.findings.DAMAGE", "domains.ocean.findings.KINDS", "zips.findings.ZIPS"}
    assert found.keys() == SECTIONS.keys(), "docs/generator/findings.py: SECTIONS"
    assert {one.word for kinds in found.values() for one in kinds.values()} == written_kinds("FindingKind")


def test_every_public_name_of_python_is_documented() -> None:
    page = PAGES["docs/reference/python.md"]
    for module in MODULES:
        names = getattr(bondstore, module).__all__
        assert [one for one in names if f"`{module}.{one}`" not in page and f"### {module}.{one}\n" not in page] == []
    modules = {one for one in bondstore.__all__ if inspect.ismodule(getattr(bondstore, one))}
    assert modules == {"beiwe", "screenlake", *MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_public_modules_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = doctest.testmod(getattr(bondstore, module), extraglobs={"bondstore": bondstore})
    assert told.failed == 0
    assert told.attempted


def test_every_command_stream_setting_and_exit_code_is_documented() -> None:
    reference = PAGES["docs/reference/commands.md"]
    assert all(f"\n## bondstore {' '.join(words)}\n" in reference for words in commands())
    assert all(re.search(rf"^\| \[?{name}\b", PAGES["docs/reference/streams.md"], re.M) for name in STREAMS)
    settings = PAGES["docs/reference/settings.md"]
    assert all(f"| `{name}` |" in settings for name in Profile.__dataclass_fields__ if name not in ("name", "sources"))
    assert all(f"\n| {int(code)} |" in PAGES["docs/reference/exit-codes.md"] for code in Exit)


def test_every_environment_variable_is_documented() -> None:
    spoken_of = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                spoken_of |= set(re.findall(r"^(?:AWS|AZURE|BEIWE|BONDSTORE|S3|XDG)_[A-Z0-9_]*[A-Z0-9]$", node.value))
    assert {"BONDSTORE_PROFILE", "S3_BUCKET", "AWS_REGION"} <= spoken_of, "the scan finds what it should"
    settings = PAGES["docs/reference/settings.md"]
    assert {name for name in spoken_of if f"`{name}`" not in settings} == set()
